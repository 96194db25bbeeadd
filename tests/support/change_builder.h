/* change_builder.h: devices and changes made by hand, for tests below the room that makes real
 * ones.
 */
#ifndef CHANGE_BUILDER_H
#define CHANGE_BUILDER_H

#include "test_env.h"
#include "veldkit/change.h"
#include "veldkit/p256.h"
#include "veldkit/sign.h"

typedef struct test_device {
    veld_id id;
    uint8_t incarnation[VELD_INCARNATION_BYTES];
    uint64_t number; /* of its last change */
    veld_p256_private key;
    veld_signer signer; /* with `key`; do not move the struct */
} test_device;

/* test_device_init: a device with a fresh key; release it. Needs veld_crypto_init. */
void test_device_init(test_device *device, test_env *world);
void test_device_release(test_device *device);

/* test_change_init: the device's next change at the world's time, without writes and signature:
 * the caller sets tree and commit_utc_s and signs. `parents` is sorted here and stays the caller's;
 * writes_hash is random. */
void test_change_init(veld_change *out, test_device *device, test_env *world,
    const veld_id *case_id, veld_parent *parents, size_t parents_count);

#endif

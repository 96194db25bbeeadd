/* founder.h: a case's id says which device founded it, so that nobody else can.
 *
 * Whoever may give the first key of a case decides who can read it: a device that could claim a
 * colleague's case by sending a key first would keep the right key away. No order of arrival can
 * settle that, for the relay chooses the order, and no counter-signature of the merger, for it
 * would sign what came first. So the id itself commits to the device:
 *
 *   id = 6 random bytes | first 10 bytes of H("veldkit/hash/case/1", device | the 6 random bytes)
 *
 * with the six bits of a UUID of version 8 (RFC 9562) set, which leaves 74 bits of the hash. Who
 * wants to claim a case must find a device id that fits and be enrolled under it. Two founders
 * never share an id, whatever their clocks and random sources do; one founder has 2^48 of them.
 * Source: security.md 2 ("the device that founded the case for epoch 1"); proto/WIRE.md, "Grant".
 */
#ifndef VELDKIT_FOUNDER_H
#define VELDKIT_FOUNDER_H

#include <stdbool.h>
#include <stdint.h>

#include "veldkit/env.h"
#include "veldkit/id.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { VELD_FOUNDER_CHANCE_BYTES = 6 };

/* veld_founder_new_id: the id of a case that `device` is going to found.
 * Expects: VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_founder_new_id(
    const veld_env *env, const veld_id *device, veld_id *out, veld_error *err) VELD_MUST_CHECK;
/* veld_founder_id: the same with these random bytes. */
veld_status veld_founder_id(const veld_id *device, const uint8_t chance[VELD_FOUNDER_CHANCE_BYTES],
    veld_id *out, veld_error *err) VELD_MUST_CHECK;
/* veld_founder_fits: may `device` have founded this case?
 * Expects: VELD_E_CRYPTO, VELD_E_MEMORY: `*out` is false then. */
veld_status veld_founder_fits(
    const veld_id *case_id, const veld_id *device, bool *out, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif

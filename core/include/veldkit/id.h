/* id.h: the two kinds of names that things have: ids that someone chose (UUID) and hashes that
 * follow from the bytes (SHA-256). */
#ifndef VELDKIT_ID_H
#define VELDKIT_ID_H

#include <stdbool.h>
#include <stdint.h>

#include "veldkit/bytes.h"
#include "veldkit/env.h"
#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    VELD_ID_BYTES = 16,
    VELD_ID_TEXT_SIZE = 37, /* with the end */
    VELD_HASH_BYTES = 32,
    VELD_HASH_TEXT_SIZE = 65
};

typedef struct veld_id {
    uint8_t bytes[VELD_ID_BYTES];
} veld_id;

typedef struct veld_hash {
    uint8_t bytes[VELD_HASH_BYTES];
} veld_hash;

/* veld_id_new: UUID version 7 (RFC 9562): 48 bits of the device's clock, 74 random bits. The clock
 * part only keeps neighbours together; nothing reads it as a time.
 * Expects: VELD_E_CRYPTO. */
veld_status veld_id_new(const veld_env *env, veld_id *out, veld_error *err) VELD_MUST_CHECK;
/* veld_id_parse: 8-4-4-4-12 hex digits, lower case; any version. Expects: VELD_E_FORM. */
veld_status veld_id_parse(veld_span text, veld_id *out) VELD_MUST_CHECK;
void veld_id_format(const veld_id *id, char out[VELD_ID_TEXT_SIZE]);
bool veld_id_equal(const veld_id *a, const veld_id *b);
int veld_id_compare(const veld_id *a, const veld_id *b);
bool veld_id_is_zero(const veld_id *id);
veld_span veld_id_span(const veld_id *id);

veld_status veld_hash_parse(veld_span text, veld_hash *out) VELD_MUST_CHECK;
void veld_hash_format(const veld_hash *hash, char out[VELD_HASH_TEXT_SIZE]);
bool veld_hash_equal(const veld_hash *a, const veld_hash *b);
int veld_hash_compare(const veld_hash *a, const veld_hash *b);
bool veld_hash_is_zero(const veld_hash *hash);
veld_span veld_hash_span(const veld_hash *hash);

#ifdef __cplusplus
}
#endif
#endif

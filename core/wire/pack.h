/* pack.h: the body of an envelope, packed. Inside the wire room. */
#ifndef VELD_WIRE_PACK_H
#define VELD_WIRE_PACK_H

#include "veldkit/bytes.h"

/* veld_pack: append mode u8 | length u32 | packed bytes to `out`. What packing does not make
 * smaller, or makes smaller than a reader would unpack again, is stored as it is.
 * Expects: VELD_E_LIMIT, VELD_E_MEMORY. */
veld_status veld_pack(veld_span body, veld_buf *out, veld_error *err) VELD_MUST_CHECK;

/* veld_unpack: the packed part at the start of `plain`: appends the body to `out`; `*used` is the
 * length of the part. Memory follows what comes out, never what the packed bytes say.
 * Expects: VELD_E_FORM, VELD_E_LIMIT (over VELD_ENVELOPE_BODY_BYTES_MAX or
 *          VELD_ENVELOPE_BODY_RATIO_MAX), VELD_E_NEWER (mode), VELD_E_MEMORY. */
veld_status veld_unpack(
    veld_span plain, veld_buf *out, size_t *used, veld_error *err) VELD_MUST_CHECK;

/* The dictionary: proto/dictionary/body-1.dict, made into C by the build. */
extern const unsigned char veld_body_dictionary[];
extern const size_t veld_body_dictionary_bytes;

#endif

/* directory_inner.h: what the forms under the namespace of the directory share. Their first value
 * says which of them it is. */
#ifndef DIRECTORY_INNER_H
#define DIRECTORY_INNER_H

#include "veldkit/directory.h"
#include "veldkit/directory_head.h"
#include "veldkit/signed_part.h"

enum {
    DIRECTORY_FORMAT_AGENCY = 0,
    DIRECTORY_FORMAT_DEVICE = 1,
    DIRECTORY_FORMAT_USER = 2,
    DIRECTORY_FORMAT_KEYS = 3, /* the agency again, a later edition */
    DIRECTORY_FORMATS
};
/* The keys that all of them begin with. */
enum { DIRECTORY_KEY_FORMAT = 0, DIRECTORY_KEY_ID = 1, DIRECTORY_KEY_NAME = 2 };

/* directory_name_is_valid: plain text with its end within `size`. */
bool directory_name_is_valid(const char *name, size_t size, bool may_be_empty);
void directory_put_start(
    veld_cbor_writer *writer, size_t keys, uint64_t format, const veld_id *id, const char *name);
void directory_put_key(veld_cbor_writer *writer, uint64_t key, const veld_p256_public *value);
veld_status directory_sign(veld_cbor_writer *writer, const veld_signer *signer,
    const veld_buf *body, veld_buf *out, veld_error *err) VELD_MUST_CHECK;

void directory_read_format(veld_cbor_reader *reader, uint64_t expected);
void directory_read_name(veld_cbor_reader *reader, bool may_be_empty, char *out);
void directory_read_point(veld_cbor_reader *reader, veld_p256_public *out);
void directory_read_position(veld_cbor_reader *reader, uint64_t *out);
/* directory_head_write: sign and append a head whose proofs are there. */
veld_status directory_head_write(const veld_directory_head *head, const veld_signer *merger,
    veld_buf *out, veld_error *err) VELD_MUST_CHECK;
/* directory_head_decode: take one apart that was proved before. */
veld_status directory_head_decode(
    veld_span bytes, veld_directory_head *out, veld_error *err) VELD_MUST_CHECK;

#endif

/* enrol_inner.h: what both sides of enrolment share. Inside the room. */
#ifndef VELD_SYNC_ENROL_INNER_H
#define VELD_SYNC_ENROL_INNER_H

#include "veldkit/cbor.h"
#include "veldkit/enrol.h"

enum { ENROL_FORMAT = 0, ENROL_NONCE_BYTES = 16, ENROL_MAC_BYTES = 32 };

/* What proves that the other side knows the code: HMAC(secret, context | ca | parts). */
typedef struct enrol_secret {
    uint8_t secret[VELD_ENROL_SECRET_BYTES];
    uint8_t ca[VELD_ENROL_CA_BYTES];
} enrol_secret;

veld_status enrol_mac(const enrol_secret *key, const char *context, veld_span before,
    veld_span body, veld_hash *out, veld_error *err) VELD_MUST_CHECK;

/* Signs as people type them: `count` signs of the first bits, in groups (0: none); 26 signs back.
 * What is typed instead of a sign that is not used is understood; spaces and dashes are skipped. */
enum { ENROL_SIGNED_BYTES = VELD_ENROL_SECRET_BYTES + VELD_ENROL_CA_BYTES };
void enrol_write_signs(veld_span bytes, size_t count, size_t group, char *out);
bool enrol_read_signs(veld_span text, uint8_t out[ENROL_SIGNED_BYTES]);

/* [body, mac]; the MAC may be empty. Views into `bytes`. */
veld_status enrol_put_pair(
    veld_span body, veld_span mac, veld_buf *out, veld_error *err) VELD_MUST_CHECK;
veld_status enrol_read_pair(
    veld_span bytes, size_t max, veld_span *body, veld_span *mac, veld_error *err) VELD_MUST_CHECK;

typedef struct enrol_request {
    veld_enrol_invitation invitation;
    veld_span card; /* bytes */
    veld_p256_public carrier;
    uint8_t nonce[ENROL_NONCE_BYTES];
    veld_span body, mac; /* views */
} enrol_request;

veld_status enrol_write_request(
    const enrol_request *request, veld_buf *out, veld_error *err) VELD_MUST_CHECK;
veld_status enrol_read_request(
    veld_span bytes, enrol_request *out, veld_error *err) VELD_MUST_CHECK;

typedef struct enrol_reply {
    veld_enrol_invitation invitation;
    veld_status status; /* VELD_OK, or why not; then the spans are empty */
    veld_span statement, certificate, ca, entry;
    uint8_t nonce[ENROL_NONCE_BYTES];
    veld_span body, mac; /* views */
} enrol_reply;

veld_status enrol_write_reply(
    const enrol_reply *reply, veld_buf *out, veld_error *err) VELD_MUST_CHECK;
veld_status enrol_read_reply(veld_span bytes, enrol_reply *out, veld_error *err) VELD_MUST_CHECK;

#endif

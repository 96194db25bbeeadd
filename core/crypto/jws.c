/* JWS ES256 with one header. The header is compared, not interpreted: it is taken apart by the
 * exact grammar that we write, so nothing of JSON's freedom and nothing of JOSE's negotiation gets
 * in. */
#include "veldkit/jws.h"

#include <string.h>

#include "ssh_wire.h"
#include "veldkit/assert.h"
#include "veldkit/hash.h"

#define HEADER_START  "{\"alg\":\"ES256\",\"kid\":\""
#define HEADER_MIDDLE "\",\"typ\":\""
#define HEADER_END    "\"}"

enum { HEADER_BYTES_MAX = 64 + 2 * VELD_JWS_NAME_MAX, SIGNATURE_CHARACTERS = 86 };

static const char name_extra[] = "._:+-/@";

static bool is_name(const char *text)
{
    return veld_ssh_is_name(text, VELD_JWS_NAME_MAX, name_extra);
}

/* The three parts of a compact JWS, still in base64url. */
typedef struct jws_parts {
    veld_span header;
    veld_span payload;
    veld_span signature;
    veld_span signed_text; /* header.payload */
} jws_parts;

static veld_status put_header(veld_buf *out, const char *type, const char *key_id)
{
    veld_buf json;
    veld_buf_init(&json, HEADER_BYTES_MAX);
    veld_status status;
    VELD_TRY(veld_buf_append_text(&json, HEADER_START));
    VELD_TRY(veld_buf_append_text(&json, key_id));
    VELD_TRY(veld_buf_append_text(&json, HEADER_MIDDLE));
    VELD_TRY(veld_buf_append_text(&json, type));
    VELD_TRY(veld_buf_append_text(&json, HEADER_END));
    VELD_TRY(veld_base64_encode(veld_buf_span(&json), true, out));
done:
    veld_buf_release(&json);
    return status;
}

veld_status veld_jws_sign(const veld_signer *signer, const char *type, const char *key_id,
    veld_span payload, veld_buf *out, veld_error *err)
{
    VELD_ASSERT(is_name(type));
    if (!is_name(key_id))
        return veld_fail(err, VELD_E_INVALID, "characters that a key id cannot have");
    if (payload.len > VELD_JWS_BYTES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "a document of more than %u bytes", VELD_JWS_BYTES_MAX);
    size_t before = out->len;
    veld_hash digest;
    veld_signature signature;
    veld_status status;
    VELD_TRY(put_header(out, type, key_id));
    VELD_TRY(veld_buf_append_byte(out, '.'));
    VELD_TRY(veld_base64_encode(payload, true, out));
    VELD_TRY(veld_sha256(veld_span_of(out->data + before, out->len - before), &digest, err));
    VELD_TRY(veld_sign_digest(signer, &digest, &signature, err));
    VELD_TRY(veld_buf_append_byte(out, '.'));
    VELD_TRY(veld_base64_encode(veld_span_of(signature.bytes, sizeof signature.bytes), true, out));
done:
    if (status == VELD_OK)
        return VELD_OK;
    out->len = before;
    return status == VELD_E_LIMIT ? veld_fail(err, status, "no room for the document") : status;
}

static size_t find_dot(veld_span text, size_t from)
{
    while (from < text.len && text.data[from] != '.')
        from++;
    return from;
}

static veld_status split(veld_span text, jws_parts *out, veld_error *err)
{
    if (text.len > VELD_JWS_TEXT_MAX)
        return veld_fail(
            err, VELD_E_LIMIT, "a document of more than %u characters", VELD_JWS_TEXT_MAX);
    size_t first = find_dot(text, 0);
    size_t second = find_dot(text, first + 1);
    if (second >= text.len || text.len - second - 1 != SIGNATURE_CHARACTERS)
        return veld_fail(err, VELD_E_FORM, "not a signed document in compact form");
    out->header = veld_span_part(text, 0, first);
    out->payload = veld_span_part(text, first + 1, second - first - 1);
    out->signature = veld_span_part(text, second + 1, SIGNATURE_CHARACTERS);
    out->signed_text = veld_span_part(text, 0, second);
    return VELD_OK;
}

static bool step_over(veld_span *rest, const char *text)
{
    const veld_span wanted = veld_span_text(text);
    if (!veld_span_equal(veld_span_part(*rest, 0, wanted.len), wanted))
        return false;
    *rest = veld_span_of(rest->data + wanted.len, rest->len - wanted.len);
    return true;
}

/* The characters of a name up to the quote that ends it. */
static bool take_name(veld_span *rest, char out[VELD_JWS_NAME_MAX + 1])
{
    size_t len = 0;
    while (len < rest->len && len < VELD_JWS_NAME_MAX && rest->data[len] != '"') {
        out[len] = (char)rest->data[len];
        len++;
    }
    out[len] = '\0';
    *rest = veld_span_of(rest->data + len, rest->len - len);
    return is_name(out) && strlen(out) == len;
}

static veld_status read_header(veld_span letters, veld_jws_header *out, veld_error *err)
{
    veld_jws_header read = {{0}, {0}};
    veld_buf json;
    veld_buf_init(&json, HEADER_BYTES_MAX);
    veld_status status = veld_base64_decode(letters, true, &json);
    if (status == VELD_OK) {
        veld_span rest = veld_buf_span(&json);
        bool fits = step_over(&rest, HEADER_START) && take_name(&rest, read.key_id) &&
                    step_over(&rest, HEADER_MIDDLE) && take_name(&rest, read.type) &&
                    step_over(&rest, HEADER_END) && rest.len == 0;
        status = fits ? VELD_OK : VELD_E_FORM;
    }
    veld_buf_release(&json);
    if (status == VELD_E_MEMORY)
        return veld_fail(err, status, "no memory for a header");
    if (status != VELD_OK)
        return veld_fail(err, VELD_E_FORM, "not the one header that documents have");
    *out = read;
    return VELD_OK;
}

veld_status veld_jws_peek(veld_span text, veld_jws_header *out, veld_error *err)
{
    jws_parts parts;
    veld_status status = split(text, &parts, err);
    if (status != VELD_OK)
        return status;
    return read_header(parts.header, out, err);
}

static veld_status read_signature(veld_span letters, veld_signature *out, veld_error *err)
{
    veld_buf bytes;
    veld_buf_init(&bytes, VELD_SIGNATURE_BYTES);
    veld_status status = veld_base64_decode(letters, true, &bytes);
    if (status == VELD_OK) {
        VELD_ASSERT(bytes.len == sizeof out->bytes);
        memcpy(out->bytes, bytes.data, sizeof out->bytes);
    } else {
        status = veld_fail(err, status, "a signature that is not base64url");
    }
    veld_buf_release(&bytes);
    return status;
}

veld_status veld_jws_verify(const veld_verifier *verifier, const veld_p256_public *key,
    const char *type, const char *key_id, veld_span text, veld_buf *payload, veld_error *err)
{
    VELD_ASSERT(is_name(type));
    jws_parts parts;
    veld_jws_header header;
    veld_signature signature;
    veld_hash digest;
    size_t before = payload->len;
    veld_status status;
    VELD_TRY(split(text, &parts, err));
    VELD_TRY(read_header(parts.header, &header, err));
    VELD_TRY(read_signature(parts.signature, &signature, err));
    status = veld_base64_decode(parts.payload, true, payload);
    if (status != VELD_OK)
        VELD_TRY(veld_fail(err, status, "a payload that cannot be decoded"));
    if (payload->len - before > VELD_JWS_BYTES_MAX)
        VELD_TRY(
            veld_fail(err, VELD_E_LIMIT, "a document of more than %u bytes", VELD_JWS_BYTES_MAX));
    if (strcmp(header.type, type) != 0 || strcmp(header.key_id, key_id) != 0)
        VELD_TRY(veld_fail(err, VELD_E_FORGED, "a document of another type or signer"));
    VELD_TRY(veld_sha256(parts.signed_text, &digest, err));
    VELD_TRY(veld_verify_digest(verifier, key, &digest, &signature, err));
done:
    if (status != VELD_OK)
        payload->len = before;
    return status;
}

/* SSHSIG. Reading is strict by construction: what was read is written again and must give the same
 * bytes, so a second text for the same signature cannot exist. */
#include "veldkit/sshsig.h"

#include <string.h>

#include "primitive.h"
#include "ssh_wire.h"
#include "veldkit/assert.h"
#include "veldkit/hash.h"

#define MAGIC      "SSHSIG"
#define HASH_NAME  "sha512"
#define BEGIN_LINE "-----BEGIN SSH SIGNATURE-----\n"
#define END_LINE   "-----END SSH SIGNATURE-----\n"

enum { VERSION = 1, LINE_CHARACTERS = 70, NUMBER_BYTES = 32 };

static const char namespace_extra[] = "._@/-";

static bool is_namespace(const char *text)
{
    return veld_ssh_is_name(text, VELD_SSHSIG_NAMESPACE_MAX, namespace_extra);
}

/* namespace | reserved | hash name: the same in what is signed and in the text. */
static veld_status put_common(veld_buf *out, const char *name_space)
{
    veld_status status;
    VELD_TRY(veld_ssh_put_string(out, veld_span_text(name_space)));
    VELD_TRY(veld_ssh_put_string(out, veld_span_of(NULL, 0)));
    VELD_TRY(veld_ssh_put_string(out, veld_span_text(HASH_NAME)));
done:
    return status;
}

/* The digest that is signed: SHA-256 (that of the signature algorithm) over magic, namespace and
 * the SHA-512 of the message. */
static veld_status digest_of(
    const char *name_space, veld_span message, veld_hash *out, veld_error *err)
{
    VELD_ASSERT(is_namespace(name_space));
    uint8_t message_hash[VELD_SHA512_BYTES];
    veld_buf blob;
    veld_buf_init(&blob, VELD_SIGNATURE_TEXT_MAX);
    veld_status status;
    VELD_TRY(veld_sha512(message, message_hash, err));
    VELD_TRY(veld_buf_append_text(&blob, MAGIC));
    VELD_TRY(put_common(&blob, name_space));
    VELD_TRY(veld_ssh_put_string(&blob, veld_span_of(message_hash, sizeof message_hash)));
    VELD_TRY(veld_sha256(veld_buf_span(&blob), out, err));
done:
    veld_buf_release(&blob);
    return status;
}

veld_status veld_sshsig_sign(const veld_signer *signer, const char *name_space, veld_span message,
    veld_signature *out, veld_error *err)
{
    veld_hash digest;
    veld_status status = digest_of(name_space, message, &digest, err);
    if (status != VELD_OK)
        return status;
    return veld_sign_digest(signer, &digest, out, err);
}

veld_status veld_sshsig_verify(const veld_verifier *verifier, const veld_p256_public *key,
    const char *name_space, veld_span message, const veld_signature *signature, veld_error *err)
{
    veld_hash digest;
    veld_status status = digest_of(name_space, message, &digest, err);
    if (status != VELD_OK)
        return status;
    return veld_verify_digest(verifier, key, &digest, signature, err);
}

/* string type | string (mpint r | mpint s) */
static veld_status put_signature(veld_buf *out, const veld_signature *signature)
{
    veld_buf numbers;
    veld_buf_init(&numbers, 2 * (4 + 1 + NUMBER_BYTES));
    veld_status status;
    VELD_TRY(veld_ssh_put_mpint(&numbers, veld_span_of(signature->bytes, NUMBER_BYTES)));
    VELD_TRY(
        veld_ssh_put_mpint(&numbers, veld_span_of(signature->bytes + NUMBER_BYTES, NUMBER_BYTES)));
    VELD_TRY(veld_ssh_put_string(out, veld_span_text(SSH_KEY_TYPE)));
    VELD_TRY(veld_ssh_put_string(out, veld_buf_span(&numbers)));
done:
    veld_buf_release(&numbers);
    return status;
}

static veld_status put_blob(veld_buf *out, const veld_p256_public *key, const char *name_space,
    const veld_signature *signature)
{
    static const uint8_t version[4] = {0, 0, 0, VERSION};
    veld_buf part;
    veld_buf_init(&part, VELD_SIGNATURE_TEXT_MAX);
    veld_status status;
    VELD_TRY(veld_buf_append_text(out, MAGIC));
    VELD_TRY(veld_buf_append(out, version, sizeof version));
    VELD_TRY(veld_ssh_put_key(&part, key));
    VELD_TRY(veld_ssh_put_string(out, veld_buf_span(&part)));
    VELD_TRY(put_common(out, name_space));
    veld_buf_clear(&part);
    VELD_TRY(put_signature(&part, signature));
    VELD_TRY(veld_ssh_put_string(out, veld_buf_span(&part)));
done:
    veld_buf_release(&part);
    return status;
}

static veld_status put_lines(veld_buf *out, veld_span letters)
{
    veld_status status = VELD_OK;
    for (size_t at = 0; at < letters.len; at += LINE_CHARACTERS) {
        size_t rest = letters.len - at;
        size_t len = rest < LINE_CHARACTERS ? rest : LINE_CHARACTERS;
        VELD_TRY(veld_buf_append(out, letters.data + at, len));
        VELD_TRY(veld_buf_append_byte(out, '\n'));
    }
done:
    return status;
}

veld_status veld_sshsig_write(const veld_p256_public *key, const char *name_space,
    const veld_signature *signature, veld_buf *out, veld_error *err)
{
    VELD_ASSERT(is_namespace(name_space));
    veld_buf blob;
    veld_buf letters;
    veld_buf_init(&blob, VELD_SIGNATURE_TEXT_MAX);
    veld_buf_init(&letters, VELD_SIGNATURE_TEXT_MAX);
    size_t before = out->len;
    veld_status status;
    VELD_TRY(put_blob(&blob, key, name_space, signature));
    VELD_TRY(veld_base64_encode(veld_buf_span(&blob), false, &letters));
    VELD_TRY(veld_buf_append_text(out, BEGIN_LINE));
    VELD_TRY(put_lines(out, veld_buf_span(&letters)));
    VELD_TRY(veld_buf_append_text(out, END_LINE));
done:
    veld_buf_release(&blob);
    veld_buf_release(&letters);
    if (status == VELD_OK)
        return VELD_OK;
    out->len = before;
    return veld_fail(err, status, "no room for a signature's text");
}

/* The bytes between the two marker lines. */
static veld_status unarmor(veld_span text, veld_buf *blob)
{
    const veld_span begin = veld_span_text(BEGIN_LINE);
    const veld_span end = veld_span_text(END_LINE);
    if (text.len < begin.len + end.len ||
        !veld_span_equal(veld_span_part(text, 0, begin.len), begin) ||
        !veld_span_equal(veld_span_part(text, text.len - end.len, end.len), end))
        return VELD_E_FORM;
    const veld_span lines = veld_span_part(text, begin.len, text.len - begin.len - end.len);
    veld_buf letters;
    veld_buf_init(&letters, VELD_SIGNATURE_TEXT_MAX);
    veld_status status;
    for (size_t i = 0; i < lines.len; i++)
        if (lines.data[i] != '\n')
            VELD_TRY(veld_buf_append_byte(&letters, lines.data[i]));
    VELD_TRY(veld_base64_decode(veld_buf_span(&letters), false, blob));
done:
    veld_buf_release(&letters);
    return status;
}

static veld_status get_signature(veld_span blob, veld_signature *out)
{
    veld_span type;
    veld_span numbers;
    veld_status status;
    VELD_TRY(veld_ssh_get_string(&blob, &type));
    VELD_TRY(veld_ssh_get_string(&blob, &numbers));
    if (!veld_span_equal(type, veld_span_text(SSH_KEY_TYPE)))
        return VELD_E_FORM;
    VELD_TRY(veld_ssh_get_number(&numbers, out->bytes));
    VELD_TRY(veld_ssh_get_number(&numbers, out->bytes + NUMBER_BYTES));
done:
    return status;
}

/* Takes out key, namespace and signature. What it passes over here (version, hash name, trailing
 * bytes) is caught when the text is written again. */
static veld_status get_blob(veld_span blob, veld_sshsig *out, veld_error *err)
{
    const size_t head = sizeof MAGIC - 1 + 4;
    veld_span key;
    veld_span name_space;
    veld_span passed;
    veld_span signature;
    if (blob.len < head)
        return VELD_E_FORM;
    blob = veld_span_part(blob, head, blob.len - head);
    veld_status status;
    VELD_TRY(veld_ssh_get_string(&blob, &key));
    VELD_TRY(veld_ssh_get_string(&blob, &name_space));
    VELD_TRY(veld_ssh_get_string(&blob, &passed)); /* reserved */
    VELD_TRY(veld_ssh_get_string(&blob, &passed)); /* hash name */
    VELD_TRY(veld_ssh_get_string(&blob, &signature));
    VELD_TRY(veld_ssh_get_key(key, &out->key, err));
    if (name_space.len > VELD_SSHSIG_NAMESPACE_MAX)
        return VELD_E_FORM;
    if (name_space.len > 0)
        memcpy(out->name_space, name_space.data, name_space.len);
    if (!is_namespace(out->name_space))
        return VELD_E_FORM;
    VELD_TRY(get_signature(signature, &out->signature));
done:
    return status;
}

veld_status veld_sshsig_read(veld_span text, veld_sshsig *out, veld_error *err)
{
    if (text.len > VELD_SIGNATURE_TEXT_MAX)
        return veld_fail(
            err, VELD_E_LIMIT, "a signature of more than %u characters", VELD_SIGNATURE_TEXT_MAX);
    veld_sshsig read = {0};
    veld_buf blob;
    veld_buf again;
    veld_buf_init(&blob, VELD_SIGNATURE_TEXT_MAX);
    veld_buf_init(&again, VELD_SIGNATURE_TEXT_MAX);
    veld_status status;
    VELD_TRY(unarmor(text, &blob));
    VELD_TRY(get_blob(veld_buf_span(&blob), &read, err));
    VELD_TRY(veld_sshsig_write(&read.key, read.name_space, &read.signature, &again, err));
    if (!veld_span_equal(text, veld_buf_span(&again)))
        VELD_TRY(VELD_E_FORM);
    *out = read;
done:
    veld_buf_release(&blob);
    veld_buf_release(&again);
    if (status == VELD_E_FORM)
        return veld_fail(err, VELD_E_FORM, "not a signature as ssh-keygen writes it");
    return status;
}

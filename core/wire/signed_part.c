/* The form of what is signed by itself. */
#include "veldkit/signed_part.h"

#include "veldkit/sshsig.h"

veld_status veld_signed_write(const veld_signer *signer, const char *name_space, veld_span body,
    veld_buf *out, veld_error *err)
{
    veld_signature signature;
    veld_status status = veld_sshsig_sign(signer, name_space, body, &signature, err);
    if (status != VELD_OK)
        return status;
    veld_cbor_writer writer = veld_cbor_write(out);
    veld_cbor_put_array(&writer, 2);
    veld_cbor_put_bytes(&writer, body);
    veld_cbor_put_bytes(&writer, veld_span_of(signature.bytes, sizeof signature.bytes));
    return veld_cbor_writer_finish(&writer, err);
}

veld_status veld_signed_read(
    veld_span bytes, size_t max, veld_span *body, veld_signature *signature, veld_error *err)
{
    if (bytes.len > max)
        return veld_fail(err, VELD_E_LIMIT, "over %zu bytes", max);
    veld_cbor_reader reader = veld_cbor_read(bytes);
    if (veld_cbor_array(&reader, 2) != 2)
        veld_cbor_reader_fail(&reader, VELD_E_FORM);
    *body = veld_cbor_bytes(&reader);
    veld_cbor_fixed(&reader, signature->bytes, sizeof signature->bytes);
    return veld_cbor_reader_finish(&reader, err);
}

veld_status veld_signed_again(const veld_signer *signer, const char *name_space, veld_span bytes,
    veld_buf *out, veld_error *err)
{
    veld_span body = {0};
    veld_signature before;
    veld_status status = veld_signed_read(bytes, bytes.len, &body, &before, err);
    return status == VELD_OK ? veld_signed_write(signer, name_space, body, out, err) : status;
}

bool veld_signed_next(veld_cbor_reader *reader, uint64_t *last, uint64_t expected, uint64_t known)
{
    uint64_t key = veld_cbor_key(reader, last);
    if (reader->status != VELD_OK)
        return false;
    if (key < known && key == expected)
        return true;
    if (key < known || expected < known)
        veld_cbor_reader_fail(reader, VELD_E_FORM);
    else if (key < VELD_SIGNED_SKIP_FROM)
        veld_cbor_reader_fail(reader, VELD_E_NEWER);
    else
        (void)veld_cbor_skip(reader);
    return false;
}

veld_status veld_signed_body(veld_span body, uint64_t least, uint64_t keys,
    veld_signed_value *value, void *to, veld_error *err)
{
    veld_cbor_reader reader = veld_cbor_read(body);
    uint64_t last = VELD_CBOR_NO_KEY;
    size_t count = veld_cbor_map(&reader, VELD_SIGNED_KEYS_MAX);
    for (uint64_t key = 0; key < count && reader.status == VELD_OK; key++)
        if (veld_signed_next(&reader, &last, key, keys))
            value(&reader, key, to);
    if (count < least)
        veld_cbor_reader_fail(&reader, VELD_E_FORM);
    return veld_cbor_reader_finish(&reader, err);
}

veld_status veld_signed_decode(
    veld_span bytes, const veld_signed_form *form, void *to, veld_error *err)
{
    veld_span body = {0};
    veld_signature signature;
    veld_status status = veld_signed_read(bytes, form->bytes_max, &body, &signature, err);
    if (status == VELD_OK)
        status = veld_signed_body(body, form->least, form->keys, form->value, to, err);
    return status;
}

veld_status veld_signed_verify(veld_span bytes, const veld_signed_form *form,
    const veld_verifier *verifier, const veld_p256_public *key, veld_error *err)
{
    veld_span body = {0};
    veld_signature signature;
    veld_status status = veld_signed_read(bytes, form->bytes_max, &body, &signature, err);
    return status == VELD_OK
               ? veld_sshsig_verify(verifier, key, form->name_space, body, &signature, err)
               : status;
}

veld_status veld_signed_verify_at(veld_span bytes, const veld_signed_form *form,
    const veld_verifier *verifier, const veld_p256_public *key, veld_sign_place place,
    veld_error *err)
{
    const veld_verifier_bound bound = {.inner = *verifier, .place = place};
    const veld_verifier at = veld_verifier_at(&bound);
    return veld_signed_verify(bytes, form, &at, key, err);
}

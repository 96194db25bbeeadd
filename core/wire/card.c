/* Cards: a device's public side for a colleague without an agency between them. */
#include "veldkit/card.h"

#include <string.h>

#include "veldkit/context.h"
#include "veldkit/hash.h"
#include "veldkit/signed_part.h"

enum {
    FORMAT = 0,
    KEY_FORMAT = 0,
    KEY_DEVICE,
    KEY_SIGN,
    KEY_SEAL,
    KEY_NAME,
    KEYS,
    CODE_SIGNS = 12,
    CODE_GROUP = 4,
    CODE_BITS = 5
};

/* What two people read aloud: no control characters. */
static bool name_is_valid(veld_span name)
{
    if (name.len == 0 || name.len > VELD_CARD_NAME_BYTES_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (name.data[i] < 0x20 || name.data[i] == 0x7F)
            return false;
    return veld_cbor_text_is_valid(name);
}

static veld_status encode_body(
    const veld_card *card, const veld_p256_public *sign_key, veld_buf *out, veld_error *err)
{
    veld_cbor_writer writer = veld_cbor_write(out);
    veld_cbor_put_map(&writer, KEYS);
    veld_cbor_put_uint(&writer, KEY_FORMAT);
    veld_cbor_put_uint(&writer, FORMAT);
    veld_cbor_put_uint(&writer, KEY_DEVICE);
    veld_cbor_put_bytes(&writer, veld_id_span(&card->device));
    veld_cbor_put_uint(&writer, KEY_SIGN);
    veld_cbor_put_bytes(&writer, veld_p256_public_span(sign_key));
    veld_cbor_put_uint(&writer, KEY_SEAL);
    veld_cbor_put_bytes(&writer, veld_p256_public_span(&card->seal_key));
    veld_cbor_put_uint(&writer, KEY_NAME);
    veld_cbor_put_text(&writer, veld_span_text(card->name));
    return veld_cbor_writer_finish(&writer, err);
}

veld_status veld_card_make(
    const veld_card *card, const veld_signer *signer, veld_buf *out, veld_error *err)
{
    if (memchr(card->name, 0, sizeof card->name) == NULL ||
        !name_is_valid(veld_span_text(card->name)))
        return veld_fail(err, VELD_E_INVALID, "the name of the card is empty or not plain text");
    veld_status status;
    veld_buf body;
    veld_buf_init(&body, VELD_CARD_BYTES_MAX);
    VELD_TRY(encode_body(card, &signer->public_key, &body, err));
    status = veld_signed_write(signer, VELD_NAMESPACE_CARD, veld_buf_span(&body), out, err);
done:
    veld_buf_release(&body);
    return status;
}

static void read_key(veld_cbor_reader *reader, uint64_t key, void *to)
{
    veld_card *out = to;
    veld_span name;
    switch (key) {
    case KEY_FORMAT:
        if (veld_cbor_uint(reader) > FORMAT)
            veld_cbor_reader_fail(reader, VELD_E_NEWER);
        break;
    case KEY_DEVICE:
        veld_cbor_fixed(reader, out->device.bytes, sizeof out->device.bytes);
        break;
    case KEY_SIGN:
        veld_cbor_fixed(reader, out->sign_key.bytes, sizeof out->sign_key.bytes);
        break;
    case KEY_SEAL:
        veld_cbor_fixed(reader, out->seal_key.bytes, sizeof out->seal_key.bytes);
        break;
    default:
        name = veld_cbor_text(reader);
        if (!name_is_valid(name))
            veld_cbor_reader_fail(reader, VELD_E_FORM);
        else
            memcpy(out->name, name.data, name.len);
        break;
    }
}

static const veld_signed_form FORM = {
    VELD_NAMESPACE_CARD, VELD_CARD_BYTES_MAX, KEYS, KEYS, read_key};

veld_status veld_card_read(
    veld_span bytes, const veld_verifier *verifier, veld_card *out, veld_error *err)
{
    veld_status status;
    veld_card card = {0};
    veld_p256_public checked;
    *out = card;
    VELD_TRY(veld_signed_decode(bytes, &FORM, &card, err));
    if (veld_id_is_zero(&card.device))
        VELD_TRY(veld_fail(err, VELD_E_FORM, "a card without a device"));
    VELD_TRY(veld_p256_public_read(veld_p256_public_span(&card.sign_key), &checked, err));
    VELD_TRY(veld_p256_public_read(veld_p256_public_span(&card.seal_key), &checked, err));
    VELD_TRY(veld_signed_verify(bytes, &FORM, verifier, &card.sign_key, err));
    *out = card;
done:
    return status;
}

/* ---- as text ---- */
veld_status veld_card_to_text(veld_span bytes, veld_buf *out, veld_error *err)
{
    veld_status status;
    size_t start = out->len;
    VELD_TRY(veld_buf_append_text(out, VELD_CARD_PREFIX));
    VELD_TRY(veld_base64_encode(bytes, true, out));
    return VELD_OK;
done:
    out->len = start;
    return veld_fail(err, status, "cannot hold the card's text");
}

static bool is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

veld_status veld_card_from_text(veld_span text, veld_buf *out, veld_error *err)
{
    while (text.len > 0 && is_space(text.data[0]))
        text = veld_span_of(text.data + 1, text.len - 1);
    while (text.len > 0 && is_space(text.data[text.len - 1]))
        text.len--;
    veld_span prefix = veld_span_text(VELD_CARD_PREFIX);
    if (!veld_span_equal(veld_span_part(text, 0, prefix.len), prefix))
        return veld_fail(err, VELD_E_FORM, "not a card: it starts with " VELD_CARD_PREFIX);
    if (text.len > 2u * VELD_CARD_BYTES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "the card is too long");
    size_t start = out->len;
    veld_status status =
        veld_base64_decode(veld_span_part(text, prefix.len, text.len - prefix.len), true, out);
    if (status == VELD_OK)
        return VELD_OK;
    out->len = start;
    return veld_fail(err, status, "the card's text is not whole");
}

veld_status veld_card_code(veld_span bytes, char out[VELD_CARD_CODE_SIZE], veld_error *err)
{
    static const char signs[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    veld_hash hash;
    veld_status status = veld_hash_named(VELD_CONTEXT_HASH_CARD, &bytes, 1, &hash, err);
    if (status != VELD_OK)
        return status;
    size_t at = 0;
    for (size_t i = 0; i < CODE_SIGNS; i++) {
        unsigned value = 0;
        for (size_t bit = i * CODE_BITS; bit < (i + 1) * CODE_BITS; bit++)
            value = value << 1 | ((unsigned)hash.bytes[bit / 8] >> (7 - bit % 8) & 1u);
        if (i > 0 && i % CODE_GROUP == 0)
            out[at++] = '-';
        out[at++] = signs[value];
    }
    out[at] = 0;
    return VELD_OK;
}

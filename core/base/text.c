/* Bytes as text: hex and base64, both strict, so that one value has one text. */
#include "veldkit/bytes.h"

#include "veldkit/assert.h"
#include "veldkit/number.h"

void veld_hex_encode(veld_span bytes, char *out, size_t out_size)
{
    static const char digits[] = "0123456789abcdef";
    VELD_ASSERT(bytes.len <= (out_size - 1) / 2);
    for (size_t i = 0; i < bytes.len; i++) {
        out[2 * i] = digits[bytes.data[i] >> 4];
        out[2 * i + 1] = digits[bytes.data[i] & 0x0F];
    }
    out[2 * bytes.len] = '\0';
}

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

veld_status veld_hex_decode(veld_span text, uint8_t *out, size_t out_bytes)
{
    if (text.len % 2 != 0 || text.len / 2 != out_bytes)
        return VELD_E_FORM;
    for (size_t i = 0; i < out_bytes; i++) {
        int high = hex_value(text.data[2 * i]);
        int low = hex_value(text.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return VELD_E_FORM;
        out[i] = (uint8_t)((high << 4) | low);
    }
    return VELD_OK;
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char alphabet_url[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

veld_status veld_base64_encode(veld_span bytes, bool url, veld_buf *out)
{
    const char *letters = url ? alphabet_url : alphabet;
    size_t groups = bytes.len / 3;
    size_t rest = bytes.len % 3;
    size_t size;
    if (!veld_size_multiply(groups + (rest > 0), 4, &size))
        return VELD_E_LIMIT;
    if (url && rest > 0)
        size -= 3 - rest;
    if (size == 0)
        return VELD_OK;
    uint8_t *next;
    veld_status status = veld_buf_extend(out, size, &next);
    if (status != VELD_OK)
        return status;

    const uint8_t *in = bytes.data;
    for (size_t i = 0; i < groups; i++, in += 3) {
        *next++ = (uint8_t)letters[in[0] >> 2];
        *next++ = (uint8_t)letters[((in[0] & 0x03) << 4) | (in[1] >> 4)];
        *next++ = (uint8_t)letters[((in[1] & 0x0F) << 2) | (in[2] >> 6)];
        *next++ = (uint8_t)letters[in[2] & 0x3F];
    }
    if (rest == 0)
        return VELD_OK;
    uint8_t second = rest == 2 ? in[1] : 0;
    *next++ = (uint8_t)letters[in[0] >> 2];
    *next++ = (uint8_t)letters[((in[0] & 0x03) << 4) | (second >> 4)];
    if (rest == 2)
        *next++ = (uint8_t)letters[(second & 0x0F) << 2];
    for (size_t i = rest; i < 3 && !url; i++)
        *next++ = '=';
    return VELD_OK;
}

static int base64_value(uint8_t c, bool url)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == (url ? '-' : '+'))
        return 62;
    if (c == (url ? '_' : '/'))
        return 63;
    return -1;
}

/* The text without padding, or a length of SIZE_MAX when the padding is wrong. */
static size_t unpadded_length(veld_span text, bool url)
{
    if (url)
        return text.len % 4 == 1 ? SIZE_MAX : text.len;
    if (text.len % 4 != 0)
        return SIZE_MAX;
    size_t len = text.len;
    for (int i = 0; i < 2 && len > 0 && text.data[len - 1] == '='; i++)
        len--;
    return len;
}

veld_status veld_base64_decode(veld_span text, bool url, veld_buf *out)
{
    size_t len = unpadded_length(text, url);
    if (len == SIZE_MAX)
        return VELD_E_FORM;
    size_t before = out->len;
    uint32_t bits = 0;
    unsigned count = 0;
    for (size_t i = 0; i < len; i++) {
        int value = base64_value(text.data[i], url);
        if (value < 0)
            goto malformed;
        bits = (bits << 6) | (uint32_t)value;
        count += 6;
        if (count < 8)
            continue;
        count -= 8;
        veld_status status = veld_buf_append_byte(out, (uint8_t)(bits >> count));
        if (status != VELD_OK) {
            out->len = before;
            return status;
        }
        bits &= (1u << count) - 1;
    }
    if (bits != 0)
        goto malformed;
    return VELD_OK;
malformed:
    out->len = before;
    return VELD_E_FORM;
}

/* SSH's length-prefixed strings and multi-precision integers. Readers give views into their input
 * and check each length against what is left before they use it. */
#include "ssh_wire.h"

#include <string.h>

#include "veldkit/assert.h"
#include "veldkit/number.h"

enum { NUMBER_BYTES = 32 };

veld_status veld_ssh_put_string(veld_buf *out, veld_span bytes)
{
    VELD_ASSERT(bytes.len <= UINT32_MAX);
    uint8_t length[4];
    veld_put_u32(length, (uint32_t)bytes.len);
    veld_status status = veld_buf_append(out, length, sizeof length);
    if (status != VELD_OK)
        return status;
    return veld_buf_append_span(out, bytes);
}

veld_status veld_ssh_put_mpint(veld_buf *out, veld_span number)
{
    uint8_t bytes[1 + NUMBER_BYTES] = {0};
    VELD_ASSERT(number.len == NUMBER_BYTES);
    memcpy(bytes + 1, number.data, NUMBER_BYTES);
    size_t first = 0; /* of the shortest form: one zero byte stays where the next has its top bit */
    while (first < sizeof bytes && bytes[first] == 0)
        first++;
    if (first < sizeof bytes && (bytes[first] & 0x80) != 0)
        first--;
    return veld_ssh_put_string(out, veld_span_of(bytes + first, sizeof bytes - first));
}

veld_status veld_ssh_put_key(veld_buf *out, const veld_p256_public *key)
{
    veld_status status;
    VELD_TRY(veld_ssh_put_string(out, veld_span_text(SSH_KEY_TYPE)));
    VELD_TRY(veld_ssh_put_string(out, veld_span_text(SSH_CURVE_NAME)));
    VELD_TRY(veld_ssh_put_string(out, veld_p256_public_span(key)));
done:
    return status;
}

veld_status veld_ssh_get_string(veld_span *rest, veld_span *out)
{
    if (rest->len < 4)
        return VELD_E_FORM;
    size_t len = veld_get_u32(rest->data);
    if (len > rest->len - 4)
        return VELD_E_FORM;
    *out = veld_span_of(rest->data + 4, len);
    *rest = veld_span_of(rest->data + 4 + len, rest->len - 4 - len);
    return VELD_OK;
}

veld_status veld_ssh_get_number(veld_span *rest, uint8_t out[NUMBER_BYTES])
{
    veld_span bytes;
    veld_status status = veld_ssh_get_string(rest, &bytes);
    if (status != VELD_OK)
        return status;
    if (bytes.len > 0 && (bytes.data[0] & 0x80) != 0)
        return VELD_E_FORM; /* negative */
    if (bytes.len > 0 && bytes.data[0] == 0) {
        if (bytes.len < 2 || (bytes.data[1] & 0x80) == 0)
            return VELD_E_FORM; /* not the shortest form */
        bytes = veld_span_part(bytes, 1, bytes.len - 1);
    }
    if (bytes.len > NUMBER_BYTES)
        return VELD_E_FORM;
    memset(out, 0, NUMBER_BYTES);
    if (bytes.len > 0)
        memcpy(out + NUMBER_BYTES - bytes.len, bytes.data, bytes.len);
    return VELD_OK;
}

veld_status veld_ssh_get_key(veld_span blob, veld_p256_public *out, veld_error *err)
{
    veld_span type;
    veld_span curve;
    veld_span point;
    veld_status status;
    VELD_TRY(veld_ssh_get_string(&blob, &type));
    VELD_TRY(veld_ssh_get_string(&blob, &curve));
    VELD_TRY(veld_ssh_get_string(&blob, &point));
    if (blob.len != 0 || !veld_span_equal(type, veld_span_text(SSH_KEY_TYPE)) ||
        !veld_span_equal(curve, veld_span_text(SSH_CURVE_NAME)))
        VELD_TRY(VELD_E_FORM);
    return veld_p256_public_read(point, out, err);
done:
    return veld_fail(err, status, "not a key of type " SSH_KEY_TYPE);
}

bool veld_ssh_is_name(const char *text, size_t len_max, const char *extra)
{
    size_t len = 0;
    for (; text[len] != '\0'; len++) {
        char c = text[len];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool digit = c >= '0' && c <= '9';
        if (len == len_max || (!letter && !digit && strchr(extra, c) == NULL))
            return false;
    }
    return len > 0;
}

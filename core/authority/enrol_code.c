/* The code of an invitation: what a person reads from paper and types. Its signs are base32 without
 * I, L, O and U, and what people type instead of the others is understood. */
#include "veldkit/enrol.h"

#include <string.h>

#include "enrol_inner.h"
#include "veldkit/context.h"
#include "veldkit/hash.h"

static const char signs[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

enum { SIGN_BITS = 5, CODE_BYTES = ENROL_SIGNED_BYTES };

/* The `count` signs of the first bits; bits behind the end are zero. */
void enrol_write_signs(veld_span bytes, size_t count, size_t group, char *out)
{
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned value = 0;
        for (size_t bit = i * SIGN_BITS; bit < (i + 1) * SIGN_BITS; bit++) {
            unsigned byte = bit / 8 < bytes.len ? bytes.data[bit / 8] : 0;
            value = value << 1 | (byte >> (7 - bit % 8) & 1u);
        }
        if (group > 0 && i > 0 && i % group == 0)
            out[at++] = '-';
        out[at++] = signs[value];
    }
    out[at] = 0;
}

/* The value of a sign, or -1. */
static int sign_value(uint8_t sign)
{
    if (sign >= 'a' && sign <= 'z')
        sign = (uint8_t)(sign - 'a' + 'A');
    if (sign == 'O')
        sign = '0';
    if (sign == 'I' || sign == 'L')
        sign = '1';
    const char *found = sign == 0 ? NULL : strchr(signs, sign);
    return found == NULL ? -1 : (int)(found - signs);
}

/* What people put between the signs. */
static bool is_spacing(uint8_t sign)
{
    return sign == ' ' || sign == '-' || sign == '\t';
}

static bool address_is_valid(veld_span address)
{
    if (address.len == 0 || address.len > VELD_ENROL_ADDRESS_BYTES_MAX)
        return false;
    for (size_t i = 0; i < address.len; i++) {
        if (address.data[i] <= ' ' || address.data[i] > '~' || address.data[i] == '#')
            return false;
    }
    return true;
}

veld_status veld_enrol_code_make(const veld_env *env, const char *address, const veld_hash *ca_hash,
    veld_enrol_code *out, veld_error *err)
{
    *out = (veld_enrol_code){0};
    veld_span text = veld_span_text(address);
    if (!address_is_valid(text))
        return veld_fail(err, VELD_E_INVALID, "the address is empty or not plain text");
    memcpy(out->address, text.data, text.len);
    memcpy(out->ca, ca_hash->bytes, sizeof out->ca);
    return veld_env_random(env, out->secret, sizeof out->secret, err);
}

void veld_enrol_code_format(const veld_enrol_code *code, char out[VELD_ENROL_CODE_SIZE])
{
    uint8_t bytes[CODE_BYTES];
    size_t len = strlen(code->address);
    memcpy(bytes, code->secret, sizeof code->secret);
    memcpy(bytes + sizeof code->secret, code->ca, sizeof code->ca);
    memcpy(out, code->address, len);
    out[len] = '#';
    enrol_write_signs(veld_span_of(bytes, sizeof bytes), VELD_ENROL_SIGNS, 0, out + len + 1);
    veld_wipe(bytes, sizeof bytes);
}

static veld_span trimmed(veld_span text)
{
    while (text.len > 0 && text.data[0] <= ' ')
        text = veld_span_of(text.data + 1, text.len - 1);
    while (text.len > 0 && text.data[text.len - 1] <= ' ')
        text.len--;
    return text;
}

/* 26 signs are 130 bits: the last two are zero. */
bool enrol_read_signs(veld_span text, uint8_t out[CODE_BYTES])
{
    size_t count = 0;
    unsigned rest = 0;
    memset(out, 0, CODE_BYTES);
    for (size_t i = 0; i < text.len; i++) {
        uint8_t sign = text.data[i];
        if (is_spacing(sign))
            continue;
        int value = sign_value(sign);
        if (value < 0 || count == VELD_ENROL_SIGNS)
            return false;
        for (size_t bit = 0; bit < SIGN_BITS; bit++) {
            size_t at = count * SIGN_BITS + bit;
            unsigned one = (unsigned)value >> (SIGN_BITS - 1 - bit) & 1u;
            if (at < 8 * CODE_BYTES)
                out[at / 8] = (uint8_t)(out[at / 8] | one << (7 - at % 8));
            else
                rest |= one;
        }
        count++;
    }
    return count == VELD_ENROL_SIGNS && rest == 0;
}

veld_status veld_enrol_code_parse(veld_span text, veld_enrol_code *out, veld_error *err)
{
    uint8_t bytes[CODE_BYTES];
    *out = (veld_enrol_code){0};
    text = trimmed(text);
    const uint8_t *mark = text.len == 0 ? NULL : memchr(text.data, '#', text.len);
    if (mark == NULL)
        return veld_fail(err, VELD_E_FORM, "not a code: there is no # in it");
    veld_span address = trimmed(veld_span_part(text, 0, (size_t)(mark - text.data)));
    if (!address_is_valid(address))
        return veld_fail(err, VELD_E_INVALID, "the address before the # is not one");
    bool is_right = enrol_read_signs(veld_span_part(text, (size_t)(mark - text.data) + 1,
                                         text.len - 1 - (size_t)(mark - text.data)),
        bytes);
    if (is_right) {
        memcpy(out->address, address.data, address.len);
        memcpy(out->secret, bytes, sizeof out->secret);
        memcpy(out->ca, bytes + sizeof out->secret, sizeof out->ca);
    }
    veld_wipe(bytes, sizeof bytes);
    return is_right ? VELD_OK
                    : veld_fail(err, VELD_E_FORM, "behind the # stand 26 letters and digits");
}

bool veld_enrol_code_fits_ca(const veld_enrol_code *code, const veld_hash *ca_hash)
{
    return memcmp(code->ca, ca_hash->bytes, sizeof code->ca) == 0;
}

veld_status veld_enrol_code_invitation(
    const veld_enrol_code *code, veld_enrol_invitation *out, veld_error *err)
{
    veld_hash mac;
    const veld_span context = veld_span_text(VELD_CONTEXT_ENROL_INVITE);
    veld_status status =
        veld_hmac_sha256(veld_span_of(code->secret, sizeof code->secret), &context, 1, &mac, err);
    if (status == VELD_OK)
        memcpy(out->bytes, mac.bytes, sizeof out->bytes);
    return status;
}

veld_status veld_enrol_check_code(const uint8_t secret[VELD_ENROL_SECRET_BYTES], veld_span request,
    char out[VELD_ENROL_CHECK_SIZE], veld_error *err)
{
    enum { CHECK_SIGNS = 12, GROUP = 4 };
    veld_hash mac;
    const veld_span parts[] = {veld_span_text(VELD_CONTEXT_ENROL_CHECK), request};
    veld_status status =
        veld_hmac_sha256(veld_span_of(secret, VELD_ENROL_SECRET_BYTES), parts, 2, &mac, err);
    if (status == VELD_OK)
        enrol_write_signs(veld_hash_span(&mac), CHECK_SIGNS, GROUP, out);
    return status;
}

/* How many signs of the code were typed; 0 when one is another, or there are more than it has. */
static size_t same_signs(veld_span typed, const char code[VELD_ENROL_CHECK_SIZE], bool *is_whole)
{
    size_t at = 0, count = 0;
    for (size_t i = 0; i < typed.len; i++) {
        if (is_spacing(typed.data[i]))
            continue;
        if (code[at] == '-')
            at++;
        if (code[at] == 0 || sign_value(typed.data[i]) != sign_value((uint8_t)code[at]))
            return 0;
        at++;
        count++;
    }
    *is_whole = code[at] == 0;
    return count;
}

bool veld_enrol_check_fits(veld_span typed, const char code[VELD_ENROL_CHECK_SIZE])
{
    bool is_whole = false;
    return same_signs(typed, code, &is_whole) > 0 && is_whole;
}

bool veld_enrol_check_begins(veld_span typed, const char code[VELD_ENROL_CHECK_SIZE])
{
    bool is_whole = false;
    return same_signs(typed, code, &is_whole) >= VELD_ENROL_CHECK_PART_MIN;
}

/* Texts in JSON: UTF-8 and its forbidden points, escapes, the one way in which RFC 8785 writes a
 * text, and its order of names. The loops look at eight bytes at once where they can, since nearly
 * all bytes of a document are plain. Knows nothing of structure. */
#include <stdio.h>
#include <string.h>

#include "json_internal.h"
#include "veldkit/assert.h"

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* Non-zero when one of eight bytes is a quote, a backslash, a control or not ASCII. */
static uint64_t special_bytes(uint64_t word)
{
    uint64_t quote = word ^ EACH_BYTE(0x22);
    uint64_t slash = word ^ EACH_BYTE(0x5C);
    uint64_t found = word | (word - EACH_BYTE(0x20));
    found |= (quote - EACH_BYTE(1)) | (slash - EACH_BYTE(1));
    return found & EACH_BYTE(0x80);
}

static bool byte_is_plain(uint8_t byte)
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

size_t json_plain_length(const uint8_t *text, size_t len)
{
    size_t at = 0;
    while (len - at >= 8) {
        uint64_t word;
        memcpy(&word, text + at, 8);
        if (special_bytes(word) != 0)
            break;
        at += 8;
    }
    while (at < len && byte_is_plain(text[at]))
        at++;
    return at;
}

/* The smallest code point that needs so many bytes; a smaller one is overlong. */
static const uint32_t least_point[5] = {0, 0, 0x80, 0x800, 0x10000};

size_t json_utf8_length(const uint8_t *text, size_t len, uint32_t *point)
{
    VELD_ASSERT(len > 0);
    uint8_t lead = text[0];
    if (lead < 0x80) {
        *point = lead;
        return 1;
    }
    size_t bytes = 0;
    if (lead >= 0xC2 && lead <= 0xDF)
        bytes = 2;
    else if (lead >= 0xE0 && lead <= 0xEF)
        bytes = 3;
    else if (lead >= 0xF0 && lead <= 0xF4)
        bytes = 4;
    if (bytes == 0 || bytes > len)
        return 0;
    uint32_t value = lead & (0x7FU >> bytes);
    for (size_t i = 1; i < bytes; i++) {
        if ((text[i] & 0xC0) != 0x80)
            return 0;
        value = (value << 6) | (text[i] & 0x3FU);
    }
    if (value < least_point[bytes] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
        return 0;
    *point = value;
    return bytes;
}

size_t json_utf8_put(uint8_t out[4], uint32_t point)
{
    if (point < 0x80) {
        out[0] = (uint8_t)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (uint8_t)(0xC0 | (point >> 6));
        out[1] = (uint8_t)(0x80 | (point & 0x3F));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (uint8_t)(0xE0 | (point >> 12));
        out[1] = (uint8_t)(0x80 | ((point >> 6) & 0x3F));
        out[2] = (uint8_t)(0x80 | (point & 0x3F));
        return 3;
    }
    out[0] = (uint8_t)(0xF0 | (point >> 18));
    out[1] = (uint8_t)(0x80 | ((point >> 12) & 0x3F));
    out[2] = (uint8_t)(0x80 | ((point >> 6) & 0x3F));
    out[3] = (uint8_t)(0x80 | (point & 0x3F));
    return 4;
}

bool json_point_is_noncharacter(uint32_t point)
{
    return (point & 0xFFFE) == 0xFFFE || (point >= 0xFDD0 && point <= 0xFDEF);
}

/* ---- reading escapes ---- */

static uint32_t hex_value(uint8_t digit)
{
    if (digit <= '9')
        return (uint32_t)(digit - '0');
    return (uint32_t)((digit | 0x20) - 'a' + 10);
}

static uint32_t four_digits(const uint8_t *text)
{
    return (hex_value(text[0]) << 12) | (hex_value(text[1]) << 8) | (hex_value(text[2]) << 4) |
           hex_value(text[3]);
}

static uint32_t short_escape(uint8_t letter)
{
    switch (letter) {
    case 'b':
        return '\b';
    case 't':
        return '\t';
    case 'n':
        return '\n';
    case 'f':
        return '\f';
    case 'r':
        return '\r';
    default:
        return letter;
    }
}

uint32_t json_unescape_next(veld_span raw, size_t *at)
{
    VELD_ASSERT(*at < raw.len);
    const uint8_t *text = raw.data + *at;
    size_t left = raw.len - *at;
    uint32_t point = 0;
    if (text[0] != '\\') {
        size_t bytes = json_utf8_length(text, left, &point);
        VELD_ASSERT(bytes > 0);
        *at += bytes;
        return point;
    }
    VELD_ASSERT(left >= 2);
    if (text[1] != 'u') {
        *at += 2;
        return short_escape(text[1]);
    }
    VELD_ASSERT(left >= 6);
    point = four_digits(text + 2);
    *at += 6;
    if (point < 0xD800 || point > 0xDBFF || left < 12 || text[6] != '\\' || text[7] != 'u')
        return point;
    uint32_t low = four_digits(text + 8);
    if (low < 0xDC00 || low > 0xDFFF)
        return point;
    *at += 6;
    return 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
}

/* ---- the order of names ---- */

int veld_json_compare_names(veld_span a, veld_span b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    size_t at = 0;
    while (at < common && a.data[at] == b.data[at])
        at++;
    if (at == common)
        return a.len < b.len ? -1 : a.len > b.len;
    /* UTF-16 puts U+10000 and up (lead bytes F0 to F4) before U+E000 to U+FFFF (EE and EF). */
    uint8_t left = a.data[at];
    uint8_t right = b.data[at];
    if (left >= 0xEE && right >= 0xEE && (left >= 0xF0) != (right >= 0xF0))
        return left >= 0xF0 ? -1 : 1;
    return left < right ? -1 : 1;
}

/* A number for a code point that grows in the order of UTF-16 code units. */
static uint32_t utf16_rank(uint32_t point)
{
    return point >= 0xE000 && point <= 0xFFFF ? point + 0x200000 : point;
}

int json_raw_compare(veld_span a, veld_span b)
{
    size_t at_a = 0;
    size_t at_b = 0;
    while (at_a < a.len && at_b < b.len) {
        uint32_t left = utf16_rank(json_unescape_next(a, &at_a));
        uint32_t right = utf16_rank(json_unescape_next(b, &at_b));
        if (left != right)
            return left < right ? -1 : 1;
    }
    return at_a < a.len ? 1 : (at_b < b.len ? -1 : 0);
}

/* ---- writing ---- */

static veld_status check_text(veld_span text)
{
    size_t at = 0;
    while (at < text.len) {
        at += json_plain_length(text.data + at, text.len - at);
        if (at == text.len)
            break;
        uint32_t point = 0;
        size_t bytes = json_utf8_length(text.data + at, text.len - at, &point);
        if (bytes == 0 || point == 0 || json_point_is_noncharacter(point))
            return VELD_E_FORM;
        at += bytes;
    }
    return VELD_OK;
}

static veld_status append_escape(veld_buf *out, uint8_t byte)
{
    static const char hex[] = "0123456789abcdef";
    char text[7] = "\\u0000";
    size_t len = 2;
    switch (byte) {
    case '"':
    case '\\':
        text[1] = (char)byte;
        break;
    case '\b':
        text[1] = 'b';
        break;
    case '\t':
        text[1] = 't';
        break;
    case '\n':
        text[1] = 'n';
        break;
    case '\f':
        text[1] = 'f';
        break;
    case '\r':
        text[1] = 'r';
        break;
    default:
        text[4] = hex[byte >> 4];
        text[5] = hex[byte & 15];
        len = 6;
    }
    return veld_buf_append(out, text, len);
}

static bool byte_stays(uint8_t byte)
{
    return byte >= 0x20 && byte != '"' && byte != '\\';
}

veld_status json_text_append(veld_buf *out, veld_span text, bool checked)
{
    veld_status status = VELD_OK;
    if (!checked)
        VELD_TRY(check_text(text));
    VELD_TRY(veld_buf_append_byte(out, '"'));
    for (size_t at = 0; at < text.len;) {
        size_t run = json_plain_length(text.data + at, text.len - at);
        while (at + run < text.len && byte_stays(text.data[at + run]))
            run++;
        VELD_TRY(veld_buf_append(out, text.data + at, run));
        at += run;
        if (at < text.len)
            VELD_TRY(append_escape(out, text.data[at++]));
    }
    VELD_TRY(veld_buf_append_byte(out, '"'));
done:
    return status;
}

veld_status json_integer_append(veld_buf *out, int64_t value)
{
    char text[24];
    size_t at = sizeof text;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        text[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    if (value < 0)
        text[--at] = '-';
    return veld_buf_append(out, text + at, sizeof text - at);
}

/* The gate's eye for texts, names and numbers: reads each byte once, refuses what is not RFC 8259,
 * and notes what the stricter rules forbid. Its invariant: what it leaves behind `at` is UTF-8 and
 * well escaped, so that names can be unescaped without another check. Knows nothing of structure.
 */
#include <string.h>

#include "json_internal.h"
#include "veldkit/assert.h"

/* cJSON copies a number into 64 bytes and would misread a longer one. */
enum { NUMBER_BYTES_MAX = 63, SIGNIFICANT_DIGITS_MAX = 17, MAGNITUDE_MAX = 307 };
/* An exponent beyond this is out of range whatever digits stand before it. */
enum { EXPONENT_CLAMP = 100000000 };

/* ---- texts ---- */

static veld_status note_point(json_gate *gate, size_t offset, uint32_t point)
{
    if (gate->rules == VELD_JSON_RFC8259)
        return VELD_OK;
    if (point == 0)
        return json_gate_note(gate, offset, "text holds the character u+0000");
    if (json_point_is_noncharacter(point))
        return json_gate_note(gate, offset, "text holds a noncharacter");
    return VELD_OK;
}

static bool read_hex(const json_gate *gate, size_t at, uint32_t *out)
{
    if (gate->len - at < 4)
        return false;
    uint32_t value = 0;
    for (size_t i = 0; i < 4; i++) {
        uint8_t c = gate->bytes[at + i];
        uint32_t digit;
        if (c >= '0' && c <= '9')
            digit = (uint32_t)(c - '0');
        else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
            digit = (uint32_t)((c | 0x20) - 'a' + 10);
        else
            return false;
        value = (value << 4) | digit;
    }
    *out = value;
    return true;
}

/* RFC 8785 escapes in this way only what has no shorter escape, with lower-case digits. */
static bool hex_is_canonical(const json_gate *gate, size_t at, uint32_t point)
{
    const uint8_t *digits = gate->bytes + at;
    bool short_form =
        point == '\b' || point == '\t' || point == '\n' || point == '\f' || point == '\r';
    return point < 0x20 && !short_form && !(digits[3] >= 'A' && digits[3] <= 'F');
}

/* Behind "\u". */
static veld_status scan_hex_escape(json_gate *gate)
{
    size_t escape = gate->at - 2;
    uint32_t point = 0;
    if (!read_hex(gate, gate->at, &point))
        return json_gate_fail(gate, VELD_E_FORM, escape, "expected four hexadecimal digits");
    if (gate->rules == VELD_JSON_CANONICAL && !hex_is_canonical(gate, gate->at, point))
        return json_gate_note(gate, escape, "the escape is not canonical");
    gate->at += 4;
    if (point < 0xD800 || point > 0xDFFF)
        return note_point(gate, escape, point);

    uint32_t low = 0;
    bool pair = point <= 0xDBFF && gate->len - gate->at >= 6 && gate->bytes[gate->at] == '\\' &&
                gate->bytes[gate->at + 1] == 'u' && read_hex(gate, gate->at + 2, &low) &&
                low >= 0xDC00 && low <= 0xDFFF;
    if (pair) {
        gate->at += 6;
        return note_point(gate, escape, 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00));
    }
    if (gate->rules == VELD_JSON_RFC8259)
        return VELD_OK;
    return json_gate_note(gate, escape, "text holds half of a surrogate pair");
}

/* At a backslash. */
static veld_status scan_escape(json_gate *gate)
{
    size_t escape = gate->at;
    if (gate->len - gate->at < 2)
        return json_gate_fail(gate, VELD_E_FORM, gate->len, "the document ends inside a text");
    uint8_t letter = gate->bytes[gate->at + 1];
    gate->at += 2;
    switch (letter) {
    case '"':
    case '\\':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return VELD_OK;
    case '/':
        if (gate->rules == VELD_JSON_CANONICAL)
            return json_gate_note(gate, escape, "the escape is not canonical");
        return VELD_OK;
    case 'u':
        return scan_hex_escape(gate);
    default:
        return json_gate_fail(gate, VELD_E_FORM, escape, "unknown escape in a text");
    }
}

static veld_status scan_special(json_gate *gate, bool *escaped)
{
    uint8_t byte = gate->bytes[gate->at];
    if (byte == '\\') {
        *escaped = true;
        return scan_escape(gate);
    }
    if (byte < 0x20)
        return json_gate_fail(gate, VELD_E_FORM, gate->at, "text holds a bare control character");
    uint32_t point = 0;
    size_t bytes = json_utf8_length(gate->bytes + gate->at, gate->len - gate->at, &point);
    if (bytes == 0)
        return json_gate_fail(gate, VELD_E_FORM, gate->at, "text is not valid utf-8");
    size_t offset = gate->at;
    gate->at += bytes;
    return note_point(gate, offset, point);
}

veld_status json_scan_text(json_gate *gate, json_name *out)
{
    VELD_ASSERT(gate->at < gate->len && gate->bytes[gate->at] == '"');
    size_t begin = ++gate->at;
    bool escaped = false;
    for (;;) {
        gate->at += json_plain_length(gate->bytes + gate->at, gate->len - gate->at);
        if (gate->at == gate->len)
            return json_gate_fail(gate, VELD_E_FORM, gate->at, "the document ends inside a text");
        if (gate->bytes[gate->at] == '"')
            break;
        veld_status status = scan_special(gate, &escaped);
        if (status != VELD_OK)
            return status;
    }
    if (out != NULL)
        *out = (json_name){
            .offset = (uint32_t)begin, .bytes = (uint32_t)(gate->at - begin), .escaped = escaped};
    gate->at++;
    return VELD_OK;
}

static uint64_t hash_bytes(uint64_t hash, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001B3);
    return hash;
}

/* The hash only spares comparisons; it need not withstand an attacker (see gate.c). */
uint64_t json_scan_hash(const json_gate *gate, const json_name *name)
{
    veld_span raw = {.data = gate->bytes + name->offset, .len = name->bytes};
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    if (!name->escaped)
        return hash_bytes(hash, raw.data, raw.len);
    for (size_t at = 0; at < raw.len;) {
        uint8_t utf8[4];
        size_t bytes = json_utf8_put(utf8, json_unescape_next(raw, &at));
        hash = hash_bytes(hash, utf8, bytes);
    }
    return hash;
}

/* ---- numbers ---- */
typedef struct number_parts {
    size_t begin, end;
    size_t digits_begin, digits_end; /* before the point */
    size_t fraction_begin, fraction_end;
    bool negative, has_fraction, has_exponent;
    int64_t exponent; /* clamped */
} number_parts;

static size_t skip_digits(const json_gate *gate, size_t at)
{
    while (at < gate->len && gate->bytes[at] >= '0' && gate->bytes[at] <= '9')
        at++;
    return at;
}

static bool byte_at_is(const json_gate *gate, size_t at, char byte)
{
    return at < gate->len && gate->bytes[at] == (uint8_t)byte;
}

static veld_status split_exponent(json_gate *gate, number_parts *parts)
{
    parts->has_exponent = true;
    gate->at++;
    bool negative = byte_at_is(gate, gate->at, '-');
    if (negative || byte_at_is(gate, gate->at, '+'))
        gate->at++;
    size_t end = skip_digits(gate, gate->at);
    if (end == gate->at)
        return json_gate_fail(gate, VELD_E_FORM, gate->at, "expected a digit of the exponent");
    for (; gate->at < end; gate->at++) {
        if (parts->exponent < EXPONENT_CLAMP)
            parts->exponent = parts->exponent * 10 + (gate->bytes[gate->at] - '0');
    }
    if (negative)
        parts->exponent = -parts->exponent;
    return VELD_OK;
}

static veld_status split_number(json_gate *gate, number_parts *parts)
{
    *parts = (number_parts){.begin = gate->at};
    parts->negative = byte_at_is(gate, gate->at, '-');
    if (parts->negative)
        gate->at++;
    parts->digits_begin = gate->at;
    gate->at = skip_digits(gate, gate->at);
    parts->digits_end = gate->at;
    if (parts->digits_end == parts->digits_begin)
        return json_gate_fail(gate, VELD_E_FORM, gate->at, "expected a digit of the number");
    if (gate->bytes[parts->digits_begin] == '0' && parts->digits_end - parts->digits_begin > 1)
        return json_gate_fail(
            gate, VELD_E_FORM, parts->digits_begin, "a number may not begin with a needless zero");
    parts->fraction_begin = parts->fraction_end = gate->at;
    if (byte_at_is(gate, gate->at, '.')) {
        parts->has_fraction = true;
        parts->fraction_begin = ++gate->at;
        gate->at = skip_digits(gate, gate->at);
        parts->fraction_end = gate->at;
        if (parts->fraction_end == parts->fraction_begin)
            return json_gate_fail(gate, VELD_E_FORM, gate->at, "expected a digit of the fraction");
    }
    if (byte_at_is(gate, gate->at, 'e') || byte_at_is(gate, gate->at, 'E')) {
        veld_status status = split_exponent(gate, parts);
        if (status != VELD_OK)
            return status;
    }
    parts->end = gate->at;
    return VELD_OK;
}

static bool integer_is_exact(const json_gate *gate, const number_parts *parts)
{
    size_t digits = parts->digits_end - parts->digits_begin;
    if (digits > 16)
        return false;
    int64_t value = 0;
    for (size_t at = parts->digits_begin; at < parts->digits_end; at++)
        value = value * 10 + (gate->bytes[at] - '0');
    return value <= VELD_JSON_INTEGER_MAX;
}

/* Whether a double holds a number with fraction or exponent: not too many digits, not too large,
 * not too small. Counts digits instead of converting, so it depends on no locale. */
static bool fraction_is_held(const json_gate *gate, const number_parts *parts)
{
    size_t first = SIZE_MAX; /* place of the first and the last digit that is not zero */
    size_t last = 0;
    size_t place = 0;
    size_t before_point = parts->digits_end - parts->digits_begin;
    for (size_t at = parts->digits_begin; at < parts->fraction_end; at++) {
        if (gate->bytes[at] == '.')
            continue;
        if (gate->bytes[at] != '0') {
            first = first == SIZE_MAX ? place : first;
            last = place;
        }
        place++;
    }
    if (first == SIZE_MAX)
        return true;
    int64_t magnitude = (int64_t)before_point - 1 - (int64_t)first + parts->exponent;
    return last - first < SIGNIFICANT_DIGITS_MAX && magnitude <= MAGNITUDE_MAX &&
           magnitude >= -MAGNITUDE_MAX;
}

veld_status json_scan_number(json_gate *gate)
{
    number_parts parts;
    veld_status status = split_number(gate, &parts);
    if (status != VELD_OK || gate->rules == VELD_JSON_RFC8259)
        return status;
    bool integer = !parts.has_fraction && !parts.has_exponent;
    if (gate->rules >= VELD_JSON_STRICT) {
        if (!integer)
            return json_gate_note(
                gate, parts.begin, "expected a number without fraction or exponent");
        if (parts.negative && gate->bytes[parts.digits_begin] == '0')
            return json_gate_note(gate, parts.begin, "zero may not have a minus sign");
    }
    if (parts.end - parts.begin > NUMBER_BYTES_MAX)
        return json_gate_note(gate, parts.begin, "a number may have at most 63 characters");
    if (integer && !integer_is_exact(gate, &parts))
        return json_gate_note(gate, parts.begin, "an integer must lie within 2^53 - 1 of zero");
    if (!integer && !fraction_is_held(gate, &parts))
        return json_gate_note(
            gate, parts.begin, "the number has more digits or size than a double");
    return VELD_OK;
}

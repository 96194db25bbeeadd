#include "veldkit/nearest.h"

enum { CHANGES_MAX = 2, PART_MIN = 3 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

size_t veld_nearest_distance(veld_span a, veld_span b)
{
    size_t row[VELD_NEAREST_WORD_MAX];
    if (a.len >= VELD_NEAREST_WORD_MAX || b.len >= VELD_NEAREST_WORD_MAX)
        return VELD_NEAREST_WORD_MAX;
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t changed = diagonal + (lower(a.data[i - 1]) != lower(b.data[j - 1]) ? 1u : 0u);
            diagonal = row[j];
            row[j] = least(changed, least(row[j], row[j - 1]) + 1);
        }
    }
    return row[b.len];
}

bool veld_nearest_is_slip(veld_span typed, size_t changes)
{
    return changes <= CHANGES_MAX && 2 * changes < typed.len;
}

bool veld_nearest_holds(veld_span whole, veld_span part)
{
    for (size_t at = 0; part.len >= PART_MIN && at + part.len <= whole.len; at++) {
        size_t same = 0;
        while (same < part.len && lower(whole.data[at + same]) == lower(part.data[same]))
            same++;
        if (same == part.len)
            return true;
    }
    return false;
}

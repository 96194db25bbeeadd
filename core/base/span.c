/* Borrowed views. Small on purpose: anything that grows is a buf. */
#include "veldkit/bytes.h"

#include <string.h>

#include "veldkit/assert.h"

veld_span veld_span_of(const void *data, size_t len)
{
    VELD_ASSERT(data != NULL || len == 0);
    return (veld_span){.data = data, .len = len};
}

veld_span veld_span_text(const char *text)
{
    VELD_ASSERT(text != NULL);
    return (veld_span){.data = (const uint8_t *)text, .len = strlen(text)};
}

bool veld_span_equal(veld_span a, veld_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

int veld_span_compare(veld_span a, veld_span b)
{
    size_t shared = a.len < b.len ? a.len : b.len;
    int order = shared == 0 ? 0 : memcmp(a.data, b.data, shared);
    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

bool veld_span_equal_secret(veld_span a, veld_span b)
{
    if (a.len != b.len)
        return false;
    volatile uint8_t difference = 0;
    for (size_t i = 0; i < a.len; i++)
        difference = (uint8_t)(difference | (a.data[i] ^ b.data[i]));
    return difference == 0;
}

veld_span veld_span_part(veld_span whole, size_t offset, size_t len)
{
    if (offset > whole.len || len > whole.len - offset)
        return (veld_span){0};
    return (veld_span){.data = whole.data + offset, .len = len};
}

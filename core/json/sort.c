/* Sorting with a guarantee. qsort may be quadratic, may allocate behind our allocator's back and
 * has no context; names come from outside. Knows nothing of JSON. */
#include <string.h>

#include "json_internal.h"
#include "veldkit/assert.h"

enum { ITEM_BYTES_MAX = 64 };

static void sift_down(uint8_t *items, size_t root, size_t count, size_t size, json_compare *compare,
    const void *context)
{
    uint8_t moved[ITEM_BYTES_MAX];
    memcpy(moved, items + root * size, size);
    for (;;) {
        size_t child = 2 * root + 1;
        if (child >= count)
            break;
        if (child + 1 < count &&
            compare(items + child * size, items + (child + 1) * size, context) < 0)
            child++;
        if (compare(moved, items + child * size, context) >= 0)
            break;
        memcpy(items + root * size, items + child * size, size);
        root = child;
    }
    memcpy(items + root * size, moved, size);
}

void json_sort(void *items, size_t count, size_t size, json_compare *compare, const void *context)
{
    VELD_ASSERT(size > 0 && size <= ITEM_BYTES_MAX);
    uint8_t *bytes = items;
    uint8_t last[ITEM_BYTES_MAX];
    for (size_t root = count / 2; root > 0; root--)
        sift_down(bytes, root - 1, count, size, compare, context);
    for (size_t end = count; end > 1; end--) {
        memcpy(last, bytes + (end - 1) * size, size);
        memcpy(bytes + (end - 1) * size, bytes, size);
        memcpy(bytes, last, size);
        sift_down(bytes, 0, end - 1, size, compare, context);
    }
}

/* What a locked tablet's sender reads: the parcel and its pages. Any bytes; spans stay inside. */
#include <stddef.h>
#include <stdint.h>

#include "veldkit/assert.h"
#include "veldkit/parcel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(veld_span pages)
{
    bool have = true;
    while (have) {
        veld_parcel_page page;
        size_t before = pages.len;
        if (veld_parcel_next(&pages, &page, &have, NULL) != VELD_OK)
            return;
        VELD_ASSERT(!have || (pages.len < before && page.body.len < before));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    veld_parcel parcel;
    walk(veld_span_of(data, size));
    if (veld_parcel_read(veld_span_of(data, size), &parcel, NULL) == VELD_OK)
        walk(parcel.pages);
    return 0;
}

/* What a locked tablet's sender reads: the parcel, its watch and pages, and the relay's answers.
 * Any bytes; spans stay inside. */
#include <stddef.h>
#include <stdint.h>

#include "veldkit/assert.h"
#include "veldkit/crypto.h"
#include "veldkit/locked.h"
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

/* The rest of the parcel is what a relay answers. */
static void listen(veld_span watch, veld_span answer)
{
    veld_locked *locked = NULL;
    veld_order order;
    bool more, lost;
    if (veld_locked_new(watch, &locked, NULL) != VELD_OK)
        return;
    (void)!veld_locked_take(locked, answer, &more, &lost, NULL);
    (void)veld_locked_must_wipe(locked, true, &order);
    veld_locked_free(locked);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    veld_parcel parcel;
    VELD_ASSERT(veld_crypto_init(NULL) == VELD_OK);
    walk(veld_span_of(data, size));
    if (veld_parcel_read(veld_span_of(data, size), &parcel, NULL) == VELD_OK) {
        walk(parcel.pages);
        listen(parcel.watch, parcel.pages);
    }
    return 0;
}

/* One change from anywhere, in both forms. What is accepted as wire form is written again as the
 * same bytes. */
#include <stdint.h>
#include <string.h>

#include "veldkit/assert.h"
#include "veldkit/change.h"
#include "veldkit/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void one(veld_span bytes, veld_change_form form)
{
    veld_arena arena;
    veld_change change;
    veld_buf again;
    veld_arena_init(&arena, 64u << 20);
    veld_buf_init(&again, 8u << 20);
    if (veld_change_decode(bytes, form, &arena, &change, NULL) == VELD_OK &&
        form == VELD_CHANGE_WIRE) {
        VELD_ASSERT(veld_change_encode(&change, form, &again, NULL) == VELD_OK);
        VELD_ASSERT(veld_span_equal(bytes, veld_buf_span(&again)));
    }
    veld_buf_release(&again);
    veld_arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VELD_ASSERT(veld_crypto_init(NULL) == VELD_OK);
    one(veld_span_of(data, size), VELD_CHANGE_WIRE);
    one(veld_span_of(data, size), VELD_CHANGE_ROW);
    return 0;
}

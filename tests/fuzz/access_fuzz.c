/* Lines of the access log and what travels of them, from anywhere: form only. What decodes is
 * written again as the same bytes, unless a newer program added parts. */
#include <stdint.h>

#include "veldkit/access.h"
#include "veldkit/assert.h"
#include "veldkit/crypto.h"
#include "veldkit/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VELD_ASSERT(veld_crypto_init(NULL) == VELD_OK);
    veld_span bytes = veld_span_of(data, size);
    veld_access_entry entry;
    veld_access_item item;
    veld_buf again;
    veld_buf_init(&again, VELD_ACCESS_ENTRY_BYTES_MAX);
    if (veld_access_decode(bytes, &entry, NULL) == VELD_OK) {
        VELD_ASSERT(veld_access_encode(&entry, &again, NULL) == VELD_OK);
        VELD_ASSERT(again.len <= size);
        VELD_ASSERT(again.len < size || veld_span_equal(veld_buf_span(&again), bytes));
    }
    veld_status status = veld_access_item_read(bytes, &item, NULL);
    VELD_ASSERT(status != VELD_OK || !veld_id_is_zero(&item.device));
    veld_buf_release(&again);
    return 0;
}

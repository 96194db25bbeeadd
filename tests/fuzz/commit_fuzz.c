/* A commit object from anyone: what the reader accepts, the writer writes again byte for byte. */
#include <stdlib.h>

#include "veldkit/assert.h"
#include "veldkit/commit.h"
#include "veldkit/crypto.h"
#include "veldkit/history.h"
#include "veldkit/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    veld_change change;
    veld_p256_public key;
    veld_arena arena;
    veld_buf again;
    if (veld_crypto_init(NULL) != VELD_OK || veld_history_init(NULL) != VELD_OK)
        abort();
    veld_arena_init(&arena, 1 << 20);
    veld_buf_init(&again, VELD_COMMIT_BYTES_MAX);
    veld_span object = veld_span_of(data, size);
    if (veld_commit_parse(object, &arena, &change, &key, NULL) == VELD_OK) {
        veld_status status = veld_commit_object(&change, &key, &again, NULL);
        VELD_ASSERT(status == VELD_OK);
        VELD_ASSERT(veld_span_equal(veld_buf_span(&again), object));
        VELD_ASSERT(!veld_hash_is_zero(&change.id));
    }
    veld_buf_release(&again);
    veld_arena_release(&arena);
    return 0;
}

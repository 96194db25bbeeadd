/* Checkpoints from anywhere: the item as it travels, its signed part, and the checkpoint itself,
 * which is read after the agency's signature only, and must hold without it too. */
#include <stdint.h>
#include <string.h>

#include "veldkit/assert.h"
#include "veldkit/checkpoint.h"
#include "veldkit/checkpoint_item.h"
#include "veldkit/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static veld_status zeros(void *context, uint8_t *out, size_t out_bytes)
{
    (void)context;
    memset(out, 0, out_bytes);
    return VELD_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VELD_ASSERT(veld_crypto_init(NULL) == VELD_OK);
    const veld_env env = {.random = zeros};
    veld_span bytes = veld_span_of(data, size);
    veld_checkpoint_item item;
    veld_checkpoint_head head;
    veld_state *state = NULL;
    veld_graph *graph = NULL;
    veld_hash hash;
    veld_status status = veld_checkpoint_item_read(bytes, &item, NULL);
    VELD_ASSERT(status != VELD_OK || (item.head.epoch > 0 && item.sealed.len > 0));
    status = veld_checkpoint_head_read(bytes, &head, NULL);
    VELD_ASSERT(status != VELD_OK || head.epoch > 0);
    status = veld_checkpoint_read(&env, bytes, &state, &graph, NULL);
    VELD_ASSERT((status == VELD_OK) == (state != NULL && graph != NULL));
    if (status == VELD_OK)
        status = veld_graph_held_hash(graph, &hash, NULL);
    if (status == VELD_OK)
        status = veld_checkpoint_state_id(state, &hash, NULL);
    veld_state_free(state);
    veld_graph_free(graph);
    return 0;
}

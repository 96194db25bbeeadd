/* What lies inside an envelope's seal, from someone who holds the case's key: header, then the
 * plaintext, packed or not. The header alone too, as the relay reads it. */
#include <stdint.h>
#include <string.h>

#include "veldkit/assert.h"
#include "veldkit/crypto.h"
#include "veldkit/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static veld_status name(void *context, veld_change *change, veld_error *err)
{
    (void)context;
    (void)err;
    change->id = change->core;
    memcpy(change->git.bytes, change->core.bytes, sizeof change->git.bytes);
    return VELD_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VELD_ASSERT(veld_crypto_init(NULL) == VELD_OK);
    veld_envelope_header header;
    veld_status status = veld_envelope_read_header(veld_span_of(data, size), &header, NULL);
    VELD_ASSERT(status != VELD_OK || header.bucket == size);
    if (size < 2)
        return 0;
    veld_change_namer namer = {NULL, name};
    veld_change *changes = NULL;
    veld_arena arena;
    header = (veld_envelope_header){
        .alg = VELD_ENVELOPE_CASE, .epoch = 1, .number = 1, .count = (uint16_t)(1 + data[0] % 32)};
    header.case_id.bytes[0] = header.device.bytes[0] = 1;
    veld_arena_init(&arena, 64u << 20);
    status = veld_envelope_read_content(
        &header, veld_span_of(data + 1, size - 1), &namer, &arena, &changes, NULL);
    VELD_ASSERT((status == VELD_OK) == (changes != NULL));
    veld_arena_release(&arena);
    return 0;
}

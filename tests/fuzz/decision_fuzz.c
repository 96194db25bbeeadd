/* Statements of decisions, entries of users, heads of the directory and introductions from
 * anywhere: what is accepted is written again as the same bytes. */
#include <stdint.h>

#include "veldkit/assert.h"
#include "veldkit/crypto.h"
#include "veldkit/decision.h"
#include "veldkit/directory_head.h"
#include "veldkit/introduction.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VELD_ASSERT(veld_crypto_init(NULL) == VELD_OK);
    veld_span bytes = veld_span_of(data, size);
    veld_verifier verifier = veld_verifier_p256();
    const veld_p256_public none = {{0}};
    veld_decision decision;
    veld_user_entry user;
    veld_directory_head head;
    veld_introduction introduction;
    veld_arena arena;
    veld_buf again;
    veld_arena_init(&arena, 1 << 20);
    veld_buf_init(&again, VELD_DECISION_BYTES_MAX);
    veld_status status = veld_decision_read(bytes, &arena, &decision, NULL);
    VELD_ASSERT(status != VELD_OK || decision.kind != 0);
    if (status == VELD_OK &&
        (decision.kind == VELD_DECISION_CONFIRMATION || decision.value.len > 0)) {
        VELD_ASSERT(veld_decision_write(&decision, &again, NULL) == VELD_OK);
        VELD_ASSERT(veld_span_equal(veld_buf_span(&again), bytes));
    }
    status = veld_user_read(bytes, &verifier, &none, &user, NULL);
    VELD_ASSERT(status != VELD_OK);
    status = veld_directory_head_read(bytes, &verifier, &none, &head, NULL);
    VELD_ASSERT(status != VELD_OK);
    status = veld_introduction_read(bytes, &introduction, NULL);
    if (status == VELD_OK)
        VELD_ASSERT(
            veld_introduction_verify(bytes, &introduction, &verifier, &none, NULL) != VELD_OK);
    veld_buf_release(&again);
    veld_arena_release(&arena);
    return 0;
}

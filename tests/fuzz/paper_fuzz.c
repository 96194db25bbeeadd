/* What a person typed from paper: what is read is written the same way again. */
#include <stddef.h>
#include <stdint.h>

#include "veldkit/assert.h"
#include "veldkit/crypto.h"
#include "veldkit/paper.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    veld_p256_private key = {0}, again = {0};
    veld_paper_kind kind, kind_again;
    veld_buf text;
    if (veld_crypto_init(NULL) != VELD_OK)
        return 0;
    if (veld_paper_read(veld_span_of(data, size), &kind, &key, NULL) != VELD_OK)
        return 0;
    veld_buf_init(&text, VELD_PAPER_TEXT_MAX);
    VELD_ASSERT(veld_paper_write(kind, &key, &text, NULL) == VELD_OK);
    VELD_ASSERT(veld_paper_read(veld_buf_span(&text), &kind_again, &again, NULL) == VELD_OK);
    VELD_ASSERT(kind == kind_again);
    VELD_ASSERT(veld_span_equal(veld_secret_span(&key.scalar), veld_secret_span(&again.scalar)));
    veld_buf_wipe(&text);
    veld_p256_release(&key);
    veld_p256_release(&again);
    return 0;
}

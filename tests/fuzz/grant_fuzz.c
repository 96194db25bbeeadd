/* Grants and cards from anywhere: form only, and the text of a card. */
#include <stdint.h>

#include "veldkit/assert.h"
#include "veldkit/card.h"
#include "veldkit/crypto.h"
#include "veldkit/grant.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VELD_ASSERT(veld_crypto_init(NULL) == VELD_OK);
    veld_span bytes = veld_span_of(data, size);
    veld_verifier verifier = veld_verifier_p256();
    veld_grant grant;
    veld_card card;
    veld_buf text;
    veld_buf_init(&text, 4096);
    veld_status status = veld_grant_read(bytes, &grant, NULL);
    VELD_ASSERT(status != VELD_OK || grant.terms.epoch > 0);
    status = veld_card_read(bytes, &verifier, &card, NULL);
    VELD_ASSERT(status != VELD_OK || card.name[0] != 0);
    status = veld_card_from_text(bytes, &text, NULL);
    VELD_ASSERT(status == VELD_OK || text.len == 0);
    veld_buf_release(&text);
    return 0;
}

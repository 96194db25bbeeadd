/* Certificates from untrusted bytes: what is read has one of three kinds and a key on the curve. */
#include <stddef.h>
#include <stdint.h>

#include "veldkit/assert.h"
#include "veldkit/crypto.h"
#include "veldkit/x509.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    veld_x509_facts facts;
    if (veld_crypto_init(NULL) != VELD_OK)
        return 0;
    if (veld_x509_read(veld_span_of(data, size), &facts, NULL) == VELD_OK) {
        VELD_ASSERT(facts.kind >= VELD_X509_CA && facts.kind <= VELD_X509_CLIENT);
        VELD_ASSERT(facts.kind == VELD_X509_CLIENT || veld_id_is_zero(&facts.device));
        veld_hash hash;
        VELD_ASSERT(veld_x509_key_hash(&facts.key, &hash, NULL) == VELD_OK);
        VELD_ASSERT(veld_hash_equal(&hash, &facts.key_hash));
    }
    return 0;
}

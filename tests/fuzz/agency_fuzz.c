/* The agency's statement: what is read is within its bounds. */
#include <stddef.h>
#include <stdint.h>

#include "veldkit/agency.h"
#include "veldkit/assert.h"
#include "veldkit/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    veld_agency agency;
    const veld_verifier all = veld_verifier_kept(); /* what is behind the signature is reached */
    const veld_span bytes = veld_span_of(data, size);
    if (veld_crypto_init(NULL) != VELD_OK)
        return 0;
    if (veld_agency_read(bytes, &all, &agency, NULL) == VELD_OK) {
        VELD_ASSERT(veld_agency_is_statement(bytes) && agency.edition >= 1);
        VELD_ASSERT(agency.former_count <= VELD_AGENCY_FORMER_MAX);
        VELD_ASSERT(agency.ca_len <= VELD_AGENCY_CA_BYTES_MAX);
    }
    return 0;
}

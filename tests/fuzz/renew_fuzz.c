/* A request of renewal, which comes to the office from anybody. */
#include <stddef.h>
#include <stdint.h>

#include "veldkit/assert.h"
#include "veldkit/crypto.h"
#include "veldkit/renew.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    veld_id device;
    uint8_t code[VELD_RECOVERY_BYTES];
    const veld_span bytes = veld_span_of(data, size);
    if (veld_crypto_init(NULL) != VELD_OK)
        return 0;
    if (veld_renew_device(bytes, &device, NULL) == VELD_OK)
        VELD_ASSERT(veld_renew_is_request(bytes) && size <= VELD_ENROL_REQUEST_BYTES_MAX + 256);
    if (veld_recovery_code_parse(bytes, code, NULL) == VELD_OK) {
        char text[VELD_RECOVERY_CODE_SIZE];
        uint8_t again[VELD_RECOVERY_BYTES];
        veld_recovery_code_format(code, text);
        VELD_ASSERT(veld_recovery_code_parse(veld_span_text(text), again, NULL) == VELD_OK);
        VELD_ASSERT(
            veld_span_equal(veld_span_of(code, sizeof code), veld_span_of(again, sizeof again)));
    }
    return 0;
}

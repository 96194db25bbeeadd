/* Signature texts, key lines and signer lines from outside: what is read is written again and must
 * be the same bytes, so nothing has two forms. A key line may carry a comment, which is not kept.
 */
#include <stdint.h>
#include <string.h>

#include "veldkit/assert.h"
#include "veldkit/crypto.h"
#include "veldkit/sshsig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_signature(veld_span text)
{
    veld_sshsig read;
    if (veld_sshsig_read(text, &read, NULL) != VELD_OK)
        return;
    veld_buf again;
    veld_buf_init(&again, VELD_SIGNATURE_TEXT_MAX);
    VELD_ASSERT(
        veld_sshsig_write(&read.key, read.name_space, &read.signature, &again, NULL) == VELD_OK);
    VELD_ASSERT(veld_span_equal(text, veld_buf_span(&again)));
    const veld_verifier verifier = veld_verifier_p256();
    veld_status status = veld_sshsig_verify(
        &verifier, &read.key, read.name_space, veld_span_text("message"), &read.signature, NULL);
    VELD_ASSERT(status == VELD_OK || status == VELD_E_FORGED);
    veld_buf_release(&again);
}

static void check_key(veld_span line)
{
    veld_p256_public key;
    if (veld_ssh_key_read(line, &key, NULL) != VELD_OK)
        return;
    veld_buf again;
    veld_buf_init(&again, VELD_SIGNATURE_TEXT_MAX);
    VELD_ASSERT(veld_ssh_key_write(&key, NULL, &again, NULL) == VELD_OK);
    VELD_ASSERT(again.len <= line.len && memcmp(again.data, line.data, again.len) == 0);
    veld_buf_release(&again);
}

static void check_allowed(veld_span line)
{
    veld_ssh_allowed read;
    if (veld_ssh_allowed_read(line, &read, NULL) != VELD_OK)
        return;
    veld_buf again;
    veld_buf_init(&again, VELD_SIGNATURE_TEXT_MAX);
    VELD_ASSERT(veld_ssh_allowed_write(&read, &again, NULL) == VELD_OK);
    VELD_ASSERT(again.len == line.len || again.len == line.len + 1); /* the end of the line */
    VELD_ASSERT(memcmp(again.data, line.data, line.len) == 0);
    veld_buf_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const veld_span bytes = {data, size};
    VELD_ASSERT(veld_crypto_init(NULL) == VELD_OK);
    check_signature(bytes);
    check_key(bytes);
    check_allowed(bytes);
    return 0;
}

/* Several threads that seal, open, sign and verify with the same objects at once. The thread
 * sanitizer looks on (label tsan); the results are held against one another besides. */
#include <pthread.h>
#include <string.h>

#include "veld_test.h"
#include "veldkit/assert.h"
#include "veldkit/context.h"
#include "veldkit/crypto.h"
#include "veldkit/hash.h"
#include "veldkit/host.h"
#include "veldkit/hpke.h"
#include "veldkit/seal.h"
#include "veldkit/sshsig.h"

enum { THREADS = 4, ROUNDS = 12 };

static veld_env env;
static veld_sealer *sealer;
static veld_p256_private key;

static void must(veld_status status)
{
    VELD_ASSERT(status == VELD_OK); /* cmocka's asserts are for its own thread only */
}

static void one_round(uint8_t number, veld_signature *signature)
{
    const veld_signer signer = veld_signer_p256(&key);
    const veld_verifier verifier = veld_verifier_p256();
    const veld_span message = {&number, 1};
    veld_buf sealed;
    veld_buf opened;
    veld_buf_init(&sealed, 1024);
    veld_buf_init(&opened, 1024);
    must(veld_sealer_seal_row(sealer, &message, 1, message, &sealed, NULL));
    must(veld_sealer_open_row(sealer, &message, 1, veld_buf_span(&sealed), &opened, NULL));
    VELD_ASSERT(veld_span_equal(veld_buf_span(&opened), message));
    must(veld_sshsig_sign(&signer, VELD_NAMESPACE_COMMIT, message, signature, NULL));
    must(veld_sshsig_verify(
        &verifier, &key.public_key, VELD_NAMESPACE_COMMIT, message, signature, NULL));
    veld_buf_clear(&sealed);
    veld_buf_clear(&opened);
    must(veld_hpke_seal(&env, &key.public_key, VELD_HPKE_BLIND, message, message, &sealed, NULL));
    must(veld_hpke_open(&key, VELD_HPKE_BLIND, message, veld_buf_span(&sealed), &opened, NULL));
    VELD_ASSERT(veld_span_equal(veld_buf_span(&opened), message));
    veld_buf_release(&sealed);
    veld_buf_wipe(&opened);
}

static void *work(void *signatures)
{
    veld_signature *out = signatures;
    must(veld_crypto_init(NULL));
    for (uint8_t i = 0; i < ROUNDS; i++)
        one_round(i, &out[i]);
    return NULL;
}

static void threads_share_sealer_and_key(void **state)
{
    (void)state;
    static veld_signature signatures[THREADS][ROUNDS];
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, signatures[i]), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (size_t i = 1; i < THREADS; i++)
        assert_memory_equal(signatures[0], signatures[i], sizeof signatures[0]);
}

static void *wake(void *result)
{
    *(veld_status *)result = veld_crypto_init(NULL);
    return NULL;
}

static void threads_wake_the_library_together(void **state)
{
    (void)state;
    veld_status results[THREADS];
    pthread_t threads[THREADS];
    veld_crypto_close();
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, wake, &results[i]), 0);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_ok(results[i]);
    }
}

static int begin(void **state)
{
    (void)state;
    static const uint8_t root[VELD_SEAL_KEY_BYTES] = {1};
    const veld_span key_span = {root, sizeof root};
    env = veld_host_env();
    must(veld_crypto_init(NULL));
    must(veld_sealer_new(VELD_SEALER_CASE_ROW, key_span, key_span, &env, &sealer, NULL));
    must(veld_p256_generate(&env, &key, NULL));
    return 0;
}

static int end(void **state)
{
    (void)state;
    veld_sealer_free(sealer);
    veld_p256_release(&key);
    return 0;
}

int main(void)
{
    const struct CMUnitTest first[] = {cmocka_unit_test(threads_wake_the_library_together)};
    const struct CMUnitTest second[] = {cmocka_unit_test(threads_share_sealer_and_key)};
    int failed = cmocka_run_group_tests_name("crypto.threads.init", first, NULL, NULL);
    return failed + cmocka_run_group_tests_name("crypto.threads.use", second, begin, end);
}

/* What must not stay in memory, what must not repeat after fork, and that running out of memory at
 * any point gives back everything and leaves the caller's objects as they were. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <psa/crypto.h>

#include "test_env.h"
#include "veld_test.h"
#include "veldkit/context.h"
#include "veldkit/crypto.h"
#include "veldkit/hash.h"
#include "veldkit/host.h"
#include "veldkit/hpke.h"
#include "veldkit/jws.h"
#include "veldkit/pin.h"
#include "veldkit/seal.h"
#include "veldkit/sshsig.h"

/* ---- an allocator that reads what is given back ----
 * Each block carries its size in front. A block that is released with one of the needles in it is
 * counted, wherever in the library it came from: our code, PSA's key store or libargon2. */
enum { NEEDLES_MAX = 4, NEEDLE_BYTES = 16, HEAD_BYTES = 16 };

static uint8_t needles[NEEDLES_MAX][NEEDLE_BYTES];
static size_t needle_count;
static size_t leaks;
static size_t live;

static bool holds_needle(const uint8_t *bytes, size_t len)
{
    for (size_t n = 0; n < needle_count; n++)
        for (size_t i = 0; i + NEEDLE_BYTES <= len; i++)
            if (memcmp(bytes + i, needles[n], NEEDLE_BYTES) == 0)
                return true;
    return false;
}

static void *watching_allocate(size_t bytes)
{
    uint8_t *block = malloc(HEAD_BYTES + bytes);
    if (block == NULL)
        return NULL;
    memcpy(block, &bytes, sizeof bytes);
    live++;
    return block + HEAD_BYTES;
}

static void watching_release(void *pointer)
{
    uint8_t *bytes = pointer;
    size_t len;
    memcpy(&len, bytes - HEAD_BYTES, sizeof len);
    if (len <= 1 << 20 && holds_needle(bytes, len))
        leaks++;
    live--;
    free(bytes - HEAD_BYTES);
}

static void *watching_resize(void *pointer, size_t bytes)
{
    void *made = watching_allocate(bytes);
    if (made != NULL && pointer != NULL) {
        size_t len;
        memcpy(&len, (uint8_t *)pointer - HEAD_BYTES, sizeof len);
        memcpy(made, pointer, len < bytes ? len : bytes);
        watching_release(pointer);
    }
    return made;
}

static void watch_for(const uint8_t *secret)
{
    assert_true(needle_count < NEEDLES_MAX);
    memcpy(needles[needle_count++], secret, NEEDLE_BYTES);
}

static void begin_watching(void)
{
    static const veld_allocator watching = {watching_allocate, watching_resize, watching_release};
    veld_crypto_close();
    needle_count = 0;
    leaks = 0;
    live = 0;
    veld_allocator_set(&watching);
    assert_ok(veld_crypto_init(NULL));
}

static void end_watching(void)
{
    veld_crypto_close();
    assert_int_equal(live, 0);
    veld_allocator_set(NULL);
    assert_ok(veld_crypto_init(NULL));
}

/* The instrument first: it must see a secret that is released as it is. */
static void the_watching_allocator_sees_what_is_left(void **state)
{
    (void)state;
    uint8_t bytes[32] = "a secret that nobody wiped 12345";
    begin_watching();
    watch_for(bytes);
    uint8_t *block = veld_allocate(64);
    assert_non_null(block);
    memcpy(block + 5, bytes, sizeof bytes);
    veld_release(block);
    assert_int_equal(leaks, 1);
    end_watching();
}

static void keys_are_wiped_before_their_memory_is_given_back(void **state)
{
    (void)state;
    test_env world;
    uint8_t root[32];
    uint8_t hedge[32];
    test_env_init(&world, 1);
    assert_ok(veld_env_random(&world.env, root, sizeof root, NULL));
    assert_ok(veld_env_random(&world.env, hedge, sizeof hedge, NULL));
    begin_watching();
    watch_for(root);
    watch_for(hedge);

    veld_secret derived = {0};
    const veld_span none = {NULL, 0};
    const veld_span root_span = {root, sizeof root};
    assert_ok(veld_key_derive(root_span, VELD_CONTEXT_CASE_ENC, none, 32, &derived, NULL));
    watch_for(derived.data);
    veld_secret_release(&derived);

    veld_sealer *sealer = NULL;
    veld_message_proof proof;
    veld_buf sealed;
    veld_buf_init(&sealed, 1024);
    assert_ok(veld_sealer_new(VELD_SEALER_CASE_MESSAGE, root_span,
        veld_span_of(hedge, sizeof hedge), &world.env, &sealer, NULL));
    assert_ok(veld_sealer_seal_message(
        sealer, veld_span_text("hdr"), none, veld_span_text("plain"), &proof, &sealed, NULL));
    veld_sealer_free(sealer);

    veld_p256_private key = {0};
    veld_buf out;
    veld_signature signature;
    veld_buf_init(&out, 1024);
    assert_ok(veld_p256_generate(&world.env, &key, NULL));
    watch_for(key.scalar.data);
    const veld_signer signer = veld_signer_p256(&key);
    assert_ok(
        veld_sshsig_sign(&signer, VELD_NAMESPACE_COMMIT, veld_span_text("m"), &signature, NULL));
    assert_ok(veld_hpke_seal(
        &world.env, &key.public_key, VELD_HPKE_CASE_KEY, none, root_span, &sealed, NULL));
    assert_ok(veld_hpke_open(&key, VELD_HPKE_CASE_KEY, none,
        veld_span_part(veld_buf_span(&sealed), sealed.len - 32 - VELD_HPKE_OVERHEAD_BYTES,
            32 + VELD_HPKE_OVERHEAD_BYTES),
        &out, NULL));
    assert_memory_equal(out.data, root, sizeof root);
    veld_p256_release(&key);
    veld_buf_wipe(&out);
    veld_buf_release(&sealed);
    assert_int_equal(leaks, 0);
    end_watching();
}

static void a_pin_and_its_key_are_wiped(void **state)
{
    (void)state;
    static const char pin[] = "een lange wachtzin van vijf woorden";
    static const uint8_t salt[VELD_PIN_SALT_BYTES] = {1};
    const veld_pin_params params = {1, 46 * 1024, 1};
    veld_secret key = {0};
    begin_watching();
    watch_for((const uint8_t *)pin);
    assert_ok(veld_pin_stretch(&params, veld_span_text(pin), salt, &key, NULL));
    watch_for(key.data);
    veld_secret_release(&key);
    assert_int_equal(leaks, 0);
    end_watching();
}

/* ---- fork ---- */
typedef struct drawn {
    uint8_t host[32];
    uint8_t psa[32];
    uint8_t key[32];
} drawn;

static void draw(const veld_env *env, drawn *out)
{
    veld_p256_private key = {0};
    assert_ok(veld_crypto_init(NULL));
    assert_ok(veld_env_random(env, out->host, sizeof out->host, NULL));
    assert_int_equal(psa_generate_random(out->psa, sizeof out->psa), PSA_SUCCESS);
    assert_ok(veld_p256_generate(env, &key, NULL));
    memcpy(out->key, key.scalar.data, sizeof out->key);
    veld_p256_release(&key);
}

static void draw_in_child(const veld_env *env, drawn *out)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        drawn mine;
        draw(env, &mine);
        _exit(write(ends[1], &mine, sizeof mine) == (ssize_t)sizeof mine ? 0 : 1);
    }
    int result = -1;
    assert_int_equal(read(ends[0], out, sizeof *out), sizeof *out);
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    close(ends[0]);
    close(ends[1]);
}

/* Two children of one state, and the parent afterwards: nobody draws what another drew. */
static void forked_processes_draw_different_bytes(void **state)
{
    (void)state;
    const veld_env env = veld_host_env();
    drawn all[4];
    draw(&env, &all[0]);
    draw_in_child(&env, &all[1]);
    draw_in_child(&env, &all[2]);
    draw(&env, &all[3]);
    for (size_t a = 0; a < 4; a++) {
        for (size_t b = 0; b < a; b++) {
            assert_memory_not_equal(all[a].host, all[b].host, sizeof all[a].host);
            assert_memory_not_equal(all[a].psa, all[b].psa, sizeof all[a].psa);
            assert_memory_not_equal(all[a].key, all[b].key, sizeof all[a].key);
        }
    }
}

/* ---- every allocation that fails ---- */
typedef struct job {
    test_env world;
    veld_p256_private key;
    veld_buf out;
    veld_buf back;
} job;

static veld_status sealing(job *j)
{
    static const uint8_t root[32] = {1};
    const veld_span key = {root, sizeof root};
    const veld_span place = veld_span_text("place");
    veld_sealer *sealer = NULL;
    veld_status status;
    VELD_TRY(veld_sealer_new(VELD_SEALER_CASE_ROW, key, key, &j->world.env, &sealer, NULL));
    VELD_TRY(veld_sealer_seal_row(sealer, &place, 1, place, &j->out, NULL));
    VELD_TRY(veld_sealer_open_row(sealer, &place, 1, veld_buf_span(&j->out), &j->back, NULL));
done:
    veld_sealer_free(sealer);
    return status;
}

static veld_status messages(job *j)
{
    static const uint8_t root[32] = {1};
    const veld_span key = {root, sizeof root};
    const veld_span text = veld_span_text("text");
    veld_sealer *sealer = NULL;
    veld_message_proof proof;
    veld_status status;
    VELD_TRY(veld_sealer_new(VELD_SEALER_CASE_MESSAGE, key, key, &j->world.env, &sealer, NULL));
    VELD_TRY(veld_sealer_seal_message(sealer, text, text, text, &proof, &j->out, NULL));
    VELD_TRY(
        veld_sealer_open_message(sealer, text, &proof, veld_buf_span(&j->out), &j->back, NULL));
done:
    veld_sealer_free(sealer);
    return status;
}

static veld_status signing(job *j)
{
    const veld_signer signer = veld_signer_p256(&j->key);
    const veld_verifier verifier = veld_verifier_p256();
    veld_signature signature;
    veld_sshsig read;
    veld_status status;
    VELD_TRY(veld_sshsig_sign(&signer, "git", veld_span_text("m"), &signature, NULL));
    VELD_TRY(veld_sshsig_write(&j->key.public_key, "git", &signature, &j->out, NULL));
    VELD_TRY(veld_sshsig_read(veld_buf_span(&j->out), &read, NULL));
    VELD_TRY(veld_sshsig_verify(
        &verifier, &read.key, "git", veld_span_text("m"), &read.signature, NULL));
done:
    return status;
}

static veld_status ssh_lines(job *j)
{
    veld_ssh_allowed allowed = {"worker", "git", j->key.public_key};
    veld_p256_public key;
    veld_hash fingerprint;
    veld_status status;
    VELD_TRY(veld_ssh_allowed_write(&allowed, &j->out, NULL));
    VELD_TRY(veld_ssh_allowed_read(veld_buf_span(&j->out), &allowed, NULL));
    VELD_TRY(veld_ssh_key_write(&allowed.key, "x", &j->back, NULL));
    VELD_TRY(veld_ssh_key_read(veld_buf_span(&j->back), &key, NULL));
    VELD_TRY(veld_p256_fingerprint(&key, &fingerprint, NULL));
done:
    return status;
}

static veld_status documents(job *j)
{
    const veld_signer signer = veld_signer_p256(&j->key);
    const veld_verifier verifier = veld_verifier_p256();
    veld_status status;
    VELD_TRY(veld_jws_sign(&signer, VELD_JWS_PLAN, "k", veld_span_text("{}"), &j->out, NULL));
    VELD_TRY(veld_jws_verify(
        &verifier, &j->key.public_key, VELD_JWS_PLAN, "k", veld_buf_span(&j->out), &j->back, NULL));
done:
    return status;
}

static veld_status hybrid(job *j)
{
    veld_status status;
    VELD_TRY(veld_hpke_seal(&j->world.env, &j->key.public_key, VELD_HPKE_BLIND,
        veld_span_of(NULL, 0), veld_span_text("m"), &j->out, NULL));
    VELD_TRY(veld_hpke_open(
        &j->key, VELD_HPKE_BLIND, veld_span_of(NULL, 0), veld_buf_span(&j->out), &j->back, NULL));
done:
    return status;
}

static veld_status hashing(job *j)
{
    veld_sha256_stream stream = {0};
    veld_hash hash;
    veld_secret key = {0};
    uint8_t check[VELD_KEY_CHECK_BYTES];
    veld_status status;
    (void)j;
    VELD_TRY(veld_sha256_start(&stream, VELD_CONTEXT_HASH_ENTRY, NULL));
    VELD_TRY(veld_sha256_finish(&stream, &hash, NULL));
    VELD_TRY(veld_hkdf_extract(veld_span_of(NULL, 0), NULL, 0, &key, NULL));
    VELD_TRY(veld_key_check(veld_secret_span(&key), VELD_CONTEXT_CASE_KEY_CHECK, check, NULL));
done:
    veld_secret_release(&key);
    return status;
}

static veld_status stretching(job *j)
{
    static const uint8_t salt[VELD_PIN_SALT_BYTES] = {1};
    const veld_pin_params params = {1, 46 * 1024, 1};
    const veld_id device = {{1}};
    veld_secret pin_key = {0};
    veld_secret key = {0};
    veld_status status;
    (void)j;
    VELD_TRY(veld_pin_stretch(&params, veld_span_text("1"), salt, &pin_key, NULL));
    VELD_TRY(veld_unlock_key(
        veld_secret_span(&pin_key), veld_secret_span(&pin_key), &device, &key, NULL));
done:
    veld_secret_release(&pin_key);
    veld_secret_release(&key);
    return status;
}

/* Fail the first allocation, then the second, until the job succeeds: each failure must be told as
 * a lack of memory (PSA tells some as its own failure) and must leave nothing in the buffers. */
static void fail_each_allocation(veld_status (*run)(job *j))
{
    enum { EVERY_ONE_UNTIL = 200, STRIDE = 17, FAILURES_MAX = 50000 };
    for (uint64_t n = 1; n < FAILURES_MAX; n += n < EVERY_ONE_UNTIL ? 1 : STRIDE) {
        job j = {0};
        test_env_init(&j.world, 1);
        veld_buf_init(&j.out, 8192);
        veld_buf_init(&j.back, 8192);
        (void)test_fail_allocation(0, false);
        assert_ok(veld_p256_generate(&j.world.env, &j.key, NULL));
        (void)test_fail_allocation(n, false);
        veld_status status = run(&j);
        (void)test_fail_allocation(0, false);
        veld_p256_release(&j.key);
        veld_buf_release(&j.out);
        veld_buf_release(&j.back);
        if (status == VELD_OK) {
            assert_true(n > 1);
            return;
        }
        assert_true(status == VELD_E_MEMORY || status == VELD_E_CRYPTO);
    }
    fail_msg("the job never succeeds");
}

static void a_lack_of_memory_is_told_wherever_it_strikes(void **state)
{
    (void)state;
    fail_each_allocation(sealing);
    fail_each_allocation(messages);
    fail_each_allocation(signing);
    fail_each_allocation(ssh_lines);
    fail_each_allocation(documents);
    fail_each_allocation(hybrid);
    fail_each_allocation(hashing);
    fail_each_allocation(stretching);
    veld_allocator_set(NULL);
}

static int wake(void **state)
{
    (void)state;
    return veld_crypto_init(NULL) == VELD_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_watching_allocator_sees_what_is_left),
        cmocka_unit_test(keys_are_wiped_before_their_memory_is_given_back),
        cmocka_unit_test(a_pin_and_its_key_are_wiped),
        cmocka_unit_test(forked_processes_draw_different_bytes),
        cmocka_unit_test(a_lack_of_memory_is_told_wherever_it_strikes),
    };
    return cmocka_run_group_tests_name("crypto.secrets", tests, wake, NULL);
}

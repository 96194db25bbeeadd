/* What sealing costs beside bare AES-256-GCM of the same library, and how much of everything else a
 * second holds. The two sides of a ratio are measured turn by turn and the best of several rounds
 * counts, so that other work on the machine disturbs less. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <psa/crypto.h>

#include "veldkit/assert.h"
#include "veldkit/context.h"
#include "veldkit/crypto.h"
#include "veldkit/hash.h"
#include "veldkit/host.h"
#include "veldkit/hpke.h"
#include "veldkit/jws.h"
#include "veldkit/pin.h"
#include "veldkit/seal.h"
#include "veldkit/sshsig.h"

enum { ROUNDS = 15, ROUND_MS = 20, BYTES_MAX = 1 << 20, HEADER_BYTES = 104 };

static uint8_t input[BYTES_MAX];
static uint8_t output[BYTES_MAX + VELD_TAG_BYTES];

typedef struct world {
    veld_env env;
    psa_key_id_t raw;
    veld_sealer *message;
    veld_sealer *row;
    veld_p256_private key;
    veld_signer signer;
    veld_verifier verifier;
    veld_signature signature;
    veld_buf sealed;
    veld_buf opened;
    veld_buf text;
    size_t len;
} world;

static void must(veld_status status)
{
    VELD_ASSERT(status == VELD_OK);
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

typedef void (*operation)(world *w);

/* Seconds per call, over one round. */
static double one_round(operation run, world *w)
{
    int calls = 0;
    double start = now_s();
    double passed = 0;
    do {
        run(w);
        calls++;
        passed = now_s() - start;
    } while (passed < ROUND_MS / 1e3);
    return passed / calls;
}

/* The best seconds per call of each operation. */
static void measure(const operation *runs, size_t count, world *w, double *best)
{
    for (size_t i = 0; i < count; i++)
        best[i] = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < count; i++) {
            double seconds = one_round(runs[i], w);
            if (seconds < best[i])
                best[i] = seconds;
        }
    }
}

/* ---- sealing ---- */
static void raw_gcm(world *w)
{
    static const uint8_t nonce[12] = {0};
    size_t len = 0;
    psa_status_t native = psa_aead_encrypt(w->raw, PSA_ALG_GCM, nonce, sizeof nonce, input,
        HEADER_BYTES, input, w->len, output, w->len + VELD_TAG_BYTES, &len);
    VELD_ASSERT(native == PSA_SUCCESS);
    native = psa_aead_decrypt(w->raw, PSA_ALG_GCM, nonce, sizeof nonce, input, HEADER_BYTES, output,
        len, w->opened.data, w->len, &len);
    VELD_ASSERT(native == PSA_SUCCESS);
}

static void seal_message(world *w)
{
    const veld_span hdr = {input, HEADER_BYTES};
    veld_message_proof proof;
    veld_buf_clear(&w->sealed);
    veld_buf_clear(&w->opened);
    must(veld_sealer_seal_message(w->message, hdr, veld_span_of(input, 16),
        veld_span_of(input, w->len), &proof, &w->sealed, NULL));
    must(veld_sealer_open_message(
        w->message, hdr, &proof, veld_buf_span(&w->sealed), &w->opened, NULL));
}

static void seal_row(world *w)
{
    const veld_span place[] = {
        {input, 16}, veld_span_text("change"), {input, 32}, veld_span_text("blob")};
    veld_buf_clear(&w->sealed);
    veld_buf_clear(&w->opened);
    must(veld_sealer_seal_row(w->row, place, 4, veld_span_of(input, w->len), &w->sealed, NULL));
    must(veld_sealer_open_row(w->row, place, 4, veld_buf_span(&w->sealed), &w->opened, NULL));
}

static void bench_sealing(world *w)
{
    static const size_t sizes[] = {256, 1024, 4096, 65536};
    static const operation runs[] = {raw_gcm, seal_message, seal_row};
    printf("seal + open        bare AES-256-GCM      message  ratio          row  ratio\n");
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        double best[3];
        w->len = sizes[i];
        measure(runs, 3, w, best);
        printf("%8zu bytes %14.2f us %11.2f us %6.2f %9.2f us %6.2f%s\n", sizes[i], best[0] * 1e6,
            best[1] * 1e6, best[1] / best[0], best[2] * 1e6, best[2] / best[0],
            sizes[i] == 4096 ? "   (goal: at most 2.1)" : "");
    }
}

/* ---- hashing ---- */
static void hash(world *w)
{
    veld_hash out;
    must(veld_sha256(veld_span_of(input, w->len), &out, NULL));
}

static void bench_hashing(world *w)
{
    static const size_t sizes[] = {64, 1024, 1 << 20};
    static const operation run = hash;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        double best;
        w->len = sizes[i];
        measure(&run, 1, w, &best);
        printf("SHA-256 %8zu bytes %10.1f MB/s\n", sizes[i], (double)sizes[i] / best / 1e6);
    }
}

/* ---- public keys ---- */
static void sign(world *w)
{
    must(veld_sshsig_sign(
        &w->signer, VELD_NAMESPACE_COMMIT, veld_span_of(input, 400), &w->signature, NULL));
}

static void verify(world *w)
{
    must(veld_sshsig_verify(&w->verifier, &w->key.public_key, VELD_NAMESPACE_COMMIT,
        veld_span_of(input, 400), &w->signature, NULL));
}

static void jws_sign(world *w)
{
    veld_buf_clear(&w->text);
    must(veld_jws_sign(
        &w->signer, VELD_JWS_PLAN, "bench", veld_span_of(input, 2048), &w->text, NULL));
}

static void jws_verify(world *w)
{
    veld_buf_clear(&w->opened);
    must(veld_jws_verify(&w->verifier, &w->key.public_key, VELD_JWS_PLAN, "bench",
        veld_buf_span(&w->text), &w->opened, NULL));
}

static void hpke_seal(world *w)
{
    veld_buf_clear(&w->sealed);
    must(veld_hpke_seal(&w->env, &w->key.public_key, VELD_HPKE_CASE_KEY, veld_span_of(input, 40),
        veld_span_of(input, 32), &w->sealed, NULL));
}

static void hpke_open(world *w)
{
    veld_buf_clear(&w->opened);
    must(veld_hpke_open(&w->key, VELD_HPKE_CASE_KEY, veld_span_of(input, 40),
        veld_buf_span(&w->sealed), &w->opened, NULL));
}

static void bench_public(world *w)
{
    static const operation runs[] = {sign, verify, jws_sign, jws_verify, hpke_seal, hpke_open};
    static const char *const names[] = {"SSHSIG sign, 400 bytes", "SSHSIG verify, 400 bytes",
        "JWS sign, 2 KiB", "JWS verify, 2 KiB", "HPKE seal, 32 bytes", "HPKE open, 32 bytes"};
    double best[6];
    measure(runs, 6, w, best);
    for (size_t i = 0; i < 6; i++)
        printf("%-26s %8.0f /s\n", names[i], 1 / best[i]);
    printf("verify / sign              %8.2f\n", best[1] / best[0]);
}

static void bench_pin(world *w)
{
    static const uint8_t salt[VELD_PIN_SALT_BYTES] = {0};
    veld_pin_params params;
    veld_secret key = {0};
    must(veld_pin_calibrate(&w->env, &params, NULL));
    double start = now_s();
    must(veld_pin_stretch(&params, veld_span_text("123456"), salt, &key, NULL));
    printf("Argon2id as calibrated: %u passes, %u MiB, %u lane: %.2f s (goal: 0.3 to 0.5)\n",
        params.passes, params.memory_kib / 1024, params.lanes, now_s() - start);
    veld_secret_release(&key);
}

static void prepare(world *w)
{
    w->env = veld_host_env();
    must(veld_crypto_init(NULL));
    must(veld_env_random(&w->env, input, sizeof input, NULL));
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_set_key_type(&attributes, PSA_KEY_TYPE_AES);
    psa_set_key_algorithm(&attributes, PSA_ALG_GCM);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_DECRYPT);
    VELD_ASSERT(psa_import_key(&attributes, input, 32, &w->raw) == PSA_SUCCESS);
    const veld_span key = {input, VELD_SEAL_KEY_BYTES};
    must(veld_sealer_new(VELD_SEALER_CASE_MESSAGE, key, key, &w->env, &w->message, NULL));
    must(veld_sealer_new(VELD_SEALER_CASE_ROW, key, key, &w->env, &w->row, NULL));
    must(veld_p256_generate(&w->env, &w->key, NULL));
    w->signer = veld_signer_p256(&w->key);
    w->verifier = veld_verifier_p256();
    veld_buf_init(&w->sealed, 2 * BYTES_MAX);
    veld_buf_init(&w->opened, 2 * BYTES_MAX);
    veld_buf_init(&w->text, 2 * BYTES_MAX);
    must(veld_buf_reserve(&w->opened, BYTES_MAX));
}

int main(void)
{
    static world w;
    prepare(&w);
    bench_sealing(&w);
    bench_hashing(&w);
    bench_public(&w);
    bench_pin(&w);
    veld_sealer_free(w.message);
    veld_sealer_free(w.row);
    veld_p256_release(&w.key);
    veld_buf_release(&w.sealed);
    veld_buf_release(&w.opened);
    veld_buf_release(&w.text);
    return 0;
}

/* XAES by its published vectors, and what the sealer promises: every bit counts, a place is part of
 * a row, a repeated generator repeats a nonce only for the same message. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "primitive.h"
#include "shake128.h"
#include "test_env.h"
#include "veld_test.h"
#include "veldkit/context.h"
#include "veldkit/crypto.h"
#include "veldkit/hash.h"
#include "veldkit/limits.h"
#include "veldkit/seal.h"

static const uint8_t xaes_nonce[] = "ABCDEFGHIJKLMNOPQRSTUVWX";
static const uint8_t root_bytes[32] = {7};
static const uint8_t hedge_bytes[32] = {8};

#define ROOT  veld_span_of(root_bytes, sizeof root_bytes)
#define HEDGE veld_span_of(hedge_bytes, sizeof hedge_bytes)

/* ---- the cipher ---- */
static void check_xaes(uint8_t key_byte, const char *aad, const char *wanted_hex)
{
    uint8_t key[32];
    uint8_t wanted[28];
    uint8_t sealed[28];
    uint8_t opened[12];
    memset(key, key_byte, sizeof key);
    assert_ok(veld_hex_decode(veld_span_text(wanted_hex), wanted, sizeof wanted));
    const veld_span key_span = {key, sizeof key};
    assert_ok(veld_xaes_seal(
        key_span, xaes_nonce, veld_span_text(aad), veld_span_text("XAES-256-GCM"), sealed, NULL));
    assert_memory_equal(sealed, wanted, sizeof wanted);
    assert_ok(veld_xaes_open(key_span, xaes_nonce, veld_span_text(aad),
        veld_span_of(sealed, sizeof sealed), opened, NULL));
    assert_memory_equal(opened, "XAES-256-GCM", 12);
}

/* c2sp.org/XAES-256-GCM: CMAC's subkey with and without the reduction. */
static void xaes_vectors_of_the_specification(void **state)
{
    (void)state;
    check_xaes(0x01, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271");
    check_xaes(
        0x03, "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d");
}

/* c2sp.org/XAES-256-GCM, "Accumulated randomized tests". */
static void accumulate(int rounds, const char *wanted_hex)
{
    test_shake128 source;
    test_shake128 sum;
    test_shake128_init(&source);
    test_shake128_init(&sum);
    for (int i = 0; i < rounds; i++) {
        uint8_t key[32], nonce[24], plain_len, plain[255], aad_len, aad[255];
        uint8_t sealed[255 + VELD_TAG_BYTES];
        uint8_t opened[255 + 1];
        test_shake128_read(&source, key, sizeof key);
        test_shake128_read(&source, nonce, sizeof nonce);
        test_shake128_read(&source, &plain_len, 1);
        test_shake128_read(&source, plain, plain_len);
        test_shake128_read(&source, &aad_len, 1);
        test_shake128_read(&source, aad, aad_len);
        const veld_span key_span = {key, sizeof key};
        const veld_span aad_span = {aad, aad_len};
        size_t len = (size_t)plain_len + VELD_TAG_BYTES;
        assert_ok(veld_xaes_seal(
            key_span, nonce, aad_span, veld_span_of(plain, plain_len), sealed, NULL));
        assert_ok(
            veld_xaes_open(key_span, nonce, aad_span, veld_span_of(sealed, len), opened, NULL));
        assert_memory_equal(opened, plain, plain_len);
        test_shake128_write(&sum, sealed, len);
    }
    uint8_t wanted[32];
    uint8_t got[32];
    assert_ok(veld_hex_decode(veld_span_text(wanted_hex), wanted, sizeof wanted));
    test_shake128_read(&sum, got, sizeof got);
    assert_memory_equal(got, wanted, sizeof wanted);
}

static void xaes_accumulated_vectors(void **state)
{
    (void)state;
    accumulate(10000, "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939");
    if (getenv("VELD_TEST_LONG") != NULL)
        accumulate(1000000, "2163ae1445985a30b60585ee67daa55674df06901b890593e824b8a7c885ab15");
}

static void a_forged_message_leaves_nothing_behind(void **state)
{
    (void)state;
    uint8_t sealed[28];
    uint8_t opened[12];
    assert_ok(veld_xaes_seal(
        ROOT, xaes_nonce, veld_span_text("x"), veld_span_text("XAES-256-GCM"), sealed, NULL));
    sealed[0] ^= 1;
    memset(opened, 0xff, sizeof opened);
    veld_error err;
    assert_int_equal(veld_xaes_open(ROOT, xaes_nonce, veld_span_text("x"),
                         veld_span_of(sealed, sizeof sealed), opened, &err),
        VELD_E_FORGED);
    assert_int_equal(err.status, VELD_E_FORGED);
    for (size_t i = 0; i < sizeof opened; i++)
        assert_int_equal(opened[i], 0);
    assert_int_equal(veld_xaes_open(ROOT, xaes_nonce, veld_span_text("x"),
                         veld_span_of(sealed, VELD_TAG_BYTES - 1), opened, NULL),
        VELD_E_FORM);
}

/* ---- messages ---- */
typedef struct fixture {
    test_env world;
    veld_sealer *sealer;
    veld_buf sealed;
    veld_buf opened;
} fixture;

static void begin(fixture *f, veld_sealer_kind kind, uint64_t seed)
{
    test_env_init(&f->world, seed);
    assert_ok(veld_sealer_new(kind, ROOT, HEDGE, &f->world.env, &f->sealer, NULL));
    veld_buf_init(&f->sealed, VELD_SEAL_BYTES_MAX + 1024);
    veld_buf_init(&f->opened, VELD_SEAL_BYTES_MAX + 1024);
}

static void end(fixture *f)
{
    veld_sealer_free(f->sealer);
    veld_buf_release(&f->sealed);
    veld_buf_wipe(&f->opened);
}

#define HDR   veld_span_text("VKE1 a header of some length")
#define MORE  veld_span_text("incarnationnumbr")
#define PLAIN veld_span_text("Sanne woont niet meer op het oude adres.")

static veld_status open_message(fixture *f, veld_span hdr, const veld_message_proof *proof)
{
    return veld_sealer_open_message(
        f->sealer, hdr, proof, veld_buf_span(&f->sealed), &f->opened, NULL);
}

static void a_message_opens_to_what_was_sealed(void **state)
{
    (void)state;
    fixture f;
    begin(&f, VELD_SEALER_CASE_MESSAGE, 1);
    static const size_t sizes[] = {0, 1, 15, 16, 17, 4096, 100000};
    uint8_t *bytes = calloc(1, 100000);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        veld_message_proof proof;
        veld_buf_clear(&f.sealed);
        veld_buf_clear(&f.opened);
        assert_ok(veld_buf_append_text(&f.opened, "kept"));
        assert_ok(veld_sealer_seal_message(
            f.sealer, HDR, MORE, veld_span_of(bytes, sizes[i]), &proof, &f.sealed, NULL));
        assert_int_equal(f.sealed.len, sizes[i] + VELD_TAG_BYTES);
        assert_ok(open_message(&f, HDR, &proof));
        assert_int_equal(f.opened.len, 4 + sizes[i]);
        assert_memory_equal(f.opened.data, "kept", 4);
        assert_memory_equal(f.opened.data + 4, bytes, sizes[i]);
    }
    free(bytes);
    end(&f);
}

/* The layout, computed a second time from the formulas of the header. */
static void a_message_is_made_by_the_formulas(void **state)
{
    (void)state;
    fixture f;
    begin(&f, VELD_SEALER_CASE_MESSAGE, 2);
    veld_message_proof proof;
    assert_ok(veld_sealer_seal_message(f.sealer, HDR, MORE, PLAIN, &proof, &f.sealed, NULL));

    test_env same;
    uint8_t random[32];
    veld_hash of_hdr, of_plain, mac;
    test_env_init(&same, 2);
    assert_ok(veld_env_random(&same.env, random, sizeof random, NULL));
    assert_ok(veld_sha256(HDR, &of_hdr, NULL));
    assert_ok(veld_sha256(PLAIN, &of_plain, NULL));
    const veld_span parts[] = {
        {random, 32}, MORE, veld_hash_span(&of_hdr), veld_hash_span(&of_plain)};
    assert_ok(veld_hmac_sha256(HEDGE, parts, 4, &mac, NULL));
    assert_memory_equal(proof.nonce, mac.bytes, VELD_NONCE_BYTES);

    veld_secret enc = {0};
    veld_secret commit = {0};
    const veld_span none = {NULL, 0};
    assert_ok(veld_key_derive(ROOT, "veldkit/case/enc/1", none, 32, &enc, NULL));
    assert_ok(veld_key_derive(ROOT, "veldkit/case/commit/1", none, 32, &commit, NULL));
    const veld_span committed[] = {HDR, {proof.nonce, VELD_NONCE_BYTES}};
    assert_ok(veld_hmac_sha256(veld_secret_span(&commit), committed, 2, &mac, NULL));
    assert_memory_equal(proof.commit, mac.bytes, VELD_COMMIT_BYTES);

    uint8_t aad[256];
    uint8_t sealed[256];
    memcpy(aad, HDR.data, HDR.len);
    memcpy(aad + HDR.len, proof.commit, VELD_COMMIT_BYTES);
    assert_ok(veld_xaes_seal(veld_secret_span(&enc), proof.nonce,
        veld_span_of(aad, HDR.len + VELD_COMMIT_BYTES), PLAIN, sealed, NULL));
    assert_int_equal(f.sealed.len, PLAIN.len + VELD_TAG_BYTES);
    assert_memory_equal(f.sealed.data, sealed, f.sealed.len);
    veld_secret_release(&enc);
    veld_secret_release(&commit);
    end(&f);
}

static void every_flipped_bit_of_a_message_is_noticed(void **state)
{
    (void)state;
    fixture f;
    begin(&f, VELD_SEALER_CASE_MESSAGE, 3);
    uint8_t hdr[32];
    memcpy(hdr, HDR.data, HDR.len);
    const veld_span header = {hdr, HDR.len};
    veld_message_proof proof;
    assert_ok(veld_sealer_seal_message(f.sealer, header, MORE, PLAIN, &proof, &f.sealed, NULL));
    struct {
        uint8_t *bytes;
        size_t len;
    } fields[] = {{hdr, header.len}, {proof.nonce, sizeof proof.nonce},
        {proof.commit, sizeof proof.commit}, {f.sealed.data, f.sealed.len}};
    for (size_t i = 0; i < 4; i++) {
        for (size_t bit = 0; bit < fields[i].len * 8; bit++) {
            fields[i].bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(open_message(&f, header, &proof), VELD_E_FORGED);
            assert_int_equal(f.opened.len, 0);
            fields[i].bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
    assert_ok(open_message(&f, header, &proof));
    for (size_t len = 0; len < f.sealed.len; len++) {
        veld_status status = veld_sealer_open_message(
            f.sealer, header, &proof, veld_span_of(f.sealed.data, len), &f.opened, NULL);
        assert_int_equal(status, len < VELD_TAG_BYTES ? VELD_E_FORM : VELD_E_FORGED);
    }
    end(&f);
}

static void another_case_key_is_refused_by_the_commitment(void **state)
{
    (void)state;
    fixture f;
    begin(&f, VELD_SEALER_CASE_MESSAGE, 4);
    veld_message_proof proof;
    assert_ok(veld_sealer_seal_message(f.sealer, HDR, MORE, PLAIN, &proof, &f.sealed, NULL));
    veld_sealer *other = NULL;
    assert_ok(veld_sealer_new(
        VELD_SEALER_CASE_MESSAGE, HEDGE, veld_span_of(NULL, 0), NULL, &other, NULL));
    assert_int_equal(
        veld_sealer_open_message(other, HDR, &proof, veld_buf_span(&f.sealed), &f.opened, NULL),
        VELD_E_FORGED);
    veld_sealer_free(other);
    end(&f);
}

/* What a cloned machine does: the same bytes from the generator, twice. */
static void a_repeated_generator_repeats_no_nonce_for_another_message(void **state)
{
    (void)state;
    veld_message_proof first, same, other_plain, other_hdr, other_number;
    fixture f;
    begin(&f, VELD_SEALER_CASE_MESSAGE, 5);
    const uint64_t start = f.world.state;
    assert_ok(veld_sealer_seal_message(f.sealer, HDR, MORE, PLAIN, &first, &f.sealed, NULL));
    f.world.state = start;
    assert_ok(veld_sealer_seal_message(f.sealer, HDR, MORE, PLAIN, &same, &f.sealed, NULL));
    assert_memory_equal(first.nonce, same.nonce, VELD_NONCE_BYTES);
    f.world.state = start;
    assert_ok(veld_sealer_seal_message(
        f.sealer, HDR, MORE, veld_span_text("anders"), &other_plain, &f.sealed, NULL));
    f.world.state = start;
    assert_ok(veld_sealer_seal_message(
        f.sealer, veld_span_text("hdr"), MORE, PLAIN, &other_hdr, &f.sealed, NULL));
    f.world.state = start;
    assert_ok(veld_sealer_seal_message(
        f.sealer, HDR, veld_span_text("incarnationnumbs"), PLAIN, &other_number, &f.sealed, NULL));
    assert_memory_not_equal(first.nonce, other_plain.nonce, VELD_NONCE_BYTES);
    assert_memory_not_equal(first.nonce, other_hdr.nonce, VELD_NONCE_BYTES);
    assert_memory_not_equal(first.nonce, other_number.nonce, VELD_NONCE_BYTES);
    end(&f);
}

/* ---- rows ---- */
static void a_row_opens_in_its_own_place_only(void **state)
{
    (void)state;
    fixture f;
    begin(&f, VELD_SEALER_CASE_ROW, 6);
    const veld_span place[] = {veld_span_text("store"), veld_span_text("table"),
        veld_span_text("id"), veld_span_text("type")};
    /* The same characters, cut differently, and parts left out or added. */
    const veld_span moved[] = {veld_span_text("stor"), veld_span_text("etable"),
        veld_span_text("id"), veld_span_text("type")};
    const veld_span added[] = {veld_span_text("store"), veld_span_text("table"),
        veld_span_text("id"), veld_span_text("type"), veld_span_of(NULL, 0)};
    assert_ok(veld_sealer_seal_row(f.sealer, place, 4, PLAIN, &f.sealed, NULL));
    assert_int_equal(f.sealed.len, PLAIN.len + VELD_ROW_OVERHEAD_BYTES);
    const veld_span sealed = veld_buf_span(&f.sealed);
    assert_int_equal(
        veld_sealer_open_row(f.sealer, moved, 4, sealed, &f.opened, NULL), VELD_E_FORGED);
    assert_int_equal(
        veld_sealer_open_row(f.sealer, place, 3, sealed, &f.opened, NULL), VELD_E_FORGED);
    assert_int_equal(
        veld_sealer_open_row(f.sealer, added, 5, sealed, &f.opened, NULL), VELD_E_FORGED);
    assert_int_equal(f.opened.len, 0);
    assert_ok(veld_sealer_open_row(f.sealer, place, 4, sealed, &f.opened, NULL));
    assert_true(veld_span_equal(veld_buf_span(&f.opened), PLAIN));
    for (size_t bit = 0; bit < f.sealed.len * 8; bit++) {
        f.sealed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(
            veld_sealer_open_row(f.sealer, place, 4, sealed, &f.opened, NULL), VELD_E_FORGED);
        f.sealed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(
        veld_sealer_open_row(f.sealer, place, 4, veld_span_of(sealed.data, 39), &f.opened, NULL),
        VELD_E_FORM);
    end(&f);
}

static void no_two_kinds_share_a_key(void **state)
{
    (void)state;
    for (int a = VELD_SEALER_CASE_ROW; a <= VELD_SEALER_STAFF_WRAP; a++) {
        fixture f;
        begin(&f, (veld_sealer_kind)a, 7);
        assert_ok(veld_sealer_seal_row(f.sealer, NULL, 0, PLAIN, &f.sealed, NULL));
        for (int b = VELD_SEALER_CASE_ROW; b <= VELD_SEALER_STAFF_WRAP; b++) {
            veld_sealer *other = NULL;
            assert_ok(veld_sealer_new(
                (veld_sealer_kind)b, ROOT, veld_span_of(NULL, 0), NULL, &other, NULL));
            assert_int_equal(
                veld_sealer_open_row(other, NULL, 0, veld_buf_span(&f.sealed), &f.opened, NULL),
                a == b ? VELD_OK : VELD_E_FORGED);
            veld_sealer_free(other);
        }
        end(&f);
    }
}

static void limits_are_refused_and_leave_the_buffer_alone(void **state)
{
    (void)state;
    fixture f;
    begin(&f, VELD_SEALER_CHUNK, 8);
    static const uint8_t zeros[VELD_SEAL_BYTES_MAX + 1];
    const veld_span long_place = {zeros, VELD_SEAL_AAD_BYTES_MAX - 3};
    const veld_span longest_place = {zeros, VELD_SEAL_AAD_BYTES_MAX - 4};
    assert_ok(veld_buf_append_text(&f.sealed, "kept"));
    assert_int_equal(
        veld_sealer_seal_row(f.sealer, NULL, 0, veld_span_of(zeros, sizeof zeros), &f.sealed, NULL),
        VELD_E_LIMIT);
    assert_int_equal(
        veld_sealer_seal_row(f.sealer, &long_place, 1, PLAIN, &f.sealed, NULL), VELD_E_LIMIT);
    veld_buf small;
    veld_buf_init(&small, PLAIN.len + VELD_ROW_OVERHEAD_BYTES - 1);
    assert_int_equal(veld_sealer_seal_row(f.sealer, NULL, 0, PLAIN, &small, NULL), VELD_E_LIMIT);
    assert_int_equal(small.len, 0);
    veld_buf_release(&small);
    f.world.random_fails = true;
    assert_int_equal(
        veld_sealer_seal_row(f.sealer, NULL, 0, PLAIN, &f.sealed, NULL), VELD_E_CRYPTO);
    f.world.random_fails = false;
    assert_int_equal(f.sealed.len, 4);
    assert_ok(veld_sealer_seal_row(f.sealer, &longest_place, 1, PLAIN, &f.sealed, NULL));
    assert_int_equal(veld_sealer_open_row(f.sealer, &longest_place, 1,
                         veld_span_of(zeros, sizeof zeros), &f.opened, NULL),
        VELD_E_FORGED);
    end(&f);
}

static void a_key_check_tells_keys_and_uses_apart(void **state)
{
    (void)state;
    uint8_t a[VELD_KEY_CHECK_BYTES], b[VELD_KEY_CHECK_BYTES], c[VELD_KEY_CHECK_BYTES];
    assert_ok(veld_key_check(ROOT, VELD_CONTEXT_CASE_KEY_CHECK, a, NULL));
    assert_ok(veld_key_check(HEDGE, VELD_CONTEXT_CASE_KEY_CHECK, b, NULL));
    assert_ok(veld_key_check(ROOT, VELD_CONTEXT_VAULT_KEY_CHECK, c, NULL));
    assert_memory_not_equal(a, b, sizeof a);
    assert_memory_not_equal(a, c, sizeof a);
}

static int wake(void **state)
{
    (void)state;
    return veld_crypto_init(NULL) == VELD_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xaes_vectors_of_the_specification),
        cmocka_unit_test(xaes_accumulated_vectors),
        cmocka_unit_test(a_forged_message_leaves_nothing_behind),
        cmocka_unit_test(a_message_opens_to_what_was_sealed),
        cmocka_unit_test(a_message_is_made_by_the_formulas),
        cmocka_unit_test(every_flipped_bit_of_a_message_is_noticed),
        cmocka_unit_test(another_case_key_is_refused_by_the_commitment),
        cmocka_unit_test(a_repeated_generator_repeats_no_nonce_for_another_message),
        cmocka_unit_test(a_row_opens_in_its_own_place_only),
        cmocka_unit_test(no_two_kinds_share_a_key),
        cmocka_unit_test(limits_are_refused_and_leave_the_buffer_alone),
        cmocka_unit_test(a_key_check_tells_keys_and_uses_apart),
    };
    return cmocka_run_group_tests_name("crypto.seal", tests, wake, NULL);
}

/* Receipts, heads and directory entries: what was signed reads back, and no bit of it can change.
 * The anchor: what is said of the time.
 *
 * That no signature fits another digest is the matter of tests/unit/crypto; here it is enough that
 * each bit changes the digest, and of the bits of a signature a part is tried. VELD_EVERY_BIT=1
 * tries all, with P-256 at each. */
#include "veld_test.h"

#include <stdlib.h>
#include <string.h>

#include "test_desk.h"
#include "veldkit/anchor.h"
#include "veldkit/crypto.h"
#include "veldkit/directory.h"
#include "veldkit/head.h"
#include "veldkit/limits.h"
#include "veldkit/order.h"
#include "veldkit/quarantine.h"
#include "veldkit/receipt.h"
#include "veldkit/user.h"

enum { SIGNATURE_STRIDE = 7 };

static test_env world;
static veld_p256_private key;
static veld_signer signer, inner_signer;
static veld_verifier verifier, inner_verifier;
static veld_hash last_signed;
static bool every_bit;

static veld_status sign_noting(
    void *context, const veld_hash *digest, veld_signature *out, veld_error *err)
{
    last_signed = *digest;
    return inner_signer.sign(context, digest, out, err);
}

static veld_status verify_what_was_signed(void *context, const veld_p256_public *of,
    const veld_hash *digest, const veld_signature *signature, veld_error *err)
{
    if (!every_bit && !veld_hash_equal(digest, &last_signed))
        return VELD_E_FORGED;
    return inner_verifier.verify(context, of, digest, signature, err);
}

/* What lies in the signature is always the last. */
static bool is_in_signature(size_t bit, const veld_buf *bytes)
{
    return bit / 8 >= bytes->len - VELD_SIGNATURE_BYTES;
}

/* Of those that are tried: ends with one that is not there. */
static size_t next_bit(size_t bit, const veld_buf *bytes)
{
    size_t next = bit + (every_bit || !is_in_signature(bit, bytes) ? 1 : SIGNATURE_STRIDE);
    return next < 8 * bytes->len || bit == 8 * bytes->len ? next : 8 * bytes->len;
}

static int open_all(void **state)
{
    (void)state;
    test_env_init(&world, 7);
    every_bit = getenv("VELD_EVERY_BIT") != NULL;
    verifier = inner_verifier = veld_verifier_p256();
    verifier.verify = verify_what_was_signed;
    if (veld_crypto_init(NULL) != VELD_OK || veld_p256_generate(&world.env, &key, NULL) != VELD_OK)
        return -1;
    signer = inner_signer = veld_signer_p256(&key);
    signer.sign = sign_noting;
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    veld_p256_release(&key);
    return 0;
}

static void flip(veld_buf *bytes, size_t bit)
{
    bytes->data[bit / 8] = (uint8_t)(bytes->data[bit / 8] ^ 1u << bit % 8);
}

/* Each has a name of its own: a form that is none, a newer one, and what nobody signed. */
static void assert_refused(veld_status status, size_t bit, const veld_buf *bytes)
{
    assert_true(status == VELD_E_FORGED ||
                (!is_in_signature(bit, bytes) &&
                    (status == VELD_E_FORM || status == VELD_E_NEWER || status == VELD_E_LIMIT)));
}

static void a_receipt_cannot_be_changed(void **state)
{
    (void)state;
    veld_buf bytes;
    veld_receipt read;
    const veld_receipt_item items[] = {{.id = {{1}}, .seq = 4}, {.id = {{2}}, .seq = 5}};
    const veld_receipt receipt = {.journal = {{3}},
        .log = {.size = 5, .root = {{4}}},
        .server_utc_ms = 1772438400000,
        .items = items,
        .count = 2};
    veld_buf_init(&bytes, 4096);
    assert_ok(veld_receipt_make(&receipt, &signer, &bytes, NULL));
    for (size_t bit = 0; bit <= 8 * bytes.len; bit = next_bit(bit, &bytes)) {
        veld_arena arena;
        veld_arena_init(&arena, 1 << 20);
        if (bit < 8 * bytes.len)
            flip(&bytes, bit);
        veld_status status = veld_receipt_read(
            veld_buf_span(&bytes), &verifier, &key.public_key, &arena, &read, NULL);
        if (bit < 8 * bytes.len) {
            assert_refused(status, bit, &bytes);
            flip(&bytes, bit);
        } else {
            assert_ok(status);
            assert_int_equal(read.count, 2);
            assert_memory_equal(read.items, items, sizeof items);
        }
        veld_arena_release(&arena);
    }
    veld_buf_release(&bytes);
}

static void a_head_cannot_be_changed(void **state)
{
    (void)state;
    veld_buf bytes;
    veld_head read;
    const veld_hash heads[] = {{{1}}, {{2}}};
    const veld_head head = {.case_id = {{9}},
        .held = {{11}},
        .epoch = 1,
        .utc_ms = 1772438400000,
        .heads = heads,
        .heads_count = 2,
        .chain_ends = heads,
        .chain_ends_count = 1};
    veld_buf_init(&bytes, 4096);
    assert_ok(veld_head_make(&head, &signer, &bytes, NULL));
    for (size_t bit = 0; bit <= 8 * bytes.len; bit = next_bit(bit, &bytes)) {
        veld_arena arena;
        veld_arena_init(&arena, 1 << 20);
        if (bit < 8 * bytes.len)
            flip(&bytes, bit);
        veld_status status = veld_head_read(veld_buf_span(&bytes), &arena, &read, NULL);
        if (status == VELD_OK)
            status = veld_head_verify(veld_buf_span(&bytes), &verifier, &key.public_key, NULL);
        if (bit < 8 * bytes.len) {
            assert_refused(status, bit, &bytes);
            flip(&bytes, bit);
        } else {
            assert_ok(status);
        }
        veld_arena_release(&arena);
    }
    veld_buf_release(&bytes);
}

static void an_entry_is_no_statement(void **state)
{
    (void)state;
    veld_buf bytes;
    veld_agency agency;
    veld_directory_entry read;
    const veld_directory_entry entry = {.device = {{5}},
        .sign_key = key.public_key,
        .seal_key = key.public_key,
        .worker = "Anna",
        .state = VELD_DEVICE_ACTIVE,
        .position = 3};
    veld_buf_init(&bytes, 4096);
    assert_ok(veld_directory_make(&entry, &signer, &bytes, NULL));
    assert_ok(veld_directory_read(veld_buf_span(&bytes), &verifier, &key.public_key, &read, NULL));
    assert_string_equal(read.worker, entry.worker);
    assert_int_equal(read.position, entry.position);
    assert_int_equal(
        veld_agency_read(veld_buf_span(&bytes), &verifier, &agency, NULL), VELD_E_FORM);
    for (size_t bit = 0; bit < 8 * bytes.len; bit = next_bit(bit, &bytes)) {
        flip(&bytes, bit);
        assert_refused(
            veld_directory_read(veld_buf_span(&bytes), &verifier, &key.public_key, &read, NULL),
            bit, &bytes);
        flip(&bytes, bit);
    }
    veld_buf_release(&bytes);
}

static const veld_order withdrawal = {.device = {{5}},
    .serial = 9,
    .previous = 4,
    .kind = VELD_ORDER_WITHDRAW,
    .reason = VELD_ORDER_REASSIGNED,
    .case_id = {{6}},
    .utc_ms = 1772438400000};

static void a_user_is_no_device_and_has_no_name(void **state)
{
    (void)state;
    veld_buf bytes;
    veld_agency agency;
    veld_directory_entry device;
    veld_user_entry read;
    const veld_user_entry entry = {.user = {{5}},
        .key = key.public_key,
        .role = VELD_ROLE_AUDITOR,
        .state = VELD_USER_DISABLED,
        .position = 3};
    veld_buf_init(&bytes, 4096);
    assert_ok(veld_user_make(&entry, &signer, &bytes, NULL));
    assert_ok(veld_user_read(veld_buf_span(&bytes), &verifier, &key.public_key, &read, NULL));
    assert_memory_equal(&read.user, &entry.user, sizeof read.user);
    assert_int_equal(read.role, entry.role);
    assert_int_equal(read.state, entry.state);
    assert_int_equal(read.position, entry.position);
    assert_int_equal(
        veld_agency_read(veld_buf_span(&bytes), &verifier, &agency, NULL), VELD_E_FORM);
    assert_int_equal(
        veld_directory_read(veld_buf_span(&bytes), &verifier, &key.public_key, &device, NULL),
        VELD_E_FORM);
    for (size_t bit = 0; bit < 8 * bytes.len; bit = next_bit(bit, &bytes)) {
        flip(&bytes, bit);
        assert_int_not_equal(
            veld_user_read(veld_buf_span(&bytes), &verifier, &key.public_key, &read, NULL),
            VELD_OK);
        flip(&bytes, bit);
    }
    veld_buf_release(&bytes);
}

static void an_order_cannot_be_changed(void **state)
{
    (void)state;
    veld_buf bytes;
    veld_order read;
    veld_buf_init(&bytes, 4096);
    assert_ok(veld_order_make(&withdrawal, &signer, &bytes, NULL));
    assert_ok(veld_order_read(veld_buf_span(&bytes), &verifier, &key.public_key, &read, NULL));
    assert_int_equal(read.serial, withdrawal.serial);
    assert_int_equal(read.previous, withdrawal.previous);
    assert_int_equal(read.reason, VELD_ORDER_REASSIGNED);
    for (size_t bit = 0; bit < 8 * bytes.len; bit = next_bit(bit, &bytes)) {
        flip(&bytes, bit);
        assert_refused(
            veld_order_read(veld_buf_span(&bytes), &verifier, &key.public_key, &read, NULL), bit,
            &bytes);
        assert_int_equal(read.serial, 0);
        flip(&bytes, bit);
    }
    veld_buf_release(&bytes);
}

static void an_order_that_says_nothing_sure_is_refused(void **state)
{
    (void)state;
    veld_buf bytes;
    veld_order read;
    veld_order wrong[5] = {withdrawal, withdrawal, withdrawal, withdrawal, withdrawal};
    const veld_status expected[5] = {
        VELD_E_FORM, VELD_E_FORM, VELD_E_FORM, VELD_E_NEWER, VELD_E_NEWER};
    wrong[0].case_id = (veld_id){{0}};      /* which case? */
    wrong[1].kind = VELD_ORDER_WIPE;        /* of one case? */
    wrong[2].previous = wrong[2].serial;    /* after itself */
    wrong[3].kind = (veld_order_kind)4;     /* of a newer program */
    wrong[4].reason = (veld_order_reason)6; /* of a newer program */
    veld_buf_init(&bytes, 4096);
    for (size_t i = 0; i < 5; i++) {
        veld_buf_clear(&bytes);
        assert_ok(veld_order_make(&wrong[i], &signer, &bytes, NULL));
        assert_int_equal(
            veld_order_read(veld_buf_span(&bytes), &verifier, &key.public_key, &read, NULL),
            expected[i]);
    }
    veld_buf_release(&bytes);
}

static void a_confirmation_cannot_be_changed(void **state)
{
    (void)state;
    veld_buf bytes;
    veld_order order;
    veld_confirmation read;
    const veld_confirmation confirmation = {.device = {{5}},
        .serial = 9,
        .order = {{7}},
        .utc_ms = 1772438400000,
        .incarnation = {8},
        .last_number = 12};
    veld_buf_init(&bytes, 4096);
    assert_ok(veld_confirmation_make(&confirmation, &signer, &bytes, NULL));
    for (size_t bit = 0; bit <= 8 * bytes.len; bit = next_bit(bit, &bytes)) {
        if (bit < 8 * bytes.len)
            flip(&bytes, bit);
        veld_status status = veld_confirmation_read(veld_buf_span(&bytes), &read, NULL);
        if (status == VELD_OK)
            status =
                veld_confirmation_verify(veld_buf_span(&bytes), &verifier, &key.public_key, NULL);
        assert_int_equal(status == VELD_OK, bit == 8 * bytes.len);
        if (bit < 8 * bytes.len)
            flip(&bytes, bit);
    }
    assert_int_equal(read.last_number, confirmation.last_number);
    assert_int_not_equal(
        veld_order_read(veld_buf_span(&bytes), &verifier, &key.public_key, &order, NULL), VELD_OK);
    veld_buf_release(&bytes);
}

static void the_word_that_a_change_is_kept_cannot_be_changed(void **state)
{
    (void)state;
    veld_buf bytes;
    veld_aside read;
    const veld_aside aside = {
        .device = {{5}}, .case_id = {{6}}, .change = {{7}}, .utc_ms = 1772438400000};
    veld_buf_init(&bytes, 4096);
    assert_ok(veld_aside_make(&aside, &signer, &bytes, NULL));
    for (size_t bit = 0; bit <= 8 * bytes.len; bit = next_bit(bit, &bytes)) {
        if (bit < 8 * bytes.len)
            flip(&bytes, bit);
        veld_status status = veld_aside_read(veld_buf_span(&bytes), &read, NULL);
        if (status == VELD_OK)
            status = veld_aside_verify(veld_buf_span(&bytes), &verifier, &key.public_key, NULL);
        assert_int_equal(status == VELD_OK, bit == 8 * bytes.len);
        if (bit < 8 * bytes.len)
            flip(&bytes, bit);
    }
    assert_memory_equal(&read, &aside, sizeof aside);
    for (size_t len = 0; len < bytes.len; len++)
        assert_int_not_equal(veld_aside_read(veld_span_of(bytes.data, len), &read, NULL), VELD_OK);
    veld_buf_release(&bytes);
}

static void the_anchor_says_how_far_time_is_known(void **state)
{
    (void)state;
    test_keys keys = {0};
    test_desk t;
    veld_anchor anchor;
    veld_change_time time;
    const veld_id boot = {{1}}, other = {{2}};
    const veld_hash root = {{3}};
    const int64_t server = 1772438400000;
    test_desk_open(&t, &keys, 9, "Anna");
    veld_now now = {.wall_utc_ms = server + 1000, .monotonic_ms = 50};
    veld_anchor_time(NULL, &now, &time);
    assert_int_equal(time.quality, VELD_CLOCK_UNANCHORED);
    assert_ok(veld_anchor_load(t.store, &boot, &anchor, NULL));
    assert_ok(veld_anchor_set(&anchor, t.store, &now, server, 7, &root, NULL));
    assert_ok(veld_anchor_load(t.store, &boot, &anchor, NULL));
    assert_int_equal(anchor.log_size, 7);
    now = (veld_now){.wall_utc_ms = server + 61000, .monotonic_ms = 60050};
    veld_anchor_time(&anchor, &now, &time);
    assert_int_equal(time.quality, VELD_CLOCK_ANCHORED);
    assert_int_equal(time.hybrid_ms, server + 60000);
    assert_int_equal(time.server_utc_ms, server);
    now.wall_utc_ms += 400LL * 86400000;
    veld_anchor_time(&anchor, &now, &time);
    assert_int_equal(time.quality, VELD_CLOCK_SUSPECT);
    assert_int_equal(time.hybrid_ms, server + 60000);
    anchor.boot_now = other;
    veld_anchor_time(&anchor, &now, &time);
    assert_int_equal(time.quality, VELD_CLOCK_STALE);
    assert_int_equal(time.hybrid_ms, server + VELD_ANCHOR_AHEAD_MS);
    now.wall_utc_ms = server - 86400000;
    veld_anchor_time(&anchor, &now, &time);
    assert_int_equal(time.quality, VELD_CLOCK_SUSPECT);
    assert_int_equal(time.hybrid_ms, server);
    assert_ok(veld_anchor_set(&anchor, t.store, &now, server - 1, 8, &root, NULL));
    assert_int_equal(anchor.server_utc_ms, server); /* never back */
    test_desk_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_receipt_cannot_be_changed),
        cmocka_unit_test(a_head_cannot_be_changed),
        cmocka_unit_test(an_entry_is_no_statement),
        cmocka_unit_test(an_order_cannot_be_changed),
        cmocka_unit_test(an_order_that_says_nothing_sure_is_refused),
        cmocka_unit_test(a_confirmation_cannot_be_changed),
        cmocka_unit_test(the_word_that_a_change_is_kept_cannot_be_changed),
        cmocka_unit_test(a_user_is_no_device_and_has_no_name),
        cmocka_unit_test(the_anchor_says_how_far_time_is_known),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}

/* The agency's statement: later editions follow on the first by the same root, and on nothing else;
 * former keys stand beside the present ones as far as they are listed. */
#include "veld_test.h"

#include <string.h>

#include "test_desk.h"
#include "veldkit/agency.h"
#include "veldkit/checkpoint_item.h"
#include "veldkit/directory.h"
#include "veldkit/grant.h"
#include "veldkit/order.h"
#include "veldkit/user.h"

typedef struct world {
    test_keys keys;
    test_desk tablet, other;
    veld_p256_private root, thief, merger[2], relay[2], seal[2];
    veld_agency agency;
    veld_verifier verifier;
    veld_buf first, second;
} world;

static world w;

static void make(uint64_t edition, const veld_p256_private *root, veld_buf *out)
{
    const veld_signer signer = veld_signer_p256(root);
    veld_agency agency = w.agency;
    agency.edition = edition;
    if (edition > 1) {
        agency.merger_key = w.merger[1].public_key;
        agency.relay_key = w.relay[1].public_key;
        agency.seal_key = w.seal[1].public_key;
        agency.former[0] = (veld_agency_former){
            .kind = VELD_AGENCY_MERGER, .key = w.merger[0].public_key, .serial = 41, .position = 7};
        agency.former[1] =
            (veld_agency_former){.kind = VELD_AGENCY_RELAY, .key = w.relay[0].public_key};
        agency.former[2] =
            (veld_agency_former){.kind = VELD_AGENCY_CA, .ca_hash = w.agency.ca_hash};
        agency.former_count = 3;
        agency.ca_len = 5;
        memcpy(agency.ca, "a DER", 5);
        agency.ca_hash = (veld_hash){{9}};
    }
    veld_buf_init(out, VELD_DIRECTORY_BYTES_MAX);
    assert_ok(veld_agency_make(&agency, &signer, out, NULL));
}

static int begin(void **state)
{
    (void)state;
    memset(&w, 0, sizeof w);
    test_desk_open(&w.tablet, &w.keys, 61, "Anna");
    test_desk_open(&w.other, &w.keys, 62, "Bert");
    const veld_env *env = &w.tablet.world.env;
    w.verifier = veld_verifier_p256();
    veld_p256_private *const all[] = {&w.root, &w.thief, &w.merger[0], &w.merger[1], &w.relay[0],
        &w.relay[1], &w.seal[0], &w.seal[1]};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        assert_ok(veld_p256_generate(env, all[i], NULL));
    w.agency = (veld_agency){.id = {{1, 2, 3}},
        .name = "Veilig Thuis Test",
        .root_key = w.root.public_key,
        .merger_key = w.merger[0].public_key,
        .relay_key = w.relay[0].public_key,
        .seal_key = w.seal[0].public_key,
        .ca_hash = {{4}}};
    make(1, &w.root, &w.first);
    make(2, &w.root, &w.second);
    return 0;
}

static int end(void **state)
{
    (void)state;
    veld_p256_private *const all[] = {&w.root, &w.thief, &w.merger[0], &w.merger[1], &w.relay[0],
        &w.relay[1], &w.seal[0], &w.seal[1]};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        veld_p256_release(all[i]);
    veld_buf_release(&w.first);
    veld_buf_release(&w.second);
    test_desk_close(&w.tablet);
    test_desk_close(&w.other);
    return 0;
}

static void both_forms_are_read(void **state)
{
    (void)state;
    veld_agency read;
    assert_ok(veld_agency_read(veld_buf_span(&w.first), &w.verifier, &read, NULL));
    assert_int_equal(read.edition, 1);
    assert_int_equal(read.former_count, 0);
    assert_ok(veld_agency_read(veld_buf_span(&w.second), &w.verifier, &read, NULL));
    assert_int_equal(read.edition, 2);
    assert_int_equal(read.former_count, 3);
    assert_int_equal(read.former[0].serial, 41);
    assert_int_equal(read.former[2].kind, VELD_AGENCY_CA);
    assert_int_equal(read.ca_len, 5);
    assert_true(veld_agency_is_statement(veld_buf_span(&w.first)));
    assert_true(veld_agency_is_statement(veld_buf_span(&w.second)));
}

/* The first edition has no place for what came later; the largest statement fits its bound. */
static void what_does_not_fit_the_form_is_not_made(void **state)
{
    (void)state;
    const veld_signer root = veld_signer_p256(&w.root);
    veld_agency agency = w.agency;
    veld_buf out;
    veld_buf_init(&out, VELD_DIRECTORY_BYTES_MAX);
    agency.former_count = 1;
    assert_int_equal(veld_agency_make(&agency, &root, &out, NULL), VELD_E_INVALID);
    agency.edition = 2;
    agency.former_count = VELD_AGENCY_FORMER_MAX;
    agency.ca_len = VELD_AGENCY_CA_BYTES_MAX;
    memset(agency.name, 'n', sizeof agency.name - 1);
    for (size_t i = 0; i < VELD_AGENCY_FORMER_MAX; i++)
        agency.former[i] = (veld_agency_former){.kind = VELD_AGENCY_MERGER,
            .key = w.merger[0].public_key,
            .serial = UINT64_MAX,
            .position = UINT64_MAX};
    assert_ok(veld_agency_make(&agency, &root, &out, NULL));
    assert_ok(veld_agency_read(veld_buf_span(&out), &w.verifier, &agency, NULL));
    veld_buf_release(&out);
}

static void no_bit_of_a_statement_can_change(void **state)
{
    (void)state;
    veld_agency read, known;
    bool changed;
    assert_ok(veld_agency_put(w.tablet.store, &w.verifier, veld_buf_span(&w.first), NULL));
    for (size_t bit = 0; bit < 8 * w.second.len; bit++) {
        w.second.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(
            veld_agency_read(veld_buf_span(&w.second), &w.verifier, &read, NULL), VELD_OK);
        if (bit % 16 == 0) {
            known = w.agency;
            assert_int_not_equal(veld_agency_follow(w.tablet.store, &w.verifier,
                                     veld_buf_span(&w.second), &known, &changed, NULL),
                VELD_OK);
            assert_false(changed);
        }
        w.second.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void a_later_one_is_followed_and_an_older_one_is_not(void **state)
{
    (void)state;
    veld_agency known, kept;
    veld_buf third;
    bool changed;
    make(5, &w.root, &third);
    assert_ok(veld_agency_put(w.tablet.store, &w.verifier, veld_buf_span(&w.first), NULL));
    assert_ok(veld_agency_get(w.tablet.store, &w.verifier, &known, NULL));
    assert_ok(veld_agency_follow(
        w.tablet.store, &w.verifier, veld_buf_span(&third), &known, &changed, NULL));
    assert_true(changed); /* who was away sees the fifth first: nothing between is needed */
    assert_int_equal(known.edition, 5);
    const veld_buf *older[] = {&w.second, &w.first, &third};
    for (size_t i = 0; i < 3; i++) {
        assert_ok(veld_agency_follow(
            w.tablet.store, &w.verifier, veld_buf_span(older[i]), &known, &changed, NULL));
        assert_false(changed);
    }
    test_desk_reopen(&w.tablet);
    assert_ok(veld_agency_get(w.tablet.store, &w.verifier, &kept, NULL));
    assert_int_equal(kept.edition, 5);
    veld_buf_release(&third);
}

static void who_has_not_the_root_is_followed_by_nobody(void **state)
{
    (void)state;
    veld_agency known, kept;
    veld_buf stolen, twin, moved;
    bool changed;
    make(6, &w.thief, &stolen);
    assert_ok(veld_agency_put(w.tablet.store, &w.verifier, veld_buf_span(&w.second), NULL));
    assert_ok(veld_agency_get(w.tablet.store, &w.verifier, &known, NULL));
    assert_int_equal(veld_agency_follow(w.tablet.store, &w.verifier, veld_buf_span(&stolen), &known,
                         &changed, NULL),
        VELD_E_FORGED);
    w.agency.id = (veld_id){{7}}; /* the same root, another agency */
    make(6, &w.root, &moved);
    assert_int_equal(veld_agency_follow(w.tablet.store, &w.verifier, veld_buf_span(&moved), &known,
                         &changed, NULL),
        VELD_E_FORGED);
    w.agency.id = known.id;
    (void)memcpy(w.agency.name, "Iets anders", sizeof "Iets anders"); /* two of one edition */
    make(2, &w.root, &twin);
    assert_int_equal(veld_agency_follow(
                         w.tablet.store, &w.verifier, veld_buf_span(&twin), &known, &changed, NULL),
        VELD_E_FORGED);
    assert_ok(veld_agency_get(w.tablet.store, &w.verifier, &kept, NULL));
    assert_int_equal(kept.edition, 2);
    assert_string_equal(kept.name, "Veilig Thuis Test");
    veld_buf_release(&stolen);
    veld_buf_release(&moved);
    veld_buf_release(&twin);
}

static void former_keys_stand_beside_the_present_ones(void **state)
{
    (void)state;
    veld_agency read;
    veld_signature by;
    veld_hash digest = {{3}}, print;
    veld_p256_public key;
    bool is;
    assert_ok(veld_agency_read(veld_buf_span(&w.second), &w.verifier, &read, NULL));
    veld_agency_check check = {.agency = &read, .inner = w.verifier};
    const veld_verifier any = veld_agency_verifier(&check);
    const struct {
        const veld_p256_private *signs;
        const veld_p256_public *checked;
        veld_status wanted;
    } cases[] = {{&w.merger[1], &w.merger[1].public_key, VELD_OK},
        {&w.merger[0], &w.merger[1].public_key, VELD_OK},
        {&w.relay[0], &w.relay[1].public_key, VELD_OK},
        {&w.relay[0], &w.merger[1].public_key, VELD_E_FORGED},
        {&w.merger[0], &w.relay[1].public_key, VELD_E_FORGED},
        {&w.thief, &w.merger[1].public_key, VELD_E_FORGED},
        {&w.merger[0], &w.root.public_key, VELD_E_FORGED}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const veld_signer signer = veld_signer_p256(cases[i].signs);
        assert_ok(veld_sign_digest(&signer, &digest, &by, NULL));
        assert_int_equal(
            veld_verify_digest(&any, cases[i].checked, &digest, &by, NULL), cases[i].wanted);
    }
    assert_ok(veld_p256_fingerprint(&w.merger[0].public_key, &print, NULL));
    assert_ok(veld_agency_signed_by(&read, &print, 41, &is, &key, NULL));
    assert_true(is);
    assert_true(veld_p256_public_equal(&key, &w.merger[0].public_key));
    assert_ok(veld_agency_signed_by(&read, &print, 42, &is, &key, NULL)); /* after its last one */
    assert_false(is);
    assert_ok(veld_p256_fingerprint(&w.merger[1].public_key, &print, NULL));
    assert_ok(veld_agency_signed_by(&read, &print, UINT64_MAX, &is, &key, NULL));
    assert_true(is);
}

/* A place for each thing that the agency signs, by the key and for the place that are told. */
typedef veld_status sign_and_check(
    const veld_signer *signer, const veld_verifier *verifier, uint64_t place, veld_buf *bytes);

static veld_status an_order(
    const veld_signer *signer, const veld_verifier *verifier, uint64_t place, veld_buf *bytes)
{
    veld_order found;
    const veld_order order = {.device = {{1}},
        .serial = place,
        .kind = VELD_ORDER_WIPE,
        .reason = VELD_ORDER_LOST,
        .utc_ms = 1};
    assert_ok(veld_order_make(&order, signer, bytes, NULL));
    veld_status status =
        veld_order_read(veld_buf_span(bytes), verifier, &w.merger[1].public_key, &found, NULL);
    assert_int_equal(found.serial, status == VELD_OK ? place : 0);
    return status;
}

/* With the fingerprint of the present key too, which is what a thief would write. */
static veld_status a_grant(
    const veld_signer *signer, const veld_verifier *verifier, uint64_t place, veld_buf *bytes)
{
    veld_grant grant;
    const uint8_t key[32] = {7};
    veld_grant_terms terms = {
        .case_id = {{5}}, .epoch = 2, .purpose = VELD_GRANT_ASSIGNED, .serial = place};
    terms.recipient = *veld_store_device(w.tablet.store);
    veld_signer liar = *signer;
    liar.public_key = w.merger[1].public_key;
    assert_ok(veld_grant_make(&w.tablet.world.env, &terms, veld_span_of(key, sizeof key),
        &veld_store_seal_key(w.tablet.store)->public_key, &liar, bytes, NULL));
    assert_ok(veld_grant_read(veld_buf_span(bytes), &grant, NULL));
    return veld_grant_verify(&grant, verifier, &w.merger[1].public_key, NULL);
}

static veld_status a_device(
    const veld_signer *signer, const veld_verifier *verifier, uint64_t place, veld_buf *bytes)
{
    bool changed = true;
    const veld_directory_entry entry = {.device = {{6}},
        .sign_key = w.thief.public_key,
        .seal_key = w.thief.public_key,
        .state = VELD_DEVICE_ACTIVE,
        .position = place};
    assert_ok(veld_directory_make(&entry, signer, bytes, NULL));
    veld_status status = veld_directory_put(
        w.tablet.store, verifier, &w.merger[1].public_key, veld_buf_span(bytes), &changed, NULL);
    assert_true(changed == (status == VELD_OK));
    return status;
}

static veld_status a_user(
    const veld_signer *signer, const veld_verifier *verifier, uint64_t place, veld_buf *bytes)
{
    veld_user_entry found;
    const veld_user_entry entry = {.user = {{6}},
        .key = w.thief.public_key,
        .role = VELD_ROLE_ADMIN,
        .state = VELD_USER_ACTIVE,
        .position = place};
    assert_ok(veld_user_make(&entry, signer, bytes, NULL));
    return veld_user_read(veld_buf_span(bytes), verifier, &w.merger[1].public_key, &found, NULL);
}

static veld_status a_checkpoint(
    const veld_signer *signer, const veld_verifier *verifier, uint64_t place, veld_buf *bytes)
{
    const uint8_t secret[32] = {7};
    veld_checkpoint_item item;
    veld_checkpoint_head head = {.case_id = {{5}}, .epoch = 1, .utc_ms = 1, .directory = place};
    veld_sealer *sealer;
    const veld_span key = veld_span_of(secret, sizeof secret);
    assert_ok(
        veld_sealer_new(VELD_SEALER_CASE_MESSAGE, key, key, &w.tablet.world.env, &sealer, NULL));
    assert_ok(
        veld_checkpoint_item_make(&head, sealer, veld_span_text("a case"), signer, bytes, NULL));
    veld_sealer_free(sealer);
    assert_ok(veld_checkpoint_item_read(veld_buf_span(bytes), &item, NULL));
    return veld_checkpoint_verify(item.signed_part, verifier, &w.merger[1].public_key, NULL);
}

/* Who has a key that was changed since signs nothing behind the place where it ended, whatever is
 * signed; what it signed before stays. Verifiers in each other do not let more through: a program
 * has one, and the exchange in it puts its own around it. */
static void a_former_key_ends_at_its_place(void **state)
{
    (void)state;
    veld_agency read;
    assert_ok(veld_agency_read(veld_buf_span(&w.second), &w.verifier, &read, NULL));
    veld_agency_check check = {.agency = &read, .inner = w.verifier};
    veld_agency_check around = {.agency = &read, .inner = veld_agency_verifier(&check)};
    const veld_verifier verifiers[] = {veld_agency_verifier(&check), veld_agency_verifier(&around)};
    const struct {
        sign_and_check *what;
        uint64_t last; /* of the former key, as `make` has it */
    } kinds[] = {{an_order, 41}, {a_grant, 41}, {a_device, 7}, {a_user, 7}, {a_checkpoint, 7}};
    for (size_t i = 0; i < 2 * (sizeof kinds / sizeof kinds[0]); i++) {
        const uint64_t last = kinds[i / 2].last;
        const struct {
            const veld_p256_private *signs;
            uint64_t place;
            veld_status wanted;
        } cases[] = {{&w.merger[0], last, VELD_OK}, {&w.merger[0], last + 1, VELD_E_FORGED},
            {&w.merger[1], last + 1, VELD_OK}, {&w.relay[0], last, VELD_E_FORGED},
            {&w.thief, last + 2, VELD_E_FORGED}};
        for (size_t j = 0; j < sizeof cases / sizeof cases[0]; j++) {
            const veld_signer signer = veld_signer_p256(cases[j].signs);
            veld_buf bytes;
            veld_buf_init(&bytes, 1 << 16);
            assert_int_equal(kinds[i / 2].what(&signer, &verifiers[i % 2], cases[j].place, &bytes),
                cases[j].wanted);
            veld_buf_release(&bytes);
        }
        (void)!veld_store_delete_value(
            w.tablet.store, "directory", veld_id_span(&(veld_id){{6}}), NULL);
    }
}

/* A place can be written by anybody who has the key: for what comes in it is not asked. */
static void what_comes_in_now_counts_by_the_present_key_alone(void **state)
{
    (void)state;
    veld_agency read;
    assert_ok(veld_agency_read(veld_buf_span(&w.second), &w.verifier, &read, NULL));
    veld_agency_check check = {.agency = &read, .inner = w.verifier};
    veld_agency_check around = {.agency = &read, .inner = veld_agency_verifier(&check)};
    const veld_verifier verifiers[] = {
        veld_agency_verifier_now(&check), veld_agency_verifier_now(&around)};
    sign_and_check *const kinds[] = {an_order, a_grant, a_user, a_checkpoint};
    const struct {
        const veld_p256_private *signs;
        veld_status wanted;
    } cases[] = {{&w.merger[1], VELD_OK}, {&w.merger[0], VELD_E_STALE},
        {&w.relay[0], VELD_E_FORGED}, {&w.relay[1], VELD_E_FORGED}, {&w.thief, VELD_E_FORGED}};
    for (size_t i = 0; i < 2 * (sizeof kinds / sizeof kinds[0]); i++)
        for (size_t j = 0; j < sizeof cases / sizeof cases[0]; j++) {
            const veld_signer signer = veld_signer_p256(cases[j].signs);
            veld_buf bytes;
            veld_buf_init(&bytes, 1 << 16);
            assert_int_equal(kinds[i / 2](&signer, &verifiers[i % 2], 1, &bytes), cases[j].wanted);
            veld_buf_release(&bytes);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(both_forms_are_read, begin, end),
        cmocka_unit_test_setup_teardown(what_does_not_fit_the_form_is_not_made, begin, end),
        cmocka_unit_test_setup_teardown(no_bit_of_a_statement_can_change, begin, end),
        cmocka_unit_test_setup_teardown(
            a_later_one_is_followed_and_an_older_one_is_not, begin, end),
        cmocka_unit_test_setup_teardown(who_has_not_the_root_is_followed_by_nobody, begin, end),
        cmocka_unit_test_setup_teardown(former_keys_stand_beside_the_present_ones, begin, end),
        cmocka_unit_test_setup_teardown(a_former_key_ends_at_its_place, begin, end),
        cmocka_unit_test_setup_teardown(
            what_comes_in_now_counts_by_the_present_key_alone, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

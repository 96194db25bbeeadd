/* Who is introduced to a tablet: itself and who works on its cases, each proved in the log of the
 * directory, with the name sealed to it; nobody else. */
#include "veld_test.h"

#include <string.h>

#include "exchange_world.h"
#include "veldkit/directory_head.h"
#include "veldkit/frame.h"
#include "veldkit/hash.h"
#include "veldkit/introduction.h"
#include "veldkit/limits.h"

static exchange_world w;
static exchange_party *const anna = &w.tablets[0];
static exchange_party *const bert = &w.tablets[1];
static exchange_party *const carla = &w.tablets[2];

static int open_world(void **state)
{
    (void)state;
    exchange_world_open(&w, 3, 19);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    exchange_world_close(&w);
    return 0;
}

static bool knows(exchange_party *p, const exchange_party *who, veld_directory_entry *out)
{
    return veld_directory_find(p->t.store, &who->t.card.device, out, NULL) == VELD_OK;
}

static void name_entry(exchange_party *p, const char *name)
{
    veld_buf entry;
    veld_buf_init(&entry, VELD_DIRECTORY_BYTES_MAX);
    assert_ok(veld_store_get_value(
        w.merger.t.store, "sync.entries", veld_id_span(&p->t.card.device), &entry, NULL));
    assert_ok(veld_directory_put_name(w.merger.t.store, veld_buf_span(&entry), name, NULL));
    veld_buf_release(&entry);
}

static bool is_proved(exchange_party *p, const exchange_party *who)
{
    bool proved;
    veld_buf entry;
    veld_buf_init(&entry, VELD_DIRECTORY_BYTES_MAX);
    assert_ok(veld_store_get_value(
        w.merger.t.store, "sync.entries", veld_id_span(&who->t.card.device), &entry, NULL));
    assert_ok(veld_directory_is_proved(p->t.store, veld_buf_span(&entry), &proved, NULL));
    veld_buf_release(&entry);
    return proved;
}

static void who_shares_a_case_is_introduced_and_nobody_else(void **state)
{
    (void)state;
    veld_id person;
    veld_directory_entry entry;
    name_entry(anna, "Anna de Vries");
    name_entry(bert, "Bert Smit");
    veld_id case_id = exchange_found(anna, &person);
    exchange_all_quiet(&w);
    assert_true(knows(anna, anna, &entry));
    assert_true(is_proved(anna, anna));
    exchange_assign(&w, &case_id, bert);
    exchange_all_quiet(&w);
    assert_true(knows(bert, anna, &entry));
    assert_string_equal(entry.worker, "Anna de Vries");
    assert_true(is_proved(bert, anna));
    assert_true(knows(anna, bert, &entry));
    assert_string_equal(entry.worker, "Bert Smit");
    assert_false(knows(bert, carla, &entry));
    assert_false(knows(carla, anna, &entry));
    assert_true(knows(carla, carla, &entry));
    assert_true(is_proved(carla, carla));
    veld_hash one = exchange_state(anna, &case_id), other = exchange_state(bert, &case_id);
    assert_true(veld_hash_equal(&one, &other));
    /* a later entry follows to who has the one before, and to nobody else */
    size_t cases;
    assert_true(knows(&w.merger, anna, &entry));
    assert_ok(veld_sync_revoke(w.merger.sync, &entry, false, &cases, NULL));
    exchange_all_quiet(&w);
    assert_true(knows(bert, anna, &entry));
    assert_int_equal(entry.state, VELD_DEVICE_REVOKED);
    assert_string_equal(entry.worker, "Anna de Vries");
    assert_true(is_proved(bert, anna));
    assert_false(knows(carla, anna, &entry));
    for (size_t i = 0; i < w.count; i++)
        assert_int_equal(w.tablets[i].events[VELD_SYNC_DIRECTORY_BROKEN], 0);
}

/* As the merger makes it, of Carla for Bert; `name` sealed to `to`. */
static veld_buf make(const veld_introduction *made, const veld_signer *signer)
{
    veld_buf bytes;
    veld_buf_init(&bytes, VELD_INTRODUCTION_BYTES_MAX);
    assert_ok(veld_introduction_make(
        &w.env.env, made, "Carla", &bert->t.card.seal_key, signer, &bytes, NULL));
    return bytes;
}

static void smuggle(veld_buf *bytes)
{
    const veld_id none = {{0}};
    veld_directory_entry entry;
    exchange_smuggle(
        &w, VELD_FRAME_INTRODUCTION, &none, &bert->t.card.device, veld_buf_span(bytes));
    exchange_until_quiet(bert);
    assert_false(knows(bert, carla, &entry));
    veld_buf_release(bytes);
}

static void what_is_forged_moved_or_of_another_history_is_not_believed(void **state)
{
    (void)state;
    veld_buf entry;
    veld_introduction made = {.recipient = bert->t.card.device}, read;
    const veld_verifier verifier = veld_verifier_p256();
    exchange_all_quiet(&w);
    veld_buf_init(&entry, VELD_DIRECTORY_BYTES_MAX);
    assert_ok(veld_store_get_value(
        w.merger.t.store, "sync.entries", veld_id_span(&carla->t.card.device), &entry, NULL));
    made.entry = veld_buf_span(&entry);
    assert_ok(veld_directory_prove(
        w.merger.t.store, made.entry, &made.index, &made.log, &made.place, NULL));
    /* every third bit */
    veld_buf bytes = make(&made, &w.merger.t.desk.signer);
    for (size_t bit = 0; bit < 8 * bytes.len; bit += 3) {
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        veld_status status = veld_introduction_read(veld_buf_span(&bytes), &read, NULL);
        if (status == VELD_OK)
            status = veld_introduction_verify(
                veld_buf_span(&bytes), &read, &verifier, &w.agency.merger_key, NULL);
        assert_int_not_equal(status, VELD_OK);
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    veld_buf_release(&bytes);
    exchange_smuggle(&w, VELD_FRAME_DIRECTORY, &(veld_id){{0}}, &bert->t.card.device,
        made.entry); /* the entry alone, without its proof, by a relay that tells it */
    bytes = make(&made, &anna->t.desk.signer); /* a colleague's word */
    smuggle(&bytes);
    veld_introduction other = made; /* for another device */
    other.recipient = anna->t.card.device;
    bytes = make(&other, &w.merger.t.desk.signer);
    smuggle(&bytes);
    other = made; /* another place */
    other.index = (made.index + 1) % made.log.size;
    bytes = make(&other, &w.merger.t.desk.signer);
    smuggle(&bytes);
    /* a log of one entry only: proved in itself, and not the one that is followed */
    other = made;
    veld_hash id;
    assert_ok(veld_sha256(made.entry, &id, NULL));
    assert_ok(veld_log_leaf(VELD_FRAME_DIRECTORY, &id, &other.log.root, NULL));
    other.index = 0;
    other.log.size = 1;
    other.place.count = 0;
    bytes = make(&other, &w.merger.t.desk.signer);
    smuggle(&bytes);
    assert_int_equal(bert->events[VELD_SYNC_DIRECTORY_BROKEN], 1);
    /* of a head that did not come yet: it waits, and is proved when that comes */
    other = made;
    other.log.size += 5;
    bytes = make(&other, &w.merger.t.desk.signer);
    smuggle(&bytes);
    veld_buf_release(&entry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            who_shares_a_case_is_introduced_and_nobody_else, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            what_is_forged_moved_or_of_another_history_is_not_believed, open_world, close_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The directory as a log: every head proves its entry and goes on from the one before; a device
 * that is shown two histories keeps that it was. */
#include "veld_test.h"

#include <string.h>

#include "test_desk.h"
#include "veldkit/directory.h"
#include "veldkit/directory_head.h"
#include "veldkit/user.h"

enum { ENTRIES = 9 };

typedef struct world {
    test_keys keys;
    test_desk office, other, device;
    veld_verifier verifier;
} world;

static void begin(world *w)
{
    memset(w, 0, sizeof *w);
    test_desk_open(&w->office, &w->keys, 31, "Kantoor");
    test_desk_open(&w->other, &w->keys, 32, "Elders");
    test_desk_open(&w->device, &w->keys, 33, "Anna");
    w->verifier = veld_verifier_p256();
}

static void end(world *w)
{
    test_desk_close(&w->office);
    test_desk_close(&w->other);
    test_desk_close(&w->device);
}

/* An entry that the office signs, kept in the log of `at`. */
static void append(world *w, test_desk *at, uint8_t number, veld_buf *out)
{
    uint64_t position = 0;
    assert_ok(veld_directory_next(at->store, &position, NULL));
    const veld_user_entry entry = {.user = {{number}},
        .key = w->office.desk.signer.public_key,
        .role = VELD_ROLE_SPECIALIST,
        .state = VELD_USER_ACTIVE,
        .position = position};
    out->len = 0;
    assert_ok(veld_user_make(&entry, &w->office.desk.signer, out, NULL));
    assert_ok(veld_directory_append(at->store, veld_buf_span(out), NULL));
    assert_ok(veld_directory_append(at->store, veld_buf_span(out), NULL)); /* stays where it is */
}

static veld_status follow(world *w, test_desk *at, uint64_t size)
{
    veld_directory_head head;
    veld_buf bytes;
    veld_buf_init(&bytes, VELD_DIRECTORY_HEAD_BYTES_MAX + 128);
    assert_ok(veld_directory_head_make(at->store, size, &w->office.desk.signer, &bytes, NULL));
    assert_ok(veld_directory_head_read(
        veld_buf_span(&bytes), &w->verifier, &w->office.desk.signer.public_key, &head, NULL));
    assert_int_equal(head.log.size, size);
    veld_status status = veld_directory_follow(w->device.store, &head, veld_buf_span(&bytes), NULL);
    veld_buf_release(&bytes);
    return status;
}

static void heads_are_followed_in_turn(void **state)
{
    (void)state;
    world w;
    veld_buf entry;
    veld_directory_state now;
    bool proved = true;
    uint64_t size = 0;
    begin(&w);
    veld_buf_init(&entry, VELD_DIRECTORY_BYTES_MAX);
    for (uint8_t i = 1; i <= ENTRIES; i++)
        append(&w, &w.office, i, &entry);
    assert_ok(veld_directory_size(w.office.store, &size, NULL));
    assert_int_equal(size, ENTRIES);
    assert_ok(follow(&w, &w.office, 2)); /* where it begins for this device */
    assert_ok(follow(&w, &w.office, 1));
    assert_int_equal(follow(&w, &w.office, 5), VELD_E_STALE); /* two were not seen */
    assert_ok(follow(&w, &w.office, 6)); /* and this one has the growth from there */
    for (uint64_t i = 7; i < ENTRIES; i++)
        assert_ok(follow(&w, &w.office, i));
    assert_ok(follow(&w, &w.office, 3)); /* late */
    assert_ok(veld_directory_is_proved(w.device.store, veld_buf_span(&entry), &proved, NULL));
    assert_false(proved);
    assert_ok(follow(&w, &w.office, ENTRIES));
    assert_ok(veld_directory_is_proved(w.device.store, veld_buf_span(&entry), &proved, NULL));
    assert_true(proved);
    test_desk_reopen(&w.device);
    assert_ok(veld_directory_state_get(w.device.store, &now, NULL));
    assert_int_equal(now.log.size, ENTRIES);
    assert_false(now.is_broken);
    veld_buf_release(&entry);
    end(&w);
}

/* A relay that was set back gets heads as it comes, and a device that passed over some of them may
 * be given an entry that is proved for just those. */
static void heads_in_any_order_leave_no_gap(void **state)
{
    (void)state;
    world w;
    veld_buf entry;
    uint64_t chance = 4711;
    veld_buf_init(&entry, VELD_DIRECTORY_BYTES_MAX);
    for (unsigned round = 0; round < 12; round++) {
        veld_directory_state now;
        veld_hash root;
        uint64_t order[ENTRIES];
        begin(&w);
        for (uint8_t i = 1; i <= ENTRIES; i++) {
            append(&w, &w.office, i, &entry);
            order[i - 1] = i;
        }
        for (size_t i = ENTRIES; i-- > 1;) {
            chance = chance * 6364136223846793005u + 1442695040888963407u;
            size_t other = (size_t)(chance >> 33) % (i + 1);
            uint64_t kept = order[i];
            order[i] = order[other];
            order[other] = kept;
        }
        for (size_t i = 0; i < ENTRIES; i++) {
            veld_status status = follow(&w, &w.office, order[i]);
            assert_true(status == VELD_OK || status == VELD_E_STALE);
        }
        assert_ok(veld_directory_state_get(w.device.store, &now, NULL));
        assert_int_equal(now.log.size, ENTRIES);
        assert_false(now.is_broken);
        for (uint64_t size = 1; size <= ENTRIES; size++)
            assert_ok(veld_directory_root_at(w.device.store, size, &root, NULL));
        end(&w);
    }
    veld_buf_release(&entry);
}

/* Two histories that part after the fourth entry. */
static void begin_parting(world *w)
{
    veld_buf entry;
    begin(w);
    veld_buf_init(&entry, VELD_DIRECTORY_BYTES_MAX);
    for (uint8_t i = 1; i <= ENTRIES; i++) {
        append(w, &w->office, i, &entry);
        append(w, &w->other, i < 5 ? i : (uint8_t)(i + 40), &entry);
    }
    veld_buf_release(&entry);
}

/* A late head of a size that was passed over is of another history. */
static void another_history_in_a_gap_is_told(void **state)
{
    (void)state;
    world w;
    veld_directory_state now;
    begin_parting(&w);
    assert_ok(follow(&w, &w.office, 4));
    assert_ok(follow(&w, &w.office, 8)); /* from four back */
    assert_int_equal(follow(&w, &w.other, 7), VELD_E_FORGED);
    assert_ok(veld_directory_state_get(w.device.store, &now, NULL));
    assert_true(now.is_broken);
    end(&w);
}

static void two_histories_are_told_apart(void **state)
{
    (void)state;
    world w;
    veld_directory_state now;
    begin_parting(&w);
    for (uint64_t i = 1; i <= 6; i++)
        assert_ok(follow(&w, &w.office, i));
    assert_ok(follow(&w, &w.other, 4)); /* the same until there */
    assert_ok(veld_directory_state_get(w.device.store, &now, NULL));
    assert_false(now.is_broken);
    assert_int_equal(follow(&w, &w.other, 6), VELD_E_FORGED); /* a fork, or one restored */
    assert_int_equal(follow(&w, &w.other, 7), VELD_E_FORGED); /* does not go on from ours */
    assert_int_equal(follow(&w, &w.other, 8), VELD_E_FORGED); /* nor over a gap */
    assert_ok(veld_directory_state_get(w.device.store, &now, NULL));
    assert_true(now.is_broken);
    assert_int_equal(now.log.size, 6);
    assert_ok(follow(&w, &w.office, 7)); /* ours goes on, and it stays told */
    test_desk_reopen(&w.device);
    assert_ok(veld_directory_state_get(w.device.store, &now, NULL));
    assert_true(now.is_broken);
    assert_int_equal(now.log.size, 7);
    end(&w);
}

static void no_bit_of_a_head_can_change(void **state)
{
    (void)state;
    world w;
    veld_buf bytes;
    veld_directory_head head;
    begin(&w);
    veld_buf_init(&bytes, VELD_DIRECTORY_HEAD_BYTES_MAX + 128);
    for (uint8_t i = 1; i <= 5; i++)
        append(&w, &w.office, i, &bytes);
    bytes.len = 0;
    assert_ok(veld_directory_head_make(w.office.store, 5, &w.office.desk.signer, &bytes, NULL));
    for (size_t bit = 0; bit < 8 * bytes.len; bit += 3) {
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(veld_directory_head_read(veld_buf_span(&bytes), &w.verifier,
                                 &w.office.desk.signer.public_key, &head, NULL),
            VELD_OK);
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(veld_directory_head_read(veld_buf_span(&bytes), &w.verifier,
                         &w.other.desk.signer.public_key, &head, NULL),
        VELD_E_FORGED);
    veld_buf_release(&bytes);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_are_followed_in_turn),
        cmocka_unit_test(heads_in_any_order_leave_no_gap),
        cmocka_unit_test(another_history_in_a_gap_is_told),
        cmocka_unit_test(two_histories_are_told_apart),
        cmocka_unit_test(no_bit_of_a_head_can_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

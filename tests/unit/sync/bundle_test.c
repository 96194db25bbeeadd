/* Exchange by hand between three vaults: what arrives, what is left out, and that damage and
 * repetition do no harm. */
#include "veld_test.h"

#include <string.h>

#include "test_desk.h"
#include "veldkit/bundle.h"
#include "veldkit/envelope.h"
#include "veldkit/frame.h"
#include "veldkit/number.h"

static test_keys keys;
static test_desk anna, bert, carla;

static int open_desks(void **state)
{
    (void)state;
    test_desk_open(&anna, &keys, 1, "Anna");
    test_desk_open(&bert, &keys, 2, "Bert");
    test_desk_open(&carla, &keys, 3, "Carla");
    return 0;
}

static int close_desks(void **state)
{
    (void)state;
    test_desk_close(&anna);
    test_desk_close(&bert);
    test_desk_close(&carla);
    return 0;
}

static veld_id found(test_desk *t, veld_id *person)
{
    veld_id case_id, root;
    veld_case *opened;
    assert_ok(veld_founder_new_id(&t->world.env, veld_store_device(t->store), &case_id, NULL));
    assert_ok(veld_id_new(&t->world.env, &root, NULL));
    assert_ok(veld_id_new(&t->world.env, person, NULL));
    veld_edit edits[] = {
        test_edit_set(&root, "case", "title", "\"Gezin Test\""),
        test_edit_set(person, "person", "name", "\"Mina\""),
    };
    assert_ok(veld_case_found(&t->desk, &case_id, edits, 2, &opened, NULL));
    veld_case_close(opened);
    return case_id;
}

static void save(test_desk *t, const veld_id *case_id, const veld_id *person, const char *json)
{
    veld_case *opened;
    veld_hash change;
    veld_edit edit = test_edit_set(person, "person", "name", json);
    assert_ok(veld_case_open(&t->desk, case_id, &opened, NULL));
    assert_ok(veld_case_save(opened, &edit, 1, &change, NULL));
    veld_case_close(opened);
}

static veld_hash state_id(test_desk *t, const veld_id *case_id)
{
    veld_case *opened;
    veld_hash id;
    assert_ok(veld_case_open(&t->desk, case_id, &opened, NULL));
    assert_ok(veld_case_state_id(opened, &id, NULL));
    veld_case_close(opened);
    return id;
}

static void write_bundle(
    test_desk *from, const test_desk *to, const veld_id *case_id, veld_buf *out)
{
    veld_buf_clear(out);
    assert_ok(veld_bundle_write(
        &from->desk, "test 1", veld_buf_span(&from->card_bytes), &to->card, case_id, 1, out, NULL));
}

static veld_bundle_report take(test_desk *to, const veld_buf *bundle)
{
    veld_bundle_report report;
    assert_ok(veld_bundle_take(&to->desk, veld_buf_span(bundle), &report, NULL, NULL, NULL));
    return report;
}

static void concurrent_work_meets_in_both_directions(void **state)
{
    (void)state;
    veld_buf bundle;
    veld_id person;
    veld_buf_init(&bundle, 1 << 22);
    veld_id case_id = found(&anna, &person);
    write_bundle(&anna, &bert, &case_id, &bundle);
    veld_bundle_report report = take(&bert, &bundle);
    assert_int_equal(report.new_cases, 1);
    assert_int_equal(report.taken.added, 1);
    report = take(&bert, &bundle);
    assert_int_equal(report.taken.added, 0);
    assert_int_equal(report.taken.known, 1);

    for (int i = 0; i < 70; i++) /* more than one envelope */
        save(&anna, &case_id, &person, i % 2 ? "\"Amina\"" : "\"Mina A.\"");
    save(&bert, &case_id, &person, "\"Mina B.\"");
    write_bundle(&bert, &anna, &case_id, &bundle);
    assert_int_equal(take(&anna, &bundle).taken.added, 1);
    write_bundle(&anna, &bert, &case_id, &bundle);
    assert_int_equal(take(&bert, &bundle).taken.added, 70);
    veld_hash left = state_id(&anna, &case_id);
    veld_hash right = state_id(&bert, &case_id);
    assert_true(veld_hash_equal(&left, &right));
    veld_buf_release(&bundle);
}

static void only_the_founder_gives_a_case_on(void **state)
{
    (void)state;
    veld_buf bundle;
    veld_id person;
    veld_buf_init(&bundle, 1 << 22);
    veld_id case_id = found(&anna, &person);
    write_bundle(&anna, &bert, &case_id, &bundle);
    assert_int_equal(take(&carla, &bundle).refused, 1); /* not for her */
    assert_int_equal(take(&bert, &bundle).new_cases, 1);
    write_bundle(&bert, &carla, &case_id, &bundle);
    veld_bundle_report report = take(&carla, &bundle);
    assert_int_equal(report.new_cases, 0);
    assert_int_equal(report.refused, 1);
    veld_case *opened;
    assert_int_equal(veld_case_open(&carla.desk, &case_id, &opened, NULL), VELD_E_NOT_FOUND);
    veld_buf_release(&bundle);
}

static void a_stranger_writes_in_vain(void **state)
{
    (void)state;
    veld_buf bundle;
    veld_id person;
    veld_bundle_report report;
    veld_buf_init(&bundle, 1 << 22);
    veld_id case_id = found(&anna, &person);
    write_bundle(&anna, &bert, &case_id, &bundle);
    veld_id known = keys.devices[0];
    keys.devices[0].bytes[0] ^= 1;
    assert_int_equal(
        veld_bundle_take(&bert.desk, veld_buf_span(&bundle), &report, NULL, NULL, NULL),
        VELD_E_NOT_ALLOWED);
    keys.devices[0] = known;
    veld_buf_release(&bundle);
}

static void a_cut_or_changed_bundle_changes_nothing(void **state)
{
    (void)state;
    veld_buf bundle;
    veld_id person;
    veld_bundle_report report;
    veld_case *opened;
    veld_buf_init(&bundle, 1 << 22);
    veld_id case_id = found(&anna, &person);
    write_bundle(&anna, &bert, &case_id, &bundle);
    for (size_t cut = 0; cut < bundle.len; cut += 3) {
        veld_span part = veld_span_of(bundle.data, cut);
        assert_int_not_equal(
            veld_bundle_take(&bert.desk, part, &report, NULL, NULL, NULL), VELD_OK);
    }
    for (size_t i = 0; i < bundle.len; i += 5) {
        bundle.data[i] ^= (uint8_t)(1u << (i % 8));
        assert_int_not_equal(
            veld_bundle_take(&bert.desk, veld_buf_span(&bundle), &report, NULL, NULL, NULL),
            VELD_OK);
        bundle.data[i] ^= (uint8_t)(1u << (i % 8));
    }
    assert_int_equal(veld_case_open(&bert.desk, &case_id, &opened, NULL), VELD_E_NOT_FOUND);
    assert_int_equal(take(&bert, &bundle).new_cases, 1);
    veld_buf_release(&bundle);
}

static void count_finding(void *context, const char *text)
{
    (void)text;
    ++*(size_t *)context;
}

/* Anybody who has seen a card can write it into a file with one frame for each of many cases. */
static void a_bundle_of_very_many_cases_costs_what_it_weighs(void **state)
{
    (void)state;
    enum { CASES = 100000, BUCKET = 256 };
    veld_buf bundle;
    veld_bundle_report report;
    veld_frame_writer writer = {0};
    size_t findings = 0;
    uint8_t envelope[BUCKET] = {'V', 'K', 'E', '1', 0, VELD_ENVELOPE_CASE};
    veld_buf_init(&bundle, 64 << 20);
    envelope[25] = envelope[26] = envelope[57] = envelope[59] = 1; /* epoch, device, place, count */
    envelope[63] = BUCKET >> 8;
    assert_ok(veld_frame_writer_begin(&writer, VELD_FRAME_FILE, "test 1", &bundle, NULL));
    assert_ok(
        veld_frame_writer_add(&writer, VELD_FRAME_CARD, veld_buf_span(&anna.card_bytes), NULL));
    for (uint32_t i = 1; i <= CASES; i++) {
        veld_put_u32(envelope + 6, i);
        assert_ok(veld_frame_writer_add(
            &writer, VELD_FRAME_ENVELOPE, veld_span_of(envelope, sizeof envelope), NULL));
    }
    assert_ok(veld_frame_writer_end(&writer, NULL));
    assert_ok(veld_bundle_take(
        &bert.desk, veld_buf_span(&bundle), &report, count_finding, &findings, NULL));
    assert_int_equal(findings, CASES);
    assert_int_equal(report.cases, 0);
    veld_buf_release(&bundle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(concurrent_work_meets_in_both_directions),
        cmocka_unit_test(only_the_founder_gives_a_case_on),
        cmocka_unit_test(a_stranger_writes_in_vain),
        cmocka_unit_test(a_cut_or_changed_bundle_changes_nothing),
        cmocka_unit_test(a_bundle_of_very_many_cases_costs_what_it_weighs),
    };
    return cmocka_run_group_tests(tests, open_desks, close_desks);
}

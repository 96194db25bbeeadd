/* An opened case: saving, opening again, taking in, history, drafts, and that nothing
 * half is left when the disk or the memory gives out. */
#include "veld_test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "test_desk.h"
#include "veldkit/commit.h"
#include "veldkit/dossier.h"
#include "veldkit/limits.h"
#include "veldkit/policy.h"
#include "veldkit/summary.h"

static test_keys keys;
static test_desk anna, bert;

static int open_desks(void **state)
{
    (void)state;
    test_desk_open(&anna, &keys, 1, "Anna");
    test_desk_open(&bert, &keys, 2, "Bert");
    return 0;
}

static int close_desks(void **state)
{
    (void)state;
    test_desk_close(&anna);
    test_desk_close(&bert);
    return 0;
}

/* A new case with one person at `anna`. */
typedef struct dossier {
    veld_id case_id, root, person;
    veld_case *opened;
} dossier;

static dossier found(test_desk *t)
{
    dossier d;
    assert_ok(veld_founder_new_id(&t->world.env, veld_store_device(t->store), &d.case_id, NULL));
    assert_ok(veld_id_new(&t->world.env, &d.root, NULL));
    assert_ok(veld_id_new(&t->world.env, &d.person, NULL));
    veld_edit edits[] = {
        test_edit_set(&d.root, "case", "title", "\"Gezin Test\""),
        test_edit_set(&d.person, "person", "name", "\"Mina\""),
    };
    assert_ok(veld_case_found(&t->desk, &d.case_id, edits, 2, &d.opened, NULL));
    return d;
}

static veld_hash save_name(veld_case *opened, const dossier *d, const char *json)
{
    veld_hash change;
    veld_edit edit = test_edit_set(&d->person, "person", "name", json);
    assert_ok(veld_case_save(opened, &edit, 1, &change, NULL));
    return change;
}

static veld_hash state_id(veld_case *opened)
{
    veld_hash id;
    assert_ok(veld_case_state_id(opened, &id, NULL));
    return id;
}

static void assert_proved(veld_case *opened, size_t changes)
{
    veld_proof proof;
    assert_ok(veld_case_verify(opened, &proof, NULL, NULL, NULL));
    assert_int_equal(proof.findings, 0);
    assert_int_equal(proof.changes, changes);
    assert_int_equal(proof.signatures, changes);
    assert_int_equal(proof.trees, changes);
}

static void what_was_saved_is_there_after_opening_again(void **state)
{
    (void)state;
    dossier d = found(&anna);
    veld_hash change = save_name(d.opened, &d, "\"Amina\"");
    assert_false(veld_hash_is_zero(&change));
    veld_hash before = state_id(d.opened);
    veld_case_close(d.opened);

    test_desk_reopen(&anna);
    veld_case *again;
    assert_ok(veld_case_open(&anna.desk, &d.case_id, &again, NULL));
    veld_hash after = state_id(again);
    assert_true(veld_hash_equal(&before, &after));
    assert_int_equal(veld_graph_count(veld_case_graph(again)), 2);
    assert_proved(again, 2);
    veld_case_close(again);
}

static void an_edit_that_changes_nothing_stores_nothing(void **state)
{
    (void)state;
    dossier d = found(&anna);
    veld_hash change = save_name(d.opened, &d, "\"Mina\"");
    assert_true(veld_hash_is_zero(&change));
    assert_int_equal(veld_graph_count(veld_case_graph(d.opened)), 1);
    veld_case_close(d.opened);
}

static void the_summary_follows_the_case(void **state)
{
    (void)state;
    dossier d = found(&anna);
    veld_buf row;
    veld_summary summary;
    veld_buf_init(&row, 4096);
    assert_ok(veld_store_get_summary(anna.store, &d.case_id, &row, NULL));
    assert_ok(veld_summary_read(veld_buf_span(&row), &summary, NULL));
    assert_true(veld_span_equal(summary.title, veld_span_text("Gezin Test")));
    assert_int_equal(summary.records, 2);
    veld_buf_release(&row);
    veld_case_close(d.opened);
}

/* All changes of `from`, as they would arrive: without names. */
static size_t carry(veld_case *from, veld_arena *arena, veld_change *out, size_t max)
{
    size_t count;
    const veld_node *const *order = veld_graph_order(veld_case_graph(from), &count);
    assert_true(count <= max);
    for (size_t i = 0; i < count; i++) {
        assert_ok(veld_case_change(from, &order[i]->id, arena, &out[i], NULL));
        memset(&out[i].id, 0, sizeof out[i].id);
        memset(&out[i].git, 0, sizeof out[i].git);
    }
    return count;
}

/* Give `to` the case's key and everything `from` has. */
static veld_taken hand_over(veld_case *from, test_desk *to, veld_case **opened)
{
    veld_arena arena;
    veld_change changes[64];
    veld_span key;
    veld_taken taken;
    veld_arena_init(&arena, 1 << 22);
    if (*opened == NULL) {
        assert_ok(veld_store_case_key(veld_case_keys(from), 1, &key, NULL));
        assert_ok(veld_store_put_case_key(to->store, veld_case_id(from), 1, key, NULL));
        assert_ok(veld_case_open(&to->desk, veld_case_id(from), opened, NULL));
    }
    size_t count = carry(from, &arena, changes, 64);
    assert_ok(veld_case_take(*opened, changes, count, &taken, NULL));
    veld_arena_release(&arena);
    return taken;
}

static void a_case_with_its_key_alone_is_not_saved_into(void **state)
{
    (void)state;
    veld_hash change;
    veld_span key;
    veld_case *at_bert = NULL;
    dossier d = found(&anna);
    const veld_edit edit = test_edit_set(&d.case_id, "case", "title", "\"Van niemand\"");
    assert_ok(veld_store_case_key(veld_case_keys(d.opened), 1, &key, NULL));
    assert_ok(veld_store_put_case_key(bert.store, &d.case_id, 1, key, NULL));
    assert_ok(veld_case_open(&bert.desk, &d.case_id, &at_bert, NULL));
    assert_int_equal(veld_case_save(at_bert, &edit, 1, &change, NULL), VELD_E_NOT_FOUND);
    (void)hand_over(d.opened, &bert, &at_bert);
    assert_ok(veld_case_save(at_bert, &edit, 1, &change, NULL));
    veld_case_close(at_bert);
    veld_case_close(d.opened);
}

static void what_is_taken_in_ends_with_the_callers_transaction(void **state)
{
    (void)state;
    veld_span key;
    veld_case *at_bert = NULL;
    dossier d = found(&anna);
    assert_ok(veld_store_case_key(veld_case_keys(d.opened), 1, &key, NULL));
    assert_ok(veld_store_begin(bert.store, NULL));
    assert_ok(veld_store_put_case_key(bert.store, &d.case_id, 1, key, NULL));
    assert_ok(veld_case_open(&bert.desk, &d.case_id, &at_bert, NULL));
    assert_int_equal(hand_over(d.opened, &bert, &at_bert).added, 1);
    veld_store_rollback(bert.store);
    veld_case_close(at_bert);
    assert_int_equal(veld_case_open(&bert.desk, &d.case_id, &at_bert, NULL), VELD_E_NOT_FOUND);
    veld_case_close(d.opened);
}

static void two_who_changed_the_same_field_keep_both_values(void **state)
{
    (void)state;
    dossier d = found(&anna);
    veld_case *at_bert = NULL;
    assert_int_equal(hand_over(d.opened, &bert, &at_bert).added, 1);
    save_name(d.opened, &d, "\"Amina\"");
    save_name(at_bert, &d, "\"Mina B.\"");
    veld_taken taken = hand_over(at_bert, &anna, &d.opened);
    assert_int_equal(taken.added, 1);
    assert_int_equal(taken.known, 1);
    assert_int_equal(hand_over(d.opened, &bert, &at_bert).added, 1);
    veld_hash left = state_id(d.opened);
    veld_hash right = state_id(at_bert);
    assert_true(veld_hash_equal(&left, &right));

    const veld_state_record *record =
        veld_state_record_find(veld_case_state(at_bert), &d.person, NULL);
    const veld_state_field *field = veld_state_field_get(record, veld_span_text("name"));
    assert_int_equal(field->visible_count, 2);

    /* The decision is an ordinary change that replaces both. */
    save_name(at_bert, &d, "\"Amina B.\"");
    assert_int_equal(hand_over(at_bert, &anna, &d.opened).added, 1);
    record = veld_state_record_find(veld_case_state(d.opened), &d.person, NULL);
    assert_int_equal(veld_state_field_get(record, veld_span_text("name"))->visible_count, 1);
    assert_proved(d.opened, 4);
    assert_proved(at_bert, 4);
    veld_case_close(d.opened);
    veld_case_close(at_bert);
}

static void a_change_that_comes_before_its_past_counts_at_once(void **state)
{
    (void)state;
    dossier d = found(&anna);
    save_name(d.opened, &d, "\"Een\"");
    save_name(d.opened, &d, "\"Twee\"");
    veld_arena arena;
    veld_change changes[8];
    veld_span key;
    veld_taken taken;
    veld_hash own;
    veld_case *at_bert;
    veld_arena_init(&arena, 1 << 22);
    size_t count = carry(d.opened, &arena, changes, 8);
    assert_int_equal(count, 3);
    assert_ok(veld_store_case_key(veld_case_keys(d.opened), 1, &key, NULL));
    assert_ok(veld_store_put_case_key(bert.store, &d.case_id, 1, key, NULL));
    assert_ok(veld_case_open(&bert.desk, &d.case_id, &at_bert, NULL));

    size_t last = 0;
    for (size_t i = 0; i < count; i++)
        last = changes[i].number > changes[last].number ? i : last;
    assert_ok(veld_case_take(at_bert, &changes[last], 1, &taken, NULL));
    assert_int_equal(taken.added, 1);
    assert_int_equal(veld_graph_incomplete_count(veld_case_graph(at_bert)), 1);

    /* Work goes on meanwhile: the own change replaces what is seen, and has no parent yet. */
    veld_edit edit = test_edit_set(&d.person, "person", "name", "\"Drie\"");
    assert_ok(veld_case_save(at_bert, &edit, 1, &own, NULL));
    assert_int_equal(veld_graph_get(veld_case_graph(at_bert), &own)->parents_count, 0);

    assert_ok(veld_case_take(at_bert, changes, count, &taken, NULL));
    assert_int_equal(taken.added, 2);
    assert_int_equal(taken.known, 1);
    assert_int_equal(veld_graph_incomplete_count(veld_case_graph(at_bert)), 0);
    const veld_state_record *record =
        veld_state_record_find(veld_case_state(at_bert), &d.person, NULL);
    assert_int_equal(veld_state_field_get(record, veld_span_text("name"))->visible_count, 1);
    assert_proved(at_bert, 4);
    veld_arena_release(&arena);
    veld_case_close(at_bert);
    veld_case_close(d.opened);
}

static void forged_and_unknown_changes_are_left_out_alone(void **state)
{
    (void)state;
    dossier d = found(&anna);
    save_name(d.opened, &d, "\"Een\"");
    save_name(d.opened, &d, "\"Twee\"");
    veld_arena arena;
    veld_change changes[8];
    veld_span key;
    veld_taken taken;
    veld_case *at_bert;
    veld_arena_init(&arena, 1 << 22);
    size_t count = carry(d.opened, &arena, changes, 8);
    assert_ok(veld_store_case_key(veld_case_keys(d.opened), 1, &key, NULL));
    assert_ok(veld_store_put_case_key(bert.store, &d.case_id, 1, key, NULL));
    assert_ok(veld_case_open(&bert.desk, &d.case_id, &at_bert, NULL));

    changes[0].signature.bytes[5] ^= 1;
    changes[1].device.bytes[0] ^= 1;
    assert_ok(veld_case_take(at_bert, changes, count, &taken, NULL));
    assert_int_equal(taken.added, 1);
    assert_int_equal(taken.forged, 1);
    assert_int_equal(taken.unknown_device, 1);
    changes[2].case_id.bytes[0] ^= 1;
    assert_int_equal(veld_case_take(at_bert, changes, count, &taken, NULL), VELD_E_INVALID);
    assert_int_equal(hand_over(d.opened, &bert, &at_bert).added, 2);
    veld_arena_release(&arena);
    veld_case_close(at_bert);
    veld_case_close(d.opened);
}

static void a_tree_that_does_not_follow_is_a_finding_and_no_more(void **state)
{
    (void)state;
    dossier d = found(&anna);
    veld_case *at_bert = NULL;
    hand_over(d.opened, &bert, &at_bert);
    veld_hash told = save_name(d.opened, &d, "\"Amina\"");
    veld_arena arena;
    veld_change lie;
    veld_taken taken;
    veld_proof proof;
    veld_exported exported = {0};
    char dir[300];
    veld_arena_init(&arena, 1 << 22);
    assert_ok(veld_case_change(d.opened, &told, &arena, &lie, NULL));
    lie.tree.bytes[0] ^= 1;
    assert_ok(veld_commit_sign(&lie, &anna.desk.signer, NULL));
    assert_ok(veld_case_take(at_bert, &lie, 1, &taken, NULL));
    assert_int_equal(taken.added, 1);
    assert_int_equal(taken.other_tree, 1);

    /* The writes are signed, so they count: with the honest twin nothing is there twice. */
    assert_int_equal(hand_over(d.opened, &bert, &at_bert).added, 1);
    veld_hash left = state_id(d.opened);
    veld_hash right = state_id(at_bert);
    assert_true(veld_hash_equal(&left, &right));
    assert_ok(veld_case_verify(at_bert, &proof, NULL, NULL, NULL));
    assert_int_equal(proof.findings, 1);
    assert_int_equal(proof.signatures, 3);
    snprintf(dir, sizeof dir, "%s/export", bert.home);
    assert_ok(veld_case_export(at_bert, dir, &exported, NULL));
    assert_int_equal(exported.left_out, 1);
    veld_arena_release(&arena);
    veld_case_close(at_bert);
    veld_case_close(d.opened);
}

static void removing_keeps_what_the_remover_had_not_seen(void **state)
{
    (void)state;
    dossier d = found(&anna);
    veld_case *at_bert = NULL;
    hand_over(d.opened, &bert, &at_bert);
    veld_hash change;
    veld_edit removal = {
        .kind = VELD_EDIT_REMOVE, .record = d.person, .type = veld_span_text("person")};
    assert_ok(veld_case_save(d.opened, &removal, 1, &change, NULL));
    const veld_state_record *record =
        veld_state_record_find(veld_case_state(d.opened), &d.person, NULL);
    assert_true(veld_policy_removed(record));
    save_name(at_bert, &d, "\"Mina, verhuisd\"");
    hand_over(at_bert, &anna, &d.opened);
    record = veld_state_record_find(veld_case_state(d.opened), &d.person, NULL);
    assert_false(veld_policy_removed(record));
    removal.record = d.case_id;
    assert_int_equal(veld_case_save(d.opened, &removal, 1, &change, NULL), VELD_E_NOT_FOUND);
    veld_case_close(d.opened);
    veld_case_close(at_bert);
}

static void states_of_the_past_can_be_seen_again(void **state)
{
    (void)state;
    dossier d = found(&anna);
    veld_hash first = save_name(d.opened, &d, "\"Een\"");
    save_name(d.opened, &d, "\"Twee\"");
    veld_state *then;
    assert_ok(veld_case_state_at(d.opened, &first, &then, NULL));
    const veld_state_record *record = veld_state_record_find(then, &d.person, NULL);
    const veld_state_field *field = veld_state_field_get(record, veld_span_text("name"));
    const veld_entry *entry = field->entries;
    while (entry->replaced)
        entry = entry->next;
    assert_true(veld_span_equal(entry->value, veld_span_text("\"Een\"")));
    veld_state_free(then);

    char text[VELD_HASH_TEXT_SIZE];
    veld_hash found_id;
    veld_hash_format(&first, text);
    assert_ok(veld_case_find_change(d.opened, veld_span_of(text, 12), &found_id, NULL));
    assert_true(veld_hash_equal(&found_id, &first));
    assert_int_equal(
        veld_case_find_change(d.opened, veld_span_of(text, 3), &found_id, NULL), VELD_E_FORM);
    assert_int_equal(
        veld_case_find_change(d.opened, veld_span_text("zzzz"), &found_id, NULL), VELD_E_NOT_FOUND);
    veld_case_close(d.opened);
}

static void a_draft_is_kept_and_cut_once(void **state)
{
    (void)state;
    dossier d = found(&anna);
    veld_id draft, note;
    veld_hash change;
    assert_ok(veld_id_new(&anna.world.env, &draft, NULL));
    assert_ok(veld_id_new(&anna.world.env, &note, NULL));
    veld_edit edit = test_edit_set(&note, "note", "text", "\"Deur open, kind slaapt\"");
    assert_ok(veld_case_put_draft(d.opened, &draft, &edit, 1, NULL));
    veld_case_close(d.opened);
    test_desk_reopen(&anna);
    assert_ok(veld_case_open(&anna.desk, &d.case_id, &d.opened, NULL));
    assert_int_equal(veld_graph_count(veld_case_graph(d.opened)), 1);
    assert_ok(veld_case_cut_draft(d.opened, &draft, &change, NULL));
    assert_false(veld_hash_is_zero(&change));
    assert_int_equal(veld_case_cut_draft(d.opened, &draft, &change, NULL), VELD_E_NOT_FOUND);
    assert_non_null(veld_state_record_find(veld_case_state(d.opened), &note, NULL));
    veld_case_close(d.opened);
}

static void every_failed_allocation_of_a_save_leaves_the_case_whole(void **state)
{
    (void)state;
    dossier d = found(&anna);
    veld_hash change = {0};
    for (uint64_t n = 1; veld_hash_is_zero(&change); n += 1 + n / 16) {
        veld_error err = {0};
        veld_edit edit = test_edit_set(&d.person, "person", "name", "\"Later\"");
        test_fail_allocation(n, false);
        veld_status status = veld_case_save(d.opened, &edit, 1, &change, &err);
        test_fail_allocation(0, false);
        if (status == VELD_OK)
            break;
        assert_true(veld_hash_is_zero(&change));
        veld_case_close(d.opened);
        assert_ok(veld_store_reopen(anna.store, NULL));
        assert_ok(veld_case_open(&anna.desk, &d.case_id, &d.opened, NULL));
        assert_int_equal(veld_graph_count(veld_case_graph(d.opened)), 1);
    }
    assert_proved(d.opened, 2);
    veld_case_close(d.opened);
}

static void a_case_that_failed_to_save_says_so_until_it_is_opened_again(void **state)
{
    (void)state;
    dossier d = found(&anna);
    veld_hash change, id;
    veld_edit edit = test_edit_set(&d.person, "person", "name", "\"Nooit\"");
    anna.world.random_fails = true;
    assert_int_equal(veld_case_save(d.opened, &edit, 1, &change, NULL), VELD_E_CRYPTO);
    anna.world.random_fails = false;
    assert_int_equal(veld_case_save(d.opened, &edit, 1, &change, NULL), VELD_E_CRYPTO);
    assert_int_equal(veld_case_state_id(d.opened, &id, NULL), VELD_E_CRYPTO);
    veld_case_close(d.opened);
    assert_ok(veld_case_open(&anna.desk, &d.case_id, &d.opened, NULL));
    assert_ok(veld_case_save(d.opened, &edit, 1, &change, NULL));
    assert_proved(d.opened, 2);
    veld_case_close(d.opened);
}

/* A first change of anna's device without a past, as blind work is, with `writes`. */
static veld_change blind(const veld_case *opened, uint64_t number, veld_write *writes, size_t count)
{
    veld_change change = {
        .case_id = *veld_case_id(opened),
        .device = *veld_store_device(anna.store),
        .incarnation = {7},
        .number = number,
        .writes = writes,
        .writes_count = count,
        .time = {.hybrid_ms = (int64_t)number},
    };
    assert_ok(veld_change_check_form(&change, NULL));
    assert_ok(veld_change_derive(&change, NULL));
    assert_ok(veld_commit_sign(&change, &anna.desk.signer, NULL));
    return change;
}

static void tell_own_findings(void *context, const char *text)
{
    const veld_hash *own = context;
    char id[VELD_HASH_TEXT_SIZE];
    veld_hash_format(own, id);
    if (strstr(text, id) != NULL)
        fail_msg("%s", text);
}

static void more_heads_than_a_change_can_name_are_met_in_turn(void **state)
{
    (void)state;
    enum { HEADS = VELD_CHANGE_PARENTS_MAX + 50 };
    dossier d = found(&anna);
    veld_case *at_bert = NULL;
    hand_over(d.opened, &bert, &at_bert);
    veld_taken taken;
    veld_proof proof;
    for (uint64_t i = 1; i <= HEADS; i++) {
        veld_write write = {.record = d.person,
            .type = veld_span_text("person"),
            .field = veld_span_text("phone"),
            .value = veld_span_text(i % 2 ? "1" : "2")};
        veld_change change = blind(at_bert, i, &write, 1);
        assert_ok(veld_case_take(at_bert, &change, 1, &taken, NULL));
        assert_int_equal(taken.added, 1);
    }
    size_t count;
    veld_hash first = save_name(at_bert, &d, "\"Eerst\"");
    veld_graph_heads(veld_case_graph(at_bert), &count);
    assert_int_equal(count, HEADS + 1 - VELD_CHANGE_PARENTS_MAX + 1);
    assert_ok(veld_case_verify(at_bert, &proof, tell_own_findings, &first, NULL));
    veld_hash second = save_name(at_bert, &d, "\"Dan\"");
    veld_graph_heads(veld_case_graph(at_bert), &count);
    assert_int_equal(count, 1);
    assert_ok(veld_case_verify(at_bert, &proof, tell_own_findings, &second, NULL));
    veld_hash left = state_id(at_bert);
    veld_case_close(at_bert);
    assert_ok(veld_case_open(&bert.desk, &d.case_id, &at_bert, NULL));
    veld_hash right = state_id(at_bert);
    assert_true(veld_hash_equal(&left, &right));
    veld_case_close(at_bert);
    veld_case_close(d.opened);
}

static void more_values_than_a_write_can_name_are_settled_in_turn(void **state)
{
    (void)state;
    enum { VALUES = VELD_CHANGE_REFERENCES_MAX + 900 };
    dossier d = found(&anna);
    veld_case *at_bert = NULL;
    hand_over(d.opened, &bert, &at_bert);
    veld_taken taken;
    veld_hash change;
    veld_write *writes = calloc(VALUES, sizeof *writes);
    char(*values)[8] = calloc(VALUES, sizeof *values);
    assert_true(writes != NULL && values != NULL);
    for (size_t i = 0; i < VALUES; i++) {
        snprintf(values[i], sizeof values[i], "%u", (unsigned)(i % 100000));
        writes[i] = (veld_write){.record = d.person,
            .type = veld_span_text("person"),
            .field = veld_span_text("phone"),
            .value = veld_span_text(values[i])};
    }
    veld_change flood = blind(at_bert, 1, writes, VALUES);
    assert_ok(veld_case_take(at_bert, &flood, 1, &taken, NULL));
    veld_edit edit = test_edit_set(&d.person, "person", "phone", "7");
    for (size_t left = VALUES; left > 1;) {
        assert_ok(veld_case_save(at_bert, &edit, 1, &change, NULL));
        left = left > VELD_CHANGE_REFERENCES_MAX ? left - VELD_CHANGE_REFERENCES_MAX + 1 : 1;
        const veld_state_record *record =
            veld_state_record_find(veld_case_state(at_bert), &d.person, NULL);
        const veld_state_field *field = veld_state_field_get(record, veld_span_text("phone"));
        assert_int_equal(field->visible_count, left);
    }
    veld_case_close(at_bert);
    veld_case_close(d.opened);
    free(writes);
    free(values);
}

static void a_removal_that_cannot_name_all_is_refused_and_no_more(void **state)
{
    (void)state;
    enum { VALUES = VELD_CHANGE_REFERENCES_MAX + 1 };
    dossier d = found(&anna);
    veld_case *at_bert = NULL;
    hand_over(d.opened, &bert, &at_bert);
    veld_taken taken;
    veld_hash change;
    veld_id draft;
    veld_write *writes = calloc(VALUES, sizeof *writes);
    assert_non_null(writes);
    for (size_t i = 0; i < VALUES; i++)
        writes[i] = (veld_write){.record = d.person,
            .type = veld_span_text("person"),
            .field = veld_span_text("phone"),
            .value = veld_span_text("1")};
    veld_change flood = blind(at_bert, 1, writes, VALUES);
    assert_ok(veld_case_take(at_bert, &flood, 1, &taken, NULL));
    veld_edit removal = {
        .kind = VELD_EDIT_REMOVE, .record = d.person, .type = veld_span_text("person")};
    assert_int_equal(veld_case_save(at_bert, &removal, 1, &change, NULL), VELD_E_LIMIT);
    assert_ok(veld_id_new(&bert.world.env, &draft, NULL));
    assert_ok(veld_case_put_draft(at_bert, &draft, &removal, 1, NULL));
    assert_int_equal(veld_case_cut_draft(at_bert, &draft, &change, NULL), VELD_E_LIMIT);
    save_name(at_bert, &d, "\"Mina M.\""); /* the case is as usable as before */
    veld_case_close(at_bert);
    veld_case_close(d.opened);
    free(writes);
}

static void a_hybrid_clock_that_is_full_goes_on(void **state)
{
    (void)state;
    dossier d = found(&anna);
    veld_case *at_bert = NULL;
    hand_over(d.opened, &bert, &at_bert);
    veld_write write = {.record = d.person,
        .type = veld_span_text("person"),
        .field = veld_span_text("phone"),
        .value = veld_span_text("1")};
    veld_taken taken;
    veld_change full = blind(at_bert, 1, &write, 1);
    full.time.hybrid_ms = bert.world.now.wall_utc_ms + 1000000;
    full.time.hybrid_count = UINT32_MAX;
    assert_ok(veld_change_derive(&full, NULL));
    assert_ok(veld_commit_sign(&full, &anna.desk.signer, NULL));
    assert_ok(veld_case_take(at_bert, &full, 1, &taken, NULL));
    assert_int_equal(taken.added, 1);
    veld_arena arena;
    veld_change next;
    veld_arena_init(&arena, 1 << 20);
    veld_hash id = save_name(at_bert, &d, "\"Mina M.\"");
    assert_ok(veld_case_change(at_bert, &id, &arena, &next, NULL));
    assert_true(next.time.hybrid_ms > full.time.hybrid_ms);
    veld_arena_release(&arena);
    veld_case_close(at_bert);
    veld_case_close(d.opened);
}

static void a_full_clock_at_the_end_of_time_refuses_nothing(void **state)
{
    (void)state;
    dossier d = found(&anna);
    veld_case *at_bert = NULL;
    hand_over(d.opened, &bert, &at_bert);
    veld_write write = {.record = d.person,
        .type = veld_span_text("person"),
        .field = veld_span_text("phone"),
        .value = veld_span_text("1")};
    veld_taken taken;
    veld_change full = blind(at_bert, 1, &write, 1);
    full.time.hybrid_ms = VELD_CHANGE_TIME_MS_MAX;
    full.time.hybrid_count = UINT32_MAX;
    assert_ok(veld_change_derive(&full, NULL));
    assert_ok(veld_commit_sign(&full, &anna.desk.signer, NULL));
    assert_ok(veld_case_take(at_bert, &full, 1, &taken, NULL));
    save_name(at_bert, &d, "\"Mina M.\"");
    save_name(at_bert, &d, "\"Mina de M.\"");
    veld_case_close(at_bert);
    veld_case_close(d.opened);
}

/* A record that others filled with more than a file of a tree was once allowed to hold. */
static void a_record_of_any_size_is_joined_and_named(void **state)
{
    (void)state;
    enum { CHANGES = 5, WRITES = 15 };
    dossier d = found(&anna);
    veld_case *at_bert = NULL;
    hand_over(d.opened, &bert, &at_bert);
    char *value = malloc(VELD_CHANGE_VALUE_BYTES_MAX);
    assert_non_null(value);
    memset(value, 'x', VELD_CHANGE_VALUE_BYTES_MAX);
    value[0] = value[VELD_CHANGE_VALUE_BYTES_MAX - 1] = '"';
    veld_write writes[WRITES];
    veld_taken taken;
    for (uint64_t i = 1; i <= CHANGES; i++) {
        for (size_t j = 0; j < WRITES; j++)
            writes[j] = (veld_write){.record = d.person,
                .type = veld_span_text("person"),
                .field = veld_span_text("phone"),
                .value = veld_span_of(value, VELD_CHANGE_VALUE_BYTES_MAX)};
        veld_change change = blind(at_bert, i, writes, WRITES);
        assert_ok(veld_case_take(at_bert, &change, 1, &taken, NULL));
    }
    state_id(at_bert);
    save_name(at_bert, &d, "\"Mina M.\"");
    veld_case_close(at_bert);
    veld_case_close(d.opened);
    free(value);
}

static void wrong_clocks_do_not_stop_a_save(void **state)
{
    (void)state;
    static const int64_t clocks[] = {978307200000, 2147483648000, -86400000, 4102444800000};
    dossier d = found(&anna);
    int64_t right = anna.world.now.wall_utc_ms;
    for (size_t i = 0; i < 4; i++) {
        char value[16];
        anna.world.now.wall_utc_ms = clocks[i];
        snprintf(value, sizeof value, "\"naam %zu\"", i);
        save_name(d.opened, &d, value);
    }
    anna.world.now.wall_utc_ms = right;
    assert_proved(d.opened, 5);
    veld_case_close(d.opened);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_saved_is_there_after_opening_again),
        cmocka_unit_test(an_edit_that_changes_nothing_stores_nothing),
        cmocka_unit_test(the_summary_follows_the_case),
        cmocka_unit_test(a_case_with_its_key_alone_is_not_saved_into),
        cmocka_unit_test(what_is_taken_in_ends_with_the_callers_transaction),
        cmocka_unit_test(two_who_changed_the_same_field_keep_both_values),
        cmocka_unit_test(a_change_that_comes_before_its_past_counts_at_once),
        cmocka_unit_test(forged_and_unknown_changes_are_left_out_alone),
        cmocka_unit_test(a_tree_that_does_not_follow_is_a_finding_and_no_more),
        cmocka_unit_test(removing_keeps_what_the_remover_had_not_seen),
        cmocka_unit_test(states_of_the_past_can_be_seen_again),
        cmocka_unit_test(a_draft_is_kept_and_cut_once),
        cmocka_unit_test(every_failed_allocation_of_a_save_leaves_the_case_whole),
        cmocka_unit_test(a_case_that_failed_to_save_says_so_until_it_is_opened_again),
        cmocka_unit_test(more_heads_than_a_change_can_name_are_met_in_turn),
        cmocka_unit_test(more_values_than_a_write_can_name_are_settled_in_turn),
        cmocka_unit_test(a_removal_that_cannot_name_all_is_refused_and_no_more),
        cmocka_unit_test(a_hybrid_clock_that_is_full_goes_on),
        cmocka_unit_test(a_full_clock_at_the_end_of_time_refuses_nothing),
        cmocka_unit_test(a_record_of_any_size_is_joined_and_named),
        cmocka_unit_test(wrong_clocks_do_not_stop_a_save),
    };
    return cmocka_run_group_tests(tests, open_desks, close_desks);
}

/* A dossier of several cases: founding it whole or not at all, finding its parts again, reading
 * those of one compartment together, and who may put records into a dossier. */
#include "veld_test.h"

#include <stdio.h>
#include <string.h>

#include "test_desk.h"
#include "veldkit/dossier.h"
#include "veldkit/founder.h"
#include "veldkit/hash.h"
#include "veldkit/index.h"
#include "veldkit/part.h"
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

static veld_id new_id(test_desk *t)
{
    veld_id id;
    assert_ok(veld_id_new(&t->world.env, &id, NULL));
    return id;
}

static veld_id new_case_id(test_desk *t)
{
    veld_id id;
    assert_ok(veld_founder_new_id(&t->world.env, veld_store_device(t->store), &id, NULL));
    return id;
}

/* A dossier with a person and an address. */
typedef struct household {
    veld_id main, person, address;
    veld_edit edits[4];
} household;

static household plan(test_desk *t)
{
    household d = {.main = new_case_id(t), .person = new_id(t), .address = new_id(t)};
    veld_id root = new_id(t);
    d.edits[0] = test_edit_set(&root, "case", "title", "\"Gezin Test\"");
    d.edits[1] = test_edit_set(&d.address, "address", "place", "\"Zandvoort\"");
    d.edits[2] = test_edit_set(&d.person, "person", "name", "\"Mina\"");
    d.edits[3] = test_edit_set(&d.address, "address", "whereabouts", "\"home\"");
    return d;
}

static household found(test_desk *t)
{
    household d = plan(t);
    assert_ok(veld_part_found_dossier(&t->desk, &d.main, d.edits, 4, NULL));
    return d;
}

static veld_part open_part(test_desk *t, const veld_id *dossier, veld_compartment compartment)
{
    veld_part part;
    veld_places places;
    size_t count;
    assert_ok(veld_places_load(t->store, &places, NULL));
    const veld_place *first = veld_places_list(&places, dossier, compartment, &count);
    assert_non_null(first);
    assert_ok(veld_part_open(&t->desk, first, count, &part, NULL));
    veld_places_release(&places);
    return part;
}

static size_t count_parts(test_desk *t, const veld_id *dossier, veld_compartment compartment)
{
    veld_places places;
    size_t count;
    assert_ok(veld_places_load(t->store, &places, NULL));
    (void)veld_places_list(&places, dossier, compartment, &count);
    veld_places_release(&places);
    return count;
}

static void names_of_compartments_are_found(void **state)
{
    (void)state;
    veld_compartment c;
    for (int i = VELD_COMPARTMENT_MAIN; i < VELD_COMPARTMENT_ANY; i++) {
        const char *name = veld_compartment_name((veld_compartment)i);
        assert_true(veld_compartment_find(veld_span_text(name), &c));
        assert_int_equal(c, i);
    }
    assert_false(veld_compartment_find(veld_span_text("any"), &c));
    assert_false(veld_compartment_find(veld_span_text("Main"), &c));
    assert_false(veld_compartment_find((veld_span){0}, &c));
}

static void a_dossier_is_founded_with_its_parts(void **state)
{
    (void)state;
    household d = found(&anna);
    veld_part main = open_part(&anna, &d.main, VELD_COMPARTMENT_MAIN);
    veld_part part = open_part(&anna, &d.main, VELD_COMPARTMENT_ADDRESS);
    veld_state *in_main = veld_case_state(main.cases[0]);
    veld_state *in_part = veld_case_state(part.cases[0]);
    assert_true(veld_id_equal(veld_case_id(main.cases[0]), &d.main));
    assert_non_null(veld_state_record_find(in_main, &d.person, NULL));
    assert_null(veld_state_record_find(in_main, &d.address, NULL));
    assert_non_null(veld_state_record_find(in_part, &d.address, NULL));
    assert_null(veld_state_record_find(in_part, &d.person, NULL));
    /* Two keys, and nothing but the sealed links that would join the two. */
    veld_span one, other;
    assert_ok(veld_store_case_key(veld_case_keys(main.cases[0]), 1, &one, NULL));
    assert_ok(veld_store_case_key(veld_case_keys(part.cases[0]), 1, &other, NULL));
    assert_false(veld_span_equal(one, other));
    assert_int_not_equal(
        veld_id_compare(veld_case_id(main.cases[0]), veld_case_id(part.cases[0])), 0);
    veld_part_close(&main);
    veld_part_close(&part);
}

static veld_status count_entry(void *context, const veld_index_entry *entry)
{
    veld_index_entry *seen = context;
    seen[0].records++;
    if (veld_id_equal(&entry->case_id, &seen[1].case_id))
        seen[1].records = entry->records + (entry->title.len > 0 ? 100u : 0u);
    return VELD_OK;
}

static void a_case_list_shows_dossiers(void **state)
{
    (void)state;
    veld_index *index = NULL;
    household d = found(&anna);
    veld_places places;
    veld_index_entry seen[2] = {{.records = 0}, {.case_id = d.main}};
    assert_ok(veld_places_load(anna.store, &places, NULL));
    assert_ok(veld_index_open(anna.store, &index, NULL));
    assert_ok(veld_summary_index(anna.store, index, NULL));
    assert_ok(veld_index_list(index, VELD_INDEX_BY_TITLE, count_entry, seen, NULL));
    assert_int_equal(seen[0].records, veld_places_dossiers(&places));
    assert_int_equal(seen[1].records, 103); /* with its title; links are not counted */
    veld_index_close(index);
    veld_places_release(&places);
}

static void a_part_is_founded_later_and_linked(void **state)
{
    (void)state;
    household d = plan(&anna);
    assert_ok(veld_part_found_dossier(&anna.desk, &d.main, d.edits, 1, NULL));
    assert_int_equal(count_parts(&anna, &d.main, VELD_COMPARTMENT_ADDRESS), 0);
    veld_part main = open_part(&anna, &d.main, VELD_COMPARTMENT_MAIN);
    veld_id part;
    veld_hash change;
    assert_ok(veld_part_found(
        main.cases[0], VELD_COMPARTMENT_ADDRESS, &d.edits[1], 1, &part, &change, NULL));
    assert_false(veld_hash_is_zero(&change));
    assert_int_equal(count_parts(&anna, &d.main, VELD_COMPARTMENT_ADDRESS), 1);
    veld_places places;
    assert_ok(veld_places_load_dossier(anna.store, &part, &places, NULL));
    assert_int_equal(places.count, 2);
    assert_true(veld_id_equal(&places.items[0].case_id, &d.main));
    assert_true(veld_id_equal(&places.items[1].case_id, &part));
    veld_places_release(&places);
    veld_part_close(&main);
}

/* All of it or nothing, whichever allocation fails; then the same call goes through. */
static void founding_is_whole_or_not_there(void **state)
{
    (void)state;
    for (uint64_t n = 1;; n += 7) {
        household d = plan(&anna);
        uint64_t before, after;
        assert_ok(veld_store_count_changes(anna.store, NULL, &before, NULL));
        test_fail_allocation(n, true);
        veld_status status = veld_part_found_dossier(&anna.desk, &d.main, d.edits, 4, NULL);
        test_fail_allocation(0, false);
        if (status != VELD_OK)
            test_desk_reopen(&anna);
        assert_ok(veld_store_count_changes(anna.store, NULL, &after, NULL));
        assert_int_equal(after - before, status == VELD_OK ? 2 : 0);
        assert_int_equal(
            count_parts(&anna, &d.main, VELD_COMPARTMENT_ADDRESS), status == VELD_OK ? 1 : 0);
        if (status == VELD_OK)
            break;
        assert_int_equal(status, VELD_E_MEMORY);
    }
    veld_allocator_set(NULL);
}

static void adding_a_part_is_whole_or_not_there(void **state)
{
    (void)state;
    household d = plan(&anna);
    assert_ok(veld_part_found_dossier(&anna.desk, &d.main, d.edits, 1, NULL));
    for (uint64_t n = 1;; n += 7) {
        veld_id part;
        veld_hash change;
        veld_part main = open_part(&anna, &d.main, VELD_COMPARTMENT_MAIN);
        size_t links = veld_state_record_count(veld_case_state(main.cases[0]));
        test_fail_allocation(n, true);
        veld_status status = veld_part_found(
            main.cases[0], VELD_COMPARTMENT_ADDRESS, &d.edits[1], 1, &part, &change, NULL);
        test_fail_allocation(0, false);
        veld_part_close(&main);
        if (status == VELD_OK)
            break;
        test_desk_reopen(&anna);
        assert_int_equal(status, VELD_E_MEMORY);
        assert_int_equal(count_parts(&anna, &d.main, VELD_COMPARTMENT_ADDRESS), 0);
        main = open_part(&anna, &d.main, VELD_COMPARTMENT_MAIN);
        assert_int_equal(veld_state_record_count(veld_case_state(main.cases[0])), links);
        veld_part_close(&main);
    }
    veld_allocator_set(NULL);
    assert_int_equal(count_parts(&anna, &d.main, VELD_COMPARTMENT_ADDRESS), 1);
}

/* ---- two devices ---- */

/* Give a case as a sync would: its key, then all changes, in any order. */
static void give(test_desk *from, test_desk *to, const veld_id *case_id)
{
    veld_case *opened, *taken;
    veld_arena arena;
    veld_change changes[8];
    veld_taken result;
    veld_span key;
    size_t count;
    veld_arena_init(&arena, 16 << 20);
    assert_ok(veld_case_open(&from->desk, case_id, &opened, NULL));
    assert_ok(veld_store_case_key(veld_case_keys(opened), 1, &key, NULL));
    veld_status status = veld_store_put_case_key(to->store, case_id, 1, key, NULL);
    assert_true(status == VELD_OK || status == VELD_E_EXISTS);
    assert_ok(veld_case_open(&to->desk, case_id, &taken, NULL));
    const veld_node *const *order = veld_graph_order(veld_case_graph(opened), &count);
    assert_true(count <= 8);
    for (size_t i = 0; i < count; i++)
        assert_ok(veld_case_change(opened, &order[count - 1 - i]->id, &arena, &changes[i], NULL));
    assert_ok(veld_case_take(taken, changes, count, &result, NULL));
    assert_int_equal(result.added + result.known, count);
    veld_case_close(taken);
    veld_case_close(opened);
    veld_arena_release(&arena);
}

static veld_id found_address(test_desk *t, const veld_id *dossier, const char *place)
{
    veld_part main = open_part(t, dossier, VELD_COMPARTMENT_MAIN);
    veld_id record = new_id(t), part;
    veld_hash change;
    veld_edit edit = test_edit_set(&record, "address", "place", place);
    assert_ok(
        veld_part_found(main.cases[0], VELD_COMPARTMENT_ADDRESS, &edit, 1, &part, &change, NULL));
    veld_part_close(&main);
    return part;
}

static void two_parts_of_one_name_are_read_together(void **state)
{
    (void)state;
    household d = plan(&anna);
    assert_ok(veld_part_found_dossier(&anna.desk, &d.main, d.edits, 1, NULL));
    give(&anna, &bert, &d.main);
    veld_id one = found_address(&anna, &d.main, "\"Zandvoort\"");
    veld_id other = found_address(&bert, &d.main, "\"Haarlem\"");
    give(&anna, &bert, &d.main);
    give(&bert, &anna, &d.main);
    give(&anna, &bert, &one);
    give(&bert, &anna, &other);
    veld_part left = open_part(&anna, &d.main, VELD_COMPARTMENT_ADDRESS);
    veld_part right = open_part(&bert, &d.main, VELD_COMPARTMENT_ADDRESS);
    veld_hash left_id, right_id;
    veld_buf left_text, right_text;
    veld_buf_init(&left_text, 1 << 20);
    veld_buf_init(&right_text, 1 << 20);
    assert_int_equal(left.count, 2);
    assert_ok(veld_part_state_id(&left, &left_id, NULL));
    assert_ok(veld_part_state_id(&right, &right_id, NULL));
    assert_true(veld_hash_equal(&left_id, &right_id));
    assert_ok(veld_part_view(&left, anna.schemas, &left_text, NULL));
    assert_ok(veld_part_view(&right, bert.schemas, &right_text, NULL));
    assert_true(veld_span_equal(veld_buf_span(&left_text), veld_buf_span(&right_text)));
    const char *text;
    assert_ok(veld_buf_text(&left_text, &text));
    assert_non_null(strstr(text, "Zandvoort"));
    assert_non_null(strstr(text, "Haarlem"));
    veld_buf_release(&left_text);
    veld_buf_release(&right_text);
    veld_part_close(&left);
    veld_part_close(&right);
}

/* As proto/WIRE.md has it ("Grant"): the seal and the id of a part of a dossier. */
static veld_id place_id(test_desk *t, const veld_id *dossier, const uint8_t seal[16])
{
    veld_hash hash;
    veld_id id;
    const uint8_t number = VELD_COMPARTMENT_ADDRESS;
    const veld_span parts[] = {
        veld_id_span(dossier), veld_span_of(&number, 1), veld_span_of(seal, 16)};
    assert_ok(veld_hash_named("veldkit/hash/place/1", parts, 3, &hash, NULL));
    assert_ok(veld_founder_id(veld_store_device(t->store), hash.bytes, &id, NULL));
    return id;
}

static void quoted_id(const veld_id *id, char out[VELD_ID_TEXT_SIZE + 2])
{
    out[0] = '"';
    veld_id_format(id, out + 1);
    out[VELD_ID_TEXT_SIZE] = '"';
    out[VELD_ID_TEXT_SIZE + 1] = '\0';
}

/* A known device that knows the dossier's id, and does not hold its main case. */
static void who_does_not_hold_main_adds_nothing_to_its_dossier(void **state)
{
    (void)state;
    static const uint8_t seal[16] = {0};
    household d = found(&anna);
    veld_id false_part = place_id(&bert, &d.main, seal), link = new_id(&bert);
    veld_id record = new_id(&bert);
    char dossier_json[VELD_ID_TEXT_SIZE + 2];
    quoted_id(&d.main, dossier_json);
    veld_edit edits[] = {test_edit_set(&link, "dossier", "dossier", dossier_json),
        test_edit_set(&link, "dossier", "name", "\"address\""),
        test_edit_set(&link, "dossier", "seal", "\"00000000000000000000000000000000\""),
        test_edit_set(&record, "address", "place", "\"Vals\"")};
    veld_case *opened;
    assert_ok(veld_case_found(&bert.desk, &false_part, edits, 4, &opened, NULL));
    veld_case_close(opened);
    /* Without main it counts as what it says; with main it stands alone. */
    assert_int_equal(count_parts(&bert, &d.main, VELD_COMPARTMENT_ADDRESS), 1);
    give(&bert, &anna, &false_part);
    assert_int_equal(count_parts(&anna, &d.main, VELD_COMPARTMENT_ADDRESS), 1);
    assert_int_equal(count_parts(&anna, &false_part, VELD_COMPARTMENT_ADDRESS), 1);
    veld_places places;
    assert_ok(veld_places_load_dossier(anna.store, &d.main, &places, NULL));
    assert_int_equal(places.count, 2);
    veld_places_release(&places);
}

/* Says that the part is one of `dossier`: as a new record with the smallest id there is, and over
 * what stands there. */
static void claim(test_desk *t, const veld_id *part, const veld_id *dossier)
{
    static const veld_id smallest = {.bytes = {[6] = 0x70, [8] = 0x80, [15] = 1}};
    veld_case *opened;
    veld_hash change;
    size_t count;
    char dossier_json[VELD_ID_TEXT_SIZE + 2];
    quoted_id(dossier, dossier_json);
    assert_ok(veld_case_open(&t->desk, part, &opened, NULL));
    const veld_state_record *const *records = veld_state_records(veld_case_state(opened), &count);
    veld_id there = {0};
    for (size_t i = 0; i < count; i++) {
        if (veld_span_equal(records[i]->type, veld_span_text("dossier")))
            there = records[i]->id;
    }
    const veld_id *const claims[] = {&smallest, &there};
    for (size_t i = 0; i < 2; i++) {
        veld_edit edits[] = {test_edit_set(claims[i], "dossier", "dossier", dossier_json),
            test_edit_set(claims[i], "dossier", "name", "\"address\""),
            test_edit_set(claims[i], "dossier", "seal", "\"00000000000000000000000000000000\"")};
        assert_ok(veld_case_save(opened, edits, 3, &change, NULL));
    }
    veld_case_close(opened);
}

static void link_part(test_desk *t, const veld_id *main, const veld_id *part)
{
    veld_case *opened;
    veld_hash change;
    veld_id link = new_id(t);
    char part_json[VELD_ID_TEXT_SIZE + 2];
    quoted_id(part, part_json);
    veld_edit edits[] = {test_edit_set(&link, "compartment", "case", part_json),
        test_edit_set(&link, "compartment", "name", "\"address\"")};
    assert_ok(veld_case_open(&t->desk, main, &opened, NULL));
    assert_ok(veld_case_save(opened, edits, 2, &change, NULL));
    veld_case_close(opened);
}

/* Who writes in a part makes it none of another dossier: its keys would go to all who have that
 * one. Her own device cannot either, when it founded the part long ago. */
static void a_part_stays_where_it_was_founded(void **state)
{
    (void)state;
    household d = found(&anna), hers = found(&anna), his = found(&bert);
    veld_part address = open_part(&anna, &d.main, VELD_COMPARTMENT_ADDRESS);
    veld_id part = *veld_case_id(address.cases[0]);
    veld_part_close(&address);
    give(&anna, &bert, &d.main);
    give(&anna, &bert, &part);
    link_part(&bert, &his.main, &part);
    claim(&bert, &part, &his.main);
    assert_int_equal(count_parts(&bert, &d.main, VELD_COMPARTMENT_ADDRESS), 1);
    assert_int_equal(count_parts(&bert, &his.main, VELD_COMPARTMENT_ADDRESS), 1);
    link_part(&anna, &hers.main, &part);
    claim(&anna, &part, &hers.main);
    assert_int_equal(count_parts(&anna, &d.main, VELD_COMPARTMENT_ADDRESS), 1);
    assert_int_equal(count_parts(&anna, &hers.main, VELD_COMPARTMENT_ADDRESS), 1);
}

static bool is_equal_text(const veld_id *id, const char *word)
{
    char text[VELD_ID_TEXT_SIZE];
    veld_id_format(id, text);
    return strcmp(text, word) == 0;
}

static void a_word_names_a_dossier_or_one_case_of_it(void **state)
{
    (void)state;
    household d = found(&anna);
    veld_part part = open_part(&anna, &d.main, VELD_COMPARTMENT_ADDRESS);
    veld_places places;
    veld_place place;
    size_t matches;
    char word[VELD_ID_TEXT_SIZE];
    assert_ok(veld_places_load(anna.store, &places, NULL));
    veld_id_format(&d.main, word);
    veld_places_search(&places, word, is_equal_text, &place, &matches);
    assert_int_equal(matches, 1);
    assert_int_equal(place.compartment, VELD_COMPARTMENT_MAIN);
    veld_id_format(&part.place.case_id, word);
    veld_places_search(&places, word, is_equal_text, &place, &matches);
    assert_int_equal(matches, 1);
    assert_int_equal(place.compartment, VELD_COMPARTMENT_ADDRESS);
    assert_true(veld_id_equal(&place.dossier, &d.main));
    veld_places_search(&places, "x", is_equal_text, &place, &matches);
    assert_int_equal(matches, 0);
    veld_places_release(&places);
    veld_part_close(&part);
}

static void set_secret(veld_case *opened, const veld_id *record, const char *value)
{
    veld_hash change;
    veld_edit edit = test_edit_set(record, "address", "secret", value);
    assert_ok(veld_case_save(opened, &edit, 1, &change, NULL));
}

/* A decision, in one change with what it chose. */
static void decide_open(test_desk *t, veld_case *opened, const veld_id *record)
{
    veld_hash change;
    veld_id decision = new_id(t);
    char id[VELD_ID_TEXT_SIZE + 2] = "\"";
    veld_id_format(record, id + 1);
    id[VELD_ID_TEXT_SIZE] = '"';
    veld_edit edits[] = {test_edit_set(record, "address", "secret", "null"),
        test_edit_set(&decision, "decision", "record", id),
        test_edit_set(&decision, "decision", "field", "\"secret\""),
        test_edit_set(&decision, "decision", "reason", "\"Verhuisd.\""),
        test_edit_set(&decision, "decision", "conflict", id),
        test_edit_set(&decision, "decision", "decidedBy", "\"operator\"")};
    assert_ok(veld_case_save(opened, edits, 6, &change, NULL));
}

static void an_address_is_secret_as_long_as_one_says_so(void **state)
{
    (void)state;
    bool secret;
    household d = found(&anna);
    veld_part part = open_part(&anna, &d.main, VELD_COMPARTMENT_ADDRESS);
    give(&anna, &bert, &part.place.case_id);
    assert_ok(veld_part_is_secret(part.cases[0], &secret, NULL));
    assert_false(secret);
    set_secret(part.cases[0], &d.address, "true");
    assert_ok(veld_part_is_secret(part.cases[0], &secret, NULL));
    assert_true(secret);
    /* Said otherwise at the same time: the protective word stands. */
    veld_case *other;
    assert_ok(veld_case_open(&bert.desk, &part.place.case_id, &other, NULL));
    set_secret(other, &d.address, "false");
    veld_case_close(other);
    veld_id address = part.place.case_id;
    veld_part_close(&part);
    give(&bert, &anna, &address);
    part = open_part(&anna, &d.main, VELD_COMPARTMENT_ADDRESS);
    assert_ok(veld_part_is_secret(part.cases[0], &secret, NULL));
    assert_true(secret);
    set_secret(part.cases[0], &d.address, "false"); /* by who saw both, and did not decide it */
    assert_ok(veld_part_is_secret(part.cases[0], &secret, NULL));
    assert_true(secret);
    decide_open(&anna, part.cases[0], &d.address);
    assert_ok(veld_part_is_secret(part.cases[0], &secret, NULL));
    assert_false(secret);
    veld_part_close(&part);
}

static void references_reach_into_main(void **state)
{
    (void)state;
    household d = found(&anna);
    veld_part main = open_part(&anna, &d.main, VELD_COMPARTMENT_MAIN);
    veld_part part = open_part(&anna, &d.main, VELD_COMPARTMENT_ADDRESS);
    veld_arena arena;
    veld_edits edits;
    veld_id record;
    char json[256], person[VELD_ID_TEXT_SIZE];
    veld_state *const beside[] = {veld_case_state(main.cases[0])};
    veld_arena_init(&arena, 1 << 20);
    veld_dossier_context context = {.schemas = anna.schemas,
        .env = &anna.world.env,
        .state = veld_case_state(part.cases[0]),
        .arena = &arena,
        .beside = beside,
        .beside_count = 1};
    veld_id_format(&d.person, person);
    snprintf(
        json, sizeof json, "{\"fields\":{\"whereabouts\":\"home\",\"persons\":[\"%s\"]}}", person);
    assert_ok(veld_dossier_check_record(
        &context, veld_span_text("address"), veld_span_text(json), &record, &edits, NULL));
    /* An id that main uses is taken. */
    char again[400];
    snprintf(again, sizeof again, "{\"record\":\"%s\",%s", person, json + 1);
    assert_int_equal(veld_dossier_check_record(&context, veld_span_text("address"),
                         veld_span_text(again), &record, &edits, NULL),
        VELD_E_EXISTS);
    context.beside_count = 0;
    assert_int_equal(veld_dossier_check_record(&context, veld_span_text("address"),
                         veld_span_text(json), &record, &edits, NULL),
        VELD_E_INVALID);
    context.main_away = true;
    assert_ok(veld_dossier_check_record(
        &context, veld_span_text("address"), veld_span_text(json), &record, &edits, NULL));
    /* Links are not made by hand. */
    assert_int_equal(veld_dossier_check_record(&context, veld_span_text("compartment"),
                         veld_span_text("{\"fields\":{\"name\":\"address\",\"case\":"
                                        "\"01234567-89ab-7def-8123-456789abcdef\"}}"),
                         &record, &edits, NULL),
        VELD_E_INVALID);
    veld_arena_release(&arena);
    veld_part_close(&main);
    veld_part_close(&part);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_compartments_are_found),
        cmocka_unit_test(a_dossier_is_founded_with_its_parts),
        cmocka_unit_test(a_case_list_shows_dossiers),
        cmocka_unit_test(a_part_is_founded_later_and_linked),
        cmocka_unit_test(founding_is_whole_or_not_there),
        cmocka_unit_test(adding_a_part_is_whole_or_not_there),
        cmocka_unit_test(two_parts_of_one_name_are_read_together),
        cmocka_unit_test(who_does_not_hold_main_adds_nothing_to_its_dossier),
        cmocka_unit_test(a_part_stays_where_it_was_founded),
        cmocka_unit_test(a_word_names_a_dossier_or_one_case_of_it),
        cmocka_unit_test(an_address_is_secret_as_long_as_one_says_so),
        cmocka_unit_test(references_reach_into_main),
    };
    return cmocka_run_group_tests(tests, open_desks, close_desks);
}

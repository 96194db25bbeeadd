/* The world of the tests of breaking the glass. */
#include "glass_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "veld_test.h"
#include "veldkit/blind.h"
#include "veldkit/break_glass.h"

#define REASON "buren horen geschreeuw"

static void start_log(glass_world *g)
{
    const veld_access_config config = {
        .env = &g->bert->t.world.env, .store = g->bert->t.store, .anchor = &g->bert->anchor};
    assert_ok(veld_access_log_new(&config, &g->log, NULL));
}

int glass_open(void **state)
{
    glass_world *g = calloc(1, sizeof *g);
    assert_non_null(g);
    exchange_world_open(&g->w, 3, 17);
    g->anna = &g->w.tablets[0];
    g->bert = &g->w.tablets[1];
    g->carla = &g->w.tablets[2];
    for (size_t i = 0; i < g->w.count; i++)
        g->w.tablets[i].t.desk.office = &g->w.agency.seal_key;
    start_log(g);
    g->case_id = exchange_found(g->anna, &g->person);
    exchange_all_quiet(&g->w);
    *state = g;
    return 0;
}

int glass_close(void **state)
{
    glass_world *g = *state;
    veld_access_log_free(g->log);
    exchange_world_close(&g->w);
    free(g);
    return 0;
}

void glass_restart(glass_world *g)
{
    veld_access_log_free(g->log);
    exchange_party_restart(g->bert);
    g->bert->t.desk.office = &g->w.agency.seal_key;
    start_log(g);
}

void glass_pass(glass_world *g, int64_t ms)
{
    test_env_advance(&g->w.env, ms);
    test_env_advance(&g->w.merger.t.world, ms);
    for (size_t i = 0; i < g->w.count; i++)
        test_env_advance(&g->w.tablets[i].t.world, ms);
}

void glass_give(glass_world *g, exchange_party *to, veld_grant_purpose purpose, int64_t lease_ms)
{
    veld_directory_entry entry;
    assert_ok(veld_directory_find(g->w.merger.t.store, &to->t.card.device, &entry, NULL));
    assert_ok(veld_sync_post_grant(g->w.merger.sync, &g->case_id, &entry, purpose, lease_ms, NULL));
    exchange_all_quiet(&g->w);
}

void glass_give_bert(glass_world *g)
{
    glass_give(g, g->bert, VELD_GRANT_BREAK_GLASS, 72 * HOUR_MS);
}

bool glass_has_keys(glass_world *g, exchange_party *p)
{
    veld_store_case *keys = NULL;
    veld_status status = veld_store_case_open(p->t.store, &g->case_id, &keys, NULL);
    veld_store_case_close(keys);
    return status == VELD_OK;
}

veld_lease_state glass_state(glass_world *g, exchange_party *p)
{
    bool sure;
    int64_t utc_ms;
    veld_lease lease;
    veld_now now = veld_env_now(&p->t.world.env);
    assert_ok(veld_lease_time(p->t.store, &p->anchor, &now, &utc_ms, &sure, NULL));
    assert_ok(veld_lease_get(p->t.store, &g->case_id, &lease, NULL));
    return veld_lease_state_at(&lease, utc_ms, sure);
}

veld_status glass_break(glass_world *g, int64_t *until)
{
    int64_t at;
    const veld_glass glass = {.desk = &g->bert->t.desk,
        .agency = &g->w.agency,
        .log = g->log,
        .worker = "Bert",
        .reason = REASON};
    veld_access_begin(g->log, &(veld_access_scope){.event = "case open",
                                  .user = "Bert",
                                  .kind = VELD_ACCESS_EMERGENCY,
                                  .basis = VELD_ACCESS_BASIS_EMERGENCY,
                                  .reason = REASON});
    veld_status status = veld_glass_break(&glass, &g->case_id, until != NULL ? until : &at, NULL);
    veld_access_end(g->log);
    return status;
}

size_t glass_lines(glass_world *g, exchange_party *p)
{
    veld_arena arena;
    veld_access_found *found;
    size_t count = 0, said = 0;
    uint64_t all, damaged;
    const veld_access_query query = {.device = g->bert->t.card.device,
        .kind = VELD_ACCESS_EMERGENCY,
        .from_ms = INT64_MIN,
        .until_ms = INT64_MAX,
        .limit = 100};
    veld_arena_init(&arena, 1 << 20);
    assert_ok(veld_access_find(p->t.store, &query, &arena, &found, &count, &all, &damaged, NULL));
    for (size_t i = 0; i < count; i++)
        said += veld_id_equal(&found[i].entry.case_id, &g->case_id) &&
                found[i].entry.basis == VELD_ACCESS_BASIS_EMERGENCY &&
                veld_span_equal(found[i].entry.reason, veld_span_text(REASON));
    veld_arena_release(&arena);
    assert_int_equal(said, count);
    return count;
}

size_t glass_records(glass_world *g, exchange_party *p)
{
    size_t count, found = 0;
    veld_case *opened;
    assert_ok(veld_case_open(&p->t.desk, &g->case_id, &opened, NULL));
    const veld_state_record *const *records = veld_state_records(veld_case_state(opened), &count);
    for (size_t i = 0; i < count; i++)
        found += veld_span_equal(records[i]->type, veld_span_text(VELD_TYPE_EMERGENCY));
    veld_case_close(opened);
    return found;
}

size_t glass_held(glass_world *g, const char *kind)
{
    char group[64], id[VELD_ID_TEXT_SIZE];
    bool more = true;
    size_t count = 0;
    veld_store_cursor *cursor;
    veld_id_format(&g->case_id, id);
    (void)snprintf(group, sizeof group, "glass.%s.%s", kind, id);
    assert_ok(veld_store_values(g->bert->t.store, group, &cursor, NULL));
    while (more) {
        veld_store_value value;
        assert_ok(veld_store_values_next(cursor, &more, &value, NULL));
        count += more;
    }
    veld_store_cursor_close(cursor);
    return count;
}

bool glass_is_same(glass_world *g, exchange_party *one, exchange_party *other)
{
    veld_hash mine = exchange_state(one, &g->case_id), theirs = exchange_state(other, &g->case_id);
    return veld_hash_equal(&mine, &theirs);
}

/* Changes for tests of their encodings. */
#include "wire_world.h"

#include <stdlib.h>
#include <string.h>

#include "veldkit/assert.h"
#include "veldkit/context.h"
#include "veldkit/hash.h"

enum { ARENA_BYTES_MAX = 256 << 20, CHAIN_WRITES_MAX = 6, LISTS_MAX = 5 };

void wire_world_bytes(wire_world *w, void *out, size_t len)
{
    VELD_ASSERT(veld_env_random(&w->world.env, out, len, NULL) == VELD_OK);
}

veld_id wire_world_id(wire_world *w)
{
    veld_id id;
    wire_world_bytes(w, id.bytes, sizeof id.bytes);
    return id;
}

static size_t below(wire_world *w, size_t bound)
{
    return (size_t)test_env_number(&w->world, bound);
}

static void *take(wire_world *w, size_t count, size_t size)
{
    void *memory = veld_arena_get(&w->arena, count, size);
    VELD_ASSERT(memory != NULL);
    return memory;
}

void wire_world_init(wire_world *w, uint64_t seed)
{
    *w = (wire_world){0};
    test_env_init(&w->world, seed);
    veld_arena_init(&w->arena, ARENA_BYTES_MAX);
    w->case_id = wire_world_id(w);
    w->device = wire_world_id(w);
    wire_world_bytes(w, w->incarnation, sizeof w->incarnation);
    w->namer = (veld_change_namer){NULL, wire_name};
}

void wire_world_release(wire_world *w)
{
    veld_arena_release(&w->arena);
}

veld_status wire_name(void *context, veld_change *change, veld_error *err)
{
    (void)context;
    veld_hash git;
    veld_span parts[] = {veld_hash_span(&change->core), veld_hash_span(&change->tree)};
    static const char stand_in[] = "veldkit/hash/change/1"; /* real ids follow from commits */
    veld_status status = veld_hash_named(stand_in, parts, 2, &change->id, err);
    if (status == VELD_OK)
        status = veld_sha256(veld_hash_span(&change->id), &git, err);
    if (status == VELD_OK)
        memcpy(change->git.bytes, git.bytes, sizeof change->git.bytes);
    return status;
}

/* ---- what all changes share ---- */
static void fill(wire_world *w, veld_change *change, const veld_change *before, uint64_t number)
{
    change->format = VELD_CHANGE_FORMAT;
    change->case_id = w->case_id;
    change->device = w->device;
    memcpy(change->incarnation, w->incarnation, sizeof change->incarnation);
    change->number = number;
    veld_now now = veld_env_now(&w->world.env);
    change->time = (veld_change_time){.wall_utc_ms = now.wall_utc_ms,
        .offset_min = now.offset_min,
        .monotonic_ms = now.monotonic_ms,
        .server_utc_ms = 1772430000000,
        .hybrid_ms = now.wall_utc_ms - 150,
        .quality = VELD_CLOCK_ANCHORED};
    change->commit_utc_s = now.wall_utc_ms / 1000;
    change->log_size = 1234567;
    memset(change->log_root.bytes, 0x5A, sizeof change->log_root.bytes);
    if (before != NULL) {
        change->log_root = before->log_root;
        change->log_size = before->log_size;
        if (before->commit_utc_s > change->commit_utc_s)
            change->commit_utc_s = before->commit_utc_s;
    } else {
        wire_world_bytes(w, change->log_root.bytes, sizeof change->log_root.bytes);
    }
    wire_world_bytes(w, change->salt, sizeof change->salt);
    wire_world_bytes(w, change->tree.bytes, sizeof change->tree.bytes);
    wire_world_bytes(w, change->tree_git.bytes, sizeof change->tree_git.bytes);
    wire_world_bytes(w, change->signature.bytes, sizeof change->signature.bytes);
}

static veld_parent *parent_of(wire_world *w, const veld_change *before)
{
    veld_parent *parent = take(w, 1, sizeof *parent);
    if (before != NULL) {
        *parent = (veld_parent){before->id, before->git};
    } else {
        wire_world_bytes(w, parent->id.bytes, sizeof parent->id.bytes);
        wire_world_bytes(w, parent->git.bytes, sizeof parent->git.bytes);
    }
    return parent;
}

static void finish(veld_change *change)
{
    veld_error err = {0};
    VELD_ASSERT(veld_change_check_form(change, &err) == VELD_OK);
    VELD_ASSERT(veld_change_derive(change, NULL) == VELD_OK);
    VELD_ASSERT(wire_name(NULL, change, NULL) == VELD_OK);
}

static int compare_ids(const void *a, const void *b)
{
    return veld_write_id_compare(a, b);
}

static int compare_parents(const void *a, const void *b)
{
    return veld_hash_compare(&((const veld_parent *)a)->id, &((const veld_parent *)b)->id);
}

/* ---- random changes ---- */
static const char *const types[] = {"note", "person", "safety-condition", "x9-other"};
static const char *const fields[] = {"text", "name", "status", "@removed", "reviewOn", "zZ9"};
static const char *const values[] = {"true", "false", "null", "0", "-9007199254740991", "\"\"",
    "\"Oma haalt de kinderen op\"", "\"\xC3\xA9\xE2\x82\xAC\"", "[1,[2,{}]]",
    "{\"a\":1,\"b\":\"twee\"}"};

/* ids: up to LISTS_MAX sorted ids, of earlier writes of the chain or of elsewhere. */
static const veld_write_id *random_ids(
    wire_world *w, const veld_change *chain, size_t done, size_t *count)
{
    veld_write_id *ids = take(w, LISTS_MAX, sizeof *ids);
    size_t wanted = below(w, LISTS_MAX);
    *count = 0;
    for (size_t i = 0; i < wanted; i++) {
        veld_write_id id;
        wire_world_bytes(w, id.bytes, sizeof id.bytes);
        if (done > 0 && below(w, 2) == 0) {
            const veld_change *change = &chain[below(w, done)];
            id = change->writes[below(w, change->writes_count)].id;
        }
        bool is_new = true;
        for (size_t k = 0; k < *count; k++)
            is_new = is_new && !veld_write_id_equal(&ids[k], &id);
        if (is_new)
            ids[(*count)++] = id;
    }
    qsort(ids, *count, sizeof *ids, compare_ids);
    return ids;
}

static void random_writes(wire_world *w, veld_change *chain, size_t done)
{
    veld_change *change = &chain[done];
    change->writes_count = 1 + below(w, CHAIN_WRITES_MAX);
    change->writes = take(w, change->writes_count, sizeof *change->writes);
    for (size_t i = 0; i < change->writes_count; i++) {
        veld_write *write = &change->writes[i];
        write->record = wire_world_id(w);
        if (i > 0 && below(w, 2) == 0)
            write->record = change->writes[i - 1].record;
        else if (done > 0 && below(w, 2) == 0)
            write->record = chain[below(w, done)].writes[0].record;
        write->type = veld_span_text(types[below(w, sizeof types / sizeof *types)]);
        write->field = veld_span_text(fields[below(w, sizeof fields / sizeof *fields)]);
        write->value = veld_span_text(values[below(w, sizeof values / sizeof *values)]);
        write->replaces = random_ids(w, chain, done, &write->replaces_count);
        write->basis = random_ids(w, chain, done, &write->basis_count);
    }
}

static void random_parents(wire_world *w, veld_change *chain, size_t done)
{
    veld_change *change = &chain[done];
    size_t others = below(w, 4);
    if (done > 0 && others == 0) {
        change->parents = parent_of(w, &chain[done - 1]);
        change->parents_count = 1;
        return;
    }
    veld_parent *parents = take(w, others + 1, sizeof *parents);
    for (size_t i = 0; i < others; i++)
        parents[i] = *parent_of(w, NULL);
    size_t count = others;
    if (done > 0 && below(w, 2) == 0)
        parents[count++] = *parent_of(w, &chain[done - 1]);
    qsort(parents, count, sizeof *parents, compare_parents);
    change->parents = parents;
    change->parents_count = count;
}

veld_change *wire_world_chain(wire_world *w, size_t count)
{
    veld_change *chain = take(w, count, sizeof *chain);
    uint64_t first = 1 + below(w, 1000000);
    for (size_t i = 0; i < count; i++) {
        test_env_advance(&w->world, (int64_t)below(w, 100000));
        fill(w, &chain[i], i > 0 ? &chain[i - 1] : NULL, first + i);
        if (below(w, 4) == 0) { /* a clock that jumps, a restart, no server yet */
            chain[i].time.wall_utc_ms = -1000 - (int64_t)below(w, 1000000);
            chain[i].time.monotonic_ms = (int64_t)below(w, 1000);
            chain[i].time.offset_min = -1439;
            chain[i].time.hybrid_count = UINT32_MAX;
            chain[i].time.quality = VELD_CLOCK_SUSPECT;
            chain[i].commit_utc_s = (int64_t)below(w, 100);
        }
        if (below(w, 4) == 0) {
            chain[i].log_size = 0;
            chain[i].log_root = (veld_hash){0};
        }
        random_writes(w, chain, i);
        random_parents(w, chain, i);
        finish(&chain[i]);
    }
    return chain;
}

/* ---- a visit ---- */
typedef struct visit_write {
    int change;
    int record; /* within the visit */
    const char *type, *field, *value;
    int replaces; /* -1 nothing, -2 a write from before, else an index of this table */
} visit_write;

static const visit_write visit[] = {
    {0, 0, "visit", "kind", "\"huisbezoek\"", -1},
    {0, 0, "visit", "startedAt", "\"2026-03-02T19:30:00+01:00\"", -1},
    {1, 0, "visit", "present", "[\"moeder\",\"oma\",\"jongste kind\"]", -1},
    {2, 1, "note", "text",
        "\"Moeder doet open en laat ons binnen. Ze oogt moe en is alleen met de jongste.\"", -1},
    {3, 2, "person", "phone", "\"0612345678\"", -2},
    {4, 3, "note", "text",
        "\"De jongste speelt in de kamer en zegt dat papa gisteren heel hard schreeuwde.\"", -1},
    {5, 1, "note", "text",
        "\"Moeder doet open en laat ons binnen. Ze oogt moe, is alleen met de jongste en wil "
        "praten.\"",
        3},
    {6, 4, "safety-condition", "text", "\"Vader komt niet in de woning zolang hij drinkt.\"", -1},
    {6, 4, "safety-condition", "severity", "\"hoog\"", -1},
    {7, 5, "safety-condition", "text", "\"De kinderen slapen elke nacht op dezelfde plek.\"", -1},
    {7, 5, "safety-condition", "severity", "\"midden\"", -1},
    {8, 6, "safety-agreement", "text",
        "\"Moeder belt 112 zodra vader voor de deur staat; de buurvrouw vangt de kinderen op.\"",
        -1},
    {9, 6, "safety-agreement", "reviewOn", "\"2026-03-09\"", -1},
    {10, 7, "safety-agreement", "text",
        "\"Oma haalt de oudste op maandag en woensdag uit school.\"", -1},
    {11, 8, "person", "name", "\"Sanne de Wit\"", -1},
    {11, 8, "person", "role", "\"buurvrouw\"", -1},
    {12, 9, "note", "text",
        "\"Oma vertelt dat het vorige week ook mis ging en dat ze toen de wijkagent belde.\"", -1},
    {13, 10, "incident", "occurredAt", "\"2026-02-26T22:15:00+01:00\"", -1},
    {13, 10, "incident", "text", "\"Vader gooide een stoel; politie is aan de deur geweest.\"", -1},
    {14, 4, "safety-condition", "status", "\"actief\"", -1},
    {15, 5, "safety-condition", "status", "\"actief\"", -1},
    {16, 11, "note", "text", "\"Huisarts wordt morgen gebeld over de slaapproblemen.\"", -1},
    {17, 12, "safety-plan", "status", "\"concept\"", -1},
    {17, 12, "safety-plan", "reviewOn", "\"2026-03-09\"", -1},
    {18, 12, "safety-plan", "status", "\"ondertekend\"", 22},
    {19, 0, "visit", "endedAt", "\"2026-03-02T20:50:00+01:00\"", -1},
};

enum { VISIT_WRITES = sizeof visit / sizeof *visit, VISIT_RECORDS = 13 };

veld_change *wire_world_visit(wire_world *w)
{
    veld_change *changes = take(w, WIRE_VISIT_CHANGES, sizeof *changes);
    const veld_write *made[VISIT_WRITES];
    veld_id records[VISIT_RECORDS];
    for (size_t i = 0; i < VISIT_RECORDS; i++)
        VELD_ASSERT(veld_id_new(&w->world.env, &records[i], NULL) == VELD_OK);
    for (int i = 0, at = 0; i < WIRE_VISIT_CHANGES; i++) {
        veld_change *change = &changes[i];
        test_env_advance(&w->world, 60000 + (int64_t)below(w, 300000));
        fill(w, change, i > 0 ? change - 1 : NULL, 7 + (uint64_t)i);
        change->writes = take(w, 2, sizeof *change->writes);
        for (; at < VISIT_WRITES && visit[at].change == i; at++) {
            const visit_write *from = &visit[at];
            veld_write *write = &change->writes[change->writes_count++];
            veld_write_id *replaced = take(w, 1, sizeof *replaced);
            wire_world_bytes(w, replaced->bytes, sizeof replaced->bytes);
            if (from->replaces >= 0)
                *replaced = made[from->replaces]->id;
            *write = (veld_write){.record = records[from->record],
                .type = veld_span_text(from->type),
                .field = veld_span_text(from->field),
                .value = veld_span_text(from->value),
                .replaces = replaced,
                .replaces_count = from->replaces == -1 ? 0 : 1};
            made[at] = write;
        }
        change->parents = parent_of(w, i > 0 ? change - 1 : NULL);
        change->parents_count = 1;
        finish(change);
    }
    return changes;
}

veld_change *wire_world_one_field(wire_world *w)
{
    veld_change *change = take(w, 1, sizeof *change);
    veld_write_id *replaced = take(w, 1, sizeof *replaced);
    fill(w, change, NULL, 41);
    wire_world_bytes(w, replaced->bytes, sizeof replaced->bytes);
    change->writes = take(w, 1, sizeof *change->writes);
    change->writes_count = 1;
    change->writes[0] = (veld_write){.record = wire_world_id(w),
        .type = veld_span_text("note"),
        .field = veld_span_text("text"),
        .value = veld_span_text("\"Moeder vertelt dat vader gisteren weer aan de deur stond.\""),
        .replaces = replaced,
        .replaces_count = 1};
    change->parents = parent_of(w, NULL);
    change->parents_count = 1;
    finish(change);
    return change;
}

/* ---- comparing ---- */
static bool same_ids(const veld_write_id *a, size_t a_count, const veld_write_id *b, size_t b_count)
{
    return a_count == b_count && (a_count == 0 || memcmp(a, b, a_count * sizeof *a) == 0);
}

static bool same_write(const veld_write *a, const veld_write *b)
{
    return veld_id_equal(&a->record, &b->record) && veld_span_equal(a->type, b->type) &&
           veld_span_equal(a->field, b->field) && veld_span_equal(a->value, b->value) &&
           same_ids(a->replaces, a->replaces_count, b->replaces, b->replaces_count) &&
           same_ids(a->basis, a->basis_count, b->basis, b->basis_count) &&
           veld_write_id_equal(&a->id, &b->id);
}

static bool same_time(const veld_change_time *a, const veld_change_time *b)
{
    return a->wall_utc_ms == b->wall_utc_ms && a->offset_min == b->offset_min &&
           a->monotonic_ms == b->monotonic_ms && a->server_utc_ms == b->server_utc_ms &&
           a->hybrid_ms == b->hybrid_ms && a->hybrid_count == b->hybrid_count &&
           a->quality == b->quality;
}

bool wire_same(const veld_change *a, const veld_change *b)
{
    if (a->format != b->format || a->number != b->number || a->parents_count != b->parents_count ||
        a->writes_count != b->writes_count || a->commit_utc_s != b->commit_utc_s ||
        a->log_size != b->log_size || !same_time(&a->time, &b->time) ||
        !veld_id_equal(&a->case_id, &b->case_id) || !veld_id_equal(&a->device, &b->device) ||
        memcmp(a->incarnation, b->incarnation, sizeof a->incarnation) != 0 ||
        memcmp(a->salt, b->salt, sizeof a->salt) != 0)
        return false;
    for (size_t i = 0; i < a->parents_count; i++)
        if (!veld_hash_equal(&a->parents[i].id, &b->parents[i].id) ||
            memcmp(&a->parents[i].git, &b->parents[i].git, sizeof a->parents[i].git) != 0)
            return false;
    for (size_t i = 0; i < a->writes_count; i++)
        if (!same_write(&a->writes[i], &b->writes[i]))
            return false;
    return veld_hash_equal(&a->log_root, &b->log_root) && veld_hash_equal(&a->tree, &b->tree) &&
           memcmp(&a->tree_git, &b->tree_git, sizeof a->tree_git) == 0 &&
           memcmp(&a->signature, &b->signature, sizeof a->signature) == 0 &&
           veld_hash_equal(&a->writes_hash, &b->writes_hash) &&
           veld_hash_equal(&a->core, &b->core) && veld_hash_equal(&a->id, &b->id) &&
           memcmp(&a->git, &b->git, sizeof a->git) == 0;
}

/* Saving: edits become writes, writes become one signed change, the change becomes one durable row.
 * Here, and only here, it is decided what a write replaces: exactly what is visible on its field at
 * this moment, because that is what the author can have seen. Others decide how many heads and
 * values there are: where one change cannot name them all, it names as many as it can. */
#include "case_inner.h"

#include <stdlib.h>
#include <string.h>

#include "veldkit/assert.h"
#include "veldkit/commit.h"
#include "veldkit/crypto.h"
#include "veldkit/limits.h"
#include "veldkit/policy.h"
#include "veldkit/summary.h"

static int by_write_id(const void *a, const void *b)
{
    return veld_write_id_compare(a, b);
}

/* Which of a field's visible writes a write concerns. */
typedef enum selection { ALL, SAME_VALUE, SAME_VALUE_OR_CLEARED } selection;

static bool is_cleared(const veld_entry *entry)
{
    return veld_span_equal(entry->value, veld_span_text("null"));
}

static bool is_selected(const veld_entry *entry, selection which, veld_span value)
{
    return which == ALL || veld_span_equal(entry->value, value) ||
           (which == SAME_VALUE_OR_CLEARED && is_cleared(entry));
}

/* A list of write ids under construction, in the arena of the change. */
typedef struct id_list {
    veld_write_id *ids;
    size_t count;
} id_list;

static veld_status select_writes(veld_arena *arena, const veld_state_field *field, selection which,
    veld_span value, id_list *out)
{
    size_t most = field == NULL ? 0 : field->visible_count;
    *out = (id_list){.ids = veld_arena_get(arena, most, sizeof *out->ids)};
    if (out->ids == NULL)
        return VELD_E_MEMORY;
    const veld_entry *e = most == 0 ? NULL : field->entries;
    for (; e != NULL && !e->replaced; e = e->next) {
        if (is_selected(e, which, value))
            out->ids[out->count++] = e->id;
    }
    VELD_ASSERT(out->count <= most);
    qsort(out->ids, out->count, sizeof *out->ids, by_write_id);
    /* More than a write can name: the rest stays visible, and goes with the next save. */
    if (out->count > VELD_CHANGE_REFERENCES_MAX)
        out->count = VELD_CHANGE_REFERENCES_MAX;
    return VELD_OK;
}

/* Of what is visible, what a decision names. What came since stays beside what is chosen. */
static veld_status select_named(
    veld_arena *arena, const veld_state_field *field, const veld_edit *edit, id_list *out)
{
    size_t kept = 0;
    veld_status status = select_writes(arena, field, ALL, edit->value, out);
    for (size_t i = 0; status == VELD_OK && i < out->count; i++)
        if (bsearch(&out->ids[i], edit->seen, edit->seen_count, sizeof *edit->seen, by_write_id) !=
            NULL)
            out->ids[kept++] = out->ids[i];
    out->count = kept;
    return status;
}

/* What the author of a removal sees of the record. */
static veld_status select_basis(veld_arena *arena, const veld_state_record *record, id_list *out)
{
    size_t most = 0;
    for (const veld_state_field *f = record->fields; f != NULL; f = f->next)
        most += f->visible_count;
    *out = (id_list){.ids = veld_arena_get(arena, most, sizeof *out->ids)};
    if (out->ids == NULL)
        return VELD_E_MEMORY;
    for (const veld_state_field *f = record->fields; f != NULL; f = f->next) {
        if (veld_span_equal(f->name, veld_span_text(VELD_FIELD_REMOVED)))
            continue;
        for (const veld_entry *e = f->entries; e != NULL && !e->replaced; e = e->next)
            out->ids[out->count++] = e->id;
    }
    qsort(out->ids, out->count, sizeof *out->ids, by_write_id);
    return VELD_OK;
}

/* The field has this one value already and nobody says otherwise. */
static bool is_settled_as(const veld_state_field *field, veld_span value)
{
    if (field == NULL || field->visible_count == 0)
        return veld_span_equal(value, veld_span_text("null"));
    for (const veld_entry *e = field->entries; e != NULL && !e->replaced; e = e->next) {
        if (!veld_span_equal(e->value, value))
            return false;
    }
    return true;
}

/* One act of saving while its writes are made. */
typedef struct saving {
    veld_case *opened;
    veld_outlook outlook;
    bool decides; /* a decision of people is part of it */
} saving;

static bool is_decision(const veld_edit *edit)
{
    return veld_span_equal(edit->type, veld_span_text("decision")) ||
           veld_span_equal(edit->type, veld_span_text("confirmation"));
}

/* Whether two people choose already between removing the record and working on with it. Who is not
 * one of them adds a side, which says nothing about what stands there. */
static veld_status is_choice_of_two(const saving *s, const veld_state_record *record, bool *out)
{
    veld_reading reading = {0};
    const veld_schema *schema = veld_schema_get(s->outlook.schemas, record->type);
    veld_status status = VELD_OK;
    if (!s->decides && veld_schema_removal_risk(schema) == VELD_RISK_TWO)
        status = veld_policy_read_removed(record, s->outlook.arena, &reading);
    *out = reading.conflict;
    return status;
}

static veld_status make_removal(const saving *s, const veld_state_record *record,
    const veld_edit *edit, veld_write *write, bool *wanted, veld_error *err)
{
    veld_arena *arena = s->outlook.arena;
    veld_status status;
    char id[VELD_ID_TEXT_SIZE];
    veld_id_format(&edit->record, id);
    if (record == NULL)
        return veld_fail(err, VELD_E_NOT_FOUND, "record %s is not in this case", id);
    id_list replaces, basis;
    write->field = veld_span_text(VELD_FIELD_REMOVED);
    write->value = veld_span_text(edit->kind == VELD_EDIT_REMOVE ? "true" : "false");
    const veld_state_field *field = veld_state_field_get(record, write->field);
    bool side = false;
    VELD_TRY(is_choice_of_two(s, record, &side));
    if (side)
        return VELD_OK;
    VELD_TRY(select_writes(arena, field, ALL, write->value, &replaces));
    VELD_TRY(select_basis(arena, record, &basis));
    write->replaces = replaces.ids;
    write->replaces_count = replaces.count;
    if (basis.count > VELD_CHANGE_REFERENCES_MAX) {
        status = veld_fail(err, VELD_E_LIMIT,
            "record %s has more values than a removal can name: %zu", id, basis.count);
        goto done;
    }
    write->basis = basis.ids;
    write->basis_count = basis.count;
    /* Restoring what nobody removed changes nothing; removing again names a newer basis. */
    bool spoken_of = field != NULL && field->visible_count > 0;
    *wanted = edit->kind == VELD_EDIT_REMOVE || (spoken_of && !is_settled_as(field, write->value));
done:
    return status;
}

/* Whether a write that is there already has to be written once more: where it is held back its
 * author now knows for what. A side of an open choice only by who decides. */
static bool is_worth_repeating(const veld_reading *reading, bool decides)
{
    for (size_t i = 0; i < reading->sides_count; i++) {
        const veld_side *side = &reading->sides[i];
        if (!side->entry->replaced && side->held != VELD_HELD_NOT &&
            (decides || side->held != VELD_HELD_UNDECIDED))
            return true;
    }
    return false;
}

/* What the author of a write knew that bears on it. */
static veld_status set_basis(veld_outlook *outlook, const veld_state_field *field, bool decides,
    veld_write *write, bool *wanted)
{
    veld_reading reading;
    veld_status status = VELD_OK;
    const veld_schema_field *schema =
        veld_schema_field_get(veld_schema_get(outlook->schemas, write->type), write->field);
    if (schema == NULL || (schema->danger == VELD_DANGER_NONE && !veld_policy_weighs_past(schema)))
        return VELD_OK;
    if (!*wanted && field != NULL) {
        VELD_TRY(veld_policy_read(outlook, field, &reading));
        *wanted = is_worth_repeating(&reading, decides);
    }
    if (*wanted)
        VELD_TRY(veld_policy_basis(
            outlook, schema, field, write->value, &write->basis, &write->basis_count));
done:
    return status;
}

static veld_status make_write(
    saving *s, const veld_edit *edit, veld_write *write, bool *wanted, veld_error *err)
{
    veld_arena *arena = s->outlook.arena;
    const veld_state_record *record =
        veld_state_record_get(s->opened->state, edit->type, &edit->record);
    *write = (veld_write){.record = edit->record, .type = edit->type};
    *wanted = true;
    if (edit->kind == VELD_EDIT_REMOVE || edit->kind == VELD_EDIT_RESTORE)
        return make_removal(s, record, edit, write, wanted, err);

    veld_status status;
    id_list selected;
    const veld_state_field *field =
        record == NULL ? NULL : veld_state_field_get(record, edit->field);
    write->field = edit->field;
    write->value = edit->value;
    if (edit->kind == VELD_EDIT_SET) {
        VELD_TRY(select_writes(arena, field, ALL, edit->value, &selected));
        *wanted = !is_settled_as(field, edit->value);
    } else if (edit->kind == VELD_EDIT_CHOOSE) {
        VELD_TRY(select_named(arena, field, edit, &selected));
        *wanted = !is_settled_as(field, edit->value);
        if (selected.count == 0) { /* nothing of it stands there any more */
            *wanted = false;
            goto done;
        }
    } else if (edit->kind == VELD_EDIT_ADD) {
        VELD_TRY(select_writes(arena, field, SAME_VALUE, edit->value, &selected));
        *wanted = selected.count == 0;
        VELD_TRY(select_writes(arena, field, SAME_VALUE_OR_CLEARED, edit->value, &selected));
    } else {
        VELD_TRY(select_writes(arena, field, SAME_VALUE, edit->value, &selected));
        *wanted = selected.count > 0;
        VELD_TRY(select_writes(arena, field, SAME_VALUE_OR_CLEARED, edit->value, &selected));
        write->value = veld_span_text("null");
    }
    write->replaces = selected.ids;
    write->replaces_count = selected.count;
    if (!edit->unaware)
        VELD_TRY(set_basis(&s->outlook, field, s->decides, write, wanted));
done:
    return status;
}

static veld_status make_writes(veld_case *opened, veld_arena *arena, const veld_edit *edits,
    size_t count, veld_change *change, veld_error *err)
{
    veld_status status = VELD_OK;
    saving s = {.opened = opened};
    s.outlook = veld_outlook_of(opened->state, opened->desk.schemas, arena);
    for (size_t i = 0; i < count; i++)
        s.decides = s.decides || is_decision(&edits[i]);
    if (count > VELD_CHANGE_WRITES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "%zu edits at once; at most %u fit one change", count,
            (unsigned)VELD_CHANGE_WRITES_MAX);
    change->writes = veld_arena_get(arena, count, sizeof *change->writes);
    if (change->writes == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for %zu edits", count);
    for (size_t i = 0; i < count; i++) {
        bool wanted = false;
        veld_write *write = &change->writes[change->writes_count];
        VELD_TRY(make_write(&s, &edits[i], write, &wanted, err));
        change->writes_count += wanted;
    }
done:
    return status;
}

/* The heads, or as many as a change can name: the others are left for the next one. */
static veld_status set_parents(
    veld_case *opened, veld_arena *arena, veld_change *change, veld_error *err)
{
    size_t count;
    const veld_node *const *heads = veld_graph_heads(opened->graph, &count);
    if (count > VELD_CHANGE_PARENTS_MAX)
        count = VELD_CHANGE_PARENTS_MAX;
    veld_parent *parents = veld_arena_get(arena, count, sizeof *parents);
    if (heads == NULL || parents == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for %zu parents", count);
    change->commit_utc_s = veld_commit_author_s(change->time.wall_utc_ms);
    for (size_t i = 0; i < count; i++) {
        parents[i] = (veld_parent){.id = heads[i]->id, .git = heads[i]->git};
        if (heads[i]->commit_utc_s > change->commit_utc_s)
            change->commit_utc_s = heads[i]->commit_utc_s;
    }
    change->parents = parents;
    change->parents_count = count;
    return VELD_OK;
}

/* What is known of the time, and the last log of the server that was seen. The hybrid clock never
 * goes back within a case. */
static void set_time(const veld_case *opened, veld_change *change)
{
    const veld_anchor *anchor = opened->desk.anchor;
    veld_now now = veld_env_now(opened->desk.env);
    veld_change_time *time = &change->time;
    veld_anchor_time(anchor, &now, time);
    if (anchor != NULL) {
        change->log_size = anchor->log_size;
        change->log_root = anchor->log_root;
    }
    if (time->hybrid_ms > opened->hybrid_ms)
        return;
    /* Somebody said so: then the next ms, and at the end of all time no further. */
    bool full = opened->hybrid_count == UINT32_MAX;
    bool last = full && opened->hybrid_ms >= VELD_CHANGE_TIME_MS_MAX;
    time->hybrid_ms = opened->hybrid_ms + (full && !last ? 1 : 0);
    time->hybrid_count = last ? UINT32_MAX : full ? 0 : opened->hybrid_count + 1;
}

/* The author's tree when not all that is here is in the change's past: some lack their own past and
 * cannot be parents yet, or there are too many heads. It is that of the parents and this change. */
static veld_status tree_of_parents(
    veld_case *opened, const veld_change *change, veld_tree_name *root, veld_error *err)
{
    veld_status status;
    case_changes changes = {0};
    veld_state *state = NULL;
    size_t count;
    const veld_node *const *heads = veld_graph_heads(opened->graph, &count);
    veld_tree *tree = veld_tree_new();
    if (heads == NULL || tree == NULL) {
        status = veld_fail(err, VELD_E_MEMORY, "no memory for a tree");
        goto done;
    }
    VELD_TRY(case_changes_load(opened, &changes, err));
    VELD_TRY(case_past_state(opened, &changes, heads, change->parents_count, &state, err));
    VELD_TRY(veld_state_apply(state, change, NULL, err));
    VELD_TRY(tree_follow(state, tree, NULL, err));
    VELD_TRY(veld_tree_root(tree, root, err));
done:
    veld_tree_free(tree);
    veld_state_free(state);
    case_changes_release(&changes);
    return status;
}

/* Whether all that is here is in the past of the change. */
static bool sees_all(veld_case *opened, const veld_change *change)
{
    size_t count;
    return veld_graph_incomplete_count(opened->graph) == 0 &&
           veld_graph_heads(opened->graph, &count) != NULL && count == change->parents_count;
}

/* Everything of the change but its writes, then its tree and signature. `applied` tells whether the
 * case's state has it already. */
static veld_status finish_change(
    veld_case *opened, veld_arena *arena, veld_change *change, bool *applied, veld_error *err)
{
    veld_status status;
    veld_tree_name root;
    change->format = VELD_CHANGE_FORMAT;
    change->case_id = opened->id;
    change->device = *veld_store_device(opened->desk.store);
    memcpy(change->incarnation, opened->incarnation, sizeof change->incarnation);
    change->number = opened->last_number + 1;
    set_time(opened, change);
    VELD_TRY(set_parents(opened, arena, change, err));
    VELD_TRY(veld_env_random(opened->desk.env, change->salt, sizeof change->salt, err));
    VELD_TRY(veld_change_check_form(change, err));
    VELD_TRY(veld_change_derive(change, err));
    *applied = sees_all(opened, change);
    if (*applied) {
        VELD_TRY(veld_state_apply(opened->state, change, NULL, err));
        VELD_TRY(case_tree(opened, &root, err));
    } else {
        VELD_TRY(tree_of_parents(opened, change, &root, err));
    }
    change->tree_git = root.git;
    change->tree = root.hash;
    VELD_TRY(veld_commit_sign(change, &opened->desk.signer, err));
    if (*applied)
        veld_state_name(opened->state, &change->core, &change->id);
done:
    return status;
}

/* A restored store goes on under a new incarnation, with a chain of its own. */
static void follow_incarnation(veld_case *opened)
{
    const uint8_t *now = veld_store_incarnation(opened->desk.store);
    if (memcmp(opened->incarnation, now, sizeof opened->incarnation) == 0)
        return;
    memcpy(opened->incarnation, now, sizeof opened->incarnation);
    opened->last_number = 0;
}

veld_status case_save_row(
    veld_case *opened, const veld_edit *edits, size_t count, veld_hash *id, veld_error *err)
{
    veld_status status;
    veld_arena arena;
    veld_change change = {0};
    bool applied = false;
    *id = (veld_hash){0};
    VELD_ASSERT(veld_store_in_transaction(opened->desk.store));
    veld_arena_init(&arena, VELD_CHANGE_MEMORY_MAX);
    follow_incarnation(opened);
    VELD_TRY(make_writes(opened, &arena, edits, count, &change, err));
    if (change.writes_count == 0)
        goto done;
    status = finish_change(opened, &arena, &change, &applied, err);
    if (status == VELD_OK)
        status = case_join(opened, &change, applied, err);
    if (status == VELD_OK)
        status = case_put_row(opened, &change, VELD_STORE_UNSENT, err);
    if (status == VELD_OK)
        status = veld_summary_put(opened, err);
    if (status == VELD_OK && opened->desk.watch.saving != NULL)
        status = opened->desk.watch.saving(opened->desk.watch.context, &opened->id,
            change.number == 1 && change.parents_count == 0, err);
    if (status != VELD_OK)
        case_break(opened, status);
    else
        *id = change.id;
done:
    veld_arena_release(&arena);
    return status;
}

veld_status case_commit(veld_case *opened, veld_status status, veld_error *err)
{
    veld_store *store = opened->desk.store;
    if (status != VELD_OK) {
        veld_store_rollback(store);
        return status;
    }
    status = veld_store_commit(store, err);
    return status == VELD_OK ? status : case_break(opened, status);
}

veld_status veld_case_save(
    veld_case *opened, const veld_edit *edits, size_t count, veld_hash *change, veld_error *err)
{
    veld_status status;
    *change = (veld_hash){0};
    VELD_TRY(case_begun(opened, err));
    VELD_TRY(veld_store_begin(opened->desk.store, err));
    status = case_save_row(opened, edits, count, change, err);
    status = case_commit(opened, status, err);
    if (status != VELD_OK)
        *change = (veld_hash){0};
done:
    return status;
}

veld_status case_found_row(const veld_desk *desk, const veld_id *case_id, const veld_edit *edits,
    size_t count, veld_case **out, veld_hash *change, veld_error *err)
{
    veld_status status;
    bool is_ours;
    veld_store_case *keys = NULL;
    veld_secret key;
    status = veld_founder_fits(case_id, veld_store_device(desk->store), &is_ours, err);
    if (status != VELD_OK)
        return status;
    if (!is_ours)
        return veld_fail(err, VELD_E_INVALID, "this id is not of a case that is founded here");
    status = veld_secret_init(&key, VELD_SEAL_KEY_BYTES);
    if (status != VELD_OK)
        return veld_fail(err, status, "no memory for a key");
    VELD_TRY(veld_env_random(desk->env, key.data, key.len, err));
    VELD_TRY(veld_store_put_case_key(desk->store, case_id, 1, veld_secret_span(&key), err));
    VELD_TRY(veld_store_case_open(desk->store, case_id, &keys, err));
    VELD_TRY(case_new(desk, case_id, keys, out, err));
    VELD_TRY(case_save_row(*out, edits, count, change, err));
    if (veld_hash_is_zero(change))
        status = veld_fail(err, VELD_E_INVALID, "a case begins with a record that says something");
done:
    veld_secret_release(&key);
    return status;
}

veld_status veld_case_found(const veld_desk *desk, const veld_id *case_id, const veld_edit *edits,
    size_t count, veld_case **out, veld_error *err)
{
    veld_status status;
    veld_hash change;
    *out = NULL;
    VELD_TRY(veld_store_begin(desk->store, err));
    status = case_found_row(desk, case_id, edits, count, out, &change, err);
    status = veld_store_end(desk->store, status, err);
    if (status != VELD_OK) {
        veld_case_close(*out);
        *out = NULL;
    }
done:
    return status;
}

/* What people do with a case: found it, look at it and save. All that they did, and what was on
 * their screen when they did it, is noted from outside: it is what the checkers judge by. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"
#include "veldkit/blind.h"

sim_change *sim_change_find(sim_world *w, const veld_hash *id)
{
    for (size_t i = 0; i < w->changes_count; i++) {
        if (veld_hash_equal(&w->changes[i].id, id))
            return &w->changes[i];
    }
    return NULL;
}

veld_edit sim_work_next_edit(
    sim_world *w, unsigned case_index, unsigned field, unsigned value, char text[40])
{
    unsigned number = (unsigned)w->writes_count++;
    sim_write *made = &w->writes[number];
    const sim_case *c = &w->cases[case_index];
    *made = (sim_write){.case_index = case_index, .field = field};
    made->value = value < SIM_WRITES_MAX ? value : number;
    snprintf(text, 40, "\"v%u " SIM_CANARY "\"", made->value);
    return (veld_edit){
        .kind = VELD_EDIT_SET,
        .record = c->records[field],
        .type = veld_span_text(sim_type(w, field)),
        .field = veld_span_text(sim_field(w, field)),
        .value = veld_span_text(text),
    };
}

/* The newest write on the field that no change is known for and that has this text. */
static const veld_entry *find_unknown(
    sim_world *w, unsigned case_index, veld_case *opened, const sim_write *write)
{
    const veld_state_field *found = sim_field_find(w, case_index, opened, write->field);
    const veld_entry *e = found != NULL ? found->entries : NULL;
    while (e != NULL && (sim_value_number(e->value) != write->value ||
                            sim_change_find(w, &e->origin->change) != NULL))
        e = e->next;
    return e;
}

static void note_change(sim_party *p, const veld_hash *id)
{
    sim_world *w = p->world;
    sim_change *change = &w->changes[w->changes_count++];
    *change = (sim_change){
        .id = *id,
        .case_index = p->pending_case,
        .party = p->index,
        .writes_count = p->pending_count,
        .is_saved = true,
        .is_forged = p->is_forging,
        .is_blind = p->pending_is_blind,
    };
    memcpy(change->writes, p->pending_write, sizeof change->writes);
    p->pending_count = 0;
    p->pending_is_blind = false;
    p->pending_is_decided = false;
    sim_trace(w, id->bytes, sizeof id->bytes);
}

/* Of what a person decided nothing may have stood there any more: then her change has her record
 * and no write on the field. */
static void drop_unwritten(sim_world *w, veld_case *opened)
{
    sim_change *change = &w->changes[w->changes_count - 1];
    if (change->writes_count == 0)
        return;
    const veld_state_field *found =
        sim_field_find(w, change->case_index, opened, w->writes[change->writes[0]].field);
    const veld_entry *e = found != NULL ? found->entries : NULL;
    while (e != NULL && !veld_hash_equal(&e->origin->change, &change->id))
        e = e->next;
    if (e == NULL)
        change->writes_count = 0;
}

bool sim_work_has_room(const sim_world *w)
{
    return w->changes_count + 1 < SIM_CHANGES_MAX && w->writes_count + 4 < SIM_WRITES_MAX;
}

/* No memory, or of the case there is a key here and nothing else: the process lives on, and nothing
 * may have been saved. */
static void look_if_refused(sim_party *p, veld_status status)
{
    if (status != VELD_OK && status != VELD_E_IO && status != VELD_E_FULL)
        sim_work_look_for_pending(p);
}

void sim_work_after_save(sim_party *p, veld_case *opened, veld_status status, const veld_hash *id)
{
    sim_world *w = p->world;
    if (status == VELD_OK) {
        note_change(p, id);
        drop_unwritten(w, opened);
    }
    veld_case_close(opened);
    look_if_refused(p, status);
}

void sim_work_found(sim_party *p, uint64_t draw)
{
    sim_world *w = p->world;
    char texts[2][40];
    veld_edit edits[2];
    veld_case *opened = NULL;
    if (!p->is_up || p->is_forging || w->cases_count == SIM_CASES_MAX || !sim_work_has_room(w))
        return;
    unsigned index = (unsigned)w->cases_count++;
    sim_case *c = &w->cases[index];
    *c = (sim_case){.founder = p->index};
    for (size_t i = 0; i < sizeof c->id.bytes; i++)
        c->id.bytes[i] = (uint8_t)sim_next(&draw);
    if (veld_founder_id(veld_store_device(p->desk.store), c->id.bytes, &c->id, NULL) != VELD_OK)
        return;
    for (unsigned f = 0; f < SIM_FIELDS; f++) {
        c->records[f] = c->id;
        /* name and phone are one person's */
        c->records[f].bytes[0] = (uint8_t)(f == 2 && !w->plan.has_decisions ? 1 : f);
    }
    p->pending_case = index;
    p->pending_count = 2;
    for (unsigned i = 0; i < 2; i++) {
        p->pending_write[i] = (unsigned)w->writes_count;
        edits[i] = sim_work_next_edit(w, index, i, SIM_WRITES_MAX, texts[i]);
    }
    veld_access_log *lines = sim_lines_begin(p);
    sim_memory_begin(p);
    veld_status status = veld_case_found(&p->desk, &c->id, edits, 2, &opened, NULL);
    (void)sim_memory_end();
    if (status == VELD_OK) {
        size_t count;
        const veld_node *const *heads = veld_graph_heads(veld_case_graph(opened), &count);
        note_change(p, &heads[0]->id);
        veld_sync_wake(p->sync);
    }
    veld_case_close(opened);
    look_if_refused(p, status);
    sim_party_after(p, sim_lines_end(p, lines, status));
}

veld_case *sim_work_open(sim_party *p, uint64_t *draw, unsigned *index)
{
    const sim_world *w = p->world;
    veld_case *opened = NULL;
    size_t first = w->cases_count > 0 ? sim_next(draw) % w->cases_count : 0;
    for (size_t i = 0; i < w->cases_count && opened == NULL; i++) {
        *index = (unsigned)((first + i) % w->cases_count);
        (void)!veld_case_open(&p->desk, &w->cases[*index].id, &opened, NULL);
    }
    return opened;
}

/* Her lease is over: she sees nothing of the case, and what she writes replaces nothing. */
static void edit_blind(sim_party *p, unsigned index, uint64_t *draw)
{
    sim_world *w = p->world;
    char text[40];
    veld_hash id;
    p->pending_case = index;
    p->pending_count = 1;
    p->pending_is_blind = true;
    p->pending_write[0] = (unsigned)w->writes_count;
    const veld_edit edit =
        sim_work_next_edit(w, index, (unsigned)(sim_next(draw) % SIM_FIELDS), SIM_WRITES_MAX, text);
    veld_access_log *lines = sim_lines_begin(p);
    sim_memory_begin(p);
    veld_status status = veld_case_save_blind(&p->desk, &w->cases[index].id, &edit, 1, &id, NULL);
    (void)sim_memory_end();
    if (status == VELD_OK) {
        note_change(p, &id);
        veld_sync_wake(p->sync);
    }
    look_if_refused(p, status);
    sim_party_after(p, sim_lines_end(p, lines, status));
}

void sim_work_edit(sim_party *p, uint64_t draw)
{
    sim_world *w = p->world;
    char texts[SIM_FIELDS][40];
    veld_edit edits[SIM_FIELDS];
    veld_hash id;
    unsigned index = 0;
    if (!p->is_up || !sim_work_has_room(w))
        return;
    veld_access_log *lines = sim_lines_begin(p);
    p->desk.signer = sim_signer(p, p->is_forging);
    veld_case *opened = sim_work_open(p, &draw, &index);
    p->desk.signer = sim_signer(p, false);
    if (opened == NULL) {
        sim_party_after(p, sim_lines_end(p, lines, VELD_OK));
        return;
    }
    if (!p->is_forging && !sim_lease_reads(p, index)) {
        veld_case_close(opened);
        (void)sim_lines_end(p, lines, VELD_OK);
        edit_blind(p, index, &draw);
        return;
    }
    unsigned first = (unsigned)(sim_next(&draw) % SIM_FIELDS);
    p->pending_case = index;
    p->pending_count = sim_chance(&draw, 25) ? 2 : 1;
    for (unsigned i = 0; i < p->pending_count; i++) {
        unsigned field = (first + i) % SIM_FIELDS;
        unsigned number = (unsigned)w->writes_count;
        p->pending_write[i] = number;
        edits[i] = sim_work_next_edit(w, index, field, SIM_WRITES_MAX, texts[i]);
        sim_field_look(w, index, opened, field, w->writes[number].seen);
        if (sim_planted == PLANT_UNSEEN_REPLACED) { /* her screen is older: without the newest */
            for (unsigned k = number; k-- > 0;) {
                if (!w->writes[number].seen[k])
                    continue;
                w->writes[number].seen[k] = false;
                break;
            }
        }
    }
    sim_memory_begin(p);
    veld_status status = veld_case_save(opened, edits, p->pending_count, &id, NULL);
    (void)sim_memory_end();
    if (status == VELD_OK)
        note_change(p, &id);
    veld_case_close(opened);
    look_if_refused(p, status);
    status = sim_lines_end(p, lines, status);
    if (status == VELD_OK && p->index == SIM_MERGER)
        status = veld_sync_post_head(p->sync, &w->cases[index].id, NULL);
    if (status == VELD_OK) {
        veld_sync_wake(p->sync);
        sim_check_replica(p, index);
    }
    sim_party_after(p, status);
}

/* Was the record of a decision saved? */
static void look_for_decision(sim_party *p, veld_case *opened)
{
    sim_world *w = p->world;
    const veld_state_record *record = veld_state_record_get(
        veld_case_state(opened), veld_span_text(p->pending_type), &p->pending_record);
    if (record == NULL)
        return;
    note_change(p, &record->fields->entries->origin->change);
    drop_unwritten(w, opened);
}

void sim_work_look_for_pending(sim_party *p)
{
    sim_world *w = p->world;
    veld_case *opened = NULL;
    if (p->pending_count == 0 && !p->pending_is_decided)
        return;
    if (p->pending_is_blind) {
        veld_hash id;
        if (sim_blind_new(p, &id))
            note_change(p, &id);
        p->pending_count = 0;
        p->pending_is_blind = false;
        return;
    }
    const sim_case *c = &w->cases[p->pending_case];
    veld_status status = veld_case_open(&p->desk, &c->id, &opened, NULL);
    if (status == VELD_OK && p->pending_is_decided) {
        look_for_decision(p, opened);
    } else if (status == VELD_OK) {
        const veld_entry *e =
            find_unknown(w, p->pending_case, opened, &w->writes[p->pending_write[0]]);
        if (e != NULL)
            note_change(p, &e->origin->change);
    }
    p->pending_count = 0;
    p->pending_is_decided = false;
    veld_case_close(opened);
}

void sim_work_assign(sim_world *w, uint64_t draw)
{
    sim_party *office = &w->parties[SIM_MERGER];
    unsigned to = 1 + (unsigned)(sim_next(&draw) % w->plan.tablets), index = 0;
    int64_t lease_ms = w->plan.has_leases ? 10000 + (int64_t)(draw % 60000) : 0;
    veld_directory_entry entry;
    if (!office->is_up)
        return;
    veld_case *opened = sim_work_open(office, &draw, &index);
    if (opened == NULL)
        return;
    veld_case_close(opened);
    veld_status status =
        veld_directory_find(office->store, &w->parties[to].slot->device, &entry, NULL);
    if (status == VELD_OK && entry.state != VELD_DEVICE_ACTIVE)
        return;
    if (status == VELD_OK)
        status = veld_sync_post_grant(
            office->sync, &w->cases[index].id, &entry, VELD_GRANT_ASSIGNED, lease_ms, NULL);
    sim_case *c = &w->cases[index];
    if (status == VELD_OK) {
        c->is_shared[to] = true;
        c->is_withdrawn[to] = false;
    } else {
        c->is_unsure[to] = c->was_withdrawn[to];
    }
    sim_party_after(office, status);
}

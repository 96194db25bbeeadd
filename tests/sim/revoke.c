/* Tablets that are revoked: what they hand in late waits at the office for a person, who admits or
 * refuses it. Known from outside is what the relay's journal says: what a tablet handed in before
 * its revocation stood there is in time, all else is late. */
#include "sim.h"
#include "veldkit/assignment.h"
#include "veldkit/quarantine.h"

/* ---- what the relay knows ---- */

typedef struct revocations {
    sim_world *w;
    sim_relay *relay;
    unsigned party;
    bool found;
} revocations;

static veld_status look_at_entry(void *context, uint64_t seq, veld_span bytes, veld_error *err)
{
    revocations *by = context;
    veld_directory_entry entry;
    const veld_verifier verifier = veld_agency_verifier(&by->relay->check);
    (void)seq;
    (void)err;
    if (veld_directory_read(bytes, &verifier, &by->relay->agency.merger_key, &entry, NULL) ==
            VELD_OK &&
        entry.state == VELD_DEVICE_REVOKED &&
        veld_id_equal(&entry.device, &by->w->parties[by->party].slot->device))
        by->found = true;
    return VELD_OK;
}

bool sim_relay_knows_revoked(sim_relay *r, sim_party *p)
{
    revocations by = {.w = p->world, .relay = r, .party = p->index};
    if (!p->is_revoked || !r->is_up)
        return false;
    (void)!srv_journal_entries(r->journal, 0, &by, look_at_entry, NULL);
    return by.found;
}

/* ---- the administrator ---- */

static void note_withdrawn(sim_world *w, unsigned party, bool is_sure)
{
    veld_store *store = w->parties[SIM_MERGER].store;
    for (size_t i = 0; i < w->cases_count; i++) {
        veld_assignment there;
        veld_store_case *keys = NULL;
        sim_case *c = &w->cases[i];
        bool was_assigned = veld_assignment_get(store, &c->id, &w->parties[party].slot->device,
                                &there, NULL) == VELD_OK;
        if (!was_assigned && !c->is_shared[party] && c->founder != party)
            continue;
        c->was_withdrawn[party] = true;
        if (!was_assigned || !is_sure ||
            veld_store_case_open(store, &c->id, &keys, NULL) != VELD_OK) {
            c->is_unsure[party] = true;
            continue;
        }
        c->is_withdrawn[party] = true;
        c->is_shared[party] = false;
        c->epoch_then[party] = veld_store_case_epoch(keys);
        veld_store_case_close(keys);
    }
}

void sim_work_revoke(sim_world *w, uint64_t draw)
{
    sim_party *office = &w->parties[SIM_MERGER];
    unsigned party = 1 + (unsigned)(sim_next(&draw) % w->plan.tablets), left = 0;
    veld_directory_entry entry;
    size_t cases;
    for (unsigned i = 1; i <= w->plan.tablets; i++)
        left += !w->parties[i].is_revoked;
    if (!office->is_up || left <= 2 || w->parties[party].is_revoked)
        return;
    veld_status status =
        veld_directory_find(office->store, &w->parties[party].slot->device, &entry, NULL);
    if (status == VELD_OK) {
        /* before: afterwards nothing is assigned; what came of it is looked up when it is over */
        note_withdrawn(w, party, true);
        w->parties[party].is_revoked = true;
        status = veld_sync_revoke(office->sync, &entry, false, &cases, NULL);
    }
    if (status != VELD_OK) {
        for (size_t i = 0; i < w->cases_count; i++)
            w->cases[i].is_unsure[party] = true;
    }
    sim_party_after(office, status);
}

typedef struct waiting {
    veld_hash first;
    uint64_t skip;
    bool found;
} waiting;

static veld_status pick_waiting(void *context, const veld_quarantined *one, veld_error *err)
{
    waiting *by = context;
    (void)err;
    if (one->verdict != VELD_QUARANTINE_WAITING || (by->found && by->skip == 0))
        return VELD_OK;
    by->skip -= by->found;
    by->first = one->change;
    by->found = true;
    return VELD_OK;
}

void sim_work_judge(sim_world *w, uint64_t draw)
{
    sim_party *office = &w->parties[SIM_MERGER];
    waiting by = {.skip = sim_next(&draw) % 4};
    bool admit = sim_chance(&draw, 60);
    if (!office->is_up)
        return;
    veld_status status = veld_quarantine_each(office->store, &by, pick_waiting, NULL);
    sim_change *change = status == VELD_OK && by.found ? sim_change_find(w, &by.first) : NULL;
    if (change == NULL) {
        sim_party_after(office, status);
        return;
    }
    change->may_be_admitted = change->may_be_admitted || admit;
    status = veld_sync_decide(
        office->sync, &by.first, admit, veld_span_text("gebeld met de medewerker"), NULL);
    sim_party_after(office, status);
}

/* ---- I4: late work is with the office, and nowhere joined unless a person admitted it ---- */

bool sim_is_set_aside(sim_world *w, const veld_hash *change)
{
    veld_buf body;
    veld_quarantined one;
    const sim_party *office = &w->parties[SIM_MERGER];
    if (!office->is_up)
        return false;
    veld_status status = veld_quarantine_get(office->store, change, &body, &one, NULL);
    veld_buf_wipe(&body);
    return status == VELD_OK && one.verdict != VELD_QUARANTINE_ADMITTED;
}

/* By the last change of each envelope: was it only ever handed in late? */
static bool is_late(sim_world *w, const sim_change *change)
{
    bool late = false, more = true;
    const veld_journal *journal = srv_journal_get(w->relay.journal);
    for (uint64_t at = 0; more;) {
        veld_journal_item item;
        if (journal->next(journal->context, at, &item, &more, NULL) != VELD_OK || !more)
            break;
        at = item.seq;
        if (item.kind != VELD_FRAME_ENVELOPE || !veld_hash_equal(&item.change_id, &change->id))
            continue;
        if (!item.held && !veld_id_equal(&item.carrier, &w->parties[SIM_MERGER].slot->device))
            return false;
        late = late || item.held;
    }
    return late;
}

void sim_check_unseen(sim_world *w)
{
    for (size_t i = 0; i < w->changes_count && !w->has_failed; i++) {
        const sim_change *change = &w->changes[i];
        if (!w->parties[change->party].is_revoked || change->may_be_admitted || !w->relay.is_up ||
            !is_late(w, change))
            continue;
        for (unsigned k = 0; k < SIM_PARTIES && !w->has_failed; k++) {
            bool there = false;
            sim_party *p = &w->parties[k];
            if (p->is_up && k != change->party &&
                veld_store_has_change(p->store, &change->id, &there, NULL) == VELD_OK && there)
                sim_fail(w, SIM_I4, "party %u joined change %zu, which party %u handed in late", k,
                    i, change->party);
        }
    }
}

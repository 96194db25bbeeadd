/* Conflicts and decisions, judged on every replica. I7: where different values stand on a field for
 * which people choose, or where somebody wrote over a choice that two make, a choice is open, and
 * nowhere else. I4: every decision is one that a person of the office made, with her key, and
 * counts as many persons as agreed; the stranger's counts for nothing. I2: the same changes show
 * the same. */
#include "sim.h"
#include "veldkit/hash.h"

/* ---- I4: who decided ---- */

static const sim_decision *decision_known(const sim_world *w, const veld_id *id)
{
    for (size_t i = 0; i < w->decisions_count; i++) {
        if (veld_id_equal(&w->decisions[i].id, id))
            return &w->decisions[i];
    }
    return NULL;
}

/* Who made it, and who agreed with it as far as is known on this replica. */
static size_t count_persons(const sim_world *w, const sim_casework *work, const sim_decision *of)
{
    bool is_one[SIM_STAFF] = {false};
    size_t count = 0;
    is_one[of->person] = true;
    for (size_t i = 0; i < work->decided_count; i++) {
        const sim_decision *other = decision_known(w, &work->decided[i].record->id);
        if (other != NULL && other->is_confirmation && veld_id_equal(&other->of, &of->id))
            is_one[other->person] = true;
    }
    for (unsigned i = 0; i < SIM_STAFF; i++)
        count += is_one[i];
    return count;
}

static void check_decided(sim_view *view, const sim_casework *work, const veld_decided *of)
{
    sim_world *w = view->party->world;
    unsigned p = view->party->index, k = view->case_index;
    const sim_decision *known = decision_known(w, &of->record->id);
    if (known == NULL || known->case_index != k) {
        sim_fail(w, SIM_I4, "party %u case %u: a decision that nobody made", p, k);
        return;
    }
    if (known->person == SIM_STRANGER) {
        if (of->verdict != VELD_DECISION_BROKEN)
            sim_fail(w, SIM_I4, "party %u case %u: a stranger's decision counts", p, k);
        return;
    }
    const veld_id her = sim_staff_id(known->person);
    if (of->verdict != VELD_DECISION_OF_PERSON || !veld_id_equal(&of->signer.user, &her)) {
        sim_fail(w, SIM_I4, "party %u case %u: a decision of person %u does not count: %s", p, k,
            known->person, of->why != NULL ? of->why : "not hers");
    } else if (!known->is_confirmation) {
        size_t expected = count_persons(w, work, known);
        if (of->persons != expected || of->is_done != (expected >= of->decision.persons))
            sim_fail(w, SIM_I4, "party %u case %u: %zu persons decided, %zu counted", p, k,
                expected, of->persons);
    }
}

/* ---- I7: what is open ---- */

/* Whether a write that nobody decided stands on a choice that two make. */
static void find_open(
    sim_view *view, const veld_state_field *field, unsigned index, bool is_open[SIM_WRITES_MAX])
{
    sim_world *w = view->party->world;
    bool is_held[SIM_WRITES_MAX] = {false};
    for (const veld_entry *e = field->entries; e != NULL; e = e->next) {
        unsigned n = sim_write_of(w, index, e);
        if (n < SIM_WRITES_MAX)
            is_held[n] = true;
    }
    for (unsigned n = 0; n < w->writes_count; n++) {
        unsigned first = SIM_WRITES_MAX;
        is_open[n] = false;
        for (unsigned k = 0; is_held[n] && !w->writes[n].is_decided && k < n; k++) {
            if (!w->writes[n].seen[k] || !is_held[k])
                continue;
            first = first == SIM_WRITES_MAX ? k : first;
            is_open[n] = is_open[n] || is_open[k] || w->writes[k].value != w->writes[first].value;
        }
    }
}

static bool is_choice(sim_view *view, unsigned field, bool two)
{
    sim_world *w = view->party->world;
    bool is_open[SIM_WRITES_MAX] = {false}, any = false;
    unsigned first = SIM_WRITES_MAX;
    const veld_state_field *found = sim_field_find(w, view->case_index, view->opened, field);
    if (found == NULL)
        return false;
    if (two)
        find_open(view, found, field, is_open);
    for (const veld_entry *e = found->entries; e != NULL && !e->replaced; e = e->next) {
        unsigned n = sim_write_of(w, field, e);
        if (n == SIM_WRITES_MAX)
            continue;
        first = first == SIM_WRITES_MAX ? n : first;
        any = any || is_open[n] || w->writes[n].value != w->writes[first].value;
    }
    return any;
}

static bool is_listed(sim_view *view, const sim_casework *work, unsigned field)
{
    const sim_world *w = view->party->world;
    const veld_id *record = &w->cases[view->case_index].records[field];
    for (size_t i = 0; i < work->open_count; i++) {
        const veld_conflict *c = &work->open[i];
        if (veld_span_equal(c->field, veld_span_text(sim_field(w, field))) &&
            veld_id_equal(&c->record->id, record))
            return true;
    }
    return false;
}

static void check_open(sim_view *view, const sim_casework *work, unsigned field)
{
    sim_world *w = view->party->world;
    bool two = false;
    bool asks = sim_field_asks(w, field, &two);
    bool expected = asks && is_choice(view, field, two);
    if (expected != is_listed(view, work, field))
        sim_fail(w, SIM_I7, "party %u case %u field %u: a choice that is %s", view->party->index,
            view->case_index, field, expected ? "not listed" : "listed and is none");
}

void sim_check_decisions(sim_view *view)
{
    sim_casework work;
    sim_world *w = view->party->world;
    if (!w->plan.has_decisions || w->has_failed)
        return;
    if (sim_casework_open(view->party, view->opened, &work) == VELD_OK) {
        for (size_t i = 0; i < work.decided_count; i++)
            check_decided(view, &work, &work.decided[i]);
        for (unsigned f = 0; f < SIM_FIELDS && !w->has_failed; f++)
            check_open(view, &work, f);
    }
    sim_casework_release(&work);
}

/* ---- I2: what is shown ---- */

static uint64_t add(uint64_t sum, const void *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        sum = (sum ^ ((const uint8_t *)bytes)[i]) * 0x100000001B3u;
    return sum;
}

static uint64_t add_conflict(uint64_t sum, const veld_conflict *c)
{
    const unsigned facts[] = {c->integrity, (unsigned)c->risk, (unsigned)c->sides_count};
    sum = add(sum, &c->id, sizeof c->id);
    sum = add(sum, c->effective.data, c->effective.len);
    sum = add(sum, facts, sizeof facts);
    for (size_t i = 0; i < c->sides_count; i++) {
        unsigned held = (unsigned)c->sides[i].held;
        sum = add(sum, &c->sides[i].entry->id, sizeof c->sides[i].entry->id);
        sum = add(sum, &held, sizeof held);
    }
    return sum;
}

uint64_t sim_shown(sim_view *view)
{
    sim_casework work;
    sim_world *w = view->party->world;
    uint64_t sum = 0xcbf29ce484222325u;
    if (!w->plan.has_decisions)
        return 0;
    if (sim_casework_open(view->party, view->opened, &work) == VELD_OK) {
        veld_outlook outlook =
            veld_outlook_of(veld_case_state(view->opened), w->schemas, &work.arena);
        for (size_t i = 0; i < work.count; i++)
            sum = add_conflict(sum, &work.conflicts[i]);
        for (size_t i = 0; i < work.decided_count; i++) {
            const veld_decided *of = &work.decided[i];
            const unsigned facts[] = {(unsigned)of->verdict, (unsigned)of->persons, of->is_done};
            sum = add(add(sum, &of->record->id, sizeof of->record->id), facts, sizeof facts);
        }
        for (unsigned f = 0; f < SIM_FIELDS; f++) {
            veld_reading reading = {0};
            const veld_state_field *field = sim_field_find(w, view->case_index, view->opened, f);
            if (field != NULL)
                sim_must(w, veld_policy_read(&outlook, field, &reading));
            sum = add(sum, reading.effective.data, reading.effective.len);
        }
    }
    sim_casework_release(&work);
    return sum;
}

/* Persons at the office who decide open conflicts, confirm what another decided where two are
 * needed, and take decisions back. Each has a screen: what she saw when she looked last. She may
 * send in what she saw with her decision, and is told when it is not so any more; or she does not,
 * and decides about what is gone or about less than there is now. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decide.h"
#include "veldkit/hash.h"

/* ---- saving ---- */

static void begin_save(sim_sitting *s, const veld_decision *said)
{
    sim_world *w = s->w;
    sim_party *p = s->office;
    bool choice = said->kind == VELD_DECISION_CHOICE;
    w->decisions[w->decisions_count++] = (sim_decision){
        .id = said->id,
        .of = said->decision,
        .case_index = s->index,
        .person = s->person,
        .is_confirmation = !choice,
    };
    p->pending_case = s->index;
    p->pending_count = 0;
    p->pending_is_decided = true;
    p->pending_record = said->id;
    p->pending_type = choice ? VELD_TYPE_DECISION : VELD_TYPE_CONFIRMATION;
}

/* The write that a choice asks for: of what it names and what stands there it replaces all. */
static veld_edit choice_edit(
    sim_sitting *s, unsigned field, unsigned value, const veld_decision *said, char text[40])
{
    sim_world *w = s->w;
    bool visible[SIM_WRITES_MAX];
    unsigned number = (unsigned)w->writes_count;
    const veld_state_field *found = sim_field_find(w, s->index, s->opened, field);
    s->office->pending_write[s->office->pending_count++] = number;
    veld_edit edit = sim_work_next_edit(w, s->index, field, value, text);
    sim_field_look(w, s->index, s->opened, field, visible);
    w->writes[number].is_decided = true;
    for (const veld_entry *e = found != NULL ? found->entries : NULL; e != NULL; e = e->next) {
        unsigned of = sim_write_of(w, field, e);
        if (of < SIM_WRITES_MAX && visible[of] && said->sides_count > 0 &&
            bsearch(&e->id, said->sides, said->sides_count, sizeof e->id, sim_by_write_id) != NULL)
            w->writes[number].seen[of] = true;
    }
    edit.kind = VELD_EDIT_CHOOSE;
    edit.seen = said->sides;
    edit.seen_count = said->sides_count;
    return edit;
}

/* One change; gets up. */
static veld_status save(sim_sitting *s, const veld_edit *edits, size_t count)
{
    veld_hash id = {0};
    unsigned index = s->index;
    sim_memory_begin(s->office);
    veld_status status = veld_case_save(s->opened, edits, count, &id, NULL);
    (void)sim_memory_end();
    sim_casework_release(&s->work);
    sim_work_after_save(s->office, s->opened, status, &id);
    s->opened = NULL;
    if (status == VELD_OK)
        status = veld_sync_post_head(s->office->sync, &s->w->cases[index].id, NULL);
    if (status == VELD_OK) {
        veld_sync_wake(s->office->sync);
        sim_check_replica(s->office, index);
    }
    return status;
}

/* ---- choosing ---- */

typedef struct choice {
    unsigned field, value; /* value: SIM_WRITES_MAX: another than the sides have */
    veld_id revises;
    const sim_screen *screen;
} choice;

static veld_status choose(sim_sitting *s, const choice *made)
{
    char text[40];
    veld_edit edits[SIM_DECISION_EDITS_MAX + 1];
    size_t count = 0;
    bool two;
    veld_status status;
    sim_world *w = s->w;
    const sim_case *c = &w->cases[s->index];
    const veld_state_field *found = sim_field_find(w, s->index, s->opened, made->field);
    (void)sim_field_asks(w, made->field, &two);
    if (found == NULL)
        return VELD_E_NOT_FOUND;
    unsigned value = made->value < SIM_WRITES_MAX ? made->value : (unsigned)w->writes_count++;
    snprintf(text, sizeof text, "\"v%u " SIM_CANARY "\"", value);
    veld_decision said = {
        .kind = VELD_DECISION_CHOICE,
        .case_id = c->id,
        .record = c->records[made->field],
        .type = veld_span_text(sim_type(w, made->field)),
        .field = veld_span_text(sim_field(w, made->field)),
        .value = veld_span_text(text),
        .sides = made->screen->sides,
        .sides_count = made->screen->count,
        .reason = veld_span_text("gebeld: " SIM_CANARY),
        .persons = two ? VELD_DECISION_PERSONS_CRITICAL : 1,
        .revises = made->revises,
    };
    VELD_TRY(veld_conflict_id(&c->id, found->record, said.field, &said.conflict, NULL));
    VELD_TRY(sim_decision_edits(w, s->person, &said, &s->work.arena, edits, &count));
    begin_save(s, &said);
    if (!two)
        edits[count++] = choice_edit(s, made->field, value, &said, text);
    status = save(s, edits, count);
done:
    return status;
}

/* She may say what she saw; then she is told when that is not so any more, and sees what is. */
static bool is_refused(sim_sitting *s, sim_screen *screen, uint64_t *draw)
{
    sim_screen now = {0};
    const veld_conflict *conflict = sim_conflict_on(s, screen->field);
    bool tells = sim_chance(draw, 50);
    if (conflict != NULL)
        sim_screen_fill(s, conflict, &now);
    if (!tells || strcmp(now.seen, screen->seen) == 0)
        return false;
    *screen = now;
    return true;
}

static veld_status decide(sim_world *w, unsigned person, uint64_t draw)
{
    sim_sitting s;
    veld_status status = VELD_OK;
    sim_screen *screen = &w->screens[person % SIM_STAFF];
    bool looks = !screen->is_used || sim_chance(&draw, 30);
    if (looks && !sim_look(w, person % SIM_STAFF, &draw, &status))
        return status;
    status = sim_sit(w, screen->case_index, person, &s);
    if (status == VELD_OK && !is_refused(&s, screen, &draw)) {
        bool types_it = sim_chance(&draw, 30);
        const choice made = {
            .field = screen->field,
            .value = types_it ? SIM_WRITES_MAX : screen->values[sim_next(&draw) % screen->count],
            .screen = screen,
        };
        status = choose(&s, &made);
        screen->is_used = false;
    }
    sim_rise(&s);
    return status;
}

/* ---- the second person ---- */

static bool is_in_time(const veld_conflict *conflict, const veld_decision *said)
{
    for (size_t i = 0; i < conflict->sides_count; i++) {
        if (!conflict->sides[i].entry->replaced &&
            bsearch(&conflict->sides[i].entry->id, said->sides, said->sides_count,
                sizeof *said->sides, sim_by_write_id) != NULL)
            return true;
    }
    return false;
}

static veld_status agree(sim_sitting *s, unsigned field, const veld_decided *pending)
{
    char text[40];
    size_t count = 0;
    veld_status status;
    veld_edit edits[SIM_DECISION_EDITS_MAX + 1];
    const veld_decision *of = &pending->decision;
    veld_decision said = {
        .kind = VELD_DECISION_CONFIRMATION,
        .case_id = of->case_id,
        .conflict = of->conflict,
        .record = of->record,
        .field = of->field,
        .decision = of->id,
    };
    VELD_TRY(veld_sha256(pending->statement, &said.statement, NULL));
    VELD_TRY(sim_decision_edits(s->w, s->person, &said, &s->work.arena, edits, &count));
    begin_save(s, &said);
    edits[count++] = choice_edit(s, field, sim_value_number(of->value), of, text);
    status = save(s, edits, count);
done:
    return status;
}

static veld_status confirm(sim_world *w, unsigned person, uint64_t draw)
{
    sim_sitting s;
    veld_status status = VELD_OK;
    if (!sim_sit_where_open(w, person, &draw, &s, &status))
        return status;
    const veld_id her = sim_staff_id(person);
    size_t first = sim_next(&draw) % s.work.count;
    for (size_t i = 0; i < s.work.count; i++) {
        const veld_conflict *conflict = &s.work.conflicts[(first + i) % s.work.count];
        const veld_decided *pending =
            veld_decision_pending(s.work.decided, s.work.decided_count, &conflict->id);
        if (pending == NULL || pending->persons != 1 || veld_id_equal(&pending->people[0], &her) ||
            sim_conflict_field(&s, conflict) == SIM_FIELDS ||
            !is_in_time(conflict, &pending->decision))
            continue;
        status = agree(&s, sim_conflict_field(&s, conflict), pending);
        break;
    }
    sim_rise(&s);
    return status;
}

/* ---- taking back ---- */

static const veld_decided *pick_done(const sim_sitting *s, uint64_t *draw)
{
    const sim_casework *work = &s->work;
    size_t first = work->decided_count > 0 ? sim_next(draw) % work->decided_count : 0;
    for (size_t i = 0; i < work->decided_count; i++) {
        const veld_decided *of = &work->decided[(first + i) % work->decided_count];
        if (of == veld_decision_last(work->decided, work->decided_count, &of->decision.conflict))
            return of;
    }
    return NULL;
}

static veld_status reverse_in(sim_sitting *s, uint64_t *draw)
{
    veld_status status;
    bool found = false;
    veld_conflict settled;
    sim_screen screen;
    const veld_decided *last = pick_done(s, draw);
    if (last == NULL)
        return VELD_OK;
    VELD_TRY(veld_decision_conflict(
        veld_case_state(s->opened), s->w->schemas, last, &s->work.arena, &settled, &found, NULL));
    if (!found || sim_conflict_field(s, &settled) == SIM_FIELDS)
        goto done;
    sim_screen_fill(s, &settled, &screen);
    const veld_entry *before = veld_state_entry_get(veld_case_state(s->opened),
        &last->decision.sides[sim_next(draw) % last->decision.sides_count]);
    const choice made = {
        .field = screen.field,
        .value = before != NULL ? sim_value_number(before->value) : SIM_WRITES_MAX,
        .revises = last->decision.id,
        .screen = &screen,
    };
    if (screen.count > 0)
        status = choose(s, &made);
done:
    return status;
}

static veld_status reverse(sim_world *w, unsigned person, uint64_t draw)
{
    sim_sitting s;
    size_t first = w->cases_count > 0 ? sim_next(&draw) % w->cases_count : 0;
    for (size_t i = 0; i < w->cases_count; i++) {
        veld_status status = sim_sit(w, (unsigned)((first + i) % w->cases_count), person, &s);
        if (status == VELD_OK && s.work.decided_count > 0)
            status = reverse_in(&s, &draw);
        else if (status == VELD_OK)
            status = VELD_E_NOT_FOUND;
        sim_rise(&s);
        if (status != VELD_E_NOT_FOUND)
            return status;
    }
    return VELD_OK;
}

void sim_work_decide(sim_world *w, sim_event_kind kind, uint64_t draw)
{
    veld_status status = VELD_OK;
    sim_party *office = &w->parties[SIM_MERGER];
    unsigned person = (unsigned)(sim_next(&draw) % SIM_STAFF);
    if (!office->is_up || !sim_work_has_room(w) || w->decisions_count == SIM_DECISIONS_MAX)
        return;
    if (kind == SIM_DECIDE && sim_chance(&draw, 8))
        person = SIM_STRANGER;
    if (kind == SIM_LOOK)
        (void)sim_look(w, person, &draw, &status);
    else if (kind == SIM_DECIDE)
        status = decide(w, person, draw);
    else if (kind == SIM_CONFIRM)
        status = confirm(w, person, draw);
    else
        status = reverse(w, person, draw);
    sim_party_after(office, status);
}

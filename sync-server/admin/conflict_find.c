/* From what an administrator types to a conflict. Which case a conflict is in was noted when it was
 * listed, so only that case is opened; what was never listed is looked for in all of them. */
#include <string.h>

#include "conflict.h"
#include "veldkit/assert.h"

#define GROUP "conflicts" /* by the id of a conflict: its case */

veld_status srv_conflict_open(srv_session *session, const veld_place *place, bool shown,
    srv_conflict_case *out, veld_error *err)
{
    const veld_id *case_id = &place->case_id;
    const veld_desk quiet = veld_desk_quiet(&session->desk);
    veld_status status;
    out->place = *place;
    veld_arena_init(&out->arena, SRV_ARENA_BYTES_MAX);
    VELD_TRY(veld_case_open(shown ? &session->desk : &quiet, case_id, &out->opened, err));
    veld_state *state = veld_case_state(out->opened);
    VELD_TRY(veld_conflict_list(
        state, session->schemas, case_id, &out->arena, &out->conflicts, &out->count, err));
    VELD_TRY(veld_decision_list(state, case_id, &session->agency, &session->desk.verifier,
        &out->arena, &out->decided, &out->decided_count, err));
    VELD_TRY(veld_decision_conflicts(state, session->schemas, out->decided, out->decided_count,
        &out->arena, &out->conflicts, &out->count, err));
    out->work = (veld_conflict_work){.state = state,
        .schemas = session->schemas,
        .decided = out->decided,
        .decided_count = out->decided_count,
        .arena = &out->arena,
        .now_utc_ms = veld_env_now(&session->env).wall_utc_ms};

done:
    return status;
}

void srv_conflict_close(srv_conflict_case *of)
{
    veld_case_close(of->opened);
    veld_arena_release(&of->arena);
    *of = (srv_conflict_case){0};
}

veld_status srv_conflict_note(srv_session *session, const veld_conflict *conflict, veld_error *err)
{
    veld_buf known;
    veld_span name = veld_id_span(&conflict->id);
    veld_buf_init(&known, sizeof(veld_id));
    veld_status status = veld_store_get_value(session->store, GROUP, name, &known, err);
    if (status == VELD_E_NOT_FOUND)
        status = veld_store_put_value(
            session->store, GROUP, name, veld_id_span(&conflict->case_id), err);
    veld_buf_release(&known);
    return status;
}

/* A conflict by its name: where it is. */
typedef struct search {
    const char *word;
    veld_id which;
    veld_place where;
    size_t matches;
} search;

static veld_status look_in_notes(veld_cli_call *call, const veld_places *places, search *s)
{
    veld_store_cursor *cursor = NULL;
    veld_status status;
    bool more = true;
    VELD_TRY(veld_store_values(call->session->store, GROUP, &cursor, &call->err));
    while (more) {
        veld_store_value value;
        veld_id id;
        VELD_TRY(veld_store_values_next(cursor, &more, &value, &call->err));
        if (!more || value.name.len != sizeof id || value.body.len != sizeof id)
            continue;
        memcpy(&id, value.name.data, sizeof id);
        if (!veld_cli_prefix_fits(&id, s->word))
            continue;
        veld_id case_id;
        memcpy(&case_id, value.body.data, sizeof case_id);
        const veld_place *place = veld_places_of(places, &case_id);
        if (place == NULL)
            continue; /* the case is gone */
        s->which = id;
        s->where = *place;
        s->matches++;
    }

done:
    veld_store_cursor_close(cursor);
    return status;
}

static const veld_conflict *pick(const srv_conflict_case *of, const veld_id *which)
{
    for (size_t i = 0; i < of->count; i++)
        if (veld_id_equal(&of->conflicts[i].id, which))
            return &of->conflicts[i];
    return NULL;
}

static veld_status look_in_cases(veld_cli_call *call, const veld_places *places, search *s)
{
    srv_conflict_case of = {0};
    veld_status status = VELD_OK;
    for (size_t i = 0; i < places->count; i++) {
        VELD_TRY(srv_conflict_open(call->session, &places->items[i], false, &of, &call->err));
        for (size_t j = 0; j < of.count; j++)
            if (veld_cli_prefix_fits(&of.conflicts[j].id, s->word)) {
                s->where = places->items[i];
                s->which = of.conflicts[j].id;
                s->matches++;
            }
        srv_conflict_close(&of);
    }

done:
    srv_conflict_close(&of);
    return status;
}

veld_status srv_conflict_find(
    veld_cli_call *call, const char *word, srv_conflict_case *of, const veld_conflict **out)
{
    search s = {.word = word};
    veld_places places = {0};
    veld_status status;
    *out = NULL;
    VELD_TRY(veld_cli_prefix_check(word, &call->err));
    VELD_TRY(veld_places_load(call->session->store, &places, &call->err));
    VELD_TRY(look_in_notes(call, &places, &s));
    if (s.matches == 1) {
        VELD_TRY(srv_conflict_open(call->session, &s.where, true, of, &call->err));
        *out = pick(of, &s.which);
        if (*out != NULL)
            goto done;
        srv_conflict_close(of);
    }
    s.matches = 0;
    VELD_TRY(look_in_cases(call, &places, &s));
    VELD_TRY(veld_cli_prefix_judge(word, "open keuze", s.matches, &call->err));
    VELD_TRY(srv_conflict_open(call->session, &s.where, true, of, &call->err));
    *out = pick(of, &s.which);
    VELD_ASSERT(*out != NULL); /* nobody changes the case while this verb runs */

done:
    veld_places_release(&places);
    return status;
}

/* ---- what is decided ---- */
static veld_status look_in_decisions(veld_cli_call *call, const veld_places *places, search *s)
{
    srv_conflict_case of = {0};
    veld_status status = VELD_OK;
    for (size_t i = 0; i < places->count; i++) {
        VELD_TRY(srv_conflict_open(call->session, &places->items[i], false, &of, &call->err));
        for (size_t j = 0; j < of.decided_count; j++) {
            const veld_decided *last = &of.decided[j];
            const veld_id *id = &last->decision.conflict;
            if (!veld_cli_prefix_fits(id, s->word) ||
                veld_decision_last(of.decided, of.decided_count, id) != last)
                continue;
            s->where = places->items[i];
            s->which = *id;
            s->matches++;
        }
        srv_conflict_close(&of);
    }

done:
    srv_conflict_close(&of);
    return status;
}

veld_status srv_conflict_find_settled(veld_cli_call *call, const char *word, srv_conflict_case *of,
    const veld_decided **last, veld_conflict *out)
{
    search s = {.word = word};
    veld_places places = {0};
    bool found = false;
    veld_status status;
    *last = NULL;
    VELD_TRY(veld_cli_prefix_check(word, &call->err));
    VELD_TRY(veld_places_load(call->session->store, &places, &call->err));
    VELD_TRY(look_in_notes(call, &places, &s));
    if (s.matches != 1) {
        s.matches = 0;
        VELD_TRY(look_in_decisions(call, &places, &s));
        VELD_TRY(veld_cli_prefix_judge(word, "besloten keuze", s.matches, &call->err));
    }
    VELD_TRY(srv_conflict_open(call->session, &s.where, true, of, &call->err));
    *last = veld_decision_last(of->decided, of->decided_count, &s.which);
    if (*last != NULL && (*last)->has_statement)
        VELD_TRY(veld_decision_conflict(veld_case_state(of->opened), call->session->schemas, *last,
            &of->arena, out, &found, &call->err));
    if (!found)
        status = veld_fail(&call->err, VELD_E_NOT_FOUND, "hierover is niets besloten");

done:
    veld_places_release(&places);
    return status;
}

/* What the agency has not taken in yet: how many changes, how many of them the server has received,
 * and since when the oldest waits. */
#include "fc.h"
#include "veldkit/assert.h"
#include "veldkit/blind.h"
#include "veldkit/sync.h"

static veld_status time_of(
    fc_session *session, const veld_store_unsent *row, veld_instant *out, veld_error *err)
{
    veld_store_case *opened = NULL;
    veld_change change;
    veld_arena arena;
    veld_buf body;
    veld_status status;
    veld_arena_init(&arena, FC_ARENA_BYTES_MAX);
    veld_buf_init(&body, VELD_STORE_BODY_BYTES_MAX);
    VELD_TRY(veld_store_case_open(session->store, &row->case_id, &opened, err));
    VELD_TRY(veld_store_get_change(session->store, opened, &row->id, &body, err));
    VELD_TRY(veld_change_decode(veld_buf_span(&body), VELD_CHANGE_ROW, &arena, &change, err));
    *out = (veld_instant){.utc_ms = change.time.wall_utc_ms, .offset_min = change.time.offset_min};

done:
    veld_buf_wipe(&body);
    veld_arena_release(&arena);
    veld_store_case_close(opened);
    return status;
}

static void count_one(fc_waiting *out, const veld_handover *step)
{
    out->unsent++;
    out->received += step->seq != 0;
    out->kept += step->aside_utc_ms != 0;
}

typedef struct blind_count {
    fc_session *session;
    fc_waiting *out;
} blind_count;

/* What was sealed to the agency waits with all else. */
static veld_status count_blind(void *context, const veld_blind *blind, veld_error *err)
{
    const blind_count *count = context;
    fc_waiting *out = count->out;
    veld_handover handover;
    veld_status status = veld_handover_get(count->session->store, &blind->change, &handover, err);
    if (status != VELD_OK)
        return status;
    if (out->unsent == 0 || blind->saved.utc_ms < out->oldest.utc_ms)
        out->oldest = blind->saved;
    count_one(out, &handover);
    return VELD_OK;
}

veld_status fc_waiting_count(fc_session *session, fc_waiting *out, veld_error *err)
{
    veld_store_cursor *cursor = NULL;
    veld_store_unsent oldest = {0};
    bool more = true;
    veld_status status;
    *out = (fc_waiting){0};
    VELD_TRY(veld_store_outbox(session->store, &cursor, err));
    for (;;) {
        veld_store_unsent row;
        veld_handover handover;
        VELD_TRY(veld_store_outbox_next(cursor, &more, &row, err));
        if (!more)
            break;
        if (out->unsent == 0)
            oldest = row;
        VELD_TRY(veld_handover_get(session->store, &row.id, &handover, err));
        count_one(out, &handover);
    }
    veld_store_cursor_close(cursor);
    cursor = NULL;
    if (out->unsent > 0)
        VELD_TRY(time_of(session, &oldest, &out->oldest, err));
    blind_count count = {.session = session, .out = out};
    VELD_TRY(veld_blind_each(session->store, &count, count_blind, err));

done:
    veld_store_cursor_close(cursor);
    return status;
}

/* ---- what a person of the office has to judge ---- */
static veld_status count_open(
    void *context, const veld_hash *change, const veld_handover *step, veld_error *err)
{
    uint64_t *count = context;
    (void)change;
    (void)err;
    *count += step->seq != 0 && step->taken_in_utc_ms == 0;
    return VELD_OK;
}

/* What was received and still waits for its turn is not there yet. */
veld_status fc_review_count(fc_session *session, uint64_t *out, veld_error *err)
{
    fc_waiting waiting;
    uint64_t received = 0;
    veld_status status;
    *out = 0;
    VELD_TRY(fc_waiting_count(session, &waiting, err));
    VELD_TRY(veld_handover_each(session->store, &received, count_open, err));
    /* what is kept may have got there by another way than by this server */
    const uint64_t in_turn = waiting.received > waiting.kept ? waiting.received - waiting.kept : 0;
    *out = received > in_turn ? received - in_turn : 0;

done:
    return status;
}

veld_status fc_say_review(veld_cli_call *call, uint64_t review)
{
    if (review == 0)
        return VELD_OK;
    return veld_cli_say(call, "%llu wijziging%s bij kantoor ter beoordeling.\n",
        (unsigned long long)review, review == 1 ? " ligt" : "en liggen");
}

/* ---- revoked ---- */
veld_status fc_revoked_put(fc_session *session, veld_error *err)
{
    static const uint8_t yes = 1;
    return veld_store_put_value(session->store, FC_GROUP_SETTINGS,
        veld_span_text(FC_SETTING_REVOKED), veld_span_of(&yes, 1), err);
}

veld_status fc_is_revoked(fc_session *session, bool *out, veld_error *err)
{
    veld_buf value;
    veld_buf_init(&value, 1);
    veld_status status = veld_store_get_value(
        session->store, FC_GROUP_SETTINGS, veld_span_text(FC_SETTING_REVOKED), &value, err);
    *out = status == VELD_OK;
    veld_buf_release(&value);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

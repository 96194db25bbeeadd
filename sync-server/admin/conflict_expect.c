/* Two people decide at once: the second one is told what it is now, and nothing of hers is written.
 * The exit code is that of data which changed meanwhile. */
#include <string.h>

#include "conflict.h"

static const char changed[] = "ondertussen is er iets veranderd; er is niets besloten";
static const char proposed[] = "hierover ligt al een voorstel; er is niets besloten";

static void write_stale(veld_json_writer *writer, const char *why)
{
    veld_json_writer_name(writer, "error");
    veld_json_writer_object_begin(writer);
    veld_cli_json_text(writer, "detail", veld_span_text(why));
    veld_cli_json_text(writer, "status", veld_span_text(veld_status_name(VELD_E_STALE)));
    veld_json_writer_object_end(writer);
}

/* What it is now, and that nothing was written. */
static veld_status say_fresh(veld_cli_call *call, srv_conflict_case *of,
    const veld_conflict *conflict, const char *why, const char *seen)
{
    veld_json_writer writer;
    veld_status status;
    call->exit_code = veld_cli_exit_code(VELD_E_STALE);
    if (!veld_cli_given(call, VELD_CLI_JSON)) {
        VELD_TRY(veld_cli_say(call, "Let op: %s.\n", why));
        VELD_TRY(srv_conflict_say(call, of, conflict));
        status = veld_cli_say(call, "  wie dit gelezen heeft, beslist met --expect %s\n", seen);
        goto done;
    }
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_json_writer_name(&writer, "conflict");
    srv_conflict_view(call, of, conflict, &writer);
    write_stale(&writer, why);
    veld_json_writer_object_end(&writer);
    status = veld_cli_json_end(call, &writer);

done:
    return status;
}

veld_status srv_conflict_expected(veld_cli_call *call, srv_conflict_case *of,
    const veld_conflict *conflict, bool replaces, bool *same)
{
    const char *expected = veld_cli_value(call, SRV_OPTION_EXPECT);
    const veld_decided *pending =
        veld_decision_pending(of->decided, of->decided_count, &conflict->id);
    char seen[VELD_DECISION_SEEN_SIZE];
    veld_status status = VELD_OK;
    bool unread = expected == NULL && replaces && pending != NULL;
    *same = true;
    if (expected == NULL && !unread)
        return VELD_OK;
    VELD_TRY(veld_decision_seen(conflict, pending, seen, &call->err));
    *same = !unread && strcmp(seen, expected) == 0;
    if (!*same)
        status = say_fresh(call, of, conflict, unread ? proposed : changed, seen);

done:
    return status;
}

static veld_status say_last(veld_cli_call *call, const veld_decision *last)
{
    char time[VELD_MOMENT_TEXT_SIZE];
    veld_status status;
    veld_moment_format(last->time.utc_ms, time);
    VELD_TRY(veld_cli_say(call, "Let op: %s. Besloten is al, door ", changed));
    VELD_TRY(veld_cli_say_text(call, last->by));
    VELD_TRY(veld_cli_say(call, " om %s: ", time));
    if (last->value.len > 0)
        VELD_TRY(veld_label_say_canonical(
            call, veld_label_schema(call->session->schemas, last->type, last->field), last->value));
    VELD_TRY(veld_cli_say(call, "\n  reden: "));
    VELD_TRY(veld_cli_say_text(call, last->reason));
    status = veld_cli_say(call, "\n  met --revise is dat terug te nemen\n");

done:
    return status;
}

veld_status srv_conflict_gone(veld_cli_call *call, const char *word, bool *told)
{
    srv_conflict_case of = {0};
    const veld_decided *last = NULL;
    veld_conflict now;
    char time[VELD_INSTANT_TEXT_SIZE];
    veld_json_writer writer;
    veld_status status = srv_conflict_find_settled(call, word, &of, &last, &now);
    *told = status == VELD_OK;
    if (status == VELD_E_NOT_FOUND)
        status = VELD_OK;
    if (!*told)
        goto done;
    call->exit_code = veld_cli_exit_code(VELD_E_STALE);
    if (!veld_cli_given(call, VELD_CLI_JSON)) {
        status = say_last(call, &last->decision);
        goto done;
    }
    veld_instant_format(last->decision.time, time);
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_json_writer_name(&writer, "decided");
    veld_json_writer_object_begin(&writer);
    veld_cli_json_text(&writer, "by", last->decision.by);
    veld_cli_json_id(&writer, "decision", &last->decision.id);
    veld_cli_json_text(&writer, "reason", last->decision.reason);
    veld_cli_json_text(&writer, "time", veld_span_text(time));
    veld_json_writer_name(&writer, "value");
    veld_json_writer_canonical(&writer, now.effective);
    veld_json_writer_object_end(&writer);
    write_stale(&writer, changed);
    veld_json_writer_object_end(&writer);
    status = veld_cli_json_end(call, &writer);

done:
    srv_conflict_close(&of);
    return status;
}

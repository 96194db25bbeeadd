/* The access log of the tablet: what each verb counts as, in one table, and the seam around all of
 * them. Which cases a verb opened or saved is told by the desk; a verb that is not in the table
 * counts as reading, so a new one is logged before anybody thinks of it. */
#include <string.h>

#include "fc.h"
#include "veldkit/break_glass.h"

typedef struct meaning {
    const char *verb;
    uint8_t kind;
    bool at_once; /* content leaves before the verb ends */
    bool always;  /* one line without a case, whatever is opened */
} meaning;

static const meaning meanings[] = {
    {"case list", VELD_ACCESS_SEARCH, false, true},
    {"conflicts", VELD_ACCESS_SEARCH, false, true},
    {"export", VELD_ACCESS_EXPORT, true, false},
    {"bundle make", VELD_ACCESS_TRANSFER, true, false},
    {"bundle take", VELD_ACCESS_TRANSFER, false, false},
};

static const meaning *meaning_of(const char *verb)
{
    static const meaning reading = {.kind = VELD_ACCESS_READ};
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
        if (strcmp(meanings[i].verb, verb) == 0)
            return &meanings[i];
    return &reading;
}

veld_status fc_access_open(fc_session *session, veld_error *err)
{
    const veld_access_config config = {.env = &session->env,
        .store = session->store,
        .anchor = &session->anchor,
        .context = session,
        .by_emergency = fc_emergency_right};
    veld_status status = veld_access_log_new(&config, &session->access, err);
    if (status == VELD_OK)
        session->desk.watch = veld_access_log_watch(session->access);
    return status;
}

/* `reason`: why the glass is broken; NULL when it is not. */
static void begin(fc_session *session, const char *event, const meaning *as, const char *reason)
{
    veld_access_begin(session->access,
        &(veld_access_scope){.event = event,
            .user = session->worker,
            .kind = as->kind,
            .basis = reason != NULL ? VELD_ACCESS_BASIS_EMERGENCY : VELD_ACCESS_BASIS_HELD,
            .reason = reason,
            .at_once = as->at_once});
}

veld_status fc_access_note(fc_session *session, const char *event, uint8_t kind, veld_error *err)
{
    begin(session, event, &(meaning){.kind = kind}, NULL);
    veld_status status = veld_access_add(session->access, kind, NULL, NULL, err);
    if (status == VELD_OK)
        status = veld_access_flush(session->access, err);
    veld_access_end(session->access);
    return status;
}

/* An answer that could not be logged is not given. */
static veld_status refuse(veld_cli_call *call, veld_status status)
{
    veld_buf_wipe(&call->out);
    veld_buf_init(&call->out, VELD_CLI_OUTPUT_BYTES_MAX);
    call->exit_code = 0;
    veld_cli_note(
        call, "veldkit: de inzage kan niet worden vastgelegd, dus wordt niets getoond.\n");
    return status;
}

static void tell_trouble(
    void *context, const veld_id *case_id, bool is_dropped, const veld_error *why)
{
    char id[VELD_ID_TEXT_SIZE];
    veld_id_format(case_id, id);
    veld_cli_note(context, "veldkit: zaak %s was in nood geopend en %s (%.100s).\n", id,
        is_dropped ? "kon niet worden opgeborgen; ze is van dit apparaat gehaald en komt met sync "
                     "--once terug"
                   : "kan nog niet worden opgeborgen; ze wordt niet getoond",
        why->text);
}

veld_status fc_glass_close(veld_cli_call *call)
{
    const veld_glass_trouble trouble = {.context = call, .tell = tell_trouble};
    return veld_glass_close_over(&call->session->desk, &trouble, &call->err);
}

veld_status fc_around(veld_cli_call *call)
{
    fc_session *session = call->session;
    const meaning *as = meaning_of(call->verb->name);
    bool is_emergency = call->verb->run == fc_verb_case_open;
    begin(session, call->verb->name, as,
        is_emergency ? veld_cli_value(call, FC_OPTION_REASON) : NULL);
    veld_status status = fc_glass_close(call);
    if (status == VELD_OK && as->always)
        status = veld_access_add(session->access, as->kind, NULL, NULL, &call->err);
    if (status == VELD_OK)
        status = call->verb->run(call);
    veld_error why = {0};
    veld_status logged = veld_access_flush(session->access, &why);
    veld_access_end(session->access);
    if (status != VELD_OK || logged == VELD_OK)
        return status;
    call->err = why;
    return refuse(call, logged);
}

/* The access log of the agency: what each verb counts as, in one table, and the seam around all of
 * them. Which cases a verb opened or saved is told by the desk; a verb that is not in the table
 * counts as reading, so a new one is logged before anybody thinks of it. */
#include <string.h>

#include "../srv.h"

typedef struct meaning {
    const char *verb;
    uint8_t kind;
    bool always; /* one line without a case, whatever is opened */
} meaning;

static const meaning meanings[] = {
    {"audit could-read", VELD_ACCESS_AUDIT, true},
    {"audit export", VELD_ACCESS_AUDIT, true},
    {"audit query", VELD_ACCESS_AUDIT, true},
    {"audit verify", VELD_ACCESS_AUDIT, true},
    {"case list", VELD_ACCESS_SEARCH, true},
    {"conflict list", VELD_ACCESS_SEARCH, true},
};

static const meaning *meaning_of(const char *verb)
{
    static const meaning reading = {.kind = VELD_ACCESS_READ};
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
        if (strcmp(meanings[i].verb, verb) == 0)
            return &meanings[i];
    return &reading;
}

/* Without a person it is who holds the agency's folder. */
static const char *user_of(const srv_session *session)
{
    return session->person != NULL ? session->person->user.name : SRV_OPERATOR;
}

/* Why a case was erased belongs to the line that says so; other reasons are of a case. */
static const char *reason_of(const veld_cli_call *call)
{
    return strcmp(call->verb->name, "case erase") == 0 ? veld_cli_value(call, SRV_OPTION_REASON)
                                                       : NULL;
}

veld_status srv_access_open(srv_session *session, veld_error *err)
{
    const veld_access_config config = {
        .env = &session->env, .store = session->store, .is_office = true};
    veld_status status = veld_access_log_new(&config, &session->access, err);
    if (status == VELD_OK)
        session->desk.watch = veld_access_log_watch(session->access);
    return status;
}

/* An answer that could not be logged is not given. */
static veld_status refuse(veld_cli_call *call, veld_status status)
{
    veld_buf_wipe(&call->out);
    veld_buf_init(&call->out, VELD_CLI_OUTPUT_BYTES_MAX);
    call->exit_code = 0;
    veld_cli_note(
        call, "veldkit-server: de inzage kan niet worden vastgelegd, dus wordt niets getoond.\n");
    return status;
}

bool srv_is_refusal(veld_status status)
{
    return status == VELD_E_NOT_ALLOWED || status == VELD_E_WRONG_PIN || status == VELD_E_WAIT ||
           status == VELD_E_LOCKED;
}

/* A refusal stands whether its line can be kept or not; that it cannot is said. */
void srv_access_refused(veld_cli_call *call, const char *user, veld_status status)
{
    srv_session *session = call->session;
    veld_error why = {0};
    const uint8_t kind = status == VELD_E_NOT_ALLOWED || status == VELD_E_NOT_FOUND
                             ? meaning_of(call->verb->name)->kind
                             : VELD_ACCESS_LOGIN; /* it did not come to the verb */
    veld_access_begin(session->access, &(veld_access_scope){.event = call->verb->name,
                                           .user = user,
                                           .kind = kind,
                                           .basis = VELD_ACCESS_BASIS_OFFICE,
                                           .reason = call->err.text});
    veld_status logged = veld_access_add_refused(session->access, kind, &why);
    if (logged == VELD_OK)
        logged = veld_access_flush(session->access, &why);
    veld_access_end(session->access);
    if (logged != VELD_OK)
        veld_cli_note(call, "veldkit-server: de geweigerde poging kan niet worden vastgelegd.\n");
}

/* Who gives a PIN says who she is by the user that she names. */
static const char *refused_user_of(const veld_cli_call *call)
{
    bool is_pin = strcmp(call->verb->name, "user pin") == 0 && call->arguments_count > 0;
    return is_pin ? call->arguments[0] : user_of(call->session);
}

veld_status srv_around(veld_cli_call *call)
{
    srv_session *session = call->session;
    const meaning *as = meaning_of(call->verb->name);
    veld_status status = VELD_OK;
    veld_access_begin(session->access, &(veld_access_scope){.event = call->verb->name,
                                           .user = user_of(session),
                                           .kind = as->kind,
                                           .basis = VELD_ACCESS_BASIS_OFFICE,
                                           .reason = reason_of(call)});
    if (as->always)
        status = veld_access_add(session->access, as->kind, NULL, NULL, &call->err);
    if (status == VELD_OK)
        status = call->verb->run(call);
    veld_error why = {0};
    veld_status logged = veld_access_flush(session->access, &why);
    veld_access_end(session->access);
    if (srv_is_refusal(status))
        srv_access_refused(call, refused_user_of(call), status);
    if (status != VELD_OK || logged == VELD_OK)
        return status;
    call->err = why;
    return refuse(call, logged);
}

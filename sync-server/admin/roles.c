/* Which role may do what: one table, asked at one place before every verb. Who starts a verb
 * without
 * --by holds the agency's folder and is not asked: that is the operator's console, and the access
 * log says so. */
#include <string.h>

#include "../srv.h"
#include "veldkit/assert.h"

enum {
    FIELD_WORKER = 1u << VELD_ROLE_FIELD_WORKER,
    OFFICE_WORKER = 1u << VELD_ROLE_OFFICE_WORKER,
    CASE_MANAGER = 1u << VELD_ROLE_CASE_MANAGER,
    SPECIALIST = 1u << VELD_ROLE_SPECIALIST,
    TEAM_LEAD = 1u << VELD_ROLE_TEAM_LEAD,
    AUDITOR = 1u << VELD_ROLE_AUDITOR,
    /* Reporting and admin are in none of these: they see no case content. */
    READERS = FIELD_WORKER | OFFICE_WORKER | CASE_MANAGER | SPECIALIST | TEAM_LEAD | AUDITOR,
    DECIDERS = OFFICE_WORKER | CASE_MANAGER | SPECIALIST | TEAM_LEAD
};

/* Every verb that takes --by. */
static const struct verb_roles {
    const char *verb;
    unsigned roles;
} table[] = {
    {"audit could-read", AUDITOR | TEAM_LEAD},
    {"audit export", AUDITOR | TEAM_LEAD},
    {"audit query", AUDITOR | TEAM_LEAD},
    {"audit verify", AUDITOR | TEAM_LEAD},
    {"case erase", TEAM_LEAD},
    {"verify", READERS},
    {"case list", READERS},
    {"case show", READERS},
    {"conflict explain", READERS},
    {"conflict list", READERS},
    {"conflict show", READERS},
    {"conflict resolve", DECIDERS},
    {"conflict confirm", DECIDERS},
    {"conflict assign", DECIDERS},
};

static unsigned roles_of(const char *verb)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strcmp(table[i].verb, verb) == 0)
            return table[i].roles;
    return 0;
}

static veld_status check_role(veld_cli_call *call, const srv_user *user)
{
    unsigned roles = roles_of(call->verb->name);
    if (user->entry.state != VELD_USER_ACTIVE)
        return veld_fail(&call->err, VELD_E_NOT_ALLOWED, "deze gebruiker is uitgeschakeld");
    if ((roles & 1u << user->entry.role) == 0)
        return veld_fail(&call->err, VELD_E_NOT_ALLOWED, "wie de rol %s heeft mag dit niet",
            veld_user_role_name(user->entry.role));
    return VELD_OK;
}

static veld_status open_key(veld_cli_call *call, srv_person *person)
{
    veld_cli_pin pin = {0};
    veld_status status;
    if (!veld_cli_given(call, VELD_CLI_PIN_FILE))
        return strcmp(person->user.name, SRV_OPERATOR) == 0
                   ? VELD_OK
                   : veld_cli_fail(call, VELD_E_LOCKED, "De pincode ontbreekt.",
                         "geef de pincode van deze gebruiker met --pin-file");
    if (!person->user.has_key)
        return veld_fail(&call->err, VELD_E_NOT_ALLOWED,
            "deze gebruiker heeft nog geen pincode; geef er een met user pin");
    VELD_TRY(veld_cli_pin_of(call, VELD_CLI_PIN_FILE, &pin));
    VELD_TRY(srv_user_open(
        call->session, &person->user, veld_cli_pin_span(&pin), &person->key, &call->err));
    person->signs = true;

done:
    veld_cli_pin_release(&pin);
    return status;
}

veld_status srv_before(veld_cli_call *call)
{
    srv_session *session = call->session;
    const char *by = NULL;
    srv_person *person = NULL;
    veld_status status;
    VELD_ASSERT(session->person == NULL);
    if ((call->verb->options & SRV_OPTION_BY) == 0)
        return VELD_OK;
    by = veld_cli_value(call, SRV_OPTION_BY);
    /* A choice is always somebody's; else a PIN without a name is the operator's. */
    if (by == NULL && (veld_cli_given(call, VELD_CLI_PIN_FILE) ||
                          (roles_of(call->verb->name) & FIELD_WORKER) == 0))
        by = SRV_OPERATOR;
    if (by == NULL)
        return VELD_OK;
    person = veld_allocate(sizeof *person);
    if (person == NULL)
        return VELD_E_MEMORY;
    status = srv_user_get(session, by, &person->user, &call->err);
    bool is_unknown = status == VELD_E_NOT_FOUND;
    if (is_unknown)
        status = veld_fail(&call->err, status, "deze gebruiker is er niet");
    if (status == VELD_OK)
        status = check_role(call, &person->user);
    if (status == VELD_OK)
        status = open_key(call, person);
    session->person = person;
    /* A name that nobody has may be something that was typed in the wrong place: it is not kept. */
    if (is_unknown || srv_is_refusal(status))
        srv_access_refused(call, is_unknown ? SRV_OPERATOR : by, status);
    return status;
}

void srv_after(veld_cli_call *call)
{
    srv_person *person = call->session->person;
    if (person == NULL)
        return;
    veld_p256_release(&person->key);
    veld_wipe(person, sizeof *person);
    veld_release(person);
    call->session->person = NULL;
}

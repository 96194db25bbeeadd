/* user add, role, disable, enable, pin and list. Names of staff are the agency's own: nothing of
 * them leaves the merger but inside a case. */
#include <stdlib.h>
#include <string.h>

#include "../srv.h"
#include "veldkit/assert.h"

static veld_status say_done(veld_cli_call *call, const srv_user *user, const char *what)
{
    veld_json_writer writer;
    veld_status status;
    if (!veld_cli_given(call, VELD_CLI_JSON)) {
        VELD_TRY(veld_cli_say_text(call, veld_span_text(user->name)));
        VELD_TRY(veld_cli_say(call, " %s.\n", what));
        if (user->entry.state == VELD_USER_DISABLED)
            status = veld_cli_say(
                call, "Deze gebruiker is uitgeschakeld; user enable schakelt weer in.\n");
        goto done;
    }
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_cli_json_text(&writer, "role", veld_span_text(veld_user_role_name(user->entry.role)));
    veld_cli_json_id(&writer, "user", &user->entry.user);
    veld_json_writer_object_end(&writer);
    status = veld_cli_json_end(call, &writer);

done:
    return status;
}

static veld_status wanted_role(veld_cli_call *call, veld_user_role *out)
{
    if (!veld_user_role_find(veld_cli_value(call, SRV_OPTION_ROLE), out))
        return veld_fail(&call->err, VELD_E_INVALID,
            "--role is field_worker, office_worker, case_manager, specialist, team_lead, "
            "reporting, admin of auditor");
    return VELD_OK;
}

static veld_status find(veld_cli_call *call, srv_user *out)
{
    veld_status status = srv_user_get(call->session, call->arguments[0], out, &call->err);
    return status == VELD_E_NOT_FOUND ? veld_fail(&call->err, status, "deze gebruiker is er niet")
                                      : status;
}

static veld_status weak_pin(veld_cli_call *call, veld_status status)
{
    return status == VELD_E_WEAK ? veld_fail(&call->err, VELD_E_INVALID,
                                       "een pincode heeft minstens %u tekens", VELD_PIN_LENGTH_MIN)
                                 : status;
}

veld_status srv_verb_user_add(veld_cli_call *call)
{
    veld_cli_pin pin = {0};
    srv_user user;
    veld_user_role role;
    veld_status status;
    VELD_TRY(wanted_role(call, &role));
    if (veld_cli_given(call, VELD_CLI_PIN_FILE))
        VELD_TRY(veld_cli_pin_of(call, VELD_CLI_PIN_FILE, &pin));
    VELD_TRY(weak_pin(call, srv_user_add(call->session, call->arguments[0], role,
                                veld_cli_pin_span(&pin), &call->err)));
    VELD_TRY(find(call, &user));
    status = say_done(call, &user,
        user.has_key ? "is toegevoegd en kan ondertekenen"
                     : "is toegevoegd; een pincode komt er met user pin");

done:
    veld_cli_pin_release(&pin);
    return status;
}

veld_status srv_verb_user_role(veld_cli_call *call)
{
    srv_user user;
    veld_user_role role;
    veld_status status;
    VELD_TRY(wanted_role(call, &role));
    VELD_TRY(find(call, &user));
    VELD_TRY(srv_user_set_role(call->session, &user, role, &call->err));
    status = say_done(call, &user, "heeft een andere rol");

done:
    return status;
}

veld_status srv_verb_user_disable(veld_cli_call *call)
{
    srv_user user;
    veld_status status;
    VELD_TRY(find(call, &user));
    VELD_TRY(srv_user_set_state(call->session, &user, VELD_USER_DISABLED, &call->err));
    status = say_done(call, &user, "kan niets meer ondertekenen of bekijken");

done:
    return status;
}

veld_status srv_verb_user_enable(veld_cli_call *call)
{
    srv_user user;
    veld_status status;
    VELD_TRY(find(call, &user));
    VELD_TRY(srv_user_set_state(call->session, &user, VELD_USER_ACTIVE, &call->err));
    status = say_done(call, &user, "kan weer ondertekenen en bekijken");

done:
    return status;
}

/* Who has no PIN yet gets one from whoever administers; who has one gives it, or gets a new key. */
veld_status srv_verb_user_pin(veld_cli_call *call)
{
    veld_cli_pin pin = {0}, old = {0};
    srv_user user;
    veld_status status;
    bool new_key = veld_cli_given(call, SRV_OPTION_NEW_KEY);
    bool has_old = veld_cli_given(call, SRV_OPTION_OLD_PIN_FILE);
    VELD_TRY(find(call, &user));
    if (has_old && (new_key || !user.has_key)) {
        status = veld_fail(&call->err, VELD_E_INVALID,
            new_key ? "een oude pincode en een nieuwe sleutel gaan niet samen"
                    : "deze gebruiker heeft nog geen pincode; laat --old-pin-file weg");
        goto done;
    }
    if (user.has_key && !has_old && !new_key) {
        status = veld_cli_fail(call, VELD_E_LOCKED, "De oude pincode ontbreekt.",
            "geef de oude pincode met --old-pin-file; is die vergeten, dan --new-key");
        goto done;
    }
    if (has_old)
        VELD_TRY(veld_cli_pin_of(call, SRV_OPTION_OLD_PIN_FILE, &old));
    VELD_TRY(veld_cli_pin_of(call, VELD_CLI_PIN_FILE, &pin));
    VELD_TRY(weak_pin(call, srv_user_set_pin(call->session, &user, veld_cli_pin_span(&old),
                                veld_cli_pin_span(&pin), &call->err)));
    status = say_done(call, &user, "heeft een nieuwe pincode");

done:
    veld_cli_pin_release(&pin);
    veld_cli_pin_release(&old);
    return status;
}

/* ---- list ---- */
static veld_status collect(void *context, const srv_user *user)
{
    return veld_buf_append(context, user, sizeof *user);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const srv_user *)a)->name, ((const srv_user *)b)->name);
}

static veld_status write_user(veld_cli_call *call, const srv_user *user, veld_json_writer *writer)
{
    veld_hash key;
    veld_status status = VELD_OK;
    veld_json_writer_object_begin(writer);
    veld_json_writer_name(writer, "key");
    if (user->has_key) {
        char text[VELD_HASH_TEXT_SIZE];
        VELD_TRY(veld_p256_fingerprint(&user->entry.key, &key, &call->err));
        veld_hash_format(&key, text);
        veld_json_writer_text(writer, text);
    } else {
        veld_json_writer_null(writer);
    }
    veld_cli_json_text(writer, "name", veld_span_text(user->name));
    veld_cli_json_text(writer, "role", veld_span_text(veld_user_role_name(user->entry.role)));
    veld_cli_json_text(writer, "state",
        veld_span_text(user->entry.state == VELD_USER_ACTIVE ? "active" : "disabled"));
    veld_cli_json_id(writer, "user", &user->entry.user);
    veld_json_writer_object_end(writer);

done:
    return status;
}

static veld_status say_user(veld_cli_call *call, const srv_user *user)
{
    veld_status status;
    VELD_TRY(veld_cli_say(call, "%-14s ", veld_user_role_name(user->entry.role)));
    VELD_TRY(veld_cli_say_text(call, veld_span_text(user->name)));
    VELD_TRY(veld_cli_say(call, "%s%s\n", user->has_key ? "" : "  (geen pincode)",
        user->entry.state == VELD_USER_ACTIVE ? "" : "  (uitgeschakeld)"));

done:
    return status;
}

veld_status srv_verb_user_list(veld_cli_call *call)
{
    veld_buf list;
    veld_json_writer writer = {0};
    bool json = veld_cli_given(call, VELD_CLI_JSON);
    veld_status status;
    veld_buf_init(&list, VELD_CLI_OUTPUT_BYTES_MAX);
    VELD_TRY(srv_user_each(call->session, &list, collect, &call->err));
    size_t count = list.len / sizeof(srv_user);
    srv_user *users = (srv_user *)(void *)list.data;
    if (count > 1)
        qsort(users, count, sizeof *users, by_name);
    if (json) {
        veld_json_writer_init(&writer, &call->out);
        veld_json_writer_array_begin(&writer);
    }
    for (size_t i = 0; i < count; i++)
        VELD_TRY(json ? write_user(call, &users[i], &writer) : say_user(call, &users[i]));
    if (json) {
        veld_json_writer_array_end(&writer);
        status = veld_cli_json_end(call, &writer);
    }

done:
    veld_json_writer_release(&writer);
    veld_buf_wipe(&list);
    return status;
}

/* Users of the agency: a name, a role, and for staff the signing key that the merger keeps for
 * them, sealed in its store. */
#include <string.h>

#include "../srv.h"
#include "veldkit/p256.h"

/* Stored: form u8, role u8, then for staff the private scalar. */
enum { USER_FORM = 1, USER_HEAD_BYTES = 2, USER_BYTES_MAX = USER_HEAD_BYTES + 32 };

static veld_status check_name(const char *name, veld_error *err)
{
    size_t len = strlen(name);
    bool control = false;
    for (size_t i = 0; i < len; i++)
        control = control || (unsigned char)name[i] < 0x20 || name[i] == 0x7F;
    if (len == 0 || len > SRV_USER_NAME_MAX || control)
        return veld_fail(
            err, VELD_E_INVALID, "een naam heeft 1 tot %u bytes, op één regel", SRV_USER_NAME_MAX);
    return VELD_OK;
}

veld_status srv_user_get(
    srv_session *session, const char *name, srv_user_role *role, veld_error *err)
{
    veld_buf body;
    veld_status status;
    veld_buf_init(&body, USER_BYTES_MAX);
    VELD_TRY(check_name(name, err));
    VELD_TRY(
        veld_store_get_value(session->store, SRV_GROUP_USERS, veld_span_text(name), &body, err));
    if (body.len < USER_HEAD_BYTES || body.data[0] != USER_FORM)
        status = veld_fail(err, VELD_E_DAMAGED, "a user's row is not readable");
    else
        *role = (srv_user_role)body.data[1];

done:
    veld_buf_wipe(&body);
    return status;
}

veld_status srv_user_put(
    srv_session *session, const char *name, srv_user_role role, veld_error *err)
{
    srv_user_role there;
    veld_p256_private key = {0};
    veld_buf body;
    veld_status status;
    veld_buf_init(&body, USER_BYTES_MAX);
    status = srv_user_get(session, name, &there, err);
    if (status == VELD_OK)
        status = veld_fail(err, VELD_E_EXISTS, "deze gebruiker is er al");
    if (status != VELD_E_NOT_FOUND)
        goto done;
    VELD_TRY(veld_buf_append_byte(&body, USER_FORM));
    VELD_TRY(veld_buf_append_byte(&body, (uint8_t)role));
    if (role == SRV_USER_STAFF) {
        VELD_TRY(veld_p256_generate(&session->env, &key, err));
        VELD_TRY(veld_buf_append_span(&body, veld_secret_span(&key.scalar)));
    }
    VELD_TRY(veld_store_put_value(
        session->store, SRV_GROUP_USERS, veld_span_text(name), veld_buf_span(&body), err));

done:
    veld_p256_release(&key);
    veld_buf_wipe(&body);
    return status;
}

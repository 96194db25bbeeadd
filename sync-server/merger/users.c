/* Users of the agency: a name, a role, and for who has a PIN a signing key that only the PIN opens.
 *
 *   Kpin = Argon2id(PIN, salt 16, parameters)
 *   KEK  = HKDF-Expand(Kpin, "veldkit/staff/unlock/1" | user id)
 *   row  = .. parameters, salt, XAES(KEK, private key; AAD = user id, parameters, salt, public key)
 *
 * The row lies in the merger's store, which is sealed besides: so the PIN alone opens nothing, and
 * the store alone does not sign for anybody. Each attempt is counted in the row before it is made,
 * and a wait grows with the wrong ones, so that a restart forgets none. Who has the merger's
 * machine can still guess outside of it: then only the length of the PIN holds. */
#include <stdio.h>
#include <string.h>

#include "../srv.h"
#include "veldkit/assert.h"
#include "veldkit/cbor.h"
#include "veldkit/context.h"
#include "veldkit/hash.h"
#include "veldkit/pin.h"
#include "veldkit/seal.h"

/* Form 1 was: form u8, role u8 (1 the office, 2 a field worker), and a key without a PIN, which
 * never signed anything. */
enum { OLD_FORM = 1, OLD_OFFICE = 1, FORM = 2, ITEMS = 12, ROW_BYTES_MAX = 4096 };
enum { FREE_ATTEMPTS = 3, WAIT_MS_MIN = 1000, WAIT_MS_MAX = 15 * 60 * 1000, DOUBLINGS_MAX = 10 };

static const char params_name[] = "staff-pin-params";

static veld_status check_name(const char *name, veld_error *err)
{
    size_t len = strlen(name);
    bool control = false;
    for (size_t i = 0; i < len; i++)
        control = control || (unsigned char)name[i] < 0x20 || name[i] == 0x7F;
    if (len == 0 || len > SRV_USER_NAME_MAX || control ||
        !veld_cbor_text_is_valid(veld_span_text(name)))
        return veld_fail(
            err, VELD_E_INVALID, "een naam heeft 1 tot %u bytes, op één regel", SRV_USER_NAME_MAX);
    return VELD_OK;
}

/* ---- rows ---- */
static veld_status put(srv_session *session, const srv_user *user, veld_error *err)
{
    veld_buf row;
    uint8_t params[VELD_PIN_PARAMS_BYTES];
    veld_buf_init(&row, ROW_BYTES_MAX);
    veld_pin_params_write(&user->params, params);
    veld_cbor_writer writer = veld_cbor_write(&row);
    veld_cbor_put_array(&writer, ITEMS);
    veld_cbor_put_uint(&writer, FORM);
    veld_cbor_put_bytes(&writer, veld_id_span(&user->entry.user));
    veld_cbor_put_uint(&writer, (uint64_t)user->entry.role);
    veld_cbor_put_uint(&writer, (uint64_t)user->entry.state);
    veld_cbor_put_uint(&writer, user->entry.position);
    veld_cbor_put_bytes(
        &writer, user->has_key ? veld_p256_public_span(&user->entry.key) : (veld_span){0});
    veld_cbor_put_bytes(&writer, veld_span_of(params, sizeof params));
    veld_cbor_put_bytes(&writer, veld_span_of(user->salt, sizeof user->salt));
    veld_cbor_put_bytes(&writer, veld_span_of(user->wrapped, sizeof user->wrapped));
    veld_cbor_put_uint(&writer, user->wrong);
    veld_cbor_put_int(&writer, user->tried_utc_ms);
    veld_cbor_put_bytes(&writer, veld_span_of(user->signed_entry, user->signed_len));
    veld_status status = veld_cbor_writer_finish(&writer, err);
    if (status == VELD_OK)
        status = veld_store_put_value(
            session->store, SRV_GROUP_USERS, veld_span_text(user->name), veld_buf_span(&row), err);
    veld_buf_wipe(&row);
    return status;
}

static void read_row(veld_cbor_reader *reader, srv_user *out)
{
    uint8_t params[VELD_PIN_PARAMS_BYTES] = {0};
    if (veld_cbor_array(reader, ITEMS) != ITEMS || veld_cbor_uint(reader) != FORM)
        veld_cbor_reader_fail(reader, VELD_E_DAMAGED);
    veld_cbor_fixed(reader, out->entry.user.bytes, sizeof out->entry.user.bytes);
    out->entry.role = (veld_user_role)veld_cbor_uint(reader);
    out->entry.state = (veld_user_state)veld_cbor_uint(reader);
    out->entry.position = veld_cbor_uint(reader);
    veld_span key = veld_cbor_bytes(reader);
    out->has_key = key.len == sizeof out->entry.key.bytes;
    if (out->has_key)
        memcpy(out->entry.key.bytes, key.data, key.len);
    veld_cbor_fixed(reader, params, sizeof params);
    veld_cbor_fixed(reader, out->salt, sizeof out->salt);
    veld_cbor_fixed(reader, out->wrapped, sizeof out->wrapped);
    out->wrong = veld_cbor_uint(reader);
    out->tried_utc_ms = veld_cbor_int(reader);
    veld_span entry = veld_cbor_bytes(reader);
    if (entry.len > sizeof out->signed_entry ||
        (out->has_key && veld_pin_params_read(params, &out->params, NULL) != VELD_OK))
        veld_cbor_reader_fail(reader, VELD_E_DAMAGED);
    else if (entry.len > 0)
        memcpy(out->signed_entry, entry.data, entry.len);
    out->signed_len = entry.len;
}

static veld_status decode(veld_span row, veld_span name, srv_user *out, veld_error *err)
{
    *out = (srv_user){0};
    if (name.len >= sizeof out->name)
        return veld_fail(err, VELD_E_DAMAGED, "a user's name is not readable");
    memcpy(out->name, name.data, name.len);
    if (row.len >= 2 && row.data[0] == OLD_FORM) {
        out->entry.role = row.data[1] == OLD_OFFICE ? VELD_ROLE_TEAM_LEAD : VELD_ROLE_FIELD_WORKER;
        out->entry.state = VELD_USER_ACTIVE;
        return VELD_OK;
    }
    veld_cbor_reader reader = veld_cbor_read(row);
    read_row(&reader, out);
    return veld_cbor_reader_finish(&reader, NULL) == VELD_OK
               ? VELD_OK
               : veld_fail(err, VELD_E_DAMAGED, "a user's row is not readable");
}

veld_status srv_user_get(srv_session *session, const char *name, srv_user *out, veld_error *err)
{
    veld_buf row;
    veld_status status;
    veld_buf_init(&row, ROW_BYTES_MAX);
    VELD_TRY(check_name(name, err));
    VELD_TRY(
        veld_store_get_value(session->store, SRV_GROUP_USERS, veld_span_text(name), &row, err));
    VELD_TRY(decode(veld_buf_span(&row), veld_span_text(name), out, err));
    if (veld_id_is_zero(&out->entry.user)) { /* an old row: it gets its id now, and keeps it */
        VELD_TRY(veld_id_new(&session->env, &out->entry.user, err));
        VELD_TRY(put(session, out, err));
    }

done:
    veld_buf_wipe(&row);
    return status;
}

veld_status srv_user_each(srv_session *session, void *context,
    veld_status (*each)(void *context, const srv_user *user), veld_error *err)
{
    veld_store_cursor *cursor = NULL;
    srv_user user;
    veld_status status;
    bool more = true;
    VELD_TRY(veld_store_values(session->store, SRV_GROUP_USERS, &cursor, err));
    while (more) {
        veld_store_value value;
        VELD_TRY(veld_store_values_next(cursor, &more, &value, err));
        if (!more)
            break;
        VELD_TRY(decode(value.body, value.name, &user, err));
        VELD_TRY(each(context, &user));
    }

done:
    veld_store_cursor_close(cursor);
    return status;
}

/* ---- the key and its PIN ---- */
static veld_status sealer_of(srv_session *session, const srv_user *user, veld_span pin,
    bool sealing, veld_sealer **out, veld_error *err)
{
    veld_secret stretched = {0}, key = {0};
    veld_span hedge = sealing ? veld_vault_hedge(session->vault) : (veld_span){0};
    veld_status status;
    VELD_TRY(veld_pin_stretch(&user->params, pin, user->salt, &stretched, err));
    VELD_TRY(veld_key_derive(veld_secret_span(&stretched), VELD_CONTEXT_STAFF_UNLOCK,
        veld_id_span(&user->entry.user), VELD_SEAL_KEY_BYTES, &key, err));
    VELD_TRY(veld_sealer_new(
        VELD_SEALER_STAFF_WRAP, veld_secret_span(&key), hedge, &session->env, out, err));

done:
    veld_secret_release(&stretched);
    veld_secret_release(&key);
    return status;
}

enum { PLACE_PARTS = 4 };

/* What the wrapped key is bound to; `params` holds bytes for the result. */
static void place_of(
    const srv_user *user, uint8_t params[VELD_PIN_PARAMS_BYTES], veld_span out[PLACE_PARTS])
{
    veld_pin_params_write(&user->params, params);
    out[0] = veld_id_span(&user->entry.user);
    out[1] = veld_span_of(params, VELD_PIN_PARAMS_BYTES);
    out[2] = veld_span_of(user->salt, sizeof user->salt);
    out[3] = veld_p256_public_span(&user->entry.key);
}

/* How costly a guess is on this machine: measured once, then kept. */
static veld_status get_params(srv_session *session, veld_pin_params *out, veld_error *err)
{
    veld_buf bytes;
    uint8_t params[VELD_PIN_PARAMS_BYTES];
    veld_span name = veld_span_text(params_name);
    veld_status status;
    veld_buf_init(&bytes, sizeof params);
    status = veld_store_get_value(session->store, SRV_GROUP_AGENCY, name, &bytes, err);
    if (status == VELD_OK && bytes.len == sizeof params) {
        status = veld_pin_params_read(bytes.data, out, err);
        goto done;
    }
    if (status != VELD_E_NOT_FOUND)
        goto done;
    VELD_TRY(veld_pin_calibrate(&session->env, out, err));
    veld_pin_params_write(out, params);
    status = veld_store_put_value(
        session->store, SRV_GROUP_AGENCY, name, veld_span_of(params, sizeof params), err);

done:
    veld_buf_release(&bytes);
    return status;
}

/* The key under a new PIN, in memory. */
static veld_status wrap(srv_session *session, srv_user *user, const veld_p256_private *key,
    veld_span pin, veld_error *err)
{
    veld_sealer *sealer = NULL;
    uint8_t params[VELD_PIN_PARAMS_BYTES];
    veld_span place[PLACE_PARTS];
    veld_buf wrapped;
    veld_status status;
    veld_buf_init(&wrapped, sizeof user->wrapped);
    VELD_TRY(veld_passphrase_check(VELD_KEYSTORE_HARDWARE, pin, err));
    VELD_TRY(get_params(session, &user->params, err));
    VELD_TRY(veld_env_random(&session->env, user->salt, sizeof user->salt, err));
    user->entry.key = key->public_key;
    VELD_TRY(sealer_of(session, user, pin, true, &sealer, err));
    place_of(user, params, place);
    VELD_TRY(veld_sealer_seal_row(
        sealer, place, PLACE_PARTS, veld_secret_span(&key->scalar), &wrapped, err));
    VELD_ASSERT(wrapped.len == sizeof user->wrapped);
    memcpy(user->wrapped, wrapped.data, sizeof user->wrapped);
    user->has_key = true;
    user->wrong = 0;

done:
    veld_sealer_free(sealer);
    veld_buf_wipe(&wrapped);
    return status;
}

/* What the agency says of who has a key: signed, and later than what it said before. */
static veld_status sign_entry(srv_session *session, srv_user *user, veld_error *err)
{
    veld_buf bytes;
    veld_status status = VELD_OK;
    if (!user->has_key)
        return VELD_OK;
    veld_buf_init(&bytes, sizeof user->signed_entry);
    VELD_TRY(veld_directory_next(session->store, &user->entry.position, err));
    VELD_TRY(veld_user_make(&user->entry, &session->desk.signer, &bytes, err));
    VELD_TRY(veld_directory_append(session->store, veld_buf_span(&bytes), err));
    memcpy(user->signed_entry, bytes.data, bytes.len);
    user->signed_len = bytes.len;

done:
    veld_buf_release(&bytes);
    return status;
}

/* Signed and stored, both or nothing. */
static veld_status sign_and_put(srv_session *session, srv_user *user, veld_error *err)
{
    veld_status status = veld_store_begin(session->store, err);
    if (status != VELD_OK)
        return status;
    status = sign_entry(session, user, err);
    if (status == VELD_OK)
        status = put(session, user, err);
    return veld_store_end(session->store, status, err);
}

static veld_status new_key(srv_session *session, srv_user *user, veld_span pin, veld_error *err)
{
    veld_p256_private key = {0};
    veld_status status = veld_p256_generate(&session->env, &key, err);
    if (status == VELD_OK)
        status = wrap(session, user, &key, pin, err);
    veld_p256_release(&key);
    return status;
}

/* ---- attempts ---- */
static int64_t wait_ms(uint64_t wrong)
{
    if (wrong < FREE_ATTEMPTS)
        return 0;
    uint64_t doublings = wrong - FREE_ATTEMPTS;
    int64_t wait = (int64_t)WAIT_MS_MIN << (doublings < DOUBLINGS_MAX ? doublings : DOUBLINGS_MAX);
    return wait < WAIT_MS_MAX ? wait : WAIT_MS_MAX;
}

/* A clock that went back makes nobody wait longer than the whole wait, and nobody shorter. */
static veld_status count_attempt(srv_session *session, srv_user *user, veld_error *err)
{
    int64_t now_ms = veld_env_now(&session->env).wall_utc_ms;
    int64_t wait = wait_ms(user->wrong), waited = now_ms - user->tried_utc_ms;
    if (waited < 0) {
        user->tried_utc_ms = now_ms;
        veld_status status = put(session, user, err);
        if (status != VELD_OK)
            return status;
        waited = 0;
    }
    if (waited < wait)
        return veld_fail(err, VELD_E_WAIT,
            "te vaak een verkeerde pincode; probeer het over %lld seconden opnieuw",
            (long long)((wait - waited + 999) / 1000));
    user->wrong++;
    user->tried_utc_ms = now_ms;
    return put(session, user, err);
}

static veld_status unwrap(srv_session *session, const srv_user *user, veld_span pin,
    veld_p256_private *out, veld_error *err)
{
    veld_sealer *sealer = NULL;
    uint8_t params[VELD_PIN_PARAMS_BYTES];
    veld_span place[PLACE_PARTS];
    veld_buf scalar;
    veld_status status;
    veld_buf_init(&scalar, VELD_P256_PRIVATE_BYTES);
    VELD_TRY(sealer_of(session, user, pin, false, &sealer, err));
    place_of(user, params, place);
    status = veld_sealer_open_row(sealer, place, PLACE_PARTS,
        veld_span_of(user->wrapped, sizeof user->wrapped), &scalar, err);
    if (status == VELD_E_FORGED)
        status = veld_fail(err, VELD_E_WRONG_PIN, "de pincode van deze gebruiker klopt niet");
    if (status != VELD_OK)
        goto done;
    status = veld_p256_import(veld_buf_span(&scalar), out, err);
    if (status == VELD_OK && !veld_p256_public_equal(&out->public_key, &user->entry.key)) {
        veld_p256_release(out);
        status = VELD_E_FORM;
    }
    if (status == VELD_E_FORM)
        status = veld_fail(err, VELD_E_DAMAGED, "the key of a user is damaged");

done:
    veld_sealer_free(sealer);
    veld_buf_wipe(&scalar);
    return status;
}

veld_status srv_user_open(
    srv_session *session, srv_user *user, veld_span pin, veld_p256_private *out, veld_error *err)
{
    veld_status status;
    if (user->entry.state != VELD_USER_ACTIVE)
        return veld_fail(err, VELD_E_NOT_ALLOWED, "deze gebruiker is uitgeschakeld");
    if (!user->has_key)
        return veld_fail(err, VELD_E_NOT_ALLOWED,
            "deze gebruiker heeft nog geen pincode; geef er een met user pin");
    VELD_TRY(count_attempt(session, user, err));
    if (pin.len == 0 || pin.len > VELD_PIN_BYTES_MAX) {
        status = veld_fail(err, VELD_E_WRONG_PIN, "de pincode van deze gebruiker klopt niet");
        goto done;
    }
    VELD_TRY(unwrap(session, user, pin, out, err));
    user->wrong = 0;
    status = put(session, user, err);
    if (status != VELD_OK)
        veld_p256_release(out);

done:
    return status;
}

/* ---- changing one ---- */
veld_status srv_user_add(
    srv_session *session, const char *name, veld_user_role role, veld_span pin, veld_error *err)
{
    srv_user user;
    veld_status status = srv_user_get(session, name, &user, err);
    if (status == VELD_OK)
        status = veld_fail(err, VELD_E_EXISTS, "deze gebruiker is er al");
    if (status != VELD_E_NOT_FOUND)
        return status;
    user = (srv_user){.entry = {.role = role, .state = VELD_USER_ACTIVE}};
    (void)snprintf(user.name, sizeof user.name, "%s", name);
    VELD_TRY(veld_id_new(&session->env, &user.entry.user, err));
    if (pin.len > 0)
        VELD_TRY(new_key(session, &user, pin, err));
    status = sign_and_put(session, &user, err);

done:
    return status;
}

veld_status srv_user_set_role(
    srv_session *session, srv_user *user, veld_user_role role, veld_error *err)
{
    user->entry.role = role;
    return sign_and_put(session, user, err);
}

veld_status srv_user_set_state(
    srv_session *session, srv_user *user, veld_user_state state, veld_error *err)
{
    user->entry.state = state;
    return sign_and_put(session, user, err);
}

veld_status srv_user_set_pin(
    srv_session *session, srv_user *user, veld_span old, veld_span pin, veld_error *err)
{
    veld_p256_private key = {0};
    veld_status status;
    bool rewrap = old.len > 0;
    VELD_TRY(veld_passphrase_check(VELD_KEYSTORE_HARDWARE, pin, err));
    if (!rewrap) {
        VELD_TRY(new_key(session, user, pin, err));
        status = sign_and_put(session, user, err);
        goto done;
    }
    VELD_TRY(srv_user_open(session, user, old, &key, err));
    VELD_TRY(wrap(session, user, &key, pin, err));
    status = put(session, user, err);

done:
    veld_p256_release(&key);
    return status;
}

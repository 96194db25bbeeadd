/* What this tablet asks the office for itself: a fresh certificate before the old one is too old,
 * and to keep the recovery code of this vault. It is done beside enrolment and synchronising, and
 * what fails is tried again the next time: neither waits for it.
 *
 * Kept: "number" of the last request, "code" until the office has it, then "armed"; "recovered",
 * when the office's code was used, until it was told; "valid", the hash of the one code that opens
 * this vault, or a zero byte when it was used: the files of a door can be put back, this cannot. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fc.h"
#include "veldkit/assert.h"
#include "veldkit/context.h"
#include "veldkit/directory.h"
#include "veldkit/hash.h"
#include "veldkit/number.h"
#include "veldkit/renew.h"
#include "veldkit/seal_end.h"
#include "veldkit/x509.h"

#define GROUP     "renew"
#define NUMBER    "number"
#define CODE      "code"
#define ARMED     "armed"
#define RECOVERED "recovered"
#define VALID     "valid"
#define EDITION   "edition" /* of the agency's statement that the office knows us to have */

enum { RENEW_BEFORE_S = 90 * 86400, ASK_MS_MAX = 8000, NUMBER_BYTES = 8 };

static const veld_pin_params code_params = {.passes = 1, .memory_kib = 46 * 1024, .lanes = 1};

typedef struct renewal {
    veld_cli_call *call;
    fc_way way;
    veld_agency agency;
    uint8_t code[VELD_RECOVERY_BYTES];
    bool has_code; /* to be handed in */
    int64_t recovered_utc_ms;
    uint64_t edition; /* that may be told */
    veld_buf request, answer;
} renewal;

/* ---- what is kept ---- */
static veld_status get_number(fc_session *session, const char *name, int64_t *out, veld_error *err)
{
    veld_buf value;
    veld_buf_init(&value, NUMBER_BYTES);
    *out = 0;
    veld_status status =
        veld_store_get_value(session->store, GROUP, veld_span_text(name), &value, err);
    if (status == VELD_OK && value.len == NUMBER_BYTES)
        *out = (int64_t)veld_get_u64(value.data);
    veld_buf_release(&value);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

static veld_status put_number(
    fc_session *session, const char *name, int64_t number, veld_error *err)
{
    uint8_t bytes[NUMBER_BYTES];
    veld_put_u64(bytes, (uint64_t)number);
    return veld_store_put_value(
        session->store, GROUP, veld_span_text(name), veld_span_of(bytes, sizeof bytes), err);
}

static veld_status forget(fc_session *session, const char *name, veld_error *err)
{
    veld_status status = veld_store_delete_value(session->store, GROUP, veld_span_text(name), err);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

/* ---- the code that is good ---- */
static veld_status hash_of(const uint8_t code[VELD_RECOVERY_BYTES], veld_hash *out, veld_error *err)
{
    const veld_span part = veld_span_of(code, VELD_RECOVERY_BYTES);
    return veld_hash_named(VELD_CONTEXT_HASH_RECOVERY, &part, 1, out, err);
}

veld_status fc_code_check(
    fc_session *session, const uint8_t code[VELD_RECOVERY_BYTES], veld_error *err)
{
    veld_buf kept;
    veld_hash hash;
    veld_status status;
    veld_buf_init(&kept, VELD_HASH_BYTES);
    VELD_TRY(hash_of(code, &hash, err));
    status = veld_store_get_value(session->store, GROUP, veld_span_text(VALID), &kept, err);
    if (status == VELD_OK && !veld_span_equal(veld_buf_span(&kept), veld_hash_span(&hash)))
        status = veld_fail(err, VELD_E_NOT_FOUND,
            "deze herstelcode is al gebruikt of vervangen; vraag kantoor om de nieuwe");
    else if (status == VELD_E_NOT_FOUND) /* a door that an earlier program made */
        status = VELD_OK;
    VELD_TRY(status);
    status = put_number(session, RECOVERED, veld_env_now(&session->env).wall_utc_ms, err);

done:
    veld_buf_release(&kept);
    return status;
}

veld_status fc_code_used(fc_session *session, veld_error *err)
{
    static const uint8_t none[1];
    veld_status status = veld_store_begin(session->store, err);
    if (status != VELD_OK)
        return status;
    status = veld_store_put_value(
        session->store, GROUP, veld_span_text(VALID), veld_span_of(none, sizeof none), err);
    if (status == VELD_OK)
        status = forget(session, ARMED, err);
    if (status == VELD_OK)
        status = forget(session, CODE, err);
    return veld_store_end(session->store, status, err);
}

/* ---- is it time? ---- */
static int64_t now_s(const fc_session *session)
{
    int64_t now_ms = veld_env_now(&session->env).wall_utc_ms;
    return (now_ms > session->anchor.server_utc_ms ? now_ms : session->anchor.server_utc_ms) / 1000;
}

static bool is_certificate_old(const renewal *r)
{
    veld_x509_facts facts;
    return veld_x509_read(veld_buf_span(&r->way.certificate), &facts, NULL) != VELD_OK ||
           now_s(r->call->session) > facts.period.not_after_utc_s - RENEW_BEFORE_S;
}

/* The agency has other keys, and the office does not know yet that they are here. It is not told
 * while the agency has not signed for what was sealed to a key of before: it might destroy that. */
static veld_status has_to_tell(renewal *r, bool *out)
{
    fc_session *session = r->call->session;
    int64_t told = 0;
    size_t left = 0;
    veld_status status = get_number(session, EDITION, &told, &r->call->err);
    if (status == VELD_OK)
        status = veld_seal_count_here(session->store, &r->agency, &left, &r->call->err);
    r->edition = left == 0 ? r->agency.edition : (uint64_t)told;
    *out = r->edition > 1 && (uint64_t)told < r->edition;
    return status;
}

static bool is_door_there(const veld_cli_call *call)
{
    char path[VELD_CLI_FOLDER_BYTES_MAX + 16];
    (void)snprintf(path, sizeof path, "%s/recovery", call->folder);
    return access(path, F_OK) == 0;
}

/* A code that was used, as the vault says or because its door is gone, works no more. */
static veld_status look_at_door(renewal *r, bool *to_arm)
{
    fc_session *session = r->call->session;
    veld_error *err = &r->call->err;
    int64_t armed = 0;
    veld_status status;
    VELD_TRY(get_number(session, ARMED, &armed, err));
    VELD_TRY(get_number(session, RECOVERED, &r->recovered_utc_ms, err));
    *to_arm = armed == 0 || r->recovered_utc_ms != 0 || !is_door_there(r->call);
    if (armed != 0 && *to_arm) {
        if (r->recovered_utc_ms == 0)
            r->recovered_utc_ms = veld_env_now(&session->env).wall_utc_ms;
        VELD_TRY(put_number(session, RECOVERED, r->recovered_utc_ms, err));
        VELD_TRY(forget(session, ARMED, err));
        VELD_TRY(forget(session, CODE, err));
    }

done:
    return status;
}

/* ---- the door for the office ---- */
static veld_status keep_code(
    fc_session *session, const uint8_t code[VELD_RECOVERY_BYTES], veld_error *err)
{
    veld_hash hash;
    veld_status status = hash_of(code, &hash, err);
    if (status != VELD_OK)
        return status;
    status = veld_store_begin(session->store, err);
    if (status != VELD_OK)
        return status;
    status = veld_store_put_value(
        session->store, GROUP, veld_span_text(CODE), veld_span_of(code, VELD_RECOVERY_BYTES), err);
    if (status == VELD_OK)
        status = veld_store_put_value(
            session->store, GROUP, veld_span_text(VALID), veld_hash_span(&hash), err);
    return veld_store_end(session->store, status, err);
}

/* The code that is on its way already, or a new one with its door. */
static veld_status arm(renewal *r)
{
    fc_session *session = r->call->session;
    veld_error *err = &r->call->err;
    veld_keystore keystore = {0};
    veld_buf kept;
    veld_status status;
    veld_buf_init(&kept, sizeof r->code);
    status = veld_store_get_value(session->store, GROUP, veld_span_text(CODE), &kept, err);
    if (status == VELD_OK && kept.len == sizeof r->code && is_door_there(r->call)) {
        memcpy(r->code, kept.data, sizeof r->code);
        goto done;
    }
    if (status != VELD_OK && status != VELD_E_NOT_FOUND)
        goto done;
    VELD_TRY(veld_env_random(&session->env, r->code, sizeof r->code, err));
    VELD_TRY(fc_keystore_new(
        &session->env, r->call->folder, VELD_DOOR_RECOVERY, &session->choice, &keystore, err));
    VELD_TRY(veld_vault_door_make(session->vault, &session->env, r->call->folder,
        VELD_DOOR_RECOVERY, &keystore, veld_span_of(r->code, sizeof r->code), &code_params, err));
    status = keep_code(session, r->code, err);

done:
    r->has_code = status == VELD_OK;
    veld_keystore_close(&keystore);
    veld_buf_wipe(&kept);
    return status;
}

/* ---- asking ---- */
static veld_status make_request(renewal *r)
{
    fc_session *session = r->call->session;
    veld_error *err = &r->call->err;
    int64_t number = 0, now_ms = veld_env_now(&session->env).wall_utc_ms;
    veld_status status;
    VELD_TRY(get_number(session, NUMBER, &number, err));
    number = now_ms > number ? now_ms : number + 1;
    VELD_TRY(put_number(session, NUMBER, number, err));
    const veld_renew_wish wish = {.carrier = &r->way.key.public_key,
        .code = r->has_code ? r->code : NULL,
        .recovered_utc_ms = r->recovered_utc_ms,
        .number = number,
        .edition = r->edition};
    status = veld_renew_request(&session->desk, &r->agency, &wish, &r->request, err);

done:
    return status;
}

static veld_status ask(renewal *r, fc_network *network)
{
    unsigned http_status = 0;
    const fc_question question = {.path = "/v1/enrol",
        .body = veld_buf_span(&r->request),
        .answer_bytes_max = VELD_ENROL_ANSWER_BYTES_MAX,
        .timeout_ms = ASK_MS_MAX};
    veld_status status = fc_network_ask(r->call, network, &question, &http_status, &r->answer);
    if (status == VELD_OK && http_status != 200)
        status = veld_fail(&r->call->err, VELD_E_TIMEOUT, "het kantoor heeft nog niet geantwoord");
    return status;
}

static veld_status check_certificate(const renewal *r, veld_span certificate)
{
    veld_x509_facts own;
    veld_error *err = &r->call->err;
    veld_status status =
        veld_x509_check(certificate, veld_buf_span(&r->way.ca), VELD_X509_CLIENT, &own, err);
    if (status == VELD_OK &&
        (!veld_p256_public_equal(&own.key, &r->way.key.public_key) ||
            !veld_id_equal(&own.device, veld_store_device(r->call->session->store))))
        status = veld_fail(err, VELD_E_FORGED, "het nieuwe certificaat is niet voor dit apparaat");
    return status;
}

static veld_status keep(renewal *r)
{
    fc_session *session = r->call->session;
    veld_error *err = &r->call->err;
    veld_span certificate = {0};
    const char *address = NULL;
    veld_status status;
    VELD_TRY(veld_renew_accept(&session->desk, &r->agency, veld_buf_span(&r->request),
        veld_buf_span(&r->answer), &certificate, err));
    VELD_TRY(check_certificate(r, certificate));
    VELD_TRY(veld_buf_text(&r->way.address, &address));
    const fc_server server = {
        .address = address, .certificate = certificate, .ca = veld_buf_span(&r->way.ca)};
    VELD_TRY(fc_server_put(session, &server, err));
    if (r->has_code)
        VELD_TRY(put_number(session, ARMED, 1, err));
    if (r->edition > 1)
        VELD_TRY(put_number(session, EDITION, (int64_t)r->edition, err));
    VELD_TRY(forget(session, CODE, err));
    VELD_TRY(forget(session, RECOVERED, err));

done:
    return status;
}

static veld_status renew(renewal *r, fc_network *network, bool *renewed)
{
    fc_session *session = r->call->session;
    bool to_arm = false, to_tell = false;
    veld_status status;
    VELD_TRY(veld_agency_get(session->store, &session->desk.verifier, &r->agency, &r->call->err));
    VELD_TRY(fc_way_load(session, &r->way, &r->call->err));
    VELD_TRY(look_at_door(r, &to_arm));
    VELD_TRY(has_to_tell(r, &to_tell));
    if (!to_arm && !to_tell && r->recovered_utc_ms == 0 && !is_certificate_old(r))
        goto done;
    if (to_arm && arm(r) != VELD_OK)
        veld_cli_note(r->call, "veldkit: er is nog geen herstelcode voor deze kluis (%s)\n",
            r->call->err.text);
    VELD_TRY(make_request(r));
    VELD_TRY(ask(r, network));
    VELD_TRY(keep(r));
    *renewed = true;

done:
    return status;
}

bool fc_renew_when_due(veld_cli_call *call, fc_network *network)
{
    renewal r = {.call = call};
    bool renewed = false;
    const veld_error before = call->err;
    const int exit_code = call->exit_code;
    veld_buf_init(&r.request, VELD_ENROL_REQUEST_BYTES_MAX);
    if (renew(&r, network, &renewed) == VELD_E_NOT_ALLOWED)
        veld_cli_note(call, "veldkit: het kantoor vernieuwt dit apparaat niet.\n");
    call->err = before;
    call->exit_code = exit_code;
    veld_wipe(r.code, sizeof r.code);
    fc_way_release(&r.way);
    veld_buf_release(&r.request);
    veld_buf_release(&r.answer);
    return renewed;
}

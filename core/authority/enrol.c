/* The tablet's side of enrolment. Nothing of the answer counts before its MAC was checked: until
 * then it may be anybody's who stands between. */
#include "veldkit/enrol.h"

#include <stdio.h>
#include <string.h>

#include "enrol_inner.h"
#include "veldkit/context.h"
#include "veldkit/hash.h"
#include "veldkit/limits.h"

static enrol_secret secret_of(const veld_enrol_code *code)
{
    enrol_secret key;
    memcpy(key.secret, code->secret, sizeof key.secret);
    memcpy(key.ca, code->ca, sizeof key.ca);
    return key;
}

veld_status veld_enrol_request(const veld_enrol_code *code, const veld_desk *desk,
    const char *worker, const veld_p256_public *carrier, veld_buf *out, veld_error *err)
{
    veld_status status;
    veld_hash mac;
    veld_buf card_bytes, body;
    enrol_secret key = secret_of(code);
    enrol_request request = {.carrier = *carrier};
    veld_card card = {
        .device = *veld_store_device(desk->store),
        .seal_key = veld_store_seal_key(desk->store)->public_key,
    };
    snprintf(card.name, sizeof card.name, "%s", worker);
    veld_buf_init(&card_bytes, VELD_CARD_BYTES_MAX);
    veld_buf_init(&body, VELD_ENROL_REQUEST_BYTES_MAX);
    VELD_TRY(veld_card_make(&card, &desk->signer, &card_bytes, err));
    request.card = veld_buf_span(&card_bytes);
    VELD_TRY(veld_enrol_code_invitation(code, &request.invitation, err));
    VELD_TRY(veld_env_random(desk->env, request.nonce, sizeof request.nonce, err));
    VELD_TRY(enrol_write_request(&request, &body, err));
    VELD_TRY(enrol_mac(
        &key, VELD_CONTEXT_ENROL_DEVICE, (veld_span){0}, veld_buf_span(&body), &mac, err));
    status = enrol_put_pair(veld_buf_span(&body), veld_hash_span(&mac), out, err);
done:
    veld_wipe(&key, sizeof key);
    veld_buf_release(&card_bytes);
    veld_buf_release(&body);
    return status;
}

/* Is the answer from who knows the code, and to this very request? */
static veld_status check_mac(
    const veld_enrol_code *code, veld_span request, const enrol_reply *reply, veld_error *err)
{
    veld_hash of_request, mac;
    enrol_secret key = secret_of(code);
    veld_status status = veld_sha256(request, &of_request, err);
    if (status == VELD_OK)
        status = enrol_mac(
            &key, VELD_CONTEXT_ENROL_OFFICE, veld_hash_span(&of_request), reply->body, &mac, err);
    veld_wipe(&key, sizeof key);
    if (status == VELD_OK && !veld_span_equal_secret(veld_hash_span(&mac), reply->mac))
        status = veld_fail(err, VELD_E_FORGED, "the answer is not from who made the code");
    return status;
}

static veld_status refusal(const enrol_reply *reply, veld_error *err)
{
    switch (reply->status) {
    case VELD_E_NOT_FOUND:
        return veld_fail(err, reply->status, "the office does not know this code");
    case VELD_E_STALE:
        return veld_fail(err, reply->status, "the code is too old; ask for a new one");
    case VELD_E_EXISTS:
        return veld_fail(err, reply->status, "another device has used this code");
    case VELD_E_NOT_ALLOWED:
        return veld_fail(err, reply->status, "the office refused this device");
    case VELD_E_FORGED:
        return veld_fail(err, reply->status, "the office says the code is wrong");
    default:
        return veld_fail(err, VELD_E_FORM, "the office refused with %d", (int)reply->status);
    }
}

static veld_status check_content(const veld_enrol_code *code, const veld_desk *desk,
    const enrol_reply *reply, veld_enrolled *out, veld_error *err)
{
    veld_status status;
    veld_enrolled read = {
        .statement = reply->statement,
        .certificate = reply->certificate,
        .ca = reply->ca,
        .entry_bytes = reply->entry,
    };
    VELD_TRY(veld_agency_read(reply->statement, &desk->verifier, &read.agency, err));
    if (!veld_enrol_code_fits_ca(code, &read.agency.ca_hash)) {
        status = veld_fail(err, VELD_E_WRONG_DEVICE, "the statement is of another agency");
        goto done;
    }
    VELD_TRY(veld_directory_read(
        reply->entry, &desk->verifier, &read.agency.merger_key, &read.entry, err));
    if (!veld_id_equal(&read.entry.device, veld_store_device(desk->store)) ||
        !veld_p256_public_equal(&read.entry.sign_key, &desk->signer.public_key) ||
        !veld_p256_public_equal(
            &read.entry.seal_key, &veld_store_seal_key(desk->store)->public_key)) {
        status = veld_fail(err, VELD_E_FORGED, "the directory has other keys for this device");
        goto done;
    }
    *out = read;
done:
    return status;
}

veld_status veld_enrol_accept(const veld_enrol_code *code, const veld_desk *desk, veld_span request,
    veld_span answer, veld_enrolled *out, veld_error *err)
{
    veld_status status;
    enrol_reply reply;
    veld_enrol_invitation invitation;
    *out = (veld_enrolled){0};
    VELD_TRY(enrol_read_reply(answer, &reply, err));
    VELD_TRY(veld_enrol_code_invitation(code, &invitation, err));
    if (memcmp(&invitation, &reply.invitation, sizeof invitation) != 0) {
        status = veld_fail(err, VELD_E_FORGED, "the answer is to another invitation");
        goto done;
    }
    if (reply.mac.len == 0 && (reply.status == VELD_E_NOT_FOUND || reply.status == VELD_E_FORGED))
        return refusal(&reply, err);
    VELD_TRY(check_mac(code, request, &reply, err));
    if (reply.status != VELD_OK)
        return refusal(&reply, err);
    status = check_content(code, desk, &reply, out, err);
done:
    return status;
}

veld_status veld_enrol_keep(const veld_desk *desk, const veld_enrolled *enrolled, veld_error *err)
{
    veld_status status;
    VELD_TRY(veld_store_begin(desk->store, err));
    status = veld_agency_put(desk->store, &desk->verifier, enrolled->statement, err);
    if (status == VELD_OK)
        status = veld_directory_put(desk->store, &desk->verifier, &enrolled->agency.merger_key,
            enrolled->entry_bytes, NULL, err);
    status = veld_store_end(desk->store, status, err);
done:
    return status;
}

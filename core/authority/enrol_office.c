/* The office's side of enrolment: invitations in the merger's store, each a small state machine:
 *
 *   OPEN ------------------------> USED        a device asked; no confirmation was wanted
 *     \                             ^
 *      +--> WAITING --> APPROVED ---+          a person compared the check codes
 *                  \--> REFUSED
 *
 * A request that was answered gets the same answer again, so a lost answer does no harm. */
#include "veldkit/enrol.h"

#include <stdio.h>
#include <string.h>

#include "enrol_inner.h"
#include "veldkit/context.h"
#include "veldkit/hash.h"
#include "veldkit/limits.h"

#define GROUP "invitations"

enum { ROW_ITEMS = 10, ROW_BYTES_MAX = 1024 + VELD_ENROL_ANSWER_BYTES_MAX };

typedef struct invitation_row {
    veld_invitation open;
    enrol_secret key;
    veld_hash request; /* of the device that asked */
    veld_span answer;  /* once used; a view into `bytes` */
    veld_buf bytes;
} invitation_row;

static veld_status put_row(veld_store *store, const invitation_row *row, veld_error *err)
{
    veld_buf bytes;
    const veld_invitation *open = &row->open;
    veld_buf_init(&bytes, ROW_BYTES_MAX);
    veld_cbor_writer writer = veld_cbor_write(&bytes);
    veld_cbor_put_array(&writer, ROW_ITEMS);
    veld_cbor_put_uint(&writer, (uint64_t)open->state);
    veld_cbor_put_boolean(&writer, open->confirm);
    veld_cbor_put_int(&writer, open->expires_utc_ms);
    veld_cbor_put_text(&writer, veld_span_text(open->worker));
    veld_cbor_put_bytes(&writer, veld_id_span(&open->device));
    veld_cbor_put_text(&writer, veld_span_text(open->check));
    veld_cbor_put_bytes(&writer, veld_span_of(row->key.secret, sizeof row->key.secret));
    veld_cbor_put_bytes(&writer, veld_span_of(row->key.ca, sizeof row->key.ca));
    veld_cbor_put_bytes(&writer, veld_hash_span(&row->request));
    veld_cbor_put_bytes(&writer, row->answer);
    veld_status status = veld_cbor_writer_finish(&writer, err);
    if (status == VELD_OK)
        status = veld_store_put_value(store, GROUP,
            veld_span_of(open->id.bytes, sizeof open->id.bytes), veld_buf_span(&bytes), err);
    veld_buf_wipe(&bytes);
    return status;
}

static void read_text(veld_cbor_reader *reader, char *out, size_t size)
{
    veld_span text = veld_cbor_text(reader);
    if (text.len >= size)
        veld_cbor_reader_fail(reader, VELD_E_DAMAGED);
    else if (text.len > 0)
        memcpy(out, text.data, text.len);
}

static veld_status decode_row(veld_span name, veld_span bytes, invitation_row *out, veld_error *err)
{
    veld_invitation *open = &out->open;
    veld_cbor_reader reader = veld_cbor_read(bytes);
    if (veld_cbor_array(&reader, ROW_ITEMS) != ROW_ITEMS || name.len != sizeof open->id.bytes)
        veld_cbor_reader_fail(&reader, VELD_E_DAMAGED);
    else
        memcpy(open->id.bytes, name.data, sizeof open->id.bytes);
    open->state = (veld_invitation_state)veld_cbor_uint(&reader);
    open->confirm = veld_cbor_boolean(&reader);
    open->expires_utc_ms = veld_cbor_int(&reader);
    read_text(&reader, open->worker, sizeof open->worker);
    veld_cbor_fixed(&reader, open->device.bytes, sizeof open->device.bytes);
    read_text(&reader, open->check, sizeof open->check);
    veld_cbor_fixed(&reader, out->key.secret, sizeof out->key.secret);
    veld_cbor_fixed(&reader, out->key.ca, sizeof out->key.ca);
    veld_cbor_fixed(&reader, out->request.bytes, sizeof out->request.bytes);
    out->answer = veld_cbor_bytes(&reader);
    return veld_cbor_reader_finish(&reader, err);
}

/* Release with release_row on every path. */
static veld_status get_row(
    veld_store *store, const veld_enrol_invitation *id, invitation_row *out, veld_error *err)
{
    veld_span name = veld_span_of(id->bytes, sizeof id->bytes);
    *out = (invitation_row){0};
    veld_buf_init(&out->bytes, ROW_BYTES_MAX);
    veld_status status = veld_store_get_value(store, GROUP, name, &out->bytes, err);
    return status == VELD_OK ? decode_row(name, veld_buf_span(&out->bytes), out, err) : status;
}

static void release_row(invitation_row *row)
{
    veld_buf_wipe(&row->bytes);
    veld_wipe(&row->key, sizeof row->key);
}

veld_status veld_enrol_invite(const veld_desk *desk, const veld_enrol_code *code,
    const char *worker, bool confirm, veld_error *err)
{
    veld_span name = veld_span_text(worker);
    invitation_row row = {
        .open.state = VELD_INVITATION_OPEN,
        .open.confirm = confirm,
        .open.expires_utc_ms = veld_env_now(desk->env).wall_utc_ms + VELD_ENROL_CODE_MS,
    };
    if (name.len == 0 || name.len > VELD_CARD_NAME_BYTES_MAX || !veld_cbor_text_is_valid(name))
        return veld_fail(err, VELD_E_INVALID, "the worker's name is empty, long or not text");
    memcpy(row.open.worker, name.data, name.len);
    memcpy(row.key.secret, code->secret, sizeof row.key.secret);
    memcpy(row.key.ca, code->ca, sizeof row.key.ca);
    veld_status status = veld_enrol_code_invitation(code, &row.open.id, err);
    if (status == VELD_OK)
        status = put_row(desk->store, &row, err);
    release_row(&row);
    return status;
}

veld_status veld_enrol_each(veld_store *store, void *context,
    veld_status (*each)(void *context, const veld_invitation *invitation, veld_error *err),
    veld_error *err)
{
    veld_status status;
    bool more = true;
    veld_store_cursor *cursor = NULL;
    VELD_TRY(veld_store_values(store, GROUP, &cursor, err));
    while (more) {
        veld_store_value value;
        invitation_row row = {0};
        VELD_TRY(veld_store_values_next(cursor, &more, &value, err));
        if (!more)
            break;
        status = decode_row(value.name, value.body, &row, err);
        if (status == VELD_OK)
            status = each(context, &row.open, err);
        release_row(&row);
        VELD_TRY(status);
    }
done:
    veld_store_cursor_close(cursor);
    return status;
}

veld_status veld_enrol_decide(
    const veld_desk *desk, const veld_enrol_invitation *invitation, bool approve, veld_error *err)
{
    invitation_row row;
    veld_status status = get_row(desk->store, invitation, &row, err);
    if (status == VELD_OK && row.open.state != VELD_INVITATION_WAITING)
        status = veld_fail(err, VELD_E_STALE, "no device waits for this invitation");
    if (status == VELD_OK) {
        row.open.state = approve ? VELD_INVITATION_APPROVED : VELD_INVITATION_REFUSED;
        status = put_row(desk->store, &row, err);
    }
    release_row(&row);
    return status;
}

/* ---- answering ---- */

/* One request under way. */
typedef struct answering {
    const veld_enrol_office *office;
    enrol_request request;
    veld_hash request_hash;
    veld_card card;
    invitation_row row;
    bool is_proved; /* the device knows the code: the answer has a MAC */
} answering;

static veld_status write_answer(
    const answering *by, enrol_reply *reply, veld_buf *out, veld_error *err)
{
    veld_status status;
    veld_hash mac;
    veld_buf body;
    veld_buf_init(&body, VELD_ENROL_ANSWER_BYTES_MAX);
    reply->invitation = by->request.invitation;
    VELD_TRY(veld_env_random(by->office->desk->env, reply->nonce, sizeof reply->nonce, err));
    VELD_TRY(enrol_write_reply(reply, &body, err));
    if (!by->is_proved) {
        status = enrol_put_pair(veld_buf_span(&body), (veld_span){0}, out, err);
        goto done;
    }
    VELD_TRY(enrol_mac(&by->row.key, VELD_CONTEXT_ENROL_OFFICE, veld_hash_span(&by->request_hash),
        veld_buf_span(&body), &mac, err));
    status = enrol_put_pair(veld_buf_span(&body), veld_hash_span(&mac), out, err);
done:
    veld_buf_release(&body);
    return status;
}

static veld_status refuse(const answering *by, veld_status why, veld_buf *out, veld_error *err)
{
    enrol_reply reply = {.status = why};
    return write_answer(by, &reply, out, err);
}

/* Does the device know the code? */
static veld_status check_proof(answering *by, veld_error *err)
{
    veld_hash mac;
    veld_status status = enrol_mac(
        &by->row.key, VELD_CONTEXT_ENROL_DEVICE, (veld_span){0}, by->request.body, &mac, err);
    by->is_proved =
        status == VELD_OK && veld_span_equal_secret(veld_hash_span(&mac), by->request.mac);
    return status;
}

static veld_status make_entries(const answering *by, veld_directory_entry *entry, veld_buf *named,
    veld_buf *nameless, veld_error *err)
{
    veld_status status;
    uint64_t position = 0;
    const veld_desk *desk = by->office->desk;
    VELD_TRY(veld_directory_next(desk->store, &position, err));
    *entry = (veld_directory_entry){
        .device = by->card.device,
        .sign_key = by->card.sign_key,
        .seal_key = by->card.seal_key,
        .state = VELD_DEVICE_ACTIVE,
        .position = position,
    };
    VELD_TRY(veld_directory_make(entry, &desk->signer, nameless, err));
    snprintf(entry->worker, sizeof entry->worker, "%s", by->row.open.worker);
    status = veld_directory_make(entry, &desk->signer, named, err);
done:
    return status;
}

/* Entry, invitation and what the caller keeps, in one transaction. */
static veld_status keep(answering *by, const veld_directory_entry *entry, veld_span named,
    veld_span nameless, veld_span answer, veld_error *err)
{
    veld_status status;
    const veld_enrol_office *office = by->office;
    const veld_desk *desk = office->desk;
    by->row.open.state = VELD_INVITATION_USED;
    by->row.open.device = entry->device;
    by->row.request = by->request_hash;
    by->row.answer = answer;
    VELD_TRY(veld_store_begin(desk->store, err));
    status = veld_directory_put(
        desk->store, &desk->verifier, &desk->signer.public_key, named, NULL, err);
    if (status == VELD_OK)
        status = put_row(desk->store, &by->row, err);
    if (status == VELD_OK && office->joined != NULL)
        status = office->joined(office->context, entry, nameless, err);
    status = veld_store_end(desk->store, status, err);
done:
    return status;
}

static veld_status take_in(answering *by, veld_buf *out, veld_error *err)
{
    veld_status status;
    size_t start = out->len;
    veld_directory_entry entry;
    const veld_enrol_office *office = by->office;
    veld_buf certificate, named, nameless;
    veld_buf_init(&certificate, VELD_CERTIFICATE_BYTES_MAX);
    veld_buf_init(&named, VELD_DIRECTORY_BYTES_MAX);
    veld_buf_init(&nameless, VELD_DIRECTORY_BYTES_MAX);
    VELD_TRY(
        office->issue(office->context, &by->card.device, &by->request.carrier, &certificate, err));
    VELD_TRY(make_entries(by, &entry, &named, &nameless, err));
    enrol_reply reply = {
        .statement = office->statement,
        .certificate = veld_buf_span(&certificate),
        .ca = office->ca,
        .entry = veld_buf_span(&named),
    };
    VELD_TRY(write_answer(by, &reply, out, err));
    veld_span answer = veld_span_part(veld_buf_span(out), start, out->len - start);
    status = keep(by, &entry, veld_buf_span(&named), veld_buf_span(&nameless), answer, err);
    if (status != VELD_OK)
        out->len = start;
done:
    veld_buf_release(&certificate);
    veld_buf_release(&named);
    veld_buf_release(&nameless);
    return status;
}

static veld_status let_wait(answering *by, veld_span request, veld_error *err)
{
    veld_invitation *open = &by->row.open;
    open->state = VELD_INVITATION_WAITING;
    open->device = by->card.device;
    by->row.request = by->request_hash;
    veld_status status = veld_enrol_check_code(by->row.key.secret, request, open->check, err);
    return status == VELD_OK ? put_row(by->office->desk->store, &by->row, err) : status;
}

/* Nobody has to approve it; the check code is kept all the same, to be compared later. */
static veld_status take_in_now(answering *by, veld_span request, veld_buf *out, veld_error *err)
{
    veld_status status =
        veld_enrol_check_code(by->row.key.secret, request, by->row.open.check, err);
    return status == VELD_OK ? take_in(by, out, err) : status;
}

/* A request of who knows the code. */
static veld_status judge(answering *by, veld_span request, veld_buf *out, veld_error *err)
{
    const veld_invitation *open = &by->row.open;
    bool is_same = veld_hash_equal(&by->row.request, &by->request_hash);
    bool is_old = veld_env_now(by->office->desk->env).wall_utc_ms > open->expires_utc_ms;
    switch (open->state) {
    case VELD_INVITATION_USED:
        if (!is_same)
            return refuse(by, VELD_E_EXISTS, out, err);
        return veld_buf_append_span(out, by->row.answer) == VELD_OK
                   ? VELD_OK
                   : veld_fail(err, VELD_E_MEMORY, "cannot hold the answer");
    case VELD_INVITATION_REFUSED:
        return refuse(by, VELD_E_NOT_ALLOWED, out, err);
    case VELD_INVITATION_APPROVED:
        return is_same ? take_in(by, out, err) : refuse(by, VELD_E_EXISTS, out, err);
    case VELD_INVITATION_WAITING:
        return is_same ? VELD_OK : refuse(by, VELD_E_EXISTS, out, err);
    default:
        if (is_old)
            return refuse(by, VELD_E_STALE, out, err);
        return open->confirm ? let_wait(by, request, err) : take_in_now(by, request, out, err);
    }
}

veld_status veld_enrol_answer(
    const veld_enrol_office *office, veld_span request, veld_buf *out, veld_error *err)
{
    veld_status status;
    answering by = {.office = office};
    VELD_TRY(enrol_read_request(request, &by.request, err));
    VELD_TRY(veld_card_read(by.request.card, &office->desk->verifier, &by.card, err));
    VELD_TRY(veld_sha256(request, &by.request_hash, err));
    status = get_row(office->desk->store, &by.request.invitation, &by.row, err);
    if (status == VELD_E_NOT_FOUND) {
        status = refuse(&by, VELD_E_NOT_FOUND, out, err);
        goto done;
    }
    VELD_TRY(status);
    VELD_TRY(check_proof(&by, err));
    status = by.is_proved ? judge(&by, request, out, err) : refuse(&by, VELD_E_FORGED, out, err);
done:
    release_row(&by.row);
    return status;
}

/* Renewal: one signed request, one signed answer, on both sides.
 *
 *   request = "VKN1" | [body, signature of the device]
 *   body    = [format 0, device, number, carrier key, recovered, sealed code or empty], or with
 *             format 1 and the edition of the agency's statement behind it, from the second on
 *   answer  = [body, signature of the merger];  body = [format 0, SHA-256 of the request, status,
 *             certificate] */
#include "veldkit/renew.h"

#include <string.h>

#include "enrol_inner.h"
#include "veldkit/context.h"
#include "veldkit/hash.h"
#include "veldkit/hpke.h"
#include "veldkit/limits.h"
#include "veldkit/signed_part.h"
#include "veldkit/sshsig.h"

/* device -> [number, kept, recovered, sealed code, its number, edition] */
#define GROUP "renewals"

enum {
    FORMAT = 0,
    FORMAT_EDITION = 1,
    MAGIC_BYTES = 4,
    BODY_ITEMS = 6, /* and the edition, in the later format */
    ANSWER_ITEMS = 4,
    ROW_ITEMS = 6,
    ROW_ITEMS_FIRST = 5, /* without the edition */
    SEALED_BYTES = VELD_RECOVERY_BYTES + VELD_HPKE_OVERHEAD_BYTES,
    ROW_BYTES_MAX = 512
};

static const char magic[MAGIC_BYTES + 1] = "VKN1";

/* ---- the code ---- */
void veld_recovery_code_format(
    const uint8_t code[VELD_RECOVERY_BYTES], char out[VELD_RECOVERY_CODE_SIZE])
{
    enum { GROUP_SIGNS = 4 };
    enrol_write_signs(
        veld_span_of(code, VELD_RECOVERY_BYTES), VELD_RECOVERY_SIGNS, GROUP_SIGNS, out);
}

veld_status veld_recovery_code_parse(
    veld_span text, uint8_t out[VELD_RECOVERY_BYTES], veld_error *err)
{
    _Static_assert((int)VELD_RECOVERY_BYTES == (int)ENROL_SIGNED_BYTES, "one alphabet, one length");
    return enrol_read_signs(text, out)
               ? VELD_OK
               : veld_fail(err, VELD_E_FORM, "een herstelcode heeft 26 letters en cijfers");
}

/* What the sealed code is bound to. */
typedef struct code_place {
    uint8_t bytes[VELD_ID_BYTES + 8];
} code_place;

static veld_span place_of(const veld_id *device, int64_t number, code_place *out)
{
    uint64_t value = (uint64_t)number;
    memcpy(out->bytes, device->bytes, VELD_ID_BYTES);
    for (size_t i = 0; i < 8; i++)
        out->bytes[VELD_ID_BYTES + i] = (uint8_t)(value >> (56 - 8 * i));
    return veld_span_of(out->bytes, sizeof out->bytes);
}

/* ---- the request ---- */
veld_status veld_renew_request(const veld_desk *desk, const veld_agency *agency,
    const veld_renew_wish *wish, veld_buf *out, veld_error *err)
{
    const veld_id *device = veld_store_device(desk->store);
    code_place place;
    veld_buf sealed, body;
    veld_status status;
    veld_buf_init(&sealed, SEALED_BYTES);
    veld_buf_init(&body, VELD_ENROL_REQUEST_BYTES_MAX);
    if (wish->code != NULL)
        VELD_TRY(veld_hpke_seal(desk->env, &agency->seal_key, VELD_HPKE_DEVICE_CODE,
            place_of(device, wish->number, &place), veld_span_of(wish->code, VELD_RECOVERY_BYTES),
            &sealed, err));
    veld_cbor_writer writer = veld_cbor_write(&body);
    bool is_later = wish->edition > 1;
    veld_cbor_put_array(&writer, is_later ? BODY_ITEMS + 1 : BODY_ITEMS);
    veld_cbor_put_uint(&writer, is_later ? FORMAT_EDITION : FORMAT);
    veld_cbor_put_bytes(&writer, veld_id_span(device));
    veld_cbor_put_int(&writer, wish->number);
    veld_cbor_put_bytes(&writer, veld_p256_public_span(wish->carrier));
    veld_cbor_put_int(&writer, wish->recovered_utc_ms);
    veld_cbor_put_bytes(&writer, veld_buf_span(&sealed));
    if (is_later)
        veld_cbor_put_uint(&writer, wish->edition);
    VELD_TRY(veld_cbor_writer_finish(&writer, err));
    VELD_TRY(veld_buf_append(out, (const uint8_t *)magic, MAGIC_BYTES));
    status = veld_signed_write(&desk->signer, VELD_NAMESPACE_RENEW, veld_buf_span(&body), out, err);

done:
    veld_buf_release(&sealed);
    veld_buf_release(&body);
    return status;
}

bool veld_renew_is_request(veld_span request)
{
    return request.len > MAGIC_BYTES && memcmp(request.data, magic, MAGIC_BYTES) == 0;
}

typedef struct renew_request {
    veld_id device;
    int64_t number;
    veld_p256_public carrier;
    int64_t recovered_utc_ms;
    veld_span sealed;
    uint64_t edition;
    veld_span body;
    veld_signature signature;
} renew_request;

static veld_status read_request(veld_span bytes, renew_request *out, veld_error *err)
{
    veld_status status;
    veld_p256_public checked;
    *out = (renew_request){0};
    if (!veld_renew_is_request(bytes))
        return veld_fail(err, VELD_E_FORM, "not a request of renewal");
    VELD_TRY(veld_signed_read(veld_span_part(bytes, MAGIC_BYTES, bytes.len - MAGIC_BYTES),
        VELD_ENROL_REQUEST_BYTES_MAX, &out->body, &out->signature, err));
    veld_cbor_reader reader = veld_cbor_read(out->body);
    size_t items = veld_cbor_array(&reader, BODY_ITEMS + 1);
    uint64_t format = veld_cbor_uint(&reader);
    if (format > FORMAT_EDITION)
        veld_cbor_reader_fail(&reader, VELD_E_NEWER);
    if (items != BODY_ITEMS + format)
        veld_cbor_reader_fail(&reader, VELD_E_FORM);
    veld_cbor_fixed(&reader, out->device.bytes, sizeof out->device.bytes);
    out->number = veld_cbor_int(&reader);
    veld_cbor_fixed(&reader, out->carrier.bytes, sizeof out->carrier.bytes);
    out->recovered_utc_ms = veld_cbor_int(&reader);
    out->sealed = veld_cbor_bytes(&reader);
    out->edition = format == FORMAT_EDITION ? veld_cbor_uint(&reader) : 1;
    if (out->number <= 0 || out->edition == 0 || out->edition > INT64_MAX ||
        out->recovered_utc_ms < 0 || (out->sealed.len != 0 && out->sealed.len != SEALED_BYTES))
        veld_cbor_reader_fail(&reader, VELD_E_FORM);
    VELD_TRY(veld_cbor_reader_finish(&reader, err));
    status = veld_p256_public_read(veld_p256_public_span(&out->carrier), &checked, err);

done:
    return status;
}

veld_status veld_renew_device(veld_span request, veld_id *out, veld_error *err)
{
    renew_request read;
    veld_status status = read_request(request, &read, err);
    if (status == VELD_OK)
        *out = read.device;
    return status;
}

/* ---- the office ---- */
typedef struct renew_row {
    int64_t number;
    int64_t kept_utc_ms;
    int64_t recovered_utc_ms;
    veld_span sealed;
    int64_t sealed_number; /* of the request that the code came with */
    int64_t edition;       /* of the statement, when it asked last */
    veld_buf bytes;
} renew_row;

/* The row of a device that never asked is zero. Release `bytes`. */
static veld_status get_row(
    veld_store *store, const veld_id *device, renew_row *out, veld_error *err)
{
    *out = (renew_row){0};
    veld_buf_init(&out->bytes, ROW_BYTES_MAX);
    veld_status status = veld_store_get_value(store, GROUP, veld_id_span(device), &out->bytes, err);
    if (status != VELD_OK)
        return status == VELD_E_NOT_FOUND ? VELD_OK : status;
    veld_cbor_reader reader = veld_cbor_read(veld_buf_span(&out->bytes));
    size_t items = veld_cbor_array(&reader, ROW_ITEMS);
    if (items != ROW_ITEMS && items != ROW_ITEMS_FIRST)
        veld_cbor_reader_fail(&reader, VELD_E_DAMAGED);
    out->number = veld_cbor_int(&reader);
    out->kept_utc_ms = veld_cbor_int(&reader);
    out->recovered_utc_ms = veld_cbor_int(&reader);
    out->sealed = veld_cbor_bytes(&reader);
    out->sealed_number = veld_cbor_int(&reader);
    out->edition = items == ROW_ITEMS ? veld_cbor_int(&reader) : 1;
    return veld_cbor_reader_finish(&reader, err);
}

static veld_status put_row(
    veld_store *store, const veld_id *device, const renew_row *row, veld_error *err)
{
    veld_buf bytes;
    veld_buf_init(&bytes, ROW_BYTES_MAX);
    veld_cbor_writer writer = veld_cbor_write(&bytes);
    veld_cbor_put_array(&writer, ROW_ITEMS);
    veld_cbor_put_int(&writer, row->number);
    veld_cbor_put_int(&writer, row->kept_utc_ms);
    veld_cbor_put_int(&writer, row->recovered_utc_ms);
    veld_cbor_put_bytes(&writer, row->sealed);
    veld_cbor_put_int(&writer, row->sealed_number);
    veld_cbor_put_int(&writer, row->edition);
    veld_status status = veld_cbor_writer_finish(&writer, err);
    if (status == VELD_OK)
        status =
            veld_store_put_value(store, GROUP, veld_id_span(device), veld_buf_span(&bytes), err);
    veld_buf_release(&bytes);
    return status;
}

/* Who asks is who the directory says, now; a request that somebody kept comes too late. */
static veld_status judge(
    const veld_desk *desk, const renew_request *request, const renew_row *row, veld_error *err)
{
    veld_directory_entry entry;
    veld_status status = veld_directory_find(desk->store, &request->device, &entry, err);
    if (status == VELD_E_NOT_FOUND)
        return veld_fail(err, VELD_E_NOT_ALLOWED, "a device that is not in the directory");
    if (status != VELD_OK)
        return status;
    VELD_TRY(veld_sshsig_verify(&desk->verifier, &entry.sign_key, VELD_NAMESPACE_RENEW,
        request->body, &request->signature, err));
    if (entry.state != VELD_DEVICE_ACTIVE)
        return veld_fail(err, VELD_E_NOT_ALLOWED, "a device that was revoked");
    if (request->number < row->number)
        return veld_fail(err, VELD_E_STALE, "a request that is older than the last one");

done:
    return status;
}

static veld_status keep(
    const veld_desk *desk, const renew_request *request, renew_row *row, veld_error *err)
{
    if (request->number == row->number)
        return VELD_OK; /* the same again: its answer was lost */
    row->number = request->number;
    row->edition = (int64_t)request->edition;
    if (request->recovered_utc_ms != 0) {
        char device[VELD_ID_TEXT_SIZE];
        veld_id_format(&request->device, device);
        veld_env_log(
            desk->env, VELD_LOG_INFO, "device %s: was opened with its recovery code", device);
        row->recovered_utc_ms = request->recovered_utc_ms;
    }
    if (request->sealed.len > 0) {
        row->sealed = request->sealed;
        row->sealed_number = request->number;
        row->kept_utc_ms = veld_env_now(desk->env).wall_utc_ms;
    }
    return put_row(desk->store, &request->device, row, err);
}

static bool is_refusal(veld_status status)
{
    return status == VELD_E_NOT_ALLOWED || status == VELD_E_STALE || status == VELD_E_FORGED;
}

static veld_status write_answer(const veld_desk *desk, veld_span request, veld_status outcome,
    veld_span certificate, veld_buf *out, veld_error *err)
{
    veld_hash hash;
    veld_buf body;
    veld_status status;
    veld_buf_init(&body, VELD_ENROL_ANSWER_BYTES_MAX);
    VELD_TRY(veld_sha256(request, &hash, err));
    veld_cbor_writer writer = veld_cbor_write(&body);
    veld_cbor_put_array(&writer, ANSWER_ITEMS);
    veld_cbor_put_uint(&writer, FORMAT);
    veld_cbor_put_bytes(&writer, veld_hash_span(&hash));
    veld_cbor_put_int(&writer, outcome);
    veld_cbor_put_bytes(&writer, certificate);
    VELD_TRY(veld_cbor_writer_finish(&writer, err));
    status = veld_signed_write(&desk->signer, VELD_NAMESPACE_RENEW, veld_buf_span(&body), out, err);

done:
    veld_buf_release(&body);
    return status;
}

veld_status veld_renew_answer(
    const veld_enrol_office *office, veld_span request, veld_buf *out, veld_error *err)
{
    const veld_desk *desk = office->desk;
    renew_request asked;
    renew_row row = {0};
    veld_buf certificate;
    veld_status status;
    veld_buf_init(&certificate, VELD_CERTIFICATE_BYTES_MAX);
    VELD_TRY(read_request(request, &asked, err));
    VELD_TRY(get_row(desk->store, &asked.device, &row, err));
    veld_status outcome = judge(desk, &asked, &row, err);
    if (outcome != VELD_OK && !is_refusal(outcome))
        VELD_TRY(outcome);
    if (outcome == VELD_OK) {
        VELD_TRY(keep(desk, &asked, &row, err));
        VELD_TRY(office->issue(office->context, &asked.device, &asked.carrier, &certificate, err));
    }
    status = write_answer(desk, request, outcome, veld_buf_span(&certificate), out, err);

done:
    veld_buf_release(&row.bytes);
    veld_buf_release(&certificate);
    return status;
}

/* By the present seal key, or by one of before. */
static veld_status open_code(const veld_desk *desk, const veld_id *device, const renew_row *row,
    veld_buf *code, veld_error *err)
{
    code_place place;
    const veld_p256_private *key;
    veld_status status = VELD_E_FORGED;
    veld_buf_init(code, VELD_RECOVERY_BYTES);
    if (row->sealed.len == 0)
        return veld_fail(err, VELD_E_NOT_FOUND, "this device has not handed in a code yet");
    for (size_t i = 0; status == VELD_E_FORGED && (key = veld_store_seal_key_at(desk->store, i));
         i++)
        status = veld_hpke_open(key, VELD_HPKE_DEVICE_CODE,
            place_of(device, row->sealed_number, &place), row->sealed, code, err);
    if (status == VELD_OK && code->len != VELD_RECOVERY_BYTES)
        status = veld_fail(err, VELD_E_DAMAGED, "a code of another length");
    return status;
}

/* None was handed in, or none of our keys opens what was: its device made it so, and no other one
 * waits for that. */
static bool has_no_code(const veld_desk *desk, const veld_id *device, veld_status status)
{
    char text[VELD_ID_TEXT_SIZE];
    if (status != VELD_E_FORGED && status != VELD_E_DAMAGED)
        return status == VELD_E_NOT_FOUND;
    veld_id_format(device, text);
    veld_env_log(desk->env, VELD_LOG_WARNING,
        "device %s: its recovery code cannot be opened, and is not sealed again", text);
    return true;
}

static veld_status rewrap_one(
    const veld_desk *desk, const veld_id *device, size_t *count, veld_error *err)
{
    renew_row row = {0};
    code_place place;
    veld_buf code = {0}, sealed;
    veld_status status;
    veld_buf_init(&sealed, SEALED_BYTES);
    VELD_TRY(get_row(desk->store, device, &row, err));
    status = open_code(desk, device, &row, &code, err);
    if (has_no_code(desk, device, status)) {
        status = VELD_OK;
        goto done;
    }
    VELD_TRY(status);
    VELD_TRY(veld_hpke_seal(desk->env, &veld_store_seal_key(desk->store)->public_key,
        VELD_HPKE_DEVICE_CODE, place_of(device, row.sealed_number, &place), veld_buf_span(&code),
        &sealed, err));
    row.sealed = veld_buf_span(&sealed);
    status = put_row(desk->store, device, &row, err);
    *count += status == VELD_OK;

done:
    veld_buf_wipe(&code);
    veld_buf_release(&sealed);
    veld_buf_release(&row.bytes);
    return status;
}

veld_status veld_recovery_rewrap(const veld_desk *desk, size_t *count, veld_error *err)
{
    veld_id *devices;
    size_t devices_count;
    veld_status status;
    *count = 0;
    VELD_TRY(veld_store_value_ids(desk->store, GROUP, &devices, &devices_count, err));
    VELD_TRY(veld_store_begin(desk->store, err));
    for (size_t i = 0; i < devices_count && status == VELD_OK; i++)
        status = rewrap_one(desk, &devices[i], count, err);
    status = veld_store_end(desk->store, status, err);

done:
    veld_release(devices);
    return status;
}

veld_status veld_renew_edition(
    veld_store *store, const veld_id *device, uint64_t *out, veld_error *err)
{
    renew_row row = {0};
    veld_status status = get_row(store, device, &row, err);
    *out = row.edition > 1 ? (uint64_t)row.edition : 1;
    veld_buf_release(&row.bytes);
    return status;
}

veld_status veld_recovery_get(
    const veld_desk *desk, const veld_id *device, veld_recovery *out, veld_error *err)
{
    renew_row row = {0};
    veld_buf code = {0};
    veld_status status;
    *out = (veld_recovery){0};
    VELD_TRY(get_row(desk->store, device, &row, err));
    VELD_TRY(open_code(desk, device, &row, &code, err));
    memcpy(out->code, code.data, sizeof out->code);
    out->kept_utc_ms = row.kept_utc_ms;
    out->recovered_utc_ms = row.recovered_utc_ms;

done:
    veld_buf_wipe(&code);
    veld_buf_release(&row.bytes);
    return status;
}

/* ---- the tablet, again ---- */
static veld_status read_answer(
    veld_span body, const veld_hash *request, veld_span *certificate, veld_error *err)
{
    veld_hash about;
    veld_status status;
    veld_cbor_reader reader = veld_cbor_read(body);
    if (veld_cbor_array(&reader, ANSWER_ITEMS) != ANSWER_ITEMS)
        veld_cbor_reader_fail(&reader, VELD_E_FORM);
    if (veld_cbor_uint(&reader) > FORMAT)
        veld_cbor_reader_fail(&reader, VELD_E_NEWER);
    veld_cbor_fixed(&reader, about.bytes, sizeof about.bytes);
    int64_t outcome = veld_cbor_int(&reader);
    *certificate = veld_cbor_bytes(&reader);
    VELD_TRY(veld_cbor_reader_finish(&reader, err));
    if (!veld_hash_equal(&about, request))
        return veld_fail(err, VELD_E_FORGED, "the answer to another request");
    if (outcome == VELD_OK)
        return VELD_OK;
    return veld_fail(err, outcome == VELD_E_STALE ? VELD_E_STALE : VELD_E_NOT_ALLOWED,
        "the office does not renew this device");

done:
    return status;
}

veld_status veld_renew_accept(const veld_desk *desk, const veld_agency *agency, veld_span request,
    veld_span answer, veld_span *certificate, veld_error *err)
{
    veld_hash hash;
    veld_span body = {0};
    veld_signature signature;
    veld_status status;
    VELD_TRY(veld_sha256(request, &hash, err));
    VELD_TRY(veld_signed_read(answer, VELD_ENROL_ANSWER_BYTES_MAX, &body, &signature, err));
    VELD_TRY(veld_sshsig_verify(
        &desk->verifier, &agency->merger_key, VELD_NAMESPACE_RENEW, body, &signature, err));
    status = read_answer(body, &hash, certificate, err);

done:
    return status;
}

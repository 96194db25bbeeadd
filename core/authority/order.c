/* The forms of orders and confirmations. What they cause is the engine's (sync_orders.c). */
#include "veldkit/order.h"

#include "veldkit/context.h"
#include "veldkit/limits.h"
#include "veldkit/signed_part.h"

enum {
    FORMAT = 0,
    KEY_FORMAT = 0,
    KEY_DEVICE,
    KEY_SERIAL,
    /* an order */
    KEY_PREVIOUS = 3,
    KEY_KIND,
    KEY_REASON,
    KEY_CASE,
    KEY_TIME,
    ORDER_KEYS,
    /* a confirmation */
    KEY_ORDER = 3,
    KEY_DONE,
    KEY_INCARNATION,
    KEY_LAST,
    CONFIRMATION_KEYS,
    KEY_STAND_IN = CONFIRMATION_KEYS, /* may be left out */
    CONFIRMATION_KEYS_ALL,
    /* a stand-in */
    KEY_CARRIER = 2,
    STAND_IN_KEYS
};

static void put_start(veld_cbor_writer *writer, size_t keys, const veld_id *device, uint64_t serial)
{
    veld_cbor_put_map(writer, keys);
    veld_cbor_put_uint(writer, KEY_FORMAT);
    veld_cbor_put_uint(writer, FORMAT);
    veld_cbor_put_uint(writer, KEY_DEVICE);
    veld_cbor_put_bytes(writer, veld_id_span(device));
    veld_cbor_put_uint(writer, KEY_SERIAL);
    veld_cbor_put_uint(writer, serial);
}

static veld_status sign_body(veld_cbor_writer *writer, const veld_signer *signer,
    const char *name_space, veld_buf *body, veld_buf *out, veld_error *err)
{
    veld_status status = veld_cbor_writer_finish(writer, err);
    if (status == VELD_OK)
        status = veld_signed_write(signer, name_space, veld_buf_span(body), out, err);
    veld_buf_release(body);
    return status;
}

veld_status veld_order_make(
    const veld_order *order, const veld_signer *merger, veld_buf *out, veld_error *err)
{
    veld_buf body;
    veld_buf_init(&body, VELD_ORDER_BYTES_MAX);
    veld_cbor_writer writer = veld_cbor_write(&body);
    put_start(&writer, ORDER_KEYS, &order->device, order->serial);
    veld_cbor_put_uint(&writer, KEY_PREVIOUS);
    veld_cbor_put_uint(&writer, order->previous);
    veld_cbor_put_uint(&writer, KEY_KIND);
    veld_cbor_put_uint(&writer, (uint64_t)order->kind);
    veld_cbor_put_uint(&writer, KEY_REASON);
    veld_cbor_put_uint(&writer, (uint64_t)order->reason);
    veld_cbor_put_uint(&writer, KEY_CASE);
    veld_cbor_put_bytes(&writer, veld_id_span(&order->case_id));
    veld_cbor_put_uint(&writer, KEY_TIME);
    veld_cbor_put_int(&writer, order->utc_ms);
    return sign_body(&writer, merger, VELD_NAMESPACE_ORDER, &body, out, err);
}

veld_status veld_confirmation_make(const veld_confirmation *confirmation, const veld_signer *device,
    veld_buf *out, veld_error *err)
{
    veld_buf body;
    veld_buf_init(&body, VELD_ORDER_BYTES_MAX);
    veld_cbor_writer writer = veld_cbor_write(&body);
    put_start(&writer, confirmation->stand_in.len > 0 ? CONFIRMATION_KEYS_ALL : CONFIRMATION_KEYS,
        &confirmation->device, confirmation->serial);
    veld_cbor_put_uint(&writer, KEY_ORDER);
    veld_cbor_put_bytes(&writer, veld_hash_span(&confirmation->order));
    veld_cbor_put_uint(&writer, KEY_DONE);
    veld_cbor_put_int(&writer, confirmation->utc_ms);
    veld_cbor_put_uint(&writer, KEY_INCARNATION);
    veld_cbor_put_bytes(
        &writer, veld_span_of(confirmation->incarnation, sizeof confirmation->incarnation));
    veld_cbor_put_uint(&writer, KEY_LAST);
    veld_cbor_put_uint(&writer, confirmation->last_number);
    if (confirmation->stand_in.len > 0) {
        veld_cbor_put_uint(&writer, KEY_STAND_IN);
        veld_cbor_put_bytes(&writer, confirmation->stand_in);
    }
    return sign_body(&writer, device, VELD_NAMESPACE_CONFIRMATION, &body, out, err);
}

veld_status veld_stand_in_make(const veld_id *device, const veld_p256_public *carrier,
    const veld_signer *signer, veld_buf *out, veld_error *err)
{
    veld_buf body;
    veld_buf_init(&body, VELD_ORDER_BYTES_MAX);
    veld_cbor_writer writer = veld_cbor_write(&body);
    veld_cbor_put_map(&writer, STAND_IN_KEYS);
    veld_cbor_put_uint(&writer, KEY_FORMAT);
    veld_cbor_put_uint(&writer, FORMAT);
    veld_cbor_put_uint(&writer, KEY_DEVICE);
    veld_cbor_put_bytes(&writer, veld_id_span(device));
    veld_cbor_put_uint(&writer, KEY_CARRIER);
    veld_cbor_put_bytes(&writer, veld_p256_public_span(carrier));
    return sign_body(&writer, signer, VELD_NAMESPACE_STAND_IN, &body, out, err);
}

/* ---- reading ---- */

static void read_format(veld_cbor_reader *reader)
{
    if (veld_cbor_uint(reader) > FORMAT)
        veld_cbor_reader_fail(reader, VELD_E_NEWER);
}

static uint64_t read_serial(veld_cbor_reader *reader)
{
    uint64_t serial = veld_cbor_uint(reader);
    if (serial == 0 || serial > INT64_MAX)
        veld_cbor_reader_fail(reader, VELD_E_FORM);
    return serial;
}

/* A number from 1 to `last`; a higher one is a newer program's. */
static uint64_t read_choice(veld_cbor_reader *reader, uint64_t last)
{
    uint64_t number = veld_cbor_uint(reader);
    if (number > last)
        veld_cbor_reader_fail(reader, VELD_E_NEWER);
    else if (number == 0)
        veld_cbor_reader_fail(reader, VELD_E_FORM);
    return number;
}

static void read_order_key(veld_cbor_reader *reader, uint64_t key, void *to)
{
    veld_order *out = to;
    switch (key) {
    case KEY_FORMAT:
        read_format(reader);
        break;
    case KEY_DEVICE:
        veld_cbor_fixed(reader, out->device.bytes, sizeof out->device.bytes);
        break;
    case KEY_SERIAL:
        out->serial = read_serial(reader);
        break;
    case KEY_PREVIOUS:
        out->previous = veld_cbor_uint(reader);
        if (out->previous >= out->serial)
            veld_cbor_reader_fail(reader, VELD_E_FORM);
        break;
    case KEY_KIND:
        out->kind = (veld_order_kind)read_choice(reader, VELD_ORDER_WIPE);
        break;
    case KEY_REASON:
        out->reason = (veld_order_reason)read_choice(reader, VELD_ORDER_LOST);
        break;
    case KEY_CASE:
        veld_cbor_fixed(reader, out->case_id.bytes, sizeof out->case_id.bytes);
        if (veld_id_is_zero(&out->case_id) != (out->kind == VELD_ORDER_WIPE))
            veld_cbor_reader_fail(reader, VELD_E_FORM);
        break;
    default:
        out->utc_ms = veld_cbor_int(reader);
        break;
    }
}

static void read_confirmation_key(veld_cbor_reader *reader, uint64_t key, void *to)
{
    veld_confirmation *out = to;
    switch (key) {
    case KEY_FORMAT:
        read_format(reader);
        break;
    case KEY_DEVICE:
        veld_cbor_fixed(reader, out->device.bytes, sizeof out->device.bytes);
        break;
    case KEY_SERIAL:
        out->serial = read_serial(reader);
        break;
    case KEY_ORDER:
        veld_cbor_fixed(reader, out->order.bytes, sizeof out->order.bytes);
        break;
    case KEY_DONE:
        out->utc_ms = veld_cbor_int(reader);
        break;
    case KEY_INCARNATION:
        veld_cbor_fixed(reader, out->incarnation, sizeof out->incarnation);
        break;
    case KEY_LAST:
        out->last_number = veld_cbor_uint(reader);
        if (out->last_number > INT64_MAX)
            veld_cbor_reader_fail(reader, VELD_E_FORM);
        break;
    default:
        out->stand_in = veld_cbor_bytes(reader);
        if (out->stand_in.len == 0)
            veld_cbor_reader_fail(reader, VELD_E_FORM);
        break;
    }
}

typedef struct stand_in {
    veld_id device;
    veld_p256_public carrier;
} stand_in;

static void read_stand_in_key(veld_cbor_reader *reader, uint64_t key, void *to)
{
    stand_in *out = to;
    switch (key) {
    case KEY_FORMAT:
        read_format(reader);
        break;
    case KEY_DEVICE:
        veld_cbor_fixed(reader, out->device.bytes, sizeof out->device.bytes);
        break;
    default:
        veld_cbor_fixed(reader, out->carrier.bytes, sizeof out->carrier.bytes);
        break;
    }
}

static const veld_signed_form ORDER_FORM = {
    VELD_NAMESPACE_ORDER, VELD_ORDER_BYTES_MAX, ORDER_KEYS, ORDER_KEYS, read_order_key};
static const veld_signed_form CONFIRMATION_FORM = {VELD_NAMESPACE_CONFIRMATION,
    VELD_ORDER_BYTES_MAX, CONFIRMATION_KEYS, CONFIRMATION_KEYS_ALL, read_confirmation_key};
static const veld_signed_form STAND_IN_FORM = {
    VELD_NAMESPACE_STAND_IN, VELD_ORDER_BYTES_MAX, STAND_IN_KEYS, STAND_IN_KEYS, read_stand_in_key};

veld_status veld_order_read(veld_span bytes, const veld_verifier *verifier,
    const veld_p256_public *key, veld_order *out, veld_error *err)
{
    veld_status status;
    veld_order order = {0};
    *out = (veld_order){0};
    VELD_TRY(veld_signed_decode(bytes, &ORDER_FORM, &order, err));
    VELD_TRY(veld_signed_verify_at(
        bytes, &ORDER_FORM, verifier, key, (veld_sign_place){.serial = order.serial}, err));
    *out = order;
done:
    return status;
}

veld_status veld_confirmation_read(veld_span bytes, veld_confirmation *out, veld_error *err)
{
    veld_confirmation confirmation = {0};
    veld_status status = veld_signed_decode(bytes, &CONFIRMATION_FORM, &confirmation, err);
    *out = status == VELD_OK ? confirmation : (veld_confirmation){0};
    return status;
}

veld_status veld_confirmation_verify(
    veld_span bytes, const veld_verifier *verifier, const veld_p256_public *key, veld_error *err)
{
    veld_status status;
    veld_confirmation confirmation;
    stand_in by = {.carrier = *key};
    VELD_TRY(veld_confirmation_read(bytes, &confirmation, err));
    if (confirmation.stand_in.len > 0) {
        VELD_TRY(veld_signed_decode(confirmation.stand_in, &STAND_IN_FORM, &by, err));
        VELD_TRY(veld_signed_verify(confirmation.stand_in, &STAND_IN_FORM, verifier, key, err));
        if (!veld_id_equal(&by.device, &confirmation.device))
            return veld_fail(err, VELD_E_FORGED, "a key that stands in for another device");
    }
    status = veld_signed_verify(bytes, &CONFIRMATION_FORM, verifier, &by.carrier, err);
done:
    return status;
}

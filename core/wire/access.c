/* One entry of the access log as bytes. Texts are bounded and plain, so that no case content gets
 * in by way of a long or structured one; what they say is the caller's promise. */
#include "veldkit/access.h"

#include <string.h>

#include "veldkit/cbor.h"
#include "veldkit/context.h"
#include "veldkit/hash.h"
#include "veldkit/limits.h"
#include "veldkit/signed_part.h"

enum {
    FORMAT = 0,
    KEY_FORMAT = 0,
    KEY_ID,
    KEY_DEVICE,
    KEY_INCARNATION,
    KEY_NUMBER,
    KEY_PREVIOUS,
    KEY_TIME,
    KEY_KIND,
    KEY_OUTCOME,
    KEY_BASIS,
    KEY_EVENT,
    KEY_USER,
    KEY_CASE,
    KEY_COMPARTMENT,
    KEY_SUBJECT,
    KEY_REASON,
    KEYS,
    TIME_ITEMS = 5,
    OFFSET_MAX = 1439
};

/* ---- names ---- */

static const struct {
    const char *name;
    char action;
} kinds[] = {
    {"other", 'E'},
    [VELD_ACCESS_READ] = {"read", 'R'},
    [VELD_ACCESS_WRITE] = {"write", 'U'},
    [VELD_ACCESS_CREATE] = {"create", 'C'},
    [VELD_ACCESS_SEARCH] = {"search", 'R'},
    [VELD_ACCESS_EXPORT] = {"export", 'R'},
    [VELD_ACCESS_PRINT] = {"print", 'R'},
    [VELD_ACCESS_TRANSFER] = {"transfer", 'R'},
    [VELD_ACCESS_EMERGENCY] = {"emergency", 'R'},
    [VELD_ACCESS_LOGIN] = {"login", 'E'},
    [VELD_ACCESS_LOCK] = {"lock", 'E'},
    [VELD_ACCESS_SYNC] = {"sync", 'E'},
    [VELD_ACCESS_ASSIGN] = {"assign", 'E'},
    [VELD_ACCESS_WITHDRAW] = {"withdraw", 'E'},
    [VELD_ACCESS_ERASE] = {"erase", 'D'},
    [VELD_ACCESS_AUDIT] = {"audit", 'R'},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static const char *const bases[] = {"none", "held", "office", "emergency", "legal"};
enum { BASES = sizeof bases / sizeof bases[0] };

const char *veld_access_kind_name(uint8_t kind)
{
    return kinds[kind < KINDS ? kind : 0].name;
}

uint8_t veld_access_kind_find(const char *name)
{
    for (uint8_t kind = VELD_ACCESS_READ; kind < KINDS; kind++)
        if (strcmp(kinds[kind].name, name) == 0)
            return kind;
    return 0;
}

char veld_access_action(uint8_t kind)
{
    return kinds[kind < KINDS ? kind : 0].action;
}

const char *veld_access_basis_name(veld_access_basis basis)
{
    return bases[(size_t)basis < BASES ? basis : 0];
}

/* ---- form ---- */

static bool is_word(veld_span text, bool may_be_empty)
{
    if (text.len > VELD_ACCESS_WORD_BYTES_MAX || (text.len == 0 && !may_be_empty))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = (char)text.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == ' '))
            return false;
    }
    return true;
}

static bool is_plain(veld_span text, size_t max)
{
    if (text.len > max)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] < 0x20 || text.data[i] == 0x7F)
            return false;
    return veld_cbor_text_is_valid(text);
}

static bool is_outcome(uint64_t outcome)
{
    return outcome == VELD_ACCESS_DONE || outcome == VELD_ACCESS_REFUSED ||
           outcome == VELD_ACCESS_FAILED;
}

/* What encoding refuses and decoding too, but for the ranges that reading numbers checks. */
static bool has_form(const veld_access_entry *e)
{
    return !veld_id_is_zero(&e->id) && !veld_id_is_zero(&e->device) && e->number > 0 &&
           e->number <= INT64_MAX && (e->number > 1 || veld_hash_is_zero(&e->previous)) &&
           e->kind > 0 && is_outcome((uint64_t)e->outcome) && (size_t)e->basis < BASES &&
           is_word(e->event, false) && is_plain(e->user, VELD_CARD_NAME_BYTES_MAX) &&
           is_word(e->compartment, true) && is_plain(e->reason, VELD_ACCESS_REASON_BYTES_MAX) &&
           e->time.offset_min >= -OFFSET_MAX && e->time.offset_min <= OFFSET_MAX &&
           (int)e->time.quality >= VELD_CLOCK_ANCHORED &&
           (int)e->time.quality <= VELD_CLOCK_SUSPECT;
}

static void put_id(veld_cbor_writer *writer, const veld_id *id)
{
    if (veld_id_is_zero(id))
        veld_cbor_put_null(writer);
    else
        veld_cbor_put_bytes(writer, veld_id_span(id));
}

static void put_time(veld_cbor_writer *writer, const veld_change_time *time)
{
    veld_cbor_put_array(writer, TIME_ITEMS);
    veld_cbor_put_int(writer, time->wall_utc_ms);
    veld_cbor_put_int(writer, time->offset_min);
    veld_cbor_put_int(writer, time->server_utc_ms);
    veld_cbor_put_int(writer, time->hybrid_ms);
    veld_cbor_put_uint(writer, (uint64_t)time->quality);
}

static void put_value(veld_cbor_writer *writer, uint64_t key, const veld_access_entry *e)
{
    switch (key) {
    case KEY_FORMAT:
        veld_cbor_put_uint(writer, FORMAT);
        break;
    case KEY_ID:
        veld_cbor_put_bytes(writer, veld_id_span(&e->id));
        break;
    case KEY_DEVICE:
        veld_cbor_put_bytes(writer, veld_id_span(&e->device));
        break;
    case KEY_INCARNATION:
        veld_cbor_put_bytes(writer, veld_span_of(e->incarnation, sizeof e->incarnation));
        break;
    case KEY_NUMBER:
        veld_cbor_put_uint(writer, e->number);
        break;
    case KEY_PREVIOUS:
        veld_cbor_put_bytes(writer, veld_hash_span(&e->previous));
        break;
    case KEY_TIME:
        put_time(writer, &e->time);
        break;
    case KEY_KIND:
        veld_cbor_put_uint(writer, e->kind);
        break;
    case KEY_OUTCOME:
        veld_cbor_put_uint(writer, (uint64_t)e->outcome);
        break;
    case KEY_BASIS:
        veld_cbor_put_uint(writer, (uint64_t)e->basis);
        break;
    case KEY_EVENT:
        veld_cbor_put_text(writer, e->event);
        break;
    case KEY_USER:
        veld_cbor_put_text(writer, e->user);
        break;
    case KEY_CASE:
        put_id(writer, &e->case_id);
        break;
    case KEY_COMPARTMENT:
        veld_cbor_put_text(writer, e->compartment);
        break;
    case KEY_SUBJECT:
        put_id(writer, &e->subject);
        break;
    default:
        veld_cbor_put_text(writer, e->reason);
        break;
    }
}

veld_status veld_access_encode(const veld_access_entry *entry, veld_buf *out, veld_error *err)
{
    if (!has_form(entry))
        return veld_fail(err, VELD_E_INVALID, "a line of the access log is outside its form");
    veld_cbor_writer writer = veld_cbor_write(out);
    veld_cbor_put_map(&writer, KEYS);
    for (uint64_t key = 0; key < KEYS; key++) {
        veld_cbor_put_uint(&writer, key);
        put_value(&writer, key, entry);
    }
    return veld_cbor_writer_finish(&writer, err);
}

/* ---- reading ---- */

static void read_id(veld_cbor_reader *reader, veld_id *out)
{
    if (veld_cbor_next(reader) == VELD_CBOR_NULL) {
        veld_cbor_null(reader);
        return;
    }
    veld_cbor_fixed(reader, out->bytes, sizeof out->bytes);
    if (veld_id_is_zero(out))
        veld_cbor_reader_fail(reader, VELD_E_FORM);
}

static uint64_t read_small(veld_cbor_reader *reader, uint64_t max)
{
    uint64_t value = veld_cbor_uint(reader);
    if (value <= max)
        return value;
    veld_cbor_reader_fail(reader, VELD_E_FORM);
    return 0;
}

static void read_time(veld_cbor_reader *reader, veld_change_time *out)
{
    if (veld_cbor_array(reader, TIME_ITEMS) != TIME_ITEMS)
        veld_cbor_reader_fail(reader, VELD_E_FORM);
    out->wall_utc_ms = veld_cbor_int(reader);
    int64_t offset = veld_cbor_int(reader);
    if (offset < -OFFSET_MAX || offset > OFFSET_MAX)
        veld_cbor_reader_fail(reader, VELD_E_FORM);
    else
        out->offset_min = (int32_t)offset;
    out->server_utc_ms = veld_cbor_int(reader);
    out->hybrid_ms = veld_cbor_int(reader);
    out->quality = (veld_clock_quality)read_small(reader, VELD_CLOCK_SUSPECT);
}

static void read_value(veld_cbor_reader *reader, uint64_t key, void *to)
{
    veld_access_entry *e = to;
    switch (key) {
    case KEY_FORMAT:
        if (veld_cbor_uint(reader) > FORMAT)
            veld_cbor_reader_fail(reader, VELD_E_NEWER);
        break;
    case KEY_ID:
        veld_cbor_fixed(reader, e->id.bytes, sizeof e->id.bytes);
        break;
    case KEY_DEVICE:
        veld_cbor_fixed(reader, e->device.bytes, sizeof e->device.bytes);
        break;
    case KEY_INCARNATION:
        veld_cbor_fixed(reader, e->incarnation, sizeof e->incarnation);
        break;
    case KEY_NUMBER:
        e->number = veld_cbor_uint(reader);
        break;
    case KEY_PREVIOUS:
        veld_cbor_fixed(reader, e->previous.bytes, sizeof e->previous.bytes);
        break;
    case KEY_TIME:
        read_time(reader, &e->time);
        break;
    case KEY_KIND:
        e->kind = (uint8_t)read_small(reader, VELD_ACCESS_KIND_MAX);
        break;
    case KEY_OUTCOME:
        e->outcome = (veld_access_outcome)read_small(reader, VELD_ACCESS_FAILED);
        break;
    case KEY_BASIS:
        e->basis = (veld_access_basis)read_small(reader, BASES - 1);
        break;
    case KEY_EVENT:
        e->event = veld_cbor_text(reader);
        break;
    case KEY_USER:
        e->user = veld_cbor_text(reader);
        break;
    case KEY_CASE:
        read_id(reader, &e->case_id);
        break;
    case KEY_COMPARTMENT:
        e->compartment = veld_cbor_text(reader);
        break;
    case KEY_SUBJECT:
        read_id(reader, &e->subject);
        break;
    default:
        e->reason = veld_cbor_text(reader);
        break;
    }
}

veld_status veld_access_decode(veld_span bytes, veld_access_entry *out, veld_error *err)
{
    veld_access_entry entry = {0};
    *out = (veld_access_entry){0};
    if (bytes.len > VELD_ACCESS_ENTRY_BYTES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "a line of the access log of %zu bytes", bytes.len);
    veld_status status = veld_signed_body(bytes, KEYS, KEYS, read_value, &entry, err);
    if (status == VELD_OK && !has_form(&entry))
        status = veld_fail(err, VELD_E_FORM, "a line of the access log that contradicts itself");
    if (status == VELD_OK)
        *out = entry;
    return status;
}

veld_status veld_access_hash(veld_span bytes, veld_hash *out, veld_error *err)
{
    return veld_hash_named(VELD_CONTEXT_HASH_ACCESS, &bytes, 1, out, err);
}

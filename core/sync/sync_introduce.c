/* Introductions on their way. The merger introduces to each other the devices that have or wrote a
 * case, and each device to itself; a newer entry follows the older one to who has that. A device
 * keeps what it cannot prove yet, and looks again when a head of the directory came. */
#include <string.h>

#include "sync_inner.h"
#include "veldkit/assert.h"
#include "veldkit/assignment.h"
#include "veldkit/directory_head.h"
#include "veldkit/hash.h"
#include "veldkit/introduction.h"
#include "veldkit/number.h"

#define ENTRIES    "sync.entries"    /* merger, by device: its newest entry, as it was signed */
#define INTRODUCED "sync.introduced" /* merger, by recipient and device: position of that entry */
#define AUTHORS    "sync.authors"    /* merger, by case: devices that wrote in it */
#define WAITING    "introductions"   /* device, by hash: cannot be proved yet */

enum { PAIR_BYTES = 2 * VELD_ID_BYTES, NUMBER_BYTES = 8, DEVICES_BYTES_MAX = 1 << 20 };

/* ---- the merger: one ---- */

static void name_pair(const veld_id *recipient, const veld_id *device, uint8_t out[PAIR_BYTES])
{
    memcpy(out, recipient->bytes, VELD_ID_BYTES);
    memcpy(out + VELD_ID_BYTES, device->bytes, VELD_ID_BYTES);
}

static veld_status is_introduced(veld_store *store, const uint8_t pair[PAIR_BYTES],
    uint64_t position, bool *out, veld_error *err)
{
    veld_buf value;
    veld_buf_init(&value, NUMBER_BYTES);
    veld_status status =
        veld_store_get_value(store, INTRODUCED, veld_span_of(pair, PAIR_BYTES), &value, err);
    *out = status == VELD_OK && value.len == NUMBER_BYTES && veld_get_u64(value.data) >= position;
    veld_buf_release(&value);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

static veld_status post(veld_sync *sync, const veld_directory_entry *to,
    const veld_directory_entry *who, veld_span entry, veld_error *err)
{
    veld_status status;
    uint8_t name[1 + PAIR_BYTES] = {'i'};
    uint8_t position[NUMBER_BYTES];
    veld_buf bytes;
    const veld_desk *desk = sync->config.desk;
    veld_introduction made = {.recipient = to->device, .entry = entry};
    veld_buf_init(&bytes, VELD_INTRODUCTION_BYTES_MAX);
    name_pair(&to->device, &who->device, name + 1);
    VELD_TRY(veld_directory_prove(desk->store, entry, &made.index, &made.log, &made.place, err));
    VELD_TRY(veld_introduction_make(
        desk->env, &made, who->worker, &to->seal_key, &desk->signer, &bytes, err));
    VELD_TRY(sync_post(sync, veld_span_of(name, sizeof name), VELD_FRAME_INTRODUCTION,
        veld_buf_span(&bytes), err));
    veld_put_u64(position, who->position);
    status = veld_store_put_value(desk->store, INTRODUCED, veld_span_of(name + 1, PAIR_BYTES),
        veld_span_of(position, sizeof position), err);
done:
    veld_buf_release(&bytes);
    return status;
}

/* Passes over who is not in the directory, as the office itself. */
static veld_status introduce(
    veld_sync *sync, const veld_id *recipient, const veld_directory_entry *who, veld_error *err)
{
    veld_status status;
    bool is_done;
    veld_buf entry;
    veld_directory_entry to;
    uint8_t pair[PAIR_BYTES];
    veld_store *store = sync->config.desk->store;
    veld_buf_init(&entry, VELD_DIRECTORY_BYTES_MAX);
    name_pair(recipient, &who->device, pair);
    status = is_introduced(store, pair, who->position, &is_done, err);
    if (status == VELD_OK && is_done)
        goto done;
    if (status == VELD_OK)
        status = veld_directory_find(store, recipient, &to, err);
    if (status == VELD_OK)
        status = veld_store_get_value(store, ENTRIES, veld_id_span(&who->device), &entry, err);
    if (status == VELD_OK)
        status = post(sync, &to, who, veld_buf_span(&entry), err);
done:
    veld_buf_release(&entry);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

/* ---- the merger: who is concerned ---- */

static bool has_device(const veld_buf *devices, const veld_id *device)
{
    for (size_t at = 0; at + VELD_ID_BYTES <= devices->len; at += VELD_ID_BYTES) {
        if (memcmp(devices->data + at, device->bytes, VELD_ID_BYTES) == 0)
            return true;
    }
    return false;
}

static veld_status add_device(veld_buf *devices, const veld_id *device)
{
    return has_device(devices, device) ? VELD_OK
                                       : veld_buf_append_span(devices, veld_id_span(device));
}

static veld_id device_at(const veld_buf *devices, size_t at)
{
    veld_id device;
    memcpy(device.bytes, devices->data + at, sizeof device.bytes);
    return device;
}

static veld_status load_authors(
    veld_store *store, const veld_id *case_id, veld_buf *out, veld_error *err)
{
    veld_buf_init(out, DEVICES_BYTES_MAX);
    veld_status status = veld_store_get_value(store, AUTHORS, veld_id_span(case_id), out, err);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

veld_status sync_note_authors(veld_sync *sync, veld_case *opened, veld_error *err)
{
    veld_status status;
    size_t count = 0;
    veld_buf authors;
    veld_store *store = sync->config.desk->store;
    const veld_id *case_id = veld_case_id(opened);
    VELD_TRY(load_authors(store, case_id, &authors, err));
    size_t before = authors.len;
    const veld_holding *held = veld_graph_holdings(veld_case_graph(opened), &count);
    for (size_t i = 0; held != NULL && i < count; i++)
        VELD_TRY(add_device(&authors, &held[i].chain.device));
    if (authors.len != before)
        VELD_TRY(veld_store_put_value(
            store, AUTHORS, veld_id_span(case_id), veld_buf_span(&authors), err));
    status = sync_introduce_case(sync, case_id, err);
done:
    veld_buf_release(&authors);
    return status;
}

veld_status sync_introduce_case(veld_sync *sync, const veld_id *case_id, veld_error *err)
{
    veld_status status;
    size_t count = 0;
    veld_buf devices;
    veld_assignment *holders = NULL;
    veld_store *store = sync->config.desk->store;
    VELD_TRY(load_authors(store, case_id, &devices, err));
    VELD_TRY(veld_assignments_of_case(store, case_id, &holders, &count, err));
    for (size_t i = 0; i < count; i++)
        VELD_TRY(add_device(&devices, &holders[i].device));
    for (size_t at = 0; at < devices.len; at += VELD_ID_BYTES) {
        veld_directory_entry who;
        veld_id device = device_at(&devices, at);
        status = veld_directory_find(store, &device, &who, err);
        for (size_t i = 0; status == VELD_OK && i < count; i++)
            status = introduce(sync, &holders[i].device, &who, err);
        if (status != VELD_E_NOT_FOUND)
            VELD_TRY(status);
    }
    status = VELD_OK;
done:
    veld_release(holders);
    veld_buf_release(&devices);
    return status;
}

/* Who has the entry before. */
static veld_status list_knowing(
    veld_store *store, const veld_id *device, veld_buf *out, veld_error *err)
{
    veld_status status;
    bool more = true;
    veld_store_cursor *cursor = NULL;
    VELD_TRY(veld_store_values(store, INTRODUCED, &cursor, err));
    while (more) {
        veld_store_value value;
        VELD_TRY(veld_store_values_next(cursor, &more, &value, err));
        if (more && value.name.len == PAIR_BYTES &&
            memcmp(value.name.data + VELD_ID_BYTES, device->bytes, VELD_ID_BYTES) == 0)
            VELD_TRY(veld_buf_append(out, value.name.data, VELD_ID_BYTES));
    }
done:
    veld_store_cursor_close(cursor);
    return status;
}

veld_status sync_introduce_entry(
    veld_sync *sync, const veld_id *device, veld_span entry, veld_error *err)
{
    veld_status status;
    veld_buf knowing;
    veld_directory_entry who;
    veld_store *store = sync->config.desk->store;
    veld_buf_init(&knowing, DEVICES_BYTES_MAX);
    VELD_TRY(veld_store_put_value(store, ENTRIES, veld_id_span(device), entry, err));
    VELD_TRY(veld_directory_find(store, device, &who, err));
    VELD_TRY(introduce(sync, device, &who, err));
    VELD_TRY(list_knowing(store, device, &knowing, err));
    for (size_t at = 0; at < knowing.len; at += VELD_ID_BYTES) {
        veld_id recipient = device_at(&knowing, at);
        VELD_TRY(introduce(sync, &recipient, &who, err));
    }
done:
    veld_buf_release(&knowing);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

/* ---- a device ---- */

static veld_status keep_waiting(veld_sync *sync, veld_span body, veld_error *err)
{
    veld_hash id;
    veld_status status = veld_sha256(body, &id, err);
    return status == VELD_OK ? veld_store_put_value(sync->config.desk->store, WAITING,
                                   veld_hash_span(&id), body, err)
                             : status;
}

static veld_status check(veld_sync *sync, veld_span body, veld_introduction *out, veld_error *why)
{
    veld_status status;
    const veld_desk *desk = sync->config.desk;
    VELD_TRY(veld_introduction_read(body, out, why));
    VELD_TRY(veld_introduction_verify(
        body, out, &desk->verifier, &sync->config.agency->merger_key, why));
    if (!veld_id_equal(&out->recipient, veld_store_device(desk->store)))
        status = veld_fail(why, VELD_E_NOT_ALLOWED, "an introduction to another device");
done:
    return status;
}

static veld_status take_over(
    veld_sync *sync, const veld_introduction *introduction, bool *changed, veld_error *err)
{
    char name[VELD_CARD_NAME_BYTES_MAX + 1];
    const veld_desk *desk = sync->config.desk;
    veld_status status;
    VELD_TRY(veld_introduction_name(introduction, veld_store_seal_key(desk->store), name, err));
    VELD_TRY(veld_directory_put(desk->store, &desk->verifier, &sync->config.agency->merger_key,
        introduction->entry, changed, err));
    VELD_TRY(
        veld_directory_note_proved(desk->store, introduction->entry, introduction->log.size, err));
    if (name[0] != '\0')
        status = veld_directory_put_name(desk->store, introduction->entry, name, err);
done:
    return status;
}

/* `*waits`: heads up to it did not come yet. */
static veld_status take(
    veld_sync *sync, veld_span body, bool *changed, bool *waits, veld_error *err)
{
    veld_hash root;
    veld_introduction introduction;
    veld_error why = {0};
    *changed = *waits = false;
    veld_status status = check(sync, body, &introduction, &why);
    if (status == VELD_OK) {
        status =
            veld_directory_root_at(sync->config.desk->store, introduction.log.size, &root, &why);
        *waits = status == VELD_E_NOT_FOUND;
        if (*waits)
            return VELD_OK;
    }
    if (status == VELD_OK && !veld_hash_equal(&root, &introduction.log.root)) {
        sync_tell(sync, &(veld_sync_event){.kind = VELD_SYNC_DIRECTORY_BROKEN,
                            .status = VELD_E_FORGED,
                            .text = "an entry of another history of the directory"});
        return VELD_OK;
    }
    if (status == VELD_OK)
        status = take_over(sync, &introduction, changed, &why);
    return sync_pass_over(sync, &(veld_id){{0}}, status, &why, err);
}

veld_status sync_take_introduction(veld_sync *sync, veld_span body, bool *changed, veld_error *err)
{
    bool waits;
    veld_status status = take(sync, body, changed, &waits, err);
    return status == VELD_OK && waits ? keep_waiting(sync, body, err) : status;
}

veld_status sync_retry_introductions(veld_sync *sync, bool *changed, veld_error *err)
{
    veld_status status;
    bool more = true;
    veld_buf all;
    veld_store_cursor *cursor = NULL;
    veld_store *store = sync->config.desk->store;
    *changed = false;
    veld_buf_init(&all, VELD_STORE_BODY_BYTES_MAX);
    VELD_TRY(veld_store_values(store, WAITING, &cursor, err));
    while (more) {
        veld_store_value value;
        uint8_t len[4];
        VELD_TRY(veld_store_values_next(cursor, &more, &value, err));
        if (!more || all.len > VELD_STORE_BODY_BYTES_MAX / 2)
            break;
        veld_put_u32(len, (uint32_t)value.body.len);
        VELD_TRY(veld_buf_append(&all, len, sizeof len));
        VELD_TRY(veld_buf_append_span(&all, value.body));
    }
    veld_store_cursor_close(cursor);
    cursor = NULL;
    for (size_t at = 0; at < all.len;) {
        bool one, waits;
        veld_hash id;
        veld_span body = veld_span_of(all.data + at + 4, veld_get_u32(all.data + at));
        at += 4 + body.len;
        VELD_TRY(take(sync, body, &one, &waits, err));
        *changed = *changed || one;
        VELD_TRY(veld_sha256(body, &id, err));
        if (!waits)
            VELD_TRY(veld_store_delete_value(store, WAITING, veld_hash_span(&id), err));
    }
done:
    veld_store_cursor_close(cursor);
    veld_buf_release(&all);
    return status;
}

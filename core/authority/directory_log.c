/* The directory as the merger keeps it: every entry it ever signed, in order, as a Merkle log. Rows
 * are written from the leaf up and the size last, so what a crash left behind the size is written
 * again and never believed. */
#include <string.h>

#include "directory_inner.h"
#include "veldkit/cbor.h"
#include "veldkit/directory_head.h"
#include "veldkit/frame.h"
#include "veldkit/hash.h"
#include "veldkit/log.h"
#include "veldkit/number.h"

#define GROUP_ENTRIES "directory.log"   /* by index: the entry */
#define GROUP_NODES   "directory.nodes" /* by level and index */
#define GROUP_INDEX   "directory.index" /* by the id of an entry: its index */
#define GROUP_SIZE    "directory.size"
#define NAME_SIZE     "size"

enum { NUMBER_BYTES = 8, NODE_NAME_BYTES = 9 };

static veld_status get_number(
    veld_store *store, const char *group, veld_span name, uint64_t *out, veld_error *err)
{
    veld_buf bytes;
    veld_buf_init(&bytes, NUMBER_BYTES);
    veld_status status = veld_store_get_value(store, group, name, &bytes, err);
    if (status == VELD_OK && bytes.len != NUMBER_BYTES)
        status = veld_fail(err, VELD_E_DAMAGED, "a number of the directory's log is damaged");
    if (status == VELD_OK)
        *out = veld_get_u64(bytes.data);
    veld_buf_release(&bytes);
    return status;
}

static veld_status put_number(
    veld_store *store, const char *group, veld_span name, uint64_t number, veld_error *err)
{
    uint8_t bytes[NUMBER_BYTES];
    veld_put_u64(bytes, number);
    return veld_store_put_value(store, group, name, veld_span_of(bytes, sizeof bytes), err);
}

veld_status veld_directory_size(veld_store *store, uint64_t *out, veld_error *err)
{
    *out = 0;
    veld_status status = get_number(store, GROUP_SIZE, veld_span_text(NAME_SIZE), out, err);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

/* ---- nodes ---- */
static void node_name(unsigned level, uint64_t index, uint8_t out[NODE_NAME_BYTES])
{
    out[0] = (uint8_t)level;
    veld_put_u64(out + 1, index);
}

static veld_status put_node(
    void *context, unsigned level, uint64_t index, const veld_hash *hash, veld_error *err)
{
    uint8_t name[NODE_NAME_BYTES];
    node_name(level, index, name);
    return veld_store_put_value(
        context, GROUP_NODES, veld_span_of(name, sizeof name), veld_hash_span(hash), err);
}

static veld_status get_node(
    void *context, unsigned level, uint64_t index, veld_hash *out, veld_error *err)
{
    uint8_t name[NODE_NAME_BYTES];
    veld_buf bytes;
    veld_buf_init(&bytes, VELD_HASH_BYTES);
    node_name(level, index, name);
    veld_status status =
        veld_store_get_value(context, GROUP_NODES, veld_span_of(name, sizeof name), &bytes, err);
    if (status == VELD_E_NOT_FOUND || (status == VELD_OK && bytes.len != VELD_HASH_BYTES))
        status = veld_fail(err, VELD_E_DAMAGED, "a node of the directory's log is missing");
    if (status == VELD_OK)
        memcpy(out->bytes, bytes.data, VELD_HASH_BYTES);
    veld_buf_release(&bytes);
    return status;
}

static veld_log_nodes nodes_of(veld_store *store)
{
    return (veld_log_nodes){.context = store, .put = put_node, .get = get_node};
}

/* ---- entries ---- */
static veld_status highest(void *context, const veld_directory_entry *entry, veld_error *err)
{
    (void)err;
    uint64_t *position = context;
    if (entry->position > *position)
        *position = entry->position;
    return VELD_OK;
}

/* Above every place in the log and above every position that was signed before there was one. */
veld_status veld_directory_next(veld_store *store, uint64_t *position, veld_error *err)
{
    veld_status status;
    uint64_t known = 0;
    VELD_TRY(veld_directory_size(store, position, err));
    VELD_TRY(veld_directory_each(store, &known, highest, err));
    if (known > *position)
        *position = known;
    ++*position;

done:
    return status;
}

static veld_status find(
    veld_store *store, const veld_hash *entry, uint64_t size, uint64_t *index, veld_error *err)
{
    veld_status status = get_number(store, GROUP_INDEX, veld_hash_span(entry), index, err);
    return status == VELD_OK && *index >= size ? VELD_E_NOT_FOUND : status;
}

veld_status veld_directory_append(veld_store *store, veld_span entry, veld_error *err)
{
    const veld_log_nodes nodes = nodes_of(store);
    uint8_t name[NUMBER_BYTES];
    uint64_t size = 0, index = 0;
    veld_hash id, leaf;
    veld_status status;
    VELD_TRY(veld_sha256(entry, &id, err));
    VELD_TRY(veld_directory_size(store, &size, err));
    status = find(store, &id, size, &index, err);
    if (status != VELD_E_NOT_FOUND)
        goto done;
    VELD_TRY(veld_log_leaf(VELD_FRAME_DIRECTORY, &id, &leaf, err));
    VELD_TRY(veld_log_append(&nodes, size, &leaf, err));
    veld_put_u64(name, size);
    VELD_TRY(
        veld_store_put_value(store, GROUP_ENTRIES, veld_span_of(name, sizeof name), entry, err));
    VELD_TRY(put_number(store, GROUP_INDEX, veld_hash_span(&id), size, err));
    status = put_number(store, GROUP_SIZE, veld_span_text(NAME_SIZE), size + 1, err);

done:
    return status;
}

/* ---- heads ---- */
static veld_status get_entry_id(veld_store *store, uint64_t index, veld_hash *out, veld_error *err)
{
    uint8_t name[NUMBER_BYTES];
    veld_buf entry;
    veld_buf_init(&entry, VELD_DIRECTORY_BYTES_MAX);
    veld_put_u64(name, index);
    veld_status status =
        veld_store_get_value(store, GROUP_ENTRIES, veld_span_of(name, sizeof name), &entry, err);
    if (status == VELD_E_NOT_FOUND)
        status = veld_fail(err, VELD_E_DAMAGED, "an entry of the directory's log is missing");
    if (status == VELD_OK)
        status = veld_sha256(veld_buf_span(&entry), out, err);
    veld_buf_release(&entry);
    return status;
}

veld_status veld_directory_head_make(
    veld_store *store, uint64_t size, const veld_signer *merger, veld_buf *out, veld_error *err)
{
    const veld_log_nodes nodes = nodes_of(store);
    veld_directory_head head = {0};
    veld_status status;
    VELD_TRY(veld_log_root(&nodes, size, &head.log, err));
    if (size > 1)
        VELD_TRY(veld_log_prove_growth(&nodes, size - 1, size, &head.growth, err));
    for (uint64_t back = 2; back < size && head.bridges_count < VELD_DIRECTORY_BRIDGES_MAX;
         back *= 2) {
        veld_directory_bridge *bridge = &head.bridges[head.bridges_count++];
        bridge->from = size - back;
        VELD_TRY(veld_log_prove_growth(&nodes, bridge->from, size, &bridge->growth, err));
    }
    VELD_TRY(get_entry_id(store, size - 1, &head.entry, err));
    VELD_TRY(veld_log_prove_entry(&nodes, size - 1, size, &head.place, err));
    status = directory_head_write(&head, merger, out, err);

done:
    return status;
}

veld_status veld_directory_prove(veld_store *store, veld_span entry, uint64_t *index,
    veld_log_head *log, veld_log_proof *place, veld_error *err)
{
    const veld_log_nodes nodes = nodes_of(store);
    uint64_t size = 0;
    veld_hash id;
    veld_status status;
    VELD_TRY(veld_sha256(entry, &id, err));
    VELD_TRY(veld_directory_size(store, &size, err));
    VELD_TRY(find(store, &id, size, index, err));
    VELD_TRY(veld_log_root(&nodes, size, log, err));
    status = veld_log_prove_entry(&nodes, *index, size, place, err);

done:
    return status;
}

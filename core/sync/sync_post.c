/* What is posted: it lies in the store under a name that a later one replaces, until the relay has
 * it; then it moves to what was posted, to be offered again to another server. A row: [type,
 * bytes].
 */
#include "sync_inner.h"

#include <stdlib.h>
#include <string.h>

#include "veldkit/assert.h"
#include "veldkit/cbor.h"

enum { POST_BYTES_MAX = VELD_FRAME_BYTES_MAX + 16, NAMES_BYTES_MAX = 64 << 20 };

veld_status sync_post(
    veld_sync *sync, veld_span name, veld_frame_type type, veld_span bytes, veld_error *err)
{
    veld_buf value;
    veld_buf_init(&value, POST_BYTES_MAX);
    veld_cbor_writer writer = veld_cbor_write(&value);
    veld_cbor_put_array(&writer, 2);
    veld_cbor_put_uint(&writer, (uint64_t)type);
    veld_cbor_put_bytes(&writer, bytes);
    veld_status status = veld_cbor_writer_finish(&writer, err);
    if (status == VELD_OK)
        status = veld_store_put_value(
            sync->config.desk->store, SYNC_POST, name, veld_buf_span(&value), err);
    veld_buf_release(&value);
    return status;
}

veld_status sync_is_posted(veld_sync *sync, veld_span name, bool *out, veld_error *err)
{
    veld_store *store = sync->config.desk->store;
    veld_buf value;
    veld_buf_init(&value, POST_BYTES_MAX);
    veld_status status = veld_store_get_value(store, SYNC_POST, name, &value, err);
    if (status == VELD_E_NOT_FOUND)
        status = veld_store_get_value(store, SYNC_POSTED, name, &value, err);
    *out = status == VELD_OK;
    veld_buf_release(&value);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

static veld_status move(
    veld_store *store, const char *from, const char *to, veld_span name, veld_error *err)
{
    veld_status status;
    veld_buf value;
    veld_buf_init(&value, POST_BYTES_MAX);
    VELD_TRY(veld_store_get_value(store, from, name, &value, err));
    VELD_TRY(veld_store_begin(store, err));
    status = veld_store_put_value(store, to, name, veld_buf_span(&value), err);
    if (status == VELD_OK)
        status = veld_store_delete_value(store, from, name, err);
    status = veld_store_end(store, status, err);
done:
    veld_buf_release(&value);
    return status;
}

veld_status sync_move_posted(veld_sync *sync, veld_span name, veld_span bytes, veld_error *err)
{
    veld_store *store = sync->config.desk->store;
    veld_buf value;
    veld_buf_init(&value, POST_BYTES_MAX);
    veld_status status = veld_store_get_value(store, SYNC_POST, name, &value, err);
    bool is_same = value.len >= bytes.len && veld_span_equal(veld_span_part(veld_buf_span(&value),
                                                                 value.len - bytes.len, bytes.len),
                                                 bytes);
    veld_buf_release(&value);
    if (status == VELD_E_NOT_FOUND || (status == VELD_OK && !is_same))
        return VELD_OK;
    return status == VELD_OK ? move(store, SYNC_POST, SYNC_POSTED, name, err) : status;
}

/* The names first, then the rows: a walk does not say what it sees of rows that move. A newer item
 * under the same name stays. */
veld_status sync_repost(veld_sync *sync, veld_error *err)
{
    veld_status status;
    veld_store *store = sync->config.desk->store;
    veld_span name;
    veld_buf names;
    veld_buf_init(&names, NAMES_BYTES_MAX);
    VELD_TRY(veld_store_value_names(store, SYNC_POSTED, NULL, NULL, &names, err));
    for (size_t at = 0; veld_store_next_name(&names, &at, &name);) {
        veld_buf newer;
        veld_buf_init(&newer, POST_BYTES_MAX);
        status = veld_store_get_value(store, SYNC_POST, name, &newer, err);
        veld_buf_release(&newer);
        if (status == VELD_E_NOT_FOUND)
            status = move(store, SYNC_POSTED, SYNC_POST, name, err);
        VELD_TRY(status);
    }
done:
    veld_buf_release(&names);
    return status;
}

/* ---- on its way ---- */

/* The names of what is under way, sorted: thousands may be posted at once, and looking for each
 * among all would take the square of that. The names live in the entries, whose place in the list
 * is `at`. */
typedef struct named_out {
    veld_span name;
    size_t at;
} named_out;

typedef struct named_outs {
    named_out *items;
    size_t count;
} named_outs;

static int by_name(const void *a, const void *b)
{
    const named_out *left = a;
    const named_out *right = b;
    return veld_span_compare(left->name, right->name);
}

/* Release `items`. */
static veld_status load_names(const veld_sync *sync, named_outs *out, veld_error *err)
{
    *out = (named_outs){.items = veld_allocate((sync->outs_count + 1) * sizeof *out->items)};
    if (out->items == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for %zu items", sync->outs_count);
    for (size_t i = 0; i < sync->outs_count; i++) {
        const sync_out *one = &sync->outs[i];
        if (one->name.len > 0 && !one->is_done)
            out->items[out->count++] = (named_out){.name = veld_buf_span(&one->name), .at = i};
    }
    qsort(out->items, out->count, sizeof *out->items, by_name);
    return VELD_OK;
}

static const named_out *find_name(const named_outs *names, veld_span name)
{
    const named_out wanted = {.name = name};
    return bsearch(&wanted, names->items, names->count, sizeof wanted, by_name);
}

/* An item under the same name that is under way: the same one goes on, another is replaced. */
static bool goes_on(veld_sync *sync, const named_outs *names, veld_span name, veld_span bytes)
{
    const named_out *found = find_name(names, name);
    if (found == NULL)
        return false;
    sync_out *out = &sync->outs[found->at];
    out->is_done = !veld_span_equal(veld_buf_span(&out->bytes), bytes);
    return !out->is_done;
}

static veld_status collect_value(
    veld_sync *sync, const named_outs *names, const veld_store_value *value, veld_error *err)
{
    sync_out *out = NULL;
    veld_status status;
    veld_cbor_reader reader = veld_cbor_read(value->body);
    if (veld_cbor_array(&reader, 2) != 2)
        veld_cbor_reader_fail(&reader, VELD_E_DAMAGED);
    veld_frame_type type = (veld_frame_type)veld_cbor_uint(&reader);
    veld_span bytes = veld_cbor_bytes(&reader);
    VELD_TRY(veld_cbor_reader_finish(&reader, err));
    if (goes_on(sync, names, value->name, bytes))
        return VELD_OK;
    VELD_TRY(sync_new_out(sync, type, bytes, &out, err));
    VELD_ASSERT(out != NULL);
    status = veld_buf_append_span(&out->name, value->name);
    out->is_done = status != VELD_OK;
done:
    return status;
}

veld_status sync_collect_posts(veld_sync *sync, veld_error *err)
{
    veld_status status;
    bool more = true;
    named_outs names = {0};
    veld_store_cursor *cursor = NULL;
    VELD_TRY(sync_grant_again(sync, err));
    VELD_TRY(load_names(sync, &names, err));
    VELD_TRY(veld_store_values(sync->config.desk->store, SYNC_POST, &cursor, err));
    while (more) {
        veld_store_value value;
        VELD_TRY(veld_store_values_next(cursor, &more, &value, err));
        if (more)
            VELD_TRY(collect_value(sync, &names, &value, err));
    }
done:
    veld_store_cursor_close(cursor);
    veld_release(names.items);
    return status;
}

veld_status sync_has_new_posts(veld_sync *sync, bool *out, veld_error *err)
{
    veld_status status;
    bool more = true;
    named_outs names = {0};
    veld_store_cursor *cursor = NULL;
    *out = false;
    VELD_TRY(load_names(sync, &names, err));
    VELD_TRY(veld_store_values(sync->config.desk->store, SYNC_POST, &cursor, err));
    while (more && !*out) {
        veld_store_value value;
        VELD_TRY(veld_store_values_next(cursor, &more, &value, err));
        *out = more && find_name(&names, value.name) == NULL;
    }
done:
    veld_store_cursor_close(cursor);
    veld_release(names.items);
    return status;
}

/* ---- of an erased case ---- */

veld_span sync_posted_bytes(veld_span row)
{
    veld_cbor_reader reader = veld_cbor_read(row);
    (void)veld_cbor_array(&reader, 2);
    (void)veld_cbor_uint(&reader);
    veld_span bytes = veld_cbor_bytes(&reader);
    return veld_cbor_reader_finish(&reader, NULL) == VELD_OK ? bytes : (veld_span){0};
}

bool sync_is_post_of(veld_span name, veld_span body, const veld_id *case_id)
{
    veld_envelope_header header;
    /* A confirmation is a `c` too, with a number behind it. */
    if (name.len > VELD_ID_BYTES && strchr("ghc", name.data[0]) != NULL)
        return memcmp(name.data + 1, case_id->bytes, VELD_ID_BYTES) == 0;
    return name.len > 0 && name.data[0] == 'e' &&
           veld_envelope_read_header(sync_posted_bytes(body), &header, NULL) == VELD_OK &&
           veld_id_equal(&header.case_id, case_id);
}

static bool is_of_case(void *context, const veld_store_value *value)
{
    return sync_is_post_of(value->name, value->body, context);
}

static veld_status drop_group(
    veld_store *store, const char *group, const veld_id *case_id, veld_error *err)
{
    veld_id id = *case_id;
    veld_span name;
    veld_buf names;
    veld_status status;
    veld_buf_init(&names, NAMES_BYTES_MAX);
    VELD_TRY(veld_store_value_names(store, group, &id, is_of_case, &names, err));
    for (size_t at = 0; veld_store_next_name(&names, &at, &name);)
        VELD_TRY(veld_store_delete_value(store, group, name, err));
done:
    veld_buf_release(&names);
    return status;
}

veld_status sync_drop_posts(veld_store *store, const veld_id *case_id, veld_error *err)
{
    veld_status status = drop_group(store, SYNC_POST, case_id, err);
    return status == VELD_OK ? drop_group(store, SYNC_POSTED, case_id, err) : status;
}

/* How a device follows the agency's directory: one root for each size, once and for all. What does
 * not fit is kept and stays told; nothing that came before is given up for it. */
#include <string.h>

#include "veldkit/directory_head.h"
#include "veldkit/hash.h"
#include "veldkit/number.h"

#define GROUP_ROOTS  "directory.roots"  /* by size: the root */
#define GROUP_PROVED "directory.proved" /* by the id of an entry: its size in the log */
#define GROUP_FOLLOW "directory.follow" /* "size", and "broken" with the head that did not fit */
#define NAME_SIZE    "size"
#define NAME_BROKEN  "broken"

enum { NUMBER_BYTES = 8 };

veld_status veld_directory_root_at(
    veld_store *store, uint64_t size, veld_hash *out, veld_error *err)
{
    uint8_t name[NUMBER_BYTES];
    veld_buf bytes;
    veld_buf_init(&bytes, VELD_HASH_BYTES);
    veld_put_u64(name, size);
    veld_status status =
        veld_store_get_value(store, GROUP_ROOTS, veld_span_of(name, sizeof name), &bytes, err);
    if (status == VELD_OK && bytes.len != VELD_HASH_BYTES)
        status = veld_fail(err, VELD_E_DAMAGED, "a root of the directory is damaged");
    if (status == VELD_OK)
        memcpy(out->bytes, bytes.data, VELD_HASH_BYTES);
    veld_buf_release(&bytes);
    return status;
}

veld_status veld_directory_state_get(veld_store *store, veld_directory_state *out, veld_error *err)
{
    veld_buf bytes;
    veld_status status;
    *out = (veld_directory_state){0};
    veld_buf_init(&bytes, VELD_DIRECTORY_HEAD_BYTES_MAX);
    status = veld_store_get_value(store, GROUP_FOLLOW, veld_span_text(NAME_BROKEN), &bytes, err);
    out->is_broken = status == VELD_OK;
    if (status != VELD_OK && status != VELD_E_NOT_FOUND)
        goto done;
    veld_buf_clear(&bytes);
    status = veld_store_get_value(store, GROUP_FOLLOW, veld_span_text(NAME_SIZE), &bytes, err);
    if (status == VELD_E_NOT_FOUND) {
        status = VELD_OK;
        goto done;
    }
    if (status == VELD_OK && bytes.len != NUMBER_BYTES)
        status = veld_fail(err, VELD_E_DAMAGED, "the directory's size is damaged");
    if (status == VELD_OK) {
        out->log.size = veld_get_u64(bytes.data);
        status = veld_directory_root_at(store, out->log.size, &out->log.root, err);
    }
done:
    veld_buf_release(&bytes);
    return status;
}

static veld_status break_off(
    veld_store *store, const veld_directory_head *head, veld_span bytes, veld_error *err)
{
    veld_status status =
        veld_store_put_value(store, GROUP_FOLLOW, veld_span_text(NAME_BROKEN), bytes, err);
    if (status != VELD_OK)
        return status;
    return veld_fail(err, VELD_E_FORGED, "the directory of %llu entries has two histories",
        (unsigned long long)head->log.size);
}

/* Size last: what a crash left behind it is written again. */
static veld_status take_over(veld_store *store, const veld_directory_head *head, veld_error *err)
{
    uint8_t size[NUMBER_BYTES] = {0};
    veld_span number = veld_span_of(size, sizeof size);
    veld_status status;
    veld_put_u64(size, head->log.size);
    VELD_TRY(
        veld_store_put_value(store, GROUP_ROOTS, number, veld_hash_span(&head->log.root), err));
    VELD_TRY(veld_store_put_value(store, GROUP_PROVED, veld_hash_span(&head->entry), number, err));
    status = veld_store_put_value(store, GROUP_FOLLOW, veld_span_text(NAME_SIZE), number, err);
done:
    return status;
}

/* NULL: the head says nothing about how the log grew from that size. */
static const veld_log_proof *growth_from(const veld_directory_head *head, uint64_t size)
{
    if (head->log.size - 1 == size)
        return &head->growth;
    for (size_t i = 0; i < head->bridges_count; i++) {
        if (head->bridges[i].from == size)
            return &head->bridges[i].growth;
    }
    return NULL;
}

veld_status veld_directory_follow(
    veld_store *store, const veld_directory_head *head, veld_span bytes, veld_error *err)
{
    veld_directory_state now;
    veld_hash root;
    veld_status status;
    VELD_TRY(veld_directory_state_get(store, &now, err));
    if (head->log.size <= now.log.size) {
        status = veld_directory_root_at(store, head->log.size, &root, err);
        if (status == VELD_OK && !veld_hash_equal(&root, &head->log.root))
            status = break_off(store, head, bytes, err);
        else if (status == VELD_E_NOT_FOUND) /* from before this device followed */
            status = VELD_OK;
        goto done;
    }
    if (now.log.size == 0) { /* nothing to compare with: here it begins */
        status = take_over(store, head, err);
        goto done;
    }
    const veld_log_proof *growth = growth_from(head, now.log.size);
    if (growth == NULL) {
        status = veld_fail(err, VELD_E_STALE, "heads of the directory are missing after %llu",
            (unsigned long long)now.log.size);
        goto done;
    }
    status = veld_log_check_growth(&now.log, &head->log, growth, err);
    if (status == VELD_E_FORGED)
        status = break_off(store, head, bytes, err);
    else if (status == VELD_OK)
        status = take_over(store, head, err);
done:
    return status;
}

veld_status veld_directory_is_proved(veld_store *store, veld_span entry, bool *out, veld_error *err)
{
    veld_hash id;
    veld_buf size;
    veld_status status;
    *out = false;
    veld_buf_init(&size, NUMBER_BYTES);
    VELD_TRY(veld_sha256(entry, &id, err));
    status = veld_store_get_value(store, GROUP_PROVED, veld_hash_span(&id), &size, err);
    *out = status == VELD_OK;
    if (status == VELD_E_NOT_FOUND)
        status = VELD_OK;
done:
    veld_buf_release(&size);
    return status;
}

veld_status veld_directory_note_proved(
    veld_store *store, veld_span entry, uint64_t size, veld_error *err)
{
    veld_hash id;
    uint8_t number[NUMBER_BYTES];
    veld_put_u64(number, size);
    veld_status status = veld_sha256(entry, &id, err);
    return status == VELD_OK ? veld_store_put_value(store, GROUP_PROVED, veld_hash_span(&id),
                                   veld_span_of(number, sizeof number), err)
                             : status;
}

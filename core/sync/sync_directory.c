/* Heads of the directory on their way: the merger signs one for every entry, in turn; a device
 * follows them. */
#include <stdlib.h>
#include <string.h>

#include "sync_inner.h"
#include "veldkit/directory_head.h"
#include "veldkit/number.h"

#define GROUP "sync.directory"
#define NAME  "posted" /* so many entries have a head */

enum { NUMBER_BYTES = 8 };

static veld_status get_posted(veld_store *store, uint64_t *out, veld_error *err)
{
    veld_buf bytes;
    *out = 0;
    veld_buf_init(&bytes, NUMBER_BYTES);
    veld_status status = veld_store_get_value(store, GROUP, veld_span_text(NAME), &bytes, err);
    if (status == VELD_OK && bytes.len == NUMBER_BYTES)
        *out = veld_get_u64(bytes.data);
    veld_buf_release(&bytes);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

static veld_status post_one(veld_sync *sync, uint64_t size, veld_error *err)
{
    const veld_desk *desk = sync->config.desk;
    uint8_t name[1 + NUMBER_BYTES] = {'D'};
    veld_buf head;
    veld_status status;
    veld_buf_init(&head, VELD_DIRECTORY_HEAD_BYTES_MAX + 128);
    veld_put_u64(name + 1, size);
    VELD_TRY(veld_directory_head_make(desk->store, size, &desk->signer, &head, err));
    VELD_TRY(sync_post(sync, veld_span_of(name, sizeof name), VELD_FRAME_DIRECTORY_HEAD,
        veld_buf_span(&head), err));
    status = veld_store_put_value(
        desk->store, GROUP, veld_span_text(NAME), veld_span_of(name + 1, NUMBER_BYTES), err);
done:
    veld_buf_release(&head);
    return status;
}

veld_status sync_post_directory_heads(veld_sync *sync, veld_error *err)
{
    veld_store *store = sync->config.desk->store;
    uint64_t size = 0, posted = 0;
    veld_status status;
    VELD_TRY(veld_directory_size(store, &size, err));
    VELD_TRY(get_posted(store, &posted, err));
    while (posted < size)
        VELD_TRY(post_one(sync, ++posted, err));
done:
    return status;
}

/* What does not fit the directory as it is known here is told, and ends no exchange. */
static veld_status pass_over(
    veld_sync *sync, veld_status status, const veld_error *why, veld_error *err)
{
    switch (status) {
    case VELD_OK:
        return VELD_OK;
    case VELD_E_FORGED:
    case VELD_E_STALE:
    case VELD_E_FORM:
    case VELD_E_LIMIT:
    case VELD_E_NEWER:
        sync_tell(
            sync, &(veld_sync_event){
                      .kind = VELD_SYNC_DIRECTORY_BROKEN, .status = status, .text = why->text});
        return VELD_OK;
    default:
        if (err != NULL)
            *err = *why;
        return status;
    }
}

static veld_status take_directory_head(veld_sync *sync, veld_span bytes, veld_error *err)
{
    const veld_desk *desk = sync->config.desk;
    veld_directory_head head;
    veld_error why = {0};
    if (sync->config.role != VELD_SYNC_DEVICE)
        return VELD_OK;
    veld_status status = veld_directory_head_read(
        bytes, &desk->verifier, &sync->config.agency->merger_key, &head, &why);
    if (status == VELD_OK)
        status = veld_directory_follow(desk->store, &head, bytes, &why);
    return pass_over(sync, status, &why, err);
}

typedef struct sized_head {
    uint64_t size;
    veld_span body;
} sized_head;

static int by_size(const void *a, const void *b)
{
    const sized_head *left = a;
    const sized_head *right = b;
    return (left->size > right->size) - (left->size < right->size);
}

/* In the order of the log, whatever the order in the journal. */
veld_status sync_take_directory_heads(veld_sync *sync, size_t *count, veld_error *err)
{
    veld_status status = VELD_OK;
    sized_head *heads = veld_allocate((sync->frames_count + 1) * sizeof *heads);
    *count = 0;
    if (heads == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for %zu frames", sync->frames_count);
    for (size_t i = 0; i < sync->frames_count; i++) {
        sized_head *head = &heads[*count];
        if (sync->frames[i].type != VELD_FRAME_DIRECTORY_HEAD)
            continue;
        *head = (sized_head){.body = sync->frames[i].body};
        (void)!veld_directory_head_size(head->body, &head->size, NULL); /* told when it is taken */
        ++*count;
    }
    qsort(heads, *count, sizeof *heads, by_size);
    for (size_t i = 0; status == VELD_OK && i < *count; i++)
        status = take_directory_head(sync, heads[i].body, err);
    veld_release(heads);
    return status;
}

/* ---- the agency's own keys ---- */

/* Lines of the access log that are on their way are sealed again, to the key of now: what was
 * handed in already comes twice and is known. */
static void seal_access_again(veld_sync *sync)
{
    for (size_t i = 0; i < sync->outs_count; i++)
        sync->outs[i].is_done = sync->outs[i].is_done || sync->outs[i].type == VELD_FRAME_ACCESS;
}

static veld_status take_statement(veld_sync *sync, veld_span bytes, veld_error *err)
{
    bool changed = false;
    veld_error why = {0};
    veld_status status = veld_agency_follow(
        sync->config.desk->store, &sync->check.inner, bytes, &sync->agency, &changed, &why);
    if (status == VELD_OK)
        sync->result.has_new_keys = sync->result.has_new_keys || changed;
    if (status == VELD_OK && changed)
        seal_access_again(sync);
    return pass_over(sync, status, &why, err);
}

veld_status sync_take_statements(veld_sync *sync, veld_error *err)
{
    veld_status status = VELD_OK;
    if (sync->config.role != VELD_SYNC_DEVICE)
        return VELD_OK;
    for (size_t i = 0; status == VELD_OK && i < sync->frames_count; i++) {
        const veld_frame *frame = &sync->frames[i];
        if (frame->type == VELD_FRAME_DIRECTORY && veld_agency_is_statement(frame->body))
            status = take_statement(sync, frame->body, err);
    }
    return status;
}

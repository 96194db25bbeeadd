/* The engine: one exchange at a time, and when the next one is due. What goes out is in sync_out.c,
 * what comes in is in sync_in.c and sync_received.c, what is kept is in sync_state.c. */
#include "veldkit/sync.h"

#include <stdlib.h>
#include <string.h>

#include "sync_inner.h"
#include "veldkit/assert.h"

enum { BACKOFF_MS = 1000, BACKOFF_DOUBLINGS_MAX = 9 };

void sync_tell(veld_sync *sync, const veld_sync_event *event)
{
    if (sync->config.event != NULL)
        sync->config.event(sync->config.context, event);
}

static int64_t monotonic_ms(const veld_sync *sync)
{
    return veld_env_now(sync->config.desk->env).monotonic_ms;
}

/* The office's key is what the statement says that is kept now: the desk's own keyring may remember
 * the one before. */
static veld_status find_key(
    void *context, const veld_id *device, veld_p256_public *out, veld_error *err)
{
    const veld_sync *sync = context;
    *out = sync->agency.merger_key;
    return veld_id_equal(device, &sync->agency.id)
               ? VELD_OK
               : sync->keyring.find(sync->keyring.context, device, out, err);
}

static veld_status find_former(
    void *context, const veld_id *device, size_t back, veld_p256_public *out, veld_error *err)
{
    const veld_sync *sync = context;
    return veld_agency_former_key(&sync->agency, device, back, out, err);
}

veld_status veld_sync_new(const veld_sync_config *config, veld_sync **out, veld_error *err)
{
    *out = NULL;
    veld_sync *sync = veld_allocate(sizeof *sync);
    if (sync == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for an exchange");
    sync->config = *config;
    sync->agency = *config->agency;
    sync->check = (veld_agency_check){.agency = &sync->agency, .inner = config->desk->verifier};
    sync->desk = veld_desk_quiet(config->desk);
    sync->desk.verifier = veld_agency_verifier(&sync->check);
    sync->now = veld_agency_verifier_now(&sync->check);
    sync->keyring = config->desk->keyring;
    sync->desk.keyring = (veld_keyring){.context = sync, .find = find_key, .former = find_former};
    sync->config.desk = &sync->desk;
    sync->config.agency = &sync->agency;
    sync->page_bytes = VELD_EXCHANGE_PAGE_BYTES_FIRST;
    veld_arena_init(&sync->arena, 2 * VELD_EXCHANGE_BYTES_MAX);
    veld_buf_init(&sync->revoked_meanwhile, VELD_STORE_BODY_BYTES_MAX);
    veld_status status = sync_load(sync, err);
    if (status == VELD_OK && config->role == VELD_SYNC_MERGER)
        status = sync_load_cuts(sync, err);
    if (status == VELD_OK && config->role == VELD_SYNC_MERGER)
        status = sync_end_erasures(sync, err);
    if (status == VELD_OK && config->role == VELD_SYNC_MERGER)
        status = sync_say_again(sync, err);
    sync->retry_count = sync->pending.count;
    sync->next_ms = monotonic_ms(sync);
    if (status == VELD_OK)
        *out = sync;
    else
        veld_sync_free(sync);
    return status;
}

static void drop_answer(veld_sync *sync)
{
    veld_frame_reader_release(&sync->reader);
    memset(&sync->reader, 0, sizeof sync->reader);
    veld_arena_release(&sync->arena);
    veld_arena_init(&sync->arena, 2 * VELD_EXCHANGE_BYTES_MAX);
    sync->frames_count = 0;
    sync->is_waiting = false;
    veld_buf_clear(&sync->revoked_meanwhile);
}

void veld_sync_free(veld_sync *sync)
{
    if (sync == NULL)
        return;
    drop_answer(sync);
    veld_buf_release(&sync->revoked_meanwhile);
    sync_release_outs(sync);
    veld_release(sync->frames);
    sync_release_pending(sync);
    veld_release(sync->held);
    veld_release(sync);
}

/* ---- the request ---- */

static bool may_go(const veld_sync *sync, const sync_out *out)
{
    return monotonic_ms(sync) >= out->not_before_ms;
}

static unsigned rank_of(const sync_out *out)
{
    enum { ENTRIES = 0, ORDERS = 1, HEADS_OF_DIRECTORY = 2, GRANTS = 3, ENVELOPES = 4, HEADS = 50 };
    if (out->type == VELD_FRAME_DIRECTORY) /* a revocation is in the next request, whatever waits */
        return ENTRIES;
    if (out->type == VELD_FRAME_ENVELOPE)
        return ENVELOPES + (unsigned)out->priority;
    if (out->type == VELD_FRAME_ACCESS)
        return ENVELOPES + VELD_PRIORITY_ACCESS;
    if (out->type == VELD_FRAME_DIRECTORY_HEAD)
        return HEADS_OF_DIRECTORY;
    return out->type == VELD_FRAME_GRANT ? GRANTS : out->type == VELD_FRAME_HEAD ? HEADS : ORDERS;
}

static int by_rank(const void *a, const void *b)
{
    const sync_out *left = *(sync_out *const *)a;
    const sync_out *right = *(sync_out *const *)b;
    unsigned one = rank_of(left);
    unsigned other = rank_of(right);
    if (one != other)
        return one < other ? -1 : 1;
    if (left->type == VELD_FRAME_DIRECTORY_HEAD) /* each goes on from the one before: by size */
        return veld_span_compare(veld_buf_span(&left->name), veld_buf_span(&right->name));
    return (left > right) - (left < right); /* in the order in which they were made */
}

veld_status sync_order(veld_sync *sync, sync_out ***out, size_t *count, veld_error *err)
{
    sync_out **order = veld_allocate((sync->outs_count + 1) * sizeof(sync_out *));
    if (order == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for %zu items", sync->outs_count);
    *count = 0;
    for (size_t i = 0; i < sync->outs_count; i++) {
        sync->outs[i].is_sent = false;
        if (may_go(sync, &sync->outs[i]))
            order[(*count)++] = &sync->outs[i];
    }
    qsort(order, *count, sizeof *order, by_rank);
    *out = order;
    return VELD_OK;
}

static veld_status write_outs(veld_sync *sync, veld_frame_writer *writer, veld_error *err)
{
    veld_status status;
    size_t bytes = 0;
    size_t count = 0;
    sync_out **order = NULL;
    VELD_TRY(sync_order(sync, &order, &count, err));
    sync->has_leftover = false;
    for (size_t i = 0; i < count; i++) {
        if (i == VELD_EXCHANGE_ITEMS_MAX ||
            (i > 0 && bytes + order[i]->bytes.len > sync->page_bytes)) {
            sync->has_leftover = true;
            break;
        }
        bytes += order[i]->bytes.len;
        VELD_TRY(
            veld_frame_writer_add(writer, order[i]->type, veld_buf_span(&order[i]->bytes), err));
        order[i]->is_sent = true;
    }
done:
    veld_release(order);
    return status;
}

static veld_status write_own(
    veld_sync *sync, uint32_t wait_ms, veld_frame_writer *writer, veld_error *err)
{
    veld_status status;
    veld_buf body;
    exchange_cursor cursor = sync->cursor;
    cursor.flags = (sync->phase == SYNC_LISTING ? CURSOR_COMPARE : 0) |
                   (sync_asks_places(sync) ? CURSOR_PLACES : 0);
    cursor.page_bytes = sync->page_bytes;
    cursor.wait_ms = wait_ms;
    veld_buf_init(&body, EXCHANGE_SMALL_BYTES_MAX);
    VELD_TRY(exchange_put_cursor(&cursor, &body, err));
    VELD_TRY(veld_frame_writer_add(writer, VELD_FRAME_CURSOR, veld_buf_span(&body), err));
    veld_buf_clear(&body);
    if (sync->config.role == VELD_SYNC_DEVICE && sync->agency.edition > 1) {
        VELD_TRY(exchange_put_edition(sync->agency.edition, &body, err));
        VELD_TRY(veld_frame_writer_add(writer, VELD_FRAME_EDITION, veld_buf_span(&body), err));
        veld_buf_clear(&body);
    }
    VELD_TRY(sync_next_past(sync, err));
    if (sync->asks_past) {
        VELD_TRY(exchange_put_ask(&sync->past, &body, err));
        VELD_TRY(veld_frame_writer_add(writer, VELD_FRAME_ASK, veld_buf_span(&body), err));
        veld_buf_clear(&body);
    }
    status = sync_write_wanted(sync, writer, err);
done:
    veld_buf_release(&body);
    return status;
}

veld_status veld_sync_begin(veld_sync *sync, uint32_t wait_ms, veld_buf *out, veld_error *err)
{
    VELD_ASSERT(!sync->is_waiting && wait_ms <= VELD_EXCHANGE_WAIT_MS_MAX);
    veld_status status;
    size_t start = out->len;
    veld_frame_writer writer = {0};
    sync->result = (veld_sync_result){0};
    VELD_TRY(sync_collect(sync, err));
    VELD_TRY(veld_frame_writer_begin(&writer, VELD_FRAME_STREAM, sync->config.program, out, err));
    VELD_TRY(write_own(sync, wait_ms, &writer, err));
    VELD_TRY(write_outs(sync, &writer, err));
    VELD_TRY(veld_frame_writer_end(&writer, err));
    VELD_TRY(veld_frame_reader_init(&sync->reader, VELD_FRAME_STREAM, err));
    sync->bytes_up = out->len - start;
    sync->bytes_down = 0;
    sync->is_waiting = true;
done:
    veld_frame_writer_abort(&writer);
    if (status != VELD_OK)
        out->len = start;
    return status;
}

/* ---- the answer ---- */

static veld_status keep_frame(veld_sync *sync, const veld_frame *frame, veld_error *err)
{
    if (sync->frames_count == sync->frames_capacity) {
        size_t capacity = sync->frames_capacity == 0 ? 16 : sync->frames_capacity * 2;
        veld_frame *grown = veld_resize(sync->frames, capacity * sizeof *grown);
        if (grown == NULL)
            return veld_fail(err, VELD_E_MEMORY, "no memory for %zu frames", capacity);
        sync->frames = grown;
        sync->frames_capacity = capacity;
    }
    veld_frame *kept = &sync->frames[sync->frames_count];
    kept->type = frame->type;
    if (veld_arena_copy(&sync->arena, frame->body, &kept->body) != VELD_OK)
        return veld_fail(err, VELD_E_LIMIT, "an answer over its maximum");
    sync->frames_count++;
    return VELD_OK;
}

veld_status veld_sync_feed(veld_sync *sync, veld_span bytes, veld_error *err)
{
    enum { PIECE = 1 << 18 };
    VELD_ASSERT(sync->is_waiting);
    veld_status status = VELD_OK;
    sync->bytes_down += bytes.len;
    if (sync->bytes_down > VELD_EXCHANGE_BYTES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "an answer of more than %u MiB",
            (unsigned)(VELD_EXCHANGE_BYTES_MAX >> 20));
    for (size_t at = 0; at < bytes.len; at += PIECE) {
        size_t len = bytes.len - at < PIECE ? bytes.len - at : PIECE;
        VELD_TRY(veld_frame_reader_add(&sync->reader, veld_span_part(bytes, at, len), err));
        for (;;) {
            veld_frame frame;
            bool have = false;
            VELD_TRY(veld_frame_reader_next(&sync->reader, &frame, &have, err));
            if (!have)
                break;
            VELD_TRY(keep_frame(sync, &frame, err));
        }
    }
done:
    return status;
}

/* ---- when ---- */

void veld_sync_wake(veld_sync *sync)
{
    sync->next_ms = monotonic_ms(sync);
}

int64_t veld_sync_next_ms(const veld_sync *sync)
{
    return sync->next_ms;
}

/* Half of the wait is certain, half by chance, so that tablets do not come all at once. */
static void back_off(veld_sync *sync)
{
    uint32_t chance = 0;
    unsigned doublings =
        sync->failures < BACKOFF_DOUBLINGS_MAX ? sync->failures : BACKOFF_DOUBLINGS_MAX;
    int64_t wait = (int64_t)BACKOFF_MS << doublings;
    if (wait > VELD_SYNC_BACKOFF_MS_MAX)
        wait = VELD_SYNC_BACKOFF_MS_MAX;
    if (veld_env_random(sync->config.desk->env, (uint8_t *)&chance, sizeof chance, NULL) != VELD_OK)
        chance = UINT32_MAX;
    sync->failures++;
    sync->next_ms = monotonic_ms(sync) + wait / 2 + chance % (uint32_t)(wait / 2 + 1);
    if (sync->page_bytes / 2 >= VELD_EXCHANGE_PAGE_BYTES_MIN)
        sync->page_bytes /= 2;
}

void veld_sync_fail(veld_sync *sync)
{
    drop_answer(sync);
    back_off(sync);
}

bool sync_has_more(const veld_sync *sync)
{
    if (sync->has_more || sync->has_more_past || sync->has_leftover ||
        sync->phase == SYNC_LISTING || (sync->phase == SYNC_OFFERING && !sync->has_offered) ||
        sync->retry_count > 0)
        return true;
    for (size_t i = 0; i < sync->outs_count; i++) {
        if (may_go(sync, &sync->outs[i]))
            return true;
    }
    return false;
}

static veld_status is_dirty(veld_sync *sync, bool *out, veld_error *err)
{
    veld_store_value value;
    veld_store_cursor *cursor = NULL;
    veld_status status = veld_store_values(sync->config.desk->store, SYNC_DIRTY, &cursor, err);
    *out = false;
    if (status == VELD_OK)
        status = veld_store_values_next(cursor, out, &value, err);
    veld_store_cursor_close(cursor);
    return status;
}

veld_status veld_sync_finish(veld_sync *sync, veld_sync_result *out, veld_error *err)
{
    VELD_ASSERT(sync->is_waiting);
    veld_status status;
    bool dirty, posts, lines;
    bool was_comparing = sync->phase != SYNC_STEADY; /* so what was saved since was not collected */
    *out = (veld_sync_result){0};
    VELD_TRY(veld_frame_reader_finish(&sync->reader, err));
    VELD_TRY(sync_take(sync, err));
    VELD_TRY(is_dirty(sync, &dirty, err));
    VELD_TRY(sync_has_new_posts(sync, &posts, err));
    VELD_TRY(sync_has_access(sync, &lines, err));
    drop_answer(sync);
    sync->failures = 0;
    if (sync->page_bytes < VELD_EXCHANGE_PAGE_BYTES_MAX)
        sync->page_bytes *= 2;
    sync->result.more = dirty || posts || lines || sync_has_more(sync) ||
                        (was_comparing && sync->phase == SYNC_STEADY);
    sync->result.bytes_up = sync->bytes_up;
    sync->result.bytes_down = sync->bytes_down;
    sync->next_ms = monotonic_ms(sync) + (sync->result.more ? 0 : VELD_SYNC_IDLE_MS);
    *out = sync->result;
    return VELD_OK;
done:
    veld_sync_fail(sync);
    return status;
}

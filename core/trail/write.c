/* Writing the log. A line waits until the scope's flush or a save's transaction; a transaction that
 * was rolled back is noticed at the next flush by the chain's tail, and the line is written again.
 * What was stored is remembered until the scope ends, so that who opens a case twice for one thing
 * that a person does is in the log once. */
#include <stdio.h>
#include <string.h>

#include "veldkit/access_log.h"
#include "veldkit/assert.h"
#include "veldkit/limits.h"

enum { WAITING_MAX = 256, MS_PER_DAY = 86400000 };

typedef struct waiting {
    uint8_t kind;
    veld_access_outcome outcome;
    veld_id case_id;
    veld_id subject;
    uint64_t number; /* under which it was stored; 0 = not yet */
} waiting;

struct veld_access_log {
    veld_access_config config;
    char event[VELD_ACCESS_WORD_BYTES_MAX + 1];
    char user[VELD_CARD_NAME_BYTES_MAX + 1];
    char reason[VELD_ACCESS_REASON_BYTES_MAX + 1];
    uint8_t kind;
    veld_access_basis basis;
    bool at_once;
    bool is_begun;
    waiting lines[WAITING_MAX];
    size_t count;
};

veld_status veld_access_log_new(
    const veld_access_config *config, veld_access_log **out, veld_error *err)
{
    veld_access_log *log = veld_allocate(sizeof *log);
    *out = log;
    if (log == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for the access log");
    log->config = *config;
    return VELD_OK;
}

void veld_access_log_free(veld_access_log *log)
{
    veld_release(log);
}

/* Cut where a character ends. */
static void copy_text(char *out, size_t size, const char *text)
{
    size_t len = text != NULL ? strlen(text) : 0;
    if (len >= size)
        len = size - 1;
    while (len > 0 && text[len] != '\0' && ((unsigned char)text[len] & 0xC0) == 0x80)
        len--;
    if (len > 0)
        memcpy(out, text, len);
    out[len] = '\0';
}

void veld_access_begin(veld_access_log *log, const veld_access_scope *scope)
{
    copy_text(log->event, sizeof log->event, scope->event);
    copy_text(log->user, sizeof log->user, scope->user);
    copy_text(log->reason, sizeof log->reason, scope->reason);
    log->kind = scope->kind;
    log->basis = scope->basis;
    log->at_once = scope->at_once;
    log->is_begun = true;
    log->count = 0;
}

void veld_access_end(veld_access_log *log)
{
    log->is_begun = false;
    log->count = 0;
}

/* ---- storing ---- */

veld_status veld_access_tail(
    veld_store *store, const veld_id *chain, uint64_t *number, veld_hash *hash, veld_error *err)
{
    const veld_store_access_search last = {.by = VELD_STORE_ACCESS_LAST, .id = *chain};
    veld_store_cursor *cursor = NULL;
    veld_store_access row;
    bool more = false;
    veld_status status;
    VELD_TRY(veld_store_walk_access(store, &last, &cursor, err));
    VELD_TRY(veld_store_access_next(cursor, &more, &row, err));
    if (!more) {
        status = veld_store_access_head(store, chain, number, hash, err);
        goto done;
    }
    *number = row.number;
    status = veld_access_hash(row.body, hash, err);
done:
    veld_store_cursor_close(cursor);
    return status;
}

static int64_t day_of(int64_t utc_ms)
{
    return utc_ms >= 0 ? utc_ms / MS_PER_DAY : -((-utc_ms + MS_PER_DAY - 1) / MS_PER_DAY);
}

static veld_status put_entry(
    veld_store *store, const veld_access_entry *entry, veld_span bytes, bool keyed, veld_error *err)
{
    const veld_store_access row = {.chain = entry->device, .number = entry->number, .body = bytes};
    const veld_store_access_keys keys = {
        .case_id = entry->case_id, .user = entry->user, .day = day_of(entry->time.hybrid_ms)};
    return veld_store_put_access(store, &row, keyed ? &keys : NULL, err);
}

/* By what right, and why. */
static veld_status set_right(veld_access_log *log, const waiting *line,
    char reason[VELD_ACCESS_REASON_BYTES_MAX + 1], veld_access_entry *entry, veld_error *err)
{
    bool is_emergency = false;
    entry->basis = VELD_ACCESS_BASIS_NONE;
    entry->reason = veld_span_text(log->reason);
    if (veld_id_is_zero(&line->case_id))
        return VELD_OK;
    entry->basis = log->basis;
    if (log->config.by_emergency == NULL || log->basis != VELD_ACCESS_BASIS_HELD)
        return VELD_OK;
    veld_status status =
        log->config.by_emergency(log->config.context, &line->case_id, &is_emergency, reason, err);
    if (status == VELD_OK && is_emergency) {
        entry->basis = VELD_ACCESS_BASIS_EMERGENCY;
        entry->reason = veld_span_text(reason);
    }
    return status;
}

static veld_status store_line(
    veld_access_log *log, waiting *line, uint64_t *number, veld_hash *tail, veld_error *err)
{
    veld_now now = veld_env_now(log->config.env);
    veld_store *store = log->config.store;
    veld_access_entry entry = {.device = *veld_store_device(store),
        .number = *number + 1,
        .previous = *tail,
        .kind = line->kind,
        .outcome = line->outcome,
        .event = veld_span_text(log->event),
        .user = veld_span_text(log->user),
        .case_id = line->case_id,
        .subject = line->subject};
    char reason[VELD_ACCESS_REASON_BYTES_MAX + 1] = "";
    veld_buf bytes;
    veld_status status;
    veld_buf_init(&bytes, VELD_ACCESS_ENTRY_BYTES_MAX);
    memcpy(entry.incarnation, veld_store_incarnation(store), sizeof entry.incarnation);
    veld_anchor_time(log->config.anchor, &now, &entry.time);
    if (log->config.is_office) /* its clock is the one that others are anchored to */
        entry.time.quality = VELD_CLOCK_ANCHORED;
    VELD_TRY(set_right(log, line, reason, &entry, err));
    VELD_TRY(veld_id_new(log->config.env, &entry.id, err));
    VELD_TRY(veld_access_encode(&entry, &bytes, err));
    VELD_TRY(put_entry(store, &entry, veld_buf_span(&bytes), log->config.is_office, err));
    VELD_TRY(veld_access_hash(veld_buf_span(&bytes), tail, err));
    *number = line->number = entry.number;
done:
    veld_buf_release(&bytes);
    return status;
}

/* Inside a transaction: what waits and is not there. */
static veld_status store_lines(veld_access_log *log, veld_error *err)
{
    uint64_t number = 0;
    veld_hash tail;
    veld_status status;
    VELD_TRY(veld_access_tail(
        log->config.store, veld_store_device(log->config.store), &number, &tail, err));
    uint64_t there = number;
    for (size_t i = 0; i < log->count; i++)
        if (log->lines[i].number == 0 || log->lines[i].number > there)
            VELD_TRY(store_line(log, &log->lines[i], &number, &tail, err));
done:
    return status;
}

static veld_status is_all_there(const veld_access_log *log, bool *out, veld_error *err)
{
    uint64_t tail = 0;
    veld_hash hash;
    veld_store *store = log->config.store;
    veld_status status = veld_access_tail(store, veld_store_device(store), &tail, &hash, err);
    *out = status == VELD_OK;
    for (size_t i = 0; i < log->count && *out; i++)
        *out = log->lines[i].number != 0 && log->lines[i].number <= tail;
    return status;
}

veld_status veld_access_flush(veld_access_log *log, veld_error *err)
{
    veld_store *store = log->config.store;
    bool all = false;
    veld_status status;
    if (log->count == 0)
        return VELD_OK;
    if (veld_store_in_transaction(store))
        return store_lines(log, err);
    VELD_TRY(is_all_there(log, &all, err));
    if (all) /* stored already, or a save took them along */
        goto done;
    VELD_TRY(veld_store_begin(store, err));
    status = store_lines(log, err);
    status = veld_store_end(store, status, err);
done:
    return status;
}

/* ---- what is to be stored ---- */

static waiting *find_line(veld_access_log *log, const veld_id *case_id)
{
    for (size_t i = 0; i < log->count; i++)
        if (veld_id_equal(&log->lines[i].case_id, case_id) && log->lines[i].number == 0)
            return &log->lines[i];
    return NULL;
}

static veld_status add_line(veld_access_log *log, const waiting *line, veld_error *err)
{
    for (size_t i = 0; i < log->count; i++) {
        const waiting *there = &log->lines[i];
        if (there->kind == line->kind && there->outcome == line->outcome &&
            veld_id_equal(&there->case_id, &line->case_id) &&
            veld_id_equal(&there->subject, &line->subject))
            return VELD_OK;
    }
    if (log->count == WAITING_MAX) {
        veld_status status = veld_access_flush(log, err);
        if (status != VELD_OK)
            return status;
        if (veld_store_in_transaction(log->config.store))
            return veld_fail(err, VELD_E_LIMIT, "too many cases in one transaction");
        log->count = 0;
    }
    log->lines[log->count++] = *line;
    return VELD_OK;
}

veld_status veld_access_add(veld_access_log *log, uint8_t kind, const veld_id *case_id,
    const veld_id *subject, veld_error *err)
{
    waiting line = {.kind = kind};
    if (case_id != NULL)
        line.case_id = *case_id;
    if (subject != NULL)
        line.subject = *subject;
    return add_line(log, &line, err);
}

veld_status veld_access_add_failed(
    veld_access_log *log, uint8_t kind, const veld_id *case_id, veld_error *err)
{
    const waiting line = {.kind = kind, .case_id = *case_id, .outcome = VELD_ACCESS_FAILED};
    return add_line(log, &line, err);
}

veld_status veld_access_add_refused(veld_access_log *log, uint8_t kind, veld_error *err)
{
    const waiting line = {.kind = kind, .outcome = VELD_ACCESS_REFUSED};
    return add_line(log, &line, err);
}

/* ---- the watch ---- */

/* A line that tells more than an opening already says of the case. */
static bool is_told(const veld_access_log *log, const veld_id *case_id)
{
    for (size_t i = 0; i < log->count; i++) {
        const waiting *there = &log->lines[i];
        if ((there->kind == VELD_ACCESS_WRITE || there->kind == VELD_ACCESS_CREATE) &&
            there->outcome == VELD_ACCESS_DONE && veld_id_equal(&there->case_id, case_id))
            return true;
    }
    return false;
}

static veld_status on_open(
    void *context, const veld_id *case_id, veld_status outcome, veld_error *err)
{
    veld_access_log *log = context;
    waiting line = {.kind = log->kind, .case_id = *case_id};
    if (!log->is_begun || (outcome == VELD_OK && is_told(log, case_id)))
        return VELD_OK;
    if (outcome == VELD_E_NOT_FOUND || outcome == VELD_E_NOT_ALLOWED || outcome == VELD_E_LOCKED)
        line.outcome = VELD_ACCESS_REFUSED;
    else if (outcome != VELD_OK)
        line.outcome = VELD_ACCESS_FAILED;
    waiting *before = outcome == VELD_OK ? find_line(log, case_id) : NULL;
    if (before != NULL && before->kind == log->kind) { /* it was not there yet, and then came */
        before->outcome = VELD_ACCESS_DONE;
        return VELD_OK;
    }
    veld_status status = add_line(log, &line, err);
    if (status == VELD_OK && log->at_once && !veld_store_in_transaction(log->config.store))
        status = veld_access_flush(log, err);
    return status;
}

/* The reading that came before the save is part of it. */
static veld_status on_save(void *context, const veld_id *case_id, bool founded, veld_error *err)
{
    veld_access_log *log = context;
    uint8_t kind = founded ? VELD_ACCESS_CREATE : VELD_ACCESS_WRITE;
    veld_status status = VELD_OK;
    if (!log->is_begun)
        return VELD_OK;
    waiting *line = find_line(log, case_id);
    if (line != NULL && line->outcome == VELD_ACCESS_DONE)
        line->kind = kind;
    else
        status = veld_access_add(log, kind, case_id, NULL, err);
    return status == VELD_OK ? store_lines(log, err) : status;
}

veld_case_watch veld_access_log_watch(veld_access_log *log)
{
    return (veld_case_watch){.context = log, .opened = on_open, .saving = on_save};
}

/* ---- others ---- */

static veld_status is_here(
    veld_store *store, const veld_access_entry *entry, veld_span bytes, bool *out, veld_error *err)
{
    const veld_store_access_search place = {
        .by = VELD_STORE_ACCESS_OF_CHAIN, .id = entry->device, .from_number = entry->number};
    veld_store_cursor *cursor = NULL;
    bool more = true;
    veld_status status;
    *out = false;
    VELD_TRY(veld_store_walk_access(store, &place, &cursor, err));
    while (more && !*out) {
        veld_store_access row;
        VELD_TRY(veld_store_access_next(cursor, &more, &row, err));
        more = more && row.number == entry->number;
        *out = more && veld_span_equal(row.body, bytes);
    }
done:
    veld_store_cursor_close(cursor);
    return status;
}

veld_status veld_access_keep(veld_store *store, veld_span entry, bool *is_new, veld_error *err)
{
    veld_access_entry read;
    bool known = false;
    veld_status status;
    *is_new = false;
    VELD_TRY(veld_access_decode(entry, &read, err));
    VELD_TRY(is_here(store, &read, entry, &known, err));
    if (!known)
        VELD_TRY(put_entry(store, &read, entry, true, err));
    *is_new = !known;
done:
    return status;
}

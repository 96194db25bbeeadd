/* Taking a bundle in. First the whole file is read and its end checked, so that a cut file changes
 * nothing; then each case goes by itself. What is left out is told, and stays in the file. */
#include "veldkit/bundle.h"

#include <stdio.h>
#include <string.h>

#include "veldkit/commit.h"
#include "veldkit/envelope.h"
#include "veldkit/frame.h"
#include "veldkit/grant.h"
#include "veldkit/limits.h"

/* One frame that concerns a case, in the order of the file. */
typedef struct part {
    veld_frame_type type;
    veld_span body;
    veld_id case_id;
    bool done; /* its case was dealt with */
} part;

typedef struct taker {
    const veld_desk *desk;
    veld_bundle_report *report;
    void (*finding)(void *context, const char *text);
    void *context;
    veld_arena arena;
    part *parts;
    size_t count;
    size_t capacity;
    veld_card writer;
    bool has_writer;
} taker;

static void leave_out(taker *by, const veld_id *case_id, const char *what, const veld_error *why)
{
    char id[VELD_ID_TEXT_SIZE];
    char text[2 * VELD_ERROR_TEXT_BYTES_MAX];
    by->report->refused++;
    if (by->finding == NULL)
        return;
    veld_id_format(case_id, id);
    snprintf(text, sizeof text, "case %s: %s: %s", id, what, why->text);
    by->finding(by->context, text);
}

/* ---- reading the file ---- */

static veld_status add_part(taker *by, const part *new_part, veld_error *err)
{
    if (by->count == by->capacity) {
        size_t capacity = by->capacity == 0 ? 16 : by->capacity * 2;
        part *grown = veld_resize(by->parts, capacity * sizeof *grown);
        if (grown == NULL)
            return veld_fail(err, VELD_E_MEMORY, "no memory for %zu frames", capacity);
        by->parts = grown;
        by->capacity = capacity;
    }
    part *to = &by->parts[by->count];
    *to = *new_part;
    veld_status status = veld_arena_copy(&by->arena, new_part->body, &to->body);
    if (status != VELD_OK)
        return veld_fail(err, status, "no memory for a frame of %zu bytes", new_part->body.len);
    by->count++;
    return VELD_OK;
}

/* The card only says which known device wrote the file; it makes nothing known. */
static veld_status read_writer(taker *by, veld_span body, veld_error *err)
{
    veld_status status;
    veld_p256_public known;
    char id[VELD_ID_TEXT_SIZE];
    const veld_keyring *keyring = &by->desk->keyring;
    VELD_TRY(veld_card_read(body, &by->desk->verifier, &by->writer, err));
    veld_id_format(&by->writer.device, id);
    status = keyring->find(keyring->context, &by->writer.device, &known, err);
    if (status == VELD_E_NOT_FOUND ||
        (status == VELD_OK && memcmp(&known, &by->writer.sign_key, sizeof known) != 0))
        status = veld_fail(err, VELD_E_NOT_ALLOWED,
            "device %s wrote this file and its card is not known here; add its card first", id);
    by->has_writer = status == VELD_OK;
done:
    return status;
}

static veld_status read_frame(taker *by, const veld_frame *frame, veld_error *err)
{
    part new_part = {.type = (veld_frame_type)frame->type, .body = frame->body};
    veld_error why;
    if (frame->type == VELD_FRAME_CARD && !by->has_writer)
        return read_writer(by, frame->body, err);
    if (frame->type == VELD_FRAME_GRANT) {
        veld_grant grant;
        if (veld_grant_read(frame->body, &grant, &why) == VELD_OK) {
            new_part.case_id = grant.terms.case_id;
            return add_part(by, &new_part, err);
        }
        leave_out(by, &new_part.case_id, "grant", &why);
    } else if (frame->type == VELD_FRAME_ENVELOPE) {
        veld_envelope_header header;
        if (veld_envelope_read_header(frame->body, &header, &why) == VELD_OK) {
            new_part.case_id = header.case_id;
            return add_part(by, &new_part, err);
        }
        leave_out(by, &new_part.case_id, "envelope", &why);
    }
    return VELD_OK;
}

static veld_status read_file(taker *by, veld_span bytes, veld_error *err)
{
    enum { PIECE = 1 << 16 };
    veld_status status;
    veld_frame_reader reader = {0};
    VELD_TRY(veld_frame_reader_init(&reader, VELD_FRAME_FILE, err));
    for (size_t at = 0; at < bytes.len; at += PIECE) {
        size_t len = bytes.len - at < PIECE ? bytes.len - at : PIECE;
        VELD_TRY(veld_frame_reader_add(&reader, veld_span_part(bytes, at, len), err));
        for (;;) {
            veld_frame frame;
            bool have = false;
            VELD_TRY(veld_frame_reader_next(&reader, &frame, &have, err));
            if (!have)
                break;
            VELD_TRY(read_frame(by, &frame, err));
        }
    }
    VELD_TRY(veld_frame_reader_finish(&reader, err));
    if (!by->has_writer)
        status = veld_fail(err, VELD_E_FORM, "the file does not say which device wrote it");
done:
    veld_frame_reader_release(&reader);
    return status;
}

/* ---- one case ---- */

/* Names of an opened envelope's changes: their devices must be known. */
static veld_status name_change(void *context, veld_change *change, veld_error *err)
{
    veld_p256_public key;
    const veld_keyring *keyring = context;
    veld_status status = keyring->find(keyring->context, &change->device, &key, err);
    return status == VELD_OK ? veld_commit_ids(change, &key, err) : status;
}

/* A list of changes under way, in the arena of the case. */
typedef struct change_list {
    veld_arena arena;
    veld_change *changes;
    size_t count;
    size_t capacity;
} change_list;

static veld_status add_changes(
    change_list *list, const veld_change *changes, size_t count, veld_error *err)
{
    if (list->count + count > list->capacity) {
        size_t capacity = 2 * (list->count + count);
        veld_change *grown = veld_resize(list->changes, capacity * sizeof *grown);
        if (grown == NULL)
            return veld_fail(err, VELD_E_MEMORY, "no memory for %zu changes", capacity);
        list->changes = grown;
        list->capacity = capacity;
    }
    memcpy(list->changes + list->count, changes, count * sizeof *changes);
    list->count += count;
    return VELD_OK;
}

/* Opens the envelopes of a case; those that do not open are left out. */
static veld_status open_envelopes(taker *by, const veld_id *case_id, const veld_sealer *sealer,
    change_list *list, veld_error *err)
{
    veld_status status = VELD_OK;
    veld_keyring keyring = by->desk->keyring;
    veld_change_namer namer = {.context = &keyring, .name = name_change};
    for (size_t i = 0; i < by->count; i++) {
        part *p = &by->parts[i];
        veld_envelope_header header;
        veld_change *changes;
        veld_error why = {0};
        if (p->type != VELD_FRAME_ENVELOPE || !veld_id_equal(&p->case_id, case_id))
            continue;
        status = veld_envelope_open(sealer, p->body, &namer, &list->arena, &header, &changes, &why);
        if (status == VELD_E_MEMORY || status == VELD_E_CRYPTO)
            return veld_fail(err, status, "%s", why.text);
        if (status == VELD_E_NOT_FOUND)
            by->report->taken.unknown_device += header.count;
        else if (status != VELD_OK)
            leave_out(by, case_id, "envelope", &why);
        else
            VELD_TRY(add_changes(list, changes, header.count, err));
    }
    status = VELD_OK;
done:
    return status;
}

static void add_taken(veld_taken *sum, const veld_taken *more)
{
    sum->added += more->added;
    sum->known += more->known;
    sum->other_tree += more->other_tree;
    sum->unknown_device += more->unknown_device;
    sum->forged += more->forged;
}

/* A case that is here: its own keys open the envelopes. */
static veld_status take_known(taker *by, const veld_id *case_id, veld_case *opened, veld_error *err)
{
    veld_status status;
    veld_taken taken;
    const veld_sealer *sealer;
    change_list list = {0};
    veld_store_case *keys = veld_case_keys(opened);
    veld_arena_init(&list.arena, VELD_STATE_BYTES_MAX);
    VELD_TRY(veld_store_case_message_sealer(keys, veld_store_case_epoch(keys), &sealer, err));
    VELD_TRY(open_envelopes(by, case_id, sealer, &list, err));
    VELD_TRY(veld_case_take(opened, list.changes, list.count, &taken, err));
    add_taken(&by->report->taken, &taken);
    by->report->cases++;
done:
    veld_release(list.changes);
    veld_arena_release(&list.arena);
    return status;
}

/* Whether `device` founded the case: it made a first change that has no parents, and signed it. */
static bool is_founder(const taker *by, const change_list *list, const veld_card *card)
{
    for (size_t i = 0; i < list->count; i++) {
        veld_change *change = &list->changes[i];
        if (change->number == 1 && change->parents_count == 0 &&
            veld_id_equal(&change->device, &card->device) &&
            veld_commit_verify(change, &card->sign_key, &by->desk->verifier, NULL) == VELD_OK)
            return true;
    }
    return false;
}

static veld_status open_grant(
    taker *by, const part *p, veld_secret *key, uint32_t *epoch, veld_error *why)
{
    veld_grant grant;
    veld_status status = veld_grant_read(p->body, &grant, why);
    if (status == VELD_OK &&
        !veld_id_equal(&grant.terms.recipient, veld_store_device(by->desk->store)))
        status = veld_fail(why, VELD_E_NOT_ALLOWED, "it is for another device");
    if (status == VELD_OK)
        status = veld_grant_verify(&grant, &by->desk->verifier, &by->writer.sign_key, why);
    if (status == VELD_OK)
        status = veld_grant_open(&grant, veld_store_seal_key(by->desk->store), key, why);
    *epoch = grant.terms.epoch;
    return status;
}

/* Key, then changes of a case that is new here. A process killed in between leaves a case without
 * changes, which the same bundle fills when it is taken again. */
static veld_status store_new(taker *by, const veld_id *case_id, uint32_t epoch,
    const veld_secret *key, change_list *list, veld_error *err)
{
    veld_status status;
    veld_case *opened = NULL;
    veld_taken taken;
    VELD_TRY(veld_store_put_case_key(by->desk->store, case_id, epoch, veld_secret_span(key), err));
    VELD_TRY(veld_case_open(by->desk, case_id, &opened, err));
    VELD_TRY(veld_case_take(opened, list->changes, list->count, &taken, err));
    add_taken(&by->report->taken, &taken);
    by->report->cases++;
    by->report->new_cases++;
done:
    veld_case_close(opened);
    return status;
}

static veld_status take_new(taker *by, const part *p, veld_error *err)
{
    veld_status status;
    veld_error why = {0};
    veld_secret key = {0};
    veld_sealer *sealer = NULL;
    change_list list = {0};
    uint32_t epoch;
    veld_arena_init(&list.arena, VELD_STATE_BYTES_MAX);
    status = open_grant(by, p, &key, &epoch, &why);
    if (status != VELD_OK) {
        leave_out(by, &p->case_id, "grant", &why);
        status = VELD_OK;
        goto done;
    }
    VELD_TRY(veld_sealer_new(VELD_SEALER_CASE_MESSAGE, veld_secret_span(&key), (veld_span){0},
        by->desk->env, &sealer, err));
    VELD_TRY(open_envelopes(by, &p->case_id, sealer, &list, err));
    if (epoch != 1 || !is_founder(by, &list, &by->writer)) {
        veld_fail(&why, VELD_E_NOT_ALLOWED, "only the device that founded a case may give its key");
        leave_out(by, &p->case_id, "grant", &why);
        goto done;
    }
    VELD_TRY(store_new(by, &p->case_id, epoch, &key, &list, err));
done:
    veld_sealer_free(sealer);
    veld_secret_release(&key);
    veld_release(list.changes);
    veld_arena_release(&list.arena);
    return status;
}

/* Deal with the case of parts[first], and mark all its parts. */
static veld_status take_case(taker *by, size_t first, veld_error *err)
{
    const veld_id *case_id = &by->parts[first].case_id;
    const part *grant = NULL;
    veld_case *opened = NULL;
    veld_error why = {0};
    for (size_t i = first; i < by->count; i++) {
        if (!veld_id_equal(&by->parts[i].case_id, case_id))
            continue;
        by->parts[i].done = true;
        if (grant == NULL && by->parts[i].type == VELD_FRAME_GRANT)
            grant = &by->parts[i];
    }
    veld_status status = veld_case_open(by->desk, case_id, &opened, &why);
    if (status == VELD_OK)
        status = take_known(by, case_id, opened, err);
    else if (status == VELD_E_NOT_FOUND && grant != NULL)
        status = take_new(by, grant, err);
    else if (status == VELD_E_NOT_FOUND) {
        leave_out(by, case_id, "no grant for this case", &why);
        status = VELD_OK;
    } else if (err != NULL) {
        *err = why;
    }
    veld_case_close(opened);
    return status;
}

veld_status veld_bundle_take(const veld_desk *desk, veld_span bytes, veld_bundle_report *report,
    void (*finding)(void *context, const char *text), void *context, veld_error *err)
{
    veld_status status;
    taker by = {.desk = desk, .report = report, .finding = finding, .context = context};
    *report = (veld_bundle_report){0};
    veld_arena_init(&by.arena, VELD_BUNDLE_BYTES_MAX);
    if (bytes.len > VELD_BUNDLE_BYTES_MAX) {
        status = veld_fail(err, VELD_E_LIMIT, "a bundle has at most %u MiB",
            (unsigned)(VELD_BUNDLE_BYTES_MAX >> 20));
        goto done;
    }
    VELD_TRY(read_file(&by, bytes, err));
    for (size_t i = 0; i < by.count; i++) {
        if (!by.parts[i].done)
            VELD_TRY(take_case(&by, i, err));
    }
done:
    veld_release(by.parts);
    veld_arena_release(&by.arena);
    return status;
}

/* Taking a bundle in. First the whole file is read and its end checked, so that a cut file changes
 * nothing; then each case goes by itself. What is left out is told, and stays in the file. */
#include "veldkit/bundle.h"

#include <stdio.h>
#include <string.h>

#include "intake.h"
#include "veldkit/frame.h"
#include "veldkit/limits.h"

typedef struct taker {
    const veld_desk *desk;
    veld_bundle_report *report;
    void (*finding)(void *context, const char *text);
    void *context;
    veld_arena arena;
    intake_part *parts;
    size_t count;
    size_t capacity;
    veld_card writer;
    bool has_writer;
} taker;

static void leave_out(
    void *context, const intake_part *part, bool later, const char *what, const veld_error *why)
{
    taker *by = context;
    char id[VELD_ID_TEXT_SIZE];
    char text[2 * VELD_ERROR_TEXT_BYTES_MAX];
    by->report->refused += !later; /* what may be opened later stays in the file */
    if (by->finding == NULL)
        return;
    veld_id_format(&part->case_id, id);
    snprintf(text, sizeof text, "case %s: %s: %s", id, what, why->text);
    by->finding(by->context, text);
}

/* ---- reading the file ---- */

static veld_status add_part(taker *by, const intake_part *new_part, veld_error *err)
{
    if (by->count == by->capacity) {
        size_t capacity = by->capacity == 0 ? 16 : by->capacity * 2;
        intake_part *grown = veld_resize(by->parts, capacity * sizeof *grown);
        if (grown == NULL)
            return veld_fail(err, VELD_E_MEMORY, "no memory for %zu frames", capacity);
        by->parts = grown;
        by->capacity = capacity;
    }
    intake_part *to = &by->parts[by->count];
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
    intake_part part;
    veld_error why;
    if (frame->type == VELD_FRAME_CARD && !by->has_writer)
        return read_writer(by, frame->body, err);
    if (frame->type != VELD_FRAME_GRANT && frame->type != VELD_FRAME_ENVELOPE)
        return VELD_OK;
    if (intake_read((veld_frame_type)frame->type, frame->body, &part, &why) == VELD_OK)
        return add_part(by, &part, err);
    leave_out(by, &part, false, "frame", &why);
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

/* ---- case by case ---- */

static veld_status hold_back(void *context, veld_case *opened, veld_change *change, uint64_t place,
    bool *aside, veld_error *err)
{
    (void)place;
    const taker *by = context;
    return intake_hold_back(by->desk, opened, change, aside, err);
}

veld_status veld_bundle_take(const veld_desk *desk, veld_span bytes, veld_bundle_report *report,
    void (*finding)(void *context, const char *text), void *context, veld_error *err)
{
    veld_status status;
    taker by = {.desk = desk, .report = report, .finding = finding, .context = context};
    intake in = {.desk = desk, .context = &by, .leave_out = leave_out, .set_aside = hold_back};
    *report = (veld_bundle_report){0};
    veld_arena_init(&by.arena, VELD_BUNDLE_BYTES_MAX);
    if (bytes.len > VELD_BUNDLE_BYTES_MAX) {
        status = veld_fail(err, VELD_E_LIMIT, "a bundle has at most %u MiB",
            (unsigned)(VELD_BUNDLE_BYTES_MAX >> 20));
        goto done;
    }
    VELD_TRY(read_file(&by, bytes, err));
    VELD_TRY(intake_sort(by.parts, by.count, err));
    for (size_t first = 0, len; first < by.count; first += len) {
        len = intake_length(by.parts, by.count, first);
        VELD_TRY(intake_case(&in, by.parts + first, len, err));
    }
    report->cases = in.cases;
    report->new_cases = in.new_cases;
    report->taken = in.taken;
done:
    veld_release(by.parts);
    veld_arena_release(&by.arena);
    return status;
}

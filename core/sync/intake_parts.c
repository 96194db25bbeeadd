/* Frames that concern cases: of which case each is, and those of one case side by side. */
#include <stdlib.h>

#include "intake.h"
#include "veldkit/checkpoint_item.h"
#include "veldkit/envelope.h"
#include "veldkit/grant.h"

veld_status intake_read(veld_frame_type type, veld_span body, intake_part *out, veld_error *err)
{
    veld_status status;
    veld_grant grant;
    veld_envelope_header header;
    *out = (intake_part){.type = type, .body = body};
    if (type == VELD_FRAME_GRANT) {
        status = veld_grant_read(body, &grant, err);
        out->case_id = grant.terms.case_id;
    } else if (type == VELD_FRAME_CHECKPOINT) {
        veld_checkpoint_item item;
        status = veld_checkpoint_item_read(body, &item, err);
        out->case_id = item.head.case_id;
    } else {
        status = veld_envelope_read_header(body, &header, err);
        if (status == VELD_OK)
            out->case_id = header.case_id;
    }
    return status;
}

/* ---- side by side ---- */

typedef struct placed_part {
    intake_part part;
    size_t place;
} placed_part;

static int by_case_and_place(const void *a, const void *b)
{
    const placed_part *left = a;
    const placed_part *right = b;
    int order = veld_id_compare(&left->part.case_id, &right->part.case_id);
    return order != 0 ? order : (left->place > right->place) - (left->place < right->place);
}

veld_status intake_sort(intake_part *parts, size_t count, veld_error *err)
{
    placed_part *sorted = veld_allocate((count + 1) * sizeof *sorted);
    if (sorted == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for %zu frames", count);
    for (size_t i = 0; i < count; i++)
        sorted[i] = (placed_part){.part = parts[i], .place = i};
    qsort(sorted, count, sizeof *sorted, by_case_and_place);
    for (size_t i = 0; i < count; i++)
        parts[i] = sorted[i].part;
    veld_release(sorted);
    return VELD_OK;
}

size_t intake_length(const intake_part *parts, size_t count, size_t first)
{
    size_t len = 1;
    while (first + len < count && veld_id_equal(&parts[first + len].case_id, &parts[first].case_id))
        len++;
    return len;
}

/* Founding a dossier, or one more part of it. Key, first change and both links are one transaction:
 * a crash leaves all of it or nothing, never a part that nobody links. */
#include "veldkit/part.h"

#include <string.h>

#include "case_inner.h"
#include "part_inner.h"
#include "veldkit/assert.h"
#include "veldkit/blind.h"
#include "veldkit/limits.h"

static veld_status add_edits(veld_buf *list, const veld_edit *edits, size_t count, veld_error *err)
{
    veld_status status = veld_buf_append(list, edits, count * sizeof *edits);
    return status == VELD_OK
               ? status
               : veld_fail(err, status, "more values than one save may hold, or no memory");
}

static const veld_edit *items_of(const veld_buf *list, size_t *count)
{
    *count = list->len / sizeof(veld_edit);
    return (const veld_edit *)(const void *)list->data;
}

/* Key and first change of a part: the back link, and what it begins with. */
static veld_status found_part(const veld_desk *desk, const veld_id *dossier,
    veld_compartment compartment, const veld_edit *edits, size_t count, veld_id *part,
    veld_hash *change, veld_error *err)
{
    veld_status status;
    part_link back;
    veld_buf list;
    size_t all;
    veld_case *opened = NULL;
    veld_buf_init(&list, VELD_CHANGE_WRITES_MAX * sizeof(veld_edit));
    VELD_TRY(part_make_place(desk, dossier, compartment, part, &back, err));
    VELD_TRY(add_edits(&list, back.edits, back.count, err));
    VELD_TRY(add_edits(&list, edits, count, err));
    const veld_edit *items = items_of(&list, &all);
    /* Who reported is never readable here: the agency founds that case when it hears of it. */
    status = compartment == VELD_COMPARTMENT_REPORTER
                 ? veld_case_save_blind(desk, part, items, all, change, err)
                 : case_found_row(desk, part, items, all, &opened, change, err);
done:
    veld_case_close(opened);
    veld_buf_wipe(&list);
    return status;
}

static veld_compartment compartment_of(const veld_desk *desk, const veld_edit *edit)
{
    const veld_schema *schema = veld_schema_get(desk->schemas, edit->type);
    return schema == NULL || schema->compartment == VELD_COMPARTMENT_ANY ? VELD_COMPARTMENT_MAIN
                                                                         : schema->compartment;
}

static veld_status select_edits(const veld_desk *desk, veld_compartment compartment,
    const veld_edit *edits, size_t count, veld_buf *out, veld_error *err)
{
    veld_status status = VELD_OK;
    for (size_t i = 0; status == VELD_OK && i < count; i++) {
        if (compartment_of(desk, &edits[i]) == compartment)
            status = add_edits(out, &edits[i], 1, err);
    }
    return status;
}

static veld_status found_dossier(const veld_desk *desk, const veld_id *dossier,
    const veld_edit *edits, size_t count, veld_error *err)
{
    veld_status status;
    part_link links[VELD_COMPARTMENT_ANY];
    veld_buf main, own;
    size_t all;
    veld_hash change;
    veld_case *opened = NULL;
    veld_buf_init(&main, VELD_CHANGE_WRITES_MAX * sizeof(veld_edit));
    veld_buf_init(&own, VELD_CHANGE_WRITES_MAX * sizeof(veld_edit));
    VELD_TRY(select_edits(desk, VELD_COMPARTMENT_MAIN, edits, count, &main, err));
    for (int c = VELD_COMPARTMENT_MAIN + 1; c < VELD_COMPARTMENT_ANY; c++) {
        veld_id part;
        veld_buf_clear(&own);
        VELD_TRY(select_edits(desk, (veld_compartment)c, edits, count, &own, err));
        const veld_edit *items = items_of(&own, &all);
        if (all == 0)
            continue;
        VELD_TRY(found_part(desk, dossier, (veld_compartment)c, items, all, &part, &change, err));
        VELD_TRY(part_make_link(desk->env, &part, (veld_compartment)c, &links[c], err));
        VELD_TRY(add_edits(&main, links[c].edits, links[c].count, err));
    }
    const veld_edit *items = items_of(&main, &all);
    status = case_found_row(desk, dossier, items, all, &opened, &change, err);
done:
    veld_case_close(opened);
    veld_buf_wipe(&main);
    veld_buf_wipe(&own);
    return status;
}

veld_status veld_part_found_dossier(const veld_desk *desk, const veld_id *dossier,
    const veld_edit *edits, size_t count, veld_error *err)
{
    veld_status status;
    VELD_TRY(veld_store_begin(desk->store, err));
    status = found_dossier(desk, dossier, edits, count, err);
    status = veld_store_end(desk->store, status, err);
done:
    return status;
}

veld_status veld_part_found(veld_case *main, veld_compartment compartment, const veld_edit *edits,
    size_t count, veld_id *part, veld_hash *change, veld_error *err)
{
    veld_status status;
    part_link to_part;
    veld_hash main_change;
    const veld_desk *desk = &main->desk;
    VELD_ASSERT(compartment != VELD_COMPARTMENT_MAIN && compartment != VELD_COMPARTMENT_ANY);
    VELD_TRY(case_usable(main, err));
    VELD_TRY(veld_store_begin(desk->store, err));
    status = found_part(desk, &main->id, compartment, edits, count, part, change, err);
    if (status == VELD_OK)
        status = part_make_link(desk->env, part, compartment, &to_part, err);
    if (status == VELD_OK)
        status = case_save_row(main, to_part.edits, to_part.count, &main_change, err);
    status = case_commit(main, status, err);
done:
    if (status != VELD_OK)
        *change = (veld_hash){0};
    return status;
}

veld_status veld_part_found_blind(const veld_desk *desk, const veld_edit *edits, size_t count,
    veld_id *case_id, veld_hash *change, veld_error *err)
{
    veld_status status =
        veld_founder_new_id(desk->env, veld_store_device(desk->store), case_id, err);
    return status == VELD_OK ? veld_case_save_blind(desk, case_id, edits, count, change, err)
                             : status;
}

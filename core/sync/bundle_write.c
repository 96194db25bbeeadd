/* Writing a bundle: for each case its key, sealed to the colleague's device, and all changes that
 * are here. */
#include "veldkit/bundle.h"

#include <string.h>

#include "runs.h"
#include "veldkit/frame.h"
#include "veldkit/grant.h"
#include "veldkit/limits.h"

static veld_status add_grant(const veld_desk *desk, veld_case *opened, const veld_card *to,
    veld_frame_writer *writer, veld_error *err)
{
    veld_status status;
    veld_buf grant;
    veld_span key;
    veld_store_case *keys = veld_case_keys(opened);
    veld_grant_terms terms = {
        .case_id = *veld_case_id(opened),
        .epoch = veld_store_case_epoch(keys),
        .recipient = to->device,
        .purpose = VELD_GRANT_COLLEAGUE,
    };
    veld_buf_init(&grant, VELD_FRAME_BYTES_MAX);
    VELD_TRY(veld_store_case_key(keys, terms.epoch, &key, err));
    VELD_TRY(veld_grant_make(desk->env, &terms, key, &to->seal_key, &desk->signer, &grant, err));
    VELD_TRY(veld_frame_writer_add(writer, VELD_FRAME_GRANT, veld_buf_span(&grant), err));
done:
    veld_buf_release(&grant);
    return status;
}

static veld_status add_envelope(void *context, veld_priority priority, const veld_change *changes,
    size_t count, veld_span bytes, veld_error *err)
{
    (void)priority;
    (void)changes;
    (void)count;
    return veld_frame_writer_add(context, VELD_FRAME_ENVELOPE, bytes, err);
}

static veld_status add_changes(veld_case *opened, veld_frame_writer *writer, veld_error *err)
{
    veld_status status;
    size_t count;
    const run_sink sink = {.context = writer, .envelope = add_envelope};
    const veld_node *const *order = veld_graph_order(veld_case_graph(opened), &count);
    const veld_node **nodes = veld_allocate((count + 1) * sizeof *nodes);
    if (order == NULL || nodes == NULL) {
        status = veld_fail(err, VELD_E_MEMORY, "no memory for %zu changes", count);
        goto done;
    }
    size_t chosen = 0;
    for (size_t i = 0; i < count; i++)
        if (!order[i]->early) /* of those only the names are here */
            nodes[chosen++] = order[i];
    status = runs_seal(opened, nodes, chosen, &sink, err);
done:
    veld_release(nodes);
    return status;
}

static veld_status add_case(const veld_desk *desk, const veld_id *case_id, const veld_card *to,
    veld_frame_writer *writer, veld_error *err)
{
    veld_status status;
    veld_case *opened = NULL;
    VELD_TRY(veld_case_open(desk, case_id, &opened, err));
    VELD_TRY(add_grant(desk, opened, to, writer, err));
    VELD_TRY(add_changes(opened, writer, err));
done:
    veld_case_close(opened);
    return status;
}

veld_status veld_bundle_write(const veld_desk *desk, const char *program, veld_span own_card,
    const veld_card *to, const veld_id *cases, size_t count, veld_buf *out, veld_error *err)
{
    veld_status status;
    veld_frame_writer writer = {0};
    VELD_TRY(veld_frame_writer_begin(&writer, VELD_FRAME_FILE, program, out, err));
    VELD_TRY(veld_frame_writer_add(&writer, VELD_FRAME_CARD, own_card, err));
    for (size_t i = 0; i < count; i++)
        VELD_TRY(add_case(desk, &cases[i], to, &writer, err));
    VELD_TRY(veld_frame_writer_end(&writer, err));
done:
    veld_frame_writer_abort(&writer);
    return status;
}

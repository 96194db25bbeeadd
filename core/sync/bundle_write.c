/* Writing a bundle: for each case its key, sealed to the colleague's device, and all changes that
 * are here, chain by chain, so that an envelope holds consecutive changes of one device. */
#include "veldkit/bundle.h"

#include <stdlib.h>
#include <string.h>

#include "veldkit/envelope.h"
#include "veldkit/frame.h"
#include "veldkit/grant.h"
#include "veldkit/limits.h"

enum { CHANGES_PER_ENVELOPE = 64 };

static int by_chain_and_number(const void *a, const void *b)
{
    const veld_node *left = *(const veld_node *const *)a;
    const veld_node *right = *(const veld_node *const *)b;
    int order = veld_id_compare(&left->chain.device, &right->chain.device);
    if (order == 0)
        order = memcmp(
            left->chain.incarnation, right->chain.incarnation, sizeof left->chain.incarnation);
    if (order == 0)
        order = (left->number > right->number) - (left->number < right->number);
    return order != 0 ? order : veld_hash_compare(&left->id, &right->id);
}

/* How many of `nodes` from the first on may go into one envelope. */
static size_t run_length(const veld_node *const *nodes, size_t count)
{
    size_t run = 1;
    while (run < count && run < CHANGES_PER_ENVELOPE &&
           veld_id_equal(&nodes[run]->chain.device, &nodes[0]->chain.device) &&
           memcmp(nodes[run]->chain.incarnation, nodes[0]->chain.incarnation,
               sizeof nodes[0]->chain.incarnation) == 0 &&
           nodes[run]->number == nodes[run - 1]->number + 1)
        run++;
    return run;
}

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

static veld_status load_run(veld_case *opened, const veld_node *const *nodes, size_t run,
    veld_arena *arena, veld_change *changes, veld_error *err)
{
    veld_status status = VELD_OK;
    for (size_t i = 0; status == VELD_OK && i < run; i++)
        status = veld_case_change(opened, &nodes[i]->id, arena, &changes[i], err);
    return status;
}

/* One envelope of `run` changes, or several smaller ones when they are too large together. */
static veld_status add_run(const veld_sealer *sealer, uint32_t epoch, const veld_change *changes,
    size_t run, veld_frame_writer *writer, veld_error *err)
{
    veld_status status = VELD_OK;
    veld_buf envelope;
    veld_buf_init(&envelope, VELD_ENVELOPE_BYTES_MAX);
    for (size_t at = 0; at < run;) {
        size_t take = run - at;
        do {
            veld_buf_clear(&envelope);
            status = veld_envelope_seal(
                sealer, epoch, VELD_PRIORITY_TEXT, changes + at, take, &envelope, err);
            if (status == VELD_E_LIMIT)
                take /= 2;
        } while (status == VELD_E_LIMIT && take > 0);
        if (status != VELD_OK)
            break;
        VELD_TRY(veld_frame_writer_add(writer, VELD_FRAME_ENVELOPE, veld_buf_span(&envelope), err));
        at += take;
    }
done:
    veld_buf_release(&envelope);
    return status;
}

static veld_status add_changes(veld_case *opened, veld_frame_writer *writer, veld_error *err)
{
    veld_status status = VELD_OK;
    size_t count;
    const veld_sealer *sealer;
    veld_arena arena;
    veld_change changes[CHANGES_PER_ENVELOPE];
    uint32_t epoch = veld_store_case_epoch(veld_case_keys(opened));
    veld_arena_init(&arena, VELD_CHANGE_MEMORY_MAX);
    const veld_node *const *order = veld_graph_order(veld_case_graph(opened), &count);
    const veld_node **nodes = veld_allocate((count + 1) * sizeof *nodes);
    if (order == NULL || nodes == NULL) {
        status = veld_fail(err, VELD_E_MEMORY, "no memory for %zu changes", count);
        goto done;
    }
    if (count > 0)
        memcpy(nodes, order, count * sizeof *nodes);
    qsort(nodes, count, sizeof *nodes, by_chain_and_number);
    VELD_TRY(veld_store_case_message_sealer(veld_case_keys(opened), epoch, &sealer, err));
    for (size_t at = 0; at < count;) {
        size_t run = run_length(nodes + at, count - at);
        VELD_TRY(load_run(opened, nodes + at, run, &arena, changes, err));
        VELD_TRY(add_run(sealer, epoch, changes, run, writer, err));
        veld_arena_release(&arena);
        at += run;
    }
done:
    veld_arena_release(&arena);
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

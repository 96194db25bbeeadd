/* An answer that is made in one order and said in another: most pressing first. */
#include <stdlib.h>
#include <string.h>

#include "veldkit/cli.h"
#include "veldkit/env.h"

typedef struct piece {
    int64_t key[VELD_CLI_PIECE_KEYS];
    size_t number, from, to;
} piece;

void veld_cli_pieces_init(veld_cli_pieces *pieces)
{
    veld_buf_init(&pieces->bytes, VELD_CLI_PIECES_BYTES_MAX);
    veld_buf_init(&pieces->list, VELD_CLI_PIECES_BYTES_MAX);
}

void veld_cli_pieces_release(veld_cli_pieces *pieces)
{
    veld_buf_wipe(&pieces->bytes);
    veld_buf_release(&pieces->list);
}

veld_status veld_cli_piece_take(veld_cli_call *call, veld_cli_pieces *pieces, size_t from,
    const int64_t key[VELD_CLI_PIECE_KEYS])
{
    piece made = {.from = pieces->bytes.len, .number = pieces->list.len / sizeof made};
    veld_buf *out = &call->out;
    veld_status status;
    memcpy(made.key, key, sizeof made.key);
    if (out->len > from)
        VELD_TRY(veld_buf_append(&pieces->bytes, out->data + from, out->len - from));
    made.to = pieces->bytes.len;
    VELD_TRY(veld_buf_append(&pieces->list, &made, sizeof made));
    if (out->len > from)
        veld_wipe(out->data + from, out->len - from);
    out->len = from;

done:
    return status;
}

static int by_key(const void *a, const void *b)
{
    const piece *left = a, *right = b;
    for (size_t i = 0; i < VELD_CLI_PIECE_KEYS; i++) {
        if (left->key[i] != right->key[i])
            return left->key[i] < right->key[i] ? -1 : 1;
    }
    return (left->number > right->number) - (left->number < right->number);
}

veld_status veld_cli_pieces_say(veld_cli_call *call, veld_cli_pieces *pieces, bool json)
{
    veld_json_writer writer = {0};
    veld_status status = VELD_OK;
    size_t count = pieces->list.len / sizeof(piece);
    if (count > 0)
        qsort(pieces->list.data, count, sizeof(piece), by_key);
    if (json) {
        veld_json_writer_init(&writer, &call->out);
        veld_json_writer_array_begin(&writer);
    }
    for (size_t i = 0; i < count; i++) {
        piece one;
        memcpy(&one, pieces->list.data + i * sizeof one, sizeof one);
        veld_span bytes = veld_span_of(pieces->bytes.data + one.from, one.to - one.from);
        if (json)
            veld_json_writer_canonical(&writer, bytes);
        else
            VELD_TRY(veld_buf_append_span(&call->out, bytes));
    }
    if (json) {
        veld_json_writer_array_end(&writer);
        status = veld_cli_json_end(call, &writer);
    }

done:
    veld_json_writer_release(&writer);
    return status;
}

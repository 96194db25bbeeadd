/* What the encodings cost: one small change as a row, a visit in an envelope, and their sizes. The
 * best of several rounds counts, so that other work on the machine disturbs less. */
#include <stdio.h>
#include <time.h>

#include "veldkit/assert.h"
#include "veldkit/crypto.h"
#include "veldkit/limits.h"
#include "wire_world.h"

enum { ROUNDS = 15, CALLS = 2000, VISITS = 50 };

static const uint8_t root[32] = {7};
static const uint8_t hedge[32] = {8};

typedef struct bench {
    wire_world w;
    veld_sealer *sealer;
    const veld_change *one;
    const veld_change *visit;
    veld_buf row, wire, sealed, out;
} bench;

static void must(veld_status status)
{
    VELD_ASSERT(status == VELD_OK);
}

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double best_us(void (*run)(bench *b), bench *b, int calls)
{
    double best = 1e12;
    for (int round = 0; round < ROUNDS; round++) {
        double start = now_us();
        for (int i = 0; i < calls; i++)
            run(b);
        double each = (now_us() - start) / calls;
        best = each < best ? each : best;
    }
    return best;
}

static void encode_row(bench *b)
{
    veld_buf_clear(&b->out);
    must(veld_change_encode(b->one, VELD_CHANGE_ROW, &b->out, NULL));
}

static void decode(veld_span bytes, veld_change_form form)
{
    veld_arena arena;
    veld_change change;
    veld_arena_init(&arena, 1 << 20);
    must(veld_change_decode(bytes, form, &arena, &change, NULL));
    veld_arena_release(&arena);
}

static void decode_row(bench *b)
{
    decode(veld_buf_span(&b->row), VELD_CHANGE_ROW);
}

static void decode_wire(bench *b)
{
    decode(veld_buf_span(&b->wire), VELD_CHANGE_WIRE);
}

static void seal(bench *b)
{
    veld_buf_clear(&b->out);
    must(veld_envelope_seal(
        b->sealer, 1, VELD_PRIORITY_TEXT, b->visit, WIRE_VISIT_CHANGES, &b->out, NULL));
}

static void open_visit(bench *b)
{
    veld_arena arena;
    veld_envelope_header header;
    veld_change *changes;
    veld_arena_init(&arena, 1 << 20);
    must(veld_envelope_open(
        b->sealer, veld_buf_span(&b->sealed), &b->w.namer, &arena, &header, &changes, NULL));
    veld_arena_release(&arena);
}

/* Rows as a store is loaded: all into one arena. */
static void decode_rows(bench *b)
{
    veld_arena arena;
    veld_change change;
    veld_arena_init(&arena, 64 << 20);
    for (int i = 0; i < CALLS; i++)
        must(veld_change_decode(veld_buf_span(&b->row), VELD_CHANGE_ROW, &arena, &change, NULL));
    veld_arena_release(&arena);
}

int main(void)
{
    static bench b;
    must(veld_crypto_init(NULL));
    wire_world_init(&b.w, 1);
    must(veld_sealer_new(VELD_SEALER_CASE_MESSAGE, veld_span_of(root, sizeof root),
        veld_span_of(hedge, sizeof hedge), &b.w.world.env, &b.sealer, NULL));
    b.one = wire_world_one_field(&b.w);
    b.visit = wire_world_visit(&b.w);
    veld_buf *const bufs[] = {&b.row, &b.wire, &b.sealed, &b.out};
    for (size_t i = 0; i < 4; i++)
        veld_buf_init(bufs[i], VELD_ENVELOPE_BYTES_MAX);
    must(veld_change_encode(b.one, VELD_CHANGE_ROW, &b.row, NULL));
    must(veld_change_encode(b.one, VELD_CHANGE_WIRE, &b.wire, NULL));
    seal(&b);
    must(veld_buf_append_span(&b.sealed, veld_buf_span(&b.out)));
    printf(
        "change of one write, as row: %zu bytes, on the wire: %zu bytes\n", b.row.len, b.wire.len);
    printf("envelope of %d changes: %zu bytes\n", WIRE_VISIT_CHANGES, b.sealed.len);
    printf("encode a row of one write: %.2f us\n", best_us(encode_row, &b, CALLS));
    printf("decode a row, arena of its own: %.2f us\n", best_us(decode_row, &b, CALLS));
    printf("decode a row, arena shared: %.2f us\n", best_us(decode_rows, &b, 1) / CALLS);
    printf("decode and check a change from the wire: %.2f us\n", best_us(decode_wire, &b, CALLS));
    printf("seal %d changes: %.0f us\n", WIRE_VISIT_CHANGES, best_us(seal, &b, VISITS));
    printf("open %d changes: %.0f us\n", WIRE_VISIT_CHANGES, best_us(open_visit, &b, VISITS));
    for (size_t i = 0; i < 4; i++)
        veld_buf_release(bufs[i]);
    veld_sealer_free(b.sealer);
    wire_world_release(&b.w);
    return 0;
}

/* What it costs the relay when a tablet comes that it has never seen: it goes through its whole
 * journal for the few cases that the tablet may fetch. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "exchange.h"
#include "srv_journal.h"
#include "test_env.h"
#include "veld_test.h"
#include "veldkit/crypto.h"
#include "veldkit/hash.h"
#include "veldkit/limits.h"
#include "veldkit/number.h"
#include "veldkit/receipt.h"
#include "veldkit/relay.h"

enum { GIVEN = 200, ENVELOPES = 12, ENVELOPE_BYTES = 512 };

static test_env env;
static veld_p256_private key;

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static veld_id id_of(uint8_t kind, size_t number)
{
    veld_id id = {{kind}};
    veld_put_u64(id.bytes + 8, number);
    return id;
}

static void append(const veld_journal *journal, veld_journal_item *item, size_t len)
{
    static uint8_t bytes[ENVELOPE_BYTES];
    veld_put_u64(bytes, journal->size(journal->context) + 1); /* so that no two are alike */
    assert_ok(veld_sha256(veld_span_of(bytes, len), &item->id, NULL));
    item->len = (uint32_t)len;
    assert_ok(journal->append(journal->context, item, veld_span_of(bytes, len), NULL));
    assert_ok(veld_log_append(&journal->log, item->seq - 1, &item->id, NULL));
}

static void give(const veld_journal *journal, const veld_id *device, size_t number)
{
    veld_journal_item grant = {.kind = VELD_FRAME_GRANT,
        .case_id = id_of(1, number),
        .device = *device,
        .access = true,
        .number = number + 1};
    append(journal, &grant, 320);
}

/* The envelopes of a case lie far apart, as they do when many work. */
static void fill(const veld_journal *journal, size_t cases, const veld_id *device)
{
    assert_ok(journal->begin(journal->context, NULL));
    for (size_t i = 0; i < cases; i++) {
        veld_id founder = id_of(2, i % 60);
        give(journal, &founder, i);
    }
    for (size_t n = 0; n < ENVELOPES; n++) {
        for (size_t i = 0; i < cases; i++) {
            veld_journal_item envelope = {.kind = VELD_FRAME_ENVELOPE,
                .case_id = id_of(1, i),
                .device = id_of(2, i % 60),
                .carrier = id_of(2, i % 60),
                .number = n + 1,
                .count = 1};
            append(journal, &envelope, ENVELOPE_BYTES);
        }
    }
    for (size_t i = 0; i < GIVEN; i++)
        give(journal, device, i * (cases / GIVEN));
    assert_ok(journal->commit(journal->context, NULL));
}

static void write_request(const exchange_cursor *cursor, veld_buf *out)
{
    veld_buf body;
    veld_frame_writer writer = {0};
    veld_buf_init(&body, EXCHANGE_SMALL_BYTES_MAX);
    assert_ok(exchange_put_cursor(cursor, &body, NULL));
    assert_ok(veld_frame_writer_begin(&writer, VELD_FRAME_STREAM, "bench 1", out, NULL));
    assert_ok(veld_frame_writer_add(&writer, VELD_FRAME_CURSOR, veld_buf_span(&body), NULL));
    assert_ok(veld_frame_writer_end(&writer, NULL));
    veld_buf_release(&body);
}

static void read_place(veld_span answer, exchange_cursor *cursor, veld_log_head *log)
{
    bool have = true;
    veld_frame_reader reader = {0};
    const veld_verifier verifier = veld_verifier_p256();
    assert_ok(veld_frame_reader_init(&reader, VELD_FRAME_STREAM, NULL));
    assert_ok(veld_frame_reader_add(&reader, answer, NULL));
    while (have) {
        veld_frame frame;
        veld_arena arena;
        veld_receipt receipt;
        assert_ok(veld_frame_reader_next(&reader, &frame, &have, NULL));
        veld_arena_init(&arena, 1 << 16);
        if (have && frame.type == VELD_FRAME_CURSOR)
            assert_ok(exchange_read_cursor(frame.body, cursor, NULL));
        if (have && frame.type == VELD_FRAME_RECEIPT) {
            assert_ok(
                veld_receipt_read(frame.body, &verifier, &key.public_key, &arena, &receipt, NULL));
            *log = receipt.log;
        }
        veld_arena_release(&arena);
    }
    veld_frame_reader_release(&reader);
}

static bool exchange(
    veld_relay *relay, const veld_id *device, exchange_cursor *cursor, size_t *bytes)
{
    bool parked;
    veld_buf request, answer;
    veld_relay_turn *turn;
    veld_log_head log = {0};
    const veld_relay_peer peer = {.device = *device, .may_fetch = true, .quota_bytes = 1u << 30};
    veld_buf_init(&request, VELD_EXCHANGE_BYTES_MAX);
    veld_buf_init(&answer, VELD_EXCHANGE_BYTES_MAX);
    write_request(cursor, &request);
    assert_ok(veld_relay_take(relay, &peer, veld_buf_span(&request), &turn, NULL));
    assert_ok(veld_relay_answer(relay, turn, &answer, &parked, NULL));
    assert_false(parked);
    veld_relay_turn_free(turn);
    read_place(veld_buf_span(&answer), cursor, &log);
    bool more = (cursor->flags & CURSOR_MORE) != 0;
    cursor->log = log;
    cursor->flags = 0;
    cursor->page_bytes = VELD_EXCHANGE_PAGE_BYTES_MAX;
    *bytes += answer.len;
    veld_buf_release(&request);
    veld_buf_release(&answer);
    return more;
}

static void measure(const char *folder, size_t cases)
{
    char path[200];
    srv_journal *file;
    veld_relay *relay;
    unsigned trips = 0;
    size_t bytes = 0;
    const veld_id device = id_of(3, 0);
    exchange_cursor cursor = {.page_bytes = VELD_EXCHANGE_PAGE_BYTES_MAX};
    snprintf(path, sizeof path, "%s/journal-%zu.db", folder, cases);
    assert_ok(srv_journal_create(&env.env, path, NULL));
    assert_ok(srv_journal_open(path, &file, NULL));
    fill(srv_journal_get(file), cases, &device);
    const veld_relay_config config = {.env = &env.env,
        .program = "bench 1",
        .journal = srv_journal_get(file),
        .signer = veld_signer_p256(&key),
        .verifier = veld_verifier_p256(),
        .merger_key = key.public_key};
    assert_ok(veld_relay_new(&config, &relay, NULL));
    double start = now_ms();
    bool more = true;
    for (; more; trips++)
        more = exchange(relay, &device, &cursor, &bytes);
    double all = now_ms() - start;
    start = now_ms();
    (void)exchange(relay, &device, &cursor, &bytes);
    printf(
        "a new tablet with %d of %5zu cases, %6zu items: %8.1f ms in %u exchanges, %zu KiB; then "
        "nothing new: %.2f ms\n",
        GIVEN, cases, cases * (ENVELOPES + 1) + GIVEN, all, trips, bytes / 1024, now_ms() - start);
    veld_relay_free(relay);
    srv_journal_close(file);
}

int main(void)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    static const size_t sizes[] = {1000, 10000};
    char folder[] = "/dev/shm/veldkit-bench-XXXXXX", path[200];
    assert_non_null(mkdtemp(folder));
    assert_ok(veld_crypto_init(NULL));
    test_env_init(&env, 1);
    assert_ok(veld_p256_generate(&env.env, &key, NULL));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        measure(folder, sizes[i]);
        for (size_t k = 0; k < sizeof ends / sizeof *ends; k++) {
            snprintf(path, sizeof path, "%s/journal-%zu.db%s", folder, sizes[i], ends[k]);
            (void)unlink(path);
        }
    }
    (void)rmdir(folder);
    return 0;
}

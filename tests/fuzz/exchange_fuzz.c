/* A request of anybody to the relay: the input becomes frames (type, length u16, body) of a stream
 * that is otherwise right, so that the fuzzer need not find hashes. What the relay took in is then
 * asked for. The signed forms are read besides, with a verifier that believes all. */
#include <stdint.h>
#include <string.h>

#include "../../core/sync/exchange.h"
#include "test_env.h"
#include "test_journal.h"
#include "veldkit/assert.h"
#include "veldkit/crypto.h"
#include "veldkit/directory.h"
#include "veldkit/directory_head.h"
#include "veldkit/erase.h"
#include "veldkit/frame.h"
#include "veldkit/head.h"
#include "veldkit/introduction.h"
#include "veldkit/limits.h"
#include "veldkit/order.h"
#include "veldkit/quarantine.h"
#include "veldkit/receipt.h"
#include "veldkit/relay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static veld_status sign(
    void *context, const veld_hash *digest, veld_signature *out, veld_error *err)
{
    (void)context;
    (void)err;
    memcpy(out->bytes, digest->bytes, sizeof digest->bytes);
    return VELD_OK;
}

static void read_signed(veld_span bytes, const veld_verifier *verifier)
{
    veld_arena arena;
    veld_receipt receipt;
    veld_head head;
    veld_agency agency;
    veld_directory_entry entry;
    veld_order order;
    veld_id erased;
    veld_confirmation confirmation;
    const veld_p256_public key = {{4}};
    veld_arena_init(&arena, 1 << 20);
    (void)!veld_receipt_read(bytes, verifier, &key, &arena, &receipt, NULL);
    (void)!veld_head_read(bytes, &arena, &head, NULL);
    (void)!veld_agency_read(bytes, verifier, &agency, NULL);
    (void)!veld_directory_read(bytes, verifier, &key, &entry, NULL);
    (void)!veld_order_read(bytes, verifier, &key, &order, NULL);
    (void)!veld_confirmation_read(bytes, &confirmation, NULL);
    (void)!veld_forget_read(bytes, verifier, &key, &erased, NULL);
    VELD_ASSERT(veld_id_is_zero(&erased)); /* nobody signed it */
    veld_arena_release(&arena);
}

/* What a tablet reads of an answer. */
static void read_answer(veld_span bytes, const veld_verifier *verifier)
{
    veld_aside aside;
    veld_introduction introduction;
    veld_directory_head head;
    exchange_told told;
    exchange_ask ask;
    exchange_place place;
    const veld_p256_public key = {{4}};
    (void)!veld_aside_read(bytes, &aside, NULL);
    (void)!veld_aside_verify(bytes, verifier, &key, NULL);
    if (veld_introduction_read(bytes, &introduction, NULL) == VELD_OK) {
        VELD_ASSERT(introduction.index < introduction.log.size);
        (void)!veld_introduction_verify(bytes, &introduction, verifier, &key, NULL);
    }
    if (veld_directory_head_read(bytes, verifier, &key, &head, NULL) == VELD_OK)
        VELD_ASSERT(head.log.size > 0 && head.bridges_count <= VELD_DIRECTORY_BRIDGES_MAX);
    (void)!exchange_read_told(bytes, &told, NULL);
    (void)!exchange_read_ask(bytes, &ask, NULL);
    if (exchange_read_place(bytes, &place, NULL) == VELD_OK)
        VELD_ASSERT(place.seq > 0 && place.proof.count <= VELD_LOG_PROOF_HASHES_MAX);
}

static void write_request(veld_span input, veld_buf *out)
{
    veld_frame_writer writer;
    VELD_ASSERT(veld_frame_writer_begin(&writer, VELD_FRAME_STREAM, "fuzz", out, NULL) == VELD_OK);
    while (input.len >= 3) {
        size_t len = (size_t)input.data[1] << 8 | input.data[2];
        unsigned type = input.data[0] < 2 ? 2 : input.data[0];
        input = veld_span_of(input.data + 3, input.len - 3);
        len = len < input.len ? len : input.len;
        VELD_ASSERT(veld_frame_writer_add(&writer, (veld_frame_type)type,
                        veld_span_part(input, 0, len), NULL) == VELD_OK);
        input = veld_span_of(input.data + len, input.len - len);
    }
    VELD_ASSERT(veld_frame_writer_end(&writer, NULL) == VELD_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VELD_ASSERT(veld_crypto_init(NULL) == VELD_OK);
    if (size < 1)
        return 0;
    test_env env;
    test_journal journal;
    bool parked;
    veld_relay *relay;
    veld_relay_turn *turn;
    veld_buf request, answer;
    const veld_relay_peer peer = {.device = {{1}},
        .is_merger = data[0] & 1,
        .may_fetch = data[0] & 2,
        .quota_bytes = 1 << 20};
    test_env_init(&env, 1);
    test_journal_init(&journal, 1);
    veld_relay_config config = {.env = &env.env,
        .program = "relay",
        .journal = &journal.journal,
        .signer = {.public_key = {{4}}, .sign = sign},
        .verifier = veld_verifier_kept()};
    veld_buf_init(&request, 4u << 20);
    veld_buf_init(&answer, VELD_EXCHANGE_BYTES_MAX);
    write_request(veld_span_of(data + 1, size - 1), &request);
    VELD_ASSERT(veld_relay_new(&config, &relay, NULL) == VELD_OK);
    if (veld_relay_take(relay, &peer, veld_buf_span(&request), &turn, NULL) == VELD_OK) {
        (void)!veld_relay_answer(relay, turn, &answer, &parked, NULL);
        veld_relay_turn_free(turn);
    } else {
        VELD_ASSERT(journal.count == 0);
    }
    read_signed(veld_span_of(data, size), &config.verifier);
    read_answer(veld_span_of(data, size), &config.verifier);
    veld_relay_free(relay);
    test_journal_release(&journal);
    veld_buf_release(&request);
    veld_buf_release(&answer);
    return 0;
}

/* Envelopes: what goes in comes out, and nothing else comes out. Sizes are goals of the project. */
#include "veld_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "veldkit/crypto.h"
#include "veldkit/limits.h"
#include "veldkit/number.h"
#include "wire_world.h"

enum {
    HISTORIES = 100,
    MEMORY_MAX = 16 << 20,
    PLAIN_OVERHEAD_BYTES =
        VELD_ENVELOPE_HEADER_BYTES + VELD_NONCE_BYTES + VELD_COMMIT_BYTES + VELD_TAG_BYTES,
    FIXED_BYTES = 132,
    BOMB_BYTES = 1 << 30
};

static const uint8_t root[32] = {7};
static const uint8_t other_root[32] = {9};
static const uint8_t hedge[32] = {8};

typedef struct setting {
    wire_world w;
    veld_sealer *sealer;
    veld_buf bytes;
    veld_arena arena;
    veld_envelope_header header;
    veld_change *changes;
} setting;

static void begin(setting *s, uint64_t seed)
{
    memset(s, 0, sizeof *s);
    wire_world_init(&s->w, seed);
    assert_ok(veld_sealer_new(VELD_SEALER_CASE_MESSAGE, veld_span_of(root, sizeof root),
        veld_span_of(hedge, sizeof hedge), &s->w.world.env, &s->sealer, NULL));
    veld_buf_init(&s->bytes, 2 * VELD_ENVELOPE_BYTES_MAX);
    veld_arena_init(&s->arena, MEMORY_MAX);
}

static void end(setting *s)
{
    veld_arena_release(&s->arena);
    veld_buf_release(&s->bytes);
    veld_sealer_free(s->sealer);
    wire_world_release(&s->w);
}

static void seal(setting *s, const veld_change *changes, size_t count)
{
    veld_buf_clear(&s->bytes);
    assert_ok(
        veld_envelope_seal(s->sealer, 1, VELD_PRIORITY_TEXT, changes, count, &s->bytes, NULL));
}

static veld_status open_span(setting *s, veld_span bytes)
{
    return veld_envelope_open(
        s->sealer, bytes, &s->w.namer, &s->arena, &s->header, &s->changes, NULL);
}

/* plain_of: the plaintext of what lies in `bytes`, without its seal. */
static void plain_of(setting *s, veld_buf *plain)
{
    veld_message_proof proof;
    size_t at = VELD_ENVELOPE_HEADER_BYTES + sizeof proof.nonce + sizeof proof.commit;
    memcpy(proof.nonce, s->bytes.data + VELD_ENVELOPE_HEADER_BYTES, sizeof proof.nonce);
    memcpy(proof.commit, s->bytes.data + VELD_ENVELOPE_HEADER_BYTES + sizeof proof.nonce,
        sizeof proof.commit);
    assert_ok(
        veld_sealer_open_message(s->sealer, veld_span_of(s->bytes.data, VELD_ENVELOPE_HEADER_BYTES),
            &proof, veld_span_of(s->bytes.data + at, s->bytes.len - at), plain, NULL));
}

/* content_bytes: the length before padding. */
static size_t content_bytes(setting *s)
{
    veld_buf plain;
    veld_envelope_header header;
    veld_buf_init(&plain, VELD_SEAL_BYTES_MAX);
    plain_of(s, &plain);
    assert_ok(veld_envelope_read_header(veld_buf_span(&s->bytes), &header, NULL));
    size_t len = 5 + veld_get_u32(plain.data + 1) + (size_t)header.count * FIXED_BYTES;
    veld_buf_wipe(&plain);
    return PLAIN_OVERHEAD_BYTES + len;
}

static void random_chains_come_back(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= HISTORIES; seed++) {
        setting s;
        begin(&s, seed);
        size_t count = 1 + (size_t)test_env_number(&s.w.world, 30);
        const veld_change *chain = wire_world_chain(&s.w, count);
        seal(&s, chain, count);
        assert_ok(open_span(&s, veld_buf_span(&s.bytes)));
        assert_int_equal(s.header.count, count);
        assert_int_equal(s.header.bucket, s.bytes.len);
        for (size_t i = 0; i < count; i++)
            assert_true(wire_same(&chain[i], &s.changes[i]));
        end(&s);
    }
}

static void a_one_field_change_is_at_most_600_bytes(void **state)
{
    (void)state;
    setting s;
    begin(&s, 1);
    seal(&s, wire_world_one_field(&s.w), 1);
    size_t bytes = content_bytes(&s);
    printf(
        "one-field change: %zu bytes sealed before padding, %zu on the line\n", bytes, s.bytes.len);
    assert_in_range(bytes, 1, 600);
    end(&s);
}

static void a_visit_of_twenty_changes_is_at_most_4096_bytes(void **state)
{
    (void)state;
    setting s;
    begin(&s, 2);
    seal(&s, wire_world_visit(&s.w), WIRE_VISIT_CHANGES);
    printf("visit of twenty changes: %zu bytes sealed before padding, %zu on the line\n",
        content_bytes(&s), s.bytes.len);
    assert_in_range(s.bytes.len, 1, 4096);
    end(&s);
}

static void every_flipped_bit_is_refused(void **state)
{
    (void)state;
    setting s;
    begin(&s, 3);
    seal(&s, wire_world_one_field(&s.w), 1);
    for (size_t bit = 0; bit < s.bytes.len * 8; bit++) {
        s.bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        veld_status status = open_span(&s, veld_buf_span(&s.bytes));
        s.bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_null(s.changes);
        if (bit < 24)
            assert_int_equal(status, VELD_E_FORM); /* "VKE" */
        else if (bit < 32)
            assert_int_equal(status, VELD_E_NEWER); /* "1" */
        else if (bit < 48)
            assert_true(status == VELD_E_NEWER || status == VELD_E_FORM); /* alg */
        else if (bit >= VELD_ENVELOPE_HEADER_BYTES * 8)
            assert_int_equal(status, VELD_E_FORGED);
        else
            assert_true(status == VELD_E_FORGED || status == VELD_E_FORM);
    }
    assert_ok(open_span(&s, veld_buf_span(&s.bytes)));
    end(&s);
}

static void every_length_but_the_whole_is_refused(void **state)
{
    (void)state;
    setting s;
    begin(&s, 4);
    seal(&s, wire_world_one_field(&s.w), 1);
    for (size_t len = 0; len < s.bytes.len; len++) {
        assert_int_equal(open_span(&s, veld_span_of(s.bytes.data, len)), VELD_E_FORM);
        veld_envelope_header header;
        assert_int_equal(
            veld_envelope_read_header(veld_span_of(s.bytes.data, len), &header, NULL), VELD_E_FORM);
    }
    assert_ok(veld_buf_append_byte(&s.bytes, 0));
    assert_int_equal(open_span(&s, veld_buf_span(&s.bytes)), VELD_E_FORM);
    end(&s);
}

static void another_key_does_not_open(void **state)
{
    (void)state;
    setting s;
    begin(&s, 5);
    seal(&s, wire_world_one_field(&s.w), 1);
    veld_sealer *other = NULL;
    assert_ok(veld_sealer_new(VELD_SEALER_CASE_MESSAGE, veld_span_of(other_root, 32),
        (veld_span){0}, &s.w.world.env, &other, NULL));
    assert_int_equal(veld_envelope_open(other, veld_buf_span(&s.bytes), &s.w.namer, &s.arena,
                         &s.header, &s.changes, NULL),
        VELD_E_FORGED);
    veld_sealer_free(other);
    end(&s);
}

/* Who holds the case's key can seal any header: then the names do not follow. */
static void a_header_that_disagrees_with_the_content_is_refused(void **state)
{
    (void)state;
    setting s;
    begin(&s, 6);
    seal(&s, wire_world_visit(&s.w), WIRE_VISIT_CHANGES);
    veld_buf plain;
    veld_buf_init(&plain, VELD_SEAL_BYTES_MAX);
    plain_of(&s, &plain);
    veld_envelope_header good;
    assert_ok(veld_envelope_read_header(veld_buf_span(&s.bytes), &good, NULL));
    for (int i = 0; i < 7; i++) {
        veld_envelope_header header = good;
        veld_status wanted = VELD_E_INVALID;
        switch (i) {
        case 0:
            header.case_id.bytes[0] ^= 1;
            break;
        case 1:
            header.device.bytes[0] ^= 1;
            break;
        case 2:
            header.incarnation[0] ^= 1;
            break;
        case 3:
            header.number++;
            break;
        case 4:
            header.change_id.bytes[0] ^= 1;
            break;
        case 5:
            header.count--;
            wanted = VELD_E_FORM; /* what is left over is no padding */
            break;
        default:
            wanted = VELD_OK;
            break;
        }
        assert_int_equal(veld_envelope_read_content(&header, veld_buf_span(&plain), &s.w.namer,
                             &s.arena, &s.changes, NULL),
            wanted);
    }
    veld_buf_wipe(&plain);
    end(&s);
}

static veld_status namer_without_key(void *context, veld_change *change, veld_error *err)
{
    (void)context;
    (void)change;
    return veld_fail(err, VELD_E_NOT_FOUND, "no key");
}

static void a_namer_that_fails_ends_opening(void **state)
{
    (void)state;
    setting s;
    begin(&s, 7);
    seal(&s, wire_world_visit(&s.w), WIRE_VISIT_CHANGES);
    s.w.namer.name = namer_without_key;
    assert_int_equal(open_span(&s, veld_buf_span(&s.bytes)), VELD_E_NOT_FOUND);
    assert_null(s.changes);
    end(&s);
}

/* frame_of: mode and length before a packed frame, and room for the fixed parts behind. */
static veld_status read_packed(setting *s, const void *frame, size_t len, uint8_t mode)
{
    veld_envelope_header header = {.alg = VELD_ENVELOPE_CASE, .number = 1, .count = 1};
    veld_buf plain;
    uint8_t head[5] = {mode};
    uint8_t fixed[FIXED_BYTES] = {0};
    veld_buf_init(&plain, VELD_SEAL_BYTES_MAX);
    veld_put_u32(head + 1, (uint32_t)len);
    assert_ok(veld_buf_append(&plain, head, sizeof head));
    assert_ok(veld_buf_append(&plain, frame, len));
    assert_ok(veld_buf_append(&plain, fixed, sizeof fixed));
    veld_status status = veld_envelope_read_content(
        &header, veld_buf_span(&plain), &s->w.namer, &s->arena, &s->changes, NULL);
    veld_buf_release(&plain);
    return status;
}

static size_t bomb(uint8_t *out, size_t room)
{
    uint8_t *zeros = calloc(1, 1 << 20);
    ZSTD_CCtx *packer = ZSTD_createCCtx();
    ZSTD_outBuffer to = {out, room, 0};
    for (size_t done = 0; done < BOMB_BYTES; done += 1 << 20) {
        ZSTD_inBuffer from = {zeros, 1 << 20, 0};
        while (from.pos < from.size)
            assert_false(ZSTD_isError(ZSTD_compressStream2(packer, &to, &from, ZSTD_e_continue)));
    }
    ZSTD_inBuffer none = {NULL, 0, 0};
    while (ZSTD_compressStream2(packer, &to, &none, ZSTD_e_end) != 0) {
    }
    ZSTD_freeCCtx(packer);
    free(zeros);
    return to.pos;
}

static void a_bomb_is_refused_with_little_memory(void **state)
{
    (void)state;
    setting s;
    begin(&s, 8);
    uint8_t *frame = malloc(1 << 20);
    size_t len = bomb(frame, 1 << 20);
    assert_in_range(len, 1000, 200000);
    test_fail_allocation(0, false);
    assert_int_equal(read_packed(&s, frame, len, 1), VELD_E_LIMIT);
    assert_in_range(test_fail_allocation(0, false), 1, 100);
    veld_allocator_set(NULL);
    assert_int_equal(s.arena.used, 0);
    free(frame);
    end(&s);
}

static void only_one_plain_frame_is_unpacked(void **state)
{
    (void)state;
    setting s;
    begin(&s, 9);
    uint8_t frame[256];
    size_t len = ZSTD_compress(frame, sizeof frame, "aaaaaaaaaa", 10, 3); /* tells its size */
    assert_int_equal(read_packed(&s, frame, len, 1), VELD_E_FORM);
    static const uint8_t skippable[] = {0x50, 0x2A, 0x4D, 0x18, 1, 0, 0, 0, 0};
    assert_int_equal(read_packed(&s, skippable, sizeof skippable, 1), VELD_E_FORM);
    static const uint8_t wide[] = {0x28, 0xB5, 0x2F, 0xFD, 0x00, 0xA0, 0x01, 0x00, 0x00};
    assert_int_equal(read_packed(&s, wide, sizeof wide, 1), VELD_E_FORM); /* window of 2^30 */
    static const uint8_t empty[] = {0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x00, 0x01, 0x00, 0x00};
    assert_int_equal(read_packed(&s, empty, sizeof empty, 1), VELD_E_FORM);
    uint8_t two[2 * sizeof empty];
    memcpy(two, empty, sizeof empty);
    memcpy(two + sizeof empty, empty, sizeof empty);
    assert_int_equal(read_packed(&s, two, sizeof two, 1), VELD_E_FORM);
    assert_int_equal(read_packed(&s, "\xA0", 1, 2), VELD_E_NEWER);
    assert_int_equal(read_packed(&s, "\xA0", 1, 0), VELD_E_FORM);
    end(&s);
}

static void what_packs_too_well_is_stored(void **state)
{
    (void)state;
    setting s;
    begin(&s, 10);
    enum { LEN = 100000 };
    uint8_t *value = malloc(LEN);
    memset(value, 'a', LEN);
    value[0] = value[LEN - 1] = '"';
    veld_change *change = wire_world_one_field(&s.w);
    change->writes[0].value = veld_span_of(value, LEN);
    assert_ok(veld_change_derive(change, NULL));
    assert_ok(wire_name(NULL, change, NULL));
    seal(&s, change, 1);
    assert_in_range(s.bytes.len, LEN, 2 * LEN);
    assert_ok(open_span(&s, veld_buf_span(&s.bytes)));
    assert_true(wire_same(change, s.changes));
    free(value);
    end(&s);
}

static void too_much_for_one_envelope_is_told(void **state)
{
    (void)state;
    setting s;
    begin(&s, 11);
    veld_change *changes = calloc(VELD_ENVELOPE_CHANGES_MAX + 1, sizeof *changes);
    for (size_t i = 0; i <= VELD_ENVELOPE_CHANGES_MAX; i++)
        changes[i].number = i + 1;
    assert_int_equal(veld_envelope_seal(s.sealer, 1, VELD_PRIORITY_TEXT, changes,
                         VELD_ENVELOPE_CHANGES_MAX + 1, &s.bytes, NULL),
        VELD_E_LIMIT);
    assert_int_equal(s.bytes.len, 0);
    free(changes);
    end(&s);
}

static void buckets_are_few_and_near(void **state)
{
    (void)state;
    assert_int_equal(veld_envelope_bucket(0), 256);
    assert_int_equal(veld_envelope_bucket(256), 256);
    assert_int_equal(veld_envelope_bucket(257), 512);
    assert_int_equal(veld_envelope_bucket(4096), 4096);
    assert_int_equal(veld_envelope_bucket(4097), 4352);
    for (size_t bytes = 4097; bytes < VELD_ENVELOPE_BYTES_MAX; bytes += bytes / 97) {
        size_t bucket = veld_envelope_bucket(bytes);
        assert_in_range(bucket, bytes, bytes + bytes * 12 / 100);
        assert_int_equal(veld_envelope_bucket(bucket), bucket);
    }
}

static void blind_work_opens_at_the_agency_only(void **state)
{
    (void)state;
    setting s;
    begin(&s, 12);
    veld_p256_private agency, other;
    assert_ok(veld_p256_generate(&s.w.world.env, &agency, NULL));
    assert_ok(veld_p256_generate(&s.w.world.env, &other, NULL));
    veld_change *changes = wire_world_visit(&s.w);
    changes[0].parents_count = 0;
    changes[1].parents_count = 0;
    for (int i = 0; i < 2; i++) {
        assert_ok(veld_change_derive(&changes[i], NULL));
        assert_ok(wire_name(NULL, &changes[i], NULL));
    }
    assert_ok(veld_envelope_seal_blind(
        &s.w.world.env, &agency.public_key, VELD_PRIORITY_DANGER, changes, 2, &s.bytes, NULL));
    veld_span bytes = veld_buf_span(&s.bytes);
    assert_ok(veld_envelope_open_blind(
        &agency, bytes, &s.w.namer, &s.arena, &s.header, &s.changes, NULL));
    assert_true(wire_same(&changes[0], &s.changes[0]) && wire_same(&changes[1], &s.changes[1]));
    assert_int_equal(
        veld_envelope_open_blind(&other, bytes, &s.w.namer, &s.arena, &s.header, &s.changes, NULL),
        VELD_E_FORGED);
    assert_int_equal(open_span(&s, bytes), VELD_E_UNSUPPORTED);
    veld_hash id, again;
    assert_ok(veld_envelope_id(bytes, &id, NULL));
    s.bytes.data[70] ^= 1;
    assert_ok(veld_envelope_id(bytes, &again, NULL));
    assert_false(veld_hash_equal(&id, &again));
    assert_int_equal(
        veld_envelope_open_blind(&agency, bytes, &s.w.namer, &s.arena, &s.header, &s.changes, NULL),
        VELD_E_FORGED);
    veld_p256_release(&agency);
    veld_p256_release(&other);
    end(&s);
}

static void failing_memory_leaves_nothing_behind(void **state)
{
    (void)state;
    setting s;
    begin(&s, 13);
    const veld_change *changes = wire_world_visit(&s.w);
    seal(&s, changes, WIRE_VISIT_CHANGES);
    bool done = false;
    for (uint64_t n = 1; !done && n < 10000; n++) {
        veld_arena arena;
        veld_arena_init(&arena, MEMORY_MAX);
        test_fail_allocation(n, false);
        veld_status status = veld_envelope_open(
            s.sealer, veld_buf_span(&s.bytes), &s.w.namer, &arena, &s.header, &s.changes, NULL);
        done = test_fail_allocation(0, false) < n;
        assert_true(done ? status == VELD_OK : status != VELD_OK);
        assert_true((s.changes != NULL) == (status == VELD_OK));
        veld_arena_release(&arena);
    }
    assert_true(done);
    veld_allocator_set(NULL);
    end(&s);
}

static int start(void **state)
{
    (void)state;
    return veld_crypto_init(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_chains_come_back),
        cmocka_unit_test(a_one_field_change_is_at_most_600_bytes),
        cmocka_unit_test(a_visit_of_twenty_changes_is_at_most_4096_bytes),
        cmocka_unit_test(every_flipped_bit_is_refused),
        cmocka_unit_test(every_length_but_the_whole_is_refused),
        cmocka_unit_test(another_key_does_not_open),
        cmocka_unit_test(a_header_that_disagrees_with_the_content_is_refused),
        cmocka_unit_test(a_namer_that_fails_ends_opening),
        cmocka_unit_test(a_bomb_is_refused_with_little_memory),
        cmocka_unit_test(only_one_plain_frame_is_unpacked),
        cmocka_unit_test(what_packs_too_well_is_stored),
        cmocka_unit_test(too_much_for_one_envelope_is_told),
        cmocka_unit_test(buckets_are_few_and_near),
        cmocka_unit_test(blind_work_opens_at_the_agency_only),
        cmocka_unit_test(failing_memory_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}

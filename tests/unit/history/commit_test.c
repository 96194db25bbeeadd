/* A change has one text as a commit; the text has one reading; nothing else passes. */
#include "veld_test.h"

#include <stdlib.h>
#include <string.h>

#include "change_builder.h"
#include "test_env.h"
#include "veldkit/commit.h"
#include "veldkit/crypto.h"
#include "veldkit/history.h"
#include "veldkit/limits.h"

typedef struct fixture {
    test_env world;
    test_device device;
    veld_id case_id;
    veld_verifier verifier;
} fixture;

static int start(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    if (f == NULL || veld_crypto_init(NULL) != VELD_OK || veld_history_init(NULL) != VELD_OK)
        return -1;
    test_env_init(&f->world, 11);
    test_device_init(&f->device, &f->world);
    f->case_id.bytes[0] = 0xCA;
    f->verifier = veld_verifier_p256();
    *state = f;
    return 0;
}

static int stop(void **state)
{
    fixture *f = *state;
    test_device_release(&f->device);
    free(f);
    veld_history_close();
    veld_crypto_close();
    return 0;
}

static veld_change make(fixture *f, veld_parent *parents, size_t count)
{
    veld_change change;
    test_change_init(&change, &f->device, &f->world, &f->case_id, parents, count);
    memset(change.tree.bytes, 0x55, sizeof change.tree.bytes);
    memset(change.tree_git.bytes, 0x66, sizeof change.tree_git.bytes);
    change.commit_utc_s = veld_commit_author_s(change.time.wall_utc_ms);
    return change;
}

static veld_buf object_of(const fixture *f, const veld_change *change)
{
    veld_buf out;
    veld_buf_init(&out, VELD_COMMIT_BYTES_MAX);
    assert_ok(veld_commit_object(change, &f->device.key.public_key, &out, NULL));
    return out;
}

static void the_text_is_this(void **state)
{
    fixture *f = *state;
    veld_parent parent;
    memset(parent.id.bytes, 0xAB, sizeof parent.id.bytes);
    memset(parent.git.bytes, 0xCD, sizeof parent.git.bytes);
    veld_change change = make(f, &parent, 1);
    change.number = 12;
    change.device = (veld_id){{0xDE}};
    memset(change.incarnation, 1, sizeof change.incarnation);
    memset(change.salt, 2, sizeof change.salt);
    memset(change.writes_hash.bytes, 3, sizeof change.writes_hash.bytes);
    memset(change.log_root.bytes, 4, sizeof change.log_root.bytes);
    change.log_size = 99;
    change.time = (veld_change_time){.wall_utc_ms = 1772438400123,
        .offset_min = -570,
        .monotonic_ms = 5,
        .server_utc_ms = 1772438000000,
        .hybrid_ms = 1772438400000,
        .hybrid_count = 3,
        .quality = VELD_CLOCK_ANCHORED};
    change.commit_utc_s = 1772438500;
    veld_buf text;
    const char *seen;
    veld_buf_init(&text, VELD_COMMIT_BYTES_MAX);
    assert_ok(veld_commit_text(&change, &text, NULL));
    assert_ok(veld_buf_text(&text, &seen));
    assert_string_equal(seen,
        "tree 6666666666666666666666666666666666666666\n"
        "parent cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd\n"
        "author Veldkit device de000000-0000-0000-0000-000000000000 "
        "<de000000-0000-0000-0000-000000000000@device.veldkit> 1772438400 -0930\n"
        "committer Veldkit device de000000-0000-0000-0000-000000000000 "
        "<de000000-0000-0000-0000-000000000000@device.veldkit> 1772438500 +0000\n"
        "\n"
        "Change 12\n"
        "\n"
        "Veldkit-Format: 0\n"
        "Veldkit-Case: ca000000-0000-0000-0000-000000000000\n"
        "Veldkit-Tree: 5555555555555555555555555555555555555555555555555555555555555555\n"
        "Veldkit-Parents: abababababababababababababababababababababababababababababababab\n"
        "Veldkit-Writes: 0303030303030303030303030303030303030303030303030303030303030303\n"
        "Veldkit-Device: de000000-0000-0000-0000-000000000000\n"
        "Veldkit-Incarnation: 0101010101010101\n"
        "Veldkit-Number: 12\n"
        "Veldkit-Time: 2026-03-01T22:30:00.123-09:30 5 2026-03-02T07:53:20.000Z "
        "1772438400000.3 anchored\n"
        "Veldkit-Log: 99 0404040404040404040404040404040404040404040404040404040404040404\n"
        "Veldkit-Salt: 02020202020202020202020202020202\n");
    veld_buf_release(&text);
}

static void assert_round_trip(fixture *f, veld_change *change)
{
    veld_arena arena;
    veld_change read;
    veld_p256_public key;
    veld_arena_init(&arena, 1 << 20);
    assert_ok(veld_commit_sign(change, &f->device.signer, NULL));
    veld_buf object = object_of(f, change);
    assert_ok(veld_commit_parse(veld_buf_span(&object), &arena, &read, &key, NULL));
    assert_true(veld_p256_public_equal(&key, &f->device.key.public_key));
    assert_true(veld_hash_equal(&read.id, &change->id));
    assert_memory_equal(&read.git, &change->git, sizeof read.git);
    assert_memory_equal(&read.signature, &change->signature, sizeof read.signature);
    assert_int_equal(read.parents_count, change->parents_count);
    for (size_t i = 0; i < read.parents_count; i++)
        assert_memory_equal(&read.parents[i], &change->parents[i], sizeof read.parents[i]);
    assert_memory_equal(&read.time, &change->time, sizeof read.time);
    assert_int_equal(read.commit_utc_s, change->commit_utc_s);
    assert_true(veld_hash_equal(&read.writes_hash, &change->writes_hash));
    assert_memory_equal(read.salt, change->salt, sizeof read.salt);
    assert_true(read.number == change->number && read.log_size == change->log_size);
    assert_ok(veld_commit_verify(&read, &key, &f->verifier, NULL));
    veld_buf_release(&object);
    veld_arena_release(&arena);
}

static void what_was_signed_is_read_back(void **state)
{
    fixture *f = *state;
    static const int64_t walls[] = {1772438400123, 978307200000, 2145916800999, 4102444800000, -1,
        -62167219200000 + 86400000, 253402300799999 - 86400000, 0};
    static const int32_t offsets[] = {0, 60, -210, 1439, -1439, 345, -1, 1};
    for (size_t i = 0; i < sizeof walls / sizeof walls[0]; i++) {
        veld_parent parents[3];
        for (size_t p = 0; p < 3; p++) {
            memset(&parents[p], (int)(0x30 - 16 * p), sizeof parents[p]);
            parents[p].git.bytes[0] = (uint8_t)i;
        }
        veld_change change = make(f, parents, i % 4);
        change.time.wall_utc_ms = walls[i];
        change.time.offset_min = offsets[i];
        change.time.monotonic_ms = i == 3 ? INT64_MIN : INT64_MAX;
        change.time.hybrid_ms = i == 4 ? INT64_MIN : (int64_t)i;
        change.time.hybrid_count = UINT32_MAX;
        change.time.server_utc_ms = i % 2 == 0 ? 0 : 1700000000001;
        change.time.quality = (veld_clock_quality)(i % 4);
        change.number = i == 5 ? UINT64_MAX : i + 1;
        change.log_size = i % 2 == 0 ? 0 : UINT64_MAX;
        if (change.log_size != 0)
            change.log_root.bytes[0] = 1;
        change.commit_utc_s = veld_commit_time(walls[i], (const int64_t[]){7, 8}, 2);
        assert_round_trip(f, &change);
    }
}

static void what_a_commit_cannot_say_is_refused(void **state)
{
    fixture *f = *state;
    veld_buf out;
    veld_buf_init(&out, VELD_COMMIT_BYTES_MAX);
    veld_parent parents[2];
    memset(parents, 0, sizeof parents);
    parents[0].id.bytes[0] = 2;
    parents[1].id.bytes[0] = 1;
    veld_change wrong[9];
    for (size_t i = 0; i < 9; i++)
        wrong[i] = make(f, NULL, 0);
    wrong[0].format = 1;
    wrong[1].number = 0;
    wrong[2].time.offset_min = 1440;
    wrong[3].commit_utc_s--;
    wrong[4].time.wall_utc_ms = INT64_MAX;
    wrong[5].parents = parents;
    wrong[5].parents_count = 2;
    wrong[6].log_root.bytes[0] = 1;
    wrong[7].time.server_utc_ms = INT64_MIN;
    wrong[8].commit_utc_s = INT64_MAX;
    for (size_t i = 0; i < 9; i++) {
        assert_int_equal(veld_commit_text(&wrong[i], &out, NULL), VELD_E_INVALID);
        assert_int_equal(out.len, 0);
        assert_int_equal(veld_commit_sign(&wrong[i], &f->device.signer, NULL), VELD_E_INVALID);
        assert_true(veld_hash_is_zero(&wrong[i].id));
    }
    veld_buf_release(&out);
    veld_change change = make(f, NULL, 0);
    veld_buf_init(&out, 300);
    assert_int_equal(veld_commit_text(&change, &out, NULL), VELD_E_LIMIT);
    assert_int_equal(out.len, 0);
    veld_buf_release(&out);
}

/* What the wire calls a change has a commit, and what has none is no change. */
static void form_and_commit_refuse_the_same(void **state)
{
    fixture *f = *state;
    static const int64_t walls[] = {INT64_C(-62167219200000), INT64_C(-62167219200001), -1, 0, 999,
        1000, INT64_C(253402300799999), INT64_C(253402300800000)};
    static const int32_t offsets[] = {-1440, -1439, -1, 0, 1, 1439, 1440};
    static const int64_t dates[] = {-1, 0, 1, INT64_C(253402300799), INT64_C(253402300800)};
    veld_write write = {.record = f->case_id,
        .type = veld_span_text("note"),
        .field = veld_span_text("text"),
        .value = veld_span_text("1")};
    veld_buf out;
    veld_buf_init(&out, VELD_COMMIT_BYTES_MAX);
    for (size_t i = 0; i < sizeof walls / sizeof walls[0] * 7 * 5; i++) {
        veld_change change = make(f, NULL, 0);
        change.writes = &write;
        change.writes_count = 1;
        change.time.wall_utc_ms = walls[i / 35];
        change.time.offset_min = offsets[i / 5 % 7];
        change.commit_utc_s = dates[i % 5];
        veld_buf_clear(&out);
        bool has_form = veld_change_check_form(&change, NULL) == VELD_OK;
        bool has_commit = veld_commit_text(&change, &out, NULL) == VELD_OK;
        assert_int_equal(has_form, has_commit);
    }
    veld_buf_release(&out);
}

/* Every single bit of a commit object: refused by the reader, or by the signature, or by the name.
 */
static void any_flipped_bit_is_refused(void **state)
{
    fixture *f = *state;
    veld_parent parent;
    memset(&parent, 0x77, sizeof parent);
    veld_change change = make(f, &parent, 1), read;
    assert_ok(veld_commit_sign(&change, &f->device.signer, NULL));
    veld_buf object = object_of(f, &change);
    size_t refused_by_form = 0, forged = 0;
    for (size_t i = 0; i < 8 * object.len; i++) {
        veld_arena arena;
        veld_p256_public key;
        veld_arena_init(&arena, 1 << 20);
        object.data[i / 8] ^= (uint8_t)(1u << (i % 8));
        veld_status status = veld_commit_parse(veld_buf_span(&object), &arena, &read, &key, NULL);
        if (status == VELD_OK) {
            status = veld_commit_verify(&read, &f->device.key.public_key, &f->verifier, NULL);
            assert_int_equal(status, VELD_E_FORGED);
            forged++;
        } else {
            assert_true(status == VELD_E_FORM || status == VELD_E_NEWER);
            assert_true(veld_hash_is_zero(&read.id));
            refused_by_form++;
        }
        object.data[i / 8] ^= (uint8_t)(1u << (i % 8));
        veld_arena_release(&arena);
    }
    assert_true(refused_by_form > 0 && forged > 0);
    veld_buf_release(&object);
}

static void more_or_less_bytes_are_refused(void **state)
{
    fixture *f = *state;
    veld_change change = make(f, NULL, 0), read;
    veld_p256_public key;
    veld_arena arena;
    veld_arena_init(&arena, 64 << 20);
    assert_ok(veld_commit_sign(&change, &f->device.signer, NULL));
    veld_buf object = object_of(f, &change);
    for (size_t len = 0; len < object.len; len++)
        assert_int_equal(
            veld_commit_parse(veld_span_of(object.data, len), &arena, &read, &key, NULL),
            VELD_E_FORM);
    assert_ok(veld_buf_append_text(&object, "Veldkit-More: 1\n"));
    assert_int_equal(
        veld_commit_parse(veld_buf_span(&object), &arena, &read, &key, NULL), VELD_E_FORM);
    veld_buf_release(&object);
    veld_arena_release(&arena);
}

static void a_signature_with_high_s_is_refused(void **state)
{
    fixture *f = *state;
    static const uint8_t order[32] = {0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF,
        0xFF, 0xFF, 0xFF, 0xFF, 0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA,
        0xC2, 0xFC, 0x63, 0x25, 0x51};
    veld_change change = make(f, NULL, 0);
    assert_ok(veld_commit_sign(&change, &f->device.signer, NULL));
    assert_ok(veld_commit_verify(&change, &f->device.key.public_key, &f->verifier, NULL));
    int borrow = 0;
    for (int i = 31; i >= 0; i--) { /* s becomes order - s: as valid for ECDSA */
        int digit = order[i] - change.signature.bytes[32 + i] - borrow;
        borrow = digit < 0 ? 1 : 0;
        change.signature.bytes[32 + i] = (uint8_t)(digit + 256 * borrow);
    }
    assert_int_equal(
        veld_commit_verify(&change, &f->device.key.public_key, &f->verifier, NULL), VELD_E_FORGED);
}

static void the_key_of_another_device_does_not_fit(void **state)
{
    fixture *f = *state;
    test_device other;
    test_device_init(&other, &f->world);
    veld_change change = make(f, NULL, 0);
    assert_ok(veld_commit_sign(&change, &f->device.signer, NULL));
    assert_int_equal(
        veld_commit_verify(&change, &other.key.public_key, &f->verifier, NULL), VELD_E_FORGED);
    test_device_release(&other);
}

static void the_date_follows_clock_and_parents(void **state)
{
    (void)state;
    assert_int_equal(veld_commit_time(5999, NULL, 0), 5);
    assert_int_equal(veld_commit_time(-5999, NULL, 0), 0);
    assert_int_equal(veld_commit_time(5999, (const int64_t[]){3, 9, 4}, 3), 9);
}

static void without_memory_nothing_is_half_done(void **state)
{
    fixture *f = *state;
    veld_parent parent;
    memset(&parent, 0x77, sizeof parent);
    veld_change change = make(f, &parent, 1);
    assert_ok(veld_commit_sign(&change, &f->device.signer, NULL));
    veld_buf object = object_of(f, &change);
    veld_status status = VELD_E_MEMORY;
    for (uint64_t n = 1; status != VELD_OK && n < 1000000; n += 1 + n / 8) {
        veld_change unsigned_change = make(f, &parent, 1), before = unsigned_change, read = change;
        veld_p256_public key;
        veld_arena arena;
        veld_arena_init(&arena, 1 << 20);
        test_fail_allocation(n, true);
        status = veld_commit_sign(&unsigned_change, &f->device.signer, NULL);
        if (status != VELD_OK)
            assert_memory_equal(&unsigned_change, &before, sizeof before);
        else
            status = veld_commit_parse(veld_buf_span(&object), &arena, &read, &key, NULL);
        test_fail_allocation(0, false);
        assert_true(status == VELD_OK || status == VELD_E_MEMORY || status == VELD_E_CRYPTO);
        veld_arena_release(&arena);
    }
    assert_int_equal(status, VELD_OK);
    veld_buf_release(&object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_is_this),
        cmocka_unit_test(what_was_signed_is_read_back),
        cmocka_unit_test(what_a_commit_cannot_say_is_refused),
        cmocka_unit_test(form_and_commit_refuse_the_same),
        cmocka_unit_test(any_flipped_bit_is_refused),
        cmocka_unit_test(more_or_less_bytes_are_refused),
        cmocka_unit_test(a_signature_with_high_s_is_refused),
        cmocka_unit_test(the_key_of_another_device_does_not_fit),
        cmocka_unit_test(without_memory_nothing_is_half_done),
        cmocka_unit_test(the_date_follows_clock_and_parents),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

/* The access log on the wire: one form, bound to device, agency and chain; each bit counts. */
#include "veld_test.h"

#include <string.h>

#include "veldkit/access.h"
#include "veldkit/crypto.h"
#include "veldkit/limits.h"
#include "wire_world.h"

enum { ENTRIES = 5 };

typedef struct setting {
    wire_world w;
    veld_p256_private signing, sealing, other;
    veld_signer signer;
    veld_verifier verifier;
    veld_arena arena;
    veld_buf lines[ENTRIES];
    veld_span spans[ENTRIES];
    veld_buf bytes;
} setting;

static veld_access_entry entry_of(setting *s, uint64_t number, const veld_hash *previous)
{
    veld_access_entry entry = {.device = s->w.device,
        .number = number,
        .previous = *previous,
        .time = {.wall_utc_ms = 1772438400000 + (int64_t)number,
            .offset_min = 60,
            .hybrid_ms = 1772438400000 + (int64_t)number,
            .quality = VELD_CLOCK_STALE},
        .kind = VELD_ACCESS_READ,
        .basis = VELD_ACCESS_BASIS_HELD,
        .event = veld_span_text("case show"),
        .user = veld_span_text("A. de Vries"),
        .case_id = s->w.case_id};
    assert_ok(veld_id_new(&s->w.world.env, &entry.id, NULL));
    return entry;
}

static void begin(setting *s)
{
    veld_hash previous = {0};
    memset(s, 0, sizeof *s);
    wire_world_init(&s->w, 23);
    assert_ok(veld_p256_generate(&s->w.world.env, &s->signing, NULL));
    assert_ok(veld_p256_generate(&s->w.world.env, &s->sealing, NULL));
    assert_ok(veld_p256_generate(&s->w.world.env, &s->other, NULL));
    s->signer = veld_signer_p256(&s->signing);
    s->verifier = veld_verifier_p256();
    veld_arena_init(&s->arena, 16u << 20);
    veld_buf_init(&s->bytes, VELD_ACCESS_BATCH_BYTES_MAX);
    for (size_t i = 0; i < ENTRIES; i++) {
        veld_access_entry entry = entry_of(s, 7 + i, &previous);
        veld_buf_init(&s->lines[i], VELD_ACCESS_ENTRY_BYTES_MAX);
        assert_ok(veld_access_encode(&entry, &s->lines[i], NULL));
        s->spans[i] = veld_buf_span(&s->lines[i]);
        assert_ok(veld_access_hash(s->spans[i], &previous, NULL));
    }
}

static void end(setting *s)
{
    for (size_t i = 0; i < ENTRIES; i++)
        veld_buf_release(&s->lines[i]);
    veld_buf_release(&s->bytes);
    veld_arena_release(&s->arena);
    veld_p256_release(&s->signing);
    veld_p256_release(&s->sealing);
    veld_p256_release(&s->other);
    wire_world_release(&s->w);
}

static void make(setting *s, size_t count)
{
    const veld_access_batch batch = {.device = s->w.device, .entries = s->spans, .count = count};
    s->bytes.len = 0;
    assert_ok(veld_access_batch_make(
        &s->w.world.env, &batch, &s->sealing.public_key, &s->signer, &s->bytes, NULL));
}

/* take: read, verify and open; the first failure. */
static veld_status take(setting *s, veld_span bytes, veld_access_batch *out)
{
    veld_access_item item;
    veld_status status;
    VELD_TRY(veld_access_item_read(bytes, &item, NULL));
    VELD_TRY(veld_access_item_verify(&item, &s->verifier, &s->signing.public_key, NULL));
    if (item.form != VELD_ACCESS_BATCH)
        return VELD_E_FORM;
    status = veld_access_batch_open(&item, &s->sealing, &s->arena, out, NULL);
done:
    return status;
}

static void an_entry_says_what_was_put_in(void **state)
{
    (void)state;
    setting s;
    veld_access_entry read;
    begin(&s);
    assert_ok(veld_access_decode(s.spans[2], &read, NULL));
    assert_int_equal(read.number, 9);
    assert_int_equal(read.kind, VELD_ACCESS_READ);
    assert_int_equal(read.time.offset_min, 60);
    assert_int_equal(read.time.quality, VELD_CLOCK_STALE);
    assert_true(veld_span_equal(read.event, veld_span_text("case show")));
    assert_true(veld_span_equal(read.user, veld_span_text("A. de Vries")));
    assert_true(veld_id_equal(&read.case_id, &s.w.case_id));
    assert_true(veld_id_is_zero(&read.subject));
    assert_string_equal(veld_access_kind_name(read.kind), "read");
    assert_int_equal(veld_access_kind_find("export"), VELD_ACCESS_EXPORT);
    assert_int_equal(veld_access_action(VELD_ACCESS_CREATE), 'C');
    assert_string_equal(veld_access_kind_name(200), "other");
    end(&s);
}

static void what_has_not_the_form_is_not_written(void **state)
{
    (void)state;
    setting s;
    begin(&s);
    const veld_hash none = {0};
    veld_buf out;
    veld_buf_init(&out, VELD_ACCESS_ENTRY_BYTES_MAX);
    for (int i = 0; i < 8; i++) {
        veld_access_entry entry = entry_of(&s, 2, &none);
        char longer[VELD_ACCESS_REASON_BYTES_MAX + 2];
        memset(longer, 'a', sizeof longer);
        longer[sizeof longer - 1] = '\0';
        if (i == 0)
            entry.number = 0;
        else if (i == 1)
            entry.event = veld_span_text("Case Show");
        else if (i == 2)
            entry.user = veld_span_text("A\nB");
        else if (i == 3)
            entry.reason = veld_span_text(longer);
        else if (i == 4)
            entry.kind = 0;
        else if (i == 5)
            entry.outcome = (veld_access_outcome)3;
        else if (i == 6)
            entry.time.offset_min = 1440;
        else
            entry.user = veld_span_text("\xC3");
        assert_int_equal(veld_access_encode(&entry, &out, NULL), VELD_E_INVALID);
        assert_int_equal(out.len, 0);
    }
    veld_buf_release(&out);
    end(&s);
}

static void each_bit_of_a_batch_counts(void **state)
{
    (void)state;
    setting s;
    veld_access_batch batch;
    begin(&s);
    make(&s, 2);
    assert_ok(take(&s, veld_buf_span(&s.bytes), &batch));
    assert_int_equal(batch.count, 2);
    assert_true(veld_span_equal(batch.entries[1], s.spans[1]));
    for (size_t bit = 0; bit < 8 * s.bytes.len; bit += bit < 800 ? 1 : 13) {
        s.bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(take(&s, veld_buf_span(&s.bytes), &batch), VELD_OK);
        s.bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t len = 0; len < s.bytes.len; len += 7)
        assert_int_not_equal(
            take(&s, veld_span_part(veld_buf_span(&s.bytes), 0, len), &batch), VELD_OK);
    assert_ok(take(&s, veld_buf_span(&s.bytes), &batch));
    end(&s);
}

static void a_batch_is_for_one_agency_and_of_one_chain(void **state)
{
    (void)state;
    setting s;
    veld_access_item item;
    veld_access_batch batch;
    begin(&s);
    make(&s, ENTRIES);
    assert_ok(veld_access_item_read(veld_buf_span(&s.bytes), &item, NULL));
    assert_int_equal(
        veld_access_item_verify(&item, &s.verifier, &s.other.public_key, NULL), VELD_E_FORGED);
    assert_int_equal(
        veld_access_batch_open(&item, &s.other, &s.arena, &batch, NULL), VELD_E_FORGED);
    veld_span kept = s.spans[1];
    s.spans[1] = s.spans[3]; /* a gap within the batch */
    make(&s, 3);
    assert_int_equal(take(&s, veld_buf_span(&s.bytes), &batch), VELD_E_FORGED);
    s.spans[1] = s.spans[0]; /* twice the same */
    make(&s, 2);
    assert_int_equal(take(&s, veld_buf_span(&s.bytes), &batch), VELD_E_FORGED);
    s.spans[1] = kept;
    s.lines[0].data[5] ^= 1; /* another id: the second names another hash then */
    make(&s, 2);
    assert_int_equal(take(&s, veld_buf_span(&s.bytes), &batch), VELD_E_FORGED);
    end(&s);
}

static void the_length_does_not_tell_how_many(void **state)
{
    (void)state;
    setting s;
    begin(&s);
    make(&s, 3);
    size_t three = s.bytes.len;
    make(&s, 2);
    assert_int_equal(s.bytes.len, three);
    make(&s, 1);
    assert_true(s.bytes.len < three);
    end(&s);
}

static void the_agencys_word_is_of_the_agency(void **state)
{
    (void)state;
    setting s;
    veld_access_item item;
    begin(&s);
    const veld_access_kept kept = {
        .device = s.w.device, .number = 9, .hash = {{1, 2, 3}}, .utc_ms = 1772438400000};
    assert_ok(veld_access_kept_make(&kept, &s.signer, &s.bytes, NULL));
    assert_ok(veld_access_item_read(veld_buf_span(&s.bytes), &item, NULL));
    assert_int_equal(item.form, VELD_ACCESS_KEPT);
    assert_int_equal(item.kept.number, 9);
    assert_true(veld_hash_equal(&item.kept.hash, &kept.hash));
    assert_ok(veld_access_item_verify(&item, &s.verifier, &s.signing.public_key, NULL));
    for (size_t bit = 0; bit < 8 * s.bytes.len; bit++) {
        s.bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        veld_status status = veld_access_item_read(veld_buf_span(&s.bytes), &item, NULL);
        if (status == VELD_OK)
            status = veld_access_item_verify(&item, &s.verifier, &s.signing.public_key, NULL);
        assert_int_not_equal(status, VELD_OK);
        s.bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_says_what_was_put_in),
        cmocka_unit_test(what_has_not_the_form_is_not_written),
        cmocka_unit_test(each_bit_of_a_batch_counts),
        cmocka_unit_test(a_batch_is_for_one_agency_and_of_one_chain),
        cmocka_unit_test(the_length_does_not_tell_how_many),
        cmocka_unit_test(the_agencys_word_is_of_the_agency),
    };
    assert_ok(veld_crypto_init(NULL));
    return cmocka_run_group_tests(tests, NULL, NULL);
}

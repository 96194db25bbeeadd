/* Grants: bound to recipient, terms and signer. */
#include "veld_test.h"

#include <string.h>

#include "veldkit/crypto.h"
#include "veldkit/grant.h"
#include "veldkit/limits.h"
#include "wire_world.h"

static const uint8_t case_key[32] = {1, 2, 3};

typedef struct setting {
    wire_world w;
    veld_p256_private signing, sealing, other;
    veld_signer signer;
    veld_verifier verifier;
    veld_grant_terms terms;
    veld_buf bytes;
} setting;

static void begin(setting *s)
{
    memset(s, 0, sizeof *s);
    wire_world_init(&s->w, 21);
    assert_ok(veld_p256_generate(&s->w.world.env, &s->signing, NULL));
    assert_ok(veld_p256_generate(&s->w.world.env, &s->sealing, NULL));
    assert_ok(veld_p256_generate(&s->w.world.env, &s->other, NULL));
    s->signer = veld_signer_p256(&s->signing);
    s->verifier = veld_verifier_p256();
    s->terms = (veld_grant_terms){.case_id = s->w.case_id,
        .epoch = 3,
        .recipient = s->w.device,
        .purpose = VELD_GRANT_ASSIGNED,
        .lease_end_utc_ms = 1772697600000,
        .serial = 12};
    veld_buf_init(&s->bytes, VELD_GRANT_BYTES_MAX);
}

static void end(setting *s)
{
    veld_buf_release(&s->bytes);
    veld_p256_release(&s->signing);
    veld_p256_release(&s->sealing);
    veld_p256_release(&s->other);
    wire_world_release(&s->w);
}

static void make(setting *s)
{
    assert_ok(veld_grant_make(&s->w.world.env, &s->terms, veld_span_of(case_key, sizeof case_key),
        &s->sealing.public_key, &s->signer, &s->bytes, NULL));
}

/* take: read, verify and open; the first failure. */
static veld_status take(setting *s, veld_span bytes, veld_secret *key)
{
    veld_grant grant;
    veld_status status;
    VELD_TRY(veld_grant_read(bytes, &grant, NULL));
    VELD_TRY(veld_grant_verify(&grant, &s->verifier, &s->signing.public_key, NULL));
    VELD_TRY(veld_grant_open(&grant, &s->sealing, key, NULL));
done:
    return status;
}

static void the_recipient_gets_the_key_and_the_terms(void **state)
{
    (void)state;
    setting s;
    begin(&s);
    make(&s);
    veld_secret key = {0};
    veld_grant grant;
    assert_ok(take(&s, veld_buf_span(&s.bytes), &key));
    assert_memory_equal(key.data, case_key, sizeof case_key);
    assert_ok(veld_grant_read(veld_buf_span(&s.bytes), &grant, NULL));
    assert_true(veld_id_equal(&grant.terms.case_id, &s.terms.case_id));
    assert_true(veld_id_equal(&grant.terms.recipient, &s.terms.recipient));
    assert_int_equal(grant.terms.epoch, 3);
    assert_int_equal(grant.terms.purpose, VELD_GRANT_ASSIGNED);
    assert_int_equal(grant.terms.lease_end_utc_ms, s.terms.lease_end_utc_ms);
    assert_int_equal(grant.terms.serial, s.terms.serial);
    veld_secret_release(&key);
    end(&s);
}

static void others_do_not(void **state)
{
    (void)state;
    setting s;
    begin(&s);
    make(&s);
    veld_secret key = {0};
    veld_grant grant;
    assert_ok(veld_grant_read(veld_buf_span(&s.bytes), &grant, NULL));
    assert_int_equal(veld_grant_open(&grant, &s.other, &key, NULL), VELD_E_NOT_FOUND);
    assert_int_equal(
        veld_grant_verify(&grant, &s.verifier, &s.other.public_key, NULL), VELD_E_FORGED);
    assert_ok(veld_p256_fingerprint(&s.other.public_key, &grant.recipient_key, NULL));
    assert_int_equal(veld_grant_open(&grant, &s.other, &key, NULL), VELD_E_FORGED);
    assert_null(key.data);
    end(&s);
}

static void terms_cannot_be_moved(void **state)
{
    (void)state;
    setting s;
    begin(&s);
    make(&s);
    veld_secret key = {0};
    veld_grant good;
    assert_ok(veld_grant_read(veld_buf_span(&s.bytes), &good, NULL));
    for (int i = 0; i < 7; i++) {
        veld_grant grant = good;
        grant.terms.case_id.bytes[0] ^= i == 0;
        grant.terms.epoch += i == 1;
        grant.key_check[0] ^= i == 2;
        grant.terms.recipient.bytes[0] ^= i == 3;
        grant.terms.purpose = i == 4 ? VELD_GRANT_RECOVERY : grant.terms.purpose;
        grant.terms.lease_end_utc_ms += i == 5;
        grant.terms.serial += i == 6;
        assert_int_equal(veld_grant_open(&grant, &s.sealing, &key, NULL), VELD_E_FORGED);
    }
    end(&s);
}

static void every_flipped_bit_and_every_cut_is_refused(void **state)
{
    (void)state;
    setting s;
    begin(&s);
    make(&s);
    veld_secret key = {0};
    for (size_t bit = 0; bit < s.bytes.len * 8; bit++) {
        s.bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        veld_status status = take(&s, veld_buf_span(&s.bytes), &key);
        bool in_signature = bit / 8 >= s.bytes.len - VELD_SIGNATURE_BYTES;
        assert_true(status == VELD_E_FORGED ||
                    (!in_signature && (status == VELD_E_FORM || status == VELD_E_NEWER ||
                                          status == VELD_E_LIMIT)));
        s.bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t len = 0; len < s.bytes.len; len++) {
        veld_grant grant;
        assert_int_equal(
            veld_grant_read(veld_span_of(s.bytes.data, len), &grant, NULL), VELD_E_FORM);
    }
    uint8_t large[VELD_GRANT_BYTES_MAX + 1] = {0};
    veld_grant grant;
    assert_int_equal(
        veld_grant_read(veld_span_of(large, sizeof large), &grant, NULL), VELD_E_LIMIT);
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
        cmocka_unit_test(the_recipient_gets_the_key_and_the_terms),
        cmocka_unit_test(others_do_not),
        cmocka_unit_test(terms_cannot_be_moved),
        cmocka_unit_test(every_flipped_bit_and_every_cut_is_refused),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}

/* Cards: pasted, compared, and not changed on the way. */
#include "veld_test.h"

#include <string.h>

#include "veldkit/card.h"
#include "veldkit/crypto.h"
#include "wire_world.h"

typedef struct setting {
    wire_world w;
    veld_p256_private signing, sealing;
    veld_signer signer;
    veld_verifier verifier;
    veld_card card;
    veld_buf bytes;
} setting;

static void begin(setting *s)
{
    memset(s, 0, sizeof *s);
    wire_world_init(&s->w, 31);
    assert_ok(veld_p256_generate(&s->w.world.env, &s->signing, NULL));
    assert_ok(veld_p256_generate(&s->w.world.env, &s->sealing, NULL));
    s->signer = veld_signer_p256(&s->signing);
    s->verifier = veld_verifier_p256();
    s->card = (veld_card){
        .device = s->w.device, .seal_key = s->sealing.public_key, .name = "J. de Vri\xC3\xABs"};
    veld_buf_init(&s->bytes, VELD_CARD_BYTES_MAX);
}

static void end(setting *s)
{
    veld_buf_release(&s->bytes);
    veld_p256_release(&s->signing);
    veld_p256_release(&s->sealing);
    wire_world_release(&s->w);
}

static void a_card_survives_being_pasted(void **state)
{
    (void)state;
    setting s;
    begin(&s);
    assert_ok(veld_card_make(&s.card, &s.signer, &s.bytes, NULL));
    veld_buf text, back;
    veld_buf_init(&text, 4096);
    veld_buf_init(&back, VELD_CARD_BYTES_MAX);
    assert_ok(veld_buf_append_text(&text, " \n"));
    assert_ok(veld_card_to_text(veld_buf_span(&s.bytes), &text, NULL));
    assert_null(memchr(text.data + 2, '\n', text.len - 2));
    assert_ok(veld_buf_append_text(&text, "\r\n"));
    assert_ok(veld_card_from_text(veld_buf_span(&text), &back, NULL));
    veld_card card;
    assert_ok(veld_card_read(veld_buf_span(&back), &s.verifier, &card, NULL));
    assert_true(veld_id_equal(&card.device, &s.w.device));
    assert_true(veld_p256_public_equal(&card.sign_key, &s.signing.public_key));
    assert_true(veld_p256_public_equal(&card.seal_key, &s.sealing.public_key));
    assert_string_equal(card.name, s.card.name);
    veld_buf_release(&text);
    veld_buf_release(&back);
    end(&s);
}

static void text_that_is_no_card_is_refused(void **state)
{
    (void)state;
    veld_buf out;
    veld_buf_init(&out, VELD_CARD_BYTES_MAX);
    static const char *const bad[] = {
        "", "  ", "veldkit-card", "veldkit-card:!", "veldkit-card:AA=", "Veldkit-card:AAAA"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(veld_card_from_text(veld_span_text(bad[i]), &out, NULL), VELD_E_FORM);
    assert_int_equal(out.len, 0);
    veld_buf_release(&out);
}

static void every_flipped_bit_is_refused_and_the_code_differs(void **state)
{
    (void)state;
    setting s;
    begin(&s);
    assert_ok(veld_card_make(&s.card, &s.signer, &s.bytes, NULL));
    char code[VELD_CARD_CODE_SIZE], other[VELD_CARD_CODE_SIZE];
    assert_ok(veld_card_code(veld_buf_span(&s.bytes), code, NULL));
    assert_int_equal(strlen(code), VELD_CARD_CODE_SIZE - 1);
    assert_int_equal(code[4], '-');
    for (size_t bit = 0; bit < s.bytes.len * 8; bit += 5) {
        veld_card card;
        s.bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(
            veld_card_read(veld_buf_span(&s.bytes), &s.verifier, &card, NULL), VELD_OK);
        assert_ok(veld_card_code(veld_buf_span(&s.bytes), other, NULL));
        assert_string_not_equal(code, other);
        s.bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    end(&s);
}

static void names_are_plain_text(void **state)
{
    (void)state;
    setting s;
    begin(&s);
    static const char *const bad[] = {"", "a\nb", "\xC3", "\x7F"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        memset(s.card.name, 0, sizeof s.card.name);
        memcpy(s.card.name, bad[i], strlen(bad[i]));
        assert_int_equal(veld_card_make(&s.card, &s.signer, &s.bytes, NULL), VELD_E_INVALID);
    }
    memset(s.card.name, 'a', sizeof s.card.name); /* without an end */
    assert_int_equal(veld_card_make(&s.card, &s.signer, &s.bytes, NULL), VELD_E_INVALID);
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
        cmocka_unit_test(a_card_survives_being_pasted),
        cmocka_unit_test(text_that_is_no_card_is_refused),
        cmocka_unit_test(every_flipped_bit_is_refused_and_the_code_differs),
        cmocka_unit_test(names_are_plain_text),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}

/* Documents: the one header is taken, everything else that JOSE allows is refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test_env.h"
#include "veld_test.h"
#include "veldkit/context.h"
#include "veldkit/crypto.h"
#include "veldkit/hash.h"
#include "veldkit/jws.h"

static veld_p256_private key;
static veld_signer signer;
static veld_verifier verifier;

#define KEY_ID  "agency:plan-key_1"
#define PAYLOAD veld_span_text("{\"plan\":1}")

static veld_status verify_as(veld_span text, const char *type, const char *key_id, veld_buf *out)
{
    return veld_jws_verify(&verifier, &key.public_key, type, key_id, text, out, NULL);
}

/* A document with any header, signed rightly: what an attacker with a key, or another issuer, has.
 */
static void sign_with_header(const char *header, veld_buf *out)
{
    veld_hash digest;
    veld_signature signature;
    veld_buf_init(out, VELD_JWS_TEXT_MAX);
    assert_ok(veld_base64_encode(veld_span_text(header), true, out));
    assert_ok(veld_buf_append_byte(out, '.'));
    assert_ok(veld_base64_encode(PAYLOAD, true, out));
    assert_ok(veld_sha256(veld_buf_span(out), &digest, NULL));
    assert_ok(veld_sign_digest(&signer, &digest, &signature, NULL));
    assert_ok(veld_buf_append_byte(out, '.'));
    assert_ok(veld_base64_encode(veld_span_of(signature.bytes, sizeof signature.bytes), true, out));
}

static void a_document_goes_there_and_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 3, 1000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint8_t bytes[1000] = {1, 2, 3};
        veld_buf text;
        veld_buf payload;
        veld_jws_header header;
        veld_buf_init(&text, VELD_JWS_TEXT_MAX);
        veld_buf_init(&payload, VELD_JWS_BYTES_MAX);
        assert_ok(veld_jws_sign(
            &signer, VELD_JWS_PLAN, KEY_ID, veld_span_of(bytes, sizes[i]), &text, NULL));
        assert_ok(veld_jws_peek(veld_buf_span(&text), &header, NULL));
        assert_string_equal(header.key_id, KEY_ID);
        assert_string_equal(header.type, VELD_JWS_PLAN);
        assert_ok(verify_as(veld_buf_span(&text), VELD_JWS_PLAN, KEY_ID, &payload));
        assert_int_equal(payload.len, sizes[i]);
        if (sizes[i] > 0)
            assert_memory_equal(payload.data, bytes, sizes[i]);
        veld_buf_release(&text);
        veld_buf_release(&payload);
    }
}

static void the_header_is_the_canonical_one(void **state)
{
    (void)state;
    veld_buf ours;
    veld_buf byhand;
    veld_buf payload;
    veld_buf_init(&ours, VELD_JWS_TEXT_MAX);
    veld_buf_init(&payload, VELD_JWS_BYTES_MAX);
    assert_ok(veld_jws_sign(&signer, VELD_JWS_PLAN, KEY_ID, PAYLOAD, &ours, NULL));
    sign_with_header(
        "{\"alg\":\"ES256\",\"kid\":\"" KEY_ID "\",\"typ\":\"" VELD_JWS_PLAN "\"}", &byhand);
    assert_true(veld_span_equal(veld_buf_span(&ours), veld_buf_span(&byhand)));
    veld_buf_release(&ours);
    veld_buf_release(&byhand);
    veld_buf_release(&payload);
}

static void every_other_header_is_refused(void **state)
{
    (void)state;
#define REST "\"kid\":\"" KEY_ID "\",\"typ\":\"" VELD_JWS_PLAN "\"}"
    static const char *const headers[] = {
        "",
        "{}",
        "{\"alg\":\"none\"," REST,
        "{\"alg\":\"HS256\"," REST,
        "{\"alg\":\"es256\"," REST,
        "{\"alg\":\"ES256K\"," REST,
        "{\"alg\":\"ES256\",\"alg\":\"none\"," REST,
        "{\"alg\":\"ES256\",\"crit\":[\"exp\"]," REST,
        "{\"alg\":\"ES256\",\"b64\":false," REST,
        "{\"alg\":\"ES256\",\"jwk\":{}," REST,
        "{\"alg\":\"ES256\", " REST,
        " {\"alg\":\"ES256\"," REST,
        "{\"alg\":\"ES256\"," REST " ",
        "{\"alg\":\"ES256\"," REST "}",
        "{\"alg\":\"\\u0045S256\"," REST,
        "{\"alg\":\"ES256\",\"typ\":\"" VELD_JWS_PLAN "\",\"kid\":\"" KEY_ID "\"}",
        "{\"alg\":\"ES256\",\"kid\":\"" KEY_ID "\"}",
        "{\"alg\":\"ES256\",\"kid\":\"\",\"typ\":\"" VELD_JWS_PLAN "\"}",
        "{\"alg\":\"ES256\",\"kid\":\"a b\",\"typ\":\"" VELD_JWS_PLAN "\"}",
        "{\"alg\":\"ES256\",\"kid\":\"\xc3\xa9\",\"typ\":\"" VELD_JWS_PLAN "\"}",
        "{\"alg\":\"ES256\",\"kid\":\"" KEY_ID "\",\"typ\":\"" VELD_JWS_PLAN "\",\"x\":1}",
    };
    veld_buf payload;
    veld_buf_init(&payload, VELD_JWS_BYTES_MAX);
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        veld_buf text;
        sign_with_header(headers[i], &text);
        assert_int_equal(
            verify_as(veld_buf_span(&text), VELD_JWS_PLAN, KEY_ID, &payload), VELD_E_FORM);
        assert_int_equal(payload.len, 0);
        veld_buf_release(&text);
    }
    veld_buf_release(&payload);
}

static void every_changed_character_is_refused(void **state)
{
    (void)state;
    veld_buf text;
    veld_buf payload;
    veld_buf_init(&text, VELD_JWS_TEXT_MAX);
    veld_buf_init(&payload, VELD_JWS_BYTES_MAX);
    assert_ok(veld_jws_sign(&signer, VELD_JWS_BAN, KEY_ID, PAYLOAD, &text, NULL));
    static const char others[] = "AQgw_-.=\n";
    for (size_t i = 0; i < text.len; i++) {
        uint8_t kept = text.data[i];
        for (size_t j = 0; j < sizeof others; j++) {
            text.data[i] = (uint8_t)others[j];
            if (text.data[i] == kept)
                continue;
            veld_status status = verify_as(veld_buf_span(&text), VELD_JWS_BAN, KEY_ID, &payload);
            assert_true(status == VELD_E_FORM || status == VELD_E_FORGED);
            assert_int_equal(payload.len, 0);
        }
        text.data[i] = kept;
    }
    for (size_t len = 0; len < text.len; len++)
        assert_int_not_equal(
            verify_as(veld_span_of(text.data, len), VELD_JWS_BAN, KEY_ID, &payload), VELD_OK);
    assert_ok(veld_buf_append_byte(&text, '\n'));
    assert_int_equal(verify_as(veld_buf_span(&text), VELD_JWS_BAN, KEY_ID, &payload), VELD_E_FORM);
    text.data[text.len - 1] = '.';
    assert_int_equal(verify_as(veld_buf_span(&text), VELD_JWS_BAN, KEY_ID, &payload), VELD_E_FORM);
    veld_buf_release(&text);
    veld_buf_release(&payload);
}

static void another_type_or_key_is_forged(void **state)
{
    (void)state;
    veld_buf text;
    veld_buf payload;
    veld_buf_init(&text, VELD_JWS_TEXT_MAX);
    veld_buf_init(&payload, VELD_JWS_BYTES_MAX);
    assert_ok(veld_jws_sign(&signer, VELD_JWS_PLAN, KEY_ID, PAYLOAD, &text, NULL));
    const veld_span span = veld_buf_span(&text);
    assert_int_equal(verify_as(span, VELD_JWS_BAN, KEY_ID, &payload), VELD_E_FORGED);
    assert_int_equal(verify_as(span, VELD_JWS_PLAN, "another", &payload), VELD_E_FORGED);
    assert_ok(veld_buf_append_text(&payload, "kept"));
    test_env world;
    veld_p256_private stranger = {0};
    test_env_init(&world, 2);
    assert_ok(veld_p256_generate(&world.env, &stranger, NULL));
    assert_int_equal(veld_jws_verify(&verifier, &stranger.public_key, VELD_JWS_PLAN, KEY_ID, span,
                         &payload, NULL),
        VELD_E_FORGED);
    assert_int_equal(payload.len, 4);
    veld_p256_release(&stranger);
    veld_buf_release(&text);
    veld_buf_release(&payload);
}

static void limits_and_names_are_refused(void **state)
{
    (void)state;
    veld_buf text;
    veld_jws_header header;
    veld_buf_init(&text, VELD_JWS_TEXT_MAX);
    assert_int_equal(
        veld_jws_sign(&signer, VELD_JWS_PLAN, "a\"b", PAYLOAD, &text, NULL), VELD_E_INVALID);
    assert_int_equal(
        veld_jws_sign(&signer, VELD_JWS_PLAN, "", PAYLOAD, &text, NULL), VELD_E_INVALID);
    uint8_t *large = calloc(1, 2 * VELD_JWS_TEXT_MAX);
    assert_non_null(large);
    assert_int_equal(veld_jws_sign(&signer, VELD_JWS_PLAN, KEY_ID,
                         veld_span_of(large, VELD_JWS_BYTES_MAX + 1), &text, NULL),
        VELD_E_LIMIT);
    assert_int_equal(text.len, 0);
    assert_ok(veld_jws_sign(
        &signer, VELD_JWS_PLAN, KEY_ID, veld_span_of(large, VELD_JWS_BYTES_MAX), &text, NULL));
    assert_true(text.len <= VELD_JWS_TEXT_MAX);
    assert_int_equal(
        veld_jws_peek(veld_span_of(large, VELD_JWS_TEXT_MAX + 1), &header, NULL), VELD_E_LIMIT);
    free(large);
    veld_buf_release(&text);
}

static int begin(void **state)
{
    (void)state;
    test_env world;
    test_env_init(&world, 1);
    if (veld_crypto_init(NULL) != VELD_OK || veld_p256_generate(&world.env, &key, NULL) != VELD_OK)
        return -1;
    signer = veld_signer_p256(&key);
    verifier = veld_verifier_p256();
    return 0;
}

static int end(void **state)
{
    (void)state;
    veld_p256_release(&key);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_goes_there_and_back),
        cmocka_unit_test(the_header_is_the_canonical_one),
        cmocka_unit_test(every_other_header_is_refused),
        cmocka_unit_test(every_changed_character_is_refused),
        cmocka_unit_test(another_type_or_key_is_forged),
        cmocka_unit_test(limits_and_names_are_refused),
    };
    return cmocka_run_group_tests_name("crypto.jws", tests, begin, end);
}

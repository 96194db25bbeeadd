/* SSHSIG texts and OpenSSH lines: the way there and back, and that no second text for a signature
 * is taken. That stock tools agree is shown by the integration tests. */
#include <stdio.h>
#include <string.h>

#include "test_env.h"
#include "veld_test.h"
#include "veldkit/context.h"
#include "veldkit/crypto.h"
#include "veldkit/sshsig.h"

static veld_p256_private key;
static veld_signer signer;
static veld_verifier verifier;

#define MESSAGE veld_span_text("tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n")

static void a_signature_is_for_one_message_namespace_and_key(void **state)
{
    (void)state;
    test_env world;
    veld_p256_private stranger = {0};
    veld_signature signature;
    test_env_init(&world, 2);
    assert_ok(veld_p256_generate(&world.env, &stranger, NULL));
    assert_ok(veld_sshsig_sign(&signer, VELD_NAMESPACE_COMMIT, MESSAGE, &signature, NULL));
    assert_ok(veld_sshsig_verify(
        &verifier, &key.public_key, VELD_NAMESPACE_COMMIT, MESSAGE, &signature, NULL));
    assert_int_equal(veld_sshsig_verify(&verifier, &key.public_key, VELD_NAMESPACE_GRANT, MESSAGE,
                         &signature, NULL),
        VELD_E_FORGED);
    assert_int_equal(veld_sshsig_verify(&verifier, &key.public_key, VELD_NAMESPACE_COMMIT,
                         veld_span_text("tree"), &signature, NULL),
        VELD_E_FORGED);
    assert_int_equal(veld_sshsig_verify(&verifier, &stranger.public_key, VELD_NAMESPACE_COMMIT,
                         MESSAGE, &signature, NULL),
        VELD_E_FORGED);
    veld_p256_release(&stranger);
}

static void write_text(const veld_signature *signature, const char *name_space, veld_buf *out)
{
    veld_buf_init(out, VELD_SIGNATURE_TEXT_MAX);
    assert_ok(veld_sshsig_write(&key.public_key, name_space, signature, out, NULL));
}

static void the_text_is_a_function_of_the_64_bytes(void **state)
{
    (void)state;
    for (uint8_t i = 0; i < 40; i++) {
        veld_signature signature;
        veld_sshsig read;
        veld_buf text;
        veld_buf again;
        assert_ok(veld_sshsig_sign(
            &signer, VELD_NAMESPACE_COMMIT, veld_span_of(&i, 1), &signature, NULL));
        if (i < 32) /* short numbers, which a mpint writes shorter */
            memset(signature.bytes, 0, i);
        if (i % 2 == 0)
            memset(signature.bytes + 32, 0, 1 + i / 2u);
        write_text(&signature, VELD_NAMESPACE_COMMIT, &text);
        assert_ok(veld_sshsig_read(veld_buf_span(&text), &read, NULL));
        assert_memory_equal(read.signature.bytes, signature.bytes, sizeof signature.bytes);
        assert_true(veld_p256_public_equal(&read.key, &key.public_key));
        assert_string_equal(read.name_space, VELD_NAMESPACE_COMMIT);
        write_text(&read.signature, read.name_space, &again);
        assert_true(veld_span_equal(veld_buf_span(&text), veld_buf_span(&again)));
        veld_buf_release(&text);
        veld_buf_release(&again);
    }
}

/* Each changed character is either refused or makes a signature that does not verify. */
static void no_changed_character_goes_unnoticed(void **state)
{
    (void)state;
    veld_signature signature;
    veld_buf text;
    size_t parsed = 0;
    assert_ok(veld_sshsig_sign(&signer, VELD_NAMESPACE_COMMIT, MESSAGE, &signature, NULL));
    write_text(&signature, VELD_NAMESPACE_COMMIT, &text);
    for (size_t i = 0; i < text.len; i++) {
        uint8_t kept = text.data[i];
        static const char others[] = "A/z=\n \r-";
        for (size_t j = 0; j < sizeof others; j++) {
            veld_sshsig read;
            text.data[i] = (uint8_t)others[j];
            if (text.data[i] == kept)
                continue;
            veld_status status = veld_sshsig_read(veld_buf_span(&text), &read, NULL);
            if (status != VELD_OK) {
                assert_int_equal(status, VELD_E_FORM);
                continue;
            }
            parsed++;
            bool same_key = veld_p256_public_equal(&read.key, &key.public_key);
            bool same_name = strcmp(read.name_space, VELD_NAMESPACE_COMMIT) == 0;
            if (same_key && same_name)
                assert_int_equal(veld_sshsig_verify(&verifier, &read.key, read.name_space, MESSAGE,
                                     &read.signature, NULL),
                    VELD_E_FORGED);
        }
        text.data[i] = kept;
    }
    assert_true(parsed > 0);
    veld_buf_release(&text);
}

static void other_layouts_are_refused(void **state)
{
    (void)state;
    veld_signature signature;
    veld_sshsig read;
    veld_buf text;
    assert_ok(veld_sshsig_sign(&signer, VELD_NAMESPACE_COMMIT, MESSAGE, &signature, NULL));
    write_text(&signature, VELD_NAMESPACE_COMMIT, &text);
    for (size_t len = 0; len < text.len; len++)
        assert_int_equal(veld_sshsig_read(veld_span_of(text.data, len), &read, NULL), VELD_E_FORM);
    veld_buf other;
    veld_buf_init(&other, 2 * VELD_SIGNATURE_TEXT_MAX);
    assert_ok(veld_buf_append_span(&other, veld_buf_span(&text)));
    assert_ok(veld_buf_append_byte(&other, '\n'));
    assert_int_equal(veld_sshsig_read(veld_buf_span(&other), &read, NULL), VELD_E_FORM);
    veld_buf_clear(&other);
    for (size_t i = 0; i < text.len; i++) { /* lines of another length */
        if (i == 60)
            assert_ok(veld_buf_append_byte(&other, '\n'));
        assert_ok(veld_buf_append_byte(&other, text.data[i]));
    }
    assert_int_equal(veld_sshsig_read(veld_buf_span(&other), &read, NULL), VELD_E_FORM);
    veld_buf_clear(&other);
    while (other.len <= VELD_SIGNATURE_TEXT_MAX)
        assert_ok(veld_buf_append_span(&other, veld_buf_span(&text)));
    assert_int_equal(veld_sshsig_read(veld_buf_span(&other), &read, NULL), VELD_E_LIMIT);
    veld_buf_release(&other);
    veld_buf_release(&text);
}

static void a_full_buffer_stays_as_it_was(void **state)
{
    (void)state;
    const veld_signature signature = {{1}};
    veld_buf small;
    veld_buf_init(&small, 100);
    assert_ok(veld_buf_append_text(&small, "kept"));
    assert_int_equal(
        veld_sshsig_write(&key.public_key, VELD_NAMESPACE_COMMIT, &signature, &small, NULL),
        VELD_E_LIMIT);
    assert_int_equal(veld_ssh_key_write(&key.public_key, "x", &small, NULL), VELD_E_LIMIT);
    veld_ssh_allowed allowed = {"a", "git", key.public_key};
    assert_int_equal(veld_ssh_allowed_write(&allowed, &small, NULL), VELD_E_LIMIT);
    assert_int_equal(small.len, 4);
    veld_buf_release(&small);
}

static void key_lines_go_there_and_back(void **state)
{
    (void)state;
    veld_buf line;
    veld_p256_public read;
    veld_buf_init(&line, VELD_SIGNATURE_TEXT_MAX);
    assert_ok(veld_ssh_key_write(&key.public_key, "tablet 7", &line, NULL));
    assert_memory_equal(line.data, "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY", 51);
    assert_ok(veld_ssh_key_read(veld_buf_span(&line), &read, NULL));
    assert_true(veld_p256_public_equal(&read, &key.public_key));
    assert_ok(veld_buf_append_byte(&line, '\n'));
    assert_ok(veld_ssh_key_read(veld_buf_span(&line), &read, NULL));
    static const char *const bad[] = {"", "\n", "ssh-ed25519 AAAA", "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp256 ", "ecdsa-sha2-nistp256 AAAA",
        "ecdsa-sha2-nistp256 ====", " ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY="};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(veld_ssh_key_read(veld_span_text(bad[i]), &read, NULL), VELD_E_FORM);
    assert_int_equal(
        veld_ssh_key_write(&key.public_key, "two\nlines", &line, NULL), VELD_E_INVALID);
    veld_buf_release(&line);
}

static void allowed_signers_go_there_and_back(void **state)
{
    (void)state;
    veld_buf line;
    veld_buf_init(&line, VELD_SIGNATURE_TEXT_MAX);
    veld_ssh_allowed allowed = {"dev-0190b6f2@veldkit", VELD_NAMESPACE_COMMIT, key.public_key};
    veld_ssh_allowed read;
    assert_ok(veld_ssh_allowed_write(&allowed, &line, NULL));
    assert_memory_equal(line.data, "dev-0190b6f2@veldkit namespaces=\"git\" ecdsa-", 44);
    assert_ok(veld_ssh_allowed_read(veld_buf_span(&line), &read, NULL));
    assert_string_equal(read.principal, allowed.principal);
    assert_string_equal(read.name_space, allowed.name_space);
    assert_true(veld_p256_public_equal(&read.key, &key.public_key));
    for (size_t len = 0; len + 1 < line.len; len++)
        assert_int_equal(
            veld_ssh_allowed_read(veld_span_of(line.data, len), &read, NULL), VELD_E_FORM);
    assert_ok(veld_buf_append_byte(&line, '\n'));
    assert_int_equal(veld_ssh_allowed_read(veld_buf_span(&line), &read, NULL), VELD_E_FORM);
    static const char *const bad_names[] = {"", "a b", "*", "a,b", "!a", "a\"b"};
    for (size_t i = 0; i < sizeof bad_names / sizeof *bad_names; i++) {
        veld_ssh_allowed bad = allowed;
        snprintf(bad.principal, sizeof bad.principal, "%s", bad_names[i]);
        assert_int_equal(veld_ssh_allowed_write(&bad, &line, NULL), VELD_E_INVALID);
    }
    veld_buf_release(&line);
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
        cmocka_unit_test(a_signature_is_for_one_message_namespace_and_key),
        cmocka_unit_test(the_text_is_a_function_of_the_64_bytes),
        cmocka_unit_test(no_changed_character_goes_unnoticed),
        cmocka_unit_test(other_layouts_are_refused),
        cmocka_unit_test(a_full_buffer_stays_as_it_was),
        cmocka_unit_test(key_lines_go_there_and_back),
        cmocka_unit_test(allowed_signers_go_there_and_back),
    };
    return cmocka_run_group_tests_name("crypto.sshsig", tests, begin, end);
}

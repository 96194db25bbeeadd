/* Hashes, HMAC and key derivation beyond the published vectors: parts, streams, names, limits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test_env.h"
#include "veld_test.h"
#include "veldkit/context.h"
#include "veldkit/crypto.h"
#include "veldkit/hash.h"

enum { NAMES_MAX = 200, NAME_BYTES = 64 };

/* The names as context.h has them, so that one that is added later is held to the rule too. */
static size_t read_names(char names[NAMES_MAX][NAME_BYTES])
{
    char path[4096];
    char line[256];
    size_t count = 0;
    const char *tree = getenv("VELD_SOURCE_DIR");
    snprintf(path, sizeof path, "%s/core/include/veldkit/context.h", tree != NULL ? tree : ".");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        const char *start = strchr(line, '"');
        if (strncmp(line, "#define VELD_", 13) != 0 || start == NULL)
            continue;
        size_t len = strcspn(start + 1, "\"");
        assert_true(count < NAMES_MAX && len > 0 && len < NAME_BYTES);
        memcpy(names[count], start + 1, len);
        names[count++][len] = '\0';
    }
    fclose(file);
    return count;
}

static void no_name_begins_another(void **state)
{
    (void)state;
    static char names[NAMES_MAX][NAME_BYTES];
    size_t count = read_names(names);
    assert_true(count >= 36);
    for (size_t a = 0; a < count; a++)
        for (size_t b = 0; b < count; b++)
            if (a != b && strncmp(names[a], names[b], strlen(names[a])) == 0)
                fail_msg("%s begins %s", names[a], names[b]);
}

static void sha256_of_the_standard_message(void **state)
{
    (void)state;
    char text[VELD_HASH_TEXT_SIZE];
    veld_hash hash;
    assert_ok(veld_sha256(veld_span_text("abc"), &hash, NULL)); /* FIPS 180-4 example */
    veld_hash_format(&hash, text);
    assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_ok(veld_sha256(veld_span_of(NULL, 0), &hash, NULL));
    veld_hash_format(&hash, text);
    assert_string_equal(text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void a_stream_gives_the_same_hash_however_it_is_cut(void **state)
{
    (void)state;
    static uint8_t bytes[300];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    for (size_t cut = 0; cut <= sizeof bytes; cut += 7) {
        veld_sha256_stream stream = {0};
        veld_hash streamed;
        veld_hash whole;
        assert_ok(veld_sha256_start(&stream, NULL, NULL));
        assert_ok(veld_sha256_add(&stream, veld_span_of(bytes, cut), NULL));
        assert_ok(veld_sha256_add(&stream, veld_span_of(bytes + cut, sizeof bytes - cut), NULL));
        assert_ok(veld_sha256_finish(&stream, &streamed, NULL));
        assert_ok(veld_sha256(veld_span_of(bytes, sizeof bytes), &whole, NULL));
        assert_true(veld_hash_equal(&streamed, &whole));
    }
    veld_sha256_stream stream = {0};
    veld_sha256_abort(&stream);
    assert_ok(veld_sha256_start(&stream, VELD_CONTEXT_HASH_ENTRY, NULL));
    veld_sha256_abort(&stream);
    assert_null(stream.state);
}

static void a_named_hash_is_name_zero_and_parts(void **state)
{
    (void)state;
    const veld_span parts[] = {veld_span_text("one"), veld_span_of(NULL, 0), veld_span_text("two")};
    static const char joined[] = VELD_CONTEXT_HASH_ENTRY "\0onetwo";
    veld_hash named;
    veld_hash plain;
    veld_hash other;
    assert_ok(veld_hash_named(VELD_CONTEXT_HASH_ENTRY, parts, 3, &named, NULL));
    assert_ok(veld_sha256(veld_span_of(joined, sizeof joined - 1), &plain, NULL));
    assert_true(veld_hash_equal(&named, &plain));
    assert_ok(veld_hash_named(VELD_CONTEXT_HASH_NODE, parts, 3, &other, NULL));
    assert_false(veld_hash_equal(&named, &other));

    veld_sha256_stream stream = {0};
    assert_ok(veld_sha256_start(&stream, VELD_CONTEXT_HASH_ENTRY, NULL));
    assert_ok(veld_sha256_add(&stream, veld_span_text("onetwo"), NULL));
    assert_ok(veld_sha256_finish(&stream, &other, NULL));
    assert_true(veld_hash_equal(&named, &other));
}

static void parts_of_a_mac_are_joined(void **state)
{
    (void)state;
    const veld_span parts[] = {veld_span_text("what do ya want "), veld_span_text("for nothing?")};
    char text[VELD_HASH_TEXT_SIZE];
    veld_hash mac;
    assert_ok(veld_hmac_sha256(veld_span_text("Jefe"), parts, 2, &mac, NULL)); /* RFC 4231, 2 */
    veld_hash_format(&mac, text);
    assert_string_equal(text, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

static void names_and_lengths_make_different_keys(void **state)
{
    (void)state;
    uint8_t root[32] = {1};
    const veld_span key = {root, sizeof root};
    const veld_span none = {NULL, 0};
    veld_secret a = {0};
    veld_secret b = {0};
    veld_secret c = {0};
    assert_ok(veld_key_derive(key, VELD_CONTEXT_CASE_ENC, none, 32, &a, NULL));
    assert_ok(veld_key_derive(key, VELD_CONTEXT_CASE_COMMIT, none, 32, &b, NULL));
    assert_ok(veld_key_derive(key, VELD_CONTEXT_CASE_ENC, veld_span_of(root, 1), 32, &c, NULL));
    assert_false(veld_span_equal(veld_secret_span(&a), veld_secret_span(&b)));
    assert_false(veld_span_equal(veld_secret_span(&a), veld_secret_span(&c)));
    veld_secret_release(&a);
    veld_secret_release(&b);
    veld_secret_release(&c);
    assert_int_equal(
        veld_hkdf_expand(key, NULL, 0, VELD_HKDF_BYTES_MAX + 1, &a, NULL), VELD_E_LIMIT);
    assert_null(a.data);
    assert_ok(veld_hkdf_expand(key, NULL, 0, VELD_HKDF_BYTES_MAX, &a, NULL));
    veld_secret_release(&a);
}

static int wake(void **state)
{
    (void)state;
    return veld_crypto_init(NULL) == VELD_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_name_begins_another),
        cmocka_unit_test(sha256_of_the_standard_message),
        cmocka_unit_test(a_stream_gives_the_same_hash_however_it_is_cut),
        cmocka_unit_test(a_named_hash_is_name_zero_and_parts),
        cmocka_unit_test(parts_of_a_mac_are_joined),
        cmocka_unit_test(names_and_lengths_make_different_keys),
    };
    return cmocka_run_group_tests_name("crypto.hash", tests, wake, NULL);
}

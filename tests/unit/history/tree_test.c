/* A tree has one pair of names, whatever way it was reached, and they follow every byte. */
#include "veld_test.h"

#include <stdlib.h>
#include <string.h>

#include "test_env.h"
#include "veldkit/context.h"
#include "veldkit/crypto.h"
#include "veldkit/hash.h"
#include "veldkit/history.h"
#include "veldkit/number.h"
#include "veldkit/tree.h"

static const char *const types[] = {"case", "case-note", "case0", "person", "visit"};
enum { TYPES = sizeof types / sizeof types[0] };

static void assert_hex(const uint8_t *bytes, size_t len, const char *hex)
{
    char text[2 * VELD_HASH_BYTES + 1];
    veld_hex_encode(veld_span_of(bytes, len), text, sizeof text);
    assert_string_equal(text, hex);
}

static veld_id id_of(uint64_t n)
{
    veld_id id = {{0}};
    veld_put_u64(id.bytes, n * UINT64_C(0x9E3779B97F4A7C15));
    veld_put_u64(id.bytes + 8, n * UINT64_C(0xD1B54A32D192ED03));
    id.bytes[15] = (uint8_t)(n % 11); /* several records in one folder */
    return id;
}

static void put(veld_tree *tree, uint64_t n, uint64_t content)
{
    veld_id id = id_of(n);
    assert_ok(veld_tree_put(tree, veld_span_text(types[n % TYPES]), &id,
        veld_span_of(&content, sizeof content), NULL, NULL));
}

static void take(veld_tree *tree, uint64_t n)
{
    veld_id id = id_of(n);
    assert_ok(veld_tree_remove(tree, veld_span_text(types[n % TYPES]), &id, NULL));
}

static veld_tree_name root(veld_tree *tree)
{
    veld_tree_name name;
    assert_ok(veld_tree_root(tree, &name, NULL));
    return name;
}

static void assert_same(veld_tree *a, veld_tree *b)
{
    veld_tree_name name_a = root(a), name_b = root(b);
    assert_memory_equal(&name_a, &name_b, sizeof name_a);
}

static void an_empty_case_has_gits_empty_tree(void **state)
{
    (void)state;
    veld_tree *tree = veld_tree_new();
    veld_tree_name name = root(tree);
    assert_hex(name.git.bytes, sizeof name.git.bytes, "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
    veld_hash expected;
    assert_ok(veld_hash_named(VELD_CONTEXT_HASH_FOLDER, NULL, 0, &expected, NULL));
    assert_memory_equal(&name.hash, &expected, sizeof expected);
    put(tree, 1, 1);
    take(tree, 1);
    veld_tree_name again = root(tree);
    assert_memory_equal(&again, &name, sizeof name);
    assert_int_equal(veld_tree_count(tree), 0);
    veld_tree_free(tree);
}

/* The normative text of tree.h, followed by hand for one file. */
static void the_merkle_root_is_what_the_header_says(void **state)
{
    (void)state;
    static const char uuid[] = "00112233-4455-6677-8899-aabbccddeeff";
    veld_id id;
    veld_hash hash;
    uint8_t entry[2 + 36 + 1 + 32];
    assert_ok(veld_id_parse(veld_span_text(uuid), &id));
    veld_span bytes = veld_span_text("line\n");
    assert_ok(veld_hash_named("veldkit/hash/file/1", &bytes, 1, &hash, NULL));
    const struct {
        const char *name;
        uint8_t kind;
    } levels[] = {{uuid, 1}, {"ff", 2}, {"visit", 2}};
    for (size_t i = 0; i < 3; i++) {
        size_t len = strlen(levels[i].name);
        veld_put_u16(entry, (uint16_t)len);
        memcpy(entry + 2, levels[i].name, len);
        entry[2 + len] = levels[i].kind;
        memcpy(entry + 3 + len, hash.bytes, sizeof hash.bytes);
        veld_span whole = veld_span_of(entry, 3 + len + sizeof hash.bytes);
        assert_ok(veld_hash_named("veldkit/hash/folder/1", &whole, 1, &hash, NULL));
    }
    veld_tree *tree = veld_tree_new();
    assert_ok(veld_tree_put(tree, veld_span_text("visit"), &id, bytes, NULL, NULL));
    veld_tree_name name = root(tree);
    assert_memory_equal(&name.hash, &hash, sizeof hash);
    /* printf 'line\n' as visit/ff/UUID, by git write-tree */
    assert_hex(name.git.bytes, sizeof name.git.bytes, "e83f2c9c24f2b5bfabda5e8290b994e2660ee8ac");
    veld_tree_free(tree);
}

static void steps_give_what_scratch_gives_in_any_order(void **state)
{
    (void)state;
    test_env world;
    test_env_init(&world, 7);
    enum { RECORDS = 120, STEPS = 600 };
    uint64_t content[RECORDS] = {0};
    veld_tree *steps = veld_tree_new();
    for (size_t step = 1; step <= STEPS; step++) {
        uint64_t n = test_env_number(&world, RECORDS);
        content[n] = test_env_number(&world, 4) == 0 ? 0 : step;
        if (content[n] == 0)
            take(steps, n);
        else
            put(steps, n, content[n]);
        if (test_env_number(&world, 3) == 0)
            (void)root(steps);
        if (step % 50 != 0)
            continue;
        veld_tree *scratch = veld_tree_new();
        uint64_t first = test_env_number(&world, RECORDS);
        size_t count = 0;
        for (uint64_t i = 0; i < RECORDS; i++) {
            uint64_t at = (first + i * 7) % RECORDS; /* 7 and 120 have no common divisor */
            if (content[at] != 0) {
                put(scratch, at, content[at]);
                count++;
            }
        }
        assert_int_equal(veld_tree_count(steps), count);
        assert_same(steps, scratch);
        veld_tree_free(scratch);
    }
    veld_tree_free(steps);
}

static void any_byte_and_any_name_changes_both_names(void **state)
{
    (void)state;
    uint8_t bytes[40] = {0};
    veld_id id = id_of(1);
    veld_tree *tree = veld_tree_new();
    for (uint64_t n = 0; n < 30; n++)
        put(tree, n, n);
    assert_ok(
        veld_tree_put(tree, veld_span_text("visit"), &id, veld_span_of(bytes, 40), NULL, NULL));
    veld_tree_name before = root(tree);
    for (size_t i = 0; i < 8 * sizeof bytes; i++) {
        bytes[i / 8] ^= (uint8_t)(1u << (i % 8));
        assert_ok(
            veld_tree_put(tree, veld_span_text("visit"), &id, veld_span_of(bytes, 40), NULL, NULL));
        veld_tree_name after = root(tree);
        assert_memory_not_equal(&after.git, &before.git, sizeof after.git);
        assert_memory_not_equal(&after.hash, &before.hash, sizeof after.hash);
        bytes[i / 8] ^= (uint8_t)(1u << (i % 8));
    }
    assert_ok(
        veld_tree_put(tree, veld_span_text("visit"), &id, veld_span_of(bytes, 40), NULL, NULL));
    veld_tree_name again = root(tree);
    assert_memory_equal(&again, &before, sizeof again);
    veld_tree_free(tree);
}

static void copies_share_and_do_not_disturb(void **state)
{
    (void)state;
    veld_tree *tree = veld_tree_new(), *copy = NULL;
    for (uint64_t n = 0; n < 60; n++)
        put(tree, n, n);
    veld_tree_name before = root(tree);
    assert_ok(veld_tree_copy(tree, &copy, NULL));
    assert_same(tree, copy);
    put(copy, 3, 999);
    take(copy, 4);
    put(copy, 100, 1);
    veld_tree_name after = root(tree);
    assert_memory_equal(&after, &before, sizeof after);
    assert_int_equal(veld_tree_count(tree), 60);
    assert_int_equal(veld_tree_count(copy), 60);
    veld_tree_name changed = root(copy);
    assert_memory_not_equal(&changed.hash, &before.hash, sizeof changed.hash);
    veld_tree_free(tree);
    put(copy, 3, 3);
    put(copy, 4, 4);
    take(copy, 100);
    changed = root(copy);
    assert_memory_equal(&changed, &before, sizeof changed);
    veld_tree_free(copy);
}

typedef struct seen {
    size_t added, removed, changed;
} seen;

static veld_status count_change(void *context, const veld_tree_change *change, veld_error *err)
{
    (void)err;
    seen *counts = context;
    if (change->before == NULL)
        counts->added++;
    else if (change->after == NULL)
        counts->removed++;
    else
        counts->changed++;
    return VELD_OK;
}

static void a_diff_names_what_differs_and_no_more(void **state)
{
    (void)state;
    veld_tree *before = veld_tree_new(), *after = NULL;
    for (uint64_t n = 0; n < 60; n++)
        put(before, n, n);
    seen all = {0}, none = {0}, some = {0};
    assert_ok(veld_tree_diff(NULL, before, count_change, &all, NULL));
    assert_int_equal(all.added, 60);
    assert_ok(veld_tree_copy(before, &after, NULL));
    put(after, 5, 77);
    put(after, 5, 5);
    assert_ok(veld_tree_diff(before, after, count_change, &none, NULL));
    assert_int_equal(none.added + none.removed + none.changed, 0);
    for (uint64_t n = 0; n < 12; n++)
        put(after, n * 5, 1000); /* all of type `case` */
    for (uint64_t n = 0; n < 12; n++)
        take(after, n * 5 + 1); /* a type that goes away */
    put(after, 200 + 2, 1);
    (void)root(after);
    (void)root(before);
    assert_ok(veld_tree_diff(before, after, count_change, &some, NULL));
    assert_int_equal(some.changed, 12);
    assert_int_equal(some.removed, 12);
    assert_int_equal(some.added, 1);
    veld_tree_free(before);
    veld_tree_free(after);
}

static void names_that_are_no_folders_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"", ".", "..", "a/b", "Visit", ".git", "0a", "-a", "a b",
        "a\nb", "a1234567890123456789012345678901234567890"};
    veld_tree *tree = veld_tree_new();
    veld_id id = id_of(1);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(
            veld_tree_put(tree, veld_span_text(bad[i]), &id, veld_span_text("x"), NULL, NULL),
            VELD_E_INVALID);
    assert_int_equal(veld_tree_count(tree), 0);
    veld_tree_free(tree);
}

static void without_memory_the_tree_stays_as_it_was(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < 200; n++) {
        veld_tree *tree = veld_tree_new(), *copy = NULL;
        for (uint64_t i = 0; i < 20; i++)
            put(tree, i, i);
        veld_tree_name before = root(tree), name;
        test_fail_allocation(n, true);
        veld_status status = veld_tree_copy(tree, &copy, NULL);
        veld_id id = id_of(300), old = id_of(3);
        if (status == VELD_OK)
            status =
                veld_tree_put(copy, veld_span_text("new"), &id, veld_span_text("x"), NULL, NULL);
        if (status == VELD_OK)
            status = veld_tree_remove(copy, veld_span_text(types[3]), &old, NULL);
        if (status == VELD_OK)
            status = veld_tree_root(copy, &name, NULL);
        test_fail_allocation(0, false);
        veld_tree_name after = root(tree);
        assert_memory_equal(&after, &before, sizeof after);
        if (copy != NULL)
            (void)root(copy);
        veld_tree_free(copy);
        veld_tree_free(tree);
        if (status == VELD_OK)
            return;
        assert_true(status == VELD_E_MEMORY || status == VELD_E_CRYPTO);
    }
    fail();
}

static int start(void **state)
{
    (void)state;
    return veld_crypto_init(NULL) == VELD_OK && veld_history_init(NULL) == VELD_OK ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    veld_history_close();
    veld_crypto_close();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_case_has_gits_empty_tree),
        cmocka_unit_test(the_merkle_root_is_what_the_header_says),
        cmocka_unit_test(steps_give_what_scratch_gives_in_any_order),
        cmocka_unit_test(any_byte_and_any_name_changes_both_names),
        cmocka_unit_test(copies_share_and_do_not_disturb),
        cmocka_unit_test(a_diff_names_what_differs_and_no_more),
        cmocka_unit_test(names_that_are_no_folders_are_refused),
        cmocka_unit_test(without_memory_the_tree_stays_as_it_was),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

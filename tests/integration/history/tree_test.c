/* The names of our trees are those that stock git gives the same files. */
#include "veld_test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shell.h"
#include "test_env.h"
#include "veldkit/crypto.h"
#include "veldkit/history.h"
#include "veldkit/tree.h"

static const char *const types[] = {"case", "case-note", "case0", "person", "visit", "a", "z-9"};
enum { TYPES = sizeof types / sizeof types[0], BYTES_MAX = 300 };

static void write_file(const char *folder, const char *type, const veld_id *id, veld_span bytes)
{
    char uuid[VELD_ID_TEXT_SIZE], path[SHELL_TEXT_MAX];
    veld_id_format(id, uuid);
    shell_print(path, sizeof path, "%s/%s", folder, type);
    assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
    shell_print(path, sizeof path, "%s/%s/%s", folder, type, uuid + 34);
    assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
    shell_print(path, sizeof path, "%s/%s/%s/%s", folder, type, uuid + 34, uuid);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.data, 1, bytes.len, file), bytes.len);
    assert_int_equal(fclose(file), 0);
}

static void compare_with_git(uint64_t seed, size_t files)
{
    test_env world;
    char folder[SHELL_TEXT_MAX], command[SHELL_TEXT_MAX], expected[41];
    static char output[SHELL_OUTPUT_MAX];
    test_env_init(&world, seed);
    shell_folder(folder, sizeof folder);
    veld_tree *tree = veld_tree_new();
    for (size_t i = 0; i < files; i++) {
        veld_id id;
        uint8_t bytes[BYTES_MAX];
        size_t len = (size_t)test_env_number(&world, BYTES_MAX);
        const char *type = types[test_env_number(&world, TYPES)];
        assert_ok(veld_env_random(&world.env, id.bytes, sizeof id.bytes, NULL));
        assert_ok(veld_env_random(&world.env, bytes, sizeof bytes, NULL));
        write_file(folder, type, &id, veld_span_of(bytes, len));
        assert_ok(
            veld_tree_put(tree, veld_span_text(type), &id, veld_span_of(bytes, len), NULL, NULL));
    }
    veld_tree_name name;
    assert_ok(veld_tree_root(tree, &name, NULL));
    veld_hex_encode(veld_span_of(name.git.bytes, sizeof name.git.bytes), expected, 41);
    shell_print(command, sizeof command,
        "cd '%s' && git init -q . && git -c core.autocrlf=false add . && git write-tree", folder);
    assert_int_equal(shell(output, command), 0);
    output[40] = '\0';
    assert_string_equal(output, expected);
    shell_print(command, sizeof command, "rm -rf '%s'", folder);
    assert_int_equal(shell(NULL, command), 0);
    veld_tree_free(tree);
}

static void trees_are_named_as_git_names_them(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 9, 40, 300, 2000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        compare_with_git(i + 1, sizes[i]);
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(trees_are_named_as_git_names_them)};
    return cmocka_run_group_tests(tests, start, stop);
}

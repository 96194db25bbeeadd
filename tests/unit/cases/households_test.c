/* The invented households of tests/data/dossiers are dossiers as the schemas want them. */
#include "veld_test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test_env.h"
#include "veldkit/dossier.h"

enum { FILE_BYTES_MAX = 1 << 20 };

static veld_span read_file(const char *path, uint8_t *bytes)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t len = fread(bytes, 1, FILE_BYTES_MAX, file);
    assert_int_equal(fclose(file), 0);
    assert_true(len < FILE_BYTES_MAX);
    return veld_span_of(bytes, len);
}

static size_t record_count(const veld_edits *edits)
{
    size_t count = 0;
    for (size_t i = 0; i < edits->count; i++) {
        count += i == 0 || !veld_id_equal(&edits->items[i].record, &edits->items[i - 1].record);
    }
    return count;
}

static void check_household(const veld_schema_set *schemas, const char *path, veld_span bytes)
{
    test_env world;
    veld_arena arena;
    veld_json_errors errors;
    veld_edits edits;
    test_env_init(&world, 1);
    veld_arena_init(&arena, 32 << 20);
    veld_json_errors_init(&errors);
    veld_dossier_context context = {
        .schemas = schemas, .env = &world.env, .arena = &arena, .errors = &errors};
    veld_status status = veld_dossier_check(&context, bytes, &edits, NULL);
    for (size_t i = 0; i < errors.kept; i++)
        print_message("%s%s: %s\n", path, errors.items[i].pointer, errors.items[i].text);
    assert_ok(status);
    size_t records = record_count(&edits);
    assert_true(records >= 20 && records <= 60);
    veld_json_errors_release(&errors);
    veld_arena_release(&arena);
}

static void every_household_is_right(void **state)
{
    (void)state;
    char folder[2048], path[4096];
    const char *tree = getenv("VELD_SOURCE_DIR");
    assert_non_null(tree);
    snprintf(folder, sizeof folder, "%s/tests/data/dossiers", tree);
    veld_schema_set *schemas = NULL;
    assert_ok(veld_schema_set_new(&schemas, NULL));
    uint8_t *bytes = malloc(FILE_BYTES_MAX);
    DIR *dir = opendir(folder);
    assert_true(bytes != NULL && dir != NULL);
    size_t found = 0;
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (strstr(entry->d_name, ".json") == NULL)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        check_household(schemas, path, read_file(path, bytes));
        found++;
    }
    assert_true(found >= 5);
    closedir(dir);
    free(bytes);
    veld_schema_set_free(schemas);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_household_is_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

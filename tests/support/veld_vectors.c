/* Reading vector files for tests. The files are ours, so cJSON reads them without a gate. */
#include "veld_vectors.h"

#include <stdio.h>
#include <stdlib.h>

#include "veld_test.h"

enum { FILE_BYTES_MAX = 8 * 1024 * 1024 };

cJSON *vectors_load(const char *name)
{
    char path[4096];
    const char *tree = getenv("VELD_SOURCE_DIR");
    snprintf(path, sizeof path, "%s/tests/vectors/%s", tree != NULL ? tree : ".", name);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("no vectors at %s", path);
    char *text = malloc(FILE_BYTES_MAX);
    assert_non_null(text);
    size_t len = fread(text, 1, FILE_BYTES_MAX, file);
    fclose(file);
    cJSON *root = cJSON_ParseWithLength(text, len);
    free(text);
    assert_non_null(root);
    return root;
}

const char *vectors_text(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    assert_true(cJSON_IsString(item));
    return item->valuestring;
}

int vectors_number(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    assert_true(cJSON_IsNumber(item));
    return item->valueint;
}

veld_span vectors_hex(const cJSON *object, const char *name)
{
    const veld_span text = veld_span_text(vectors_text(object, name));
    assert_int_equal(text.len % 2, 0);
    size_t len = text.len / 2;
    uint8_t *bytes = malloc(len > 0 ? len : 1);
    assert_non_null(bytes);
    assert_ok(veld_hex_decode(text, bytes, len));
    return veld_span_of(bytes, len);
}

void vectors_release(veld_span bytes)
{
    union {
        const uint8_t *in;
        void *out;
    } pointer = {.in = bytes.data};
    free(pointer.out);
}

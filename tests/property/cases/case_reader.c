/* case_reader: random histories of a case, and what our library reads in a history, as JSON lines.
 * For the comparison with model.mjs, which reads the same from the texts alone.
 *
 *   case_reader make FIRST COUNT    the histories of these seeds
 *   case_reader read [PLANT [FILE]] standard input: histories; standard output: readings. PLANT is
 *                                   a mistake that the comparison must find (plant.h); FILE a JSON
 *                                   array of schemas to read by instead of our own */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "case_lines.h"
#include "veldkit/crypto.h"
#include "veldkit/json.h"

enum { LINE_BYTES_MAX = 8 << 20 };

static int make(const veld_schema_set *schemas, const char *first, const char *count)
{
    unsigned long begin = strtoul(first, NULL, 10);
    unsigned long end = begin + strtoul(count, NULL, 10);
    for (unsigned long seed = begin; seed < end; seed++) {
        history h;
        history_play_by(&h, seed, schemas);
        case_lines_put_history(&h, seed, stdout);
        history_release(&h);
    }
    return ferror(stdout) ? 1 : 0;
}

static int read_all(const veld_schema_set *schemas, const char *plant_name)
{
    plant_kind plant = plant_by_name(plant_name);
    if (plant == PLANT_UNKNOWN)
        return 1;
    char *line = malloc(LINE_BYTES_MAX);
    if (line == NULL)
        return 1;
    int status = 0;
    while (status == 0 && fgets(line, LINE_BYTES_MAX, stdin) != NULL)
        status = case_lines_answer(schemas, plant, veld_span_text(line), stdout);
    free(line);
    return status;
}

/* The schemas of a file, each as the text of a source of its own. */
static veld_status load_schemas(const char *path, veld_schema_set **out)
{
    enum { SCHEMAS_MAX = 64 };
    veld_schema_source sources[SCHEMAS_MAX];
    size_t count = 0, len = 0;
    veld_json_doc *doc = NULL;
    veld_arena arena;
    veld_status status = VELD_E_NOT_FOUND;
    char *text = malloc(LINE_BYTES_MAX);
    FILE *file = fopen(path, "rb");
    veld_arena_init(&arena, LINE_BYTES_MAX);
    if (text == NULL || file == NULL)
        goto done;
    len = fread(text, 1, LINE_BYTES_MAX, file);
    VELD_TRY(veld_json_parse(veld_span_of(text, len), VELD_JSON_STRICT, &doc, NULL, NULL));
    const veld_json_value *schema = veld_json_first(veld_json_root(doc));
    for (; schema != NULL && count < SCHEMAS_MAX; schema = veld_json_next(schema)) {
        veld_buf bytes;
        veld_span type = {0};
        veld_buf_init(&bytes, LINE_BYTES_MAX);
        (void)veld_json_text(veld_json_get(schema, "type"), &type);
        sources[count].name = (const char *)type.data;
        VELD_TRY(veld_json_canonical(schema, &bytes, NULL));
        VELD_TRY(veld_arena_copy(&arena, veld_buf_span(&bytes), &sources[count].bytes));
        veld_buf_release(&bytes);
        count++;
    }
    status = veld_schema_set_read(sources, count, out, NULL, NULL);

done:
    if (file != NULL)
        fclose(file);
    free(text);
    veld_json_doc_free(doc);
    veld_arena_release(&arena);
    return status;
}

int main(int argc, char **argv)
{
    veld_schema_set *schemas = NULL;
    int status = 1;
    bool other = argc == 4 && strcmp(argv[1], "read") == 0;
    if (veld_crypto_init(NULL) != VELD_OK)
        return 1;
    if ((other ? load_schemas(argv[3], &schemas) : veld_schema_set_new(&schemas, NULL)) != VELD_OK)
        return 1;
    if (argc == 4 && strcmp(argv[1], "make") == 0)
        status = make(schemas, argv[2], argv[3]);
    else if (argc >= 2 && argc <= 4 && strcmp(argv[1], "read") == 0)
        status = read_all(schemas, argc > 2 ? argv[2] : "none");
    veld_schema_set_free(schemas);
    return status;
}

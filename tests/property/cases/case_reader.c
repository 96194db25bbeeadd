/* case_reader: random histories of a case, and what our library reads in a history, as JSON lines.
 * For the comparison with model.mjs, which reads the same from the texts alone.
 *
 *   case_reader make FIRST COUNT    the histories of these seeds
 *   case_reader read [PLANT]        standard input: histories; standard output: readings. PLANT is
 * a mistake that the comparison must find (plant.h) */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "case_lines.h"
#include "veldkit/crypto.h"

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

int main(int argc, char **argv)
{
    veld_schema_set *schemas = NULL;
    int status = 1;
    if (veld_crypto_init(NULL) != VELD_OK || veld_schema_set_new(&schemas, NULL) != VELD_OK)
        return 1;
    if (argc == 4 && strcmp(argv[1], "make") == 0)
        status = make(schemas, argv[2], argv[3]);
    else if ((argc == 2 || argc == 3) && strcmp(argv[1], "read") == 0)
        status = read_all(schemas, argc == 3 ? argv[2] : "none");
    veld_schema_set_free(schemas);
    return status;
}

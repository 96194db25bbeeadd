/* case_lines.h: a history and a reading as one JSON line each.
 *
 * history  {"seed":N,"changes":[{"change","core","device","number","parents":[..],"hybridMs",
 *          "hybridCount","serverMs","wallMs","writes":[{"write","record","type","field","value","replaces":[..],
 *          "basis":[..]}]}]}: `value` as JSON, ids in hex, records as UUID
 * reading  {"fields":[{"type","record","field","effective","conflict","held",
 *          "integrity","sides":[[value,write]..]}],"conflicts":[{"type","record","field","base",
 *          "effective","integrity","risk","sides":N}]}: in each record the field `@removed` too;
 * conflicts sorted by their id, which is not shown */
#ifndef TEST_CASE_LINES_H
#define TEST_CASE_LINES_H

#include <stdio.h>

#include "history.h"
#include "plant.h"

void case_lines_put_history(const history *h, unsigned long seed, FILE *out);
/* case_lines_answer: read the history in `line` with the library. Returns 0, or 1 when the line is
 * no history. */
int case_lines_answer(const veld_schema_set *schemas, plant_kind plant, veld_span line, FILE *out);

#endif

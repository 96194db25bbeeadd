/* Values at the edges of what a schema allows, and just over them. */
#include "history_values.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "veldkit/assert.h"

enum { TEXT_BYTES_MAX = 64 };

static veld_span pick(test_env *world, const char *const *texts, size_t count)
{
    return veld_span_text(texts[test_env_number(world, count)]);
}

static veld_span any(test_env *world)
{
    static const char *const texts[] = {
        "\"a\"", "\"b\"", "7", "true", "[1,2]", "{\"a\":null}", "\"2026-02-30\"", "\"\"", "-1"};
    return pick(world, texts, sizeof texts / sizeof *texts);
}

static veld_span printed(veld_arena *arena, const char *text)
{
    veld_span out;
    veld_status status = veld_arena_copy(arena, veld_span_text(text), &out);
    VELD_ASSERT(status == VELD_OK);
    return out;
}

static veld_span integer(test_env *world, veld_arena *arena, const veld_schema_field *field)
{
    char text[TEXT_BYTES_MAX];
    const int64_t values[] = {field->min, field->max, field->max + 1};
    int64_t value = values[test_env_number(world, 10) == 0 ? 2 : test_env_number(world, 2)];
    snprintf(text, sizeof text, "%" PRId64, value);
    return printed(arena, text);
}

/* As many code points as the field has to have, of one or of two bytes. */
static veld_span text(test_env *world, veld_arena *arena, const veld_schema_field *field)
{
    char out[TEXT_BYTES_MAX * 3] = "\"";
    const char *const signs[] = {"a", "b", "\xc3\xab"};
    const char *sign = signs[test_env_number(world, 3)];
    int64_t points = field->min < TEXT_BYTES_MAX ? field->min : TEXT_BYTES_MAX;
    if (test_env_number(world, 16) == 0 && field->max < TEXT_BYTES_MAX)
        points = field->max + 1;
    size_t len = 1;
    for (int64_t i = 0; i < points; i++) {
        memcpy(out + len, sign, strlen(sign));
        len += strlen(sign);
    }
    out[len] = '"';
    return printed(arena, out);
}

/* Sentences of which authors leave out, repeat and change some, so that texts often merge. */
static veld_span sentences(test_env *world, veld_arena *arena)
{
    static const char *const parts[] = {
        "Een. ", "Twee!  ", "Drie\\n", "Vier? ", "nog vijf. ", "Zes\\t", "Zeven."};
    char out[TEXT_BYTES_MAX * 3] = "\"";
    size_t len = 1, count = sizeof parts / sizeof *parts;
    uint64_t gone = test_env_number(world, 2 * count), odd = test_env_number(world, 2 * count);
    for (size_t i = 0; i < count; i++) {
        const char *part = i == odd ? "anders. " : parts[i];
        if (i == gone)
            continue;
        memcpy(out + len, part, strlen(part));
        len += strlen(part);
    }
    out[len] = '"';
    out[len + 1] = '\0';
    return printed(arena, out);
}

static veld_span choice(test_env *world, veld_arena *arena, const veld_schema_field *field)
{
    char out[VELD_CHANGE_NAME_BYTES_MAX + 3];
    veld_span value = field->choices[test_env_number(world, field->choices_count)].value;
    VELD_ASSERT(value.len <= VELD_CHANGE_NAME_BYTES_MAX);
    snprintf(out, sizeof out, "\"%.*s\"", (int)value.len, (const char *)value.data);
    return printed(arena, out);
}

veld_span history_value(test_env *world, veld_arena *arena, const veld_schema_field *field)
{
    static const char *const booleans[] = {"true", "false"};
    static const char *const dates[] = {
        "\"2026-02-28\"", "\"1980-01-01\"", "\"2024-02-29\"", "\"2023-02-29\""};
    static const char *const instants[] = {"\"2026-03-02T20:30:00+01:00\"",
        "\"2026-03-02T19:30:00Z\"", "\"2026-03-02T19:30:00.5Z\"", "\"2026-03-02T19:30Z\""};
    static const char *const references[] = {"\"00000000-0000-0000-0000-000000000001\"",
        "\"00000000-0000-0000-0000-000000000002\"", "\"00000000-0000-0000-0000-00000000000A\""};
    uint64_t odd = test_env_number(world, 24);
    if (odd < 2)
        return veld_span_text("null");
    if (odd == 2 || field == NULL)
        return any(world);
    switch (field->kind) {
    case VELD_KIND_LONG_TEXT:
        return field->policy == VELD_POLICY_MERGE_TEXT ? sentences(world, arena)
                                                       : text(world, arena, field);
    case VELD_KIND_TEXT:
        return text(world, arena, field);
    case VELD_KIND_INTEGER:
        return integer(world, arena, field);
    case VELD_KIND_BOOLEAN:
        return pick(world, booleans, 2);
    case VELD_KIND_DATE:
        return pick(world, dates, 4);
    case VELD_KIND_INSTANT:
        return pick(world, instants, 4);
    case VELD_KIND_CHOICE:
        return choice(world, arena, field);
    case VELD_KIND_REFERENCE:
        return pick(world, references, 3);
    }
    VELD_ASSERT(false);
    return veld_span_text("null");
}

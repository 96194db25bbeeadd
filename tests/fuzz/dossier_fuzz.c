/* Whatever is handed in: either errors are told and nothing comes out, or every edit is one that
 * the schemas allow. The same bytes are taken as a dossier, as a record and as `FIELD=JSON`. */
#include <stdint.h>
#include <stdlib.h>

#include "veldkit/assert.h"
#include "veldkit/dossier.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ARENA_BYTES = 64 << 20 };

/* Ids only have to differ. */
static veld_status count_up(void *context, uint8_t *out, size_t out_bytes)
{
    uint64_t *counter = context;
    ++*counter;
    for (size_t i = 0; i < out_bytes; i++)
        out[i] = (uint8_t)(*counter >> (8 * (i % 8)));
    return VELD_OK;
}

static void stand_still(void *context, veld_now *out)
{
    (void)context;
    *out = (veld_now){0};
}

static void check_edit(const veld_schema_set *schemas, const veld_edit *edit)
{
    veld_json_doc *doc = NULL;
    const veld_schema_field *field =
        veld_schema_field_get(veld_schema_get(schemas, edit->type), edit->field);
    VELD_ASSERT(field != NULL && !veld_id_is_zero(&edit->record));
    VELD_ASSERT(veld_policy_is_set(field->policy) == (edit->kind != VELD_EDIT_SET));
    VELD_ASSERT(veld_json_parse(edit->value, VELD_JSON_CANONICAL, &doc, NULL, NULL) == VELD_OK);
    const veld_json_value *value = veld_json_root(doc);
    VELD_ASSERT((veld_json_is_null(value) && !field->required) ||
                veld_schema_value_check(field, value, NULL) == VELD_OK);
    veld_json_doc_free(doc);
}

static void check_result(const veld_dossier_context *context, veld_status status,
    const veld_edits *edits, const veld_error *err)
{
    veld_json_errors *errors = context->errors;
    VELD_ASSERT((status == VELD_OK) == (errors->count == 0));
    VELD_ASSERT(status == VELD_OK || (edits->count == 0 && err->status == status));
    for (size_t i = 0; i < edits->count; i++)
        check_edit(context->schemas, &edits->items[i]);
    veld_json_errors_release(errors);
    veld_arena_release(context->arena);
}

/* A case with one record of each type that has a field of its own to assign to. */
static veld_state *make_state(const veld_env *env)
{
    static const char *const types[] = {"person", "visit", "case", "note"};
    veld_state *state = NULL;
    VELD_ASSERT(veld_state_new(env, &state, NULL) == VELD_OK);
    for (uint8_t i = 0; i < 4; i++) {
        veld_write write = {.record = {{i + 1u}},
            .type = veld_span_text(types[i]),
            .field = veld_span_text("x"),
            .value = veld_span_text("1"),
            .id = {{i + 1u}}};
        veld_change change = {.writes = &write, .writes_count = 1, .core = {{i + 1u}}};
        VELD_ASSERT(veld_state_apply(state, &change, NULL, NULL) == VELD_OK);
    }
    return state;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static veld_schema_set *schemas;
    static veld_state *state, *beside;
    static uint64_t counter;
    static const veld_env env = {&counter, stand_still, count_up, NULL};
    if (schemas == NULL) {
        VELD_ASSERT(veld_schema_set_new(&schemas, NULL) == VELD_OK);
        state = make_state(&env);
        VELD_ASSERT(veld_state_new(&env, &beside, NULL) == VELD_OK);
    }
    veld_arena arena;
    veld_json_errors errors;
    veld_arena_init(&arena, ARENA_BYTES);
    veld_json_errors_init(&errors);
    veld_dossier_context context = {
        .schemas = schemas, .env = &env, .arena = &arena, .errors = &errors};
    veld_span bytes = {.data = data, .len = size};
    veld_edits edits;
    veld_error err;
    veld_status status = veld_dossier_check(&context, bytes, &edits, &err);
    check_result(&context, status, &edits, &err);

    veld_id id;
    context.state = state;
    context.beside = &beside;
    context.beside_count = 1;
    status = veld_dossier_check_record(&context, veld_span_text("note"), bytes, &id, &edits, &err);
    check_result(&context, status, &edits, &err);
    context.main_away = true;
    status =
        veld_dossier_check_record(&context, veld_span_text("address"), bytes, &id, &edits, &err);
    check_result(&context, status, &edits, &err);
    for (uint8_t record = 1; record <= 4; record++) {
        id = (veld_id){{record}};
        status = veld_dossier_check_fields(&context, &id, &bytes, 1, &edits, &err);
        check_result(&context, status, &edits, &err);
    }
    return 0;
}

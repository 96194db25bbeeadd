/* The three documents that a person hands in. A document is walked twice: first its records get
 * their ids, so that references may point forward, then their fields become edits. Nothing comes
 * out of a document in which anything is wrong. */
#include "veldkit/dossier.h"

#include <string.h>

#include "dossier_inner.h"
#include "veldkit/assert.h"
#include "veldkit/limits.h"
#include "veldkit/policy.h"

static const char case_type[] = "case";
static const char made_by_program[] = "records of this type are made by the program";

void intake_init(intake *in, const veld_dossier_context *context, veld_error *err)
{
    VELD_ASSERT(context->schemas != NULL && context->arena != NULL);
    *in = (intake){.context = context};
    in->outlook = veld_outlook_of(context->state, context->schemas, context->arena);
    checker_init(&in->check, context->errors, err);
    veld_buf_init(&in->edits, VELD_CHANGE_WRITES_MAX * sizeof(veld_edit));
    veld_buf_init(&in->scratch, VELD_CHANGE_VALUE_BYTES_MAX);
}

veld_status intake_finish(intake *in, veld_edits *out)
{
    *out = (veld_edits){0};
    size_t count = in->edits.len / sizeof(veld_edit);
    if (in->check.first == VELD_OK) {
        veld_edit *items = veld_arena_get(in->context->arena, count, sizeof *items);
        if (items == NULL) {
            checker_wrong(&in->check, VELD_E_MEMORY, "no memory for the edits");
        } else if (count > 0) {
            memcpy(items, in->edits.data, in->edits.len);
            *out = (veld_edits){.items = items, .count = count};
        }
    }
    veld_buf_release(&in->edits);
    veld_buf_wipe(&in->scratch);
    return in->check.first;
}

void intake_edit(intake *in, veld_edit_kind kind, const veld_id *record, const veld_schema *schema,
    const veld_schema_field *field, veld_span value)
{
    veld_edit edit = {
        .kind = kind,
        .record = *record,
        .type = schema->type,
        .field = field->name,
        .value = value,
    };
    veld_status status = veld_buf_append(&in->edits, &edit, sizeof edit);
    if (status != VELD_OK)
        checker_wrong(&in->check, status, "more values than one save may hold, or no memory");
}

static bool is_ref(veld_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '-' && c != '_')
            return false;
    }
    return text.len > 0 && text.len <= VELD_DOSSIER_REF_BYTES_MAX;
}

static void check_members(intake *in, const veld_json_value *object, const char *const *known)
{
    for (const veld_json_value *m = veld_json_first(object); m != NULL; m = veld_json_next(m)) {
        size_t i = 0;
        while (known[i] != NULL && !veld_span_equal(veld_span_text(known[i]), veld_json_name(m)))
            i++;
        if (known[i] == NULL)
            checker_wrong_at(&in->check, veld_json_name(m), VELD_E_INVALID, "unknown member");
    }
}

/* ---- first walk: records and their names ---- */

static void draft_id(intake *in, draft *record, const veld_json_value *member)
{
    veld_span text;
    size_t mark = veld_json_pointer_name(&in->check.pointer, veld_span_text("record"));
    if (member == NULL) {
        if (veld_id_new(in->context->env, &record->id, NULL) != VELD_OK)
            checker_wrong(&in->check, VELD_E_CRYPTO, "no random bytes for a record id");
    } else if (!veld_json_text(member, &text) || veld_id_parse(text, &record->id) != VELD_OK ||
               veld_id_is_zero(&record->id)) {
        checker_wrong(&in->check, VELD_E_INVALID, "a UUID in lower case expected");
        record->id = (veld_id){0};
    } else {
        bool used = in->context->state != NULL &&
                    veld_state_record_find(in->context->state, &record->id, NULL) != NULL;
        for (size_t i = 0; i < in->context->beside_count; i++)
            used =
                used || veld_state_record_find(in->context->beside[i], &record->id, NULL) != NULL;
        for (const draft *d = in->drafts; d < record; d++)
            used = used || veld_id_equal(&d->id, &record->id);
        if (used)
            checker_wrong(&in->check, VELD_E_EXISTS, "this id is in use");
    }
    veld_json_pointer_back(&in->check.pointer, mark);
}

static void draft_ref(intake *in, draft *record, const veld_json_value *member)
{
    veld_span text;
    if (member == NULL)
        return;
    size_t mark = veld_json_pointer_name(&in->check.pointer, veld_span_text("ref"));
    if (!veld_json_text(member, &text) || !is_ref(text)) {
        checker_wrong(&in->check, VELD_E_INVALID,
            "a local name expected: 1 to %u letters, digits, dashes, underscores",
            VELD_DOSSIER_REF_BYTES_MAX);
    } else {
        for (const draft *d = in->drafts; d < record; d++) {
            if (veld_span_equal(d->ref, text))
                checker_wrong(&in->check, VELD_E_INVALID, "two records with this local name");
        }
        record->ref = text;
    }
    veld_json_pointer_back(&in->check.pointer, mark);
}

static void unknown_type(intake *in, veld_span type)
{
    char near[VELD_SCHEMA_NEAR_BYTES_MAX];
    if (veld_schema_near_types(in->context->schemas, type, near) == VELD_SCHEMA_NEAR_NONE)
        checker_wrong(&in->check, VELD_E_INVALID, "unknown record type");
    else
        checker_wrong(&in->check, VELD_E_INVALID, "unknown record type; it resembles: %s", near);
}

void intake_unknown_field(intake *in, const veld_schema *schema, veld_span name)
{
    char near[VELD_SCHEMA_NEAR_BYTES_MAX];
    switch (veld_schema_near_fields(schema, name, near)) {
    case VELD_SCHEMA_NEAR_NONE:
        checker_wrong(&in->check, VELD_E_INVALID, "this type has no such field");
        break;
    case VELD_SCHEMA_NEAR_SOME:
        checker_wrong(
            &in->check, VELD_E_INVALID, "this type has no such field; it resembles: %s", near);
        break;
    case VELD_SCHEMA_NEAR_ALL:
        checker_wrong(&in->check, VELD_E_INVALID, "this type has no such field; it has: %s", near);
        break;
    }
}

static void draft_type(intake *in, draft *record, const veld_json_value *member)
{
    veld_span text;
    size_t mark = veld_json_pointer_name(&in->check.pointer, veld_span_text("type"));
    if (!veld_json_text(member, &text))
        checker_wrong(&in->check, VELD_E_INVALID, "a record type is needed");
    else if ((record->schema = veld_schema_get(in->context->schemas, text)) == NULL)
        unknown_type(in, text);
    else if (veld_type_is_programs(text))
        checker_wrong(&in->check, VELD_E_INVALID, made_by_program);
    veld_json_pointer_back(&in->check.pointer, mark);
}

static void read_draft(intake *in, draft *record, const veld_json_value *value)
{
    static const char *const known[] = {"type", "record", "ref", "fields", NULL};
    record->value = value;
    if (veld_json_type_of(value) != VELD_JSON_TYPE_OBJECT) {
        checker_wrong(&in->check, VELD_E_INVALID, "a record is an object");
        return;
    }
    check_members(in, value, known);
    draft_type(in, record, veld_json_get(value, "type"));
    draft_id(in, record, veld_json_get(value, "record"));
    draft_ref(in, record, veld_json_get(value, "ref"));
}

/* At most one `case` record, and one unless the caller says otherwise. */
static void check_case_record(intake *in)
{
    size_t found = 0;
    size_t unknown = 0;
    for (size_t i = 0; i < in->drafts_count; i++) {
        const veld_schema *schema = in->drafts[i].schema;
        unknown += schema == NULL;
        if (schema == NULL || !veld_span_equal(schema->type, veld_span_text(case_type)))
            continue;
        size_t mark = veld_json_pointer_index(&in->check.pointer, i);
        if (found++ > 0)
            checker_wrong(&in->check, VELD_E_INVALID, "a dossier has one record of the type case");
        veld_json_pointer_back(&in->check.pointer, mark);
    }
    if (found == 0 && unknown == 0 && !in->context->case_optional)
        checker_wrong(&in->check, VELD_E_INVALID,
            "a dossier needs one record of the type case, with a title");
}

static void check_records(intake *in, const veld_json_value *list)
{
    size_t count = veld_json_count(list);
    if (veld_json_type_of(list) != VELD_JSON_TYPE_ARRAY || count == 0 ||
        count > VELD_DOSSIER_RECORDS_MAX) {
        checker_wrong(&in->check, VELD_E_INVALID, "an array of 1 to %u records expected",
            VELD_DOSSIER_RECORDS_MAX);
        return;
    }
    in->drafts = veld_arena_get(in->context->arena, count, sizeof *in->drafts);
    if (in->drafts == NULL) {
        checker_wrong(&in->check, VELD_E_MEMORY, "no memory for the edits");
        return;
    }
    for (const veld_json_value *v = veld_json_first(list); v != NULL; v = veld_json_next(v)) {
        size_t mark = veld_json_pointer_index(&in->check.pointer, in->drafts_count);
        read_draft(in, &in->drafts[in->drafts_count], v);
        in->drafts_count++;
        veld_json_pointer_back(&in->check.pointer, mark);
    }
    check_case_record(in);
    for (size_t i = 0; i < count; i++) {
        size_t mark = veld_json_pointer_index(&in->check.pointer, i);
        if (veld_json_type_of(in->drafts[i].value) == VELD_JSON_TYPE_OBJECT)
            intake_fields(in, &in->drafts[i], veld_json_get(in->drafts[i].value, "fields"));
        veld_json_pointer_back(&in->check.pointer, mark);
    }
}

veld_status veld_dossier_check(
    const veld_dossier_context *context, veld_span bytes, veld_edits *out, veld_error *err)
{
    static const char *const known[] = {"records", NULL};
    intake in;
    VELD_ASSERT(context->state == NULL && context->env != NULL);
    intake_init(&in, context, err);
    veld_json_doc *doc = checker_parse(&in.check, bytes);
    const veld_json_value *root = doc == NULL ? NULL : veld_json_root(doc);
    if (doc != NULL && veld_json_type_of(root) != VELD_JSON_TYPE_OBJECT) {
        checker_wrong(&in.check, VELD_E_INVALID, "a dossier is an object");
    } else if (doc != NULL) {
        check_members(&in, root, known);
        size_t mark = veld_json_pointer_name(&in.check.pointer, veld_span_text("records"));
        check_records(&in, veld_json_get(root, "records"));
        veld_json_pointer_back(&in.check.pointer, mark);
    }
    veld_status status = intake_finish(&in, out);
    veld_json_doc_free(doc);
    return status;
}

/* ---- one record ---- */

static void check_second_case(intake *in, const veld_schema *schema)
{
    size_t count;
    if (schema == NULL || !veld_span_equal(schema->type, veld_span_text(case_type)))
        return;
    if (in->context->main_away) {
        checker_wrong(&in->check, VELD_E_INVALID, "the case itself is not read here now");
        return;
    }
    const veld_state_record *const *records = veld_state_records(in->context->state, &count);
    if (records == NULL) {
        checker_wrong(&in->check, VELD_E_MEMORY, "no memory for the records of a case");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (veld_span_equal(records[i]->type, schema->type) && !veld_policy_removed(records[i])) {
            checker_wrong(&in->check, VELD_E_INVALID, "this case has its record of the type case");
            return;
        }
    }
}

veld_status veld_dossier_check_record(const veld_dossier_context *context, veld_span type,
    veld_span bytes, veld_id *record, veld_edits *out, veld_error *err)
{
    static const char *const known[] = {"record", "fields", NULL};
    intake in;
    draft one = {0};
    VELD_ASSERT(context->state != NULL && context->env != NULL);
    intake_init(&in, context, err);
    one.schema = veld_schema_get(context->schemas, type);
    if (one.schema == NULL)
        unknown_type(&in, type);
    else if (veld_type_is_programs(type))
        checker_wrong(&in.check, VELD_E_INVALID, made_by_program);
    check_second_case(&in, one.schema);
    veld_json_doc *doc = checker_parse(&in.check, bytes);
    const veld_json_value *root = doc == NULL ? NULL : veld_json_root(doc);
    if (doc != NULL && veld_json_type_of(root) != VELD_JSON_TYPE_OBJECT) {
        checker_wrong(&in.check, VELD_E_INVALID, "a record is an object");
    } else if (doc != NULL) {
        check_members(&in, root, known);
        in.drafts = &one;
        draft_id(&in, &one, veld_json_get(root, "record"));
        in.drafts_count = 1;
        intake_fields(&in, &one, veld_json_get(root, "fields"));
    }
    *record = one.id;
    veld_status status = intake_finish(&in, out);
    veld_json_doc_free(doc);
    return status;
}

/* ---- fields of a record ---- */

static void check_assignment(
    intake *in, const veld_state_record *record, const veld_schema *schema, veld_span text)
{
    const uint8_t *equals = memchr(text.data, '=', text.len);
    size_t name_len = (size_t)(equals - text.data);
    veld_span name = veld_span_part(text, 0, name_len);
    size_t mark = veld_json_pointer_name(&in->check.pointer, name);
    const veld_schema_field *field = veld_schema_field_get(schema, name);
    if (field == NULL)
        intake_unknown_field(in, schema, name);
    veld_json_doc *doc =
        checker_parse(&in->check, veld_span_part(text, name_len + 1, text.len - name_len - 1));
    if (doc != NULL && field != NULL)
        intake_assign(in, record, schema, field, veld_json_root(doc));
    veld_json_doc_free(doc);
    veld_json_pointer_back(&in->check.pointer, mark);
}

/* The text before `=`; empty when there is no `=`. */
static veld_span assigned_name(veld_span text)
{
    const uint8_t *equals = text.len == 0 ? NULL : memchr(text.data, '=', text.len);
    size_t len = equals == NULL ? 0 : (size_t)(equals - text.data);
    return veld_span_part(text, 0, len);
}

static void check_assignments(intake *in, const veld_state_record *record,
    const veld_schema *schema, const veld_span *assignments, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        veld_span name = assigned_name(assignments[i]);
        bool again = false;
        for (size_t j = 0; name.len > 0 && j < i; j++)
            again = again || veld_span_equal(assigned_name(assignments[j]), name);
        if (name.len == 0)
            checker_wrong(
                &in->check, VELD_E_FORM, "assignment %zu is not of the form FIELD=JSON", i + 1);
        else if (again)
            checker_wrong_at(&in->check, name, VELD_E_INVALID, "two values for one field");
        else
            check_assignment(in, record, schema, assignments[i]);
    }
}

veld_status veld_dossier_check_fields(const veld_dossier_context *context, const veld_id *record,
    const veld_span *assignments, size_t count, veld_edits *out, veld_error *err)
{
    intake in;
    bool several = false;
    VELD_ASSERT(context->state != NULL);
    intake_init(&in, context, err);
    const veld_state_record *found = veld_state_record_find(context->state, record, &several);
    const veld_schema *schema =
        found == NULL ? NULL : veld_schema_get(context->schemas, found->type);
    if (found == NULL)
        checker_wrong(&in.check, VELD_E_NOT_FOUND, "no such record in this case");
    else if (several)
        checker_wrong(&in.check, VELD_E_INVALID, "two types of record share this id");
    else if (veld_policy_removed(found))
        checker_wrong(&in.check, VELD_E_NOT_FOUND, "this record was removed");
    else if (schema == NULL)
        checker_wrong(&in.check, VELD_E_INVALID, "a newer program made this type of record");
    else if (veld_type_is_programs(schema->type))
        checker_wrong(&in.check, VELD_E_INVALID, made_by_program);
    else if (count == 0 || count > VELD_DOSSIER_ASSIGNMENTS_MAX)
        checker_wrong(&in.check, VELD_E_INVALID, "1 to %u assignments expected",
            VELD_DOSSIER_ASSIGNMENTS_MAX);
    else
        check_assignments(&in, found, schema, assignments, count);
    return intake_finish(&in, out);
}

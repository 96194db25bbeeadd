/* Writing canonical bytes without a document in memory. Members go out as they come; when an object
 * ends and they came in another order, its bytes are rearranged. The names of open objects are kept
 * for that, and to refuse two members of one name. What it writes passes the gate. */
#include <string.h>

#include "json_internal.h"
#include "veldkit/assert.h"
#include "veldkit/env.h"

void json_buf_cut(veld_buf *out, size_t len)
{
    VELD_ASSERT(len <= out->len);
    if (out->len > len)
        veld_wipe(out->data + len, out->len - len);
    out->len = len;
}

veld_status json_write_failed(veld_status status, veld_error *err)
{
    switch (status) {
    case VELD_E_FORM:
        return veld_fail(err, status,
            "a text for json is not utf-8 that i-json allows, or a part is not canonical");
    case VELD_E_EXISTS:
        return veld_fail(err, status, "a json object would have two members of one name");
    case VELD_E_LIMIT:
        return veld_fail(err, status, "the json would be larger, deeper or have more than allowed");
    case VELD_E_UNSUPPORTED:
        return veld_fail(err, status, "canonical json holds integers within 2^53 - 1 only");
    default:
        return veld_fail(err, status, "no memory to write json");
    }
}

void veld_json_writer_init(veld_json_writer *writer, veld_buf *out)
{
    VELD_ASSERT(writer != NULL && out != NULL);
    memset(writer, 0, offsetof(veld_json_writer, levels));
    writer->out = out;
    writer->start = out->len;
    veld_buf_init(&writer->names, VELD_JSON_BYTES_MAX);
    veld_buf_init(&writer->members, VELD_JSON_MEMBERS_MAX * sizeof(veld_json_member));
}

static void keep(veld_json_writer *writer, veld_status status)
{
    if (writer->status == VELD_OK)
        writer->status = status;
}

static veld_json_level *innermost(veld_json_writer *writer)
{
    VELD_ASSERT(writer->depth > 0);
    return &writer->levels[writer->depth - 1];
}

static veld_json_member *members_of(veld_json_writer *writer, const veld_json_level *level)
{
    return (veld_json_member *)(void *)(writer->members.data + level->members_begin);
}

/* ---- where values begin and end ---- */

static bool begin_value(veld_json_writer *writer)
{
    VELD_ASSERT(writer->out != NULL);
    if (writer->status != VELD_OK)
        return false;
    if (writer->values > VELD_JSON_MEMBERS_MAX) {
        keep(writer, VELD_E_LIMIT);
        return false;
    }
    writer->values++;
    if (writer->depth == 0) {
        VELD_ASSERT(!writer->root_done);
        return true;
    }
    veld_json_level *level = innermost(writer);
    if (level->is_object) {
        VELD_ASSERT(level->named);
        level->named = false;
    } else if (level->count++ > 0) {
        keep(writer, veld_buf_append_byte(writer->out, ','));
    }
    return writer->status == VELD_OK;
}

static void end_value(veld_json_writer *writer, veld_status status)
{
    keep(writer, status);
    if (writer->depth == 0) {
        writer->root_done = true;
        return;
    }
    veld_json_level *level = innermost(writer);
    if (level->is_object)
        members_of(writer, level)[level->count - 1].end = writer->out->len;
}

static void begin_container(veld_json_writer *writer, bool is_object)
{
    if (!begin_value(writer))
        return;
    if (writer->depth == VELD_JSON_DEPTH_MAX) {
        keep(writer, VELD_E_LIMIT);
        return;
    }
    keep(writer, veld_buf_append_byte(writer->out, is_object ? '{' : '['));
    writer->levels[writer->depth++] = (veld_json_level){
        .is_object = is_object,
        .sorted = true,
        .begin = writer->out->len,
        .names_begin = writer->names.len,
        .members_begin = writer->members.len,
    };
}

/* ---- members ---- */

static veld_span name_of(const veld_json_writer *writer, const veld_json_member *member)
{
    return veld_span_part(veld_buf_span(&writer->names), member->name_offset, member->name_bytes);
}

static int compare_members(const void *a, const void *b, const void *context)
{
    return veld_json_compare_names(name_of(context, a), name_of(context, b));
}

static veld_status add_name(veld_json_writer *writer, veld_json_level *level, veld_span name)
{
    veld_status status = VELD_OK;
    if (level->count > 0)
        VELD_TRY(veld_buf_append_byte(writer->out, ','));
    veld_json_member member = {
        .name_offset = writer->names.len, .name_bytes = name.len, .begin = writer->out->len};
    VELD_TRY(json_text_append(writer->out, name, false));
    VELD_TRY(veld_buf_append_byte(writer->out, ':'));
    VELD_TRY(veld_buf_append_span(&writer->names, name));
    VELD_TRY(veld_buf_append(&writer->members, &member, sizeof member));
    if (level->count > 0 && level->sorted) {
        veld_json_member *last = &members_of(writer, level)[level->count - 1];
        int order = veld_json_compare_names(name_of(writer, last), name);
        level->sorted = order < 0;
        if (order == 0)
            status = VELD_E_EXISTS;
    }
    level->count++;
done:
    return status;
}

void veld_json_writer_name_span(veld_json_writer *writer, veld_span name)
{
    VELD_ASSERT(writer->out != NULL);
    if (writer->status != VELD_OK)
        return;
    veld_json_level *level = innermost(writer);
    VELD_ASSERT(level->is_object && !level->named);
    level->named = true;
    keep(writer, add_name(writer, level, name));
}

void veld_json_writer_name(veld_json_writer *writer, const char *name)
{
    veld_json_writer_name_span(writer, veld_span_text(name));
}

/* Put the members of the innermost object, which ends now, into the order of RFC 8785. */
static veld_status rearrange(veld_json_writer *writer, const veld_json_level *level)
{
    veld_json_member *members = members_of(writer, level);
    veld_status status = VELD_OK;
    size_t bytes = writer->out->len - level->begin;
    veld_buf sorted;
    veld_buf_init(&sorted, bytes);
    json_sort(members, level->count, sizeof *members, compare_members, writer);
    VELD_TRY(veld_buf_reserve(&sorted, bytes));
    for (size_t i = 0; i < level->count; i++) {
        if (i > 0) {
            if (compare_members(&members[i - 1], &members[i], writer) == 0) {
                status = VELD_E_EXISTS;
                goto done;
            }
            VELD_TRY(veld_buf_append_byte(&sorted, ','));
        }
        VELD_TRY(veld_buf_append(
            &sorted, writer->out->data + members[i].begin, members[i].end - members[i].begin));
    }
    VELD_ASSERT(sorted.len == bytes);
    memcpy(writer->out->data + level->begin, sorted.data, bytes);
done:
    veld_buf_wipe(&sorted);
    return status;
}

/* ---- containers ---- */

void veld_json_writer_object_begin(veld_json_writer *writer)
{
    begin_container(writer, true);
}

void veld_json_writer_array_begin(veld_json_writer *writer)
{
    begin_container(writer, false);
}

void veld_json_writer_object_end(veld_json_writer *writer)
{
    VELD_ASSERT(writer->out != NULL);
    if (writer->status != VELD_OK)
        return;
    veld_json_level *level = innermost(writer);
    VELD_ASSERT(level->is_object && !level->named);
    if (!level->sorted)
        keep(writer, rearrange(writer, level));
    json_buf_cut(&writer->names, level->names_begin);
    json_buf_cut(&writer->members, level->members_begin);
    writer->depth--;
    end_value(writer, veld_buf_append_byte(writer->out, '}'));
}

void veld_json_writer_array_end(veld_json_writer *writer)
{
    VELD_ASSERT(writer->out != NULL);
    if (writer->status != VELD_OK)
        return;
    VELD_ASSERT(!innermost(writer)->is_object);
    writer->depth--;
    end_value(writer, veld_buf_append_byte(writer->out, ']'));
}

/* ---- values ---- */

void veld_json_writer_text_span(veld_json_writer *writer, veld_span text)
{
    if (begin_value(writer))
        end_value(writer, json_text_append(writer->out, text, false));
}

void veld_json_writer_text(veld_json_writer *writer, const char *text)
{
    veld_json_writer_text_span(writer, veld_span_text(text));
}

void veld_json_writer_integer(veld_json_writer *writer, int64_t value)
{
    if (!begin_value(writer))
        return;
    bool held = value >= VELD_JSON_INTEGER_MIN && value <= VELD_JSON_INTEGER_MAX;
    end_value(writer, held ? json_integer_append(writer->out, value) : VELD_E_LIMIT);
}

void veld_json_writer_boolean(veld_json_writer *writer, bool value)
{
    if (begin_value(writer))
        end_value(writer, veld_buf_append_text(writer->out, value ? "true" : "false"));
}

void veld_json_writer_null(veld_json_writer *writer)
{
    if (begin_value(writer))
        end_value(writer, veld_buf_append_text(writer->out, "null"));
}

void veld_json_writer_value(veld_json_writer *writer, const veld_json_value *value)
{
    VELD_ASSERT(value != NULL);
    if (!begin_value(writer))
        return;
    json_size size = {.values = writer->values - 1, .depth = writer->depth};
    veld_status status = json_canonical_append(value, &size, writer->out);
    writer->values = size.values;
    end_value(writer, status);
}

void veld_json_writer_canonical(veld_json_writer *writer, veld_span bytes)
{
    if (!begin_value(writer))
        return;
    json_size size = {0};
    veld_status status = json_gate_run(bytes, VELD_JSON_CANONICAL, &size, NULL, NULL);
    if (status == VELD_OK && (size.depth > VELD_JSON_DEPTH_MAX - writer->depth ||
                                 size.values > VELD_JSON_MEMBERS_MAX + 2 - writer->values))
        status = VELD_E_LIMIT;
    if (status == VELD_OK) {
        status = veld_buf_append_span(writer->out, bytes);
        writer->values += size.values - 1;
    }
    end_value(writer, status);
}

/* ---- the end ---- */

static void free_memory(veld_json_writer *writer)
{
    veld_buf_wipe(&writer->names);
    veld_buf_release(&writer->members);
    writer->out = NULL;
}

veld_status veld_json_writer_finish(veld_json_writer *writer, veld_error *err)
{
    VELD_ASSERT(writer != NULL && writer->out != NULL);
    veld_status status = writer->status;
    if (status == VELD_OK)
        VELD_ASSERT(writer->root_done && writer->depth == 0);
    else
        json_buf_cut(writer->out, writer->start);
    free_memory(writer);
    return status == VELD_OK ? VELD_OK : json_write_failed(status, err);
}

void veld_json_writer_release(veld_json_writer *writer)
{
    if (writer == NULL || writer->out == NULL)
        return;
    json_buf_cut(writer->out, writer->start);
    free_memory(writer);
}

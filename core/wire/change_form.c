/* What may be called a change. These are the rules of the wire, the same everywhere and for ever;
 * whether a type or field exists, and whether its value makes sense, is asked when a person saves
 * and never here: what has this form is joined. */
#include <string.h>

#include "veldkit/change.h"
#include "veldkit/json.h"
#include "veldkit/limits.h"

enum { OFFSET_MIN_MAX = 1439, MINUTE_MS = 60000 };

static bool is_lower(uint8_t byte)
{
    return byte >= 'a' && byte <= 'z';
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

bool veld_change_type_is_valid(veld_span type)
{
    if (type.len == 0 || type.len > VELD_CHANGE_NAME_BYTES_MAX || !is_lower(type.data[0]))
        return false;
    for (size_t i = 1; i < type.len; i++)
        if (!is_lower(type.data[i]) && !is_digit(type.data[i]) && type.data[i] != '-')
            return false;
    return true;
}

bool veld_change_field_is_valid(veld_span field)
{
    if (veld_span_equal(field, veld_span_text(VELD_FIELD_REMOVED)))
        return true;
    if (field.len == 0 || field.len > VELD_CHANGE_NAME_BYTES_MAX || !is_lower(field.data[0]))
        return false;
    for (size_t i = 1; i < field.len; i++) {
        uint8_t byte = field.data[i];
        if (!is_lower(byte) && !is_digit(byte) && !(byte >= 'A' && byte <= 'Z'))
            return false;
    }
    return true;
}

static bool ids_rise(const veld_write_id *ids, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (veld_write_id_compare(&ids[i - 1], &ids[i]) >= 0)
            return false;
    return true;
}

static veld_status check_write(const veld_write *write, size_t index, veld_error *err)
{
    if (veld_id_is_zero(&write->record))
        return veld_fail(err, VELD_E_FORM, "write %zu has no record", index);
    if (!veld_change_type_is_valid(write->type))
        return veld_fail(err, VELD_E_FORM, "write %zu has no valid record type", index);
    if (!veld_change_field_is_valid(write->field))
        return veld_fail(err, VELD_E_FORM, "write %zu has no valid field", index);
    if (write->replaces_count > VELD_CHANGE_REFERENCES_MAX ||
        write->basis_count > VELD_CHANGE_REFERENCES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "write %zu names too many writes", index);
    if (!ids_rise(write->replaces, write->replaces_count) ||
        !ids_rise(write->basis, write->basis_count))
        return veld_fail(err, VELD_E_FORM, "write %zu names writes out of order", index);
    if (write->value.len > VELD_CHANGE_VALUE_BYTES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "the value of write %zu is too large", index);
    veld_status status = veld_json_check(write->value, VELD_JSON_CANONICAL, NULL, NULL);
    if (status != VELD_OK)
        return veld_fail(err, status, "the value of write %zu is not canonical json", index);
    return VELD_OK;
}

static bool ms_in_range(int64_t ms)
{
    return ms >= VELD_CHANGE_TIME_MS_MIN && ms <= VELD_CHANGE_TIME_MS_MAX;
}

bool veld_change_time_is_valid(const veld_change_time *time)
{
    return ms_in_range(time->wall_utc_ms) && ms_in_range(time->server_utc_ms) &&
           ms_in_range(time->hybrid_ms) && time->monotonic_ms >= 0 &&
           time->monotonic_ms <= VELD_CHANGE_TIME_MS_MAX && time->offset_min >= -OFFSET_MIN_MAX &&
           time->offset_min <= OFFSET_MIN_MAX &&
           ms_in_range(time->wall_utc_ms + (int64_t)time->offset_min * MINUTE_MS) &&
           (int)time->quality >= VELD_CLOCK_ANCHORED && time->quality <= VELD_CLOCK_SUSPECT;
}

/* Not before the author's date, which is never before 1970: git's walks rely on it. */
static bool commit_time_in_range(const veld_change *change)
{
    int64_t wall_utc_ms = change->time.wall_utc_ms;
    int64_t least_s = wall_utc_ms < 0 ? 0 : wall_utc_ms / 1000;
    return change->commit_utc_s >= least_s &&
           change->commit_utc_s <= VELD_CHANGE_TIME_MS_MAX / 1000;
}

static veld_status check_parents(const veld_change *change, veld_error *err)
{
    if (change->parents_count > VELD_CHANGE_PARENTS_MAX)
        return veld_fail(err, VELD_E_LIMIT, "the change has too many parents");
    for (size_t i = 1; i < change->parents_count; i++)
        if (veld_hash_compare(&change->parents[i - 1].id, &change->parents[i].id) >= 0)
            return veld_fail(err, VELD_E_FORM, "the parents are out of order");
    return VELD_OK;
}

veld_status veld_change_check_form(const veld_change *change, veld_error *err)
{
    if (change->format > VELD_CHANGE_FORMAT)
        return veld_fail(err, VELD_E_NEWER, "change format %u, this program knows %d",
            (unsigned)change->format, VELD_CHANGE_FORMAT);
    if (veld_id_is_zero(&change->case_id) || veld_id_is_zero(&change->device))
        return veld_fail(err, VELD_E_FORM, "the change names no case or no device");
    if (change->number == 0 || change->number > INT64_MAX)
        return veld_fail(err, VELD_E_FORM, "the change has no valid number");
    veld_status status = check_parents(change, err);
    if (status != VELD_OK)
        return status;
    if (!veld_change_time_is_valid(&change->time) || !commit_time_in_range(change))
        return veld_fail(err, VELD_E_FORM, "a time of the change is out of range");
    if (change->log_size > INT64_MAX ||
        (change->log_size == 0 && !veld_hash_is_zero(&change->log_root)))
        return veld_fail(err, VELD_E_FORM, "the log checkpoint is not one");
    if (change->writes_count == 0)
        return veld_fail(err, VELD_E_FORM, "the change has no writes");
    if (change->writes_count > VELD_CHANGE_WRITES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "the change has too many writes");
    for (size_t i = 0; i < change->writes_count; i++) {
        status = check_write(&change->writes[i], i, err);
        if (status != VELD_OK)
            return status;
    }
    return VELD_OK;
}

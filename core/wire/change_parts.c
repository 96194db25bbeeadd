/* The pieces of a change that its hash, its own bytes and the body of an envelope share, so that
 * there is one place where their order is written down. */
#include "change_parts.h"

#include <string.h>

#include "veldkit/limits.h"

void veld_put_id_list(veld_cbor_writer *writer, const veld_write_id *ids, size_t count)
{
    veld_cbor_put_array(writer, count);
    for (size_t i = 0; i < count; i++)
        veld_cbor_put_bytes(writer, veld_span_of(ids[i].bytes, sizeof ids[i].bytes));
}

const veld_write_id *veld_read_id_list(veld_cbor_reader *reader, veld_arena *arena, size_t *count)
{
    *count = veld_cbor_array(reader, VELD_CHANGE_REFERENCES_MAX);
    if (*count == 0)
        return NULL;
    veld_write_id *ids = veld_arena_get(arena, *count, sizeof *ids);
    if (ids == NULL) {
        *count = 0;
        veld_cbor_reader_fail(reader, VELD_E_MEMORY);
        return NULL;
    }
    for (size_t i = 0; i < *count; i++)
        veld_cbor_fixed(reader, ids[i].bytes, sizeof ids[i].bytes);
    return ids;
}

void veld_put_id_run(veld_cbor_writer *writer, const veld_change *change)
{
    uint8_t *out;
    if (!veld_cbor_put_run(writer, change->writes_count * sizeof(veld_write_id), &out))
        return;
    for (size_t i = 0; i < change->writes_count; i++)
        memcpy(out + i * sizeof(veld_write_id), change->writes[i].id.bytes, sizeof(veld_write_id));
}

void veld_read_id_run(veld_cbor_reader *reader, veld_change *change)
{
    veld_span run = veld_cbor_bytes(reader);
    if (run.len != change->writes_count * sizeof(veld_write_id)) {
        veld_cbor_reader_fail(reader, VELD_E_FORM);
        return;
    }
    for (size_t i = 0; i < change->writes_count; i++)
        memcpy(change->writes[i].id.bytes, run.data + i * sizeof(veld_write_id),
            sizeof(veld_write_id));
}

void veld_put_writes(veld_cbor_writer *writer, const veld_change *change)
{
    veld_cbor_put_array(writer, change->writes_count);
    for (size_t i = 0; i < change->writes_count; i++) {
        const veld_write *write = &change->writes[i];
        veld_cbor_put_array(writer, VELD_WRITE_ITEMS);
        veld_cbor_put_bytes(writer, veld_id_span(&write->record));
        veld_cbor_put_text(writer, write->type);
        veld_cbor_put_text(writer, write->field);
        veld_cbor_put_bytes(writer, write->value);
        veld_put_id_list(writer, write->replaces, write->replaces_count);
        veld_put_id_list(writer, write->basis, write->basis_count);
    }
}

void veld_time_to_numbers(const veld_change_time *time, int64_t numbers[VELD_TIME_ITEMS])
{
    numbers[0] = time->wall_utc_ms;
    numbers[1] = time->offset_min;
    numbers[2] = time->monotonic_ms;
    numbers[3] = time->server_utc_ms;
    numbers[4] = time->hybrid_ms;
    numbers[5] = time->hybrid_count;
    numbers[6] = (int64_t)time->quality;
}

bool veld_time_from_numbers(const int64_t numbers[VELD_TIME_ITEMS], veld_change_time *time)
{
    if (numbers[1] < INT32_MIN || numbers[1] > INT32_MAX || numbers[5] < 0 ||
        numbers[5] > UINT32_MAX || numbers[6] < VELD_CLOCK_ANCHORED ||
        numbers[6] > VELD_CLOCK_SUSPECT)
        return false;
    *time = (veld_change_time){
        .wall_utc_ms = numbers[0],
        .offset_min = (int32_t)numbers[1],
        .monotonic_ms = numbers[2],
        .server_utc_ms = numbers[3],
        .hybrid_ms = numbers[4],
        .hybrid_count = (uint32_t)numbers[5],
        .quality = (veld_clock_quality)numbers[6],
    };
    return true;
}

void veld_put_time(veld_cbor_writer *writer, const veld_change_time *time)
{
    int64_t numbers[VELD_TIME_ITEMS];
    veld_time_to_numbers(time, numbers);
    veld_cbor_put_array(writer, VELD_TIME_ITEMS);
    for (size_t i = 0; i < VELD_TIME_ITEMS; i++)
        veld_cbor_put_int(writer, numbers[i]);
}

void veld_read_time(veld_cbor_reader *reader, veld_change_time *time)
{
    int64_t numbers[VELD_TIME_ITEMS];
    if (veld_cbor_array(reader, VELD_TIME_ITEMS) != VELD_TIME_ITEMS)
        veld_cbor_reader_fail(reader, VELD_E_FORM);
    for (size_t i = 0; i < VELD_TIME_ITEMS; i++)
        numbers[i] = veld_cbor_int(reader);
    if (!veld_time_from_numbers(numbers, time))
        veld_cbor_reader_fail(reader, VELD_E_FORM);
}

/* change_parts.h: pieces of a change that more than one encoding has. Inside the wire room. */
#ifndef VELD_WIRE_CHANGE_PARTS_H
#define VELD_WIRE_CHANGE_PARTS_H

#include "veldkit/cbor.h"
#include "veldkit/change.h"

enum { VELD_TIME_ITEMS = 7, VELD_WRITE_ITEMS = 6 };

/* veld_put_id_list / veld_read_id_list: [*bstr16]. The list lives in `arena`; its order is not
 * checked. */
void veld_put_id_list(veld_cbor_writer *writer, const veld_write_id *ids, size_t count);
const veld_write_id *veld_read_id_list(veld_cbor_reader *reader, veld_arena *arena, size_t *count);

/* veld_put_id_run / veld_read_id_run: the ids of all writes of a change in one byte string. */
void veld_put_id_run(veld_cbor_writer *writer, const veld_change *change);
void veld_read_id_run(veld_cbor_reader *reader, veld_change *change);

/* veld_put_writes: the writes part, which is hashed. */
void veld_put_writes(veld_cbor_writer *writer, const veld_change *change);
/* veld_put_time / veld_read_time: the seven numbers of a time. Range is not checked. */
void veld_put_time(veld_cbor_writer *writer, const veld_change_time *time);
void veld_read_time(veld_cbor_reader *reader, veld_change_time *time);
/* veld_time_from_numbers: the seven numbers as a time; false when one does not fit its field. */
bool veld_time_from_numbers(const int64_t numbers[VELD_TIME_ITEMS], veld_change_time *time);
void veld_time_to_numbers(const veld_change_time *time, int64_t numbers[VELD_TIME_ITEMS]);

#endif

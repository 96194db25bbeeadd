/* The names that follow from what the author decided. Two programs that differ here by one byte
 * name every write differently, so the vectors in proto/ hold this file. */
#include <string.h>

#include "change_parts.h"
#include "veldkit/context.h"
#include "veldkit/hash.h"
#include "veldkit/limits.h"
#include "veldkit/number.h"

enum { CORE_ITEMS = 12, CORE_BYTES_MAX = 1024 + VELD_CHANGE_PARENTS_MAX * 34 };

veld_status veld_change_writes(const veld_change *change, veld_buf *out, veld_error *err)
{
    veld_cbor_writer writer = veld_cbor_write(out);
    veld_put_writes(&writer, change);
    return veld_cbor_writer_finish(&writer, err);
}

static veld_status hash_writes(veld_change *change, veld_error *err)
{
    veld_status status;
    veld_buf part;
    veld_buf_init(&part, VELD_CHANGE_BYTES_MAX);
    VELD_TRY(veld_change_writes(change, &part, err));
    veld_span bytes = veld_buf_span(&part);
    status = veld_hash_named(VELD_CONTEXT_HASH_WRITES, &bytes, 1, &change->writes_hash, err);
done:
    veld_buf_wipe(&part);
    return status;
}

static veld_status hash_core(veld_change *change, veld_error *err)
{
    veld_status status;
    veld_buf core;
    veld_buf_init(&core, CORE_BYTES_MAX);
    veld_cbor_writer writer = veld_cbor_write(&core);
    veld_cbor_put_array(&writer, CORE_ITEMS);
    veld_cbor_put_uint(&writer, change->format);
    veld_cbor_put_bytes(&writer, veld_id_span(&change->case_id));
    veld_cbor_put_bytes(&writer, veld_id_span(&change->device));
    veld_cbor_put_bytes(&writer, veld_span_of(change->incarnation, sizeof change->incarnation));
    veld_cbor_put_uint(&writer, change->number);
    veld_cbor_put_array(&writer, change->parents_count);
    for (size_t i = 0; i < change->parents_count; i++)
        veld_cbor_put_bytes(&writer, veld_hash_span(&change->parents[i].id));
    veld_put_time(&writer, &change->time);
    veld_cbor_put_int(&writer, change->commit_utc_s);
    veld_cbor_put_uint(&writer, change->log_size);
    veld_cbor_put_bytes(&writer, veld_hash_span(&change->log_root));
    veld_cbor_put_bytes(&writer, veld_span_of(change->salt, sizeof change->salt));
    veld_cbor_put_bytes(&writer, veld_hash_span(&change->writes_hash));
    VELD_TRY(veld_cbor_writer_finish(&writer, err));
    veld_span bytes = veld_buf_span(&core);
    status = veld_hash_named(VELD_CONTEXT_HASH_CORE, &bytes, 1, &change->core, err);
done:
    veld_buf_release(&core);
    return status;
}

veld_status veld_change_derive(veld_change *change, veld_error *err)
{
    veld_status status;
    VELD_TRY(hash_writes(change, err));
    VELD_TRY(hash_core(change, err));
    for (size_t i = 0; i < change->writes_count; i++) {
        uint8_t index[4];
        veld_hash hash;
        veld_put_u32(index, (uint32_t)i);
        veld_span parts[] = {veld_hash_span(&change->core), veld_span_of(index, sizeof index)};
        VELD_TRY(veld_hash_named(VELD_CONTEXT_HASH_WRITE, parts, 2, &hash, err));
        memcpy(change->writes[i].id.bytes, hash.bytes, sizeof change->writes[i].id.bytes);
    }
done:
    return status;
}

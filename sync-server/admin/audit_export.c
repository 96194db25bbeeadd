/* audit export: the access log as JSON lines, and as its last line a statement that the agency
 * signed over all lines before it: a JWS that any JOSE library checks. Written as it is read, so
 * the length of the log costs no memory. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audit.h"
#include "veldkit/access_log.h"
#include "veldkit/context.h"
#include "veldkit/hash.h"
#include "veldkit/jws.h"
#include "veldkit/time.h"

enum { PART_BYTES = 1 << 16, LINE_BYTES_MAX = 8192, STATEMENT_BYTES_MAX = VELD_JWS_BYTES_MAX };

typedef struct exporting {
    veld_cli_call *call;
    veld_access_query query;
    veld_buf part; /* not yet written */
    veld_sha256_stream hash;
    uint64_t entries;
    veld_json_writer statement;
} exporting;

static veld_status write_part(exporting *x)
{
    veld_status status = veld_sha256_add(&x->hash, veld_buf_span(&x->part), &x->call->err);
    if (status == VELD_OK)
        status = veld_cli_write_all(
            STDOUT_FILENO, x->call->peer, veld_buf_span(&x->part), &x->call->err);
    veld_buf_clear(&x->part);
    return status;
}

static veld_status write_line(exporting *x, veld_span bytes)
{
    veld_access_entry entry;
    veld_json_writer writer;
    veld_status status;
    if (veld_access_decode(bytes, &entry, NULL) != VELD_OK || !veld_access_fits(&x->query, &entry))
        return VELD_OK;
    veld_json_writer_init(&writer, &x->part);
    status = srv_audit_json(&entry, bytes, &writer);
    veld_status ended = veld_json_writer_finish(&writer, &x->call->err);
    if (status == VELD_OK)
        status = ended;
    if (status == VELD_OK)
        status = veld_buf_append_byte(&x->part, '\n');
    x->entries++;
    if (status == VELD_OK && x->part.len > PART_BYTES)
        status = write_part(x);
    return status;
}

static veld_status write_lines(exporting *x)
{
    const veld_store_access_search all = {.by = VELD_STORE_ACCESS_ALL};
    veld_store_cursor *cursor = NULL;
    bool more = true;
    veld_status status;
    VELD_TRY(veld_store_walk_access(x->call->session->store, &all, &cursor, &x->call->err));
    while (more) {
        veld_store_access row;
        status = veld_store_access_next(cursor, &more, &row, &x->call->err);
        if (status == VELD_E_DAMAGED) { /* the statement says that it is missing */
            status = VELD_OK;
            continue;
        }
        VELD_TRY(status);
        if (more)
            VELD_TRY(write_line(x, row.body));
    }
    status = write_part(x);

done:
    veld_store_cursor_close(cursor);
    return status;
}

static veld_status state_chain(void *context, const veld_access_chain *chain, veld_error *err)
{
    exporting *x = context;
    (void)err;
    veld_json_writer_object_begin(&x->statement);
    veld_cli_json_id(&x->statement, "device", &chain->device);
    veld_cli_json_count(&x->statement, "entries", chain->entries);
    veld_cli_json_count(&x->statement, "faults", chain->faults);
    veld_cli_json_count(&x->statement, "first", chain->first);
    veld_cli_json_hash(&x->statement, "head", &chain->head);
    veld_cli_json_count(&x->statement, "last", chain->last);
    veld_json_writer_object_end(&x->statement);
    return VELD_OK;
}

/* What is signed: how many lines, their hash, and where every chain stood. */
static veld_status make_statement(exporting *x, veld_buf *out)
{
    srv_session *session = x->call->session;
    const veld_access_checker checker = {.context = x, .chain = state_chain};
    char when[VELD_INSTANT_TEXT_SIZE];
    veld_json_writer *writer = &x->statement;
    veld_access_proof proof;
    veld_hash hash;
    veld_status status = veld_sha256_finish(&x->hash, &hash, &x->call->err);
    if (status != VELD_OK)
        return status;
    veld_instant_format((veld_instant){.utc_ms = veld_env_now(&session->env).wall_utc_ms}, when);
    veld_json_writer_init(writer, out);
    veld_json_writer_object_begin(writer);
    veld_cli_json_id(writer, "agency", &session->agency.id);
    veld_json_writer_name(writer, "chains");
    veld_json_writer_array_begin(writer);
    VELD_TRY(veld_access_check(session->store, &checker, &proof, &x->call->err));
    veld_json_writer_array_end(writer);
    veld_cli_json_count(writer, "lines", x->entries);
    veld_cli_json_hash(writer, "sha256", &hash);
    veld_cli_json_text(writer, "time", veld_span_text(when));
    veld_json_writer_object_end(writer);
    status = veld_json_writer_finish(writer, &x->call->err);

done:
    veld_json_writer_release(writer);
    return status;
}

static veld_status write_statement(exporting *x)
{
    srv_session *session = x->call->session;
    veld_buf payload, line;
    veld_hash key;
    char key_id[VELD_HASH_TEXT_SIZE];
    veld_status status;
    veld_buf_init(&payload, STATEMENT_BYTES_MAX);
    veld_buf_init(&line, VELD_JWS_TEXT_MAX + LINE_BYTES_MAX);
    VELD_TRY(make_statement(x, &payload));
    VELD_TRY(veld_p256_fingerprint(&session->agency.merger_key, &key, &x->call->err));
    veld_hash_format(&key, key_id);
    VELD_TRY(veld_buf_append_span(&line, veld_span_text("{\"statement\":\"")));
    VELD_TRY(veld_jws_sign(&session->desk.signer, VELD_JWS_AUDIT, key_id, veld_buf_span(&payload),
        &line, &x->call->err));
    VELD_TRY(veld_buf_append_span(&line, veld_span_text("\"}\n")));
    status = veld_cli_write_all(STDOUT_FILENO, x->call->peer, veld_buf_span(&line), &x->call->err);

done:
    veld_buf_release(&payload);
    veld_buf_release(&line);
    return status;
}

/* Standard output is the file: who called opened it (run.c). */
veld_status srv_verb_audit_export(veld_cli_call *call)
{
    exporting x = {.call = call};
    veld_buf cases = {0};
    veld_status status;
    veld_buf_init(&x.part, PART_BYTES + LINE_BYTES_MAX);
    VELD_TRY(srv_audit_question(call, &x.query, &cases));
    VELD_TRY(veld_access_flush(call->session->access, &call->err)); /* this look is in it too */
    VELD_TRY(veld_sha256_start(&x.hash, NULL, &call->err));
    VELD_TRY(write_lines(&x));
    VELD_TRY(write_statement(&x));
    veld_cli_note(call, "veldkit-server: %llu %s geschreven.\n", (unsigned long long)x.entries,
        veld_cli_of(x.entries, "regel", "regels"));

done:
    veld_sha256_abort(&x.hash);
    veld_buf_release(&cases);
    veld_buf_release(&x.part);
    return status;
}

/* The gate, the parser behind it and the canonical form, held against each other: each set of rules
 * refuses what a looser one refuses; cJSON reads whatever the gate lets pass; what is written
 * passes the strictest rules and reads back to the same bytes. */
#include <stdint.h>
#include <stdlib.h>

#include "veldkit/assert.h"
#include "veldkit/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_canonical(veld_span bytes)
{
    veld_json_doc *doc = NULL;
    veld_buf again;
    veld_buf_init(&again, VELD_JSON_BYTES_MAX);
    VELD_ASSERT(veld_json_is_canonical(bytes));
    VELD_ASSERT(veld_json_parse(bytes, VELD_JSON_CANONICAL, &doc, NULL, NULL) == VELD_OK);
    VELD_ASSERT(veld_json_canonical(veld_json_root(doc), &again, NULL) == VELD_OK);
    VELD_ASSERT(veld_span_equal(bytes, veld_buf_span(&again)));
    veld_json_doc_free(doc);
    veld_buf_release(&again);
}

/* The writer and the canonical form of a document agree. */
static void check_writer(const veld_json_value *root, veld_span canonical)
{
    veld_buf out;
    veld_buf_init(&out, 2 * VELD_JSON_BYTES_MAX);
    veld_json_writer writer;
    veld_json_writer_init(&writer, &out);
    veld_json_writer_array_begin(&writer);
    veld_json_writer_value(&writer, root);
    veld_json_writer_canonical(&writer, canonical);
    veld_json_writer_array_end(&writer);
    veld_status status = veld_json_writer_finish(&writer, NULL);
    VELD_ASSERT(status == VELD_OK || status == VELD_E_LIMIT);
    if (status == VELD_OK) {
        VELD_ASSERT(out.len == 2 * canonical.len + 3);
        VELD_ASSERT(veld_json_is_canonical(veld_buf_span(&out)));
        VELD_ASSERT(
            veld_span_equal(veld_span_part(veld_buf_span(&out), 1, canonical.len), canonical));
    }
    veld_buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    veld_span bytes = {.data = data, .len = size};
    veld_json_errors errors;
    veld_json_errors_init(&errors);
    veld_error err;
    veld_status results[4];
    for (int rules = VELD_JSON_RFC8259; rules <= VELD_JSON_CANONICAL; rules++) {
        results[rules] = veld_json_check(bytes, (veld_json_rules)rules, &errors, &err);
        VELD_ASSERT((errors.count > 0) == (results[rules] != VELD_OK));
        VELD_ASSERT(results[rules] == veld_json_check(bytes, (veld_json_rules)rules, NULL, NULL));
        VELD_ASSERT(rules == 0 || results[rules] != VELD_OK || results[rules - 1] == VELD_OK);
        veld_json_errors_release(&errors);
    }

    veld_json_doc *doc = NULL;
    veld_status status = veld_json_parse(bytes, VELD_JSON_IJSON, &doc, NULL, NULL);
    VELD_ASSERT(status == results[VELD_JSON_IJSON]);
    if (status == VELD_OK) {
        veld_buf out;
        veld_buf_init(&out, VELD_JSON_BYTES_MAX);
        status = veld_json_canonical(veld_json_root(doc), &out, NULL);
        VELD_ASSERT(status == VELD_OK || results[VELD_JSON_STRICT] != VELD_OK);
        if (status == VELD_OK) {
            bool same = veld_span_equal(bytes, veld_buf_span(&out));
            VELD_ASSERT(same == (results[VELD_JSON_CANONICAL] == VELD_OK));
            check_canonical(veld_buf_span(&out));
            check_writer(veld_json_root(doc), veld_buf_span(&out));
        }
        veld_buf_release(&out);
    }
    veld_json_doc_free(doc);
    return 0;
}

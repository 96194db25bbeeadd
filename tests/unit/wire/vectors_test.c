/* The committed vectors of proto/vectors are what this program makes and reads. */
#include "veld_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "veldkit/crypto.h"
#include "veldkit/envelope.h"
#include "veldkit/json.h"
#include "veldkit/limits.h"
#include "wire_vectors.h"
#include "wire_world.h"

static void read_vector(const char *name, veld_buf *out)
{
    char path[4096];
    const char *source = getenv("VELD_SOURCE_DIR");
    assert_non_null(source);
    snprintf(path, sizeof path, "%s/proto/vectors/v0/%s", source, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char piece[4096];
    for (size_t len; (len = fread(piece, 1, sizeof piece, file)) > 0;)
        assert_ok(veld_buf_append(out, piece, len));
    fclose(file);
}

static void what_is_made_today_is_what_is_committed(void **state)
{
    (void)state;
    for (size_t i = 0; i < WIRE_VECTORS; i++) {
        if (!wire_vectors[i].is_reproducible)
            continue;
        veld_buf made, kept;
        veld_buf_init(&made, WIRE_VECTOR_BYTES_MAX);
        veld_buf_init(&kept, WIRE_VECTOR_BYTES_MAX);
        wire_vectors[i].make(&made);
        read_vector(wire_vectors[i].file, &kept);
        assert_true(veld_span_equal(veld_buf_span(&made), veld_buf_span(&kept)));
        veld_buf_release(&made);
        veld_buf_release(&kept);
    }
}

static void from_hex(const veld_json_value *value, veld_buf *out)
{
    veld_span text;
    uint8_t *place;
    assert_true(veld_json_text(value, &text));
    assert_ok(veld_buf_extend(out, text.len / 2, &place));
    assert_ok(veld_hex_decode(text, place, text.len / 2));
}

static void the_committed_envelope_opens(void **state)
{
    (void)state;
    wire_world w;
    veld_buf file, bytes, key;
    veld_json_doc *doc = NULL;
    veld_sealer *sealer = NULL;
    veld_arena arena;
    veld_envelope_header header;
    veld_change *changes;
    wire_world_init(&w, 1);
    veld_arena_init(&arena, 16 << 20);
    veld_buf_init(&file, WIRE_VECTOR_BYTES_MAX);
    veld_buf_init(&bytes, VELD_ENVELOPE_BYTES_MAX);
    veld_buf_init(&key, 64);
    read_vector("envelope.json", &file);
    assert_ok(veld_json_parse(veld_buf_span(&file), VELD_JSON_STRICT, &doc, NULL, NULL));
    from_hex(veld_json_get(veld_json_root(doc), "bytes"), &bytes);
    from_hex(veld_json_get(veld_json_root(doc), "caseKey"), &key);
    assert_ok(veld_sealer_new(VELD_SEALER_CASE_MESSAGE, veld_buf_span(&key), (veld_span){0},
        &w.world.env, &sealer, NULL));
    assert_ok(veld_envelope_open(
        sealer, veld_buf_span(&bytes), &w.namer, &arena, &header, &changes, NULL));
    const veld_json_value *wanted = veld_json_get(veld_json_root(doc), "changes");
    assert_int_equal(veld_json_count(wanted), header.count);
    for (uint16_t i = 0; i < header.count; i++) {
        veld_buf encoded, hex;
        veld_buf_init(&encoded, VELD_CHANGE_BYTES_MAX);
        veld_buf_init(&hex, VELD_CHANGE_BYTES_MAX);
        assert_ok(veld_change_encode(&changes[i], VELD_CHANGE_WIRE, &encoded, NULL));
        from_hex(veld_json_at(wanted, i), &hex);
        assert_true(veld_span_equal(veld_buf_span(&encoded), veld_buf_span(&hex)));
        veld_buf_release(&encoded);
        veld_buf_release(&hex);
    }
    veld_sealer_free(sealer);
    veld_json_doc_free(doc);
    veld_buf_release(&file);
    veld_buf_release(&bytes);
    veld_buf_release(&key);
    veld_arena_release(&arena);
    wire_world_release(&w);
}

static int start(void **state)
{
    (void)state;
    return veld_crypto_init(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_made_today_is_what_is_committed),
        cmocka_unit_test(the_committed_envelope_opens),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}

/* The golden vectors: a chain of random changes, an envelope of a visit, a grant, a card, a bundle,
 * all from one seed. Texts are canonical JSON with bytes in hex. */
#include "wire_vectors.h"

#include <stdlib.h>
#include <string.h>

#include "veldkit/assert.h"
#include "veldkit/card.h"
#include "veldkit/crypto.h"
#include "veldkit/frame.h"
#include "veldkit/grant.h"
#include "veldkit/json.h"
#include "veldkit/limits.h"
#include "wire_world.h"

static const uint8_t root[32] = {0x42};
static const uint8_t hedge[32] = {0x43};

static void must(veld_status status)
{
    VELD_ASSERT(status == VELD_OK);
}

static void put_hex(veld_json_writer *json, const char *name, veld_span bytes)
{
    char *text = malloc(2 * bytes.len + 1);
    VELD_ASSERT(text != NULL);
    veld_hex_encode(bytes, text, 2 * bytes.len + 1);
    if (name != NULL)
        veld_json_writer_name(json, name);
    veld_json_writer_text(json, text);
    free(text);
}

static void put_change(
    veld_json_writer *json, const char *name, const veld_change *change, veld_change_form form)
{
    veld_buf bytes;
    veld_buf_init(&bytes, VELD_CHANGE_BYTES_MAX);
    must(veld_change_encode(change, form, &bytes, NULL));
    put_hex(json, name, veld_buf_span(&bytes));
    veld_buf_wipe(&bytes);
}

static void finish(veld_json_writer *json, veld_buf *out)
{
    must(veld_json_writer_finish(json, NULL));
    must(veld_buf_append_byte(out, '\n'));
}

static void make_change(veld_buf *out)
{
    wire_world w;
    veld_json_writer json;
    wire_world_init(&w, 101);
    const veld_change *chain = wire_world_chain(&w, WIRE_VECTOR_CHANGES);
    veld_json_writer_init(&json, out);
    veld_json_writer_array_begin(&json);
    for (size_t i = 0; i < WIRE_VECTOR_CHANGES; i++) {
        veld_json_writer_object_begin(&json);
        put_hex(&json, "core", veld_hash_span(&chain[i].core));
        put_change(&json, "row", &chain[i], VELD_CHANGE_ROW);
        put_change(&json, "wire", &chain[i], VELD_CHANGE_WIRE);
        veld_json_writer_name(&json, "writeIds");
        veld_json_writer_array_begin(&json);
        for (size_t k = 0; k < chain[i].writes_count; k++)
            put_hex(&json, NULL, veld_span_of(chain[i].writes[k].id.bytes, 16));
        veld_json_writer_array_end(&json);
        put_hex(&json, "writesHash", veld_hash_span(&chain[i].writes_hash));
        veld_json_writer_object_end(&json);
    }
    veld_json_writer_array_end(&json);
    finish(&json, out);
    wire_world_release(&w);
}

static void seal_visit(wire_world *w, const veld_change *visit, veld_buf *out)
{
    veld_sealer *sealer = NULL;
    must(veld_sealer_new(VELD_SEALER_CASE_MESSAGE, veld_span_of(root, sizeof root),
        veld_span_of(hedge, sizeof hedge), &w->world.env, &sealer, NULL));
    must(veld_envelope_seal(sealer, 1, VELD_PRIORITY_TEXT, visit, WIRE_VISIT_CHANGES, out, NULL));
    veld_sealer_free(sealer);
}

static void make_envelope(veld_buf *out)
{
    wire_world w;
    veld_json_writer json;
    veld_buf bytes;
    wire_world_init(&w, 102);
    veld_buf_init(&bytes, VELD_ENVELOPE_BYTES_MAX);
    const veld_change *visit = wire_world_visit(&w);
    seal_visit(&w, visit, &bytes);
    veld_json_writer_init(&json, out);
    veld_json_writer_object_begin(&json);
    put_hex(&json, "bytes", veld_buf_span(&bytes));
    put_hex(&json, "caseKey", veld_span_of(root, sizeof root));
    veld_json_writer_name(&json, "changes");
    veld_json_writer_array_begin(&json);
    for (size_t i = 0; i < WIRE_VISIT_CHANGES; i++)
        put_change(&json, NULL, &visit[i], VELD_CHANGE_WIRE);
    veld_json_writer_array_end(&json);
    veld_json_writer_object_end(&json);
    finish(&json, out);
    veld_buf_release(&bytes);
    wire_world_release(&w);
}

typedef struct parts {
    wire_world w;
    veld_p256_private signing, sealing;
    veld_buf grant, card, text, bundle;
} parts;

static void make_bundle(parts *p)
{
    veld_frame_writer writer;
    must(veld_frame_writer_begin(&writer, VELD_FRAME_FILE, "veldkit 0.1.0", &p->bundle, NULL));
    must(veld_frame_writer_add(&writer, VELD_FRAME_CARD, veld_buf_span(&p->card), NULL));
    must(veld_frame_writer_add(&writer, VELD_FRAME_GRANT, veld_buf_span(&p->grant), NULL));
    must(veld_frame_writer_end(&writer, NULL));
}

static void parts_init(parts *p)
{
    wire_world_init(&p->w, 103);
    must(veld_p256_generate(&p->w.world.env, &p->signing, NULL));
    must(veld_p256_generate(&p->w.world.env, &p->sealing, NULL));
    veld_buf_init(&p->grant, VELD_GRANT_BYTES_MAX);
    veld_buf_init(&p->card, VELD_CARD_BYTES_MAX);
    veld_buf_init(&p->text, 4096);
    veld_buf_init(&p->bundle, 8192);
    veld_signer signer = veld_signer_p256(&p->signing);
    veld_grant_terms terms = {.case_id = p->w.case_id,
        .epoch = 1,
        .recipient = p->w.device,
        .purpose = VELD_GRANT_COLLEAGUE,
        .lease_end_utc_ms = 1772697600000};
    must(veld_grant_make(&p->w.world.env, &terms, veld_span_of(root, sizeof root),
        &p->sealing.public_key, &signer, &p->grant, NULL));
    veld_card card = {
        .device = p->w.device, .seal_key = p->sealing.public_key, .name = "Marjan de Boer"};
    must(veld_card_make(&card, &signer, &p->card, NULL));
    must(veld_card_to_text(veld_buf_span(&p->card), &p->text, NULL));
    make_bundle(p);
}

static void parts_release(parts *p)
{
    veld_buf_release(&p->grant);
    veld_buf_release(&p->card);
    veld_buf_release(&p->text);
    veld_buf_release(&p->bundle);
    veld_p256_release(&p->signing);
    veld_p256_release(&p->sealing);
    wire_world_release(&p->w);
}

static void make_grant(veld_buf *out)
{
    parts p;
    veld_json_writer json;
    char code[VELD_CARD_CODE_SIZE];
    parts_init(&p);
    must(veld_card_code(veld_buf_span(&p.card), code, NULL));
    veld_json_writer_init(&json, out);
    veld_json_writer_object_begin(&json);
    put_hex(&json, "card", veld_buf_span(&p.card));
    veld_json_writer_name(&json, "cardCode");
    veld_json_writer_text(&json, code);
    veld_json_writer_name(&json, "cardText");
    veld_json_writer_text_span(&json, veld_buf_span(&p.text));
    put_hex(&json, "caseKey", veld_span_of(root, sizeof root));
    put_hex(&json, "grant", veld_buf_span(&p.grant));
    put_hex(&json, "sealPrivate", veld_secret_span(&p.sealing.scalar));
    put_hex(&json, "signPublic", veld_p256_public_span(&p.signing.public_key));
    veld_json_writer_object_end(&json);
    finish(&json, out);
    parts_release(&p);
}

static void make_frame(veld_buf *out)
{
    parts p;
    veld_json_writer json;
    parts_init(&p);
    veld_json_writer_init(&json, out);
    veld_json_writer_object_begin(&json);
    put_hex(&json, "bundle", veld_buf_span(&p.bundle));
    veld_json_writer_object_end(&json);
    finish(&json, out);
    parts_release(&p);
}

const wire_vector wire_vectors[WIRE_VECTORS] = {
    {"change.json", make_change, true},
    {"envelope.json", make_envelope, false},
    {"grant.json", make_grant, true},
    {"frame.json", make_frame, true},
};

/* ---- seeds ---- */
static void emit_envelope(void (*emit)(const char *path, veld_span bytes))
{
    wire_world w;
    veld_buf bytes, plain;
    veld_sealer *sealer = NULL;
    veld_message_proof proof;
    wire_world_init(&w, 104);
    veld_buf_init(&bytes, VELD_ENVELOPE_BYTES_MAX);
    veld_buf_init(&plain, VELD_SEAL_BYTES_MAX);
    seal_visit(&w, wire_world_visit(&w), &bytes);
    emit("envelope/header", veld_span_of(bytes.data, bytes.len));
    must(veld_sealer_new(VELD_SEALER_CASE_MESSAGE, veld_span_of(root, sizeof root), (veld_span){0},
        &w.world.env, &sealer, NULL));
    size_t at = VELD_ENVELOPE_HEADER_BYTES;
    memcpy(proof.nonce, bytes.data + at, sizeof proof.nonce);
    memcpy(proof.commit, bytes.data + at + sizeof proof.nonce, sizeof proof.commit);
    at += sizeof proof.nonce + sizeof proof.commit;
    must(veld_buf_append_byte(&plain, WIRE_VISIT_CHANGES - 1)); /* read as the number of changes */
    must(veld_sealer_open_message(sealer, veld_span_of(bytes.data, VELD_ENVELOPE_HEADER_BYTES),
        &proof, veld_span_of(bytes.data + at, bytes.len - at), &plain, NULL));
    emit("envelope/visit", veld_buf_span(&plain));
    veld_sealer_free(sealer);
    veld_buf_wipe(&plain);
    veld_buf_release(&bytes);
    wire_world_release(&w);
}

void wire_vector_corpus(void (*emit)(const char *path, veld_span bytes))
{
    parts p;
    veld_buf bytes;
    veld_buf_init(&bytes, VELD_CHANGE_BYTES_MAX);
    parts_init(&p);
    const veld_change *change = wire_world_visit(&p.w);
    must(veld_change_encode(change, VELD_CHANGE_WIRE, &bytes, NULL));
    emit("change/wire", veld_buf_span(&bytes));
    veld_buf_clear(&bytes);
    must(veld_change_encode(change, VELD_CHANGE_ROW, &bytes, NULL));
    emit("change/row", veld_buf_span(&bytes));
    emit("grant/grant", veld_buf_span(&p.grant));
    emit("grant/card", veld_buf_span(&p.card));
    emit("grant/text", veld_buf_span(&p.text));
    veld_buf_clear(&bytes);
    must(veld_buf_append_byte(&bytes, 6)); /* the size of a piece */
    must(veld_buf_append_span(&bytes, veld_buf_span(&p.bundle)));
    emit("frame/bundle", veld_buf_span(&bytes));
    veld_buf_wipe(&bytes);
    parts_release(&p);
    emit_envelope(emit);
}

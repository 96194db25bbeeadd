/* What a case says of its own place. A part's id commits to it: nobody who writes in the part
 * later, its founder neither, can make it one of another dossier or compartment, and so reach its
 * keys. */
#include <stdio.h>
#include <string.h>

#include "part_inner.h"
#include "veldkit/context.h"
#include "veldkit/founder.h"
#include "veldkit/hash.h"
#include "veldkit/limits.h"
#include "veldkit/part.h"
#include "veldkit/policy.h"

/* ---- making the records ---- */

static veld_edit edit_of(
    const veld_id *record, const char *type, const char *field, const char *json)
{
    return (veld_edit){.kind = VELD_EDIT_SET,
        .record = *record,
        .type = veld_span_text(type),
        .field = veld_span_text(field),
        .value = veld_span_text(json)};
}

static veld_status fill_link(const veld_env *env, const char *type, const char *id_field,
    const veld_id *to, veld_compartment compartment, part_link *out, veld_error *err)
{
    veld_id record;
    char id[VELD_ID_TEXT_SIZE];
    veld_status status = veld_id_new(env, &record, err);
    if (status != VELD_OK)
        return status;
    veld_id_format(to, id);
    (void)snprintf(out->id_json, sizeof out->id_json, "\"%s\"", id);
    (void)snprintf(
        out->name_json, sizeof out->name_json, "\"%s\"", veld_compartment_name(compartment));
    out->edits[0] = edit_of(&record, type, id_field, out->id_json);
    out->edits[1] = edit_of(&record, type, "name", out->name_json);
    out->count = 2;
    return VELD_OK;
}

veld_status part_make_link(const veld_env *env, const veld_id *part, veld_compartment compartment,
    part_link *out, veld_error *err)
{
    return fill_link(env, VELD_TYPE_COMPARTMENT, "case", part, compartment, out, err);
}

/* The six bytes with which the id of such a part begins. */
static veld_status place_chance(const veld_id *dossier, veld_compartment compartment,
    const uint8_t seal[PART_SEAL_BYTES], uint8_t out[VELD_FOUNDER_CHANCE_BYTES], veld_error *err)
{
    veld_hash hash = {0};
    const uint8_t number = (uint8_t)compartment;
    const veld_span parts[] = {
        veld_id_span(dossier), veld_span_of(&number, 1), veld_span_of(seal, PART_SEAL_BYTES)};
    veld_status status = veld_hash_named(VELD_CONTEXT_HASH_PLACE, parts, 3, &hash, err);
    memcpy(out, hash.bytes, VELD_FOUNDER_CHANCE_BYTES);
    return status;
}

veld_status part_make_place(const veld_desk *desk, const veld_id *dossier,
    veld_compartment compartment, veld_id *part, part_link *out, veld_error *err)
{
    uint8_t seal[PART_SEAL_BYTES] = {0}, chance[VELD_FOUNDER_CHANCE_BYTES];
    char hex[2 * PART_SEAL_BYTES + 1];
    veld_status status;
    VELD_TRY(veld_env_random(desk->env, seal, sizeof seal, err));
    VELD_TRY(place_chance(dossier, compartment, seal, chance, err));
    VELD_TRY(veld_founder_id(veld_store_device(desk->store), chance, part, err));
    VELD_TRY(fill_link(desk->env, VELD_TYPE_DOSSIER, "dossier", dossier, compartment, out, err));
    veld_hex_encode(veld_span_of(seal, sizeof seal), hex, sizeof hex);
    (void)snprintf(out->seal_json, sizeof out->seal_json, "\"%s\"", hex);
    out->edits[2] = edit_of(&out->edits[0].record, VELD_TYPE_DOSSIER, "seal", out->seal_json);
    out->count = 3;
done:
    return status;
}

/* ---- reading them ---- */

/* A plain text between its quotes: names of compartments, ids and seals have nothing that JSON
 * would escape. Empty when it is something else. */
static veld_span plain_text(veld_span json)
{
    return json.len >= 2 && json.data[0] == '"' ? veld_span_part(json, 1, json.len - 2)
                                                : (veld_span){0};
}

static veld_status read_shown(
    veld_outlook *outlook, const veld_state_record *record, const char *name, veld_span *out)
{
    veld_reading reading;
    *out = (veld_span){0};
    const veld_state_field *field = veld_state_field_get(record, veld_span_text(name));
    if (field == NULL)
        return VELD_OK;
    veld_status status = veld_policy_read(outlook, field, &reading);
    if (status == VELD_OK)
        *out = plain_text(reading.effective);
    return status;
}

static bool is_place(veld_span name, veld_span id, veld_place *out)
{
    return veld_compartment_find(name, &out->compartment) &&
           out->compartment != VELD_COMPARTMENT_MAIN &&
           veld_id_parse(id, &out->case_id) == VELD_OK && !veld_id_is_zero(&out->case_id);
}

/* A link as it shows now, if it says something sensible. */
static veld_status add_link(veld_outlook *outlook, const veld_state_record *record, veld_buf *out)
{
    veld_place link;
    veld_span name, id;
    veld_status status;
    VELD_TRY(read_shown(outlook, record, "name", &name));
    VELD_TRY(read_shown(outlook, record, "case", &id));
    if (!is_place(name, id, &link))
        goto done;
    VELD_TRY(veld_buf_append_byte(out, (uint8_t)link.compartment));
    status = veld_buf_append_span(out, veld_id_span(&link.case_id));
done:
    return status;
}

/* What the same change wrote into another field. */
static veld_span written_with(
    const veld_state_record *record, const char *name, const veld_origin *origin)
{
    const veld_state_field *field = veld_state_field_get(record, veld_span_text(name));
    for (const veld_entry *e = field == NULL ? NULL : field->entries; e != NULL; e = e->next) {
        if (veld_hash_equal(&e->origin->core, &origin->core))
            return plain_text(e->value);
    }
    return (veld_span){0};
}

/* Did the device that this case is of write this when it founded it? What others wrote over it
 * since does not matter: the id tells. */
static veld_status is_founders(const veld_id *case_id, const veld_state_record *record,
    const veld_entry *entry, veld_place *out, bool *is)
{
    uint8_t seal[PART_SEAL_BYTES], chance[VELD_FOUNDER_CHANCE_BYTES] = {0};
    veld_span name = written_with(record, "name", entry->origin);
    veld_span hex = written_with(record, "seal", entry->origin);
    veld_status status = veld_founder_fits(case_id, &entry->origin->device, is, NULL);
    *is = *is && is_place(name, plain_text(entry->value), out) &&
          veld_hex_decode(hex, seal, sizeof seal) == VELD_OK;
    if (status == VELD_OK && *is)
        status = place_chance(&out->case_id, out->compartment, seal, chance, NULL);
    *is = *is && memcmp(chance, case_id->bytes, sizeof chance) == 0;
    return status;
}

static veld_status read_back_link(
    const veld_id *case_id, const veld_state_record *record, veld_summary *out)
{
    veld_status status = VELD_OK;
    const veld_state_field *field = veld_state_field_get(record, veld_span_text("dossier"));
    const veld_entry *e = field == NULL ? NULL : field->entries;
    for (; status == VELD_OK && e != NULL; e = e->next) {
        veld_place place;
        bool is = false;
        status = is_founders(case_id, record, e, &place, &is);
        if (status == VELD_OK && is) {
            out->compartment = place.compartment;
            out->dossier = place.case_id;
        }
    }
    return status;
}

veld_status part_read_place(veld_state *state, const veld_id *case_id,
    const veld_schema_set *schemas, veld_arena *arena, veld_summary *out, veld_error *err)
{
    size_t count;
    veld_buf links;
    veld_status status = VELD_OK;
    const veld_state_record *const *records = veld_state_records(state, &count);
    veld_buf_init(&links, VELD_STORE_BODY_BYTES_MAX / 2);
    out->compartment = VELD_COMPARTMENT_MAIN;
    out->dossier = (veld_id){0};
    veld_outlook outlook = veld_outlook_of(state, schemas, arena);
    for (size_t i = 0; records != NULL && i < count; i++) {
        if (veld_span_equal(records[i]->type, veld_span_text(VELD_TYPE_COMPARTMENT)))
            VELD_TRY(add_link(&outlook, records[i], &links));
        else if (veld_span_equal(records[i]->type, veld_span_text(VELD_TYPE_DOSSIER)))
            VELD_TRY(read_back_link(case_id, records[i], out));
    }
    VELD_TRY(records == NULL ? VELD_E_MEMORY : VELD_OK);
    VELD_TRY(veld_arena_copy(arena, veld_buf_span(&links), &out->links));
done:
    veld_buf_release(&links);
    return status == VELD_OK ? status : veld_fail(err, status, "no memory for the links of a case");
}

/* The cases of a dossier: which belong together, and opening those of one compartment. Where a case
 * stands follows from both links; one alone is believed only when the main case is not here to say
 * otherwise. */
#include "veldkit/part.h"

#include <stdlib.h>
#include <string.h>

#include "case_inner.h"
#include "part_inner.h"
#include "veldkit/assert.h"
#include "veldkit/context.h"
#include "veldkit/hash.h"
#include "veldkit/limits.h"
#include "veldkit/policy.h"
#include "veldkit/view.h"

bool veld_summary_links(
    const veld_summary *main, veld_compartment compartment, const veld_id *case_id)
{
    for (size_t at = 0; at + VELD_SUMMARY_LINK_BYTES <= main->links.len;
         at += VELD_SUMMARY_LINK_BYTES) {
        const uint8_t *link = main->links.data + at;
        if (link[0] == (uint8_t)compartment && memcmp(link + 1, case_id->bytes, VELD_ID_BYTES) == 0)
            return true;
    }
    return false;
}

veld_status veld_part_linked(
    veld_case *main, veld_compartment compartment, veld_id *out, veld_error *err)
{
    veld_arena arena;
    veld_summary summary = {0};
    *out = (veld_id){0};
    veld_arena_init(&arena, VELD_CHANGE_MEMORY_MAX);
    veld_status status =
        part_read_place(main->state, &main->id, main->desk.schemas, &arena, &summary, err);
    for (size_t at = 0; at + VELD_SUMMARY_LINK_BYTES <= summary.links.len;
         at += VELD_SUMMARY_LINK_BYTES) {
        veld_id linked;
        memcpy(linked.bytes, summary.links.data + at + 1, VELD_ID_BYTES);
        if (summary.links.data[at] == (uint8_t)compartment &&
            (veld_id_is_zero(out) || veld_id_compare(&linked, out) < 0))
            *out = linked;
    }
    veld_arena_release(&arena);
    return status;
}

/* What the field shows, and more: a word that is still disputed counts. */
static veld_status says_secret(veld_outlook *outlook, const veld_state_record *record, bool *out)
{
    veld_reading reading = {0};
    const veld_state_field *field = veld_state_field_get(record, veld_span_text("secret"));
    if (field == NULL)
        return VELD_OK;
    veld_status status = veld_policy_read(outlook, field, &reading);
    *out = status == VELD_OK && veld_span_equal(reading.effective, veld_span_text("true"));
    for (const veld_entry *e = field->entries; e != NULL && !e->replaced; e = e->next)
        *out = *out || veld_span_equal(e->value, veld_span_text("true"));
    return status;
}

veld_status veld_part_is_secret(veld_case *opened, bool *out, veld_error *err)
{
    size_t count;
    veld_arena arena;
    veld_status status = VELD_OK;
    *out = false;
    veld_arena_init(&arena, VELD_CHANGE_MEMORY_MAX);
    veld_outlook outlook = veld_outlook_of(opened->state, opened->desk.schemas, &arena);
    const veld_state_record *const *records = veld_state_records(opened->state, &count);
    if (records == NULL)
        status = VELD_E_MEMORY;
    for (size_t i = 0; status == VELD_OK && i < count && !*out; i++) {
        if (veld_span_equal(records[i]->type, veld_span_text("address")))
            status = says_secret(&outlook, records[i], out);
    }
    veld_arena_release(&arena);
    return status == VELD_OK ? status
                             : veld_fail(err, status, "no memory for the records of a case");
}

/* ---- which there are ---- */

static int by_place(const void *a, const void *b)
{
    const veld_place *left = a;
    const veld_place *right = b;
    int order = veld_id_compare(&left->dossier, &right->dossier);
    if (order == 0)
        order = (left->compartment > right->compartment) - (left->compartment < right->compartment);
    return order != 0 ? order : veld_id_compare(&left->case_id, &right->case_id);
}

/* All summaries, read once: places as they are claimed, and what main cases link: such a link is a
 * place too. */
typedef struct reading_places {
    veld_buf claimed, linked;
} reading_places;

static veld_status read_one(reading_places *all, const veld_store_summary *row, veld_error *err)
{
    veld_summary summary = {0};
    veld_status status = veld_summary_read(row->summary, &summary, err);
    if (status != VELD_OK)
        return status;
    bool is_main = veld_id_is_zero(&summary.dossier);
    veld_place place = {.case_id = row->case_id,
        .dossier = is_main ? row->case_id : summary.dossier,
        .compartment = summary.compartment};
    status = veld_buf_append(&all->claimed, &place, sizeof place);
    for (size_t at = 0; status == VELD_OK && is_main && at < summary.links.len;
         at += VELD_SUMMARY_LINK_BYTES) {
        veld_place link = {
            .dossier = row->case_id, .compartment = (veld_compartment)summary.links.data[at]};
        memcpy(link.case_id.bytes, summary.links.data + at + 1, VELD_ID_BYTES);
        status = veld_buf_append(&all->linked, &link, sizeof link);
    }
    return status == VELD_OK ? status : veld_fail(err, status, "no memory for the cases");
}

static bool is_there(const veld_place *sorted, size_t count, const veld_place *wanted)
{
    return count > 0 && bsearch(wanted, sorted, count, sizeof *sorted, by_place) != NULL;
}

static void sort_places(veld_buf *places)
{
    if (places->len > 0)
        qsort(places->data, places->len / sizeof(veld_place), sizeof(veld_place), by_place);
}

/* What is claimed, but for parts whose main case is here and does not link them: those stand alone.
 */
static void judge_claims(reading_places *all, veld_places *out)
{
    const veld_place *claimed = (const veld_place *)(const void *)all->claimed.data;
    const veld_place *linked = (const veld_place *)(const void *)all->linked.data;
    size_t links = all->linked.len / sizeof *linked;
    sort_places(&all->claimed);
    sort_places(&all->linked);
    for (size_t i = 0; i < out->count; i++) {
        veld_place main = {.case_id = claimed[i].dossier, .dossier = claimed[i].dossier};
        out->items[i] = claimed[i];
        if (claimed[i].compartment != VELD_COMPARTMENT_MAIN &&
            is_there(claimed, out->count, &main) && !is_there(linked, links, &claimed[i]))
            out->items[i].dossier = claimed[i].case_id;
    }
    if (out->count > 1)
        qsort(out->items, out->count, sizeof *out->items, by_place);
}

veld_status veld_places_load(veld_store *store, veld_places *out, veld_error *err)
{
    veld_store_cursor *cursor = NULL;
    reading_places all;
    bool more = true;
    veld_status status;
    *out = (veld_places){0};
    veld_buf_init(&all.claimed, VELD_INDEX_BYTES_MAX);
    veld_buf_init(&all.linked, VELD_INDEX_BYTES_MAX);
    VELD_TRY(veld_store_cases(store, &cursor, err));
    while (more) {
        veld_store_summary row;
        VELD_TRY(veld_store_cases_next(cursor, &more, &row, err));
        if (more)
            VELD_TRY(read_one(&all, &row, err));
    }
    size_t count = all.claimed.len / sizeof(veld_place);
    out->items = veld_allocate((count + 1) * sizeof *out->items);
    if (out->items == NULL) {
        status = veld_fail(err, VELD_E_MEMORY, "no memory for the cases");
        goto done;
    }
    out->count = count;
    judge_claims(&all, out);
done:
    veld_store_cursor_close(cursor);
    veld_buf_release(&all.claimed);
    veld_buf_release(&all.linked);
    return status;
}

/* Appends the place of a case that is here; of a part only when it says that it is that. */
static veld_status add_if_here(
    veld_store *store, const veld_place *wanted, veld_buf *out, veld_buf *links, veld_error *err)
{
    veld_buf row;
    veld_summary summary = {0};
    veld_buf_init(&row, VELD_STORE_BODY_BYTES_MAX);
    veld_status status = veld_store_get_summary(store, &wanted->case_id, &row, err);
    if (status == VELD_OK)
        status = veld_summary_read(veld_buf_span(&row), &summary, err);
    bool is_main = wanted->compartment == VELD_COMPARTMENT_MAIN;
    if (status == VELD_OK && summary.compartment == wanted->compartment &&
        (is_main || veld_id_equal(&summary.dossier, &wanted->dossier)))
        status = veld_buf_append(out, wanted, sizeof *wanted);
    if (status == VELD_OK && is_main)
        status = veld_buf_append_span(links, summary.links);
    veld_buf_wipe(&row);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

/* The place that a case claims for itself. */
static veld_status read_claim(
    veld_store *store, const veld_id *case_id, veld_place *out, veld_error *err)
{
    veld_buf row;
    veld_summary summary = {0};
    veld_buf_init(&row, VELD_STORE_BODY_BYTES_MAX);
    veld_status status = veld_store_get_summary(store, case_id, &row, err);
    if (status == VELD_OK)
        status = veld_summary_read(veld_buf_span(&row), &summary, err);
    if (status == VELD_OK)
        *out = (veld_place){.case_id = *case_id,
            .dossier = veld_id_is_zero(&summary.dossier) ? *case_id : summary.dossier,
            .compartment = summary.compartment};
    veld_buf_wipe(&row);
    return status;
}

veld_status veld_places_load_dossier(
    veld_store *store, const veld_id *case_id, veld_places *out, veld_error *err)
{
    veld_status status;
    veld_place own, wanted;
    veld_buf places, links;
    *out = (veld_places){0};
    veld_buf_init(&places, VELD_INDEX_BYTES_MAX);
    veld_buf_init(&links, VELD_STORE_BODY_BYTES_MAX);
    VELD_TRY(read_claim(store, case_id, &own, err));
    wanted = (veld_place){.case_id = own.dossier, .dossier = own.dossier};
    VELD_TRY(add_if_here(store, &wanted, &places, &links, err));
    for (size_t at = 0; at + VELD_SUMMARY_LINK_BYTES <= links.len; at += VELD_SUMMARY_LINK_BYTES) {
        wanted.compartment = (veld_compartment)links.data[at];
        memcpy(wanted.case_id.bytes, links.data + at + 1, VELD_ID_BYTES);
        VELD_TRY(add_if_here(store, &wanted, &places, &links, err));
    }
    if (places.len == 0)
        VELD_TRY(veld_buf_append(&places, &own, sizeof own));
    sort_places(&places);
    out->items = veld_allocate(places.len);
    if (out->items == NULL) {
        status = veld_fail(err, VELD_E_MEMORY, "no memory for the cases");
        goto done;
    }
    memcpy(out->items, places.data, places.len);
    out->count = places.len / sizeof own;
done:
    veld_buf_release(&places);
    veld_buf_release(&links);
    return status;
}

void veld_places_release(veld_places *places)
{
    veld_release(places->items);
    *places = (veld_places){0};
}

size_t veld_places_dossiers(const veld_places *places)
{
    size_t count = 0;
    for (size_t i = 0; i < places->count; i++)
        count += i == 0 || !veld_id_equal(&places->items[i].dossier, &places->items[i - 1].dossier);
    return count;
}

const veld_place *veld_places_of(const veld_places *places, const veld_id *case_id)
{
    for (size_t i = 0; i < places->count; i++) {
        if (veld_id_equal(&places->items[i].case_id, case_id))
            return &places->items[i];
    }
    return NULL;
}

const veld_place *veld_places_list(
    const veld_places *places, const veld_id *dossier, veld_compartment compartment, size_t *count)
{
    const veld_place *first = NULL;
    *count = 0;
    for (size_t i = 0; i < places->count; i++) {
        const veld_place *place = &places->items[i];
        if (place->compartment != compartment || !veld_id_equal(&place->dossier, dossier))
            continue;
        first = first == NULL ? place : first;
        ++*count;
    }
    return first;
}

void veld_places_search(const veld_places *places, const char *word,
    bool (*fits)(const veld_id *id, const char *word), veld_place *out, size_t *matches)
{
    *matches = 0;
    for (size_t i = 0; i < places->count; i++) {
        const veld_place *place = &places->items[i];
        bool is_first = i == 0 || !veld_id_equal(&place[-1].dossier, &place->dossier);
        if (is_first && fits(&place->dossier, word)) {
            *out = (veld_place){.case_id = place->dossier, .dossier = place->dossier};
            ++*matches;
        }
        if (!veld_id_equal(&place->case_id, &place->dossier) && fits(&place->case_id, word)) {
            *out = *place;
            ++*matches;
        } else if (is_first && place->compartment != VELD_COMPARTMENT_MAIN &&
                   veld_id_equal(&place->case_id, &place->dossier) && fits(&place->case_id, word)) {
            *out = *place; /* it stands alone: the same case, counted above */
        }
    }
}

/* ---- opened ---- */

veld_status veld_part_open(
    const veld_desk *desk, const veld_place *first, size_t count, veld_part *out, veld_error *err)
{
    veld_status status = VELD_OK;
    VELD_ASSERT(count > 0);
    *out = (veld_part){.place = *first};
    if (count > 1)
        out->place.case_id = (veld_id){0};
    out->cases = veld_allocate(count * sizeof *out->cases);
    if (out->cases == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for %zu cases", count);
    for (size_t i = 0; i < count; i++) {
        VELD_TRY(veld_case_open(desk, &first[i].case_id, &out->cases[i], err));
        out->count++;
    }
done:
    return status;
}

void veld_part_close(veld_part *part)
{
    for (size_t i = 0; i < part->count; i++)
        veld_case_close(part->cases[i]);
    veld_release(part->cases);
    *part = (veld_part){0};
}

veld_status veld_part_state_id(veld_part *part, veld_hash *out, veld_error *err)
{
    veld_status status = VELD_OK;
    veld_sha256_stream stream = {0};
    VELD_ASSERT(part->count > 0);
    if (part->count == 1)
        return veld_case_state_id(part->cases[0], out, err);
    VELD_TRY(veld_sha256_start(&stream, VELD_CONTEXT_HASH_PART, err));
    for (size_t i = 0; i < part->count; i++) {
        veld_hash one;
        status = veld_case_state_id(part->cases[i], &one, err);
        if (status == VELD_OK)
            status = veld_sha256_add(&stream, veld_id_span(veld_case_id(part->cases[i])), err);
        if (status == VELD_OK)
            status = veld_sha256_add(&stream, veld_hash_span(&one), err);
        if (status != VELD_OK) {
            veld_sha256_abort(&stream);
            goto done;
        }
    }
    status = veld_sha256_finish(&stream, out, err);
done:
    return status;
}

veld_status veld_part_view(
    veld_part *part, const veld_schema_set *schemas, veld_buf *out, veld_error *err)
{
    veld_hash state_id;
    char text[VELD_HASH_TEXT_SIZE];
    veld_arena arena;
    veld_json_writer writer = {0};
    veld_status status;
    veld_arena_init(&arena, VELD_STATE_BYTES_MAX);
    VELD_TRY(veld_part_state_id(part, &state_id, err));
    veld_hash_format(&state_id, text);
    veld_view_part *parts = veld_arena_get(&arena, part->count, sizeof *parts);
    if (parts == NULL) {
        status = veld_fail(err, VELD_E_MEMORY, "no memory to show a case");
        goto done;
    }
    for (size_t i = 0; i < part->count; i++)
        parts[i] = (veld_view_part){
            .case_id = *veld_case_id(part->cases[i]), .state = veld_case_state(part->cases[i])};
    veld_json_writer_init(&writer, out);
    VELD_TRY(veld_view_case(
        &part->place, parts, part->count, veld_span_text(text), schemas, &arena, &writer, err));
    VELD_TRY(veld_json_writer_finish(&writer, err));
done:
    veld_json_writer_release(&writer);
    veld_arena_release(&arena);
    return status;
}

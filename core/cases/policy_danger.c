/* Which danger a write did not know. The questions asked about one case cost together no more than
 * the writes, their bases, and a logarithm: a known device may write many of each. */
#include <stdlib.h>

#include "policy_facts.h"
#include "veldkit/limits.h"

static int by_id(const void *a, const void *b)
{
    return veld_write_id_compare(
        &(*(const veld_entry *const *)a)->id, &(*(const veld_entry *const *)b)->id);
}

static int by_core(const void *a, const void *b)
{
    return veld_hash_compare(&(*(const veld_entry *const *)a)->origin->core,
        &(*(const veld_entry *const *)b)->origin->core);
}

static int by_known_id(const void *a, const void *b)
{
    return veld_write_id_compare(((const known_by *)a)->id, ((const known_by *)b)->id);
}

/* ---- finding ---- */

/* The visible writes of one kind in a case, gathered in two rounds: counted, then listed. */
typedef struct gathering {
    bool (*wanted)(const veld_schema_field *schema, veld_span value);
    const veld_entry **list; /* NULL in the first round */
    size_t count;
} gathering;

static void gather_field(
    gathering *g, const veld_schema_field *schema, const veld_state_field *field)
{
    for (const veld_entry *e = field->entries; e != NULL && !e->replaced; e = e->next) {
        if (!g->wanted(schema, e->value))
            continue;
        if (g->list != NULL)
            g->list[g->count] = e;
        g->count++;
    }
}

static void gather_record(
    gathering *g, const veld_outlook *outlook, const veld_state_record *record)
{
    const veld_schema *schema = veld_schema_get(outlook->schemas, record->type);
    bool removed = false, asked = false;
    for (const veld_state_field *f = record->fields; schema != NULL && f != NULL; f = f->next) {
        const veld_schema_field *of = veld_schema_field_get(schema, f->name);
        if (of == NULL || (of->danger == VELD_DANGER_NONE && !of->held_by_danger))
            continue;
        if (!asked)
            removed = veld_policy_removed(record);
        asked = true;
        if (!removed)
            gather_field(g, of, f);
    }
}

static veld_status gather(veld_outlook *outlook,
    bool (*wanted)(const veld_schema_field *schema, veld_span value), const veld_entry ***out,
    size_t *count)
{
    size_t records_count;
    gathering g = {.wanted = wanted};
    const veld_state_record *const *records = veld_state_records(outlook->state, &records_count);
    *count = 0;
    if (records == NULL)
        return VELD_E_MEMORY;
    for (size_t i = 0; i < records_count; i++)
        gather_record(&g, outlook, records[i]);
    g.list = veld_arena_get(outlook->arena, g.count, sizeof *g.list);
    if (g.list == NULL)
        return VELD_E_MEMORY;
    g.count = 0;
    for (size_t i = 0; i < records_count; i++)
        gather_record(&g, outlook, records[i]);
    qsort(g.list, g.count, sizeof *g.list, by_id);
    *out = g.list;
    *count = g.count;
    return VELD_OK;
}

static bool is_held_by_danger(const veld_schema_field *schema, veld_span value)
{
    (void)value;
    return schema->held_by_danger;
}

static veld_status index_dangers(veld_outlook *outlook, struct policy_facts *facts)
{
    size_t count = facts->dangers_count;
    size_t named = 0;
    for (size_t i = 0; i < count; i++)
        named += facts->dangers[i]->basis_count;
    known_by *known = veld_arena_get(outlook->arena, named, sizeof *known);
    facts->dangers_by_core = veld_arena_get(outlook->arena, count, sizeof *facts->dangers_by_core);
    facts->stamps = veld_arena_get(outlook->arena, count, sizeof *facts->stamps);
    if (known == NULL || facts->dangers_by_core == NULL || facts->stamps == NULL)
        return VELD_E_MEMORY;
    for (size_t i = 0; i < count; i++) {
        const veld_entry *danger = facts->dangers[i];
        facts->dangers_by_core[i] = danger;
        for (size_t k = 0; k < danger->basis_count; k++)
            known[facts->known_count++] = (known_by){.id = &danger->basis[k], .danger = i};
    }
    qsort(known, facts->known_count, sizeof *known, by_known_id);
    qsort(facts->dangers_by_core, count, sizeof *facts->dangers_by_core, by_core);
    facts->known = known;
    facts->dangers_found = true;
    return VELD_OK;
}

veld_status policy_dangers(veld_outlook *outlook, const veld_entry *const **out, size_t *count)
{
    struct policy_facts *facts = policy_facts_of(outlook);
    veld_status status = facts == NULL ? VELD_E_MEMORY : VELD_OK;
    if (status == VELD_OK && !facts->dangers_found) {
        status = gather(outlook, veld_schema_is_danger, &facts->dangers, &facts->dangers_count);
        if (status == VELD_OK)
            status = index_dangers(outlook, facts);
    }
    *out = facts == NULL ? NULL : facts->dangers;
    *count = status == VELD_OK ? facts->dangers_count : 0;
    return status;
}

/* ---- who knows whom ---- */

static bool is_of_core(const veld_entry *danger, const veld_entry *entry)
{
    return veld_hash_equal(&danger->origin->core, &entry->origin->core);
}

/* The dangers of the entry's own change. */
static size_t count_of_core(const struct policy_facts *facts, const veld_entry *entry)
{
    size_t low = 0, high = facts->dangers_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (by_core(&facts->dangers_by_core[middle], &entry) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    size_t first = low;
    for (high = facts->dangers_count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (by_core(&facts->dangers_by_core[middle], &entry) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low - first;
}

/* Count a danger once for each question, and not when it is of the entry's own change. */
static void know(struct policy_facts *facts, const veld_entry *entry, size_t danger, size_t *known)
{
    if (facts->stamps[danger] == facts->questions || is_of_core(facts->dangers[danger], entry))
        return;
    facts->stamps[danger] = facts->questions;
    (*known)++;
}

static void know_from_basis(struct policy_facts *facts, const veld_entry *entry, size_t *known)
{
    for (size_t i = 0; i < entry->basis_count; i++) {
        veld_entry wanted = {.id = entry->basis[i]};
        const veld_entry *key = &wanted;
        const veld_entry **found =
            bsearch(&key, facts->dangers, facts->dangers_count, sizeof *facts->dangers, by_id);
        if (found != NULL)
            know(facts, entry, (size_t)(found - facts->dangers), known);
    }
}

static void know_from_dangers(struct policy_facts *facts, const veld_entry *entry, size_t *known)
{
    size_t low = 0, high = facts->known_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (veld_write_id_compare(facts->known[middle].id, &entry->id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < facts->known_count && veld_write_id_equal(facts->known[low].id, &entry->id); low++)
        know(facts, entry, facts->known[low].danger, known);
}

veld_status policy_unknown_danger(veld_outlook *outlook, const veld_entry *entry, bool *out,
    const veld_entry **list, size_t max, size_t *listed)
{
    const veld_entry *const *dangers;
    size_t count;
    *out = false;
    veld_status status = policy_dangers(outlook, &dangers, &count);
    if (status != VELD_OK || count == 0)
        return status;
    struct policy_facts *facts = policy_facts_of(outlook);
    size_t known = count_of_core(facts, entry);
    facts->questions++;
    know_from_basis(facts, entry, &known);
    know_from_dangers(facts, entry, &known);
    *out = known < count;
    for (size_t i = 0; max > 0 && i < count && *listed < max; i++) {
        if (facts->stamps[i] != facts->questions && !is_of_core(dangers[i], entry))
            list[(*listed)++] = dangers[i];
    }
    return VELD_OK;
}

/* ---- what a new write names ---- */

static void add_ids(
    veld_write_id *ids, size_t *count, const veld_entry *const *entries, size_t entries_count)
{
    for (size_t i = 0; i < entries_count; i++)
        ids[(*count)++] = entries[i]->id;
}

static int by_write_id(const void *a, const void *b)
{
    return veld_write_id_compare(a, b);
}

/* Sorted, each once; more than a write can name are left out, and then hold it back. */
static size_t tidy(veld_write_id *ids, size_t count)
{
    size_t kept = 0;
    qsort(ids, count, sizeof *ids, by_write_id);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || !veld_write_id_equal(&ids[kept - 1], &ids[i]))
            ids[kept++] = ids[i];
    }
    return kept < VELD_CHANGE_REFERENCES_MAX ? kept : VELD_CHANGE_REFERENCES_MAX;
}

static veld_status lowers(veld_outlook *outlook, const veld_schema_field *schema,
    const veld_state_field *field, veld_span value, bool *out)
{
    veld_reading reading;
    *out = false;
    if (!schema->held_by_danger || field == NULL)
        return VELD_OK;
    veld_status status = veld_policy_read(outlook, field, &reading);
    if (status == VELD_OK)
        *out = veld_schema_protection(schema, value) <
               veld_schema_protection(schema, reading.effective);
    return status;
}

veld_status veld_policy_basis(veld_outlook *outlook, const veld_schema_field *schema,
    const veld_state_field *field, veld_span value, const veld_write_id **out, size_t *count)
{
    const veld_entry *const *dangers = NULL;
    const veld_entry **weighed = NULL;
    size_t dangers_count = 0, weighed_count = 0;
    bool lowering = false;
    *out = NULL;
    *count = 0;
    if (schema == NULL)
        return VELD_OK;
    veld_status status = lowers(outlook, schema, field, value, &lowering);
    if (status == VELD_OK && lowering)
        status = policy_dangers(outlook, &dangers, &dangers_count);
    if (status == VELD_OK && veld_schema_is_danger(schema, value))
        status = gather(outlook, is_held_by_danger, &weighed, &weighed_count);
    if (status != VELD_OK || dangers_count + weighed_count == 0)
        return status;
    veld_write_id *ids = veld_arena_get(outlook->arena, dangers_count + weighed_count, sizeof *ids);
    if (ids == NULL)
        return VELD_E_MEMORY;
    add_ids(ids, count, dangers, dangers_count);
    add_ids(ids, count, weighed, weighed_count);
    *count = tidy(ids, *count);
    *out = ids;
    return VELD_OK;
}

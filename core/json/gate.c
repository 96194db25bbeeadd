/* The gate: one pass over bytes from outside that says whether they are the JSON we promise to
 * read, before any parser sees them. A list of open levels takes the place of recursion, and a name
 * of an open object is an entry in one shared stack. Duplicate names are found when an object ends:
 * pairwise when it has few, else by a hash table that gives up when hashes collide too often, and
 * then by sorting. So an attacker who knows the hash makes it n log n and no worse, and no secret
 * key is needed. Must not know what the documents mean. */
#include <stdio.h>
#include <string.h>

#include "json_internal.h"
#include "veldkit/assert.h"
#include "veldkit/env.h"

/* Up to this many members a pairwise comparison is quickest. */
enum { PAIRWISE_MAX = 24, STEPS_PER_NAME = 8, FIRST_NAMES = 64 };

/* ---- errors ---- */

static void point_to_name(const json_gate *gate, veld_json_pointer *pointer, const json_name *name)
{
    veld_span raw = {.data = gate->bytes + name->offset, .len = name->bytes};
    if (!name->escaped) {
        veld_json_pointer_name(pointer, raw);
        return;
    }
    /* Unescaped it is never longer; what exceeds the pointer is cut anyway. */
    uint8_t text[VELD_JSON_POINTER_MAX + 8];
    size_t len = 0;
    for (size_t at = 0; at < raw.len && len <= VELD_JSON_POINTER_MAX;) {
        uint32_t point = json_unescape_next(raw, &at);
        if (point == 0 || (point >= 0xD800 && point <= 0xDFFF))
            point = 0xFFFD;
        len += json_utf8_put(text + len, point);
    }
    veld_json_pointer_name(pointer, veld_span_of(text, len));
    veld_wipe(text, sizeof text);
}

static void record(
    json_gate *gate, veld_status status, size_t offset, const json_name *name, const char *text)
{
    if (gate->first == VELD_OK) {
        gate->first = status;
        (void)veld_fail(gate->err, status, "json, byte %zu: %s", offset, text);
    }
    if (gate->errors == NULL)
        return;
    veld_json_pointer pointer;
    veld_json_pointer_init(&pointer);
    for (unsigned i = 0; i < gate->depth && gate->errors->kept < VELD_JSON_ERRORS_KEPT_MAX; i++) {
        const json_gate_level *level = &gate->levels[i];
        if (i + 1 == gate->depth && !gate->in_child)
            break;
        if (level->is_object)
            point_to_name(gate, &pointer, &level->name);
        else
            veld_json_pointer_index(&pointer, level->index);
    }
    if (name != NULL)
        point_to_name(gate, &pointer, name);
    veld_json_errors_add(gate->errors, status, pointer.text, offset, "%s", text);
    veld_wipe(&pointer, sizeof pointer);
}

veld_status json_gate_fail(json_gate *gate, veld_status status, size_t offset, const char *text)
{
    VELD_ASSERT(status != VELD_OK && offset <= gate->len);
    record(gate, status, offset, NULL, text);
    return status;
}

static veld_status note(json_gate *gate, size_t offset, const json_name *name, const char *text)
{
    record(gate, VELD_E_FORM, offset, name, text);
    bool go_on = gate->errors != NULL && gate->rules != VELD_JSON_CANONICAL;
    return go_on ? VELD_OK : VELD_E_FORM;
}

veld_status json_gate_note(json_gate *gate, size_t offset, const char *text)
{
    VELD_ASSERT(offset <= gate->len);
    return note(gate, offset, NULL, text);
}

/* ---- names ---- */

static veld_status keep_name(json_gate *gate, json_name name)
{
    if (gate->names_len == gate->names_capacity) {
        size_t capacity = gate->names_capacity == 0 ? FIRST_NAMES : gate->names_capacity * 2;
        json_name *names = veld_resize(gate->names, capacity * sizeof *names);
        if (names == NULL)
            return json_gate_fail(gate, VELD_E_MEMORY, name.offset, "no memory");
        gate->names = names;
        gate->names_capacity = capacity;
    }
    gate->names[gate->names_len++] = name;
    return VELD_OK;
}

static veld_span raw_name(const json_gate *gate, const json_name *name)
{
    return (veld_span){.data = gate->bytes + name->offset, .len = name->bytes};
}

static int compare_meaning(const json_gate *gate, const json_name *a, const json_name *b)
{
    if (a->escaped || b->escaped)
        return json_raw_compare(raw_name(gate, a), raw_name(gate, b));
    return veld_json_compare_names(raw_name(gate, a), raw_name(gate, b));
}

/* By hash, then by meaning, then by place: of equal names the first in the document comes first. */
static int compare_names(const void *a, const void *b, const void *context)
{
    const json_name *left = a;
    const json_name *right = b;
    if (left->hash != right->hash)
        return left->hash < right->hash ? -1 : 1;
    int order = compare_meaning(context, left, right);
    if (order != 0)
        return order;
    return left->offset < right->offset ? -1 : left->offset > right->offset;
}

static bool names_equal(const json_gate *gate, const json_name *a, const json_name *b)
{
    return a->hash == b->hash && compare_meaning(gate, a, b) == 0;
}

/* True when a hash table saw at once that all names differ. False when two are equal, when many
 * hashes collide or when there is no memory: then sorting finds out. */
static bool surely_differ(const json_gate *gate, const json_name *names, size_t count)
{
    size_t slots = 4 * PAIRWISE_MAX;
    while (slots < 2 * count)
        slots *= 2;
    uint32_t *table = veld_allocate(slots * sizeof *table); /* index + 1; 0 is free */
    if (table == NULL)
        return false;
    bool differ = true;
    size_t steps_left = STEPS_PER_NAME * count;
    for (size_t i = 0; i < count && differ; i++) {
        size_t at = (size_t)(names[i].hash ^ (names[i].hash >> 32)) & (slots - 1);
        while (table[at] != 0 && differ) {
            differ = steps_left > 0 && !names_equal(gate, &names[i], &names[table[at] - 1]);
            steps_left -= differ;
            at = (at + 1) & (slots - 1);
        }
        table[at] = (uint32_t)(i + 1);
    }
    veld_release(table);
    return differ;
}

static veld_status note_duplicate(json_gate *gate, const json_name *name)
{
    return note(gate, name->offset - 1, name, "the object has this member twice");
}

/* At the end of the innermost object. */
static veld_status check_duplicates(json_gate *gate, size_t names_begin)
{
    size_t count = gate->names_len - names_begin;
    if (count < 2)
        return VELD_OK;
    json_name *names = gate->names + names_begin;
    veld_status status = VELD_OK;
    gate->in_child = false;
    if (count <= PAIRWISE_MAX) {
        for (size_t i = 1; i < count; i++) {
            size_t j = 0;
            while (j < i && !names_equal(gate, &names[i], &names[j]))
                j++;
            if (j < i)
                VELD_TRY(note_duplicate(gate, &names[i]));
        }
        goto done;
    }
    if (surely_differ(gate, names, count))
        goto done;
    json_sort(names, count, sizeof *names, compare_names, gate);
    for (size_t i = 1; i < count; i++) {
        if (names_equal(gate, &names[i - 1], &names[i]))
            VELD_TRY(note_duplicate(gate, &names[i]));
    }
done:
    return status;
}

/* ---- structure ---- */
typedef enum gate_state { WANT_VALUE, WANT_NAME, AFTER_VALUE } gate_state;

static veld_status skip_space(json_gate *gate)
{
    size_t begin = gate->at;
    while (gate->at < gate->len) {
        uint8_t c = gate->bytes[gate->at];
        if (c != ' ' && c != '\n' && c != '\r' && c != '\t')
            break;
        gate->at++;
    }
    if (gate->at > begin && gate->rules == VELD_JSON_CANONICAL)
        return json_gate_note(gate, begin, "canonical form has no space between values");
    return VELD_OK;
}

static bool next_is(const json_gate *gate, char byte)
{
    return gate->at < gate->len && gate->bytes[gate->at] == (uint8_t)byte;
}

static veld_status expected(json_gate *gate, const char *text)
{
    return json_gate_fail(
        gate, VELD_E_FORM, gate->at, gate->at == gate->len ? "the document ends too early" : text);
}

static veld_status count_value(json_gate *gate)
{
    if (gate->values > VELD_JSON_MEMBERS_MAX)
        return json_gate_fail(
            gate, VELD_E_LIMIT, gate->at, "more than 200000 members and elements");
    gate->values++;
    return VELD_OK;
}

static veld_status leave(json_gate *gate)
{
    VELD_ASSERT(gate->depth > 0);
    json_gate_level *level = &gate->levels[gate->depth - 1];
    gate->at++;
    if (level->is_object) {
        if (gate->rules == VELD_JSON_IJSON || gate->rules == VELD_JSON_STRICT) {
            veld_status status = check_duplicates(gate, level->names_begin);
            if (status != VELD_OK)
                return status;
        }
        gate->names_len = level->names_begin;
    }
    gate->depth--;
    gate->in_child = true;
    return VELD_OK;
}

/* At an opening bracket; an empty container is left at once. */
static veld_status enter(json_gate *gate, bool is_object, gate_state *next)
{
    if (gate->depth == VELD_JSON_DEPTH_MAX)
        return json_gate_fail(gate, VELD_E_LIMIT, gate->at, "more than 64 levels deep");
    gate->at++;
    json_gate_level *level = &gate->levels[gate->depth++];
    if (gate->depth > gate->deepest)
        gate->deepest = gate->depth;
    *level = (json_gate_level){.is_object = is_object, .names_begin = gate->names_len};
    gate->in_child = false;
    veld_status status = skip_space(gate);
    if (status != VELD_OK)
        return status;
    if (next_is(gate, is_object ? '}' : ']')) {
        *next = AFTER_VALUE;
        return leave(gate);
    }
    *next = is_object ? WANT_NAME : WANT_VALUE;
    gate->in_child = !is_object;
    return VELD_OK;
}

static veld_status scan_word(json_gate *gate, const char *word)
{
    size_t len = strlen(word);
    if (gate->len - gate->at < len || memcmp(gate->bytes + gate->at, word, len) != 0)
        return json_gate_fail(gate, VELD_E_FORM, gate->at, "expected a value");
    gate->at += len;
    return VELD_OK;
}

static veld_status scan_value(json_gate *gate, gate_state *next)
{
    veld_status status = count_value(gate);
    if (status != VELD_OK)
        return status;
    if (gate->at == gate->len)
        return expected(gate, "expected a value");
    *next = AFTER_VALUE;
    uint8_t byte = gate->bytes[gate->at];
    switch (byte) {
    case '{':
    case '[':
        return enter(gate, byte == '{', next);
    case '"':
        return json_scan_text(gate, NULL);
    case 't':
        return scan_word(gate, "true");
    case 'f':
        return scan_word(gate, "false");
    case 'n':
        return scan_word(gate, "null");
    default:
        if (byte == '-' || (byte >= '0' && byte <= '9'))
            return json_scan_number(gate);
        return expected(gate, "expected a value");
    }
}

static veld_status scan_name(json_gate *gate)
{
    veld_status status = VELD_OK;
    json_gate_level *level = &gate->levels[gate->depth - 1];
    gate->in_child = false;
    if (!next_is(gate, '"'))
        return expected(gate, "expected a member name in quotes");
    json_name name;
    json_name previous = level->name;
    VELD_TRY(json_scan_text(gate, &name));
    level->name = name;
    gate->in_child = true;
    if (gate->rules == VELD_JSON_CANONICAL) {
        if (level->index > 0 && compare_meaning(gate, &previous, &name) >= 0)
            VELD_TRY(json_gate_note(gate, name.offset - 1, "the member is not in canonical order"));
    } else if (gate->rules != VELD_JSON_RFC8259) {
        name.hash = json_scan_hash(gate, &name);
        VELD_TRY(keep_name(gate, name));
    }
    VELD_TRY(skip_space(gate));
    if (!next_is(gate, ':'))
        return expected(gate, "expected a colon behind the member name");
    gate->at++;
done:
    return status;
}

static veld_status after_value(json_gate *gate, gate_state *next)
{
    json_gate_level *level = &gate->levels[gate->depth - 1];
    if (next_is(gate, ',')) {
        gate->at++;
        level->index++;
        gate->in_child = !level->is_object;
        *next = level->is_object ? WANT_NAME : WANT_VALUE;
        return VELD_OK;
    }
    if (next_is(gate, level->is_object ? '}' : ']'))
        return leave(gate);
    gate->in_child = false;
    return expected(gate, level->is_object ? "expected a comma or the end of the object"
                                           : "expected a comma or the end of the array");
}

static veld_status run(json_gate *gate)
{
    veld_status status = VELD_OK;
    gate_state state = WANT_VALUE;
    if (gate->len > VELD_JSON_BYTES_MAX)
        return json_gate_fail(gate, VELD_E_LIMIT, 0, "larger than 8 MiB");
    if (gate->len >= 3 && memcmp(gate->bytes, "\xEF\xBB\xBF", 3) == 0)
        return json_gate_fail(gate, VELD_E_FORM, 0, "begins with a byte order mark");
    while (state != AFTER_VALUE || gate->depth > 0) {
        VELD_TRY(skip_space(gate));
        if (state == WANT_VALUE) {
            VELD_TRY(scan_value(gate, &state));
        } else if (state == WANT_NAME) {
            VELD_TRY(scan_name(gate));
            state = WANT_VALUE;
        } else {
            VELD_TRY(after_value(gate, &state));
        }
    }
    VELD_TRY(skip_space(gate));
    if (gate->at < gate->len)
        return json_gate_fail(gate, VELD_E_FORM, gate->at, "expected nothing behind the value");
done:
    return status;
}

veld_status json_gate_run(veld_span bytes, veld_json_rules rules, json_size *size,
    veld_json_errors *errors, veld_error *err)
{
    VELD_ASSERT(bytes.data != NULL || bytes.len == 0);
    VELD_ASSERT(rules >= VELD_JSON_RFC8259 && rules <= VELD_JSON_CANONICAL);
    json_gate gate;
    memset(&gate, 0, offsetof(json_gate, levels)); /* a level is set when it is entered */
    gate.bytes = bytes.data;
    gate.len = bytes.len;
    gate.rules = rules;
    gate.errors = errors;
    gate.err = err;
    (void)run(&gate);
    veld_release(gate.names);
    if (size != NULL)
        *size = (json_size){.values = gate.values, .depth = gate.deepest};
    return gate.first;
}

veld_status veld_json_check(
    veld_span bytes, veld_json_rules rules, veld_json_errors *errors, veld_error *err)
{
    return json_gate_run(bytes, rules, NULL, errors, err);
}

bool veld_json_is_canonical(veld_span bytes)
{
    return json_gate_run(bytes, VELD_JSON_CANONICAL, NULL, NULL, NULL) == VELD_OK;
}

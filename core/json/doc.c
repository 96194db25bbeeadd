/* Reading what passed the gate. cJSON builds its tree inside the arena of the document, so that the
 * memory has a maximum that follows from what the gate counted, and one release wipes and frees
 * all. The only file that includes cJSON.h; hands out its nodes as opaque values. */
#include <cjson/cJSON.h>
#include <stdatomic.h>
#include <string.h>

#include "json_internal.h"
#include "veldkit/arena.h"
#include "veldkit/assert.h"
#include "veldkit/env.h"

struct veld_json_doc {
    veld_arena arena;
    const cJSON *root;
};

/* ---- cJSON's memory ---- */

/* cJSON's allocator knows no context, so the parse that runs on this thread says where to. */
static _Thread_local veld_arena *arena_of_parse;
static _Thread_local bool memory_failed;

enum { HOOKS_UNSET = 0, HOOKS_BEING_SET, HOOKS_SET };
static atomic_int hooks = HOOKS_UNSET;

/* Outside of a parse of ours these serve a program that uses cJSON itself. */
static void *hook_allocate(size_t bytes)
{
    if (arena_of_parse == NULL)
        return veld_allocate(bytes > 0 ? bytes : 1);
    void *memory = veld_arena_get(arena_of_parse, 1, bytes);
    if (memory == NULL)
        memory_failed = true;
    return memory;
}

static void hook_release(void *block)
{
    if (arena_of_parse == NULL)
        veld_release(block);
}

static void set_hooks(void)
{
    if (atomic_load_explicit(&hooks, memory_order_acquire) == HOOKS_SET)
        return;
    int unset = HOOKS_UNSET;
    if (atomic_compare_exchange_strong(&hooks, &unset, HOOKS_BEING_SET)) {
        cJSON_Hooks functions = {.malloc_fn = hook_allocate, .free_fn = hook_release};
        cJSON_InitHooks(&functions);
        atomic_store_explicit(&hooks, HOOKS_SET, memory_order_release);
    }
    while (atomic_load_explicit(&hooks, memory_order_acquire) != HOOKS_SET) {
        /* Another thread is between the two lines above. */
    }
}

/* ---- documents ---- */

/* What cJSON asks for at most: a node for each value, and a copy of each text and name, each
 * rounded up by the arena. */
static size_t memory_max(veld_span bytes, const json_size *size)
{
    size_t rounding = 2 * sizeof(max_align_t);
    return size->values * (sizeof(cJSON) + 3 * rounding) + bytes.len + 4096;
}

static veld_status read_into(veld_json_doc *doc, veld_span bytes, veld_error *err)
{
    set_hooks();
    arena_of_parse = &doc->arena;
    memory_failed = false;
    doc->root = cJSON_ParseWithLength((const char *)bytes.data, bytes.len);
    arena_of_parse = NULL;
    if (doc->root != NULL)
        return VELD_OK;
    if (memory_failed)
        return veld_fail(err, VELD_E_MEMORY, "no memory for a json document");
    return veld_fail(err, VELD_E_FORM, "the json parser refuses what the gate let pass");
}

veld_status veld_json_parse(veld_span bytes, veld_json_rules rules, veld_json_doc **out,
    veld_json_errors *errors, veld_error *err)
{
    VELD_ASSERT(out != NULL && rules != VELD_JSON_RFC8259);
    *out = NULL;
    veld_json_doc *doc = NULL;
    json_size size = {0};
    veld_status status = VELD_OK;
    VELD_TRY(json_gate_run(bytes, rules, &size, errors, err));
    doc = veld_allocate(sizeof *doc);
    if (doc == NULL) {
        status = veld_fail(err, VELD_E_MEMORY, "no memory for a json document");
    } else {
        veld_arena_init(&doc->arena, memory_max(bytes, &size));
        status = read_into(doc, bytes, err);
    }
    if (status != VELD_OK) {
        veld_json_errors_add(errors, status, "", SIZE_MAX,
            status == VELD_E_MEMORY ? "no memory" : "the parser refuses what the gate let pass");
        goto done;
    }
    *out = doc;
    doc = NULL;
done:
    veld_json_doc_free(doc);
    return status;
}

void veld_json_doc_free(veld_json_doc *doc)
{
    if (doc == NULL)
        return;
    veld_arena_release(&doc->arena);
    veld_release(doc);
}

/* ---- values ---- */

static const cJSON *node_of(const veld_json_value *value)
{
    return (const cJSON *)(const void *)value;
}

static const veld_json_value *value_of(const cJSON *node)
{
    return (const veld_json_value *)(const void *)node;
}

static int kind_of(const cJSON *node)
{
    return node != NULL ? node->type & 0xFF : cJSON_Invalid;
}

static bool is_container(const cJSON *node)
{
    int kind = kind_of(node);
    return kind == cJSON_Object || kind == cJSON_Array;
}

const veld_json_value *veld_json_root(const veld_json_doc *doc)
{
    return doc != NULL ? value_of(doc->root) : NULL;
}

static bool number_is_integer(double number)
{
    if (!(number >= (double)VELD_JSON_INTEGER_MIN && number <= (double)VELD_JSON_INTEGER_MAX))
        return false;
    double rest = number - (double)(int64_t)number;
    return !(rest < 0.0 || rest > 0.0);
}

veld_json_type veld_json_type_of(const veld_json_value *value)
{
    const cJSON *node = node_of(value);
    switch (kind_of(node)) {
    case cJSON_NULL:
        return VELD_JSON_TYPE_NULL;
    case cJSON_False:
    case cJSON_True:
        return VELD_JSON_TYPE_BOOLEAN;
    case cJSON_Number:
        return number_is_integer(node->valuedouble) ? VELD_JSON_TYPE_INTEGER
                                                    : VELD_JSON_TYPE_FRACTION;
    case cJSON_String:
        return VELD_JSON_TYPE_TEXT;
    case cJSON_Array:
        return VELD_JSON_TYPE_ARRAY;
    case cJSON_Object:
        return VELD_JSON_TYPE_OBJECT;
    default:
        return VELD_JSON_TYPE_NONE;
    }
}

const char *veld_json_type_name(veld_json_type type)
{
    static const char *const names[] = {
        "nothing", "null", "boolean", "integer", "fraction", "text", "array", "object"};
    VELD_ASSERT((size_t)type < sizeof names / sizeof names[0]);
    return names[type];
}

const veld_json_value *veld_json_first(const veld_json_value *container)
{
    const cJSON *node = node_of(container);
    return is_container(node) ? value_of(node->child) : NULL;
}

const veld_json_value *veld_json_next(const veld_json_value *value)
{
    return value != NULL ? value_of(node_of(value)->next) : NULL;
}

const veld_json_value *veld_json_get(const veld_json_value *object, const char *name)
{
    VELD_ASSERT(name != NULL);
    if (kind_of(node_of(object)) != cJSON_Object)
        return NULL;
    const cJSON *member = node_of(object)->child;
    while (member != NULL && strcmp(member->string, name) != 0)
        member = member->next;
    return value_of(member);
}

const veld_json_value *veld_json_at(const veld_json_value *array, size_t index)
{
    if (kind_of(node_of(array)) != cJSON_Array)
        return NULL;
    const cJSON *element = node_of(array)->child;
    while (element != NULL && index-- > 0)
        element = element->next;
    return value_of(element);
}

size_t veld_json_count(const veld_json_value *container)
{
    size_t count = 0;
    for (const veld_json_value *v = veld_json_first(container); v != NULL; v = veld_json_next(v))
        count++;
    return count;
}

veld_span veld_json_name(const veld_json_value *member)
{
    const cJSON *node = node_of(member);
    if (node == NULL || node->string == NULL)
        return (veld_span){0};
    return veld_span_text(node->string);
}

bool veld_json_text(const veld_json_value *value, veld_span *out)
{
    const cJSON *node = node_of(value);
    if (kind_of(node) != cJSON_String)
        return false;
    *out = veld_span_text(node->valuestring);
    return true;
}

bool veld_json_integer(const veld_json_value *value, int64_t *out)
{
    const cJSON *node = node_of(value);
    if (kind_of(node) != cJSON_Number || !number_is_integer(node->valuedouble))
        return false;
    *out = (int64_t)node->valuedouble;
    return true;
}

bool veld_json_boolean(const veld_json_value *value, bool *out)
{
    int kind = kind_of(node_of(value));
    if (kind != cJSON_True && kind != cJSON_False)
        return false;
    *out = kind == cJSON_True;
    return true;
}

bool veld_json_is_null(const veld_json_value *value)
{
    return kind_of(node_of(value)) == cJSON_NULL;
}

/* Walking through a document and noting all that is wrong with it. The first error becomes the
 * status of the whole; texts say what is expected and hold no value. */
#include <stdarg.h>
#include <stdio.h>

#include "schema_inner.h"
#include "veldkit/assert.h"

void checker_init(checker *c, veld_json_errors *errors, veld_error *err)
{
    *c = (checker){.errors = errors, .err = err};
    veld_json_pointer_init(&c->pointer);
}

void checker_wrong(checker *c, veld_status status, const char *format, ...)
{
    char text[VELD_ERROR_TEXT_BYTES_MAX + 1];
    VELD_ASSERT(status != VELD_OK);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    veld_json_errors_add(c->errors, status, c->pointer.text, SIZE_MAX, "%s", text);
    if (c->first == VELD_OK)
        c->first = veld_fail(c->err, status, "%s", text);
}

void checker_wrong_at(checker *c, veld_span name, veld_status status, const char *text)
{
    size_t mark = veld_json_pointer_name(&c->pointer, name);
    checker_wrong(c, status, "%s", text);
    veld_json_pointer_back(&c->pointer, mark);
}

/* The gate's pointers begin at its own document: put ours before them. */
static void adopt(checker *c, const veld_json_errors *found)
{
    for (size_t i = 0; i < found->kept; i++) {
        const veld_json_error *error = &found->items[i];
        char pointer[2 * VELD_JSON_POINTER_MAX + 1];
        snprintf(pointer, sizeof pointer, "%s%s", c->pointer.text, error->pointer);
        veld_json_errors_add(
            c->errors, error->status, pointer, error->offset_bytes, "%s", error->text);
    }
}

veld_json_doc *checker_parse(checker *c, veld_span bytes)
{
    veld_json_doc *doc = NULL;
    veld_json_errors found;
    veld_json_errors_init(&found);
    veld_error error = {0};
    veld_status status = veld_json_parse(bytes, VELD_JSON_STRICT, &doc, &found, &error);
    if (status != VELD_OK) {
        adopt(c, &found);
        if (found.kept == 0)
            veld_json_errors_add(c->errors, status, c->pointer.text, SIZE_MAX, "%s", error.text);
        if (c->first == VELD_OK)
            c->first = veld_fail(c->err, status, "%s", error.text);
    }
    veld_json_errors_release(&found);
    return doc;
}

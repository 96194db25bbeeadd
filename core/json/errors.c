/* The list of all that is wrong with a document, and the pointer that says where. Both are bounded:
 * a hostile document cannot make its list of errors larger than a fixed size. Knows nothing of how
 * errors are found. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "json_internal.h"
#include "veldkit/assert.h"
#include "veldkit/env.h"

/* The mark of a pointer that was cut already: going back there changes nothing. */
#define MARK_CUT SIZE_MAX

enum { FIRST_CAPACITY = 4 };

void veld_json_errors_init(veld_json_errors *errors)
{
    VELD_ASSERT(errors != NULL);
    *errors = (veld_json_errors){0};
}

void veld_json_errors_release(veld_json_errors *errors)
{
    if (errors == NULL)
        return;
    if (errors->items != NULL)
        veld_wipe(errors->items, errors->capacity * sizeof *errors->items);
    veld_release(errors->items);
    *errors = (veld_json_errors){0};
}

/* Room for one more, by copy, wipe and free as in veld_buf. */
static bool grow(veld_json_errors *errors)
{
    if (errors->kept < errors->capacity)
        return true;
    if (errors->kept >= VELD_JSON_ERRORS_KEPT_MAX)
        return false;
    size_t capacity = errors->capacity == 0 ? FIRST_CAPACITY : errors->capacity * 2;
    if (capacity > VELD_JSON_ERRORS_KEPT_MAX)
        capacity = VELD_JSON_ERRORS_KEPT_MAX;
    veld_json_error *items = veld_allocate(capacity * sizeof *items);
    if (items == NULL)
        return false;
    if (errors->items != NULL) {
        memcpy(items, errors->items, errors->kept * sizeof *items);
        veld_wipe(errors->items, errors->capacity * sizeof *items);
        veld_release(errors->items);
    }
    errors->items = items;
    errors->capacity = capacity;
    return true;
}

/* How much of `len` bytes fits in `room` without cutting a character. */
static size_t whole_characters(const uint8_t *text, size_t len, size_t room)
{
    if (len <= room)
        return len;
    while (room > 0 && (text[room] & 0xC0) == 0x80)
        room--;
    return room;
}

static void copy_text(char *out, size_t out_max, const char *text)
{
    size_t len = whole_characters((const uint8_t *)text, strlen(text), out_max);
    memcpy(out, text, len);
    out[len] = '\0';
}

void veld_json_errors_add(veld_json_errors *errors, veld_status status, const char *pointer,
    size_t offset_bytes, const char *format, ...)
{
    VELD_ASSERT(status != VELD_OK && pointer != NULL && format != NULL);
    if (errors == NULL)
        return;
    errors->count++;
    if (!grow(errors))
        return;
    veld_json_error *error = &errors->items[errors->kept++];
    error->status = status;
    error->offset_bytes = offset_bytes;
    copy_text(error->pointer, VELD_JSON_POINTER_MAX, pointer);

    char text[2 * VELD_ERROR_TEXT_BYTES_MAX];
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(text, sizeof text, format, arguments) < 0)
        text[0] = '\0';
    va_end(arguments);
    copy_text(error->text, VELD_ERROR_TEXT_BYTES_MAX, text);
}

/* ---- the pointer ---- */

void veld_json_pointer_init(veld_json_pointer *pointer)
{
    VELD_ASSERT(pointer != NULL);
    pointer->text[0] = '\0';
    pointer->len = 0;
    pointer->cut = false;
}

/* Append what stays together, or cut here. */
static void put(veld_json_pointer *pointer, const void *bytes, size_t len)
{
    if (pointer->cut || len > VELD_JSON_POINTER_MAX - pointer->len) {
        pointer->cut = true;
        return;
    }
    memcpy(pointer->text + pointer->len, bytes, len);
    pointer->len += len;
    pointer->text[pointer->len] = '\0';
}

static size_t mark_of(const veld_json_pointer *pointer)
{
    VELD_ASSERT(pointer->len <= VELD_JSON_POINTER_MAX);
    return pointer->cut ? MARK_CUT : pointer->len;
}

size_t veld_json_pointer_name(veld_json_pointer *pointer, veld_span name)
{
    size_t mark = mark_of(pointer);
    put(pointer, "/", 1);
    for (size_t at = 0; at < name.len && !pointer->cut;) {
        const uint8_t *text = name.data + at;
        size_t bytes = 1;
        if (*text == '~') {
            put(pointer, "~0", 2);
        } else if (*text == '/') {
            put(pointer, "~1", 2);
        } else {
            while (at + bytes < name.len && (text[bytes] & 0xC0) == 0x80)
                bytes++;
            put(pointer, text, bytes);
        }
        at += bytes;
    }
    return mark;
}

size_t veld_json_pointer_index(veld_json_pointer *pointer, size_t index)
{
    size_t mark = mark_of(pointer);
    char text[24];
    int len = snprintf(text, sizeof text, "/%zu", index);
    VELD_ASSERT(len > 1 && (size_t)len < sizeof text);
    put(pointer, text, (size_t)len);
    return mark;
}

void veld_json_pointer_back(veld_json_pointer *pointer, size_t mark)
{
    if (mark == MARK_CUT)
        return;
    VELD_ASSERT(mark <= pointer->len);
    pointer->len = mark;
    pointer->text[mark] = '\0';
    pointer->cut = false;
}

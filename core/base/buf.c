/* The growing buffer. Its maximum is part of what it is: a decoder that forgets to check a length
 * meets it, and memory use follows from limits.h. Growth copies into new memory and wipes the old,
 * because a buffer may hold plaintext and realloc would leave a copy behind. */
#include "veldkit/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "veldkit/assert.h"
#include "veldkit/env.h"
#include "veldkit/number.h"

enum { SMALLEST_CAPACITY = 64 };

static void check(const veld_buf *buf)
{
    VELD_ASSERT(buf != NULL && buf->max > 0);
    VELD_ASSERT(buf->len <= buf->capacity);
}

void veld_buf_init(veld_buf *buf, size_t max_bytes)
{
    VELD_ASSERT(buf != NULL && max_bytes > 0);
    *buf = (veld_buf){.max = max_bytes};
}

void veld_buf_release(veld_buf *buf)
{
    if (buf == NULL)
        return;
    veld_release(buf->data);
    *buf = (veld_buf){.max = buf->max};
}

void veld_buf_wipe(veld_buf *buf)
{
    if (buf == NULL)
        return;
    if (buf->data != NULL)
        veld_wipe(buf->data, buf->capacity);
    veld_buf_release(buf);
}

void veld_buf_clear(veld_buf *buf)
{
    check(buf);
    buf->len = 0;
}

veld_status veld_buf_reserve(veld_buf *buf, size_t extra_bytes)
{
    check(buf);
    size_t wanted;
    if (!veld_size_add(buf->len, extra_bytes, &wanted) || wanted > buf->max)
        return VELD_E_LIMIT;
    if (wanted <= buf->capacity)
        return VELD_OK;

    size_t capacity = buf->capacity < SMALLEST_CAPACITY ? SMALLEST_CAPACITY : buf->capacity;
    while (capacity < wanted && capacity <= SIZE_MAX / 2)
        capacity *= 2;
    if (capacity < wanted)
        capacity = wanted;
    /* One byte behind the maximum is kept for the end that veld_buf_text writes. */
    if (capacity > buf->max)
        capacity = buf->max + 1 > buf->max ? buf->max + 1 : buf->max;

    uint8_t *grown = veld_allocate(capacity);
    if (grown == NULL)
        return VELD_E_MEMORY;
    if (buf->data != NULL) {
        memcpy(grown, buf->data, buf->len);
        veld_wipe(buf->data, buf->len);
        veld_release(buf->data);
    }
    buf->data = grown;
    buf->capacity = capacity;
    return VELD_OK;
}

veld_status veld_buf_extend(veld_buf *buf, size_t len, uint8_t **out)
{
    veld_status status = veld_buf_reserve(buf, len > 0 ? len : 1);
    if (status == VELD_E_LIMIT && len == 0)
        status = buf->data != NULL ? VELD_OK : VELD_E_LIMIT;
    if (status != VELD_OK)
        return status;
    *out = buf->data + buf->len;
    buf->len += len;
    return VELD_OK;
}

veld_status veld_buf_append(veld_buf *buf, const void *data, size_t len)
{
    check(buf);
    if (len == 0)
        return VELD_OK;
    VELD_ASSERT(data != NULL);
    veld_status status = veld_buf_reserve(buf, len);
    if (status != VELD_OK)
        return status;
    memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    return VELD_OK;
}

veld_status veld_buf_append_span(veld_buf *buf, veld_span span)
{
    return veld_buf_append(buf, span.data, span.len);
}

veld_status veld_buf_append_text(veld_buf *buf, const char *text)
{
    return veld_buf_append_span(buf, veld_span_text(text));
}

veld_status veld_buf_append_byte(veld_buf *buf, uint8_t byte)
{
    return veld_buf_append(buf, &byte, 1);
}

veld_status veld_buf_append_format(veld_buf *buf, const char *format, ...)
{
    check(buf);
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    int wanted = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    VELD_ASSERT(wanted >= 0);
    if ((size_t)wanted >= sizeof text)
        return VELD_E_LIMIT;
    return veld_buf_append(buf, text, (size_t)wanted);
}

veld_status veld_buf_text(veld_buf *buf, const char **out)
{
    check(buf);
    if (buf->len == buf->capacity) {
        /* The end is not part of the length, so it may lie one byte behind the maximum. */
        size_t max = buf->max;
        buf->max = max + 1 > max ? max + 1 : max;
        veld_status status = veld_buf_reserve(buf, 1);
        buf->max = max;
        if (status != VELD_OK)
            return status;
    }
    buf->data[buf->len] = '\0';
    *out = (const char *)buf->data;
    return VELD_OK;
}

veld_span veld_buf_span(const veld_buf *buf)
{
    return (veld_span){.data = buf->data, .len = buf->len};
}

uint8_t *veld_buf_take(veld_buf *buf, size_t *len)
{
    check(buf);
    uint8_t *data = buf->data;
    if (len != NULL)
        *len = buf->len;
    *buf = (veld_buf){.max = buf->max};
    return data;
}

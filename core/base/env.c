/* Calls through the seam, and the process-wide allocator. Asks the operating system for nothing but
 * memory. */
#include "veldkit/env.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "veldkit/assert.h"

static const veld_allocator system_allocator = {malloc, realloc, free};
static veld_allocator current_allocator = {malloc, realloc, free};

veld_now veld_env_now(const veld_env *env)
{
    VELD_ASSERT(env != NULL && env->now != NULL);
    veld_now now = {0};
    env->now(env->context, &now);
    return now;
}

veld_status veld_env_random(const veld_env *env, uint8_t *out, size_t out_bytes, veld_error *err)
{
    VELD_ASSERT(env != NULL && env->random != NULL);
    veld_status status = env->random(env->context, out, out_bytes);
    if (status != VELD_OK) {
        memset(out, 0, out_bytes);
        return veld_fail(err, VELD_E_CRYPTO, "the system gives no random bytes");
    }
    return VELD_OK;
}

void veld_env_log(const veld_env *env, veld_log_level level, const char *format, ...)
{
    if (env == NULL || env->log == NULL)
        return;
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    env->log(env->context, level, text);
}

void veld_allocator_set(const veld_allocator *allocator)
{
    current_allocator = allocator != NULL ? *allocator : system_allocator;
}

void *veld_allocate(size_t bytes)
{
    VELD_ASSERT(bytes > 0);
    void *block = current_allocator.allocate(bytes);
    if (block != NULL)
        memset(block, 0, bytes);
    return block;
}

void *veld_resize(void *block, size_t bytes)
{
    VELD_ASSERT(bytes > 0);
    return current_allocator.resize(block, bytes);
}

void veld_release(void *block)
{
    if (block != NULL)
        current_allocator.release(block);
}

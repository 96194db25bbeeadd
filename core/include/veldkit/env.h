/* env.h: the seam between the library and the world: clock, randomness, memory, log.
 *
 * The library never asks the operating system for the time or for random bytes; who opens a store
 * or an engine hands it a veld_env. The simulator hands in its own. `veldkit/host.h` makes the real
 * one. Memory is the one part that is set for the whole process, because the libraries below us
 * (SQLite, libgit2, Mbed TLS, cJSON) know only process-wide allocators too. */
#ifndef VELDKIT_ENV_H
#define VELDKIT_ENV_H

#include <stddef.h>
#include <stdint.h>

#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a device can honestly say about the time. */
typedef struct veld_now {
    int64_t wall_utc_ms;  /* ms since 1970 UTC by the device's own clock; may be wrong */
    int64_t monotonic_ms; /* ms since an arbitrary start, never back, counts sleep */
    int32_t offset_min;   /* minutes east of UTC that the device shows its user */
} veld_now;

typedef enum veld_log_level {
    VELD_LOG_ERROR = 0,
    VELD_LOG_WARNING,
    VELD_LOG_INFO,
    VELD_LOG_DEBUG
} veld_log_level;

/* Thread: the three functions may be called from any thread that uses the objects they were given
 * to. `log` may be NULL. `random` fails only when the system has no entropy source. */
typedef struct veld_env {
    void *context;
    void (*now)(void *context, veld_now *out);
    veld_status (*random)(void *context, uint8_t *out, size_t out_bytes);
    void (*log)(void *context, veld_log_level level, const char *text);
} veld_env;

/* veld_env_now / veld_env_random / veld_env_log: call through the seam.
 * Expects: VELD_E_CRYPTO from random; `out` is then all zero. */
veld_now veld_env_now(const veld_env *env);
veld_status veld_env_random(
    const veld_env *env, uint8_t *out, size_t out_bytes, veld_error *err) VELD_MUST_CHECK;
void veld_env_log(const veld_env *env, veld_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The process-wide allocator. `resize` has realloc's meaning, without the size-0 case. */
typedef struct veld_allocator {
    void *(*allocate)(size_t bytes);
    void *(*resize)(void *block, size_t bytes);
    void (*release)(void *block);
} veld_allocator;

/* veld_allocator_set: use these functions from now on; NULL means malloc's family again.
 * Thread: only before the first object is made, or (tests) when none is left. */
void veld_allocator_set(const veld_allocator *allocator);

/* veld_allocate: zeroed memory, or NULL. `bytes` > 0.  veld_resize: new part not zeroed.
 * veld_release(NULL) does nothing. */
void *veld_allocate(size_t bytes) VELD_MUST_CHECK;
void *veld_resize(void *block, size_t bytes) VELD_MUST_CHECK;
void veld_release(void *block);

#ifdef __cplusplus
}
#endif
#endif

/* The few plain files beside the store: small, whole, durable. Private to the room. */
#ifndef STORE_FILE_H
#define STORE_FILE_H

#include <stdbool.h>

#include "veldkit/bytes.h"
#include "veldkit/status.h"

/* store_file_path: HOME/name in memory of the library; free with veld_release.
 * Expects: VELD_E_LIMIT (home over VELD_HOME_PATH_MAX), VELD_E_MEMORY. */
veld_status store_file_path(
    const char *home, const char *name, char **out, veld_error *err) VELD_MUST_CHECK;

/* store_file_read: append the whole file, at most what `out` takes.
 * Expects: VELD_E_NOT_FOUND, VELD_E_DAMAGED (longer than `out` takes), VELD_E_IO, VELD_E_MEMORY. */
veld_status store_file_read(
    const char *home, const char *name, veld_buf *out, veld_error *err) VELD_MUST_CHECK;

/* store_file_create: make the folder (0700) when missing and the file (0600), durably and whole:
 * another process sees no file or all of it. Never replaces one.
 * Expects: VELD_E_EXISTS, VELD_E_IO, VELD_E_FULL, VELD_E_NOT_ALLOWED, VELD_E_MEMORY. */
veld_status store_file_create(
    const char *home, const char *name, veld_span bytes, veld_error *err) VELD_MUST_CHECK;

/* store_file_replace: the same, in the place of one that may be there: the old or the new is.
 * Expects: as store_file_create, but VELD_E_EXISTS; the folder exists. */
veld_status store_file_replace(
    const char *home, const char *name, veld_span bytes, veld_error *err) VELD_MUST_CHECK;

/* store_file_rename: durably, over what is there. */
veld_status store_file_rename(
    const char *home, const char *from, const char *to, veld_error *err) VELD_MUST_CHECK;

bool store_file_exists(const char *home, const char *name);

#endif

/* folder.h: folders on the disk, for exports. Private to core/history. */
#ifndef VELD_HISTORY_FOLDER_H
#define VELD_HISTORY_FOLDER_H

#include <stdbool.h>

#include "veldkit/bytes.h"
#include "veldkit/status.h"

/* folder_is_free: VELD_OK when `path` does not exist or is an empty folder; VELD_E_EXISTS. */
veld_status folder_is_free(const char *path, veld_error *err) VELD_MUST_CHECK;
/* folder_write: a new file `name` in `folder`, with its bytes on the disk. */
veld_status folder_write(
    const char *folder, const char *name, veld_span bytes, veld_error *err) VELD_MUST_CHECK;
/* folder_read: append a file of at most `out`'s maximum. Expects: VELD_E_NOT_FOUND, VELD_E_LIMIT.
 */
veld_status folder_read(
    const char *folder, const char *name, veld_buf *out, veld_error *err) VELD_MUST_CHECK;
bool folder_has(const char *folder, const char *name);
/* folder_sync: put all files and folders below `path` on the disk. */
veld_status folder_sync(const char *path, veld_error *err) VELD_MUST_CHECK;
/* folder_move: rename `from` to `to`, which does not exist or is empty, and put that on the disk.
 */
veld_status folder_move(const char *from, const char *to, veld_error *err) VELD_MUST_CHECK;
/* folder_remove: throw a folder and all below it away, as far as that is possible. */
void folder_remove(const char *path);

#endif

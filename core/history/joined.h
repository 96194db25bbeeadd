/* joined.h: the derived commit that an export's branch points to. Private to core/history. */
#ifndef VELD_HISTORY_JOINED_H
#define VELD_HISTORY_JOINED_H

#include "veldkit/change.h"

typedef struct joined_head {
    veld_hash id;
    veld_git_oid git;
    int64_t commit_utc_s;
} joined_head;

/* joined_commit: append the commit of several heads over the tree `tree`; sorts `heads` by id.
 * A function of heads and tree alone: who has the same changes makes the same bytes. */
veld_status joined_commit(joined_head *heads, size_t count, const veld_git_oid *tree, veld_buf *out,
    veld_error *err) VELD_MUST_CHECK;

#endif

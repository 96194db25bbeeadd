/* The bytes of the derived commit, in one place, so that who exports and who checks an export write
 * the same. It carries no signature and no device: nobody vouches for it, it follows. */
#include "joined.h"

#include <inttypes.h>
#include <stdlib.h>

#include "git.h"
#include "veldkit/assert.h"

static int compare_heads(const void *a, const void *b)
{
    return veld_hash_compare(&((const joined_head *)a)->id, &((const joined_head *)b)->id);
}

veld_status joined_commit(
    joined_head *heads, size_t count, const veld_git_oid *tree, veld_buf *out, veld_error *err)
{
    VELD_ASSERT(count > 1);
    veld_status status;
    size_t begin = out->len;
    char oid[VELD_GIT_OID_TEXT_SIZE];
    int64_t latest = 0;
    qsort(heads, count, sizeof *heads, compare_heads);
    veld_git_oid_format(tree, oid);
    VELD_TRY(veld_buf_append_format(out, "tree %s\n", oid));
    for (size_t i = 0; i < count; i++) {
        veld_git_oid_format(&heads[i].git, oid);
        VELD_TRY(veld_buf_append_format(out, "parent %s\n", oid));
        if (heads[i].commit_utc_s > latest)
            latest = heads[i].commit_utc_s;
    }
    VELD_TRY(veld_buf_append_format(out,
        "author Veldkit <export@veldkit> %" PRId64 " +0000\n"
        "committer Veldkit <export@veldkit> %" PRId64 " +0000\n"
        "\n"
        "Joined view of %zu heads\n"
        "\n"
        "Derived from its parents by whoever exported the case, and therefore\n"
        "without a signature. Who has the same changes makes the same commit.\n"
        "It is no change of the case.\n",
        latest, latest, count));
done:
    if (status != VELD_OK) {
        out->len = begin;
        return veld_fail(err, status, "no room for the commit of an export");
    }
    return VELD_OK;
}

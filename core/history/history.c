/* The one place that sets libgit2 up and translates its errors. libgit2 has process-wide state; the
 * invariant is that it is set completely before the first call of anybody: our allocator first,
 * because memory taken before it would be given back to the wrong one, then every path to a
 * configuration of the machine cut (a planted ~/.gitconfig or attributes file must not change what
 * a case is). Knows nothing of trees, commits or cases. */
#include "veldkit/history.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <git2/sys/alloc.h>
#include <git2/sys/errors.h>

#include "git.h"
#include "veldkit/assert.h"
#include "veldkit/env.h"
#include "veldkit/number.h"

/* ---- memory: libgit2's blocks hold case content, so their size is kept and they are wiped ---- */
typedef struct block_head {
    size_t size;
    max_align_t memory[];
} block_head;

static block_head *head_of(void *memory)
{
    return (block_head *)(void *)((uint8_t *)memory - offsetof(block_head, memory));
}

static void *block_allocate(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    size_t total;
    if (!veld_size_add(sizeof(block_head), size, &total))
        return NULL;
    block_head *head = veld_allocate(total);
    if (head == NULL)
        return NULL;
    head->size = size;
    return head->memory;
}

static void block_free(void *memory)
{
    if (memory == NULL)
        return;
    block_head *head = head_of(memory);
    veld_wipe(head->memory, head->size);
    veld_release(head);
}

static void *block_resize(void *memory, size_t size, const char *file, int line)
{
    void *larger = block_allocate(size, file, line);
    if (larger == NULL || memory == NULL)
        return larger;
    size_t old = head_of(memory)->size;
    memcpy(larger, memory, old < size ? old : size);
    block_free(memory);
    return larger;
}

/* ---- set-up ---- */
static atomic_flag setting_up = ATOMIC_FLAG_INIT;
static bool ready;

static void set_up_begin(void)
{
    while (atomic_flag_test_and_set(&setting_up)) {
        /* another thread is between begin and end, which takes microseconds */
    }
}

static void set_up_end(void)
{
    atomic_flag_clear(&setting_up);
}

static int set_options(void)
{
    static const int levels[] = {GIT_CONFIG_LEVEL_PROGRAMDATA, GIT_CONFIG_LEVEL_SYSTEM,
        GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL};
    int code = 0;
    for (size_t i = 0; code >= 0 && i < sizeof levels / sizeof levels[0]; i++)
        code = git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, levels[i], "");
    if (code >= 0)
        code = git_libgit2_opts(GIT_OPT_SET_TEMPLATE_PATH, "");
    if (code >= 0)
        code = git_libgit2_opts(GIT_OPT_SET_HOMEDIR, "");
    if (code >= 0)
        code = git_libgit2_opts(GIT_OPT_ENABLE_STRICT_OBJECT_CREATION, 1);
    if (code >= 0)
        code = git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 1);
    if (code >= 0)
        code = git_libgit2_opts(GIT_OPT_ENABLE_CACHING, 0);
    if (code >= 0)
        code = git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
    return code;
}

static veld_status set_up(veld_error *err)
{
    static git_allocator allocator = {
        .gmalloc = block_allocate, .grealloc = block_resize, .gfree = block_free};
    int major = 0, minor = 0, revision = 0;
    if (git_libgit2_version(&major, &minor, &revision) < 0 || major != 1 || minor != 9)
        return veld_fail(
            err, VELD_E_UNSUPPORTED, "libgit2 1.9 is needed, this is %d.%d", major, minor);
    int code = git_libgit2_opts(GIT_OPT_SET_ALLOCATOR, &allocator);
    if (code < 0 || git_libgit2_init() < 0)
        return veld_fail_native(
            err, VELD_E_MEMORY, VELD_DOMAIN_GIT, code, "libgit2 could not be started");
    code = set_options();
    if (code < 0) {
        veld_status status = veld_git_fail(err, code, "libgit2 refused a setting");
        git_libgit2_shutdown();
        return status;
    }
    ready = true;
    return VELD_OK;
}

veld_status veld_history_init(veld_error *err)
{
    set_up_begin();
    veld_status status = ready ? VELD_OK : set_up(err);
    set_up_end();
    return status;
}

void veld_history_close(void)
{
    set_up_begin();
    if (ready)
        git_libgit2_shutdown();
    ready = false;
    set_up_end();
}

/* ---- errors and names ---- */
static veld_status status_of_class(int class, int number)
{
    switch (class) {
    case GIT_ERROR_NOMEMORY:
        return VELD_E_MEMORY;
    case GIT_ERROR_OS:
        return number != 0 ? veld_status_from_errno(number) : VELD_E_IO;
    case GIT_ERROR_ODB:
    case GIT_ERROR_OBJECT:
    case GIT_ERROR_ZLIB:
    case GIT_ERROR_INDEXER:
        return VELD_E_DAMAGED;
    default:
        return VELD_E_IO;
    }
}

veld_status veld_git_fail(veld_error *err, int code, const char *what)
{
    int number = errno;
    const git_error *last = git_error_last();
    veld_status status;
    if (code == GIT_ENOTFOUND)
        status = VELD_E_NOT_FOUND;
    else if (code == GIT_EEXISTS)
        status = VELD_E_EXISTS;
    else if (code == GIT_EMISMATCH)
        status = VELD_E_DAMAGED;
    else
        status = status_of_class(last != NULL ? last->klass : GIT_ERROR_NONE, number);
    git_error_clear();
    return veld_fail_native(err, status, VELD_DOMAIN_GIT, code, "%s", what);
}

veld_status veld_git_hash(git_object_t kind, veld_span bytes, veld_git_oid *out, veld_error *err)
{
    git_oid oid;
    *out = (veld_git_oid){{0}};
    int code = git_odb_hash(&oid, bytes.len > 0 ? (const void *)bytes.data : "", bytes.len, kind);
    if (code < 0) {
        git_error_clear();
        return veld_fail_native(
            err, VELD_E_CRYPTO, VELD_DOMAIN_GIT, code, "an object could not be hashed");
    }
    *out = veld_git_oid_from_native(&oid);
    return VELD_OK;
}

git_oid veld_git_oid_to_native(const veld_git_oid *oid)
{
    git_oid native;
    memset(&native, 0, sizeof native);
    memcpy(native.id, oid->bytes, sizeof oid->bytes);
    return native;
}

veld_git_oid veld_git_oid_from_native(const git_oid *oid)
{
    veld_git_oid ours;
    _Static_assert(sizeof ours.bytes == sizeof oid->id, "libgit2 is built for SHA-1");
    memcpy(ours.bytes, oid->id, sizeof ours.bytes);
    return ours;
}

void veld_git_oid_format(const veld_git_oid *oid, char out[VELD_GIT_OID_TEXT_SIZE])
{
    veld_hex_encode(
        veld_span_of(oid->bytes, sizeof oid->bytes), out, (size_t)VELD_GIT_OID_TEXT_SIZE);
}

/* Which files a role may touch: its own folder, by Landlock, with or without root. The relay faces
 * the network, so it must not be able to open the merger's files whatever runs in it; the merger
 * reads what strangers wrote, so it gets no more than it needs. Memory of each is closed to the
 * other by the same rules and by being not dumpable. */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "srv_sandbox.h"

/* Rights of the first version of Landlock, which kernels know from 5.13 on; later ones are added
 * when the kernel has them, since what is not named here would stay open. */
#define READ_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FILE_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)
#define FOLDER_RIGHTS                                                                              \
    (READ_RIGHTS | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |                   \
        LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REMOVE_FILE)
#define ALL_RIGHTS_1                                                                               \
    (FOLDER_RIGHTS | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                  \
        LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |                               \
        LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |                             \
        LANDLOCK_ACCESS_FS_MAKE_SYM)
#define RIGHT_REFER    (1ULL << 13) /* from version 2 */
#define RIGHT_TRUNCATE (1ULL << 14) /* from version 3 */

static veld_status fail_errno(veld_error *err, const char *what)
{
    return veld_fail_native(err, VELD_E_IO, VELD_DOMAIN_POSIX, errno, "%s", what);
}

static veld_status allow(int rules, const char *path, uint64_t rights, veld_error *err)
{
    struct landlock_path_beneath_attr beneath = {.allowed_access = rights};
    beneath.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (beneath.parent_fd < 0)
        return fail_errno(err, "the sandbox finds no folder");
    veld_status status = VELD_OK;
    if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) != 0)
        status = fail_errno(err, "the sandbox takes no rule");
    close(beneath.parent_fd);
    return status;
}

veld_status srv_sandbox_files(const char *folder, bool *whole, veld_error *err)
{
    veld_status status;
    int rules = -1;
    *whole = false;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return fail_errno(err, "the process cannot give up new rights");
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1)
        return VELD_OK;
    uint64_t later = (version >= 2 ? RIGHT_REFER : 0) | (version >= 3 ? RIGHT_TRUNCATE : 0);
    struct landlock_ruleset_attr attributes = {.handled_access_fs = ALL_RIGHTS_1 | later};
    rules = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
    if (rules < 0)
        return fail_errno(err, "the sandbox cannot be made");
    uint64_t truncate = version >= 3 ? RIGHT_TRUNCATE : 0;
    VELD_TRY(allow(rules, folder, FOLDER_RIGHTS | truncate, err));
    VELD_TRY(allow(rules, "/dev/null", FILE_RIGHTS, err));
    if (syscall(SYS_landlock_restrict_self, rules, 0) != 0)
        status = fail_errno(err, "the sandbox cannot be closed");
    *whole = status == VELD_OK;

done:
    close(rules);
    return status;
}

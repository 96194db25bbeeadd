/* The count of wrong attempts. Written in its place and synced, so that it needs no room on a disk
 * that is full; a file that a crash tore counts as some wrong ones, not as none.
 *
 *   "VKA1" | wrong u32 | time of the last, wall clock ms i64 | reserved 8 | SHA-256 of all before
 */
#include "veldkit/attempts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "file.h"
#include "veldkit/assert.h"
#include "veldkit/hash.h"
#include "veldkit/number.h"

enum {
    AT_WRONG = 4,
    AT_TIME = 8,
    AT_CHECK = 24,
    FILE_BYTES = AT_CHECK + VELD_HASH_BYTES,
    FREE = 2,
    TORN = 3, /* what a file that cannot be read counts for */
    SECONDS_MAX = 900
};

typedef struct attempts_count {
    uint32_t wrong;
    int64_t last_utc_ms;
} attempts_count;

int64_t veld_attempts_wait_ms(uint32_t wrong)
{
    static const int seconds[] = {5, 15, 30, 60, 120, 300};
    if (wrong <= FREE)
        return 0;
    size_t step = wrong - FREE - 1;
    return 1000LL * (step < sizeof seconds / sizeof seconds[0] ? seconds[step] : (int)SECONDS_MAX);
}

static veld_status read_count(int fd, int64_t now_ms, attempts_count *out, veld_error *err)
{
    uint8_t file[FILE_BYTES + 1];
    veld_hash check;
    ssize_t got = pread(fd, file, sizeof file, 0);
    *out = (attempts_count){0};
    if (got < 0)
        return veld_fail_native(
            err, VELD_E_IO, VELD_DOMAIN_POSIX, errno, "the count of attempts cannot be read");
    if (got == 0)
        return VELD_OK;
    veld_status status = veld_sha256(veld_span_of(file, AT_CHECK), &check, err);
    if (status != VELD_OK)
        return status;
    *out = (attempts_count){.wrong = TORN, .last_utc_ms = now_ms};
    if (got == FILE_BYTES && memcmp(file, "VKA1", AT_WRONG) == 0 &&
        memcmp(check.bytes, file + AT_CHECK, sizeof check.bytes) == 0)
        *out = (attempts_count){.wrong = veld_get_u32(file + AT_WRONG),
            .last_utc_ms = (int64_t)veld_get_u64(file + AT_TIME)};
    return VELD_OK;
}

static veld_status write_count(int fd, const attempts_count *count, veld_error *err)
{
    uint8_t file[FILE_BYTES] = {'V', 'K', 'A', '1'};
    veld_hash check;
    veld_put_u32(file + AT_WRONG, count->wrong);
    veld_put_u64(file + AT_TIME, (uint64_t)count->last_utc_ms);
    veld_status status = veld_sha256(veld_span_of(file, AT_CHECK), &check, err);
    if (status != VELD_OK)
        return status;
    memcpy(file + AT_CHECK, check.bytes, sizeof check.bytes);
    if (pwrite(fd, file, sizeof file, 0) != (ssize_t)sizeof file || fdatasync(fd) != 0)
        status = veld_fail_native(err, veld_status_from_errno(errno), VELD_DOMAIN_POSIX, errno,
            "the attempt cannot be counted");
    return status == VELD_E_FULL ? VELD_OK : status;
}

static veld_status open_locked(const char *home, int *out, veld_error *err)
{
    char *path = NULL;
    veld_status status = store_file_path(home, "attempts", &path, err);
    if (status != VELD_OK)
        return status;
    VELD_ASSERT(path != NULL);
    *out = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    veld_release(path);
    if (*out < 0 && (errno == EROFS || errno == EACCES || errno == EPERM))
        return veld_fail_native(
            err, VELD_E_IO, VELD_DOMAIN_POSIX, errno, "this folder can be read only");
    if (*out < 0)
        return veld_fail_native(err, veld_status_from_errno(errno), VELD_DOMAIN_POSIX, errno,
            "attempts cannot be counted");
    if (flock(*out, LOCK_EX) == 0)
        return VELD_OK;
    status = veld_fail_native(
        err, VELD_E_BUSY, VELD_DOMAIN_POSIX, errno, "another process opens this vault now");
    close(*out);
    return status;
}

/* What is still to be waited for. A clock that went back proves nothing: the wait begins now. */
static veld_status check_wait(attempts_count *count, int64_t now_ms, veld_error *err)
{
    int64_t wait_ms = veld_attempts_wait_ms(count->wrong);
    int64_t passed_ms = now_ms - count->last_utc_ms;
    if (passed_ms < 0) {
        count->last_utc_ms = now_ms;
        passed_ms = 0;
    }
    if (passed_ms >= wait_ms)
        return VELD_OK;
    return veld_fail(err, VELD_E_WAIT, "na %u verkeerde pogingen: wacht %lld seconden",
        count->wrong, (long long)((wait_ms - passed_ms + 999) / 1000));
}

veld_status veld_attempts_begin(
    const veld_env *env, const char *home, veld_attempt *out, veld_error *err)
{
    attempts_count count;
    int fd = -1;
    veld_status status;
    int64_t now_ms = veld_env_now(env).wall_utc_ms;
    *out = (veld_attempt){0};
    status = open_locked(home, &fd, err);
    if (status == VELD_E_FULL)
        return VELD_OK;
    if (status != VELD_OK)
        return status;
    VELD_TRY(read_count(fd, now_ms, &count, err));
    int64_t last_ms = count.last_utc_ms;
    status = check_wait(&count, now_ms, err);
    if (status == VELD_E_WAIT && count.last_utc_ms != last_ms)
        (void)!write_count(fd, &count, NULL);
    VELD_TRY(status);
    out->before = count.wrong;
    count.wrong = count.wrong < UINT32_MAX ? count.wrong + 1 : count.wrong;
    count.last_utc_ms = now_ms;
    VELD_TRY(write_count(fd, &count, err));
    out->fd = fd;
    fd = -1;

done:
    if (fd != -1)
        close(fd);
    return status;
}

void veld_attempts_end(const veld_env *env, veld_attempt *attempt, veld_status outcome)
{
    attempts_count count = {.wrong = attempt->before, .last_utc_ms = veld_env_now(env).wall_utc_ms};
    if (attempt->fd == 0)
        return;
    if (outcome == VELD_OK)
        count.wrong = 0;
    /* An attempt that was counted and cannot be taken back stays counted: the safe side. */
    if (outcome != VELD_E_WRONG_PIN)
        (void)!write_count(attempt->fd, &count, NULL);
    close(attempt->fd);
    *attempt = (veld_attempt){0};
}

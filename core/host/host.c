/* The operating system as an environment. Kept apart from base so that the library links without
 * it: what cannot reach a clock or a random source cannot depend on one by accident. Holds no
 * state. */
#include "veldkit/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "veldkit/assert.h"

static int64_t clock_ms(clockid_t clock)
{
    struct timespec time = {0};
    int failed = clock_gettime(clock, &time);
    VELD_ASSERT(failed == 0); /* only for a clock that the kernel does not have */
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void host_now(void *context, veld_now *out)
{
    (void)context;
    out->wall_utc_ms = clock_ms(CLOCK_REALTIME);
    out->monotonic_ms = clock_ms(CLOCK_BOOTTIME);
    time_t seconds = (time_t)(out->wall_utc_ms / 1000);
    struct tm local = {0};
    out->offset_min = localtime_r(&seconds, &local) != NULL ? (int32_t)(local.tm_gmtoff / 60) : 0;
}

/* Every call asks the kernel, nothing is kept: see the contract. A call may give fewer bytes than
 * asked for, or be interrupted by a signal before it gives any. */
static veld_status host_random(void *context, uint8_t *out, size_t out_bytes)
{
    (void)context;
    size_t filled = 0;
    while (filled < out_bytes) {
        ssize_t got = getrandom(out + filled, out_bytes - filled, 0);
        if (got > 0)
            filled += (size_t)got;
        else if (got == 0 || errno != EINTR)
            return VELD_E_CRYPTO;
    }
    return VELD_OK;
}

static void host_log(void *context, veld_log_level level, const char *text)
{
    (void)context;
    static const char *const names[] = {"error", "warning", "info", "debug"};
    VELD_ASSERT(level >= VELD_LOG_ERROR && level <= VELD_LOG_DEBUG);
    fprintf(stderr, "veldkit: %s: %s\n", names[level], text);
}

veld_env veld_host_env(void)
{
    tzset();
    return (veld_env){.now = host_now, .random = host_random, .log = host_log};
}

veld_status veld_host_harden(veld_error *err)
{
    const struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0)
        return veld_fail_native(err, veld_status_from_errno(errno), VELD_DOMAIN_POSIX, errno,
            "core files cannot be switched off");
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return veld_fail_native(err, veld_status_from_errno(errno), VELD_DOMAIN_POSIX, errno,
            "the process cannot be made unreadable to others");
    return VELD_OK;
}

void veld_host_boot(veld_id *out)
{
    char text[VELD_ID_TEXT_SIZE] = "";
    *out = (veld_id){0};
    int file = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return;
    ssize_t got = read(file, text, sizeof text - 1);
    close(file);
    veld_id boot;
    if (got == (ssize_t)sizeof text - 1 && veld_id_parse(veld_span_text(text), &boot) == VELD_OK)
        *out = boot;
}

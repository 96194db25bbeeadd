/* host.h: the operating system as an environment. The only room of the library that asks the system
 * for the time, random bytes or a place to log; programs and tests link it, the rest is handed a
 * veld_env. */
#ifndef VELDKIT_HOST_H
#define VELDKIT_HOST_H

#include "veldkit/env.h"
#include "veldkit/id.h"
#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* veld_host_env: the real environment.
 *   now     CLOCK_REALTIME, CLOCK_BOOTTIME (counts sleep), and the offset of the local time zone
 *   random  getrandom(2) for each call: nothing is buffered in the process, so a fork()ed child, a
 *           restored snapshot of memory or a second thread never sees the same bytes
 *   log     one line to standard error, "veldkit: LEVEL: text"
 * Owns:    nothing; the result may be copied freely.
 * Thread:  any. */
veld_env veld_host_env(void);

/* veld_host_harden: this process leaves no core file (RLIMIT_CORE = 0) and cannot be read by other
 * processes of the same user (PR_SET_DUMPABLE = 0). Call first thing in main().
 * Expects: VELD_E_NOT_ALLOWED, VELD_E_IO; the caller decides whether to go on.
 * Source:  security.md 2, "Secrets". */
veld_status veld_host_harden(veld_error *err) VELD_MUST_CHECK;

/* veld_host_boot: the name of this boot of the machine (/proc/sys/kernel/random/boot_id); zero when
 * the system does not tell. */
void veld_host_boot(veld_id *out);

#ifdef __cplusplus
}
#endif
#endif

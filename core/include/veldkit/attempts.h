/* attempts.h: how often a secret was tried in vain, and how long the next try has to wait.
 *
 * HOME/attempts is a plain file of 56 bytes. An attempt is counted before it is made, so a process
 * that is killed in the middle has not tried for free; the count goes back to nothing when the
 * vault opened. The wait is measured by the device's clock and survives a restart; a clock that was
 * put back makes it begin anew.
 *
 * This slows down who sits at the tablet. It does not stop who copies the folder, or who can write
 * in it and puts the file or the clock back: with the keystore `file` the passphrase alone has to
 * hold, and a chip counts by itself. SECURITY.md says so. Source: security.md 2. */
#ifndef VELDKIT_ATTEMPTS_H
#define VELDKIT_ATTEMPTS_H

#include <stdint.h>

#include "veldkit/env.h"
#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An attempt under way. Zeroed: none. */
typedef struct veld_attempt {
    int fd; /* of the file, locked; 0 when there is none */
    uint32_t before;
} veld_attempt;

/* veld_attempts_wait_ms: how long after so many wrong ones the next has to wait: nothing after the
 * first two, then 5 s growing to 15 minutes. */
int64_t veld_attempts_wait_ms(uint32_t wrong);

/* veld_attempts_begin: count one attempt, durably. A disk that is full keeps nobody out.
 * Owns:    end `out` with veld_attempts_end on every path after VELD_OK.
 * Expects: VELD_E_WAIT (the text says how many seconds), VELD_E_BUSY (another process tries now),
 *          VELD_E_IO (also: the folder can be read only), VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_attempts_begin(
    const veld_env *env, const char *home, veld_attempt *out, veld_error *err) VELD_MUST_CHECK;
/* veld_attempts_end: what came of it: VELD_OK starts the count anew, VELD_E_WRONG_PIN lets it
 * stand, and after anything else the attempt was none. */
void veld_attempts_end(const veld_env *env, veld_attempt *attempt, veld_status outcome);

#ifdef __cplusplus
}
#endif
#endif

/* crypto.h: waking the cryptographic library. Every other header of this room needs it done. */
#ifndef VELDKIT_CRYPTO_H
#define VELDKIT_CRYPTO_H

#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* veld_crypto_init: make PSA ready and let it take its memory from veld_allocate. Cheap when it was
 * done before.
 *
 * fork(): call it in each process that uses the room, and fork before you start threads. All random
 * bytes that matter (keys, nonces, ephemeral keys) come from the caller's veld_env and so from the
 * system at each call; the generator inside PSA serves to blind computations and for the handshakes
 * of TLS (tls.h), and reseeds itself when it finds another process id.
 *
 * Expects: VELD_E_CRYPTO (no entropy, or a library built without what we need), VELD_E_MEMORY.
 * Thread:  any, also at the same time; but set another allocator (veld_allocator_set) before it.
 * Source:  security.md 4, rule 2. */
veld_status veld_crypto_init(veld_error *err) VELD_MUST_CHECK;

/* veld_crypto_close: give back what the library holds, so that a leak checker or a test with its
 * own allocator sees nothing left. All sealers must be freed before. Programs need not call it.
 * Thread:  only when no other thread uses the room. */
void veld_crypto_close(void);

#ifdef __cplusplus
}
#endif
#endif

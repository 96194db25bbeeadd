/* Waking PSA once per process, and what a failed PSA call means. Init may come from any thread;
 * core has no threads of its own and so no lock to sleep on, but the wait is a millisecond, once.
 * After that PSA itself locks its key store and generator. */
#include "veldkit/crypto.h"

#include <stdatomic.h>
#include <stdbool.h>

#include <mbedtls/platform.h>
#include <psa/crypto.h>

#include "primitive.h"
#include "veldkit/env.h"
#include "veldkit/number.h"

static atomic_flag busy = ATOMIC_FLAG_INIT;
static bool ready; /* read and written by who holds `busy` */

static void hold(void)
{
    while (atomic_flag_test_and_set_explicit(&busy, memory_order_acquire))
        continue;
}

static void let_go(void)
{
    atomic_flag_clear_explicit(&busy, memory_order_release);
}

/* The library asks for 0 bytes at times and takes NULL for "no memory". */
static void *library_calloc(size_t count, size_t size)
{
    size_t bytes = 0;
    if (!veld_size_multiply(count, size, &bytes))
        return NULL;
    return veld_allocate(bytes > 0 ? bytes : 1);
}

static veld_status wake(veld_error *err)
{
    if (mbedtls_platform_set_calloc_free(library_calloc, veld_release) != 0)
        return veld_fail(err, VELD_E_CRYPTO, "the library does not take our memory functions");
    psa_status_t native = psa_crypto_init();
    if (native != PSA_SUCCESS)
        return veld_psa_fail(err, native, "starting the library");
    return VELD_OK;
}

veld_status veld_crypto_init(veld_error *err)
{
    veld_status status = VELD_OK;
    hold();
    if (!ready) {
        status = wake(err);
        ready = status == VELD_OK;
    }
    let_go();
    return status;
}

void veld_crypto_close(void)
{
    hold();
    if (ready)
        mbedtls_psa_crypto_free();
    ready = false;
    let_go();
}

veld_status veld_psa_fail(veld_error *err, int32_t native, const char *what)
{
    veld_status status = native == PSA_ERROR_INSUFFICIENT_MEMORY ? VELD_E_MEMORY : VELD_E_CRYPTO;
    return veld_fail_native(err, status, VELD_DOMAIN_CRYPTO, native, "%s failed", what);
}

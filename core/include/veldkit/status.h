/* status.h: how every function of the library says that something went wrong.
 *
 * A function that can fail returns a veld_status, which the compiler makes the caller look at. What
 * a person or a program needs to act on goes into the optional veld_error, always the last
 * parameter and always allowed to be NULL. There is no thread-local "last error".
 * Error texts carry ids and places, never case content (security.md 4, rule 7). */
#ifndef VELDKIT_STATUS_H
#define VELDKIT_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

#define VELD_MUST_CHECK __attribute__((warn_unused_result))

/* The numbers are stable: they are stored, logged and sent. New ones are added at the end. */
typedef enum veld_status {
    VELD_OK = 0,
    VELD_E_MEMORY = -1,        /* no memory, or an arena is at its maximum */
    VELD_E_LIMIT = -2,         /* larger, deeper or more than limits.h allows */
    VELD_E_FORM = -3,          /* bytes that are not of the promised form */
    VELD_E_INVALID = -4,       /* well-formed, but breaks a rule of the schema or the model */
    VELD_E_NOT_FOUND = -5,     /* what was named does not exist here */
    VELD_E_EXISTS = -6,        /* what would be made exists already */
    VELD_E_STALE = -7,         /* made against a state that is no longer the newest */
    VELD_E_FORGED = -8,        /* a signature, tag or commitment does not fit */
    VELD_E_WRONG_PIN = -9,     /* the PIN or passphrase does not open the vault */
    VELD_E_WRONG_DEVICE = -10, /* the keystore or vault belongs to another device */
    VELD_E_NEWER = -11,        /* written by a newer program than this one */
    VELD_E_DAMAGED = -12,      /* stored bytes are not what was stored */
    VELD_E_LOCKED = -13,       /* needs keys that are not in memory now */
    VELD_E_BUSY = -14,         /* another process or handle has it */
    VELD_E_IO = -15,           /* the operating system refused to read or write */
    VELD_E_FULL = -16,         /* no space left on the device */
    VELD_E_CRYPTO = -17,       /* the cryptographic library failed: never an answer about data */
    VELD_E_NOT_ALLOWED = -18,  /* the caller may not do this */
    VELD_E_NETWORK = -19,      /* the peer cannot be reached, or the line was cut */
    VELD_E_TIMEOUT = -20,      /* an absolute deadline passed */
    VELD_E_UNSUPPORTED = -21,  /* a known thing this build does not do */
    VELD_E_WEAK = -22,         /* a secret with less entropy than its use needs */
    VELD_E_CONFLICT = -23,     /* a person has to choose first */
    VELD_E_INTERRUPTED = -24,  /* stopped on request; may be continued */
    VELD_E_WAIT = -25          /* too many wrong PINs: the next one only after a while */
} veld_status;

/* Which numbering `native` of a veld_error is in. */
typedef enum veld_domain {
    VELD_DOMAIN_VELD = 0,
    VELD_DOMAIN_POSIX,  /* errno */
    VELD_DOMAIN_SQLITE, /* extended result code */
    VELD_DOMAIN_GIT,    /* libgit2 error code */
    VELD_DOMAIN_CRYPTO, /* PSA status */
    VELD_DOMAIN_TLS,    /* Mbed TLS error code */
    VELD_DOMAIN_WIRE    /* status number a peer sent */
} veld_domain;

typedef enum veld_retry {
    VELD_RETRY_NEVER = 0, /* the same call will fail the same way */
    VELD_RETRY_LATER,     /* may work when time has passed */
    VELD_RETRY_AFTER_USER /* may work after a person has done something */
} veld_retry;

enum { VELD_ERROR_TEXT_BYTES_MAX = 160 };

typedef struct veld_error {
    veld_status status;
    veld_domain domain;
    veld_retry retry;
    int native;
    char text[VELD_ERROR_TEXT_BYTES_MAX + 1]; /* lower case, no trailing dot, UTF-8 */
} veld_error;

/* veld_status_name: the constant's name without prefix, lower case ("not-found"); "unknown" for a
 * number this build does not know. Static storage. */
const char *veld_status_name(veld_status status);

/* veld_status_retry: the retry class that follows from the status alone. */
veld_retry veld_status_retry(veld_status status);

/* veld_fail: fill `err` (may be NULL) and return `status`, so that a failing path is one line.
 * The text is cut at a UTF-8 boundary when it is too long. */
veld_status veld_fail(veld_error *err, veld_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* veld_fail_native: as veld_fail, with the number of another library or the system. */
veld_status veld_fail_native(veld_error *err, veld_status status, veld_domain domain, int native,
    const char *format, ...) __attribute__((format(printf, 5, 6)));

/* veld_status_from_errno: the status that fits a failed system call. */
veld_status veld_status_from_errno(int number);

/* VELD_TRY: the one control-flow macro. Needs a local `veld_status status` and a label `done`. */
#define VELD_TRY(expression)                                                                       \
    do {                                                                                           \
        status = (expression);                                                                     \
        if (status != VELD_OK)                                                                     \
            goto done;                                                                             \
    } while (0)

#ifdef __cplusplus
}
#endif
#endif

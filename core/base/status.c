/* The names and retry classes of statuses, and the one way to fill an error. Knows nothing of who
 * fails; never sees case content. */
#include "veldkit/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *veld_status_name(veld_status status)
{
    switch (status) {
    case VELD_OK:
        return "ok";
    case VELD_E_MEMORY:
        return "memory";
    case VELD_E_LIMIT:
        return "limit";
    case VELD_E_FORM:
        return "form";
    case VELD_E_INVALID:
        return "invalid";
    case VELD_E_NOT_FOUND:
        return "not-found";
    case VELD_E_EXISTS:
        return "exists";
    case VELD_E_STALE:
        return "stale";
    case VELD_E_FORGED:
        return "forged";
    case VELD_E_WRONG_PIN:
        return "wrong-pin";
    case VELD_E_WRONG_DEVICE:
        return "wrong-device";
    case VELD_E_NEWER:
        return "newer";
    case VELD_E_DAMAGED:
        return "damaged";
    case VELD_E_LOCKED:
        return "locked";
    case VELD_E_BUSY:
        return "busy";
    case VELD_E_IO:
        return "io";
    case VELD_E_FULL:
        return "full";
    case VELD_E_CRYPTO:
        return "crypto";
    case VELD_E_NOT_ALLOWED:
        return "not-allowed";
    case VELD_E_NETWORK:
        return "network";
    case VELD_E_TIMEOUT:
        return "timeout";
    case VELD_E_UNSUPPORTED:
        return "unsupported";
    case VELD_E_WEAK:
        return "weak";
    case VELD_E_CONFLICT:
        return "conflict";
    case VELD_E_INTERRUPTED:
        return "interrupted";
    case VELD_E_WAIT:
        return "wait";
    }
    return "unknown";
}

veld_retry veld_status_retry(veld_status status)
{
    switch (status) {
    case VELD_E_MEMORY:
    case VELD_E_BUSY:
    case VELD_E_IO:
    case VELD_E_NETWORK:
    case VELD_E_TIMEOUT:
    case VELD_E_INTERRUPTED:
    case VELD_E_WAIT:
        return VELD_RETRY_LATER;
    case VELD_E_STALE:
    case VELD_E_WRONG_PIN:
    case VELD_E_WRONG_DEVICE:
    case VELD_E_NEWER:
    case VELD_E_LOCKED:
    case VELD_E_FULL:
    case VELD_E_WEAK:
    case VELD_E_CONFLICT:
        return VELD_RETRY_AFTER_USER;
    case VELD_OK:
    case VELD_E_LIMIT:
    case VELD_E_FORM:
    case VELD_E_INVALID:
    case VELD_E_NOT_FOUND:
    case VELD_E_EXISTS:
    case VELD_E_FORGED:
    case VELD_E_DAMAGED:
    case VELD_E_CRYPTO:
    case VELD_E_NOT_ALLOWED:
    case VELD_E_UNSUPPORTED:
        return VELD_RETRY_NEVER;
    }
    return VELD_RETRY_NEVER;
}

/* Cut at the last whole UTF-8 character, so that a text shown to a person stays readable. */
static void cut_at_character(char *text, size_t len)
{
    while (len > 0 && ((unsigned char)text[len - 1] & 0xC0) == 0x80)
        len--;
    if (len > 0 && ((unsigned char)text[len - 1] & 0x80) != 0)
        len--;
    text[len] = '\0';
}

__attribute__((format(printf, 5, 0))) static veld_status fill(veld_error *err, veld_status status,
    veld_domain domain, int native, const char *format, va_list arguments)
{
    if (err == NULL)
        return status;
    err->status = status;
    err->domain = domain;
    err->native = native;
    err->retry = veld_status_retry(status);
    int wanted = vsnprintf(err->text, sizeof err->text, format, arguments);
    if (wanted < 0)
        err->text[0] = '\0';
    else if ((size_t)wanted >= sizeof err->text)
        cut_at_character(err->text, sizeof err->text - 1);
    return status;
}

veld_status veld_fail(veld_error *err, veld_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fill(err, status, VELD_DOMAIN_VELD, (int)status, format, arguments);
    va_end(arguments);
    return status;
}

veld_status veld_fail_native(
    veld_error *err, veld_status status, veld_domain domain, int native, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fill(err, status, domain, native, format, arguments);
    va_end(arguments);
    return status;
}

veld_status veld_status_from_errno(int number)
{
    switch (number) {
    case 0:
        return VELD_OK;
    case ENOMEM:
        return VELD_E_MEMORY;
    case ENOENT:
    case ENOTDIR:
        return VELD_E_NOT_FOUND;
    case EEXIST:
        return VELD_E_EXISTS;
    case ENOSPC:
    case EDQUOT:
        return VELD_E_FULL;
    case EACCES:
    case EPERM:
    case EROFS:
        return VELD_E_NOT_ALLOWED;
    case EBUSY:
    case EAGAIN:
        return VELD_E_BUSY;
    case EINTR:
        return VELD_E_INTERRUPTED;
    default:
        return VELD_E_IO;
    }
}

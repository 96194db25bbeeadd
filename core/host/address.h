/* address.h: where a server is. Not installed. */
#ifndef VELD_HOST_ADDRESS_H
#define VELD_HOST_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "veldkit/env.h"
#include "veldkit/status.h"

enum { ADDRESS_TEXT_SIZE = 300, ADDRESS_PORT_SIZE = 6 };

typedef struct host_address {
    bool local;                   /* a Unix-domain socket */
    char host[ADDRESS_TEXT_SIZE]; /* name or literal without brackets; the path when local */
    char port[ADDRESS_PORT_SIZE]; /* "" when local */
    char text[ADDRESS_TEXT_SIZE]; /* as given, without "https://" */
} host_address;

/* host_address_parse: "host:port", "[v6]:port", "unix:/path". Expects: VELD_E_FORM. */
veld_status host_address_parse(
    const char *text, host_address *out, veld_error *err) VELD_MUST_CHECK;

/* host_address_connect: a connected, non-blocking socket; close it.
 * Units:   until_ms = monotonic ms; cancel_fd stops the wait when readable, -1 for none.
 * Expects: VELD_E_NETWORK, VELD_E_TIMEOUT, VELD_E_INTERRUPTED. */
veld_status host_address_connect(const host_address *address, const veld_env *env, int64_t until_ms,
    int cancel_fd, int *out, veld_error *err) VELD_MUST_CHECK;

/* host_wait: sleep until `fd` has one of `events`, `until_ms` passes (VELD_E_TIMEOUT) or cancel_fd
 * becomes readable (VELD_E_INTERRUPTED). `*got` is what fd has. Expects: VELD_E_IO too. */
veld_status host_wait(int fd, short events, const veld_env *env, int64_t until_ms, int cancel_fd,
    short *got, veld_error *err) VELD_MUST_CHECK;

#endif

/* net_server.h: a server of the test agency on loopback, in a thread of its own.
 *
 *   POST /echo    gives the body back          POST /later  the same after 200 ms
 *   GET  /never   is not answered              GET  /who    "local UID", the device's id, or
 * "nobody" POST /small   takes at most 100 bytes      GET  /big    1 MiB of zeros */
#ifndef NET_SERVER_H
#define NET_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "veldkit/env.h"
#include "veldkit/tls.h"

typedef struct net_server net_server;

/* net_server_start: listens on 127.0.0.1 and on the Unix-domain socket `path` when that is not
 * NULL; `per_address` caps connections, 0 for the default. NULL when it does not come up. */
net_server *net_server_start(
    const veld_env *env, const veld_tls_identity *identity, const char *path, size_t per_address);
uint16_t net_server_port(const net_server *server);
/* net_server_gone: how many requests were told to be gone. */
unsigned net_server_gone(const net_server *server);
/* net_server_stop: a clean shutdown; returns how many connections were left after half
 * a second. */
size_t net_server_stop(net_server *server);

#endif

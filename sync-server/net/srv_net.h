/* srv_net.h: what faces the network: listeners on libevent's loop, one http2.h connection per
 * socket, one handler for all requests.
 *
 * A TCP listener speaks TLS 1.3 and knows a peer by its certificate; a Unix-domain listener speaks
 * the same HTTP/2 without TLS and knows a peer by the uid that the kernel names. All runs in the
 * thread of the loop; handlers must not block it. A handshake takes some milliseconds of the loop.
 *
 * Caps: connections in all and per source address (IPv6: per /64); requests per connection and
 * deadlines as http2.h. What is over a cap is closed at once. */
#ifndef SRV_NET_H
#define SRV_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "veldkit/bytes.h"
#include "veldkit/env.h"
#include "veldkit/status.h"
#include "veldkit/tls.h"

struct event_base;

typedef struct srv_net srv_net;
typedef struct srv_request srv_request;

/* Who asks. Over TLS: `tls.known` with the facts of the certificate (judge its period by your own
 * clock), or neither known nor local: no certificate was shown. */
typedef struct srv_peer {
    bool local;   /* came over the Unix-domain socket */
    uint32_t uid; /* of a local peer */
    veld_tls_peer tls;
    char address[48]; /* "192.0.2.1", "2001:db8::1"; "" for a local peer */
} srv_peer;

typedef struct srv_handler {
    void *context;
    /* body_max: the most bytes of body to take for this request; more is answered with 413. 0 takes
     * requests without body only. */
    size_t (*body_max)(void *context, const srv_peer *peer, const char *method, const char *path);
    /* request: a whole request is in. Answer it with srv_request_respond, now or later (after
     * other events of the loop). `request` is valid until it is answered or `gone`. */
    void (*request)(void *context, srv_request *request);
    /* gone: a request that was not answered yet can no longer be: forget it. May be NULL when all
     * are answered at once. */
    void (*gone)(void *context, srv_request *request);
} srv_handler;

typedef struct srv_net_settings {
    const veld_env *env;
    struct event_base *base;
    srv_handler handler;
    size_t connections_max;             /* 0: SRV_NET_CONNECTIONS_MAX */
    size_t connections_per_address_max; /* 0: SRV_NET_CONNECTIONS_PER_ADDRESS_MAX */
} srv_net_settings;

enum { SRV_NET_CONNECTIONS_MAX = 1000, SRV_NET_CONNECTIONS_PER_ADDRESS_MAX = 100 };

/* srv_net_new: no listener yet.
 * Owns:    borrows env and base; free it before the base. Ignore SIGPIPE in the program.
 * Expects: VELD_E_MEMORY.  Thread: the loop's. */
veld_status srv_net_new(
    const srv_net_settings *settings, srv_net **out, veld_error *err) VELD_MUST_CHECK;

/* srv_net_listen: accept TLS on `address` ("127.0.0.1:0", "[::]:8443"; port 0 takes a free one).
 * `identity` is borrowed. The port that was taken goes to `port`.
 * Expects: VELD_E_FORM (address), VELD_E_BUSY (in use), VELD_E_NOT_ALLOWED, VELD_E_IO. */
veld_status srv_net_listen(srv_net *net, const char *address, const veld_tls_identity *identity,
    uint16_t *port, veld_error *err) VELD_MUST_CHECK;
/* srv_net_change_identity: who connects from now on is shown this one, borrowed; connections that
 * are open keep the one they began with, so that has to live on. */
void srv_net_change_identity(srv_net *net, const veld_tls_identity *identity);
/* srv_net_listen_local: accept on the Unix-domain socket `path`, mode 0600; a socket that nobody
 * listens on any more is replaced. Removed again by close and free. Expects: VELD_E_LIMIT (path too
 * long) and as above. */
veld_status srv_net_listen_local(srv_net *net, const char *path, veld_error *err) VELD_MUST_CHECK;

/* srv_net_close: stop listening, let open requests finish. srv_net_get_connections says how many
 * connections are left; the loop ends by itself when nothing else is on it. */
void srv_net_close(srv_net *net);
/* srv_net_free: drop everything now; open requests are `gone`. */
void srv_net_free(srv_net *net);
size_t srv_net_get_connections(const srv_net *net);

/* ---- a request ---- */
const srv_peer *srv_request_peer(const srv_request *request);
const char *srv_request_method(const srv_request *request);
const char *srv_request_path(const srv_request *request);
/* srv_request_body: borrowed until the request is answered or gone. */
veld_span srv_request_body(const srv_request *request);
/* srv_request_set_mark / mark: a pointer of the handler's own, NULL at first. */
void srv_request_set_mark(srv_request *request, void *mark);
void *srv_request_mark(const srv_request *request);

/* srv_request_respond: answer, once; the request is gone afterwards (no `gone` event).
 * Owns:    takes the memory of `body` and leaves it empty; `type` NULL is application/cbor-seq. */
void srv_request_respond(
    srv_request *request, unsigned http_status, const char *type, veld_buf *body);

#endif

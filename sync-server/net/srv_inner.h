/* srv_inner.h: listeners, connections and requests as the files of this folder share them. */
#ifndef SRV_INNER_H
#define SRV_INNER_H

#include <event2/event.h>
#include <sys/socket.h>

#include "srv_net.h"
#include "veldkit/http2.h"

enum { SRV_LISTENERS_MAX = 8, SRV_METHOD_SIZE = 16, SRV_PATH_MAX = 108, SRV_SOURCE_BYTES = 16 };

typedef struct srv_listener {
    srv_net *net;
    const veld_tls_identity *identity; /* NULL: local */
    int fd;
    struct event *readable;
    struct event *pause;     /* after an error that time may heal */
    char path[SRV_PATH_MAX]; /* of a local socket */
} srv_listener;

typedef struct srv_conn {
    struct srv_conn *next;
    struct srv_conn *previous;
    srv_net *net;
    int fd;
    veld_http2 *http2;
    struct event *readable;
    struct event *writable;
    struct event *timer;
    int64_t timer_ms; /* what the timer is set to; INT64_MAX: not set */
    bool busy;        /* inside the engine: it is pumped afterwards */
    srv_peer peer;
    uint8_t source[SRV_SOURCE_BYTES]; /* what the cap per address counts by */
    srv_request *requests;            /* not answered yet */
} srv_conn;

struct srv_request {
    srv_request *next;
    srv_request *previous;
    srv_conn *conn;
    int32_t stream;
    bool handed_over; /* the handler knows it */
    char method[SRV_METHOD_SIZE];
    char *path;
    veld_buf body;
    void *mark;
};

struct srv_net {
    srv_net_settings settings;
    srv_listener listeners[SRV_LISTENERS_MAX];
    size_t listeners_count;
    srv_conn *conns;
    size_t conns_count;
};

/* srv_conn_new: takes over the socket `fd`, also on error. `peer` and `source` are copied. */
veld_status srv_conn_new(srv_net *net, int fd, const veld_tls_identity *identity,
    const srv_peer *peer, const uint8_t source[SRV_SOURCE_BYTES]) VELD_MUST_CHECK;
/* srv_conn_free: drop it now; its requests are gone. */
void srv_conn_free(srv_conn *conn);
/* srv_conn_pump: send what is ready and set the timer; frees the connection when it is over. */
void srv_conn_pump(srv_conn *conn);

/* srv_listener_add: listen on `fd`, which is taken over, also on error. */
veld_status srv_listener_add(srv_net *net, int fd, const veld_tls_identity *identity,
    const char *path, veld_error *err) VELD_MUST_CHECK;
void srv_listener_close(srv_listener *listener);

#endif

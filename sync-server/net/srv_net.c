/* The whole of it: made, closed and freed. Listeners and connections do the rest. */
#include "srv_net.h"

#include "srv_inner.h"
#include "veldkit/assert.h"

veld_status srv_net_new(const srv_net_settings *settings, srv_net **out, veld_error *err)
{
    VELD_ASSERT(settings->handler.request != NULL && settings->handler.body_max != NULL);
    srv_net *made = veld_allocate(sizeof *made);
    if (made == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for the server's network");
    made->settings = *settings;
    if (made->settings.connections_max == 0)
        made->settings.connections_max = SRV_NET_CONNECTIONS_MAX;
    if (made->settings.connections_per_address_max == 0)
        made->settings.connections_per_address_max = SRV_NET_CONNECTIONS_PER_ADDRESS_MAX;
    *out = made;
    return VELD_OK;
}

static void close_listeners(srv_net *net)
{
    for (size_t i = 0; i < net->listeners_count; i++)
        srv_listener_close(&net->listeners[i]);
    net->listeners_count = 0;
}

void srv_net_change_identity(srv_net *net, const veld_tls_identity *identity)
{
    for (size_t i = 0; i < net->listeners_count; i++)
        if (net->listeners[i].identity != NULL)
            net->listeners[i].identity = identity;
}

void srv_net_close(srv_net *net)
{
    close_listeners(net);
    srv_conn *next = NULL;
    for (srv_conn *conn = net->conns; conn != NULL; conn = next) {
        next = conn->next;
        veld_http2_close(conn->http2);
        srv_conn_pump(conn);
    }
}

void srv_net_free(srv_net *net)
{
    if (net == NULL)
        return;
    close_listeners(net);
    while (net->conns != NULL)
        srv_conn_free(net->conns);
    veld_release(net);
}

size_t srv_net_get_connections(const srv_net *net)
{
    return net->conns_count;
}

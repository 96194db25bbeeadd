/* One TLS connection around mbedtls_ssl_context, with two buffers in place of a socket. The library
 * is asked for as much as it can do at each call, so bytes never wait in `in` for a second reason.
 * A failure is for good and is remembered with its reason and text. */
#include "veldkit/tls.h"

#include <string.h>

#include <mbedtls/ssl.h>

#include "tls_inner.h"
#include "tls_peer.h"
#include "veldkit/assert.h"
#include "veldkit/env.h"
#include "veldkit/limits.h"

enum { RECORD_OVERHEAD_MAX = 64, RECORD_PLAIN_MAX = 16384 };

struct veld_tls {
    const veld_tls_identity *identity;
    mbedtls_ssl_context ssl;
    veld_buf in;
    size_t in_at;
    veld_buf out;
    size_t out_at;
    char host[VELD_CERTIFICATE_NAME_BYTES_MAX + 1]; /* empty: any server of the agency */
    bool ended;                                     /* the network gives no more */
    bool close_sent;
    veld_tls_state state;
    veld_tls_reason reason;
    veld_error error; /* once failed */
    veld_tls_peer peer;
    veld_buf ca;
};

/* ---- the two ends of the library ---- */
static int give_input(void *context, unsigned char *out, size_t out_bytes)
{
    veld_tls *tls = context;
    const size_t left = tls->in.len - tls->in_at;
    if (left == 0)
        return tls->ended ? 0 : MBEDTLS_ERR_SSL_WANT_READ;
    const size_t len = left < out_bytes ? left : out_bytes;
    memcpy(out, tls->in.data + tls->in_at, len);
    tls->in_at += len;
    if (tls->in_at == tls->in.len) {
        veld_buf_release(&tls->in);
        tls->in_at = 0;
    }
    return (int)len;
}

static int take_output(void *context, const unsigned char *data, size_t len)
{
    veld_tls *tls = context;
    if (veld_buf_append(&tls->out, data, len) != VELD_OK)
        return MBEDTLS_ERR_SSL_ALLOC_FAILED;
    return (int)len;
}

/* ---- failing ---- */
typedef struct explained {
    veld_tls_reason reason;
    veld_status status;
    const char *text;
} explained;

static const explained explanations[] = {
    {VELD_TLS_OTHER_AGENCY, VELD_E_FORGED, "the peer shows another agency's certificate"},
    {VELD_TLS_OTHER_HOST, VELD_E_FORGED, "the server's certificate is for other host names"},
    {VELD_TLS_BAD_PEER, VELD_E_FORGED, "the peer's certificate is not good for its role"},
    {VELD_TLS_REFUSED, VELD_E_NOT_ALLOWED, "the peer refused our certificate"},
    {VELD_TLS_NOT_VELDKIT, VELD_E_UNSUPPORTED, "the peer speaks no TLS 1.3 with HTTP/2"},
    {VELD_TLS_CUT, VELD_E_NETWORK, "the line was cut"},
    {VELD_TLS_DAMAGED, VELD_E_NETWORK, "what came is damaged or no TLS"},
    {VELD_TLS_PEER_GAVE_UP, VELD_E_NETWORK, "the peer gave up the connection"},
    {VELD_TLS_LIBRARY_FAILED, VELD_E_CRYPTO, "the TLS library failed"},
};

static veld_status fail_with(veld_tls *tls, veld_tls_reason reason, int native, veld_error *err)
{
    const explained *why = NULL;
    for (size_t i = 0; i < sizeof explanations / sizeof explanations[0]; i++)
        if (explanations[i].reason == reason)
            why = &explanations[i];
    VELD_ASSERT(why != NULL);
    veld_status status = why->status;
    if (reason == VELD_TLS_LIBRARY_FAILED)
        status = veld_mbed_fail(NULL, native, "");
    if (native == MBEDTLS_ERR_SSL_ALLOC_FAILED)
        status = VELD_E_MEMORY;
    tls->state = VELD_TLS_FAILED;
    tls->reason = reason;
    status = veld_fail_native(&tls->error, status, VELD_DOMAIN_TLS, native, "%s", why->text);
    if (err != NULL)
        *err = tls->error;
    return status;
}

/* What a fatal alert of the peer tells us (RFC 8446, 6.2). The library has no call that gives the
 * description of the alert that ended the connection; it is the second byte of the last message. */
static veld_tls_reason reason_of_alert(const veld_tls *tls)
{
    switch (tls->ssl.MBEDTLS_PRIVATE(in_msg)[1]) {
    case MBEDTLS_SSL_ALERT_MSG_BAD_CERT:
    case MBEDTLS_SSL_ALERT_MSG_UNSUPPORTED_CERT:
    case MBEDTLS_SSL_ALERT_MSG_CERT_REVOKED:
    case MBEDTLS_SSL_ALERT_MSG_CERT_EXPIRED:
    case MBEDTLS_SSL_ALERT_MSG_CERT_UNKNOWN:
    case MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA:
    case MBEDTLS_SSL_ALERT_MSG_ACCESS_DENIED:
        return VELD_TLS_REFUSED;
    case MBEDTLS_SSL_ALERT_MSG_PROTOCOL_VERSION:
    case MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE:
    case MBEDTLS_SSL_ALERT_MSG_NO_APPLICATION_PROTOCOL:
        return VELD_TLS_NOT_VELDKIT;
    default:
        return VELD_TLS_PEER_GAVE_UP;
    }
}

static veld_tls_reason reason_of(const veld_tls *tls, int native)
{
    switch (native) {
    case 0:
    case MBEDTLS_ERR_SSL_CONN_EOF:
        return VELD_TLS_CUT;
    case MBEDTLS_ERR_X509_CERT_VERIFY_FAILED:
        return veld_tls_reason_of_flags(mbedtls_ssl_get_verify_result(&tls->ssl));
    case MBEDTLS_ERR_SSL_BAD_CERTIFICATE:
    case MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE:
        return VELD_TLS_BAD_PEER;
    case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE:
        return reason_of_alert(tls);
    case MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION:
    case MBEDTLS_ERR_SSL_NO_APPLICATION_PROTOCOL:
    case MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE:
        return VELD_TLS_NOT_VELDKIT;
    case MBEDTLS_ERR_SSL_INVALID_RECORD:
    case MBEDTLS_ERR_SSL_INVALID_MAC:
    case MBEDTLS_ERR_SSL_DECODE_ERROR:
    case MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER:
    case MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE:
    case MBEDTLS_ERR_SSL_UNSUPPORTED_EXTENSION:
        return VELD_TLS_DAMAGED;
    default:
        break;
    }
    const bool in_certificate = -native >= 0x2000 && -native < 0x3000; /* X.509's numbers */
    if (in_certificate && native != MBEDTLS_ERR_X509_ALLOC_FAILED)
        return VELD_TLS_BAD_PEER;
    return VELD_TLS_LIBRARY_FAILED;
}

static veld_status repeat_failure(const veld_tls *tls, veld_error *err)
{
    if (err != NULL)
        *err = tls->error;
    return tls->error.status;
}

/* ---- making and freeing ---- */
static int set_up(veld_tls *tls)
{
    int failed = mbedtls_ssl_setup(&tls->ssl, &tls->identity->config);
    if (failed == 0 && !tls->identity->server)
        failed = mbedtls_ssl_set_hostname(&tls->ssl, tls->host[0] != '\0' ? tls->host : NULL);
    if (failed == 0)
        mbedtls_ssl_set_bio(&tls->ssl, tls, take_output, give_input, NULL);
    return failed;
}

veld_status veld_tls_new(
    const veld_tls_identity *identity, const char *host, veld_tls **out, veld_error *err)
{
    VELD_ASSERT(identity != NULL && (host == NULL || !identity->server));
    veld_status status = VELD_OK;
    if (host != NULL && strlen(host) > VELD_CERTIFICATE_NAME_BYTES_MAX)
        return veld_fail(err, VELD_E_INVALID, "the host name is too long");
    veld_tls *made = veld_allocate(sizeof *made);
    if (made == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for a connection");
    made->identity = identity;
    if (host != NULL)
        memcpy(made->host, host, strlen(host));
    veld_buf_init(&made->in, VELD_TLS_FEED_BYTES_MAX);
    veld_buf_init(&made->out, VELD_TLS_OUTPUT_BYTES_MAX + RECORD_PLAIN_MAX);
    veld_buf_init(&made->ca, VELD_CERTIFICATE_BYTES_MAX);
    mbedtls_ssl_init(&made->ssl);
    int failed = set_up(made);
    if (failed != 0)
        VELD_TRY(veld_mbed_fail(err, failed, "preparing a connection"));
    if (!identity->server)
        VELD_TRY(veld_tls_feed(made, (veld_span){0}, err));
    *out = made;
    made = NULL;
done:
    veld_tls_free(made);
    return status;
}

void veld_tls_free(veld_tls *tls)
{
    if (tls == NULL)
        return;
    mbedtls_ssl_free(&tls->ssl);
    veld_buf_wipe(&tls->in);
    veld_buf_release(&tls->out);
    veld_buf_release(&tls->ca);
    veld_release(tls);
}

/* ---- the handshake ---- */
static unsigned char alert_of(veld_tls_reason reason)
{
    switch (reason) {
    case VELD_TLS_OTHER_AGENCY:
        return MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA;
    case VELD_TLS_NOT_VELDKIT:
        return MBEDTLS_SSL_ALERT_MSG_NO_APPLICATION_PROTOCOL;
    default:
        return MBEDTLS_SSL_ALERT_MSG_BAD_CERT;
    }
}

static veld_status refuse(veld_tls *tls, veld_tls_reason reason, veld_error *err)
{
    (void)mbedtls_ssl_send_alert_message(
        &tls->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL, alert_of(reason));
    return fail_with(tls, reason, 0, err);
}

static veld_status finish_handshake(veld_tls *tls, veld_error *err)
{
    const char *protocol = mbedtls_ssl_get_alpn_protocol(&tls->ssl);
    if (protocol == NULL || strcmp(protocol, "h2") != 0)
        return refuse(tls, VELD_TLS_NOT_VELDKIT, err);
    veld_tls_reason reason = VELD_TLS_NO_REASON;
    veld_tls_peer peer = {0};
    veld_status status = veld_tls_judge(tls->identity, &tls->ssl,
        tls->host[0] != '\0' ? tls->host : NULL, &peer, &tls->ca, &reason, err);
    if (status == VELD_E_MEMORY || status == VELD_E_CRYPTO)
        return fail_with(tls, VELD_TLS_LIBRARY_FAILED,
            status == VELD_E_MEMORY ? MBEDTLS_ERR_SSL_ALLOC_FAILED : 0, err);
    if (status != VELD_OK)
        return refuse(tls, reason, err);
    tls->peer = peer;
    tls->state = VELD_TLS_OPEN;
    return VELD_OK;
}

static veld_status advance(veld_tls *tls, veld_error *err)
{
    int result = mbedtls_ssl_handshake(&tls->ssl);
    if (result == MBEDTLS_ERR_SSL_WANT_READ)
        return VELD_OK;
    if (result != 0)
        return fail_with(tls, reason_of(tls, result), result, err);
    return finish_handshake(tls, err);
}

/* ---- bytes ---- */
veld_status veld_tls_feed(veld_tls *tls, veld_span bytes, veld_error *err)
{
    if (tls->state == VELD_TLS_FAILED)
        return repeat_failure(tls, err);
    VELD_ASSERT(!tls->ended);
    if (bytes.len > VELD_TLS_FEED_BYTES_MAX - (tls->in.len - tls->in_at))
        return veld_fail(err, VELD_E_LIMIT, "more bytes than a connection takes at once");
    if (tls->in_at > 0) {
        memmove(tls->in.data, tls->in.data + tls->in_at, tls->in.len - tls->in_at);
        tls->in.len -= tls->in_at;
        tls->in_at = 0;
    }
    if (veld_buf_append_span(&tls->in, bytes) != VELD_OK)
        return fail_with(tls, VELD_TLS_LIBRARY_FAILED, MBEDTLS_ERR_SSL_ALLOC_FAILED, err);
    return tls->state == VELD_TLS_HANDSHAKE ? advance(tls, err) : VELD_OK;
}

veld_status veld_tls_feed_end(veld_tls *tls, veld_error *err)
{
    if (tls->state == VELD_TLS_FAILED)
        return repeat_failure(tls, err);
    tls->ended = true;
    if (tls->state == VELD_TLS_CLOSED)
        return VELD_OK;
    return fail_with(tls, VELD_TLS_CUT, 0, err);
}

veld_span veld_tls_output(const veld_tls *tls)
{
    const size_t left = tls->out.len - tls->out_at;
    return left > 0 ? veld_span_of(tls->out.data + tls->out_at, left) : (veld_span){0};
}

void veld_tls_sent(veld_tls *tls, size_t len)
{
    VELD_ASSERT(len <= tls->out.len - tls->out_at);
    tls->out_at += len;
    if (tls->out_at == tls->out.len) {
        veld_buf_release(&tls->out);
        tls->out_at = 0;
    }
}

veld_status veld_tls_read(
    veld_tls *tls, uint8_t *out, size_t out_size, size_t *len, veld_error *err)
{
    *len = 0;
    if (tls->state == VELD_TLS_FAILED)
        return repeat_failure(tls, err);
    if (tls->state != VELD_TLS_OPEN)
        return VELD_OK;
    int got = mbedtls_ssl_read(&tls->ssl, out, out_size);
    if (got > 0) {
        *len = (size_t)got;
        return VELD_OK;
    }
    if (got == MBEDTLS_ERR_SSL_WANT_READ)
        return VELD_OK;
    if (got == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
        tls->state = VELD_TLS_CLOSED;
        return VELD_OK;
    }
    return fail_with(tls, reason_of(tls, got), got, err);
}

veld_status veld_tls_write(veld_tls *tls, veld_span plain, veld_error *err)
{
    if (tls->state == VELD_TLS_FAILED)
        return repeat_failure(tls, err);
    if (tls->state == VELD_TLS_HANDSHAKE || tls->close_sent)
        return veld_fail(err, VELD_E_BUSY, "the connection is not open for writing");
    const size_t records = plain.len / RECORD_PLAIN_MAX + 1;
    const size_t waiting = tls->out.len - tls->out_at;
    if (plain.len > VELD_TLS_OUTPUT_BYTES_MAX ||
        waiting + plain.len + records * RECORD_OVERHEAD_MAX > VELD_TLS_OUTPUT_BYTES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "more output than a connection holds");
    if (tls->out_at > 0) {
        memmove(tls->out.data, tls->out.data + tls->out_at, waiting);
        tls->out.len = waiting;
        tls->out_at = 0;
    }
    for (size_t at = 0; at < plain.len;) {
        int wrote = mbedtls_ssl_write(&tls->ssl, plain.data + at, plain.len - at);
        if (wrote <= 0)
            return fail_with(tls, reason_of(tls, wrote), wrote, err);
        at += (size_t)wrote;
    }
    return VELD_OK;
}

void veld_tls_close(veld_tls *tls)
{
    if (tls->close_sent || (tls->state != VELD_TLS_OPEN && tls->state != VELD_TLS_CLOSED))
        return;
    tls->close_sent = true;
    (void)mbedtls_ssl_close_notify(&tls->ssl);
}

veld_tls_state veld_tls_get_state(const veld_tls *tls)
{
    return tls->state;
}

veld_tls_reason veld_tls_get_reason(const veld_tls *tls)
{
    return tls->reason;
}

const veld_tls_peer *veld_tls_get_peer(const veld_tls *tls)
{
    return &tls->peer;
}

veld_span veld_tls_get_ca(const veld_tls *tls)
{
    return veld_buf_span(&tls->ca);
}

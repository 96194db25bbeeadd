/* tls_inner.h: what a connection sees of the identity. Not installed. */
#ifndef VELD_NET_TLS_INNER_H
#define VELD_NET_TLS_INNER_H

#include <mbedtls/ssl.h>

#include "mbed.h"
#include "veldkit/tls.h"

struct veld_tls_identity {
    mbedtls_ssl_config config;
    mbedtls_x509_crt ca;  /* empty when only the pin is known */
    mbedtls_x509_crt own; /* with the CA behind it on a server; empty for a client without */
    veld_mbed_key key;
    bool server;
    bool has_ca;
    uint8_t pin[VELD_X509_PIN_BYTES];
};

#endif

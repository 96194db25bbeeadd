/* net_tool DIR: an agency in DIR (ca.pem, client.pem, client.key, other.pem, other.key, for stock
 * tools) and its server on loopback. Prints the port, serves until its input ends. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "net_pair.h"
#include "net_server.h"
#include "veld_test.h"
#include "veldkit/crypto.h"
#include "veldkit/host.h"

static const uint8_t ec_head[] = {0x30, 0x31, 0x02, 0x01, 0x01, 0x04, 0x20};
static const uint8_t ec_tail[] = {
    0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};

static int write_pem(const char *folder, const char *name, const char *label, veld_span der)
{
    char path[512];
    veld_buf text;
    const char *base64 = NULL;
    veld_buf_init(&text, 8192);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    int failed = file == NULL || veld_base64_encode(der, false, &text) != VELD_OK ||
                 veld_buf_text(&text, &base64) != VELD_OK ||
                 fprintf(file, "-----BEGIN %s-----\n", label) < 0;
    for (size_t at = 0; !failed && at < text.len; at += 64)
        failed = fprintf(file, "%.64s\n", base64 + at) < 0;
    failed = failed || fprintf(file, "-----END %s-----\n", label) < 0;
    if (file != NULL)
        failed = fclose(file) != 0 || failed;
    veld_buf_release(&text);
    return failed;
}

/* RFC 5915 */
static int write_key(const char *folder, const char *name, const veld_p256_private *key)
{
    uint8_t der[sizeof ec_head + VELD_P256_PRIVATE_BYTES + sizeof ec_tail];
    memcpy(der, ec_head, sizeof ec_head);
    memcpy(der + sizeof ec_head, key->scalar.data, VELD_P256_PRIVATE_BYTES);
    memcpy(der + sizeof ec_head + VELD_P256_PRIVATE_BYTES, ec_tail, sizeof ec_tail);
    return write_pem(folder, name, "EC PRIVATE KEY", veld_span_of(der, sizeof der));
}

int main(int argc, char **argv)
{
    if (argc != 2 || veld_crypto_init(NULL) != VELD_OK)
        return 2;
    const char *folder = argv[1];
    const veld_env env = veld_host_env();
    test_agency ours;
    test_agency other;
    test_agency_init(&ours, &env);
    test_agency_init(&other, &env);
    if (write_pem(folder, "ca.pem", "CERTIFICATE", veld_buf_span(&ours.ca)) ||
        write_pem(folder, "client.pem", "CERTIFICATE", veld_buf_span(&ours.client)) ||
        write_key(folder, "client.key", &ours.client_key) ||
        write_pem(folder, "other.pem", "CERTIFICATE", veld_buf_span(&other.client)) ||
        write_key(folder, "other.key", &other.client_key))
        return 1;
    net_server *server = net_server_start(&env, ours.as_server, NULL, 0);
    if (server == NULL)
        return 1;
    printf("%u\n", net_server_port(server));
    fflush(stdout);
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    const size_t left = net_server_stop(server);
    test_agency_release(&ours);
    test_agency_release(&other);
    return left == 0 ? 0 : 1;
}

/* crypto_tool: the library on a command line, for tests against other implementations. Its private
 * key is the same in every run and known to everybody, so it is of no use for anything else.
 *
 *   public                       OpenSSH public key line
 *   jwk                          the same key as a JSON web key
 *   allowed NAMESPACE            allowed_signers line for the principal "tester"
 *   sign NAMESPACE               message on stdin, armored signature on stdout
 *   verify NAMESPACE MESSAGE     armored signature on stdin, message in a file
 *   jws TYPE KEYID               payload on stdin, document on stdout
 *   jws-verify TYPE KEYID        one document per line on stdin: "ok PAYLOAD" or the status, per
 * line hpke-seal INFO AAD           plaintext on stdin, hex on stdout hpke-open INFO AAD hex on
 * stdin, plaintext on stdout
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "veldkit/crypto.h"
#include "veldkit/host.h"
#include "veldkit/hpke.h"
#include "veldkit/jws.h"
#include "veldkit/limits.h"
#include "veldkit/sshsig.h"

enum { INPUT_BYTES_MAX = 4 << 20 };

static veld_env env;
static veld_p256_private key;
static veld_signer signer;
static veld_verifier verifier;

static int tell(veld_status status)
{
    if (status != VELD_OK)
        fprintf(stderr, "%s\n", veld_status_name(status));
    return status == VELD_OK ? 0 : 1;
}

static int print(veld_status status, veld_buf *out)
{
    if (status == VELD_OK)
        fwrite(out->data, 1, out->len, stdout);
    veld_buf_release(out);
    return tell(status);
}

static veld_status read_all(FILE *file, veld_buf *out)
{
    veld_buf_init(out, INPUT_BYTES_MAX);
    uint8_t block[4096];
    size_t len;
    while ((len = fread(block, 1, sizeof block, file)) > 0) {
        veld_status status = veld_buf_append(out, block, len);
        if (status != VELD_OK)
            return status;
    }
    return ferror(file) ? VELD_E_IO : VELD_OK;
}

static int public_line(char **arguments)
{
    (void)arguments;
    veld_buf out;
    veld_buf_init(&out, INPUT_BYTES_MAX);
    veld_status status = veld_ssh_key_write(&key.public_key, "tester", &out, NULL);
    if (status == VELD_OK)
        status = veld_buf_append_byte(&out, '\n');
    return print(status, &out);
}

static int jwk(char **arguments)
{
    (void)arguments;
    veld_buf out;
    veld_buf_init(&out, INPUT_BYTES_MAX);
    const veld_span point = veld_p256_public_span(&key.public_key);
    veld_status status;
    VELD_TRY(veld_buf_append_text(&out, "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\""));
    VELD_TRY(veld_base64_encode(veld_span_part(point, 1, 32), true, &out));
    VELD_TRY(veld_buf_append_text(&out, "\",\"y\":\""));
    VELD_TRY(veld_base64_encode(veld_span_part(point, 33, 32), true, &out));
    VELD_TRY(veld_buf_append_text(&out, "\",\"d\":\""));
    VELD_TRY(veld_base64_encode(veld_secret_span(&key.scalar), true, &out));
    VELD_TRY(veld_buf_append_text(&out, "\"}\n"));
done:
    return print(status, &out);
}

static int allowed(char **arguments)
{
    veld_ssh_allowed line = {.principal = "tester", .key = key.public_key};
    veld_buf out;
    veld_buf_init(&out, INPUT_BYTES_MAX);
    snprintf(line.name_space, sizeof line.name_space, "%s", arguments[0]);
    return print(veld_ssh_allowed_write(&line, &out, NULL), &out);
}

static int sign(char **arguments)
{
    veld_buf message;
    veld_buf out;
    veld_signature signature;
    veld_buf_init(&out, INPUT_BYTES_MAX);
    veld_status status;
    VELD_TRY(read_all(stdin, &message));
    VELD_TRY(veld_sshsig_sign(&signer, arguments[0], veld_buf_span(&message), &signature, NULL));
    VELD_TRY(veld_sshsig_write(&key.public_key, arguments[0], &signature, &out, NULL));
done:
    veld_buf_release(&message);
    return print(status, &out);
}

static int verify(char **arguments)
{
    veld_buf message = {0};
    veld_buf text;
    veld_sshsig read;
    veld_status status = VELD_E_IO;
    FILE *file = fopen(arguments[1], "rb");
    VELD_TRY(read_all(stdin, &text));
    if (file == NULL)
        goto done;
    VELD_TRY(read_all(file, &message));
    VELD_TRY(veld_sshsig_read(veld_buf_span(&text), &read, NULL));
    if (!veld_p256_public_equal(&read.key, &key.public_key) ||
        strcmp(read.name_space, arguments[0]) != 0)
        VELD_TRY(VELD_E_FORGED);
    VELD_TRY(veld_sshsig_verify(
        &verifier, &read.key, arguments[0], veld_buf_span(&message), &read.signature, NULL));
done:
    if (file != NULL)
        fclose(file);
    veld_buf_release(&message);
    veld_buf_release(&text);
    return tell(status);
}

static int jws(char **arguments)
{
    veld_buf payload;
    veld_buf out;
    veld_buf_init(&out, INPUT_BYTES_MAX);
    veld_status status;
    VELD_TRY(read_all(stdin, &payload));
    VELD_TRY(
        veld_jws_sign(&signer, arguments[0], arguments[1], veld_buf_span(&payload), &out, NULL));
done:
    veld_buf_release(&payload);
    return print(status, &out);
}

static void verify_line(char **arguments, veld_span line)
{
    veld_buf payload;
    veld_buf_init(&payload, VELD_JWS_BYTES_MAX);
    veld_status status = veld_jws_verify(
        &verifier, &key.public_key, arguments[0], arguments[1], line, &payload, NULL);
    printf("%s %.*s\n", veld_status_name(status), (int)payload.len,
        payload.len > 0 ? (const char *)payload.data : "");
    veld_buf_release(&payload);
}

static int jws_verify(char **arguments)
{
    veld_buf lines;
    veld_status status = read_all(stdin, &lines);
    size_t start = 0;
    for (size_t i = 0; status == VELD_OK && i < lines.len; i++) {
        if (lines.data[i] == '\n') {
            verify_line(arguments, veld_span_of(lines.data + start, i - start));
            start = i + 1;
        }
    }
    veld_buf_release(&lines);
    return tell(status);
}

static int hpke_seal(char **arguments)
{
    veld_buf plain;
    veld_buf out;
    char *hex = NULL;
    veld_buf_init(&out, INPUT_BYTES_MAX);
    veld_status status;
    VELD_TRY(read_all(stdin, &plain));
    VELD_TRY(veld_hpke_seal(&env, &key.public_key, arguments[0], veld_span_text(arguments[1]),
        veld_buf_span(&plain), &out, NULL));
    hex = malloc(2 * out.len + 1);
    if (hex == NULL)
        VELD_TRY(VELD_E_MEMORY);
    veld_hex_encode(veld_buf_span(&out), hex, 2 * out.len + 1);
    puts(hex);
done:
    free(hex);
    veld_buf_release(&plain);
    veld_buf_release(&out);
    return tell(status);
}

static int hpke_open(char **arguments)
{
    veld_buf hex;
    veld_buf sealed;
    veld_buf out;
    uint8_t *bytes = NULL;
    veld_buf_init(&sealed, INPUT_BYTES_MAX);
    veld_buf_init(&out, INPUT_BYTES_MAX);
    veld_status status;
    VELD_TRY(read_all(stdin, &hex));
    VELD_TRY(veld_buf_extend(&sealed, hex.len / 2, &bytes));
    VELD_TRY(veld_hex_decode(veld_buf_span(&hex), bytes, sealed.len));
    VELD_TRY(veld_hpke_open(
        &key, arguments[0], veld_span_text(arguments[1]), veld_buf_span(&sealed), &out, NULL));
done:
    veld_buf_release(&hex);
    veld_buf_release(&sealed);
    return print(status, &out);
}

static const struct {
    const char *name;
    int arguments;
    int (*run)(char **arguments);
} verbs[] = {
    {"public", 0, public_line},
    {"jwk", 0, jwk},
    {"allowed", 1, allowed},
    {"sign", 1, sign},
    {"verify", 2, verify},
    {"jws", 2, jws},
    {"jws-verify", 2, jws_verify},
    {"hpke-seal", 2, hpke_seal},
    {"hpke-open", 2, hpke_open},
};

int main(int count, char **arguments)
{
    uint8_t scalar[VELD_P256_PRIVATE_BYTES];
    memset(scalar, 0x11, sizeof scalar);
    env = veld_host_env();
    if (veld_crypto_init(NULL) != VELD_OK ||
        veld_p256_import(veld_span_of(scalar, sizeof scalar), &key, NULL) != VELD_OK)
        return 2;
    signer = veld_signer_p256(&key);
    verifier = veld_verifier_p256();
    int result = 2;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (count >= 2 && strcmp(arguments[1], verbs[i].name) == 0 &&
            count - 2 == verbs[i].arguments)
            result = verbs[i].run(arguments + 2);
    veld_p256_release(&key);
    return result;
}

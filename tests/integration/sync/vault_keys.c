/* Opens a vault and prints its keys, a name and hexadecimal digits on each line: so that a test can
 * look for them in the memory of a process that must not have them. Only for tests.
 *
 *   vault_keys HOME PASSPHRASE */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "veldkit/crypto.h"
#include "veldkit/host.h"
#include "veldkit/store.h"
#include "veldkit/vault.h"

static veld_error err;

static void must(veld_status status)
{
    if (status == VELD_OK)
        return;
    fprintf(stderr, "vault_keys: %s: %s\n", veld_status_name(status), err.text);
    exit(1);
}

static void print(const char *name, veld_span bytes)
{
    printf("%s ", name);
    for (size_t i = 0; i < bytes.len; i++)
        printf("%02x", bytes.data[i]);
    printf("\n");
}

static void print_cases(veld_store *store)
{
    veld_store_cursor *cursor = NULL;
    veld_store_summary row;
    bool more = true;
    must(veld_store_cases(store, &cursor, &err));
    must(veld_store_cases_next(cursor, &more, &row, &err));
    veld_store_cursor_close(cursor);
    if (!more)
        return;
    veld_store_case *opened = NULL;
    veld_span key = {0};
    must(veld_store_case_open(store, &row.case_id, &opened, &err));
    must(veld_store_case_key(opened, veld_store_case_epoch(opened), &key, &err));
    print("case", key);
    veld_store_case_close(opened);
}

int main(int argc, char **argv)
{
    const veld_env env = veld_host_env();
    veld_keystore keystore = {0};
    veld_vault *vault = NULL;
    veld_store *store = NULL;
    veld_buf carrier;
    if (argc != 3)
        return 2;
    must(veld_crypto_init(&err));
    must(veld_keystore_file_open(argv[1], &keystore, &err));
    must(veld_vault_open(&env, argv[1], &keystore, veld_span_text(argv[2]), &vault, &err));
    must(veld_store_open(&env, argv[1], vault, &store, &err));
    print("hedge", veld_vault_hedge(vault));
    print("sign", veld_secret_span(&veld_store_signing_key(store)->scalar));
    print("seal", veld_secret_span(&veld_store_seal_key(store)->scalar));
    print_cases(store);
    veld_buf_init(&carrier, 64);
    must(veld_store_get_value(store, "network", veld_span_text("carrier-key"), &carrier, &err));
    print("carrier", veld_buf_span(&carrier));
    veld_buf_wipe(&carrier);
    veld_store_close(store);
    veld_vault_close(vault);
    veld_keystore_close(&keystore);
    return 0;
}

/* The bytes of version 0 of what the exchange signs, in proto/vectors/v0/exchange.json. With
 * VELD_MAKE_VECTORS set the file's text is printed instead: vectors are added, never edited. */
#include "veld_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "veldkit/checkpoint_item.h"
#include "veldkit/crypto.h"
#include "veldkit/directory.h"
#include "veldkit/enrol.h"
#include "veldkit/head.h"
#include "veldkit/log.h"
#include "veldkit/order.h"
#include "veldkit/receipt.h"

enum { TEXT_BYTES_MAX = 1 << 16 };

static char expected[TEXT_BYTES_MAX];
static veld_p256_private key;
static veld_signer signer;

static int load(void **state)
{
    (void)state;
    char path[512];
    uint8_t scalar[32];
    memset(scalar, 0x11, sizeof scalar);
    const char *source = getenv("VELD_SOURCE_DIR");
    snprintf(path, sizeof path, "%s/proto/vectors/v0/exchange.json", source != NULL ? source : ".");
    FILE *file = fopen(path, "rb");
    if (file != NULL) {
        expected[fread(expected, 1, sizeof expected - 1, file)] = 0;
        fclose(file);
    }
    assert_ok(veld_crypto_init(NULL));
    assert_ok(veld_p256_import(veld_span_of(scalar, sizeof scalar), &key, NULL));
    signer = veld_signer_p256(&key);
    return 0;
}

static int unload(void **state)
{
    (void)state;
    veld_p256_release(&key);
    return 0;
}

static void compare(const char *name, veld_span bytes)
{
    char wanted[8192];
    char hex[8000];
    veld_hex_encode(bytes, hex, sizeof hex);
    snprintf(wanted, sizeof wanted, "\"%s\": \"%s\"", name, hex);
    if (getenv("VELD_MAKE_VECTORS") != NULL)
        printf("  %s,\n", wanted);
    else if (strstr(expected, wanted) == NULL)
        fail_msg("%s differs from the vector", name);
}

static void receipt_and_head_are_these_bytes(void **state)
{
    (void)state;
    veld_buf bytes;
    const veld_receipt_item items[] = {{.id = {{1, 2}}, .seq = 23}, {.id = {{3}}, .seq = 24}};
    const veld_hash ids[] = {{{4}}, {{5}}, {{6}}};
    const veld_receipt receipt = {.journal = {{7}},
        .log = {.size = 24, .root = {{8}}},
        .server_utc_ms = 1772438400000,
        .items = items,
        .count = 2};
    veld_head head = {.case_id = {{9}},
        .epoch = 2,
        .utc_ms = 1772438400001,
        .state_id = {{10}},
        .heads = ids,
        .heads_count = 2,
        .chain_ends = ids + 2,
        .chain_ends_count = 1};
    veld_buf_init(&bytes, 4000);
    assert_ok(veld_receipt_make(&receipt, &signer, &bytes, NULL));
    compare("receipt", veld_buf_span(&bytes));
    veld_buf_clear(&bytes);
    assert_ok(veld_head_make(&head, &signer, &bytes, NULL));
    compare("head", veld_buf_span(&bytes));
    veld_buf_clear(&bytes);
    head.held = (veld_hash){{11}};
    assert_ok(veld_head_make(&head, &signer, &bytes, NULL));
    compare("headHeld", veld_buf_span(&bytes));
    veld_buf_release(&bytes);
}

static void statement_and_entry_are_these_bytes(void **state)
{
    (void)state;
    veld_buf bytes;
    const veld_agency agency = {.id = {{1}},
        .name = "Veilig Thuis",
        .merger_key = key.public_key,
        .seal_key = key.public_key,
        .relay_key = key.public_key,
        .ca_hash = {{2}}};
    const veld_directory_entry entry = {.device = {{3}},
        .sign_key = key.public_key,
        .seal_key = key.public_key,
        .worker = "Zoë",
        .state = VELD_DEVICE_REVOKED,
        .position = 300};
    veld_buf_init(&bytes, 4000);
    assert_ok(veld_agency_make(&agency, &signer, &bytes, NULL));
    compare("agency", veld_buf_span(&bytes));
    veld_buf_clear(&bytes);
    assert_ok(veld_directory_make(&entry, &signer, &bytes, NULL));
    compare("entry", veld_buf_span(&bytes));
    veld_buf_release(&bytes);
}

static void order_and_confirmation_are_these_bytes(void **state)
{
    (void)state;
    veld_buf bytes;
    const veld_order order = {.device = {{1}},
        .serial = 1772438400002,
        .previous = 7,
        .kind = VELD_ORDER_WITHDRAW,
        .reason = VELD_ORDER_SECRET,
        .case_id = {{2}},
        .utc_ms = 1772438400001};
    const veld_confirmation confirmation = {.device = {{1}},
        .serial = 1772438400002,
        .order = {{3}},
        .utc_ms = 1772438400003,
        .incarnation = {4},
        .last_number = 500};
    veld_buf_init(&bytes, 4000);
    assert_ok(veld_order_make(&order, &signer, &bytes, NULL));
    compare("order", veld_buf_span(&bytes));
    veld_buf_clear(&bytes);
    assert_ok(veld_confirmation_make(&confirmation, &signer, &bytes, NULL));
    compare("confirmation", veld_buf_span(&bytes));
    veld_buf_release(&bytes);
}

static void code_and_leaf_are_these_bytes(void **state)
{
    (void)state;
    veld_enrol_code code = {.address = "https://relay.example:8443"};
    veld_enrol_invitation invitation;
    char text[VELD_ENROL_CODE_SIZE];
    char check[VELD_ENROL_CHECK_SIZE];
    const veld_hash item = {{0xAB}};
    veld_hash leaf;
    for (size_t i = 0; i < sizeof code.secret; i++)
        code.secret[i] = (uint8_t)(0xF0 + i);
    memset(code.ca, 0x5A, sizeof code.ca);
    veld_enrol_code_format(&code, text);
    compare("code", veld_span_text(text));
    assert_ok(veld_enrol_code_invitation(&code, &invitation, NULL));
    compare("invitation", veld_span_of(invitation.bytes, sizeof invitation.bytes));
    assert_ok(veld_enrol_check_code(code.secret, veld_span_text("request"), check, NULL));
    compare("check", veld_span_text(check));
    assert_ok(veld_log_leaf(4, &item, &leaf, NULL));
    compare("leaf", veld_hash_span(&leaf));
}

static veld_status zeros(void *context, uint8_t *out, size_t out_bytes)
{
    (void)context;
    memset(out, 0, out_bytes);
    return VELD_OK;
}

/* With random bytes that are all zero, and a hedge that is known. */
static void a_checkpoint_is_these_bytes(void **state)
{
    (void)state;
    veld_buf bytes;
    veld_sealer *sealer;
    uint8_t root[32], hedge[32];
    const uint8_t empty[] = {0x85, 0x00, 0x80, 0x80, 0x80, 0x80}; /* of no changes */
    const veld_env env = {.random = zeros};
    veld_checkpoint_head head = {.case_id = {{9}},
        .epoch = 2,
        .utc_ms = 1772438400001,
        .journal = {{7}},
        .position = 24,
        .log_size = 25,
        .log_root = {{12}},
        .directory = 5,
        .state_id = {{10}},
        .held = {{11}}};
    memset(root, 0x22, sizeof root);
    memset(hedge, 0x33, sizeof hedge);
    veld_buf_init(&bytes, 4000);
    assert_ok(veld_sealer_new(VELD_SEALER_CASE_MESSAGE, veld_span_of(root, sizeof root),
        veld_span_of(hedge, sizeof hedge), &env, &sealer, NULL));
    assert_ok(veld_checkpoint_item_make(
        &head, sealer, veld_span_of(empty, sizeof empty), &signer, &bytes, NULL));
    compare("checkpoint", veld_buf_span(&bytes));
    veld_sealer_free(sealer);
    veld_buf_release(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_checkpoint_is_these_bytes),
        cmocka_unit_test(receipt_and_head_are_these_bytes),
        cmocka_unit_test(statement_and_entry_are_these_bytes),
        cmocka_unit_test(order_and_confirmation_are_these_bytes),
        cmocka_unit_test(code_and_leaf_are_these_bytes),
    };
    return cmocka_run_group_tests(tests, load, unload);
}

/* Published vectors through our own calls. Each test prints how many vectors it ran, and what it
 * left out and why: a file that is read but not run must show. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hpke_internal.h"
#include "primitive.h"
#include "veld_test.h"
#include "veld_vectors.h"
#include "veldkit/crypto.h"
#include "veldkit/hash.h"
#include "veldkit/hpke.h"
#include "veldkit/sign.h"

static void hex(const char *text, uint8_t *out, size_t out_bytes)
{
    assert_ok(veld_hex_decode(veld_span_text(text), out, out_bytes));
}

static void assert_bytes(veld_span got, veld_span wanted)
{
    assert_int_equal(got.len, wanted.len);
    assert_memory_equal(got.data, wanted.data, wanted.len);
}

/* ---- HKDF ---- */
typedef struct hkdf_case {
    const char *ikm, *salt, *info, *prk, *okm;
} hkdf_case;

/* RFC 5869, appendix A.1 to A.3. */
static const hkdf_case hkdf_cases[] = {
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c",
        "f0f1f2f3f4f5f6f7f8f9", "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
    {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627"
     "28292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
        "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f8081828384858687"
        "88898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
        "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7"
        "d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
        "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
        "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
        "cc30c58179ec3e87c14c01d5c1f3434f1d87"},
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
        "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
};

static void test_hkdf_rfc_5869(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hkdf_cases / sizeof *hkdf_cases; i++) {
        const hkdf_case *c = &hkdf_cases[i];
        uint8_t ikm[80], salt[80], info[80], prk_wanted[32], okm_wanted[96];
        size_t sizes[] = {
            strlen(c->ikm) / 2, strlen(c->salt) / 2, strlen(c->info) / 2, strlen(c->okm) / 2};
        hex(c->ikm, ikm, sizes[0]);
        hex(c->salt, salt, sizes[1]);
        hex(c->info, info, sizes[2]);
        hex(c->prk, prk_wanted, 32);
        hex(c->okm, okm_wanted, sizes[3]);
        const veld_span ikm_part = veld_span_of(ikm, sizes[0]);
        const veld_span info_part = veld_span_of(info, sizes[2]);
        veld_secret prk = {0};
        veld_secret okm = {0};
        assert_ok(veld_hkdf_extract(veld_span_of(salt, sizes[1]), &ikm_part, 1, &prk, NULL));
        assert_bytes(veld_secret_span(&prk), veld_span_of(prk_wanted, 32));
        assert_ok(veld_hkdf_expand(veld_secret_span(&prk), &info_part, 1, sizes[3], &okm, NULL));
        assert_bytes(veld_secret_span(&okm), veld_span_of(okm_wanted, sizes[3]));
        veld_secret_release(&prk);
        veld_secret_release(&okm);
    }
    print_message("RFC 5869: 3 of 3\n");
}

static void test_hkdf_wycheproof(void **state)
{
    (void)state;
    cJSON *root = vectors_load("crypto/wycheproof_hkdf_sha256.json");
    const cJSON *c;
    int valid = 0;
    int refused = 0;
    cJSON_ArrayForEach(c, root)
    {
        veld_span ikm = vectors_hex(c, "ikm");
        veld_span salt = vectors_hex(c, "salt");
        veld_span info = vectors_hex(c, "info");
        veld_span okm = vectors_hex(c, "okm");
        veld_secret prk = {0};
        veld_secret out = {0};
        assert_ok(veld_hkdf_extract(salt, &ikm, 1, &prk, NULL));
        veld_status status = veld_hkdf_expand(
            veld_secret_span(&prk), &info, 1, (size_t)vectors_number(c, "size"), &out, NULL);
        if (strcmp(vectors_text(c, "result"), "valid") == 0) {
            assert_ok(status);
            assert_bytes(veld_secret_span(&out), okm);
            valid++;
        } else {
            assert_int_equal(status, VELD_E_LIMIT);
            refused++;
        }
        veld_secret_release(&prk);
        veld_secret_release(&out);
        vectors_release(ikm);
        vectors_release(salt);
        vectors_release(info);
        vectors_release(okm);
    }
    cJSON_Delete(root);
    print_message("Wycheproof HKDF-SHA256: %d valid, %d refused\n", valid, refused);
    assert_int_equal(valid + refused, 86);
}

/* ---- MACs ---- */
/* Truncated tags compare their first bytes: Wycheproof's way to say tagSize. */
static bool tag_fits(veld_span wanted, const uint8_t *full, size_t full_bytes, int tag_bits)
{
    size_t len = (size_t)tag_bits / 8;
    return wanted.len == len && len <= full_bytes && memcmp(wanted.data, full, len) == 0;
}

static void test_hmac_wycheproof(void **state)
{
    (void)state;
    cJSON *root = vectors_load("crypto/wycheproof_hmac_sha256.json");
    const cJSON *c;
    int ran = 0;
    cJSON_ArrayForEach(c, root)
    {
        veld_span key = vectors_hex(c, "key");
        veld_span msg = vectors_hex(c, "msg");
        veld_span tag = vectors_hex(c, "tag");
        veld_hash mac;
        assert_ok(veld_hmac_sha256(key, &msg, 1, &mac, NULL));
        bool fits = tag_fits(tag, mac.bytes, sizeof mac.bytes, vectors_number(c, "tagSize"));
        assert_int_equal(fits, strcmp(vectors_text(c, "result"), "valid") == 0);
        ran++;
        vectors_release(key);
        vectors_release(msg);
        vectors_release(tag);
    }
    cJSON_Delete(root);
    print_message("Wycheproof HMAC-SHA256: %d\n", ran);
    assert_int_equal(ran, 174);
}

static void test_cmac_wycheproof(void **state)
{
    (void)state;
    cJSON *root = vectors_load("crypto/wycheproof_aes_cmac.json");
    const cJSON *c;
    int ran = 0;
    int no_key = 0;
    cJSON_ArrayForEach(c, root)
    {
        veld_span key = vectors_hex(c, "key");
        veld_span msg = vectors_hex(c, "msg");
        veld_span tag = vectors_hex(c, "tag");
        bool valid = strcmp(vectors_text(c, "result"), "valid") == 0;
        uint8_t mac[VELD_CMAC_BYTES];
        veld_key handle = 0;
        veld_status status =
            key.len > 0 ? veld_key_open(VELD_KEY_CMAC, key, &handle, NULL) : VELD_E_FORM;
        if (status == VELD_E_FORM) { /* a key that is no AES key */
            assert_false(valid);
            no_key++;
        } else {
            assert_ok(status);
            assert_ok(veld_cmac(handle, msg, mac, NULL));
            assert_int_equal(tag_fits(tag, mac, sizeof mac, vectors_number(c, "tagSize")), valid);
            ran++;
        }
        veld_key_close(&handle);
        vectors_release(key);
        vectors_release(msg);
        vectors_release(tag);
    }
    cJSON_Delete(root);
    print_message("Wycheproof AES-CMAC: %d, and %d keys refused\n", ran, no_key);
    assert_int_equal(ran + no_key, 311);
}

/* ---- AES-GCM ---- */
static void check_gcm(const cJSON *c, veld_span key, veld_span iv)
{
    veld_span aad = vectors_hex(c, "aad");
    veld_span msg = vectors_hex(c, "msg");
    veld_span ct = vectors_hex(c, "ct");
    veld_span tag = vectors_hex(c, "tag");
    uint8_t sealed[1024];
    uint8_t opened[1024];
    assert_true(ct.len + tag.len <= sizeof sealed && ct.len == msg.len);
    memcpy(sealed, ct.data, ct.len);
    memcpy(sealed + ct.len, tag.data, tag.len);
    veld_key handle = 0;
    assert_ok(veld_key_open(VELD_KEY_GCM, key, &handle, NULL));
    veld_status status =
        veld_gcm_open(handle, iv.data, aad, veld_span_of(sealed, ct.len + tag.len), opened, NULL);
    if (strcmp(vectors_text(c, "result"), "valid") == 0) {
        assert_ok(status);
        assert_memory_equal(opened, msg.data, msg.len);
        uint8_t again[1024];
        assert_ok(veld_gcm_seal(handle, iv.data, aad, msg, again, NULL));
        assert_memory_equal(again, sealed, ct.len + tag.len);
    } else {
        assert_int_equal(status, VELD_E_FORGED);
    }
    veld_key_close(&handle);
    vectors_release(aad);
    vectors_release(msg);
    vectors_release(ct);
    vectors_release(tag);
}

static void test_gcm_wycheproof(void **state)
{
    (void)state;
    cJSON *root = vectors_load("crypto/wycheproof_aes_gcm.json");
    const cJSON *c;
    int ran = 0;
    int other = 0;
    cJSON_ArrayForEach(c, root)
    {
        veld_span key = vectors_hex(c, "key");
        veld_span iv = vectors_hex(c, "iv");
        if (iv.len == VELD_GCM_NONCE_BYTES && vectors_number(c, "tagSize") == 128) {
            check_gcm(c, key, iv);
            ran++;
        } else {
            other++;
        }
        vectors_release(key);
        vectors_release(iv);
    }
    cJSON_Delete(root);
    print_message("Wycheproof AES-GCM: %d; %d left out: not a 96-bit nonce, which our calls "
                  "cannot express\n",
        ran, other);
    assert_int_equal(ran, 197);
    assert_int_equal(other, 119);
}

/* ---- P-256 ---- */
static void test_ecdh_wycheproof(void **state)
{
    (void)state;
    cJSON *root = vectors_load("crypto/wycheproof_ecdh_p256.json");
    const cJSON *c;
    int agreed = 0;
    int refused = 0;
    int compressed = 0;
    cJSON_ArrayForEach(c, root)
    {
        veld_span point = vectors_hex(c, "public");
        veld_span number = vectors_hex(c, "private");
        veld_span shared = vectors_hex(c, "shared");
        const char *result = vectors_text(c, "result");
        /* Private keys come as numbers of any length; ours have 32 bytes. */
        uint8_t scalar[VELD_P256_PRIVATE_BYTES] = {0};
        size_t extra = number.len > sizeof scalar ? number.len - sizeof scalar : 0;
        size_t len = number.len - extra;
        memcpy(scalar + sizeof scalar - len, number.data + extra, len);
        veld_p256_private mine = {0};
        assert_ok(veld_p256_import(veld_span_of(scalar, sizeof scalar), &mine, NULL));
        veld_p256_public theirs;
        veld_status status = veld_p256_public_read(point, &theirs, NULL);
        if (status == VELD_OK) {
            assert_string_equal(result, "valid");
            veld_secret out = {0};
            assert_ok(veld_p256_agree(&mine, &theirs, &out, NULL));
            assert_bytes(veld_secret_span(&out), shared);
            veld_secret_release(&out);
            agreed++;
        } else {
            assert_int_equal(status, VELD_E_FORM);
            bool is_compressed = point.len == 33 && (point.data[0] == 2 || point.data[0] == 3);
            assert_true(is_compressed || strcmp(result, "invalid") == 0);
            if (is_compressed)
                compressed++;
            else
                refused++;
        }
        veld_p256_release(&mine);
        vectors_release(point);
        vectors_release(number);
        vectors_release(shared);
    }
    cJSON_Delete(root);
    print_message("Wycheproof ECDH P-256: %d agreed, %d refused, %d compressed points refused by "
                  "our rule\n",
        agreed, refused, compressed);
    assert_int_equal(agreed + refused + compressed, 355);
}

/* Is the second half of a 64-byte signature above n/2 and below n? Then ours is the other form. */
static bool flip_to_low(veld_signature *signature)
{
    static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca,
        0xc2, 0xfc, 0x63, 0x25, 0x51};
    uint8_t flipped[32];
    int borrow = 0;
    for (int i = 31; i >= 0; i--) {
        int value = order[i] - signature->bytes[32 + i] - borrow;
        borrow = value < 0;
        flipped[i] = (uint8_t)(value + (borrow ? 256 : 0));
    }
    if (borrow || memcmp(flipped, signature->bytes + 32, 32) >= 0)
        return false;
    memcpy(signature->bytes + 32, flipped, 32);
    return true;
}

static void test_ecdsa_wycheproof(void **state)
{
    (void)state;
    const veld_verifier verifier = veld_verifier_p256();
    cJSON *root = vectors_load("crypto/wycheproof_ecdsa_p256_sha256.json");
    const cJSON *c;
    int valid = 0;
    int high = 0;
    int refused = 0;
    int wrong_size = 0;
    cJSON_ArrayForEach(c, root)
    {
        veld_span point = vectors_hex(c, "uncompressed");
        veld_span msg = vectors_hex(c, "msg");
        veld_span sig = vectors_hex(c, "sig");
        bool is_valid = strcmp(vectors_text(c, "result"), "valid") == 0;
        veld_p256_public key;
        assert_ok(veld_p256_public_read(point, &key, NULL));
        veld_hash digest;
        assert_ok(veld_sha256(msg, &digest, NULL));
        veld_signature signature;
        if (sig.len != sizeof signature.bytes) {
            assert_false(is_valid);
            wrong_size++;
        } else {
            memcpy(signature.bytes, sig.data, sig.len);
            veld_status status = veld_verify_digest(&verifier, &key, &digest, &signature, NULL);
            if (is_valid && status == VELD_E_FORGED) {
                /* Only because of the high s: the other form of the same signature is accepted. */
                assert_true(flip_to_low(&signature));
                assert_ok(veld_verify_digest(&verifier, &key, &digest, &signature, NULL));
                high++;
            } else {
                assert_int_equal(status, is_valid ? VELD_OK : VELD_E_FORGED);
                *(is_valid ? &valid : &refused) += 1;
            }
        }
        vectors_release(point);
        vectors_release(msg);
        vectors_release(sig);
    }
    cJSON_Delete(root);
    print_message("Wycheproof ECDSA P-256: %d valid, %d valid but high s (refused, their low form "
                  "accepted), %d refused, %d not 64 bytes\n",
        valid, high, refused, wrong_size);
    assert_int_equal(valid + high + refused + wrong_size, 262);
}

typedef struct rfc6979_case {
    const char *message, *r, *s;
} rfc6979_case;

/* RFC 6979, appendix A.2.5, with SHA-256; the s of "sample" is high there and low from us. */
static const rfc6979_case rfc6979_cases[] = {
    {"sample", "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
        "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"},
    {"test", "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367",
        "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083"},
};

static void test_ecdsa_rfc_6979(void **state)
{
    (void)state;
    uint8_t scalar[32];
    uint8_t point[65] = {4};
    hex("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721", scalar, 32);
    hex("60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6", point + 1, 32);
    hex("7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299", point + 33, 32);
    veld_p256_private key = {0};
    assert_ok(veld_p256_import(veld_span_of(scalar, 32), &key, NULL));
    assert_memory_equal(key.public_key.bytes, point, sizeof point);
    const veld_signer signer = veld_signer_p256(&key);
    for (size_t i = 0; i < 2; i++) {
        veld_signature wanted;
        hex(rfc6979_cases[i].r, wanted.bytes, 32);
        hex(rfc6979_cases[i].s, wanted.bytes + 32, 32);
        assert_int_equal(flip_to_low(&wanted), i == 0);
        veld_hash digest;
        veld_signature got;
        assert_ok(veld_sha256(veld_span_text(rfc6979_cases[i].message), &digest, NULL));
        assert_ok(veld_sign_digest(&signer, &digest, &got, NULL));
        assert_memory_equal(got.bytes, wanted.bytes, sizeof got.bytes);
    }
    veld_p256_release(&key);
    print_message("RFC 6979 P-256 SHA-256: 2 of 2\n");
}

/* ---- HPKE ---- */
static void check_hpke_messages(const cJSON *root, const veld_hpke_keys *keys)
{
    veld_key key = 0;
    assert_ok(veld_key_open(VELD_KEY_GCM, veld_secret_span(&keys->key), &key, NULL));
    const cJSON *c;
    cJSON_ArrayForEach(c, cJSON_GetObjectItemCaseSensitive(root, "encryptions"))
    {
        veld_span nonce = vectors_hex(c, "nonce");
        veld_span aad = vectors_hex(c, "aad");
        veld_span pt = vectors_hex(c, "pt");
        veld_span ct = vectors_hex(c, "ct");
        int sequence = vectors_number(c, "sequence");
        uint8_t computed[VELD_GCM_NONCE_BYTES];
        memcpy(computed, keys->nonce.data, sizeof computed);
        computed[11] ^= (uint8_t)(sequence & 0xff);
        computed[10] ^= (uint8_t)(sequence >> 8);
        assert_memory_equal(computed, nonce.data, sizeof computed);
        uint8_t out[256];
        assert_ok(veld_gcm_seal(key, computed, aad, pt, out, NULL));
        assert_bytes(veld_span_of(out, pt.len + VELD_GCM_TAG_BYTES), ct);
        vectors_release(nonce);
        vectors_release(aad);
        vectors_release(pt);
        vectors_release(ct);
    }
    veld_key_close(&key);
}

static void check_hpke_whole(const cJSON *root, const veld_p256_private *ephemeral,
    const veld_p256_private *recipient, veld_span info)
{
    static const veld_hpke_suite aes_128_gcm = {.aead = 0x0001, .key_bytes = 16};
    const cJSON *first =
        cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(root, "encryptions"), 0);
    veld_span aad = vectors_hex(first, "aad");
    veld_span pt = vectors_hex(first, "pt");
    veld_span ct = vectors_hex(first, "ct");
    uint8_t sealed[256];
    uint8_t opened[256];
    size_t len = pt.len + VELD_HPKE_OVERHEAD_BYTES;
    assert_ok(veld_hpke_seal_with(
        &aes_128_gcm, ephemeral, &recipient->public_key, info, aad, pt, sealed, NULL));
    assert_bytes(veld_span_of(sealed + VELD_HPKE_ENC_BYTES, len - VELD_HPKE_ENC_BYTES), ct);
    assert_ok(veld_hpke_open_with(
        &aes_128_gcm, recipient, info, aad, veld_span_of(sealed, len), opened, NULL));
    assert_bytes(veld_span_of(opened, pt.len), pt);
    vectors_release(aad);
    vectors_release(pt);
    vectors_release(ct);
}

static void test_hpke_rfc_9180_a3(void **state)
{
    (void)state;
    static const veld_hpke_suite aes_128_gcm = {.aead = 0x0001, .key_bytes = 16};
    cJSON *root = vectors_load("crypto/rfc9180_a3.json");
    veld_span info = vectors_hex(root, "info");
    veld_span sk_e = vectors_hex(root, "skEm");
    veld_span sk_r = vectors_hex(root, "skRm");
    veld_span enc = vectors_hex(root, "enc");
    veld_span wanted_shared = vectors_hex(root, "shared_secret");
    veld_span wanted_key = vectors_hex(root, "key");
    veld_p256_private ephemeral = {0};
    veld_p256_private recipient = {0};
    veld_secret shared = {0};
    veld_hpke_keys keys = {{0}, {0}};
    assert_ok(veld_p256_import(sk_e, &ephemeral, NULL));
    assert_ok(veld_p256_import(sk_r, &recipient, NULL));
    assert_bytes(veld_p256_public_span(&ephemeral.public_key), enc);
    assert_ok(veld_hpke_shared(&ephemeral, &recipient.public_key, &ephemeral.public_key,
        &recipient.public_key, &shared, NULL));
    assert_bytes(veld_secret_span(&shared), wanted_shared);
    assert_ok(veld_hpke_schedule(&aes_128_gcm, &shared, info, &keys, NULL));
    assert_bytes(veld_secret_span(&keys.key), wanted_key);
    check_hpke_messages(root, &keys);
    check_hpke_whole(root, &ephemeral, &recipient, info);
    print_message("RFC 9180 A.3.1: shared secret, key schedule, 6 messages\n");
    veld_hpke_keys_release(&keys);
    veld_secret_release(&shared);
    veld_p256_release(&ephemeral);
    veld_p256_release(&recipient);
    vectors_release(info);
    vectors_release(sk_e);
    vectors_release(sk_r);
    vectors_release(enc);
    vectors_release(wanted_shared);
    vectors_release(wanted_key);
    cJSON_Delete(root);
}

static int wake(void **state)
{
    (void)state;
    return veld_crypto_init(NULL) == VELD_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hkdf_rfc_5869),
        cmocka_unit_test(test_hkdf_wycheproof),
        cmocka_unit_test(test_hmac_wycheproof),
        cmocka_unit_test(test_cmac_wycheproof),
        cmocka_unit_test(test_gcm_wycheproof),
        cmocka_unit_test(test_ecdh_wycheproof),
        cmocka_unit_test(test_ecdsa_wycheproof),
        cmocka_unit_test(test_ecdsa_rfc_6979),
        cmocka_unit_test(test_hpke_rfc_9180_a3),
    };
    return cmocka_run_group_tests_name("crypto.vectors", tests, wake, NULL);
}

/* The Merkle log against the definition of RFC 6962 written down naively, for all sizes up to 130
 * and every pair of sizes: roots, proofs of growth, proofs of entries, and that nothing else is
 * accepted. */
#include "veld_test.h"

#include <string.h>

#include "test_journal.h"
#include "veldkit/context.h"
#include "veldkit/crypto.h"
#include "veldkit/hash.h"

enum { SIZE_MAX_TESTED = 130 };

static veld_hash leaves[SIZE_MAX_TESTED];
static test_journal journal;

static veld_hash naive(const veld_hash *from, size_t count)
{
    veld_hash out = {{0}};
    if (count == 1)
        return from[0];
    if (count == 0)
        return out;
    size_t k = 1;
    while (2 * k < count)
        k *= 2;
    veld_hash left = naive(from, k);
    veld_hash right = naive(from + k, count - k);
    const veld_span parts[] = {veld_hash_span(&left), veld_hash_span(&right)};
    assert_ok(veld_hash_named(VELD_CONTEXT_HASH_NODE, parts, 2, &out, NULL));
    return out;
}

static int fill(void **state)
{
    (void)state;
    assert_ok(veld_crypto_init(NULL));
    test_journal_init(&journal, 1);
    for (size_t i = 0; i < SIZE_MAX_TESTED; i++) {
        veld_hash item = {{(uint8_t)i}};
        assert_ok(veld_log_leaf(4, &item, &leaves[i], NULL));
        assert_ok(veld_log_append(&journal.journal.log, i, &leaves[i], NULL));
    }
    return 0;
}

static int empty(void **state)
{
    (void)state;
    test_journal_release(&journal);
    return 0;
}

static void growth_is_proved_and_nothing_else(void **state)
{
    (void)state;
    for (size_t size = 1; size <= SIZE_MAX_TESTED; size++) {
        veld_log_head head, old;
        assert_ok(veld_log_root(&journal.journal.log, size, &head, NULL));
        veld_hash root = naive(leaves, size);
        assert_true(veld_hash_equal(&head.root, &root));
        for (size_t before = 1; before <= size; before++) {
            veld_log_proof proof;
            assert_ok(veld_log_root(&journal.journal.log, before, &old, NULL));
            assert_ok(veld_log_prove_growth(&journal.journal.log, before, size, &proof, NULL));
            assert_ok(veld_log_check_growth(&old, &head, &proof, NULL));
            old.root.bytes[5] ^= 1;
            assert_int_equal(veld_log_check_growth(&old, &head, &proof, NULL), VELD_E_FORGED);
            old.root.bytes[5] ^= 1;
            for (size_t i = 0; i < proof.count; i++) {
                proof.hashes[i].bytes[0] ^= 1;
                assert_int_equal(veld_log_check_growth(&old, &head, &proof, NULL), VELD_E_FORGED);
                proof.hashes[i].bytes[0] ^= 1;
            }
            proof.count++;
            assert_int_equal(veld_log_check_growth(&old, &head, &proof, NULL), VELD_E_FORGED);
        }
    }
}

static void entries_are_proved_and_nothing_else(void **state)
{
    (void)state;
    for (size_t size = 1; size <= SIZE_MAX_TESTED; size += 3) {
        veld_log_head head;
        assert_ok(veld_log_root(&journal.journal.log, size, &head, NULL));
        for (size_t index = 0; index < size; index++) {
            veld_log_proof proof;
            assert_ok(veld_log_prove_entry(&journal.journal.log, index, size, &proof, NULL));
            assert_ok(veld_log_check_entry(&leaves[index], index, &head, &proof, NULL));
            size_t other = (index + 1) % size;
            if (other != index)
                assert_int_equal(veld_log_check_entry(&leaves[other], index, &head, &proof, NULL),
                    VELD_E_FORGED);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(growth_is_proved_and_nothing_else),
        cmocka_unit_test(entries_are_proved_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, fill, empty);
}

/* What history costs a save, beside the signature: the names of the author's tree and the ids of
 * the commit, for one change into a case of 10,000 records; and what an export of 1,000 changes
 * costs. The best of several rounds counts, so that other work on the machine disturbs less. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "veldkit/assert.h"
#include "veldkit/commit.h"
#include "veldkit/crypto.h"
#include "veldkit/export.h"
#include "veldkit/history.h"
#include "veldkit/number.h"
#include "veldkit/tree.h"

enum { RECORDS = 10000, SAVES = 200, ROUNDS = 5, CHANGES = 1000, FILE_BYTES = 1000 };

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(veld_status status)
{
    VELD_ASSERT(status == VELD_OK);
}

static const char *const types[] = {"person", "visit", "note", "safety-condition"};

static veld_id id_of(uint64_t n)
{
    veld_id id;
    veld_put_u64(id.bytes, n);
    veld_put_u64(id.bytes + 8, n * UINT64_C(0x9E3779B97F4A7C15));
    return id;
}

static veld_span file_of(uint8_t bytes[FILE_BYTES], uint64_t n, uint64_t version)
{
    for (size_t i = 0; i < FILE_BYTES; i++)
        bytes[i] = (uint8_t)('a' + (n * 31 + i * (i % 7)) % 26);
    veld_put_u64(bytes, version);
    return veld_span_of(bytes, FILE_BYTES);
}

static void save(
    veld_tree *tree, uint64_t n, uint64_t version, veld_change *change, const veld_p256_public *key)
{
    uint8_t bytes[FILE_BYTES];
    veld_id id = id_of(n);
    veld_tree_name root;
    must(veld_tree_put(
        tree, veld_span_text(types[n % 4]), &id, file_of(bytes, n, version), NULL, NULL));
    must(veld_tree_root(tree, &root, NULL));
    change->tree_git = root.git;
    change->tree = root.hash;
    change->number = version;
    must(veld_commit_ids(change, key, NULL));
}

static void measure_saves(veld_change *change, const veld_p256_public *key)
{
    veld_tree *tree = veld_tree_new();
    double begin = now_s(), best = 1e9;
    VELD_ASSERT(tree != NULL);
    for (uint64_t n = 0; n < RECORDS; n++) {
        uint8_t bytes[FILE_BYTES];
        veld_id id = id_of(n);
        must(veld_tree_put(
            tree, veld_span_text(types[n % 4]), &id, file_of(bytes, n, 0), NULL, NULL));
    }
    veld_tree_name root;
    must(veld_tree_root(tree, &root, NULL));
    double built = now_s() - begin;
    for (int round = 0; round < ROUNDS; round++) {
        begin = now_s();
        for (uint64_t i = 0; i < SAVES; i++)
            save(tree, (i * 7919) % RECORDS, i + 1, change, key);
        double spent = (now_s() - begin) / SAVES;
        best = spent < best ? spent : best;
    }
    printf("history: a case of %d records from nothing       %8.1f ms\n", RECORDS, built * 1e3);
    printf("history: one change into it, tree and commit ids %8.3f ms  (%.4f of the above)\n",
        best * 1e3, best / built);
    veld_tree_free(tree);
}

static void measure_export(veld_change *change, const veld_p256_public *key)
{
    char folder[] = "/tmp/veldkit-bench.XXXXXX", dir[64];
    VELD_ASSERT(mkdtemp(folder) != NULL);
    snprintf(dir, sizeof dir, "%s/case", folder);
    veld_export *repo = NULL;
    veld_tree *tree = veld_tree_new();
    veld_parent parent;
    double begin = now_s();
    must(veld_export_open(dir, &repo, NULL));
    for (uint64_t i = 0; i < CHANGES; i++) {
        uint8_t bytes[FILE_BYTES];
        change->parents = &parent;
        change->parents_count = i > 0 ? 1 : 0;
        must(veld_export_blob(repo, file_of(bytes, i % 50, i + 1), NULL, NULL));
        save(tree, i % 50, i + 1, change, key);
        must(veld_export_tree(repo, tree, NULL));
        must(veld_export_commit(repo, change, key, NULL));
        parent = (veld_parent){.id = change->id, .git = change->git};
    }
    must(veld_export_finish(repo, NULL, NULL));
    printf("history: export of %d changes                  %8.1f ms\n", CHANGES,
        (now_s() - begin) * 1e3);
    veld_export_close(repo);
    veld_tree_free(tree);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    VELD_ASSERT(system(command) == 0);
}

int main(void)
{
    veld_p256_private key;
    veld_signature signature;
    veld_hash digest = {{1}};
    must(veld_crypto_init(NULL));
    must(veld_history_init(NULL));
    uint8_t scalar[VELD_P256_PRIVATE_BYTES] = {[31] = 7};
    must(veld_p256_import(veld_span_of(scalar, sizeof scalar), &key, NULL));
    veld_signer signer = veld_signer_p256(&key);
    double best = 1e9;
    for (int i = 0; i < 20; i++) {
        double begin = now_s();
        must(veld_sign_digest(&signer, &digest, &signature, NULL));
        double spent = now_s() - begin;
        best = spent < best ? spent : best;
    }
    veld_change change = {.format = VELD_CHANGE_FORMAT, .signature = signature, .number = 1};
    change.time.wall_utc_ms = INT64_C(1772438400000);
    change.commit_utc_s = veld_commit_author_s(change.time.wall_utc_ms);
    measure_saves(&change, &key.public_key);
    printf("history: a signature, to compare                 %8.3f ms\n", best * 1e3);
    measure_export(&change, &key.public_key);
    veld_p256_release(&key);
    veld_history_close();
    veld_crypto_close();
    return 0;
}

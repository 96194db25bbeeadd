/* What a durable save costs beside a bare SQLite transaction of the same bytes with the same
 * settings, and what opening a large store costs. The two sides of a ratio take turns save by save,
 * so that other work on the machine and the disk's moods meet both.
 *
 * Usage: store [FOLDER]   files go below FOLDER (default: /tmp); what is measured is its disk. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "veldkit/assert.h"
#include "veldkit/crypto.h"
#include "veldkit/host.h"
#include "veldkit/index.h"
#include "veldkit/number.h"
#include "veldkit/sign.h"

enum { SAVES = 3000, BODY_BYTES = 400, CASES = 10000, RECORDS = 40, ROWS = 10000, OPENINGS = 7 };

static const char passphrase[] = "zeef-Kwark7 molen!tulp 93 stoep";

typedef struct world {
    veld_env env;
    char home[256];
    veld_keystore keystore;
    veld_vault *vault;
    veld_store *store;
    sqlite3 *bare;
    sqlite3_stmt *insert;
    uint8_t body[BODY_BYTES];
    uint64_t number;
} world;

static void must(veld_status status)
{
    VELD_ASSERT(status == VELD_OK);
}

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void set_up(world *w, const char *below)
{
    static const veld_pin_params params = {.passes = 1, .memory_kib = 46 * 1024, .lanes = 1};
    w->env = veld_host_env();
    snprintf(w->home, sizeof w->home, "%s/veldkit-bench-XXXXXX", below);
    VELD_ASSERT(mkdtemp(w->home) != NULL);
    must(veld_crypto_init(NULL));
    must(veld_keystore_file_create(&w->env, w->home, &w->keystore, NULL));
    must(veld_vault_create(
        &w->env, w->home, &w->keystore, veld_span_text(passphrase), &params, &w->vault, NULL));
    must(veld_store_create(&w->env, w->home, w->vault, &w->store, NULL));
    must(veld_env_random(&w->env, w->body, sizeof w->body, NULL));
    char path[300];
    snprintf(path, sizeof path, "%s/bare.db", w->home);
    VELD_ASSERT(sqlite3_open(path, &w->bare) == SQLITE_OK);
    VELD_ASSERT(sqlite3_exec(w->bare,
                    "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
                    "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;"
                    "CREATE TABLE t(n INTEGER PRIMARY KEY, body BLOB)",
                    NULL, NULL, NULL) == SQLITE_OK);
    VELD_ASSERT(sqlite3_prepare_v2(
                    w->bare, "INSERT INTO t(body) VALUES(?1)", -1, &w->insert, NULL) == SQLITE_OK);
}

static veld_hash next_hash(world *w)
{
    veld_hash hash = {{0}};
    must(veld_env_random(&w->env, hash.bytes, 16, NULL));
    veld_put_u64(hash.bytes + 24, ++w->number);
    return hash;
}

static veld_store_case *new_case(world *w, veld_id *id)
{
    uint8_t key[32];
    veld_store_case *opened = NULL;
    must(veld_id_new(&w->env, id, NULL));
    must(veld_env_random(&w->env, key, sizeof key, NULL));
    must(veld_store_put_case_key(w->store, id, 1, veld_span_of(key, sizeof key), NULL));
    must(veld_store_case_open(w->store, id, &opened, NULL));
    return opened;
}

static double bare_save(world *w)
{
    double start = now_ms();
    VELD_ASSERT(sqlite3_bind_blob(w->insert, 1, w->body, BODY_BYTES, SQLITE_STATIC) == SQLITE_OK);
    VELD_ASSERT(sqlite3_step(w->insert) == SQLITE_DONE);
    sqlite3_reset(w->insert);
    return now_ms() - start;
}

static double sealed_save(world *w, veld_store_case *opened, bool sign)
{
    veld_hash hash = next_hash(w);
    double start = now_ms();
    if (sign) {
        veld_signature signature;
        veld_signer signer = veld_signer_p256(veld_store_signing_key(w->store));
        must(veld_sign_digest(&signer, &hash, &signature, NULL));
    }
    must(veld_store_put_change(
        w->store, opened, &hash, veld_span_of(w->body, BODY_BYTES), VELD_STORE_UNSENT, NULL, NULL));
    return now_ms() - start;
}

static void measure_saves(world *w)
{
    veld_id id;
    veld_store_case *opened = new_case(w, &id);
    double bare = 0, sealed = 0, signed_too = 0;
    for (int i = 0; i < SAVES; i++) {
        bare += bare_save(w);
        sealed += sealed_save(w, opened, false);
        signed_too += sealed_save(w, opened, true);
    }
    veld_store_case_close(opened);
    printf("durable save, mean of %d: bare %.3f ms, sealed %.3f ms, sealed and signed %.3f ms\n",
        SAVES, bare / SAVES, sealed / SAVES, signed_too / SAVES);
    printf("ratio sealed : bare %.2f (goal 1.6), with signature %.2f (goal 3.5)\n", sealed / bare,
        signed_too / bare);
}

static void measure_rows(world *w)
{
    veld_id id;
    veld_store_case *opened = new_case(w, &id);
    veld_store_cursor *cursor = NULL;
    veld_store_change change;
    bool more = true;
    int rows = 0;
    must(veld_store_begin(w->store, NULL));
    for (int i = 0; i < ROWS; i++) {
        veld_hash hash = next_hash(w);
        must(veld_store_put_change(
            w->store, opened, &hash, veld_span_of(w->body, BODY_BYTES), 0, NULL, NULL));
    }
    must(veld_store_commit(w->store, NULL));
    double start = now_ms();
    must(veld_store_changes(w->store, opened, 0, &cursor, NULL));
    while (must(veld_store_changes_next(cursor, &more, &change, NULL)), more)
        rows++;
    veld_store_cursor_close(cursor);
    printf("read and open %d change rows: %.1f ms\n", rows, now_ms() - start);
    veld_store_case_close(opened);
}

/* 10,000 cases with one change row per record, a summary of about 80 bytes, and a snapshot. */
static void fill(world *w)
{
    veld_index *index = NULL;
    must(veld_index_open(w->store, &index, NULL));
    must(veld_store_begin(w->store, NULL));
    for (unsigned i = 0; i < CASES; i++) {
        veld_id id;
        char title[40], text[80];
        veld_store_case *opened = new_case(w, &id);
        for (int k = 0; k < RECORDS; k++) {
            veld_hash hash = next_hash(w);
            must(veld_store_put_change(
                w->store, opened, &hash, veld_span_of(w->body, 200), 0, NULL, NULL));
        }
        veld_store_case_close(opened);
        snprintf(title, sizeof title, "Dossier %u straat%u", i, i * 7919u % 1000u);
        snprintf(text, sizeof text, "naam%u plaats%u kind%u", i * 31u % 5000u, i % 300u, i % 77u);
        veld_index_entry entry = {.case_id = id,
            .title = veld_span_text(title),
            .records = RECORDS,
            .updated_utc_ms = (int64_t)i,
            .text = veld_span_text(text)};
        must(veld_store_put_summary(w->store, &id, veld_span_text(text), NULL));
        must(veld_index_put(index, &entry, NULL));
    }
    must(veld_store_commit(w->store, NULL));
    /* The bench's other case has changes too. */
    size_t count;
    const veld_id *dirty;
    while (dirty = veld_index_dirty(index, &count), count > 0) {
        veld_id id = dirty[0];
        must(veld_index_remove(index, &id, NULL));
    }
    must(veld_index_save(index, w->store, NULL));
    veld_index_close(index);
}

static veld_status count_entry(void *context, const veld_index_entry *entry)
{
    (void)entry;
    ++*(size_t *)context;
    return VELD_OK;
}

static long resident_kib(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1)
        pages = 0;
    if (file != NULL)
        fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* In a process of its own, so that its memory is its own. */
static int open_large(const char *home)
{
    world w = {.env = veld_host_env()};
    veld_index *index = NULL;
    size_t entries = 0, found = 0;
    must(veld_crypto_init(NULL));
    must(veld_keystore_file_open(home, &w.keystore, NULL));
    must(veld_vault_open(&w.env, home, &w.keystore, veld_span_text(passphrase), &w.vault, NULL));
    long before = resident_kib();
    double start = now_ms();
    must(veld_store_open(&w.env, home, w.vault, &w.store, NULL));
    double opened = now_ms();
    must(veld_index_open(w.store, &index, NULL));
    double indexed = now_ms();
    long after = resident_kib();
    must(veld_index_list(index, VELD_INDEX_BY_UPDATE, count_entry, &entries, NULL));
    double listed = now_ms();
    must(veld_index_search(index, veld_span_text("plaats299"), 1000, count_entry, &found, NULL));
    double searched = now_ms();
    printf("open %zu cases: %.1f ms (store %.1f, index %.1f; goal 40), %.1f MB (goal 20); list all "
           "%.1f ms, search %.2f ms (%zu found)\n",
        entries, indexed - start, opened - start, indexed - opened, (double)(after - before) / 1024,
        listed - indexed, searched - listed, found);
    veld_index_close(index);
    veld_store_close(w.store);
    veld_vault_close(w.vault);
    veld_keystore_close(&w.keystore);
    return 0;
}

static void run_self(const char *program, const char *mode, const char *home)
{
    pid_t child = fork();
    VELD_ASSERT(child >= 0);
    if (child == 0) {
        execl(program, program, mode, home, (char *)NULL);
        _exit(127);
    }
    int how = 0;
    VELD_ASSERT(waitpid(child, &how, 0) == child && how == 0);
}

int main(int count, char **arguments)
{
    if (count == 3 && strcmp(arguments[1], "--open") == 0)
        return open_large(arguments[2]);
    static world w;
    setvbuf(stdout, NULL, _IOLBF, 0);
    set_up(&w, count > 1 ? arguments[1] : "/tmp");
    measure_saves(&w);
    measure_rows(&w);
    double start = now_ms();
    fill(&w);
    printf("fill %d cases of %d records: %.1f s\n", CASES, RECORDS, (now_ms() - start) / 1e3);
    veld_store_close(w.store);
    veld_vault_close(w.vault);
    veld_keystore_close(&w.keystore);
    sqlite3_finalize(w.insert);
    sqlite3_close(w.bare);
    for (int i = 0; i < OPENINGS; i++)
        run_self("/proc/self/exe", "--open", w.home);
    static const char *const files[] = {
        "bare.db", "store.db", "store.db-wal", "vault", "keystore", "owner", "continuity"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[300];
        snprintf(path, sizeof path, "%s/%s", w.home, files[i]);
        unlink(path);
    }
    rmdir(w.home);
    return 0;
}

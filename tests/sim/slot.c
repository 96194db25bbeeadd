/* What costs time, once for all seeds: stretching passphrases and making keys. Each party has a
 * vault in a folder of its own and, on a disk in memory, a store as it is right after set-up; a
 * seed begins with copies of that. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim.h"
#include "veldkit/assert.h"
#include "veldkit/crypto.h"
#include "veldkit/history.h"

static const char passphrase[] = "vier losse woorden zonder enige samenhang 7";

static sim_slot slots[SIM_FORK + 1]; /* the last two are relays */
static char folder[100];
static veld_p256_private root_key, relay_key, staff_keys[SIM_STAFF + 1], spare_keys[SIM_KEYS_MAX];

sim_slot *sim_slot_get(unsigned index)
{
    return &slots[index];
}

const veld_p256_private *sim_root_key(void)
{
    return &root_key;
}

const veld_p256_private *sim_relay_key(const veld_p256_public *of)
{
    for (unsigned i = 0; of != NULL && i < SIM_KEYS_MAX; i++) {
        if (veld_p256_public_equal(&spare_keys[i].public_key, of))
            return &spare_keys[i];
    }
    return &relay_key;
}

const veld_p256_private *sim_spare_key(unsigned index)
{
    return &spare_keys[index];
}

const veld_p256_private *sim_staff_key(unsigned person)
{
    return &staff_keys[person];
}

static void slot_now(void *context, veld_now *out)
{
    *out = ((const sim_slot *)context)->now;
}

static veld_status slot_random(void *context, uint8_t *out, size_t len)
{
    sim_slot *slot = context;
    for (size_t i = 0; i < len; i += 8) {
        uint64_t number = sim_next(&slot->random);
        memcpy(out + i, &number, len - i < 8 ? len - i : 8);
    }
    return VELD_OK;
}

static void must(veld_status status, const veld_error *err)
{
    if (status == VELD_OK)
        return;
    fprintf(stderr, "sim: set-up failed: %s\n", err->text);
    exit(2);
}

static const char *path_of(const sim_slot *slot, const char *name)
{
    static char path[300];
    snprintf(path, sizeof path, "%s/%s", slot->home, name);
    return path;
}

sim_small sim_continuity_get(const sim_slot *slot)
{
    sim_small out = {.len = 0};
    int fd = open(path_of(slot, "continuity"), O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, out.bytes, sizeof out.bytes) : 0;
    out.len = got > 0 ? (size_t)got : 0;
    if (fd >= 0)
        close(fd);
    return out;
}

void sim_continuity_put(const sim_slot *slot, const sim_small *content)
{
    int fd = open(path_of(slot, "continuity"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    VELD_ASSERT(fd >= 0);
    ssize_t put = write(fd, content->bytes, content->len);
    VELD_ASSERT(put == (ssize_t)content->len);
    close(fd);
}

/* The store's own file on the machine: an empty one, to be found; what is in it is on the disk in
 * memory. */
static void make_stub(const sim_slot *slot)
{
    int fd = open(path_of(slot, "store.db"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    VELD_ASSERT(fd >= 0);
    close(fd);
}

static void prepare(unsigned index)
{
    sim_slot *slot = &slots[index];
    char other[220];
    slot->env = (veld_env){.context = slot, .now = slot_now, .random = slot_random};
    slot->random = 1000 + index;
    slot->now = (veld_now){.wall_utc_ms = 1772438400000, .monotonic_ms = 1000};
    snprintf(slot->home, sizeof slot->home, "%s/%u", folder, index);
    slot->disk = power_disk_new(slot->home);
    snprintf(other, sizeof other, "%s-fresh", slot->home);
    slot->fresh = power_disk_new(other);
    snprintf(other, sizeof other, "%s-backup", slot->home);
    slot->backup = power_disk_new(other);
}

static void make_vault(sim_slot *slot)
{
    const veld_pin_params floor = {.passes = 1, .memory_kib = 46 << 10, .lanes = 1};
    veld_error err = {0};
    must(veld_keystore_file_create(&slot->env, slot->home, &slot->keystore, &err), &err);
    must(veld_vault_create(&slot->env, slot->home, &slot->keystore, veld_span_text(passphrase),
             &floor, &slot->vault, &err),
        &err);
}

/* SQLite has to be started by the store before the disks stand behind it. */
static void start_sqlite(sim_slot *slot)
{
    veld_store *store = NULL;
    VELD_ASSERT(veld_store_open(&slot->env, slot->home, slot->vault, &store, NULL) != VELD_OK);
    power_vfs_start();
}

static void make_store(sim_slot *slot)
{
    veld_store *store = NULL;
    veld_error err = {0};
    make_stub(slot);
    must(veld_store_create(&slot->env, slot->home, slot->vault, &store, &err), &err);
    slot->device = *veld_store_device(store);
    slot->sign_key = veld_store_signing_key(store)->public_key;
    slot->seal_key = veld_store_seal_key(store)->public_key;
    veld_store_close(store);
    power_disk_copy(slot->disk, slot->fresh);
    slot->fresh_continuity = sim_continuity_get(slot);
}

static void copy_small(const sim_slot *from, const sim_slot *to, const char *name)
{
    uint8_t bytes[1024];
    int in = open(path_of(from, name), O_RDONLY | O_CLOEXEC);
    VELD_ASSERT(in >= 0);
    ssize_t got = read(in, bytes, sizeof bytes);
    close(in);
    int out = open(path_of(to, name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    VELD_ASSERT(got > 0 && out >= 0);
    ssize_t put = write(out, bytes, (size_t)got);
    VELD_ASSERT(put == got);
    close(out);
}

/* The clone's folder is a copy of the first tablet's: same vault, same device. */
static void make_clone(sim_slot *slot, const sim_slot *of)
{
    veld_error err = {0};
    VELD_ASSERT(mkdir(slot->home, 0700) == 0);
    copy_small(of, slot, "vault");
    copy_small(of, slot, "keystore");
    make_stub(slot);
    must(veld_keystore_file_open(slot->home, &slot->keystore, &err), &err);
    must(veld_vault_open(&slot->env, slot->home, &slot->keystore, veld_span_text(passphrase),
             &slot->vault, &err),
        &err);
    slot->device = of->device;
    slot->sign_key = of->sign_key;
    slot->seal_key = of->seal_key;
}

void sim_slots_open(void)
{
    veld_error err = {0};
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/veld-sim-XXXXXX", base != NULL ? base : "/tmp");
    if (mkdtemp(folder) == NULL) {
        fprintf(stderr, "sim: no folder in %s\n", base != NULL ? base : "/tmp");
        exit(2);
    }
    sim_memory_open();
    must(veld_crypto_init(&err), &err);
    must(veld_history_init(&err), &err);
    for (unsigned i = 0; i <= SIM_FORK; i++)
        prepare(i);
    must(veld_p256_generate(&slots[SIM_RELAY].env, &root_key, &err), &err);
    must(veld_p256_generate(&slots[SIM_RELAY].env, &relay_key, &err), &err);
    for (unsigned i = 0; i < SIM_KEYS_MAX; i++)
        must(veld_p256_generate(&slots[SIM_FORK].env, &spare_keys[i], &err), &err);
    for (unsigned i = 0; i <= SIM_STRANGER; i++)
        must(veld_p256_generate(&slots[SIM_FORK].env, &staff_keys[i], &err), &err);
    make_vault(&slots[0]);
    start_sqlite(&slots[0]);
    power_vfs_seed(1);
    for (unsigned i = 0; i <= SIM_TABLETS_MAX; i++) {
        if (i > 0)
            make_vault(&slots[i]);
        make_store(&slots[i]);
    }
    make_clone(&slots[SIM_CLONE], &slots[1]);
}

void sim_slots_close(void)
{
    static const char *const files[] = {"vault", "keystore", "store.db", "owner", "continuity"};
    for (unsigned i = 0; i <= SIM_FORK; i++) {
        veld_vault_close(slots[i].vault);
        veld_keystore_close(&slots[i].keystore);
        power_disk_free(slots[i].disk);
        power_disk_free(slots[i].fresh);
        power_disk_free(slots[i].backup);
        for (size_t k = 0; k < sizeof files / sizeof files[0]; k++)
            unlink(path_of(&slots[i], files[k]));
        rmdir(slots[i].home);
    }
    veld_p256_release(&root_key);
    veld_p256_release(&relay_key);
    for (unsigned i = 0; i < SIM_KEYS_MAX; i++)
        veld_p256_release(&spare_keys[i]);
    for (unsigned i = 0; i <= SIM_STRANGER; i++)
        veld_p256_release(&staff_keys[i]);
    rmdir(folder);
}

/* What the linker puts between the library and its own functions in this program alone: it notes
 * every nonce that seals something, and plants the faults that no outer seam can. */
#include "seams.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "primitive.h"
#include "sim.h"
#include "veldkit/assert.h"

sim_plant sim_planted;

const char *const sim_plant_names[PLANT_COUNT] = {
    [PLANT_NONE] = "none",
    [PLANT_DROPPED_FSYNC] = "dropped-fsync",
    [PLANT_LAST_WINS] = "last-wins",
    [PLANT_REUSED_NONCE] = "reused-nonce",
    [PLANT_LOST_RECEIPT] = "lost-receipt",
    [PLANT_UNSEEN_REPLACED] = "unseen-replaced",
    [PLANT_REVIVING_CHECKPOINT] = "reviving-checkpoint",
    [PLANT_UNCHECKED_SIGNATURE] = "unchecked-signature",
    [PLANT_LOCAL_STATE] = "local-state",
    [PLANT_READABLE_LINE] = "readable-line",
    [PLANT_WITHHELD] = "withheld",
    [PLANT_WANDERING_CLOCK] = "wandering-clock",
    [PLANT_ANY_LOG] = "any-log",
    [PLANT_ANY_GRANT] = "any-grant",
    [PLANT_EARLY_PURGE] = "early-purge",
    [PLANT_ACCEPT_REVOKED] = "accept-revoked",
    [PLANT_DROPPED_LINE] = "dropped-line",
    [PLANT_DEVICE_LEASE] = "device-lease",
    [PLANT_KEPT_CASE] = "kept-case",
    [PLANT_UNNAMED_DECIDED] = "unnamed-side-decided",
    [PLANT_ANY_DECIDER] = "any-decider",
    [PLANT_FORMER_DROPPED] = "former-key-dropped",
};

/* ---- I6 and I5 ---- */

enum { NONCES = 1 << 15 };

typedef struct noted {
    uint8_t nonce[24];
    uint64_t content;
    bool is_used;
} noted;

static noted nonces[NONCES];
static size_t nonces_count;
static bool clash;

void sim_nonces_reset(void)
{
    memset(nonces, 0, sizeof nonces);
    nonces_count = 0;
    clash = false;
}

bool sim_nonces_clash(void)
{
    return clash;
}

static uint64_t sum(uint64_t sum, veld_span bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        sum = (sum ^ bytes.data[i]) * 0x100000001B3u;
    return (sum ^ bytes.len) * 0x100000001B3u;
}

/* Under any key: the same nonce for other bytes should never be, whatever the key. */
static void note_nonce(const uint8_t nonce[24], uint64_t content)
{
    uint64_t at;
    memcpy(&at, nonce, sizeof at);
    if (nonces_count > NONCES / 4 * 3)
        return;
    for (at %= NONCES; nonces[at].is_used; at = (at + 1) % NONCES) {
        if (memcmp(nonces[at].nonce, nonce, 24) != 0)
            continue;
        clash = clash || nonces[at].content != content;
        return;
    }
    memcpy(nonces[at].nonce, nonce, 24);
    nonces[at].content = content;
    nonces[at].is_used = true;
    nonces_count++;
}

veld_status __wrap_veld_xaes_seal_with(veld_key key, const uint8_t nonce[24], veld_span aad,
    veld_span plain, uint8_t *out, veld_error *err)
{
    note_nonce(nonce, sum(sum(0xcbf29ce484222325u, aad), plain));
    return __real_veld_xaes_seal_with(key, nonce, aad, plain, out, err);
}

void sim_check_line(sim_world *w, veld_span bytes)
{
    static const char canary[] = SIM_CANARY;
    for (size_t at = 0; at + sizeof canary - 1 <= bytes.len; at++) {
        if (memcmp(bytes.data + at, canary, sizeof canary - 1) == 0)
            sim_fail(w, SIM_I5, "readable content on a line");
    }
}

/* ---- planted faults ---- */

/* Nonces are made of four parts: random bytes, the chain, what is bound, what is sealed. */
veld_status __wrap_veld_hmac_with(
    veld_key key, const veld_span *parts, size_t count, veld_hash *out, veld_error *err)
{
    bool is_nonce = count == 4 && parts[0].len == 32 && parts[2].len == 32 && parts[3].len == 32;
    if (is_nonce && sim_planted == PLANT_REUSED_NONCE)
        count = 1;
    return __real_veld_hmac_with(key, parts, count, out, err);
}

/* The write and all that is visible on its field. */
static void replace_all(const veld_state *state, veld_write *write)
{
    const veld_state_record *record = veld_state_record_get(state, write->type, &write->record);
    const veld_state_field *field =
        record != NULL ? veld_state_field_get(record, write->field) : NULL;
    if (field == NULL || field->visible_count == 0)
        return;
    veld_write_id *all = calloc(field->visible_count + write->replaces_count, sizeof *all);
    VELD_ASSERT(all != NULL);
    size_t count = write->replaces_count;
    if (count > 0)
        memcpy(all, write->replaces, count * sizeof *all);
    for (const veld_entry *e = field->entries; e != NULL && !e->replaced; e = e->next)
        all[count++] = e->id;
    write->replaces = all;
    write->replaces_count = count;
}

static const veld_state *of_checkpoint; /* the state that was read last; compared, never used */

veld_status __wrap_veld_checkpoint_read(
    const veld_env *env, veld_span bytes, veld_state **state, veld_graph **graph, veld_error *err)
{
    veld_status status = __real_veld_checkpoint_read(env, bytes, state, graph, err);
    of_checkpoint = status == VELD_OK ? *state : NULL;
    return status;
}

veld_status __wrap_veld_case_state_id(veld_case *opened, veld_hash *out, veld_error *err)
{
    static unsigned calls;
    veld_status status = __real_veld_case_state_id(opened, out, err);
    if (sim_planted == PLANT_LOCAL_STATE)
        out->bytes[0] ^= calls++ & 1;
    return status;
}

static veld_status apply_changed(
    veld_state *state, const veld_change *change, bool *applied, veld_error *err)
{
    veld_change other = *change;
    veld_write *writes = calloc(change->writes_count, sizeof *writes);
    VELD_ASSERT(writes != NULL);
    memcpy(writes, change->writes, change->writes_count * sizeof *writes);
    other.writes = writes;
    if (sim_planted == PLANT_LAST_WINS && !veld_state_has(state, &change->core)) {
        for (size_t i = 0; i < change->writes_count; i++)
            replace_all(state, &writes[i]);
    }
    if (sim_planted == PLANT_REVIVING_CHECKPOINT && state == of_checkpoint &&
        veld_state_has(state, &change->core)) {
        other.core.bytes[0] ^= 1;
        for (size_t i = 0; i < change->writes_count; i++)
            writes[i].id.bytes[0] ^= 1;
    }
    veld_status status = __real_veld_state_apply(state, &other, applied, err);
    for (size_t i = 0; i < change->writes_count; i++) {
        if (writes[i].replaces != change->writes[i].replaces)
            free((void *)(uintptr_t)writes[i].replaces);
    }
    free(writes);
    return status;
}

veld_status __wrap_veld_state_apply(
    veld_state *state, const veld_change *change, bool *applied, veld_error *err)
{
    if (sim_planted == PLANT_LAST_WINS || sim_planted == PLANT_REVIVING_CHECKPOINT)
        return apply_changed(state, change, applied, err);
    return __real_veld_state_apply(state, change, applied, err);
}

veld_now __wrap_veld_env_now(const veld_env *env)
{
    veld_now now = __real_veld_env_now(env);
    if (sim_planted == PLANT_WANDERING_CLOCK)
        now.wall_utc_ms += (int64_t)(clock() % 1000);
    return now;
}

veld_status __wrap_veld_log_check_growth(const veld_log_head *old, const veld_log_head *head,
    const veld_log_proof *proof, veld_error *err)
{
    if (sim_planted == PLANT_ANY_LOG)
        return VELD_OK;
    return __real_veld_log_check_growth(old, head, proof, err);
}

veld_status __wrap_veld_grant_verify(const veld_grant *grant, const veld_verifier *verifier,
    const veld_p256_public *key, veld_error *err)
{
    if (sim_planted == PLANT_ANY_GRANT)
        return VELD_OK;
    return __real_veld_grant_verify(grant, verifier, key, err);
}

veld_status __wrap_veld_handover_get(
    veld_store *store, const veld_hash *change, veld_handover *out, veld_error *err)
{
    veld_status status = __real_veld_handover_get(store, change, out, err);
    if (sim_planted == PLANT_EARLY_PURGE && out->seq != 0)
        out->aside_utc_ms = 1;
    return status;
}

veld_status __wrap_veld_quarantine_get(veld_store *store, const veld_hash *change, veld_buf *body,
    veld_quarantined *out, veld_error *err)
{
    veld_status status = __real_veld_quarantine_get(store, change, body, out, err);
    if (sim_planted == PLANT_ACCEPT_REVOKED && status == VELD_E_NOT_FOUND) {
        *out = (veld_quarantined){.change = *change, .verdict = VELD_QUARANTINE_ADMITTED};
        status = VELD_OK;
    }
    return status;
}

/* The same id each time for the same name: it is asked for at each step. */
enum { NAMES = 1 << 13, NAME_BYTES_MAX = 72 };

static struct known_id {
    const veld_vault *vault;
    size_t len;
    uint8_t name[NAME_BYTES_MAX];
    veld_row_id id;
} names[NAMES];

/* What is remembered needs no memory, so it may not come from the seed before. */
void sim_names_reset(void)
{
    memset(names, 0, sizeof names);
}

veld_status __wrap_veld_vault_row_id(const veld_vault *vault, const char *table,
    const veld_span *parts, size_t count, veld_row_id *out, veld_error *err)
{
    uint8_t name[NAME_BYTES_MAX];
    size_t len = strlen(table) + 1;
    for (size_t i = 0; i < count; i++)
        len += parts[i].len + 1;
    if (len > sizeof name)
        return __real_veld_vault_row_id(vault, table, parts, count, out, err);
    memcpy(name, table, strlen(table) + 1);
    for (size_t i = 0, at = strlen(table) + 1; i < count; i++) {
        name[at++] = (uint8_t)parts[i].len;
        if (parts[i].len > 0)
            memcpy(name + at, parts[i].data, parts[i].len);
        at += parts[i].len;
    }
    uint64_t place = sum((uint64_t)(uintptr_t)vault, veld_span_of(name, len));
    struct known_id *slot = &names[(place ^ place >> 32) % NAMES];
    if (slot->vault == vault && slot->len == len && memcmp(slot->name, name, len) == 0) {
        *out = slot->id;
        return VELD_OK;
    }
    veld_status status = __real_veld_vault_row_id(vault, table, parts, count, out, err);
    if (status == VELD_OK) {
        *slot = (struct known_id){.vault = vault, .len = len, .id = *out};
        memcpy(slot->name, name, len);
    }
    return status;
}

veld_status __wrap_veld_access_keep(
    veld_store *store, veld_span entry, bool *is_new, veld_error *err)
{
    static unsigned calls;
    *is_new = true;
    if (sim_planted == PLANT_DROPPED_LINE && ++calls % 5 == 0)
        return VELD_OK;
    return __real_veld_access_keep(store, entry, is_new, err);
}

veld_status __wrap_veld_lease_time(veld_store *store, const veld_anchor *anchor,
    const veld_now *now, int64_t *utc_ms, bool *sure, veld_error *err)
{
    return __real_veld_lease_time(
        store, sim_planted == PLANT_DEVICE_LEASE ? NULL : anchor, now, utc_ms, sure, err);
}

veld_status __wrap_veld_store_erase_case(veld_store *store, const veld_id *case_id, veld_error *err)
{
    return sim_planted == PLANT_KEPT_CASE ? VELD_OK
                                          : __real_veld_store_erase_case(store, case_id, err);
}

veld_status __wrap_veld_case_save(
    veld_case *opened, const veld_edit *edits, size_t count, veld_hash *change, veld_error *err)
{
    veld_edit others[SIM_DECISION_EDITS_MAX + 1];
    if (sim_planted != PLANT_UNNAMED_DECIDED || count > sizeof others / sizeof *others)
        return __real_veld_case_save(opened, edits, count, change, err);
    memcpy(others, edits, count * sizeof *others);
    for (size_t i = 0; i < count; i++) {
        if (others[i].kind == VELD_EDIT_CHOOSE)
            others[i].kind = VELD_EDIT_SET;
    }
    return __real_veld_case_save(opened, others, count, change, err);
}

veld_status __wrap_veld_user_read(veld_span bytes, const veld_verifier *verifier,
    const veld_p256_public *key, veld_user_entry *out, veld_error *err)
{
    const veld_verifier any = veld_verifier_kept();
    return __real_veld_user_read(
        bytes, sim_planted == PLANT_ANY_DECIDER ? &any : verifier, key, out, err);
}

const veld_p256_private *__wrap_veld_store_seal_key_at(const veld_store *store, size_t index)
{
    return sim_planted == PLANT_FORMER_DROPPED && index > 0
               ? NULL
               : __real_veld_store_seal_key_at(store, index);
}

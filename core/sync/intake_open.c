/* Opening what came sealed: with a key of the case, or with the agency's own. */
#include <string.h>

#include "intake_inner.h"
#include "veldkit/commit.h"
#include "veldkit/envelope.h"

static veld_status add_changes(
    intake_changes *list, const veld_change *changes, size_t count, uint64_t place, veld_error *err)
{
    if (list->count + count > list->capacity) {
        size_t capacity = 2 * (list->count + count);
        veld_change *grown = veld_resize(list->changes, capacity * sizeof *grown);
        if (grown == NULL)
            return veld_fail(err, VELD_E_MEMORY, "no memory for %zu changes", capacity);
        list->changes = grown;
        uint64_t *places = veld_resize(list->places, capacity * sizeof *places);
        if (places == NULL)
            return veld_fail(err, VELD_E_MEMORY, "no memory for %zu changes", capacity);
        list->places = places;
        list->capacity = capacity;
    }
    memcpy(list->changes + list->count, changes, count * sizeof *changes);
    for (size_t i = 0; i < count; i++)
        list->places[list->count + i] = place;
    list->count += count;
    return VELD_OK;
}

void intake_changes_release(intake_changes *list)
{
    veld_release(list->changes);
    veld_release(list->places);
    veld_arena_release(&list->arena);
}

/* Names of an opened envelope's changes: their devices must be known. */
static veld_status name_change(void *context, veld_change *change, veld_error *err)
{
    veld_p256_public key;
    const veld_desk *desk = context;
    veld_status status = veld_keyring_signer(&desk->keyring, &desk->verifier, change, &key, err);
    return status == VELD_OK ? veld_commit_ids(change, &key, err) : status;
}

bool intake_is_blind(const intake_part *part)
{
    veld_envelope_header header;
    return part->type == VELD_FRAME_ENVELOPE &&
           veld_envelope_read_header(part->body, &header, NULL) == VELD_OK &&
           header.alg == VELD_ENVELOPE_BLIND;
}

/* What was sealed to the agency may have been sealed to a key of before. */
static veld_status open_blind(const intake *by, veld_span body, const veld_change_namer *namer,
    intake_changes *list, veld_change **changes, veld_error *why)
{
    veld_envelope_header header;
    const veld_store *store = by->desk->store;
    veld_status status = VELD_E_FORGED;
    const veld_p256_private *key;
    for (size_t i = 0; status == VELD_E_FORGED && (key = veld_store_seal_key_at(store, i)); i++)
        status = veld_envelope_open_blind(key, body, namer, &list->arena, &header, changes, why);
    return status;
}

veld_status intake_opens_blind(
    const veld_desk *desk, veld_span body, const veld_p256_private *key, bool *out, veld_error *why)
{
    veld_envelope_header header;
    veld_change *changes;
    veld_arena arena;
    veld_desk named = *desk;
    const veld_change_namer namer = {.context = &named, .name = name_change};
    veld_arena_init(&arena, VELD_STATE_BYTES_MAX);
    veld_status status =
        veld_envelope_open_blind(key, body, &namer, &arena, &header, &changes, why);
    *out = status == VELD_OK || status == VELD_E_NOT_FOUND; /* its author may not be known yet */
    veld_arena_release(&arena);
    return status;
}

/* `keys` is NULL for what is sealed to the agency. */
veld_status intake_open_one(const intake *by, veld_store_case *keys, veld_span body,
    intake_changes *list, veld_change **changes, uint16_t *count, veld_error *why)
{
    veld_status status;
    veld_envelope_header header;
    const veld_sealer *sealer;
    veld_desk desk = *by->desk;
    veld_change_namer namer = {.context = &desk, .name = name_change};
    VELD_TRY(veld_envelope_read_header(body, &header, why));
    *count = header.count;
    if (keys == NULL)
        return open_blind(by, body, &namer, list, changes, why);
    VELD_TRY(veld_store_case_message_sealer(keys, header.epoch, &sealer, why));
    status = veld_envelope_open(sealer, body, &namer, &list->arena, &header, changes, why);
done:
    return status;
}

static bool is_older(const intake_part *part, uint32_t epoch)
{
    veld_envelope_header header;
    return veld_envelope_read_header(part->body, &header, NULL) == VELD_OK && header.epoch < epoch;
}

/* Opens the envelopes of the case, those of its key or (`keys` is NULL) those that are sealed to
 * the agency; what does not open is told. */
veld_status intake_open(intake *by, const intake_part *parts, size_t count, veld_store_case *keys,
    intake_changes *current, intake_changes *again, veld_error *err)
{
    for (size_t i = 0; i < count; i++) {
        const intake_part *p = &parts[i];
        veld_change *changes;
        uint16_t changes_count = 0;
        veld_error why = {0};
        if (p->type != VELD_FRAME_ENVELOPE || intake_is_blind(p) != (keys == NULL))
            continue;
        intake_changes *list = is_older(p, by->reseal_below) ? again : current;
        veld_status status =
            intake_open_one(by, keys, p->body, list, &changes, &changes_count, &why);
        if (status == VELD_OK)
            status = add_changes(list, changes, changes_count, p->place, &why);
        if (status == VELD_E_MEMORY || status == VELD_E_CRYPTO || status == VELD_E_IO ||
            status == VELD_E_DAMAGED)
            return veld_fail(err, status, "%s", why.text);
        if (status == VELD_OK || (status == VELD_E_NOT_FOUND && by->wants_past))
            continue; /* of the past some may never be readable here */
        if (status == VELD_E_NOT_FOUND)
            by->taken.unknown_device += changes_count;
        by->leave_out(by->context, p, status == VELD_E_NOT_FOUND, "envelope", &why);
    }
    return VELD_OK;
}

/* Holding: frames of a case that is here for an emergency are kept as they came, sealed under the
 * vault like all rows. Nothing here unwraps a key. */
#include "glass_inner.h"

#include <stdio.h>
#include <string.h>

#include "sync_inner.h"
#include "veldkit/break_glass.h"
#include "veldkit/emergency.h"
#include "veldkit/hash.h"
#include "veldkit/lease.h"
#include "veldkit/number.h"

#define BYTES "glass.bytes" /* by case: of its envelopes that came while it was held */

enum { GROUP_SIZE = 64, EPOCH_BYTES = 4, NUMBER_BYTES = 8 };

typedef struct group {
    char name[GROUP_SIZE];
} group;

static group group_of(const char *kind, const veld_id *case_id)
{
    group made;
    char id[VELD_ID_TEXT_SIZE];
    veld_id_format(case_id, id);
    (void)snprintf(made.name, sizeof made.name, "glass.%s.%s", kind, id);
    return made;
}

static group grants_of(const veld_id *case_id)
{
    return group_of("grants", case_id);
}

static group envelopes_of(const veld_id *case_id)
{
    return group_of("envelopes", case_id);
}

/* ---- rows ---- */

static veld_status get_bytes(
    veld_store *store, const veld_id *case_id, uint64_t *out, veld_error *err)
{
    veld_buf value;
    veld_buf_init(&value, NUMBER_BYTES);
    veld_status status = veld_store_get_value(store, BYTES, veld_id_span(case_id), &value, err);
    *out = status == VELD_OK && value.len == NUMBER_BYTES ? veld_get_u64(value.data) : 0;
    veld_buf_release(&value);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

static veld_status put_bytes(
    veld_store *store, const veld_id *case_id, uint64_t bytes, veld_error *err)
{
    uint8_t number[NUMBER_BYTES];
    veld_put_u64(number, bytes);
    return veld_store_put_value(
        store, BYTES, veld_id_span(case_id), veld_span_of(number, sizeof number), err);
}

/* Is a later one for this epoch here? What was given together may come in any order, so the lease
 * that is kept says nothing of it. */
static veld_status has_later(
    veld_store *store, const group *in, const veld_grant *grant, bool *out, veld_error *err)
{
    uint8_t epoch[EPOCH_BYTES];
    veld_buf body;
    veld_grant there = {0};
    *out = false;
    veld_buf_init(&body, VELD_GRANT_BYTES_MAX);
    veld_put_u32(epoch, grant->terms.epoch);
    veld_status status =
        veld_store_get_value(store, in->name, veld_span_of(epoch, sizeof epoch), &body, err);
    if (status == VELD_OK)
        status = veld_grant_read(veld_buf_span(&body), &there, err);
    if (status == VELD_OK)
        *out = there.terms.serial > grant->terms.serial;
    veld_buf_release(&body);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

veld_status glass_put_grant(
    veld_store *store, const veld_grant *grant, veld_span bytes, veld_error *err)
{
    uint8_t epoch[EPOCH_BYTES];
    bool is_late;
    const group to = grants_of(&grant->terms.case_id);
    veld_status status = has_later(store, &to, grant, &is_late, err);
    if (status != VELD_OK || is_late)
        return status;
    veld_put_u32(epoch, grant->terms.epoch);
    return veld_store_put_value(store, to.name, veld_span_of(epoch, sizeof epoch), bytes, err);
}

static veld_status is_held(
    veld_store *store, const group *in, const veld_hash *id, bool *out, veld_error *err)
{
    veld_buf body;
    veld_buf_init(&body, VELD_STORE_BODY_BYTES_MAX);
    veld_status status = veld_store_get_value(store, in->name, veld_hash_span(id), &body, err);
    *out = status == VELD_OK;
    veld_buf_release(&body);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

veld_status glass_put_envelope(
    veld_store *store, const veld_id *case_id, veld_span bytes, bool is_new, veld_error *err)
{
    veld_hash id;
    uint64_t sum;
    bool held;
    const group to = envelopes_of(case_id);
    veld_status status;
    VELD_TRY(veld_sha256(bytes, &id, err));
    VELD_TRY(is_held(store, &to, &id, &held, err));
    if (held)
        goto done;
    VELD_TRY(get_bytes(store, case_id, &sum, err));
    if (is_new && sum + bytes.len > VELD_GLASS_BYTES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "more of one case than is held for an emergency");
    VELD_TRY(veld_store_put_value(store, to.name, veld_hash_span(&id), bytes, err));
    if (is_new)
        status = put_bytes(store, case_id, sum + bytes.len, err);
done:
    return status;
}

/* Among the envelopes lies a checkpoint too, when the case began with one. */
static veld_frame_type type_of(veld_frame_type type, veld_span body)
{
    bool is_other = type == VELD_FRAME_ENVELOPE &&
                    veld_envelope_read_header(body, &(veld_envelope_header){0}, NULL) != VELD_OK;
    return is_other ? VELD_FRAME_CHECKPOINT : type;
}

typedef struct dropping {
    bool keeps_checkpoint;
    uint64_t kept; /* bytes */
} dropping;

static bool is_dropped(void *context, const veld_store_value *value)
{
    dropping *by = context;
    bool stays =
        by->keeps_checkpoint && type_of(VELD_FRAME_ENVELOPE, value->body) == VELD_FRAME_CHECKPOINT;
    by->kept += stays ? value->body.len : 0;
    return !stays;
}

/* Names first: a walk does not see what is removed during it. */
static veld_status drop_group(veld_store *store, const group *of, dropping *by, veld_error *err)
{
    veld_status status;
    veld_span name;
    veld_buf names;
    veld_buf_init(&names, VELD_GLASS_BYTES_MAX);
    VELD_TRY(veld_store_value_names(store, of->name, by, is_dropped, &names, err));
    for (size_t at = 0; veld_store_next_name(&names, &at, &name);)
        VELD_TRY(veld_store_delete_value(store, of->name, name, err));
done:
    veld_buf_release(&names);
    return status;
}

veld_status glass_drop_envelopes(veld_store *store, const veld_id *case_id, veld_error *err)
{
    const group of = envelopes_of(case_id);
    dropping by = {.keeps_checkpoint = true};
    veld_status status = drop_group(store, &of, &by, err);
    return status == VELD_OK ? put_bytes(store, case_id, by.kept, err) : status;
}

veld_status veld_glass_forget(veld_store *store, const veld_id *case_id, veld_error *err)
{
    veld_status status;
    const group envelopes = envelopes_of(case_id), grants = grants_of(case_id);
    dropping all = {0};
    VELD_TRY(drop_group(store, &envelopes, &all, err));
    VELD_TRY(drop_group(store, &grants, &all, err));
    VELD_TRY(veld_emergency_drop(store, case_id, err));
    status = veld_store_delete_value(store, BYTES, veld_id_span(case_id), err);
done:
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

veld_status glass_is_open(veld_store *store, const veld_id *case_id, bool *out, veld_error *err)
{
    veld_store_case *keys = NULL;
    veld_status status = veld_store_case_open(store, case_id, &keys, err);
    *out = status == VELD_OK;
    veld_store_case_close(keys);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

/* ---- lists ---- */

veld_status glass_add(glass_parts *parts, const intake_part *part, veld_error *err)
{
    intake_part copy = *part;
    if (parts->count == parts->capacity) {
        size_t capacity = parts->capacity == 0 ? 16 : 2 * parts->capacity;
        intake_part *grown = veld_resize(parts->items, capacity * sizeof *grown);
        if (grown == NULL)
            return veld_fail(err, VELD_E_MEMORY, "no memory for %zu frames", capacity);
        parts->items = grown;
        parts->capacity = capacity;
    }
    veld_status status = veld_arena_copy(&parts->arena, part->body, &copy.body);
    if (status != VELD_OK)
        return veld_fail(err, status, "no memory for what is held of a case");
    parts->items[parts->count++] = copy;
    return VELD_OK;
}

static veld_status load_group(veld_store *store, const veld_id *case_id, const group *of,
    veld_frame_type type, glass_parts *out, veld_error *err)
{
    veld_status status;
    bool more = true;
    veld_store_cursor *cursor = NULL;
    VELD_TRY(veld_store_values(store, of->name, &cursor, err));
    while (more) {
        veld_store_value value;
        VELD_TRY(veld_store_values_next(cursor, &more, &value, err));
        if (!more)
            break;
        const intake_part part = {.type = type_of(type, value.body),
            .body = value.body,
            .case_id = *case_id,
            .was_judged = true};
        VELD_TRY(glass_add(out, &part, err));
    }
done:
    veld_store_cursor_close(cursor);
    return status;
}

veld_status glass_load(veld_store *store, const veld_id *case_id, glass_parts *out, veld_error *err)
{
    veld_status status;
    const group grants = grants_of(case_id), envelopes = envelopes_of(case_id);
    *out = (glass_parts){0};
    veld_arena_init(&out->arena, VELD_STATE_BYTES_MAX);
    VELD_TRY(load_group(store, case_id, &grants, VELD_FRAME_GRANT, out, err));
    status = load_group(store, case_id, &envelopes, VELD_FRAME_ENVELOPE, out, err);
done:
    return status;
}

void glass_release(glass_parts *parts)
{
    veld_release(parts->items);
    veld_arena_release(&parts->arena);
    *parts = (glass_parts){0};
}

/* ---- what comes in an exchange ---- */

typedef struct holding {
    veld_sync *sync;
    intake *into;
    const intake_part *parts;
    size_t count;
    veld_lease lease; /* as it is kept */
    veld_lease_state state;
    uint64_t serial;       /* of the newest word of the agency, kept or among the parts */
    bool is_for_emergency; /* what that says */
    bool is_read;          /* it is opened: what comes is taken in too */
} holding;

/* A grant of the agency for this device: nobody else's says what the case is here for. */
static bool is_word_of_agency(const holding *by, const intake_part *part, veld_grant *grant)
{
    const veld_sync_config *config = &by->sync->config;
    bool is_agency = false;
    return part->type == VELD_FRAME_GRANT && veld_grant_read(part->body, grant, NULL) == VELD_OK &&
           veld_id_equal(&grant->terms.recipient, veld_store_device(config->desk->store)) &&
           veld_agency_gives(config->agency, &by->sync->now, grant, &is_agency, NULL) == VELD_OK &&
           is_agency;
}

static veld_status look(holding *by, veld_error *err)
{
    bool sure;
    int64_t utc_ms;
    veld_status status;
    const veld_desk *desk = by->sync->config.desk;
    veld_now now = veld_env_now(desk->env);
    VELD_TRY(veld_lease_time(desk->store, desk->anchor, &now, &utc_ms, &sure, err));
    VELD_TRY(veld_lease_get(desk->store, &by->parts[0].case_id, &by->lease, err));
    by->state = veld_lease_state_at(&by->lease, utc_ms, sure);
    by->serial = by->lease.serial;
    by->is_for_emergency = by->lease.purpose == VELD_GRANT_BREAK_GLASS;
    for (size_t i = 0; i < by->count; i++) {
        veld_grant grant;
        if (!is_word_of_agency(by, &by->parts[i], &grant) || grant.terms.serial <= by->serial)
            continue;
        by->serial = grant.terms.serial;
        by->is_for_emergency = grant.terms.purpose == VELD_GRANT_BREAK_GLASS;
    }
done:
    return status;
}

/* Moved or changed, each has its own status: NOT_ALLOWED (for another device, of somebody else, for
 * another purpose), FORGED (in the agency's name). */
static veld_status judge_grant(
    const holding *by, const intake_part *part, veld_grant *grant, veld_error *why)
{
    bool is_agency = false;
    const veld_sync_config *config = &by->sync->config;
    veld_status status;
    VELD_TRY(veld_grant_read(part->body, grant, why));
    VELD_TRY(veld_agency_gives(config->agency, &by->sync->now, grant, &is_agency, why));
    if (!veld_id_equal(&grant->terms.recipient, veld_store_device(config->desk->store)))
        status = veld_fail(why, VELD_E_NOT_ALLOWED, "it is for another device");
    else if (!is_agency || grant->terms.purpose != VELD_GRANT_BREAK_GLASS)
        status = veld_fail(why, VELD_E_NOT_ALLOWED, "no emergency grant of the agency");
done:
    return status;
}

static veld_status hold_grant(holding *by, const intake_part *part, veld_error *err)
{
    veld_grant grant;
    veld_status status;
    veld_error why = {0};
    const veld_desk *desk = by->sync->config.desk;
    status = judge_grant(by, part, &grant, &why);
    if (status == VELD_E_MEMORY || status == VELD_E_CRYPTO)
        return veld_fail(err, status, "%s", why.text);
    if (status != VELD_OK) {
        by->into->leave_out(by->into->context, part, false, "grant", &why);
        return VELD_OK;
    }
    status = veld_lease_take(desk->store, desk->anchor, &grant.terms, &why);
    if (status == VELD_E_STALE) {
        by->into->leave_out(by->into->context, part, false, "grant", &why);
        return VELD_OK;
    }
    return status == VELD_OK ? glass_put_grant(desk->store, &grant, part->body, err)
                             : veld_fail(err, status, "%s", why.text);
}

static veld_status hold_envelope(holding *by, const intake_part *part, veld_error *err)
{
    veld_error why = {0};
    veld_envelope_header header;
    bool is_envelope = part->type == VELD_FRAME_ENVELOPE;
    veld_status status =
        is_envelope ? veld_envelope_read_header(part->body, &header, &why) : VELD_OK;
    if (status == VELD_OK && is_envelope && header.alg == VELD_ENVELOPE_BLIND) /* for the agency */
        return VELD_OK;
    if (status == VELD_OK)
        status = glass_put_envelope(
            by->sync->config.desk->store, &part->case_id, part->body, !by->is_read, &why);
    if (status == VELD_E_LIMIT || status == VELD_E_FORM || status == VELD_E_NEWER) {
        by->into->leave_out(by->into->context, part, false, "envelope", &why);
        return VELD_OK;
    }
    return status == VELD_OK ? VELD_OK : veld_fail(err, status, "%s", why.text);
}

static veld_status hold_all(holding *by, veld_error *err)
{
    veld_status status = VELD_OK;
    veld_store *store = by->sync->config.desk->store;
    VELD_TRY(veld_store_begin(store, err));
    for (size_t i = 0; status == VELD_OK && i < by->count; i++)
        status = by->parts[i].type == VELD_FRAME_GRANT ? hold_grant(by, &by->parts[i], err)
                                                       : hold_envelope(by, &by->parts[i], err);
    status = veld_store_end(store, status, err);
done:
    return status;
}

/* The case is hers now: what was held comes in with what came. */
static veld_status take_held(holding *by, bool *taken, veld_error *err)
{
    veld_status status;
    glass_parts all;
    bool is_open = false;
    veld_store *store = by->sync->config.desk->store;
    veld_id case_id = by->parts[0].case_id;
    VELD_TRY(glass_load(store, &case_id, &all, err));
    *taken = all.count > 0;
    if (!*taken)
        goto done;
    for (size_t i = 0; i < by->count; i++)
        VELD_TRY(glass_add(&all, &by->parts[i], err));
    by->into->is_glass_broken = true; /* of epochs that the new grants leave out */
    VELD_TRY(intake_case(by->into, all.items, all.count, err));
    VELD_TRY(glass_is_open(store, &case_id, &is_open, err));
    if (is_open)
        status = veld_glass_forget(store, &case_id, err);
done:
    by->into->is_glass_broken = false;
    glass_release(&all);
    return status;
}

veld_status sync_hold(veld_sync *sync, intake *into, const intake_part *parts, size_t count,
    bool *held, veld_error *err)
{
    veld_status status;
    bool is_open;
    holding by = {.sync = sync, .into = into, .parts = parts, .count = count};
    *held = false;
    into->is_glass_broken = false;
    VELD_TRY(look(&by, err));
    if (!by.is_for_emergency) {
        status = take_held(&by, held, err);
        goto done;
    }
    VELD_TRY(glass_is_open(sync->config.desk->store, &parts[0].case_id, &is_open, err));
    /* What is opened goes on to be read; what was assigned before has its key here. */
    by.is_read =
        is_open && (by.state == VELD_LEASE_VALID || by.lease.purpose != VELD_GRANT_BREAK_GLASS);
    VELD_TRY(hold_all(&by, err));
    into->is_glass_broken = by.is_read;
    *held = !by.is_read;
done:
    return status;
}

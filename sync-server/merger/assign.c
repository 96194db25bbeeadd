/* Who has which compartment of a dossier, and giving them the keys. A compartment that somebody was
 * assigned by name is kept as (device, compartment) under the dossier, and so is one that was taken
 * from somebody who keeps the main case; who has the main case follows from its assignments. Keys
 * follow each time that one of the cases changes: an address that somebody adds later reaches all
 * who have the case, and one that becomes secret is taken from all who were not assigned it by
 * name. */
#include <string.h>

#include "../srv.h"
#include "veldkit/assert.h"
#include "veldkit/assignment.h"

/* One assignment as it is kept: compartment u8 | device. With TAKEN it is the contrary: having the
 * main case does not give this compartment. */
enum { ROW_BYTES = 1 + VELD_ID_BYTES, ROWS_BYTES_MAX = 1 << 20, TAKEN = 0x80 };

static veld_status load_rows(
    srv_session *session, const veld_id *dossier, veld_buf *out, veld_error *err)
{
    veld_buf_init(out, ROWS_BYTES_MAX);
    veld_status status =
        veld_store_get_value(session->store, SRV_GROUP_ASSIGNED, veld_id_span(dossier), out, err);
    if (status == VELD_OK && out->len % ROW_BYTES != 0)
        status = veld_fail(err, VELD_E_DAMAGED, "assignments are not whole");
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

static bool has_row(const veld_buf *rows, const uint8_t row[ROW_BYTES])
{
    for (size_t at = 0; at < rows->len; at += ROW_BYTES)
        if (memcmp(rows->data + at, row, ROW_BYTES) == 0)
            return true;
    return false;
}

static veld_status add_row(veld_buf *rows, unsigned compartment, const veld_id *device)
{
    uint8_t row[ROW_BYTES] = {(uint8_t)compartment};
    memcpy(row + 1, device->bytes, VELD_ID_BYTES);
    return has_row(rows, row) ? VELD_OK : veld_buf_append(rows, row, sizeof row);
}

/* Who has the main case, as the merger keeps it: its founder too. */
static veld_status add_holders(
    srv_session *session, const veld_id *dossier, veld_buf *rows, veld_error *err)
{
    veld_assignment *holders = NULL;
    size_t count = 0;
    veld_status status = veld_assignments_of_case(session->store, dossier, &holders, &count, err);
    for (size_t i = 0; status == VELD_OK && i < count; i++)
        status = add_row(rows, VELD_COMPARTMENT_MAIN, &holders[i].device);
    veld_release(holders);
    return status;
}

/* The rows of a device from one first byte to another. */
static void drop_rows(veld_buf *rows, const veld_id *device, unsigned from, unsigned to)
{
    size_t kept = 0;
    for (size_t at = 0; at < rows->len; at += ROW_BYTES) {
        if (memcmp(rows->data + at + 1, device->bytes, VELD_ID_BYTES) == 0 &&
            rows->data[at] >= from && rows->data[at] <= to)
            continue;
        memmove(rows->data + kept, rows->data + at, ROW_BYTES);
        kept += ROW_BYTES;
    }
    rows->len = kept;
}

/* A compartment was given to the device by name, or taken from it. Giving the main case undoes what
 * was taken; taking it takes all. */
static veld_status keep_rows(srv_session *session, const veld_id *dossier,
    veld_compartment compartment, const veld_id *device, bool taken, veld_error *err)
{
    veld_buf rows;
    veld_status status = load_rows(session, dossier, &rows, err);
    if (status == VELD_OK && compartment == VELD_COMPARTMENT_MAIN) {
        drop_rows(&rows, device, taken ? 0 : TAKEN, UINT8_MAX);
    } else if (status == VELD_OK) {
        unsigned given = (unsigned)compartment;
        drop_rows(&rows, device, given, given);
        drop_rows(&rows, device, TAKEN | given, TAKEN | given);
        status = add_row(&rows, taken ? TAKEN | given : given, device);
    }
    if (status == VELD_OK)
        status = veld_store_put_value(
            session->store, SRV_GROUP_ASSIGNED, veld_id_span(dossier), veld_buf_span(&rows), err);
    veld_buf_release(&rows);
    return status;
}

static bool is_entitled(
    const veld_buf *rows, const uint8_t *row, const veld_place *place, bool secret)
{
    uint8_t taken[ROW_BYTES] = {TAKEN | VELD_COMPARTMENT_ADDRESS};
    memcpy(taken + 1, row + 1, VELD_ID_BYTES);
    if (place->compartment == VELD_COMPARTMENT_REPORTER)
        return false;
    return row[0] == (uint8_t)place->compartment ||
           (row[0] == VELD_COMPARTMENT_MAIN && place->compartment == VELD_COMPARTMENT_ADDRESS &&
               !secret && !has_row(rows, taken));
}

static veld_status is_secret(
    srv_session *session, const veld_place *place, bool *out, veld_error *err)
{
    veld_case *opened = NULL;
    const veld_desk quiet = veld_desk_quiet(&session->desk); /* nobody sees what is in it */
    *out = false;
    if (place->compartment != VELD_COMPARTMENT_ADDRESS)
        return VELD_OK;
    veld_status status = veld_case_open(&quiet, &place->case_id, &opened, err);
    if (status == VELD_OK)
        status = veld_part_is_secret(opened, out, err);
    veld_case_close(opened);
    return status;
}

/* Somebody was assigned a dossier just now: gets a lease of this length, also for what she has. */
typedef struct fresh_assignment {
    const veld_id *device; /* NULL: nobody was, keys follow a change */
    srv_terms terms;
} fresh_assignment;

/* On the terms that the device has the main case on, unless it was assigned this by name. */
static veld_status find_terms(srv_session *session, const veld_place *place, const uint8_t *row,
    const fresh_assignment *fresh, srv_terms *out, bool *has, veld_error *err)
{
    veld_assignment there;
    veld_id device;
    memcpy(device.bytes, row + 1, VELD_ID_BYTES);
    veld_status status = veld_assignment_get(session->store, &place->case_id, &device, &there, err);
    *has = status == VELD_OK;
    *out = (srv_terms){.purpose = VELD_GRANT_ASSIGNED, .lease_ms = VELD_LEASE_DEFAULT_MS};
    if (status == VELD_E_NOT_FOUND)
        status = veld_assignment_get(session->store, &place->dossier, &device, &there, err);
    if (status == VELD_OK)
        out->lease_ms = there.lease_ms;
    if (status == VELD_OK && row[0] == VELD_COMPARTMENT_MAIN)
        out->purpose = there.purpose;
    if (status == VELD_E_NOT_FOUND) /* not given back by itself to who it was taken from */
        status = veld_sync_has_ended(session->sync, &place->case_id, &device, has, err);
    if (fresh->device != NULL && veld_id_equal(fresh->device, &device)) {
        *out = fresh->terms;
        *has = false;
    }
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

/* An address that is secret now: only who was assigned addresses by name keeps it. The tablets of
 * the others destroy it, after they handed in what they made; a new key keeps them out. */
static veld_status withdraw(
    srv_session *session, const veld_place *place, const veld_buf *rows, veld_error *err)
{
    veld_assignment *holders = NULL;
    size_t count = 0;
    veld_status status =
        veld_assignments_of_case(session->store, &place->case_id, &holders, &count, err);
    for (size_t i = 0; status == VELD_OK && i < count; i++) {
        uint8_t row[ROW_BYTES] = {VELD_COMPARTMENT_ADDRESS};
        memcpy(row + 1, holders[i].device.bytes, VELD_ID_BYTES);
        if (!has_row(rows, row))
            status = veld_sync_unassign(
                session->sync, &place->case_id, &holders[i].device, VELD_ORDER_SECRET, true, err);
    }
    veld_release(holders);
    return status;
}

/* The keys of one case to all who are entitled to it; what was given already is not given again,
 * but to who was assigned just now. */
static veld_status give(srv_session *session, const veld_place *place, const veld_buf *rows,
    const fresh_assignment *fresh, veld_error *err)
{
    bool secret, has;
    srv_terms terms;
    veld_status status = is_secret(session, place, &secret, err);
    if (status == VELD_OK && secret)
        status = withdraw(session, place, rows, err);
    for (size_t at = 0; status == VELD_OK && at < rows->len; at += ROW_BYTES) {
        veld_id device;
        veld_directory_entry entry = {0};
        if (!is_entitled(rows, rows->data + at, place, secret))
            continue;
        memcpy(device.bytes, rows->data + at + 1, VELD_ID_BYTES);
        status = find_terms(session, place, rows->data + at, fresh, &terms, &has, err);
        if (status == VELD_OK && !has)
            status = veld_directory_find(session->store, &device, &entry, err);
        bool is_given = status == VELD_OK && !has && entry.state == VELD_DEVICE_ACTIVE;
        if (is_given)
            status = veld_sync_post_grant(
                session->sync, &place->case_id, &entry, terms.purpose, terms.lease_ms, err);
        if (is_given && status == VELD_OK && fresh->device != NULL) /* a person did it */
            status =
                veld_access_add(session->access, VELD_ACCESS_ASSIGN, &place->case_id, &device, err);
        if (status == VELD_E_NOT_FOUND) /* not a device of the directory */
            status = VELD_OK;
    }
    return status;
}

veld_status srv_assign_anew(
    srv_session *session, const veld_id *old, const veld_id *anew, veld_error *err)
{
    veld_buf rows = {0};
    veld_status status = load_rows(session, old, &rows, err);
    if (status == VELD_OK && rows.len > 0)
        status = veld_store_put_value(
            session->store, SRV_GROUP_ASSIGNED, veld_id_span(anew), veld_buf_span(&rows), err);
    veld_buf_release(&rows);
    return status;
}

veld_status srv_assign_follow(srv_session *session, const veld_id *case_id, veld_error *err)
{
    const fresh_assignment nobody = {0};
    veld_places places = {0};
    veld_buf rows = {0};
    veld_status status;
    VELD_TRY(veld_places_load_dossier(session->store, case_id, &places, err));
    if (places.count == 1 && places.items[0].compartment == VELD_COMPARTMENT_MAIN)
        goto done; /* no parts: main itself is given when it is assigned */
    VELD_TRY(load_rows(session, &places.items[0].dossier, &rows, err));
    VELD_TRY(add_holders(session, &places.items[0].dossier, &rows, err));
    for (size_t i = 0; i < places.count; i++)
        VELD_TRY(give(session, &places.items[i], &rows, &nobody, err));

done:
    veld_buf_release(&rows);
    veld_places_release(&places);
    return status;
}

veld_status srv_assign(srv_session *session, const veld_places *places, const veld_id *dossier,
    veld_compartment compartment, const veld_directory_entry *to, srv_terms terms, veld_error *err)
{
    const fresh_assignment fresh = {.device = &to->device, .terms = terms};
    veld_buf rows = {0};
    veld_status status;
    if (compartment == VELD_COMPARTMENT_REPORTER)
        return veld_fail(err, VELD_E_NOT_ALLOWED, "wie meldde is op geen enkele tablet te lezen");
    VELD_TRY(keep_rows(session, dossier, compartment, &to->device, false, err));
    VELD_TRY(load_rows(session, dossier, &rows, err));
    if (compartment == VELD_COMPARTMENT_MAIN)
        VELD_TRY(add_row(&rows, compartment, &to->device));
    for (size_t i = 0; i < places->count; i++) {
        if (veld_id_equal(&places->items[i].dossier, dossier))
            VELD_TRY(give(session, &places->items[i], &rows, &fresh, err));
    }

done:
    veld_buf_release(&rows);
    return status;
}

veld_status srv_unassign(srv_session *session, const veld_places *places, const veld_id *dossier,
    veld_compartment compartment, const veld_id *device, veld_error *err)
{
    veld_assignment there;
    veld_status status;
    VELD_TRY(keep_rows(session, dossier, compartment, device, true, err));
    for (size_t i = 0; i < places->count; i++) {
        const veld_place *place = &places->items[i];
        if (!veld_id_equal(&place->dossier, dossier) ||
            (compartment != VELD_COMPARTMENT_MAIN && place->compartment != compartment))
            continue;
        status = veld_assignment_get(session->store, &place->case_id, device, &there, err);
        if (status == VELD_OK)
            status = veld_sync_unassign(
                session->sync, &place->case_id, device, VELD_ORDER_REASSIGNED, true, err);
        if (status == VELD_OK)
            status = veld_access_add(
                session->access, VELD_ACCESS_WITHDRAW, &place->case_id, device, err);
        if (status != VELD_E_NOT_FOUND)
            VELD_TRY(status);
        status = VELD_OK;
    }

done:
    return status;
}

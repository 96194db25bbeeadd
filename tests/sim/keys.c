/* Keys of the agency that change in the midst of everything, as an administrator does it: the
 * server is stopped, one transaction in the merger's store decides, and what follows from it (the
 * relay's folder, case keys wrapped anew) is done before a server starts again, however often that
 * is cut. Tablets hear of it when they come by. */
#include <string.h>

#include "sim.h"
#include "veldkit/directory_head.h"

/* ---- what a party knows ---- */

void sim_keys_load(sim_party *p)
{
    const sim_world *w = p->world;
    veld_status status = VELD_E_NOT_FOUND;
    if (w->plan.has_keys)
        status = veld_agency_get(p->store, &w->verifier, &p->agency, NULL);
    if (status == VELD_E_NOT_FOUND) {
        sim_must(
            p->world, veld_agency_put(p->store, &w->verifier, veld_buf_span(&w->statement), NULL));
        status = veld_agency_get(p->store, &w->verifier, &p->agency, NULL);
    }
    sim_must(p->world, status);
    p->may_have_keys = false;
    p->check = (veld_agency_check){.agency = &p->agency, .inner = w->verifier};
    p->desk.verifier = veld_agency_verifier(&p->check);
    p->desk.office = &p->agency.seal_key;
}

void sim_relay_keys(sim_world *w, sim_relay *r, veld_span statement)
{
    veld_buf_release(&r->statement);
    veld_buf_init(&r->statement, VELD_DIRECTORY_BYTES_MAX);
    sim_must(w, veld_buf_append_span(&r->statement, statement));
    sim_must(w, veld_agency_read(statement, &w->verifier, &r->agency, NULL));
    r->check = (veld_agency_check){.agency = &r->agency, .inner = w->verifier};
}

/* ---- the change ---- */

static void add_former(veld_agency *agency, veld_agency_former former)
{
    memmove(agency->former + 1, agency->former, agency->former_count * sizeof *agency->former);
    agency->former[0] = former;
    agency->former_count++;
}

/* What the statement says from now on. */
static veld_status prepare(
    sim_party *office, veld_agency_key kind, const veld_p256_public *fresh, veld_agency *out)
{
    veld_status status = VELD_OK;
    veld_agency_former former = {.kind = kind};
    *out = office->agency;
    out->edition++;
    if (kind == VELD_AGENCY_RELAY) {
        former.key = out->relay_key;
        add_former(out, former);
        out->relay_key = *fresh;
    } else if (kind == VELD_AGENCY_MERGER) {
        former.key = out->merger_key;
        VELD_TRY(veld_sync_last_serial(office->sync, &former.serial, NULL));
        VELD_TRY(veld_directory_next(office->store, &former.position, NULL));
        former.position--;
        add_former(out, former);
        out->merger_key = *fresh;
    } else {
        out->seal_key = *fresh;
    }
done:
    return status;
}

static veld_status keep_key(sim_party *office, veld_agency_key kind, const veld_p256_private *fresh)
{
    veld_status status;
    if (kind == VELD_AGENCY_MERGER)
        return veld_store_change_signing_key(office->store, fresh, NULL);
    if (kind == VELD_AGENCY_RELAY)
        return VELD_OK; /* it lies in the relay's folder */
    VELD_TRY(veld_store_change_seal_key(office->store, fresh, NULL));
    status = veld_sync_rewrap_begin(office->sync, NULL);
done:
    return status;
}

static veld_status decide(sim_party *office, veld_agency_key kind, const veld_p256_private *fresh)
{
    sim_world *w = office->world;
    veld_agency agency;
    veld_buf statement;
    const veld_p256_private *root = sim_root_key();
    const veld_signer signer =
        w->plan.real_signatures ? veld_signer_p256(root) : sim_standin_signer(&root->public_key);
    veld_status status;
    veld_buf_init(&statement, VELD_DIRECTORY_BYTES_MAX);
    VELD_TRY(prepare(office, kind, &fresh->public_key, &agency));
    VELD_TRY(veld_agency_make(&agency, &signer, &statement, NULL));
    VELD_TRY(veld_store_begin(office->store, NULL));
    status = veld_agency_put(office->store, &w->verifier, veld_buf_span(&statement), NULL);
    if (status == VELD_OK)
        status = veld_sync_post_entry(office->sync, &agency.id, veld_buf_span(&statement), NULL);
    if (status == VELD_OK)
        status = keep_key(office, kind, fresh);
    status = veld_store_end(office->store, status, NULL);
done:
    veld_buf_release(&statement);
    return status;
}

/* The kind 0 is the seal key: nobody else has to know that of before. */
void sim_work_change_key(sim_world *w, uint64_t draw)
{
    static const veld_agency_key kinds[] = {0, 0, VELD_AGENCY_MERGER, VELD_AGENCY_RELAY};
    sim_party *office = &w->parties[SIM_MERGER];
    veld_agency_key kind = kinds[sim_next(&draw) % (sizeof kinds / sizeof *kinds)];
    if (!office->is_up || w->key_changes == SIM_KEYS_MAX)
        return;
    const veld_p256_private *fresh = sim_spare_key(w->key_changes++);
    if (w->relay.is_up)
        sim_relay_die(w, &w->relay, false, draw);
    w->is_changing = true;
    sim_memory_begin(office);
    veld_status status = decide(office, kind, fresh);
    (void)sim_memory_end();
    sim_party_after(office, status);
    if (office->is_up)
        sim_party_die(office, false, sim_next(&draw));
}

/* ---- what follows from it ---- */

void sim_keys_finish(sim_party *office)
{
    size_t wrapped = 0;
    veld_buf statement;
    sim_world *w = office->world;
    veld_buf_init(&statement, VELD_DIRECTORY_BYTES_MAX);
    veld_status status = veld_agency_bytes(office->store, &statement, NULL);
    if (status == VELD_OK && office->agency.edition > w->relay.agency.edition)
        sim_relay_keys(w, &w->relay, veld_buf_span(&statement));
    if (status == VELD_OK)
        status = veld_sync_rewrap(office->sync, &wrapped, NULL);
    w->is_changing = status != VELD_OK;
    veld_buf_release(&statement);
    sim_trace_number(w, wrapped);
    sim_party_after(office, status);
}

/* ---- at the end ---- */

/* The heads of the directory came too, whatever became of them on the way: each root is known. */
static void check_directory(sim_world *w, unsigned party, uint64_t size)
{
    veld_hash root;
    veld_directory_state now;
    veld_store *store = w->parties[party].store;
    sim_must(w, veld_directory_state_get(store, &now, NULL));
    if (now.log.size != size || veld_directory_root_at(store, size, &root, NULL) != VELD_OK)
        sim_fail(w, SIM_LIVE, "party %u follows %" PRIu64 " of %" PRIu64 " entries", party,
            now.log.size, size);
}

/* Who may still hear of it has. */
void sim_check_editions(sim_world *w)
{
    uint64_t size = 0;
    sim_party *office = &w->parties[SIM_MERGER];
    if (!w->plan.has_keys || w->has_failed || !office->is_up)
        return;
    sim_must(w, veld_directory_size(office->store, &size, NULL));
    for (unsigned i = 1; i < SIM_PARTIES && !w->has_failed; i++) {
        const sim_party *p = &w->parties[i];
        if (!p->exists || !p->is_up || p->is_revoked)
            continue;
        if (p->agency.edition != office->agency.edition)
            sim_fail(w, SIM_LIVE, "party %u knows edition %" PRIu64 " of %" PRIu64, i,
                p->agency.edition, office->agency.edition);
        check_directory(w, i, size);
    }
}

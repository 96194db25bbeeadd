/* What may be known of an item without a key: which case and device it concerns, and whether who
 * carried it may hand it in. The relay judges form, never content. */
#include "relay_inner.h"

#include <string.h>

#include "veldkit/access.h"
#include "veldkit/checkpoint_item.h"
#include "veldkit/directory_head.h"
#include "veldkit/envelope.h"
#include "veldkit/erase.h"
#include "veldkit/frame.h"
#include "veldkit/grant.h"
#include "veldkit/head.h"
#include "veldkit/introduction.h"
#include "veldkit/order.h"
#include "veldkit/quarantine.h"

static veld_status describe_envelope(
    const veld_relay_peer *peer, veld_span body, veld_journal_item *item)
{
    veld_envelope_header header;
    veld_status status = veld_envelope_read_header(body, &header, NULL);
    if (status != VELD_OK)
        return status;
    item->case_id = header.case_id;
    item->device = header.device;
    memcpy(item->incarnation, header.incarnation, sizeof item->incarnation);
    item->number = header.number;
    item->count = header.count;
    item->priority = (uint8_t)header.priority;
    item->change_id = header.change_id;
    item->held = peer->is_revoked;
    return VELD_OK;
}

/* By the agency's key of now or of before. */
static veld_status verify_grant(const veld_relay *relay, const veld_grant *grant, bool *out)
{
    const veld_relay_config *config = &relay->config;
    bool is_agency = true;
    *out = false;
    veld_status status =
        config->agency == NULL
            ? veld_grant_verify(grant, &config->verifier, &config->merger_key, NULL)
            : veld_agency_gave(config->agency, &config->verifier, grant, &is_agency, NULL);
    *out = status == VELD_OK && is_agency;
    return status == VELD_E_FORGED ? VELD_OK : status;
}

static veld_status describe_grant(const veld_relay *relay, veld_span body, veld_journal_item *item)
{
    veld_grant grant;
    veld_status status = veld_grant_read(body, &grant, NULL);
    if (status != VELD_OK)
        return status;
    item->case_id = grant.terms.case_id;
    item->device = grant.terms.recipient;
    item->number = grant.terms.serial;
    status = verify_grant(relay, &grant, &item->access);
    return status;
}

static veld_status describe_order(const veld_relay *relay, veld_span body, veld_journal_item *item)
{
    veld_order order;
    veld_status status =
        veld_order_read(body, &relay->config.verifier, &relay->config.merger_key, &order, NULL);
    if (status != VELD_OK)
        return status;
    item->case_id = order.case_id;
    item->device = order.device;
    item->number = order.serial;
    item->access = true;
    return VELD_OK;
}

/* Only the device itself says what it did; that it signed it is the merger's to check. */
static veld_status describe_confirmation(
    const veld_relay_peer *peer, veld_span body, veld_journal_item *item)
{
    veld_confirmation confirmation;
    veld_status status = veld_confirmation_read(body, &confirmation, NULL);
    if (status != VELD_OK)
        return status;
    item->device = confirmation.device;
    return veld_id_equal(&confirmation.device, &peer->device) ? VELD_OK : VELD_E_NOT_ALLOWED;
}

/* Lines of a device come from itself only; that the merger keeps them comes from the merger only,
 * and goes to that device. */
static veld_status describe_access(
    const veld_relay_peer *peer, veld_span body, veld_journal_item *item)
{
    veld_access_item access;
    veld_status status = veld_access_item_read(body, &access, NULL);
    if (status != VELD_OK)
        return status;
    item->device = access.device;
    item->access = access.form == VELD_ACCESS_KEPT;
    if (item->access)
        return peer->is_merger ? VELD_OK : VELD_E_NOT_ALLOWED;
    return veld_id_equal(&access.device, &peer->device) ? VELD_OK : VELD_E_NOT_ALLOWED;
}

/* For the device whose change it is, and for no other. */
static veld_status describe_aside(veld_span body, veld_journal_item *item)
{
    veld_aside aside;
    veld_status status = veld_aside_read(body, &aside, NULL);
    if (status == VELD_OK)
        item->device = aside.device;
    return status;
}

/* From the merger only, for one device. */
static veld_status describe_introduction(veld_span body, veld_journal_item *item)
{
    veld_introduction introduction;
    veld_status status = veld_introduction_read(body, &introduction, NULL);
    item->device = introduction.recipient;
    item->access = true;
    return status;
}

static veld_status describe_head(veld_span body, veld_journal_item *item)
{
    veld_head head;
    veld_arena arena;
    veld_arena_init(&arena, 2 * VELD_HEAD_CHANGES_MAX * sizeof(veld_hash));
    veld_status status = veld_head_read(body, &arena, &head, NULL);
    if (status == VELD_OK)
        item->case_id = head.case_id;
    veld_arena_release(&arena);
    return status;
}

/* A journal that came back from a copy has the same name and another past. */
veld_status relay_goes_on_from(const veld_relay *relay, const veld_id *journal_id,
    const veld_log_head *old, bool *out, veld_error *err)
{
    veld_log_head log;
    const veld_journal *journal = relay->config.journal;
    *out = false;
    if (!veld_id_equal(journal_id, &journal->id) || old->size > journal->size(journal->context))
        return VELD_OK;
    veld_status status = veld_log_root(&journal->log, old->size, &log, err);
    *out = status == VELD_OK && veld_hash_equal(&log.root, &old->root);
    return status;
}

/* Of another log its place says nothing: then all of the case goes besides. */
static veld_status describe_checkpoint(
    const veld_relay *relay, veld_span body, veld_journal_item *item)
{
    bool fits = false;
    veld_checkpoint_item checkpoint;
    const veld_relay_config *config = &relay->config;
    veld_status status = veld_checkpoint_item_read(body, &checkpoint, NULL);
    if (status == VELD_OK)
        status = veld_checkpoint_verify(
            checkpoint.signed_part, &config->verifier, &config->merger_key, NULL);
    if (status != VELD_OK)
        return status;
    item->case_id = checkpoint.head.case_id;
    const veld_checkpoint_head *head = &checkpoint.head;
    const veld_log_head log = {.size = head->log_size, .root = head->log_root};
    status = relay_goes_on_from(relay, &head->journal, &log, &fits, NULL);
    if (fits && head->position <= log.size)
        item->number = head->position;
    return status;
}

veld_status relay_describe(
    const veld_relay *relay, const veld_relay_peer *peer, veld_span body, veld_journal_item *item)
{
    if (body.len == 0)
        return VELD_E_FORM;
    if (item->kind == VELD_FRAME_ENVELOPE)
        return describe_envelope(peer, body, item);
    if (item->kind == VELD_FRAME_GRANT)
        return describe_grant(relay, body, item);
    if (item->kind == VELD_FRAME_CONFIRMATION)
        return describe_confirmation(peer, body, item);
    if (item->kind == VELD_FRAME_ACCESS)
        return describe_access(peer, body, item);
    if (!peer->is_merger)
        return VELD_E_NOT_ALLOWED;
    if (item->kind == VELD_FRAME_ORDER)
        return describe_order(relay, body, item);
    if (item->kind == VELD_FRAME_ASIDE)
        return describe_aside(body, item);
    if (item->kind == VELD_FRAME_FORGET)
        return veld_forget_read(
            body, &relay->config.verifier, &relay->config.merger_key, &item->case_id, NULL);
    if (item->kind == VELD_FRAME_HEAD)
        return describe_head(body, item);
    if (item->kind == VELD_FRAME_CHECKPOINT)
        return describe_checkpoint(relay, body, item);
    if (item->kind == VELD_FRAME_INTRODUCTION)
        return describe_introduction(body, item);
    size_t most = item->kind == VELD_FRAME_DIRECTORY_HEAD ? VELD_DIRECTORY_HEAD_BYTES_MAX
                                                          : VELD_DIRECTORY_BYTES_MAX;
    return body.len <= most ? VELD_OK : VELD_E_LIMIT;
}

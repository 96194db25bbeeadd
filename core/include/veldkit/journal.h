/* journal.h: where the relay keeps what was handed in: a numbered list of opaque items and the
 * nodes of its Merkle log. An interface: the relay process puts SQLite behind it, tests an array.
 *
 * Items are numbered from 1 without gaps and never altered. The journal knows of an item only what
 * stands in veld_journal_item. All between begin and commit is one transaction; commit returns when
 * it is durable, and only then a receipt is signed.
 * Source: design, server roles. */
#ifndef VELDKIT_JOURNAL_H
#define VELDKIT_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "veldkit/bytes.h"
#include "veldkit/frame.h"
#include "veldkit/id.h"
#include "veldkit/log.h"
#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is known of an item without its bytes. */
typedef struct veld_journal_item {
    uint64_t seq;         /* from 1; filled by append */
    veld_hash id;         /* SHA-256 of the bytes */
    veld_frame_type kind; /* ENVELOPE, GRANT, HEAD, ORDER, CONFIRMATION, ACCESS or
                             DIRECTORY */
    veld_id case_id;      /* zero for DIRECTORY, CONFIRMATION and an order to wipe */
    veld_id device;       /* envelope: author; grant: recipient; order and confirmation: whose it
                             is; else zero */
    veld_id carrier;      /* who handed it in */
    bool access;          /* signed by the merger: a grant gives `device` access to the case, an
                             order ends it */
    bool held;            /* envelope: only the merger fetches it: a revoked device brought it */
    uint32_t len;         /* of the bytes */
    uint64_t number;      /* grant and order: the serial; envelope: from its header */
    /* envelope only, from its header */
    uint8_t incarnation[8];
    uint16_t count;
    uint8_t priority;
    veld_hash change_id; /* of the last change */
} veld_journal_item;

/* Every function may fail with VELD_E_IO, VELD_E_FULL, VELD_E_DAMAGED, VELD_E_MEMORY; then rollback
 * is called. `more` false, and nothing else set, means there is none. */
typedef struct veld_journal {
    void *context;
    veld_id id;         /* random, made with the journal; a new one when a backup is restored, if
                           whoever restores can see to it: the log root tells otherwise */
    veld_log_nodes log; /* nodes, in the same transactions */

    uint64_t (*size)(void *context); /* the highest seq; 0 when empty */
    veld_status (*begin)(void *context, veld_error *err);
    veld_status (*commit)(void *context, veld_error *err); /* durable on return */
    void (*rollback)(void *context);                       /* never fails; fine without begin */

    /* append: `item->seq` is set to size + 1. Inside a transaction; id is new (find was asked). */
    veld_status (*append)(void *context, veld_journal_item *item, veld_span bytes, veld_error *err);
    /* forget: the bytes of the case's envelopes up to the place `upto`, and of its grants and
     * heads, which have length 0 from then on and give no access; their ids stay, and with them the
     * log. Inside a transaction. */
    veld_status (*forget)(void *context, const veld_id *case_id, uint64_t upto, veld_error *err);
    /* find: by id. */
    veld_status (*find)(
        void *context, const veld_hash *id, bool *found, uint64_t *seq, veld_error *err);
    /* next: the first item with seq > after. next_in_case: that is of the case too. */
    veld_status (*next)(
        void *context, uint64_t after, veld_journal_item *out, bool *more, veld_error *err);
    veld_status (*next_in_case)(void *context, const veld_id *case_id, uint64_t after,
        veld_journal_item *out, bool *more, veld_error *err);
    /* first_access: the lowest seq of a grant with `access` for device and case whose serial is
     * above that of every order with `access` for them. */
    veld_status (*first_access)(void *context, const veld_id *case_id, const veld_id *device,
        bool *found, uint64_t *seq, veld_error *err);
    /* wrote: is there an envelope of the case that names the device as its author, whoever handed
     * it in? */
    veld_status (*wrote)(
        void *context, const veld_id *case_id, const veld_id *device, bool *found, veld_error *err);
    /* load: item `seq` (exists) with its bytes appended to `out`; `item` may be NULL. */
    veld_status (*load)(
        void *context, uint64_t seq, veld_journal_item *item, veld_buf *out, veld_error *err);
} veld_journal;

#ifdef __cplusplus
}
#endif
#endif

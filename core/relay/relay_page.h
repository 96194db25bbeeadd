/* relay_page.h: what of the journal goes into an answer, in the order in which it goes. Inside the
 * room. */
#ifndef VELD_RELAY_PAGE_H
#define VELD_RELAY_PAGE_H

#include "relay_inner.h"

enum { RELAY_RANK_LISTED = 100 }; /* from this rank on an item is named in a list, and not sent */

typedef struct relay_page_entry {
    veld_journal_item item;
    unsigned rank;  /* what goes first */
    int64_t utc_ms; /* head: when it was signed */
} relay_page_entry;

typedef struct relay_page {
    veld_relay *relay;
    veld_relay_turn *turn;
    relay_page_entry *entries;
    size_t count, capacity;
    size_t bytes;
    size_t scanned;
    bool is_full;
    exchange_cursor next;
    exchange_told told;

    /* what was found of the case that was asked for last */
    veld_id case_id;
    bool may_fetch, has_written;
    uint64_t access_seq;
} relay_page;

/* relay_page_fill: what is asked for by its id, then what lies in the journal above the peer's
 * place as far as it may see it, then the past that it asks for. `out` has relay, turn and next;
 * the entries are the caller's (veld_release), also after a failure. relay_page_order: what goes
 * first, without heads that a newer one makes needless. */
veld_status relay_page_fill(relay_page *out, veld_error *err) VELD_MUST_CHECK;
void relay_page_order(relay_page *by);
bool relay_page_compares(const relay_page *by);
/* relay_page_proves: does the merger ask where each envelope lies? */
bool relay_page_proves(const relay_page *by);
/* relay_is_locked: does a locked tablet ask, for what it is ordered to do? */
bool relay_is_locked(const veld_relay_turn *turn);

#endif

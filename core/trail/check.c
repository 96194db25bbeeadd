/* Holding every chain against itself: numbers without gaps, each entry naming the hash of the one
 * before it. Where two entries have one number the chain parted there; both branches are followed
 * as far as their hashes tell. */
#include <string.h>

#include "veldkit/access_log.h"
#include "veldkit/assert.h"

enum { BRANCHES_MAX = 16 };

/* A hash that the next entry may name, and who wrote it. */
typedef struct branch {
    veld_hash hash;
    uint8_t incarnation[VELD_INCARNATION_BYTES];
} branch;

typedef struct checking {
    veld_store *store;
    const veld_access_checker *checker;
    veld_access_chain chain;
    branch before[BRANCHES_MAX], now[BRANCHES_MAX];
    size_t before_count, now_count;
    uint64_t number; /* of `now`; 0 at first */
    veld_error *err;
} checking;

static veld_status tell(checking *c, veld_access_fault_kind kind, uint64_t number, uint64_t until)
{
    const veld_access_fault fault = {
        .kind = kind, .device = c->chain.device, .number = number, .until = until};
    c->chain.faults++;
    return c->checker->fault != NULL ? c->checker->fault(c->checker->context, &fault, c->err)
                                     : VELD_OK;
}

/* To the next number; `*follows` when nothing lies between. */
static veld_status step_to(checking *c, uint64_t number, bool *follows)
{
    veld_status status = VELD_OK;
    *follows = number == c->number + 1;
    if (!*follows)
        status = tell(c, VELD_ACCESS_GAP, c->number + 1, number - 1);
    memcpy(c->before, c->now, sizeof c->before);
    c->before_count = *follows ? c->now_count : 0;
    c->now_count = 0;
    c->number = number;
    return status;
}

static const branch *find_before(const checking *c, const veld_hash *previous)
{
    for (size_t i = 0; i < c->before_count; i++)
        if (veld_hash_equal(&c->before[i].hash, previous))
            return &c->before[i];
    return NULL;
}

static veld_status check_entry(checking *c, const veld_store_access *row)
{
    veld_access_entry entry;
    veld_hash hash;
    veld_status status = VELD_OK;
    bool follows = true;
    bool parted = row->number == c->number;
    if (veld_access_decode(row->body, &entry, NULL) != VELD_OK || entry.number != row->number ||
        !veld_id_equal(&entry.device, &c->chain.device))
        return tell(c, VELD_ACCESS_DAMAGED, row->number, row->number);
    VELD_TRY(veld_access_hash(row->body, &hash, c->err));
    if (parted)
        VELD_TRY(tell(c, VELD_ACCESS_FORK, row->number, row->number));
    else
        VELD_TRY(step_to(c, row->number, &follows));
    const branch *before = find_before(c, &entry.previous);
    if (before == NULL && c->before_count > 0 && c->number > 1)
        VELD_TRY(tell(c, VELD_ACCESS_LINK, row->number, row->number));
    if (parted && c->now_count > 0 &&
        memcmp(c->now[0].incarnation, entry.incarnation, sizeof entry.incarnation) != 0)
        VELD_TRY(tell(c, VELD_ACCESS_RESTORED, row->number, row->number));
    if (c->now_count < BRANCHES_MAX) {
        c->now[c->now_count].hash = hash;
        memcpy(c->now[c->now_count].incarnation, entry.incarnation, sizeof entry.incarnation);
        c->now_count++;
    }
    c->chain.head = hash;
done:
    return status;
}

static veld_status check_chain(checking *c)
{
    const veld_store_access_search all = {
        .by = VELD_STORE_ACCESS_OF_CHAIN, .id = c->chain.device, .from_number = 1};
    veld_store_cursor *cursor = NULL;
    bool more = true;
    veld_status status;
    VELD_TRY(
        veld_store_access_head(c->store, &c->chain.device, &c->number, &c->now[0].hash, c->err));
    c->now_count = 1; /* the kept head, or the zeros that the first entry names */
    VELD_TRY(veld_store_walk_access(c->store, &all, &cursor, c->err));
    while (more) {
        veld_store_access row = {0};
        status = veld_store_access_next(cursor, &more, &row, c->err);
        if (status == VELD_E_DAMAGED)
            status = tell(c, VELD_ACCESS_DAMAGED, c->number + 1, c->number + 1);
        else if (status == VELD_OK && more)
            status = check_entry(c, &row);
        VELD_TRY(status);
        c->chain.first = c->chain.entries == 0 ? row.number : c->chain.first;
        c->chain.entries += more;
    }
    c->chain.last = c->number;
done:
    veld_store_cursor_close(cursor);
    return status;
}

veld_status veld_access_check(
    veld_store *store, const veld_access_checker *checker, veld_access_proof *out, veld_error *err)
{
    const veld_store_access_search chains = {.by = VELD_STORE_ACCESS_CHAINS};
    veld_store_cursor *cursor = NULL;
    bool more = true;
    veld_status status;
    *out = (veld_access_proof){0};
    VELD_TRY(veld_store_walk_access(store, &chains, &cursor, err));
    for (;;) {
        veld_store_access first;
        VELD_TRY(veld_store_access_next(cursor, &more, &first, err));
        if (!more)
            break;
        checking c = {
            .store = store, .checker = checker, .chain = {.device = first.chain}, .err = err};
        VELD_TRY(check_chain(&c));
        if (checker->chain != NULL)
            VELD_TRY(checker->chain(checker->context, &c.chain, err));
        out->chains++;
        out->entries += c.chain.entries;
        out->faults += c.chain.faults;
    }
done:
    veld_store_cursor_close(cursor);
    return status;
}

/* The Merkle log of RFC 6962 over a store of nodes. Only whole subtrees are stored; what a ragged
 * right edge needs is folded together when it is asked for, so no node is ever rewritten. A proof
 * is walked top-down by sizes alone, on both sides the same way, and folded bottom-up: so there is
 * one place that says which way the path turns. */
#include "veldkit/log.h"

#include "veldkit/assert.h"
#include "veldkit/context.h"
#include "veldkit/hash.h"

enum { LEVELS_MAX = 63 };

static veld_status join(
    const veld_hash *left, const veld_hash *right, veld_hash *out, veld_error *err)
{
    const veld_span parts[] = {veld_hash_span(left), veld_hash_span(right)};
    return veld_hash_named(VELD_CONTEXT_HASH_NODE, parts, 2, out, err);
}

veld_status veld_log_leaf(uint8_t kind, const veld_hash *item, veld_hash *out, veld_error *err)
{
    const veld_span parts[] = {veld_span_of(&kind, 1), veld_hash_span(item)};
    return veld_hash_named(VELD_CONTEXT_HASH_ENTRY, parts, 2, out, err);
}

veld_status veld_log_append(
    const veld_log_nodes *nodes, uint64_t size, const veld_hash *leaf, veld_error *err)
{
    VELD_ASSERT(size < (uint64_t)1 << LEVELS_MAX);
    veld_status status;
    veld_hash whole = *leaf;
    unsigned level = 0;
    VELD_TRY(nodes->put(nodes->context, 0, size, &whole, err));
    for (; size >> level & 1; level++) {
        veld_hash left;
        VELD_TRY(nodes->get(nodes->context, level, (size >> level) - 1, &left, err));
        VELD_TRY(join(&left, &whole, &whole, err));
        VELD_TRY(nodes->put(nodes->context, level + 1, size >> (level + 1), &whole, err));
    }
done:
    return status;
}

/* The root of `count` entries from `start` on, where start is a multiple of the largest subtree in
 * it: folded from the right. */
static veld_status range_root(
    const veld_log_nodes *nodes, uint64_t start, uint64_t count, veld_hash *out, veld_error *err)
{
    veld_status status = VELD_OK;
    uint64_t end = start + count;
    bool is_first = true;
    for (unsigned level = 0; count != 0; level++) {
        veld_hash peak;
        if ((count >> level & 1) == 0)
            continue;
        count -= (uint64_t)1 << level;
        end -= (uint64_t)1 << level;
        VELD_TRY(nodes->get(nodes->context, level, end >> level, &peak, err));
        if (is_first)
            *out = peak;
        else
            VELD_TRY(join(&peak, out, out, err));
        is_first = false;
    }
done:
    return status;
}

veld_status veld_log_root(
    const veld_log_nodes *nodes, uint64_t size, veld_log_head *out, veld_error *err)
{
    *out = (veld_log_head){.size = size};
    return range_root(nodes, 0, size, &out->root, err);
}

/* The largest power of two below n (n > 1): where a tree of n entries is cut. */
static uint64_t cut(uint64_t n)
{
    uint64_t k = 1;
    while (k < n - k)
        k *= 2;
    return k;
}

/* One turn of a path from the root down: what lies beside it. */
typedef struct turn {
    uint64_t start, count; /* the entries beside the path */
    bool is_left;          /* they lie left of it */
} turn;

typedef struct path {
    turn turns[2 * LEVELS_MAX];
    size_t count;
} path;

static void add_turn(path *to, uint64_t start, uint64_t count, bool is_left)
{
    VELD_ASSERT(to->count < sizeof to->turns / sizeof to->turns[0]);
    to->turns[to->count++] = (turn){start, count, is_left};
}

static void path_to_entry(uint64_t index, uint64_t size, path *out)
{
    uint64_t start = 0;
    out->count = 0;
    while (size > 1) {
        uint64_t k = cut(size);
        if (index - start < k) {
            add_turn(out, start + k, size - k, false);
            size = k;
        } else {
            add_turn(out, start, k, true);
            start += k;
            size -= k;
        }
    }
}

/* The path to the subtree in which the first `old` entries end; `is_prefix` when it is the whole
 * old tree. */
static void path_to_old(uint64_t old, uint64_t size, path *out, uint64_t *start, bool *is_prefix)
{
    *start = 0;
    *is_prefix = true;
    out->count = 0;
    while (old < size) {
        uint64_t k = cut(size);
        if (old <= k) {
            add_turn(out, *start + k, size - k, false);
            size = k;
        } else {
            add_turn(out, *start, k, true);
            *start += k;
            old -= k;
            size -= k;
            *is_prefix = false;
        }
    }
}

/* The hashes beside a path, from the bottom up. */
static veld_status prove_path(
    const veld_log_nodes *nodes, const path *along, veld_log_proof *out, veld_error *err)
{
    veld_status status = VELD_OK;
    for (size_t i = along->count; status == VELD_OK && i-- > 0;) {
        const turn *at = &along->turns[i];
        VELD_ASSERT(out->count < VELD_LOG_PROOF_HASHES_MAX);
        status = range_root(nodes, at->start, at->count, &out->hashes[out->count++], err);
    }
    return status;
}

veld_status veld_log_prove_growth(const veld_log_nodes *nodes, uint64_t old_size, uint64_t size,
    veld_log_proof *out, veld_error *err)
{
    VELD_ASSERT(old_size > 0 && old_size <= size);
    veld_status status = VELD_OK;
    path along;
    uint64_t start;
    bool is_prefix;
    out->count = 0;
    path_to_old(old_size, size, &along, &start, &is_prefix);
    if (!is_prefix)
        status = range_root(nodes, start, old_size - start, &out->hashes[out->count++], err);
    return status == VELD_OK ? prove_path(nodes, &along, out, err) : status;
}

veld_status veld_log_prove_entry(const veld_log_nodes *nodes, uint64_t index, uint64_t size,
    veld_log_proof *out, veld_error *err)
{
    VELD_ASSERT(index < size);
    path along;
    out->count = 0;
    path_to_entry(index, size, &along);
    return prove_path(nodes, &along, out, err);
}

static veld_status refuse(veld_error *err)
{
    return veld_fail(err, VELD_E_FORGED, "the proof does not fit the log");
}

veld_status veld_log_check_growth(const veld_log_head *old, const veld_log_head *head,
    const veld_log_proof *proof, veld_error *err)
{
    veld_status status = VELD_OK;
    path along;
    uint64_t start;
    bool is_prefix;
    if (old->size == 0)
        return proof->count == 0 ? VELD_OK : refuse(err);
    if (old->size > head->size)
        return refuse(err);
    path_to_old(old->size, head->size, &along, &start, &is_prefix);
    size_t at = is_prefix ? 0 : 1;
    if (proof->count != along.count + at)
        return refuse(err);
    veld_hash before = is_prefix ? old->root : proof->hashes[0];
    veld_hash after = before;
    for (size_t i = along.count; i-- > 0; at++) {
        const veld_hash *beside = &proof->hashes[at];
        if (!along.turns[i].is_left) {
            VELD_TRY(join(&after, beside, &after, err));
            continue;
        }
        VELD_TRY(join(beside, &before, &before, err));
        VELD_TRY(join(beside, &after, &after, err));
    }
    if (!veld_hash_equal(&before, &old->root) || !veld_hash_equal(&after, &head->root))
        status = refuse(err);
done:
    return status;
}

veld_status veld_log_check_entry(const veld_hash *leaf, uint64_t index, const veld_log_head *head,
    const veld_log_proof *proof, veld_error *err)
{
    veld_status status = VELD_OK;
    path along;
    veld_hash root = *leaf;
    if (index >= head->size)
        return refuse(err);
    path_to_entry(index, head->size, &along);
    if (proof->count != along.count)
        return refuse(err);
    for (size_t i = along.count, at = 0; i-- > 0; at++) {
        const veld_hash *beside = &proof->hashes[at];
        const veld_hash *left = along.turns[i].is_left ? beside : &root;
        const veld_hash *right = along.turns[i].is_left ? &root : beside;
        VELD_TRY(join(left, right, &root, err));
    }
    if (!veld_hash_equal(&root, &head->root))
        status = refuse(err);
done:
    return status;
}

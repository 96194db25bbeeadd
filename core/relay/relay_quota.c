/* How much of a device the relay takes in a day. A tablet that was broken into, or a revoked one,
 * can fill the journal and keep the office busy with what nobody can open; this says how much of
 * that. Kept in memory: who restarts the relay begins anew, and a device cannot restart it. */
#include "relay_inner.h"

#include "veldkit/limits.h"

static bool is_over(const relay_quota *quota, const veld_relay_peer *peer, int64_t now_ms)
{
    /* A revoked one begins anew too: what it did before must not keep its last word from coming. */
    return now_ms - quota->since_ms >= VELD_QUOTA_MS || quota->is_small == peer->may_fetch;
}

static relay_quota *find(veld_relay *relay, const veld_id *device)
{
    relay_quota *quota = relay->quotas;
    while (quota != NULL && !veld_id_equal(&quota->device, device))
        quota = quota->next;
    return quota;
}

static uint64_t rest(uint64_t most, uint64_t used)
{
    return most > used ? most - used : 0;
}

void relay_quota_ask(veld_relay *relay, veld_relay_turn *turn)
{
    const veld_relay_peer *peer = &turn->peer;
    turn->room_items = UINT64_MAX;
    turn->room_bytes = peer->quota_bytes;
    if (peer->is_merger)
        return;
    uint64_t items = peer->may_fetch ? VELD_QUOTA_ITEMS : VELD_QUOTA_ITEMS_REVOKED;
    uint64_t bytes = peer->may_fetch ? VELD_QUOTA_BYTES : VELD_QUOTA_BYTES_REVOKED;
    const relay_quota *quota = find(relay, &peer->device);
    if (quota != NULL && !is_over(quota, peer, veld_env_now(relay->config.env).monotonic_ms)) {
        items = rest(items, quota->items);
        bytes = rest(bytes, quota->bytes);
    }
    turn->room_items = items;
    if (bytes < turn->room_bytes)
        turn->room_bytes = bytes;
}

veld_status relay_quota_note(veld_relay *relay, const veld_relay_turn *turn, veld_error *err)
{
    const veld_relay_peer *peer = &turn->peer;
    int64_t now_ms = veld_env_now(relay->config.env).monotonic_ms;
    if (peer->is_merger || turn->counts.stored == 0)
        return VELD_OK;
    relay_quota *quota = find(relay, &peer->device);
    if (quota == NULL) {
        quota = veld_allocate(sizeof *quota);
        if (quota == NULL)
            return veld_fail(err, VELD_E_MEMORY, "no memory for a device's quota");
        *quota = (relay_quota){.device = peer->device, .next = relay->quotas};
        quota->since_ms = now_ms;
        quota->is_small = !peer->may_fetch;
        relay->quotas = quota;
    }
    if (is_over(quota, peer, now_ms)) {
        quota->since_ms = now_ms;
        quota->is_small = !peer->may_fetch;
        quota->items = quota->bytes = 0;
    }
    quota->items += turn->counts.stored;
    quota->bytes += turn->counts.bytes;
    return VELD_OK;
}

void relay_quota_release(veld_relay *relay)
{
    while (relay->quotas != NULL) {
        relay_quota *next = relay->quotas->next;
        veld_release(relay->quotas);
        relay->quotas = next;
    }
}

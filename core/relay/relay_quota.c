/* How much of a device the relay takes in a day. A tablet that was broken into, or a revoked one,
 * can fill the journal and keep the office busy with what nobody can open; this says how much of
 * that. Kept in memory: who restarts the relay begins anew, and a device cannot restart it.
 *
 * What a device handed in as one that may fetch and as one that may not is counted apart: what it
 * did before it was revoked must not keep its last word from coming, and who has a certificate that
 * is over beside a good one gains nothing by showing them in turn. */
#include "relay_inner.h"

#include "veldkit/limits.h"

static relay_quota *find(veld_relay *relay, const veld_id *device, bool is_small)
{
    relay_quota *quota = relay->quotas;
    while (quota != NULL && (quota->is_small != is_small || !veld_id_equal(&quota->device, device)))
        quota = quota->next;
    return quota;
}

static relay_quota *make(veld_relay *relay, const veld_id *device, bool is_small)
{
    relay_quota *quota = veld_allocate(sizeof *quota);
    if (quota != NULL) {
        *quota = (relay_quota){.device = *device, .is_small = is_small, .next = relay->quotas};
        relay->quotas = quota;
    }
    return quota;
}

static uint64_t rest(uint64_t most, uint64_t used)
{
    return most > used ? most - used : 0;
}

veld_status relay_quota_ask(veld_relay *relay, veld_relay_turn *turn, veld_error *err)
{
    const veld_relay_peer *peer = &turn->peer;
    const bool is_small = !peer->may_fetch;
    const int64_t now_ms = veld_env_now(relay->config.env).monotonic_ms;
    turn->room_items = UINT64_MAX;
    turn->room_bytes = peer->quota_bytes;
    if (peer->is_merger)
        return VELD_OK;
    relay_quota *quota = find(relay, &peer->device, is_small);
    bool is_new = quota == NULL;
    if (is_new)
        quota = make(relay, &peer->device, is_small);
    if (quota == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for a device's quota");
    if (is_new || now_ms - quota->since_ms >= VELD_QUOTA_MS) {
        quota->since_ms = now_ms;
        quota->items = quota->bytes = 0;
    }
    turn->room_items = rest(is_small ? VELD_QUOTA_ITEMS_REVOKED : VELD_QUOTA_ITEMS, quota->items);
    uint64_t bytes = rest(is_small ? VELD_QUOTA_BYTES_REVOKED : VELD_QUOTA_BYTES, quota->bytes);
    if (bytes < turn->room_bytes)
        turn->room_bytes = bytes;
    return VELD_OK;
}

void relay_quota_note(veld_relay *relay, const veld_relay_turn *turn)
{
    const veld_relay_peer *peer = &turn->peer;
    relay_quota *quota =
        peer->is_merger ? (relay_quota *)NULL : find(relay, &peer->device, !peer->may_fetch);
    if (quota == NULL)
        return;
    quota->items += turn->counts.stored;
    quota->bytes += turn->counts.bytes;
}

void relay_quota_release(veld_relay *relay)
{
    while (relay->quotas != NULL) {
        relay_quota *next = relay->quotas->next;
        veld_release(relay->quotas);
        relay->quotas = next;
    }
}

/* New leases for tablets that are in contact. The relay notes who was there; that word is not
 * signed, and need not be: a lease goes only to a device that is assigned and not revoked, sealed
 * to its own key, and reaches it only when it comes. Nothing is made for who stays away. */
#include "merger.h"
#include "veldkit/assert.h"

enum { SEEN_MS_MAX = 2000 };

/* The relay notes a visit once a minute: whoever came within two is in contact. */
#define RECENT_MS (2 * 60 * 1000)

static veld_status renew_one(
    srv_session *session, const veld_json_value *item, int64_t now_ms, veld_error *err)
{
    veld_id device;
    veld_span text = {0};
    int64_t seen_ms = 0;
    size_t renewed = 0;
    if (!veld_json_text(veld_json_get(item, "device"), &text) ||
        !veld_json_integer(veld_json_get(item, "seen"), &seen_ms) ||
        veld_id_parse(text, &device) != VELD_OK || now_ms - seen_ms > RECENT_MS)
        return VELD_OK;
    veld_status status = veld_sync_renew(session->sync, &device, &renewed, err);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

veld_status srv_renew_leases(srv_session *session, veld_host_link *link, veld_error *err)
{
    veld_buf answer = {0};
    veld_json_doc *doc = NULL;
    unsigned http_status = 0;
    veld_status status;
    int64_t now_ms = veld_env_now(&session->env).wall_utc_ms;
    const veld_host_request request = {.method = "GET",
        .path = "/v1/seen",
        .answer_bytes_max = VELD_JSON_BYTES_MAX,
        .timeout_ms = SEEN_MS_MAX,
        .cancel_fd = -1};
    VELD_TRY(veld_host_link_request(link, &request, &http_status, &answer, err));
    if (http_status != 200)
        goto done;
    VELD_TRY(veld_json_parse(veld_buf_span(&answer), VELD_JSON_STRICT, &doc, NULL, err));
    const veld_json_value *item = veld_json_first(veld_json_root(doc));
    for (; item != NULL; item = veld_json_next(item))
        VELD_TRY(renew_one(session, item, now_ms, err));

done:
    veld_json_doc_free(doc);
    veld_buf_release(&answer);
    return status;
}

/* The exchange engine as the merger runs it, and how it answers a tablet that wants to join: a
 * certificate for its TLS key, an entry in the directory, the entry posted for all. What the engine
 * says of a case goes to the log, with ids only. */
#include "merger.h"
#include "veldkit/enrol.h"
#include "veldkit/renew.h"
#include "veldkit/x509.h"

/* A tablet's certificate. What is older may hand in only, until it is renewed. */
#define CLIENT_SECONDS (2LL * 366 * 24 * 3600)
#define SKEW_SECONDS   (24LL * 3600)

static veld_status issue(void *context, const veld_id *device, const veld_p256_public *carrier,
    veld_buf *out, veld_error *err)
{
    srv_session *session = context;
    int64_t now_s = veld_env_now(&session->env).wall_utc_ms / 1000;
    const veld_x509_issuer issuer = {
        .key = &session->ca_key, .certificate = veld_buf_span(&session->ca)};
    const veld_x509_period period = {
        .not_before_utc_s = now_s - SKEW_SECONDS, .not_after_utc_s = now_s + CLIENT_SECONDS};
    return veld_x509_issue_client(&session->env, &issuer, carrier, device, period, out, err);
}

static veld_status joined(
    void *context, const veld_directory_entry *device, veld_span entry, veld_error *err)
{
    srv_session *session = context;
    return veld_sync_post_entry(session->sync, &device->device, entry, err);
}

static veld_status enrol(void *context, veld_span request, veld_buf *answer, veld_error *err)
{
    srv_session *session = context;
    const veld_enrol_office office = {.desk = &session->desk,
        .statement = veld_buf_span(&session->statement),
        .ca = veld_buf_span(&session->ca),
        .context = session,
        .issue = issue,
        .joined = joined};
    veld_error why = {0};
    veld_status status = veld_renew_is_request(request)
                             ? veld_renew_answer(&office, request, answer, &why)
                             : veld_enrol_answer(&office, request, answer, &why);
    if (status != VELD_OK)
        veld_env_log(&session->env, VELD_LOG_WARNING, "enrolment: %s: %s", veld_status_name(status),
            why.text);
    if (err != NULL)
        *err = why;
    return status;
}

static void tell(void *context, const veld_sync_event *event)
{
    srv_session *session = context;
    char id[VELD_ID_TEXT_SIZE];
    veld_id_format(&event->case_id, id);
    const char *text = event->text != NULL ? event->text : "";
    switch (event->kind) {
    case VELD_SYNC_REFUSED:
        veld_env_log(&session->env, VELD_LOG_WARNING, "case %s: %s: %s", id,
            veld_status_name(event->status), text);
        break;
    case VELD_SYNC_PARKED:
        veld_env_log(&session->env, VELD_LOG_WARNING,
            "%zu items that nobody here can open were put by; too many wait for a key",
            event->count);
        break;
    case VELD_SYNC_OTHER_SERVER:
        veld_env_log(&session->env, VELD_LOG_WARNING, "the relay's journal is another one");
        break;
    case VELD_SYNC_DIRECTORY_BROKEN: /* only devices follow it */
        break;
    case VELD_SYNC_LOG_BROKEN:
        veld_env_log(&session->env, VELD_LOG_ERROR, "the relay's log was rewritten: %s", text);
        break;
    case VELD_SYNC_DIVERGED:
        veld_env_log(&session->env, VELD_LOG_WARNING, "case %s: %s", id,
            event->status == VELD_OK ? "a tablet has the agency's state again"
                                     : "a tablet has another state of the same changes");
        break;
    case VELD_SYNC_FORK:
        veld_env_log(&session->env, VELD_LOG_WARNING, "case %s: %s", id, text);
        break;
    case VELD_SYNC_RECEIVED:
    case VELD_SYNC_TAKEN_IN:
    case VELD_SYNC_CASE_CHANGED:
    case VELD_SYNC_CASE_NEW:
    case VELD_SYNC_ORDER_DONE:
    case VELD_SYNC_ORDER_CONFIRMED:
    case VELD_SYNC_SET_ASIDE:
    case VELD_SYNC_NO_ROOM:
        break;
    }
}

static veld_status changed(void *context, const veld_id *case_id, veld_error *err)
{
    veld_status status = srv_assign_follow(context, case_id, err);
    if (status == VELD_OK)
        status = srv_danger_follow(context, case_id, err);
    return status == VELD_OK ? srv_pack_follow(context, case_id, err) : status;
}

veld_status srv_engine_new(srv_session *session, veld_error *err)
{
    const veld_sync_config config = {.desk = &session->desk,
        .program = SRV_PROGRAM,
        .role = VELD_SYNC_MERGER,
        .agency = &session->agency,
        .context = session,
        .event = tell,
        .enrol = enrol,
        .changed = changed,
        .pack = srv_pack_ask};
    return veld_sync_new(&config, &session->sync, err);
}

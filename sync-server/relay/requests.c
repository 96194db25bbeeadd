/* What the relay answers: exchanges, enrolments, and to the merger when a device was here last.
 * Who asks is what TLS or the kernel says; what a body says about its sender is not looked at.
 * A request that has nothing to hear yet is parked until something comes or its time is over. */
#include <event2/event.h>
#include <string.h>
#include <unistd.h>

#include "relay.h"
#include "veldkit/assert.h"
#include "veldkit/json.h"
#include "veldkit/relay.h"

#define QUOTA_BYTES (512u << 20) /* of new items in one exchange */

/* ---- answers ---- */
static void respond(srv_request *request, unsigned http_status, const char *type, veld_buf *body)
{
    srv_request_respond(request, http_status, type, body);
}

/* A problem as RFC 9457, with the status of the library so that a program can act on it. */
static void refuse(srv_request *request, unsigned http_status, veld_status why, const char *text)
{
    veld_buf body;
    veld_json_writer writer;
    veld_buf_init(&body, SRV_FILE_BYTES_MAX);
    veld_json_writer_init(&writer, &body);
    veld_json_writer_object_begin(&writer);
    veld_cli_json_text(&writer, "detail", veld_span_text(text));
    veld_cli_json_count(&writer, "status", http_status);
    veld_cli_json_text(&writer, "title", veld_span_text(veld_status_name(why)));
    veld_json_writer_object_end(&writer);
    if (veld_json_writer_finish(&writer, NULL) != VELD_OK)
        veld_buf_release(&body);
    respond(request, http_status, "application/problem+json", &body);
    veld_buf_release(&body);
}

static unsigned http_of(veld_status status)
{
    switch (status) {
    case VELD_E_FORM:
    case VELD_E_DAMAGED:
    case VELD_E_INVALID:
        return 400;
    case VELD_E_NOT_ALLOWED:
    case VELD_E_FORGED:
        return 403;
    case VELD_E_NOT_FOUND:
        return 404;
    case VELD_E_LIMIT:
        return 413;
    case VELD_E_NEWER:
        return 426;
    case VELD_E_BUSY:
        return 503;
    case VELD_E_FULL:
        return 507;
    default:
        return 500;
    }
}

/* Bytes of a peer that are wrong are its affair; an error of ours is told to the log too. */
static void refuse_error(
    relay_process *r, srv_request *request, veld_status status, const veld_error *why)
{
    unsigned http_status = http_of(status);
    if (http_status >= 500)
        veld_env_log(&r->env, VELD_LOG_ERROR, "%s: %s", veld_status_name(status), why->text);
    refuse(request, http_status, status, why->text);
}

/* ---- who asks ---- */
static veld_status take_entry(void *context, uint64_t seq, veld_span bytes, veld_error *err)
{
    relay_process *r = context;
    veld_directory_entry entry;
    veld_verifier verifier = veld_agency_verifier(&r->check);
    veld_status status = veld_directory_read(bytes, &verifier, &r->agency.merger_key, &entry, NULL);
    if (status == VELD_E_MEMORY || status == VELD_E_CRYPTO)
        return veld_fail(err, status, "an entry of the directory could not be checked");
    if (status == VELD_OK && entry.state == VELD_DEVICE_REVOKED) {
        relay_revoked *revoked = veld_allocate(sizeof *revoked);
        if (revoked == NULL)
            return veld_fail(err, VELD_E_MEMORY, "no memory for a revocation");
        *revoked = (relay_revoked){.device = entry.device, .next = r->revoked};
        r->revoked = revoked;
    }
    r->entries_seen = seq; /* last: who is not taken in is read again */
    return VELD_OK;
}

static bool is_revoked(const relay_process *r, const veld_id *device)
{
    const relay_revoked *revoked = r->revoked;
    while (revoked != NULL && !veld_id_equal(&revoked->device, device))
        revoked = revoked->next;
    return revoked != NULL;
}

/* By the CA of now, or one of before that still counts. */
static bool is_listed_ca(const veld_agency *agency, const veld_x509_facts *facts)
{
    bool is = memcmp(facts->issuer, agency->ca_hash.bytes, sizeof facts->issuer) == 0;
    for (size_t i = 0; i < agency->former_count && !is; i++)
        is = agency->former[i].kind == VELD_AGENCY_CA &&
             memcmp(facts->issuer, agency->former[i].ca_hash.bytes, sizeof facts->issuer) == 0;
    return is;
}

/* false: nobody that we know. */
static bool know_peer(
    const relay_process *r, const srv_peer *peer, int64_t now_ms, veld_relay_peer *out)
{
    if (peer->local && peer->uid == geteuid()) {
        *out = (veld_relay_peer){.device = r->agency.id,
            .is_merger = true,
            .may_fetch = true,
            .quota_bytes = QUOTA_BYTES};
        return true;
    }
    if (peer->local || !peer->tls.known)
        return false;
    const veld_x509_facts *facts = &peer->tls.facts;
    bool revoked = is_revoked(r, &facts->device);
    bool may_fetch =
        veld_x509_covers(facts, now_ms / 1000) && !revoked && is_listed_ca(&r->agency, facts);
    *out = (veld_relay_peer){.device = facts->device,
        .may_fetch = may_fetch,
        .is_revoked = revoked,
        .quota_bytes = QUOTA_BYTES};
    return true;
}

/* ---- what waits ---- */
/* Is there a place for one more of its kind? */
static bool has_place(const relay_process *r, const srv_request *request, bool is_enrolment)
{
    const srv_peer *peer = srv_request_peer(request);
    size_t all = 0, of_address = 0;
    for (const relay_parked *one = r->parked; one != NULL; one = one->next) {
        const srv_peer *other = srv_request_peer(one->request);
        bool is_counted = (one->turn == NULL) == is_enrolment && !other->local;
        all += is_counted;
        of_address += is_counted && strcmp(other->address, peer->address) == 0;
    }
    if (peer->local)
        return true;
    return is_enrolment
               ? all < PARKED_ENROLMENTS_MAX && of_address < PARKED_ENROLMENTS_PER_ADDRESS_MAX
               : all < PARKED_MAX && of_address < PARKED_PER_ADDRESS_MAX;
}

static relay_parked *park(
    relay_process *r, srv_request *request, bool is_enrolment, int64_t deadline_ms)
{
    relay_parked *parked =
        has_place(r, request, is_enrolment) ? veld_allocate(sizeof *parked) : (relay_parked *)NULL;
    if (parked == NULL)
        return NULL;
    parked->request = request;
    parked->deadline_ms = deadline_ms;
    parked->generation = veld_relay_generation(r->relay);
    parked->next = r->parked;
    r->parked = parked;
    r->parked_count++;
    srv_request_set_mark(request, parked);
    return parked;
}

static void forget(relay_process *r, relay_parked *parked)
{
    relay_parked **at = &r->parked;
    while (*at != parked) {
        VELD_ASSERT(*at != NULL);
        at = &(*at)->next;
    }
    *at = parked->next;
    r->parked_count--;
    veld_relay_turn_free(parked->turn);
    veld_release(parked);
}

void relay_forget_all(relay_process *r)
{
    while (r->parked != NULL) {
        srv_request_set_mark(r->parked->request, NULL);
        forget(r, r->parked);
    }
}

static void look_soon(relay_process *r)
{
    const struct timeval at_once = {0};
    (void)event_add(r->tick, &at_once);
}

/* true when it was answered and is gone. */
static bool answer_turn(relay_process *r, srv_request *request, veld_relay_turn *turn)
{
    veld_buf body;
    veld_error why = {0};
    bool parked = false;
    veld_buf_init(&body, VELD_EXCHANGE_BYTES_MAX);
    veld_status status = veld_relay_answer(r->relay, turn, &body, &parked, &why);
    if (status != VELD_OK)
        refuse_error(r, request, status, &why);
    else if (!parked)
        respond(request, 200, NULL, &body);
    veld_buf_release(&body);
    return status != VELD_OK || !parked;
}

/* One that waited: what it may hear is what it may hear now. */
static bool answer_again(relay_process *r, relay_parked *parked, bool *is_read)
{
    veld_relay_peer peer;
    int64_t now_ms = veld_env_now(&r->env).wall_utc_ms;
    if (!*is_read) /* the revocations that came meanwhile, once for all that wait */
        *is_read = srv_journal_entries(r->journal, r->entries_seen, r, take_entry, NULL) == VELD_OK;
    if (!*is_read || !know_peer(r, srv_request_peer(parked->request), now_ms, &peer)) {
        refuse(parked->request, 503, VELD_E_BUSY, "vraag het nog eens");
        return true;
    }
    veld_relay_turn_judge(parked->turn, &peer);
    return answer_turn(r, parked->request, parked->turn);
}

static bool answer_enrolment(relay_process *r, srv_request *request, const veld_hash *id, bool late)
{
    veld_buf body;
    veld_error why = {0};
    veld_buf_init(&body, VELD_ENROL_ANSWER_BYTES_MAX);
    veld_status status = veld_relay_enrol_answer(r->relay, id, &body, &why);
    if (status == VELD_OK)
        respond(request, 200, NULL, &body);
    else if (status == VELD_E_BUSY && late)
        respond(request, 202, NULL, &body); /* a person has to approve: ask again */
    else if (status != VELD_E_BUSY)
        refuse_error(r, request, status, &why);
    veld_buf_release(&body);
    return status != VELD_E_BUSY || late;
}

void relay_look(relay_process *r)
{
    int64_t now_ms = veld_env_now(&r->env).monotonic_ms, next_ms = INT64_MAX;
    uint64_t generation = veld_relay_generation(r->relay);
    relay_parked *following = NULL;
    bool is_read = false;
    for (relay_parked *parked = r->parked; parked != NULL; parked = following) {
        following = parked->next;
        bool late = now_ms >= parked->deadline_ms;
        bool gone = false;
        if (late || parked->generation != generation)
            gone = parked->turn != NULL
                       ? answer_again(r, parked, &is_read)
                       : answer_enrolment(r, parked->request, &parked->enrolment, late);
        parked->generation = generation;
        if (gone) {
            forget(r, parked);
            continue;
        }
        if (parked->turn != NULL)
            parked->deadline_ms = veld_relay_turn_deadline_ms(parked->turn);
        if (parked->deadline_ms < next_ms)
            next_ms = parked->deadline_ms;
    }
    if (next_ms == INT64_MAX)
        return;
    int64_t wait_ms = next_ms > now_ms ? next_ms - now_ms : 1;
    const struct timeval wait = {.tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000};
    (void)event_add(r->tick, &wait);
}

/* ---- the requests ---- */
static void exchange(relay_process *r, srv_request *request)
{
    veld_relay_peer peer;
    veld_relay_turn *turn = NULL;
    veld_error why = {0};
    veld_now now = veld_env_now(&r->env);
    veld_status status = srv_journal_entries(r->journal, r->entries_seen, r, take_entry, &why);
    if (status == VELD_OK && !know_peer(r, srv_request_peer(request), now.wall_utc_ms, &peer)) {
        refuse(request, 403, VELD_E_NOT_ALLOWED, "geen certificaat van deze organisatie");
        return;
    }
    uint64_t before = veld_relay_generation(r->relay);
    if (status == VELD_OK)
        status = veld_relay_take(r->relay, &peer, srv_request_body(request), &turn, &why);
    if (status != VELD_OK) {
        refuse_error(r, request, status, &why);
        return;
    }
    if (!peer.is_merger)
        (void)!srv_journal_seen(r->journal, &peer.device, now.wall_utc_ms, NULL);
    if (!answer_turn(r, request, turn)) {
        relay_parked *parked = park(r, request, false, veld_relay_turn_deadline_ms(turn));
        if (parked != NULL) {
            parked->turn = turn;
            turn = NULL;
        } else {
            refuse(request, 503, VELD_E_BUSY, "te veel verzoeken wachten");
        }
    }
    veld_relay_turn_free(turn);
    if (before != veld_relay_generation(r->relay) || r->parked_count > 0)
        look_soon(r);
}

static void enrolment(relay_process *r, srv_request *request)
{
    veld_hash id;
    veld_error why = {0};
    veld_status status = veld_relay_enrol_offer(r->relay, srv_request_body(request), &id, &why);
    if (status != VELD_OK) {
        refuse_error(r, request, status, &why);
        return;
    }
    look_soon(r);
    if (answer_enrolment(r, request, &id, false))
        return;
    relay_parked *parked =
        park(r, request, true, veld_env_now(&r->env).monotonic_ms + ENROL_WAIT_MS);
    if (parked != NULL)
        parked->enrolment = id;
    else
        refuse(request, 503, VELD_E_BUSY, "te veel verzoeken wachten");
}

static veld_status write_seen(void *context, const veld_id *device, int64_t utc_ms, veld_error *err)
{
    veld_json_writer *writer = context;
    (void)err;
    veld_json_writer_object_begin(writer);
    veld_cli_json_id(writer, "device", device);
    veld_cli_json_count(writer, "seen", utc_ms > 0 ? (uint64_t)utc_ms : 0);
    veld_json_writer_object_end(writer);
    return VELD_OK;
}

static void seen(relay_process *r, srv_request *request)
{
    veld_buf body;
    veld_json_writer writer;
    veld_error why = {0};
    veld_buf_init(&body, VELD_EXCHANGE_BYTES_MAX);
    veld_json_writer_init(&writer, &body);
    veld_json_writer_array_begin(&writer);
    veld_status status = srv_journal_each_seen(r->journal, &writer, write_seen, &why);
    veld_json_writer_array_end(&writer);
    veld_status written = veld_json_writer_finish(&writer, &why);
    status = status == VELD_OK ? written : status;
    if (status == VELD_OK)
        respond(request, 200, "application/json", &body);
    else
        refuse_error(r, request, status, &why);
    veld_buf_release(&body);
}

/* The relay's own certificate, and another one: for the merger. */
static void show_certificate(relay_process *r, srv_request *request)
{
    veld_buf body;
    veld_error why = {0};
    veld_buf_init(&body, SRV_FILE_BYTES_MAX);
    veld_status status = veld_buf_append_span(&body, veld_buf_span(&r->certificate));
    if (status == VELD_OK)
        respond(request, 200, "application/pkix-cert", &body);
    else
        refuse_error(r, request, status, &why);
    veld_buf_release(&body);
}

static void change_certificate(relay_process *r, srv_request *request)
{
    veld_buf body = {0};
    veld_error why = {0};
    veld_status status = relay_take_certificate(r, srv_request_body(request), &why);
    if (status == VELD_OK)
        respond(request, 204, NULL, &body);
    else
        refuse_error(r, request, status, &why);
}

/* ---- the handler ---- */
static bool is(const char *method, const char *path, const char *wanted_method, const char *wanted)
{
    return strcmp(method, wanted_method) == 0 && strcmp(path, wanted) == 0;
}

static size_t body_max(void *context, const srv_peer *peer, const char *method, const char *path)
{
    (void)context;
    if (is(method, path, "POST", "/v1/exchange") && (peer->local || peer->tls.known))
        return VELD_EXCHANGE_BYTES_MAX;
    if (is(method, path, "POST", "/v1/certificate") && peer->local)
        return VELD_CERTIFICATE_BYTES_MAX;
    return is(method, path, "POST", "/v1/enrol") ? VELD_ENROL_REQUEST_BYTES_MAX : 0;
}

static void on_request(void *context, srv_request *request)
{
    relay_process *r = context;
    const char *method = srv_request_method(request), *path = srv_request_path(request);
    if (is(method, path, "POST", "/v1/exchange"))
        exchange(r, request);
    else if (is(method, path, "POST", "/v1/enrol"))
        enrolment(r, request);
    else if (is(method, path, "GET", "/v1/seen") && srv_request_peer(request)->local)
        seen(r, request);
    else if (is(method, path, "GET", "/v1/certificate") && srv_request_peer(request)->local)
        show_certificate(r, request);
    else if (is(method, path, "POST", "/v1/certificate") && srv_request_peer(request)->local)
        change_certificate(r, request);
    else
        refuse(request, 404, VELD_E_NOT_FOUND, "dit bestaat hier niet");
}

static void on_gone(void *context, srv_request *request)
{
    relay_parked *parked = srv_request_mark(request);
    if (parked != NULL)
        forget(context, parked);
}

srv_handler relay_handler(relay_process *relay)
{
    return (srv_handler){
        .context = relay, .body_max = body_max, .request = on_request, .gone = on_gone};
}

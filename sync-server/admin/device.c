/* device invite, approve and list. */
#include <string.h>

#include "keys.h"
#include "veldkit/enrol.h"
#include "veldkit/host_net.h"
#include "veldkit/time.h"
#include "veldkit/x509.h"

enum { SEEN_MS_MAX = 2000 };

/* ---- invite ---- */
veld_status srv_verb_device_invite(veld_cli_call *call)
{
    srv_session *session = call->session;
    const char *worker = veld_cli_value(call, SRV_OPTION_WORKER);
    char text[VELD_ENROL_CODE_SIZE];
    veld_enrol_code code = {0};
    srv_user user;
    veld_json_writer writer;
    veld_status status;
    if (session->address[0] == '\0')
        return veld_fail(&call->err, VELD_E_STALE,
            "de server heeft nog nooit geluisterd; start eerst veldkit-server serve");
    status = srv_user_get(session, worker, &user, &call->err);
    if (status == VELD_E_NOT_FOUND)
        status = srv_user_add(session, worker, VELD_ROLE_FIELD_WORKER, (veld_span){0}, &call->err);
    if (status != VELD_OK)
        goto done;
    VELD_TRY(veld_enrol_code_make(
        &session->env, session->address, &session->agency.ca_hash, &code, &call->err));
    VELD_TRY(veld_enrol_invite(
        &session->desk, &code, worker, veld_cli_given(call, SRV_OPTION_CONFIRM), &call->err));
    veld_enrol_code_format(&code, text);
    if (veld_cli_given(call, VELD_CLI_JSON)) {
        veld_json_writer_init(&writer, &call->out);
        veld_json_writer_object_begin(&writer);
        veld_cli_json_text(&writer, "code", veld_span_text(text));
        veld_json_writer_object_end(&writer);
        status = veld_cli_json_end(call, &writer);
    } else {
        status = veld_cli_say(call,
            "%s\n\nDeze code werkt één keer, %d minuten lang. Op de tablet: veldkit enrol CODE\n",
            text, VELD_ENROL_CODE_MS / 60000);
    }

done:
    veld_wipe(&code, sizeof code);
    veld_wipe(text, sizeof text);
    return status;
}

/* ---- list ---- */
typedef struct device_list {
    veld_cli_call *call;
    veld_json_writer *writer; /* NULL for text */
    veld_json_doc *seen;      /* what the relay knows; NULL when it is not there */
    size_t count;
} device_list;

/* Without a relay nobody knows when a device was there: the list is then without it. */
static veld_json_doc *ask_seen(srv_session *session)
{
    char address[SRV_PATH_BYTES_MAX + 64];
    veld_host_link *link = NULL;
    veld_json_doc *doc = NULL;
    veld_buf answer = {0};
    unsigned http_status = 0;
    (void)snprintf(address, sizeof address, "unix:%s/relay/" SRV_SOCKET_OF_MERGER, session->dir);
    const veld_host_link_settings settings = {.env = &session->env, .address = address};
    const veld_host_request request = {.method = "GET",
        .path = "/v1/seen",
        .answer_bytes_max = VELD_JSON_BYTES_MAX,
        .timeout_ms = SEEN_MS_MAX,
        .cancel_fd = -1};
    if (veld_host_link_new(&settings, &link, NULL) == VELD_OK &&
        veld_host_link_request(link, &request, &http_status, &answer, NULL) == VELD_OK &&
        http_status == 200 &&
        veld_json_parse(veld_buf_span(&answer), VELD_JSON_STRICT, &doc, NULL, NULL) != VELD_OK)
        doc = NULL;
    veld_buf_release(&answer);
    veld_host_link_free(link);
    return doc;
}

bool srv_relay_answers(srv_session *session)
{
    veld_json_doc *seen = ask_seen(session);
    bool answers = seen != NULL;
    veld_json_doc_free(seen);
    return answers;
}

/* "" when it is not known. */
static void last_seen(const device_list *list, const char *device, char out[VELD_INSTANT_TEXT_SIZE])
{
    veld_span text = {0};
    int64_t utc_ms = 0;
    out[0] = '\0';
    const veld_json_value *item =
        list->seen != NULL ? veld_json_first(veld_json_root(list->seen)) : NULL;
    for (; item != NULL; item = veld_json_next(item))
        if (veld_json_text(veld_json_get(item, "device"), &text) &&
            veld_span_equal(text, veld_span_text(device)) &&
            veld_json_integer(veld_json_get(item, "seen"), &utc_ms))
            veld_cli_time(list->call, utc_ms, out);
}

/* What the office ordered a device to do, and what it said it did. */
typedef struct device_orders {
    uint64_t waiting;                           /* not confirmed */
    uint64_t wipe_serial;                       /* of the last wipe; 0 = none */
    int64_t wipe_utc_ms, wipe_confirmed_utc_ms; /* confirmed: 0 = not yet */
} device_orders;

static veld_status count_order(void *context, const veld_order_state *state, veld_error *err)
{
    device_orders *orders = context;
    (void)err;
    orders->waiting += state->confirmed_utc_ms == 0;
    if (state->order.kind != VELD_ORDER_WIPE || state->order.serial < orders->wipe_serial)
        return VELD_OK;
    orders->wipe_serial = state->order.serial;
    orders->wipe_utc_ms = state->order.utc_ms;
    orders->wipe_confirmed_utc_ms = state->confirmed_utc_ms;
    return VELD_OK;
}

/* Only of a device that was ordered something. */
static void write_orders(
    const veld_cli_call *call, veld_json_writer *writer, const device_orders *orders)
{
    char when[VELD_INSTANT_TEXT_SIZE];
    if (orders->waiting > 0)
        veld_cli_json_count(writer, "ordersWaiting", orders->waiting);
    if (orders->wipe_serial == 0)
        return;
    veld_json_writer_name(writer, "wipe");
    veld_json_writer_object_begin(writer);
    veld_cli_time(call, orders->wipe_confirmed_utc_ms, when);
    veld_cli_json_text(writer, "confirmed", veld_span_text(when));
    veld_cli_time(call, orders->wipe_utc_ms, when);
    veld_cli_json_text(writer, "ordered", veld_span_text(when));
    veld_json_writer_object_end(writer);
}

static veld_status say_orders(veld_cli_call *call, const device_orders *orders)
{
    char when[VELD_INSTANT_TEXT_SIZE];
    if (orders->wipe_serial != 0 && orders->wipe_confirmed_utc_ms != 0) {
        veld_cli_time(call, orders->wipe_confirmed_utc_ms, when);
        return veld_cli_say(call, "  gewist: bevestigd door het apparaat op %s\n", when);
    }
    if (orders->wipe_serial != 0)
        return veld_cli_say(call, "  moet zich wissen: nog niet bevestigd\n");
    if (orders->waiting > 0)
        return veld_cli_say(call, "  %llu %s nog niet bevestigd\n",
            (unsigned long long)orders->waiting, orders->waiting == 1 ? "opdracht" : "opdrachten");
    return VELD_OK;
}

static const char *state_word(const char *state)
{
    if (strcmp(state, "active") == 0)
        return "in gebruik";
    return strcmp(state, "revoked") == 0 ? "ingetrokken" : "wacht op toelating";
}

static veld_status list_one(
    device_list *list, const veld_id *id, const char *worker, const char *state, const char *check)
{
    char device[VELD_ID_TEXT_SIZE], when[VELD_INSTANT_TEXT_SIZE];
    veld_cli_call *call = list->call;
    veld_status status;
    veld_id_format(id, device);
    last_seen(list, device, when);
    bool forked = false;
    device_orders orders = {0};
    list->count++;
    VELD_TRY(veld_order_each(call->session->store, id, &orders, count_order, &call->err));
    VELD_TRY(veld_sync_is_forked(call->session->store, id, &forked, &call->err));
    if (list->writer != NULL) {
        veld_json_writer_object_begin(list->writer);
        if (check != NULL)
            veld_cli_json_text(list->writer, "check", veld_span_text(check));
        veld_cli_json_text(list->writer, "device", veld_span_text(device));
        if (forked) {
            veld_json_writer_name(list->writer, "copied");
            veld_json_writer_boolean(list->writer, true);
        }
        veld_cli_json_text(list->writer, "lastSeen", veld_span_text(when));
        write_orders(call, list->writer, &orders);
        veld_cli_json_text(list->writer, "state", veld_span_text(state));
        veld_cli_json_text(list->writer, "worker", veld_span_text(worker));
        veld_json_writer_object_end(list->writer);
        return VELD_OK;
    }
    VELD_TRY(veld_cli_say(call, "%s  %s  ", device, state_word(state)));
    VELD_TRY(veld_cli_say_text(call, veld_span_text(worker)));
    VELD_TRY(veld_cli_say(call, "%s%s%s%s\n", when[0] != '\0' ? "  laatst gezien " : "", when,
        check != NULL ? "  controlecode " : "", check != NULL ? check : ""));
    if (forked)
        VELD_TRY(veld_cli_say(
            call, "  LET OP: er is een kopie van deze tablet in gebruik (een nummer twee keer)\n"));
    status = say_orders(call, &orders);

done:
    return status;
}

/* The check code of a device that was taken in, as its tablet shows it too. */
typedef struct check_search {
    const veld_id *device;
    char check[VELD_ENROL_CHECK_SIZE];
} check_search;

static veld_status look_for_check(void *context, const veld_invitation *invitation, veld_error *err)
{
    check_search *search = context;
    (void)err;
    if (invitation->state == VELD_INVITATION_USED &&
        veld_id_equal(&invitation->device, search->device))
        memcpy(search->check, invitation->check, sizeof search->check);
    return VELD_OK;
}

static veld_status list_entry(void *context, const veld_directory_entry *entry, veld_error *err)
{
    device_list *list = context;
    check_search search = {.device = &entry->device};
    veld_status status = veld_enrol_each(list->call->session->store, &search, look_for_check, err);
    if (status != VELD_OK)
        return status;
    return list_one(context, &entry->device, entry->worker,
        entry->state == VELD_DEVICE_ACTIVE ? "active" : "revoked",
        search.check[0] != '\0' ? search.check : NULL);
}

static veld_status list_waiting(void *context, const veld_invitation *invitation, veld_error *err)
{
    (void)err;
    if (invitation->state != VELD_INVITATION_WAITING)
        return VELD_OK;
    return list_one(context, &invitation->device, invitation->worker, "waiting", invitation->check);
}

veld_status srv_verb_device_list(veld_cli_call *call)
{
    veld_json_writer writer = {0};
    bool json = veld_cli_given(call, VELD_CLI_JSON);
    device_list list = {.call = call, .writer = json ? &writer : NULL};
    veld_status status;
    list.seen = ask_seen(call->session);
    if (json) {
        veld_json_writer_init(&writer, &call->out);
        veld_json_writer_array_begin(&writer);
    }
    VELD_TRY(veld_directory_each(call->session->store, &list, list_entry, &call->err));
    VELD_TRY(veld_enrol_each(call->session->store, &list, list_waiting, &call->err));
    if (json) {
        veld_json_writer_array_end(&writer);
        status = veld_cli_json_end(call, &writer);
    } else if (list.count == 0) {
        status = veld_cli_say(call, "Er zijn nog geen apparaten.\n");
    }

done:
    veld_json_writer_release(&writer);
    veld_json_doc_free(list.seen);
    return status;
}

/* ---- approve ---- */
typedef struct waiting_search {
    const char *word;
    bool is_prefix; /* may be a number */
    size_t matches;
    veld_invitation found;
} waiting_search;

static veld_status look_at(void *context, const veld_invitation *invitation, veld_error *err)
{
    waiting_search *search = context;
    (void)err;
    if (invitation->state == VELD_INVITATION_WAITING &&
        ((search->is_prefix && veld_cli_prefix_fits(&invitation->device, search->word)) ||
            strcmp(invitation->worker, search->word) == 0 ||
            veld_enrol_check_begins(veld_span_text(search->word), invitation->check))) {
        search->found = *invitation;
        search->matches++;
    }
    return VELD_OK;
}

static veld_status find_waiting(veld_cli_call *call, waiting_search *search)
{
    veld_status status;
    search->is_prefix = veld_cli_prefix_check(search->word, NULL) == VELD_OK;
    VELD_TRY(veld_enrol_each(call->session->store, search, look_at, &call->err));
    if (search->matches == 0)
        status = veld_fail(&call->err, VELD_E_NOT_FOUND,
            "er wacht geen tablet met dit nummer, deze controlecode of deze naam; zie device list");
    else if (search->matches > 1)
        status = veld_fail(&call->err, VELD_E_INVALID,
            "%zu wachtende tablets passen hierbij; geef meer van het nummer of de controlecode",
            search->matches);

done:
    return status;
}

/* The code that is compared stands behind --check, or is itself what names the tablet; its
 * beginning says which tablet is meant and no more. */
veld_status srv_verb_device_approve(veld_cli_call *call)
{
    waiting_search search = {.word = call->arguments[0]};
    const char *check = veld_cli_value(call, SRV_OPTION_CHECK);
    veld_status status;
    VELD_TRY(find_waiting(call, &search));
    if (check == NULL && !veld_enrol_check_fits(veld_span_text(search.word), search.found.check))
        return veld_fail(&call->err, VELD_E_INVALID,
            "geef de hele controlecode, met --check, zoals de medewerker haar van de tablet "
            "voorleest");
    if (check != NULL && !veld_enrol_check_fits(veld_span_text(check), search.found.check))
        return veld_cli_fail(call, VELD_E_FORGED, "De controlecode klopt niet.",
            "dit is niet de controlecode van dit apparaat; lees haar nog eens van de tablet. "
            "Laat een tablet met een andere code niet toe");
    VELD_TRY(veld_enrol_decide(&call->session->desk, &search.found.id, true, &call->err));
    if (!veld_cli_given(call, VELD_CLI_JSON))
        status = veld_cli_say(call, "Het apparaat is toegelaten.\n");
    else
        status = veld_cli_say(call, "{\"approved\":true}\n");

done:
    return status;
}

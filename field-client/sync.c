/* sync --once: exchanges with the agency's server until both sides have said what they had to say.
 * The engine decides what is sent and when anything has effect; here are the connection, the
 * patience with it, and the words. What was saved stays saved whatever happens here. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fc.h"
#include "veldkit/assert.h"
#include "veldkit/sync.h"

enum {
    EXCHANGE_MS_MAX = 600000, /* one exchange: a page at the slowest speed that is waited for */
    CALL_MS_MAX = 3600000,    /* all of them */
    OWN_MS_MAX = 2000,        /* waiting for what the own hand-in causes at the office */
    ATTEMPTS_MAX = 3,         /* in a row that came to nothing */
    PAUSE_MS_MAX = 5000,
    PROGRESS_MS = 200,
    WHEN_BYTES = 17 /* 2026-11-22 12:30, with the end */
};

typedef struct syncing {
    veld_cli_call *call;
    fc_network network;
    veld_sync *engine;
    veld_sync_result sum;
    uint64_t round_trips;
    size_t conflicts;
    bool lets_see;         /* somebody looks at a terminal */
    bool is_full;          /* the server takes no more for now: said once */
    int64_t progress_ms;   /* when a line was shown last; 0 = never */
    veld_buf changed;      /* ids of cases */
    veld_places places;    /* as they were before: a part that is taken away is named by its case */
    veld_order_reason why; /* of the last order that was done; 0 = none */
    bool is_revoked;       /* an order said so */
} syncing;

static int64_t now_ms(const syncing *s)
{
    return veld_env_now(&s->call->session->env).monotonic_ms;
}

/* ---- what is seen meanwhile ---- */
static void show_progress(syncing *s)
{
    const int64_t now = now_ms(s);
    if (!s->lets_see || now - s->progress_ms < PROGRESS_MS)
        return;
    s->progress_ms = now;
    veld_cli_note(s->call, "\rSynchroniseren: %zu verzonden, %zu ontvangen, %zu opgenomen ",
        s->sum.sent, s->sum.received, s->sum.taken_in);
}

static void hide_progress(const syncing *s)
{
    if (s->lets_see && s->progress_ms != 0)
        veld_cli_note(s->call, "\r%78s\r", "");
}

/* What the office had destroyed here, and why: all of it was handed in before. */
enum { NAME_BYTES_MAX = VELD_ID_TEXT_SIZE + 40 };

/* A case as people know it: a part has a number that no list shows. */
static void name_case(const syncing *s, const veld_id *case_id, char out[NAME_BYTES_MAX])
{
    char id[VELD_ID_TEXT_SIZE];
    const veld_place *place = veld_places_of(&s->places, case_id);
    bool is_part = place != NULL && place->compartment != VELD_COMPARTMENT_MAIN;
    veld_id_format(is_part ? &place->dossier : case_id, id);
    if (is_part)
        (void)snprintf(out, NAME_BYTES_MAX, "het deel %s van zaak %s",
            veld_compartment_name(place->compartment), id);
    else
        (void)snprintf(out, NAME_BYTES_MAX, "zaak %s", id);
}

static void say_done(veld_cli_call *call, const veld_order *order, const char *name)
{
    const char *reason = fc_order_reason(order->reason);
    if (order->kind == VELD_ORDER_WIPE)
        veld_cli_note(call,
            "veldkit: kantoor heeft alles op dit apparaat laten wissen: %s. Wat nog niet verzonden "
            "was is eerst ingeleverd.\n",
            reason);
    else
        veld_cli_note(call,
            "veldkit: %s is van dit apparaat gehaald: %s. Wat nog niet verzonden was is eerst "
            "ingeleverd.\n",
            name, reason);
}

/* Cases that changed, each once; when there is no memory for it nobody is told more than usual. */
static void note_changed(syncing *s, const veld_id *case_id)
{
    for (size_t at = 0; at < s->changed.len; at += VELD_ID_BYTES) {
        if (memcmp(s->changed.data + at, case_id->bytes, VELD_ID_BYTES) == 0)
            return;
    }
    (void)!veld_buf_append_span(&s->changed, veld_id_span(case_id));
}

static veld_status tell_emergencies(const syncing *s)
{
    veld_status status = VELD_OK;
    for (size_t at = 0; status == VELD_OK && at < s->changed.len; at += VELD_ID_BYTES) {
        veld_id case_id;
        memcpy(case_id.bytes, s->changed.data + at, sizeof case_id.bytes);
        status = fc_emergency_tell(s->call, &case_id);
    }
    return status;
}

static void on_event(void *context, const veld_sync_event *event)
{
    syncing *s = context;
    char name[NAME_BYTES_MAX];
    name_case(s, &event->case_id, name);
    hide_progress(s);
    switch (event->kind) {
    case VELD_SYNC_REFUSED:
        if (event->status == VELD_E_STALE) /* a repetition: nothing is lacking */
            break;
        veld_cli_note(s->call, "veldkit: %s: niet alles is overgenomen (%s: %.200s)\n", name,
            veld_status_name(event->status), event->text != NULL ? event->text : "");
        break;
    case VELD_SYNC_NO_ROOM:
        if (!s->is_full)
            veld_cli_note(s->call,
                "veldkit: de server neemt van deze tablet vandaag niet meer aan; wat nog niet "
                "verstuurd is, blijft hier en gaat later vanzelf mee.\n");
        s->is_full = true;
        break;
    case VELD_SYNC_OTHER_SERVER:
        veld_cli_note(s->call,
            "veldkit: de server is teruggezet of vervangen; alles wordt opnieuw vergeleken.\n");
        break;
    case VELD_SYNC_LOG_BROKEN:
        veld_cli_note(s->call,
            "veldkit: het logboek van de server sluit niet aan op wat dit apparaat eerder zag; "
            "meld dit.\n");
        break;
    case VELD_SYNC_DIRECTORY_BROKEN:
        s->call->exit_code = veld_cli_exit_code(VELD_E_FORGED);
        veld_cli_note(s->call,
            "veldkit: de sleutellijst van de organisatie klopt niet met wat dit apparaat eerder "
            "zag (%s); meld dit.\n",
            event->text != NULL ? event->text : "");
        break;
    case VELD_SYNC_ORDER_DONE:
        s->why = event->order->reason;
        s->is_revoked = s->is_revoked || s->why == VELD_ORDER_REVOKED;
        say_done(s->call, event->order, name);
        break;
    case VELD_SYNC_DIVERGED:
        veld_cli_note(s->call,
            event->status == VELD_OK
                ? "veldkit: %s: de stand is weer gelijk aan die van kantoor.\n"
                : "veldkit: %s: de stand wijkt af van die van kantoor, bij dezelfde "
                  "wijzigingen; hij is opnieuw opgebouwd en kantoor krijgt bericht.\n",
            name);
        break;
    case VELD_SYNC_CASE_CHANGED:
        note_changed(s, &event->case_id);
        break;
    case VELD_SYNC_FORK:
    case VELD_SYNC_RECEIVED:
    case VELD_SYNC_TAKEN_IN:
    case VELD_SYNC_CASE_NEW:
    case VELD_SYNC_ORDER_CONFIRMED:
    case VELD_SYNC_SET_ASIDE:
    case VELD_SYNC_PARKED:
        break;
    }
}

/* ---- one exchange ---- */
static veld_status exchange(syncing *s, uint32_t wait_ms, veld_sync_result *out)
{
    veld_cli_call *call = s->call;
    veld_buf body, answer = {0};
    unsigned http_status = 0;
    veld_status status;
    veld_buf_init(&body, VELD_EXCHANGE_BYTES_MAX);
    VELD_TRY(veld_sync_begin(s->engine, wait_ms, &body, &call->err));
    const fc_question question = {.path = "/v1/exchange",
        .body = veld_buf_span(&body),
        .answer_bytes_max = VELD_EXCHANGE_BYTES_MAX,
        .timeout_ms = EXCHANGE_MS_MAX};
    status = fc_network_ask(call, &s->network, &question, &http_status, &answer);
    if (status == VELD_OK)
        status = veld_sync_feed(s->engine, veld_buf_span(&answer), &call->err);
    if (status != VELD_OK) {
        veld_sync_fail(s->engine);
        goto done;
    }
    s->round_trips++;
    VELD_TRY(veld_sync_finish(s->engine, out, &call->err));
    s->sum.sent += out->sent;
    s->sum.receipts += out->receipts;
    s->sum.received += out->received;
    s->sum.taken_in += out->taken_in;
    s->sum.refused += out->refused;
    s->sum.has_new_keys = s->sum.has_new_keys || out->has_new_keys;

done:
    veld_buf_release(&body);
    veld_buf_release(&answer);
    return status;
}

/* Again after a cut: at once the first time, then as long after it as the engine says. */
static veld_status again(syncing *s, unsigned failures)
{
    if (failures == 1)
        return VELD_OK;
    int64_t wait_ms = veld_sync_next_ms(s->engine) - now_ms(s);
    if (wait_ms < 0)
        wait_ms = 0;
    if (wait_ms > PAUSE_MS_MAX)
        wait_ms = PAUSE_MS_MAX;
    return fc_stop_pause(&s->network.stop, wait_ms, &s->call->err);
}

/* How long it is worth to wait for the office to take in what was handed in now, or what it wants
 * destroyed here; 0 = no longer. */
static veld_status time_left(const syncing *s, int64_t *since_ms, uint32_t *out)
{
    bool ordered;
    fc_waiting waiting;
    fc_session *session = s->call->session;
    veld_status status;
    *out = 0;
    VELD_TRY(veld_sync_has_orders(session->store, &ordered, &s->call->err));
    VELD_TRY(fc_waiting_count(session, &waiting, &s->call->err));
    if (*since_ms == 0 && (s->sum.sent > 0 || ordered))
        *since_ms = now_ms(s);
    const int64_t left_ms = *since_ms + OWN_MS_MAX - now_ms(s);
    if (*since_ms != 0 && left_ms > 0 && (ordered || waiting.unsent > waiting.kept))
        *out = (uint32_t)left_ms;
done:
    return status;
}

static veld_status exchange_all(syncing *s)
{
    const int64_t until_ms = now_ms(s) + CALL_MS_MAX;
    int64_t since_ms = 0;
    unsigned failures = 0;
    uint32_t wait_ms = 0;
    bool more = true;
    veld_status status = VELD_OK;
    while (more) {
        veld_sync_result result = {0};
        show_progress(s);
        status = exchange(s, wait_ms, &result);
        if (status == VELD_E_NETWORK || status == VELD_E_TIMEOUT) {
            if (++failures == ATTEMPTS_MAX)
                break;
            VELD_TRY(again(s, failures));
            continue;
        }
        VELD_TRY(status);
        failures = 0;
        wait_ms = 0;
        more = result.more;
        if (now_ms(s) >= until_ms && more)
            return veld_fail(&s->call->err, VELD_E_TIMEOUT, "er is nog meer; ga later verder");
        if (!more) {
            VELD_TRY(time_left(s, &since_ms, &wait_ms));
            more = wait_ms > 0;
        }
    }

done:
    return status;
}

/* ---- what it says ---- */
/* The person has to know that nothing is lost, and how much waits since when. */
static veld_status say_waiting(veld_cli_call *call, veld_status status)
{
    fc_waiting waiting;
    char when[VELD_MOMENT_TEXT_SIZE];
    veld_error err = call->err;
    if (fc_waiting_count(call->session, &waiting, NULL) != VELD_OK || waiting.unsent == 0)
        return status;
    veld_moment_format(waiting.oldest.utc_ms, when);
    when[WHEN_BYTES - 1] = '\0';
    return veld_fail(&call->err, status, "%llu %s op dit apparaat sinds %s; %.80s",
        (unsigned long long)waiting.unsent,
        waiting.unsent == 1 ? "wijziging wacht" : "wijzigingen wachten", when, err.text);
}

static veld_status say_json(const syncing *s)
{
    veld_json_writer writer;
    const veld_host_counters bytes = veld_host_link_counters(s->network.link);
    veld_json_writer_init(&writer, &s->call->out);
    veld_json_writer_object_begin(&writer);
    veld_cli_json_count(&writer, "bytesDown", bytes.bytes_down);
    veld_cli_json_count(&writer, "bytesUp", bytes.bytes_up);
    veld_cli_json_count(&writer, "conflicts", s->conflicts);
    veld_cli_json_count(&writer, "receipts", s->sum.receipts);
    veld_cli_json_count(&writer, "received", s->sum.received);
    veld_cli_json_count(&writer, "roundTrips", s->round_trips);
    veld_cli_json_count(&writer, "sent", s->sum.sent);
    veld_cli_json_count(&writer, "takenIn", s->sum.taken_in);
    veld_json_writer_object_end(&writer);
    return veld_cli_json_end(s->call, &writer);
}

static veld_status say_text(const syncing *s)
{
    veld_cli_call *call = s->call;
    fc_waiting waiting;
    uint64_t review = 0;
    bool is_revoked = false;
    veld_status status;
    VELD_TRY(fc_waiting_count(call->session, &waiting, &call->err));
    VELD_TRY(fc_review_count(call->session, &review, &call->err));
    VELD_TRY(fc_is_revoked(call->session, &is_revoked, &call->err));
    VELD_TRY(veld_cli_say(call, "Verzonden: %zu. Opgehaald: %zu. Opgenomen: %zu.\n", s->sum.sent,
        s->sum.received, s->sum.taken_in));
    if (waiting.unsent == 0 && review == 0 && !is_revoked)
        VELD_TRY(veld_cli_say(call, "Alles is opgenomen door de organisatie.\n"));
    if (waiting.unsent > 0)
        VELD_TRY(veld_cli_say(call, "Nog niet opgenomen: %llu, waarvan %llu ontvangen.\n",
            (unsigned long long)waiting.unsent, (unsigned long long)waiting.received));
    VELD_TRY(fc_say_review(call, review));
    if (is_revoked)
        VELD_TRY(veld_cli_say(call, "Dit apparaat is ingetrokken.\n"));
    if (s->conflicts == 1)
        VELD_TRY(veld_cli_say(call, "1 keuze nodig.\n"));
    if (s->conflicts > 1)
        VELD_TRY(veld_cli_say(call, "%zu keuzes nodig.\n", s->conflicts));

done:
    return status;
}

/* All cases are gone and the agency has our word for it: now the keys of the vault go too. The
 * process may have the files open until it ends; nobody opens them again. */
static veld_status wipe_when_told(const syncing *s)
{
    veld_cli_call *call = s->call;
    bool must = false;
    veld_status status = veld_sync_must_wipe(call->session->store, &must, &call->err);
    if (status == VELD_OK && must) {
        const fc_wiped wiped = {
            .reason = s->why, .utc_ms = veld_env_now(&call->session->env).wall_utc_ms};
        status = fc_vault_destroy(call, &wiped);
        call->session->stop = true;
    }
    return status;
}

/* ---- the verb ---- */
/* The office hears that we have them, and gives a certificate by its CA of now; who could only hand
 * in until here fetches with that. */
static veld_status go_on_with_new_keys(syncing *s)
{
    veld_cli_call *call = s->call;
    veld_status status = fc_agency_load(call->session, &call->err);
    if (status != VELD_OK || !fc_renew_when_due(call, &s->network))
        return status;
    fc_network_close(&s->network);
    VELD_TRY(fc_network_open(call, &s->network));
    status = exchange_all(s);

done:
    return status;
}

static veld_status run(syncing *s, veld_agency *agency)
{
    veld_cli_call *call = s->call;
    fc_session *session = call->session;
    const veld_sync_config config = {.desk = &session->desk,
        .program = "veldkit " VELD_VERSION,
        .role = VELD_SYNC_DEVICE,
        .agency = agency,
        .anchor = &session->anchor,
        .context = s,
        .event = on_event};
    veld_status status;
    VELD_TRY(veld_places_load(session->store, &s->places, &call->err));
    VELD_TRY(veld_agency_get(session->store, &session->desk.verifier, agency, &call->err));
    VELD_TRY(veld_sync_new(&config, &s->engine, &call->err));
    status = exchange_all(s);
    if (status == VELD_OK && s->sum.has_new_keys)
        status = go_on_with_new_keys(s);
    hide_progress(s);
    fc_keyring_forget(session);
    veld_error why = {0};
    veld_status kept = s->is_revoked ? fc_revoked_put(session, &why) : VELD_OK; /* heard once */
    if (status == VELD_OK && kept != VELD_OK)
        status = veld_fail(&call->err, kept, "%s", why.text);
    if (status == VELD_OK)
        status = wipe_when_told(s);
    if (status == VELD_E_NETWORK || status == VELD_E_TIMEOUT)
        status = say_waiting(call, status);
    VELD_TRY(status);
    VELD_TRY(tell_emergencies(s));
    VELD_TRY(fc_glass_close(call)); /* what was taken in now */
    fc_compact_due(call);
    VELD_TRY(fc_conflicts_count(call, &s->conflicts));
    if (s->sum.refused > 0 && call->exit_code == 0)
        call->exit_code = VELD_CLI_EXIT_PARTLY;
    status = veld_cli_given(call, VELD_CLI_JSON) ? say_json(s) : say_text(s);

done:
    return status;
}

veld_status fc_verb_sync(veld_cli_call *call)
{
    syncing s = {.call = call, .lets_see = isatty(STDERR_FILENO) == 1};
    veld_agency agency;
    veld_status status;
    veld_buf_init(&s.changed, VELD_CLI_OUTPUT_BYTES_MAX);
    VELD_TRY(fc_network_open(call, &s.network));
    if (fc_renew_when_due(call, &s.network)) {
        fc_network_close(&s.network);
        VELD_TRY(fc_network_open(call, &s.network));
    }
    VELD_TRY(run(&s, &agency));

done:
    veld_buf_release(&s.changed);
    veld_places_release(&s.places);
    veld_sync_free(s.engine);
    fc_network_close(&s.network);
    return status;
}

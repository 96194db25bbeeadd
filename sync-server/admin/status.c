/* status: what an agency holds, and what its keeper still has to see to. */
#include <unistd.h>

#include "held.h"
#include "keys.h"
#include "veldkit/divergence.h"

typedef struct counts {
    size_t cases, devices;
    uint64_t changes;
    bool root_here;
    bool relay_here;           /* it answers */
    int64_t ends_utc_ms;       /* certificate of the server; 0 = not known */
    bool is_ending;            /* soon */
    size_t due;                /* keys that should have been replaced */
    bool ca_is_fixed;          /* and its CA cannot be */
    size_t diverged;           /* tablets that have another state of a case */
    size_t refused;            /* by the relay: what it does not take from the office */
    srv_held_counts decisions; /* that a rule held back */
} counts;

static veld_status count_device(void *context, const veld_directory_entry *entry, veld_error *err)
{
    counts *here = context;
    (void)err;
    here->devices += entry->state == VELD_DEVICE_ACTIVE ? 1 : 0;
    return VELD_OK;
}

static veld_status count_diverged(void *context, const veld_divergence *found, veld_error *err)
{
    counts *here = context;
    (void)found;
    (void)err;
    here->diverged++;
    return VELD_OK;
}

static veld_status count_due(srv_session *session, counts *out, veld_error *err)
{
    veld_status status = VELD_OK;
    for (int i = 0; i < SRV_KEYS && status == VELD_OK; i++) {
        srv_key_facts facts;
        status = srv_key_facts_get(session, (srv_key)i, &facts, err);
        out->due += status == VELD_OK && facts.is_due;
        out->ca_is_fixed = out->ca_is_fixed || (status == VELD_OK && facts.is_fixed);
    }
    return status;
}

static veld_status count(veld_cli_call *call, counts *out)
{
    char root[SRV_PATH_BYTES_MAX];
    veld_places places = {0};
    srv_session *session = call->session;
    veld_status status;
    VELD_TRY(veld_places_load(session->store, &places, &call->err));
    out->cases = veld_places_dossiers(&places);
    VELD_TRY(veld_store_count_changes(session->store, NULL, &out->changes, &call->err));
    VELD_TRY(veld_directory_each(session->store, out, count_device, &call->err));
    VELD_TRY(veld_divergence_each(session->store, out, count_diverged, &call->err));
    VELD_TRY(srv_path(session->dir, "root", root, &call->err));
    out->root_here = access(root, F_OK) == 0;
    out->refused = session->sync != NULL ? veld_sync_refused(session->sync) : 0;
    out->relay_here = session->serving && srv_relay_answers(session);
    VELD_TRY(srv_certificate_ends(session, &out->ends_utc_ms, &call->err));
    out->is_ending = srv_certificate_is_ending(session, out->ends_utc_ms);
    VELD_TRY(count_due(session, out, &call->err));
    VELD_TRY(srv_held_count(session, &out->decisions, &call->err));

done:
    veld_places_release(&places);
    return status;
}

static veld_status status_json(veld_cli_call *call, const counts *here)
{
    srv_session *session = call->session;
    veld_json_writer writer;
    veld_status status;
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_cli_json_text(&writer, "address", veld_span_text(session->address));
    veld_cli_json_id(&writer, "agency", &session->agency.id);
    veld_cli_json_count(&writer, "cases", here->cases);
    veld_cli_json_count(&writer, "changes", here->changes);
    if (here->decisions.held > 0)
        veld_cli_json_count(&writer, "decisionsHeld", here->decisions.held);
    if (here->decisions.counts_now > 0)
        veld_cli_json_count(&writer, "decisionsNowCounting", here->decisions.counts_now);
    veld_cli_json_count(&writer, "devices", here->devices);
    if (here->diverged > 0)
        veld_cli_json_count(&writer, "diverged", here->diverged);
    veld_json_writer_name(&writer, "keys");
    VELD_TRY(srv_keys_write(session, &writer, &call->err));
    veld_json_writer_name(&writer, "lastBackup");
    veld_json_writer_null(&writer);
    veld_json_writer_name(&writer, "merger");
    veld_json_writer_boolean(&writer, session->serving);
    veld_cli_json_text(&writer, "name", veld_span_text(session->agency.name));
    if (here->refused > 0)
        veld_cli_json_count(&writer, "refused", here->refused);
    veld_json_writer_name(&writer, "relay");
    veld_json_writer_boolean(&writer, here->relay_here);
    veld_json_writer_name(&writer, "rootHere");
    veld_json_writer_boolean(&writer, here->root_here);
    if (session->serving) {
        veld_json_writer_name(&writer, "sandbox");
        veld_json_writer_object_begin(&writer);
        veld_json_writer_name(&writer, "calls");
        veld_json_writer_boolean(&writer, session->calls_closed);
        veld_json_writer_name(&writer, "files");
        veld_json_writer_boolean(&writer, session->files_closed);
        veld_json_writer_object_end(&writer);
    }
    srv_write_time(&writer, "serverCertificateEnds", here->ends_utc_ms);
    veld_json_writer_name(&writer, "serverCertificateEndsSoon");
    veld_json_writer_boolean(&writer, here->is_ending);
    veld_json_writer_name(&writer, "serving");
    veld_json_writer_boolean(&writer, session->serving);
    veld_json_writer_object_end(&writer);
    status = veld_cli_json_end(call, &writer);

done:
    return status;
}

static veld_status say_cares(veld_cli_call *call, const counts *here)
{
    veld_status status = VELD_OK;
    if (here->root_here)
        VELD_TRY(veld_cli_say(call,
            "Let op: de map root staat nog naast de server. Bewaar haar op een andere plaats: "
            "wie haar\nheeft, kan zich voordoen als de organisatie en alles lezen.\n"));
    if (call->session->serving && !here->relay_here)
        VELD_TRY(veld_cli_say(call, "Let op: de relay antwoordt niet.\n"));
    if (here->refused > 0)
        VELD_TRY(veld_cli_say(call,
            "Let op: de relay weigert %zu %s van kantoor. Het wordt bewaard en opnieuw "
            "aangeboden;\nde andere tablets weten er nog niet van. Zie het logboek van de "
            "server.\n",
            here->refused, here->refused == 1 ? "bericht" : "berichten"));
    if (call->session->serving && !call->session->files_closed)
        VELD_TRY(veld_cli_say(call,
            "Let op: deze machine kan de delen van de server niet tot hun eigen map beperken "
            "(Landlock).\n"));
    if (call->session->serving && !call->session->calls_closed)
        VELD_TRY(veld_cli_say(call,
            "Let op: deze machine kan de server niet verbieden wat hij niet nodig heeft (seccomp). "
            "Wie inbreekt\nin de relay, kan dan bij de zaken.\n"));
    if (here->decisions.held > 0)
        VELD_TRY(veld_cli_say(call,
            "Let op: %zu beslissing%s genomen en %s nog niet: iets in de zaak houdt dat tegen; zie "
            "conflict list.\n",
            here->decisions.held, here->decisions.held == 1 ? " is" : "en zijn",
            here->decisions.held == 1 ? "telt" : "tellen"));
    if (here->decisions.counts_now > 0)
        VELD_TRY(veld_cli_say(call,
            "Let op: %zu beslissing%s aangehouden en %s inmiddels; zie conflict explain van die "
            "zaak.\n",
            here->decisions.counts_now, here->decisions.counts_now == 1 ? " was" : "en waren",
            here->decisions.counts_now == 1 ? "telt" : "tellen"));
    if (here->due > 0)
        VELD_TRY(
            veld_cli_say(call, "Let op: %zu sleutel%s vervangen moeten worden; zie keys list.\n",
                here->due, here->due == 1 ? " had al" : "s hadden al"));
    if (here->ca_is_fixed)
        VELD_TRY(veld_cli_say(call,
            "Let op: de uitgever van certificaten kan niet vervangen worden; zie keys list.\n"));
    if (here->is_ending)
        VELD_TRY(veld_cli_say(call,
            call->session->serving
                ? "Let op: het certificaat van de server eindigt binnenkort, en zijn uitgever ook; "
                  "vervang die met keys change ca.\n"
                : "Let op: het certificaat van de server eindigt binnenkort; de server vernieuwt "
                  "het zelf als hij draait.\n"));
    status = veld_cli_say(call, "Van een reservekopie is hier niets bekend.\n");

done:
    return status;
}

veld_status srv_verb_status(veld_cli_call *call)
{
    counts here = {0};
    srv_session *session = call->session;
    veld_status status;
    VELD_TRY(count(call, &here));
    if (veld_cli_given(call, VELD_CLI_JSON)) {
        status = status_json(call, &here);
        goto done;
    }
    VELD_TRY(veld_cli_say_text(call, veld_span_text(session->agency.name)));
    if (session->serving)
        VELD_TRY(veld_cli_say(call, ": de server luistert op %s\n", session->address));
    else
        VELD_TRY(veld_cli_say(call, ": de server draait niet\n"));
    VELD_TRY(say_cares(call, &here));
    status = veld_cli_say(call, "Zaken: %zu\nWijzigingen: %llu\nTablets: %zu\n", here.cases,
        (unsigned long long)here.changes, here.devices);

done:
    return status;
}

/* status: the first line says whether everything is safe at the agency; then what is here, and when
 * the agency was last heard. */
#include <unistd.h>

#include "fc.h"
#include "veldkit/assert.h"
#include "veldkit/directory.h"
#include "veldkit/directory_head.h"
#include "veldkit/divergence.h"
#include "veldkit/sync.h"

typedef struct counts {
    size_t cases;
    uint64_t changes;
    fc_waiting waiting;
    uint64_t review; /* changes that a person of the office has to judge */
    bool is_revoked;
    uint64_t unsent_log; /* lines of the access log */
    bool is_enrolled;
    veld_agency agency;
    veld_buf server; /* address */
    veld_directory_state directory;
    veld_instant contact; /* last signed server time; only when one was seen */
    size_t diverged;      /* cases whose state is not the agency's */
    veld_id first_diverged;
} counts;

static veld_status count_diverged(void *context, const veld_divergence *found, veld_error *err)
{
    counts *here = context;
    (void)err;
    here->diverged++;
    here->first_diverged = found->case_id;
    return VELD_OK;
}

static veld_status count(veld_cli_call *call, counts *out)
{
    veld_places places = {0};
    fc_session *session = call->session;
    veld_status status;
    VELD_TRY(veld_places_load(session->store, &places, &call->err));
    out->cases = veld_places_dossiers(&places);
    VELD_TRY(veld_store_count_changes(session->store, NULL, &out->changes, &call->err));
    VELD_TRY(fc_waiting_count(session, &out->waiting, &call->err));
    VELD_TRY(fc_review_count(session, &out->review, &call->err));
    VELD_TRY(fc_is_revoked(session, &out->is_revoked, &call->err));
    VELD_TRY(veld_sync_unsent_access(session->store, &out->unsent_log, &call->err));
    VELD_TRY(fc_server_address(session, &out->server, &call->err));
    out->contact = (veld_instant){.utc_ms = session->anchor.server_utc_ms,
        .offset_min = veld_env_now(&session->env).offset_min};
    status = veld_agency_get(session->store, &session->desk.verifier, &out->agency, &call->err);
    out->is_enrolled = status == VELD_OK;
    if (status == VELD_E_NOT_FOUND)
        status = VELD_OK;
    VELD_TRY(status);
    VELD_TRY(veld_divergence_each(session->store, out, count_diverged, &call->err));
    status = veld_directory_state_get(session->store, &out->directory, &call->err);

done:
    veld_places_release(&places);
    return status;
}

static void json_instant(veld_json_writer *writer, const char *name, bool known, veld_instant when)
{
    char text[VELD_INSTANT_TEXT_SIZE] = "";
    if (known)
        veld_instant_format(when, text);
    veld_cli_json_text(writer, name, veld_span_text(text));
}

static veld_status status_json(veld_cli_call *call, const counts *here)
{
    veld_json_writer writer;
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    if (here->is_enrolled)
        veld_cli_json_id(&writer, "agency", &here->agency.id);
    else
        veld_cli_json_text(&writer, "agency", (veld_span){0});
    veld_cli_json_count(&writer, "cases", here->cases);
    veld_cli_json_count(&writer, "changes", here->changes);
    veld_cli_json_id(&writer, "device", veld_store_device(call->session->store));
    if (here->directory.log.size > 0) {
        veld_json_writer_name(&writer, "directory");
        veld_json_writer_object_begin(&writer);
        veld_json_writer_name(&writer, "broken");
        veld_json_writer_boolean(&writer, here->directory.is_broken);
        veld_cli_json_hash(&writer, "root", &here->directory.log.root);
        veld_cli_json_count(&writer, "size", here->directory.log.size);
        veld_json_writer_object_end(&writer);
    }
    if (here->diverged > 0)
        veld_cli_json_count(&writer, "diverged", here->diverged);
    veld_cli_json_count(&writer, "inReview", here->review);
    veld_cli_json_text(&writer, "keystore", veld_span_text(call->session->keystore.kind));
    json_instant(&writer, "lastContact", here->contact.utc_ms != 0, here->contact);
    json_instant(&writer, "oldestUnsent", here->waiting.unsent > 0, here->waiting.oldest);
    veld_json_writer_name(&writer, "owner");
    if (call->session->owner)
        veld_json_writer_integer(&writer, (int64_t)getpid());
    else
        veld_json_writer_null(&writer);
    veld_cli_json_count(&writer, "received", here->waiting.received);
    veld_json_writer_name(&writer, "revoked");
    veld_json_writer_boolean(&writer, here->is_revoked);
    veld_cli_json_text(&writer, "server", veld_buf_span(&here->server));
    veld_cli_json_count(&writer, "unsent", here->waiting.unsent);
    veld_cli_json_count(&writer, "unsentLog", here->unsent_log);
    veld_cli_json_text(&writer, "worker", veld_span_text(call->session->worker));
    veld_json_writer_object_end(&writer);
    return veld_cli_json_end(call, &writer);
}

/* Received is not safe yet: the office may still have to look at it. */
static veld_status say_safety(veld_cli_call *call, const counts *here)
{
    const unsigned long long here_only = here->waiting.unsent - here->waiting.received;
    const unsigned long long received = here->waiting.received;
    if (here->waiting.unsent == 0 && here->review > 0)
        return fc_say_review(call, here->review);
    if (here->changes == 0)
        return veld_cli_say(call, "Er is nog niets opgeslagen.\n");
    if (here->waiting.unsent == 0)
        return veld_cli_say(call, "Alles is veilig: opgenomen door de organisatie.\n");
    if (here_only == 0)
        return veld_cli_say(call,
            "Alles is ontvangen; %llu wijziging%s nog niet opgenomen door de organisatie.\n",
            received, received == 1 ? " is" : "en zijn");
    return veld_cli_say(call, "Niet alles is veilig: %llu wijziging%s alleen op dit apparaat.\n",
        here_only, here_only == 1 ? " staat" : "en staan");
}

static veld_status say_agency(veld_cli_call *call, const counts *here)
{
    char contact[VELD_MOMENT_TEXT_SIZE], oldest[VELD_MOMENT_TEXT_SIZE];
    veld_status status;
    if (!here->is_enrolled)
        return veld_cli_say(call, "Deze kluis hoort bij geen organisatie: er is geen server.\n");
    veld_moment_format(here->contact.utc_ms, contact);
    veld_moment_format(here->waiting.oldest.utc_ms, oldest);
    VELD_TRY(veld_cli_say(call, "Organisatie: "));
    VELD_TRY(veld_cli_say_text(call, veld_span_text(here->agency.name)));
    VELD_TRY(veld_cli_say(call, "\nServer: "));
    VELD_TRY(veld_cli_say_text(call, veld_buf_span(&here->server)));
    VELD_TRY(veld_cli_say(
        call, "\nLaatste contact: %s\n", here->contact.utc_ms != 0 ? contact : "nog niet"));
    if (here->directory.is_broken)
        VELD_TRY(veld_cli_say(call, "Let op: van de sleutellijst van de organisatie zijn twee "
                                    "versies gezien. Meld dit.\n"));
    if (here->diverged > 0) {
        char id[VELD_ID_TEXT_SIZE];
        veld_id_format(&here->first_diverged, id);
        VELD_TRY(veld_cli_say(call,
            "Let op: van %zu %s is de stand hier anders dan bij kantoor, bij dezelfde wijzigingen "
            "(%s). Kantoor heeft bericht; er is niets verloren.\n",
            here->diverged, here->diverged == 1 ? "zaak" : "zaken", id));
    }
    if (here->waiting.unsent > 0)
        VELD_TRY(
            veld_cli_say(call, "Nog niet opgenomen: %llu, waarvan %llu ontvangen; oudste: %s\n",
                (unsigned long long)here->waiting.unsent,
                (unsigned long long)here->waiting.received, oldest));
    if (here->waiting.unsent > 0)
        VELD_TRY(fc_say_review(call, here->review));
    if (here->unsent_log > 0)
        VELD_TRY(veld_cli_say(call, "Inzagelog: %llu regel%s nog niet verzonden\n",
            (unsigned long long)here->unsent_log, here->unsent_log == 1 ? "" : "s"));

done:
    return status;
}

static veld_status status_text(veld_cli_call *call, const counts *here)
{
    char device[VELD_ID_TEXT_SIZE];
    veld_status status;
    veld_id_format(veld_store_device(call->session->store), device);
    VELD_TRY(say_safety(call, here));
    if (here->is_revoked)
        VELD_TRY(veld_cli_say(call, "Dit apparaat is ingetrokken: het levert alleen nog in.\n"));
    VELD_TRY(say_agency(call, here));
    if (call->session->keystore.strength == VELD_KEYSTORE_WEAK)
        VELD_TRY(veld_cli_say(
            call, "De sleutel staat in een gewoon bestand: gebruik deze kluis om te proberen.\n"));
    VELD_TRY(veld_cli_say(call, "Zaken: %zu\nWijzigingen: %llu\nApparaat: %s\nNaam: ", here->cases,
        (unsigned long long)here->changes, device));
    VELD_TRY(veld_cli_say_text(call, veld_span_text(call->session->worker)));
    if (call->session->owner)
        VELD_TRY(veld_cli_say(call, "\nOpen in proces %ld\n", (long)getpid()));
    else
        VELD_TRY(veld_cli_say(call, "\nOp slot\n"));

done:
    return status;
}

/* ---- locked: what can be said without a key ---- */
veld_status fc_say_unsent(veld_cli_call *call, uint64_t unsent)
{
    if (unsent == 0)
        return veld_cli_say(call, "Alles is verzonden.\n");
    return veld_cli_say(call, "%llu wijziging%s nog niet verzonden.\n", (unsigned long long)unsent,
        unsent == 1 ? "" : "en");
}

static veld_status locked_json(veld_cli_call *call, uint64_t unsent)
{
    veld_json_writer writer;
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_json_writer_name(&writer, "locked");
    veld_json_writer_boolean(&writer, true);
    veld_json_writer_name(&writer, "sending");
    veld_json_writer_boolean(&writer, unsent > 0 && fc_sender_is_there(call->folder));
    veld_cli_json_count(&writer, "unsent", unsent);
    veld_json_writer_object_end(&writer);
    return veld_cli_json_end(call, &writer);
}

static veld_status locked_status(veld_cli_call *call)
{
    uint64_t unsent = 0;
    veld_status status;
    VELD_TRY(fc_crypto_ready(&call->err));
    VELD_TRY(fc_vault_look(call));
    bool is_known = fc_unsent_read(call->folder, &unsent);
    if (veld_cli_given(call, VELD_CLI_JSON))
        return locked_json(call, unsent);
    VELD_TRY(veld_cli_say(call, "Op slot.\n"));
    if (is_known)
        VELD_TRY(fc_say_unsent(call, unsent));
    if (unsent > 0 && fc_sender_is_there(call->folder))
        VELD_TRY(veld_cli_say(call, "Het verzenden gaat door zodra er verbinding is.\n"));

done:
    return status;
}

static veld_status open_status(veld_cli_call *call)
{
    counts here = {0};
    veld_buf_init(&here.server, VELD_ENROL_ADDRESS_BYTES_MAX + 1);
    veld_status status = count(call, &here);
    if (here.directory.is_broken)
        call->exit_code = veld_cli_exit_code(VELD_E_FORGED);
    if (status == VELD_OK)
        status = veld_cli_given(call, VELD_CLI_JSON) ? status_json(call, &here)
                                                     : status_text(call, &here);
    veld_buf_release(&here.server);
    return status;
}

/* A locked home asks for no PIN to say what waits; who gives one hears all. */
veld_status fc_verb_status(veld_cli_call *call)
{
    const unsigned sources = VELD_CLI_PIN_FILE | VELD_CLI_PIN_COMMAND;
    bool is_wiped = false;
    if (call->session != NULL)
        return open_status(call);
    veld_status status = fc_wiped_status(call, &is_wiped);
    if (status != VELD_OK || is_wiped)
        return status;
    return veld_cli_given(call, sources) ? fc_run_opened(call) : locked_status(call);
}

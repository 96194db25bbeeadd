/* keys list, and what else is told of the agency's keys: their age, when another one is due, and
 * whether anybody still works by one of before. */
#include "keys.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "veldkit/number.h"
#include "veldkit/renew.h"
#include "veldkit/time.h"

#define GROUP   "keys"
#define TLS_END "tls-end"

#define CA_SECONDS     (20LL * 366 * 24 * 3600)
#define SERVER_SECONDS (2LL * 366 * 24 * 3600) /* renewed by the server itself */
#define SKEW_SECONDS   (24LL * 3600)
#define HOST_BYTES_MAX 256
#define YEAR_MS        (366LL * 24 * 3600 * 1000)
#define CERTIFICATE_MS (90LL * 24 * 3600 * 1000) /* so long before its end it is to be replaced */

enum { NOTE_BYTES = 16, NUMBER_BYTES = 8 };

const char *const srv_key_names[SRV_KEYS] = {"seal", "relay", "ca", "admin"};

/* How long one is used at most. A CA has to be replaced long before its certificate ends. */
static const int64_t years[SRV_KEYS] = {2, 2, 10, 2};

veld_status srv_key_find(const char *word, srv_key *out, veld_error *err)
{
    for (int i = 0; i < SRV_KEYS; i++)
        if (strcmp(word, srv_key_names[i]) == 0) {
            *out = (srv_key)i;
            return VELD_OK;
        }
    return veld_fail(err, VELD_E_INVALID, "een sleutel is seal, relay, ca of admin");
}

/* ---- what is kept of each ---- */
typedef struct key_note {
    int64_t since_utc_ms;
    uint64_t edition; /* of the statement that brought it */
} key_note;

veld_status srv_key_note(srv_session *session, srv_key key, uint64_t edition, veld_error *err)
{
    uint8_t bytes[NOTE_BYTES];
    veld_put_u64(bytes, (uint64_t)veld_env_now(&session->env).wall_utc_ms);
    veld_put_u64(bytes + 8, edition);
    return veld_store_put_value(session->store, GROUP, veld_span_text(srv_key_names[key]),
        veld_span_of(bytes, sizeof bytes), err);
}

static veld_status get_note(srv_session *session, srv_key key, key_note *out, veld_error *err)
{
    veld_buf bytes;
    *out = (key_note){.edition = 1};
    veld_buf_init(&bytes, NOTE_BYTES);
    veld_status status = veld_store_get_value(
        session->store, GROUP, veld_span_text(srv_key_names[key]), &bytes, err);
    if (status == VELD_OK && bytes.len == NOTE_BYTES) {
        out->since_utc_ms = (int64_t)veld_get_u64(bytes.data);
        out->edition = veld_get_u64(bytes.data + 8);
    }
    veld_buf_release(&bytes);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

/* ---- who still has the keys of before ---- */
typedef struct counting {
    srv_session *session;
    uint64_t edition;
    size_t waiting;
} counting;

static veld_status count_waiting(void *context, const veld_directory_entry *entry, veld_error *err)
{
    counting *by = context;
    uint64_t edition = 0;
    if (entry->state != VELD_DEVICE_ACTIVE)
        return VELD_OK;
    veld_status status = veld_renew_edition(by->session->store, &entry->device, &edition, err);
    by->waiting += status == VELD_OK && edition < by->edition;
    return status;
}

static size_t count_former(const srv_session *session, srv_key key)
{
    static const veld_agency_key kinds[SRV_KEYS] = {
        [SRV_KEY_RELAY] = VELD_AGENCY_RELAY,
        [SRV_KEY_CA] = VELD_AGENCY_CA,
        [SRV_KEY_ADMIN] = VELD_AGENCY_MERGER,
    };
    size_t count = 0;
    if (key == SRV_KEY_SEAL)
        while (veld_store_seal_key_at(session->store, count + 1) != NULL)
            count++;
    for (size_t i = 0; key != SRV_KEY_SEAL && i < session->agency.former_count; i++)
        count += session->agency.former[i].kind == kinds[key];
    return count;
}

static veld_status name_key(
    const srv_session *session, srv_key key, char *out, size_t size, veld_error *err)
{
    const veld_agency *agency = &session->agency;
    const veld_p256_public *keys[SRV_KEYS] = {
        &agency->seal_key, &agency->relay_key, NULL, &agency->merger_key};
    veld_hash hash = agency->ca_hash;
    veld_status status = VELD_OK;
    if (key != SRV_KEY_CA)
        status = veld_p256_fingerprint(keys[key], &hash, err);
    if (status == VELD_OK)
        veld_hex_encode(veld_hash_span(&hash), out, size);
    return status;
}

veld_status srv_key_facts_get(
    srv_session *session, srv_key key, srv_key_facts *out, veld_error *err)
{
    key_note note;
    counting by = {.session = session};
    veld_status status;
    *out = (srv_key_facts){0};
    VELD_TRY(get_note(session, key, &note, err));
    VELD_TRY(name_key(session, key, out->fingerprint, sizeof out->fingerprint, err));
    out->since_utc_ms = note.since_utc_ms;
    out->due_utc_ms = note.since_utc_ms + years[key] * YEAR_MS;
    out->is_due = veld_env_now(&session->env).wall_utc_ms >= out->due_utc_ms;
    out->former = count_former(session, key);
    if (key == SRV_KEY_CA) {
        veld_x509_facts ca;
        VELD_TRY(veld_x509_read(veld_buf_span(&session->ca), &ca, err));
        out->is_fixed = !ca.may_follow;
    }
    by.edition = note.edition;
    if (out->former > 0)
        VELD_TRY(veld_directory_each(session->store, &by, count_waiting, err));
    out->waiting = by.waiting;

done:
    return status;
}

/* ---- certificates ---- */
veld_x509_period srv_certificate_period(const veld_env *env)
{
    int64_t now_s = veld_env_now(env).wall_utc_ms / 1000;
    return (veld_x509_period){
        .not_before_utc_s = now_s - SKEW_SECONDS, .not_after_utc_s = now_s + CA_SECONDS};
}

/* Not longer than the CA, which others than our tablets would not believe. */
static veld_status server_period(
    const veld_env *env, veld_span ca, veld_x509_period *out, veld_error *err)
{
    veld_x509_facts facts;
    veld_status status = veld_x509_read(ca, &facts, err);
    if (status != VELD_OK)
        return status;
    *out = srv_certificate_period(env);
    out->not_after_utc_s = veld_env_now(env).wall_utc_ms / 1000 + SERVER_SECONDS;
    if (out->not_after_utc_s > facts.period.not_after_utc_s)
        out->not_after_utc_s = facts.period.not_after_utc_s;
    return VELD_OK;
}

veld_status srv_server_certificate(const veld_env *env, const veld_x509_issuer *issuer,
    const veld_p256_public *key, veld_buf *out, veld_error *err)
{
    veld_x509_period period;
    veld_status status = server_period(env, issuer->certificate, &period, err);
    char host[HOST_BYTES_MAX] = "";
    const char *names[] = {"127.0.0.1", "::1", "localhost", host};
    size_t count = 3;
    if (gethostname(host, sizeof host - 1) == 0 && host[0] != '\0' &&
        strcmp(host, "localhost") != 0)
        count = 4;
    return status == VELD_OK
               ? veld_x509_issue_server(env, issuer, key, names, count, period, out, err)
               : status;
}

veld_status srv_certificate_note(srv_session *session, veld_span certificate, veld_error *err)
{
    uint8_t bytes[NUMBER_BYTES];
    veld_x509_facts facts;
    veld_status status = veld_x509_read(certificate, &facts, err);
    if (status != VELD_OK)
        return status;
    veld_put_u64(bytes, (uint64_t)facts.period.not_after_utc_s * 1000);
    return veld_store_put_value(
        session->store, GROUP, veld_span_text(TLS_END), veld_span_of(bytes, sizeof bytes), err);
}

veld_status srv_certificate_ends(srv_session *session, int64_t *out, veld_error *err)
{
    veld_buf bytes;
    *out = 0;
    veld_buf_init(&bytes, NUMBER_BYTES);
    veld_status status =
        veld_store_get_value(session->store, GROUP, veld_span_text(TLS_END), &bytes, err);
    if (status == VELD_OK && bytes.len == NUMBER_BYTES)
        *out = (int64_t)veld_get_u64(bytes.data);
    veld_buf_release(&bytes);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

bool srv_certificate_is_ending(const srv_session *session, int64_t ends_utc_ms)
{
    return ends_utc_ms > 0 &&
           veld_env_now(&session->env).wall_utc_ms > ends_utc_ms - CERTIFICATE_MS;
}

/* ---- the verb ---- */
void srv_write_time(veld_json_writer *writer, const char *name, int64_t utc_ms)
{
    char text[VELD_INSTANT_TEXT_SIZE];
    veld_instant_format((veld_instant){.utc_ms = utc_ms}, text);
    if (utc_ms > 0) {
        veld_cli_json_text(writer, name, veld_span_text(text));
    } else {
        veld_json_writer_name(writer, name);
        veld_json_writer_null(writer);
    }
}

veld_status srv_keys_write(srv_session *session, veld_json_writer *writer, veld_error *err)
{
    veld_status status = VELD_OK;
    veld_json_writer_array_begin(writer);
    for (int i = 0; i < SRV_KEYS; i++) {
        srv_key_facts facts;
        VELD_TRY(srv_key_facts_get(session, (srv_key)i, &facts, err));
        veld_json_writer_object_begin(writer);
        veld_json_writer_name(writer, "changeable");
        veld_json_writer_boolean(writer, !facts.is_fixed);
        srv_write_time(writer, "due", facts.due_utc_ms);
        veld_cli_json_text(writer, "fingerprint", veld_span_text(facts.fingerprint));
        veld_cli_json_count(writer, "former", facts.former);
        veld_cli_json_text(writer, "key", veld_span_text(srv_key_names[i]));
        veld_json_writer_name(writer, "overdue");
        veld_json_writer_boolean(writer, facts.is_due);
        srv_write_time(writer, "since", facts.since_utc_ms);
        veld_cli_json_count(writer, "waiting", facts.waiting);
        veld_json_writer_object_end(writer);
    }
    veld_json_writer_array_end(writer);

done:
    return status;
}

static veld_status list_json(veld_cli_call *call, int64_t ends_utc_ms)
{
    srv_session *session = call->session;
    veld_json_writer writer;
    veld_status status;
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_cli_json_count(&writer, "edition", session->agency.edition);
    veld_json_writer_name(&writer, "keys");
    VELD_TRY(srv_keys_write(session, &writer, &call->err));
    srv_write_time(&writer, "serverCertificateEnds", ends_utc_ms);
    veld_json_writer_object_end(&writer);
    status = veld_cli_json_end(call, &writer);

done:
    return status;
}

static veld_status list_one(veld_cli_call *call, srv_key key)
{
    enum { DAY = 10 };
    static const char *const titles[SRV_KEYS] = {"zegel van de organisatie",
        "relay: ontvangst en TLS", "uitgever van certificaten", "beheer en verwerking"};
    char since[VELD_MOMENT_TEXT_SIZE], due[VELD_MOMENT_TEXT_SIZE];
    srv_key_facts facts;
    veld_status status;
    VELD_TRY(srv_key_facts_get(call->session, key, &facts, &call->err));
    veld_moment_format(facts.since_utc_ms, since);
    veld_moment_format(facts.due_utc_ms, due);
    VELD_TRY(veld_cli_say(call, "%-6s %s\n       sinds %.*s, vervangen voor %.*s%s\n",
        srv_key_names[key], titles[key], DAY, since, DAY, due,
        facts.is_due ? " (die dag is voorbij)" : ""));
    if (facts.is_fixed)
        VELD_TRY(veld_cli_say(call,
            "       kan niet vervangen worden: deze organisatie is gemaakt voordat dat bestond\n"));
    if (facts.former > 0 && facts.waiting == 0)
        VELD_TRY(veld_cli_say(call,
            "       %zu van vroeger; alle tablets zijn overgestapt: keys end kan\n", facts.former));
    else if (facts.former > 0)
        VELD_TRY(veld_cli_say(call, "       %zu van vroeger; %zu tablet%s nog niet overgestapt\n",
            facts.former, facts.waiting, facts.waiting == 1 ? " is" : "s zijn"));

done:
    return status;
}

veld_status srv_verb_keys_list(veld_cli_call *call)
{
    int64_t ends_utc_ms = 0;
    veld_status status;
    VELD_TRY(srv_certificate_ends(call->session, &ends_utc_ms, &call->err));
    if (veld_cli_given(call, VELD_CLI_JSON)) {
        status = list_json(call, ends_utc_ms);
        goto done;
    }
    for (int i = 0; i < SRV_KEYS; i++)
        VELD_TRY(list_one(call, (srv_key)i));

done:
    return status;
}

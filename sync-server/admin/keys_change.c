/* keys change and keys end: another key of the agency, and the end of those of before. The server
 * is stopped meanwhile and the root key is at hand. All that is decided is one transaction in the
 * merger's store; what follows from it is done afterwards, and again when it was cut. */
#include "keys_change.h"

#include <unistd.h>

#include "../store/srv_journal.h"
#include "root.h"
#include "veldkit/seal_end.h"

/* ---- the verbs ---- */
static void release(keys_change *c)
{
    for (size_t i = 0; i < KEYS_CERTIFICATES_MAX; i++) {
        veld_buf_release(&c->before[i]);
        veld_buf_release(&c->bridges[i]);
    }
    veld_p256_release(&c->fresh);
    veld_p256_release(&c->tls);
    veld_buf_release(&c->ca);
    veld_buf_release(&c->server);
    veld_buf_release(&c->statement);
    veld_release(c);
}

static veld_status begin(veld_cli_call *call, srv_session *session, keys_change **out)
{
    keys_change *c = veld_allocate(sizeof *c);
    if (c == NULL)
        return VELD_E_MEMORY;
    c->call = call;
    c->session = session;
    c->agency = session->agency;
    c->is_lost = veld_cli_given(call, SRV_OPTION_LOST);
    veld_buf_init(&c->statement, VELD_DIRECTORY_BYTES_MAX);
    veld_buf_init(&c->ca, VELD_CERTIFICATE_BYTES_MAX);
    veld_buf_init(&c->server, VELD_CERTIFICATE_BYTES_MAX);
    *out = c;
    return VELD_OK;
}

static veld_status say(veld_cli_call *call, const srv_session *session, size_t wrapped)
{
    veld_json_writer writer;
    if (!veld_cli_given(call, VELD_CLI_JSON))
        return veld_cli_say(call,
            "Klaar; opnieuw verzegeld: %zu %s. Start de server weer, en maak een reservekopie:\n"
            "oudere kopieën kennen de nieuwe sleutel niet. Tablets nemen hem over bij hun "
            "volgende\n"
            "contact; keys list zegt hoeveel dat nog moeten doen.\n",
            wrapped, veld_cli_of(wrapped, "zaak", "zaken"));
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_cli_json_count(&writer, "edition", session->agency.edition);
    veld_cli_json_count(&writer, "wrapped", wrapped);
    veld_json_writer_object_end(&writer);
    return veld_cli_json_end(call, &writer);
}

/* With the keys as they are now: what is opened again knows them. */
static veld_status finish(veld_cli_call *call, srv_session *session)
{
    size_t wrapped = 0;
    veld_status status;
    srv_session_close(session);
    VELD_TRY(srv_session_open(call->folder, NULL, session, &call->err));
    VELD_TRY(srv_change_finish(session, &wrapped, &call->err));
    VELD_TRY(srv_changing_end(call->folder, &call->err));
    status = say(call, session, wrapped);

done:
    return status;
}

typedef veld_status (*change_work)(veld_cli_call *call, srv_session *session);

/* Nobody else has the folder, and the store is opened here. */
static veld_status alone(veld_cli_call *call, change_work work)
{
    srv_session *session = veld_allocate(sizeof *session);
    int lock = -1;
    veld_status status;
    if (session == NULL)
        return VELD_E_MEMORY;
    status = srv_lock(call->folder, &lock, &call->err);
    if (status == VELD_E_BUSY)
        status = veld_fail(&call->err, VELD_E_BUSY,
            "de server draait; stop hem eerst, want sleutels wisselen kan niet ondertussen");
    VELD_TRY(status);
    VELD_TRY(srv_session_open(call->folder, NULL, session, &call->err));
    status = work(call, session);

done:
    srv_session_close(session);
    veld_release(session);
    if (lock >= 0)
        close(lock);
    return status;
}

static veld_status work_change(veld_cli_call *call, srv_session *session)
{
    veld_p256_private root = {0};
    keys_change *c = NULL;
    veld_status status;
    VELD_TRY(srv_changing_refuse(call->folder, &call->err));
    VELD_TRY(begin(call, session, &c));
    VELD_TRY(srv_key_find(call->arguments[0], &c->key, &call->err));
    VELD_TRY(srv_root_open(call, &root));
    VELD_TRY(keys_prepare(c, &root, &call->err));
    VELD_TRY(srv_changing_begin(call->folder, &call->err));
    status = keys_decide(c, true, &call->err);
    if (status == VELD_OK)
        status = finish(call, session);

done:
    veld_p256_release(&root);
    if (c != NULL)
        release(c);
    return status;
}

/* Nothing to end is fine: it may have been cut before it began. */
static veld_status work_resume(veld_cli_call *call, srv_session *session)
{
    return finish(call, session);
}

veld_status srv_verb_keys_change(veld_cli_call *call)
{
    bool resume = veld_cli_given(call, SRV_OPTION_RESUME);
    if (resume != (call->arguments_count == 0))
        return veld_fail(&call->err, VELD_E_INVALID,
            "noem een sleutel (seal, relay, ca of admin), of --resume zonder sleutel");
    return alone(call, resume ? work_resume : work_change);
}

/* ---- keys end ---- */
static veld_status judge_left(const veld_seal_left *left, veld_error *err)
{
    const size_t count = left->unread > 0    ? left->unread
                         : left->waiting > 0 ? left->waiting
                                             : left->quarantined;
    const char *pieces = count == 1 ? "stuk is" : "stukken zijn";
    if (left->is_behind)
        return veld_fail(err, VELD_E_STALE,
            "het kantoor heeft nog niet vergeleken met wat bij de relay ligt; start de server, "
            "laat "
            "hem alles inlezen, stop hem en beëindig de sleutel dan");
    if (left->unread > 0)
        return veld_fail(err, VELD_E_STALE,
            "%zu %s verzegeld met de sleutel van vroeger en nog niet ingelezen; start de server, "
            "laat hem alles inlezen, stop hem en probeer het opnieuw",
            count, pieces);
    if (left->waiting > 0)
        return veld_fail(err, VELD_E_STALE,
            "%zu %s verzegeld met de sleutel van vroeger en wacht op de sleutel van de zaak; laat "
            "wie die zaak begon eerst synchroniseren",
            count, pieces);
    if (left->quarantined > 0)
        return veld_fail(err, VELD_E_STALE,
            "%zu %s verzegeld met de sleutel van vroeger en nog niet beoordeeld; lees en beoordeel "
            "dat eerst met device quarantine",
            count, pieces);
    return VELD_OK;
}

/* What nobody could open any more: the relay's journal is here, and nobody else works on it. */
static veld_status check_sealed(srv_session *session, veld_error *err)
{
    char relay[SRV_PATH_BYTES_MAX], path[SRV_PATH_BYTES_MAX];
    srv_journal *journal = NULL;
    veld_seal_left left;
    veld_status status;
    VELD_TRY(srv_path(session->dir, "relay", relay, err));
    VELD_TRY(srv_path(relay, "journal.db", path, err));
    VELD_TRY(srv_journal_open(path, &journal, err));
    VELD_TRY(veld_seal_left_at(session->sync, srv_journal_get(journal), &left, err));
    status = judge_left(&left, err);

done:
    srv_journal_close(journal);
    return status;
}

static veld_status check_end(veld_cli_call *call, srv_session *session, srv_key key)
{
    srv_key_facts facts;
    veld_status status = srv_key_facts_get(session, key, &facts, &call->err);
    if (status == VELD_OK && facts.former == 0)
        status =
            veld_fail(&call->err, VELD_E_NOT_FOUND, "van deze sleutel is er geen van vroeger meer");
    if (status == VELD_OK && facts.waiting > 0)
        status = veld_fail(&call->err, VELD_E_STALE,
            "%zu tablet%s nog niet overgestapt op de nieuwe sleutel; wacht, of trek wie wegblijft "
            "in met device revoke",
            facts.waiting, facts.waiting == 1 ? " is" : "s zijn");
    if (status == VELD_OK && key == SRV_KEY_SEAL)
        status = check_sealed(session, &call->err);
    return status;
}

static veld_status end_seal(srv_session *session, veld_error *err)
{
    veld_status status = veld_store_begin(session->store, err);
    if (status != VELD_OK)
        return status;
    status = veld_store_forget_seal_keys(session->store, err);
    return veld_store_end(session->store, status, err);
}

static veld_status end_listed(keys_change *c, veld_error *err)
{
    static const veld_agency_key kinds[SRV_KEYS] = {
        [SRV_KEY_RELAY] = VELD_AGENCY_RELAY, [SRV_KEY_CA] = VELD_AGENCY_CA};
    veld_p256_private root = {0};
    veld_status status;
    VELD_TRY(srv_root_open(c->call, &root));
    keys_drop_former(&c->agency, kinds[c->key], 0);
    VELD_TRY(keys_sign_statement(c, &root, err));
    VELD_TRY(srv_changing_begin(c->call->folder, err));
    status = keys_decide(c, false, err);

done:
    veld_p256_release(&root);
    return status;
}

static veld_status work_end(veld_cli_call *call, srv_session *session)
{
    keys_change *c = NULL;
    veld_status status;
    VELD_TRY(srv_changing_refuse(call->folder, &call->err));
    VELD_TRY(begin(call, session, &c));
    VELD_TRY(srv_key_find(call->arguments[0], &c->key, &call->err));
    if (c->key == SRV_KEY_ADMIN)
        VELD_TRY(veld_fail(&call->err, VELD_E_UNSUPPORTED,
            "wat de vorige beheersleutel ondertekende blijft geldig, dus zij blijft bekend"));
    VELD_TRY(check_end(call, session, c->key));
    status = c->key == SRV_KEY_SEAL ? end_seal(session, &call->err) : end_listed(c, &call->err);
    if (status == VELD_OK)
        status = finish(call, session);

done:
    if (c != NULL)
        release(c);
    return status;
}

veld_status srv_verb_keys_end(veld_cli_call *call)
{
    return alone(call, work_end);
}

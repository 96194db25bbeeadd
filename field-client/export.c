/* export: a case as a plain git repository. It leaves the vault's protection, and says so. Beside
 * it lie the decisions that persons signed, as `ssh-keygen -Y verify` wants them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "fc.h"
#include "veldkit/assert.h"
#include "veldkit/context.h"
#include "veldkit/decision.h"
#include "veldkit/sshsig.h"

enum { PATH_BYTES_MAX = VELD_CLI_FOLDER_BYTES_MAX + 128, SIGNERS_BYTES_MAX = 1 << 20 };

static veld_status write_beside(
    veld_cli_call *call, const char *dir, const char *id, const char *end, veld_span bytes)
{
    char path[PATH_BYTES_MAX];
    int len = snprintf(path, sizeof path, "%s/decisions/%s%s", dir, id, end);
    if (len <= 0 || (size_t)len >= sizeof path)
        return veld_fail(&call->err, VELD_E_LIMIT, "de naam van de map is te lang");
    return veld_cli_write_file(path, bytes, &call->err);
}

/* One line for each key, however often she decided. */
static veld_status add_signer(const veld_ssh_allowed *line, veld_buf *signers, veld_error *err)
{
    veld_status status;
    veld_buf one;
    const char *text, *lines;
    veld_buf_init(&one, SIGNERS_BYTES_MAX);
    VELD_TRY(veld_ssh_allowed_write(line, &one, err));
    VELD_TRY(veld_buf_text(&one, &text));
    VELD_TRY(veld_buf_text(signers, &lines));
    if (strstr(lines, text) == NULL)
        status = veld_buf_append_span(signers, veld_buf_span(&one));

done:
    veld_buf_release(&one);
    return status;
}

/* decisions/ID.json is what was signed, ID.sig the signature, allowed_signers whose key it is: the
 * user's number in the directory, for a key has no name. */
static veld_status write_decision(
    veld_cli_call *call, const char *dir, const veld_decided *of, veld_buf *signers)
{
    char id[VELD_ID_TEXT_SIZE];
    veld_ssh_allowed line = {.name_space = VELD_NAMESPACE_DECISION, .key = of->signer.key};
    veld_status status;
    veld_id_format(&of->signer.user, line.principal);
    VELD_TRY(add_signer(&line, signers, &call->err));
    veld_id_format(&of->record->id, id);
    VELD_TRY(write_beside(call, dir, id, ".json", of->statement));
    status = write_beside(call, dir, id, ".sig", of->signature);

done:
    return status;
}

static veld_status write_decisions(
    veld_cli_call *call, veld_case *opened, const char *dir, size_t *written)
{
    fc_session *session = call->session;
    char path[PATH_BYTES_MAX];
    veld_agency agency;
    veld_arena arena;
    veld_buf signers;
    const veld_decided *decided = NULL;
    size_t count = 0;
    veld_status status =
        veld_agency_get(session->store, &session->desk.verifier, &agency, &call->err);
    veld_arena_init(&arena, FC_ARENA_BYTES_MAX);
    veld_buf_init(&signers, SIGNERS_BYTES_MAX);
    if (status == VELD_E_NOT_FOUND)
        return VELD_OK; /* without an agency nobody decides */
    VELD_TRY(status);
    VELD_TRY(veld_decision_list(veld_case_state(opened), veld_case_id(opened), &agency,
        &session->desk.verifier, &arena, &decided, &count, &call->err));
    for (size_t i = 0; i < count; i++) {
        if (decided[i].verdict != VELD_DECISION_OF_PERSON)
            continue;
        (void)snprintf(path, sizeof path, "%s/decisions", dir);
        if (*written == 0 && mkdir(path, 0700) != 0) {
            status = veld_fail_native(&call->err, veld_status_from_errno(errno), VELD_DOMAIN_POSIX,
                errno, "de map voor de beslissingen kan niet gemaakt worden");
            goto done;
        }
        VELD_TRY(write_decision(call, dir, &decided[i], &signers));
        ++*written;
    }
    if (*written > 0)
        status = write_beside(call, dir, "allowed_signers", "", veld_buf_span(&signers));

done:
    veld_buf_release(&signers);
    veld_arena_release(&arena);
    return status;
}

/* For who has git and ssh-keygen, and neither Veldkit nor a reason to believe us. */
static const char readme[] =
    "Een zaak uit Veldkit, om zonder Veldkit te lezen en te controleren\n"
    "===================================================================\n"
    "\n"
    "Deze map is NIET versleuteld. Bewaar haar veilig en wis haar op tijd.\n"
    "Nodig: git 2.34 of nieuwer en ssh-keygen (OpenSSH 8.9 of nieuwer). Begin met: cd naar deze "
    "map.\n"
    "\n"
    "1. Zijn alle bestanden heel?\n"
    "     git fsck --strict --full\n"
    "\n"
    "2. Wie schreef wat, en wanneer? Elke commit is een wijziging; wie schreef is een apparaat.\n"
    "     git log --graph --all\n"
    "     git blame main -- SOORT/XX/NUMMER\n"
    "   De inhoud als bestanden ernaast zetten:\n"
    "     git restore --source=main .\n"
    "\n"
    "3. Klopt elke handtekening? Achter elke regel hoort G te staan, met het apparaat:\n"
    "     git log --all --format='%H %G? %GS'\n"
    "   De sleutels staan in allowed_signers, een per regel. Een commit van export@veldkit voegt\n"
    "   alleen samen wat apparaten tegelijk schreven; die heeft geen handtekening (N).\n"
    "\n"
    "4. Wie nam de beslissingen? Als er een map decisions is, staat daarin per beslissing of\n"
    "   bevestiging NUMMER.json (wat ondertekend is) en NUMMER.sig (de handtekening van de\n"
    "   persoon). Ga na wie het was en of de handtekening klopt:\n"
    "     cd decisions\n"
    "     ssh-keygen -Y find-principals -f allowed_signers -s NUMMER.sig\n"
    "     ssh-keygen -Y verify -f allowed_signers -I PERSOON -n veldkit-decision-1 \\\n"
    "       -s NUMMER.sig < NUMMER.json\n"
    "   PERSOON is wat find-principals noemt: het nummer van de gebruiker. De naam staat in\n"
    "   NUMMER.json bij by. Hier hoort decisions/allowed_signers bij, niet die van stap 3.\n"
    "   Hetzelfde NUMMER staat in git als decision/XX/NUMMER of confirmation/XX/NUMMER, met\n"
    "   dezelfde tekst en handtekening. Ontbreekt een bestand, dan is dat daar te zien.\n"
    "\n"
    "5. Wat staat apart? Een wijziging die voortbouwt op iets dat hier niet is (geweigerd, nog "
    "niet\n"
    "   beoordeeld of niet ontvangen) staat niet in main, maar in refs/veldkit/apart:\n"
    "     git ls-tree refs/veldkit/apart\n"
    "     git cat-file blob refs/veldkit/apart:NUMMER/commit    wie, wanneer, handtekening\n"
    "     git cat-file blob refs/veldkit/apart:NUMMER/writes    wat er geschreven is (CBOR)\n"
    "   Achter Veldkit-Writes in commit hoort te staan wat dit geeft:\n"
    "     (printf 'veldkit/hash/writes/1\\0'; git cat-file blob refs/veldkit/apart:NUMMER/writes) "
    "\\\n"
    "       | sha256sum\n"
    "\n"
    "Wat dit niet bewijst: dat een sleutel van dat apparaat of die persoon is. Vraag de\n"
    "organisatie om haar lijst van sleutels langs een andere weg en vergelijk. Wie een apparaat\n"
    "van de organisatie heeft, kan dat met Veldkit zelf: veldkit verify MAP\n";

static veld_status write_readme(veld_cli_call *call, const char *dir)
{
    char path[PATH_BYTES_MAX];
    int len = snprintf(path, sizeof path, "%s/LEESMIJ.txt", dir);
    if (len <= 0 || (size_t)len >= sizeof path)
        return veld_fail(&call->err, VELD_E_LIMIT, "de naam van de map is te lang");
    return veld_cli_write_file(path, veld_span_text(readme), &call->err);
}

veld_status fc_verb_export(veld_cli_call *call)
{
    veld_case *opened = NULL;
    veld_json_writer writer;
    const char *dir = call->arguments[1];
    veld_status status;
    VELD_TRY(fc_case_open(call, call->arguments[0], &opened));
    veld_exported done = {0};
    size_t decisions = 0;
    VELD_TRY(veld_case_export(opened, dir, &done, &call->err));
    veld_cli_note(
        call, "Let op: deze map is niet versleuteld. Bewaar haar veilig en wis haar op tijd.\n");
    VELD_TRY(write_decisions(call, opened, dir, &decisions));
    VELD_TRY(write_readme(call, dir));
    fc_note_before(call, opened);
    const veld_case_base *base = veld_case_get_base(opened);
    size_t before = base == NULL ? 0 : (size_t)base->changes;
    size_t changes = veld_graph_count(veld_case_graph(opened)) - before - done.left_out;
    if (done.apart > 0)
        veld_cli_note(call,
            "%zu wijziging%s voort op iets dat hier niet is: niet in main, wel apart "
            "(LEESMIJ.txt).\n",
            done.apart, done.apart == 1 ? " bouwt" : "en bouwen");
    if (done.left_out > 0) {
        call->exit_code = VELD_CLI_EXIT_PARTLY;
        veld_cli_note(call, "%zu wijziging%s niet mee; `veldkit verify` zegt waarom.\n",
            done.left_out, done.left_out == 1 ? " kan" : "en kunnen");
    }
    if (!veld_cli_given(call, VELD_CLI_JSON)) {
        status =
            veld_cli_say(call, "%zu wijziging%s geschreven.\n", changes, changes == 1 ? "" : "en");
        goto done;
    }
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_cli_json_count(&writer, "apart", done.apart);
    veld_cli_json_id(&writer, "case", veld_case_id(opened));
    veld_cli_json_count(&writer, "changes", changes);
    veld_cli_json_count(&writer, "decisions", decisions);
    veld_cli_json_text(&writer, "dir", veld_span_text(dir));
    veld_cli_json_count(&writer, "leftOut", done.left_out);
    veld_json_writer_object_end(&writer);
    status = veld_cli_json_end(call, &writer);

done:
    veld_case_close(opened);
    return status;
}

/* A new vault, and init --local, which makes one without an agency. It is built in a folder beside
 * its place and renamed when all of it is on the disk, so there is a whole vault or none; what a
 * killed attempt left behind is thrown away by the next. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fc.h"
#include "veldkit/assert.h"
#include "veldkit/host.h"
#include "veldkit/limits.h"
#include "veldkit/pin.h"

static veld_status fail_errno(veld_error *err, const char *what)
{
    return veld_fail_native(
        err, veld_status_from_errno(errno), VELD_DOMAIN_POSIX, errno, "%s", what);
}

const char *fc_worker_name(const veld_cli_call *call)
{
    const char *given = veld_cli_value(call, FC_OPTION_NAME);
    const struct passwd *user = given == NULL ? getpwuid(geteuid()) : NULL;
    if (given != NULL)
        return given;
    return user != NULL ? user->pw_name : "onbekend";
}

/* A card takes the name, so what a card refuses is refused here, before anything is made. */
static veld_status check_name(veld_cli_call *call, const char *name)
{
    size_t len = strlen(name);
    bool control = false;
    for (size_t i = 0; i < len; i++)
        control = control || (unsigned char)name[i] < 0x20 || name[i] == 0x7F;
    if (len == 0 || len > VELD_CARD_NAME_BYTES_MAX || control)
        return veld_fail(&call->err, VELD_E_INVALID, "een naam heeft 1 tot %u bytes, op één regel",
            VELD_CARD_NAME_BYTES_MAX);
    veld_json_writer writer;
    veld_buf text;
    veld_buf_init(&text, FC_CARD_TEXT_MAX);
    veld_json_writer_init(&writer, &text);
    veld_json_writer_text(&writer, name);
    veld_status status = veld_json_writer_finish(&writer, NULL);
    veld_buf_release(&text);
    return status == VELD_OK ? VELD_OK
                             : veld_fail(&call->err, VELD_E_INVALID, "de naam is geen UTF-8");
}

/* Nothing is there yet, or an empty folder. */
static veld_status check_free(veld_cli_call *call)
{
    size_t entries = 0;
    veld_status status = fc_wiped_clear(call);
    DIR *folder = status == VELD_OK ? opendir(call->folder) : NULL;
    if (status != VELD_OK)
        return status;
    if (folder == NULL)
        return errno == ENOENT ? VELD_OK
                               : fail_errno(&call->err, "de map van de kluis is niet te lezen");
    while (readdir(folder) != NULL)
        entries++;
    closedir(folder);
    if (entries > 2)
        return veld_fail(&call->err, VELD_E_EXISTS, "hier is al een kluis, of de map is niet leeg");
    return VELD_OK;
}

static void remove_folder(const char *path)
{
    char file[VELD_CLI_FOLDER_BYTES_MAX + 512];
    DIR *folder = opendir(path);
    if (folder == NULL)
        return;
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        int len = snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        if (len > 0 && (size_t)len < sizeof file)
            (void)unlink(file);
    }
    closedir(folder);
    (void)rmdir(path);
}

static veld_status make_parents(veld_cli_call *call, const char *path)
{
    char part[VELD_CLI_FOLDER_BYTES_MAX + 16];
    (void)snprintf(part, sizeof part, "%s", path);
    for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(part, 0700) != 0 && errno != EEXIST)
            return fail_errno(&call->err, "de map boven de kluis kan niet gemaakt worden");
        *slash = '/';
    }
    return VELD_OK;
}

static veld_status put_in_place(veld_cli_call *call, const char *built)
{
    char parent[VELD_CLI_FOLDER_BYTES_MAX + 16];
    (void)snprintf(parent, sizeof parent, "%s", built);
    char *slash = strrchr(parent, '/');
    if (slash == NULL)
        (void)snprintf(parent, sizeof parent, ".");
    else
        slash[slash == parent ? 1 : 0] = '\0';
    if (rename(built, call->folder) != 0)
        return fail_errno(&call->err, "de kluis kan niet op haar plaats gezet worden");
    int folder = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0 || fsync(folder) != 0) {
        veld_status status = fail_errno(&call->err, "de kluis staat nog niet vast op de schijf");
        if (folder >= 0)
            close(folder);
        return status;
    }
    close(folder);
    return VELD_OK;
}

static veld_status build(veld_cli_call *call, const char *folder, const char *name, fc_made *made)
{
    fc_session session = {.env = veld_host_env()};
    veld_pin_params params;
    const veld_span pin = veld_cli_pin_span(&made->pin);
    veld_status status;
    if (mkdir(folder, 0700) != 0)
        return fail_errno(&call->err, "de map van de kluis kan niet gemaakt worden");
    if (made->choice.is_chip)
        VELD_TRY(fc_tpm_put(folder, &made->choice.tpm, &call->err));
    VELD_TRY(fc_keystore_new(
        &session.env, folder, VELD_DOOR_PIN, &made->choice, &session.keystore, &call->err));
    VELD_TRY(veld_passphrase_check(session.keystore.strength, pin, &call->err));
    VELD_TRY(fc_pin_params(call, &session.env, &params));
    VELD_TRY(veld_vault_create(
        &session.env, folder, &session.keystore, pin, &params, &session.vault, &call->err));
    VELD_TRY(veld_store_create(&session.env, folder, session.vault, &session.store, &call->err));
    VELD_TRY(veld_store_put_value(session.store, FC_GROUP_SETTINGS,
        veld_span_text(FC_SETTING_WORKER), veld_span_text(name), &call->err));
    made->device = *veld_store_device(session.store);

done:
    fc_session_close(&session);
    return status;
}

static const char *kind_of(const fc_made *made)
{
    return made->choice.is_chip ? VELD_KEYSTORE_TPM2 : "file";
}

static veld_status say_made(veld_cli_call *call, const fc_made *made, const char *name)
{
    veld_json_writer writer;
    const bool generated = veld_cli_given(call, FC_OPTION_GENERATE);
    char text[VELD_ID_TEXT_SIZE];
    veld_id_format(&made->device, text);
    if (!veld_cli_given(call, VELD_CLI_JSON)) {
        veld_status status =
            veld_cli_say(call, "De kluis is klaar. Dit apparaat heeft nummer %s.\n", text);
        return status == VELD_OK && generated ? fc_say_passphrase(call, &made->pin) : status;
    }
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_cli_json_id(&writer, "device", &made->device);
    veld_cli_json_text(&writer, "keystore", veld_span_text(kind_of(made)));
    if (generated)
        veld_cli_json_text(&writer, "passphrase", veld_cli_pin_span(&made->pin));
    veld_cli_json_text(&writer, "worker", veld_span_text(name));
    veld_json_writer_object_end(&writer);
    return veld_cli_json_end(call, &writer);
}

veld_status fc_vault_make(veld_cli_call *call, const char *name, fc_made *out)
{
    char folder[VELD_CLI_FOLDER_BYTES_MAX + 16];
    veld_status status;
    VELD_ASSERT(call->session == NULL);
    (void)snprintf(folder, sizeof folder, "%s.init", call->folder);
    VELD_TRY(check_name(call, name));
    VELD_TRY(check_free(call));
    VELD_TRY(fc_keystore_choose(call, &out->choice));
    VELD_TRY(fc_crypto_ready(&call->err));
    if (!out->choice.is_chip)
        veld_cli_note(call,
            "Let op: de sleutel van deze kluis staat in een gewoon bestand. Wie de map "
            "kopieert, heeft\n"
            "alleen nog je wachtwoord nodig. Gebruik deze kluis om te proberen, niet voor "
            "echte zaken.\n%s",
            veld_cli_given(call, FC_OPTION_GENERATE)
                ? ""
                : "Een sterk wachtwoord van zes woorden krijg je met --generate-passphrase.\n");
    VELD_TRY(veld_cli_given(call, FC_OPTION_GENERATE) ? fc_pin_new(call, NULL, &out->pin)
                                                      : veld_cli_pin_get(call, true, &out->pin));
    VELD_TRY(make_parents(call, folder));
    remove_folder(folder);
    status = build(call, folder, name, out);
    if (status == VELD_OK)
        status = put_in_place(call, folder);
    if (status != VELD_OK)
        remove_folder(folder);

done:
    return status;
}

veld_status fc_verb_init(veld_cli_call *call)
{
    const char *name = fc_worker_name(call);
    fc_made made = {0};
    veld_status status = fc_vault_make(call, name, &made);
    if (status == VELD_OK)
        status = say_made(call, &made, name);
    veld_cli_pin_release(&made.pin);
    return status;
}

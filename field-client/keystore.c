/* Where this vault's device key is, and how it is opened: the kind of keystore, the way to the TPM,
 * the count of wrong attempts. HOME/tpm is a line of plain text that says where the TPM is, when it
 * is not the kernel's own. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fc.h"
#include "veldkit/assert.h"
#include "veldkit/attempts.h"

#define TPM_FILE "tpm"

/* The file is a setting that a person may have edited: the end of its line does not belong to it.
 */
static veld_status read_tpm(const char *folder, veld_tpm2 *out, veld_error *err)
{
    char path[VELD_CLI_FOLDER_BYTES_MAX + 16], text[VELD_TPM2_ADDRESS_MAX + 2] = VELD_TPM2_DEVICE;
    (void)snprintf(path, sizeof path, "%s/" TPM_FILE, folder);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno != ENOENT)
        return veld_fail_native(err, veld_status_from_errno(errno), VELD_DOMAIN_POSIX, errno,
            "het bestand tpm is niet te lezen");
    if (fd >= 0) {
        ssize_t got = read(fd, text, sizeof text - 1);
        text[got > 0 ? got : 0] = '\0';
        close(fd);
    }
    text[strcspn(text, "\r\n")] = '\0';
    return veld_tpm2_address(veld_span_text(text), out, err);
}

veld_status fc_tpm_put(const char *folder, const veld_tpm2 *tpm, veld_error *err)
{
    char path[VELD_CLI_FOLDER_BYTES_MAX + 32];
    if (strcmp(tpm->address, VELD_TPM2_DEVICE) == 0)
        return VELD_OK;
    (void)snprintf(path, sizeof path, "%s/" TPM_FILE, folder);
    (void)unlink(path); /* of a keystore that is no more */
    return veld_cli_write_file(path, veld_span_text(tpm->address), err);
}

veld_status fc_keystore_choose(veld_cli_call *call, fc_keystore_choice *out)
{
    const char *text = veld_cli_value(call, FC_OPTION_KEYSTORE);
    const char *address = VELD_TPM2_DEVICE;
    *out = (fc_keystore_choice){.is_chip = text == NULL && veld_tpm2_is_there()};
    if (text != NULL && strcmp(text, "file") != 0) {
        if (strncmp(text, VELD_KEYSTORE_TPM2, 4) != 0 || (text[4] != '\0' && text[4] != ':'))
            return veld_fail(&call->err, VELD_E_INVALID,
                "--keystore is file, tpm2, of tpm2: met waar de TPM is");
        out->is_chip = true;
        if (text[4] == ':')
            address = text + 5;
    }
    return out->is_chip ? veld_tpm2_address(veld_span_text(address), &out->tpm, &call->err)
                        : VELD_OK;
}

veld_status fc_keystore_new(const veld_env *env, const char *folder, veld_door door,
    fc_keystore_choice *choice, veld_keystore *out, veld_error *err)
{
    const veld_keystore_chip chip = veld_tpm2_chip(&choice->tpm);
    return veld_keystore_new(env, folder, door, choice->is_chip ? &chip : NULL, out, err);
}

/* No keystore: there is no vault here, or somebody moved a vault without its keystore. */
static veld_status explain_absence(veld_cli_call *call, veld_status status)
{
    char path[VELD_CLI_FOLDER_BYTES_MAX + 16];
    if (status != VELD_E_NOT_FOUND)
        return status;
    (void)snprintf(path, sizeof path, "%s/vault", call->folder);
    if (access(path, F_OK) == 0)
        return veld_fail(&call->err, VELD_E_WRONG_DEVICE,
            "bij deze kluis ontbreekt de sleutel "
            "van het apparaat (het bestand keystore)");
    call->exit_code = veld_cli_exit_code(VELD_E_WRONG_DEVICE);
    return veld_fail(
        &call->err, VELD_E_NOT_FOUND, "hier is nog geen kluis; maak er een met veldkit init");
}

veld_status fc_keystore_open(
    veld_cli_call *call, veld_door door, fc_keystore_choice *choice, veld_keystore *out)
{
    veld_keystore_info info = {0};
    veld_status status;
    VELD_TRY(explain_absence(call, veld_keystore_look(call->folder, door, &info, &call->err)));
    *choice = (fc_keystore_choice){.is_chip = strcmp(info.kind, VELD_KEYSTORE_TPM2) == 0};
    if (choice->is_chip)
        VELD_TRY(read_tpm(call->folder, &choice->tpm, &call->err));
    const veld_keystore_chip chip = veld_tpm2_chip(&choice->tpm);
    status =
        veld_keystore_open(call->folder, door, choice->is_chip ? &chip : NULL, out, &call->err);

done:
    return status;
}

veld_status fc_vault_look(veld_cli_call *call)
{
    veld_keystore_info info = {0};
    return explain_absence(
        call, veld_keystore_look(call->folder, VELD_DOOR_PIN, &info, &call->err));
}

/* A process that is asked to end does so when its attempt has an outcome: the right PIN then counts
 * as no wrong one, and who ends it after a guess has not undone the guess. */
static void keep_signals(sigset_t *before)
{
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &ending, before);
}

/* All of it under the lock of the count: nobody opens while another changes the door. */
veld_status fc_vault_open(veld_cli_call *call, const veld_env *env, fc_vault_parts *parts,
    veld_span pin, veld_status (*then)(void *context), void *context)
{
    veld_attempt attempt;
    veld_keystore_info info = {0};
    sigset_t before;
    veld_status status;
    keep_signals(&before);
    VELD_TRY(
        explain_absence(call, veld_keystore_look(call->folder, VELD_DOOR_PIN, &info, &call->err)));
    VELD_TRY(veld_attempts_begin(env, call->folder, &attempt, &call->err));
    status = fc_keystore_open(call, VELD_DOOR_PIN, parts->choice, parts->keystore);
    if (status == VELD_OK)
        status = veld_vault_open(env, call->folder, parts->keystore, pin, parts->vault, &call->err);
    veld_status outcome = status;
    if (status == VELD_OK && then != NULL)
        status = then(context);
    veld_attempts_end(env, &attempt, outcome);

done:
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return status;
}

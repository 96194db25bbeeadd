/* A vault that the office had wiped. HOME/wiped is the mark of it, and the moment at which it is
 * decided: from its rename on nothing opens this vault any more, and whoever comes by, a verb or
 * the process that hands in, removes what is left of it. As long as the office has not heard of a
 * wipe that was done while the vault was locked, the mark also holds the sealed parcel with the
 * device's word for it, and the key for TLS to bring it.
 *
 *   wiped = [format 0, reason (0 = not known), utc ms, parcel or empty], CBOR */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fc.h"
#include "veldkit/cbor.h"
#include "veldkit/time.h"

enum { FORMAT = 0, ITEMS = 4, MARK_BYTES_MAX = 64 << 10, ZEROS = 512 };

static void path_of(const char *folder, const char *name, char *out, size_t size)
{
    (void)snprintf(out, size, "%s/%s", folder, name);
}

static veld_status fail_errno(veld_error *err)
{
    return veld_fail_native(err, veld_status_from_errno(errno), VELD_DOMAIN_POSIX, errno,
        "de kluis kan niet gewist worden");
}

const char *fc_order_reason(veld_order_reason reason)
{
    static const char *const reasons[] = {[0] = "in opdracht van kantoor",
        [VELD_ORDER_REASSIGNED] = "iemand anders werkt er nu aan",
        [VELD_ORDER_REVOKED] = "dit apparaat is ingetrokken",
        [VELD_ORDER_SECRET] = "wat erin staat is geheim geworden",
        [VELD_ORDER_ERASURE] = "de zaak wordt vernietigd",
        [VELD_ORDER_LOST] = "dit apparaat is als verloren gemeld"};
    return reasons[reason];
}

/* ---- the mark ---- */
static veld_status settle_folder(const char *folder, veld_error *err)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_settled = fd >= 0 && fsync(fd) == 0;
    veld_status status = is_settled ? VELD_OK : fail_errno(err);
    if (fd >= 0)
        close(fd);
    return status;
}

veld_status fc_wiped_put(
    const char *folder, const fc_wiped *wiped, veld_span parcel, veld_error *err)
{
    char path[VELD_CLI_FOLDER_BYTES_MAX + 16], made[VELD_CLI_FOLDER_BYTES_MAX + 16];
    veld_buf bytes;
    veld_status status;
    veld_buf_init(&bytes, MARK_BYTES_MAX);
    veld_cbor_writer writer = veld_cbor_write(&bytes);
    veld_cbor_put_array(&writer, ITEMS);
    veld_cbor_put_uint(&writer, FORMAT);
    veld_cbor_put_uint(&writer, (uint64_t)wiped->reason);
    veld_cbor_put_int(&writer, wiped->utc_ms);
    veld_cbor_put_bytes(&writer, parcel);
    VELD_TRY(veld_cbor_writer_finish(&writer, err));
    path_of(folder, "wiped", path, sizeof path);
    path_of(folder, "wiped.new", made, sizeof made);
    (void)unlink(made); /* of one that was killed */
    VELD_TRY(veld_cli_write_file(made, veld_buf_span(&bytes), err));
    if (rename(made, path) != 0) {
        status = fail_errno(err);
        goto done;
    }
    status = settle_folder(folder, err);

done:
    veld_buf_wipe(&bytes);
    return status;
}

static bool read_mark(veld_span bytes, fc_wiped *out, veld_buf *parcel)
{
    veld_cbor_reader reader = veld_cbor_read(bytes);
    if (veld_cbor_array(&reader, ITEMS) != ITEMS || veld_cbor_uint(&reader) != FORMAT)
        veld_cbor_reader_fail(&reader, VELD_E_FORM);
    uint64_t reason = veld_cbor_uint(&reader);
    int64_t utc_ms = veld_cbor_int(&reader);
    veld_span held = veld_cbor_bytes(&reader);
    if (veld_cbor_reader_finish(&reader, NULL) != VELD_OK || reason > VELD_ORDER_LOST)
        return false;
    *out =
        (fc_wiped){.reason = (veld_order_reason)reason, .utc_ms = utc_ms, .is_told = held.len == 0};
    return parcel == NULL || veld_buf_append_span(parcel, held) == VELD_OK;
}

/* A mark that cannot be read is a mark: what is left beside it opens nowhere. */
bool fc_wiped_get(const char *folder, fc_wiped *out, veld_buf *parcel)
{
    char path[VELD_CLI_FOLDER_BYTES_MAX + 16];
    struct stat file = {0};
    uint8_t *room = NULL;
    veld_buf bytes;
    *out = (fc_wiped){.is_told = true};
    path_of(folder, "wiped", path, sizeof path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return false;
    veld_buf_init(&bytes, MARK_BYTES_MAX);
    if (fstat(fd, &file) == 0 && file.st_size > 0 &&
        veld_buf_extend(&bytes, (size_t)file.st_size, &room) == VELD_OK &&
        read(fd, room, bytes.len) == (ssize_t)bytes.len)
        (void)read_mark(veld_buf_span(&bytes), out, parcel);
    close(fd);
    veld_buf_wipe(&bytes);
    return true;
}

/* ---- what is removed ---- */
/* What lies in the middle of a file may stay on a disk that is taken apart: as far as a file system
 * lets us, the keys are overwritten first. */
static void overwrite(const char *path)
{
    static const uint8_t zeros[ZEROS];
    struct stat file = {0};
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return;
    if (fstat(fd, &file) == 0 && S_ISREG(file.st_mode))
        for (off_t left = file.st_size; left > 0; left -= ZEROS)
            if (write(fd, zeros, left < ZEROS ? (size_t)left : ZEROS) < 0)
                break;
    (void)fsync(fd);
    close(fd);
}

/* The keys first: what is left without them nobody can read. */
veld_status fc_vault_remove(const char *folder, veld_error *err)
{
    static const char *const keys[] = {"keystore", "keystore.next", "recovery.keystore",
        "recovery.keystore.next", "vault", "recovery"};
    static const char *const others[] = {"tpm", "attempts", "continuity", "store.db-wal",
        "store.db-shm", "store.db", "unsent", "unsent.new", "owner"};
    const size_t keys_count = sizeof keys / sizeof keys[0];
    char path[VELD_CLI_FOLDER_BYTES_MAX + 32];
    for (size_t i = 0; i < keys_count + sizeof others / sizeof others[0]; i++) {
        path_of(folder, i < keys_count ? keys[i] : others[i - keys_count], path, sizeof path);
        if (i < keys_count)
            overwrite(path);
        if (unlink(path) != 0 && errno != ENOENT)
            return fail_errno(err);
    }
    return settle_folder(folder, err);
}

static void forget_receipts(const char *folder)
{
    char path[VELD_CLI_FOLDER_BYTES_MAX + 16];
    path_of(folder, "handed-in", path, sizeof path);
    (void)unlink(path);
}

/* Who hands in for a locked tablet does not outlive the vault. */
veld_status fc_vault_destroy(veld_cli_call *call, const fc_wiped *wiped)
{
    veld_status status;
    (void)fc_sender_end(call->folder);
    VELD_TRY(fc_wiped_put(call->folder, wiped, (veld_span){0}, &call->err));
    VELD_TRY(fc_vault_remove(call->folder, &call->err));
    forget_receipts(call->folder);

done:
    return status;
}

/* ---- who comes by ---- */

/* Ends what was begun: the vault is gone, and the office hears of it. */
static veld_status go_on(veld_cli_call *call, fc_wiped *out)
{
    veld_buf parcel;
    veld_status status;
    veld_buf_init(&parcel, MARK_BYTES_MAX);
    (void)fc_wiped_get(call->folder, out, &parcel);
    VELD_TRY(fc_vault_remove(call->folder, &call->err));
    if (out->is_told)
        forget_receipts(call->folder);
    else if (!fc_sender_is_there(call->folder))
        fc_sender_run(call->folder, veld_buf_span(&parcel));

done:
    veld_buf_wipe(&parcel);
    return status;
}

veld_status fc_wiped_refuse(veld_cli_call *call)
{
    fc_wiped wiped;
    if (!fc_wiped_get(call->folder, &wiped, NULL))
        return VELD_OK;
    veld_status status = go_on(call, &wiped);
    if (status != VELD_OK)
        return status;
    call->exit_code = veld_cli_exit_code(VELD_E_WRONG_DEVICE);
    return veld_fail(&call->err, VELD_E_NOT_FOUND,
        "deze kluis is door kantoor gewist: %s; er is geen wachtwoord dat haar nog opent",
        fc_order_reason(wiped.reason));
}

veld_status fc_wiped_clear(veld_cli_call *call)
{
    static const char *const names[] = {"wiped.new", "handed-in", "wiped"};
    fc_wiped wiped;
    veld_status status = VELD_OK;
    char path[VELD_CLI_FOLDER_BYTES_MAX + 16];
    if (!fc_wiped_get(call->folder, &wiped, NULL))
        return VELD_OK;
    VELD_TRY(go_on(call, &wiped));
    if (!wiped.is_told)
        return veld_fail(&call->err, VELD_E_EXISTS,
            "hier is een kluis gewist en kantoor weet het nog niet; probeer het weer als er "
            "verbinding is");
    (void)fc_sender_end(call->folder);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        path_of(call->folder, names[i], path, sizeof path);
        (void)unlink(path);
    }

done:
    return status;
}

static const char *reason_word(veld_order_reason reason)
{
    return reason == VELD_ORDER_LOST ? "lost" : reason == VELD_ORDER_REVOKED ? "revoked" : "";
}

veld_status fc_wiped_status(veld_cli_call *call, bool *is_wiped)
{
    fc_wiped wiped;
    veld_json_writer writer;
    char when[VELD_INSTANT_TEXT_SIZE];
    veld_status status = VELD_OK;
    *is_wiped = fc_wiped_get(call->folder, &wiped, NULL);
    if (!*is_wiped)
        return VELD_OK;
    VELD_TRY(go_on(call, &wiped));
    veld_cli_time(call, wiped.utc_ms, when);
    if (veld_cli_given(call, VELD_CLI_JSON)) {
        veld_json_writer_init(&writer, &call->out);
        veld_json_writer_object_begin(&writer);
        veld_json_writer_name(&writer, "confirmed");
        veld_json_writer_boolean(&writer, wiped.is_told);
        veld_cli_json_text(&writer, "reason", veld_span_text(reason_word(wiped.reason)));
        veld_cli_json_text(&writer, "wiped", veld_span_text(when));
        veld_json_writer_object_end(&writer);
        return veld_cli_json_end(call, &writer);
    }
    status = veld_cli_say(call,
        "Deze kluis is op %s door kantoor gewist: %s.\nWat nog niet verzonden was is eerst "
        "ingeleverd. %s\n",
        when, fc_order_reason(wiped.reason),
        wiped.is_told ? "Kantoor weet dat er gewist is."
                      : "Kantoor hoort dat er gewist is zodra er verbinding is.");

done:
    return status;
}

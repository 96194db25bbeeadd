/* Files of an agency's folder: small, ours alone, whole or absent. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "srv.h"
#include "veldkit/assert.h"

enum { SRV_NAME_BYTES_MAX = 96 };

static veld_status fail_errno(veld_error *err, const char *what, const char *name)
{
    return veld_fail_native(
        err, veld_status_from_errno(errno), VELD_DOMAIN_POSIX, errno, "%s: %s", what, name);
}

veld_status srv_path(
    const char *dir, const char *name, char out[SRV_PATH_BYTES_MAX], veld_error *err)
{
    int len = snprintf(out, SRV_PATH_BYTES_MAX, "%s/%s", dir, name);
    if (len < 0 || (size_t)len >= SRV_PATH_BYTES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "de naam van de map is te lang");
    return VELD_OK;
}

veld_status srv_read_file(const char *dir, const char *name, veld_buf *out, veld_error *err)
{
    char path[SRV_PATH_BYTES_MAX];
    uint8_t part[4096];
    veld_status status;
    int fd = -1;
    VELD_TRY(srv_path(dir, name, path, err));
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        status = fail_errno(err, "bestand kan niet gelezen worden", name);
        goto done;
    }
    for (;;) {
        ssize_t got = read(fd, part, sizeof part);
        if (got == 0)
            break;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            status = fail_errno(err, "bestand kan niet gelezen worden", name);
            goto done;
        }
        if (out->len + (size_t)got > SRV_FILE_BYTES_MAX) {
            status = veld_fail(err, VELD_E_LIMIT, "bestand is te groot: %s", name);
            goto done;
        }
        VELD_TRY(veld_buf_append(out, part, (size_t)got));
    }

done:
    veld_wipe(part, sizeof part);
    if (fd >= 0)
        close(fd);
    return status;
}

veld_status srv_read_secret(const char *dir, const char *name, veld_buf *out, veld_error *err)
{
    char credential[SRV_NAME_BYTES_MAX];
    const char *given = getenv("CREDENTIALS_DIRECTORY"), *folder = strrchr(dir, '/');
    veld_status status = srv_read_file(dir, name, out, err);
    if (status != VELD_E_NOT_FOUND)
        return status;
    (void)snprintf(
        credential, sizeof credential, "veldkit.%s.%s", folder != NULL ? folder + 1 : dir, name);
    if (given != NULL && given[0] == '/')
        status = srv_read_file(given, credential, out, err);
    if (status == VELD_E_NOT_FOUND)
        status = veld_fail(err, VELD_E_NOT_FOUND,
            "een geheim ontbreekt: het bestand %s of de systemd-credential %s", name, credential);
    return status;
}

static veld_status sync_folder(const char *dir, veld_error *err)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    veld_status status = VELD_OK;
    if (fd < 0 || fsync(fd) != 0)
        status = fail_errno(err, "de map staat niet vast op de schijf", dir);
    if (fd >= 0)
        close(fd);
    return status;
}

/* Beside its place and renamed, so that a reader sees the old or the new one. */
veld_status srv_write_file(const char *dir, const char *name, veld_span bytes, veld_error *err)
{
    char path[SRV_PATH_BYTES_MAX], beside[SRV_PATH_BYTES_MAX + 8];
    veld_status status;
    VELD_TRY(srv_path(dir, name, path, err));
    (void)snprintf(beside, sizeof beside, "%s.new", path);
    (void)unlink(beside);
    VELD_TRY(veld_cli_write_file(beside, bytes, err));
    if (rename(beside, path) != 0) {
        status = fail_errno(err, "bestand kan niet op zijn plaats gezet worden", name);
        (void)unlink(beside);
        goto done;
    }
    status = sync_folder(dir, err);

done:
    return status;
}

veld_status srv_write_key(
    const char *dir, const char *name, const veld_p256_private *key, veld_error *err)
{
    char text[2 * VELD_P256_PRIVATE_BYTES + 2];
    veld_hex_encode(veld_secret_span(&key->scalar), text, sizeof text);
    text[sizeof text - 2] = '\n';
    text[sizeof text - 1] = '\0';
    veld_status status = srv_write_file(dir, name, veld_span_text(text), err);
    veld_wipe(text, sizeof text);
    return status;
}

veld_status srv_read_key(const char *dir, const char *name, veld_p256_private *out, veld_error *err)
{
    uint8_t scalar[VELD_P256_PRIVATE_BYTES];
    veld_buf text;
    veld_status status;
    veld_buf_init(&text, SRV_FILE_BYTES_MAX);
    VELD_TRY(srv_read_secret(dir, name, &text, err));
    veld_span hex = veld_span_part(veld_buf_span(&text), 0, sizeof scalar * 2);
    if (text.len != sizeof scalar * 2 + 1 ||
        veld_hex_decode(hex, scalar, sizeof scalar) != VELD_OK) {
        status = veld_fail(err, VELD_E_FORM, "dit is geen sleutel: %s", name);
        goto done;
    }
    VELD_TRY(veld_p256_import(veld_span_of(scalar, sizeof scalar), out, err));

done:
    veld_wipe(scalar, sizeof scalar);
    veld_buf_wipe(&text);
    return status;
}

veld_status srv_lock(const char *dir, int *fd, veld_error *err)
{
    char path[SRV_PATH_BYTES_MAX], text[24] = {0};
    veld_status status;
    *fd = -1;
    VELD_TRY(srv_path(dir, "lock", path, err));
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0) {
        status = errno == ENOENT ? veld_fail(err, VELD_E_NOT_FOUND,
                                       "hier is geen organisatie; maak er een met init")
                                 : fail_errno(err, "de map kan niet vastgehouden worden", "lock");
        goto done;
    }
    if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        ssize_t got = pread(lock, text, sizeof text - 1, 0);
        text[strspn(text, "0123456789")] = '\0';
        status = veld_fail(err, VELD_E_BUSY, "proces %s bedient deze map al",
            got > 0 && text[0] != '\0' ? text : "(onbekend)");
        close(lock);
        goto done;
    }
    int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    /* The number only helps a person: a full disk is no reason to refuse. */
    if (ftruncate(lock, 0) == 0)
        (void)!pwrite(lock, text, (size_t)len, 0);
    *fd = lock;

done:
    return status;
}

/* Where the passphrase comes from: the terminal with echo off, a file, or a command's output; never
 * an argument or the environment. It lives in locked, wiped memory from the first byte, and is
 * taken as typed: only the end of the line does not belong to it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "veldkit/assert.h"
#include "veldkit/cli.h"
#include "veldkit/limits.h"

enum { KEY_INTERRUPT = 3, KEY_END = 4, KEY_BACKSPACE = 8, KEY_CLEAR = 21, KEY_DELETE = 127 };

void veld_cli_pin_release(veld_cli_pin *pin)
{
    veld_secret_release(&pin->bytes);
    pin->len = 0;
}

veld_span veld_cli_pin_span(const veld_cli_pin *pin)
{
    return veld_span_of(pin->bytes.data, pin->len);
}

/* The first line of a file or pipe. */
static veld_status read_line(int fd, veld_cli_pin *pin, veld_error *err)
{
    size_t capacity = pin->bytes.len;
    while (pin->len < capacity) {
        ssize_t got = read(fd, pin->bytes.data + pin->len, capacity - pin->len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return veld_fail_native(err, VELD_E_LOCKED, VELD_DOMAIN_POSIX, errno,
                "het wachtwoord kan niet gelezen worden");
        if (got == 0)
            break;
        pin->len += (size_t)got;
    }
    for (size_t i = 0; i < pin->len; i++)
        if (pin->bytes.data[i] == '\n')
            pin->len = i;
    if (pin->len > 0 && pin->bytes.data[pin->len - 1] == '\r')
        pin->len--;
    if (pin->len > VELD_PIN_BYTES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "het wachtwoord is te lang");
    return VELD_OK;
}

static veld_status from_file(const char *path, veld_cli_pin *pin, veld_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return veld_fail_native(err, VELD_E_LOCKED, VELD_DOMAIN_POSIX, errno,
            "het bestand met het wachtwoord is er niet of is niet te lezen: %.80s", path);
    veld_status status = read_line(fd, pin, err);
    close(fd);
    return status;
}

static veld_status from_command(const char *command, veld_cli_pin *pin, veld_error *err)
{
    int ends[2];
    if (pipe(ends) != 0)
        return veld_fail(err, VELD_E_IO, "no pipe for the command");
    pid_t child = fork();
    if (child == 0) {
        if (dup2(ends[1], STDOUT_FILENO) >= 0) {
            close(ends[0]);
            close(ends[1]);
            execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        }
        _exit(127);
    }
    close(ends[1]);
    veld_status status = VELD_OK;
    if (child < 0)
        status = veld_fail(err, VELD_E_IO, "the command cannot be started");
    else
        status = read_line(ends[0], pin, err);
    close(ends[0]);
    int result = 0;
    while (child > 0 && waitpid(child, &result, 0) < 0 && errno == EINTR)
        continue;
    if (status == VELD_OK && (!WIFEXITED(result) || WEXITSTATUS(result) != 0))
        status = veld_fail(err, VELD_E_LOCKED, "de opdracht van --pin-command is mislukt");
    return status;
}

/* One key of the terminal; true when the line is done. */
static bool take_key(veld_cli_pin *pin, uint8_t key, veld_status *status)
{
    switch (key) {
    case '\r':
    case '\n':
    case KEY_END:
        return true;
    case KEY_INTERRUPT:
        *status = VELD_E_INTERRUPTED;
        return true;
    case KEY_CLEAR:
        pin->len = 0;
        return false;
    case KEY_BACKSPACE:
    case KEY_DELETE: /* a whole character: the bytes that go on, then the one that begins it */
        while (pin->len > 0 && (pin->bytes.data[pin->len - 1] & 0xC0) == 0x80)
            pin->len--;
        pin->len -= pin->len > 0 ? 1 : 0;
        return false;
    default:
        if (pin->len == VELD_PIN_BYTES_MAX) {
            *status = VELD_E_LIMIT;
            return true;
        }
        pin->bytes.data[pin->len++] = key;
        return false;
    }
}

/* Keys are read one by one and signals come as keys, so that the terminal is always put back. */
static veld_status from_terminal(int tty, const char *prompt, veld_cli_pin *pin, veld_error *err)
{
    struct termios before;
    if (tcgetattr(tty, &before) != 0)
        return veld_fail(err, VELD_E_LOCKED, "de terminal laat zich niet instellen");
    struct termios quiet = before;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ISIG | ICANON);
    quiet.c_cc[VMIN] = 1;
    quiet.c_cc[VTIME] = 0;
    if (tcsetattr(tty, TCSAFLUSH, &quiet) != 0)
        return veld_fail(err, VELD_E_LOCKED, "de terminal laat zich niet instellen");
    veld_status status = veld_cli_write_all(tty, -1, veld_span_text(prompt), err);
    bool done = false;
    while (status == VELD_OK && !done) {
        uint8_t key = 0;
        ssize_t got = read(tty, &key, 1);
        if (got == 1)
            done = take_key(pin, key, &status);
        else if (got == 0 || errno != EINTR)
            status = VELD_E_LOCKED;
        veld_wipe(&key, sizeof key);
    }
    (void)tcsetattr(tty, TCSAFLUSH, &before);
    (void)!write(tty, "\n", 1);
    return status == VELD_OK ? VELD_OK : veld_fail(err, status, "geen wachtwoord ingevoerd");
}

static veld_status ask(veld_cli_call *call, const char *prompt, bool twice, veld_cli_pin *pin)
{
    veld_cli_pin again = {0};
    veld_status status = VELD_OK;
    int tty = veld_cli_given(call, VELD_CLI_NO_INPUT) ? -1 : open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (tty < 0)
        return veld_fail(&call->err, VELD_E_LOCKED,
            "geef het wachtwoord met --pin-file of --pin-command, of ontgrendel eerst");
    VELD_TRY(from_terminal(tty, prompt, pin, &call->err));
    if (twice) {
        VELD_TRY(veld_secret_init(&again.bytes, VELD_PIN_BYTES_MAX + 2));
        VELD_TRY(from_terminal(tty, "Nog een keer: ", &again, &call->err));
        if (!veld_span_equal_secret(veld_cli_pin_span(pin), veld_cli_pin_span(&again)))
            status = veld_fail(&call->err, VELD_E_INVALID, "de twee wachtwoorden verschillen");
    }

done:
    veld_cli_pin_release(&again);
    close(tty);
    return status;
}

/* The status says that a vault is shut; what lacks here is what would open it. */
static veld_status missing(veld_cli_call *call, veld_status status)
{
    return status == VELD_E_LOCKED
               ? veld_cli_head(call, status, "De pincode of het wachtwoord ontbreekt.")
               : status;
}

veld_status veld_cli_pin_get(veld_cli_call *call, bool twice, veld_cli_pin *out)
{
    veld_status status;
    VELD_ASSERT(out->bytes.data == NULL);
    VELD_TRY(veld_secret_init(&out->bytes, VELD_PIN_BYTES_MAX + 2)); /* room for an end of line */
    if (veld_cli_given(call, VELD_CLI_PIN_FILE))
        status = from_file(veld_cli_value(call, VELD_CLI_PIN_FILE), out, &call->err);
    else if (veld_cli_given(call, VELD_CLI_PIN_COMMAND))
        status = from_command(veld_cli_value(call, VELD_CLI_PIN_COMMAND), out, &call->err);
    else
        status = ask(call, "Wachtwoord: ", twice, out);
    if (status == VELD_OK && out->len == 0)
        status = veld_fail(&call->err, VELD_E_LOCKED, "het wachtwoord is leeg");

done:
    if (status != VELD_OK)
        veld_cli_pin_release(out);
    return missing(call, status);
}

veld_status veld_cli_pin_new(veld_cli_call *call, const char *path, veld_cli_pin *out)
{
    veld_status status;
    if (path != NULL)
        return missing(call, veld_cli_pin_from_file(path, out, &call->err));
    VELD_ASSERT(out->bytes.data == NULL);
    VELD_TRY(veld_secret_init(&out->bytes, VELD_PIN_BYTES_MAX + 2));
    VELD_TRY(ask(call, "Nieuwe pincode of nieuw wachtwoord: ", true, out));
    if (out->len == 0)
        status = veld_fail(&call->err, VELD_E_INVALID, "het nieuwe wachtwoord is leeg");

done:
    if (status != VELD_OK)
        veld_cli_pin_release(out);
    return missing(call, status);
}

/* The place of a secret option among those that were given. */
static size_t secret_place(const veld_cli_call *call, uint64_t option)
{
    size_t place = 0;
    for (uint64_t one = 1; one != option; one <<= 1)
        place += (call->program->secret_files & one) != 0 && veld_cli_given(call, one);
    VELD_ASSERT(place < VELD_CLI_SECRETS_MAX);
    return place;
}

veld_status veld_cli_pin_of(veld_cli_call *call, uint64_t option, veld_cli_pin *out)
{
    veld_status status;
    VELD_ASSERT(out->bytes.data == NULL && veld_cli_given(call, option));
    VELD_TRY(veld_secret_init(&out->bytes, VELD_PIN_BYTES_MAX + 2));
    int fd = call->secrets[secret_place(call, option)];
    if (fd != -1)
        status = read_line(fd, out, &call->err);
    else
        status = from_file(veld_cli_value(call, option), out, &call->err);
    if (status == VELD_OK && out->len == 0)
        status = veld_fail(&call->err, VELD_E_LOCKED,
            "het bestand met het wachtwoord is leeg, of kan niet gelezen worden");

done:
    if (status != VELD_OK)
        veld_cli_pin_release(out);
    return missing(call, status);
}

veld_status veld_cli_pin_from_file(const char *path, veld_cli_pin *out, veld_error *err)
{
    veld_status status;
    VELD_ASSERT(out->bytes.data == NULL);
    VELD_TRY(veld_secret_init(&out->bytes, VELD_PIN_BYTES_MAX + 2));
    VELD_TRY(from_file(path, out, err));
    if (out->len == 0)
        status = veld_fail(err, VELD_E_LOCKED, "het wachtwoord is leeg");

done:
    if (status != VELD_OK)
        veld_cli_pin_release(out);
    return status;
}

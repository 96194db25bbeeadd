/* What a verb reads: files, standard input, and a person's yes. In the process that owns the vault
 * these are the client's; the client's end ends the waiting, so that one that was stopped in the
 * middle of a question holds up nobody. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "veldkit/assert.h"
#include "veldkit/cli.h"

enum { OWNER_WAIT_SECONDS = 60, STANDARD_INPUT_BYTES_MAX = 64 << 20 };

static veld_status fail_errno(veld_error *err, const char *what)
{
    return veld_fail_native(
        err, veld_status_from_errno(errno), VELD_DOMAIN_POSIX, errno, "%s", what);
}

/* Which file, and what the system says about it. */
static veld_status fail_file(veld_error *err, const char *path, const char *what)
{
    int number = errno;
    return veld_fail_native(err, veld_status_from_errno(number), VELD_DOMAIN_POSIX, number,
        "%.200s: %s (%s)", path, what, strerror(number));
}

/* The mask with which a process that serves waits: what it has a handler for may come. */
static sigset_t waiting_mask(void)
{
    const int numbers[] = {SIGTERM, SIGINT, SIGHUP, VELD_CLI_INTERRUPT_SIGNAL};
    sigset_t mask;
    sigemptyset(&mask);
    (void)sigprocmask(SIG_BLOCK, NULL, &mask);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sigaction action = {0};
        if (sigaction(numbers[i], NULL, &action) == 0 && action.sa_handler != SIG_DFL &&
            action.sa_handler != SIG_IGN)
            sigdelset(&mask, numbers[i]);
    }
    return mask;
}

/* Who serves holds the keys while it waits here: it waits for no longer than nobody else asks for
 * anything, and for a minute at most. Signals, which it blocks otherwise, end it too. */
static veld_status wait_readable(veld_cli_call *call, int fd)
{
    const struct timespec limit = {.tv_sec = OWNER_WAIT_SECONDS};
    const bool serves = call->peer != -1;
    struct pollfd wait[3] = {
        {.fd = fd, .events = POLLIN}, {.fd = call->peer}, {.fd = call->listener, .events = POLLIN}};
    const sigset_t mask = waiting_mask();
    for (;;) {
        int ready = ppoll(wait, 3, serves ? &limit : NULL, serves ? &mask : NULL);
        if (ready < 0 && errno != EINTR)
            return fail_errno(&call->err, "the input cannot be waited for");
        if (ready > 0 && wait[1].revents != 0)
            return veld_fail(&call->err, VELD_E_INTERRUPTED, "the client is gone");
        if (ready > 0 && wait[0].revents != 0)
            return VELD_OK;
        if (serves)
            return veld_fail(&call->err, VELD_E_INTERRUPTED,
                "er kwam iets tussen terwijl op invoer gewacht werd; herhaal de opdracht");
    }
}

static veld_status read_some(
    veld_cli_call *call, int fd, const char *path, uint8_t *out, size_t max_bytes, size_t *len)
{
    for (;;) {
        veld_status status = wait_readable(call, fd);
        if (status != VELD_OK)
            return status;
        ssize_t got = read(fd, out, max_bytes);
        if (got >= 0) {
            *len = (size_t)got;
            return VELD_OK;
        }
        if (errno != EINTR && errno != EAGAIN)
            return fail_file(&call->err, path, "dit kan niet gelezen worden");
    }
}

veld_status veld_cli_read(veld_cli_call *call, const char *path, veld_buf *out)
{
    uint8_t part[16384];
    if (call->peer != -1 && (strncmp(path, "/dev/fd/", 8) == 0 || strncmp(path, "/proc/", 6) == 0))
        return veld_fail(&call->err, VELD_E_UNSUPPORTED,
            "met een open kluis wordt /dev/fd of /proc niet gelezen; gebruik standaardinvoer");
    bool standard = path[0] == '-' && path[1] == '\0';
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fail_file(&call->err, path, "dit bestand kan niet geopend worden");
    veld_status status;
    size_t len = 0;
    do {
        VELD_TRY(read_some(call, fd, path, part, sizeof part, &len));
        status = veld_buf_append(out, part, len);
        if (status != VELD_OK) {
            veld_fail(&call->err, status, "%.200s: meer dan %zu bytes", path, out->max);
            goto done;
        }
    } while (len > 0);

done:
    veld_wipe(part, sizeof part);
    if (!standard)
        close(fd);
    return status;
}

static bool names_standard_input(const veld_cli_call *call)
{
    for (size_t i = 0; i < VELD_CLI_OPTIONS_MAX; i++)
        if (call->values[i] != NULL && strcmp(call->values[i], "-") == 0)
            return true;
    for (size_t i = 0; i < call->arguments_count; i++)
        if (strcmp(call->arguments[i], "-") == 0)
            return true;
    return false;
}

veld_status veld_cli_take_input(veld_cli_call *call)
{
    veld_buf input;
    veld_status status = VELD_OK;
    int memory = -1;
    if (!names_standard_input(call))
        return VELD_OK;
    if (isatty(STDIN_FILENO) && isatty(STDERR_FILENO) && !veld_cli_given(call, VELD_CLI_NO_INPUT))
        veld_cli_note(call, "Typ de tekst, en sluit af met Ctrl-D op een lege regel:\n");
    veld_buf_init(&input, STANDARD_INPUT_BYTES_MAX);
    VELD_TRY(veld_cli_read(call, "-", &input));
    memory = memfd_create("input", MFD_CLOEXEC);
    if (memory < 0) {
        status = fail_errno(&call->err, "no memory for the input");
        goto done;
    }
    VELD_TRY(veld_cli_write_all(memory, -1, veld_buf_span(&input), &call->err));
    if (lseek(memory, 0, SEEK_SET) != 0 || dup2(memory, STDIN_FILENO) != STDIN_FILENO)
        status = fail_errno(&call->err, "the input cannot be kept");

done:
    if (memory >= 0)
        close(memory);
    veld_buf_wipe(&input);
    return status;
}

/* What stands in standard input, as one text. */
static veld_status read_text(veld_cli_call *call, const char *option)
{
    veld_buf *text = &call->text;
    veld_status status = veld_cli_read(call, "-", text);
    while (status == VELD_OK && text->len > 0 &&
           (text->data[text->len - 1] == '\n' || text->data[text->len - 1] == '\r'))
        text->len--;
    if (status == VELD_OK && (text->len == 0 || memchr(text->data, 0, text->len) != NULL))
        status = veld_fail(
            &call->err, VELD_E_INVALID, "op standaardinvoer staat geen tekst voor --%s", option);
    if (status == VELD_OK)
        status = veld_buf_append_byte(text, 0);
    return status;
}

veld_status veld_cli_take_texts(veld_cli_call *call)
{
    bool is_taken = false;
    const veld_cli_program *program = call->program;
    veld_status status = VELD_OK;
    for (size_t i = 0; status == VELD_OK && i < program->options_count; i++) {
        size_t number = VELD_CLI_OPTIONS_COMMON + i;
        const char *name = program->options[i].name;
        if ((program->texts & (UINT64_C(1) << number)) == 0 || call->values[number] == NULL ||
            strcmp(call->values[number], "-") != 0)
            continue;
        if (is_taken)
            return veld_fail(&call->err, VELD_E_INVALID,
                "maar één optie kan van standaardinvoer komen; --%s is er een te veel", name);
        is_taken = true;
        status = read_text(call, name);
        call->values[number] = (const char *)call->text.data;
    }
    return status;
}

veld_status veld_cli_confirm(veld_cli_call *call, const char *question)
{
    char line[64];
    size_t used = 0;
    if (veld_cli_given(call, VELD_CLI_NO_INPUT) || !isatty(STDIN_FILENO))
        return veld_fail(&call->err, VELD_E_NOT_ALLOWED, "niemand om het aan te vragen");
    veld_status status =
        veld_cli_write_all(STDERR_FILENO, call->peer, veld_span_text(question), &call->err);
    while (status == VELD_OK && used < sizeof line) {
        size_t len = 0;
        status =
            read_some(call, STDIN_FILENO, "-", (uint8_t *)line + used, sizeof line - used, &len);
        used += len;
        if (len == 0 || line[used - 1] == '\n')
            break;
    }
    if (status != VELD_OK)
        return status;
    if (used >= 2 && line[0] == 'j' && line[1] == 'a')
        return VELD_OK;
    return veld_fail(&call->err, VELD_E_INTERRUPTED, "niet bevestigd; er is niets veranderd");
}

/* Made in its place and taken away again when something fails: a stick's file system may know no
 * links. What a cut leaves behind is seen by who reads it: a bundle says where it ends. */
veld_status veld_cli_write_file(const char *path, veld_span bytes, veld_error *err)
{
    veld_status status;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail_file(err, path, "dit bestand kan niet gemaakt worden");
    VELD_TRY(veld_cli_write_all(fd, -1, bytes, err));
    if (fsync(fd) != 0)
        status = fail_errno(err, "the file is not on the disk");

done:
    close(fd);
    if (status != VELD_OK)
        unlink(path);
    return status;
}

/* serve: starts relay and merger as processes of their own and looks after them. A role that ends
 * without being asked is started again, after a pause that doubles as long as it keeps ending; a
 * role that does not start the first time ends the whole, with its own message and exit code.
 * This process holds the lock of the folder and no key. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "admin/keys.h"
#include "srv.h"
#include "veldkit/assert.h"
#include "veldkit/host.h"

enum {
    READY_MS_MAX = 20000,
    STOP_MS_MAX = 5000,
    PAUSE_MS_MIN = 200,
    PAUSE_MS_MAX = 10000,
    STEADY_MS = 30000, /* who ran that long is started again at once */
    LINE_BYTES_MAX = 64,
    HOST_BYTES_MAX = 256
};

typedef struct child {
    srv_role role;
    pid_t pid; /* 0 = does not run */
    int64_t started_ms;
    int64_t again_ms; /* when to start it again */
    int64_t pause_ms;
} child;

typedef struct supervisor {
    veld_cli_call *call;
    veld_env env;
    char listen[VELD_CLI_FOLDER_BYTES_MAX + 1];  /* for the relay: address:port */
    char address[VELD_CLI_FOLDER_BYTES_MAX + 1]; /* for tablets: https://... */
    child children[SRV_ROLES];
    sigset_t signals;
    pid_t pid; /* ours */
    bool stopping;
} supervisor;

static const char *const names[SRV_ROLES] = {"relay", "merger"};

static int64_t now_ms(const supervisor *s)
{
    return veld_env_now(&s->env).monotonic_ms;
}

/* In the child. What it inherits is its streams and the end of the pipe, nothing else. */
static void become(const supervisor *s, srv_role role, int ready)
{
    char parent[24];
    sigset_t none;
    sigemptyset(&none);
    if (ready == SRV_READY_FD) {
        if (fcntl(ready, F_SETFD, 0) != 0)
            _exit(127);
    } else if (dup2(ready, SRV_READY_FD) != SRV_READY_FD) {
        _exit(127);
    }
    sigprocmask(SIG_SETMASK, &none, NULL);
    (void)snprintf(parent, sizeof parent, "%ld", (long)s->pid);
    execl("/proc/self/exe", "veldkit-server", "--role", names[role], s->call->folder,
        role == SRV_ROLE_RELAY ? s->listen : s->address, parent, (char *)NULL);
    _exit(127);
}

/* The line that a role tells when it is ready; false when it ended or was silent instead. */
static bool read_line(int fd, char out[LINE_BYTES_MAX])
{
    size_t used = 0;
    while (used + 1 < LINE_BYTES_MAX) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        if (poll(&wait, 1, READY_MS_MAX) <= 0)
            return false;
        ssize_t got = read(fd, out + used, 1);
        if (got != 1)
            return false;
        if (out[used] == '\n') {
            out[used] = '\0';
            return true;
        }
        used++;
    }
    return false;
}

static veld_status start(supervisor *s, srv_role role, char line[LINE_BYTES_MAX])
{
    int ends[2];
    child *c = &s->children[role];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return veld_fail(&s->call->err, VELD_E_IO, "no pipe to a new process");
    pid_t pid = fork();
    if (pid == 0)
        become(s, role, ends[1]);
    close(ends[1]);
    bool ready = pid > 0 && read_line(ends[0], line);
    close(ends[0]);
    if (pid < 0)
        return veld_fail(&s->call->err, VELD_E_IO, "no new process");
    c->started_ms = now_ms(s);
    c->pid = pid;
    if (ready)
        return VELD_OK;
    int result = 0;
    kill(pid, SIGKILL);
    while (waitpid(pid, &result, 0) < 0 && errno == EINTR)
        continue;
    c->pid = 0;
    s->call->exit_code = WIFEXITED(result) ? WEXITSTATUS(result) : 1;
    return veld_fail(&s->call->err, VELD_E_IO, "%s start niet", names[role]);
}

/* What tablets call. Who listens on all addresses is called by the name of the machine, which is in
 * the certificate. */
static veld_status set_address(supervisor *s, const char *port)
{
    char host[HOST_BYTES_MAX] = "";
    bool all = strncmp(s->listen, "0.0.0.0:", 8) == 0 || strncmp(s->listen, "[::]:", 5) == 0;
    int len;
    if (all && gethostname(host, sizeof host - 1) == 0 && host[0] != '\0')
        len = snprintf(s->address, sizeof s->address, "https://%s:%s", host, port);
    else
        len = snprintf(s->address, sizeof s->address, "https://%s", s->listen);
    return len > 0 && (size_t)len < sizeof s->address ? VELD_OK : VELD_E_LIMIT;
}

/* "127.0.0.1:0" and "41234" to "127.0.0.1:41234": the same port again after a restart, since
 * tablets know it. */
static veld_status keep_port(supervisor *s, const char *port)
{
    char *colon = strrchr(s->listen, ':');
    VELD_ASSERT(colon != NULL);
    size_t room = sizeof s->listen - (size_t)(colon + 1 - s->listen);
    int len = snprintf(colon + 1, room, "%s", port);
    if (len <= 0 || (size_t)len >= room || set_address(s, port) != VELD_OK)
        return veld_fail(&s->call->err, VELD_E_LIMIT, "het adres van --listen is te lang");
    return srv_write_file(s->call->folder, "address", veld_span_text(s->address), &s->call->err);
}

/* Port 0 is the one of the last time when it is still free. */
static void last_port(supervisor *s, char wanted[LINE_BYTES_MAX])
{
    veld_buf text;
    const char *last = NULL;
    wanted[0] = '\0';
    veld_buf_init(&text, SRV_FILE_BYTES_MAX);
    size_t len = strlen(s->listen);
    if (len > 2 && strcmp(s->listen + len - 2, ":0") == 0 &&
        srv_read_file(s->call->folder, "address", &text, NULL) == VELD_OK &&
        veld_buf_text(&text, &last) == VELD_OK && strlen(last) > len + 6 &&
        strncmp(last + 8, s->listen, len - 1) == 0)
        (void)snprintf(wanted, LINE_BYTES_MAX, "%s", last + 8 + len - 1);
    veld_buf_release(&text);
}

static veld_status start_relay(supervisor *s)
{
    char line[LINE_BYTES_MAX], wanted[LINE_BYTES_MAX];
    veld_status status;
    last_port(s, wanted);
    if (wanted[0] != '\0') {
        char any[sizeof s->listen];
        memcpy(any, s->listen, sizeof any);
        VELD_TRY(keep_port(s, wanted));
        if (start(s, SRV_ROLE_RELAY, line) == VELD_OK)
            return VELD_OK;
        memcpy(s->listen, any, sizeof any);
        s->call->exit_code = 0;
    }
    VELD_TRY(start(s, SRV_ROLE_RELAY, line));
    VELD_TRY(keep_port(s, line));

done:
    return status;
}

static veld_status say(supervisor *s, const char *event, const char *member, const char *value)
{
    veld_cli_call *call = s->call;
    veld_json_writer writer;
    veld_status status;
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_cli_json_text(&writer, "event", veld_span_text(event));
    veld_cli_json_text(&writer, member, veld_span_text(value));
    veld_json_writer_object_end(&writer);
    VELD_TRY(veld_cli_json_end(call, &writer));
    status = veld_cli_write_all(STDOUT_FILENO, -1, veld_buf_span(&call->out), &call->err);
    veld_buf_clear(&call->out);

done:
    return status;
}

static veld_status say_listening(supervisor *s)
{
    char line[sizeof s->address + 80];
    if (veld_cli_given(s->call, VELD_CLI_JSON))
        return say(s, "listening", "url", s->address);
    (void)snprintf(line, sizeof line, "De server luistert op %s. Stoppen: Ctrl-C.\n", s->address);
    return veld_cli_write_all(STDOUT_FILENO, -1, veld_span_text(line), &s->call->err);
}

static void start_again(supervisor *s, child *c)
{
    char line[LINE_BYTES_MAX];
    veld_status status = start(s, c->role, line);
    s->call->exit_code = 0;
    if (status != VELD_OK)
        c->again_ms = now_ms(s) + c->pause_ms;
    if (veld_cli_given(s->call, VELD_CLI_JSON))
        (void)!say(s, status == VELD_OK ? "restarted" : "failed", "role", names[c->role]);
    else
        veld_cli_note(s->call, "veldkit-server: %s %s.\n", names[c->role],
            status == VELD_OK ? "is opnieuw gestart" : "start niet; nieuwe poging volgt");
}

static void reap(supervisor *s)
{
    for (;;) {
        int result = 0;
        pid_t pid = waitpid(-1, &result, WNOHANG);
        if (pid <= 0)
            return;
        for (size_t i = 0; i < SRV_ROLES; i++) {
            child *c = &s->children[i];
            if (c->pid != pid)
                continue;
            bool steady = now_ms(s) - c->started_ms >= STEADY_MS;
            c->pid = 0;
            c->pause_ms = steady || c->pause_ms == 0 ? PAUSE_MS_MIN : 2 * c->pause_ms;
            if (c->pause_ms > PAUSE_MS_MAX)
                c->pause_ms = PAUSE_MS_MAX;
            c->again_ms = now_ms(s) + c->pause_ms;
        }
    }
}

static void wait_signal(supervisor *s, int64_t most_ms)
{
    struct timespec limit = {.tv_sec = most_ms / 1000, .tv_nsec = most_ms % 1000 * 1000000};
    int number = sigtimedwait(&s->signals, NULL, &limit);
    if (number == SIGTERM || number == SIGINT || number == SIGHUP)
        s->stopping = true;
    reap(s);
}

static void look_after(supervisor *s)
{
    while (!s->stopping) {
        int64_t wait_ms = 60000;
        for (size_t i = 0; i < SRV_ROLES; i++) {
            child *c = &s->children[i];
            if (c->pid == 0 && c->again_ms <= now_ms(s))
                start_again(s, c);
            if (c->pid == 0 && c->again_ms - now_ms(s) < wait_ms)
                wait_ms = c->again_ms > now_ms(s) ? c->again_ms - now_ms(s) : 0;
        }
        wait_signal(s, wait_ms);
    }
}

static void stop(supervisor *s)
{
    int64_t limit_ms = now_ms(s) + STOP_MS_MAX;
    int number = SIGTERM;
    for (;;) {
        bool left = false;
        for (size_t i = 0; i < SRV_ROLES; i++)
            if (s->children[i].pid != 0) {
                left = true;
                if (number != 0)
                    kill(s->children[i].pid, number);
            }
        if (!left)
            return;
        number = number != SIGKILL && now_ms(s) >= limit_ms ? SIGKILL : 0;
        if (number == 0)
            wait_signal(s, 100);
    }
}

/* Who takes the server over has the root too, while it lies here. */
static void warn_root(const veld_cli_call *call)
{
    char root[SRV_PATH_BYTES_MAX];
    if (srv_path(call->folder, "root", root, NULL) == VELD_OK && access(root, F_OK) == 0)
        veld_cli_note(call,
            "veldkit-server: let op: de map root staat nog naast de server; bewaar haar elders.\n");
}

veld_status srv_verb_serve(veld_cli_call *call)
{
    supervisor *s = veld_allocate(sizeof *s);
    const char *listen = veld_cli_value(call, SRV_OPTION_LISTEN);
    char line[LINE_BYTES_MAX];
    int lock = -1;
    veld_status status;
    if (s == NULL)
        return VELD_E_MEMORY;
    s->call = call;
    s->pid = getpid();
    s->env = veld_host_env();
    s->children[SRV_ROLE_MERGER].role = SRV_ROLE_MERGER;
    (void)snprintf(s->listen, sizeof s->listen, "%s", listen != NULL ? listen : "127.0.0.1:0");
    if (strrchr(s->listen, ':') == NULL) {
        status = veld_fail(&call->err, VELD_E_INVALID, "--listen is ADRES:POORT");
        goto done;
    }
    VELD_TRY(srv_lock(call->folder, &lock, &call->err));
    VELD_TRY(srv_changing_refuse(call->folder, &call->err));
    sigemptyset(&s->signals);
    sigaddset(&s->signals, SIGTERM);
    sigaddset(&s->signals, SIGINT);
    sigaddset(&s->signals, SIGHUP);
    sigaddset(&s->signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &s->signals, NULL);
    VELD_TRY(start_relay(s));
    VELD_TRY(start(s, SRV_ROLE_MERGER, line));
    VELD_TRY(say_listening(s));
    warn_root(call);
    look_after(s);

done:
    stop(s);
    if (lock >= 0)
        close(lock);
    veld_release(s);
    return status;
}

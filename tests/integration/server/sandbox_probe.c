/* Stands where a role of the server stands that was broken into, behind its real sandbox, and says
 * what it gets: one line "ATTEMPT open" or "ATTEMPT ERROR" each, and the kernel's own word.
 *
 *   sandbox_probe relay RELAY MERGER PID    as the relay of an agency; PID is of a process that
 * runs sandbox_probe merger RELAY MERGER PID   as its merger sandbox_probe without COMMAND... run a
 * program where no filter may be set, as in some containers */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "srv_sandbox.h"

static char words[64], self_path[] = "/proc/self/exe";
static const char *relay, *merger;
static pid_t victim;

static int path_of(const char *folder, const char *name, char *out, size_t size)
{
    return snprintf(out, size, "%s/%s", folder, name);
}

static int connect_local(const char *folder)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)path_of(folder, "socket", address.sun_path, sizeof address.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd < 0 ? fd : connect(fd, (const struct sockaddr *)&address, sizeof address);
}

static int administrate(void)
{
    return connect_local(merger);
}

static int network(void)
{
    return socket(AF_INET, SOCK_STREAM, 0);
}

static int open_in(const char *folder, const char *name)
{
    char path[512];
    (void)path_of(folder, name, path, sizeof path);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static int open_store(void)
{
    return open_in(merger, "store.db");
}

static int open_secret(void)
{
    return open_in(merger, "secret");
}

static int open_journal(void)
{
    return open_in(relay, "journal.db");
}

static int run_program(void)
{
    char *const nothing[] = {words, NULL};
    return execve(self_path, nothing, nothing + 1);
}

static int make_process(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    if (child > 0)
        (void)waitpid(child, NULL, 0);
    return child < 0 ? -1 : 0;
}

static int look_into(void)
{
    return (int)ptrace(PTRACE_ATTACH, victim, NULL, NULL);
}

static int read_memory(void)
{
    char byte;
    const struct iovec here = {.iov_base = &byte, .iov_len = 1};
    return process_vm_readv(victim, &here, 1, &here, 1, 0) < 0 ? -1 : 0;
}

static int send_signal(void)
{
    return kill(victim, 0);
}

/* The kernel sends it for us, when something comes in. */
static int lend_signal(void)
{
    return fcntl(STDOUT_FILENO, F_SETOWN, victim);
}

static int choose_signal(void)
{
    return fcntl(STDOUT_FILENO, F_SETSIG, SIGKILL);
}

static int queue_signal(void)
{
    return sigqueue(victim, 0, (union sigval){0});
}

static int make_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
               0) == MAP_FAILED
               ? -1
               : 0;
}

/* The last word of a row is a program that would take our place. */
static const struct {
    const char *name;
    int (*attempt)(void);
} attempts[] = {{"journal", open_journal}, {"administrate", administrate}, {"network", network},
    {"store", open_store}, {"secret", open_secret}, {"process", make_process},
    {"ptrace", look_into}, {"memory", read_memory}, {"signal", send_signal}, {"lent", lend_signal},
    {"chosen", choose_signal}, {"queued", queue_signal}, {"code", make_code},
    {"program", run_program}};

/* Streams were opened before, as those of a role. */
static int stand_as(const char *role)
{
    veld_error err = {0};
    bool files = false, calls = false;
    bool is_relay = strcmp(role, "relay") == 0;
    veld_status status = srv_sandbox_files(is_relay ? relay : merger, &files, &err);
    if (status == VELD_OK)
        status = is_relay ? srv_sandbox_relay(&calls, &err) : srv_sandbox_merger(&calls, &err);
    if (status != VELD_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    printf("files %s\ncalls %s\n", files ? "closed" : "open", calls ? "closed" : "open");
    for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++) {
        (void)fflush(stdout);
        errno = 0;
        bool is_open = attempts[i].attempt() >= 0;
        printf("%s %s\n", attempts[i].name, is_open ? "open" : strerror(errno));
    }
    return 0;
}

static int run_without(char **command)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int result = filter == NULL ? -ENOMEM : 0;
    if (result == 0)
        result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(seccomp), 0);
    if (result == 0)
        result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prctl), 1,
            SCMP_A0(SCMP_CMP_EQ, PR_SET_SECCOMP));
    if (result == 0)
        result = seccomp_load(filter);
    if (result == 0)
        (void)execv(command[0], command);
    fprintf(stderr, "sandbox_probe: %s\n", strerror(result != 0 ? -result : errno));
    return 77; /* no filters here at all: what is tested is how it is here */
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "without") == 0)
        return run_without(argv + 2);
    if (argc != 5)
        return 2;
    relay = argv[2];
    merger = argv[3];
    victim = (pid_t)strtol(argv[4], NULL, 10);
    return stand_as(argv[1]);
}

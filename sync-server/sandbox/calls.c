/* What a role may ask of the kernel, by seccomp. Landlock knows files; this knows the rest, above
 * all connect() to a socket by its path, by which one role could speak to the other as if it were
 * an administrator. */
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "srv_sandbox.h"

#define COUNT(list) (sizeof(list) / sizeof(list)[0])
#define REFUSED     SCMP_ACT_ERRNO(EPERM)

/* What may be asked of an open file: flags, locks, another number for it. Not whom the kernel is to
 * signal for it, for that may be any process of the same user, with any signal. */
static const int file_commands[] = {
    F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETLK, F_SETLK, F_SETLKW};
static const int file_commands_refused[] = {F_SETOWN, F_SETOWN_EX, F_SETSIG};

/* What the relay does all day, by what asks for it. Calls that only another kind of machine has are
 * passed over by the library. */
static const int relay_calls[] = {
    /* the loop, and the sockets that are open or come in; no messages that carry descriptors */
    SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2), SCMP_SYS(epoll_ctl),
    SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(recvfrom), SCMP_SYS(sendto), SCMP_SYS(recv),
    SCMP_SYS(send), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(getsockname),
    SCMP_SYS(getpeername), SCMP_SYS(shutdown), SCMP_SYS(poll), SCMP_SYS(ppoll),
    /* the journal and the certificate, in its folder: SQLite, and a file beside its place */
    SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev), SCMP_SYS(pread64),
    SCMP_SYS(pwrite64), SCMP_SYS(lseek), SCMP_SYS(_llseek), SCMP_SYS(close), SCMP_SYS(fsync),
    SCMP_SYS(fdatasync), SCMP_SYS(ftruncate), SCMP_SYS(ftruncate64), SCMP_SYS(fallocate),
    SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(fstat), SCMP_SYS(fstat64), SCMP_SYS(stat),
    SCMP_SYS(stat64), SCMP_SYS(lstat), SCMP_SYS(lstat64), SCMP_SYS(newfstatat), SCMP_SYS(fstatat64),
    SCMP_SYS(statx), SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
    SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getcwd), SCMP_SYS(unlink),
    SCMP_SYS(unlinkat), SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(fchmod),
    SCMP_SYS(fchown), SCMP_SYS(fchown32), SCMP_SYS(umask),
    /* memory; of mmap and mprotect see below */
    SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(mlock),
    SCMP_SYS(mlock2), SCMP_SYS(munlock),
    /* time, random bytes, who we are */
    SCMP_SYS(clock_gettime), SCMP_SYS(clock_gettime64), SCMP_SYS(clock_getres),
    SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep), SCMP_SYS(gettimeofday), SCMP_SYS(time),
    SCMP_SYS(getrandom), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getuid), SCMP_SYS(geteuid),
    SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(uname), SCMP_SYS(sysinfo),
    /* signals to itself, and its end */
    SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigreturn),
    SCMP_SYS(sigaltstack), SCMP_SYS(restart_syscall), SCMP_SYS(futex), SCMP_SYS(futex_time64),
    SCMP_SYS(sched_yield), SCMP_SYS(rseq), SCMP_SYS(exit), SCMP_SYS(exit_group)};

/* What the merger never does. */
static const int merger_refused[] = {
    /* programs and processes */
    SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(clone),
    SCMP_SYS(clone3), SCMP_SYS(memfd_create),
    /* others: looking in, writing in, taking what they hold, stopping them */
    SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev),
    SCMP_SYS(process_madvise), SCMP_SYS(pidfd_open), SCMP_SYS(pidfd_getfd),
    SCMP_SYS(pidfd_send_signal), SCMP_SYS(kcmp), SCMP_SYS(kill), SCMP_SYS(tkill),
    SCMP_SYS(rt_sigqueueinfo), SCMP_SYS(rt_tgsigqueueinfo), SCMP_SYS(perf_event_open),
    /* being called by others than administrators */
    SCMP_SYS(bind), SCMP_SYS(listen),
    /* another view of the machine */
    SCMP_SYS(unshare), SCMP_SYS(setns), SCMP_SYS(chroot), SCMP_SYS(pivot_root), SCMP_SYS(mount),
    SCMP_SYS(umount2), SCMP_SYS(move_mount), SCMP_SYS(open_tree), SCMP_SYS(fsopen),
    SCMP_SYS(fsmount), SCMP_SYS(fsconfig), SCMP_SYS(mount_setattr), SCMP_SYS(open_by_handle_at),
    SCMP_SYS(name_to_handle_at), SCMP_SYS(personality),
    /* the kernel itself */
    SCMP_SYS(bpf), SCMP_SYS(userfaultfd), SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register), SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(keyctl),
    SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(delete_module), SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load), SCMP_SYS(reboot), SCMP_SYS(swapon), SCMP_SYS(swapoff),
    SCMP_SYS(acct), SCMP_SYS(quotactl), SCMP_SYS(iopl), SCMP_SYS(ioperm), SCMP_SYS(modify_ldt)};

static int add_all(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t count)
{
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++)
        result = seccomp_rule_add(filter, action, calls[i], 0);
    return result;
}

/* Of 32 bits, as the kernel reads it: bits above are no other command. */
static int add_commands(scmp_filter_ctx filter, uint32_t action, const int *commands, size_t count)
{
    int result = 0;
    const int calls[] = {SCMP_SYS(fcntl), SCMP_SYS(fcntl64)};
    for (size_t i = 0; i < count * COUNT(calls) && result == 0; i++)
        result = seccomp_rule_add(filter, action, calls[i % COUNT(calls)], 1,
            SCMP_A1_32(SCMP_CMP_EQ, (scmp_datum_t)commands[i / COUNT(calls)]));
    return result;
}

/* Memory that can be written and run is how a broken program becomes another one. */
static int add_memory(scmp_filter_ctx filter, uint32_t action, scmp_datum_t executable)
{
    const struct scmp_arg_cmp protection = SCMP_A2_32(SCMP_CMP_MASKED_EQ, PROT_EXEC, executable);
    int result = 0;
    const int calls[] = {SCMP_SYS(mmap), SCMP_SYS(mmap2), SCMP_SYS(mprotect)};
    for (size_t i = 0; i < COUNT(calls) && result == 0; i++)
        result = seccomp_rule_add(filter, action, calls[i], 1, protection);
    return result;
}

static int add_relay(scmp_filter_ctx filter)
{
    int result = add_all(filter, SCMP_ACT_ALLOW, relay_calls, COUNT(relay_calls));
    if (result == 0)
        result = add_commands(filter, SCMP_ACT_ALLOW, file_commands, COUNT(file_commands));
    if (result == 0)
        result = add_memory(filter, SCMP_ACT_ALLOW, 0);
    if (result == 0) /* abort() */
        result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
            SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
    return result;
}

static int add_merger(scmp_filter_ctx filter)
{
    int result = add_all(filter, REFUSED, merger_refused, COUNT(merger_refused));
    if (result == 0)
        result = add_commands(filter, REFUSED, file_commands_refused, COUNT(file_commands_refused));
    if (result == 0)
        result = add_memory(filter, REFUSED, PROT_EXEC);
    if (result == 0)
        result = seccomp_rule_add(
            filter, REFUSED, SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_NE, (scmp_datum_t)getpid()));
    if (result == 0)
        result =
            seccomp_rule_add(filter, REFUSED, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_NE, AF_UNIX));
    return result;
}

/* A kernel without seccomp, and a container that takes no filter from us, are no fault of ours. */
static bool is_not_here(int result)
{
    return result == -EINVAL || result == -ENOSYS || result == -EPERM || result == -EACCES ||
           result == -ECANCELED;
}

static veld_status load(
    uint32_t otherwise, int (*add)(scmp_filter_ctx filter), bool *whole, veld_error *err)
{
    *whole = false;
    scmp_filter_ctx filter = seccomp_init(otherwise);
    if (filter == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for the list of calls");
    int result = add(filter);
    veld_status status = VELD_OK;
    if (result != 0) {
        status = veld_fail_native(
            err, VELD_E_IO, VELD_DOMAIN_POSIX, -result, "the list of calls cannot be made");
    } else {
        result = seccomp_load(filter);
        *whole = result == 0;
        if (result != 0 && !is_not_here(result))
            status = veld_fail_native(
                err, VELD_E_IO, VELD_DOMAIN_POSIX, -result, "the calls cannot be closed");
    }
    seccomp_release(filter);
    return status;
}

veld_status srv_sandbox_relay(bool *whole, veld_error *err)
{
    return load(REFUSED, add_relay, whole, err);
}

veld_status srv_sandbox_merger(bool *whole, veld_error *err)
{
    return load(SCMP_ACT_ALLOW, add_merger, whole, err);
}

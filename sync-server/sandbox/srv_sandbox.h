/* srv_sandbox.h: what a role of the server may still do once it is set up. Files and calls are
 * closed apart, each at the moment after which they are no longer needed; neither can be undone. In
 * a library, so that a test can stand where a role stands that was broken into.
 *
 * Where the kernel (or a container around us) has no Landlock or refuses filters, `*whole` is false
 * and nothing was closed: the caller says so in its log.
 *
 * Expects, both: VELD_E_IO.  Thread: before any other is started. Source: security.md T6, T8, T11,
 * T12. */
#ifndef SRV_SANDBOX_H
#define SRV_SANDBOX_H

#include <stdbool.h>

#include "veldkit/status.h"

/* srv_sandbox_files: from now on this process opens files below `folder` only, and nothing it
 * starts gets more rights. What is open stays so. Connecting to a socket by its path is no opening
 * of a file for Landlock: that is closed with the calls. */
veld_status srv_sandbox_files(const char *folder, bool *whole, veld_error *err) VELD_MUST_CHECK;

/* srv_sandbox_relay: after it listens. From now on this process serves the sockets that it has and
 * the files of its folder, and asks the kernel for nothing else: each other call fails with EPERM,
 * among them making a socket, connecting, starting a program or process, signals to others and
 * looking into one.
 * srv_sandbox_merger: after it listens. No programs or processes, no looking into others, no
 * network (sockets of this machine only), no namespaces, mounts, keyrings or kernel interfaces that
 * nobody here needs: they fail with EPERM. It runs the verbs of administrators, so what is closed
 * is listed, not what is open. */
veld_status srv_sandbox_relay(bool *whole, veld_error *err) VELD_MUST_CHECK;
veld_status srv_sandbox_merger(bool *whole, veld_error *err) VELD_MUST_CHECK;

#endif

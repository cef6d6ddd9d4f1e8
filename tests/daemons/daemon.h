/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stock xenstore daemons on private sockets, for tests.
 *
 *     TestDaemon *daemon = test_daemon_start(OXENSTORED);
 *     test_daemon_use(daemon);
 *     xsu_ctx *ctx = xsu_open(0);
 *     ...
 *     test_daemon_stop(daemon);
 *
 * A daemon dies with the test program, and its directory goes with it, however the program ends.
 * What it printed is shown when the program aborts.
 *
 * From the environment: XEN_PARTS, the directory with root/usr/lib/xen-.../bin/{xenstored,
 * oxenstored}, and XSU_PRELOAD, the shared object made from preload.c.  Without them the program
 * fails, and says what to do.
 */
#ifndef TESTS_DAEMON_H
#define TESTS_DAEMON_H

#include <glib.h>

typedef enum TestDaemonKind {
    C_XENSTORED,
    OXENSTORED,
    OXENSTORED_EAGAIN, /* fails commits at random (test-eagain) */
    TEST_DAEMON_KINDS
} TestDaemonKind;

typedef struct TestDaemon TestDaemon;

/** Start a daemon that nobody else uses; it accepts connections on return. */
TestDaemon *test_daemon_start(TestDaemonKind kind);

/** The program's one daemon of a kind, started when first asked for, stopped at exit. */
TestDaemon *test_daemon_shared(TestDaemonKind kind);

/** Have xs_open() and xsu_open() find this daemon: set XENSTORED_PATH. */
void test_daemon_use(const TestDaemon *daemon);

const char *test_daemon_socket(const TestDaemon *daemon);

/** Kill it at once, leaving its socket behind. */
void test_daemon_kill(TestDaemon *daemon);

/** Have it stand still (SIGSTOP), which it does on return, and go on. */
void test_daemon_freeze(TestDaemon *daemon);
void test_daemon_thaw(TestDaemon *daemon);

/** Kill it unless that was done, and start it anew in its place; its store is empty then.  By the
 * thread that is to outlive it: it dies with that. */
void test_daemon_restart(TestDaemon *daemon);

/** End it and free what belongs to it. Aborts if it had died by itself. */
void test_daemon_stop(TestDaemon *daemon);

/** "xenstored", "oxenstored" or "oxenstored-eagain". */
const char *test_daemon_name(TestDaemonKind kind);

/** A new path in the program's private directory, for a socket; to be g_free()d. */
char *test_daemon_new_path(const char *name);

#endif

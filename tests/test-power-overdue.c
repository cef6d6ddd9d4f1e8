/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains that do not shut down in time, and an xenstored that goes away meanwhile. */
#include "test-power.h"

/* ---- When the time is over ------------------------------------------------------------------- */

static void test_withdrawn(TestStore *s)
{
    RUN(run, s);
    assert_fails_with(run, OPTIONS(.timeout_ms = SOON_MS), XLL_ERROR_TIMEOUT,
                      "within 0.05 s; the request is withdrawn");
    assert_holds(run->peer, FIRST, "");
    assert_told(run, run->s->kind == OXENSTORED_EAGAIN ? " = \n100 commit the transaction\n"
                                                       : ASKED
                         "100 write /local/domain/100/control/shutdown = \n"
                         "100 commit the transaction\n");
}

static void test_paused(TestStore *s)
{
    RUN(run, s);
    set_flags(FIRST, XEN_DOMINF_paused);
    assert_fails_with(run, OPTIONS(.timeout_ms = SOON_MS), XLL_ERROR_TIMEOUT,
                      "within 0.05 s (it is paused); the request is withdrawn");
    g_assert_nonnull(strstr(run->told->str, "100 note it is paused, and sees the request once"));
}

static void acknowledge_now(Run *run)
{
    put(run->peer, "", NODE, FIRST);
}

/* The guest acknowledges while the request is withdrawn: that is a conflict, and the guest wins. */
static void test_withdrawal_conflicts(TestStore *s)
{
    RUN(run, s);
    run->on = "shutdown = \n";
    run->then = acknowledge_now;
    assert_done(run, OPTIONS(.timeout_ms = SOON_MS));
    g_assert_nonnull(strstr(run->told->str, "shutdown = \n"));
}

/* It may be seen by the guest only once it is whole. */
static void test_acknowledged_and_up(TestStore *s)
{
    RUN(run, s);
    Guest *guest = guest_start(FIRST, acknowledge);
    assert_fails_with(run, OPTIONS(.wait = XLL_WAIT_SHUTDOWN, .timeout_ms = 1000),
                      XLL_ERROR_TIMEOUT,
                      "it acknowledged the request, and did not shut down within 1 s");
    guest_end(guest);
    Guest *other = guest_start(FIRST, acknowledge_and_obey);
    assert_fails_with(run, OPTIONS(.wait = XLL_WAIT_GONE, .timeout_ms = 1000), XLL_ERROR_TIMEOUT,
                      "it has shut down, and is still there after 1 s");
    guest_end(other);
}

static void ask_to_reboot(Run *run)
{
    put(run->peer, "reboot", NODE, FIRST);
}

static void test_another_request(TestStore *s)
{
    RUN(run, s);
    run->on = "its acknowledgement";
    run->then = ask_to_reboot;
    assert_fails_with(run, OPTIONS(.timeout_ms = 1100), XLL_ERROR_TIMEOUT,
                      "its node holds 'reboot' instead by now");
    assert_holds(run->peer, FIRST, "reboot");
    assert_fails_with(run, OPTIONS(.timeout_ms = SOON_MS), XLL_ERROR_TIMEOUT, "is withdrawn");
    g_assert_nonnull(strstr(run->told->str, "note an earlier request, 'reboot', which it had not "
                                            "acknowledged, is replaced"));
}

/* One is withdrawn while another goes away: neither is taken for the other. */
static void second_vanishes(Run *run)
{
    (void)run;
    vanish(FIRST + 1);
}

static void test_withdrawn_beside(TestStore *s)
{
    RUN(run, s);
    GError *errors[2] = {NULL};
    run->on = "101 wait its acknowledgement";
    run->then = second_vanishes;
    g_assert_false(act(run, 2, &OPTIONS(.timeout_ms = 1100), errors));
    g_assert_error(errors[0], XLL_ERROR, XLL_ERROR_TIMEOUT);
    g_assert_no_error(errors[1]);
    g_clear_error(&errors[0]);
}

/* ---- Destroying ------------------------------------------------------------------------------ */

static void test_destroyed(TestStore *s)
{
    RUN(run, s);
    GError *errors[3] = {NULL};
    Guest *obeys = guest_start(FIRST, acknowledge_and_obey);
    Guest *stays = guest_start(FIRST + 1, acknowledge);
    g_assert_true(act(run, 3, &OPTIONS(.destroy_after_ms = 1000), errors));
    g_assert_cmpstr(done->str, ==, "destroy 101, destroy 102, ");
    g_assert_nonnull(
        strstr(run->told->str, "101 note it was destroyed, as it had not gone after 1 s"));
    guest_end(obeys);
    guest_end(stays);
}

/* One that goes by itself, while another is destroyed, is not. */
static void test_destroyed_or_gone(TestStore *s)
{
    RUN(run, s);
    GError *errors[2] = {NULL};
    goes_meanwhile = FIRST + 1;
    g_assert_true(act(run, 2, &OPTIONS(.destroy_after_ms = SOON_MS), errors));
    g_assert_cmpstr(done->str, ==, "destroy 100, ");
}

static void test_destruction_refused(TestStore *s)
{
    RUN(run, s);
    g_autoptr(GError) error = NULL;
    destroy_fails = true;
    g_assert_false(act(run, 1, &OPTIONS(.destroy_after_ms = SOON_MS), &error));
    g_assert_error(error, XLL_ERROR, XLL_ERROR_REFUSED);
    g_assert_cmpstr(done->str, ==, "destroy 100, ");
}

/* What has shut down is not gone. */
static void test_destroyed_after_shutdown(TestStore *s)
{
    RUN(run, s);
    set_flags(FIRST, down(XLL_SHUTDOWN_CRASH));
    assert_done(run, OPTIONS(.wait = XLL_WAIT_GONE, .destroy_after_ms = SOON_MS));
    g_assert_cmpstr(done->str, ==, "destroy 100, ");
}

/* ---- Xenstored goes away --------------------------------------------------------------------- */

static TestStore own;

static void kill_daemon(Run *run)
{
    (void)run;
    test_daemon_kill(own.daemon);
}

static void restart_daemon(Run *run)
{
    (void)run;
    test_daemon_kill(own.daemon);
    test_daemon_restart(own.daemon);
}

static void kill_daemon_and_power_off(Run *run)
{
    kill_daemon(run);
    set_flags(FIRST, down(XLL_SHUTDOWN_POWEROFF));
}

/* The rest of a run whose daemon is dead; the next gets another. */
static void own_daemon(TestStore *s, void (*then)(Run *run), xll_shutdown_options options, int code,
                       const char *says)
{
    own = own_store(s->kind);
    {
        RUN(run, &own);
        run->on = "its acknowledgement";
        run->then = then;
        if (says)
            assert_fails_with(run, options, code, says);
        else
            assert_done(run, options);
    }
    own_store_end(&own);
    test_daemon_use(s->daemon);
}

static void test_daemon_lost(TestStore *s)
{
    own_daemon(s, kill_daemon, OPTIONS(.timeout_ms = 1200), XLL_ERROR_TIMEOUT,
               "it may do so yet, as the request was not withdrawn: cannot");
    own_daemon(s, kill_daemon_and_power_off, OPTIONS(.wait = XLL_WAIT_SHUTDOWN), 0, NULL);
}

/* What it held is lost: that is no acknowledgement. */
static void test_daemon_restarted(TestStore *s)
{
    own_daemon(s, restart_daemon, OPTIONS(.timeout_ms = 2000), XLL_ERROR_TIMEOUT,
               "xenstore holds nothing of it any more");
}

static void test_no_daemon(TestStore *s)
{
    RUN(run, s);
    xsu_close(run->ctx.store);
    g_setenv("XENSTORED_PATH", "/nonexistent", TRUE);
    run->ctx.store = xsu_open(XSU_OPEN_LATER);
    g_autoptr(GError) error = NULL;
    g_assert_false(act(run, 1, NULL, &error));
    g_assert_error(error, XLL_ERROR, XLL_ERROR_XENSTORE);
    g_assert_cmpstr(run->told->str, ==, "");
    test_daemon_use(s->daemon);
}

/* ---- Connections are lost -------------------------------------------------------------------- */

/* A run behind a proxy. */
static void run_through(Run *run, TestProxy *proxy)
{
    xsu_close(run->ctx.store);
    test_proxy_use(proxy);
    run->ctx.store = xsu_open(XSU_OPEN_LATER);
}

static void test_connection_lost(TestStore *s)
{
    static const struct {
        uint32_t type;
        unsigned int skip;
        TestProxyAction action;
        const char *holds;
    } losses[] = {
        {XS_TRANSACTION_START, 0, PROXY_DROP_BEFORE, ""},
        {XS_WRITE, 0, PROXY_DROP_BEFORE, ""},
        {XS_TRANSACTION_END, 0, PROXY_DROP_BEFORE, ""},
        {XS_TRANSACTION_END, 0, PROXY_DROP_AFTER, "poweroff"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(losses); i++) {
        RUN(run, s);
        TestProxy *proxy = test_proxy_start(test_daemon_socket(s->daemon));
        g_autoptr(GError) error = NULL;
        run_through(run, proxy);
        test_proxy_fail(proxy, losses[i].type, losses[i].skip, 1, losses[i].action, NULL);
        g_assert_false(act(run, 1, NULL, &error));
        g_assert_error(error, XLL_ERROR, XLL_ERROR_XENSTORE);
        assert_holds(run->peer, FIRST, losses[i].holds);
        xsu_close(run->ctx.store);
        run->ctx.store = NULL;
        test_proxy_stop(proxy);
        test_daemon_use(s->daemon);
    }
}

/* A connection that idled while it waited may be dead when it is needed again. */
static void test_withdrawn_twice(TestStore *s)
{
    static const TestProxyAction losses[] = {PROXY_DROP_BEFORE, PROXY_DROP_AFTER};
    static const uint32_t types[] = {XS_TRANSACTION_START, XS_TRANSACTION_END};
    for (size_t i = 0; i < G_N_ELEMENTS(types) * G_N_ELEMENTS(losses); i++) {
        RUN(run, s);
        TestProxy *proxy = test_proxy_start(test_daemon_socket(s->daemon));
        run_through(run, proxy);
        test_proxy_fail(proxy, types[i / 2], 1, 1, losses[i % 2], NULL);
        assert_fails_with(run, OPTIONS(.timeout_ms = SOON_MS), XLL_ERROR_TIMEOUT,
                          i == 3 ? "it may have been acknowledged just then"
                                 : "the request is withdrawn");
        assert_holds(run->peer, FIRST, "");
        xsu_close(run->ctx.store);
        run->ctx.store = NULL;
        test_proxy_stop(proxy);
        test_daemon_use(s->daemon);
    }
}

/* What is lost while it waits is opened anew, and what happened meanwhile is seen. */
static void test_reading_fails(TestStore *s)
{
    RUN(run, s);
    TestProxy *proxy = test_proxy_start(test_daemon_socket(s->daemon));
    test_daemon_use(s->daemon);
    Guest *guest = guest_start(FIRST, acknowledge);
    run_through(run, proxy);
    /* "/libxl", vm, home and node are read before.  Then looks fail, more than there are events. */
    test_proxy_fail(proxy, XS_READ, 4, 4, PROXY_DROP_BEFORE, NULL);
    assert_done(run, OPTIONS(.timeout_ms = PATIENCE_MS));
    guest_end(guest);
    xsu_close(run->ctx.store);
    run->ctx.store = NULL;
    test_proxy_stop(proxy);
    test_daemon_use(s->daemon);
}

/* Many take as many round trips as one. */
static void test_rounds(TestStore *s)
{
    unsigned int rounds[2];
    for (size_t many = 0; many < 2; many++) {
        RUN(run, s);
        TestProxy *proxy = test_proxy_start(test_daemon_socket(s->daemon));
        GError *errors[MANY] = {NULL};
        run_through(run, proxy);
        g_assert_false(act(run, many ? MANY : 1, &OPTIONS(.timeout_ms = 300), errors));
        for (size_t i = 0; i < MANY; i++)
            g_clear_error(&errors[i]);
        rounds[many] = test_proxy_rounds(proxy);
        xsu_close(run->ctx.store);
        run->ctx.store = NULL;
        test_proxy_stop(proxy);
        test_daemon_use(s->daemon);
    }
    g_test_message("%u round trips for one, %u for %d", rounds[0], rounds[1], MANY);
    g_assert_cmpuint(rounds[1], <=, rounds[0] + 3);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    done = g_string_new(NULL);
    test_store_add("/power/withdrawn", test_withdrawn);
    test_store_add_on("/power/paused", EXACT_KINDS, test_paused);
    test_store_add("/power/withdrawal-conflicts", test_withdrawal_conflicts);
    test_store_add_on("/power/acknowledged-and-up", EXACT_KINDS, test_acknowledged_and_up);
    test_store_add_on("/power/another-request", EXACT_KINDS, test_another_request);
    test_store_add_on("/power/withdrawn-beside", EXACT_KINDS, test_withdrawn_beside);
    test_store_add_on("/power/destroyed", EXACT_KINDS, test_destroyed);
    test_store_add_on("/power/destroyed-or-gone", ONLY_C, test_destroyed_or_gone);
    test_store_add_on("/power/destruction-refused", EXACT_KINDS, test_destruction_refused);
    test_store_add_on("/power/destroyed-after-shutdown", ONLY_C, test_destroyed_after_shutdown);
    test_store_add_on("/power/daemon-lost", EXACT_KINDS, test_daemon_lost);
    test_store_add_on("/power/daemon-restarted", EXACT_KINDS, test_daemon_restarted);
    test_store_add_on("/power/no-daemon", ONLY_C, test_no_daemon);
    test_store_add_on("/power/connection-lost", EXACT_KINDS, test_connection_lost);
    test_store_add_on("/power/withdrawn-twice", EXACT_KINDS, test_withdrawn_twice);
    test_store_add_on("/power/reading-fails", EXACT_KINDS, test_reading_fails);
    test_store_add_on("/power/rounds", EXACT_KINDS, test_rounds);
    int status = g_test_run();
    g_string_free(done, TRUE);
    return status;
}

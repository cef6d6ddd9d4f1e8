/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asking domains to shut down, and waiting for them. */
#include "test-power.h"

/* ---- Acknowledged ---------------------------------------------------------------------------- */

static void test_acknowledged(TestStore *s)
{
    static const Reaction reactions[] = {acknowledge, remove_node, obey_at_once};
    for (size_t i = 0; i < G_N_ELEMENTS(reactions); i++) {
        RUN(run, s);
        Guest *guest = guest_start(FIRST, reactions[i]);
        assert_done(run, OPTIONS(.timeout_ms = PATIENCE_MS));
        guest_end(guest);
        assert_told(run, ASKED);
    }
}

static void test_defaults(TestStore *s)
{
    RUN(run, s);
    Guest *guest = guest_start(FIRST, acknowledge);
    g_autoptr(GError) error = NULL;
    g_assert_true(act(run, 1, NULL, &error));
    g_assert_no_error(error);
    guest_end(guest);
    g_assert_true(act(run, 0, NULL, NULL));
}

static void test_reboot(TestStore *s)
{
    RUN(run, s);
    Guest *guest = guest_start(FIRST, acknowledge_and_obey);
    assert_done(run, OPTIONS(.reboot = true, .wait = XLL_WAIT_SHUTDOWN));
    guest_end(guest);
    assert_told(run, "100 write /local/domain/100/control/shutdown = reboot\n"
                     "100 commit the transaction\n");
}

/* ---- Waiting --------------------------------------------------------------------------------- */

static void test_down(TestStore *s)
{
    static const Reaction reactions[] = {acknowledge_and_obey, obey_at_once, suspend_first};
    for (size_t i = 0; i < G_N_ELEMENTS(reactions); i++) {
        RUN(run, s);
        Guest *guest = guest_start(FIRST, reactions[i]);
        assert_done(run, OPTIONS(.wait = XLL_WAIT_SHUTDOWN));
        g_assert_cmpuint(there[0].flags, ==, down(XLL_SHUTDOWN_POWEROFF));
        guest_end(guest);
        assert_told(run, ASKED);
    }
}

static void destroy_it(Run *run)
{
    vanish(FIRST);
    if (!announce(run->peer))
        put(run->peer, "", NODE "/noise", FIRST);
}

/* That it is down is not the end; it is told after a second. */
static void test_gone(TestStore *s)
{
    RUN(run, s);
    Guest *guest = guest_start(FIRST, acknowledge_and_obey);
    run->on = "its destruction";
    run->then = destroy_it;
    assert_done(run, OPTIONS(.wait = XLL_WAIT_GONE));
    g_assert_true(is_gone[0]);
    guest_end(guest);
    assert_told(run, ASKED "100 wait its destruction\n");
}

static void test_destroyed_meanwhile(TestStore *s)
{
    for (xll_shutdown_wait wait = XLL_WAIT_ACKNOWLEDGED; wait <= XLL_WAIT_GONE; wait++) {
        RUN(run, s);
        Guest *guest = guest_start(FIRST, be_destroyed);
        assert_done(run, OPTIONS(.wait = wait));
        guest_end(guest);
        assert_told(run, ASKED "100 note it is gone, and was not seen to acknowledge the "
                               "request\n");
    }
}

static void test_crashes(TestStore *s)
{
    RUN(run, s);
    Guest *guest = guest_start(FIRST, crash);
    assert_fails_with(run, OPTIONS(.wait = XLL_WAIT_SHUTDOWN), XLL_ERROR_FAILED,
                      "it crashed instead");
    guest_end(guest);
}

static void test_powers_off_instead(TestStore *s)
{
    RUN(run, s);
    Guest *guest = guest_start(FIRST, obey_at_once);
    assert_fails_with(run, OPTIONS(.reboot = true, .wait = XLL_WAIT_SHUTDOWN), XLL_ERROR_FAILED,
                      "it powered off instead");
    guest_end(guest);
}

static void power_off_silently(Run *run)
{
    (void)run;
    set_flags(FIRST, down(XLL_SHUTDOWN_POWEROFF));
}

/* No domain here was introduced, so that xenstored would tell nothing of its end. */
static void test_unannounced(TestStore *s)
{
    RUN(run, s);
    run->on = "its acknowledgement";
    run->then = power_off_silently;
    assert_done(run, OPTIONS(.wait = XLL_WAIT_SHUTDOWN));
    assert_told(run, ASKED "100 wait its acknowledgement\n");
}

static void test_hypervisor_fails(TestStore *s)
{
    RUN(run, s);
    run->on = "its acknowledgement";
    run->then = power_off_silently;
    hypervisor_fails = true;
    g_autoptr(GError) error = NULL;
    g_assert_false(act(run, 1, NULL, &error));
    g_assert_error(error, XLL_ERROR, XLL_ERROR_FAILED);
    g_assert_nonnull(strstr(error->message, "'): cannot list the domains"));
    assert_holds(run->peer, FIRST, "");
}

static void lose_hypervisor(Run *run G_GNUC_UNUSED)
{
    hypervisor_fails = true;
}

/* The request stands then, as the guest may have begun to do what it asks for. */
static void test_hypervisor_fails_later(TestStore *s)
{
    RUN(run, s);
    run->on = "its acknowledgement";
    run->then = lose_hypervisor;
    g_autoptr(GError) error = NULL;
    g_assert_false(act(run, 1, NULL, &error));
    g_assert_error(error, XLL_ERROR, XLL_ERROR_FAILED);
    g_assert_nonnull(strstr(error->message, "it was asked to, and what comes of that is not "
                                            "known: cannot list the domains"));
    assert_holds(run->peer, FIRST, "poweroff");
}

/* ---- Several --------------------------------------------------------------------------------- */

static void test_many(TestStore *s)
{
    RUN(run, s);
    Guest *guests[MANY];
    GError *errors[MANY] = {NULL};
    for (uint32_t i = 0; i < MANY; i++)
        guests[i] = guest_start(FIRST + i, wait_for_all);
    g_assert_true(act(run, MANY, &OPTIONS(.wait = XLL_WAIT_SHUTDOWN), errors));
    for (uint32_t i = 0; i < MANY; i++) {
        g_assert_no_error(errors[i]);
        guest_end(guests[i]);
    }
}

/* Nobody waits for those that fail, each in its own way. */
static void test_some_fail(TestStore *s)
{
    RUN(run, s);
    GError *errors[6] = {NULL};
    static const int codes[]
        = {-1, XLL_ERROR_NOT_FOUND, XLL_ERROR_REPLACED, XLL_ERROR_DYING, XLL_ERROR_REPLACED, -1};
    is_gone[1] = true;
    there[2].handle[5] = 1;
    there[3].flags = XEN_DOMINF_dying;
    put(run->peer, "/vm/another", "/local/domain/%u/vm", FIRST + 4);
    Guest *first = guest_start(FIRST, acknowledge), *last = guest_start(FIRST + 5, acknowledge);
    g_assert_false(act(run, 6, NULL, errors));
    for (uint32_t i = 0; i < 6; i++) {
        if (codes[i] < 0)
            g_assert_no_error(errors[i]);
        else
            g_assert_error(errors[i], XLL_ERROR, codes[i]);
        assert_holds(run->peer, FIRST + i, "");
        g_clear_error(&errors[i]);
    }
    g_assert_null(strstr(run->told->str, "104"));
    guest_end(first);
    guest_end(last);
    Guest *guest = guest_start(FIRST, acknowledge);
    g_assert_false(act(run, 3, NULL, NULL));
    guest_end(guest);
}

/* Another domain has its domid, just as it was to be asked: of that the conflict tells. */
static void be_replaced(Run *run)
{
    put(run->peer, "mine", NODE, FIRST);
    there[0].handle[5] = 1;
}

static void test_replaced(TestStore *s)
{
    RUN(run, s);
    run->on = "shutdown = poweroff";
    run->then = be_replaced;
    assert_fails_with(run, OPTIONS(.timeout_ms = SOON_MS), XLL_ERROR_REPLACED, "another domain");
    assert_holds(run->peer, FIRST, "mine");
}

static void test_null(TestStore *s)
{
    RUN(run, s);
    GError *errors[2] = {NULL};
    const xll_domain *none[] = {NULL, NULL};
    g_assert_false(xll_shutdown_domains(&run->ctx, none, 2, NULL, errors));
    for (size_t i = 0; i < 2; i++) {
        g_assert_error(errors[i], XLL_ERROR, XLL_ERROR_INVALID);
        g_clear_error(&errors[i]);
    }
    g_assert_false(xll_shutdown_domains(NULL, none, 1, NULL, errors));
    g_assert_error(errors[0], XLL_ERROR, XLL_ERROR_INVALID);
    g_clear_error(&errors[0]);
    g_assert_false(xll_shutdown_domains(&run->ctx, NULL, 1, NULL, NULL));
    g_assert_false(act(run, 1, &OPTIONS(.timeout_ms = 1, .destroy_after_ms = 1), errors));
    g_assert_error(errors[0], XLL_ERROR, XLL_ERROR_INVALID);
    g_clear_error(&errors[0]);
    g_assert_false(act(run, 1, &OPTIONS(.reboot = true, .destroy_after_ms = 1), errors));
    g_assert_error(errors[0], XLL_ERROR, XLL_ERROR_INVALID);
    g_clear_error(&errors[0]);
    g_assert_cmpstr(run->told->str, ==, "");
}

/* ---- What is down already -------------------------------------------------------------------- */

static void test_down_already(TestStore *s)
{
    RUN(run, s);
    set_flags(FIRST, down(XLL_SHUTDOWN_CRASH));
    assert_done(run, OPTIONS(.wait = XLL_WAIT_ACKNOWLEDGED));
    assert_done(run, OPTIONS(.wait = XLL_WAIT_SHUTDOWN));
    g_assert_cmpstr(run->told->str, ==,
                    "100 note it has shut down already (it crashed)\n"
                    "100 note it has shut down already (it crashed)\n");
    assert_fails_with(run, OPTIONS(.reboot = true), XLL_ERROR_FAILED,
                      "it has shut down already (it crashed)");
    set_flags(FIRST, down(77));
    assert_fails_with(run, OPTIONS(.reboot = true), XLL_ERROR_FAILED,
                      "(it shut down with code 77)");
    set_flags(FIRST, down(XLL_SHUTDOWN_SUSPEND));
    assert_fails_with(run, OPTIONS(.wait = XLL_WAIT_SHUTDOWN), XLL_ERROR_FAILED, "it is suspended");
    assert_holds(run->peer, FIRST, "");
}

/* ---- HVM ------------------------------------------------------------------------------------- */

static void be_hvm(Run *run, const char *type)
{
    set_flags(FIRST, XEN_DOMINF_hvm_guest);
    if (type)
        put(run->peer, type, "/libxl/%u/type", FIRST);
    else
        g_assert_true(xs_rm(run->peer, XBT_NULL, "/libxl/100"));
}

static void test_hvm_asked(TestStore *s)
{
    static const struct {
        const char *type;
        uint64_t irq;
        const char *done;
    } ways[] = {{"pvh", 0, ""}, {"hvm", 1, "irq 100, "}, {NULL, 1, "irq 100, "}};
    for (size_t i = 0; i < G_N_ELEMENTS(ways); i++) {
        RUN(run, s);
        be_hvm(run, ways[i].type);
        callback_irq = ways[i].irq;
        Guest *guest = guest_start(FIRST, acknowledge);
        assert_done(run, OPTIONS(.press_button = true));
        guest_end(guest);
        assert_told(run, ASKED);
        g_assert_cmpstr(done->str, ==, ways[i].done);
    }
}

static void test_hvm_refused(TestStore *s)
{
    static const char *const types[] = {"hvm", NULL};
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        RUN(run, s);
        be_hvm(run, types[i]);
        assert_fails_with(run, OPTIONS(.wait = XLL_WAIT_GONE), XLL_ERROR_REFUSED,
                          "-F presses its ACPI power button");
        g_assert_cmpstr(run->told->str, ==, "");
        assert_holds(run->peer, FIRST, "");
    }
}

static void power_off_loudly(Run *run)
{
    go_down(run->peer, FIRST, XLL_SHUTDOWN_POWEROFF);
}

static void test_hvm_button(TestStore *s)
{
    RUN(run, s);
    be_hvm(run, "hvm");
    assert_done(run, OPTIONS(.press_button = true));
    g_assert_cmpstr(done->str, ==, "irq 100, trigger 100 3, ");
    g_assert_cmpstr(run->told->str, ==, "100 call XEN_DOMCTL_sendtrigger power\n");
    assert_fails_with(run,
                      OPTIONS(.press_button = true, .wait = XLL_WAIT_SHUTDOWN, .timeout_ms = 5),
                      XLL_ERROR_TIMEOUT, "did not shut down within 0.005 s after its button");
    run->on = "wait it to shut down";
    run->then = power_off_loudly;
    assert_done(run, OPTIONS(.press_button = true, .wait = XLL_WAIT_SHUTDOWN));
    assert_holds(run->peer, FIRST, "");
    be_hvm(run, "hvm");
    trigger_errno = ENOSYS;
    assert_fails_with(run, OPTIONS(.reboot = true, .press_button = true), XLL_ERROR_UNSUPPORTED,
                      "");
    g_assert_true(g_str_has_suffix(done->str, "trigger 100 1, "));
}

/* ---- Dry runs -------------------------------------------------------------------------------- */

static void test_dry_run(TestStore *s)
{
    RUN(run, s);
    run->ctx.dry_run = true;
    assert_done(run, OPTIONS(.wait = XLL_WAIT_ACKNOWLEDGED));
    g_assert_cmpstr(run->told->str, ==, ASKED "100 wait its acknowledgement\n");
    g_string_truncate(run->told, 0);
    assert_done(run, OPTIONS(.wait = XLL_WAIT_GONE, .destroy_after_ms = 1500));
    g_assert_cmpstr(run->told->str, ==,
                    ASKED "100 wait its acknowledgement\n"
                          "100 wait it to shut down\n"
                          "100 wait its destruction\n"
                          "100 note if it has not gone after 1.5 s, what follows\n");
    g_assert_cmpstr(done->str, ==, "destroy 100, ");
    assert_holds(run->peer, FIRST, "");
    be_hvm(run, "hvm");
    assert_done(run, OPTIONS(.press_button = true));
    assert_fails_with(run, OPTIONS(.reboot = true), XLL_ERROR_REFUSED, "ACPI reset button");
    g_assert_null(strstr(done->str, "trigger"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    done = g_string_new(NULL);
    test_store_add("/power/acknowledged", test_acknowledged);
    test_store_add("/power/defaults", test_defaults);
    test_store_add("/power/reboot", test_reboot);
    test_store_add("/power/down", test_down);
    test_store_add("/power/gone", test_gone);
    test_store_add("/power/destroyed-meanwhile", test_destroyed_meanwhile);
    test_store_add("/power/crashes", test_crashes);
    test_store_add("/power/powers-off-instead", test_powers_off_instead);
    test_store_add_on("/power/unannounced", EXACT_KINDS, test_unannounced);
    test_store_add_on("/power/hypervisor-fails", ONLY_C, test_hypervisor_fails);
    test_store_add_on("/power/hypervisor-fails/later", ONLY_C, test_hypervisor_fails_later);
    test_store_add("/power/many", test_many);
    test_store_add("/power/some-fail", test_some_fail);
    test_store_add("/power/replaced", test_replaced);
    test_store_add_on("/power/null", ONLY_C, test_null);
    test_store_add_on("/power/down-already", ONLY_C, test_down_already);
    test_store_add_on("/power/hvm/asked", EXACT_KINDS, test_hvm_asked);
    test_store_add_on("/power/hvm/refused", ONLY_C, test_hvm_refused);
    test_store_add_on("/power/hvm/button", EXACT_KINDS, test_hvm_button);
    test_store_add_on("/power/dry-run", EXACT_KINDS, test_dry_run);
    int status = g_test_run();
    g_string_free(done, TRUE);
    return status;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* 1 to 16 writers that conflict: the library's back-off, and retrying at once. */
#include "bench.h"
#include "contest.h"
#include "daemon.h"

static void on_daemon(TestDaemonKind kind, writers_load load, const char *question)
{
    const writers_policy policies[] = {contest_library, contest_at_once};
    TestDaemon *daemon = test_daemon_start(kind);
    unsigned int bad = 0;
    test_daemon_use(daemon);
    bench_head(question);
    for (unsigned int writers = 1; writers <= 16; writers *= 2) {
        g_autofree char *title = g_strdup_printf("with %u writers: lost or given up", writers);
        bench_at("writers", writers);
        bad = contest_run(load, writers, policies, G_N_ELEMENTS(policies));
        bench_count(title, "", bad, "at most 0");
    }
    test_daemon_stop(daemon);
}

int main(void)
{
    on_daemon(C_XENSTORED, INCREMENT, "Writers increment one counter, C xenstored");
    on_daemon(OXENSTORED, INCREMENT, "Writers increment one counter, oxenstored");
    on_daemon(C_XENSTORED, SIBLINGS, "Writers create siblings, C xenstored");
    on_daemon(OXENSTORED, SIBLINGS, "Writers create siblings, oxenstored");
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Other back-offs than the library's, with 2, 8 and 32 writers: what its defaults were chosen from. */
#include "bench.h"
#include "contest.h"
#include "daemon.h"

static const writers_policy candidates[] = {
    {.name = "0.5 to 20 ms, all wait", .base_ms = 0.5, .cap_ms = 20},
    {.name = "0.1 to 20 ms, first at once", .first_at_once = true, .base_ms = 0.1, .cap_ms = 20},
    {.name = "2 to 20 ms, first at once", .first_at_once = true, .base_ms = 2, .cap_ms = 20},
    {.name = "0.5 to 500 ms, first at once", .first_at_once = true, .base_ms = 0.5, .cap_ms = 500},
    {.name = "0.5 to 50 ms, first at once", .first_at_once = true, .base_ms = 0.5, .cap_ms = 50},
    {.name = "0.5 to 10 ms, first at once", .first_at_once = true, .base_ms = 0.5, .cap_ms = 10},
    {.name = "0.5 to 5 ms, first at once", .first_at_once = true, .base_ms = 0.5, .cap_ms = 5},
    {.name = "0.5 to 2 ms, first at once", .first_at_once = true, .base_ms = 0.5, .cap_ms = 2},
};

static void on_daemon(TestDaemonKind kind, const char *question)
{
    writers_policy policies[CONTEST_MOST_POLICIES] = {contest_library};
    unsigned int num = 1;
    TestDaemon *daemon = test_daemon_start(kind);
    for (unsigned int i = 0; i < G_N_ELEMENTS(candidates); i++)
        policies[num++] = candidates[i];
    policies[num++] = contest_at_once;
    test_daemon_use(daemon);
    bench_head(question);
    for (unsigned int writers = 2; writers <= 32; writers *= 4) {
        g_autofree char *title = g_strdup_printf("with %u writers: lost or given up", writers);
        bench_at("writers", writers);
        bench_count(title, "", contest_run(INCREMENT, writers, policies, num), "at most 0");
    }
    test_daemon_stop(daemon);
}

int main(void)
{
    on_daemon(C_XENSTORED, "Which back-off?  Writers increment one counter, C xenstored");
    on_daemon(OXENSTORED, "Which back-off?  Writers increment one counter, oxenstored");
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Being interrupted while something is made: it is undone, and then this process ends. */
#include <signal.h>

#include "cli.h"

static const int ends[] = {SIGHUP, SIGINT, SIGTERM};

static struct sigaction before[G_N_ELEMENTS(ends)];
static xll_ctx *volatile making;
static volatile sig_atomic_t ended_by; /* 0: by none */

static void on_end(int number)
{
    ended_by = number;
    xll_cancel(making);
}

void cli_begin_making(xll_ctx *ctx)
{
    const struct sigaction action = {.sa_handler = on_end, .sa_flags = SA_RESTART};

    making = ctx;
    for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
        sigaction(ends[i], NULL, &before[i]);
        if (before[i].sa_handler != SIG_IGN) /* nohup's, say */
            sigaction(ends[i], &action, NULL);
    }
}

void cli_end_making(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(ends); i++)
        sigaction(ends[i], &before[i], NULL);
    making = NULL;
}

int cli_status_of_making(int status, const GError *error)
{
    return ended_by && g_error_matches(error, XLL_ERROR, XLL_ERROR_CANCELLED) ? 128 + ended_by
                                                                              : status;
}

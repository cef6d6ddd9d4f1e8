/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a command waits until domains came to what they were told. */
#include "cli.h"

#define DEFAULT_S 60

bool cli_parse_wait(const cli_command *self, cli_wait *wait)
{
    double seconds = DEFAULT_S;

    if (wait->timeout && !wait->wanted) {
        cli_wrong_usage(self, "--timeout goes with --wait");
        return false;
    }
    if (wait->timeout && !cli_to_seconds(wait->timeout, &seconds)) {
        cli_wrong_usage(self, "'%s' is not a time in seconds", wait->timeout);
        return false;
    }
    wait->timeout_ms = (unsigned int)MIN(seconds * 1000, G_MAXUINT);
    return true;
}

void cli_wait_clear(cli_wait *wait)
{
    g_clear_pointer(&wait->timeout, g_free);
}

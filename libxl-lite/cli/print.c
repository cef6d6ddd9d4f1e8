/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing the output: complete, or an error. */
#include <errno.h>
#include <stdio.h>

#include "cli.h"

int cli_print(const GString *out)
{
    if (fwrite(out->str, 1, out->len, stdout) == out->len && fflush(stdout) == 0)
        return CLI_OK;
    return cli_fail("cannot write the output: %s", g_strerror(errno));
}

int cli_print_text(const char *text)
{
    g_autoptr(GString) out = g_string_new(text);

    return cli_print(out);
}

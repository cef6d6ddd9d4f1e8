/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libxlutil, whose messages are kept instead of printed, and the one function it needs of libxl. */
#include <string.h>

#include "source.h"

/* It reads booleans with this; what sets one and what asks for it are both here. */
void libxl_defbool_set(libxl_defbool *db, bool b)
{
    db->val = b ? 1 : -1;
}

/* Its messages begin with nothing: a name may have line ends in it. */
void cfg__xlu_begin(cfg__xlu *xlu)
{
    xlu->report = open_memstream(&xlu->said, &xlu->length);
    xlu->config = xlu->report ? xlu_cfg_init(xlu->report, "") : NULL;
    if (!xlu->config)
        g_error("out of memory");
}

void cfg__xlu_clear(cfg__xlu *xlu)
{
    xlu_cfg_destroy(xlu->config);
    if (xlu->report)
        fclose(xlu->report);
    free(xlu->said);
    *xlu = (cfg__xlu){0};
}

char *cfg__xlu_said(cfg__xlu *xlu)
{
    char *line;

    fflush(xlu->report);
    line = g_strndup(xlu->said, MIN(strcspn(xlu->said, "\n"), xlu->length));
    rewind(xlu->report);
    return line;
}

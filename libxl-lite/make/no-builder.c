/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In the place of build.c and x86.c where guests cannot be made. */
#include "libxl-lite/make/make.h"
#include "libxl-lite/make/versions.h"

#if !XLL__CAN_BUILD

bool xll__check_builder(GError **error)
{
    g_set_error(
        error, XLL_ERROR, XLL_ERROR_UNSUPPORTED,
        "cannot make a guest: use `xl create`, as this was built for an architecture that is "
        "not x86, or with a Xen before 4.15 that has not all headers of libxenguest");
    return false;
}

bool xll__open_image(xll__creation *c G_GNUC_UNUSED, GError **error)
{
    return xll__check_builder(error);
}

bool xll__build_domain(xll__creation *c G_GNUC_UNUSED, GError **error)
{
    return xll__check_builder(error);
}

void xll__free_image(xll__image *image G_GNUC_UNUSED)
{
}

void xll__configure_domain(const xll__creation *c G_GNUC_UNUSED,
                           struct xen_domctl_createdomain *config G_GNUC_UNUSED)
{
}

bool xll__set_up_processors(xll__creation *c G_GNUC_UNUSED, GError **error)
{
    return xll__check_builder(error);
}

#endif

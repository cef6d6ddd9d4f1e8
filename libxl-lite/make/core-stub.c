/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In the place of core's until that is merged. */
#include "libxl-lite/make/make.h"

bool xll__is_cancelled(const xll_ctx *ctx G_GNUC_UNUSED)
{
    return false;
}

bool xll__go_on(const xll__act *act, GError **error)
{
    return !xll__is_cancelled(act->ctx)
           || xll__fail(act, XLL_ERROR_CANCELLED, error, "it was cancelled");
}

bool xll__edit_userdata(const xll__act *act G_GNUC_UNUSED, xll__edit_json_fn edit G_GNUC_UNUSED,
                        void *data G_GNUC_UNUSED, GError **error G_GNUC_UNUSED)
{
    return true;
}

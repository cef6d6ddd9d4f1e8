/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In the place of core's until that is merged. */
#ifndef XLL_MAKE_PRIVATE_H
#define XLL_MAKE_PRIVATE_H

#include <json-c/json.h>

#include "libxl-lite/act/act.h"
#include "libxl-lite/make/device.h"
#include "libxl-lite/xll-make.h"

bool xll__is_cancelled(const xll_ctx *ctx);
bool xll__go_on(const xll__act *act, GError **error);
typedef bool (*xll__edit_json_fn)(json_object *object, void *data, GError **error);
bool xll__edit_userdata(const xll__act *act, xll__edit_json_fn edit, void *data, GError **error);

#endif

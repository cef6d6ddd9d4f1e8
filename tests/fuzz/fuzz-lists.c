/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of domains and devices from a lying store, and what xl-lite prints of them. */
#include "hypervisor.h"
#include "liar.h"
#include "libxl-lite/cli/details.h"
#include "safe.h"

static const LiarBody menu[] = {
    LIAR_BODY("web"),
    LIAR_BODY(""),
    LIAR_BODY("\xff\n\x1b[2J"),
    LIAR_BODY("4"),
    LIAR_BODY("4\0"),
    LIAR_BODY("4294967296"),
    LIAR_BODY("0\0"),
    LIAR_BODY("0\0"
              "1\0"),
    LIAR_BODY("00\0x\0"),
    LIAR_BODY("00:16:3E:00:00:01"),
    LIAR_BODY("/local/domain/0/backend/vif/1/0"),
    LIAR_BODY("/local/domain/5/backend/vbd/1/0"),
    LIAR_BODY("/local/domain/1/device/vif/0"),
    LIAR_BODY("1700000000.25"),
    {NULL, 0},
};

static void check_row(json_object *array, const cli_device_class *class, const xll_device *device)
{
    g_autoptr(GString) out = g_string_new(NULL);
    json_object *object = json_object_new_object();
    cli_append_device_row(out, class, device);
    check_safe(out, "");
    g_string_truncate(out, 0);
    cli_append_device_lines(out, class, device);
    check_safe(out, "\n");
    cli_add_device(object, class, device);
    json_object_array_add(array, object);
}

static void check_devices(xll_ctx *ctx, const cli_device_class *class)
{
    g_auto(cli_devices) devices = {0};
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) out = g_string_new(NULL);
    json_object *array = json_object_new_array();
    bool ok = class->fetch(&devices, ctx, NULL, 0, &error);
    FUZZ_CHECK(ok == !error, "no error");
    for (size_t i = 0; i < devices.num; i++)
        check_row(array, class, devices.items[i]);
    cli_append_json(out, array);
    check_safe(out, "\n");
    json_object_put(array);
}

static void check_domains(xll_ctx *ctx)
{
    g_autoptr(GError) error = NULL, no_uptimes = NULL;
    g_autoptr(xll_domain_list) list = xll_list_domains(ctx, &error);
    g_autoptr(xll_uptime_list) uptimes = xll_list_uptimes(ctx, NULL, 0, &no_uptimes);
    FUZZ_CHECK(!list == !!error && !uptimes == !!no_uptimes, "no error");
    for (size_t i = 0; list && i < list->num; i++) {
        g_autoptr(GString) out = g_string_new(NULL);
        g_autoptr(GError) not_found = NULL;
        const char *name = list->domains[i]->name;
        const xll_domain *found = xll_find_domain(list, name, &not_found);
        FUZZ_CHECK(!found == !!not_found, "'%s'", name);
        FUZZ_CHECK(!found || strcmp(found->name, name) == 0, "'%s'", name);
        cli_append_name(out, list->domains[i], 32);
        check_safe(out, "");
    }
    for (size_t i = 0; uptimes && i < uptimes->num; i++)
        FUZZ_CHECK(uptimes->uptimes[i].seconds >= -1, "%u", uptimes->uptimes[i].domid);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = {data, size};
    xll_ctx ctx = {.xch = NULL};
    liar_begin(&in, menu);
    hypervisor_begin();
    ctx.store = xll__open_store(NULL);
    for (int n = 0; n < 3 && in.left; n++) {
        unsigned int what = fuzz_below(&in, 5);
        if (what == 4)
            check_domains(&ctx);
        else
            check_devices(&ctx, cli_device_classes[what]);
    }
    xsu_close(ctx.store);
    liar_end();
    return 0;
}

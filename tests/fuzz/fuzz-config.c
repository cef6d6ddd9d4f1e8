/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Configurations of guests, and words for devices: there is a guest or an error of one line. */
#include "fuzz.h"

#include <errno.h>

#include "libxl-lite/config/source.h"

xll_ctx *__wrap_xll_open(GError **error);

xll_ctx *__wrap_xll_open(GError **error)
{
    g_set_error_literal(error, XLL_ERROR, XLL_ERROR_NO_XEN, "no Xen");
    return NULL;
}

/* libxlutil loses what a list has got when its syntax turns out to be wrong; its programs end then. */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
    return "leak:xlu__cfg\n";
}

static void check_error(const GError *error, bool done, const char *text)
{
    FUZZ_CHECK(!error == done, "'%s'", text);
    FUZZ_CHECK(done || (error->domain == XLL_ERROR && *error->message), "'%s'", text);
    FUZZ_CHECK(done || !strchr(error->message, '\n'), "'%s'", error->message);
    FUZZ_CHECK(done || strlen(error->message) < 2000, "'%s'", error->message);
}

/* Each key that is found is one that libxlutil has found. */
static void check_keys(const char *const *arguments)
{
    g_auto(cfg__source) source = {0};
    if (!cfg__read_source(&source, NULL, arguments, NULL))
        return;
    for (guint i = 0; i < source.settings->len; i++) {
        const char *key = g_array_index(source.settings, cfg__setting, i).key;
        const char *text;
        FUZZ_CHECK(xlu_cfg_get_string(source.xlu.config, key, &text, 1) != ESRCH, "'%s' in '%s'",
                   key, *arguments);
    }
}

static void check_guest(const char *text)
{
    const char *const arguments[] = {"name='x';kernel='/k'", text, NULL};
    g_autoptr(GError) error = NULL;
    g_autoptr(xll_guest) guest = cfg_read_guest(NULL, arguments, &error);
    check_error(error, guest != NULL, text);
    if (guest)
        FUZZ_CHECK(guest->name && guest->kernel && guest->memory_kib && guest->vcpus
                       && guest->max_vcpus >= guest->vcpus,
                   "'%s'", text);
    check_keys(arguments + 1);
}

static void check_nic(const char *text)
{
    const char *const words[] = {text, NULL};
    g_auto(xll_new_nic) nic = {0};
    g_autoptr(GError) error = NULL;
    bool done = cfg_parse_nic(words, &nic, &error);
    check_error(error, done, text);
    FUZZ_CHECK(!nic.script || *nic.script == '/', "'%s'", text);
    FUZZ_CHECK(!nic.mac || strlen(nic.mac) == 17, "'%s'", text);
}

static void check_disk(const char *text)
{
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    g_auto(xll_new_disk) disk = {0};
    g_autoptr(GError) error = NULL;
    bool done = cfg_parse_disk((const char *const *)words, &disk, &error);
    check_error(error, done, text);
    FUZZ_CHECK(!done || (disk.target && *disk.target && disk.vdev && *disk.vdev), "'%s'", text);
}

int LLVMFuzzerInitialize(int *argc G_GNUC_UNUSED, char ***argv G_GNUC_UNUSED)
{
    cfg__host_path = "/nonexistent/xl.conf";
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = {data, size};
    uint8_t what = fuzz_byte(&in);
    g_autofree char *text = fuzz_rest(&in);
    switch (what % 4) {
    case 0:
        check_nic(text);
        break;
    case 1:
        check_disk(text);
        break;
    default:
        check_guest(text);
    }
    return 0;
}

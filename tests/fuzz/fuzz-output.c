/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Texts of guests in what xl-lite prints: as rows, as lines, as JSON, as a console's stream. */
#include "libxl-lite/cli/details.h"
#include "safe.h"

#include <ctype.h>

/* ---- Texts ------------------------------------------------------------------------------------ */

/* What printf '%b' makes of it. */
static GString *unescape(const char *text)
{
    GString *out = g_string_new(NULL);
    while (*text) {
        bool escaped = text[0] == '\\' && text[1] == 'x' && isxdigit(text[2]) && isxdigit(text[3]);
        int byte
            = escaped ? g_ascii_xdigit_value(text[2]) << 4 | g_ascii_xdigit_value(text[3]) : *text;
        g_string_append_c(out, (char)byte);
        text += escaped ? 4 : 1;
    }
    return out;
}

static void check_text(const char *text)
{
    g_autoptr(GString) out = g_string_new(NULL);
    cli_append_escaped(out, text, CLI_ESCAPE_BACKSLASH);
    check_safe(out, "");
    g_autoptr(GString) back = unescape(out->str);
    FUZZ_CHECK(strcmp(back->str, text) == 0, "'%s' does not come back", out->str);
    g_string_truncate(out, 0);
    cli_append_line(out, "label", "%s", text);
    FUZZ_CHECK(check_safe(out, "\n") == 1, "'%s'", out->str);
}

static void check_json_text(const char *text, bool on_one_line)
{
    g_autoptr(GString) out = g_string_new(NULL);
    json_object *array = json_object_new_array();
    json_object_array_add(array, cli_json_string(text));
    (on_one_line ? cli_append_json_line : cli_append_json)(out, array);
    json_object_put(array);
    unsigned int lines = check_safe(out, "\n");
    FUZZ_CHECK(!on_one_line || lines == 1, "%u lines", lines);
    json_object *read = json_tokener_parse(out->str);
    FUZZ_CHECK(json_object_array_length(read) == 1, "'%s'", out->str);
    const char *got = json_object_get_string(json_object_array_get_idx(read, 0));
    g_autofree char *escaped = g_utf8_validate(text, -1, NULL) ? NULL : cli_escaped(text);
    FUZZ_CHECK(strcmp(got, escaped ?: text) == 0, "'%s'", out->str);
    json_object_put(read);
}

/* ---- A stream --------------------------------------------------------------------------------- */

/* However it is cut, it is the same. */
static void check_visible(FuzzInput *in)
{
    size_t cut = fuzz_byte(in), len = in->left;
    g_autofree char *bytes = fuzz_bytes(in, &len);
    g_autoptr(GString) whole = g_string_new(NULL), pieces = g_string_new(NULL);
    cli_visible state = {0};
    cli_append_visible(&state, bytes, len, whole);
    cli_end_visible(&state, whole);
    state = (cli_visible){0};
    cut = MIN(cut, len);
    for (size_t i = 0; i < cut; i++)
        cli_append_visible(&state, bytes + i, 1, pieces);
    cli_append_visible(&state, bytes + cut, len - cut, pieces);
    cli_end_visible(&state, pieces);
    FUZZ_CHECK(g_string_equal(whole, pieces), "'%s', '%s'", whole->str, pieces->str);
    for (size_t i = 0; i < whole->len; i++) {
        unsigned char byte = (unsigned char)whole->str[i];
        bool fine = byte == '\n' || byte == '\t' || (byte == '\r' && whole->str[i + 1] == '\n')
                    || (byte >= 0x20 && byte != 0x7f);
        FUZZ_CHECK(fine, "byte %02x", byte);
        FUZZ_CHECK(byte != 0xc2 || (unsigned char)whole->str[i + 1] >= 0xa0, "a C1 control");
    }
}

/* ---- Devices, domains, errors ----------------------------------------------------------------- */

static void check_rows(const cli_device_class *class, const xll_device *device)
{
    g_autoptr(GString) out = g_string_new(NULL);
    json_object *object = json_object_new_object();
    cli_append_device_row(out, class, device);
    check_safe(out, "");
    g_string_truncate(out, 0);
    cli_append_device_lines(out, class, device);
    check_safe(out, "\n");
    g_string_truncate(out, 0);
    cli_add_device(object, class, device);
    cli_append_json_line(out, object);
    FUZZ_CHECK(check_safe(out, "\n") == 1, "'%s'", out->str);
    json_object_put(object);
}

/* Numbers are those that libxl-lite gives: 32 bits, or -1. */
static int64_t number(FuzzInput *in)
{
    return fuzz_byte(in) & 1 ? (int64_t)fuzz_u32(in) : (int64_t)fuzz_byte(in) - 1;
}

static void check_devices(FuzzInput *in)
{
    char *texts[6];
    for (int i = 0; i < 6; i++)
        texts[i] = fuzz_byte(in) & 1 ? fuzz_text(in) : NULL;
    xll_device common = {.domid = fuzz_u32(in),
                         .devid = fuzz_u32(in),
                         .backend_domid = number(in),
                         .state = number(in),
                         .backend_state = number(in),
                         .frontend = texts[0],
                         .backend = texts[1]};
    int64_t ring = number(in), channel = number(in);
    xll_nic nic = {common, channel, ring, ring, NULL, texts[2]};
    xll_disk disk = {common, channel, ring, texts[2], texts[3], texts[4]};
    xll_console console = {common, channel, ring, texts[2], texts[3], texts[4], texts[5]};
    check_rows(&cli_nics, &nic.device);
    check_rows(&cli_disks, &disk.device);
    check_rows(&cli_consoles, &console.device);
    for (int i = 0; i < 6; i++)
        g_free(texts[i]);
}

static void check_steps(const xll_domain *domain, FuzzInput *in)
{
    g_autoptr(GString) out = g_string_new(NULL);
    g_autofree char *target = fuzz_text(in), *value = fuzz_text(in);
    xll_step step = {.domid = domain->domid,
                     .kind = (xll_step_kind)fuzz_below(in, XLL_STEP_NOTE + 1),
                     .target = target,
                     .value = *value ? value : NULL};
    cli_outcome *outcome = cli_outcome_new(target);
    outcome->domain = domain;
    cli_take_step(outcome, &step, true, false);
    cli_append_steps(out, outcome);
    FUZZ_CHECK(check_safe(out, "\n") == 1, "'%s'", out->str);
    json_object *object = cli_outcome_json(outcome, true);
    cli_append_json(out, object);
    check_safe(out, "\n");
    json_object_put(object);
    cli_outcome_free(outcome);
}

static void check_domain(FuzzInput *in)
{
    g_autoptr(GString) out = g_string_new(NULL);
    g_autofree char *name = fuzz_text(in);
    xll_domain domain = {.domid = 7,
                         .name = fuzz_byte(in) & 1 ? name : NULL,
                         .uuid = "00000000-0000-0000-0000-000000000000",
                         .shutdown_reason = (int)fuzz_byte(in) - 1,
                         .cpupool = fuzz_u32(in),
                         .cpu_time_ns = UINT64_MAX};
    cli_append_name(out, &domain, fuzz_byte(in));
    check_safe(out, "");
    check_steps(&domain, in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = {data, size};
    uint8_t what = fuzz_byte(&in);
    if (what % 4 == 0) {
        check_visible(&in);
    } else if (what % 4 == 1) {
        check_devices(&in);
    } else if (what % 4 == 2) {
        check_domain(&in);
    } else {
        g_autofree char *text = fuzz_rest(&in);
        check_text(text);
        check_json_text(text, what & 4);
    }
    return 0;
}

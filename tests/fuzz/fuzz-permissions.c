/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Permissions of a daemon, and as people write them. */
#include "fuzz.h"
#include "xsutil/text/text.h"

#include <errno.h>

/* One in the protocol, by other means; -1 if it is none, else the letter's place in "nrwb". */
static int letter_of(const char *one, unsigned int *domid)
{
    static const char letters[] = "nrwb";
    const char *at = *one ? strchr(letters, *one) : NULL;
    bool hex = at && g_str_has_prefix(one + 1, "0x");
    const char *digits = at ? one + (hex ? 3 : 1) : "";
    guint64 number;
    if (!g_ascii_isxdigit(*digits) /* GLib takes a vertical tab, too */
        || !g_ascii_string_to_unsigned(digits, hex ? 16 : 10, 0, UINT32_MAX, &number, NULL))
        return -1;
    *domid = (unsigned int)number;
    return (int)(at - letters);
}

/* Whether these are they, and what the first that is not is, or NULL. */
static void compare(char *const *ones, unsigned int num, const struct xs_permissions *perms,
                    unsigned int num_perms)
{
    bool all = num > 0;
    for (unsigned int i = 0; i < num; i++) {
        unsigned int domid;
        int letter = letter_of(ones[i], &domid);
        all = all && letter >= 0;
        if (perms && i < num_perms && letter >= 0)
            FUZZ_CHECK((unsigned int)perms[i].perms == (unsigned int)letter && perms[i].id == domid,
                       "'%s'", ones[i]);
    }
    FUZZ_CHECK(all == (perms != NULL), "%u of them", num);
    FUZZ_CHECK(!perms || num == num_perms, "%u, not %u", num_perms, num);
}

/* What is written is read as what it was. */
static void check_round(xsu_gc *gc, const struct xs_permissions *perms, unsigned int num)
{
    unsigned int again = 0;
    char *text = xsu_permissions_format(gc, perms, num);
    FUZZ_CHECK(text, "%u permissions have no text", num);
    const struct xs_permissions *same = xsu_permissions_parse(gc, text, &again);
    FUZZ_CHECK(same && again == num, "'%s'", text);
    for (unsigned int i = 0; i < num; i++)
        FUZZ_CHECK(same[i].id == perms[i].id && same[i].perms == perms[i].perms, "'%s'", text);
}

static void check_text(const char *text)
{
    XSU_GC(gc, NULL);
    unsigned int num = 77;
    g_auto(GStrv) ones = g_strsplit(text, ",", -1);
    errno = 0;
    const struct xs_permissions *perms = xsu_permissions_parse(gc, text, &num);
    FUZZ_CHECK(perms || (num == 0 && errno == EINVAL), "'%s': errno %d", text, errno);
    compare(ones, g_strv_length(ones), perms, num);
    if (perms)
        check_round(gc, perms, num);
}

/* As in the protocol: what the last NUL ends, and what is behind it. */
static void check_body(FuzzInput *in)
{
    XSU_GC(gc, NULL);
    size_t len = in->left;
    g_autofree char *body = fuzz_bytes(in, &len);
    g_autoptr(GPtrArray) ones = g_ptr_array_new_with_free_func(g_free);
    unsigned int num = 0;
    for (size_t at = 0; at < len;) {
        size_t size = strnlen(body + at, len - at);
        g_ptr_array_add(ones, g_strndup(body + at, size));
        at += size + 1;
    }
    FUZZ_CHECK(xsu__text_count_strings(body, len) == ones->len, "not %u strings", ones->len);
    errno = 0;
    const struct xs_permissions *perms = xsu__text_permissions(gc, body, len, &num);
    FUZZ_CHECK(perms || errno == EIO, "errno %d", errno);
    compare((char **)ones->pdata, ones->len, perms, num);
    if (perms)
        check_round(gc, perms, num);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = {data, size};
    if (fuzz_byte(&in) & 1) {
        check_body(&in);
    } else {
        g_autofree char *text = fuzz_rest(&in);
        check_text(text);
    }
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of making domains share: a guest, the host that it is made on, and what is there. */
#ifndef TESTS_TEST_CREATE_HOST_H
#define TESTS_TEST_CREATE_HOST_H

#include "test-create.h"

/* ---- What there is ---------------------------------------------------------------------------- */

static xll_guest *guest;
static GPtrArray *told;
static int cancel_at, fail_at;

/* The call that is made next fails. */
static inline void note(const xll_step *step, void *data G_GNUC_UNUSED)
{
    int n;
    g_ptr_array_add(told,
                    g_strdup_printf("%d %s=%s", (int)step->kind, step->target, step->value ?: ""));
    n = (int)told->len;
    if (n == cancel_at)
        xll_cancel(ctx);
    if (n == fail_at) {
        xen.failing = "";
        xen.err = EIO;
        xen.once = true;
    }
}

/* A new one each time, as one that was cancelled is for good. */
static inline void open_new(bool dry_run)
{
    g_clear_pointer(&ctx, xll_close);
    ctx = open_ctx();
    ctx->root = root;
    cancel_at = fail_at = 0;
    g_ptr_array_set_size(told, 0);
    xll_set_steps(ctx, note, NULL, dry_run);
}

static inline void start(TestStore *s, xll_guest_type type)
{
    peer = s->peer;
    be_alone();
    make_root();
    put("/local/domain/0/name", "Domain-0");
    put("/libxl", ""); /* these two stay, once they are there */
    put("/vm", "");
    told = g_ptr_array_new_with_free_func(g_free);
    open_new(false);
    guest = xll_guest_new();
    guest->name = g_strdup("web");
    guest->uuid = g_strdup(UUID);
    guest->type = type;
    guest->kernel = g_strdup(kernel);
    guest->memory_kib = 98304;
}

static inline void stop(void)
{
    g_clear_pointer(&ctx, xll_close);
    g_clear_pointer(&guest, xll_guest_free);
    g_clear_pointer(&told, g_ptr_array_unref);
    clear_store();
    remove_root();
}

static inline void append_tree(GString *text, const char *path, const xsu_node *node)
{
    g_string_append_printf(text, "%s = %s (", path, (const char *)node->value);
    for (unsigned int i = 0; i < node->num_perms; i++)
        g_string_append_printf(text, "%s%s%u", i ? "," : "",
                               node->perms[i].perms == XS_PERM_NONE ? "n" : "r", node->perms[i].id);
    g_string_append(text, ")\n");
    for (unsigned int i = 0; i < node->num_children; i++) {
        g_autofree char *below = g_strdup_printf("%s/%s", path, node->children[i].name);
        append_tree(text, below, &node->children[i]);
    }
}

static inline int compare_lines(const void *one, const void *other)
{
    return strcmp(*(char *const *)one, *(char *const *)other);
}

static inline char *sort(GString *text)
{
    g_auto(GStrv) lines = g_strsplit(text->str, "\n", -1);
    qsort(lines, g_strv_length(lines), sizeof *lines, compare_lines);
    g_string_assign(text, "");
    for (char **line = lines; *line; line++)
        g_string_append_printf(text, "%s\n", *line);
    return g_string_free(text, FALSE);
}

/* All nodes with their permissions, sorted; the same of files. */
static inline char *look(void)
{
    static const char *const roots[] = {"/local", "/libxl", "/vm"};
    g_autofree char *lib = g_strconcat(root, "/var/lib/xen", NULL);
    g_autoptr(GDir) dir = g_dir_open(lib, 0, NULL);
    GString *text = g_string_new(NULL);
    XSU_GC(gc, ctx->store);
    for (size_t i = 0; i < G_N_ELEMENTS(roots); i++) {
        xsu_node *tree = xs_treef(gc, XBT_NULL, XSU_TREE_PERMISSIONS, 0, "%s", roots[i]);
        if (tree)
            append_tree(text, roots[i], tree);
    }
    for (const char *name; (name = g_dir_read_name(dir));)
        g_string_append_printf(text, "%s\n", name);
    g_string_append_printf(text, "%u domains\n", xen.num);
    return sort(text);
}

static inline void assert_as(const char *before)
{
    g_autofree char *now = look();
    g_assert_null(image);
    g_assert_cmpstr(before, ==, now);
}

#endif

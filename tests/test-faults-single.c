/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Single reads and changes through a stream that is at fault at any of its bytes. */
#include "faults.h"

/* ---- Reads ----------------------------------------------------------------------------------- */

static const struct xs_permissions perms[] = {{0, XS_PERM_NONE}, {7, XS_PERM_READ}};

static void plant(Scene *scene)
{
    char *node = g_strdup_printf("%s/dir", scene->root);
    test_store_set(scene->store, "text", "value 42");
    test_store_set(scene->store, "number", "1234");
    test_store_set(scene->store, "flag", "1");
    test_store_set(scene->store, "dir/one", "1");
    test_store_set(scene->store, "dir/two", "2");
    struct xs_permissions both[] = {perms[0], perms[1]};
    g_assert_true(xs_set_permissions(scene->store->peer, XBT_NULL, node, both, 2));
    g_free(node);
}

static bool run_read(Scene *scene, xsu_gc *gc)
{
    return is_text(xs_readf(gc, XBT_NULL, "%s/text", scene->root), "value 42");
}

static bool run_read_bytes(Scene *scene, xsu_gc *gc)
{
    unsigned int len = 99;
    const char *value = xs_read_bytesf(gc, XBT_NULL, &len, "%s/text", scene->root);
    return value ? right(len == 8 && memcmp(value, "value 42", 9) == 0) : right(len == 0) && value;
}

static bool run_read_u64(Scene *scene, xsu_gc *gc)
{
    uint64_t n = 7;
    bool ok = xs_read_u64f(gc, XBT_NULL, &n, "%s/number", scene->root);
    return ok ? right(n == 1234) : right(n == 7) && ok;
}

static bool run_read_i64(Scene *scene, xsu_gc *gc)
{
    int64_t n = 7;
    bool ok = xs_read_i64f(gc, XBT_NULL, &n, "%s/number", scene->root);
    return ok ? right(n == 1234) : right(n == 7) && ok;
}

static bool run_read_bool(Scene *scene, xsu_gc *gc)
{
    bool is = false, ok = xs_read_boolf(gc, XBT_NULL, &is, "%s/flag", scene->root);
    return ok ? right(is) : right(!is) && ok;
}

static bool run_scan(Scene *scene, xsu_gc *gc)
{
    unsigned int n = 7;
    bool ok = xs_scanf(gc, XBT_NULL, xs_pathf(gc, "%s/text", scene->root), "value %u", &n);
    return ok ? right(n == 42) : right(n == 7) && ok;
}

static bool run_exists(Scene *scene, xsu_gc *gc)
{
    return xs_existsf(gc, XBT_NULL, "%s/text", scene->root);
}

static bool run_directory(Scene *scene, xsu_gc *gc)
{
    unsigned int num = 99;
    char **names = xs_directoryf(gc, XBT_NULL, &num, "%s/dir", scene->root);
    if (!names)
        return right(num == 0) && names;
    bool first = num == 2 && strcmp(names[0], "one") == 0;
    return right(num == 2 && !names[2] && strcmp(names[first ? 1 : 0], "two") == 0);
}

static bool run_permissions(Scene *scene, xsu_gc *gc)
{
    unsigned int num = 99;
    const struct xs_permissions *got
        = xs_get_permissionsf(gc, XBT_NULL, &num, "%s/dir", scene->root);
    return got ? right(num == 2 && got[1].id == 7 && got[1].perms == XS_PERM_READ)
               : right(num == 0) && got;
}

static bool run_tree(Scene *scene, xsu_gc *gc)
{
    const xsu_node *tree = xs_treef(gc, XBT_NULL, XSU_TREE_PERMISSIONS, 0, "%s/dir", scene->root);
    return tree && right(tree->num_children == 2 && tree->num_perms == 2 && !tree->error)
           && right(tree->children[0].len == 1 && tree->children[1].len == 1);
}

static bool run_introduced(Scene *scene, xsu_gc *gc)
{
    bool is = true, ok = xsu_domain_is_introduced(gc, 4711, &is);
    (void)scene;
    return ok ? right(!is) : right(is) && ok;
}

static bool run_request(Scene *scene, xsu_gc *gc)
{
    unsigned int len = 99;
    const char *path = xs_pathf(gc, "%s/text", scene->root);
    const char *value = xsu_request(gc, XBT_NULL, XS_READ, path, strlen(path) + 1, &len);
    return value ? right(len == 8) && is_text(value, "value 42") : right(len == 0) && value;
}

/* ---- A directory that comes in parts --------------------------------------------------------- */

enum { MANY = 150 };

static void plant_many(Scene *scene)
{
    char name[80];
    if (is_stored(scene, "many/0", "x", "x"))
        return;
    test_store_set(scene->store, "many/0", "x");
    for (int i = 0; i < MANY; i++) {
        g_snprintf(name, sizeof name, "many/a-name-of-some-length-%010d", i);
        test_store_set(scene->store, name, "");
    }
}

static bool run_long_directory(Scene *scene, xsu_gc *gc)
{
    unsigned int num = 0;
    char **names = xs_directoryf(gc, XBT_NULL, &num, "%s/many", scene->root);
    return names && right(num == MANY + 1);
}

/* ---- Changes --------------------------------------------------------------------------------- */

static void set_old(Scene *scene)
{
    test_store_set(scene->store, "node", "old");
}

/* Whether it was done is unknown if it has failed. */
static bool is_new_or_unknown(Scene *scene, bool ok)
{
    return is_stored(scene, "node", "new", ok ? "new" : "old");
}

static bool run_write(Scene *scene, xsu_gc *gc)
{
    return xs_writef(gc, XBT_NULL, "new", "%s/node", scene->root);
}

static bool run_write_bytes(Scene *scene, xsu_gc *gc)
{
    return xs_write_bytesf(gc, XBT_NULL, "new", 3, "%s/node", scene->root);
}

static bool run_printf(Scene *scene, xsu_gc *gc)
{
    return xs_printf(gc, XBT_NULL, xs_pathf(gc, "%s/node", scene->root), "n%s", "ew");
}

static bool run_mknod(Scene *scene, xsu_gc *gc)
{
    return xs_mknodf(gc, XBT_NULL, "new", perms, 2, "%s/node", scene->root);
}

static bool run_request_write(Scene *scene, xsu_gc *gc)
{
    const char *path = xs_pathf(gc, "%s/node", scene->root);
    size_t size = strlen(path) + 1;
    char *payload = xsu_alloc(gc, size + 3);
    memcpy(payload, path, size);
    memcpy(payload + size, "new", 3);
    return xsu_request(gc, XBT_NULL, XS_WRITE, payload, size + 3, NULL);
}

static void remove_node(Scene *scene)
{
    char *path = g_strdup_printf("%s/node", scene->root);
    g_assert_true(xs_rm(scene->store->peer, XBT_NULL, path));
    g_free(path);
}

static bool run_mkdir(Scene *scene, xsu_gc *gc)
{
    return xs_mkdirf(gc, XBT_NULL, "%s/node", scene->root);
}

static bool check_mkdir(Scene *scene, bool ok)
{
    return is_stored(scene, "node", "", ok ? "" : NULL);
}

static bool run_rm(Scene *scene, xsu_gc *gc)
{
    return xs_rmf(gc, XBT_NULL, "%s/node", scene->root);
}

static bool check_rm(Scene *scene, bool ok)
{
    return is_stored(scene, "node", NULL, ok ? NULL : "old");
}

static unsigned int num_permissions(Scene *scene)
{
    unsigned int num = 0;
    char *path = g_strdup_printf("%s/node", scene->root);
    free(xs_get_permissions(scene->store->peer, XBT_NULL, path, &num));
    g_free(path);
    return num;
}

static void set_new(Scene *scene)
{
    remove_node(scene);
    set_old(scene);
}

static bool run_set_permissions(Scene *scene, xsu_gc *gc)
{
    return xs_set_permissionsf(gc, XBT_NULL, perms, 2, "%s/node", scene->root);
}

static bool check_set_permissions(Scene *scene, bool ok)
{
    unsigned int num = num_permissions(scene);
    return num == 2 || (num == 1 && !ok);
}

/* The value first, then the permissions. */
static bool check_mknod(Scene *scene, bool ok)
{
    unsigned int num = num_permissions(scene);
    return is_new_or_unknown(scene, ok) && (num == 2 || (num == 1 && !ok))
           && (num == 1 || is_stored(scene, "node", "new", "new"));
}

static bool run_introduce(Scene *scene, xsu_gc *gc)
{
    (void)scene;
    return xsu_introduce_domain(gc, 4711, 1234, 5);
}

static bool check_introduce(Scene *scene, bool ok)
{
    bool is = xs_is_domain_introduced(scene->store->peer, 4711);
    g_assert_true(!is || xs_release_domain(scene->store->peer, 4711));
    return is || !ok;
}

static void introduce(Scene *scene)
{
    g_assert_true(xs_introduce_domain(scene->store->peer, 4711, 1234, 5));
}

static bool run_release(Scene *scene, xsu_gc *gc)
{
    (void)scene;
    return xsu_release_domain(gc, 4711);
}

static bool check_release(Scene *scene, bool ok)
{
    bool is = xs_is_domain_introduced(scene->store->peer, 4711);
    g_assert_true(!is || xs_release_domain(scene->store->peer, 4711));
    return !is || !ok;
}

int main(int argc, char **argv)
{
    static const Operation all[] = {
        {"xs_readf", plant, run_read, NULL, REPEATED, 0},
        {"xs_read_bytesf", plant, run_read_bytes, NULL, REPEATED, 0},
        {"xs_read_u64f", plant, run_read_u64, NULL, REPEATED, 0},
        {"xs_read_i64f", plant, run_read_i64, NULL, REPEATED, 0},
        {"xs_read_boolf", plant, run_read_bool, NULL, REPEATED, 0},
        {"xs_scanf", plant, run_scan, NULL, REPEATED, 0},
        {"xs_existsf", plant, run_exists, NULL, REPEATED, 0},
        {"xs_directoryf", plant, run_directory, NULL, REPEATED, 0},
        {"xs_directoryf, long", plant_many, run_long_directory, NULL, REPEATED | LONG, 0},
        {"xs_get_permissionsf", plant, run_permissions, NULL, REPEATED, 0},
        {"xs_treef", plant, run_tree, NULL, REPEATED, 0},
        {"xsu_domain_is_introduced", NULL, run_introduced, NULL, REPEATED, 0},
        {"xsu_request, a read", plant, run_request, NULL, REPEATED, 0},
        {"xs_writef", set_old, run_write, is_new_or_unknown, 0, 0},
        {"xs_write_bytesf", set_old, run_write_bytes, is_new_or_unknown, 0, 0},
        {"xs_printf", set_old, run_printf, is_new_or_unknown, 0, 0},
        {"xs_mknodf", set_new, run_mknod, check_mknod, 0, 0},
        {"xs_mkdirf", remove_node, run_mkdir, check_mkdir, 0, 0},
        {"xs_rmf", set_old, run_rm, check_rm, 0, 0},
        {"xs_set_permissionsf", set_new, run_set_permissions, check_set_permissions, 0, 0},
        {"xsu_request, a write", set_old, run_request_write, is_new_or_unknown, 0, 0},
        {"xsu_introduce_domain", NULL, run_introduce, check_introduce, 0, ONLY_C},
        {"xsu_release_domain", introduce, run_release, check_release, 0, ONLY_C},
    };
    return faults_main(argc, argv, "single", all, G_N_ELEMENTS(all));
}

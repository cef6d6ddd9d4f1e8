/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest's configuration as text: values and syntax that are wrong, arguments in its place, and files. */
#include "test-config-host.h"

#include <sys/stat.h>

/* ---- Values ----------------------------------------------------------------------------------- */

static void test_bad_values(void)
{
    static const struct {
        const char *lines, *says;
    } bad[] = {
        {"memory=0", ":3: memory = '0' is not memory in MiB, a whole number from 1 to 134217728"},
        {"memory=''", ":3: memory = '' is not memory in MiB"},
        {"memory='64m'", ":3: memory = '64m' is not memory"},
        {"memory='-5'", ":3: memory = '-5' is not memory"},
        {"memory='1.5'", ":3: memory = '1.5' is not memory"},
        {"memory=18446744073709551616", ":3: memory = '18446744073709551616' is not memory"},
        {"memory=134217729", "is not memory"},
        {"memory=[64]", ":3: memory is a list, and is to be memory in MiB, a whole number from 1"},
        {"memory=6\nmemory+=4", ":4: memory = '64' has +=, which numbers have not"},
        {"vcpus=0", ":3: vcpus = '0' is not a number of vcpus, a whole number from 1 to 8192"},
        {"maxvcpus=8193", ":3: maxvcpus = '8193' is not a number of vcpus"},
        {"vcpus='two'", ":3: vcpus = 'two' is not"},
        {"uuid='x'", ":3: uuid = 'x' is no UUID, such as"},
        {"uuid='f81d4fae7dec11d0a76500a0c91e6bf6'", "is no UUID"},
        {"ramdisk=''", ":3: ramdisk = '' is empty"},
        {"ramdisk=[]", ":3: ramdisk is a list, and is to be one text"},
        {"ramdisk='/a\\tb'", "has a control character"},
        {"extra='a\\nb'", "has a control character"},
        {"on_crash='x'",
         ":3: on_crash = 'x' is to be destroy, restart, rename-restart or preserve"},
        {"on_poweroff=''", ":3: on_poweroff = '' is empty"},
        {"on_reboot=['destroy']", ":3: on_reboot is a list"},
        {"vif='bridge=a'", ":3: vif = 'bridge=a' is to be a list, of texts in brackets"},
        {"vif=['bridge=a','brigde=b']",
         ":3: vif number 2, 'brigde=b': an interface has no 'brigde'; did you mean 'bridge'?"},
        {"vif=['bridge=\\a']", ":3: vif number 1 has a control character"},
        {"disk=['/a']", ":3: disk number 1, '/a': no vdev specified"},
        {"disk=['/a,raw,xvda,w', []]", ":3: disk number 2 is another list, and is to be a text"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_refuses(bad[i].lines, XLL_ERROR_INVALID, bad[i].says);
    assert_refuses("on_crash='coredump-restart'", XLL_ERROR_UNSUPPORTED,
                   ":3: on_crash = 'coredump");
    assert_refuses("vif=['model=e1000']", XLL_ERROR_UNSUPPORTED, ":3: vif number 1, 'model=e1000'");
    assert_refuses("disk=['/a,qcow2,xvda,w']", XLL_ERROR_UNSUPPORTED,
                   ":3: disk number 1, '/a,qcow");
}

static void test_bad_names(void)
{
    static const char *const names[] = {"''", "'a/b'", "'12'", "'id:3'", "'a\\tb'", "[]"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *text = g_strdup_printf("kernel='/k'\nname=%s", names[i]);
        g_autoptr(GError) error = NULL;
        g_assert_null(read_text(text, &error));
        assert_says(error, XLL_ERROR_INVALID, ":2: name ");
    }
}

/* A message does not grow with what it is about. */
static void test_long_value(void)
{
    g_autofree char *many = g_strnfill(100000, 'a');
    g_autofree char *lines = g_strdup_printf("memory='%s'", many);
    g_autoptr(GError) error = NULL;
    g_assert_null(read_more(lines, &error));
    assert_says(error, XLL_ERROR_INVALID, "aaa...' is not memory");
    g_assert_cmpuint(strlen(error->message), <, 300);
}

/* ---- Syntax ----------------------------------------------------------------------------------- */

static void test_syntax(void)
{
    static const struct {
        const char *lines, *says;
    } bad[] = {
        {"memory", ":3: syntax error, unexpected the line's end, expecting "},
        {"\n\nmemory\n=5\n", ":5: syntax error, unexpected the line's end"},
        {"memory # a comment\n", ":3: syntax error, unexpected the line's end"},
        {"memory=64m", ":3: syntax error, unexpected a word, expecting "},
        {"memory=64m", ", near 'm'"},
        {"memory=sixty",
         "unexpected a word, expecting a text in quotes or a number or '[', near 'sixty'"},
        {"extra='a\nb'", ":3: lexical error, near ''a'"},
        {"extra='\\x41'", ":3: invalid digit after backslash hex"},
        {"extra='\\q'", ":3: invalid character after backlash in quoted string"},
        {"extra='\\", ":3: "},
        {"vif=['bridge=a'", ":3: syntax error, unexpected the end, expecting ']'"},
        {"vif=['a' 'b']", ":3: syntax error, unexpected a text in quotes"},
        {"vif=['a']\nvif+='b'", ":4: can't add [list] to \"string\" or vice versa"},
        {"Memory=5", ":3: lexical error, near 'Memory=5'"},
        {"memory=5\r\n", "near '\\x0d'; it has carriage returns, as Windows ends lines with"},
        {"def f():", ":3: "},
        {"=5", ":3: syntax error, unexpected '='"},
        {"\xff", ":3: lexical error"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_refuses(bad[i].lines, XLL_ERROR_INVALID, bad[i].says);
}

/* Keys are found where keys are. */
static void test_not_keys(void)
{
    xll_guest_free(assert_reads("extra = 'bad = 1' # bad = 2\n"
                                "vif = [ # bad = 3\n  'ip=1.2.3.4', # ]\n 'bridge=\"bad=4\"' ]\n"
                                "root = \"it's ; bad = 5\" ; memory = 0x1f;vcpus=2;\n"
                                "ramdisk = '/a\\'; bad = 6 #'"));
}

/* Deep and long, it is an answer and no crash. */
static void test_deep(void)
{
    static const size_t depths[] = {10, 400000};
    for (size_t i = 0; i < G_N_ELEMENTS(depths); i++) {
        g_autofree char *open = g_strnfill(depths[i], '['), *close = g_strnfill(depths[i], ']');
        g_autofree char *lines = g_strdup_printf("vif=%s%s", open, close);
        assert_refuses(lines, XLL_ERROR_INVALID,
                       depths[i] > 10 ? ":3: there are too many lists in lists"
                                      : ":3: vif number 1 is");
    }
}

static void test_many(void)
{
    g_autoptr(GString) lines = g_string_new("vif=[");
    for (int i = 0; i < 1000; i++)
        g_string_append(lines, "'',");
    g_string_append(lines, "]\n");
    g_autoptr(xll_guest) guest = assert_reads(lines->str);
    g_assert_cmpuint(guest->num_nics, ==, 1000);
    g_string_truncate(lines, 0);
    for (int i = 0; i < 100000; i++)
        g_string_append(lines, "!\n");
    assert_refuses(lines->str, XLL_ERROR_INVALID, ":3: lexical error");
}

/* ---- Arguments -------------------------------------------------------------------------------- */

static void test_overrides(void)
{
    const char *const overrides[]
        = {"memory=128", "name='a'", "name=\"b\"", "vif=['bridge=x']", "extra='1';vcpus=3", NULL};
    g_autoptr(GError) error = NULL;
    g_autoptr(xll_guest) guest
        = read_text_with(LEAST "memory=64\nvif=[]\n# no line's end", overrides, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(guest->memory_kib, ==, 128 * 1024);
    g_assert_cmpstr(guest->name, ==, "b");
    g_assert_cmpuint(guest->num_nics, ==, 1);
    g_assert_cmpuint(guest->vcpus, ==, 3);
}

static void test_overrides_add(void)
{
    const char *const overrides[] = {"vif+=['bridge=y']", "extra+=' c'", NULL};
    g_autoptr(GError) error = NULL;
    g_autoptr(xll_guest) guest
        = read_text_with(LEAST "extra='b'\nvif=['bridge=x']", overrides, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(guest->num_nics, ==, 2);
    g_assert_cmpstr(guest->command_line, ==, "b c");
}

/* A bad value in the file does not matter where another is taken; a bad key does. */
static void test_overrides_wrong(void)
{
    static const struct {
        const char *text, *override, *says;
        int code;
    } bad[] = {
        {LEAST, "memory=64m", "'memory=64m': syntax error, unexpected a word", XLL_ERROR_INVALID},
        {LEAST, "name=web",
         "'name=web': syntax error, unexpected a word, expecting a text in quotes",
         XLL_ERROR_INVALID},
        {LEAST, "memory=0", "'memory=0': memory = '0' is not memory", XLL_ERROR_INVALID},
        {LEAST, "nmae=0", "'nmae=0': there is no key 'nmae'; did you mean 'name'?",
         XLL_ERROR_INVALID},
        {LEAST, "vnc=1", "'vnc=1': vnc = '1' needs a device model", XLL_ERROR_UNSUPPORTED},
        {LEAST "bad=1", "memory=5", ":3: there is no key 'bad'", XLL_ERROR_INVALID},
        {LEAST, "=", "'=': syntax error", XLL_ERROR_INVALID},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        const char *const overrides[] = {bad[i].override, NULL};
        g_autoptr(GError) error = NULL;
        g_assert_null(read_text_with(bad[i].text, overrides, &error));
        assert_says(error, bad[i].code, bad[i].says);
    }
    const char *const right[] = {"memory=64", NULL};
    g_autoptr(xll_guest) guest = read_text_with(LEAST "memory='x'", right, NULL);
    g_assert_nonnull(guest);
}

static void test_no_file(void)
{
    const char *const overrides[] = {"name='x'", "kernel='/k'", NULL};
    g_autoptr(xll_guest) guest = cfg_read_guest(NULL, overrides, NULL);
    g_autoptr(xll_guest) null = cfg_read_guest("/dev/null", overrides, NULL);
    g_autoptr(GError) error = NULL;
    g_assert_nonnull(guest);
    g_assert_nonnull(null);
    g_assert_null(cfg_read_guest(NULL, NULL, &error));
    assert_says(error, XLL_ERROR_INVALID, "the command line: name is missing");
}

/* ---- Files ------------------------------------------------------------------------------------ */

static void assert_cannot_read(const char *path, const char *why)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *says = g_strdup_printf("cannot read '%s': %s", path, why);
    g_assert_null(cfg_read_guest(path, NULL, &error));
    assert_says(error, XLL_ERROR_FAILED, says);
}

static void test_files(void)
{
    g_autofree char *folder = g_dir_make_tmp("config-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "a", NULL);
    static const char huge[(1 << 20) + 1], nul[] = LEAST "\0memory=5";
    assert_cannot_read(path, "No such file or directory");
    assert_cannot_read("", "No such file or directory");
    assert_cannot_read(folder, "it is a directory");
    assert_cannot_read("/proc/self/mem", "Input/output error");
    assert_cannot_read("/dev/zero", "it is no regular file");
    g_assert_cmpint(mkfifo(path, 0600), ==, 0);
    assert_cannot_read(path, "it is no regular file");
    g_unlink(path);
    g_assert_true(g_file_set_contents(path, huge, sizeof huge, NULL));
    assert_cannot_read(path, "it is larger than 1 MiB, and so no configuration");
    g_assert_true(g_file_set_contents(path, huge, sizeof huge - 1, NULL));
    assert_cannot_read(path, "it has a NUL byte, and so is no configuration");
    g_assert_true(g_file_set_contents(path, nul, sizeof nul, NULL));
    assert_cannot_read(path, "it has a NUL byte, and so is no configuration");
    g_unlink(path);
    g_rmdir(folder);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    write_host(NULL);
    g_test_add_func("/config/values/bad", test_bad_values);
    g_test_add_func("/config/values/names", test_bad_names);
    g_test_add_func("/config/values/long", test_long_value);
    g_test_add_func("/config/syntax", test_syntax);
    g_test_add_func("/config/syntax/not-keys", test_not_keys);
    g_test_add_func("/config/syntax/deep", test_deep);
    g_test_add_func("/config/syntax/many", test_many);
    g_test_add_func("/config/arguments", test_overrides);
    g_test_add_func("/config/arguments/add", test_overrides_add);
    g_test_add_func("/config/arguments/wrong", test_overrides_wrong);
    g_test_add_func("/config/arguments/no-file", test_no_file);
    g_test_add_func("/config/files", test_files);
    return g_test_run();
}

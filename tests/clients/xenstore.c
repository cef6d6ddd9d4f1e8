/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What libxenstore's own tools do, written on xsutil: xenstore CMD, or a link xenstore-CMD to it,
 * with read, write, list, ls, rm, exists, chmod and watch.  An example of a whole program, and
 * tests/test-client.sh compares it with the tools that it stands for.
 *
 * On purpose it differs from them where they fail: directories of any length on oxenstored, chmod
 * -r of the root, rm of the root (refused on oxenstored, too, instead of emptying the store),
 * permissions without a domid (refused instead of being taken for domain 0's), and subtrees that
 * may not be listed (ls goes on with the rest).
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <xsutil/xsutil.h>

static bool given[CHAR_MAX + 1]; /* options, by their letters */
static int events = -1;          /* to wait for; for ever */

/* One invocation: its keys, and what is to be printed of them once that is certain. */
typedef struct job {
    xsu_ctx *ctx;
    char **keys;
    int num;
    struct answer {
        void *bytes;
        unsigned int len;
        char **names;
    } * answers;
    struct xs_permissions *perms;
    bool began, said;
} job;

/* It has been said why: have the transaction aborted. */
static bool failed(job *j)
{
    j->said = true;
    return false;
}

static bool failed_to_set(job *j, const char *path)
{
    warnx("Error occurred setting permissions on '%s': %s", path, strerror(errno));
    return failed(j);
}

/* ---- Values as text -------------------------------------------------------------------------- */

/* `to` is advanced behind what stands for one byte. */
static void escape_byte(char **to, unsigned char c)
{
    static const char named[] = "\tt\nn\rr\\\\";
    const char *name = c ? strchr(named, c) : NULL;
    if (c >= ' ' && c <= '~' && c != '\\')
        *(*to)++ = (char)c;
    else if (name && (name - named) % 2 == 0)
        *to += sprintf(*to, "\\%c", name[1]);
    else
        *to += sprintf(*to, c < 8 ? "\\%03o" : "\\x%02x", c);
}

static char *escaped(xsu_gc *gc, const void *bytes, unsigned int len)
{
    char *text = xsu_alloc(gc, 4 * (size_t)len + 1), *to = text;
    for (unsigned int i = 0; i < len; i++)
        escape_byte(&to, ((const unsigned char *)bytes)[i]);
    return text;
}

/* One escape, behind its backslash.  A backslash at the very end is a NUL. */
static unsigned char unescape_byte(const char **from)
{
    static const char named[] = "t\tn\nr\r";
    unsigned int c = (unsigned char)**from;
    int used = 0;
    if (c == 0)
        return 0;
    const char *name = strchr(named, (char)c);
    if (c >= '0' && c <= '7') {
        sscanf(*from, "%3o%n", &c, &used);
        *from += used;
        return (unsigned char)c;
    }
    ++*from;
    if (c == 'x' && sscanf(*from, "%2x%n", &c, &used) == 1)
        *from += used;
    else if (name && (name - named) % 2 == 0)
        c = (unsigned char)name[1];
    return (unsigned char)c;
}

static void *unescaped(xsu_gc *gc, const char *text, unsigned int *len)
{
    char *bytes = xsu_alloc(gc, strlen(text) + 1), *to = bytes;
    while (*text) {
        char c = *text++;
        *to++ = c == '\\' ? (char)unescape_byte(&text) : c;
    }
    *len = (unsigned int)(to - bytes);
    return bytes;
}

/* ---- In a transaction ------------------------------------------------------------------------ */

/* The parent's path, "/" for what is directly below it, NULL if there is none. */
static char *parent_of(xsu_gc *gc, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash || path[1] == '\0')
        return NULL;
    return xsu_sprintf(gc, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

/* Values or, for list, names of all keys; a failure says so with `fmt`, or nothing. */
static bool ask(xsu_gc *gc, xs_transaction_t t, job *j, bool names, const char *complaint)
{
    xsu_batch *batch = xsu_batch_in(gc, t);
    for (int i = 0; i < j->num; i++) {
        struct answer *a = &j->answers[i];
        if (names)
            xsu_batch_directoryf(batch, &a->names, NULL, "%s", j->keys[i]);
        else
            xsu_batch_read_bytesf(batch, &a->bytes, &a->len, "%s", j->keys[i]);
    }
    j->began = true;
    (void)xsu_batch_run(batch); /* what failed is NULL */
    for (int i = 0; i < j->num; i++)
        if (!j->answers[i].names && !j->answers[i].bytes) {
            if (complaint)
                warnx("%s %s", complaint, j->keys[i]);
            return failed(j);
        }
    return true;
}

static bool read_keys(xsu_gc *gc, xs_transaction_t t, void *data)
{
    return ask(gc, t, data, false, "couldn't read path");
}

static bool find_keys(xsu_gc *gc, xs_transaction_t t, void *data)
{
    return ask(gc, t, data, false, NULL);
}

static bool list_keys(xsu_gc *gc, xs_transaction_t t, void *data)
{
    return ask(gc, t, data, true, "could not list path");
}

static bool write_keys(xsu_gc *gc, xs_transaction_t t, void *data)
{
    job *j = data;
    xsu_batch *batch = xsu_batch_in(gc, t);
    for (int i = 0; i < j->num; i += 2) {
        unsigned int len = (unsigned int)strlen(j->keys[i + 1]);
        const void *bytes = given['R'] ? j->keys[i + 1] : unescaped(gc, j->keys[i + 1], &len);
        xsu_batch_write_bytesf(batch, bytes, len, "%s", j->keys[i]);
    }
    j->began = true;
    xsu_batch_run(batch);
    for (unsigned int i = 0; i < xsu_batch_count(batch); i++)
        if (xsu_batch_errno(batch, i)) {
            warnx("could not write path %s", j->keys[2 * i]);
            return failed(j);
        }
    return true;
}

/* xs_rmf() is content if there is nothing to remove, these tools are not without a parent. */
static bool remove_one(xsu_gc *gc, xs_transaction_t t, const char *path)
{
    if (!xs_pathf(gc, "%s", path) || strcmp(path, "/") == 0)
        return false;
    return xsu_request(gc, t, XS_RM, path, strlen(path) + 1, NULL);
}

static bool is_bare(xsu_gc *gc, xs_transaction_t t, const char *path)
{
    unsigned int len, num;
    return xs_read_bytesf(gc, t, &len, "%s", path) && len == 0
           && xs_directoryf(gc, t, &num, "%s", path) && num == 0;
}

static bool remove_keys(xsu_gc *gc, xs_transaction_t t, void *data)
{
    job *j = data;
    j->began = true;
    for (int i = 0; i < j->num; i++) {
        const char *path = j->keys[i];
        do {
            if (!remove_one(gc, t, path)) {
                warnx("could not remove path %s", path);
                return failed(j);
            }
            path = given['t'] ? parent_of(gc, path) : NULL;
        } while (path && strcmp(path, "/") != 0 && is_bare(gc, t, path));
    }
    return true;
}

/* ---- chmod ----------------------------------------------------------------------------------- */

static bool set(xsu_gc *gc, xs_transaction_t t, job *j, const char *path)
{
    return xs_set_permissionsf(gc, t, j->perms, (unsigned int)j->num - 1, "%s", path)
           || failed_to_set(j, path);
}

static void queue_below(xsu_gc *gc, xsu_batch *batch, const job *j, const xsu_node *node,
                        const char *path)
{
    for (unsigned int i = 0; i < node->num_children; i++) {
        const xsu_node *child = &node->children[i];
        const char *below = xsu_path_join(gc, path, child->name);
        xsu_batch_set_permissionsf(batch, j->perms, (unsigned int)j->num - 1, "%s", below);
        queue_below(gc, batch, j, child, below);
    }
}

static bool set_below(xsu_gc *gc, xs_transaction_t t, job *j, const char *path)
{
    xsu_batch *batch = xsu_batch_in(gc, t);
    xsu_node *tree = xs_treef(gc, t, 0, UINT_MAX, "%s", path);
    if (tree)
        queue_below(gc, batch, j, tree, path);
    return (tree && xsu_batch_run(batch)) || failed_to_set(j, path);
}

static bool change_mode(xsu_gc *gc, xs_transaction_t t, void *data)
{
    job *j = data;
    const char *path = j->keys[0];
    j->began = true;
    if (!set(gc, t, j, path))
        return false;
    for (const char *at = path; given['u'] && strcmp(at, "/") != 0;) {
        const char *parent = parent_of(gc, at);
        if (!parent) {
            warnx("Unable to locate path separator '/' in '%s'", at);
            return failed(j);
        }
        at = parent;
        if (strcmp(at, "/") != 0 && !set(gc, t, j, at))
            return false;
    }
    return !given['r'] || set_below(gc, t, j, path);
}

static void parse_permissions(xsu_gc *gc, job *j)
{
    j->perms = xsu_alloc(gc, (size_t)j->num * sizeof *j->perms);
    for (int i = 1; i < j->num; i++) {
        unsigned int num;
        struct xs_permissions *one = xsu_permissions_parse(gc, j->keys[i], &num);
        if (num != 1)
            errx(1, "Invalid permission specification: '%c'", j->keys[i][0]);
        j->perms[i - 1] = *one;
    }
}

/* ---- What is printed at the end -------------------------------------------------------------- */

static void print_value(xsu_gc *gc, const job *j, int i)
{
    const struct answer *a = &j->answers[i];
    if (given['p'])
        printf("%s: ", j->keys[i]);
    if (given['R'])
        fwrite(a->bytes, 1, a->len, stdout);
    else
        puts(escaped(gc, a->bytes, a->len));
}

static void print_names(const job *j, int i)
{
    for (char **name = j->answers[i].names; *name; name++)
        printf("%s%s%s\n", given['p'] ? j->keys[i] : "", given['p'] ? "/" : "", *name);
}

static int run(xsu_gc *gc, job *j, xsu_transaction_fn fn)
{
    bool done = xsu_transaction(gc, NULL, fn, j);
    if (!done && !j->said)
        errx(1, j->began ? "couldn't end transaction" : "couldn't start transaction");
    for (int i = 0; fn == read_keys && i < j->num && j->answers[i].bytes; i++)
        print_value(gc, j, i);
    for (int i = 0; fn == list_keys && i < j->num && j->answers[i].names; i++)
        print_names(j, i);
    return !done;
}

/* ---- ls -------------------------------------------------------------------------------------- */

#define LEAST 8       /* columns of what is around a value that is cut */
#define DOTS_UP_TO 60 /* the column of permissions */

static int width = 80;

static void find_width(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
        width = size.ws_col - 2;
    else if (given['f'])
        width = INT_MAX / 2;
}

/* The name is out, up to `column`.  Which is to be cut is decided by a value's length, its escapes
 * not counted. */
static void print_node_value(xsu_gc *gc, const xsu_node *node, int column)
{
    const char *text = escaped(gc, node->value, node->len);
    if ((unsigned int)width < (unsigned int)column + node->len + LEAST) {
        printf(" = \"%.*s\\...\"", width - LEAST - column, text);
        return;
    }
    column += printf(" = \"%s\"", text);
    if (!given['p'])
        return;
    putchar(' ');
    for (column++; !given['f'] && column < (width < DOTS_UP_TO ? width : DOTS_UP_TO); column++)
        putchar(column % 2 ? '.' : ' ');
}

static void print_permissions(xsu_gc *gc, const xsu_node *node)
{
    if (node->perms)
        printf("  (%s)", xsu_permissions_format(gc, node->perms, node->num_perms));
    else
        warnx("\ncould not access permissions for %s: %s", node->name, strerror(node->error));
}

static void print_node(xsu_gc *gc, const xsu_node *node, const char *path, int depth)
{
    int column = given['f'] ? 0 : printf("%*s", depth, "");
    if (given['f'])
        fputs(path, stdout);
    else
        column += printf("%.*s", width - LEAST - column, node->name);
    if (node->value)
        print_node_value(gc, node, column);
    else
        puts(":"); /* and an empty line, as ever */
    if (given['p'])
        print_permissions(gc, node);
    putchar('\n');
}

/* Whether all could be listed. */
static bool print_below(xsu_gc *gc, const xsu_node *node, const char *path, int depth)
{
    bool all = !node->error;
    xsu_mark mark = xsu_gc_mark(gc);
    if (!all)
        warnx("xs_directory (%s): %s", path, strerror(node->error));
    for (unsigned int i = 0; i < node->num_children; i++) {
        const xsu_node *child = &node->children[i];
        const char *below = xsu_path_join(gc, path, child->name);
        print_node(gc, child, below, depth);
        all = print_below(gc, child, below, depth + 1) && all;
        xsu_gc_rewind(gc, mark);
    }
    return all;
}

static int list_trees(xsu_gc *gc, const job *j)
{
    bool all = true;
    find_width();
    for (int i = 0; i < j->num; i++) {
        unsigned int flags = given['p'] ? XSU_TREE_PERMISSIONS : 0;
        const xsu_node *tree = xs_treef(gc, XBT_NULL, flags, UINT_MAX, "%s", j->keys[i]);
        if (!tree)
            err(1, "xs_directory (%s)", j->keys[i]);
        all = print_below(gc, tree, j->keys[i], 0) && all;
    }
    return !all;
}

/* ---- watch ----------------------------------------------------------------------------------- */

static int watch_keys(xsu_gc *gc, const job *j)
{
    xsu_watch_event event;
    for (int i = 0; i < j->num; i++)
        if (!xs_watchf(gc, j->keys[i], "%s", j->keys[i]))
            errx(1, "Unable to add watch on %s\n", j->keys[i]);
    xsu_mark mark = xsu_gc_mark(gc);
    for (; events != 0 && xsu_watch_next(gc, &event, -1); xsu_gc_rewind(gc, mark)) {
        puts(event.path);
        fflush(stdout);
        events -= events > 0;
    }
    return events != 0;
}

/* ---- Commands and their arguments ------------------------------------------------------------ */

static const struct command {
    const char *name, *options, *usage;
    int least;
    xsu_transaction_fn fn;
} commands[] = {
    {"read", "pR", "[-h] [-p] [-s] [-R] key [...]", 1, read_keys},
    {"write", "R", "[-h] [-s] [-R] key value [...]", 2, write_keys},
    {"list", "p", "[-h] [-p] [-s] key [...]", 1, list_keys},
    {"exists", "", "[-h] [-p] [-s] key [...]", 1, find_keys},
    {"rm", "t", "[-h] [-s] [-t] key [...]", 1, remove_keys},
    {"chmod", "ru", "[-h] [-u] [-r] [-s] key <mode [modes...]>", 1, change_mode},
    {"ls", "fp", "[-h] [-f] [-p] [-s] [path]", 0, NULL},
    {"watch", "n", "[-h] [-n NR] key", 1, NULL},
};

static const struct option long_options[] = {
    {"help", no_argument, NULL, 'h'},
    {"flat", no_argument, NULL, 'f'},
    {"prefix", no_argument, NULL, 'p'},
    {"tidy", no_argument, NULL, 't'},
    {"upto", no_argument, NULL, 'u'},
    {"recurse", no_argument, NULL, 'r'},
    {"number", required_argument, NULL, 'n'},
    {"raw", no_argument, NULL, 'R'},
    {0},
};

/* As `xenstore CMD` a command is named behind the program. */
static void usage(const char *program, const char *named, const struct command *c)
{
    errx(1, "Usage: %s %s%s%s", program, named, *named ? " " : "", c->usage);
}

/* An option that none of the commands has is reported and ignored, as ever. */
static void take_options(int argc, char **argv, const char *program, const char *named,
                         const struct command *c)
{
    for (int o; (o = getopt_long(argc, argv, "fhn:prstuR", long_options, NULL)) != -1;) {
        if (o == '?')
            continue;
        if (o == 'h' || (o != 's' && !strchr(c->options, o)))
            usage(program, named, c);
        given[o] = true;
        events = o == 'n' ? atoi(optarg) : events;
    }
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    errx(1, "unknown mode %s\n", name);
}

static int perform(const struct command *c, job *j)
{
    XSU_GC(gc, j->ctx);
    j->answers = xsu_alloc(gc, (size_t)j->num * sizeof *j->answers);
    if (c->fn == change_mode)
        parse_permissions(gc, j);
    if (c->fn)
        return run(gc, j, c->fn);
    return strcmp(c->name, "ls") == 0 ? list_trees(gc, j) : watch_keys(gc, j);
}

int main(int argc, char **argv)
{
    static char root[] = "/", *roots[] = {root, NULL};
    const char *program = argv[0], *name = program_invocation_short_name, *named = "";
    if (strncmp(name, "xenstore-", 9) == 0)
        name += 9;
    else if (argc < 2)
        errx(1, "Usage: %s <mode> [-h] [...]", program);
    else
        named = name = argv[1], argc--, argv++;
    const struct command *c = find_command(name);
    take_options(argc, argv, program, named, c);
    job j = {.keys = argv + optind, .num = argc - optind};
    if (j.num < c->least || (c->fn == write_keys && j.num % 2))
        usage(program, named, c);
    if (j.num == 0)
        j.keys = roots, j.num = 1;
    j.ctx = xsu_open(given['s'] ? XS_OPEN_SOCKETONLY : 0);
    if (!j.ctx)
        err(1, "xs_open");
    int status = perform(c, &j);
    xsu_close(j.ctx);
    return status;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A configuration's text.  libxlutil reads it, and tells neither which keys there are nor where:
 * these are found by what can begin a line that it has accepted.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source.h"

/* No configuration is as large as this; a disk's image, given by mistake, is. */
#define MOST_BYTES (1 << 20)

/* ---- Reading the file ------------------------------------------------------------------------- */

/* NULL if it can be read, or why not. */
static const char *reason(const struct stat *file, bool is_null)
{
    if (S_ISDIR(file->st_mode))
        return "it is a directory";
    if (!S_ISREG(file->st_mode) && !is_null)
        return "it is no regular file";
    if (file->st_size > MOST_BYTES)
        return "it is larger than 1 MiB, and so no configuration";
    return NULL;
}

static const char *read_all(int fd, GString *text)
{
    char bytes[4096];
    ssize_t got;

    while ((got = read(fd, bytes, sizeof bytes)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return g_strerror(errno);
        g_string_append_len(text, bytes, got);
        if (text->len > MOST_BYTES)
            return "it is larger than 1 MiB, and so no configuration";
    }
    return strlen(text->str) < text->len ? "it has a NUL byte, and so is no configuration" : NULL;
}

static const char *read_regular(int fd, bool is_null, GString *text)
{
    struct stat file;

    if (fstat(fd, &file) != 0)
        return g_strerror(errno);
    return reason(&file, is_null) ?: read_all(fd, text);
}

/* A FIFO is not waited for.  /dev/null is an empty file, as for xl. */
static bool read_file(const char *path, GString *text, GError **error)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    const char *why
        = fd < 0 ? g_strerror(errno) : read_regular(fd, strcmp(path, "/dev/null") == 0, text);

    if (fd >= 0)
        close(fd);
    if (why)
        g_set_error(error, XLL_ERROR, XLL_ERROR_FAILED, "cannot read '%s': %s", path, why);
    return !why;
}

/* ---- What is in it ---------------------------------------------------------------------------- */

/* The end of a string, which begins at `at`. */
static const char *skip_string(const char *at)
{
    char quote = *at++;

    while (*at && *at != quote)
        at += at[0] == '\\' && at[1] ? 2 : 1;
    return *at ? at + 1 : at;
}

static const char *note_key(cfg__source *source, const char *at, guint line, const char *argument)
{
    size_t length = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789._");
    const char *next = at + length + strspn(at + length, " \t");
    cfg__setting one = {g_strndup(at, length), line, argument, *next == '+'};

    g_array_append_val(source->settings, one);
    return next;
}

/* Words are keys there, and nowhere else; numbers may have letters in them. */
static void note_keys(cfg__source *source, const char *text, const char *argument)
{
    guint line = 1;

    for (const char *at = text; *at;) {
        line += *at == '\n';
        if (*at == '#')
            at += strcspn(at, "\n");
        else if (*at == '"' || *at == '\'')
            at = skip_string(at);
        else if (g_ascii_isdigit(*at))
            at += strspn(at, "0123456789abcdefx");
        else if (g_ascii_islower(*at))
            at = note_key(source, at, line, argument);
        else
            at++;
    }
}

/* ---- What is wrong with it -------------------------------------------------------------------- */

#define NEAR "config parsing error near "

/* How libxlutil's grammar calls things, and people. */
static const char *const terms[][2] = {
    {"IDENT", "a word"},
    {"STRING", "a text in quotes"},
    {"NUMBER", "a number"},
    {"NEWLINE", "the line's end"},
    {"$end", "the end"},
    {"end of file", "the end"},
    {"memory exhausted", "there are too many lists in lists"},
};

/* It is one too few where a line's end, or the comment before it, is what is wrong. */
static guint line_of(const char *said, const char *near)
{
    return (guint)strtoul(said + 1, NULL, 10)
           + (g_str_has_prefix(near, "<newline>") || g_str_has_prefix(near, "`#"));
}

/* Append what is wrong, and at which word, from what follows NEAR: "`X': WHY". */
static void append_reason(GString *what, const char *near)
{
    const char *why = g_strrstr(near, ": ");

    if (!why)
        why = near;
    g_string_append(what, why == near ? near : why + 2);
    for (size_t i = 0; i < G_N_ELEMENTS(terms); i++)
        g_string_replace(what, terms[i][0], terms[i][1], 0);
    if (*near == '`' && why - near > 2) {
        g_autofree char *word = g_strndup(near + 1, (gsize)(why - near) - 2);
        g_autofree char *quoted = cfg__quoted(word);

        g_string_append_printf(what, ", near %s", quoted);
    }
}

/* Set a syntax error from what libxlutil said, ":LINE: config parsing error near `X': WHY". */
static void set_syntax_error(cfg__source *source, const char *text, const char *argument,
                             GError **error)
{
    g_autofree char *said = cfg__xlu_said(&source->xlu);
    const char *begin = strstr(said, NEAR), *near = begin ? begin + strlen(NEAR) : said;
    cfg__setting here = {.line = begin ? line_of(said, near) : 0, .argument = argument};
    g_autofree char *where = cfg__where(source, &here);
    g_autoptr(GString) what = g_string_new(NULL);

    append_reason(what, near);
    if (strchr(text, '\r'))
        g_string_append(what, "; it has carriage returns, as Windows ends lines with");
    g_set_error(error, XLL_ERROR, XLL_ERROR_INVALID, "%s: %s", where, what->str);
}

/* A line's end is added to what may lack it, which libxlutil does not take after a comment. */
static bool read_text(cfg__source *source, GString *text, const char *argument, GError **error)
{
    g_string_append_c(text, '\n');
    if (xlu_cfg_readdata(source->xlu.config, text->str, (int)text->len) == 0) {
        note_keys(source, text->str, argument);
        return true;
    }
    set_syntax_error(source, text->str, argument, error);
    return false;
}

/* ---- All of it -------------------------------------------------------------------------------- */

static void clear_setting(void *setting)
{
    g_free(((cfg__setting *)setting)->key);
}

bool cfg__read_source(cfg__source *source, const char *path, const char *const *overrides,
                      GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    bool done = !path || read_file(path, text, error);

    source->path = path;
    source->settings = g_array_new(FALSE, FALSE, sizeof(cfg__setting));
    g_array_set_clear_func(source->settings, clear_setting);
    cfg__xlu_begin(&source->xlu);
    done = done && read_text(source, text, NULL, error);
    for (; done && overrides && *overrides; overrides++) {
        g_string_assign(text, *overrides);
        done = read_text(source, text, *overrides, error);
    }
    return done;
}

void cfg__source_clear(cfg__source *source)
{
    cfg__xlu_clear(&source->xlu);
    g_clear_pointer(&source->settings, g_array_unref);
}

const cfg__setting *cfg__find_setting(const cfg__source *source, const char *key)
{
    for (guint i = source->settings->len; i > 0; i--) {
        const cfg__setting *one = &g_array_index(source->settings, cfg__setting, i - 1);

        if (strcmp(one->key, key) == 0)
            return one;
    }
    return NULL;
}

char *cfg__where(const cfg__source *source, const cfg__setting *setting)
{
    if (setting->argument)
        return cfg__quoted(setting->argument);
    return g_strdup_printf("%s:%u", source->path, setting->line);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether what a command printed is fit for a terminal, and for a program:
 *
 *   lab-sane [--like FOLDER] OUTPUT...
 *
 * UTF-8, with no character in it that a terminal acts upon, that is invisible or that turns the
 * direction of the text; whole lines, as many as the file of the same name in FOLDER has.  A file
 * whose name ends in "json" has one JSON object with a "schema" instead, in any number of lines.
 * Says what is wrong and where, and exits 1.
 */
#include <glib.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct range {
    gunichar first, last;
} range;

/* Unicode's control and format characters and its separators of lines, as far as anybody has fonts. */
static const range unsafe[] = {
    {0x00, 0x09},     {0x0b, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},     {0x600, 0x605},
    {0x61c, 0x61c},   {0x6dd, 0x6dd},   {0x70f, 0x70f},   {0x180e, 0x180e}, {0x200b, 0x200f},
    {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
};

/* What is looked at. */
static const char *path;

static bool wrong(const char *what, size_t at)
{
    printf("%s: %s at byte %zu\n", path, what, at);
    return false;
}

static bool is_unsafe(gunichar c, bool tabs)
{
    for (size_t i = 0; i < G_N_ELEMENTS(unsafe); i++) {
        if (c >= unsafe[i].first && c <= unsafe[i].last)
            return !(c == '\t' && tabs);
    }
    return false;
}

/* xl's header of `list` has tabs. */
static bool check_text(const GString *text, bool tabs)
{
    const char *end, *at;

    if (!g_utf8_validate_len(text->str, text->len, &end))
        return wrong("no UTF-8", end - text->str);
    for (at = text->str; at < text->str + text->len; at = g_utf8_next_char(at)) {
        if (is_unsafe(g_utf8_get_char(at), tabs))
            return wrong("an unsafe character", at - text->str);
    }
    return !text->len || text->str[text->len - 1] == '\n' || wrong("no end of line", text->len);
}

static GString *read_file(const char *name)
{
    g_autofree char *text = NULL;
    gsize len;

    if (g_file_get_contents(name, &text, &len, NULL))
        return g_string_new_len(text, (gssize)len);
    printf("%s: cannot be read\n", name);
    exit(EXIT_FAILURE);
}

static int count_rows(const GString *text)
{
    int rows = 0;

    for (size_t i = 0; i < text->len; i++)
        rows += text->str[i] == '\n';
    return rows;
}

static bool check_rows(const GString *text, const char *folder)
{
    g_autofree char *name = g_path_get_basename(path),
                    *model = g_build_filename(folder, name, NULL);
    GString *other = read_file(model);
    int rows = count_rows(text), wanted = count_rows(other);

    g_string_free(other, TRUE);
    if (rows != wanted)
        printf("%s: %d rows instead of %d\n", path, rows, wanted);
    return rows == wanted;
}

static bool check_json(const GString *text)
{
    struct json_tokener *parser = json_tokener_new();
    struct json_object *root, *schema;
    bool ok;

    json_tokener_set_flags(parser, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    root = json_tokener_parse_ex(parser, text->str, (int)text->len + 1);
    ok = json_object_is_type(root, json_type_object)
         && json_object_object_get_ex(root, "schema", &schema)
         && json_object_is_type(schema, json_type_int);
    if (!ok)
        wrong(json_tokener_error_desc(json_tokener_get_error(parser)),
              json_tokener_get_parse_end(parser));
    json_object_put(root);
    json_tokener_free(parser);
    return ok;
}

static bool check(const char *like)
{
    bool json = g_str_has_suffix(path, "json");
    GString *text = read_file(path);
    bool ok
        = check_text(text, !json) && (json ? check_json(text) : !like || check_rows(text, like));

    g_string_free(text, TRUE);
    return ok;
}

int main(int argc, char **argv)
{
    const char *like = NULL;
    bool ok = true;
    int i = 1;

    if (argc > 2 && strcmp(argv[1], "--like") == 0) {
        like = argv[2];
        i = 3;
    }
    if (i == argc)
        return 2;
    for (; i < argc; i++) {
        path = argv[i];
        ok = check(like) && ok;
    }
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

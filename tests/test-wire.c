/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Messages in memory, without any daemon.
 *
 * XSU_SEED repeats a run of the random tests, XSU_CASES says how many cases there are.
 */
#include "heap.h"
#include "store.h"

#include "xsutil/wire/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER = sizeof(struct xsd_sockmsg), NEVER_READ = 0xee };

/* ---- Feeding --------------------------------------------------------------------------------- */

/* Everything in pieces of at most `piece` bytes; what lies behind them is never looked at. */
static void feed(xsu_decoder *decoder, const void *bytes, size_t len)
{
    while (len > 0) {
        size_t room;
        char *space = xsu__decoder_space(decoder, &room);
        g_assert_cmpuint(room, >, 0);
        memset(space, NEVER_READ, room);
        size_t n = len < room ? len : room;
        memcpy(space, bytes, n);
        xsu__decoder_filled(decoder, n);
        bytes = (const char *)bytes + n;
        len -= n;
    }
}

static GByteArray *message(uint32_t type, uint32_t id, uint32_t tx, const void *body, size_t len)
{
    struct xsd_sockmsg header = {type, id, tx, (uint32_t)len};
    GByteArray *bytes = g_byte_array_new();
    g_byte_array_set_size(bytes, (guint)(HEADER + len + 1));
    bytes->data[HEADER + len] = NEVER_READ;
    memcpy(bytes->data, &header, HEADER);
    if (len)
        memcpy(bytes->data + HEADER, body, len);
    g_byte_array_set_size(bytes, (guint)(HEADER + len));
    return bytes;
}

static void add_message(GByteArray *stream, uint32_t type, uint32_t id, const char *body)
{
    GByteArray *one = message(type, id, 7, body, strlen(body));
    g_byte_array_append(stream, one->data, one->len);
    g_byte_array_unref(one);
}

static void assert_next(xsu_decoder *decoder, uint32_t type, uint32_t id, const char *body)
{
    xsu_message got;
    g_assert_cmpint(xsu__decoder_next(decoder, &got), ==, XSU_DECODED);
    g_assert_cmpuint(got.header.type, ==, type);
    g_assert_cmpuint(got.header.req_id, ==, id);
    g_assert_cmpuint(got.header.tx_id, ==, 7);
    g_assert_cmpmem(got.body, got.header.len, body, strlen(body));
}

static void assert_more(xsu_decoder *decoder, size_t lacks)
{
    xsu_message got;
    g_assert_cmpint(xsu__decoder_next(decoder, &got), ==, XSU_DECODE_MORE);
    g_assert_cmpuint(xsu__decoder_lacks(decoder), ==, lacks);
}

/* ---- Decoding -------------------------------------------------------------------------------- */

static GByteArray *three_messages(void)
{
    GByteArray *stream = g_byte_array_new();
    add_message(stream, XS_READ, 1, "first");
    add_message(stream, XS_DIRECTORY, UINT32_MAX, "");
    add_message(stream, XS_ERROR, 3, "ENOENT");
    return stream;
}

/* In three pieces, cut at each pair of places. */
static void test_every_split(void)
{
    static const guint lengths[] = {5, 0, 6};
    GByteArray *stream = three_messages();
    for (guint i = 0; i <= stream->len; i++) {
        for (guint k = i; k <= stream->len; k++) {
            xsu_decoder decoder = {0};
            xsu_message got;
            guint cuts[] = {0, i, k, stream->len};
            unsigned int seen = 0;
            for (int piece = 0; piece < 3; piece++) {
                feed(&decoder, stream->data + cuts[piece], cuts[piece + 1] - cuts[piece]);
                for (; xsu__decoder_next(&decoder, &got) == XSU_DECODED; seen++)
                    g_assert_cmpuint(got.header.len, ==, lengths[seen]);
            }
            g_assert_cmpuint(seen, ==, 3);
            assert_more(&decoder, HEADER);
            xsu__decoder_reset(&decoder);
        }
    }
    g_byte_array_unref(stream);
}

/* Byte by byte: nothing too early, and it is known how much is missing. */
static void test_bytes(void)
{
    GByteArray *stream = three_messages();
    static const guint ends[] = {HEADER + 5, 2 * HEADER + 5, 3 * HEADER + 11};
    xsu_decoder decoder = {0};
    xsu_message got;
    for (guint i = 0, seen = 0; i < stream->len; i++) {
        guint begin = seen ? ends[seen - 1] : 0, have = i - begin;
        assert_more(&decoder, have < HEADER ? HEADER - have : ends[seen] - i);
        feed(&decoder, stream->data + i, 1);
        if (i + 1 < ends[seen])
            continue;
        g_assert_cmpint(xsu__decoder_next(&decoder, &got), ==, XSU_DECODED);
        seen++;
    }
    assert_more(&decoder, HEADER);
    xsu__decoder_reset(&decoder);
    g_byte_array_unref(stream);
}

static void test_contents(void)
{
    GByteArray *stream = three_messages();
    xsu_decoder decoder = {0};
    assert_more(&decoder, HEADER);
    for (int round = 0; round < 1000; round++) {
        feed(&decoder, stream->data, stream->len);
        assert_next(&decoder, XS_READ, 1, "first");
        assert_next(&decoder, XS_DIRECTORY, UINT32_MAX, "");
        assert_next(&decoder, XS_ERROR, 3, "ENOENT");
        assert_more(&decoder, HEADER);
    }
    xsu__decoder_reset(&decoder);
    assert_more(&decoder, HEADER);
    xsu__decoder_reset(&decoder);
    g_byte_array_unref(stream);
}

/* Half a message, forgotten: the next begins with a header. */
static void test_reset(void)
{
    GByteArray *stream = three_messages();
    for (guint i = 1; i < stream->len; i++) {
        xsu_decoder decoder = {0};
        feed(&decoder, stream->data, i);
        xsu__decoder_reset(&decoder);
        feed(&decoder, stream->data, stream->len);
        assert_next(&decoder, XS_READ, 1, "first");
        xsu__decoder_reset(&decoder);
    }
    g_byte_array_unref(stream);
}

/* ---- Lengths --------------------------------------------------------------------------------- */

static xsu_decoded decode_claim(uint32_t len, size_t come, size_t *requested)
{
    struct xsd_sockmsg header = {XS_READ, 1, 0, len};
    char *body = g_malloc0(come + 1);
    xsu_decoder decoder = {0};
    xsu_message got;
    size_t before = test_heap_requested();
    feed(&decoder, &header, HEADER);
    xsu_decoded decoded = xsu__decoder_next(&decoder, &got);
    if (decoded == XSU_DECODE_MORE) {
        g_assert_cmpuint(xsu__decoder_lacks(&decoder), ==, len);
        feed(&decoder, body, come);
        decoded = xsu__decoder_next(&decoder, &got);
    }
    *requested = test_heap_requested() - before;
    xsu__decoder_reset(&decoder);
    g_free(body);
    return decoded;
}

static void test_lengths(void)
{
    static const uint32_t good[] = {1, 4096, 4097, 65536, 1 << 20, XSU_WIRE_REPLY_MAX};
    static const uint32_t absurd[]
        = {XSU_WIRE_REPLY_MAX + 1, 1u << 30, INT32_MAX, 1u << 31, UINT32_MAX - HEADER, UINT32_MAX};
    size_t requested;
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        g_assert_cmpint(decode_claim(good[i], good[i], &requested), ==, XSU_DECODED);
        g_assert_cmpint(decode_claim(good[i], good[i] - 1, &requested), ==, XSU_DECODE_MORE);
        g_assert_cmpint(decode_claim(good[i], 0, &requested), ==, XSU_DECODE_MORE);
        g_assert_cmpuint(requested, <=, 65536);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(absurd); i++) {
        g_assert_cmpint(decode_claim(absurd[i], 0, &requested), ==, XSU_DECODE_BROKEN);
        g_assert_cmpuint(requested, <=, 65536);
    }
}

/* Memory follows what has come, and one large message does not make the next ones dear. */
static void test_growth(void)
{
    static char body[10000];
    size_t requested;
    for (size_t come = 10000; come <= 1000000; come *= 10) {
        decode_claim(XSU_WIRE_REPLY_MAX, come, &requested);
        g_assert_cmpuint(requested, <=, 4 * come + 65536);
    }
    GByteArray *one = message(XS_READ, 1, 7, body, sizeof body);
    xsu_decoder decoder = {0};
    xsu_message got;
    size_t before = test_heap_requested();
    for (int i = 0; i < 1000; i++) {
        feed(&decoder, one->data, one->len);
        g_assert_cmpint(xsu__decoder_next(&decoder, &got), ==, XSU_DECODED);
    }
    g_assert_cmpuint(test_heap_requested() - before, <=, 65536);
    xsu__decoder_reset(&decoder);
    g_byte_array_unref(one);
}

/* ---- Random bytes ---------------------------------------------------------------------------- */

static GRand *new_rand(guint32 *seed)
{
    *seed = g_getenv("XSU_SEED") ? (guint32)strtoul(g_getenv("XSU_SEED"), NULL, 0) : g_random_int();
    g_test_message("XSU_SEED=%u", *seed);
    return g_rand_new_with_seed(*seed);
}

static unsigned int cases(unsigned int full)
{
    const char *most = g_getenv("XSU_CASES");
    return most ? (unsigned int)strtoul(most, NULL, 10) : full;
}

/* Messages of random lengths in pieces of random lengths come out as they went in. */
static void random_stream(GRand *rand)
{
    xsu_decoder decoder = {0};
    xsu_message got;
    GByteArray *sent = g_byte_array_new();
    char body[3000];
    size_t fed = 0, checked = 0;
    for (int i = 0; i < 20; i++) {
        guint len = (guint)g_rand_int_range(rand, 0, g_rand_boolean(rand) ? 20 : sizeof body);
        memset(body, g_rand_int_range(rand, 0, 256), len);
        GByteArray *one = message(g_rand_int(rand), g_rand_int(rand), 7, body, len);
        g_byte_array_append(sent, one->data, one->len);
        g_byte_array_unref(one);
    }
    while (fed < sent->len) {
        size_t n = (size_t)g_rand_int_range(rand, 1, 4000);
        n = MIN(n, sent->len - fed);
        feed(&decoder, sent->data + fed, n);
        fed += n;
        while (xsu__decoder_next(&decoder, &got) == XSU_DECODED) {
            g_assert_cmpmem(&got.header, HEADER, sent->data + checked, HEADER);
            checked += HEADER;
            g_assert_cmpmem(got.body, got.header.len, sent->data + checked, got.header.len);
            checked += got.header.len;
        }
    }
    g_assert_cmpuint(checked, ==, sent->len);
    xsu__decoder_reset(&decoder);
    g_byte_array_unref(sent);
}

static void test_random_streams(void)
{
    guint32 seed;
    GRand *rand = new_rand(&seed);
    for (unsigned int i = 0; i < cases(20000) / 20; i++)
        random_stream(rand);
    g_rand_free(rand);
}

static void read_everything(xsu_gc *gc, const char *body, size_t len)
{
    unsigned int num = 0;
    int err = xsu__wire_errno(body, len);
    g_assert_cmpint(err, >, 0);
    char **strings = xsu__text_strings(gc, body, len, &num);
    g_assert_cmpuint(g_strv_length(strings), ==, num);
    (void)xsu__text_permissions(gc, body, len, &num);
}

/* Small numbers mostly, or no length would ever be one that can come. */
static guint8 *random_bytes(GRand *rand, guint len)
{
    guint8 *bytes = g_malloc(len + 1);
    for (guint i = 0; i < len; i++)
        bytes[i] = (guint8)g_rand_int_range(rand, 0, g_rand_int_range(rand, 0, 3) ? 9 : 256);
    for (guint i = 15; i < len; i += 1 + i % 7)
        bytes[i] = bytes[i - 1] = 0;
    return bytes;
}

/* Any bytes: nothing is read that has not come, and every message lies within them. */
static void decode_random(xsu_gc *gc, GRand *rand)
{
    xsu_decoder decoder = {0};
    xsu_message got;
    guint len = (guint)g_rand_int_range(rand, 0, 200);
    guint8 *bytes = random_bytes(rand, len);
    size_t total = 0;
    feed(&decoder, bytes, len);
    while (xsu__decoder_next(&decoder, &got) == XSU_DECODED) {
        total += HEADER + got.header.len;
        read_everything(gc, got.body, got.header.len);
    }
    g_assert_cmpuint(total, <=, len);
    xsu__decoder_reset(&decoder);
    g_free(bytes);
}

static void test_random_bytes(void)
{
    guint32 seed;
    GRand *rand = new_rand(&seed);
    XSU_GC(gc, NULL);
    xsu_mark mark = xsu_gc_mark(gc);
    for (unsigned int i = 0; i < cases(200000); i++) {
        decode_random(gc, rand);
        xsu_gc_rewind(gc, mark);
    }
    g_rand_free(rand);
}

/* ---- Bodies ---------------------------------------------------------------------------------- */

static void test_errors(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(xsd_errors); i++) {
        const char *name = xsd_errors[i].errstring;
        g_assert_cmpint(xsu__wire_errno(name, strlen(name) + 1), ==, xsd_errors[i].errnum);
        g_assert_cmpint(xsu__wire_errno(name, strlen(name)), ==, EIO);
    }
    g_assert_cmpint(xsu__wire_errno("ENOSPC", 7), ==, ENOSPC);
    g_assert_cmpint(xsu__wire_errno("EQUOTA", 7), ==, ENOSPC);
    g_assert_cmpint(xsu__wire_errno("EINVAL", 7), ==, EINVAL);
    g_assert_cmpint(xsu__wire_errno("EUNKNOWN", 9), ==, EIO);
    g_assert_cmpint(xsu__wire_errno("ENOENTX", 8), ==, EIO);
    g_assert_cmpint(xsu__wire_errno("", 1), ==, EIO);
    g_assert_cmpint(xsu__wire_errno("", 0), ==, EIO);
    char *many = g_strnfill(20000, 'E');
    g_assert_cmpint(xsu__wire_errno(many, 20001), ==, EIO);
    g_free(many);
}

/* From the heap, and exactly as long: reading on would be noticed. */
static char **strings_of(xsu_gc *gc, const char *body, size_t len, unsigned int *num)
{
    char *exact = g_malloc(len ? len : 1);
    memcpy(exact, body, len);
    char **strings = xsu__text_strings(gc, exact, len, num);
    g_free(exact);
    return strings;
}

static void test_strings(void)
{
    static const struct {
        const char *body;
        size_t len;
        const char *strings[4];
    } lists[] = {{"", 0, {NULL}},           {"a\0", 2, {"a"}},
                 {"a", 1, {"a"}},           {"a\0bc\0", 5, {"a", "bc"}},
                 {"a\0bc", 4, {"a", "bc"}}, {"\0", 1, {""}},
                 {"\0\0", 2, {"", ""}},     {"a\0\0b\0", 5, {"a", "", "b"}}};
    XSU_GC(gc, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
        unsigned int num = 77;
        char **strings = strings_of(gc, lists[i].body, lists[i].len, &num);
        for (unsigned int k = 0; k < num; k++)
            g_assert_cmpstr(strings[k], ==, lists[i].strings[k]);
        g_assert_null(lists[i].strings[num]);
        g_assert_null(strings[num]);
    }
}

static void test_permissions(void)
{
    static const struct {
        const char *body;
        size_t len;
    } bad[] = {{"x1", 3},           {"r", 2}, {"r-1", 4}, {"1", 2},    {"r1 ", 4},
               {"r4294967296", 12}, {"", 1},  {"R1", 3},  {"r1\0w", 5}};
    static const char good[] = "n0\0r1\0w32751\0b4294967295";
    static const unsigned int ids[] = {0, 1, 32751, UINT_MAX};
    unsigned int num = 77;
    XSU_GC(gc, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_fails(EIO, xsu__text_permissions(gc, bad[i].body, bad[i].len, &num));
    struct xs_permissions *perms = xsu__text_permissions(gc, good, sizeof good, &num);
    g_assert_cmpuint(num, ==, 4);
    for (unsigned int i = 0; i < 4; i++) {
        g_assert_cmpuint((unsigned int)perms[i].perms, ==, i);
        g_assert_cmpuint(perms[i].id, ==, ids[i]);
    }
    size_t len;
    const char *text;
    g_assert_cmpint(xsu__permissions_text(gc, perms, 4, &text, &len), ==, 0);
    g_assert_cmpmem(text, len, good, sizeof good);
    perms[2].perms = XS_PERM_ENOENT_OK;
    g_assert_cmpint(xsu__permissions_text(gc, perms, 4, &text, &len), ==, EINVAL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/wire/decode/every-split", test_every_split);
    g_test_add_func("/wire/decode/bytes", test_bytes);
    g_test_add_func("/wire/decode/contents", test_contents);
    g_test_add_func("/wire/decode/reset", test_reset);
    g_test_add_func("/wire/lengths/claims", test_lengths);
    g_test_add_func("/wire/lengths/growth", test_growth);
    g_test_add_func("/wire/random/streams", test_random_streams);
    g_test_add_func("/wire/random/bytes", test_random_bytes);
    g_test_add_func("/wire/errors", test_errors);
    g_test_add_func("/wire/strings", test_strings);
    g_test_add_func("/wire/permissions", test_permissions);
    return g_test_run();
}

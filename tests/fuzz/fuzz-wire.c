/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The decoder, against the plain reading of its bytes; and whose each message is, where main loops'
 * runs share a connection. */
#include "fuzz.h"
#include "xsutil/wire/wire.h"

#define HEADER sizeof(struct xsd_sockmsg)
#define NEVER_READ ((char)0xa5)

/* What has been fed, in full. */
typedef struct Stream {
    const char *bytes;
    size_t len;
    size_t at; /* up to where it was decoded */
} Stream;

/* Exactly so much as arrived may be looked at, so what follows in the room is junk. */
static void feed(xsu_decoder *decoder, const char *bytes, size_t len)
{
    while (len > 0) {
        size_t room;
        char *space = xsu__decoder_space(decoder, &room);
        FUZZ_CHECK(room > 0, "no room");
        size_t n = MIN(len, room);
        memset(space, NEVER_READ, MIN(n + 64, room));
        memcpy(space, bytes, n);
        xsu__decoder_filled(decoder, n);
        bytes += n;
        len -= n;
    }
}

/* ---- Decoding --------------------------------------------------------------------------------- */

static void check_body(const xsu_message *message)
{
    XSU_GC(gc, NULL);
    unsigned int num;
    int err = xsu__reply_errno(message);
    FUZZ_CHECK((err != 0) == (message->header.type == XS_ERROR), "errno %d", err);
    char **strings = xsu__text_strings(gc, message->body, message->header.len, &num);
    FUZZ_CHECK(g_strv_length(strings) == num, "%u strings", num);
}

/* What the decoder says next is what the bytes say; whether to go on. */
static bool check_next(xsu_decoder *decoder, Stream *s, size_t fed)
{
    struct xsd_sockmsg header = {0};
    xsu_message message;
    size_t held = fed - s->at;
    if (held >= HEADER)
        memcpy(&header, s->bytes + s->at, HEADER);
    bool broken = held >= HEADER && header.len > XSU_WIRE_REPLY_MAX;
    bool whole = held >= HEADER && !broken && held - HEADER >= header.len;
    xsu_decoded expected = broken ? XSU_DECODE_BROKEN : whole ? XSU_DECODED : XSU_DECODE_MORE;
    xsu_decoded decoded = xsu__decoder_next(decoder, &message);
    FUZZ_CHECK(decoded == expected, "%d, not %d", decoded, expected);
    if (whole) {
        FUZZ_CHECK(memcmp(&message.header, &header, HEADER) == 0, "another header");
        FUZZ_CHECK(memcmp(message.body, s->bytes + s->at + HEADER, header.len) == 0,
                   "another body");
        check_body(&message);
        s->at += HEADER + header.len;
    } else if (!broken) {
        size_t lacks = held < HEADER ? HEADER - held : HEADER + header.len - held;
        FUZZ_CHECK(xsu__decoder_lacks(decoder) == lacks, "not %zu bytes", lacks);
    }
    return whole;
}

static void check_decoder(FuzzInput *in)
{
    size_t cut = fuzz_byte(in), step = 1 + fuzz_byte(in), len = in->left, fed = 0;
    g_autofree char *bytes = fuzz_bytes(in, &len);
    Stream s = {bytes, len, 0};
    xsu_decoder decoder = {0};
    while (fed < len) {
        size_t n = MIN(fed < cut ? 1 : step, len - fed);
        feed(&decoder, bytes + fed, n);
        fed += n;
        while (check_next(&decoder, &s, fed))
            continue;
    }
    xsu__decoder_reset(&decoder);
}

/* ---- Whose is it ------------------------------------------------------------------------------ */

enum { GUESTS = 3, MESSAGES = 40 };

/* Ids are of the first, the second, the third guest in turn, those of who waits, and nobody's. */
static int owner_of(const xsu_conn *conn, uint32_t id)
{
    int n = 0;
    for (const xsu_guest *g = conn->guests; g; g = g->next, n++) {
        if (id - g->first_id < g->num_ids && g->generation == conn->generation)
            return n;
    }
    return -1;
}

static void add_message(xsu_conn *conn, FuzzInput *in, uint32_t number)
{
    uint8_t what = fuzz_byte(in);
    struct xsd_sockmsg header = {.type = what & 0x80 ? XS_WATCH_EVENT : XS_READ,
                                 .req_id = (uint32_t)(what & 0x7f) - 4,
                                 .tx_id = number,
                                 .len = fuzz_byte(in)};
    g_autofree char *body = g_malloc0(header.len + 1);
    memset(body, (char)number, header.len);
    feed(&conn->in, (const char *)&header, HEADER);
    feed(&conn->in, body, header.len);
}

static void wake(void *who)
{
    (void)who;
}

/* A message of those that are there goes to its owner alone, once, in order, as it came. */
static void take_all(xsu_conn *conn, xsu_guest *me, int mine, uint32_t seen[GUESTS + 1],
                     unsigned int *total)
{
    xsu_message message;
    while (xsu__conn_next(conn, me, &message) == XSU_DECODED) {
        int owner = owner_of(conn, message.header.req_id);
        FUZZ_CHECK(message.header.type != XS_WATCH_EVENT, "an event");
        FUZZ_CHECK(owner == mine || owner == -1, "message %u is %d's, not %d's",
                   message.header.tx_id, owner, mine);
        FUZZ_CHECK(owner == -1 || message.header.tx_id > seen[mine + 1], "out of order");
        if (owner == mine)
            seen[mine + 1] = message.header.tx_id;
        for (uint32_t i = 0; i < message.header.len; i++)
            FUZZ_CHECK(message.body[i] == (char)message.header.tx_id, "another body");
        ++*total;
    }
}

static unsigned int take_in_turn(xsu_conn *conn, FuzzInput *in)
{
    uint32_t seen[GUESTS + 1] = {0};
    unsigned int total = 0;
    xsu_guest *guests[GUESTS] = {conn->guests, conn->guests->next, conn->guests->next->next};
    for (unsigned int turn = 0; turn < 8 + GUESTS; turn++) {
        int who = turn < 8 ? (int)fuzz_below(in, GUESTS + 1) - 1 : (int)turn - 8;
        take_all(conn, who < 0 ? NULL : guests[who], who, seen, &total);
    }
    return total;
}

static void check_guests(FuzzInput *in)
{
    xsu_conn conn = {.fd = 0, .is_socket = true, .generation = 7};
    unsigned int expected = 0;
    for (uint32_t i = 0; i < GUESTS; i++) {
        xsu_guest *guest = xsu__guest_new(wake, NULL);
        guest->first_id = 20 * i + fuzz_byte(in) % 8;
        guest->num_ids = fuzz_byte(in) % 12;
        guest->generation = fuzz_byte(in) == 0xff ? 6 : 7;
        guest->next = conn.guests;
        conn.guests = guest;
    }
    for (uint32_t n = 1; n <= MESSAGES && in->left; n++) {
        expected += !(*in->at & 0x80);
        add_message(&conn, in, n);
    }
    unsigned int total = take_in_turn(&conn, in);
    FUZZ_CHECK(total == expected, "%u messages, not %u", total, expected);
    while (conn.guests) {
        xsu_guest *next = conn.guests->next;
        xsu__guest_free(conn.guests);
        conn.guests = next;
    }
    xsu__decoder_reset(&conn.in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = {data, size};
    if (fuzz_byte(&in) & 1)
        check_guests(&in);
    else
        check_decoder(&in);
    return 0;
}

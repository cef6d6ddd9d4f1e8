/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A xenstore daemon that says whatever an input says.
 *
 * It is in the same thread: programs are linked with LIAR_WRAPS, by which connecting gives one end of
 * a pair of sockets, and what is sent is answered at once, into the other end.  Each answer is the
 * input's choice: an honest one with any body, one of those in `menu`, an error, a wrong id, type or
 * length, an event of a watch before it, twice the same, out of its order, or none.  Who waits for more than there is
 * finds that the time is over, or the daemon gone; the clock is the liar's own.
 */
#ifndef TESTS_FUZZ_LIAR_H
#define TESTS_FUZZ_LIAR_H

#include "fuzz.h"

/** What may well be an answer: bytes, and how many. */
typedef struct LiarBody {
    const char *bytes;
    size_t len;
} LiarBody;

#define LIAR_BODY(text)                                                                            \
    {                                                                                              \
        text, sizeof text - 1                                                                      \
    }

/** Begin anew; `menu` ends with NULL, and may be NULL. */
void liar_begin(FuzzInput *in, const LiarBody *menu);
/** Connections are closed by their owners; this frees the rest. */
void liar_end(void);

/** From now on each XS_READ gets its own path, maybe twice, or an error but ENOENT; no id is wrong. */
void liar_echo(void);

#endif

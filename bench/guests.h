/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guests in the lab whose /sbin/poweroff is guest-stop, so that they shut down again and again. */
#ifndef BENCH_GUESTS_H
#define BENCH_GUESTS_H

#include <stdint.h>
#include <xenctrl.h>
#include <xenstore.h>

typedef struct guests {
    xc_interface *xch;
    struct xs_handle *xsh;
    const uint32_t *domids;
    unsigned int num;
} guests;

/** `domids` are the caller's and stay there. */
void guests_open(guests *g, const uint32_t *domids, unsigned int num);
void guests_close(guests *g);

/** How long each takes from now on, between a request and its shutdown. */
void guests_set_rest(guests *g, unsigned int ms);

/** The first `num` have shut down: have them go on, and wait until they have nothing to do, or for
 * five seconds. */
void guests_resume(guests *g, unsigned int num);

#endif

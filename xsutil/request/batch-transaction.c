/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Transactions of batches: the loop of transaction.c, on xsutil's own connection. */
#include "xsutil/request/request.h"
#include <errno.h>

/* One attempt's body, and what it left queued.  What failed inside is known to the transaction, but
 * for a lost connection. */
static bool attempt(xsu_txn *txn, xsu_batch_fn fn, void *data)
{
    xsu_batch *b = xsu__batch_new(txn->gc, &xsu__own, txn->t);
    if (!fn)
        errno = EINVAL;
    if (!fn || !fn(txn->gc, b, data))
        return false;
    if (b->under_way) {
        errno = EDEADLK; /* the loop that runs it is not this one */
        return false;
    }
    if (!b->ran || (b->later && b->later->num > 0))
        (void)xsu_batch_run(b);
    if (b->broken)
        errno = b->broken;
    return !b->broken;
}

bool xsu_batch_transaction(xsu_gc *gc, const xsu_retry *retry, xsu_batch_fn fn, void *data)
{
    XSU_NEED(gc);
    XSU_TRANSACTION(txn, gc, retry);
    txn.link = &xsu__own;
    while (xsu_txn_next(&txn)) {
        if (!attempt(&txn, fn, data))
            break;
    }
    return xsu_txn_done(&txn);
}

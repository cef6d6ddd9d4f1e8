/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each test of transactions is run in the callback form and in the loop form. */
#ifndef TESTS_BOTH_FORMS_H
#define TESTS_BOTH_FORMS_H

#include "store.h"

/** xsu_transaction() itself, or the loop form with the same arguments. */
typedef bool (*RunTransaction)(xsu_gc *gc, const xsu_retry *retry, xsu_transaction_fn fn,
                               void *data);

static inline bool run_in_loop(xsu_gc *gc, const xsu_retry *retry, xsu_transaction_fn fn,
                               void *data)
{
    XSU_TRANSACTION(txn, gc, retry);
    while (xsu_txn_next(&txn)) {
        if (!fn(gc, txn.t, data))
            break;
    }
    return xsu_txn_done(&txn);
}

/** Define NAME_callback() and NAME_loop(), tests of a store, from NAME(store, run). */
#define BOTH_FORMS(name)                                                                           \
    static void name##_callback(TestStore *store)                                                  \
    {                                                                                              \
        name(store, xsu_transaction);                                                              \
    }                                                                                              \
    static void name##_loop(TestStore *store)                                                      \
    {                                                                                              \
        name(store, run_in_loop);                                                                  \
    }

#define ADD_BOTH_FORMS(path, kinds, name)                                                          \
    do {                                                                                           \
        test_store_add_both_on("/transaction/callback/" path, (kinds), name##_callback);           \
        test_store_add_both_on("/transaction/loop/" path, (kinds), name##_loop);                   \
    } while (0)

enum {
    ALL_KINDS = 1 << C_XENSTORED | 1 << OXENSTORED | 1 << OXENSTORED_EAGAIN,
    EXACT_KINDS = 1 << C_XENSTORED | 1 << OXENSTORED /* no conflicts but those of the test */
};

#endif

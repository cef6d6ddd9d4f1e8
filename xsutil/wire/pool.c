/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xsutil/wire/wire.h"
#include <errno.h>
#include <glib.h>
#include <stdlib.h>
#include <time.h>

static void lock(xsu_pool *pool)
{
    pthread_mutex_lock(&pool->hook.lock);
}

static void unlock(xsu_pool *pool)
{
    pthread_mutex_unlock(&pool->hook.lock);
}

static void freed_init(xsu_pool *pool)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->freed, &attr);
    pthread_condattr_destroy(&attr);
}

/* Guests that somebody kept waiting. */
static void tell_waiting(xsu_pool *pool, bool wake)
{
    for (xsu_guest *next; pool->waiting_guests; pool->waiting_guests = next) {
        xsu_guest *guest = pool->waiting_guests;
        next = guest->next_waiting;
        xsu__guest_tell(guest, wake);
    }
}

/* In a forked child: the connections are the parent's, and no other thread has a turn. */
static void forked(xsu_fork_hook *hook)
{
    xsu_pool *pool = (xsu_pool *)hook; /* its first member */
    freed_init(pool);
    pool->waiting = 0;
    for (unsigned int i = 0; i < pool->num; i++) {
        xsu_slot *slot = pool->slots[i];
        for (xsu_guest *g = slot->conn.guests; g && slot->busy; g = g->next)
            g->kept = (xsu_decoder){NULL, 0, 0, 0}; /* what another thread was at */
        xsu__conn_forked(&slot->conn, slot->busy);
        slot->guests -= xsu__conn_sort_guests(&slot->conn, false);
        slot->busy = slot->spent = false;
    }
    tell_waiting(pool, false);
}

void xsu__pool_init(xsu_pool *pool, bool only_socket)
{
    *pool = (xsu_pool){.num = 1, .transactions = g_hash_table_new(NULL, NULL)};
    pool->slots[0] = g_new0(xsu_slot, 1);
    xsu__conn_init(&pool->slots[0]->conn, only_socket);
    freed_init(pool);
    xsu__fork_hook_init(&pool->hook, forked);
    xsu__fork_hook_add(&pool->hook);
}

/* A child that another thread forks meanwhile must not keep a connection of it. */
static void close_all(xsu_pool *pool)
{
    lock(pool);
    for (unsigned int i = 0; i < pool->num; i++)
        xsu__conn_drop(&pool->slots[i]->conn);
    unlock(pool);
}

void xsu__pool_end(xsu_pool *pool)
{
    close_all(pool);
    xsu__fork_hook_remove(&pool->hook);
    for (unsigned int i = 0; i < pool->num; i++) {
        xsu__conn_end(&pool->slots[i]->conn);
        xsu__conn_sort_guests(&pool->slots[i]->conn, false);
        g_free(pool->slots[i]);
    }
    GHashTableIter iter;
    gpointer transaction;
    g_hash_table_iter_init(&iter, pool->transactions);
    while (g_hash_table_iter_next(&iter, NULL, &transaction))
        g_free(transaction);
    g_hash_table_unref(pool->transactions);
    pthread_cond_destroy(&pool->freed);
}

xsu_conn *xsu__pool_conn(xsu_pool *pool)
{
    return &pool->slots[0]->conn;
}

/* ---- Turns ----------------------------------------------------------------------------------- */

static xsu_open_transaction *find(const xsu_pool *pool, xs_transaction_t t)
{
    return g_hash_table_lookup(pool->transactions, GUINT_TO_POINTER(t));
}

static bool is_lost(const xsu_open_transaction *transaction)
{
    const xsu_conn *conn = &transaction->slot->conn;
    return !xsu__conn_is_open(conn) || conn->generation != transaction->generation;
}

/* Whether `a` is a better place than `b` for what belongs to no transaction. */
static bool is_better(const xsu_slot *a, const xsu_slot *b)
{
    if (!b || (a->guests == 0) != (b->guests == 0))
        return !b || a->guests == 0;
    if (xsu__conn_is_open(&a->conn) != xsu__conn_is_open(&b->conn))
        return xsu__conn_is_open(&a->conn);
    return a->transactions + a->guests < b->transactions + b->guests;
}

static xsu_slot *slot_add(xsu_pool *pool)
{
    xsu_slot *slot = g_new0(xsu_slot, 1);
    xsu__conn_init_beside(&slot->conn, xsu__pool_conn(pool), NULL);
    return pool->slots[pool->num++] = slot;
}

/* A free slot, or NULL.  A new one only where the others are in use, or worth avoiding. */
static xsu_slot *choose(xsu_pool *pool, bool long_stay)
{
    xsu_slot *best = NULL;
    for (unsigned int i = 0; i < pool->num; i++) {
        if (!pool->slots[i]->busy && is_better(pool->slots[i], best))
            best = pool->slots[i];
    }
    bool poor = !best || best->guests > 0 || (long_stay && best->transactions > 0);
    return poor && pool->num < XSU_POOL_MOST ? slot_add(pool) : best;
}

/* The slot of a transaction if it is free, else NULL; *err if it can be used no more. */
static xsu_slot *slot_of(const xsu_pool *pool, xs_transaction_t t, int *err)
{
    xsu_open_transaction *transaction = find(pool, t);
    if (!transaction) {
        *err = EINVAL;
        return NULL;
    }
    if (transaction->slot->busy)
        return NULL;
    if (!is_lost(transaction))
        return transaction->slot;
    *err = transaction->told ? EINVAL : ECONNRESET;
    transaction->told = true;
    return NULL;
}

/* Wait until a turn ends; ETIMEDOUT. */
static int wait_for_turn(xsu_pool *pool, uint64_t began_ns, unsigned int timeout_ms)
{
    int err;
    pool->waiting++;
    if (timeout_ms == 0) {
        err = pthread_cond_wait(&pool->freed, &pool->hook.lock);
    } else {
        uint64_t end = began_ns + (uint64_t)timeout_ms * NS_PER_MS;
        struct timespec ts = {(time_t)(end / NS_PER_S), (long)(end % NS_PER_S)};
        err = pthread_cond_timedwait(&pool->freed, &pool->hook.lock, &ts);
    }
    pool->waiting--;
    return err;
}

/* What is left of a loop's time, in steps, as each other time is a system call to set; and never so
 * little that a daemon which is merely busy seems silent. */
static unsigned int patience_ms(const xsu_open_transaction *transaction)
{
    if (!transaction || transaction->deadline_ns == 0)
        return 0;
    uint64_t now = xsu__now_ns(), step = transaction->patience_ms / 16 + 1, left = 0;
    if (now < transaction->deadline_ns)
        left = (transaction->deadline_ns - now) / NS_PER_MS;
    left = (left / step + 1) * step;
    unsigned int least = xsu__least_patience_ms(transaction->patience_ms);
    return left > least ? (unsigned int)left : least;
}

/* With the lock. */
static int take_slot(xsu_pool *pool, xs_transaction_t t, bool long_stay, unsigned int timeout_ms,
                     xsu_turn *turn)
{
    uint64_t began = 0;
    int err = 0;
    for (;;) {
        turn->timeout_ms = xsu__shorter_ms(timeout_ms, patience_ms(find(pool, t)));
        turn->slot = t == XBT_NULL ? choose(pool, long_stay) : slot_of(pool, t, &err);
        if (turn->slot || err)
            break;
        if (!began)
            began = xsu__now_ns();
        err = wait_for_turn(pool, began, turn->timeout_ms);
        if (err)
            break;
    }
    if (!err)
        turn->slot->busy = true;
    return err;
}

int xsu__pool_enter(xsu_pool *pool, xs_transaction_t t, unsigned int timeout_ms, bool long_stay,
                    xsu_turn *turn)
{
    *turn = (xsu_turn){.t = t};
    lock(pool);
    int err = take_slot(pool, t, long_stay, timeout_ms, turn);
    if (!err && t != XBT_NULL)
        turn->tx_id = find(pool, t)->tx_id;
    unlock(pool);
    if (err)
        return err;
    turn->conn = &turn->slot->conn;
    turn->reused = xsu__conn_is_open(turn->conn);
    if (atomic_load_explicit(&turn->conn->restricted, memory_order_relaxed))
        err = EPERM;
    else if (!turn->reused)
        err = xsu__conn_open(turn->conn, turn->timeout_ms);
    else if (turn->conn->guests)
        err = xsu__conn_settle(turn->conn, turn->timeout_ms);
    if (err && err != EPERM)
        xsu__conn_drop(turn->conn);
    if (err)
        xsu__pool_leave(pool, turn, err);
    return err;
}

/* Replies of guests' that came in with others: they are taken out, so that each has its own. */
static void sort_replies(xsu_conn *conn)
{
    xsu_message message;
    if (conn->guests && xsu__conn_is_open(conn)
        && xsu__conn_next(conn, NULL, &message) != XSU_DECODE_MORE)
        xsu__conn_drop(conn); /* it answers nobody */
}

void xsu__pool_leave(xsu_pool *pool, xsu_turn *turn, int err)
{
    sort_replies(turn->conn);
    lock(pool);
    xsu_open_transaction *transaction = find(pool, turn->t);
    if (transaction && err == ECONNRESET)
        transaction->told = true;
    if (turn->slot->spent)
        xsu__conn_drop(turn->conn);
    turn->slot->busy = turn->slot->spent = false;
    if (turn->conn->guests)
        turn->slot->guests -= xsu__conn_sort_guests(turn->conn, true);
    if (pool->waiting)
        pthread_cond_broadcast(&pool->freed);
    tell_waiting(pool, true);
    unlock(pool);
}

/* With the lock: its connection is of no use any more. */
static void give_up(xsu_slot *slot)
{
    slot->spent = slot->busy;
    if (slot->busy)
        return;
    xsu__conn_drop(&slot->conn);
    slot->guests -= xsu__conn_sort_guests(&slot->conn, true);
}

/* ---- Turns of guests ------------------------------------------------------------------------- */

static void wait_for_wake(xsu_pool *pool, xsu_guest *guest)
{
    for (const xsu_guest *g = pool->waiting_guests; g; g = g->next_waiting) {
        if (g == guest)
            return;
    }
    guest->next_waiting = pool->waiting_guests;
    pool->waiting_guests = guest;
}

/* With the lock: where it has its turn; EBUSY if nowhere now. */
static int find_place(xsu_pool *pool, xs_transaction_t t, bool long_stay, xsu_guest *guest,
                      xsu_slot **slot)
{
    int err = 0;
    xsu_open_transaction *transaction = find(pool, t);
    if (guest->lost) {
        if (transaction)
            transaction->told = true;
        return ECONNRESET;
    }
    if (t != XBT_NULL)
        *slot = slot_of(pool, t, &err);
    else if (guest->slot)
        *slot = guest->slot->busy ? NULL : guest->slot;
    else
        *slot = choose(pool, long_stay);
    if (!err && !*slot) {
        wait_for_wake(pool, guest);
        err = EBUSY;
    }
    return err;
}

int xsu__pool_visit(xsu_pool *pool, xs_transaction_t t, unsigned int timeout_ms, bool long_stay,
                    xsu_guest *guest, xsu_turn *turn)
{
    *turn = (xsu_turn){.t = t};
    lock(pool);
    const xsu_open_transaction *transaction = find(pool, t);
    turn->timeout_ms = xsu__shorter_ms(timeout_ms, patience_ms(transaction));
    int err = find_place(pool, t, long_stay, guest, &turn->slot);
    if (!err) {
        turn->slot->busy = true;
        turn->conn = &turn->slot->conn;
        turn->tx_id = transaction ? transaction->tx_id : 0;
    }
    unlock(pool);
    if (err)
        return err;
    turn->reused = xsu__conn_is_open(turn->conn);
    if (atomic_load_explicit(&turn->conn->restricted, memory_order_relaxed))
        err = EPERM;
    else if (!turn->reused)
        err = xsu__conn_open_now(turn->conn);
    if (err)
        xsu__pool_leave(pool, turn, err);
    return err;
}

void xsu__pool_stay(xsu_pool *pool, xsu_turn *turn, xsu_guest *guest)
{
    lock(pool);
    guest->slot = turn->slot;
    guest->generation = turn->conn->generation;
    guest->next = turn->conn->guests;
    turn->conn->guests = guest;
    turn->slot->guests++;
    unlock(pool);
}

static void stop_waiting(xsu_pool *pool, xsu_guest *guest)
{
    xsu_guest **link = &pool->waiting_guests;
    while (*link && *link != guest)
        link = &(*link)->next_waiting;
    if (*link)
        *link = guest->next_waiting;
}

/* It is freed once nothing that the daemon still has to say is for it. */
void xsu__pool_dismiss(xsu_pool *pool, xsu_guest *guest)
{
    lock(pool);
    xsu_slot *slot = guest->slot;
    stop_waiting(pool, guest);
    guest->gone = true;
    if (slot) {
        slot->guests--;
        if (!slot->busy)
            slot->guests -= xsu__conn_sort_guests(&slot->conn, true);
    } else {
        xsu__guest_free(guest);
    }
    unlock(pool);
}

void xsu__pool_give_up(xsu_pool *pool, xsu_guest *guest)
{
    lock(pool);
    if (guest->slot)
        give_up(guest->slot);
    unlock(pool);
}

/* ---- Transactions ---------------------------------------------------------------------------- */

/* A number comes again only after all others, and not while it is in use. */
static xs_transaction_t number_new(const xsu_pool *pool)
{
    static atomic_uint last = 0xffff; /* daemons begin at 1: a number of theirs is none of ours */
    xs_transaction_t number;
    do
        number = atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
    while (number == XBT_NULL || find(pool, number));
    return number;
}

xs_transaction_t xsu__pool_add_transaction(xsu_pool *pool, xsu_turn *turn, uint32_t tx_id)
{
    xsu_open_transaction *transaction = g_new0(xsu_open_transaction, 1);
    transaction->tx_id = tx_id;
    transaction->slot = turn->slot;
    transaction->generation = turn->conn->generation;
    lock(pool);
    transaction->number = number_new(pool);
    turn->slot->transactions++;
    g_hash_table_insert(pool->transactions, GUINT_TO_POINTER(transaction->number), transaction);
    unlock(pool);
    return transaction->number;
}

static void forget(xsu_pool *pool, xsu_open_transaction *transaction)
{
    transaction->slot->transactions--;
    g_hash_table_remove(pool->transactions, GUINT_TO_POINTER(transaction->number));
    g_free(transaction);
}

void xsu__pool_end_transaction(xsu_pool *pool, xsu_turn *turn)
{
    (void)xsu__pool_forget_transaction(pool, turn->t);
}

bool xsu__pool_forget_transaction(xsu_pool *pool, xs_transaction_t t)
{
    lock(pool);
    xsu_open_transaction *transaction = find(pool, t);
    if (transaction)
        forget(pool, transaction);
    unlock(pool);
    return transaction != NULL;
}

void xsu__pool_abandon_transaction(xsu_pool *pool, xs_transaction_t t)
{
    lock(pool);
    xsu_open_transaction *transaction = find(pool, t);
    xsu_slot *slot = transaction ? transaction->slot : NULL;
    if (transaction)
        forget(pool, transaction);
    if (slot)
        give_up(slot);
    unlock(pool);
}

bool xsu__pool_transaction_told(xsu_pool *pool, xs_transaction_t t)
{
    lock(pool);
    const xsu_open_transaction *transaction = find(pool, t);
    bool told = transaction && transaction->told;
    unlock(pool);
    return told;
}

void xsu__pool_set_deadline(xsu_pool *pool, xs_transaction_t t, uint64_t deadline_ns,
                            unsigned int patience)
{
    lock(pool);
    xsu_open_transaction *transaction = find(pool, t);
    if (transaction) {
        transaction->deadline_ns = deadline_ns;
        transaction->patience_ms = patience;
    }
    unlock(pool);
}

void xsu__pool_fail_transaction(xsu_pool *pool, xs_transaction_t t, int err)
{
    lock(pool);
    xsu_open_transaction *transaction = find(pool, t);
    if (transaction && !transaction->failed)
        transaction->failed = err;
    unlock(pool);
}

int xsu__pool_transaction_failed(xsu_pool *pool, xs_transaction_t t)
{
    lock(pool);
    const xsu_open_transaction *transaction = find(pool, t);
    int failed = transaction ? transaction->failed : 0;
    unlock(pool);
    return failed;
}

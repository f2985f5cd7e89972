// SPDX-License-Identifier: MIT
// What grows old. It goes in small portions, each under the lock for a moment, so that nobody on
// the control loop waits for a big one.
#include "mcu/store_internal.h"

enum { MESSAGES_AT_ONCE = 500, CALLS_AT_ONCE = 10 };
#define DAY_MS (INT64_C(24) * 3600 * 1000)

static int forget_before(struct store *store, enum store_sql sql, int64_t unix_ms, int at_once) {
    int error, count;
    do {
        pthread_mutex_lock(&store->lock);
        error = store_run_locked(store, sql, VALUES(NUMBER(unix_ms), NUMBER(at_once)));
        count = error ? 0 : sqlite3_changes(store->db);
        pthread_mutex_unlock(&store->lock);
    } while (count == at_once);
    return error;
}

int store_forget_chat(struct store *store, int64_t now_unix_ms) {
    return forget_before(store, SQL_FORGET_MESSAGES, now_unix_ms - DAY_MS, MESSAGES_AT_ONCE);
}

static int forget_calls(struct store *store, int64_t now_unix_ms, int history_days) {
    int error = store_run(store, SQL_END_LOST_CALLS, VALUES(NUMBER(now_unix_ms - DAY_MS)));
    if (!error)
        error = store_run(store, SQL_END_LOST_PRESENCES, NO_VALUES);
    if (!error)
        error = forget_before(store, SQL_FORGET_NOBODYS_CALLS, now_unix_ms - DAY_MS, CALLS_AT_ONCE);
    if (!error && history_days > 0)
        error = forget_before(store, SQL_FORGET_OWNED_CALLS, now_unix_ms - history_days * DAY_MS,
                              CALLS_AT_ONCE);
    return error;
}

int store_forget(struct store *store, int64_t now_unix_ms, int history_days) {
    int error = store_forget_chat(store, now_unix_ms);
    if (!error)
        error = forget_calls(store, now_unix_ms, history_days);
    if (!error)
        error = store_run(store, SQL_FORGET_ROOMS, NO_VALUES);
    if (!error)
        error = store_run(store, SQL_FORGET_TOKENS, VALUES(NUMBER(now_unix_ms / 1000)));
    if (!error)
        error = store_run(store, SQL_FORGET_ANSWERS, VALUES(NUMBER(now_unix_ms - DAY_MS)));
    if (!error)
        error = store_run(store, SQL_FORGET_SIGN_INS, VALUES(NUMBER(now_unix_ms)));
    return error;
}

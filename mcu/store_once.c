// SPDX-License-Identifier: MIT
// What may happen once only: tokens for a single use, and creations that were answered already.
#include "mcu/store_internal.h"

#include <errno.h>
#include <sodium.h>

enum { ANSWERS_MAX = 10000, TRIM_EVERY = 32 };
#define ANSWER_AGE_MAX_MS (INT64_C(24) * 3600 * 1000)

int store_use_token(struct store *store, const char *id, int64_t expires_s) {
    pthread_mutex_lock(&store->lock);
    int error = store_run_locked(store, SQL_FORGET_TOKENS, VALUES(NUMBER(store_now_ms() / 1000)));
    if (!error)
        error = store_run_locked(store, SQL_USE_TOKEN, VALUES(TEXT(id), NUMBER(expires_s)));
    pthread_mutex_unlock(&store->lock);
    return error;
}

int store_put_answer(struct store *store, const char *key, const struct store_answer *answer,
                     int64_t at_unix_ms) {
    int error =
        store_run(store, SQL_PUT_ANSWER,
                  VALUES(TEXT(key), TEXT(answer->request), TEXT(answer->body),
                         OPTIONAL(answer->location), NUMBER(answer->status), NUMBER(at_unix_ms)));
    if (!error && randombytes_uniform(TRIM_EVERY) == 0)
        store_run(store, SQL_TRIM_ANSWERS, VALUES(NUMBER(ANSWERS_MAX)));
    return error;
}

static void read_answer(sqlite3_stmt *statement, void *row) {
    *(struct store_answer *)row = (struct store_answer){
        .request = store_copy_text(statement, 0),
        .body = store_copy_text(statement, 1),
        .location = store_copy_optional(statement, 2),
        .status = sqlite3_column_int(statement, 3),
    };
}

static void clear_answer(gpointer row) {
    struct store_answer *answer = row;
    g_free((char *)answer->request);
    g_free((char *)answer->body);
    g_free((char *)answer->location);
}

int store_get_answer(struct store *store, const char *key,
                     void (*each)(void *user, const struct store_answer *answer), void *user) {
    static const struct store_rows kind = {sizeof(struct store_answer), read_answer, clear_answer};
    GArray *rows;
    int error =
        store_query(store, SQL_GET_ANSWER,
                    VALUES(TEXT(key), NUMBER(store_now_ms() - ANSWER_AGE_MAX_MS)), &kind, &rows);
    if (error)
        return error;
    if (rows->len > 0)
        each(user, &g_array_index(rows, struct store_answer, 0));
    else
        error = -ENOENT;
    g_array_unref(rows);
    return error;
}

// SPDX-License-Identifier: MIT
// Webhooks, and what waits to be delivered to them.
#include "mcu/store_internal.h"

#include <errno.h>

int store_put_hook(struct store *store, const char *id, const char *json) {
    return store_run(store, SQL_PUT_HOOK, VALUES(TEXT(id), TEXT(json)));
}

int store_remove_hook(struct store *store, const char *id) {
    return store_run(store, SQL_REMOVE_HOOK, VALUES(TEXT(id)));
}

struct hook {
    char *id, *json;
};

static void read_hook(sqlite3_stmt *statement, void *row) {
    *(struct hook *)row =
        (struct hook){store_copy_text(statement, 0), store_copy_text(statement, 1)};
}

static void clear_hook(gpointer row) {
    struct hook *hook = row;
    g_free(hook->id);
    g_free(hook->json);
}

int store_each_hook(struct store *store, void (*each)(void *user, const char *id, const char *json),
                    void *user) {
    static const struct store_rows kind = {sizeof(struct hook), read_hook, clear_hook};
    GArray *rows;
    int error = store_query(store, SQL_EACH_HOOK, NO_VALUES, &kind, &rows);
    if (error)
        return error;
    for (guint i = 0; i < rows->len; i++) {
        const struct hook *hook = &g_array_index(rows, struct hook, i);
        each(user, hook->id, hook->json);
    }
    g_array_unref(rows);
    return 0;
}

// ---- the queue ----

int store_push_delivery(struct store *store, const char *hook, uint64_t event, const char *body,
                        int max, int *dropped) {
    int count = 0;
    pthread_mutex_lock(&store->lock);
    int error = store_begin_locked(store);
    if (!error) {
        error = store_run_locked(store, SQL_ADD_DELIVERY,
                                 VALUES(TEXT(hook), NUMBER((int64_t)event), TEXT(body)));
        if (!error)
            error = store_run_locked(store, SQL_TRIM_DELIVERIES,
                                     VALUES(TEXT(hook), NUMBER(MAX(max, 0))));
        count = error ? 0 : sqlite3_changes(store->db);
        error = store_end_locked(store, error);
    }
    pthread_mutex_unlock(&store->lock);
    if (!error)
        *dropped = count;
    return error;
}

struct delivery {
    int64_t id, event;
    char *body;
};

static void read_delivery(sqlite3_stmt *statement, void *row) {
    *(struct delivery *)row =
        (struct delivery){sqlite3_column_int64(statement, 0), sqlite3_column_int64(statement, 1),
                          store_copy_text(statement, 2)};
}

static void clear_delivery(gpointer row) {
    g_free(((struct delivery *)row)->body);
}

int store_peek_delivery(struct store *store, const char *hook,
                        void (*each)(void *user, int64_t id, uint64_t event, const char *body),
                        void *user) {
    static const struct store_rows kind = {sizeof(struct delivery), read_delivery, clear_delivery};
    GArray *rows;
    int error = store_query(store, SQL_PEEK_DELIVERY, VALUES(TEXT(hook)), &kind, &rows);
    if (error)
        return error;
    if (rows->len > 0) {
        const struct delivery *delivery = &g_array_index(rows, struct delivery, 0);
        each(user, delivery->id, (uint64_t)delivery->event, delivery->body);
    } else {
        error = -ENOENT;
    }
    g_array_unref(rows);
    return error;
}

int store_remove_delivery(struct store *store, int64_t id) {
    return store_run(store, SQL_REMOVE_DELIVERY, VALUES(NUMBER(id)));
}

int store_count_deliveries(struct store *store, const char *hook, int *count) {
    int64_t number = 0;
    int error = store_query_number(store, SQL_COUNT_DELIVERIES, VALUES(TEXT(hook)), &number);
    if (!error)
        *count = (int)number;
    return error;
}

// SPDX-License-Identifier: MIT
#include "mcu/store_users.h"

#include "mcu/store_internal.h"

#include <errno.h>

// ---- users ----

static void read_user(sqlite3_stmt *statement, void *row) {
    *(struct store_user *)row = (struct store_user){
        .id = sqlite3_column_int64(statement, 0),
        .login = store_copy_text(statement, 1),
        .email = store_copy_optional(statement, 2),
        .name = store_copy_text(statement, 3),
        .password = store_copy_text(statement, 4),
        .created_unix_ms = sqlite3_column_int64(statement, 5),
    };
}

static void clear_user(gpointer row) {
    struct store_user *user = row;
    g_free((char *)user->login);
    g_free((char *)user->email);
    g_free((char *)user->name);
    g_free((char *)user->password);
}

static const struct store_rows user_rows = {sizeof(struct store_user), read_user, clear_user};

int store_add_user(struct store *store, const struct store_user *user, bool takes_room,
                   int64_t *id) {
    pthread_mutex_lock(&store->lock);
    int error = store_run_locked(store, SQL_ADD_USER,
                                 VALUES(TEXT(user->login), OPTIONAL(user->email), TEXT(user->name),
                                        TEXT(user->password), NUMBER(user->created_unix_ms),
                                        NUMBER(takes_room)));
    if (!error && sqlite3_changes(store->db) == 0)
        error = -EEXIST;
    if (!error)
        *id = sqlite3_last_insert_rowid(store->db);
    pthread_mutex_unlock(&store->lock);
    return error;
}

// Of one user: -ENOENT if there is none.
static int tell_users(GArray *rows, store_each_user_fn *each, void *user) {
    guint count = rows->len;
    for (guint i = 0; i < count; i++)
        each(user, &g_array_index(rows, struct store_user, i));
    g_array_unref(rows);
    return count > 0 ? 0 : -ENOENT;
}

int store_get_user(struct store *store, int64_t id, store_each_user_fn *each, void *user) {
    GArray *rows;
    int error = store_query(store, SQL_GET_USER, VALUES(NUMBER(id)), &user_rows, &rows);
    return error ? error : tell_users(rows, each, user);
}

int store_find_user(struct store *store, const char *login_or_email, store_each_user_fn *each,
                    void *user) {
    GArray *rows;
    int error = store_query(store, SQL_FIND_USER, VALUES(TEXT(login_or_email)), &user_rows, &rows);
    return error ? error : tell_users(rows, each, user);
}

int store_each_user(struct store *store, const char *after, int max, store_each_user_fn *each,
                    void *user) {
    GArray *rows;
    int error = store_query(store, SQL_EACH_USER, VALUES(TEXT(after), NUMBER(MAX(max, 0))),
                            &user_rows, &rows);
    if (!error)
        tell_users(rows, each, user);
    return error;
}

int store_change_user(struct store *store, int64_t id, const char *email, const char *name) {
    return store_change(store, SQL_CHANGE_USER, VALUES(NUMBER(id), OPTIONAL(email), TEXT(name)));
}

// One statement that must find its row, then one that clears up: both or none.
static int change_both(struct store *store, enum store_sql first,
                       const struct store_value *first_values, enum store_sql second,
                       const struct store_value *second_values) {
    pthread_mutex_lock(&store->lock);
    int error = store_begin_locked(store);
    if (!error) {
        error = store_run_locked(store, first, first_values);
        if (!error && sqlite3_changes(store->db) == 0)
            error = -ENOENT;
        if (!error)
            error = store_run_locked(store, second, second_values);
        error = store_end_locked(store, error);
    }
    pthread_mutex_unlock(&store->lock);
    return error;
}

int store_set_password(struct store *store, int64_t id, const char *password, const char *keep) {
    return change_both(store, SQL_SET_PASSWORD, VALUES(NUMBER(id), TEXT(password)),
                       SQL_REMOVE_SIGN_INS, VALUES(NUMBER(id), TEXT(keep)));
}

// The messages first: which rooms were theirs is known only as long as they are there.
int store_remove_user(struct store *store, int64_t id) {
    pthread_mutex_lock(&store->lock);
    int error = store_begin_locked(store);
    if (!error) {
        error = store_run_locked(store, SQL_REMOVE_MESSAGES_OF_USER, VALUES(NUMBER(id)));
        if (!error)
            error = store_run_locked(store, SQL_REMOVE_USER, VALUES(NUMBER(id)));
        if (!error && sqlite3_changes(store->db) == 0)
            error = -ENOENT;
        error = store_end_locked(store, error);
    }
    pthread_mutex_unlock(&store->lock);
    return error;
}

static void read_name(sqlite3_stmt *statement, void *row) {
    *(char **)row = store_copy_text(statement, 0);
}

static void clear_name(gpointer row) {
    g_free(*(char **)row);
}

int store_each_running_room(struct store *store, int64_t owner,
                            void (*each)(void *user, const char *room), void *user) {
    static const struct store_rows kind = {sizeof(char *), read_name, clear_name};
    GArray *rows;
    int error = store_query(store, SQL_EACH_RUNNING_ROOM, VALUES(NUMBER(owner)), &kind, &rows);
    if (error)
        return error;
    for (guint i = 0; i < rows->len; i++)
        each(user, g_array_index(rows, char *, i));
    g_array_unref(rows);
    return 0;
}

// ---- sign-ins ----

int store_add_sign_in(struct store *store, const struct store_sign_in *sign_in) {
    return change_both(store, SQL_ADD_SIGN_IN,
                       VALUES(TEXT(sign_in->hash), NUMBER(sign_in->user), TEXT(sign_in->address),
                              TEXT(sign_in->agent), NUMBER(sign_in->created_unix_ms),
                              NUMBER(sign_in->expires_unix_ms)),
                       SQL_TRIM_SIGN_INS,
                       VALUES(NUMBER(sign_in->user), NUMBER(STORE_SIGN_INS_MAX)));
}

static void read_sign_in(sqlite3_stmt *statement, void *row) {
    *(struct store_sign_in *)row = (struct store_sign_in){
        .user = sqlite3_column_int64(statement, 0),
        .login = store_copy_text(statement, 1),
        .expires_unix_ms = sqlite3_column_int64(statement, 2),
    };
}

static void clear_sign_in(gpointer row) {
    g_free((char *)((struct store_sign_in *)row)->login);
}

int store_get_sign_in(struct store *store, const char *hash, int64_t now_unix_ms,
                      void (*each)(void *user, const struct store_sign_in *sign_in), void *user) {
    static const struct store_rows kind = {sizeof(struct store_sign_in), read_sign_in,
                                           clear_sign_in};
    GArray *rows;
    int error =
        store_query(store, SQL_GET_SIGN_IN, VALUES(TEXT(hash), NUMBER(now_unix_ms)), &kind, &rows);
    if (error)
        return error;
    if (rows->len > 0) {
        g_array_index(rows, struct store_sign_in, 0).hash = hash;
        each(user, &g_array_index(rows, struct store_sign_in, 0));
    } else {
        error = -ENOENT;
    }
    g_array_unref(rows);
    return error;
}

int store_extend_sign_in(struct store *store, const char *hash, int64_t expires_unix_ms) {
    return store_run(store, SQL_EXTEND_SIGN_IN, VALUES(TEXT(hash), NUMBER(expires_unix_ms)));
}

int store_remove_sign_in(struct store *store, const char *hash) {
    return store_run(store, SQL_REMOVE_SIGN_IN, VALUES(TEXT(hash)));
}

int store_remove_sign_ins(struct store *store, int64_t user, const char *keep) {
    return store_run(store, SQL_REMOVE_SIGN_INS, VALUES(NUMBER(user), TEXT(keep)));
}

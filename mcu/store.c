// SPDX-License-Identifier: MIT
// Owns the connection and its prepared statements, both under one mutex. Statements are few and
// their rows small, so the control loop may use them; what waits for another process gives up soon.
// Beside it, by noun: store_rooms.c, store_calls.c, store_hooks.c, store_once.c, store_users.c,
// store_meetings.c, store_forget.c; all SQL is in store_sql.c.
#include "mcu/store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    OPEN_PATIENCE_MS = 5000,
    OPEN_AGAIN_MS = 10,
    PATIENCE_MS = 200,
    KEY_RANDOM_BYTES = 24,
    TRIM_EVERY = 32
};

int64_t store_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// ---- statements ----

sqlite3_stmt *store_bind_locked(struct store *store, enum store_sql sql,
                                const struct store_value *values) {
    sqlite3_stmt *statement = store->statements[sql];
    for (int i = 0; values[i].kind != VALUE_END; i++) {
        const char *text = values[i].text;
        if (values[i].kind == VALUE_NUMBER)
            sqlite3_bind_int64(statement, i + 1, values[i].number);
        else if (text || values[i].kind == VALUE_TEXT)
            sqlite3_bind_text(statement, i + 1, text ? text : "", -1, SQLITE_STATIC);
    }
    return statement;
}

int store_finish_locked(sqlite3_stmt *statement, int code) {
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return store_error(code);
}

int store_run_locked(struct store *store, enum store_sql sql, const struct store_value *values) {
    sqlite3_stmt *statement = store_bind_locked(store, sql, values);
    return store_finish_locked(statement, sqlite3_step(statement));
}

int store_run(struct store *store, enum store_sql sql, const struct store_value *values) {
    pthread_mutex_lock(&store->lock);
    int error = store_run_locked(store, sql, values);
    pthread_mutex_unlock(&store->lock);
    return error;
}

int store_change(struct store *store, enum store_sql sql, const struct store_value *values) {
    pthread_mutex_lock(&store->lock);
    int error = store_run_locked(store, sql, values);
    if (!error && sqlite3_changes(store->db) == 0)
        error = -ENOENT;
    pthread_mutex_unlock(&store->lock);
    return error;
}

int store_add(struct store *store, enum store_sql sql, const struct store_value *values,
              int64_t *id) {
    pthread_mutex_lock(&store->lock);
    int error = store_run_locked(store, sql, values);
    if (!error)
        *id = sqlite3_last_insert_rowid(store->db);
    pthread_mutex_unlock(&store->lock);
    return error;
}

int store_begin_locked(struct store *store) {
    return store_run_locked(store, SQL_BEGIN, NO_VALUES);
}

int store_end_locked(struct store *store, int error) {
    if (!error)
        error = store_run_locked(store, SQL_COMMIT, NO_VALUES);
    if (error)
        store_run_locked(store, SQL_ROLLBACK, NO_VALUES); // it may have been rolled back already
    return error;
}

int store_query(struct store *store, enum store_sql sql, const struct store_value *values,
                const struct store_rows *kind, GArray **out) {
    int code;
    GArray *rows = g_array_new(FALSE, TRUE, (guint)kind->row_bytes);
    g_array_set_clear_func(rows, kind->clear);
    pthread_mutex_lock(&store->lock);
    sqlite3_stmt *statement = store_bind_locked(store, sql, values);
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        g_array_set_size(rows, rows->len + 1);
        kind->read(statement, rows->data + (rows->len - 1) * kind->row_bytes);
    }
    int error = store_finish_locked(statement, code);
    pthread_mutex_unlock(&store->lock);
    if (error)
        g_array_unref(rows);
    else
        *out = rows;
    return error;
}

int store_query_number(struct store *store, enum store_sql sql, const struct store_value *values,
                       int64_t *out) {
    pthread_mutex_lock(&store->lock);
    sqlite3_stmt *statement = store_bind_locked(store, sql, values);
    int code = sqlite3_step(statement);
    int64_t number = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    int error = store_finish_locked(statement, code);
    pthread_mutex_unlock(&store->lock);
    if (!error)
        *out = number;
    return error;
}

char *store_copy_optional(sqlite3_stmt *statement, int column) {
    return g_strdup((const char *)sqlite3_column_text(statement, column));
}

char *store_copy_text(sqlite3_stmt *statement, int column) {
    char *text = store_copy_optional(statement, column);
    return text ? text : g_strdup("");
}

static int prepare_all(struct store *store) {
    for (int i = 0; i < SQL_STATEMENTS; i++) {
        int code = sqlite3_prepare_v3(store->db, store_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                                      &store->statements[i], NULL);
        if (code != SQLITE_OK)
            return store_error(code);
    }
    return 0;
}

// ---- open and close ----

// The API key is in the file: nobody else may read it. SQLite gives its side files the same mode.
static int make_file(const char *path) {
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0)
        return close(fd) < 0 ? -errno : 0;
    if (errno != EEXIST)
        return -errno;
    struct stat info;
    if (stat(path, &info) < 0)
        return -errno;
    if (!S_ISREG(info.st_mode))
        return -EIO;
    if ((info.st_mode & 077) != 0 && chmod(path, 0600) < 0 && errno != EPERM)
        return -errno;
    return 0;
}

static int open_db(struct store *store, const char *path) {
    int code =
        sqlite3_open_v2(path, &store->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (code != SQLITE_OK)
        return store_error(code);
    sqlite3_busy_timeout(store->db, OPEN_PATIENCE_MS);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    // SQLite itself does not wait where two turn a new file to WAL at the same moment.
    for (int waited_ms = 0; waited_ms < OPEN_PATIENCE_MS; waited_ms += OPEN_AGAIN_MS) {
        code = sqlite3_exec(store->db, store_sql_pragmas, NULL, NULL, NULL);
        if (store_error(code) != -EBUSY)
            break;
        g_usleep(OPEN_AGAIN_MS * 1000);
    }
    return store_error(code);
}

static int open_path(struct store *store, const char *path) {
    int error = make_file(path);
    if (!error)
        error = open_db(store, path);
    if (!error)
        error = store_schema_migrate(store->db);
    if (!error)
        error = prepare_all(store);
    if (!error)
        error = store_forget_chat(store, store_now_ms());
    if (!error)
        sqlite3_busy_timeout(store->db, PATIENCE_MS);
    return error;
}

int store_open(const char *dir, struct store **out) {
    if (sodium_init() < 0)
        return -ENOSYS;
    if (g_mkdir_with_parents(dir, 0700) < 0)
        return -errno;
    struct store *store = calloc(1, sizeof(*store));
    if (!store)
        return -ENOMEM;
    pthread_mutex_init(&store->lock, NULL);
    char *path = g_build_filename(dir, "tessera.db", NULL);
    int error = open_path(store, path);
    g_free(path);
    if (error) {
        store_close(store);
        return error;
    }
    *out = store;
    return 0;
}

void store_close(struct store *store) {
    if (!store)
        return;
    for (int i = 0; i < SQL_STATEMENTS; i++)
        sqlite3_finalize(store->statements[i]);
    sqlite3_close(store->db);
    pthread_mutex_destroy(&store->lock);
    free(store);
}

const char *store_explain(int error) {
    switch (error) {
    case 0: return "no error";
    case -EPROTO: return "the database was written by a newer version of Tessera";
    case -EIO: return "the database is damaged, or is no SQLite database";
    case -EBUSY: return "another process holds the database";
    case -EINVAL: return "the database has tables that are not Tessera's";
    default: return strerror(-error);
    }
}

// ---- settings ----

static int get_setting_locked(struct store *store, const char *name, char *value, size_t size) {
    sqlite3_stmt *statement = store_bind_locked(store, SQL_GET_SETTING, VALUES(TEXT(name)));
    int code = sqlite3_step(statement);
    bool has_row = code == SQLITE_ROW;
    const char *text = has_row ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    bool fits = text && strlen(text) < size;
    if (fits)
        g_strlcpy(value, text, size);
    int error = store_finish_locked(statement, code);
    if (!error && !has_row)
        return -ENOENT;
    return !error && !fits ? -EMSGSIZE : error;
}

static int make_secret_locked(struct store *store, const char *name) {
    unsigned char random[KEY_RANDOM_BYTES];
    char secret[STORE_KEY_MAX];
    randombytes_buf(random, sizeof(random));
    sodium_bin2base64(secret, sizeof(secret), random, sizeof(random),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    int error = store_run_locked(store, SQL_ADD_SETTING, VALUES(TEXT(name), TEXT(secret)));
    sodium_memzero(secret, sizeof(secret));
    sodium_memzero(random, sizeof(random));
    return error;
}

int store_secret(struct store *store, const char *name, char *value, bool *is_new) {
    pthread_mutex_lock(&store->lock);
    *is_new = false;
    int error = get_setting_locked(store, name, value, STORE_KEY_MAX);
    if (error == -ENOENT) {
        error = make_secret_locked(store, name);
        // Read back: another process may have been quicker.
        if (!error)
            error = get_setting_locked(store, name, value, STORE_KEY_MAX);
        *is_new = !error;
    }
    pthread_mutex_unlock(&store->lock);
    return error;
}

int store_api_key(struct store *store, char *key, bool *is_new) {
    return store_secret(store, "api_key", key, is_new);
}

int store_is_usable(struct store *store) {
    return store_run(store, SQL_GET_SETTING, VALUES(TEXT("api_key")));
}

// ---- chat ----

int store_add_message(struct store *store, const char *room, const char *member, const char *name,
                      const char *text, int64_t at_unix_ms, int64_t *id) {
    int error =
        store_add(store, SQL_ADD_MESSAGE,
                  VALUES(TEXT(room), TEXT(member), TEXT(name), TEXT(text), NUMBER(at_unix_ms)), id);
    // Now and then, at random: ids alternate between rooms, so counting them could miss one for
    // ever.
    if (!error && randombytes_uniform(TRIM_EVERY) == 0)
        store_run(store, SQL_TRIM_MESSAGES, VALUES(TEXT(room), NUMBER(STORE_MESSAGES_MAX)));
    return error;
}

static void read_message(sqlite3_stmt *statement, void *row) {
    *(struct store_message *)row = (struct store_message){
        .id = sqlite3_column_int64(statement, 0),
        .member = store_copy_text(statement, 1),
        .name = store_copy_text(statement, 2),
        .text = store_copy_text(statement, 3),
        .at_unix_ms = sqlite3_column_int64(statement, 4),
    };
}

static void clear_message(gpointer row) {
    struct store_message *message = row;
    g_free((char *)message->member);
    g_free((char *)message->name);
    g_free((char *)message->text);
}

const struct store_rows store_message_rows = {sizeof(struct store_message), read_message,
                                              clear_message};

int store_each_message(struct store *store, const char *room, int max,
                       void (*each)(void *user, const struct store_message *message), void *user) {
    GArray *rows;
    // A negative limit would be none.
    int error = store_query(store, SQL_EACH_MESSAGE, VALUES(TEXT(room), NUMBER(MAX(max, 0))),
                            &store_message_rows, &rows);
    if (error)
        return error;
    for (guint i = 0; i < rows->len; i++)
        each(user, &g_array_index(rows, struct store_message, i));
    g_array_unref(rows);
    return 0;
}

// What was said in a call that is kept goes to its history.
int store_forget_room(struct store *store, const char *room) {
    pthread_mutex_lock(&store->lock);
    int error = store_begin_locked(store);
    if (!error) {
        error = store_run_locked(store, SQL_DROP_MESSAGES, VALUES(TEXT(room)));
        if (!error)
            error = store_run_locked(store, SQL_FILE_MESSAGES, VALUES(TEXT(room)));
        error = store_end_locked(store, error);
    }
    pthread_mutex_unlock(&store->lock);
    return error;
}

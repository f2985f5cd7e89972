// SPDX-License-Identifier: MIT
// Owns the connection and its prepared statements, both under one mutex. Statements are few and
// their rows small, so the control loop may use them; what waits for another process gives up soon.
#include "mcu/store.h"

#include "mcu/store_schema.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <pthread.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { OPEN_PATIENCE_MS = 5000, PATIENCE_MS = 200, KEY_RANDOM_BYTES = 24, TRIM_EVERY = 32 };
#define MESSAGE_AGE_MAX_MS (INT64_C(24) * 3600 * 1000)

enum statement {
    GET_SETTING,
    ADD_SETTING,
    ADD_MESSAGE,
    GET_MESSAGES,
    TRIM_ROOM,
    FORGET_ROOM,
    FORGET_BEFORE,
    STATEMENTS,
};

static const char *const statement_sql[STATEMENTS] = {
    [GET_SETTING] = "SELECT value FROM settings WHERE key = ?1",
    [ADD_SETTING] = "INSERT OR IGNORE INTO settings (key, value) VALUES (?1, ?2)",
    [ADD_MESSAGE] = "INSERT INTO messages (room, member, name, text, at_unix_ms)"
                    " VALUES (?1, ?2, ?3, ?4, ?5)",
    [GET_MESSAGES] = "SELECT id, member, name, text, at_unix_ms FROM (SELECT * FROM messages"
                     " WHERE room = ?1 ORDER BY id DESC LIMIT ?2) ORDER BY id",
    [TRIM_ROOM] = "DELETE FROM messages WHERE room = ?1 AND id <= (SELECT id FROM messages"
                  " WHERE room = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
    [FORGET_ROOM] = "DELETE FROM messages WHERE room = ?1",
    [FORGET_BEFORE] = "DELETE FROM messages WHERE at_unix_ms < ?1",
};

struct store {
    // Protected by lock.
    pthread_mutex_t lock;
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
};

// ---- statements: all with the lock held, but at open and close ----

// Gives the statement's locks and strings back.
static int end_locked(sqlite3_stmt *statement, int code) {
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return store_error(code);
}

static void bind_text(sqlite3_stmt *statement, int at, const char *text) {
    sqlite3_bind_text(statement, at, text ? text : "", -1, SQLITE_STATIC);
}

static int run_locked(sqlite3_stmt *statement) {
    return end_locked(statement, sqlite3_step(statement));
}

static int prepare_all(struct store *store) {
    for (int i = 0; i < STATEMENTS; i++) {
        int code = sqlite3_prepare_v3(store->db, statement_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
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
    static const char pragmas[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                                  "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;"
                                  "PRAGMA cell_size_check = ON;";
    int code = sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code != SQLITE_OK)
        return store_error(code);
    sqlite3_busy_timeout(store->db, OPEN_PATIENCE_MS);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    return store_error(sqlite3_exec(store->db, pragmas, NULL, NULL, NULL));
}

static int forget_old(struct store *store) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    sqlite3_stmt *statement = store->statements[FORGET_BEFORE];
    sqlite3_bind_int64(statement, 1, now_ms - MESSAGE_AGE_MAX_MS);
    return run_locked(statement);
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
        error = forget_old(store);
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
    for (int i = 0; i < STATEMENTS; i++)
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
    sqlite3_stmt *statement = store->statements[GET_SETTING];
    bind_text(statement, 1, name);
    int code = sqlite3_step(statement);
    bool has_row = code == SQLITE_ROW;
    const char *text = has_row ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    bool fits = text && strlen(text) < size;
    if (fits)
        g_strlcpy(value, text, size);
    int error = end_locked(statement, code);
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
    sqlite3_stmt *statement = store->statements[ADD_SETTING];
    bind_text(statement, 1, name);
    bind_text(statement, 2, secret);
    int error = run_locked(statement);
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

// ---- chat ----

static int trim_room_locked(struct store *store, const char *room) {
    sqlite3_stmt *statement = store->statements[TRIM_ROOM];
    bind_text(statement, 1, room);
    sqlite3_bind_int(statement, 2, STORE_MESSAGES_MAX);
    return run_locked(statement);
}

int store_add_message(struct store *store, const char *room, const char *member, const char *name,
                      const char *text, int64_t at_unix_ms, int64_t *id) {
    pthread_mutex_lock(&store->lock);
    sqlite3_stmt *statement = store->statements[ADD_MESSAGE];
    bind_text(statement, 1, room);
    bind_text(statement, 2, member);
    bind_text(statement, 3, name);
    bind_text(statement, 4, text);
    sqlite3_bind_int64(statement, 5, at_unix_ms);
    int error = run_locked(statement);
    if (!error) {
        *id = sqlite3_last_insert_rowid(store->db);
        // Now and then, at random: ids alternate between rooms, so counting them could miss one for
        // ever.
        if (randombytes_uniform(TRIM_EVERY) == 0)
            trim_room_locked(store, room);
    }
    pthread_mutex_unlock(&store->lock);
    return error;
}

static void clear_message(gpointer data) {
    struct store_message *message = data;
    g_free((char *)message->member);
    g_free((char *)message->name);
    g_free((char *)message->text);
}

static char *copy_column(sqlite3_stmt *statement, int column) {
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return g_strdup(text ? text : "");
}

static int read_messages_locked(struct store *store, const char *room, int max, GArray *out) {
    sqlite3_stmt *statement = store->statements[GET_MESSAGES];
    bind_text(statement, 1, room);
    sqlite3_bind_int(statement, 2, MAX(max, 0)); // negative would be no limit
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct store_message message = {
            .id = sqlite3_column_int64(statement, 0),
            .member = copy_column(statement, 1),
            .name = copy_column(statement, 2),
            .text = copy_column(statement, 3),
            .at_unix_ms = sqlite3_column_int64(statement, 4),
        };
        g_array_append_val(out, message);
    }
    return end_locked(statement, code);
}

int store_each_message(struct store *store, const char *room, int max,
                       void (*each)(void *user, const struct store_message *message), void *user) {
    GArray *messages = g_array_new(FALSE, FALSE, sizeof(struct store_message));
    g_array_set_clear_func(messages, clear_message);
    pthread_mutex_lock(&store->lock);
    int error = read_messages_locked(store, room, max, messages);
    pthread_mutex_unlock(&store->lock);
    for (guint i = 0; i < messages->len && !error; i++)
        each(user, &g_array_index(messages, struct store_message, i));
    g_array_free(messages, TRUE);
    return error;
}

int store_forget_room(struct store *store, const char *room) {
    pthread_mutex_lock(&store->lock);
    sqlite3_stmt *statement = store->statements[FORGET_ROOM];
    bind_text(statement, 1, room);
    int error = run_locked(statement);
    pthread_mutex_unlock(&store->lock);
    return error;
}

int store_is_usable(struct store *store) {
    pthread_mutex_lock(&store->lock);
    sqlite3_stmt *statement = store->statements[GET_SETTING];
    bind_text(statement, 1, "api_key");
    int error = run_locked(statement);
    pthread_mutex_unlock(&store->lock);
    return error;
}

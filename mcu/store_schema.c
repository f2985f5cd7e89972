// SPDX-License-Identifier: MIT
// A migration is never changed once it was released: what comes later is added below it.
#include "mcu/store_schema.h"

#include <errno.h>
#include <glib.h>
#include <stdio.h>

static const char *const migrations[] = {
    // 1: the API key and chat
    "CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    // AUTOINCREMENT: clients tell messages apart by id, so one that was deleted must not come back.
    "CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, room TEXT NOT NULL,"
    " member TEXT NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL, at_unix_ms INTEGER NOT NULL);"
    "CREATE INDEX messages_by_room ON messages (room, id);"
    "CREATE INDEX messages_by_time ON messages (at_unix_ms);",
};

int store_schema_version(void) {
    return G_N_ELEMENTS(migrations);
}

int store_error(int sqlite_code) {
    switch (sqlite_code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE: return 0;
    case SQLITE_NOMEM: return -ENOMEM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return -EBUSY;
    case SQLITE_FULL: return -ENOSPC;
    case SQLITE_READONLY: return -EROFS;
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH: return -EACCES;
    case SQLITE_CONSTRAINT: return -EINVAL;
    case SQLITE_TOOBIG: return -EMSGSIZE;
    default: return -EIO; // among them SQLITE_CORRUPT and SQLITE_NOTADB
    }
}

static int read_version(sqlite3 *db, int *version) {
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        *version = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return store_error(code);
}

static int execute(sqlite3 *db, const char *sql) {
    return store_error(sqlite3_exec(db, sql, NULL, NULL, NULL));
}

// Inside of a transaction: another process may have opened the file at the same moment.
static int migrate_once(sqlite3 *db, int *version) {
    char set_version[40];
    int error = read_version(db, version);
    if (error || *version < 0 || *version >= store_schema_version())
        return error;
    snprintf(set_version, sizeof(set_version), "PRAGMA user_version = %d", *version + 1);
    error = execute(db, migrations[*version]);
    if (!error)
        error = execute(db, set_version);
    if (!error)
        ++*version;
    return error;
}

int store_schema_migrate(sqlite3 *db) {
    int version = 0;
    int error = read_version(db, &version);
    while (!error && version >= 0 && version < store_schema_version()) {
        error = execute(db, "BEGIN IMMEDIATE");
        if (error)
            return error;
        error = migrate_once(db, &version);
        if (!error)
            error = execute(db, "COMMIT");
        if (error)
            execute(db, "ROLLBACK");
    }
    if (!error && version != store_schema_version())
        return -EPROTO;
    return error;
}

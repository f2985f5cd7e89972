// SPDX-License-Identifier: MIT
#include "mcu/store_schema.h"

#include "mcu/store_sql.h"

#include <errno.h>
#include <stdio.h>

int store_schema_version(void) {
    return store_migrations_count;
}

int store_error(int sqlite_code) {
    switch (sqlite_code) {
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_UNIQUE: return -EEXIST;
    case SQLITE_CONSTRAINT_FOREIGNKEY: return -ENOENT;
    }
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
    int code = sqlite3_prepare_v2(db, store_sql_get_version, -1, &statement, NULL);
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
    snprintf(set_version, sizeof(set_version), store_sql_set_version, *version + 1);
    error = execute(db, store_migrations[*version]);
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
        error = execute(db, store_sql[SQL_BEGIN]);
        if (error)
            return error;
        error = migrate_once(db, &version);
        if (!error)
            error = execute(db, store_sql[SQL_COMMIT]);
        if (error)
            execute(db, store_sql[SQL_ROLLBACK]);
    }
    if (!error && version != store_schema_version())
        return -EPROTO;
    return error;
}

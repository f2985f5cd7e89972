// SPDX-License-Identifier: MIT
// How the files of store reach the connection: a statement by name, its values, its rows. Part of
// store.
#ifndef MCU_STORE_INTERNAL_H
#define MCU_STORE_INTERNAL_H

#include "mcu/store.h"
#include "mcu/store_schema.h"
#include "mcu/store_sql.h"

#include <glib.h>
#include <pthread.h>

struct store {
    // Protected by lock.
    pthread_mutex_t lock;
    sqlite3 *db;
    sqlite3_stmt *statements[SQL_STATEMENTS];
};

struct store_value {
    enum { VALUE_END, VALUE_TEXT, VALUE_OPTIONAL, VALUE_NUMBER } kind;
    const char *text;
    int64_t number;
};
#define TEXT(t)     ((struct store_value){.kind = VALUE_TEXT, .text = (t)})     // NULL counts as ""
#define OPTIONAL(t) ((struct store_value){.kind = VALUE_OPTIONAL, .text = (t)}) // NULL stays NULL
#define NUMBER(n)   ((struct store_value){.kind = VALUE_NUMBER, .number = (n)})
#define NO_VALUES   ((const struct store_value[]){{.kind = VALUE_END}})
#define VALUES(...) ((const struct store_value[]){__VA_ARGS__, {.kind = VALUE_END}})

// Binds the values to ?1, ?2, … Their texts are borrowed until store_finish_locked(), which gives
// the statement's locks back and turns SQLite's code into an errno.
sqlite3_stmt *store_bind_locked(struct store *store, enum store_sql sql,
                                const struct store_value *values);
int store_finish_locked(sqlite3_stmt *statement, int code);

// For statements that give no rows. change: -ENOENT when no row was changed. *id: of the row that
// was added.
int store_run_locked(struct store *store, enum store_sql sql, const struct store_value *values);
int store_run(struct store *store, enum store_sql sql, const struct store_value *values);
int store_change(struct store *store, enum store_sql sql, const struct store_value *values);
int store_add(struct store *store, enum store_sql sql, const struct store_value *values,
              int64_t *id);

// Several statements, all or none: end commits if error is 0, and gives the error on.
int store_begin_locked(struct store *store);
int store_end_locked(struct store *store, int error);

// Reads all rows (of row_bytes each, read() fills one that is zero) with the lock held, and gives
// them back without it: free them with g_array_unref().
typedef void store_read_row(sqlite3_stmt *statement, void *row);
struct store_rows {
    size_t row_bytes;
    store_read_row *read;
    GDestroyNotify clear;
};
int store_query(struct store *store, enum store_sql sql, const struct store_value *values,
                const struct store_rows *kind, GArray **out);
// The single number of the first row.
int store_query_number(struct store *store, enum store_sql sql, const struct store_value *values,
                       int64_t *out);

char *store_copy_text(sqlite3_stmt *statement, int column); // never NULL
char *store_copy_optional(sqlite3_stmt *statement, int column);

// Rows that are chat, with the columns of SQL_EACH_MESSAGE.
extern const struct store_rows store_message_rows;

int store_forget_chat(struct store *store, int64_t now_unix_ms); // what is older than a day
int64_t store_now_ms(void);                                      // Unix time

#endif

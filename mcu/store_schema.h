// SPDX-License-Identifier: MIT
// The tables, and how a database of any earlier version gets them. Part of store.
#ifndef MCU_STORE_SCHEMA_H
#define MCU_STORE_SCHEMA_H

#include <sqlite3.h>

// Runs the migrations that this database has not seen, each in a transaction of its own. 0 or
// negative errno (-EPROTO: it has seen more than this program knows).
int store_schema_migrate(sqlite3 *db);
int store_schema_version(void); // the newest

int store_error(int sqlite_code); // as negative errno; 0 for SQLITE_OK, SQLITE_ROW, SQLITE_DONE

#endif

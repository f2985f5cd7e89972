// SPDX-License-Identifier: MIT
// For the tests of what is kept: a directory of a test's own, and a look into its database from
// outside.
#ifndef TESTS_STORE_PLACE_H
#define TESTS_STORE_PLACE_H

#include "mcu/store.h"

#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h> // after the above, as it asks

#define PLACE_MAYBE __attribute__((unused))

struct store_place {
    char dir[128], path[160];
};

PLACE_MAYBE static int place_make(void **state) {
    struct store_place *place = calloc(1, sizeof(*place));
    strcpy(place->dir, "/tmp/test_store_XXXXXX");
    assert_non_null(mkdtemp(place->dir));
    snprintf(place->path, sizeof(place->path), "%s/tessera.db", place->dir);
    *state = place;
    return 0;
}

PLACE_MAYBE static int place_remove(void **state) {
    struct store_place *place = *state;
    GDir *dir = g_dir_open(place->dir, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        char *path = g_build_filename(place->dir, name, NULL);
        g_remove(path);
        g_free(path);
    }
    if (dir)
        g_dir_close(dir);
    g_rmdir(place->dir);
    free(place);
    return 0;
}

PLACE_MAYBE static struct store *place_open(const struct store_place *place) {
    struct store *store = NULL;
    assert_int_equal(store_open(place->dir, &store), 0);
    assert_non_null(store);
    return store;
}

PLACE_MAYBE static int64_t place_now_ms(void) {
    return g_get_real_time() / 1000;
}

// What an earlier program may have left behind.
PLACE_MAYBE static void place_execute(const struct store_place *place, const char *sql) {
    sqlite3 *db;
    assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

PLACE_MAYBE static int place_query(const struct store_place *place, const char *sql) {
    sqlite3 *db;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int value = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return value;
}

#define PLACE_TEST(test) cmocka_unit_test_setup_teardown(test, place_make, place_remove)

#endif

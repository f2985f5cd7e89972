// SPDX-License-Identifier: MIT
#include "mcu/store_recordings.h"

#include "mcu/store_internal.h"

#include <errno.h>

static void read_recording(sqlite3_stmt *statement, void *row) {
    *(struct store_recording *)row = (struct store_recording){
        .id = store_copy_text(statement, 0),
        .room = store_copy_text(statement, 1),
        .owner = sqlite3_column_int64(statement, 2),
        .call = sqlite3_column_int64(statement, 3),
        .title = store_copy_text(statement, 4),
        .container = store_copy_text(statement, 5),
        .has_video = sqlite3_column_int(statement, 6) != 0,
        .state = store_copy_text(statement, 7),
        .reason = store_copy_text(statement, 8),
        .started_unix_ms = sqlite3_column_int64(statement, 9),
        .ended_unix_ms = sqlite3_column_int64(statement, 10),
        .duration_ms = sqlite3_column_int64(statement, 11),
        .bytes = sqlite3_column_int64(statement, 12),
        .segments = sqlite3_column_int(statement, 13),
        .gaps = sqlite3_column_int(statement, 14),
        .gap_ms = sqlite3_column_int64(statement, 15),
    };
}

static void clear_recording(gpointer row) {
    struct store_recording *recording = row;
    g_free((char *)recording->id);
    g_free((char *)recording->room);
    g_free((char *)recording->title);
    g_free((char *)recording->container);
    g_free((char *)recording->state);
    g_free((char *)recording->reason);
}

static const struct store_rows recording_rows = {sizeof(struct store_recording), read_recording,
                                                 clear_recording};

int store_add_recording(struct store *store, const struct store_recording *recording) {
    return store_run(store, SQL_ADD_RECORDING,
                     VALUES(TEXT(recording->id), TEXT(recording->room), NUMBER(recording->owner),
                            NUMBER(recording->call), TEXT(recording->title),
                            TEXT(recording->container), NUMBER(recording->has_video),
                            NUMBER(recording->started_unix_ms)));
}

int store_end_recording(struct store *store, const struct store_recording *recording) {
    return store_change(store, SQL_END_RECORDING,
                        VALUES(TEXT(recording->id), TEXT(recording->state), TEXT(recording->reason),
                               NUMBER(recording->ended_unix_ms), NUMBER(recording->duration_ms),
                               NUMBER(recording->bytes), NUMBER(recording->segments),
                               NUMBER(recording->gaps), NUMBER(recording->gap_ms)));
}

// How many there were in *count (NULL is allowed).
static int tell(struct store *store, enum store_sql sql, const struct store_value *values,
                store_each_recording_fn *each, void *user, guint *count) {
    GArray *rows;
    int error = store_query(store, sql, values, &recording_rows, &rows);
    if (error)
        return error;
    for (guint i = 0; i < rows->len; i++)
        each(user, &g_array_index(rows, struct store_recording, i));
    if (count)
        *count = rows->len;
    g_array_unref(rows);
    return 0;
}

int store_get_recording(struct store *store, const char *id, store_each_recording_fn *each,
                        void *user) {
    guint count = 0;
    int error = tell(store, SQL_GET_RECORDING, VALUES(TEXT(id)), each, user, &count);
    return error ? error : count > 0 ? 0 : -ENOENT;
}

int store_each_recording(struct store *store, const struct store_recordings_of *which,
                         store_each_recording_fn *each, void *user) {
    const struct store_value before = TEXT(which->before ? which->before : "~"); // above all ids
    const struct store_value max = NUMBER(MAX(which->max, 0));
    if (which->owner)
        return tell(store, SQL_EACH_RECORDING_OF_OWNER, VALUES(before, max, NUMBER(which->owner)),
                    each, user, NULL);
    if (which->room)
        return tell(store, SQL_EACH_RECORDING_OF_ROOM, VALUES(before, max, TEXT(which->room)), each,
                    user, NULL);
    if (which->call)
        return tell(store, SQL_EACH_RECORDING_OF_CALL, VALUES(before, max, NUMBER(which->call)),
                    each, user, NULL);
    return tell(store, SQL_EACH_RECORDING, VALUES(before, max), each, user, NULL);
}

int store_each_unfinished_recording(struct store *store, int max, store_each_recording_fn *each,
                                    void *user) {
    return tell(store, SQL_EACH_UNFINISHED_RECORDING, VALUES(NUMBER(max)), each, user, NULL);
}

int store_each_old_recording(struct store *store, int64_t before_unix_ms, int max,
                             store_each_recording_fn *each, void *user) {
    return tell(store, SQL_EACH_OLD_RECORDING, VALUES(NUMBER(before_unix_ms), NUMBER(max)), each,
                user, NULL);
}

int store_remove_recording(struct store *store, const char *id) {
    return store_change(store, SQL_REMOVE_RECORDING, VALUES(TEXT(id)));
}

int store_sum_recordings(struct store *store, int64_t *bytes, int64_t *count) {
    int error = store_query_number(store, SQL_SUM_RECORDINGS, NO_VALUES, bytes);
    return error ? error : store_query_number(store, SQL_COUNT_RECORDINGS, NO_VALUES, count);
}

// ---- what has gone ----

static void read_id(sqlite3_stmt *statement, void *row) {
    *(char **)row = store_copy_text(statement, 0);
}

static void clear_id(gpointer row) {
    g_free(*(char **)row);
}

int store_each_gone_recording(struct store *store, int max,
                              void (*each)(void *user, const char *id), void *user) {
    static const struct store_rows kind = {sizeof(char *), read_id, clear_id};
    GArray *rows;
    int error = store_query(store, SQL_EACH_GONE_RECORDING, VALUES(NUMBER(max)), &kind, &rows);
    if (error)
        return error;
    for (guint i = 0; i < rows->len; i++)
        each(user, g_array_index(rows, char *, i));
    g_array_unref(rows);
    return 0;
}

int store_forget_gone_recording(struct store *store, const char *id) {
    return store_run(store, SQL_FORGET_GONE_RECORDING, VALUES(TEXT(id)));
}

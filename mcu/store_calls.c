// SPDX-License-Identifier: MIT
// Calls while they are held: who is there, from when to when. Their history is read in
// store_meetings.c.
#include "mcu/store_internal.h"

#include <errno.h>

static int end_calls_of_room_locked(struct store *store, const char *room, int64_t at_unix_ms) {
    int error =
        store_run_locked(store, SQL_END_PRESENCES_OF_ROOM, VALUES(TEXT(room), NUMBER(at_unix_ms)));
    return error ? error
                 : store_run_locked(store, SQL_END_CALLS_OF_ROOM,
                                    VALUES(TEXT(room), NUMBER(at_unix_ms)));
}

int store_begin_call(struct store *store, const char *room, int64_t owner, const char *title,
                     int64_t at_unix_ms, int64_t *call) {
    int64_t id = 0;
    pthread_mutex_lock(&store->lock);
    int error = store_begin_locked(store);
    if (!error) {
        error = end_calls_of_room_locked(store, room, at_unix_ms);
        if (!error)
            error = store_run_locked(
                store, SQL_ADD_CALL,
                VALUES(TEXT(room), NUMBER(owner), TEXT(title), NUMBER(at_unix_ms)));
        id = sqlite3_last_insert_rowid(store->db);
        error = store_end_locked(store, error);
    }
    pthread_mutex_unlock(&store->lock);
    if (!error)
        *call = id;
    return error;
}

int store_end_call(struct store *store, int64_t call, int64_t at_unix_ms) {
    pthread_mutex_lock(&store->lock);
    int error = store_begin_locked(store);
    if (!error) {
        error =
            store_run_locked(store, SQL_END_PRESENCES, VALUES(NUMBER(call), NUMBER(at_unix_ms)));
        if (!error)
            error = store_run_locked(store, SQL_END_CALL, VALUES(NUMBER(call), NUMBER(at_unix_ms)));
        error = store_end_locked(store, error);
    }
    pthread_mutex_unlock(&store->lock);
    return error;
}

int store_begin_presence(struct store *store, int64_t call, const char *name, int64_t user,
                         int64_t at_unix_ms, int64_t *presence) {
    pthread_mutex_lock(&store->lock);
    int error = store_run_locked(store, SQL_ADD_PRESENCE,
                                 VALUES(NUMBER(call), TEXT(name), NUMBER(user), NUMBER(at_unix_ms),
                                        NUMBER(STORE_PRESENCES_MAX)));
    if (!error && sqlite3_changes(store->db) == 0)
        error = -EDQUOT;
    if (!error)
        *presence = sqlite3_last_insert_rowid(store->db);
    pthread_mutex_unlock(&store->lock);
    return error;
}

int store_end_presence(struct store *store, int64_t presence, int64_t at_unix_ms) {
    return store_run(store, SQL_END_PRESENCE, VALUES(NUMBER(presence), NUMBER(at_unix_ms)));
}

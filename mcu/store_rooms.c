// SPDX-License-Identifier: MIT
// Rooms and the seats in them: what a restart gives back.
#include "mcu/store_internal.h"

#include <errno.h>

// ---- rooms ----

static void read_room(sqlite3_stmt *statement, void *row) {
    *(struct store_room *)row = (struct store_room){
        .name = store_copy_text(statement, 0),
        .spec = store_copy_text(statement, 1),
        .created_unix_ms = sqlite3_column_int64(statement, 2),
        .owner = sqlite3_column_int64(statement, 3),
        .is_live = sqlite3_column_int(statement, 4) != 0,
    };
}

static void clear_room(gpointer row) {
    struct store_room *room = row;
    g_free((char *)room->name);
    g_free((char *)room->spec);
}

static const struct store_rows room_rows = {sizeof(struct store_room), read_room, clear_room};

int store_put_room(struct store *store, const struct store_room *room) {
    return store_run(store, SQL_PUT_ROOM,
                     VALUES(TEXT(room->name), TEXT(room->spec), NUMBER(room->created_unix_ms),
                            NUMBER(room->owner), NUMBER(room->is_live)));
}

int store_remove_room(struct store *store, const char *name) {
    return store_run(store, SQL_REMOVE_ROOM, VALUES(TEXT(name)));
}

static int each_room(GArray *rows, void (*each)(void *user, const struct store_room *room),
                     void *user) {
    guint count = rows->len;
    for (guint i = 0; i < count; i++)
        each(user, &g_array_index(rows, struct store_room, i));
    g_array_unref(rows);
    return count > 0 ? 0 : -ENOENT;
}

int store_get_room(struct store *store, const char *name,
                   void (*each)(void *user, const struct store_room *room), void *user) {
    GArray *rows;
    int error = store_query(store, SQL_GET_ROOM, VALUES(TEXT(name)), &room_rows, &rows);
    return error ? error : each_room(rows, each, user);
}

int store_each_live_room(struct store *store,
                         void (*each)(void *user, const struct store_room *room), void *user) {
    GArray *rows;
    int error = store_query(store, SQL_EACH_LIVE_ROOM, NO_VALUES, &room_rows, &rows);
    if (!error)
        each_room(rows, each, user);
    return error;
}

int store_get_room_owner(struct store *store, const char *name, int64_t *owner) {
    return store_query_number(store, SQL_GET_ROOM_OWNER, VALUES(TEXT(name)), owner);
}

// ---- seats ----

static void read_seat(sqlite3_stmt *statement, void *row) {
    *(struct store_seat *)row = (struct store_seat){
        .room = store_copy_text(statement, 0),
        .member = store_copy_text(statement, 1),
        .resume = store_copy_text(statement, 2),
        .json = store_copy_text(statement, 3),
    };
}

static void clear_seat(gpointer row) {
    struct store_seat *seat = row;
    g_free((char *)seat->room);
    g_free((char *)seat->member);
    g_free((char *)seat->resume);
    g_free((char *)seat->json);
}

int store_put_seat(struct store *store, const struct store_seat *seat) {
    return store_run(
        store, SQL_PUT_SEAT,
        VALUES(TEXT(seat->room), TEXT(seat->member), TEXT(seat->resume), TEXT(seat->json)));
}

int store_remove_seat(struct store *store, const char *room, const char *member) {
    return store_run(store, SQL_REMOVE_SEAT, VALUES(TEXT(room), TEXT(member)));
}

int store_each_seat(struct store *store, const char *room,
                    void (*each)(void *user, const struct store_seat *seat), void *user) {
    static const struct store_rows seat_rows = {sizeof(struct store_seat), read_seat, clear_seat};
    GArray *rows;
    int error = store_query(store, SQL_EACH_SEAT, VALUES(TEXT(room)), &seat_rows, &rows);
    if (error)
        return error;
    for (guint i = 0; i < rows->len; i++)
        each(user, &g_array_index(rows, struct store_seat, i));
    g_array_unref(rows);
    return 0;
}

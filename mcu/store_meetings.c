// SPDX-License-Identifier: MIT
#include "mcu/store_meetings.h"

#include "mcu/store_internal.h"

#include <errno.h>

// An owner as a range: one user, or all.
#define FROM_OWNER(owner) NUMBER((owner) ? (owner) : INT64_MIN)
#define TO_OWNER(owner)   NUMBER((owner) ? (owner) : INT64_MAX)

// ---- meetings ----

static void read_meeting(sqlite3_stmt *statement, void *row) {
    *(struct store_meeting *)row = (struct store_meeting){
        .id = store_copy_text(statement, 0),
        .owner = sqlite3_column_int64(statement, 1),
        .room = store_copy_text(statement, 2),
        .title = store_copy_text(statement, 3),
        .starts_unix_ms = sqlite3_column_int64(statement, 4),
        .minutes = sqlite3_column_int(statement, 5),
        .notes = store_copy_optional(statement, 6),
        .invitees = store_copy_text(statement, 7),
        .revision = sqlite3_column_int64(statement, 8),
        .created_unix_ms = sqlite3_column_int64(statement, 9),
    };
}

static void clear_meeting(gpointer row) {
    struct store_meeting *meeting = row;
    g_free((char *)meeting->id);
    g_free((char *)meeting->room);
    g_free((char *)meeting->title);
    g_free((char *)meeting->notes);
    g_free((char *)meeting->invitees);
}

static const struct store_rows meeting_rows = {sizeof(struct store_meeting), read_meeting,
                                               clear_meeting};

int store_add_meeting(struct store *store, const struct store_meeting *meeting) {
    int error = store_change(store, SQL_ADD_MEETING,
                             VALUES(TEXT(meeting->id), NUMBER(meeting->owner), TEXT(meeting->room),
                                    TEXT(meeting->title), NUMBER(meeting->starts_unix_ms),
                                    NUMBER(meeting->minutes), OPTIONAL(meeting->notes),
                                    TEXT(meeting->invitees), NUMBER(meeting->revision),
                                    NUMBER(meeting->created_unix_ms), NUMBER(STORE_MEETINGS_MAX)));
    if (error != -ENOENT)
        return error;
    // Either there is no such user, or nothing was added.
    int64_t count = 0;
    error = store_query_number(store, SQL_COUNT_USER, VALUES(NUMBER(meeting->owner)), &count);
    return error ? error : count > 0 ? -EDQUOT : -ENOENT;
}

// -ENOENT if there is none.
static int tell_meetings(GArray *rows, store_each_meeting_fn *each, void *user) {
    guint count = rows->len;
    for (guint i = 0; i < count; i++)
        each(user, &g_array_index(rows, struct store_meeting, i));
    g_array_unref(rows);
    return count > 0 ? 0 : -ENOENT;
}

int store_get_meeting(struct store *store, int64_t owner, const char *id,
                      store_each_meeting_fn *each, void *user) {
    GArray *rows;
    int error =
        store_query(store, SQL_GET_MEETING, VALUES(NUMBER(owner), TEXT(id)), &meeting_rows, &rows);
    return error ? error : tell_meetings(rows, each, user);
}

int store_each_meeting(struct store *store, int64_t owner, int64_t after_unix_ms,
                       const char *after_id, int max, store_each_meeting_fn *each, void *user) {
    GArray *rows;
    int error = store_query(store, SQL_EACH_MEETING,
                            VALUES(FROM_OWNER(owner), TO_OWNER(owner), NUMBER(after_unix_ms),
                                   TEXT(after_id), NUMBER(MAX(max, 0))),
                            &meeting_rows, &rows);
    if (!error)
        tell_meetings(rows, each, user);
    return error;
}

int store_change_meeting(struct store *store, const struct store_meeting *meeting) {
    int error = store_change(store, SQL_CHANGE_MEETING,
                             VALUES(TEXT(meeting->id), TEXT(meeting->title),
                                    NUMBER(meeting->starts_unix_ms), NUMBER(meeting->minutes),
                                    OPTIONAL(meeting->notes), TEXT(meeting->invitees),
                                    NUMBER(meeting->revision)));
    return error == -ENOENT ? -ESTALE : error;
}

int store_remove_meeting(struct store *store, int64_t owner, const char *id) {
    return store_change(store, SQL_REMOVE_MEETING, VALUES(NUMBER(owner), TEXT(id)));
}

// ---- calls ----

static void read_call(sqlite3_stmt *statement, void *row) {
    *(struct store_call *)row = (struct store_call){
        .id = sqlite3_column_int64(statement, 0),
        .room = store_copy_text(statement, 1),
        .title = store_copy_text(statement, 2),
        .owner = sqlite3_column_int64(statement, 3),
        .started_unix_ms = sqlite3_column_int64(statement, 4),
        .ended_unix_ms = sqlite3_column_int64(statement, 5),
    };
}

static void clear_call(gpointer row) {
    struct store_call *call = row;
    g_free((char *)call->room);
    g_free((char *)call->title);
}

static const struct store_rows call_rows = {sizeof(struct store_call), read_call, clear_call};

static int tell_calls(GArray *rows, store_each_call_fn *each, void *user) {
    guint count = rows->len;
    for (guint i = 0; i < count; i++)
        each(user, &g_array_index(rows, struct store_call, i));
    g_array_unref(rows);
    return count > 0 ? 0 : -ENOENT;
}

int store_each_call(struct store *store, int64_t owner, int64_t before, int max,
                    store_each_call_fn *each, void *user) {
    GArray *rows;
    int error =
        store_query(store, SQL_EACH_CALL,
                    VALUES(FROM_OWNER(owner), TO_OWNER(owner), NUMBER(before), NUMBER(MAX(max, 0))),
                    &call_rows, &rows);
    if (!error)
        tell_calls(rows, each, user);
    return error;
}

int store_get_call(struct store *store, int64_t owner, int64_t id, store_each_call_fn *each,
                   void *user) {
    GArray *rows;
    int error =
        store_query(store, SQL_GET_CALL, VALUES(NUMBER(owner), NUMBER(id)), &call_rows, &rows);
    return error ? error : tell_calls(rows, each, user);
}

int store_remove_call(struct store *store, int64_t owner, int64_t id) {
    return store_change(store, SQL_REMOVE_CALL, VALUES(NUMBER(owner), NUMBER(id)));
}

static void read_presence(sqlite3_stmt *statement, void *row) {
    *(struct store_presence *)row = (struct store_presence){
        .name = store_copy_text(statement, 0),
        .login = store_copy_optional(statement, 1),
        .joined_unix_ms = sqlite3_column_int64(statement, 2),
        .left_unix_ms = sqlite3_column_int64(statement, 3),
    };
}

static void clear_presence(gpointer row) {
    struct store_presence *presence = row;
    g_free((char *)presence->name);
    g_free((char *)presence->login);
}

int store_each_presence(struct store *store, int64_t call, int max,
                        void (*each)(void *user, const struct store_presence *presence),
                        void *user) {
    static const struct store_rows kind = {sizeof(struct store_presence), read_presence,
                                           clear_presence};
    GArray *rows;
    int error = store_query(store, SQL_EACH_PRESENCE, VALUES(NUMBER(call), NUMBER(MAX(max, 0))),
                            &kind, &rows);
    if (error)
        return error;
    for (guint i = 0; i < rows->len; i++)
        each(user, &g_array_index(rows, struct store_presence, i));
    g_array_unref(rows);
    return 0;
}

int store_each_call_message(struct store *store, int64_t call, int max,
                            void (*each)(void *user, const struct store_message *message),
                            void *user) {
    GArray *rows;
    int error = store_query(store, SQL_EACH_CALL_MESSAGE, VALUES(NUMBER(call), NUMBER(MAX(max, 0))),
                            &store_message_rows, &rows);
    if (error)
        return error;
    for (guint i = 0; i < rows->len; i++)
        each(user, &g_array_index(rows, struct store_message, i));
    g_array_unref(rows);
    return 0;
}

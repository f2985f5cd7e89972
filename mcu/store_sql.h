// SPDX-License-Identifier: MIT
// All SQL of this program, by name. Part of store.
#ifndef MCU_STORE_SQL_H
#define MCU_STORE_SQL_H

enum store_sql {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_ROLLBACK,
    // settings
    SQL_GET_SETTING,
    SQL_ADD_SETTING,
    // chat
    SQL_ADD_MESSAGE,
    SQL_EACH_MESSAGE,
    SQL_TRIM_MESSAGES,
    SQL_DROP_MESSAGES,
    SQL_FILE_MESSAGES,
    // rooms and seats
    SQL_PUT_ROOM,
    SQL_REMOVE_ROOM,
    SQL_GET_ROOM,
    SQL_EACH_LIVE_ROOM,
    SQL_GET_ROOM_OWNER,
    SQL_PUT_SEAT,
    SQL_REMOVE_SEAT,
    SQL_EACH_SEAT,
    // calls
    SQL_ADD_CALL,
    SQL_END_CALL,
    SQL_END_CALLS_OF_ROOM,
    SQL_END_PRESENCES,
    SQL_END_PRESENCES_OF_ROOM,
    SQL_ADD_PRESENCE,
    SQL_END_PRESENCE,
    SQL_EACH_CALL,
    SQL_GET_CALL,
    SQL_REMOVE_CALL,
    SQL_EACH_PRESENCE,
    SQL_EACH_CALL_MESSAGE,
    SQL_EACH_RUNNING_ROOM,
    // tokens and answers
    SQL_USE_TOKEN,
    SQL_PUT_ANSWER,
    SQL_GET_ANSWER,
    SQL_TRIM_ANSWERS,
    // webhooks
    SQL_PUT_HOOK,
    SQL_REMOVE_HOOK,
    SQL_EACH_HOOK,
    SQL_ADD_DELIVERY,
    SQL_TRIM_DELIVERIES,
    SQL_PEEK_DELIVERY,
    SQL_REMOVE_DELIVERY,
    SQL_COUNT_DELIVERIES,
    // users
    SQL_ADD_USER,
    SQL_COUNT_USER,
    SQL_GET_USER,
    SQL_FIND_USER,
    SQL_EACH_USER,
    SQL_CHANGE_USER,
    SQL_SET_PASSWORD,
    SQL_REMOVE_USER,
    SQL_REMOVE_MESSAGES_OF_USER,
    SQL_ADD_SIGN_IN,
    SQL_TRIM_SIGN_INS,
    SQL_GET_SIGN_IN,
    SQL_EXTEND_SIGN_IN,
    SQL_REMOVE_SIGN_IN,
    SQL_REMOVE_SIGN_INS,
    // meetings
    SQL_ADD_MEETING,
    SQL_GET_MEETING,
    SQL_EACH_MEETING,
    SQL_CHANGE_MEETING,
    SQL_REMOVE_MEETING,
    // recordings
    SQL_ADD_RECORDING,
    SQL_END_RECORDING,
    SQL_GET_RECORDING,
    SQL_EACH_RECORDING,
    SQL_EACH_RECORDING_OF_OWNER,
    SQL_EACH_RECORDING_OF_ROOM,
    SQL_EACH_RECORDING_OF_CALL,
    SQL_EACH_UNFINISHED_RECORDING,
    SQL_EACH_OLD_RECORDING,
    SQL_REMOVE_RECORDING,
    SQL_SUM_RECORDINGS,
    SQL_COUNT_RECORDINGS,
    SQL_EACH_GONE_RECORDING,
    SQL_FORGET_GONE_RECORDING,
    // what grows old
    SQL_FORGET_MESSAGES,
    SQL_END_LOST_CALLS,
    SQL_END_LOST_PRESENCES,
    SQL_FORGET_NOBODYS_CALLS,
    SQL_FORGET_OWNED_CALLS,
    SQL_FORGET_ROOMS,
    SQL_FORGET_TOKENS,
    SQL_FORGET_ANSWERS,
    SQL_FORGET_SIGN_INS,
    SQL_STATEMENTS,
};

extern const char *const store_sql[SQL_STATEMENTS];
extern const char store_sql_pragmas[];     // of every connection
extern const char store_sql_get_version[]; // of the schema
extern const char store_sql_set_version[]; // a format: %d

// [n] makes version n + 1 of version n. One that was released is never changed: what comes later is
// added below it.
extern const char *const store_migrations[];
extern const int store_migrations_count;

#endif

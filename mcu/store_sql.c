// SPDX-License-Identifier: MIT
#include "mcu/store_sql.h"

const char store_sql_pragmas[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                                 "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;"
                                 "PRAGMA cell_size_check = ON;";
const char store_sql_get_version[] = "PRAGMA user_version";
const char store_sql_set_version[] = "PRAGMA user_version = %d";

const char *const store_migrations[] = {
    // 1: the API key and chat
    "CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    // AUTOINCREMENT: clients tell messages apart by id, so one that was deleted must not come back.
    "CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, room TEXT NOT NULL,"
    " member TEXT NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL, at_unix_ms INTEGER NOT NULL);"
    "CREATE INDEX messages_by_room ON messages (room, id);"
    "CREATE INDEX messages_by_time ON messages (at_unix_ms);",

    // 2: people, rooms that survive a restart, calls and their history, webhooks
    "CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, login TEXT NOT NULL UNIQUE,"
    " email TEXT UNIQUE, name TEXT NOT NULL, password TEXT NOT NULL,"
    " created_unix_ms INTEGER NOT NULL);"

    "CREATE TABLE sign_ins (id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE,"
    " user INTEGER NOT NULL REFERENCES users ON DELETE CASCADE, address TEXT NOT NULL,"
    " agent TEXT NOT NULL, created_unix_ms INTEGER NOT NULL, expires_unix_ms INTEGER NOT NULL);"
    "CREATE INDEX sign_ins_by_user ON sign_ins (user);"
    "CREATE INDEX sign_ins_by_time ON sign_ins (expires_unix_ms);"

    "CREATE TABLE rooms (name TEXT PRIMARY KEY, spec TEXT NOT NULL,"
    " created_unix_ms INTEGER NOT NULL, owner INTEGER REFERENCES users ON DELETE CASCADE,"
    " is_live INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX rooms_by_owner ON rooms (owner);"

    "CREATE TABLE seats (id INTEGER PRIMARY KEY,"
    " room TEXT NOT NULL REFERENCES rooms ON DELETE CASCADE, member TEXT NOT NULL,"
    " resume TEXT NOT NULL, json TEXT NOT NULL, UNIQUE (room, member));"
    // Nobody comes back to a room that has ended.
    "CREATE TRIGGER room_ended AFTER UPDATE OF is_live ON rooms WHEN NEW.is_live = 0"
    " BEGIN DELETE FROM seats WHERE room = NEW.name; END;"

    "CREATE TABLE meetings (id TEXT PRIMARY KEY,"
    " owner INTEGER NOT NULL REFERENCES users ON DELETE CASCADE, room TEXT NOT NULL UNIQUE,"
    " title TEXT NOT NULL, starts_unix_ms INTEGER NOT NULL, minutes INTEGER NOT NULL, notes TEXT,"
    " invitees TEXT NOT NULL, revision INTEGER NOT NULL, created_unix_ms INTEGER NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE INDEX meetings_by_owner ON meetings (owner, starts_unix_ms, id);"
    "CREATE INDEX meetings_by_time ON meetings (starts_unix_ms, id);"

    "CREATE TABLE calls (id INTEGER PRIMARY KEY AUTOINCREMENT, room TEXT NOT NULL,"
    " owner INTEGER REFERENCES users ON DELETE CASCADE, title TEXT NOT NULL,"
    " started_unix_ms INTEGER NOT NULL, ended_unix_ms INTEGER);"
    "CREATE INDEX calls_by_owner ON calls (owner, id);"
    "CREATE INDEX calls_by_end ON calls (ended_unix_ms);"
    "CREATE INDEX calls_running ON calls (room) WHERE ended_unix_ms IS NULL;"

    "CREATE TABLE presences (id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " call INTEGER NOT NULL REFERENCES calls ON DELETE CASCADE, name TEXT NOT NULL,"
    " user INTEGER REFERENCES users ON DELETE SET NULL, joined_unix_ms INTEGER NOT NULL,"
    " left_unix_ms INTEGER);"
    "CREATE INDEX presences_by_call ON presences (call);"
    "CREATE INDEX presences_by_user ON presences (user);"

    // call: what it is kept with. is_past: of a life of the room that has ended.
    "ALTER TABLE messages ADD COLUMN call INTEGER REFERENCES calls ON DELETE CASCADE;"
    "ALTER TABLE messages ADD COLUMN is_past INTEGER NOT NULL DEFAULT 0;"
    "DROP INDEX messages_by_room;"
    "CREATE INDEX messages_by_room ON messages (room, is_past, id);"
    "CREATE INDEX messages_by_call ON messages (call, id);"

    "CREATE TABLE used_tokens (id TEXT PRIMARY KEY, expires_s INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX used_tokens_by_time ON used_tokens (expires_s);"

    "CREATE TABLE answers (key TEXT PRIMARY KEY, request TEXT NOT NULL, body TEXT NOT NULL,"
    " location TEXT, status INTEGER NOT NULL, at_unix_ms INTEGER NOT NULL);"
    "CREATE INDEX answers_by_time ON answers (at_unix_ms);"

    "CREATE TABLE hooks (position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
    " json TEXT NOT NULL);"
    "CREATE TABLE deliveries (id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " hook TEXT NOT NULL REFERENCES hooks (id) ON DELETE CASCADE, event INTEGER NOT NULL,"
    " body TEXT NOT NULL);"
    "CREATE INDEX deliveries_by_hook ON deliveries (hook, id);",

    // 3: recordings
    "CREATE TABLE recordings (id TEXT PRIMARY KEY, room TEXT NOT NULL,"
    " owner INTEGER REFERENCES users ON DELETE CASCADE,"
    " call INTEGER REFERENCES calls ON DELETE SET NULL, title TEXT NOT NULL,"
    " container TEXT NOT NULL, has_video INTEGER NOT NULL, state TEXT NOT NULL,"
    " reason TEXT NOT NULL, started_unix_ms INTEGER NOT NULL, ended_unix_ms INTEGER,"
    " duration_ms INTEGER NOT NULL, bytes INTEGER NOT NULL, segments INTEGER NOT NULL,"
    " gaps INTEGER NOT NULL, gap_ms INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX recordings_by_owner ON recordings (owner, id);"
    "CREATE INDEX recordings_by_room ON recordings (room, id);"
    "CREATE INDEX recordings_by_call ON recordings (call, id);"
    "CREATE INDEX recordings_by_end ON recordings (ended_unix_ms);"
    // However a row goes (with its owner, say), its files are still to be deleted.
    "CREATE TABLE recordings_gone (id TEXT PRIMARY KEY) WITHOUT ROWID;"
    "CREATE TRIGGER recording_gone AFTER DELETE ON recordings"
    " BEGIN INSERT OR IGNORE INTO recordings_gone (id) VALUES (OLD.id); END;",
};
const int store_migrations_count = sizeof(store_migrations) / sizeof(store_migrations[0]);

// Who has gone meanwhile owns nothing: not an error of whoever writes it down.
#define USER_OR_NULL(n) "(SELECT id FROM users WHERE id = " n ")"
#define IS_OWNED_BY(n)  "(" n " = 0 OR owner = " n ")"

#define USER_COLUMNS "id, login, email, name, password, created_unix_ms"
#define CALL_COLUMNS                                                                               \
    "id, room, title, coalesce(owner, 0), started_unix_ms, coalesce(ended_unix_ms, 0)"
#define MEETING_COLUMNS                                                                            \
    "id, owner, room, title, starts_unix_ms, minutes, notes, invitees, revision, created_unix_ms"

#define RECORDING_COLUMNS                                                                          \
    "id, room, coalesce(owner, 0), coalesce(call, 0), title, container, has_video, state, reason," \
    " started_unix_ms, coalesce(ended_unix_ms, 0), duration_ms, bytes, segments, gaps, gap_ms"

const char *const store_sql[SQL_STATEMENTS] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",

    [SQL_GET_SETTING] = "SELECT value FROM settings WHERE key = ?1",
    [SQL_ADD_SETTING] = "INSERT OR IGNORE INTO settings (key, value) VALUES (?1, ?2)",

    [SQL_ADD_MESSAGE] =
        "INSERT INTO messages (room, member, name, text, at_unix_ms, call)"
        " VALUES (?1, ?2, ?3, ?4, ?5, (SELECT id FROM calls WHERE room = ?1"
        " AND ended_unix_ms IS NULL AND owner IS NOT NULL ORDER BY id DESC LIMIT 1))",
    [SQL_EACH_MESSAGE] =
        "SELECT id, member, name, text, at_unix_ms FROM (SELECT * FROM messages WHERE room = ?1"
        " AND is_past = 0 ORDER BY id DESC LIMIT ?2) ORDER BY id",
    [SQL_TRIM_MESSAGES] =
        "DELETE FROM messages WHERE room = ?1 AND is_past = 0 AND id <= (SELECT id FROM messages"
        " WHERE room = ?1 AND is_past = 0 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
    [SQL_DROP_MESSAGES] = "DELETE FROM messages WHERE room = ?1 AND is_past = 0 AND call IS NULL",
    [SQL_FILE_MESSAGES] = "UPDATE messages SET is_past = 1 WHERE room = ?1 AND is_past = 0",

    [SQL_PUT_ROOM] =
        "INSERT INTO rooms (name, spec, created_unix_ms, owner, is_live)"
        " VALUES (?1, ?2, ?3, " USER_OR_NULL(
            "?4") ", ?5)"
                  " ON CONFLICT (name) DO UPDATE SET spec = excluded.spec,"
                  " created_unix_ms = excluded.created_unix_ms, owner = excluded.owner,"
                  " is_live = excluded.is_live",
    [SQL_REMOVE_ROOM] = "DELETE FROM rooms WHERE name = ?1",
    [SQL_GET_ROOM] = "SELECT name, spec, created_unix_ms, coalesce(owner, 0), is_live FROM rooms"
                     " WHERE name = ?1",
    [SQL_EACH_LIVE_ROOM] = "SELECT name, spec, created_unix_ms, coalesce(owner, 0), is_live"
                           " FROM rooms WHERE is_live ORDER BY created_unix_ms, name",
    [SQL_GET_ROOM_OWNER] = "SELECT coalesce((SELECT id FROM users WHERE login = ?1),"
                           " (SELECT owner FROM meetings WHERE room = ?1),"
                           " (SELECT owner FROM rooms WHERE name = ?1), 0)",
    [SQL_PUT_SEAT] = "INSERT INTO seats (room, member, resume, json) VALUES (?1, ?2, ?3, ?4)"
                     " ON CONFLICT (room, member) DO UPDATE SET resume = excluded.resume,"
                     " json = excluded.json",
    [SQL_REMOVE_SEAT] = "DELETE FROM seats WHERE room = ?1 AND member = ?2",
    [SQL_EACH_SEAT] = "SELECT room, member, resume, json FROM seats WHERE room = ?1 ORDER BY id",

    [SQL_ADD_CALL] = "INSERT INTO calls (room, owner, title, started_unix_ms)"
                     " VALUES (?1, " USER_OR_NULL("?2") ", ?3, ?4)",
    [SQL_END_CALL] = "UPDATE calls SET ended_unix_ms = ?2 WHERE id = ?1 AND ended_unix_ms IS NULL",
    [SQL_END_CALLS_OF_ROOM] =
        "UPDATE calls SET ended_unix_ms = ?2 WHERE room = ?1 AND ended_unix_ms IS NULL",
    [SQL_END_PRESENCES] =
        "UPDATE presences SET left_unix_ms = ?2 WHERE call = ?1 AND left_unix_ms IS NULL",
    [SQL_END_PRESENCES_OF_ROOM] =
        "UPDATE presences SET left_unix_ms = ?2 WHERE left_unix_ms IS NULL AND call IN"
        " (SELECT id FROM calls WHERE room = ?1 AND ended_unix_ms IS NULL)",
    [SQL_ADD_PRESENCE] = "INSERT INTO presences (call, name, user, joined_unix_ms)"
                         " SELECT ?1, ?2, " USER_OR_NULL(
                             "?3") ", ?4"
                                   " WHERE (SELECT count(*) FROM presences WHERE call = ?1) < ?5",
    [SQL_END_PRESENCE] =
        "UPDATE presences SET left_unix_ms = ?2 WHERE id = ?1 AND left_unix_ms IS NULL",
    [SQL_EACH_CALL] = "SELECT " CALL_COLUMNS " FROM calls WHERE owner IS NOT NULL"
                      " AND owner BETWEEN ?1 AND ?2 AND id < ?3 ORDER BY id DESC LIMIT ?4",
    [SQL_GET_CALL] = "SELECT " CALL_COLUMNS " FROM calls WHERE id = ?2 AND owner IS NOT NULL"
                     " AND " IS_OWNED_BY("?1"),
    [SQL_REMOVE_CALL] = "DELETE FROM calls WHERE id = ?2 AND owner IS NOT NULL"
                        " AND ended_unix_ms IS NOT NULL AND " IS_OWNED_BY("?1"),
    [SQL_EACH_PRESENCE] =
        "SELECT presences.name, users.login, joined_unix_ms, coalesce(left_unix_ms, 0)"
        " FROM presences LEFT JOIN users ON users.id = presences.user WHERE call = ?1"
        " ORDER BY presences.id LIMIT ?2",
    [SQL_EACH_CALL_MESSAGE] =
        "SELECT id, member, name, text, at_unix_ms FROM (SELECT * FROM messages WHERE call = ?1"
        " ORDER BY id DESC LIMIT ?2) ORDER BY id",
    [SQL_EACH_RUNNING_ROOM] =
        "SELECT DISTINCT room FROM calls WHERE owner = ?1 AND ended_unix_ms IS NULL",

    [SQL_USE_TOKEN] = "INSERT INTO used_tokens (id, expires_s) VALUES (?1, ?2)",
    [SQL_PUT_ANSWER] = "INSERT OR REPLACE INTO answers (key, request, body, location, status,"
                       " at_unix_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [SQL_GET_ANSWER] = "SELECT request, body, location, status FROM answers WHERE key = ?1"
                       " AND at_unix_ms > ?2",
    [SQL_TRIM_ANSWERS] = "DELETE FROM answers WHERE key IN (SELECT key FROM answers"
                         " ORDER BY at_unix_ms DESC LIMIT -1 OFFSET ?1)",

    [SQL_PUT_HOOK] = "INSERT INTO hooks (id, json) VALUES (?1, ?2)"
                     " ON CONFLICT (id) DO UPDATE SET json = excluded.json",
    [SQL_REMOVE_HOOK] = "DELETE FROM hooks WHERE id = ?1",
    [SQL_EACH_HOOK] = "SELECT id, json FROM hooks ORDER BY position",
    [SQL_ADD_DELIVERY] = "INSERT INTO deliveries (hook, event, body) VALUES (?1, ?2, ?3)",
    [SQL_TRIM_DELIVERIES] =
        "DELETE FROM deliveries WHERE hook = ?1 AND id <= (SELECT id FROM deliveries"
        " WHERE hook = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
    [SQL_PEEK_DELIVERY] =
        "SELECT id, event, body FROM deliveries WHERE hook = ?1 ORDER BY id LIMIT 1",
    [SQL_REMOVE_DELIVERY] = "DELETE FROM deliveries WHERE id = ?1",
    [SQL_COUNT_DELIVERIES] = "SELECT count(*) FROM deliveries WHERE hook = ?1",

    // ?6: even if there is a room of that name already.
    [SQL_ADD_USER] = "INSERT INTO users (login, email, name, password, created_unix_ms)"
                     " SELECT ?1, ?2, ?3, ?4, ?5 WHERE ?6 OR NOT EXISTS (SELECT 1 FROM rooms"
                     " WHERE name = ?1 AND (is_live OR owner IS NOT NULL))",
    [SQL_COUNT_USER] = "SELECT count(*) FROM users WHERE id = ?1",
    [SQL_GET_USER] = "SELECT " USER_COLUMNS " FROM users WHERE id = ?1",
    [SQL_FIND_USER] = "SELECT " USER_COLUMNS " FROM users WHERE login = ?1 OR email = ?1",
    [SQL_EACH_USER] = "SELECT " USER_COLUMNS " FROM users WHERE login > ?1 ORDER BY login LIMIT ?2",
    [SQL_CHANGE_USER] = "UPDATE users SET email = ?2, name = ?3 WHERE id = ?1",
    [SQL_SET_PASSWORD] = "UPDATE users SET password = ?2 WHERE id = ?1",
    [SQL_REMOVE_USER] = "DELETE FROM users WHERE id = ?1",
    // What was said in a room of theirs, outside of any call that is kept.
    [SQL_REMOVE_MESSAGES_OF_USER] =
        "DELETE FROM messages WHERE room IN (SELECT login FROM users WHERE id = ?1"
        " UNION SELECT room FROM meetings WHERE owner = ?1"
        " UNION SELECT name FROM rooms WHERE owner = ?1)",
    [SQL_ADD_SIGN_IN] = "INSERT INTO sign_ins (hash, user, address, agent, created_unix_ms,"
                        " expires_unix_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [SQL_TRIM_SIGN_INS] = "DELETE FROM sign_ins WHERE user = ?1 AND id <= (SELECT id FROM sign_ins"
                          " WHERE user = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
    [SQL_GET_SIGN_IN] = "SELECT user, login, expires_unix_ms FROM sign_ins"
                        " JOIN users ON users.id = user WHERE hash = ?1 AND expires_unix_ms > ?2",
    [SQL_EXTEND_SIGN_IN] = "UPDATE sign_ins SET expires_unix_ms = ?2 WHERE hash = ?1",
    [SQL_REMOVE_SIGN_IN] = "DELETE FROM sign_ins WHERE hash = ?1",
    [SQL_REMOVE_SIGN_INS] = "DELETE FROM sign_ins WHERE user = ?1 AND hash <> ?2",

    [SQL_ADD_MEETING] =
        "INSERT INTO meetings (" MEETING_COLUMNS ") SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10"
        " WHERE (SELECT count(*) FROM meetings WHERE owner = ?2) < ?11",
    [SQL_GET_MEETING] =
        "SELECT " MEETING_COLUMNS " FROM meetings WHERE id = ?2 AND " IS_OWNED_BY("?1"),
    [SQL_EACH_MEETING] = "SELECT " MEETING_COLUMNS " FROM meetings WHERE owner BETWEEN ?1 AND ?2"
                         " AND (starts_unix_ms, id) > (?3, ?4) ORDER BY starts_unix_ms, id"
                         " LIMIT ?5",
    [SQL_CHANGE_MEETING] = "UPDATE meetings SET title = ?2, starts_unix_ms = ?3, minutes = ?4,"
                           " notes = ?5, invitees = ?6, revision = revision + 1"
                           " WHERE id = ?1 AND revision = ?7",
    [SQL_REMOVE_MEETING] = "DELETE FROM meetings WHERE id = ?2 AND " IS_OWNED_BY("?1"),

    [SQL_ADD_RECORDING] =
        "INSERT INTO recordings (id, room, owner, call, title, container, has_video, state, reason,"
        " started_unix_ms, duration_ms, bytes, segments, gaps, gap_ms)"
        " VALUES (?1, ?2, " USER_OR_NULL("?3") ", (SELECT id FROM calls WHERE id = ?4), ?5, ?6, ?7,"
                                               " 'recording', '', ?8, 0, 0, 1, 0, 0)",
    [SQL_END_RECORDING] =
        "UPDATE recordings SET state = ?2, reason = ?3, ended_unix_ms = ?4, duration_ms = ?5,"
        " bytes = ?6, segments = ?7, gaps = ?8, gap_ms = ?9 WHERE id = ?1",
    [SQL_GET_RECORDING] = "SELECT " RECORDING_COLUMNS " FROM recordings WHERE id = ?1",
    [SQL_EACH_RECORDING] = "SELECT " RECORDING_COLUMNS " FROM recordings WHERE id < ?1"
                           " ORDER BY id DESC LIMIT ?2",
    [SQL_EACH_RECORDING_OF_OWNER] = "SELECT " RECORDING_COLUMNS " FROM recordings WHERE id < ?1"
                                    " AND owner = ?3 ORDER BY id DESC LIMIT ?2",
    [SQL_EACH_RECORDING_OF_ROOM] = "SELECT " RECORDING_COLUMNS " FROM recordings WHERE id < ?1"
                                   " AND room = ?3 ORDER BY id DESC LIMIT ?2",
    [SQL_EACH_RECORDING_OF_CALL] = "SELECT " RECORDING_COLUMNS " FROM recordings WHERE id < ?1"
                                   " AND call = ?3 ORDER BY id DESC LIMIT ?2",
    [SQL_EACH_UNFINISHED_RECORDING] =
        "SELECT " RECORDING_COLUMNS
        " FROM recordings WHERE ended_unix_ms IS NULL ORDER BY id LIMIT ?1",
    [SQL_EACH_OLD_RECORDING] = "SELECT " RECORDING_COLUMNS " FROM recordings WHERE ended_unix_ms IS"
                               " NOT NULL AND ended_unix_ms < ?1 ORDER BY ended_unix_ms LIMIT ?2",
    [SQL_REMOVE_RECORDING] = "DELETE FROM recordings WHERE id = ?1",
    [SQL_SUM_RECORDINGS] = "SELECT coalesce(sum(bytes), 0) FROM recordings",
    [SQL_COUNT_RECORDINGS] = "SELECT count(*) FROM recordings",
    [SQL_EACH_GONE_RECORDING] = "SELECT id FROM recordings_gone ORDER BY id LIMIT ?1",
    [SQL_FORGET_GONE_RECORDING] = "DELETE FROM recordings_gone WHERE id = ?1",

    [SQL_FORGET_MESSAGES] = "DELETE FROM messages WHERE id IN (SELECT id FROM messages"
                            " WHERE at_unix_ms < ?1 AND call IS NULL LIMIT ?2)",
    // A call whose room did not come back after a crash ended when it was last heard of.
    [SQL_END_LOST_CALLS] =
        "UPDATE calls SET ended_unix_ms = max(started_unix_ms,"
        " coalesce((SELECT max(max(joined_unix_ms, coalesce(left_unix_ms, 0))) FROM presences"
        " WHERE call = calls.id), 0),"
        " coalesce((SELECT max(at_unix_ms) FROM messages WHERE call = calls.id), 0))"
        " WHERE ended_unix_ms IS NULL AND started_unix_ms < ?1 AND NOT EXISTS"
        " (SELECT 1 FROM rooms WHERE name = calls.room AND is_live)",
    [SQL_END_LOST_PRESENCES] =
        "UPDATE presences SET left_unix_ms = (SELECT ended_unix_ms FROM calls"
        " WHERE calls.id = presences.call) WHERE left_unix_ms IS NULL AND call IN"
        " (SELECT id FROM calls WHERE ended_unix_ms IS NOT NULL)",
    [SQL_FORGET_NOBODYS_CALLS] = "DELETE FROM calls WHERE id IN (SELECT id FROM calls"
                                 " WHERE ended_unix_ms < ?1 AND owner IS NULL LIMIT ?2)",
    [SQL_FORGET_OWNED_CALLS] = "DELETE FROM calls WHERE id IN (SELECT id FROM calls"
                               " WHERE ended_unix_ms < ?1 AND owner IS NOT NULL LIMIT ?2)",
    [SQL_FORGET_ROOMS] = "DELETE FROM rooms WHERE owner IS NULL AND is_live = 0",
    [SQL_FORGET_TOKENS] = "DELETE FROM used_tokens WHERE expires_s < ?1",
    [SQL_FORGET_ANSWERS] = "DELETE FROM answers WHERE at_unix_ms <= ?1",
    [SQL_FORGET_SIGN_INS] = "DELETE FROM sign_ins WHERE expires_unix_ms <= ?1",
};

// SPDX-License-Identifier: MIT
// Who may do what: the one table behind REST, signaling and the pages. Whoever asks is described by
// a struct caller, however they came; what they ask is an action; where, a room and its owner.
// Pure; any thread.
#ifndef MCU_PERMISSION_H
#define MCU_PERMISSION_H

#include "mcu/protocol_name.h"
#include "mcu/refusal.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

// In order of what they may do.
enum role { ROLE_NONE, ROLE_VIEWER, ROLE_MEMBER, ROLE_MODERATOR };

const char *role_name(enum role role);                 // "none", "viewer", ...
bool role_from_name(const char *name, enum role *out); // never ROLE_NONE; NULL is no name

// What a person may do in a call, besides being there. A role has some; a token may name fewer or
// others. To moderate is not among them: only a role gives that.
enum grant {
    GRANT_SPEAK = 1,
    GRANT_CAMERA = 2,
    GRANT_SCREEN = 4,
    GRANT_CHAT = 8,
    GRANT_REACT = 16, // reactions and raised hands
    GRANT_RECORD = 32,
};
enum { GRANT_COUNT = 6 };

unsigned role_grants(enum role role);
const char *grant_name(enum grant grant); // "speak", "camera", "screen", "chat", ...
bool grant_from_name(const char *name, enum grant *out);
json_t *permission_grants_to_json(unsigned grants); // a list of names

enum caller_kind {
    CALLER_NOBODY, // no credential
    CALLER_TICKET, // an address that opens the files of one recording (ticket.h)
    CALLER_ROOM,   // a role in one room: a join token, or a member speaking over its session
    CALLER_USER,   // signed in
    CALLER_KEY,    // the API key: the operator
};

enum { CALLER_NAME_MAX = 64, RECORDING_ID_MAX = 32 };

struct caller {
    enum caller_kind kind;
    bool is_local;                    // from this machine itself
    int64_t user;                     // of CALLER_USER
    char user_name[CALLER_NAME_MAX];  // their login: the name of their personal room
    char room[ROOM_NAME_MAX];         // of CALLER_ROOM
    enum role role;                   // likewise
    unsigned grants;                  // likewise
    char recording[RECORDING_ID_MAX]; // of CALLER_TICKET
};

// Sorted by name in the table (permission.c), each with what it needs.
enum action {
    ACTION_LOOK,             // pages, health, the API's description, ICE servers: everybody
    ACTION_METRICS,          // from this machine, or the key
    ACTION_LIST_ROOMS,       // the key
    ACTION_CREATE_ROOM,      // the key
    ACTION_READ_SERVER,      // the server's stats and events: the key
    ACTION_MANAGE_HOOKS,     // the key
    ACTION_MANAGE_USERS,     // the key
    ACTION_SIGN_IN,          // everybody
    ACTION_SIGN_UP,          // everybody; a setting decides further
    ACTION_OWN_ACCOUNT,      // signed in (or the key, for any account)
    ACTION_PLAN_MEETINGS,    // signed in (or the key, for any user)
    ACTION_MINT_TOKEN,       // owner of the room
    ACTION_READ_ROOM,        // who is in it, whatever the role
    ACTION_SEE_ROOM,         // its picture: likewise
    ACTION_READ_ROOM_EVENTS, // moderator
    ACTION_CHANGE_ROOM,      // moderator
    ACTION_END_ROOM,         // moderator
    ACTION_CHANGE_MEMBER,    // moderator
    ACTION_KICK,             // moderator
    ACTION_ADMIT,            // moderator
    ACTION_ANNOUNCE,         // messages by REST, banners, pictures, sounds: moderator
    ACTION_JOIN,             // everybody; the room decides further
    ACTION_BE_THERE,         // in the room: leave, ping, offers, candidates, one's own name
    ACTION_SPEAK,            // GRANT_SPEAK, and so on
    ACTION_SHOW_CAMERA,
    ACTION_SHARE_SCREEN,
    ACTION_CHAT,
    ACTION_REACT,
    ACTION_RECORD,
    ACTION_LIST_RECORDINGS, // of a room: moderator
    ACTION_READ_RECORDINGS, // any credential; library.h decides recording by recording
    ACTION_READ_FILES,      // of a recording: likewise, or a ticket
    ACTION_BROADCAST,       // moderator
    ACTIONS,
};

// Where something is to be done. room NULL: in none. owner: the user whose room it is; 0: nobody's.
struct place {
    const char *room;
    int64_t owner;
};

const char *action_name(enum action action);
// The role that the caller has in this place. The key and the owner are moderators.
enum role permission_role(const struct caller *caller, const struct place *place);
// 0, or -1 and *refusal (NULL is allowed): 401 `sign-in-required` without any credential, 403
// `not-allowed` with one, each with a sentence that says what is missing. place NULL: no room.
int permission_check(const struct caller *caller, enum action action, const struct place *place,
                     struct refusal *refusal);

#endif

// SPDX-License-Identifier: MIT
#include "mcu/permission.h"

#include <string.h>

// What an action asks of the caller.
enum need {
    NEED_NOTHING,
    NEED_THIS_MACHINE, // or the key
    NEED_CREDENTIAL,   // to be somebody
    NEED_TICKET,       // that, or a ticket
    NEED_ACCOUNT,      // signed in, or the key
    NEED_ROLE,         // to be in the room, whatever as
    NEED_GRANT,        // to have the rule's grant in the room
    NEED_MODERATOR,    // of the room
    NEED_OWNER,        // of the room, or the key: a token must not breed tokens that outlive it
    NEED_KEY,
};

struct rule {
    const char *name;
    enum need need;
    enum grant grant;    // of NEED_GRANT
    const char *refused; // what a caller with some credential is told; NULL: as for the need
};

// clang-format off
static const struct rule rules[ACTIONS] = {
    [ACTION_ADMIT]            = {"admit",            NEED_MODERATOR,    0,            NULL},
    [ACTION_ANNOUNCE]         = {"announce",         NEED_MODERATOR,    0,            NULL},
    [ACTION_BE_THERE]         = {"be-there",         NEED_ROLE,         0,            NULL},
    [ACTION_BROADCAST]        = {"broadcast",        NEED_MODERATOR,    0,            NULL},
    [ACTION_CHANGE_MEMBER]    = {"change-member",    NEED_MODERATOR,    0,            NULL},
    [ACTION_CHANGE_ROOM]      = {"change-room",      NEED_MODERATOR,    0,            NULL},
    [ACTION_CHAT]             = {"chat",             NEED_GRANT,        GRANT_CHAT,   "You may not write in this room's chat."},
    [ACTION_CREATE_ROOM]      = {"create-room",      NEED_KEY,          0,            NULL},
    [ACTION_END_ROOM]         = {"end-room",         NEED_MODERATOR,    0,            NULL},
    [ACTION_JOIN]             = {"join",             NEED_NOTHING,      0,            NULL},
    [ACTION_KICK]             = {"kick",             NEED_MODERATOR,    0,            NULL},
    [ACTION_LIST_RECORDINGS]  = {"list-recordings",  NEED_MODERATOR,    0,            NULL},
    [ACTION_LIST_ROOMS]       = {"list-rooms",       NEED_KEY,          0,            NULL},
    [ACTION_LOOK]             = {"look",             NEED_NOTHING,      0,            NULL},
    [ACTION_MANAGE_HOOKS]     = {"manage-hooks",     NEED_KEY,          0,            NULL},
    [ACTION_MANAGE_USERS]     = {"manage-users",     NEED_KEY,          0,            NULL},
    [ACTION_METRICS]          = {"metrics",          NEED_THIS_MACHINE, 0,            NULL},
    [ACTION_MINT_TOKEN]       = {"mint-token",       NEED_OWNER,        0,            NULL},
    [ACTION_OWN_ACCOUNT]      = {"own-account",      NEED_ACCOUNT,      0,            NULL},
    [ACTION_PLAN_MEETINGS]    = {"plan-meetings",    NEED_ACCOUNT,      0,            NULL},
    [ACTION_REACT]            = {"react",            NEED_GRANT,        GRANT_REACT,  "You may not react or raise your hand in this room."},
    [ACTION_READ_FILES]       = {"read-files",       NEED_TICKET,       0,            NULL},
    [ACTION_READ_RECORDINGS]  = {"read-recordings",  NEED_CREDENTIAL,   0,            NULL},
    [ACTION_READ_ROOM]        = {"read-room",        NEED_ROLE,         0,            NULL},
    [ACTION_READ_ROOM_EVENTS] = {"read-room-events", NEED_MODERATOR,    0,            NULL},
    [ACTION_READ_SERVER]      = {"read-server",      NEED_KEY,          0,            NULL},
    [ACTION_RECORD]           = {"record",           NEED_GRANT,        GRANT_RECORD, "You may not record this room."},
    [ACTION_SEE_ROOM]         = {"see-room",         NEED_ROLE,         0,            NULL},
    [ACTION_SHARE_SCREEN]     = {"share-screen",     NEED_GRANT,        GRANT_SCREEN, "You may not share your screen in this room."},
    [ACTION_SHOW_CAMERA]      = {"show-camera",      NEED_GRANT,        GRANT_CAMERA, "You may not show your camera in this room."},
    [ACTION_SIGN_IN]          = {"sign-in",          NEED_NOTHING,      0,            NULL},
    [ACTION_SIGN_UP]          = {"sign-up",          NEED_NOTHING,      0,            NULL},
    [ACTION_SPEAK]            = {"speak",            NEED_GRANT,        GRANT_SPEAK,  "You may not speak in this room."},
};
// clang-format on

static const char *const refused[] = {
    [NEED_THIS_MACHINE] = "Only programs on this machine itself, or with the API key, may do that.",
    [NEED_CREDENTIAL] = "Only people whom this server knows may do that.",
    [NEED_TICKET] = "Only people whom this server knows, or with a ticket, may do that.",
    [NEED_ACCOUNT] = "Only people with an account on this server may do that.",
    [NEED_ROLE] = "Only people in this room may do that.",
    [NEED_MODERATOR] = "Only a moderator of this room may do that.",
    [NEED_OWNER] = "Only the owner of this room may do that.",
    [NEED_KEY] = "Only the operator of this server, with its API key, may do that.",
};

// ---- names ----

static const char *const roles[] = {
    [ROLE_NONE] = "none",
    [ROLE_VIEWER] = "viewer",
    [ROLE_MEMBER] = "member",
    [ROLE_MODERATOR] = "moderator",
};

// By the number of the bit.
static const char *const grants[GRANT_COUNT] = {"speak", "camera", "screen",
                                                "chat",  "react",  "record"};

const char *role_name(enum role role) {
    return roles[role];
}

bool role_from_name(const char *name, enum role *out) {
    for (int role = ROLE_VIEWER; name && role <= ROLE_MODERATOR; role++)
        if (strcmp(roles[role], name) == 0) {
            *out = (enum role)role;
            return true;
        }
    return false;
}

// A viewer watches. Whoever is to watch and yet to chat gets a token that says so.
unsigned role_grants(enum role role) {
    static const unsigned of_members =
        GRANT_SPEAK | GRANT_CAMERA | GRANT_SCREEN | GRANT_CHAT | GRANT_REACT;
    switch (role) {
    case ROLE_NONE:
    case ROLE_VIEWER: return 0;
    case ROLE_MEMBER: return of_members;
    case ROLE_MODERATOR: return of_members | GRANT_RECORD;
    }
    return 0;
}

const char *grant_name(enum grant grant) {
    for (int bit = 0; bit < GRANT_COUNT; bit++)
        if ((unsigned)grant == 1U << bit)
            return grants[bit];
    return "none";
}

bool grant_from_name(const char *name, enum grant *out) {
    for (int bit = 0; name && bit < GRANT_COUNT; bit++)
        if (strcmp(grants[bit], name) == 0) {
            *out = (enum grant)(1 << bit);
            return true;
        }
    return false;
}

json_t *permission_grants_to_json(unsigned given) {
    json_t *list = json_array();
    for (int bit = 0; bit < GRANT_COUNT; bit++)
        if (given & 1U << bit)
            json_array_append_new(list, json_string(grants[bit]));
    return list;
}

const char *action_name(enum action action) {
    return rules[action].name;
}

// ---- the decision ----

static bool is_owner(const struct caller *caller, const struct place *place) {
    return caller->kind == CALLER_USER && place && place->owner != 0 &&
           place->owner == caller->user;
}

static bool is_elsewhere(const struct caller *caller, const struct place *place) {
    return caller->kind == CALLER_ROOM &&
           !(place && place->room && strcmp(place->room, caller->room) == 0);
}

enum role permission_role(const struct caller *caller, const struct place *place) {
    if (caller->kind == CALLER_KEY || is_owner(caller, place))
        return ROLE_MODERATOR;
    if (caller->kind == CALLER_ROOM && !is_elsewhere(caller, place))
        return caller->role;
    return ROLE_NONE;
}

// A grant that came with a role in another room is none here.
static unsigned grants_in(const struct caller *caller, const struct place *place) {
    enum role role = permission_role(caller, place);
    if (role == ROLE_NONE)
        return 0;
    return caller->kind == CALLER_ROOM ? caller->grants : role_grants(role);
}

static bool is_met(const struct rule *rule, const struct caller *caller,
                   const struct place *place) {
    switch (rule->need) {
    case NEED_NOTHING: return true;
    case NEED_THIS_MACHINE: return caller->is_local || caller->kind == CALLER_KEY;
    case NEED_CREDENTIAL: return caller->kind != CALLER_NOBODY && caller->kind != CALLER_TICKET;
    case NEED_TICKET: return caller->kind != CALLER_NOBODY;
    case NEED_ACCOUNT: return caller->kind == CALLER_USER || caller->kind == CALLER_KEY;
    case NEED_ROLE: return permission_role(caller, place) >= ROLE_VIEWER;
    case NEED_GRANT: return (grants_in(caller, place) & rule->grant) != 0;
    case NEED_MODERATOR: return permission_role(caller, place) == ROLE_MODERATOR;
    case NEED_OWNER: return is_owner(caller, place) || caller->kind == CALLER_KEY;
    case NEED_KEY: return caller->kind == CALLER_KEY;
    }
    return false;
}

static const char *explain(const struct rule *rule, const struct caller *caller,
                           const struct place *place) {
    bool is_by_role =
        rule->need == NEED_ROLE || rule->need == NEED_GRANT || rule->need == NEED_MODERATOR;
    if (caller->kind == CALLER_TICKET)
        return "A ticket opens the files of one recording, to be read, and nothing else.";
    if (is_by_role && is_elsewhere(caller, place))
        return "What you have been given is for another room.";
    return rule->refused ? rule->refused : refused[rule->need];
}

int permission_check(const struct caller *caller, enum action action, const struct place *place,
                     struct refusal *refusal) {
    const struct rule *rule = &rules[action];
    if (is_met(rule, caller, place))
        return 0;
    if (caller->kind == CALLER_NOBODY)
        return refusal_set(refusal, 401, "sign-in-required",
                           rule->need == NEED_KEY || rule->need == NEED_THIS_MACHINE
                               ? "This needs the API key of this server."
                               : "This needs somebody who has signed in, a join token or the API "
                                 "key.");
    return refusal_set(refusal, 403, "not-allowed", "%s", explain(rule, caller, place));
}

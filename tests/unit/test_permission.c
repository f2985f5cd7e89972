// SPDX-License-Identifier: MIT
// Who may do what, all of it: every action by every kind of caller, written out.
#include "mcu/permission.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h> // after the above, as it asks

#define ROOM  "ada"
#define OWNER 7

enum who {
    NOBODY,
    LOCAL,
    ELSEWHERE,
    VIEWER,
    MEMBER,
    MODERATOR,
    STRANGER,
    ROOM_OWNER,
    TICKET,
    KEY,
    WHOS
};

static struct caller make_caller(enum who who) {
    struct caller caller = {.kind = CALLER_NOBODY};
    switch (who) {
    case NOBODY: break;
    case LOCAL: caller.is_local = true; break;
    case ELSEWHERE:
    case VIEWER:
    case MEMBER:
    case MODERATOR:
        caller.kind = CALLER_ROOM;
        strcpy(caller.room, who == ELSEWHERE ? "bob" : ROOM);
        caller.role = who == VIEWER ? ROLE_VIEWER : who == MEMBER ? ROLE_MEMBER : ROLE_MODERATOR;
        caller.grants = role_grants(caller.role);
        break;
    case STRANGER:
    case ROOM_OWNER:
        caller.kind = CALLER_USER;
        caller.user = who == STRANGER ? 8 : OWNER;
        break;
    case TICKET:
        caller.kind = CALLER_TICKET;
        strcpy(caller.recording, "a-recording");
        break;
    case KEY:
    case WHOS: caller.kind = CALLER_KEY; break;
    }
    return caller;
}

// One letter each for nobody, local, a moderator of another room, viewer, member, moderator, a user
// who does not own the room, its owner, a ticket, the key. y: yes; -: no, 403; 0: no, 401.
// clang-format off
static const struct {
    enum action action;
    const char *name, *answers;
} table[] = {
    //                                              nlevmMuotk
    {ACTION_ADMIT,            "admit",            "00---y-y-y"},
    {ACTION_ANNOUNCE,         "announce",         "00---y-y-y"},
    {ACTION_BE_THERE,         "be-there",         "00-yyy-y-y"},
    {ACTION_BROADCAST,        "broadcast",        "00---y-y-y"},
    {ACTION_CHANGE_MEMBER,    "change-member",    "00---y-y-y"},
    {ACTION_CHANGE_ROOM,      "change-room",      "00---y-y-y"},
    {ACTION_CHAT,             "chat",             "00--yy-y-y"},
    {ACTION_CREATE_ROOM,      "create-room",      "00-------y"},
    {ACTION_END_ROOM,         "end-room",         "00---y-y-y"},
    {ACTION_JOIN,             "join",             "yyyyyyyyyy"},
    {ACTION_KICK,             "kick",             "00---y-y-y"},
    {ACTION_LIST_RECORDINGS,  "list-recordings",  "00---y-y-y"},
    {ACTION_LIST_ROOMS,       "list-rooms",       "00-------y"},
    {ACTION_LOOK,             "look",             "yyyyyyyyyy"},
    {ACTION_MANAGE_HOOKS,     "manage-hooks",     "00-------y"},
    {ACTION_MANAGE_USERS,     "manage-users",     "00-------y"},
    {ACTION_METRICS,          "metrics",          "0y-------y"},
    {ACTION_MINT_TOKEN,       "mint-token",       "00-----y-y"},
    {ACTION_OWN_ACCOUNT,      "own-account",      "00----yy-y"},
    {ACTION_PLAN_MEETINGS,    "plan-meetings",    "00----yy-y"},
    {ACTION_REACT,            "react",            "00--yy-y-y"},
    {ACTION_READ_FILES,       "read-files",       "00yyyyyyyy"},
    {ACTION_READ_RECORDINGS,  "read-recordings",  "00yyyyyy-y"},
    {ACTION_READ_ROOM,        "read-room",        "00-yyy-y-y"},
    {ACTION_READ_ROOM_EVENTS, "read-room-events", "00---y-y-y"},
    {ACTION_READ_SERVER,      "read-server",      "00-------y"},
    {ACTION_RECORD,           "record",           "00---y-y-y"},
    {ACTION_SEE_ROOM,         "see-room",         "00-yyy-y-y"},
    {ACTION_SHARE_SCREEN,     "share-screen",     "00--yy-y-y"},
    {ACTION_SHOW_CAMERA,      "show-camera",      "00--yy-y-y"},
    {ACTION_SIGN_IN,          "sign-in",          "yyyyyyyyyy"},
    {ACTION_SIGN_UP,          "sign-up",          "yyyyyyyyyy"},
    {ACTION_SPEAK,            "speak",            "00--yy-y-y"},
};
// clang-format on
enum { ROWS = sizeof(table) / sizeof(table[0]) };

static const struct place here = {.room = ROOM, .owner = OWNER};

static char ask(enum who who, enum action action, const struct place *place) {
    struct caller caller = make_caller(who);
    struct refusal refusal = {.status = 0};
    if (permission_check(&caller, action, place, &refusal) == 0)
        return 'y';
    assert_true(strlen(refusal.message) > 20);
    assert_int_equal(refusal.message[strlen(refusal.message) - 1], '.');
    assert_string_equal(refusal.code, refusal.status == 401 ? "sign-in-required" : "not-allowed");
    return refusal.status == 401 ? '0' : refusal.status == 403 ? '-' : '?';
}

static void test_the_whole_table_holds(void **state) {
    bool seen[ACTIONS] = {false};
    assert_int_equal(ROWS, ACTIONS);
    for (int row = 0; row < ROWS; row++) {
        assert_false(seen[table[row].action]);
        seen[table[row].action] = true;
        assert_string_equal(action_name(table[row].action), table[row].name);
        assert_int_equal(strlen(table[row].answers), WHOS);
        for (enum who who = NOBODY; who < WHOS; who++) {
            char answer = ask(who, table[row].action, &here);
            if (answer != table[row].answers[who])
                fail_msg("%s by %d: %c instead of %c", table[row].name, (int)who, answer,
                         table[row].answers[who]);
        }
    }
}

// In no room, a role in one counts for nothing, nor does owning one.
static void test_without_a_room_nobody_is_its_moderator(void **state) {
    static const struct place nowhere = {.room = NULL, .owner = 0};
    static const enum action actions[] = {ACTION_END_ROOM, ACTION_READ_ROOM, ACTION_SPEAK,
                                          ACTION_MINT_TOKEN, ACTION_BE_THERE};
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        for (enum who who = ELSEWHERE; who < KEY; who++) {
            assert_int_equal(ask(who, actions[i], NULL), '-');
            assert_int_equal(ask(who, actions[i], &nowhere), '-');
        }
        assert_int_equal(ask(KEY, actions[i], NULL), 'y');
    }
}

// A caller whose id was never set must not own the rooms that are nobody's.
static void test_a_room_of_nobody_has_no_owner(void **state) {
    static const struct place free_room = {.room = ROOM, .owner = 0};
    struct caller caller = {.kind = CALLER_USER, .user = 0};
    assert_int_equal(permission_role(&caller, &free_room), ROLE_NONE);
    assert_int_equal(permission_check(&caller, ACTION_END_ROOM, &free_room, NULL), -1);
    assert_int_equal(permission_check(&caller, ACTION_MINT_TOKEN, &free_room, NULL), -1);
}

static void test_grants_of_a_token_decide_and_not_its_role(void **state) {
    struct caller caller = make_caller(VIEWER);
    caller.grants = GRANT_CHAT;
    assert_int_equal(permission_check(&caller, ACTION_CHAT, &here, NULL), 0);
    assert_int_equal(permission_check(&caller, ACTION_SPEAK, &here, NULL), -1);
    caller = make_caller(MODERATOR);
    caller.grants = 0;
    assert_int_equal(permission_check(&caller, ACTION_SPEAK, &here, NULL), -1);
    assert_int_equal(permission_check(&caller, ACTION_KICK, &here, NULL), 0);
    caller = make_caller(ELSEWHERE);
    caller.grants = ~0U;
    assert_int_equal(permission_check(&caller, ACTION_SPEAK, &here, NULL), -1);
    caller = make_caller(MEMBER);
    caller.role = ROLE_NONE;
    assert_int_equal(permission_check(&caller, ACTION_CHAT, &here, NULL), -1);
}

static void test_roles_are_those_of_the_place(void **state) {
    static const enum role wanted[WHOS] = {ROLE_NONE,   ROLE_NONE,      ROLE_NONE, ROLE_VIEWER,
                                           ROLE_MEMBER, ROLE_MODERATOR, ROLE_NONE, ROLE_MODERATOR,
                                           ROLE_NONE,   ROLE_MODERATOR};
    for (enum who who = NOBODY; who < WHOS; who++) {
        struct caller caller = make_caller(who);
        assert_int_equal(permission_role(&caller, &here), wanted[who]);
    }
}

static void test_the_sentence_says_what_is_missing(void **state) {
    struct refusal refusal;
    struct caller caller = make_caller(MEMBER);
    permission_check(&caller, ACTION_KICK, &here, &refusal);
    assert_string_equal(refusal.message, "Only a moderator of this room may do that.");
    caller = make_caller(ELSEWHERE);
    permission_check(&caller, ACTION_KICK, &here, &refusal);
    assert_non_null(strstr(refusal.message, "another room"));
    caller = make_caller(VIEWER);
    permission_check(&caller, ACTION_SPEAK, &here, &refusal);
    assert_string_equal(refusal.message, "You may not speak in this room.");
    caller = make_caller(TICKET);
    permission_check(&caller, ACTION_READ_RECORDINGS, &here, &refusal);
    assert_non_null(strstr(refusal.message, "ticket"));
}

static void test_names_go_both_ways(void **state) {
    static const char *const role_names[] = {"none", "viewer", "member", "moderator"};
    static const char *const grant_names[] = {"speak", "camera", "screen",
                                              "chat",  "react",  "record"};
    enum role role = ROLE_NONE;
    enum grant grant = 0;
    for (int i = ROLE_NONE; i <= ROLE_MODERATOR; i++) {
        assert_string_equal(role_name((enum role)i), role_names[i]);
        assert_int_equal(role_from_name(role_names[i], &role), i != ROLE_NONE);
        assert_int_equal(role, i);
    }
    for (int i = 0; i < GRANT_COUNT; i++) {
        assert_string_equal(grant_name((enum grant)(1 << i)), grant_names[i]);
        assert_true(grant_from_name(grant_names[i], &grant));
        assert_int_equal(grant, 1 << i);
    }
    assert_false(role_from_name(NULL, &role));
    assert_false(role_from_name("Moderator", &role));
    assert_false(role_from_name("", &role));
    assert_false(grant_from_name(NULL, &grant));
    assert_false(grant_from_name("moderate", &grant));
    assert_string_equal(grant_name(GRANT_SPEAK | GRANT_CHAT), "none");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_whole_table_holds),
        cmocka_unit_test(test_without_a_room_nobody_is_its_moderator),
        cmocka_unit_test(test_a_room_of_nobody_has_no_owner),
        cmocka_unit_test(test_grants_of_a_token_decide_and_not_its_role),
        cmocka_unit_test(test_roles_are_those_of_the_place),
        cmocka_unit_test(test_the_sentence_says_what_is_missing),
        cmocka_unit_test(test_names_go_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
#include "mcu/downlink.h"
#include "mcu/protocol.h"

#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct config config = {
    .message_bytes_max = 262144,
    .sdp_bytes_max = 131072,
    .chat_bytes_max = 2000,
    .name_chars_max = 64,
};

static int parse(const char *text, struct message *message, struct refusal *refusal) {
    memset(refusal, 0, sizeof(*refusal));
    return protocol_parse(&config, text, strlen(text), message, refusal);
}

static struct message parse_good(const char *text) {
    struct message message;
    struct refusal refusal;
    if (parse(text, &message, &refusal) < 0)
        fail_msg("%s: %s: %s", text, refusal.code, refusal.message);
    return message;
}

static void check_refused(const char *text, const char *code, const char *field) {
    struct message message;
    struct refusal refusal;
    memset(&message, 0x5a, sizeof(message));
    if (parse(text, &message, &refusal) == 0)
        fail_msg("taken: %.200s", text);
    assert_string_equal(refusal.code, code);
    assert_string_equal(refusal.field, field);
    size_t size = strlen(refusal.message);
    assert_true(size > 10 && refusal.message[size - 1] == '.');
    assert_true(refusal.status >= 400 && refusal.status < 500);
    struct message untouched;
    memset(&untouched, 0x5a, sizeof(untouched));
    assert_memory_equal(&message, &untouched, sizeof(message));
}

// A message with one string of any length in it.
static char *with_text(const char *format, char letter, size_t count) {
    char *text = g_strnfill(count, letter);
    char *message = g_strdup_printf(format, text);
    g_free(text);
    return message;
}

// ---- what is taken ----

static void test_join_needs_no_more_than_a_room(void **state) {
    struct message message = parse_good("{\"type\":\"join\",\"room\":\"Ada-1_x\"}");
    assert_int_equal(message.type, MESSAGE_JOIN);
    assert_string_equal(message.join.room, "ada-1_x");
    assert_string_equal(message.join.name, "Guest");
    assert_null(message.join.token);
    assert_null(message.join.pin);
    assert_null(message.join.resume);
    assert_false(message.join.audio_muted);
    assert_false(message.join.video_muted);
    message_finish(&message);
    message_finish(&message);
}

static void test_join_carries_everything_it_may(void **state) {
    struct message message = parse_good(
        "{\"type\":\"join\",\"room\":\"ada\",\"name\":\" Ada \",\"token\":\"t\",\"pin\":\"1\","
        "\"resume\":\"r\",\"audio_muted\":true,\"video_muted\":true}");
    assert_string_equal(message.join.name, "Ada");
    assert_string_equal(message.join.token, "t");
    assert_string_equal(message.join.pin, "1");
    assert_string_equal(message.join.resume, "r");
    assert_true(message.join.audio_muted);
    assert_true(message.join.video_muted);
    message_finish(&message);
}

static void test_join_calls_the_nameless_guest(void **state) {
    static const char *const names[] = {
        "\"\"", "\"  \"", "null", "\"\\u200b\\u202e\"", "\"\\u200d\\u200c\"", "\"\\u0301\""};
    for (size_t i = 0; i < COUNT(names); i++) {
        char *text = g_strdup_printf("{\"type\":\"join\",\"room\":\"ada\",\"name\":%s}", names[i]);
        struct message message = parse_good(text);
        assert_string_equal(message.join.name, "Guest");
        message_finish(&message);
        g_free(text);
    }
}

static void test_offer_chat_reaction_leave_and_ping_are_taken(void **state) {
    struct message message = parse_good("{\"type\":\"send-offer\",\"sdp\":\"v=0\\r\\n\"}");
    assert_int_equal(message.type, MESSAGE_SEND_OFFER);
    assert_string_equal(message.offer.sdp, "v=0\r\n");
    message_finish(&message);
    message = parse_good("{\"type\":\"chat\",\"text\":\"hi\"}");
    assert_int_equal(message.type, MESSAGE_CHAT);
    assert_string_equal(message.chat.text, "hi");
    message_finish(&message);
    message = parse_good("{\"type\":\"reaction\",\"emoji\":\"👍\"}");
    assert_int_equal(message.type, MESSAGE_REACTION);
    assert_string_equal(message.reaction.emoji, "👍");
    message_finish(&message);
    message = parse_good("{\"type\":\"leave\"}");
    assert_int_equal(message.type, MESSAGE_LEAVE);
    message = parse_good(" { \"type\" : \"ping\" } \r\n");
    assert_int_equal(message.type, MESSAGE_PING);
    message_finish(&message);
}

static void test_set_leaves_unchanged_what_it_does_not_name(void **state) {
    struct message message = parse_good("{\"type\":\"set\"}");
    assert_null(message.set.name);
    assert_int_equal(message.set.receive, -1);
    assert_int_equal(message.set.audio_muted, -1);
    assert_int_equal(message.set.video_muted, -1);
    assert_int_equal(message.set.hand, -1);
    assert_int_equal(message.set.screen, -1);
    message_finish(&message);
    message =
        parse_good("{\"type\":\"set\",\"name\":\"Bob\",\"receive\":\"low\",\"audio_muted\":true,"
                   "\"video_muted\":false,\"hand\":true,\"screen\":null}");
    assert_string_equal(message.set.name, "Bob");
    assert_int_equal(message.set.receive, DOWNLINK_LOW);
    assert_int_equal(message.set.audio_muted, 1);
    assert_int_equal(message.set.video_muted, 0);
    assert_int_equal(message.set.hand, 1);
    assert_int_equal(message.set.screen, -1);
    message_finish(&message);
}

static void test_set_receive_takes_every_wish_by_its_name(void **state) {
    static const char *const names[DOWNLINK_WISHES] = {"auto", "high", "medium", "low", "audio"};
    for (int wish = 0; wish < DOWNLINK_WISHES; wish++) {
        char *text = g_strdup_printf("{\"type\":\"set\",\"receive\":\"%s\"}", names[wish]);
        struct message message = parse_good(text);
        assert_int_equal(message.set.receive, wish);
        assert_null(message.set.name);
        message_finish(&message);
        g_free(text);
    }
    struct message message = parse_good("{\"type\":\"set\",\"receive\":null}");
    assert_int_equal(message.set.receive, -1);
    message_finish(&message);
}

static void test_candidates_are_taken_as_browsers_send_them(void **state) {
    static const struct {
        const char *fields, *candidate, *mid;
        int index;
    } cases[] = {
        {"\"candidate\":\"candidate:842163049 1 udp 1677729535 203.0.113.7 46154 typ srflx raddr "
         "0.0.0.0 rport 0 generation 0 ufrag EEtu network-cost 999\",\"sdpMid\":\"0\","
         "\"sdpMLineIndex\":2",
         "candidate:842163049 1 udp 1677729535 203.0.113.7 46154 typ srflx raddr 0.0.0.0 rport 0 "
         "generation 0 ufrag EEtu network-cost 999",
         "0", 2},
        {"\"candidate\":\"candidate:0 1 UDP 2122252543 2001:db8::1 40000 typ "
         "host\",\"sdpMid\":null,"
         "\"sdpMLineIndex\":null",
         "candidate:0 1 UDP 2122252543 2001:db8::1 40000 typ host", NULL, 0},
        {"\"candidate\":\"candidate:1 1 tcp 1518280447 "
         "1f3a8a1c-5a1c-4c2b-9d2e-000000000000.local 9 typ host tcptype active\"",
         "candidate:1 1 tcp 1518280447 1f3a8a1c-5a1c-4c2b-9d2e-000000000000.local 9 typ host "
         "tcptype active",
         NULL, 0},
        {"\"candidate\":\"\",\"sdpMid\":\"video\",\"usernameFragment\":\"x\"", "", "video", 0},
        {"\"candidate\":null", "", NULL, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *text = g_strdup_printf("{\"type\":\"ice-candidate\",%s}", cases[i].fields);
        struct message message = parse_good(text);
        assert_string_equal(message.candidate.candidate, cases[i].candidate);
        assert_int_equal(message.candidate.mline_index, cases[i].index);
        if (cases[i].mid)
            assert_string_equal(message.candidate.sdp_mid, cases[i].mid);
        else
            assert_null(message.candidate.sdp_mid);
        message_finish(&message);
        g_free(text);
    }
}

static void test_unknown_fields_are_ignored(void **state) {
    struct message message =
        parse_good("{\"future\":[{\"a\":1}],\"type\":\"chat\",\"text\":\"x\",\"sdp\":7}");
    assert_string_equal(message.chat.text, "x");
    message_finish(&message);
}

// ---- what is refused ----

static void test_broken_json_is_refused(void **state) {
    static const char *const texts[] = {
        "",
        " ",
        "{",
        "}",
        "nonsense",
        "{\"type\":\"ping\"",
        "{\"type\":\"ping\"}{}",
        "{\"type\":\"ping\"} x",
        "{\"type\":\"ping\",}",
        "{'type':'ping'}",
        "{type:\"ping\"}",
        "{\"type\":\"ping\",\"type\":\"leave\"}",
        "{\"type\":\"chat\",\"text\":\"a\\u0000b\"}",
        "{\"type\":\"chat\",\"text\":\"\xff\"}",
        "{\"type\":\"chat\",\"text\":\"\xc0\x80\"}",
        "{\"type\":\"chat\",\"text\":\"\xed\xa0\x80\"}",
        "{\"type\":\"chat\",\"text\":\"\\ud800\"}",
        "{\"type\":\"chat\",\"text\":\"a\nb\"}",
        "{\"type\":\"ping\",\"n\":1e999}",
        "{\"type\":\"ping\",\"n\":99999999999999999999999}",
        "{\"type\":\"ping\",\"n\":NaN}",
        "[]",
        "[{\"type\":\"ping\"}]",
        "\"ping\"",
        "7",
        "null",
        "\xef\xbb\xbf{\"type\":\"ping\"}",
    };
    for (size_t i = 0; i < COUNT(texts); i++)
        check_refused(texts[i], "bad-json", "");
}

static void test_a_nul_in_the_bytes_is_refused(void **state) {
    static const char text[] = "{\"type\":\"ping\"}\0";
    struct message message;
    struct refusal refusal;
    assert_int_equal(protocol_parse(&config, text, sizeof(text) - 1, &message, &refusal), -1);
    assert_string_equal(refusal.code, "bad-json");
    assert_int_equal(protocol_parse(&config, text, sizeof(text) - 2, &message, &refusal), 0);
}

static char *nested(char open, char close, int depth) {
    char *opened = g_strnfill((gsize)depth, open), *closed = g_strnfill((gsize)depth, close);
    char *text = g_strdup_printf("{\"type\":\"ping\",\"x\":%s%s}", opened, closed);
    g_free(opened);
    g_free(closed);
    return text;
}

static void test_deep_nesting_is_refused_before_it_is_parsed(void **state) {
    char *text = nested('[', ']', 15);
    struct message message = parse_good(text);
    message_finish(&message);
    g_free(text);
    text = nested('[', ']', 16);
    check_refused(text, "bad-json", "");
    g_free(text);
    text = nested('[', ']', 100000);
    check_refused(text, "bad-json", "");
    g_free(text);
    text = with_text("%s", '[', 200000);
    check_refused(text, "bad-json", "");
    g_free(text);
    text = with_text("{\"type\":\"chat\",\"text\":\"\\\"%s\"}", '[', 100); // not nested at all
    message = parse_good(text);
    assert_int_equal(strlen(message.chat.text), 101);
    message_finish(&message);
    g_free(text);
}

static void test_unknown_types_are_refused(void **state) {
    static const char *const types[] = {"", "Join", "join ", "offer", "joined", "bye", "__proto__"};
    for (size_t i = 0; i < COUNT(types); i++) {
        char *text = g_strdup_printf("{\"type\":\"%s\"}", types[i]);
        check_refused(text, "unknown-type", "");
        g_free(text);
    }
}

static void test_fields_of_the_wrong_kind_are_refused_by_name(void **state) {
    static const struct {
        const char *text, *field;
    } cases[] = {
        {"{}", "type"},
        {"{\"type\":null}", "type"},
        {"{\"type\":7}", "type"},
        {"{\"type\":[\"ping\"]}", "type"},
        {"{\"type\":\"join\"}", "room"},
        {"{\"type\":\"join\",\"room\":null}", "room"},
        {"{\"type\":\"join\",\"room\":7}", "room"},
        {"{\"type\":\"join\",\"room\":\"\"}", "room"},
        {"{\"type\":\"join\",\"room\":\"a b\"}", "room"},
        {"{\"type\":\"join\",\"room\":\"../etc\"}", "room"},
        {"{\"type\":\"join\",\"room\":\"ädä\"}", "room"},
        {"{\"type\":\"join\",\"room\":\"a\\n\"}", "room"},
        {"{\"type\":\"join\",\"room\":\"ada\",\"name\":7}", "name"},
        {"{\"type\":\"join\",\"room\":\"ada\",\"name\":{}}", "name"},
        {"{\"type\":\"join\",\"room\":\"ada\",\"token\":true}", "token"},
        {"{\"type\":\"join\",\"room\":\"ada\",\"pin\":1234}", "pin"},
        {"{\"type\":\"join\",\"room\":\"ada\",\"resume\":[]}", "resume"},
        {"{\"type\":\"join\",\"room\":\"ada\",\"audio_muted\":\"yes\"}", "audio_muted"},
        {"{\"type\":\"join\",\"room\":\"ada\",\"video_muted\":1}", "video_muted"},
        {"{\"type\":\"send-offer\"}", "sdp"},
        {"{\"type\":\"send-offer\",\"sdp\":\"\"}", "sdp"},
        {"{\"type\":\"send-offer\",\"sdp\":{\"type\":\"offer\"}}", "sdp"},
        {"{\"type\":\"ice-candidate\"}", "candidate"},
        {"{\"type\":\"ice-candidate\",\"candidate\":{}}", "candidate"},
        {"{\"type\":\"ice-candidate\",\"candidate\":\"garbage\"}", "candidate"},
        {"{\"type\":\"ice-candidate\",\"candidate\":\"\",\"sdpMid\":0}", "sdpMid"},
        {"{\"type\":\"ice-candidate\",\"candidate\":\"\",\"sdpMid\":\"a\\r\\na=x\"}", "sdpMid"},
        {"{\"type\":\"ice-candidate\",\"candidate\":\"\",\"sdpMLineIndex\":\"0\"}",
         "sdpMLineIndex"},
        {"{\"type\":\"ice-candidate\",\"candidate\":\"\",\"sdpMLineIndex\":0.5}", "sdpMLineIndex"},
        {"{\"type\":\"ice-candidate\",\"candidate\":\"\",\"sdpMLineIndex\":-1}", "sdpMLineIndex"},
        {"{\"type\":\"ice-candidate\",\"candidate\":\"\",\"sdpMLineIndex\":32}", "sdpMLineIndex"},
        {"{\"type\":\"ice-candidate\",\"candidate\":\"\",\"sdpMLineIndex\":4294967296}",
         "sdpMLineIndex"},
        {"{\"type\":\"chat\"}", "text"},
        {"{\"type\":\"chat\",\"text\":null}", "text"},
        {"{\"type\":\"chat\",\"text\":[\"hi\"]}", "text"},
        {"{\"type\":\"chat\",\"text\":\"\"}", "text"},
        {"{\"type\":\"chat\",\"text\":\" \\n\\t \"}", "text"},
        {"{\"type\":\"chat\",\"text\":\"\\u200b\\ufeff\"}", "text"},
        {"{\"type\":\"reaction\"}", "emoji"},
        {"{\"type\":\"reaction\",\"emoji\":1}", "emoji"},
        {"{\"type\":\"reaction\",\"emoji\":\"<b>\"}", "emoji"},
        {"{\"type\":\"set\",\"name\":\"\"}", "name"},
        {"{\"type\":\"set\",\"name\":\"\\u202e\"}", "name"},
        {"{\"type\":\"set\",\"name\":false}", "name"},
        {"{\"type\":\"set\",\"hand\":0}", "hand"},
        {"{\"type\":\"set\",\"screen\":\"true\"}", "screen"},
        {"{\"type\":\"set\",\"audio_muted\":{}}", "audio_muted"},
        {"{\"type\":\"set\",\"video_muted\":[]}", "video_muted"},
        {"{\"type\":\"set\",\"receive\":\"best\"}", "receive"},
        {"{\"type\":\"set\",\"receive\":\"Low\"}", "receive"},
        {"{\"type\":\"set\",\"receive\":\"\"}", "receive"},
        {"{\"type\":\"set\",\"receive\":true}", "receive"},
        {"{\"type\":\"set\",\"receive\":3}", "receive"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        check_refused(cases[i].text, "bad-field", cases[i].field);
}

static void test_long_strings_are_refused_just_over_their_limit(void **state) {
    static const struct {
        const char *format;
        char letter;
        size_t max;
        const char *code, *field;
    } cases[] = {
        {"{\"type\":\"join\",\"room\":\"%s\"}", 'r', 63, "bad-field", "room"},
        {"{\"type\":\"join\",\"room\":\"a\",\"name\":\"%s\"}", 'n', 64, "bad-field", "name"},
        {"{\"type\":\"join\",\"room\":\"a\",\"token\":\"%s\"}", 't', 4096, "bad-field", "token"},
        {"{\"type\":\"join\",\"room\":\"a\",\"pin\":\"%s\"}", 'p', 4096, "bad-field", "pin"},
        {"{\"type\":\"join\",\"room\":\"a\",\"resume\":\"%s\"}", 'r', 4096, "bad-field", "resume"},
        {"{\"type\":\"set\",\"name\":\"%s\"}", 'n', 64, "bad-field", "name"},
        {"{\"type\":\"chat\",\"text\":\"%s\"}", 'c', 2000, "bad-field", "text"},
        {"{\"type\":\"send-offer\",\"sdp\":\"%s\"}", 's', 131072, "too-large", ""},
        {"{\"type\":\"ice-candidate\",\"candidate\":\"\",\"sdpMid\":\"%s\"}", 'm', 64, "bad-field",
         "sdpMid"},
        {"{\"type\":\"ice-candidate\",\"candidate\":\"candidate:1 1 udp 1 10.0.0.1 9 typ host "
         "x%s\"}",
         'c', 1024 - 41, "bad-field", "candidate"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *text = with_text(cases[i].format, cases[i].letter, cases[i].max);
        struct message message = parse_good(text);
        message_finish(&message);
        g_free(text);
        text = with_text(cases[i].format, cases[i].letter, cases[i].max + 1);
        check_refused(text, cases[i].code, cases[i].field);
        g_free(text);
    }
}

static void test_large_messages_are_refused_unread(void **state) {
    char *text = with_text("{\"type\":\"ping\",\"x\":\"%s\"}", 'x', 262144 - 22);
    assert_int_equal(strlen(text), 262144);
    struct message message = parse_good(text);
    message_finish(&message);
    g_free(text);
    text = with_text("%s", '{', 262144 + 1); // would be bad-json if it were looked at
    check_refused(text, "too-large", "");
    g_free(text);
    text = with_text("{\"type\":\"send-offer\",\"sdp\":\"%s\"}", 's', 1 << 20);
    check_refused(text, "too-large", "");
    g_free(text);
    text = with_text("{\"type\":\"join\",\"room\":\"ada\",\"name\":\"%s\"}", 'n', 10000);
    check_refused(text, "bad-field", "name");
    g_free(text);
}

static void test_message_types_have_the_names_clients_use(void **state) {
    static const char *const names[] = {"join",     "send-offer", "ice-candidate", "chat",
                                        "reaction", "set",        "leave",         "ping"};
    for (size_t i = 0; i < COUNT(names); i++)
        assert_string_equal(message_type_name((enum message_type)i), names[i]);
}

static void test_moderators_messages_are_operations_with_a_body(void **state) {
    struct message message = parse_good("{\"type\":\"change-member\",\"id\":\"m2\","
                                        "\"volume\":0.5,\"role\":\"viewer\"}");
    assert_int_equal(message.type, MESSAGE_CONTROL);
    assert_int_equal(message.control.operation, HUB_CHANGE_MEMBER);
    assert_string_equal(message.control.id, "m2");
    assert_int_equal(json_object_size(message.control.body), 2);
    assert_string_equal(json_string_value(json_object_get(message.control.body, "role")), "viewer");
    message_finish(&message);
    message = parse_good("{\"type\":\"admit\"}");
    assert_null(message.control.id);
    assert_int_equal(json_object_size(message.control.body), 0);
    message_finish(&message);
    check_refused("{\"type\":\"kick\",\"id\":7}", "bad-field", "id");
}

static void test_to_watch_only_may_be_asked_for_and_nothing_more(void **state) {
    struct message message = parse_good("{\"type\":\"join\",\"room\":\"ada\",\"role\":\"viewer\"}");
    assert_true(message.join.is_viewer);
    message_finish(&message);
    check_refused("{\"type\":\"join\",\"room\":\"ada\",\"role\":\"moderator\"}", "bad-field",
                  "role");
}

// Written out, so that no message gets another permission unseen.
static void test_each_message_needs_the_permission_it_should(void **state) {
    static const struct {
        const char *text;
        enum action action;
    } needs[] = {
        {"{\"type\":\"join\",\"room\":\"a\"}", ACTION_JOIN},
        {"{\"type\":\"send-offer\",\"sdp\":\"v=0\"}", ACTION_BE_THERE},
        {"{\"type\":\"ice-candidate\",\"candidate\":null}", ACTION_BE_THERE},
        {"{\"type\":\"set\",\"hand\":true}", ACTION_BE_THERE},
        {"{\"type\":\"leave\"}", ACTION_BE_THERE},
        {"{\"type\":\"ping\"}", ACTION_BE_THERE},
        {"{\"type\":\"chat\",\"text\":\"x\"}", ACTION_CHAT},
        {"{\"type\":\"reaction\",\"emoji\":\"\xf0\x9f\x91\x8d\"}", ACTION_REACT},
        {"{\"type\":\"admit\"}", ACTION_ADMIT},
        {"{\"type\":\"refuse\",\"id\":\"w1\"}", ACTION_ADMIT},
        {"{\"type\":\"change-member\",\"id\":\"m1\"}", ACTION_CHANGE_MEMBER},
        {"{\"type\":\"mute-all\"}", ACTION_CHANGE_MEMBER},
        {"{\"type\":\"list-viewers\"}", ACTION_CHANGE_MEMBER},
        {"{\"type\":\"kick\",\"id\":\"m1\"}", ACTION_KICK},
        {"{\"type\":\"change-room\"}", ACTION_CHANGE_ROOM},
        {"{\"type\":\"set-layout\"}", ACTION_CHANGE_ROOM},
        {"{\"type\":\"end-room\"}", ACTION_END_ROOM},
        {"{\"type\":\"set-banner\"}", ACTION_ANNOUNCE},
        {"{\"type\":\"remove-banner\"}", ACTION_ANNOUNCE},
    };
    for (size_t i = 0; i < COUNT(needs); i++) {
        struct message message = parse_good(needs[i].text);
        assert_int_equal(message_action(&message), needs[i].action);
        message_finish(&message);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_join_needs_no_more_than_a_room),
        cmocka_unit_test(test_join_carries_everything_it_may),
        cmocka_unit_test(test_join_calls_the_nameless_guest),
        cmocka_unit_test(test_offer_chat_reaction_leave_and_ping_are_taken),
        cmocka_unit_test(test_set_leaves_unchanged_what_it_does_not_name),
        cmocka_unit_test(test_set_receive_takes_every_wish_by_its_name),
        cmocka_unit_test(test_candidates_are_taken_as_browsers_send_them),
        cmocka_unit_test(test_unknown_fields_are_ignored),
        cmocka_unit_test(test_broken_json_is_refused),
        cmocka_unit_test(test_a_nul_in_the_bytes_is_refused),
        cmocka_unit_test(test_deep_nesting_is_refused_before_it_is_parsed),
        cmocka_unit_test(test_unknown_types_are_refused),
        cmocka_unit_test(test_fields_of_the_wrong_kind_are_refused_by_name),
        cmocka_unit_test(test_long_strings_are_refused_just_over_their_limit),
        cmocka_unit_test(test_large_messages_are_refused_unread),
        cmocka_unit_test(test_message_types_have_the_names_clients_use),
        cmocka_unit_test(test_moderators_messages_are_operations_with_a_body),
        cmocka_unit_test(test_to_watch_only_may_be_asked_for_and_nothing_more),
        cmocka_unit_test(test_each_message_needs_the_permission_it_should),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

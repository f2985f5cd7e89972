// SPDX-License-Identifier: MIT
#include "mcu/protocol.h"

#include <glib.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void check_text(char *text, const char *wanted) {
    assert_non_null(text);
    assert_string_equal(text, wanted);
    free(text);
}

static void test_joined_has_its_fields_in_order(void **state) {
    json_t *members = json_array(), *messages = json_array();
    struct member_view ada = {.id = "m1",
                              .name = "Ada \"A\"",
                              .role = "moderator",
                              .audio_muted = true,
                              .screen = true,
                              .quality = "poor",
                              .volume = 1,
                              .is_spotlit = true};
    json_array_append_new(members, protocol_member_json(&ada));
    json_array_append_new(messages, protocol_chat_json(7, "m1", "Ada", "hi", 1767323045006));
    check_text(protocol_joined("m2", "ada", "guest", "secret", true,
                               protocol_ice_servers("stun:h:1"), members, messages,
                               json_pack("{s:i}", "viewers", 3)),
               "{\"type\":\"joined\",\"id\":\"m2\",\"room\":\"ada\",\"role\":\"guest\","
               "\"resume\":\"secret\",\"resumed\":true,\"ice_servers\":[{\"urls\":\"stun:h:1\"}],"
               "\"members\":[{\"id\":\"m1\",\"name\":\"Ada \\\"A\\\"\",\"role\":\"moderator\","
               "\"audio_muted\":true,\"video_muted\":false,\"hand\":false,\"hand_at\":null,"
               "\"screen\":true,\"quality\":\"poor\",\"volume\":1.0,\"spotlight\":true,"
               "\"hidden\":false}],"
               "\"messages\":[{\"type\":\"chat\",\"id\":7,\"from\":\"m1\",\"name\":\"Ada\","
               "\"text\":\"hi\",\"at\":\"2026-01-02T03:04:05.006Z\"}],\"viewers\":3}");
    check_text(
        protocol_joined("m2", "ada", "guest", "r", false, NULL, NULL, NULL, NULL),
        "{\"type\":\"joined\",\"id\":\"m2\",\"room\":\"ada\",\"role\":\"guest\",\"resume\":\"r\","
        "\"resumed\":false,\"ice_servers\":[],\"members\":[],\"messages\":[]}");
}

static void test_server_messages_have_the_agreed_shape(void **state) {
    struct member_view bob = {.id = "m2",
                              .name = "Bob",
                              .role = "guest",
                              .video_muted = true,
                              .hand = true,
                              .hand_unix_ms = 1767323045006,
                              .volume = 0.5};
    struct refusal refusal;
    check_text(protocol_answer("v=0\r\n"), "{\"type\":\"send-answer\",\"sdp\":\"v=0\\r\\n\"}");
    check_text(protocol_candidate("candidate:1", "0", 1),
               "{\"type\":\"ice-candidate\",\"candidate\":\"candidate:1\",\"sdpMid\":\"0\","
               "\"sdpMLineIndex\":1}");
    check_text(
        protocol_candidate("", NULL, 0),
        "{\"type\":\"ice-candidate\",\"candidate\":\"\",\"sdpMid\":null,\"sdpMLineIndex\":0}");
    check_text(protocol_member_joined(&bob),
               "{\"type\":\"member-joined\",\"member\":{\"id\":\"m2\",\"name\":\"Bob\","
               "\"role\":\"guest\",\"audio_muted\":false,\"video_muted\":true,\"hand\":true,"
               "\"hand_at\":\"2026-01-02T03:04:05.006Z\",\"screen\":false,\"quality\":\"good\","
               "\"volume\":0.5,\"spotlight\":false,\"hidden\":false}}");
    char *updated = protocol_member_updated(&bob);
    assert_true(
        g_str_has_prefix(updated, "{\"type\":\"member-updated\",\"member\":{\"id\":\"m2\","));
    free(updated);
    check_text(protocol_member_left("m2", "lost"),
               "{\"type\":\"member-left\",\"id\":\"m2\",\"reason\":\"lost\"}");
    check_text(protocol_reaction("m1", "Ada", "👍"),
               "{\"type\":\"reaction\",\"from\":\"m1\",\"name\":\"Ada\",\"emoji\":\"👍\"}");
    check_text(protocol_bye("room-ended", NULL), "{\"type\":\"bye\",\"reason\":\"room-ended\"}");
    check_text(protocol_bye("kicked", "Be \"kind\""),
               "{\"type\":\"bye\",\"reason\":\"kicked\",\"message\":\"Be \\\"kind\\\"\"}");
    check_text(protocol_viewers(7), "{\"type\":\"viewers\",\"count\":7}");
    json_t *viewers =
        json_pack("{s:i, s:[{s:s, s:s}]}", "count", 300, "viewers", "id", "m2", "name", "Vera");
    check_text(protocol_viewer_list(viewers), "{\"type\":\"viewers\",\"count\":300,\"viewers\":[{"
                                              "\"id\":\"m2\",\"name\":\"Vera\"}]}");
    json_decref(viewers);
    check_text(protocol_permissions("viewer", permission_grants_to_json(GRANT_CHAT)),
               "{\"type\":\"permissions\",\"role\":\"viewer\",\"permissions\":[\"chat\"]}");
    check_text(protocol_waiting("ada", "Wait."),
               "{\"type\":\"waiting\",\"room\":\"ada\",\"message\":\"Wait.\"}");
    check_text(protocol_lobby(json_array()), "{\"type\":\"lobby\",\"waiting\":[]}");
    check_text(protocol_pong(), "{\"type\":\"pong\"}");
    refusal_set(&refusal, 403, "room-full", "This room is full.");
    check_text(protocol_error(&refusal),
               "{\"type\":\"error\",\"code\":\"room-full\",\"message\":\"This room is full.\"}");
    g_strlcpy(refusal.field, "name", sizeof(refusal.field));
    check_text(protocol_error(&refusal),
               "{\"type\":\"error\",\"code\":\"room-full\",\"message\":\"This room is full.\","
               "\"field\":\"name\"}");
}

static void test_layout_and_speaking_name_their_members(void **state) {
    struct stage_view view = {
        .kind = LAYOUT_SCREEN, .width_px = 1280, .height_px = 720, .count = 2};
    strcpy(view.tiles[0].member, "m1");
    view.tiles[0].role = VIDEO_SCREEN;
    view.tiles[0].at = (struct rect){0, 0, 960, 720};
    strcpy(view.tiles[1].member, "m2");
    view.tiles[1].at = (struct rect){960, 16, 320, 176};
    check_text(
        protocol_layout(&view),
        "{\"type\":\"layout\",\"name\":\"screen\",\"canvas\":{\"width\":1280,\"height\":720},"
        "\"tiles\":[{\"member\":\"m1\",\"kind\":\"screen\",\"x\":0,\"y\":0,\"width\":960,"
        "\"height\":720},{\"member\":\"m2\",\"kind\":\"camera\",\"x\":960,\"y\":16,"
        "\"width\":320,\"height\":176}]}");
    struct desk_speaking speaking = {.count = 2, .ids = {"m1", "m3"}, .main_id = "m3"};
    check_text(protocol_speaking(&speaking),
               "{\"type\":\"speaking\",\"members\":[\"m1\",\"m3\"],\"main\":\"m3\"}");
    speaking = (struct desk_speaking){.count = 0};
    check_text(protocol_speaking(&speaking),
               "{\"type\":\"speaking\",\"members\":[],\"main\":null}");
}

static int uplink_kbps(int width, int height, int fps) {
    struct rect place = {0, 0, width, height};
    char *text = protocol_uplink(&place, NULL, fps);
    json_t *json = json_loads(text, 0, NULL);
    json_t *camera = json_object_get(json, "camera");
    assert_true(json_is_true(json_object_get(camera, "active")));
    assert_int_equal(json_integer_value(json_object_get(camera, "fps")), fps);
    int kbps = (int)json_integer_value(json_object_get(camera, "kbps"));
    json_decref(json);
    free(text);
    return kbps;
}

static void test_uplink_asks_for_what_the_tile_needs(void **state) {
    struct rect camera = {0, 0, 320, 176}, screen = {0, 0, 1280, 720};
    check_text(protocol_uplink(&camera, &screen, 30),
               "{\"type\":\"uplink\",\"camera\":{\"active\":true,\"width\":320,\"height\":176,"
               "\"fps\":30,\"kbps\":180},\"screen\":{\"active\":true,\"width\":1280,\"height\":720,"
               "\"fps\":15,\"kbps\":1170}}");
    check_text(
        protocol_uplink(NULL, NULL, 30),
        "{\"type\":\"uplink\",\"camera\":{\"active\":false,\"width\":0,\"height\":0,\"fps\":0,"
        "\"kbps\":0},\"screen\":{\"active\":false,\"width\":0,\"height\":0,\"fps\":0,"
        "\"kbps\":0}}");
    assert_in_range(uplink_kbps(640, 360, 30), 450, 550);
    assert_int_equal(uplink_kbps(16, 16, 1), 60);
    assert_int_equal(uplink_kbps(1920, 1088, 60), 2500);
    int last = 0;
    for (int width = 16; width <= 1920; width += 16) {
        int kbps = uplink_kbps(width, width * 9 / 16, 30);
        assert_true(kbps >= last);
        last = kbps;
    }
}

static void test_stats_tell_a_member_how_its_link_fares(void **state) {
    struct protocol_stats_view view = {
        .down = {.estimate_kbps = 820,
                 .tier = 1,
                 .layers = 3,
                 .has_video = true,
                 .width_px = 640,
                 .height_px = 360,
                 .fps = 30,
                 .kbps = 500,
                 .loss = 0.07,
                 .rtt_ms = 45,
                 .queue_ms = 12,
                 .reason = "link",
                 .receive = "auto"},
        .up = {.loss = 0.1, .jitter_ms = 3.1, .playout_ms = 28, .kbps = 310},
        .quality = "fair",
    };
    check_text(
        protocol_stats(&view),
        "{\"type\":\"stats\",\"down\":{\"estimate_kbps\":820,\"tier\":1,\"layers\":3,"
        "\"video\":true,\"thrifty\":false,\"width\":640,\"height\":360,\"fps\":30,\"kbps\":500,"
        "\"loss\":0.07,\"rtt_ms\":45,\"queue_ms\":12,\"reason\":\"link\",\"receive\":\"auto\"},"
        "\"up\":{\"loss\":0.1,\"jitter_ms\":3.1,\"playout_ms\":28,\"kbps\":310},"
        "\"quality\":\"fair\"}");
}

static void test_stats_of_a_link_that_nothing_is_known_of_are_json(void **state) {
    struct protocol_stats_view view = {.down = {.loss = NAN}, .up = {.jitter_ms = INFINITY}};
    check_text(protocol_stats(&view),
               "{\"type\":\"stats\",\"down\":{\"estimate_kbps\":0,\"tier\":0,\"layers\":0,"
               "\"video\":false,\"thrifty\":false,\"width\":0,\"height\":0,\"fps\":0,\"kbps\":0,"
               "\"loss\":0.0,\"rtt_ms\":0,\"queue_ms\":0,\"reason\":\"\",\"receive\":\"\"},"
               "\"up\":{\"loss\":0.0,\"jitter_ms\":0.0,\"playout_ms\":0,\"kbps\":0},"
               "\"quality\":\"good\"}");
}

static void test_server_messages_survive_text_that_is_no_utf8(void **state) {
    char *text = protocol_member_left("m\xff", NULL);
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json, "id")), "m\xef\xbf\xbd");
    assert_string_equal(json_string_value(json_object_get(json, "reason")), "");
    json_decref(json);
    free(text);
}

static void test_ice_servers_become_what_browsers_take(void **state) {
    static const struct {
        const char *setting, *wanted;
    } cases[] = {
        {"", "[]"},
        {NULL, "[]"},
        {"stun:stun.example.org:3478", "[{\"urls\":\"stun:stun.example.org:3478\"}]"},
        {"  stuns:a  turns:u:p@b:5349 ",
         "[{\"urls\":\"stuns:a\"},{\"urls\":\"turns:b:5349\",\"username\":\"u\","
         "\"credential\":\"p\"}]"},
        {"turn:ann:p@ss:word@[2001:db8::1]:3478?transport=udp",
         "[{\"urls\":\"turn:[2001:db8::1]:3478?transport=udp\",\"username\":\"ann\","
         "\"credential\":\"p@ss:word\"}]"},
        {"turn:a%3ab:c%20d%25@h",
         "[{\"urls\":\"turn:h\",\"username\":\"a:b\",\"credential\":\"c d%\"}]"},
        {"turn:u@h", "[{\"urls\":\"turn:h\",\"username\":\"u\"}]"},
        {"turn:h?a=@", "[{\"urls\":\"turn:h?a=@\"}]"},
        {"http:x nonsense turn", "[]"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        json_t *servers = protocol_ice_servers(cases[i].setting);
        char *text = json_dumps(servers, JSON_COMPACT);
        assert_string_equal(text, cases[i].wanted);
        free(text);
        json_decref(servers);
    }
}

static void test_time_is_rfc_3339_with_milliseconds(void **state) {
    static const struct {
        int64_t ms;
        const char *wanted;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {1767323045006, "2026-01-02T03:04:05.006Z"},
    };
    char out[32];
    for (size_t i = 0; i < COUNT(cases); i++) {
        protocol_time(cases[i].ms, out);
        assert_string_equal(out, cases[i].wanted);
    }
    protocol_time(INT64_MAX, out); // far out, but text
    assert_true(strlen(out) < sizeof(out));
    protocol_time(INT64_MIN, out);
    assert_true(strlen(out) < sizeof(out));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_joined_has_its_fields_in_order),
        cmocka_unit_test(test_server_messages_have_the_agreed_shape),
        cmocka_unit_test(test_layout_and_speaking_name_their_members),
        cmocka_unit_test(test_uplink_asks_for_what_the_tile_needs),
        cmocka_unit_test(test_stats_tell_a_member_how_its_link_fares),
        cmocka_unit_test(test_stats_of_a_link_that_nothing_is_known_of_are_json),
        cmocka_unit_test(test_server_messages_survive_text_that_is_no_utf8),
        cmocka_unit_test(test_ice_servers_become_what_browsers_take),
        cmocka_unit_test(test_time_is_rfc_3339_with_milliseconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

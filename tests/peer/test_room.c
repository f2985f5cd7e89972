// SPDX-License-Identifier: MIT
// Who comes into a room, as what, what moderators make of it, and what outlives the process.
#include "tests/peer/scene.h"

#include <glib.h>
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { RED, GREEN, BLUE };

// ---- REST ----

static json_t *ask(const char *method, const char *path, const char *body, int status) {
    json_t *out = NULL;
    int got = server_request(scene_server(), method, path, body, &out);
    if (got != status) {
        char *text = out ? json_dumps(out, 0) : NULL;
        fail_msg("%s %s: %d, not %d: %s", method, path, got, status, text ? text : "");
    }
    return out;
}

static void tell(const char *method, const char *path, const char *body, int status) {
    json_decref(ask(method, path, body, status));
}

// ---- clients that only speak ----

static struct client *begin(const char *room, const char *name, const char *more) {
    struct client_options options = {.port = server_port(scene_server()),
                                     .room = room,
                                     .name = name,
                                     .more = more,
                                     .has_no_offer = true};
    return client_create(&options);
}

static struct client *come_in(const char *room, const char *name, const char *more) {
    struct client *client = begin(room, name, more);
    assert_true(client_wait_joined(client, client_slow(SCENE_PATIENCE_MS)));
    return client;
}

static void expect_refused(const char *room, const char *more, const char *code) {
    struct client *client = begin(room, "Stranger", more);
    if (!client_wait_error(client, code, client_slow(SCENE_PATIENCE_MS))) {
        char last[64] = "";
        client_last_error(client, last, sizeof(last));
        fail_msg("not refused with %s but \"%s\"", code, last);
    }
    client_destroy(client);
}

static bool has_message(struct client *client, void *user) {
    return client_message_count(client, user) > 0;
}

static bool has_bye(struct client *client, void *user) {
    char reason[64];
    return client_bye(client, reason, sizeof(reason)) && !strcmp(reason, user);
}

// A field of the newest message of a type, as text.
struct expected {
    const char *type, *field, *value;
};

static bool has_field(struct client *client, void *user) {
    const struct expected *expected = user;
    json_t *message = client_last_message(client, expected->type);
    json_t *value = json_object_get(message, expected->field);
    char *text = json_is_string(value) ? g_strdup(json_string_value(value))
                 : value               ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT)
                                       : NULL;
    bool is_there = text && strstr(text, expected->value);
    free(text);
    json_decref(message);
    return is_there;
}

static void expect_field(struct client *client, const char *type, const char *field,
                         const char *value) {
    struct expected expected = {type, field, value};
    if (client_wait(client, has_field, &expected, client_slow(SCENE_PATIENCE_MS)))
        return;
    json_t *message = client_last_message(client, type);
    char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;
    fail_msg("%s.%s does not tell %s: %s", type, field, value, text ? text : "none came");
}

static char *role_of(struct client *client, char out[32]) {
    char id[CLIENT_ID_MAX];
    struct client_member self = {0};
    client_id(client, id);
    client_find_member(client, id, &self);
    g_strlcpy(out, self.role, 32);
    return out;
}

static void expect_role(struct client *client, const char *role) {
    char now[32];
    assert_string_equal(role_of(client, now), role);
}

// ---- lobby ----

static void test_room_a_guest_waits_until_a_moderator_admits(void **state) {
    struct client *host = come_in("lobby", "Host", NULL);
    expect_role(host, "moderator");
    client_send_json(host, "{\"type\":\"change-room\",\"lobby\":true,\"title\":\"Consultation\"}");
    expect_field(host, "room", "room", "\"lobby\":true");
    struct client *guest = begin("lobby", "Guest", NULL);
    scene_expect(guest, has_message, (void *)"waiting");
    expect_field(host, "lobby", "waiting", "\"name\":\"Guest\"");
    assert_int_equal(client_message_count(guest, "joined"), 0);
    json_t *list = ask("GET", "/api/v1/rooms/lobby/lobby", NULL, 200);
    json_t *waiting = json_array_get(json_object_get(list, "waiting"), 0);
    char id[32];
    g_strlcpy(id, json_string_value(json_object_get(waiting, "id")), sizeof(id));
    json_decref(list);
    client_send_json(host, "{\"type\":\"admit\",\"id\":\"%s\"}", id);
    assert_true(client_wait_joined(guest, client_slow(SCENE_PATIENCE_MS)));
    expect_role(guest, "member");
    expect_field(host, "lobby", "waiting", "[]");
    client_destroy(guest);
    client_destroy(host);
}

static void test_room_who_is_refused_is_told_and_who_leaves_waits_no_more(void **state) {
    struct client *host = come_in("lobby-refuse", "Host", NULL);
    client_send_json(host, "{\"type\":\"change-room\",\"lobby\":true}");
    expect_field(host, "room", "room", "\"lobby\":true");
    struct client *guest = begin("lobby-refuse", "Guest", NULL);
    scene_expect(guest, has_message, (void *)"waiting");
    tell("DELETE", "/api/v1/rooms/lobby-refuse/lobby/w1", NULL, 204);
    assert_true(client_wait_error(guest, "lobby-refused", client_slow(SCENE_PATIENCE_MS)));
    scene_expect(guest, has_bye, (void *)"lobby-refused");
    client_destroy(guest);
    struct client *other = begin("lobby-refuse", "Other", NULL);
    expect_field(host, "lobby", "waiting", "Other");
    client_destroy(other);
    expect_field(host, "lobby", "waiting", "[]");
    client_destroy(host);
}

static void test_room_without_its_lobby_lets_all_in_who_wait(void **state) {
    struct client *host = come_in("lobby-off", "Host", NULL);
    client_send_json(host, "{\"type\":\"change-room\",\"lobby\":true}");
    expect_field(host, "room", "room", "\"lobby\":true");
    struct client *one = begin("lobby-off", "One", NULL), *two = begin("lobby-off", "Two", NULL);
    scene_expect(one, has_message, (void *)"waiting");
    scene_expect(two, has_message, (void *)"waiting");
    tell("PATCH", "/api/v1/rooms/lobby-off", "{\"lobby\":false}", 200);
    assert_true(client_wait_joined(one, client_slow(SCENE_PATIENCE_MS)));
    assert_true(client_wait_joined(two, client_slow(SCENE_PATIENCE_MS)));
    struct client *all[] = {one, two, host};
    scene_leave_all(all, 3);
}

// ---- the door ----

static void test_room_asks_for_its_pin(void **state) {
    tell("POST", "/api/v1/rooms", "{\"id\":\"pin\",\"pin\":\"4711\"}", 201);
    expect_refused("pin", NULL, "pin-required");
    expect_refused("pin", "{\"pin\":\"4712\"}", "pin-wrong");
    struct client *guest = come_in("pin", "Guest", "{\"pin\":\"4711\"}");
    client_destroy(guest);
}

static void test_room_bears_no_guessing_of_its_pin(void **state) {
    tell("POST", "/api/v1/rooms", "{\"id\":\"guess\",\"pin\":\"4711\"}", 201);
    int tries = 0;
    for (bool is_stopped = false; !is_stopped && tries < 50; tries++) {
        struct client *guest = begin("guess", "Eve", "{\"pin\":\"0000\"}");
        assert_true(client_wait_error(guest, NULL, client_slow(SCENE_PATIENCE_MS)));
        char code[64];
        client_last_error(guest, code, sizeof(code));
        is_stopped = !strcmp(code, "rate-limited");
        client_destroy(guest);
    }
    assert_true(tries < 20);
}

static void test_room_that_is_locked_takes_nobody_but_who_is_back(void **state) {
    struct client *host = come_in("locked", "Host", NULL);
    struct client *guest = come_in("locked", "Guest", NULL);
    client_send_json(host, "{\"type\":\"change-room\",\"locked\":true}");
    expect_field(guest, "room", "room", "\"locked\":true");
    expect_refused("locked", NULL, "room-locked");
    char *resume = client_resume_token(guest);
    client_cut_socket(guest);
    assert_true(client_wait_closed(guest, client_slow(SCENE_PATIENCE_MS)));
    struct client_options options = {
        .room = "locked", .name = "Guest", .resume = resume, .has_no_offer = true};
    struct client *again = scene_join(&options);
    assert_true(client_was_resumed(again));
    g_free(resume);
    struct client *all[] = {guest, again, host};
    scene_leave_all(all, 3);
}

static void test_room_bans_for_a_time_and_lifts_it(void **state) {
    struct client *host = come_in("ban", "Host", NULL), *eve = come_in("ban", "Eve", NULL);
    char id[CLIENT_ID_MAX];
    client_id(eve, id);
    client_send_json(host, "{\"type\":\"kick\",\"id\":\"%s\",\"ban\":3600,\"reason\":\"Be kind\"}",
                     id);
    scene_expect(eve, has_bye, (void *)"kicked");
    expect_field(eve, "bye", "message", "Be kind");
    expect_refused("ban", NULL, "banned");
    json_t *bans = ask("GET", "/api/v1/rooms/ban/bans", NULL, 200);
    assert_int_equal(json_array_size(json_object_get(bans, "bans")), 1);
    json_decref(bans);
    tell("DELETE", "/api/v1/rooms/ban/bans/b1", NULL, 204);
    tell("DELETE", "/api/v1/rooms/ban/bans/b1", NULL, 404);
    struct client *back = come_in("ban", "Eve", NULL);
    struct client *all[] = {eve, back, host};
    scene_leave_all(all, 3);
}

static void test_room_ends_at_its_hour(void **state) {
    char body[128];
    GDateTime *now = g_date_time_new_now_utc(), *soon = g_date_time_add_seconds(now, 3);
    char *at = g_date_time_format(soon, "%Y-%m-%dT%H:%M:%SZ");
    snprintf(body, sizeof(body), "{\"id\":\"hour\",\"expires_at\":\"%s\"}", at);
    tell("POST", "/api/v1/rooms", body, 201);
    struct client *guest = come_in("hour", "Guest", NULL);
    scene_expect(guest, has_bye, (void *)"room-expired");
    tell("GET", "/api/v1/rooms/hour", NULL, 404);
    client_destroy(guest);
    g_free(at);
    g_date_time_unref(soon);
    g_date_time_unref(now);
}

// ---- roles ----

static void test_room_a_member_cannot_moderate(void **state) {
    static const char *const words[] = {
        "{\"type\":\"change-room\",\"locked\":true}",
        "{\"type\":\"kick\",\"id\":\"m1\"}",
        "{\"type\":\"change-member\",\"id\":\"m1\",\"audio_muted\":true}",
        "{\"type\":\"mute-all\"}",
        "{\"type\":\"set-layout\",\"kind\":\"speaker\"}",
        "{\"type\":\"admit\"}",
        "{\"type\":\"end-room\"}",
        "{\"type\":\"set-banner\",\"text\":\"Eve was here\"}"};
    struct client *host = come_in("roles", "Host", NULL), *eve = come_in("roles", "Eve", NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        client_send_json(eve, "%s", words[i]);
        for (int waited = 0; client_error_count(eve) <= (int)i && waited < 2000; waited++)
            g_usleep(5000);
        char code[64] = "";
        client_last_error(eve, code, sizeof(code));
        assert_string_equal(code, "not-allowed");
        assert_int_equal(client_error_count(eve), (int)i + 1);
    }
    assert_int_equal(client_message_count(host, "room"), 0);
    client_destroy(eve);
    client_destroy(host);
}

static bool is_moderator(struct client *client, void *user) {
    char role[32];
    return !strcmp(role_of(client, role), "moderator");
}

static void test_room_the_oldest_member_follows_the_last_moderator(void **state) {
    struct client *host = come_in("heir", "Host", NULL), *one = come_in("heir", "One", NULL),
                  *two = come_in("heir", "Two", NULL);
    client_send_json(host, "{\"type\":\"leave\"}");
    scene_expect(one, is_moderator, NULL);
    expect_field(one, "permissions", "role", "moderator");
    expect_role(two, "member");
    struct client *all[] = {host, one, two};
    scene_leave_all(all, 3);
}

static void test_room_that_is_found_empty_is_moderated_by_who_finds_it(void **state) {
    struct client *host = come_in("reload", "Host", NULL);
    client_send_json(host, "{\"type\":\"leave\"}");
    assert_true(client_wait_closed(host, client_slow(SCENE_PATIENCE_MS)));
    struct client *again = come_in("reload", "Host", NULL);
    expect_role(again, "moderator");
    client_destroy(again);
    client_destroy(host);
}

static void test_room_whose_setting_forbids_it_has_no_heir(void **state) {
    struct client *host = come_in("no-heir", "Host", NULL), *one = come_in("no-heir", "One", NULL);
    client_send_json(host, "{\"type\":\"change-room\",\"succession\":false}");
    expect_field(one, "room", "room", "\"succession\":false");
    client_send_json(host, "{\"type\":\"leave\"}");
    scene_expect_members(one, 1);
    client_send_json(one, "{\"type\":\"mute-all\"}");
    assert_true(client_wait_error(one, "not-allowed", client_slow(SCENE_PATIENCE_MS)));
    client_destroy(one);
    client_destroy(host);
}

static void test_room_what_a_member_may_not_do_it_cannot(void **state) {
    struct client *host = come_in("grants", "Host", NULL), *ben = come_in("grants", "Ben", NULL);
    client_send_json(host, "{\"type\":\"change-member\",\"id\":\"m2\",\"permissions\":[\"chat\"]}");
    expect_field(ben, "permissions", "permissions", "[\"chat\"]");
    client_send_json(ben, "{\"type\":\"set\",\"audio_muted\":false}");
    assert_true(client_wait_error(ben, "not-allowed", client_slow(SCENE_PATIENCE_MS)));
    struct client_member seen;
    assert_true(client_find_member(host, "m2", &seen));
    assert_true(seen.audio_muted);
    client_send_json(ben, "{\"type\":\"reaction\",\"emoji\":\"\xf0\x9f\x91\x8d\"}");
    client_send_json(ben, "{\"type\":\"chat\",\"text\":\"still here\"}");
    scene_expect(host, has_message, (void *)"chat");
    assert_int_equal(client_message_count(host, "reaction"), 0);
    client_destroy(ben);
    client_destroy(host);
}

// ---- what moderators make of members, seen and heard ----

static bool is_muted(struct client *client, void *user) {
    struct client_member member;
    return client_find_member(client, user, &member) && member.audio_muted;
}

static void test_room_a_moderator_mutes_and_the_member_may_speak_again(void **state) {
    struct client *ada = scene_member("mute", "Ada", RED, 500);
    struct client *ben = scene_member("mute", "Ben", GREEN, 900);
    scene_expect_tone(ada, 900, true);
    client_send_json(ada, "{\"type\":\"change-member\",\"id\":\"m2\",\"audio_muted\":true}");
    scene_expect(ben, is_muted, (void *)"m2");
    scene_expect_tone(ada, 900, false);
    client_send_json(ben, "{\"type\":\"set\",\"audio_muted\":false}");
    scene_expect_tone(ada, 900, true);
    client_send_json(ada, "{\"type\":\"change-member\",\"id\":\"m2\",\"volume\":0}");
    scene_expect_tone(ada, 900, false);
    client_destroy(ben);
    client_destroy(ada);
}

static bool has_layout_name(struct client *client, void *user) {
    struct client_layout layout;
    return client_last_layout(client, &layout) && !strcmp(layout.name, user);
}

static bool has_no_tile(struct client *client, void *user) {
    struct client_tile tile;
    return !client_find_tile(client, user, false, &tile);
}

static void test_room_the_spotlight_makes_a_tile_large_and_hidden_ones_have_none(void **state) {
    struct client *ada = scene_member("light", "Ada", RED, 0);
    struct client *ben = scene_member("light", "Ben", GREEN, 0);
    struct client *cyd = scene_member("light", "Cyd", BLUE, 0);
    scene_expect_colour(ada, "m3", false, BLUE);
    tell("PATCH", "/api/v1/rooms/light/members/m3", "{\"spotlight\":true}", 200);
    scene_expect(ada, has_layout_name, (void *)"spotlight");
    struct client_tile large, small;
    assert_true(client_find_tile(ada, "m3", false, &large));
    assert_true(client_find_tile(ada, "m1", false, &small));
    assert_true(large.at.width * large.at.height > 2 * small.at.width * small.at.height);
    scene_expect_colour(ada, "m3", false, BLUE);
    tell("PATCH", "/api/v1/rooms/light/members/m2", "{\"hidden\":true}", 200);
    scene_expect(ada, has_no_tile, (void *)"m2");
    tell("PATCH", "/api/v1/rooms/light/members/m3", "{\"spotlight\":false}", 200);
    scene_expect(ada, has_layout_name, (void *)"grid");
    struct client *all[] = {ada, ben, cyd};
    scene_leave_all(all, 3);
}

static bool has_picture_width(struct client *client, void *user) {
    int width, height;
    return client_picture_size(client, &width, &height) == 0 && width == *(int *)user;
}

static void test_room_changes_its_canvas_while_all_goes_on(void **state) {
    struct client *ada = scene_member("canvas", "Ada", RED, 500);
    int small = 640, large = 1280;
    scene_expect(ada, has_picture_width, &large);
    tell("PATCH", "/api/v1/rooms/canvas",
         "{\"canvas\":{\"width\":640,\"height\":360,\"fps\":15},"
         "\"theme\":{\"background\":\"#204060\"}}",
         200);
    scene_expect(ada, has_picture_width, &small);
    scene_expect_colour(ada, "m1", false, RED);
    tell("PATCH", "/api/v1/rooms/canvas", "{\"canvas\":{\"width\":1280,\"height\":720,\"fps\":30}}",
         200);
    scene_expect(ada, has_picture_width, &large);
    client_destroy(ada);
}

static void test_room_a_custom_layout_puts_tiles_where_it_says(void **state) {
    struct client *ada = scene_member("custom", "Ada", RED, 0);
    struct client *ben = scene_member("custom", "Ben", GREEN, 0);
    tell("PUT", "/api/v1/rooms/custom/layout",
         "{\"kind\":\"custom\",\"animate\":false,\"tiles\":["
         "{\"x\":0,\"y\":0,\"width\":100,\"height\":100,\"z\":0,\"member\":\"m2\"},"
         "{\"x\":70,\"y\":70,\"width\":25,\"height\":25,\"z\":1,\"member\":\"m1\"}]}",
         200);
    scene_expect(ada, has_layout_name, (void *)"custom");
    scene_expect_colour(ada, "m1", false, RED); // above the other
    struct client_tile whole;
    assert_true(client_find_tile(ada, "m2", false, &whole));
    assert_int_equal(whole.at.width, 1280);
    tell("PUT", "/api/v1/rooms/custom/layout",
         "{\"kind\":\"custom\",\"tiles\":[{\"x\":90,\"y\":0,"
         "\"width\":20,\"height\":20}]}",
         422);
    client_destroy(ben);
    client_destroy(ada);
}

// ---- messages from outside ----

static void test_room_messages_from_outside_reach_all_or_one(void **state) {
    struct client *ada = come_in("say", "Ada", NULL), *ben = come_in("say", "Ben", NULL);
    tell("POST", "/api/v1/rooms/say/messages", "{\"text\":\"Five minutes left\"}", 201);
    expect_field(ada, "chat", "text", "Five minutes left");
    expect_field(ben, "chat", "name", "Host");
    tell("POST", "/api/v1/rooms/say/messages", "{\"text\":\"You are next\",\"to\":\"m2\"}", 201);
    expect_field(ben, "chat", "text", "You are next");
    expect_field(ben, "chat", "to", "m2");
    tell("POST", "/api/v1/rooms/say/messages", "{\"text\":\"\"}", 422);
    tell("POST", "/api/v1/rooms/say/messages", "{\"text\":\"x\",\"to\":\"m99\"}", 404);
    expect_field(ada, "chat", "text", "Five minutes left");
    json_t *list = ask("GET", "/api/v1/rooms/say/messages", NULL, 200);
    assert_int_equal(json_array_size(json_object_get(list, "messages")), 1);
    json_decref(list);
    client_destroy(ben);
    client_destroy(ada);
}

// ---- sounds from outside ----

enum { WAV_HEAD_BYTES = 44, WAV_RATE_HZ = 16000, WAV_SECONDS = 8 };

static void put_number(uint8_t *at, uint32_t value, int bytes) {
    for (int i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

// A tone of 1 kHz as a RIFF file of 16 bits.
static uint8_t *make_wav(size_t *size_bytes) {
    uint32_t data_bytes = 2 * WAV_RATE_HZ * WAV_SECONDS;
    uint8_t *wav = g_malloc0(WAV_HEAD_BYTES + data_bytes);
    memcpy(wav, "RIFF\0\0\0\0WAVEfmt ", 16);
    put_number(wav + 4, WAV_HEAD_BYTES - 8 + data_bytes, 4);
    put_number(wav + 16, 16, 4);
    put_number(wav + 20, 1, 2); // PCM
    put_number(wav + 22, 1, 2); // mono
    put_number(wav + 24, WAV_RATE_HZ, 4);
    put_number(wav + 28, 2 * WAV_RATE_HZ, 4);
    put_number(wav + 32, 2, 2);
    put_number(wav + 34, 16, 2);
    memcpy(wav + 36, "data", 4);
    put_number(wav + 40, data_bytes, 4);
    for (uint32_t i = 0; i < data_bytes / 2; i++) {
        int16_t sample = (int16_t)(8000 * sin(2 * G_PI * 1000 * i / WAV_RATE_HZ));
        put_number(wav + WAV_HEAD_BYTES + 2 * i, (uint16_t)sample, 2);
    }
    *size_bytes = WAV_HEAD_BYTES + data_bytes;
    return wav;
}

static void test_room_an_announcement_is_heard_by_all_until_it_is_stopped(void **state) {
    static const char path[] = "/api/v1/rooms/gong/announcement";
    struct client *ada = scene_member("gong", "Ada", RED, 500);
    struct client *ben = scene_member("gong", "Ben", GREEN, 0);
    size_t size_bytes;
    uint8_t *wav = make_wav(&size_bytes);
    assert_int_equal(server_upload(scene_server(), "POST", path, "audio/wav", wav, size_bytes),
                     204);
    scene_expect_tone(ada, 1000, true);
    scene_expect_tone(ben, 1000, true);
    scene_expect_tone(ben, 500, true);
    tell("DELETE", path, NULL, 204);
    scene_expect_tone(ada, 1000, false);
    assert_int_equal(server_upload(scene_server(), "POST", path, "audio/wav", wav, 20), 422);
    assert_int_equal(server_upload(scene_server(), "POST", path, "text/plain", wav, 20), 415);
    g_free(wav);
    client_destroy(ben);
    client_destroy(ada);
}

// ---- tokens ----

static char *mint(const char *body) {
    json_t *answer = ask("POST", "/api/v1/tokens", body, 201);
    char *more =
        g_strdup_printf("{\"token\":\"%s\"}", json_string_value(json_object_get(answer, "token")));
    json_decref(answer);
    return more;
}

static void test_room_a_token_says_who_comes_in_as_what(void **state) {
    char *moderator = mint("{\"room\":\"token\",\"role\":\"moderator\",\"name\":\"Dr. Grace\"}");
    char *viewer = mint("{\"room\":\"token\",\"role\":\"viewer\"}");
    char *once = mint("{\"room\":\"token\",\"single_use\":true}");
    tell("POST", "/api/v1/rooms", "{\"id\":\"token\",\"pin\":\"4711\"}", 201);
    struct client *first = come_in("token", "whoever", once);
    expect_role(first, "member");
    expect_refused("token", once, "token-used");
    expect_refused("other", moderator, "token-wrong-room");
    expect_refused("token", "{\"token\":\"a.b.c\"}", "token-bad");
    struct client *grace = come_in("token", "whoever", moderator);
    expect_role(grace, "moderator");
    struct client_member seen;
    char id[CLIENT_ID_MAX];
    client_id(grace, id);
    assert_true(client_find_member(grace, id, &seen));
    assert_string_equal(seen.name, "Dr. Grace");
    struct client *watcher = come_in("token", "Watcher", viewer);
    expect_role(watcher, "viewer");
    expect_field(grace, "viewers", "count", "1");
    char watcher_id[CLIENT_ID_MAX];
    client_id(watcher, watcher_id);
    assert_false(client_find_member(grace, watcher_id, &seen));
    client_send_json(watcher, "{\"type\":\"list-viewers\"}");
    assert_true(client_wait_error(watcher, "not-allowed", client_slow(SCENE_PATIENCE_MS)));
    client_send_json(watcher, "{\"type\":\"set\",\"video_muted\":false}");
    assert_true(client_wait_error(watcher, "not-allowed", client_slow(SCENE_PATIENCE_MS)));
    struct client *all[] = {first, grace, watcher};
    scene_leave_all(all, 3);
    g_free(moderator);
    g_free(viewer);
    g_free(once);
}

// ---- a restart ----

static struct client *come_back(struct server *server, const char *room, char *resume) {
    struct client_options options = {.port = server_port(server),
                                     .room = room,
                                     .name = "whoever",
                                     .resume = resume,
                                     .has_no_offer = true};
    struct client *client = client_create(&options);
    assert_true(client_wait_joined(client, client_slow(SCENE_PATIENCE_MS)));
    return client;
}

static void restart_in_the_middle(int signal_number) {
    struct server *server = server_start(NULL, NULL);
    assert_non_null(server);
    struct client *people[2];
    char *resume[2], ids[2][CLIENT_ID_MAX];
    for (int i = 0; i < 2; i++) {
        struct client_options options = {.port = server_port(server),
                                         .room = "phoenix",
                                         .name = i ? "Ben" : "Ada",
                                         .has_no_offer = true};
        people[i] = client_create(&options);
        assert_true(client_wait_joined(people[i], client_slow(SCENE_PATIENCE_MS)));
        resume[i] = client_resume_token(people[i]);
        client_id(people[i], ids[i]);
    }
    client_send_json(people[0], "{\"type\":\"change-room\",\"title\":\"From the ashes\","
                                "\"layout\":\"speaker\",\"locked\":true}");
    client_send_json(people[1], "{\"type\":\"set\",\"name\":\"Benjamin\"}");
    expect_field(people[1], "room", "room", "From the ashes");
    expect_field(people[0], "member-updated", "member", "Benjamin");
    client_send_json(people[0], "{\"type\":\"mute-all\"}");
    struct client_member muted = {0};
    for (int waited = 0; waited < 2000 && !muted.audio_muted; waited++) {
        client_find_member(people[0], ids[1], &muted);
        g_usleep(5000);
    }
    assert_true(muted.audio_muted);
    assert_true(server_restart(server, signal_number));
    scene_leave_all(people, 2);
    json_t *room = NULL;
    assert_int_equal(server_request(server, "GET", "/api/v1/rooms/phoenix", NULL, &room), 200);
    assert_string_equal(json_string_value(json_object_get(room, "title")), "From the ashes");
    assert_string_equal(json_string_value(json_object_get(room, "layout")), "speaker");
    assert_true(json_is_true(json_object_get(room, "locked")));
    json_decref(room);
    for (int i = 1; i >= 0; i--) { // the order of coming back does not matter
        people[i] = come_back(server, "phoenix", resume[i]);
        char id[CLIENT_ID_MAX];
        client_id(people[i], id);
        assert_string_equal(id, ids[i]);
        assert_true(client_was_resumed(people[i]));
        expect_role(people[i], i ? "member" : "moderator");
    }
    struct client_member ben;
    assert_true(client_find_member(people[0], ids[1], &ben));
    assert_string_equal(ben.name, "Benjamin");
    scene_leave_all(people, 2);
    g_free(resume[0]);
    g_free(resume[1]);
    assert_int_equal(server_stop(server), 0);
}

static void test_room_keeps_its_bans_over_a_kill(void **state) {
    struct server *server = server_start(NULL, NULL);
    assert_non_null(server);
    struct client_options options = {
        .port = server_port(server), .room = "banned", .name = "Ada", .has_no_offer = true};
    char id[CLIENT_ID_MAX];
    struct client *ada = client_create(&options);
    assert_true(client_wait_joined(ada, client_slow(SCENE_PATIENCE_MS)));
    options.name = "Eve";
    struct client *eve = client_create(&options);
    assert_true(client_wait_joined(eve, client_slow(SCENE_PATIENCE_MS)));
    client_id(eve, id);
    client_send_json(ada, "{\"type\":\"kick\",\"id\":\"%s\",\"ban\":3600}", id);
    scene_expect(eve, has_bye, (void *)"kicked");
    assert_true(server_restart(server, SIGKILL));
    client_destroy(eve);
    eve = client_create(&options);
    assert_true(client_wait_error(eve, "banned", client_slow(SCENE_PATIENCE_MS)));
    client_destroy(eve);
    client_destroy(ada);
    assert_int_equal(server_stop(server), 0);
}

// A picture comes back from its file, and goes with a room that is nobody's.
static void test_room_keeps_its_logo_over_a_restart(void **state) {
    static const char logo[] = "P6 16 16 255 ";
    struct server *server = server_start(NULL, NULL);
    assert_non_null(server);
    assert_int_equal(server_request(server, "POST", "/api/v1/rooms", "{\"id\":\"brand\"}", NULL),
                     201);
    char *picture = NULL;
    size_t size_bytes = 0;
    assert_int_equal(server_fetch(server, "GET", "/api/v1/rooms/brand/snapshot.png?width=64", NULL,
                                  &picture, &size_bytes),
                     200);
    assert_int_equal(server_upload(server, "PUT", "/api/v1/rooms/brand/pictures/logo", "image/png",
                                   picture, size_bytes),
                     204);
    assert_int_equal(server_upload(server, "PUT", "/api/v1/rooms/brand/pictures/logo", "image/png",
                                   logo, sizeof(logo)),
                     422);
    free(picture);
    assert_true(server_restart(server, SIGTERM));
    json_t *room = NULL;
    assert_int_equal(server_request(server, "GET", "/api/v1/rooms/brand", NULL, &room), 200);
    assert_true(json_is_true(json_object_get(json_object_get(room, "theme"), "has_logo")));
    json_decref(room);
    assert_int_equal(server_request(server, "DELETE", "/api/v1/rooms/brand", NULL, NULL), 204);
    assert_int_equal(server_stop(server), 0);
}

static void test_room_survives_a_kill_with_its_people_and_their_roles(void **state) {
    restart_in_the_middle(SIGKILL);
}

static void test_room_survives_an_orderly_restart_too(void **state) {
    restart_in_the_middle(SIGTERM);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_room_a_guest_waits_until_a_moderator_admits),
        cmocka_unit_test(test_room_who_is_refused_is_told_and_who_leaves_waits_no_more),
        cmocka_unit_test(test_room_without_its_lobby_lets_all_in_who_wait),
        cmocka_unit_test(test_room_asks_for_its_pin),
        cmocka_unit_test(test_room_bears_no_guessing_of_its_pin),
        cmocka_unit_test(test_room_that_is_locked_takes_nobody_but_who_is_back),
        cmocka_unit_test(test_room_bans_for_a_time_and_lifts_it),
        cmocka_unit_test(test_room_ends_at_its_hour),
        cmocka_unit_test(test_room_a_member_cannot_moderate),
        cmocka_unit_test(test_room_the_oldest_member_follows_the_last_moderator),
        cmocka_unit_test(test_room_that_is_found_empty_is_moderated_by_who_finds_it),
        cmocka_unit_test(test_room_whose_setting_forbids_it_has_no_heir),
        cmocka_unit_test(test_room_what_a_member_may_not_do_it_cannot),
        cmocka_unit_test(test_room_a_moderator_mutes_and_the_member_may_speak_again),
        cmocka_unit_test(test_room_the_spotlight_makes_a_tile_large_and_hidden_ones_have_none),
        cmocka_unit_test(test_room_changes_its_canvas_while_all_goes_on),
        cmocka_unit_test(test_room_a_custom_layout_puts_tiles_where_it_says),
        cmocka_unit_test(test_room_messages_from_outside_reach_all_or_one),
        cmocka_unit_test(test_room_an_announcement_is_heard_by_all_until_it_is_stopped),
        cmocka_unit_test(test_room_a_token_says_who_comes_in_as_what),
        cmocka_unit_test(test_room_keeps_its_logo_over_a_restart),
        cmocka_unit_test(test_room_keeps_its_bans_over_a_kill),
        cmocka_unit_test(test_room_survives_a_kill_with_its_people_and_their_roles),
        cmocka_unit_test(test_room_survives_an_orderly_restart_too),
    };
    return cmocka_run_group_tests(tests, scene_open, scene_close);
}

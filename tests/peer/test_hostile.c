// SPDX-License-Identifier: MIT
// A client can send anything. Two bystanders sit in the room the whole time; after each attack they
// must not have noticed: their picture and sound never paused, and the server still takes new
// members.
#include "tests/peer/scene.h"
#include "tests/peer/wire.h"

#include <errno.h>
#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { RED, GREEN, BLUE, YELLOW, CYAN };

static const char room[] = "hostile";
static struct client *bystanders[2];
static char red_id[CLIENT_ID_MAX];

static int group_open(void **state) {
    if (scene_open(state) < 0)
        return -1;
    bystanders[0] = scene_member(room, "Ada", RED, 500);
    bystanders[1] = scene_member(room, "Ben", GREEN, 900);
    client_id(bystanders[0], red_id);
    for (int i = 0; i < 2; i++) {
        assert_true(client_wait_picture(bystanders[i], client_slow(SCENE_PATIENCE_MS)));
        scene_expect_tone(bystanders[i], i ? 500 : 900, true);
    }
    return 0;
}

static int group_close(void **state) {
    scene_leave_all(bystanders, 2);
    return scene_close(state);
}

static int attack_begins(void **state) {
    scene_begin_no_gap(bystanders, 2);
    return 0;
}

static int nobody_noticed(void **state) {
    assert_true(server_is_alive(scene_server()));
    scene_expect_members(bystanders[0], 2);
    struct client_options options = {.room = room, .name = "Cy", .has_no_offer = true};
    client_destroy(scene_join(&options));
    scene_expect_members(bystanders[0], 2);
    scene_expect_colour(bystanders[1], red_id, false, RED);
    scene_end_no_gap(bystanders, 2);
    return 0;
}

// --- what is said ---

static struct client *join_signaling(const char *name) {
    struct client_options options = {.room = room, .name = name, .has_no_offer = true};
    return scene_join(&options);
}

static struct client *connect_only(void) {
    struct client_options options = {
        .port = server_port(scene_server()), .room = room, .name = "Mal", .has_no_join = true};
    return client_create(&options);
}

static void expect_error(struct client *client, const char *code) {
    if (client_wait_error(client, code, client_slow(SCENE_PATIENCE_MS)))
        return;
    char last[64];
    client_last_error(client, last, sizeof(last));
    fail_msg("expected the error %s; the last one is \"%s\"", code ? code : "(any)", last);
}

static bool is_answered(struct client *client, void *user) {
    return client_error_count(client) > 0 || client_close_code(client) != 0;
}

static bool has_joined(struct client *client, void *user) {
    char id[CLIENT_ID_MAX];
    client_id(client, id);
    return *id;
}

static void test_hostile_broken_json_is_answered_and_the_socket_lives(void **state) {
    static const char *const texts[] = {
        "{",        "",
        "null",     "[]",
        "\"join\"", "{\"type\":",
        "{}",       "{\"type\":\"join\",\"room\":\"hostile\",\"name\":\"\xff\xfe\"}"};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        struct client *client = connect_only();
        client_send_text(client, texts[i], strlen(texts[i]));
        if (!client_wait(client, is_answered, NULL, client_slow(SCENE_PATIENCE_MS)))
            fail_msg("no answer to %s", texts[i]);
        client_destroy(client);
    }
    struct client *client = connect_only();
    client_send_text(client, "{", 1);
    expect_error(client, "bad-json");
    client_send_json(client, "{\"type\":\"join\",\"room\":\"%s\",\"name\":\"Mal\"}", room);
    scene_expect(client, has_joined, NULL);
    client_destroy(client);
}

static void test_hostile_deep_json_is_refused(void **state) {
    char deep[40001];
    memset(deep, '[', sizeof(deep) - 1);
    deep[sizeof(deep) - 1] = '\0';
    struct client *client = connect_only();
    client_send_text(client, deep, strlen(deep));
    scene_expect(client, is_answered, NULL);
    client_destroy(client);
}

static void test_hostile_unknown_types_are_answered(void **state) {
    struct client *client = join_signaling("Mal");
    client_send_json(client, "{\"type\":\"reboot\"}");
    expect_error(client, "unknown-type");
    client_destroy(client);
}

static void test_hostile_fields_of_the_wrong_kind_are_answered(void **state) {
    static const char *const texts[] = {
        "{\"type\":\"set\",\"audio_muted\":\"yes\"}",
        "{\"type\":\"set\",\"name\":[1,2]}",
        "{\"type\":\"chat\",\"text\":{}}",
        "{\"type\":\"chat\"}",
        "{\"type\":\"send-offer\",\"sdp\":7}",
        "{\"type\":\"send-offer\"}",
        "{\"type\":\"ice-candidate\",\"candidate\":\"candidate:1\",\"sdpMLineIndex\":\"0\"}",
        "{\"type\":\"ice-candidate\",\"candidate\":\"candidate:1\",\"sdpMLineIndex\":99999999999}",
        "{\"type\":\"reaction\",\"emoji\":1}",
        "{\"type\":7}",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        struct client *client = join_signaling("Mal");
        client_send_text(client, texts[i], strlen(texts[i]));
        if (!client_wait(client, is_answered, NULL, client_slow(SCENE_PATIENCE_MS)))
            fail_msg("no answer to %s", texts[i]);
        client_destroy(client);
    }
}

static void test_hostile_words_before_joining_are_refused(void **state) {
    static const char *const texts[] = {"{\"type\":\"chat\",\"text\":\"hello\"}",
                                        "{\"type\":\"set\",\"hand\":true}",
                                        "{\"type\":\"send-offer\",\"sdp\":\"v=0\"}"};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        struct client *client = connect_only();
        client_send_text(client, texts[i], strlen(texts[i]));
        expect_error(client, NULL);
        client_destroy(client);
    }
}

static void test_hostile_an_offer_of_a_megabyte_is_refused(void **state) {
    enum { MEGABYTE = 1 << 20 };
    struct client *client = join_signaling("Mal");
    GString *text = g_string_new("{\"type\":\"send-offer\",\"sdp\":\"v=0");
    while (text->len < MEGABYTE)
        g_string_append(text, "\\r\\na=x:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    g_string_append(text, "\"}");
    client_send_text(client, text->str, text->len);
    scene_expect(client, is_answered, NULL);
    g_string_free(text, TRUE);
    client_destroy(client);
}

static char *sdp_with_mlines(int count) {
    GString *sdp =
        g_string_new("v=0\\r\\no=- 1 1 IN IP4 0.0.0.0\\r\\ns=-\\r\\nt=0 0\\r\\na=group:BUNDLE");
    for (int i = 0; i < count; i++)
        g_string_append_printf(sdp, " %d", i);
    g_string_append(sdp, "\\r\\n");
    for (int i = 0; i < count; i++)
        g_string_append_printf(
            sdp,
            "m=video 9 UDP/TLS/RTP/SAVPF 96\\r\\nc=IN IP4 "
            "0.0.0.0\\r\\na=mid:%d\\r\\na=rtcp-mux\\r\\n"
            "a=ice-ufrag:abcd\\r\\na=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa\\r\\na=setup:actpass\\r\\n"
            "a=fingerprint:sha-256 "
            "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:"
            "16:17:18:19:1A:1B:1C:1D:1E:1F\\r\\na=rtpmap:96 VP8/90000\\r\\na=sendrecv\\r\\n",
            i);
    return g_string_free(sdp, FALSE);
}

static void test_hostile_an_offer_with_thirty_mlines_is_refused(void **state) {
    struct client *client = join_signaling("Mal");
    char *sdp = sdp_with_mlines(30);
    client_send_json(client, "{\"type\":\"send-offer\",\"sdp\":\"%s\"}", sdp);
    expect_error(client, NULL);
    g_free(sdp);
    client_destroy(client);
}

static void test_hostile_offers_of_nonsense_are_refused(void **state) {
    static const char *const offers[] = {
        "",
        "hello",
        "v=0",
        "v=0\\r\\nm=audio\\r\\n",
        ("v=0\\r\\no=- 1 1 IN IP4 0.0.0.0\\r\\ns=-\\r\\nt=0 0\\r\\nm=audio 9 UDP/TLS/RTP/SAVPF "
         "999\\r\\n"),
        "v=0\\r\\no=- 1 1 IN IP4 0.0.0.0\\r\\ns=-\\r\\nt=0 0\\r\\nm=image 9 udptl t38\\r\\n"};
    for (size_t i = 0; i < G_N_ELEMENTS(offers); i++) {
        struct client *client = join_signaling("Mal");
        client_send_json(client, "{\"type\":\"send-offer\",\"sdp\":\"%s\"}", offers[i]);
        if (!client_wait(client, is_answered, NULL, client_slow(SCENE_PATIENCE_MS)))
            fail_msg("no answer to the offer \"%s\"", offers[i]);
        client_destroy(client);
    }
}

static void test_hostile_garbage_candidates_do_not_hinder_a_connection(void **state) {
    struct client_options options = {.port = server_port(scene_server()),
                                     .room = room,
                                     .name = "Mal",
                                     .camera = scene_colour(BLUE)};
    struct client *client = client_create(&options);
    assert_true(client_wait_joined(client, client_slow(SCENE_PATIENCE_MS)));
    static const char *const candidates[] = {"",
                                             "candidate:",
                                             "garbage",
                                             "candidate:1 1 udp 1 256.1.1.1 99999 typ host",
                                             "candidate:1 1 udp 4294967296 10.0.0.1 1 typ host",
                                             "candidate:1 1 udp 1 x.invalid 9 typ host",
                                             "candidate:1 7 sctp 1 ::: 1 typ nonsense raddr",
                                             "candidate:1 1 udp 1 127.0.0.1 1 typ host"};
    for (size_t i = 0; i < G_N_ELEMENTS(candidates); i++)
        for (int mline = 0; mline < 9; mline += 4)
            client_send_json(client,
                             "{\"type\":\"ice-candidate\",\"candidate\":\"%s\",\"sdpMid\":\"%d\","
                             "\"sdpMLineIndex\":%d}",
                             candidates[i], mline, mline);
    assert_true(client_wait_connected(client, client_slow(SCENE_PATIENCE_MS)));
    assert_true(client_wait_picture(client, client_slow(SCENE_PATIENCE_MS)));
    client_destroy(client);
}

static void test_hostile_a_second_offer_does_no_harm(void **state) {
    struct client *client = scene_member(room, "Mal", BLUE, 0);
    char *sdp = sdp_with_mlines(2);
    for (int i = 0; i < 5; i++)
        client_send_json(client, "{\"type\":\"send-offer\",\"sdp\":\"%s\"}", sdp);
    client_send_json(client, "{\"type\":\"nonsense\"}"); // answered after them, whatever they get
    expect_error(client, NULL);
    g_free(sdp);
    client_destroy(client);
}

// Each is a connection with a dozen threads.
static void test_hostile_a_flood_of_offers_is_held_back(void **state) {
    struct client *client = join_signaling("Mal");
    for (int i = 0; i < 100; i++)
        client_send_json(client, "{\"type\":\"send-offer\",\"sdp\":\"v=0\"}");
    expect_error(client, "rate-limited");
    client_destroy(client);
}

static void test_hostile_a_name_of_ten_kilobytes_is_refused_or_cut(void **state) {
    char name[10241];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    struct client *client = connect_only();
    client_send_json(client, "{\"type\":\"join\",\"room\":\"%s\",\"name\":\"%s\"}", room, name);
    assert_true(client_wait_error(client, NULL, client_slow(SCENE_PATIENCE_MS)) ||
                has_joined(client, NULL));
    char id[CLIENT_ID_MAX];
    client_id(client, id);
    struct client_member member;
    if (*id && client_find_member(client, id, &member))
        assert_true(strlen(member.name) < 255);
    client_destroy(client);
}

static void test_hostile_control_characters_are_taken_out_of_names(void **state) {
    struct client *client = connect_only();
    client_send_json(
        client, "{\"type\":\"join\",\"room\":\"%s\",\"name\":\"  A\\u0007d\\u001b[31ma\\u202e  \"}",
        room);
    if (!client_wait_joined(client, client_slow(SCENE_PATIENCE_MS)))
        expect_error(client, NULL);
    char id[CLIENT_ID_MAX];
    client_id(client, id);
    struct client_member member;
    if (*id && client_find_member(client, id, &member)) {
        for (const char *c = member.name; *c; c++)
            assert_true((unsigned char)*c >= ' ' && *c != 0x7f);
        assert_null(strstr(member.name, "\xe2\x80\xae"));
        assert_int_not_equal(member.name[0], ' ');
    }
    client_destroy(client);
}

static void test_hostile_bad_room_names_are_refused(void **state) {
    static const char *const names[] = {
        "",         "..",  "a/b",
        "<script>", "a b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        struct client *client = connect_only();
        client_send_json(client, "{\"type\":\"join\",\"room\":\"%s\",\"name\":\"Mal\"}", names[i]);
        expect_error(client, NULL);
        client_destroy(client);
    }
}

static void test_hostile_a_flood_of_messages_is_held_back(void **state) {
    struct client *client = join_signaling("Mal");
    for (int i = 0; i < 3000; i++)
        client_send_json(client, "{\"type\":\"chat\",\"text\":\"flood %d\"}", i);
    scene_expect(client, is_answered, NULL);
    assert_true(client_message_count(bystanders[0], "chat") < 1500);
    client_destroy(client);
}

// --- what is sent ---

// A member with this camera, who is let in, looked at, and sent away.
static void show_to_bystanders(const struct media *camera, bool is_seen) {
    struct client_options options = {
        .room = room, .name = "Mal", .camera = camera, .microphone = scene_tone(0, -12)};
    struct client *client = scene_join(&options);
    assert_true(client_wait_picture(client, client_slow(SCENE_PATIENCE_MS)));
    scene_expect_members(bystanders[0], 3);
    char id[CLIENT_ID_MAX];
    client_id(client, id);
    if (is_seen)
        scene_expect_colour(bystanders[0], id, false, BLUE);
    // Two full loops of what it sends, measured by what came back in the meantime.
    scene_expect_colour(client, red_id, false, RED);
    scene_expect_tone(client, 500, true);
    client_destroy(client);
}

static void spoil_and_show(void (*spoil)(struct media *media)) {
    struct media *media = media_copy(scene_colour(BLUE));
    assert_non_null(media);
    spoil(media);
    show_to_bystanders(media, false);
    media_destroy(media);
}

static void truncate_frames(struct media *media) {
    for (int i = 0; i < media->count; i++)
        media->frames[i].size_bytes = MIN(media->frames[i].size_bytes, (size_t)(1 + i % 13));
}

static void corrupt_frames(struct media *media) {
    GRand *random = g_rand_new_with_seed(7);
    for (int i = 0; i < media->count; i++)
        for (size_t at = i % 3 ? 0 : 10; at < media->frames[i].size_bytes; at += 1 + i % 4)
            media->frames[i].data[at] = (uint8_t)g_rand_int(random);
    g_rand_free(random);
}

// The size stands in bytes 6 to 9 of a keyframe: RFC 6386 9.1.
static void lie_about_size(struct media *media) {
    for (int i = 0; i < media->count; i++)
        if (media->frames[i].is_keyframe && media->frames[i].size_bytes > 10)
            memset(media->frames[i].data + 6, 0x3f, 4);
}

static void forget_keyframes(struct media *media) {
    for (int i = 0; i < media->count; i++)
        media->frames[i].data[0] |= 1;
}

static void test_hostile_truncated_frames_harm_nobody(void **state) {
    spoil_and_show(truncate_frames);
}
static void test_hostile_corrupt_frames_harm_nobody(void **state) {
    spoil_and_show(corrupt_frames);
}
static void test_hostile_a_size_that_lies_harms_nobody(void **state) {
    spoil_and_show(lie_about_size);
}
static void test_hostile_frames_without_a_keyframe_harm_nobody(void **state) {
    spoil_and_show(forget_keyframes);
}

static void show_size(int width_px, int height_px, int fps, bool is_seen) {
    struct media *media = media_create_colour(scene_rgb(BLUE), width_px, height_px, fps);
    assert_non_null(media);
    show_to_bystanders(media, is_seen);
    media_destroy(media);
}

static void test_hostile_a_picture_of_16_pixels_is_shown(void **state) {
    show_size(16, 16, 30, true);
}
static void test_hostile_an_upright_sliver_harms_nobody(void **state) {
    show_size(2, 1080, 10, false);
}
static void test_hostile_a_picture_4096_wide_harms_nobody(void **state) {
    show_size(4096, 2160, 2, false);
}

static void test_hostile_a_size_that_changes_all_the_time_is_followed(void **state) {
    static const int sizes[][2] = {{320, 180}, {640, 360}, {180, 320}, {64, 64}, {1280, 720}};
    struct media *all = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        struct media *one = media_create_colour(scene_rgb(BLUE), sizes[i][0], sizes[i][1], 10);
        assert_non_null(one);
        if (all) {
            assert_int_equal(media_append_all(all, one), 0);
            media_destroy(one);
        } else
            all = one;
    }
    show_to_bystanders(all, true);
    media_destroy(all);
}

static void test_hostile_opus_of_noise_harms_nobody(void **state) {
    struct media *noise = media_copy(scene_tone(700, -12));
    corrupt_frames(noise);
    struct client_options options = {.room = room, .name = "Mal", .microphone = noise};
    struct client *client = scene_join(&options);
    assert_true(client_wait_picture(client, client_slow(SCENE_PATIENCE_MS)));
    scene_expect_tone(client, 500, true);
    client_destroy(client);
    media_destroy(noise);
}

static void test_hostile_a_member_who_sends_nothing_has_a_tile_and_sees(void **state) {
    struct client_options options = {.room = room, .name = "Silent"};
    struct client *client = scene_join(&options);
    char id[CLIENT_ID_MAX];
    client_id(client, id);
    scene_expect_colour(client, red_id, false, RED);
    scene_expect_tone(client, 900, true);
    client_destroy(client);
}

static void test_hostile_a_flood_of_keyframe_requests_is_coalesced(void **state) {
    struct client *client = scene_member(room, "Mal", BLUE, 0);
    assert_true(client_wait_picture(client, client_slow(SCENE_PATIENCE_MS)));
    double before = server_metric(scene_server(), "tessera_keyframes_total");
    assert_true(before >= 0);
    gint64 start_us = g_get_monotonic_time();
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 100; i++)
            client_request_keyframe(client);
        struct client_stream video;
        client_video(client, &video);
        scene_expect_colour(client, red_id, false, RED);
    }
    double elapsed_s = (double)(g_get_monotonic_time() - start_us) / 1e6;
    double keyframes = server_metric(scene_server(), "tessera_keyframes_total") - before;
    assert_true(keyframes <= elapsed_s / 0.3 + 3);
    client_destroy(client);
}

// --- sockets ---

static bool is_hung_up(int fd, int timeout_ms) {
    struct timeval timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    char buffer[1024];
    ssize_t got;
    while ((got = recv(fd, buffer, sizeof(buffer), 0)) > 0)
        ;
    return got == 0 || errno == ECONNRESET;
}

static void test_hostile_sockets_that_say_nothing_are_closed(void **state) {
    enum { SOCKETS = 20 };
    int fds[SOCKETS];
    for (int i = 0; i < SOCKETS; i++) {
        fds[i] = wire_connect_tcp("127.0.0.1", server_port(scene_server()));
        assert_true(fds[i] >= 0);
        if (i % 2)
            assert_int_equal(send(fds[i], "GET /ws HT", 10, MSG_NOSIGNAL), 10);
    }
    for (int i = 0; i < SOCKETS; i++) {
        assert_true(is_hung_up(fds[i], client_slow(30000)));
        close(fds[i]);
    }
}

static void test_hostile_a_websocket_that_never_joins_is_closed(void **state) {
    struct client *client = connect_only();
    assert_true(client_wait_closed(client, client_slow(SCENE_PATIENCE_MS)));
    client_destroy(client);
}

static int open_websocket(void) {
    static const char request[] =
        "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n";
    int fd = wire_connect_tcp("127.0.0.1", server_port(scene_server()));
    assert_true(fd >= 0);
    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
    char buffer[12] = "";
    assert_int_equal(recv(fd, buffer, sizeof(buffer), MSG_WAITALL), sizeof(buffer));
    assert_memory_equal(buffer, "HTTP/1.1 101", 12);
    return fd;
}

static void test_hostile_broken_websocket_frames_end_the_socket(void **state) {
    static const struct {
        const char *bytes;
        size_t size;
    } frames[] = {
        {"\x81\x05hello", 7},                                     // not masked
        {"\xff\x85\x01\x02\x03\x04xxxxx", 11},                    // reserved bits
        {"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", 14}, // a length of 2^63
        {"\x80\x85\x01\x02\x03\x04xxxxx", 11},                    // continues nothing
        {"\x83\x80\x01\x02\x03\x04", 6},                          // an opcode that is none
        {"\x89\xfe\x01\x00\x01\x02\x03\x04", 8},                  // a ping of 256 bytes
    };
    for (size_t i = 0; i < G_N_ELEMENTS(frames); i++) {
        int fd = open_websocket();
        assert_true(send(fd, frames[i].bytes, frames[i].size, MSG_NOSIGNAL) > 0);
        assert_true(is_hung_up(fd, client_slow(SCENE_PATIENCE_MS)));
        close(fd);
    }
}

static void test_hostile_http_nonsense_is_answered_or_closed(void **state) {
    static const char *const requests[] = {
        "\r\n\r\n\r\n", "GET\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01",
        "POST /api/v1/rooms HTTP/1.1\r\nContent-Length: -5\r\n\r\n"};
    for (size_t i = 0; i < G_N_ELEMENTS(requests); i++) {
        int fd = wire_connect_tcp("127.0.0.1", server_port(scene_server()));
        assert_true(fd >= 0);
        assert_true(send(fd, requests[i], strlen(requests[i]), MSG_NOSIGNAL) >= 0);
        shutdown(fd, SHUT_WR);
        assert_true(is_hung_up(fd, client_slow(30000)));
        close(fd);
    }
}

#define ATTACK(test) cmocka_unit_test_setup_teardown(test, attack_begins, nobody_noticed)

int main(void) {
    const struct CMUnitTest tests[] = {
        ATTACK(test_hostile_broken_json_is_answered_and_the_socket_lives),
        ATTACK(test_hostile_deep_json_is_refused),
        ATTACK(test_hostile_unknown_types_are_answered),
        ATTACK(test_hostile_fields_of_the_wrong_kind_are_answered),
        ATTACK(test_hostile_words_before_joining_are_refused),
        ATTACK(test_hostile_an_offer_of_a_megabyte_is_refused),
        ATTACK(test_hostile_an_offer_with_thirty_mlines_is_refused),
        ATTACK(test_hostile_offers_of_nonsense_are_refused),
        ATTACK(test_hostile_garbage_candidates_do_not_hinder_a_connection),
        ATTACK(test_hostile_a_second_offer_does_no_harm),
        ATTACK(test_hostile_a_flood_of_offers_is_held_back),
        ATTACK(test_hostile_a_name_of_ten_kilobytes_is_refused_or_cut),
        ATTACK(test_hostile_control_characters_are_taken_out_of_names),
        ATTACK(test_hostile_bad_room_names_are_refused),
        ATTACK(test_hostile_a_flood_of_messages_is_held_back),
        ATTACK(test_hostile_truncated_frames_harm_nobody),
        ATTACK(test_hostile_corrupt_frames_harm_nobody),
        ATTACK(test_hostile_a_size_that_lies_harms_nobody),
        ATTACK(test_hostile_frames_without_a_keyframe_harm_nobody),
        ATTACK(test_hostile_a_picture_of_16_pixels_is_shown),
        ATTACK(test_hostile_an_upright_sliver_harms_nobody),
        ATTACK(test_hostile_a_picture_4096_wide_harms_nobody),
        ATTACK(test_hostile_a_size_that_changes_all_the_time_is_followed),
        ATTACK(test_hostile_opus_of_noise_harms_nobody),
        ATTACK(test_hostile_a_member_who_sends_nothing_has_a_tile_and_sees),
        ATTACK(test_hostile_a_flood_of_keyframe_requests_is_coalesced),
        ATTACK(test_hostile_sockets_that_say_nothing_are_closed),
        ATTACK(test_hostile_a_websocket_that_never_joins_is_closed),
        ATTACK(test_hostile_broken_websocket_frames_end_the_socket),
        ATTACK(test_hostile_http_nonsense_is_answered_or_closed),
    };
    return cmocka_run_group_tests(tests, group_open, group_close);
}

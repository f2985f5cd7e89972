// SPDX-License-Identifier: MIT
// A whole participant: joins over the WebSocket, offers, replays encoded media, and keeps what it
// is told and what it receives, for tests to ask about. All functions are for any thread unless
// said otherwise; create and destroy from one thread. Nothing here asserts: tests do.
#ifndef TESTS_PEER_CLIENT_H
#define TESTS_PEER_CLIENT_H

#include "tests/peer/figures.h"
#include "tests/peer/media.h"
#include "tests/peer/transport.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct client;

enum { CLIENT_TILES_MAX = 64, CLIENT_ID_MAX = 32 };

struct client_options {
    const char *host; // NULL: 127.0.0.1
    int port;
    const char *path; // NULL: /ws
    const char *room, *name;
    const char *more;               // fields of `join` besides: "{\"pin\":\"1234\"}"; NULL: none
    const char *resume;             // NULL, or what client_resume_token() of an earlier one gave
    const struct media *camera;     // borrowed until client_destroy(); NULL: nothing is sent
    const struct media *microphone; // likewise
    bool has_no_join;               // say nothing by itself
    bool has_no_offer;              // join only: the signaling half
    bool keeps_packets;             // for client_take_packets()
    bool keeps_figures;             // for client_figures(); decodes every picture
    bool sends_by_clock;            // see sender_add_by_clock()
    int video_latency_ms;           // see transport.h
    // What is offered. All zero: what a browser offers (audio and camera both ways, screen,
    // channel).
    struct transport_options offer;
};

struct client_rect {
    int x, y, width, height;
};

struct client_tile {
    char member[CLIENT_ID_MAX];
    bool is_screen;
    struct client_rect at;
};

struct client_layout {
    char name[16];
    int width_px, height_px, count;
    struct client_tile tiles[CLIENT_TILES_MAX];
};

struct client_member {
    char id[CLIENT_ID_MAX], name[256], role[32];
    bool audio_muted, video_muted, hand, screen;
};

// What arrived of one kind. Times are CLOCK_MONOTONIC.
struct client_stream {
    uint64_t count, bytes;
    int64_t first_ns, last_ns; // 0: none yet
    int64_t max_gap_ns;        // since client_reset_gaps(), and up to now if that is longer
    int width_px, height_px;   // of video, as the newest keyframe says
};

struct client_packet {
    int64_t arrival_ns;
    int64_t pts_ns; // as of struct transport_media
    bool is_audio;
    size_t size_bytes;
    uint8_t *data;
};

// Connects and joins in the background.
struct client *client_create(const struct client_options *options);
// Leaves politely (a close frame, DTLS closed) and frees. NULL is allowed.
void client_destroy(struct client *client);

// Waits until is_true(client, user) holds; asked again whenever something changed and every 50 ms.
typedef bool (*client_predicate)(struct client *client, void *user);
bool client_wait(struct client *client, client_predicate is_true, void *user, int timeout_ms);
// Common ones.
bool client_wait_joined(struct client *client, int timeout_ms);    // `joined` came
bool client_wait_connected(struct client *client, int timeout_ms); // ICE and DTLS are up
bool client_wait_picture(struct client *client, int timeout_ms); // the first frame of the composite
bool client_wait_closed(struct client *client, int timeout_ms);  // the WebSocket has gone
bool client_wait_error(struct client *client, const char *code, int timeout_ms); // code NULL: any

// --- what it was told ---
void client_id(struct client *client, char out[CLIENT_ID_MAX]); // "" before `joined`
char *client_resume_token(struct client *client);               // g_free() it; NULL before `joined`
bool client_was_resumed(struct client *client);
bool client_last_layout(struct client *client, struct client_layout *out); // false: none yet
bool client_find_tile(struct client *client, const char *member, bool is_screen,
                      struct client_tile *out);
int client_member_count(struct client *client); // with itself, 0 before `joined`
bool client_find_member(struct client *client, const char *id, struct client_member *out);
bool client_hears_as_speaking(struct client *client,
                              const char *id);                 // is id in the last `speaking`?
bool client_has_chat(struct client *client, const char *text); // came, live or as history
int client_error_count(struct client *client);
void client_last_error(struct client *client, char *code, size_t code_bytes);
bool client_bye(struct client *client, char *reason, size_t reason_bytes); // false: no `bye` yet
int client_close_code(struct client *client);                      // of the WebSocket; 0: none
int client_message_count(struct client *client, const char *type); // how many of this type came
// The newest of this type, a new reference; NULL: none came.
json_t *client_last_message(struct client *client, const char *type);

// --- what it receives ---
void client_video(struct client *client, struct client_stream *out);
void client_audio(struct client *client, struct client_stream *out);
void client_reset_gaps(struct client *client);
int64_t client_connected_ns(struct client *client);
// As sight.h and hearing.h say.
int client_colour_at(struct client *client, int x, int y, int width_px, int height_px,
                     struct rgb *out);
int client_tile_colour(struct client *client, const struct client_tile *tile, struct rgb *out);
int client_picture_size(struct client *client, int *width_px, int *height_px);
int client_save_picture(struct client *client, const char *path);
int client_tone_dbfs(struct client *client, int hz, double *out);
int client_level_dbfs(struct client *client, double *out);
uint64_t client_broken_count(struct client *client);
// With keeps_figures.
void client_figures(struct client *client, struct figures_view *out);
void client_begin_figures(struct client *client);    // anew
int64_t client_round_trip_ns(struct client *client); // 0: not known
// With keeps_packets: all so far, with the client's ownership given up. Returns their number; the
// array and each data are to be freed with g_free().
int client_take_packets(struct client *client, struct client_packet **out);

// --- what it does ---
void client_send_text(struct client *client, const char *text, size_t size_bytes); // raw
void client_send_json(struct client *client, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
int client_send_channel(struct client *client, const char *text); // 0, or -ENOTCONN
bool client_has_channel(struct client *client);                   // the data channel is open
void client_set_camera(struct client *client, const struct media *media); // needs a camera before
void client_set_microphone(struct client *client, const struct media *media);
void client_pause_camera(struct client *client, bool is_paused);
void client_share_screen(struct client *client, const struct media *media); // NULL: no more
void client_request_keyframe(struct client *client);
void client_cut_socket(struct client *client); // without a close frame; the media goes on
// Called for every frame sent, from the sender thread. Set before it connects.
typedef void (*client_on_sent)(void *user, bool is_audio, int index, int64_t sent_ns);
void client_set_on_sent(struct client *client, client_on_sent on_sent, void *user);

// Timeouts of tests are stretched by TESSERA_TEST_SLOW (a factor) where sanitizers slow all down.
int client_slow(int timeout_ms);

#endif

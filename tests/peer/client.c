// SPDX-License-Identifier: MIT
// The wire's thread drives the life: joined -> transport -> offer -> answer. GStreamer's threads
// put what arrives into the intake; what is told is kept in notes (notes.c).
#include "tests/peer/client.h"

#include "tests/peer/intake.h"
#include "tests/peer/notes.h"
#include "tests/peer/sender.h"
#include "tests/peer/wire.h"

#include <errno.h>
#include <glib.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct client {
    // Immutable.
    struct client_options options;
    char *room, *name, *resume;
    json_t *more;
    struct intake *intake;
    struct notes *notes;
    struct wire *wire;
    client_on_sent on_sent;
    void *on_sent_user;

    GMutex streams_lock; // taken before lock: makes and ends streams
    GMutex lock;
    GCond changed;
    // Protected by lock.
    unsigned serial; // counts changes, for client_wait()
    int64_t connected_ns;
    bool has_channel, is_closed, is_ending;
    int close_code;
    // Made on the wire's thread, read under lock, freed in client_destroy() after that thread's
    // end.
    struct transport *transport;
    struct sender_stream *streams[TRANSPORT_ROLES];
    const struct media *wanted[TRANSPORT_ROLES];
};

int client_slow(int timeout_ms) {
    const char *factor = getenv("TESSERA_TEST_SLOW");
    double times = factor ? atof(factor) : 1;
    return (int)(timeout_ms * (times > 1 ? times : 1));
}

static void touch_locked(struct client *client) {
    client->serial++;
    g_cond_broadcast(&client->changed);
}

static void touch(struct client *client) {
    g_mutex_lock(&client->lock);
    touch_locked(client);
    g_mutex_unlock(&client->lock);
}

// --- media out (sender thread) ---

static void push_role(struct client *client, enum transport_role role,
                      const struct media_frame *frame, int index, int64_t due_ns) {
    int64_t now_ns = sender_now_ns();
    transport_push(client->transport, role, frame->data, frame->size_bytes, due_ns);
    if (client->on_sent && role != TRANSPORT_SCREEN)
        client->on_sent(client->on_sent_user, role == TRANSPORT_AUDIO, index, now_ns);
}

static void push_audio(void *user, const struct media_frame *frame, int index, int64_t due_ns) {
    push_role(user, TRANSPORT_AUDIO, frame, index, due_ns);
}

static void push_camera(void *user, const struct media_frame *frame, int index, int64_t due_ns) {
    push_role(user, TRANSPORT_CAMERA, frame, index, due_ns);
}

static void push_screen(void *user, const struct media_frame *frame, int index, int64_t due_ns) {
    push_role(user, TRANSPORT_SCREEN, frame, index, due_ns);
}

// Brings the stream of a role in line with what is wanted. streams_lock is held across the sender's
// calls, which wait for pushes: these lead back into this client, but never here.
static void update_stream(struct client *client, enum transport_role role) {
    static const sender_push pushes[] = {push_audio, push_camera, push_screen};
    g_mutex_lock(&client->streams_lock);
    g_mutex_lock(&client->lock);
    struct sender_stream *stream = client->streams[role];
    const struct media *media = client->wanted[role];
    bool is_wanted = media && client->connected_ns != 0 && !client->is_ending;
    if (!is_wanted)
        client->streams[role] = NULL;
    g_mutex_unlock(&client->lock);
    if (!is_wanted)
        sender_remove(stream);
    else if (stream)
        sender_set_media(stream, media);
    else {
        stream = client->options.sends_by_clock ? sender_add_by_clock(media, pushes[role], client)
                                                : sender_add(media, pushes[role], client);
        g_mutex_lock(&client->lock);
        client->streams[role] = stream;
        g_mutex_unlock(&client->lock);
    }
    g_mutex_unlock(&client->streams_lock);
}

static void want_media(struct client *client, enum transport_role role, const struct media *media) {
    g_mutex_lock(&client->lock);
    client->wanted[role] = media;
    g_mutex_unlock(&client->lock);
    update_stream(client, role);
}

// --- transport's callbacks ---

static void send_json(struct client *client, json_t *message) {
    char *text = json_dumps(message, JSON_COMPACT);
    json_decref(message);
    if (text)
        wire_send_text(client->wire, text, strlen(text));
    free(text);
}

static void on_candidate(void *user, const char *candidate, const char *mid, int mline_index) {
    send_json(user, json_pack("{s:s,s:s,s:s*,s:i}", "type", "ice-candidate", "candidate", candidate,
                              "sdpMid", mid, "sdpMLineIndex", mline_index));
}

static void on_connected(void *user) {
    struct client *client = user;
    g_mutex_lock(&client->lock);
    client->connected_ns = sender_now_ns();
    touch_locked(client);
    g_mutex_unlock(&client->lock);
    for (int role = 0; role < TRANSPORT_ROLES; role++)
        update_stream(client, role);
}

static void on_transport_closed(void *user) {
    touch(user);
}

static void on_channel_open(void *user) {
    struct client *client = user;
    g_mutex_lock(&client->lock);
    client->has_channel = true;
    touch_locked(client);
    g_mutex_unlock(&client->lock);
}

static void on_media(void *user, enum transport_role role, const struct transport_media *media) {
    struct client *client = user;
    intake_add(client->intake, role == TRANSPORT_AUDIO, media);
    touch(client);
}

static void on_keyframe_request(void *user, enum transport_role role) {
    struct client *client = user;
    g_mutex_lock(&client->lock);
    struct sender_stream *stream = client->streams[role];
    if (stream)
        sender_rewind(stream);
    g_mutex_unlock(&client->lock);
}

static void on_channel_message(void *user, const char *text);

static const struct transport_ops transport_callbacks = {
    on_candidate,       on_connected, on_transport_closed, on_channel_open,
    on_channel_message, on_media,     on_keyframe_request,
};

// --- signaling (wire's thread) ---

static void start_offer(struct client *client) {
    struct transport *transport =
        transport_create(&client->options.offer, &transport_callbacks, client);
    g_mutex_lock(&client->lock);
    client->transport = transport;
    g_mutex_unlock(&client->lock);
    char *sdp = transport ? transport_offer(transport) : NULL;
    if (sdp)
        send_json(client, json_pack("{s:s,s:s}", "type", "send-offer", "sdp", sdp));
    else
        g_printerr("client %s: no offer could be made\n", client->name);
    g_free(sdp);
}

static void obey(struct client *client, const json_t *message) {
    const char *type = json_string_value(json_object_get(message, "type"));
    const char *sdp = json_string_value(json_object_get(message, "sdp"));
    const char *candidate = json_string_value(json_object_get(message, "candidate"));
    if (!type)
        return;
    if (!strcmp(type, "joined") && !client->transport && !client->options.has_no_offer)
        start_offer(client);
    else if (!strcmp(type, "send-answer") && sdp && client->transport) {
        if (transport_set_answer(client->transport, sdp) < 0)
            g_printerr("client %s: the answer was not accepted\n", client->name);
    } else if (!strcmp(type, "ice-candidate") && candidate && client->transport)
        transport_add_candidate(client->transport, candidate,
                                (int)json_integer_value(json_object_get(message, "sdpMLineIndex")));
}

static void hear(struct client *client, const char *text, size_t size_bytes, bool is_wire) {
    json_t *message = json_loadb(text, size_bytes, 0, NULL);
    notes_take(client->notes, message);
    if (message && is_wire)
        obey(client, message);
    json_decref(message);
    touch(client);
}

static void on_channel_message(void *user, const char *text) {
    hear(user, text, strlen(text), false);
}

static void on_open(void *user) {
    struct client *client = user;
    touch(client); // client_create() holds the lock until client->wire is set
    if (client->options.has_no_join)
        return;
    json_t *join =
        json_pack("{s:s,s:s,s:s}", "type", "join", "room", client->room, "name", client->name);
    if (client->resume)
        json_object_set_new(join, "resume", json_string(client->resume));
    json_object_update(join, client->more);
    send_json(client, join);
}

static void on_text(void *user, const char *text, size_t size_bytes) {
    hear(user, text, size_bytes, true);
}

static void on_close(void *user, int code, const char *reason) {
    struct client *client = user;
    g_mutex_lock(&client->lock);
    client->is_closed = true;
    client->close_code = code;
    touch_locked(client);
    g_mutex_unlock(&client->lock);
}

// --- life ---

static struct transport_options what_to_offer(const struct client_options *options) {
    static const struct transport_options none,
        browser = {{FLOW_BOTH, FLOW_BOTH, FLOW_SEND}, true, 0};
    return memcmp(&options->offer, &none, sizeof(none)) ? options->offer : browser;
}

struct client *client_create(const struct client_options *options) {
    static const struct wire_ops wire_callbacks = {on_open, on_text, on_close};
    struct client *client = g_new0(struct client, 1);
    client->options = *options;
    client->options.offer = what_to_offer(options);
    client->options.offer.video_latency_ms = options->video_latency_ms;
    client->room = g_strdup(options->room);
    client->name = g_strdup(options->name);
    client->resume = g_strdup(options->resume);
    client->more = options->more ? json_loads(options->more, 0, NULL) : NULL;
    client->wanted[TRANSPORT_AUDIO] = options->microphone;
    client->wanted[TRANSPORT_CAMERA] = options->camera;
    client->intake = intake_create(options->keeps_packets, options->keeps_figures);
    client->notes = notes_create();
    g_mutex_init(&client->streams_lock);
    g_mutex_init(&client->lock);
    g_cond_init(&client->changed);
    g_mutex_lock(&client->lock);
    client->wire = wire_create(options->host ? options->host : "127.0.0.1", options->port,
                               options->path ? options->path : "/ws", &wire_callbacks, client);
    g_mutex_unlock(&client->lock);
    return client;
}

void client_destroy(struct client *client) {
    if (!client)
        return;
    g_mutex_lock(&client->lock);
    client->is_ending = true;
    g_mutex_unlock(&client->lock);
    for (int role = 0; role < TRANSPORT_ROLES; role++)
        update_stream(client, role);
    // Order: the transport's callbacks send on the wire, the wire's thread uses the transport.
    struct wire *wire = client->wire;
    wire_stop(wire);
    transport_destroy(client->transport);
    wire_destroy(wire);
    intake_destroy(client->intake);
    notes_destroy(client->notes);
    g_mutex_clear(&client->streams_lock);
    g_mutex_clear(&client->lock);
    g_cond_clear(&client->changed);
    g_free(client->room);
    g_free(client->name);
    g_free(client->resume);
    json_decref(client->more);
    g_free(client);
}

// --- waiting ---

bool client_wait(struct client *client, client_predicate is_true, void *user, int timeout_ms) {
    int64_t end_us = g_get_monotonic_time() + timeout_ms * INT64_C(1000);
    for (;;) {
        g_mutex_lock(&client->lock);
        unsigned serial = client->serial;
        g_mutex_unlock(&client->lock);
        if (is_true(client, user))
            return true;
        int64_t now_us = g_get_monotonic_time();
        if (now_us >= end_us)
            return false;
        int64_t until_us = MIN(end_us, now_us + 50000);
        g_mutex_lock(&client->lock);
        while (client->serial == serial &&
               g_cond_wait_until(&client->changed, &client->lock, until_us))
            ;
        g_mutex_unlock(&client->lock);
    }
}

static bool is_joined(struct client *client, void *user) {
    char id[CLIENT_ID_MAX];
    client_id(client, id);
    return *id != '\0';
}

static bool is_connected(struct client *client, void *user) {
    return client_connected_ns(client) != 0;
}

static bool has_picture(struct client *client, void *user) {
    struct client_stream video;
    client_video(client, &video);
    return video.count > 0;
}

static bool is_closed(struct client *client, void *user) {
    g_mutex_lock(&client->lock);
    bool closed = client->is_closed;
    g_mutex_unlock(&client->lock);
    return closed;
}

static bool has_error(struct client *client, void *user) {
    return notes_has_error(client->notes, user);
}

bool client_wait_joined(struct client *client, int timeout_ms) {
    return client_wait(client, is_joined, NULL, timeout_ms);
}

bool client_wait_connected(struct client *client, int timeout_ms) {
    return client_wait(client, is_connected, NULL, timeout_ms);
}

bool client_wait_picture(struct client *client, int timeout_ms) {
    return client_wait(client, has_picture, NULL, timeout_ms);
}

bool client_wait_closed(struct client *client, int timeout_ms) {
    return client_wait(client, is_closed, NULL, timeout_ms);
}

bool client_wait_error(struct client *client, const char *code, int timeout_ms) {
    return client_wait(client, has_error, (void *)code, timeout_ms);
}

// --- what it was told ---

void client_id(struct client *client, char out[CLIENT_ID_MAX]) {
    notes_id(client->notes, out);
}
char *client_resume_token(struct client *client) {
    return notes_resume_token(client->notes);
}
json_t *client_last_message(struct client *client, const char *type) {
    return notes_last_message(client->notes, type);
}

bool client_was_resumed(struct client *client) {
    return notes_was_resumed(client->notes);
}
bool client_last_layout(struct client *client, struct client_layout *out) {
    return notes_layout(client->notes, out);
}
int client_member_count(struct client *client) {
    return notes_member_count(client->notes);
}
bool client_find_member(struct client *client, const char *id, struct client_member *out) {
    return notes_find_member(client->notes, id, out);
}
bool client_hears_as_speaking(struct client *client, const char *id) {
    return notes_is_speaking(client->notes, id);
}
bool client_has_chat(struct client *client, const char *text) {
    return notes_has_chat(client->notes, text);
}
int client_error_count(struct client *client) {
    return notes_message_count(client->notes, "error");
}
void client_last_error(struct client *client, char *code, size_t code_bytes) {
    notes_last_error(client->notes, code, code_bytes);
}
bool client_bye(struct client *client, char *reason, size_t reason_bytes) {
    return notes_bye(client->notes, reason, reason_bytes);
}
int client_message_count(struct client *client, const char *type) {
    return notes_message_count(client->notes, type);
}

int client_close_code(struct client *client) {
    g_mutex_lock(&client->lock);
    int code = client->close_code;
    g_mutex_unlock(&client->lock);
    return code;
}

bool client_find_tile(struct client *client, const char *member, bool is_screen,
                      struct client_tile *out) {
    struct client_layout layout;
    if (!client_last_layout(client, &layout))
        return false;
    for (int i = 0; i < layout.count; i++)
        if (!strcmp(layout.tiles[i].member, member) && layout.tiles[i].is_screen == is_screen) {
            *out = layout.tiles[i];
            return true;
        }
    return false;
}

// --- what it receives ---

void client_video(struct client *client, struct client_stream *out) {
    intake_video(client->intake, out);
}
void client_audio(struct client *client, struct client_stream *out) {
    intake_audio(client->intake, out);
}
void client_reset_gaps(struct client *client) {
    intake_reset_gaps(client->intake);
}
void client_figures(struct client *client, struct figures_view *out) {
    intake_figures(client->intake, out);
}
void client_begin_figures(struct client *client) {
    intake_begin_figures(client->intake);
}
int client_take_packets(struct client *client, struct client_packet **out) {
    return intake_take_packets(client->intake, out);
}

int64_t client_connected_ns(struct client *client) {
    g_mutex_lock(&client->lock);
    int64_t connected_ns = client->connected_ns;
    g_mutex_unlock(&client->lock);
    return connected_ns;
}

int client_colour_at(struct client *client, int x, int y, int width_px, int height_px,
                     struct rgb *out) {
    // The picture may be a smaller tier of the canvas.
    struct sight *sight = intake_sight(client->intake);
    struct client_layout layout;
    int width, height;
    int error = sight_size(sight, &width, &height);
    if (error)
        return error;
    if (!client_last_layout(client, &layout))
        return sight_colour_at(sight, x, y, width_px, height_px, out);
    return sight_colour_at(sight, x * width / layout.width_px, y * height / layout.height_px,
                           MAX(1, width_px * width / layout.width_px),
                           MAX(1, height_px * height / layout.height_px), out);
}

// The middle of the tile: names, marks and frames are at its edges.
int client_tile_colour(struct client *client, const struct client_tile *tile, struct rgb *out) {
    const struct client_rect *at = &tile->at;
    return client_colour_at(client, at->x + at->width * 3 / 8, at->y + at->height * 3 / 8,
                            at->width / 4, at->height / 4, out);
}

int client_picture_size(struct client *client, int *width_px, int *height_px) {
    return sight_size(intake_sight(client->intake), width_px, height_px);
}

int client_save_picture(struct client *client, const char *path) {
    return sight_save(intake_sight(client->intake), path);
}

int client_tone_dbfs(struct client *client, int hz, double *out) {
    return hearing_tone_dbfs(intake_hearing(client->intake), hz, out);
}

int client_level_dbfs(struct client *client, double *out) {
    return hearing_level_dbfs(intake_hearing(client->intake), out);
}

uint64_t client_broken_count(struct client *client) {
    return sight_broken_count(intake_sight(client->intake));
}

int64_t client_round_trip_ns(struct client *client) {
    g_mutex_lock(&client->lock);
    struct transport *transport = client->transport;
    g_mutex_unlock(&client->lock);
    return transport ? transport_round_trip_ns(transport) : 0;
}

// --- what it does ---

void client_send_text(struct client *client, const char *text, size_t size_bytes) {
    wire_send_text(client->wire, text, size_bytes);
}

void client_send_json(struct client *client, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = g_strdup_vprintf(format, args);
    va_end(args);
    wire_send_text(client->wire, text, strlen(text));
    g_free(text);
}

int client_send_channel(struct client *client, const char *text) {
    return client_has_channel(client) ? transport_send_message(client->transport, text) : -ENOTCONN;
}

bool client_has_channel(struct client *client) {
    g_mutex_lock(&client->lock);
    bool has_channel = client->has_channel;
    g_mutex_unlock(&client->lock);
    return has_channel;
}

void client_set_camera(struct client *client, const struct media *media) {
    want_media(client, TRANSPORT_CAMERA, media);
}

void client_set_microphone(struct client *client, const struct media *media) {
    want_media(client, TRANSPORT_AUDIO, media);
}

void client_share_screen(struct client *client, const struct media *media) {
    want_media(client, TRANSPORT_SCREEN, media);
}

void client_pause_camera(struct client *client, bool is_paused) {
    g_mutex_lock(&client->lock);
    struct sender_stream *stream = client->streams[TRANSPORT_CAMERA];
    if (stream)
        sender_set_paused(stream, is_paused);
    g_mutex_unlock(&client->lock);
}

void client_request_keyframe(struct client *client) {
    g_mutex_lock(&client->lock);
    struct transport *transport = client->transport;
    g_mutex_unlock(&client->lock);
    if (transport)
        transport_request_keyframe(transport);
}

void client_cut_socket(struct client *client) {
    wire_cut(client->wire);
}

void client_set_on_sent(struct client *client, client_on_sent on_sent, void *user) {
    client->on_sent_user = user;
    client->on_sent = on_sent;
}

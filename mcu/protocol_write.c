// SPDX-License-Identifier: MIT
// The server's messages, from values to JSON text. `type` always comes first.
#include "mcu/protocol.h"

#include <glib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SCREEN_FPS_MAX = 15, UPLINK_KBPS_MIN = 60, UPLINK_KBPS_MAX = 2500 };

// Takes object. Five digits are enough for every number here that is not whole.
static char *dump(json_t *object) {
    char *text = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(5)) : NULL;
    json_decref(object);
    return text;
}

// A text that came from outside of this protocol may be no UTF-8; the message goes out all the
// same.
static json_t *text_json(const char *text) {
    json_t *json = json_string(text ? text : "");
    if (json)
        return json;
    char *valid = g_utf8_make_valid(text, -1);
    json = json_string(valid);
    g_free(valid);
    return json;
}

char *protocol_joined(const char *id, const char *room, const char *role, const char *resume,
                      bool was_resumed, json_t *ice_servers, json_t *members, json_t *messages,
                      json_t *more) {
    json_t *joined = json_pack(
        "{s:s, s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o}", "type", "joined", "id", text_json(id),
        "room", text_json(room), "role", text_json(role), "resume", text_json(resume), "resumed",
        was_resumed, "ice_servers", ice_servers ? ice_servers : json_array(), "members",
        members ? members : json_array(), "messages", messages ? messages : json_array());
    json_object_update(joined, more);
    json_decref(more);
    return dump(joined);
}

char *protocol_answer(const char *sdp) {
    return dump(json_pack("{s:s, s:o}", "type", "send-answer", "sdp", text_json(sdp)));
}

char *protocol_candidate(const char *candidate, const char *mid, int mline_index) {
    return dump(json_pack("{s:s, s:o, s:o, s:i}", "type", "ice-candidate", "candidate",
                          text_json(candidate), "sdpMid", mid ? text_json(mid) : json_null(),
                          "sdpMLineIndex", mline_index));
}

// Hands are taken in the order in which they went up.
static json_t *hand_at_json(const struct member_view *member) {
    char at[32];
    if (!member->hand || !member->hand_unix_ms)
        return json_null();
    protocol_time(member->hand_unix_ms, at);
    return json_string(at);
}

json_t *protocol_member_json(const struct member_view *member) {
    return json_pack("{s:o, s:o, s:o, s:b, s:b, s:b, s:o, s:b, s:s, s:f, s:b, s:b}", "id",
                     text_json(member->id), "name", text_json(member->name), "role",
                     text_json(member->role), "audio_muted", member->audio_muted, "video_muted",
                     member->video_muted, "hand", member->hand, "hand_at", hand_at_json(member),
                     "screen", member->screen, "quality",
                     member->quality ? member->quality : "good", "volume", member->volume,
                     "spotlight", member->is_spotlit, "hidden", member->is_hidden);
}

char *protocol_member_joined(const struct member_view *member) {
    return dump(
        json_pack("{s:s, s:o}", "type", "member-joined", "member", protocol_member_json(member)));
}

char *protocol_member_updated(const struct member_view *member) {
    return dump(
        json_pack("{s:s, s:o}", "type", "member-updated", "member", protocol_member_json(member)));
}

char *protocol_member_left(const char *id, const char *reason) {
    return dump(json_pack("{s:s, s:o, s:o}", "type", "member-left", "id", text_json(id), "reason",
                          text_json(reason)));
}

char *protocol_layout(const struct stage_view *view) {
    json_t *tiles = json_array();
    for (int i = 0; i < view->count; i++) {
        const struct rect *at = &view->tiles[i].at;
        json_array_append_new(
            tiles,
            json_pack("{s:o, s:s, s:i, s:i, s:i, s:i}", "member", text_json(view->tiles[i].member),
                      "kind", view->tiles[i].role == VIDEO_SCREEN ? "screen" : "camera", "x", at->x,
                      "y", at->y, "width", at->width, "height", at->height));
    }
    return dump(json_pack("{s:s, s:s, s:{s:i, s:i}, s:o}", "type", "layout", "name",
                          layout_name(view->kind), "canvas", "width", view->width_px, "height",
                          view->height_px, "tiles", tiles));
}

char *protocol_speaking(const struct desk_speaking *speaking) {
    json_t *members = json_array();
    for (int i = 0; i < speaking->count; i++)
        json_array_append_new(members, text_json(speaking->ids[i]));
    return dump(json_pack("{s:s, s:o, s:o}", "type", "speaking", "members", members, "main",
                          speaking->main_id[0] ? text_json(speaking->main_id) : json_null()));
}

// What VP8 needs for a good picture: 180 kbit/s for 320x180, 500 for 640x360, 1400 for 1280x720,
// all at 30 fps. Larger pictures have less detail per pixel. Text on a screen wants sharper edges.
static int wanted_kbps(const struct rect *place, int fps, bool is_screen) {
    double megapixels_per_s = (double)place->width * place->height * fps / 1e6;
    double kbps = 120 * pow(MAX(megapixels_per_s, 0), 0.74) * (is_screen ? 1.4 : 1);
    return 10 * (int)(CLAMP(kbps, UPLINK_KBPS_MIN, UPLINK_KBPS_MAX) / 10 + 0.5);
}

static json_t *uplink_json(const struct rect *place, int fps, bool is_screen) {
    static const struct rect none;
    bool is_active = place != NULL;
    if (!is_active)
        place = &none;
    return json_pack("{s:b, s:i, s:i, s:i, s:i}", "active", is_active, "width", place->width,
                     "height", place->height, "fps", is_active ? fps : 0, "kbps",
                     is_active ? wanted_kbps(place, fps, is_screen) : 0);
}

int protocol_uplink_kbps(const struct rect *camera, const struct rect *screen, int fps) {
    return (camera ? wanted_kbps(camera, fps, false) : 0) +
           (screen ? wanted_kbps(screen, MIN(fps, SCREEN_FPS_MAX), true) : 0);
}

char *protocol_uplink(const struct rect *camera, const struct rect *screen, int fps) {
    return dump(json_pack("{s:s, s:o, s:o}", "type", "uplink", "camera",
                          uplink_json(camera, fps, false), "screen",
                          uplink_json(screen, MIN(fps, SCREEN_FPS_MAX), true)));
}

json_t *protocol_chat_json(int64_t id, const char *from, const char *name, const char *text,
                           int64_t at_unix_ms) {
    char at[32];
    protocol_time(at_unix_ms, at);
    return json_pack("{s:s, s:I, s:o, s:o, s:o, s:s}", "type", "chat", "id", (json_int_t)id, "from",
                     from ? text_json(from) : json_null(), "name", text_json(name), "text",
                     text_json(text), "at", at);
}

char *protocol_chat(int64_t id, const char *from, const char *name, const char *text,
                    int64_t at_unix_ms, const char *to) {
    json_t *json = protocol_chat_json(id, from, name, text, at_unix_ms);
    if (json && to)
        json_object_set_new(json, "to", text_json(to));
    return dump(json);
}

char *protocol_reaction(const char *from, const char *name, const char *emoji) {
    return dump(json_pack("{s:s, s:o, s:o, s:o}", "type", "reaction", "from", text_json(from),
                          "name", text_json(name), "emoji", text_json(emoji)));
}

char *protocol_error(const struct refusal *refusal) {
    json_t *object = json_pack("{s:s, s:o, s:o}", "type", "error", "code", text_json(refusal->code),
                               "message", text_json(refusal->message));
    if (object && refusal->field[0])
        json_object_set_new(object, "field", text_json(refusal->field));
    return dump(object);
}

char *protocol_bye(const char *reason, const char *message) {
    json_t *json = json_pack("{s:s, s:o}", "type", "bye", "reason", text_json(reason));
    if (json && message && message[0])
        json_object_set_new(json, "message", text_json(message));
    return dump(json);
}

char *protocol_room(json_t *room) {
    return dump(json_pack("{s:s, s:o}", "type", "room", "room", room));
}

char *protocol_lobby(json_t *waiting) {
    return dump(json_pack("{s:s, s:o}", "type", "lobby", "waiting", waiting));
}

char *protocol_recording(const char *state, json_t *recordings, json_t *broadcasts) {
    return dump(json_pack("{s:s, s:s, s:o, s:o}", "type", "recording", "state", state, "recordings",
                          recordings, "broadcasts", broadcasts));
}

char *protocol_permissions(const char *role, json_t *permissions) {
    return dump(json_pack("{s:s, s:o, s:o}", "type", "permissions", "role", text_json(role),
                          "permissions", permissions));
}

char *protocol_waiting(const char *room, const char *sentence) {
    return dump(json_pack("{s:s, s:o, s:o}", "type", "waiting", "room", text_json(room), "message",
                          text_json(sentence)));
}

char *protocol_viewers(int count) {
    return dump(json_pack("{s:s, s:i}", "type", "viewers", "count", count));
}

char *protocol_viewer_list(const json_t *viewers) {
    return dump(json_pack("{s:s, s:O, s:O}", "type", "viewers", "count",
                          json_object_get(viewers, "count"), "viewers",
                          json_object_get(viewers, "viewers")));
}

char *protocol_pong(void) {
    return dump(json_pack("{s:s}", "type", "pong"));
}

// Neither JSON nor a page has a use for the infinite.
static double known(double value) {
    return isfinite(value) ? value : 0;
}

json_t *protocol_link_json(const struct protocol_stats_view *view) {
    json_t *down = json_pack(
        "{s:i, s:i, s:i, s:b, s:b, s:i, s:i, s:i, s:i, s:f, s:i, s:i, s:o, s:o}", "estimate_kbps",
        view->down.estimate_kbps, "tier", view->down.tier, "layers", view->down.layers, "video",
        view->down.has_video, "thrifty", view->down.is_thrifty, "width", view->down.width_px,
        "height", view->down.height_px, "fps", view->down.fps, "kbps", view->down.kbps, "loss",
        known(view->down.loss), "rtt_ms", view->down.rtt_ms, "queue_ms", view->down.queue_ms,
        "reason", text_json(view->down.reason), "receive", text_json(view->down.receive));
    json_t *up = json_pack("{s:f, s:f, s:i, s:i}", "loss", known(view->up.loss), "jitter_ms",
                           known(view->up.jitter_ms), "playout_ms", view->up.playout_ms, "kbps",
                           view->up.kbps);
    return json_pack("{s:o, s:o, s:s}", "down", down, "up", up, "quality",
                     view->quality ? view->quality : "good");
}

char *protocol_stats(const struct protocol_stats_view *view) {
    json_t *message = json_pack("{s:s}", "type", "stats"), *link = protocol_link_json(view);
    json_object_update(message, link);
    json_decref(link);
    return dump(message);
}

void protocol_time(int64_t unix_ms, char out[32]) {
    int ms = (int)(unix_ms % 1000);
    time_t seconds = (time_t)(unix_ms / 1000);
    if (ms < 0) {
        ms += 1000;
        seconds--;
    }
    struct tm utc;
    if (!gmtime_r(&seconds, &utc))
        utc = (struct tm){.tm_mday = 1, .tm_year = 70};
    size_t size = strftime(out, 27, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(out + size, 32 - size, ".%03dZ", ms);
}

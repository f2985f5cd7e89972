// SPDX-License-Identifier: MIT
// The signaling language: client text to a checked struct, and server messages to text. Pure; any
// thread. The names are those of assets/openapi.yaml and the README's protocol chapter.
#ifndef MCU_PROTOCOL_H
#define MCU_PROTOCOL_H

#include "mcu/config.h"
#include "mcu/hub.h"
#include "mcu/permission.h"
#include "mcu/protocol_name.h"
#include "mcu/refusal.h"
#include "mixer/audio/desk.h"
#include "mixer/video/stage.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum message_type {
    MESSAGE_JOIN,
    MESSAGE_SEND_OFFER,
    MESSAGE_ICE_CANDIDATE,
    MESSAGE_CHAT,
    MESSAGE_REACTION,
    MESSAGE_SET,
    MESSAGE_LEAVE,
    MESSAGE_PING,
    MESSAGE_CONTROL, // what moderators do: each is an operation of the hub
};

// A client's message, checked. Strings belong to it; those not given are NULL.
struct message {
    enum message_type type;
    union {
        struct {
            char *room, *name; // never NULL; "Guest" for who gave no name
            char *token, *pin, *resume;
            bool audio_muted, video_muted; // how the member enters
            bool is_viewer;                // to watch only
        } join;
        struct {
            char *sdp;
        } offer;
        struct {
            char *candidate, *sdp_mid; // candidate "" = end of candidates
            int mline_index;
        } candidate;
        struct {
            char *text;
        } chat;
        struct {
            char *emoji;
        } reaction;
        struct {
            char *name;                                 // NULL: unchanged
            int receive;                                // enum downlink_wish, or -1: unchanged
            int audio_muted, video_muted, hand, screen; // 0, 1, or -1: unchanged
        } set;
        struct {
            enum hub_operation operation;
            char *id;     // whom it is about; NULL: nobody, or all
            json_t *body; // the other fields: an object
        } control;
    };
};

// Parses and checks everything a client can say: size, depth, UTF-8, types, lengths, characters.
// Names are trimmed, inner white space collapsed, control and bidi-override characters removed. 0,
// or -1 and *refusal (bad-json, unknown-type, bad-field with .field, too-large). Fields that a
// message does not know are ignored, an optional field that is null counts as not given. refusal
// must not be NULL.
// A message for moderators has the fields of the same request by REST, and they are checked there.
int protocol_parse(const struct config *config, const char *text, size_t size_bytes,
                   struct message *out, struct refusal *refusal);
void message_finish(struct message *message);
const char *message_type_name(enum message_type type);
// What its sender must be allowed to do.
enum action message_action(const struct message *message);

// As names are cleaned in protocol_parse(); an empty one is refused. Returns a malloc'ed string, or
// NULL and *refusal.
char *protocol_clean_name(const struct config *config, const char *given, struct refusal *refusal);

// What others see of a member.
struct member_view {
    const char *id, *name, *role;
    bool audio_muted, video_muted, hand, screen;
    const char *quality; // of its link: "good" (as NULL), "fair" or "poor"
    double volume;
    bool is_spotlit, is_hidden;
    int64_t hand_unix_ms; // since when it is up
};

// How a member's link fares, for itself alone. What is not known is 0.
struct protocol_stats_view {
    struct {
        int estimate_kbps;
        int tier, layers;
        bool has_video, is_thrifty; // thrifty: the smaller sound for links under pressure
        int width_px, height_px, fps, kbps;
        double loss; // 0 .. 1
        int rtt_ms, queue_ms;
        const char *reason;  // downlink_reason_name()
        const char *receive; // downlink_wish_name() of what the member asked for
    } down;
    struct {
        double loss, jitter_ms;
        int playout_ms, kbps;
    } up;
    const char *quality; // "good" (as NULL), "fair", "poor" or "audio-only"
};

// Server messages: each returns a malloc'ed JSON text (never NULL but out of memory).
// joined takes the references of its three arrays; NULL is as good as an empty one. more: an object
// whose fields are added; taken, NULL is allowed.
char *protocol_joined(const char *id, const char *room, const char *role, const char *resume,
                      bool was_resumed, json_t *ice_servers, json_t *members, json_t *messages,
                      json_t *more);
char *protocol_answer(const char *sdp);
char *protocol_candidate(const char *candidate, const char *mid, int mline_index);
char *protocol_member_joined(const struct member_view *member);
char *protocol_member_updated(const struct member_view *member);
char *protocol_member_left(const char *id, const char *reason);
char *protocol_layout(const struct stage_view *view);
char *protocol_speaking(const struct desk_speaking *speaking);
// A NULL rect: that stream is not wanted now ("active": false).
char *protocol_uplink(const struct rect *camera, const struct rect *screen, int fps);
// What it asks for in all.
int protocol_uplink_kbps(const struct rect *camera, const struct rect *screen, int fps);
// from NULL: nobody who is here. to: whom alone it is for, or NULL.
char *protocol_chat(int64_t id, const char *from, const char *name, const char *text,
                    int64_t at_unix_ms, const char *to);
char *protocol_reaction(const char *from, const char *name, const char *emoji);
char *protocol_error(const struct refusal *refusal);
char *protocol_bye(const char *reason, const char *message); // message: NULL, or for the person
// Each takes its JSON.
char *protocol_room(json_t *room);
char *protocol_lobby(json_t *waiting);
char *protocol_recording(const char *state, json_t *recordings, json_t *broadcasts);
char *protocol_permissions(const char *role, json_t *permissions);
char *protocol_waiting(const char *room, const char *sentence);
char *protocol_viewers(int count);
char *protocol_viewer_list(const json_t *viewers); // as HUB_LIST_VIEWERS answers
char *protocol_pong(void);
char *protocol_stats(const struct protocol_stats_view *view);

json_t *protocol_link_json(const struct protocol_stats_view *view); // as in stats, for REST
json_t *protocol_member_json(const struct member_view *member);
json_t *protocol_chat_json(int64_t id, const char *from, const char *name, const char *text,
                           int64_t at_unix_ms);    // with "type"
json_t *protocol_ice_servers(const char *setting); // "stun:… turn:…" to RTCIceServer objects
void protocol_time(int64_t unix_ms, char out[32]); // RFC 3339, UTC, milliseconds

#endif

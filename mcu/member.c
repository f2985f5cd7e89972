// SPDX-License-Identifier: MIT
// A member is there as long as its socket is, or its packets are. The socket may drop (a proxy
// restarts, a phone changes cells) while the media flows: then the seat waits for a resume. The
// media may stop while the socket lives: then the link is closed and the client told to build a new
// one. When both are silent for config.lost_timeout_s, the member is lost.
#include "mcu/member_internal.h"

#include "mcu/log.h"
#include "mcu/room.h"
#include "mcu/session_internal.h"

#include <glib.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    // Media alone keeps a seat this long; then somebody has forgotten to leave.
    SOCKETLESS_MAX_S = 60,
    // A client whose media went silent has this long, times lost_timeout_s, to say anything.
    SILENT_SOCKET_FACTOR = 2,
    // Who only receives reports every 2.5 to 7.5 seconds (RFC 3550 6.3.1), and a report may get
    // lost.
    RECEIVER_FACTOR = 4,
    CONNECT_MAX_S = 30, // from offer to connection
    // Each offer is a connection with its threads; a client that rebuilds in earnest stays far
    // below.
    OFFERS_PER_S = 2,
    OFFERS_BURST = 20,
};

#define SECOND_NS     INT64_C(1000000000)
#define CLEAN_LOST_NS INT64_C(1500000000)

// ---- life ----

// Who only watches has no tile.
void member_get_look(const struct member *member, struct stage_look *look) {
    *look = (struct stage_look){
        .name = member->name,
        .audio_muted = member->audio_muted,
        .video_muted = member->video_muted,
        .hand = member->hand,
        .screen = member->screen,
        .hidden = member->is_hidden || member->role == ROLE_VIEWER,
    };
}

static void make_resume_secret(char out[MEMBER_RESUME_MAX]) {
    unsigned char secret[20];
    randombytes_buf(secret, sizeof(secret));
    sodium_bin2hex(out, MEMBER_RESUME_MAX, secret, sizeof(secret));
}

static void init(struct member *member, struct room *room, const struct member_spec *spec) {
    member->room = room;
    member->name = spec->name;
    member->role = spec->role;
    member->grants = spec->grants;
    member->user = spec->user;
    member->volume = 1;
    member->audio_muted = spec->audio_muted || !(spec->grants & GRANT_SPEAK);
    member->video_muted = spec->video_muted || !(spec->grants & GRANT_CAMERA);
    reception_init(&member->reception, room_downlink(room));
    downlink_set_ceiling(&member->reception.downlink, room_ceiling(room));
    limit_init(&member->offers, OFFERS_PER_S, OFFERS_BURST);
    member->heard_ns = member->away_ns = mixer_now_ns();
    member->joined_unix_ms = g_get_real_time() / 1000;
    g_strlcpy(member->id, spec->id, sizeof(member->id));
    g_strlcpy(member->address, spec->address, sizeof(member->address));
    snprintf(member->object, sizeof(member->object), "%s/%s", room_name(room), spec->id);
    if (spec->resume)
        g_strlcpy(member->resume, spec->resume, sizeof(member->resume));
    else
        make_resume_secret(member->resume);
}

struct member *member_create(struct room *room, const struct member_spec *spec) {
    struct member *member = calloc(1, sizeof(*member));
    struct member_feed *feed = member_feed_create();
    if (!member || !feed)
        goto fail;
    init(member, room, spec);
    member->feed = feed;
    struct stage_look look;
    member_get_look(member, &look);
    if (mixer_add_member(room_mixer(room), member->id, &look, &member_feed_ops, feed,
                         &member->mix) == 0)
        return member;
fail:
    free(spec->name);
    if (feed)
        member_feed_destroy(feed);
    free(member);
    return NULL;
}

void member_close_link(struct member *member) {
    if (!member->link)
        return;
    mixer_set_reception(member->mix, &(struct mixer_reception){0});
    member_feed_set_link(member->feed, NULL);
    link_detach(member->link);
    member->link = NULL;
    member->is_connected = member->has_channel = false;
}

void member_destroy(struct member *member) {
    if (!member)
        return;
    member_close_link(member);
    mixer_remove_member(member->mix);
    free(member->name);
    free(member);
}

// ---- questions ----

const char *member_id(const struct member *member) {
    return member->id;
}

const char *member_name(const struct member *member) {
    return member->name;
}

enum role member_role(const struct member *member) {
    return member->role;
}

unsigned member_grants(const struct member *member) {
    return member->grants;
}

int64_t member_user(const struct member *member) {
    return member->user;
}

const char *member_address(const struct member *member) {
    return member->address;
}

int64_t member_joined_unix_ms(const struct member *member) {
    return member->joined_unix_ms;
}

int64_t *member_presence(struct member *member) {
    return &member->presence;
}

void member_get_caller(const struct member *member, struct caller *out) {
    *out = (struct caller){
        .kind = CALLER_ROOM,
        .role = member->role,
        .grants = member->grants,
        .user = member->user,
    };
    g_strlcpy(out->room, room_name(member->room), sizeof(out->room));
}

struct room *member_room(const struct member *member) {
    return member->room;
}

const char *member_resume(const struct member *member) {
    return member->resume;
}

struct session *member_session(const struct member *member) {
    return member->session;
}

bool member_is_connected(const struct member *member) {
    return member->is_connected;
}

void member_get_view(const struct member *member, struct member_view *view) {
    *view = (struct member_view){
        .id = member->id,
        .name = member->name,
        .role = role_name(member->role),
        .audio_muted = member->audio_muted,
        .video_muted = member->video_muted,
        .hand = member->hand,
        .screen = member->screen,
        .quality = member->reception.quality,
        .volume = member->volume,
        .is_spotlit = room_is_chosen(member->room, member->id),
        .is_hidden = member->is_hidden,
        .hand_unix_ms = member->hand_unix_ms,
    };
}

static json_t *stats_to_json(const struct member *member) {
    struct desk_channel_stats sound;
    mixer_get_member_audio_stats(member->mix, &sound);
    struct peer_stats peer = {0};
    if (member->link)
        peer_get_stats(link_peer(member->link), &peer);
    return json_pack("{s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:I, s:I}", "packets_received",
                     (json_int_t)peer.packets_received, "bytes_received",
                     (json_int_t)peer.bytes_received, "packets_sent", (json_int_t)peer.packets_sent,
                     "bytes_sent", (json_int_t)peer.bytes_sent, "loss", peer.loss_fraction,
                     "rtt_ms", (double)peer.rtt_ns / 1e6, "jitter_ms",
                     (double)sound.jitter_ns / 1e6, "playout_ms", (double)sound.playout_ns / 1e6,
                     "drift_ppm", sound.drift_ppm, "audio_concealed", (json_int_t)sound.concealed,
                     "audio_late", (json_int_t)sound.late);
}

json_t *member_link_to_json(const struct member *member) {
    struct protocol_stats_view view;
    member_describe_link(member, &view);
    return protocol_link_json(&view);
}

json_t *member_to_json(const struct member *member, bool is_speaking) {
    struct member_view view;
    member_get_view(member, &view);
    json_t *json = protocol_member_json(&view);
    char joined_at[32];
    protocol_time(member->joined_unix_ms, joined_at);
    json_object_set_new(json, "joined_at", json_string(joined_at));
    json_object_set_new(json, "permissions", permission_grants_to_json(member->grants));
    json_object_set_new(json, "speaking", json_boolean(is_speaking));
    json_object_set_new(json, "connected", json_boolean(member->is_connected));
    json_object_set_new(json, "stats", stats_to_json(member));
    if (member->is_connected)
        json_object_set_new(json, "link", member_link_to_json(member));
    return json;
}

// ---- presence ----

void member_set_session(struct member *member, struct session *session) {
    member->session = session;
    member->heard_ns = mixer_now_ns();
}

void member_lose_session(struct member *member, bool was_clean) {
    member->session = NULL;
    member->away_ns = mixer_now_ns();
    member->closed_cleanly = was_clean;
}

void member_note_heard(struct member *member) {
    member->heard_ns = mixer_now_ns();
}

static int64_t media_heard_ns(const struct member *member) {
    return member->link ? peer_last_heard_ns(link_peer(member->link)) : 0;
}

static int64_t silence_max_ns(const struct member *member, int64_t lost_ns) {
    const struct peer_media *media = &member->media;
    bool sends = media->sends_camera || media->sends_audio || media->sends_screen;
    return sends ? lost_ns : RECEIVER_FACTOR * lost_ns;
}

static void check_link(struct member *member, int64_t now_ns, int64_t lost_ns) {
    if (!member->link)
        return;
    bool is_silent = member->is_connected
                         ? now_ns - media_heard_ns(member) > silence_max_ns(member, lost_ns)
                         : now_ns - member->offered_ns > CONNECT_MAX_S * SECOND_NS;
    if (!is_silent)
        return;
    log_info(member->object, member->is_connected ? "media went silent" : "media never connected");
    member_close_link(member);
    struct refusal refusal;
    refusal_set(&refusal, 408, "media-lost", "Nothing arrives from you any more: connect again.");
    member_refuse(member, &refusal);
}

bool member_is_lost(struct member *member, int64_t now_ns) {
    int64_t lost_ns = room_world(member->room)->config->lost_timeout_s * SECOND_NS;
    if (member->session) {
        check_link(member, now_ns, lost_ns);
        return !member->link && member->offered_ns &&
               now_ns - member->heard_ns > SILENT_SOCKET_FACTOR * lost_ns;
    }
    // A closed tab takes its media along at once: no need to keep its tile for seconds.
    if (member->closed_cleanly && lost_ns > CLEAN_LOST_NS)
        lost_ns = CLEAN_LOST_NS;
    if (now_ns - member->away_ns > SOCKETLESS_MAX_S * SECOND_NS)
        return true;
    int64_t heard_ns = media_heard_ns(member);
    if (heard_ns < member->away_ns)
        heard_ns = member->away_ns;
    return now_ns - heard_ns > (member->closed_cleanly ? lost_ns : silence_max_ns(member, lost_ns));
}

// ---- what the link tells ----

void member_on_answer(struct member *member, const char *sdp, const struct peer_media *media) {
    member->media = *media;
    member_tell(member, protocol_answer(sdp));
}

void member_on_candidate(struct member *member, const char *candidate, const char *mid,
                         int mline_index) {
    member_tell(member, protocol_candidate(candidate, mid, mline_index));
}

void member_on_connected(struct member *member) {
    member->is_connected = true;
    log_info(member->object, "media connected");
    reception_begin(&member->reception, member->link, member->mix, &member->media, mixer_now_ns());
    member_limit_uplink(member);
    room_greet(member->room, member);
}

// What went over the session so far may not have been the newest by the time the channel took over.
void member_on_channel_open(struct member *member) {
    member->has_channel = true;
    room_greet(member->room, member);
}

void member_on_link_failed(struct member *member, const struct refusal *refusal,
                           const char *reason) {
    log_info(member->object, "media ended: %s", refusal ? refusal->message : reason);
    member_close_link(member);
    if (refusal)
        member_refuse(member, refusal);
}

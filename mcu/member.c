// SPDX-License-Identifier: MIT
// A member is there as long as its socket is, or its packets are. The socket may drop (a proxy
// restarts, a phone changes cells) while the media flows: then the seat waits for a resume. The
// media may stop while the socket lives: then the link is closed and the client told to build a new
// one. When both are silent for config.lost_timeout_s, the member is lost.
#include "mcu/member.h"

#include "mcu/limit.h"
#include "mcu/link.h"
#include "mcu/log.h"
#include "mcu/reception.h"
#include "mcu/room.h"
#include "mcu/session_internal.h"

#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    // Media alone keeps a seat this long; then somebody has forgotten to leave.
    SOCKETLESS_MAX_S = 60,
    // A client whose media went silent has this long, times lost_timeout_s, to say anything.
    SILENT_SOCKET_FACTOR = 2,
    CONNECT_MAX_S = 30, // from offer to connection
    // Each offer is a connection with its threads; a client that rebuilds in earnest stays far
    // below.
    OFFERS_PER_S = 2,
    OFFERS_BURST = 20,
    UPLINK_SOUND_KBPS = 100,
};

#define SECOND_NS     INT64_C(1000000000)
#define CLEAN_LOST_NS INT64_C(1500000000)

// What the tick threads need to reach the member's present link. Owned by the mixer member: it is
// freed when no tick can call any more.
struct feed {
    pthread_mutex_t lock;
    struct link *link; // protected by lock; holds a reference
};

struct member {
    struct room *room;
    char id[STAGE_ID_MAX];
    char resume[MEMBER_RESUME_MAX];
    char object[ROOM_NAME_MAX + STAGE_ID_MAX + 1]; // for the log
    char *name;
    const char *role;
    bool audio_muted, video_muted, hand, screen;
    int64_t joined_unix_ms;

    struct session *session;
    struct link *link;
    struct mixer_member *mix;
    struct feed *feed; // valid while mix is
    struct peer_media media;
    struct reception reception;
    struct limit offers;
    bool is_connected, has_channel;
    int64_t heard_ns;                         // the session's last word
    int64_t away_ns;                          // since when there is no session
    bool closed_cleanly;                      // that session
    int64_t offered_ns;                       // when the present link began
    struct rect camera_uplink, screen_uplink; // what was told last; width 0: inactive
    bool was_told_uplink;
};

// ---- the mixer's side: tick threads ----

static struct link *feed_take_link(struct feed *feed) {
    pthread_mutex_lock(&feed->lock);
    struct link *link = feed->link ? link_ref(feed->link) : NULL;
    pthread_mutex_unlock(&feed->lock);
    return link;
}

static void on_video(void *user, struct packet *packet) {
    struct link *link = feed_take_link(user);
    if (link)
        peer_send_video(link_peer(link), packet);
    link_unref(link);
}

static void on_audio(void *user, struct packet *packet) {
    struct link *link = feed_take_link(user);
    if (link)
        peer_send_audio(link_peer(link), packet);
    link_unref(link);
}

static void on_keyframe_wanted(void *user, enum video_role role) {
    struct link *link = feed_take_link(user);
    if (link)
        peer_request_keyframe(link_peer(link), role);
    link_unref(link);
}

static void feed_free(void *user) {
    struct feed *feed = user;
    pthread_mutex_destroy(&feed->lock);
    free(feed);
}

static const struct mixer_member_ops mix_ops = {
    .on_video = on_video,
    .on_audio = on_audio,
    .on_keyframe_wanted = on_keyframe_wanted,
    .release = feed_free,
};

static void feed_set_link(struct feed *feed, struct link *link) {
    pthread_mutex_lock(&feed->lock);
    struct link *old = feed->link;
    feed->link = link ? link_ref(link) : NULL;
    pthread_mutex_unlock(&feed->lock);
    link_unref(old);
}

// ---- life ----

static void get_look(const struct member *member, struct stage_look *look) {
    *look = (struct stage_look){
        .name = member->name,
        .audio_muted = member->audio_muted,
        .video_muted = member->video_muted,
        .hand = member->hand,
        .screen = member->screen,
    };
}

static void make_resume_secret(char out[MEMBER_RESUME_MAX]) {
    unsigned char secret[20];
    randombytes_buf(secret, sizeof(secret));
    sodium_bin2hex(out, MEMBER_RESUME_MAX, secret, sizeof(secret));
}

struct member *member_create(struct room *room, const char *id, char *name, const char *role,
                             bool audio_muted, bool video_muted) {
    struct member *member = calloc(1, sizeof(*member));
    struct feed *feed = calloc(1, sizeof(*feed));
    if (!member || !feed)
        goto fail;
    pthread_mutex_init(&feed->lock, NULL);
    member->room = room;
    member->name = name;
    member->role = role;
    member->audio_muted = audio_muted;
    member->video_muted = video_muted;
    member->feed = feed;
    reception_init(&member->reception, room_downlink(room));
    downlink_set_ceiling(&member->reception.downlink, room_ceiling(room));
    limit_init(&member->offers, OFFERS_PER_S, OFFERS_BURST);
    member->heard_ns = mixer_now_ns();
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    member->joined_unix_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    snprintf(member->id, sizeof(member->id), "%s", id);
    snprintf(member->object, sizeof(member->object), "%s/%s", room_name(room), id);
    make_resume_secret(member->resume);
    struct stage_look look;
    get_look(member, &look);
    if (mixer_add_member(room_mixer(room), id, &look, &mix_ops, feed, &member->mix) == 0)
        return member;
fail:
    free(name);
    free(feed);
    free(member);
    return NULL;
}

static void close_link(struct member *member) {
    if (!member->link)
        return;
    mixer_set_reception(member->mix, &(struct mixer_reception){0});
    feed_set_link(member->feed, NULL);
    link_detach(member->link);
    member->link = NULL;
    member->is_connected = member->has_channel = false;
}

void member_destroy(struct member *member) {
    if (!member)
        return;
    close_link(member);
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

const char *member_role(const struct member *member) {
    return member->role;
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
        .role = member->role,
        .audio_muted = member->audio_muted,
        .video_muted = member->video_muted,
        .hand = member->hand,
        .screen = member->screen,
        .quality = member->reception.quality,
    };
}

static void describe_link(const struct member *member, struct protocol_stats_view *out) {
    int width_px, height_px, fps;
    room_get_canvas(member->room, &width_px, &height_px, &fps);
    reception_describe(&member->reception, width_px, height_px, fps, out);
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
    describe_link(member, &view);
    return protocol_link_json(&view);
}

json_t *member_to_json(const struct member *member, bool is_speaking) {
    struct member_view view;
    member_get_view(member, &view);
    json_t *json = protocol_member_json(&view);
    char joined_at[32];
    protocol_time(member->joined_unix_ms, joined_at);
    json_object_set_new(json, "joined_at", json_string(joined_at));
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

static void check_link(struct member *member, int64_t now_ns, int64_t lost_ns) {
    if (!member->link)
        return;
    bool is_silent = member->is_connected ? now_ns - media_heard_ns(member) > lost_ns
                                          : now_ns - member->offered_ns > CONNECT_MAX_S * SECOND_NS;
    if (!is_silent)
        return;
    log_info(member->object, member->is_connected ? "media went silent" : "media never connected");
    close_link(member);
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
    return now_ns - heard_ns > lost_ns;
}

// ---- what it is told ----

void member_send_signaling(struct member *member, const char *text) {
    if (member->session && text)
        session_send(member->session, text);
}

void member_send(struct member *member, const char *text) {
    if (!text)
        return;
    if (member->has_channel && peer_send_message(link_peer(member->link), text, strlen(text)) == 0)
        return;
    member_send_signaling(member, text);
}

void member_refuse(struct member *member, const struct refusal *refusal) {
    if (member->session)
        session_refuse(member->session, refusal);
}

static void tell(struct member *member, char *text) {
    member_send_signaling(member, text);
    free(text);
}

static void adapt(struct member *member, int64_t now_ns, bool tells) {
    if (!member->is_connected)
        return;
    const char *quality = member->reception.quality;
    bool has_changed = reception_update(&member->reception, member->link, member->mix, now_ns);
    if (reception_take_due(&member->reception, has_changed || tells, now_ns)) {
        struct protocol_stats_view view;
        describe_link(member, &view);
        tell(member, protocol_stats(&view));
    }
    if (quality != member->reception.quality)
        room_on_member_changed(member->room, member);
}

void member_adapt(struct member *member, int64_t now_ns) {
    adapt(member, now_ns, false);
}

void member_set_ceiling(struct member *member, enum downlink_wish ceiling) {
    downlink_set_ceiling(&member->reception.downlink, ceiling);
    adapt(member, mixer_now_ns(), true);
}

static void find_tile(const struct stage_view *view, const char *id, enum video_role role,
                      struct rect *out) {
    *out = (struct rect){0};
    for (int i = 0; i < view->count; i++)
        if (view->tiles[i].role == role && strcmp(view->tiles[i].member, id) == 0)
            *out = view->tiles[i].at;
}

// Where a tile stands does not matter to its sender, only its size.
static bool is_same_size(const struct rect *one, const struct rect *other) {
    return one->width == other->width && one->height == other->height;
}

// For clients that do not know `uplink`. What the microphone takes is not to be missed, and whoever
// obeys shall not be held up when the tile grows.
static void limit_uplink(struct member *member) {
    const struct rect *camera = member->camera_uplink.width ? &member->camera_uplink : NULL;
    const struct rect *screen = member->screen_uplink.width ? &member->screen_uplink : NULL;
    int width_px, height_px, fps;
    room_get_canvas(member->room, &width_px, &height_px, &fps);
    if (member->is_connected && member->was_told_uplink)
        peer_set_uplink_kbps(link_peer(member->link),
                             protocol_uplink_kbps(camera, screen, fps) * 3 / 2 + UPLINK_SOUND_KBPS);
}

void member_send_uplink(struct member *member, const struct stage_view *view, int fps) {
    struct rect camera, screen;
    find_tile(view, member->id, VIDEO_CAMERA, &camera);
    find_tile(view, member->id, VIDEO_SCREEN, &screen);
    if (member->video_muted)
        camera = (struct rect){0};
    if (member->was_told_uplink && is_same_size(&camera, &member->camera_uplink) &&
        is_same_size(&screen, &member->screen_uplink))
        return;
    member->was_told_uplink = true;
    member->camera_uplink = camera;
    member->screen_uplink = screen;
    limit_uplink(member);
    tell(member,
         protocol_uplink(camera.width ? &camera : NULL, screen.width ? &screen : NULL, fps));
}

// ---- what it says ----

static void on_offer(struct member *member, struct message *message) {
    struct refusal refusal;
    if (!limit_take(&member->offers, mixer_now_ns())) {
        refusal_set(&refusal, 429, "rate-limited", "Too many offers. Wait a moment.");
        member_refuse(member, &refusal);
        return;
    }
    close_link(member);
    const struct room_world *world = room_world(member->room);
    member->link = link_create(world->loop, world->config, member->object, member, member->mix);
    if (!member->link) {
        refusal_set(&refusal, 503, "server-full", "The server cannot take another connection now.");
        member_refuse(member, &refusal);
        return;
    }
    member->offered_ns = mixer_now_ns();
    feed_set_link(member->feed, member->link);
    peer_offer(link_peer(member->link), message->offer.sdp);
}

static void on_candidate_message(struct member *member, struct message *message) {
    if (member->link)
        peer_add_candidate(link_peer(member->link), message->candidate.candidate,
                           message->candidate.mline_index);
}

static void on_chat(struct member *member, struct message *message) {
    room_chat(member->room, member, message->chat.text);
}

static void on_reaction(struct member *member, struct message *message) {
    room_tell(member->room, protocol_reaction(member->id, member->name, message->reaction.emoji));
}

static void set_flag(bool *flag, int wish, bool *changed) {
    if (wish < 0 || *flag == (wish != 0))
        return;
    *flag = wish != 0;
    *changed = true;
}

static void on_set(struct member *member, struct message *message) {
    bool changed = false;
    if (message->set.receive >= 0) {
        downlink_set_wish(&member->reception.downlink, message->set.receive);
        adapt(member, mixer_now_ns(), true);
    }
    set_flag(&member->audio_muted, message->set.audio_muted, &changed);
    set_flag(&member->video_muted, message->set.video_muted, &changed);
    set_flag(&member->hand, message->set.hand, &changed);
    set_flag(&member->screen, message->set.screen, &changed);
    if (message->set.name && strcmp(message->set.name, member->name) != 0) {
        free(member->name);
        member->name = message->set.name;
        message->set.name = NULL;
        changed = true;
    }
    if (!changed)
        return;
    struct stage_look look;
    get_look(member, &look);
    mixer_set_look(member->mix, &look);
    room_on_member_changed(member->room, member);
}

static void on_leave(struct member *member, struct message *message) {
    struct session *session = member->session;
    room_remove_member(member->room, member, "left");
    if (session)
        session_bye(session, "left");
}

static void on_ping(struct member *member, struct message *message) {
    tell(member, protocol_pong());
}

static void (*const handlers[])(struct member *, struct message *) = {
    [MESSAGE_SEND_OFFER] = on_offer, [MESSAGE_ICE_CANDIDATE] = on_candidate_message,
    [MESSAGE_CHAT] = on_chat,        [MESSAGE_REACTION] = on_reaction,
    [MESSAGE_SET] = on_set,          [MESSAGE_LEAVE] = on_leave,
    [MESSAGE_PING] = on_ping,
};

void member_obey(struct member *member, struct message *message) {
    member_note_heard(member);
    size_t type = message->type;
    if (type < sizeof(handlers) / sizeof(*handlers) && handlers[type]) {
        handlers[type](member, message);
        return;
    }
    struct refusal refusal;
    refusal_set(&refusal, 409, "already-joined", "You are in a room already.");
    member_refuse(member, &refusal);
}

// ---- what the link tells ----

void member_on_answer(struct member *member, const char *sdp, const struct peer_media *media) {
    member->media = *media;
    tell(member, protocol_answer(sdp));
}

void member_on_candidate(struct member *member, const char *candidate, const char *mid,
                         int mline_index) {
    tell(member, protocol_candidate(candidate, mid, mline_index));
}

void member_on_connected(struct member *member) {
    member->is_connected = true;
    log_info(member->object, "media connected");
    reception_begin(&member->reception, member->link, member->mix, &member->media, mixer_now_ns());
    limit_uplink(member);
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
    close_link(member);
    if (refusal)
        member_refuse(member, refusal);
}

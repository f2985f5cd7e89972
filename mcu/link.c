// SPDX-License-Identifier: MIT
// Two counts keep a link alive. `references` are those who may still call the peer (the member, a
// tick thread in the middle of a send, an event on its way to the control loop); the last one
// closes it. The memory itself lives on until the peer says release(): until then its threads may
// call back.
#include "mcu/link.h"

#include "mcu/limit.h"
#include "mcu/log.h"
#include "mcu/member.h"
#include "mcu/protocol.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    FEEDBACK_MAX = 64, // packets at a time
    // Believed until the client's feedback tells better, which on a good link takes a second. More
    // would begin with a keyframe that fills a thin link's queue for seconds.
    ESTIMATE_START_BPS = 300000,
    ESTIMATE_MIN_BPS = 30000,
    ESTIMATE_MAX_BPS = 100000000,
};

struct link {
    // Immutable after link_create().
    struct loop *loop;
    const struct config *config;
    struct mixer_member *mix; // a reference
    struct peer *peer;

    atomic_int references;
    struct member *member; // control loop only; NULL once detached

    // Protected by lock: the data channel's messages are counted where they arrive, and so is the
    // client's feedback.
    pthread_mutex_t lock;
    struct limit messages;
    struct bandwidth *bandwidth;
    bool has_feedback;
};

// Something the peer told, on its way to the control loop.
struct news {
    struct link *link;
    void (*deliver)(struct member *member, struct news *event);
    char *text, *mid;
    int mline_index;
    struct peer_media media;
    struct message message;
    struct refusal refusal;
    bool has_message, has_refusal;
};

// The member may have let go while the peer's threads still talk.
static bool try_ref(struct link *link) {
    int count = atomic_load(&link->references);
    while (count > 0)
        if (atomic_compare_exchange_weak(&link->references, &count, count + 1))
            return true;
    return false;
}

struct link *link_ref(struct link *link) {
    atomic_fetch_add(&link->references, 1);
    return link;
}

void link_unref(struct link *link) {
    if (link && atomic_fetch_sub(&link->references, 1) == 1)
        peer_close(link->peer);
}

struct peer *link_peer(struct link *link) {
    return link->peer;
}

static void deliver_event(void *user) {
    struct news *event = user;
    if (event->link->member)
        event->deliver(event->link->member, event);
    if (event->has_message)
        message_finish(&event->message);
    free(event->text);
    free(event->mid);
    link_unref(event->link);
    free(event);
}

static struct news *event_create(struct link *link,
                                 void (*deliver)(struct member *, struct news *)) {
    if (!try_ref(link))
        return NULL;
    struct news *event = calloc(1, sizeof(*event));
    if (!event) {
        link_unref(link);
        return NULL;
    }
    event->link = link;
    event->deliver = deliver;
    return event;
}

static void event_post(struct news *event) {
    loop_post(event->link->loop, deliver_event, event);
}

// ---- told by the peer's threads, delivered on the control loop ----

static void deliver_answer(struct member *member, struct news *event) {
    member_on_answer(member, event->text, &event->media);
}

static void on_answer(void *user, const char *sdp, const struct peer_media *media) {
    struct news *event = event_create(user, deliver_answer);
    if (!event)
        return;
    event->text = strdup(sdp);
    event->media = *media;
    event_post(event);
}

static void deliver_candidate(struct member *member, struct news *event) {
    member_on_candidate(member, event->text, event->mid, event->mline_index);
}

static void on_candidate(void *user, const char *candidate, const char *mid, int mline_index) {
    struct news *event = event_create(user, deliver_candidate);
    if (!event)
        return;
    event->text = strdup(candidate);
    event->mid = mid ? strdup(mid) : NULL;
    event->mline_index = mline_index;
    event_post(event);
}

static void deliver_connected(struct member *member, struct news *event) {
    member_on_connected(member);
}

static void on_connected(void *user) {
    struct news *event = event_create(user, deliver_connected);
    if (event)
        event_post(event);
}

static void deliver_channel_open(struct member *member, struct news *event) {
    member_on_channel_open(member);
}

static void on_channel_open(void *user) {
    struct news *event = event_create(user, deliver_channel_open);
    if (event)
        event_post(event);
}

static void deliver_message(struct member *member, struct news *event) {
    if (event->has_refusal)
        member_refuse(member, &event->refusal);
    else
        member_obey(member, &event->message);
}

static bool may_talk(struct link *link) {
    pthread_mutex_lock(&link->lock);
    bool is_allowed = limit_take(&link->messages, mixer_now_ns());
    pthread_mutex_unlock(&link->lock);
    return is_allowed;
}

// A flood is dropped here, where it costs least.
static void on_message(void *user, const char *text, size_t size_bytes) {
    struct link *link = user;
    if (!may_talk(link))
        return;
    struct news *event = event_create(link, deliver_message);
    if (!event)
        return;
    if (protocol_parse(link->config, text, size_bytes, &event->message, &event->refusal) == 0)
        event->has_message = true;
    else
        event->has_refusal = true;
    event_post(event);
}

static void deliver_failed(struct member *member, struct news *event) {
    member_on_link_failed(member, event->has_refusal ? &event->refusal : NULL, event->text);
}

static void on_failed(void *user, const struct refusal *refusal, const char *reason) {
    struct news *event = event_create(user, deliver_failed);
    if (!event)
        return;
    event->text = strdup(reason ? reason : "unknown");
    if (refusal) {
        event->refusal = *refusal;
        event->has_refusal = true;
    }
    event_post(event);
}

// ---- media: straight through ----

static void on_video(void *user, enum video_role role, enum video_codec codec, const void *data,
                     size_t size_bytes, int64_t pts_ns, int64_t arrival_ns, int rotation) {
    struct link *link = user;
    mixer_push_video(link->mix, role, codec, data, size_bytes, pts_ns, arrival_ns, rotation);
}

static void on_video_lost(void *user, enum video_role role) {
    struct link *link = user;
    mixer_push_video_lost(link->mix, role);
}

static void on_audio(void *user, const void *data, size_t size_bytes, int64_t pts_ns,
                     int64_t arrival_ns) {
    struct link *link = user;
    mixer_push_audio(link->mix, data, size_bytes, pts_ns, arrival_ns);
}

static void on_audio_lost(void *user, int64_t pts_ns, int64_t duration_ns) {
    struct link *link = user;
    mixer_push_audio_lost(link->mix, pts_ns, duration_ns);
}

static void on_feedback(void *user, const struct peer_packet_report *reports, int count) {
    struct link *link = user;
    struct bandwidth_packet packets[FEEDBACK_MAX];
    int64_t now_ns = mixer_now_ns();
    pthread_mutex_lock(&link->lock);
    link->has_feedback = true;
    for (int done = 0; done < count;) {
        int part = 0;
        for (; part < FEEDBACK_MAX && done < count; part++, done++)
            packets[part] = (struct bandwidth_packet){.sent_ns = reports[done].sent_ns,
                                                      .received_ns = reports[done].received_ns,
                                                      .size_bytes = reports[done].size_bytes};
        bandwidth_add(link->bandwidth, packets, part, now_ns);
    }
    pthread_mutex_unlock(&link->lock);
}

bool link_estimate(struct link *link, int64_t rtt_ns, int64_t wanted_bps, int64_t now_ns,
                   struct bandwidth_view *out) {
    struct bandwidth_probe probe = {0};
    pthread_mutex_lock(&link->lock);
    bool has_feedback = link->has_feedback;
    if (has_feedback) {
        bandwidth_set_rtt_ns(link->bandwidth, rtt_ns);
        bandwidth_tick(link->bandwidth, now_ns);
        probe = bandwidth_take_probe(link->bandwidth, wanted_bps, now_ns);
    }
    bandwidth_get(link->bandwidth, out);
    pthread_mutex_unlock(&link->lock);
    if (probe.kbps > 0)
        peer_send_probe(link->peer, probe.kbps, probe.duration_ms);
    return has_feedback;
}

static void on_keyframe_request(void *user) {
    struct link *link = user;
    mixer_request_keyframe(link->mix);
}

static void link_free(struct link *link) {
    bandwidth_destroy(link->bandwidth);
    mixer_member_unref(link->mix);
    pthread_mutex_destroy(&link->lock);
    free(link);
}

static void on_release(void *user) {
    link_free(user);
}

static const struct peer_ops peer_ops = {
    .on_answer = on_answer,
    .on_candidate = on_candidate,
    .on_connected = on_connected,
    .on_channel_open = on_channel_open,
    .on_message = on_message,
    .on_video = on_video,
    .on_video_lost = on_video_lost,
    .on_audio = on_audio,
    .on_audio_lost = on_audio_lost,
    .on_keyframe_request = on_keyframe_request,
    .on_feedback = on_feedback,
    .on_failed = on_failed,
    .release = on_release,
};

struct link *link_create(struct loop *loop, const struct config *config, const char *object,
                         struct member *member, struct mixer_member *mix) {
    struct link *link = calloc(1, sizeof(*link));
    if (!link)
        return NULL;
    link->loop = loop;
    link->config = config;
    link->member = member;
    link->mix = mixer_member_ref(mix);
    atomic_init(&link->references, 1);
    pthread_mutex_init(&link->lock, NULL);
    limit_init(&link->messages, config->messages_per_s, 3 * config->messages_per_s);
    link->bandwidth = bandwidth_create(ESTIMATE_START_BPS, ESTIMATE_MIN_BPS, ESTIMATE_MAX_BPS);
    if (link->bandwidth)
        link->peer = peer_create(config, object, &peer_ops, link);
    if (!link->peer) {
        link_free(link);
        return NULL;
    }
    return link;
}

void link_detach(struct link *link) {
    if (!link)
        return;
    link->member = NULL;
    link_unref(link);
}

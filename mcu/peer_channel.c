// SPDX-License-Identifier: MIT
// The data channel: the client opens one, we use the first. And what keeps SCTP from harm: ids of
// our own for its associations, and an end to clients that open channel after channel.
#include "mcu/peer_internal.h"

#include "mcu/log.h"

#include <errno.h>
#include <string.h>

enum {
    MESSAGE_BYTES_MAX = 60 * 1024,
    UNSENT_BYTES_MAX = 1 << 20, // what a client that does not read may have us keep
    ASSOCIATIONS = 65535,
};

// ---- association ids ----

static pthread_mutex_t association_lock = PTHREAD_MUTEX_INITIALIZER;
static bool association_is_taken[ASSOCIATIONS]; // protected by association_lock
static int association_last;                    // protected by association_lock

// webrtcbin draws them by lot from 16 bits for the whole process, and a duplicate hangs in the
// teardown.
int peer_channel_take_association(void) {
    int found = -1;
    pthread_mutex_lock(&association_lock);
    for (int i = 1; i <= ASSOCIATIONS && found < 0; i++) {
        int id = (association_last + i) % ASSOCIATIONS;
        if (!association_is_taken[id])
            found = id;
    }
    if (found >= 0) {
        association_is_taken[found] = true;
        association_last = found;
    }
    pthread_mutex_unlock(&association_lock);
    return found;
}

void peer_channel_give_association(int id) {
    if (id < 0)
        return;
    pthread_mutex_lock(&association_lock);
    association_is_taken[id] = false;
    pthread_mutex_unlock(&association_lock);
}

// Each data channel brings one appsrc, with a thread, that stays until the pipeline goes.
void peer_channel_limit(struct peer *peer, GstElement *element, const char *factory) {
    if ((strcmp(factory, "sctpenc") == 0 || strcmp(factory, "sctpdec") == 0) &&
        peer->association_id >= 0)
        g_object_set(element, "sctp-association-id", (guint)peer->association_id, NULL);
    if (strcmp(factory, "appsrc") != 0)
        return;
    pthread_mutex_lock(&peer->lock);
    bool is_one_too_many = ++peer->channel_count > PEER_CHANNELS_MAX;
    pthread_mutex_unlock(&peer->lock);
    if (is_one_too_many)
        peer_post(peer, JOB_FAILED, 0, "too many data channels");
}

// ---- the channel ----

static void tell(struct peer *peer, const char *text, size_t size_bytes) {
    if (!text || size_bytes == 0 || !atomic_load(&peer->is_genuine) || !peer_enter(peer))
        return;
    peer->ops.on_message(peer->user, text, size_bytes);
    peer_leave(peer);
}

static void on_text(GstWebRTCDataChannel *channel, const char *text, struct peer *peer) {
    tell(peer, text, text ? strlen(text) : 0);
}

static void on_data(GstWebRTCDataChannel *channel, GBytes *bytes, struct peer *peer) {
    gsize size_bytes = 0;
    const char *data = bytes ? g_bytes_get_data(bytes, &size_bytes) : NULL;
    tell(peer, data, size_bytes);
}

static void on_close(GstWebRTCDataChannel *channel, struct peer *peer) {
    pthread_mutex_lock(&peer->lock);
    bool is_ours = peer->channel == channel;
    if (is_ours)
        peer->channel = NULL;
    pthread_mutex_unlock(&peer->lock);
    if (is_ours)
        g_object_unref(channel);
}

static void on_channel(GstElement *webrtc, GstWebRTCDataChannel *channel, struct peer *peer) {
    pthread_mutex_lock(&peer->lock);
    bool is_first = !peer->channel && !peer->is_closing;
    if (is_first)
        peer->channel = g_object_ref(channel);
    pthread_mutex_unlock(&peer->lock);
    if (!is_first) {
        log_debug(peer->object, "a further data channel is ignored");
        return;
    }
    peer_connect(peer, channel, "on-message-string", G_CALLBACK(on_text));
    peer_connect(peer, channel, "on-message-data", G_CALLBACK(on_data));
    peer_connect(peer, channel, "on-close", G_CALLBACK(on_close));
    peer_channel_tell(peer);
}

// The channel may open before the worker has told that the connection is up: then the worker tells
// of the channel too, afterwards.
void peer_channel_tell(struct peer *peer) {
    pthread_mutex_lock(&peer->lock);
    bool is_due =
        peer->channel && !peer->has_told_channel && atomic_load(&peer->state) == PEER_CONNECTED;
    peer->has_told_channel |= is_due;
    pthread_mutex_unlock(&peer->lock);
    if (is_due && peer_enter(peer)) {
        peer->ops.on_channel_open(peer->user);
        peer_leave(peer);
    }
}

void peer_channel_watch(struct peer *peer) {
    peer_connect(peer, peer->webrtc, "on-data-channel", G_CALLBACK(on_channel));
}

void peer_channel_finish(struct peer *peer) {
    pthread_mutex_lock(&peer->lock);
    GstWebRTCDataChannel *channel = peer->channel;
    peer->channel = NULL;
    pthread_mutex_unlock(&peer->lock);
    if (!channel)
        return;
    g_signal_handlers_disconnect_by_data(channel, peer);
    g_object_unref(channel);
}

static int send_text(GstWebRTCDataChannel *channel, const char *text, size_t size_bytes) {
    guint64 unsent_bytes = 0;
    g_object_get(channel, "buffered-amount", &unsent_bytes, NULL);
    if (unsent_bytes > UNSENT_BYTES_MAX)
        return -EAGAIN;
    char *copy = g_strndup(text, size_bytes);
    gst_webrtc_data_channel_send_string(channel, copy);
    g_free(copy);
    return 0;
}

int peer_send_message(struct peer *peer, const char *text, size_t size_bytes) {
    if (size_bytes > MESSAGE_BYTES_MAX)
        return -EMSGSIZE;
    // webrtcbin 1.22 mistakes an empty message for the channel's end.
    if (size_bytes == 0 || *text == '\0')
        return 0;
    if (!peer_enter(peer))
        return -ENOTCONN;
    pthread_mutex_lock(&peer->lock);
    GstWebRTCDataChannel *channel = peer->channel ? g_object_ref(peer->channel) : NULL;
    pthread_mutex_unlock(&peer->lock);
    int outcome = channel ? send_text(channel, text, size_bytes) : -ENOTCONN;
    g_clear_object(&channel);
    peer_leave(peer);
    return outcome;
}

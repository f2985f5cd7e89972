// SPDX-License-Identifier: MIT
#include "mcu/member_feed.h"

#include <pthread.h>
#include <stdlib.h>

struct member_feed {
    pthread_mutex_t lock;
    struct link *link; // protected by lock; holds a reference
};

struct member_feed *member_feed_create(void) {
    struct member_feed *feed = calloc(1, sizeof(*feed));
    if (feed)
        pthread_mutex_init(&feed->lock, NULL);
    return feed;
}

void member_feed_destroy(struct member_feed *feed) {
    pthread_mutex_destroy(&feed->lock);
    free(feed);
}

static struct link *take_link(struct member_feed *feed) {
    pthread_mutex_lock(&feed->lock);
    struct link *link = feed->link ? link_ref(feed->link) : NULL;
    pthread_mutex_unlock(&feed->lock);
    return link;
}

static void on_video(void *user, struct packet *packet) {
    struct link *link = take_link(user);
    if (link)
        peer_send_video(link_peer(link), packet);
    link_unref(link);
}

static void on_audio(void *user, struct packet *packet) {
    struct link *link = take_link(user);
    if (link)
        peer_send_audio(link_peer(link), packet);
    link_unref(link);
}

static void on_keyframe_wanted(void *user, enum video_role role) {
    struct link *link = take_link(user);
    if (link)
        peer_request_keyframe(link_peer(link), role);
    link_unref(link);
}

static void on_release(void *user) {
    member_feed_destroy(user);
}

const struct mixer_member_ops member_feed_ops = {
    .on_video = on_video,
    .on_audio = on_audio,
    .on_keyframe_wanted = on_keyframe_wanted,
    .release = on_release,
};

void member_feed_set_link(struct member_feed *feed, struct link *link) {
    pthread_mutex_lock(&feed->lock);
    struct link *old = feed->link;
    feed->link = link ? link_ref(link) : NULL;
    pthread_mutex_unlock(&feed->lock);
    link_unref(old);
}

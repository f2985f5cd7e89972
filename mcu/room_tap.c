// SPDX-License-Identifier: MIT
#include "mcu/room_tap.h"

#include <pthread.h>
#include <stdlib.h>

struct tap {
    // Immutable.
    tap_push *push;
    void *user;

    // Protected by lock.
    pthread_mutex_t lock;
    pthread_cond_t released;
    struct mixer_member *member; // NULL: closed
    bool is_held;                // by the mixer: calls may come
};

static void on_video(void *user, struct packet *packet) {
    struct tap *tap = user;
    tap->push(tap->user, packet, false);
}

static void on_audio(void *user, struct packet *packet) {
    struct tap *tap = user;
    tap->push(tap->user, packet, true);
}

static void on_release(void *user) {
    struct tap *tap = user;
    pthread_mutex_lock(&tap->lock);
    tap->is_held = false;
    pthread_cond_broadcast(&tap->released);
    pthread_mutex_unlock(&tap->lock);
}

static const struct mixer_member_ops member_ops = {
    .on_video = on_video, .on_audio = on_audio, .release = on_release};

struct tap *tap_create(tap_push *push, void *user) {
    struct tap *tap = calloc(1, sizeof(*tap));
    if (!tap)
        return NULL;
    tap->push = push;
    tap->user = user;
    pthread_mutex_init(&tap->lock, NULL);
    pthread_cond_init(&tap->released, NULL);
    return tap;
}

int tap_open(struct tap *tap, struct mixer *mixer, const char *id, bool with_video) {
    static const struct stage_look look = {
        .name = "", .audio_muted = true, .video_muted = true, .hidden = true};
    struct mixer_member *member;
    tap->is_held = true;
    int error = mixer_add_member(mixer, id, &look, &member_ops, tap, &member);
    if (error) {
        tap->is_held = false;
        return error;
    }
    pthread_mutex_lock(&tap->lock);
    tap->member = member;
    pthread_mutex_unlock(&tap->lock);
    const struct mixer_reception all = {
        .video = with_video, .audio = true, .tier = 0, .layers = STAGE_LAYERS};
    mixer_set_reception(member, &all);
    return 0;
}

void tap_request_keyframe(struct tap *tap) {
    pthread_mutex_lock(&tap->lock);
    struct mixer_member *member = tap->member ? mixer_member_ref(tap->member) : NULL;
    pthread_mutex_unlock(&tap->lock);
    if (member)
        mixer_request_keyframe(member);
    mixer_member_unref(member);
}

void tap_close(struct tap *tap) {
    pthread_mutex_lock(&tap->lock);
    struct mixer_member *member = tap->member;
    tap->member = NULL;
    pthread_mutex_unlock(&tap->lock);
    if (member)
        mixer_remove_member(member);
}

void tap_drain(struct tap *tap) {
    pthread_mutex_lock(&tap->lock);
    while (tap->is_held)
        pthread_cond_wait(&tap->released, &tap->lock);
    pthread_mutex_unlock(&tap->lock);
}

void tap_destroy(struct tap *tap) {
    if (!tap)
        return;
    pthread_cond_destroy(&tap->released);
    pthread_mutex_destroy(&tap->lock);
    free(tap);
}

// SPDX-License-Identifier: MIT
// How many peers there are, and waiting until none is left. Each peer is torn down on its own
// worker thread (peer.c): one that hangs in GStreamer hangs alone and is only counted here.
#include "mcu/peer_internal.h"

#include <errno.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int living_count; // protected by lock

static void init_condition(void) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

void peer_reaper_born(void) {
    pthread_mutex_lock(&lock);
    living_count++;
    pthread_mutex_unlock(&lock);
}

void peer_reaper_died(void) {
    pthread_once(&once, init_condition);
    pthread_mutex_lock(&lock);
    living_count--;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

int peer_count(void) {
    pthread_mutex_lock(&lock);
    int count = living_count;
    pthread_mutex_unlock(&lock);
    return count;
}

int peer_drain(int timeout_ms) {
    pthread_once(&once, init_condition);
    int64_t until_ns = peer_now_ns() + (int64_t)timeout_ms * 1000000;
    struct timespec until = {.tv_sec = until_ns / 1000000000, .tv_nsec = until_ns % 1000000000};
    pthread_mutex_lock(&lock);
    while (living_count > 0)
        if (pthread_cond_timedwait(&changed, &lock, &until) == ETIMEDOUT)
            break;
    int count = living_count;
    pthread_mutex_unlock(&lock);
    if (count == 0)
        peer_timer_finish();
    return count;
}

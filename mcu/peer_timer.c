// SPDX-License-Identifier: MIT
#include "mcu/peer_timer.h"

#include "mcu/log.h"
#include "mcu/peer_internal.h"

#include <string.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static pthread_once_t once = PTHREAD_ONCE_INIT;
// Protected by lock.
static struct peer_timer *timers; // those that are set, in no order: few
static int64_t awake_ns;          // when the thread looks again
static enum { STOPPED, RUNNING, STOPPING, FAILED } thread_state;
static pthread_t thread;

static void init_condition(void) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

static struct peer_timer *find_first_locked(void) {
    struct peer_timer *first = timers;
    for (struct peer_timer *timer = timers; timer; timer = timer->next)
        if (timer->due_ns < first->due_ns)
            first = timer;
    return first;
}

static void unlink_locked(struct peer_timer *timer) {
    if (timer->previous)
        timer->previous->next = timer->next;
    else
        timers = timer->next;
    if (timer->next)
        timer->next->previous = timer->previous;
    timer->is_set = false;
}

static void wait_until_locked(int64_t due_ns) {
    awake_ns = due_ns;
    struct timespec until = {.tv_sec = due_ns / 1000000000, .tv_nsec = due_ns % 1000000000};
    if (due_ns == INT64_MAX)
        pthread_cond_wait(&changed, &lock);
    else
        pthread_cond_timedwait(&changed, &lock, &until);
    awake_ns = 0;
}

// NULL: the thread shall end.
static struct peer_timer *take_due(void) {
    struct peer_timer *due = NULL;
    pthread_mutex_lock(&lock);
    while (thread_state == RUNNING && !due) {
        struct peer_timer *first = find_first_locked();
        if (first && first->due_ns <= peer_now_ns())
            due = first;
        else
            wait_until_locked(first ? first->due_ns : INT64_MAX);
    }
    if (due)
        unlink_locked(due);
    pthread_mutex_unlock(&lock);
    return due;
}

static void *thread_run(void *user) {
    struct peer_timer *timer;
    while ((timer = take_due())) {
        struct peer *peer = timer->peer;
        int64_t next_ns = -1;
        if (peer_enter(peer)) {
            next_ns = timer->run(peer, peer_now_ns());
            if (next_ns >= 0)
                peer_timer_set(timer, next_ns);
            peer_leave(peer);
        }
        peer_unref(peer);
    }
    return NULL;
}

static void start_locked(void) {
    int error = pthread_create(&thread, NULL, thread_run, NULL);
    if (error != 0) {
        if (thread_state != FAILED)
            log_error(NULL, "no thread for timers: large frames will be late: %s", strerror(error));
        thread_state = FAILED; // the next timer tries again
        return;
    }
    pthread_setname_np(thread, "pacer");
    thread_state = RUNNING;
}

void peer_timer_set(struct peer_timer *timer, int64_t due_ns) {
    pthread_once(&once, init_condition);
    pthread_mutex_lock(&lock);
    if (!timer->is_set) {
        peer_ref(timer->peer);
        timer->is_set = true;
        timer->due_ns = due_ns;
        timer->previous = NULL;
        timer->next = timers;
        if (timers)
            timers->previous = timer;
        timers = timer;
    } else if (due_ns < timer->due_ns) {
        timer->due_ns = due_ns;
    }
    if (thread_state == STOPPED || thread_state == FAILED)
        start_locked();
    else if (timer->due_ns < awake_ns)
        pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
}

void peer_timer_cancel(struct peer_timer *timer) {
    pthread_mutex_lock(&lock);
    bool was_set = timer->is_set;
    if (was_set)
        unlink_locked(timer);
    pthread_mutex_unlock(&lock);
    if (was_set)
        peer_unref(timer->peer);
}

void peer_timer_finish(void) {
    pthread_once(&once, init_condition);
    pthread_mutex_lock(&lock);
    if (thread_state != RUNNING) {
        pthread_mutex_unlock(&lock);
        return;
    }
    thread_state = STOPPING;
    pthread_t ending = thread;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
    pthread_join(ending, NULL);
    pthread_mutex_lock(&lock);
    thread_state = STOPPED;
    if (timers) // of a peer that came just then
        start_locked();
    pthread_mutex_unlock(&lock);
}

// SPDX-License-Identifier: MIT
#include "mcu/errands.h"

#include <glib.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct errands {
    GThread *thread;

    // Protected by lock.
    pthread_mutex_t lock;
    pthread_cond_t sent;
    GQueue queue; // struct errand
};

struct errand {
    void (*work)(void *user); // NULL: the end
    void *user;
};

static struct errand *next(struct errands *errands) {
    pthread_mutex_lock(&errands->lock);
    while (errands->queue.length == 0)
        pthread_cond_wait(&errands->sent, &errands->lock);
    struct errand *errand = g_queue_pop_head(&errands->queue);
    pthread_mutex_unlock(&errands->lock);
    return errand;
}

static gpointer run(gpointer data) {
    struct errands *errands = data;
    for (bool goes_on = true; goes_on;) {
        struct errand *errand = next(errands);
        goes_on = errand->work != NULL;
        if (goes_on)
            errand->work(errand->user);
        g_free(errand);
    }
    return NULL;
}

static void errands_free(struct errands *errands) {
    pthread_mutex_destroy(&errands->lock);
    pthread_cond_destroy(&errands->sent);
    free(errands);
}

struct errands *errands_create(void) {
    struct errands *errands = calloc(1, sizeof(*errands));
    if (!errands)
        return NULL;
    pthread_mutex_init(&errands->lock, NULL);
    pthread_cond_init(&errands->sent, NULL);
    g_queue_init(&errands->queue);
    errands->thread = g_thread_try_new("errands", run, errands, NULL);
    if (errands->thread)
        return errands;
    errands_free(errands);
    return NULL;
}

void errands_send(struct errands *errands, void (*work)(void *user), void *user) {
    struct errand *errand = g_new0(struct errand, 1);
    errand->work = work;
    errand->user = user;
    pthread_mutex_lock(&errands->lock);
    g_queue_push_tail(&errands->queue, errand);
    pthread_cond_signal(&errands->sent);
    pthread_mutex_unlock(&errands->lock);
}

void errands_destroy(struct errands *errands) {
    if (!errands)
        return;
    errands_send(errands, NULL, NULL);
    g_thread_join(errands->thread);
    errands_free(errands);
}

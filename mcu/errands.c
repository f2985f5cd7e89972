// SPDX-License-Identifier: MIT
#include "mcu/errands.h"

#include <glib.h>
#include <stdbool.h>
#include <stdlib.h>

struct errands {
    GThread *thread;
    GAsyncQueue *queue; // struct errand
};

struct errand {
    void (*work)(void *user); // NULL: the end
    void *user;
};

static gpointer run(gpointer data) {
    struct errands *errands = data;
    for (bool goes_on = true; goes_on;) {
        struct errand *errand = g_async_queue_pop(errands->queue);
        goes_on = errand->work != NULL;
        if (goes_on)
            errand->work(errand->user);
        g_free(errand);
    }
    return NULL;
}

struct errands *errands_create(void) {
    struct errands *errands = calloc(1, sizeof(*errands));
    if (!errands)
        return NULL;
    errands->queue = g_async_queue_new();
    errands->thread = g_thread_try_new("errands", run, errands, NULL);
    if (errands->thread)
        return errands;
    g_async_queue_unref(errands->queue);
    free(errands);
    return NULL;
}

void errands_send(struct errands *errands, void (*work)(void *user), void *user) {
    struct errand *errand = g_new0(struct errand, 1);
    errand->work = work;
    errand->user = user;
    g_async_queue_push(errands->queue, errand);
}

void errands_destroy(struct errands *errands) {
    if (!errands)
        return;
    errands_send(errands, NULL, NULL);
    g_thread_join(errands->thread);
    g_async_queue_unref(errands->queue);
    free(errands);
}

// SPDX-License-Identifier: MIT
#include "mcu/errands.h"

<<<<<<< HEAD
=======
#include <glib.h>
>>>>>>> w-library
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

<<<<<<< HEAD
=======
struct errands {
    GThread *thread;

    // Protected by lock.
    pthread_mutex_t lock;
    pthread_cond_t sent;
    GQueue queue; // struct errand
};

>>>>>>> w-library
struct errand {
    void (*work)(void *user);
    void *user;
    struct errand *next;
};

<<<<<<< HEAD
struct errands {
    pthread_t thread; // immutable

    // Protected by lock.
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct errand *first, **last; // last: where the next one is hung up
    bool is_ending;
};

// NULL: nothing is left, and nothing will come.
static struct errand *take(struct errands *errands) {
    pthread_mutex_lock(&errands->lock);
    while (!errands->first && !errands->is_ending)
        pthread_cond_wait(&errands->wake, &errands->lock);
    struct errand *errand = errands->first;
    if (errand && !(errands->first = errand->next))
        errands->last = &errands->first;
=======
static struct errand *next(struct errands *errands) {
    pthread_mutex_lock(&errands->lock);
    while (errands->queue.length == 0)
        pthread_cond_wait(&errands->sent, &errands->lock);
    struct errand *errand = g_queue_pop_head(&errands->queue);
>>>>>>> w-library
    pthread_mutex_unlock(&errands->lock);
    return errand;
}

<<<<<<< HEAD
static void *run(void *user) {
    struct errand *errand;
    while ((errand = take(user))) {
        errand->work(errand->user);
        free(errand);
=======
static gpointer run(gpointer data) {
    struct errands *errands = data;
    for (bool goes_on = true; goes_on;) {
        struct errand *errand = next(errands);
        goes_on = errand->work != NULL;
        if (goes_on)
            errand->work(errand->user);
        g_free(errand);
>>>>>>> w-library
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
<<<<<<< HEAD
    pthread_cond_init(&errands->wake, NULL);
    errands->last = &errands->first;
    if (pthread_create(&errands->thread, NULL, run, errands) == 0) {
        pthread_setname_np(errands->thread, "errands");
        return errands;
    }
    pthread_cond_destroy(&errands->wake);
    pthread_mutex_destroy(&errands->lock);
    free(errands);
=======
    pthread_cond_init(&errands->sent, NULL);
    g_queue_init(&errands->queue);
    errands->thread = g_thread_try_new("errands", run, errands, NULL);
    if (errands->thread)
        return errands;
    errands_free(errands);
>>>>>>> w-library
    return NULL;
}

// Out of memory it is done here and now: late is better than never.
void errands_send(struct errands *errands, void (*work)(void *user), void *user) {
<<<<<<< HEAD
    struct errand *errand = malloc(sizeof(*errand));
    if (!errand) {
        work(user);
        return;
    }
    *errand = (struct errand){.work = work, .user = user};
    pthread_mutex_lock(&errands->lock);
    *errands->last = errand;
    errands->last = &errand->next;
    pthread_cond_signal(&errands->wake);
=======
    struct errand *errand = g_new0(struct errand, 1);
    errand->work = work;
    errand->user = user;
    pthread_mutex_lock(&errands->lock);
    g_queue_push_tail(&errands->queue, errand);
    pthread_cond_signal(&errands->sent);
>>>>>>> w-library
    pthread_mutex_unlock(&errands->lock);
}

void errands_destroy(struct errands *errands) {
    if (!errands)
        return;
<<<<<<< HEAD
    pthread_mutex_lock(&errands->lock);
    errands->is_ending = true;
    pthread_cond_signal(&errands->wake);
    pthread_mutex_unlock(&errands->lock);
    pthread_join(errands->thread, NULL);
    pthread_cond_destroy(&errands->wake);
    pthread_mutex_destroy(&errands->lock);
    free(errands);
=======
    errands_send(errands, NULL, NULL);
    g_thread_join(errands->thread);
    errands_free(errands);
>>>>>>> w-library
}

// SPDX-License-Identifier: MIT
#include "mcu/errands.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct errand {
    void (*work)(void *user);
    void *user;
    struct errand *next;
};

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
    pthread_mutex_unlock(&errands->lock);
    return errand;
}

static void *run(void *user) {
    struct errand *errand;
    while ((errand = take(user))) {
        errand->work(errand->user);
        free(errand);
    }
    return NULL;
}

struct errands *errands_create(void) {
    struct errands *errands = calloc(1, sizeof(*errands));
    if (!errands)
        return NULL;
    pthread_mutex_init(&errands->lock, NULL);
    pthread_cond_init(&errands->wake, NULL);
    errands->last = &errands->first;
    if (pthread_create(&errands->thread, NULL, run, errands) == 0) {
        pthread_setname_np(errands->thread, "errands");
        return errands;
    }
    pthread_cond_destroy(&errands->wake);
    pthread_mutex_destroy(&errands->lock);
    free(errands);
    return NULL;
}

// Out of memory it is done here and now: late is better than never.
void errands_send(struct errands *errands, void (*work)(void *user), void *user) {
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
    pthread_mutex_unlock(&errands->lock);
}

void errands_destroy(struct errands *errands) {
    if (!errands)
        return;
    pthread_mutex_lock(&errands->lock);
    errands->is_ending = true;
    pthread_cond_signal(&errands->wake);
    pthread_mutex_unlock(&errands->lock);
    pthread_join(errands->thread, NULL);
    pthread_cond_destroy(&errands->wake);
    pthread_mutex_destroy(&errands->lock);
    free(errands);
}

// SPDX-License-Identifier: MIT
#include "http/deadline.h"

#include <glib.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

struct deadline {
    // Protected by the list's lock. The descriptor is open as long as this is in the list.
    int fd;
    int64_t at_ms;
    GList link;
};

struct deadlines {
    pthread_mutex_t lock;
    GQueue list; // struct deadline
};

struct deadlines *deadlines_create(void) {
    struct deadlines *deadlines = calloc(1, sizeof(*deadlines));
    if (!deadlines)
        return NULL;
    pthread_mutex_init(&deadlines->lock, NULL);
    g_queue_init(&deadlines->list);
    return deadlines;
}

void deadlines_destroy(struct deadlines *deadlines) {
    if (!deadlines)
        return;
    pthread_mutex_destroy(&deadlines->lock);
    free(deadlines);
}

struct deadline *deadlines_add(struct deadlines *deadlines, int fd, int64_t at_ms) {
    struct deadline *deadline = calloc(1, sizeof(*deadline));
    if (!deadline)
        return NULL;
    deadline->fd = fd;
    deadline->at_ms = at_ms;
    deadline->link.data = deadline;
    pthread_mutex_lock(&deadlines->lock);
    g_queue_push_tail_link(&deadlines->list, &deadline->link);
    pthread_mutex_unlock(&deadlines->lock);
    return deadline;
}

void deadlines_remove(struct deadlines *deadlines, struct deadline *deadline) {
    if (!deadline)
        return;
    pthread_mutex_lock(&deadlines->lock);
    g_queue_unlink(&deadlines->list, &deadline->link);
    pthread_mutex_unlock(&deadlines->lock);
    free(deadline);
}

void deadlines_move(struct deadlines *deadlines, struct deadline *deadline, int64_t at_ms) {
    if (!deadline)
        return;
    pthread_mutex_lock(&deadlines->lock);
    deadline->at_ms = at_ms;
    pthread_mutex_unlock(&deadlines->lock);
}

int deadlines_sweep(struct deadlines *deadlines, int64_t now_ms) {
    int late = 0;
    pthread_mutex_lock(&deadlines->lock);
    for (GList *link = deadlines->list.head; link; link = link->next) {
        struct deadline *deadline = link->data;
        if (deadline->at_ms > now_ms)
            continue;
        shutdown(deadline->fd, SHUT_RDWR);
        deadline->at_ms = DEADLINE_NEVER;
        late++;
    }
    pthread_mutex_unlock(&deadlines->lock);
    return late;
}

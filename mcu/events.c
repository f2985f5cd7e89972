// SPDX-License-Identifier: MIT
// The ring, and the queue of what the listeners have yet to hear. Whoever adds an event while
// another thread is calling the listeners leaves it to that one: so they hear all in order, without
// a lock held.
#include "mcu/events.h"

#include "mcu/protocol.h"

#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct kept {
    struct event event;
    atomic_int references;
};

struct events_listener {
    void (*on_event)(void *user, const struct event *event);
    void *user;
    uint64_t after;  // hears what comes after it
    uint64_t number; // listeners are in this order
    GList link;
};

struct events {
    pthread_mutex_t lock;
    pthread_cond_t called; // a listener's call has returned
    // Protected by lock.
    struct kept **ring; // ids rise; not every id is in it
    int capacity, first, count;
    uint64_t last_id;      // given out
    uint64_t forgotten_id; // what is above it is in the ring still
    GQueue untold;         // struct kept, with a reference
    GQueue listeners;      // struct events_listener
    uint64_t listeners_made;
    bool is_telling;
    const struct events_listener *called_now;
};

static int64_t now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

// ---- one event ----

static char *render(const struct event *event, json_t *data) {
    char at[32];
    protocol_time(event->at_unix_ms, at);
    json_t *json =
        json_pack("{s:I, s:s, s:s?, s:s, s:O}", "id", (json_int_t)event->id, "type", event->type,
                  "room", event->room[0] ? event->room : NULL, "at", at, "data", data);
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    return text;
}

static struct kept *make(uint64_t id, const char *type, const char *room, json_t *data) {
    struct kept *kept = calloc(1, sizeof(*kept));
    if (!kept)
        return NULL;
    atomic_init(&kept->references, 1);
    kept->event.id = id;
    kept->event.at_unix_ms = now_us() / 1000;
    g_strlcpy(kept->event.type, type, sizeof(kept->event.type));
    g_strlcpy(kept->event.room, room ? room : "", sizeof(kept->event.room));
    kept->event.json = render(&kept->event, data);
    if (!kept->event.json) {
        free(kept);
        return NULL;
    }
    return kept;
}

// The event is the first member of what keeps it.
const struct event *event_ref(const struct event *event) {
    atomic_fetch_add_explicit(&((struct kept *)(uintptr_t)event)->references, 1,
                              memory_order_relaxed);
    return event;
}

void event_unref(const struct event *event) {
    struct kept *kept = (struct kept *)(uintptr_t)event;
    if (!kept || atomic_fetch_sub_explicit(&kept->references, 1, memory_order_acq_rel) > 1)
        return;
    free((char *)(uintptr_t)kept->event.json);
    free(kept);
}

// ---- life ----

struct events *events_create(int capacity) {
    struct events *events = calloc(1, sizeof(*events));
    if (!events)
        return NULL;
    pthread_mutex_init(&events->lock, NULL);
    pthread_cond_init(&events->called, NULL);
    g_queue_init(&events->untold);
    g_queue_init(&events->listeners);
    events->capacity = capacity > 0 ? capacity : 1;
    // Nobody adds a million events a second, so the next start begins above all of these.
    events->last_id = events->forgotten_id = (uint64_t)now_us();
    events->ring = calloc((size_t)events->capacity, sizeof(struct kept *));
    if (!events->ring) {
        events_destroy(events);
        return NULL;
    }
    return events;
}

void events_destroy(struct events *events) {
    if (!events)
        return;
    for (int i = 0; events->ring && i < events->count; i++)
        event_unref(&events->ring[(events->first + i) % events->capacity]->event);
    free(events->ring);
    pthread_cond_destroy(&events->called);
    pthread_mutex_destroy(&events->lock);
    free(events);
}

// ---- telling ----

static struct events_listener *next_listener_locked(struct events *events, uint64_t above) {
    for (GList *link = events->listeners.head; link; link = link->next) {
        struct events_listener *listener = link->data;
        if (listener->number > above)
            return listener;
    }
    return NULL;
}

// Listeners may come and go between two calls; the next is found by its number.
static void tell_one_locked(struct events *events, const struct kept *kept) {
    struct events_listener *listener;
    for (uint64_t above = 0; (listener = next_listener_locked(events, above));) {
        above = listener->number;
        if (kept->event.id <= listener->after)
            continue;
        events->called_now = listener;
        pthread_mutex_unlock(&events->lock);
        listener->on_event(listener->user, &kept->event);
        pthread_mutex_lock(&events->lock);
        events->called_now = NULL;
        pthread_cond_broadcast(&events->called);
    }
}

static void tell_locked(struct events *events) {
    if (events->is_telling)
        return;
    events->is_telling = true;
    struct kept *kept;
    while ((kept = g_queue_pop_head(&events->untold))) {
        tell_one_locked(events, kept);
        event_unref(&kept->event);
    }
    events->is_telling = false;
}

struct events_listener *events_listen(struct events *events,
                                      void (*on_event)(void *user, const struct event *event),
                                      void *user) {
    struct events_listener *listener = calloc(1, sizeof(*listener));
    if (!listener)
        return NULL;
    listener->on_event = on_event;
    listener->user = user;
    listener->link.data = listener;
    pthread_mutex_lock(&events->lock);
    listener->after = events->last_id;
    listener->number = ++events->listeners_made;
    g_queue_push_tail_link(&events->listeners, &listener->link);
    pthread_mutex_unlock(&events->lock);
    return listener;
}

void events_stop_listening(struct events *events, struct events_listener *listener) {
    if (!listener)
        return;
    pthread_mutex_lock(&events->lock);
    g_queue_unlink(&events->listeners, &listener->link);
    while (events->called_now == listener)
        pthread_cond_wait(&events->called, &events->lock);
    pthread_mutex_unlock(&events->lock);
    free(listener);
}

// ---- the ring ----

static struct kept *at_locked(const struct events *events, int index) {
    return events->ring[(events->first + index) % events->capacity];
}

// Takes the reference. Returns what had to go for it, or NULL.
static struct kept *push_locked(struct events *events, struct kept *kept) {
    struct kept *oldest = NULL;
    if (events->count == events->capacity) {
        oldest = at_locked(events, 0);
        events->forgotten_id = oldest->event.id;
        events->first = (events->first + 1) % events->capacity;
        events->count--;
    }
    events->ring[(events->first + events->count++) % events->capacity] = kept;
    return oldest;
}

// Rendered under the lock, so that ids rise in the ring: a few microseconds.
static struct kept *make_locked(struct events *events, const char *type, const char *room,
                                json_t *data) {
    struct kept *kept = make(events->last_id + 1, type, room, data);
    if (kept)
        events->last_id = kept->event.id;
    return kept;
}

uint64_t events_add(struct events *events, const char *type, const char *room, json_t *data) {
    if (!data)
        data = json_object();
    struct kept *oldest = NULL;
    pthread_mutex_lock(&events->lock);
    struct kept *kept = make_locked(events, type, room, data);
    uint64_t id = kept ? kept->event.id : 0;
    if (kept) {
        event_ref(&kept->event);
        g_queue_push_tail(&events->untold, kept);
        oldest = push_locked(events, kept);
        tell_locked(events);
    }
    pthread_mutex_unlock(&events->lock);
    if (oldest)
        event_unref(&oldest->event);
    json_decref(data);
    return id;
}

const struct event *events_make(struct events *events, const char *type, const char *room,
                                json_t *data) {
    if (!data)
        data = json_object();
    pthread_mutex_lock(&events->lock);
    struct kept *kept = make_locked(events, type, room, data);
    pthread_mutex_unlock(&events->lock);
    json_decref(data);
    return kept ? &kept->event : NULL;
}

uint64_t events_last_id(struct events *events) {
    pthread_mutex_lock(&events->lock);
    uint64_t last_id = events->last_id;
    pthread_mutex_unlock(&events->lock);
    return last_id;
}

bool events_is_missed(struct events *events, uint64_t after) {
    pthread_mutex_lock(&events->lock);
    bool is_missed = after != 0 && (after < events->forgotten_id || after > events->last_id);
    pthread_mutex_unlock(&events->lock);
    return is_missed;
}

// The index of the first event above this id.
static int find_locked(const struct events *events, uint64_t after) {
    int low = 0, high = events->count;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (at_locked(events, middle)->event.id > after)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

int events_each_after(struct events *events, const char *room, uint64_t after, int max,
                      void (*each)(void *user, const struct event *event), void *user) {
    GPtrArray *found = g_ptr_array_new();
    pthread_mutex_lock(&events->lock);
    for (int i = find_locked(events, after); i < events->count && (int)found->len < max; i++) {
        struct kept *kept = at_locked(events, i);
        if (!room || strcmp(kept->event.room, room) == 0)
            g_ptr_array_add(found, (void *)(uintptr_t)event_ref(&kept->event));
    }
    pthread_mutex_unlock(&events->lock);
    int count = (int)found->len;
    for (int i = 0; i < count; i++) {
        each(user, found->pdata[i]);
        event_unref(found->pdata[i]);
    }
    g_ptr_array_free(found, TRUE);
    return count;
}

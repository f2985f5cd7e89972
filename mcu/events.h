// SPDX-License-Identifier: MIT
// What happened, for those who steer rooms from outside: numbered, in order, the newest kept in a
// ring. Event streams, long polls and webhooks read from here. Any thread; one mutex, never held
// across a callback.
//
// Ids rise across restarts too (they begin with the time, in microseconds, and stay whole numbers
// that JavaScript can hold), so `after` stays good.
#ifndef MCU_EVENTS_H
#define MCU_EVENTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct events;
struct events_listener;

// Kept once, shared by all readers: counted. Never changes.
struct event {
    uint64_t id;
    int64_t at_unix_ms;
    char type[32]; // "member-joined"
    char room[64]; // "" for the server's own
    const char
        *json; // {"id","type","room" (null: the server's own),"at","data"}: compact, one line
};

struct events *events_create(int capacity); // how many are kept
void events_destroy(struct events *events); // NULL is allowed; no listeners left

// Takes data (an object; NULL: an empty one). Returns the event's id; 0 when out of memory.
uint64_t events_add(struct events *events, const char *type, const char *room, json_t *data);
uint64_t events_last_id(struct events *events);
// An event with an id of its own that is told to nobody. Takes data, returns a new reference, or
// NULL when out of memory.
const struct event *events_make(struct events *events, const char *type, const char *room,
                                json_t *data);
// Did anything after this id go out of the ring already, or is it none that was ever given out?
// 0 is before everything: never missed.
bool events_is_missed(struct events *events, uint64_t after);

// The kept events with an id above after, oldest first, of this room alone (NULL: all), at most
// max. each() runs without the lock. Returns how many; fewer than max: there were no more.
int events_each_after(struct events *events, const char *room, uint64_t after, int max,
                      void (*each)(void *user, const struct event *event), void *user);

const struct event *event_ref(const struct event *event); // returns a new reference
void event_unref(const struct event *event);              // NULL is allowed

// Called for every event added from now on, in order, one at a time, on a thread that adds (when
// two add at once, one of them calls for both); short work only.
struct events_listener *events_listen(struct events *events,
                                      void (*on_event)(void *user, const struct event *event),
                                      void *user);
// No call runs any more when it returns. Not from within a callback. NULL is allowed.
void events_stop_listening(struct events *events, struct events_listener *listener);

#endif

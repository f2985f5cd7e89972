// SPDX-License-Identifier: MIT
#include "mcu/events.h"

#include <stdlib.h>

struct events {
    int capacity;
};

struct events *events_create(int capacity) {
    struct events *events = calloc(1, sizeof(*events));
    if (events)
        events->capacity = capacity;
    return events;
}

void events_destroy(struct events *events) {
    free(events);
}

uint64_t events_add(struct events *events, const char *type, const char *room, json_t *data) {
    json_decref(data);
    return 0;
}

// SPDX-License-Identifier: MIT
// How long answers took, by method and class of status: at most 45 series, whatever clients ask
// for. Part of struct site; zeroed is empty; any thread.
#ifndef HTTP_DURATIONS_H
#define HTTP_DURATIONS_H

#include "mixer/histogram.h"

#include <glib.h>

enum { DURATIONS_METHODS = 9, DURATIONS_CLASSES = 6 };

struct durations {
    struct histogram of[DURATIONS_METHODS][DURATIONS_CLASSES];
};

// A method that no route has counts as "other".
void durations_add(struct durations *durations, const char *method, int status,
                   int64_t duration_ns);
// The family tessera_http_request_duration_seconds; what never happened is left out.
void durations_write(const struct durations *durations, GString *text);

#endif

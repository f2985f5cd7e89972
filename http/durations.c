// SPDX-License-Identifier: MIT
#include "http/durations.h"

#include "http/exposition.h"

#include <string.h>

// The last takes all others.
static const char *const methods[DURATIONS_METHODS] = {
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "other"};

void durations_add(struct durations *durations, const char *method, int status,
                   int64_t duration_ns) {
    int row = 0, class = status / 100 % DURATIONS_CLASSES;
    while (row < DURATIONS_METHODS - 1 && strcmp(methods[row], method) != 0)
        row++;
    histogram_add(&durations->of[row][class], duration_ns);
}

static uint64_t total(const struct histogram_counts *counts) {
    uint64_t sum = 0;
    for (int i = 0; i < HISTOGRAM_CLASSES; i++)
        sum += counts->counts[i];
    return sum;
}

void durations_write(const struct durations *durations, GString *text) {
    static const char name[] = "tessera_http_request_duration_seconds";
    exposition_begin(text, name, "histogram",
                     "Time from a whole HTTP request to its answer, without what waits for news.");
    for (int row = 0; row < DURATIONS_METHODS; row++)
        for (int class = 1; class < DURATIONS_CLASSES; class ++) {
            char code[8];
            struct histogram_counts counts = {{0}, 0};
            g_snprintf(code, sizeof(code), "%dxx", class);
            const struct exposition_label labels[] = {{"method", methods[row]}, {"code", code}};
            histogram_sum(&durations->of[row][class], &counts);
            if (total(&counts) > 0)
                exposition_histogram(text, name, labels, 2, &counts);
        }
}

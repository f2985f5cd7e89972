// SPDX-License-Identifier: MIT
// Writes Prometheus' text format 0.0.4: a family's head, then its samples. Plain text; any thread.
#ifndef HTTP_EXPOSITION_H
#define HTTP_EXPOSITION_H

#include "mixer/histogram.h"

#include <glib.h>

// One label of a sample: its value may be any text.
struct exposition_label {
    const char *name, *value;
};

// All samples of a family stand behind its head, and it has one head.
void exposition_begin(GString *text, const char *name, const char *type, const char *help);
void exposition_sample(GString *text, const char *name, const struct exposition_label *labels,
                       int count, double value);
// _bucket, _sum (in seconds) and _count.
void exposition_histogram(GString *text, const char *name, const struct exposition_label *labels,
                          int count, const struct histogram_counts *counts);

// Families of one sample without labels.
void exposition_gauge(GString *text, const char *name, const char *help, double value);
void exposition_counter(GString *text, const char *name, const char *help, double value);

#endif

// SPDX-License-Identifier: MIT
#include "http/exposition.h"

#include <math.h>

enum { LABELS_MAX = 4 };

void exposition_begin(GString *text, const char *name, const char *type, const char *help) {
    g_string_append_printf(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_number(GString *text, double value) {
    char number[G_ASCII_DTOSTR_BUF_SIZE]; // never with a comma, whatever the locale
    g_ascii_formatd(number, sizeof(number), "%.15g", value);
    g_string_append(text, isinf(value) ? "+Inf" : number);
}

static void put_label(GString *text, const struct exposition_label *label) {
    g_string_append_printf(text, "%s=\"", label->name);
    for (const char *at = label->value; *at; at++) {
        if (*at == '\n')
            g_string_append(text, "\\n");
        else if (*at == '"' || *at == '\\')
            g_string_append_printf(text, "\\%c", *at);
        else
            g_string_append_c(text, *at);
    }
    g_string_append_c(text, '"');
}

static void put_labels(GString *text, const struct exposition_label *labels, int count) {
    for (int i = 0; i < count; i++) {
        g_string_append_c(text, i ? ',' : '{');
        put_label(text, &labels[i]);
    }
    g_string_append(text, count ? "} " : " ");
}

void exposition_sample(GString *text, const char *name, const struct exposition_label *labels,
                       int count, double value) {
    g_string_append(text, name);
    put_labels(text, labels, count);
    put_number(text, value);
    g_string_append_c(text, '\n');
}

// The last class has no bound.
static void put_bucket(GString *text, const char *name, const struct exposition_label *labels,
                       int count, int class, uint64_t below) {
    struct exposition_label all[LABELS_MAX + 1];
    char bound[G_ASCII_DTOSTR_BUF_SIZE] = "+Inf";
    if (class < HISTOGRAM_CLASSES - 1)
        g_ascii_formatd(bound, sizeof(bound), "%.15g", (double)histogram_bounds_ns[class] / 1e9);
    for (int i = 0; i < count; i++)
        all[i] = labels[i];
    all[count] = (struct exposition_label){"le", bound};
    exposition_sample(text, name, all, count + 1, (double)below);
}

void exposition_histogram(GString *text, const char *name, const struct exposition_label *labels,
                          int count, const struct histogram_counts *counts) {
    char part[96];
    uint64_t below = 0;
    g_assert(count <= LABELS_MAX);
    g_snprintf(part, sizeof(part), "%s_bucket", name);
    for (int class = 0; class < HISTOGRAM_CLASSES; class ++)
        put_bucket(text, part, labels, count, class, below += counts->counts[class]);
    g_snprintf(part, sizeof(part), "%s_sum", name);
    exposition_sample(text, part, labels, count, (double)counts->sum_ns / 1e9);
    g_snprintf(part, sizeof(part), "%s_count", name);
    exposition_sample(text, part, labels, count, (double)below);
}

void exposition_gauge(GString *text, const char *name, const char *help, double value) {
    exposition_begin(text, name, "gauge", help);
    exposition_sample(text, name, NULL, 0, value);
}

void exposition_counter(GString *text, const char *name, const char *help, double value) {
    exposition_begin(text, name, "counter", help);
    exposition_sample(text, name, NULL, 0, value);
}

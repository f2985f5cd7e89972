// SPDX-License-Identifier: MIT
// Owns the level and nothing else. A line is put together on the stack of whoever logs and goes out
// in one write, so lines of different threads never mix.
#include "mcu/log.h"

#include <errno.h>
#include <glib.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { MESSAGE_BYTES_MAX = 1024, LINE_BYTES_MAX = 4 * MESSAGE_BYTES_MAX };

// What a line says, before it has a shape.
struct event {
    struct timespec at;
    enum log_level level;
    const char *object, *message;
};

struct line {
    size_t size_bytes;
    char text[LINE_BYTES_MAX];
};

static const char *const level_names[] = {"error", "warn", "info", "debug"};
static atomic_int current_level = LOG_INFO;

int log_level_from_name(const char *name, enum log_level *out) {
    for (int i = LOG_ERROR; i <= LOG_DEBUG; i++)
        if (strcmp(name, level_names[i]) == 0) {
            *out = (enum log_level)i;
            return 0;
        }
    return -EINVAL;
}

int log_format_from_name(const char *name, enum log_format *out) {
    bool is_json = strcmp(name, "json") == 0;
    if (!is_json && strcmp(name, "text") != 0)
        return -EINVAL;
    *out = is_json ? LOG_JSON : LOG_TEXT;
    return 0;
}

void log_set_format(enum log_format format) {}

void log_set_level(enum log_level level) {
    atomic_store_explicit(&current_level, (int)level, memory_order_relaxed);
}

enum log_level log_get_level(void) {
    return (enum log_level)atomic_load_explicit(&current_level, memory_order_relaxed);
}

// One byte always stays free for the newline.
static void line_add(struct line *line, const char *bytes, size_t size_bytes) {
    if (size_bytes > sizeof(line->text) - 1 - line->size_bytes)
        return;
    memcpy(line->text + line->size_bytes, bytes, size_bytes);
    line->size_bytes += size_bytes;
}

// Much of what is logged was chosen by a client: a newline in it must not look like another line,
// nor an escape sequence reach a terminal.
static void line_add_escaped(struct line *line, const char *text) {
    while (*text) {
        gunichar letter = g_utf8_get_char_validated(text, -1);
        bool is_valid = letter != (gunichar)-1 && letter != (gunichar)-2;
        size_t size_bytes = is_valid ? (size_t)(g_utf8_next_char(text) - text) : 1;
        bool is_separator = is_valid && (letter == 0x2028 || letter == 0x2029);
        if (is_valid && !g_unichar_iscntrl(letter) && !is_separator) {
            line_add(line, text, size_bytes);
        } else {
            for (size_t i = 0; i < size_bytes; i++) {
                char escaped[5];
                snprintf(escaped, sizeof(escaped), "\\x%02x", (unsigned char)text[i]);
                line_add(line, escaped, 4);
            }
        }
        text += size_bytes;
    }
}

static void line_write_plain(struct line *line, const struct event *event) {
    struct tm utc;
    char start[64];
    gmtime_r(&event->at.tv_sec, &utc);
    size_t size = strftime(start, sizeof(start), "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(start + size, sizeof(start) - size, ".%03ldZ %-5s ", event->at.tv_nsec / 1000000,
             level_names[event->level]);
    line_add(line, start, strlen(start));
    if (event->object) {
        line_add(line, "[", 1);
        line_add_escaped(line, event->object);
        line_add(line, "] ", 2);
    }
    line_add_escaped(line, event->message);
}

void log_write(enum log_level level, const char *object, const char *format, ...) {
    if (level > log_get_level())
        return;
    char message[MESSAGE_BYTES_MAX];
    va_list arguments;
    va_start(arguments, format);
    int wanted = vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    if (wanted < 0)
        snprintf(message, sizeof(message), "%s", format);
    else if ((size_t)wanted >= sizeof(message))
        memcpy(message + sizeof(message) - 4, "...", 4);

    struct event event = {.level = level, .object = object, .message = message};
    clock_gettime(CLOCK_REALTIME, &event.at);
    struct line line = {.size_bytes = 0};
    line_write_plain(&line, &event);
    line.text[line.size_bytes++] = '\n';
    fwrite(line.text, 1, line.size_bytes, stderr);
}

// SPDX-License-Identifier: MIT
// Owns level and form and nothing else. A line is put together on the stack of whoever logs and
// goes out in one write, so lines of different threads never mix.
#include "mcu/log.h"

#include <errno.h>
#include <glib.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    MESSAGE_BYTES_MAX = 1024,
    OBJECT_BYTES_MAX = 1024, // of its part of the line
    LINE_BYTES_MAX = 8 * MESSAGE_BYTES_MAX,
    END_BYTES = 8, // kept for what closes the line
};

// What a line says, before it has a shape.
struct event {
    struct timespec at;
    enum log_level level;
    const char *object, *message;
};

struct line {
    size_t size_bytes, limit_bytes; // what would go over the limit is left out
    char text[LINE_BYTES_MAX];
};

static const char *const level_names[] = {"error", "warn", "info", "debug"};
static atomic_int current_level = LOG_INFO, current_format = LOG_TEXT;

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

void log_set_format(enum log_format format) {
    atomic_store_explicit(&current_format, (int)format, memory_order_relaxed);
}

void log_set_level(enum log_level level) {
    atomic_store_explicit(&current_level, (int)level, memory_order_relaxed);
}

enum log_level log_get_level(void) {
    return (enum log_level)atomic_load_explicit(&current_level, memory_order_relaxed);
}

// All of it or nothing: half an escape would be another text.
static bool line_add_bytes(struct line *line, const char *bytes, size_t size_bytes) {
    if (size_bytes > line->limit_bytes - line->size_bytes)
        return false;
    memcpy(line->text + line->size_bytes, bytes, size_bytes);
    line->size_bytes += size_bytes;
    return true;
}

static bool line_add(struct line *line, const char *text) {
    return line_add_bytes(line, text, strlen(text));
}

// Its bytes in hex; in JSON with one more backslash, so that what is read from it looks the same.
static bool line_add_bad_byte(struct line *line, char byte, enum log_format format) {
    char escaped[8];
    snprintf(escaped, sizeof(escaped), "%s\\x%02x", format == LOG_JSON ? "\\" : "",
             (unsigned char)byte);
    return line_add(line, escaped);
}

static bool line_add_control(struct line *line, gunichar letter, const char *bytes,
                             size_t size_bytes, enum log_format format) {
    if (format == LOG_JSON) {
        char escaped[16];
        snprintf(escaped, sizeof(escaped), "\\u%04x", (unsigned)letter); // none is above U+2029
        return line_add(line, escaped);
    }
    bool has_room = true;
    for (size_t i = 0; i < size_bytes; i++)
        has_room = has_room && line_add_bad_byte(line, bytes[i], format);
    return has_room;
}

// Much of what is logged was chosen by a client: a newline in it must not look like another line,
// nor an escape sequence reach a terminal.
static void line_add_escaped(struct line *line, const char *text, enum log_format format) {
    bool has_room = true;
    while (*text && has_room) {
        gunichar letter = g_utf8_get_char_validated(text, -1);
        bool is_valid = letter != (gunichar)-1 && letter != (gunichar)-2;
        bool is_control =
            is_valid && (g_unichar_iscntrl(letter) || letter == 0x2028 || letter == 0x2029);
        size_t size_bytes = is_valid ? (size_t)(g_utf8_next_char(text) - text) : 1;
        if (!is_valid)
            has_room = line_add_bad_byte(line, *text, format);
        else if (is_control)
            has_room = line_add_control(line, letter, text, size_bytes, format);
        else if (format == LOG_JSON && (letter == '"' || letter == '\\'))
            has_room = line_add(line, letter == '"' ? "\\\"" : "\\\\");
        else
            has_room = line_add_bytes(line, text, size_bytes);
        text += size_bytes;
    }
}

static void format_time(const struct timespec *at, char out[32]) {
    struct tm utc;
    gmtime_r(&at->tv_sec, &utc);
    size_t size = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(out + size, 32 - size, ".%03dZ", (int)(at->tv_nsec / 1000000));
}

static void line_write_text(struct line *line, const struct event *event) {
    char time[32], level[8];
    format_time(&event->at, time);
    snprintf(level, sizeof(level), " %-5s ", level_names[event->level]);
    line_add(line, time);
    line_add(line, level);
    if (event->object) {
        line_add(line, "[");
        line->limit_bytes = OBJECT_BYTES_MAX;
        line_add_escaped(line, event->object, LOG_TEXT);
        line->limit_bytes = LINE_BYTES_MAX - END_BYTES;
        line_add(line, "] ");
    }
    line_add_escaped(line, event->message, LOG_TEXT);
    line->limit_bytes = LINE_BYTES_MAX;
    line_add(line, "\n");
}

static void line_write_json(struct line *line, const struct event *event) {
    char time[32];
    format_time(&event->at, time);
    line_add(line, "{\"at\":\"");
    line_add(line, time);
    line_add(line, "\",\"level\":\"");
    line_add(line, level_names[event->level]);
    if (event->object) {
        line_add(line, "\",\"object\":\"");
        line->limit_bytes = OBJECT_BYTES_MAX;
        line_add_escaped(line, event->object, LOG_JSON);
        line->limit_bytes = LINE_BYTES_MAX - END_BYTES;
    }
    line_add(line, "\",\"message\":\"");
    line_add_escaped(line, event->message, LOG_JSON);
    line->limit_bytes = LINE_BYTES_MAX;
    line_add(line, "\"}\n");
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
    struct line line;
    line.size_bytes = 0;
    line.limit_bytes = LINE_BYTES_MAX - END_BYTES;
    if (atomic_load_explicit(&current_format, memory_order_relaxed) == LOG_JSON)
        line_write_json(&line, &event);
    else
        line_write_text(&line, &event);
    fwrite(line.text, 1, line.size_bytes, stderr);
}

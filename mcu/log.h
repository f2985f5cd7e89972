// SPDX-License-Identifier: MIT
// One line per event on stderr: time, level, where, what. Any thread.
#ifndef MCU_LOG_H
#define MCU_LOG_H

// error: the server or a call is harmed. warn: it went on, an operator should know. info: a life
// event (room, member, recording), one line each. debug: for the developer of this code.
enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

// text for people; json for what collects logs, one object a line: {"at" (RFC 3339), "level",
// "object"?, "message"}, valid whatever a client put into it.
enum log_format { LOG_TEXT, LOG_JSON };

int log_format_from_name(const char *name, enum log_format *out); // 0 or -EINVAL
void log_set_format(enum log_format format);
int log_level_from_name(const char *name, enum log_level *out); // 0 or -EINVAL
void log_set_level(enum log_level level);
enum log_level log_get_level(void);

// object: what it is about ("room ada", "peer m3"), or NULL. No newline at the end.
__attribute__((format(printf, 3, 4))) void log_write(enum log_level level, const char *object,
                                                     const char *format, ...);

#define log_error(object, ...) log_write(LOG_ERROR, object, __VA_ARGS__)
#define log_warn(object, ...)  log_write(LOG_WARN, object, __VA_ARGS__)
#define log_info(object, ...)  log_write(LOG_INFO, object, __VA_ARGS__)
#define log_debug(object, ...) log_write(LOG_DEBUG, object, __VA_ARGS__)

#endif

// SPDX-License-Identifier: MIT
#include "mcu/protocol_field.h"

#include "mcu/downlink.h"
#include "mcu/protocol.h"
#include "mcu/protocol_text.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

enum { SECRET_BYTES_MAX = 4096, MID_BYTES_MAX = 64, MLINES_MAX = 32 };

int field_refuse(const struct reader *reader, const char *format, ...) {
    char sentence[160];
    va_list arguments;
    va_start(arguments, format);
    g_vsnprintf(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    refusal_set(reader->refusal, 422, "bad-field", "The field \"%s\" %s.", reader->field, sentence);
    if (reader->refusal)
        g_strlcpy(reader->refusal->field, reader->field, sizeof(reader->refusal->field));
    return -1;
}

const char *field_text(const struct reader *reader, const json_t *value) {
    const char *text = json_string_value(value);
    if (!text)
        field_refuse(reader, "must be a string");
    return text;
}

static int set_text(void *target, const char *text) {
    *(char **)target = g_strdup(text);
    return 0;
}

int field_read_room(const struct reader *reader, const json_t *value, void *target) {
    char name[ROOM_NAME_MAX];
    const char *text = field_text(reader, value);
    if (!text)
        return -1;
    if (!protocol_clean_room_name(text, name))
        return field_refuse(reader, "must be 1 to %d letters a-z, digits, - or _",
                            ROOM_NAME_MAX - 1);
    return set_text(target, name);
}

// An empty name is left to the caller.
static int clean_name(const struct reader *reader, const char *given, char **out) {
    char *name = protocol_clean_line(given);
    if (!name)
        return field_refuse(reader, "must be UTF-8");
    if (g_utf8_strlen(name, -1) > reader->config->name_chars_max) {
        free(name);
        return field_refuse(reader, "must be at most %d characters long",
                            reader->config->name_chars_max);
    }
    *out = name;
    return 0;
}

int field_read_name_or_default(const struct reader *reader, const json_t *value, void *target) {
    const char *text = field_text(reader, value);
    char *name = NULL;
    if (!text || clean_name(reader, text, &name) < 0 || !name)
        return -1;
    if (!name[0]) {
        free(name);
        return set_text(target, FIELD_DEFAULT_NAME);
    }
    *(char **)target = name;
    return 0;
}

static char *read_full_name(const struct reader *reader, const char *given) {
    char *name = NULL;
    if (clean_name(reader, given, &name) < 0 || !name)
        return NULL;
    if (name[0])
        return name;
    free(name);
    field_refuse(reader, "must not be empty");
    return NULL;
}

int field_read_name(const struct reader *reader, const json_t *value, void *target) {
    const char *text = field_text(reader, value);
    char *name = text ? read_full_name(reader, text) : NULL;
    if (!name)
        return -1;
    *(char **)target = name;
    return 0;
}

static int read_bounded(const struct reader *reader, const json_t *value, size_t bytes_max,
                        void *target) {
    const char *text = field_text(reader, value);
    if (!text)
        return -1;
    if (strlen(text) > bytes_max)
        return field_refuse(reader, "must be at most %zu bytes long", bytes_max);
    return set_text(target, text);
}

int field_read_secret(const struct reader *reader, const json_t *value, void *target) {
    return read_bounded(reader, value, SECRET_BYTES_MAX, target);
}

int field_read_mid(const struct reader *reader, const json_t *value, void *target) {
    const char *text = field_text(reader, value);
    if (!text)
        return -1;
    for (const char *at = text; *at; at++)
        if (*at <= ' ' || *at > '~')
            return field_refuse(reader, "must be printable ASCII");
    return read_bounded(reader, value, MID_BYTES_MAX, target);
}

int field_read_bool(const struct reader *reader, const json_t *value, void *target) {
    if (!json_is_boolean(value))
        return field_refuse(reader, "must be true or false");
    *(bool *)target = json_is_true(value);
    return 0;
}

int field_read_switch(const struct reader *reader, const json_t *value, void *target) {
    bool is_on = false;
    if (field_read_bool(reader, value, &is_on) < 0)
        return -1;
    *(int *)target = is_on;
    return 0;
}

int field_read_mline_index(const struct reader *reader, const json_t *value, void *target) {
    json_int_t index = json_integer_value(value);
    if (!json_is_integer(value) || index < 0 || index >= MLINES_MAX)
        return field_refuse(reader, "must be a whole number from 0 to %d", MLINES_MAX - 1);
    *(int *)target = (int)index;
    return 0;
}

int field_read_sdp(const struct reader *reader, const json_t *value, void *target) {
    const char *text = field_text(reader, value);
    if (!text)
        return -1;
    if (!text[0])
        return field_refuse(reader, "must not be empty");
    if (strlen(text) > (size_t)reader->config->sdp_bytes_max)
        return refusal_set(reader->refusal, 413, "too-large",
                           "The session description is longer than %d bytes.",
                           reader->config->sdp_bytes_max);
    return set_text(target, text);
}

int field_read_candidate(const struct reader *reader, const json_t *value, void *target) {
    if (json_is_null(value)) // as browsers end the candidates
        return set_text(target, "");
    const char *text = field_text(reader, value);
    if (!text)
        return -1;
    if (text[0] && !protocol_is_candidate(text))
        return field_refuse(reader, "is not an ICE candidate");
    return set_text(target, text);
}

int field_read_chat(const struct reader *reader, const json_t *value, void *target) {
    const char *given = field_text(reader, value);
    if (!given)
        return -1;
    char *text = protocol_clean_lines(given);
    if (!text)
        return field_refuse(reader, "must be UTF-8");
    size_t size_bytes = strlen(text);
    if (size_bytes > 0 && size_bytes <= (size_t)reader->config->chat_bytes_max) {
        *(char **)target = text;
        return 0;
    }
    free(text);
    return size_bytes == 0 ? field_refuse(reader, "must not be empty")
                           : field_refuse(reader, "must be at most %d bytes long",
                                          reader->config->chat_bytes_max);
}

int field_read_emoji(const struct reader *reader, const json_t *value, void *target) {
    const char *text = field_text(reader, value);
    if (!text)
        return -1;
    if (!protocol_is_emoji(text))
        return field_refuse(reader, "must be one to a few emoji");
    return set_text(target, text);
}

int field_read_receive(const struct reader *reader, const json_t *value, void *target) {
    static const char *const wishes[] = {
        [DOWNLINK_AUTO] = "auto", [DOWNLINK_HIGH] = "high",   [DOWNLINK_MEDIUM] = "medium",
        [DOWNLINK_LOW] = "low",   [DOWNLINK_AUDIO] = "audio",
    };
    const char *text = field_text(reader, value);
    if (!text)
        return -1;
    for (size_t i = 0; i < G_N_ELEMENTS(wishes); i++)
        if (strcmp(wishes[i], text) == 0) {
            *(int *)target = (int)i;
            return 0;
        }
    return field_refuse(reader, "must be auto, high, medium, low or audio");
}

// ---- names, for others too ----

bool protocol_clean_room_name(const char *given, char out[ROOM_NAME_MAX]) {
    size_t size = strlen(given);
    if (size == 0 || size >= ROOM_NAME_MAX)
        return false;
    for (size_t i = 0; i < size; i++)
        if (!g_ascii_isalnum(given[i]) && given[i] != '-' && given[i] != '_')
            return false;
    for (size_t i = 0; i <= size; i++)
        out[i] = g_ascii_tolower(given[i]);
    return true;
}

char *protocol_clean_name(const struct config *config, const char *given, struct refusal *refusal) {
    struct reader reader = {.config = config, .field = "name", .refusal = refusal};
    return read_full_name(&reader, given);
}

// More than a member nobody can ask to be.
int field_read_wish_to_watch(const struct reader *reader, const json_t *value, void *target) {
    const char *role = field_text(reader, value);
    bool is_viewer = g_strcmp0(role, "viewer") == 0;
    if (!role)
        return -1;
    if (!is_viewer && strcmp(role, "member") != 0)
        return field_refuse(reader, "must be viewer or member");
    *(bool *)target = is_viewer;
    return 0;
}

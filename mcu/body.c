// SPDX-License-Identifier: MIT
#include "mcu/body.h"

#include "mcu/protocol_text.h"

#include <glib.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

int body_refuse(struct refusal *refusal, const char *field, const char *must, ...) {
    char sentence[140];
    va_list arguments;
    va_start(arguments, must);
    g_vsnprintf(sentence, sizeof(sentence), must, arguments);
    va_end(arguments);
    // A name from outside may be long, and must not be cut within a character.
    char name[sizeof(refusal->field)];
    const char *end;
    g_utf8_validate(field, (gssize)MIN(strlen(field), sizeof(name) - 1), &end);
    g_strlcpy(name, field, (gsize)(end - field) + 1);
    refusal_set(refusal, 422, "bad-field", "%s %s.", name, sentence);
    if (refusal)
        g_strlcpy(refusal->field, name, sizeof(refusal->field));
    return -1;
}

int body_check_fields(const json_t *body, const char *const *known, struct refusal *refusal) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)body, key, value) {
        if (!g_strv_contains(known, key))
            return body_refuse(refusal, key, "is not a field of this object");
    }
    return 0;
}

int body_read_int(const json_t *body, const char *field, int min, int max, int *out,
                  struct refusal *refusal) {
    const json_t *value = json_object_get(body, field);
    if (!value)
        return 0;
    if (!json_is_integer(value) || json_integer_value(value) < min ||
        json_integer_value(value) > max)
        return body_refuse(refusal, field, "must be a whole number from %d to %d", min, max);
    *out = (int)json_integer_value(value);
    return 0;
}

int body_read_number(const json_t *body, const char *field, double min, double max, double *out,
                     struct refusal *refusal) {
    const json_t *value = json_object_get(body, field);
    if (!value)
        return 0;
    if (!json_is_number(value) || !(json_number_value(value) >= min) ||
        !(json_number_value(value) <= max))
        return body_refuse(refusal, field, "must be a number from %g to %g", min, max);
    *out = json_number_value(value);
    return 0;
}

int body_read_bool(const json_t *body, const char *field, bool *out, struct refusal *refusal) {
    const json_t *value = json_object_get(body, field);
    if (!value)
        return 0;
    if (!json_is_boolean(value))
        return body_refuse(refusal, field, "must be true or false");
    *out = json_is_true(value);
    return 0;
}

int body_read_line(const json_t *body, const char *field, int chars_max, char *out,
                   size_t size_bytes, struct refusal *refusal) {
    const json_t *value = json_object_get(body, field);
    if (!value)
        return 0;
    if (!json_is_string(value) && !json_is_null(value))
        return body_refuse(refusal, field, "must be a text");
    char *line = protocol_clean_line(json_is_null(value) ? "" : json_string_value(value));
    bool fits = line && g_utf8_strlen(line, -1) <= chars_max &&
                g_strlcpy(out, line, size_bytes) < size_bytes;
    free(line);
    return fits ? 0 : body_refuse(refusal, field, "must be at most %d characters long", chars_max);
}

int body_read_colour(const json_t *body, const char *field, uint32_t *rgb,
                     struct refusal *refusal) {
    const json_t *value = json_object_get(body, field);
    if (!value)
        return 0;
    const char *text = json_string_value(value);
    bool is_good = text && strlen(text) == 7 && text[0] == '#';
    for (int i = 1; is_good && i < 7; i++)
        is_good = g_ascii_isxdigit(text[i]);
    if (!is_good)
        return body_refuse(refusal, field, "must be a colour like #1a2b3c");
    *rgb = (uint32_t)strtoul(text + 1, NULL, 16);
    return 0;
}

// ---- times ----

// Exactly as many digits as asked for.
static bool take_number(const char **at, int digits, int min, int max, int *out) {
    int number = 0;
    for (int i = 0; i < digits; i++, ++*at) {
        if (!g_ascii_isdigit(**at))
            return false;
        number = 10 * number + (**at - '0');
    }
    *out = number;
    return number >= min && number <= max;
}

static bool take_char(const char **at, char wanted) {
    return **at == wanted && *(*at)++;
}

// Milliseconds of ".5" or ".123456789", which need not be there.
static bool take_fraction(const char **at, int *ms) {
    int scale = 100;
    *ms = 0;
    if (!take_char(at, '.'))
        return true;
    if (!g_ascii_isdigit(**at))
        return false;
    for (int digits = 0; g_ascii_isdigit(**at); ++*at, scale /= 10)
        if (++digits > 9)
            return false;
        else
            *ms += (**at - '0') * scale;
    return true;
}

static bool take_offset(const char **at, int *minutes) {
    int hour, minute;
    *minutes = 0;
    if (take_char(at, 'Z'))
        return true;
    bool is_west = **at == '-';
    if (!is_west && **at != '+')
        return false;
    ++*at;
    if (!take_number(at, 2, 0, 23, &hour) || !take_char(at, ':') ||
        !take_number(at, 2, 0, 59, &minute))
        return false;
    *minutes = (is_west ? -1 : 1) * (60 * hour + minute);
    return true;
}

bool body_parse_time(const char *text, int64_t *unix_ms) {
    const char *at = text;
    int year, month, day, hour, minute, second, ms, offset;
    if (!take_number(&at, 4, 1970, 9999, &year) || !take_char(&at, '-') ||
        !take_number(&at, 2, 1, 12, &month) || !take_char(&at, '-') ||
        !take_number(&at, 2, 1, 31, &day) || !take_char(&at, 'T') ||
        !take_number(&at, 2, 0, 23, &hour) || !take_char(&at, ':') ||
        !take_number(&at, 2, 0, 59, &minute) || !take_char(&at, ':') ||
        !take_number(&at, 2, 0, 59, &second) || !take_fraction(&at, &ms) ||
        !take_offset(&at, &offset) || *at)
        return false;
    GDateTime *time = g_date_time_new_utc(year, month, day, hour, minute, second);
    if (!time) // a 30th of February
        return false;
    int64_t found_ms = (g_date_time_to_unix(time) - offset * 60) * 1000 + ms;
    g_date_time_unref(time);
    if (found_ms < 0)
        return false;
    *unix_ms = found_ms;
    return true;
}

int body_read_time(const json_t *body, const char *field, int64_t *unix_ms,
                   struct refusal *refusal) {
    const json_t *value = json_object_get(body, field);
    if (!value)
        return 0;
    if (json_is_null(value)) {
        *unix_ms = 0;
        return 0;
    }
    if (!json_is_string(value) || !body_parse_time(json_string_value(value), unix_ms))
        return body_refuse(refusal, field, "must be a time like 2026-01-02T03:04:05Z");
    return 0;
}

// SPDX-License-Identifier: MIT
#include "mcu/people.h"

#include "mcu/body.h"
#include "mcu/log.h"
#include "mcu/protocol_text.h"

#include <errno.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>

int people_read_text(const json_t *body, const char *field, bool is_needed, const char **out,
                     struct refusal *refusal) {
    const json_t *value = json_object_get(body, field);
    bool is_there = value && !json_is_null(value);
    if (!is_there && is_needed)
        return body_refuse(refusal, field, "is needed");
    if (is_there && !json_is_string(value))
        return body_refuse(refusal, field, "must be a string");
    *out = is_there ? json_string_value(value) : NULL;
    return 0;
}

static int read_clean(const json_t *body, const char *field, int chars_max,
                      char *(*clean)(const char *given), char **out, struct refusal *refusal) {
    const char *given = "";
    if (people_read_text(body, field, true, &given, refusal) != 0)
        return -1;
    char *text = clean(given);
    if (text && text[0] && g_utf8_strlen(text, -1) <= chars_max) {
        *out = text;
        return 0;
    }
    bool is_empty = text && !text[0];
    free(text);
    if (is_empty)
        return body_refuse(refusal, field, "must not be empty");
    return body_refuse(refusal, field, "must be at most %d characters long", chars_max);
}

int people_read_line(const json_t *body, const char *field, int chars_max, char **out,
                     struct refusal *refusal) {
    return read_clean(body, field, chars_max, protocol_clean_line, out, refusal);
}

int people_read_lines(const json_t *body, const char *field, int chars_max, char **out,
                      struct refusal *refusal) {
    return read_clean(body, field, chars_max, protocol_clean_lines, out, refusal);
}

int people_read_time(const json_t *body, const char *field, int64_t *unix_ms,
                     struct refusal *refusal) {
    const json_t *value = json_object_get(body, field);
    if (!value)
        return 0;
    if (!json_is_string(value) || !people_parse_time(json_string_value(value), unix_ms))
        return body_refuse(refusal, field, "must be a time such as 2026-01-02T03:04:05Z");
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

bool people_parse_time(const char *text, int64_t *unix_ms) {
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

// ---- e-mail ----

static bool is_domain(const char *text) {
    bool has_dot = false;
    for (const char *at = text; *at; at++) {
        bool is_edge = at == text || at[-1] == '.' || at[1] == '.' || at[1] == '\0';
        if (*at == '.')
            has_dot = true;
        if (*at == '.' || *at == '-' ? is_edge : !g_ascii_isalnum(*at))
            return false;
    }
    return has_dot;
}

bool people_is_email(const char *text) {
    const char *sign = strchr(text, '@');
    if (!sign || sign == text || sign - text > 64 || strlen(text) > PEOPLE_EMAIL_MAX ||
        !is_domain(sign + 1))
        return false;
    for (const char *at = text; at < sign; at++) {
        bool is_edge = at == text || at[1] == '@' || at[1] == '.';
        if (*at == '.' ? is_edge : !g_ascii_isalnum(*at) && !strchr("!#$%&'*+-/=?^_`{|}~", *at))
            return false;
    }
    return true;
}

// ---- the store ----

int people_refuse_store(struct refusal *refusal, int error) {
    log_error("store", "%s", strerror(-error));
    if (error == -EBUSY)
        return refusal_set(refusal, 503, "store-busy", "The database is busy: try again soon.");
    return refusal_set(refusal, 503, "store-failed", "The database does not answer.");
}

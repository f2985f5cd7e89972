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

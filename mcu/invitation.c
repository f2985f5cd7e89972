// SPDX-License-Identifier: MIT
#include "mcu/invitation.h"

#include "mcu/people.h"

#include <glib.h>
#include <string.h>
#include <time.h>

enum { LINE_OCTETS_MAX = 75, TIME_MAX = 20 };

// A content line, folded as RFC 5545 3.1 says, between characters.
static void add_line(GString *to, const char *line) {
    size_t used = 0;
    for (const char *at = line; *at; at = g_utf8_next_char(at)) {
        size_t bytes = (size_t)(g_utf8_next_char(at) - at);
        if (used + bytes > LINE_OCTETS_MAX) {
            g_string_append(to, "\r\n ");
            used = 1;
        }
        g_string_append_len(to, at, (gssize)bytes);
        used += bytes;
    }
    g_string_append(to, "\r\n");
}

// What is no UTF-8 is shown as such; control characters but for newlines are gone.
static GString *clean(const char *text) {
    char *valid = g_utf8_make_valid(text, -1);
    GString *out = g_string_new(NULL);
    for (const char *at = valid; *at; at++)
        if (*at == '\n' || ((unsigned char)*at >= 0x20 && *at != 0x7f))
            g_string_append_c(out, *at);
    g_free(valid);
    return out;
}

// TEXT, RFC 5545 3.3.11.
static void add_text(GString *to, const char *name, const char *text) {
    GString *line = g_string_new(name), *safe = clean(text);
    g_string_append_c(line, ':');
    for (const char *at = safe->str; *at; at++) {
        if (*at == '\n')
            g_string_append(line, "\\n");
        else if (strchr("\\;,", *at))
            g_string_append_printf(line, "\\%c", *at);
        else
            g_string_append_c(line, *at);
    }
    add_line(to, line->str);
    g_string_free(line, TRUE);
    g_string_free(safe, TRUE);
}

static void add_time(GString *to, const char *name, int64_t unix_ms) {
    char text[TIME_MAX], line[40];
    struct tm utc;
    time_t seconds = (time_t)(unix_ms / 1000);
    if (!gmtime_r(&seconds, &utc))
        return;
    strftime(text, sizeof(text), "%Y%m%dT%H%M%SZ", &utc);
    g_snprintf(line, sizeof(line), "%s:%s", name, text);
    add_line(to, line);
}

// A calendar address; cn may be NULL. A quoted parameter cannot hold quotes, and RFC 6868 gives the
// circumflex a meaning.
static void add_address(GString *to, const char *name, const char *cn, const char *email) {
    GString *line = g_string_new(name);
    char *escaped = g_uri_escape_string(email, "@!$'*+,;:", FALSE);
    if (cn) {
        GString *safe = clean(cn);
        g_strdelimit(safe->str, "\"^\n", '\'');
        g_string_append_printf(line, ";CN=\"%s\"", safe->str);
        g_string_free(safe, TRUE);
    }
    g_string_append_printf(line, ":mailto:%s", escaped);
    add_line(to, line->str);
    g_free(escaped);
    g_string_free(line, TRUE);
}

static void add_people(GString *to, const struct invitation *invitation) {
    size_t i;
    const json_t *value;
    const char *email = invitation->organizer_email;
    if (email && people_is_email(email))
        add_address(to, "ORGANIZER", invitation->organizer_name, email);
    json_array_foreach(invitation->invitees, i, value) {
        const char *invitee = json_string_value(value);
        if (invitee && people_is_email(invitee))
            add_address(to, "ATTENDEE;ROLE=REQ-PARTICIPANT;RSVP=TRUE", NULL, invitee);
    }
}

static void add_description(GString *to, const struct invitation *invitation) {
    const char *notes = invitation->notes ? invitation->notes : "";
    char *text = g_strconcat(notes, notes[0] ? "\n\n" : "", invitation->link, NULL);
    add_text(to, "DESCRIPTION", text);
    g_free(text);
}

char *invitation_write(const struct invitation *invitation) {
    char number[48], *uid = g_strconcat(invitation->id, "@tessera", NULL);
    GString *to = g_string_new(NULL);
    add_line(to, "BEGIN:VCALENDAR");
    add_line(to, "VERSION:2.0");
    add_line(to, "PRODID:-//Tessera//Tessera//EN");
    add_line(to, "CALSCALE:GREGORIAN");
    add_line(to, "BEGIN:VEVENT");
    add_text(to, "UID", uid);
    add_time(to, "DTSTAMP", invitation->written_unix_ms);
    add_time(to, "DTSTART", invitation->starts_unix_ms);
    g_snprintf(number, sizeof(number), "DURATION:PT%dM", invitation->minutes);
    add_line(to, number);
    g_snprintf(number, sizeof(number), "SEQUENCE:%" G_GINT64_FORMAT, (gint64)invitation->revision);
    add_line(to, number);
    add_text(to, "SUMMARY", invitation->title);
    add_description(to, invitation);
    add_text(to, "LOCATION", invitation->link);
    add_people(to, invitation);
    add_line(to, "END:VEVENT");
    add_line(to, "END:VCALENDAR");
    g_free(uid);
    return g_string_free(to, FALSE);
}

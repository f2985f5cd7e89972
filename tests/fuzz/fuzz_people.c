// SPDX-License-Identifier: MIT
// Texts that people give, wherever they end: times, addresses, and all of an invitation.
#include "mcu/body.h"
#include "mcu/invitation.h"
#include "mcu/people.h"

#include <glib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

// No line is too long, none is torn, and there is one event, whatever was given.
static void check(const char *text) {
    char **lines = g_strsplit(text, "\r\n", -1);
    int events = 0;
    if (!g_utf8_validate(text, -1, NULL))
        abort();
    for (char **line = lines; *line; line++) {
        events += g_str_has_prefix(*line, "BEGIN:VEVENT");
        if (strlen(*line) > 75 || strpbrk(*line, "\r\n") || !g_utf8_validate(*line, -1, NULL))
            abort();
    }
    if (events != 1)
        abort();
    g_strfreev(lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
    char *given = g_strndup((const char *)data, size_bytes);
    int64_t unix_ms = 0;
    if (body_parse_time(given, &unix_ms) && (unix_ms < 0 || strlen(given) > 40))
        abort();
    if (people_is_email(given) && strpbrk(given, "\r\n \t\";,<>"))
        abort();
    json_t *invitees = json_array();
    json_array_append_new(invitees, json_string(given));
    char *text = invitation_write(&(struct invitation){
        .id = given,
        .title = given,
        .notes = given,
        .link = given,
        .organizer_name = given,
        .organizer_email = people_is_email(given) ? given : "a@b.c",
        .invitees = invitees,
        .starts_unix_ms = unix_ms,
        .minutes = 5,
    });
    check(text);
    g_free(text);
    json_decref(invitees);
    g_free(given);
    return 0;
}

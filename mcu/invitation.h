// SPDX-License-Identifier: MIT
// A meeting as a calendar reads it (RFC 5545). Pure; any thread. Part of meetings.
#ifndef MCU_INVITATION_H
#define MCU_INVITATION_H

#include <jansson.h>
#include <stdint.h>

// All texts are borrowed and may hold anything: none of them gets out of its place.
struct invitation {
    const char *id, *title;
    const char *notes;                            // NULL: none
    const char *link;                             // absolute
    const char *organizer_name, *organizer_email; // email NULL: unknown
    const json_t *invitees; // texts; those that are e-mail addresses become attendees
    int64_t starts_unix_ms, written_unix_ms, revision;
    int minutes;
};

// A malloc'ed text, for g_free().
char *invitation_write(const struct invitation *invitation);

#endif

// SPDX-License-Identifier: MIT
// Meetings that are planned. The history of calls is in meetings_calls.c.
#include "mcu/meetings.h"

#include "mcu/body.h"
#include "mcu/invitation.h"
#include "mcu/log.h"
#include "mcu/meetings_internal.h"
#include "mcu/people.h"
#include "mcu/protocol.h"
#include "mcu/protocol_text.h"
#include "mcu/store_meetings.h"
#include "mcu/store_users.h"

#include <errno.h>
#include <glib.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TITLE_CHARS_MAX = 200,
    NOTES_CHARS_MAX = 4000,
    INVITEES_MAX = 100,
    MINUTES_MIN = 5,
    MINUTES_MAX = 1440,
    MINUTES_DEFAULT = 60,
    RANDOM_CHARS = 12,
    ID_MAX = 16,
    TRIES = 3,
};

int meetings_owner(const struct caller *caller, int64_t *owner, struct refusal *refusal) {
    if (caller->kind != CALLER_KEY && caller->kind != CALLER_USER)
        return refusal_set(refusal, 403, "not-allowed", "This is for people who are signed in.");
    *owner = caller->kind == CALLER_KEY ? 0 : caller->user;
    return 0;
}

int meetings_refuse_memory(struct refusal *refusal) {
    return refusal_set(refusal, 503, "server-full", "Out of memory.");
}

static int refuse(struct refusal *refusal, int error) {
    if (error == -ENOENT)
        return refusal_set(refusal, 404, "meeting-not-found", "There is no such meeting.");
    return people_refuse_store(refusal, error);
}

// ---- a meeting in memory ----

struct meeting {
    char *id, *room, *title, *notes;
    json_t *invitees;
    int64_t owner, starts_unix_ms, created_unix_ms, revision;
    int minutes;
};

static void meeting_finish(struct meeting *meeting) {
    g_free(meeting->id);
    g_free(meeting->room);
    free(meeting->title);
    free(meeting->notes);
    json_decref(meeting->invitees);
}

static void copy_meeting(void *data, const struct store_meeting *found) {
    *(struct meeting *)data = (struct meeting){
        .id = g_strdup(found->id),
        .room = g_strdup(found->room),
        .title = strdup(found->title),
        .notes = found->notes ? strdup(found->notes) : NULL,
        .invitees = json_loads(found->invitees, 0, NULL),
        .owner = found->owner,
        .starts_unix_ms = found->starts_unix_ms,
        .created_unix_ms = found->created_unix_ms,
        .revision = found->revision,
        .minutes = found->minutes,
    };
}

static json_t *meeting_json(const struct meeting *meeting) {
    char starts[32], created[32], link[ROOM_NAME_MAX + 8];
    protocol_time(meeting->starts_unix_ms, starts);
    protocol_time(meeting->created_unix_ms, created);
    snprintf(link, sizeof(link), "/r/%s", meeting->room);
    json_t *invitees = meeting->invitees ? json_incref(meeting->invitees) : json_array();
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:s?, s:o, s:I, s:s}", "id", meeting->id,
                     "title", meeting->title, "room", meeting->room, "link", link, "starts_at",
                     starts, "minutes", meeting->minutes, "notes", meeting->notes, "invitees",
                     invitees, "revision", (json_int_t)meeting->revision, "created_at", created);
}

static int answer(const struct meeting *meeting, json_t **out, struct refusal *refusal) {
    *out = meeting_json(meeting);
    return *out ? 0 : meetings_refuse_memory(refusal);
}

static int find(struct store *store, const struct caller *caller, const char *id,
                struct meeting *out, struct refusal *refusal) {
    int64_t owner = -1;
    if (meetings_owner(caller, &owner, refusal) != 0)
        return -1;
    int error = store_get_meeting(store, owner, id, copy_meeting, out);
    return error ? refuse(refusal, error) : 0;
}

// ---- what a person gives ----

static int read_invitees(const json_t *body, json_t **out, struct refusal *refusal) {
    const json_t *given = json_object_get(body, "invitees"), *value;
    size_t i;
    if (!given)
        return 0;
    if (!json_is_array(given) || json_array_size(given) > INVITEES_MAX)
        return body_refuse(refusal, "invitees", "must be an array of at most %d texts",
                           INVITEES_MAX);
    json_t *invitees = json_array();
    json_array_foreach(given, i, value) {
        char *text = json_is_string(value) ? protocol_clean_line(json_string_value(value)) : NULL;
        bool is_good = text && text[0] && strlen(text) <= PEOPLE_EMAIL_MAX;
        if (is_good)
            json_array_append_new(invitees, json_string(text));
        free(text);
        if (!is_good) {
            json_decref(invitees);
            return body_refuse(refusal, "invitees", "must hold texts of 1 to %d bytes",
                               PEOPLE_EMAIL_MAX);
        }
    }
    json_decref(*out);
    *out = invitees;
    return 0;
}

// Notes that are null, or empty, are none.
static int read_notes(const json_t *body, char **out, struct refusal *refusal) {
    const char *given;
    char *notes = NULL;
    if (!json_object_get(body, "notes"))
        return 0;
    if (people_read_text(body, "notes", false, &given, refusal) != 0 ||
        (given && given[0] &&
         people_read_lines(body, "notes", NOTES_CHARS_MAX, &notes, refusal) != 0))
        return -1;
    free(*out);
    *out = notes;
    return 0;
}

static int read_title(const json_t *body, char **out, struct refusal *refusal) {
    char *title;
    if (people_read_line(body, "title", TITLE_CHARS_MAX, &title, refusal) != 0)
        return -1;
    free(*out);
    *out = title;
    return 0;
}

// Of a change, what is not there stays.
static int read_meeting(const json_t *body, const char *const *known, bool is_new,
                        struct meeting *out, struct refusal *refusal) {
    if (body_check_fields(body, known, refusal) != 0 ||
        ((is_new || json_object_get(body, "title")) && read_title(body, &out->title, refusal) != 0))
        return -1;
    const json_t *start = json_object_get(body, "starts_at");
    if ((is_new && !start) || json_is_null(start))
        return body_refuse(refusal, "starts_at", "is needed");
    if (body_read_time(body, "starts_at", &out->starts_unix_ms, refusal) != 0 ||
        body_read_int(body, "minutes", MINUTES_MIN, MINUTES_MAX, &out->minutes, refusal) != 0 ||
        read_notes(body, &out->notes, refusal) != 0)
        return -1;
    return read_invitees(body, &out->invitees, refusal);
}

// ---- what is done ----

static char *make_name(const char *prefix) {
    static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
    GString *name = g_string_new(prefix);
    for (int i = 0; i < RANDOM_CHARS; i++)
        g_string_append_c(name, letters[randombytes_uniform(sizeof(letters) - 1)]);
    return g_string_free(name, FALSE);
}

static int with_stored(const struct meeting *meeting, struct store *store,
                       int (*put)(struct store *store, const struct store_meeting *meeting)) {
    char *invitees = meeting->invitees ? json_dumps(meeting->invitees, JSON_COMPACT) : NULL;
    int error = put(store, &(struct store_meeting){
                               .id = meeting->id,
                               .room = meeting->room,
                               .title = meeting->title,
                               .notes = meeting->notes,
                               .invitees = invitees ? invitees : "[]",
                               .owner = meeting->owner,
                               .starts_unix_ms = meeting->starts_unix_ms,
                               .created_unix_ms = meeting->created_unix_ms,
                               .revision = meeting->revision,
                               .minutes = meeting->minutes,
                           });
    free(invitees);
    return error;
}

static void take_id(void *data, const struct store_user *found) {
    *(int64_t *)data = found->id;
}

// The caller, or whom the key names.
static int read_owner(struct store *store, const struct caller *caller, const json_t *body,
                      int64_t *owner, struct refusal *refusal) {
    const char *login;
    if (meetings_owner(caller, owner, refusal) != 0)
        return -1;
    if (*owner != 0)
        return 0;
    if (people_read_text(body, "owner", true, &login, refusal) != 0)
        return -1;
    int error = store_find_user(store, login, take_id, owner);
    if (error == -ENOENT)
        return body_refuse(refusal, "owner", "must be the login of a user");
    return error ? people_refuse_store(refusal, error) : 0;
}

static int add(struct store *store, struct meeting *meeting, struct refusal *refusal) {
    meeting->id = make_name("");
    meeting->room = make_name("m-");
    meeting->created_unix_ms = g_get_real_time() / 1000;
    meeting->revision = 1;
    int error = with_stored(meeting, store, store_add_meeting);
    if (error == -EDQUOT)
        return refusal_set(refusal, 409, "too-many-meetings",
                           "There are %d meetings already: remove some first.", STORE_MEETINGS_MAX);
    if (error == -ENOENT)
        return refusal_set(refusal, 401, "sign-in-ended", "This account is gone.");
    if (error)
        return refuse(refusal, error);
    log_info("meetings", "meeting %s was planned", meeting->id);
    return 0;
}

int meetings_add(struct store *store, const struct caller *caller, const json_t *body, json_t **out,
                 struct refusal *refusal) {
    static const char *const known[] = {"title",    "starts_at", "minutes", "notes",
                                        "invitees", "owner",     NULL};
    static const char *const known_to_users[] = {"title", "starts_at", "minutes",
                                                 "notes", "invitees",  NULL};
    struct meeting meeting = {.minutes = MINUTES_DEFAULT};
    int result = read_meeting(body, caller->kind == CALLER_KEY ? known : known_to_users, true,
                              &meeting, refusal);
    if (result == 0)
        result = read_owner(store, caller, body, &meeting.owner, refusal);
    if (result == 0)
        result = add(store, &meeting, refusal);
    if (result == 0)
        result = answer(&meeting, out, refusal);
    meeting_finish(&meeting);
    return result;
}

int meetings_get(struct store *store, const struct caller *caller, const char *id, json_t **out,
                 struct refusal *refusal) {
    struct meeting meeting = {0};
    int result = find(store, caller, id, &meeting, refusal);
    if (result == 0)
        result = answer(&meeting, out, refusal);
    meeting_finish(&meeting);
    return result;
}

// One of a list of entity tags (RFC 9110 13.1.1), compared strongly.
static bool matches(const char *if_match, int64_t revision) {
    char tag[32];
    bool does = false;
    if (!if_match || strcmp(if_match, "*") == 0)
        return true;
    g_snprintf(tag, sizeof(tag), "\"%" G_GINT64_FORMAT "\"", (gint64)revision);
    char **tags = g_strsplit(if_match, ",", 32);
    for (char **each = tags; *each && !does; each++)
        does = strcmp(g_strstrip(*each), tag) == 0;
    g_strfreev(tags);
    return does;
}

// -EAGAIN: somebody was quicker.
static int change(struct store *store, const struct caller *caller, const char *id,
                  const json_t *body, const char *if_match, json_t **out, struct refusal *refusal) {
    static const char *const known[] = {"title", "starts_at", "minutes", "notes", "invitees", NULL};
    struct meeting meeting = {0};
    int error = 0, result = find(store, caller, id, &meeting, refusal);
    if (result == 0 && !matches(if_match, meeting.revision))
        result = refusal_set(refusal, 412, "changed-meanwhile",
                             "The meeting was changed meanwhile: read it again.");
    if (result == 0)
        result = read_meeting(body, known, false, &meeting, refusal);
    if (result == 0)
        error = with_stored(&meeting, store, store_change_meeting);
    if (error)
        result = error == -ESTALE ? -EAGAIN : refuse(refusal, error);
    meeting.revision++;
    if (result == 0)
        result = answer(&meeting, out, refusal);
    meeting_finish(&meeting);
    return result;
}

int meetings_change(struct store *store, const struct caller *caller, const char *id,
                    const json_t *body, const char *if_match, json_t **out,
                    struct refusal *refusal) {
    for (int i = 0; i < TRIES; i++) {
        int result = change(store, caller, id, body, if_match, out, refusal);
        if (result != -EAGAIN)
            return result;
    }
    return people_refuse_store(refusal, -EBUSY);
}

int meetings_remove(struct store *store, const struct caller *caller, const char *id,
                    struct refusal *refusal) {
    int64_t owner = -1;
    if (meetings_owner(caller, &owner, refusal) != 0)
        return -1;
    int error = store_remove_meeting(store, owner, id);
    if (error)
        return refuse(refusal, error);
    log_info("meetings", "meeting %s was called off", id);
    return 0;
}

// ---- the list ----

struct page {
    json_t *meetings;
    int limit;
    char cursor[64]; // "": this is the last page
    int64_t last_unix_ms;
    char last_id[ID_MAX];
};

static void add_to_page(void *data, const struct store_meeting *found) {
    struct page *page = data;
    if ((int)json_array_size(page->meetings) == page->limit) {
        snprintf(page->cursor, sizeof(page->cursor), "%lld_%s", (long long)page->last_unix_ms,
                 page->last_id);
        return;
    }
    struct meeting meeting;
    copy_meeting(&meeting, found);
    json_array_append_new(page->meetings, meeting_json(&meeting));
    meeting_finish(&meeting);
    page->last_unix_ms = found->starts_unix_ms;
    g_strlcpy(page->last_id, found->id, sizeof(page->last_id));
}

static bool read_cursor(const char *cursor, int64_t *unix_ms, const char **id) {
    char *end;
    errno = 0;
    *unix_ms = g_ascii_strtoll(cursor, &end, 10);
    *id = end + 1;
    return errno == 0 && end > cursor && *end == '_' && strlen(*id) < ID_MAX;
}

int meetings_list(struct store *store, const struct caller *caller, const char *cursor, int limit,
                  json_t **out, struct refusal *refusal) {
    int64_t owner = -1, after_unix_ms = INT64_MIN;
    const char *after_id = "";
    if (meetings_owner(caller, &owner, refusal) != 0)
        return -1;
    if (cursor && !read_cursor(cursor, &after_unix_ms, &after_id))
        return body_refuse(refusal, "cursor", "must be the next_cursor of another answer");
    struct page page = {.meetings = json_array(), .limit = limit};
    int error =
        store_each_meeting(store, owner, after_unix_ms, after_id, limit + 1, add_to_page, &page);
    if (error) {
        json_decref(page.meetings);
        return people_refuse_store(refusal, error);
    }
    *out = json_pack("{s:o, s:s?}", "meetings", page.meetings, "next_cursor",
                     page.cursor[0] ? page.cursor : NULL);
    return *out ? 0 : meetings_refuse_memory(refusal);
}

// ---- for calendars ----

struct organizer {
    char *name, *email;
};

static void copy_organizer(void *data, const struct store_user *found) {
    struct organizer *organizer = data;
    organizer->name = g_strdup(found->name);
    organizer->email = g_strdup(found->email);
}

static char *write_invitation(struct store *store, const struct meeting *meeting,
                              const char *base_url) {
    struct organizer organizer = {NULL, NULL};
    store_get_user(store, meeting->owner, copy_organizer, &organizer); // without, nobody is named
    char *link = g_strconcat(base_url, "/r/", meeting->room, NULL);
    char *text = invitation_write(&(struct invitation){
        .id = meeting->id,
        .title = meeting->title,
        .notes = meeting->notes,
        .link = link,
        .organizer_name = organizer.name,
        .organizer_email = organizer.email,
        .invitees = meeting->invitees,
        .starts_unix_ms = meeting->starts_unix_ms,
        .written_unix_ms = g_get_real_time() / 1000,
        .revision = meeting->revision,
        .minutes = meeting->minutes,
    });
    g_free(link);
    g_free(organizer.name);
    g_free(organizer.email);
    return text;
}

int meetings_invitation(struct store *store, const struct caller *caller, const char *id,
                        const char *base_url, char **text, struct refusal *refusal) {
    struct meeting meeting = {0};
    int result = find(store, caller, id, &meeting, refusal);
    if (result == 0)
        *text = write_invitation(store, &meeting, base_url);
    meeting_finish(&meeting);
    return result;
}

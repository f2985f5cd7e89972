// SPDX-License-Identifier: MIT
// Who may see what. What somebody may not see is not told apart from what is not there.
#include "mcu/library_internal.h"

#include "mcu/body.h"
#include "mcu/people.h"
#include "mcu/protocol.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FINISHING "finishing"

// ---- rights ----

static int refuse_missing(struct refusal *refusal) {
    return refusal_set(refusal, 404, "recording-not-found", "There is no such recording.");
}

static int refuse_store(struct refusal *refusal, int error) {
    return error == -ENOENT ? refuse_missing(refusal) : people_refuse_store(refusal, error);
}

// A nobody's room is the key's and its moderators' (by token) alone.
static bool may_see(const struct caller *caller, const struct store_recording *recording) {
    switch (caller->kind) {
    case CALLER_NOBODY: return false;
    case CALLER_KEY: return true;
    case CALLER_TICKET: return strcmp(caller->recording, recording->id) == 0;
    case CALLER_USER: return recording->owner != 0 && recording->owner == caller->user;
    case CALLER_ROOM:
        return caller->role == ROLE_MODERATOR && strcmp(caller->room, recording->room) == 0;
    }
    return false;
}

// ---- as JSON ----

// What runs has none yet, and who asks for that is the control loop.
static bool has_poster(struct library *library, const struct store_recording *recording) {
    char path[LIBRARY_PATH_MAX];
    return recording->ended_unix_ms > 0 && !library_is_stalled(library) &&
           library_side_path(library->dir, recording->id, "poster.jpg", path) &&
           access(path, R_OK) == 0;
}

static json_t *time_json(int64_t unix_ms) {
    char text[32];
    if (unix_ms == 0)
        return json_null();
    protocol_time(unix_ms, text);
    return json_string(text);
}

// What runs is as far as was noted last; what has ended, as it is in the store. What does neither
// waits for its repair, or the row was read just before it ended. Returns when it ended, or 0.
static int64_t take_figures(struct library *library, const struct store_recording *recording,
                            struct library_figures *out) {
    if (library_is_running(library, recording->id, out))
        return 0;
    int64_t ms = recording->duration_ms;
    *out =
        (struct library_figures){.state = recording->ended_unix_ms ? recording->state : FINISHING,
                                 .reason = recording->reason[0] ? recording->reason : NULL,
                                 .duration_ns = ms * 1000000,
                                 .gap_ns = recording->gap_ms * 1000000,
                                 .bytes = (uint64_t)recording->bytes,
                                 .segments = recording->segments,
                                 .gaps = recording->gaps,
                                 .kbps = ms > 0 ? (int)(recording->bytes * 8 / ms) : 0};
    return recording->ended_unix_ms;
}

json_t *library_to_json(struct library *library, const struct store_recording *recording) {
    struct library_figures figures;
    int64_t ended_unix_ms = take_figures(library, recording, &figures);
    bool is_encoded = strcmp(recording->container, "mp4") == 0;
    json_t *json = json_pack(
        "{s:s, s:s, s:s?, s:s, s:b, s:s, s:o, s:o, s:f, s:I, s:i, s:i, s:i, s:f, s:s?, s:s}", "id",
        recording->id, "room", recording->room, "title",
        recording->title[0] ? recording->title : NULL, "container", recording->container,
        "audio_only", !recording->has_video, "state", figures.state, "started_at",
        time_json(recording->started_unix_ms), "ended_at", time_json(ended_unix_ms),
        "duration_seconds", (double)figures.duration_ns / 1e9, "bytes", (json_int_t)figures.bytes,
        "kbps", figures.kbps, "segments", figures.segments, "gaps", figures.gaps, "gap_seconds",
        (double)figures.gap_ns / 1e9, "reason", figures.reason, "costs",
        is_encoded ? "encode" : "packets");
    json_object_set_new(json, "media", json_sprintf("/api/v1/recordings/%s/media", recording->id));
    json_object_set_new(json, "poster",
                        has_poster(library, recording)
                            ? json_sprintf("/api/v1/recordings/%s/poster.jpg", recording->id)
                            : json_null());
    json_object_set_new(json, "page", json_sprintf("/recordings#%s", recording->id));
    return json;
}

// ---- lists ----

struct page {
    struct library *library;
    const struct caller *caller;
    json_t *list;
    int limit, count;
    char last[LIBRARY_ID_MAX];
    bool has_more;
};

static void add_to_page(void *user, const struct store_recording *recording) {
    struct page *page = user;
    page->has_more = page->count == page->limit;
    if (page->has_more)
        return;
    page->count++;
    g_strlcpy(page->last, recording->id, sizeof(page->last));
    if (may_see(page->caller, recording))
        json_array_append_new(page->list, library_to_json(page->library, recording));
}

int library_list(struct library *library, const struct caller *caller, const char *room,
                 const char *cursor, int limit, json_t **out, struct refusal *refusal) {
    struct page page = {.library = library, .caller = caller, .limit = limit};
    struct store_recordings_of which = {.room = room, .before = cursor, .max = limit + 1};
    if (cursor && !library_is_id(cursor))
        return body_refuse(refusal, "cursor", "must be the next_cursor of another answer");
    if (caller->kind == CALLER_ROOM) {
        if (room && strcmp(room, caller->room) != 0)
            return refuse_missing(refusal);
        which.room = caller->room;
    } else if (caller->kind == CALLER_USER && !room) {
        which.owner = caller->user;
    }
    page.list = json_array();
    int error = store_each_recording(library->store, &which, add_to_page, &page);
    if (error) {
        json_decref(page.list);
        return refuse_store(refusal, error);
    }
    *out = json_pack("{s:o, s:s?}", "recordings", page.list, "next_cursor",
                     page.has_more ? page.last : NULL);
    return *out ? 0 : refusal_set(refusal, 503, "server-full", "Out of memory.");
}

// ---- one ----

struct found {
    struct library *library;
    const struct caller *caller; // NULL: whoever
    bool is_seen, has_video, is_finishing;
    json_t *json;
    char room[ROOM_NAME_MAX], container[8];
    int segments;
};

static void take_found(void *user, const struct store_recording *recording) {
    struct found *found = user;
    found->is_seen = !found->caller || may_see(found->caller, recording);
    if (!found->is_seen)
        return;
    found->has_video = recording->has_video;
    found->json = library_to_json(found->library, recording);
    const char *state = json_string_value(json_object_get(found->json, "state"));
    found->is_finishing = state && strcmp(state, FINISHING) == 0;
    found->segments = (int)json_integer_value(json_object_get(found->json, "segments"));
    g_strlcpy(found->room, recording->room, sizeof(found->room));
    g_strlcpy(found->container, recording->container, sizeof(found->container));
}

// found->json is the caller's then.
static int find(struct library *library, const struct caller *caller, const char *id,
                struct found *found, struct refusal *refusal) {
    *found = (struct found){.library = library, .caller = caller};
    if (!library_is_id(id))
        return refuse_missing(refusal);
    int error = store_get_recording(library->store, id, take_found, found);
    if (error)
        return refuse_store(refusal, error);
    return found->is_seen ? 0 : refuse_missing(refusal);
}

int library_get(struct library *library, const struct caller *caller, const char *id, json_t **out,
                struct refusal *refusal) {
    struct found found;
    if (find(library, caller, id, &found, refusal) != 0)
        return -1;
    *out = found.json;
    return 0;
}

json_t *library_show(struct library *library, const char *id) {
    struct found found;
    return find(library, NULL, id, &found, NULL) == 0 ? found.json : NULL;
}

bool library_find_room(struct library *library, const char *id, char room[ROOM_NAME_MAX]) {
    struct found found;
    if (find(library, NULL, id, &found, NULL) != 0)
        return false;
    json_decref(found.json);
    g_strlcpy(room, found.room, ROOM_NAME_MAX);
    return true;
}

int library_remove(struct library *library, const struct caller *caller, const char *id,
                   struct refusal *refusal) {
    struct found found;
    if (find(library, caller, id, &found, refusal) != 0)
        return -1;
    bool is_open = json_is_null(json_object_get(found.json, "ended_at"));
    json_decref(found.json);
    if (is_open || library_is_running(library, id, NULL))
        return refusal_set(refusal, 409, "recording-running",
                           "This recording still runs, or is being finished or repaired.");
    int error = store_remove_recording(library->store, id);
    if (error)
        return refuse_store(refusal, error);
    library_tidy(library);
    return 0;
}

int library_find_file(struct library *library, const struct caller *caller, const char *id,
                      const char *name, int segment, char path[LIBRARY_PATH_MAX], const char **type,
                      struct refusal *refusal) {
    struct found found;
    if (find(library, caller, id, &found, refusal) != 0)
        return -1;
    json_decref(found.json);
    bool is_media = strcmp(name, "media") == 0, is_there;
    if (is_media && found.is_finishing)
        return refusal_set(refusal, 409, "recording-finishing",
                           "This recording is being finished: ask again when it has its ended_at.");
    if (is_media)
        is_there = segment <= found.segments &&
                   library_media_path(library->dir, id, found.container, segment, path);
    else
        is_there = library_side_path(library->dir, id, name, path);
    if (!is_there)
        return refusal_set(refusal, 404, "file-not-found", "This recording has no such file.");
    if (library_is_stalled(library))
        return refusal_set(refusal, 503, "not-ready",
                           "The disk of the recordings does not answer now: try again later.");
    *type =
        is_media ? library_media_type(found.container, found.has_video) : library_side_type(name);
    return 0;
}

// SPDX-License-Identifier: MIT
// What is remembered of calls.
#include "mcu/meetings_internal.h"

#include "mcu/log.h"
#include "mcu/meetings.h"
#include "mcu/people.h"
#include "mcu/protocol.h"
#include "mcu/store_meetings.h"
#include "mcu/store_recordings.h"

#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>

enum { RECORDINGS_MAX = 200 };

static int refuse(struct refusal *refusal, int error) {
    if (error == -ENOENT)
        return refusal_set(refusal, 404, "call-not-found", "There is no such call.");
    return people_refuse_store(refusal, error);
}

// null for what has not come yet.
static json_t *time_json(int64_t unix_ms) {
    char text[32];
    if (unix_ms == 0)
        return json_null();
    protocol_time(unix_ms, text);
    return json_string(text);
}

static json_t *call_json(const struct store_call *call) {
    return json_pack("{s:I, s:s, s:s?, s:o, s:o}", "id", (json_int_t)call->id, "room", call->room,
                     "title", call->title[0] ? call->title : NULL, "started_at",
                     time_json(call->started_unix_ms), "ended_at", time_json(call->ended_unix_ms));
}

// ---- the list ----

struct page {
    json_t *calls;
    int limit;
    bool has_more;
    int64_t last;
};

static void add_to_page(void *data, const struct store_call *call) {
    struct page *page = data;
    if ((int)json_array_size(page->calls) == page->limit) {
        page->has_more = true;
        return;
    }
    json_array_append_new(page->calls, call_json(call));
    page->last = call->id;
}

int meetings_list_calls(struct store *store, const struct caller *caller, const char *cursor,
                        int limit, json_t **out, struct refusal *refusal) {
    int64_t owner = -1;
    gint64 before = INT64_MAX;
    char next[24];
    if (meetings_owner(caller, &owner, refusal) != 0)
        return -1;
    if (cursor && !g_ascii_string_to_signed(cursor, 10, 1, INT64_MAX, &before, NULL))
        return people_refuse_field(refusal, "cursor", "must be the next_cursor of another answer");
    struct page page = {.calls = json_array(), .limit = limit};
    int error = store_each_call(store, owner, before, limit + 1, add_to_page, &page);
    if (error) {
        json_decref(page.calls);
        return people_refuse_store(refusal, error);
    }
    snprintf(next, sizeof(next), "%lld", (long long)page.last);
    *out =
        json_pack("{s:o, s:s?}", "calls", page.calls, "next_cursor", page.has_more ? next : NULL);
    return *out ? 0 : meetings_refuse_memory(refusal);
}

// ---- one ----

struct found_call {
    int64_t id;
    bool is_running;
    json_t *json;
};

static void take_call(void *data, const struct store_call *call) {
    struct found_call *found = data;
    found->id = call->id;
    found->is_running = call->ended_unix_ms == 0;
    found->json = call_json(call);
}

static void add_presence(void *data, const struct store_presence *presence) {
    json_array_append_new(data, json_pack("{s:s, s:s?, s:o, s:o}", "name", presence->name, "user",
                                          presence->login, "joined_at",
                                          time_json(presence->joined_unix_ms), "left_at",
                                          time_json(presence->left_unix_ms)));
}

static void add_message(void *data, const struct store_message *message) {
    json_array_append_new(data, json_pack("{s:o, s:s, s:s}", "at", time_json(message->at_unix_ms),
                                          "name", message->name, "text", message->text));
}

static void add_recording(void *data, const struct store_recording *recording) {
    json_array_append_new(data,
                          json_pack("{s:s, s:s, s:s, s:f, s:o}", "id", recording->id, "container",
                                    recording->container, "state", recording->state,
                                    "duration_seconds", (double)recording->duration_ms / 1000,
                                    "page", json_sprintf("/recordings#%s", recording->id)));
}

static int find(struct store *store, const struct caller *caller, const char *id,
                struct found_call *out, struct refusal *refusal) {
    int64_t owner = -1;
    gint64 number;
    if (meetings_owner(caller, &owner, refusal) != 0)
        return -1;
    if (!g_ascii_string_to_signed(id, 10, 1, INT64_MAX, &number, NULL))
        return refuse(refusal, -ENOENT);
    int error = store_get_call(store, owner, number, take_call, out);
    return error ? refuse(refusal, error) : 0;
}

int meetings_get_call(struct store *store, const struct caller *caller, const char *id,
                      json_t **out, struct refusal *refusal) {
    struct found_call found = {0};
    if (find(store, caller, id, &found, refusal) != 0)
        return -1;
    json_t *people = json_array(), *messages = json_array();
    int error = store_each_presence(store, found.id, STORE_PRESENCES_MAX, add_presence, people);
    if (!error)
        error = store_each_call_message(store, found.id, STORE_MESSAGES_MAX, add_message, messages);
    json_object_set_new(found.json, "people", people);
    json_object_set_new(found.json, "messages", messages);
    json_t *recordings = json_array();
    const struct store_recordings_of of_call = {.call = found.id, .max = RECORDINGS_MAX};
    if (!error)
        error = store_each_recording(store, &of_call, add_recording, recordings);
    json_object_set_new(found.json, "recordings", recordings);
    if (error) {
        json_decref(found.json);
        return people_refuse_store(refusal, error);
    }
    *out = found.json;
    return *out ? 0 : meetings_refuse_memory(refusal);
}

int meetings_remove_call(struct store *store, const struct caller *caller, const char *id,
                         struct refusal *refusal) {
    struct found_call found = {0};
    if (find(store, caller, id, &found, refusal) != 0)
        return -1;
    json_decref(found.json);
    if (found.is_running)
        return refusal_set(refusal, 409, "call-running", "This call is not over yet.");
    int64_t owner = -1;
    if (meetings_owner(caller, &owner, refusal) != 0)
        return -1;
    int error = store_remove_call(store, owner, found.id);
    if (error)
        return refuse(refusal, error);
    log_info("meetings", "call %lld was forgotten", (long long)found.id);
    return 0;
}

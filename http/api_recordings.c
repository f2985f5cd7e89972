// SPDX-License-Identifier: MIT
// Recordings: started and changed in their room, read from the library.
#include "http/api.h"

#include "http/api_call.h"
#include "http/api_people.h"
#include "http/download.h"
#include "http/request.h"
#include "http/routes.h"
#include "mcu/library.h"
#include "mcu/ticket.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { SEGMENTS_MAX = 100000 };

static bool is_here(const struct request *request, struct reply *reply) {
    struct refusal refusal;
    if (request->site->library)
        return true;
    refusal_set(&refusal, 503, "not-ready", "This server keeps no recordings.");
    reply_refusal(reply, &refusal);
    return false;
}

// ---- tickets ----

static void add_ticket(json_t *recording, const char *name, const char *ticket) {
    const char *address = json_string_value(json_object_get(recording, name));
    if (address)
        json_object_set_new(recording, name, json_sprintf("%s?ticket=%s", address, ticket));
}

// Only where it is shown to who may read it: not in events, which go to others, nor to who merely
// recorded it.
static void give_ticket(const struct request *request, json_t *recording) {
    const struct site *site = request->site;
    int64_t until_s = ticket_expiry(time(NULL), site->config->recordings_ticket_hours);
    const char *id = json_string_value(json_object_get(recording, "id"));
    char ticket[TICKET_BYTES_MAX];
    if (!id || !ticket_make(site->token_secret, id, until_s, ticket))
        return;
    add_ticket(recording, "media", ticket);
    add_ticket(recording, "poster", ticket);
}

static void give_tickets(const struct request *request, json_t *list) {
    size_t i;
    json_t *recording;
    json_array_foreach(json_object_get(list, "recordings"), i, recording) {
        give_ticket(request, recording);
    }
}

// ---- in the room ----

void api_start_recording(struct request *request, struct reply *reply) {
    struct refusal refusal;
    struct hub_request asked = api_ask(request);
    json_t *body = NULL, *out = NULL;
    int result = request_json(request, &body, &refusal);
    asked.body = body;
    if (result == 0)
        result = hub_call(request->site->hub, HUB_START_RECORDING, &asked, &out, &refusal);
    people_answer_created(reply, result, "recordings", out, &refusal);
    json_decref(body);
}

static void list(struct request *request, struct reply *reply, const char *room) {
    struct refusal refusal;
    const char *cursor;
    json_t *out = NULL;
    int limit, result;
    if (!is_here(request, reply))
        return;
    result = people_read_page(request, &cursor, &limit, &refusal);
    if (result == 0)
        result = library_list(request->site->library, &request->caller, room, cursor, limit, &out,
                              &refusal);
    if (result == 0)
        give_tickets(request, out);
    people_answer(reply, result, 200, out, &refusal);
}

// Those of a room that has ended too, if somebody may still see them.
void api_list_room_recordings(struct request *request, struct reply *reply) {
    char room[ROOM_NAME_MAX];
    struct refusal refusal;
    if (protocol_clean_room_name(request_param(request, "room"), room)) {
        list(request, reply, room);
        return;
    }
    refusal_set(&refusal, 404, "room-not-found", "There is no room of this name.");
    reply_refusal(reply, &refusal);
}

// ---- in the library ----

void api_list_recordings(struct request *request, struct reply *reply) {
    list(request, reply, NULL);
}

void api_get_recording(struct request *request, struct reply *reply) {
    struct refusal refusal;
    json_t *out = NULL;
    if (!is_here(request, reply))
        return;
    int result = library_get(request->site->library, &request->caller,
                             request_param(request, "recording"), &out, &refusal);
    if (result == 0)
        give_ticket(request, out);
    people_answer(reply, result, 200, out, &refusal);
}

// Who may record in its room may change it, whether or not they may read it afterwards.
static int find_room(const struct request *request, char room[ROOM_NAME_MAX],
                     struct refusal *refusal) {
    const char *id = request_param(request, "recording");
    if (library_find_room(request->site->library, id, room) &&
        access_check_room(request->site->access, ACTION_RECORD, &request->caller, room, NULL) == 0)
        return 0;
    return refusal_set(refusal, 404, "recording-not-found", "There is no such recording.");
}

static int change(struct request *request, json_t **out, struct refusal *refusal) {
    char room[ROOM_NAME_MAX];
    json_t *body = NULL;
    struct hub_request asked = api_ask(request);
    if (find_room(request, room, refusal) != 0 || request_json(request, &body, refusal) != 0)
        return -1;
    asked.room = room;
    asked.id = request_param(request, "recording");
    asked.body = body;
    int result = hub_call(request->site->hub, HUB_CHANGE_RECORDING, &asked, out, refusal);
    json_decref(body);
    // It is known, so if the room knows of none that runs, it has ended.
    if (result != 0 && refusal->status == 404)
        refusal_set(refusal, 409, "recording-ended", "This recording has ended.");
    return result;
}

void api_change_recording(struct request *request, struct reply *reply) {
    struct refusal refusal;
    json_t *out = NULL;
    if (!is_here(request, reply))
        return;
    int result = change(request, &out, &refusal);
    people_answer(reply, result, 200, out, &refusal);
}

void api_remove_recording(struct request *request, struct reply *reply) {
    struct refusal refusal;
    if (!is_here(request, reply))
        return;
    int result = library_remove(request->site->library, &request->caller,
                                request_param(request, "recording"), &refusal);
    people_answer(reply, result, 204, NULL, &refusal);
}

// ---- its files ----

static void send_file(struct request *request, struct reply *reply, const char *name, int segment) {
    char path[LIBRARY_PATH_MAX], save_as[LIBRARY_ID_MAX + 60];
    const char *id = request_param(request, "recording"), *type;
    const char *download = request_query(request, "download");
    struct refusal refusal;
    if (library_find_file(request->site->library, &request->caller, id, name, segment, path, &type,
                          &refusal) != 0) {
        reply_refusal(reply, &refusal);
        return;
    }
    snprintf(save_as, sizeof(save_as), "recording-%s-%s", id, strrchr(path, '/') + 1);
    bool is_saved = download && strcmp(download, "1") == 0;
    // What one may see another may not: it is kept by the browser alone, and asked for again.
    const struct download file = {.path = path,
                                  .type = type,
                                  .save_as = is_saved ? save_as : NULL,
                                  .cache_control = "private, no-cache",
                                  .missing = "file-not-found"};
    download_answer(request, reply, &file);
}

void api_get_recording_media(struct request *request, struct reply *reply) {
    struct refusal refusal;
    int segment = 1;
    if (!is_here(request, reply))
        return;
    if (request_query_int(request, "segment", 1, SEGMENTS_MAX, &segment, &refusal) != 0)
        reply_refusal(reply, &refusal);
    else
        send_file(request, reply, "media", segment);
}

void api_get_recording_file(struct request *request, struct reply *reply) {
    const char *name = strrchr(request->route->pattern, '/') + 1;
    if (is_here(request, reply))
        send_file(request, reply, name, 1);
}

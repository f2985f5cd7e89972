// SPDX-License-Identifier: MIT
// Meetings and the history of calls.
#include "http/api.h"
#include "http/api_people.h"

#include "mcu/meetings.h"

#include <glib.h>
#include <string.h>

typedef int list_fn(struct store *store, const struct caller *caller, const char *cursor, int limit,
                    json_t **out, struct refusal *refusal);
typedef int get_fn(struct store *store, const struct caller *caller, const char *id, json_t **out,
                   struct refusal *refusal);
typedef int remove_fn(struct store *store, const struct caller *caller, const char *id,
                      struct refusal *refusal);

static void list(struct request *request, struct reply *reply, list_fn *read) {
    struct refusal refusal;
    json_t *page = NULL;
    const char *cursor;
    int limit;
    if (!people_are_here(request, reply))
        return;
    int result = people_read_page(request, &cursor, &limit, &refusal);
    if (result == 0)
        result = read(request->site->store, &request->caller, cursor, limit, &page, &refusal);
    people_answer(reply, result, 200, page, &refusal);
}

static void get(struct request *request, struct reply *reply, get_fn *read, const char *param) {
    struct refusal refusal;
    json_t *found = NULL;
    if (!people_are_here(request, reply))
        return;
    int result = read(request->site->store, &request->caller, request_param(request, param), &found,
                      &refusal);
    people_answer(reply, result, 200, found, &refusal);
}

static void remove_one(struct request *request, struct reply *reply, remove_fn *take_away,
                       const char *param) {
    struct refusal refusal;
    if (!people_are_here(request, reply))
        return;
    int result =
        take_away(request->site->store, &request->caller, request_param(request, param), &refusal);
    people_answer(reply, result, 204, NULL, &refusal);
}

void api_list_meetings(struct request *request, struct reply *reply) {
    list(request, reply, meetings_list);
}

void api_add_meeting(struct request *request, struct reply *reply) {
    struct refusal refusal;
    json_t *body = NULL, *meeting = NULL;
    if (!people_are_here(request, reply))
        return;
    int result = request_json(request, &body, &refusal);
    if (result == 0)
        result = meetings_add(request->site->store, &request->caller, body, &meeting, &refusal);
    people_answer_created(reply, result, "meetings", meeting, &refusal);
    json_decref(body);
}

void api_get_meeting(struct request *request, struct reply *reply) {
    get(request, reply, meetings_get, "meeting");
}

void api_change_meeting(struct request *request, struct reply *reply) {
    struct refusal refusal;
    json_t *body = NULL, *meeting = NULL;
    if (!people_are_here(request, reply))
        return;
    int result = request_json(request, &body, &refusal);
    if (result == 0)
        result = meetings_change(request->site->store, &request->caller,
                                 request_param(request, "meeting"), body,
                                 request_header(request, "If-Match"), &meeting, &refusal);
    people_answer(reply, result, 200, meeting, &refusal);
    json_decref(body);
}

void api_remove_meeting(struct request *request, struct reply *reply) {
    remove_one(request, reply, meetings_remove, "meeting");
}

void api_get_invitation(struct request *request, struct reply *reply) {
    struct refusal refusal;
    char base_url[300], *text = NULL;
    if (!people_are_here(request, reply))
        return;
    people_base_url(request, base_url, sizeof(base_url));
    if (meetings_invitation(request->site->store, &request->caller,
                            request_param(request, "meeting"), base_url, &text, &refusal) != 0) {
        reply_refusal(reply, &refusal);
        return;
    }
    reply_text(reply, 200, "text/calendar; charset=utf-8", text);
    reply_add_header(reply, "Content-Disposition", "attachment; filename=\"invitation.ics\"");
    g_free(text);
}

void api_list_calls(struct request *request, struct reply *reply) {
    list(request, reply, meetings_list_calls);
}

void api_get_call(struct request *request, struct reply *reply) {
    get(request, reply, meetings_get_call, "call");
}

void api_remove_call(struct request *request, struct reply *reply) {
    remove_one(request, reply, meetings_remove_call, "call");
}

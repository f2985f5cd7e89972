// SPDX-License-Identifier: MIT
#include "http/api.h"
#include "http/api_people.h"

#include <glib.h>

void api_list_users(struct request *request, struct reply *reply) {
    struct refusal refusal;
    json_t *users = NULL;
    const char *cursor;
    int limit;
    if (!people_are_here(request, reply))
        return;
    int result = people_read_page(request, &cursor, &limit, &refusal);
    if (result == 0)
        result = accounts_list_users(request->site->accounts, cursor, limit, &users, &refusal);
    people_answer(reply, result, 200, users, &refusal);
}

void api_add_user(struct request *request, struct reply *reply) {
    struct refusal refusal;
    json_t *body = NULL, *user = NULL;
    if (!people_are_here(request, reply))
        return;
    int result = request_json(request, &body, &refusal);
    if (result == 0)
        result = accounts_add_user(request->site->accounts, &request->caller, body,
                                   request->address, &user, &refusal);
    people_answer_created(reply, result, "users", user, &refusal);
    json_decref(body);
}

void api_get_user(struct request *request, struct reply *reply) {
    struct refusal refusal;
    json_t *user = NULL;
    if (!people_are_here(request, reply))
        return;
    int result = accounts_get_user(request->site->accounts, &request->caller,
                                   request_param(request, "user"), &user, &refusal);
    people_answer(reply, result, 200, user, &refusal);
}

void api_change_user(struct request *request, struct reply *reply) {
    struct refusal refusal;
    json_t *body = NULL, *user = NULL;
    if (!people_are_here(request, reply))
        return;
    int result = request_json(request, &body, &refusal);
    if (result == 0)
        result = accounts_change_user(request->site->accounts, &request->caller,
                                      request_param(request, "user"), body, &user, &refusal);
    people_answer(reply, result, 200, user, &refusal);
    json_decref(body);
}

void api_change_password(struct request *request, struct reply *reply) {
    struct refusal refusal;
    json_t *body = NULL;
    if (!people_are_here(request, reply))
        return;
    int result = request_json(request, &body, &refusal);
    if (result == 0)
        result = accounts_change_password(request->site->accounts, &request->caller,
                                          request_param(request, "user"), body,
                                          people_secret(request), &refusal);
    people_answer(reply, result, 204, NULL, &refusal);
    json_decref(body);
}

// ---- the end of an account ----

static void note_room(void *names, const char *room) {
    g_ptr_array_add(names, g_strdup(room));
}

// Who is in a room of somebody who has gone is told so.
static void end_rooms(const struct request *request, const GPtrArray *names) {
    json_t *body = json_pack("{s:s}", "reason", "The account that this room belonged to is gone.");
    for (guint i = 0; i < names->len; i++) {
        struct refusal refusal;
        json_t *out = NULL;
        struct hub_request asked = {
            .caller = &request->caller, .room = names->pdata[i], .body = body};
        hub_call(request->site->hub, HUB_END_ROOM, &asked, &out, &refusal); // it may be empty again
        json_decref(out);
    }
    json_decref(body);
}

void api_remove_user(struct request *request, struct reply *reply) {
    struct refusal refusal;
    if (!people_are_here(request, reply))
        return;
    struct accounts *accounts = request->site->accounts;
    const char *user = request_param(request, "user");
    GPtrArray *rooms = g_ptr_array_new_with_free_func(g_free);
    int result =
        accounts_each_running_room(accounts, &request->caller, user, note_room, rooms, &refusal);
    if (result == 0)
        result = accounts_remove_user(accounts, &request->caller, user, &refusal);
    if (result == 0) {
        end_rooms(request, rooms);
        library_tidy(request->site->library);
    }
    people_answer(reply, result, 204, NULL, &refusal);
    if (result == 0 && request->caller.kind == CALLER_USER)
        people_set_cookie(request, reply, NULL);
    g_ptr_array_unref(rooms);
}

// SPDX-License-Identifier: MIT
#include "http/routes.h"

#include "http/api.h"
#include "http/headers.h"
#include "http/idempotency.h"
#include "http/pages.h"
#include "http/request.h"
#include "http/upgrade.h"

#include <stdio.h>
#include <string.h>

// clang-format off
const struct route routes[] = {
    {"/",                                           "GET",    ACTION_LOOK,              pages_get_front,                 0},
    {"/admin",                                      "GET",    ACTION_LOOK,              pages_get_admin,                 0},
    {"/api/v1/calls",                               "GET",    ACTION_PLAN_MEETINGS,     api_list_calls,                  0},
    {"/api/v1/calls/{call}",                        "DELETE", ACTION_PLAN_MEETINGS,     api_remove_call,                 0},
    {"/api/v1/calls/{call}",                        "GET",    ACTION_PLAN_MEETINGS,     api_get_call,                    0},
    {"/api/v1/events",                              "GET",    ACTION_READ_SERVER,       api_get_server_events,           0},
    {"/api/v1/ice-servers",                         "GET",    ACTION_LOOK,              api_get_ice_servers,             0},
    {"/api/v1/meetings",                            "GET",    ACTION_PLAN_MEETINGS,     api_list_meetings,               0},
    {"/api/v1/meetings",                            "POST",   ACTION_PLAN_MEETINGS,     api_add_meeting,                 ROUTE_CREATES},
    {"/api/v1/meetings/{meeting}",                  "DELETE", ACTION_PLAN_MEETINGS,     api_remove_meeting,              0},
    {"/api/v1/meetings/{meeting}",                  "GET",    ACTION_PLAN_MEETINGS,     api_get_meeting,                 0},
    {"/api/v1/meetings/{meeting}",                  "PATCH",  ACTION_PLAN_MEETINGS,     api_change_meeting,              0},
    {"/api/v1/meetings/{meeting}/invitation.ics",   "GET",    ACTION_PLAN_MEETINGS,     api_get_invitation,              0},
    {"/api/v1/openapi.json",                        "GET",    ACTION_LOOK,              pages_get_api_description_json,  0},
    {"/api/v1/openapi.yaml",                        "GET",    ACTION_LOOK,              pages_get_api_description,       0},
    {"/api/v1/recordings",                          "GET",    ACTION_READ_RECORDINGS,   api_list_recordings,             0},
    {"/api/v1/recordings/{recording}",              "DELETE", ACTION_READ_RECORDINGS,   api_remove_recording,            0},
    {"/api/v1/recordings/{recording}",              "GET",    ACTION_READ_RECORDINGS,   api_get_recording,               0},
    {"/api/v1/recordings/{recording}",              "PATCH",  ACTION_READ_RECORDINGS,   api_change_recording,            0},
    {"/api/v1/recordings/{recording}/chapters.vtt", "GET",    ACTION_READ_FILES,        api_get_recording_file,          0},
    {"/api/v1/recordings/{recording}/chat.vtt",     "GET",    ACTION_READ_FILES,        api_get_recording_file,          0},
    {"/api/v1/recordings/{recording}/details.json", "GET",    ACTION_READ_FILES,        api_get_recording_file,          0},
    {"/api/v1/recordings/{recording}/media",        "GET",    ACTION_READ_FILES,        api_get_recording_media,         0},
    {"/api/v1/recordings/{recording}/poster.jpg",   "GET",    ACTION_READ_FILES,        api_get_recording_file,          0},
    {"/api/v1/recordings/{recording}/sheet.jpg",    "GET",    ACTION_READ_FILES,        api_get_recording_file,          0},
    {"/api/v1/rooms",                               "GET",    ACTION_LIST_ROOMS,        api_list_rooms,                  0},
    {"/api/v1/rooms",                               "POST",   ACTION_CREATE_ROOM,       api_create_room,                 ROUTE_CREATES},
    {"/api/v1/rooms/{room}",                        "DELETE", ACTION_END_ROOM,          api_end_room,                    0},
    {"/api/v1/rooms/{room}",                        "GET",    ACTION_READ_ROOM,         api_get_room,                    0},
    {"/api/v1/rooms/{room}",                        "PATCH",  ACTION_CHANGE_ROOM,       api_change_room,                 0},
    {"/api/v1/rooms/{room}/announcement",           "DELETE", ACTION_ANNOUNCE,          api_stop_playing,                0},
    {"/api/v1/rooms/{room}/announcement",           "POST",   ACTION_ANNOUNCE,          api_play,                        ROUTE_UPLOADS},
    {"/api/v1/rooms/{room}/banner",                 "DELETE", ACTION_ANNOUNCE,          api_remove_banner,               0},
    {"/api/v1/rooms/{room}/banner",                 "GET",    ACTION_READ_ROOM,         api_get_banner,                  0},
    {"/api/v1/rooms/{room}/banner",                 "PUT",    ACTION_ANNOUNCE,          api_set_banner,                  0},
    {"/api/v1/rooms/{room}/bans",                   "GET",    ACTION_KICK,              api_list_bans,                   0},
    {"/api/v1/rooms/{room}/bans/{id}",              "DELETE", ACTION_KICK,              api_lift_ban,                    0},
    {"/api/v1/rooms/{room}/broadcasts",             "GET",    ACTION_BROADCAST,         api_list_broadcasts,             0},
    {"/api/v1/rooms/{room}/broadcasts",             "POST",   ACTION_BROADCAST,         api_start_broadcast,             ROUTE_CREATES},
    {"/api/v1/rooms/{room}/broadcasts/{id}",        "DELETE", ACTION_BROADCAST,         api_stop_broadcast,              0},
    {"/api/v1/rooms/{room}/events",                 "GET",    ACTION_READ_ROOM_EVENTS,  api_get_room_events,             0},
    {"/api/v1/rooms/{room}/layout",                 "GET",    ACTION_READ_ROOM,         api_get_layout,                  0},
    {"/api/v1/rooms/{room}/layout",                 "PUT",    ACTION_CHANGE_ROOM,       api_set_layout,                  0},
    {"/api/v1/rooms/{room}/lobby",                  "GET",    ACTION_ADMIT,             api_list_waiting,                0},
    {"/api/v1/rooms/{room}/lobby/admit",            "POST",   ACTION_ADMIT,             api_admit,                       0},
    {"/api/v1/rooms/{room}/lobby/{id}",             "DELETE", ACTION_ADMIT,             api_refuse,                      0},
    {"/api/v1/rooms/{room}/lobby/{id}/admit",       "POST",   ACTION_ADMIT,             api_admit,                       0},
    {"/api/v1/rooms/{room}/members",                "GET",    ACTION_READ_ROOM,         api_list_members,                0},
    {"/api/v1/rooms/{room}/members/{id}",           "DELETE", ACTION_KICK,              api_kick_member,                 0},
    {"/api/v1/rooms/{room}/members/{id}",           "GET",    ACTION_READ_ROOM,         api_get_member,                  0},
    {"/api/v1/rooms/{room}/members/{id}",           "PATCH",  ACTION_CHANGE_MEMBER,     api_change_member,               0},
    {"/api/v1/rooms/{room}/messages",               "GET",    ACTION_READ_ROOM,         api_list_messages,               0},
    {"/api/v1/rooms/{room}/messages",               "POST",   ACTION_ANNOUNCE,          api_send_message,                0},
    {"/api/v1/rooms/{room}/mute-all",               "POST",   ACTION_CHANGE_MEMBER,     api_mute_all,                    0},
    {"/api/v1/rooms/{room}/pictures/{slot}",        "DELETE", ACTION_ANNOUNCE,          api_remove_picture,              0},
    {"/api/v1/rooms/{room}/pictures/{slot}",        "PUT",    ACTION_ANNOUNCE,          api_set_picture,                 ROUTE_UPLOADS},
    {"/api/v1/rooms/{room}/recordings",             "GET",    ACTION_LIST_RECORDINGS,   api_list_room_recordings,        0},
    {"/api/v1/rooms/{room}/recordings",             "POST",   ACTION_RECORD,            api_start_recording,             ROUTE_CREATES},
    {"/api/v1/rooms/{room}/snapshot.jpg",           "GET",    ACTION_SEE_ROOM,          api_get_snapshot_jpeg,           0},
    {"/api/v1/rooms/{room}/snapshot.png",           "GET",    ACTION_SEE_ROOM,          api_get_snapshot_png,            0},
    {"/api/v1/rooms/{room}/stats",                  "GET",    ACTION_READ_ROOM,         api_get_room_stats,              0},
    {"/api/v1/session",                             "DELETE", ACTION_OWN_ACCOUNT,       api_sign_out,                    0},
    {"/api/v1/session",                             "GET",    ACTION_OWN_ACCOUNT,       api_get_session,                 0},
    {"/api/v1/session",                             "POST",   ACTION_SIGN_IN,           api_sign_in,                     0},
    {"/api/v1/stats",                               "GET",    ACTION_READ_SERVER,       api_get_stats,                   0},
    {"/api/v1/tokens",                              "POST",   ACTION_MINT_TOKEN,        api_mint_token,                  ROUTE_CREATES},
    {"/api/v1/users",                               "GET",    ACTION_MANAGE_USERS,      api_list_users,                  0},
    {"/api/v1/users",                               "POST",   ACTION_SIGN_UP,           api_add_user,                    ROUTE_CREATES},
    {"/api/v1/users/{user}",                        "DELETE", ACTION_OWN_ACCOUNT,       api_remove_user,                 0},
    {"/api/v1/users/{user}",                        "GET",    ACTION_OWN_ACCOUNT,       api_get_user,                    0},
    {"/api/v1/users/{user}",                        "PATCH",  ACTION_OWN_ACCOUNT,       api_change_user,                 0},
    {"/api/v1/users/{user}/password",               "PUT",    ACTION_OWN_ACCOUNT,       api_change_password,             0},
    {"/api/v1/webhooks",                            "GET",    ACTION_MANAGE_HOOKS,      api_list_webhooks,               0},
    {"/api/v1/webhooks",                            "POST",   ACTION_MANAGE_HOOKS,      api_create_webhook,              ROUTE_CREATES},
    {"/api/v1/webhooks/{id}",                       "DELETE", ACTION_MANAGE_HOOKS,      api_remove_webhook,              0},
    {"/api/v1/webhooks/{id}",                       "GET",    ACTION_MANAGE_HOOKS,      api_get_webhook,                 0},
    {"/api/v1/webhooks/{id}",                       "PATCH",  ACTION_MANAGE_HOOKS,      api_change_webhook,              0},
    {"/api/v1/webhooks/{id}/test",                  "POST",   ACTION_MANAGE_HOOKS,      api_test_webhook,                0},
    {"/docs",                                       "GET",    ACTION_LOOK,              pages_get_docs,                  0},
    {"/healthz",                                    "GET",    ACTION_LOOK,              api_get_health,                  0},
    {"/hls/{room}/{file}",                          "GET",    ACTION_LOOK,              api_get_hls_file,                0},
    {"/home",                                       "GET",    ACTION_LOOK,              pages_get_home,                  0},
    {"/metrics",                                    "GET",    ACTION_METRICS,           api_get_metrics,                 0},
    {"/r/{room}",                                   "GET",    ACTION_LOOK,              pages_get_room,                  0},
    {"/readyz",                                     "GET",    ACTION_LOOK,              api_get_readiness,               0},
    {"/recordings",                                 "GET",    ACTION_LOOK,              pages_get_recordings,            0},
    {"/sign-in",                                    "GET",    ACTION_LOOK,              pages_get_sign_in,               0},
    {"/watch/{room}",                               "GET",    ACTION_LOOK,              pages_get_watch,                 0},
    {"/ws",                                         "GET",    ACTION_LOOK,              upgrade_to_websocket,            0},
};
// clang-format on
const int routes_count = sizeof(routes) / sizeof(routes[0]);

// One part of a pattern against one part of the path; "{name}" takes anything but nothing.
static bool part_matches(const char *part, int bytes, const char *segment,
                         struct request *request) {
    if (part[0] != '{')
        return strlen(segment) == (size_t)bytes && strncmp(part, segment, (size_t)bytes) == 0;
    if (segment[0] == '\0' || request->param_count == REQUEST_PARAMS_MAX)
        return false;
    request->params[request->param_count].name = part + 1;
    request->params[request->param_count].name_bytes = bytes - 2;
    request->params[request->param_count++].value = segment;
    return true;
}

static bool pattern_matches(const char *pattern, struct request *request) {
    const char *part = pattern + 1;
    request->param_count = 0;
    for (int i = 0; i < request->segment_count; i++) {
        int bytes = (int)strcspn(part, "/");
        if (bytes == 0 || !part_matches(part, bytes, request->segments[i], request))
            return false;
        part += bytes;
        if (*part == '/')
            part++;
        else
            return i + 1 == request->segment_count;
    }
    return *part == '\0';
}

// The methods of the routes with this very pattern, as they stand in Allow.
static void list_methods(const char *pattern, char out[64]) {
    size_t used = 0;
    for (int i = 0; i < routes_count; i++) {
        if (strcmp(routes[i].pattern, pattern) != 0)
            continue;
        bool is_get = strcmp(routes[i].method, "GET") == 0;
        used += (size_t)snprintf(out + used, 64 - used, "%s, %s", routes[i].method,
                                 is_get ? "HEAD, " : "");
    }
    snprintf(out + used, 64 - used, "OPTIONS");
}

static const struct route *find_path(struct request *request) {
    for (int i = 0; i < routes_count; i++)
        if (pattern_matches(routes[i].pattern, request))
            return &routes[i];
    return NULL;
}

// first: the first row of a pattern; its others follow it.
static const struct route *find_method(const struct route *first, const struct request *request) {
    for (const struct route *each = first; each < routes + routes_count; each++) {
        if (strcmp(each->pattern, first->pattern) != 0)
            return NULL;
        if (request_is(request, each->method))
            return each;
    }
    return NULL;
}

static void refuse_method(const struct route *route, struct reply *reply) {
    struct refusal refusal;
    char allowed[64];
    list_methods(route->pattern, allowed);
    refusal_set(&refusal, 405, "method-not-allowed", "Here the methods are %s.", allowed);
    reply_refusal(reply, &refusal);
    reply_add_header(reply, "Allow", allowed);
}

static void answer_options(const struct route *route, struct request *request,
                           struct reply *reply) {
    char allowed[64] = "GET, HEAD, OPTIONS";
    if (route)
        list_methods(route->pattern, allowed);
    headers_answer_options(reply, request, allowed);
}

static int check(const struct request *request, struct refusal *refusal) {
    if (request->is_refused) {
        *refusal = request->refusal;
        return -1;
    }
    if (request->is_body_too_large)
        return refusal_set(refusal, 413, "too-large", "The body may have %zu bytes at most.",
                           request->body_bytes_max);
    return 0;
}

void routes_enter(struct request *request) {
    const struct access *access = request->site->access;
    request->first_route = request->is_path_bad ? NULL : find_path(request);
    request->route = request->first_route ? find_method(request->first_route, request) : NULL;
    if (!request->route)
        return;
    request->is_refused =
        access_recognise(access, request, &request->caller, &request->refusal) != 0 ||
        access_check(access, request->route->action, request, &request->refusal) != 0;
    if (request->route->flags & ROUTE_UPLOADS && !request->is_refused)
        request->body_bytes_max = (size_t)request->site->config->http_upload_bytes_max;
}

static void handle(const struct route *route, struct request *request, struct reply *reply) {
    if (route->flags & ROUTE_CREATES)
        idempotency_answer(request->site->idempotency, request, reply, route->handle);
    else
        route->handle(request, reply);
}

void routes_answer(struct request *request, struct reply *reply) {
    struct refusal refusal;
    if (request->is_path_bad) {
        refusal_set(&refusal, 400, "bad-path", "This is no path that a server could know.");
        reply_refusal(reply, &refusal);
    } else if (strcmp(request->method, "OPTIONS") == 0) {
        answer_options(request->first_route, request, reply);
    } else if (!request->first_route) {
        pages_get_file(request, reply);
    } else if (!request->route) {
        refuse_method(request->first_route, reply);
    } else if (check(request, &refusal) != 0) {
        reply_refusal(reply, &refusal);
    } else {
        handle(request->route, request, reply);
    }
}

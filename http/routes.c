// SPDX-License-Identifier: MIT
#include "http/routes.h"

#include "http/api.h"
#include "http/headers.h"
#include "http/pages.h"
#include "http/request.h"
#include "http/upgrade.h"

#include <stdio.h>
#include <string.h>

// clang-format off
const struct route routes[] = {
    {"/",                                   "GET",    ACTION_LOOK,          pages_get_front},
    {"/api/v1/events",                      "GET",    ACTION_READ_SERVER,   api_get_server_events},
    {"/api/v1/ice-servers",                 "GET",    ACTION_LOOK,          api_get_ice_servers},
    {"/api/v1/openapi.yaml",                "GET",    ACTION_LOOK,          pages_get_api_description},
    {"/api/v1/rooms",                       "GET",    ACTION_LIST_ROOMS,    api_list_rooms},
    {"/api/v1/rooms",                       "POST",   ACTION_CREATE_ROOM,   api_create_room},
    {"/api/v1/rooms/{room}",                "DELETE", ACTION_END_ROOM,      api_end_room},
    {"/api/v1/rooms/{room}",                "GET",    ACTION_READ_ROOM,     api_get_room},
    {"/api/v1/rooms/{room}",                "PATCH",  ACTION_CHANGE_ROOM,   api_change_room},
    {"/api/v1/rooms/{room}/events",         "GET",    ACTION_READ_ROOM_EVENTS, api_get_room_events},
    {"/api/v1/rooms/{room}/members",        "GET",    ACTION_READ_ROOM,     api_list_members},
    {"/api/v1/rooms/{room}/members/{id}",   "DELETE", ACTION_KICK,          api_kick_member},
    {"/api/v1/rooms/{room}/snapshot.jpg",   "GET",    ACTION_SEE_ROOM,      api_get_snapshot},
    {"/api/v1/webhooks",                    "GET",    ACTION_MANAGE_HOOKS,  api_list_webhooks},
    {"/api/v1/webhooks",                    "POST",   ACTION_MANAGE_HOOKS,  api_create_webhook},
    {"/api/v1/webhooks/{id}",               "DELETE", ACTION_MANAGE_HOOKS,  api_remove_webhook},
    {"/api/v1/webhooks/{id}",               "GET",    ACTION_MANAGE_HOOKS,  api_get_webhook},
    {"/api/v1/webhooks/{id}",               "PATCH",  ACTION_MANAGE_HOOKS,  api_change_webhook},
    {"/api/v1/webhooks/{id}/test",          "POST",   ACTION_MANAGE_HOOKS,  api_test_webhook},
    {"/healthz",                            "GET",    ACTION_LOOK,          api_get_health},
    {"/metrics",                            "GET",    ACTION_METRICS,       api_get_metrics},
    {"/r/{room}",                           "GET",    ACTION_LOOK,          pages_get_room},
    {"/readyz",                             "GET",    ACTION_LOOK,          api_get_readiness},
    {"/ws",                                 "GET",    ACTION_LOOK,          upgrade_to_websocket},
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

static int check(const struct route *route, struct request *request, struct refusal *refusal) {
    const struct access *access = request->site->access;
    if (access_recognise(access, request, &request->caller, refusal) != 0 ||
        access_check(access, route->action, request, refusal) != 0)
        return -1;
    if (request->is_body_too_large)
        return refusal_set(refusal, 413, "too-large", "The body may have %d bytes at most.",
                           request->site->config->http_body_bytes_max);
    return 0;
}

void routes_answer(struct request *request, struct reply *reply) {
    struct refusal refusal;
    if (request->is_path_bad) {
        refusal_set(&refusal, 400, "bad-path", "This is no path that a server could know.");
        reply_refusal(reply, &refusal);
        return;
    }
    const struct route *first = find_path(request);
    if (strcmp(request->method, "OPTIONS") == 0) {
        answer_options(first, request, reply);
        return;
    }
    if (!first) {
        pages_get_file(request, reply);
        return;
    }
    const struct route *route = find_method(first, request);
    if (!route)
        refuse_method(first, reply);
    else if (check(route, request, &refusal) != 0)
        reply_refusal(reply, &refusal);
    else
        route->handle(request, reply);
}

// SPDX-License-Identifier: MIT
#include "http/api_call.h"

#include "http/request.h"

#include <glib.h>
#include <string.h>

struct hub_request api_ask(const struct request *request) {
    const char *id = request_param(request, "id");
    return (struct hub_request){.caller = &request->caller,
                                .room = request_param(request, "room"),
                                .id = id[0] ? id : NULL,
                                .if_match = request_header(request, "If-Match"),
                                .limit = API_PAGE_DEFAULT};
}

// Cursors are made by whoever lists; what they are made of is checked there.
static int read_cursor(const struct request *request, const char **cursor,
                       struct refusal *refusal) {
    const char *given = request_query(request, "cursor");
    *cursor = given && given[0] ? given : NULL;
    if (*cursor && (strlen(given) > API_CURSOR_MAX || !g_utf8_validate(given, -1, NULL)))
        return request_refuse_field(refusal, "cursor", "is none that this server gave");
    return 0;
}

int api_read_page(const struct request *request, const char **cursor, int *limit,
                  struct refusal *refusal) {
    *limit = API_PAGE_DEFAULT;
    if (request_query_int(request, "limit", 1, API_PAGE_MAX, limit, refusal) != 0)
        return -1;
    return read_cursor(request, cursor, refusal);
}

void api_answer(struct reply *reply, int status, json_t *json) {
    if (status == 204 || !json) {
        reply_finish(reply);
        json_decref(json);
        return;
    }
    json_incref(json);
    reply_json(reply, status, json);
    reply_set_revision(reply, json);
    json_decref(json);
}

void api_add_location(struct reply *reply, const char *prefix, const json_t *object) {
    const char *id = json_string_value(json_object_get(object, "id"));
    if (!id)
        return;
    char *escaped = g_uri_escape_string(id, NULL, FALSE);
    char *location = g_strconcat(prefix, escaped, NULL);
    reply_add_header(reply, "Location", location);
    g_free(location);
    g_free(escaped);
}

void api_finish(struct request *request, struct reply *reply, enum hub_operation operation,
                const struct hub_request *asked, int status) {
    struct refusal refusal;
    json_t *out = NULL;
    if (hub_call(request->site->hub, operation, asked, &out, &refusal) == 0)
        api_answer(reply, status, out);
    else
        reply_refusal(reply, &refusal);
}

void api_read(struct request *request, struct reply *reply, enum hub_operation operation) {
    struct hub_request asked = api_ask(request);
    api_finish(request, reply, operation, &asked, 200);
}

void api_do(struct request *request, struct reply *reply, enum hub_operation operation) {
    struct hub_request asked = api_ask(request);
    api_finish(request, reply, operation, &asked, 204);
}

void api_list(struct request *request, struct reply *reply, enum hub_operation operation) {
    struct refusal refusal;
    struct hub_request asked = api_ask(request);
    if (api_read_page(request, &asked.cursor, &asked.limit, &refusal) != 0)
        reply_refusal(reply, &refusal);
    else
        api_finish(request, reply, operation, &asked, 200);
}

void api_change(struct request *request, struct reply *reply, enum hub_operation operation,
                int status) {
    struct refusal refusal;
    struct hub_request asked = api_ask(request);
    json_t *body;
    if (request_json(request, &body, &refusal) != 0) {
        reply_refusal(reply, &refusal);
        return;
    }
    asked.body = body;
    api_finish(request, reply, operation, &asked, status);
    json_decref(body);
}

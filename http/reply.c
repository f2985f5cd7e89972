// SPDX-License-Identifier: MIT
#include "http/reply.h"

#include "http/clock.h"
#include "http/headers.h"
#include "http/request.h"
#include "mcu/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void reply_init(struct reply *reply) {
    memset(reply, 0, sizeof(*reply));
    reply->status = 204;
}

void reply_finish(struct reply *reply) {
    if (reply->is_body_owned)
        free((void *)reply->body);
    if (reply->response)
        MHD_destroy_response(reply->response);
    for (int i = 0; i < reply->header_count; i++)
        free(reply->headers[i].value);
    const char *request_id = reply->request_id;
    reply_init(reply);
    reply->request_id = request_id;
}

void reply_static(struct reply *reply, int status, const char *type, const void *body,
                  size_t body_bytes) {
    reply_finish(reply);
    reply->status = status;
    reply->type = type;
    reply->body = body;
    reply->body_bytes = body_bytes;
}

void reply_owned(struct reply *reply, int status, const char *type, void *body, size_t body_bytes) {
    reply_static(reply, status, type, body, body_bytes);
    reply->is_body_owned = true;
}

static void reply_dump(struct reply *reply, int status, const char *type, json_t *json) {
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    if (text)
        reply_owned(reply, status, type, text, strlen(text));
    else
        reply_static(reply, 503, "text/plain; charset=utf-8", "Out of memory.\n", 15);
}

void reply_json(struct reply *reply, int status, json_t *json) {
    reply_dump(reply, status, "application/json", json);
}

void reply_text(struct reply *reply, int status, const char *type, const char *text) {
    char *copy = strdup(text);
    if (copy)
        reply_owned(reply, status, type, copy, strlen(copy));
    else
        reply_json(reply, status, NULL);
}

void reply_refusal(struct reply *reply, const struct refusal *refusal) {
    json_t *problem = json_pack("{s:s, s:s, s:i, s:s, s:s}", "type", "about:blank", "title",
                                MHD_get_reason_phrase_for((unsigned)refusal->status), "status",
                                refusal->status, "code", refusal->code, "detail", refusal->message);
    if (problem && refusal->field[0])
        json_object_set_new(problem, "field", json_string(refusal->field));
    if (problem && reply->request_id)
        json_object_set_new(problem, "request_id", json_string(reply->request_id));
    reply_dump(reply, refusal->status, "application/problem+json", problem);
    if (refusal->status == 401)
        reply_add_header(reply, "WWW-Authenticate", "Bearer realm=\"tessera\"");
    if (refusal->status == 429 || refusal->status == 503)
        reply_add_header(reply, "Retry-After", "5");
}

void reply_set_revision(struct reply *reply, const json_t *json) {
    const json_t *revision = json_object_get(json, "revision");
    if (!json_is_integer(revision))
        return;
    snprintf(reply->etag, sizeof(reply->etag), "\"%" JSON_INTEGER_FORMAT "\"",
             json_integer_value(revision));
    reply->is_revision = true;
}

void reply_add_header(struct reply *reply, const char *name, const char *value) {
    if (reply->header_count == REPLY_HEADERS_MAX || strpbrk(value, "\r\n"))
        return;
    char *copy = strdup(value);
    if (!copy)
        return;
    reply->headers[reply->header_count].name = name;
    reply->headers[reply->header_count++].value = copy;
}

static void become_not_modified(struct reply *reply) {
    if (reply->is_body_owned)
        free((void *)reply->body);
    reply->status = 304;
    reply->type = NULL;
    reply->body = NULL;
    reply->body_bytes = 0;
    reply->is_body_owned = false;
}

static struct MHD_Response *make_response(struct reply *reply) {
    if (reply->response) {
        struct MHD_Response *response = reply->response;
        reply->response = NULL;
        return response;
    }
    struct MHD_Response *response = MHD_create_response_from_buffer(
        reply->body_bytes, (void *)reply->body,
        reply->is_body_owned ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    if (response)
        reply->is_body_owned = false;
    return response;
}

static void add_headers(struct MHD_Response *response, const struct reply *reply,
                        const struct request *request) {
    if (reply->type)
        MHD_add_response_header(response, "Content-Type", reply->type);
    if (reply->etag[0])
        MHD_add_response_header(response, "ETag", reply->etag);
    MHD_add_response_header(response, "Cache-Control",
                            reply->cache_control ? reply->cache_control : "no-store");
    for (int i = 0; i < reply->header_count; i++)
        MHD_add_response_header(response, reply->headers[i].name, reply->headers[i].value);
    if (request->id[0])
        MHD_add_response_header(response, "X-Request-Id", request->id);
    headers_add_security(response, request, reply->is_embeddable);
    headers_add_cors(response, request);
}

enum MHD_Result reply_send(struct reply *reply, struct request *request) {
    if (reply->status == 200 && reply->etag[0] && !reply->is_revision &&
        headers_match_etag(request_header(request, "If-None-Match"), reply->etag))
        become_not_modified(reply);
    enum MHD_Result result = MHD_NO;
    int status = reply->status;
    struct MHD_Response *response = make_response(reply);
    if (response) {
        add_headers(response, reply, request);
        result = MHD_queue_response(request->connection, (unsigned)status, response);
        MHD_destroy_response(response);
    }
    request->is_answered = true;
    atomic_fetch_add_explicit(&request->site->requests_by_class[status / 100 % 6], 1,
                              memory_order_relaxed);
    durations_add(&request->site->durations, request->method, status,
                  clock_now_ns() - request->asked_ns);
    log_debug("http", "%s %s %s %d %lld ms id=%s", request->address, request->method,
              request->shown_path, status, (long long)(clock_now_ms() - request->started_ms),
              request->id);
    reply_finish(reply);
    return result;
}

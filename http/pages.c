// SPDX-License-Identifier: MIT
#include "http/pages.h"

#include "http/request.h"

#include <string.h>

static bool answer_file(const struct request *request, struct reply *reply, int status,
                        char *const *segments, int segment_count) {
    struct static_file file;
    if (static_get(request->site->files, segments, segment_count, &file) != 0)
        return false;
    if (file.is_owned)
        reply_owned(reply, status, file.type, (void *)file.data, file.size_bytes);
    else
        reply_static(reply, status, file.type, file.data, file.size_bytes);
    reply->cache_control = file.cache_control;
    memcpy(reply->etag, file.etag, sizeof(reply->etag));
    return true;
}

static void answer_page(struct request *request, struct reply *reply, char *name) {
    if (!answer_file(request, reply, 200, &name, 1))
        pages_not_found(request, reply);
}

void pages_get_front(struct request *request, struct reply *reply) {
    char name[] = "index.html";
    answer_page(request, reply, name);
}

// Showing a room inside another site's page is a feature (README: how to embed).
void pages_get_room(struct request *request, struct reply *reply) {
    char name[] = "room.html";
    answer_page(request, reply, name);
    reply->is_embeddable = true;
}

void pages_get_sign_in(struct request *request, struct reply *reply) {
    char name[] = "sign-in.html";
    answer_page(request, reply, name);
}

void pages_get_home(struct request *request, struct reply *reply) {
    char name[] = "home.html";
    answer_page(request, reply, name);
}

void pages_get_admin(struct request *request, struct reply *reply) {
    char name[] = "admin.html";
    answer_page(request, reply, name);
}

void pages_get_recordings(struct request *request, struct reply *reply) {
    char name[] = "recordings.html";
    answer_page(request, reply, name);
}

void pages_get_watch(struct request *request, struct reply *reply) {
    char name[] = "watch.html";
    answer_page(request, reply, name);
    reply->is_embeddable = true;
}

void pages_get_api_description(struct request *request, struct reply *reply) {
    char name[] = "openapi.yaml";
    answer_page(request, reply, name);
}

// The same, for programs that would rather not read YAML: made once, when the server started.
void pages_get_api_description_json(struct request *request, struct reply *reply) {
    const struct site *site = request->site;
    if (!site->description) {
        pages_not_found(request, reply);
        return;
    }
    reply_static(reply, 200, "application/json", site->description, site->description_bytes);
    reply->cache_control = "no-cache";
    memcpy(reply->etag, site->description_etag, sizeof(reply->etag));
}

void pages_get_docs(struct request *request, struct reply *reply) {
    char name[] = "docs.html";
    answer_page(request, reply, name);
}

void pages_get_file(struct request *request, struct reply *reply) {
    struct refusal refusal;
    if (request_is_api(request) ||
        !answer_file(request, reply, 200, request->segments, request->segment_count)) {
        pages_not_found(request, reply);
    } else if (!request_is(request, "GET")) {
        refusal_set(&refusal, 405, "method-not-allowed", "Files can be read only.");
        reply_refusal(reply, &refusal);
        reply_add_header(reply, "Allow", "GET, HEAD, OPTIONS");
    }
}

// People get a page, programs a problem object.
void pages_not_found(struct request *request, struct reply *reply) {
    char name[] = "404.html";
    char *segment = name;
    struct refusal refusal;
    if (!request_is_api(request) && request_is(request, "GET") &&
        answer_file(request, reply, 404, &segment, 1)) {
        reply->cache_control = NULL;
        reply->etag[0] = '\0';
        return;
    }
    refusal_set(&refusal, 404, "not-found", "There is nothing at this address.");
    reply_refusal(reply, &refusal);
}

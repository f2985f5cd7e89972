// SPDX-License-Identifier: MIT
#include "http/api_people.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { LIMIT_DEFAULT = 50, LIMIT_MAX = 200, CURSOR_MAX = 200, HOST_MAX = 255, COOKIE_MAX = 256 };

// As a header of its own, it never makes a 304.
static void add_etag(struct reply *reply, const json_t *json) {
    const json_t *revision = json_object_get(json, "revision");
    char tag[32];
    if (!json_is_integer(revision))
        return;
    snprintf(tag, sizeof(tag), "\"%lld\"", (long long)json_integer_value(revision));
    reply_add_header(reply, "ETag", tag);
}

void people_answer(struct reply *reply, int result, int status, json_t *json,
                   const struct refusal *refusal) {
    if (result != 0) {
        reply_refusal(reply, refusal);
        return;
    }
    if (!json)
        return; // 204, as it was
    json_incref(json);
    reply_json(reply, status, json);
    add_etag(reply, json);
    json_decref(json);
}

void people_answer_created(struct reply *reply, int result, const char *below, json_t *json,
                           const struct refusal *refusal) {
    char location[128] = "";
    const json_t *id = result == 0 ? json_object_get(json, "id") : NULL;
    if (json_is_integer(id))
        snprintf(location, sizeof(location), "/api/v1/%s/%lld", below,
                 (long long)json_integer_value(id));
    else if (id)
        snprintf(location, sizeof(location), "/api/v1/%s/%s", below, json_string_value(id));
    people_answer(reply, result, 201, json, refusal);
    if (location[0])
        reply_add_header(reply, "Location", location);
}

bool people_are_here(const struct request *request, struct reply *reply) {
    struct refusal refusal;
    if (request->site->accounts && request->site->store)
        return true;
    refusal_set(&refusal, 503, "not-ready", "This server has no accounts.");
    reply_refusal(reply, &refusal);
    return false;
}

int people_read_page(const struct request *request, const char **cursor, int *limit,
                     struct refusal *refusal) {
    *cursor = request_query(request, "cursor");
    *limit = LIMIT_DEFAULT;
    if (*cursor && (!**cursor || strlen(*cursor) > CURSOR_MAX)) {
        refusal_set(refusal, 422, "bad-field", "cursor must be the next_cursor of another answer.");
        g_strlcpy(refusal->field, "cursor", sizeof(refusal->field));
        return -1;
    }
    return request_query_int(request, "limit", 1, LIMIT_MAX, limit, refusal);
}

const char *people_secret(const struct request *request) {
    static const char scheme[] = "Bearer ";
    if (request->caller.kind != CALLER_USER)
        return NULL;
    const char *given = request_header(request, "Authorization");
    if (given)
        return strncasecmp(given, scheme, sizeof(scheme) - 1) == 0 ? given + sizeof(scheme) - 1
                                                                   : NULL;
    return MHD_lookup_connection_value(request->connection, MHD_COOKIE_KIND, ACCESS_COOKIE);
}

// A proxy's word is taken: only the client that asks depends on it.
static bool is_secure(const struct request *request) {
    const char *proto = request_header(request, "X-Forwarded-Proto");
    return request->site->is_tls || (proto && strcasecmp(proto, "https") == 0);
}

void people_set_cookie(const struct request *request, struct reply *reply, const char *secret) {
    char cookie[COOKIE_MAX];
    int max_age_s = secret ? request->site->config->session_days * 24 * 3600 : 0;
    snprintf(cookie, sizeof(cookie),
             ACCESS_COOKIE "=%s; Path=/; Max-Age=%d; HttpOnly; SameSite=Lax%s",
             secret ? secret : "", max_age_s, is_secure(request) ? "; Secure" : "");
    reply_add_header(reply, "Set-Cookie", cookie);
}

static bool is_plain_host(const char *host) {
    size_t bytes = 0;
    while (host[bytes] && (g_ascii_isalnum(host[bytes]) || strchr(".-_:[]", host[bytes])))
        bytes++;
    return bytes > 0 && bytes <= HOST_MAX && host[bytes] == '\0';
}

void people_base_url(const struct request *request, char *out, size_t out_bytes) {
    const char *host = request_header(request, "Host");
    out[0] = '\0';
    if (host && is_plain_host(host))
        snprintf(out, out_bytes, "%s://%s", is_secure(request) ? "https" : "http", host);
}

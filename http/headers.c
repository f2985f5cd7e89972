// SPDX-License-Identifier: MIT
#include "http/headers.h"

#include "http/request.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { HOST_BYTES_MAX = 255 };

// ---- security ----

// The Host header goes into a policy of ours, so nothing but a name and a port may be in it.
static bool is_plain_host(const char *host) {
    return host && host[0] && strlen(host) <= HOST_BYTES_MAX &&
           strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]") ==
               strlen(host);
}

// Older Safari does not count wss: to the same host as 'self', hence the host by name.
static void add_content_policy(struct MHD_Response *response, const struct request *request,
                               bool is_embeddable) {
    const char *host = request_header(request, "Host");
    char sockets[2 * HOST_BYTES_MAX + 20] = "", policy[1024];
    if (is_plain_host(host))
        snprintf(sockets, sizeof(sockets), " ws://%s wss://%s", host, host);
    snprintf(policy, sizeof(policy),
             "default-src 'self'; connect-src 'self'%s; media-src 'self' blob:; "
             "img-src 'self' data: blob:; style-src 'self'; base-uri 'none'; object-src 'none'; "
             "form-action 'self'; frame-ancestors %s",
             sockets, is_embeddable ? "*" : "'self'");
    MHD_add_response_header(response, "Content-Security-Policy", policy);
}

void headers_add_security(struct MHD_Response *response, const struct request *request,
                          bool is_embeddable) {
    add_content_policy(response, request, is_embeddable);
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
    MHD_add_response_header(response, "Permissions-Policy",
                            "camera=(self), microphone=(self), display-capture=(self)");
    if (request->site->is_tls)
        MHD_add_response_header(response, "Strict-Transport-Security", "max-age=31536000");
}

// ---- origins and CORS ----

bool headers_is_origin_allowed(const char *setting, const char *origin) {
    size_t bytes = strlen(origin);
    while (setting && *setting) {
        size_t word = strcspn(setting, " \t");
        if ((word == 1 && *setting == '*') ||
            (word == bytes && strncasecmp(setting, origin, word) == 0))
            return true;
        setting += word;
        setting += strspn(setting, " \t");
    }
    return false;
}

static bool is_wildcard(const char *setting) {
    return setting && strcmp(setting, "*") == 0;
}

// Length of an authority without the port that its scheme implies.
static size_t authority_bytes(const char *authority, const char *default_port) {
    size_t bytes = strlen(authority), port = strlen(default_port);
    if (bytes > port && strcmp(authority + bytes - port, default_port) == 0)
        return bytes - port;
    return bytes;
}

bool headers_is_same_origin(const char *origin, const char *host) {
    bool is_secure = strncasecmp(origin, "https://", 8) == 0;
    if (!host || !host[0] || (!is_secure && strncasecmp(origin, "http://", 7) != 0))
        return false;
    const char *port = is_secure ? ":443" : ":80";
    const char *authority = strstr(origin, "//") + 2;
    size_t bytes = authority_bytes(authority, port);
    return bytes == authority_bytes(host, port) && strncasecmp(authority, host, bytes) == 0;
}

void headers_add_cors(struct MHD_Response *response, const struct request *request) {
    const char *setting = request->site->config->cors_origins;
    if (!setting || !setting[0])
        return;
    if (!is_wildcard(setting))
        MHD_add_response_header(response, "Vary", "Origin");
    const char *origin = request_header(request, "Origin");
    if (!origin || !headers_is_origin_allowed(setting, origin))
        return;
    MHD_add_response_header(response, "Access-Control-Allow-Origin",
                            is_wildcard(setting) ? "*" : origin);
    MHD_add_response_header(response, "Access-Control-Expose-Headers",
                            "ETag, Location, Retry-After, Idempotent-Replayed, X-Request-Id");
}

void headers_answer_options(struct reply *reply, const struct request *request,
                            const char *allowed) {
    const char *origin = request_header(request, "Origin");
    reply_finish(reply);
    reply_add_header(reply, "Allow", allowed);
    if (!origin || !request_header(request, "Access-Control-Request-Method") ||
        !headers_is_origin_allowed(request->site->config->cors_origins, origin))
        return;
    reply_add_header(reply, "Access-Control-Allow-Methods", allowed);
    reply_add_header(reply, "Access-Control-Allow-Headers",
                     "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, "
                     "Last-Event-ID, X-Request-Id");
    reply_add_header(reply, "Access-Control-Max-Age", "600");
}

// ---- entity tags ----

// RFC 9110 13.1.2: a list, or *; the comparison is the weak one.
bool headers_match_etag(const char *if_none_match, const char *etag) {
    size_t bytes = strlen(etag);
    for (const char *at = if_none_match; at && *at;) {
        at += strspn(at, " \t,");
        if (*at == '*')
            return true;
        if (strncmp(at, "W/", 2) == 0)
            at += 2;
        if (strncmp(at, etag, bytes) == 0)
            return true;
        at += strcspn(at, ",");
    }
    return false;
}

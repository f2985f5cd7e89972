// SPDX-License-Identifier: MIT
#include "http/request.h"

#include "http/clock.h"

#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { BODY_FIRST_BYTES = 4096 };

// The path of an origin-form or absolute-form target (RFC 9112 3.2).
static const char *path_of(const char *uri) {
    if (strncasecmp(uri, "http://", 7) != 0 && strncasecmp(uri, "https://", 8) != 0)
        return uri;
    const char *slash = strchr(strstr(uri, "//") + 2, '/');
    return slash ? slash : "/";
}

static void show_path(struct request *request, const char *path, size_t bytes) {
    size_t shown = bytes < sizeof(request->shown_path) ? bytes : sizeof(request->shown_path) - 1;
    for (size_t i = 0; i < shown; i++)
        request->shown_path[i] = g_ascii_isgraph(path[i]) ? path[i] : '?';
    request->shown_path[shown] = '\0';
}

// Decodes one segment in place. What decodes to a control character, a slash or no UTF-8 is in no
// name that this server knows, and only ever sent to confuse.
static bool decode_segment(char *segment) {
    char *to = segment;
    for (const char *from = segment; *from; from++) {
        unsigned char byte = (unsigned char)*from;
        if (byte == '%') {
            if (!g_ascii_isxdigit(from[1]) || !g_ascii_isxdigit(from[2]))
                return false;
            byte =
                (unsigned char)(g_ascii_xdigit_value(from[1]) << 4 | g_ascii_xdigit_value(from[2]));
            from += 2;
        }
        if (byte < 0x20 || byte == 0x7f || byte == '/' || byte == '\\')
            return false;
        *to++ = (char)byte;
    }
    *to = '\0';
    return g_utf8_validate(segment, -1, NULL);
}

static bool split_path(struct request *request, const char *path, size_t bytes) {
    if (bytes == 0 || bytes >= sizeof(request->path) || path[0] != '/')
        return false;
    memcpy(request->path, path, bytes);
    request->path[bytes] = '\0';
    if (bytes == 1)
        return true;
    for (char *at = request->path; at; at = strchr(at, '/')) {
        *at++ = '\0';
        if (request->segment_count == REQUEST_SEGMENTS_MAX)
            return false;
        request->segments[request->segment_count++] = at;
    }
    for (int i = 0; i < request->segment_count; i++)
        if (!decode_segment(request->segments[i]))
            return false;
    return true;
}

struct request *request_create(struct site *site, struct MHD_Connection *connection,
                               const char *uri) {
    struct request *request = calloc(1, sizeof(*request));
    if (!request)
        return NULL;
    request->site = site;
    request->connection = connection;
    request->started_ms = clock_now_ms();
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    listen_format_address(info ? info->client_addr : NULL, request->address);
    const char *path = path_of(uri);
    size_t bytes = strcspn(path, "?#");
    show_path(request, path, bytes);
    request->is_path_bad = !split_path(request, path, bytes);
    return request;
}

void request_destroy(struct request *request) {
    if (!request)
        return;
    if (request->has_ws_seat)
        ws_release_seat(request->site->ws, request->address);
    free(request->body);
    free(request);
}

void request_check_length(struct request *request) {
    const char *length = request_header(request, "Content-Length");
    if (length &&
        g_ascii_strtoull(length, NULL, 10) > (guint64)request->site->config->http_body_bytes_max)
        request->is_body_too_large = true;
}

void request_take_body(struct request *request, const char *data, size_t size_bytes) {
    size_t max_bytes = (size_t)request->site->config->http_body_bytes_max;
    size_t needed_bytes = request->body_bytes + size_bytes;
    if (request->is_body_too_large || needed_bytes > max_bytes) {
        request->is_body_too_large = true; // the rest is read and dropped, until the deadline
        return;
    }
    if (needed_bytes > request->body_capacity_bytes) {
        size_t capacity =
            MAX(MAX(2 * request->body_capacity_bytes, needed_bytes), BODY_FIRST_BYTES);
        char *body = realloc(request->body, capacity);
        if (!body) {
            request->is_body_too_large = true;
            return;
        }
        request->body = body;
        request->body_capacity_bytes = capacity;
    }
    memcpy(request->body + request->body_bytes, data, size_bytes);
    request->body_bytes = needed_bytes;
}

const char *request_header(const struct request *request, const char *name) {
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

const char *request_query(const struct request *request, const char *name) {
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *request_param(const struct request *request, const char *name) {
    for (int i = 0; i < request->param_count; i++)
        if (strlen(name) == (size_t)request->params[i].name_bytes &&
            strncmp(name, request->params[i].name, strlen(name)) == 0)
            return request->params[i].value;
    return "";
}

bool request_is(const struct request *request, const char *method) {
    return strcmp(request->method, method) == 0 ||
           (strcmp(request->method, "HEAD") == 0 && strcmp(method, "GET") == 0);
}

bool request_is_api(const struct request *request) {
    return request->segment_count > 0 && strcmp(request->segments[0], "api") == 0;
}

static bool is_json(const char *content_type) {
    static const char json[] = "application/json";
    size_t bytes = content_type ? strcspn(content_type, "; \t") : 0;
    return bytes == sizeof(json) - 1 && strncasecmp(content_type, json, bytes) == 0;
}

int request_json(const struct request *request, json_t **out, struct refusal *refusal) {
    if (request->body_bytes == 0) {
        *out = json_object();
        return *out ? 0 : refusal_set(refusal, 503, "server-full", "Out of memory.");
    }
    if (!is_json(request_header(request, "Content-Type")))
        return refusal_set(refusal, 415, "not-json",
                           "The body must be JSON, with Content-Type: application/json.");
    json_error_t error;
    // jansson itself bounds the depth (JSON_PARSER_MAX_DEPTH).
    json_t *json = json_loadb(request->body, request->body_bytes, JSON_REJECT_DUPLICATES, &error);
    if (!json)
        return refusal_set(refusal, 400, "bad-json", "The body is no JSON (line %d, column %d).",
                           error.line, error.column);
    if (!json_is_object(json)) {
        json_decref(json);
        return refusal_set(refusal, 400, "bad-json", "The body must be a JSON object.");
    }
    *out = json;
    return 0;
}

int request_query_int(const struct request *request, const char *name, int min, int max, int *out,
                      struct refusal *refusal) {
    const char *text = request_query(request, name);
    gint64 value;
    if (!text)
        return 0;
    if (!g_ascii_string_to_signed(text, 10, min, max, &value, NULL)) {
        refusal_set(refusal, 422, "bad-field", "%s must be a whole number from %d to %d.", name,
                    min, max);
        snprintf(refusal->field, sizeof(refusal->field), "%s", name);
        return -1;
    }
    *out = (int)value;
    return 0;
}

// SPDX-License-Identifier: MIT
#include "http/request.h"

#include "http/clock.h"
#include "mcu/json_depth.h"

#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    BODY_FIRST_BYTES = 4096,
    DROPPED_BYTES_MAX = 1 << 20, // of a body over the limit, to still be able to say so
};

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
    request->body_bytes_max = (size_t)site->config->http_body_bytes_max;
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
    if (length && g_ascii_strtoull(length, NULL, 10) > (guint64)request->body_bytes_max)
        request->is_body_too_large = true;
}

bool request_take_body(struct request *request, const char *data, size_t size_bytes) {
    size_t needed_bytes = request->body_bytes + size_bytes;
    if (request->is_body_too_large || needed_bytes > request->body_bytes_max) {
        request->is_body_too_large = true;
        request->dropped_bytes += size_bytes;
        return request->dropped_bytes < DROPPED_BYTES_MAX;
    }
    if (needed_bytes > request->body_capacity_bytes) {
        size_t capacity =
            MAX(MAX(2 * request->body_capacity_bytes, needed_bytes), BODY_FIRST_BYTES);
        char *body = realloc(request->body, capacity);
        if (!body) {
            request->is_body_too_large = true;
            return true;
        }
        request->body = body;
        request->body_capacity_bytes = capacity;
    }
    memcpy(request->body + request->body_bytes, data, size_bytes);
    request->body_bytes = needed_bytes;
    return true;
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

bool request_has_type(const struct request *request, const char *type) {
    const char *given = request_header(request, "Content-Type");
    size_t bytes = given ? strcspn(given, "; \t") : 0;
    return bytes == strlen(type) && strncasecmp(given, type, bytes) == 0;
}

int request_json(const struct request *request, json_t **out, struct refusal *refusal) {
    if (request->body_bytes == 0) {
        *out = json_object();
        return *out ? 0 : refusal_set(refusal, 503, "server-full", "Out of memory.");
    }
    if (!request_has_type(request, "application/json"))
        return refusal_set(refusal, 415, "not-json",
                           "The body must be JSON, with Content-Type: application/json.");
    if (json_depth_is_too_much(request->body, request->body_bytes))
        return refusal_set(refusal, 400, "bad-json", "The body is nested more than %d levels deep.",
                           JSON_DEPTH_MAX);
    json_error_t error;
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

int request_refuse_field(struct refusal *refusal, const char *name, const char *format, ...) {
    char message[160];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    refusal_set(refusal, 422, "bad-field", "%s %s.", name, message);
    snprintf(refusal->field, sizeof(refusal->field), "%s", name);
    return -1;
}

int request_query_int(const struct request *request, const char *name, int min, int max, int *out,
                      struct refusal *refusal) {
    const char *text = request_query(request, name);
    gint64 value;
    if (!text)
        return 0;
    if (!g_ascii_string_to_signed(text, 10, min, max, &value, NULL))
        return request_refuse_field(refusal, name, "must be a whole number from %d to %d", min,
                                    max);
    *out = (int)value;
    return 0;
}

int request_query_number(const struct request *request, const char *name, double min, double max,
                         double *out, struct refusal *refusal) {
    const char *text = request_query(request, name);
    char *end = NULL;
    if (!text)
        return 0;
    double value = g_ascii_strtod(text, &end);
    bool is_plain = *text && strspn(text, "0123456789.") == strlen(text); // no "inf", no "0x1p3"
    if (!is_plain || *end || value < min || value > max)
        return request_refuse_field(refusal, name, "must be a number from %g to %g", min, max);
    *out = value;
    return 0;
}

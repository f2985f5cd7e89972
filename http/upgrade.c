// SPDX-License-Identifier: MIT
#include "http/upgrade.h"

#include "http/access.h"
#include "http/headers.h"
#include "http/request.h"

#include <glib.h>
#include <string.h>
#include <strings.h>

enum { KEY_BYTES = 16, SHA1_BYTES = 20 };

// Is word an element of this comma-separated list?
static bool list_has(const char *list, const char *word) {
    size_t bytes = strlen(word);
    while (list && *list) {
        list += strspn(list, " \t,");
        size_t element = strcspn(list, " \t,");
        if (element == bytes && strncasecmp(list, word, bytes) == 0)
            return true;
        list += element;
    }
    return false;
}

static bool key_is_good(const char *key) {
    gsize bytes = 0;
    if (!key || strlen(key) != 24)
        return false;
    g_free(g_base64_decode(key, &bytes));
    return bytes == KEY_BYTES;
}

// RFC 6455 4.2.2: base64 of SHA-1 of the key and a fixed word.
static char *accept_key(const char *key) {
    guint8 digest[SHA1_BYTES];
    gsize bytes = sizeof(digest);
    GChecksum *checksum = g_checksum_new(G_CHECKSUM_SHA1);
    g_checksum_update(checksum, (const guchar *)key, -1);
    g_checksum_update(checksum, (const guchar *)"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", -1);
    g_checksum_get_digest(checksum, digest, &bytes);
    g_checksum_free(checksum);
    return g_base64_encode(digest, bytes);
}

// Browsers always send an Origin, and any page may open a socket to us: only ours and those named
// in the settings get in. Programs send none.
static bool origin_is_good(const struct request *request) {
    const char *origin = request_header(request, "Origin");
    return !origin || headers_is_same_origin(origin, request_header(request, "Host")) ||
           headers_is_origin_allowed(request->site->config->cors_origins, origin);
}

static int check(const struct request *request, struct refusal *refusal) {
    const char *version = request_header(request, "Sec-WebSocket-Version");
    if (strcmp(request->method, "GET") != 0 || strcmp(request->version, "HTTP/1.1") != 0 ||
        !list_has(request_header(request, "Connection"), "upgrade") ||
        !list_has(request_header(request, "Upgrade"), "websocket"))
        return refusal_set(refusal, 426, "upgrade-required", "Here only WebSockets are served.");
    if (!version || strcmp(version, "13") != 0)
        return refusal_set(refusal, 426, "websocket-version", "The WebSocket version must be 13.");
    if (!key_is_good(request_header(request, "Sec-WebSocket-Key")))
        return refusal_set(refusal, 400, "websocket-key",
                           "Sec-WebSocket-Key must be 16 bytes in base64.");
    if (!origin_is_good(request))
        return refusal_set(refusal, 403, "origin-not-allowed",
                           "Pages of this origin may not connect to this server.");
    return 0;
}

// A browser sends the cookie along with whatever page opens the socket, and what follows changes
// things: the cookie's holder is there only behind a page of ours. A page that the settings let in
// brings guests, or a token in its join; a program says who it is by Authorization.
static struct caller caller_of(const struct request *request) {
    if (request_header(request, "Authorization") || access_is_own_page(request))
        return request->caller;
    return (struct caller){.kind = CALLER_NOBODY, .is_local = request->caller.is_local};
}

static void on_hang_up(void *user) {
    MHD_upgrade_action(user, MHD_UPGRADE_ACTION_CLOSE);
}

static void on_upgrade(void *user, struct MHD_Connection *connection, void *request_user,
                       const char *extra, size_t extra_bytes, MHD_socket fd,
                       struct MHD_UpgradeResponseHandle *handle) {
    struct request *request = request_user;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct ws_handover handover = {
        .fd = fd,
        .network_fd = info && info->connect_fd != fd ? info->connect_fd : -1,
        .extra = extra,
        .extra_bytes = extra_bytes,
        .address = request->address,
        .caller = caller_of(request),
        .hang_up = on_hang_up,
        .user = handle,
    };
    info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    if (info)
        deadlines_move(request->site->deadlines, info->socket_context, DEADLINE_NEVER);
    request->has_ws_seat = false;
    ws_adopt(request->site->ws, &handover);
}

static void refuse(struct reply *reply, const struct refusal *refusal) {
    reply_refusal(reply, refusal);
    if (refusal->status == 426) {
        reply_add_header(reply, "Upgrade", "websocket");
        reply_add_header(reply, "Sec-WebSocket-Version", "13");
    }
}

void upgrade_to_websocket(struct request *request, struct reply *reply) {
    struct refusal refusal;
    if (check(request, &refusal) != 0 ||
        ws_take_seat(request->site->ws, request->address, &refusal) != 0) {
        refuse(reply, &refusal);
        return;
    }
    request->has_ws_seat = true;
    reply->status = MHD_HTTP_SWITCHING_PROTOCOLS;
    reply->response = MHD_create_response_for_upgrade(on_upgrade, NULL);
    char *accept = accept_key(request_header(request, "Sec-WebSocket-Key"));
    reply_add_header(reply, "Upgrade", "websocket");
    reply_add_header(reply, "Sec-WebSocket-Accept", accept);
    g_free(accept);
}

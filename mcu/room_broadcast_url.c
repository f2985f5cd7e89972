// SPDX-License-Identifier: MIT
#include "mcu/room_broadcast.h"

#include "mcu/body.h"
#include "mcu/webhooks_target.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

// Behind "rtmp://" or "rtmps://"; NULL: neither.
static const char *skip_scheme(const char *url) {
    if (g_ascii_strncasecmp(url, "rtmp://", 7) == 0)
        return url + 7;
    return g_ascii_strncasecmp(url, "rtmps://", 8) == 0 ? url + 8 : NULL;
}

// Where the host begins, and how long it is, without user, password and port.
static const char *find_host(const char *rest, size_t *bytes) {
    size_t authority = strcspn(rest, "/?#");
    const char *host = rest;
    for (size_t i = 0; i < authority; i++)
        if (rest[i] == '@')
            host = rest + i + 1;
    size_t left = authority - (size_t)(host - rest);
    if (host[0] == '[') {
        const char *end = memchr(host, ']', left);
        *bytes = end ? (size_t)(end - host) + 1 : 0;
    } else {
        const char *colon = memchr(host, ':', left);
        *bytes = colon ? (size_t)(colon - host) : left;
    }
    return host;
}

static bool is_private(const char *host, size_t bytes) {
    char text[256];
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (bytes >= sizeof(text))
        return true;
    snprintf(text, sizeof(text), "%.*s", (int)bytes, host);
    bool is_bracketed = text[0] == '[' && text[bytes - 1] == ']';
    if (is_bracketed)
        text[bytes - 1] = '\0';
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return webhooks_target_is_private((const struct sockaddr *)&v4);
    if (inet_pton(AF_INET6, text + is_bracketed, &v6.sin6_addr) == 1)
        return webhooks_target_is_private((const struct sockaddr *)&v6);
    // Numbers in other writings ("127.1", "0x7f000001") are addresses too, and nobody's name.
    bool is_number = strspn(text, "0123456789.xXabcdefABCDEF") == bytes && g_ascii_isdigit(text[0]);
    return is_number || g_ascii_strcasecmp(text, "localhost") == 0 ||
           g_str_has_suffix(text, ".localhost") || g_str_has_suffix(text, ".local");
}

int broadcast_url_check(const char *url, bool may_be_private, struct refusal *refusal) {
    size_t bytes = 0;
    const char *rest = skip_scheme(url);
    if (strlen(url) >= BROADCAST_URL_MAX)
        return body_refuse(refusal, "url", "must have %d bytes at most", BROADCAST_URL_MAX - 1);
    for (const char *c = url; *c; c++)
        if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 127)
            return body_refuse(refusal, "url", "must be of ASCII without white space");
    const char *host = rest ? find_host(rest, &bytes) : NULL;
    if (!host || bytes == 0 || !strchr(host, '/') || !strchr(host, '/')[1])
        return body_refuse(refusal, "url", "must be rtmp:// or rtmps://, a host and a path");
    if (!may_be_private && is_private(host, bytes))
        return body_refuse(refusal, "url", "must not lead to an address that is not public");
    return 0;
}

void broadcast_url_mask(const char *url, char out[BROADCAST_URL_MAX]) {
    size_t bytes = 0;
    const char *rest = skip_scheme(url);
    const char *host = rest ? find_host(rest, &bytes) : NULL;
    if (!host || bytes == 0) {
        g_strlcpy(out, "***", BROADCAST_URL_MAX);
        return;
    }
    size_t port = strcspn(host + bytes, "/?#");
    const char *path = host + bytes + port;
    size_t app = path[0] == '/' ? 1 + strcspn(path + 1, "/?#") : 0;
    bool has_more = app > 1 && path[app] == '/'; // else the first part may be the secret
    snprintf(out, BROADCAST_URL_MAX, "%.*s%.*s%.*s/***", (int)(rest - url), url,
             (int)(bytes + port), host, has_more ? (int)app : 0, path);
}

// SPDX-License-Identifier: MIT
#include "mcu/room_broadcast.h"

#include "mcu/body.h"
#include "mcu/webhooks_target.h"
#include "mixer/record/broadcast.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

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
    if (strlen(url) >= BROADCAST_URL_MAX)
        return body_refuse(refusal, "url", "must have %d bytes at most", BROADCAST_URL_MAX - 1);
    if (!broadcast_is_url_allowed(url))
        return body_refuse(refusal, "url", "must be rtmp:// or rtmps://, a host and a path");
    const char *host = find_host(strstr(url, "://") + 3, &bytes);
    if (bytes == 0 || (!may_be_private && is_private(host, bytes)))
        return body_refuse(refusal, "url", "must not lead to an address that is not public");
    return 0;
}

// SPDX-License-Identifier: MIT
#include "mcu/room_broadcast.h"

#include "mcu/body.h"
#include "mcu/webhooks_target.h"
#include "mixer/record/broadcast.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static bool is_private(const char *host) {
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, host, &v4.sin_addr) == 1)
        return webhooks_target_is_private((const struct sockaddr *)&v4);
    if (inet_pton(AF_INET6, host, &v6.sin6_addr) == 1)
        return webhooks_target_is_private((const struct sockaddr *)&v6);
    // Numbers in other writings ("127.1", "0x7f000001") are addresses too, and nobody's name.
    bool is_number =
        host[strspn(host, "0123456789.xXabcdefABCDEF")] == '\0' && g_ascii_isdigit(host[0]);
    return is_number || g_ascii_strcasecmp(host, "localhost") == 0 ||
           g_str_has_suffix(host, ".localhost") || g_str_has_suffix(host, ".local");
}

int broadcast_url_check(const char *url, bool may_be_private, struct refusal *refusal) {
    char host[256];
    if (strlen(url) >= BROADCAST_URL_MAX)
        return body_refuse(refusal, "url", "must have %d bytes at most", BROADCAST_URL_MAX - 1);
    if (!broadcast_is_url_allowed(url))
        return body_refuse(refusal, "url", "must be rtmp:// or rtmps://, a host and a path");
    if (!broadcast_find_host(url, host, sizeof(host)) || (!may_be_private && is_private(host)))
        return body_refuse(refusal, "url", "must not lead to an address that is not public");
    return 0;
}

// SPDX-License-Identifier: MIT
#include "mcu/webhooks_target.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

// RFC 6890 and its registry.
static const struct {
    uint32_t prefix;
    int bits;
} private_v4[] = {
    {0x00000000, 8},  // this network
    {0x0a000000, 8},  // private
    {0x64400000, 10}, // shared by a provider's customers (CGNAT)
    {0x7f000000, 8},  // loopback
    {0xa9fe0000, 16}, // link-local, and the clouds' metadata
    {0xac100000, 12}, // private
    {0xc0000000, 24}, // protocol assignments
    {0xc0000200, 24}, // documentation
    {0xc0586300, 24}, // 6to4 relays
    {0xc0a80000, 16}, // private
    {0xc6120000, 15}, // benchmarks
    {0xc6336400, 24}, // documentation
    {0xcb007100, 24}, // documentation
    {0xe0000000, 3},  // multicast, reserved, broadcast
};

static bool is_private_v4(uint32_t address) {
    for (size_t i = 0; i < sizeof(private_v4) / sizeof(private_v4[0]); i++)
        if ((address ^ private_v4[i].prefix) >> (32 - private_v4[i].bits) == 0)
            return true;
    return false;
}

static uint32_t v4_at(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static bool starts_with(const uint8_t bytes[16], const char *prefix, size_t prefix_bytes) {
    return memcmp(bytes, prefix, prefix_bytes) == 0;
}

// Only 2000::/3 is given out; within it, and beside it, some addresses carry one of IPv4.
static bool is_private_v6(const uint8_t bytes[16]) {
    if (starts_with(bytes, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) || // mapped
        starts_with(bytes, "\0\x64\xff\x9b\0\0\0\0\0\0\0\0", 12)) // NAT64
        return is_private_v4(v4_at(bytes + 12));
    if (starts_with(bytes, "\x20\x02", 2)) // 6to4
        return is_private_v4(v4_at(bytes + 2));
    return (bytes[0] & 0xe0) != 0x20 || starts_with(bytes, "\x20\x01\0\0", 4) || // Teredo
           starts_with(bytes, "\x20\x01\x0d\xb8", 4);                            // documentation
}

bool webhooks_target_is_private(const struct sockaddr *address) {
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof(v4));
        return is_private_v4(ntohl(v4.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof(v6));
        return is_private_v6(v6.sin6_addr.s6_addr);
    }
    return true;
}

// ---- URLs ----

static int refuse(struct refusal *refusal, const char *sentence) {
    refusal_set(refusal, 422, "bad-field", "url %s", sentence);
    if (refusal)
        strcpy(refusal->field, "url");
    return -1;
}

// As curl will read it: 0x7f.1 is 127.0.0.1 for it, too.
static bool is_private_literal(const char *host) {
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    char bare[64];
    size_t bytes = strlen(host);
    if (bytes > 2 && bytes < sizeof(bare) && host[0] == '[') {
        memcpy(bare, host + 1, bytes - 2);
        bare[bytes - 2] = '\0';
        bare[strcspn(bare, "%")] = '\0'; // a zone
        return inet_pton(AF_INET6, bare, &v6.sin6_addr) != 1 ||
               webhooks_target_is_private((struct sockaddr *)&v6);
    }
    return inet_pton(AF_INET, host, &v4.sin_addr) == 1 &&
           webhooks_target_is_private((struct sockaddr *)&v4);
}

static int check_parts(CURLU *parts, bool may_be_private, struct refusal *refusal) {
    char *scheme = NULL, *host = NULL;
    int result = -1;
    if (curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(parts, CURLUPART_HOST, &host, 0) != CURLUE_OK || !host[0])
        refuse(refusal, "must have a host.");
    else if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
        refuse(refusal, "must begin with http:// or https://.");
    else if (!may_be_private && is_private_literal(host))
        refuse(refusal, "may not be an address of this machine or of a private network.");
    else
        result = 0;
    curl_free(scheme);
    curl_free(host);
    return result;
}

int webhooks_target_check_url(const char *url, bool may_be_private, struct refusal *refusal) {
    if (strlen(url) > WEBHOOKS_URL_MAX)
        return refuse(refusal, "may have 2000 bytes at most.");
    for (const char *at = url; *at; at++)
        if (*at <= ' ' || *at > '~')
            return refuse(refusal, "may have printable ASCII characters only.");
    if (strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0)
        return refuse(refusal, "must begin with http:// or https://.");
    CURLU *parts = curl_url();
    if (!parts)
        return refusal_set(refusal, 503, "server-full", "Out of memory.");
    CURLUcode code = curl_url_set(parts, CURLUPART_URL, url, CURLU_DISALLOW_USER);
    int result = -1;
    if (code == CURLUE_USER_NOT_ALLOWED)
        refuse(refusal, "may not have a user or a password in it: the signature says who asks.");
    else if (code != CURLUE_OK)
        refuse(refusal, "is no URL.");
    else
        result = check_parts(parts, may_be_private, refusal);
    curl_url_cleanup(parts);
    return result;
}

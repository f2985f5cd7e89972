// SPDX-License-Identifier: MIT
// Where a broadcast goes, and what of that may be shown. A stream key is all that it takes to speak
// in somebody's name, and it may stand anywhere behind the host: what is not surely harmless is not
// shown.
#include "mixer/record/broadcast.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { URL_BYTES_MAX = 1024, HOST_BYTES_MAX = 255 };

#define DIGITS  "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

struct part {
    const char *at;
    size_t size;
};

// Its scheme with "://", or NULL.
static const char *find_scheme(const char *url) {
    static const char *const SCHEMES[] = {"rtmp://", "rtmps://"};
    for (size_t i = 0; i < sizeof(SCHEMES) / sizeof(SCHEMES[0]); i++)
        if (strncasecmp(url, SCHEMES[i], strlen(SCHEMES[i])) == 0)
            return SCHEMES[i];
    return NULL;
}

static bool is_made_of(struct part part, const char *allowed) {
    for (size_t i = 0; i < part.size; i++)
        if (!strchr(allowed, part.at[i]))
            return false;
    return part.size > 0;
}

static struct part cut(const char *from, const char *to) {
    return (struct part){from, (size_t)(to - from)};
}

// host, host:port, [v6], [v6]:port.
static bool is_host(struct part part) {
    const char *end = part.at + part.size, *colon;
    struct part host = part;
    if (part.size > 0 && part.at[0] == '[') {
        const char *bracket = memchr(part.at, ']', part.size);
        if (!bracket || !is_made_of(cut(part.at + 1, bracket), DIGITS "abcdefABCDEF:."))
            return false;
        colon = bracket + 1 < end ? bracket + 1 : NULL;
        host.size = 0;
    } else {
        colon = memchr(part.at, ':', part.size);
        host.size = colon ? (size_t)(colon - part.at) : part.size;
        if (host.size > HOST_BYTES_MAX || !is_made_of(host, DIGITS LETTERS "-._"))
            return false;
    }
    if (!colon)
        return true;
    struct part port = cut(colon + 1, end);
    return *colon == ':' && port.size <= 5 && is_made_of(port, DIGITS);
}

// The part between the scheme and the path, split at its '@'. user.at is NULL where there is none.
static void split_authority(struct part authority, struct part *user, struct part *host) {
    const char *at = memrchr(authority.at, '@', authority.size);
    *user = at ? cut(authority.at, at) : (struct part){NULL, 0};
    *host = at ? cut(at + 1, authority.at + authority.size) : authority;
}

bool broadcast_is_url_allowed(const char *url) {
    const char *scheme = find_scheme(url);
    size_t size = strnlen(url, URL_BYTES_MAX + 1);
    if (!scheme || size > URL_BYTES_MAX)
        return false;
    for (size_t i = 0; i < size; i++)
        if (url[i] <= ' ' || url[i] > '~' || strchr("\"<>\\^`{|}", url[i]))
            return false;
    const char *from = url + strlen(scheme);
    struct part authority = {from, strcspn(from, "/?#")}, user, host;
    split_authority(authority, &user, &host);
    const char *path = from + authority.size;
    return is_host(host) && path[0] == '/' && path[1] != '\0' && !strchr(path, '#');
}

bool broadcast_find_host(const char *url, char *host, size_t size_bytes) {
    const char *scheme = find_scheme(url);
    if (!scheme)
        return false;
    const char *from = url + strlen(scheme);
    struct part authority = {from, strcspn(from, "/?#")}, user, found;
    split_authority(authority, &user, &found);
    const char *end = found.size > 0 && found.at[0] == '[' ? memchr(found.at, ']', found.size)
                                                           : memchr(found.at, ':', found.size);
    if (end)
        found.size = (size_t)(end - found.at);
    if (found.size > 0 && found.at[0] == '[')
        found = (struct part){found.at + 1, found.size - 1};
    if (found.size == 0 || found.size >= size_bytes)
        return false;
    memcpy(host, found.at, found.size);
    host[found.size] = '\0';
    return true;
}

// The first of two or more segments is the application, which many share.
static struct part find_application(const char *path) {
    if (path[0] != '/')
        return (struct part){path, 0};
    struct part application = {path + 1, strcspn(path + 1, "/?#")};
    const char *after = application.at + application.size;
    if (after[0] != '/' || !is_made_of(application, DIGITS LETTERS "-._"))
        application.size = 0;
    return application;
}

// A name is shown, where a password follows it; a lone one may be the secret itself.
static struct part find_name(struct part user) {
    const char *colon = user.at ? memchr(user.at, ':', user.size) : NULL;
    struct part name = {user.at, colon ? (size_t)(colon - user.at) : 0};
    if (!is_made_of(name, DIGITS LETTERS "-._"))
        name.size = 0;
    return name;
}

void broadcast_mask_url(const char *url, char *out, size_t size_bytes) {
    const char *scheme = find_scheme(url);
    if (!scheme) {
        snprintf(out, size_bytes, "***");
        return;
    }
    const char *from = url + strlen(scheme);
    struct part authority = {from, strcspn(from, "/?#")}, user, host;
    split_authority(authority, &user, &host);
    const char *path = from + authority.size;
    // With an '@' further on, what looks like the host may be half a password.
    if (!is_host(host) || strchr(path, '@')) {
        snprintf(out, size_bytes, "%s***", scheme);
        return;
    }
    struct part name = find_name(user), application = find_application(path);
    snprintf(out, size_bytes, "%s%.*s%s%s%.*s%s%.*s%s", scheme, (int)name.size,
             name.size ? name.at : "", name.size ? ":" : "", user.at ? "***@" : "", (int)host.size,
             host.at, application.size ? "/" : "", (int)application.size, application.at,
             path[0] ? "/***" : "");
}

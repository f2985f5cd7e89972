// SPDX-License-Identifier: MIT
#include "http/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HOST_BYTES = 256 };

// "host:port" and "[host]:port" to their parts. An empty host means every IPv4 address.
static int split(const char *setting, char host[HOST_BYTES], const char **port) {
    const char *colon = strrchr(setting, ':');
    if (!colon)
        return -EINVAL;
    const char *start = setting;
    size_t bytes = (size_t)(colon - setting);
    if (bytes >= 2 && start[0] == '[' && colon[-1] == ']') {
        start++;
        bytes -= 2;
    } else if (memchr(start, ':', bytes)) {
        return -EINVAL; // an IPv6 address without its brackets
    }
    if (bytes >= HOST_BYTES)
        return -EINVAL;
    memcpy(host, start, bytes);
    host[bytes] = '\0';
    if (bytes == 0)
        strcpy(host, "0.0.0.0");
    char *end;
    errno = 0;
    long number = strtol(colon + 1, &end, 10);
    if (colon[1] < '0' || colon[1] > '9' || *end || errno || number > 65535)
        return -EINVAL;
    *port = colon + 1;
    return 0;
}

static int open_socket(const struct addrinfo *address) {
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    int on = 1, off = 0;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (address->ai_family == AF_INET6) // [::] is for IPv4 as well
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, SOMAXCONN) != 0) {
        int error = -errno;
        close(fd);
        return error;
    }
    return fd;
}

static int port_of(int fd) {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {.v6 = {0}};
    socklen_t bytes = sizeof(address);
    if (getsockname(fd, &address.any, &bytes) != 0)
        return 0;
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

int listen_open(const char *setting, int *fd, int *port, char *error, int error_bytes) {
    char host[HOST_BYTES];
    const char *service = NULL;
    if (split(setting, host, &service) != 0) {
        snprintf(error, (size_t)error_bytes,
                 "\"%.80s\" is no address to listen on: write ADDRESS:PORT or [IPv6]:PORT",
                 setting);
        return -EINVAL;
    }
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *addresses;
    int found = getaddrinfo(host, service, &hints, &addresses);
    if (found != 0) {
        snprintf(error, (size_t)error_bytes, "cannot listen on %.80s: %s", setting,
                 gai_strerror(found));
        return -EINVAL;
    }
    int result = -EADDRNOTAVAIL;
    for (struct addrinfo *each = addresses; each && result < 0; each = each->ai_next)
        result = open_socket(each);
    freeaddrinfo(addresses);
    if (result < 0) {
        snprintf(error, (size_t)error_bytes, "cannot listen on %.80s: %s", setting,
                 strerror(-result));
        return result;
    }
    *fd = result;
    *port = port_of(result);
    return 0;
}

void listen_format_address(const struct sockaddr *address, char out[ADDRESS_BYTES]) {
    strcpy(out, "unknown");
    if (!address)
        return;
    if (address->sa_family == AF_INET) {
        inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr, out, ADDRESS_BYTES);
    } else if (address->sa_family == AF_INET6) {
        const struct in6_addr *six = &((const struct sockaddr_in6 *)address)->sin6_addr;
        if (IN6_IS_ADDR_V4MAPPED(six))
            inet_ntop(AF_INET, six->s6_addr + 12, out, ADDRESS_BYTES);
        else
            inet_ntop(AF_INET6, six, out, ADDRESS_BYTES);
    }
}

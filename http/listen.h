// SPDX-License-Identifier: MIT
// The listening socket, from the setting http.listen: "0.0.0.0:8080", "[::]:8080", "localhost:0".
#ifndef HTTP_LISTEN_H
#define HTTP_LISTEN_H

#include <netinet/in.h>
#include <sys/socket.h>

// Opens it. 0, the descriptor (the caller's) and the port it has; or a negative errno and a
// sentence.
int listen_open(const char *setting, int *fd, int *port, char *error, int error_bytes);

enum { ADDRESS_BYTES = 64 };
// The remote address as text, without port; an IPv4 address inside IPv6 is written as IPv4.
void listen_format_address(const struct sockaddr *address, char out[ADDRESS_BYTES]);

#endif

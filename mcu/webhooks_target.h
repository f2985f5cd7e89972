// SPDX-License-Identifier: MIT
// Where webhooks may go: which URLs, and which addresses those may turn out to be. A name is
// checked when it has been resolved, just before the connection is made: what it meant a moment ago
// says nothing. Pure; any thread. Part of webhooks.
#ifndef MCU_WEBHOOKS_TARGET_H
#define MCU_WEBHOOKS_TARGET_H

#include "mcu/refusal.h"

#include <stdbool.h>
#include <sys/socket.h>

enum { WEBHOOKS_URL_MAX = 2000 };

// Anything but an address of the public internet: loopback, private, link-local, shared (CGNAT),
// unique-local, multicast, reserved ones, and all of these inside IPv6. Unknown families too.
bool webhooks_target_is_private(const struct sockaddr *address);

// http or https, a host, no user and password. 0, or -1 and *refusal (field "url").
// may_be_private: literal addresses are not looked at.
int webhooks_target_check_url(const char *url, bool may_be_private, struct refusal *refusal);

#endif

// SPDX-License-Identifier: MIT
// The WebSocket handshake (RFC 6455 4.2): from GET /ws to a socket in ws.
#ifndef HTTP_UPGRADE_H
#define HTTP_UPGRADE_H

#include "http/reply.h"

struct request;

void upgrade_to_websocket(struct request *request, struct reply *reply);

#endif

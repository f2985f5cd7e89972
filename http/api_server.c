// SPDX-License-Identifier: MIT
// The server itself: alive, ready, its ICE servers.
#include "http/api.h"

#include "http/request.h"
#include "mcu/protocol.h"

static const char plain[] = "text/plain; charset=utf-8";

void api_get_health(struct request *request, struct reply *reply) {
    reply_static(reply, 200, plain, "ok\n", 3);
}

void api_get_readiness(struct request *request, struct reply *reply) {
    struct refusal refusal;
    if (hub_is_ready(request->site->hub) == 0) {
        reply_static(reply, 200, plain, "ready\n", 6);
        return;
    }
    refusal_set(&refusal, 503, "not-ready", "The server cannot take calls now.");
    reply_refusal(reply, &refusal);
}

void api_get_ice_servers(struct request *request, struct reply *reply) {
    json_t *servers = protocol_ice_servers(request->site->config->ice_servers);
    reply_json(reply, 200, servers ? json_pack("{s:o}", "ice_servers", servers) : NULL);
}

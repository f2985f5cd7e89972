// SPDX-License-Identifier: MIT
#include "http/api.h"

#include "http/api_call.h"

void api_get_layout(struct request *request, struct reply *reply) {
    api_read(request, reply, HUB_GET_LAYOUT);
}

void api_set_layout(struct request *request, struct reply *reply) {
    api_change(request, reply, HUB_SET_LAYOUT, 200);
}

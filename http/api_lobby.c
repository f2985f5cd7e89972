// SPDX-License-Identifier: MIT
#include "http/api.h"

#include "http/api_call.h"

void api_list_waiting(struct request *request, struct reply *reply) {
    api_list(request, reply, HUB_LIST_WAITING);
}

// One by the path's id, or without it all.
void api_admit(struct request *request, struct reply *reply) {
    api_do(request, reply, HUB_ADMIT);
}

void api_refuse(struct request *request, struct reply *reply) {
    api_do(request, reply, HUB_REFUSE);
}

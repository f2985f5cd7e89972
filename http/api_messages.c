// SPDX-License-Identifier: MIT
// What is said to people: chat, and a banner in the picture.
#include "http/api.h"

#include "http/api_call.h"
#include "http/request.h"

void api_list_messages(struct request *request, struct reply *reply) {
    api_list(request, reply, HUB_LIST_MESSAGES);
}

void api_send_message(struct request *request, struct reply *reply) {
    api_change(request, reply, HUB_SEND_MESSAGE, 201);
}

void api_get_banner(struct request *request, struct reply *reply) {
    struct refusal refusal;
    json_t *banner = NULL;
    struct hub_request asked = api_ask(request);
    int result = hub_call(request->site->hub, HUB_GET_BANNER, &asked, &banner, &refusal);
    if (result == 0 && !json_is_object(banner))
        result = refusal_set(&refusal, 404, "banner-not-found", "There is no banner now.");
    if (result == 0)
        api_answer(reply, 200, json_incref(banner));
    else
        reply_refusal(reply, &refusal);
    json_decref(banner);
}

void api_set_banner(struct request *request, struct reply *reply) {
    api_change(request, reply, HUB_SET_BANNER, 200);
}

void api_remove_banner(struct request *request, struct reply *reply) {
    api_do(request, reply, HUB_REMOVE_BANNER);
}

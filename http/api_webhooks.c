// SPDX-License-Identifier: MIT
// The operator's webhooks.
#include "http/api.h"

#include "http/request.h"
#include "mcu/webhooks.h"

#include <glib.h>

// NULL and an answer where there are none.
static struct webhooks *webhooks_of(const struct request *request, struct reply *reply) {
    struct refusal refusal;
    if (request->site->webhooks)
        return request->site->webhooks;
    refusal_set(&refusal, 503, "no-webhooks", "This server has no webhooks.");
    reply_refusal(reply, &refusal);
    return NULL;
}

static void answer(struct reply *reply, int result, int status, json_t *json,
                   const struct refusal *refusal) {
    if (result == 0)
        reply_json(reply, status, json);
    else
        reply_refusal(reply, refusal);
}

void api_list_webhooks(struct request *request, struct reply *reply) {
    struct refusal refusal;
    json_t *out = NULL;
    struct webhooks *webhooks = webhooks_of(request, reply);
    if (!webhooks)
        return;
    int result = webhooks_list(webhooks, &out, &refusal);
    answer(reply, result, 200, out, &refusal);
}

void api_create_webhook(struct request *request, struct reply *reply) {
    struct refusal refusal;
    json_t *body, *hook = NULL;
    struct webhooks *webhooks = webhooks_of(request, reply);
    if (!webhooks)
        return;
    if (request_json(request, &body, &refusal) != 0) {
        reply_refusal(reply, &refusal);
        return;
    }
    int result = webhooks_add(webhooks, body, &hook, &refusal);
    json_decref(body);
    char *location =
        g_strconcat("/api/v1/webhooks/", json_string_value(json_object_get(hook, "id")), NULL);
    answer(reply, result, 201, hook, &refusal);
    if (result == 0)
        reply_add_header(reply, "Location", location);
    g_free(location);
}

void api_get_webhook(struct request *request, struct reply *reply) {
    struct refusal refusal;
    json_t *out = NULL;
    struct webhooks *webhooks = webhooks_of(request, reply);
    if (!webhooks)
        return;
    int result = webhooks_get(webhooks, request_param(request, "id"), &out, &refusal);
    answer(reply, result, 200, out, &refusal);
}

void api_change_webhook(struct request *request, struct reply *reply) {
    struct refusal refusal;
    json_t *body, *out = NULL;
    struct webhooks *webhooks = webhooks_of(request, reply);
    if (!webhooks)
        return;
    if (request_json(request, &body, &refusal) != 0) {
        reply_refusal(reply, &refusal);
        return;
    }
    int result = webhooks_change(webhooks, request_param(request, "id"), body, &out, &refusal);
    json_decref(body);
    answer(reply, result, 200, out, &refusal);
}

void api_remove_webhook(struct request *request, struct reply *reply) {
    struct refusal refusal;
    struct webhooks *webhooks = webhooks_of(request, reply);
    if (webhooks && webhooks_remove(webhooks, request_param(request, "id"), &refusal) != 0)
        reply_refusal(reply, &refusal);
}

void api_test_webhook(struct request *request, struct reply *reply) {
    struct refusal refusal;
    struct webhooks *webhooks = webhooks_of(request, reply);
    if (webhooks && webhooks_test(webhooks, request_param(request, "id"), &refusal) != 0)
        reply_refusal(reply, &refusal);
}

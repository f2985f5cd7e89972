// SPDX-License-Identifier: MIT
// Webhooks by REST, with the real server, the real store and a receiver's port that nobody serves.
#include "tests/unit/http_fixture.h"

#include "mcu/events.h"
#include "mcu/store.h"
#include "mcu/webhooks.h"

#include <glib.h>

struct scene {
    struct hub *hub;
    struct store *store;
    char dir[64];
};

static struct scene start(void) {
    struct scene scene = {.hub = fixture_prepare(), .dir = "/tmp/tessera-api-webhooks-XXXXXX"};
    assert_non_null(mkdtemp(scene.dir));
    assert_int_equal(store_open(scene.dir, &scene.store), 0);
    scene.hub->config.webhooks_private_targets = true;
    scene.hub->events = events_create(100);
    scene.hub->webhooks = webhooks_create(&scene.hub->config, scene.store, scene.hub->events);
    assert_non_null(scene.hub->webhooks);
    fixture_serve(scene.hub);
    return scene;
}

static void stop(struct scene *scene) {
    char command[128];
    struct events *events = scene->hub->events;
    server_destroy(scene->hub->server);
    scene->hub->server = NULL;
    webhooks_destroy(scene->hub->webhooks);
    fixture_stop(scene->hub);
    events_destroy(events);
    store_close(scene->store);
    snprintf(command, sizeof(command), "rm -rf %s", scene->dir);
    assert_int_equal(system(command), 0);
}

// The body of the answer, which must have this status; NULL when it has none.
static json_t *call(struct scene *scene, const char *method, const char *target, const char *body,
                    int status, char location[64]) {
    struct answer *answer =
        client_ask(scene->hub, method, target, body ? KEY_LINE JSON_LINE : KEY_LINE, body);
    if (answer->status != status)
        fail_msg("%s %s: %d %s", method, target, answer->status, answer->body);
    if (location)
        g_strlcpy(location, answer_header(answer, "Location"), 64);
    json_t *json = answer->body_bytes
                       ? json_loadb(answer->body, answer->body_bytes, JSON_DECODE_ANY, NULL)
                       : NULL;
    free(answer);
    return json;
}

static void expect_code(struct scene *scene, const char *method, const char *target,
                        const char *body, int status, const char *code, const char *field) {
    json_t *problem = call(scene, method, target, body, status, NULL);
    assert_string_equal(json_string_value(json_object_get(problem, "code")), code);
    if (field)
        assert_string_equal(json_string_value(json_object_get(problem, "field")), field);
    json_decref(problem);
}

static void test_a_webhook_lives_by_rest(void **state) {
    struct scene scene = start();
    char location[64], test[80];
    json_t *hook =
        call(&scene, "POST", "/api/v1/webhooks",
             "{\"url\":\"http://127.0.0.1:1/\",\"events\":[\"message\"]}", 201, location);
    assert_true(json_is_string(json_object_get(hook, "secret")));
    assert_string_equal(strrchr(location, '/') + 1, json_string_value(json_object_get(hook, "id")));
    json_decref(hook);
    hook = call(&scene, "PATCH", location, "{\"room\":\"Ada\",\"is_active\":false}", 200, NULL);
    assert_string_equal(json_string_value(json_object_get(hook, "room")), "ada");
    json_decref(hook);
    hook = call(&scene, "GET", location, NULL, 200, NULL);
    assert_null(json_object_get(hook, "secret"));
    assert_true(json_is_false(json_object_get(hook, "is_active")));
    assert_int_equal(json_object_size(hook), 13);
    json_decref(hook);
    snprintf(test, sizeof(test), "%s/test", location);
    expect_code(&scene, "POST", test, NULL, 409, "webhook-inactive", NULL);
    json_decref(call(&scene, "PATCH", location, "{\"is_active\":true}", 200, NULL));
    assert_null(call(&scene, "POST", test, NULL, 204, NULL));
    json_t *list = call(&scene, "GET", "/api/v1/webhooks", NULL, 200, NULL);
    hook = json_array_get(json_object_get(list, "webhooks"), 0);
    assert_int_equal(json_integer_value(json_object_get(hook, "waiting")), 1);
    assert_true(json_is_null(json_object_get(list, "next_cursor")));
    json_decref(list);
    assert_null(call(&scene, "DELETE", location, NULL, 204, NULL));
    expect_code(&scene, "GET", location, NULL, 404, "webhook-not-found", NULL);
    expect_code(&scene, "DELETE", location, NULL, 404, "webhook-not-found", NULL);
    expect_code(&scene, "PATCH", location, "{}", 404, "webhook-not-found", NULL);
    expect_code(&scene, "POST", test, NULL, 404, "webhook-not-found", NULL);
    stop(&scene);
}

static void test_bad_webhooks_are_refused(void **state) {
    struct scene scene = start();
    expect_code(&scene, "POST", "/api/v1/webhooks", "{}", 422, "bad-field", "url");
    expect_code(&scene, "POST", "/api/v1/webhooks", "{\"url\":\"http://h/\",\"x\":1}", 422,
                "bad-field", "x");
    expect_code(&scene, "POST", "/api/v1/webhooks", "{", 400, "bad-json", NULL);
    stop(&scene);
}

static void test_only_the_key_manages_webhooks(void **state) {
    static const char *const rows[][2] = {
        {"GET", "/api/v1/webhooks"},       {"POST", "/api/v1/webhooks"},
        {"GET", "/api/v1/webhooks/h1"},    {"PATCH", "/api/v1/webhooks/h1"},
        {"DELETE", "/api/v1/webhooks/h1"}, {"POST", "/api/v1/webhooks/h1/test"}};
    struct scene scene = start();
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct answer *answer = client_ask(scene.hub, rows[i][0], rows[i][1], NULL, NULL);
        assert_int_equal(answer->status, 401);
        free(answer);
    }
    stop(&scene);
}

static void test_metrics_show_each_webhook_and_no_secret(void **state) {
    struct scene scene = start();
    char location[64], test[80], line[128];
    json_t *hook = call(&scene, "POST", "/api/v1/webhooks",
                        "{\"url\":\"http://127.0.0.1:1/\",\"events\":[\"*\"]}", 201, location);
    snprintf(test, sizeof(test), "%s/test", location);
    assert_null(call(&scene, "POST", test, NULL, 204, NULL));
    struct answer *answer = client_ask(scene.hub, "GET", "/metrics", NULL, NULL);
    snprintf(line, sizeof(line), "\ntessera_webhook_waiting{hook=\"%s\"} 1\n",
             json_string_value(json_object_get(hook, "id")));
    assert_non_null(strstr(answer->body, line));
    assert_non_null(strstr(answer->body, "\ntessera_webhook_delivered_total{hook="));
    assert_null(strstr(answer->body, json_string_value(json_object_get(hook, "secret"))));
    free(answer);
    json_decref(hook);
    stop(&scene);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_webhook_lives_by_rest),
        cmocka_unit_test(test_bad_webhooks_are_refused),
        cmocka_unit_test(test_only_the_key_manages_webhooks),
        cmocka_unit_test(test_metrics_show_each_webhook_and_no_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
#include "tests/peer/recordings.h"

#include "tests/peer/scene.h"

#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { POLL_MS = 50, PATIENCE_MS = 20000 };

json_t *recordings_ask(struct server *server, int status, const char *method, const char *path,
                       const char *body) {
    json_t *out = NULL;
    int got = server_request(server, method, path, body, &out);
    if (got != status) {
        char *text = out ? json_dumps(out, JSON_COMPACT) : NULL;
        fail_msg("%s %s: %d, not %d: %s", method, path, got, status, text ? text : "");
    }
    return out;
}

const char *recordings_text(const json_t *json, const char *key) {
    const char *text = json_string_value(json_object_get(json, key));
    return text ? text : "";
}

void recordings_start(struct server *server, const char *room, const char *body,
                      char id[RECORDINGS_ID_MAX]) {
    char *path = g_strdup_printf("/api/v1/rooms/%s/recordings", room);
    json_t *json = recordings_ask(server, 201, "POST", path, body);
    assert_string_equal(recordings_text(json, "state"), "recording");
    g_strlcpy(id, recordings_text(json, "id"), RECORDINGS_ID_MAX);
    json_decref(json);
    g_free(path);
}

void recordings_change(struct server *server, const char *id, const char *state) {
    char *path = g_strdup_printf("/api/v1/recordings/%s", id);
    char *body = g_strdup_printf("{\"state\":\"%s\"}", state);
    json_decref(recordings_ask(server, 200, "PATCH", path, body));
    g_free(body);
    g_free(path);
}

json_t *recordings_get(struct server *server, const char *id) {
    char *path = g_strdup_printf("/api/v1/recordings/%s", id);
    json_t *json = recordings_ask(server, 200, "GET", path, NULL);
    g_free(path);
    return json;
}

json_t *recordings_await_end(struct server *server, const char *id, const char *state) {
    json_t *json = recordings_get(server, id);
    for (int waited_ms = 0; json_is_null(json_object_get(json, "ended_at")); waited_ms += POLL_MS) {
        assert_true(waited_ms < client_slow(PATIENCE_MS));
        g_usleep(POLL_MS * 1000);
        json_decref(json);
        json = recordings_get(server, id);
    }
    assert_string_equal(recordings_text(json, "state"), state);
    return json;
}

static bool is_told(struct client *client, void *state) {
    json_t *told = client_last_message(client, "recording");
    bool is = told && strcmp(recordings_text(told, "state"), state) == 0;
    json_decref(told);
    return is;
}

void recordings_expect_told(struct client *client, const char *state) {
    scene_expect(client, is_told, (void *)state);
}

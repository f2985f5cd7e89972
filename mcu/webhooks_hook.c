// SPDX-License-Identifier: MIT
// One hook: from JSON and back, and what it wants to hear.
#include "mcu/protocol.h"
#include "mcu/webhooks_internal.h"
#include "mcu/webhooks_target.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SECRET_MIN = 16, SECRET_MAX = 200, SECRET_RANDOM_BYTES = 32, ID_RANDOM_BYTES = 8 };

// What can be asked for. `ping` comes by webhooks_test() alone.
static const char *const types[] = {
    "*",
    "broadcast-state",
    "layout",
    "lobby",
    "member-joined",
    "member-left",
    "member-updated",
    "message",
    "recording-failed",
    "recording-gap",
    "recording-paused",
    "recording-recovered",
    "recording-repaired",
    "recording-resumed",
    "recording-started",
    "recording-stopped",
    "room-created",
    "room-ended",
    "room-updated",
    "speaking",
};
enum { TYPES = sizeof(types) / sizeof(types[0]) };

// ---- reading ----

static int refuse(struct refusal *refusal, const char *field, const char *sentence) {
    refusal_set(refusal, 422, "bad-field", "%s %s", field, sentence);
    if (refusal)
        g_strlcpy(refusal->field, field, sizeof(refusal->field));
    return -1;
}

static int check_fields(const json_t *body, struct refusal *refusal) {
    static const char *const known[] = {"url", "events", "room", "is_active", "secret", NULL};
    const char *field;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)body, field, value) {
        if (!g_strv_contains(known, field))
            return refuse(refusal, field, "is not a field of a webhook.");
    }
    return 0;
}

static bool is_type(const char *name) {
    for (int i = 0; i < TYPES; i++)
        if (strcmp(types[i], name) == 0)
            return true;
    return false;
}

static int check_events(const json_t *events, struct refusal *refusal) {
    size_t index;
    json_t *type;
    if (!json_is_array(events) || json_array_size(events) == 0 || json_array_size(events) > TYPES)
        return refuse(refusal, "events", "must be a list of types of events, or [\"*\"].");
    json_array_foreach(events, index, type) {
        if (!json_is_string(type) || !is_type(json_string_value(type)))
            return refuse(refusal, "events", "has something in it that is no type of event.");
    }
    return 0;
}

static int check_secret(const json_t *secret, struct refusal *refusal) {
    const char *text = json_string_value(secret);
    size_t bytes = text ? strlen(text) : 0;
    bool is_good =
        bytes >= SECRET_MIN && bytes <= SECRET_MAX && bytes == json_string_length(secret);
    for (size_t i = 0; is_good && i < bytes; i++)
        is_good = text[i] > ' ' && text[i] <= '~';
    return is_good ? 0 : refuse(refusal, "secret", "must be 16 to 200 printable characters.");
}

static int check_room(const json_t *room, struct refusal *refusal) {
    char clean[ROOM_NAME_MAX];
    if (json_is_null(room) ||
        (json_is_string(room) && protocol_clean_room_name(json_string_value(room), clean)))
        return 0;
    return refuse(refusal, "room", "must be the name of a room, or null.");
}

static int check(const json_t *body, bool is_new, const struct config *config,
                 struct refusal *refusal) {
    const json_t *url = json_object_get(body, "url"), *events = json_object_get(body, "events"),
                 *room = json_object_get(body, "room"), *secret = json_object_get(body, "secret"),
                 *is_active = json_object_get(body, "is_active");
    if (check_fields(body, refusal) != 0)
        return -1;
    if ((is_new || url) &&
        (!json_is_string(url) || json_string_length(url) != strlen(json_string_value(url))))
        return refuse(refusal, "url", "must be a text: where the events go.");
    if (url && webhooks_target_check_url(json_string_value(url), config->webhooks_private_targets,
                                         refusal) != 0)
        return -1;
    if (is_active && !json_is_boolean(is_active))
        return refuse(refusal, "is_active", "must be true or false.");
    if ((events && check_events(events, refusal) != 0) ||
        (room && check_room(room, refusal) != 0) || (secret && check_secret(secret, refusal) != 0))
        return -1;
    return 0;
}

static void replace(char **text, const char *with) {
    g_free(*text);
    *text = g_strdup(with);
}

static char **read_list(const json_t *list) {
    char **out = g_new0(char *, json_array_size(list) + 1);
    for (size_t i = 0; i < json_array_size(list); i++)
        out[i] = g_strdup(json_string_value(json_array_get(list, i)));
    return out;
}

static void take(struct hook *hook, const json_t *body) {
    const char *url = json_string_value(json_object_get(body, "url"));
    const char *secret = json_string_value(json_object_get(body, "secret"));
    const json_t *events = json_object_get(body, "events"), *room = json_object_get(body, "room");
    const json_t *is_active = json_object_get(body, "is_active");
    char clean[ROOM_NAME_MAX];
    if (url)
        replace(&hook->url, url);
    if (secret)
        replace(&hook->secret, secret);
    if (events) {
        g_strfreev(hook->events);
        hook->events = read_list(events);
    }
    if (room)
        replace(&hook->room,
                json_is_string(room) && protocol_clean_room_name(json_string_value(room), clean)
                    ? clean
                    : NULL);
    if (is_active)
        hook->is_active = json_is_true(is_active);
}

int hook_read(struct hook *hook, const json_t *body, bool is_new, const struct config *config,
              struct refusal *refusal) {
    if (check(body, is_new, config, refusal) != 0)
        return -1;
    take(hook, body);
    return 0;
}

// ---- showing ----

static json_t *time_or_null(int64_t unix_ms) {
    char text[32];
    if (unix_ms == 0)
        return json_null();
    protocol_time(unix_ms, text);
    return json_string(text);
}

static json_t *show_list(char **list) {
    json_t *out = json_array();
    for (int i = 0; list && list[i]; i++)
        json_array_append_new(out, json_string(list[i]));
    return out;
}

json_t *hook_show(const struct hook *hook) {
    return json_pack(
        "{s:s, s:s, s:o, s:s?, s:b, s:I, s:I, s:I, s:o, s:s?, s:o, s:o}", "id", hook->id, "url",
        hook->url, "events", show_list(hook->events), "room", hook->room, "is_active",
        hook->is_active, "delivered", (json_int_t)hook->delivered, "failed",
        (json_int_t)hook->failed, "dropped", (json_int_t)hook->dropped, "last_status",
        hook->last_status ? json_integer(hook->last_status) : json_null(), "last_error",
        hook->last_error[0] ? hook->last_error : NULL, "last_at", time_or_null(hook->last_unix_ms),
        "created_at", time_or_null(hook->created_unix_ms));
}

// ---- the store's copy ----

char *hook_dump(const struct hook *hook) {
    json_t *json =
        json_pack("{s:s, s:s, s:o, s:s?, s:b, s:I, s:I, s:I, s:I, s:i, s:s, s:I}", "url", hook->url,
                  "secret", hook->secret, "events", show_list(hook->events), "room", hook->room,
                  "is_active", hook->is_active, "created", (json_int_t)hook->created_unix_ms,
                  "delivered", (json_int_t)hook->delivered, "failed", (json_int_t)hook->failed,
                  "dropped", (json_int_t)hook->dropped, "last_status", hook->last_status,
                  "last_error", hook->last_error, "last", (json_int_t)hook->last_unix_ms);
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    return text;
}

static int64_t get_number(const json_t *json, const char *name) {
    return json_integer_value(json_object_get(json, name));
}

struct hook *hook_load(const char *id, const char *text) {
    json_t *json = json_loads(text, 0, NULL);
    struct hook *hook = calloc(1, sizeof(*hook));
    if (hook && json) {
        const char *error = json_string_value(json_object_get(json, "last_error"));
        g_strlcpy(hook->id, id, sizeof(hook->id));
        take(hook, json);
        hook->created_unix_ms = get_number(json, "created");
        hook->delivered = (uint64_t)get_number(json, "delivered");
        hook->failed = (uint64_t)get_number(json, "failed");
        hook->dropped = (uint64_t)get_number(json, "dropped");
        hook->last_status = (int)get_number(json, "last_status");
        hook->last_unix_ms = get_number(json, "last");
        g_strlcpy(hook->last_error, error ? error : "", sizeof(hook->last_error));
        hook->has_waiting = true;
    }
    json_decref(json);
    if (hook && hook->url && hook->secret && hook->events)
        return hook;
    hook_destroy(hook);
    return NULL;
}

// ---- life ----

struct hook *hook_create(void) {
    struct hook *hook = calloc(1, sizeof(*hook));
    if (!hook)
        return NULL;
    unsigned char random[SECRET_RANDOM_BYTES];
    char secret[64], id[2 * ID_RANDOM_BYTES + 1];
    randombytes_buf(random, sizeof(random));
    sodium_bin2base64(secret, sizeof(secret), random, sizeof(random),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    hook->secret = g_strdup(secret);
    randombytes_buf(random, ID_RANDOM_BYTES);
    sodium_bin2hex(id, sizeof(id), random, ID_RANDOM_BYTES);
    snprintf(hook->id, sizeof(hook->id), "h%s", id);
    hook->events = g_strsplit("*", " ", -1);
    hook->is_active = true;
    hook->created_unix_ms = g_get_real_time() / 1000;
    return hook;
}

void hook_destroy(struct hook *hook) {
    if (!hook)
        return;
    if (hook->secret)
        sodium_memzero(hook->secret, strlen(hook->secret));
    g_free(hook->secret);
    g_free(hook->url);
    g_free(hook->room);
    g_strfreev(hook->events);
    free(hook);
}

// ---- the filter ----

// They come several times a second: only for who names them.
static bool is_frequent(const char *type) {
    return strcmp(type, "speaking") == 0 || strcmp(type, "layout") == 0;
}

bool hook_wants(const struct hook *hook, const struct event *event) {
    if (!hook->is_active || event->id <= hook->since ||
        (hook->room && strcmp(hook->room, event->room) != 0))
        return false;
    if (g_strv_contains((const char *const *)hook->events, event->type))
        return true;
    return g_strv_contains((const char *const *)hook->events, "*") && !is_frequent(event->type);
}

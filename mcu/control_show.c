// SPDX-License-Identifier: MIT
// What a room is told and shown from outside: messages, banners, pictures, sounds.
#include "mcu/control.h"

#include "mcu/body.h"
#include "mcu/protocol_text.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

enum { BANNER_CHARS_MAX = 120, BANNER_SECONDS_MAX = 86400, MESSAGES_MAX = 200 };

// ---- messages ----

struct page {
    json_t *list;
    uint64_t after;
};

static void append_message(void *user, const struct store_message *message) {
    struct page *page = user;
    if ((uint64_t)message->id <= page->after)
        return;
    json_t *json = protocol_chat_json(message->id, message->member[0] ? message->member : NULL,
                                      message->name, message->text, message->at_unix_ms);
    json_object_del(json, "type");
    json_array_append_new(page->list, json);
}

int control_list_messages(struct hub *hub, const struct hub_request *request, json_t **out,
                          struct refusal *refusal) {
    struct page page = {0};
    struct room *room = control_find_room(hub, request, refusal);
    if (!room || control_read_cursor(request, &page.after, refusal) != 0)
        return -1;
    page.list = json_array();
    store_each_message(hub_store(hub), room_name(room), STORE_MESSAGES_MAX, append_message, &page);
    uint64_t next = 0;
    size_t max = request->limit > 0 ? (size_t)request->limit : MESSAGES_MAX;
    if (json_array_size(page.list) > max) {
        const json_t *last = json_array_get(page.list, max - 1);
        next = (uint64_t)json_integer_value(json_object_get(last, "id"));
        while (json_array_size(page.list) > max)
            json_array_remove(page.list, max);
    }
    *out = control_page("messages", page.list, next);
    return 0;
}

int control_send_message(struct hub *hub, const struct hub_request *request, json_t **out,
                         struct refusal *refusal) {
    static const char *const fields[] = {"text", "to", "from", NULL};
    const struct config *config = hub_config(hub);
    struct room *room = control_find_room(hub, request, refusal);
    char from[261] = "";
    if (!room || body_check_fields(request->body, fields, refusal) != 0 ||
        body_read_line(request->body, "from", 64, from, sizeof(from), refusal) != 0)
        return -1;
    const char *text = json_string_value(json_object_get(request->body, "text"));
    const json_t *to = json_object_get(request->body, "to");
    char *clean = text && text[0] && strlen(text) <= (size_t)config->chat_bytes_max
                      ? protocol_clean_lines(text)
                      : NULL;
    if (!clean || !clean[0]) {
        free(clean);
        return body_refuse(refusal, "text", "must be a text of 1 to %d bytes",
                           config->chat_bytes_max);
    }
    struct member *member =
        json_is_string(to) ? room_find_member(room, json_string_value(to)) : NULL;
    if (to && !json_is_null(to) && !member) {
        free(clean);
        return refusal_set(refusal, 404, "member-not-found",
                           "There is no such member in this room.");
    }
    *out = room_say(room, from[0] ? from : "Host", clean, member);
    free(clean);
    return 0;
}

// ---- banner ----

int control_get_banner(struct hub *hub, const struct hub_request *request, json_t **out,
                       struct refusal *refusal) {
    struct room *room = control_find_room(hub, request, refusal);
    if (!room)
        return -1;
    *out = room_banner_to_json(room);
    if (!json_is_null(*out))
        return 0;
    json_decref(*out);
    *out = NULL;
    return refusal_set(refusal, 404, "banner-not-found", "This room shows no banner.");
}

static int read_position(const json_t *body, bool *is_at_top, struct refusal *refusal) {
    const json_t *position = json_object_get(body, "position");
    const char *name = json_string_value(position);
    if (position && g_strcmp0(name, "top") != 0 && g_strcmp0(name, "bottom") != 0)
        return body_refuse(refusal, "position", "must be top or bottom");
    if (position)
        *is_at_top = strcmp(name, "top") == 0;
    return 0;
}

int control_set_banner(struct hub *hub, const struct hub_request *request, json_t **out,
                       struct refusal *refusal) {
    static const char *const fields[] = {"text",       "position", "colour",
                                         "background", "seconds",  NULL};
    struct room *room = control_find_room(hub, request, refusal);
    struct room_banner banner = {.look = {.colour_rgb = 0xffffff, .background_rgb = 0x202020}};
    int seconds = 0;
    const json_t *body = request->body;
    if (!room || body_check_fields(body, fields, refusal) != 0 ||
        body_read_line(body, "text", BANNER_CHARS_MAX, banner.look.text, sizeof(banner.look.text),
                       refusal) != 0 ||
        read_position(body, &banner.look.is_at_top, refusal) != 0 ||
        body_read_colour(body, "colour", &banner.look.colour_rgb, refusal) != 0 ||
        body_read_colour(body, "background", &banner.look.background_rgb, refusal) != 0 ||
        body_read_int(body, "seconds", 0, BANNER_SECONDS_MAX, &seconds, refusal) != 0)
        return -1;
    if (!banner.look.text[0])
        return body_refuse(refusal, "text", "must not be empty");
    if (seconds > 0)
        banner.until_ns = mixer_now_ns() + seconds * INT64_C(1000000000);
    room_set_banner(room, &banner);
    *out = room_banner_to_json(room);
    return 0;
}

int control_remove_banner(struct hub *hub, const struct hub_request *request, json_t **out,
                          struct refusal *refusal) {
    struct room *room = control_find_room(hub, request, refusal);
    if (!room)
        return -1;
    room_set_banner(room, NULL);
    return 0;
}

// ---- pictures and sounds ----

int control_set_picture(struct hub *hub, const struct hub_request *request, json_t **out,
                        struct refusal *refusal) {
    struct room *room = control_find_room(hub, request, refusal);
    if (!room) {
        picture_destroy(request->picture);
        return -1;
    }
    GBytes *file = request->file ? g_bytes_new(request->file, request->file_bytes) : NULL;
    room_set_picture(room, request->slot, request->picture, file);
    if (file)
        g_bytes_unref(file);
    return 0;
}

int control_remove_picture(struct hub *hub, const struct hub_request *request, json_t **out,
                           struct refusal *refusal) {
    struct room *room = control_find_room(hub, request, refusal);
    if (!room)
        return -1;
    room_set_picture(room, request->slot, NULL, NULL);
    return 0;
}

int control_play(struct hub *hub, const struct hub_request *request, json_t **out,
                 struct refusal *refusal) {
    struct room *room = control_find_room(hub, request, refusal);
    if (!room) {
        clip_destroy(request->clip);
        return -1;
    }
    mixer_play(room_mixer(room), request->clip, request->volume);
    return 0;
}

int control_stop_playing(struct hub *hub, const struct hub_request *request, json_t **out,
                         struct refusal *refusal) {
    struct room *room = control_find_room(hub, request, refusal);
    if (!room)
        return -1;
    mixer_stop_playing(room_mixer(room));
    return 0;
}

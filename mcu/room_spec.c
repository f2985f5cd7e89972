// SPDX-License-Identifier: MIT
#include "mcu/room_spec.h"

#include "mcu/body.h"
#include "mcu/protocol.h"
#include "mcu/room_layout.h"

#include <glib.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { LINGER_MAX_S = 86400, BACKGROUND_RGB = 0x0f1215 };

static const char *const maker_names[] = {
    [ROOM_BY_JOIN] = "join", [ROOM_BY_API] = "api", [ROOM_BY_OWNER] = "owner"};

static int round_to_16(int pixels) {
    return (pixels + 15) / 16 * 16;
}

bool room_canvas_is_possible(int width_px, int height_px) {
    int width = round_to_16(width_px), height = round_to_16(height_px);
    int longer = width > height ? width : height, shorter = width > height ? height : width;
    return longer >= 320 && longer <= 1920 && shorter >= 176 && shorter <= 1088;
}

void room_spec_init(struct room_spec *spec, const struct config *config, const char *name) {
    *spec = (struct room_spec){
        .layout = {.kind = LAYOUT_GRID, .is_animated = true},
        .width_px = round_to_16(config->canvas_width_px),
        .height_px = round_to_16(config->canvas_height_px),
        .fps = config->canvas_fps,
        .members_max = config->room_members_max,
        .linger_s = config->room_linger_s,
        .has_succession = config->room_succession,
        .background_rgb = BACKGROUND_RGB,
    };
    g_strlcpy(spec->name, name, sizeof(spec->name));
}

static int read_name(const json_t *body, char name[ROOM_NAME_MAX], struct refusal *refusal) {
    const json_t *id = json_object_get(body, "id");
    if (!id) {
        unsigned char random[6];
        randombytes_buf(random, sizeof(random));
        char hex[2 * sizeof(random) + 1];
        sodium_bin2hex(hex, sizeof(hex), random, sizeof(random));
        snprintf(name, ROOM_NAME_MAX, "r-%s", hex);
        return 0;
    }
    if (!json_is_string(id) || !protocol_clean_room_name(json_string_value(id), name))
        return body_refuse(refusal, "id", "must be 1 to 63 of a-z, 0-9, - and _");
    return 0;
}

static int read_canvas(const json_t *body, struct room_spec *spec, struct refusal *refusal) {
    static const char *const fields[] = {"width", "height", "fps", NULL};
    const json_t *canvas = json_object_get(body, "canvas");
    if (!canvas)
        return 0;
    if (!json_is_object(canvas))
        return body_refuse(refusal, "canvas", "must be an object");
    if (body_check_fields(canvas, fields, refusal) != 0 ||
        body_read_int(canvas, "width", 176, 1920, &spec->width_px, refusal) != 0 ||
        body_read_int(canvas, "height", 176, 1920, &spec->height_px, refusal) != 0 ||
        body_read_int(canvas, "fps", 1, 60, &spec->fps, refusal) != 0)
        return -1;
    if (!room_canvas_is_possible(spec->width_px, spec->height_px))
        return body_refuse(refusal, "canvas", "must be between 320x180 and 1920x1080");
    spec->width_px = round_to_16(spec->width_px);
    spec->height_px = round_to_16(spec->height_px);
    return 0;
}

static int read_ceiling(const json_t *body, enum downlink_wish *out, struct refusal *refusal) {
    const json_t *receive = json_object_get(body, "receive");
    if (receive && !downlink_wish_of(json_string_value(receive), out))
        return body_refuse(refusal, "receive", "must be auto, high, medium, low or audio");
    return 0;
}

// Digits and letters: people say it to each other and type it on phones.
static int read_pin(const json_t *body, char pin[ROOM_PIN_MAX], struct refusal *refusal) {
    const json_t *value = json_object_get(body, "pin");
    if (!value)
        return 0;
    const char *text = json_is_null(value) ? "" : json_string_value(value);
    size_t length = text ? strlen(text) : 0;
    bool is_good = text && (length == 0 || length >= 4) && length < ROOM_PIN_MAX;
    for (size_t i = 0; is_good && i < length; i++)
        is_good = g_ascii_isalnum(text[i]);
    if (!is_good)
        return body_refuse(refusal, "pin", "must be 4 to 32 letters and digits, or null");
    g_strlcpy(pin, text, ROOM_PIN_MAX);
    return 0;
}

static int read_theme(const json_t *body, struct room_spec *spec, struct refusal *refusal) {
    static const char *const fields[] = {"background", NULL};
    const json_t *theme = json_object_get(body, "theme");
    if (!theme)
        return 0;
    if (!json_is_object(theme))
        return body_refuse(refusal, "theme", "must be an object");
    if (body_check_fields(theme, fields, refusal) != 0)
        return -1;
    return body_read_colour(theme, "background", &spec->background_rgb, refusal);
}

static int read_fields(const json_t *body, const struct config *config, struct room_spec *spec,
                       struct refusal *refusal) {
    const json_t *layout = json_object_get(body, "layout");
    if (layout && room_layout_read(layout, &spec->layout, refusal) != 0)
        return -1;
    if (body_read_line(body, "title", ROOM_TITLE_CHARS_MAX, spec->title, sizeof(spec->title),
                       refusal) != 0 ||
        body_read_bool(body, "animate", &spec->layout.is_animated, refusal) != 0 ||
        body_read_int(body, "max_members", 1, config->room_members_max, &spec->members_max,
                      refusal) != 0 ||
        body_read_int(body, "linger", 0, LINGER_MAX_S, &spec->linger_s, refusal) != 0 ||
        body_read_bool(body, "lobby", &spec->has_lobby, refusal) != 0 ||
        body_read_bool(body, "locked", &spec->is_locked, refusal) != 0 ||
        body_read_bool(body, "record_on_start", &spec->records_on_start, refusal) != 0 ||
        body_read_bool(body, "succession", &spec->has_succession, refusal) != 0 ||
        body_read_time(body, "expires_at", &spec->expires_unix_ms, refusal) != 0)
        return -1;
    if (read_ceiling(body, &spec->ceiling, refusal) != 0 || read_canvas(body, spec, refusal) != 0 ||
        read_pin(body, spec->pin, refusal) != 0)
        return -1;
    return read_theme(body, spec, refusal);
}

int room_spec_read(struct room_spec *spec, const struct config *config, const json_t *body,
                   bool is_new, struct refusal *refusal) {
    static const char *const fields[] = {"title",           "layout",     "canvas",  "max_members",
                                         "lobby",           "locked",     "pin",     "linger",
                                         "record_on_start", "expires_at", "receive", "animate",
                                         "succession",      "theme",      "id",      NULL};
    struct room_spec wanted = *spec;
    if (!is_new && json_object_get(body, "id"))
        return body_refuse(refusal, "id", "cannot be changed");
    if (body_check_fields(body, fields, refusal) != 0 ||
        (is_new && read_name(body, wanted.name, refusal) != 0) ||
        read_fields(body, config, &wanted, refusal) != 0)
        return -1;
    *spec = wanted;
    return 0;
}

static void format_colour(uint32_t rgb, char out[8]) {
    snprintf(out, 8, "#%06x", rgb & 0xffffff);
}

static json_t *expiry_json(const struct room_spec *spec) {
    char at[32];
    if (!spec->expires_unix_ms)
        return json_null();
    protocol_time(spec->expires_unix_ms, at);
    return json_string(at);
}

static json_t *common_json(const struct room_spec *spec) {
    char background[8];
    format_colour(spec->background_rgb, background);
    return json_pack(
        "{s:s, s:s, s:{s:i, s:i, s:i}, s:i, s:b, s:b, s:b, s:o, s:s, s:i, s:b, s:{s:s}}", "id",
        spec->name, "title", spec->title, "canvas", "width", spec->width_px, "height",
        spec->height_px, "fps", spec->fps, "max_members", spec->members_max, "lobby",
        spec->has_lobby, "locked", spec->is_locked, "record_on_start", spec->records_on_start,
        "expires_at", expiry_json(spec), "receive", downlink_wish_name(spec->ceiling), "linger",
        spec->linger_s, "succession", spec->has_succession, "theme", "background", background);
}

json_t *room_spec_to_json(const struct room_spec *spec) {
    json_t *json = common_json(spec);
    json_object_set_new(json, "layout", json_string(layout_name(spec->layout.kind)));
    json_object_set_new(json, "animate", json_boolean(spec->layout.is_animated));
    json_object_set_new(json, "has_pin", json_boolean(spec->pin[0] != '\0'));
    json_object_set_new(json, "created_by", json_string(maker_names[spec->maker]));
    return json;
}

json_t *room_spec_to_stored(const struct room_spec *spec) {
    json_t *json = common_json(spec);
    json_object_set_new(json, "layout", room_layout_to_json(&spec->layout));
    json_object_set_new(json, "pin", spec->pin[0] ? json_string(spec->pin) : json_null());
    return json;
}

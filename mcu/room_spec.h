// SPDX-License-Identifier: MIT
// What a room shall be: its settings, as they are made, changed, shown and kept. Pure; any thread.
#ifndef MCU_ROOM_SPEC_H
#define MCU_ROOM_SPEC_H

#include "mcu/config.h"
#include "mcu/downlink.h"
#include "mcu/protocol_name.h"
#include "mcu/refusal.h"
#include "mixer/video/stage.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum { ROOM_TITLE_MAX = 401, ROOM_TITLE_CHARS_MAX = 100, ROOM_PIN_MAX = 33 };

// By whoever came first; by REST; for the user (or the meeting) whose name it has.
enum room_maker { ROOM_BY_JOIN, ROOM_BY_API, ROOM_BY_OWNER };

struct room_spec {
    char name[ROOM_NAME_MAX];
    char title[ROOM_TITLE_MAX]; // "": none
    enum room_maker maker;
    int64_t owner; // a user; 0: nobody's
    struct stage_layout layout;
    int width_px, height_px, fps;
    int members_max;
    int linger_s;               // how long it stays after the last member left
    enum downlink_wish ceiling; // of what members receive
    bool has_lobby, is_locked, records_on_start, has_succession;
    char pin[ROOM_PIN_MAX];  // "": none
    int64_t expires_unix_ms; // 0: never
    uint32_t background_rgb;
};

// The settings' defaults for a room of this name.
void room_spec_init(struct room_spec *spec, const struct config *config, const char *name);
// Reads what body sets; what it does not name stays. Where is_new, an `id` may be in it, else one
// is made up. 0, or -1 and *refusal; then *spec is untouched.
int room_spec_read(struct room_spec *spec, const struct config *config, const json_t *body,
                   bool is_new, struct refusal *refusal);
// As REST shows it, without its PIN.
json_t *room_spec_to_json(const struct room_spec *spec);
// As it is kept: a body for room_spec_read(), with the PIN.
json_t *room_spec_to_stored(const struct room_spec *spec);

// The mixer's bounds: 320x176 to 1920x1088, either way round, once rounded up to multiples of 16.
bool room_canvas_is_possible(int width_px, int height_px);

#endif

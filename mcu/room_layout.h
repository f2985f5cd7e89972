// SPDX-License-Identifier: MIT
// A layout as REST and signaling say it, to and from what the mixer wants. Pure; any thread.
#ifndef MCU_ROOM_LAYOUT_H
#define MCU_ROOM_LAYOUT_H

#include "mcu/refusal.h"
#include "mixer/video/stage.h"

#include <jansson.h>

// value: a name, or an object with kind, members, tiles and animate; *layout is what was before: an
// object may leave things out. 0, or -1 and *refusal; then *layout is untouched.
int room_layout_read(const json_t *value, struct stage_layout *layout, struct refusal *refusal);
json_t *room_layout_to_json(const struct stage_layout *layout);

// The spotlight: puts the member among the chosen (at the end), or takes it out.
void room_layout_choose(struct stage_layout *layout, const char *member, bool is_chosen);
bool room_layout_is_chosen(const struct stage_layout *layout, const char *member);

#endif

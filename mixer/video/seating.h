// SPDX-License-Identifier: MIT
// Who sits where: which members have a tile, and which tile. Nobody moves without need. Members sit
// in the order of joining; when there are more than tiles, one who speaks takes the place of the
// one who has been silent longest. A shared screen takes over, but not where it was said what is to
// be seen: in spotlight it is one of the chosen, in custom it has its slots. Pure: time comes in.
// Not locked.
#ifndef MIXER_VIDEO_SEATING_H
#define MIXER_VIDEO_SEATING_H

#include "mixer/video/stage.h"

#define SEATING_MAIN_MIN_NS INT64_C(1500000000) // the large tile stays this long with one member

enum { SEATING_SCREENS_MAX = 4 };

struct seating_member {
    uint64_t serial; // never 0
    bool is_speaking;
    int64_t spoke_ns;         // when last; 0: never
    uint64_t screen_sequence; // 0: shares none; larger: began later
    bool is_fixed;            // is chosen, or has a slot of their own: takes no other
};

// custom: a place, and who is to have it.
struct seating_slot {
    struct rect at;
    int z;
    enum stage_slot_source source;
    int member; // SLOT_MEMBER: index; -1: is not there
};

struct seating_wish {
    const struct seating_member *members; // in the order of joining
    int count;
    enum layout_kind kind;
    uint64_t main_serial; // main speaker; 0: nobody
    int width_px, height_px;
    const int *chosen; // spotlight: indices, each once and is_fixed
    int chosen_count;
    const struct seating_slot *slots; // custom: at most STAGE_TILES_MAX, each member once
    int slot_count;
};

struct seating_place {
    int member; // index
    enum video_role role;
    struct rect at;
    int z; // places with a larger one come later and lie above
};

struct seating {
    uint64_t slots[LAYOUT_CELLS_MAX]; // cameras that are not fixed, in the order of their tiles
    int slot_count;
    int64_t main_since_ns;
    bool has_main;
    bool is_main_pending; // arrange again soon: the large tile is due to change
};

// Returns how many places were filled (places has room for STAGE_TILES_MAX); *kind is the layout
// that was used: screen while someone shares, speaker for a spotlight on nobody.
int seating_arrange(struct seating *seating, const struct seating_wish *wish, int64_t now_ns,
                    struct seating_place *places, enum layout_kind *kind);

#endif

// SPDX-License-Identifier: MIT
// The seats in the order of joining, and who of them has a tile now. Not locked: the stage's lock
// is held around every call.
#ifndef MIXER_VIDEO_ROSTER_H
#define MIXER_VIDEO_ROSTER_H

#include "mixer/video/scene.h"
#include "mixer/video/seat.h"
#include "mixer/video/seating.h"

struct roster {
    int width_px, height_px; // of the canvas
    struct rect area;        // where tiles may stand
    bool shows_names;
    struct stage_seat **seats;
    int count, capacity;
    // Those who are not hidden, as of the last seating; room for one of each seat. Hidden ones may
    // be hundreds: nothing that happens to them seats anybody anew.
    struct stage_seat **visible;
    struct seating_member *members; // of each visible
    int visible_count;
    uint64_t last_serial, last_screen_sequence;
    struct stage_layout layout; // as it was set
    uint64_t main_serial;       // 0: nobody
    bool is_stale;              // something changed: seat anew
    struct seating seating;
    struct seating_place places[STAGE_TILES_MAX]; // valid while not stale
    int place_count;
    struct stage_view view;
    bool is_view_new;
    unsigned shape_serial; // counts the times that tiles came, went or moved
};

void roster_init(struct roster *roster, const struct stage_config *config);
void roster_finish(struct roster *roster); // zeroed is allowed; keeps no seat

// Keeps the pointer until roster_remove(). 0 or -ENOMEM.
int roster_add(struct roster *roster, struct stage_seat *seat);
void roster_remove(struct roster *roster, struct stage_seat *seat);

void roster_set_look(struct roster *roster, struct stage_seat *seat, const struct stage_look *look,
                     const char clean_name[NAME_SIZE_BYTES]);
void roster_set_speaking(struct roster *roster, const char *const *ids, int count,
                         const char *main_id);
void roster_set_layout(struct roster *roster, const struct stage_layout *layout);

// The canvas, and where on it tiles may stand.
void roster_set_area(struct roster *roster, int width_px, int height_px, struct rect area);

// Seats everybody who is not hidden, and tells the feeds whether they are wanted.
void roster_update(struct roster *roster, int64_t now_ns);
// Who has tile index (less than place_count), and what it shows.
struct stage_seat *roster_at(const struct roster *roster, int index, struct scene_place *place);
bool roster_take_view(struct roster *roster, struct stage_view *view);

#endif

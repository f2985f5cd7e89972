// SPDX-License-Identifier: MIT
// One room: its members, its mixer, and what is said to all of them. Control loop only, but for
// room_ref(), room_unref() and room_snapshot().
#ifndef MCU_ROOM_H
#define MCU_ROOM_H

#include "mcu/config.h"
#include "mcu/downlink.h"
#include "mcu/events.h"
#include "mcu/loop.h"
#include "mcu/member.h"
#include "mcu/protocol.h"
#include "mcu/refusal.h"
#include "mcu/store.h"
#include "mixer/mixer.h"

#include <jansson.h>
#include <stdbool.h>

struct room;
struct session;

struct room_spec {
    const char *name; // clean, see protocol_clean_room_name()
    bool is_made_by_api;
    enum layout_kind layout;
    int width_px, height_px, fps;
    int members_max;
    enum downlink_wish ceiling; // of what members receive
    int linger_s;               // how long it stays after the last member left
};

// What a room is made in. Borrowed; must outlive every room.
struct room_world {
    const struct config *config;
    struct store *store;
    struct events *events;
    const char *token_secret;
    struct loop *loop;
};

// The settings' defaults for a room of this name.
void room_spec_init(struct room_spec *spec, const struct config *config, const char *name);

// The mixer's bounds: 320x176 to 1920x1088, either way round, once rounded up to multiples of 16.
bool room_canvas_is_possible(int width_px, int height_px);

int room_create(const struct room_world *world, const struct room_spec *spec, struct room **out);
// Says `bye` to every member, empties the room and takes the caller's reference. The mixer is
// stopped on a thread of its own; rooms_draining() counts those not yet done.
void room_end(struct room *room, const char *reason);
int rooms_draining(void); // any thread

struct room *room_ref(struct room *room);
void room_unref(struct room *room);

const char *room_name(const struct room *room);
int room_member_count(const struct room *room);
bool room_is_expired(const struct room *room, int64_t now_ns);
json_t *room_to_json(const struct room *room);
json_t *room_members_to_json(const struct room *room);         // an array
void room_append_links(const struct room *room, json_t *list); // {room, member, link} of each
struct mixer *room_mixer(struct room *room);
// What the tiers and the sound cost, and the most that anybody in here may receive.
const struct downlink_config *room_downlink(const struct room *room);
enum downlink_wish room_ceiling(const struct room *room);
void room_set_ceiling(struct room *room, enum downlink_wish ceiling);
void room_get_canvas(const struct room *room, int *width_px, int *height_px, int *fps);
const struct room_world *room_world(const struct room *room);

// A session comes in (or back, with a resume secret it was given). Says `joined`. 0, or -1 and
// *refusal.
int room_join(struct room *room, struct session *session, struct message *join,
              struct refusal *refusal);
struct member *room_find_member(struct room *room, const char *id); // or NULL
// Takes the member out and tells the others. reason: left, lost, kicked, replaced.
void room_remove_member(struct room *room, struct member *member, const char *reason);
// Takes those out who are gone.
void room_check_members(struct room *room, int64_t now_ns);
// A few times a second: fits what each member receives to its link.
void room_adapt(struct room *room, int64_t now_ns);

// To all; over data channels where they are open, or over the sessions. Takes text.
void room_tell(struct room *room, char *text);
void room_tell_signaling(struct room *room, char *text, const struct member *except);
void room_on_member_changed(struct room *room, struct member *member);
// Brings a new link up to date: the layout and who speaks.
void room_greet(struct room *room, struct member *member);
void room_chat(struct room *room, struct member *from, const char *text);

// Any thread that holds a reference.
int room_snapshot(struct room *room, int width_px, enum picture_format format, uint8_t **file,
                  size_t *size_bytes);

#endif

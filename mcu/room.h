// SPDX-License-Identifier: MIT
// One room: its members, its mixer, and what is said to all of them. Control loop only, but for
// room_ref(), room_unref(), room_name() and room_snapshot().
//
// room.c: its life and its settings. room_door.c: who comes in, as what, and who goes.
// room_lobby.c: who waits, and who may not come. room_tell.c: what is said to all.
// room_keep.c, room_pictures.c: what outlives the process. room_record.c, room_broadcast.c: what
// goes out besides, to the disk and to audiences.
#ifndef MCU_ROOM_H
#define MCU_ROOM_H

#include "mcu/config.h"
#include "mcu/downlink.h"
#include "mcu/events.h"
#include "mcu/loop.h"
#include "mcu/member.h"
#include "mcu/permission.h"
#include "mcu/protocol.h"
#include "mcu/refusal.h"
#include "mcu/room_spec.h"
#include "mcu/store.h"
#include "mixer/mixer.h"

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

struct errands;
struct hub;
struct library;
struct room;
struct session;

// What a room is made in. Borrowed; must outlive every room.
struct room_world {
    const struct config *config;
    struct store *store;
    struct events *events;
    const char *token_secret;
    struct loop *loop;
    struct errands *errands;
    struct errands *disk_errands; // to the disk of the recordings alone: nobody else waits for it
    struct hub *hub;
    struct library *library; // of recordings; NULL: none are kept
};

int room_create(const struct room_world *world, const struct room_spec *spec, struct room **out);
// Brings back what is kept of the room: its bans and pictures, and, if the process ended in the
// middle of it, its seats, which wait for those who were there.
void room_remember(struct room *room, const char *stored, int64_t created_unix_ms);
// Says `bye` to every member, empties the room and takes the caller's reference. message: for
// people, or NULL. The mixer is stopped on a thread of its own; rooms_draining() counts those not
// yet done.
void room_end(struct room *room, const char *reason, const char *message);
int rooms_draining(void); // any thread

struct room *room_ref(struct room *room);
void room_unref(struct room *room);

const char *room_name(const struct room *room);
const struct room_spec *room_spec(const struct room *room);
uint64_t room_serial(const struct room *room);  // in order of making
int room_member_count(const struct room *room); // viewers too
// Empty for longer than it lingers, or past its time.
bool room_is_over(const struct room *room, int64_t now_ns, const char **reason);
json_t *room_to_json(const struct room *room);
json_t *room_stats_to_json(const struct room *room);
void room_append_links(const struct room *room, json_t *list); // {room, member, link} of each
struct mixer *room_mixer(struct room *room);
// What the tiers and the sound cost, and the most that anybody in here may receive.
const struct downlink_config *room_downlink(const struct room *room);
enum downlink_wish room_ceiling(const struct room *room);
void room_get_canvas(const struct room *room, int *width_px, int *height_px, int *fps);
const struct room_world *room_world(const struct room *room);
// As permission.h wants it.
void room_get_place(const struct room *room, struct place *out);
bool room_allows(const struct room *room, const struct member *member, enum action action,
                 struct refusal *refusal);
void room_keep(struct room *room); // for a restart
unsigned room_revision(const struct room *room);

// ---- settings ----

// Makes the room what wanted says, and tells everybody. 0, or -1 and *refusal; then nothing
// changed.
int room_change(struct room *room, const struct room_spec *wanted, struct refusal *refusal);
bool room_is_chosen(const struct room *room, const char *member); // in the spotlight
void room_choose(struct room *room, struct member *member, bool is_chosen);
struct room_banner {
    struct stage_banner look;
    int64_t until_ns; // on the room clock; 0: it stays
};
void room_set_banner(struct room *room, const struct room_banner *banner); // NULL: none
json_t *room_banner_to_json(const struct room *room);                      // null: none
// Takes picture; NULL: none. data: the file it came from, to be kept. Borrows data.
void room_set_picture(struct room *room, enum stage_picture slot, struct picture *picture,
                      GBytes *data);

// ---- members ----

// A session comes in (or back, with a resume secret it was given), or has to wait in the lobby.
// Says `joined` or `waiting`. caller: by its token, else by its cookie. 0, or -1 and *refusal.
int room_join(struct room *room, struct session *session, const struct caller *caller,
              struct message *join, struct refusal *refusal);
// Is there a seat for this secret? Then neither token nor anything else is asked for.
bool room_has_seat(const struct room *room, const char *resume);
struct member *room_find_seated(const struct room *room, const char *resume); // who is in; or NULL
struct member *room_find_member(struct room *room, const char *id);           // or NULL
struct member *room_next_member(const struct room *room, size_t index);       // NULL at the end
json_t *room_member_to_json(const struct room *room, const struct member *member);
// Takes the member out and tells the others. reason: left, lost, kicked, replaced.
void room_remove_member(struct room *room, struct member *member, const char *reason);
// Takes those out who are gone, lifts what has run out.
void room_check(struct room *room, int64_t now_ns);
// A few times a second: fits what each member receives to its link.
void room_adapt(struct room *room, int64_t now_ns);

// ---- lobby and bans ----

json_t *room_waiting_to_json(const struct room *room);
// id NULL: all who wait. 0, or -1 and *refusal (404, or the room is full).
int room_admit(struct room *room, const char *id, struct refusal *refusal);
int room_refuse_waiting(struct room *room, const char *id, struct refusal *refusal);
// The session has gone, or does not want to wait any longer.
void room_forget_waiting(struct room *room, struct session *session);
void room_ban(struct room *room, const struct member *member, int seconds, const char *reason);
json_t *room_bans_to_json(const struct room *room);
int room_lift_ban(struct room *room, const char *id, struct refusal *refusal);

// ---- what is said ----

// To all; over data channels where they are open, or over the sessions. Takes text.
void room_tell(struct room *room, char *text);
void room_tell_signaling(struct room *room, char *text, const struct member *except);
void room_on_member_changed(struct room *room, struct member *member);
void room_keep_seat(struct room *room, struct member *member); // likewise
void room_on_rights_changed(struct room *room, struct member *member, enum role before);
// Brings a new link up to date: the layout and who speaks.
void room_greet(struct room *room, struct member *member);
void room_chat(struct room *room, struct member *from, const char *text);
// From outside. to NULL: all. Returns the message as JSON.
json_t *room_say(struct room *room, const char *from, const char *text, struct member *to);

// Any thread that holds a reference.
int room_snapshot(struct room *room, int width_px, enum picture_format format, uint8_t **file,
                  size_t *size_bytes);

#endif

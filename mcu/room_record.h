// SPDX-License-Identifier: MIT
// A room's recordings that run now. They are no members: they count nowhere, an empty room goes on
// being recorded until it ends, and nothing in the mix waits for them. Control loop only, but for
// room_records_unfinished(). Part of room.
//
// room_record.c: their life. room_record_news.c: what is noted beside them, and told of them.
#ifndef MCU_ROOM_RECORD_H
#define MCU_ROOM_RECORD_H

#include "mcu/room.h"
#include "mixer/record/recorder.h"

struct record_wish {
    enum recorder_container container;
    bool is_audio_only;
    int segment_s, segment_mb;  // 0: one file
    char title[ROOM_TITLE_MAX]; // "": none
};

// 0 and *out (as library_get()), or -1 and *refusal: 409 too-many-recordings, 507 disk-full, 503.
int room_record_start(struct room *room, const struct record_wish *wish, json_t **out,
                      struct refusal *refusal);
// The first member is there, and the room is to be recorded from then on.
void room_record_start_by_itself(struct room *room);
// state: "recording", "paused" or "stopped". 404 recording-not-found, 409 recording-ended.
int room_record_change(struct room *room, const char *id, const char *state, json_t **out,
                       struct refusal *refusal);
json_t *room_record_list(const struct room *room);      // an array; as in the message `recording`
const char *room_record_state(const struct room *room); // "recording", "paused" or "stopped"
void room_record_end_all(struct room *room);            // the room ends; before its mixer does
// Recordings and broadcasts, of all rooms, that were begun and are not wholly done. Any thread.
int room_records_unfinished(void);

// ---- what happens in the room: room_record_news.c ----

void room_record_check(struct room *room, int64_t now_ns); // twice a second
void room_record_on_join(struct room *room, const struct member *member);
void room_record_on_leave(struct room *room, const char *id, const char *name);
void room_record_on_view(struct room *room, const struct stage_view *view); // room->view is the old
void room_record_on_speaking(struct room *room);
void room_record_on_chat(struct room *room, const char *name, const char *text);

#endif

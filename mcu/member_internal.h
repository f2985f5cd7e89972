// SPDX-License-Identifier: MIT
// A member as member.c (life, presence), member_tell.c (what it is told) and member_obey.c (what it
// says, and what moderators make of it) share it. Control loop only.
#ifndef MCU_MEMBER_INTERNAL_H
#define MCU_MEMBER_INTERNAL_H

#include "mcu/limit.h"
#include "mcu/member.h"
#include "mcu/member_feed.h"
#include "mcu/reception.h"

struct member {
    struct room *room;
    char id[STAGE_ID_MAX];
    char resume[MEMBER_RESUME_MAX];
    char object[ROOM_NAME_MAX + STAGE_ID_MAX + 1]; // for the log
    char *name;
    enum role role;
    unsigned grants;
    int64_t user; // signed in; 0: a guest
    char address[MEMBER_ADDRESS_MAX];
    bool audio_muted, video_muted, hand, screen, is_hidden;
    double volume;
    int64_t joined_unix_ms, hand_unix_ms;
    int64_t presence; // in the store; 0: none

    struct session *session;
    struct link *link;
    struct mixer_member *mix;
    struct member_feed *feed; // valid while mix is
    struct peer_media media;
    struct reception reception;
    struct limit offers;
    bool is_connected, has_channel;
    int64_t heard_ns;                         // the session's last word
    int64_t away_ns;                          // since when there is no session
    bool closed_cleanly;                      // that session
    int64_t offered_ns;                       // when the present link began
    struct rect camera_uplink, screen_uplink; // what was told last; width 0: inactive
    bool was_told_uplink;
};

// As the picture shall show it.
void member_get_look(const struct member *member, struct stage_look *look);
void member_close_link(struct member *member);
void member_tell(struct member *member, char *text); // over the session; takes text
// Fits the reception; tells: the member is told its figures now, whatever changed.
void member_adapt_and_tell(struct member *member, int64_t now_ns, bool tells);
void member_describe_link(const struct member *member, struct protocol_stats_view *out);
void member_limit_uplink(struct member *member);

#endif

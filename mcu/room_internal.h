// SPDX-License-Identifier: MIT
// A room as the room_*.c files share it.
#ifndef MCU_ROOM_INTERNAL_H
#define MCU_ROOM_INTERNAL_H

#include "mcu/room.h"

#include <glib.h>
#include <stdatomic.h>

#define ROOM_SECOND_NS INT64_C(1000000000)

enum { ROOM_WAITING_MAX = 200, ROOM_BANS_MAX = 500, ROOM_SEATS_KEPT_S = 120 };

// Who stands before the door.
struct room_waiting {
    char id[STAGE_ID_MAX];
    struct session *session; // borrowed: it says when it goes
    char *name;
    enum role role;
    unsigned grants;
    int64_t user, since_unix_ms;
    bool audio_muted, video_muted;
};

// Who shall not come back: a user who is signed in is known by that, a guest by the address.
struct room_ban {
    char id[STAGE_ID_MAX];
    int64_t user, until_unix_ms;
    char address[MEMBER_ADDRESS_MAX];
    char name[261], reason[201];
};

// Of somebody who was there when the process ended.
struct room_seat {
    char id[STAGE_ID_MAX], resume[MEMBER_RESUME_MAX];
    char *name;
    enum role role;
    unsigned grants;
    int64_t user;
};

struct room {
    // Immutable.
    const struct room_world *world;
    uint64_t serial;
    char owner_login[CALLER_NAME_MAX]; // "": nobody's
    struct mixer *mixer;

    atomic_int references;

    // Control loop only (the name in spec never changes).
    struct room_spec spec;
    unsigned revision;
    int64_t created_unix_ms;
    struct downlink_config downlink;
    enum layout_kind kind_before_spotlight;
    struct room_banner banner;
    bool has_picture[STAGE_PICTURES];
    bool is_ended, has_had_members, had_moderator;
    GPtrArray *members; // struct member, in order of joining
    int viewers;
    unsigned last_member_number, last_waiting_number, last_ban_number;
    int64_t emptied_ns, remembered_until_ns;
    GPtrArray *waiting; // struct room_waiting, owned
    GArray *bans;       // struct room_ban
    GPtrArray *seats;   // struct room_seat, owned
    int64_t call;       // in the store; 0: none goes on
    struct stage_view view;
    struct desk_speaking speaking;
    bool has_view;
    GPtrArray *recordings,
        *broadcasts; // struct recording, struct live: each frees itself at its end
    unsigned last_tap_number;
    int64_t record_told_ns;
};

int64_t room_unix_ms(void);
// Something that REST shows has changed: counts, keeps, tells.
void room_on_settings_changed(struct room *room);
void room_tell_moderators(struct room *room, char *text); // over the sessions; takes text
void room_tell_viewer_count(struct room *room);
void room_tell_lobby(struct room *room);

// room_door.c: makes them a member. Takes name.
struct room_entry {
    char *name;
    enum role role;
    unsigned grants;
    int64_t user;
    bool audio_muted, video_muted;
    const struct room_seat *seat; // that they had before a restart; NULL: a new one
};
int room_seat(struct room *room, struct session *session, const struct room_entry *entry,
              struct refusal *refusal);
bool room_is_full(const struct room *room, enum role role, struct refusal *refusal);

// room_lobby.c
int room_wait(struct room *room, struct session *session, const struct room_entry *entry,
              struct refusal *refusal);
bool room_is_banned(const struct room *room, int64_t user, const char *address,
                    struct refusal *refusal);
void room_dismiss_waiting(struct room *room, const char *reason, const char *message); // all
void room_waiting_free(void *waiting);

// room_keep.c
// room_pictures.c
void room_recall_pictures(struct room *room, const json_t *slots);
json_t *room_list_pictures(const struct room *room);
void room_forget_pictures(struct room *room);
// room_keep.c
void room_forget(struct room *room, bool is_shutdown);
void room_forget_seat(struct room *room, const char *id);
void room_begin_presence(struct room *room, struct member *member);
void room_end_presence(struct room *room, struct member *member);
void room_seat_free(void *seat);
void room_check_call(struct room *room, int64_t now_ns); // ends it when all have left
// Forgets the seats that nobody came back to.
void room_check_seats(struct room *room, int64_t now_ns);
struct room_seat *room_find_seat(const struct room *room, const char *resume); // or NULL

void room_event(struct room *room, const char *type, json_t *data); // takes data

#endif

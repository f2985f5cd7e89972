// SPDX-License-Identifier: MIT
// One person (or machine) in a room: who they are, what they show, and the two things that may come
// and go while they stay: their signaling session and their WebRTC link. Control loop only.
#ifndef MCU_MEMBER_H
#define MCU_MEMBER_H

#include "mcu/downlink.h"
#include "mcu/peer.h"
#include "mcu/permission.h"
#include "mcu/protocol.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct member;
struct room;
struct session;

enum { MEMBER_RESUME_MAX = 48, MEMBER_ADDRESS_MAX = 64 };

// Who comes in, and as what.
struct member_spec {
    const char *id;
    char *name;         // taken, whatever happens
    const char *resume; // NULL: a new secret is made
    enum role role;
    unsigned grants;
    int64_t user; // signed in; 0: a guest
    const char *address;
    bool audio_muted, video_muted;
};

// NULL when out of memory; the member is then not in the mix either.
struct member *member_create(struct room *room, const struct member_spec *spec);
// Closes the link and leaves the mix. The session is not closed: whoever ends a member says why
// there.
void member_destroy(struct member *member);

const char *member_id(const struct member *member);
const char *member_name(const struct member *member);
enum role member_role(const struct member *member);
unsigned member_grants(const struct member *member);
int64_t member_user(const struct member *member);
const char *member_address(const struct member *member);
int64_t member_joined_unix_ms(const struct member *member);
int64_t *member_presence(struct member *member); // the store's number of it; the room's to set
// As permission.h wants it.
void member_get_caller(const struct member *member, struct caller *out);
struct room *member_room(const struct member *member);
const char *member_resume(const struct member *member);      // the secret that gives the seat back
struct session *member_session(const struct member *member); // NULL while the socket is gone
void member_get_view(const struct member *member, struct member_view *view);
json_t *member_to_json(const struct member *member, bool is_speaking); // as REST shows it
json_t *member_link_to_json(const struct member *member);              // likewise, of its link
bool member_is_connected(const struct member *member);

// The socket came (back).
void member_set_session(struct member *member, struct session *session);
// The socket went. was_clean: closed by the client itself, most often a closed tab.
void member_lose_session(struct member *member, bool was_clean);
// The session said something: it lives.
void member_note_heard(struct member *member);

// Is the member gone? Judged by socket and packets, see member.c. Closes a link that went silent.
bool member_is_lost(struct member *member, int64_t now_ns);

// The text over the data channel if it is open, else over the session. Borrows.
void member_send(struct member *member, const char *text);
// The text over the session, in the order of all that goes there. Borrows.
void member_send_signaling(struct member *member, const char *text);
void member_refuse(struct member *member, const struct refusal *refusal);

// Obeys what a member said, on whichever channel (not join).
void member_obey(struct member *member, struct message *message);
// What a moderator or the API makes of a member. Fields that stay: -1, NULL, ROLE_NONE.
struct member_change {
    int audio_muted, video_muted, hand, is_hidden;
    double volume;
    enum role role;
    const char *name;
    bool has_grants;
    unsigned grants;
};
void member_change(struct member *member, const struct member_change *change);
// Whether it is chosen has changed: the picture is the room's affair.
void member_show(struct member *member);
// A few times a second: fits what it receives to its link, and tells it when that changed.
void member_adapt(struct member *member, int64_t now_ns);
void member_set_ceiling(struct member *member, enum downlink_wish ceiling);
void member_set_downlink(struct member *member, const struct downlink_config *config);
// Tells the client what its tiles deserve, if that changed.
void member_send_uplink(struct member *member, const struct stage_view *view, int fps);

// From the link.
void member_on_answer(struct member *member, const char *sdp, const struct peer_media *media);
void member_on_candidate(struct member *member, const char *candidate, const char *mid,
                         int mline_index);
void member_on_connected(struct member *member);
void member_on_channel_open(struct member *member);
void member_on_link_failed(struct member *member, const struct refusal *refusal,
                           const char *reason);

#endif

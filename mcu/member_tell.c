// SPDX-License-Identifier: MIT
// What a member is told: over its session or its data channel, about its link and its tiles.
#include "mcu/member_internal.h"

#include "mcu/room.h"
#include "mcu/session_internal.h"

#include <stdlib.h>
#include <string.h>

enum { UPLINK_SOUND_KBPS = 100 };

void member_describe_link(const struct member *member, struct protocol_stats_view *out) {
    int width_px, height_px, fps;
    room_get_canvas(member->room, &width_px, &height_px, &fps);
    reception_describe(&member->reception, width_px, height_px, fps, out);
}

void member_send_signaling(struct member *member, const char *text) {
    if (member->session && text)
        session_send(member->session, text);
}

void member_send(struct member *member, const char *text) {
    if (!text)
        return;
    if (member->has_channel && peer_send_message(link_peer(member->link), text, strlen(text)) == 0)
        return;
    member_send_signaling(member, text);
}

void member_refuse(struct member *member, const struct refusal *refusal) {
    if (member->session)
        session_refuse(member->session, refusal);
}

void member_tell(struct member *member, char *text) {
    member_send_signaling(member, text);
    free(text);
}

void member_adapt_and_tell(struct member *member, int64_t now_ns, bool tells) {
    if (!member->is_connected)
        return;
    const char *quality = member->reception.quality;
    bool has_changed = reception_update(&member->reception, member->link, member->mix, now_ns);
    if (reception_take_due(&member->reception, has_changed || tells, now_ns)) {
        struct protocol_stats_view view;
        member_describe_link(member, &view);
        member_tell(member, protocol_stats(&view));
    }
    if (quality != member->reception.quality)
        room_on_member_changed(member->room, member);
}

void member_adapt(struct member *member, int64_t now_ns) {
    member_adapt_and_tell(member, now_ns, false);
}

// The present choice stays until the next look at the link.
void member_set_downlink(struct member *member, const struct downlink_config *config) {
    downlink_set_config(&member->reception.downlink, config);
    member_adapt_and_tell(member, mixer_now_ns(), true);
}

void member_set_ceiling(struct member *member, enum downlink_wish ceiling) {
    downlink_set_ceiling(&member->reception.downlink, ceiling);
    member_adapt_and_tell(member, mixer_now_ns(), true);
}

static void find_tile(const struct stage_view *view, const char *id, enum video_role role,
                      struct rect *out) {
    *out = (struct rect){0};
    for (int i = 0; i < view->count; i++)
        if (view->tiles[i].role == role && strcmp(view->tiles[i].member, id) == 0)
            *out = view->tiles[i].at;
}

// Where a tile stands does not matter to its sender, only its size.
static bool is_same_size(const struct rect *one, const struct rect *other) {
    return one->width == other->width && one->height == other->height;
}

// For clients that do not know `uplink`. What the microphone takes is not to be missed, and whoever
// obeys shall not be held up when the tile grows.
void member_limit_uplink(struct member *member) {
    const struct rect *camera = member->camera_uplink.width ? &member->camera_uplink : NULL;
    const struct rect *screen = member->screen_uplink.width ? &member->screen_uplink : NULL;
    int width_px, height_px, fps;
    room_get_canvas(member->room, &width_px, &height_px, &fps);
    if (member->is_connected && member->was_told_uplink)
        peer_set_uplink_kbps(link_peer(member->link),
                             protocol_uplink_kbps(camera, screen, fps) * 3 / 2 + UPLINK_SOUND_KBPS);
}

void member_send_uplink(struct member *member, const struct stage_view *view, int fps) {
    struct rect camera, screen;
    find_tile(view, member->id, VIDEO_CAMERA, &camera);
    find_tile(view, member->id, VIDEO_SCREEN, &screen);
    if (member->video_muted)
        camera = (struct rect){0};
    if (member->was_told_uplink && is_same_size(&camera, &member->camera_uplink) &&
        is_same_size(&screen, &member->screen_uplink))
        return;
    member->was_told_uplink = true;
    member->camera_uplink = camera;
    member->screen_uplink = screen;
    member_limit_uplink(member);
    member_tell(member,
                protocol_uplink(camera.width ? &camera : NULL, screen.width ? &screen : NULL, fps));
}

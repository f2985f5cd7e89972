// SPDX-License-Identifier: MIT
// The picture of one room: who has which tile, what is painted there, and the encoded composite.
// Owns the seats, their decoders and tile graphs, the canvas and the encoders of the tiers.
//
// It has no thread and reads no clock: the `v:<room>` thread calls stage_tick() with the time, so
// that a test can run an hour in a second. Add, remove and set come from the control loop;
// stage_push() from the member's streaming thread (one at a time per seat and role);
// stage_request_keyframe() and stage_snapshot() from anywhere. Callbacks run without any lock held.
#ifndef MIXER_VIDEO_STAGE_H
#define MIXER_VIDEO_STAGE_H

#include "mixer/histogram.h"
#include "mixer/packet.h"
#include "mixer/video/layout.h"
#include "mixer/video/picture.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum video_codec { VIDEO_VP8, VIDEO_VP9, VIDEO_H264, VIDEO_AV1 };
enum video_role { VIDEO_CAMERA, VIDEO_SCREEN }; // a seat may have both

// The composite in three sizes: the canvas, half and a quarter of its sides; each in three temporal
// layers. A tier is encoded only while somebody watches it.
enum { STAGE_TIERS = 3, STAGE_LAYERS = 3 };
enum { STAGE_ID_MAX = 16, STAGE_TILES_MAX = LAYOUT_CELLS_MAX };

struct stage_config {
    int width_px, height_px; // of the canvas; multiples of 16, 320x180 .. 1920x1088 both ways round
    int fps;                 // 1 .. 60
    int tier_kbps[STAGE_TIERS];          // 0 of a lower one: its share of the first
    int layer_percent[STAGE_LAYERS - 1]; // what the lower layers take of it; 0: 40 and 60
    bool shows_names;
};

struct picture;
struct stage;
struct stage_seat;

// What the room wants to see, as it was set; a value. A shared screen takes over by itself in grid,
// speaker and sidebar; in spotlight it is one of the chosen, in custom it has its slots. A
// spotlight on nobody who is there follows the speaker.
struct stage_layout {
    enum layout_kind kind;
    bool is_animated; // tiles move to a new place over a few frames instead of jumping
    // spotlight: who, in this order. Who is not there is passed over.
    int chosen_count;
    char chosen[STAGE_TILES_MAX][STAGE_ID_MAX];
    // custom: in percent of the canvas (but for a banner's part), 0 to 100 and within it, rounded
    // to macroblocks; larger z lies above, of equals the later. A member has one slot at most.
    int slot_count;
    struct stage_slot {
        double x, y, width, height;
        int z;
        enum stage_slot_source {
            SLOT_NEXT_SPEAKER, // who spoke last and has no other slot
            SLOT_MEMBER,       // this one's camera, or nothing
            SLOT_SCREEN,       // the newest shared screen (a second slot: the next), or nothing
        } source;
        char member[STAGE_ID_MAX];
    } slots[STAGE_TILES_MAX];
};

enum stage_picture { STAGE_BACKGROUND, STAGE_LOGO, STAGE_BANNER_PICTURE, STAGE_PICTURES };

// A line or two in a bar across the composite; tiles make room for it. text "": none. What does not
// fit into two lines is cut; a line break may stand in it.
struct stage_banner {
    char text[512]; // UTF-8, any script
    bool is_at_top;
    uint32_t colour_rgb, background_rgb;
};

// What the picture shows of a member besides their video. Borrowed strings, copied.
struct stage_look {
    const char *name; // UTF-8, any script
    bool audio_muted;
    bool video_muted; // camera off: the avatar is shown, whatever still arrives
    bool hand;
    bool screen; // shares a screen: gets a screen tile
    bool hidden; // has no tile, whatever arrives
};

struct stage_seat_ops {
    // The decoder of this role cannot go on without a keyframe. Throttled by the stage (at most
    // every 300 ms per role). Runs on the pushing or the tick thread.
    void (*on_keyframe_wanted)(void *user, enum video_role role);
    // The stage holds no pointer to user any more.
    void (*release)(void *user);
};

// Which tile shows what, in canvas pixels; where they overlap the later lies above. Tiles that are
// still on their way are told where they will be. A value: copy freely.
struct stage_view {
    enum layout_kind kind;
    int width_px, height_px;
    int count;
    struct {
        char member[STAGE_ID_MAX];
        enum video_role role;
        struct rect at;
    } tiles[STAGE_TILES_MAX];
};

struct stage_stats {
    uint64_t frames_composed;
    uint64_t frames_encoded, frames_unchanged, keyframes; // of all tiers
    uint64_t frames_decoded, frames_broken, frames_skipped_hidden;
    int64_t compose_ns, encode_ns;      // sums
    struct histogram_counts frame_time; // of composing and encoding one frame
    struct {
        uint64_t frames, keyframes, bytes;
        int kbps; // what its encoder aims at now; 0: it rests
    } tiers[STAGE_TIERS];
};

struct stage *stage_create(const struct stage_config *config);
void stage_destroy(struct stage *stage); // NULL is allowed; seats must be removed before

// A new member at the end of the seating. id is copied. NULL when out of memory.
struct stage_seat *stage_add(struct stage *stage, const char *id, const struct stage_look *look,
                             const struct stage_seat_ops *ops, void *user);
// Takes the seat. release() may come later, when a tick or push that still runs is over.
void stage_remove(struct stage *stage, struct stage_seat *seat);
void stage_set_look(struct stage_seat *seat, const struct stage_look *look);

// One whole encoded frame. pts_ns and arrival_ns on the room clock (pts is the capture time as the
// sender reports tell it). rotation: 0, 90, 180, 270 degrees clockwise to be applied. Returns 0, or
// -EINVAL for what cannot be decoded (a keyframe has then been asked for). Frames of a seat that is
// not on the canvas are dropped undecoded.
int stage_push(struct stage_seat *seat, enum video_role role, enum video_codec codec,
               const void *data, size_t size_bytes, int64_t pts_ns, int64_t arrival_ns,
               int rotation);
// A hole in what arrived: a keyframe is asked for when the decoder needs one.
void stage_push_lost(struct stage_seat *seat, enum video_role role);

// Lip sync: show pictures this much later than their pts. 0 .. 500 ms.
void stage_set_hold_ns(struct stage_seat *seat, int64_t hold_ns);
// How late this seat's camera frames arrive after their pts (95th percentile, last seconds); for
// the audio side of lip sync. 0 without video.
int64_t stage_lateness_ns(struct stage_seat *seat);

// Who speaks now (frame round the tile) and who is the main speaker (speaker layout). Ids as given.
void stage_set_speaking(struct stage *stage, const char *const *ids, int count,
                        const char *main_id);
void stage_set_layout(struct stage *stage, const struct stage_layout *layout);
void stage_set_background(struct stage *stage, uint32_t rgb);
// Takes picture; NULL removes it. BACKGROUND covers the canvas behind the tiles, LOGO stands small
// (an eighth of the sides at most) in the upper left corner above them, BANNER_PICTURE in a bar
// with the banner's text, or without.
void stage_set_picture(struct stage *stage, enum stage_picture slot, struct picture *picture);
void stage_set_banner(struct stage *stage, const struct stage_banner *banner); // NULL: none
// A red dot and "REC" in the upper right corner, above all.
void stage_set_recording(struct stage *stage, bool is_recording);
// A canvas of another size or rate from the next tick on, as config says (but shows_names). 0 or
// negative errno (-EINVAL: not allowed, as in stage_create); then all is as before. Waits for a
// tick that runs.
int stage_set_canvas(struct stage *stage, const struct stage_config *config);

// v thread only. Composes what is new and encodes it for each tier that somebody watches (bit n of
// watched: tier n); out[n] is a new reference or NULL when there is nothing to send. Unwatched, it
// does nothing at all. 0 or negative errno.
int stage_tick(struct stage *stage, int64_t now_ns, unsigned watched,
               struct packet *out[STAGE_TIERS]);
// v thread only. True, and *view filled, if the view changed since the last call.
bool stage_take_view(struct stage *stage, struct stage_view *view);

// The next tick (but not within 300 ms of the tier's last keyframe) sends a keyframe. Many asks,
// one frame. Any thread.
void stage_request_keyframe(struct stage *stage, int tier);
// The encoder's target, at most the configured one (0: that). Any thread; the next tick obeys.
void stage_set_tier_kbps(struct stage *stage, int tier, int kbps);

// The composite as a picture, at most width_px wide (0: as it is). It works in an unwatched room
// too. *file is malloc'ed for the caller. 0 or negative errno.
int stage_snapshot(struct stage *stage, int64_t now_ns, int width_px, enum picture_format format,
                   uint8_t **file, size_t *size_bytes);

void stage_get_stats(struct stage *stage, struct stage_stats *out);

#endif

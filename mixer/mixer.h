// SPDX-License-Identifier: MIT
// One room's mixer: encoded packets with timestamps in, encoded packets with timestamps out.
// Owns the two tick threads, `v:<room>` (video) and `a:<room>` (audio, 20 ms), and the stage and
// the desk that they drive. Create, destroy, add, remove and set belong to the control loop; push
// comes from the members' streaming threads; what else may come from where stands at each function.
// All times are CLOCK_MONOTONIC in nanoseconds: the room clock.
#ifndef MIXER_MIXER_H
#define MIXER_MIXER_H

#include "mixer/audio/clip.h"
#include "mixer/audio/desk.h"
#include "mixer/histogram.h"
#include "mixer/packet.h"
#include "mixer/video/stage.h"

struct mixer;
struct mixer_member;

struct mixer_config {
    struct stage_config video;
    struct desk_config audio;
};

// Called on the tick threads without a lock held; short work only: post it to the control loop.
struct mixer_ops {
    void (*on_view)(void *user, const struct stage_view *view);
    void (*on_speaking)(void *user, const struct desk_speaking *speaking);
};

struct mixer_member_ops {
    void (*on_video)(void *user, struct packet *packet);          // v thread; borrows
    void (*on_audio)(void *user, struct packet *packet);          // a thread; borrows
    void (*on_keyframe_wanted)(void *user, enum video_role role); // any media thread
    void (*release)(void *user); // once, when no callback can come any more; any thread
};

struct mixer_stats {
    struct stage_stats video;
    struct desk_stats audio;
    uint64_t video_ticks, video_ticks_late, video_ticks_skipped, audio_ticks_late;
    struct histogram_counts video_lateness, audio_lateness; // of the ticks
};

// name is the room's, for the threads' names. user must live until mixer_destroy() returns.
int mixer_create(const char *name, const struct mixer_config *config, const struct mixer_ops *ops,
                 void *user, struct mixer **out);
// Stops and joins the threads. Members must be removed before. NULL is allowed.
void mixer_destroy(struct mixer *mixer);

int mixer_add_member(struct mixer *mixer, const char *id, const struct stage_look *look,
                     const struct mixer_member_ops *ops, void *user, struct mixer_member **out);
// Takes the caller's reference and the member out of picture and sound. Whoever else holds a
// reference (a streaming thread on its way in) may go on pushing: it has no effect any more.
void mixer_remove_member(struct mixer_member *member);
struct mixer_member *mixer_member_ref(struct mixer_member *member); // returns a new reference
void mixer_member_unref(struct mixer_member *member);               // NULL is allowed

void mixer_set_look(struct mixer_member *member, const struct stage_look *look);
// What this member receives. A change of tier asks for a keyframe of the new one, and the old one
// goes on until that is there. A tier's encoder aims at what the best of its members can take.
struct mixer_reception {
    bool video, audio;
    int tier;               // 0 .. STAGE_TIERS - 1
    int layers;             // 1 .. STAGE_LAYERS
    int video_kbps;         // what the link can take of video; 0: not known, as much as there is
    bool is_thrifty;        // sound in long packets of few bits
    int audio_loss_percent; // of what we send, for the FEC in it
};
void mixer_set_reception(struct mixer_member *member, const struct mixer_reception *reception);
// Between 0 and 2: how loud the others hear this member. 1 at first.
void mixer_set_volume(struct mixer_member *member, double volume);
void mixer_set_layout(struct mixer *mixer, const struct stage_layout *layout);
void mixer_set_background(struct mixer *mixer, uint32_t rgb);
void mixer_set_picture(struct mixer *mixer, enum stage_picture slot,
                       struct picture *picture); // takes it; NULL: none
void mixer_set_banner(struct mixer *mixer, const struct stage_banner *banner); // NULL: none
void mixer_set_recording(struct mixer *mixer, bool is_recording); // marked in the picture
// A canvas of another size, rate or bitrates while all goes on. 0 or negative errno; then all is as
// before.
int mixer_set_canvas(struct mixer *mixer, const struct stage_config *config);
// Everybody hears the clip besides the others; one at a time, a new one takes its place. Takes
// clip.
void mixer_play(struct mixer *mixer, struct clip *clip, double volume);
void mixer_stop_playing(struct mixer *mixer);
bool mixer_is_playing(struct mixer *mixer);

// Streaming threads. 0, -EINVAL for what cannot be decoded, -ESTALE after the removal.
int mixer_push_video(struct mixer_member *member, enum video_role role, enum video_codec codec,
                     const void *data, size_t size_bytes, int64_t pts_ns, int64_t arrival_ns,
                     int rotation);
void mixer_push_video_lost(struct mixer_member *member, enum video_role role);
int mixer_push_audio(struct mixer_member *member, const void *data, size_t size_bytes,
                     int64_t pts_ns, int64_t arrival_ns);
void mixer_push_audio_lost(struct mixer_member *member, int64_t pts_ns, int64_t duration_ns);

// Any thread.
void mixer_request_keyframe(
    struct mixer_member *member); // of the composite, by one who receives it
int mixer_snapshot(struct mixer *mixer, int width_px, enum picture_format format, uint8_t **file,
                   size_t *size_bytes);
void mixer_get_stats(struct mixer *mixer, struct mixer_stats *out);
void mixer_get_member_audio_stats(struct mixer_member *member, struct desk_channel_stats *out);
int64_t mixer_now_ns(void);

#endif

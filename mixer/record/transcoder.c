// SPDX-License-Identifier: MIT
// Owns the two tracks and keeps them together: what one of them has heard of the time lets the
// other fill its holes, once nothing older can be on its way any more.
#include "mixer/record/transcoder.h"

#include "mixer/record/picture_track.h"
#include "mixer/record/sound_track.h"

#include <errno.h>
#include <stdlib.h>

enum { DEFAULT_AUDIO_KBPS = 96 };

// A picture comes when it is encoded, sound in packets of up to 60 ms: neither is later than this.
#define HOLD_NS             INT64_C(300000000)
#define DEFAULT_KEYFRAME_NS INT64_C(2000000000)
#define DEFAULT_REPEAT_NS   INT64_C(500000000)

struct transcoder {
    transcoder_out *out;
    void *user;
    struct picture_track *picture; // NULL: sound only
    struct sound_track *sound;
    bool has_begun;
    int64_t begin_ns, newest_ns;
};

static void on_picture(void *user, int64_t pts_ns, int64_t duration_ns, bool is_keyframe,
                       const void *data, size_t size_bytes) {
    struct transcoder *transcoder = user;
    transcoder->out(transcoder->user, MUXER_H264, pts_ns, duration_ns, is_keyframe, data,
                    size_bytes);
}

static void on_sound(void *user, int64_t pts_ns, int64_t duration_ns, const void *data,
                     size_t size_bytes) {
    struct transcoder *transcoder = user;
    transcoder->out(transcoder->user, MUXER_AAC, pts_ns, duration_ns, true, data, size_bytes);
}

static int create_picture(struct transcoder *transcoder, const struct transcoder_config *config) {
    struct picture_track_config picture = {
        .width_px = config->width_px,
        .height_px = config->height_px,
        .fps = config->fps,
        .kbps = config->video_kbps,
        .keyframe_ns = config->keyframe_ns ? config->keyframe_ns : DEFAULT_KEYFRAME_NS,
        .repeat_ns = config->repeat_ns ? config->repeat_ns : DEFAULT_REPEAT_NS,
    };
    return picture_track_create(&picture, on_picture, transcoder, &transcoder->picture);
}

int transcoder_create(const struct transcoder_config *config, transcoder_out *out, void *user,
                      struct transcoder **made) {
    struct transcoder *transcoder = calloc(1, sizeof(*transcoder));
    if (!transcoder)
        return -ENOMEM;
    transcoder->out = out;
    transcoder->user = user;
    int rc = config->has_video ? create_picture(transcoder, config) : 0;
    if (rc == 0)
        rc = sound_track_create(config->audio_kbps ? config->audio_kbps : DEFAULT_AUDIO_KBPS,
                                on_sound, transcoder, &transcoder->sound);
    if (rc) {
        transcoder_destroy(transcoder);
        return rc;
    }
    *made = transcoder;
    return 0;
}

void transcoder_destroy(struct transcoder *transcoder) {
    if (!transcoder)
        return;
    picture_track_destroy(transcoder->picture);
    sound_track_destroy(transcoder->sound);
    free(transcoder);
}

int transcoder_tracks(const struct transcoder *transcoder,
                      struct muxer_track tracks[MUXER_TRACKS_MAX]) {
    int count = 0;
    if (transcoder->picture)
        picture_track_describe(transcoder->picture, &tracks[count++]);
    sound_track_describe(transcoder->sound, &tracks[count++]);
    return count;
}

static void note_time(struct transcoder *transcoder, int64_t pts_ns) {
    if (!transcoder->has_begun) {
        sound_track_begin(transcoder->sound, pts_ns);
        transcoder->begin_ns = transcoder->newest_ns = pts_ns;
        transcoder->has_begun = true;
    }
    if (pts_ns > transcoder->newest_ns)
        transcoder->newest_ns = pts_ns;
}

// Brings both tracks up to what cannot change any more. Before its own packet is pushed, so that
// what came long ago is out before what came now.
static int catch_up(struct transcoder *transcoder) {
    int64_t settled_ns = transcoder->newest_ns - HOLD_NS;
    int rc = sound_track_reach(transcoder->sound, settled_ns);
    if (rc == 0 && transcoder->picture)
        rc = picture_track_reach(transcoder->picture, settled_ns);
    return rc;
}

int transcoder_push(struct transcoder *transcoder, bool is_audio, int64_t pts_ns, bool is_keyframe,
                    const void *data, size_t size_bytes) {
    if (!is_audio && !transcoder->picture)
        return 0;
    note_time(transcoder, pts_ns);
    int rc = catch_up(transcoder);
    if (rc)
        return rc;
    if (is_audio)
        return sound_track_push(transcoder->sound, pts_ns, data, size_bytes);
    int64_t shown_ns = pts_ns > transcoder->begin_ns ? pts_ns : transcoder->begin_ns;
    // Pictures come in order: nothing is before this one any more.
    rc = picture_track_reach(transcoder->picture, shown_ns);
    return rc ? rc : picture_track_push(transcoder->picture, shown_ns, data, size_bytes);
}

int transcoder_finish(struct transcoder *transcoder, int64_t end_ns) {
    note_time(transcoder, end_ns);
    int picture_rc = transcoder->picture ? picture_track_finish(transcoder->picture, end_ns) : 0;
    int sound_rc = sound_track_finish(transcoder->sound, end_ns);
    return picture_rc ? picture_rc : sound_rc;
}

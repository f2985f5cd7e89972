// SPDX-License-Identifier: MIT
// Encoded frames to replay: made once, shared by all clients, immutable after creation, so any
// thread may read them. Whoever creates one destroys it, after every client that borrows it.
#ifndef TESTS_PEER_MEDIA_H
#define TESTS_PEER_MEDIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rgb {
    int r, g, b;
};

struct media_frame {
    uint8_t *data;
    size_t size_bytes;
    bool is_keyframe;
};

// A loop of frames; frame 0 is a keyframe.
struct media {
    int width_px, height_px; // 0 0: sound
    int64_t frame_ns;
    int count;
    struct media_frame *frames;
};

// Paints picture number index of a clip: planes of 4:2:0, the chroma ones half as wide and high.
typedef void (*media_paint)(void *user, int index, int width_px, int height_px, uint8_t *planes[3],
                            const int strides[3]);

// All create and load functions return NULL when it cannot be done.
//
// VP8. colour: one solid colour with a small square wandering along the top edge, so that no two
// frames are the same.
struct media *media_create_colour(struct rgb colour, int width_px, int height_px, int fps);
struct media *media_create_painted(media_paint paint, void *user, int width_px, int height_px,
                                   int fps, int count, int kbps);
// Opus, 20 ms packets. The tone swells four times a second as speech does, so that it is not taken
// for background noise. hz: whole; 0 is silence. The loop is one second, hence seamless.
struct media *media_create_tone(int hz, double peak_dbfs);
struct media *media_create_sound(const int16_t *samples, int count, int kbps); // 48 kHz mono
// The first video or audio stream of an IVF, WebM or Ogg file.
struct media *media_load_video(const char *path);
struct media *media_load_audio(const char *path);
// A deep copy that tests may spoil.
struct media *media_copy(const struct media *media);
// Appends copies of all frames of tail. 0 or negative errno.
int media_append_all(struct media *media, const struct media *tail);
void media_destroy(struct media *media); // NULL is allowed

struct rgb media_colour_from_yuv(double y, double u, double v); // BT.601, limited range
// 0 or -1: "red", "green", … as media_colour_name() gives them.
int media_colour_from_name(const char *name, struct rgb *out);
const char *media_colour_name(int index);              // NULL past the last one
int media_colour_distance(struct rgb a, struct rgb b); // the largest difference of a channel

#endif

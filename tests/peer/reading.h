// SPDX-License-Identifier: MIT
// A recording as anybody downloads it, read back with libavformat, which knows nothing of how it
// came about: every time of a stream rises, it begins with a keyframe, all of it can be decoded.
// These functions assert (cmocka); one thread.
#ifndef TESTS_PEER_READING_H
#define TESTS_PEER_READING_H

#include "tests/peer/client.h"
#include "tests/peer/server.h"

#include <glib.h>

enum { READING_PATH_MAX = 64, READING_RATE_HZ = 48000 };

struct reading {
    double duration_s;               // as the container says, or as it was measured
    bool tells_duration, has_cues;   // as a WebM file does that was finished
    double video_end_s, audio_end_s; // where the last packet of each begins
    int pictures, frames;            // packets, and what the decoder made of them
    int chapters;
    int16_t *sound; // 48 kHz, from its beginning on; g_free() it, or reading_close()
    size_t samples;
    // With reading_open_with_packets() alone: in the file's order, arriving when they are shown.
    GArray *packets; // of struct client_packet, or NULL
};

// To a file of its own, which the caller removes.
void reading_download(struct server *server, const char *id, char path[READING_PATH_MAX]);
void reading_open(const char *path, struct reading *out);
void reading_open_with_packets(const char *path, struct reading *out);
void reading_close(struct reading *reading); // frees what is in it

// Louder than a frequency that nobody sends, by far. At least a quarter of a second.
bool reading_hears(const struct reading *reading, int hz, double from_s, double to_s);
// In any half second from then on: whoever joins is connected a while later.
bool reading_hears_somewhere(const struct reading *reading, int hz, double from_s);
// Beside others: what leaks from their tones is no tone of its own.
bool reading_is_fainter(const struct reading *reading, int hz, double from_s, double to_s,
                        int than_hz);

#endif

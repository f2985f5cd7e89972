// SPDX-License-Identifier: MIT
// What one listener and viewer would have noticed: pauses, repairs and concealment of a steady
// sound, and how the picture moved. Pure; times come in as arguments. Not locked.
//
// The sound is played in thought, by a listener who holds back 60 ms at first, waits when nothing
// is there, and never holds more than 200 ms. A sound that rests would count as pauses: for steady
// ones only.
#ifndef TESTS_PEER_FIGURES_H
#define TESTS_PEER_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FIGURES_FRAMES_KEPT = 128 };

struct figures_view {
    double seconds; // since the beginning, or figures_begin()
    // Sound. A pause is a hole in its timeline that FEC does not fill, or the time that the
    // listener waited, or both in one.
    double audio_gap_ms; // the longest pause, up to now if it lasts
    double audio_heard_ms, audio_repaired_ms, audio_concealed_ms;
    double audio_waited_ms; // the part of the concealed that came too late rather than never
    uint64_t audio_packets, audio_lost, audio_bytes;
    double audio_packet_ms; // length of the newest one
    // Pictures that could be decoded.
    uint64_t frames, video_bytes;
    double freeze_ms; // the longest time without a new one, up to now
    double fps;       // mean
    int fps_least;    // the fewest within any second; -1: no second has passed
    int fps_now;      // within the last second
    int width_px, height_px;
};

struct figures {
    int64_t begin_ns;
    struct figures_view view;
    bool has_audio;
    uint16_t next_sequence;
    uint32_t end_samples;                   // RTP time at which the newest packet ends
    int64_t head_ns;                        // when all that came has been played
    int64_t frames_ns[FIGURES_FRAMES_KEPT]; // a ring, by frames_seen
    uint64_t frames_seen;
    int64_t last_frame_ns; // or the beginning
};

void figures_begin(struct figures *figures, int64_t now_ns); // also: begin anew
// A packet in its order, with the sequence number and the time of its RTP header (48 kHz).
void figures_add_audio(struct figures *figures, const void *data, size_t size_bytes,
                       uint16_t sequence, uint32_t rtp_time, int64_t now_ns);
void figures_add_frame(struct figures *figures, size_t size_bytes, int width_px, int height_px,
                       int64_t now_ns);
void figures_get(const struct figures *figures, struct figures_view *out, int64_t now_ns);

// Whether an Opus packet carries the one before it again, for its repair.
bool figures_has_fec(const uint8_t *data, size_t size_bytes);

#endif

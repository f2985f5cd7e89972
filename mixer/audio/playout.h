// SPDX-License-Identifier: MIT
// One member's playout buffer: takes packets as they arrive and says, each time the player runs
// dry, what comes next: a packet, a hole to fill from the next packet's FEC or by concealment, or
// silence. It sets the delay from capture to play: the fastest transit, plus the jitter's 95th
// percentile (or what twice in ten seconds was too late), plus 4 to 22 ms by the phase of sender
// and tick; growing at once, shrinking slowly. It never cuts sound to keep that delay (the player
// resamples by the error that playout_begin() gives), but for a jump that resampling could not mend
// in time. Opaque data, no lock, no clock: the caller serialises and brings the time.
#ifndef MIXER_AUDIO_PLAYOUT_H
#define MIXER_AUDIO_PLAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PLAYOUT_PACKET_MAX = 4096, PLAYOUT_STEP_SAMPLES = 960, PLAYOUT_QUANTUM_SAMPLES = 120 };

struct playout;

// What the packet's own header says.
struct playout_packet {
    const uint8_t *data;
    size_t size_bytes;
    int samples, frame_samples; // at 48 kHz: of the packet, of one frame in it
    bool has_fec;
};

enum playout_kind {
    PLAYOUT_PACKET,  // decode data
    PLAYOUT_FEC,     // make samples from the redundancy in data
    PLAYOUT_CONCEAL, // make samples from nothing
    PLAYOUT_BREAK,   // the same, and fade them out: what follows is from another time
};

// samples is a multiple of 2.5 ms (PLAYOUT_QUANTUM_SAMPLES).
struct playout_step {
    enum playout_kind kind;
    int samples;
    int skip_samples;   // PACKET: of its beginning, whose time has passed
    int64_t arrival_ns; // PACKET
    size_t size_bytes;
    uint8_t data[PLAYOUT_PACKET_MAX];
};

struct playout_counts {
    uint64_t packets, late, lost, concealed, recovered_by_fec;
};

// How the player should stretch until the next playout_begin().
struct playout_course {
    bool is_playing;   // false: silence or nothing yet, there is nothing to stretch
    int64_t error_ns;  // too much delay (or too little: negative)
    int64_t shrink_ns; // how much of it is new because the target came down
};

struct playout *playout_create(int64_t min_ns, int64_t max_ns);
void playout_destroy(struct playout *playout); // NULL is allowed

void playout_set_min_delay_ns(struct playout *playout, int64_t delay_ns);

// 0; -EINVAL for times or sizes that cannot be; -EEXIST for a duplicate; -ESTALE when too late;
// -ENOBUFS.
int playout_push(struct playout *playout, const struct playout_packet *packet, int64_t pts_ns,
                 int64_t arrival_ns);
void playout_push_lost(struct playout *playout, int64_t pts_ns, int64_t duration_ns);

// Once a tick, before the first playout_take() of it. ahead_ns: what was taken and is not yet
// played. is_quiet: nobody would hear a cut now.
struct playout_course playout_begin(struct playout *playout, int64_t now_ns, int64_t ahead_ns,
                                    bool is_quiet);
// The next piece, which will be heard at play_ns (now plus what is still ahead). Of nothing it
// makes little more than need_samples, in case a packet is only just late.
void playout_take(struct playout *playout, int64_t play_ns, int need_samples,
                  struct playout_step *out);

struct playout_counts playout_counts(const struct playout *playout);
int64_t
playout_delay_ns(const struct playout *playout); // capture to play; 0 before the first packet
int64_t playout_hold_ns(const struct playout *playout); // arrival of the fastest packets to play
int64_t playout_jitter_ns(const struct playout *playout);
int64_t playout_queued_ns(const struct playout *playout); // from the first to the last that waits

#endif

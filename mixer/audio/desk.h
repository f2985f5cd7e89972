// SPDX-License-Identifier: MIT
// The sound of one room: a channel per member with its playout buffer, decoder and speech detector;
// the sum of the loudest, minus self; and the Opus encodes of it. 48 kHz, mono, 20 ms.
//
// It has no thread and reads no clock: the `a:<room>` thread calls desk_tick() every 20 ms with the
// time. Add, remove and set come from the control loop; desk_push() from the member's streaming
// thread. Callbacks run without any lock held.
#ifndef MIXER_AUDIO_DESK_H
#define MIXER_AUDIO_DESK_H

#include "mixer/audio/clip.h"
#include "mixer/histogram.h"
#include "mixer/packet.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DESK_RATE_HZ = 48000, DESK_FRAME_SAMPLES = 960, DESK_ID_MAX = 16, DESK_SPEAKING_MAX = 8 };
#define DESK_FRAME_NS INT64_C(20000000)

struct desk_config {
    int kbps;                               // of each Opus encode; 32
    int thrifty_kbps;                       // for members under pressure; 14, and 4 more with FEC
    int loudest;                            // how many members are heard at once; 3
    int64_t playout_min_ns, playout_max_ns; // 20 .. 120 ms
};

struct desk;
struct desk_channel;

struct desk_channel_ops {
    // The mix for this member: a thread, 20 ms each, 60 if it is thrifty; in silence most are left
    // out, but never 400 ms of them. Borrows the packet.
    void (*on_audio)(void *user, struct packet *packet);
    // The desk holds no pointer to user any more.
    void (*release)(void *user);
};

struct desk_stats {
    uint64_t ticks, encodes;
    int64_t tick_ns;                       // sum
    struct histogram_counts playout_delay; // of each channel that sounds, once a second
};

struct desk_channel_stats {
    uint64_t packets, late, lost, concealed, recovered_by_fec;
    int64_t playout_ns, jitter_ns; // what the playout buffer holds, what it measured
    double drift_ppm;              // sender's clock against ours
    double level_dbfs;             // of the last frame
    bool is_speaking;
};

struct desk *desk_create(const struct desk_config *config);
void desk_destroy(struct desk *desk); // NULL is allowed; channels must be removed before

struct desk_channel *desk_add(struct desk *desk, const char *id, const struct desk_channel_ops *ops,
                              void *user);
// Takes the channel. release() may come later, when a tick or push that still runs is over.
void desk_remove(struct desk *desk, struct desk_channel *channel);

// Both false at first.
void desk_set_muted(struct desk_channel *channel, bool is_muted);
void desk_set_listening(struct desk_channel *channel, bool is_listening);
// This listener's link is narrow: 60 ms a packet, thrifty_kbps. One more encode is shared by all
// such who are not in the mix. A change costs no gap.
void desk_set_thrifty(struct desk_channel *channel, bool is_thrifty);
// How loud this one is in the mix, 0 to 2; 1 at first. A seat among the loudest and the floor go by
// what the others hear, so the volume counts there: who is turned down does not keep out those who
// can be heard, and 0 is the same as muted. Whether somebody speaks at all is judged before it.
void desk_set_volume(struct desk_channel *channel, double volume);
// How much of what is sent to this listener gets lost: an encode's FEC follows the worst of its
// listeners. 0 .. 100.
void desk_set_loss_percent(struct desk_channel *channel, int percent);
// Lip sync: never play this member earlier than this after capture. 0 .. 500 ms.
void desk_set_min_delay_ns(struct desk_channel *channel, int64_t delay_ns);

// Takes the clip and puts it into everybody's mix from the next tick on, instead of one that still
// plays; NULL ends that one (within a few ms, without a click). It counts to no speaker, and its
// time passes while nobody listens too. volume: 0 to 2. Any thread, as the next one.
void desk_play(struct desk *desk, struct clip *clip, double volume);
bool desk_is_playing(struct desk *desk);

// One Opus packet. pts_ns (capture time as sender reports tell it) and arrival_ns on the room
// clock. 0, or -EINVAL for what is no Opus.
int desk_push(struct desk_channel *channel, const void *data, size_t size_bytes, int64_t pts_ns,
              int64_t arrival_ns);
// The transport gave a packet up: the next one's FEC, else concealment fills its place.
void desk_push_lost(struct desk_channel *channel, int64_t pts_ns, int64_t duration_ns);

// a thread only: one 20 ms step. Nobody listening: buffers are drained, nothing is mixed or
// encoded.
int desk_tick(struct desk *desk, int64_t now_ns);

// a thread only. True if the set of speakers or the main one changed since the last call. ids point
// into the out array's own storage.
struct desk_speaking {
    int count;
    char ids[DESK_SPEAKING_MAX][DESK_ID_MAX];
    char main_id[DESK_ID_MAX]; // who holds the floor, "" before anybody spoke
};
bool desk_take_speaking(struct desk *desk, struct desk_speaking *out);

// The time from capture to being in the mix, now: the audio side of lip sync. 0 before any sound.
int64_t desk_delay_ns(struct desk_channel *channel);

void desk_get_stats(struct desk *desk, struct desk_stats *out);
void desk_get_channel_stats(struct desk_channel *channel, struct desk_channel_stats *out);

#endif

// SPDX-License-Identifier: MIT
// One tick: pull a frame of every channel, choose who is heard, sum, encode, deliver.
//
//   channels --pcm--> mix (loudest N) --sum of all---------> shared outlets --> all who are not
//                                     |                ^                        in it
//                                     `-sum minus self, N--> own outlets ----> each who is
//                                       announcer's clip --^ (in all of them)
//
// Each outlet there is twice: 20 ms a packet, and 60 ms for thrifty listeners. Those of 60 ms all
// begin their packets at the same ticks, and only there does a listener change its kind.
//
// The list of channels is behind a lock that a tick holds only to copy it; a reference keeps each
// channel alive meanwhile. All other state belongs to the tick thread or is atomic.
#include "mixer/audio/desk.h"

#include "mixer/audio/announcer.h"
#include "mixer/audio/channel.h"
#include "mixer/audio/floor.h"
#include "mixer/audio/mix.h"
#include "mixer/audio/outlet.h"
#include "mixer/audio/tail.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { THRIFTY_KBPS = 14, TICKS_PER_SECOND = 50 };
#define PAUSE_NS (3 * DESK_FRAME_NS)

// What one tick works on.
struct round {
    int count, room;
    struct desk_channel **channels;
    struct mix_voice **voices;
    struct floor_voice *floor_voices;
};

struct desk {
    struct desk_config config; // immutable

    // Protected by lock.
    pthread_mutex_t lock;
    int count, room;
    struct desk_channel **channels; // in order of arrival
    uint64_t last_serial;

    // Any thread.
    atomic_uint_fast64_t ticks, encodes;
    atomic_int_fast64_t spent_ns;
    struct histogram playout_delay;
    struct announcer announcer; // guards itself

    // The tick thread's.
    struct round round;
    uint64_t tick;
    int64_t last_ns;  // of the last tick
    int64_t block_ns; // when the 60 ms packets of now began
    struct outlet *shared, *shared_thrifty;
    struct floor floor;
    struct tails tails;
    struct desk_speaking speaking, told;
    float sum[DESK_FRAME_SAMPLES], tail[DESK_FRAME_SAMPLES];
};

static int clamp(int value, int low, int high) {
    return value < low ? low : value > high ? high : value;
}

struct desk *desk_create(const struct desk_config *config) {
    struct desk *desk = calloc(1, sizeof(*desk));
    if (!desk)
        return NULL;
    desk->config = *config;
    desk->config.kbps = clamp(config->kbps, 6, 510);
    // Above 40 libopus would leave SILK, and 60 ms be three frames.
    desk->config.thrifty_kbps =
        config->thrifty_kbps ? clamp(config->thrifty_kbps, 6, 40) : THRIFTY_KBPS;
    desk->config.loudest = clamp(config->loudest, 1, MIX_SEATS_MAX);
    pthread_mutex_init(&desk->lock, NULL);
    announcer_init(&desk->announcer);
    desk->shared = outlet_create(desk->config.kbps, false);
    desk->shared_thrifty = outlet_create(desk->config.thrifty_kbps, true);
    if (!desk->shared || !desk->shared_thrifty) {
        desk_destroy(desk);
        return NULL;
    }
    return desk;
}

void desk_destroy(struct desk *desk) {
    if (!desk)
        return;
    outlet_destroy(desk->shared);
    outlet_destroy(desk->shared_thrifty);
    announcer_finish(&desk->announcer);
    pthread_mutex_destroy(&desk->lock);
    free(desk->channels);
    free(desk->round.channels);
    free(desk->round.voices);
    free(desk->round.floor_voices);
    free(desk);
}

static bool list_append_locked(struct desk *desk, struct desk_channel *channel) {
    if (desk->count == desk->room) {
        int room = desk->room ? 2 * desk->room : 8;
        void *grown = realloc(desk->channels, (size_t)room * sizeof(struct desk_channel *));
        if (!grown)
            return false;
        desk->channels = grown;
        desk->room = room;
    }
    desk->channels[desk->count++] = channel;
    return true;
}

struct desk_channel *desk_add(struct desk *desk, const char *id, const struct desk_channel_ops *ops,
                              void *user) {
    pthread_mutex_lock(&desk->lock);
    uint64_t serial = ++desk->last_serial;
    pthread_mutex_unlock(&desk->lock);
    // Until it is in the list a failure must not release user: the caller learns it from NULL.
    struct desk_channel *channel = channel_create(id, serial, &desk->config, ops, user);
    if (!channel)
        return NULL;
    pthread_mutex_lock(&desk->lock);
    bool is_listed = list_append_locked(desk, channel);
    pthread_mutex_unlock(&desk->lock);
    if (is_listed)
        return channel;
    channel->ops.release = NULL;
    channel_unref(channel);
    return NULL;
}

void desk_remove(struct desk *desk, struct desk_channel *channel) {
    pthread_mutex_lock(&desk->lock);
    for (int i = 0; i < desk->count; i++) {
        if (desk->channels[i] != channel)
            continue;
        desk->count--;
        memmove(&desk->channels[i], &desk->channels[i + 1],
                (size_t)(desk->count - i) * sizeof(struct desk_channel *));
        break;
    }
    pthread_mutex_unlock(&desk->lock);
    atomic_store(&channel->is_removed, true);
    channel_unref(channel);
}

// ---- the tick

static bool grow(void **array, int count, size_t item_bytes) {
    void *grown = realloc(*array, (size_t)count * item_bytes);
    if (grown)
        *array = grown;
    return grown != NULL;
}

static bool round_reserve(struct round *round, int count) {
    if (count <= round->room)
        return true;
    int room = count + 8;
    if (!grow((void **)&round->channels, room, sizeof(*round->channels)) ||
        !grow((void **)&round->voices, room, sizeof(*round->voices)) ||
        !grow((void **)&round->floor_voices, room, sizeof(*round->floor_voices)))
        return false;
    round->room = room;
    return true;
}

// False when out of memory: the tick is left out.
static bool round_open(struct desk *desk) {
    struct round *round = &desk->round;
    pthread_mutex_lock(&desk->lock);
    bool has_room = round_reserve(round, desk->count);
    round->count = has_room ? desk->count : 0;
    for (int i = 0; i < round->count; i++) {
        channel_ref(desk->channels[i]);
        round->channels[i] = desk->channels[i];
        round->voices[i] = &desk->channels[i]->voice;
    }
    pthread_mutex_unlock(&desk->lock);
    return has_room;
}

static void round_close(struct round *round) {
    for (int i = 0; i < round->count; i++)
        channel_unref(round->channels[i]);
    round->count = 0;
}

static bool is_listening(struct desk_channel *channel) {
    return atomic_load(&channel->is_listening) && !atomic_load(&channel->is_removed);
}

static bool pull_all(struct desk *desk, int64_t now_ns) {
    struct round *round = &desk->round;
    bool has_listener = false;
    for (int i = 0; i < round->count; i++)
        has_listener |= is_listening(round->channels[i]);
    for (int i = 0; i < round->count; i++)
        channel_pull(round->channels[i], now_ns, has_listener);
    return has_listener;
}

static bool is_between_blocks(const struct desk *desk) {
    return desk->tick % OUTLET_THRIFTY_TICKS == 0;
}

static bool hears_thrifty(const struct desk *desk, const struct desk_channel *channel) {
    return channel->heard &&
           (channel->heard == desk->shared_thrifty || channel->heard == channel->own_thrifty);
}

static struct outlet *own_outlet(struct desk *desk, struct desk_channel *channel, bool is_thrifty) {
    struct outlet **own = is_thrifty ? &channel->own_thrifty : &channel->own;
    if (!*own)
        *own =
            outlet_create(is_thrifty ? desk->config.thrifty_kbps : desk->config.kbps, is_thrifty);
    return *own;
}

// Which outlet this channel hears. NULL: none.
static struct outlet *outlet_of(struct desk *desk, struct desk_channel *channel) {
    if (!is_listening(channel))
        return NULL;
    bool was_thrifty = hears_thrifty(desk, channel), is_between = is_between_blocks(desk);
    bool is_thrifty = is_between ? atomic_load(&channel->is_thrifty) : was_thrifty;
    if (channel->voice.is_seated)
        return own_outlet(desk, channel, is_thrifty);
    // Who leaves the mix hears its own 60 ms packet to the end: the shared one began with its
    // voice.
    if (!is_between && was_thrifty)
        return channel->heard;
    return is_thrifty ? desk->shared_thrifty : desk->shared;
}

// Moves each listener to its outlet, before any of them goes on.
static void route(struct desk *desk) {
    struct round *round = &desk->round;
    for (int i = 0; i < round->count; i++) {
        struct desk_channel *channel = round->channels[i];
        struct outlet *outlet = outlet_of(desk, channel);
        if (outlet && outlet != channel->heard)
            outlet_welcome(outlet, channel->heard, desk->tick);
        channel->heard = outlet;
    }
}

// FEC for the worst off of each outlet's listeners.
static void follow_loss(struct desk *desk) {
    const struct round *round = &desk->round;
    int shared = 0, shared_thrifty = 0;
    for (int i = 0; i < round->count; i++) {
        struct desk_channel *channel = round->channels[i];
        int percent = atomic_load(&channel->loss_percent);
        if (channel->heard == desk->shared)
            shared = percent > shared ? percent : shared;
        else if (channel->heard == desk->shared_thrifty)
            shared_thrifty = percent > shared_thrifty ? percent : shared_thrifty;
        else if (channel->heard)
            outlet_set_loss_percent(channel->heard, percent);
    }
    outlet_set_loss_percent(desk->shared, shared);
    outlet_set_loss_percent(desk->shared_thrifty, shared_thrifty);
}

// The arrival of what is newest in the mix that this one hears.
static int64_t newest_ns(const struct round *round, const struct desk_channel *except) {
    int64_t newest = 0;
    for (int i = 0; i < round->count; i++) {
        const struct desk_channel *channel = round->channels[i];
        if (channel != except && channel->voice.is_seated && channel->voice.is_open &&
            channel->newest_ns > newest)
            newest = channel->newest_ns;
    }
    return newest;
}

// One mix for one outlet. Returns a new reference, or NULL for nothing to send.
static struct packet *make_packet(struct desk *desk, struct outlet *outlet,
                                  const struct desk_channel *except, int64_t now_ns) {
    uint64_t encodes = 0;
    mix_sum(desk->round.voices, desk->round.count, except ? &except->voice : NULL, desk->sum);
    tails_play(&desk->tails, desk->sum);
    announcer_add(&desk->announcer, desk->sum);
    struct packet *packet = outlet_encode(outlet, desk->sum, desk->tick, &encodes);
    atomic_fetch_add(&desk->encodes, encodes);
    if (!packet)
        return NULL;
    packet->pts_ns = packet->duration_ns > DESK_FRAME_NS ? desk->block_ns : now_ns;
    packet->source_ns = newest_ns(&desk->round, except);
    return packet;
}

static void deliver(struct desk_channel *channel, struct packet *packet) {
    if (packet && channel->ops.on_audio && is_listening(channel))
        channel->ops.on_audio(channel->user, packet);
}

static void deliver_shared(struct desk *desk, struct outlet *outlet, int64_t now_ns) {
    struct round *round = &desk->round;
    struct packet *packet = NULL;
    bool is_made = false;
    for (int i = 0; i < round->count; i++) {
        struct desk_channel *channel = round->channels[i];
        if (channel->heard != outlet)
            continue;
        if (!is_made)
            packet = make_packet(desk, outlet, NULL, now_ns);
        is_made = true;
        deliver(channel, packet);
    }
    packet_unref(packet);
}

static void deliver_own(struct desk *desk, int64_t now_ns) {
    for (int i = 0; i < desk->round.count; i++) {
        struct desk_channel *channel = desk->round.channels[i];
        struct outlet *heard = channel->heard;
        if (!heard || heard == desk->shared || heard == desk->shared_thrifty)
            continue;
        struct packet *packet = make_packet(desk, heard, channel, now_ns);
        deliver(channel, packet);
        packet_unref(packet);
    }
}

static void mix_and_deliver(struct desk *desk, int64_t now_ns) {
    struct round *round = &desk->round;
    mix_choose(round->voices, round->count, desk->config.loudest);
    mix_shape(round->voices, round->count);
    for (int i = 0; i < round->count; i++)
        tails_drop(&desk->tails, round->channels[i]->serial);
    if (is_between_blocks(desk))
        desk->block_ns = now_ns;
    route(desk);
    follow_loss(desk);
    deliver_shared(desk, desk->shared, now_ns);
    deliver_shared(desk, desk->shared_thrifty, now_ns);
    deliver_own(desk, now_ns);
    tails_clear(&desk->tails);
    for (int i = 0; i < round->count; i++) {
        struct desk_channel *channel = round->channels[i];
        if (channel->voice.is_seated && channel->voice.is_open && !channel->voice.is_leaving)
            tails_remember(&desk->tails, channel->serial, channel->pcm);
    }
}

static void forget_mix(struct desk *desk) {
    tails_clear(&desk->tails);
    for (int i = 0; i < desk->round.count; i++) {
        struct desk_channel *channel = desk->round.channels[i];
        channel->voice.is_seated = channel->voice.is_leaving = false;
        channel->heard = NULL;
    }
}

// The desk stood still, for want of listeners or because the machine slept: what is half made is
// of the past.
static void begin_anew(struct desk *desk) {
    forget_mix(desk);
    desk->tick += OUTLET_THRIFTY_TICKS - desk->tick % OUTLET_THRIFTY_TICKS;
}

// ---- who speaks

// More than fit: those in the mix come first. In order of arrival, so that a set has one form.
static void list_speaking(struct desk *desk) {
    const struct round *round = &desk->round;
    struct desk_speaking *speaking = &desk->speaking;
    int seated = 0;
    for (int i = 0; i < round->count; i++)
        seated += round->channels[i]->speech.is_speaking && round->channels[i]->voice.is_seated;
    int others = seated < DESK_SPEAKING_MAX ? DESK_SPEAKING_MAX - seated : 0;
    memset(speaking, 0, sizeof(*speaking));
    for (int i = 0; i < round->count && speaking->count < DESK_SPEAKING_MAX; i++) {
        const struct desk_channel *channel = round->channels[i];
        if (!channel->speech.is_speaking)
            continue;
        if (!channel->voice.is_seated && others-- <= 0)
            continue;
        memcpy(speaking->ids[speaking->count++], channel->id, DESK_ID_MAX);
    }
}

static void note_speakers(struct desk *desk) {
    struct round *round = &desk->round;
    for (int i = 0; i < round->count; i++) {
        const struct desk_channel *channel = round->channels[i];
        round->floor_voices[i] = (struct floor_voice){channel->serial, channel->speech.is_speaking,
                                                      channel->voice.loudness_dbfs};
    }
    floor_update(&desk->floor, round->floor_voices, round->count, DESK_FRAME_NS);
    list_speaking(desk);
    for (int i = 0; i < round->count; i++)
        if (round->channels[i]->serial == desk->floor.holder)
            memcpy(desk->speaking.main_id, round->channels[i]->id, DESK_ID_MAX);
}

bool desk_take_speaking(struct desk *desk, struct desk_speaking *out) {
    *out = desk->speaking;
    if (memcmp(&desk->speaking, &desk->told, sizeof(desk->told)) == 0)
        return false;
    desk->told = desk->speaking;
    return true;
}

// Only a figure: nothing that is heard depends on it.
static int64_t clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

// Of who is to be heard: the buffer of a silent one says nothing about sound.
static void count_playout(struct desk *desk) {
    for (int i = 0; i < desk->round.count; i++) {
        const struct desk_channel *channel = desk->round.channels[i];
        if (channel->voice.is_open)
            histogram_add(&desk->playout_delay, channel->hold_ns);
    }
}

int desk_tick(struct desk *desk, int64_t now_ns) {
    int64_t begun_ns = clock_ns();
    if (!round_open(desk))
        return -ENOMEM;
    if (now_ns - desk->last_ns > PAUSE_NS)
        begin_anew(desk);
    desk->last_ns = now_ns;
    announcer_advance(&desk->announcer);
    if (pull_all(desk, now_ns))
        mix_and_deliver(desk, now_ns);
    else
        forget_mix(desk);
    note_speakers(desk);
    if (atomic_fetch_add(&desk->ticks, 1) % TICKS_PER_SECOND == 0)
        count_playout(desk);
    round_close(&desk->round);
    desk->tick++;
    atomic_fetch_add(&desk->spent_ns, clock_ns() - begun_ns);
    return 0;
}

void desk_get_stats(struct desk *desk, struct desk_stats *out) {
    *out = (struct desk_stats){.ticks = atomic_load(&desk->ticks),
                               .encodes = atomic_load(&desk->encodes),
                               .tick_ns = atomic_load(&desk->spent_ns)};
    histogram_sum(&desk->playout_delay, &out->playout_delay);
}

// ---- the room's own sound

void desk_play(struct desk *desk, struct clip *clip, double volume) {
    announcer_play(&desk->announcer, clip, volume);
}

bool desk_is_playing(struct desk *desk) {
    return atomic_load(&desk->announcer.is_playing);
}

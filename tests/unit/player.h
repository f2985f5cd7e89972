// SPDX-License-Identifier: MIT
// A sender, a network and a player on made-up clocks: the playout buffer, the drift loop and the
// resampler as a channel joins them, but with a tone in place of Opus, so that half an hour takes a
// second. A packet's data is the number of its first sample. Include once per program.
#ifndef TESTS_UNIT_PLAYER_H
#define TESTS_UNIT_PLAYER_H

#include "mixer/audio/drift.h"
#include "mixer/audio/playout.h"
#include "mixer/audio/resampler.h"
#include "tests/unit/tone.h"

#include <stdbool.h>
#include <stdlib.h>

// 440 Hz repeats after 1200 samples: half an hour of it comes from a table.
enum { PLAYER_FRAME = 960, PLAYER_PERIOD = 1200, AIR_MAX = 64 };
#define PLAYER_HZ 440.0

struct player {
    struct playout *playout;
    struct resampler resampler;
    struct drift drift;
    struct playout_step step;
    float tone[PLAYER_PERIOD];
    bool is_quiet;
    int packets, skipped_samples, conceals, fecs, breaks; // steps of each kind
    int64_t last_sample;                                  // the first of the packet taken last
    int out_of_order;
    struct playout_course course;
};

// One packet in the air.
struct air {
    bool is_flying, is_loss;
    int64_t pts_ns, arrival_ns, first_sample;
    int samples;
};

struct network {
    struct air air[AIR_MAX];
};

__attribute__((unused)) static void player_init(struct player *player) {
    memset(player, 0, sizeof(*player));
    player->playout = playout_create(20 * TONE_MS, 120 * TONE_MS);
    tone_fill(player->tone, PLAYER_PERIOD, PLAYER_HZ, 0.5, 0);
    player->last_sample = -1;
    resampler_init(&player->resampler);
}

__attribute__((unused)) static void player_finish(struct player *player) {
    playout_destroy(player->playout);
}

__attribute__((unused)) static int player_push(struct player *player, int64_t first_sample,
                                               int samples, int64_t pts_ns, int64_t arrival_ns) {
    struct playout_packet packet = {.data = (const uint8_t *)&first_sample,
                                    .size_bytes = sizeof(first_sample),
                                    .samples = samples,
                                    .frame_samples = samples,
                                    .has_fec = true};
    return playout_push(player->playout, &packet, pts_ns, arrival_ns);
}

__attribute__((unused)) static int player_decode(struct player *player, float *out) {
    const struct playout_step *step = &player->step;
    if (step->kind != PLAYOUT_PACKET) {
        player->conceals += step->kind == PLAYOUT_CONCEAL;
        player->fecs += step->kind == PLAYOUT_FEC;
        player->breaks += step->kind == PLAYOUT_BREAK;
        memset(out, 0, (size_t)step->samples * sizeof(float));
        return step->samples;
    }
    int64_t first;
    memcpy(&first, step->data, sizeof(first));
    player->packets++;
    player->skipped_samples += step->skip_samples;
    player->out_of_order += first <= player->last_sample;
    player->last_sample = first;
    int count = step->samples - step->skip_samples;
    int at = (int)((first + step->skip_samples) % PLAYER_PERIOD);
    for (int i = 0; i < count; i++, at = at + 1 < PLAYER_PERIOD ? at + 1 : 0)
        out[i] = player->tone[at];
    return count;
}

__attribute__((unused)) static int64_t player_ahead_ns(const struct player *player) {
    return (int64_t)(resampler_ahead(&player->resampler) * 1e9 / TONE_RATE);
}

__attribute__((unused)) static void player_tick(struct player *player, int64_t now_ns, float *out) {
    player->course =
        playout_begin(player->playout, now_ns, player_ahead_ns(player), player->is_quiet);
    double speed = player->course.is_playing ? drift_update(&player->drift, player->course.error_ns,
                                                            player->course.shrink_ns, 20 * TONE_MS)
                                             : drift_idle(&player->drift);
    int missing;
    while ((missing = resampler_missing(&player->resampler, PLAYER_FRAME, speed)) > 0) {
        int room;
        float *space = resampler_space(&player->resampler, &room);
        if (room < 5760)
            abort();
        playout_take(player->playout, now_ns + player_ahead_ns(player), missing, &player->step);
        resampler_wrote(&player->resampler, player_decode(player, space));
    }
    resampler_read(&player->resampler, PLAYER_FRAME, speed, out);
}

__attribute__((unused)) static void network_send(struct network *network, struct air packet) {
    for (int i = 0; i < AIR_MAX; i++)
        if (!network->air[i].is_flying) {
            packet.is_flying = true;
            network->air[i] = packet;
            return;
        }
    abort();
}

// Hands over what has arrived by now, in order of arrival.
__attribute__((unused)) static void network_deliver(struct network *network, struct player *player,
                                                    int64_t now_ns) {
    for (;;) {
        struct air *first = NULL;
        for (int i = 0; i < AIR_MAX; i++) {
            struct air *air = &network->air[i];
            if (air->is_flying && air->arrival_ns <= now_ns &&
                (!first || air->arrival_ns < first->arrival_ns))
                first = air;
        }
        if (!first)
            return;
        first->is_flying = false;
        if (first->is_loss)
            playout_push_lost(player->playout, first->pts_ns, first->samples * TONE_MS / 48);
        else
            player_push(player, first->first_sample, first->samples, first->pts_ns,
                        first->arrival_ns);
    }
}

#endif

// SPDX-License-Identifier: MIT
#include "tests/peer/watch.h"

#include "tests/peer/sight.h"

#include <glib.h>
#include <math.h>
#include <opus.h>
#include <stdlib.h>

enum {
    RATE_HZ = 48000,
    BLOCK_SAMPLES = RATE_HZ / 400,
    SAMPLES_MAX = 5760,
    BEEP_HZ = 1000,
    LOUD = 2500,
    BRIGHT = 130,
    SOUND_BEFORE_MS = 45,
    SOUND_AFTER_MS = 125,
    REST_MS = 400,  // dark or still for so long before
    APART_MS = 500, // a flash and a beep further apart are not of one moment
};

struct event {
    int64_t timeline_ns, arrival_ns;
};

struct events {
    struct event all[WATCH_EVENTS_MAX];
    int count;
    int64_t last_high_ns; // on the timeline; 0: never
};

// Told of each moment that is bright or loud: the first after a rest is an event.
static void note_high(struct events *events, int64_t timeline_ns, int64_t arrival_ns) {
    bool is_first = timeline_ns - events->last_high_ns > REST_MS * INT64_C(1000000);
    if (is_first && events->last_high_ns && events->count < WATCH_EVENTS_MAX)
        events->all[events->count++] = (struct event){timeline_ns, arrival_ns};
    events->last_high_ns = timeline_ns;
}

static void look(struct sight *sight, const struct client_packet *packet,
                 const struct client_rect *at, struct events *flashes) {
    struct rgb rgb;
    sight_push(sight, packet->data, packet->size_bytes);
    if (sight_colour_at(sight, at->x + at->width * 3 / 8, at->y + at->height * 3 / 8, at->width / 4,
                        at->height / 4, &rgb) == 0 &&
        rgb.g > BRIGHT)
        note_high(flashes, packet->pts_ns, packet->arrival_ns);
}

// One bin of a discrete Fourier transform: of other voices, it is blind to those 400 Hz apart, and
// 800, 1200, ...
static bool has_beep(const int16_t *samples) {
    double re = 0, im = 0;
    for (int i = 0; i < BLOCK_SAMPLES; i++) {
        double turn = 2 * M_PI * BEEP_HZ * i / RATE_HZ;
        re += samples[i] * cos(turn);
        im += samples[i] * sin(turn);
    }
    return 2 * sqrt(re * re + im * im) / BLOCK_SAMPLES > LOUD;
}

static void listen(OpusDecoder *decoder, const struct client_packet *packet, struct events *beeps) {
    int16_t samples[SAMPLES_MAX];
    int got =
        opus_decode(decoder, packet->data, (opus_int32)packet->size_bytes, samples, SAMPLES_MAX, 0);
    for (int at = 0; at + BLOCK_SAMPLES <= got; at += BLOCK_SAMPLES)
        if (has_beep(samples + at)) {
            int64_t offset_ns = at * INT64_C(1000000000) / RATE_HZ;
            note_high(beeps, packet->pts_ns + offset_ns, packet->arrival_ns + offset_ns);
        }
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static struct watch_skew summarise(double *skews_ms, int count) {
    if (count == 0)
        return (struct watch_skew){-INFINITY, NAN, INFINITY, 0};
    qsort(skews_ms, (size_t)count, sizeof(*skews_ms), by_size);
    int outside = 0;
    for (int i = 0; i < count; i++)
        outside += skews_ms[i] < -SOUND_BEFORE_MS || skews_ms[i] > SOUND_AFTER_MS;
    return (struct watch_skew){skews_ms[0], skews_ms[count / 2], skews_ms[count - 1], outside};
}

struct watch_skew watch_skew_of(const struct watch_pair *pairs, int count) {
    double skews_ms[WATCH_EVENTS_MAX];
    for (int i = 0; i < count; i++)
        skews_ms[i] = (double)(pairs[i].beep_ns - pairs[i].flash_ns) / 1e6;
    return summarise(skews_ms, count);
}

static const struct event *nearest(const struct events *beeps, int64_t timeline_ns) {
    const struct event *best = NULL;
    int64_t best_ns = APART_MS * INT64_C(1000000);
    for (int i = 0; i < beeps->count; i++) {
        int64_t apart_ns = llabs(beeps->all[i].timeline_ns - timeline_ns);
        if (apart_ns < best_ns) {
            best_ns = apart_ns;
            best = &beeps->all[i];
        }
    }
    return best;
}

static void pair_up(const struct events *flashes, const struct events *beeps, int64_t from_ns,
                    struct watch *out) {
    double arrival_ms[WATCH_EVENTS_MAX];
    for (int i = 0; i < flashes->count; i++) {
        const struct event *flash = &flashes->all[i], *beep = nearest(beeps, flash->timeline_ns);
        if (!beep || flash->arrival_ns < from_ns)
            continue;
        out->all[out->pairs] = (struct watch_pair){flash->timeline_ns, beep->timeline_ns};
        arrival_ms[out->pairs++] = (double)(beep->arrival_ns - flash->arrival_ns) / 1e6;
    }
    out->timeline = watch_skew_of(out->all, out->pairs);
    out->arrival = summarise(arrival_ms, out->pairs);
}

static const struct client_rect *place_at(const struct watch_place *places, int count, int64_t ns) {
    int i = 0;
    while (i + 1 < count && places[i + 1].from_ns <= ns)
        i++;
    return &places[i].at;
}

void watch_flashes(const struct client_packet *packets, int count, const struct watch_place *places,
                   int place_count, int64_t settle_ns, struct watch *out) {
    int error;
    struct sight *sight = sight_create();
    OpusDecoder *decoder = opus_decoder_create(RATE_HZ, 1, &error);
    struct events *flashes = g_new0(struct events, 1), *beeps = g_new0(struct events, 1);
    *out = (struct watch){0};
    for (int i = 0; sight && decoder && i < count; i++) {
        if (packets[i].is_audio)
            listen(decoder, &packets[i], beeps);
        else
            look(sight, &packets[i], place_at(places, place_count, packets[i].pts_ns), flashes);
    }
    out->flashes = flashes->count;
    out->beeps = beeps->count;
    pair_up(flashes, beeps, count > 0 ? packets[0].arrival_ns + settle_ns : 0, out);
    sight_destroy(sight);
    opus_decoder_destroy(decoder);
    g_free(flashes);
    g_free(beeps);
}

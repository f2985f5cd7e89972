// SPDX-License-Identifier: MIT
#include "tests/bench/pitches.h"

#include "tests/peer/hearing.h"

#include <errno.h>
#include <glib.h>
#include <math.h>
#include <opus.h>
#include <string.h>

enum {
    RATE_HZ = 48000,
    SEGMENT_SAMPLES = RATE_HZ / 5,
    LOOP_SAMPLES = PITCHES * SEGMENT_SAMPLES,
    WINDOW_SAMPLES = RATE_HZ / 100,
    HOP_SAMPLES = RATE_HZ / 1000,
    CLEAR_SAMPLES = RATE_HZ * 25 / 1000, // this long before and after, one pitch must be alone
    CLEAR_TIMES = 3,
};

static const int pitches_hz[PITCHES] = {700, 1500, 900, 1900, 1100, 2300, 800, 1700, 1000, 2100};

struct pitches_heard {
    int16_t *samples;
    int64_t *arrivals_ns; // one per packet of PITCHES_PACKET_SAMPLES
    int packets;
};

struct media *pitches_create(void) {
    int16_t *samples = g_new(int16_t, LOOP_SAMPLES);
    double phase = 0;
    for (int i = 0; i < LOOP_SAMPLES; i++) {
        // A slow swell, or it would be background noise to whoever looks for speech.
        double swell = 0.8 - 0.2 * cos(2 * M_PI * 4 * i / RATE_HZ);
        phase += 2 * M_PI * pitches_hz[i / SEGMENT_SAMPLES] / RATE_HZ;
        samples[i] = (int16_t)(0.5 * 32767 * swell * sin(phase));
    }
    struct media *media = media_create_sound(samples, LOOP_SAMPLES, 64);
    g_free(samples);
    return media;
}

// --- finding ---

static double loudness(const int16_t *samples, int64_t centre, int pitch) {
    return hearing_goertzel(samples + centre - WINDOW_SAMPLES / 2, WINDOW_SAMPLES,
                            pitches_hz[pitch], RATE_HZ);
}

static bool is_clear(const int16_t *samples, int64_t at, int old, int new) {
    double before = loudness(samples, at - CLEAR_SAMPLES, old),
           wrong_before = loudness(samples, at - CLEAR_SAMPLES, new),
           after = loudness(samples, at + CLEAR_SAMPLES, new),
           wrong_after = loudness(samples, at + CLEAR_SAMPLES, old);
    return before > CLEAR_TIMES * wrong_before && after > CLEAR_TIMES * wrong_after &&
           before > 0.01 && after > 0.01;
}

// The sample where the new pitch becomes louder than the old one; -1: nowhere.
static int64_t find_change(const int16_t *samples, int64_t count, int pitch, int64_t from,
                           int64_t to) {
    int old = (pitch + PITCHES - 1) % PITCHES;
    int64_t margin = CLEAR_SAMPLES + WINDOW_SAMPLES;
    for (int64_t at = MAX(from, margin); at < MIN(to, count - margin); at += HOP_SAMPLES)
        if (loudness(samples, at, pitch) > loudness(samples, at, old) &&
            loudness(samples, at - HOP_SAMPLES, pitch) <=
                loudness(samples, at - HOP_SAMPLES, old) &&
            is_clear(samples, at, old, pitch))
            return at;
    return -1;
}

static int decode_into(OpusDecoder *decoder, const void *data, size_t size_bytes, int16_t *out) {
    int got = opus_decode(decoder, data, (opus_int32)size_bytes, out, PITCHES_PACKET_SAMPLES, 0);
    return got == PITCHES_PACKET_SAMPLES ? 0 : -EINVAL;
}

int pitches_find_in_loop(const struct media *loop, struct pitch_changes *out) {
    int error, result = 0;
    OpusDecoder *decoder = opus_decoder_create(RATE_HZ, 1, &error);
    // Twice round: the change to the first pitch is at the seam.
    int16_t *samples = g_new0(int16_t, 2 * LOOP_SAMPLES);
    for (int i = 0; decoder && result == 0 && i < 2 * loop->count; i++) {
        const struct media_frame *frame = &loop->frames[i % loop->count];
        result = decode_into(decoder, frame->data, frame->size_bytes,
                             samples + i * PITCHES_PACKET_SAMPLES);
    }
    for (int pitch = 0; decoder && result == 0 && pitch < PITCHES; pitch++) {
        int64_t around = (pitch ? pitch : PITCHES) * SEGMENT_SAMPLES;
        int64_t at = find_change(samples, 2 * LOOP_SAMPLES, pitch, around - SEGMENT_SAMPLES / 2,
                                 around + SEGMENT_SAMPLES / 2);
        out->at_samples[pitch] = at % LOOP_SAMPLES;
        result = at < 0 ? -EINVAL : 0;
    }
    opus_decoder_destroy(decoder);
    g_free(samples);
    return decoder ? result : -ENOMEM;
}

// --- hearing ---

static int audio_count(const struct client_packet *packets, int count) {
    int found = 0;
    for (int i = 0; i < count; i++)
        found += packets[i].is_audio;
    return found;
}

struct pitches_heard *pitches_decode(const struct client_packet *packets, int count) {
    int error, total = audio_count(packets, count);
    OpusDecoder *decoder = total > 0 ? opus_decoder_create(RATE_HZ, 1, &error) : NULL;
    if (!decoder)
        return NULL;
    struct pitches_heard *heard = g_new0(struct pitches_heard, 1);
    heard->samples = g_new0(int16_t, (gsize)total * PITCHES_PACKET_SAMPLES);
    heard->arrivals_ns = g_new0(int64_t, (gsize)total);
    for (int i = 0; i < count; i++) {
        if (!packets[i].is_audio)
            continue;
        decode_into(decoder, packets[i].data, packets[i].size_bytes,
                    heard->samples + heard->packets * PITCHES_PACKET_SAMPLES);
        heard->arrivals_ns[heard->packets++] = packets[i].arrival_ns;
    }
    opus_decoder_destroy(decoder);
    return heard;
}

void pitches_heard_destroy(struct pitches_heard *heard) {
    if (!heard)
        return;
    g_free(heard->samples);
    g_free(heard->arrivals_ns);
    g_free(heard);
}

int64_t pitches_find(const struct pitches_heard *heard, int pitch, int64_t from_ns, int64_t to_ns) {
    int first = 0, last;
    while (first < heard->packets && heard->arrivals_ns[first] < from_ns - INT64_C(20000000))
        first++;
    for (last = first; last < heard->packets && heard->arrivals_ns[last] < to_ns; last++)
        ;
    int64_t at = find_change(heard->samples, (int64_t)heard->packets * PITCHES_PACKET_SAMPLES,
                             pitch, (int64_t)first * PITCHES_PACKET_SAMPLES,
                             (int64_t)last * PITCHES_PACKET_SAMPLES);
    if (at < 0)
        return 0;
    return heard->arrivals_ns[at / PITCHES_PACKET_SAMPLES] +
           at % PITCHES_PACKET_SAMPLES * INT64_C(1000000) / 48;
}

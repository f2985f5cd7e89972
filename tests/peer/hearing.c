// SPDX-License-Identifier: MIT
// A ring of packets. Listening decodes the newest of them with a fresh decoder, whose first packets
// only bring it up to the state that the real one would have.
#include "tests/peer/hearing.h"

#include <errno.h>
#include <glib.h>
#include <math.h>
#include <opus.h>
#include <string.h>

enum {
    RATE_HZ = 48000,
    PACKETS_MAX = 100,
    PACKET_BYTES_MAX = 1500,
    PACKET_SAMPLES_MAX = 5760,
    WINDOW_SAMPLES = RATE_HZ / 2,
    WARM_PACKETS = 10,
    TONE_SAMPLES = RATE_HZ / 20,
};

struct packet {
    size_t size_bytes;
    uint8_t data[PACKET_BYTES_MAX];
};

struct hearing {
    GMutex lock; // protects all
    struct packet ring[PACKETS_MAX];
    uint64_t count;
};

struct hearing *hearing_create(void) {
    struct hearing *hearing = g_new0(struct hearing, 1);
    g_mutex_init(&hearing->lock);
    return hearing;
}

void hearing_destroy(struct hearing *hearing) {
    if (!hearing)
        return;
    g_mutex_clear(&hearing->lock);
    g_free(hearing);
}

void hearing_push(struct hearing *hearing, const void *data, size_t size_bytes) {
    if (size_bytes > PACKET_BYTES_MAX)
        return;
    g_mutex_lock(&hearing->lock);
    struct packet *packet = &hearing->ring[hearing->count++ % PACKETS_MAX];
    packet->size_bytes = size_bytes;
    memcpy(packet->data, data, size_bytes);
    g_mutex_unlock(&hearing->lock);
}

void hearing_forget(struct hearing *hearing) {
    g_mutex_lock(&hearing->lock);
    hearing->count = 0;
    g_mutex_unlock(&hearing->lock);
}

enum { PACKETS_WANTED = WINDOW_SAMPLES / (RATE_HZ / 50) + WARM_PACKETS };

// A copy, so that decoding holds up nobody. NULL when too little has come.
static struct packet *copy_newest(struct hearing *hearing) {
    struct packet *packets = NULL;
    g_mutex_lock(&hearing->lock);
    if (hearing->count >= PACKETS_WANTED)
        packets = g_new(struct packet, PACKETS_WANTED);
    for (int i = 0; packets && i < PACKETS_WANTED; i++)
        packets[i] = hearing->ring[(hearing->count - PACKETS_WANTED + (uint64_t)i) % PACKETS_MAX];
    g_mutex_unlock(&hearing->lock);
    return packets;
}

// The newest half second in out[WINDOW_SAMPLES].
static int decode_window(struct hearing *hearing, int16_t *out) {
    struct packet *packets = copy_newest(hearing);
    if (!packets)
        return -EAGAIN;
    int error, total = 0;
    OpusDecoder *decoder = opus_decoder_create(RATE_HZ, 1, &error);
    int16_t *samples = g_new0(int16_t, (size_t)PACKETS_WANTED * PACKET_SAMPLES_MAX);
    for (int i = 0; decoder && i < PACKETS_WANTED; i++) {
        int got = opus_decode(decoder, packets[i].data, (opus_int32)packets[i].size_bytes,
                              samples + total, PACKET_SAMPLES_MAX, 0);
        total += got > 0 ? got : 0;
    }
    opus_decoder_destroy(decoder);
    if (total >= WINDOW_SAMPLES)
        memcpy(out, samples + total - WINDOW_SAMPLES, WINDOW_SAMPLES * sizeof(*out));
    g_free(samples);
    g_free(packets);
    return total >= WINDOW_SAMPLES ? 0 : -EAGAIN;
}

double hearing_goertzel(const int16_t *samples, int count, double hz, double rate_hz) {
    double turn = 2 * M_PI * hz / rate_hz, k = 2 * cos(turn), s1 = 0, s2 = 0;
    for (int i = 0; i < count; i++) {
        double window = 0.5 - 0.5 * cos(2 * M_PI * i / count);
        double s = samples[i] * window + k * s1 - s2;
        s2 = s1;
        s1 = s;
    }
    double power = s1 * s1 + s2 * s2 - k * s1 * s2;
    return 4 * sqrt(power > 0 ? power : 0) / count / 32768;
}

static double to_dbfs(double amplitude) {
    return 20 * log10(amplitude > 1e-6 ? amplitude : 1e-6);
}

double hearing_amplitude(const int16_t *samples, int count, double hz) {
    double power = 0;
    int pieces = count / TONE_SAMPLES;
    for (int i = 0; i < pieces; i++) {
        double amplitude = hearing_goertzel(samples + i * TONE_SAMPLES, TONE_SAMPLES, hz, RATE_HZ);
        power += amplitude * amplitude;
    }
    return pieces > 0 ? sqrt(power / pieces) : 0;
}

int hearing_tone_dbfs(struct hearing *hearing, int hz, double *out) {
    int16_t *samples = g_new(int16_t, WINDOW_SAMPLES);
    int result = decode_window(hearing, samples);
    if (result == 0)
        *out = to_dbfs(hearing_amplitude(samples, WINDOW_SAMPLES, hz));
    g_free(samples);
    return result;
}

int hearing_level_dbfs(struct hearing *hearing, double *out) {
    int16_t *samples = g_new(int16_t, WINDOW_SAMPLES);
    int result = decode_window(hearing, samples);
    double sum = 0;
    for (int i = 0; result == 0 && i < WINDOW_SAMPLES; i++)
        sum += (double)samples[i] * samples[i];
    if (result == 0)
        *out = to_dbfs(sqrt(sum / WINDOW_SAMPLES) / 32768);
    g_free(samples);
    return result;
}

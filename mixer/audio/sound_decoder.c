// SPDX-License-Identifier: MIT
#include "mixer/audio/sound_decoder.h"

#include <errno.h>
#include <math.h>
#include <opus/opus.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    RATE_HZ = 48000,
    FADE_AFTER = RATE_HZ / 10, // concealment that lasts longer only drones
    FADE_SAMPLES = RATE_HZ * 6 / 100,
    RISE_SAMPLES = RATE_HZ * 5 / 1000,
    // libopus conceals less than 10 ms of SILK by throwing the rest away, which leaves a step.
    CONCEAL_SAMPLES = RATE_HZ / 100,
};

struct sound_decoder {
    OpusDecoder *opus;
    float gain;      // 0: what was made last had been faded out
    int hole;        // samples concealed since the last packet
    uint32_t noise;  // the generator's state
    float low;       // the noise's low-pass
    int spare_count; // concealed beyond what was asked for: goes on there, or over into the packet
    float spare[CONCEAL_SAMPLES];
    float scratch[SOUND_SAMPLES_MAX];
};

struct sound_decoder *sound_decoder_create(void) {
    struct sound_decoder *decoder = calloc(1, sizeof(*decoder));
    if (!decoder)
        return NULL;
    // One channel: libopus mixes stereo down by itself.
    decoder->opus = opus_decoder_create(RATE_HZ, 1, NULL);
    if (!decoder->opus) {
        free(decoder);
        return NULL;
    }
    decoder->noise = 1;
    decoder->hole = FADE_AFTER + FADE_SAMPLES;
    return decoder;
}

void sound_decoder_destroy(struct sound_decoder *decoder) {
    if (!decoder)
        return;
    opus_decoder_destroy(decoder->opus);
    free(decoder);
}

void sound_decoder_reset(struct sound_decoder *decoder) {
    opus_decoder_ctl(decoder->opus, OPUS_RESET_STATE);
    decoder->gain = 0;
    decoder->spare_count = 0;
    decoder->hole = FADE_AFTER + FADE_SAMPLES;
}

// RFC 6716 4.2.3 and 4.2.4: a SILK or hybrid frame opens with, per channel, one voice bit per 20 ms
// and the bit that says whether a redundant copy of the frame before follows.
static bool has_redundancy(const uint8_t *data, const unsigned char *first_frame,
                           opus_int16 first_size, int frame_samples) {
    bool is_celt_only = data[0] & 0x80;
    if (is_celt_only || first_size < 2)
        return false;
    int voice_bits = frame_samples > 960 ? frame_samples / 960 : 1;
    bool mid = first_frame[0] >> (7 - voice_bits) & 1;
    bool is_stereo = data[0] & 0x04;
    return mid || (is_stereo && (first_frame[0] >> (6 - 2 * voice_bits) & 1));
}

int sound_packet_parse(const void *data, size_t size_bytes, struct playout_packet *out) {
    const unsigned char *frames[48];
    opus_int16 sizes[48];
    if (!data || size_bytes == 0 || size_bytes > PLAYOUT_PACKET_MAX)
        return -EINVAL;
    int count = opus_packet_parse(data, (opus_int32)size_bytes, NULL, frames, sizes, NULL);
    int samples = opus_packet_get_nb_samples(data, (opus_int32)size_bytes, RATE_HZ);
    if (count <= 0 || samples <= 0 || samples > SOUND_SAMPLES_MAX)
        return -EINVAL;
    out->data = data;
    out->size_bytes = size_bytes;
    out->samples = samples;
    out->frame_samples = opus_packet_get_samples_per_frame(data, RATE_HZ);
    out->has_fec = has_redundancy(data, frames[0], sizes[0], out->frame_samples);
    return 0;
}

// Samples of a hostile stream may be anything; what is no sound becomes none.
static void sanitise(float *samples, int count) {
    for (int i = 0; i < count; i++)
        if (!(samples[i] > -2.0f && samples[i] < 2.0f))
            samples[i] = samples[i] >= 2.0f ? 2.0f : samples[i] <= -2.0f ? -2.0f : 0;
}

static float next_noise(struct sound_decoder *decoder) {
    decoder->noise = decoder->noise * 1664525u + 1013904223u;
    float white = (float)(int32_t)decoder->noise * (1.0f / 2147483648.0f);
    decoder->low += 0.1f * (white - decoder->low);
    return decoder->low * 7.5f; // back to an RMS of 1
}

static void conceal_more(struct sound_decoder *decoder) {
    int made = opus_decode_float(decoder->opus, NULL, 0, decoder->spare, CONCEAL_SAMPLES, 0);
    if (made != CONCEAL_SAMPLES)
        memset(decoder->spare, 0, sizeof(decoder->spare));
    sanitise(decoder->spare, CONCEAL_SAMPLES);
    decoder->spare_count = CONCEAL_SAMPLES;
}

static void conceal_by_opus(struct sound_decoder *decoder, int samples, float *out) {
    while (samples > 0) {
        if (decoder->spare_count == 0)
            conceal_more(decoder);
        int count = samples < decoder->spare_count ? samples : decoder->spare_count;
        memcpy(out, decoder->spare, (size_t)count * sizeof(float));
        decoder->spare_count -= count;
        memmove(decoder->spare, decoder->spare + count,
                (size_t)decoder->spare_count * sizeof(float));
        out += count;
        samples -= count;
    }
}

static void fade_to_comfort(struct sound_decoder *decoder, int from, int samples, float noise_rms,
                            float *out) {
    for (int i = 0; i < samples; i++) {
        if (from + i > FADE_AFTER)
            decoder->gain = fmaxf(0, decoder->gain - 1.0f / FADE_SAMPLES);
        float noise = noise_rms > 0 ? next_noise(decoder) * noise_rms : 0;
        out[i] = out[i] * decoder->gain + noise * (1 - decoder->gain);
    }
}

// A hole: Opus's own concealment for 100 ms, then over to comfort noise.
static int conceal(struct sound_decoder *decoder, int samples, float noise_rms, float *out) {
    int from = decoder->hole;
    if (from >= FADE_AFTER + FADE_SAMPLES) {
        memset(out, 0, (size_t)samples * sizeof(float));
        decoder->spare_count = 0;
    } else {
        conceal_by_opus(decoder, samples, out);
        decoder->hole += samples;
    }
    if (from + samples > FADE_AFTER || decoder->gain < 1)
        fade_to_comfort(decoder, from, samples, noise_rms, out);
    return samples;
}

static int break_off(struct sound_decoder *decoder, int samples, float *out) {
    conceal(decoder, samples, 0, out);
    for (int i = 0; i < samples; i++)
        out[i] *= (float)(samples - 1 - i) / (float)samples;
    decoder->gain = 0;
    decoder->spare_count = 0;
    return samples;
}

// From what was concealed into what came.
static void cross_over(struct sound_decoder *decoder, float *samples, int count) {
    int length = decoder->spare_count < count ? decoder->spare_count : count;
    for (int i = 0; i < length; i++) {
        float share = (float)(i + 1) / (float)(length + 1);
        samples[i] = samples[i] * share + decoder->spare[i] * (1 - share);
    }
    decoder->spare_count = 0;
}

static void fade_in(struct sound_decoder *decoder, float *samples, int count) {
    for (int i = 0; i < count && decoder->gain < 1; i++) {
        samples[i] *= decoder->gain;
        decoder->gain += 1.0f / RISE_SAMPLES;
    }
    if (decoder->gain > 1)
        decoder->gain = 1;
}

static int decode(struct sound_decoder *decoder, const struct playout_step *step, float noise_rms,
                  float *out) {
    bool is_fec = step->kind == PLAYOUT_FEC;
    int room = is_fec ? step->samples : SOUND_SAMPLES_MAX;
    int made = opus_decode_float(decoder->opus, step->data, (opus_int32)step->size_bytes,
                                 decoder->scratch, room, is_fec);
    if (made <= 0 || made != step->samples || step->skip_samples >= made)
        return conceal(decoder, step->samples - step->skip_samples, noise_rms, out);
    int count = made - step->skip_samples;
    memcpy(out, decoder->scratch + step->skip_samples, (size_t)count * sizeof(float));
    sanitise(out, count);
    cross_over(decoder, out, count);
    decoder->hole = 0;
    fade_in(decoder, out, count);
    return count;
}

int sound_decoder_run(struct sound_decoder *decoder, const struct playout_step *step,
                      float noise_rms, float *out) {
    if (step->samples <= 0 || step->samples > SOUND_SAMPLES_MAX ||
        step->samples <= step->skip_samples)
        return 0;
    switch (step->kind) {
    case PLAYOUT_PACKET:
    case PLAYOUT_FEC: return decode(decoder, step, noise_rms, out);
    case PLAYOUT_BREAK: return break_off(decoder, step->samples, out);
    case PLAYOUT_CONCEAL: return conceal(decoder, step->samples, noise_rms, out);
    }
    return 0;
}

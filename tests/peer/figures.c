// SPDX-License-Identifier: MIT
#include "tests/peer/figures.h"

#include <opus.h>

#define SECOND_NS INT64_C(1000000000)

enum {
    RATE_HZ = 48000,
    HOLD_FIRST_MS = 60,
    HOLD_MAX_MS = 200,
    FRAME_SAMPLES = RATE_HZ / 50, // the longest frame of SILK's inner ones
    CELT_ONLY = 0x80,             // RFC 6716 3.1: configurations 16 and up
};

static double to_ms(int64_t samples) {
    return (double)samples * 1000 / RATE_HZ;
}
static int64_t to_ns(int64_t samples) {
    return samples * SECOND_NS / RATE_HZ;
}

void figures_begin(struct figures *figures, int64_t now_ns) {
    struct figures_view *view = &figures->view;
    int width_px = view->width_px, height_px = view->height_px;
    *view = (struct figures_view){.width_px = width_px, .height_px = height_px, .fps_least = -1};
    figures->begin_ns = figures->last_frame_ns = now_ns;
    figures->frames_seen = 0;
    // A pause that has begun before goes on: it is told from here.
    if (figures->head_ns < now_ns)
        figures->head_ns = now_ns;
}

// RFC 6716 4.2.3, 4.2.4: for each channel one bit per frame for voice activity, then one for LBRR;
// each has a chance of one half, so the range coder leaves them as plain bits from the top.
bool figures_has_fec(const uint8_t *data, size_t size_bytes) {
    const unsigned char *frames[48];
    opus_int16 sizes[48];
    if (size_bytes < 2 || (data[0] & CELT_ONLY))
        return false;
    int samples = opus_packet_get_samples_per_frame(data, RATE_HZ);
    int inner = samples > FRAME_SAMPLES ? samples / FRAME_SAMPLES : 1;
    if (opus_packet_parse(data, (opus_int32)size_bytes, NULL, frames, sizes, NULL) <= 0 ||
        sizes[0] == 0)
        return false;
    bool has_fec = frames[0][0] >> (7 - inner) & 1;
    if (opus_packet_get_nb_channels(data) == 2)
        has_fec = has_fec || (frames[0][0] >> (6 - 2 * inner) & 1);
    return has_fec;
}

// --- sound ---

static void note_gap(struct figures *figures, double gap_ms) {
    if (gap_ms > figures->view.audio_gap_ms)
        figures->view.audio_gap_ms = gap_ms;
}

// What is missing before this packet, in samples that nothing repairs.
static int64_t take_hole(struct figures *figures, const void *data, size_t size_bytes, int64_t hole,
                         int lost, int64_t length) {
    int64_t repaired = 0;
    if (lost > 0 && figures_has_fec(data, size_bytes))
        repaired = hole < length ? hole : length;
    figures->view.audio_lost += (uint64_t)lost;
    figures->view.audio_repaired_ms += to_ms(repaired);
    figures->view.audio_concealed_ms += to_ms(hole - repaired);
    return hole - repaired;
}

static void play(struct figures *figures, int64_t hole, int64_t unrepaired, int64_t length,
                 int64_t now_ns) {
    double waited_ms = 0;
    figures->head_ns += to_ns(hole);
    if (now_ns > figures->head_ns) {
        waited_ms = (double)(now_ns - figures->head_ns) / 1e6;
        figures->view.audio_concealed_ms += waited_ms;
        figures->view.audio_waited_ms += waited_ms;
        figures->head_ns = now_ns;
    }
    note_gap(figures, to_ms(unrepaired) + waited_ms);
    figures->head_ns += to_ns(length);
    int64_t most_ns = now_ns + to_ns(length) + HOLD_MAX_MS * INT64_C(1000000);
    if (figures->head_ns > most_ns)
        figures->head_ns = most_ns;
}

void figures_add_audio(struct figures *figures, const void *data, size_t size_bytes,
                       uint16_t sequence, uint32_t rtp_time, int64_t now_ns) {
    int length = opus_packet_get_nb_samples(data, (opus_int32)size_bytes, RATE_HZ);
    if (length <= 0)
        return;
    if (!figures->has_audio) {
        figures->has_audio = true;
        figures->head_ns = now_ns + HOLD_FIRST_MS * INT64_C(1000000);
        figures->next_sequence = sequence;
        figures->end_samples = rtp_time;
    }
    int16_t lost = (int16_t)(sequence - figures->next_sequence);
    int32_t hole = (int32_t)(rtp_time - figures->end_samples);
    if (lost < 0)
        return; // too late: its place has been played
    hole = hole > 0 ? hole : 0;
    int64_t unrepaired = take_hole(figures, data, size_bytes, hole, lost, length);
    play(figures, hole, unrepaired, length, now_ns);
    figures->next_sequence = (uint16_t)(sequence + 1);
    figures->end_samples = rtp_time + (uint32_t)length;
    figures->view.audio_heard_ms += to_ms(length);
    figures->view.audio_packet_ms = to_ms(length);
    figures->view.audio_packets++;
    figures->view.audio_bytes += size_bytes;
}

// --- pictures ---

// How many came within the second before now.
static int frames_within(const struct figures *figures, int64_t now_ns) {
    int count = 0;
    while (count < FIGURES_FRAMES_KEPT && (uint64_t)count < figures->frames_seen) {
        uint64_t at = (figures->frames_seen - 1 - (uint64_t)count) % FIGURES_FRAMES_KEPT;
        if (figures->frames_ns[at] <= now_ns - SECOND_NS)
            break;
        count++;
    }
    return count;
}

// The emptiest seconds end just before a frame.
static void note_second(const struct figures *figures, struct figures_view *view, int64_t now_ns) {
    if (now_ns - figures->begin_ns < SECOND_NS)
        return;
    int count = frames_within(figures, now_ns);
    if (view->fps_least < 0 || count < view->fps_least)
        view->fps_least = count;
}

static void note_freeze(const struct figures *figures, struct figures_view *view, int64_t now_ns) {
    double freeze_ms = (double)(now_ns - figures->last_frame_ns) / 1e6;
    if (freeze_ms > view->freeze_ms)
        view->freeze_ms = freeze_ms;
}

void figures_add_frame(struct figures *figures, size_t size_bytes, int width_px, int height_px,
                       int64_t now_ns) {
    struct figures_view *view = &figures->view;
    note_second(figures, view, now_ns);
    note_freeze(figures, view, now_ns);
    figures->frames_ns[figures->frames_seen++ % FIGURES_FRAMES_KEPT] = now_ns;
    figures->last_frame_ns = now_ns;
    view->frames++;
    view->video_bytes += size_bytes;
    view->width_px = width_px;
    view->height_px = height_px;
}

void figures_get(const struct figures *figures, struct figures_view *out, int64_t now_ns) {
    *out = figures->view;
    note_second(figures, out, now_ns);
    note_freeze(figures, out, now_ns);
    double waiting_ms = (double)(now_ns - figures->head_ns) / 1e6;
    if (waiting_ms > out->audio_gap_ms)
        out->audio_gap_ms = waiting_ms;
    out->seconds = (double)(now_ns - figures->begin_ns) / 1e9;
    out->fps = out->seconds > 0 ? (double)out->frames / out->seconds : 0;
    out->fps_now = frames_within(figures, now_ns);
}

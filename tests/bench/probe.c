// SPDX-License-Identifier: MIT
#include "tests/bench/probe.h"

#include <glib.h>
#include <libavcodec/avcodec.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/pictures.h"
#include "tests/bench/pitches.h"

struct sent {
    bool is_audio;
    int index;
    int64_t at_ns;
};

struct probe {
    struct media *video, *audio;
    struct pitch_changes changes; // as they are in what is sent
    GMutex lock;
    GArray *sent; // of struct sent; protected by lock
};

struct probe *probe_create(const struct media *background) {
    struct probe *probe = g_new0(struct probe, 1);
    g_mutex_init(&probe->lock);
    probe->sent = g_array_new(FALSE, FALSE, sizeof(struct sent));
    probe->video = pictures_number(background);
    probe->audio = pitches_create();
    if (!probe->video || !probe->audio || pitches_find_in_loop(probe->audio, &probe->changes) < 0) {
        probe_destroy(probe);
        return NULL;
    }
    return probe;
}

void probe_destroy(struct probe *probe) {
    if (!probe)
        return;
    media_destroy(probe->video);
    media_destroy(probe->audio);
    g_array_free(probe->sent, TRUE);
    g_mutex_clear(&probe->lock);
    g_free(probe);
}

const struct media *probe_video(const struct probe *probe) {
    return probe->video;
}
const struct media *probe_audio(const struct probe *probe) {
    return probe->audio;
}

void probe_on_sent(void *user, bool is_audio, int index, int64_t sent_ns) {
    struct probe *probe = user;
    struct sent sent = {is_audio, index, sent_ns};
    g_mutex_lock(&probe->lock);
    g_array_append_val(probe->sent, sent);
    g_mutex_unlock(&probe->lock);
}

// --- sums ---

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static struct probe_delays summarise(GArray *delays_ms) {
    struct probe_delays out = {(int)delays_ms->len, 0, 0};
    qsort(delays_ms->data, delays_ms->len, sizeof(double), by_value);
    if (out.count > 0) {
        out.p50_ms = g_array_index(delays_ms, double, out.count / 2);
        out.p95_ms = g_array_index(delays_ms, double, out.count * 95 / 100);
    }
    g_array_free(delays_ms, TRUE);
    return out;
}

// --- video ---

// When the frame of this number was last sent before at_ns; 0: never, or so long ago that it was
// another round of the loop.
static int64_t sent_before(struct probe *probe, int index, int64_t at_ns) {
    int64_t found_ns = 0;
    g_mutex_lock(&probe->lock);
    for (guint i = probe->sent->len; i-- > 0 && !found_ns;) {
        const struct sent *sent = &g_array_index(probe->sent, struct sent, i);
        if (!sent->is_audio && sent->index == index && sent->at_ns <= at_ns)
            found_ns = sent->at_ns;
    }
    g_mutex_unlock(&probe->lock);
    return at_ns - found_ns < INT64_C(1000000000) ? found_ns : 0;
}

struct probe_delays probe_video_delays(struct probe *probe, const struct client_packet *packets,
                                       int count, const struct client_rect *tile, int64_t from_ns) {
    GArray *delays_ms = g_array_new(FALSE, FALSE, sizeof(double));
    struct pictures_reader *reader = pictures_reader_create(tile);
    int shown = -1;
    for (int i = 0; reader && i < count; i++) {
        int number = -1;
        if (!packets[i].is_audio)
            number = pictures_read(reader, packets[i].data, packets[i].size_bytes);
        if (number < 0 || number == shown)
            continue;
        shown = number;
        int64_t sent_ns = sent_before(probe, number, packets[i].arrival_ns);
        double delay_ms = (double)(packets[i].arrival_ns - sent_ns) / 1e6;
        if (sent_ns && packets[i].arrival_ns >= from_ns)
            g_array_append_val(delays_ms, delay_ms);
    }
    pictures_reader_destroy(reader);
    return summarise(delays_ms);
}

// --- audio ---

// The pitch change number c of the loop was sent in a packet whose sending began at at_ns.
static void match_change(const struct pitches_heard *heard, const struct pitch_changes *changes,
                         int c, int64_t at_ns, GArray *delays_ms) {
    int64_t said_ns =
        at_ns + changes->at_samples[c] % PITCHES_PACKET_SAMPLES * INT64_C(1000000) / 48;
    int64_t heard_ns = pitches_find(heard, c, said_ns, said_ns + INT64_C(400000000));
    double delay_ms = (double)(heard_ns - said_ns) / 1e6;
    if (heard_ns)
        g_array_append_val(delays_ms, delay_ms);
}

struct probe_delays probe_audio_delays(struct probe *probe, const struct client_packet *packets,
                                       int count, int64_t from_ns) {
    GArray *delays_ms = g_array_new(FALSE, FALSE, sizeof(double));
    struct pitches_heard *heard = pitches_decode(packets, count);
    g_mutex_lock(&probe->lock);
    for (guint i = 0; heard && i < probe->sent->len; i++) {
        const struct sent *sent = &g_array_index(probe->sent, struct sent, i);
        for (int c = 0; sent->is_audio && sent->at_ns >= from_ns && c < PITCHES; c++)
            if (probe->changes.at_samples[c] / PITCHES_PACKET_SAMPLES == sent->index)
                match_change(heard, &probe->changes, c, sent->at_ns, delays_ms);
    }
    g_mutex_unlock(&probe->lock);
    pitches_heard_destroy(heard);
    return summarise(delays_ms);
}

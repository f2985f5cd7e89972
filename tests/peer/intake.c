// SPDX-License-Identifier: MIT
#include "tests/peer/intake.h"

#include "tests/peer/sender.h"

#include <glib.h>

struct intake {
    // Immutable.
    struct sight *sight;
    struct hearing *hearing;
    bool keeps_figures;

    GMutex lock;
    // Protected by lock.
    struct client_stream video, audio;
    struct figures figures;
    uint64_t decoded; // as far as figures know
    GArray *packets;  // of struct client_packet, or NULL
};

struct intake *intake_create(bool keeps_packets, bool keeps_figures) {
    struct intake *intake = g_new0(struct intake, 1);
    g_mutex_init(&intake->lock);
    intake->keeps_figures = keeps_figures;
    intake->sight = sight_create();
    intake->hearing = hearing_create();
    figures_begin(&intake->figures, sender_now_ns());
    if (keeps_packets)
        intake->packets = g_array_new(FALSE, FALSE, sizeof(struct client_packet));
    return intake;
}

static void free_packets(GArray *packets) {
    for (guint i = 0; packets && i < packets->len; i++)
        g_free(g_array_index(packets, struct client_packet, i).data);
    if (packets)
        g_array_free(packets, TRUE);
}

void intake_destroy(struct intake *intake) {
    if (!intake)
        return;
    sight_destroy(intake->sight);
    hearing_destroy(intake->hearing);
    free_packets(intake->packets);
    g_mutex_clear(&intake->lock);
    g_free(intake);
}

struct sight *intake_sight(struct intake *intake) {
    return intake->sight;
}
struct hearing *intake_hearing(struct intake *intake) {
    return intake->hearing;
}

// --- arrivals ---

// RFC 6386 9.1: a keyframe's size stands behind its start code.
static void note_size_locked(struct client_stream *stream, const struct transport_media *media) {
    const uint8_t *data = media->data;
    if (media->size_bytes < 10 || (data[0] & 1))
        return;
    stream->width_px = (data[6] | data[7] << 8) & 0x3fff;
    stream->height_px = (data[8] | data[9] << 8) & 0x3fff;
}

static void note_arrival_locked(struct client_stream *stream, const struct transport_media *media) {
    int64_t arrival_ns = media->arrival_ns;
    if (stream->last_ns && arrival_ns - stream->last_ns > stream->max_gap_ns)
        stream->max_gap_ns = arrival_ns - stream->last_ns;
    if (!stream->first_ns)
        stream->first_ns = arrival_ns;
    stream->last_ns = arrival_ns;
    stream->count++;
    stream->bytes += media->size_bytes;
}

static void note_figures_locked(struct intake *intake, bool is_audio, uint64_t decoded,
                                const struct transport_media *media) {
    const struct client_stream *video = &intake->video;
    if (is_audio)
        figures_add_audio(&intake->figures, media->data, media->size_bytes, media->sequence,
                          media->rtp_time, media->arrival_ns);
    else if (decoded > intake->decoded)
        figures_add_frame(&intake->figures, media->size_bytes, video->width_px, video->height_px,
                          media->arrival_ns);
    if (!is_audio)
        intake->decoded = decoded;
}

static void note_media_locked(struct intake *intake, bool is_audio, uint64_t decoded,
                              const struct transport_media *media) {
    note_arrival_locked(is_audio ? &intake->audio : &intake->video, media);
    if (!is_audio)
        note_size_locked(&intake->video, media);
    if (intake->keeps_figures)
        note_figures_locked(intake, is_audio, decoded, media);
    if (intake->packets) {
        struct client_packet packet = {media->arrival_ns, media->pts_ns, is_audio,
                                       media->size_bytes,
                                       g_memdup2(media->data, media->size_bytes)};
        g_array_append_val(intake->packets, packet);
    }
}

void intake_add(struct intake *intake, bool is_audio, const struct transport_media *media) {
    uint64_t decoded = 0;
    if (is_audio)
        hearing_push(intake->hearing, media->data, media->size_bytes);
    else
        sight_push(intake->sight, media->data, media->size_bytes);
    if (!is_audio && intake->keeps_figures)
        decoded = sight_decoded_count(intake->sight);
    g_mutex_lock(&intake->lock);
    note_media_locked(intake, is_audio, decoded, media);
    g_mutex_unlock(&intake->lock);
}

// --- questions ---

static void read_stream(struct intake *intake, const struct client_stream *stream,
                        struct client_stream *out) {
    g_mutex_lock(&intake->lock);
    *out = *stream;
    g_mutex_unlock(&intake->lock);
    int64_t silent_ns = out->last_ns ? sender_now_ns() - out->last_ns : 0;
    if (silent_ns > out->max_gap_ns)
        out->max_gap_ns = silent_ns;
}

void intake_video(struct intake *intake, struct client_stream *out) {
    read_stream(intake, &intake->video, out);
}

void intake_audio(struct intake *intake, struct client_stream *out) {
    read_stream(intake, &intake->audio, out);
}

void intake_reset_gaps(struct intake *intake) {
    g_mutex_lock(&intake->lock);
    intake->video.max_gap_ns = intake->audio.max_gap_ns = 0;
    g_mutex_unlock(&intake->lock);
}

void intake_figures(struct intake *intake, struct figures_view *out) {
    g_mutex_lock(&intake->lock);
    figures_get(&intake->figures, out, sender_now_ns());
    g_mutex_unlock(&intake->lock);
}

void intake_begin_figures(struct intake *intake) {
    g_mutex_lock(&intake->lock);
    figures_begin(&intake->figures, sender_now_ns());
    g_mutex_unlock(&intake->lock);
}

int intake_take_packets(struct intake *intake, struct client_packet **out) {
    g_mutex_lock(&intake->lock);
    GArray *packets = intake->packets;
    intake->packets = NULL;
    g_mutex_unlock(&intake->lock);
    int count = packets ? (int)packets->len : 0;
    *out = packets ? (struct client_packet *)(void *)g_array_free(packets, FALSE) : NULL;
    return count;
}

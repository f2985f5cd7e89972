// SPDX-License-Identifier: MIT
#include "mixer/record/tape.h"

#include "mixer/record/reel.h"
#include "mixer/video/bitstream.h"

#include <errno.h>
#include <opus/opus.h>
#include <stdlib.h>
#include <string.h>

enum {
    SOUND_HZ = 48000,
    SILENCE_TOC = 0xf8, // CELT, fullband, 20 ms, mono, one frame
    KEYFRAME_S = 10,
};
#define MS          INT64_C(1000000)
#define SECOND      (1000 * MS)
#define SOUND_SLACK (30 * MS) // off by less: the sender's clock, not a hole
#define ASK_EVERY   (1000 * MS)
#define RATE_OVER   (3000 * MS)

void tape_init(struct tape *tape, const struct recorder_config *config,
               const struct recorder_ops *ops, void *user) {
    *tape = (struct tape){
        .config = config,
        .ops = ops,
        .user = user,
        .number = 1,
        .toc = SILENCE_TOC,
        .lacks_keyframe = config->has_video,
    };
}

int tape_open(struct tape *tape) {
    return reel_create(tape->config, tape->number, &tape->reel);
}

static void tell(struct tape *tape, enum recorder_event event, int64_t value) {
    if (tape->ops->on_event)
        tape->ops->on_event(tape->user, event, value);
}

static void reach(struct tape *tape, int64_t tape_ns) {
    if (tape_ns > tape->end_ns)
        tape->end_ns = tape_ns;
}

uint64_t tape_bytes(const struct tape *tape) {
    return tape->earlier_bytes + (tape->reel ? reel_bytes(tape->reel) : 0);
}

// ---- keyframes ----

void tape_ask_keyframe(struct tape *tape, int64_t newest_ns) {
    if (tape->has_asked && newest_ns - tape->asked_ns < ASK_EVERY)
        return;
    tape->has_asked = true;
    tape->asked_ns = newest_ns;
    if (tape->ops->on_keyframe_wanted)
        tape->ops->on_keyframe_wanted(tape->user);
}

static bool is_segment_full(const struct tape *tape, int64_t tape_ns) {
    const struct recorder_config *config = tape->config;
    int64_t length_ns = tape_ns - tape->reel_from_ns;
    if (config->segment_ns > 0 && length_ns >= config->segment_ns)
        return true;
    // At least a second, whatever the size: not a file a frame.
    return config->segment_bytes > 0 && length_ns >= SECOND &&
           reel_bytes(tape->reel) >= (uint64_t)config->segment_bytes;
}

// A still canvas sends nothing, and needs no keyframe then.
static void watch_keyframes(struct tape *tape, int64_t tape_ns) {
    int seconds = tape->config->keyframe_s > 0 ? tape->config->keyframe_s : KEYFRAME_S;
    if (tape_ns - tape->keyframe_ns >= seconds * SECOND || is_segment_full(tape, tape_ns))
        tape->wants_keyframe = true;
}

// ---- sound ----

static int64_t samples_to_ns(int samples) {
    return samples * SECOND / SOUND_HZ;
}

static int write_sound(struct tape *tape, int64_t duration_ns, const void *data,
                       size_t size_bytes) {
    int result = reel_write(tape->reel, true, tape->sound_end_ns - tape->reel_from_ns, duration_ns,
                            true, data, size_bytes);
    tape->sound_end_ns += duration_ns;
    reach(tape, tape->sound_end_ns);
    return result;
}

static int64_t silence_ns(const struct tape *tape) {
    return samples_to_ns(opus_packet_get_samples_per_frame(&tape->toc, SOUND_HZ));
}

// Silence, to the nearest packet.
static int fill_sound(struct tape *tape, int64_t to_ns) {
    if (!reel_needs_sound_filled(tape->reel))
        return 0;
    int64_t each_ns = silence_ns(tape);
    int result = 0;
    while (result == 0 && tape->sound_end_ns + each_ns / 2 < to_ns)
        result = write_sound(tape, each_ns, &tape->toc, 1);
    return result;
}

// A file's sound begins in the cluster of its first picture: a player that looks for the beginning
// by the sound would else come out behind that picture, and could decode nothing. Two packets, for
// libavformat keeps the last one back for the next cluster.
static int flush(struct tape *tape) {
    bool lacks_sound = tape->sound_end_ns == tape->reel_from_ns;
    int result = lacks_sound ? fill_sound(tape, tape->reel_from_ns + 2 * silence_ns(tape)) : 0;
    return result ? result : reel_flush(tape->reel);
}

static int64_t sound_duration_ns(const struct packet *packet) {
    if (packet->duration_ns > 0)
        return packet->duration_ns;
    int samples =
        opus_packet_get_nb_samples(packet->data, (opus_int32)packet->size_bytes, SOUND_HZ);
    return samples > 0 ? samples_to_ns(samples) : 20 * MS;
}

// ---- files ----

static void note_rate(struct tape *tape) {
    int64_t passed_ns = tape->end_ns - tape->rate_from_ns;
    if (passed_ns < RATE_OVER)
        return;
    uint64_t bytes = tape_bytes(tape);
    tape->kbps = (int)((bytes - tape->rate_from_bytes) * 8000000 / (uint64_t)passed_ns);
    tape->rate_from_ns = tape->end_ns;
    tape->rate_from_bytes = bytes;
}

static int check_space(struct tape *tape) {
    const struct recorder_config *config = tape->config;
    if (config->free_floor_bytes <= 0 || tape->end_ns - tape->checked_ns < SECOND)
        return 0;
    tape->checked_ns = tape->end_ns;
    int64_t free_bytes = config->io->free_bytes(config->io->user, config->path);
    // Who cannot tell has not said that it is full.
    return free_bytes >= 0 && free_bytes < config->free_floor_bytes ? -ENOSPC : 0;
}

// Closes the file at this time. The tape has none then.
static int close_reel(struct tape *tape, int64_t tape_ns) {
    uint64_t bytes = 0;
    int result = reel_close(tape->reel, tape_ns - tape->reel_from_ns, &bytes);
    tape->reel = NULL;
    tape->earlier_bytes += bytes;
    return result;
}

static int begin_reel(struct tape *tape, int64_t tape_ns) {
    tape->reel_from_ns = tape_ns;
    tape->sound_end_ns = tape_ns;
    return reel_begin(tape->reel, tape->width_px, tape->height_px);
}

static int change_reel(struct tape *tape, int64_t tape_ns) {
    int result = fill_sound(tape, tape_ns);
    int closed = close_reel(tape, tape_ns);
    if (result || closed)
        return result ? result : closed;
    result = reel_create(tape->config, tape->number + 1, &tape->reel);
    if (result)
        return result;
    tape->number++;
    result = begin_reel(tape, tape_ns);
    if (result == 0)
        tell(tape, RECORDER_SEGMENT, tape->number);
    return result;
}

static int begin(struct tape *tape, int64_t at_ns) {
    tape->has_begun = true;
    tape->shift_ns = at_ns;
    int result = begin_reel(tape, 0);
    if (result)
        return result;
    if (tape->first_title)
        reel_add_chapter(tape->reel, 0, tape->first_title);
    tell(tape, RECORDER_BEGAN, 0);
    return 0;
}

// ---- entries ----

// The canvas may be of another size now.
static bool has_new_size(struct tape *tape, const struct packet *packet) {
    int width_px, height_px;
    if (!bitstream_read_size(VIDEO_VP8, packet->data, packet->size_bytes, &width_px, &height_px))
        return false;
    bool is_new = width_px != tape->width_px || height_px != tape->height_px;
    tape->width_px = width_px;
    tape->height_px = height_px;
    return is_new;
}

static int take_keyframe(struct tape *tape, const struct packet *packet) {
    bool has_size = has_new_size(tape, packet);
    if (!tape->has_begun) {
        if (tape->width_px <= 0 || tape->height_px <= 0) {
            tape->width_px = tape->config->width_px;
            tape->height_px = tape->config->height_px;
        }
        int result = begin(tape, packet->pts_ns);
        if (result)
            return result;
    }
    int64_t tape_ns = packet->pts_ns - tape->shift_ns;
    tape->lacks_keyframe = tape->wants_keyframe = tape->has_asked = false;
    tape->keyframe_ns = tape_ns;
    bool changes = (has_size && tape_ns > tape->reel_from_ns) || is_segment_full(tape, tape_ns);
    return changes ? change_reel(tape, tape_ns) : 0;
}

static int take_video(struct tape *tape, const struct packet *packet) {
    bool is_early = tape->has_begun && packet->pts_ns - tape->shift_ns < tape->floor_ns;
    if (tape->is_paused || is_early || !tape->config->has_video ||
        (tape->lacks_keyframe && !packet->is_keyframe))
        return 0;
    int result = packet->is_keyframe ? take_keyframe(tape, packet) : 0;
    if (result)
        return result;
    int64_t tape_ns = packet->pts_ns - tape->shift_ns;
    watch_keyframes(tape, tape_ns);
    reach(tape, tape_ns);
    // A packet more than that, and it is a hole: lineup has waited for the sound.
    if (tape->sound_end_ns + silence_ns(tape) + SOUND_SLACK < tape_ns)
        result = fill_sound(tape, tape_ns);
    if (result)
        return result;
    return reel_write(tape->reel, false, tape_ns - tape->reel_from_ns, 0, packet->is_keyframe,
                      packet->data, packet->size_bytes);
}

static int take_sound(struct tape *tape, const struct packet *packet) {
    if (tape->is_paused || packet->size_bytes == 0 || (!tape->has_begun && tape->config->has_video))
        return 0;
    int result = tape->has_begun ? 0 : begin(tape, packet->pts_ns);
    int64_t tape_ns = packet->pts_ns - tape->shift_ns;
    if (result == 0 && !tape->config->has_video && is_segment_full(tape, tape_ns))
        result = change_reel(tape, tape_ns);
    if (result || tape_ns < tape->floor_ns || tape_ns < tape->sound_end_ns - SOUND_SLACK)
        return result; // what is early here comes too late
    tape->toc = packet->data[0] & 0xfc;
    if (!reel_needs_sound_filled(tape->reel))
        tape->sound_end_ns = tape_ns;
    else if (tape_ns > tape->sound_end_ns + SOUND_SLACK)
        result = fill_sound(tape, tape_ns);
    return result ? result
                  : write_sound(tape, sound_duration_ns(packet), packet->data, packet->size_bytes);
}

static int take_pause(struct tape *tape, int64_t at_ns) {
    if (tape->is_paused)
        return 0;
    tape->is_paused = true;
    if (!tape->has_begun)
        return 0;
    reach(tape, at_ns - tape->shift_ns);
    int result = fill_sound(tape, tape->end_ns);
    return result ? result : flush(tape);
}

static void take_resume(struct tape *tape, int64_t at_ns) {
    if (!tape->is_paused)
        return;
    tape->is_paused = false;
    tape->lacks_keyframe = tape->config->has_video;
    tape->shift_ns = at_ns - tape->end_ns;
    tape->floor_ns = tape->end_ns;
}

static int64_t tape_time(const struct tape *tape, int64_t at_ns) {
    int64_t tape_ns = at_ns - tape->shift_ns;
    return tape->is_paused || tape_ns < tape->floor_ns ? tape->end_ns : tape_ns;
}

static void take_chapter(struct tape *tape, int64_t at_ns, const char *title) {
    if (tape->has_begun) {
        reel_add_chapter(tape->reel, tape_time(tape, at_ns) - tape->reel_from_ns, title);
        return;
    }
    free(tape->first_title);
    tape->first_title = strdup(title);
}

static int take_stop(struct tape *tape, int64_t at_ns) {
    tape->is_ended = true;
    if (!tape->has_begun)
        return 0;
    reach(tape, tape_time(tape, at_ns));
    return fill_sound(tape, tape->end_ns);
}

static void note_gap(struct tape *tape, int64_t gap_ns) {
    if (gap_ns <= 0 || !tape->has_begun || tape->is_paused)
        return;
    tape->gaps++;
    tape->gap_ns += gap_ns;
    tell(tape, RECORDER_GAP, gap_ns);
}

static int handle(struct tape *tape, const struct intake_entry *entry) {
    note_gap(tape, entry->gap_ns);
    switch (entry->kind) {
    case INTAKE_PAUSE: return take_pause(tape, entry->at_ns);
    case INTAKE_RESUME: take_resume(tape, entry->at_ns); return 0;
    case INTAKE_CHAPTER: take_chapter(tape, entry->at_ns, entry->title); return 0;
    case INTAKE_STOP: return take_stop(tape, entry->at_ns);
    case INTAKE_VIDEO: return take_video(tape, entry->packet);
    case INTAKE_SOUND: return take_sound(tape, entry->packet);
    }
    return 0;
}

int tape_take(struct tape *tape, const struct intake_entry *entry) {
    int result = handle(tape, entry);
    if (result || !tape->reel)
        return result;
    if (!tape->is_paused && !tape->is_ended && (tape->lacks_keyframe || tape->wants_keyframe))
        tape_ask_keyframe(tape, entry->at_ns);
    note_rate(tape);
    return tape->is_ended ? 0 : check_space(tape);
}

void tape_expect_resume(struct tape *tape, int64_t at_ns) {
    if (!tape->config->has_video)
        return;
    tape->has_asked = false;
    tape_ask_keyframe(tape, at_ns);
}

int tape_idle(struct tape *tape) {
    if (!tape->is_paused && tape->lacks_keyframe)
        tape_ask_keyframe(tape, tape->asked_ns + ASK_EVERY);
    return tape->has_begun ? flush(tape) : 0;
}

int tape_finish(struct tape *tape) {
    int result = tape->reel ? close_reel(tape, tape->end_ns) : 0;
    free(tape->first_title);
    tape->first_title = NULL;
    return result;
}

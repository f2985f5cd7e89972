// SPDX-License-Identifier: MIT
//
//   mixer --packets--> tap --push--> recorder (a thread of its own) --> files
//                                       |  began, gap, segment, ended
//                                       v
//   control loop: asked to stop, or ended by itself --> "record-end" thread: waits, side files,
//                                                       library_end(), event
//
// From the first of these on it is "finishing", until library_end() has made it one that has ended.
// No file is touched on the control loop: the recorder's thread makes the directory and opens what
// goes into it, and that it cannot ends the recording. What is known of the disk beforehand is what
// the library saw last.
//
// A recording lives until the recorder's thread has said that it ended: only then is it taken
// apart, on a thread of its own, for a slow disk must not hold the control loop.
#include "mcu/room_record_internal.h"

#include "mcu/log.h"
#include "mcu/protocol.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TONE_HZ = 48000, TONE_MS = 130, TONES = 2 };

static atomic_int unfinished;

int room_records_unfinished(void) {
    return atomic_load(&unfinished);
}

void record_count_unfinished(int change) {
    atomic_fetch_add(&unfinished, change);
}

// ---- the end ----

static void recording_free(struct recording *recording) {
    recorder_destroy(recording->recorder);
    tap_destroy(recording->tap);
    record_notes_unref(recording->notes);
    room_unref(recording->room);
    free(recording);
}

static gpointer finish(gpointer user) {
    struct recording *recording = user;
    struct library *library = recording->room->world->library;
    struct library_figures figures;
    tap_drain(recording->tap);
    record_get_figures(recording, &figures);
    figures.state = recording->error ? "failed" : "finished";
    if (figures.bytes > 0 || !recording->error) // else there may be no place for them
        record_write_side_files(recording, figures.duration_ns, true);
    library_end(library, recording->id, &figures);
    record_event(recording, recording->error ? "recording-failed" : "recording-stopped", NULL);
    log_info(recording->room->spec.name, "recording %s ended after %.1f s, %s: %s", recording->id,
             (double)figures.duration_ns / 1e9, figures.reason,
             recording->error ? strerror(-recording->error) : "whole");
    recording_free(recording);
    record_count_unfinished(-1);
    return NULL;
}

static const char *reason_of(const struct recording *recording) {
    if (recording->error == -ENOSPC || recording->error == -EDQUOT)
        return "disk-full";
    if (recording->error)
        return "write-error";
    return recording->reason ? recording->reason : "asked";
}

static void on_ended(struct recording *recording, int error) {
    struct room *room = recording->room;
    recording->error = error;
    recording->reason = reason_of(recording);
    record_note_figures(recording);
    tap_close(recording->tap);
    g_ptr_array_remove(room->recordings, recording);
    if (!room->is_ended)
        record_tell_end(recording);
    g_thread_unref(g_thread_new("record-end", finish, recording));
}

// ---- told by the recorder's thread, handled on the control loop ----

struct recorder_news {
    struct recording *recording;
    enum recorder_event event;
    int64_t value;
};

static void on_gap(struct recording *recording, int64_t length_ns) {
    struct library_figures figures;
    record_get_figures(recording, &figures);
    record_notes_add_gap(recording->notes, figures.duration_ns, length_ns);
    log_warn(recording->room->spec.name, "recording %s: %.1f s were left out, the disk is slow",
             recording->id, (double)length_ns / 1e9);
    record_event(recording, "recording-gap",
                 json_pack("{s:f}", "gap_seconds", (double)length_ns / 1e9));
}

static void take_news(void *user) {
    struct recorder_news *news = user;
    switch (news->event) {
    case RECORDER_BEGAN:
    case RECORDER_SEGMENT: break;
    case RECORDER_GAP: on_gap(news->recording, news->value); break;
    case RECORDER_ENDED: on_ended(news->recording, (int)news->value); break;
    }
    free(news);
}

static void on_event(void *user, enum recorder_event event, int64_t value) {
    struct recording *recording = user;
    struct recorder_news *news = g_new0(struct recorder_news, 1);
    *news = (struct recorder_news){.recording = recording, .event = event, .value = value};
    loop_post(recording->room->world->loop, take_news, news);
}

static void on_keyframe_wanted(void *user) {
    tap_request_keyframe(((struct recording *)user)->tap);
}

static void push(void *user, struct packet *packet, bool is_audio) {
    recorder_push(((struct recording *)user)->recorder, packet, is_audio);
}

static void stop(struct recording *recording, const char *reason) {
    if (recording->reason)
        return;
    recording->reason = reason;
    recorder_stop(recording->recorder, mixer_now_ns());
    record_note_figures(recording);
}

// ---- the beginning ----

static void play_tones(struct room *room) {
    static const double hz[TONES] = {660, 880};
    size_t each = (size_t)TONE_HZ * TONE_MS / 1000;
    struct clip *clip = calloc(1, sizeof(*clip));
    if (!clip)
        return;
    clip->count = TONES * each;
    clip->samples = calloc(clip->count, sizeof(float));
    if (!clip->samples) {
        clip_destroy(clip);
        return;
    }
    for (size_t i = 0; i < clip->count; i++) { // each swells and fades: no clicks
        double at = (double)(i % each) / (double)each;
        clip->samples[i] = (float)(0.2 * sin(M_PI * at) *
                                   sin(2 * M_PI * hz[i / each] * (double)(i % each) / TONE_HZ));
    }
    mixer_play(room->mixer, clip, 1);
}

static int refuse(struct refusal *refusal, int error) {
    if (error == -ENOSPC || error == -EDQUOT)
        return refusal_set(refusal, 507, "disk-full",
                           "There is too little free space on the disk of the recordings.");
    return refusal_set(refusal, 503, "cannot-record", "The recording cannot begin: %s.",
                       strerror(-error));
}

static int prepare(void *user) {
    struct recording *recording = user;
    return library_make_place(recording->room->world->library, recording->id);
}

static int create_recorder(struct recording *recording, const struct record_wish *wish) {
    static const struct recorder_ops ops = {
        .on_event = on_event, .on_keyframe_wanted = on_keyframe_wanted, .prepare = prepare};
    const struct room *room = recording->room;
    const struct config *config = room->world->config;
    char *path = g_strdup_printf("%s/media", recording->dir);
    const struct recorder_config recorder = {
        .path = path,
        .title = recording->title[0] ? recording->title : room->spec.name,
        .container = recording->container,
        .has_video = recording->has_video,
        .width_px = room->spec.width_px,
        .height_px = room->spec.height_px,
        .fps = room->spec.fps,
        .segment_ns = wish->segment_s * ROOM_SECOND_NS,
        .segment_bytes = (int64_t)wish->segment_mb * 1000000,
        .keyframe_s = config->recordings_keyframe_s,
        .syncs = config->recordings_sync,
        .free_floor_bytes = (int64_t)config->recordings_floor_mb * 1000000,
        .queue_bytes_max = (size_t)config->recordings_queue_kb * 1000,
    };
    int error = recorder_create(&recorder, &ops, recording, &recording->recorder);
    g_free(path);
    return error;
}

static int begin(struct recording *recording, const struct record_wish *wish) {
    struct room *room = recording->room;
    char tap_id[STAGE_ID_MAX];
    const struct library_entry entry = {.room = room->spec.name,
                                        .title = recording->title,
                                        .container = recorder_container_name(wish->container),
                                        .has_video = recording->has_video,
                                        .owner = room->spec.owner,
                                        .call = room->call,
                                        .started_unix_ms = recording->started_unix_ms};
    recording->tap = tap_create(push, recording);
    recording->notes = record_notes_create();
    if (!recording->tap || !recording->notes)
        return -ENOMEM;
    int error = library_begin(room->world->library, &entry, recording->id, recording->dir);
    if (error)
        return error;
    error = create_recorder(recording, wish);
    if (error) {
        library_cancel(room->world->library, recording->id);
        return error;
    }
    snprintf(tap_id, sizeof(tap_id), "rec%u", ++room->last_tap_number);
    return tap_open(recording->tap, room->mixer, tap_id, recording->has_video);
}

static struct recording *create(struct room *room, const struct record_wish *wish) {
    struct recording *recording = calloc(1, sizeof(*recording));
    if (!recording)
        return NULL;
    recording->room = room_ref(room);
    recording->container = wish->container;
    recording->has_video = !wish->is_audio_only && wish->container != RECORDER_OGG;
    recording->started_unix_ms = room_unix_ms();
    g_strlcpy(recording->title, wish->title[0] ? wish->title : room->spec.title,
              sizeof(recording->title));
    return recording;
}

// The recorder's thread may speak at once: whatever began is ended by its RECORDER_ENDED.
static void announce(struct recording *recording, const struct record_wish *wish) {
    struct room *room = recording->room;
    record_begin_notes(recording);
    record_tell(room);
    record_event(recording, "recording-started", NULL);
    log_info(room->spec.name, "recording %s begins: %s%s", recording->id,
             recorder_container_name(wish->container), recording->has_video ? "" : ", sound alone");
    if (room->world->config->recordings_sound)
        play_tones(room);
}

int room_record_start(struct room *room, const struct record_wish *wish, json_t **out,
                      struct refusal *refusal) {
    int max = room->world->config->recordings_per_room_max;
    if (!room->world->library)
        return refusal_set(refusal, 503, "not-ready", "This server keeps no recordings.");
    if ((int)room->recordings->len >= max)
        return refusal_set(refusal, 409, "too-many-recordings",
                           "This room is being recorded %d times already: that is the limit.", max);
    int error = library_check_disk(room->world->library);
    if (error)
        return refuse(refusal, error);
    struct recording *recording = create(room, wish);
    if (!recording)
        return refuse(refusal, -ENOMEM);
    error = begin(recording, wish);
    if (error && !recording->recorder) {
        recording_free(recording);
        log_warn(room->spec.name, "no recording: %s", strerror(-error));
        return refuse(refusal, error);
    }
    record_count_unfinished(1);
    g_ptr_array_add(room->recordings, recording);
    if (error) { // its end comes by itself
        stop(recording, "write-error");
        return refuse(refusal, error);
    }
    announce(recording, wish);
    *out = library_show(room->world->library, recording->id);
    return 0;
}

void room_record_start_by_itself(struct room *room) {
    const struct record_wish wish = {.container = RECORDER_WEBM};
    struct refusal refusal;
    json_t *out = NULL;
    if (!room->spec.records_on_start || room->recordings->len > 0)
        return;
    if (room_record_start(room, &wish, &out, &refusal) != 0) {
        log_error(room->spec.name, "not recorded as it should be: %s", refusal.message);
        room_event(room, "recording-failed",
                   json_pack("{s:{s:s, s:s, s:s}}", "recording", "room", room->spec.name, "state",
                             "failed", "reason",
                             refusal.status == 507 ? "disk-full" : "write-error"));
    }
    json_decref(out);
}

// ---- change ----

static void pause_or_resume(struct recording *recording, bool is_paused) {
    if (recording->is_paused == is_paused)
        return;
    recording->is_paused = is_paused;
    if (is_paused)
        recorder_pause(recording->recorder, mixer_now_ns());
    else
        recorder_resume(recording->recorder, mixer_now_ns());
    record_add_pause(recording, is_paused);
    record_event(recording, is_paused ? "recording-paused" : "recording-resumed", NULL);
}

static struct recording *find(const struct room *room, const char *id) {
    for (guint i = 0; i < room->recordings->len; i++) {
        struct recording *recording = room->recordings->pdata[i];
        if (strcmp(recording->id, id) == 0)
            return recording;
    }
    return NULL;
}

int room_record_change(struct room *room, const char *id, const char *state, json_t **out,
                       struct refusal *refusal) {
    struct recording *recording = find(room, id);
    if (!recording)
        return refusal_set(refusal, 404, "recording-not-found",
                           "No such recording runs in this room.");
    bool is_stop = strcmp(state, "stopped") == 0;
    if (recording->reason && !is_stop)
        return refusal_set(refusal, 409, "recording-ended", "This recording has ended.");
    if (is_stop)
        stop(recording, "asked");
    else
        pause_or_resume(recording, strcmp(state, "paused") == 0);
    record_note_figures(recording);
    record_tell(room);
    *out = library_show(room->world->library, id);
    return 0;
}

// No more packets come from now on: the mixer goes.
void room_record_end_all(struct room *room) {
    for (guint i = 0; i < room->recordings->len; i++) {
        struct recording *recording = room->recordings->pdata[i];
        stop(recording, "room-ended");
        tap_close(recording->tap);
    }
}

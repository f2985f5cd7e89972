// SPDX-License-Identifier: MIT
#include "mixer/record/recorder.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "mixer/record/repair.h"
#include "tests/unit/film.h"
#include "tests/unit/recording.h"

#define CLOSE    (100 * FILM_MS)
#define DISORDER (60 * FILM_MS) // a sender's clock, and a packet and a half

#if defined(__SANITIZE_ADDRESS__)
enum { HAS_SANITIZER = 1 };
#elif defined(__has_feature)
enum { HAS_SANITIZER = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) };
#else
enum { HAS_SANITIZER = 0 };
#endif

// Open, and the first keyframe asked for.
static void open_ready(struct recording *recording, const struct recorder_config *config) {
    recording_open(recording, config);
    recording_begin(recording);
    recording_await_open(recording);
}

// ---- what is recorded ----

static void test_recorder_writes_what_was_pushed(void **state) {
    struct recording recording;
    struct recorder_config config = recording_config(state, "a");
    open_ready(&recording, &config);
    recording_play(&recording, 10 * FILM_S);
    struct film film;
    assert_int_equal(recording_finish(&recording, &film), 0);
    assert_false(film.is_broken);
    assert_int_equal(film.video.count, recording.pushed);
    assert_in_range(film.audio.count, 499, 502);
    assert_true(film.video.rises && film.audio.rises);
    assert_true(film_is_near(film.duration_ns, 10 * FILM_S, CLOSE));
    assert_int_equal(film.width_px, FILM_WIDTH);
    assert_string_equal(film.title, "A call");
    struct recorder_stats stats = recording_stats(&recording);
    assert_int_equal(stats.state, RECORDER_STOPPED);
    assert_true(film_is_near(stats.duration_ns, 10 * FILM_S, CLOSE));
    assert_int_equal(stats.bytes, film_size(recording.path));
    assert_int_equal(stats.segments, 1);
    assert_int_equal(stats.gaps, 0);
    assert_in_range(stats.kbps, 5, 40);
    assert_int_equal(recording_count(&recording, RECORDER_BEGAN, NULL), 1);
    assert_int_equal(recording_count(&recording, RECORDER_ENDED, NULL), 1);
    recording_close(&recording);
}

static void test_recorder_begins_at_a_keyframe(void **state) {
    struct recording recording;
    struct recorder_config config = recording_config(state, "a");
    open_ready(&recording, &config);
    for (int i = 0; i < 50; i++) {
        recording_push(&recording, film_picture(recording.video_ns, false));
        recording_push(&recording, film_sound(recording.audio_ns));
        recording.video_ns += 20 * FILM_MS;
        recording.audio_ns += 20 * FILM_MS;
    }
    recording.now_ns = recording.video_ns;
    atomic_store(&recording.is_keyframe_wanted, true);
    recording_play(&recording, 2 * FILM_S);
    struct film film;
    recording_finish(&recording, &film);
    assert_true(film_is_near(film.video.first_ns, 0, FILM_MS));
    assert_true(film_is_near(film.audio.first_ns, 0, 20 * FILM_MS));
    assert_int_equal(film.video.count, 60);
    assert_true(film_is_near(film.duration_ns, 2 * FILM_S, CLOSE));
    recording_close(&recording);
}

static void test_recorder_fills_silence_that_was_not_sent(void **state) {
    struct recording recording;
    struct recorder_config config = recording_config(state, "a");
    open_ready(&recording, &config);
    recording.sound_every_ms = 400;
    recording_play(&recording, 10 * FILM_S);
    struct film film;
    recording_finish(&recording, &film);
    assert_in_range(film.audio.count, 499, 502);
    assert_true(film.audio.rises);
    assert_true(film.audio.widest_ns <= 25 * FILM_MS);
    assert_true(film_is_near(film.duration_ns, 10 * FILM_S, CLOSE));
    recording_close(&recording);
}

static void test_recorder_of_a_still_room_is_as_long_as_it_was(void **state) {
    for (int is_mute = 0; is_mute < 2; is_mute++) {
        struct recording recording;
        struct recorder_config config = recording_config(state, is_mute ? "mute" : "still");
        open_ready(&recording, &config);
        recording.is_still = true;
        recording.is_mute = is_mute;
        recording.sound_every_ms = 400;
        recording_play(&recording, 60 * FILM_S);
        struct film film;
        recording_finish(&recording, &film);
        assert_true(film_is_near(film.duration_ns, 60 * FILM_S, CLOSE));
        assert_true(film.audio.widest_ns <= 25 * FILM_MS);
        recording_close(&recording);
    }
}

static void test_recorder_without_sound_keeps_the_tracks_together(void **state) {
    struct recording recording;
    struct recorder_config config = recording_config(state, "a");
    open_ready(&recording, &config);
    recording.is_mute = true;
    recording_play(&recording, 20 * FILM_S);
    struct film film;
    recording_finish(&recording, &film);
    assert_true(film.disorder_ns <= DISORDER);
    assert_true(film_is_near(film.audio.end_ns, 20 * FILM_S, CLOSE));
    recording_close(&recording);
}

// The first picture after the place where the first sound is found by the file's index: what a
// browser begins with.
static bool begins_with_keyframe(const char *path) {
    AVFormatContext *format = NULL;
    AVPacket *packet = av_packet_alloc();
    bool is_keyframe = false, has_picture = false;
    assert_int_equal(avformat_open_input(&format, path, NULL, NULL), 0);
    while (av_read_frame(format, packet) == 0) // the index is made while it is read
        av_packet_unref(packet);
    int sound = av_find_best_stream(format, AVMEDIA_TYPE_AUDIO, -1, -1, NULL, 0);
    assert_true(av_seek_frame(format, sound, 0, AVSEEK_FLAG_BACKWARD) >= 0);
    while (!has_picture && av_read_frame(format, packet) == 0) {
        has_picture = packet->stream_index != sound;
        is_keyframe = packet->flags & AV_PKT_FLAG_KEY;
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    avformat_close_input(&format);
    return has_picture && is_keyframe;
}

static void test_recorder_plays_from_the_beginning_when_sound_comes_late(void **state) {
    for (int late_ms = 0; late_ms <= 1200; late_ms += 300) {
        struct recording recording;
        struct recorder_config config = recording_config(state, "a");
        open_ready(&recording, &config);
        recording.is_mute = true;
        recording_play(&recording, late_ms * FILM_MS);
        recording.is_mute = false;
        recording_play(&recording, 3 * FILM_S);
        struct film film;
        assert_int_equal(recording_finish(&recording, &film), 0);
        assert_int_equal(film.video.count, recording.pushed);
        assert_true(film.disorder_ns <= DISORDER);
        assert_true(film.audio.rises && film.audio.widest_ns <= 25 * FILM_MS);
        assert_true(begins_with_keyframe(recording.path));
        unlink(recording.path);
        recording_close(&recording);
    }
}

// What is written while nothing comes is a cluster of its own.
static void test_recorder_plays_from_the_beginning_when_nothing_follows_at_once(void **state) {
    struct recording recording;
    struct recorder_config config = recording_config(state, "a");
    open_ready(&recording, &config);
    recording_send_picture(&recording);
    recording_await(&recording, RECORDER_BEGAN);
    recording_await_duration(&recording, 20 * FILM_MS); // a packet of silence
    recording.audio_ns = recording.now_ns = recording.video_ns = RECORDING_BEGIN + FILM_S;
    recording_play(&recording, 2 * FILM_S);
    assert_int_equal(recording_finish(&recording, NULL), 0);
    assert_true(begins_with_keyframe(recording.path));
    recording_close(&recording);
}

static void test_recorder_puts_in_order_what_comes_mixed_up(void **state) {
    struct recording recording;
    struct recorder_config config = recording_config(state, "a");
    open_ready(&recording, &config);
    // Pictures take 120 ms longer than sound to come.
    for (int i = 0; i < 200; i++) {
        recording_push(&recording, film_sound(recording.audio_ns));
        recording.audio_ns += 20 * FILM_MS;
        if (recording.audio_ns - recording.video_ns > 120 * FILM_MS)
            recording_send_picture(&recording);
    }
    recording.now_ns = recording.audio_ns;
    struct film film;
    recording_finish(&recording, &film);
    assert_true(film.disorder_ns <= 30 * FILM_MS);
    assert_true(film.video.rises && film.audio.rises);
    recording_close(&recording);
}

static void test_recorder_of_sound_alone_takes_no_pictures(void **state) {
    enum recorder_container containers[] = {RECORDER_OGG, RECORDER_WEBM, RECORDER_MKV};
    for (int i = 0; i < 3; i++) {
        struct recording recording;
        struct recorder_config config = recording_config(state, "a");
        config.container = containers[i];
        config.has_video = containers[i] == RECORDER_OGG; // which never has
        recording_open(&recording, &config);
        recording.sound_every_ms = 400;
        recording_play(&recording, 30 * FILM_S);
        struct film film;
        assert_int_equal(recording_finish(&recording, &film), 0);
        assert_int_equal(film.video.count, 0);
        assert_int_equal(atomic_load(&recording.keyframes_asked), 0);
        assert_true(film.audio.rises);
        assert_in_range(film.audio.count, 1498, 1502);
        assert_true(film_is_near(film.duration_ns, 30 * FILM_S, CLOSE));
        recording_close(&recording);
    }
}

static void test_recorder_asks_for_keyframes_to_seek_by(void **state) {
    struct recording recording;
    struct recorder_config config = recording_config(state, "a");
    config.keyframe_s = 2;
    open_ready(&recording, &config);
    recording_play_paced(&recording, 20 * FILM_S, 0);
    struct film film;
    recording_finish(&recording, &film);
    assert_in_range(film.video.keyframes, 4, 10);
    recording_close(&recording);
}

static void test_recorder_asks_a_still_canvas_for_nothing(void **state) {
    struct recording recording;
    struct recorder_config config = recording_config(state, "a");
    config.keyframe_s = 2;
    open_ready(&recording, &config);
    recording.is_still = true;
    recording_play(&recording, 100 * FILM_MS);
    recording_await(&recording, RECORDER_BEGAN);
    atomic_store(&recording.is_keyframe_wanted, false);
    int asked = atomic_load(&recording.keyframes_asked);
    recording_play_paced(&recording, 20 * FILM_S, 0);
    assert_int_equal(atomic_load(&recording.keyframes_asked), asked);
    recording_finish(&recording, NULL);
    recording_close(&recording);
}

// ---- pauses, chapters, segments ----

static void test_recorder_cuts_out_pauses(void **state) {
    struct recording recording;
    struct recorder_config config = recording_config(state, "a");
    open_ready(&recording, &config);
    recording_play(&recording, 3 * FILM_S);
    recorder_pause(recording.recorder, recording.now_ns);
    assert_int_equal(recording_stats(&recording).state, RECORDER_PAUSED);
    recording_play(&recording, 5 * FILM_S);
    recorder_pause(recording.recorder, recording.now_ns); // it is
    recorder_add_chapter(recording.recorder, recording.now_ns, "Meanwhile");
    recording_play(&recording, FILM_S);
    atomic_store(&recording.is_keyframe_wanted, false);
    recorder_resume(recording.recorder, recording.now_ns);
    recording_begin(&recording);
    int before = recording.pushed;
    recording_play(&recording, 3 * FILM_S);
    assert_int_equal(recording_stats(&recording).state, RECORDER_RECORDING);
    struct film film;
    assert_int_equal(recording_finish(&recording, &film), 0);
    assert_true(film_is_near(film.duration_ns, 6 * FILM_S, CLOSE));
    assert_int_equal(film.video.count, 90 + recording.pushed - before);
    assert_true(film.video.keyframes >= 2);
    assert_true(film.video.widest_ns <= 70 * FILM_MS);
    assert_true(film.audio.widest_ns <= 45 * FILM_MS);
    assert_true(film.video.rises && film.audio.rises);
    assert_true(film_is_near(film.chapter_ns[0], 3 * FILM_S, CLOSE));
    recording_close(&recording);
}

static void test_recorder_paused_to_the_end_stops_where_it_paused(void **state) {
    struct recording recording;
    struct recorder_config config = recording_config(state, "a");
    open_ready(&recording, &config);
    recording_play(&recording, 2 * FILM_S);
    recorder_pause(recording.recorder, recording.now_ns);
    recording_play(&recording, 20 * FILM_S);
    struct film film;
    assert_int_equal(recording_finish(&recording, &film), 0);
    assert_true(film_is_near(film.duration_ns, 2 * FILM_S, CLOSE));
    recording_close(&recording);
}

static void test_recorder_keeps_chapters(void **state) {
    struct recording recording;
    struct recorder_config config = recording_config(state, "a");
    open_ready(&recording, &config);
    recorder_add_chapter(recording.recorder, recording.now_ns - FILM_S, "Anna joins");
    recording_play(&recording, 2 * FILM_S);
    recorder_add_chapter(recording.recorder, recording.now_ns, "Bert shares");
    recording_play(&recording, 2 * FILM_S);
    struct film film;
    recording_finish(&recording, &film);
    assert_int_equal(film.chapters, 2);
    assert_string_equal(film.chapter_titles[0], "Anna joins");
    assert_int_equal(film.chapter_ns[0], 0);
    assert_string_equal(film.chapter_titles[1], "Bert shares");
    assert_true(film_is_near(film.chapter_ns[1], 2 * FILM_S, CLOSE));
    recording_close(&recording);
}

// Of the segments of "a": each is whole. Returns how long all are.
static int64_t read_segments(void **state, int count) {
    int64_t sum_ns = 0;
    for (int i = 1; i <= count; i++) {
        char name[32];
        snprintf(name, sizeof(name), i == 1 ? "a.webm" : "a-%d.webm", i);
        struct film film;
        assert_true(film_read(film_path(state, name), &film));
        assert_true(film.video.keyframes >= 1);
        assert_true(film_is_near(film.video.first_ns, 0, FILM_MS));
        assert_true(film.video.rises && film.audio.rises);
        assert_true(film.audio.widest_ns <= 45 * FILM_MS);
        sum_ns += film.duration_ns;
    }
    return sum_ns;
}

static void test_recorder_begins_a_file_after_so_long_or_so_much(void **state) {
    for (int by_size = 0; by_size < 2; by_size++) {
        struct recording recording;
        struct recorder_config config = recording_config(state, "a");
        config.segment_ns = by_size ? 0 : 3 * FILM_S;
        config.segment_bytes = by_size ? 400000 : 0;
        open_ready(&recording, &config);
        recording.frame_bytes = by_size ? 5000 : 0;
        recording_play_paced(&recording, 15 * FILM_S, 0);
        assert_int_equal(recording_finish(&recording, NULL), 0);
        int64_t last = 0;
        int segments = recording_stats(&recording).segments;
        assert_in_range(segments, 3, 6);
        assert_int_equal(recording_count(&recording, RECORDER_SEGMENT, &last), segments - 1);
        assert_int_equal(last, segments);
        assert_true(film_is_near(read_segments(state, segments), 15 * FILM_S, CLOSE));
        assert_true(film_is_near(recording_stats(&recording).duration_ns, 15 * FILM_S, CLOSE));
        recording_close(&recording);
        for (int i = 1; i <= segments; i++) {
            char name[32];
            snprintf(name, sizeof(name), i == 1 ? "a.webm" : "a-%d.webm", i);
            unlink(film_path(state, name));
        }
    }
}

static void test_recorder_begins_a_file_when_the_canvas_changes(void **state) {
    struct recording recording;
    struct recorder_config config = recording_config(state, "a");
    open_ready(&recording, &config);
    recording_play(&recording, 2 * FILM_S);
    recording.width_px = 640;
    recording.height_px = 360;
    atomic_store(&recording.is_keyframe_wanted, true);
    recording_play(&recording, 2 * FILM_S);
    assert_int_equal(recording_finish(&recording, NULL), 0);
    assert_int_equal(recording_stats(&recording).segments, 2);
    struct film film;
    assert_true(film_read(film_path(state, "a.webm"), &film));
    assert_int_equal(film.width_px, FILM_WIDTH);
    assert_true(film_read(film_path(state, "a-2.webm"), &film));
    assert_int_equal(film.width_px, 640);
    recording_close(&recording);
}

// ---- ends ----

static void test_recorder_in_which_nothing_was_leaves_no_file(void **state) {
    struct recording recording;
    struct recorder_config config = recording_config(state, "a");
    open_ready(&recording, &config);
    assert_true(film_size(recording.path) >= 0);
    assert_int_equal(recording_finish(&recording, NULL), 0);
    assert_int_equal(film_size(recording.path), -1);
    assert_int_equal(recording_stats(&recording).segments, 0);
    recording_close(&recording);
}

static void test_recorder_destroyed_ends_with_what_it_has(void **state) {
    struct recording recording;
    struct recorder_config config = recording_config(state, "a");
    open_ready(&recording, &config);
    recording_play(&recording, 4 * FILM_S);
    recorder_destroy(recording.recorder);
    recorder_destroy(NULL);
    assert_int_equal(recording_count(&recording, RECORDER_ENDED, NULL), 1);
    struct film film;
    assert_true(film_read(recording.path, &film));
    assert_true(film_is_near(film.duration_ns, 4 * FILM_S, CLOSE));
    recording.recorder = NULL;
    recording_close(&recording);
}

static void test_recorder_overwrites_nothing(void **state) {
    struct recording recording;
    struct recorder_config config = recording_config(state, "a");
    film_store(film_path(state, "a.webm"), (const uint8_t *)"mine", 4);
    recording_open(&recording, &config);
    assert_int_equal(recording_await(&recording, RECORDER_ENDED), -EEXIST);
    assert_int_equal(recording_stats(&recording).state, RECORDER_FAILED);
    assert_int_equal(film_size(recording.path), 4);
    recording_close(&recording);
}

static void test_recorder_syncs_each_cluster_if_it_is_to(void **state) {
    for (int syncs = 0; syncs < 2; syncs++) {
        struct recording recording;
        struct recorder_config config = recording_config(state, syncs ? "a" : "b");
        config.syncs = syncs;
        open_ready(&recording, &config);
        recording_play(&recording, 10 * FILM_S);
        recording_finish(&recording, NULL);
        if (syncs)
            assert_in_range(recording.syncs, 10, 60);
        else
            assert_int_equal(recording.syncs, 0);
        recording_close(&recording);
    }
}

// ---- disks that are slow, full or broken ----

static void test_recorder_waits_for_a_slow_disk_and_nobody_waits_for_it(void **state) {
    struct recording recording;
    struct recorder_config config = recording_config(state, "a");
    config.queue_bytes_max = 512 * 1024;
    open_ready(&recording, &config);
    recording.frame_bytes = 4000;
    recording_play_paced(&recording, 3 * FILM_S, 0);
    RECORDING_SET(&recording, is_stalled, true);
    recording_play(&recording, FILM_S);
    recording_await_writer_in_write(&recording);
    // Ten seconds pass while it stands still; that this ends shows that nobody waits.
    recording_play(&recording, 10 * FILM_S);
    assert_int_equal(recording_count(&recording, RECORDER_GAP, NULL), 0);
    atomic_store(&recording.is_keyframe_wanted, false);
    RECORDING_SET(&recording, is_stalled, false);
    recording_begin(&recording);
    recording_play_paced(&recording, 4 * FILM_S, 14 * FILM_S);
    struct film film;
    assert_int_equal(recording_finish(&recording, &film), 0);
    int64_t gap_ns = 0;
    assert_int_equal(recording_count(&recording, RECORDER_GAP, &gap_ns), 1);
    assert_true(gap_ns > 4 * FILM_S && gap_ns < 11 * FILM_S);
    assert_true(film_is_near(film.video.widest_ns, gap_ns, CLOSE));
    assert_true(film.video.rises && film.audio.rises);
    assert_true(film.audio.widest_ns <= 45 * FILM_MS); // it has room
    assert_true(film_is_near(film.duration_ns, 18 * FILM_S, CLOSE));
    struct recorder_stats stats = recording_stats(&recording);
    assert_int_equal(stats.gaps, 1);
    assert_int_equal(stats.gap_ns, gap_ns);
    recording_close(&recording);
}

static void test_recorder_whose_file_opens_late_begins_when_it_was_asked_to(void **state) {
    struct recording recording;
    struct recorder_config config = recording_config(state, "a");
    recording_init(&recording);
    recording.is_stalled = true;
    assert_int_equal(recording_try_open(&recording, &config), 0);
    recording_begin(&recording); // a keyframe is asked for before there is a file
    recording_play(&recording, 3 * FILM_S);
    recorder_stop(recording.recorder, recording.now_ns);
    assert_int_equal(recording_count(&recording, RECORDER_BEGAN, NULL), 0);
    RECORDING_SET(&recording, is_stalled, false);
    assert_int_equal(recording_await(&recording, RECORDER_ENDED), 0);
    struct film film;
    assert_true(film_read(recording.path, &film));
    assert_true(film_is_near(film.duration_ns, 3 * FILM_S, CLOSE));
    assert_int_equal(recording_count(&recording, RECORDER_GAP, NULL), 0);
    recording_close(&recording);
}

static int refuse_to_prepare(void *user) {
    return -EROFS;
}

static void test_recorder_without_a_place_ends_with_the_reason(void **state) {
    struct recording recording;
    struct recorder_config config = recording_config(state, "a");
    const struct recorder_ops ops = {.on_event = recording_on_event, .prepare = refuse_to_prepare};
    recording_init(&recording);
    assert_int_equal(recorder_create(&config, &ops, &recording, &recording.recorder), 0);
    assert_int_equal(recording_await(&recording, RECORDER_ENDED), -EROFS);
    recording_close(&recording);
}

static void test_recorder_tells_a_gap_that_lasts_to_the_end(void **state) {
    struct recording recording;
    struct recorder_config config = recording_config(state, "a");
    config.queue_bytes_max = 256 * 1024;
    open_ready(&recording, &config);
    recording.frame_bytes = 2000;
    recording_play_paced(&recording, 2 * FILM_S, 0);
    RECORDING_SET(&recording, is_stalled, true);
    recording_play(&recording, 20 * FILM_S);
    recorder_stop(recording.recorder, recording.now_ns);
    RECORDING_SET(&recording, is_stalled, false);
    assert_int_equal(recording_await(&recording, RECORDER_ENDED), 0);
    int64_t gap_ns = 0;
    assert_int_equal(recording_count(&recording, RECORDER_GAP, &gap_ns), 1);
    struct film film;
    assert_true(film_read(recording.path, &film));
    assert_true(film_is_near(film.duration_ns, 22 * FILM_S, CLOSE));
    assert_true(film_is_near(film.video.last_ns + gap_ns, 22 * FILM_S, CLOSE));
    recording_close(&recording);
}

static void assert_pushes_do_nothing(struct recording *recording) {
    struct recorder_stats before = recording_stats(recording);
    recording_play(recording, 5 * FILM_S);
    recorder_pause(recording->recorder, recording->now_ns);
    recorder_resume(recording->recorder, recording->now_ns);
    recorder_add_chapter(recording->recorder, recording->now_ns, "Too late");
    recorder_stop(recording->recorder, recording->now_ns);
    struct recorder_stats after = recording_stats(recording);
    assert_int_equal(after.bytes, before.bytes);
    assert_int_equal(after.state, before.state);
    assert_int_equal(recording_count(recording, RECORDER_ENDED, NULL), 1);
}

static void test_recorder_ends_when_the_disk_is_full_and_what_is_there_plays(void **state) {
    for (int room = 60000; room < 200000; room += 33333) {
        struct recording recording;
        struct recorder_config config = recording_config(state, "a");
        open_ready(&recording, &config);
        recording.frame_bytes = 2000;
        RECORDING_SET(&recording, room_bytes, room);
        recording_play(&recording, 10 * FILM_S);
        assert_int_equal(recording_await(&recording, RECORDER_ENDED), -ENOSPC);
        assert_int_equal(recording_stats(&recording).state, RECORDER_FAILED);
        assert_pushes_do_nothing(&recording);
        struct film film;
        assert_true(film_read(recording.path, &film));
        assert_true(film.video.count >= (room - 40000) / 2000 - 2);
        assert_true(film.video.rises && film.audio.rises);
        recording_close(&recording);
        unlink(recording.path);
    }
}

static void test_recorder_ends_when_the_disk_breaks(void **state) {
    struct recording recording;
    struct recorder_config config = recording_config(state, "a");
    open_ready(&recording, &config);
    recording_play_paced(&recording, 3 * FILM_S, 0);
    RECORDING_SET(&recording, write_error, EIO);
    recording_play(&recording, 3 * FILM_S);
    assert_int_equal(recording_await(&recording, RECORDER_ENDED), -EIO);
    assert_pushes_do_nothing(&recording);
    struct film film;
    assert_true(film_read(recording.path, &film));
    assert_true(film.video.last_ns >= FILM_S);
    recording_close(&recording);
}

static void test_recorder_below_the_floor_finishes_its_file(void **state) {
    struct recording recording;
    struct recorder_config config = recording_config(state, "a");
    config.free_floor_bytes = 1000000;
    open_ready(&recording, &config);
    recording_play_paced(&recording, 3 * FILM_S, 0);
    RECORDING_SET(&recording, free_bytes, 999999);
    recording_play(&recording, 5 * FILM_S);
    assert_int_equal(recording_await(&recording, RECORDER_ENDED), -ENOSPC);
    assert_pushes_do_nothing(&recording);
    struct film film;
    assert_true(film_read(recording.path, &film));
    assert_false(film.is_broken);
    assert_true(film.duration_ns > 2 * FILM_S && film.duration_ns < 8 * FILM_S);
    recording_close(&recording);
}

static void test_recorder_does_not_begin_below_the_floor(void **state) {
    struct recording recording;
    struct recorder_config config = recording_config(state, "a");
    config.free_floor_bytes = 1000000;
    recording_init(&recording);
    recording.free_bytes = 999999;
    assert_int_equal(recording_try_open(&recording, &config), 0);
    assert_int_equal(recording_await(&recording, RECORDER_ENDED), -ENOSPC);
    assert_int_equal(film_size(recording.path), -1);
    recording_close(&recording);
}

static void test_recorder_fills_a_real_file_system_of_20_mb(void **state) {
    const char *dir = film_path(state, "small");
    assert_int_equal(mkdir(dir, 0700), 0);
    if (mount("tmpfs", dir, "tmpfs", 0, "size=20m")) {
        rmdir(dir);
        skip();
    }
    struct recording recording;
    struct recorder_config config = recording_config(state, "small/a");
    recording_open(&recording, &config);
    recording_begin(&recording);
    recording.frame_bytes = 40000;
    int64_t room_ns = 20 * FILM_S;
    for (int64_t at_ns = 0; at_ns < room_ns; at_ns += FILM_S) {
        recording_play(&recording, FILM_S);
        if (at_ns < 10 * FILM_S)
            recording_let_catch_up(&recording, at_ns + FILM_S);
    }
    int64_t result = recording_await(&recording, RECORDER_ENDED);
    struct film film;
    bool is_there = film_read(recording.path, &film);
    recording_close(&recording);
    unlink(recording.path);
    assert_int_equal(umount2(dir, MNT_DETACH), 0);
    rmdir(dir);
    assert_int_equal(result, -ENOSPC);
    assert_true(is_there);
    assert_true(film.video.count > 450 && film.video.rises);
}

// ---- a server that is killed ----

struct witness {
    _Atomic int64_t pushed_ns, first_ns;
};

// The child: records a room at some three times its speed, until it is killed.
static void record_forever(void **state, struct witness *witness) {
    struct recording recording;
    struct recorder_config config = recording_config(state, "a");
    recording_open(&recording, &config);
    recording_begin(&recording);
    recording.frame_bytes = 3000;
    int speed = getenv("TESSERA_TEST_SLOW") ? 1 : 3;
    // Never to make up for lost time: what a room sends at once is never much.
    struct timespec pause = {0, 20 * FILM_MS / speed};
    for (;;) {
        recording_play(&recording, 20 * FILM_MS);
        atomic_store(&witness->pushed_ns, recording.pushed_ns - RECORDING_BEGIN);
        nanosleep(&pause, NULL);
    }
}

// Returns what was pushed last, when it had got so far and was killed.
static int64_t record_and_kill(void **state, struct witness *witness, int64_t after_ns) {
    atomic_store(&witness->pushed_ns, 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        record_forever(state, witness);
        _exit(1);
    }
    struct timespec pause = {0, 500000};
    int status;
    while (atomic_load(&witness->pushed_ns) < after_ns) {
        assert_int_equal(waitpid(child, &status, WNOHANG), 0);
        nanosleep(&pause, NULL);
    }
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status));
    return atomic_load(&witness->pushed_ns);
}

static void test_recorder_killed_loses_a_second_at_most(void **state) {
    struct witness *witness =
        mmap(NULL, sizeof(*witness), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(witness != MAP_FAILED);
    srand(5);
    int rounds = getenv("TESSERA_TEST_SHORT") ? 5 : 20;
    for (int i = 0; i < rounds; i++) {
        int64_t after_ns = 1200 * FILM_MS + rand() % 1500 * FILM_MS;
        int64_t pushed_ns = record_and_kill(state, witness, after_ns);
        const char *path = film_path(state, "a.webm");
        struct film film;
        assert_true(film_read(path, &film));
        assert_true(film_is_near(film.video.last_ns, pushed_ns, FILM_S));
        assert_true(film_is_near(film.audio.last_ns, pushed_ns, FILM_S));
        assert_true(film.video.rises && film.audio.rises);
        struct repair_outcome outcome;
        assert_int_equal(repair_file(path, NULL, &outcome), 0);
        struct film repaired;
        assert_true(film_read(path, &repaired));
        assert_int_equal(repaired.video.count, film.video.count);
        assert_int_equal(repaired.audio.count, film.audio.count);
        assert_true(film_is_near(repaired.duration_ns, film_end_ns(&film), CLOSE));
        assert_true(film_is_near(outcome.duration_ns, film_end_ns(&film), CLOSE));
        assert_int_equal(outcome.bytes, film_size(path));
        unlink(path);
    }
    munmap(witness, sizeof(*witness));
}

// ---- two hours ----

static int64_t resident_bytes(void) {
    long pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld %ld", &pages, &resident), 2);
    fclose(file);
    return resident * sysconf(_SC_PAGESIZE);
}

static void test_recorder_of_two_hours_neither_drifts_nor_grows(void **state) {
    int64_t length_ns = (getenv("TESSERA_TEST_SHORT") ? 600 : 7200) * FILM_S;
    struct recording recording;
    struct recorder_config config = recording_config(state, "a");
    open_ready(&recording, &config);
    recording_play_paced(&recording, length_ns / 8, 0);
    int64_t early_bytes = resident_bytes();
    recording_play_paced(&recording, length_ns - length_ns / 8, length_ns / 8);
    int64_t late_bytes = resident_bytes();
    struct film film;
    assert_int_equal(recording_finish(&recording, &film), 0);
    assert_int_equal(recording_stats(&recording).gaps, 0);
    recording_close(&recording);
    assert_true(film.video.rises && film.audio.rises);
    assert_true(film_is_near(film.duration_ns, length_ns, CLOSE));
    assert_true(film_is_near(film.video.end_ns, length_ns, CLOSE));
    assert_true(film_is_near(film.audio.end_ns, length_ns, 40 * FILM_MS));
    assert_true(film.video.widest_ns <= 35 * FILM_MS);
    assert_true(film.audio.widest_ns <= 22 * FILM_MS);
    assert_int_equal(film.video.count, recording.pushed);
    if (!HAS_SANITIZER) // they keep what is freed
        assert_true(late_bytes - early_bytes < 4 << 20);
}

#define test(name) cmocka_unit_test_setup_teardown(name, film_place_make, film_place_remove)

int main(void) {
    const struct CMUnitTest tests[] = {
        test(test_recorder_killed_loses_a_second_at_most), // forks: while there are no threads
        test(test_recorder_writes_what_was_pushed),
        test(test_recorder_begins_at_a_keyframe),
        test(test_recorder_fills_silence_that_was_not_sent),
        test(test_recorder_of_a_still_room_is_as_long_as_it_was),
        test(test_recorder_without_sound_keeps_the_tracks_together),
        test(test_recorder_plays_from_the_beginning_when_sound_comes_late),
        test(test_recorder_plays_from_the_beginning_when_nothing_follows_at_once),
        test(test_recorder_puts_in_order_what_comes_mixed_up),
        test(test_recorder_of_sound_alone_takes_no_pictures),
        test(test_recorder_asks_for_keyframes_to_seek_by),
        test(test_recorder_asks_a_still_canvas_for_nothing),
        test(test_recorder_cuts_out_pauses),
        test(test_recorder_paused_to_the_end_stops_where_it_paused),
        test(test_recorder_keeps_chapters),
        test(test_recorder_begins_a_file_after_so_long_or_so_much),
        test(test_recorder_begins_a_file_when_the_canvas_changes),
        test(test_recorder_in_which_nothing_was_leaves_no_file),
        test(test_recorder_destroyed_ends_with_what_it_has),
        test(test_recorder_overwrites_nothing),
        test(test_recorder_syncs_each_cluster_if_it_is_to),
        test(test_recorder_waits_for_a_slow_disk_and_nobody_waits_for_it),
        test(test_recorder_whose_file_opens_late_begins_when_it_was_asked_to),
        test(test_recorder_without_a_place_ends_with_the_reason),
        test(test_recorder_tells_a_gap_that_lasts_to_the_end),
        test(test_recorder_ends_when_the_disk_is_full_and_what_is_there_plays),
        test(test_recorder_ends_when_the_disk_breaks),
        test(test_recorder_below_the_floor_finishes_its_file),
        test(test_recorder_does_not_begin_below_the_floor),
        test(test_recorder_fills_a_real_file_system_of_20_mb),
        test(test_recorder_of_two_hours_neither_drifts_nor_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

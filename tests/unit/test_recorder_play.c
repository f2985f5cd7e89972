// SPDX-License-Identifier: MIT
// What is recorded is decoded again: a flash and a beep at the same time stay so.
#include "mixer/record/recorder.h"

#include "mixer/record/repair.h"
#include "mixer/video/bitstream.h"
#include "tests/unit/camera.h"
#include "tests/unit/tone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/film.h"
#include "tests/unit/recording.h"

#include <libavcodec/avcodec.h>

enum { SOUND_FRAME = 960, MOMENTS_MAX = 8 };

// ---- a room that flashes and beeps ----

struct room {
    struct recording recording;
    struct camera camera;
    OpusEncoder *opus;
    int64_t moments_ns[MOMENTS_MAX]; // from the beginning
    int moments;
};

// For 200 ms from each moment on.
static bool is_lit(const struct room *room, int64_t at_ns) {
    for (int i = 0; i < room->moments; i++)
        if (at_ns >= room->moments_ns[i] && at_ns < room->moments_ns[i] + 200 * FILM_MS)
            return true;
    return false;
}

static void room_open(struct room *room, const struct recorder_config *config) {
    recording_open(&room->recording, config);
    if (config->has_video)
        recording_begin(&room->recording);
    room->camera = camera_open(FILM_WIDTH, FILM_HEIGHT);
    int error;
    room->opus = opus_encoder_create(48000, 1, OPUS_APPLICATION_VOIP, &error);
    assert_non_null(room->opus);
}

static void room_close(struct room *room) {
    recording_close(&room->recording);
    camera_close(&room->camera);
    opus_encoder_destroy(room->opus);
}

static void shoot(struct room *room) {
    struct recording *recording = &room->recording;
    static const struct yuv DARK = {30, 128, 128}, LIGHT = {220, 128, 128};
    bool is_keyframe = atomic_exchange(&recording->is_keyframe_wanted, false);
    int64_t at_ns = recording->video_ns - RECORDING_BEGIN;
    struct packet *packet =
        camera_shoot(&room->camera, is_lit(room, at_ns) ? LIGHT : DARK, is_keyframe);
    packet->pts_ns = recording->video_ns;
    recording_push(recording, packet);
    recording->video_ns += FILM_FRAME_NS;
}

// Silence is hardly sent: one packet of 18, as the room's outlets do.
static void speak(struct room *room) {
    struct recording *recording = &room->recording;
    int64_t at_ns = recording->audio_ns - RECORDING_BEGIN;
    int index = (int)(at_ns / (20 * FILM_MS));
    bool is_loud = is_lit(room, at_ns) || is_lit(room, at_ns - 200 * FILM_MS);
    float pcm[SOUND_FRAME] = {0};
    for (int i = 0; i < SOUND_FRAME; i++)
        if (is_lit(room, at_ns + i * FILM_S / 48000))
            tone_fill(&pcm[i], 1, 800, 0.5, (int64_t)index * SOUND_FRAME + i);
    uint8_t data[1275];
    int size = opus_encode_float(room->opus, pcm, SOUND_FRAME, data, sizeof(data));
    assert_true(size > 0);
    if (is_loud || index % 18 == 0) {
        struct packet *packet = packet_create(PACKET_AUDIO, data, (size_t)size);
        packet->pts_ns = recording->audio_ns;
        packet->duration_ns = 20 * FILM_MS;
        recording_push(recording, packet);
    }
    recording->audio_ns += 20 * FILM_MS;
}

static void room_play(struct room *room, int64_t duration_ns) {
    struct recording *recording = &room->recording;
    recording->now_ns += duration_ns;
    while (recording->video_ns < recording->now_ns || recording->audio_ns < recording->now_ns)
        if (recording->video_ns <= recording->audio_ns)
            shoot(room);
        else
            speak(room);
}

// ---- a player ----

struct show {
    int frames, flashes, beeps;
    int64_t flash_ns[MOMENTS_MAX], beep_ns[MOMENTS_MAX];
    int64_t sound_end_ns;
    bool is_light, has_error;
    int64_t loud_until_ns;
};

static void see(struct show *show, const AVFrame *frame, int64_t at_ns) {
    bool is_light = frame->data[0][frame->height / 2 * frame->linesize[0] + frame->width / 2] > 128;
    if (is_light && !show->is_light && show->flashes < MOMENTS_MAX)
        show->flash_ns[show->flashes++] = at_ns;
    show->is_light = is_light;
    show->frames++;
}

static void hear(struct show *show, const AVFrame *frame, int64_t at_ns) {
    const float *samples = (const float *)(const void *)frame->data[0];
    for (int i = 0; i < frame->nb_samples; i++) {
        int64_t sample_ns = at_ns + i * FILM_S / frame->sample_rate;
        if (samples[i] < 0.2f && samples[i] > -0.2f)
            continue;
        if (sample_ns > show->loud_until_ns && show->beeps < MOMENTS_MAX)
            show->beep_ns[show->beeps++] = sample_ns;
        show->loud_until_ns = sample_ns + 100 * FILM_MS;
    }
    show->sound_end_ns = at_ns + frame->nb_samples * FILM_S / frame->sample_rate;
}

static void decode(struct show *show, AVCodecContext *context, const AVPacket *packet,
                   AVFrame *frame) {
    show->has_error |= avcodec_send_packet(context, packet) < 0;
    while (avcodec_receive_frame(context, frame) >= 0) {
        int64_t at_ns =
            av_rescale_q(frame->pts, context->pkt_timebase, (AVRational){1, 1000000000});
        if (context->codec_type == AVMEDIA_TYPE_VIDEO)
            see(show, frame, at_ns);
        else
            hear(show, frame, at_ns);
        av_frame_unref(frame);
    }
}

static AVCodecContext *open_decoder(const AVStream *stream) {
    AVCodecContext *context =
        avcodec_alloc_context3(avcodec_find_decoder(stream->codecpar->codec_id));
    assert_true(avcodec_parameters_to_context(context, stream->codecpar) >= 0);
    context->pkt_timebase = stream->time_base;
    context->request_sample_fmt = AV_SAMPLE_FMT_FLTP;
    context->thread_count = 1;
    context->err_recognition = AV_EF_EXPLODE;
    assert_int_equal(avcodec_open2(context, context->codec, NULL), 0);
    return context;
}

static void play_file(const char *path, struct show *show) {
    *show = (struct show){.loud_until_ns = -1};
    AVFormatContext *format = NULL;
    AVCodecContext *contexts[2] = {0};
    assert_int_equal(avformat_open_input(&format, path, NULL, NULL), 0);
    assert_true(format->nb_streams <= 3); // the third: MP4's chapters
    unsigned count = format->nb_streams < 2 ? format->nb_streams : 2;
    for (unsigned i = 0; i < count; i++)
        contexts[i] = open_decoder(format->streams[i]);
    AVPacket *packet = av_packet_alloc();
    AVFrame *frame = av_frame_alloc();
    while (av_read_frame(format, packet) >= 0) {
        assert_true((unsigned)packet->stream_index < count);
        decode(show, contexts[packet->stream_index], packet, frame);
        av_packet_unref(packet);
    }
    for (unsigned i = 0; i < count; i++) {
        decode(show, contexts[i], NULL, frame);
        avcodec_free_context(&contexts[i]);
    }
    av_frame_free(&frame);
    av_packet_free(&packet);
    avformat_close_input(&format);
}

static void assert_together(const struct show *show, const int64_t *moments_ns, int moments) {
    assert_false(show->has_error);
    assert_int_equal(show->flashes, moments);
    assert_int_equal(show->beeps, moments);
    for (int i = 0; i < moments; i++) {
        assert_true(film_is_near(show->flash_ns[i], moments_ns[i], 60 * FILM_MS));
        assert_true(film_is_near(show->beep_ns[i], show->flash_ns[i], 40 * FILM_MS));
    }
}

// ---- tests ----

static void copy_file(const char *from, const char *to) {
    size_t size_bytes;
    uint8_t *data = film_load(from, &size_bytes);
    film_store(to, data, size_bytes);
    free(data);
}

static void test_recording_keeps_flash_and_beep_together_from_start_to_end(void **state) {
    struct room room = {.moments_ns = {500 * FILM_MS, 10 * FILM_S, 58 * FILM_S}, .moments = 3};
    struct recorder_config config = recording_config(state, "a");
    room_open(&room, &config);
    room_play(&room, 60 * FILM_S);
    assert_int_equal(recording_finish(&room.recording, NULL), 0);
    struct show show;
    play_file(room.recording.path, &show);
    assert_together(&show, room.moments_ns, 3);
    assert_int_equal(show.frames, 1800);
    assert_true(film_is_near(show.sound_end_ns, 60 * FILM_S, 40 * FILM_MS));
    room_close(&room);
}

static void test_recording_keeps_them_together_after_a_pause(void **state) {
    struct room room = {.moments_ns = {FILM_S, 7 * FILM_S}, .moments = 2};
    struct recorder_config config = recording_config(state, "a");
    room_open(&room, &config);
    room_play(&room, 3 * FILM_S);
    recorder_pause(room.recording.recorder, room.recording.now_ns);
    room_play(&room, 3 * FILM_S);
    atomic_store(&room.recording.is_keyframe_wanted, false);
    recorder_resume(room.recording.recorder, room.recording.now_ns);
    recording_begin(&room.recording);
    room_play(&room, 3 * FILM_S);
    assert_int_equal(recording_finish(&room.recording, NULL), 0);
    struct show show;
    play_file(room.recording.path, &show);
    assert_together(&show, (int64_t[]){FILM_S, 4 * FILM_S}, 2);
    room_close(&room);
}

static void test_recording_of_sound_alone_keeps_its_time(void **state) {
    struct room room = {.moments_ns = {FILM_S, 28 * FILM_S}, .moments = 2};
    struct recorder_config config = recording_config(state, "a");
    config.container = RECORDER_OGG;
    config.has_video = false;
    room_open(&room, &config);
    room_play(&room, 30 * FILM_S);
    assert_int_equal(recording_finish(&room.recording, NULL), 0);
    struct show show;
    play_file(room.recording.path, &show);
    assert_false(show.has_error);
    assert_int_equal(show.beeps, 2);
    assert_true(film_is_near(show.beep_ns[0], FILM_S, 40 * FILM_MS));
    assert_true(film_is_near(show.beep_ns[1], 28 * FILM_S, 40 * FILM_MS));
    room_close(&room);
}

// Where a box of the file begins; -1: nowhere.
static int64_t find_box(const char *path, const char *type) {
    size_t size_bytes;
    uint8_t *data = film_load(path, &size_bytes);
    int64_t found = -1;
    for (size_t at = 0; at + 8 <= size_bytes && found < 0;) {
        size_t box_bytes = (size_t)data[at] << 24 | (size_t)data[at + 1] << 16 |
                           (size_t)data[at + 2] << 8 | data[at + 3];
        if (memcmp(data + at + 4, type, 4) == 0)
            found = (int64_t)at;
        at = box_bytes < 8 ? size_bytes : at + box_bytes;
    }
    free(data);
    return found;
}

static void assert_chapters(const struct film *film) {
    static const int64_t AT_S[] = {0, 2, 7}; // MP4's begin at 0
    static const char *const TITLES[] = {"A call", "Anna joins",
                                         "Ben \xc3\xa4u\xc3\x9f"
                                         "ert sich"};
    assert_int_equal(film->chapters, 3);
    for (int i = 0; i < 3; i++) {
        assert_true(film_is_near(film->chapter_ns[i], AT_S[i] * FILM_S, 50 * FILM_MS));
        assert_string_equal(film->chapter_titles[i], TITLES[i]);
    }
}

// Index in front, no fragments, chapters.
static void assert_plain_mp4(const char *path, const struct film *film) {
    struct repair_outcome look;
    assert_int_equal(find_box(path, "moof"), -1);
    assert_true(find_box(path, "moov") > 0);
    assert_true(find_box(path, "moov") < find_box(path, "mdat"));
    assert_chapters(film);
    assert_true(repair_is_whole(path, &look));
    assert_int_equal(look.bytes, film_size(path));
    assert_true(film_is_near(look.duration_ns, film->duration_ns, 100 * FILM_MS));
}

static void test_recording_as_mp4_is_one_that_players_seek_in(void **state) {
    struct room room = {.moments_ns = {FILM_S, 8 * FILM_S}, .moments = 2};
    struct recorder_config config = recording_config(state, "a");
    config.container = RECORDER_MP4;
    room_open(&room, &config);
    for (int i = 0; i < 10; i++) {
        if (i == 2)
            recorder_add_chapter(room.recording.recorder, room.recording.now_ns, "Anna joins");
        if (i == 7)
            recorder_add_chapter(room.recording.recorder, room.recording.now_ns,
                                 "Ben \xc3\xa4u\xc3\x9f"
                                 "ert sich");
        room_play(&room, FILM_S);
        recording_let_catch_up(&room.recording, (i + 1) * FILM_S);
    }
    recording_await_duration(&room.recording, 9750 * FILM_MS);
    const char *left = film_path(state, "left.mp4");
    copy_file(room.recording.path, left);
    struct film film;
    assert_int_equal(recording_finish(&room.recording, &film), 0);
    assert_true(film_is_near(film.duration_ns, 10 * FILM_S, 100 * FILM_MS));
    assert_true(film.video.rises && film.audio.rises);
    assert_true(film.video.keyframes >= 3);
    assert_plain_mp4(room.recording.path, &film);
    struct show show;
    play_file(room.recording.path, &show);
    assert_together(&show, room.moments_ns, 2);
    assert_int_equal(recording_stats(&room.recording).bytes, film_size(room.recording.path));
    room_close(&room);
    // What a crash would have left, and what others know of its chapters.
    const struct repair_chapter chapters[] = {{2 * FILM_S, "Anna joins"},
                                              {7 * FILM_S, "Ben \xc3\xa4u\xc3\x9f"
                                                           "ert sich"},
                                              {900 * FILM_S, "what is lost"}};
    const struct repair_config repair = {.chapters = chapters, .chapter_count = 3};
    struct repair_outcome outcome;
    assert_false(repair_is_whole(left, &outcome));
    assert_int_equal(repair_measure(left, &outcome), 0);
    assert_true(film_is_near(outcome.duration_ns, 10 * FILM_S, FILM_S));
    for (int is_repaired = 0; is_repaired < 2; is_repaired++) {
        if (is_repaired)
            assert_int_equal(repair_file(left, &repair, &outcome), 0);
        assert_true(film_read(left, &film));
        assert_true(film_is_near(film.video.last_ns, 10 * FILM_S, FILM_S));
        assert_true(film_is_near(film.audio.last_ns, 10 * FILM_S, FILM_S));
    }
    assert_true(film_is_near(film.duration_ns, 10 * FILM_S, FILM_S));
    assert_plain_mp4(left, &film);
    play_file(left, &show);
    assert_together(&show, room.moments_ns, 2);
}

#define test(name) cmocka_unit_test_setup_teardown(name, film_place_make, film_place_remove)

int main(void) {
    const struct CMUnitTest tests[] = {
        test(test_recording_keeps_flash_and_beep_together_from_start_to_end),
        test(test_recording_keeps_them_together_after_a_pause),
        test(test_recording_of_sound_alone_keeps_its_time),
        test(test_recording_as_mp4_is_one_that_players_seek_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
// VP8 and Opus into H.264 and AAC: times, holes, sizes. What comes out is decoded by libavcodec.
#include "mixer/record/transcoder.h"
#include "tests/unit/live_source.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { WIDTH = 320, HEIGHT = 192, PIECES_MAX = 400000 };

static const int64_t MS = 1000000, S = 1000000000, FRAME_NS = 1000000000 / LIVE_FPS;

// One packet that came out.
struct piece {
    int64_t pts_ns, duration_ns;
    bool is_keyframe;
    uint8_t *data;
    size_t size_bytes;
};

struct pieces {
    int count, capacity;
    struct piece *of;
};

struct rig {
    struct live_source source;
    struct transcoder *transcoder;
    struct muxer_track tracks[MUXER_TRACKS_MAX];
    struct pieces pictures, sounds;
};

static void on_out(void *user, enum muxer_codec codec, int64_t pts_ns, int64_t duration_ns,
                   bool is_keyframe, const void *data, size_t size_bytes) {
    struct rig *rig = user;
    assert_true(codec == MUXER_H264 || codec == MUXER_AAC);
    struct pieces *pieces = codec == MUXER_H264 ? &rig->pictures : &rig->sounds;
    if (pieces->count > 0) // no hole, no overlap
        assert_int_equal(pts_ns, pieces->of[pieces->count - 1].pts_ns +
                                     pieces->of[pieces->count - 1].duration_ns);
    assert_true(duration_ns > 0);
    if (pieces->count == pieces->capacity) {
        pieces->capacity = pieces->capacity ? 2 * pieces->capacity : 256;
        pieces->of = realloc(pieces->of, (size_t)pieces->capacity * sizeof(*pieces->of));
    }
    assert_true(pieces->count < PIECES_MAX);
    struct piece *piece = &pieces->of[pieces->count++];
    *piece = (struct piece){pts_ns, duration_ns, is_keyframe,
                            malloc(size_bytes + AV_INPUT_BUFFER_PADDING_SIZE), size_bytes};
    memcpy(piece->data, data, size_bytes);
    memset(piece->data + size_bytes, 0, AV_INPUT_BUFFER_PADDING_SIZE);
}

static struct transcoder_config plain_config(void) {
    return (struct transcoder_config){
        .has_video = true, .width_px = WIDTH, .height_px = HEIGHT, .fps = LIVE_FPS};
}

static void rig_open(struct rig *rig, const struct transcoder_config *config) {
    memset(rig, 0, sizeof(*rig));
    live_source_open(&rig->source, WIDTH, HEIGHT);
    assert_int_equal(transcoder_create(config, on_out, rig, &rig->transcoder), 0);
    assert_int_equal(transcoder_tracks(rig->transcoder, rig->tracks), config->has_video ? 2 : 1);
}

static void let_go(struct pieces *pieces) {
    for (int i = 0; i < pieces->count; i++)
        free(pieces->of[i].data);
    free(pieces->of);
}

static void rig_close(struct rig *rig) {
    transcoder_destroy(rig->transcoder);
    live_source_close(&rig->source);
    let_go(&rig->pictures);
    let_go(&rig->sounds);
}

static int push(struct rig *rig, struct packet *packet) {
    int rc = transcoder_push(rig->transcoder, packet->kind == PACKET_AUDIO, packet->pts_ns,
                             packet->is_keyframe, packet->data, packet->size_bytes);
    packet_unref(packet);
    return rc;
}

static void show(struct rig *rig, int luma, int64_t pts_ns) {
    assert_int_equal(push(rig, live_source_picture(&rig->source, luma, false, pts_ns)), 0);
}

static void say(struct rig *rig, double amplitude, int64_t pts_ns) {
    assert_int_equal(push(rig, live_source_sound(&rig->source, amplitude, pts_ns)), 0);
}

// A room from one time to another; from signal_ns on bright and loud for 200 ms.
static void play(struct rig *rig, int64_t from_ns, int64_t to_ns, int64_t signal_ns) {
    int64_t sound_ns = from_ns;
    for (int i = 0; from_ns + i * FRAME_NS < to_ns; i++) {
        int64_t now_ns = from_ns + i * FRAME_NS;
        for (; sound_ns <= now_ns; sound_ns += 20 * MS)
            say(rig, sound_ns >= signal_ns && sound_ns < signal_ns + 200 * MS ? 0.5 : 0, sound_ns);
        bool is_bright = now_ns >= signal_ns && now_ns < signal_ns + 200 * MS;
        show(rig, is_bright ? LIVE_BRIGHT : LIVE_DARK, now_ns);
    }
}

// ---- what is in what came out ----

struct reader {
    AVCodecContext *context;
    AVPacket *packet;
    AVFrame *frame;
};

static void reader_open(struct reader *reader, enum AVCodecID id, const struct muxer_track *track) {
    reader->context = avcodec_alloc_context3(avcodec_find_decoder(id));
    reader->packet = av_packet_alloc();
    reader->frame = av_frame_alloc();
    AVCodecContext *context = reader->context;
    context->log_level_offset = 100;
    context->err_recognition = AV_EF_EXPLODE;
    context->thread_count = 1;
    context->sample_rate = 48000;
    context->ch_layout = (AVChannelLayout)AV_CHANNEL_LAYOUT_MONO;
    context->extradata = av_mallocz(track->extradata_bytes + AV_INPUT_BUFFER_PADDING_SIZE);
    memcpy(context->extradata, track->extradata, track->extradata_bytes);
    context->extradata_size = (int)track->extradata_bytes;
    assert_int_equal(avcodec_open2(context, NULL, NULL), 0);
}

// The decoded frame stays the reader's.
static const AVFrame *reader_read(struct reader *reader, const struct piece *piece) {
    reader->packet->data = piece->data;
    reader->packet->size = (int)piece->size_bytes;
    reader->packet->pts = reader->packet->dts = piece->pts_ns;
    assert_int_equal(avcodec_send_packet(reader->context, reader->packet), 0);
    assert_int_equal(avcodec_receive_frame(reader->context, reader->frame), 0);
    return reader->frame;
}

static void reader_close(struct reader *reader) {
    avcodec_free_context(&reader->context);
    av_packet_free(&reader->packet);
    av_frame_free(&reader->frame);
}

static void open_pictures(struct rig *rig, struct reader *reader) {
    reader_open(reader, AV_CODEC_ID_H264, &rig->tracks[0]);
    reader->context->flags |= AV_CODEC_FLAG_LOW_DELAY;
}

static void open_sounds(struct rig *rig, struct reader *reader) {
    reader_open(reader, AV_CODEC_ID_AAC,
                &rig->tracks[transcoder_tracks(rig->transcoder, rig->tracks) - 1]);
}

// When the first bright picture from from_ns on is shown. Decodes them all.
static int64_t find_flash(struct rig *rig, int64_t from_ns) {
    struct reader reader;
    int64_t found_ns = -1;
    open_pictures(rig, &reader);
    for (int i = 0; i < rig->pictures.count; i++) {
        const AVFrame *frame = reader_read(&reader, &rig->pictures.of[i]);
        assert_int_equal(frame->width, WIDTH);
        assert_int_equal(frame->height, HEIGHT);
        int luma = frame->data[0][HEIGHT / 2 * frame->linesize[0] + WIDTH / 2];
        if (found_ns < 0 && luma > 128 && rig->pictures.of[i].pts_ns >= from_ns)
            found_ns = rig->pictures.of[i].pts_ns;
    }
    reader_close(&reader);
    return found_ns;
}

// When it is loud for the first time from from_ns on. Decodes all.
static int64_t find_beep(struct rig *rig, int64_t from_ns) {
    struct reader reader;
    int64_t found_ns = -1;
    open_sounds(rig, &reader);
    for (int i = 0; i < rig->sounds.count; i++) {
        const AVFrame *frame = reader_read(&reader, &rig->sounds.of[i]);
        const float *samples = (const float *)frame->data[0];
        for (int s = 0; s < frame->nb_samples && found_ns < 0; s++) {
            int64_t at_ns = rig->sounds.of[i].pts_ns + s * S / 48000;
            if (at_ns >= from_ns && fabsf(samples[s]) > 0.1f)
                found_ns = at_ns;
        }
    }
    reader_close(&reader);
    return found_ns;
}

static void assert_sound_has_no_hole(const struct rig *rig, int64_t from_ns, int64_t to_ns) {
    const struct pieces *sounds = &rig->sounds;
    assert_true(sounds->count > 0);
    assert_int_equal(sounds->of[0].pts_ns, from_ns);
    for (int i = 1; i < sounds->count; i++)
        assert_int_equal(sounds->of[i].pts_ns,
                         sounds->of[i - 1].pts_ns + sounds->of[i - 1].duration_ns);
    const struct piece *last = &sounds->of[sounds->count - 1];
    assert_in_range(last->pts_ns + last->duration_ns, to_ns, to_ns + 45 * MS); // a packet, a frame
}

static void assert_near(int64_t is_ns, int64_t should_ns, int64_t tolerance_ns) {
    if (llabs(is_ns - should_ns) > tolerance_ns)
        print_error("%lld ms, not %lld ms\n", (long long)(is_ns / MS), (long long)(should_ns / MS));
    assert_true(llabs(is_ns - should_ns) <= tolerance_ns);
}

// ---- tests ----

static void test_transcoder_keeps_each_picture_and_its_time(void **state) {
    static const int64_t TIMES_MS[] = {5000, 5033, 5040, 5300, 5301, 6250, 6280, 6281, 6900};
    enum { COUNT = sizeof(TIMES_MS) / sizeof(TIMES_MS[0]) };
    struct transcoder_config config = plain_config();
    config.repeat_ns = S;
    struct rig rig;
    rig_open(&rig, &config);
    for (int i = 0; i < COUNT; i++)
        show(&rig, LIVE_DARK + 10 * i, TIMES_MS[i] * MS);
    assert_int_equal(rig.pictures.count, COUNT - 1); // each waits for the next alone
    assert_int_equal(transcoder_finish(rig.transcoder, 7000 * MS), 0);
    assert_int_equal(rig.pictures.count, COUNT);
    struct reader reader;
    open_pictures(&rig, &reader);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(rig.pictures.of[i].pts_ns, TIMES_MS[i] * MS);
        assert_int_equal(rig.pictures.of[i].is_keyframe, i == 0);
        const AVFrame *frame = reader_read(&reader, &rig.pictures.of[i]);
        assert_in_range(frame->data[0][0], LIVE_DARK + 10 * i - 6, LIVE_DARK + 10 * i + 6);
    }
    reader_close(&reader);
    rig_close(&rig);
}

static void test_transcoder_keeps_flash_and_beep_together(void **state) {
    struct transcoder_config config = plain_config();
    struct rig rig;
    rig_open(&rig, &config);
    int64_t begin_ns = 77 * S + 123456789;
    play(&rig, begin_ns, begin_ns + 2 * S, begin_ns + S);
    assert_int_equal(transcoder_finish(rig.transcoder, begin_ns + 2 * S), 0);
    int64_t flash_ns = find_flash(&rig, 0), beep_ns = find_beep(&rig, 0);
    assert_near(flash_ns, begin_ns + S, 40 * MS);
    assert_near(beep_ns, begin_ns + S, 40 * MS);
    assert_near(beep_ns, flash_ns, 40 * MS);
    rig_close(&rig);
}

static void test_transcoder_keeps_them_together_after_an_hour(void **state) {
    struct transcoder_config config = plain_config();
    config.keyframe_ns = config.repeat_ns = 60 * S;
    struct rig rig;
    rig_open(&rig, &config);
    play(&rig, 0, S, 3600 * S);
    int64_t again_ns = 3600 * S;
    assert_int_equal(push(&rig, live_source_picture(&rig.source, LIVE_DARK, true, again_ns)), 0);
    play(&rig, again_ns + FRAME_NS, again_ns + 2 * S, again_ns + S);
    assert_int_equal(transcoder_finish(rig.transcoder, again_ns + 2 * S), 0);
    assert_sound_has_no_hole(&rig, 0, again_ns + 2 * S);
    int64_t flash_ns = find_flash(&rig, 0), beep_ns = find_beep(&rig, 0);
    assert_near(flash_ns, again_ns + S, 40 * MS);
    assert_near(beep_ns, flash_ns, 40 * MS);
    rig_close(&rig);
}

// A clock that is off by one in a thousand: by counting alone 60 ms in a minute.
static void test_transcoder_puts_sound_where_its_timestamps_say(void **state) {
    struct transcoder_config config = {.has_video = false};
    struct rig rig;
    rig_open(&rig, &config);
    for (int direction = 0; direction < 2; direction++) {
        int64_t begin_ns = direction * 100 * S, step_ns = direction ? 19980000 : 20020000, i = 0;
        for (; i < 3000; i++)
            say(&rig, 0, begin_ns + i * step_ns);
        for (; i < 3010; i++)
            say(&rig, 0.5, begin_ns + i * step_ns);
        assert_int_equal(push(&rig, live_source_sound(&rig.source, 0, begin_ns + i * step_ns)), 0);
        assert_near(find_beep(&rig, begin_ns), begin_ns + 3000 * step_ns, 30 * MS);
    }
    rig_close(&rig);
}

static void test_transcoder_fills_holes_in_the_sound_with_silence(void **state) {
    struct transcoder_config config = plain_config();
    struct rig rig;
    rig_open(&rig, &config);
    play(&rig, 0, S, 700 * MS); // ends within the beep
    for (int i = 0; i < 3 * LIVE_FPS; i++)
        show(&rig, LIVE_DARK, S + i * FRAME_NS);
    // Not only when it ends: a stream that goes on needs sound.
    const struct piece *last = &rig.sounds.of[rig.sounds.count - 1];
    assert_true(last->pts_ns > 3500 * MS);
    play(&rig, 4 * S, 5 * S, 4500 * MS);
    assert_int_equal(transcoder_finish(rig.transcoder, 5 * S), 0);
    assert_sound_has_no_hole(&rig, 0, 5 * S);
    assert_near(find_beep(&rig, 0), 700 * MS, 40 * MS);
    assert_near(find_beep(&rig, 1500 * MS), 4500 * MS, 40 * MS);
    rig_close(&rig);
}

static void test_transcoder_makes_silence_of_no_sound_at_all(void **state) {
    struct transcoder_config config = plain_config();
    struct rig rig;
    rig_open(&rig, &config);
    for (int i = 0; i < LIVE_FPS; i++)
        show(&rig, LIVE_DARK, 9 * S + i * FRAME_NS);
    assert_int_equal(transcoder_finish(rig.transcoder, 10 * S), 0);
    assert_sound_has_no_hole(&rig, 9 * S, 10 * S);
    assert_int_equal(find_beep(&rig, 0), -1);
    rig_close(&rig);
}

static void test_transcoder_leaves_out_sound_that_was_there_already(void **state) {
    struct transcoder_config config = {.has_video = false};
    struct rig rig;
    rig_open(&rig, &config);
    for (int i = 0; i < 100; i++)
        say(&rig, 0.5, i * 20 * MS);
    for (int i = 50; i < 150; i++) // a second once more
        say(&rig, 0, i * 20 * MS);
    assert_int_equal(transcoder_finish(rig.transcoder, 3 * S), 0);
    assert_sound_has_no_hole(&rig, 0, 3 * S);
    rig_close(&rig);
}

static void test_transcoder_repeats_a_still_picture(void **state) {
    struct transcoder_config config = plain_config();
    config.repeat_ns = 200 * MS;
    struct rig rig;
    rig_open(&rig, &config);
    for (int i = 0; i < 500; i++) { // ten seconds
        if (i % 50 == 0)
            show(&rig, LIVE_DARK, i * 20 * MS);
        say(&rig, 0, i * 20 * MS);
    }
    assert_int_equal(transcoder_finish(rig.transcoder, 10 * S), 0);
    int64_t keyframe_ns = 0;
    for (int i = 0; i < rig.pictures.count; i++) {
        const struct piece *piece = &rig.pictures.of[i];
        if (i > 0)
            assert_true(piece->pts_ns - piece[-1].pts_ns <= 200 * MS);
        if (!piece->is_keyframe)
            continue;
        assert_int_equal(piece->pts_ns, keyframe_ns);
        keyframe_ns += 2 * S;
    }
    assert_int_equal(keyframe_ns, 10 * S); // five of them
    const struct piece *last = &rig.pictures.of[rig.pictures.count - 1];
    assert_near(last->pts_ns + last->duration_ns, 10 * S, MS);
    assert_int_equal(find_flash(&rig, 0), -1);
    rig_close(&rig);
}

static void test_transcoder_puts_keyframes_on_their_grid(void **state) {
    struct transcoder_config config = plain_config();
    config.keyframe_ns = 500 * MS;
    struct rig rig;
    rig_open(&rig, &config);
    for (int i = 0; i < 5 * LIVE_FPS; i++)
        show(&rig, LIVE_DARK + i % 50, i * FRAME_NS);
    assert_int_equal(transcoder_finish(rig.transcoder, 5 * S), 0);
    int64_t due_ns = 0;
    for (int i = 0; i < rig.pictures.count; i++) {
        if (!rig.pictures.of[i].is_keyframe)
            continue;
        assert_in_range(rig.pictures.of[i].pts_ns, due_ns, due_ns + FRAME_NS);
        due_ns += 500 * MS;
    }
    assert_int_equal(due_ns, 5 * S);
    rig_close(&rig);
}

static void test_transcoder_moves_a_late_picture_behind_what_is_out(void **state) {
    struct transcoder_config config = plain_config();
    config.repeat_ns = 100 * MS;
    struct rig rig;
    rig_open(&rig, &config);
    show(&rig, LIVE_DARK, 0);
    for (int i = 0; i < 50; i++)
        say(&rig, 0, i * 20 * MS);
    int count = rig.pictures.count;
    assert_true(count > 3);
    show(&rig, LIVE_BRIGHT, 50 * MS);
    assert_int_equal(transcoder_finish(rig.transcoder, 750 * MS), 0);
    assert_true(rig.pictures.count > count); // on_out() looks at the times
    assert_int_equal(find_flash(&rig, 0), rig.pictures.of[count].pts_ns + MS);
    rig_close(&rig);
}

static void test_transcoder_fits_another_size_in(void **state) {
    struct transcoder_config config = plain_config();
    struct rig rig;
    rig_open(&rig, &config);
    show(&rig, LIVE_BRIGHT, 0);
    static const int SIZES[][2] = {{HEIGHT, WIDTH}, {640, 128}, {2 * WIDTH, 2 * HEIGHT}};
    for (int i = 0; i < 3; i++) {
        struct live_source other;
        live_source_open(&other, SIZES[i][0], SIZES[i][1]);
        assert_int_equal(
            push(&rig, live_source_picture(&other, LIVE_BRIGHT, true, (i + 1) * S / 5)), 0);
        live_source_close(&other);
    }
    assert_int_equal(transcoder_finish(rig.transcoder, S), 0);
    assert_int_equal(rig.pictures.count, 4);
    static const bool SIDE_IS_BLACK[] = {false, true, false, false};
    static const bool TOP_IS_BLACK[] = {false, false, true, false};
    struct reader reader;
    open_pictures(&rig, &reader);
    for (int i = 0; i < 4; i++) {
        const AVFrame *frame = reader_read(&reader, &rig.pictures.of[i]);
        assert_int_equal(frame->width, WIDTH);
        assert_int_equal(frame->height, HEIGHT);
        const uint8_t *middle = frame->data[0] + HEIGHT / 2 * frame->linesize[0];
        assert_in_range(middle[WIDTH / 2], LIVE_BRIGHT - 8, LIVE_BRIGHT + 8);
        assert_int_equal(middle[4] < 30, SIDE_IS_BLACK[i]);
        assert_int_equal(middle[WIDTH - 4] < 30, SIDE_IS_BLACK[i]);
        assert_int_equal(frame->data[0][4 * frame->linesize[0] + WIDTH / 2] < 30, TOP_IS_BLACK[i]);
        assert_int_equal(frame->data[0][(HEIGHT - 4) * frame->linesize[0] + WIDTH / 2] < 30,
                         TOP_IS_BLACK[i]);
    }
    reader_close(&reader);
    rig_close(&rig);
}

static void test_transcoder_waits_for_a_keyframe(void **state) {
    struct transcoder_config config = plain_config();
    struct rig rig;
    rig_open(&rig, &config);
    packet_unref(live_source_picture(&rig.source, LIVE_DARK, false, 0));
    assert_int_equal(push(&rig, live_source_picture(&rig.source, LIVE_DARK, false, MS)), -EAGAIN);
    assert_int_equal(rig.pictures.count, 0);
    assert_int_equal(push(&rig, live_source_picture(&rig.source, LIVE_DARK, true, 40 * MS)), 0);
    assert_int_equal(transcoder_finish(rig.transcoder, 80 * MS), 0);
    assert_int_equal(rig.pictures.count, 1);
    rig_close(&rig);
}

static void test_transcoder_survives_broken_packets(void **state) {
    struct transcoder_config config = plain_config();
    struct rig rig;
    rig_open(&rig, &config);
    show(&rig, LIVE_DARK, 0);
    uint8_t broken[64];
    memset(broken, 0xff, sizeof(broken));
    broken[0] = 0x10; // a keyframe, by its first bit, without its start code
    assert_int_equal(transcoder_push(rig.transcoder, false, 40 * MS, true, broken, sizeof(broken)),
                     -EINVAL);
    assert_int_equal(push(&rig, live_source_picture(&rig.source, LIVE_DARK, false, 80 * MS)),
                     -EAGAIN);
    assert_int_equal(push(&rig, live_source_picture(&rig.source, LIVE_DARK, true, 90 * MS)), 0);
    memset(broken, 0xff, sizeof(broken)); // code 3 with 63 frames of 20 ms
    assert_int_equal(transcoder_push(rig.transcoder, true, 100 * MS, true, broken, sizeof(broken)),
                     -EINVAL);
    assert_int_equal(transcoder_push(rig.transcoder, true, 100 * MS, true, broken, 0), -EINVAL);
    say(&rig, 0.5, 120 * MS);
    assert_int_equal(transcoder_finish(rig.transcoder, S), 0);
    assert_sound_has_no_hole(&rig, 0, S);
    assert_near(find_beep(&rig, 0), 120 * MS, 40 * MS);
    rig_close(&rig);
}

static void test_transcoder_shows_the_last_picture_to_the_end(void **state) {
    struct transcoder_config config = plain_config();
    struct rig rig;
    rig_open(&rig, &config);
    show(&rig, LIVE_DARK, 0);
    show(&rig, LIVE_BRIGHT, 100 * MS);
    assert_int_equal(transcoder_finish(rig.transcoder, 1500 * MS), 0);
    const struct piece *last = &rig.pictures.of[rig.pictures.count - 1];
    assert_int_equal(last->pts_ns + last->duration_ns, 1500 * MS);
    assert_sound_has_no_hole(&rig, 0, 1500 * MS);
    rig_close(&rig);
}

static void test_transcoder_of_sound_alone_takes_no_pictures(void **state) {
    struct transcoder_config config = {.has_video = false};
    struct rig rig;
    rig_open(&rig, &config);
    say(&rig, 0.5, 0);
    show(&rig, LIVE_DARK, 0);
    assert_int_equal(transcoder_finish(rig.transcoder, 20 * MS), 0);
    assert_int_equal(rig.pictures.count, 0);
    assert_sound_has_no_hole(&rig, 0, 20 * MS);
    rig_close(&rig);
}

static void test_transcoder_refuses_what_it_cannot(void **state) {
    struct transcoder *transcoder;
    struct transcoder_config config = plain_config();
    config.width_px = 321;
    assert_int_equal(transcoder_create(&config, on_out, NULL, &transcoder), -EINVAL);
    config.width_px = 100000;
    assert_int_equal(transcoder_create(&config, on_out, NULL, &transcoder), -EINVAL);
    config = plain_config();
    config.fps = 0;
    assert_int_equal(transcoder_create(&config, on_out, NULL, &transcoder), -EINVAL);
    config = plain_config();
    config.audio_kbps = 100000;
    assert_int_equal(transcoder_create(&config, on_out, NULL, &transcoder), -EINVAL);
    transcoder_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transcoder_keeps_each_picture_and_its_time),
        cmocka_unit_test(test_transcoder_keeps_flash_and_beep_together),
        cmocka_unit_test(test_transcoder_keeps_them_together_after_an_hour),
        cmocka_unit_test(test_transcoder_puts_sound_where_its_timestamps_say),
        cmocka_unit_test(test_transcoder_fills_holes_in_the_sound_with_silence),
        cmocka_unit_test(test_transcoder_makes_silence_of_no_sound_at_all),
        cmocka_unit_test(test_transcoder_leaves_out_sound_that_was_there_already),
        cmocka_unit_test(test_transcoder_repeats_a_still_picture),
        cmocka_unit_test(test_transcoder_puts_keyframes_on_their_grid),
        cmocka_unit_test(test_transcoder_moves_a_late_picture_behind_what_is_out),
        cmocka_unit_test(test_transcoder_fits_another_size_in),
        cmocka_unit_test(test_transcoder_waits_for_a_keyframe),
        cmocka_unit_test(test_transcoder_survives_broken_packets),
        cmocka_unit_test(test_transcoder_shows_the_last_picture_to_the_end),
        cmocka_unit_test(test_transcoder_of_sound_alone_takes_no_pictures),
        cmocka_unit_test(test_transcoder_refuses_what_it_cannot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

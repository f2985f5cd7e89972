// SPDX-License-Identifier: MIT
// The mixer's threads and its members' way in and out; run under TSan as well.
#include "mixer/mixer.h"

#include "mixer/video/decoder.h"
#include "mixer/video/encoder.h"
#include "tests/unit/camera.h"

#include <errno.h>
#include <opus/opus.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { WAIT_MAX_MS = 20000, WIDTH = 320, HEIGHT = 192 };

struct listener {
    atomic_int videos, audios, keyframes, wanted, releases;
};

static void on_video(void *user, struct packet *packet) {
    struct listener *listener = user;
    atomic_fetch_add(&listener->videos, 1);
    atomic_fetch_add(&listener->keyframes, packet->is_keyframe);
}

static void on_audio(void *user, struct packet *packet) {
    struct listener *listener = user;
    (void)packet;
    atomic_fetch_add(&listener->audios, 1);
}

static void on_keyframe_wanted(void *user, enum video_role role) {
    struct listener *listener = user;
    (void)role;
    atomic_fetch_add(&listener->wanted, 1);
}

static void on_release(void *user) {
    struct listener *listener = user;
    atomic_fetch_add(&listener->releases, 1);
}

static const struct mixer_member_ops member_ops = {
    .on_video = on_video,
    .on_audio = on_audio,
    .on_keyframe_wanted = on_keyframe_wanted,
    .release = on_release,
};

struct news {
    atomic_int views, last_count, last_width;
};

static void on_view(void *user, const struct stage_view *view) {
    struct news *news = user;
    atomic_store(&news->last_count, view->count);
    atomic_store(&news->last_width, view->width_px);
    atomic_fetch_add(&news->views, 1);
}

static const struct mixer_ops ops = {.on_view = on_view};

static struct mixer *make_mixer(struct news *news) {
    struct mixer_config config = {
        .video = {.width_px = WIDTH, .height_px = HEIGHT, .fps = 30, .tier_kbps = {300, 150, 80}},
        .audio = {.kbps = 32,
                  .loudest = 3,
                  .playout_min_ns = INT64_C(20000000),
                  .playout_max_ns = INT64_C(120000000)},
    };
    struct mixer *mixer = NULL;
    assert_int_equal(mixer_create("test", &config, &ops, news, &mixer), 0);
    return mixer;
}

static struct mixer_member *add(struct mixer *mixer, const char *id, struct listener *listener) {
    struct stage_look look = {.name = id};
    struct mixer_member *member = NULL;
    assert_int_equal(mixer_add_member(mixer, id, &look, &member_ops, listener, &member), 0);
    return member;
}

// Waits for a counter to reach a value; the time only bounds a failure.
static void wait_for(atomic_int *counter, int value) {
    for (int waited_ms = 0; atomic_load(counter) < value && waited_ms < WAIT_MAX_MS; waited_ms += 5)
        usleep(5000);
    assert_true(atomic_load(counter) >= value);
}

static struct packet *make_picture(void) {
    struct encoder_config config = {
        .width_px = 160, .height_px = 96, .fps = 30, .kbps = 100, .cpu_used = -8, .threads = 1};
    struct encoder *encoder = NULL;
    assert_int_equal(encoder_create(&config, &encoder), 0);
    AVFrame *frame = av_frame_alloc();
    frame->format = 0; // AV_PIX_FMT_YUV420P
    frame->width = 160;
    frame->height = 96;
    assert_int_equal(av_frame_get_buffer(frame, 0), 0);
    memset(frame->data[0], 120, (size_t)frame->linesize[0] * 96);
    memset(frame->data[1], 90, (size_t)frame->linesize[1] * 48);
    memset(frame->data[2], 200, (size_t)frame->linesize[2] * 48);
    struct packet *packet = NULL;
    assert_int_equal(encoder_encode(encoder, frame, NULL, true, 0, &packet), 0);
    assert_non_null(packet);
    av_frame_free(&frame);
    encoder_destroy(encoder);
    return packet;
}

static int make_sound(unsigned char *out, int size_bytes) {
    int error;
    OpusEncoder *encoder = opus_encoder_create(48000, 1, OPUS_APPLICATION_VOIP, &error);
    assert_non_null(encoder);
    float samples[960];
    for (int i = 0; i < 960; i++)
        samples[i] = (i / 50) % 2 ? 0.3f : -0.3f;
    int bytes = opus_encode_float(encoder, samples, 960, out, size_bytes);
    opus_encoder_destroy(encoder);
    assert_true(bytes > 2);
    return bytes;
}

static void test_members_who_receive_get_picture_and_sound(void **state) {
    (void)state;
    struct news news = {0};
    struct listener one = {0}, two = {0};
    struct mixer *mixer = make_mixer(&news);
    struct mixer_member *first = add(mixer, "m1", &one), *second = add(mixer, "m2", &two);
    mixer_set_reception(
        first, &(struct mixer_reception){.video = true, .audio = true, .layers = STAGE_LAYERS});
    wait_for(&one.videos, 1);
    wait_for(&one.audios, 3);
    wait_for(&one.keyframes, 1);
    assert_int_equal(atomic_load(&two.videos), 0);
    assert_int_equal(atomic_load(&two.audios), 0);
    wait_for(&news.views, 1);
    wait_for(&news.last_count, 2);
    mixer_remove_member(first);
    mixer_remove_member(second);
    mixer_destroy(mixer);
    assert_int_equal(atomic_load(&one.releases), 1);
    assert_int_equal(atomic_load(&two.releases), 1);
}

static void test_a_late_receiver_gets_a_keyframe(void **state) {
    (void)state;
    struct news news = {0};
    struct listener one = {0}, two = {0};
    struct mixer *mixer = make_mixer(&news);
    struct mixer_member *first = add(mixer, "m1", &one);
    mixer_set_reception(
        first, &(struct mixer_reception){.video = true, .audio = false, .layers = STAGE_LAYERS});
    wait_for(&one.videos, 3);
    struct mixer_member *second = add(mixer, "m2", &two);
    mixer_set_reception(
        second, &(struct mixer_reception){.video = true, .audio = false, .layers = STAGE_LAYERS});
    wait_for(&two.keyframes, 1);
    mixer_remove_member(first);
    mixer_remove_member(second);
    mixer_destroy(mixer);
}

static void test_nobody_receiving_costs_no_ticks(void **state) {
    (void)state;
    struct news news = {0};
    struct listener one = {0}, two = {0};
    struct mixer *mixer = make_mixer(&news), *busy = make_mixer(&news);
    struct mixer_member *idle = add(mixer, "m1", &one), *active = add(busy, "m1", &two);
    mixer_set_reception(
        active, &(struct mixer_reception){.video = true, .audio = true, .layers = STAGE_LAYERS});
    wait_for(&two.audios, 10); // the other mixer's ticks are the clock of this test
    struct mixer_stats stats;
    mixer_get_stats(mixer, &stats);
    assert_int_equal(stats.video_ticks, 0);
    assert_int_equal(stats.audio.ticks, 0);
    mixer_get_stats(busy, &stats);
    assert_true(stats.audio.ticks >= 9); // the tenth is counted once it has delivered
    mixer_remove_member(idle);
    mixer_remove_member(active);
    mixer_destroy(mixer);
    mixer_destroy(busy);
}

struct pusher {
    struct mixer_member *member;
    struct packet *picture;
    unsigned char sound[400];
    int sound_bytes;
    atomic_bool is_over;
    atomic_int rounds;
};

static void *push_all_the_time(void *user) {
    struct pusher *pusher = user;
    while (!atomic_load(&pusher->is_over)) {
        int64_t now_ns = mixer_now_ns();
        mixer_push_video(pusher->member, VIDEO_CAMERA, VIDEO_VP8, pusher->picture->data,
                         pusher->picture->size_bytes, now_ns, now_ns, 0);
        mixer_push_audio(pusher->member, pusher->sound, (size_t)pusher->sound_bytes, now_ns,
                         now_ns);
        atomic_fetch_add(&pusher->rounds, 1);
        usleep(1000);
    }
    return NULL;
}

// A client's streaming threads run on for a while after the member has been taken out.
static void test_a_member_may_be_removed_while_its_media_arrives(void **state) {
    (void)state;
    struct news news = {0};
    struct mixer *mixer = make_mixer(&news);
    struct listener watcher = {0};
    struct mixer_member *stays = add(mixer, "m1", &watcher);
    mixer_set_reception(
        stays, &(struct mixer_reception){.video = true, .audio = true, .layers = STAGE_LAYERS});
    struct packet *picture = make_picture();
    for (int i = 0; i < 10; i++) {
        struct listener listener = {0};
        struct pusher pusher = {.picture = picture};
        pusher.sound_bytes = make_sound(pusher.sound, sizeof(pusher.sound));
        pusher.member = add(mixer, "m2", &listener);
        mixer_member_ref(pusher.member); // the streaming thread's own
        mixer_set_reception(
            pusher.member,
            &(struct mixer_reception){.video = true, .audio = true, .layers = STAGE_LAYERS});
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, push_all_the_time, &pusher), 0);
        wait_for(&pusher.rounds, 5);
        mixer_remove_member(pusher.member);
        int rounds = atomic_load(&pusher.rounds);
        wait_for(&pusher.rounds, rounds + 5);
        atomic_store(&pusher.is_over, true);
        pthread_join(thread, NULL);
        int64_t now_ns = mixer_now_ns();
        assert_int_equal(mixer_push_audio(pusher.member, pusher.sound, (size_t)pusher.sound_bytes,
                                          now_ns, now_ns),
                         -ESTALE);
        assert_int_equal(atomic_load(&listener.releases), 0);
        mixer_member_unref(pusher.member);
        wait_for(&listener.releases, 1);
    }
    packet_unref(picture);
    mixer_remove_member(stays);
    mixer_destroy(mixer);
}

static void test_a_reference_outlives_the_mixer(void **state) {
    (void)state;
    struct news news = {0};
    struct listener one = {0};
    struct mixer *mixer = make_mixer(&news);
    struct mixer_member *member = add(mixer, "m1", &one);
    mixer_member_ref(member);
    mixer_remove_member(member);
    mixer_destroy(mixer);
    assert_int_equal(mixer_push_video(member, VIDEO_CAMERA, VIDEO_VP8, "x", 1, 0, 0, 0), -ESTALE);
    assert_int_equal(atomic_load(&one.releases), 0);
    mixer_member_unref(member);
    assert_int_equal(atomic_load(&one.releases), 1);
}

// ---- tiers and layers ----

enum { TRACE_MAX = 4000 };

// What a member got, and what it looks like decoded. The v thread's, until the mixer is gone.
struct trace {
    struct listener listener; // first: the callbacks take one for the other
    struct decoder *decoder;
    int count, failures;
    struct {
        int64_t pts_ns;
        bool is_keyframe;
        int tier, layer;
        uint32_t checksum;
    } frames[TRACE_MAX];
    atomic_int of_tier[STAGE_TIERS], of_layer[STAGE_LAYERS];
};

static uint32_t checksum_of(const AVFrame *frame) {
    uint32_t sum = 2166136261u;
    for (int plane = 0; plane < 3; plane++)
        for (int y = 0; y < frame->height >> (plane > 0); y++)
            for (int x = 0; x < frame->width >> (plane > 0); x++)
                sum = (sum ^ frame->data[plane][y * frame->linesize[plane] + x]) * 16777619u;
    return sum;
}

static void on_traced_video(void *user, struct packet *packet) {
    struct trace *trace = user;
    AVFrame *frame = NULL;
    if (decoder_decode(trace->decoder, VIDEO_VP8, packet->data, packet->size_bytes, packet->pts_ns,
                       &frame) ||
        !frame || frame->width != WIDTH >> packet->tier || frame->height != HEIGHT >> packet->tier)
        trace->failures++;
    if (trace->count < TRACE_MAX) {
        int i = trace->count++;
        trace->frames[i].pts_ns = packet->pts_ns;
        trace->frames[i].is_keyframe = packet->is_keyframe;
        trace->frames[i].tier = packet->tier;
        trace->frames[i].layer = packet->temporal_layer;
        trace->frames[i].checksum = frame ? checksum_of(frame) : 0;
    }
    av_frame_free(&frame);
    on_video(&trace->listener, packet);
    atomic_fetch_add(&trace->of_tier[packet->tier], 1);
    atomic_fetch_add(&trace->of_layer[packet->temporal_layer], 1);
}

static const struct mixer_member_ops traced_ops = {.on_video = on_traced_video,
                                                   .release = on_release};

static struct mixer_member *add_traced(struct mixer *mixer, const char *id, struct trace **out) {
    struct trace *trace = calloc(1, sizeof(*trace));
    assert_non_null(trace);
    trace->decoder = decoder_create();
    struct stage_look look = {.name = id};
    struct mixer_member *member = NULL;
    assert_int_equal(mixer_add_member(mixer, id, &look, &traced_ops, trace, &member), 0);
    *out = trace;
    return member;
}

static void free_trace(struct trace *trace) {
    decoder_destroy(trace->decoder);
    free(trace);
}

static void receive(struct mixer_member *member, int tier, int layers, int kbps) {
    mixer_set_reception(member,
                        &(struct mixer_reception){
                            .video = true, .tier = tier, .layers = layers, .video_kbps = kbps});
}

// A camera that changes its colour all the time keeps the composite moving.
struct show {
    struct mixer_member *member;
    pthread_t thread;
    atomic_bool is_over;
};

static void *run_show(void *user) {
    struct show *show = user;
    struct camera camera = camera_open(160, 96);
    for (int i = 0; !atomic_load(&show->is_over); i++) {
        struct yuv colour = {(uint8_t)(60 + i % 120), (uint8_t)(90 + i % 70), 140};
        struct packet *packet = camera_shoot(&camera, colour, i % 10 == 0);
        int64_t now_ns = mixer_now_ns();
        mixer_push_video(show->member, VIDEO_CAMERA, VIDEO_VP8, packet->data, packet->size_bytes,
                         now_ns, now_ns, 0);
        packet_unref(packet);
        usleep(8000);
    }
    camera_close(&camera);
    return NULL;
}

static void show_begin(struct show *show, struct mixer_member *member) {
    show->member = member;
    atomic_init(&show->is_over, false);
    assert_int_equal(pthread_create(&show->thread, NULL, run_show, show), 0);
}

static void show_end(struct show *show) {
    atomic_store(&show->is_over, true);
    pthread_join(show->thread, NULL);
}

static int find_frame(const struct trace *trace, int64_t pts_ns) {
    for (int i = 0; i < trace->count; i++)
        if (trace->frames[i].pts_ns == pts_ns)
            return i;
    return -1;
}

static void wait_for_more(atomic_int *counter, int more) {
    wait_for(counter, atomic_load(counter) + more);
}

static void test_a_member_changes_tier_without_a_break(void **state) {
    (void)state;
    static const int TIERS[] = {0, 2, 1, 0};
    struct news news = {0};
    struct trace *steady, *mover;
    struct mixer *mixer = make_mixer(&news);
    struct mixer_member *first = add_traced(mixer, "m1", &steady);
    struct mixer_member *second = add_traced(mixer, "m2", &mover);
    struct show show;
    show_begin(&show, first);
    receive(first, 0, STAGE_LAYERS, 0);
    for (int i = 0; i < 4; i++) {
        if (i == 3) { // one was just sent: the next keyframe takes a while
            mixer_request_keyframe(first);
            wait_for_more(&steady->listener.keyframes, 1);
        }
        receive(second, TIERS[i], STAGE_LAYERS, 0);
        wait_for_more(&mover->of_tier[TIERS[i]], 12);
    }
    show_end(&show);
    mixer_remove_member(first);
    mixer_remove_member(second);
    mixer_destroy(mixer);

    assert_int_equal(steady->failures + mover->failures, 0);
    int step = -1;
    for (int i = 0; i < mover->count; i++) {
        if (i > 0 && mover->frames[i].tier == mover->frames[i - 1].tier)
            continue;
        assert_true(mover->frames[i].is_keyframe);
        assert_int_equal(mover->frames[i].tier, TIERS[++step]);
    }
    assert_int_equal(step, 3);
    // In whatever moment there was a picture for the one, there was for the other.
    for (int i = 0; i < steady->count; i++)
        if (steady->frames[i].pts_ns >= mover->frames[0].pts_ns &&
            steady->frames[i].pts_ns <= mover->frames[mover->count - 1].pts_ns)
            assert_true(find_frame(mover, steady->frames[i].pts_ns) >= 0);
    free_trace(steady);
    free_trace(mover);
}

// Everything the member decodes looks as it does for who gets all.
static void assert_same_pictures(const struct trace *part, const struct trace *whole) {
    int compared = 0;
    for (int i = 0; i < part->count; i++) {
        int j = find_frame(whole, part->frames[i].pts_ns);
        if (j < 0)
            continue;
        assert_int_equal(part->frames[i].checksum, whole->frames[j].checksum);
        compared++;
    }
    assert_true(compared > 10);
}

static void test_one_layer_is_a_quarter_of_the_frames(void **state) {
    (void)state;
    struct news news = {0};
    struct trace *whole, *part;
    struct mixer *mixer = make_mixer(&news);
    struct mixer_member *first = add_traced(mixer, "m1", &whole);
    struct mixer_member *second = add_traced(mixer, "m2", &part);
    struct show show;
    show_begin(&show, first);
    receive(first, 1, STAGE_LAYERS, 0);
    receive(second, 1, 1, 0);
    wait_for(&part->listener.videos, 20);
    show_end(&show);
    mixer_remove_member(first);
    mixer_remove_member(second);
    mixer_destroy(mixer);

    assert_int_equal(whole->failures + part->failures, 0);
    int expected = 0, all = 0; // by the one who gets all
    for (int i = 0; i < whole->count; i++)
        if (whole->frames[i].pts_ns >= part->frames[0].pts_ns &&
            whole->frames[i].pts_ns <= part->frames[part->count - 1].pts_ns) {
            all++;
            expected += whole->frames[i].layer == 0;
        }
    assert_true(abs(part->count - expected) <= 1);
    assert_true(all > part->count);
    for (int i = 1; i < part->count; i++) // four frames' time
        assert_true(part->frames[i].pts_ns - part->frames[i - 1].pts_ns >= 4 * 33300000);
    assert_int_equal(atomic_load(&part->of_layer[1]) + atomic_load(&part->of_layer[2]), 0);
    assert_same_pictures(part, whole);
    free_trace(whole);
    free_trace(part);
}

// Of layer 2 it has nothing without the layer 1 that this may be predicted from.
static void assert_no_gaps(const struct trace *part, const struct trace *whole) {
    for (int i = 0; i < part->count; i++) {
        int j = find_frame(whole, part->frames[i].pts_ns);
        if (part->frames[i].layer < 2)
            continue;
        for (; j >= 0 && whole->frames[j].layer > 0; j--)
            if (whole->frames[j].layer == 1)
                assert_true(find_frame(part, whole->frames[j].pts_ns) >= 0);
    }
}

static void test_layers_come_and_go_and_the_picture_stays_whole(void **state) {
    (void)state;
    struct news news = {0};
    struct trace *whole, *part;
    struct mixer *mixer = make_mixer(&news);
    struct mixer_member *first = add_traced(mixer, "m1", &whole);
    struct mixer_member *second = add_traced(mixer, "m2", &part);
    struct show show;
    show_begin(&show, first);
    receive(first, 2, STAGE_LAYERS, 0);
    for (int i = 0; i < 15; i++) {
        int layers = 1 + i % STAGE_LAYERS;
        if (i % 2)
            receive(second, 2, 1, 0);
        wait_for_more(&whole->of_layer[1], 1); // the next one is of layer 2
        receive(second, 2, layers, 0);
        if (layers > 1)
            wait_for_more(&part->of_layer[layers - 1], 2);
        wait_for_more(&part->listener.videos, 1 + i % 4); // to change at any place in the pattern
    }
    show_end(&show);
    mixer_remove_member(first);
    mixer_remove_member(second);
    mixer_destroy(mixer);
    assert_int_equal(whole->failures + part->failures, 0);
    assert_same_pictures(part, whole);
    assert_no_gaps(part, whole);
    free_trace(whole);
    free_trace(part);
}

static void wait_for_kbps(struct mixer *mixer, int tier, int kbps) {
    struct mixer_stats stats;
    for (int waited_ms = 0; waited_ms < WAIT_MAX_MS; waited_ms += 5) {
        mixer_get_stats(mixer, &stats);
        if (stats.video.tiers[tier].kbps == kbps)
            return;
        usleep(5000);
    }
    assert_int_equal(stats.video.tiers[tier].kbps, kbps);
}

static void test_a_tier_aims_at_what_its_best_member_can_take(void **state) {
    (void)state;
    struct news news = {0};
    struct listener one = {0}, two = {0};
    struct mixer *mixer = make_mixer(&news);
    struct mixer_member *first = add(mixer, "m1", &one), *second = add(mixer, "m2", &two);
    receive(first, 1, 3, 60);
    wait_for_kbps(mixer, 1, 60);
    wait_for_kbps(mixer, 0, 0);
    receive(second, 1, 3, 100);
    wait_for_kbps(mixer, 1, 100);
    receive(first, 1, 3, 0); // not known: as much as there is
    wait_for_kbps(mixer, 1, 150);
    receive(first, 0, 3, 5000);
    wait_for_kbps(mixer, 0, 300);
    wait_for_kbps(mixer, 1, 100);
    mixer_remove_member(second);
    wait_for_kbps(mixer, 1, 0);
    mixer_remove_member(first);
    mixer_destroy(mixer);
}

static void test_a_keyframe_may_be_asked_for(void **state) {
    (void)state;
    struct news news = {0};
    struct listener one = {0}, two = {0};
    struct mixer *mixer = make_mixer(&news);
    struct mixer_member *first = add(mixer, "m1", &one), *second = add(mixer, "m2", &two);
    mixer_request_keyframe(second); // receives nothing: of no matter
    receive(first, 2, 1, 0);
    receive(second, 0, 3, 0);
    wait_for(&one.keyframes, 1);
    wait_for(&two.keyframes, 1);
    int others = atomic_load(&two.keyframes);
    for (int i = 0; i < 3; i++) {
        int keyframes = atomic_load(&one.keyframes);
        mixer_request_keyframe(first);
        wait_for(&one.keyframes, keyframes + 1);
    }
    assert_int_equal(atomic_load(&two.keyframes), others);
    mixer_remove_member(first);
    mixer_remove_member(second);
    mixer_destroy(mixer);
}

// ---- what the room plays

static struct clip *make_clip(int samples) {
    struct clip *clip = calloc(1, sizeof(*clip));
    clip->count = (size_t)samples;
    clip->samples = calloc(clip->count, sizeof(float));
    for (int i = 0; i < samples; i++)
        clip->samples[i] = i % 96 < 48 ? 0.2f : -0.2f;
    return clip;
}

static void wait_for_the_end(struct mixer *mixer) {
    for (int waited_ms = 0; mixer_is_playing(mixer) && waited_ms < WAIT_MAX_MS; waited_ms += 5)
        usleep(5000);
    assert_false(mixer_is_playing(mixer));
}

static void test_a_clip_reaches_who_receives_sound_in_a_silent_room(void **state) {
    (void)state;
    struct news news = {0};
    struct mixer *mixer = make_mixer(&news);
    struct listener listener = {0};
    struct mixer_member *member = add(mixer, "m1", &listener);
    struct mixer_reception reception = {.audio = true};
    struct mixer_stats stats;
    mixer_set_reception(member, &reception);
    mixer_set_volume(member, 0.5);
    mixer_play(mixer, make_clip(24000), 1);
    assert_true(mixer_is_playing(mixer));
    wait_for_the_end(mixer);
    wait_for(&listener.audios, 25); // of 20 ms: half a second
    mixer_get_stats(mixer, &stats);
    uint64_t counted = 0;
    for (int i = 0; i < HISTOGRAM_CLASSES; i++)
        counted += stats.audio_lateness.counts[i];
    assert_true(counted >= 25 && stats.audio_lateness.sum_ns >= 0);
    mixer_play(mixer, make_clip(480000), 1);
    mixer_stop_playing(mixer);
    assert_false(mixer_is_playing(mixer));
    mixer_remove_member(member);
    mixer_destroy(mixer);
}

enum { SPANS = 4 };

struct watch {
    atomic_int keyframes, spans;
    int64_t last_ns, spans_ns[SPANS]; // the v thread's until SPANS are there
};

// From one packet to the next, from the first keyframe on.
static void on_watched_video(void *user, struct packet *packet) {
    struct watch *watch = user;
    int span = atomic_load(&watch->spans);
    if (watch->last_ns > 0 && span < SPANS) {
        watch->spans_ns[span] = packet->pts_ns - watch->last_ns;
        atomic_store(&watch->spans, span + 1);
    }
    watch->last_ns = packet->is_keyframe || watch->last_ns > 0 ? packet->pts_ns : 0;
    atomic_fetch_add(&watch->keyframes, packet->is_keyframe);
}

static void test_another_canvas_has_another_size_and_pace(void **state) {
    struct news news = {0};
    struct watch watch = {0};
    struct mixer *mixer = make_mixer(&news);
    struct mixer_member *member = NULL;
    const struct mixer_member_ops watch_ops = {.on_video = on_watched_video};
    assert_int_equal(mixer_add_member(mixer, "m1", &(struct stage_look){.name = "m1"}, &watch_ops,
                                      &watch, &member),
                     0);
    struct stage_config config = {
        .width_px = 640, .height_px = 368, .fps = 50, .tier_kbps = {300, 150, 80}};
    assert_int_equal(mixer_set_canvas(mixer, &config), 0);
    mixer_set_reception(member, &(struct mixer_reception){.video = true, .layers = STAGE_LAYERS});
    wait_for(&watch.spans, SPANS);
    for (int i = 0; i < SPANS; i++)
        assert_int_equal(watch.spans_ns[i] % 20000000, 0);
    wait_for(&news.last_width, 640);
    // While it is watched: a keyframe of the new size follows.
    int keyframes = atomic_load(&watch.keyframes);
    config.width_px = 720;
    config.height_px = 1280;
    assert_int_equal(mixer_set_canvas(mixer, &config), 0);
    wait_for(&watch.keyframes, keyframes + 1);
    wait_for(&news.last_width, 720);
    config.fps = 0;
    assert_int_equal(mixer_set_canvas(mixer, &config), -EINVAL);
    struct mixer_stats stats;
    mixer_get_stats(mixer, &stats);
    uint64_t counted = 0;
    for (int i = 0; i < HISTOGRAM_CLASSES; i++)
        counted += stats.video_lateness.counts[i];
    assert_true(counted >= SPANS);
    mixer_remove_member(member);
    mixer_destroy(mixer);
}

// Or five minutes of samples would be kept for as long as the room is empty.
static void test_a_clip_ends_where_nobody_receives_sound(void **state) {
    (void)state;
    struct news news = {0};
    struct mixer *mixer = make_mixer(&news);
    mixer_play(mixer, make_clip(4800), 1);
    wait_for_the_end(mixer);
    mixer_play(mixer, make_clip(480000), 1); // freed with the mixer
    mixer_destroy(mixer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_who_receive_get_picture_and_sound),
        cmocka_unit_test(test_a_late_receiver_gets_a_keyframe),
        cmocka_unit_test(test_nobody_receiving_costs_no_ticks),
        cmocka_unit_test(test_a_member_may_be_removed_while_its_media_arrives),
        cmocka_unit_test(test_a_reference_outlives_the_mixer),
        cmocka_unit_test(test_a_member_changes_tier_without_a_break),
        cmocka_unit_test(test_one_layer_is_a_quarter_of_the_frames),
        cmocka_unit_test(test_layers_come_and_go_and_the_picture_stays_whole),
        cmocka_unit_test(test_a_tier_aims_at_what_its_best_member_can_take),
        cmocka_unit_test(test_a_keyframe_may_be_asked_for),
        cmocka_unit_test(test_a_clip_reaches_who_receives_sound_in_a_silent_room),
        cmocka_unit_test(test_a_clip_ends_where_nobody_receives_sound),
        cmocka_unit_test(test_another_canvas_has_another_size_and_pace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
// The mixer's threads and its members' way in and out; run under TSan as well.
#include "mixer/mixer.h"

#include "mixer/video/encoder.h"

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

enum { WAIT_MAX_MS = 20000 };

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
    atomic_int views, last_count;
};

static void on_view(void *user, const struct stage_view *view) {
    struct news *news = user;
    atomic_store(&news->last_count, view->count);
    atomic_fetch_add(&news->views, 1);
}

static const struct mixer_ops ops = {.on_view = on_view};

static struct mixer *make_mixer(struct news *news) {
    struct mixer_config config = {
        .video = {.width_px = 320, .height_px = 192, .fps = 30, .tier_kbps = {300, 150, 80}},
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
    mixer_set_reception(first, &(struct mixer_reception){.video = true, .audio = true, .layers = STAGE_LAYERS});
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
    mixer_set_reception(first, &(struct mixer_reception){.video = true, .audio = false, .layers = STAGE_LAYERS});
    wait_for(&one.videos, 3);
    struct mixer_member *second = add(mixer, "m2", &two);
    mixer_set_reception(second, &(struct mixer_reception){.video = true, .audio = false, .layers = STAGE_LAYERS});
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
    mixer_set_reception(active, &(struct mixer_reception){.video = true, .audio = true, .layers = STAGE_LAYERS});
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
    mixer_set_reception(stays, &(struct mixer_reception){.video = true, .audio = true, .layers = STAGE_LAYERS});
    struct packet *picture = make_picture();
    for (int i = 0; i < 10; i++) {
        struct listener listener = {0};
        struct pusher pusher = {.picture = picture};
        pusher.sound_bytes = make_sound(pusher.sound, sizeof(pusher.sound));
        pusher.member = add(mixer, "m2", &listener);
        mixer_member_ref(pusher.member); // the streaming thread's own
        mixer_set_reception(pusher.member, &(struct mixer_reception){.video = true, .audio = true, .layers = STAGE_LAYERS});
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_who_receive_get_picture_and_sound),
        cmocka_unit_test(test_a_late_receiver_gets_a_keyframe),
        cmocka_unit_test(test_nobody_receiving_costs_no_ticks),
        cmocka_unit_test(test_a_member_may_be_removed_while_its_media_arrives),
        cmocka_unit_test(test_a_reference_outlives_the_mixer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

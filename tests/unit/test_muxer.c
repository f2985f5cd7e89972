// SPDX-License-Identifier: MIT
#include "mixer/record/muxer.h"
#include "tests/unit/footage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "tests/unit/film.h"

static const int64_t FRAME_NS = 33333333;

// Bytes in memory, by a disk that gives out.
struct disk {
    uint8_t *data;
    int64_t size_bytes, at_bytes, room_bytes;
    size_t most_at_once; // 0: all
    int interruptions;   // before each write
    int error;           // when there is no room
};

static ssize_t disk_write(void *user, const void *data, size_t size_bytes) {
    struct disk *disk = user;
    if (disk->interruptions > 0) {
        disk->interruptions--;
        errno = EINTR;
        return -1;
    }
    if (disk->room_bytes > 0 && disk->at_bytes + (int64_t)size_bytes > disk->room_bytes) {
        errno = disk->error;
        return -1;
    }
    if (disk->most_at_once && size_bytes > disk->most_at_once)
        size_bytes = disk->most_at_once;
    int64_t end_bytes = disk->at_bytes + (int64_t)size_bytes;
    if (end_bytes > disk->size_bytes) {
        disk->data = realloc(disk->data, (size_t)end_bytes);
        disk->size_bytes = end_bytes;
    }
    memcpy(disk->data + disk->at_bytes, data, size_bytes);
    disk->at_bytes = end_bytes;
    return (ssize_t)size_bytes;
}

static int64_t disk_seek(void *user, int64_t offset_bytes) {
    return ((struct disk *)user)->at_bytes = offset_bytes;
}

static struct muxer *open_on(struct disk *disk, const char *format) {
    static struct muxer_io io;
    io = (struct muxer_io){disk_write, disk_seek, disk};
    struct muxer_config config = {.format = format, .io = &io, .title = "A call"};
    if (strcmp(format, "ogg") != 0)
        config.tracks[config.track_count++] = (struct muxer_track){
            .codec = MUXER_VP8, .width_px = FILM_WIDTH, .height_px = FILM_HEIGHT, .fps = FILM_FPS};
    config.tracks[config.track_count++] = (struct muxer_track){.codec = MUXER_OPUS};
    struct muxer *muxer = NULL;
    assert_int_equal(muxer_open(&config, &muxer), 0);
    return muxer;
}

static int write_packet(struct muxer *muxer, int track, struct packet *packet) {
    int result = muxer_write(muxer, track, packet->pts_ns, packet->duration_ns, packet->is_keyframe,
                             packet->data, packet->size_bytes);
    packet_unref(packet);
    return result;
}

// Pictures and sound of so long. 0 or the first error.
static int play(struct muxer *muxer, int64_t from_ns, int64_t to_ns, bool has_video) {
    int result = 0;
    int64_t video_ns = from_ns, audio_ns = from_ns;
    while (result == 0 && audio_ns < to_ns) {
        if (has_video && video_ns <= audio_ns) {
            result = write_packet(muxer, 0, film_picture(video_ns, video_ns == 0));
            video_ns += FRAME_NS;
        } else {
            result = write_packet(muxer, has_video, film_sound(audio_ns));
            audio_ns += 20 * FILM_MS;
        }
    }
    return result;
}

static void read_disk(void **state, const struct disk *disk, const char *name, struct film *film) {
    const char *path = film_path(state, name);
    film_store(path, disk->data, (size_t)disk->size_bytes);
    assert_true(film_read(path, film));
}

static void test_muxer_writes_webm_with_duration_title_and_chapters(void **state) {
    struct disk disk = {0};
    struct muxer *muxer = open_on(&disk, "webm");
    assert_int_equal(play(muxer, 0, 3 * FILM_S, true), 0);
    muxer_add_chapter(muxer, 0, FILM_S, "Anna joins");
    muxer_add_chapter(muxer, FILM_S, 3 * FILM_S, "Bert shares");
    assert_int_equal(muxer_close(muxer, false), 0);
    struct film film;
    read_disk(state, &disk, "a.webm", &film);
    assert_false(film.is_broken);
    assert_int_equal(film.video.count, 90);
    assert_int_equal(film.audio.count, 150);
    assert_int_equal(film.video.keyframes, 1);
    assert_true(film.video.rises && film.audio.rises);
    assert_true(film_is_near(film.video.first_ns, 0, FILM_MS));
    // What the decoder gives out is 6.5 ms late: libavformat tells the time of what is heard.
    assert_true(film_is_near(film.audio.first_ns, 0, 8 * FILM_MS));
    assert_true(film_is_near(film.duration_ns, 3 * FILM_S, 50 * FILM_MS));
    assert_int_equal(film.chapters, 2);
    assert_string_equal(film.chapter_titles[1], "Bert shares");
    assert_int_equal(film.chapter_ns[1], FILM_S);
    assert_string_equal(film.title, "A call");
    assert_int_equal(film.width_px, FILM_WIDTH);
    free(disk.data);
}

static void test_muxer_keeps_at_most_half_a_second_to_itself(void **state) {
    static const char *const FORMATS[] = {"webm", "matroska", "ogg"};
    static const char *const NAMES[] = {"a.webm", "a.mkv", "a.ogg"};
    for (int i = 0; i < 3; i++) {
        struct disk disk = {0};
        struct muxer *muxer = open_on(&disk, FORMATS[i]);
        bool has_video = i < 2;
        for (int64_t at_ns = 0; at_ns < 6 * FILM_S; at_ns += 700 * FILM_MS) {
            assert_int_equal(play(muxer, at_ns, at_ns + 700 * FILM_MS, has_video), 0);
            struct film film;
            read_disk(state, &disk, NAMES[i], &film);
            assert_true(film_end_ns(&film) >= at_ns + 140 * FILM_MS);
        }
        muxer_close(muxer, true);
        free(disk.data);
    }
}

static void test_muxer_flush_leaves_nothing_behind(void **state) {
    struct disk disk = {0};
    struct muxer *muxer = open_on(&disk, "webm");
    assert_int_equal(play(muxer, 0, 300 * FILM_MS, true), 0);
    assert_int_equal(muxer_flush(muxer), 0);
    struct film film;
    read_disk(state, &disk, "a.webm", &film);
    assert_true(film.video.last_ns >= 260 * FILM_MS);
    // And it goes on.
    assert_int_equal(play(muxer, 300 * FILM_MS, FILM_S, true), 0);
    assert_int_equal(muxer_close(muxer, false), 0);
    read_disk(state, &disk, "a.webm", &film);
    assert_true(film.video.rises && film.audio.rises);
    assert_true(film_is_near(film.duration_ns, FILM_S, 50 * FILM_MS));
    free(disk.data);
}

static void test_muxer_makes_times_rise_that_are_the_same(void **state) {
    struct disk disk = {0};
    struct muxer *muxer = open_on(&disk, "webm");
    for (int i = 0; i < 5; i++)
        assert_int_equal(write_packet(muxer, 0, film_picture(1000, i == 0)), 0);
    assert_int_equal(muxer_close(muxer, false), 0);
    struct film film;
    read_disk(state, &disk, "a.webm", &film);
    assert_int_equal(film.video.count, 5);
    assert_true(film.video.rises);
    free(disk.data);
}

static void test_muxer_goes_on_where_a_write_was_short_or_interrupted(void **state) {
    struct disk disk = {.most_at_once = 7, .interruptions = 100};
    struct muxer *muxer = open_on(&disk, "webm");
    assert_int_equal(play(muxer, 0, FILM_S, true), 0);
    assert_int_equal(muxer_close(muxer, false), 0);
    struct film film;
    read_disk(state, &disk, "a.webm", &film);
    assert_int_equal(film.audio.count, 50);
    free(disk.data);
}

static void test_muxer_tells_the_disks_own_error_and_stays_with_it(void **state) {
    struct disk disk = {.room_bytes = 5000, .error = ENOSPC};
    struct muxer *muxer = open_on(&disk, "webm");
    assert_int_equal(play(muxer, 0, 60 * FILM_S, true), -ENOSPC);
    assert_true(muxer_bytes(muxer) <= 5000);
    disk.room_bytes = 0;
    assert_int_equal(write_packet(muxer, 0, film_picture(61 * FILM_S, true)), -ENOSPC);
    assert_int_equal(muxer_flush(muxer), -ENOSPC);
    assert_int_equal(muxer_close(muxer, false), -ENOSPC);
    struct film film;
    read_disk(state, &disk, "a.webm", &film);
    assert_true(film.video.count > 10);
    free(disk.data);
}

static void test_muxer_without_room_for_a_header_does_not_open(void **state) {
    struct disk disk = {.room_bytes = 20, .error = ENOSPC};
    struct muxer_io io = {disk_write, disk_seek, &disk};
    struct muxer_config config = {
        .format = "webm", .io = &io, .tracks = {{.codec = MUXER_OPUS}}, .track_count = 1};
    struct muxer *muxer = NULL;
    assert_int_equal(muxer_open(&config, &muxer), -ENOSPC);
    assert_null(muxer);
    free(disk.data);
}

static void test_muxer_refuses_what_it_does_not_know(void **state) {
    struct disk disk = {0};
    struct muxer_io io = {disk_write, disk_seek, &disk};
    struct muxer_config config = {
        .format = "avi", .io = &io, .tracks = {{.codec = MUXER_OPUS}}, .track_count = 1};
    struct muxer *muxer = NULL;
    assert_int_equal(muxer_open(&config, &muxer), -EINVAL);
    config.format = "webm";
    config.track_count = 0;
    assert_int_equal(muxer_open(&config, &muxer), -EINVAL);
    config.track_count = 3;
    assert_int_equal(muxer_open(&config, &muxer), -EINVAL);
    muxer = open_on(&disk, "webm");
    assert_int_equal(muxer_write(muxer, 2, 0, 0, true, "x", 1), -EINVAL);
    assert_int_equal(muxer_write(muxer, -1, 0, 0, true, "x", 1), -EINVAL);
    assert_int_equal(muxer_write(muxer, 0, 0, 0, true, "x", 0), -EINVAL);
    muxer_close(muxer, true);
    muxer_close(NULL, false);
    free(disk.data);
}

// H.264 into a file, a stream or segments, for so many frames.
static void write_h264(const char *format, const char *target, int frames, bool is_closed) {
    struct footage_stream stream;
    assert_true(footage_open(&stream, VIDEO_H264, FILM_WIDTH, FILM_HEIGHT));
    struct muxer *muxer = NULL;
    for (int i = 0; i < frames; i++) {
        const AVPacket *packet = footage_next(&stream, NULL, i % 30 == 0);
        if (!muxer) {
            struct muxer_config config = {
                .format = format,
                .target = target,
                .segment_ns = FILM_S,
                .segments_kept = 3,
                .tracks = {{.codec = MUXER_H264,
                            .width_px = FILM_WIDTH,
                            .height_px = FILM_HEIGHT,
                            .fps = FILM_FPS,
                            .extradata = packet->data,
                            .extradata_bytes = (size_t)packet->size}},
                .track_count = 1,
            };
            assert_int_equal(muxer_open(&config, &muxer), 0);
        }
        assert_int_equal(
            muxer_write(muxer, 0, i * FRAME_NS, 0, i % 30 == 0, packet->data, (size_t)packet->size),
            0);
    }
    assert_int_equal(muxer_close(muxer, !is_closed), 0);
    footage_close(&stream);
}

static void test_muxer_writes_h264_as_fragments_that_outlive_a_crash(void **state) {
    const char *path = film_path(state, "a.mp4");
    write_h264("mp4", path, 100, false);
    struct film film;
    assert_true(film_read(path, &film));
    assert_true(film.video.rises);
    assert_true(film.video.last_ns >= 100 * FRAME_NS - FILM_S);
    write_h264("mp4", path, 100, true);
    assert_true(film_read(path, &film));
    assert_int_equal(film.video.count, 100);
}

static void test_muxer_writes_flv(void **state) {
    const char *path = film_path(state, "a.flv");
    write_h264("flv", path, 60, true);
    struct film film;
    assert_true(film_read(path, &film));
    assert_int_equal(film.video.count, 60);
}

static void test_muxer_lists_segments_and_deletes_the_old(void **state) {
    write_h264("hls", film_path(state, "index.m3u8"), 30 * 10, true);
    size_t size_bytes;
    char *playlist = (char *)film_load(film_path(state, "index.m3u8"), &size_bytes);
    playlist[size_bytes] = '\0';
    assert_non_null(strstr(playlist, "init.mp4"));
    assert_non_null(strstr(playlist, "segment-00009.m4s"));
    assert_null(strstr(playlist, "segment-00006.m4s"));
    assert_non_null(strstr(playlist, "#EXT-X-ENDLIST"));
    free(playlist);
    assert_true(film_size(film_path(state, "segment-00009.m4s")) > 0);
    assert_int_equal(film_size(film_path(state, "segment-00000.m4s")), -1);
    struct film film;
    assert_true(film_read(film_path(state, "index.m3u8"), &film));
    assert_int_equal(film.video.count, 90);
}

static bool is_over_at_once(void *user) {
    ++*(int *)user;
    return true;
}

// A server that takes the connection and then says nothing.
static void test_muxer_waits_for_no_network_when_all_is_over(void **state) {
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    assert_int_equal(bind(server, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(server, 1), 0);
    assert_int_equal(getsockname(server, (struct sockaddr *)&address, &length), 0);
    char url[64];
    snprintf(url, sizeof(url), "rtmp://127.0.0.1:%d/live/key", ntohs(address.sin_port));
    int asked = 0;
    struct muxer_config config = {
        .format = "flv",
        .target = url,
        .tracks = {{.codec = MUXER_AAC}},
        .track_count = 1,
        .is_over = is_over_at_once,
        .user = &asked,
    };
    struct muxer *muxer = NULL;
    assert_true(muxer_open(&config, &muxer) < 0);
    assert_true(asked > 0);
    close(server);
}

#define test(name) cmocka_unit_test_setup_teardown(name, film_place_make, film_place_remove)

int main(void) {
    const struct CMUnitTest tests[] = {
        test(test_muxer_writes_webm_with_duration_title_and_chapters),
        test(test_muxer_keeps_at_most_half_a_second_to_itself),
        test(test_muxer_flush_leaves_nothing_behind),
        test(test_muxer_makes_times_rise_that_are_the_same),
        test(test_muxer_goes_on_where_a_write_was_short_or_interrupted),
        test(test_muxer_tells_the_disks_own_error_and_stays_with_it),
        test(test_muxer_without_room_for_a_header_does_not_open),
        test(test_muxer_refuses_what_it_does_not_know),
        test(test_muxer_writes_h264_as_fragments_that_outlive_a_crash),
        test(test_muxer_writes_flv),
        test(test_muxer_lists_segments_and_deletes_the_old),
        test(test_muxer_waits_for_no_network_when_all_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

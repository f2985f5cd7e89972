// SPDX-License-Identifier: MIT
// Broadcasts to a real RTMP server (libavformat's, in a thread of its own) and into HLS
// directories, which libavformat plays.
#include "mixer/record/backlog.h"
#include "mixer/record/broadcast.h"
#include "tests/unit/live_source.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <libavformat/avformat.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { WIDTH = 320, HEIGHT = 192, STATES = BROADCAST_STOPPED + 1, PATIENCE_S = 60 };

static const int64_t MS = 1000000, S = 1000000000, FRAME_NS = 1000000000 / LIVE_FPS;

static int64_t clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * S + now.tv_nsec;
}

static int64_t seconds_now(void) {
    return clock_ns() / S;
}

// A pace for loops that look again and again; nothing depends on its length.
static void pause_briefly(void) {
    nanosleep(&(struct timespec){.tv_nsec = 2 * MS}, NULL);
}

// ---- a broadcast, and the room it is of ----

struct rig {
    struct live_source source;
    struct broadcast *broadcast;
    int64_t now_ns, sound_ns;
    atomic_int times[STATES]; // it was in a state
    atomic_int last_error;    // of BROADCAST_WAITING
    int64_t attempt_ns[3];    // when it began to connect; its thread's until that has ended
    atomic_bool wants_keyframe;
};

static void on_state(void *user, enum broadcast_state state, int error) {
    struct rig *rig = user;
    if (state == BROADCAST_WAITING)
        atomic_store(&rig->last_error, error);
    int before = atomic_fetch_add(&rig->times[state], 1);
    if (state == BROADCAST_CONNECTING && before < 3)
        rig->attempt_ns[before] = clock_ns();
}

static void on_keyframe_wanted(void *user) {
    struct rig *rig = user;
    atomic_store(&rig->wants_keyframe, true);
}

static const struct broadcast_ops OPS = {.on_state = on_state,
                                         .on_keyframe_wanted = on_keyframe_wanted};

static struct broadcast_config config_of(enum broadcast_kind kind, const char *target) {
    return (struct broadcast_config){.kind = kind,
                                     .target = target,
                                     .width_px = WIDTH,
                                     .height_px = HEIGHT,
                                     .fps = LIVE_FPS,
                                     .segment_ns = S,
                                     .segments_kept = 3};
}

static void rig_open_with(struct rig *rig, const struct broadcast_config *config) {
    memset(rig, 0, sizeof(*rig));
    rig->now_ns = rig->sound_ns = 1234 * S;
    live_source_open(&rig->source, WIDTH, HEIGHT);
    assert_int_equal(broadcast_create(config, &OPS, rig, &rig->broadcast), 0);
}

static void rig_open(struct rig *rig, enum broadcast_kind kind, const char *target) {
    struct broadcast_config config = config_of(kind, target);
    rig_open_with(rig, &config);
}

// Ends the broadcast; that it says so shows that its thread was not left behind.
static void rig_close(struct rig *rig) {
    broadcast_destroy(rig->broadcast);
    assert_int_equal(atomic_load(&rig->times[BROADCAST_STOPPED]), 1);
    live_source_close(&rig->source);
}

static void push(struct rig *rig, struct packet *packet) {
    if (packet)
        broadcast_push(rig->broadcast, packet, packet->kind == PACKET_AUDIO);
    packet_unref(packet);
}

// On a slow machine the room waits, so that nothing is dropped.
static void keep_pace(struct rig *rig) {
    struct broadcast_stats stats;
    int64_t end = seconds_now() + PATIENCE_S;
    do {
        pause_briefly();
        broadcast_get_stats(rig->broadcast, &stats);
    } while (stats.packets_waiting > 30 && seconds_now() < end);
}

// The room goes on by a frame of what is on the canvas.
static void push_frame(struct rig *rig) {
    for (; rig->sound_ns <= rig->now_ns; rig->sound_ns += 20 * MS)
        push(rig, live_source_sound(&rig->source, 0.1, rig->sound_ns));
    bool is_keyframe = atomic_exchange(&rig->wants_keyframe, false);
    push(rig, live_source_canvas(&rig->source, is_keyframe, rig->now_ns));
    rig->now_ns += FRAME_NS;
}

static void play_frame(struct rig *rig) {
    int luma = LIVE_DARK + (int)(rig->now_ns / FRAME_NS % 100);
    footage_fill(rig->source.canvas, luma, 128, 128);
    push_frame(rig);
    keep_pace(rig);
}

// The room goes on until *count has come to `wanted`.
static bool play_until(struct rig *rig, atomic_int *count, int wanted) {
    for (int64_t end = seconds_now() + PATIENCE_S; atomic_load(count) < wanted;) {
        if (seconds_now() > end)
            return false;
        play_frame(rig);
    }
    return true;
}

// ---- an RTMP server for one connection ----

struct server {
    pthread_t thread;
    char url[96];
    int frames_max; // then it hangs up; 0: never
    bool is_deaf;   // then it only reads no more
    atomic_bool is_over;
    atomic_int pictures, sounds; // packets read
    // The thread's, until it has ended.
    bool first_is_keyframe, rises, decodes;
    int width_px, height_px;
    int64_t last_ms[2];
};

static int on_server_interrupt(void *user) {
    struct server *server = user;
    return atomic_load(&server->is_over);
}

static int find_free_port(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static AVCodecContext *open_decoder(const AVStream *stream) {
    AVCodecContext *context =
        avcodec_alloc_context3(avcodec_find_decoder(stream->codecpar->codec_id));
    avcodec_parameters_to_context(context, stream->codecpar);
    context->log_level_offset = 100;
    context->err_recognition = AV_EF_EXPLODE;
    context->thread_count = 1;
    if (avcodec_open2(context, NULL, NULL))
        avcodec_free_context(&context);
    return context;
}

static bool decode(AVCodecContext *context, const AVPacket *packet) {
    if (!context || avcodec_send_packet(context, packet) < 0)
        return false;
    AVFrame *frame = av_frame_alloc();
    while (avcodec_receive_frame(context, frame) >= 0)
        ;
    av_frame_free(&frame);
    return true;
}

static void look_at(struct server *server, const AVStream *stream, const AVPacket *packet) {
    bool is_picture = stream->codecpar->codec_type == AVMEDIA_TYPE_VIDEO;
    atomic_int *count = is_picture ? &server->pictures : &server->sounds;
    int64_t ms = av_rescale_q(packet->pts, stream->time_base, (AVRational){1, 1000});
    if (is_picture && atomic_load(count) == 0)
        server->first_is_keyframe = packet->flags & AV_PKT_FLAG_KEY;
    if (atomic_load(count) > 0 && ms <= server->last_ms[is_picture])
        server->rises = false;
    server->last_ms[is_picture] = ms;
    atomic_fetch_add(count, 1);
}

static void read_stream(struct server *server, AVFormatContext *format) {
    AVCodecContext *decoders[8] = {NULL};
    AVPacket *packet = av_packet_alloc();
    while (av_read_frame(format, packet) >= 0) {
        AVStream *stream = format->streams[packet->stream_index];
        if (packet->stream_index < 8) {
            AVCodecContext **decoder = &decoders[packet->stream_index];
            if (!*decoder)
                *decoder = open_decoder(stream);
            server->decodes &= decode(*decoder, packet);
            if (*decoder && (*decoder)->width > 0) {
                server->width_px = (*decoder)->width;
                server->height_px = (*decoder)->height;
            }
            look_at(server, stream, packet);
        }
        av_packet_unref(packet);
        if (server->frames_max && atomic_load(&server->pictures) >= server->frames_max)
            break;
    }
    av_packet_free(&packet);
    for (int i = 0; i < 8; i++)
        avcodec_free_context(&decoders[i]);
    while (server->is_deaf && !atomic_load(&server->is_over))
        pause_briefly();
}

static void *serve(void *user) {
    struct server *server = user;
    AVFormatContext *format = avformat_alloc_context();
    AVDictionary *options = NULL;
    format->interrupt_callback = (AVIOInterruptCB){on_server_interrupt, server};
    av_dict_set(&options, "listen", "1", 0);
    if (server->is_deaf)
        av_dict_set(&options, "recv_buffer_size", "4096", 0);
    if (avformat_open_input(&format, server->url, av_find_input_format("flv"), &options) == 0)
        read_stream(server, format);
    av_dict_free(&options);
    avformat_close_input(&format);
    return NULL;
}

static void server_start(struct server *server, int port, int frames_max, bool is_deaf) {
    memset(server, 0, sizeof(*server));
    server->is_deaf = is_deaf;
    snprintf(server->url, sizeof(server->url), "rtmp://127.0.0.1:%d/live/key", port);
    server->frames_max = frames_max;
    server->rises = server->decodes = true;
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void server_end(struct server *server) {
    atomic_store(&server->is_over, true);
    pthread_join(server->thread, NULL);
}

// ---- RTMP ----

static void test_broadcast_arrives_at_an_rtmp_server(void **state) {
    struct server server;
    server_start(&server, find_free_port(), 0, false);
    struct rig rig;
    rig_open(&rig, BROADCAST_RTMP, server.url);
    bool has_come = play_until(&rig, &server.pictures, 100);
    struct broadcast_stats stats;
    broadcast_get_stats(rig.broadcast, &stats);
    rig_close(&rig);
    server_end(&server);
    assert_true(has_come);
    assert_true(server.first_is_keyframe);
    assert_true(server.rises);
    assert_true(server.decodes);
    assert_int_equal(server.width_px, WIDTH);
    assert_int_equal(server.height_px, HEIGHT);
    assert_true(atomic_load(&server.sounds) > 50);
    assert_int_equal(stats.state, BROADCAST_LIVE);
    assert_int_equal(stats.reconnects, 0);
    assert_true(stats.bytes > 1000);
    assert_true(stats.live_ns > 0);
}

static void test_broadcast_that_is_lost_connects_again(void **state) {
    struct server first, second;
    int port = find_free_port();
    server_start(&first, port, 20, false);
    struct rig rig;
    rig_open(&rig, BROADCAST_RTMP, first.url);
    bool was_lost = play_until(&rig, &rig.times[BROADCAST_WAITING], 1);
    // Perhaps it was not yet there at the first attempt.
    while (was_lost && atomic_load(&first.pictures) < 20)
        was_lost = play_until(&rig, &rig.times[BROADCAST_WAITING],
                              atomic_load(&rig.times[BROADCAST_WAITING]) + 1);
    server_end(&first);
    server_start(&second, port, 0, false);
    bool is_back = play_until(&rig, &second.pictures, 20);
    struct broadcast_stats stats;
    broadcast_get_stats(rig.broadcast, &stats);
    rig_close(&rig);
    server_end(&second);
    assert_true(was_lost);
    assert_true(is_back);
    assert_true(second.first_is_keyframe);
    assert_true(second.decodes);
    assert_int_equal(stats.reconnects, 1);
    assert_int_equal(atomic_load(&rig.times[BROADCAST_LIVE]), 2);
    assert_true(atomic_load(&rig.last_error) < 0);
}

static void test_broadcast_that_nobody_answers_waits_longer_each_time(void **state) {
    char url[96];
    snprintf(url, sizeof(url), "rtmp://127.0.0.1:%d/live/key", find_free_port());
    struct rig rig;
    rig_open(&rig, BROADCAST_RTMP, url);
    assert_true(play_until(&rig, &rig.times[BROADCAST_WAITING], 3));
    struct broadcast_stats stats;
    broadcast_get_stats(rig.broadcast, &stats);
    assert_int_equal(atomic_load(&rig.last_error), -ECONNREFUSED);
    assert_int_equal(atomic_load(&rig.times[BROADCAST_LIVE]), 0);
    assert_int_equal(stats.bytes, 0);
    assert_int_equal(stats.frames_dropped, 0);
    assert_int_equal(stats.state, BROADCAST_WAITING);
    assert_int_equal(stats.error, -ECONNREFUSED);
    rig_close(&rig);
    assert_true(rig.attempt_ns[1] - rig.attempt_ns[0] >= S);
    assert_true(rig.attempt_ns[2] - rig.attempt_ns[1] >= 2 * S);
}

// The kernel takes the connection, but nobody ever says a word.
static void test_broadcast_ends_while_a_server_says_nothing(void **state) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(listen(fd, 5), 0);
    char url[96];
    snprintf(url, sizeof(url), "rtmp://127.0.0.1:%d/live/key", ntohs(address.sin_port));
    struct rig rig;
    rig_open(&rig, BROADCAST_RTMP, url);
    int connection = accept(fd, NULL, NULL);
    assert_true(connection >= 0);
    for (int i = 0; i < 10; i++)
        play_frame(&rig);
    rig_close(&rig); // STOPPED: it did not have to be left behind
    assert_int_equal(atomic_load(&rig.times[BROADCAST_LIVE]), 0);
    close(connection);
    close(fd);
}

// True: for half a second nothing was taken of what waits.
static bool is_stuck(struct rig *rig) {
    struct broadcast_stats stats;
    broadcast_get_stats(rig->broadcast, &stats);
    uint64_t bytes = stats.bytes;
    for (int64_t end = clock_ns() + S / 2; stats.packets_waiting > 30;) {
        pause_briefly();
        broadcast_get_stats(rig->broadcast, &stats);
        if (clock_ns() > end)
            return stats.bytes == bytes;
    }
    return false;
}

static void test_broadcast_to_a_server_that_takes_no_more_drops_and_ends(void **state) {
    struct server server;
    server_start(&server, find_free_port(), 5, true);
    struct rig rig;
    struct broadcast_config config = config_of(BROADCAST_RTMP, server.url);
    config.video_kbps = 50000;
    rig_open_with(&rig, &config);
    struct broadcast_stats stats = {.state = BROADCAST_CONNECTING};
    bool was_stuck = false;
    for (int64_t end = seconds_now() + PATIENCE_S;
         stats.frames_dropped == 0 && seconds_now() < end;) {
        footage_draw(rig.source.canvas, 0, 0, WIDTH, HEIGHT, (int)(rig.now_ns / FRAME_NS));
        push_frame(&rig); // never waits
        was_stuck = was_stuck || is_stuck(&rig);
        broadcast_get_stats(rig.broadcast, &stats);
    }
    rig_close(&rig); // STOPPED: what blocked was interrupted
    server_end(&server);
    assert_true(was_stuck);
    assert_true(stats.frames_dropped > 0);
    assert_true(stats.packets_waiting < BACKLOG_MAX);
}

// Pictures that no encoder makes small, until *count has come to `wanted`.
static bool play_noise_until(struct rig *rig, atomic_int *count, int wanted) {
    for (int64_t end = seconds_now() + PATIENCE_S; atomic_load(count) < wanted;) {
        if (seconds_now() > end)
            return false;
        footage_draw(rig->source.canvas, 0, 0, WIDTH, HEIGHT, (int)(rig->now_ns / FRAME_NS));
        push_frame(rig);
        pause_briefly();
    }
    return true;
}

// Whoever takes nothing for so long is given up, and tried again.
static void test_broadcast_gives_a_server_up_that_takes_nothing_and_finds_it_again(void **state) {
    struct server first, second;
    int port = find_free_port();
    server_start(&first, port, 5, true);
    struct rig rig;
    struct broadcast_config config = config_of(BROADCAST_RTMP, first.url);
    config.video_kbps = 50000;
    config.stall_ns = S;
    rig_open_with(&rig, &config);
    bool was_live = play_noise_until(&rig, &first.pictures, 5);
    int waits = atomic_load(&rig.times[BROADCAST_WAITING]); // it may not have been there at first
    bool was_given_up = play_noise_until(&rig, &rig.times[BROADCAST_WAITING], waits + 1);
    int error = atomic_load(&rig.last_error);
    server_end(&first);
    server_start(&second, port, 0, false);
    bool is_back = play_until(&rig, &second.pictures, 10);
    struct broadcast_stats stats;
    broadcast_get_stats(rig.broadcast, &stats);
    rig_close(&rig);
    server_end(&second);
    assert_true(was_live);
    assert_true(was_given_up);
    assert_int_equal(error, -ETIMEDOUT);
    assert_true(is_back);
    assert_true(second.first_is_keyframe);
    assert_int_equal(stats.reconnects, 1);
}

// The kernel takes the connection, and what is said, but nobody ever reads it.
static void test_broadcast_gives_a_server_up_that_never_answers(void **state) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(listen(fd, 5), 0);
    char url[96];
    snprintf(url, sizeof(url), "rtmp://127.0.0.1:%d/live/key", ntohs(address.sin_port));
    struct rig rig;
    struct broadcast_config config = config_of(BROADCAST_RTMP, url);
    config.stall_ns = S / 2;
    rig_open_with(&rig, &config);
    bool was_given_up = play_until(&rig, &rig.times[BROADCAST_WAITING], 1);
    int error = atomic_load(&rig.last_error);
    close(fd);
    struct server server;
    server_start(&server, ntohs(address.sin_port), 0, false);
    bool is_live = play_until(&rig, &server.pictures, 5);
    rig_close(&rig);
    server_end(&server);
    assert_true(was_given_up);
    assert_int_equal(error, -ETIMEDOUT);
    assert_true(is_live);
}

// ---- RTMPS ----

// Speaks TLS with a certificate that nobody knows who signed, and counts what it is told.
struct impostor {
    pthread_t thread;
    char directory[64], ca[96], certificate[96], key[96], url[96], target[96];
    atomic_bool is_over;
    atomic_int bytes;
};

static int on_impostor_interrupt(void *user) {
    struct impostor *impostor = user;
    return atomic_load(&impostor->is_over);
}

static void *pretend(void *user) {
    struct impostor *impostor = user;
    AVIOInterruptCB interrupt = {on_impostor_interrupt, impostor};
    unsigned char heard[64];
    while (!atomic_load(&impostor->is_over)) {
        AVIOContext *io = NULL;
        AVDictionary *options = NULL;
        av_dict_set(&options, "cert_file", impostor->certificate, 0);
        av_dict_set(&options, "key_file", impostor->key, 0);
        av_dict_set(&options, "listen", "1", 0);
        if (avio_open2(&io, impostor->url, AVIO_FLAG_READ, &interrupt, &options) >= 0) {
            int count = avio_read_partial(io, heard, sizeof(heard));
            if (count > 0)
                atomic_fetch_add(&impostor->bytes, count);
        }
        avio_closep(&io);
        av_dict_free(&options);
    }
    return NULL;
}

// An authority of its own, and a certificate that it signed.
static void make_certificates(const char *directory) {
    char command[1024];
    snprintf(command, sizeof(command),
             "cd %s && exec 2>/dev/null; new='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'; "
             "openssl req -x509 $new -days 2 -subj '/CN=Our own' -out ca -keyout ca-key && "
             "openssl req $new -subj /CN=127.0.0.1 -out request -keyout key && "
             "echo subjectAltName=IP:127.0.0.1 >extensions && "
             "openssl x509 -req -in request -days 2 -CA ca -CAkey ca-key -CAcreateserial "
             "-extfile extensions -out cert",
             directory);
    assert_int_equal(system(command), 0);
}

static void impostor_start(struct impostor *impostor) {
    int port = find_free_port();
    memset(impostor, 0, sizeof(*impostor));
    snprintf(impostor->directory, sizeof(impostor->directory), "/tmp/tessera_broadcast_XXXXXX");
    assert_non_null(mkdtemp(impostor->directory));
    snprintf(impostor->ca, sizeof(impostor->ca), "%s/ca", impostor->directory);
    snprintf(impostor->certificate, sizeof(impostor->certificate), "%s/cert", impostor->directory);
    snprintf(impostor->key, sizeof(impostor->key), "%s/key", impostor->directory);
    snprintf(impostor->url, sizeof(impostor->url), "tls://127.0.0.1:%d", port);
    snprintf(impostor->target, sizeof(impostor->target), "rtmps://127.0.0.1:%d/live/key", port);
    make_certificates(impostor->directory);
    assert_int_equal(pthread_create(&impostor->thread, NULL, pretend, impostor), 0);
}

static void impostor_end(struct impostor *impostor) {
    static const char *const FILES[] = {"ca",      "ca-key",     "ca.srl", "cert",
                                        "request", "extensions", "key"};
    atomic_store(&impostor->is_over, true);
    pthread_join(impostor->thread, NULL);
    for (size_t i = 0; i < sizeof(FILES) / sizeof(FILES[0]); i++) {
        char path[128];
        snprintf(path, sizeof(path), "%s/%s", impostor->directory, FILES[i]);
        unlink(path);
    }
    rmdir(impostor->directory);
}

// True: it was refused, not merely absent at the first attempts.
static bool is_refused(struct rig *rig) {
    bool was_refused = true;
    do
        was_refused = play_until(rig, &rig->times[BROADCAST_WAITING],
                                 atomic_load(&rig->times[BROADCAST_WAITING]) + 1);
    while (was_refused && atomic_load(&rig->last_error) == -ECONNREFUSED);
    return was_refused;
}

static void test_broadcast_tells_an_impostor_nothing(void **state) {
    struct impostor impostor, other;
    impostor_start(&impostor);
    impostor_start(&other);
    const char *const ca_files[] = {NULL, "", other.ca}; // nobody, nobody, somebody else
    for (int i = 0; i < 3; i++) {
        struct rig rig;
        struct broadcast_config config = config_of(BROADCAST_RTMP, impostor.target);
        config.ca_file = ca_files[i];
        rig_open_with(&rig, &config);
        bool was_refused = is_refused(&rig);
        rig_close(&rig);
        assert_true(was_refused);
        assert_int_equal(atomic_load(&impostor.bytes), 0);
    }
    impostor_end(&impostor);
    impostor_end(&other);
}

static void test_broadcast_trusts_whom_the_operator_trusts(void **state) {
    struct impostor server;
    impostor_start(&server);
    struct rig rig;
    struct broadcast_config config = config_of(BROADCAST_RTMP, server.target);
    config.ca_file = server.ca;
    rig_open_with(&rig, &config);
    bool is_told = play_until(&rig, &server.bytes, 1);
    rig_close(&rig);
    impostor_end(&server);
    assert_true(is_told);
}

static void test_broadcast_waits_for_a_ca_file_that_cannot_be_read(void **state) {
    struct rig rig;
    struct broadcast_config config = config_of(BROADCAST_RTMP, "rtmps://127.0.0.1:9/live/key");
    config.ca_file = "/nowhere/ca";
    rig_open_with(&rig, &config);
    assert_true(play_until(&rig, &rig.times[BROADCAST_WAITING], 1));
    assert_int_equal(atomic_load(&rig.last_error), -ENOENT);
    rig_close(&rig);
}

// ---- HLS ----

struct place {
    char directory[64], playlist[96];
};

static void place_open(struct place *place) {
    snprintf(place->directory, sizeof(place->directory), "/tmp/tessera_broadcast_XXXXXX");
    assert_non_null(mkdtemp(place->directory));
    snprintf(place->playlist, sizeof(place->playlist), "%s/index.m3u8", place->directory);
}

// Removes all; returns how many files with this ending there were.
static int place_sweep(const struct place *place, const char *ending, bool removes) {
    int count = 0;
    DIR *directory = opendir(place->directory);
    assert_non_null(directory);
    struct dirent *entry;
    while ((entry = readdir(directory))) {
        size_t size = strlen(entry->d_name), end = strlen(ending);
        count += size > end && strcmp(entry->d_name + size - end, ending) == 0;
        if (removes && entry->d_name[0] != '.')
            unlinkat(dirfd(directory), entry->d_name, 0);
    }
    closedir(directory);
    return count;
}

static void place_close(const struct place *place) {
    place_sweep(place, "", true);
    rmdir(place->directory);
}

static void write_file(const struct place *place, const char *name) {
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", place->directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("old", file);
    fclose(file);
}

static bool read_playlist(const struct place *place, char *out, size_t size_bytes) {
    FILE *file = fopen(place->playlist, "r");
    if (!file)
        return false;
    out[fread(out, 1, size_bytes - 1, file)] = '\0';
    fclose(file);
    return true;
}

static int count_in(const char *text, const char *word) {
    int count = 0;
    while ((text = strstr(text, word))) {
        count++;
        text += strlen(word);
    }
    return count;
}

struct playback {
    int pictures, sounds;
    bool decodes, rises;
    int64_t begin_ns[2], end_ns[2]; // of sound, of pictures
};

static void playback_add(struct playback *playback, const AVStream *stream,
                         const AVPacket *packet) {
    bool is_picture = stream->codecpar->codec_type == AVMEDIA_TYPE_VIDEO;
    int64_t pts_ns = av_rescale_q(packet->pts, stream->time_base, (AVRational){1, 1000000000});
    int *count = is_picture ? &playback->pictures : &playback->sounds;
    if (*count == 0)
        playback->begin_ns[is_picture] = pts_ns;
    else if (pts_ns <= playback->end_ns[is_picture])
        playback->rises = false;
    playback->end_ns[is_picture] = pts_ns;
    (*count)++;
}

static struct playback play_back(const char *path) {
    struct playback playback = {.decodes = true, .rises = true};
    AVFormatContext *format = NULL;
    AVCodecContext *decoders[2] = {NULL};
    assert_int_equal(avformat_open_input(&format, path, NULL, NULL), 0);
    assert_true(avformat_find_stream_info(format, NULL) >= 0);
    assert_int_equal(format->nb_streams, 2);
    AVPacket *packet = av_packet_alloc();
    for (int i = 0; i < 2; i++)
        decoders[i] = open_decoder(format->streams[i]);
    while (av_read_frame(format, packet) >= 0) {
        playback.decodes &= decode(decoders[packet->stream_index], packet);
        playback_add(&playback, format->streams[packet->stream_index], packet);
        av_packet_unref(packet);
    }
    for (int i = 0; i < 2; i++)
        avcodec_free_context(&decoders[i]);
    av_packet_free(&packet);
    avformat_close_input(&format);
    return playback;
}

// Until the playlist names the segment of this number.
static bool play_until_segment(struct rig *rig, const struct place *place, int number) {
    char text[4096], name[32];
    snprintf(name, sizeof(name), "segment-%05d.m4s", number);
    for (int64_t end = seconds_now() + PATIENCE_S; seconds_now() < end;) {
        if (read_playlist(place, text, sizeof(text)) && strstr(text, name))
            return true;
        play_frame(rig);
    }
    return false;
}

static void test_broadcast_hls_keeps_a_few_segments_that_play(void **state) {
    struct place place;
    place_open(&place);
    struct rig rig;
    rig_open(&rig, BROADCAST_HLS, place.directory);
    bool is_long = play_until_segment(&rig, &place, 9);
    int segments = place_sweep(&place, ".m4s", false);
    char text[4096];
    assert_true(read_playlist(&place, text, sizeof(text)));
    bool has_end_while_live = strstr(text, "#EXT-X-ENDLIST");
    rig_close(&rig);
    assert_true(is_long);
    assert_false(has_end_while_live);
    assert_in_range(segments, 3, 3 + 3 + 2); // kept, about to go, being written
    assert_true(read_playlist(&place, text, sizeof(text)));
    assert_non_null(strstr(text, "#EXT-X-ENDLIST"));
    assert_non_null(strstr(text, "#EXT-X-MAP:URI=\"init.mp4\""));
    assert_int_equal(count_in(text, "#EXTINF"), 3);
    assert_int_equal(count_in(text, "#EXTINF:1.0"), 2); // the last one is what was left
    struct playback playback = play_back(place.playlist);
    assert_true(playback.decodes);
    assert_true(playback.rises);
    assert_true(playback.pictures >= 2 * LIVE_FPS);
    assert_true(playback.sounds >= 2 * 48000 / 1024);
    assert_true(llabs(playback.begin_ns[0] - playback.begin_ns[1]) <= 40 * MS);
    place_close(&place);
}

static void test_broadcast_hls_removes_what_an_earlier_stream_left(void **state) {
    struct place place;
    place_open(&place);
    write_file(&place, "segment-00077.m4s");
    write_file(&place, "index.m3u8");
    write_file(&place, "poster.jpg"); // not a stream's
    struct rig rig;
    rig_open(&rig, BROADCAST_HLS, place.directory);
    assert_true(play_until(&rig, &rig.times[BROADCAST_LIVE], 1));
    rig_close(&rig);
    char text[4096];
    assert_true(read_playlist(&place, text, sizeof(text)));
    assert_null(strstr(text, "old"));
    assert_int_equal(place_sweep(&place, ".jpg", false), 1);
    assert_int_equal(place_sweep(&place, "77.m4s", false), 0);
    place_close(&place);
}

static void test_broadcast_hls_waits_for_a_directory_that_cannot_be(void **state) {
    struct rig rig;
    rig_open(&rig, BROADCAST_HLS, "/proc/nowhere/hls");
    assert_true(play_until(&rig, &rig.times[BROADCAST_WAITING], 1));
    assert_int_equal(atomic_load(&rig.last_error), -ENOENT);
    rig_close(&rig);
}

static void test_broadcast_ends_before_anything_came(void **state) {
    struct place place;
    place_open(&place);
    struct rig rig;
    rig_open(&rig, BROADCAST_HLS, place.directory);
    rig_close(&rig);
    broadcast_destroy(NULL);
    place_close(&place);
}

// ---- targets ----

static void test_broadcast_refuses_other_targets(void **state) {
    static const char *const REFUSED[] = {
        "",
        "http://host/app/key",
        "file:///etc/passwd",
        "/etc/passwd",
        "rtmpt://host/app/key",
        "rtmp://",
        "rtmp:///app/key",
        "rtmp://host",
        "rtmp://host/",
        "rtmp://host:port/app/key",
        "rtmp://host:123456/app/key",
        "rtmp://ho st/app/key",
        "rtmp://host/app/key listen=1",
        "rtmp://host/app/key\n",
        "rtmp://host/app/\xc3\xa4",
        "rtmp://user@/app/key",
        "rtmp://host/app/key#part",
        "rtmp://[::1/app/key",
        "concat:rtmp://host/app/key",
    };
    struct broadcast *broadcast;
    for (size_t i = 0; i < sizeof(REFUSED) / sizeof(REFUSED[0]); i++) {
        struct broadcast_config config = config_of(BROADCAST_RTMP, REFUSED[i]);
        assert_false(broadcast_is_url_allowed(REFUSED[i]));
        assert_int_equal(broadcast_create(&config, &OPS, NULL, &broadcast), -EINVAL);
    }
    char longest[1200];
    memset(longest, 'a', sizeof(longest));
    memcpy(longest, "rtmp://host/", 12);
    longest[1199] = '\0';
    assert_false(broadcast_is_url_allowed(longest));
    longest[1024] = '\0';
    assert_true(broadcast_is_url_allowed(longest));
    assert_true(
        broadcast_is_url_allowed("rtmps://user:pass@a-1.example.org:443/live2/x-y_z?a=b&c=d"));
    assert_true(broadcast_is_url_allowed("RTMP://[2001:db8::1]:1935/app/key"));
    assert_true(broadcast_is_url_allowed("rtmp://10.0.0.1/app"));
}

static void test_broadcast_refuses_pictures_that_cannot_be(void **state) {
    struct broadcast *broadcast;
    struct broadcast_config config = config_of(BROADCAST_HLS, "/tmp/nothing");
    config.width_px = 321;
    assert_int_equal(broadcast_create(&config, &OPS, NULL, &broadcast), -EINVAL);
    config = config_of(BROADCAST_HLS, "/tmp/nothing");
    config.fps = 0;
    assert_int_equal(broadcast_create(&config, &OPS, NULL, &broadcast), -EINVAL);
    config = config_of(BROADCAST_HLS, "/tmp/nothing");
    config.segments_kept = 100000;
    assert_int_equal(broadcast_create(&config, &OPS, NULL, &broadcast), -EINVAL);
}

static void test_broadcast_shows_no_secret_of_a_url(void **state) {
    static const char *const URLS[][2] = {
        {"rtmp://host/app/SECRET", "rtmp://host/app/***"},
        {"rtmps://host:443/app/SECRET", "rtmps://host:443/app/***"},
        {"RTMP://Host/app/SECRET", "rtmp://Host/app/***"},
        {"rtmp://host/app/instance/SECRET", "rtmp://host/app/***"},
        {"rtmp://host/app/name?key=SECRET", "rtmp://host/app/***"},
        {"rtmp://host/app?key=SECRET", "rtmp://host/***"},
        {"rtmp://host/app?key=SECRET/x", "rtmp://host/***"},
        {"rtmp://host/SECRET", "rtmp://host/***"},
        {"rtmp://host//SECRET", "rtmp://host/***"},
        {"rtmp://host?SECRET", "rtmp://host/***"},
        {"rtmp://host#SECRET", "rtmp://host/***"},
        {"rtmp://host", "rtmp://host"},
        {"rtmp://host/", "rtmp://host/***"},
        {"rtmp://user:SECRET@host/app/SECRET", "rtmp://user:***@host/app/***"},
        {"rtmp://user:SECRET@SECRET@host/app/SECRET", "rtmp://user:***@host/app/***"},
        {"rtmp://user:SECRET:SECRET@host:1935/app/SECRET", "rtmp://user:***@host:1935/app/***"},
        {"rtmp://:SECRET@host/app/SECRET", "rtmp://***@host/app/***"},
        {"rtmp://SECRET@host/app/SECRET", "rtmp://***@host/app/***"},
        {"rtmp://[2001:db8::1]:1935/app/SECRET", "rtmp://[2001:db8::1]:1935/app/***"},
        {"rtmp://user:se/SECRET@host/app/key", "rtmp://***"},
        {"rtmp://user:12/SECRET@host/app/key", "rtmp://***"},
        {"rtmp://user:12?SECRET@host/app/key", "rtmp://***"},
        {"rtmp://host:SECRET/app/key", "rtmp://***"},
        {"rtmp://[SECRET]/app/key", "rtmp://***"},
        {"rtmp://host/SEC RET/key", "rtmp://host/***"},
        {"rtmp://host/SECRET\n/key", "rtmp://host/***"},
        {"rtmp://", "rtmp://***"},
        {"http://host/app/SECRET", "***"},
        {"SECRET", "***"},
        {"", "***"},
    };
    char out[1200];
    for (size_t i = 0; i < sizeof(URLS) / sizeof(URLS[0]); i++) {
        broadcast_mask_url(URLS[i][0], out, sizeof(out));
        assert_string_equal(out, URLS[i][1]);
        assert_null(strstr(out, "SECRET"));
    }
    char little[8];
    broadcast_mask_url("rtmp://host/app/SECRET", little, sizeof(little));
    assert_string_equal(little, "rtmp://");
}

static void test_broadcast_states_have_names(void **state) {
    assert_string_equal(broadcast_state_name(BROADCAST_CONNECTING), "connecting");
    assert_string_equal(broadcast_state_name(BROADCAST_LIVE), "live");
    assert_string_equal(broadcast_state_name(BROADCAST_WAITING), "waiting");
    assert_string_equal(broadcast_state_name(BROADCAST_STOPPED), "stopped");
}

// ---- the backlog ----

static bool add(struct backlog *backlog, enum packet_kind kind, bool is_keyframe, size_t size_bytes,
                int64_t pts_ns) {
    uint8_t *data = calloc(1, size_bytes);
    struct packet *packet = packet_create(kind, data, size_bytes);
    packet->is_keyframe = is_keyframe;
    packet->pts_ns = pts_ns;
    bool is_taken = backlog_push(backlog, packet);
    packet_unref(packet);
    free(data);
    return is_taken;
}

static int drain(struct backlog *backlog) {
    int count = 0;
    struct packet *packet;
    for (; (packet = backlog_take(backlog)); count++)
        packet_unref(packet);
    return count;
}

static void test_backlog_begins_with_a_keyframe(void **state) {
    struct backlog backlog;
    backlog_init(&backlog);
    assert_false(add(&backlog, PACKET_AUDIO, false, 10, 0));
    assert_false(add(&backlog, PACKET_VIDEO, false, 10, 0));
    assert_true(add(&backlog, PACKET_VIDEO, true, 10, 0));
    assert_true(add(&backlog, PACKET_VIDEO, false, 10, 1));
    assert_true(add(&backlog, PACKET_AUDIO, false, 10, 1));
    assert_int_equal(drain(&backlog), 3);
    assert_int_equal(backlog.dropped, 0);
    backlog_clear(&backlog);
    assert_false(add(&backlog, PACKET_AUDIO, false, 10, 2));
}

static void test_backlog_too_long_goes_on_from_the_next_keyframe(void **state) {
    struct backlog backlog;
    backlog_init(&backlog);
    for (int i = 0; i <= 40; i++)
        assert_true(add(&backlog, PACKET_VIDEO, i == 0, 10, i * 100 * MS));
    assert_false(add(&backlog, PACKET_VIDEO, false, 10, 4100 * MS));
    assert_int_equal(backlog.count, 0);
    assert_int_equal(backlog.bytes, 0);
    assert_int_equal(backlog.dropped, 42);
    assert_true(add(&backlog, PACKET_AUDIO, false, 10, 4100 * MS));
    assert_false(add(&backlog, PACKET_VIDEO, false, 10, 4200 * MS));
    assert_true(add(&backlog, PACKET_VIDEO, true, 10, 4300 * MS));
    assert_int_equal(drain(&backlog), 2);
}

static void test_backlog_is_bounded_in_bytes_and_packets(void **state) {
    struct backlog backlog;
    backlog_init(&backlog);
    assert_true(add(&backlog, PACKET_VIDEO, true, BACKLOG_BYTES_MAX, 0));
    assert_true(add(&backlog, PACKET_VIDEO, true, 10, 1));
    assert_int_equal(backlog.count, 1);
    assert_false(add(&backlog, PACKET_VIDEO, true, BACKLOG_BYTES_MAX + 1, 2));
    for (int i = 0; i < 3 * BACKLOG_MAX; i++)
        assert_true(add(&backlog, PACKET_VIDEO, true, 10, 3 + i));
    assert_in_range(backlog.count, 1, BACKLOG_MAX);
    backlog_clear(&backlog);
    assert_int_equal(backlog.count, 0);
}

static bool reach_nothing(void *user, const struct sockaddr *address) {
    assert_int_equal(address->sa_family, AF_INET);
    return false;
}

// The listener would take it: what a name leads to is asked first.
static void test_broadcast_goes_to_no_address_that_it_may_not_reach(void **state) {
    static const struct broadcast_ops ops = {
        .on_state = on_state, .on_keyframe_wanted = on_keyframe_wanted, .may_reach = reach_nothing};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof(here);
    assert_int_equal(bind(listener, (struct sockaddr *)&here, sizeof(here)), 0);
    assert_int_equal(listen(listener, 4), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&here, &bytes), 0);
    char url[64];
    snprintf(url, sizeof(url), "rtmp://127.0.0.1:%d/app/key", ntohs(here.sin_port));
    struct rig rig = {0};
    struct broadcast_config config = config_of(BROADCAST_RTMP, url);
    live_source_open(&rig.source, WIDTH, HEIGHT);
    assert_int_equal(broadcast_create(&config, &ops, &rig, &rig.broadcast), 0);
    for (int64_t end = seconds_now() + PATIENCE_S;
         !atomic_load(&rig.times[BROADCAST_WAITING]) && seconds_now() < end;)
        pause_briefly();
    assert_int_equal(atomic_load(&rig.last_error), -EACCES);
    assert_true(accept(listener, NULL, NULL) < 0 && errno == EAGAIN);
    close(listener);
    rig_close(&rig);
}

static void test_broadcast_finds_the_host_of_a_url(void **state) {
    static const char *const hosts[][2] = {
        {"rtmp://live.example.org/app/key", "live.example.org"},
        {"rtmps://live.example.org:443/app/key", "live.example.org"},
        {"rtmp://user:pass@10.0.0.1:1935/app", "10.0.0.1"},
        {"rtmp://[2001:db8::1]:1935/app/key", "2001:db8::1"},
    };
    char host[64];
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        assert_true(broadcast_find_host(hosts[i][0], host, sizeof(host)));
        assert_string_equal(host, hosts[i][1]);
    }
    assert_false(broadcast_find_host("http://live.example.org/", host, sizeof(host)));
    assert_false(broadcast_find_host(hosts[0][0], host, 4));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_broadcast_arrives_at_an_rtmp_server),
        cmocka_unit_test(test_broadcast_that_is_lost_connects_again),
        cmocka_unit_test(test_broadcast_that_nobody_answers_waits_longer_each_time),
        cmocka_unit_test(test_broadcast_ends_while_a_server_says_nothing),
        cmocka_unit_test(test_broadcast_to_a_server_that_takes_no_more_drops_and_ends),
        cmocka_unit_test(test_broadcast_gives_a_server_up_that_takes_nothing_and_finds_it_again),
        cmocka_unit_test(test_broadcast_gives_a_server_up_that_never_answers),
        cmocka_unit_test(test_broadcast_tells_an_impostor_nothing),
        cmocka_unit_test(test_broadcast_trusts_whom_the_operator_trusts),
        cmocka_unit_test(test_broadcast_waits_for_a_ca_file_that_cannot_be_read),
        cmocka_unit_test(test_broadcast_hls_keeps_a_few_segments_that_play),
        cmocka_unit_test(test_broadcast_hls_removes_what_an_earlier_stream_left),
        cmocka_unit_test(test_broadcast_hls_waits_for_a_directory_that_cannot_be),
        cmocka_unit_test(test_broadcast_ends_before_anything_came),
        cmocka_unit_test(test_broadcast_refuses_other_targets),
        cmocka_unit_test(test_broadcast_refuses_pictures_that_cannot_be),
        cmocka_unit_test(test_broadcast_shows_no_secret_of_a_url),
        cmocka_unit_test(test_broadcast_states_have_names),
        cmocka_unit_test(test_backlog_begins_with_a_keyframe),
        cmocka_unit_test(test_backlog_too_long_goes_on_from_the_next_keyframe),
        cmocka_unit_test(test_backlog_is_bounded_in_bytes_and_packets),
        cmocka_unit_test(test_broadcast_goes_to_no_address_that_it_may_not_reach),
        cmocka_unit_test(test_broadcast_finds_the_host_of_a_url),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

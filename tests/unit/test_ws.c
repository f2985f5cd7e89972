// SPDX-License-Identifier: MIT
// WebSockets: the handshake and the sockets through a real daemon, time through ws.h alone.
#include "http_fixture.h"

#include "http/clock.h"
#include "http/ws.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <sys/wait.h>

// ---- a client, frame by frame ----

struct frame {
    int opcode; // -1: the connection ended
    bool is_final;
    size_t size_bytes;
    char data[70000]; // with a NUL
    int code;         // of a close frame
};

// more: replaces the usual headers when it is given.
static int shake_hands(const struct hub *hub, const char *headers, char *answer, size_t bytes) {
    char text[1024];
    int fd = client_connect(hub);
    snprintf(text, sizeof(text), "GET /ws HTTP/1.1\r\nHost: test:80\r\n%s\r\n", headers);
    client_say(fd, text);
    size_t got = 0;
    // Byte by byte: what follows the head is frames.
    while (got + 1 < bytes && client_receive(fd, answer + got, 1) == 1) {
        answer[++got] = '\0';
        if (got >= 4 && strcmp(answer + got - 4, "\r\n\r\n") == 0)
            break;
    }
    answer[got] = '\0';
    return fd;
}

#define UPGRADE "Connection: Upgrade\r\nUpgrade: websocket\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define KEY     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

static int open_socket(const struct hub *hub) {
    char answer[2048];
    int fd = shake_hands(hub, UPGRADE VERSION KEY, answer, sizeof(answer));
    assert_non_null(strstr(answer, "HTTP/1.1 101 "));
    return fd;
}

static size_t put_head(unsigned char head[14], int first, size_t size_bytes, bool is_masked) {
    size_t used = 2;
    head[0] = (unsigned char)first;
    head[1] = is_masked ? 0x80 : 0;
    if (size_bytes < 126) {
        head[1] |= (unsigned char)size_bytes;
    } else {
        bool is_long = size_bytes > 65535;
        head[1] |= is_long ? 127 : 126;
        for (int shift = is_long ? 56 : 8; shift >= 0; shift -= 8)
            head[used++] = (unsigned char)(size_bytes >> shift);
    }
    if (is_masked)
        for (int i = 0; i < 4; i++)
            head[used++] = 0; // a mask of zeros leaves the text as it is
    return used;
}

static void put_frame(int fd, int first, const void *data, size_t size_bytes) {
    unsigned char head[14];
    client_send(fd, head, put_head(head, first, size_bytes, true));
    client_send(fd, data, size_bytes);
}

static void say(int fd, const char *text) {
    put_frame(fd, 0x81, text, strlen(text));
}

static bool get_bytes(int fd, void *data, size_t size_bytes) {
    for (size_t got = 0, more; got < size_bytes; got += more)
        if ((more = client_receive(fd, (char *)data + got, size_bytes - got)) == 0)
            return false;
    return true;
}

static void hear(int fd, struct frame *frame) {
    unsigned char head[10];
    frame->opcode = -1;
    frame->size_bytes = 0;
    frame->data[0] = '\0';
    if (!get_bytes(fd, head, 2))
        return;
    assert_int_equal(head[1] & 0x80, 0); // a server does not mask
    size_t bytes = head[1] & 0x7f;
    int extended = bytes == 126 ? 2 : bytes == 127 ? 8 : 0;
    if (extended) {
        bytes = 0;
        if (!get_bytes(fd, head + 2, (size_t)extended))
            return;
        for (int i = 0; i < extended; i++)
            bytes = bytes << 8 | head[2 + i];
    }
    assert_true(bytes < sizeof(frame->data));
    if (bytes > 0 && !get_bytes(fd, frame->data, bytes))
        return;
    frame->data[bytes] = '\0';
    frame->size_bytes = bytes;
    frame->opcode = head[0] & 0x0f;
    frame->is_final = head[0] & 0x80;
    frame->code =
        bytes >= 2 ? (unsigned char)frame->data[0] << 8 | (unsigned char)frame->data[1] : 0;
}

static void expect_text(int fd, const char *text) {
    struct frame frame;
    hear(fd, &frame);
    assert_int_equal(frame.opcode, 1);
    assert_string_equal(frame.data, text);
}

// Reads on to the close frame, answers it, and sees the connection end. What texts come before it
// is of no matter.
static void expect_close(int fd, int code, const char *reason) {
    struct frame frame;
    do
        hear(fd, &frame);
    while (frame.opcode != 8 && frame.opcode != -1);
    assert_int_equal(frame.opcode, 8);
    assert_int_equal(frame.code, code);
    assert_string_equal(frame.data + 2, reason);
    put_frame(fd, 0x88, frame.data, 2);
    hear(fd, &frame);
    assert_int_equal(frame.opcode, -1);
    close(fd);
}

static void say_goodbye(int fd) {
    struct frame frame;
    put_frame(fd, 0x88, "\x03\xe8", 2);
    do
        hear(fd, &frame);
    while (frame.opcode > 0 && frame.opcode != 8);
    assert_int_equal(frame.opcode, 8);
    assert_int_equal(frame.code, 1000);
    hear(fd, &frame);
    assert_int_equal(frame.opcode, -1);
    close(fd);
}

// ---- the handshake ----

static void test_handshake_is_answered(void **state) {
    char answer[2048];
    struct hub *hub = fixture_start();
    int fd =
        shake_hands(hub, "Connection: keep-alive, upgrade\r\nUpgrade: WebSocket\r\n" VERSION KEY,
                    answer, sizeof(answer));
    assert_non_null(strstr(answer, "HTTP/1.1 101 "));
    // RFC 6455 1.3 has this key and its answer.
    assert_non_null(strstr(answer, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    assert_non_null(strstr(answer, "Upgrade: websocket\r\n"));
    say(fd, "hello");
    expect_text(fd, "hello");
    say_goodbye(fd);
    fixture_stop(hub);
}

static void expect_refused(const struct hub *hub, const char *headers, int status) {
    char answer[2048], wanted[32];
    int fd = shake_hands(hub, headers, answer, sizeof(answer));
    snprintf(wanted, sizeof(wanted), "HTTP/1.1 %d ", status);
    if (strncmp(answer, wanted, strlen(wanted)) != 0)
        fail_msg("instead of %d: %s", status, answer);
    if (status == 426)
        assert_non_null(strstr(answer, "Sec-WebSocket-Version: 13\r\n"));
    close(fd);
}

static void test_bad_handshakes_are_refused(void **state) {
    struct hub *hub = fixture_prepare();
    fixture_set(&hub->config.cors_origins, "https://friend.test");
    fixture_serve(hub);
    expect_refused(hub, "", 426);
    expect_refused(hub, VERSION KEY, 426);
    expect_refused(hub, "Connection: Upgrade\r\n" VERSION KEY, 426);
    expect_refused(hub, "Upgrade: websocket\r\n" VERSION KEY, 426);
    expect_refused(hub, "Connection: Upgrade\r\nUpgrade: h2c\r\n" VERSION KEY, 426);
    expect_refused(hub, UPGRADE KEY, 426);
    expect_refused(hub, UPGRADE "Sec-WebSocket-Version: 8\r\n" KEY, 426);
    expect_refused(hub, UPGRADE VERSION, 400);
    expect_refused(hub, UPGRADE VERSION "Sec-WebSocket-Key: short\r\n", 400);
    expect_refused(hub, UPGRADE VERSION "Sec-WebSocket-Key: ????????????????????????\r\n", 400);
    expect_refused(hub, UPGRADE VERSION KEY "Origin: https://evil.test\r\n", 403);
    expect_refused(hub, UPGRADE VERSION KEY "Origin: null\r\n", 403);
    expect_refused(hub, UPGRADE VERSION KEY "Origin: http://test:81\r\n", 403);
    expect_refused(hub, UPGRADE VERSION KEY "Origin: http://test\r\n", 101);
    expect_refused(hub, UPGRADE VERSION KEY "Origin: https://friend.test\r\n", 101);
    await(&hub->opened, 2);
    fixture_stop(hub);
}

static void test_sockets_of_an_address_are_limited(void **state) {
    struct hub *hub = fixture_prepare();
    hub->config.connections_per_address = 3;
    fixture_serve(hub);
    int fds[3];
    for (int i = 0; i < 3; i++)
        fds[i] = open_socket(hub);
    expect_refused(hub, UPGRADE VERSION KEY, 429);
    say_goodbye(fds[0]);
    await(&hub->closed, 1);
    int fd = -1;
    for (int waited_ms = 0; fd < 0 && waited_ms < PATIENCE_MS; waited_ms++) {
        char answer[2048]; // the seat is free a moment after the session has ended
        fd = shake_hands(hub, UPGRADE VERSION KEY, answer, sizeof(answer));
        if (!strstr(answer, "HTTP/1.1 101 ")) {
            close(fd);
            fd = -1;
        }
    }
    assert_true(fd >= 0);
    say_goodbye(fd);
    say_goodbye(fds[1]);
    say_goodbye(fds[2]);
    fixture_stop(hub);
}

// ---- messages ----

static void test_what_comes_with_the_handshake_is_heard(void **state) {
    unsigned char text[512];
    struct hub *hub = fixture_start();
    int fd = client_connect(hub);
    int bytes = snprintf((char *)text, sizeof(text),
                         "GET /ws HTTP/1.1\r\nHost: test\r\n" UPGRADE VERSION KEY "\r\n");
    size_t used = (size_t)bytes + put_head(text + bytes, 0x81, 5, true);
    memcpy(text + used, "early", 5);
    client_send(fd, text, used + 5);
    char answer[2048];
    size_t got = 0;
    while (client_receive(fd, answer + got, 1) == 1) {
        answer[++got] = '\0';
        if (got >= 4 && strcmp(answer + got - 4, "\r\n\r\n") == 0)
            break;
    }
    expect_text(fd, "early");
    say_goodbye(fd);
    fixture_stop(hub);
}

static void test_messages_of_every_size_come_back(void **state) {
    static const size_t sizes[] = {0, 1, 125, 126, 4096, 65535, 65536, 69000};
    static char text[70000];
    struct frame frame;
    struct hub *hub = fixture_start();
    int fd = open_socket(hub);
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        memset(text, 'a' + (int)i, sizeof(text));
        put_frame(fd, 0x81, text, sizes[i]);
        hear(fd, &frame);
        assert_int_equal(frame.opcode, 1);
        assert_int_equal(frame.size_bytes, sizes[i]);
        assert_memory_equal(frame.data, text, sizes[i]);
    }
    say_goodbye(fd);
    fixture_stop(hub);
}

static void test_messages_may_come_in_fragments(void **state) {
    struct frame frame;
    struct hub *hub = fixture_start();
    int fd = open_socket(hub);
    put_frame(fd, 0x01, "one ", 4);
    put_frame(fd, 0x00, "two ", 4);
    put_frame(fd, 0x89, "still there?", 12);
    hear(fd, &frame);
    assert_int_equal(frame.opcode, 10);
    assert_string_equal(frame.data, "still there?");
    put_frame(fd, 0x80, "three", 5);
    expect_text(fd, "one two three");
    say_goodbye(fd);
    assert_int_equal(atomic_load(&hub->received), 1);
    fixture_stop(hub);
}

static void test_what_may_not_be_sent_closes_the_socket(void **state) {
    static char large[70000];
    struct hub *hub = fixture_prepare();
    hub->config.message_bytes_max = 65536;
    fixture_serve(hub);
    memset(large, 'x', sizeof(large));
    int fd = open_socket(hub);
    put_frame(fd, 0x82, "\x01\x02", 2);
    expect_close(fd, 1003, "text messages only");
    fd = open_socket(hub);
    put_frame(fd, 0x81, large, 65537);
    expect_close(fd, 1009, "");
    fd = open_socket(hub);
    put_frame(fd, 0x01, large, 65536);
    put_frame(fd, 0x80, large, 1);
    expect_close(fd, 1009, "");
    fd = open_socket(hub);
    put_frame(fd, 0x81, "\xff\xfe", 2);
    expect_close(fd, 1007, "");
    fd = open_socket(hub);
    put_frame(fd, 0x80, "a continuation of nothing", 25);
    expect_close(fd, 1002, "");
    fd = open_socket(hub);
    put_frame(fd, 0xc1, "a reserved bit", 14);
    expect_close(fd, 1002, "");
    fd = open_socket(hub);
    client_send(fd, "\x81\x04text", 6); // not masked
    expect_close(fd, 1002, "");
    fd = open_socket(hub);
    put_frame(fd, 0x01, "x", 1);
    for (int i = 0; i < 1100; i++)
        put_frame(fd, 0x00, "x", 1);
    expect_close(fd, 1008, "too many fragments");
    assert_int_equal(atomic_load(&hub->received), 0);
    fixture_stop(hub);
}

static void test_the_last_word_goes_out_before_the_close(void **state) {
    struct hub *hub = fixture_start();
    int fd = open_socket(hub);
    say(fd, "bye");
    expect_text(fd, "so long");
    expect_close(fd, 4001, "as asked");
    fixture_stop(hub);
}

static void test_who_closes_is_told_apart_from_who_vanishes(void **state) {
    struct hub *hub = fixture_start();
    say_goodbye(open_socket(hub));
    await(&hub->closed, 1);
    assert_int_equal(atomic_load(&hub->cleanly_closed), 1);
    int fd = open_socket(hub);
    say(fd, "hello");
    expect_text(fd, "hello");
    close(fd);
    await(&hub->closed, 2);
    fd = open_socket(hub);
    struct linger none = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
    close(fd);
    await(&hub->closed, 3);
    assert_int_equal(atomic_load(&hub->cleanly_closed), 1);
    fixture_stop(hub);
}

// ---- limits ----

static void test_a_client_that_talks_too_much_is_told_then_cut(void **state) {
    struct frame frame;
    struct hub *hub = fixture_prepare();
    hub->config.messages_per_s = 5;
    fixture_serve(hub);
    int fd = open_socket(hub);
    for (int i = 0; i < 200; i++)
        say(fd, "hi");
    int echoes = 0, errors = 0;
    for (hear(fd, &frame); frame.opcode == 1; hear(fd, &frame)) {
        echoes += strcmp(frame.data, "hi") == 0;
        errors += strstr(frame.data, "\"rate-limited\"") != NULL;
    }
    assert_int_equal(frame.opcode, 8);
    assert_int_equal(frame.code, 1008);
    assert_true(atomic_load(&hub->received) >= 15); // the burst
    assert_true(atomic_load(&hub->received) < 100);
    assert_true(echoes <= atomic_load(&hub->received));
    assert_true(errors >= 1);
    close(fd);
    fixture_stop(hub);
}

static void test_pings_count_too(void **state) {
    struct hub *hub = fixture_prepare();
    hub->config.messages_per_s = 5;
    fixture_serve(hub);
    int fd = open_socket(hub);
    for (int i = 0; i < 1000; i++)
        put_frame(fd, 0x89, "", 0);
    expect_close(fd, 1008, "too many messages");
    fixture_stop(hub);
}

static void test_a_client_that_reads_too_slowly_is_cut(void **state) {
    struct hub *hub = fixture_start();
    int fd = open_socket(hub), other = open_socket(hub), small = 4096;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    // More than the queue and every buffer of the kernel hold.
    say(fd, "flood 8000");
    say(other, "hello");
    expect_text(other, "hello"); // nobody else waits
    await(&hub->closed, 1);      // cut although it reads nothing
    assert_int_equal(atomic_load(&hub->cleanly_closed), 0);
    close(fd);
    say(other, "hello again");
    expect_text(other, "hello again");
    say_goodbye(other);
    fixture_stop(hub);
}

static void test_a_client_that_says_nothing_is_cut(void **state) {
    struct frame frame;
    struct hub *hub = fixture_prepare();
    hub->config.hello_timeout_s = 1;
    fixture_serve(hub);
    int silent = open_socket(hub), talker = open_socket(hub);
    say(talker, "hello");
    expect_text(talker, "hello");
    put_frame(silent, 0x89, "", 0); // a ping says nothing
    hear(silent, &frame);
    assert_int_equal(frame.opcode, 10);
    expect_close(silent, 1008, "said nothing");
    say(talker, "still here");
    expect_text(talker, "still here");
    say_goodbye(talker);
    fixture_stop(hub);
}

// ---- time, without HTTP: a socket pair for a connection ----

static atomic_int hung_up;

static void on_hang_up(void *user) {
    close(GPOINTER_TO_INT(user));
    atomic_fetch_add(&hung_up, 1);
}

// The client's end.
static int adopt(struct ws *ws) {
    int fds[2];
    struct refusal refusal;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_int_equal(ws_take_seat(ws, "192.0.2.1", &refusal), 0);
    struct ws_handover handover = {.fd = fds[0],
                                   .network_fd = -1,
                                   .address = "192.0.2.1",
                                   .hang_up = on_hang_up,
                                   .user = GINT_TO_POINTER(fds[0])};
    ws_adopt(ws, &handover);
    return fds[1];
}

static struct ws_options quick_options(void) {
    return (struct ws_options){.ping_ms = 40,
                               .dead_ms = 200,
                               .hello_ms = 60000,
                               .messages_per_s = 1000,
                               .message_bytes_max = 1000,
                               .sockets_max = 10,
                               .sockets_per_address_max = 10};
}

static void finish(struct hub *hub, struct ws *ws) {
    ws_stop(ws);
    ws_destroy(ws);
    fixture_stop(hub);
}

static void test_who_answers_pings_stays_and_who_does_not_is_dropped(void **state) {
    struct frame frame;
    struct hub *hub = fixture_prepare();
    struct ws_options options = quick_options();
    struct ws *ws = ws_create(hub, &options);
    atomic_store(&hung_up, 0);
    int dead = adopt(ws), alive = adopt(ws);
    // More pings than fit into the time after which silence is death, for the one who answers.
    for (int pongs = 0; pongs < 12; pongs++) {
        hear(alive, &frame);
        assert_int_equal(frame.opcode, 9);
        put_frame(alive, 0x8a, frame.data, frame.size_bytes);
    }
    await(&hung_up, 1);
    assert_int_equal(atomic_load(&hub->closed), 1);
    do // the pings it did not answer, then the end, without a farewell
        hear(dead, &frame);
    while (frame.opcode == 9);
    assert_int_equal(frame.opcode, -1);
    say_goodbye(alive);
    close(dead);
    finish(hub, ws);
}

static void nothing(void *user) {}

static void test_stopping_delivers_what_is_queued_and_says_so(void **state) {
    struct frame frame;
    struct hub *hub = fixture_prepare();
    struct ws_options options = quick_options();
    options.ping_ms = options.dead_ms = 60000;
    struct ws *ws = ws_create(hub, &options);
    int fd = adopt(ws), stuck = adopt(ws);
    say(fd, "flood 20");
    say(stuck, "flood 900");
    await(&hub->received, 2);
    assert_true(loop_call(hub->loop, nothing, NULL)); // behind both floods
    hear(fd, &frame);
    ws_stop(ws);
    assert_int_equal(atomic_load(&hub->closed), 2);
    int texts = 1;
    for (hear(fd, &frame); frame.opcode == 1; hear(fd, &frame))
        texts++;
    assert_int_equal(texts, 20);
    assert_int_equal(frame.opcode, 8);
    assert_int_equal(frame.code, 1001);
    close(fd);
    close(stuck);
    finish(hub, ws);
}

static void test_no_seat_is_given_or_lost_in_vain(void **state) {
    struct refusal refusal;
    struct hub *hub = fixture_prepare();
    struct ws_options options = quick_options();
    options.sockets_max = 5;
    options.sockets_per_address_max = 2;
    struct ws *ws = ws_create(hub, &options);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(ws_take_seat(ws, "192.0.2.1", &refusal), 0);
        assert_int_equal(ws_take_seat(ws, "192.0.2.1", &refusal), 0);
        assert_int_equal(ws_take_seat(ws, "192.0.2.1", &refusal), -1);
        assert_int_equal(refusal.status, 429);
        assert_int_equal(ws_take_seat(ws, "2001:db8::1", &refusal), 0);
        assert_int_equal(ws_take_seat(ws, "2001:db8::2", &refusal), 0);
        assert_int_equal(ws_take_seat(ws, "2001:db8::ffff:3", &refusal), -1); // the same network
        assert_int_equal(ws_take_seat(ws, "2001:db8:0:1::1", &refusal), 0);
        assert_int_equal(ws_take_seat(ws, "192.0.2.2", &refusal), -1);
        assert_int_equal(refusal.status, 503);
        ws_release_seat(ws, "192.0.2.1");
        ws_release_seat(ws, "192.0.2.1");
        ws_release_seat(ws, "2001:db8::1");
        ws_release_seat(ws, "2001:db8::2");
        ws_release_seat(ws, "2001:db8:0:1::1");
    }
    ws_stop(ws);
    assert_int_equal(ws_take_seat(ws, "192.0.2.1", &refusal), -1);
    atomic_store(&hung_up, 0);
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    struct ws_handover late = {.fd = fds[0],
                               .network_fd = -1,
                               .address = "192.0.2.1",
                               .hang_up = on_hang_up,
                               .user = GINT_TO_POINTER(fds[0])};
    ws_adopt(ws, &late);
    assert_int_equal(atomic_load(&hung_up), 1);
    close(fds[1]);
    finish(hub, ws);
}

// ---- the end ----

static void test_the_server_says_goodbye_to_all(void **state) {
    struct hub *hub = fixture_start();
    int fd = open_socket(hub);
    say(fd, "hello");
    expect_text(fd, "hello");
    int64_t started_ms = clock_now_ms();
    server_destroy(hub->server);
    hub->server = NULL;
    assert_true(clock_now_ms() - started_ms < 5000);
    struct frame frame;
    hear(fd, &frame);
    assert_int_equal(frame.opcode, 8);
    assert_int_equal(frame.code, 1001);
    close(fd);
    fixture_stop(hub);
}

static void test_a_hundred_sockets_leave_nothing_behind(void **state) {
    int fds[100];
    struct hub *hub = fixture_start();
    say_goodbye(open_socket(hub)); // whatever is opened once is open now
    int before = count_fds();
    for (int i = 0; i < 100; i++) {
        fds[i] = open_socket(hub);
        say(fds[i], i % 3 == 0 ? "flood 10" : "hello");
    }
    for (int i = 0; i < 100; i++) {
        if (i % 3 == 2)
            say_goodbye(fds[i]);
        else
            close(fds[i]);
    }
    await(&hub->closed, 101);
    for (int waited_ms = 0; count_fds() > before && waited_ms < PATIENCE_MS; waited_ms++)
        usleep(1000);
    assert_int_equal(count_fds(), before);
    fixture_stop(hub);
}

// ---- TLS: openssl s_client is the tunnel of the client ----

struct tunnel {
    pid_t process;
    int fd; // what the client says and hears, in plain
};

static void run_openssl(const char *const *arguments, int fd) {
    if (fd >= 0) {
        dup2(fd, STDIN_FILENO);
        dup2(fd, STDOUT_FILENO);
    }
    int nothing = open("/dev/null", O_WRONLY);
    dup2(nothing, STDERR_FILENO);
    execvp("openssl", (char *const *)arguments);
    _exit(127);
}

static void make_certificate(const char *certificate, const char *key) {
    const char *const arguments[] = {"openssl",
                                     "req",
                                     "-x509",
                                     "-newkey",
                                     "ec",
                                     "-pkeyopt",
                                     "ec_paramgen_curve:prime256v1",
                                     "-nodes",
                                     "-subj",
                                     "/CN=test",
                                     "-out",
                                     certificate,
                                     "-keyout",
                                     key,
                                     NULL};
    int status;
    pid_t process = fork();
    if (process == 0)
        run_openssl(arguments, -1);
    assert_int_equal(waitpid(process, &status, 0), process);
    assert_int_equal(status, 0); // is the package openssl there?
}

static struct tunnel open_tunnel(const struct hub *hub) {
    char target[32];
    int fds[2];
    snprintf(target, sizeof(target), "127.0.0.1:%d", server_port(hub->server));
    const char *const arguments[] = {"openssl", "s_client", "-quiet", "-connect", target, NULL};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    struct tunnel tunnel = {.process = fork(), .fd = fds[0]};
    if (tunnel.process == 0)
        run_openssl(arguments, fds[1]);
    close(fds[1]);
    return tunnel;
}

static void close_tunnel(struct tunnel *tunnel, int number) {
    kill(tunnel->process, number);
    waitpid(tunnel->process, NULL, 0);
    close(tunnel->fd);
}

static void shake_hands_in(struct tunnel *tunnel) {
    char answer[2048];
    size_t got = 0;
    client_say(tunnel->fd, "GET /ws HTTP/1.1\r\nHost: test\r\n" UPGRADE VERSION KEY "\r\n");
    while (client_receive(tunnel->fd, answer + got, 1) == 1) {
        answer[++got] = '\0';
        if (got >= 4 && strcmp(answer + got - 4, "\r\n\r\n") == 0)
            break;
    }
    assert_non_null(strstr(answer, "HTTP/1.1 101 "));
    assert_non_null(strstr(answer, "Strict-Transport-Security: "));
}

static void test_sockets_work_through_tls(void **state) {
    char directory[] = "/tmp/tessera-tls-XXXXXX", certificate[64], key[64];
    struct frame frame;
    assert_non_null(mkdtemp(directory));
    snprintf(certificate, sizeof(certificate), "%s/cert.pem", directory);
    snprintf(key, sizeof(key), "%s/key.pem", directory);
    make_certificate(certificate, key);
    struct hub *hub = fixture_prepare();
    fixture_set(&hub->config.tls_cert_file, certificate);
    fixture_set(&hub->config.tls_key_file, key);
    fixture_serve(hub);

    struct tunnel tunnel = open_tunnel(hub);
    shake_hands_in(&tunnel);
    say(tunnel.fd, "hello");
    expect_text(tunnel.fd, "hello");
    say(tunnel.fd, "flood 50");
    for (int i = 0; i < 50; i++) {
        hear(tunnel.fd, &frame);
        assert_int_equal(frame.size_bytes, 1000);
    }
    say(tunnel.fd, "bye");
    expect_text(tunnel.fd, "so long");
    hear(tunnel.fd, &frame);
    assert_int_equal(frame.opcode, 8);
    assert_int_equal(frame.code, 4001);
    put_frame(tunnel.fd, 0x88, frame.data, 2);
    hear(tunnel.fd, &frame); // the server ends the connection, and with it openssl
    assert_int_equal(frame.opcode, -1);
    close_tunnel(&tunnel, SIGTERM);

    // libmicrohttpd does not pass the end of the network on to its tunnel: ws looks for itself.
    tunnel = open_tunnel(hub);
    shake_hands_in(&tunnel);
    say(tunnel.fd, "hello");
    expect_text(tunnel.fd, "hello");
    close_tunnel(&tunnel, SIGKILL);
    await(&hub->closed, 2);
    fixture_stop(hub);
    g_remove(certificate);
    g_remove(key);
    g_remove(directory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handshake_is_answered),
        cmocka_unit_test(test_bad_handshakes_are_refused),
        cmocka_unit_test(test_sockets_of_an_address_are_limited),
        cmocka_unit_test(test_what_comes_with_the_handshake_is_heard),
        cmocka_unit_test(test_messages_of_every_size_come_back),
        cmocka_unit_test(test_messages_may_come_in_fragments),
        cmocka_unit_test(test_what_may_not_be_sent_closes_the_socket),
        cmocka_unit_test(test_the_last_word_goes_out_before_the_close),
        cmocka_unit_test(test_who_closes_is_told_apart_from_who_vanishes),
        cmocka_unit_test(test_a_client_that_talks_too_much_is_told_then_cut),
        cmocka_unit_test(test_pings_count_too),
        cmocka_unit_test(test_a_client_that_reads_too_slowly_is_cut),
        cmocka_unit_test(test_a_client_that_says_nothing_is_cut),
        cmocka_unit_test(test_who_answers_pings_stays_and_who_does_not_is_dropped),
        cmocka_unit_test(test_stopping_delivers_what_is_queued_and_says_so),
        cmocka_unit_test(test_no_seat_is_given_or_lost_in_vain),
        cmocka_unit_test(test_the_server_says_goodbye_to_all),
        cmocka_unit_test(test_a_hundred_sockets_leave_nothing_behind),
        cmocka_unit_test(test_sockets_work_through_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
// Webhooks against a receiver that is a real, if small, HTTP server.
#include "mcu/webhooks.h"

#include "mcu/log.h"
#include "mcu/webhooks_internal.h"
#include "mcu/webhooks_target.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_MS = 20000, HEARD_MAX = 512, MANY = 40 };

// ---- the receiver ----

struct heard {
    char head[2048], body[2048];
    int status; // that was answered
};

struct receiver {
    int fd, port;
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct heard heard[HEARD_MAX];
    int count;
    int status;     // what is answered from now on
    bool is_silent; // takes requests and says nothing
    int wake[2];
};

static void read_request(int fd, struct heard *heard) {
    char text[8192];
    size_t bytes = 0;
    char *end = NULL;
    size_t wanted = sizeof(text) - 1;
    while (bytes < wanted) {
        ssize_t got = recv(fd, text + bytes, wanted - bytes, 0);
        if (got <= 0)
            break;
        bytes += (size_t)got;
        text[bytes] = '\0';
        if (!end && (end = strstr(text, "\r\n\r\n"))) {
            const char *length = strcasestr(text, "\nContent-Length:");
            wanted = (size_t)(end + 4 - text) + (length ? strtoul(length + 16, NULL, 10) : 0);
        }
    }
    text[bytes] = '\0';
    if (!end)
        return;
    g_strlcpy(heard->body, end + 4, sizeof(heard->body));
    end[2] = '\0';
    g_strlcpy(heard->head, text, sizeof(heard->head));
}

static void answer_one(struct receiver *receiver, int fd) {
    struct heard heard = {0};
    char answer[256];
    read_request(fd, &heard);
    pthread_mutex_lock(&receiver->lock);
    heard.status = receiver->status;
    bool is_silent = receiver->is_silent;
    if (heard.head[0] && receiver->count < HEARD_MAX)
        receiver->heard[receiver->count++] = heard;
    pthread_cond_broadcast(&receiver->changed);
    pthread_mutex_unlock(&receiver->lock);
    if (is_silent) {
        struct pollfd gone[2] = {{.fd = fd, .events = POLLRDHUP},
                                 {.fd = receiver->wake[0], .events = POLLIN}};
        poll(gone, 2, PATIENCE_MS);
        return;
    }
    snprintf(answer, sizeof(answer),
             "HTTP/1.1 %d Whatever\r\nLocation: http://127.0.0.1:%d/elsewhere\r\n"
             "Content-Length: 0\r\nConnection: close\r\n\r\n",
             heard.status, receiver->port);
    send(fd, answer, strlen(answer), MSG_NOSIGNAL);
}

static void *receive(void *user) {
    struct receiver *receiver = user;
    struct pollfd waiting[2] = {{.fd = receiver->fd, .events = POLLIN},
                                {.fd = receiver->wake[0], .events = POLLIN}};
    while (poll(waiting, 2, -1) > 0 && !waiting[1].revents) {
        int fd = accept(receiver->fd, NULL, NULL);
        if (fd < 0)
            continue;
        answer_one(receiver, fd);
        close(fd);
    }
    return NULL;
}

// Has a port, and refuses connections until receiver_go_up().
static struct receiver *receiver_create(void) {
    struct receiver *receiver = calloc(1, sizeof(*receiver));
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof(address);
    pthread_mutex_init(&receiver->lock, NULL);
    pthread_cond_init(&receiver->changed, NULL);
    receiver->status = 200;
    receiver->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(receiver->fd, (struct sockaddr *)&address, sizeof(address)), 0);
    getsockname(receiver->fd, (struct sockaddr *)&address, &bytes);
    receiver->port = ntohs(address.sin_port);
    assert_int_equal(pipe(receiver->wake), 0);
    return receiver;
}

static void receiver_go_up(struct receiver *receiver) {
    assert_int_equal(listen(receiver->fd, 16), 0);
    assert_int_equal(pthread_create(&receiver->thread, NULL, receive, receiver), 0);
    receiver->has_thread = true;
}

static void receiver_destroy(struct receiver *receiver) {
    assert_int_equal(write(receiver->wake[1], "x", 1), 1);
    if (receiver->has_thread)
        pthread_join(receiver->thread, NULL);
    close(receiver->fd);
    close(receiver->wake[0]);
    close(receiver->wake[1]);
    pthread_cond_destroy(&receiver->changed);
    pthread_mutex_destroy(&receiver->lock);
    free(receiver);
}

static void receiver_set_status(struct receiver *receiver, int status) {
    pthread_mutex_lock(&receiver->lock);
    receiver->status = status;
    pthread_mutex_unlock(&receiver->lock);
}

static void receiver_await(struct receiver *receiver, int count) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_MS / 1000;
    pthread_mutex_lock(&receiver->lock);
    while (receiver->count < count)
        if (pthread_cond_timedwait(&receiver->changed, &receiver->lock, &until) == ETIMEDOUT)
            break;
    int heard = receiver->count;
    pthread_mutex_unlock(&receiver->lock);
    if (heard < count)
        fail_msg("%d deliveries came, not %d", heard, count);
}

static int receiver_count(struct receiver *receiver) {
    pthread_mutex_lock(&receiver->lock);
    int count = receiver->count;
    pthread_mutex_unlock(&receiver->lock);
    return count;
}

static char *header_of(const struct heard *heard, const char *name) {
    char line[64];
    snprintf(line, sizeof(line), "\r\n%s: ", name);
    const char *at = strstr(heard->head, line);
    if (!at)
        fail_msg("no %s in %s", name, heard->head);
    at += strlen(line);
    return g_strndup(at, strcspn(at, "\r\n"));
}

static int number_of(const struct heard *heard) {
    json_t *json = json_loads(heard->body, 0, NULL);
    int number = (int)json_integer_value(json_object_get(json_object_get(json, "data"), "number"));
    json_decref(json);
    return number;
}

// ---- the hooks ----

struct scene {
    struct config config;
    char dir[64];
    struct store *store;
    struct events *events;
    struct webhooks *webhooks;
    struct receiver *receiver;
};

static void start_hooks(struct scene *scene) {
    scene->webhooks = webhooks_create(&scene->config, scene->store, scene->events);
    assert_non_null(scene->webhooks);
    webhooks_set_pauses(scene->webhooks, 5, 40);
}

static struct scene *scene_create(void) {
    struct scene *scene = calloc(1, sizeof(*scene));
    signal(SIGPIPE, SIG_IGN);
    log_set_level(LOG_ERROR);
    config_init_defaults(&scene->config);
    scene->config.webhooks_private_targets = true;
    strcpy(scene->dir, "/tmp/tessera-webhooks-XXXXXX");
    assert_non_null(mkdtemp(scene->dir));
    assert_int_equal(store_open(scene->dir, &scene->store), 0);
    scene->events = events_create(1000);
    scene->receiver = receiver_create();
    start_hooks(scene);
    return scene;
}

static void scene_destroy(struct scene *scene) {
    char command[128];
    webhooks_destroy(scene->webhooks);
    receiver_destroy(scene->receiver);
    events_destroy(scene->events);
    store_close(scene->store);
    snprintf(command, sizeof(command), "rm -rf %s", scene->dir);
    assert_int_equal(system(command), 0);
    config_finish(&scene->config);
    free(scene);
}

// Takes body. The id, to be freed.
static char *add_hook(struct scene *scene, json_t *body) {
    struct refusal refusal;
    json_t *out = NULL;
    char url[64];
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/hook", scene->receiver->port);
    if (!json_object_get(body, "url"))
        json_object_set_new(body, "url", json_string(url));
    if (webhooks_add(scene->webhooks, body, &out, &refusal) != 0)
        fail_msg("%s", refusal.message);
    char *id = g_strdup(json_string_value(json_object_get(out, "id")));
    json_decref(body);
    json_decref(out);
    return id;
}

static void tell(struct scene *scene, const char *type, const char *room, int number) {
    events_add(scene->events, type, room, json_pack("{s:i}", "number", number));
}

static json_t *get_hook(struct scene *scene, const char *id) {
    struct refusal refusal;
    json_t *out = NULL;
    assert_int_equal(webhooks_get(scene->webhooks, id, &out, &refusal), 0);
    assert_null(json_object_get(out, "secret"));
    return out;
}

static json_int_t figure(struct scene *scene, const char *id, const char *name) {
    json_t *hook = get_hook(scene, id);
    json_int_t value = json_integer_value(json_object_get(hook, name));
    json_decref(hook);
    return value;
}

static void await_figure(struct scene *scene, const char *id, const char *name, json_int_t wanted) {
    for (int waited_ms = 0; waited_ms < PATIENCE_MS; waited_ms++) {
        if (figure(scene, id, name) == wanted)
            return;
        usleep(1000);
    }
    fail_msg("%s is %lld, not %lld", name, (long long)figure(scene, id, name), (long long)wanted);
}

static void change(struct scene *scene, const char *id, json_t *body) {
    struct refusal refusal;
    json_t *out = NULL;
    if (webhooks_change(scene->webhooks, id, body, &out, &refusal) != 0)
        fail_msg("%s", refusal.message);
    json_decref(body);
    json_decref(out);
}

// ---- deliveries ----

static void test_a_delivery_is_signed(void **state) {
    struct scene *scene = scene_create();
    const char *secret = "a secret of this test"; // spaces are not allowed
    struct refusal refusal;
    json_t *out = NULL, *bad = json_pack("{s:s, s:s}", "url", "http://h/", "secret", secret);
    assert_int_equal(webhooks_add(scene->webhooks, bad, &out, &refusal), -1);
    assert_string_equal(refusal.field, "secret");
    json_decref(bad);
    secret = "a-secret-of-this-test";
    char *id = add_hook(scene, json_pack("{s:s}", "secret", secret));
    receiver_go_up(scene->receiver);
    tell(scene, "member-joined", "ada", 1);
    receiver_await(scene->receiver, 1);
    const struct heard *heard = &scene->receiver->heard[0];
    assert_non_null(strstr(heard->head, "POST /hook HTTP/1.1\r\n"));
    char *timestamp = header_of(heard, "Tessera-Timestamp");
    char *signature = header_of(heard, "Tessera-Signature");
    char *signed_text = g_strconcat(timestamp, ".", heard->body, NULL);
    char *hmac = g_compute_hmac_for_string(G_CHECKSUM_SHA256, (const guchar *)secret,
                                           strlen(secret), signed_text, -1);
    assert_int_equal(strncmp(signature, "v1=", 3), 0);
    assert_string_equal(signature + 3, hmac);
    assert_true(llabs(atoll(timestamp) - (long long)time(NULL)) < 100);
    char *type = header_of(heard, "Tessera-Event"),
         *delivery = header_of(heard, "Tessera-Delivery");
    assert_string_equal(type, "member-joined");
    assert_int_equal(strtoull(delivery, NULL, 10), events_last_id(scene->events));
    await_figure(scene, id, "delivered", 1);
    await_figure(scene, id, "waiting", 0);
    assert_int_equal(figure(scene, id, "last_status"), 200);
    g_free(timestamp);
    g_free(signature);
    g_free(signed_text);
    g_free(hmac);
    g_free(type);
    g_free(delivery);
    g_free(id);
    scene_destroy(scene);
}

static void expect_each_once_in_order(struct receiver *receiver, int count) {
    int next = 0;
    for (int i = 0; i < receiver->count; i++) {
        if (receiver->heard[i].status != 200)
            continue;
        assert_int_equal(number_of(&receiver->heard[i]), next);
        next++;
    }
    assert_int_equal(next, count);
}

static void test_a_receiver_that_was_down_gets_all_once_in_order(void **state) {
    struct scene *scene = scene_create();
    char *id = add_hook(scene, json_object());
    for (int i = 0; i < MANY; i++)
        tell(scene, "message", "ada", i);
    await_figure(scene, id, "waiting", MANY);
    for (int tries = 0; figure(scene, id, "failed") < 3; tries++) {
        assert_true(tries < PATIENCE_MS);
        usleep(1000);
    }
    json_t *hook = get_hook(scene, id);
    assert_true(json_is_null(json_object_get(hook, "last_status")));
    assert_true(json_is_string(json_object_get(hook, "last_error")));
    json_decref(hook);
    receiver_set_status(scene->receiver, 500); // up, but not well
    receiver_go_up(scene->receiver);
    receiver_await(scene->receiver, 3);
    receiver_set_status(scene->receiver, 302); // redirects are not followed
    receiver_await(scene->receiver, receiver_count(scene->receiver) + 3);
    receiver_set_status(scene->receiver, 200);
    await_figure(scene, id, "delivered", MANY);
    assert_int_equal(figure(scene, id, "waiting"), 0);
    expect_each_once_in_order(scene->receiver, MANY);
    for (int i = 0; i < scene->receiver->count; i++)
        assert_null(strstr(scene->receiver->heard[i].head, "/elsewhere"));
    // Every try of one event has the same name.
    char *first = header_of(&scene->receiver->heard[0], "Tessera-Delivery");
    char *second = header_of(&scene->receiver->heard[1], "Tessera-Delivery");
    assert_string_equal(first, second);
    g_free(first);
    g_free(second);
    g_free(id);
    scene_destroy(scene);
}

static void test_the_queue_survives_a_restart(void **state) {
    struct scene *scene = scene_create();
    char *id = add_hook(scene, json_pack("{s:s}", "secret", "a-secret-of-this-test"));
    for (int i = 0; i < MANY; i++)
        tell(scene, "message", "ada", i);
    // What is in the inbox only is put into the store at the end.
    webhooks_destroy(scene->webhooks);
    store_close(scene->store);
    assert_int_equal(store_open(scene->dir, &scene->store), 0);
    start_hooks(scene);
    assert_int_equal(figure(scene, id, "waiting"), MANY);
    tell(scene, "message", "ada", MANY);
    receiver_go_up(scene->receiver);
    await_figure(scene, id, "delivered", MANY + 1);
    expect_each_once_in_order(scene->receiver, MANY + 1);
    webhooks_destroy(scene->webhooks);
    start_hooks(scene);
    assert_int_equal(figure(scene, id, "delivered"), MANY + 1); // the figures too
    g_free(id);
    scene_destroy(scene);
}

static void test_a_full_queue_drops_the_oldest(void **state) {
    struct scene *scene = scene_create();
    scene->config.webhook_queue_max = 10;
    char *id = add_hook(scene, json_object());
    for (int i = 0; i < 25; i++)
        tell(scene, "message", "ada", i);
    await_figure(scene, id, "dropped", 15);
    assert_int_equal(figure(scene, id, "waiting"), 10);
    receiver_go_up(scene->receiver);
    await_figure(scene, id, "waiting", 0);
    assert_int_equal(number_of(&scene->receiver->heard[scene->receiver->count - 1]), 24);
    g_free(id);
    scene_destroy(scene);
}

static void test_a_hook_hears_what_it_asked_for(void **state) {
    struct scene *scene = scene_create();
    receiver_go_up(scene->receiver);
    tell(scene, "member-joined", "ada", 99); // before there was a hook
    char *all = add_hook(scene, json_object());
    char *some = add_hook(
        scene, json_pack("{s:[s,s], s:s}", "events", "speaking", "room-ended", "room", "ada"));
    tell(scene, "speaking", "ada", 0);
    tell(scene, "layout", "ada", 1);
    tell(scene, "room-ended", "bob", 2);
    tell(scene, "room-ended", "ada", 3);
    await_figure(scene, some, "delivered", 2); // 0 and 3
    await_figure(scene, all, "delivered", 2);  // 2 and 3
    assert_int_equal(receiver_count(scene->receiver), 4);
    g_free(all);
    g_free(some);
    scene_destroy(scene);
}

static void test_410_turns_a_hook_off_and_a_change_on_again(void **state) {
    struct scene *scene = scene_create();
    char *id = add_hook(scene, json_object());
    receiver_set_status(scene->receiver, 410);
    receiver_go_up(scene->receiver);
    tell(scene, "message", "ada", 0);
    await_figure(scene, id, "failed", 1);
    struct refusal refusal;
    assert_int_equal(webhooks_test(scene->webhooks, id, &refusal), -1);
    assert_string_equal(refusal.code, "webhook-inactive");
    tell(scene, "message", "ada", 1); // not for a hook that is off
    receiver_set_status(scene->receiver, 200);
    // Still off after a restart.
    webhooks_destroy(scene->webhooks);
    start_hooks(scene);
    json_t *hook = get_hook(scene, id);
    assert_true(json_is_false(json_object_get(hook, "is_active")));
    json_decref(hook);
    change(scene, id, json_pack("{s:b}", "is_active", 1));
    tell(scene, "message", "ada", 1);
    await_figure(scene, id, "delivered", 2);
    expect_each_once_in_order(scene->receiver, 2);
    g_free(id);
    scene_destroy(scene);
}

static void test_a_test_goes_to_one_hook_alone(void **state) {
    struct scene *scene = scene_create();
    struct refusal refusal;
    receiver_go_up(scene->receiver);
    char *tested = add_hook(scene, json_pack("{s:[s]}", "events", "room-ended"));
    char *other = add_hook(scene, json_object());
    assert_int_equal(webhooks_test(scene->webhooks, tested, &refusal), 0);
    await_figure(scene, tested, "delivered", 1);
    assert_int_equal(figure(scene, other, "delivered"), 0);
    char *type = header_of(&scene->receiver->heard[0], "Tessera-Event");
    assert_string_equal(type, "ping");
    g_free(type);
    assert_int_equal(webhooks_test(scene->webhooks, "h0", &refusal), -1);
    assert_int_equal(refusal.status, 404);
    g_free(tested);
    g_free(other);
    scene_destroy(scene);
}

static void test_a_removed_hook_is_silent(void **state) {
    struct scene *scene = scene_create();
    struct refusal refusal;
    scene->receiver->is_silent = true;
    receiver_go_up(scene->receiver);
    char *id = add_hook(scene, json_object());
    tell(scene, "message", "ada", 0);
    tell(scene, "message", "ada", 1);
    receiver_await(scene->receiver, 1); // in flight
    assert_int_equal(webhooks_remove(scene->webhooks, id, &refusal), 0);
    assert_int_equal(webhooks_remove(scene->webhooks, id, &refusal), -1);
    assert_string_equal(refusal.code, "webhook-not-found");
    tell(scene, "message", "ada", 2);
    webhooks_destroy(scene->webhooks);
    start_hooks(scene);
    json_t *list = NULL;
    assert_int_equal(webhooks_list(scene->webhooks, &list, &refusal), 0);
    assert_int_equal(json_array_size(json_object_get(list, "webhooks")), 0);
    json_decref(list);
    assert_int_equal(receiver_count(scene->receiver), 1);
    g_free(id);
    scene_destroy(scene);
}

static void test_a_silent_receiver_does_not_hold_the_end(void **state) {
    struct scene *scene = scene_create();
    struct timespec start, end;
    scene->receiver->is_silent = true;
    receiver_go_up(scene->receiver);
    char *id = add_hook(scene, json_object());
    tell(scene, "message", "ada", 0);
    receiver_await(scene->receiver, 1);
    clock_gettime(CLOCK_MONOTONIC, &start);
    webhooks_destroy(scene->webhooks);
    clock_gettime(CLOCK_MONOTONIC, &end);
    assert_true(end.tv_sec - start.tv_sec < 5); // well below the ten seconds of a try
    start_hooks(scene);
    assert_int_equal(figure(scene, id, "waiting"), 1);
    g_free(id);
    scene_destroy(scene);
}

// ---- targets ----

static void test_a_private_address_is_refused_when_it_is_connected_to(void **state) {
    struct scene *scene = scene_create();
    char url[64];
    scene->config.webhooks_private_targets = false;
    receiver_go_up(scene->receiver);
    snprintf(url, sizeof(url), "http://localhost:%d/", scene->receiver->port); // a name: unresolved
    char *id = add_hook(scene, json_pack("{s:s}", "url", url));
    tell(scene, "message", "ada", 0);
    for (int tries = 0; figure(scene, id, "failed") < 2; tries++) {
        assert_true(tries < PATIENCE_MS);
        usleep(1000);
    }
    json_t *hook = get_hook(scene, id);
    assert_non_null(
        strstr(json_string_value(json_object_get(hook, "last_error")), "private network"));
    json_decref(hook);
    assert_int_equal(receiver_count(scene->receiver), 0);
    g_free(id);
    scene_destroy(scene);
}

static bool is_private(const char *text) {
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return webhooks_target_is_private((struct sockaddr *)&v4);
    assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return webhooks_target_is_private((struct sockaddr *)&v6);
}

static void test_private_addresses_are_known(void **state) {
    static const char *const private[] = {"0.0.0.0",
                                          "10.0.0.1",
                                          "10.255.255.255",
                                          "100.64.0.1",
                                          "100.127.255.255",
                                          "127.0.0.1",
                                          "127.255.0.1",
                                          "169.254.169.254",
                                          "172.16.0.1",
                                          "172.31.255.255",
                                          "192.168.1.1",
                                          "192.0.0.1",
                                          "192.0.2.1",
                                          "198.18.0.1",
                                          "198.51.100.1",
                                          "203.0.113.9",
                                          "224.0.0.1",
                                          "239.1.2.3",
                                          "240.0.0.1",
                                          "255.255.255.255",
                                          "::",
                                          "::1",
                                          "fe80::1",
                                          "fec0::1",
                                          "fc00::1",
                                          "fd12:3456::1",
                                          "ff02::1",
                                          "::ffff:127.0.0.1",
                                          "::ffff:10.1.2.3",
                                          "::127.0.0.1",
                                          "64:ff9b::10.0.0.1",
                                          "2002:7f00:1::",
                                          "2002:c0a8:101::1",
                                          "2001::1",
                                          "2001:db8::1",
                                          "100::1",
                                          "4000::1"};
    static const char *const public[] = {
        "1.1.1.1",      "9.255.255.255",  "11.0.0.0",         "100.63.255.255",  "100.128.0.0",
        "128.0.0.1",    "169.253.0.1",    "172.15.0.1",       "172.32.0.1",      "192.167.0.1",
        "192.169.0.1",  "198.17.0.1",     "198.20.0.1",       "223.255.255.255", "2606:4700::1111",
        "2a00:1450::1", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1", "2002:101:101::1"};
    for (size_t i = 0; i < G_N_ELEMENTS(private); i++)
        if (!is_private(private[i]))
            fail_msg("%s is taken for public", private[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(public); i++)
        if (is_private(public[i]))
            fail_msg("%s is taken for private", public[i]);
    struct sockaddr local = {.sa_family = AF_UNIX};
    assert_true(webhooks_target_is_private(&local));
}

static void test_urls_are_checked(void **state) {
    static const char *const good[] = {"http://example.org", "https://example.org/a?b=c",
                                       "HTTPS://EXAMPLE.org:8443/", "http://1.1.1.1/",
                                       "http://[2606:4700::1111]:80/"};
    static const char *const bad[] = {"",
                                      "example.org",
                                      "ftp://example.org/",
                                      "file:///etc/passwd",
                                      "gopher://h/",
                                      "http://",
                                      "http://user:secret@example.org/",
                                      "http://user@example.org/",
                                      "http://example.org/\r\nX: y",
                                      "http://example.org/a b",
                                      "http://ex\xc3\xa4mple.org/",
                                      "http://example.org:99999/",
                                      "http://127.0.0.1/",
                                      "http://127.1/",
                                      "http://0x7f.1/",
                                      "http://2130706433/",
                                      "http://[::1]/",
                                      "http://[::ffff:10.0.0.1]/",
                                      "http://10.0.0.1:80/",
                                      "http://[fe80::1%25eth0]/",
                                      "http://169.254.169.254/latest/meta-data"};
    struct refusal refusal;
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
        if (webhooks_target_check_url(good[i], false, &refusal) != 0)
            fail_msg("%s: %s", good[i], refusal.message);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        if (webhooks_target_check_url(bad[i], false, &refusal) == 0)
            fail_msg("%s is let through", bad[i]);
        assert_string_equal(refusal.field, "url");
        assert_null(strstr(refusal.message, "secret"));
    }
    assert_int_equal(webhooks_target_check_url("http://127.0.0.1/", true, &refusal), 0);
}

// ---- what may be said ----

static void test_bad_hooks_are_refused_by_field(void **state) {
    static const struct {
        const char *json, *field;
    } rows[] = {
        {"{}", "url"},
        {"{\"url\":7}", "url"},
        {"{\"url\":\"http://u:p@h/\"}", "url"},
        {"{\"url\":\"http://h/\",\"colour\":1}", "colour"},
        {"{\"url\":\"http://h/\",\"events\":[]}", "events"},
        {"{\"url\":\"http://h/\",\"events\":\"*\"}", "events"},
        {"{\"url\":\"http://h/\",\"events\":[\"member-join\"]}", "events"},
        {"{\"url\":\"http://h/\",\"events\":[\"ping\"]}", "events"},
        {"{\"url\":\"http://h/\",\"events\":[7]}", "events"},
        {"{\"url\":\"http://h/\",\"room\":\"../x\"}", "room"},
        {"{\"url\":\"http://h/\",\"room\":7}", "room"},
        {"{\"url\":\"http://h/\",\"is_active\":\"yes\"}", "is_active"},
        {"{\"url\":\"http://h/\",\"secret\":\"short\"}", "secret"},
        {"{\"url\":\"http://h/\",\"secret\":null}", "secret"},
    };
    struct scene *scene = scene_create();
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct refusal refusal;
        json_t *out = NULL, *body = json_loads(rows[i].json, 0, NULL);
        if (webhooks_add(scene->webhooks, body, &out, &refusal) == 0)
            fail_msg("%s is let through", rows[i].json);
        assert_int_equal(refusal.status, 422);
        assert_string_equal(refusal.field, rows[i].field);
        json_decref(body);
    }
    scene_destroy(scene);
}

static void test_hooks_are_limited_and_secrets_are_made(void **state) {
    struct scene *scene = scene_create();
    struct refusal refusal;
    json_t *out = NULL, *body = json_pack("{s:s}", "url", "http://127.0.0.1:9/");
    scene->config.webhooks_max = 2;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(webhooks_add(scene->webhooks, body, &out, &refusal), 0);
        assert_int_equal(strlen(json_string_value(json_object_get(out, "secret"))), 43);
        assert_true(json_is_true(json_object_get(out, "is_active")));
        json_decref(out);
    }
    assert_int_equal(webhooks_add(scene->webhooks, body, &out, &refusal), -1);
    assert_string_equal(refusal.code, "too-many-webhooks");
    assert_int_equal(webhooks_list(scene->webhooks, &out, &refusal), 0);
    assert_int_equal(json_array_size(json_object_get(out, "webhooks")), 2);
    char *text = json_dumps(out, 0);
    assert_null(strstr(text, "secret"));
    free(text);
    json_decref(out);
    json_decref(body);
    scene_destroy(scene);
}

// ---- threads ----

static void *tell_many(void *user) {
    for (int i = 0; i < 60; i++)
        tell(user, "message", "ada", i);
    return NULL;
}

static void test_hooks_come_and_go_while_events_do(void **state) {
    struct scene *scene = scene_create();
    pthread_t tellers[2];
    struct refusal refusal;
    receiver_go_up(scene->receiver);
    char *steady = add_hook(scene, json_object());
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&tellers[i], NULL, tell_many, scene), 0);
    for (int i = 0; i < 15; i++) {
        char *brief = add_hook(scene, json_object());
        change(scene, brief, json_pack("{s:s}", "room", i % 2 ? "ada" : "bob"));
        webhooks_test(scene->webhooks, brief, &refusal);
        assert_int_equal(webhooks_remove(scene->webhooks, brief, &refusal), 0);
        g_free(brief);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(tellers[i], NULL);
    await_figure(scene, steady, "delivered", 120);
    g_free(steady);
    scene_destroy(scene);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_delivery_is_signed),
        cmocka_unit_test(test_a_receiver_that_was_down_gets_all_once_in_order),
        cmocka_unit_test(test_the_queue_survives_a_restart),
        cmocka_unit_test(test_a_full_queue_drops_the_oldest),
        cmocka_unit_test(test_a_hook_hears_what_it_asked_for),
        cmocka_unit_test(test_410_turns_a_hook_off_and_a_change_on_again),
        cmocka_unit_test(test_a_test_goes_to_one_hook_alone),
        cmocka_unit_test(test_a_removed_hook_is_silent),
        cmocka_unit_test(test_a_silent_receiver_does_not_hold_the_end),
        cmocka_unit_test(test_a_private_address_is_refused_when_it_is_connected_to),
        cmocka_unit_test(test_private_addresses_are_known),
        cmocka_unit_test(test_urls_are_checked),
        cmocka_unit_test(test_bad_hooks_are_refused_by_field),
        cmocka_unit_test(test_hooks_are_limited_and_secrets_are_made),
        cmocka_unit_test(test_hooks_come_and_go_while_events_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

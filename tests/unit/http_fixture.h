// SPDX-License-Identifier: MIT
// For the tests of http/: doubles of the hub and of the sessions at their contracts (mcu/hub.h,
// mcu/session.h), with the real control loop on a thread of its own; a server on a port of its own;
// a client that says exactly what it is told, byte for byte.
#ifndef TESTS_HTTP_FIXTURE_H
#define TESTS_HTTP_FIXTURE_H

#include "http/server.h"
#include "mcu/config.h"
#include "mcu/hub.h"
#include "mcu/log.h"
#include "mcu/loop.h"
#include "mcu/session.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h> // after the above, as it asks

#define TEST_KEY    "the-key-of-the-tests"
#define TEST_SECRET "the-secret-of-the-tests, long enough"
#define UNUSED      __attribute__((unused))

enum { PATIENCE_MS = 20000 }; // a test waits for events; this long only when it has failed already

// ---- the hub ----

struct hub {
    struct config config;
    struct loop *loop;
    pthread_t thread;
    struct server *server;
    struct events *events;     // NULL: none
    struct webhooks *webhooks; // likewise
    struct store *store;       // NULL unless a test opens one
    atomic_int ready;          // what hub_is_ready() says
    atomic_int opened, closed, cleanly_closed, released, received;
    char made[64];
    atomic_int creating, creations; // HUB_CREATE_ROOM: begun, done
    atomic_int is_slow;             // HUB_CREATE_ROOM waits until this is 0
    pthread_mutex_t asked_lock;
    struct { // what the last hub_call() was asked
        char room[64], id[64], if_match[64], cursor[64], body[512];
        int limit, slot;
        bool has_picture, has_clip;
        double volume;
    } asked;
};

static int know_room(const char *room, struct refusal *refusal) {
    if (strcmp(room, "ada") == 0 || strcmp(room, "zoë") == 0)
        return 0;
    return refusal_set(refusal, 404, "room-not-found", "There is no room of this name.");
}

static int create_room(struct hub *hub, const json_t *body, json_t **out, struct refusal *refusal) {
    atomic_fetch_add(&hub->creating, 1);
    while (atomic_load(&hub->is_slow))
        usleep(1000);
    const char *id = json_string_value(json_object_get(body, "id"));
    if (json_object_get(body, "fps")) {
        refusal_set(refusal, 422, "bad-field", "fps is not a field of this object.");
        strcpy(refusal->field, "fps");
        return -1;
    }
    if (id && strcmp(id, "ada") == 0)
        return refusal_set(refusal, 409, "room-exists", "There is a room of this name already.");
    atomic_fetch_add(&hub->creations, 1);
    *out = json_pack("{s:s}", "id", id ? id : "r-1");
    return 0;
}

static void note(char out[64], const char *text) {
    snprintf(out, 64, "%s", text ? text : "(none)");
}

static void note_request(struct hub *hub, const struct hub_request *request) {
    char *body = request->body ? json_dumps(request->body, JSON_COMPACT) : NULL;
    pthread_mutex_lock(&hub->asked_lock);
    note(hub->asked.room, request->room);
    note(hub->asked.id, request->id);
    note(hub->asked.if_match, request->if_match);
    note(hub->asked.cursor, request->cursor);
    snprintf(hub->asked.body, sizeof(hub->asked.body), "%s", body ? body : "(none)");
    hub->asked.limit = request->limit;
    hub->asked.slot = request->slot;
    hub->asked.has_picture = request->picture != NULL;
    hub->asked.has_clip = request->clip != NULL;
    hub->asked.volume = request->volume;
    pthread_mutex_unlock(&hub->asked_lock);
    free(body);
    picture_destroy(request->picture);
    clip_destroy(request->clip);
}

// Nobody else is asking then.
UNUSED static void expect_asked(struct hub *hub, const char *room, const char *id,
                                const char *body) {
    assert_string_equal(hub->asked.room, room);
    assert_string_equal(hub->asked.id, id);
    assert_string_equal(hub->asked.body, body);
}

// What is set here is what hub_call() says of a room: If-Match is held against the same number.
enum { ROOM_REVISION = 7 };

int hub_call(struct hub *hub, enum hub_operation operation, const struct hub_request *request,
             json_t **out, struct refusal *refusal) {
    *out = NULL;
    note_request(hub, request);
    if (operation == HUB_LIST_ROOMS) {
        *out = json_pack("{s:[{s:s}]}", "rooms", "id", "ada");
        return 0;
    }
    if (operation == HUB_CREATE_ROOM)
        return create_room(hub, request->body, out, refusal);
    if (know_room(request->room, refusal) != 0)
        return -1;
    if (request->if_match && strcmp(request->if_match, "\"7\"") != 0)
        return refusal_set(refusal, 412, "changed-meanwhile", "It was changed meanwhile.");
    switch (operation) {
    case HUB_GET_ROOM:
    case HUB_CHANGE_ROOM:
    case HUB_SET_LAYOUT:
    case HUB_GET_LAYOUT:
        *out = json_pack("{s:s, s:i}", "id", request->room, "revision", ROOM_REVISION);
        break;
    case HUB_SEND_MESSAGE: *out = json_pack("{s:i}", "id", 1); break;
    case HUB_GET_BANNER: // the room zoë has none
        *out = strcmp(request->room, "ada") == 0 ? json_pack("{s:s}", "text", "hi") : json_null();
        break;
    case HUB_GET_MEMBER:
    case HUB_CHANGE_MEMBER: *out = json_pack("{s:s}", "id", request->id); break;
    case HUB_SET_BANNER: *out = json_copy((json_t *)request->body); break;
    case HUB_MUTE_ALL: *out = json_pack("{s:i}", "muted", 2); break;
    case HUB_LIST_BANS: *out = json_pack("{s:[]}", "bans"); break;
    case HUB_LIST_WAITING: *out = json_pack("{s:[]}", "waiting"); break;
    case HUB_LIST_MESSAGES: *out = json_pack("{s:[]}", "messages"); break;
    case HUB_GET_ROOM_STATS: *out = json_pack("{s:i}", "frames_composed", 1); break;
    case HUB_LIST_MEMBERS: *out = json_pack("{s:[]}", "members"); break;
    case HUB_KICK_MEMBER:
        if (strcmp(request->id, "m1") != 0)
            return refusal_set(refusal, 404, "member-not-found", "There is no such member.");
        break;
    default: break;
    }
    return 0;
}

int hub_snapshot(struct hub *hub, const char *room, int width_px, enum picture_format format,
                 uint8_t **jpeg, size_t *size_bytes, struct refusal *refusal) {
    if (know_room(room, refusal) != 0)
        return -1;
    *size_bytes = 64;
    *jpeg = calloc(1, *size_bytes);
    snprintf((char *)*jpeg, *size_bytes, "%s %d wide", format == PICTURE_PNG ? "png" : "picture",
             width_px);
    return 0;
}

json_t *hub_list_links(struct hub *hub) {
    return json_pack("[{s:s, s:s, s:{s:{s:i, s:b, s:s}, s:{s:f}}}]", "room", "ada", "member", "m1",
                     "link", "down", "estimate_kbps", 820, "video", 1, "reason", "link", "up",
                     "jitter_ms", 3.5);
}

void hub_get_stats(struct hub *hub, struct hub_stats *out) {
    memset(out, 0, sizeof(*out));
    out->rooms = 3;
    out->frames_composed = 123456789;
    out->encode_s = 1.5;
}

bool hub_recognise_seat(struct hub *hub, const char *room, const char *secret, struct caller *out) {
    bool is_moderator = strcmp(secret, "a-moderators-seat") == 0;
    if (strcmp(room, "ada") != 0 || (!is_moderator && strcmp(secret, "a-members-seat") != 0))
        return false;
    out->kind = CALLER_ROOM;
    out->role = is_moderator ? ROLE_MODERATOR : ROLE_MEMBER;
    out->grants = role_grants(out->role);
    strcpy(out->room, room);
    return true;
}

int hub_is_ready(struct hub *hub) {
    return atomic_load(&hub->ready);
}

const struct config *hub_config(const struct hub *hub) {
    return &hub->config;
}

// ---- the sessions: an echo, said by the control loop ----

struct session {
    struct hub *hub;
    struct session_socket_ops ops;
    void *socket;
};

struct echo {
    struct session *session;
    size_t size_bytes;
    char text[];
};

struct session *session_open(struct hub *hub, const struct session_socket_ops *ops, void *socket,
                             const char *address, const struct caller *caller) {
    assert_string_not_equal(address, "");
    struct session *session = calloc(1, sizeof(*session));
    session->hub = hub;
    session->ops = *ops;
    session->socket = socket;
    atomic_fetch_add(&hub->opened, 1);
    return session;
}

static void send_text(struct session *session, const char *text) {
    session->ops.send(session->socket, text, strlen(text));
}

// "flood N": N messages of 1000 bytes. "bye": a last word, then the close. Else the text itself.
static void obey(void *user) {
    struct echo *echo = user;
    struct session *session = echo->session;
    if (strncmp(echo->text, "flood ", 6) == 0) {
        char text[1001];
        memset(text, 'x', 1000);
        text[1000] = '\0';
        for (int i = atoi(echo->text + 6); i > 0; i--)
            send_text(session, text);
    } else if (strcmp(echo->text, "bye") == 0) {
        send_text(session, "so long");
        session->ops.close(session->socket, 4001, "as asked");
        send_text(session, "never to be seen");
    } else {
        session->ops.send(session->socket, echo->text, echo->size_bytes);
    }
    free(echo);
}

void session_receive(struct session *session, const char *text, size_t size_bytes) {
    struct echo *echo = malloc(sizeof(*echo) + size_bytes + 1);
    echo->session = session;
    echo->size_bytes = size_bytes;
    memcpy(echo->text, text, size_bytes);
    echo->text[size_bytes] = '\0';
    atomic_fetch_add(&session->hub->received, 1);
    loop_post(session->hub->loop, obey, echo);
}

static void release(void *user) {
    struct session *session = user;
    send_text(session, "to a socket that has gone"); // allowed, and does nothing
    session->ops.release(session->socket);
    atomic_fetch_add(&session->hub->released, 1);
    free(session);
}

void session_closed(struct session *session, int was_clean) {
    atomic_fetch_add(&session->hub->closed, 1);
    atomic_fetch_add(&session->hub->cleanly_closed, was_clean ? 1 : 0);
    loop_post(session->hub->loop, release, session);
}

// ---- the server ----

static void *run_loop(void *loop) {
    loop_run(loop);
    return NULL;
}

UNUSED static struct hub *fixture_prepare(void) {
    struct hub *hub = calloc(1, sizeof(*hub));
    signal(SIGPIPE, SIG_IGN);
    log_set_level(getenv("TEST_VERBOSE") ? LOG_DEBUG : LOG_ERROR);
    config_init_defaults(&hub->config);
    pthread_mutex_init(&hub->asked_lock, NULL);
    free(hub->config.listen);
    hub->config.listen = strdup("127.0.0.1:0");
    hub->loop = loop_create();
    assert_int_equal(pthread_create(&hub->thread, NULL, run_loop, hub->loop), 0);
    return hub;
}

UNUSED static void fixture_set(char **setting, const char *value) {
    free(*setting);
    *setting = strdup(value);
}

UNUSED static void fixture_serve(struct hub *hub) {
    char error[256] = "";
    struct server_world world = {.hub = hub,
                                 .api_key = TEST_KEY,
                                 .token_secret = TEST_SECRET,
                                 .store = hub->store,
                                 .events = hub->events,
                                 .webhooks = hub->webhooks};
    if (server_create(&world, &hub->server, error, sizeof(error)) != 0)
        fail_msg("%s", error);
    assert_true(server_port(hub->server) > 0);
}

UNUSED static struct hub *fixture_start(void) {
    struct hub *hub = fixture_prepare();
    fixture_serve(hub);
    return hub;
}

UNUSED static void fixture_stop(struct hub *hub) {
    server_destroy(hub->server);
    loop_quit(hub->loop);
    pthread_join(hub->thread, NULL);
    loop_destroy(hub->loop);
    assert_int_equal(atomic_load(&hub->opened), atomic_load(&hub->closed));
    assert_int_equal(atomic_load(&hub->opened), atomic_load(&hub->released));
    config_finish(&hub->config);
    pthread_mutex_destroy(&hub->asked_lock);
    free(hub);
}

// ---- the client ----

UNUSED static int client_connect(const struct hub *hub) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)server_port(hub->server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

UNUSED static void client_send(int fd, const void *data, size_t size_bytes) {
    const char *at = data;
    while (size_bytes > 0) {
        ssize_t sent = send(fd, at, size_bytes, MSG_NOSIGNAL);
        if (sent <= 0)
            return; // the server may cut us off: what it said before counts
        at += sent;
        size_bytes -= (size_t)sent;
    }
}

UNUSED static void client_say(int fd, const char *text) {
    client_send(fd, text, strlen(text));
}

// What comes until at least one byte is there: its count, or 0 at the end of the connection.
UNUSED static size_t client_receive(int fd, void *data, size_t size_bytes) {
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&waiting, 1, PATIENCE_MS), 1);
    ssize_t got = recv(fd, data, size_bytes, 0);
    return got > 0 ? (size_t)got : 0;
}

struct answer {
    int status;
    size_t head_bytes, body_bytes;
    char head[8192];
    char *body;
    char text[1 << 20]; // head and body as they came
};

// Everything until the server closes.
UNUSED static struct answer *client_hear(int fd) {
    struct answer *answer = calloc(1, sizeof(*answer));
    size_t bytes = 0, got;
    while (bytes < sizeof(answer->text) - 1 &&
           (got = client_receive(fd, answer->text + bytes, sizeof(answer->text) - 1 - bytes)) > 0)
        bytes += got;
    close(fd);
    char *end = strstr(answer->text, "\r\n\r\n");
    if (!end || sscanf(answer->text, "HTTP/1.1 %d ", &answer->status) != 1)
        return answer;
    answer->head_bytes = (size_t)(end - answer->text) + 4;
    assert_true(answer->head_bytes < sizeof(answer->head));
    memcpy(answer->head, answer->text, answer->head_bytes);
    answer->body = answer->text + answer->head_bytes;
    answer->body_bytes = bytes - answer->head_bytes;
    return answer;
}

// A header's value, to be used before the next call; NULL: not there.
UNUSED static const char *answer_header(const struct answer *answer, const char *name) {
    static char value[2048];
    size_t bytes = strlen(name);
    for (const char *line = strstr(answer->head, "\r\n"); line; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, bytes) != 0 || line[2 + bytes] != ':')
            continue;
        const char *start = line + 2 + bytes + 1 + strspn(line + 2 + bytes + 1, " ");
        snprintf(value, sizeof(value), "%.*s", (int)strcspn(start, "\r\n"), start);
        return value;
    }
    return NULL;
}

// One request on a connection of its own; more: header lines, each with its \r\n.
UNUSED static struct answer *client_ask(const struct hub *hub, const char *method,
                                        const char *target, const char *more, const char *body) {
    char head[4096];
    int fd = client_connect(hub);
    snprintf(head, sizeof(head), "%s %s HTTP/1.1\r\nHost: test\r\nConnection: close\r\n%s", method,
             target, more ? more : "");
    client_say(fd, head);
    if (body) {
        snprintf(head, sizeof(head), "Content-Length: %zu\r\n\r\n", strlen(body));
        client_say(fd, head);
        client_say(fd, body);
    } else {
        client_say(fd, "\r\n");
    }
    return client_hear(fd);
}

#define KEY_LINE  "Authorization: Bearer " TEST_KEY "\r\n"
#define JSON_LINE "Content-Type: application/json\r\n"

// The code of a problem+json answer, to be used before the next call.
UNUSED static const char *answer_code(const struct answer *answer) {
    static char code[64];
    json_error_t error;
    json_t *problem = json_loadb(answer->body, answer->body_bytes, 0, &error);
    assert_non_null(problem);
    assert_string_equal(answer_header(answer, "Content-Type"), "application/problem+json");
    assert_int_equal(json_integer_value(json_object_get(problem, "status")), answer->status);
    assert_non_null(json_string_value(json_object_get(problem, "detail")));
    snprintf(code, sizeof(code), "%s", json_string_value(json_object_get(problem, "code")));
    json_decref(problem);
    return code;
}

UNUSED static int count_fds(void) {
    int count = 0;
    for (int fd = 0; fd < 4096; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

// Waits until the number is there.
UNUSED static void await(const atomic_int *number, int wanted) {
    for (int waited_ms = 0; atomic_load(number) < wanted && waited_ms < PATIENCE_MS; waited_ms++)
        usleep(1000);
    assert_true(atomic_load(number) >= wanted);
}

#endif

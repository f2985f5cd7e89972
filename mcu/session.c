// SPDX-License-Identifier: MIT
// The WebSocket thread parses and posts; the control loop obeys. A session is held by its socket
// and by every message that is on its way to the control loop.
#include "mcu/session.h"

#include "mcu/hub_internal.h"
#include "mcu/log.h"
#include "mcu/member.h"
#include "mcu/permission.h"
#include "mcu/protocol.h"
#include "mcu/room.h"
#include "mcu/session_internal.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct session {
    // Immutable.
    struct hub *hub;
    struct session_socket_ops ops;
    void *socket;
    char address[64];
    struct caller caller; // by their cookie

    atomic_int references;
    struct arrival *farewell; // made in advance: the end of a socket must never be missed
    // Control loop only.
    struct member *member;
    struct room *waiting; // in its lobby; the room says when that is over
    bool is_ended;        // bye was said, or the socket has gone: what still comes is not obeyed
};

struct arrival {
    struct session *session;
    struct message message;
    struct refusal refusal;
    bool is_message;
    bool was_clean;
};

static void session_unref(struct session *session) {
    if (atomic_fetch_sub(&session->references, 1) != 1)
        return;
    session->ops.release(session->socket);
    free(session);
}

static struct arrival *arrival_create(struct session *session) {
    struct arrival *arrival = calloc(1, sizeof(*arrival));
    if (!arrival)
        return NULL;
    atomic_fetch_add(&session->references, 1);
    arrival->session = session;
    return arrival;
}

static void arrival_free(struct arrival *arrival) {
    if (arrival->is_message)
        message_finish(&arrival->message);
    session_unref(arrival->session);
    free(arrival);
}

static void count_opened(void *user) {
    struct arrival *arrival = user;
    hub_count_session(arrival->session->hub, 1);
    arrival_free(arrival);
}

struct session *session_open(struct hub *hub, const struct session_socket_ops *ops, void *socket,
                             const char *address, const struct caller *caller) {
    struct session *session = calloc(1, sizeof(*session));
    if (!session)
        return NULL;
    session->hub = hub;
    session->ops = *ops;
    session->socket = socket;
    session->caller = *caller;
    snprintf(session->address, sizeof(session->address), "%s", address);
    atomic_init(&session->references, 1);
    struct arrival *arrival = arrival_create(session);
    session->farewell = arrival_create(session);
    if (!arrival || !session->farewell) {
        free(arrival);
        free(session->farewell);
        free(session);
        return NULL;
    }
    loop_post(hub_loop(hub), count_opened, arrival);
    return session;
}

// ---- control loop ----

void session_send(struct session *session, const char *text) {
    session->ops.send(session->socket, text, strlen(text));
}

void session_refuse(struct session *session, const struct refusal *refusal) {
    hub_count_refusal(session->hub);
    char *text = protocol_error(refusal);
    if (text)
        session_send(session, text);
    free(text);
}

void session_bye(struct session *session, const char *reason, const char *message) {
    if (session->is_ended)
        return;
    session->is_ended = true;
    session->member = NULL;
    char *text = protocol_bye(reason, message);
    if (text)
        session_send(session, text);
    free(text);
    session->ops.close(session->socket, 1000, reason);
}

void session_set_member(struct session *session, struct member *member) {
    session->member = member;
}

void session_set_waiting(struct session *session, struct room *room) {
    session->waiting = room;
}

const struct caller *session_caller(const struct session *session) {
    return &session->caller;
}

static void stop_waiting(struct session *session) {
    if (session->waiting)
        room_forget_waiting(session->waiting, session);
}

const char *session_address(const struct session *session) {
    return session->address;
}

static void obey_outside(struct session *session, struct message *message) {
    struct refusal refusal;
    if (message->type == MESSAGE_PING) {
        char *text = protocol_pong();
        if (text)
            session_send(session, text);
        free(text);
    } else if (message->type == MESSAGE_LEAVE) {
        stop_waiting(session);
        session_bye(session, "left", NULL);
    } else if (session->waiting) {
        refusal_set(&refusal, 409, "waiting", "You wait until a moderator lets you in.");
        session_refuse(session, &refusal);
    } else if (message->type != MESSAGE_JOIN) {
        refusal_set(&refusal, 409, "not-joined", "Join a room first.");
        session_refuse(session, &refusal);
    } else if (hub_join(session->hub, session, message, &refusal) != 0) {
        session_refuse(session, &refusal);
    }
}

static void obey(void *user) {
    struct arrival *arrival = user;
    struct session *session = arrival->session;
    if (!session->is_ended) {
        if (!arrival->is_message)
            session_refuse(session, &arrival->refusal);
        else if (session->member)
            member_obey(session->member, &arrival->message);
        else
            obey_outside(session, &arrival->message);
    }
    arrival_free(arrival);
}

static void end(void *user) {
    struct arrival *arrival = user;
    struct session *session = arrival->session;
    hub_count_session(session->hub, -1);
    struct member *member = session->member;
    session->is_ended = true;
    session->member = NULL;
    stop_waiting(session);
    if (member) {
        log_debug(session->address, "socket of %s/%s went", room_name(member_room(member)),
                  member_id(member));
        member_lose_session(member, arrival->was_clean);
    }
    arrival_free(arrival);
}

// ---- WebSocket thread ----

void session_receive(struct session *session, const char *text, size_t size_bytes) {
    struct arrival *arrival = arrival_create(session);
    if (!arrival)
        return;
    arrival->is_message = protocol_parse(hub_config(session->hub), text, size_bytes,
                                         &arrival->message, &arrival->refusal) == 0;
    loop_post(hub_loop(session->hub), obey, arrival);
}

void session_closed(struct session *session, int was_clean) {
    session->farewell->was_clean = was_clean != 0;
    loop_post(hub_loop(session->hub), end, session->farewell);
    session_unref(session);
}

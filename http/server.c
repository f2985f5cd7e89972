// SPDX-License-Identifier: MIT
// libmicrohttpd's callbacks, in the order of a connection's life:
//
//   on_connection(started) -> on_target -> on_request ... on_request -> on_completed -> (on_target
//   ...)
//                                                    \-> upgrade.c, which hands the socket to ws
//   on_connection(closed)
#include "http/server.h"

#include "http/clock.h"
#include "http/event_stream.h"
#include "http/openapi.h"
#include "http/request.h"
#include "http/routes.h"
#include "mcu/log.h"

#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    HEAD_MS = 15000,   // to send a request's head, from the connection's start or the last answer
    ANSWER_MS = 60000, // for its body and our answer
    BODY_BYTES_PER_MS = 64, // a body of the size that is allowed may take as long as this, and more
    IDLE_S = 15,
    PING_MS = 20000,
    DEAD_MS = 45000,
    HEAD_BYTES_MAX = 32768, // libmicrohttpd's memory of one connection
};

struct server {
    struct site site;
    struct MHD_Daemon *daemon;
    int listen_fd, port;
    bool is_quiet;
    char *certificate, *key; // PEM
};

// ---- libmicrohttpd's callbacks ----

static struct deadline *deadline_of(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static void on_connection(void *user, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code) {
    struct site *site = user;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        deadlines_remove(site->deadlines, *context);
        *context = NULL;
        return;
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info)
        *context = deadlines_add(site->deadlines, info->connect_fd, clock_now_ms() + HEAD_MS);
}

static void *on_target(void *user, const char *uri, struct MHD_Connection *connection) {
    return request_create(user, connection, uri);
}

static enum MHD_Result answer(struct request *request) {
    struct reply reply;
    reply_init(&reply);
    request_id_choose(request_header(request, "X-Request-Id"), request->id);
    reply.request_id = request->id;
    request->asked_ns = clock_now_ns();
    routes_answer(request, &reply);
    return reply_send(&reply, request);
}

static enum MHD_Result on_request(void *user, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *body,
                                  size_t *body_bytes, void **context) {
    struct site *site = user;
    struct request *request = *context;
    if (!request)
        return MHD_NO; // out of memory
    if (!request->method) {
        request->method = method;
        request->version = version;
        routes_enter(request);
        request_check_length(request);
        deadlines_move(site->deadlines, deadline_of(connection),
                       clock_now_ms() + ANSWER_MS +
                           (int64_t)request->body_bytes_max / BODY_BYTES_PER_MS);
        return request->is_body_too_large ? answer(request) : MHD_YES;
    }
    if (*body_bytes > 0) {
        size_t bytes = *body_bytes;
        *body_bytes = 0;
        return request_take_body(request, body, bytes) ? MHD_YES : MHD_NO;
    }
    return request->is_answered ? MHD_YES : answer(request);
}

static void on_completed(void *user, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode code) {
    struct site *site = user;
    request_destroy(*context);
    *context = NULL;
    if (code == MHD_REQUEST_TERMINATED_COMPLETED_OK)
        deadlines_move(site->deadlines, deadline_of(connection), clock_now_ms() + HEAD_MS);
}

// It speaks mostly of clients that went away.
__attribute__((format(printf, 2, 0))) static void on_log(void *user, const char *format,
                                                         va_list arguments) {
    char line[256];
    if (log_get_level() < LOG_DEBUG)
        return;
    vsnprintf(line, sizeof(line), format, arguments);
    line[strcspn(line, "\r\n")] = '\0';
    log_debug("http", "%s", line);
}

void server_cut_late(struct server *server, int64_t now_ms) {
    int late = deadlines_sweep(server->site.deadlines, now_ms);
    if (late > 0)
        log_debug("http", "%d connections were too slow and were cut", late);
    if (server->site.streams)
        event_streams_tick(server->site.streams, now_ms);
}

static void on_tick(void *user) {
    server_cut_late(user, clock_now_ms());
}

// ---- parts ----

static bool is_set(const char *setting) {
    return setting && setting[0];
}

static int read_pem(const char *path, char **out, char *error, int error_bytes) {
    GError *problem = NULL;
    if (g_file_get_contents(path, out, NULL, &problem))
        return 0;
    snprintf(error, (size_t)error_bytes, "%s", problem->message);
    g_error_free(problem);
    return -EINVAL;
}

static int read_certificate(struct server *server, char *error, int error_bytes) {
    const struct config *config = server->site.config;
    if (is_set(config->tls_cert_file) != is_set(config->tls_key_file)) {
        snprintf(error, (size_t)error_bytes, "TLS needs both tls_cert_file and tls_key_file");
        return -EINVAL;
    }
    if (!is_set(config->tls_cert_file))
        return 0;
    if (MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES) {
        snprintf(error, (size_t)error_bytes, "this libmicrohttpd was built without TLS");
        return -ENOTSUP;
    }
    server->site.is_tls = true;
    int result = read_pem(config->tls_cert_file, &server->certificate, error, error_bytes);
    return result ? result : read_pem(config->tls_key_file, &server->key, error, error_bytes);
}

static struct ws *make_ws(struct server *server) {
    const struct config *config = server->site.config;
    struct ws_options options = {
        .ping_ms = PING_MS,
        .dead_ms = DEAD_MS,
        .hello_ms = config->hello_timeout_s * 1000,
        .messages_per_s = config->messages_per_s,
        .message_bytes_max = config->message_bytes_max,
        // Some connections are kept for requests: a full server still answers its operator.
        .sockets_max = config->http_connections_max - config->http_connections_max / 8,
        .sockets_per_address_max = config->connections_per_address,
        .on_tick = on_tick,
        .user = server,
    };
    return ws_create(server->site.hub, &options);
}

// Those who only listen take no more than a quarter of the connections.
static int count_streams(const struct config *config) {
    return config->http_connections_max > 4 ? config->http_connections_max / 4 : 1;
}

static int refuse_parts(char *error, int error_bytes) {
    snprintf(error, (size_t)error_bytes, "not enough memory, descriptors or threads");
    return -ENOMEM;
}

// A directory of assets need not have a description; one that it has must be sound.
static int read_description(struct site *site, char *error, int error_bytes) {
    char name[] = "openapi.yaml", problem[160];
    char *segment = name;
    struct static_file file;
    json_t *json = NULL;
    if (static_get(site->files, &segment, 1, &file) != 0)
        return 0;
    int result = openapi_read(file.data, file.size_bytes, &json, problem, sizeof(problem));
    site->description = result == 0 ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    if (file.is_owned)
        free((void *)file.data);
    if (!site->description) {
        snprintf(error, (size_t)error_bytes, "openapi.yaml, %s",
                 result ? problem : "out of memory");
        return result ? result : -ENOMEM;
    }
    site->description_bytes = strlen(site->description);
    snprintf(site->description_etag, sizeof(site->description_etag), "%.*s-json\"",
             (int)strlen(file.etag) - 1, file.etag);
    return 0;
}

static int make_parts(struct server *server, const char *api_key, char *error, int error_bytes) {
    struct site *site = &server->site;
    int result = read_certificate(server, error, error_bytes);
    if (result != 0)
        return result;
    site->files = static_create(site->config->assets_dir);
    if (!site->files) {
        snprintf(error, (size_t)error_bytes, "cannot read the directory %s: %s",
                 is_set(site->config->assets_dir) ? site->config->assets_dir : "of the assets",
                 strerror(errno));
        return -ENOENT;
    }
    result = read_description(site, error, error_bytes);
    if (result != 0)
        return result;
    site->idempotency = idempotency_create(site->store);
    site->access = access_create(api_key, site->token_secret, site->accounts, site->store);
    site->deadlines = deadlines_create();
    if (site->events)
        site->streams = event_streams_create(site->events, count_streams(site->config));
    if (site->events && !site->streams)
        return refuse_parts(error, error_bytes);
    site->ws = site->access && site->deadlines && site->idempotency ? make_ws(server) : NULL;
    return site->ws ? 0 : refuse_parts(error, error_bytes);
}

// Twice the sockets that an address may have: a browser's page loads beside its socket.
static int start_daemon(struct server *server, char *error, int error_bytes) {
    const struct config *config = server->site.config;
    struct site *site = &server->site;
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, server->certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, server->key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"},
        {MHD_OPTION_END, 0, NULL},
    };
    struct MHD_OptionItem plain[] = {{MHD_OPTION_END, 0, NULL}};
    // With epoll, libmicrohttpd 0.9.75 can miss the end of an upgraded TLS connection and what is
    // on its way through the tunnel, until something else happens. With poll it does not.
    unsigned flags =
        MHD_ALLOW_UPGRADE | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_ERROR_LOG |
        (site->is_tls ? MHD_USE_TLS | MHD_USE_POLL_INTERNAL_THREAD : MHD_USE_EPOLL_INTERNAL_THREAD);
    server->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, site,                                            //
        MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,                                          //
        MHD_OPTION_LISTEN_SOCKET, server->listen_fd,                                       //
        MHD_OPTION_THREAD_POOL_SIZE, (unsigned)config->http_threads,                       //
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)config->http_connections_max,               //
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, 2 * (unsigned)config->connections_per_address, //
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,                                   //
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEAD_BYTES_MAX,                        //
        MHD_OPTION_STRICT_FOR_CLIENT, 1,                                                   //
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, site,                                 //
        MHD_OPTION_URI_LOG_CALLBACK, on_target, site,                                      //
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, site,                                   //
        MHD_OPTION_ARRAY, site->is_tls ? tls : plain, MHD_OPTION_END);
    if (server->daemon)
        return 0;
    snprintf(error, (size_t)error_bytes, "%s",
             site->is_tls ? "libmicrohttpd does not start: do certificate and key belong together?"
                          : "libmicrohttpd does not start");
    return -EINVAL;
}

// ---- life ----

int server_create(const struct server_world *world, struct server **out, char *error,
                  int error_bytes) {
    struct server *server = calloc(1, sizeof(*server));
    if (!server) {
        snprintf(error, (size_t)error_bytes, "out of memory");
        return -ENOMEM;
    }
    server->listen_fd = -1;
    server->site.hub = world->hub;
    server->site.config = hub_config(world->hub);
    server->site.store = world->store;
    server->site.events = world->events;
    server->site.webhooks = world->webhooks;
    server->site.accounts = world->accounts;
    server->site.library = world->library;
    server->site.token_secret = world->token_secret;
    int result = make_parts(server, world->api_key, error, error_bytes);
    if (result == 0)
        result = listen_open(server->site.config->listen, &server->listen_fd, &server->port, error,
                             error_bytes);
    if (result == 0)
        result = start_daemon(server, error, error_bytes);
    if (result != 0) {
        server_destroy(server);
        return result;
    }
    *out = server;
    return 0;
}

int server_port(const struct server *server) {
    return server->port;
}

void server_quiesce(struct server *server) {
    if (server->is_quiet || !server->daemon)
        return;
    server->is_quiet = true;
    MHD_quiesce_daemon(server->daemon);
    // Its threads may be about to look at it once more, so it is closed when they have ended; but
    // from now on a client is turned away instead of waiting in the backlog.
    shutdown(server->listen_fd, SHUT_RDWR);
}

void server_destroy(struct server *server) {
    if (!server)
        return;
    server_quiesce(server);
    if (server->site.ws)
        ws_stop(server->site.ws); // with it the ticks
    if (server->site.streams)
        event_streams_stop(server->site.streams);
    if (server->daemon)
        MHD_stop_daemon(server->daemon);
    if (server->listen_fd >= 0 && (server->is_quiet || !server->daemon))
        close(server->listen_fd);
    ws_destroy(server->site.ws);
    event_streams_destroy(server->site.streams);
    deadlines_destroy(server->site.deadlines);
    access_destroy(server->site.access);
    idempotency_destroy(server->site.idempotency);
    free(server->site.description);
    static_destroy(server->site.files);
    g_free(server->certificate);
    g_free(server->key);
    free(server);
}

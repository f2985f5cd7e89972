// SPDX-License-Identifier: MIT
// Start and end. The main thread becomes the control loop. A thread of its own waits for signals:
// on the first it says goodbye and closes the doors while the control loop still turns, so that
// every session's end is obeyed before the loop stops; on the second, or when that hangs, it just
// ends.
#include "http/cli.h"
#include "http/clock.h"
#include "http/process.h"
#include "http/server.h"
#include "mcu/config.h"
#include "mcu/hub.h"
#include "mcu/library.h"
#include "mcu/log.h"
#include "mcu/loop.h"
#include "mcu/peer.h"
#include "mcu/store.h"

#include <errno.h>
#include <glib.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { END_WITHIN_MS = 4700, URL_BYTES = 320, EVENTS_KEPT = 10000 };

struct tessera {
    struct config config;
    struct store *store;
    struct loop *loop;
    struct events *events;
    struct webhooks *webhooks;
    struct accounts *accounts;
    struct library *library;
    struct hub *hub;
    struct server *server;
    pthread_t signal_thread, watchdog;
    char api_key[256], token_secret[260];
    bool is_key_new; // made at this very start
};

// ---- the end ----

static sigset_t end_signals(void) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    return signals;
}

// The last resort: the promise is to be gone within five seconds.
static void *run_watchdog(void *user) {
    sigset_t signals = end_signals();
    int64_t end_ms = clock_now_ms() + END_WITHIN_MS, left_ms;
    int again = -1;
    while (again < 0 && (left_ms = end_ms - clock_now_ms()) > 0) { // it may be interrupted
        struct timespec patience = {left_ms / 1000, left_ms % 1000 * 1000000};
        again = sigtimedwait(&signals, NULL, &patience);
    }
    log_error(NULL, "%s",
              again > 0 ? "second signal: not waiting any longer"
                        : "the calls could not be ended in time");
    _Exit(EXIT_FAILURE);
}

static void say_bye(void *hub) {
    hub_shut_down(hub);
}

static void quit(void *loop) {
    loop_quit(loop);
}

static void *run_signals(void *user) {
    struct tessera *tessera = user;
    sigset_t signals = end_signals();
    int number = 0;
    pthread_setname_np(pthread_self(), "signals");
    while (sigwait(&signals, &number) != 0)
        ;
    log_info(NULL, "%s: ending", number == SIGINT ? "interrupted" : "asked to stop");
    if (pthread_create(&tessera->watchdog, NULL, run_watchdog, tessera) == 0)
        pthread_detach(tessera->watchdog);
    server_quiesce(tessera->server);
    loop_call(tessera->loop, say_bye, tessera->hub);
    server_destroy(tessera->server);
    // Behind what the closed sockets have posted.
    loop_post(tessera->loop, quit, tessera->loop);
    return NULL;
}

// Before any other thread, which then inherits it: signals are for run_signals() only.
static void block_signals(void) {
    sigset_t signals = end_signals();
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
}

// ---- the start ----

static int open_store(struct tessera *tessera) {
    const struct config *config = &tessera->config;
    int result = store_open(config->data_dir, &tessera->store);
    if (result != 0) {
        fprintf(stderr, "tessera: cannot use the data directory %s: %s\n", config->data_dir,
                store_explain(result));
        return result;
    }
    return 0;
}

static int find_api_key(struct tessera *tessera) {
    const char *set = tessera->config.api_key;
    if (set && set[0]) {
        if (strlen(set) >= sizeof(tessera->api_key)) {
            fprintf(stderr, "tessera: the API key may have %zu bytes at most\n",
                    sizeof(tessera->api_key) - 1);
            return -EINVAL;
        }
        strcpy(tessera->api_key, set);
        return 0;
    }
    int result = store_api_key(tessera->store, tessera->api_key, &tessera->is_key_new);
    if (result != 0)
        fprintf(stderr, "tessera: cannot keep an API key: %s\n", strerror(-result));
    return result;
}

static int find_token_secret(struct tessera *tessera) {
    const char *set = tessera->config.token_secret;
    bool is_new;
    if (set && set[0]) {
        g_strlcpy(tessera->token_secret, set, sizeof(tessera->token_secret));
        return 0;
    }
    int result = store_secret(tessera->store, "token_secret", tessera->token_secret, &is_new);
    if (result != 0)
        fprintf(stderr, "tessera: cannot keep a token secret: %s\n", strerror(-result));
    return result;
}

static int start(struct tessera *tessera) {
    char error[256] = "";
    int result = open_store(tessera);
    if (result == 0)
        result = find_api_key(tessera);
    if (result == 0)
        result = find_token_secret(tessera);
    if (result != 0)
        return result;
    result = peer_init();
    if (result != 0) {
        fprintf(stderr, "tessera: GStreamer or one of its plugins is missing: %s\n",
                strerror(-result));
        return result;
    }
    const struct config *config = &tessera->config;
    tessera->loop = loop_create();
    tessera->events = events_create(EVENTS_KEPT);
    tessera->accounts = accounts_create(config, tessera->store);
    if (tessera->events)
        tessera->webhooks = webhooks_create(config, tessera->store, tessera->events);
    if (tessera->events)
        tessera->library = library_create(config, tessera->store, tessera->events);
    if (tessera->loop && tessera->webhooks && tessera->accounts && tessera->library)
        tessera->hub = hub_create(config, tessera->store, tessera->events, tessera->token_secret,
                                  tessera->loop);
    if (!tessera->hub) {
        fprintf(stderr, "tessera: the rooms cannot be made\n");
        return -ENOMEM;
    }
    hub_set_library(tessera->hub, tessera->library);
    const struct server_world world = {
        .hub = tessera->hub,
        .api_key = tessera->api_key,
        .token_secret = tessera->token_secret,
        .store = tessera->store,
        .events = tessera->events,
        .webhooks = tessera->webhooks,
        .accounts = tessera->accounts,
        .library = tessera->library,
    };
    result = server_create(&world, &tessera->server, error, sizeof(error));
    if (result != 0)
        fprintf(stderr, "tessera: %s\n", error);
    return result;
}

// The host that a person on this machine would type, and the one that was set.
static void format_url(const struct tessera *tessera, const char *any_host, char url[URL_BYTES]) {
    const struct config *config = &tessera->config;
    const char *colon = strrchr(config->listen, ':');
    int host_bytes = colon ? (int)(colon - config->listen) : 0;
    bool is_any = host_bytes == 0 || strncmp(config->listen, "0.0.0.0:", 8) == 0 ||
                  strncmp(config->listen, "[::]:", 5) == 0;
    bool is_tls = config->tls_cert_file && config->tls_cert_file[0];
    snprintf(url, URL_BYTES, "%s://%.*s:%d", is_tls ? "https" : "http",
             is_any ? (int)strlen(any_host) : host_bytes, is_any ? any_host : config->listen,
             server_port(tessera->server));
}

static void print_banner(const struct tessera *tessera) {
    char url[URL_BYTES], plain_url[URL_BYTES];
    const char *set = tessera->config.api_key;
    format_url(tessera, "localhost", url);
    format_url(tessera, "127.0.0.1", plain_url);
    printf("Tessera %s  %s   API key: %s   data: %s\n", TESSERA_VERSION, url,
           tessera->is_key_new ? tessera->api_key
           : set && set[0]     ? "as set"
                               : "as printed at the first start",
           tessera->config.data_dir);
    printf("listening on %s\n", plain_url);
    fflush(stdout);
}

static int run(struct tessera *tessera) {
    int result = start(tessera);
    if (result != 0)
        return result;
    result = -pthread_create(&tessera->signal_thread, NULL, run_signals, tessera);
    if (result != 0) {
        fprintf(stderr, "tessera: no thread for signals: %s\n", strerror(-result));
        server_destroy(tessera->server);
        return result;
    }
    print_banner(tessera);
    loop_run(tessera->loop);
    pthread_join(tessera->signal_thread, NULL);
    log_info(NULL, "ended");
    return 0;
}

int main(int argc, char **argv) {
    if (argc > 1 && cli_is_command(argv[1]))
        return cli_run(argc - 1, argv + 1, stdout, stderr);
    struct tessera tessera = {0};
    enum config_outcome outcome = config_init(&tessera.config, argc, argv, stdout, stderr);
    if (outcome != CONFIG_RUN) {
        config_finish(&tessera.config);
        return outcome == CONFIG_EXIT_OK ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    log_set_level(tessera.config.log_level);
    log_set_format(tessera.config.log_format);
    block_signals();
    process_raise_fd_limit();
    int result = run(&tessera);
    hub_destroy(tessera.hub);
    // Threads that wait for a slow disk still stand on all that follows.
    if (hub_left_something() || !library_destroy(tessera.library))
        _Exit(result == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
    webhooks_destroy(tessera.webhooks);
    events_destroy(tessera.events);
    accounts_destroy(tessera.accounts);
    loop_destroy(tessera.loop);
    store_close(tessera.store);
    config_finish(&tessera.config);
    return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

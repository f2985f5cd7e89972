// SPDX-License-Identifier: MIT
// A recording is in the store from its first moment on, as one that has not ended: whatever happens
// then, the next start finds it. How far it is stands in memory alone until it ends.
#include "mcu/library_internal.h"

#include "mcu/log.h"
#include "mcu/protocol.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PATIENCE_S = 2 };

// ---- life ----

struct library *library_create(const struct config *config, struct store *store,
                               struct events *events) {
    struct library *library = calloc(1, sizeof(*library));
    if (!library)
        return NULL;
    library->config = config;
    library->store = store;
    library->events = events;
    const char *set = config->recordings_dir;
    library->dir =
        set && set[0] ? g_strdup(set) : g_strdup_printf("%s/recordings", config->data_dir);
    library->running = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_queue_init(&library->pictures);
    pthread_mutex_init(&library->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&library->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    library->thread = g_thread_try_new("library", library_tend, library, NULL);
    library->watcher = g_thread_try_new("library-disk", library_watch, library, NULL);
    if (!library->thread || !library->watcher) {
        library_destroy(library);
        return NULL;
    }
    library_await_first_look(library);
    return library;
}

static bool is_done_locked(const struct library *library) {
    return (library->is_ended || !library->thread) && (library->is_blind || !library->watcher);
}

static bool may_be_left_locked(const struct library *library) {
    return library->is_slow || library->is_ended;
}

// False: they are in the middle of something long.
static bool await_threads(struct library *library) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += PATIENCE_S;
    pthread_mutex_lock(&library->lock);
    library->is_over = true;
    pthread_cond_broadcast(&library->changed);
    int late = 0;
    while (!is_done_locked(library) && !(late == ETIMEDOUT && may_be_left_locked(library)))
        late = pthread_cond_timedwait(&library->changed, &library->lock, &until);
    bool is_done = is_done_locked(library);
    library->is_abandoned = !is_done;
    pthread_mutex_unlock(&library->lock);
    return is_done;
}

bool library_destroy(struct library *library) {
    if (!library)
        return true;
    if (!await_threads(library)) {
        log_warn("recordings",
                 "a repair, or the disk, was not done in time: the next start goes on");
        return false;
    }
    if (library->thread)
        g_thread_join(library->thread);
    if (library->watcher)
        g_thread_join(library->watcher);
    g_queue_clear_full(&library->pictures, g_free);
    g_hash_table_destroy(library->running);
    pthread_cond_destroy(&library->changed);
    pthread_mutex_destroy(&library->lock);
    g_free(library->dir);
    free(library);
    return true;
}

// ---- while they run ----

static void add_running(struct library *library, const char *id) {
    struct library_figures *figures = g_new0(struct library_figures, 1);
    *figures = (struct library_figures){.state = "recording", .segments = 1};
    pthread_mutex_lock(&library->lock);
    g_hash_table_insert(library->running, g_strdup(id), figures);
    pthread_mutex_unlock(&library->lock);
}

int library_begin(struct library *library, const struct library_entry *entry,
                  char id[LIBRARY_ID_MAX], char dir[LIBRARY_PATH_MAX]) {
    library_make_id(entry->started_unix_ms, id);
    if (!library_path(library->dir, id, dir))
        return -ENAMETOOLONG;
    add_running(library, id); // before it is in the store: else its thread might repair it
    const struct store_recording recording = {.id = id,
                                              .room = entry->room,
                                              .owner = entry->owner,
                                              .call = entry->call,
                                              .title = entry->title ? entry->title : "",
                                              .container = entry->container,
                                              .has_video = entry->has_video,
                                              .started_unix_ms = entry->started_unix_ms};
    int error = store_add_recording(library->store, &recording);
    if (error)
        library_cancel(library, id);
    return error;
}

int library_make_place(struct library *library, const char *id) {
    return library_make_dir(library->dir, id);
}

static bool take_from_running(struct library *library, const char *id) {
    pthread_mutex_lock(&library->lock);
    bool was_running = g_hash_table_remove(library->running, id);
    pthread_mutex_unlock(&library->lock);
    return was_running;
}

void library_cancel(struct library *library, const char *id) {
    store_remove_recording(library->store, id);
    take_from_running(library, id);
    library_tidy(library);
}

bool library_is_running(struct library *library, const char *id, struct library_figures *figures) {
    pthread_mutex_lock(&library->lock);
    const struct library_figures *found = g_hash_table_lookup(library->running, id);
    if (found && figures)
        *figures = *found;
    pthread_mutex_unlock(&library->lock);
    return found != NULL;
}

void library_note(struct library *library, const char *id, const struct library_figures *figures) {
    pthread_mutex_lock(&library->lock);
    struct library_figures *found = g_hash_table_lookup(library->running, id);
    if (found)
        *found = *figures;
    pthread_mutex_unlock(&library->lock);
}

static void ask_for_pictures(struct library *library, const char *id, uint64_t bytes) {
    pthread_mutex_lock(&library->lock);
    library->bytes_ever += bytes;
    g_queue_push_tail(&library->pictures, g_strdup(id));
    pthread_cond_broadcast(&library->changed);
    pthread_mutex_unlock(&library->lock);
}

void library_end(struct library *library, const char *id, const struct library_figures *figures) {
    const struct store_recording ended = {.id = id,
                                          .state = figures->state,
                                          .reason = figures->reason ? figures->reason : "",
                                          .ended_unix_ms = g_get_real_time() / 1000,
                                          .duration_ms = figures->duration_ns / 1000000,
                                          .bytes = (int64_t)figures->bytes,
                                          .segments = figures->segments,
                                          .gaps = figures->gaps,
                                          .gap_ms = figures->gap_ns / 1000000};
    int error = store_end_recording(library->store, &ended);
    take_from_running(library, id);
    if (error == -ENOENT) // whose it was has gone
        library_tidy(library);
    else if (error)
        log_error(id, "its end is not in the store, so the next start repairs it: %s",
                  store_explain(error));
    else if (figures->bytes > 0)
        ask_for_pictures(library, id, figures->bytes);
}

void library_tidy(struct library *library) {
    if (!library)
        return;
    pthread_mutex_lock(&library->lock);
    library->wants_tidying = true;
    pthread_cond_broadcast(&library->changed);
    pthread_mutex_unlock(&library->lock);
}

void library_get_totals(struct library *library, struct library_totals *out) {
    int64_t bytes = 0, count = 0;
    *out = (struct library_totals){0};
    store_sum_recordings(library->store, &bytes, &count);
    pthread_mutex_lock(&library->lock);
    out->running = (int)g_hash_table_size(library->running);
    out->bytes_ever = library->bytes_ever;
    GHashTableIter each;
    gpointer value;
    g_hash_table_iter_init(&each, library->running);
    while (g_hash_table_iter_next(&each, NULL, &value)) {
        const struct library_figures *figures = value;
        bytes += (int64_t)figures->bytes;
        out->bytes_ever += figures->bytes;
    }
    pthread_mutex_unlock(&library->lock);
    out->bytes = (uint64_t)bytes;
    out->count = (int)count;
}

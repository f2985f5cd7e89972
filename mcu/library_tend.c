// SPDX-License-Identifier: MIT
// What the library's thread does, in this order: at the start it repairs what a crash has left;
// then it draws posters of what has ended, makes whole what a full disk has left unfinished, and
// once an hour deletes what is too old or too much. A repair is never half done: a file takes the
// place of the broken one when all of it is on the disk.
#include "mcu/library_internal.h"

#include "mcu/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    AT_ONCE = 100,
    SWEEP_EVERY_S = 3600,
    POSTER_WIDTH_PX = 640,
    SHEET_COLUMNS = 4,
    SHEET_ROWS = 3,
    SHEET_WIDTH_PX = 1280,
};
#define DAY_MS       (INT64_C(24) * 3600 * 1000)
#define POSTER_AT_NS INT64_C(3000000000)

void library_begin_slow(struct library *library) {
    pthread_mutex_lock(&library->lock);
    library->is_slow = true;
    pthread_mutex_unlock(&library->lock);
}

bool library_end_slow(struct library *library) {
    pthread_mutex_lock(&library->lock);
    library->is_slow = false;
    bool goes_on = !library->is_abandoned;
    pthread_mutex_unlock(&library->lock);
    return goes_on;
}

bool library_is_over(struct library *library) {
    pthread_mutex_lock(&library->lock);
    bool over = library->is_over;
    pthread_mutex_unlock(&library->lock);
    return over;
}

// ---- rows that are kept while something is done with them ----

void library_copy_row(void *rows, const struct store_recording *recording) {
    struct library_row row = {.bytes = recording->bytes,
                              .started_unix_ms = recording->started_unix_ms,
                              .ended_unix_ms = recording->ended_unix_ms,
                              .duration_ms = recording->duration_ms,
                              .gap_ms = recording->gap_ms,
                              .segments = recording->segments,
                              .gaps = recording->gaps,
                              .has_video = recording->has_video};
    g_strlcpy(row.id, recording->id, sizeof(row.id));
    g_strlcpy(row.container, recording->container, sizeof(row.container));
    g_strlcpy(row.state, recording->state, sizeof(row.state));
    g_strlcpy(row.reason, recording->reason, sizeof(row.reason));
    g_array_append_val((GArray *)rows, row);
}

// ---- repairs ----

// What is not finished plays too: where it cannot be repaired now, library_mend.c tries again.
static int repair_or_measure(struct library *library, const struct library_details *details,
                             const char *path, struct repair_outcome *out) {
    const struct repair_config config = {
        .chapters = details->chapters,
        .chapter_count = details->chapter_count,
        .free_floor_bytes = (int64_t)library->config->recordings_floor_mb * 1000000};
    repair_forget(path);
    if (repair_is_whole(path, out)) // one of the segments before
        return 0;
    int error =
        repair_has_room(path, config.free_floor_bytes) ? repair_file(path, &config, out) : -ENOSPC;
    return error && error != -ENODATA ? repair_measure(path, out) : error;
}

// False: given up.
static bool repair_segments(struct library *library, const struct library_row *row,
                            struct library_details *details, struct store_recording *found) {
    for (int segment = 1; segment <= LIBRARY_SEGMENTS_MAX; segment++) {
        char path[LIBRARY_PATH_MAX];
        struct repair_outcome outcome = {0};
        if (!library_media_path(library->dir, row->id, row->container, segment, path))
            break;
        library_begin_slow(library);
        bool is_there = access(path, F_OK) == 0;
        int error = is_there ? repair_or_measure(library, details, path, &outcome) : 0;
        if (!library_end_slow(library))
            return false;
        if (!is_there)
            break;
        found->segments = segment;
        if (error)
            log_warn(row->id, "segment %d cannot be repaired: %s", segment, strerror(-error));
        found->duration_ms += error ? 0 : outcome.duration_ns / 1000000;
        found->bytes += error ? 0 : (int64_t)outcome.bytes;
        library_details_skip(details, error ? 0 : outcome.duration_ns);
        if (library_is_over(library))
            break;
    }
    return true;
}

static void tell_recovered(struct library *library, const struct store_recording *found) {
    json_t *shown = library_show(library, found->id);
    const char *room = json_string_value(json_object_get(shown, "room"));
    bool is_good = strcmp(found->state, "recovered") == 0;
    log_info(found->id,
             is_good ? "recovered %.1f s of what was not finished"
                     : "nothing plays of what was not finished (%.1f s)",
             (double)found->duration_ms / 1000);
    char *name = g_strdup(room);
    events_add(library->events, is_good ? "recording-recovered" : "recording-failed", name,
               json_pack("{s:o}", "recording", shown ? shown : json_object()));
    g_free(name);
}

void library_ask_for_pictures(struct library *library, const char *id) {
    pthread_mutex_lock(&library->lock);
    g_queue_push_tail(&library->pictures, g_strdup(id));
    pthread_mutex_unlock(&library->lock);
}

static void end_recovered(struct library *library, const struct library_row *row,
                          const struct library_details *details, struct store_recording *found) {
    bool is_good = found->bytes > 0;
    found->state = is_good ? "recovered" : "failed";
    found->reason = is_good ? "" : "write-error";
    found->ended_unix_ms = row->started_unix_ms + found->duration_ms;
    found->gaps = details->gaps; // as far as was written down before the crash
    found->gap_ms = details->gap_ms;
    library_details_write(library->dir, row->id, details, found->duration_ms * 1000000);
    int error = store_end_recording(library->store, found);
    if (error)
        log_error(row->id, "recovered, but not in the store: %s", store_explain(error));
    else
        tell_recovered(library, found);
    if (!error && is_good)
        library_ask_for_pictures(library, row->id);
}

// False: given up.
static bool recover(struct library *library, const struct library_row *row) {
    struct store_recording found = {.id = row->id, .segments = 1, .reason = ""};
    struct library_details details;
    library_details_read(library->dir, row->id, &details);
    bool goes_on = repair_segments(library, row, &details, &found);
    if (goes_on && !library_is_over(library)) // else the next start begins again
        end_recovered(library, row, &details, &found);
    library_details_finish(&details);
    return goes_on;
}

static bool recover_all(struct library *library) {
    GArray *rows = g_array_new(FALSE, FALSE, sizeof(struct library_row));
    bool goes_on = true;
    store_each_unfinished_recording(library->store, INT32_MAX, library_copy_row, rows);
    for (guint i = 0; goes_on && i < rows->len && !library_is_over(library); i++) {
        const struct library_row *row = &g_array_index(rows, struct library_row, i);
        if (!library_is_running(library, row->id, NULL))
            goes_on = recover(library, row);
    }
    g_array_free(rows, TRUE);
    return goes_on;
}

// ---- pictures ----

typedef int draw_fn(const char *path, uint8_t **jpeg, size_t *size_bytes);

static int draw_poster(const char *path, uint8_t **jpeg, size_t *size_bytes) {
    return repair_make_poster(path, POSTER_AT_NS, POSTER_WIDTH_PX, jpeg, size_bytes);
}

static int draw_sheet(const char *path, uint8_t **jpeg, size_t *size_bytes) {
    return repair_make_sheet(path, SHEET_COLUMNS, SHEET_ROWS, SHEET_WIDTH_PX, jpeg, size_bytes);
}

// False: given up.
static bool make_picture(struct library *library, const struct library_row *row, const char *name,
                         draw_fn *draw) {
    char media[LIBRARY_PATH_MAX], path[LIBRARY_PATH_MAX];
    uint8_t *jpeg = NULL;
    size_t size_bytes = 0;
    if (!library_media_path(library->dir, row->id, row->container, 1, media) ||
        !library_side_path(library->dir, row->id, name, path))
        return true;
    library_begin_slow(library);
    int error = draw(media, &jpeg, &size_bytes);
    if (!error)
        error = library_write_file(path, jpeg, size_bytes);
    free(jpeg);
    if (!library_end_slow(library))
        return false;
    if (error)
        log_warn(row->id, "no %s: %s", name, strerror(-error));
    return true;
}

// Of the first file; what does not tell its length has none (yet). False: given up.
static bool make_sheet(struct library *library, const struct library_row *row) {
    char media[LIBRARY_PATH_MAX];
    struct repair_outcome look;
    if (!library_media_path(library->dir, row->id, row->container, 1, media) ||
        !repair_is_whole(media, &look))
        return true;
    if (!make_picture(library, row, "sheet.jpg", draw_sheet))
        return false;
    double every_s = (double)look.duration_ns / 1e9 / (SHEET_COLUMNS * SHEET_ROWS);
    library_details_add_sheet(library->dir, row->id,
                              json_pack("{s:i, s:i, s:f}", "columns", SHEET_COLUMNS, "rows",
                                        SHEET_ROWS, "every_seconds", every_s));
    return true;
}

static bool make_pictures(struct library *library, const char *id) {
    GArray *rows = g_array_new(FALSE, FALSE, sizeof(struct library_row));
    bool goes_on = true;
    store_get_recording(library->store, id, library_copy_row, rows);
    if (rows->len > 0 && g_array_index(rows, struct library_row, 0).has_video) {
        const struct library_row *row = &g_array_index(rows, struct library_row, 0);
        goes_on = make_picture(library, row, "poster.jpg", draw_poster) &&
                  (library_is_over(library) || make_sheet(library, row));
    }
    g_array_free(rows, TRUE);
    return goes_on;
}

// ---- what is too old or too much ----

static void note_gone(void *user, const char *id) {
    g_ptr_array_add(user, g_strdup(id));
}

// False: given up.
static bool remove_files(struct library *library, const char *id) {
    library_begin_slow(library);
    int error = library_remove_dir(library->dir, id);
    if (!library_end_slow(library))
        return false;
    if (!error)
        error = store_forget_gone_recording(library->store, id);
    if (error)
        log_warn(id, "its files are not deleted: %s", strerror(-error));
    return true;
}

bool library_remove_gone(struct library *library) {
    GPtrArray *ids = g_ptr_array_new_with_free_func(g_free);
    bool goes_on = true;
    store_each_gone_recording(library->store, INT32_MAX, note_gone, ids);
    for (guint i = 0; goes_on && i < ids->len && !library_is_over(library); i++)
        if (!library_is_running(library, ids->pdata[i], NULL)) // its end removes it
            goes_on = remove_files(library, ids->pdata[i]);
    g_ptr_array_free(ids, TRUE);
    return goes_on;
}

// Returns how many bytes went; *count: how many recordings.
static int64_t remove_oldest(struct library *library, int64_t before_unix_ms, int64_t enough_bytes,
                             const char *why, guint *count) {
    GArray *rows = g_array_new(FALSE, FALSE, sizeof(struct library_row));
    int64_t bytes = 0;
    store_each_old_recording(library->store, before_unix_ms, AT_ONCE, library_copy_row, rows);
    *count = 0;
    for (guint i = 0; i < rows->len && bytes < enough_bytes; i++) {
        const struct library_row *row = &g_array_index(rows, struct library_row, i);
        if (store_remove_recording(library->store, row->id) != 0)
            continue;
        log_info(row->id, "recording deleted: %s", why);
        bytes += row->bytes;
        ++*count;
    }
    g_array_free(rows, TRUE);
    return bytes;
}

static bool remove_aged(struct library *library, int64_t now_unix_ms) {
    guint count = AT_ONCE;
    int64_t before = now_unix_ms - library->config->recordings_days * DAY_MS;
    while (library->config->recordings_days > 0 && count == AT_ONCE && !library_is_over(library))
        remove_oldest(library, before, INT64_MAX, "older than recordings.days", &count);
    return library_remove_gone(library);
}

static bool remove_surplus(struct library *library) {
    int64_t limit = (int64_t)library->config->recordings_total_gb * 1000000000;
    int64_t bytes = 0, recordings = 0;
    guint count = 1;
    while (limit > 0 && count > 0 && !library_is_over(library) &&
           store_sum_recordings(library->store, &bytes, &recordings) == 0 && bytes > limit)
        remove_oldest(library, INT64_MAX, bytes - limit, "more than recordings.total_gb", &count);
    return library_remove_gone(library);
}

static int64_t now_s(void) {
    return g_get_monotonic_time() / G_USEC_PER_SEC;
}

static bool sweep(struct library *library) {
    library->sweep_at_s = now_s() + SWEEP_EVERY_S;
    return remove_aged(library, g_get_real_time() / 1000) && remove_surplus(library);
}

// ---- the thread ----

enum task { TASK_END, TASK_SWEEP, TASK_TIDY, TASK_PICTURES, TASK_MEND };

// What comes when nothing is asked for.
static enum task await_task_locked(struct library *library) {
    int64_t mend_s = library_mend_due_s(library);
    bool is_mend = mend_s < library->sweep_at_s;
    const struct timespec until = {.tv_sec = is_mend ? mend_s : library->sweep_at_s};
    int late = 0;
    while (!library->is_over && !library->wants_tidying && library->pictures.length == 0 &&
           late != ETIMEDOUT)
        late = pthread_cond_timedwait(&library->changed, &library->lock, &until);
    return is_mend ? TASK_MEND : TASK_SWEEP;
}

static enum task next_task(struct library *library, char **id) {
    pthread_mutex_lock(&library->lock);
    enum task task = await_task_locked(library);
    if (library->is_over)
        task = TASK_END;
    else if (library->wants_tidying)
        task = TASK_TIDY;
    else if ((*id = g_queue_pop_head(&library->pictures)))
        task = TASK_PICTURES;
    library->wants_tidying = false;
    pthread_mutex_unlock(&library->lock);
    return task;
}

// False: given up, or the end.
static bool do_task(struct library *library) {
    char *id = NULL;
    bool goes_on = true;
    switch (next_task(library, &id)) {
    case TASK_END: return false;
    case TASK_SWEEP: goes_on = sweep(library); break;
    case TASK_TIDY: goes_on = library_remove_gone(library); break;
    case TASK_MEND: goes_on = library_mend(library); break;
    case TASK_PICTURES: // another one has ended: it counts too
        goes_on = library_mend_consider(library, id) && make_pictures(library, id) &&
                  remove_surplus(library);
        break;
    }
    g_free(id);
    return goes_on;
}

static bool is_abandoned(struct library *library) {
    pthread_mutex_lock(&library->lock);
    bool abandoned = library->is_abandoned;
    pthread_mutex_unlock(&library->lock);
    return abandoned;
}

gpointer library_tend(gpointer user) {
    struct library *library = user;
    library_mend_init(library);
    bool goes_on = recover_all(library);
    if (goes_on && !library_is_over(library))
        goes_on = sweep(library);
    if (goes_on && !library_is_over(library))
        goes_on = library_mend_consider_all(library);
    while (goes_on)
        goes_on = do_task(library);
    if (is_abandoned(library))
        return NULL;
    library_mend_finish(library);
    pthread_mutex_lock(&library->lock);
    library->is_ended = true;
    pthread_cond_broadcast(&library->changed);
    pthread_mutex_unlock(&library->lock);
    return NULL;
}

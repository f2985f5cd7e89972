// SPDX-License-Identifier: MIT
// A recording that ended on a full disk plays, but could not be finished: it has no duration and
// nothing to seek by. When there is room for a second copy of it again, and for what is to stay
// free, it is repaired as after a crash; what it is called (failed, and why) it keeps. How often
// that was tried stands beside it on the disk: whatever is wrong with a file, and however often the
// server begins anew, it is not tried for ever.
#include "mcu/library_internal.h"

#include "mcu/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    TRIES_MAX = 5,
    LOOK_EVERY_S = 3, // at the free space
    PAUSE_S = 60,     // after a try, doubled with each
};

struct torn {
    char id[LIBRARY_ID_MAX];
    char path[LIBRARY_PATH_MAX]; // of the file that there must be room for
    int64_t due_s;
};

enum mended {
    MENDED,
    MEND_LATER, // no room, or another try
    MEND_NEVER, // it has gone, or there is no hope
    MEND_GIVEN_UP,
};

void library_mend_init(struct library *library) {
    library->torn = g_array_new(FALSE, FALSE, sizeof(struct torn));
}

void library_mend_finish(struct library *library) {
    g_array_free(library->torn, TRUE);
}

static int64_t now_s(void) {
    return g_get_monotonic_time() / G_USEC_PER_SEC;
}

// ---- how often it was tried ----

static bool tries_path(const struct library *library, const char *id, char out[LIBRARY_PATH_MAX]) {
    char dir[LIBRARY_PATH_MAX];
    return library_path(library->dir, id, dir) &&
           g_snprintf(out, LIBRARY_PATH_MAX, "%s/repair-tries", dir) < LIBRARY_PATH_MAX;
}

static int read_tries(const struct library *library, const char *id) {
    char path[LIBRARY_PATH_MAX], *text = NULL;
    if (!tries_path(library, id, path))
        return TRIES_MAX;
    if (!g_file_get_contents(path, &text, NULL, NULL))
        return 0;
    int tries = (int)g_ascii_strtoll(text, NULL, 10);
    g_free(text);
    return CLAMP(tries, 0, TRIES_MAX);
}

// Before the try: one that takes the server with it counts too.
static int write_tries(const struct library *library, const char *id, int tries) {
    char path[LIBRARY_PATH_MAX], text[16];
    snprintf(text, sizeof(text), "%d\n", tries);
    return tries_path(library, id, path) ? library_write_file(path, text, strlen(text))
                                         : -ENAMETOOLONG;
}

static void forget_tries(const struct library *library, const char *id) {
    char path[LIBRARY_PATH_MAX];
    if (tries_path(library, id, path))
        unlink(path);
}

// ---- who waits ----

// A finished MP4 too: there may have been no room to make a plain one of it.
static bool may_be_torn(const struct library_row *row) {
    bool is_short_of_disk =
        strcmp(row->reason, "disk-full") == 0 || strcmp(row->reason, "write-error") == 0;
    return row->ended_unix_ms > 0 && row->bytes > 0 &&
           (is_short_of_disk || strcmp(row->state, "recovered") == 0 ||
            strcmp(row->container, "mp4") == 0);
}

// *path: the first file that is.
static bool find_torn(const struct library *library, const struct library_row *row,
                      char path[LIBRARY_PATH_MAX]) {
    for (int segment = 1; segment <= row->segments; segment++) {
        struct repair_outcome look;
        if (!library_media_path(library->dir, row->id, row->container, segment, path) ||
            access(path, F_OK) != 0)
            return false;
        if (!repair_is_whole(path, &look))
            return true;
    }
    return false;
}

// False: given up.
static bool consider(struct library *library, const struct library_row *row) {
    struct torn torn = {.due_s = now_s()};
    if (!may_be_torn(row) || library_is_running(library, row->id, NULL))
        return true;
    library_begin_slow(library);
    bool is_torn = find_torn(library, row, torn.path);
    if (is_torn)
        repair_forget(torn.path); // a server that ended in the middle of it
    is_torn = is_torn && read_tries(library, row->id) < TRIES_MAX;
    if (!library_end_slow(library))
        return false;
    if (!is_torn)
        return true;
    g_strlcpy(torn.id, row->id, sizeof(torn.id));
    g_array_append_val(library->torn, torn);
    log_info(row->id, "not whole: it is repaired when there is room on the disk");
    return true;
}

static bool get_row(struct library *library, const char *id, struct library_row *out) {
    GArray *rows = g_array_new(FALSE, FALSE, sizeof(struct library_row));
    store_get_recording(library->store, id, library_copy_row, rows);
    bool is_there = rows->len > 0;
    if (is_there)
        *out = g_array_index(rows, struct library_row, 0);
    g_array_free(rows, TRUE);
    return is_there;
}

bool library_mend_consider(struct library *library, const char *id) {
    struct library_row row;
    for (guint i = 0; i < library->torn->len; i++)
        if (strcmp(g_array_index(library->torn, struct torn, i).id, id) == 0)
            return true;
    return !get_row(library, id, &row) || consider(library, &row);
}

bool library_mend_consider_all(struct library *library) {
    GArray *rows = g_array_new(FALSE, FALSE, sizeof(struct library_row));
    store_each_old_recording(library->store, INT64_MAX, INT32_MAX, library_copy_row, rows);
    bool goes_on = true;
    for (guint i = 0; goes_on && i < rows->len && !library_is_over(library); i++)
        goes_on = consider(library, &g_array_index(rows, struct library_row, i));
    g_array_free(rows, TRUE);
    return goes_on;
}

int64_t library_mend_due_s(const struct library *library) {
    int64_t due_s = INT64_MAX;
    for (guint i = 0; i < library->torn->len; i++)
        due_s = MIN(due_s, g_array_index(library->torn, struct torn, i).due_s);
    return due_s;
}

// ---- one of them ----

static int64_t floor_bytes(const struct library *library) {
    return (int64_t)library->config->recordings_floor_mb * 1000000;
}

// It failed with this. What has no hope is not tried again.
static enum mended put_off(struct library *library, struct torn *torn, int tries, int error) {
    struct library_row row;
    if (!get_row(library, torn->id, &row)) // deleted meanwhile
        return library_remove_gone(library) ? MEND_NEVER : MEND_GIVEN_UP;
    if (error == -ENODATA || tries >= TRIES_MAX) {
        write_tries(library, torn->id, TRIES_MAX);
        log_warn(torn->id, "it cannot be repaired, and stays as it is (%d of %d tries): %s", tries,
                 TRIES_MAX, error == -ENODATA ? "nothing plays" : strerror(-error));
        return MEND_NEVER;
    }
    log_warn(torn->id, "it could not be repaired (%d of %d tries): %s", tries, TRIES_MAX,
             strerror(-error));
    torn->due_s = now_s() + ((int64_t)PAUSE_S << (tries - 1));
    return MEND_LATER;
}

static enum mended mend_file(struct library *library, struct torn *torn,
                             const struct library_details *details, const char *path,
                             struct repair_outcome *out) {
    const struct repair_config config = {.chapters = details->chapters,
                                         .chapter_count = details->chapter_count,
                                         .free_floor_bytes = floor_bytes(library)};
    int tries = read_tries(library, torn->id) + 1;
    if (!repair_has_room(path, config.free_floor_bytes) ||
        write_tries(library, torn->id, tries) != 0) {
        torn->due_s = now_s() + LOOK_EVERY_S;
        return MEND_LATER;
    }
    library_begin_slow(library);
    int error = repair_file(path, &config, out);
    if (!library_end_slow(library))
        return MEND_GIVEN_UP;
    if (!error && !repair_is_whole(path, out)) // a single picture, say: no better than it was
        error = -ENODATA;
    return error ? put_off(library, torn, tries, error) : MENDED;
}

static enum mended mend_files(struct library *library, struct torn *torn,
                              const struct library_row *row, struct library_details *details,
                              struct store_recording *found) {
    for (int segment = 1; segment <= row->segments; segment++) {
        char path[LIBRARY_PATH_MAX];
        struct repair_outcome outcome = {0};
        if (!library_media_path(library->dir, row->id, row->container, segment, path) ||
            access(path, F_OK) != 0)
            break;
        enum mended mended = MENDED;
        if (!repair_is_whole(path, &outcome)) {
            g_strlcpy(torn->path, path, sizeof(torn->path));
            mended = mend_file(library, torn, details, path, &outcome);
        }
        if (mended != MENDED)
            return mended;
        found->segments = segment;
        found->duration_ms += outcome.duration_ns / 1000000;
        found->bytes += (int64_t)outcome.bytes;
        library_details_skip(details, outcome.duration_ns);
    }
    return found->segments > 0 ? MENDED : MEND_NEVER;
}

static void tell_mended(struct library *library, const struct store_recording *found) {
    json_t *shown = library_show(library, found->id);
    if (!shown)
        return;
    char *room = g_strdup(json_string_value(json_object_get(shown, "room")));
    log_info(found->id, "whole now: %.1f s", (double)found->duration_ms / 1000);
    events_add(library->events, "recording-repaired", room, json_pack("{s:o}", "recording", shown));
    g_free(room);
}

static enum mended note_mended(struct library *library, const struct library_details *details,
                               const struct store_recording *found) {
    library_details_write(library->dir, found->id, details, found->duration_ms * 1000000);
    int error = store_end_recording(library->store, found);
    if (error == -ENOENT) // deleted meanwhile: its files may have come back
        return library_remove_gone(library) ? MEND_NEVER : MEND_GIVEN_UP;
    if (error) // the next start finds it whole, and its figures as they were
        log_error(found->id, "whole now, but not in the store: %s", store_explain(error));
    forget_tries(library, found->id);
    tell_mended(library, found);
    library_ask_for_pictures(library, found->id);
    return MENDED;
}

static enum mended mend(struct library *library, struct torn *torn) {
    struct library_row row;
    struct library_details details;
    if (!get_row(library, torn->id, &row) || row.ended_unix_ms == 0)
        return MEND_NEVER;
    struct store_recording found = {.id = row.id,
                                    .state = row.state,
                                    .reason = row.reason,
                                    .ended_unix_ms = row.ended_unix_ms,
                                    .gaps = row.gaps,
                                    .gap_ms = row.gap_ms};
    library_details_read(library->dir, row.id, &details);
    enum mended mended = mend_files(library, torn, &row, &details, &found);
    if (mended == MENDED)
        mended = note_mended(library, &details, &found);
    library_details_finish(&details);
    return mended;
}

bool library_mend(struct library *library) {
    for (guint i = 0; i < library->torn->len && !library_is_over(library);) {
        struct torn *torn = &g_array_index(library->torn, struct torn, i);
        if (torn->due_s > now_s()) {
            i++;
            continue;
        }
        // All but the free space is looked at only if there is enough of it.
        enum mended mended = MEND_LATER;
        library_begin_slow(library);
        bool has_room = repair_has_room(torn->path, floor_bytes(library));
        if (!library_end_slow(library))
            return false;
        if (has_room)
            mended = mend(library, torn);
        else
            torn->due_s = now_s() + LOOK_EVERY_S;
        if (mended == MEND_GIVEN_UP)
            return false;
        if (mended == MEND_LATER)
            i++;
        else
            g_array_remove_index(library->torn, i);
    }
    return true;
}

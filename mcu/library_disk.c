// SPDX-License-Identifier: MIT
// A thread that does nothing but look how the disk is, once a second: whoever must not wait for a
// disk asks what it saw last. That it does not come back from looking is an answer too.
#include "mcu/library_internal.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_EVERY_S = 1, FIRST_LOOK_MS = 500 };
#define STALLED_AFTER_US INT64_C(2000000)

// The directory is made with the first recording: until then it is the one above that counts.
static int statvfs_nearest(const char *dir, char path[LIBRARY_PATH_MAX], struct statvfs *out) {
    g_strlcpy(path, dir, LIBRARY_PATH_MAX);
    for (;;) {
        if (statvfs(path, out) == 0)
            return 0;
        if (errno != ENOENT)
            return -errno;
        char *slash = strrchr(path, '/');
        if (slash && slash != path)
            *slash = '\0';
        else if (strcmp(path, "/") == 0 || strcmp(path, ".") == 0)
            return -ENOENT;
        else
            g_strlcpy(path, slash ? "/" : ".", LIBRARY_PATH_MAX);
    }
}

static void look(const struct library *library, struct library_disk *out) {
    char path[LIBRARY_PATH_MAX];
    struct statvfs about;
    *out = (struct library_disk){.has_looked = true};
    out->error = statvfs_nearest(library->dir, path, &about);
    if (out->error)
        return;
    out->free_bytes = (int64_t)about.f_bavail * (int64_t)about.f_frsize;
    if (!g_file_test(path, G_FILE_TEST_IS_DIR))
        out->error = -ENOTDIR;
    else if (access(path, W_OK | X_OK) != 0)
        out->error = -errno;
}

static void note_locked(struct library *library, const struct library_disk *seen) {
    bool is_first = !library->disk.has_looked;
    library->disk = *seen;
    if (is_first)
        pthread_cond_broadcast(&library->changed);
}

static struct timespec in(int64_t ms) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + ms * 1000000;
    until.tv_sec += ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    return until;
}

static void rest_locked(struct library *library) {
    struct timespec until = in(LOOK_EVERY_S * 1000);
    int late = 0;
    while (!library->is_over && late != ETIMEDOUT)
        late = pthread_cond_timedwait(&library->changed, &library->lock, &until);
}

gpointer library_watch(gpointer user) {
    struct library *library = user;
    pthread_mutex_lock(&library->lock);
    while (!library->is_over) {
        struct library_disk seen;
        library->disk.since_us = g_get_monotonic_time();
        pthread_mutex_unlock(&library->lock);
        look(library, &seen);
        pthread_mutex_lock(&library->lock);
        note_locked(library, &seen);
        rest_locked(library);
    }
    library->is_blind = true;
    pthread_cond_broadcast(&library->changed);
    pthread_mutex_unlock(&library->lock);
    return NULL;
}

// Not for long: a disk that stalls is no reason not to serve calls.
void library_await_first_look(struct library *library) {
    struct timespec until = in(FIRST_LOOK_MS);
    int late = 0;
    pthread_mutex_lock(&library->lock);
    while (!library->disk.has_looked && late != ETIMEDOUT)
        late = pthread_cond_timedwait(&library->changed, &library->lock, &until);
    pthread_mutex_unlock(&library->lock);
}

static struct library_disk get(struct library *library) {
    pthread_mutex_lock(&library->lock);
    struct library_disk disk = library->disk;
    pthread_mutex_unlock(&library->lock);
    return disk;
}

int library_check_disk(struct library *library) {
    struct library_disk disk = get(library);
    int64_t floor_bytes = (int64_t)library->config->recordings_floor_mb * 1000000;
    if (!disk.has_looked || disk.error) // who has not seen it has not said that it is full
        return disk.error;
    return disk.free_bytes < floor_bytes ? -ENOSPC : 0;
}

bool library_is_stalled(struct library *library) {
    struct library_disk disk = get(library);
    return disk.since_us > 0 && g_get_monotonic_time() - disk.since_us > STALLED_AFTER_US;
}

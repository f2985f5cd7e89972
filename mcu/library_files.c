// SPDX-License-Identifier: MIT
// Every path is made of the library's directory, an id of [a-z0-9-] and a name of a fixed list:
// nothing that a client says becomes part of one.
#include "mcu/library_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RANDOM_BYTES = 8 };

void library_make_id(int64_t unix_ms, char id[LIBRARY_ID_MAX]) {
    unsigned char random[RANDOM_BYTES];
    char hex[2 * RANDOM_BYTES + 1];
    randombytes_buf(random, sizeof(random));
    sodium_bin2hex(hex, sizeof(hex), random, sizeof(random));
    snprintf(id, LIBRARY_ID_MAX, "%011llx-%.*s", (unsigned long long)unix_ms & 0xfffffffffff,
             2 * RANDOM_BYTES, hex);
}

bool library_is_id(const char *id) {
    size_t length = strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return length > 0 && length < LIBRARY_ID_MAX && id[length] == '\0' && id[0] != '-';
}

// ---- names ----

static bool put(char out[LIBRARY_PATH_MAX], const char *dir, const char *id, const char *name) {
    if (!library_is_id(id))
        return false;
    int length = snprintf(out, LIBRARY_PATH_MAX, "%s/%s%s%s", dir, id, name[0] ? "/" : "", name);
    return length > 0 && length < LIBRARY_PATH_MAX;
}

bool library_path(const char *dir, const char *id, char out[LIBRARY_PATH_MAX]) {
    return put(out, dir, id, "");
}

static const struct container {
    const char *name, *video_type, *audio_type;
} containers[] = {
    {"mkv", "video/x-matroska", "audio/x-matroska"},
    {"mp4", "video/mp4", "audio/mp4"},
    {"ogg", "audio/ogg", "audio/ogg"},
    {"webm", "video/webm", "audio/webm"},
};

static const struct container *find_container(const char *name) {
    for (size_t i = 0; i < G_N_ELEMENTS(containers); i++)
        if (strcmp(containers[i].name, name) == 0)
            return &containers[i];
    return NULL;
}

const char *library_media_type(const char *container, bool has_video) {
    const struct container *found = find_container(container);
    if (!found)
        return "application/octet-stream";
    return has_video ? found->video_type : found->audio_type;
}

bool library_media_path(const char *dir, const char *id, const char *container, int segment,
                        char out[LIBRARY_PATH_MAX]) {
    char name[40];
    if (!find_container(container) || segment < 1 || segment > LIBRARY_SEGMENTS_MAX)
        return false;
    if (segment == 1)
        snprintf(name, sizeof(name), "media.%s", container);
    else
        snprintf(name, sizeof(name), "media-%d.%s", segment, container);
    return put(out, dir, id, name);
}

static const struct side {
    const char *name, *type;
} sides[] = {
    {"chapters.vtt", "text/vtt; charset=utf-8"},
    {"chat.vtt", "text/vtt; charset=utf-8"},
    {"details.json", "application/json"},
    {"poster.jpg", "image/jpeg"},
    {"sheet.jpg", "image/jpeg"},
};

const char *library_side_type(const char *name) {
    for (size_t i = 0; i < G_N_ELEMENTS(sides); i++)
        if (strcmp(sides[i].name, name) == 0)
            return sides[i].type;
    return NULL;
}

bool library_side_path(const char *dir, const char *id, const char *name,
                       char out[LIBRARY_PATH_MAX]) {
    return library_side_type(name) && put(out, dir, id, name);
}

// ---- directories ----

int library_make_dir(const char *dir, const char *id) {
    char path[LIBRARY_PATH_MAX];
    if (!library_path(dir, id, path))
        return -ENAMETOOLONG;
    if (g_mkdir_with_parents(dir, 0700) != 0 || mkdir(path, 0700) != 0)
        return -errno;
    return 0;
}

static void remove_files(DIR *open_dir) {
    const struct dirent *entry;
    while ((entry = readdir(open_dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlinkat(dirfd(open_dir), entry->d_name, 0); // what is a directory is none of ours
}

int library_remove_dir(const char *dir, const char *id) {
    char path[LIBRARY_PATH_MAX];
    if (!library_path(dir, id, path))
        return -EINVAL;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    DIR *open_dir = fdopendir(fd);
    if (!open_dir) {
        int error = -errno;
        close(fd);
        return error;
    }
    remove_files(open_dir);
    closedir(open_dir);
    return rmdir(path) == 0 || errno == ENOENT ? 0 : -errno;
}

int library_write_file(const char *path, const void *data, size_t size_bytes) {
    GError *error = NULL;
    if (g_file_set_contents_full(path, data, (gssize)size_bytes, G_FILE_SET_CONTENTS_CONSISTENT,
                                 0600, &error))
        return 0;
    int code = g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOSPC) ? -ENOSPC : -EIO;
    g_clear_error(&error);
    return code;
}

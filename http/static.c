// SPDX-License-Identifier: MIT
#include "http/static.h"

#include "http/assets_data.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 64 << 20, ETAG_HASH_BYTES = 16 };

struct static_files {
    int directory_fd; // -1: those in the binary
    size_t count;
    char (*etags)[48]; // one for each entry of assets_data
};

static const char revalidate[] = "no-cache"; // kept, but asked for each time: the ETag answers
static const char keep_a_day[] = "public, max-age=86400";

static const struct {
    const char *ending, *type, *cache_control;
} types[] = {
    {"css", "text/css; charset=utf-8", revalidate},
    {"gif", "image/gif", keep_a_day},
    {"html", "text/html; charset=utf-8", revalidate},
    {"ico", "image/x-icon", keep_a_day},
    {"jpg", "image/jpeg", keep_a_day},
    {"js", "text/javascript; charset=utf-8", revalidate},
    {"json", "application/json", revalidate},
    {"mjs", "text/javascript; charset=utf-8", revalidate},
    {"mp3", "audio/mpeg", keep_a_day},
    {"ogg", "audio/ogg", keep_a_day},
    {"png", "image/png", keep_a_day},
    {"svg", "image/svg+xml", revalidate},
    {"ttf", "font/ttf", keep_a_day},
    {"txt", "text/plain; charset=utf-8", revalidate},
    {"wasm", "application/wasm", revalidate},
    {"wav", "audio/wav", keep_a_day},
    {"webm", "video/webm", keep_a_day},
    {"webmanifest", "application/manifest+json", revalidate},
    {"webp", "image/webp", keep_a_day},
    {"woff2", "font/woff2", keep_a_day},
    {"yaml", "application/yaml", revalidate},
};

static void set_type(struct static_file *file, const char *name) {
    const char *dot = strrchr(name, '.');
    file->type = "application/octet-stream";
    file->cache_control = revalidate;
    for (size_t i = 0; dot && i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(dot + 1, types[i].ending) != 0)
            continue;
        file->type = types[i].type;
        file->cache_control = types[i].cache_control;
    }
}

static void make_etag(const void *data, size_t size_bytes, char etag[48]) {
    unsigned char hash[ETAG_HASH_BYTES];
    char text[2 * ETAG_HASH_BYTES + 1];
    crypto_generichash(hash, sizeof(hash), data, size_bytes, NULL, 0);
    sodium_bin2hex(text, sizeof(text), hash, sizeof(hash));
    snprintf(etag, 48, "\"%s\"", text);
}

static size_t asset_bytes(const struct asset *asset) {
    return (size_t)(asset->end - asset->start);
}

struct static_files *static_create(const char *directory) {
    struct static_files *files = calloc(1, sizeof(*files));
    if (!files || sodium_init() < 0)
        goto fail;
    files->directory_fd = -1;
    if (directory && directory[0]) {
        files->directory_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (files->directory_fd < 0)
            goto fail;
        return files;
    }
    files->count = (size_t)(assets_data_end - assets_data);
    files->etags = calloc(files->count + 1, sizeof(files->etags[0]));
    if (!files->etags)
        goto fail;
    for (size_t i = 0; i < files->count; i++)
        make_etag(assets_data[i].start, asset_bytes(&assets_data[i]), files->etags[i]);
    return files;
fail:
    free(files);
    return NULL;
}

void static_destroy(struct static_files *files) {
    if (!files)
        return;
    if (files->directory_fd >= 0)
        close(files->directory_fd);
    free(files->etags);
    free(files);
}

// ---- in the binary ----

static int compare_path(const void *key, const void *asset) {
    return strcmp(key, ((const struct asset *)asset)->path);
}

static int get_built_in(const struct static_files *files, const char *path,
                        struct static_file *out) {
    const struct asset *asset =
        bsearch(path, assets_data, files->count, sizeof(assets_data[0]), compare_path);
    if (!asset)
        return -ENOENT;
    out->data = asset->start;
    out->size_bytes = asset_bytes(asset);
    out->is_owned = false;
    memcpy(out->etag, files->etags[asset - assets_data], sizeof(out->etag));
    return 0;
}

// ---- on the disk ----

// One step at a time and through no link, so that nothing outside the directory can be reached.
static int open_below(int directory_fd, char *const *segments, int segment_count) {
    int at = dup(directory_fd);
    for (int i = 0; i < segment_count && at >= 0; i++) {
        int flags = O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK |
                    (i + 1 < segment_count ? O_PATH | O_DIRECTORY : O_RDONLY);
        int next = openat(at, segments[i], flags);
        close(at);
        at = next;
    }
    return at;
}

static int read_all(int fd, struct static_file *out) {
    struct stat info;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size > FILE_BYTES_MAX)
        return -ENOENT;
    char *data = malloc((size_t)info.st_size + 1);
    if (!data)
        return -ENOMEM;
    size_t bytes = 0;
    ssize_t got;
    while (bytes < (size_t)info.st_size &&
           (got = read(fd, data + bytes, (size_t)info.st_size - bytes)) > 0)
        bytes += (size_t)got;
    out->data = data;
    out->size_bytes = bytes;
    out->is_owned = true;
    make_etag(data, bytes, out->etag);
    return 0;
}

static int get_from_disk(const struct static_files *files, char *const *segments, int segment_count,
                         struct static_file *out) {
    int fd = open_below(files->directory_fd, segments, segment_count);
    if (fd < 0)
        return -ENOENT;
    int result = read_all(fd, out);
    close(fd);
    return result;
}

int static_get(const struct static_files *files, char *const *segments, int segment_count,
               struct static_file *out) {
    char path[PATH_MAX];
    size_t used = 0;
    if (segment_count == 0)
        return -ENOENT;
    for (int i = 0; i < segment_count; i++) {
        const char *segment = segments[i]; // hidden files, "." and ".." all start with a dot
        if (segment[0] == '\0' || segment[0] == '.' || strchr(segment, '/'))
            return -ENOENT;
        int wrote = snprintf(path + used, sizeof(path) - used, "%s%s", i ? "/" : "", segment);
        if (wrote < 0 || (size_t)wrote >= sizeof(path) - used)
            return -ENOENT;
        used += (size_t)wrote;
    }
    int result = files->directory_fd >= 0 ? get_from_disk(files, segments, segment_count, out)
                                          : get_built_in(files, path, out);
    if (result == 0)
        set_type(out, segments[segment_count - 1]);
    return result;
}

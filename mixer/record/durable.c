// SPDX-License-Identifier: MIT
#include "mixer/record/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int sync_path(const char *path, int flags) {
    int fd = open(path, flags | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int result = fsync(fd) ? -errno : 0;
    close(fd);
    return result;
}

int durable_sync_file(const char *path) {
    return sync_path(path, O_RDONLY);
}

int durable_sync_name(const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash)
        return sync_path(".", O_RDONLY | O_DIRECTORY);
    char *directory = strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (!directory)
        return -ENOMEM;
    int result = sync_path(directory, O_RDONLY | O_DIRECTORY);
    free(directory);
    return result;
}

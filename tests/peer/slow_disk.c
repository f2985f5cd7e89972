// SPDX-License-Identifier: MIT
// Built into slow_disk.so, to be preloaded: stands between a program and the C library's calls to
// files, and makes a directory of theirs as slow as the test says. See slow_disk.h.
#include "tests/peer/slow_disk.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { FDS_MAX = 65536, POLL_NS = 2000000 };

static struct slow_disk *disk; // NULL: no test wants one
static const char *slow_dir;
static size_t slow_dir_bytes;
static atomic_bool is_slow_fd[FDS_MAX];

// The C library's own.
#define NEXT(name)                                                                                 \
    ({                                                                                             \
        static __typeof__(&name) found;                                                            \
        if (!found)                                                                                \
            found = (__typeof__(&name))dlsym(RTLD_NEXT, #name);                                    \
        found;                                                                                     \
    })

__attribute__((constructor)) static void begin(void) {
    const char *flag = getenv(SLOW_DISK_FLAG);
    slow_dir = getenv(SLOW_DISK_DIR);
    if (!flag || !slow_dir)
        return;
    slow_dir_bytes = strlen(slow_dir);
    int fd = NEXT(open)(flag, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return;
    void *map = mmap(NULL, sizeof(*disk), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    NEXT(close)(fd);
    disk = map == MAP_FAILED ? NULL : map;
}

static bool is_slow(int fd) {
    return fd >= 0 && fd < FDS_MAX && atomic_load(&is_slow_fd[fd]);
}

static bool is_below(int fd, const char *path) {
    if (!disk || !path)
        return false;
    if (path[0] != '/')
        return is_slow(fd);
    return strncmp(path, slow_dir, slow_dir_bytes) == 0 &&
           (path[slow_dir_bytes] == '/' || path[slow_dir_bytes] == '\0');
}

static void stand_still(void) {
    static const struct timespec poll = {0, POLL_NS};
    int error = errno;
    atomic_fetch_add(&disk->calls, 1);
    if (atomic_load(&disk->is_stalled)) {
        atomic_fetch_add(&disk->held, 1);
        atomic_fetch_add(&disk->waiting, 1);
        while (atomic_load(&disk->is_stalled))
            nanosleep(&poll, NULL);
        atomic_fetch_sub(&disk->waiting, 1);
    }
    errno = error;
}

static bool touch(int dir_fd, const char *path) {
    bool is = is_below(dir_fd, path);
    if (is)
        stand_still();
    return is;
}

static void use(int fd) {
    if (is_slow(fd))
        stand_still();
}

static int keep(int fd, bool is) {
    if (fd >= 0 && fd < FDS_MAX)
        atomic_store(&is_slow_fd[fd], is);
    return fd;
}

static bool takes_mode(int flags) {
    return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
}

#define READ_MODE(mode, flags)                                                                     \
    mode_t mode = 0;                                                                               \
    if (takes_mode(flags)) {                                                                       \
        va_list arguments;                                                                         \
        va_start(arguments, flags);                                                                \
        mode = va_arg(arguments, mode_t);                                                          \
        va_end(arguments);                                                                         \
    }

// ---- files ----

#define STAND_IN_FOR_OPEN(name)                                                                    \
    int name(const char *path, int flags, ...) {                                                   \
        READ_MODE(mode, flags)                                                                     \
        bool is = touch(-1, path);                                                                 \
        return keep(NEXT(name)(path, flags, mode), is);                                            \
    }
STAND_IN_FOR_OPEN(open)
STAND_IN_FOR_OPEN(open64)

#define STAND_IN_FOR_OPENAT(name)                                                                  \
    int name(int dir_fd, const char *path, int flags, ...) {                                       \
        READ_MODE(mode, flags)                                                                     \
        bool is = touch(dir_fd, path);                                                             \
        return keep(NEXT(name)(dir_fd, path, flags, mode), is);                                    \
    }
STAND_IN_FOR_OPENAT(openat)
STAND_IN_FOR_OPENAT(openat64)

// What programs built with _FORTIFY_SOURCE call.
int __open_2(const char *path, int flags);
int __open_2(const char *path, int flags) {
    return open(path, flags);
}
int __open64_2(const char *path, int flags);
int __open64_2(const char *path, int flags) {
    return open64(path, flags);
}

int close(int fd) {
    keep(fd, false);
    return NEXT(close)(fd);
}

ssize_t write(int fd, const void *data, size_t size) {
    use(fd);
    return NEXT(write)(fd, data, size);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    use(fd);
    return NEXT(writev)(fd, parts, count);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
    use(fd);
    return NEXT(pwrite)(fd, data, size, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
    use(fd);
    return NEXT(pwrite64)(fd, data, size, offset);
}

int fsync(int fd) {
    use(fd);
    return NEXT(fsync)(fd);
}

int fdatasync(int fd) {
    use(fd);
    return NEXT(fdatasync)(fd);
}

int ftruncate(int fd, off_t size) {
    use(fd);
    return NEXT(ftruncate)(fd, size);
}

// ---- names ----

int mkdir(const char *path, mode_t mode) {
    if (touch(-1, path) && atomic_load(&disk->error)) {
        errno = atomic_load(&disk->error);
        return -1;
    }
    return NEXT(mkdir)(path, mode);
}

int rename(const char *from, const char *to) {
    touch(-1, to);
    return NEXT(rename)(from, to);
}

int unlink(const char *path) {
    touch(-1, path);
    return NEXT(unlink)(path);
}

int unlinkat(int dir_fd, const char *path, int flags) {
    touch(dir_fd, path);
    return NEXT(unlinkat)(dir_fd, path, flags);
}

int rmdir(const char *path) {
    touch(-1, path);
    return NEXT(rmdir)(path);
}

int access(const char *path, int mode) {
    touch(-1, path);
    return NEXT(access)(path, mode);
}

int stat(const char *path, struct stat *out) {
    touch(-1, path);
    return NEXT(stat)(path, out);
}

int lstat(const char *path, struct stat *out) {
    touch(-1, path);
    return NEXT(lstat)(path, out);
}

int statvfs(const char *path, struct statvfs *out) {
    touch(-1, path);
    return NEXT(statvfs)(path, out);
}

DIR *opendir(const char *path) {
    touch(-1, path);
    return NEXT(opendir)(path);
}

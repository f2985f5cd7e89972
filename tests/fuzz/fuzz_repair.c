// SPDX-License-Identifier: MIT
// libFuzzer target: files that lie under a recording's name, whatever they are. The first byte
// says which name. It begins with what seeds.c makes: from nothing it would find no container.
#include "mixer/record/repair.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const ENDINGS[] = {"webm", "mkv", "mp4", "ogg"};

static void store(const char *path, const uint8_t *data, size_t size) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size || close(fd))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1)
        return 0;
    char path[64], part[80];
    snprintf(path, sizeof(path), "/dev/shm/fuzz_repair_%d.%s", (int)getpid(), ENDINGS[data[0] & 3]);
    snprintf(part, sizeof(part), "%s.part", path);
    store(path, data + 1, size - 1);
    uint8_t *jpeg = NULL;
    size_t jpeg_bytes = 0;
    if (repair_make_sheet(path, 2, 2, 64, &jpeg, &jpeg_bytes) == 0 && jpeg_bytes == 0)
        abort();
    free(jpeg);
    static const struct repair_chapter CHAPTERS[] = {{0, "one"}, {100000000, "two"}, {1, "three"}};
    static const struct repair_config CONFIG = {.chapters = CHAPTERS, .chapter_count = 3};
    struct repair_outcome outcome, measured;
    bool was_whole = repair_is_whole(path, &outcome);
    int plays = repair_measure(path, &measured);
    int result = repair_file(path, &CONFIG, &outcome);
    if (result == 0 && plays != 0)
        abort();
    if (was_whole && outcome.duration_ns < 0)
        abort();
    struct stat about;
    if (stat(path, &about) || access(part, F_OK) == 0)
        abort();
    if ((uint64_t)about.st_size != (result == 0 ? outcome.bytes : size - 1))
        abort();
    // What was repaired once is whole.
    if (result == 0 && repair_file(path, NULL, &outcome) != 0)
        abort();
    unlink(path);
    return 0;
}

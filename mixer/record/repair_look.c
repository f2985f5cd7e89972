// SPDX-License-Identifier: MIT
// What can be said of a recording without changing it.
#include "mixer/record/repair.h"

#include "mixer/record/source.h"

#include <errno.h>
#include <fcntl.h>
#include <libavutil/intreadwrite.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    BOX_HEAD_BYTES = 8,
    LARGE_BOX_HEAD_BYTES = 16,
    BOXES_MAX = 1000, // more at one level there are not
    SPARE_PART = 16,  // of a file's size: index and chapters
    SPARE_BYTES = 1 << 20,
};

static const AVRational NANOSECONDS = {1, 1000000000};

// ---- MP4: boxes, ISO/IEC 14496-12 4.2 ----

struct box {
    char type[4];
    int64_t from_bytes, to_bytes; // what is in it
};

static bool read_box(int fd, int64_t at_bytes, int64_t end_bytes, struct box *out) {
    uint8_t head[LARGE_BOX_HEAD_BYTES];
    if (end_bytes - at_bytes < BOX_HEAD_BYTES ||
        pread(fd, head, BOX_HEAD_BYTES, at_bytes) != BOX_HEAD_BYTES)
        return false;
    int64_t size = AV_RB32(head), head_bytes = BOX_HEAD_BYTES;
    if (size == 1) {
        if (pread(fd, head, sizeof(head), at_bytes) != (ssize_t)sizeof(head))
            return false;
        size = (int64_t)AV_RB64(head + BOX_HEAD_BYTES);
        head_bytes = LARGE_BOX_HEAD_BYTES;
    }
    if (size < head_bytes || size > end_bytes - at_bytes)
        return false;
    memcpy(out->type, head + 4, 4);
    out->from_bytes = at_bytes + head_bytes;
    out->to_bytes = at_bytes + size;
    return true;
}

static bool find_box(int fd, struct box within, const char *type, struct box *out) {
    int64_t at_bytes = within.from_bytes;
    for (int i = 0; i < BOXES_MAX && read_box(fd, at_bytes, within.to_bytes, out); i++) {
        if (memcmp(out->type, type, 4) == 0)
            return true;
        at_bytes = out->to_bytes;
    }
    return false;
}

// While it is written it is in fragments, which its head announces ("mvex").
static bool is_plain_mp4(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat about;
    if (fd < 0)
        return false;
    bool is_plain = false;
    if (fstat(fd, &about) == 0) {
        struct box all = {.to_bytes = about.st_size}, movie, extends;
        is_plain = find_box(fd, all, "moov", &movie) && !find_box(fd, movie, "mvex", &extends);
    }
    close(fd);
    return is_plain;
}

// ---- all ----

static uint64_t size_of(const char *path) {
    struct stat about;
    return stat(path, &about) == 0 ? (uint64_t)about.st_size : 0;
}

bool repair_is_whole(const char *path, struct repair_outcome *out) {
    struct source source;
    if (source_open(&source, path) != 0)
        return false;
    int64_t duration_ns = source_duration_ns(&source);
    source_close(&source);
    const char *format = source_format_of(path);
    if (duration_ns == 0 || (strcmp(format, "mp4") == 0 && !is_plain_mp4(path)))
        return false;
    *out = (struct repair_outcome){.duration_ns = duration_ns, .bytes = size_of(path)};
    return true;
}

int repair_measure(const char *path, struct repair_outcome *out) {
    struct source source;
    int result = source_open(&source, path);
    if (result)
        return result;
    int64_t end_ns = 0;
    bool is_there = false;
    while (source_read(&source) == 0) {
        const AVPacket *packet = source.packet;
        AVRational base = source.format->streams[packet->stream_index]->time_base;
        int64_t duration = packet->duration > 0 ? packet->duration : 0;
        int64_t packet_end_ns = av_rescale_q(packet->pts + duration, base, NANOSECONDS);
        end_ns = packet_end_ns > end_ns ? packet_end_ns : end_ns;
        is_there = true;
    }
    source_close(&source);
    if (!is_there)
        return -ENODATA;
    *out = (struct repair_outcome){.duration_ns = end_ns, .bytes = size_of(path)};
    return 0;
}

// Who cannot tell has not said that it is full.
bool repair_has_room(const char *path, int64_t free_floor_bytes) {
    struct statvfs about;
    int64_t size = (int64_t)size_of(path);
    if (statvfs(path, &about))
        return true;
    int64_t free_bytes = (int64_t)about.f_bavail * (int64_t)about.f_frsize;
    return free_bytes >= size + size / SPARE_PART + SPARE_BYTES + free_floor_bytes;
}

// SPDX-License-Identifier: MIT
#include "mixer/record/reel.h"

#include "mixer/record/durable.h"
#include "mixer/record/muxer.h"
#include "mixer/record/repair.h"
#include "mixer/record/transcoder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHAPTERS_MAX = 2000 };

struct chapter {
    int64_t at_ns;
    char *title;
};

struct reel {
    const struct recorder_config *config; // borrowed
    int fd;
    char *path;
    struct muxer *muxer;           // NULL until it begins
    struct transcoder *transcoder; // of MP4
    bool has_sound_alone;
    uint64_t synced_bytes;
    int error; // the first
    int chapter_count;
    struct chapter *chapters;
};

static int fail(struct reel *reel, int error) {
    if (!reel->error)
        reel->error = error;
    return reel->error;
}

// ---- the file ----

static ssize_t on_write(void *user, const void *data, size_t size_bytes) {
    struct reel *reel = user;
    const struct recorder_io *io = reel->config->io;
    return io->write(io->user, reel->fd, data, size_bytes);
}

static int64_t on_seek(void *user, int64_t offset_bytes) {
    struct reel *reel = user;
    return lseek(reel->fd, offset_bytes, SEEK_SET);
}

static int sync_file(struct reel *reel) {
    const struct recorder_io *io = reel->config->io;
    if (!reel->config->syncs || reel->error || !reel->muxer)
        return reel->error;
    uint64_t bytes = muxer_bytes(reel->muxer);
    if (bytes == reel->synced_bytes)
        return 0;
    reel->synced_bytes = bytes;
    return io->sync(io->user, reel->fd) ? fail(reel, errno ? -errno : -EIO) : 0;
}

static char *make_path(const struct recorder_config *config, int number) {
    char *path = NULL;
    const char *ending = recorder_container_name(config->container);
    int length = number == 1 ? asprintf(&path, "%s.%s", config->path, ending)
                             : asprintf(&path, "%s-%d.%s", config->path, number, ending);
    return length < 0 ? NULL : path;
}

int reel_create(const struct recorder_config *config, int number, struct reel **out) {
    struct reel *reel = calloc(1, sizeof(*reel));
    if (!reel)
        return -ENOMEM;
    reel->config = config;
    reel->fd = -1;
    reel->path = make_path(config, number);
    int result = reel->path ? 0 : -ENOMEM;
    if (result == 0) {
        reel->fd = config->io->open(config->io->user, reel->path);
        result = reel->fd >= 0 ? 0 : errno ? -errno : -EIO;
    }
    if (result) {
        reel_close(reel, 0, NULL);
        return result;
    }
    *out = reel;
    return 0;
}

// ---- beginning ----

static void on_transcoded(void *user, enum muxer_codec codec, int64_t pts_ns, int64_t duration_ns,
                          bool is_keyframe, const void *data, size_t size_bytes) {
    struct reel *reel = user;
    int track = codec == MUXER_AAC && !reel->has_sound_alone;
    int result =
        muxer_write(reel->muxer, track, pts_ns, duration_ns, is_keyframe, data, size_bytes);
    if (result)
        fail(reel, result);
}

static int create_transcoder(struct reel *reel, int width_px, int height_px,
                             struct muxer_config *muxer) {
    struct transcoder_config config = {
        .has_video = reel->config->has_video,
        .width_px = width_px,
        .height_px = height_px,
        .fps = reel->config->fps,
    };
    int result = transcoder_create(&config, on_transcoded, reel, &reel->transcoder);
    if (result == 0)
        muxer->track_count = transcoder_tracks(reel->transcoder, muxer->tracks);
    return result;
}

static void add_plain_tracks(struct reel *reel, int width_px, int height_px,
                             struct muxer_config *muxer) {
    if (reel->config->has_video)
        muxer->tracks[muxer->track_count++] = (struct muxer_track){
            .codec = MUXER_VP8,
            .width_px = width_px,
            .height_px = height_px,
            .fps = reel->config->fps,
        };
    muxer->tracks[muxer->track_count++] = (struct muxer_track){.codec = MUXER_OPUS};
}

int reel_begin(struct reel *reel, int width_px, int height_px) {
    static const char *const FORMATS[] = {
        [RECORDER_WEBM] = "webm",
        [RECORDER_MKV] = "matroska",
        [RECORDER_MP4] = "mp4",
        [RECORDER_OGG] = "ogg",
    };
    struct muxer_io io = {.write = on_write, .seek = on_seek, .user = reel};
    struct muxer_config config = {
        .format = FORMATS[reel->config->container],
        .io = &io,
        .title = reel->config->title,
    };
    reel->has_sound_alone = !reel->config->has_video;
    int result = 0;
    if (reel->config->container == RECORDER_MP4)
        result = create_transcoder(reel, width_px, height_px, &config);
    else
        add_plain_tracks(reel, width_px, height_px, &config);
    if (result == 0)
        result = muxer_open(&config, &reel->muxer);
    if (result == 0 && reel->config->syncs)
        result = durable_sync_name(reel->path);
    return result ? fail(reel, result) : 0;
}

bool reel_has_begun(const struct reel *reel) {
    return reel->muxer != NULL;
}

bool reel_needs_sound_filled(const struct reel *reel) {
    return reel->transcoder == NULL;
}

// ---- writing ----

// A packet that cannot be decoded is left out.
static int transcode(struct reel *reel, bool is_audio, int64_t pts_ns, bool is_keyframe,
                     const void *data, size_t size_bytes) {
    int result = transcoder_push(reel->transcoder, is_audio, pts_ns, is_keyframe, data, size_bytes);
    if (reel->error)
        return reel->error;
    return result == -EAGAIN || result == -EINVAL ? 0 : result;
}

int reel_write(struct reel *reel, bool is_audio, int64_t pts_ns, int64_t duration_ns,
               bool is_keyframe, const void *data, size_t size_bytes) {
    if (reel->error)
        return reel->error;
    int result;
    if (reel->transcoder)
        result = transcode(reel, is_audio, pts_ns, is_keyframe, data, size_bytes);
    else
        result = muxer_write(reel->muxer, is_audio && !reel->has_sound_alone, pts_ns, duration_ns,
                             is_keyframe || is_audio, data, size_bytes);
    if (result)
        return fail(reel, result);
    return sync_file(reel);
}

int reel_flush(struct reel *reel) {
    if (reel->error || !reel->muxer)
        return reel->error;
    int result = muxer_flush(reel->muxer);
    if (result)
        return fail(reel, result);
    return sync_file(reel);
}

void reel_add_chapter(struct reel *reel, int64_t at_ns, const char *title) {
    if (reel->chapter_count >= CHAPTERS_MAX)
        return;
    struct chapter *chapters =
        realloc(reel->chapters, (size_t)(reel->chapter_count + 1) * sizeof(*reel->chapters));
    if (!chapters)
        return;
    reel->chapters = chapters;
    struct chapter chapter = {.at_ns = at_ns < 0 ? 0 : at_ns, .title = strdup(title)};
    if (chapter.title)
        chapters[reel->chapter_count++] = chapter;
}

uint64_t reel_bytes(const struct reel *reel) {
    return reel->muxer ? muxer_bytes(reel->muxer) : 0;
}

// ---- the end ----

static void hand_over_chapters(struct reel *reel, int64_t end_ns) {
    for (int i = 0; i < reel->chapter_count; i++) {
        const struct chapter *chapter = &reel->chapters[i];
        bool is_last = i + 1 == reel->chapter_count;
        muxer_add_chapter(reel->muxer, chapter->at_ns,
                          is_last ? end_ns : reel->chapters[i + 1].at_ns, chapter->title);
    }
}

// *bytes: the size.
static void finish_file(struct reel *reel, int64_t end_ns, uint64_t *bytes) {
    if (reel->transcoder && !reel->error) {
        int result = transcoder_finish(reel->transcoder, end_ns);
        if (result)
            fail(reel, result);
    }
    if (!reel->error)
        hand_over_chapters(reel, end_ns);
    *bytes = muxer_bytes(reel->muxer);
    int result = muxer_close(reel->muxer, reel->error != 0);
    reel->muxer = NULL;
    if (result)
        fail(reel, result);
    const struct recorder_io *io = reel->config->io;
    if (!reel->error && reel->config->syncs && io->sync(io->user, reel->fd))
        fail(reel, errno ? -errno : -EIO);
}

// A fragmented MP4 has no index, tells no duration, and can hold no chapters; most players want all
// of them. So it is written anew as a plain one beside it, on this thread, which nothing in the mix
// waits for, and takes its place when it is on the disk: a crash meanwhile leaves the fragmented
// one, which is whole as such. If there is no room for two of them, it still plays, and whoever
// keeps it may try again (repair.h).
static void defragment(struct reel *reel, uint64_t *bytes) {
    const struct recorder_io *io = reel->config->io;
    int64_t free_bytes = io->free_bytes(io->user, reel->path);
    struct repair_chapter *chapters =
        calloc((size_t)reel->chapter_count + 1, sizeof(struct repair_chapter));
    for (int i = 0; chapters && i < reel->chapter_count; i++)
        chapters[i] = (struct repair_chapter){reel->chapters[i].at_ns, reel->chapters[i].title};
    const struct repair_config config = {.chapters = chapters,
                                         .chapter_count = chapters ? reel->chapter_count : 0,
                                         .free_floor_bytes = reel->config->free_floor_bytes};
    struct repair_outcome outcome;
    if (free_bytes >= (int64_t)*bytes + reel->config->free_floor_bytes &&
        repair_file(reel->path, &config, &outcome) == 0)
        *bytes = outcome.bytes;
    free(chapters);
}

int reel_close(struct reel *reel, int64_t end_ns, uint64_t *bytes) {
    if (!reel)
        return 0;
    uint64_t size = 0;
    bool has_begun = reel->muxer != NULL;
    if (has_begun)
        finish_file(reel, end_ns, &size);
    if (reel->fd >= 0) {
        off_t told = lseek(reel->fd, 0, SEEK_END);
        size = told > 0 ? (uint64_t)told : size;
        close(reel->fd);
        if (!has_begun)
            unlink(reel->path);
        else if (reel->config->container == RECORDER_MP4 && !reel->error)
            defragment(reel, &size);
    }
    if (bytes)
        *bytes = has_begun ? size : 0;
    transcoder_destroy(reel->transcoder);
    for (int i = 0; i < reel->chapter_count; i++)
        free(reel->chapters[i].title);
    free(reel->chapters);
    free(reel->path);
    int error = reel->error;
    free(reel);
    return error;
}

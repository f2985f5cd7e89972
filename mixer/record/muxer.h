// SPDX-License-Identifier: MIT
// One output of libavformat: encoded packets with timestamps in, a file, a list of segments or a
// stream out. No thread of its own, not locked: one thread at a time. It blocks as long as its
// target does.
#ifndef MIXER_RECORD_MUXER_H
#define MIXER_RECORD_MUXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct muxer;

enum muxer_codec { MUXER_VP8, MUXER_OPUS, MUXER_H264, MUXER_AAC };
enum { MUXER_TRACKS_MAX = 2 };

struct muxer_track {
    enum muxer_codec codec;
    int width_px, height_px, fps; // of video; of sound: 48 kHz, mono
    const uint8_t *extradata;     // of H.264 and AAC; copied
    size_t extradata_bytes;
};

// Where bytes go, for files: the real one, or a test's that is slow, full or counts. Functions
// return as write(2), fsync(2) and lseek(2) do, with errno.
struct muxer_io {
    ssize_t (*write)(void *user, const void *data, size_t size_bytes);
    int64_t (*seek)(void *user, int64_t offset_bytes); // from the start; NULL: it cannot
    void *user;
};

struct muxer_config {
    const char *format; // "webm", "matroska", "mp4" (fragmented), "ogg", "flv", "hls"
    const char *target; // a path or URL, where io is NULL
    const struct muxer_io *io;
    struct muxer_track tracks[MUXER_TRACKS_MAX];
    int track_count;
    int64_t segment_ns; // of "hls": how long a segment is; 0: 2 s
    int segments_kept;  // of "hls": in the playlist; 0: 6
    const char *title;  // into the file's tags; NULL: none
    // Of rtmps://: who signs certificates (PEM), besides those that the system trusts; NULL:
    // nobody.
    const char *ca_file;
    // Asked now and then while it waits for a network: true ends the wait. NULL: never.
    bool (*is_over)(void *user);
    void *user;
};

// 0 or negative errno. The header is written.
int muxer_open(const struct muxer_config *config, struct muxer **out);
// Times from 0 on, rising within a track. duration_ns 0: until the next. Files get clusters of
// half a second; what is in them is handed to the system when they end, or by muxer_flush(). What
// is not in order between the tracks is put so by "mp4", "flv" and "hls" within 200 ms; the others
// write as it comes. 0 or the first error there was.
int muxer_write(struct muxer *muxer, int track, int64_t pts_ns, int64_t duration_ns,
                bool is_keyframe, const void *data, size_t size_bytes);
// Nothing waits in here afterwards: for when no more comes for a while. 0 or the first error.
int muxer_flush(struct muxer *muxer);
// Before muxer_close(), where the format knows chapters.
void muxer_add_chapter(struct muxer *muxer, int64_t from_ns, int64_t to_ns, const char *title);
uint64_t muxer_bytes(const struct muxer *muxer); // written so far
// Writes what belongs to the end (cues, duration), closes, frees. 0 or the first error; NULL is
// allowed. is_abandoned: no trailer, just let go.
int muxer_close(struct muxer *muxer, bool is_abandoned);

#endif

// SPDX-License-Identifier: MIT
// A recording opened to be read: whole, or what a crash left of it, or something else that lies
// under its name. Only the formats, codecs and protocols that recordings have. One thread.
#ifndef MIXER_RECORD_SOURCE_H
#define MIXER_RECORD_SOURCE_H

#include <libavformat/avformat.h>
#include <stdint.h>

struct source {
    AVFormatContext *format;
    AVPacket *packet; // the last that was read
    int video, audio; // their streams; -1: none
};

// 0; -ENODATA: nothing in it plays; or another negative errno.
int source_open(struct source *source, const char *path);
void source_close(struct source *source); // also what is zeroed
// The next packet that is whole and has a time. 0; -ENODATA: no more.
int source_read(struct source *source);
int64_t source_duration_ns(const struct source *source); // as it tells; 0: it does not
// What libavformat writes files of this name as; NULL: no recording.
const char *source_format_of(const char *path);

#endif

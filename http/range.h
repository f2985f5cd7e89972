// SPDX-License-Identifier: MIT
// What of a file a client asked for: Range and If-Range (RFC 9110, 14.2 and 13.1.5). Pure; any
// thread.
#ifndef HTTP_RANGE_H
#define HTTP_RANGE_H

#include <stdbool.h>
#include <stdint.h>

struct range {
    uint64_t first, count;
};

enum range_outcome {
    RANGE_WHOLE, // nothing that could be obeyed was asked: 200 with all of it
    RANGE_PART,  // 206
    RANGE_NONE,  // all that was asked lies beyond the end: 416
};

// header: of Range; NULL: not sent. Several ranges, other units and what is none are RANGE_WHOLE,
// as the RFC allows. *out is all of it but for RANGE_PART.
enum range_outcome range_choose(const char *header, uint64_t size_bytes, struct range *out);
// header: of If-Range; NULL: not sent. May the range be obeyed? A weak tag never matches, nor does
// a date: files of ours change within a second.
bool range_is_fresh(const char *header, const char *etag);

#endif

// SPDX-License-Identifier: MIT
// The files of the web client: built into the binary, or read from a directory for development.
// Constant after create; any thread.
#ifndef HTTP_STATIC_H
#define HTTP_STATIC_H

#include <stdbool.h>
#include <stddef.h>

struct static_files;

struct static_file {
    const void *data;
    size_t size_bytes;
    bool is_owned;             // read for this caller, who frees data; else it lives for ever
    const char *type;          // content type, a literal
    const char *cache_control; // a literal
    char etag[48];             // strong, with its quotes
};

// directory: where to read from; NULL or "": those in the binary. NULL when out of memory or when
// there is no such directory.
struct static_files *static_create(const char *directory);
void static_destroy(struct static_files *files); // NULL is allowed
// segments: the path's parts, decoded. 0, -ENOENT (also for hidden files, links and anything that
// leads out), or another negative errno.
int static_get(const struct static_files *files, char *const *segments, int segment_count,
               struct static_file *out);

#endif

// SPDX-License-Identifier: MIT
#include "http/download.h"

#include "http/headers.h"
#include "http/range.h"
#include "http/request.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct opened {
    int fd;
    uint64_t size_bytes;
    char etag[REPLY_ETAG_BYTES];
};

// A file that still grows is another one each time.
static int open_file(const char *path, struct opened *out) {
    struct stat status;
    out->fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (out->fd < 0)
        return -errno;
    if (fstat(out->fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(out->fd);
        return -ENOENT;
    }
    out->size_bytes = (uint64_t)status.st_size;
    snprintf(out->etag, sizeof(out->etag), "\"%llx-%llx%08lx\"", (unsigned long long)status.st_size,
             (unsigned long long)status.st_mtim.tv_sec, (unsigned long)status.st_mtim.tv_nsec);
    return 0;
}

static void refuse_missing(struct reply *reply, const struct download *download, int error) {
    struct refusal refusal;
    if (error == -ENOENT || error == -ELOOP || error == -ENOTDIR)
        refusal_set(&refusal, 404, download->missing, "There is no such file (yet).");
    else
        refusal_set(&refusal, 503, "not-ready", "The file cannot be read now: %s.",
                    strerror(-error));
    reply_refusal(reply, &refusal);
}

static void refuse_range(struct reply *reply, uint64_t size_bytes) {
    struct refusal refusal;
    char there[48];
    refusal_set(&refusal, 416, "bad-range", "The file ends before that: it has %llu bytes.",
                (unsigned long long)size_bytes);
    reply_refusal(reply, &refusal);
    snprintf(there, sizeof(there), "bytes */%llu", (unsigned long long)size_bytes);
    reply_add_header(reply, "Content-Range", there);
}

static void add_headers(struct reply *reply, const struct download *download,
                        const struct opened *file, const struct range *range) {
    char text[300];
    reply->cache_control = download->cache_control;
    g_strlcpy(reply->etag, file->etag, sizeof(reply->etag));
    reply_add_header(reply, "Accept-Ranges", "bytes");
    if (reply->status == 206) {
        snprintf(text, sizeof(text), "bytes %llu-%llu/%llu", (unsigned long long)range->first,
                 (unsigned long long)(range->first + range->count - 1),
                 (unsigned long long)file->size_bytes);
        reply_add_header(reply, "Content-Range", text);
    }
    if (download->save_as) {
        snprintf(text, sizeof(text), "attachment; filename=\"%s\"", download->save_as);
        reply_add_header(reply, "Content-Disposition", text);
    }
}

static enum range_outcome choose(const struct request *request, const struct opened *file,
                                 struct range *range) {
    const char *asked = request_header(request, "Range");
    bool is_head = strcmp(request->method, "HEAD") == 0; // RFC 9110, 14.2: for GET alone
    if (is_head || !range_is_fresh(request_header(request, "If-Range"), file->etag))
        asked = NULL;
    return range_choose(asked, file->size_bytes, range);
}

void download_answer(struct request *request, struct reply *reply,
                     const struct download *download) {
    struct opened file = {.fd = -1};
    struct range range;
    int error = open_file(download->path, &file);
    if (error) {
        refuse_missing(reply, download, error);
        return;
    }
    enum range_outcome outcome = choose(request, &file, &range);
    bool has_it = headers_match_etag(request_header(request, "If-None-Match"), file.etag);
    if (outcome == RANGE_NONE && !has_it) {
        close(file.fd);
        refuse_range(reply, file.size_bytes);
        return;
    }
    reply_finish(reply);
    reply->status = has_it ? 304 : outcome == RANGE_PART ? 206 : 200;
    if (has_it) {
        close(file.fd);
    } else { // takes fd
        reply->type = download->type;
        reply->response =
            MHD_create_response_from_fd_at_offset64(range.count, file.fd, range.first);
    }
    if (!has_it && !reply->response) {
        close(file.fd);
        refuse_missing(reply, download, -ENOMEM);
        return;
    }
    add_headers(reply, download, &file, &range);
}

// SPDX-License-Identifier: MIT
// A file of the disk as an answer: whole, in part, or "you have it already". It is sent from the
// file as the client takes it, however large it is. On the request's thread.
#ifndef HTTP_DOWNLOAD_H
#define HTTP_DOWNLOAD_H

#include "http/reply.h"

struct request;

struct download {
    const char *path;    // links are not followed
    const char *type;    // content type, a literal
    const char *save_as; // a name for the disk of who asks: Content-Disposition; NULL: to be shown
    const char *cache_control; // a literal; NULL: no-store
    const char *missing;       // code of the 404, a literal
};

void download_answer(struct request *request, struct reply *reply, const struct download *download);

#endif

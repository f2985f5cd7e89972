// SPDX-License-Identifier: MIT
// Who may do what: the one place that decides it. Constant after create; any thread.
#ifndef HTTP_ACCESS_H
#define HTTP_ACCESS_H

#include "mcu/refusal.h"

struct access;
struct request;

enum access_level {
    ACCESS_PUBLIC,
    ACCESS_LOCAL_OR_KEY, // from this machine itself, or with the key
    ACCESS_KEY,          // Authorization: Bearer KEY
};

struct access *access_create(const char *api_key); // keeps a hash of the key only
void access_destroy(struct access *access);        // NULL is allowed
// 0, or -1 and a 401.
int access_check(const struct access *access, enum access_level level,
                 const struct request *request, struct refusal *refusal);

#endif

// SPDX-License-Identifier: MIT
// The API's description, from YAML to the JSON that pages and programs read. For our own file: no
// anchors, no tags, one document. Pure; any thread.
#ifndef HTTP_OPENAPI_H
#define HTTP_OPENAPI_H

#include <jansson.h>
#include <stddef.h>

// Plain scalars are null, true, false, numbers or text (YAML 1.2's core schema); quoted ones and
// blocks are text. 0 and a new reference, or -EINVAL (with a sentence in error) or -ENOMEM.
int openapi_read(const char *yaml, size_t size_bytes, json_t **out, char *error, int error_bytes);

#endif

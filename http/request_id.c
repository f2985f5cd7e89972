// SPDX-License-Identifier: MIT
#include "http/request_id.h"

#include <sodium.h>
#include <stdbool.h>
#include <string.h>

// It goes into our log: nothing that could look like more than one word of it.
static bool is_sane(const char *id) {
    size_t bytes = strlen(id);
    return bytes > 0 && bytes < REQUEST_ID_BYTES &&
           strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == bytes;
}

void request_id_choose(const char *given, char out[REQUEST_ID_BYTES]) {
    unsigned char random[8];
    if (given && is_sane(given)) {
        memcpy(out, given, strlen(given) + 1);
        return;
    }
    randombytes_buf(random, sizeof(random));
    sodium_bin2hex(out, REQUEST_ID_BYTES, random, sizeof(random));
}

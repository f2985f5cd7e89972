// SPDX-License-Identifier: MIT
// libFuzzer over the URLs that broadcasts are sent to. A key of letters that no part shown may hold
// stands behind the fuzzer's bytes, wherever those put it: it must never be shown.
#include "mixer/record/broadcast.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char KEY[] = "/~SECRET~";
    if (size == 0 || size > 4096)
        return 0;
    const char *scheme = data[0] & 1 ? "rtmp://" : data[0] & 2 ? "rtmps://" : "";
    char *url = malloc(strlen(scheme) + size + sizeof(KEY));
    char *out = malloc(size + 64);
    char *at = url + strlen(scheme);
    memcpy(url, scheme, strlen(scheme));
    memcpy(at, data + 1, size - 1);
    memcpy(at + size - 1, KEY, sizeof(KEY));
    broadcast_mask_url(url, out, size + 64);
    if (strlen(out) > strlen(url) + 10)
        abort();
    // What is shown is of one line, whatever came, and has nothing of the key's.
    for (const char *each = out; *each; each++)
        if (*each <= ' ' || *each >= '~')
            abort();
    (void)broadcast_is_url_allowed(url);
    free(out);
    free(url);
    return 0;
}

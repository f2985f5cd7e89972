// SPDX-License-Identifier: MIT
#include "http/range.h"

#include <string.h>
#include <strings.h>

// Digits alone, at most so many that nothing overflows; false: none.
static bool read_number(const char **text, uint64_t *out) {
    uint64_t value = 0;
    int digits = 0;
    for (; **text >= '0' && **text <= '9'; ++*text, digits++) {
        if (value > (UINT64_MAX - 9) / 10)
            return false;
        value = value * 10 + (uint64_t)(**text - '0');
    }
    *out = value;
    return digits > 0;
}

static const char *skip_space(const char *text) {
    return text + strspn(text, " \t");
}

static enum range_outcome take(uint64_t first, uint64_t last, uint64_t size_bytes,
                               struct range *out) {
    if (first >= size_bytes)
        return RANGE_NONE;
    if (last >= size_bytes)
        last = size_bytes - 1;
    *out = (struct range){.first = first, .count = last - first + 1};
    return RANGE_PART;
}

enum range_outcome range_choose(const char *header, uint64_t size_bytes, struct range *out) {
    uint64_t first = 0, last = UINT64_MAX;
    *out = (struct range){.first = 0, .count = size_bytes};
    if (!header || strncasecmp(header, "bytes=", 6) != 0)
        return RANGE_WHOLE;
    const char *text = skip_space(header + 6);
    bool has_first = *text != '-';
    if (has_first && !read_number(&text, &first))
        return RANGE_WHOLE;
    if (*text++ != '-')
        return RANGE_WHOLE;
    bool has_last = *text >= '0' && *text <= '9';
    if (has_last && !read_number(&text, &last))
        return RANGE_WHOLE;
    if (*skip_space(text) || (!has_first && !has_last) || (has_first && last < first))
        return RANGE_WHOLE;
    if (has_first)
        return take(first, last, size_bytes, out);
    if (last == 0) // the last none
        return RANGE_NONE;
    return take(last < size_bytes ? size_bytes - last : 0, UINT64_MAX, size_bytes, out);
}

bool range_is_fresh(const char *header, const char *etag) {
    return !header || strcmp(header, etag) == 0;
}

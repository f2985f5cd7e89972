// SPDX-License-Identifier: MIT
// The files under assets/, as assets_data.sh puts them into the binary: sorted by path.
#ifndef HTTP_ASSETS_DATA_H
#define HTTP_ASSETS_DATA_H

struct asset {
    const char *path; // "js/room.js"
    const unsigned char *start, *end;
};

extern const struct asset assets_data[], assets_data_end[];

#endif

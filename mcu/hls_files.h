// SPDX-License-Identifier: MIT
// Where HLS lies on the disk, and what of it is served. Pure; any thread.
#ifndef MCU_HLS_FILES_H
#define MCU_HLS_FILES_H

#include "mcu/config.h"

// <data_dir>/hls/<room>; room: a clean name. To be freed with g_free().
char *hls_files_dir(const struct config *config, const char *room);
// index.m3u8, init.mp4 and *.m4s: the content type, a literal; NULL: no such file.
const char *hls_files_type(const char *name);

#endif

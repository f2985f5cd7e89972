// SPDX-License-Identifier: MIT
#include "mcu/hls_files.h"

#include <glib.h>
#include <string.h>

char *hls_files_dir(const struct config *config, const char *room) {
    return g_strdup_printf("%s/hls/%s", config->data_dir, room);
}

const char *hls_files_type(const char *name) {
    size_t stem = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
    if (strcmp(name, "index.m3u8") == 0)
        return "application/vnd.apple.mpegurl";
    if (strcmp(name, "init.mp4") == 0)
        return "video/mp4";
    return stem > 0 && strcmp(name + stem, ".m4s") == 0 ? "video/iso.segment" : NULL;
}

// SPDX-License-Identifier: MIT
// What is to survive a power cut. Any thread; takes as long as the disk does.
#ifndef MIXER_RECORD_DURABLE_H
#define MIXER_RECORD_DURABLE_H

int durable_sync_file(const char *path); // 0 or negative errno
// That the file has this name.
int durable_sync_name(const char *path);

#endif

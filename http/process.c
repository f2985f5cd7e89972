// SPDX-License-Identifier: MIT
#include "http/process.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static double read_boot_time_s(void) {
    char line[256];
    double boot_s = 0;
    FILE *file = fopen("/proc/stat", "re");
    while (file && fgets(line, sizeof(line), file))
        if (sscanf(line, "btime %lf", &boot_s) == 1)
            break;
    if (file)
        fclose(file);
    return boot_s;
}

// Fields as in proc(5). The name, field 2, may hold anything, so counting starts behind its ')'.
static void read_stat(struct process_figures *out) {
    char text[1024];
    FILE *file = fopen("/proc/self/stat", "re");
    size_t bytes = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
    if (file)
        fclose(file);
    text[bytes] = '\0';
    const char *rest = strrchr(text, ')');
    unsigned long user_ticks, system_ticks, virtual_bytes;
    unsigned long long start_ticks;
    long threads, resident_pages;
    if (!rest || sscanf(rest + 1,
                        " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %ld "
                        "%*d %llu %lu %ld",
                        &user_ticks, &system_ticks, &threads, &start_ticks, &virtual_bytes,
                        &resident_pages) != 6)
        return;
    double ticks_per_s = (double)sysconf(_SC_CLK_TCK);
    out->cpu_s = (double)(user_ticks + system_ticks) / ticks_per_s;
    out->threads = (int)threads;
    out->started_unix_s = read_boot_time_s() + (double)start_ticks / ticks_per_s;
    out->virtual_bytes = virtual_bytes;
    out->resident_bytes = (uint64_t)resident_pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static int count_open_fds(void) {
    DIR *directory = opendir("/proc/self/fd");
    if (!directory)
        return 0;
    int count = 0;
    for (struct dirent *entry; (entry = readdir(directory));)
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count - 1; // the directory itself
}

void process_measure(struct process_figures *out) {
    struct rlimit limit;
    memset(out, 0, sizeof(*out));
    read_stat(out);
    out->open_fds = count_open_fds();
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        out->max_fds = limit.rlim_cur;
}

void process_raise_fd_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

// SPDX-License-Identifier: MIT
// A bad link between here and a network namespace of its own:
//
//   this namespace  tl<pid> 10.77.x.y  <-- down: to the far side, up: from it -->  far 10.77.x.y+1
//
// It is steered by lines on stdin, and answers each with one line of JSON on stdout; it ends at the
// end of stdin or with SIGTERM, and nothing stays behind. `link --help` says more.
#include "tests/link/model.h"
#include "tests/link/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum { DOWN, UP, DIRECTIONS, STATUS_NO_RIGHT = 77, LINE_BYTES_MAX = 512, READS_IN_A_ROW = 64 };

static const char help[] =
    "link [--seed N] [down WORD...] [up WORD...]\n"
    "Moves IPv4 packets between a TUN device here and one in a new network namespace.\n"
    "Its first line says where: {\"netns\": path for nsenter --net=, \"near\", \"far\": "
    "addresses}.\n"
    "\n"
    "Lines on stdin, each answered with a line:\n"
    "  down|up|both WORD...   set: rate=KBPS queue=MS queue-bytes=N delay=MS jitter=MS\n"
    "                         jitter-over=BYTES order=kept|free loss=PERCENT\n"
    "  stats                  figures of both directions\n"
    "  reset                  begin the figures anew\n"
    "  seed N                 begin chance anew\n"
    "  clear                  back to a good link: all settings as if none had been made\n"
    "Rate 0 is no limit, queue 0 any length. The queue drops at its tail. Jitter is uniform from "
    "0\n"
    "to MS, for packets over jitter-over bytes; order is kept unless it says order=free.\n"
    "Exit status 77: the right to make namespaces or TUN devices is missing.\n";

struct link {
    struct tun_pair tuns;
    struct link_model *models[DIRECTIONS];
    char line[LINE_BYTES_MAX];
    size_t line_bytes;
};

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

// --- commands ---

static void print_direction(struct link *link, int direction, const char *name) {
    struct link_stats s;
    link_model_get_stats(link->models[direction], &s, now_ns());
    printf("\"%s\":{\"packets_in\":%llu,\"bytes_in\":%llu,\"packets_out\":%llu,\"bytes_out\":%llu,"
           "\"lost\":%llu,\"overflowed\":%llu,\"queue_ms\":%.1f,\"queue_max_ms\":%.1f}",
           name, (unsigned long long)s.packets_in, (unsigned long long)s.bytes_in,
           (unsigned long long)s.packets_out, (unsigned long long)s.bytes_out,
           (unsigned long long)s.lost, (unsigned long long)s.overflowed, (double)s.queue_ns / 1e6,
           (double)s.queue_max_ns / 1e6);
}

static void print_stats(struct link *link) {
    putchar('{');
    print_direction(link, DOWN, "down");
    putchar(',');
    print_direction(link, UP, "up");
    puts("}");
}

static int change(struct link *link, int direction, char *const *words) {
    struct link_settings settings = *link_model_settings(link->models[direction]);
    for (; *words; words++)
        if (link_settings_set(&settings, *words) < 0)
            return -EINVAL;
    link_model_set(link->models[direction], &settings, now_ns());
    return 0;
}

static void sow(struct link *link, const char *seed) {
    uint64_t number = strtoull(seed, NULL, 0);
    for (int i = 0; i < DIRECTIONS; i++)
        link_model_set_seed(link->models[i], number * DIRECTIONS + (uint64_t)i);
}

static void clear(struct link *link) {
    struct link_settings settings;
    link_settings_init(&settings);
    for (int i = 0; i < DIRECTIONS; i++)
        link_model_set(link->models[i], &settings, now_ns());
}

static int obey(struct link *link, char *const *words) {
    const char *verb = words[0];
    int result = -EINVAL;
    if (!strcmp(verb, "down") || !strcmp(verb, "both"))
        result = change(link, DOWN, words + 1);
    if (!strcmp(verb, "up") || (!strcmp(verb, "both") && result == 0))
        result = change(link, UP, words + 1);
    if (!strcmp(verb, "reset")) {
        link_model_reset_stats(link->models[DOWN]);
        link_model_reset_stats(link->models[UP]);
        result = 0;
    }
    if (!strcmp(verb, "seed") && words[1]) {
        sow(link, words[1]);
        result = 0;
    }
    if (!strcmp(verb, "clear")) {
        clear(link);
        result = 0;
    }
    return result;
}

static void take_line(struct link *link, char *line) {
    enum { WORDS_MAX = 16 };
    char *words[WORDS_MAX + 1] = {NULL}, *rest = line;
    int count = 0;
    for (char *word; count < WORDS_MAX && (word = strtok_r(rest, " \t\r\n", &rest));)
        words[count++] = word;
    if (count > 0 && !strcmp(words[0], "stats"))
        print_stats(link);
    else if (count > 0)
        puts(obey(link, words) == 0 ? "{\"ok\":true}" : "{\"error\":\"not understood\"}");
    fflush(stdout);
}

// False at the end of stdin.
static int take_input(struct link *link) {
    ssize_t got = read(STDIN_FILENO, link->line + link->line_bytes,
                       sizeof(link->line) - 1 - link->line_bytes);
    if (got <= 0)
        return got < 0 && (errno == EAGAIN || errno == EINTR);
    link->line_bytes += (size_t)got;
    link->line[link->line_bytes] = '\0';
    char *begin = link->line, *end;
    while ((end = strchr(begin, '\n'))) {
        *end = '\0';
        take_line(link, begin);
        begin = end + 1;
    }
    link->line_bytes = strlen(begin);
    memmove(link->line, begin, link->line_bytes + 1);
    if (link->line_bytes == sizeof(link->line) - 1)
        link->line_bytes = 0; // no command is that long
    return 1;
}

// --- packets ---

static void take_packets(struct link *link, int direction, int fd) {
    uint8_t packet[LINK_PACKET_BYTES_MAX];
    for (int i = 0; i < READS_IN_A_ROW; i++) {
        ssize_t got = read(fd, packet, sizeof(packet));
        if (got <= 0)
            return;
        // IPv6's own announcements would come at chance times and shift what is lost.
        if (packet[0] >> 4 == 4)
            link_model_push(link->models[direction], packet, (size_t)got, now_ns());
    }
}

static void give_packets(struct link *link, int direction, int fd) {
    uint8_t packet[LINK_PACKET_BYTES_MAX];
    size_t size;
    while ((size = link_model_pop(link->models[direction], packet, now_ns())) > 0)
        if (write(fd, packet, size) < 0)
            continue; // a device that takes no more is a bad link, too
}

static struct timespec time_to_next(const struct link *link) {
    int64_t down_ns = link_model_next_ns(link->models[DOWN]);
    int64_t up_ns = link_model_next_ns(link->models[UP]);
    int64_t next_ns = down_ns < 0 || (up_ns >= 0 && up_ns < down_ns) ? up_ns : down_ns;
    int64_t wait_ns = next_ns < 0 ? INT64_C(1000000000) : next_ns - now_ns();
    wait_ns = wait_ns < 0 ? 0 : wait_ns;
    return (struct timespec){wait_ns / 1000000000, wait_ns % 1000000000};
}

static void run(struct link *link, int signal_fd) {
    struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                           {.fd = signal_fd, .events = POLLIN},
                           {.fd = link->tuns.near_fd, .events = POLLIN},
                           {.fd = link->tuns.far_fd, .events = POLLIN}};
    for (;;) {
        struct timespec wait = time_to_next(link);
        if (ppoll(fds, 4, &wait, NULL) < 0 && errno != EINTR)
            return;
        if (fds[1].revents || (fds[0].revents && !take_input(link)))
            return;
        take_packets(link, DOWN, link->tuns.near_fd);
        take_packets(link, UP, link->tuns.far_fd);
        give_packets(link, DOWN, link->tuns.far_fd);
        give_packets(link, UP, link->tuns.near_fd);
    }
}

// --- start ---

static int take_signals(void) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

// "down rate=300 delay=20 up loss=3": words go to the direction named last.
static int take_arguments(struct link *link, char **arguments) {
    int is_for[DIRECTIONS] = {1, 1};
    for (; *arguments; arguments++) {
        char *words[] = {*arguments, NULL};
        if (!strcmp(*arguments, "down") || !strcmp(*arguments, "up") ||
            !strcmp(*arguments, "both")) {
            is_for[DOWN] = strcmp(*arguments, "up") != 0;
            is_for[UP] = strcmp(*arguments, "down") != 0;
            continue;
        }
        for (int i = 0; i < DIRECTIONS; i++)
            if (is_for[i] && change(link, i, words) < 0) {
                fprintf(stderr, "link: \"%s\" is no setting\n", *arguments);
                return -EINVAL;
            }
    }
    return 0;
}

static int open_link(struct link *link) {
    const char *step = "";
    int result = tun_open(&link->tuns, (unsigned)getpid(), &step);
    if (result < 0) {
        bool has_no_right = result == -EPERM || result == -EACCES || result == -ENOENT ||
                            result == -ENODEV || result == -ENXIO || result == -ENOSYS;
        printf("{\"%s\":\"cannot %s: %s\"}\n", has_no_right ? "skip" : "error", step,
               strerror(-result));
        return result;
    }
    printf("{\"netns\":\"/proc/%d/fd/%d\",\"near\":\"%s\",\"far\":\"%s\",\"device\":\"%s\"}\n",
           (int)getpid(), link->tuns.namespace_fd, link->tuns.near_address, link->tuns.far_address,
           link->tuns.near_name);
    fflush(stdout);
    return 0;
}

// The link is the instrument: those whom it serves must not keep it waiting. Where it may not go
// before them it does without.
static void take_precedence(void) {
    sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1});
}

int main(int argc, char **argv) {
    struct link link = {0};
    uint64_t seed = 1;
    char **arguments = argv + 1;
    if (argc > 1 && !strcmp(argv[1], "--help"))
        return fputs(help, stdout) < 0;
    if (argc > 2 && !strcmp(argv[1], "--seed")) {
        seed = strtoull(argv[2], NULL, 0);
        arguments += 2;
    }
    struct link_settings settings;
    link_settings_init(&settings);
    for (int i = 0; i < DIRECTIONS; i++)
        link.models[i] = link_model_create(&settings, seed * DIRECTIONS + (uint64_t)i);
    int status = 2, signal_fd = take_signals();
    if (link.models[DOWN] && link.models[UP] && take_arguments(&link, arguments) == 0) {
        status = open_link(&link) == 0 ? 0 : STATUS_NO_RIGHT;
        if (status == 0) {
            take_precedence();
            run(&link, signal_fd);
            tun_close(&link.tuns);
        }
    }
    close(signal_fd);
    link_model_destroy(link.models[DOWN]);
    link_model_destroy(link.models[UP]);
    return status;
}

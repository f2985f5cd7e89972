// SPDX-License-Identifier: MIT
#include "tests/peer/child.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STOP_MS = 5000 };

struct child {
    pid_t pid;
    int in_fd, out_fd; // of the child
    GString *text;     // read, but no whole line yet
};

static void exec_child(const char *const *argv, int in_fd, int out_fd) {
    // A test that crashes must not leave its helpers.
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    dup2(in_fd, STDIN_FILENO);
    dup2(out_fd, STDOUT_FILENO);
    execv(argv[0], (char *const *)argv);
    fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

struct child *child_start(const char *const *argv) {
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) < 0)
        return NULL;
    if (pipe2(out, O_CLOEXEC) < 0) {
        close(in[0]);
        close(in[1]);
        return NULL;
    }
    signal(SIGPIPE, SIG_IGN);
    pid_t pid = fork();
    if (pid == 0)
        exec_child(argv, in[0], out[1]);
    close(in[0]);
    close(out[1]);
    if (pid < 0) {
        close(in[1]);
        close(out[0]);
        return NULL;
    }
    struct child *child = g_new0(struct child, 1);
    *child = (struct child){pid, in[1], out[0], g_string_new(NULL)};
    return child;
}

static bool has_ended(struct child *child, int *status, int timeout_ms) {
    gint64 end_us = g_get_monotonic_time() + timeout_ms * INT64_C(1000);
    for (;;) {
        if (waitpid(child->pid, status, WNOHANG) != 0)
            return true;
        if (g_get_monotonic_time() > end_us)
            return false;
        g_usleep(5000);
    }
}

int child_stop(struct child *child) {
    if (!child)
        return 0;
    int status = -1;
    close(child->in_fd);
    if (!has_ended(child, &status, STOP_MS)) {
        kill(child->pid, SIGTERM);
        if (!has_ended(child, &status, STOP_MS)) {
            kill(child->pid, SIGKILL);
            waitpid(child->pid, &status, 0);
        }
    }
    close(child->out_fd);
    g_string_free(child->text, TRUE);
    g_free(child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static json_t *take_line(struct child *child) {
    const char *end = strchr(child->text->str, '\n');
    if (!end)
        return NULL;
    gssize length = end - child->text->str;
    json_t *answer = json_loadb(child->text->str, (size_t)length, 0, NULL);
    g_string_erase(child->text, 0, length + 1);
    return answer ? answer : json_null();
}

json_t *child_read(struct child *child, int timeout_ms) {
    gint64 end_us = g_get_monotonic_time() + timeout_ms * INT64_C(1000);
    for (;;) {
        json_t *answer = take_line(child);
        if (answer)
            return answer;
        gint64 left_us = end_us - g_get_monotonic_time();
        struct pollfd poll_fd = {.fd = child->out_fd, .events = POLLIN};
        if (left_us <= 0 || poll(&poll_fd, 1, (int)(left_us / 1000) + 1) <= 0)
            return NULL;
        char bytes[4096];
        ssize_t got = read(child->out_fd, bytes, sizeof(bytes));
        if (got <= 0)
            return NULL;
        g_string_append_len(child->text, bytes, got);
    }
}

json_t *child_ask(struct child *child, const char *line, int timeout_ms) {
    char *text = g_strdup_printf("%s\n", line);
    ssize_t length = (ssize_t)strlen(text), wrote = write(child->in_fd, text, (size_t)length);
    g_free(text);
    return wrote == length ? child_read(child, timeout_ms) : NULL;
}

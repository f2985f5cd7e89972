// SPDX-License-Identifier: MIT
// One pipe takes stdout and stderr of the child; a thread reads it to the end, so that the child
// never blocks on it, and finds the port and what sanitizers have to say.
#include "tests/peer/server.h"

#include <curl/curl.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define API_KEY "key-of-the-tests"

enum { START_MAX_MS = 60000, STOP_MAX_MS = 5000, LINES_KEPT = 60 };

struct server {
    // Immutable after server_start().
    pid_t pid;
    int output_fd;
    char *data_dir, *binary, **flags, **environment;
    GThread *reader;
    // server_*'s caller only.
    bool is_stopping;
    gint64 stop_us;
    GHashTable *waits_ns; // thread -> what server_take_starved_ns() saw last

    GMutex lock;
    GCond changed;
    // Protected by lock.
    int port; // 0: not yet, -1: the output ended
    GQueue lines;
    bool has_report;
};

static double slow_factor(void) {
    const char *factor = getenv("TESSERA_TEST_SLOW");
    return factor && atof(factor) > 1 ? atof(factor) : 1;
}

// --- the child's output ---

static bool is_report(const char *line) {
    return strstr(line, "Sanitizer") || strstr(line, "runtime error:") ||
           strstr(line, "-CRITICAL **");
}

static void take_line(struct server *server, const char *line) {
    const char *found = strstr(line, "listening on http");
    const char *colon = found ? strrchr(found, ':') : NULL;
    g_mutex_lock(&server->lock);
    if (colon && server->port == 0)
        server->port = atoi(colon + 1);
    server->has_report = server->has_report || is_report(line);
    g_queue_push_tail(&server->lines, g_strdup(line));
    // A sanitizer's report is kept whole.
    if (!server->has_report && g_queue_get_length(&server->lines) > LINES_KEPT)
        g_free(g_queue_pop_head(&server->lines));
    g_cond_broadcast(&server->changed);
    g_mutex_unlock(&server->lock);
}

static gpointer read_output(gpointer user) {
    struct server *server = user;
    FILE *file = fdopen(server->output_fd, "r");
    char *line = NULL;
    size_t size = 0;
    while (file && getline(&line, &size, file) > 0) {
        if (getenv("TESSERA_TEST_VERBOSE"))
            fprintf(stderr, "  server: %s", line);
        take_line(server, line);
    }
    free(line);
    if (file)
        fclose(file);
    g_mutex_lock(&server->lock);
    server->port = server->port ? server->port : -1;
    g_cond_broadcast(&server->changed);
    g_mutex_unlock(&server->lock);
    return NULL;
}

static void show_lines(struct server *server) {
    g_mutex_lock(&server->lock);
    for (GList *each = server->lines.head; each; each = each->next)
        fprintf(stderr, "  server: %s", (const char *)each->data);
    g_mutex_unlock(&server->lock);
}

// --- start ---

static void exec_child(const struct server *server, int listen_port, int fd) {
    char listen[32];
    snprintf(listen, sizeof(listen), "127.0.0.1:%d", listen_port);
    const char *args[64] = {server->binary,   "--listen",  listen, "--data-dir",
                            server->data_dir, "--api-key", API_KEY};
    int count = 7;
    for (int i = 0; server->flags && server->flags[i] && count < 63; i++)
        args[count++] = server->flags[i];
    for (int i = 0; server->environment && server->environment[i]; i++)
        putenv(server->environment[i]);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    execv(server->binary, (char *const *)args);
    fprintf(stderr, "%s: %s\n", server->binary, strerror(errno));
    _exit(127);
}

static int spawn(struct server *server, int listen_port) {
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    server->pid = fork();
    if (server->pid == 0)
        exec_child(server, listen_port, fds[1]);
    close(fds[1]);
    server->output_fd = fds[0];
    if (server->pid > 0)
        return 0;
    close(fds[0]);
    return -EAGAIN;
}

static bool wait_until_listening(struct server *server) {
    gint64 end_us = g_get_monotonic_time() + START_MAX_MS * INT64_C(1000);
    g_mutex_lock(&server->lock);
    while (server->port == 0 && g_cond_wait_until(&server->changed, &server->lock, end_us))
        ;
    bool is_listening = server->port > 0;
    g_mutex_unlock(&server->lock);
    return is_listening;
}

static bool run(struct server *server, int listen_port) {
    if (spawn(server, listen_port) != 0)
        return false;
    server->reader = g_thread_new("server-output", read_output, server);
    return wait_until_listening(server);
}

bool server_restart(struct server *server, int signal_number) {
    int port = server->port;
    kill(server->pid, signal_number);
    waitpid(server->pid, NULL, 0);
    g_thread_join(server->reader);
    server->reader = NULL;
    server->port = 0;
    server->is_stopping = false;
    return run(server, port);
}

struct server *server_start(const char *binary, const char *const *flags) {
    return server_start_in(binary, flags, NULL);
}

struct server *server_start_in(const char *binary, const char *const *flags,
                               const char *const *environment) {
    static gsize has_curl;
    if (g_once_init_enter(&has_curl)) {
        curl_global_init(CURL_GLOBAL_DEFAULT);
        g_once_init_leave(&has_curl, 1);
    }
    if (!binary)
        binary = getenv("TESSERA_BINARY") ? getenv("TESSERA_BINARY") : "build/tessera";
    struct server *server = g_new0(struct server, 1);
    g_mutex_init(&server->lock);
    g_cond_init(&server->changed);
    g_queue_init(&server->lines);
    server->waits_ns = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    server->data_dir = g_dir_make_tmp("tessera-test-XXXXXX", NULL);
    server->binary = g_strdup(binary);
    server->flags = g_strdupv((char **)flags);
    server->environment = g_strdupv((char **)environment);
    if (server->data_dir && run(server, 0))
        return server;
    fprintf(stderr, "%s did not come to listen\n", binary);
    server_stop(server);
    return NULL;
}

// --- stop ---

void server_begin_stop(struct server *server) {
    if (server->is_stopping || server->pid <= 0)
        return;
    server->is_stopping = true;
    server->stop_us = g_get_monotonic_time();
    kill(server->pid, SIGTERM);
}

static int wait_for_end(struct server *server) {
    int status;
    gint64 end_us = server->stop_us + (gint64)(STOP_MAX_MS * 1000 * slow_factor());
    for (;;) {
        pid_t got = waitpid(server->pid, &status, WNOHANG);
        if (got == server->pid)
            return WIFEXITED(status) ? WEXITSTATUS(status) : -2;
        if (got < 0)
            return -2;
        if (g_get_monotonic_time() > end_us)
            break;
        g_usleep(5000);
    }
    // SIGABRT leaves a core or a sanitizer's stacks where SIGKILL would leave nothing.
    kill(server->pid, SIGABRT);
    g_usleep(200000);
    kill(server->pid, SIGKILL);
    waitpid(server->pid, &status, 0);
    return -1;
}

static void remove_tree(const char *path) {
    GDir *dir = g_dir_open(path, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        char *inner = g_build_filename(path, name, NULL);
        if (g_file_test(inner, G_FILE_TEST_IS_DIR) && !g_file_test(inner, G_FILE_TEST_IS_SYMLINK))
            remove_tree(inner);
        else
            g_unlink(inner);
        g_free(inner);
    }
    if (dir)
        g_dir_close(dir);
    g_rmdir(path);
}

int server_stop(struct server *server) {
    if (!server)
        return 0;
    server_begin_stop(server);
    int status = server->pid > 0 ? wait_for_end(server) : -1;
    if (server->reader)
        g_thread_join(server->reader);
    if (server->has_report)
        status = -3;
    if (status != 0) {
        fprintf(stderr, "the server ended with %d; its last lines:\n", status);
        show_lines(server);
    }
    if (server->data_dir)
        remove_tree(server->data_dir);
    g_queue_clear_full(&server->lines, g_free);
    g_hash_table_destroy(server->waits_ns);
    g_free(server->data_dir);
    g_free(server->binary);
    g_strfreev(server->flags);
    g_strfreev(server->environment);
    g_mutex_clear(&server->lock);
    g_cond_clear(&server->changed);
    g_free(server);
    return status;
}

int server_port(const struct server *server) {
    return server->port;
}
pid_t server_pid(const struct server *server) {
    return server->pid;
}

bool server_is_alive(const struct server *server) {
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)server->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == 0;
}

// --- REST ---

static size_t on_body(char *data, size_t one, size_t count, void *user) {
    g_byte_array_append(user, (const guint8 *)data, (guint)(one * count));
    return one * count;
}

struct upload {
    const char *type; // of the body
    const void *body;
    size_t size_bytes;
};

static int fetch(struct server *server, const char *method, const char *path,
                 const struct upload *upload, char **data, size_t *size_bytes) {
    CURL *curl = curl_easy_init();
    if (!curl)
        return 0;
    char *url = g_strdup_printf("http://127.0.0.1:%d%s", server->port, path);
    GByteArray *answer = g_byte_array_new();
    struct curl_slist *headers = curl_slist_append(NULL, "Authorization: Bearer " API_KEY);
    char *type = g_strdup_printf("Content-Type: %s", upload->type);
    headers = curl_slist_append(headers, type);
    g_free(type);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(10000 * slow_factor()));
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    if (upload->body) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)upload->size_bytes);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, upload->body);
    }
    long status = 0;
    if (curl_easy_perform(curl) == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    g_free(url);
    *size_bytes = answer->len;
    g_byte_array_append(answer, (const guint8 *)"", 1);
    *data = (char *)g_byte_array_free(answer, FALSE);
    return (int)status;
}

int server_fetch(struct server *server, const char *method, const char *path, const char *body,
                 char **data, size_t *size_bytes) {
    struct upload upload = {"application/json", body, body ? strlen(body) : 0};
    return fetch(server, method, path, &upload, data, size_bytes);
}

int server_upload(struct server *server, const char *method, const char *path, const char *type,
                  const void *body, size_t size_bytes) {
    struct upload upload = {type, body, size_bytes};
    char *data = NULL;
    size_t answer_bytes = 0;
    int status = fetch(server, method, path, &upload, &data, &answer_bytes);
    g_free(data);
    return status;
}

int server_request(struct server *server, const char *method, const char *path, const char *body,
                   json_t **out) {
    char *data = NULL;
    size_t size = 0;
    int status = server_fetch(server, method, path, body, &data, &size);
    if (out)
        *out = data ? json_loadb(data, size, 0, NULL) : NULL;
    g_free(data);
    return status;
}

double server_metric(struct server *server, const char *name) {
    char *data = NULL;
    size_t size = 0;
    double sum = 0;
    bool has_one = false;
    if (server_fetch(server, "GET", "/metrics", NULL, &data, &size) == 200) {
        char **lines = g_strsplit(data, "\n", -1);
        for (char **line = lines; *line; line++) {
            size_t length = strlen(name);
            if (strncmp(*line, name, length) || !strchr(" {", (*line)[length]))
                continue;
            const char *value = strrchr(*line, ' ');
            sum += value ? g_ascii_strtod(value, NULL) : 0;
            has_one = true;
        }
        g_strfreev(lines);
    }
    g_free(data);
    return has_one ? sum : -1;
}

// --- /proc ---

static int count_entries(const struct server *server, const char *what) {
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)server->pid, what);
    DIR *dir = opendir(path);
    if (!dir)
        return -1;
    int count = 0;
    struct dirent *entry;
    while ((entry = readdir(dir)))
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

int server_fd_count(const struct server *server) {
    return count_entries(server, "fd");
}
int server_thread_count(const struct server *server) {
    return count_entries(server, "task");
}

static char *read_proc(const struct server *server, const char *what) {
    char *path = g_strdup_printf("/proc/%d/%s", (int)server->pid, what), *text = NULL;
    bool is_read = g_file_get_contents(path, &text, NULL, NULL);
    g_free(path);
    return is_read ? text : NULL;
}

long server_rss_kib(const struct server *server) {
    char *text = read_proc(server, "status");
    const char *line = text ? strstr(text, "VmRSS:") : NULL;
    long kib = line ? atol(line + strlen("VmRSS:")) : -1;
    g_free(text);
    return kib;
}

double server_cpu_s(const struct server *server) {
    char *text = read_proc(server, "stat");
    // proc(5): utime and stime are fields 14 and 15; the name before may contain anything.
    const char *rest = text ? strrchr(text, ')') : NULL;
    unsigned long user = 0, sys = 0;
    bool is_good = rest && sscanf(rest + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
                                  &user, &sys) == 2;
    g_free(text);
    return is_good ? (double)(user + sys) / (double)sysconf(_SC_CLK_TCK) : -1;
}

// Nanoseconds that a thread ran, and spent ready on a run queue (Documentation/scheduler/
// sched-stats.rst of the kernel). Zeros where the kernel does not tell.
struct schedule {
    unsigned long long ran_ns, waited_ns;
};

static struct schedule read_schedule(const struct server *server, const char *thread) {
    char *name = g_strdup_printf("task/%s/schedstat", thread), *text = read_proc(server, name);
    struct schedule out = {0, 0};
    if (text && sscanf(text, "%llu %llu", &out.ran_ns, &out.waited_ns) != 2)
        out = (struct schedule){0, 0};
    g_free(name);
    g_free(text);
    return out;
}

static bool is_named(const struct server *server, const char *thread, const char *name) {
    char *path = g_strdup_printf("task/%s/comm", thread), *text = read_proc(server, path);
    bool is = text && strcmp(g_strchomp(text), name) == 0;
    g_free(path);
    g_free(text);
    return is;
}

static GDir *open_threads(const struct server *server) {
    char *path = g_strdup_printf("/proc/%d/task", (int)server->pid);
    GDir *dir = g_dir_open(path, 0, NULL);
    g_free(path);
    return dir;
}

double server_thread_cpu_s(const struct server *server, const char *name) {
    GDir *dir = open_threads(server);
    unsigned long long ran_ns = 0;
    const char *thread;
    while (dir && (thread = g_dir_read_name(dir)))
        if (is_named(server, thread, name))
            ran_ns += read_schedule(server, thread).ran_ns;
    if (dir)
        g_dir_close(dir);
    return (double)ran_ns / 1e9;
}

static int64_t take_wait_ns(struct server *server, const char *thread) {
    int64_t *last_ns = g_hash_table_lookup(server->waits_ns, thread),
            now_ns = (int64_t)read_schedule(server, thread).waited_ns,
            before_ns = last_ns ? *last_ns : 0;
    g_hash_table_replace(server->waits_ns, g_strdup(thread), g_memdup2(&now_ns, sizeof(now_ns)));
    return now_ns - before_ns;
}

int64_t server_take_starved_ns(struct server *server) {
    GDir *dir = open_threads(server);
    int64_t most_ns = 0;
    const char *thread;
    while (dir && (thread = g_dir_read_name(dir))) {
        int64_t waited_ns = take_wait_ns(server, thread);
        most_ns = MAX(most_ns, waited_ns);
    }
    if (dir)
        g_dir_close(dir);
    return most_ns;
}

// SPDX-License-Identifier: MIT
// /metrics, read by a strict parser of Prometheus' text format 0.0.4, and the dashboard that is
// drawn from it.

// The fixture's hub says little: here it has figures, and rooms of strange names.
#define hub_get_stats  hub_get_plain_stats
#define hub_list_links hub_list_plain_links
#include "http_fixture.h"
#undef hub_get_stats
#undef hub_list_links

void hub_get_stats(struct hub *hub, struct hub_stats *out);
json_t *hub_list_links(struct hub *hub);

#include "http/durations.h"
#include "http/exposition.h"
#include "http/request_id.h"

#include <glib.h>
#include <math.h>
#include <sodium.h>

#define ROOM "a\"b\\c\nd{}=, é"

void hub_get_stats(struct hub *hub, struct hub_stats *out) {
    hub_get_plain_stats(hub, out);
    for (int i = 0; i < HISTOGRAM_CLASSES; i++) {
        out->frame_time.counts[i] = (uint64_t)(i + 1);
        out->audio_lateness.counts[i] = i % 3 ? 0 : 1000000007;
    }
    out->frame_time.sum_ns = 1234567890;
}

json_t *hub_list_links(struct hub *hub) {
    return json_pack("[{s:s, s:s, s:{s:{s:i}}}, {s:s, s:s}]", "room", ROOM, "member", "m1", "link",
                     "down", "estimate_kbps", 820, "room", "ada", "member", "m2");
}

// ---- the parser ----

struct family {
    char name[96], type[16];
    int samples;
};

struct series { // one histogram: the labels but le
    double last_bound, last_below, below_all;
    bool has_sum, has_count;
};

struct exposition {
    GHashTable *families; // name -> struct family
    GHashTable *samples;  // whole name with its labels -> double *
    GHashTable *series;   // family and labels -> struct series
};

static void exposition_free(struct exposition *all) {
    g_hash_table_destroy(all->families);
    g_hash_table_destroy(all->samples);
    g_hash_table_destroy(all->series);
}

static size_t name_bytes(const char *at, const char *more) {
    size_t bytes = 0;
    while (g_ascii_isalpha(at[bytes]) || at[bytes] == '_' ||
           (at[bytes] && strchr(more, at[bytes])) || (bytes > 0 && g_ascii_isdigit(at[bytes])))
        bytes++;
    return bytes;
}

static struct family *read_help(struct exposition *all, const char *line) {
    size_t bytes = name_bytes(line + 7, ":");
    struct family *family = g_new0(struct family, 1);
    if (bytes == 0 || bytes >= sizeof(family->name) || line[7 + bytes] != ' ' ||
        strlen(line + 8 + bytes) < 5 || !g_str_has_suffix(line, ".") || strchr(line, '\\'))
        fail_msg("no help: %s", line);
    memcpy(family->name, line + 7, bytes);
    if (!g_hash_table_insert(all->families, family->name, family))
        fail_msg("twice: %s", line);
    return family;
}

static void read_type(struct family *family, const char *line) {
    size_t bytes = strlen(family->name);
    if (strncmp(line, "# TYPE ", 7) != 0 || strncmp(line + 7, family->name, bytes) != 0 ||
        line[7 + bytes] != ' ')
        fail_msg("no type of %s: %s", family->name, line);
    snprintf(family->type, sizeof(family->type), "%s", line + 8 + bytes);
    bool is_counter = strcmp(family->type, "counter") == 0;
    if (!is_counter && strcmp(family->type, "gauge") != 0 && strcmp(family->type, "histogram") != 0)
        fail_msg("no type: %s", line);
    static const char *const bad[] = {"_ms",   "_ns",      "_milliseconds",
                                      "_kbps", "_percent", "_bytes_s"};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        if (g_str_has_suffix(family->name, bad[i]))
            fail_msg("no base unit: %s", family->name);
    if (is_counter != g_str_has_suffix(family->name, "_total"))
        fail_msg("_total is for counters: %s", line);
    if (strcmp(family->type, "histogram") == 0 && !g_str_has_suffix(family->name, "_seconds"))
        fail_msg("of what unit: %s", line);
}

// One label; its end. *value may be NULL.
static const char *read_label(const char *at, GString *name, GString *value) {
    size_t bytes = name_bytes(at, "");
    g_string_append_len(name, at, (gssize)bytes);
    if (bytes == 0 || at[bytes] != '=' || at[bytes + 1] != '"')
        fail_msg("no label: %s", at);
    for (at += bytes + 2; *at != '"'; at++) {
        if (*at == '\0')
            fail_msg("a label without end");
        if (*at == '\\' && !strchr("\\\"n", *++at))
            fail_msg("no escape: %s", at);
        g_string_append_c(value, *at == 'n' && at[-1] == '\\' ? '\n' : *at);
    }
    return at + 1;
}

// The end of the labels. others: all but le, as they stand; bound: of le, NAN without.
static const char *read_labels(const char *at, GString *others, double *bound) {
    GHashTable *seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    *bound = NAN;
    while (*at == '{' || *at == ',') {
        GString *name = g_string_new(NULL), *value = g_string_new(NULL);
        const char *from = at + 1;
        at = read_label(from, name, value);
        if (strcmp(name->str, "le") == 0)
            *bound = strcmp(value->str, "+Inf") ? g_ascii_strtod(value->str, NULL) : INFINITY;
        else
            g_string_append_printf(others, "%.*s;", (int)(at - from), from);
        if (!g_utf8_validate(value->str, -1, NULL) ||
            !g_hash_table_add(seen, g_string_free(name, FALSE)))
            fail_msg("twice or no text: %s", from);
        g_string_free(value, TRUE);
    }
    if (g_hash_table_size(seen) > 0 && *at++ != '}')
        fail_msg("labels without end: %s", at);
    g_hash_table_destroy(seen);
    return at;
}

static double read_value(const char *text) {
    char *end;
    if (strcmp(text, "+Inf") == 0)
        return INFINITY;
    if (!*text || strspn(text, "0123456789.e+-") != strlen(text))
        fail_msg("no value: \"%s\"", text);
    double value = g_ascii_strtod(text, &end);
    assert_int_equal(*end, '\0');
    return value;
}

static void take_histogram(struct exposition *all, const struct family *family, const char *part,
                           const char *labels, double bound, double value) {
    char *key = g_strconcat(family->name, "{", labels, NULL);
    struct series *series = g_hash_table_lookup(all->series, key);
    if (!series) {
        series = g_new0(struct series, 1);
        series->last_bound = -1;
        g_hash_table_insert(all->series, g_strdup(key), series);
    }
    if (strcmp(part, "_bucket") == 0) {
        if (!(bound > series->last_bound) || value < series->last_below || value != floor(value))
            fail_msg("not in order: %s %f", key, bound);
        series->last_bound = bound;
        series->last_below = value;
        series->below_all = isinf(bound) ? value : -1;
    } else if (strcmp(part, "_sum") == 0) {
        series->has_sum = true;
    } else if (strcmp(part, "_count") == 0) {
        series->has_count = true;
        assert_true(isinf(series->last_bound) && series->below_all == value);
    } else {
        fail_msg("not of a histogram: %s%s", key, part);
    }
    assert_int_equal(isnan(bound), strcmp(part, "_bucket") != 0);
    g_free(key);
}

static void read_sample(struct exposition *all, struct family *family, const char *line) {
    size_t bytes = name_bytes(line, ":");
    GString *labels = g_string_new(NULL);
    double bound, *value = g_new(double, 1);
    const char *at = read_labels(line + bytes, labels, &bound);
    if (*at != ' ')
        fail_msg("no value: %s", line);
    *value = read_value(at + 1);
    char *name = g_strndup(line, bytes);
    bool is_histogram = strcmp(family->type, "histogram") == 0;
    if (is_histogram && g_str_has_prefix(name, family->name))
        take_histogram(all, family, name + strlen(family->name), labels->str, bound, *value);
    else if (strcmp(name, family->name) != 0 || !isnan(bound))
        fail_msg("not under its head: %s", line);
    if (!g_hash_table_insert(all->samples, g_strndup(line, (gsize)(at - line)), value))
        fail_msg("twice: %s", line);
    family->samples++;
    g_free(name);
    g_string_free(labels, TRUE);
}

static void read_exposition(const char *text, struct exposition *all) {
    all->families = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
    all->samples = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    all->series = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    assert_true(g_str_has_suffix(text, "\n"));
    char **lines = g_strsplit(text, "\n", -1);
    struct family *family = NULL;
    for (char **line = lines; line[0] && line[1]; line++) {
        if (strncmp(*line, "# HELP ", 7) == 0) {
            family = read_help(all, *line);
            read_type(family, *++line);
        } else if (!family || **line == '#' || **line == '\0') {
            fail_msg("what is this: %s", *line);
        } else {
            read_sample(all, family, *line);
        }
    }
    GHashTableIter each;
    gpointer key, value;
    g_hash_table_iter_init(&each, all->series);
    while (g_hash_table_iter_next(&each, &key, &value))
        if (!((struct series *)value)->has_sum || !((struct series *)value)->has_count)
            fail_msg("not whole: %s", (const char *)key);
    g_strfreev(lines);
}

static double sample_of(const struct exposition *all, const char *name) {
    const double *value = g_hash_table_lookup(all->samples, name);
    if (!value)
        fail_msg("there is no %s", name);
    return *value;
}

static void check_family(const struct exposition *all, const char *name, const char *type) {
    const struct family *family = g_hash_table_lookup(all->families, name);
    if (!family)
        fail_msg("there is no %s", name);
    assert_string_equal(family->type, type);
}

static struct answer *ask_metrics(const struct hub *hub) {
    struct answer *answer = client_ask(hub, "GET", "/metrics", NULL, NULL);
    assert_int_equal(answer->status, 200);
    assert_string_equal(answer_header(answer, "Content-Type"),
                        "text/plain; version=0.0.4; charset=utf-8");
    return answer;
}

// ---- what is in it ----

static void test_metrics_hold_against_the_text_format(void **state) {
    struct hub *hub = fixture_start();
    struct exposition all;
    free(client_ask(hub, "GET", "/healthz", NULL, NULL));
    struct answer *answer = ask_metrics(hub);
    read_exposition(answer->body, &all);
    assert_true(g_hash_table_size(all.families) > 40);
    assert_true(sample_of(&all, "tessera_rooms") == 3);
    assert_true(sample_of(&all, "tessera_encode_seconds_total") == 1.5);
    assert_true(sample_of(&all, "process_resident_memory_bytes") > 0);
    assert_true(sample_of(&all, "process_start_time_seconds") > 0);
    assert_true(sample_of(&all, "process_open_fds") > 0);
    assert_true(sample_of(&all, "tessera_frames_composed_total") == 123456789);
    assert_true(sample_of(&all,
                          "tessera_member_estimate_bits_per_second{room=\"a\\\"b\\\\c\\nd{}=, "
                          "é\",member=\"m1\"}") == 820000);
    exposition_free(&all);
    free(answer);
    fixture_stop(hub);
}

static void test_metrics_have_the_histograms_of_the_rooms(void **state) {
    static const char *const names[] = {
        "tessera_video_frame_seconds", "tessera_video_tick_lateness_seconds",
        "tessera_audio_tick_lateness_seconds", "tessera_playout_delay_seconds",
        "tessera_http_request_duration_seconds"};
    struct hub *hub = fixture_start();
    struct exposition all;
    struct answer *answer = ask_metrics(hub);
    read_exposition(answer->body, &all);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        check_family(&all, names[i], "histogram");
    // 1, 2, 3 ... in the classes; cumulated, with bounds in seconds.
    assert_true(sample_of(&all, "tessera_video_frame_seconds_bucket{le=\"0.0005\"}") == 1);
    assert_true(sample_of(&all, "tessera_video_frame_seconds_bucket{le=\"0.005\"}") == 10);
    assert_true(sample_of(&all, "tessera_video_frame_seconds_bucket{le=\"5\"}") == 91);
    assert_true(sample_of(&all, "tessera_video_frame_seconds_bucket{le=\"+Inf\"}") == 105);
    assert_true(sample_of(&all, "tessera_video_frame_seconds_count") == 105);
    assert_true(sample_of(&all, "tessera_video_frame_seconds_sum") == 1.23456789);
    assert_true(sample_of(&all, "tessera_playout_delay_seconds_count") == 0);
    exposition_free(&all);
    free(answer);
    fixture_stop(hub);
}

static void test_metrics_count_requests_by_method_and_class(void **state) {
    static const char count[] = "tessera_http_request_duration_seconds_count";
    struct hub *hub = fixture_start();
    struct exposition all;
    for (int i = 0; i < 3; i++)
        free(client_ask(hub, "GET", "/healthz", NULL, NULL));
    free(client_ask(hub, "GET", "/nothing", NULL, NULL));
    free(client_ask(hub, "POST", "/api/v1/rooms", KEY_LINE JSON_LINE, "{}"));
    for (int i = 0; i < 50; i++) { // no series for each word that a client thinks of
        char method[16];
        snprintf(method, sizeof(method), "X%d", i);
        free(client_ask(hub, method, "/healthz", NULL, NULL));
    }
    struct answer *answer = ask_metrics(hub);
    read_exposition(answer->body, &all);
    char name[160];
    snprintf(name, sizeof(name), "%s{method=\"GET\",code=\"2xx\"}", count);
    assert_true(sample_of(&all, name) == 3);
    snprintf(name, sizeof(name), "%s{method=\"GET\",code=\"4xx\"}", count);
    assert_true(sample_of(&all, name) == 1);
    snprintf(name, sizeof(name), "%s{method=\"POST\",code=\"2xx\"}", count);
    assert_true(sample_of(&all, name) == 1);
    snprintf(name, sizeof(name), "%s{method=\"other\",code=\"4xx\"}", count);
    assert_true(sample_of(&all, name) == 50);
    exposition_free(&all);
    free(answer);
    fixture_stop(hub);
}

static void test_durations_never_have_more_series_than_their_table(void **state) {
    struct durations *durations = calloc(1, sizeof(*durations));
    for (int status = 0; status < 1000; status += 7)
        for (int i = 0; i < 30; i++) {
            char method[8];
            snprintf(method, sizeof(method), "%c%c", 'A' + i, 'a');
            durations_add(durations, method, status, status * 1000000);
            durations_add(durations, "GET", status, -1);
        }
    GString *text = g_string_new(NULL);
    struct exposition all;
    durations_write(durations, text);
    read_exposition(text->str, &all);
    assert_int_equal(g_hash_table_size(all.series), 2 * 5);
    exposition_free(&all);
    g_string_free(text, TRUE);
    free(durations);
}

// ---- the dashboard ----

// Every word of an expression that is a metric of ours.
static void check_expression(const struct exposition *all, const char *expression, int *found) {
    static const char *const parts[] = {"", "_bucket", "_sum", "_count"};
    for (const char *at = expression; *at;) {
        size_t bytes = name_bytes(at, ":");
        bool is_metric = g_str_has_prefix(at, "tessera_") || g_str_has_prefix(at, "process_");
        bool is_there = false;
        for (size_t p = 0; is_metric && p < G_N_ELEMENTS(parts); p++) {
            char *name = g_strndup(at, bytes);
            if (!g_str_has_suffix(name, parts[p])) {
                g_free(name);
                continue;
            }
            name[bytes - strlen(parts[p])] = '\0';
            const struct family *family = g_hash_table_lookup(all->families, name);
            is_there |= family && (p > 0) == (strcmp(family->type, "histogram") == 0);
            g_free(name);
        }
        if (is_metric && !is_there)
            fail_msg("there is no %.*s: %s", (int)bytes, at, expression);
        *found += is_metric;
        at += bytes ? bytes : 1;
    }
}

static void check_panels(const struct exposition *all, const json_t *panels, int *found) {
    size_t p, t;
    const json_t *panel, *target;
    json_array_foreach(panels, p, panel) {
        const char *title = json_string_value(json_object_get(panel, "title"));
        assert_true(title && *title);
        if (strcmp(json_string_value(json_object_get(panel, "type")), "row") == 0)
            continue;
        assert_string_equal(
            json_string_value(json_object_get(json_object_get(panel, "datasource"), "uid")),
            "${datasource}");
        assert_true(json_array_size(json_object_get(panel, "targets")) > 0);
        json_array_foreach(json_object_get(panel, "targets"), t, target) {
            int before = *found;
            const char *expression = json_string_value(json_object_get(target, "expr"));
            if (!expression)
                fail_msg("%s has no expression", title);
            check_expression(all, expression, found);
            if (*found == before)
                fail_msg("%s asks for no metric: %s", title, expression);
        }
    }
}

static void test_dashboard_draws_only_what_there_is(void **state) {
    struct hub *hub = fixture_start();
    struct exposition all;
    struct answer *answer = ask_metrics(hub), *file;
    json_error_t error;
    int found = 0;
    read_exposition(answer->body, &all);
    file = client_ask(hub, "GET", "/grafana/tessera.json", NULL, NULL);
    assert_int_equal(file->status, 200);
    json_t *dashboard = json_loadb(file->body, file->body_bytes, JSON_REJECT_DUPLICATES, &error);
    if (!dashboard)
        fail_msg("line %d: %s", error.line, error.text);
    assert_true(json_integer_value(json_object_get(dashboard, "schemaVersion")) >= 38);
    assert_true(json_is_null(json_object_get(dashboard, "id"))); // or it would replace another
    const json_t *variable =
        json_array_get(json_object_get(json_object_get(dashboard, "templating"), "list"), 0);
    assert_string_equal(json_string_value(json_object_get(variable, "type")), "datasource");
    assert_string_equal(json_string_value(json_object_get(variable, "name")), "datasource");
    check_panels(&all, json_object_get(dashboard, "panels"), &found);
    assert_true(found > 30);
    json_decref(dashboard);
    exposition_free(&all);
    free(answer);
    free(file);
    fixture_stop(hub);
}

// ---- request ids ----

static bool is_new_id(const char *id) {
    return id && strlen(id) == 16 && strspn(id, "0123456789abcdef") == 16;
}

static void test_request_id_of_the_client_is_kept_if_it_is_sane(void **state) {
    static const char longest[] =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._";
    static const char *const sane[] = {"x", "7f3-A.b_c", longest};
    static const char *const others[] = {
        NULL,    "",         "a b",
        "a\tb",  "a\"b",     "a/b",
        "a\x1b", "\xc3\xa9", "a\r\nb: c",
        "${x}",  "<b>",      "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.__"};
    char id[REQUEST_ID_BYTES], last[REQUEST_ID_BYTES] = "";
    assert_true(sodium_init() >= 0);
    for (size_t i = 0; i < G_N_ELEMENTS(sane); i++) {
        request_id_choose(sane[i], id);
        assert_string_equal(id, sane[i]);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        request_id_choose(others[i], id);
        assert_true(is_new_id(id));
        assert_string_not_equal(id, last);
        strcpy(last, id);
    }
}

static void test_every_answer_says_its_request_id(void **state) {
    struct hub *hub = fixture_start();
    struct answer *answer = client_ask(hub, "GET", "/healthz", "X-Request-Id: my-own.1\r\n", NULL);
    assert_string_equal(answer_header(answer, "X-Request-Id"), "my-own.1");
    free(answer);
    answer = client_ask(hub, "GET", "/healthz", "X-Request-Id: \"><script>\r\n", NULL);
    assert_true(is_new_id(answer_header(answer, "X-Request-Id")));
    free(answer);
    static const char *const paths[] = {"/api/v1/rooms", "/api/v1/nothing", "/api/v1/rooms/bob"};
    for (int i = 0; i < 3; i++) {
        json_error_t error;
        answer = client_ask(hub, "GET", paths[i], i == 2 ? KEY_LINE : NULL, NULL);
        const char *id = answer_header(answer, "X-Request-Id");
        assert_true(is_new_id(id));
        json_t *problem = json_loadb(answer->body, answer->body_bytes, 0, &error);
        assert_string_equal(json_string_value(json_object_get(problem, "request_id")), id);
        json_decref(problem);
        free(answer);
    }
    fixture_stop(hub);
}

// ---- what the log says of requests ----

static char *log_of(void (*ask)(const struct hub *hub)) {
    FILE *captured = tmpfile();
    struct hub *hub = fixture_start();
    int saved = dup(STDERR_FILENO);
    fflush(stderr);
    dup2(fileno(captured), STDERR_FILENO);
    log_set_level(LOG_DEBUG);
    log_set_format(LOG_JSON);
    ask(hub);
    fixture_stop(hub);
    log_set_format(LOG_TEXT);
    log_set_level(LOG_ERROR);
    dup2(saved, STDERR_FILENO);
    close(saved);
    long bytes = lseek(fileno(captured), 0, SEEK_END);
    char *text = g_malloc0((gsize)bytes + 1);
    assert_int_equal(pread(fileno(captured), text, (size_t)bytes, 0), bytes);
    fclose(captured);
    return text;
}

static void ask_with_secrets(const struct hub *hub) {
    free(client_ask(hub, "GET", "/r/ada?token=SECRET-QUERY&pin=SECRET-PIN",
                    "X-Request-Id: find-me\r\nAuthorization: Bearer SECRET-BEARER\r\n"
                    "Cookie: tessera_session=SECRET-COOKIE\r\n",
                    NULL));
    free(client_ask(hub, "GET", "/api/v1/rooms", KEY_LINE, NULL));
    free(client_ask(hub, "POST", "/api/v1/session", JSON_LINE,
                    "{\"login\":\"ada\",\"password\":\"SECRET-PASSWORD\"}"));
    free(client_ask(hub, "POST", "/api/v1/rooms", KEY_LINE JSON_LINE, "{\"pin\":\"SECRET-PIN\""));
    free(client_ask(hub, "GET", "/a%0d%0ab\"c", "X-Request-Id: SECRET BUT NO ID\r\n", NULL));
}

static void test_log_of_requests_has_ids_and_no_secrets(void **state) {
    char *text = log_of(ask_with_secrets);
    assert_non_null(strstr(text, " GET /r/ada 401 "));
    assert_non_null(strstr(text, " id=find-me\"}\n"));
    assert_null(strstr(text, "SECRET"));
    assert_null(strstr(text, TEST_KEY));
    assert_null(strstr(text, TEST_SECRET));
    char **lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; line[0] && line[1]; line++) {
        json_error_t error;
        json_t *object = json_loads(*line, 0, &error);
        if (!object)
            fail_msg("no JSON: %s", *line);
        json_decref(object);
    }
    g_strfreev(lines);
    g_free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metrics_hold_against_the_text_format),
        cmocka_unit_test(test_metrics_have_the_histograms_of_the_rooms),
        cmocka_unit_test(test_metrics_count_requests_by_method_and_class),
        cmocka_unit_test(test_durations_never_have_more_series_than_their_table),
        cmocka_unit_test(test_dashboard_draws_only_what_there_is),
        cmocka_unit_test(test_request_id_of_the_client_is_kept_if_it_is_sane),
        cmocka_unit_test(test_every_answer_says_its_request_id),
        cmocka_unit_test(test_log_of_requests_has_ids_and_no_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

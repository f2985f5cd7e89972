// SPDX-License-Identifier: MIT
#include "http/cli_call.h"

#include <curl/curl.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECT_S = 10, CALL_S = 60, PAGES_MAX = 1000 };
static const size_t answer_bytes_max = 16 << 20;

struct call {
    CURL *curl;
    struct curl_slist *headers;
    char *url, *body;
    GString *answer;
    char problem[CURL_ERROR_SIZE];
};

char *cli_path(const char *format, const char *first, const char *second) {
    GString *path = g_string_new(NULL);
    for (; *format; format++) { // in one go: what is put in has percent signs of its own
        if (*format != '%') {
            g_string_append_c(path, *format);
            continue;
        }
        const char *word = *++format == '1' ? first : second;
        char *escaped = g_uri_escape_string(word ? word : "", NULL, FALSE);
        g_string_append(path, escaped);
        g_free(escaped);
    }
    return g_string_free(path, FALSE);
}

static size_t on_data(char *data, size_t size, size_t count, void *user) {
    struct call *call = user;
    if (call->answer->len + size * count > answer_bytes_max)
        return 0;
    g_string_append_len(call->answer, data, (gssize)(size * count));
    return size * count;
}

static void add_header(struct call *call, const char *name, const char *value) {
    char *line = g_strdup_printf("%s: %s", name, value);
    struct curl_slist *longer = curl_slist_append(call->headers, line);
    if (longer)
        call->headers = longer;
    explicit_bzero(line, strlen(line)); // it may be the key
    g_free(line);
}

// Only ever to the server that was named: no redirect takes the key elsewhere.
static bool prepare(struct call *call, const struct cli *cli, const char *method, const char *path,
                    json_t *body) {
    call->curl = curl_easy_init();
    call->answer = g_string_new(NULL);
    int host_bytes = (int)strlen(cli->server);
    while (host_bytes > 0 && cli->server[host_bytes - 1] == '/')
        host_bytes--;
    call->url = g_strdup_printf("%.*s/api/v1%s", host_bytes, cli->server, path);
    if (cli->api_key) {
        char *value = g_strconcat("Bearer ", cli->api_key, NULL);
        add_header(call, "Authorization", value);
        explicit_bzero(value, strlen(value));
        g_free(value);
    }
    if (body) {
        call->body = json_dumps(body, JSON_COMPACT);
        add_header(call, "Content-Type", "application/json");
    }
    if (!call->curl || (body && !call->body))
        return false;
    curl_easy_setopt(call->curl, CURLOPT_URL, call->url);
    curl_easy_setopt(call->curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(call->curl, CURLOPT_HTTPHEADER, call->headers);
    if (body)
        curl_easy_setopt(call->curl, CURLOPT_POSTFIELDS, call->body);
    if (cli->ca_file)
        curl_easy_setopt(call->curl, CURLOPT_CAINFO, cli->ca_file);
    curl_easy_setopt(call->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(call->curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    curl_easy_setopt(call->curl, CURLOPT_TIMEOUT, (long)CALL_S);
    curl_easy_setopt(call->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(call->curl, CURLOPT_USERAGENT, "tessera/" TESSERA_VERSION);
    curl_easy_setopt(call->curl, CURLOPT_ERRORBUFFER, call->problem);
    curl_easy_setopt(call->curl, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(call->curl, CURLOPT_WRITEDATA, call);
    return true;
}

static void finish(struct call *call) {
    curl_easy_cleanup(call->curl);
    curl_slist_free_all(call->headers);
    g_free(call->url);
    if (call->body)
        explicit_bzero(call->body, strlen(call->body)); // it may hold a password
    free(call->body);
    if (call->answer)
        g_string_free(call->answer, TRUE);
}

// What the server's problem object says.
static int explain(const struct cli *cli, long status, const json_t *problem) {
    const char *detail = json_string_value(json_object_get(problem, "detail"));
    const char *code = json_string_value(json_object_get(problem, "code"));
    if (!detail || !code)
        return cli_complain(cli, CLI_FAILED, "%s has answered %ld, and not as Tessera does.",
                            cli->server, status);
    cli_complain(cli, CLI_FAILED, "%s (%s)", detail, code);
    if (status == 401)
        fputs("Give the key of the server with TESSERA_API_KEY, --api-key-file or --api-key.\n",
              cli->err);
    return CLI_FAILED;
}

static int read_answer(const struct cli *cli, const struct call *call, json_t **out) {
    long status = 0;
    curl_easy_getinfo(call->curl, CURLINFO_RESPONSE_CODE, &status);
    json_t *json = json_loadb(call->answer->str, call->answer->len, 0, NULL);
    bool is_good = status >= 200 && status < 300 && (json || call->answer->len == 0);
    if (!is_good)
        explain(cli, status, status >= 300 ? json : NULL);
    if (is_good)
        *out = json;
    else
        json_decref(json);
    return is_good ? CLI_OK : CLI_FAILED;
}

int cli_call(const struct cli *cli, const char *method, const char *path, json_t *body,
             json_t **out) {
    struct call call = {.curl = NULL};
    int result = CLI_FAILED;
    *out = NULL;
    if (!prepare(&call, cli, method, path, body)) {
        cli_complain(cli, CLI_FAILED, "Out of memory.");
    } else {
        CURLcode code = curl_easy_perform(call.curl);
        if (code == CURLE_OK)
            result = read_answer(cli, &call, out);
        else
            cli_complain(cli, CLI_FAILED, "Cannot reach %s: %s.%s", cli->server,
                         call.problem[0] ? call.problem : curl_easy_strerror(code),
                         code == CURLE_COULDNT_CONNECT ? " Does the server run?" : "");
    }
    finish(&call);
    json_decref(body);
    return result;
}

int cli_call_list(const struct cli *cli, const char *path, const char *plural, json_t **out) {
    json_t *all = json_array(), *page = NULL;
    char *cursor = NULL;
    int result = CLI_OK;
    for (int pages = 0; result == CLI_OK && pages < PAGES_MAX; pages++) {
        char *query = cli_path(cursor ? "?limit=200&cursor=%1" : "?limit=200", cursor, NULL);
        char *target = g_strconcat(path, query, NULL);
        result = cli_call(cli, "GET", target, NULL, &page);
        g_free(target);
        g_free(query);
        g_free(cursor);
        json_array_extend(all, json_object_get(page, plural));
        cursor = g_strdup(json_string_value(json_object_get(page, "next_cursor")));
        json_decref(page);
        page = NULL;
        if (!cursor)
            break;
    }
    g_free(cursor);
    if (result == CLI_OK)
        *out = json_pack("{s:O}", plural, all);
    json_decref(all);
    return result;
}

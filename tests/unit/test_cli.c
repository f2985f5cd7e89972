// SPDX-License-Identifier: MIT
// The commands of the command line, against a server that says what it is told and remembers what
// it was asked.
#include "http/cli.h"
#include "http/cli_command.h"
#include "http/cli_table.h"

#include <arpa/inet.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h> // after the above, as it asks

enum { ANSWERS_MAX = 8, WORDS_MAX = 32 };

// ---- the server ----

struct server {
    int fd, port, answer_count;
    const char *answers[ANSWERS_MAX]; // "200 {...}": status and body, one per request
    GString *requests[ANSWERS_MAX];
    pthread_t thread;
};

static void read_request(int fd, GString *request) {
    char data[4096];
    for (;;) {
        const char *head_end = strstr(request->str, "\r\n\r\n");
        const char *length = strcasestr(request->str, "Content-Length: ");
        size_t wanted = head_end ? (size_t)(head_end - request->str) + 4 +
                                       (length ? strtoul(length + 16, NULL, 10) : 0)
                                 : SIZE_MAX;
        ssize_t got = request->len >= wanted ? 0 : recv(fd, data, sizeof(data), 0);
        if (got <= 0)
            return;
        g_string_append_len(request, data, got);
    }
}

static void *serve(void *user) {
    struct server *server = user;
    for (int i = 0; i < server->answer_count; i++) {
        int fd = accept(server->fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        read_request(fd, server->requests[i]);
        const char *body = server->answers[i] + 4;
        char *text = g_strdup_printf("HTTP/1.1 %.3s So\r\nContent-Length: %zu\r\n"
                                     "Connection: close\r\n\r\n%s",
                                     server->answers[i], strlen(body), body);
        send(fd, text, strlen(text), MSG_NOSIGNAL);
        g_free(text);
        close(fd);
    }
    return NULL;
}

static struct server *start(const char *first, const char *second) {
    struct server *server = calloc(1, sizeof(*server));
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof(address);
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->fd, (struct sockaddr *)&address, bytes), 0);
    assert_int_equal(listen(server->fd, 8), 0);
    getsockname(server->fd, (struct sockaddr *)&address, &bytes);
    server->port = ntohs(address.sin_port);
    server->answers[0] = first;
    server->answers[1] = second;
    server->answer_count = second ? 2 : 1;
    for (int i = 0; i < server->answer_count; i++)
        server->requests[i] = g_string_new(NULL);
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
    char url[64];
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", server->port);
    setenv("TESSERA_SERVER", url, 1);
    return server;
}

static void stop(struct server *server) {
    shutdown(server->fd, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->fd);
    for (int i = 0; i < server->answer_count; i++)
        g_string_free(server->requests[i], TRUE);
    free(server);
    unsetenv("TESSERA_SERVER");
}

static void expect_asked(const struct server *server, int index, const char *start_line) {
    const char *text = server->requests[index]->str;
    if (!g_str_has_prefix(text, start_line))
        fail_msg("asked %.80s instead of %s", text, start_line);
}

static void expect_body(const struct server *server, int index, const char *wanted) {
    const char *body = strstr(server->requests[index]->str, "\r\n\r\n");
    assert_non_null(body);
    json_t *given = json_loads(body + 4, 0, NULL), *expected = json_loads(wanted, 0, NULL);
    assert_non_null(expected);
    if (!json_equal(given, expected))
        fail_msg("said %s instead of %s", body + 4, wanted);
    json_decref(given);
    json_decref(expected);
}

// ---- a command ----

static char *said, *complained; // of the last command

static void forget(void) {
    free(said);
    free(complained);
    said = complained = NULL;
}

// line: words divided by spaces; '_' in a word stands for a space.
static int run(const char *line) {
    size_t said_bytes, complained_bytes;
    char **words = g_strsplit(line, " ", WORDS_MAX);
    for (char **word = words; *word; word++)
        g_strdelimit(*word, "_", ' ');
    forget();
    FILE *out = open_memstream(&said, &said_bytes);
    FILE *err = open_memstream(&complained, &complained_bytes);
    int status = cli_run((int)g_strv_length(words), words, out, err);
    fclose(out);
    fclose(err);
    g_strfreev(words);
    return status;
}

static void expect_usage(const char *line, const char *sentence) {
    int status = run(line);
    if (status != 2 || !strstr(complained, sentence))
        fail_msg("%s: %d, %s", line, status, complained);
    assert_string_equal(said, "");
    assert_true(g_str_has_prefix(complained, "tessera: "));
}

static void expect_failure(const char *line, const char *sentence) {
    int status = run(line);
    if (status != 1 || !strstr(complained, sentence))
        fail_msg("%s: %d, %s", line, status, complained);
    assert_string_equal(said, "");
}

// ---- the command line ----

static void test_only_the_commands_nouns_are_commands(void **state) {
    static const char *const nouns[] = {"room", "member", "user", "token", "completion"};
    static const char *const others[] = {"--help", "--listen", "", "rooms", "list", "server"};
    for (size_t i = 0; i < G_N_ELEMENTS(nouns); i++)
        assert_true(cli_is_command(nouns[i]));
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        assert_false(cli_is_command(others[i]));
}

static void test_what_makes_no_sense_is_refused_before_anything_is_sent(void **state) {
    setenv("TESSERA_SERVER", "http://127.0.0.1:1", 1);
    expect_usage("room", "tessera room --help");
    expect_usage("room frob", "no command \"frob\"");
    expect_usage("room list extra", "Usage: tessera room list");
    expect_usage("room end", "Usage: tessera room end ROOM");
    expect_usage("member kick ada", "Usage: tessera member kick ROOM MEMBER");
    expect_usage("token", "Usage: tessera token ROOM");
    expect_usage("token a b c d e", "\"e\" is one word too many");
    expect_usage("room create --frob", "no flag --frob");
    expect_usage("room list --title x", "no flag --title");
    expect_usage("room create -t", "two dashes");
    expect_usage("room create --title", "--title needs a value");
    expect_usage("room create --lobby=yes", "--lobby takes no value");
    expect_usage("room create --max-members many", "--max-members must be a whole number");
    expect_usage("room create --max-members -1", "--max-members must be a whole number");
    expect_usage("member kick ada m1 --ban 1h", "--ban must be a whole number");
    expect_usage("token ada --expires-in 1.5", "--expires-in must be a whole number");
    expect_usage("room list --server localhost:8080", "must be a URL");
    expect_usage("room list --server file:///etc/passwd", "must be a URL");
    expect_usage("room list --api-key a\r\nX-Evil:1", "must be printable");
    expect_usage("completion csh", "bash, zsh and fish");
    unsetenv("TESSERA_SERVER");
}

static void test_help_shows_every_command_and_flag(void **state) {
    assert_int_equal(run("room --help"), 0);
    assert_non_null(strstr(said, "Usage: tessera room create [ROOM]"));
    assert_non_null(strstr(said, "Usage: tessera room list"));
    assert_non_null(strstr(said, "--api-key-file FILE"));
    for (int i = 0; i < cli_commands_count; i++) {
        const struct cli_command *command = &cli_commands[i];
        char *line = g_strdup_printf("%s%s%s --help", command->noun, command->verb ? " " : "",
                                     command->verb ? command->verb : "");
        assert_int_equal(run(line), 0);
        assert_string_equal(complained, "");
        assert_non_null(strstr(said, command->help));
        for (const struct cli_flag *flag = command->flags; flag && flag->name; flag++)
            assert_non_null(strstr(said, flag->name));
        g_free(line);
    }
}

static void test_commands_are_sorted(void **state) {
    for (int i = 1; i < cli_commands_count; i++) {
        int nouns = strcmp(cli_commands[i - 1].noun, cli_commands[i].noun);
        assert_true(nouns < 0 ||
                    (nouns == 0 && strcmp(cli_commands[i - 1].verb, cli_commands[i].verb) < 0));
    }
}

// ---- what is sent ----

static void test_a_list_follows_its_pages(void **state) {
    struct server *server =
        start("200 {\"rooms\":[{\"id\":\"ada\",\"members\":2}],\"next_cursor\":\"a&b=/ c\"}",
              "200 {\"rooms\":[{\"id\":\"a-longer-name\",\"members\":10}],\"next_cursor\":null}");
    assert_int_equal(run("room list"), 0);
    expect_asked(server, 0, "GET /api/v1/rooms?limit=200 HTTP");
    expect_asked(server, 1, "GET /api/v1/rooms?limit=200&cursor=a%26b%3D%2F%20c HTTP");
    char **lines = g_strsplit(said, "\n", -1);
    assert_int_equal(g_strv_length(lines), 4);
    assert_true(g_str_has_prefix(lines[0], "ROOM           TITLE  MEMBERS  "));
    assert_true(g_str_has_prefix(lines[1], "ada            -      2        "));
    assert_true(g_str_has_prefix(lines[2], "a-longer-name  -      10       "));
    g_strfreev(lines);
    stop(server);
}

static void test_json_is_what_the_server_says(void **state) {
    struct server *server = start("200 {\"members\":[{\"id\":\"m1\",\"x\":[1]}]}", NULL);
    assert_int_equal(run("member list ada --json"), 0);
    expect_asked(server, 0, "GET /api/v1/rooms/ada/members?limit=200 HTTP");
    json_t *json = json_loads(said, 0, NULL),
           *wanted = json_pack("{s:[{s:s,s:[i]}]}", "members", "id", "m1", "x", 1);
    assert_true(json_equal(json, wanted));
    json_decref(json);
    json_decref(wanted);
    stop(server);
}

static void test_the_key_is_sent_and_never_shown(void **state) {
    struct server *server = start("200 {\"rooms\":[]}", "403 {\"code\":\"c\",\"detail\":\"No.\"}");
    setenv("TESSERA_API_KEY", "of-the-environment", 1);
    assert_int_equal(run("room list"), 0);
    assert_non_null(
        strstr(server->requests[0]->str, "Authorization: Bearer of-the-environment\r\n"));
    assert_string_equal(said, "There are none.\n");
    assert_int_equal(run("room list --api-key of-the-flag"), 1);
    assert_non_null(strstr(server->requests[1]->str, "Authorization: Bearer of-the-flag\r\n"));
    assert_null(strstr(complained, "of-the-flag"));
    unsetenv("TESSERA_API_KEY");
    stop(server);
}

static void test_the_key_may_be_in_a_file(void **state) {
    char path[] = "/tmp/tessera-key-XXXXXX", line[128];
    int fd = mkstemp(path);
    assert_int_equal(write(fd, "of-the-file\n", 12), 12);
    struct server *server = start("200 {\"rooms\":[]}", NULL);
    snprintf(line, sizeof(line), "room list --api-key-file %s", path);
    assert_int_equal(run(line), 0);
    assert_non_null(strstr(server->requests[0]->str, "Authorization: Bearer of-the-file\r\n"));
    stop(server);
    assert_int_equal(ftruncate(fd, 0), 0);
    expect_failure(line, "holds no key");
    close(fd);
    g_unlink(path);
    expect_failure(line, path);
}

static void test_what_was_given_is_what_is_asked(void **state) {
    static const struct {
        const char *line, *asked, *body;
    } rows[] = {
        {"room create", "POST /api/v1/rooms HTTP", "{}"},
        {"room create ada --title=Two_words --lobby --max-members 5 --pin 12 --layout speaker",
         "POST /api/v1/rooms HTTP",
         "{\"id\":\"ada\",\"title\":\"Two words\",\"lobby\":true,\"max_members\":5,\"pin\":\"12\","
         "\"layout\":\"speaker\"}"},
        {"room end ada", "DELETE /api/v1/rooms/ada HTTP", NULL},
        {"room end a/../b --reason Late_&_dark",
         "DELETE /api/v1/rooms/a%2F..%2Fb?reason=Late%20%26%20dark HTTP", NULL},
        {"room end -- --json", "DELETE /api/v1/rooms/--json HTTP", NULL},
        {"member kick ada m1", "DELETE /api/v1/rooms/ada/members/m1 HTTP", NULL},
        {"member kick ada m1 --ban 60 --reason Bye", "DELETE /api/v1/rooms/ada/members/m1 HTTP",
         "{\"ban\":60,\"reason\":\"Bye\"}"},
        {"user remove bob@example.org", "DELETE /api/v1/users/bob%40example.org HTTP", NULL},
        {"token ada --permissions chat,react --single-use --role viewer --expires-in 60 --name Zoe",
         "POST /api/v1/tokens HTTP",
         "{\"room\":\"ada\",\"permissions\":[\"chat\",\"react\"],\"single_use\":true,\"role\":"
         "\"viewer\",\"expires_in\":60,\"name\":\"Zoe\"}"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct server *server = start(rows[i].body ? "201 {\"id\":\"x\"}" : "204 ", NULL);
        if (run(rows[i].line) != 0)
            fail_msg("%s: %s", rows[i].line, complained);
        expect_asked(server, 0, rows[i].asked);
        if (rows[i].body)
            expect_body(server, 0, rows[i].body);
        else
            assert_true(g_str_has_suffix(server->requests[0]->str, "\r\n\r\n"));
        stop(server);
    }
}

static void test_a_password_comes_from_the_standard_input(void **state) {
    int pipes[2], before = dup(STDIN_FILENO);
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(write(pipes[1], "se cret\r\nmore", 13), 13);
    close(pipes[1]);
    dup2(pipes[0], STDIN_FILENO);
    close(pipes[0]);
    struct server *server = start("201 {\"login\":\"bob\",\"email\":null}", NULL);
    assert_int_equal(run("user add bob --password-stdin --email b@example.org"), 0);
    expect_asked(server, 0, "POST /api/v1/users HTTP");
    expect_body(server, 0,
                "{\"login\":\"bob\",\"password\":\"se cret\",\"email\":\"b@example.org\"}");
    assert_string_equal(said, "LOGIN    bob\n");
    stop(server);
    dup2(before, STDIN_FILENO);
    close(before);
}

// ---- what goes wrong ----

static void test_a_problem_is_told_as_the_server_tells_it(void **state) {
    struct server *server =
        start("404 {\"type\":\"about:blank\",\"status\":404,\"code\":\"room-not-"
              "found\",\"detail\":\"There is no room of this name.\"}",
              "401 {\"code\":\"key-wrong\",\"detail\":\"Wrong.\"}");
    expect_failure("room end ada", "tessera: There is no room of this name. (room-not-found)\n");
    expect_failure("room end ada", "TESSERA_API_KEY");
    stop(server);
}

static void test_what_is_no_answer_of_ours_is_told(void **state) {
    struct server *server = start("502 <html>Bad Gateway</html>", "200 <html>Welcome</html>");
    expect_failure("room list", "has answered 502");
    expect_failure("room list", "has answered 200");
    stop(server);
    server = start("302 ", "200 {");
    expect_failure("room list", "has answered 302"); // no redirect takes the key elsewhere
    expect_failure("room list", "has answered 200");
    stop(server);
    setenv("TESSERA_SERVER", "http://127.0.0.1:1", 1);
    expect_failure("room list", "Does the server run?");
    unsetenv("TESSERA_SERVER");
}

// ---- what is shown ----

static char *show(const char *rows) {
    static const struct cli_column columns[] = {{"NAME", "name"}, {"HAND", "hand"}, {NULL, NULL}};
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    json_t *json = json_loads(rows, 0, NULL);
    assert_non_null(json);
    cli_print_table(out, json, columns);
    json_decref(json);
    fclose(out);
    return text;
}

static void test_columns_are_aligned_in_every_script(void **state) {
    char *text = show("[{\"name\":\"Zo\\u00eb\",\"hand\":true},{\"name\":\"\\u5c71\\u7530\","
                      "\"hand\":false},{\"name\":\"e\\u0301\"},{\"name\":null,\"hand\":3}]");
    assert_string_equal(text, "NAME  HAND\n"
                              "Zoë   yes\n"
                              "山田  no\n"
                              "e\u0301     -\n"
                              "-     3\n");
    free(text);
}

static void test_a_name_cannot_command_the_terminal(void **state) {
    char *text = show("[{\"name\":\"\\u001b[2Jx\\u0007\\n\\u009b5m\",\"hand\":false}]");
    assert_string_equal(text, "NAME        HAND\n?[2Jx???5m  no\n");
    free(text);
}

static void test_a_long_text_is_cut(void **state) {
    char *text = show("[{\"name\":\"0123456789012345678901234567890123456789x\",\"hand\":1}]");
    assert_non_null(strstr(text, "\n012345678901234567890123456789012345678…  1\n"));
    free(text);
}

// ---- completion ----

static void expect_shell(const char *shell, const char *check) {
    char *path = g_find_program_in_path(shell), *line = g_strdup_printf("completion %s", shell);
    char name[] = "/tmp/tessera-completion-XXXXXX";
    assert_int_equal(run(line), 0);
    for (int i = 0; i < cli_commands_count; i++) {
        assert_non_null(strstr(said, cli_commands[i].noun));
        assert_non_null(strstr(said, cli_commands[i].verb ? cli_commands[i].verb : ""));
        for (const struct cli_flag *flag = cli_commands[i].flags; flag && flag->name; flag++)
            assert_non_null(strstr(said, flag->name));
    }
    if (path) { // what a shell that is here says of it
        int fd = mkstemp(name);
        assert_int_equal(write(fd, said, strlen(said)), strlen(said));
        close(fd);
        char *command = g_strdup_printf(check, path, name);
        if (system(command) != 0) // NOLINT: a test's own words
            fail_msg("%s", command);
        g_free(command);
        g_unlink(name);
    }
    g_free(line);
    g_free(path);
}

static void test_completions_are_scripts_of_their_shells(void **state) {
    expect_shell("bash", "%s -c '. %s; COMP_WORDS=(tessera room cr); COMP_CWORD=2; _tessera; "
                         "[ \"${COMPREPLY[*]}\" = create ]; first=$?; "
                         "COMP_WORDS=(tessera token ada --sin); COMP_CWORD=3; _tessera; "
                         "[ \"${COMPREPLY[*]}\" = --single-use ] && [ $first = 0 ]'");
    expect_shell("zsh", "%s -n %s");
    expect_shell("fish", "%s -n %s");
}

static int start_clean(void **state) {
    unsetenv("TESSERA_SERVER");
    unsetenv("TESSERA_API_KEY");
    return 0;
}

static int end_clean(void **state) {
    forget();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_the_commands_nouns_are_commands),
        cmocka_unit_test(test_what_makes_no_sense_is_refused_before_anything_is_sent),
        cmocka_unit_test(test_help_shows_every_command_and_flag),
        cmocka_unit_test(test_commands_are_sorted),
        cmocka_unit_test(test_a_list_follows_its_pages),
        cmocka_unit_test(test_json_is_what_the_server_says),
        cmocka_unit_test(test_the_key_is_sent_and_never_shown),
        cmocka_unit_test(test_the_key_may_be_in_a_file),
        cmocka_unit_test(test_what_was_given_is_what_is_asked),
        cmocka_unit_test(test_a_password_comes_from_the_standard_input),
        cmocka_unit_test(test_a_problem_is_told_as_the_server_tells_it),
        cmocka_unit_test(test_what_is_no_answer_of_ours_is_told),
        cmocka_unit_test(test_columns_are_aligned_in_every_script),
        cmocka_unit_test(test_a_name_cannot_command_the_terminal),
        cmocka_unit_test(test_a_long_text_is_cut),
        cmocka_unit_test(test_completions_are_scripts_of_their_shells),
    };
    return cmocka_run_group_tests(tests, start_clean, end_clean);
}

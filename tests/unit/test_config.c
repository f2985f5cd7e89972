// SPDX-License-Identifier: MIT
#include "mcu/config.h"
#include "mcu/config_setting.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

// One start of the program: its settings, and what it said.
struct start {
    struct config config;
    enum config_outcome outcome;
    char *printed, *complaint;
};

static char directory[64]; // the working directory of each test, so that no ./tessera.conf is found

static int enter_directory(void **state) {
    strcpy(directory, "/tmp/test_config_XXXXXX");
    assert_non_null(mkdtemp(directory));
    assert_int_equal(chdir(directory), 0);
    return 0;
}

static int leave_directory(void **state) {
    static const char *const files[] = {"tessera.conf", "other.conf"};
    char **variables = g_listenv();
    for (char **variable = variables; *variable; variable++)
        if (g_str_has_prefix(*variable, "TESSERA_"))
            unsetenv(*variable);
    g_strfreev(variables);
    for (size_t i = 0; i < COUNT(files); i++)
        g_remove(files[i]);
    g_rmdir("tessera.conf");
    assert_int_equal(chdir("/"), 0);
    return g_rmdir(directory);
}

static void write_file(const char *name, const char *text) {
    assert_true(g_file_set_contents(name, text, -1, NULL));
}

// flags: the command line behind the program's name; no argument contains a space.
static struct start start(const char *flags) {
    struct start start;
    size_t size;
    char *line = g_strdup_printf("tessera%s%s", *flags ? " " : "", flags);
    char **argv = g_strsplit(line, " ", -1);
    FILE *print = open_memstream(&start.printed, &size);
    FILE *err = open_memstream(&start.complaint, &size);
    start.outcome = config_init(&start.config, (int)g_strv_length(argv), argv, print, err);
    fclose(print);
    fclose(err);
    g_strfreev(argv);
    g_free(line);
    return start;
}

static void finish(struct start *start) {
    config_finish(&start->config);
    config_finish(&start->config); // twice does no harm
    free(start->printed);
    free(start->complaint);
}

static struct start start_well(const char *flags) {
    struct start started = start(flags);
    if (started.outcome != CONFIG_RUN)
        fail_msg("%s: %s", flags, started.complaint);
    assert_string_equal(started.complaint, "");
    assert_string_equal(started.printed, "");
    return started;
}

static void check_complaint(const char *flags, const char *complaint) {
    struct start started = start(flags);
    assert_int_equal(started.outcome, CONFIG_EXIT_ERROR);
    assert_string_equal(started.complaint, complaint);
    assert_string_equal(started.printed, "");
    finish(&started);
}

// ---- defaults ----

static void test_config_without_anything_has_its_defaults(void **state) {
    struct start started = start_well("");
    const struct config *config = &started.config;
    assert_string_equal(config->listen, "0.0.0.0:8080");
    assert_string_equal(config->data_dir, "data");
    assert_string_equal(config->api_key, "");
    assert_string_equal(config->ice_servers, "");
    assert_int_equal(config->log_level, LOG_INFO);
    assert_false(config->rooms_created_by_api_only);
    assert_int_equal(config->rooms_max, 100);
    assert_int_equal(config->room_members_max, 50);
    assert_int_equal(config->canvas_width_px, 1280);
    assert_int_equal(config->canvas_height_px, 720);
    assert_int_equal(config->canvas_fps, 30);
    assert_int_equal(config->message_bytes_max, 262144);
    assert_int_equal(config->lost_timeout_s, 6);
    assert_int_equal(config->udp_port_max, 0);
    finish(&started);
}

// Every byte of the struct that a setting may hold is covered by the table: no field is forgotten.
static void test_config_table_covers_every_field(void **state) {
    static const size_t sizes[] = {
        [SETTING_TEXT] = sizeof(char *),          [SETTING_NUMBER] = sizeof(int),
        [SETTING_LEVEL] = sizeof(enum log_level), [SETTING_FORMAT] = sizeof(enum log_format),
        [SETTING_SWITCH] = sizeof(bool),          [SETTING_CREATE] = sizeof(bool),
    };
    char covered[sizeof(struct config)] = {0};
    for (int i = 0; i < settings_count; i++)
        for (size_t byte = 0; byte < sizes[settings[i].type]; byte++) {
            assert_false(covered[settings[i].offset + byte]);
            covered[settings[i].offset + byte] = 1;
        }
    // What is left is padding: before a number fewer bytes than it has, before a pointer likewise.
    for (size_t from = 0, to; from < sizeof(covered); from = to + 1) {
        for (to = from; to < sizeof(covered) && !covered[to];)
            to++;
        assert_true(to - from < (to % sizeof(char *) ? sizeof(int) : sizeof(char *)));
    }
}

static void test_config_names_are_unique_and_defaults_in_range(void **state) {
    for (int i = 0; i < settings_count; i++) {
        char flag[SETTING_NAME_MAX], other[SETTING_NAME_MAX];
        setting_flag(&settings[i], flag);
        assert_string_not_equal(flag, "config");
        assert_true(strlen(settings[i].help) > 10);
        for (int j = 0; j < i; j++) {
            setting_flag(&settings[j], other);
            assert_string_not_equal(flag, other);
        }
    }
}

// ---- each way in ----

static void test_config_takes_flags_in_both_forms(void **state) {
    struct start started =
        start_well("--listen [::]:9000 --data-dir=/d --api-key k-1 --rooms-max=7 "
                   "--log-level debug --rooms-create api --cors-origins=");
    assert_string_equal(started.config.listen, "[::]:9000");
    assert_string_equal(started.config.data_dir, "/d");
    assert_string_equal(started.config.api_key, "k-1");
    assert_int_equal(started.config.rooms_max, 7);
    assert_int_equal(started.config.log_level, LOG_DEBUG);
    assert_true(started.config.rooms_created_by_api_only);
    finish(&started);
    started = start_well("--api-key=--dashes=and=signs --rooms-max 1 --rooms-max 2");
    assert_string_equal(started.config.api_key, "--dashes=and=signs");
    assert_int_equal(started.config.rooms_max, 2);
    finish(&started);
}

static void test_config_takes_variables(void **state) {
    setenv("TESSERA_LISTEN", "127.0.0.1:0", 1);
    setenv("TESSERA_ROOMS_CANVAS_WIDTH", "640", 1);
    setenv("TESSERA_LIMITS_HELLO_TIMEOUT", "", 1);  // as good as not set
    setenv("TESSERA_PORT", "tcp://10.0.0.1:80", 1); // not ours: orchestrators set such names
    struct start started = start_well("");
    assert_string_equal(started.config.listen, "127.0.0.1:0");
    assert_int_equal(started.config.canvas_width_px, 640);
    assert_int_equal(started.config.hello_timeout_s, 10);
    finish(&started);
}

static void test_config_takes_a_file(void **state) {
    write_file("tessera.conf", "# a comment\n[rooms]\nmax = 20 \ncanvas-width=1920\ncreate=api\n"
                               "[http]\nassets_dir = C:\\new folder\\x\n"
                               "[ice]\nservers = stun:a:1   turn:u:p@b:2\n[limits]\n");
    struct start started = start_well("");
    assert_int_equal(started.config.rooms_max, 20);
    assert_int_equal(started.config.canvas_width_px, 1920);
    assert_true(started.config.rooms_created_by_api_only);
    assert_string_equal(started.config.assets_dir, "C:\\new folder\\x");
    assert_string_equal(started.config.ice_servers, "stun:a:1   turn:u:p@b:2");
    finish(&started);
}

static void test_config_flags_win_over_variables_over_the_file(void **state) {
    write_file("tessera.conf", "[rooms]\nmax=1\nmembers_max=1\nlinger=1\n");
    setenv("TESSERA_ROOMS_MAX", "2", 1);
    setenv("TESSERA_ROOMS_MEMBERS_MAX", "2", 1);
    struct start started = start_well("--rooms-max 3");
    assert_int_equal(started.config.rooms_max, 3);
    assert_int_equal(started.config.room_members_max, 2);
    assert_int_equal(started.config.room_linger_s, 1);
    finish(&started);
}

static void test_config_file_is_the_one_asked_for(void **state) {
    write_file("tessera.conf", "[rooms]\nmax=1\n");
    write_file("other.conf", "[rooms]\nmax=2\n");
    struct start started = start_well("--config other.conf");
    assert_int_equal(started.config.rooms_max, 2);
    finish(&started);
    setenv("TESSERA_CONFIG", "other.conf", 1);
    started = start_well("");
    assert_int_equal(started.config.rooms_max, 2);
    finish(&started);
    started = start_well("--config=tessera.conf");
    assert_int_equal(started.config.rooms_max, 1);
    finish(&started);
}

// ---- complaints ----

static void test_config_complains_of_flags_by_name(void **state) {
    static const struct {
        const char *flags, *complaint;
    } cases[] = {
        {"--nonsense", "There is no flag --nonsense. Try tessera --help."},
        {"--nonsense=7", "There is no flag --nonsense. Try tessera --help."},
        {"--rooms_max 7", "There is no flag --rooms_max. Try tessera --help."},
        {"--", "There is no flag --. Try tessera --help."},
        {"--=", "There is no flag --. Try tessera --help."},
        {"run", "\"run\" is no flag. Try tessera --help."},
        {"-x", "\"-x\" is no flag. Try tessera --help."},
        {"--listen", "--listen needs a value."},
        {"--listen --rooms-max 7", "--listen needs a value."},
        {"--config", "--config needs a value."},
        {"--rooms-max 0", "--rooms-max must be a whole number from 1 to 10000."},
        {"--rooms-max 10001", "--rooms-max must be a whole number from 1 to 10000."},
        {"--rooms-max 99999999999999999999", "--rooms-max must be a whole number from 1 to 10000."},
        {"--rooms-max=", "--rooms-max must be a whole number from 1 to 10000."},
        {"--rooms-max 7x", "--rooms-max must be a whole number from 1 to 10000."},
        {"--rooms-max 7.5", "--rooms-max must be a whole number from 1 to 10000."},
        {"--rooms-max -7", "--rooms-max must be a whole number from 1 to 10000."},
        {"--rooms-canvas-width 319",
         "--rooms-canvas-width must be a whole number from 320 to 1920."},
        {"--rooms-canvas-height 1921",
         "--rooms-canvas-height must be a whole number from 320 to 1920."},
        {"--rooms-create all", "--rooms-create must be join or api."},
        {"--log-level loud", "--log-level must be error, warn, info or debug."},
        {"--listen 8080", "--listen must be ADDR:PORT, such as 0.0.0.0:8080 or [::]:8080."},
        {"--listen a:99999", "--listen must be ADDR:PORT, such as 0.0.0.0:8080 or [::]:8080."},
        {"--listen a:80x", "--listen must be ADDR:PORT, such as 0.0.0.0:8080 or [::]:8080."},
        {"--listen a:", "--listen must be ADDR:PORT, such as 0.0.0.0:8080 or [::]:8080."},
        {"--data-dir=", "--data-dir must not be empty."},
        {"--api-key secret\xc3\xa4", "--api-key must be printable ASCII without spaces."},
        {"--cors-origins example.org",
         "--cors-origins must be \"*\" or origins without a path, such as https://example.org."},
        {"--cors-origins https://example.org/",
         "--cors-origins must be \"*\" or origins without a path, such as https://example.org."},
        {"--ice-servers http://a",
         "--ice-servers must be URLs like stun:HOST:PORT and turn:USER:PASSWORD@HOST:PORT."},
        {"--ice-servers turn:host",
         "--ice-servers must be URLs like stun:HOST:PORT and turn:USER:PASSWORD@HOST:PORT."},
        {"--ice-servers stun:",
         "--ice-servers must be URLs like stun:HOST:PORT and turn:USER:PASSWORD@HOST:PORT."},
        {"--ice-public-address example.org", "--ice-public-address must be an IP address."},
        {"--ice-interfaces eth0", "--ice-interfaces must be IP addresses."},
        {"--assets-dir \xff", "--assets-dir must be UTF-8."},
        {"--recordings-broadcasts-ca-file /nowhere/ca.pem",
         "--recordings-broadcasts-ca-file must be a file that can be read."},
        {"--tls-cert-file c", "http.tls_cert_file and http.tls_key_file need each other."},
        {"--tls-key-file k", "http.tls_cert_file and http.tls_key_file need each other."},
        {"--rooms-playout-min 200", "rooms.playout_min is larger than rooms.playout_max."},
        {"--limits-message-bytes-max 8192",
         "limits.sdp_bytes_max is larger than limits.message_bytes_max."},
        {"--ice-udp-port-min 9", "ice.udp_port_min and ice.udp_port_max need each other."},
        {"--ice-udp-port-min 9 --ice-udp-port-max 8",
         "ice.udp_port_min is larger than ice.udp_port_max."},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *complaint = g_strdup_printf("tessera: %s\n", cases[i].complaint);
        check_complaint(cases[i].flags, complaint);
        g_free(complaint);
    }
}

static void test_config_takes_values_at_the_edges(void **state) {
    static const char *const flags[] = {
        "--rooms-max 1",
        "--rooms-max 10000",
        "--rooms-canvas-width 320",
        "--rooms-canvas-height 1920",
        "--listen :0",
        "--listen localhost:65535",
        "--cors-origins *",
        "--cors-origins https://example.org:8443",
        "--ice-servers turns:u:p@h:1?transport=tcp",
        "--ice-public-address 2001:db8::1",
        "--ice-interfaces 10.0.0.1,fe80::1",
        "--ice-udp-port-min 9 --ice-udp-port-max 9",
        "--tls-cert-file c --tls-key-file k",
    };
    for (size_t i = 0; i < COUNT(flags); i++) {
        struct start started = start_well(flags[i]);
        finish(&started);
    }
}

static void test_config_complains_of_variables_by_name(void **state) {
    setenv("TESSERA_ROOMS_MAX", "many", 1);
    check_complaint("", "tessera: TESSERA_ROOMS_MAX must be a whole number from 1 to 10000.\n");
}

static void test_config_complains_of_the_file_by_path_and_key(void **state) {
    static const struct {
        const char *file, *complaint;
    } cases[] = {
        {"[rooms]\nmax=0\n", "rooms.max must be a whole number from 1 to 10000."},
        {"[rooms]\nmax = 7 # seven\n", "rooms.max must be a whole number from 1 to 10000."},
        {"[rooms]\nmaximum=7\n", "there is no setting rooms.maximum."},
        {"[rooms]\nmax[de]=7\n", "there is no setting rooms.max[de]."},
        {"[rooms]\nlisten=:80\n", "there is no setting rooms.listen."},
        {"[room]\nmax=7\n", "there is no group [room]."},
        {"[http]\napi_key=top secret\n", "http.api_key must be printable ASCII without spaces."},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *complaint = g_strdup_printf("tessera: ./tessera.conf: %s\n", cases[i].complaint);
        write_file("tessera.conf", cases[i].file);
        check_complaint("", complaint);
        g_free(complaint);
    }
}

static void test_config_complains_of_files_it_cannot_read(void **state) {
    static const char *const files[] = {"max=7\n", "[rooms\n", "[rooms]\nnonsense\n", "\xff\xfe"};
    for (size_t i = 0; i < COUNT(files); i++) {
        write_file("other.conf", files[i]);
        struct start started = start("--config other.conf");
        assert_int_equal(started.outcome, CONFIG_EXIT_ERROR);
        assert_true(g_str_has_prefix(started.complaint, "tessera: other.conf: "));
        finish(&started);
    }
    struct start started = start("--config /nonexistent/x.conf");
    assert_int_equal(started.outcome, CONFIG_EXIT_ERROR);
    assert_non_null(strstr(started.complaint, "/nonexistent/x.conf"));
    finish(&started);
    assert_int_equal(g_mkdir("tessera.conf", 0700), 0);
    started = start("");
    assert_int_equal(started.outcome, CONFIG_EXIT_ERROR);
    finish(&started);
}

// ---- what it prints ----

static void test_config_help_lists_every_setting_with_its_default(void **state) {
    struct start started = start("--help");
    assert_int_equal(started.outcome, CONFIG_EXIT_OK);
    assert_string_equal(started.complaint, "");
    for (int i = 0; i < settings_count; i++) {
        char flag[SETTING_NAME_MAX];
        setting_flag(&settings[i], flag);
        char *wanted = g_strdup_printf("\n  --%s %s\n", flag, settings[i].placeholder);
        assert_non_null(strstr(started.printed, wanted));
        g_free(wanted);
    }
    GRegex *blank = g_regex_new("\\s+", 0, 0, NULL);
    char *flat = g_regex_replace(blank, started.printed, -1, 0, " ", 0, NULL);
    g_regex_unref(blank);
    assert_non_null(strstr(flat, "Default 0.0.0.0:8080."));
    assert_non_null(strstr(flat, "Default 100, from 1 to 10000."));
    assert_non_null(strstr(flat, "rounded to a multiple of 16"));
    g_free(flat);
    char **lines = g_strsplit(started.printed, "\n", -1);
    for (char **line = lines; *line; line++)
        assert_true(strlen(*line) <= 100);
    g_strfreev(lines);
    finish(&started);
}

static void test_config_prints_version_and_markdown(void **state) {
    struct start started = start("--version");
    assert_int_equal(started.outcome, CONFIG_EXIT_OK);
    assert_string_equal(started.printed, "tessera " TESSERA_VERSION "\n");
    finish(&started);
    started = start("--help-markdown");
    assert_int_equal(started.outcome, CONFIG_EXIT_OK);
    char **lines = g_strsplit(started.printed, "\n", -1);
    assert_int_equal((int)g_strv_length(lines), settings_count + 2 + 1);
    assert_non_null(strstr(started.printed,
                           "\n| `rooms.max` | `--rooms-max` | `TESSERA_ROOMS_MAX` | `100` | "));
    g_strfreev(lines);
    finish(&started);
}

static void test_config_never_prints_a_secret(void **state) {
    static const char *const ways[] = {"--help", "--help-markdown", "--nonsense", "--rooms-max 0",
                                       "--ice-servers turn:u:hunter2"};
    setenv("TESSERA_API_KEY", "hunter2", 1);
    setenv("TESSERA_ICE_SERVERS", "turn:u:hunter2@h", 1);
    for (size_t i = 0; i < COUNT(ways); i++) {
        char *flags = g_strdup_printf("--api-key hunter2 %s", ways[i]);
        struct start started = start(flags);
        assert_null(strstr(started.printed, "hunter2"));
        assert_null(strstr(started.complaint, "hunter2"));
        finish(&started);
        g_free(flags);
    }
    write_file("tessera.conf", "[http]\napi_key = hunter2 hunter2\n");
    struct start started = start("");
    assert_int_equal(started.outcome, CONFIG_EXIT_ERROR);
    assert_null(strstr(started.complaint, "hunter2"));
    finish(&started);
}

#define CONFIG_TEST(test) cmocka_unit_test_setup_teardown(test, enter_directory, leave_directory)

int main(void) {
    const struct CMUnitTest tests[] = {
        CONFIG_TEST(test_config_without_anything_has_its_defaults),
        CONFIG_TEST(test_config_table_covers_every_field),
        CONFIG_TEST(test_config_names_are_unique_and_defaults_in_range),
        CONFIG_TEST(test_config_takes_flags_in_both_forms),
        CONFIG_TEST(test_config_takes_variables),
        CONFIG_TEST(test_config_takes_a_file),
        CONFIG_TEST(test_config_flags_win_over_variables_over_the_file),
        CONFIG_TEST(test_config_file_is_the_one_asked_for),
        CONFIG_TEST(test_config_complains_of_flags_by_name),
        CONFIG_TEST(test_config_takes_values_at_the_edges),
        CONFIG_TEST(test_config_complains_of_variables_by_name),
        CONFIG_TEST(test_config_complains_of_the_file_by_path_and_key),
        CONFIG_TEST(test_config_complains_of_files_it_cannot_read),
        CONFIG_TEST(test_config_help_lists_every_setting_with_its_default),
        CONFIG_TEST(test_config_prints_version_and_markdown),
        CONFIG_TEST(test_config_never_prints_a_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

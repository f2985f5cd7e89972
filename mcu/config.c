// SPDX-License-Identifier: MIT
// Where settings come from: the file, then the environment, then the flags; the last one wins. What
// a setting is called and may be stands in config_setting.c.
#include "mcu/config.h"

#include "mcu/config_help.h"
#include "mcu/config_setting.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FLAGS_MAX = 128 };

struct flags {
    const char *values[FLAGS_MAX]; // one per setting, borrowed from argv; NULL: not given
    const char *config_file;
};

__attribute__((format(printf, 2, 3))) static int complain(FILE *err, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("tessera: ", err);
    vfprintf(err, format, arguments);
    fputc('\n', err);
    va_end(arguments);
    return -1;
}

void config_init_defaults(struct config *out) {
    char error[SETTING_ERROR_MAX];
    memset(out, 0, sizeof(*out));
    for (int i = 0; i < settings_count; i++)
        if (setting_apply(&settings[i], settings[i].initial, out, error) < 0)
            g_error("the default of %s.%s %s", settings[i].group, settings[i].key, error);
}

void config_finish(struct config *config) {
    for (int i = 0; i < settings_count; i++) {
        if (settings[i].type != SETTING_TEXT)
            continue;
        char **field = (char **)((char *)config + settings[i].offset);
        if (*field && settings[i].is_secret)
            explicit_bzero(*field, strlen(*field));
        g_free(*field);
        *field = NULL;
    }
}

// ---- flags ----

static int find_by_flag(const char *name, size_t size) {
    for (int i = 0; i < settings_count; i++) {
        char flag[SETTING_NAME_MAX];
        setting_flag(&settings[i], flag);
        if (strlen(flag) == size && strncmp(flag, name, size) == 0)
            return i;
    }
    return -1;
}

// argv[*at] is "--name=value", or "--name" with its value behind it.
static int parse_flag(char **argv, int *at, struct flags *flags, FILE *err) {
    const char *name = argv[*at] + 2;
    size_t size = strcspn(name, "=");
    const char *value = name[size] ? name + size + 1 : argv[*at + 1];
    bool is_config = size == strlen("config") && strncmp(name, "config", size) == 0;
    int setting = is_config ? -1 : find_by_flag(name, size);
    if (setting < 0 && !is_config)
        return complain(err, "There is no flag --%.*s. Try tessera --help.", (int)size, name);
    if (!name[size]) {
        if (!value || g_str_has_prefix(value, "--"))
            return complain(err, "--%s needs a value.", name);
        ++*at;
    }
    if (is_config)
        flags->config_file = value;
    else
        flags->values[setting] = value;
    return 0;
}

static enum config_outcome parse_flags(char **argv, int argc, struct flags *flags, FILE *print,
                                       FILE *err) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            config_help(print);
            return CONFIG_EXIT_OK;
        }
        if (strcmp(argv[i], "--help-markdown") == 0) {
            config_help_markdown(print);
            return CONFIG_EXIT_OK;
        }
        if (strcmp(argv[i], "--version") == 0) {
            fprintf(print, "tessera %s\n", TESSERA_VERSION);
            return CONFIG_EXIT_OK;
        }
        if (!g_str_has_prefix(argv[i], "--")) {
            complain(err, "\"%s\" is no flag. Try tessera --help.", argv[i]);
            return CONFIG_EXIT_ERROR;
        }
        if (parse_flag(argv, &i, flags, err) < 0)
            return CONFIG_EXIT_ERROR;
    }
    return CONFIG_RUN;
}

static int apply_flags(struct config *out, const struct flags *flags, FILE *err) {
    char error[SETTING_ERROR_MAX], flag[SETTING_NAME_MAX];
    for (int i = 0; i < settings_count; i++) {
        setting_flag(&settings[i], flag);
        if (flags->values[i] && setting_apply(&settings[i], flags->values[i], out, error) < 0)
            return complain(err, "--%s %s.", flag, error);
    }
    return 0;
}

// ---- environment ----

// An empty variable counts as not set: that is how compose files pass on what nobody gave.
static const char *get_variable(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static int apply_environment(struct config *out, FILE *err) {
    char error[SETTING_ERROR_MAX], variable[SETTING_NAME_MAX];
    for (int i = 0; i < settings_count; i++) {
        setting_variable(&settings[i], variable);
        const char *value = get_variable(variable);
        if (value && setting_apply(&settings[i], value, out, error) < 0)
            return complain(err, "%s %s.", variable, error);
    }
    return 0;
}

// ---- file ----

static const struct setting *find_by_key(const char *group, const char *key) {
    for (int i = 0; i < settings_count; i++)
        if (strcmp(settings[i].group, group) == 0 && strcmp(settings[i].key, key) == 0)
            return &settings[i];
    return NULL;
}

static bool is_group(const char *name) {
    for (int i = 0; i < settings_count; i++)
        if (strcmp(settings[i].group, name) == 0)
            return true;
    return false;
}

static int apply_key(struct config *out, GKeyFile *file, const char *path, const char *group,
                     const char *given_key, FILE *err) {
    char error[SETTING_ERROR_MAX];
    char *key = g_strdelimit(g_strdup(given_key), "-", '_'); // as the flags are written
    const struct setting *setting = find_by_key(group, key);
    g_free(key);
    if (!setting)
        return complain(err, "%s: there is no setting %s.%s.", path, group, given_key);
    // The raw value: backslashes in it are the user's own.
    char *value = g_strstrip(g_key_file_get_value(file, group, given_key, NULL));
    int result = setting_apply(setting, value, out, error);
    g_free(value);
    return result < 0 ? complain(err, "%s: %s.%s %s.", path, group, given_key, error) : 0;
}

static int apply_group(struct config *out, GKeyFile *file, const char *path, const char *group,
                       FILE *err) {
    if (!is_group(group))
        return complain(err, "%s: there is no group [%s].", path, group);
    char **keys = g_key_file_get_keys(file, group, NULL, NULL);
    int result = 0;
    for (char **key = keys; key && *key && result == 0; key++)
        result = apply_key(out, file, path, group, *key, err);
    g_strfreev(keys);
    return result;
}

static int apply_file(struct config *out, const char *path, FILE *err) {
    GError *error = NULL;
    GKeyFile *file = g_key_file_new();
    int result = 0;
    // With translations, or "max[de] = 7" would be dropped in silence.
    if (!g_key_file_load_from_file(file, path, G_KEY_FILE_KEEP_TRANSLATIONS, &error)) {
        result = complain(err, "%s: %s.", path, error->message);
        g_error_free(error);
    }
    char **groups = g_key_file_get_groups(file, NULL);
    for (char **group = groups; *group && result == 0; group++)
        result = apply_group(out, file, path, *group, err);
    g_strfreev(groups);
    g_key_file_free(file);
    return result;
}

// A file that was asked for must be there; the usual places may be empty.
static const char *find_file(const struct flags *flags) {
    static const char *const usual[] = {"./tessera.conf", "/etc/tessera/tessera.conf"};
    if (flags->config_file)
        return flags->config_file;
    const char *path = get_variable("TESSERA_CONFIG");
    for (size_t i = 0; i < G_N_ELEMENTS(usual) && !path; i++)
        if (access(usual[i], F_OK) == 0)
            path = usual[i];
    return path;
}

// ---- all of them ----

static int check_together(const struct config *config, FILE *err) {
    if (!*config->tls_cert_file != !*config->tls_key_file)
        return complain(err, "http.tls_cert_file and http.tls_key_file need each other.");
    if (config->playout_min_ms > config->playout_max_ms)
        return complain(err, "rooms.playout_min is larger than rooms.playout_max.");
    if (config->sdp_bytes_max > config->message_bytes_max)
        return complain(err, "limits.sdp_bytes_max is larger than limits.message_bytes_max.");
    if (!config->udp_port_min != !config->udp_port_max)
        return complain(err, "ice.udp_port_min and ice.udp_port_max need each other.");
    if (config->udp_port_min > config->udp_port_max)
        return complain(err, "ice.udp_port_min is larger than ice.udp_port_max.");
    return 0;
}

enum config_outcome config_init(struct config *out, int argc, char **argv, FILE *print, FILE *err) {
    struct flags flags = {.config_file = NULL};
    g_assert(settings_count <= FLAGS_MAX);
    config_init_defaults(out);
    enum config_outcome outcome = parse_flags(argv, argc, &flags, print, err);
    if (outcome != CONFIG_RUN)
        return outcome;
    const char *path = find_file(&flags);
    if (path && apply_file(out, path, err) < 0)
        return CONFIG_EXIT_ERROR;
    if (apply_environment(out, err) < 0 || apply_flags(out, &flags, err) < 0 ||
        check_together(out, err) < 0)
        return CONFIG_EXIT_ERROR;
    return CONFIG_RUN;
}

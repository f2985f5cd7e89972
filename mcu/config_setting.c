// SPDX-License-Identifier: MIT
#include "mcu/config_setting.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { API_KEY_BYTES_MAX = 256 };

// ---- what can be wrong with a text ----

static const char *find_fault_in_listen(const char *value) {
    const char *port = strrchr(value, ':');
    char *end;
    bool has_port = port && g_ascii_isdigit(port[1]);
    if (!has_port || strtoul(port + 1, &end, 10) > 65535 || *end)
        return "must be ADDR:PORT, such as 0.0.0.0:8080 or [::]:8080";
    return NULL;
}

static const char *find_fault_in_api_key(const char *value) {
    if (strlen(value) > API_KEY_BYTES_MAX)
        return "must be at most 256 characters long";
    for (const char *at = value; *at; at++)
        if (*at <= ' ' || *at > '~')
            return "must be printable ASCII without spaces";
    return NULL;
}

static const char *find_fault_in_token_secret(const char *value) {
    size_t length = strlen(value);
    return length == 0 || (length >= 32 && length <= 256) ? NULL : "must be 32 to 256 bytes long";
}

static const char *find_fault_in_path(const char *value) {
    return *value ? NULL : "must not be empty";
}

static bool all_words(const char *value, const char *separators,
                      bool (*is_good)(const char *word)) {
    char **words = g_strsplit_set(value, separators, -1);
    bool are_good = true;
    for (char **word = words; *word; word++)
        if (**word && !is_good(*word))
            are_good = false;
    g_strfreev(words);
    return are_good;
}

static bool is_address(const char *word) {
    unsigned char bytes[16];
    return inet_pton(AF_INET, word, bytes) == 1 || inet_pton(AF_INET6, word, bytes) == 1;
}

static bool is_origin(const char *word) {
    const char *host = g_str_has_prefix(word, "https://")  ? word + 8
                       : g_str_has_prefix(word, "http://") ? word + 7
                                                           : NULL;
    return strcmp(word, "*") == 0 || (host && *host && !strchr(host, '/'));
}

static bool is_ice_server(const char *word) {
    static const char *const schemes[] = {"stun:", "stuns:", "turn:", "turns:"};
    for (size_t i = 0; i < G_N_ELEMENTS(schemes); i++)
        if (g_str_has_prefix(word, schemes[i]))
            return word[strlen(schemes[i])] != '\0' &&
                   (schemes[i][0] == 's' || strchr(word, '@') != NULL);
    return false;
}

static const char *find_fault_in_origins(const char *value) {
    return all_words(value, " \t", is_origin)
               ? NULL
               : "must be \"*\" or origins without a path, such as https://example.org";
}

static const char *find_fault_in_ice_servers(const char *value) {
    return all_words(value, " \t", is_ice_server)
               ? NULL
               : "must be URLs like stun:HOST:PORT and turn:USER:PASSWORD@HOST:PORT";
}

static const char *find_fault_in_addresses(const char *value) {
    return all_words(value, " ,", is_address) ? NULL : "must be IP addresses";
}

static const char *find_fault_in_address(const char *value) {
    return !*value || is_address(value) ? NULL : "must be an IP address";
}

static const char *find_fault_in_file(const char *value) {
    return !*value || access(value, R_OK) == 0 ? NULL : "must be a file that can be read";
}

// ---- the table ----

#define TEXT(field) .type = SETTING_TEXT, .offset = offsetof(struct config, field)
#define NUMBER(field)                                                                              \
    .type = SETTING_NUMBER, .placeholder = "N", .offset = offsetof(struct config, field)

#define SWITCH(field)                                                                              \
    .type = SETTING_SWITCH, .placeholder = "true|false", .offset = offsetof(struct config, field)

// clang-format off
const struct setting settings[] = {
    {"http", "listen", "listen", TEXT(listen), .initial = "0.0.0.0:8080", .placeholder = "ADDR:PORT",
     .find_fault = find_fault_in_listen,
     .help = "Where to serve; [::]:8080 takes IPv4 and IPv6, port 0 any free port."},
    {"http", "assets_dir", "assets-dir", TEXT(assets_dir), .initial = "", .placeholder = "DIR",
     .help = "Serve the web client from this directory instead of the one built in."},
    {"http", "tls_cert_file", "tls-cert-file", TEXT(tls_cert_file), .initial = "", .placeholder = "FILE",
     .help = "Certificate chain (PEM); with tls_key_file it turns HTTPS on."},
    {"http", "tls_key_file", "tls-key-file", TEXT(tls_key_file), .initial = "", .placeholder = "FILE",
     .help = "Private key (PEM) of the certificate."},
    {"http", "cors_origins", "cors-origins", TEXT(cors_origins), .initial = "", .placeholder = "ORIGINS",
     .find_fault = find_fault_in_origins,
     .help = "Other origins that may use the API and the signaling from a browser, separated by spaces, or *."},
    {"http", "api_key", "api-key", TEXT(api_key), .initial = "", .placeholder = "KEY",
     .find_fault = find_fault_in_api_key, .is_secret = true,
     .help = "Bearer key of the REST API; without one a key is made once and kept in the data directory."
             " Others on the machine can read flags: prefer the file or the variable."},
    {"http", "threads", NULL, NUMBER(http_threads), .initial = "4", .min = 1, .max = 64,
     .help = "Threads that answer HTTP requests."},
    {"http", "connections_max", NULL, NUMBER(http_connections_max), .initial = "1000", .min = 10, .max = 100000,
     .help = "Connections open at once, WebSockets included."},
    {"http", "body_bytes_max", NULL, NUMBER(http_body_bytes_max), .initial = "65536", .min = 1024, .max = 16777216,
     .help = "Largest request body."},
    {"http", "upload_bytes_max", NULL, NUMBER(http_upload_bytes_max), .initial = "8388608", .min = 65536, .max = 134217728,
     .help = "Largest picture or sound that is sent for a room."},

    {"server", "data_dir", "data-dir", TEXT(data_dir), .initial = "data", .placeholder = "DIR",
     .find_fault = find_fault_in_path,
     .help = "Directory of the database and of recordings; made if it is missing."},
    {"server", "log_level", "log-level", .type = SETTING_LEVEL, .offset = offsetof(struct config, log_level),
     .initial = "info", .placeholder = "LEVEL",
     .help = "error, warn, info or debug."},
    {"server", "log_format", "log-format", .type = SETTING_FORMAT, .offset = offsetof(struct config, log_format),
     .initial = "text", .placeholder = "FORMAT",
     .help = "text, or json: one object a line."},
    {"server", "history_days", "history-days", NUMBER(history_days), .initial = "90", .min = 0, .max = 36500,
     .help = "Days that the calls of people's own rooms are remembered, with their chat; 0: for ever."},

    {"auth", "token_secret", "token-secret", TEXT(token_secret), .initial = "", .placeholder = "SECRET",
     .find_fault = find_fault_in_token_secret, .is_secret = true,
     .help = "Shared secret of join tokens (HS256), 32 bytes or more; without one it is made once and kept in the data"
             " directory. Others on the machine can read flags: prefer the file or the variable."},
    {"auth", "guests", NULL, SWITCH(guests), .initial = "true",
     .help = "Whoever has the link of an open room may join it; false: only with a token or signed in."},
    {"auth", "sign_up", NULL, SWITCH(sign_up), .initial = "false",
     .help = "People may make their own accounts."},
    {"auth", "session_days", NULL, NUMBER(session_days), .initial = "30", .min = 1, .max = 3650,
     .help = "Days that a sign-in lasts."},
    {"auth", "sign_ins_per_minute", NULL, NUMBER(sign_ins_per_minute), .initial = "10", .min = 1, .max = 100000,
     .help = "Sign-ins tried in a minute, per address and per account."},

    {"recordings", "dir", NULL, TEXT(recordings_dir), .initial = "", .placeholder = "DIR",
     .help = "Directory of recordings; \"recordings\" in the data directory if empty."},
    {"recordings", "floor_mb", NULL, NUMBER(recordings_floor_mb), .initial = "1024", .min = 0, .max = 100000000,
     .help = "Recordings stop when less than this many megabytes are free; calls go on."},
    {"recordings", "sync", NULL, SWITCH(recordings_sync), .initial = "false",
     .help = "Force each second of a recording to the disk: a power cut then costs a second, not a few."},
    {"recordings", "keyframe_seconds", NULL, NUMBER(recordings_keyframe_s), .initial = "10", .min = 1, .max = 600,
     .help = "How far apart the places of a recording are that players seek to."},
    {"recordings", "queue_kb", NULL, NUMBER(recordings_queue_kb), .initial = "16384", .min = 256, .max = 1048576,
     .help = "Kilobytes of a recording that wait in memory while its disk is slow; what is more is left out, and told."},
    {"recordings", "per_room_max", NULL, NUMBER(recordings_per_room_max), .initial = "4", .min = 0, .max = 100,
     .help = "Recordings of one room at once."},
    {"recordings", "days", NULL, NUMBER(recordings_days), .initial = "0", .min = 0, .max = 36500,
     .help = "Recordings are deleted after so many days; 0: never."},
    {"recordings", "total_gb", NULL, NUMBER(recordings_total_gb), .initial = "0", .min = 0, .max = 10000000,
     .help = "When all recordings take more than this, the oldest are deleted; 0: no limit."},
    {"recordings", "ticket_hours", NULL, NUMBER(recordings_ticket_hours), .initial = "6", .min = 1, .max = 720,
     .help = "Hours that the address of a recording's file, with its ticket, opens it for whoever has it."},
    {"recordings", "sound", NULL, SWITCH(recordings_sound), .initial = "true",
     .help = "A short tone in the mix tells everybody that a recording begins."},
    {"recordings", "broadcasts_per_room_max", NULL, NUMBER(broadcasts_per_room_max), .initial = "4", .min = 0, .max = 100,
     .help = "Live outputs (RTMP, HLS) of one room at once."},
    {"recordings", "broadcasts_ca_file", NULL, TEXT(broadcasts_ca_file), .initial = "", .placeholder = "FILE",
     .find_fault = find_fault_in_file,
     .help = "Certificates (PEM) of who signs RTMPS servers' own, besides those that the system trusts."},

    {"webhooks", "private_targets", NULL, SWITCH(webhooks_private_targets), .initial = "false",
     .help = "Webhooks may go to loopback, link-local and private addresses."},
    {"webhooks", "max", NULL, NUMBER(webhooks_max), .initial = "20", .min = 0, .max = 1000,
     .help = "Webhooks at once."},
    {"webhooks", "queue_max", NULL, NUMBER(webhook_queue_max), .initial = "10000", .min = 10, .max = 1000000,
     .help = "Events that wait for a webhook whose receiver is down; then the oldest are dropped."},

    {"rooms", "create", NULL, .type = SETTING_CREATE,
     .offset = offsetof(struct config, rooms_created_by_api_only), .initial = "join", .placeholder = "WHO",
     .help = "join: the first to join makes a room; api: only the REST API does."},
    {"rooms", "max", NULL, NUMBER(rooms_max), .initial = "100", .min = 1, .max = 10000,
     .help = "Rooms at once."},
    {"rooms", "members_max", NULL, NUMBER(room_members_max), .initial = "50", .min = 1, .max = 500,
     .help = "Members of one room."},
    {"rooms", "viewers_max", NULL, NUMBER(room_viewers_max), .initial = "500", .min = 0, .max = 10000,
     .help = "Viewers of a room, who receive only, besides its members."},
    {"rooms", "succession", NULL, SWITCH(room_succession), .initial = "true",
     .help = "When a room's last moderator leaves, the member who is there longest moderates."},
    {"rooms", "linger", NULL, NUMBER(room_linger_s), .initial = "30", .min = 0, .max = 86400,
     .help = "Seconds that an empty room made by a join stays."},
    {"rooms", "canvas_width", NULL, NUMBER(canvas_width_px), .initial = "1280", .min = 320, .max = 1920,
     .help = "Width of the composite in pixels; rounded to a multiple of 16 when used."},
    {"rooms", "canvas_height", NULL, NUMBER(canvas_height_px), .initial = "720", .min = 320, .max = 1920,
     .help = "Height of the composite in pixels; rounded to a multiple of 16 when used."},
    {"rooms", "canvas_fps", NULL, NUMBER(canvas_fps), .initial = "30", .min = 1, .max = 60,
     .help = "Frames of the composite per second."},
    {"rooms", "video_kbps", NULL, NUMBER(video_kbps), .initial = "1500", .min = 50, .max = 20000,
     .help = "Bitrate of the composite in full size, kbit/s."},
    {"rooms", "video_half_kbps", NULL, NUMBER(video_half_kbps), .initial = "500", .min = 40, .max = 20000,
     .help = "Bitrate of the composite in half its width and height."},
    {"rooms", "video_quarter_kbps", NULL, NUMBER(video_quarter_kbps), .initial = "150", .min = 40, .max = 20000,
     .help = "Bitrate of the composite in a quarter of its width and height."},
    {"rooms", "video_base_percent", NULL, NUMBER(video_base_percent), .initial = "40", .min = 10, .max = 90,
     .help = "What of these a quarter of the frames takes."},
    {"rooms", "video_middle_percent", NULL, NUMBER(video_middle_percent), .initial = "60", .min = 20, .max = 95,
     .help = "What of these half of the frames take; at least as much as a quarter of them."},
    {"rooms", "audio_kbps", NULL, NUMBER(audio_kbps), .initial = "32", .min = 8, .max = 256,
     .help = "Bitrate of the mix, kbit/s."},
    {"rooms", "audio_thrifty_kbps", NULL, NUMBER(audio_thrifty_kbps), .initial = "14", .min = 6, .max = 256,
     .help = "Bitrate of the mix for members whose link is narrow."},
    {"rooms", "loudest", NULL, NUMBER(loudest), .initial = "3", .min = 1, .max = 8,
     .help = "How many members are heard at once."},
    {"rooms", "playout_min", NULL, NUMBER(playout_min_ms), .initial = "20", .min = 20, .max = 500,
     .help = "Shortest playout buffer of a microphone in milliseconds."},
    {"rooms", "playout_max", NULL, NUMBER(playout_max_ms), .initial = "120", .min = 20, .max = 500,
     .help = "Longest playout buffer of a microphone in milliseconds."},

    {"limits", "message_bytes_max", NULL, NUMBER(message_bytes_max), .initial = "262144", .min = 4096, .max = 4194304,
     .help = "Largest signaling message."},
    {"limits", "sdp_bytes_max", NULL, NUMBER(sdp_bytes_max), .initial = "131072", .min = 2048, .max = 1048576,
     .help = "Largest session description."},
    {"limits", "chat_bytes_max", NULL, NUMBER(chat_bytes_max), .initial = "2000", .min = 1, .max = 16384,
     .help = "Longest chat message in bytes."},
    {"limits", "chat_history_max", NULL, NUMBER(chat_history_max), .initial = "200", .min = 0, .max = 1000,
     .help = "Chat messages that a late joiner is given."},
    {"limits", "name_chars_max", NULL, NUMBER(name_chars_max), .initial = "64", .min = 1, .max = 256,
     .help = "Longest name in characters."},
    {"limits", "joins_per_s", NULL, NUMBER(joins_per_s), .initial = "10", .min = 1, .max = 10000,
     .help = "Joins per second and address; three times as many in a burst."},
    {"limits", "messages_per_s", NULL, NUMBER(messages_per_s), .initial = "50", .min = 1, .max = 10000,
     .help = "Messages per second and connection; three times as many in a burst."},
    {"limits", "connections_per_address", NULL, NUMBER(connections_per_address), .initial = "200", .min = 1, .max = 100000,
     .help = "Connections open at once from one address."},
    {"limits", "hello_timeout", NULL, NUMBER(hello_timeout_s), .initial = "10", .min = 1, .max = 300,
     .help = "Seconds after which a WebSocket that says nothing is closed."},
    {"limits", "lost_timeout", NULL, NUMBER(lost_timeout_s), .initial = "6", .min = 2, .max = 120,
     .help = "Seconds of silence after which a member counts as gone."},

    {"ice", "servers", NULL, TEXT(ice_servers), .initial = "", .placeholder = "URLS", .is_secret = true,
     .find_fault = find_fault_in_ice_servers,
     .help = "STUN and TURN servers that clients are given: stun:HOST:PORT and"
             " turn:USER:PASSWORD@HOST:PORT?transport=udp, separated by spaces."},
    {"ice", "udp_port_min", NULL, NUMBER(udp_port_min), .initial = "0", .min = 0, .max = 65535,
     .help = "First UDP port for media; 0 with udp_port_max 0: any."},
    {"ice", "udp_port_max", NULL, NUMBER(udp_port_max), .initial = "0", .min = 0, .max = 65535,
     .help = "Last UDP port for media."},
    {"ice", "public_address", NULL, TEXT(public_address), .initial = "", .placeholder = "IP",
     .find_fault = find_fault_in_address,
     .help = "The address clients reach this server at, when it stands behind a 1:1 NAT."},
    {"ice", "interfaces", NULL, TEXT(ice_interfaces), .initial = "", .placeholder = "IPS",
     .find_fault = find_fault_in_addresses,
     .help = "Local addresses to use for media, separated by spaces; all if empty."},
};
// clang-format on

const int settings_count = G_N_ELEMENTS(settings);

// ---- names and values ----

void setting_flag(const struct setting *setting, char out[SETTING_NAME_MAX]) {
    if (setting->flag)
        g_strlcpy(out, setting->flag, SETTING_NAME_MAX);
    else
        snprintf(out, SETTING_NAME_MAX, "%s-%s", setting->group, setting->key);
    g_strdelimit(out, "_", '-');
}

void setting_variable(const struct setting *setting, char out[SETTING_NAME_MAX]) {
    char flag[SETTING_NAME_MAX];
    setting_flag(setting, flag);
    g_strlcpy(out, "TESSERA_", SETTING_NAME_MAX);
    g_strlcat(out, flag, SETTING_NAME_MAX);
    for (char *at = out; *at; at++)
        *at = *at == '-' ? '_' : g_ascii_toupper(*at);
}

static int fail(char error[SETTING_ERROR_MAX], const char *sentence) {
    g_strlcpy(error, sentence, SETTING_ERROR_MAX);
    return -1;
}

static int apply_text(const struct setting *setting, const char *value, char **field,
                      char error[SETTING_ERROR_MAX]) {
    if (!g_utf8_validate(value, -1, NULL))
        return fail(error, "must be UTF-8");
    const char *fault = setting->find_fault ? setting->find_fault(value) : NULL;
    if (fault)
        return fail(error, fault);
    g_free(*field);
    *field = g_strdup(value);
    return 0;
}

static int apply_number(const struct setting *setting, const char *value, int *field,
                        char error[SETTING_ERROR_MAX]) {
    char *end;
    errno = 0;
    long number = strtol(value, &end, 10);
    bool is_number = end != value && *end == '\0' && !g_ascii_isspace(*value);
    if (!is_number || errno || number < setting->min || number > setting->max) {
        snprintf(error, SETTING_ERROR_MAX, "must be a whole number from %d to %d", setting->min,
                 setting->max);
        return -1;
    }
    *field = (int)number;
    return 0;
}

static int apply_create(const char *value, bool *field, char error[SETTING_ERROR_MAX]) {
    bool is_api = strcmp(value, "api") == 0;
    if (!is_api && strcmp(value, "join") != 0)
        return fail(error, "must be join or api");
    *field = is_api;
    return 0;
}

static int apply_switch(const char *value, bool *field, char error[SETTING_ERROR_MAX]) {
    bool is_on = strcmp(value, "true") == 0;
    if (!is_on && strcmp(value, "false") != 0)
        return fail(error, "must be true or false");
    *field = is_on;
    return 0;
}

int setting_apply(const struct setting *setting, const char *value, struct config *config,
                  char error[SETTING_ERROR_MAX]) {
    void *field = (char *)config + setting->offset;
    switch (setting->type) {
    case SETTING_TEXT: return apply_text(setting, value, field, error);
    case SETTING_NUMBER: return apply_number(setting, value, field, error);
    case SETTING_SWITCH: return apply_switch(value, field, error);
    case SETTING_CREATE: return apply_create(value, field, error);
    case SETTING_FORMAT:
        if (log_format_from_name(value, field) < 0)
            return fail(error, "must be text or json");
        return 0;
    case SETTING_LEVEL:
        if (log_level_from_name(value, field) < 0)
            return fail(error, "must be error, warn, info or debug");
        return 0;
    }
    return fail(error, "has no known type");
}

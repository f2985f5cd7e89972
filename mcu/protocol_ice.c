// SPDX-License-Identifier: MIT
// The setting ice.servers as browsers want it. User and password of a TURN server stand in its URL,
// with % escapes where they contain a space, ":" or "%".
#include "mcu/protocol.h"

#include <glib.h>
#include <string.h>

static bool is_turn(const char *url) {
    return g_str_has_prefix(url, "turn:") || g_str_has_prefix(url, "turns:");
}

static bool is_stun(const char *url) {
    return g_str_has_prefix(url, "stun:") || g_str_has_prefix(url, "stuns:");
}

static void set_unescaped(json_t *server, const char *key, const char *text, size_t size) {
    char *plain = g_uri_unescape_segment(text, text + size, NULL);
    if (plain)
        json_object_set_new(server, key, json_string(plain));
    g_free(plain);
}

// "turn:user:password@host:3478?transport=udp": the last @ counts, a password may have one.
static json_t *turn_json(const char *url) {
    const char *credentials = strchr(url, ':') + 1;
    const char *query = strchr(url, '?');
    const char *host = g_strrstr_len(credentials, query ? query - credentials : -1, "@");
    const char *colon = host ? memchr(credentials, ':', (size_t)(host - credentials)) : NULL;
    if (!host)
        return json_pack("{s:s}", "urls", url);
    char *bare = g_strdup_printf("%.*s%s", (int)(credentials - url), url, host + 1);
    json_t *server = json_pack("{s:s}", "urls", bare);
    g_free(bare);
    const char *user_end = colon ? colon : host;
    set_unescaped(server, "username", credentials, (size_t)(user_end - credentials));
    if (colon)
        set_unescaped(server, "credential", colon + 1, (size_t)(host - colon - 1));
    return server;
}

json_t *protocol_ice_servers(const char *setting) {
    json_t *servers = json_array();
    char **urls = g_strsplit_set(setting ? setting : "", " \t\n", -1);
    for (char **url = urls; *url; url++) {
        if (is_turn(*url))
            json_array_append_new(servers, turn_json(*url));
        else if (is_stun(*url))
            json_array_append_new(servers, json_pack("{s:s}", "urls", *url));
    }
    g_strfreev(urls);
    return servers;
}

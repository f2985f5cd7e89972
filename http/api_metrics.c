// SPDX-License-Identifier: MIT
// The server's figures in Prometheus' text format 0.0.4.
#include "http/api.h"

#include "http/process.h"
#include "http/request.h"

#include <glib.h>

static void put(GString *text, const char *name, const char *type, const char *help, double value) {
    char number[G_ASCII_DTOSTR_BUF_SIZE]; // never with a comma, whatever the locale
    g_ascii_formatd(number, sizeof(number), "%.15g", value);
    g_string_append_printf(text, "# HELP %s %s\n# TYPE %s %s\n%s %s\n", name, help, name, type,
                           name, number);
}

static void put_gauge(GString *text, const char *name, const char *help, double value) {
    put(text, name, "gauge", help, value);
}

static void put_counter(GString *text, const char *name, const char *help, double value) {
    put(text, name, "counter", help, value);
}

static void put_hub(GString *text, const struct hub_stats *stats) {
    put_gauge(text, "tessera_rooms", "Rooms now.", stats->rooms);
    put_gauge(text, "tessera_members", "Members in rooms now.", stats->members);
    put_gauge(text, "tessera_sessions", "Signaling sessions now.", stats->sessions);
    put_gauge(text, "tessera_peers", "WebRTC connections now.", stats->peers);
    put_counter(text, "tessera_joins_total", "Members that joined.", (double)stats->joins);
    put_counter(text, "tessera_refusals_total", "Signaling requests refused.",
                (double)stats->refusals);
}

static void put_video(GString *text, const struct hub_stats *stats) {
    put_counter(text, "tessera_video_ticks_total", "Video ticks.", (double)stats->video_ticks);
    put_counter(text, "tessera_video_ticks_late_total", "Video ticks that began late.",
                (double)stats->video_ticks_late);
    put_counter(text, "tessera_video_ticks_skipped_total", "Video ticks left out to catch up.",
                (double)stats->video_ticks_skipped);
    put_counter(text, "tessera_frames_decoded_total", "Video frames decoded.",
                (double)stats->frames_decoded);
    put_counter(text, "tessera_frames_broken_total", "Video frames that could not be decoded.",
                (double)stats->frames_broken);
    put_counter(text, "tessera_frames_composed_total", "Composite frames painted.",
                (double)stats->frames_composed);
    put_counter(text, "tessera_frames_encoded_total", "Composite frames encoded.",
                (double)stats->frames_encoded);
    put_counter(text, "tessera_keyframes_total", "Composite keyframes.", (double)stats->keyframes);
    put_counter(text, "tessera_compose_seconds_total", "Time spent painting composites.",
                stats->compose_s);
    put_counter(text, "tessera_encode_seconds_total", "Time spent encoding composites.",
                stats->encode_s);
}

static void put_audio(GString *text, const struct hub_stats *stats) {
    put_counter(text, "tessera_audio_ticks_total", "Audio ticks.", (double)stats->audio_ticks);
    put_counter(text, "tessera_audio_ticks_late_total", "Audio ticks that began late.",
                (double)stats->audio_ticks_late);
    put_counter(text, "tessera_audio_encodes_total", "Opus packets encoded.",
                (double)stats->audio_encodes);
}

// ---- one line a member ----

static double figure_of(const json_t *link, const char *way, const char *key) {
    const json_t *value = json_object_get(json_object_get(link, way), key);
    return json_is_boolean(value) ? json_is_true(value) : json_number_value(value);
}

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static const struct link_figure {
    const char *name, *way, *key;
    double unit;
    const char *help;
} link_figures[] = {
    {"tessera_member_estimate_bits_per_second", "down", "estimate_kbps", 1e3,
     "What the link to the member can take; 0: not known."},
    {"tessera_member_received_bits_per_second", "down", "kbps", 1e3, "What the member receives."},
    {"tessera_member_tier", "down", "tier", 1,
     "The composite's size: 0 whole, 1 half, 2 a quarter."},
    {"tessera_member_layers", "down", "layers", 1, "Temporal layers of it, of 3; 0: no video."},
    {"tessera_member_loss_ratio", "down", "loss", 1, "Lost of what is sent to the member."},
    {"tessera_member_round_trip_seconds", "down", "rtt_ms", 1e-3, "Round trip to the member."},
    {"tessera_member_queue_seconds", "down", "queue_ms", 1e-3,
     "What waits in the network on the way to the member."},
    {"tessera_member_uplink_loss_ratio", "up", "loss", 1, "Lost of the member's sound."},
    {"tessera_member_uplink_jitter_seconds", "up", "jitter_ms", 1e-3,
     "Jitter of the member's sound."},
    {"tessera_member_playout_delay_seconds", "up", "playout_ms", 1e-3,
     "Playout buffer of the member's sound."},
};

static void put_link_figure(GString *text, const struct link_figure *figure, const json_t *links) {
    g_string_append_printf(text, "# HELP %s %s\n# TYPE %s gauge\n", figure->name, figure->help,
                           figure->name);
    size_t i;
    const json_t *entry;
    json_array_foreach(links, i, entry) {
        const json_t *link = json_object_get(entry, "link");
        char number[G_ASCII_DTOSTR_BUF_SIZE];
        g_ascii_formatd(number, sizeof(number), "%.6g",
                        figure_of(link, figure->way, figure->key) * figure->unit);
        g_string_append_printf(text, "%s{room=\"%s\",member=\"%s\"} %s\n", figure->name,
                               text_of(entry, "room"), text_of(entry, "member"), number);
    }
}

static void put_reasons(GString *text, const json_t *links) {
    static const char name[] = "tessera_member_reception_info";
    g_string_append_printf(
        text, "# HELP %s Why the member receives what it does.\n# TYPE %s gauge\n", name, name);
    size_t i;
    const json_t *entry;
    json_array_foreach(links, i, entry) {
        const json_t *down = json_object_get(json_object_get(entry, "link"), "down");
        g_string_append_printf(text,
                               "%s{room=\"%s\",member=\"%s\",reason=\"%s\",receive=\"%s\"} 1\n",
                               name, text_of(entry, "room"), text_of(entry, "member"),
                               text_of(down, "reason"), text_of(down, "receive"));
    }
}

static void put_links(GString *text, struct hub *hub) {
    json_t *links = hub_list_links(hub);
    for (size_t i = 0; i < G_N_ELEMENTS(link_figures); i++)
        put_link_figure(text, &link_figures[i], links);
    put_reasons(text, links);
    json_decref(links);
}

static void put_http(GString *text, struct site *site) {
    static const char name[] = "tessera_http_requests_total";
    g_string_append_printf(text, "# HELP %s HTTP requests by class of answer.\n# TYPE %s counter\n",
                           name, name);
    for (int class = 1; class < 6; class ++)
        g_string_append_printf(
            text, "%s{code=\"%dxx\"} %lu\n", name, class,
            atomic_load_explicit(&site->requests_by_class[class], memory_order_relaxed));
    struct ws_stats stats;
    ws_get_stats(site->ws, &stats);
    put_gauge(text, "tessera_websockets", "WebSockets now.", stats.sockets);
    put_counter(text, "tessera_websocket_messages_received_total", "Messages from clients.",
                (double)stats.messages_received);
    put_counter(text, "tessera_websocket_messages_sent_total", "Messages to clients.",
                (double)stats.messages_sent);
    put_counter(text, "tessera_websocket_messages_refused_total",
                "Messages from clients over the rate limit.", (double)stats.messages_refused);
    put_counter(text, "tessera_websocket_slow_total", "WebSockets closed for being too slow.",
                (double)stats.slow);
}

static void put_process(GString *text) {
    struct process_figures figures;
    process_measure(&figures);
    put_counter(text, "process_cpu_seconds_total", "User and system CPU time.", figures.cpu_s);
    put_gauge(text, "process_resident_memory_bytes", "Resident memory.",
              (double)figures.resident_bytes);
    put_gauge(text, "process_virtual_memory_bytes", "Virtual memory.",
              (double)figures.virtual_bytes);
    put_gauge(text, "process_start_time_seconds", "Start time since the Unix epoch.",
              figures.started_unix_s);
    put_gauge(text, "process_threads", "Threads now.", figures.threads);
    put_gauge(text, "process_open_fds", "Open file descriptors now.", figures.open_fds);
    put_gauge(text, "process_max_fds", "File descriptors allowed.", (double)figures.max_fds);
}

void api_get_metrics(struct request *request, struct reply *reply) {
    struct hub_stats stats;
    GString *text = g_string_sized_new(8192);
    g_string_append(text, "# HELP tessera_build_info The version that runs.\n"
                          "# TYPE tessera_build_info gauge\n"
                          "tessera_build_info{version=\"" TESSERA_VERSION "\"} 1\n");
    hub_get_stats(request->site->hub, &stats);
    put_hub(text, &stats);
    put_video(text, &stats);
    put_audio(text, &stats);
    put_links(text, request->site->hub);
    put_http(text, request->site);
    put_process(text);
    reply_text(reply, 200, "text/plain; version=0.0.4; charset=utf-8", text->str);
    g_string_free(text, TRUE);
}

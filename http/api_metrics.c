// SPDX-License-Identifier: MIT
// The server's figures in Prometheus' text format 0.0.4.
#include "http/api.h"

#include "http/exposition.h"
#include "http/process.h"
#include "http/request.h"

#include <glib.h>

static void put_hub(GString *text, const struct hub_stats *stats) {
    exposition_gauge(text, "tessera_rooms", "Rooms now.", stats->rooms);
    exposition_gauge(text, "tessera_members", "Members in rooms now.", stats->members);
    exposition_gauge(text, "tessera_sessions", "Signaling sessions now.", stats->sessions);
    exposition_gauge(text, "tessera_peers", "WebRTC connections now.", stats->peers);
    exposition_counter(text, "tessera_joins_total", "Members that joined.", (double)stats->joins);
    exposition_counter(text, "tessera_refusals_total", "Signaling requests refused.",
                       (double)stats->refusals);
}

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static void put_histogram(GString *text, const char *name, const char *help,
                          const struct histogram_counts *counts) {
    exposition_begin(text, name, "histogram", help);
    exposition_histogram(text, name, NULL, 0, counts);
}

static void put_video(GString *text, const struct hub_stats *stats) {
    exposition_counter(text, "tessera_video_ticks_total", "Video ticks.",
                       (double)stats->video_ticks);
    exposition_counter(text, "tessera_video_ticks_late_total", "Video ticks that began late.",
                       (double)stats->video_ticks_late);
    exposition_counter(text, "tessera_video_ticks_skipped_total",
                       "Video ticks left out to catch up.", (double)stats->video_ticks_skipped);
    exposition_counter(text, "tessera_frames_decoded_total", "Video frames decoded.",
                       (double)stats->frames_decoded);
    exposition_counter(text, "tessera_frames_broken_total",
                       "Video frames that could not be decoded.", (double)stats->frames_broken);
    exposition_counter(text, "tessera_frames_composed_total", "Composite frames painted.",
                       (double)stats->frames_composed);
    exposition_counter(text, "tessera_frames_encoded_total", "Composite frames encoded.",
                       (double)stats->frames_encoded);
    exposition_counter(text, "tessera_keyframes_total", "Composite keyframes.",
                       (double)stats->keyframes);
    exposition_counter(text, "tessera_compose_seconds_total", "Time spent painting composites.",
                       stats->compose_s);
    exposition_counter(text, "tessera_encode_seconds_total", "Time spent encoding composites.",
                       stats->encode_s);
    put_histogram(text, "tessera_video_frame_seconds", "Time to paint and encode one composite.",
                  &stats->frame_time);
    put_histogram(text, "tessera_video_tick_lateness_seconds", "How late video ticks began.",
                  &stats->video_lateness);
}

static void put_audio(GString *text, const struct hub_stats *stats) {
    exposition_counter(text, "tessera_audio_ticks_total", "Audio ticks.",
                       (double)stats->audio_ticks);
    exposition_counter(text, "tessera_audio_ticks_late_total", "Audio ticks that began late.",
                       (double)stats->audio_ticks_late);
    exposition_counter(text, "tessera_audio_encodes_total", "Opus packets encoded.",
                       (double)stats->audio_encodes);
    put_histogram(text, "tessera_audio_tick_lateness_seconds", "How late audio ticks began.",
                  &stats->audio_lateness);
    put_histogram(text, "tessera_playout_delay_seconds",
                  "Playout buffer of each member that sounds, once a second.",
                  &stats->playout_delay);
}

// ---- one line a webhook ----

static const struct hook_figure {
    const char *name, *type, *key, *help;
} hook_figures[] = {
    {"tessera_webhook_waiting", "gauge", "waiting", "Events that wait to be delivered."},
    {"tessera_webhook_delivered_total", "counter", "delivered", "Events delivered."},
    {"tessera_webhook_failed_total", "counter", "failed", "Deliveries that did not succeed."},
    {"tessera_webhook_dropped_total", "counter", "dropped", "Events given up."},
};

// The store may be out of order, and the other figures are wanted all the more then.
static void put_hooks(GString *text, struct webhooks *webhooks) {
    struct refusal refusal;
    json_t *answer = NULL;
    if (webhooks)
        webhooks_list(webhooks, &answer, &refusal);
    const json_t *hooks = json_object_get(answer, "webhooks");
    for (size_t f = 0; f < G_N_ELEMENTS(hook_figures); f++) {
        const struct hook_figure *figure = &hook_figures[f];
        exposition_begin(text, figure->name, figure->type, figure->help);
        size_t i;
        const json_t *hook;
        json_array_foreach(hooks, i, hook) {
            const struct exposition_label label = {"hook", text_of(hook, "id")};
            exposition_sample(text, figure->name, &label, 1,
                              json_number_value(json_object_get(hook, figure->key)));
        }
    }
    json_decref(answer);
}

// ---- one line a member ----

static double figure_of(const json_t *link, const char *way, const char *key) {
    const json_t *value = json_object_get(json_object_get(link, way), key);
    return json_is_boolean(value) ? json_is_true(value) : json_number_value(value);
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
    exposition_begin(text, figure->name, "gauge", figure->help);
    size_t i;
    const json_t *entry;
    json_array_foreach(links, i, entry) {
        const struct exposition_label labels[] = {{"room", text_of(entry, "room")},
                                                  {"member", text_of(entry, "member")}};
        double value = figure_of(json_object_get(entry, "link"), figure->way, figure->key);
        exposition_sample(text, figure->name, labels, 2, value * figure->unit);
    }
}

static void put_reasons(GString *text, const json_t *links) {
    static const char name[] = "tessera_member_reception_info";
    exposition_begin(text, name, "gauge", "Why the member receives what it does.");
    size_t i;
    const json_t *entry;
    json_array_foreach(links, i, entry) {
        const json_t *down = json_object_get(json_object_get(entry, "link"), "down");
        const struct exposition_label labels[] = {{"room", text_of(entry, "room")},
                                                  {"member", text_of(entry, "member")},
                                                  {"reason", text_of(down, "reason")},
                                                  {"receive", text_of(down, "receive")}};
        exposition_sample(text, name, labels, 4, 1);
    }
}

static void put_links(GString *text, struct hub *hub) {
    json_t *links = hub_list_links(hub);
    for (size_t i = 0; i < G_N_ELEMENTS(link_figures); i++)
        put_link_figure(text, &link_figures[i], links);
    put_reasons(text, links);
    json_decref(links);
}

static void put_recordings(GString *text, struct library *library) {
    struct library_totals totals = {0};
    if (library)
        library_get_totals(library, &totals);
    exposition_gauge(text, "tessera_recordings_running", "Recordings that run now.",
                     totals.running);
    exposition_gauge(text, "tessera_recordings_kept", "Recordings in the library.", totals.count);
    exposition_gauge(text, "tessera_recordings_kept_bytes", "What they take of the disk.",
                     (double)totals.bytes);
    exposition_counter(text, "tessera_recordings_bytes_total", "Written by recordings.",
                       (double)totals.bytes_ever);
}

static void put_http(GString *text, struct site *site) {
    static const char name[] = "tessera_http_requests_total";
    exposition_begin(text, name, "counter", "HTTP requests by class of answer.");
    for (int class = 1; class < 6; class ++) {
        char code[8];
        g_snprintf(code, sizeof(code), "%dxx", class);
        const struct exposition_label label = {"code", code};
        exposition_sample(
            text, name, &label, 1,
            (double)atomic_load_explicit(&site->requests_by_class[class], memory_order_relaxed));
    }
    durations_write(&site->durations, text);
    struct ws_stats stats;
    ws_get_stats(site->ws, &stats);
    exposition_gauge(text, "tessera_websockets", "WebSockets now.", stats.sockets);
    exposition_counter(text, "tessera_websocket_messages_received_total", "Messages from clients.",
                       (double)stats.messages_received);
    exposition_counter(text, "tessera_websocket_messages_sent_total", "Messages to clients.",
                       (double)stats.messages_sent);
    exposition_counter(text, "tessera_websocket_messages_refused_total",
                       "Messages from clients over the rate limit.",
                       (double)stats.messages_refused);
    exposition_counter(text, "tessera_websocket_slow_total",
                       "WebSockets closed for being too slow.", (double)stats.slow);
}

static void put_process(GString *text) {
    struct process_figures figures;
    process_measure(&figures);
    exposition_counter(text, "process_cpu_seconds_total", "User and system CPU time.",
                       figures.cpu_s);
    exposition_gauge(text, "process_resident_memory_bytes", "Resident memory.",
                     (double)figures.resident_bytes);
    exposition_gauge(text, "process_virtual_memory_bytes", "Virtual memory.",
                     (double)figures.virtual_bytes);
    exposition_gauge(text, "process_start_time_seconds", "Start time since the Unix epoch.",
                     figures.started_unix_s);
    exposition_gauge(text, "process_threads", "Threads now.", figures.threads);
    exposition_gauge(text, "process_open_fds", "Open file descriptors now.", figures.open_fds);
    exposition_gauge(text, "process_max_fds", "File descriptors allowed.", (double)figures.max_fds);
}

static void put_build(GString *text) {
    const struct exposition_label version = {"version", TESSERA_VERSION};
    exposition_begin(text, "tessera_build_info", "gauge", "The version that runs.");
    exposition_sample(text, "tessera_build_info", &version, 1, 1);
}

void api_get_metrics(struct request *request, struct reply *reply) {
    struct hub_stats stats;
    GString *text = g_string_sized_new(8192);
    put_build(text);
    hub_get_stats(request->site->hub, &stats);
    put_hub(text, &stats);
    put_video(text, &stats);
    put_audio(text, &stats);
    put_links(text, request->site->hub);
    put_recordings(text, request->site->library);
    put_http(text, request->site);
    put_hooks(text, request->site->webhooks);
    put_process(text);
    reply_text(reply, 200, "text/plain; version=0.0.4; charset=utf-8", text->str);
    g_string_free(text, TRUE);
}

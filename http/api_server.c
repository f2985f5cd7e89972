// SPDX-License-Identifier: MIT
// The server itself: alive, ready, its figures, its ICE servers.
#include "http/api.h"

#include "http/process.h"
#include "http/request.h"
#include "mcu/protocol.h"

static const char plain[] = "text/plain; charset=utf-8";

void api_get_health(struct request *request, struct reply *reply) {
    reply_static(reply, 200, plain, "ok\n", 3);
}

void api_get_readiness(struct request *request, struct reply *reply) {
    struct refusal refusal;
    if (hub_is_ready(request->site->hub) == 0) {
        reply_static(reply, 200, plain, "ready\n", 6);
        return;
    }
    refusal_set(&refusal, 503, "not-ready", "The server cannot take calls now.");
    reply_refusal(reply, &refusal);
}

static json_t *describe_media(const struct hub_stats *stats) {
    return json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f}", //
        "video_ticks", (json_int_t)stats->video_ticks, "video_ticks_late",
        (json_int_t)stats->video_ticks_late, "video_ticks_skipped",
        (json_int_t)stats->video_ticks_skipped, "frames_composed",
        (json_int_t)stats->frames_composed, "frames_encoded", (json_int_t)stats->frames_encoded,
        "frames_decoded", (json_int_t)stats->frames_decoded, "frames_broken",
        (json_int_t)stats->frames_broken, "keyframes", (json_int_t)stats->keyframes, "audio_ticks",
        (json_int_t)stats->audio_ticks, "audio_ticks_late", (json_int_t)stats->audio_ticks_late,
        "audio_encodes", (json_int_t)stats->audio_encodes, "compose_s", stats->compose_s,
        "encode_s", stats->encode_s);
}

static json_t *describe_process(void) {
    struct process_figures figures = {0};
    char started_at[32];
    process_measure(&figures);
    protocol_time((int64_t)(figures.started_unix_s * 1000), started_at);
    return json_pack("{s:s, s:f, s:I, s:i, s:i}", "started_at", started_at, "cpu_s", figures.cpu_s,
                     "resident_bytes", (json_int_t)figures.resident_bytes, "threads",
                     figures.threads, "open_files", figures.open_fds);
}

void api_get_stats(struct request *request, struct reply *reply) {
    struct hub_stats stats;
    struct ws_stats sockets;
    hub_get_stats(request->site->hub, &stats);
    ws_get_stats(request->site->ws, &sockets);
    reply_json(reply, 200,
               json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:I, s:I, s:o, s:o}", //
                         "version", TESSERA_VERSION, "rooms", stats.rooms, "members", stats.members,
                         "sessions", stats.sessions, "peers", stats.peers, "sockets",
                         sockets.sockets, "joins", (json_int_t)stats.joins, "refusals",
                         (json_int_t)stats.refusals, "media", describe_media(&stats), "process",
                         describe_process()));
}

void api_get_ice_servers(struct request *request, struct reply *reply) {
    json_t *servers = protocol_ice_servers(request->site->config->ice_servers);
    reply_json(reply, 200, servers ? json_pack("{s:o}", "ice_servers", servers) : NULL);
}

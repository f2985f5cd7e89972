// SPDX-License-Identifier: MIT
// All settings, with their defaults: each is a key of tessera.conf, a flag and a TESSERA_… variable
// (flags win over the environment, that over the file). Read once at start, then constant.
#ifndef MCU_CONFIG_H
#define MCU_CONFIG_H

#include "mcu/log.h"

#include <stdbool.h>
#include <stdio.h>

struct config {
    // [http]                        key, flag and variable of the first: http.listen,
    char *listen;     // --listen, TESSERA_LISTEN; "0.0.0.0:8080" ("[::]:8080" works too)
    char *assets_dir; // --assets-dir; "" = those built into the binary
    char *tls_cert_file, *tls_key_file; // ""
    char *cors_origins;                 // space-separated origins or "*"; "" = same origin only
    char *api_key;                      // "" = generated once, kept in the data directory
    int http_threads;                   // 4
    int http_connections_max;           // 1000
    int http_body_bytes_max;            // 65536
    int http_upload_bytes_max;          // 8388608: a picture or a sound
    // [server]
    char *data_dir; // "data"
    enum log_level log_level;
    enum log_format log_format; // server.log_format = text | json
    int history_days;           // 90: how long calls in owned rooms are remembered; 0: for ever
    // [auth]
    char *token_secret;      // "" = generated once, kept in the data directory
    bool guests;             // true: open rooms take whoever has their link, without a token
    bool sign_up;            // false: people may make their own accounts
    int session_days;        // 30: how long a sign-in lasts
    int sign_ins_per_minute; // per address and per account; 10
    // [recordings]
    char *recordings_dir;      // "" = recordings in the data directory
    int recordings_floor_mb;   // 1024: with less free space recordings stop
    bool recordings_sync;      // false: each second is handed to the system, not forced to the disk
    int recordings_keyframe_s; // 10: how far apart the places are that players seek to
    int recordings_queue_kb;   // 16384: what of a recording waits for the disk; more is left out
    int recordings_per_room_max; // 4 at once
    int recordings_days;         // 0: kept for ever; else deleted after so many days
    int recordings_total_gb;     // 0: no limit; else the oldest are deleted
    int recordings_ticket_hours; // 6: how long the address of a recording's file opens it, at least
    bool recordings_sound;       // true: a tone tells everybody that recording begins
    int broadcasts_per_room_max; // 4 at once
    char *broadcasts_ca_file;    // "": rtmps servers are signed by whom the system trusts
    // [webhooks]
    bool webhooks_private_targets; // false: not to loopback, link-local and private addresses
    int webhooks_max;              // 20
    int webhook_queue_max;         // 10000 events that wait, per hook
    // [rooms]
    bool rooms_created_by_api_only; // rooms.create = join | api
    int rooms_max;                  // 100
    int room_members_max;           // 50
    int room_viewers_max;           // 500: who watch, besides the members
    bool room_succession;           // true: when the last moderator leaves, the oldest member is it
    int room_linger_s;              // 30: how long an empty room that a join made stays
    int canvas_width_px, canvas_height_px, canvas_fps;   // 1280 720 30
    int video_kbps, video_half_kbps, video_quarter_kbps; // 1500 500 150
    int video_base_percent, video_middle_percent;        // 40 60: of that, for fewer frames
    int audio_kbps, audio_thrifty_kbps;                  // 32 14
    int loudest;                                         // 3
    int playout_min_ms, playout_max_ms;                  // 20 120
    // [limits]
    int message_bytes_max;       // 262144: one signaling message
    int sdp_bytes_max;           // 131072
    int chat_bytes_max;          // 2000
    int chat_history_max;        // 200 messages of a room
    int name_chars_max;          // 64
    int joins_per_s;             // per address; 10 (burst 3x)
    int messages_per_s;          // per connection; 50 (burst 3x)
    int connections_per_address; // 200
    int hello_timeout_s;         // 10: a socket that says nothing
    int lost_timeout_s;          // 6: no packets, no socket: the member is gone
    // [ice]
    char *ice_servers;              // space-separated stun: and turn: URLs, handed to clients; ""
    int udp_port_min, udp_port_max; // 0 0 = any
    char *public_address;           // rewritten into candidates behind a 1:1 NAT; ""
    char *ice_interfaces;           // space-separated local addresses to use; "" = all
};

enum config_outcome { CONFIG_RUN, CONFIG_EXIT_OK, CONFIG_EXIT_ERROR };

// Reads flags, environment and file into *out. --help, --help-markdown and --version print and give
// CONFIG_EXIT_OK; an unknown key, a number out of range and the like print a sentence naming it to
// err and give CONFIG_EXIT_ERROR. *out is to be freed with config_finish() in every case.
enum config_outcome config_init(struct config *out, int argc, char **argv, FILE *print, FILE *err);
void config_init_defaults(struct config *out);
void config_finish(struct config *config);

#endif

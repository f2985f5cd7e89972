// SPDX-License-Identifier: MIT
// One participant from the command line: for tests that kill it, and for a look by hand.
#include "tests/peer/client.h"
#include "tests/peer/lively.h"

#include <fcntl.h>
#include <glib.h>
#include <jansson.h>
#include <locale.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *url, *room = NULL, *name = NULL, *colour = NULL, *video_path, *audio_path,
                  *picture_path, *namespace_path;
static int tone_hz, seconds = 30, voice_kbps, lively_kbps, latency_ms;
static gboolean is_quiet, is_asked, flashes;

static GOptionEntry entries[] = {
    {"url", 0, 0, G_OPTION_ARG_STRING, &url, "ws://HOST:PORT/ws", "URL"},
    {"room", 0, 0, G_OPTION_ARG_STRING, &room, "room to join (lab)", "NAME"},
    {"name", 0, 0, G_OPTION_ARG_STRING, &name, "name to show (peer)", "NAME"},
    {"colour", 0, 0, G_OPTION_ARG_STRING, &colour, "send a picture of this colour", "COLOUR"},
    {"video", 0, 0, G_OPTION_ARG_STRING, &video_path, "send this VP8 file (IVF, WebM)", "FILE"},
    {"tone", 0, 0, G_OPTION_ARG_INT, &tone_hz, "send a tone", "HZ"},
    {"audio", 0, 0, G_OPTION_ARG_STRING, &audio_path, "send this Opus file (Ogg, WebM)", "FILE"},
    {"netns", 0, 0, G_OPTION_ARG_STRING, &namespace_path, "live in this network namespace", "FILE"},
    {"lively", 0, 0, G_OPTION_ARG_INT, &lively_kbps, "send a restless picture", "KBPS"},
    {"voice-kbps", 0, 0, G_OPTION_ARG_INT, &voice_kbps, "bitrate of the tone", "KBPS"},
    {"flash", 0, 0, G_OPTION_ARG_NONE, &flashes, "send a flash and a beep about once a second",
     NULL},
    {"video-latency", 0, 0, G_OPTION_ARG_INT, &latency_ms, "wait for pictures resent (60)", "MS"},
    {"asked", 0, 0, G_OPTION_ARG_NONE, &is_asked,
     "stay until the end of stdin; answer its lines \"figures\" and \"begin\" in JSON", NULL},
    {"seconds", 0, 0, G_OPTION_ARG_INT, &seconds, "stay this long (30)", "S"},
    {"picture", 0, 0, G_OPTION_ARG_STRING, &picture_path, "save the last picture as PPM", "FILE"},
    {"quiet", 0, 0, G_OPTION_ARG_NONE, &is_quiet, "no line each second", NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

static int split_url(const char *text, char *host, size_t host_bytes, int *port, char **path) {
    static const char scheme[] = "ws://";
    if (!text || strncmp(text, scheme, strlen(scheme)))
        return -1;
    const char *begin = text + strlen(scheme), *slash = strchr(begin, '/');
    const char *colon = strchr(begin, ':');
    if (!colon || (slash && colon > slash) || (size_t)(colon - begin) >= host_bytes)
        return -1;
    g_strlcpy(host, begin, (size_t)(colon - begin) + 1);
    *port = atoi(colon + 1);
    *path = g_strdup(slash ? slash : "/ws");
    return 0;
}

static struct media *make_camera(void) {
    struct rgb rgb;
    if (video_path)
        return media_load_video(video_path);
    if (flashes)
        return lively_create_flash();
    if (lively_kbps > 0)
        return lively_create_camera(99, 320, 180, 15, lively_kbps);
    if (colour && media_colour_from_name(colour, &rgb) == 0)
        return media_create_colour(rgb, 320, 180, 30);
    return NULL;
}

static struct media *make_microphone(void) {
    if (audio_path)
        return media_load_audio(audio_path);
    if (flashes)
        return lively_create_beep();
    if (tone_hz > 0 && voice_kbps > 0)
        return lively_create_voice(tone_hz, -12, voice_kbps);
    return tone_hz > 0 ? media_create_tone(tone_hz, -12) : NULL;
}

static void report(struct client *client) {
    struct client_stream video, audio;
    double level = -99;
    client_video(client, &video);
    client_audio(client, &audio);
    client_level_dbfs(client, &level);
    printf("members %d, video %" G_GUINT64_FORMAT " frames, gap %.0f ms, audio %" G_GUINT64_FORMAT
           " packets, gap %.0f ms, %.1f dBFS\n",
           client_member_count(client), video.count, (double)video.max_gap_ns / 1e6, audio.count,
           (double)audio.max_gap_ns / 1e6, level);
    fflush(stdout);
}

static json_t *figures_json(struct client *client) {
    struct figures_view v;
    client_figures(client, &v);
    return json_pack(
        "{s:f,s:f,s:f,s:f,s:f,s:f,s:I,s:I,s:I,s:f,s:I,s:I,s:f,s:f,s:i,s:i,s:i,s:i,s:f,s:i,s:b}",
        "seconds", v.seconds, "audio_waited_ms", v.audio_waited_ms, "audio_gap_ms", v.audio_gap_ms,
        "audio_heard_ms", v.audio_heard_ms, "audio_repaired_ms", v.audio_repaired_ms,
        "audio_concealed_ms", v.audio_concealed_ms, "audio_packets", (json_int_t)v.audio_packets,
        "audio_lost", (json_int_t)v.audio_lost, "audio_bytes", (json_int_t)v.audio_bytes,
        "audio_packet_ms", v.audio_packet_ms, "frames", (json_int_t)v.frames, "video_bytes",
        (json_int_t)v.video_bytes, "freeze_ms", v.freeze_ms, "fps", v.fps, "fps_least", v.fps_least,
        "fps_now", v.fps_now, "width", v.width_px, "height", v.height_px, "round_trip_ms",
        (double)client_round_trip_ns(client) / 1e6, "members", client_member_count(client),
        "connected", client_connected_ns(client) != 0);
}

static void answer(struct client *client, const char *line) {
    json_t *reply;
    if (g_str_equal(line, "begin"))
        client_begin_figures(client);
    if (g_str_equal(line, "begin") || g_str_equal(line, "figures"))
        reply = figures_json(client);
    else
        reply = json_pack("{s:s}", "error", "not understood");
    char *text = json_dumps(reply, JSON_COMPACT);
    puts(text ? text : "{}");
    fflush(stdout);
    free(text);
    json_decref(reply);
}

static int answer_all(struct client *client) {
    char line[256], id[CLIENT_ID_MAX];
    bool is_in = client_wait_joined(client, client_slow(10000)) &&
                 client_wait_connected(client, client_slow(10000));
    client_id(client, id);
    printf("{\"joined\":%s,\"id\":\"%s\"}\n", is_in ? "true" : "false", id);
    fflush(stdout);
    while (is_in && fgets(line, sizeof(line), stdin))
        answer(client, g_strchomp(line));
    return is_in ? 0 : 1;
}

// Before any thread is made: they all live where this one does then.
static int enter_namespace(void) {
    if (!namespace_path)
        return 0;
    int fd = open(namespace_path, O_RDONLY | O_CLOEXEC);
    int result = fd >= 0 ? setns(fd, CLONE_NEWNET) : -1;
    if (result < 0)
        perror(namespace_path);
    if (fd >= 0)
        close(fd);
    return result;
}

static bool is_never(struct client *client, void *user) {
    return false;
}

static int stay(struct client *client) {
    if (!client_wait_joined(client, 10000)) {
        char code[64];
        client_last_error(client, code, sizeof(code));
        fprintf(stderr, "could not join: %s\n", *code ? code : "no answer");
        return 1;
    }
    char id[CLIENT_ID_MAX];
    client_id(client, id);
    printf("joined as %s\n", id);
    fflush(stdout);
    for (int i = 0; i < seconds; i++) {
        client_wait(client, is_never, NULL, 1000);
        if (!is_quiet)
            report(client);
    }
    if (picture_path && client_save_picture(client, picture_path) < 0)
        fprintf(stderr, "there is no picture to save\n");
    return 0;
}

int main(int argc, char **argv) {
    setlocale(LC_CTYPE, "C.UTF-8"); // names come in every script
    char host[256], *path = NULL;
    GError *error = NULL;
    GOptionContext *context = g_option_context_new("- join a room");
    g_option_context_add_main_entries(context, entries, NULL);
    gboolean is_parsed = g_option_context_parse(context, &argc, &argv, &error);
    g_option_context_free(context);
    struct client_options options = {.room = room ? room : "lab", .name = name ? name : "peer"};
    if (!is_parsed || split_url(url, host, sizeof(host), &options.port, &path) < 0) {
        fprintf(stderr, "%s\n", error ? error->message : "--url ws://HOST:PORT/ws is needed");
        g_clear_error(&error);
        return 2;
    }
    if (enter_namespace() < 0)
        return 2;
    struct media *camera = make_camera(), *microphone = make_microphone();
    options.host = host;
    options.path = path;
    options.camera = camera;
    options.microphone = microphone;
    options.keeps_figures = is_asked;
    options.sends_by_clock = flashes;
    options.video_latency_ms = latency_ms;
    struct client *client = client_create(&options);
    int status = is_asked ? answer_all(client) : stay(client);
    client_destroy(client);
    media_destroy(camera);
    media_destroy(microphone);
    g_free(path);
    return status;
}

// SPDX-License-Identifier: MIT
// One participant from the command line: for tests that kill it, and for a look by hand.
#include "tests/peer/client.h"

#include <glib.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *url, *room = NULL, *name = NULL, *colour = NULL, *video_path, *audio_path,
                  *picture_path;
static int tone_hz, seconds = 30;
static gboolean is_quiet;

static GOptionEntry entries[] = {
    {"url", 0, 0, G_OPTION_ARG_STRING, &url, "ws://HOST:PORT/ws", "URL"},
    {"room", 0, 0, G_OPTION_ARG_STRING, &room, "room to join (lab)", "NAME"},
    {"name", 0, 0, G_OPTION_ARG_STRING, &name, "name to show (peer)", "NAME"},
    {"colour", 0, 0, G_OPTION_ARG_STRING, &colour, "send a picture of this colour", "COLOUR"},
    {"video", 0, 0, G_OPTION_ARG_STRING, &video_path, "send this VP8 file (IVF, WebM)", "FILE"},
    {"tone", 0, 0, G_OPTION_ARG_INT, &tone_hz, "send a tone", "HZ"},
    {"audio", 0, 0, G_OPTION_ARG_STRING, &audio_path, "send this Opus file (Ogg, WebM)", "FILE"},
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
    if (colour && media_colour_from_name(colour, &rgb) == 0)
        return media_create_colour(rgb, 320, 180, 30);
    return NULL;
}

static struct media *make_microphone(void) {
    if (audio_path)
        return media_load_audio(audio_path);
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
    struct media *camera = make_camera(), *microphone = make_microphone();
    options.host = host;
    options.path = path;
    options.camera = camera;
    options.microphone = microphone;
    struct client *client = client_create(&options);
    int status = stay(client);
    client_destroy(client);
    media_destroy(camera);
    media_destroy(microphone);
    g_free(path);
    return status;
}

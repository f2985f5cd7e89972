// SPDX-License-Identifier: MIT
// The server against its codec floor: a swarm of clients in this process replays footage to a
// server of its own, for each size of room. Prints a table in Markdown; what goes on is told on
// stderr.
#include "tests/bench/floor.h"
#include "tests/bench/pictures.h"
#include "tests/bench/probe.h"
#include "tests/peer/client.h"
#include "tests/peer/sender.h"
#include "tests/peer/server.h"

#include <glib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MEMBERS_MAX = 49, PATIENCE_MS = 20000, FLOOR_FRAMES = 300, CLIPS_MAX = 2, RESULTS_MAX = 24 };
enum { RECORDED_PAIRS = 6, SWITCH_S = 1 }; // SWITCH_S: until a recording has begun or ended
enum { SMALL_KBPS = 180 }; // of half a camera's width and height, as `uplink` has it

static char *binary, *media_dir, *sizes;
static int seconds = 10, warm_up_s = 3;
static gboolean has_more = TRUE;

static GOptionEntry entries[] = {
    {"server", 0, 0, G_OPTION_ARG_FILENAME, &binary, "the server (build/tessera)", "FILE"},
    {"media", 0, 0, G_OPTION_ARG_FILENAME, &media_dir,
     "directory with *.ivf (VP8, 640x360) and speech.opus (TESSERA_BENCH_MEDIA, ../shared/media)",
     "DIR"},
    {"members", 0, 0, G_OPTION_ARG_STRING, &sizes, "sizes of the room (2,4,9,16)", "N,…"},
    {"seconds", 0, 0, G_OPTION_ARG_INT, &seconds, "how long each is measured (10)", "S"},
    {"warm-up", 0, 0, G_OPTION_ARG_INT, &warm_up_s, "how long each runs before (3)", "S"},
    {"plain", 0, G_OPTION_FLAG_REVERSE, G_OPTION_ARG_NONE, &has_more,
     "only the sizes, not what tiers, the uplink and recording cost", NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

struct footage {
    struct media *clips[CLIPS_MAX], *small[CLIPS_MAX];
    int clip_count;
    struct media *sound;
    bool is_real;
};

struct reading {
    double at_s, cpu_s, composed, late, skipped, audio_late, encoded;
};

// A room to be measured.
struct plan {
    const char *note;
    int members;
    int tiers;         // how many sizes of the composite its members receive
    bool obeys_uplink; // cameras send no more than their tile has
    bool is_recorded;  // with what recording takes
};

// What recording takes: the mean difference of neighbouring windows with and without it, and how
// far that mean may be off by chance (its standard error); and the recorder's thread alone.
struct recording_cost {
    double cores, error_cores, thread_cores;
};

struct result {
    struct plan plan;
    int threads;
    long rss_kib;
    struct recording_cost recording;
    double cores, swarm_cores, composed, late, skipped, audio_late;
    uint64_t swarm_late;
    struct probe_delays video, audio;
    struct floor_cost floor;
};

// --- footage ---

static int load_footage(struct footage *footage) {
    GDir *dir = g_dir_open(media_dir, 0, NULL);
    const char *name;
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    while (dir && (name = g_dir_read_name(dir)))
        if (g_str_has_suffix(name, ".ivf"))
            g_ptr_array_add(names, g_build_filename(media_dir, name, NULL));
    if (dir)
        g_dir_close(dir);
    g_ptr_array_sort(names, (GCompareFunc)(void (*)(void))g_strcmp0);
    for (guint i = 0; i < names->len && footage->clip_count < CLIPS_MAX; i++) {
        struct media *clip = media_load_video(g_ptr_array_index(names, i));
        if (clip)
            footage->clips[footage->clip_count++] = clip;
    }
    g_ptr_array_free(names, TRUE);
    char *path = g_build_filename(media_dir, "speech.opus", NULL);
    footage->sound = media_load_audio(path);
    g_free(path);
    footage->is_real = footage->clip_count > 0;
    if (!footage->is_real && (footage->clips[0] = pictures_generate(300)))
        footage->clip_count = 1;
    if (!footage->sound)
        footage->sound = media_create_tone(400, -20);
    for (int i = 0; i < footage->clip_count; i++)
        if (!(footage->small[i] = pictures_halve(footage->clips[i], SMALL_KBPS)))
            return -1;
    return footage->clip_count > 0 && footage->sound ? 0 : -1;
}

static void free_footage(struct footage *footage) {
    for (int i = 0; i < CLIPS_MAX; i++) {
        media_destroy(footage->clips[i]);
        media_destroy(footage->small[i]);
    }
    media_destroy(footage->sound);
}

// --- one size of room ---

static bool is_never(struct client *client, void *user) {
    return false;
}

static void take_reading(struct server *server, struct reading *out) {
    *out = (struct reading){
        .composed = server_metric(server, "tessera_frames_composed_total"),
        .late = server_metric(server, "tessera_video_ticks_late_total"),
        .skipped = server_metric(server, "tessera_video_ticks_skipped_total"),
        .audio_late = server_metric(server, "tessera_audio_ticks_late_total"),
        .at_s = (double)sender_now_ns() / 1e9,
        .cpu_s = server_cpu_s(server),
    };
}

static bool has_whole_picture(struct client *client, void *user) {
    int width_px, height_px;
    return client_picture_size(client, &width_px, &height_px) == 0 && width_px == 1280;
}

// Member 0 is the probe, member 1 the one whose packets are kept; both get the whole canvas.
static bool join_all(struct server *server, const struct footage *footage, struct probe *probe,
                     const struct plan *plan, struct client **clients) {
    static const char *const wishes[] = {"auto", "medium", "low"};
    struct media *const *clips = plan->obeys_uplink ? footage->small : footage->clips;
    for (int i = 0; i < plan->members; i++) {
        char name[32];
        snprintf(name, sizeof(name), "Member %d", i + 1);
        struct client_options options = {
            .port = server_port(server),
            .room = "bench",
            .name = name,
            .camera = i == 0 ? probe_video(probe) : clips[i % footage->clip_count],
            .microphone = i == 0 ? probe_audio(probe) : footage->sound,
            .keeps_packets = i == 1,
        };
        clients[i] = client_create(&options);
        if (i == 0)
            client_set_on_sent(clients[i], probe_on_sent, probe);
        if (!client_wait_connected(clients[i], PATIENCE_MS))
            return false;
        if (i >= 2)
            client_send_json(clients[i], "{\"type\":\"set\",\"receive\":\"%s\"}",
                             wishes[i % plan->tiers]);
    }
    return client_wait(clients[1], has_whole_picture, NULL, PATIENCE_MS);
}

static double own_cpu_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void measure_window(struct server *server, struct client *listener, struct result *out,
                           int64_t *from_ns) {
    struct reading before, after;
    client_wait(listener, is_never, NULL, warm_up_s * 1000);
    uint64_t late = sender_late_count();
    double own_s = own_cpu_s();
    *from_ns = sender_now_ns();
    take_reading(server, &before);
    client_wait(listener, is_never, NULL, seconds * 1000);
    take_reading(server, &after);
    double elapsed_s = after.at_s - before.at_s;
    out->cores = (after.cpu_s - before.cpu_s) / elapsed_s;
    out->swarm_cores = (own_cpu_s() - own_s) / elapsed_s;
    out->composed = after.composed - before.composed;
    out->late = after.late - before.late;
    out->skipped = after.skipped - before.skipped;
    out->audio_late = after.audio_late - before.audio_late;
    out->threads = server_thread_count(server);
    out->rss_kib = server_rss_kib(server);
    out->swarm_late = sender_late_count() - late;
}

static void measure_delays(struct client *listener, struct probe *probe,
                           const struct client_rect *tile, int64_t from_ns, struct result *out) {
    struct client_packet *packets = NULL;
    int count = client_take_packets(listener, &packets);
    out->video = probe_video_delays(probe, packets, count, tile, from_ns);
    out->audio = probe_audio_delays(probe, packets, count, from_ns);
    for (int i = 0; i < count; i++)
        g_free(packets[i].data);
    g_free(packets);
}

// --- what recording takes ---

struct window {
    double cores, thread_cores;
};

static struct window measure_short_window(struct server *server, struct client *listener) {
    client_wait(listener, is_never, NULL, SWITCH_S * 1000);
    double at_s = (double)sender_now_ns() / 1e9, cpu_s = server_cpu_s(server),
           thread_s = server_thread_cpu_s(server, "recorder");
    client_wait(listener, is_never, NULL, seconds * 1000 / 2);
    double elapsed_s = (double)sender_now_ns() / 1e9 - at_s;
    return (struct window){.cores = (server_cpu_s(server) - cpu_s) / elapsed_s,
                           .thread_cores =
                               (server_thread_cpu_s(server, "recorder") - thread_s) / elapsed_s};
}

static bool measure_recorded(struct server *server, struct client *listener, struct window *out) {
    json_t *recording = NULL;
    if (server_request(server, "POST", "/api/v1/rooms/bench/recordings", "{}", &recording) != 201)
        return false;
    char *path = g_strdup_printf("/api/v1/recordings/%s",
                                 json_string_value(json_object_get(recording, "id")));
    *out = measure_short_window(server, listener);
    bool is_good = server_request(server, "PATCH", path, "{\"state\":\"stopped\"}", NULL) == 200;
    json_decref(recording);
    g_free(path);
    return is_good;
}

// With and without in turns, and either first as often: what the machine's other tenants do in
// between is in both.
static bool measure_recording(struct server *server, struct client *listener,
                              struct recording_cost *out) {
    double sum = 0, squares = 0, thread = 0;
    for (int i = 0; i < RECORDED_PAIRS; i++) {
        struct window with, without;
        if (i % 2 == 0)
            without = measure_short_window(server, listener);
        if (!measure_recorded(server, listener, &with))
            return false;
        if (i % 2 == 1)
            without = measure_short_window(server, listener);
        double difference = with.cores - without.cores;
        sum += difference;
        squares += difference * difference;
        thread += with.thread_cores;
    }
    out->cores = sum / RECORDED_PAIRS;
    double variance = (squares - sum * out->cores) / (RECORDED_PAIRS - 1);
    out->error_cores = sqrt(variance / RECORDED_PAIRS);
    out->thread_cores = thread / RECORDED_PAIRS;
    return true;
}

static int measure_server(const struct footage *footage, const struct plan *plan,
                          struct result *out) {
    static const char *const flags[] = {"--limits-joins-per-s", "1000", "--log-level", "warn",
                                        NULL};
    struct client *clients[MEMBERS_MAX] = {NULL};
    struct client_tile tile;
    char probe_id[CLIENT_ID_MAX];
    int64_t from_ns = 0;
    struct probe *probe = probe_create(footage->clips[0]);
    struct server *server = probe ? server_start(binary, flags) : NULL;
    bool is_good = server && join_all(server, footage, probe, plan, clients);
    if (is_good && plan->is_recorded) {
        client_wait(clients[1], is_never, NULL, warm_up_s * 1000);
        is_good =
            measure_recording(server, clients[1], &out->recording) &&
            server_request(server, "POST", "/api/v1/rooms/bench/recordings", "{}", NULL) == 201;
    }
    if (is_good) {
        measure_window(server, clients[1], out, &from_ns);
        client_id(clients[0], probe_id);
        is_good = client_find_tile(clients[1], probe_id, false, &tile);
    }
    if (is_good) // the clients go on meanwhile, but nothing is measured any more
        measure_delays(clients[1], probe, &tile.at, from_ns, out);
    for (int i = 0; i < plan->members; i++)
        client_destroy(clients[i]);
    if (server_stop(server) != 0)
        is_good = false;
    probe_destroy(probe);
    return is_good ? 0 : -1;
}

// The floor is measured when the server has gone: they must not take the machine from each other.
static int measure(const struct footage *footage, const struct plan *plan, struct result *out) {
    int members = plan->members;
    *out = (struct result){.plan = *plan};
    fprintf(stderr, "%d members%s: %d s of warm-up, %d s measured …\n", members, plan->note,
            warm_up_s, seconds);
    if (measure_server(footage, plan, out) < 0) {
        fprintf(stderr, "%d members: the server could not be measured\n", members);
        return -1;
    }
    if (floor_measure(members, (const struct media *const *)footage->clips, footage->clip_count,
                      footage->sound, FLOOR_FRAMES, &out->floor) < 0) {
        fprintf(stderr, "%d members: the floor could not be measured\n", members);
        return -1;
    }
    fprintf(
        stderr,
        "%d members: floor per frame: decode %.2f, scale %.2f, encode %.2f, opus %.2f ms; the "
        "swarm took %.2f cores and was late %d times; %d pictures and %d changes of pitch found\n",
        members, out->floor.decode_ms, out->floor.scale_ms, out->floor.encode_ms,
        out->floor.opus_ms, out->swarm_cores, (int)out->swarm_late, out->video.count,
        out->audio.count);
    return 0;
}

// --- the table ---

static void print_delays(const struct probe_delays *delays) {
    if (delays->count > 0)
        printf(" %.0f / %.0f |", delays->p50_ms, delays->p95_ms);
    else
        printf(" – |");
}

static void print_table(const struct result *results, int count, bool is_real) {
    printf("\n%d cores, %s, canvas 1280x720 at 30; measured for %d s each.\n\n",
           (int)sysconf(_SC_NPROCESSORS_ONLN),
           is_real ? "recorded footage 640x360 at 30" : "generated footage 640x360 at 30", seconds);
    printf("| members | server, cores | floor, cores | ratio | threads | memory, MB | composed, "
           "frames/s | late ticks | skipped ticks | late audio ticks | video delay p50 / p95, ms | "
           "audio delay p50 / p95, ms |\n");
    printf("|---|---|---|---|---|---|---|---|---|---|---|---|\n");
    for (int i = 0; i < count; i++) {
        const struct result *r = &results[i];
        printf("| %d%s | %.2f | %.2f | %.2f | %d | %.0f | %.1f | %.0f | %.0f | %.0f |",
               r->plan.members, r->plan.note, r->cores, r->floor.cores, r->cores / r->floor.cores,
               r->threads, (double)r->rss_kib / 1024, r->composed / seconds, r->late, r->skipped,
               r->audio_late);
        print_delays(&r->video);
        print_delays(&r->audio);
        printf("\n");
    }
    for (int i = 0; i < count; i++)
        if (results[i].plan.is_recorded)
            printf("\nRecording a call of %d takes %.1f +- %.1f %% of a core more (%d pairs of "
                   "windows of "
                   "%d s); its thread alone %.1f %%.\n",
                   results[i].plan.members, 100 * results[i].recording.cores,
                   100 * results[i].recording.error_cores, RECORDED_PAIRS, seconds / 2,
                   100 * results[i].recording.thread_cores);
}

static bool parse_options(int argc, char **argv) {
    GError *error = NULL;
    GOptionContext *context = g_option_context_new("- measure the server against its codec floor");
    g_option_context_add_main_entries(context, entries, NULL);
    bool is_parsed = g_option_context_parse(context, &argc, &argv, &error);
    g_option_context_free(context);
    if (!is_parsed)
        fprintf(stderr, "%s\n", error->message);
    g_clear_error(&error);
    if (!media_dir)
        media_dir = g_strdup(getenv("TESSERA_BENCH_MEDIA") ? getenv("TESSERA_BENCH_MEDIA")
                                                           : "../shared/media");
    if (!sizes)
        sizes = g_strdup("2,4,9,16");
    return is_parsed;
}

int main(int argc, char **argv) {
    static const struct plan more[] = {
        {", two tiers", 9, 2, false, false},
        {", three tiers", 9, 3, false, false},
        {", uplink obeyed", 16, 1, true, false},
        {", recorded", 4, 1, false, true},
    };
    struct footage footage = {0};
    struct result results[RESULTS_MAX];
    int count = 0, status = 0;
    if (!parse_options(argc, argv))
        return 2;
    if (load_footage(&footage) < 0) {
        fprintf(stderr, "there is no footage, and none could be made\n");
        return 1;
    }
    char **list = g_strsplit(sizes, ",", RESULTS_MAX - (int)G_N_ELEMENTS(more));
    for (char **each = list; *each; each++) {
        struct plan plan = {"", atoi(*each), 1, false, false};
        if (plan.members < 2 || plan.members > MEMBERS_MAX ||
            measure(&footage, &plan, &results[count]) < 0)
            status = 1;
        else
            count++;
    }
    for (size_t i = 0; has_more && i < G_N_ELEMENTS(more); i++)
        if (measure(&footage, &more[i], &results[count]) < 0)
            status = 1;
        else
            count++;
    print_table(results, count, footage.is_real);
    g_strfreev(list);
    free_footage(&footage);
    g_free(binary);
    g_free(media_dir);
    g_free(sizes);
    return status;
}

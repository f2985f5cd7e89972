// SPDX-License-Identifier: MIT
// libFuzzer over the desk: the input is a script of pushes, losses, settings and ticks.
//   clang -g -O1 -fsanitize=fuzzer,address,undefined -I. -D_GNU_SOURCE tests/fuzz/fuzz_desk.c
//         mixer/packet.c mixer/audio/*.c -lopus -lm -o fuzz_desk
#include "mixer/audio/desk.h"

#include <stdlib.h>
#include <string.h>

enum { CHANNELS = 3, COMMANDS_MAX = 400 };
#define MS INT64_C(1000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct script {
    const uint8_t *data;
    size_t size;
};

static uint64_t take(struct script *script, size_t bytes) {
    uint64_t value = 0;
    for (; bytes > 0 && script->size > 0; bytes--, script->size--)
        value = value << 8 | *script->data++;
    return value;
}

static void on_audio(void *user, struct packet *packet) {
    if (packet->size_bytes == 0 || packet->pts_ns <= *(int64_t *)user)
        abort();
    *(int64_t *)user = packet->pts_ns;
}

static void on_release(void *user) {
    *(int64_t *)user = INT64_MAX;
}

static const struct desk_channel_ops ops = {on_audio, on_release};

// Mostly near now, sometimes anywhere.
static int64_t take_time(struct script *script, int64_t now_ns) {
    uint64_t kind = take(script, 1);
    if (kind == 255)
        return (int64_t)take(script, 8);
    if (kind > 250)
        return now_ns + ((int64_t)take(script, 2) - 32768) * MS;
    return now_ns + ((int64_t)kind - 100) * MS / 4;
}

static void push(struct script *script, struct desk_channel *channel, int64_t now_ns) {
    int64_t pts_ns = take_time(script, now_ns);
    size_t length = (size_t)take(script, 1);
    length = length < script->size ? length : script->size;
    desk_push(channel, script->data, length, pts_ns, now_ns);
    script->data += length;
    script->size -= length;
}

static void play(struct script *script, struct desk *desk) {
    struct clip *clip = calloc(1, sizeof(*clip));
    clip->count = (size_t)take(script, 1) * 16;
    clip->samples = calloc(clip->count + 1, sizeof(float));
    for (size_t i = 0; i < clip->count; i++)
        clip->samples[i] = i % 2 ? 1 : -1;
    if (clip->count > 200 * 16) {
        clip_destroy(clip);
        clip = NULL;
    }
    desk_play(desk, clip, (double)take(script, 1) / 64 - 1);
}

static void command(struct script *script, struct desk *desk, struct desk_channel *channel,
                    int64_t *now_ns) {
    struct desk_speaking speaking;
    struct desk_channel_stats stats;
    switch (take(script, 1) % 12) {
    case 0:
    case 1: push(script, channel, *now_ns); break;
    case 2: desk_push_lost(channel, take_time(script, *now_ns), take_time(script, 0)); break;
    case 3: desk_set_muted(channel, take(script, 1) & 1); break;
    case 4: desk_set_listening(channel, take(script, 1) & 3); break;
    case 5: desk_set_min_delay_ns(channel, take_time(script, 0)); break;
    case 6: desk_set_thrifty(channel, take(script, 1) & 1); break;
    case 7: desk_set_loss_percent(channel, (int)(int8_t)take(script, 1)); break;
    case 8: desk_set_volume(channel, (double)take(script, 1) / 64 - 1); break;
    case 9: play(script, desk); break;
    default:
        *now_ns += (int64_t)(take(script, 1) % 8) * 5 * MS + 1;
        desk_tick(desk, *now_ns);
        desk_take_speaking(desk, &speaking);
        desk_get_channel_stats(channel, &stats);
        desk_delay_ns(channel);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct desk_config config = {
        .kbps = 32, .loudest = 2, .playout_min_ns = 20 * MS, .playout_max_ns = 120 * MS};
    struct desk_channel *channels[CHANNELS];
    int64_t last_ns[CHANNELS] = {0}, now_ns = 1000 * MS;
    struct script script = {data, size};
    struct desk *desk = desk_create(&config);
    for (int i = 0; i < CHANNELS; i++) {
        channels[i] = desk_add(desk, "fuzzed", &ops, &last_ns[i]);
        desk_set_listening(channels[i], true);
    }
    for (int n = 0; n < COMMANDS_MAX && script.size > 0; n++)
        command(&script, desk, channels[take(&script, 1) % CHANNELS], &now_ns);
    for (int i = 0; i < CHANNELS; i++)
        desk_remove(desk, channels[i]);
    for (int i = 0; i < CHANNELS; i++)
        if (last_ns[i] != INT64_MAX)
            abort();
    desk_destroy(desk);
    return 0;
}

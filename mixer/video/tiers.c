// SPDX-License-Identifier: MIT
#include "mixer/video/tiers.h"

#include "mixer/video/halve.h"

#include <string.h>

enum { QUANTISER_MAX_OF_COPIES = 63 };

// Of a tier that no bitrate was set for, as a share of the canvas'.
static const int DEFAULT_DIVISORS[STAGE_TIERS] = {1, 3, 10};

static int choose_kbps(const struct stage_config *config, int tier) {
    int kbps = config->tier_kbps[tier];
    return kbps > 0 ? kbps : config->tier_kbps[0] / DEFAULT_DIVISORS[tier];
}

static int init_one(struct tiers *tiers, const struct stage_config *config, int index) {
    int width = config->width_px >> index, height = config->height_px >> index;
    struct encoder_config encoder = {
        .width_px = width,
        .height_px = height,
        .fps = config->fps,
        .kbps = tiers->max_kbps[index] = choose_kbps(config, index),
        .cpu_used = -8,
        // A second thread costs more than it saves until one alone gets late.
        .threads = width * height > 1280 * 720 ? 2 : 1,
        .has_layers = true,
        .layer_percent = {config->layer_percent[0], config->layer_percent[1]},
        .quantiser_max = index > 0 ? QUANTISER_MAX_OF_COPIES : 0,
    };
    return tier_init(&tiers->tiers[index], &encoder);
}

static int init_copies(struct tiers *tiers, const struct stage_config *config,
                       const struct canvas *canvas) {
    static const struct yuv BLACK = {16, 128, 128};
    int error = 0;
    tiers->pictures[0] = canvas;
    for (int i = 1; i < STAGE_TIERS && !error; i++) {
        tiers->pictures[i] = &tiers->copies[i];
        error =
            canvas_init(&tiers->copies[i], config->width_px >> i, config->height_px >> i, BLACK);
    }
    return error;
}

int tiers_init(struct tiers *tiers, const struct stage_config *config,
               const struct canvas *canvas) {
    memset(tiers, 0, sizeof(*tiers));
    int error = init_copies(tiers, config, canvas);
    for (int i = 0; i < STAGE_TIERS && !error; i++)
        error = init_one(tiers, config, i);
    if (error)
        tiers_finish(tiers);
    return error;
}

void tiers_adopt(struct tiers *tiers, struct tiers *fresh) {
    tiers_finish(tiers);
    memcpy(tiers->tiers, fresh->tiers, sizeof(fresh->tiers));
    memcpy(tiers->copies, fresh->copies, sizeof(fresh->copies));
    memcpy(tiers->max_kbps, fresh->max_kbps, sizeof(fresh->max_kbps));
    memset(tiers->is_current, 0, sizeof(tiers->is_current));
}

void tiers_finish(struct tiers *tiers) {
    for (int i = 0; i < STAGE_TIERS; i++) {
        tier_finish(&tiers->tiers[i]);
        canvas_finish(&tiers->copies[i]);
    }
}

static void rest_one(struct tiers *tiers, int index) {
    tier_rest(&tiers->tiers[index]);
    atomic_store(&tiers->kbps[index], 0);
}

void tiers_rest(struct tiers *tiers) {
    for (int i = 0; i < STAGE_TIERS; i++) {
        rest_one(tiers, i);
        tiers->is_current[i] = false;
    }
}

// ---- asked from anywhere ----

void tiers_request_keyframe(struct tiers *tiers, int tier) {
    if (tier >= 0 && tier < STAGE_TIERS)
        atomic_store(&tiers->is_keyframe_wanted[tier], true);
}

void tiers_request_keyframes(struct tiers *tiers) {
    for (int i = 0; i < STAGE_TIERS; i++)
        tiers_request_keyframe(tiers, i);
}

void tiers_set_kbps(struct tiers *tiers, int tier, int kbps) {
    if (tier >= 0 && tier < STAGE_TIERS)
        atomic_store(&tiers->wanted_kbps[tier], kbps);
}

void tiers_get_stats(struct tiers *tiers, struct stage_stats *out) {
    out->frames_unchanged = atomic_load(&tiers->frames_unchanged);
    for (int i = 0; i < STAGE_TIERS; i++) {
        out->tiers[i].frames = atomic_load(&tiers->frames[i]);
        out->tiers[i].keyframes = atomic_load(&tiers->keyframes[i]);
        out->tiers[i].bytes = atomic_load(&tiers->bytes[i]);
        out->tiers[i].kbps = atomic_load(&tiers->kbps[i]);
        out->frames_encoded += out->tiers[i].frames;
        out->keyframes += out->tiers[i].keyframes;
    }
}

// ---- the tick ----

// A copy that nobody needed for a while is made anew.
static void update_copy(struct tiers *tiers, int index) {
    if (tiers->is_current[index])
        halve_changed(tiers->pictures[index - 1], &tiers->copies[index]);
    else
        halve_all(tiers->pictures[index - 1], &tiers->copies[index]);
}

void tiers_mark(struct tiers *tiers, unsigned watched, int64_t source_ns) {
    for (int i = 0; i < STAGE_TIERS; i++) {
        bool is_needed = watched >> i;
        if (i > 0 && is_needed)
            update_copy(tiers, i);
        tiers->is_current[i] = is_needed;
        if (watched >> i & 1)
            tier_mark(&tiers->tiers[i], tiers->pictures[i], source_ns);
    }
    for (int i = 1; i < STAGE_TIERS; i++)
        canvas_clean(&tiers->copies[i]);
}

static int choose_target(struct tiers *tiers, int index) {
    int wanted = atomic_load(&tiers->wanted_kbps[index]), max = tiers->max_kbps[index];
    return wanted > 0 && wanted < max ? wanted : max;
}

static int encode_one(struct tiers *tiers, int index, int64_t now_ns, struct packet **out) {
    struct tier *tier = &tiers->tiers[index];
    if (atomic_exchange(&tiers->is_keyframe_wanted[index], false))
        tier_request_keyframe(tier);
    int kbps = choose_target(tiers, index);
    int error = tier_set_kbps(tier, kbps);
    if (!error)
        error = tier_encode(tier, tiers->pictures[index], now_ns, out);
    if (error)
        return error;
    atomic_store(&tiers->kbps[index], kbps);
    if (!*out) {
        atomic_fetch_add(&tiers->frames_unchanged, 1);
        return 0;
    }
    (*out)->tier = (uint8_t)index;
    atomic_fetch_add(&tiers->frames[index], 1);
    atomic_fetch_add(&tiers->keyframes[index], (*out)->is_keyframe);
    atomic_fetch_add(&tiers->bytes[index], (*out)->size_bytes);
    return 0;
}

int tiers_encode(struct tiers *tiers, unsigned watched, int64_t now_ns,
                 struct packet *out[STAGE_TIERS]) {
    int result = 0;
    for (int i = 0; i < STAGE_TIERS; i++) {
        int error = 0;
        if (watched >> i & 1)
            error = encode_one(tiers, i, now_ns, &out[i]);
        else
            rest_one(tiers, i);
        result = error ? error : result;
    }
    return result;
}

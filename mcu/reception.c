// SPDX-License-Identifier: MIT
#include "mcu/reception.h"

#define SECOND_NS INT64_C(1000000000)
// A client that answers no packet within this time never will: then nothing is known of its link.
#define ANSWERS_NS (2 * SECOND_NS)
#define TELL_NS    (2 * SECOND_NS)
#define SETTLED_NS (8 * SECOND_NS) // until then a small picture is no fault of the link

enum { STATISTICS_EVERY_NS = 500000000, KBPS_GOOD_MIN = 200, RTT_FAIR_MS = 400 };
#define LOSS_FAIR 0.04
#define LOSS_POOR 0.12

void reception_init(struct reception *reception, const struct downlink_config *config) {
    *reception = (struct reception){.quality = "good"};
    downlink_init(&reception->downlink, config);
}

// A tier's target is for all of its layers; who takes the lower ones alone takes a part of it.
static int tier_kbps(const struct downlink *downlink) {
    int layers = downlink->choice.layers;
    bool has_all = layers <= 0 || layers >= STAGE_LAYERS;
    return downlink->choice.video_kbps * 100 /
           (has_all ? 100 : downlink->config.layer_percent[layers - 1]);
}

static bool is_same(const struct mixer_reception *one, const struct mixer_reception *other) {
    return one->video == other->video && one->audio == other->audio && one->tier == other->tier &&
           one->layers == other->layers && one->video_kbps == other->video_kbps &&
           one->is_thrifty == other->is_thrifty &&
           one->audio_loss_percent == other->audio_loss_percent;
}

static void tell_mixer(struct reception *reception, struct mixer_member *mix) {
    const struct downlink_choice *choice = &reception->downlink.choice;
    struct mixer_reception *told = &reception->told;
    struct mixer_reception wanted = *told;
    wanted.video = reception->has_video && choice->has_video;
    wanted.tier = choice->tier;
    wanted.layers = choice->has_video ? choice->layers : 1;
    wanted.video_kbps = tier_kbps(&reception->downlink);
    wanted.is_thrifty = choice->is_thrifty;
    wanted.audio_loss_percent = (int)(100 * reception->peer.loss_fraction + 0.5);
    if (is_same(&wanted, told))
        return;
    *told = wanted;
    mixer_set_reception(mix, told);
}

// A receiver report is of one stream; feedback is of all packets, and newer.
static double loss_of(const struct reception *reception) {
    return reception->has_feedback ? reception->view.loss : reception->peer.loss_fraction;
}

static const char *judge(const struct reception *reception) {
    const struct downlink_choice *choice = &reception->downlink.choice;
    bool is_by_link = choice->reason == DOWNLINK_BY_LINK || choice->reason == DOWNLINK_BY_LOSS;
    double loss = loss_of(reception);
    if (reception->has_video && !choice->has_video && is_by_link)
        return "poor";
    if (loss > LOSS_POOR || (is_by_link && choice->is_thrifty))
        return "poor";
    if (loss > LOSS_FAIR || reception->peer.rtt_ns > RTT_FAIR_MS * INT64_C(1000000) ||
        (is_by_link && choice->tier > 0 && reception->is_settled))
        return "fair";
    return "good";
}

static void count(struct reception *reception, struct link *link, struct mixer_member *mix,
                  int64_t now_ns) {
    uint64_t bytes = reception->peer.bytes_received;
    uint64_t packets = reception->sound.packets, lost = reception->sound.lost;
    peer_get_stats(link_peer(link), &reception->peer);
    mixer_get_member_audio_stats(mix, &reception->sound);
    bytes = reception->peer.bytes_received - bytes;
    packets = reception->sound.packets - packets;
    lost = reception->sound.lost - lost;
    reception->up_kbps = (int)((double)bytes * 8e6 / (double)(now_ns - reception->counted_ns));
    reception->up_loss = lost ? (double)lost / (double)(packets + lost) : 0;
    reception->counted_ns = now_ns;
}

static void learn(struct reception *reception, struct link *link, struct mixer_member *mix,
                  int64_t now_ns) {
    int64_t wanted_bps = reception->has_video ? downlink_next_bps(&reception->downlink) : 0;
    reception->has_feedback =
        link_estimate(link, reception->peer.rtt_ns, wanted_bps, now_ns, &reception->view);
    if (now_ns - reception->counted_ns < STATISTICS_EVERY_NS)
        return;
    count(reception, link, mix, now_ns);
}

static struct downlink_link what_is_known(const struct reception *reception, int64_t now_ns) {
    bool is_known = reception->has_feedback || now_ns - reception->begun_ns < ANSWERS_NS;
    return (struct downlink_link){
        .estimate_bps = is_known ? reception->view.estimate_bps : 0,
        .loss = loss_of(reception),
    };
}

bool reception_update(struct reception *reception, struct link *link, struct mixer_member *mix,
                      int64_t now_ns) {
    learn(reception, link, mix, now_ns);
    struct downlink_link known = what_is_known(reception, now_ns);
    bool has_changed = downlink_update(&reception->downlink, &known, now_ns);
    reception->is_settled |= now_ns - reception->begun_ns > SETTLED_NS;
    tell_mixer(reception, mix);
    peer_set_pace(link_peer(link), (int)(known.estimate_bps / 1000));
    const char *quality = judge(reception);
    has_changed |= quality != reception->quality;
    reception->quality = quality;
    return has_changed;
}

void reception_begin(struct reception *reception, struct link *link, struct mixer_member *mix,
                     const struct peer_media *media, int64_t now_ns) {
    struct downlink_config config = reception->downlink.config;
    enum downlink_wish wish = reception->downlink.wish, ceiling = reception->downlink.ceiling;
    reception_init(reception, &config);
    downlink_set_wish(&reception->downlink, wish);
    downlink_set_ceiling(&reception->downlink, ceiling);
    reception->begun_ns = reception->counted_ns = now_ns;
    reception->has_video = media->receives_video;
    reception->told.audio = media->receives_audio;
    reception_update(reception, link, mix, now_ns);
}

bool reception_take_due(struct reception *reception, bool is_due, int64_t now_ns) {
    if (!is_due && now_ns - reception->told_ns < TELL_NS)
        return false;
    reception->told_ns = now_ns;
    return true;
}

void reception_describe(const struct reception *reception, int width_px, int height_px, int fps,
                        struct protocol_stats_view *out) {
    const struct downlink_choice *choice = &reception->downlink.choice;
    bool has_video = reception->told.video;
    *out = (struct protocol_stats_view){
        .down = {.estimate_kbps =
                     reception->has_feedback ? (int)(reception->view.estimate_bps / 1000) : 0,
                 .tier = choice->tier,
                 .layers = has_video ? choice->layers : 0,
                 .has_video = has_video,
                 .is_thrifty = choice->is_thrifty,
                 .width_px = has_video ? width_px >> choice->tier : 0,
                 .height_px = has_video ? height_px >> choice->tier : 0,
                 .fps = has_video ? fps >> (STAGE_LAYERS - choice->layers) : 0,
                 .kbps = (int)(reception->view.received_bps / 1000),
                 .loss = loss_of(reception),
                 .rtt_ms = (int)(reception->peer.rtt_ns / 1000000),
                 .queue_ms = (int)(reception->view.queue_ns / 1000000),
                 .reason = downlink_reason_name(choice->reason),
                 .receive = downlink_wish_name(reception->downlink.wish)},
        .up = {.loss = reception->up_loss,
               .jitter_ms = (double)reception->sound.jitter_ns / 1e6,
               .playout_ms = (int)(reception->sound.playout_ns / 1000000),
               .kbps = reception->up_kbps},
        .quality = reception->has_video && !has_video ? "audio-only" : reception->quality,
    };
}

// SPDX-License-Identifier: MIT
// What one member receives over its present link, decided anew several times a second: joins the
// link's estimate (bandwidth.h) with what the member asked for (downlink.h), tells the mixer which
// tier, layers and sound it gets and the peer how fast it may send, and can say why. Control loop.
#ifndef MCU_RECEPTION_H
#define MCU_RECEPTION_H

#include "mcu/bandwidth.h"
#include "mcu/downlink.h"
#include "mcu/link.h"
#include "mcu/protocol.h"

struct reception {
    struct downlink downlink;
    // What was told to the mixer last, and what was known then.
    struct mixer_reception told;
    struct bandwidth_view view;
    struct peer_stats peer;
    struct desk_channel_stats sound;
    const char *quality;
    bool has_video, has_feedback; // the client takes video; it has answered
    bool is_settled;              // time enough to have found out what the link takes
    int64_t begun_ns, told_ns;    // of this link; the last time that its member was told
    int64_t counted_ns;           // peer and sound; of the time between the last two:
    int up_kbps;
    double up_loss;
};

void reception_init(struct reception *reception, const struct downlink_config *config);
// A link came up. media: what the client wants of us.
void reception_begin(struct reception *reception, struct link *link, struct mixer_member *mix,
                     const struct peer_media *media, int64_t now_ns);
// True if something changed that people are told: the member itself, or (its quality) all.
bool reception_update(struct reception *reception, struct link *link, struct mixer_member *mix,
                      int64_t now_ns);
// Whether the member shall be told now: something changed (is_due), or it was long ago.
bool reception_take_due(struct reception *reception, bool is_due, int64_t now_ns);
// As the member is told. width_px, height_px, fps: of the whole canvas.
void reception_describe(const struct reception *reception, int width_px, int height_px, int fps,
                        struct protocol_stats_view *out);

#endif

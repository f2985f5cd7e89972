// SPDX-License-Identifier: MIT
// GStreamer, made ready before the first client comes: what it needs is there, loaded, and warm.
#include "mcu/peer_internal.h"

#include "mcu/log.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

enum { WARM_UP_MAX_MS = 10000 };

static const struct {
    const char *element, *package;
} needed[] = {
    {"webrtcbin", "gstreamer1.0-plugins-bad"},
    {"dtlsdec", "gstreamer1.0-plugins-bad"},
    {"srtpdec", "gstreamer1.0-plugins-bad"},
    {"sctpdec", "gstreamer1.0-plugins-bad"},
    {"nicesrc", "gstreamer1.0-nice"},
    {"rtpbin", "gstreamer1.0-plugins-good"},
    {"rtpvp8pay", "gstreamer1.0-plugins-good"},
    {"rtpvp8depay", "gstreamer1.0-plugins-good"},
    {"rtpvp9depay", "gstreamer1.0-plugins-good"},
    {"rtph264depay", "gstreamer1.0-plugins-good"},
    {"rtpopuspay", "gstreamer1.0-plugins-good"},
    {"rtpopusdepay", "gstreamer1.0-plugins-good"},
    {"capsfilter", "libgstreamer1.0-0"},
    {"appsrc", "gstreamer1.0-plugins-base"},
    {"clocksync", "libgstreamer1.0-0"},
};

static int check_elements(void) {
    int outcome = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(needed); i++) {
        GstElementFactory *factory = gst_element_factory_find(needed[i].element);
        if (factory) {
            gst_object_unref(factory);
            continue;
        }
        log_error(NULL, "GStreamer's %s is missing: install the package %s", needed[i].element,
                  needed[i].package);
        outcome = -ENOENT;
    }
    return outcome;
}

// GLib's own complaints (libnice about a candidate, say) are for the developer, not for stderr.
static void on_glib_log(const char *domain, GLogLevelFlags level, const char *message, void *user) {
    if (level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL))
        log_warn(domain, "%s", message);
    else
        log_debug(domain, "%s", message);
}

// ---- one peer in vain ----

static const char warm_up_offer[] =
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=sendrecv\r\n"
    "a=ice-ufrag:warm\r\na=ice-pwd:warmwarmwarmwarmwarmwarm\r\na=setup:actpass\r\n"
    "a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:"
    "88:99:AA:BB:CC:DD:EE:FF\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n"
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=sendrecv\r\n"
    "a=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtpmap:97 rtx/90000\r\n"
    "a=fmtp:97 apt=96\r\n"
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:2\r\n"
    "a=sctp-port:5000\r\n";

struct warm_up {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_over, is_answered; // protected by lock
};

static void warm_up_end(struct warm_up *warm_up, bool is_answered) {
    pthread_mutex_lock(&warm_up->lock);
    warm_up->is_over = true;
    warm_up->is_answered = is_answered;
    pthread_cond_broadcast(&warm_up->changed);
    pthread_mutex_unlock(&warm_up->lock);
}

static void on_warm_answer(void *user, const char *sdp, const struct peer_media *media) {
    warm_up_end(user, true);
}

static void on_warm_failed(void *user, const struct refusal *refusal, const char *reason) {
    log_error(NULL, "GStreamer does not answer an offer: %s", reason);
    warm_up_end(user, false);
}

static void on_warm_candidate(void *user, const char *candidate, const char *mid, int line) {}

static void on_warm_release(void *user) {}

static const struct peer_ops warm_up_ops = {
    .on_answer = on_warm_answer,
    .on_candidate = on_warm_candidate,
    .on_failed = on_warm_failed,
    .release = on_warm_release,
};

static int warm_up(void) {
    static char loopback[] = "127.0.0.1";
    static struct config config = {.sdp_bytes_max = 65536, .ice_interfaces = loopback};
    static struct warm_up state = {.lock = PTHREAD_MUTEX_INITIALIZER,
                                   .changed = PTHREAD_COND_INITIALIZER};
    struct peer *peer = peer_create(&config, "warm-up", &warm_up_ops, &state);
    if (!peer)
        return -ENOMEM;
    peer_offer(peer, warm_up_offer);
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WARM_UP_MAX_MS / 1000;
    pthread_mutex_lock(&state.lock);
    while (!state.is_over)
        if (pthread_cond_timedwait(&state.changed, &state.lock, &until) == ETIMEDOUT)
            break;
    bool is_answered = state.is_answered;
    pthread_mutex_unlock(&state.lock);
    peer_close(peer);
    return peer_drain(WARM_UP_MAX_MS) == 0 && is_answered ? 0 : -EIO;
}

int peer_init(void) {
    // At exit OpenSSL would free what threads of GStreamer's pools, just ending too, free as well.
    OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
    // Its warnings are mostly about clients; whoever wants them sets GST_DEBUG.
    if (!getenv("GST_DEBUG"))
        gst_debug_set_default_threshold(GST_LEVEL_NONE);
    GError *error = NULL;
    if (!gst_init_check(NULL, NULL, &error)) {
        log_error(NULL, "GStreamer does not start: %s", error ? error->message : "?");
        g_clear_error(&error);
        return -EIO;
    }
    g_log_set_default_handler(on_glib_log, NULL);
    int outcome = check_elements();
    return outcome < 0 ? outcome : warm_up();
}

// SPDX-License-Identifier: MIT
// A peer's life: made, given an offer, connected, closed. Owns the worker thread and its queue of
// jobs; all callbacks but media and the data channel's come from that thread, in order.
#include "mcu/peer_internal.h"

#include "mcu/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t peer_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

// ---- references ----

struct peer *peer_ref(struct peer *peer) {
    atomic_fetch_add_explicit(&peer->references, 1, memory_order_relaxed);
    return peer;
}

static void peer_free(struct peer *peer) {
    while (peer->first_job) {
        struct peer_job *job = peer->first_job;
        peer->first_job = job->next;
        free(job);
    }
    sdp_offer_finish(&peer->offer);
    pthread_mutex_destroy(&peer->pace.lock);
    pthread_cond_destroy(&peer->changed);
    pthread_mutex_destroy(&peer->lock);
    free(peer);
}

void peer_unref(struct peer *peer) {
    if (atomic_fetch_sub_explicit(&peer->references, 1, memory_order_acq_rel) == 1)
        peer_free(peer);
}

static void on_closure_gone(gpointer user, GClosure *closure) {
    peer_unref(user);
}

void peer_connect(struct peer *peer, gpointer object, const char *signal, GCallback handler) {
    g_signal_connect_data(object, signal, handler, peer_ref(peer), on_closure_gone, 0);
}

gulong peer_probe(struct peer *peer, GstPad *pad, GstPadProbeType type, GstPadProbeCallback probe) {
    return gst_pad_add_probe(pad, type, probe, peer_ref(peer), (GDestroyNotify)peer_unref);
}

// ---- visitors ----

bool peer_enter(struct peer *peer) {
    pthread_mutex_lock(&peer->lock);
    bool is_welcome = !peer->is_closing;
    peer->visitors += is_welcome;
    pthread_mutex_unlock(&peer->lock);
    return is_welcome;
}

void peer_leave(struct peer *peer) {
    pthread_mutex_lock(&peer->lock);
    if (--peer->visitors == 0 && peer->is_closing)
        pthread_cond_broadcast(&peer->changed);
    pthread_mutex_unlock(&peer->lock);
}

static void wait_for_visitors(struct peer *peer) {
    pthread_mutex_lock(&peer->lock);
    while (peer->visitors > 0)
        pthread_cond_wait(&peer->changed, &peer->lock);
    pthread_mutex_unlock(&peer->lock);
}

// ---- jobs ----

void peer_post(struct peer *peer, enum peer_job_kind kind, int mline_index, const char *text) {
    size_t size_bytes = text ? strlen(text) + 1 : 1;
    struct peer_job *job = malloc(sizeof(*job) + size_bytes);
    if (!job) {
        log_error(peer->object, "out of memory: a step of the connection is lost");
        return;
    }
    job->next = NULL;
    job->kind = kind;
    job->mline_index = mline_index;
    memcpy(job->text, text ? text : "", size_bytes);
    pthread_mutex_lock(&peer->lock);
    if (peer->is_closing) {
        free(job);
    } else {
        if (peer->first_job)
            peer->last_job->next = job;
        else
            peer->first_job = job;
        peer->last_job = job;
        pthread_cond_broadcast(&peer->changed);
    }
    pthread_mutex_unlock(&peer->lock);
}

// NULL once the peer is closed, whatever else is queued.
static struct peer_job *take_job(struct peer *peer) {
    struct peer_job *job = NULL;
    pthread_mutex_lock(&peer->lock);
    while (!peer->first_job && !peer->is_closing)
        pthread_cond_wait(&peer->changed, &peer->lock);
    if (!peer->is_closing) {
        job = peer->first_job;
        peer->first_job = job->next;
    }
    pthread_mutex_unlock(&peer->lock);
    return job;
}

// ---- what the worker does ----

static void fail(struct peer *peer, const struct refusal *refusal, const char *reason) {
    if (peer->has_failed || !peer_enter(peer))
        return;
    peer->has_failed = true;
    atomic_store(&peer->state, PEER_CLOSED);
    log_debug(peer->object, "connection over: %s", refusal ? refusal->message : reason);
    peer->ops.on_failed(peer->user, refusal, reason);
    peer_leave(peer);
}

static void do_offer(struct peer *peer, const char *sdp) {
    struct refusal refusal;
    if (sdp_offer_init(&peer->offer, sdp, peer->config->sdp_bytes_max, &refusal) < 0) {
        fail(peer, &refusal, "offer refused");
        return;
    }
    atomic_store(&peer->state, PEER_CONNECTING);
    char *answer = NULL, *reason = NULL;
    if (peer_pipeline_build(peer) < 0 || peer_pipeline_answer(peer, &answer, &reason) < 0) {
        log_warn(peer->object, "offer not answered: %s", reason ? reason : "no pipeline");
        refusal_set(&refusal, 422, "offer-refused", "The offer could not be answered.");
        fail(peer, &refusal, "offer refused");
        g_free(reason);
        return;
    }
    if (peer_enter(peer)) {
        peer->ops.on_answer(peer->user, answer, &peer->offer.media);
        peer_leave(peer);
    }
    g_free(answer);
}

static void do_our_candidate(struct peer *peer, const char *text) {
    char *candidate = sdp_candidate_rewrite(text, peer->config->public_address);
    if (candidate && peer_enter(peer)) {
        int line = peer->offer.tag_line;
        peer->ops.on_candidate(peer->user, candidate, peer->offer.lines[line].mid, line);
        peer_leave(peer);
    }
    g_free(candidate);
}

static void do_connected(struct peer *peer) {
    if (peer->has_failed || atomic_load(&peer->state) == PEER_CONNECTED)
        return;
    if (!peer_pipeline_check_client(peer)) {
        fail(peer, NULL, "the certificate is not the one of the offer");
        return;
    }
    atomic_store(&peer->state, PEER_CONNECTED);
    if (peer_enter(peer)) {
        peer->ops.on_connected(peer->user);
        peer_leave(peer);
    }
    peer_channel_tell(peer);
}

static void do_job(struct peer *peer, const struct peer_job *job) {
    switch (job->kind) {
    case JOB_OFFER: do_offer(peer, job->text); break;
    case JOB_CLIENT_CANDIDATE: peer_pipeline_add_candidate(peer, job->text); break;
    case JOB_OUR_CANDIDATE: do_our_candidate(peer, job->text); break;
    case JOB_CONNECTED: do_connected(peer); break;
    case JOB_FAILED: fail(peer, NULL, job->text); break;
    }
}

// The last act runs here too: set_state(NULL) must not run on the control loop nor on GStreamer's
// threads, and if it ever hangs, it hangs for this peer alone.
static void *worker_run(void *user) {
    struct peer *peer = user;
    struct peer_job *job;
    while ((job = take_job(peer))) {
        do_job(peer, job);
        free(job);
    }
    wait_for_visitors(peer);
    peer_pipeline_destroy(peer);
    peer->ops.release(peer->user);
    peer_unref(peer);
    peer_reaper_died();
    return NULL;
}

// ---- the contract ----

static int start_worker(struct peer *peer) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_t thread;
    int error = pthread_create(&thread, &attributes, worker_run, peer);
    pthread_attr_destroy(&attributes);
    if (error == 0)
        pthread_setname_np(thread, "peer");
    return -error;
}

struct peer *peer_create(const struct config *config, const char *object,
                         const struct peer_ops *ops, void *user) {
    struct peer *peer = calloc(1, sizeof(*peer));
    if (!peer)
        return NULL;
    peer->config = config;
    snprintf(peer->object, sizeof(peer->object), "%s", object);
    peer->ops = *ops;
    peer->user = user;
    peer->association_id = -1;
    atomic_init(&peer->references, 1);
    atomic_init(&peer->heard_ns, peer_now_ns());
    pthread_mutex_init(&peer->lock, NULL);
    pthread_cond_init(&peer->changed, NULL);
    peer_pace_init(peer);
    peer_probe_init(peer);
    peer_reaper_born();
    int error = start_worker(peer);
    if (error < 0) {
        log_error(object, "no thread for the connection: %s", strerror(-error));
        peer_reaper_died();
        peer_unref(peer);
        return NULL;
    }
    return peer;
}

void peer_offer(struct peer *peer, const char *sdp) {
    pthread_mutex_lock(&peer->lock);
    bool is_first = !peer->has_offer;
    peer->has_offer = true;
    pthread_mutex_unlock(&peer->lock);
    if (is_first)
        peer_post(peer, JOB_OFFER, 0, sdp);
    else
        log_debug(peer->object, "a second offer is ignored");
}

void peer_add_candidate(struct peer *peer, const char *candidate, int mline_index) {
    if (!*candidate)
        return; // "no more of them"
    pthread_mutex_lock(&peer->lock);
    bool is_one_too_many = peer->candidate_count >= PEER_CANDIDATES_MAX;
    peer->candidate_count += !is_one_too_many;
    pthread_mutex_unlock(&peer->lock);
    // The m-line does not matter: there is one transport.
    if (!is_one_too_many && sdp_candidate_is_usable(candidate))
        peer_post(peer, JOB_CLIENT_CANDIDATE, mline_index, candidate);
    else
        log_debug(peer->object, "candidate ignored: %.80s", candidate);
}

void peer_close(struct peer *peer) {
    pthread_mutex_lock(&peer->lock);
    peer->is_closing = true;
    pthread_cond_broadcast(&peer->changed);
    pthread_mutex_unlock(&peer->lock);
}

int64_t peer_last_heard_ns(struct peer *peer) {
    return atomic_load_explicit(&peer->heard_ns, memory_order_relaxed);
}

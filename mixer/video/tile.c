// SPDX-License-Identifier: MIT
// Owns one libavfilter graph, valid for one `struct job`: what comes in and what is wanted of it.
//
//   buffer -> crop -> scale, format -> transpose -> pad -> buffersink
//
// The turning comes after the scaling, for it is then done on the smaller picture. Links that would
// change nothing are left out, and with none left the picture passes by reference.
#include "mixer/video/tile.h"

#include <errno.h>
#include <libavfilter/avfilter.h>
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct job {
    int format, width_px, height_px; // as it arrives
    bool is_full_range;
    int rotation;
    enum tile_fit fit;
    int place_width_px, place_height_px;
};

// All before the turning, but for pad.
struct plan {
    int crop_width_px, crop_height_px;
    int scaled_width_px, scaled_height_px;
    int shown_width_px, shown_height_px; // after the turning
};

struct tile {
    AVFilterGraph *graph; // NULL until it is needed
    AVFilterContext *source, *sink;
    struct job job;
    bool passes; // job changes nothing
    bool has_job;
};

struct tile *tile_create(void) {
    return calloc(1, sizeof(struct tile));
}

void tile_destroy(struct tile *tile) {
    if (!tile)
        return;
    avfilter_graph_free(&tile->graph);
    free(tile);
}

// The formats that carry the full range in their name; swscale complains of them, aloud.
static enum AVPixelFormat plain_format(enum AVPixelFormat format) {
    switch (format) {
    case AV_PIX_FMT_YUVJ420P: return AV_PIX_FMT_YUV420P;
    case AV_PIX_FMT_YUVJ422P: return AV_PIX_FMT_YUV422P;
    case AV_PIX_FMT_YUVJ444P: return AV_PIX_FMT_YUV444P;
    case AV_PIX_FMT_YUVJ440P: return AV_PIX_FMT_YUV440P;
    default: return format;
    }
}

static bool is_full_range(const AVFrame *picture) {
    return picture->color_range == AVCOL_RANGE_JPEG ||
           plain_format(picture->format) != picture->format;
}

static bool is_same_job(const struct job *a, const struct job *b) {
    return a->format == b->format && a->width_px == b->width_px && a->height_px == b->height_px &&
           a->is_full_range == b->is_full_range && a->rotation == b->rotation && a->fit == b->fit &&
           a->place_width_px == b->place_width_px && a->place_height_px == b->place_height_px;
}

static bool is_sideways(const struct job *job) {
    return job->rotation == 90 || job->rotation == 270;
}

static void swap_int(int *a, int *b) {
    int kept = *a;
    *a = *b;
    *b = kept;
}

// Rounded to even numbers, which chroma wants; at least 2 and at most limit.
static int round_even(double value, int limit) {
    int even = (int)(value / 2 + 0.5) * 2;
    return even < 2 ? 2 : even > limit ? limit : even;
}

// Cuts what stands over the place's shape, to two thirds of the picture at most.
static void plan_crop(const struct job *job, int *width_px, int *height_px) {
    enum { KEEP_NUM = 2, KEEP_DEN = 3 };
    if (job->fit != TILE_COVER)
        return;
    int width = *width_px, height = *height_px;
    double place = (double)job->place_width_px / job->place_height_px;
    double wanted_width = height * place, wanted_height = width / place;
    double least_width = (double)width * KEEP_NUM / KEEP_DEN;
    double least_height = (double)height * KEEP_NUM / KEEP_DEN;
    if (wanted_width < width)
        *width_px = round_even(wanted_width < least_width ? least_width : wanted_width, width);
    else if (wanted_height < height)
        *height_px =
            round_even(wanted_height < least_height ? least_height : wanted_height, height);
}

static struct plan make_plan(const struct job *job) {
    // Reckoned as it is seen, upright ...
    int width = job->width_px, height = job->height_px;
    if (is_sideways(job))
        swap_int(&width, &height);
    struct plan plan = {.crop_width_px = width, .crop_height_px = height};
    plan_crop(job, &plan.crop_width_px, &plan.crop_height_px);
    double by_width = (double)job->place_width_px / plan.crop_width_px;
    double by_height = (double)job->place_height_px / plan.crop_height_px;
    double factor = by_width < by_height ? by_width : by_height;
    plan.shown_width_px = round_even(plan.crop_width_px * factor, job->place_width_px);
    plan.shown_height_px = round_even(plan.crop_height_px * factor, job->place_height_px);
    // A bar thinner than a few pixels is only a flaw.
    if (job->place_width_px - plan.shown_width_px <= job->place_width_px / 50)
        plan.shown_width_px = job->place_width_px;
    if (job->place_height_px - plan.shown_height_px <= job->place_height_px / 50)
        plan.shown_height_px = job->place_height_px;
    plan.scaled_width_px = plan.shown_width_px;
    plan.scaled_height_px = plan.shown_height_px;
    // ... and done as it lies.
    if (is_sideways(job)) {
        swap_int(&plan.crop_width_px, &plan.crop_height_px);
        swap_int(&plan.scaled_width_px, &plan.scaled_height_px);
    }
    return plan;
}

static bool changes_nothing(const struct job *job) {
    return job->format == AV_PIX_FMT_YUV420P && !job->is_full_range && job->rotation == 0 &&
           job->width_px == job->place_width_px && job->height_px == job->place_height_px;
}

struct text {
    char data[512];
    size_t length;
};

static void __attribute__((format(printf, 2, 3)))
append(struct text *text, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int written =
        vsnprintf(text->data + text->length, sizeof(text->data) - text->length, format, arguments);
    va_end(arguments);
    text->length += written > 0 ? (size_t)written : 0;
}

static const char *turning_of(int rotation) {
    switch (rotation) {
    case 90: return ",transpose=clock";
    case 180: return ",hflip,vflip";
    case 270: return ",transpose=cclock";
    default: return "";
    }
}

// Measured on 640x360 and 1280x720: of those that look alike, the cheapest.
static const char *scaler_of(const struct plan *plan) {
    if (plan->scaled_width_px >= plan->crop_width_px &&
        plan->scaled_height_px >= plan->crop_height_px)
        return "fast_bilinear";
    return plan->scaled_width_px * 2 <= plan->crop_width_px ? "area" : "bilinear";
}

static void describe(const struct job *job, struct text *text) {
    struct plan plan = make_plan(job);
    append(text, "buffer@in=video_size=%dx%d:pix_fmt=%d:time_base=1/1000000000", job->width_px,
           job->height_px, job->format);
    if (plan.crop_width_px != job->width_px || plan.crop_height_px != job->height_px)
        append(text, ",crop=%d:%d", plan.crop_width_px, plan.crop_height_px);
    append(text, ",scale=%d:%d:flags=%s:in_range=%s:out_range=limited,format=yuv420p",
           plan.scaled_width_px, plan.scaled_height_px, scaler_of(&plan),
           job->is_full_range ? "full" : "limited");
    append(text, "%s", turning_of(job->rotation));
    if (plan.shown_width_px != job->place_width_px || plan.shown_height_px != job->place_height_px)
        append(text, ",pad=%d:%d:%d:%d:color=0x%06x", job->place_width_px, job->place_height_px,
               (job->place_width_px - plan.shown_width_px) / 4 * 2,
               (job->place_height_px - plan.shown_height_px) / 4 * 2, TILE_BAR_RGB);
    append(text, ",buffersink@out");
}

static int build_graph(struct tile *tile, const struct job *job) {
    struct text text = {0};
    describe(job, &text);
    avfilter_graph_free(&tile->graph);
    tile->graph = avfilter_graph_alloc();
    if (!tile->graph)
        return -ENOMEM;
    tile->graph->nb_threads = 1;
    AVFilterInOut *inputs = NULL, *outputs = NULL;
    int result = avfilter_graph_parse2(tile->graph, text.data, &inputs, &outputs);
    avfilter_inout_free(&inputs);
    avfilter_inout_free(&outputs);
    if (result >= 0)
        result = avfilter_graph_config(tile->graph, NULL);
    tile->source = avfilter_graph_get_filter(tile->graph, "buffer@in");
    tile->sink = avfilter_graph_get_filter(tile->graph, "buffersink@out");
    if (result < 0 || !tile->source || !tile->sink) {
        avfilter_graph_free(&tile->graph);
        return -EINVAL;
    }
    return 0;
}

static int choose_job(struct tile *tile, const struct job *job) {
    if (tile->has_job && is_same_job(job, &tile->job))
        return 0;
    tile->has_job = false;
    tile->passes = changes_nothing(job);
    int result = 0;
    if (tile->passes)
        avfilter_graph_free(&tile->graph);
    else
        result = build_graph(tile, job);
    tile->job = *job;
    tile->has_job = result == 0;
    return result;
}

static bool is_sane(const AVFrame *picture, const struct job *job) {
    return picture->width > 0 && picture->height > 0 && picture->data[0] &&
           av_pix_fmt_desc_get(job->format) && job->place_width_px >= 2 &&
           job->place_height_px >= 2 && job->place_width_px % 2 == 0 &&
           job->place_height_px % 2 == 0 && job->rotation % 90 == 0 && job->rotation >= 0 &&
           job->rotation < 360;
}

static int run_graph(struct tile *tile, const AVFrame *picture, AVFrame *out) {
    AVFrame *input = av_frame_clone(picture);
    if (!input)
        return -ENOMEM;
    input->format = tile->job.format;
    int result = av_buffersrc_add_frame(tile->source, input);
    av_frame_free(&input);
    if (result >= 0)
        result = av_buffersink_get_frame(tile->sink, out);
    if (result >= 0)
        return 0;
    // A graph that failed once stays at its end: begin anew with the next picture.
    avfilter_graph_free(&tile->graph);
    tile->has_job = false;
    return -EINVAL;
}

int tile_render(struct tile *tile, const AVFrame *picture, int rotation, enum tile_fit fit,
                int width_px, int height_px, AVFrame **out) {
    struct job job = {.format = plain_format(picture->format),
                      .width_px = picture->width,
                      .height_px = picture->height,
                      .is_full_range = is_full_range(picture),
                      .rotation = rotation,
                      .fit = fit,
                      .place_width_px = width_px,
                      .place_height_px = height_px};
    if (!is_sane(picture, &job))
        return -EINVAL;
    int result = choose_job(tile, &job);
    if (result)
        return result;
    AVFrame *made = av_frame_alloc();
    if (!made)
        return -ENOMEM;
    result = tile->passes ? av_frame_ref(made, picture) : run_graph(tile, picture, made);
    if (result < 0) {
        av_frame_free(&made);
        return result;
    }
    *out = made;
    return 0;
}

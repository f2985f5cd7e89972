// SPDX-License-Identifier: MIT
#include "mixer/video/decor.h"

#include "mixer/video/name.h"

#include <errno.h>
#include <string.h>

enum {
    LOGO_SHARE = 8,   // of the canvas' sides
    BANNER_SHARE = 5, // of its height
    TYPE_SHARE = 26,  // of its shorter side
    TYPE_MIN_PX = 12,
    BANNER_MIN_PX = 2 * CANVAS_BLOCK_PX,
};

static struct overlay *overlay_of(AVFrame *drawing) {
    struct overlay *overlay = NULL;
    if (drawing)
        overlay =
            overlay_create(drawing->data[0], drawing->linesize[0], drawing->width, drawing->height);
    av_frame_free(&drawing);
    return overlay;
}

// Once, on a canvas of its own: the colour shines through where the picture is clear.
static AVFrame *draw_ground(const struct picture *picture, struct yuv background, int width_px,
                            int height_px) {
    struct canvas canvas;
    struct overlay *overlay = overlay_of(picture_cover(picture, width_px, height_px));
    AVFrame *ground = NULL;
    if (overlay && canvas_init(&canvas, width_px, height_px, background) == 0) {
        canvas_blend(&canvas, overlay, 0, 0);
        ground = canvas.frame;
        canvas.frame = NULL;
        canvas_finish(&canvas);
    }
    overlay_destroy(overlay);
    return ground;
}

static int min_int(int a, int b) {
    return a < b ? a : b;
}

static int max_int(int a, int b) {
    return a > b ? a : b;
}

static struct overlay *draw_banner(const struct theme *theme, struct label_kit *kit, int width_px,
                                   int height_px) {
    const struct picture *picture = theme->pictures[STAGE_BANNER_PICTURE];
    char text[sizeof(theme->banner.text)];
    name_clean_lines(theme->has_banner ? theme->banner.text : "", text, sizeof(text));
    if (!text[0] && !picture)
        return NULL;
    struct label_banner banner = {
        .text = text,
        .type_px = max_int(min_int(width_px, height_px) / TYPE_SHARE, TYPE_MIN_PX),
        .width_px = width_px,
        .max_height_px =
            max_int(height_px / BANNER_SHARE / CANVAS_BLOCK_PX * CANVAS_BLOCK_PX, BANNER_MIN_PX),
        .colour = theme->banner.colour_rgb & 0xffffff,
        .background =
            theme->has_banner ? theme->banner.background_rgb & 0xffffff : theme->background_rgb,
    };
    int margin = banner.type_px / 2;
    AVFrame *fitting = NULL;
    if (picture) // beside text it has a third, alone all
        fitting = picture_fit(picture, text[0] ? width_px / 3 : width_px - 2 * margin,
                              banner.max_height_px - margin);
    banner.picture = fitting;
    struct overlay *overlay = label_draw_banner(kit, &banner);
    av_frame_free(&fitting);
    return overlay;
}

static void place_banner(struct decor *decor, bool is_at_top, int width_px, int height_px) {
    struct decor_piece *banner = &decor->pieces[DECOR_BANNER];
    if (!banner->overlay)
        return;
    int height = banner->overlay->height_px;
    banner->at = (struct rect){0, is_at_top ? 0 : height_px - height, width_px, height};
    decor->area.y = is_at_top ? height : 0;
    decor->area.height = height_px - height;
}

// Names stand in the lower left of a tile, hands in the upper right: so it takes the upper left.
static void place_logo(struct decor *decor, int width_px, int height_px) {
    struct decor_piece *logo = &decor->pieces[DECOR_LOGO];
    int margin = (min_int(width_px, height_px) / 36) & ~1;
    if (logo->overlay)
        logo->at = (struct rect){decor->area.x + margin, decor->area.y + margin,
                                 logo->overlay->width_px, logo->overlay->height_px};
}

// A hand in the upper right tile is covered: that recording runs matters more.
static void place_recording(struct decor *decor, int width_px, int height_px) {
    struct decor_piece *mark = &decor->pieces[DECOR_RECORDING];
    int margin = (min_int(width_px, height_px) / 36) & ~1;
    if (mark->overlay)
        mark->at = (struct rect){
            (decor->area.x + decor->area.width - margin - mark->overlay->width_px) & ~1,
            decor->area.y + margin, mark->overlay->width_px, mark->overlay->height_px};
}

int decor_init(struct decor *decor, const struct theme *theme, struct label_kit *kit, int width_px,
               int height_px) {
    const struct picture *ground = theme->pictures[STAGE_BACKGROUND];
    const struct picture *logo = theme->pictures[STAGE_LOGO];
    memset(decor, 0, sizeof(*decor));
    decor->background = overlay_colour(theme->background_rgb);
    decor->area = (struct rect){0, 0, width_px, height_px};
    decor->bezel = bezel_create(theme->background_rgb);
    if (!decor->bezel)
        return -ENOMEM;
    if (ground)
        decor->ground = draw_ground(ground, decor->background, width_px, height_px);
    if (logo)
        decor->pieces[DECOR_LOGO].overlay =
            overlay_of(picture_fit(logo, width_px / LOGO_SHARE, height_px / LOGO_SHARE));
    decor->pieces[DECOR_BANNER].overlay = draw_banner(theme, kit, width_px, height_px);
    if (theme->is_recording)
        decor->pieces[DECOR_RECORDING].overlay = label_draw_recording(
            kit, max_int(min_int(width_px, height_px) / TYPE_SHARE, TYPE_MIN_PX));
    place_banner(decor, theme->has_banner && theme->banner.is_at_top, width_px, height_px);
    place_logo(decor, width_px, height_px);
    place_recording(decor, width_px, height_px);
    return 0;
}

void decor_finish(struct decor *decor) {
    for (int i = 0; i < DECOR_LAYERS; i++)
        overlay_destroy(decor->pieces[i].overlay);
    bezel_destroy(decor->bezel);
    av_frame_free(&decor->ground);
    memset(decor, 0, sizeof(*decor));
}

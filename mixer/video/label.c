// SPDX-License-Identifier: MIT
#include "mixer/video/label.h"

#include "mixer/video/icon.h"
#include "mixer/video/name.h"

#include <math.h>
#include <pango/pangocairo.h>
#include <stdlib.h>
#include <string.h>

// The generic family lets fontconfig choose per script: Noto Sans, Noto Sans CJK, Noto Color Emoji,
// or whatever the machine has.
#define FONT_FAMILY "Noto Sans, Sans"

struct label_kit {
    PangoFontMap *fonts;
    PangoContext *context;
};

// A drawing on its way to become an overlay.
struct sheet {
    cairo_surface_t *surface;
    cairo_t *cr;
};

static struct sheet sheet_open(int width_px, int height_px) {
    struct sheet sheet;
    sheet.surface = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, width_px, height_px);
    sheet.cr = cairo_create(sheet.surface); // on failure both are cairo's inert objects
    return sheet;
}

static struct overlay *sheet_close(struct sheet *sheet) {
    struct overlay *overlay = NULL;
    bool is_drawn = cairo_status(sheet->cr) == CAIRO_STATUS_SUCCESS;
    cairo_surface_flush(sheet->surface);
    if (is_drawn && cairo_surface_status(sheet->surface) == CAIRO_STATUS_SUCCESS)
        overlay = overlay_create(cairo_image_surface_get_data(sheet->surface),
                                 cairo_image_surface_get_stride(sheet->surface),
                                 cairo_image_surface_get_width(sheet->surface),
                                 cairo_image_surface_get_height(sheet->surface));
    cairo_destroy(sheet->cr);
    cairo_surface_destroy(sheet->surface);
    return overlay;
}

static void set_colour(cairo_t *cr, unsigned rgb, double opacity) {
    cairo_set_source_rgba(cr, ((rgb >> 16) & 255) / 255.0, ((rgb >> 8) & 255) / 255.0,
                          (rgb & 255) / 255.0, opacity);
}

struct label_kit *label_kit_create(void) {
    struct label_kit *kit = calloc(1, sizeof(*kit));
    if (!kit)
        return NULL;
    // One of our own: the default font map belongs to the thread that asks for it.
    kit->fonts = pango_cairo_font_map_new();
    kit->context = pango_font_map_create_context(kit->fonts);
    cairo_font_options_t *options = cairo_font_options_create();
    // Grey, not subpixel: the picture is scaled on its way to a screen. Light hinting keeps stems
    // sharp.
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_SLIGHT);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    pango_cairo_context_set_font_options(kit->context, options);
    cairo_font_options_destroy(options);
    return kit;
}

void label_kit_destroy(struct label_kit *kit) {
    if (!kit)
        return;
    g_object_unref(kit->context);
    g_object_unref(kit->fonts);
    free(kit);
}

static PangoLayout *layout_create(struct label_kit *kit, const char *text, int type_px,
                                  PangoWeight weight) {
    PangoLayout *layout = pango_layout_new(kit->context);
    PangoFontDescription *font = pango_font_description_from_string(FONT_FAMILY);
    pango_font_description_set_weight(font, weight);
    pango_font_description_set_absolute_size(font, type_px * PANGO_SCALE);
    pango_layout_set_font_description(layout, font);
    pango_font_description_free(font);
    pango_layout_set_single_paragraph_mode(layout, TRUE);
    pango_layout_set_text(layout, text, -1);
    return layout;
}

int label_count_unknown(struct label_kit *kit, const char *text) {
    PangoLayout *layout = layout_create(kit, text, 16, PANGO_WEIGHT_MEDIUM);
    int unknown = pango_layout_get_unknown_glyphs_count(layout);
    g_object_unref(layout);
    return unknown;
}

// The type's own ascent decides where the line stands, not the text's: so captions of all scripts
// stand at the same height. Fallback fonts (CJK, emoji) are taller and would push it down.
static double baseline_of(struct label_kit *kit, PangoLayout *layout, int height_px) {
    PangoFontMetrics *metrics = pango_context_get_metrics(
        kit->context, pango_layout_get_font_description(layout), pango_language_get_default());
    double ascent = pango_font_metrics_get_ascent(metrics) / (double)PANGO_SCALE;
    double descent = pango_font_metrics_get_descent(metrics) / (double)PANGO_SCALE;
    pango_font_metrics_unref(metrics);
    return round((height_px + ascent - descent) / 2);
}

struct overlay *label_draw_caption(struct label_kit *kit, const struct label_caption *caption) {
    int type = caption->type_px;
    int height = (type * 17 / 10 + 1) & ~1, pad = type * 6 / 10, icon = type * 7 / 6;
    int icons = caption->is_muted + caption->is_screen;
    int text_x = pad + icons * (icon + pad / 2);
    int room = caption->max_width_px - text_x - pad;
    PangoLayout *layout = layout_create(kit, caption->name, type, PANGO_WEIGHT_MEDIUM);
    pango_layout_set_ellipsize(layout, PANGO_ELLIPSIZE_END);
    int text_width = 0;
    if (caption->name[0] && room > type) {
        pango_layout_get_pixel_size(layout, &text_width, NULL);
        text_width = text_width > room ? room : text_width;
        // With a width right-to-left text aligns to its right end, which is then the text's own.
        pango_layout_set_width(layout, text_width * PANGO_SCALE);
    }
    int width = text_width > 0 ? text_x + text_width + pad : text_x + pad / 2;
    struct sheet sheet = sheet_open((width + 1) & ~1, height);
    set_colour(sheet.cr, 0x0b0e12, 0.66);
    icon_round_rect(sheet.cr, 0, 0, (width + 1) & ~1, height, height * 0.28);
    cairo_fill(sheet.cr);
    double x = pad, y = (height - icon) / 2.0;
    if (caption->is_muted) {
        set_colour(sheet.cr, 0xff8a80, 1);
        icon_mic_off(sheet.cr, x, y, icon);
        x += icon + pad / 2.0;
    }
    set_colour(sheet.cr, 0xffffff, 1);
    if (caption->is_screen)
        icon_screen(sheet.cr, x, y, icon);
    if (text_width > 0) {
        double baseline = baseline_of(kit, layout, height);
        cairo_move_to(sheet.cr, text_x,
                      baseline - pango_layout_get_baseline(layout) / (double)PANGO_SCALE);
        pango_cairo_show_layout(sheet.cr, layout);
    }
    g_object_unref(layout);
    return sheet_close(&sheet);
}

// By the ink, not by the line: a single sign looks off centre otherwise.
static void draw_centred(cairo_t *cr, PangoLayout *layout, double centre_x, double centre_y,
                         double max_px) {
    PangoRectangle ink;
    pango_layout_get_pixel_extents(layout, &ink, NULL);
    if (ink.width <= 0 || ink.height <= 0)
        return;
    double longest = ink.width > ink.height ? ink.width : ink.height;
    double scale = longest > max_px ? max_px / longest : 1;
    cairo_save(cr);
    cairo_translate(cr, centre_x, centre_y);
    cairo_scale(cr, scale, scale);
    cairo_move_to(cr, -ink.x - ink.width / 2.0, -ink.y - ink.height / 2.0);
    pango_cairo_show_layout(cr, layout);
    cairo_restore(cr);
}

struct overlay *label_draw_avatar(struct label_kit *kit, const char *name, unsigned colour,
                                  int size_px, bool is_awaited) {
    char initials[NAME_INITIALS_SIZE_BYTES];
    name_initials(name, initials);
    struct sheet sheet = sheet_open(size_px, size_px);
    double centre = size_px / 2.0, line = size_px / 32.0 > 2 ? size_px / 32.0 : 2;
    cairo_arc(sheet.cr, centre, centre, centre - line / 2 - 1, 0, 2 * M_PI);
    set_colour(sheet.cr, colour, is_awaited ? 0.30 : 1);
    cairo_fill_preserve(sheet.cr);
    if (is_awaited) {
        double dash[] = {0, line * 2.4};
        set_colour(sheet.cr, colour, 1);
        cairo_set_line_width(sheet.cr, line);
        cairo_set_line_cap(sheet.cr, CAIRO_LINE_CAP_ROUND);
        cairo_set_dash(sheet.cr, dash, 2, 0);
        cairo_stroke(sheet.cr);
    }
    cairo_new_path(sheet.cr);
    PangoLayout *layout =
        layout_create(kit, initials[0] ? initials : "?", size_px * 2 / 5, PANGO_WEIGHT_MEDIUM);
    set_colour(sheet.cr, 0xffffff, is_awaited ? 0.72 : 0.96);
    draw_centred(sheet.cr, layout, centre, centre, size_px * 0.62);
    g_object_unref(layout);
    return sheet_close(&sheet);
}

struct overlay *label_draw_hand(int size_px) {
    struct sheet sheet = sheet_open(size_px, size_px);
    cairo_arc(sheet.cr, size_px / 2.0, size_px / 2.0, size_px / 2.0, 0, 2 * M_PI);
    set_colour(sheet.cr, 0xf2b84b, 1);
    cairo_fill(sheet.cr);
    set_colour(sheet.cr, 0x2a1d05, 1);
    icon_hand(sheet.cr, size_px * 0.19, size_px * 0.17, size_px * 0.62);
    return sheet_close(&sheet);
}

struct overlay *label_draw_screen(int size_px) {
    struct sheet sheet = sheet_open(size_px, size_px);
    set_colour(sheet.cr, 0x8d99a8, 1);
    icon_screen(sheet.cr, 0, 0, size_px);
    return sheet_close(&sheet);
}

struct overlay *label_draw_recording(struct label_kit *kit, int type_px) {
    int height = (type_px * 17 / 10 + 1) & ~1, pad = type_px * 6 / 10, dot = pad;
    int text_width = 0;
    PangoLayout *layout = layout_create(kit, "REC", type_px, PANGO_WEIGHT_MEDIUM);
    pango_layout_get_pixel_size(layout, &text_width, NULL);
    int width = (pad + dot + pad / 2 + text_width + pad + 1) & ~1;
    struct sheet sheet = sheet_open(width, height);
    set_colour(sheet.cr, 0x0b0e12, 0.66);
    icon_round_rect(sheet.cr, 0, 0, width, height, height * 0.28);
    cairo_fill(sheet.cr);
    cairo_arc(sheet.cr, pad + dot / 2.0, height / 2.0, dot / 2.0, 0, 2 * M_PI);
    set_colour(sheet.cr, 0xe5383b, 1);
    cairo_fill(sheet.cr);
    set_colour(sheet.cr, 0xffffff, 0.96);
    cairo_move_to(sheet.cr, pad + dot + pad / 2.0,
                  baseline_of(kit, layout, height) -
                      pango_layout_get_baseline(layout) / (double)PANGO_SCALE);
    pango_cairo_show_layout(sheet.cr, layout);
    g_object_unref(layout);
    return sheet_close(&sheet);
}

static PangoLayout *banner_layout(struct label_kit *kit, const struct label_banner *banner,
                                  int room_px) {
    PangoLayout *layout = layout_create(kit, banner->text, banner->type_px, PANGO_WEIGHT_MEDIUM);
    pango_layout_set_single_paragraph_mode(layout, FALSE);
    pango_layout_set_wrap(layout, PANGO_WRAP_WORD_CHAR);
    pango_layout_set_ellipsize(layout, PANGO_ELLIPSIZE_END);
    pango_layout_set_alignment(layout, PANGO_ALIGN_CENTER);
    pango_layout_set_width(layout, (room_px > 1 ? room_px : 1) * PANGO_SCALE);
    // So many lines a paragraph, of which there are two at most.
    pango_layout_set_height(layout, strchr(banner->text, '\n') ? -1 : -2);
    return layout;
}

static void draw_picture(cairo_t *cr, const AVFrame *picture, double x, double y) {
    cairo_surface_t *surface =
        cairo_image_surface_create_for_data(picture->data[0], CAIRO_FORMAT_ARGB32, picture->width,
                                            picture->height, picture->linesize[0]);
    cairo_set_source_surface(cr, surface, x, y);
    cairo_paint(cr);
    cairo_surface_destroy(surface);
}

struct overlay *label_draw_banner(struct label_kit *kit, const struct label_banner *banner) {
    int pad = banner->type_px / 2, picture_width = banner->picture ? banner->picture->width : 0;
    int picture_height = banner->picture ? banner->picture->height : 0, text_height = 0;
    int text_x = pad + (picture_width > 0 ? picture_width + pad : 0);
    int room = banner->width_px - text_x - pad;
    PangoLayout *layout = banner_layout(kit, banner, room);
    if (banner->text[0])
        pango_layout_get_pixel_size(layout, NULL, &text_height);
    int content = text_height > picture_height ? text_height : picture_height;
    int height = (content + pad + 15) / 16 * 16;
    height = height < banner->max_height_px ? height : banner->max_height_px;
    struct sheet sheet = sheet_open(banner->width_px, height);
    set_colour(sheet.cr, banner->background, 1);
    cairo_paint(sheet.cr);
    double middle = (banner->width_px - picture_width) / 2.0;
    if (banner->picture)
        draw_picture(sheet.cr, banner->picture, text_height > 0 ? pad : middle,
                     (height - picture_height) / 2.0);
    set_colour(sheet.cr, banner->colour, 1);
    cairo_move_to(sheet.cr, text_x, (height - text_height) / 2.0);
    if (text_height > 0)
        pango_cairo_show_layout(sheet.cr, layout);
    g_object_unref(layout);
    return sheet_close(&sheet);
}

struct overlay *label_draw_corner(const struct label_corner *corner) {
    int size = corner->size_px;
    struct sheet sheet = sheet_open(size, size);
    cairo_t *cr = sheet.cr;
    cairo_translate(cr, size / 2.0, size / 2.0);
    cairo_rotate(cr, corner->quarter * M_PI / 2);
    cairo_translate(cr, -size / 2.0, -size / 2.0);
    double radius = size - corner->gap_px;
    cairo_rectangle(cr, 0, 0, size, size);
    cairo_arc(cr, size, size, radius, 0, 2 * M_PI);
    cairo_set_fill_rule(cr, CAIRO_FILL_RULE_EVEN_ODD);
    set_colour(cr, corner->outer, corner->is_open ? 0 : 1);
    cairo_fill(cr);
    if (corner->ring_px > 0) {
        cairo_arc(cr, size, size, radius - corner->ring_px / 2.0, 0, 2 * M_PI);
        set_colour(cr, corner->ring, 1);
        cairo_set_line_width(cr, corner->ring_px);
        cairo_stroke(cr);
    }
    return sheet_close(&sheet);
}

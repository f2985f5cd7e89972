// SPDX-License-Identifier: MIT
// All icons are designed on a grid of 24 units.
#include "mixer/video/icon.h"

#include <math.h>

static void begin(cairo_t *cr, double x, double y, double size_px, double line) {
    cairo_save(cr);
    cairo_translate(cr, x, y);
    cairo_scale(cr, size_px / 24, size_px / 24);
    cairo_set_line_width(cr, line);
    cairo_set_line_cap(cr, CAIRO_LINE_CAP_ROUND);
    cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
    cairo_new_path(cr);
}

static void line(cairo_t *cr, double x0, double y0, double x1, double y1) {
    cairo_move_to(cr, x0, y0);
    cairo_line_to(cr, x1, y1);
    cairo_stroke(cr);
}

void icon_round_rect(cairo_t *cr, double x, double y, double width, double height, double radius) {
    cairo_new_sub_path(cr);
    cairo_arc(cr, x + width - radius, y + radius, radius, -M_PI / 2, 0);
    cairo_arc(cr, x + width - radius, y + height - radius, radius, 0, M_PI / 2);
    cairo_arc(cr, x + radius, y + height - radius, radius, M_PI / 2, M_PI);
    cairo_arc(cr, x + radius, y + radius, radius, M_PI, 3 * M_PI / 2);
    cairo_close_path(cr);
}

void icon_mic_off(cairo_t *cr, double x, double y, double size_px) {
    begin(cr, x, y, size_px, 2.4);
    cairo_push_group(cr);
    icon_round_rect(cr, 8.5, 2, 7, 12.5, 3.5);
    cairo_fill(cr);
    cairo_arc(cr, 12, 11, 6.8, 0, M_PI);
    cairo_stroke(cr);
    line(cr, 12, 18, 12, 21.5);
    // The stroke through it stands free of the microphone by a cut on one side.
    cairo_set_operator(cr, CAIRO_OPERATOR_CLEAR);
    line(cr, 5.4, 0.6, 23, 18.2);
    cairo_set_operator(cr, CAIRO_OPERATOR_OVER);
    line(cr, 3.5, 2.5, 20.5, 19.5);
    cairo_pop_group_to_source(cr);
    cairo_paint(cr);
    cairo_restore(cr);
}

void icon_hand(cairo_t *cr, double x, double y, double size_px) {
    begin(cr, x, y, size_px, 2.9);
    line(cr, 7.2, 14, 7.2, 6.8);
    line(cr, 10.6, 12, 10.6, 3.6);
    line(cr, 14, 12, 14, 3.9);
    line(cr, 17.4, 13, 17.4, 6.4);
    cairo_move_to(cr, 5.8, 12);
    cairo_line_to(cr, 18.8, 12);
    cairo_line_to(cr, 18.8, 15.6);
    cairo_curve_to(cr, 18.8, 20.6, 16.4, 22.6, 13, 22.6);
    cairo_curve_to(cr, 9.8, 22.6, 7.8, 21, 6.4, 18.2);
    cairo_line_to(cr, 3.4, 13.4);
    cairo_curve_to(cr, 2.6, 11.8, 4.6, 10.6, 5.8, 12);
    cairo_close_path(cr);
    cairo_fill(cr);
    cairo_restore(cr);
}

void icon_screen(cairo_t *cr, double x, double y, double size_px) {
    begin(cr, x, y, size_px, 2);
    icon_round_rect(cr, 2, 4, 20, 13.5, 2.2);
    cairo_stroke(cr);
    line(cr, 12, 18, 12, 20.6);
    line(cr, 7.5, 21, 16.5, 21);
    line(cr, 12, 14, 12, 8);
    cairo_move_to(cr, 9, 10.6);
    cairo_line_to(cr, 12, 7.6);
    cairo_line_to(cr, 15, 10.6);
    cairo_stroke(cr);
    cairo_restore(cr);
}

// SPDX-License-Identifier: MIT
// What is painted where tiles overlap, move and lie below a logo: always the same as if all of it
// were painted anew.
#include "mixer/video/motion.h"
#include "mixer/video/scene.h"
#include "tests/unit/footage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define MS_NS    INT64_C(1000000)
#define FRAME_NS INT64_C(33333333)

enum { WIDTH_PX = 320, HEIGHT_PX = 192, PLACES_MAX = 8 };

struct fixture {
    struct scene scene;
    struct theme theme;
    struct scene_place places[PLACES_MAX];
    int count;
    bool is_animated;
    int64_t now_ns;
    uint32_t seed;
};

static void open_scene(struct fixture *fixture) {
    memset(fixture, 0, sizeof(*fixture));
    assert_int_equal(scene_init(&fixture->scene, WIDTH_PX, HEIGHT_PX), 0);
    theme_init(&fixture->theme);
    fixture->now_ns = 100000 * MS_NS;
    fixture->seed = 5;
}

static void close_scene(struct fixture *fixture) {
    scene_finish(&fixture->scene);
    theme_finish(&fixture->theme);
}

static int draw(struct fixture *fixture, int count) {
    return (int)(footage_random(&fixture->seed) % (unsigned)count);
}

static AVFrame *flat_picture(int luma, int u, int v) {
    AVFrame *frame = footage_blank(AV_PIX_FMT_YUV420P, 64, 48);
    footage_fill(frame, luma, u, v);
    return frame;
}

static void show(struct fixture *fixture, int cell, int luma) {
    cell_show(&fixture->scene.cells[cell].cell,
              &(struct feed_picture){.frame = flat_picture(luma, 90, 160)});
}

static void add(struct fixture *fixture, uint64_t serial, struct rect at, int z) {
    fixture->places[fixture->count++] = (struct scene_place){.serial = serial, .at = at, .z = z};
}

static bool tick(struct fixture *fixture) {
    fixture->now_ns += FRAME_NS;
    assert_int_equal(scene_arrange(&fixture->scene, fixture->places, fixture->count,
                                   fixture->now_ns, fixture->is_animated),
                     fixture->count);
    return scene_paint(&fixture->scene);
}

static void tick_many(struct fixture *fixture, int count) {
    while (count-- > 0)
        tick(fixture);
}

static int luma_at(const struct fixture *fixture, int x, int y) {
    const AVFrame *frame = fixture->scene.canvas.frame;
    return frame->data[0][y * frame->linesize[0] + x];
}

static void assert_same_picture(const AVFrame *a, const AVFrame *b) {
    for (int plane = 0; plane < 3; plane++)
        for (int y = 0; y < a->height >> (plane > 0); y++)
            assert_memory_equal(a->data[plane] + (ptrdiff_t)y * a->linesize[plane],
                                b->data[plane] + (ptrdiff_t)y * b->linesize[plane],
                                (size_t)(a->width >> (plane > 0)));
}

// The plain twin: the same look set again paints everything.
static void assert_as_if_painted_anew(struct fixture *fixture) {
    AVFrame *before = canvas_copy(&fixture->scene.canvas);
    assert_int_equal(scene_set_theme(&fixture->scene, &fixture->theme), 0);
    scene_paint(&fixture->scene);
    assert_same_picture(before, fixture->scene.canvas.frame);
    av_frame_free(&before);
}

// A disc that fades out at its edge.
static struct picture *round_picture(int side_px) {
    AVFrame *frame = footage_blank(AV_PIX_FMT_RGBA, side_px, side_px);
    for (int y = 0; y < side_px; y++)
        for (int x = 0; x < side_px; x++) {
            double from_centre = hypot(x - side_px / 2.0, y - side_px / 2.0) / (side_px / 2.0);
            uint8_t alpha = (uint8_t)(from_centre < 1 ? 255 * (1 - from_centre) : 0);
            memcpy(frame->data[0] + (ptrdiff_t)y * frame->linesize[0] + x * 4,
                   (uint8_t[]){240, 40, 90, alpha}, 4);
        }
    AVCodecContext *context = avcodec_alloc_context3(avcodec_find_encoder(AV_CODEC_ID_PNG));
    context->width = context->height = side_px;
    context->pix_fmt = AV_PIX_FMT_RGBA;
    context->time_base = (AVRational){1, 1};
    AVPacket *packet = av_packet_alloc();
    struct picture *picture = NULL;
    assert_int_equal(avcodec_open2(context, NULL, NULL), 0);
    assert_int_equal(avcodec_send_frame(context, frame), 0);
    avcodec_send_frame(context, NULL);
    assert_int_equal(avcodec_receive_packet(context, packet), 0);
    assert_int_equal(picture_decode(packet->data, (size_t)packet->size, &picture), 0);
    av_packet_free(&packet);
    avcodec_free_context(&context);
    av_frame_free(&frame);
    return picture;
}

static void set_picture(struct fixture *fixture, enum stage_picture slot, int side_px) {
    picture_destroy(
        theme_set_picture(&fixture->theme, slot, side_px > 0 ? round_picture(side_px) : NULL));
    assert_int_equal(scene_set_theme(&fixture->scene, &fixture->theme), 0);
}

static void test_a_tile_that_changes_stays_below_the_one_above(void **state) {
    struct fixture fixture;
    open_scene(&fixture);
    add(&fixture, 1, (struct rect){0, 0, 320, 192}, 0);
    add(&fixture, 2, (struct rect){128, 64, 128, 96}, 3);
    tick(&fixture);
    show(&fixture, 0, 60);
    show(&fixture, 1, 200);
    tick(&fixture);
    assert_int_equal(luma_at(&fixture, 40, 100), 60);
    assert_int_equal(luma_at(&fixture, 192, 112), 200);
    show(&fixture, 0, 100);
    tick(&fixture);
    assert_int_equal(luma_at(&fixture, 40, 100), 100);
    assert_int_equal(luma_at(&fixture, 192, 112), 200);
    // Turned over.
    fixture.places[0].z = 9;
    tick(&fixture);
    assert_int_equal(luma_at(&fixture, 192, 112), 100);
    fixture.places[0].z = 0;
    tick(&fixture);
    assert_int_equal(luma_at(&fixture, 192, 112), 200);
    // Gone, what was below it is there.
    fixture.count = 1;
    tick(&fixture);
    assert_int_equal(luma_at(&fixture, 192, 112), 100);
    close_scene(&fixture);
}

static void test_of_two_at_one_place_the_lower_appears_when_the_upper_goes(void **state) {
    struct fixture fixture;
    open_scene(&fixture);
    add(&fixture, 1, (struct rect){0, 0, 320, 192}, 0);
    add(&fixture, 2, (struct rect){0, 0, 320, 192}, 1);
    tick(&fixture);
    show(&fixture, 0, 60);
    show(&fixture, 1, 200);
    tick(&fixture);
    assert_int_equal(luma_at(&fixture, 160, 100), 200);
    fixture.count = 1;
    tick(&fixture);
    assert_int_equal(luma_at(&fixture, 160, 100), 60);
    close_scene(&fixture);
}

static void test_a_tile_moves_to_its_place_and_is_there_in_time(void **state) {
    struct fixture fixture;
    open_scene(&fixture);
    fixture.is_animated = true;
    add(&fixture, 1, (struct rect){0, 0, 160, 96}, 0);
    tick(&fixture);
    show(&fixture, 0, 200);
    tick(&fixture);
    assert_false(fixture.scene.is_moving); // it did not come from anywhere
    fixture.places[0].at = (struct rect){160, 96, 160, 96};
    int last_x = 0, steps = 0;
    do {
        tick(&fixture);
        const struct rect *shown = &fixture.scene.cells[0].shown;
        assert_true(shown->x > last_x && shown->x <= 160);
        assert_int_equal(luma_at(&fixture, shown->x + 80, shown->y + 48), 200);
        if (shown->x >= 32) // nothing of it stays where it was
            assert_int_equal(luma_at(&fixture, 16, 16), fixture.scene.decor.background.y);
        last_x = shown->x == 160 ? 0 : shown->x;
        assert_true(++steps < 12);
    } while (fixture.scene.is_moving);
    assert_in_range(steps, 5, 10);
    assert_int_equal(fixture.scene.cells[0].shown.x, 160);
    canvas_clean(&fixture.scene.canvas);
    assert_false(tick(&fixture)); // and at rest it costs nothing
    assert_null(fixture.scene.scratch.frame);
    close_scene(&fixture);
}

static void test_after_a_pause_tiles_jump(void **state) {
    struct fixture fixture;
    open_scene(&fixture);
    fixture.is_animated = true;
    add(&fixture, 1, (struct rect){0, 0, 160, 96}, 0);
    tick_many(&fixture, 2);
    fixture.now_ns += 1000 * MS_NS;
    fixture.places[0].at.x = 160;
    tick(&fixture);
    assert_false(fixture.scene.is_moving);
    assert_int_equal(fixture.scene.cells[0].shown.x, 160);
    close_scene(&fixture);
}

static void test_whoever_is_sent_elsewhere_on_the_way_turns_where_they_are(void **state) {
    struct fixture fixture;
    open_scene(&fixture);
    fixture.is_animated = true;
    add(&fixture, 1, (struct rect){0, 0, 64, 48}, 0);
    tick_many(&fixture, 2);
    fixture.places[0].at.x = 256;
    tick_many(&fixture, 2);
    int turned_x = fixture.scene.cells[0].shown.x;
    assert_in_range(turned_x, 64, 240);
    fixture.places[0].at.x = 0;
    tick(&fixture);
    assert_in_range(fixture.scene.cells[0].shown.x, 1, turned_x);
    tick_many(&fixture, 10);
    assert_int_equal(fixture.scene.cells[0].shown.x, 0);
    close_scene(&fixture);
}

static void test_a_logo_is_laid_once_over_what_changes_below(void **state) {
    struct fixture fixture;
    open_scene(&fixture);
    set_picture(&fixture, STAGE_LOGO, 100);
    struct rect logo = fixture.scene.decor.pieces[DECOR_LOGO].at;
    assert_in_range(logo.width, 8, WIDTH_PX / 8);
    assert_int_equal(logo.width, logo.height);
    add(&fixture, 1, (struct rect){0, 0, 160, 96}, 0);
    add(&fixture, 2, (struct rect){160, 0, 160, 96}, 0);
    tick(&fixture);
    for (int i = 0; i < 5; i++) {
        show(&fixture, 0, 80);
        tick(&fixture);
    }
    int edge = luma_at(&fixture, logo.x + logo.width / 4, logo.y + logo.height / 2);
    assert_in_range(edge, 81, 120); // half clear: laid over itself it would be denser each time
    assert_as_if_painted_anew(&fixture);
    // Where it does not lie nothing is painted for its sake.
    canvas_clean(&fixture.scene.canvas);
    show(&fixture, 1, 120);
    tick(&fixture);
    for (int column = 0; column < 10; column++)
        assert_false(fixture.scene.canvas.dirty[column]);
    set_picture(&fixture, STAGE_LOGO, 0);
    tick(&fixture);
    assert_int_equal(luma_at(&fixture, logo.x + logo.width / 2, logo.y + logo.height / 2), 80);
    close_scene(&fixture);
}

static void set_recording(struct fixture *fixture, bool is_recording) {
    theme_set_recording(&fixture->theme, is_recording);
    assert_int_equal(scene_set_theme(&fixture->scene, &fixture->theme), 0);
}

static void test_a_recording_is_marked_in_the_upper_right_corner(void **state) {
    struct fixture fixture;
    open_scene(&fixture);
    add(&fixture, 1, (struct rect){0, 0, 160, 192}, 0);
    add(&fixture, 2, (struct rect){160, 0, 160, 192}, 0);
    tick(&fixture);
    show(&fixture, 1, 200);
    tick(&fixture);
    unsigned serial = fixture.theme.serial;
    set_recording(&fixture, false); // as it was: nothing is painted anew for that
    assert_int_equal(fixture.theme.serial, serial);
    set_recording(&fixture, true);
    tick(&fixture);
    struct rect mark = fixture.scene.decor.pieces[DECOR_RECORDING].at;
    assert_in_range(mark.x, WIDTH_PX / 2, WIDTH_PX - mark.width);
    assert_in_range(mark.y, 0, HEIGHT_PX / 10);
    assert_in_range(luma_at(&fixture, mark.x + mark.width / 2, mark.y + 1), 16, 120);
    for (int i = 0; i < 3; i++) {
        show(&fixture, 1, 200);
        tick(&fixture);
    }
    assert_as_if_painted_anew(&fixture);
    set_recording(&fixture, false);
    tick(&fixture);
    assert_int_equal(luma_at(&fixture, mark.x + mark.width / 2, mark.y + 1), 200);
    close_scene(&fixture);
}

static void set_banner(struct fixture *fixture, const char *text, bool is_at_top) {
    struct stage_banner banner = {
        .is_at_top = is_at_top, .colour_rgb = 0xffffff, .background_rgb = 0xff0000};
    snprintf(banner.text, sizeof(banner.text), "%s", text);
    theme_set_banner(&fixture->theme, text[0] ? &banner : NULL);
    assert_int_equal(scene_set_theme(&fixture->scene, &fixture->theme), 0);
}

static void test_a_banner_takes_its_room_from_the_tiles(void **state) {
    struct fixture fixture;
    open_scene(&fixture);
    const struct rect *area = &fixture.scene.decor.area;
    const struct decor_piece *bar = &fixture.scene.decor.pieces[DECOR_BANNER];
    static const char *const TEXTS[] = {"Ten minutes left", "بعد عشر دقائق", "🎉🎉",
                                        "one\ntwo\nthree\nfour"};
    for (int i = 0; i < 8; i++) {
        set_banner(&fixture, TEXTS[i / 2], i % 2);
        tick(&fixture);
        assert_int_equal(bar->at.width, WIDTH_PX);
        assert_in_range(bar->at.height, 16, HEIGHT_PX / 4);
        assert_int_equal(bar->at.height % 16, 0);
        assert_int_equal(bar->at.y, i % 2 ? 0 : area->height);
        assert_int_equal(area->y, i % 2 ? bar->at.height : 0);
        assert_int_equal(area->height + bar->at.height, HEIGHT_PX);
        assert_int_equal(luma_at(&fixture, 1, bar->at.y + 1), overlay_colour(0xff0000).y);
    }
    set_banner(&fixture, "", false);
    tick(&fixture);
    assert_int_equal(area->height, HEIGHT_PX);
    assert_int_equal(luma_at(&fixture, 1, HEIGHT_PX - 2), fixture.scene.decor.background.y);
    set_banner(&fixture, "\x01\x02  ", false); // nothing that could be seen
    assert_int_equal(area->height, HEIGHT_PX);
    set_picture(&fixture, STAGE_BANNER_PICTURE, 200);
    assert_true(area->height < HEIGHT_PX);
    close_scene(&fixture);
}

static void test_the_ground_shows_between_the_tiles(void **state) {
    struct fixture fixture;
    open_scene(&fixture);
    add(&fixture, 1, (struct rect){0, 0, 160, 192}, 0);
    tick(&fixture);
    show(&fixture, 0, 200);
    theme_set_background(&fixture.theme, 0x0000ff);
    assert_int_equal(scene_set_theme(&fixture.scene, &fixture.theme), 0);
    tick(&fixture);
    int blue = overlay_colour(0x0000ff).y;
    assert_int_equal(luma_at(&fixture, 240, 100), blue);
    assert_int_equal(luma_at(&fixture, 0, 0), blue); // the gap round a tile
    assert_int_equal(luma_at(&fixture, 80, 100), 200);
    set_picture(&fixture, STAGE_BACKGROUND, 400);
    tick(&fixture);
    assert_int_not_equal(luma_at(&fixture, 170, 100), blue);
    assert_int_equal(
        luma_at(&fixture, 0, 100),
        fixture.scene.decor.ground->data[0][100 * fixture.scene.decor.ground->linesize[0]]);
    assert_int_equal(luma_at(&fixture, 319, 0), blue); // where it is clear
    close_scene(&fixture);
}

static void test_another_size_paints_everything_there(void **state) {
    struct fixture fixture;
    open_scene(&fixture);
    fixture.is_animated = true;
    add(&fixture, 1, (struct rect){0, 0, 160, 96}, 0);
    add(&fixture, 2, (struct rect){160, 0, 160, 96}, 0);
    tick(&fixture);
    show(&fixture, 0, 200);
    tick(&fixture);
    fixture.places[0].at.y = 96;
    tick_many(&fixture, 2);
    assert_true(fixture.scene.is_moving);
    set_picture(&fixture, STAGE_BACKGROUND, 50);
    assert_int_equal(scene_resize(&fixture.scene, 640, 368, &fixture.theme), 0);
    fixture.places[0].at = (struct rect){320, 160, 320, 208};
    tick(&fixture);
    assert_false(fixture.scene.is_moving);
    assert_int_equal(fixture.scene.canvas.frame->width, 640);
    assert_int_equal(luma_at(&fixture, 480, 260), 200);
    assert_as_if_painted_anew(&fixture);
    close_scene(&fixture);
}

// ---- whatever happens ----

static struct rect random_rect(struct fixture *fixture) {
    struct rect at = {.width = 16 * (1 + draw(fixture, 20)),
                      .height = 16 * (1 + draw(fixture, 12))};
    at.x = 16 * draw(fixture, (WIDTH_PX - at.width) / 16 + 1);
    at.y = 16 * draw(fixture, (HEIGHT_PX - at.height) / 16 + 1);
    return at;
}

static void change_something(struct fixture *fixture, uint64_t *serial) {
    int pick = draw(fixture, fixture->count > 0 ? fixture->count : 1);
    struct scene_place *place = &fixture->places[pick];
    switch (draw(fixture, 12)) {
    case 0:
    case 1:
        if (fixture->count < PLACES_MAX)
            add(fixture, ++*serial, random_rect(fixture), draw(fixture, 4));
        break;
    case 2:
        if (fixture->count > 1)
            *place = fixture->places[--fixture->count];
        break;
    case 3:
    case 4: place->at = random_rect(fixture); break;
    case 5: place->z = draw(fixture, 4); break;
    case 6: place->look.is_speaking = !place->look.is_speaking; break;
    case 7: snprintf(place->look.name, sizeof(place->look.name), "%d", draw(fixture, 1000)); break;
    case 8: place->look.has_hand = !place->look.has_hand; break;
    case 9: fixture->is_animated = draw(fixture, 4) > 0; break;
    case 10:
        set_picture(fixture, (enum stage_picture)draw(fixture, 2), 20 * draw(fixture, 3));
        break;
    default: set_banner(fixture, draw(fixture, 2) ? "Hello" : "", draw(fixture, 2)); break;
    }
    place->look.shows_name = true;
}

static void test_any_change_leaves_what_painting_anew_would(void **state) {
    struct fixture fixture;
    uint64_t serial = 0;
    open_scene(&fixture);
    for (int round = 0; round < 1500; round++) {
        if (draw(&fixture, 3) == 0)
            change_something(&fixture, &serial);
        tick(&fixture);
        int cell = draw(&fixture, fixture.count > 0 ? fixture.count : 1);
        if (draw(&fixture, 2) == 0 && cell < fixture.count)
            show(&fixture, cell, 40 + draw(&fixture, 180));
        if (draw(&fixture, 8) > 0)
            continue;
        tick(&fixture);
        assert_as_if_painted_anew(&fixture);
    }
    assert_true(serial > 10);
    close_scene(&fixture);
}

// Nothing lies over another and nothing over the tiles: as before, only what is new is painted.
static void test_where_nothing_overlaps_nothing_else_is_painted(void **state) {
    struct fixture fixture;
    open_scene(&fixture);
    for (int i = 0; i < 4; i++)
        add(&fixture, (uint64_t)i + 1, (struct rect){i % 2 * 160, i / 2 * 96, 160, 96}, 0);
    tick(&fixture);
    canvas_clean(&fixture.scene.canvas);
    assert_false(tick(&fixture));
    show(&fixture, 3, 99);
    assert_true(tick(&fixture));
    for (int row = 0; row < 12; row++)
        for (int column = 0; column < 20; column++)
            assert_int_equal(fixture.scene.canvas.dirty[row * 20 + column],
                             row >= 6 && column >= 10);
    // Two change places: a jump paints those two.
    canvas_clean(&fixture.scene.canvas);
    struct rect kept = fixture.places[0].at;
    fixture.places[0].at = fixture.places[1].at;
    fixture.places[1].at = kept;
    assert_true(tick(&fixture));
    for (int row = 0; row < 12; row++)
        for (int column = 0; column < 20; column++)
            assert_int_equal(fixture.scene.canvas.dirty[row * 20 + column], row < 6);
    close_scene(&fixture);
}

static void test_motion_is_even_monotonic_and_ends(void **state) {
    struct rect from = {0, 160, 320, 192}, to = {1024, 0, 256, 144}, last = from;
    for (int64_t at_ns = 0; at_ns <= MOTION_NS + MS_NS; at_ns += MS_NS) {
        struct rect now = motion_at(from, to, at_ns);
        assert_int_equal((now.x | now.y | now.width | now.height) & 1, 0);
        assert_true(now.x >= last.x && now.y <= last.y);
        assert_true(now.width > 0 && now.height > 0 && now.x + now.width <= 1280);
        last = now;
    }
    assert_memory_equal(&last, &to, sizeof(to));
    struct rect start = motion_at(from, to, -5);
    assert_memory_equal(&start, &from, sizeof(from));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_tile_that_changes_stays_below_the_one_above),
        cmocka_unit_test(test_of_two_at_one_place_the_lower_appears_when_the_upper_goes),
        cmocka_unit_test(test_a_tile_moves_to_its_place_and_is_there_in_time),
        cmocka_unit_test(test_after_a_pause_tiles_jump),
        cmocka_unit_test(test_whoever_is_sent_elsewhere_on_the_way_turns_where_they_are),
        cmocka_unit_test(test_a_logo_is_laid_once_over_what_changes_below),
        cmocka_unit_test(test_a_recording_is_marked_in_the_upper_right_corner),
        cmocka_unit_test(test_a_banner_takes_its_room_from_the_tiles),
        cmocka_unit_test(test_the_ground_shows_between_the_tiles),
        cmocka_unit_test(test_another_size_paints_everything_there),
        cmocka_unit_test(test_any_change_leaves_what_painting_anew_would),
        cmocka_unit_test(test_where_nothing_overlaps_nothing_else_is_painted),
        cmocka_unit_test(test_motion_is_even_monotonic_and_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

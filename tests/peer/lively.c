// SPDX-License-Identifier: MIT
#include "tests/peer/lively.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    RATE_HZ = 48000,
    BLOCK_PX = 8,
    NOISE = 56,
    FLASH_FPS = 25,
    FLASH_FRAMES = 4,
    FLASH_LOOP_FRAMES = 26,
    FLASH_KBPS = 400,
    BEEP_HZ = 1000,
    BEEP_SAMPLES = RATE_HZ / FLASH_FPS * FLASH_FRAMES,
    BEEP_LOOP_SAMPLES = RATE_HZ / FLASH_FPS * FLASH_LOOP_FRAMES,
};

// A mix of bits by multiplication and shifts: same in, same out, and no pattern that shows.
static unsigned scatter(unsigned a, unsigned b, unsigned c) {
    unsigned h = a * 0x9e3779b1u ^ b * 0x85ebca6bu ^ c * 0xc2b2ae35u;
    h ^= h >> 15;
    h *= 0x2c1b3c6du;
    return h ^ h >> 13;
}

static void paint_noise(int grey, unsigned seed, int width_px, int height_px, uint8_t *planes[3],
                        const int strides[3]) {
    for (int y = 0; y < height_px; y++)
        for (int x = 0; x < width_px; x++) {
            unsigned h = scatter(seed, (unsigned)(x / BLOCK_PX), (unsigned)(y / BLOCK_PX));
            planes[0][y * strides[0] + x] = (uint8_t)(grey + (int)(h % NOISE) - NOISE / 2);
        }
    for (int p = 1; p < 3; p++)
        for (int y = 0; y < (height_px + 1) / 2; y++)
            memset(planes[p] + y * strides[p], 128, (size_t)(width_px + 1) / 2);
}

static void paint_camera(void *user, int index, int width_px, int height_px, uint8_t *planes[3],
                         const int strides[3]) {
    unsigned seed = *(const unsigned *)user;
    paint_noise(90 + (int)(seed * 17 % 80), seed * 1000 + (unsigned)index, width_px, height_px,
                planes, strides);
}

struct media *lively_create_camera(unsigned seed, int width_px, int height_px, int fps, int kbps) {
    return media_create_painted(paint_camera, &seed, width_px, height_px, fps, fps * 2, kbps);
}

static void paint_flash(void *user, int index, int width_px, int height_px, uint8_t *planes[3],
                        const int strides[3]) {
    paint_noise(index < FLASH_FRAMES ? 205 : 50, (unsigned)index, width_px, height_px, planes,
                strides);
}

struct media *lively_create_flash(void) {
    return media_create_painted(paint_flash, NULL, 320, 180, FLASH_FPS, FLASH_LOOP_FRAMES,
                                FLASH_KBPS);
}

// Swells out of silence four times a second; or sounds for the first part only.
static struct media *create_sound(int hz, double peak, bool is_beep, int kbps) {
    int count = is_beep ? BEEP_LOOP_SAMPLES : RATE_HZ;
    int16_t *samples = calloc((size_t)count, sizeof(*samples));
    if (!samples)
        return NULL;
    for (int i = 0; i < (is_beep ? BEEP_SAMPLES : count); i++) {
        double swell = is_beep ? 1 : pow(0.5 - 0.5 * cos(2 * M_PI * 4 * i / RATE_HZ), 1.5);
        samples[i] = (int16_t)(peak * swell * sin(2 * M_PI * hz * i / RATE_HZ));
    }
    struct media *media = media_create_sound(samples, count, kbps);
    free(samples);
    return media;
}

struct media *lively_create_voice(int hz, double peak_dbfs, int kbps) {
    return create_sound(hz, 32767 * pow(10, peak_dbfs / 20), false, kbps);
}

struct media *lively_create_beep(void) {
    return create_sound(BEEP_HZ, 12000, true, 48);
}

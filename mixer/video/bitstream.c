// SPDX-License-Identifier: MIT
#include "mixer/video/bitstream.h"

// Reads from the highest bit down; past the end it reads zeros and says so.
struct bits {
    const uint8_t *data;
    size_t size_bits, at;
    bool is_past_end;
};

static struct bits bits_of(const uint8_t *data, size_t size_bytes) {
    return (struct bits){.data = data, .size_bits = size_bytes * 8};
}

static unsigned take_bits(struct bits *bits, int count) {
    unsigned value = 0;
    for (int i = 0; i < count; i++, bits->at++) {
        bool is_inside = bits->at < bits->size_bits;
        unsigned bit = is_inside ? bits->data[bits->at / 8] >> (7 - bits->at % 8) & 1u : 0;
        bits->is_past_end |= !is_inside;
        value = value << 1 | bit;
    }
    return value;
}

// RFC 6386 9.1
static bool vp8_read_keyframe(const uint8_t *data, size_t size_bytes, int *width_px,
                              int *height_px) {
    if (size_bytes < 10 || (data[0] & 1) || data[3] != 0x9d || data[4] != 0x01 || data[5] != 0x2a)
        return false;
    *width_px = (data[6] | data[7] << 8) & 0x3fff;
    *height_px = (data[8] | data[9] << 8) & 0x3fff;
    return true;
}

// VP9 bitstream specification, 6.2: uncompressed_header() up to frame_size().
static bool vp9_read_keyframe(const uint8_t *data, size_t size_bytes, int *width_px,
                              int *height_px) {
    enum { FRAME_MARKER = 2, SYNC_CODE = 0x498342, COLOR_RGB = 7 };
    struct bits bits = bits_of(data, size_bytes);
    if (take_bits(&bits, 2) != FRAME_MARKER)
        return false;
    unsigned profile = take_bits(&bits, 1);
    profile |= take_bits(&bits, 1) << 1;
    if (profile == 3)
        take_bits(&bits, 1);
    bool shows_existing = take_bits(&bits, 1);
    bool is_inter = take_bits(&bits, 1);
    if (shows_existing || is_inter)
        return false;
    take_bits(&bits, 2); // show_frame, error_resilient_mode
    if (take_bits(&bits, 24) != SYNC_CODE)
        return false;
    if (profile >= 2)
        take_bits(&bits, 1); // 10 or 12 bits
    bool is_rgb = take_bits(&bits, 3) == COLOR_RGB;
    if (!is_rgb)
        take_bits(&bits, 1); // range
    if (profile & 1)
        take_bits(&bits, is_rgb ? 1 : 3); // subsampling
    int width = (int)take_bits(&bits, 16) + 1;
    int height = (int)take_bits(&bits, 16) + 1;
    if (bits.is_past_end)
        return false;
    *width_px = width;
    *height_px = height;
    return true;
}

// Annex B: the first slice decides. Parameter sets and the like stand before it.
static bool h264_is_keyframe(const uint8_t *data, size_t size_bytes) {
    enum { NAL_SLICE = 1, NAL_IDR = 5 };
    for (size_t i = 0; i + 3 < size_bytes; i++) {
        if (data[i] != 0 || data[i + 1] != 0 || data[i + 2] != 1)
            continue;
        int type = data[i + 3] & 0x1f;
        if (type >= NAL_SLICE && type <= NAL_IDR)
            return type == NAL_IDR;
    }
    return false;
}

// AV1 specification 4.10.5. 0 on a value without end.
static size_t av1_read_leb128(const uint8_t *data, size_t size_bytes, uint64_t *value) {
    *value = 0;
    for (size_t i = 0; i < size_bytes && i < 8; i++) {
        *value |= (uint64_t)(data[i] & 0x7f) << (i * 7);
        if (!(data[i] & 0x80))
            return i + 1;
    }
    return 0;
}

// AV1 specification 5.3: a sequence header, then a frame header that says key frame.
static bool av1_is_keyframe(const uint8_t *data, size_t size_bytes) {
    enum { OBU_SEQUENCE = 1, OBU_FRAME_HEADER = 3, OBU_FRAME = 6 };
    bool has_sequence = false;
    size_t at = 0;
    while (at < size_bytes) {
        int type = data[at] >> 3 & 0xf;
        bool has_extension = data[at] & 4, has_size = data[at] & 2;
        at += has_extension ? 2 : 1;
        uint64_t length = at < size_bytes ? size_bytes - at : 0;
        if (has_size) {
            size_t taken =
                at < size_bytes ? av1_read_leb128(data + at, size_bytes - at, &length) : 0;
            if (taken == 0)
                return false;
            at += taken;
        }
        if (length > size_bytes - at)
            return false;
        if (type == OBU_SEQUENCE)
            has_sequence = true;
        // show_existing_frame 0, frame_type 0
        if (type == OBU_FRAME_HEADER || type == OBU_FRAME)
            return has_sequence && length > 0 && (data[at] & 0xe0) == 0;
        at += length;
    }
    return false;
}

bool bitstream_is_keyframe(enum video_codec codec, const uint8_t *data, size_t size_bytes) {
    int width_px, height_px;
    if (size_bytes == 0)
        return false;
    switch (codec) {
    case VIDEO_VP8: return vp8_read_keyframe(data, size_bytes, &width_px, &height_px);
    case VIDEO_VP9: return vp9_read_keyframe(data, size_bytes, &width_px, &height_px);
    case VIDEO_H264: return h264_is_keyframe(data, size_bytes);
    case VIDEO_AV1: return av1_is_keyframe(data, size_bytes);
    }
    return false;
}

bool bitstream_read_size(enum video_codec codec, const uint8_t *data, size_t size_bytes,
                         int *width_px, int *height_px) {
    if (codec == VIDEO_VP8)
        return vp8_read_keyframe(data, size_bytes, width_px, height_px);
    if (codec == VIDEO_VP9)
        return vp9_read_keyframe(data, size_bytes, width_px, height_px);
    return false;
}

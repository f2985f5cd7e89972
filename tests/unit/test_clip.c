// SPDX-License-Identifier: MIT
// Sound files of every kind that is taken, made here by libavformat; and files that lie.
#include "mixer/audio/clip.h"
#include "tests/unit/tone.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { SECONDS = 2 };

struct kind {
    const char *format, *encoder;
    int rate_hz, channels;
};

struct file {
    uint8_t *data;
    int size_bytes;
};

// ---- making one

static void put_sample(AVFrame *frame, int channel, int i, double value) {
    int channels = frame->ch_layout.nb_channels;
    switch (frame->format) {
    case AV_SAMPLE_FMT_FLTP: ((float *)frame->extended_data[channel])[i] = (float)value; break;
    case AV_SAMPLE_FMT_S16:
        ((int16_t *)frame->extended_data[0])[i * channels + channel] = (int16_t)(32767 * value);
        break;
    case AV_SAMPLE_FMT_S16P:
        ((int16_t *)frame->extended_data[channel])[i] = (int16_t)(32767 * value);
        break;
    case AV_SAMPLE_FMT_FLT:
        ((float *)frame->extended_data[0])[i * channels + channel] = (float)value;
        break;
    default: fail_msg("sample format %d", frame->format);
    }
}

static void write_packets(AVCodecContext *codec, const AVFrame *frame, AVFormatContext *format) {
    AVPacket *packet = av_packet_alloc();
    assert_true(avcodec_send_frame(codec, frame) >= 0);
    while (avcodec_receive_packet(codec, packet) >= 0) {
        av_packet_rescale_ts(packet, codec->time_base, format->streams[0]->time_base);
        assert_true(av_interleaved_write_frame(format, packet) >= 0);
    }
    av_packet_free(&packet);
}

static AVCodecContext *open_encoder(const struct kind *kind, const AVOutputFormat *output) {
    const AVCodec *encoder = avcodec_find_encoder_by_name(kind->encoder);
    if (!encoder)
        fail_msg("no encoder %s", kind->encoder);
    AVCodecContext *codec = avcodec_alloc_context3(encoder);
    codec->sample_rate = kind->rate_hz;
    for (const enum AVSampleFormat *each = encoder->sample_fmts; *each >= 0; each++)
        if (*each == AV_SAMPLE_FMT_FLTP || each == encoder->sample_fmts)
            codec->sample_fmt = *each;
    codec->bit_rate = 96000 * kind->channels;
    codec->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
    codec->time_base = (AVRational){1, kind->rate_hz};
    av_channel_layout_default(&codec->ch_layout, kind->channels);
    if (output->flags & AVFMT_GLOBALHEADER)
        codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    assert_true(avcodec_open2(codec, encoder, NULL) >= 0);
    return codec;
}

static void write_tone(AVCodecContext *codec, AVFormatContext *format, int count, double hz) {
    int step = codec->frame_size ? codec->frame_size : 1024;
    for (int at = 0; at < count; at += step) {
        AVFrame *frame = av_frame_alloc();
        frame->nb_samples = step;
        frame->format = codec->sample_fmt;
        frame->sample_rate = codec->sample_rate;
        frame->pts = at;
        av_channel_layout_copy(&frame->ch_layout, &codec->ch_layout);
        assert_true(av_frame_get_buffer(frame, 0) >= 0);
        for (int i = 0; i < step; i++)
            for (int c = 0; c < codec->ch_layout.nb_channels; c++)
                put_sample(frame, c, i, 0.3 * sin(2 * M_PI * hz * (at + i) / codec->sample_rate));
        write_packets(codec, frame, format);
        av_frame_free(&frame);
    }
    write_packets(codec, NULL, format);
}

// A tone of so many seconds at 0.3 of full scale.
static struct file make_file(const struct kind *kind, double seconds, double hz) {
    AVFormatContext *format = NULL;
    struct file file;
    av_log_set_level(AV_LOG_QUIET);
    assert_true(avformat_alloc_output_context2(&format, NULL, kind->format, NULL) >= 0);
    assert_true(avio_open_dyn_buf(&format->pb) >= 0);
    AVCodecContext *codec = open_encoder(kind, format->oformat);
    AVStream *stream = avformat_new_stream(format, NULL);
    stream->time_base = codec->time_base;
    avcodec_parameters_from_context(stream->codecpar, codec);
    assert_true(avformat_write_header(format, NULL) >= 0);
    write_tone(codec, format, (int)(seconds * kind->rate_hz), hz);
    assert_true(av_write_trailer(format) >= 0);
    uint8_t *data;
    file.size_bytes = avio_close_dyn_buf(format->pb, &data);
    file.data = malloc((size_t)file.size_bytes); // of just this size, so that ASan sees a step over
    memcpy(file.data, data, (size_t)file.size_bytes);
    av_free(data);
    avcodec_free_context(&codec);
    avformat_free_context(format);
    return file;
}

static const struct kind wav = {"wav", "pcm_s16le", 48000, 1};

// ---- what is taken

static void test_clip_decodes_every_kind_to_48_khz_mono(void **state) {
    static const struct kind kinds[] = {
        {"wav", "pcm_s16le", 48000, 1},  {"wav", "pcm_s16le", 8000, 1},
        {"wav", "pcm_s16le", 44100, 2},  {"wav", "pcm_f32le", 96000, 6},
        {"ogg", "libopus", 48000, 2},    {"ogg", "libvorbis", 44100, 2},
        {"ogg", "flac", 44100, 1},       {"flac", "flac", 44100, 2},
        {"mp3", "libmp3lame", 44100, 1}, {"webm", "libopus", 48000, 1},
        {"webm", "libvorbis", 48000, 2}, {"ipod", "aac", 44100, 2},
        {"mp4", "aac", 48000, 1},        {"adts", "aac", 44100, 1},
    };
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        if (!avcodec_find_encoder_by_name(kinds[k].encoder))
            fail_msg("no encoder %s", kinds[k].encoder);
        struct file file = make_file(&kinds[k], SECONDS, 700);
        struct clip *clip = NULL;
        int result = clip_decode(file.data, (size_t)file.size_bytes, &clip);
        if (result != 0)
            fail_msg("%s of %s: %d", kinds[k].format, kinds[k].encoder, result);
        // Encoders fill up their last frame, and some cannot say so.
        if (clip->count < SECONDS * 48000 - 10 || clip->count > SECONDS * 48000 + 5000)
            fail_msg("%s of %s: %zu samples", kinds[k].format, kinds[k].encoder, clip->count);
        double amplitude = tone_amplitude(clip->samples + 24000, 48000, 700);
        if (fabs(amplitude - 0.3) > 0.02)
            fail_msg("%s of %s: as loud as %f", kinds[k].format, kinds[k].encoder, amplitude);
        assert_true(tone_snr_db(clip->samples + 24000, 48000, 700) > 20);
        clip_destroy(clip);
        free(file.data);
    }
}

static void test_clip_takes_five_minutes_and_not_more(void **state) {
    static const struct kind small = {"wav", "pcm_s16le", 4000, 1};
    struct clip *clip = NULL;
    struct file file = make_file(&small, CLIP_SECONDS_MAX - 1, 500);
    assert_int_equal(clip_decode(file.data, (size_t)file.size_bytes, &clip), 0);
    assert_true(clip->count > (size_t)(CLIP_SECONDS_MAX - 2) * 48000);
    clip_destroy(clip);
    free(file.data);
    clip = NULL;
    file = make_file(&small, CLIP_SECONDS_MAX + 1, 500);
    assert_int_equal(clip_decode(file.data, (size_t)file.size_bytes, &clip), -E2BIG);
    assert_null(clip);
    free(file.data);
}

static void test_clip_takes_what_is_left_of_a_file_that_was_cut_off(void **state) {
    static const struct kind ogg = {"ogg", "libopus", 48000, 1};
    struct clip *clip = NULL;
    struct file file = make_file(&ogg, SECONDS, 500);
    assert_int_equal(clip_decode(file.data, (size_t)file.size_bytes * 3 / 4, &clip), 0);
    assert_in_range(clip->count, 24000, SECONDS * 48000);
    clip_destroy(clip);
    free(file.data);
}

// ---- what is refused

static void test_clip_refuses_what_is_no_sound(void **state) {
    static const char *const texts[] = {
        "",
        "x",
        "<html></html>",
        "RIFF....WAVE",
        "OggS",
        "fLaC",
        "ID3",
        "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile /etc/passwd\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=audio 9 RTP/AVP 0\n",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct clip *clip = NULL;
        assert_int_equal(clip_decode(texts[i], strlen(texts[i]), &clip), -EINVAL);
        assert_null(clip);
    }
    clip_destroy(NULL);
}

// A playlist may name a file that is there and a sound: it is not opened.
static void test_clip_opens_no_other_file(void **state) {
    char path[] = "/tmp/test_clip_XXXXXX", list[256];
    int fd = mkstemp(path);
    struct file file = make_file(&wav, 1, 500);
    assert_int_equal(write(fd, file.data, (size_t)file.size_bytes), file.size_bytes);
    close(fd);
    static const char *const lists[] = {
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://%s\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '%s'\n",
        "ffconcat version 1.0\nfile 'file:%s'\n",
    };
    for (int i = 0; i < 3; i++) {
        struct clip *clip = NULL;
        snprintf(list, sizeof(list), lists[i], path);
        assert_int_equal(clip_decode(list, strlen(list), &clip), -EINVAL);
    }
    unlink(path);
    free(file.data);
}

static void test_clip_refuses_pictures_without_sound(void **state) {
    static const uint8_t gif[] =
        "GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\4\1\0\0\0\0,\0\0\0\0"
        "\1\0\1\0\0\2\2D\1\0;";
    struct clip *clip = NULL;
    assert_int_equal(clip_decode(gif, sizeof(gif) - 1, &clip), -EINVAL);
}

static void put32(uint8_t *at, uint32_t value) {
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint8_t *find_box(const struct file *file, const char *name) {
    for (int i = 0; i + 4 <= file->size_bytes; i++)
        if (memcmp(file->data + i, name, 4) == 0)
            return file->data + i;
    fail_msg("no %s", name);
    return NULL;
}

// An index that promises billions of samples, of which each is the whole file.
static void test_clip_believes_no_index(void **state) {
    static const struct kind m4a = {"ipod", "aac", 44100, 1};
    static const uint32_t counts[] = {0x00100000, 0x00400000, 0x10000000, 0x7fffffff, 0xffffffff};
    for (int c = 0; c < 5; c++) {
        for (int size = 0; size < 2; size++) {
            struct file file = make_file(&m4a, 1, 500);
            uint8_t *stsz = find_box(&file, "stsz"), *stsc = find_box(&file, "stsc");
            put32(stsz + 8, size ? (uint32_t)file.size_bytes : 1); // of each
            put32(stsz + 12, counts[c]);
            put32(stsc + 16, counts[c]); // in a chunk
            struct clip *clip = NULL;
            int result = clip_decode(file.data, (size_t)file.size_bytes, &clip);
            assert_true(result == 0 || result == -EINVAL || result == -ENOMEM || result == -E2BIG);
            clip_destroy(clip);
            free(file.data);
        }
    }
}

static void test_clip_keeps_floats_in_range(void **state) {
    static const struct kind floats = {"wav", "pcm_f32le", 48000, 1};
    struct file file = make_file(&floats, 1, 500);
    float strange[] = {NAN, INFINITY, -INFINITY, 1e30f, -1e30f, 3};
    memcpy(file.data + file.size_bytes / 2 / 4 * 4 + 2, strange, sizeof(strange));
    memcpy(file.data + file.size_bytes / 3 / 4 * 4, strange, sizeof(strange));
    struct clip *clip = NULL;
    assert_int_equal(clip_decode(file.data, (size_t)file.size_bytes, &clip), 0);
    for (size_t i = 0; i < clip->count; i++)
        assert_true(fabsf(clip->samples[i]) <= 1);
    clip_destroy(clip);
    free(file.data);
}

// Every byte of a small file changed once, and every length.
static void test_clip_survives_damage(void **state) {
    static const struct kind kinds[] = {{"wav", "pcm_s16le", 8000, 1},
                                        {"ogg", "libopus", 48000, 1},
                                        {"flac", "flac", 8000, 1},
                                        {"webm", "libopus", 48000, 1},
                                        {"ipod", "aac", 8000, 1}};
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        struct file file = make_file(&kinds[k], 0.1, 500);
        for (int i = 0; i < 600; i++) {
            int at = (int)(tone_random() * file.size_bytes);
            uint8_t was = file.data[at];
            struct clip *clip = NULL;
            file.data[at] = (uint8_t)(256 * tone_random());
            size_t size =
                i % 3 ? (size_t)file.size_bytes : (size_t)(tone_random() * file.size_bytes);
            int result = clip_decode(file.data, size, &clip);
            assert_int_equal(result == 0, clip != NULL);
            clip_destroy(clip);
            file.data[at] = was;
        }
        free(file.data);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clip_decodes_every_kind_to_48_khz_mono),
        cmocka_unit_test(test_clip_takes_five_minutes_and_not_more),
        cmocka_unit_test(test_clip_takes_what_is_left_of_a_file_that_was_cut_off),
        cmocka_unit_test(test_clip_refuses_what_is_no_sound),
        cmocka_unit_test(test_clip_opens_no_other_file),
        cmocka_unit_test(test_clip_refuses_pictures_without_sound),
        cmocka_unit_test(test_clip_believes_no_index),
        cmocka_unit_test(test_clip_keeps_floats_in_range),
        cmocka_unit_test(test_clip_survives_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

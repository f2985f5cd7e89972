// SPDX-License-Identifier: MIT
// Offers, good and hostile, on their way to webrtcbin; and what goes back.
#include "mcu/peer_sdp.h"
#include "tests/unit/offers.h"

#include <gst/gst.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BYTES_MAX = 131072 };

#define FINGERPRINT                                                                                \
    "sha-256 "                                                                                     \
    "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:"   \
    "EE:FF"
#define HEAD(group) "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:" group "\r\n"
#define TRANSPORT                                                                                  \
    "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=setup:actpass\r\n"                \
    "a=fingerprint:" FINGERPRINT "\r\n"
#define AUDIO(mid)                                                                                 \
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:" mid                            \
    "\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n" TRANSPORT
#define VIDEO(mid, direction)                                                                      \
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\na=mid:" mid "\r\na=" direction       \
    "\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\n"    \
    "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n" TRANSPORT
#define CHANNEL(mid)                                                                               \
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:" mid           \
    "\r\na=sctp-port:5000\r\n" TRANSPORT

static struct sdp_offer read_good(const char *text) {
    struct sdp_offer offer;
    struct refusal refusal = {.message = ""};
    if (sdp_offer_init(&offer, text, BYTES_MAX, &refusal) < 0)
        fail_msg("refused: %s", refusal.message);
    return offer;
}

static void expect_refusal(const char *text, const char *code) {
    struct sdp_offer offer;
    struct refusal refusal = {.code = "accepted"};
    int outcome = sdp_offer_init(&offer, text, BYTES_MAX, &refusal);
    if (outcome == 0)
        sdp_offer_finish(&offer);
    assert_string_equal(refusal.code, code);
    assert_int_equal(outcome, -1);
    assert_true(refusal.message[0] && refusal.status >= 400 && refusal.status < 500);
    assert_null(offer.filtered);
}

// A copy with the first (or every) occurrence of from replaced.
static char *with(const char *text, const char *from, const char *to, bool everywhere) {
    assert_non_null(strstr(text, from));
    char **parts = g_strsplit(text, from, everywhere ? -1 : 2);
    char *joined = g_strjoinv(to, parts);
    g_strfreev(parts);
    return joined;
}

static char *filtered_text(const struct sdp_offer *offer) {
    return gst_sdp_message_as_text(offer->filtered);
}

static void assert_has(const char *text, const char *part) {
    if (!strstr(text, part))
        fail_msg("no \"%s\" in:\n%s", part, text);
}

static void assert_has_not(const char *text, const char *part) {
    if (strstr(text, part))
        fail_msg("\"%s\" in:\n%s", part, text);
}

// ---- what browsers send ----

static void check_browser_offer(const char *text, int audio_type, int video_type, int rtx_type) {
    struct sdp_offer offer = read_good(text);
    assert_int_equal(offer.line_count, 4);
    const struct sdp_line *audio = &offer.lines[0], *camera = &offer.lines[1],
                          *screen = &offer.lines[2], *channel = &offer.lines[3];
    assert_int_equal(audio->kind, SDP_AUDIO);
    assert_int_equal(camera->kind, SDP_CAMERA);
    assert_int_equal(screen->kind, SDP_SCREEN);
    assert_int_equal(channel->kind, SDP_CHANNEL);
    assert_true(audio->sends && audio->receives && camera->sends && camera->receives);
    assert_true(!screen->sends && screen->receives);
    assert_int_equal(audio->payload_type, audio_type);
    assert_int_equal(camera->payload_type, video_type);
    assert_int_equal(camera->rtx_payload_type, rtx_type);
    assert_int_equal(camera->codec, VIDEO_VP8);
    assert_int_equal(audio->ssrc_count, 1);
    assert_int_equal(camera->ssrc_count, 2);
    assert_true(camera->twcc_id && camera->mid_id && camera->twcc_id == audio->twcc_id);
    const struct peer_media *media = &offer.media;
    assert_true(media->receives_video && media->receives_audio && media->sends_camera &&
                media->sends_audio && media->sends_screen && media->has_channel);
    assert_string_equal(offer.bundle, " 0 1 2 3");
    assert_string_equal(offer.fingerprint_kind, "sha-256");
    sdp_offer_finish(&offer);
}

static void test_offer_of_chromium_is_understood(void **state) {
    check_browser_offer(chromium_offer, 111, 96, 97);
    struct sdp_offer offer = read_good(chromium_offer);
    assert_int_equal(offer.lines[1].rotation_id, 13);
    assert_int_equal(offer.lines[0].rotation_id, 0);
    sdp_offer_finish(&offer);
}

static void test_offer_of_firefox_is_understood(void **state) {
    check_browser_offer(firefox_offer, 109, 120, 124);
}

static void test_offer_loses_what_we_do_not_speak(void **state) {
    const char *const offers[] = {chromium_offer, firefox_offer};
    static const char *const gone[] = {
        "abs-send-time", "playout-delay", "goog-remb", "H264", "AV1", "VP9",    "red/",  "ulpfec",
        "G722",          "toffset",       "PCMU",      "msid", "rid", "stereo", "level", "apt=98"};
    for (int i = 0; i < 2; i++) {
        struct sdp_offer offer = read_good(offers[i]);
        char *text = filtered_text(&offer);
        for (size_t k = 0; k < G_N_ELEMENTS(gone); k++)
            assert_has_not(text, gone[k]);
        assert_has(text, "VP8/90000");
        assert_has(text, "useinbandfec=1");
        assert_has(text, "transport-cc");
        assert_has(text, "nack pli");
        assert_has(text, "transport-wide-cc-extensions-01");
        g_free(text);
        sdp_offer_finish(&offer);
    }
}

// ---- roles and codecs ----

static void test_viewer_only_receives(void **state) {
    char *text = with(chromium_offer, "a=sendrecv", "a=recvonly", true);
    struct sdp_offer offer = read_good(text);
    assert_true(offer.media.receives_audio && offer.media.receives_video);
    assert_false(offer.media.sends_audio || offer.media.sends_camera);
    sdp_offer_finish(&offer);
    g_free(text);
}

static void test_sender_alone_is_sent_nothing(void **state) {
    char *text = with(chromium_offer, "a=sendrecv", "a=sendonly", true);
    struct sdp_offer offer = read_good(text);
    assert_false(offer.media.receives_audio || offer.media.receives_video);
    assert_true(offer.media.sends_audio && offer.media.sends_camera);
    sdp_offer_finish(&offer);
    g_free(text);
}

static void test_first_video_is_the_camera_wherever_it_stands(void **state) {
    struct sdp_offer offer =
        read_good(HEAD("BUNDLE v a s") VIDEO("v", "sendrecv") AUDIO("a") VIDEO("s", "sendonly"));
    assert_int_equal(offer.lines[0].kind, SDP_CAMERA);
    assert_int_equal(offer.lines[1].kind, SDP_AUDIO);
    assert_int_equal(offer.lines[2].kind, SDP_SCREEN);
    assert_int_equal(offer.session_line, 0);
    sdp_offer_finish(&offer);
}

static void test_offer_without_audio_and_channel_alone_are_fine(void **state) {
    struct sdp_offer offer = read_good(HEAD("BUNDLE v") VIDEO("v", "sendrecv"));
    assert_false(offer.media.sends_audio || offer.media.has_channel);
    sdp_offer_finish(&offer);
    offer = read_good(HEAD("BUNDLE c") CHANNEL("c"));
    assert_true(offer.media.has_channel);
    assert_int_equal(offer.session_line, 0);
    sdp_offer_finish(&offer);
}

// webrtcbin would look unknown packets up at the data line, and fall over.
static void test_session_is_bound_to_a_media_line(void **state) {
    struct sdp_offer offer = read_good(HEAD("BUNDLE c a") CHANNEL("c") AUDIO("a"));
    assert_int_equal(offer.tag_line, 0);
    assert_int_equal(offer.session_line, 1);
    char *text = filtered_text(&offer);
    assert_has(text, "a=group:BUNDLE a c");
    g_free(text);
    assert_string_equal(offer.bundle, " c a");
    sdp_offer_finish(&offer);
}

static void test_other_codecs_are_taken_when_there_is_no_vp8(void **state) {
    static const struct {
        const char *rtpmap;
        enum video_codec codec;
    } cases[] = {{"VP9/90000", VIDEO_VP9}, {"H264/90000", VIDEO_H264}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        char *text =
            with(HEAD("BUNDLE v") VIDEO("v", "sendrecv"), "VP8/90000", cases[i].rtpmap, true);
        struct sdp_offer offer = read_good(text);
        assert_int_equal(offer.lines[0].codec, cases[i].codec);
        // We only send VP8.
        assert_true(offer.media.sends_camera && !offer.media.receives_video);
        g_free(text);
        text = filtered_text(&offer);
        assert_has(text, "a=sendonly");
        g_free(text);
        sdp_offer_finish(&offer);
    }
}

static void test_line_without_a_common_codec_is_left_inactive(void **state) {
    char *text =
        with(HEAD("BUNDLE a v") AUDIO("a") VIDEO("v", "sendrecv"), "VP8/90000", "AV1/90000", true);
    struct sdp_offer offer = read_good(text);
    assert_int_equal(offer.lines[1].kind, SDP_UNUSED);
    assert_false(offer.media.sends_camera || offer.media.receives_video);
    g_free(text);
    text = filtered_text(&offer);
    assert_has(text, "a=inactive");
    g_free(text);
    sdp_offer_finish(&offer);
}

static void test_more_lines_than_roles_are_left_inactive(void **state) {
    struct sdp_offer offer = read_good(HEAD("BUNDLE a b v w x") AUDIO("a") AUDIO("b") VIDEO(
        "v", "sendrecv") VIDEO("w", "sendrecv") VIDEO("x", "sendrecv"));
    assert_int_equal(offer.lines[1].kind, SDP_UNUSED);
    assert_int_equal(offer.lines[3].kind, SDP_SCREEN);
    assert_int_equal(offer.lines[4].kind, SDP_UNUSED);
    sdp_offer_finish(&offer);
}

// ---- hostile ----

static void test_hostile_offers_are_refused(void **state) {
#define GOOD HEAD("BUNDLE a") AUDIO("a")
    static const struct {
        const char *name, *from, *to, *code;
    } cases[] = {
        {"no BUNDLE", "a=group:BUNDLE a\r\n", "", "bundle-required"},
        {"another group", "BUNDLE a", "LS a", "bundle-required"},
        {"empty BUNDLE", "BUNDLE a", "BUNDLE ", "bundle-required"},
        {"unknown mid in BUNDLE", "BUNDLE a", "BUNDLE a z", "bundle-required"},
        {"mid twice in BUNDLE", "BUNDLE a", "BUNDLE a a", "bundle-required"},
        {"line outside BUNDLE", "BUNDLE a", "BUNDLE b", "bundle-required"},
        {"no mid", "a=mid:a\r\n", "", "bad-offer"},
        {"empty mid", "a=mid:a\r\n", "a=mid:\r\n", "bad-offer"},
        {"endless mid", "a=mid:a\r\n", "a=mid:aaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", "bad-offer"},
        {"odd mid", "a=mid:a\r\n", "a=mid:\xc3\xa4\r\n", "bad-offer"},
        {"no ufrag", "a=ice-ufrag:abcd\r\n", "", "bad-offer"},
        {"short ufrag", "ice-ufrag:abcd", "ice-ufrag:abc", "bad-offer"},
        {"odd ufrag", "ice-ufrag:abcd", "ice-ufrag:ab cd", "bad-offer"},
        {"no password", "a=ice-pwd:abcdefghijklmnopqrstuvwx\r\n", "", "bad-offer"},
        {"short password", "ice-pwd:abcdefghijklmnopqrstuvwx", "ice-pwd:short", "bad-offer"},
        {"no fingerprint", "a=fingerprint:" FINGERPRINT "\r\n", "", "bad-offer"},
        {"empty fingerprint", FINGERPRINT, "", "bad-offer"},
        {"fingerprint without digest", FINGERPRINT, "sha-256", "bad-offer"},
        {"short fingerprint", FINGERPRINT, "sha-256 00:11", "bad-offer"},
        {"weak fingerprint", "sha-256", "sha-1", "bad-offer"},
        {"unknown fingerprint", "sha-256", "sha-999999999999999", "bad-offer"},
        {"odd fingerprint", "00:11:22", "00:1x:22", "bad-offer"},
        {"no setup", "a=setup:actpass\r\n", "", "bad-offer"},
        {"odd setup", "setup:actpass", "setup:holdconn", "bad-offer"},
        {"no DTLS", "UDP/TLS/RTP/SAVPF", "RTP/AVP", "bad-offer"},
        {"unknown media", "m=audio", "m=image", "bad-offer"},
        {"no codec", "a=rtpmap:111 opus/48000/2\r\n", "", "nothing-in-common"},
        {"no format", "SAVPF 111", "SAVPF", "nothing-in-common"},
        {"payload type too large", " 111\r\n", " 999\r\n", "nothing-in-common"},
        {"only what we do not speak", "opus/48000/2", "G722/8000", "nothing-in-common"},
        {"inactive", "a=rtcp-mux", "a=inactive", "nothing-in-common"},
        {"control characters", "s=-", "s=\x01", "bad-offer"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        char *text = with(GOOD, cases[i].from, cases[i].to, true);
        struct sdp_offer offer;
        struct refusal refusal = {.code = "accepted"};
        if (sdp_offer_init(&offer, text, BYTES_MAX, &refusal) == 0)
            sdp_offer_finish(&offer);
        if (strcmp(refusal.code, cases[i].code) != 0)
            fail_msg("%s: %s, not %s", cases[i].name, refusal.code, cases[i].code);
        g_free(text);
    }
    struct sdp_offer offer = read_good(GOOD); // the table's beginning is sound itself
    sdp_offer_finish(&offer);
#undef GOOD
}

static void test_nonsense_is_refused(void **state) {
    static const char *const nonsense[] = {"",
                                           "\r\n",
                                           "v",
                                           "v=",
                                           "m=",
                                           "m=audio",
                                           "\n\n\n\n",
                                           "a=group:BUNDLE a",
                                           "{\"sdp\":1}",
                                           "m=audio 9 UDP/TLS/RTP/SAVPF\r\n",
                                           "v=0\r\nm=audio 99999999999 x 0\r\n",
                                           "v=0\r\nm=\r\nm=\r\na=\r\na=:\r\nc=\r\nb=\r\n"};
    for (size_t i = 0; i < G_N_ELEMENTS(nonsense); i++)
        expect_refusal(nonsense[i], "bad-offer");
}

static void test_thirty_lines_are_refused(void **state) {
    GString *text = g_string_new(HEAD("BUNDLE 0"));
    for (int i = 0; i < 30; i++)
        g_string_append(text, AUDIO("0"));
    expect_refusal(text->str, "too-many-lines");
    g_string_free(text, TRUE);
}

static void test_megabyte_is_refused(void **state) {
    char *text = malloc(1 << 20);
    memset(text, 'a', 1 << 20);
    text[(1 << 20) - 1] = '\0';
    expect_refusal(text, "offer-too-large");
    free(text);
}

static void test_two_lines_of_one_mid_are_refused(void **state) {
    expect_refusal(HEAD("BUNDLE a") AUDIO("a") VIDEO("a", "sendrecv"), "bad-offer");
}

static void test_two_data_lines_are_refused(void **state) {
    expect_refusal(HEAD("BUNDLE a b") CHANNEL("a") CHANNEL("b"), "bad-offer");
}

static void test_payload_type_with_two_meanings_is_refused(void **state) {
    char *text = with(HEAD("BUNDLE a v") AUDIO("a") VIDEO("v", "sendrecv"), "111", "96", true);
    expect_refusal(text, "bad-offer");
    g_free(text);
}

// Any single line may be missing, doubled or cut short: an answer is possible or a refusal is
// given.
static void test_mutilated_offers_do_no_harm(void **state) {
    char **lines = g_strsplit(firefox_offer, "\r\n", -1);
    guint count = g_strv_length(lines);
    for (guint i = 0; i < count; i++)
        for (int way = 0; way < 3; way++) {
            GString *text = g_string_new(NULL);
            for (guint k = 0; k < count; k++) {
                int copies = k != i ? 1 : way == 0 ? 0 : way == 1 ? 2 : 1;
                size_t length = strlen(lines[k]);
                for (int copy = 0; copy < copies; copy++) {
                    g_string_append_len(text, lines[k],
                                        (gssize)(k == i && way == 2 ? length / 2 : length));
                    g_string_append(text, "\r\n");
                }
            }
            struct sdp_offer offer;
            struct refusal refusal = {.status = 0};
            if (sdp_offer_init(&offer, text->str, BYTES_MAX, &refusal) == 0)
                sdp_offer_finish(&offer);
            else
                assert_true(refusal.status >= 400);
            g_string_free(text, TRUE);
        }
    g_strfreev(lines);
}

// ---- the answer ----

static GstSDPMessage *answer_with_lines(const struct sdp_offer *offer) {
    // As webrtcbin writes it, as far as we touch it.
    GstSDPMessage *answer;
    gst_sdp_message_copy(offer->filtered, &answer);
    return answer;
}

static void test_answer_limits_the_camera_and_keeps_the_order(void **state) {
    struct sdp_offer offer =
        read_good(HEAD("BUNDLE c a v") CHANNEL("c") AUDIO("a") VIDEO("v", "sendrecv"));
    GstSDPMessage *answer = answer_with_lines(&offer);
    char *text = sdp_answer_write(&offer, answer, 1500);
    assert_has(text, "a=group:BUNDLE c a v");
    assert_has_not(text, "BUNDLE a c v");
    const char *video = strstr(text, "m=video");
    assert_has(video, "b=AS:1500");
    assert_has(text, ";usedtx=1\r\n");
    assert_null(strstr(video, "usedtx"));
    assert_ptr_equal(strstr(text, "b=AS"), strstr(video, "b=AS")); // not the audio's
    g_free(text);
    gst_sdp_message_free(answer);
    sdp_offer_finish(&offer);
}

static void test_line_that_the_client_refused_stays_refused(void **state) {
    char *text =
        with(HEAD("BUNDLE a") AUDIO("a") VIDEO("v", "sendrecv"), "m=video 9", "m=video 0", false);
    struct sdp_offer offer = read_good(text);
    g_free(text);
    assert_true(offer.lines[1].is_refused_by_client);
    assert_false(offer.media.sends_camera || offer.media.receives_video);
    GstSDPMessage *answer = answer_with_lines(&offer);
    text = sdp_answer_write(&offer, answer, 1500);
    assert_has(text, "m=video 0 ");
    assert_has(text, "a=group:BUNDLE a\r\n");
    g_free(text);
    gst_sdp_message_free(answer);
    sdp_offer_finish(&offer);
}

static void test_answer_with_other_lines_is_none(void **state) {
    struct sdp_offer offer = read_good(chromium_offer);
    GstSDPMessage *answer;
    gst_sdp_message_new(&answer);
    assert_null(sdp_answer_write(&offer, answer, 0));
    gst_sdp_message_free(answer);
    sdp_offer_finish(&offer);
}

// ---- candidates ----

static void test_candidates_worth_an_attempt(void **state) {
    static const char *const usable[] = {
        "candidate:1 1 UDP 2015363327 192.0.2.1 37321 typ host",
        "candidate:842163049 1 udp 1677729535 203.0.113.7 50000 typ srflx raddr 0.0.0.0 rport 0",
        "candidate:1 1 udp 2122260223 2001:db8::1 40000 typ host generation 0 ufrag abcd"};
    static const char *const useless[] = {"",
                                          "candidate:",
                                          "hello",
                                          "candidate:1 1 UDP 1 f00.local 9 typ host",
                                          "candidate:1 1 UDP 1 example.org 9 typ host",
                                          "candidate:1 1 tcp 1 192.0.2.1 9 typ host",
                                          "candidate:1 2 UDP 1 192.0.2.1 9 typ host",
                                          "candidate:1 1 UDP 1 192.0.2.1 0 typ host",
                                          "candidate:1 1 UDP 1 192.0.2.1 99999 typ host",
                                          "candidate:1 1 UDP 1 192.0.2.1 9",
                                          "candidate:1 1 UDP 1 192.0.2.1 9 typ host\r\na=evil",
                                          "a=candidate:1 1 UDP 1 192.0.2.1 9 typ host"};
    for (size_t i = 0; i < G_N_ELEMENTS(usable); i++)
        assert_true(sdp_candidate_is_usable(usable[i]));
    for (size_t i = 0; i < G_N_ELEMENTS(useless); i++)
        if (sdp_candidate_is_usable(useless[i]))
            fail_msg("usable: %s", useless[i]);
    char *large = g_strdup_printf("%s%1000s", usable[0], "");
    assert_false(sdp_candidate_is_usable(large));
    g_free(large);
}

static void check_rewrite(const char *candidate, const char *address, const char *expected) {
    char *rewritten = sdp_candidate_rewrite(candidate, address);
    assert_string_equal(rewritten, expected);
    g_free(rewritten);
}

static void test_public_address_takes_the_hosts_place(void **state) {
    const char *host = "candidate:1 1 UDP 2015363327 10.0.0.5 37321 typ host";
    const char *six = "candidate:1 1 UDP 2015363327 fe80::1 37321 typ host";
    check_rewrite(host, "203.0.113.7", "candidate:1 1 UDP 2015363327 203.0.113.7 37321 typ host");
    check_rewrite(host, "", host);
    check_rewrite(host, NULL, host);
    check_rewrite(six, "203.0.113.7", six);
    assert_null(sdp_candidate_rewrite("nonsense", "203.0.113.7"));
}

static void test_candidates_inside_the_offer_are_kept_if_usable(void **state) {
    char *text = with(HEAD("BUNDLE a") AUDIO("a"), "a=rtcp-mux",
                      "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n"
                      "a=candidate:2 1 udp 1 f00.local 9 typ host\r\na=rtcp-mux",
                      false);
    struct sdp_offer offer = read_good(text);
    g_free(text);
    text = filtered_text(&offer);
    assert_has(text, "192.0.2.1");
    assert_has_not(text, "local");
    g_free(text);
    sdp_offer_finish(&offer);
}

// ---- the certificate ----

static void test_certificate_is_compared_with_the_offer(void **state) {
    // "AAAA" is three zero bytes; any bytes do, a digest is a digest.
    const char *pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    const guchar der[3] = {0};
    char *digest = g_compute_checksum_for_data(G_CHECKSUM_SHA256, der, sizeof(der));
    GString *fingerprint = g_string_new("SHA-256 ");
    for (size_t i = 0; i < 64; i += 2)
        g_string_append_printf(fingerprint, "%s%.2s", i ? ":" : "", digest + i);
    char *text = with(HEAD("BUNDLE a") AUDIO("a"), FINGERPRINT, fingerprint->str, true);
    struct sdp_offer offer = read_good(text);
    assert_true(sdp_offer_vouches(&offer, pem));
    assert_false(sdp_offer_vouches(
        &offer, "-----BEGIN CERTIFICATE-----\nAAAB\n-----END CERTIFICATE-----\n"));
    assert_false(sdp_offer_vouches(&offer, "AAAA"));
    assert_false(sdp_offer_vouches(&offer, ""));
    assert_false(sdp_offer_vouches(&offer, NULL));
    sdp_offer_finish(&offer);
    g_free(text);
    g_free(digest);
    g_string_free(fingerprint, TRUE);
}

static int set_up(void **state) {
    gst_init(NULL, NULL);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offer_of_chromium_is_understood),
        cmocka_unit_test(test_offer_of_firefox_is_understood),
        cmocka_unit_test(test_offer_loses_what_we_do_not_speak),
        cmocka_unit_test(test_viewer_only_receives),
        cmocka_unit_test(test_sender_alone_is_sent_nothing),
        cmocka_unit_test(test_first_video_is_the_camera_wherever_it_stands),
        cmocka_unit_test(test_offer_without_audio_and_channel_alone_are_fine),
        cmocka_unit_test(test_session_is_bound_to_a_media_line),
        cmocka_unit_test(test_other_codecs_are_taken_when_there_is_no_vp8),
        cmocka_unit_test(test_line_without_a_common_codec_is_left_inactive),
        cmocka_unit_test(test_more_lines_than_roles_are_left_inactive),
        cmocka_unit_test(test_hostile_offers_are_refused),
        cmocka_unit_test(test_nonsense_is_refused),
        cmocka_unit_test(test_thirty_lines_are_refused),
        cmocka_unit_test(test_megabyte_is_refused),
        cmocka_unit_test(test_two_lines_of_one_mid_are_refused),
        cmocka_unit_test(test_two_data_lines_are_refused),
        cmocka_unit_test(test_payload_type_with_two_meanings_is_refused),
        cmocka_unit_test(test_mutilated_offers_do_no_harm),
        cmocka_unit_test(test_answer_limits_the_camera_and_keeps_the_order),
        cmocka_unit_test(test_line_that_the_client_refused_stays_refused),
        cmocka_unit_test(test_answer_with_other_lines_is_none),
        cmocka_unit_test(test_candidates_worth_an_attempt),
        cmocka_unit_test(test_public_address_takes_the_hosts_place),
        cmocka_unit_test(test_candidates_inside_the_offer_are_kept_if_usable),
        cmocka_unit_test(test_certificate_is_compared_with_the_offer),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}

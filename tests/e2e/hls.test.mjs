// SPDX-License-Identifier: MIT
// The page for an audience against a stream made by a browser and served by this test: the live edge, holes, ends and
// new beginnings. And its parsers, by themselves.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { hlsReadInit, hlsReadStart } from '../../assets/js/hls-boxes.js';
import { hlsLiveStart, hlsReadPlaylist } from '../../assets/js/hls-playlist.js';
import { control, launch, openPage, until } from './lib/browser.mjs';

const assets = new URL('../../assets/', import.meta.url);
const types = { html: 'text/html', css: 'text/css', js: 'text/javascript', svg: 'image/svg+xml' };
const WINDOW = 5; // segments in the playlist
const base = 'http://127.0.0.1/hls/ada/index.m3u8';
let browser, stream, server, url;

// What is on the air: 'off', 'live' or 'ended', since when, what is missing.
const air = { state: 'off', since_ms: 0, first: 0, missing: new Set() };

// Boxes of a file: [name, begin, end].
function boxesOf(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const found = [];
    for (let at = 0; at + 8 <= bytes.length;) {
        const size = view.getUint32(at);
        found.push([String.fromCharCode(...bytes.slice(at + 4, at + 8)), at, at + size]);
        assert.ok(size >= 8);
        at += size;
    }
    return found;
}

// A moving picture from a browser's own recorder, cut into an init segment and media segments with their seconds.
async function makeStream() {
    const page = await openPage(browser, `${url}/css/base.css`);
    const text = await page.evaluate(async () => {
        const canvas = document.createElement('canvas');
        [canvas.width, canvas.height] = [320, 180];
        const context = canvas.getContext('2d');
        let turn = 0;
        const paint = setInterval(() => {
            turn += 1;
            context.fillStyle = `hsl(${turn * 7 % 360} 80% 50%)`;
            context.fillRect(0, 0, 320, 180);
            context.fillStyle = '#fff';
            context.fillRect(turn * 5 % 300, 80, 20, 20);
        }, 40);
        const recorder = new MediaRecorder(canvas.captureStream(25), { mimeType: 'video/mp4;codecs=vp9', videoKeyFrameIntervalDuration: 1000 });
        const parts = [];
        recorder.ondataavailable = ({ data }) => parts.push(data);
        const isOver = new Promise((resolve) => { recorder.onstop = resolve; });
        recorder.start(200);
        await new Promise((resolve) => setTimeout(resolve, 14000)); // so long is the stream
        recorder.stop();
        await isOver;
        clearInterval(paint);
        const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
        let binary = '';
        for (let at = 0; at < bytes.length; at += 8192) binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
        return btoa(binary);
    });
    await page.context().close();
    const bytes = new Uint8Array(Buffer.from(text, 'base64'));
    const boxes = boxesOf(bytes);
    const moofs = boxes.filter(([name]) => name === 'moof');
    const init = bytes.slice(0, moofs[0][1]);
    const { scales } = hlsReadInit(init.slice().buffer);
    const fragments = moofs.map(([, begin], i) => {
        const end = moofs[i + 1]?.[1] ?? boxes.filter(([name]) => name === 'mdat').at(-1)[2];
        const data = bytes.slice(begin, end);
        return { data, start: hlsReadStart(data.buffer, scales) };
    });
    fragments.forEach((each, i) => { each.duration = (fragments[i + 1]?.start ?? each.start + 1) - each.start; });
    return { init, fragments };
}

// As many as have been on the air by now.
function newest() {
    const now = (Date.now() - air.since_ms) / 1000;
    const { fragments } = stream;
    const ready = fragments.filter((each) => each.start + each.duration - fragments[air.first].start <= now + 3 * fragments[0].duration);
    return air.state === 'ended' ? air.last : ready.length;
}

function playlist() {
    const end = newest();
    const begin = Math.max(air.first, end - WINDOW);
    const lines = stream.fragments.slice(begin, end).flatMap((each, i) => [`#EXTINF:${each.duration.toFixed(3)},`, `s${begin + i}.m4s`]);
    return ['#EXTM3U', '#EXT-X-VERSION:7', `#EXT-X-TARGETDURATION:${Math.ceil(Math.max(...stream.fragments.map((each) => each.duration)))}`,
        `#EXT-X-MEDIA-SEQUENCE:${begin}`, '#EXT-X-MAP:URI="init.mp4"', ...lines, ...(air.state === 'ended' ? ['#EXT-X-ENDLIST'] : [])].join('\n');
}

function goLive(state = 'live', missing = []) {
    if (state === 'ended') air.last = newest();
    else Object.assign(air, { since_ms: Date.now(), missing: new Set(missing) });
    air.state = state;
}

async function answer(request, response) {
    const path = new URL(request.url, 'http://x').pathname;
    const send = (status, type, body) => { response.writeHead(status, { 'content-type': type }); response.end(body); };
    const file = /^\/hls\/ada\/(.*)$/.exec(path)?.[1];
    if (file && (air.state === 'off' || !stream)) return send(404, 'text/plain', 'no');
    if (file === 'index.m3u8') return send(200, 'application/vnd.apple.mpegurl', playlist());
    if (file === 'init.mp4') return send(200, 'video/mp4', stream.init);
    if (file) {
        const number = Number(/^s(\d+)\.m4s$/.exec(file)?.[1]);
        return air.missing.has(number) ? send(404, 'text/plain', 'no') : send(200, 'video/mp4', stream.fragments[number].data);
    }
    const name = path.startsWith('/watch/') ? 'watch.html' : path.slice(1);
    try {
        return send(200, types[name.split('.').pop()] ?? 'application/octet-stream', await readFile(new URL(name, assets)));
    } catch {
        return send(404, 'text/plain', 'no');
    }
}

before(async () => {
    server = http.createServer(answer);
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${server.address().port}`;
    browser = await launch({ devices: false });
    stream = await makeStream();
    assert.ok(stream.fragments.length >= 8, `${stream.fragments.length} fragments`);
});

after(async () => {
    await browser?.close();
    server.closeAllConnections();
    server.close();
});

const stateOf = (page) => page.evaluate(() => window.tessera.state);
const picture = (page, read) => control(page, 'picture').evaluate(read);

test('a playlist is read: numbers, durations, the init segment, breaks, the end', () => {
    const text = ['#EXTM3U', '#EXT-X-TARGETDURATION:3', '#EXT-X-MEDIA-SEQUENCE:41', '#EXT-X-MAP:URI="init.mp4",BYTERANGE="100@0"',
        '#EXTINF:2.5,', 'a.m4s', '#EXT-X-DISCONTINUITY', '#EXT-X-MAP:URI="init2.mp4"', '#EXTINF:2.000,title', 'b.m4s', '#EXT-X-ENDLIST'].join('\r\n');
    const read = hlsReadPlaylist(text, base);
    assert.equal(read.target_s, 3);
    assert.equal(read.isEnded, true);
    assert.deepEqual(read.segments.map(({ sequence, duration_s: s, isDiscontinuous }) => [sequence, s, isDiscontinuous]), [[41, 2.5, false], [42, 2, true]]);
    assert.equal(read.segments[0].map, 'http://127.0.0.1/hls/ada/init.mp4');
    assert.equal(read.segments[1].map, 'http://127.0.0.1/hls/ada/init2.mp4');
    assert.equal(read.segments[1].url, 'http://127.0.0.1/hls/ada/b.m4s');
});

test('a master playlist names its variants; what is no playlist is none', () => {
    const read = hlsReadPlaylist('#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=800000,CODECS="avc1.4d401f,mp4a.40.2"\nlow.m3u8\n', base);
    assert.deepEqual(read, { isMaster: true, variants: [{ url: 'http://127.0.0.1/hls/ada/low.m3u8', bandwidth: 800000 }] });
    for (const text of ['', '<!doctype html>', 'a.m4s\n#EXTM3U']) assert.equal(hlsReadPlaylist(text, base), null);
});

test('a playlist cannot lead to another server, nor grow without end', () => {
    const read = hlsReadPlaylist('#EXTM3U\n#EXTINF:2,\nhttps://example.org/a.m4s\n', base);
    assert.equal(read.segments[0].url, null);
    const long = hlsReadPlaylist(`#EXTM3U\n${'#EXTINF:2,\na.m4s\n'.repeat(5000)}`, base);
    assert.ok(long.segments.length <= 2000);
    assert.equal(hlsReadPlaylist('#EXTM3U\n#EXT-X-TARGETDURATION:-7\n#EXT-X-MEDIA-SEQUENCE:x\n', base).target_s, 2);
});

test('a live stream begins before its newest segment, one that is over at its first', () => {
    const segments = Array.from({ length: 6 }, (_, sequence) => ({ sequence, duration_s: 2 }));
    assert.equal(hlsLiveStart({ segments, target_s: 2, isEnded: false }), 3);
    assert.equal(hlsLiveStart({ segments, target_s: 2, isEnded: true }), 0);
    assert.equal(hlsLiveStart({ segments: [], target_s: 2, isEnded: false }), 0);
});

test('an init segment tells its codecs; broken ones yield nothing, and come to an end', () => {
    const { type } = hlsReadInit(stream.init.slice().buffer);
    assert.match(type, /^video\/mp4; codecs="vp09\.00\.[1-6]\d\.08"$/);
    for (let length = 0; length < stream.init.length; length += 7) {
        const cut = hlsReadInit(stream.init.slice(0, length).buffer);
        assert.ok(cut === null || cut.type);
    }
    let seed = 1;
    for (let round = 0; round < 300; round++) {
        const wrong = stream.init.slice();
        for (let i = 0; i < 4; i++) {
            seed = seed * 48271 % 2147483647;
            wrong[seed % wrong.length] = seed >> 8 & 255;
        }
        hlsReadInit(wrong.buffer);
        hlsReadStart(wrong.buffer, new Map());
    }
});

test('segments say when they begin', () => {
    const starts = stream.fragments.map((each) => each.start);
    assert.ok(starts.every((start, i) => start !== null && (i === 0 || start > starts[i - 1])), JSON.stringify(starts));
});

test('the page waits for a broadcast, plays it near its live edge, and keeps little', async () => {
    const page = await openPage(browser, `${url}/watch/ada?player=own`);
    await until('nothing is live', async () => (await stateOf(page)) === 'waiting');
    assert.match(await control(page, 'wait').innerText(), /Not live/);
    goLive();
    await until('it is live', async () => (await stateOf(page)) === 'live');
    assert.equal(await page.evaluate(() => window.tessera.player), 'own');
    const frames = () => picture(page, (video) => video.getVideoPlaybackQuality().totalVideoFrames);
    const first = await frames();
    await until('pictures move', async () => (await frames()) > first + 25);
    assert.ok(await page.evaluate(() => window.tessera.behind_s) < 8);
    assert.ok(await control(page, 'live').isVisible());
    goLive('ended');
    await until('the end is said', async () => (await stateOf(page)) === 'over', 40);
    assert.ok(await control(page, 'wait').isVisible());
    air.state = 'off';
    await until('it waits again', async () => (await stateOf(page)) === 'waiting');
    goLive();
    await until('and begins again by itself', async () => (await stateOf(page)) === 'live');
    await page.context().close();
    air.state = 'off';
});

test('a segment that is missing is stepped over', async () => {
    const lost = 4;
    goLive('live', [lost]);
    const page = await openPage(browser, `${url}/watch/ada?player=own`);
    await until('it is live', async () => (await stateOf(page)) === 'live');
    await picture(page, (video) => video.addEventListener('emptied', () => { window.hasBegunAnew = true; }));
    const after_s = stream.fragments[lost + 1].start;
    await until('it plays behind the hole', () => control(page, 'picture').evaluate((video, wanted) => video.currentTime > wanted, after_s), 30);
    assert.equal(await stateOf(page), 'live');
    assert.equal(await page.evaluate(() => window.hasBegunAnew), undefined, 'stepped over, not begun anew');
    await page.context().close();
    air.state = 'off';
});

test('a browser that plays no sound unasked shows the picture, and where to tap', async () => {
    goLive();
    const page = await openPage(browser, 'about:blank');
    await page.addInitScript(() => {
        const play = HTMLMediaElement.prototype.play;
        HTMLMediaElement.prototype.play = function () {
            return this.muted ? play.call(this) : Promise.reject(new DOMException('not yet', 'NotAllowedError'));
        };
        addEventListener('click', () => { HTMLMediaElement.prototype.play = play; }, true);
    });
    await page.goto(`${url}/watch/ada?player=own`);
    await until('there is a place to tap', () => control(page, 'tap-to-hear').isVisible());
    assert.equal(await picture(page, (video) => video.muted && !video.paused), true);
    await control(page, 'tap-to-hear').click();
    await until('it is heard', () => picture(page, (video) => !video.muted && !video.paused));
    await until('the button is gone', async () => !(await control(page, 'tap-to-hear').isVisible()));
    await page.context().close();
    air.state = 'off';
});

// SPDX-License-Identifier: MIT
// What a person sees of a weak link, and the choice to receive less. A link that is weak in just one way is
// not to be had here: where a test needs one, it feeds the server's words through the page's own ears.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { control, launch, myId, openPage, until } from './lib/browser.mjs';
import { startProxy, startServer } from './lib/server.mjs';

let server, proxy, browser;

before(async () => {
    server = await startServer();
    proxy = await startProxy(server.url);
    browser = await launch({ colour: 'red', hz: 440 });
});

after(async () => {
    await browser?.close();
    proxy?.stop();
    assert.equal(await server.stop(), 0, server.log());
});

// window.said: all that the page tells the server, either way. window.hear(message): as if the server had said
// it. The server's own figures are kept away, so that a test's are not overtaken by them.
function listenIn() {
    window.said = [];
    const isFigure = ({ data }) => typeof data === 'string' && data.startsWith('{"type":"stats"');
    for (const kind of [WebSocket, RTCDataChannel]) {
        const { send } = kind.prototype;
        kind.prototype.send = function (text) {
            window.said.push(JSON.parse(text));
            return send.call(this, text);
        };
    }
    const handler = Object.getOwnPropertyDescriptor(WebSocket.prototype, 'onmessage');
    Object.defineProperty(WebSocket.prototype, 'onmessage', {
        ...handler,
        set(listener) {
            window.hear = (message) => listener({ data: JSON.stringify(message) });
            handler.set.call(this, (event) => { if (!isFigure(event)) listener(event); });
        },
    });
    const { addEventListener } = EventTarget.prototype;
    RTCDataChannel.prototype.addEventListener = function (type, listener, options) {
        const filtered = type === 'message' ? (event) => { if (!isFigure(event)) listener(event); } : listener;
        return addEventListener.call(this, type, filtered, options);
    };
}

async function enter(room, { origin = server.url, ...options } = {}) {
    const page = await openPage(browser, 'about:blank', options);
    await page.addInitScript(listenIn);
    await page.goto(`${origin}/r/${room}?name=Ada&join=1`);
    await until('joined', () => myId(page));
    await until('media flows', () => page.evaluate(() => window.tessera.pc?.connectionState === 'connected'));
    return page;
}

// A link of which all is well but what the test says.
function stats({ down = {}, up = {}, quality = 'good' } = {}) {
    return {
        type: 'stats',
        down: {
            estimate_kbps: 3000, tier: 0, layers: 3, video: true, thrifty: false, width: 1280, height: 720, fps: 30,
            kbps: 1500, loss: 0, rtt_ms: 45, queue_ms: 0, reason: 'start', receive: 'auto', ...down,
        },
        up: { loss: 0, jitter_ms: 3.1, playout_ms: 28, kbps: 310, ...up },
        quality,
    };
}

const hear = (page, message) => page.evaluate((each) => window.hear(each), message);
const wishes = (page) => page.evaluate(() =>
    window.said.filter(({ type, receive }) => type === 'set' && receive).map(({ receive }) => receive));
const hasPicture = (page) => page.evaluate(() => document.querySelector('[data-testid=composite]').videoWidth > 0);

async function soundGoesOn(page) {
    const played = () => page.evaluate(() => document.getElementById('room-sound').currentTime);
    const start = await played();
    await until('the sound goes on', async () => (await played()) > start + 0.2);
}

test('sound only is told at once, and stands in words where the picture was', async () => {
    const page = await enter('saver');
    await until('a picture', () => hasPicture(page));
    assert.equal(await control(page, 'paused').isVisible(), false);
    await control(page, 'panel').click();
    await control(page, 'receive-select').selectOption('audio');
    await until('the server is told', async () => (await wishes(page)).at(-1) === 'audio');
    assert.match(await control(page, 'paused-words').innerText(), /off to save data/);
    assert.equal(await control(page, 'paused').isVisible(), true);
    assert.equal(await page.locator('#call-receive-select').inputValue(), 'audio', 'the other choice follows');
    await soundGoesOn(page);
    await control(page, 'paused-on').click();
    await until('the server is told', async () => (await wishes(page)).at(-1) === 'auto');
    assert.equal(await control(page, 'receive-select').inputValue(), 'auto');
    await until('the words make room for the picture', async () => !(await control(page, 'paused').isVisible()));
    assert.deepEqual(page.problems, []);
    await page.context().close();
});

test('the choice outlives a reload and a lost connection', async () => {
    const page = await enter('kept', { origin: proxy.url });
    assert.deepEqual(await wishes(page), ['auto']);
    await control(page, 'panel').click();
    await control(page, 'receive-select').selectOption('low');
    await page.reload();
    await until('joined again', () => myId(page));
    assert.deepEqual(await until('it is told', async () => (await wishes(page)).length && wishes(page)), ['low']);
    await control(page, 'panel').click();
    assert.equal(await control(page, 'receive-select').inputValue(), 'low');
    proxy.close();
    await until('the page knows', () => page.evaluate(() => window.tessera.state === 'reconnecting'));
    await control(page, 'receive-select').selectOption('audio');
    proxy.open();
    await until('it is told again', async () => (await wishes(page)).length === 2);
    assert.deepEqual(await wishes(page), ['low', 'audio']);
    await page.reload();
    await until('joined again', () => myId(page));
    assert.match(await control(page, 'paused-words').innerText(), /off to save data/);
    await soundGoesOn(page);
    await page.context().close();
});

test('a link too weak for video is said in words, and the picture comes back by itself', async () => {
    const page = await enter('weak');
    await until('a picture', () => hasPicture(page));
    await hear(page, stats({ down: { video: false, reason: 'link', estimate_kbps: 60 }, quality: 'audio-only' }));
    assert.match(await control(page, 'paused-words').innerText(), /too weak for video.*comes back by itself/);
    assert.equal(await control(page, 'paused-on').isVisible(), false, 'nothing that a button could do');
    assert.equal(await page.evaluate(() => window.tessera.link.down.estimate_kbps), 60);
    assert.equal(await page.getByTestId('panel').locator('.control-warn').count(), 1);
    await soundGoesOn(page);
    await hear(page, stats());
    await until('the picture is back', async () => !(await control(page, 'paused').isVisible()));
    assert.equal(await page.getByTestId('panel').locator('.control-warn').count(), 0);
    await page.context().close();
});

test('the connection panel tells what the server measures, and in words what is wrong', async () => {
    const page = await enter('figures');
    const figure = (key) => control(page, `figure-link-${key}`).innerText();
    await control(page, 'panel').click();
    await hear(page, stats({
        down: { estimate_kbps: 820, tier: 1, width: 640, height: 360, fps: 15, layers: 2, kbps: 340, loss: 0.01, queue_ms: 12, reason: 'link' },
        up: { loss: 0.08 },
        quality: 'fair',
    }));
    await until('the figures', async () => (await figure('estimate')) === '820 kbit/s');
    assert.equal(await figure('tier'), '640 × 360, half rate');
    assert.equal(await figure('layers'), '2 of 3, 15 fps');
    assert.equal(await figure('kbps'), '340 kbit/s');
    assert.equal(await figure('loss'), '1.0 %');
    assert.equal(await figure('rtt'), '45 ms');
    assert.equal(await figure('jitter'), '3 ms');
    assert.equal(await figure('playout'), '28 ms');
    assert.match(await figure('reason'), /download speed/);
    assert.equal(await control(page, 'link-words').innerText(),
        'Your download is slow: picture reduced. Your upload loses 8 % of packets.');
    assert.match(await control(page, 'verdict').innerText(), /The connection is (fair|poor)/);
    await hear(page, stats({ down: { video: false, reason: 'wish', receive: 'audio' }, quality: 'audio-only' }));
    await until('one\'s own choice is no fault', async () => (await control(page, 'link-words').textContent()) === '');
    assert.match(await figure('reason'), /Your choice/);
    await page.context().close();
});

test('whose connection is not good has a mark in the list and on the tile', async () => {
    const page = await enter('marks');
    const id = await myId(page);
    await until('the tile is there', () => page.evaluate(() => window.tessera.layout?.tiles.length === 1));
    await control(page, 'people').click();
    assert.equal(await control(page, `quality-${id}`).count(), 0);
    for (const quality of ['fair', 'poor']) {
        await hear(page, { type: 'member-updated', member: { id, quality } });
        for (const mark of [control(page, `quality-${id}`), control(page, `tile-quality-${id}`)]) {
            assert.equal(await mark.isVisible(), true);
            assert.equal(await mark.getAttribute('aria-label'), `${quality} connection`);
        }
    }
    const [mark, stage] = await Promise.all([control(page, `tile-quality-${id}`).boundingBox(), page.locator('#stage').boundingBox()]);
    assert.ok(mark.x > stage.x + stage.width / 2 && mark.x + mark.width <= stage.x + stage.width, 'it lies within the tile');
    await hear(page, { type: 'member-updated', member: { id, quality: 'good' } });
    assert.equal(await page.locator('.quality').count(), 0);
    await page.context().close();
});

test('the camera obeys an order for its size, rate and rest', async () => {
    const page = await enter('uplink');
    await until('a picture, and with it the server\'s own orders', () => hasPicture(page));
    const encoding = () => page.evaluate(() => window.tessera.pc.getSenders()[1].getParameters().encodings[0]);
    const sent = () => page.evaluate(async () =>
        [...(await window.tessera.pc.getStats()).values()].find(({ type, mid }) => type === 'outbound-rtp' && mid === '1'));
    const order = (camera) => hear(page, { type: 'uplink', camera, screen: { active: false, width: 0, height: 0, fps: 0, kbps: 0 } });
    await order({ active: true, width: 320, height: 180, fps: 10, kbps: 120 });
    await until('it is set', async () => (await encoding()).maxBitrate === 120000);
    const { scaleResolutionDownBy, maxFramerate, active } = await encoding();
    assert.deepEqual({ scaleResolutionDownBy, maxFramerate, active }, { scaleResolutionDownBy: 2, maxFramerate: 10, active: true });
    // Chromium makes it smaller still while it takes the bits for too few.
    await until('the picture that is sent is small', async () => (await sent())?.frameWidth <= 320);
    await order({ active: false, width: 0, height: 0, fps: 0, kbps: 0 });
    await until('it rests', async () => (await encoding()).active === false);
    const resting = (await sent()).framesSent;
    await order({ active: true, width: 640, height: 360, fps: 30, kbps: 500 });
    await until('it goes on', async () => (await sent()).framesSent > resting);
    await order({ active: true, width: 320, height: 180, fps: 30, kbps: 180 });
    await until('half of the camera', async () => (await encoding()).scaleResolutionDownBy === 2);
    await page.evaluate(() => window.tessera.pc.getSenders()[1].track.applyConstraints({ width: { exact: 320 }, height: { exact: 180 } }));
    await until('all of a camera that became smaller', async () => (await encoding()).scaleResolutionDownBy === 1);
    await page.context().close();
});

test('on the smallest phone the choice and the words fit', async () => {
    const page = await enter('small', { viewport: { width: 320, height: 568 }, hasTouch: true, isMobile: true });
    await control(page, 'more').click();
    await control(page, 'settings').click();
    await page.locator('#call-receive-select').selectOption('audio');
    await page.locator('#devices-dialog [data-close-dialog]').click();
    for (const id of ['paused-words', 'paused-on']) {
        const box = await control(page, id).boundingBox();
        assert.ok(box && box.x >= 0 && box.x + box.width <= 320, id);
    }
    await control(page, 'paused-on').tap();
    await until('the server is told', async () => (await wishes(page)).at(-1) === 'auto');
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= 320), true);
    await page.context().close();
});

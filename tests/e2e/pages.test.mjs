// SPDX-License-Identifier: MIT
// The pages around the call, and calls with less than a camera and a microphone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { control, launch, myId, openPage, until } from './lib/browser.mjs';
import { startServer } from './lib/server.mjs';

let server, browser, bare;

before(async () => {
    server = await startServer();
    browser = await launch({ colour: 'yellow' });
    bare = await launch({ devices: false });
});

after(async () => {
    await browser?.close();
    await bare?.close();
    assert.equal(await server.stop(), 0, server.log());
});

test('the front page starts a room and leads to its lobby', async () => {
    const page = await openPage(browser, server.url);
    await control(page, 'start').click();
    await page.waitForURL(/\/r\/[a-z0-9-]+$/);
    await until('the lobby shows', () => control(page, 'join').isVisible());
    assert.deepEqual(page.problems, []);
    await page.context().close();
});

test('a room is joined by its name or by a pasted link', async () => {
    for (const typed of ['Blue Door', `${server.url}/r/blue-door?x=1`]) {
        const page = await openPage(browser, server.url);
        await control(page, 'room').fill(typed);
        await control(page, 'go').click();
        await page.waitForURL(/\/r\/blue-door/);
        await page.context().close();
    }
});

test('no camera, no microphone, no permission: the call works all the same', async () => {
    const page = await openPage(bare, `${server.url}/r/quiet`);
    await control(page, 'name').fill('Quiet');
    await until('the lobby says what is missing', async () =>
        (await control(page, 'notices').textContent()).length > 10);
    await control(page, 'join').click();
    await until('joined', () => myId(page));
    await until('the composite plays', () => page.evaluate(() =>
        document.querySelector('[data-testid=composite]').videoWidth > 0));
    await page.context().close();
});

test('a browser that plays no sound unasked shows the picture, and where to touch for the sound', async () => {
    const strict = await launch({ devices: false, extra: ['--autoplay-policy=document-user-activation-required'] });
    const page = await openPage(strict, 'about:blank');
    // Whatever a test asks of a page counts as a touch of it: so the page is to tell by itself.
    await page.addInitScript(() => new MutationObserver(() => {
        if (document.getElementById('tap-to-hear')?.hidden === false) console.info('a place to touch');
    }).observe(document, { subtree: true, childList: true, attributes: true }));
    const told = page.waitForEvent('console', (message) => message.text() === 'a place to touch');
    await page.goto(`${server.url}/r/strict?name=Ada&join=1`);
    await told;
    const isPaused = (id) => page.evaluate((each) => document.getElementById(each).paused, id);
    await until('the picture moves', async () => !(await isPaused('composite')));
    assert.equal(await isPaused('room-sound'), true);
    await control(page, 'tap-to-hear').click();
    await until('the sound plays', async () => !(await isPaused('room-sound')));
    await until('the button is gone', async () => !(await control(page, 'tap-to-hear').isVisible()));
    await strict.close();
});

test('embed=1 shows the call and its controls, nothing around it', async () => {
    const page = await openPage(browser, `${server.url}/r/inside?name=Ada&join=1&embed=1`);
    await until('the composite plays', () => page.evaluate(() =>
        document.querySelector('[data-testid=composite]').videoWidth > 0));
    assert.equal(await control(page, 'mic').isVisible(), true);
    assert.equal(await control(page, 'invite').isVisible(), false);
    assert.equal(await page.locator('.dock-room').isVisible(), false);
    await page.context().close();
});

test('the connection panel shows figures that move', async () => {
    const page = await openPage(browser, `${server.url}/r/figures?name=Ada&join=1`);
    await until('joined', () => myId(page));
    await control(page, 'panel').click();
    await until('a round trip, a resolution and a bitrate', async () => {
        const text = await control(page, 'panel-figures').innerText();
        return /\d+ ?ms/.test(text) && /1280.{1,3}720/.test(text) && /kbit/i.test(text);
    });
    await page.context().close();
});

test('a phone held upright has every control in reach', async () => {
    const page = await openPage(browser, `${server.url}/r/phone?name=Ada&join=1`, {
        viewport: { width: 390, height: 844 },
        hasTouch: true,
        isMobile: true,
    });
    await until('joined', () => myId(page));
    for (const id of ['mic', 'camera', 'leave', 'chat']) {
        const box = await control(page, id).boundingBox();
        assert.ok(box && box.x >= 0 && box.x + box.width <= 390 && box.y + box.height <= 844, id);
        assert.ok(box.width >= 40 && box.height >= 40, `${id} is large enough for a thumb`);
    }
    await page.context().close();
});

test('keys: m mutes, ? helps, and neither while typing', async () => {
    const page = await openPage(browser, `${server.url}/r/keys?name=Ada&join=1`);
    const id = await until('joined', () => myId(page));
    const isMuted = () => page.evaluate((me) =>
        window.tessera.members.find((member) => member.id === me)?.audio_muted, id);
    await page.keyboard.press('m');
    await until('muted', isMuted);
    await control(page, 'chat').click();
    await control(page, 'chat-input').fill('');
    await control(page, 'chat-input').press('m');
    assert.equal(await isMuted(), true);
    await page.keyboard.press('Escape');
    await page.context().close();
});

test('a page that does not exist is a small page, not a stack trace', async () => {
    const answer = await fetch(`${server.url}/nothing-here`);
    assert.equal(answer.status, 404);
    assert.match(await answer.text(), /<html/);
});

// SPDX-License-Identifier: MIT
// Once with Firefox, over WebDriver BiDi: it joins, sees, and is seen by a Chromium.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import puppeteer from 'puppeteer-core';
import { launch, layoutOf, myId, openPage, tileColour, isColour, until } from './lib/browser.mjs';
import { startServer } from './lib/server.mjs';

let server, chromium, firefox, profile;

before(async () => {
    server = await startServer();
    chromium = await launch({ colour: 'green' });
    profile = await mkdtemp(join(tmpdir(), 'tessera-firefox-'));
    firefox = await puppeteer.launch({
        browser: 'firefox',
        executablePath: '/usr/bin/firefox-esr',
        headless: true,
        userDataDir: profile,
        extraPrefsFirefox: {
            'media.navigator.streams.fake': true,
            'media.navigator.permission.disabled': true,
            'media.peerconnection.ice.loopback': true, // the server is on this machine
            'media.peerconnection.ice.obfuscate_host_addresses': false,
            'media.autoplay.default': 0,
        },
    });
});

after(async () => {
    await firefox?.close();
    await chromium?.close();
    if (profile) await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    assert.equal(await server.stop(), 0, server.log());
});

test('Firefox joins, sees the composite and is seen in it', async () => {
    const watcher = await openPage(chromium, `${server.url}/r/fox?name=Ada&join=1`);
    const ada = await until('Ada joined', () => myId(watcher));
    const page = await firefox.newPage();
    await page.goto(`${server.url}/r/fox?name=Fox&join=1`);
    const fox = await until('Fox joined', () => page.evaluate(() => window.tessera?.id), 30);
    await until('Fox receives the composite', () => page.evaluate(() =>
        document.querySelector('[data-testid=composite]').videoWidth > 0), 30);
    await until('both have a tile', async () => (await layoutOf(watcher)).tiles.length === 2);
    // Firefox's fake camera is one colour that wanders: it is seen when its tile is bright and changes.
    const seen = new Set();
    await until('the tile of Fox changes with its camera', async () => {
        seen.add(JSON.stringify(await tileColour(watcher, fox)));
        return seen.size >= 3;
    }, 30);
    await until('Ada is green in what Fox sees', () => page.evaluate((id) => {
        const video = document.querySelector('[data-testid=composite]');
        const { canvas, tiles } = window.tessera.layout;
        const tile = tiles.find((each) => each.member === id);
        const picture = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d');
        picture.drawImage(video, 0, 0, canvas.width, canvas.height);
        const [r, g, b] = picture.getImageData(tile.x + tile.width / 2, tile.y + tile.height / 3, 1, 1).data;
        return g > 180 && r < 90 && b < 90;
    }, ada), 30);
    assert.ok(isColour(await tileColour(watcher, ada), 'green'));
});

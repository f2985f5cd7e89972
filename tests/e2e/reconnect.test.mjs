// SPDX-License-Identifier: MIT
// What a person notices when the network or the server lets them down.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { control, isColour, launch, myId, openPage, tileColour, until } from './lib/browser.mjs';
import { startProxy, startServer } from './lib/server.mjs';

let server, proxy, browser, other;

before(async () => {
    server = await startServer();
    proxy = await startProxy(server.url);
    browser = await launch({ colour: 'red' });
    other = await launch({ colour: 'green' });
});

after(async () => {
    await browser?.close();
    await other?.close();
    proxy?.stop();
    assert.equal(await server.stop(), 0, server.log());
});

test('a cut socket: the seat and the picture stay, and the page is back by itself', async () => {
    const page = await openPage(browser, `${proxy.url}/r/tunnel?name=Ada&join=1`);
    const watcher = await openPage(other, `${server.url}/r/tunnel?name=Ben&join=1`);
    const id = await until('Ada joined', () => myId(page));
    await until('Ben sees Ada', async () => isColour(await tileColour(watcher, id), 'red'), 30);
    assert.equal(await watcher.evaluate(() => window.tessera.members.length), 2);
    proxy.close();
    await until('the page says that it reconnects', () => control(page, 'banner').isVisible());
    assert.ok(isColour(await tileColour(watcher, id), 'red'), 'the media went on');
    proxy.open();
    await until('the banner is gone', async () => !(await control(page, 'banner').isVisible()));
    assert.equal(await myId(page), id, 'the same seat');
    await until('Ben still sees Ada', async () => isColour(await tileColour(watcher, id), 'red'));
    assert.equal(await watcher.evaluate(() => window.tessera.members.length), 2);
    await page.context().close();
    await watcher.context().close();
});

test('a room that is full says so in words', async () => {
    const small = await startServer('--rooms-members-max', '1');
    const first = await openPage(browser, `${small.url}/r/tiny?name=Ada&join=1`);
    await until('Ada joined', () => myId(first));
    const second = await openPage(other, `${small.url}/r/tiny?name=Ben&join=1`);
    await until('Ben reads that it is full', async () =>
        /full/i.test(await second.evaluate(() => document.body.innerText)));
    await first.context().close();
    await second.context().close();
    assert.equal(await small.stop(), 0);
});

test('a server that shuts down says goodbye to the page', async () => {
    const brief = await startServer();
    const page = await openPage(browser, `${brief.url}/r/brief?name=Ada&join=1`);
    await until('Ada joined', () => myId(page));
    assert.equal(await brief.stop(), 0);
    await until('the page tells of it', () => page.evaluate(() =>
        !document.getElementById('ended').hidden || !document.getElementById('banner').hidden));
    await page.context().close();
});

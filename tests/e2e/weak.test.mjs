// SPDX-License-Identifier: MIT
// Chromium behind a link that gets narrow and wide again: it is given less, is told why in words, and gets all
// back. And in a full room: it sends no more than its tile shows.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { control, launch, openPage, until } from './lib/browser.mjs';
import { startLink, startPeers, startServer } from './lib/server.mjs';

let link, server, near, far;

before(async () => {
    link = await startLink();
    const addresses = link ? `127.0.0.1 ${link.near}` : '127.0.0.1';
    server = await startServer('--listen', '0.0.0.0:0', '--ice-interfaces', addresses);
    near = await launch({ hz: 880 }); // the browser's own test picture: it moves all the time
});

after(async () => {
    await near?.close();
    await far?.close();
    assert.equal(await server.stop(), 0, server.log());
    await link?.stop();
});

async function join(page, name) {
    await control(page, 'name').fill(name);
    await control(page, 'join').click();
    await until(`${name} is in`, () => page.evaluate(() => window.tessera.state === 'joined'));
}

const down = (page) => page.evaluate(() => window.tessera.link?.down ?? {});
const width = (page) => page.evaluate(() => document.querySelector('[data-testid=composite]').videoWidth);

// The machine may have been busy just then: what fails has one more chance, with pages of its own.
async function twice(t, run) {
    const pages = [];
    for (const isLast of [false, true]) {
        try {
            return await run(pages);
        } catch (error) {
            if (isLast) throw error;
            t.diagnostic(`once more: ${error.message}`);
        } finally {
            await Promise.all(pages.splice(0).map((page) => page.context().close()));
            await link?.set('clear');
        }
    }
}

test('a page whose link gets narrow receives less, says why, and gets all back', async (t) => {
    if (!link) return t.skip('network namespaces may not be made here');
    const { port } = new URL(server.url);
    const origin = `http://${link.near}:${port}`;
    far = await launch({
        hz: 440, netns: link.netns, extra: [`--unsafely-treat-insecure-origin-as-secure=${origin}`],
    });
    await twice(t, async (pages) => {
        const other = await openPage(near, `http://127.0.0.1:${port}/r/weak`);
        const page = await openPage(far, `${origin}/r/weak`);
        pages.push(other, page);
        await join(other, 'Near');
        await join(page, 'Far');
        await until('the whole canvas', async () => (await width(page)) === 1280, 30);

        await link.set('both delay=50');
        await link.set('down rate=150 queue=1000');
        await until('a smaller picture', async () => (await down(page)).tier === 2 && (await width(page)) <= 320, 45);
        assert.match((await down(page)).reason, /^(link|loss)$/);
        await control(page, 'panel').click();
        await until('words for it', async () => (await control(page, 'link-words').innerText()).length > 0);
        // Narrow, not blind.
        await until('moving pictures', () => page.evaluate(async () => (await window.tessera.stats()).videoIn?.fps >= 7));

        await link.set('down rate=50 queue=1000');
        await until('sound alone', async () => (await down(page)).video === false, 45);
        await until('words in place of the picture', () => control(page, 'paused-words').isVisible());
        assert.match(await control(page, 'paused-words').innerText(), /too weak for video/);

        await link.set('clear');
        await until('the whole canvas again', async () => (await width(page)) === 1280, 45);
        assert.equal((await down(page)).tier, 0);
    });
});

test('in a room of sixteen a sender goes down to its tile', async (t) => {
    const { port } = new URL(server.url);
    await twice(t, async (pages) => {
        const page = await openPage(near, `http://127.0.0.1:${port}/r/full`);
        pages.push(page);
        const sentWidth = () => page.evaluate(async () => {
            const reports = [...(await window.tessera.pc.getStats()).values()];
            return reports.find((each) => each.type === 'outbound-rtp' && each.kind === 'video' && each.frameWidth)?.frameWidth ?? 0;
        });
        await join(page, 'Near');
        await until('alone it sends all it has', async () => (await sentWidth()) === 640);
        const peers = startPeers(`http://127.0.0.1:${port}`, 'full', 15);
        try {
            await until('sixteen tiles', () => page.evaluate(() => window.tessera.layout?.tiles.length === 16), 60);
            await until('it sends a tile', async () => (await sentWidth()) <= 320, 30);
        } finally {
            await peers.stop();
        }
    });
});

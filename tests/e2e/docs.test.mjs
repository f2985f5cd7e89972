// SPDX-License-Identifier: MIT
// The reference page: everything that is described is on it, and can be found.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { control, launch, openPage, until } from './lib/browser.mjs';
import { startServer } from './lib/server.mjs';

let server, browser, document;

before(async () => {
    server = await startServer();
    browser = await launch({ devices: false });
    document = await (await fetch(`${server.url}/api/v1/openapi.json`)).json();
});

after(async () => {
    await browser?.close();
    assert.equal(await server.stop(), 0, server.log());
});

const operations = () => Object.values(document.paths).flatMap((item) => Object.values(item)).filter((one) => one.operationId);

async function openDocs(options, hash = '') {
    const page = await openPage(browser, `${server.url}/docs${hash}`, options);
    await until('the reference is there', () => page.locator('#createRoom').count());
    return page;
}

test('every operation and every schema has its place, and every link leads to one', async () => {
    const page = await openDocs();
    const ids = await page.evaluate(() => [...window.document.querySelectorAll('[id]')].map(({ id }) => id));
    for (const { operationId } of operations()) assert.ok(ids.includes(operationId), operationId);
    for (const name of Object.keys(document.components.schemas)) assert.ok(ids.includes(`schema-${name}`), name);
    assert.equal(new Set(ids).size, ids.length, 'an id stands there twice');
    const links = await page.evaluate(() => [...window.document.querySelectorAll('a[href^="#"]')].map((a) => a.getAttribute('href').slice(1)));
    assert.deepEqual(links.filter((link) => !ids.includes(link)), []);
    assert.deepEqual(page.problems, []);
    await page.context().close();
});

test('a search leaves what has its words', async () => {
    const page = await openDocs();
    await control(page, 'search').fill('lobby admit');
    const visible = () => page.locator('.docs-operation:visible').evaluateAll((all) => all.map(({ id }) => id));
    assert.deepEqual(await visible(), ['admitAll', 'admit']);
    await control(page, 'search').fill('nothing has this');
    assert.deepEqual(await visible(), []);
    assert.match(await page.locator('#wait').textContent(), /Nothing here/);
    await control(page, 'search').fill('');
    assert.equal((await visible()).length, operations().length);
    assert.deepEqual(page.problems, []);
    await page.context().close();
});

test('an anchor is gone to, also on a phone, and nothing is wider than it', async () => {
    for (const viewport of [{ width: 1280, height: 720 }, { width: 360, height: 740 }]) {
        const page = await openDocs({ viewport }, '#createToken');
        await until('it is in sight', async () => {
            const box = await page.locator('#createToken').boundingBox();
            return box && box.y >= 0 && box.y < 300;
        });
        assert.equal(await page.evaluate(() => window.document.documentElement.scrollWidth), viewport.width);
        assert.deepEqual(page.problems, []);
        await page.context().close();
    }
});

test('light and dark are the person’s choice', async () => {
    const page = await openDocs({ colorScheme: 'light' });
    const theme = () => page.evaluate(() => window.document.documentElement.dataset.theme);
    assert.equal(await theme(), 'light');
    await control(page, 'theme').click();
    assert.equal(await theme(), 'dark');
    await page.context().close();
});

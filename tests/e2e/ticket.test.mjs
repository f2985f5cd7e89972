// SPDX-License-Identifier: MIT
// The addresses of a recording's files, with their tickets: what they open and what not; and the library with the
// API key, which a player cannot send.
import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { control, launch, openPage, until } from './lib/browser.mjs';
import { ask } from './lib/http.mjs';
import { startServer } from './lib/server.mjs';

const BYTES = 40000;
let server, browser, film, another;

const json = async (path, init = {}) => {
    const answer = await server.api(path, { ...init, headers: { 'content-type': 'application/json' } });
    assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.clone().text()}`);
    return answer.json();
};

async function record(room) {
    await json('/rooms', { method: 'POST', body: JSON.stringify({ id: room, title: room }) });
    const { id } = await json(`/rooms/${room}/recordings`, { method: 'POST', body: JSON.stringify({ title: room }) });
    await until('enough is written', async () => (await json(`/recordings/${id}`)).bytes > BYTES, 60);
    await json(`/recordings/${id}`, { method: 'PATCH', body: '{"state":"stopped"}' });
    return until('it is whole, with its poster', async () => {
        const found = await json(`/recordings/${id}`);
        return found.ended_at && found.poster && found;
    });
}

before(async () => {
    server = await startServer('--recordings-floor-mb', '1', '--log-level', 'debug');
    browser = await launch({ devices: false });
    [film, another] = await Promise.all([record('blue'), record('green')]);
});

after(async () => {
    await browser?.close();
    assert.equal(await server.stop(), 0, server.log());
});

const ticketOf = ({ media }) => new URL(media, server.url).searchParams.get('ticket');
const get = (path, init) => ask(server.url + path, init);
const codeOf = ({ status, body }) => `${status} ${body.length ? JSON.parse(body).code : ''}`;

test('the address of each file opens it, whole and in part, to be read', async () => {
    const whole = await get(film.media);
    assert.equal(whole.status, 200);
    assert.equal(whole.body.length, film.bytes);
    assert.equal(whole.headers['referrer-policy'], 'no-referrer');
    assert.match(whole.headers['cache-control'], /private/);
    const part = await get(film.media, { headers: { range: 'bytes=100-199' } });
    assert.equal(part.status, 206);
    assert.deepEqual(part.body, whole.body.subarray(100, 200));
    assert.equal((await get(film.media, { method: 'HEAD' })).status, 200);
    assert.match((await get(`${film.media}&download=1`)).headers['content-disposition'], /^attachment/);
    assert.equal((await get(film.poster)).headers['content-type'], 'image/jpeg');
    for (const name of ['sheet.jpg', 'chapters.vtt', 'chat.vtt', 'details.json']) {
        await until(`${name} is there`, async () => (await get(film.media.replace('/media?', `/${name}?`))).status === 200); // drawn one by one
    }
});

test('it opens nothing else', async () => {
    const [mine, others] = [film, another].map(ticketOf);
    const base = `/api/v1/recordings/${film.id}`;
    assert.notEqual(mine, others);
    assert.equal(codeOf(await get(`${base}/media?ticket=${others}`)), '404 recording-not-found');
    assert.equal(codeOf(await get(`${base}/media`)), '401 sign-in-required');
    assert.equal(codeOf(await get(`${base}?ticket=${mine}`)), '403 not-allowed');
    assert.equal(codeOf(await get(`${base}?ticket=${mine}`, { method: 'DELETE' })), '403 not-allowed');
    assert.equal(codeOf(await get(`${base}/media?ticket=${mine}`, { method: 'DELETE' })), '405 method-not-allowed');
    assert.equal(codeOf(await get(`/api/v1/recordings?ticket=${mine}`)), '403 not-allowed');
    assert.equal(codeOf(await get(`/api/v1/rooms/blue?ticket=${mine}`)), '403 not-allowed');
    assert.equal(codeOf(await get(`${base}/media?ticket=${mine.slice(0, -1)}${mine.endsWith('A') ? 'B' : 'A'}`)), '401 ticket-bad');
    const [id, expiry, mac] = mine.split('.');
    assert.equal(codeOf(await get(`${base}/media?ticket=${id}.${Number(expiry) + 3600}.${mac}`)), '401 ticket-bad');
});

test('it is the same each time, for hours, wherever the recording is shown', async () => {
    const hour = 3600;
    const expiry = Number(ticketOf(film).split('.')[1]);
    const shown = [await json(`/recordings/${film.id}`), ...(await json('/recordings')).recordings, ...(await json('/rooms/blue/recordings')).recordings]
        .filter(({ id }) => id === film.id);
    assert.equal(shown.length, 3);
    for (const each of shown) {
        const other = Number(ticketOf(each).split('.')[1]);
        assert.ok(other === expiry || other === expiry + hour, 'the same, unless the hour has just turned');
        assert.equal(new URL(each.poster, server.url).searchParams.get('ticket'), ticketOf(each));
    }
    assert.equal(expiry % hour, 0);
    const left = expiry - Date.now() / 1000;
    assert.ok(left > 5.9 * hour && left <= 7 * hour, `${left} s`);
});

test('who records, and events, get none', async () => {
    const { events } = await json('/events?after=0&wait=0');
    const told = events.filter(({ type }) => type.startsWith('recording-'));
    assert.ok(told.length >= 2);
    assert.equal(JSON.stringify(told).includes('ticket'), false);
    const { id, media } = await json('/rooms/green/recordings', { method: 'POST', body: '{"container":"ogg"}' });
    assert.equal(media, `/api/v1/recordings/${id}/media`);
    await json(`/recordings/${id}`, { method: 'PATCH', body: '{"state":"stopped"}' });
});

// What the page asks for of a recording's files.
function listen(page) {
    const requests = [];
    page.on('request', (request) => {
        if (/\/recordings\/[^/?]+\/[a-z]+/.test(request.url())) requests.push(request);
    });
    return requests;
}

async function openLibrary(page) {
    await control(page, 'key').fill('test-key');
    await control(page, 'key-go').click();
}

test('with the key the page plays by the ticket, part by part, whatever the size', async () => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    const page = await context.newPage();
    const requests = listen(page);
    // A file of a terabyte, as far as the page knows.
    await page.route('**/api/v1/recordings?*', async (route) => {
        const answer = await route.fetch();
        const body = await answer.json();
        for (const each of body.recordings) each.bytes = 1e12;
        await route.fulfill({ response: answer, json: body });
    });
    await page.goto(`${server.url}/recordings#${film.id}`);
    await openLibrary(page);
    const media = control(page, 'media');
    await until('it plays', () => media.evaluate((video) => { video.muted = true; video.play(); return video.currentTime > 0.2; }));
    const asked = await Promise.all(requests.filter((request) => request.url().includes(`${film.id}/media`)).map(async (request) => ({ url: request.url(), ...await request.allHeaders() })));
    assert.ok(asked.length > 0);
    for (const { url, range, authorization } of asked) {
        assert.equal(url, server.url + film.media);
        assert.match(range, /^bytes=\d+-/);
        assert.equal(authorization, undefined);
    }
    const answers = await Promise.all(requests.filter((request) => request.url().includes(`${film.id}/media`)).map((request) => request.response()));
    assert.ok(answers.some((answer) => answer?.status() === 206));
    await until('the poster of the card is a picture', () => page.locator(`[data-recording="${film.id}"] img`).first().evaluate((image) => image.naturalWidth > 100));
    assert.equal((await media.evaluate((video) => video.poster)), server.url + film.poster);
    assert.equal(await page.evaluate(() => document.querySelectorAll('[src^="blob:"], [href^="blob:"]').length), 0);
    await context.close();
});

test('with the key the page downloads by the ticket', async () => {
    const page = await openPage(browser, `${server.url}/recordings#${film.id}`);
    await until('the door is there', () => control(page, 'recordings-door').isVisible());
    page.problems.length = 0; // that nobody has signed in
    await openLibrary(page);
    const link = control(page, 'recording-download');
    const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
    assert.match(download.suggestedFilename(), /^blue \d{4}-\d\d-\d\d .*\.webm$/);
    const path = await download.path();
    assert.equal((await stat(path)).size, film.bytes);
    assert.deepEqual(await readFile(path), (await get(film.media)).body);
    assert.deepEqual(page.problems, []);
    await page.context().close();
});

test('a page of somebody else shows it by its address', async () => {
    const other = http.createServer((request, response) => {
        response.setHeader('content-type', 'text/html');
        response.end(request.url === '/' ? `<!doctype html><video muted autoplay src="${server.url}${film.media}"></video>` : '');
    });
    await new Promise((resolve) => { other.listen(0, '127.0.0.1', resolve); });
    const page = await openPage(browser, `http://localhost:${other.address().port}/`);
    await until('it plays', () => page.locator('video').evaluate((video) => video.currentTime > 0.2));
    await page.context().close();
    other.closeAllConnections();
    other.close();
});

test('a ticket of what was deleted opens nothing, and none is in the log', async () => {
    assert.equal((await server.api(`/recordings/${film.id}`, { method: 'DELETE' })).status, 204);
    assert.equal(codeOf(await get(film.media)), '404 recording-not-found');
    assert.equal(codeOf(await get(film.poster)), '404 recording-not-found');
    assert.match(server.log(), new RegExp(`/api/v1/recordings/${film.id}/media`), 'requests are logged');
    for (const each of [film, another]) assert.equal(server.log().includes(ticketOf(each)), false);
    assert.equal(server.log().includes('ticket='), false);
});

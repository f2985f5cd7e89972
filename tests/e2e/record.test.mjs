// SPDX-License-Identifier: MIT
// A call that is recorded: who may, what everybody sees, the file in the library, played, sought in, deleted; and the
// same call on the page for an audience.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { control, launch, myId, openPage, until } from './lib/browser.mjs';
import { startServer } from './lib/server.mjs';

const password = 'mosaic of seven words';
const SECONDS = 8; // of the recording, pause not counted
const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
let server, browser, other, ada, ben, library, film;

before(async () => {
    server = await startServer('--recordings-floor-mb', '1', '--webhooks-private-targets', 'true');
    browser = await launch({ colour: 'red', hz: 440 });
    other = await launch({ colour: 'green', hz: 1000 });
    const answer = await server.api('/users', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ login: 'ada', password, name: 'Ada', email: 'ada@example.org' }),
    });
    assert.equal(answer.status, 201, await answer.text());
});

after(async () => {
    await browser?.close();
    await other?.close();
    assert.equal(await server.stop(), 0, server.log());
});

const recordingOf = (page) => page.evaluate(() => window.tessera.recording);
const badge = (page) => control(page, 'recording');
const json = async (path, init) => {
    const answer = await server.api(path, init);
    assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.clone().text()}`);
    return answer.json();
};

// What the badge's clock shows, in seconds.
async function clock(page) {
    const parts = (await control(page, 'recording-time').innerText()).split(':').map(Number);
    return parts.reduce((sum, part) => sum * 60 + part, 0);
}

async function openRecord(page) {
    if (!(await control(page, 'record').isVisible())) await control(page, 'more').click();
    await control(page, 'record').click();
    await until('the dialog is open', () => control(page, 'record-dialog').isVisible());
}

test('a moderator starts a recording; everybody reads it, also who comes later', async () => {
    const signIn = await openPage(browser, `${server.url}/sign-in?next=/r/ada%3Fname%3DAda%26join%3D1`);
    await control(signIn, 'login').fill('ada');
    await control(signIn, 'password').fill(password);
    await control(signIn, 'sign-go').click();
    ada = signIn;
    await until('Ada joined', () => myId(ada));
    assert.ok(await ada.evaluate(() => window.tessera.role === 'moderator'));
    ben = await openPage(other, `${server.url}/r/ada?name=Ben&join=1`);
    await until('Ben joined', () => myId(ben));
    assert.equal(await badge(ada).isVisible(), false);
    await openRecord(ada);
    await control(ada, 'record-name').fill('A <b>walk</b>');
    await control(ada, 'record-start').click();
    for (const page of [ada, ben]) {
        await until('the badge is there', () => badge(page).isVisible());
        assert.match(await badge(page).innerText(), /^Recording/);
        await until('it is said', async () => /being recorded/.test(await control(page, 'toast').innerText()));
    }
    await until('the dialog is gone', async () => !(await control(ada, 'record-dialog').isVisible()));
    const late = await openPage(other, `${server.url}/r/ada?name=Cleo&join=1`, phone);
    await until('who comes later sees it, too', () => badge(late).isVisible());
    await until('and reads it', async () => /being recorded/.test(await control(late, 'toast').innerText()));
    await late.context().close();
});

test('a member without the right sees why not', async () => {
    const button = control(ben, 'record');
    assert.equal(await button.getAttribute('aria-disabled'), 'true');
    assert.match(await button.getAttribute('aria-description'), /moderator/);
    await button.click({ force: true });
    await until('it is said', async () => /may not record/.test(await control(ben, 'toast').innerText()));
    assert.equal(await control(ben, 'record-dialog').isVisible(), false);
});

test('a pause is seen by all, and the clock stands meanwhile', async () => {
    await until('some seconds are recorded', async () => (await clock(ada)) >= SECONDS / 2, 30);
    await openRecord(ada);
    await control(ada, 'record-pause').click();
    for (const page of [ada, ben]) await until('it says so', async () => /paused/.test(await badge(page).innerText()));
    const stood = await clock(ada);
    const began = await ada.evaluate(() => performance.now());
    await until('two seconds go by', async () => (await ada.evaluate(() => performance.now())) > began + 2000);
    assert.ok(await clock(ada) <= stood + 1, 'the clock stands');
    await control(ada, 'record-pause').click();
    for (const page of [ada, ben]) await until('it goes on', async () => !/paused/.test(await badge(page).innerText()));
    await until('enough is recorded', async () => (await clock(ada)) >= SECONDS, 30);
});

test('stopped is stopped, not by a slip, and everybody reads it', async () => {
    await control(ada, 'record-stop').click();
    await control(ada, 'ask-no').click();
    assert.equal((await recordingOf(ada)).state, 'recording');
    await control(ada, 'record-stop').click();
    await control(ada, 'ask-yes').click();
    for (const page of [ada, ben]) {
        await until('the badge is gone', async () => !(await badge(page).isVisible()));
        await until('it is said', async () => /was stopped/.test(await control(page, 'toast').innerText()));
    }
    film = await until('the file is whole', async () => {
        const { recordings } = await json('/recordings');
        assert.equal(recordings.length, 1);
        const [{ state, ended_at: endedAt }] = recordings;
        assert.ok(state === 'finished' || state === 'finishing', state);
        assert.equal(Boolean(endedAt), state === 'finished');
        return state === 'finished' && recordings[0];
    });
    assert.equal(film.room, 'ada');
    assert.ok(film.duration_seconds >= SECONDS - 1 && film.duration_seconds < SECONDS + 8, JSON.stringify(film));
    assert.equal(film.costs, 'packets');
});

test('the library has its card, its poster is a picture', async () => {
    film = await until('the poster is drawn', async () => {
        const each = await json(`/recordings/${film.id}`);
        return each.poster && each;
    });
    const poster = await server.api(film.poster.replace('/api/v1', ''));
    assert.equal(poster.headers.get('content-type'), 'image/jpeg');
    const bytes = new Uint8Array(await poster.arrayBuffer());
    assert.deepEqual([...bytes.slice(0, 3)], [0xff, 0xd8, 0xff]);
    library = await ada.context().newPage();
    await watchMedia(library);
    await library.goto(`${server.url}/home#recordings`);
    const card = library.locator(`[data-recording="${film.id}"]`);
    await until('home lists it', () => card.isVisible());
    await card.getByTestId('recording-open').click();
    await library.waitForURL(/\/recordings#/);
    await until('the card is there', () => library.getByTestId('recordings').locator('[data-recording]').isVisible());
    assert.match(await card.innerText(), /A <b>walk<\/b>/, 'a title is text');
    await until('with its poster', () => card.locator('img').first().evaluate((image) => image.naturalWidth > 100));
});

// Every MediaError there is, whatever the page makes of it.
const watchMedia = (page) => page.addInitScript(() => {
    window.mediaErrors = [];
    document.addEventListener('error', ({ target }) => {
        if (target instanceof HTMLMediaElement) window.mediaErrors.push(`${target.error?.code} ${target.error?.message}`);
    }, true);
});
const mediaErrors = (page) => page.evaluate(() => window.mediaErrors);
const noteOf = (page) => page.locator('.player-note').evaluateAll((notes) => notes.map((note) => `${note.title} ${note.textContent}`));

test('while it is being finished the page says so, and loads it when it is whole', async () => {
    const page = await ada.context().newPage();
    await watchMedia(page);
    const fetched = [];
    page.on('request', (request) => { if (request.url().includes('/media')) fetched.push(request.url()); });
    let isWhole = false;
    await page.route(/\/api\/v1\/recordings\?/, async (route) => {
        const response = await route.fetch();
        const body = await response.json();
        if (!isWhole) for (const each of body.recordings) Object.assign(each, { state: 'finishing', ended_at: null, poster: null });
        await route.fulfill({ response, json: body });
    });
    await page.goto(`${server.url}/recordings#${film.id}`);
    await until('it says so', async () => (await noteOf(page)).some((note) => note.includes('Finishing…')));
    assert.match(await page.locator(`[data-recording="${film.id}"]`).innerText(), /Finishing…/);
    assert.equal(await control(page, 'media').count(), 0);
    assert.equal(await control(page, 'recording-download').count() + await control(page, 'recording-delete').count(), 0);
    assert.deepEqual(fetched, []);
    isWhole = true;
    await until('it is loaded by itself', () => control(page, 'media').evaluate((video) => Number.isFinite(video.duration) && video.duration > 0));
    await until('and can be taken', () => control(page, 'recording-download').isVisible());
    assert.deepEqual(await noteOf(page), []);
    assert.deepEqual(await mediaErrors(page), []);
    await page.close();
});

test('it plays, its length is known, it seeks to its middle', async () => {
    const media = control(library, 'media');
    await until('its length is known', () => media.evaluate((video) => Number.isFinite(video.duration) && video.duration > 0));
    assert.deepEqual(await noteOf(library), []);
    const length = await media.evaluate((video) => video.duration);
    assert.ok(Math.abs(length - film.duration_seconds) < 0.5, `${length} of ${film.duration_seconds}`);
    await media.evaluate((video) => { video.muted = true; video.play(); });
    await until('it plays, or says why not', async () => (await noteOf(library)).length > 0
        || media.evaluate((video) => video.currentTime > 0.5 && video.videoWidth > 0));
    assert.deepEqual(await noteOf(library), []);
    // Paused: playing on would get there too, in time.
    await media.evaluate((video) => video.pause());
    const decoded = () => media.evaluate((video) => video.getVideoPlaybackQuality().totalVideoFrames);
    const before = await decoded();
    await media.evaluate((video) => { video.currentTime = video.duration / 2; });
    await until('it is in the middle', () => media.evaluate((video) => !video.seeking && video.readyState >= 2
        && Math.abs(video.currentTime - video.duration / 2) < 0.1));
    await until('with a picture of there', async () => (await decoded()) > before);
    const brightest = await media.evaluate((video) => {
        const pen = new OffscreenCanvas(32, 18).getContext('2d');
        pen.drawImage(video, 0, 0, 32, 18);
        return Math.max(...pen.getImageData(0, 0, 32, 18).data.filter((_value, index) => index % 4 < 3));
    });
    assert.ok(brightest > 100, `${brightest}`);
    await media.evaluate((video) => video.play());
    await until('and plays on', () => media.evaluate((video) => video.currentTime > video.duration / 2 + 0.5 || video.ended));
    assert.equal(await media.evaluate((video) => video.error), null);
});

test('it plays each time, from the beginning, also on a busy machine', async () => {
    for (let i = 0; i < 10; i++) {
        const page = await ada.context().newPage();
        await watchMedia(page);
        await page.goto(`${server.url}/recordings#${film.id}`);
        const media = control(page, 'media');
        await until('its length is known', () => media.evaluate((video) => Number.isFinite(video.duration) && video.duration > 0));
        await media.evaluate((video) => { video.muted = true; video.play(); });
        await until('it plays, or says why not', async () => (await mediaErrors(page)).length > 0
            || media.evaluate((video) => video.currentTime > 0.2 && video.videoWidth > 0));
        assert.deepEqual(await mediaErrors(page), []);
        await page.close();
    }
});

test('chapters are listed and lead to their place', async () => {
    const chapters = control(library, 'chapters');
    await until('they are listed', () => chapters.isVisible());
    assert.match(await chapters.innerText(), /Cleo|Ben/);
    const last = chapters.locator('button').last();
    const at = Number(await last.getAttribute('data-at'));
    await last.click();
    await until('it is there', () => control(library, 'media').evaluate((video, wanted) => Math.abs(video.currentTime - wanted) < 3, at));
});

test('the download has a name that says what it is', async () => {
    const link = control(library, 'recording-download');
    assert.match(await link.getAttribute('download'), /^A b walk b \d{4}-\d\d-\d\d .*\.webm$/);
    const head = await server.api(`/recordings/${film.id}/media?download=1`, { method: 'HEAD' });
    assert.match(head.headers.get('content-disposition'), /attachment/);
    assert.equal(Number(head.headers.get('content-length')), film.bytes);
});

test('the operator finds and plays it with the key; a stranger finds a door', async () => {
    const page = await openPage(other, `${server.url}/recordings#${film.id}`);
    await until('a stranger is asked who they are', () => control(page, 'recordings-door').isVisible());
    await control(page, 'key').fill('wrong-key');
    await control(page, 'key-go').click();
    await until('the key is refused', async () => (await control(page, 'key-error').innerText()).length > 5);
    await control(page, 'key').fill('test-key');
    await control(page, 'key-go').click();
    await until('the player has it', () => control(page, 'media').evaluate((video) => Number.isFinite(video.duration) && video.duration > 0));
    assert.equal(await page.evaluate(() => JSON.stringify(localStorage).includes('test-key')), false);
    await page.context().close();
});

test('it can be deleted, but not by a slip', async () => {
    await control(library, 'recording-delete').click();
    await control(library, 'ask-no').click();
    assert.ok((await server.api(`/recordings/${film.id}`)).ok);
    await control(library, 'recording-delete').click();
    await control(library, 'ask-yes').click();
    await until('nothing is left', () => control(library, 'nothing').isVisible());
    assert.equal((await server.api(`/recordings/${film.id}`)).status, 404);
    assert.deepEqual(library.problems ?? [], []);
    assert.deepEqual(await mediaErrors(library), []);
    await library.close();
});

test('the page for an audience waits, then shows pictures that move, by either player', async () => {
    const pages = [];
    for (const player of ['own', 'any']) {
        const page = await openPage(other, `${server.url}/watch/ada?player=${player}`);
        await until('it says that nothing is live', async () => (await page.evaluate(() => window.tessera.state)) === 'waiting');
        pages.push(page);
    }
    if (!(await control(ada, 'live').isVisible())) await control(ada, 'more').click();
    await control(ada, 'live').click();
    await control(ada, 'live-page-start').click();
    const link = control(ada, 'live-link');
    await until('the moderator gets the link', () => link.isVisible());
    assert.equal(await link.inputValue(), `${server.url}/watch/ada`);
    for (const page of pages) {
        await until('it is live', async () => (await page.evaluate(() => window.tessera.state)) === 'live', 45);
        const shown = () => page.evaluate(() => document.querySelector('[data-testid=picture]').getVideoPlaybackQuality().totalVideoFrames);
        const first = await shown();
        await until('pictures move', async () => (await shown()) > first + 20, 30);
    }
    await control(ada, 'live-stop').click();
    await until('it is over', async () => (await ada.evaluate(() => window.tessera.broadcasts)).length === 0);
    for (const page of pages) {
        await until('the page says so, and waits', () => page.evaluate(() => ['over', 'waiting'].includes(window.tessera.state)), 45);
        await page.context().close();
    }
});

test('a stream key is sent, and never shown again', async () => {
    await control(ada, 'live-url').fill('http://example.org/app');
    await control(ada, 'live-push-start').click();
    assert.match(await control(ada, 'live-url-error').innerText(), /rtmp/);
    await control(ada, 'live-url').fill('rtmp://127.0.0.1:9/app');
    await control(ada, 'live-key').fill('very-secret');
    await control(ada, 'live-push-start').click();
    await until('it is listed', () => control(ada, 'live-runs').isVisible());
    assert.match(await control(ada, 'live-runs').innerText(), /rtmp:\/\/127\.0\.0\.1:9\/app\/\*+/);
    assert.equal(await control(ada, 'live-key').inputValue(), '');
    assert.equal(await ada.evaluate(() => JSON.stringify(window.tessera.broadcasts).includes('very-secret')), false);
    await control(ada, 'live-stop').click();
    await until('it is gone', async () => (await ada.evaluate(() => window.tessera.broadcasts)).length === 0);
    assert.equal(server.log().includes('very-secret'), false);
    await ada.context().close();
    await ben.context().close();
});

test('a disk without room is said before anything begins', async () => {
    const full = await startServer('--recordings-floor-mb', '100000000');
    const page = await openPage(browser, `${full.url}/r/full?name=Ada&join=1`);
    await until('Ada joined', () => myId(page));
    await openRecord(page);
    await control(page, 'record-start').click();
    await until('it is said in the dialog', async () => /disk/.test(await control(page, 'record-error').innerText()));
    assert.equal(await badge(page).isVisible(), false);
    await page.context().close();
    assert.equal(await full.stop(), 0);
});

// SPDX-License-Identifier: MIT
// People with accounts, by the pages: signing in, one's own room, meetings, leaving; and the operator's page.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { control, launch, myId, openPage, until } from './lib/browser.mjs';
import { startServer } from './lib/server.mjs';

const password = 'mosaic of seven words';
const evil = '<img src=x onerror=window.hit=1>';
let server, browser, page;

before(async () => {
    server = await startServer('--auth-sign-up', 'true');
    browser = await launch({ colour: 'blue' });
    const answer = await server.api('/users', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ login: 'ada', password, name: evil, email: 'ada@example.org' }),
    });
    assert.equal(answer.status, 201, await answer.text());
});

after(async () => {
    await browser?.close();
    assert.equal(await server.stop(), 0, server.log());
});

// A cookie-bearing page of its own, signed in by the form.
async function signIn(login = 'ada', secret = password) {
    const fresh = await openPage(browser, `${server.url}/sign-in`);
    await control(fresh, 'login').fill(login);
    await control(fresh, 'password').fill(secret);
    await control(fresh, 'sign-go').click();
    return fresh;
}

const api = (where, path) => where.evaluate(async (wanted) => {
    const answer = await fetch(`/api/v1${wanted}`);
    return { status: answer.status, body: await answer.json().catch(() => null) };
}, path);

// Whatever was typed as HTML is on the page as text.
async function isPlainText(where) {
    assert.equal(await where.evaluate(() => document.querySelectorAll('img[src="x"]').length), 0);
    assert.equal(await where.evaluate(() => window.hit), undefined);
}

test('home asks strangers to sign in; a wrong password is said, the right one leads home', async () => {
    page = await openPage(browser, `${server.url}/home`);
    await page.waitForURL(/\/sign-in/);
    await control(page, 'login').fill('ada');
    await control(page, 'password').fill('not this one');
    await control(page, 'sign-go').click();
    await until('it is said', async () => (await control(page, 'sign-error').innerText()).length > 10);
    await control(page, 'password').fill(password);
    await control(page, 'sign-go').click();
    await page.waitForURL(/\/home/);
    await until('the room\'s link is there', async () => (await control(page, 'room-link').inputValue()) === `${server.url}/r/ada`);
    assert.equal(await page.evaluate(() => document.cookie), '', 'no script can read the sign-in');
});

test('the settings of my room are kept', async () => {
    await control(page, 'room-title').fill(evil);
    await control(page, 'room-lobby').setChecked(true);
    await control(page, 'room-layout').selectOption('speaker');
    await control(page, 'room-pin').fill('1234');
    await control(page, 'room-save').click();
    await until('saved', async () => /saved/i.test(await control(page, 'toast').innerText()));
    await page.reload();
    await until('the title is back', async () => (await control(page, 'room-title').inputValue()) === evil);
    assert.equal(await control(page, 'room-lobby').isChecked(), true);
    assert.equal(await control(page, 'room-layout').inputValue(), 'speaker');
    assert.equal(await control(page, 'room-pin').inputValue(), '', 'the PIN is never told');
    assert.ok(await control(page, 'room-pin-off').isVisible());
    const { body } = await api(page, '/rooms/ada');
    assert.equal(body.has_pin, true);
    await isPlainText(page);
});

test('in my room I am the moderator, whoever came first', async () => {
    const call = await page.context().newPage();
    await call.goto(`${server.url}/r/ada?name=${encodeURIComponent(evil)}&join=1`);
    await until('joined', () => myId(call));
    assert.equal(await call.evaluate(() => window.tessera.role), 'moderator');
    await control(call, 'leave').click();
    await until('left', async () => (await control(call, 'ended-title').innerText()).length > 0);
    await call.close();
});

test('a meeting is planned, changed, taken to the calendar, called off', async () => {
    await control(page, 'tab-meetings').click();
    await control(page, 'meeting-plan').click();
    await control(page, 'meeting-save').click();
    await until('a title is wanted', async () => (await page.locator('#meeting-title-error').innerText()).length > 5);
    await control(page, 'meeting-title').fill(`Review ${evil}`);
    await control(page, 'meeting-date').fill('2099-03-04');
    await control(page, 'meeting-time').fill('10:30');
    await control(page, 'meeting-minutes').fill('50');
    await control(page, 'meeting-invitees').fill(`ben@example.org\n${evil}`);
    await control(page, 'meeting-notes').fill('Bring numbers.');
    await control(page, 'meeting-save').click();
    const card = control(page, 'meetings-list').locator('li.card');
    await until('it is in the list', async () => (await card.count()) === 1);
    assert.ok((await card.innerText()).includes(`Review ${evil}`));
    assert.ok((await card.locator('.chips').innerText()).includes('ben@example.org'));
    await isPlainText(page);

    const { body } = await api(page, '/meetings');
    const [meeting] = body.meetings;
    const here = await page.evaluate(() => new Date('2099-03-04T10:30').getTime());
    assert.equal(Date.parse(meeting.starts_at), here, 'the time is that of this place');
    assert.equal(meeting.minutes, 50);

    const [file] = await Promise.all([page.waitForEvent('download'), control(page, 'meeting-ics').click()]);
    const text = await readFile(await file.path(), 'utf8');
    assert.match(file.suggestedFilename(), /\.ics$/);
    assert.match(text, /^BEGIN:VCALENDAR\r\n/);
    assert.match(text, /SUMMARY:Review/);

    await control(page, 'meeting-edit').click();
    await control(page, 'meeting-title').fill('Review, moved');
    await control(page, 'meeting-save').click();
    await until('it has its new name', async () => /moved/.test(await card.innerText()));
    assert.match(await control(page, 'meeting-start').getAttribute('href'), /\/r\//);

    await card.getByRole('button', { name: /^Call off/ }).click();
    await control(page, 'ask-yes').click();
    await until('it is gone', async () => (await card.count()) === 0);
});

test('the history tells who was there', async () => {
    await control(page, 'tab-history').click();
    const list = control(page, 'history-list');
    await until('the call is there', async () => {
        await page.evaluate(() => dispatchEvent(new HashChangeEvent('hashchange')));
        return (await list.locator('li.card').count()) >= 1;
    });
    await until('opened, it names who was there', async () => {
        const details = list.locator('details').first();
        if (!(await details.evaluate((each) => each.open))) await details.locator('summary').click();
        return (await list.innerText()).includes(evil);
    });
    await isPlainText(page);
});

test('the front page leads to my room, and for strangers to the sign-in', async () => {
    const front = await page.context().newPage();
    await front.goto(server.url);
    await until('the way home', () => control(front, 'to-home').isVisible());
    await front.close();
    const stranger = await openPage(browser, server.url);
    assert.ok(await control(stranger, 'to-sign-in').isVisible());
    assert.deepEqual(stranger.problems, []);
    await stranger.context().close();
});

test('open sign-up: an account is made and is signed in at once', async () => {
    const fresh = await openPage(browser, `${server.url}/sign-in`);
    await control(fresh, 'to-sign-up').click();
    await fresh.waitForURL(/\?new/);
    await control(fresh, 'login').fill('ada');
    await control(fresh, 'password').fill(password);
    await control(fresh, 'sign-go').click();
    await until('the name is taken', async () => /\S/.test(await fresh.locator('.field-error:not(:empty)').first().innerText()));
    await control(fresh, 'login').fill('ben');
    await control(fresh, 'display-name').fill('Ben');
    await control(fresh, 'sign-go').click();
    await fresh.waitForURL(/\/home/);
    await control(fresh, 'tab-account').click();
    await control(fresh, 'account-delete').click();
    assert.equal(await control(fresh, 'ask-yes').isDisabled(), true, 'not by a slip');
    await control(fresh, 'ask-typed').fill('ben');
    await control(fresh, 'ask-yes').click();
    await fresh.waitForURL(`${server.url}/`);
    await fresh.context().close();
    const gone = await signIn('ben');
    await until('there is no Ben', async () => (await control(gone, 'sign-error').innerText()).length > 10);
    await gone.context().close();
});

test('where sign-up is closed the page says so before anything is typed', async () => {
    const closed = await startServer();
    const fresh = await openPage(browser, `${closed.url}/sign-in`);
    await control(fresh, 'to-sign-up').click();
    await until('it is said', async () => (await control(fresh, 'sign-up-answer').innerText()).length > 10);
    assert.match(fresh.url(), /sign-in$/);
    await fresh.context().close();
    assert.equal(await closed.stop(), 0);
});

test('signed out everywhere is signed out here and there', async () => {
    const second = await signIn();
    await second.waitForURL(/\/home/);
    await control(page, 'tab-account').click();
    await control(page, 'sign-out-all').click();
    await page.waitForURL(/\/sign-in/);
    assert.equal((await api(page, '/session')).status, 401);
    assert.equal((await api(second, '/session')).status, 401);
    await second.reload();
    await second.waitForURL(/\/sign-in/);
    await second.context().close();
});

test('the operator sees the rooms, their picture, their people, and can mute and remove', async () => {
    const guest = await openPage(browser, `${server.url}/r/shown?name=${encodeURIComponent(evil)}&join=1`);
    const id = await until('the guest joined', () => myId(guest));
    const admin = await openPage(browser, `${server.url}/admin`);
    await control(admin, 'key').fill('wrong-key');
    await control(admin, 'key-go').click();
    await until('the key is refused', async () => (await control(admin, 'key-error').innerText()).length > 5);
    await control(admin, 'key').fill('test-key');
    await control(admin, 'key-go').click();
    const card = admin.locator('[data-room=shown]');
    await until('the room is shown', () => card.isVisible());
    await until('with its picture', () => card.locator('img').evaluate((image) => image.naturalWidth > 100));
    assert.match(await control(admin, 'admin-stats').innerText(), /Rooms/);
    const before = await card.locator('img').getAttribute('src');
    await until('the picture is taken again', async () => (await card.locator('img').getAttribute('src')) !== before);
    await card.getByTestId('admin-open').click();
    const row = card.locator(`[data-member=${id}]`);
    await until('the guest is in it', async () => (await row.innerText()).includes(evil));
    await row.getByTestId('admin-mute').click();
    await until('the guest is muted', async () => /moderator muted you/i.test(await control(guest, 'toast').innerText()));
    await until('it is told as it happens', async () => /member-updated/.test(await control(admin, 'admin-tail').innerText()));
    await card.getByTestId('admin-kick').click();
    await control(admin, 'ask-yes').click();
    await until('the guest reads it', async () => /removed/i.test(await control(guest, 'ended-title').innerText()));
    await isPlainText(admin);
    assert.equal(await admin.evaluate(() => JSON.stringify(localStorage).includes('test-key')), false);
    await admin.context().close();
    await guest.context().close();
});

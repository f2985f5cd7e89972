// SPDX-License-Identifier: MIT
// A moderator and their guests: through the lobby, muted, in the spotlight, laid out, locked out, removed.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compositePixel, control, isColour, launch, layoutOf, myId, openPage, toneLevels, until } from './lib/browser.mjs';
import { writeMicrophone } from './lib/fakes.mjs';
import { startServer } from './lib/server.mjs';

const guestName = '<img src=x onerror=window.hit=1>';
let server, browser, other, ada, ben;

before(async () => {
    server = await startServer();
    browser = await launch({ colour: 'red', hz: 440 });
    other = await launch({ colour: 'green', hz: 1000 });
});

after(async () => {
    await browser?.close();
    await other?.close();
    assert.equal(await server.stop(), 0, server.log());
});

const stateOf = (page) => page.evaluate(() => window.tessera.state);
const infoOf = (page) => page.evaluate(() => window.tessera.info);
const memberOf = (page, id) =>
    page.evaluate((wanted) => window.tessera.members.find((member) => member.id === wanted), id);
const enter = (from, room, name) =>
    openPage(from, `${server.url}/r/${room}?name=${encodeURIComponent(name)}&join=1`);

async function showPeople(page) {
    if (!(await control(page, 'people-list').isVisible())) await control(page, 'people').click();
}

// The tools under a person's row, opened.
async function toolsOf(page, id) {
    await showPeople(page);
    const tools = page.locator(`#tools-${id}`);
    if (!(await tools.isVisible())) await control(page, `person-${id}`).click();
    return tools;
}

// A settings switch of the room, by its dialog.
async function setSwitch(page, name, isOn) {
    await showPeople(page);
    await control(page, 'room-settings').click();
    await control(page, `room-${name}`).setChecked(isOn);
    await control(page, 'room-save').click();
    await until(`the room's ${name} is ${isOn}`, async () => (await infoOf(page))[name] === isOn);
}

test('who opens a room moderates it; a guest waits until they are let in', async () => {
    ada = await enter(browser, 'study', 'Ada');
    await until('Ada joined', () => myId(ada));
    assert.equal(await ada.evaluate(() => window.tessera.role), 'moderator');
    await setSwitch(ada, 'lobby', true);

    ben = await enter(other, 'study', guestName);
    await until('Ben waits', async () => (await stateOf(ben)) === 'waiting');
    assert.ok(await control(ben, 'gate').isVisible());
    await until('Ada sees who waits', () => control(ada, 'waiting-list').isVisible());
    assert.match(await control(ada, 'people').getAttribute('aria-label'), /1 waiting/);
    assert.ok((await control(ada, 'waiting-list').innerText()).includes(guestName), 'HTML in a name is text');
    await control(ada, 'waiting-list').getByRole('button', { name: /^Let/ }).click();
    await until('Ben is in', async () => (await stateOf(ben)) === 'joined');
    assert.equal(await ben.evaluate(() => window.tessera.role), 'member');
    await until('nobody waits any more', async () => !(await control(ada, 'people-waiting').isVisible()));
    const id = await myId(ben);
    await until('Ben is in the list', async () => (await control(ada, 'people-list').innerText()).includes(guestName));
    assert.equal(await ada.locator('#people-list img, #waiting-list img').count(), 0);
    assert.equal(await ada.evaluate(() => window.hit), undefined);
    assert.ok(id);
});

test('who is refused reads so, and that is the end of it', async () => {
    const eve = await enter(other, 'study', 'Eve');
    await until('Eve waits', async () => (await stateOf(eve)) === 'waiting');
    await control(ada, 'waiting-list').getByRole('button', { name: /^Do not let/ }).click();
    await until('Eve reads it', async () => /not let in/i.test(await control(eve, 'ended-title').innerText()));
    assert.equal(await stateOf(eve), 'ended');
    assert.equal(await control(eve, 'left-again').isVisible(), false);
    await eve.context().close();
    await setSwitch(ada, 'lobby', false);
});

test('a muted guest is silent, is told, and may speak again', async () => {
    const id = await myId(ben);
    const isSilent = () => ben.evaluate(() => window.tessera.pc.getSenders()[0].track?.enabled === false);
    const tools = await toolsOf(ada, id);
    await tools.getByTestId('tool-mute').click();
    await until('Ben is told', async () => /moderator muted you/i.test(await control(ben, 'toast').innerText()));
    await until('the microphone is off', isSilent);
    assert.match(await control(ben, 'mic').getAttribute('aria-label'), /turn on/i);
    await until('Ada sees it', async () => (await memberOf(ada, id)).audio_muted);
    assert.equal(await tools.getByTestId('tool-mute').getAttribute('aria-disabled'), 'true');
    assert.match(await tools.getByTestId('tool-mute').getAttribute('title'), /only they/i);
    await control(ben, 'mic').click();
    await until('Ben speaks again', async () => !(await isSilent()));
    await until('Ada sees that, too', async () => !(await memberOf(ada, id)).audio_muted);
});

test('the layout menu shows what is, and lays out anew', async () => {
    await control(ada, 'layout').click();
    const wanted = control(ada, 'layout-sidebar');
    assert.equal(await wanted.getAttribute('aria-pressed'), 'false');
    await wanted.click();
    await until('everyone has the sidebar', async () => (await layoutOf(ben))?.name === 'sidebar');
    await control(ada, 'layout').click();
    await until('the menu marks it', async () => (await wanted.getAttribute('aria-pressed')) === 'true');
    await ada.keyboard.press('Escape');
});

test('a guest may look at the layouts, and is told why they cannot choose', async () => {
    await control(ben, 'layout').click();
    assert.match(await control(ben, 'layout-dialog').innerText(), /only a moderator/i);
    await control(ben, 'layout-grid').click({ force: true }); // it says of itself that it cannot be used
    await until('the reason is said', async () => /only a moderator/i.test(await control(ben, 'toast').innerText()));
    assert.equal((await layoutOf(ben)).name, 'sidebar');
    await ben.keyboard.press('Escape');
});

test('in the spotlight is whom a moderator chooses; without one all is as it was before', async () => {
    const id = await myId(ben);
    const size = (layout, member) => {
        const tile = layout.tiles.find((each) => each.member === member);
        return tile.width * tile.height;
    };
    const tools = await toolsOf(ada, id);
    await tools.getByTestId('tool-spotlight').click();
    await until('Ben is the large one, for everyone', async () => {
        const layout = await layoutOf(ada);
        return layout.name === 'spotlight' && size(layout, id) > 2 * size(layout, await myId(ada));
    });
    assert.equal((await memberOf(ada, id)).spotlight, true);
    assert.equal(await tools.getByTestId('tool-spotlight').getAttribute('aria-pressed'), 'true');
    await tools.getByTestId('tool-spotlight').click();
    await until('the sidebar is back', async () => (await layoutOf(ada)).name === 'sidebar');
    await control(ada, 'layout').click();
    await control(ada, 'layout-grid').click();
    await until('and the grid, when it is asked for', async () => (await layoutOf(ben)).name === 'grid');
});

test('raised hands stand in their order, and a moderator can lower one', async () => {
    const id = await myId(ben);
    await control(ben, 'hand').click();
    await until('Ada sees the hand', async () => (await memberOf(ada, id)).hand);
    await control(ada, 'hand').click();
    await showPeople(ada);
    await until('Ben comes first', async () =>
        (await ada.locator('#people-list > li').first().getAttribute('data-member')) === id);
    await control(ada, 'hand').click();
    await (await toolsOf(ada, id)).getByTestId('tool-lower-hand').click();
    await until('Ben\'s hand is down', async () => !(await memberOf(ben, id)).hand);
});

test('a locked room says so to who comes late', async () => {
    await showPeople(ada);
    await control(ada, 'lock').click();
    await until('it is locked', async () => (await infoOf(ada)).locked);
    const late = await enter(other, 'study', 'Late');
    await until('the late one reads it', async () => /locked/i.test(await late.evaluate(() => document.body.innerText)));
    assert.equal(await stateOf(late), 'ended');
    await late.context().close();
    await control(ada, 'lock').click();
    await until('it is open again', async () => !(await infoOf(ada)).locked);
});

test('a room with a PIN asks for it, and says when it is wrong', async () => {
    await showPeople(ada);
    await control(ada, 'room-settings').click();
    await control(ada, 'room-pin').fill('2468');
    await control(ada, 'room-save').click();
    await until('it has a PIN', async () => (await infoOf(ada)).has_pin);
    const guest = await enter(other, 'study', 'Cleo');
    await until('the PIN is asked for', () => control(guest, 'pin').isVisible());
    await control(guest, 'pin').fill('1111');
    await control(guest, 'pin-go').click();
    await until('it was wrong', async () => (await control(guest, 'pin-error').innerText()).length > 5);
    await control(guest, 'pin').fill('2468');
    await control(guest, 'pin-go').click();
    await until('Cleo is in', async () => (await stateOf(guest)) === 'joined');
    await guest.context().close();
    await control(ada, 'room-settings').click();
    await control(ada, 'room-pin-off').click();
    await control(ada, 'room-save').click();
    await until('it has none', async () => !(await infoOf(ada)).has_pin);
});

test('a moderator puts pictures up, without any account', async () => {
    const painter = await openPage(browser, 'about:blank', { viewport: { width: 320, height: 180 } });
    await painter.setContent('<body style="background: #0000ff">');
    const file = { name: 'blue.png', mimeType: 'image/png', buffer: await painter.screenshot() };
    await painter.context().close();
    const isBlue = async () => isColour(await compositePixel(ben, 640, 30), 'blue');
    await showPeople(ada);
    await control(ada, 'room-settings').click();
    assert.match(await control(ada, 'pictures-hint').innerText(), /8\.4 MB/);
    assert.equal(await control(ada, 'picture-background-remove').isVisible(), false);
    assert.equal(await isBlue(), false);
    await control(ada, 'picture-background').setInputFiles(file);
    await until('Ben sees it behind the tiles', isBlue);
    assert.match(await control(ada, 'media-state').innerText(), /^Background/);
    await control(ada, 'picture-background-remove').click();
    await until('and then no more', async () => !(await isBlue()));
    for (const [slot, has] of [['logo', 'has_logo'], ['banner', 'has_banner_picture']]) {
        await control(ada, `picture-${slot}`).setInputFiles(file);
        await until(`the ${slot} can be removed`, () => control(ada, `picture-${slot}-remove`).isVisible());
        await until('everybody knows', async () => (await infoOf(ben)).theme[has]);
        await control(ada, `picture-${slot}-remove`).click();
        await until(`the ${slot} is gone`, async () => !(await control(ada, `picture-${slot}-remove`).isVisible()));
    }
});

test('a file that will not do is refused in words', async () => {
    const words = control(ada, 'media-error');
    for (const [mimeType, size, why] of [['image/png', 100, /no picture that could be read/], ['text/plain', 100, /must be image\/png/], ['image/png', 9e6, /8\.4 MB are allowed/]]) {
        await control(ada, 'picture-logo').setInputFiles({ name: 'logo', mimeType, buffer: Buffer.alloc(size) });
        await until(`it is said: ${why}`, async () => why.test(await words.innerText()));
    }
    assert.equal((await infoOf(ada)).theme.has_logo, false);
    ada.problems = ada.problems.filter((problem) => !/status of 4(15|22)/.test(problem)); // the browser's own word for it
});

test('an announcement is heard by everyone, as loud as is wanted', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'tessera-announcement-'));
    await control(ada, 'announce-file').setInputFiles(await writeMicrophone(join(dir, 'gong.wav'), 2500, { seconds: 20 }));
    assert.equal(await control(ada, 'announce-name').innerText(), 'gong.wav');
    const hears = async () => (await toneLevels(ben, [2500]))[0];
    assert.ok(await hears() < -75);
    await control(ada, 'announce-play').click();
    await until('Ben hears it', async () => (await hears()) > -60);
    await control(ada, 'announce-stop').click();
    await until('and then no more', async () => (await hears()) < -75);
    await control(ada, 'announce-volume').fill('0');
    await control(ada, 'announce-play').click();
    await until('it is said', async () => /hears it/.test(await control(ada, 'media-state').innerText()));
    await ada.keyboard.press('Escape');
    await rm(dir, { recursive: true });
});

test('who watches is not asked for devices, and is only counted', async () => {
    const page = await openPage(other, 'about:blank');
    await page.addInitScript(() => {
        window.asked = 0;
        const original = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = (wish) => {
            window.asked++;
            return original(wish);
        };
    });
    await page.goto(`${server.url}/r/study?watch&name=Vera&join=1`);
    await until('Vera watches', async () => (await stateOf(page)) === 'joined');
    await until('the picture plays', () => page.evaluate(() =>
        document.querySelector('[data-testid=composite]').videoWidth > 0), 30);
    assert.equal(await page.evaluate(() => window.asked), 0);
    assert.equal(await control(page, 'mic').isVisible(), false);
    assert.equal(await control(page, 'camera').isVisible(), false);
    assert.equal(await ada.evaluate(() => window.tessera.members.length), 2, 'no row of her own');
    await showPeople(ada);
    await until('she is counted', async () => /1 watching/.test(await ada.locator('#people-count').innerText()));

    const id = await myId(page);
    const row = ada.locator(`[data-viewer="${id}"]`);
    await until('Ada reads her name', async () => (await row.innerText()).includes('Vera'));
    assert.equal(await control(ben, 'people-viewers').isVisible(), false, 'nobody else does');
    await control(ada, `take-part-${id}`).click();
    await until('Vera is told', async () => /take part as a member/i.test(await control(page, 'toast').innerText()));
    assert.ok(await control(page, 'mic').isVisible());
    await until('she has a row of her own', async () => (await memberOf(ada, id))?.role === 'member');
    await until('and is not among those who watch', async () => !(await control(ada, 'people-viewers').isVisible()));
    await (await toolsOf(ada, id)).getByTestId('tool-role').selectOption('viewer');
    await until('Vera watches again', async () => (await page.evaluate(() => window.tessera.role)) === 'viewer');
    await until('and is listed as such', () => row.isVisible());
    assert.equal((await ada.evaluate(() => window.tessera.members)).length, 2);
    await page.context().close();
    await until('until she leaves', async () => !(await control(ada, 'people-viewers').isVisible()));
});

test('a link with a token makes a moderator, and does not stay in the address bar', async () => {
    const answer = await server.api('/tokens', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ room: 'study', name: 'Grace', role: 'moderator' }),
    });
    const { token } = await answer.json();
    assert.equal(answer.status, 201);
    const page = await openPage(other, `${server.url}/r/study?join=1#token=${token}`);
    for (const when of ['at first', 'after a reload']) {
        await until(`Grace is in, ${when}`, async () => (await stateOf(page)) === 'joined');
        assert.equal(await page.evaluate(() => window.tessera.role), 'moderator', when);
        assert.equal(await page.evaluate(() => location.hash), '', when);
        assert.ok((await page.evaluate(() => window.tessera.members.map((each) => each.name))).includes('Grace'));
        if (when === 'at first') await page.reload();
    }
    await page.context().close();
    await until('she is gone', async () => (await ada.evaluate(() => window.tessera.members.length)) === 2);
});

test('a link with a broken token is refused in words', async () => {
    const page = await openPage(other, `${server.url}/r/study?name=Eve&join=1#token=aaaa.bbbb.cccc`);
    await until('it is said', async () => /link/i.test(await control(page, 'ended-title').innerText()));
    await page.context().close();
});

test('who is removed reads that and why, is gone for the others, and stays out for as long', async () => {
    const id = await myId(ben);
    const why = 'Too loud, <b>sorry</b>. إلى اللقاء';
    await (await toolsOf(ada, id)).getByTestId('tool-kick').click();
    await control(ada, 'kick-reason').fill(why);
    await control(ada, 'ask-no').click();
    assert.equal(await stateOf(ben), 'joined');
    await (await toolsOf(ada, id)).getByTestId('tool-kick').click();
    assert.equal(await control(ada, 'kick-reason').inputValue(), '', 'it is asked anew');
    assert.equal(await control(ada, 'kick-ban').inputValue(), '0');
    await control(ada, 'kick-reason').fill(why);
    await control(ada, 'kick-ban').selectOption('600');
    await control(ada, 'ask-yes').click();
    await until('Ben reads it', async () => /removed/i.test(await control(ben, 'ended-title').innerText()));
    assert.equal(await control(ben, 'ended-reason').innerText(), why);
    const { bans } = await (await server.api('/rooms/study/bans')).json();
    assert.deepEqual(bans.map(({ reason }) => reason), [why]);
    const left = Date.parse(bans[0].until) - Date.now();
    assert.ok(left > 500e3 && left <= 600e3, `${left} ms`);
    const again = await enter(other, 'study', guestName);
    await until('he cannot come back', async () => /cannot come in/i.test(await control(again, 'ended-title').innerText()));
    await again.context().close();
    assert.equal((await server.api(`/rooms/study/bans/${bans[0].id}`, { method: 'DELETE' })).status, 204);
    await until('Ada is alone', async () => (await ada.evaluate(() => window.tessera.members.length)) === 1);
    await ben.context().close();
});

test('a moderator ends the call for everyone, but not by a slip', async () => {
    const guest = await enter(other, 'study', 'Dora');
    await until('Dora is in', async () => (await stateOf(guest)) === 'joined');
    const askForEnd = async () => {
        await control(ada, 'more').click();
        await control(ada, 'end').click();
    };
    await askForEnd();
    await control(ada, 'ask-no').click();
    assert.equal(await stateOf(guest), 'joined');
    await askForEnd();
    await control(ada, 'ask-yes').click();
    for (const page of [ada, guest])
        await until('it is over', async () => /closed/i.test(await control(page, 'ended-title').innerText()));
    assert.deepEqual(ada.problems, []);
    await guest.context().close();
    await ada.context().close();
});

// A server of its own: the others' rooms shall stay where they are.
for (const signal of ['SIGTERM', 'SIGKILL']) {
    test(`a page comes back to its seat and role when the server restarts (${signal})`, async () => {
        const own = await startServer();
        const [ada, ben] = await Promise.all(['Ada', 'Ben'].map(() => openPage(browser, 'about:blank')));
        await ada.goto(`${own.url}/r/restart?name=Ada&join=1`);
        const adaId = await until('Ada joined', () => myId(ada));
        await ben.goto(`${own.url}/r/restart?name=Ben&join=1`);
        const benId = await until('Ben joined', () => myId(ben));
        await own.restart(signal);
        for (const [page, id, role] of [[ada, adaId, 'moderator'], [ben, benId, 'member']]) {
            await until(`${id} is back`, async () => (await stateOf(page)) === 'joined' && (await myId(page)) === id);
            await until(`${id} is what it was`, async () => (await page.evaluate(() => window.tessera.role)) === role);
            await until('the picture is back', () => page.evaluate(() => window.tessera.pc?.connectionState === 'connected'));
            await until('nothing is said of it any more', async () => !(await control(page, 'banner').isVisible()));
        }
        assert.equal((await (await own.api('/rooms/restart/members')).json()).members.length, 2);
        await Promise.all([ada, ben].map((page) => page.context().close()));
        assert.equal(await own.stop(), 0);
    });
}

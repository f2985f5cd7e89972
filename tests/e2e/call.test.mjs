// SPDX-License-Identifier: MIT
// Three people in a call, each a Chromium with a camera of one colour and a microphone of one tone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
    compositePixel, control, isColour, launch, layoutOf, myId, openPage, tileColour, toneLevels, until,
} from './lib/browser.mjs';
import { startServer } from './lib/server.mjs';

const people = [
    { name: 'Ada', colour: 'red', hz: 440 },
    { name: 'Ben', colour: 'green', hz: 1000 },
    { name: 'Cleo', colour: 'blue', hz: 2300 },
];
let server;

before(async () => {
    server = await startServer();
    for (const person of people) person.browser = await launch(person);
});

after(async () => {
    for (const person of people) await person.browser?.close();
    assert.equal(await server.stop(), 0, server.log());
});

const joinAll = async () => {
    // The first through the lobby, like a person; the others by a link that goes straight in.
    const [ada, ...others] = people;
    ada.page = await openPage(ada.browser, `${server.url}/r/blue-door`);
    await control(ada.page, 'name').fill(ada.name);
    await control(ada.page, 'join').click();
    for (const person of others)
        person.page = await openPage(person.browser, `${server.url}/r/blue-door?name=${person.name}&join=1`);
    for (const person of people) person.id = await until(`${person.name} joined`, () => myId(person.page));
};

test('from the lobby to a call: everyone sees everyone in the tile that layout names', async () => {
    await joinAll();
    for (const watcher of people)
        for (const shown of people)
            await until(`${watcher.name} sees ${shown.name} ${shown.colour}`, async () =>
                isColour(await tileColour(watcher.page, shown.id), shown.colour), 30);
    const layout = await layoutOf(people[0].page);
    assert.equal(layout.tiles.length, 3);
    assert.equal(layout.canvas.width, 1280);
});

test('the own tile is drawn over with the local camera, at the tile\'s place', async () => {
    const [{ page, id }] = people;
    const rects = await until('the self view is placed', () => page.evaluate((me) => {
        const self = document.querySelector('[data-testid=self]').getBoundingClientRect();
        const video = document.querySelector('[data-testid=composite]').getBoundingClientRect();
        const { canvas, tiles } = window.tessera.layout;
        const tile = tiles.find((each) => each.member === me && each.kind === 'camera');
        const scale = Math.min(video.width / canvas.width, video.height / canvas.height);
        const left = video.x + (video.width - canvas.width * scale) / 2;
        const top = video.y + (video.height - canvas.height * scale) / 2;
        return self.width && {
            is: [self.x, self.y, self.width, self.height],
            wanted: [left + tile.x * scale, top + tile.y * scale, tile.width * scale, tile.height * scale],
        };
    }, id));
    rects.is.forEach((value, i) => assert.ok(Math.abs(value - rects.wanted[i]) < 4, JSON.stringify(rects)));
    const isPlaying = await page.evaluate(() => {
        const video = document.querySelector('[data-testid=self] video');
        return video.videoWidth > 0 && !video.paused;
    });
    assert.ok(isPlaying, 'the local camera plays in the self view');
});

test('each hears the others and never itself', async () => {
    const tones = people.map((person) => person.hz);
    for (const [me, person] of people.entries())
        await until(`${person.name} hears the other two, not itself`, async () => {
            const levels = await toneLevels(person.page, tones);
            const others = levels.filter((_, i) => i !== me);
            return Math.min(...others) > -60 && levels[me] < Math.min(...others) - 25;
        }, 30);
});

test('every page knows who speaks', async () => {
    const { page } = people[0];
    const speaking = await until('somebody speaks', () =>
        page.evaluate(() => window.tessera.speaking.length > 0 && window.tessera.speaking));
    assert.ok(speaking.every((id) => people.some((person) => person.id === id)));
});

test('a chat message reaches everybody over the data channel, as the text it is', async () => {
    const [ada, ben, cleo] = people;
    await ada.page.evaluate(() => {
        window.saidOnSocket = 0;
        const send = WebSocket.prototype.send;
        WebSocket.prototype.send = function (text) {
            if (text.includes('"chat"')) window.saidOnSocket++;
            return send.call(this, text);
        };
    });
    await control(ada.page, 'chat').click();
    await control(ada.page, 'chat-input').fill('Hello <b>world</b> 👋');
    await control(ada.page, 'chat-send').click();
    for (const person of [ada, ben, cleo])
        await until(`${person.name} reads it`, async () =>
            (await control(person.page, 'chat-log').textContent()).includes('Hello <b>world</b> 👋'));
    const isMarkup = await ben.page.evaluate(() =>
        [...document.querySelectorAll('[data-testid=chat-log] b')].some((each) => each.textContent === 'world'));
    assert.equal(isMarkup, false);
    assert.equal(await ada.page.evaluate(() => window.saidOnSocket), 0, 'it went over the data channel');
});

test('someone who comes later reads what was said', async () => {
    const page = await openPage(people[0].browser, `${server.url}/r/blue-door?name=Dora&join=1`);
    await until('Dora reads the history', async () =>
        (await control(page, 'chat-log').textContent()).includes('Hello <b>world</b>'));
    await control(page, 'leave').click();
    await until('the others see that Dora left', async () =>
        (await people[1].page.evaluate(() => window.tessera.members.length)) === 3);
    await page.context().close();
});

test('a muted microphone falls silent for the others, and comes back', async () => {
    const [, ben, cleo] = people;
    await control(ben.page, 'mic').click();
    await until('Cleo hears Ben no more', async () => (await toneLevels(cleo.page, [ben.hz]))[0] < -75);
    const isMarked = await cleo.page.evaluate((id) =>
        window.tessera.members.find((member) => member.id === id).audio_muted, ben.id);
    assert.equal(isMarked, true);
    await control(ben.page, 'mic').click();
    await until('Cleo hears Ben again', async () => (await toneLevels(cleo.page, [ben.hz]))[0] > -60);
});

test('a camera switched off shows the avatar, and comes back', async () => {
    const [ada, ben] = people;
    await control(ben.page, 'camera').click();
    await until('Ben is green no more', async () => !isColour(await tileColour(ada.page, ben.id), 'green', 90));
    await control(ben.page, 'camera').click();
    await until('Ben is green again', async () => isColour(await tileColour(ada.page, ben.id), 'green'), 30);
});

test('a shared screen takes the large tile and gives it back', async () => {
    const [ada, ben] = people;
    // A headless browser has no screen to choose: a canvas stands in for the capture, the way is real.
    await ben.page.evaluate(() => {
        navigator.mediaDevices.getDisplayMedia = async () => {
            const canvas = Object.assign(document.createElement('canvas'), { width: 1280, height: 720 });
            const context = canvas.getContext('2d');
            setInterval(() => {
                context.fillStyle = '#ffff00';
                context.fillRect(0, 0, 1280, 720);
                context.fillStyle = '#000000';
                context.fillRect(0, 0, Math.random() * 40, 20);
            }, 100);
            return canvas.captureStream(10);
        };
    });
    await control(ben.page, 'screen').click();
    await until('the screen is yellow and large', async () => {
        const layout = await layoutOf(ada.page);
        const tile = layout.tiles.find((each) => each.kind === 'screen' && each.member === ben.id);
        return tile && tile.width >= 640 && isColour(await tileColour(ada.page, ben.id, 'screen'), 'yellow', 80);
    }, 30);
    await control(ben.page, 'screen').click();
    await until('the screen is gone', async () =>
        !(await layoutOf(ada.page)).tiles.some((each) => each.kind === 'screen'));
});

test('a sender goes down to the size of its tile', async () => {
    const [ada] = people;
    await until('the camera is sent at its tile\'s size', () => ada.page.evaluate(async (me) => {
        const { layout, pc } = window.tessera;
        const tile = layout.tiles.find((each) => each.member === me && each.kind === 'camera');
        const reports = [...(await pc.getStats()).values()];
        const sent = reports.find((each) => each.type === 'outbound-rtp' && each.kind === 'video' && each.frameWidth);
        return sent && sent.frameWidth <= tile.width * 1.34 && sent.frameWidth < 640 + 1;
    }, ada.id));
});

test('a kicked member reads why; the others go on', async () => {
    const page = await openPage(people[0].browser, `${server.url}/r/blue-door?name=Eve&join=1`);
    const id = await until('Eve joined', () => myId(page));
    const answer = await server.api(`/rooms/blue-door/members/${id}`, { method: 'DELETE' });
    assert.equal(answer.status, 204);
    await until('Eve is told', async () => (await control(page, 'ended-title').textContent()).length > 0);
    await page.context().close();
});

test('a snapshot over REST is a JPEG of the composite', async () => {
    const answer = await server.api('/rooms/blue-door/snapshot.jpg');
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('content-type'), 'image/jpeg');
    const jpeg = Buffer.from(await answer.arrayBuffer());
    assert.equal(jpeg.readUInt16BE(0), 0xffd8);
    assert.ok(jpeg.length > 3000);
});

test('who leaves is gone from the picture at once', async () => {
    const [ada, ben, cleo] = people;
    await control(cleo.page, 'leave').click();
    for (const person of [ada, ben])
        await until(`${person.name} sees two tiles`, async () =>
            (await layoutOf(person.page)).tiles.length === 2, 5);
    await until('the picture has no blue any more', async () => {
        for (let x = 40; x < 1280; x += 80)
            for (let y = 40; y < 720; y += 80)
                if (isColour(await compositePixel(ada.page, x, y), 'blue')) return false;
        return true;
    });
});

test('no page had an error on its console', () => {
    for (const person of people) assert.deepEqual(person.page.problems, [], person.name);
});

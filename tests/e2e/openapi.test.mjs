// SPDX-License-Identifier: MIT
// The description of the API is held against the server: every operation gives every answer that it declares,
// each of the declared shape and with a declared code; and there is no route that is not described.
import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { ask, handshake, hold, openMember } from './lib/http.mjs';
import { resolve, schemaFaults } from './lib/schema.mjs';
import { startServer } from './lib/server.mjs';

const SECRET = 'the-shared-secret-of-the-openapi-tests';
const PASSWORD = 'correct horse battery staple';
const KEY = 'test-key';

// wide has room for everything; tight reaches each of its limits at once.
let wide, tight, document;
const members = []; // to be closed in the end
const world = {};   // what the operations are tried on

const json = (answer) => JSON.parse(answer.body);
const bearer = (secret) => ({ authorization: `Bearer ${secret}` });

async function call(method, path, body, secret = KEY, server = wide) {
    const answer = await ask(server.url + path, {
        method,
        headers: { ...bearer(secret), ...(body ? { 'content-type': 'application/json' } : {}) },
        body: body && JSON.stringify(body),
    });
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.body}`);
    return answer.body.length ? json(answer) : null;
}

// As any backend would.
function joinToken(claims) {
    const part = (object) => Buffer.from(JSON.stringify(object)).toString('base64url');
    const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ exp: Math.floor(Date.now() / 1000) + 600, ...claims })}`;
    return `${text}.${createHmac('sha256', SECRET).update(text).digest('base64url')}`;
}

const freshRoom = async (more = {}) => (await call('POST', '/api/v1/rooms', more)).id;

async function freshMember(room, more = {}) {
    const member = await openMember(wide.url, { room, name: 'Mia', ...more });
    members.push(member);
    return member;
}

async function freshUser() {
    const login = `u-${randomUUID().slice(0, 8)}`;
    await call('POST', '/api/v1/users', { login, password: PASSWORD });
    const { secret } = await call('POST', '/api/v1/session', { login, password: PASSWORD });
    return { login, secret };
}

async function someoneWaiting() {
    const room = await freshRoom({ lobby: true });
    await (await freshMember(room)).heard('waiting');
    const { waiting } = await call('GET', `/api/v1/rooms/${room}/lobby`);
    return { room, id: waiting[0].id };
}

async function someoneBanned() {
    const room = await freshRoom();
    const { id } = await (await freshMember(room)).heard('joined');
    await call('DELETE', `/api/v1/rooms/${room}/members/${id}`, { ban: 60, reason: 'Enough.' });
    const { bans } = await call('GET', `/api/v1/rooms/${room}/bans`);
    return { room, id: bans[0].id };
}

// A call in the user's own room, still going on.
async function runningCall() {
    const user = await freshUser();
    const member = await freshMember(user.login, { token: joinToken({ room: user.login, role: 'moderator' }) });
    await member.heard('joined');
    const { calls } = await call('GET', '/api/v1/calls', undefined, user.secret);
    return { ...user, call: String(calls[0].id) };
}

async function endedCall() {
    const running = await runningCall();
    await call('DELETE', `/api/v1/rooms/${running.login}`);
    return running;
}

const meeting = () => ({ title: 'Plans', starts_at: '2031-01-02T10:00:00Z', minutes: 30, invitees: ['bob@example.org'] });
const freshMeeting = async () => String((await call('POST', '/api/v1/meetings', meeting(), world.user.secret)).id);
const freshHook = async () => (await call('POST', '/api/v1/webhooks', { url: 'http://127.0.0.1:9/hook', events: ['*'] })).id;

function picture() {
    const chunk = (type, data) => {
        const body = Buffer.concat([Buffer.from(type), data]);
        const out = Buffer.alloc(body.length + 8);
        out.writeUInt32BE(data.length);
        body.copy(out, 4);
        out.writeUInt32BE(crcOf(body), body.length + 4);
        return out;
    };
    const head = Buffer.from([0, 0, 0, 16, 0, 0, 0, 16, 8, 2, 0, 0, 0]);
    const rows = Buffer.alloc(16 * (1 + 16 * 3), 0x40);
    for (let row = 0; row < 16; row++) rows[row * 49] = 0;
    return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', head), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}

function crcOf(bytes) {
    let crc = ~0;
    for (const byte of bytes) {
        crc ^= byte;
        for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
    }
    return ~crc >>> 0;
}

// A quarter of a second of silence.
function sound() {
    const head = Buffer.alloc(44);
    const bytes = 24000;
    head.write('RIFF', 0);
    head.writeUInt32LE(36 + bytes, 4);
    head.write('WAVEfmt ', 8);
    [16, 0x00010001, 48000, 96000, 0x00100002].forEach((value, i) => head.writeUInt32LE(value, 16 + 4 * i));
    head.write('data', 36);
    head.writeUInt32LE(bytes, 40);
    return Buffer.concat([head, Buffer.alloc(bytes)]);
}

// ---- how answers are provoked ----
//
// An operation has a request that succeeds, and for each other status a function that makes of it one (or
// several) that gives this status. A request: {params, query, headers, body, as, server}; as: the credential,
// null for none. A body that is no Buffer and no string is sent as JSON.

const auth = {
    401: (good) => [{ ...good, as: null }, { ...good, as: 'not-the-key' }],
    403: (good) => [{ ...good, as: joinToken({ room: 'elsewhere', role: 'viewer' }) }],
};
const bodies = {
    400: (good) => ['{', '[]', `{"a":${'['.repeat(20)}${']'.repeat(20)}}`].map((body) => ({ ...good, body })),
    413: (good) => [{ ...good, body: `{"title":"${'x'.repeat(70000)}"}` }],
    415: (good) => [{ ...good, headers: { ...good.headers, 'content-type': 'text/plain' }, body: '{}' }],
    422: (good) => [{ ...good, body: { nonsense: 1 }, field: 'nonsense' }],
};
const creation = {
    ...bodies,
    422: async (good) => {
        const headers = { 'idempotency-key': randomUUID() };
        await request(await good.operation, { ...good, headers });
        return [{ ...good, body: { nonsense: 1 } }, { ...good, headers, body: { ...good.body, another: 1 } }];
    },
};
const paging = { 422: (good) => ['0', '201', 'x'].map((limit) => ({ ...good, query: { limit } })) };
const without = (name) => ({ 404: (good) => [{ ...good, params: { ...good.params, [name]: 'nobody-here' } }] });
const noRoom = without('room');
const stale = { 412: (good) => [{ ...good, headers: { 'if-match': '"999999"' } }] };
const unchanged = { 304: async (good) => [{ headers: { 'if-none-match': (await request(good.operation, good)).headers.etag } }] };
// The reason is part of the entry: what cannot be made to happen from outside.
const cannot = (why) => Object.assign(() => [], { why });
const busy = { 409: cannot('two requests at the very same moment: tests/unit/test_http.c') };

const inRoom = (more = {}) => () => ({ params: { room: world.room }, ...more });
const asUser = (more = {}) => () => ({ as: world.user.secret, ...more });
const room = { ...auth, ...noRoom };
const both = (one, other) => async (good) => [...await one(good), ...await other(good)];

const operations = {
    listRooms: [() => ({}), { ...auth, ...paging }],
    createRoom: [() => ({ body: { title: 'Office', layout: 'speaker', canvas: { width: 640, height: 360, fps: 15 }, pin: '1234' } }), {
        ...auth, ...creation,
        409: () => [{ body: { id: world.room } }],
        429: async () => {
            await ask(`${tight.url}/api/v1/rooms`, { method: 'POST', headers: bearer(KEY) });
            return [{ server: tight }];
        },
    }],
    getRoom: [inRoom(), room],
    changeRoom: [inRoom({ body: { title: 'Another', theme: { background: '#102030' }, lobby: false } }), { ...room, ...bodies, ...stale }],
    endRoom: [async () => ({ params: { room: await freshRoom() }, body: { reason: 'Good night.' } }), { ...room, ...bodies }],
    getRoomStats: [inRoom(), room],
    getLayout: [inRoom(), room],
    setLayout: [inRoom({ body: { kind: 'custom', tiles: [{ x: 0, y: 0, width: 50, height: 50, z: 1, source: 'next-speaker' }] } }), { ...room, ...bodies, ...stale }],
    listMembers: [inRoom(), { ...room, ...paging }],
    getMember: [() => ({ params: { room: world.room, id: world.member } }), { ...auth, ...both404('id') }],
    changeMember: [() => ({ params: { room: world.room, id: world.member }, body: { audio_muted: true, volume: 1.5, spotlight: true } }), { ...auth, ...both404('id'), ...bodies }],
    kickMember: [async () => {
        const place = await freshRoom();
        const { id } = await (await freshMember(place)).heard('joined');
        return { params: { room: place, id }, body: { ban: 10, reason: 'Enough.' } };
    }, { ...auth, ...both404('id'), ...bodies }],
    muteAll: [inRoom(), room],
    listBans: [async () => ({ params: { room: (await someoneBanned()).room } }), { ...room, ...paging }],
    liftBan: [async () => ({ params: await someoneBanned() }), { ...auth, ...both404('id') }],
    listWaiting: [async () => ({ params: { room: (await someoneWaiting()).room } }), { ...room, ...paging }],
    admitAll: [async () => ({ params: { room: (await someoneWaiting()).room } }), room],
    admit: [async () => ({ params: await someoneWaiting() }), { ...auth, ...both404('id') }],
    refuse: [async () => ({ params: await someoneWaiting() }), { ...auth, ...both404('id') }],
    listMessages: [inRoom(), { ...room, ...paging }],
    sendMessage: [inRoom({ body: { text: 'Five more minutes', from: 'Desk' } }), {
        ...auth, ...bodies, 404: both(noRoom[404], (good) => [{ ...good, body: { text: 'x', to: 'm999' } }]),
    }],
    getBanner: [async () => {
        await call('PUT', `/api/v1/rooms/${world.room}/banner`, { text: 'Welcome' });
        return { params: { room: world.room } };
    }, { ...auth, 404: both(noRoom[404], async (good) => [{ ...good, params: { room: await freshRoom() } }]) }],
    setBanner: [inRoom({ body: { text: 'Welcome', position: 'top', colour: '#ffffff', background: '#0c6b61', seconds: 60 } }), { ...room, ...bodies }],
    removeBanner: [inRoom(), room],
    setPicture: [() => ({ params: { room: world.room, slot: 'logo' }, headers: { 'content-type': 'image/png' }, body: picture() }), {
        ...auth, ...both404('slot'),
        413: (good) => [{ ...good, body: Buffer.alloc(100000) }],
        415: (good) => [{ ...good, headers: { 'content-type': 'image/gif' } }],
        422: (good) => [{ ...good, body: Buffer.from('no picture') }],
    }],
    removePicture: [() => ({ params: { room: world.room, slot: 'logo' } }), { ...auth, ...both404('slot') }],
    playAnnouncement: [() => ({ params: { room: world.room }, query: { volume: '0.5' }, headers: { 'content-type': 'audio/wav' }, body: sound() }), {
        ...room,
        413: (good) => [{ ...good, body: Buffer.alloc(100000) }],
        415: (good) => [{ ...good, headers: { 'content-type': 'image/png' } }],
        422: (good) => [{ ...good, body: Buffer.from('no sound') }, { ...good, query: { volume: '3' } }],
    }],
    stopAnnouncement: [inRoom(), room],
    getSnapshot: [inRoom({ query: { width: '320' } }), snapshotErrors()],
    getSnapshotPng: [inRoom({ query: { width: '320' } }), snapshotErrors()],
    getRoomEvents: [inRoom(), { ...room, ...eventErrors() }],
    getEvents: [() => ({}), { ...auth, ...eventErrors() }],
    listWebhooks: [async () => (await freshHook(), {}), auth],
    createWebhook: [() => ({ body: { url: 'http://127.0.0.1:9/hook', events: ['member-joined'], room: 'ada' } }), {
        ...auth, ...creation, 409: (good) => [{ ...good, server: tight }],
    }],
    getWebhook: [async () => ({ params: { id: await freshHook() } }), { ...auth, ...without('id') }],
    changeWebhook: [async () => ({ params: { id: await freshHook() }, body: { is_active: false } }), { ...auth, ...bodies, ...without('id') }],
    deleteWebhook: [async () => ({ params: { id: await freshHook() } }), { ...auth, ...without('id') }],
    testWebhook: [async () => ({ params: { id: await freshHook() } }), { ...auth, ...without('id') }],
    createToken: [() => ({ body: { room: world.room, name: 'Ben', role: 'member', expires_in: 60 } }), {
        ...auth, ...creation, ...busy,
        422: async (good) => [{ ...good, body: { ...good.body, nonsense: 1 } }, ...(await creation[422](good)).slice(1)],
    }],
    signIn: [() => ({ as: null, body: { login: world.user.login, password: PASSWORD } }), {
        ...bodies,
        401: (good) => [{ ...good, body: { ...good.body, password: 'wrong' } }, { ...good, body: { login: 'nobody', password: 'wrong' } }],
        429: (good) => Array(30).fill({ ...good, server: tight, mayBe: 401 }),
    }],
    getSession: [asUser(), { 401: (good) => [{ ...good, as: null }, { ...good, as: 'ts_gone' }] }],
    signOut: [async () => ({ as: (await freshUser()).secret, query: { everywhere: 'true' } }), {
        401: (good) => [{ ...good, as: null }, { ...good, as: 'ts_gone' }],
        422: (good) => [{ ...good, query: { everywhere: 'perhaps' } }],
    }],
    listUsers: [() => ({}), { ...auth, ...paging }],
    createUser: [() => ({ body: { login: `n-${randomUUID().slice(0, 8)}`, password: PASSWORD, name: 'New' } }), {
        ...creation,
        401: (good) => [{ ...good, as: 'not-the-key' }],
        403: (good) => [{ ...good, as: null, server: tight }],
        409: (good) => [{ ...good, body: { ...good.body, login: world.user.login } }],
        429: (good) => Array(30).fill(0).map((_, i) => ({ ...good, as: null, server: open, mayBe: 201, body: { login: `many-${i}`, password: PASSWORD } })),
    }],
    getUser: [asUser({ params: { user: 'me' } }), userErrors()],
    changeUser: [asUser({ params: { user: 'me' }, body: { name: 'Ada L.' } }), {
        ...userErrors(), ...bodies,
        409: async (good) => {
            const email = `${randomUUID()}@example.org`;
            await call('PATCH', `/api/v1/users/${(await freshUser()).login}`, { email });
            return [{ ...good, body: { email } }];
        },
    }],
    deleteUser: [async () => ({ params: { user: (await freshUser()).login } }), userErrors()],
    changePassword: [async () => ({ params: { user: (await freshUser()).login }, body: { password: `${PASSWORD}!` } }), {
        ...userErrors(), ...bodies,
        403: async (good) => {
            const user = await freshUser();
            return [...auth[403](good), { params: { user: 'me' }, as: user.secret, body: { old_password: 'wrong', password: PASSWORD } }];
        },
        429: () => Array(30).fill({ params: { user: 'me' }, as: world.few, server: tight, mayBe: 403, body: { old_password: 'wrong', password: PASSWORD } }),
    }],
    listMeetings: [async () => (await freshMeeting(), asUser()()), { ...auth, ...paging }],
    createMeeting: [asUser({ body: meeting() }), { ...auth, ...creation, 409: cannot('a thousand meetings: tests/unit/test_meetings.c') }],
    getMeeting: [async () => asUser({ params: { meeting: await freshMeeting() } })(), { ...auth, ...without('meeting') }],
    changeMeeting: [async () => asUser({ params: { meeting: await freshMeeting() }, body: { title: 'Later' } })(), { ...auth, ...without('meeting'), ...bodies, ...stale }],
    deleteMeeting: [async () => asUser({ params: { meeting: await freshMeeting() } })(), { ...auth, ...without('meeting') }],
    getInvitation: [async () => asUser({ params: { meeting: await freshMeeting() } })(), { ...auth, ...without('meeting') }],
    listCalls: [async () => ({ as: (await endedCall()).secret }), { ...auth, ...paging }],
    getCall: [async () => callOf(await endedCall()), { ...auth, ...without('call') }],
    deleteCall: [async () => callOf(await endedCall()), { ...auth, ...without('call'), 409: async () => [callOf(await runningCall())] }],
    listRoomRecordings: [async () => (await runningRecording(), { params: { room: world.room } }), { ...auth, ...paging }],
    startRecording: [async () => ({ params: { room: await freshRoom() }, body: { container: 'ogg', title: 'Minutes', segment_seconds: 600 } }), {
        ...room, ...creation,
        409: (good) => Array(6).fill({ ...good, mayBe: 201 }),
        503: cannot('the disk would have to fail'), 507: cannot('tests/peer/test_record.c'),
    }],
    listRecordings: [async () => (await runningRecording(), {}), { 401: auth[401], ...paging }],
    getRecording: [async () => ({ params: { recording: await runningRecording() } }), ofRecording()],
    changeRecording: [async () => ({ params: { recording: await runningRecording() }, body: { state: 'paused' } }), {
        ...ofRecording(), ...bodies,
        409: async () => [{ params: { recording: await endedRecording() }, body: { state: 'recording' } }],
    }],
    deleteRecording: [async () => ({ params: { recording: await endedRecording() } }), {
        ...ofRecording(), 409: async () => [{ params: { recording: await runningRecording() } }],
    }],
    getRecordingMedia: [async (status) => ({ params: { recording: await endedRecording() }, headers: status === '206' ? { range: 'bytes=4-99' } : {} }), {
        ...ofFile(), 404: both(ofRecording()[404], (good) => [{ ...good, query: { segment: '2' } }]),
        409: cannot('it is finished in a moment: tests/unit/test_library.c'),
        416: (good) => [{ ...good, headers: { range: 'bytes=99999999-' } }],
        422: (good) => [{ ...good, query: { segment: '0' } }],
    }],
    getRecordingPoster: [fileOfRecording('poster.jpg'), ofFile()],
    getRecordingSheet: [fileOfRecording('sheet.jpg'), ofFile()],
    getRecordingChapters: [fileOfRecording('chapters.vtt'), ofFile()],
    getRecordingChat: [fileOfRecording('chat.vtt'), ofFile()],
    getRecordingDetails: [fileOfRecording('details.json'), ofFile()],
    listBroadcasts: [async () => ({ params: { room: (await liveRoom()).room } }), room],
    startBroadcast: [async () => ({ params: { room: await freshRoom() }, body: { kind: 'rtmp', url: 'rtmp://127.0.0.1:9/live/secret' } }), {
        ...room, ...creation,
        409: (good) => Array(6).fill({ ...good, mayBe: 201 }),
        503: cannot('the encoder would have to fail'),
    }],
    stopBroadcast: [async () => ({ params: await liveRoom() }), { ...auth, ...both404('id') }],
    getIceServers: [() => ({ as: null }), {}],
    getStats: [() => ({}), auth],
    getDescription: [() => ({ as: null }), unchanged],
    getDescriptionJson: [() => ({ as: null }), unchanged],
    getHealth: [() => ({ as: null }), {}],
    getReadiness: [() => ({ as: null }), { 503: cannot('the server would have to be ending: tests/unit/test_http.c') }],
    getMetrics: [() => ({ as: null }), {
        401: (good) => [{ ...good, headers: { 'x-forwarded-for': '192.0.2.1' } }],
        403: (good) => [{ ...auth[403](good)[0], headers: { 'x-forwarded-for': '192.0.2.1' } }],
    }],
    openSignaling: [() => ({ as: null, headers: handshake() }), {
        400: () => [{ as: null, headers: handshake({ 'sec-websocket-key': 'short' }) }],
        403: () => [{ as: null, headers: handshake({ origin: 'https://elsewhere.example' }) }],
        426: () => [{ as: null }, { as: null, headers: handshake({ 'sec-websocket-version': '8' }) }],
        429: async () => {
            for (let i = 0; i < 4; i++) members.push(await openMember(tight.url));
            return [{ as: null, server: tight, headers: handshake() }];
        },
        503: async () => {
            for (let i = 0; i < 9; i++) members.push(await openMember(open.url));
            return [{ as: null, server: open, headers: handshake() }];
        },
    }],
};

async function runningRecording(container = 'ogg') {
    const place = await freshRoom();
    return (await call('POST', `/api/v1/rooms/${place}/recordings`, { container })).id;
}
async function until(path, isIt) {
    for (let tries = 0; tries < 200; tries++) {
        const answer = await ask(wide.url + path, { headers: bearer(KEY) });
        if (isIt(answer)) return;
        await new Promise((wake) => { setTimeout(wake, 100); });
    }
    assert.fail(`${path} does not come to that`);
}
async function endedRecording(container = 'ogg') {
    const id = await runningRecording(container);
    await until(`/api/v1/recordings/${id}`, (answer) => json(answer).bytes > 100);
    await call('PATCH', `/api/v1/recordings/${id}`, { state: 'stopped' });
    await until(`/api/v1/recordings/${id}`, (answer) => json(answer).state === 'finished');
    return id;
}
function ofRecording() {
    const tickets = (good) => ['', 'x', `${good.params.recording}.1.${'A'.repeat(43)}`].map((ticket) => ({ ...good, as: null, query: { ticket } }));
    return { 401: (good) => [...auth[401](good), ...tickets(good)], 404: (good) => [...without('recording')[404](good), { ...good, as: joinToken({ room: 'elsewhere', role: 'moderator' }) }] };
}
function ofFile() { return { ...ofRecording(), 503: cannot('the disk would have to stall: tests/peer/test_slow_disk.c') }; }
function fileOfRecording(name) {
    return async () => {
        const id = await endedRecording('webm');
        await until(`/api/v1/recordings/${id}/${name}`, (answer) => answer.status === 200);
        return { params: { recording: id } };
    };
}
async function liveRoom() {
    const place = await freshRoom();
    const { id } = await call('POST', `/api/v1/rooms/${place}/broadcasts`, { kind: 'rtmp', url: 'rtmp://127.0.0.1:9/live/secret' });
    return { room: place, id };
}
function both404(name) {
    return { 404: both(noRoom[404], without(name)[404]) };
}
function snapshotErrors() {
    return { ...room, 422: (good) => ['15', '1921', 'wide'].map((width) => ({ ...good, query: { width } })), 503: cannot('the encoder would have to fail') };
}
function eventErrors() {
    const queries = [{ wait: '61' }, { after: 'yesterday' }, { limit: '0' }];
    return {
        422: (good) => queries.map((query) => ({ ...good, query })),
        // A quarter of the connections may be streams.
        429: async (good) => {
            await ask(`${open.url}/api/v1/rooms`, { method: 'POST', headers: { ...bearer(KEY), 'content-type': 'application/json' }, body: '{"id":"walked"}' });
            const streams = await Promise.all([1, 2].map(() => hold(`${open.url}/api/v1/events`, { ...bearer(KEY), accept: 'text/event-stream' })));
            return [{ ...good, server: open, accept: 'text/event-stream', after: () => streams.forEach((stream) => stream.destroy()) }];
        },
    };
}
function userErrors() {
    return { ...auth, 404: (good) => [{ ...good, as: KEY, params: { user: 'nobody-here' } }] };
}
function callOf({ secret, call: id }) {
    return { as: secret, params: { call: id } };
}

// ---- how they are checked ----

let open; // a server with few connections, where people may make their own accounts

function* eachOperation() {
    for (const [path, item] of Object.entries(document.paths)) {
        for (const method of ['get', 'post', 'put', 'patch', 'delete']) {
            if (item[method]) yield { ...item[method], path, method };
        }
    }
}

function request(operation, { params = {}, query, headers = {}, body, as = KEY, server = wide, accept }) {
    const path = operation.path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(params[name]));
    const isPlain = body === undefined || Buffer.isBuffer(body);
    const isStream = accept === 'text/event-stream';
    return ask(`${server.url}${path}${query ? `?${new URLSearchParams(query)}` : ''}`, {
        method: operation.method.toUpperCase(),
        headers: { ...(as ? bearer(as) : {}), ...(isPlain ? {} : { 'content-type': 'application/json' }), ...(accept ? { accept } : {}), ...headers },
        body: isPlain || typeof body === 'string' ? body : JSON.stringify(body),
        until: isStream ? 1 : undefined,
    });
}

function checkProblem(response, answer, status) {
    const problem = json(answer);
    assert.equal(problem.status, Number(status));
    assert.ok(response['x-codes'].includes(problem.code), `the code ${problem.code} is not declared: ${problem.detail}`);
    assert.match(problem.detail, /^[A-Z“"'a-z].*\.$/);
    if (problem.code === 'bad-field') assert.ok(problem.field, 'no field is named');
}

function checkAnswer(operation, answer, status) {
    const response = resolve(document, operation.responses[status]);
    for (const [name, given] of Object.entries(response.headers ?? {})) {
        const value = [answer.headers[name.toLowerCase()]].flat()[0];
        assert.ok(value, `no header ${name}`);
        assert.deepEqual(schemaFaults(document, resolve(document, given).schema, value), [], name);
    }
    if (!response.content) {
        assert.equal(answer.body.length, 0, `there is a body: ${answer.body.subarray(0, 200)}`);
        return;
    }
    const type = answer.headers['content-type']?.split(';')[0];
    assert.ok(response.content[type], `the type ${type} is not declared`);
    if (type.endsWith('json')) {
        const { schema } = response.content[type];
        if (schema) assert.deepEqual(schemaFaults(document, schema, json(answer)), [], answer.body.toString().slice(0, 600));
    } else {
        assert.ok(answer.body.length > 0, 'the body is empty');
    }
    if (type === 'application/problem+json') checkProblem(response, answer, status);
}

const isSuccess = (status) => Number(status) < 300;

async function trySuccess(operation, status) {
    const good = await operations[operation.operationId][0](status);
    const types = Object.keys(operation.responses[status].content ?? {});
    const accepts = types.length > 1 && types.includes('text/event-stream') ? types : [undefined];
    for (const accept of accepts) {
        const answer = await request(operation, { ...good, accept });
        assert.equal(answer.status, Number(status), answer.body.toString().slice(0, 600));
        checkAnswer(operation, answer, status);
        if (accept) assert.match(answer.headers['content-type'], new RegExp(`^${accept}`));
    }
}

// mayBe: what the tries before the limit are answered.
async function tryError(operation, status) {
    const [good, errors] = operations[operation.operationId];
    if (errors[status].why) return;
    const requests = await errors[status]({ ...await good(), operation });
    let times = 0;
    for (const each of requests) {
        const answer = await request(operation, each);
        each.after?.();
        if (answer.status === each.mayBe) continue;
        times++;
        assert.equal(answer.status, Number(status), `${JSON.stringify({ ...each, server: undefined, operation: undefined }).slice(0, 300)}: ${answer.body.toString().slice(0, 600)}`);
        checkAnswer(operation, answer, status);
        if (each.field) assert.equal(json(answer).field, each.field);
        if (each.mayBe) break;
    }
    assert.ok(times > 0, 'it never came to that');
}

before(async () => {
    wide = await startServer('--token-secret', SECRET, '--rooms-max', '1000', '--webhooks-max', '1000', '--webhooks-private-targets', 'true',
        '--auth-sign-ins-per-minute', '100000', '--http-upload-bytes-max', '65536', '--limits-joins-per-s', '1000', '--recordings-floor-mb', '1');
    tight = await startServer('--token-secret', SECRET, '--rooms-max', '1', '--webhooks-max', '0', '--webhooks-private-targets', 'true',
        '--auth-sign-ins-per-minute', '3', '--limits-connections-per-address', '4');
    open = await startServer('--auth-sign-up', 'true', '--auth-sign-ins-per-minute', '3', '--http-connections-max', '10', '--limits-hello-timeout', '60');
    document = await (await fetch(`${wide.url}/api/v1/openapi.json`)).json();
    await call('POST', '/api/v1/users', { login: 'few', password: PASSWORD }, KEY, tight);
    world.few = (await call('POST', '/api/v1/session', { login: 'few', password: PASSWORD }, KEY, tight)).secret;
    world.user = await freshUser();
    world.room = await freshRoom({ id: 'walked' });
    world.member = (await (await freshMember(world.room)).heard('joined')).id;
});

after(async () => {
    members.forEach((member) => member.close());
    for (const server of [wide, tight, open]) assert.equal(await server?.stop(), 0, server?.log());
});

// The table of http/routes.c, as it stands in the source.
const table = [...readFileSync(new URL('../../http/routes.c', import.meta.url), 'utf8')
    .matchAll(/^ *\{"([^"]+)",\s*"([A-Z]+)",\s*(ACTION_\w+)/gm)].map(([, path, method]) => `${method} ${path}`);
const pages = /^GET \/(?!api\/|healthz|readyz|metrics|ws)/;

test('every route is described, and every operation has a route', () => {
    const described = [...eachOperation()].map(({ path, method }) => `${method.toUpperCase()} ${path}`).sort();
    assert.deepEqual(table.filter((route) => !pages.test(route)).sort(), described);
    assert.ok(table.length > 30);
});

test('every operation and every status that it declares is tried here', () => {
    const missing = [];
    const known = new Set();
    for (const { operationId, responses } of eachOperation()) {
        known.add(operationId);
        const entry = operations[operationId];
        if (!entry) missing.push(operationId);
        for (const status of Object.keys(responses)) {
            if (entry && (Number(status) === 101 || isSuccess(status) ? !entry[0] : !entry[1][status])) missing.push(`${operationId} ${status}`);
        }
    }
    assert.deepEqual(missing, []);
    assert.deepEqual(Object.keys(operations).filter((id) => !known.has(id)), [], 'no such operations');
});

test('the JSON is the YAML', async () => {
    const yaml = (await ask(`${wide.url}/api/v1/openapi.yaml`)).body.toString();
    const ids = [...yaml.matchAll(/^ {6}operationId: (\w+)$/gm)].map(([, id]) => id);
    assert.deepEqual([...eachOperation()].map(({ operationId }) => operationId).sort(), ids.sort());
    assert.match(document.openapi, /^3\.1\./);
});

// The document is read before the tests are named, so the walk has one test for each operation.
for (const id of Object.keys(operations)) {
    test(`${id} gives every answer that it declares`, async (t) => {
        const operation = [...eachOperation()].find(({ operationId }) => operationId === id);
        assert.ok(operation, 'it is not described');
        for (const status of Object.keys(operation.responses)) {
            const why = operations[id][1][status]?.why;
            await t.test(`${status}`, { skip: why }, () => (isSuccess(status) ? trySuccess : tryError)(operation, status));
        }
    });
}

test('what is created twice with one key is created once', async () => {
    const operation = [...eachOperation()].find(({ operationId }) => operationId === 'createRoom');
    const once = { headers: { 'idempotency-key': randomUUID() }, body: { title: 'Once' } };
    const first = await request(operation, once);
    const second = await request(operation, once);
    assert.deepEqual(json(second), json(first));
    assert.equal(second.headers['idempotent-replayed'], 'true');
    assert.equal(second.headers.location, first.headers.location);
});

test('a list is read page by page', async () => {
    await Promise.all([1, 2, 3].map(() => freshRoom()));
    const seen = [];
    for (let cursor; cursor !== null;) {
        const page = await call('GET', `/api/v1/rooms?limit=2${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`);
        assert.ok(page.rooms.length <= 2);
        seen.push(...page.rooms.map(({ id }) => id));
        cursor = page.next_cursor;
    }
    assert.equal(new Set(seen).size, seen.length);
    assert.ok(seen.includes(world.room) && seen.length >= 4);
});

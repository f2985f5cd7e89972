// SPDX-License-Identifier: MIT
// Requests, said exactly as a test wants them: fetch() sends no upgrade, and loses an answer that comes before
// the body has been sent. And a member of a room that has nothing but its WebSocket.
import { randomBytes } from 'node:crypto';
import http from 'node:http';

// {status, headers, body: Buffer}. A body is sent only once the server has let it in. until: the answer is
// taken as whole when this many bytes are there (for streams).
export function ask(url, { method = 'GET', headers = {}, body, until = Infinity } = {}) {
    return new Promise((resolve, reject) => {
        const given = body === undefined ? {} : { 'content-length': Buffer.byteLength(body), expect: '100-continue' };
        const request = http.request(url, { method, agent: false, headers: { ...given, ...headers } });
        request.on('response', (response) => {
            const chunks = [];
            const end = () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) });
            response.on('data', (chunk) => {
                chunks.push(chunk);
                if (Buffer.concat(chunks).length < until) return;
                end();
                request.destroy();
            });
            response.on('end', end);
            response.on('error', end);
        });
        request.on('upgrade', (response, socket) => {
            socket.destroy();
            resolve({ status: 101, headers: response.headers, body: Buffer.alloc(0) });
        });
        request.on('error', reject);
        request.on('continue', () => request.end(body));
        if (body === undefined) request.end();
        else request.flushHeaders();
    });
}

// An answer that goes on and on: it is there, and stays until destroy().
export function hold(url, headers) {
    return new Promise((resolve, reject) => {
        const request = http.get(url, { agent: false, headers });
        request.on('response', (response) => {
            response.resume();
            response.on('error', () => {});
            resolve(request);
        });
        request.on('error', reject);
    });
}

export const handshake = (more = {}) => ({
    connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13',
    'sec-websocket-key': randomBytes(16).toString('base64'), ...more,
});

const TEXT = 1;
const PING = 9;
const PONG = 10;

function frame(opcode, payload) {
    const mask = randomBytes(4);
    const head = payload.length < 126 ? Buffer.from([0x80 | opcode, 0x80 | payload.length]) : Buffer.from([0x80 | opcode, 0xfe, payload.length >> 8, payload.length & 255]);
    return Buffer.concat([head, mask, payload.map((byte, i) => byte ^ mask[i % 4])]);
}

// The payload of the first whole frame and what is behind it, or null.
function unframe(bytes) {
    if (bytes.length < 2) return null;
    const short = bytes[1] & 127;
    const start = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (bytes.length < start) return null;
    const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
    if (bytes.length < start + length) return null;
    return { opcode: bytes[0] & 15, payload: bytes.subarray(start, start + length), rest: bytes.subarray(start + length) };
}

// join: the message, without its type. heard(type): the first such message, once it is there.
export function openMember(url, join) {
    return new Promise((resolve, reject) => {
        const messages = [];
        const waiting = [];
        const request = http.request(`${url}/ws`, { agent: false, headers: handshake() });
        const hear = (message) => {
            messages.push(message);
            for (const one of waiting.filter(({ type }) => type === message.type)) one.resolve(message);
        };
        request.on('upgrade', (response, socket, head) => {
            let bytes = head;
            const read = () => {
                for (let found; (found = unframe(bytes)); bytes = found.rest) {
                    if (found.opcode === TEXT) hear(JSON.parse(found.payload));
                    else if (found.opcode === PING) socket.write(frame(PONG, found.payload));
                }
            };
            socket.on('data', (chunk) => {
                bytes = Buffer.concat([bytes, chunk]);
                read();
            });
            socket.on('error', () => {});
            read();
            const member = {
                say: (message) => socket.write(frame(TEXT, Buffer.from(JSON.stringify(message)))),
                heard: (type) => new Promise((found, lost) => {
                    const early = messages.find((message) => message.type === type);
                    if (early) return found(early);
                    const timer = setTimeout(() => lost(new Error(`no ${type}, but ${JSON.stringify(messages)}`)), 20000);
                    waiting.push({ type, resolve: (message) => { clearTimeout(timer); found(message); } });
                }),
                close: () => socket.destroy(),
            };
            if (join) member.say({ type: 'join', ...join });
            resolve(member);
        });
        request.on('response', (response) => reject(new Error(`no upgrade: ${response.statusCode}`)));
        request.on('error', reject);
        request.end();
    });
}

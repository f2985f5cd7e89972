// SPDX-License-Identifier: MIT
// The real server as a child process with a data directory of its own, on a free port.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { createInterface } from 'node:readline';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const binary = process.env.TESSERA_BINARY ?? new URL('../../../build/tessera', import.meta.url).pathname;

const peer = process.env.TESSERA_PEER ?? new URL('../../../build/tests/peer/peer', import.meta.url).pathname;
const link = process.env.TESSERA_LINK ?? new URL('../../../build/tests/link/link', import.meta.url).pathname;

async function run(listen, dataDir, flags) {
    const child = spawn(binary, ['--listen', listen, '--data-dir', dataDir, '--api-key', 'test-key', ...flags], {
        stdio: ['ignore', 'pipe', 'pipe'],
    });
    const running = { child, log: '' };
    running.ended = new Promise((resolve) => {
        child.once('exit', (code, signal) => resolve(code ?? signal));
        child.once('error', (error) => resolve(error.message));
    });
    running.url = await new Promise((resolve, reject) => {
        const listenFor = (chunk) => {
            running.log += chunk;
            const found = /listening on (http:\/\/[0-9.:]+)/.exec(running.log);
            if (found) resolve(found[1]);
        };
        child.stdout.on('data', listenFor);
        child.stderr.on('data', listenFor);
        running.ended.then((code) => reject(new Error(`the server ended with ${code}:\n${running.log}`)));
    });
    return running;
}

export async function startServer(...flags) {
    const dataDir = await mkdtemp(join(tmpdir(), 'tessera-e2e-'));
    let running = await run('127.0.0.1:0', dataDir, flags);
    const { url } = running;
    let before = '';
    return {
        url,
        log: () => before + running.log,
        api: (path, init = {}) =>
            fetch(`${url}/api/v1${path}`, { ...init, headers: { authorization: 'Bearer test-key', ...init.headers } }),
        // Ends it with this signal and starts it again, at the same address with the same data.
        async restart(signal = 'SIGTERM') {
            running.child.kill(signal);
            await running.ended;
            before += running.log;
            running = await run(url.replace('http://', ''), dataDir, flags);
        },
        async stop() {
            running.child.kill('SIGTERM');
            const code = await running.ended;
            await rm(dataDir, { recursive: true, force: true });
            return code;
        },
    };
}

// The bad link (tests/link): here it is `near`, and a namespace of its own is at its other end. null where the
// right to make one is missing.
export async function startLink() {
    const child = spawn(link, ['--seed', '1'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const ended = new Promise((resolve) => child.once('exit', resolve));
    const first = JSON.parse((await lines.next()).value ?? '{"skip":"the link did not start"}');
    if (first.skip) return null;
    return {
        ...first,
        async set(line) {
            child.stdin.write(`${line}\n`);
            return JSON.parse((await lines.next()).value);
        },
        async stop() {
            child.stdin.end();
            await ended;
        },
    };
}

// Members without a browser (tests/peer), each with a picture of one colour, until stop().
export function startPeers(url, room, count) {
    const address = `${url.replace('http', 'ws')}/ws`;
    const children = Array.from({ length: count }, (_, i) =>
        spawn(peer, ['--url', address, '--room', room, '--name', `Peer ${i}`, '--colour', 'green', '--seconds', '300', '--quiet'],
            { stdio: 'ignore' }));
    return {
        async stop() {
            const ended = children.map((child) => new Promise((resolve) => child.once('exit', resolve)));
            children.forEach((child) => child.kill('SIGTERM'));
            await Promise.all(ended);
        },
    };
}

// A way to the server that the test can cut: what a proxy that restarts does to its connections.
export async function startProxy(target) {
    const { hostname, port } = new URL(target);
    const sockets = new Set();
    let isOpen = true;
    const proxy = net.createServer((client) => {
        if (!isOpen) return client.destroy();
        const server = net.connect(Number(port), hostname);
        for (const socket of [client, server]) {
            sockets.add(socket);
            socket.on('error', () => {});
            socket.on('close', () => {
                sockets.delete(socket);
                client.destroy();
                server.destroy();
            });
        }
        client.pipe(server).pipe(client);
    });
    await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const cut = () => sockets.forEach((socket) => socket.destroy());
    return {
        url: `http://127.0.0.1:${proxy.address().port}`,
        cut,
        close() {
            isOpen = false;
            cut();
        },
        open() {
            isOpen = true;
        },
        stop() {
            cut();
            proxy.close();
        },
    };
}

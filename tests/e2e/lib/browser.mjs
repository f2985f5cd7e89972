// SPDX-License-Identifier: MIT
// A Chromium with a camera of a known colour and a microphone of a known tone, and what a test wants to
// know of its page: the colour of a place in the composite, the level of a tone in what is heard.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { colours, writeCamera, writeMicrophone } from './fakes.mjs';

const flags = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--autoplay-policy=no-user-gesture-required',
];

// netns: the network namespace it lives in, as nsenter takes it.
export async function launch({ colour, hz, devices = true, extra = [], netns } = {}) {
    const dir = await mkdtemp(join(tmpdir(), 'tessera-chromium-'));
    const args = [...flags, ...extra];
    if (devices) args.push('--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream');
    if (colour) args.push(`--use-file-for-fake-video-capture=${await writeCamera(join(dir, 'camera.y4m'), colour)}`);
    if (hz) args.push(`--use-file-for-fake-audio-capture=${await writeMicrophone(join(dir, 'microphone.wav'), hz)}`);
    let executablePath = '/usr/bin/chromium';
    if (netns) {
        executablePath = join(dir, 'chromium');
        await writeFile(executablePath, `#!/bin/sh\nexec nsenter --net=${netns} /usr/bin/chromium "$@"\n`, { mode: 0o755 });
    }
    const browser = await chromium.launch({ executablePath, args });
    const close = browser.close.bind(browser);
    browser.close = async () => {
        await close();
        await rm(dir, { recursive: true, force: true });
    };
    return browser;
}

// A page whose console errors the test can look at afterwards.
export async function openPage(browser, url, options = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 720 }, ...options });
    const page = await context.newPage();
    page.problems = [];
    page.on('pageerror', (error) => page.problems.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && page.problems.push(message.text()));
    // A pure tone is noise to the browser's noise suppression, which would take it away.
    await page.addInitScript(() => {
        if (!navigator.mediaDevices) return;
        const original = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = (wish) => {
            const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
            if (wish?.audio) wish = { ...wish, audio: { ...(wish.audio === true ? {} : wish.audio), ...plain } };
            return original(wish);
        };
    });
    await page.goto(url);
    return page;
}

export const control = (page, id) => page.getByTestId(id);

// Until check() says yes. The condition is what is waited for, the time only bounds a failure.
export async function until(what, check, seconds = 20) {
    const end = Date.now() + seconds * 1000;
    let last;
    for (;;) {
        try {
            last = await check();
            if (last) return last;
        } catch (error) {
            last = error;
        }
        if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s; last: ${last?.stack ?? JSON.stringify(last)}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
    }
}

// What the composite shows at a place, in canvas pixels, as [r, g, b]; null before there is a picture.
export function compositePixel(page, x, y) {
    return page.evaluate(
        ([at_x, at_y]) => {
            const video = document.querySelector('[data-testid=composite]');
            const canvas = window.tessera.layout?.canvas;
            if (!video?.videoWidth || !canvas) return null;
            const picture = document.createElement('canvas');
            picture.width = canvas.width;
            picture.height = canvas.height;
            const context = picture.getContext('2d', { willReadFrequently: true });
            context.drawImage(video, 0, 0, canvas.width, canvas.height);
            return [...context.getImageData(at_x, at_y, 1, 1).data.slice(0, 3)];
        },
        [x, y],
    );
}

export const layoutOf = (page) => page.evaluate(() => window.tessera.layout);

// The colour in the upper middle of a member's tile: clear of caption and frame.
export async function tileColour(page, memberId, kind = 'camera') {
    const layout = await layoutOf(page);
    const tile = layout?.tiles.find((each) => each.member === memberId && each.kind === kind);
    if (!tile) return null;
    return compositePixel(page, Math.round(tile.x + tile.width / 2), Math.round(tile.y + tile.height / 3));
}

export function isColour(rgb, name, tolerance = 60) {
    return Boolean(rgb) && colours[name].rgb.every((value, i) => Math.abs(value - rgb[i]) <= tolerance);
}

// Level in dB of each frequency in what this page hears.
export function toneLevels(page, frequencies) {
    return page.evaluate(async (wanted) => {
        const stream = document.querySelector('[data-testid=composite]').srcObject;
        window.probe ??= { context: new AudioContext() };
        const { context } = window.probe;
        await context.resume();
        if (window.probe.stream !== stream || !window.probe.analyser) {
            window.probe.stream = stream;
            window.probe.analyser = context.createAnalyser();
            window.probe.analyser.fftSize = 8192;
            window.probe.analyser.smoothingTimeConstant = 0;
            context.createMediaStreamSource(new MediaStream(stream.getAudioTracks())).connect(window.probe.analyser);
        }
        await new Promise((resolve) => setTimeout(resolve, 400)); // the analyser's window must fill
        const bins = new Float32Array(window.probe.analyser.frequencyBinCount);
        window.probe.analyser.getFloatFrequencyData(bins);
        const width = context.sampleRate / window.probe.analyser.fftSize;
        return wanted.map((hz) => {
            const at = Math.round(hz / width);
            return Math.max(...bins.slice(at - 2, at + 3));
        });
    }, frequencies);
}

export const myId = (page) => page.evaluate(() => window.tessera?.id ?? null);

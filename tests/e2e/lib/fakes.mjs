// SPDX-License-Identifier: MIT
// Known pictures and sounds for the browsers' fake devices: a camera of one colour, a microphone of one
// tone. Chromium plays both in a loop.
import { writeFile } from 'node:fs/promises';

// BT.601, limited range: what a y4m file is taken for.
export const colours = {
    red: { yuv: [82, 90, 240], rgb: [255, 0, 0] },
    green: { yuv: [145, 54, 34], rgb: [0, 255, 0] },
    blue: { yuv: [41, 240, 110], rgb: [0, 0, 255] },
    yellow: { yuv: [210, 16, 146], rgb: [255, 255, 0] },
};

export async function writeCamera(path, colour, { width = 640, height = 360, fps = 20 } = {}) {
    const [y, u, v] = colours[colour].yuv;
    const chroma = (width / 2) * (height / 2);
    const frame = Buffer.concat([
        Buffer.from('FRAME\n'),
        Buffer.alloc(width * height, y),
        Buffer.alloc(chroma, u),
        Buffer.alloc(chroma, v),
    ]);
    const head = Buffer.from(`YUV4MPEG2 W${width} H${height} F${fps}:1 Ip A1:1 C420jpeg\n`);
    await writeFile(path, Buffer.concat([head, frame, frame, frame, frame]));
    return path;
}

export async function writeMicrophone(path, hz, { rate = 48000, seconds = 2, amplitude = 0.3 } = {}) {
    const count = rate * seconds; // whole periods for every whole number of Hz: the loop has no click
    const samples = Buffer.alloc(count * 2);
    for (let i = 0; i < count; i++)
        samples.writeInt16LE(Math.round(32767 * amplitude * Math.sin((2 * Math.PI * hz * i) / rate)), i * 2);
    const head = Buffer.alloc(44);
    head.write('RIFF', 0);
    head.writeUInt32LE(36 + samples.length, 4);
    head.write('WAVEfmt ', 8);
    head.writeUInt32LE(16, 16);
    head.writeUInt16LE(1, 20);
    head.writeUInt16LE(1, 22);
    head.writeUInt32LE(rate, 24);
    head.writeUInt32LE(rate * 2, 28);
    head.writeUInt16LE(2, 32);
    head.writeUInt16LE(16, 34);
    head.write('data', 36);
    head.writeUInt32LE(samples.length, 40);
    await writeFile(path, Buffer.concat([head, samples]));
    return path;
}

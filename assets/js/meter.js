// SPDX-License-Identifier: MIT
// The microphone's level as a row of tesserae that light up.
import { build } from './dom.js';

const CELLS = 13;
const FLOOR_DB = -60;
const SPOKEN_EVERY_MS = 1000;

export class Meter {
  #element;
  #context = null;
  #source = null;
  #analyser = null;
  #track = null;
  #frame = 0;
  #spokenAt_ms = 0;

  constructor(element) {
    this.#element = element;
    element.replaceChildren(...Array.from({ length: CELLS }, () => build('i')));
  }

  // track: null shows silence.
  listen(track) {
    if (track === this.#track) return;
    this.#track = track;
    this.#source?.disconnect();
    this.#source = null;
    if (!track) {
      this.#show(0);
      return;
    }
    this.#context ??= this.#open();
    if (!this.#context) return;
    this.#context.resume().catch(() => {});
    this.#source = this.#context.createMediaStreamSource(new MediaStream([track]));
    this.#source.connect(this.#analyser);
    if (!this.#frame) this.#run();
  }

  close() {
    cancelAnimationFrame(this.#frame);
    this.listen(null);
    this.#context?.close().catch(() => {});
    this.#context = null;
    removeEventListener('pointerdown', this.#wake);
  }

  #open() {
    if (!globalThis.AudioContext) return null;
    const context = new AudioContext();
    this.#analyser = context.createAnalyser();
    this.#analyser.fftSize = 1024;
    addEventListener('pointerdown', this.#wake); // some browsers wait for a touch
    return context;
  }

  #wake = () => this.#context?.resume().catch(() => {});

  #run = () => {
    this.#frame = this.#track ? requestAnimationFrame(this.#run) : 0;
    if (!this.#track) return;
    const samples = new Float32Array(this.#analyser.fftSize);
    this.#analyser.getFloatTimeDomainData(samples);
    let sum = 0;
    for (const sample of samples) sum += sample * sample;
    const level_db = 10 * Math.log10(sum / samples.length + 1e-9);
    this.#show(Math.max(0, Math.min(1, 1 - level_db / FLOOR_DB)));
  };

  #show(level) {
    const lit = Math.round(level * CELLS);
    [...this.#element.children].forEach((cell, at) => cell.classList.toggle('is-lit', at < lit));
    const now_ms = performance.now();
    if (level && now_ms - this.#spokenAt_ms < SPOKEN_EVERY_MS) return;
    this.#spokenAt_ms = now_ms;
    this.#element.setAttribute('aria-valuenow', Math.round(level * 100));
  }
}

// SPDX-License-Identifier: MIT
// Playing what the room sends, with a browser that may refuse sound until it is touched, on the
// loudspeaker that was chosen, and with the display kept awake meanwhile.
import { storageGet } from './storage.js';

export class Sound {
  #video;
  #button;
  #lock = null;
  #isClosed = false;

  constructor(video, button) {
    this.#video = video;
    this.#button = button;
    button.addEventListener('click', () => this.#unmute());
    document.addEventListener('visibilitychange', this.#onVisible);
    this.choose();
    this.#keepAwake();
  }

  play(stream) {
    if (this.#video.srcObject !== stream) this.#video.srcObject = stream;
    this.#start();
  }

  choose() {
    const speaker = storageGet('speaker');
    if (speaker && this.#video.setSinkId) this.#video.setSinkId(speaker).catch(() => {});
  }

  close() {
    this.#isClosed = true;
    document.removeEventListener('visibilitychange', this.#onVisible);
    this.#video.srcObject = null;
    this.#lock?.release().catch(() => {});
  }

  // The picture may always play without sound; the sound waits for a touch.
  async #start() {
    try {
      await this.#video.play();
      if (!this.#video.muted) this.#button.hidden = true;
    } catch (error) {
      if (error.name !== 'NotAllowedError' || this.#isClosed) return; // AbortError: a newer stream came
      this.#video.muted = true;
      this.#button.hidden = false;
      this.#video.play().catch(() => {});
    }
  }

  #unmute() {
    this.#video.muted = false;
    this.#button.hidden = true;
    this.#start();
  }

  #onVisible = () => {
    if (document.visibilityState !== 'visible') return;
    this.#keepAwake();
    if (this.#video.srcObject && this.#video.paused) this.#start(); // phones pause what they hide
  };

  async #keepAwake() {
    try {
      this.#lock = await navigator.wakeLock?.request('screen') ?? null;
      if (this.#isClosed) this.#lock?.release();
    } catch { /* low battery, or not allowed: then not */ }
  }
}

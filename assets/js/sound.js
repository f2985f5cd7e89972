// SPDX-License-Identifier: MIT
// Playing what the room sends, with a browser that may refuse sound until it is touched, on the
// loudspeaker that was chosen, and with the display kept awake meanwhile.
import { storageGet } from './storage.js';

export class Sound {
  #video;
  #audio;
  #button;
  #lock = null;
  #isClosed = false;

  // The sound has an element of its own: a video element plays none before its first picture, and on a weak
  // link, or by choice, there may be no picture at all.
  constructor(video, audio, button) {
    this.#video = video;
    this.#audio = audio;
    this.#button = button;
    video.muted = true;
    button.addEventListener('click', () => this.#start());
    document.addEventListener('visibilitychange', this.#onVisible);
    this.choose();
    this.#keepAwake();
  }

  play(stream) {
    if (this.#video.srcObject !== stream) this.#video.srcObject = stream;
    const tracks = stream.getAudioTracks();
    const playing = this.#audio.srcObject?.getAudioTracks() ?? [];
    if (tracks.some((track) => !playing.includes(track))) this.#audio.srcObject = new MediaStream(tracks);
    this.#start();
  }

  choose() {
    const speaker = storageGet('speaker');
    if (speaker && this.#audio.setSinkId) this.#audio.setSinkId(speaker).catch(() => {});
  }

  close() {
    this.#isClosed = true;
    document.removeEventListener('visibilitychange', this.#onVisible);
    this.#video.srcObject = null;
    this.#audio.srcObject = null;
    this.#lock?.release().catch(() => {});
  }

  // The picture may always play; the sound may have to wait for a touch.
  async #start() {
    this.#video.play().catch(() => {});
    if (!this.#audio.srcObject) return;
    try {
      await this.#audio.play();
      this.#button.hidden = true;
    } catch (error) {
      if (error.name === 'NotAllowedError' && !this.#isClosed) this.#button.hidden = false; // AbortError: a newer stream came
    }
  }

  #onVisible = () => {
    if (document.visibilityState !== 'visible') return;
    this.#keepAwake();
    if (this.#video.paused || this.#audio.paused) this.#start(); // phones pause what they hide
  };

  async #keepAwake() {
    try {
      this.#lock = await navigator.wakeLock?.request('screen') ?? null;
      if (this.#isClosed) this.#lock?.release();
    } catch { /* low battery, or not allowed: then not */ }
  }
}

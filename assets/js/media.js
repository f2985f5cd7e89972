// SPDX-License-Identifier: MIT
// The camera, the microphone and the shared screen of this person: opened, switched, replaced, lost.
//
// Each of camera and microphone has: isWanted (the switch), track (or null), problem (why there is no
// track, see mediaProblem) and deviceId. A camera that is off is really off, its light too; a
// microphone that is off keeps its track, silent, so that it is back at once.
//
// Events: 'change' (media) after anything of this changed, 'devices' (list), 'lost' {device, label}.
import { Emitter } from './emitter.js';
import { storageGet, storageSet } from './storage.js';

const CAMERA = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };
const MICROPHONE = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const SCREEN = { frameRate: { ideal: 15, max: 30 }, width: { max: 1920 }, height: { max: 1080 } };

// The browser's error as one of the problems that words.js has words for.
export function mediaProblem(error) {
  if (!globalThis.isSecureContext) return 'insecure';
  switch (error?.name) {
    case 'NotAllowedError':
      if (/system/i.test(error.message)) return 'system-denied';
      return /dismissed/i.test(error.message) ? 'dismissed' : 'denied';
    case 'SecurityError': return 'denied';
    case 'NotFoundError': case 'OverconstrainedError': return 'none';
    case 'NotReadableError': case 'AbortError': return 'busy';
    case 'TypeError': case 'NotSupportedError': return 'unsupported';
    default: return 'failed';
  }
}

export class Media extends Emitter {
  camera = { isWanted: true, track: null, problem: null, deviceId: storageGet('camera') };
  microphone = { isWanted: true, track: null, problem: null, deviceId: storageGet('microphone') };
  screen = null;
  devices = [];
  isSettled = false; // the first answer to "may I?" is there
  #isClosed = false;

  constructor() {
    super();
    navigator.mediaDevices?.addEventListener?.('devicechange', () => this.refreshDevices());
  }

  get tracks() {
    return { audio: this.microphone.track, camera: this.camera.track, screen: this.screen };
  }

  // As the protocol names them.
  get mutes() {
    return {
      audio_muted: !(this.microphone.track && this.microphone.isWanted),
      video_muted: !this.camera.track,
    };
  }

  get canShareScreen() {
    return Boolean(navigator.mediaDevices?.getDisplayMedia);
  }

  // Asks once for both, so that there is one question; what is missing then does not take the other with it.
  async start() {
    if (!navigator.mediaDevices?.getUserMedia) {
      const problem = globalThis.isSecureContext ? 'unsupported' : 'insecure';
      this.camera.problem = this.microphone.problem = problem;
    } else {
      await this.#openBoth().catch(() => this.#openEach());
    }
    this.isSettled = true;
    await this.refreshDevices();
    this.emit('change', this);
  }

  async #openBoth() {
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: this.#constraints('microphone'), video: this.#constraints('camera'),
    });
    this.#take('microphone', stream.getAudioTracks()[0]);
    this.#take('camera', stream.getVideoTracks()[0]);
  }

  async #openEach() {
    await this.#open('microphone');
    await this.#open('camera');
  }

  #constraints(device, isExact = false) {
    const { deviceId } = this[device];
    const base = device === 'camera' ? CAMERA : MICROPHONE;
    if (!deviceId) return device === 'camera' ? { ...base, facingMode: 'user' } : base;
    return { ...base, deviceId: isExact ? { exact: deviceId } : deviceId };
  }

  // True if there is a track now.
  async #open(device, isExact = false) {
    const kind = device === 'camera' ? 'video' : 'audio';
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ [kind]: this.#constraints(device, isExact) });
      this.#take(device, stream.getTracks()[0]);
      return true;
    } catch (error) {
      this[device].problem = mediaProblem(error);
      return false;
    }
  }

  #take(device, track) {
    const state = this[device];
    if (this.#isClosed || (device === 'camera' && !state.isWanted)) {
      track.stop();
      return;
    }
    state.track?.stop();
    state.track = track;
    state.problem = null;
    if (device === 'microphone') track.enabled = state.isWanted;
    else track.contentHint = 'motion';
    track.addEventListener('ended', () => this.#onLost(device, track));
  }

  // Unplugged, or taken back by the person: try the default device once, else say so.
  async #onLost(device, track) {
    if (this[device].track !== track) return;
    this[device].track = null;
    this[device].problem = 'gone';
    this[device].deviceId = null;
    const isBack = await this.#open(device);
    this.emit('lost', { device, isBack });
    await this.refreshDevices();
    this.emit('change', this);
  }

  // Each resolves to null, or the problem that keeps it off.
  async setCamera(isOn) {
    const state = this.camera;
    state.isWanted = isOn;
    if (isOn && !state.track) {
      if (!navigator.mediaDevices?.getUserMedia) state.problem = mediaProblem({ name: 'TypeError' });
      else await this.#open('camera');
      await this.refreshDevices();
    }
    const stopping = isOn ? null : state.track;
    if (!isOn) state.track = null;
    this.emit('change', this); // told first, then the light goes off
    stopping?.stop();
    return isOn && !state.track ? state.problem : null;
  }

  // device: 'camera', 'microphone' or 'both'.
  async retry(device) {
    if (device !== 'both') return device === 'camera' ? this.setCamera(true) : this.setMicrophone(true);
    this.camera.isWanted = true;
    return this.start();
  }

  async setMicrophone(isOn) {
    const state = this.microphone;
    state.isWanted = isOn;
    if (isOn && !state.track) {
      if (!navigator.mediaDevices?.getUserMedia) state.problem = mediaProblem({ name: 'TypeError' });
      else await this.#open('microphone');
      await this.refreshDevices();
    }
    if (state.track) state.track.enabled = isOn;
    this.emit('change', this);
    return isOn && !state.track ? state.problem : null;
  }

  // device: 'camera' or 'microphone'.
  async choose(device, deviceId) {
    const state = this[device];
    const before = { deviceId: state.deviceId, track: state.track };
    state.deviceId = deviceId;
    storageSet(device, deviceId);
    let problem = null;
    if (device === 'microphone' || state.isWanted) {
      // Some phones open only one camera at a time.
      if (device === 'camera') { state.track = null; before.track?.stop(); }
      if (!await this.#open(device, true)) {
        problem = state.problem;
        state.deviceId = before.deviceId;
        if (device === 'camera') await this.#open(device);
      }
    }
    this.emit('change', this);
    return problem;
  }

  async shareScreen() {
    try {
      const stream = await navigator.mediaDevices.getDisplayMedia({ video: SCREEN, audio: false });
      const track = stream.getVideoTracks()[0];
      track.contentHint = 'detail';
      track.addEventListener('ended', () => { if (this.screen === track) this.stopScreen(); });
      this.screen = track;
      this.emit('change', this);
      return null;
    } catch (error) {
      return mediaProblem(error);
    }
  }

  stopScreen() {
    const track = this.screen;
    this.screen = null;
    this.emit('change', this);
    track?.stop();
  }

  async refreshDevices() {
    this.devices = await navigator.mediaDevices?.enumerateDevices?.().catch(() => []) ?? [];
    this.emit('devices', this.devices);
  }

  // True if this camera shows the person, so that they expect a mirror.
  get isMirrored() {
    return this.camera.track?.getSettings?.().facingMode !== 'environment';
  }

  // Lets go of all devices, to be asked for again when they are switched on: who only watches needs none.
  release() {
    for (const device of ['camera', 'microphone']) {
      const state = this[device];
      const { track } = state;
      state.isWanted = false;
      state.track = null;
      track?.stop();
    }
    this.isSettled = true;
    this.stopScreen();
  }

  close() {
    this.#isClosed = true;
    for (const state of [this.camera, this.microphone]) {
      state.track?.stop();
      state.track = null;
    }
    this.screen?.stop();
    this.screen = null;
  }
}

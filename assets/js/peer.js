// SPDX-License-Identifier: MIT
// One RTCPeerConnection, from offer to close. The offer's shape never changes, for nothing is ever
// renegotiated: audio, camera, screen, data channel, in this order. Tracks come and go by replaceTrack.
//
// Events: 'offer' {sdp}, 'candidate', 'stream', 'channel' (open or closed), 'message', 'state', 'failed'.
import { Emitter } from './emitter.js';
import { Uplink } from './uplink.js';

const ANSWER_TIMEOUT_MS = 15000;
const CONNECT_TIMEOUT_MS = 20000;
const DISCONNECTED_MS = 5000; // the browser's own 'failed' takes half a minute
const REFIT_MS = 1000;
const CHANNEL_BACKLOG_BYTES = 262144;

// VP8 is what the server mixes; the others stay in the offer behind it.
function preferVp8(transceiver) {
  const codecs = globalThis.RTCRtpReceiver?.getCapabilities?.('video')?.codecs;
  if (!codecs || !transceiver.setCodecPreferences) return;
  const rank = ({ mimeType }) => ['video/vp8', 'video/rtx'].indexOf(mimeType.toLowerCase()) >>> 0;
  const sorted = codecs.map((codec, at) => [rank(codec), at, codec]).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  try { transceiver.setCodecPreferences(sorted.map((entry) => entry[2])); } catch { /* the default will do */ }
}

export class Peer extends Emitter {
  #pc;
  #channel;
  #senders;
  #uplinks;
  #early = []; // candidates that came before the answer
  #timer = 0;
  #refitTimer;
  #isClosed = false;
  #stream = new MediaStream();

  // tracks: {audio, camera, screen}, each a track or null. isViewer: nothing is ever sent.
  constructor(iceServers, tracks, { isViewer = false } = {}) {
    super();
    this.#pc = new RTCPeerConnection({ iceServers: iceServers ?? [], bundlePolicy: 'max-bundle' });
    if (isViewer) this.#addReceivers();
    else this.#addTransceivers(tracks);
    this.#channel = this.#pc.createDataChannel('tessera'); // after them: Firefox keeps this order in the offer
    this.#listen();
    this.#refitTimer = setInterval(() => { for (const uplink of Object.values(this.#uplinks)) uplink.refit(); }, REFIT_MS);
  }

  get pc() { return this.#pc; }
  get isConnected() { return this.#pc.connectionState === 'connected'; }
  get channelState() { return this.#channel.readyState; }

  // One stream for all, so that the server's sender reports keep lips and sound together.
  #addTransceivers(tracks) {
    const streams = [new MediaStream()];
    const audio = this.#pc.addTransceiver(tracks.audio ?? 'audio', { direction: 'sendrecv', streams });
    const camera = this.#pc.addTransceiver(tracks.camera ?? 'video', { direction: 'sendrecv', streams });
    const screen = this.#pc.addTransceiver('video', { direction: 'sendonly', streams: [new MediaStream()] });
    preferVp8(camera);
    preferVp8(screen);
    this.#senders = { audio: audio.sender, camera: camera.sender, screen: screen.sender };
    this.#uplinks = { camera: new Uplink('camera', camera.sender), screen: new Uplink('screen', screen.sender) };
    if (tracks.screen) this.setTrack('screen', tracks.screen);
  }

  #addReceivers() {
    this.#pc.addTransceiver('audio', { direction: 'recvonly' });
    preferVp8(this.#pc.addTransceiver('video', { direction: 'recvonly' }));
    this.#senders = {};
    this.#uplinks = {};
  }

  #listen() {
    const { signal } = this.#abort;
    const listen = (target, type, run) => target.addEventListener(type, run, { signal });
    listen(this.#pc, 'icecandidate', ({ candidate }) => {
      if (candidate?.candidate) this.emit('candidate', candidate);
    });
    listen(this.#pc, 'track', ({ track }) => {
      this.#stream.addTrack(track);
      this.emit('stream', this.#stream);
    });
    listen(this.#pc, 'connectionstatechange', () => this.#onState());
    listen(this.#pc, 'iceconnectionstatechange', () => this.emit('state', this.#pc.connectionState));
    listen(this.#channel, 'open', () => this.emit('channel', 'open'));
    listen(this.#channel, 'close', () => this.emit('channel', 'closed'));
    listen(this.#channel, 'message', ({ data }) => this.#onMessage(data));
  }

  #abort = new AbortController();

  async offer() {
    try {
      await this.#pc.setLocalDescription(await this.#pc.createOffer());
      if (this.#isClosed) return;
      this.emit('offer', { sdp: this.#pc.localDescription.sdp });
      this.#failAfter(ANSWER_TIMEOUT_MS);
    } catch {
      this.#fail();
    }
  }

  async answer(sdp) {
    if (this.#isClosed || this.#pc.signalingState !== 'have-local-offer') return;
    try {
      await this.#pc.setRemoteDescription({ type: 'answer', sdp });
      for (const uplink of Object.values(this.#uplinks)) uplink.apply(); // some browsers take none before
      for (const candidate of this.#early.splice(0)) this.addCandidate(candidate);
      if (!this.isConnected) this.#failAfter(CONNECT_TIMEOUT_MS);
    } catch {
      this.#fail();
    }
  }

  addCandidate({ candidate, sdpMid, sdpMLineIndex }) {
    if (this.#isClosed) return;
    if (!this.#pc.remoteDescription) {
      this.#early.push({ candidate, sdpMid, sdpMLineIndex });
      return;
    }
    this.#pc.addIceCandidate({ candidate, sdpMid, sdpMLineIndex }).catch(() => {}); // a bad one is no loss
  }

  // kind: 'audio', 'camera', 'screen'. track: null to stop sending.
  async setTrack(kind, track) {
    if (this.#isClosed || !this.#senders[kind] || this.#senders[kind].track === track) return;
    await this.#senders[kind].replaceTrack(track).catch(() => {});
    if (track) this.#uplinks[kind]?.apply();
  }

  setUplink(order) {
    for (const kind of ['camera', 'screen']) if (order[kind]) this.#uplinks[kind]?.apply(order[kind]);
  }

  // True if it went over the data channel. Never an empty string: that would close it.
  say(text) {
    if (!text || !this.isConnected || this.#channel.readyState !== 'open') return false;
    if (this.#channel.bufferedAmount > CHANNEL_BACKLOG_BYTES) return false;
    try { this.#channel.send(text); } catch { return false; }
    return true;
  }

  getStats() {
    return this.#pc.getStats();
  }

  close() {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    clearInterval(this.#refitTimer);
    this.#abort.abort();
    this.#pc.close();
  }

  #onState() {
    const state = this.#pc.connectionState;
    clearTimeout(this.#timer);
    if (state === 'disconnected') this.#failAfter(DISCONNECTED_MS);
    if (state === 'connecting') this.#failAfter(CONNECT_TIMEOUT_MS);
    this.emit('state', state);
    if (state === 'failed') this.#fail();
  }

  #onMessage(data) {
    if (typeof data !== 'string') return;
    let message;
    try { message = JSON.parse(data); } catch { return; }
    if (message && typeof message.type === 'string') this.emit('message', message);
  }

  #failAfter(wait_ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fail(), wait_ms);
  }

  #fail() {
    if (this.#isClosed) return;
    this.close();
    this.emit('failed');
  }
}

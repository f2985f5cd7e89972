// SPDX-License-Identifier: MIT
// The connection panel: every second, how the call really fares.
import { build, byId, svg } from './dom.js';
import { linkIsPoor, linkReason, linkTier, linkTroubles } from './link.js';
import { receiveInit } from './receive.js';
import { Stats } from './stats.js';

const EVERY_MS = 1000;
const HISTORY = 60;
const TROUBLES_MAX = 2; // the worst ones; more would be a lecture
const GRADES = ['good', 'fair', 'poor'];

export class Panel {
  #session;
  #stats = new Stats();
  #box = byId('figures');
  #values = new Map();
  #verdict;
  #grade;
  #troubles;
  #lines;
  #history = { down: [], up: [] };
  #isOpen = false;
  #latest = null;
  #pc = null;
  #timer;

  constructor(session) {
    this.#session = session;
    this.#timer = setInterval(() => this.#tick(), EVERY_MS);
    session.on('ended', () => clearInterval(this.#timer));
    session.on('link', () => { if (this.#isOpen && this.#latest && session.peer) this.#draw(); });
    this.#build();
  }

  setOpen(isOpen) {
    this.#isOpen = isOpen;
    if (isOpen) this.#tick();
  }

  // For tests and embedders: the newest figures.
  async read() {
    await this.#tick();
    return this.#latest;
  }

  async #tick() {
    const { peer } = this.#session;
    if (!peer) return;
    if (peer.pc !== this.#pc) this.#stats = new Stats();
    this.#pc = peer.pc;
    try { this.#latest = this.#stats.read(await peer.getStats()); } catch { return; }
    panelPush(this.#history.down, this.#latest.down_kbps);
    panelPush(this.#history.up, this.#latest.up_kbps);
    if (this.#isOpen) this.#draw();
  }

  #build() {
    this.#grade = build('span', {}, 'Measuring…');
    this.#troubles = build('span', { class: 'link-words', 'data-testid': 'link-words' });
    this.#verdict = build('p', { class: 'verdict', 'data-testid': 'verdict', role: 'status' }, build('span', {}, this.#grade, this.#troubles));
    this.#lines = { down: svg('polyline', { class: 'down' }), up: svg('polyline', { class: 'up' }) };
    const spark = svg('svg', { class: 'spark', viewBox: `0 0 ${HISTORY - 1} 100`, preserveAspectRatio: 'none', 'aria-hidden': 'true' });
    spark.append(this.#lines.down, this.#lines.up);
    this.#box.append(this.#verdict, spark, build('p', { class: 'spark-key' }, build('span', {}, 'Received'), build('span', {}, 'Sent')));
    const saver = build('div', { class: 'saver' });
    receiveInit(saver, this.#session);
    this.#box.append(saver);
    for (const [title, rows] of GROUPS) {
      const list = build('dl');
      for (const [key, label] of rows) {
        const value = build('dd', { 'data-testid': `figure-${key}` }, '–');
        this.#values.set(key, value);
        list.append(build('dt', {}, label), value);
      }
      this.#box.append(build('h3', {}, title), list);
    }
  }

  #draw() {
    const values = panelValues(this.#latest, this.#session);
    for (const [key, element] of this.#values) element.textContent = values[key] ?? '–';
    const [grade, words] = panelVerdict(this.#latest, this.#session);
    panelSay(this.#grade, words);
    panelSay(this.#troubles, this.#session.state === 'joined' ? linkTroubles(this.#session.link).slice(0, TROUBLES_MAX).join(' ') : '');
    this.#verdict.className = `verdict is-${grade}`;
    const top = Math.max(100, ...this.#history.down, ...this.#history.up);
    for (const key of ['down', 'up']) {
      const points = this.#history[key].map((kbps, at, all) => `${HISTORY - all.length + at},${96 - kbps / top * 92}`);
      this.#lines[key].setAttribute('points', points.join(' '));
    }
  }
}

const GROUPS = [
  ['Your link, as the server sees it', [['link-tier', 'You are sent'], ['link-layers', 'Layers'], ['link-kbps', 'Bitrate'], ['link-reason', 'Why'],
    ['link-estimate', 'Link carries'], ['link-loss', 'Loss, to you'], ['link-up-loss', 'Loss, from you'], ['link-rtt', 'Round trip'],
    ['link-queue', 'Queue'], ['link-jitter', 'Jitter, your sound'], ['link-playout', 'Playout delay'], ['link-up-kbps', 'From you']]],
  ['State', [['connection', 'Connection'], ['ice', 'ICE'], ['signaling', 'Signaling'], ['channel', 'Data channel'], ['path', 'Path']]],
  ['Network', [['rtt', 'Round trip'], ['loss-down', 'Loss, received'], ['loss-up', 'Loss, sent'], ['down', 'Receiving'], ['up', 'Sending']]],
  ['The room’s picture', [['in-size', 'Size'], ['in-fps', 'Frames a second'], ['in-codec', 'Codec'], ['in-buffer', 'Buffered'], ['in-freezes', 'Freezes']]],
  ['Your camera', [['out-size', 'Size'], ['out-fps', 'Frames a second'], ['out-codec', 'Codec'], ['out-rate', 'Bitrate']]],
  ['Your screen', [['screen-size', 'Size'], ['screen-fps', 'Frames a second'], ['screen-rate', 'Bitrate']]],
  ['Sound', [['audio-in', 'Receiving'], ['audio-out', 'Sending'], ['audio-codec', 'Codec']]],
];

const kbps = (rate) => (rate == null ? null : rate >= 1000 ? `${(rate / 1000).toFixed(2)} Mbit/s` : `${Math.round(rate)} kbit/s`);
const share = (part) => (part == null ? null : `${(part * 100).toFixed(1)} %`);
const size = (stream) => (stream?.width ? `${stream.width} × ${stream.height}` : null);
const known = (value) => (value > 0 ? value : null); // the server says 0 for what it does not know
const whole = (value, unit = '') => (value == null ? null : `${Math.round(value)}${unit}`);

function panelValues(figures, session) {
  const { pc, channelState } = session.peer;
  const { link } = session;
  const { videoIn, audioIn, audioOut, cameraOut, screenOut } = figures;
  return {
    connection: pc.connectionState, ice: pc.iceConnectionState,
    signaling: `${session.signalingState}, ${pc.signalingState}`, channel: channelState, path: figures.path,
    rtt: whole(figures.rtt_ms, ' ms'), 'loss-down': share(figures.lossDown), 'loss-up': share(figures.lossUp),
    down: kbps(figures.down_kbps), up: kbps(figures.up_kbps),
    'in-size': size(videoIn), 'in-fps': whole(videoIn?.fps), 'in-codec': videoIn?.codec,
    'in-buffer': whole(videoIn?.buffer_ms, ' ms'), 'in-freezes': whole(videoIn?.freezes),
    'out-size': size(cameraOut), 'out-fps': whole(cameraOut?.fps), 'out-codec': cameraOut?.codec, 'out-rate': kbps(cameraOut?.kbps),
    'screen-size': size(screenOut), 'screen-fps': whole(screenOut?.fps), 'screen-rate': kbps(screenOut?.kbps),
    'link-tier': linkTier(link), 'link-layers': link?.down.video ? `${link.down.layers} of 3, ${link.down.fps} fps` : null,
    'link-kbps': kbps(known(link?.down.kbps)), 'link-reason': linkReason(link), 'link-estimate': kbps(known(link?.down.estimate_kbps)),
    'link-loss': share(link?.down.loss), 'link-rtt': whole(known(link?.down.rtt_ms), ' ms'), 'link-queue': whole(link?.down.queue_ms, ' ms'),
    'link-up-loss': share(link?.up.loss), 'link-jitter': whole(link?.up.jitter_ms, ' ms'), 'link-playout': whole(link?.up.playout_ms, ' ms'),
    'link-up-kbps': kbps(known(link?.up.kbps)),
    'audio-in': kbps(audioIn?.kbps), 'audio-out': kbps(audioOut?.kbps), 'audio-codec': audioIn?.codec ?? audioOut?.codec,
  };
}

// The worse of what this browser and what the server has to say.
function panelVerdict(figures, session) {
  if (session.state !== 'joined' || !session.peer.isConnected) return ['poor', 'Not connected'];
  const grade = GRADES[Math.max(panelGradeHere(figures), panelGradeThere(session))];
  return [grade, `The connection is ${grade}`];
}

function panelGradeHere({ lossDown, lossUp, rtt_ms }) {
  const loss = Math.max(lossDown ?? 0, lossUp ?? 0);
  if (loss > 0.08 || rtt_ms > 500) return 2;
  return loss > 0.02 || rtt_ms > 200 ? 1 : 0;
}

function panelGradeThere({ link }) {
  return linkIsPoor(link) ? 2 : Math.max(0, GRADES.indexOf(link?.quality));
}

// Only what is new is said to screen readers.
function panelSay(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

function panelPush(history, value) {
  history.push(value ?? 0);
  if (history.length > HISTORY) history.shift();
}

// SPDX-License-Identifier: MIT
// The call shown live elsewhere: on a page of this server (HLS), or pushed to a platform (RTMP). For moderators.
// Everybody sees that it is live. A stream key is sent once and kept nowhere: what the server tells of it is masked.
import { clipboardCopy } from './clipboard.js';
import { build, byId, icon } from './dom.js';
import { formComplain } from './form.js';
import { sizeRate } from './size.js';
import { toast } from './toast.js';
import { whenClock } from './when.js';
import { wordsForRefusal, WORDS_NOT_ALLOWED } from './words.js';

const EVERY_MS = 1000;
const STATES = { connecting: 'connecting…', live: 'live', waiting: 'lost, tries again' };

export class Live {
  #session;
  #onLook;
  #timer;
  #read_ms = Date.now();
  #asked = null; // the form that was sent, and not answered yet
  #isLive = false;
  #rows = '';
  #states = new Map(); // of each broadcast, as it was told last

  // Borrows the session. onLook(look): how the control in the dock is to look.
  constructor(session, onLook) {
    this.#session = session;
    this.#onLook = onLook;
    byId('live-page-form').addEventListener('submit', (event) => { event.preventDefault(); this.#startPage(); });
    byId('live-push-form').addEventListener('submit', (event) => { event.preventDefault(); this.#startPush(); });
    byId('live-url').addEventListener('input', () => formComplain(byId('live-url'), ''));
    session.on('broadcasts', () => this.#onBroadcasts());
    session.on('rights', () => this.#draw());
    session.on('refused', (refusal) => this.#onRefused(refusal));
    this.#timer = setInterval(() => this.#drawTimes(), EVERY_MS);
    this.#onBroadcasts();
  }

  close() {
    clearInterval(this.#timer);
  }

  open() {
    if (!this.#session.isModerator) {
      toast(WORDS_NOT_ALLOWED.moderator, { kind: 'error' });
      return;
    }
    byId('live-error').textContent = '';
    formComplain(byId('live-url'), '');
    this.#draw();
    byId('live-dialog').showModal();
  }

  // It is told every second.
  #onBroadcasts() {
    this.#read_ms = Date.now();
    if (this.#session.broadcasts.some(({ id }) => !this.#states.has(id))) this.#onBegun();
    this.#sayChanges();
    this.#draw();
  }

  #onBegun() {
    if (this.#asked === 'push') byId('live-url').value = byId('live-key').value = '';
    this.#asked = null;
    byId('live-error').textContent = '';
  }

  // Once each, in words: the rows tell it to who looks at them.
  #sayChanges() {
    if (!this.#isLive && this.#session.broadcasts.some(({ state }) => state === 'live')) toast('This call is shown live to others.', { iconName: 'broadcast', topic: 'live' });
    for (const { id, kind, state } of this.#session.broadcasts) {
      const before = this.#states.get(id);
      this.#states.set(id, state);
      if (before === undefined || before === state || state !== 'waiting' || !this.#session.isModerator) continue;
      const what = kind === 'hls' ? 'The page' : 'The broadcast';
      toast(`${what} was interrupted. The server tries again by itself.`, { kind: 'error', topic: 'live' });
    }
  }

  #draw() {
    const { broadcasts, isModerator } = this.#session;
    const isLive = broadcasts.some((each) => each.state === 'live');
    this.#isLive = isLive;
    byId('live-badge').hidden = !isLive;
    this.#onLook({ state: broadcasts.length ? 'recording' : null, words: broadcasts.length ? (isLive ? 'Live now' : 'Going live…') : 'Show it live' });
    byId('live-page-form').hidden = broadcasts.some((each) => each.kind === 'hls');
    if (!isModerator && byId('live-dialog').open) byId('live-dialog').close();
    const rows = JSON.stringify(broadcasts.map(({ id, state, url, watch }) => [id, state, url, watch]));
    if (rows !== this.#rows) {
      this.#rows = rows;
      byId('live-runs').replaceChildren(...broadcasts.map((each) => this.#buildRun(each)));
    }
    this.#drawTimes();
  }

  #buildRun({ id, kind, state, url, watch }) {
    const isPage = kind === 'hls';
    const stop = build('button', { type: 'button', class: 'icon-button small', 'data-testid': 'live-stop', 'aria-label': isPage ? 'Stop the page' : 'Stop the broadcast', title: 'Stop' }, icon('stop'));
    stop.addEventListener('click', () => this.#order({ type: 'stop-broadcast', id }, null));
    return build('li', { class: `run is-${state}`, 'data-broadcast': id, 'data-state': state }, build('i', { class: 'run-dot', 'aria-hidden': 'true' }),
      build('span', { class: 'run-words' }, build('b', {}, isPage ? 'Page of this server' : url ?? 'RTMP'), build('small', { 'data-figures': STATES[state] ?? state })),
      build('span', { class: 'run-doors' }, stop), isPage && watch ? liveLink(watch) : null);
  }

  #drawTimes() {
    for (const row of byId('live-runs').children) {
      const each = this.#session.broadcasts.find(({ id }) => id === row.dataset.broadcast);
      const figures = row.querySelector('[data-figures]');
      const seconds = (each?.live_seconds ?? 0) + (Date.now() - this.#read_ms) / 1000;
      const lost = each?.reconnects > 0 ? `${each.reconnects} × connected again` : null;
      const words = each?.state === 'live' ? [figures.dataset.figures, whenClock(seconds), sizeRate(each.kbps), lost] : [figures.dataset.figures];
      figures.textContent = words.filter(Boolean).join(' · ');
    }
  }

  #startPage() {
    this.#order({ type: 'start-broadcast', kind: 'hls' }, 'page');
  }

  // Platforms give an address and a key; together they are the URL.
  #startPush() {
    const field = byId('live-url');
    const url = field.value.trim();
    const key = byId('live-key').value.trim();
    if (!/^rtmps?:\/\/[^\s/]+/i.test(url)) {
      formComplain(field, 'An address begins with rtmp:// or rtmps://.');
      field.focus();
      return;
    }
    this.#order({ type: 'start-broadcast', kind: 'rtmp', url: key ? `${url.replace(/\/+$/, '')}/${key.replace(/^\/+/, '')}` : url }, 'push');
  }

  #order(message, form) {
    byId('live-error').textContent = '';
    this.#asked = this.#session.order(message) ? form : null;
    if (form && !this.#asked) byId('live-error').textContent = 'Not done: the connection is just being restored.';
  }

  #onRefused({ code, message, field }) {
    if (!this.#asked || !byId('live-dialog').open) return;
    this.#asked = null;
    const words = wordsForRefusal(code, message);
    if (field === 'url') formComplain(byId('live-url'), words);
    else byId('live-error').textContent = words;
  }
}

function liveLink(path) {
  const { href } = new URL(path, location.href);
  const field = build('input', { class: 'field', readonly: true, 'aria-label': 'Link for those who watch', 'data-testid': 'live-link' });
  field.value = href;
  field.addEventListener('focus', () => field.select());
  const copy = build('button', { type: 'button', class: 'button', 'data-testid': 'live-copy' }, 'Copy');
  copy.addEventListener('click', () => clipboardCopy(href, field, 'The link is copied. Whoever has it can watch.'));
  return build('div', { class: 'link-row' }, field, copy);
}

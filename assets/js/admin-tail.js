// SPDX-License-Identifier: MIT
// What happens on the server, as it happens: server-sent events, read by fetch, because an EventSource cannot
// send a key. Comes back by itself, after the last event that it saw.
import { apiFetch } from './api.js';
import { build } from './dom.js';

const LINES_MAX = 200;
const AGAIN_MS = 3000;
const QUIET = new Set(['speaking', 'layout']); // too many to be read

export class AdminTail {
  #box;
  #key;
  #abort = new AbortController();
  #last = null;

  constructor(box, key) {
    this.#box = box;
    this.#key = key;
    box.replaceChildren();
    this.#run();
  }

  close() {
    this.#abort.abort();
  }

  async #run() {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      await this.#read(signal).catch(() => {});
      if (!signal.aborted) await new Promise((resolve) => { setTimeout(resolve, AGAIN_MS); });
    }
  }

  async #read(signal) {
    const after = this.#last == null ? '' : `?after=${encodeURIComponent(this.#last)}`;
    const answer = await apiFetch('GET', `/events${after}`, { key: this.#key, accept: 'text/event-stream', signal });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let pending = '';
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const blocks = (pending + value).split(/\r?\n\r?\n/);
      pending = blocks.pop();
      for (const block of blocks) this.#take(block);
    }
  }

  // One event: lines "field: value"; those that begin with a colon are only there to keep the line open.
  #take(block) {
    const fields = {};
    for (const line of block.split(/\r?\n/)) {
      const [, name, value] = line.match(/^(\w+): ?(.*)$/) ?? [];
      if (name) fields[name] = fields[name] === undefined ? value : `${fields[name]}\n${value}`;
    }
    if (fields.id) this.#last = fields.id;
    if (!fields.data) return;
    try { this.#show(fields.event, JSON.parse(fields.data)); } catch { /* no JSON: nothing to show */ }
  }

  #show(type, event) {
    const name = event.type ?? type;
    if (QUIET.has(name)) return;
    const at = event.at ? new Date(event.at) : new Date();
    const data = event.data ?? {};
    const about = data.member?.name ?? data.name ?? data.reason ?? '';
    const isAtEnd = this.#box.scrollHeight - this.#box.scrollTop - this.#box.clientHeight < 40;
    this.#box.append(build('li', {}, build('time', { datetime: at.toISOString() }, at.toLocaleTimeString()),
      build('b', {}, name ?? ''), build('span', {}, [event.room, about].filter(Boolean).join(' · '))));
    while (this.#box.children.length > LINES_MAX) this.#box.firstElementChild.remove();
    if (isAtEnd) this.#box.scrollTop = this.#box.scrollHeight;
  }
}

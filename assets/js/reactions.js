// SPDX-License-Identifier: MIT
// Reactions: emojis that rise from the tile of whoever sent them.
import { build, byId, speak } from './dom.js';

export const REACTIONS = [
  ['👍', 'thumbs up'], ['👏', 'applause'], ['❤️', 'heart'], ['😂', 'laughing'], ['😮', 'surprised'], ['🎉', 'celebration'],
  ['🤔', 'thinking'], ['👋', 'waving'], ['🙏', 'thank you'], ['✅', 'yes'], ['❌', 'no'], ['☕', 'a break'],
];

const SHOWN_MS = 3400;
const SHOWN_MAX = 30;
const GAP_MS = 250; // between two of one's own

export class Reactions {
  #session;
  #overlay;
  #sentAt_ms = -GAP_MS;
  #box = byId('floats');

  // Borrows the overlay, which knows where the tiles are.
  constructor(session, overlay) {
    this.#session = session;
    this.#overlay = overlay;
    session.on('reaction', (reaction) => this.#show(reaction));
  }

  send(emoji) {
    const now_ms = performance.now();
    if (now_ms - this.#sentAt_ms < GAP_MS) return;
    this.#sentAt_ms = now_ms;
    this.#session.say({ type: 'reaction', emoji });
  }

  #show({ from, name, emoji }) {
    if (typeof emoji !== 'string' || this.#box.children.length >= SHOWN_MAX) return;
    const isMine = from === this.#session.id;
    const float = build('div', { class: 'float' }, build('b', {}, emoji), build('span', { dir: 'auto' }, isMine ? 'You' : name));
    const tile = this.#overlay.tileOf(from);
    const width = this.#box.clientWidth;
    const x = tile ? tile.x + tile.width * (0.3 + Math.random() * 0.4) : width * (0.3 + Math.random() * 0.4);
    const bottom = tile ? tile.y + tile.height : this.#box.clientHeight;
    float.style.left = `${Math.max(40, Math.min(width - 40, x))}px`;
    float.style.top = `${Math.max(70, bottom - 110)}px`;
    this.#box.append(float);
    setTimeout(() => float.remove(), SHOWN_MS);
    if (!isMine) speak(`${name}: ${REACTIONS.find(([known]) => known === emoji)?.[1] ?? emoji}`);
  }
}

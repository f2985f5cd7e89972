// SPDX-License-Identifier: MIT
// The small mark for whose connection is not good: bars in the list of people and on the tiles.
import { build, byId, icon } from './dom.js';
import { QUALITY } from './link.js';

const SIZE_MIN_PX = 14;
const SIZE_MAX_PX = 28;

// Null for a good connection.
export function qualityMark({ id, quality }, test = 'quality') {
  const words = Object.hasOwn(QUALITY, quality ?? '') ? QUALITY[quality] : null;
  if (!words) return null;
  return build('span', { class: `quality is-${quality}`, role: 'img', 'aria-label': words, title: words, 'data-testid': `${test}-${id}` },
    icon(`signal-${quality}`));
}

// The marks on the tiles of the room's picture, each in the tile's lower right corner.
export class QualityMarks {
  #session;
  #overlay;
  #box = byId('marks');
  #drawn = '';

  // Borrows both; the overlay knows where the tiles are, and tells when they move.
  constructor(session, overlay) {
    this.#session = session;
    this.#overlay = overlay;
    session.on('members', () => this.#draw());
    overlay.onPlace = () => this.#place();
    this.#draw();
  }

  #draw() {
    const marked = [...this.#session.members.values()].filter(({ quality }) => quality in QUALITY);
    const state = JSON.stringify(marked.map(({ id, quality }) => [id, quality]));
    if (state === this.#drawn) return;
    this.#drawn = state;
    this.#box.replaceChildren(...marked.map((member) => {
      const mark = qualityMark(member, 'tile-quality');
      mark.dataset.member = member.id;
      return mark;
    }));
    this.#place();
  }

  #place() {
    for (const mark of this.#box.children) {
      const tile = this.#overlay.tileOf(mark.dataset.member);
      mark.hidden = !tile;
      if (!tile) continue;
      Object.assign(mark.style, { left: `${tile.x + tile.width}px`, top: `${tile.y + tile.height}px` });
      mark.style.setProperty('--size', `${Math.min(SIZE_MAX_PX, Math.max(SIZE_MIN_PX, tile.width / 12))}px`);
    }
  }
}

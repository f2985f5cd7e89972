// SPDX-License-Identifier: MIT
// How the picture is laid out: a small drawing of each way, the present one marked. Everyone may look; a
// moderator chooses.
import { build, byId, svg } from './dom.js';
import { WORDS_NOT_ALLOWED } from './words.js';

// kind: [label, what it does, rectangles of 48 by 27: x, y, width, height, and 1 for the one that matters]
const LAYOUTS = {
  grid: ['Grid', 'All the same size', [[1, 1, 22, 12], [25, 1, 22, 12], [1, 14.5, 22, 12], [25, 14.5, 22, 12]]],
  speaker: ['Speaker', 'Who speaks is large, the others below', [[7, 1, 34, 18, 1], [1, 20.5, 10.5, 6], [13, 20.5, 10.5, 6], [25, 20.5, 10.5, 6], [37, 20.5, 10, 6]]],
  sidebar: ['Sidebar', 'Who speaks is large, the others beside', [[1, 3, 33, 21, 1], [35.5, 1, 11.5, 7.5], [35.5, 9.8, 11.5, 7.5], [35.5, 18.6, 11.5, 7.5]]],
  spotlight: ['Spotlight', 'Whom you choose is large, whoever speaks', [[1, 1, 22.5, 18, 1], [24.5, 1, 22.5, 18, 1], [1, 20.5, 10.5, 6], [13, 20.5, 10.5, 6], [25, 20.5, 10.5, 6], [37, 20.5, 10, 6]]],
  screen: ['Screen', 'The shared screen is large', [[1, 1, 34, 25, 2], [36.5, 1, 10.5, 7.5], [36.5, 9.8, 10.5, 7.5], [36.5, 18.6, 10.5, 7.5]]],
};

function layoutsDrawing(rectangles) {
  const drawing = svg('svg', { viewBox: '0 0 48 27', class: 'layout-drawing', 'aria-hidden': 'true' });
  for (const [x, y, width, height, kind] of rectangles) {
    drawing.append(svg('rect', { x, y, width, height, rx: 2, class: kind ? 'is-main' : '' }));
    if (kind === 2) drawing.append(svg('path', { d: `M${x + 8} ${y + 9}h18M${x + 8} ${y + 13}h12M${x + 8} ${y + 17}h15` }));
  }
  return drawing;
}

export class Layouts {
  #session;
  #moderate;
  #cards = new Map();

  // Borrows both.
  constructor(session, moderate) {
    this.#session = session;
    this.#moderate = moderate;
    byId('layout-cards').replaceChildren(...Object.keys(LAYOUTS).map((kind) => this.#buildCard(kind)));
    for (const event of ['room', 'rights', 'layout']) session.on(event, () => this.#draw());
    this.#draw();
  }

  open() {
    this.#draw();
    byId('layout-dialog').showModal();
    (this.#cards.get(this.#kind()) ?? [...this.#cards.values()][0]).focus();
  }

  #kind() {
    const { info, layout } = this.#session;
    return info?.layout?.kind ?? info?.layout ?? layout?.name ?? null;
  }

  #buildCard(kind) {
    const [label, words, rectangles] = LAYOUTS[kind];
    const card = build('button', { type: 'button', class: 'layout-card', 'data-testid': `layout-${kind}`, 'aria-describedby': 'layout-why' },
      layoutsDrawing(rectangles), build('b', {}, label), build('small', {}, words));
    card.addEventListener('click', () => { if (this.#moderate.mayOrSay()) this.#choose(kind); });
    this.#cards.set(kind, card);
    return card;
  }

  // A spotlight needs someone in it: those chosen under People, else who speaks, else whoever is there.
  #choose(kind) {
    const { members, speaking } = this.#session;
    const chosen = [...members.values()].filter((member) => member.spotlight).map((member) => member.id);
    const fallback = [...speaking][0] ?? [...members.keys()][0];
    const spotlit = chosen.length ? chosen : [fallback].filter(Boolean);
    this.#moderate.setLayout(kind === 'spotlight' ? { kind, members: spotlit } : { kind });
    byId('layout-dialog').close();
  }

  #draw() {
    const kind = this.#kind();
    const isAllowed = this.#session.isModerator;
    byId('layout-why').textContent = isAllowed ? 'Everyone in the room sees the same picture.' : WORDS_NOT_ALLOWED.moderator;
    for (const [name, card] of this.#cards) {
      card.setAttribute('aria-pressed', String(name === kind));
      card.setAttribute('aria-disabled', String(!isAllowed));
      card.title = isAllowed ? '' : WORDS_NOT_ALLOWED.moderator;
    }
  }
}

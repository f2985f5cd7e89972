// SPDX-License-Identifier: MIT
// Who stands before the door, for those who may open it: at the top of the list of people, and a word when
// somebody comes.
import { avatar, build, byId } from './dom.js';
import { toast, toastClear } from './toast.js';

export class Waiting {
  #session;
  #moderate;
  #known = new Set();
  #onWanted;
  #state = '';

  // Borrows both. onWanted(): show the list.
  constructor(session, moderate, onWanted) {
    this.#session = session;
    this.#moderate = moderate;
    this.#onWanted = onWanted;
    session.on('waiting', () => this.#draw());
    session.on('rights', () => this.#draw());
    byId('admit-all').addEventListener('click', () => moderate.admitAll());
    this.#draw();
  }

  #draw() {
    const waiting = this.#session.isModerator ? this.#session.waiting : [];
    byId('people-waiting').hidden = !waiting.length;
    byId('admit-all').hidden = waiting.length < 2;
    const state = JSON.stringify(waiting);
    if (state !== this.#state) byId('waiting-list').replaceChildren(...waiting.map((guest) => this.#buildRow(guest)));
    this.#state = state;
    this.#announce(waiting);
  }

  #buildRow({ id, name }) {
    const admit = build('button', { type: 'button', class: 'button small primary', 'data-testid': `admit-${id}`, 'aria-label': `Let ${name} in` }, 'Let in');
    const refuse = build('button', { type: 'button', class: 'button small quiet', 'data-testid': `refuse-${id}`, 'aria-label': `Do not let ${name} in` }, 'Refuse');
    admit.addEventListener('click', () => this.#moderate.admit(id));
    refuse.addEventListener('click', () => this.#moderate.refuse(id));
    return build('li', { class: 'waiting-guest' }, avatar(name, id),
      build('b', { dir: 'auto' }, name), build('span', { class: 'waiting-doors' }, admit, refuse));
  }

  #announce(waiting) {
    const fresh = waiting.filter(({ id }) => !this.#known.has(id));
    this.#known = new Set(waiting.map(({ id }) => id));
    if (!waiting.length) toastClear('waiting');
    if (!fresh.length || !byId('pane-people').hidden) return;
    const words = fresh.length === 1 ? `${fresh[0].name} waits to come in.` : `${fresh.length} people wait to come in.`;
    toast(words, { topic: 'waiting', iconName: 'people', action: { label: 'Show', run: this.#onWanted } });
  }
}

// SPDX-License-Identifier: MIT
// Who only watches, for moderators, who can let them take part. The others know no more than their number, so the
// names are asked for while the list is looked at.
import { avatar, build, byId, icon } from './dom.js';

const SETTLE_MS = 500; // an audience comes all at once

export class Viewers {
  #session;
  #moderate;
  #timer = 0;
  #state = '';

  // Borrows both.
  constructor(session, moderate) {
    this.#session = session;
    this.#moderate = moderate;
    session.on('watching', () => this.#draw());
    for (const event of ['viewers', 'rights']) session.on(event, () => { this.#draw(); this.look(); });
    this.#draw();
  }

  // The list of people is shown, or who watches has changed.
  look() {
    clearTimeout(this.#timer);
    if (!this.#isWanted() || byId('pane-people').hidden) return;
    this.#timer = setTimeout(() => { if (this.#isWanted()) this.#moderate.listViewers(); }, SETTLE_MS);
  }

  #isWanted() { return this.#session.isModerator && this.#session.viewers > 0; }

  #draw() {
    const { viewers, watching } = this.#session;
    const shown = this.#isWanted() ? watching : [];
    byId('people-viewers').hidden = !shown.length;
    const rest = viewers - shown.length;
    byId('viewers-more').hidden = rest <= 0;
    byId('viewers-more').textContent = rest > 0 ? `and ${rest} more` : '';
    const state = JSON.stringify(shown);
    if (state === this.#state) return;
    this.#state = state;
    const hadFocus = byId('viewers-list').contains(document.activeElement);
    byId('viewers-list').replaceChildren(...shown.map((viewer) => this.#buildRow(viewer)));
    if (hadFocus) (byId('viewers-list').querySelector('button') ?? byId('pane-people').querySelector('[data-close-pane]')).focus();
  }

  #buildRow({ id, name }) {
    const admit = build('button', { type: 'button', class: 'button small', 'data-testid': `take-part-${id}`, 'aria-label': `Bring ${name} in`, title: 'To take part' }, 'Bring in');
    const remove = build('button', { type: 'button', class: 'icon-button small', 'data-testid': `remove-viewer-${id}`, 'aria-label': `Remove ${name}`, title: 'Remove' }, icon('close'));
    admit.addEventListener('click', () => this.#moderate.changeMember(id, { role: 'member' }));
    remove.addEventListener('click', () => this.#moderate.kick({ id, name }));
    return build('li', { class: 'waiting-guest', 'data-viewer': id }, avatar(name, id),
      build('b', { dir: 'auto' }, name), build('span', { class: 'waiting-doors' }, admit, remove));
  }
}

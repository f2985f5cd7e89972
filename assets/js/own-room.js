// SPDX-License-Identifier: MIT
// My room: its link, whether somebody is in it, its settings.
import { api } from './api.js';
import { clipboardCopy } from './clipboard.js';
import { byId } from './dom.js';
import { formOnSubmit } from './form.js';
import { RoomForm } from './room-form.js';
import { toast } from './toast.js';

export class OwnRoom {
  #path;
  #room = null;
  #form = new RoomForm({ prefix: 'room-', hasLayout: true });

  constructor(user) {
    const name = user.room ?? user.login;
    this.#path = `/rooms/${encodeURIComponent(name)}`;
    const link = new URL(user.link ?? `/r/${encodeURIComponent(name)}`, location.href);
    byId('room-link').value = link.href;
    byId('room-link').addEventListener('focus', ({ target }) => target.select());
    byId('room-copy').addEventListener('click', () => clipboardCopy(link.href, byId('room-link')));
    if (link.origin === location.origin) byId('room-enter').href = link.pathname;
    byId('room-form-fields').replaceChildren(...this.#form.elements);
    formOnSubmit(byId('room-form'), () => this.#save());
  }

  async refresh() {
    try {
      this.#show(await api('GET', this.#path));
    } catch (error) {
      if (error.status === 404) this.#show({}); // never entered, never set
      else toast(error.message, { kind: 'error' });
    }
  }

  #show(room) {
    this.#room = room;
    this.#form.show(room);
    const live = byId('room-live');
    live.hidden = !(room.members > 0);
    if (!live.hidden) live.textContent = room.members === 1 ? 'One person is in your room.' : `${room.members} people are in your room.`;
  }

  async #save() {
    const changes = this.#form.read();
    if (!Object.keys(changes).length) {
      toast('Nothing was changed.');
      return;
    }
    try {
      this.#show(await api('PATCH', this.#path, { body: changes, revision: this.#room.revision }));
      toast('Saved.', { iconName: 'check' });
    } catch (error) {
      if (error.status !== 412) throw error;
      await this.refresh();
      toast('Somebody else has changed the room meanwhile. Here is how it is now.', { kind: 'error' });
    }
  }
}

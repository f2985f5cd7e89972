// SPDX-License-Identifier: MIT
// The room's settings while in the call: a dialog for moderators, and what they do to the whole room.
import { byId } from './dom.js';
import { RoomForm } from './room-form.js';
import { RoomMedia } from './room-media.js';
import { toast } from './toast.js';

export class RoomSettings {
  #session;
  #moderate;
  #form = new RoomForm({ prefix: 'room-' });
  #media;

  // Borrows both.
  constructor(session, moderate) {
    this.#session = session;
    this.#moderate = moderate;
    this.#media = new RoomMedia(session);
    byId('room-form-fields').replaceChildren(...this.#form.elements);
    byId('room-form').addEventListener('submit', (event) => { event.preventDefault(); this.#save(); });
    byId('room-end').addEventListener('click', () => { byId('room-dialog').close(); moderate.end(); });
    byId('banner-form').addEventListener('submit', (event) => { event.preventDefault(); this.#showBanner(); });
    byId('banner-remove').addEventListener('click', () => { moderate.removeBanner(); byId('room-dialog').close(); });
    byId('mute-all').addEventListener('click', () => moderate.muteAll());
    byId('lock').addEventListener('click', () => moderate.changeRoom({ locked: !session.info?.locked }));
    byId('room-settings').addEventListener('click', () => this.open());
    session.on('room', () => this.#draw());
    session.on('rights', () => this.#draw());
    this.#draw();
  }

  open() {
    if (!this.#moderate.mayOrSay()) return;
    this.#form.show(this.#session.info);
    byId('banner-text').value = this.#session.info?.banner?.text ?? '';
    byId('banner-position').value = this.#session.info?.banner?.position ?? 'bottom';
    this.#draw();
    this.#media.open();
    byId('room-dialog').showModal();
  }

  #save() {
    const changes = this.#form.read();
    if (Object.keys(changes).length) this.#moderate.changeRoom(changes);
    byId('room-dialog').close();
  }

  #showBanner() {
    const text = byId('banner-text').value.trim();
    if (!text) {
      byId('banner-text').focus();
      return;
    }
    this.#moderate.setBanner({ text, position: byId('banner-position').value });
    byId('room-dialog').close();
    toast('The banner is shown to everyone.', { iconName: 'check' });
  }

  #draw() {
    const { info, isModerator } = this.#session;
    byId('people-tools').hidden = !isModerator;
    byId('banner-remove').hidden = !info?.banner;
    byId('lock').setAttribute('aria-pressed', String(Boolean(info?.locked)));
    byId('lock-words').textContent = info?.locked ? 'Unlock' : 'Lock';
    byId('lock').querySelector('use').setAttribute('href', `/icons/sprite.svg#${info?.locked ? 'unlock' : 'lock'}`);
    if (!isModerator && byId('room-dialog').open) byId('room-dialog').close();
  }
}

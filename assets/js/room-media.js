// SPDX-License-Identifier: MIT
// What a moderator puts into the picture and the sound of all, by files: background, logo, banner, an announcement.
// Files go over REST, with the seat in the call as credential.
import { apiFetch } from './api.js';
import { build, byId } from './dom.js';
import { sizeWords } from './size.js';

const PICTURES = [['background', 'Background', 'has_background_picture'], ['logo', 'Logo', 'has_logo'], ['banner', 'Banner', 'has_banner_picture']]; // slot, label, where the room tells of it
const PICTURE_TYPES = 'image/png,image/jpeg,image/webp';
const SOUND_TYPES = 'audio/*,video/webm,video/mp4';
const PICTURE_SIDE_MAX_PX = 8192; // as the server has it
const SOUND_MINUTES_MAX = 5; // likewise

export class RoomMedia {
  #session;
  #rows = new Map();
  #sound = null;
  #soundName;
  #play;
  #volume;

  // Borrows the session.
  constructor(session) {
    this.#session = session;
    byId('picture-rows').replaceChildren(...PICTURES.map(([slot, label]) => this.#buildPicture(slot, label)));
    byId('announce-rows').replaceChildren(...this.#buildSound());
    session.on('room', () => this.#draw());
  }

  open() {
    this.#complain('');
    const size = sizeWords(this.#session.uploadBytesMax);
    const limit = Number.isFinite(this.#session.uploadBytesMax) ? `, up to ${size}` : '';
    byId('pictures-hint').textContent = `PNG, JPEG or WebP${limit} and ${PICTURE_SIDE_MAX_PX} pixels a side. Everyone sees them, recordings too.`;
    byId('announce-hint').textContent = `WAV, Ogg, FLAC, MP3, WebM or M4A${limit} and ${SOUND_MINUTES_MAX} minutes. Everyone hears it, once.`;
    this.#draw();
  }

  #path(rest) { return `/rooms/${encodeURIComponent(this.#session.room)}/${rest}`; }

  // A button that opens the browser's own choice of a file; onFile(file).
  #buildChoice(test, label, types, words, onFile) {
    const input = build('input', { type: 'file', accept: types, hidden: true, 'data-testid': test, 'aria-label': label });
    const button = build('button', { type: 'button', class: 'button small', 'aria-label': `${label}: ${words}` }, words);
    button.addEventListener('click', () => input.click());
    input.addEventListener('change', () => {
      const [file] = input.files;
      input.value = ''; // the same one may be chosen again
      if (file) onFile(file);
    });
    return [input, button];
  }

  #buildPicture(slot, label) {
    const remove = build('button', { type: 'button', class: 'button small quiet', 'data-testid': `picture-${slot}-remove`, 'aria-label': `${label}: remove`, hidden: true }, 'Remove');
    remove.addEventListener('click', () => this.#removePicture(slot, label));
    this.#rows.set(slot, remove);
    return build('div', { class: 'media-row' }, build('b', {}, label), remove,
      ...this.#buildChoice(`picture-${slot}`, label, PICTURE_TYPES, 'Choose…', (file) => this.#putPicture(slot, label, file)));
  }

  #buildSound() {
    this.#soundName = build('b', { 'data-testid': 'announce-name', dir: 'auto' }, 'No sound chosen');
    this.#volume = build('input', { type: 'range', min: 0, max: 2, step: 0.05, value: 1, id: 'announce-volume', 'data-testid': 'announce-volume', 'aria-label': 'Volume of the announcement' });
    const words = build('output', { for: 'announce-volume' }, '100 %');
    this.#volume.addEventListener('input', () => { words.textContent = `${Math.round(this.#volume.value * 100)} %`; });
    this.#play = build('button', { type: 'button', class: 'button small', 'data-testid': 'announce-play', disabled: true }, 'Play');
    const stop = build('button', { type: 'button', class: 'button small quiet', 'data-testid': 'announce-stop' }, 'Stop');
    this.#play.addEventListener('click', () => this.#playSound());
    stop.addEventListener('click', () => this.#do(() => this.#send('DELETE', 'announcement'), 'The announcement was stopped.'));
    return [
      build('div', { class: 'media-row' }, this.#soundName, ...this.#buildChoice('announce-file', 'Sound', SOUND_TYPES, 'Choose…', (file) => this.#takeSound(file))),
      build('div', { class: 'media-row' }, this.#volume, words, stop, this.#play),
    ];
  }

  #draw() {
    for (const [slot, , told] of PICTURES) this.#rows.get(slot).hidden = !this.#session.info?.theme?.[told];
  }

  #takeSound(file) {
    this.#complain('');
    if (!this.#fits(file)) return;
    this.#sound = file;
    this.#soundName.textContent = file.name;
    this.#play.disabled = false;
  }

  #playSound() {
    return this.#do(() => this.#send('POST', `announcement?volume=${this.#volume.value}`, this.#sound), 'Everyone hears it now.', this.#play);
  }

  #putPicture(slot, label, file) {
    this.#complain('');
    if (this.#fits(file)) this.#do(() => this.#send('PUT', `pictures/${slot}`, file), `${label}: everyone sees it now.`);
  }

  #removePicture(slot, label) {
    return this.#do(() => this.#send('DELETE', `pictures/${slot}`), `${label}: removed.`);
  }

  #send(method, rest, file) { return apiFetch(method, this.#path(rest), { file, seat: this.#session.seat }); }

  // Said before it is sent: of a body that is far too large a browser may see no answer.
  #fits(file) {
    const isFit = file.size <= this.#session.uploadBytesMax;
    if (!isFit) this.#complain(`“${file.name}” has ${sizeWords(file.size)}: ${sizeWords(this.#session.uploadBytesMax)} are allowed.`);
    return isFit;
  }

  async #do(send, words, button = null) {
    this.#complain('');
    if (button) button.disabled = true;
    try {
      await send();
      byId('media-state').textContent = words;
    } catch (error) {
      this.#complain(error.message);
      if (error.status == null) reportError(error);
    } finally {
      if (button) button.disabled = false;
    }
  }

  #complain(words) {
    byId('media-state').textContent = '';
    byId('media-error').textContent = words;
    if (words) byId('media-error').scrollIntoView({ block: 'nearest' });
  }
}

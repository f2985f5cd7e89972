// SPDX-License-Identifier: MIT
// A room's settings as a form: the same in the call and for one's own room.
import { build } from './dom.js';
import { formField, formSwitch } from './form.js';

const SWITCHES = [
  ['lobby', 'Guests wait until someone lets them in'],
  ['locked', 'Locked: nobody else can come in'],
  ['animate', 'People glide to their new places in the picture'],
];
const LAYOUTS = [['grid', 'Grid'], ['speaker', 'Speaker'], ['sidebar', 'Sidebar'], ['spotlight', 'Spotlight'], ['screen', 'Screen']];

export class RoomForm {
  elements; // to be put into a form
  #prefix;
  #room = {};

  // prefix keeps the ids of two of them apart. hasLayout: with the choice of layout.
  constructor({ prefix, hasLayout = false }) {
    this.#prefix = prefix;
    this.elements = [
      formField({ name: 'title', label: 'Title', prefix, maxlength: 100, autocomplete: 'off', placeholder: 'None: the room’s name is shown' }),
      ...(hasLayout ? [formField({ name: 'layout', label: 'Layout of the picture', prefix, tag: 'select', options: LAYOUTS })] : []),
      formField({ name: 'pin', label: 'PIN', prefix, maxlength: 32, autocomplete: 'off', hint: '4 to 32 letters and digits. Moderators and the holders of a personal link are not asked.' }),
      build('button', { type: 'button', class: 'link-button', 'data-pin-off': true, 'data-testid': `${prefix}pin-off`, hidden: true }, 'Remove the PIN'),
      ...SWITCHES.map(([name, label]) => formSwitch({ name, label, prefix })),
      formField({ name: 'background', label: 'Background of the picture', prefix, type: 'color' }),
    ];
    this.#pinOff.addEventListener('click', () => this.#setPin('', 'It will be removed when you save.', null));
  }

  get #pinOff() { return this.elements.find((element) => element.hasAttribute('data-pin-off')); }
  #field(name) { return this.elements.map((element) => element.querySelector?.(`[name="${name}"]`)).find(Boolean); }

  // The room as the server tells it.
  show(room) {
    this.#room = room ?? {};
    this.#field('title').value = this.#room.title ?? '';
    for (const [name] of SWITCHES) this.#field(name).checked = Boolean(this.#room[name]);
    this.#field('background').value = this.#room.theme?.background ?? '#0f1215';
    if (this.#field('layout')) this.#field('layout').value = this.#layout();
    this.#setPin('', this.#room.has_pin ? 'There is one. Type another to change it.' : 'None', undefined);
  }

  // What differs from the room as it was shown: the body of a PATCH.
  read() {
    const changes = {};
    const title = this.#field('title').value.trim();
    if (title !== (this.#room.title ?? '')) changes.title = title;
    for (const [name] of SWITCHES) {
      if (this.#field(name).checked !== Boolean(this.#room[name])) changes[name] = this.#field(name).checked;
    }
    const background = this.#field('background').value;
    if (background !== (this.#room.theme?.background ?? '#0f1215')) changes.theme = { background };
    const layout = this.#field('layout')?.value;
    if (layout && layout !== this.#layout()) changes.layout = layout;
    const pin = this.#field('pin').value.trim();
    if (pin) changes.pin = pin;
    else if (this.#isPinOff) changes.pin = null;
    return changes;
  }

  #isPinOff = false;

  #setPin(value, placeholder, off) {
    this.#isPinOff = off === null;
    this.#field('pin').value = value;
    this.#field('pin').placeholder = placeholder;
    this.#pinOff.hidden = this.#isPinOff || !this.#room.has_pin;
  }

  #layout() {
    return this.#room.layout?.kind ?? this.#room.layout ?? 'grid';
  }
}

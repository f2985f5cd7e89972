// SPDX-License-Identifier: MIT
// What a moderator can do with one person: opened under their row, changed in place, so that the focus stays.
import { build, icon } from './dom.js';

const ROLES = [['moderator', 'Moderator'], ['member', 'Member'], ['viewer', 'Viewer']];
const VOLUME_EVERY_MS = 150; // while the slider is dragged

const ALREADY = {
  mute: 'Their microphone is off already. Only they can turn it on.',
  'stop-video': 'Their camera is off already. Only they can turn it on.',
};

export class PersonTools {
  element;
  #member;
  #isSelf;
  #moderate;
  #buttons = new Map();
  #role;
  #volume;
  #volumeWords = build('output', { class: 'tool-volume-words' });
  #told_ms = 0;

  // Borrows moderate.
  constructor(member, moderate, isSelf) {
    this.#member = member;
    this.#moderate = moderate;
    this.#isSelf = isSelf;
    this.element = build('div', { class: 'person-tools', id: `tools-${member.id}`, role: 'group', hidden: true });
    this.#buildButtons();
    if (!isSelf) this.element.append(this.#buildVolume());
    this.element.append(this.#buildRole(), ...(isSelf ? [] : this.#buildDoors()));
    this.update(member);
  }

  update(member) {
    this.#member = member;
    this.element.setAttribute('aria-label', `What to do with ${member.name}`);
    this.#draw('mute', { isOff: member.audio_muted });
    this.#draw('stop-video', { isOff: member.video_muted });
    this.#draw('spotlight', { isPressed: Boolean(member.spotlight) });
    this.#draw('hide', { isPressed: Boolean(member.hidden) });
    const lower = this.#buttons.get('lower-hand');
    if (!member.hand && document.activeElement === lower) this.#buttons.get('spotlight').focus();
    lower.hidden = !member.hand;
    this.#role.value = member.role;
    if (this.#volume && document.activeElement !== this.#volume) this.#volume.value = member.volume ?? 1;
    this.#drawVolume();
  }

  #change(fields) { this.#moderate.changeMember(this.#member.id, fields); }

  #buildButtons() {
    const tools = [
      ...(this.#isSelf ? [] : [
        ['mute', 'mic-off', 'Mute', () => this.#change({ audio_muted: true })],
        ['stop-video', 'camera-off', 'Stop video', () => this.#change({ video_muted: true })],
      ]),
      ['spotlight', 'star', 'Spotlight', () => this.#change({ spotlight: !this.#member.spotlight })],
      ['hide', 'eye-off', 'Hide', () => this.#change({ hidden: !this.#member.hidden })],
      ['lower-hand', 'hand', 'Lower hand', () => this.#change({ hand: false })],
    ];
    this.element.append(build('div', { class: 'tool-row' }, ...tools.map((tool) => this.#buildButton(...tool))));
    this.#buttons.get('hide').title = 'Hide from the picture';
  }

  #buildButton(name, iconName, words, run) {
    const button = build('button', { type: 'button', class: 'tool', 'data-testid': `tool-${name}` }, icon(iconName), build('span', {}, words));
    button.addEventListener('click', () => { if (button.getAttribute('aria-disabled') !== 'true') run(); });
    this.#buttons.set(name, button);
    return button;
  }

  // isOff: nothing is left to switch off, and why is said.
  #draw(name, { isOff, isPressed }) {
    const button = this.#buttons.get(name);
    if (!button) return;
    if (isPressed !== undefined) button.setAttribute('aria-pressed', String(isPressed));
    if (isOff === undefined) return;
    button.setAttribute('aria-disabled', String(isOff));
    button.title = isOff ? ALREADY[name] : '';
    if (isOff) button.setAttribute('aria-description', ALREADY[name]);
    else button.removeAttribute('aria-description');
  }

  #buildVolume() {
    const id = `volume-${this.#member.id}`;
    this.#volume = build('input', { type: 'range', min: 0, max: 2, step: 0.05, id, 'data-testid': 'tool-volume' });
    const tell = () => {
      this.#told_ms = Date.now();
      this.#change({ volume: Number(this.#volume.value) });
    };
    this.#volume.addEventListener('input', () => {
      this.#drawVolume();
      if (Date.now() - this.#told_ms > VOLUME_EVERY_MS) tell();
    });
    this.#volume.addEventListener('change', tell);
    return build('div', { class: 'tool-line' }, build('label', { for: id }, 'Volume'), this.#volume, this.#volumeWords);
  }

  #drawVolume() {
    if (!this.#volume) return;
    const words = `${Math.round(this.#volume.value * 100)} %`;
    this.#volumeWords.textContent = words;
    this.#volume.setAttribute('aria-valuetext', words);
  }

  #buildRole() {
    const id = `role-${this.#member.id}`;
    this.#role = build('select', { class: 'field', id, 'data-testid': 'tool-role' },
      ...ROLES.map(([value, label]) => build('option', { value }, label)));
    this.#role.addEventListener('change', () => {
      this.#change({ role: this.#role.value });
      this.#role.value = this.#member.role; // until the server has agreed
    });
    return build('div', { class: 'tool-line' }, build('label', { for: id }, 'Role'), this.#role);
  }

  #buildDoors() {
    const remove = build('button', { type: 'button', class: 'button small', 'data-testid': 'tool-kick' }, 'Remove…');
    remove.addEventListener('click', () => this.#moderate.kick(this.#member));
    return [build('div', { class: 'tool-doors' }, remove)];
  }
}

// SPDX-License-Identifier: MIT
// Who is here, and what they are doing: one row a member, kept and changed in place so that a screen
// reader does not lose its spot.
import { avatar, build, byId, icon } from './dom.js';
import { qualityMark } from './quality.js';

export class People {
  #session;
  #list = byId('people-list');
  #rows = new Map();

  constructor(session) {
    this.#session = session;
    session.on('members', () => this.#draw());
    session.on('speaking', () => this.#draw());
  }

  #draw() {
    const { members } = this.#session;
    for (const [id, row] of this.#rows) {
      if (members.has(id)) continue;
      row.element.remove();
      this.#rows.delete(id);
    }
    this.#sorted().forEach((member, at) => this.#drawRow(member, at));
  }

  // Raised hands first, in the order they came; then oneself; then the others.
  #sorted() {
    const rank = (member) => (member.hand ? 0 : member.id === this.#session.id ? 1 : 2);
    return [...this.#session.members.values()].sort((a, b) => rank(a) - rank(b));
  }

  #drawRow(member, at) {
    const isSpeaking = this.#session.speaking.has(member.id);
    const state = JSON.stringify([member, isSpeaking, member.id === this.#session.id]);
    const row = this.#rows.get(member.id) ?? { element: build('li', { class: 'person', 'data-member': member.id }), state: '' };
    this.#rows.set(member.id, row);
    if (row.state !== state) {
      row.state = state;
      row.element.classList.toggle('is-speaking', isSpeaking);
      row.element.replaceChildren(...this.#cells(member, isSpeaking));
    }
    if (this.#list.children[at] !== row.element) this.#list.insertBefore(row.element, this.#list.children[at] ?? null);
  }

  #cells(member, isSpeaking) {
    const notes = [member.id === this.#session.id ? 'you' : null, member.role === 'moderator' ? 'moderator' : null];
    const name = build('span', { class: 'person-name' }, build('b', { dir: 'auto' }, member.name));
    const note = notes.filter(Boolean).join(', ');
    if (note) name.append(build('small', {}, note));
    const marks = build('span', { class: 'person-marks' });
    if (isSpeaking) marks.append(build('span', { class: 'bars', role: 'img', 'aria-label': 'speaking' }, build('i'), build('i'), build('i')));
    const quality = qualityMark(member);
    if (quality) marks.append(quality);
    if (member.hand) marks.append(peopleMark('hand', 'hand raised', 'is-raised'));
    if (member.screen) marks.append(peopleMark('screen', 'sharing a screen', 'is-sharing'));
    if (member.video_muted) marks.append(peopleMark('camera-off', 'camera off', ''));
    if (member.audio_muted) marks.append(peopleMark('mic-off', 'microphone off', 'is-muted'));
    return [avatar(member.name, member.id), name, marks];
  }
}

function peopleMark(name, label, className) {
  return build('span', { role: 'img', 'aria-label': label, title: label, class: className }, icon(name));
}

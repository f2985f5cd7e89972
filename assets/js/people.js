// SPDX-License-Identifier: MIT
// Who is here, and what they are doing: one row a member, kept and changed in place so that a screen
// reader does not lose its spot. Raised hands come first, in their order. Moderators open a row's tools.
import { avatar, build, byId, icon } from './dom.js';
import { PersonTools } from './person-tools.js';
import { qualityMark } from './quality.js';

const PEOPLE_ROLES = { moderator: 'moderator', viewer: 'watching' }; // a member is just there

export class People {
  #session;
  #moderate;
  #list = byId('people-list');
  #rows = new Map();
  #open = null; // the id of whose tools are open

  // Borrows both.
  constructor(session, moderate) {
    this.#session = session;
    this.#moderate = moderate;
    for (const event of ['members', 'speaking', 'rights', 'viewers']) session.on(event, () => this.#draw());
    this.#draw();
  }

  #draw() {
    const { members, viewers } = this.#session;
    byId('people-count').textContent = [this.#session.takingPart, viewers ? `${viewers} watching` : null].filter(Boolean).join(', ');
    if (this.#open && (!members.has(this.#open) || !this.#session.isModerator)) this.#open = null;
    for (const [id, row] of this.#rows) {
      if (members.has(id)) continue;
      if (row.element.contains(document.activeElement)) byId('pane-people').querySelector('[data-close-pane]').focus();
      row.element.remove();
      this.#rows.delete(id);
    }
    const sorted = this.#sorted();
    const hands = sorted.filter((member) => member.hand).map((member) => member.id);
    sorted.forEach((member, at) => this.#drawRow(member, at, hands.indexOf(member.id) + 1));
    this.#drawWhoModerates();
  }

  // Raised hands first, in the order they came; then oneself; then the others.
  #sorted() {
    const rank = (member) => (member.hand ? 0 : member.id === this.#session.id ? 1 : 2);
    const since = (member) => (member.hand && member.hand_at ? Date.parse(member.hand_at) || 0 : 0);
    return [...this.#session.members.values()].sort((a, b) => rank(a) - rank(b) || since(a) - since(b));
  }

  #drawRow(member, at, turn) {
    const isSpeaking = this.#session.speaking.has(member.id);
    const row = this.#rows.get(member.id) ?? this.#buildRow(member);
    const state = JSON.stringify([member, isSpeaking, member.id === this.#session.id, turn]);
    if (row.state !== state) {
      row.state = state;
      row.element.classList.toggle('is-speaking', isSpeaking);
      row.line.replaceChildren(...this.#cells(member, isSpeaking, turn));
      row.more.setAttribute('aria-label', `What to do with ${member.name}`);
      row.tools.update(member);
    }
    const isOpen = this.#open === member.id;
    row.more.hidden = !this.#session.isModerator;
    row.more.setAttribute('aria-expanded', String(isOpen));
    row.tools.element.hidden = !isOpen;
    row.element.classList.toggle('is-open', isOpen);
    if (this.#list.children[at] !== row.element) this.#move(row.element, at);
  }

  // A node that is moved loses the focus within.
  #move(element, at) {
    const focused = element.contains(document.activeElement) ? document.activeElement : null;
    this.#list.insertBefore(element, this.#list.children[at] ?? null);
    focused?.focus({ preventScroll: true });
  }

  #buildRow(member) {
    const line = build('div', { class: 'person-line' });
    const more = build('button', { type: 'button', class: 'icon-button small', 'data-testid': `person-${member.id}`, 'aria-controls': `tools-${member.id}` }, icon('more'));
    const tools = new PersonTools(member, this.#moderate, member.id === this.#session.id);
    const element = build('li', { class: 'person', 'data-member': member.id }, build('div', { class: 'person-head' }, line, more), tools.element);
    more.addEventListener('click', () => {
      this.#open = this.#open === member.id ? null : member.id;
      this.#draw();
      if (this.#open) tools.element.scrollIntoView({ block: 'nearest' });
    });
    const row = { element, line, more, tools, state: '' };
    this.#rows.set(member.id, row);
    return row;
  }

  #cells(member, isSpeaking, turn) {
    const notes = [
      member.id === this.#session.id ? 'you' : null, ['moderator', 'viewer'].includes(member.role) ? PEOPLE_ROLES[member.role] : null,
      member.spotlight ? 'in the spotlight' : null, member.hidden ? 'not in the picture' : null,
    ];
    const name = build('span', { class: 'person-name' }, build('b', { dir: 'auto' }, member.name));
    const note = notes.filter(Boolean).join(', ');
    if (note) name.append(build('small', {}, note));
    const marks = build('span', { class: 'person-marks' });
    if (isSpeaking) marks.append(build('span', { class: 'bars', role: 'img', 'aria-label': 'speaking' }, build('i'), build('i'), build('i')));
    const quality = qualityMark(member);
    if (quality) marks.append(quality);
    if (member.hand) marks.append(peopleHand(turn));
    if (member.screen) marks.append(peopleMark('screen', 'sharing a screen', 'is-sharing'));
    if (member.video_muted) marks.append(peopleMark('camera-off', 'camera off', ''));
    if (member.audio_muted) marks.append(peopleMark('mic-off', 'microphone off', 'is-muted'));
    return [avatar(member.name, member.id), name, marks];
  }

  // Whom to ask, for those who cannot do it themselves.
  #drawWhoModerates() {
    const names = [...this.#session.members.values()].filter((member) => member.role === 'moderator').map((member) => member.name);
    const line = byId('people-moderators');
    line.hidden = this.#session.isModerator || !names.length;
    if (!line.hidden) line.textContent = `${names.slice(0, 3).join(', ')} can mute, spotlight and remove people here.`;
  }
}

function peopleMark(name, label, className) {
  return build('span', { role: 'img', 'aria-label': label, title: label, class: className }, icon(name));
}

function peopleHand(turn) {
  const mark = peopleMark('hand', `hand raised, number ${turn}`, 'is-raised hand-turn');
  mark.append(build('i', { 'aria-hidden': 'true' }, String(turn)));
  return mark;
}

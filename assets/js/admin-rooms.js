// SPDX-License-Identifier: MIT
// The cards of the operator's page: a room each, with its picture, its members and what can be done about them.
import { api, apiFetch, apiList } from './api.js';
import { ask } from './ask.js';
import { avatar, build, icon } from './dom.js';
import { toast } from './toast.js';

const SHOT_WIDTH_PX = 480;
const GRADES = { good: 'good', fair: 'fair', poor: 'poor', 'audio-only': 'sound only' };

export class AdminRooms {
  #box;
  #key;
  #onChange;
  #cards = new Map(); // room's id -> card

  // onChange(): something was done, look again.
  constructor(box, key, { onChange }) {
    this.#box = box;
    this.#key = key;
    this.#onChange = onChange;
    box.replaceChildren();
  }

  async show(rooms) {
    const ids = new Set(rooms.map((room) => room.id));
    for (const [id, card] of this.#cards) if (!ids.has(id)) this.#drop(id, card);
    for (const room of rooms) this.#draw(room);
    await Promise.all(rooms.map((room) => this.#look(room)));
  }

  close() {
    for (const [id, card] of this.#cards) this.#drop(id, card);
  }

  #drop(id, card) {
    if (card.url) URL.revokeObjectURL(card.url);
    card.element.remove();
    this.#cards.delete(id);
  }

  #draw(room) {
    const card = this.#cards.get(room.id) ?? this.#build(room);
    const layout = room.layout?.kind ?? room.layout;
    const facts = [adminCount(room.members, 'member'), room.viewers ? adminCount(room.viewers, 'viewer') : null,
      room.waiting ? `${room.waiting} waiting` : null, layout, room.locked ? 'locked' : null, room.lobby ? 'with lobby' : null].filter(Boolean);
    card.title.replaceChildren(room.title || room.id, build('small', {}, [room.title ? room.id : null, ...facts].filter(Boolean).join(' · ')));
  }

  #build(room) {
    const path = `/rooms/${encodeURIComponent(room.id)}`;
    const shot = build('div', { class: 'room-shot' }, 'No picture yet');
    const title = build('h2', { class: 'room-name', dir: 'auto', 'data-testid': 'admin-room-name' });
    const load = build('p', { class: 'soft', hidden: true });
    const members = build('ul', { class: 'room-members', hidden: true, 'data-testid': 'admin-members' });
    const door = (words, test, run, className = '') => {
      const button = build('button', { type: 'button', class: `button small ${className}`, 'data-testid': test }, words);
      button.addEventListener('click', run);
      return button;
    };
    const more = door('Members', 'admin-open', () => this.#toggle(card));
    more.setAttribute('aria-expanded', 'false');
    const element = build('li', { class: 'room-card', 'data-room': room.id }, shot, build('div', { class: 'room-body' }, title, load,
      build('div', { class: 'room-doors' }, more,
        door('Mute all', 'admin-mute-all', () => this.#do('POST', `${path}/mute-all`, 'Everyone was muted.')),
        build('a', { class: 'button small quiet', href: `/r/${encodeURIComponent(room.id)}?watch`, target: '_blank', rel: 'noopener' }, 'Watch'),
        door('End…', 'admin-end', () => this.#end(room, path), 'danger')), members));
    const card = { element, shot, title, load, members, more, path, url: null, before: null, isOpen: false, state: '' };
    this.#cards.set(room.id, card);
    this.#box.append(element);
    return card;
  }

  // The picture, and what is shown only to who opened it. A room may end while it is looked at.
  async #look(room) {
    const card = this.#cards.get(room.id);
    await Promise.all([this.#lookAtPicture(card), card.isOpen ? this.#lookAtMembers(card) : null, this.#lookAtLoad(card)]).catch(() => {});
  }

  async #lookAtPicture(card) {
    const answer = await apiFetch('GET', `${card.path}/snapshot.jpg?width=${SHOT_WIDTH_PX}`, { key: this.#key, accept: 'image/jpeg' });
    const url = URL.createObjectURL(await answer.blob());
    const image = card.shot.querySelector('img') ?? build('img', { alt: 'The room’s picture', 'data-testid': 'admin-shot' });
    const before = card.url;
    card.url = url;
    image.addEventListener('load', () => { if (before) URL.revokeObjectURL(before); }, { once: true });
    image.src = url;
    if (!image.isConnected) card.shot.replaceChildren(image);
  }

  // From two looks: what the room takes of a core, and how many pictures a second it makes.
  async #lookAtLoad(card) {
    const { video = {} } = await api('GET', `${card.path}/stats`, { key: this.#key });
    const now = { at_ms: Date.now(), busy_s: video.compose_seconds + video.encode_seconds, frames: video.frames_composed };
    const before = card.before;
    card.before = now;
    if (!before || !(now.at_ms > before.at_ms)) return;
    const seconds = (now.at_ms - before.at_ms) / 1000;
    const share = Math.max(0, (now.busy_s - before.busy_s) / seconds);
    card.load.textContent = `${Math.round(share * 100)} % of a core · ${Math.round((now.frames - before.frames) / seconds)} pictures a second`;
    card.load.hidden = !Number.isFinite(share);
  }

  async #lookAtMembers(card) {
    const members = await apiList(`${card.path}/members`, 'members', { key: this.#key });
    const state = JSON.stringify(members.map(({ id, name, role, audio_muted: muted, quality, speaking, hand }) => [id, name, role, muted, quality, speaking, hand]));
    if (state === card.state) return; // so that a button under the finger stays
    card.state = state;
    card.members.replaceChildren(...members.map((member) => this.#buildMember(card, member)));
  }

  #buildMember(card, member) {
    const path = `${card.path}/members/${encodeURIComponent(member.id)}`;
    const isViewer = member.role === 'viewer';
    const notes = [member.role, member.audio_muted && !isViewer ? 'muted' : null, member.speaking ? 'speaking' : null, member.hand ? 'hand raised' : null].filter(Boolean);
    const mute = build('button', { type: 'button', class: 'icon-button small', 'aria-label': `Mute ${member.name}`, title: 'Mute', 'data-testid': 'admin-mute', disabled: member.audio_muted, hidden: isViewer }, icon('mic-off'));
    const kick = build('button', { type: 'button', class: 'icon-button small', 'aria-label': `Remove ${member.name}`, title: 'Remove', 'data-testid': 'admin-kick' }, icon('leave'));
    mute.addEventListener('click', () => this.#do('PATCH', path, `${member.name} was muted.`, { audio_muted: true }));
    kick.addEventListener('click', () => this.#kick(member, path));
    const grade = GRADES[member.quality];
    return build('li', { 'data-member': member.id }, avatar(member.name, member.id),
      build('span', { class: 'who' }, build('b', { dir: 'auto' }, member.name), build('small', {}, notes.join(', '))),
      grade && build('span', { class: `link-grade is-${member.quality === 'audio-only' ? 'poor' : member.quality}`, title: adminLink(member.link) }, build('span', { class: 'visually-hidden' }, 'link: '), grade), mute, kick);
  }

  #toggle(card) {
    card.isOpen = !card.isOpen;
    card.members.hidden = !card.isOpen;
    card.more.setAttribute('aria-expanded', String(card.isOpen));
    if (card.isOpen) this.#lookAtMembers(card).catch((error) => toast(error.message, { kind: 'error' }));
  }

  async #end(room, path) {
    const isSure = await ask({ title: `End ${room.title || room.id}?`, words: 'Everybody in it leaves, and is told that the room was closed.', yes: 'End it', isDangerous: true });
    if (isSure) await this.#do('DELETE', path, 'The room was ended.');
  }

  async #kick({ name }, path) {
    const isSure = await ask({ title: `Remove ${name}?`, words: 'They leave the room at once. With the link they can come back.', yes: 'Remove', isDangerous: true });
    if (isSure) await this.#do('DELETE', path, `${name} was removed.`);
  }

  async #do(method, path, words, body) {
    try {
      await api(method, path, { key: this.#key, body });
      toast(words, { iconName: 'check' });
    } catch (error) {
      toast(error.message, { kind: 'error' });
    }
    this.#onChange();
  }
}

// "16 ms away, loses 0 % down and 2 % up"
function adminLink(link) {
  if (!link?.down || !link.up) return null;
  const percent = (part) => `${Math.round((part ?? 0) * 100)} %`;
  return `${Math.round(link.down.rtt_ms ?? 0)} ms there and back, loses ${percent(link.down.loss)} down and ${percent(link.up.loss)} up`;
}

function adminCount(count, what) {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

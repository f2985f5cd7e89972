// SPDX-License-Identifier: MIT
// What moderators say to the server, each in one verb. The server decides; a refusal comes back as a sentence.
import { ask } from './ask.js';
import { toast } from './toast.js';
import { WORDS_NOT_ALLOWED } from './words.js';

const BAN_S = 3600;

export class Moderate {
  #session;

  // Borrows the session.
  constructor(session) {
    this.#session = session;
  }

  // False, and the reason shown, for who is no moderator.
  mayOrSay() {
    if (!this.#session.isModerator) toast(WORDS_NOT_ALLOWED.moderator, { kind: 'error' });
    return this.#session.isModerator;
  }

  changeMember(id, fields) { return this.#say({ type: 'change-member', id, ...fields }); }
  changeRoom(fields) { return this.#say({ type: 'change-room', ...fields }); }
  setLayout(layout) { return this.#say({ type: 'set-layout', ...layout }); }
  setBanner(fields) { return this.#say({ type: 'set-banner', ...fields }); }
  removeBanner() { return this.#say({ type: 'remove-banner' }); }
  admit(id) { return this.#say({ type: 'admit', id }); }
  admitAll() { return this.#say({ type: 'admit' }); }
  refuse(id) { return this.#say({ type: 'refuse', id }); }

  muteAll() {
    if (this.#say({ type: 'mute-all' })) toast('Everyone but the moderators was muted. They can turn their microphones on again.', { iconName: 'mic-off' });
  }

  async kick(member, { isBanned = false } = {}) {
    const isSure = await ask({
      title: `Remove ${member.name}?`, isDangerous: true, yes: isBanned ? 'Remove and ban' : 'Remove',
      words: isBanned ? 'They leave the room at once and cannot come back for an hour.' : 'They leave the room at once. With the link they can come back.',
    });
    if (isSure) this.#say({ type: 'kick', id: member.id, ...(isBanned ? { ban: BAN_S } : {}) });
  }

  async end() {
    const isSure = await ask({
      title: 'End the call for everyone?', words: 'Everybody leaves the room, you too.', yes: 'End for all', isDangerous: true,
    });
    if (isSure) this.#say({ type: 'end-room' });
  }

  #say(message) {
    const isSent = this.#session.order(message);
    if (!isSent) toast('Not done: the connection is just being restored.', { kind: 'error' });
    return isSent;
  }
}

// SPDX-License-Identifier: MIT
// What moderators say to the server, each in one verb. The server decides; a refusal comes back as a sentence.
import { ask } from './ask.js';
import { formField } from './form.js';
import { toast } from './toast.js';
import { WORDS_NOT_ALLOWED } from './words.js';

const REASON_CHARS_MAX = 200; // as the server has it
const BANS = [[0, 'Yes, with the link'], [600, 'Not for 10 minutes'], [3600, 'Not for an hour'], [86400, 'Not for a day'], [31536000, 'Not for a year']]; // seconds

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
  listViewers() { return this.#session.order({ type: 'list-viewers' }); } // answered by the session's 'watching'

  muteAll() {
    if (this.#say({ type: 'mute-all' })) toast('Everyone but the moderators was muted. They can turn their microphones on again.', { iconName: 'mic-off' });
  }

  async kick(member) {
    const why = formField({ name: 'reason', prefix: 'kick-', label: 'Why (optional)', hint: 'They read it.', maxlength: REASON_CHARS_MAX, autocomplete: 'off', dir: 'auto' });
    const ban = formField({ name: 'ban', prefix: 'kick-', label: 'May they come back?', tag: 'select', options: BANS });
    const isSure = await ask({ title: `Remove ${member.name}?`, words: 'They leave the room at once.', yes: 'Remove', isDangerous: true, fields: [why, ban] });
    if (!isSure) return;
    const reason = why.querySelector('input').value.trim();
    const seconds = Number(ban.querySelector('select').value);
    this.#say({ type: 'kick', id: member.id, ...(reason ? { reason } : {}), ...(seconds ? { ban: seconds } : {}) });
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

// SPDX-License-Identifier: MIT
// Telling a moderator's order from the echo of what one has just said oneself. The server answers every `set`
// with a `member-updated`, and an older answer may still be on its way when the switch is turned again.
//
// Only orders to be silent and unseen are obeyed: nobody turns on a microphone but who sits before it.

const FIELDS = ['audio_muted', 'video_muted'];
const ECHO_MS = 3000; // an answer that is not there by then will not come

export class Obedience {
  #told = {}; // field -> what the server was last told
  #pending = new Map(); // field -> {value, at_ms}: told, not yet answered

  // Something was sent as `set`.
  tell(fields, now_ms = Date.now()) {
    for (const field of FIELDS) {
      if (!(field in fields)) continue;
      this.#told[field] = fields[field];
      this.#pending.set(field, { value: fields[field], at_ms: now_ms });
    }
  }

  // The connection dropped: nothing that was sent over it is answered any more.
  forget() {
    this.#pending.clear();
  }

  get isWaiting() { return this.#pending.size > 0; }

  // The fields in which the server's word about us is older than our own.
  untold(member, now_ms = Date.now()) {
    const own = {};
    for (const [field, { value, at_ms }] of [...this.#pending]) {
      if (member[field] === value || now_ms - at_ms > ECHO_MS) this.#pending.delete(field);
      else own[field] = value;
    }
    return own;
  }

  // The fields that somebody else has set. mutes: as they are here. To be asked after untold().
  ordered(member, mutes) {
    return FIELDS.filter((field) => member[field] === true && mutes[field] === false && !this.#pending.has(field));
  }

  // After coming back to one's seat: what was set meanwhile.
  missed(member) {
    return FIELDS.filter((field) => member[field] === true && this.#told[field] === false);
  }
}

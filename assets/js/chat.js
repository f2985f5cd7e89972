// SPDX-License-Identifier: MIT
// The chat: a log that everyone shares, and what was missed while it was closed.
import { build, byId, timeOfDay } from './dom.js';
import { toast, toastClear } from './toast.js';

const TEXT_BYTES_MAX = 2000; // limits.chat_bytes_max
const LOG_MAX = 400;
const GROUP_MS = 120000; // messages of one person this close stand under one name
const LINK = /https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]]/g;

export class Chat {
  #session;
  #log = byId('chat-log');
  #input = byId('chat-input');
  #seen = new Set();
  #last = null;
  #isOpen = false;
  #onUnread;
  #unread = 0;

  // onUnread(count); onWanted() when a toast's button asks for the chat.
  constructor(session, { onUnread, onWanted }) {
    this.#session = session;
    this.#onUnread = onUnread;
    session.on('joined', ({ messages }) => { for (const message of messages) this.#add(message, false); });
    session.on('chat', (message) => { if (this.#add(message, true)) this.#announce(message, onWanted); });
    byId('chat-form').addEventListener('submit', (event) => { event.preventDefault(); this.#send(); });
    this.#input.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#send();
    });
    this.#input.addEventListener('input', () => { this.#fit(); byId('chat-error').textContent = ''; });
  }

  setOpen(isOpen) {
    this.#isOpen = isOpen;
    if (!isOpen) return;
    this.#count(0);
    toastClear('chat');
    this.#log.scrollTop = this.#log.scrollHeight;
    this.#fit();
  }

  refuse(words) {
    byId('chat-error').textContent = words;
  }

  // why: a sentence, or null: one may write.
  setRefusal(why) {
    this.#input.disabled = Boolean(why);
    this.#input.placeholder = why ?? 'Write to everyone';
    byId('chat-form').querySelector('[type="submit"]').disabled = Boolean(why);
    this.refuse('');
  }

  #count(unread) {
    this.#unread = unread;
    this.#onUnread(unread);
  }

  #announce(message, onWanted) {
    if (message.from === this.#session.id || this.#isOpen) return;
    this.#count(this.#unread + 1);
    toast(`${message.name}${message.to ? ' (only to you)' : ''}: ${message.text}`, { topic: 'chat', iconName: 'chat', action: { label: 'Open', run: onWanted } });
  }

  #send() {
    const text = this.#input.value.trim();
    if (!text) return;
    if (new TextEncoder().encode(text).length > TEXT_BYTES_MAX) {
      this.refuse('This message is too long. Send it in parts.');
      return;
    }
    if (!this.#session.say({ type: 'chat', text })) {
      this.refuse('Not sent: the connection is just being restored.');
      return;
    }
    this.#input.value = '';
    this.#fit();
  }

  #fit() {
    this.#input.style.height = 'auto';
    this.#input.style.height = `${this.#input.scrollHeight + 2}px`;
  }

  // False if it is known already: after a reconnect the server tells the history again.
  #add(message, isNew) {
    if (typeof message.text !== 'string' || (message.id && this.#seen.has(message.id))) return false;
    if (message.id) this.#seen.add(message.id); // 0: for one alone, told once
    const isAtEnd = this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight < 60;
    this.#log.append(this.#build(message));
    while (this.#log.children.length > LOG_MAX) this.#log.firstElementChild.remove();
    if (isAtEnd || !isNew || message.from === this.#session.id) this.#log.scrollTop = this.#log.scrollHeight;
    return true;
  }

  #build(message) {
    const at = new Date(message.at ?? Date.now());
    const isJoined = this.#last && this.#last.from === message.from && this.#last.name === message.name
      && this.#last.to === message.to && at - this.#last.at < GROUP_MS;
    this.#last = { from: message.from, name: message.name, to: message.to, at };
    const isMine = message.from === this.#session.id;
    const isHost = message.from == null; // said by who runs the room, from outside
    const head = build('div', { class: isJoined ? 'visually-hidden' : 'message-head' },
      build('b', { dir: 'auto' }, isMine ? 'You' : message.name), ' ',
      isHost && message.name !== 'Host' && build('span', { class: 'message-tag' }, 'host'), message.to && build('span', { class: 'message-tag is-private' }, 'only to you'),
      build('time', { datetime: at.toISOString() }, timeOfDay(at)));
    return build('li', { class: `message${isJoined ? ' is-joined' : ''}${isMine ? ' is-mine' : ''}${isHost ? ' is-host' : ''}` }, head,
      build('p', { class: 'message-text', dir: 'auto' }, ...chatLinks(message.text)));
  }
}

// Text with its web addresses as links; everything else stays plain text.
function chatLinks(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    parts.push(text.slice(end, match.index),
      build('a', { href: match[0], target: '_blank', rel: 'noopener noreferrer nofollow' }, match[0]));
    end = match.index + match[0].length;
  }
  return [...parts, text.slice(end)];
}

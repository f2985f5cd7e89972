// SPDX-License-Identifier: MIT
// Between asking to come in and being in: a calm screen that says what is waited for, or asks for the PIN.
import { byId } from './dom.js';

export class Gate {
  #onPin = null;

  // onLeave() when the person does not want to wait any longer.
  constructor(room, { onLeave }) {
    byId('gate-room').textContent = room;
    byId('gate-leave').addEventListener('click', onLeave);
    byId('gate-form').addEventListener('submit', (event) => this.#submit(event));
    byId('gate-pin').addEventListener('input', () => this.#complain(''));
  }

  enter() {
    this.#show('Entering the room…', '', 'enter');
  }

  // words: the server's, or null.
  wait(words) {
    this.#show('Please wait here', `${words ?? 'A moderator will let you in soon.'} This page goes on by itself.`, 'wait');
    byId('gate-title').focus();
  }

  // refusal: why the last one was wrong. onPin(pin)
  askPin(refusal, onPin) {
    this.#onPin = onPin;
    this.#show('This room has a PIN', 'Whoever invited you knows it.', 'pin');
    byId('gate-pin').value = '';
    this.#complain(refusal);
    byId('gate-pin').focus();
  }

  close() {
    byId('gate').hidden = true;
  }

  #show(title, words, mode) {
    byId('lobby').hidden = true;
    byId('gate').hidden = false;
    byId('gate').dataset.mode = mode;
    byId('gate-title').textContent = title;
    byId('gate-words').textContent = words;
    byId('gate-form').hidden = mode !== 'pin';
    byId('gate-tiles').hidden = mode === 'pin';
    byId('gate-leave').hidden = mode !== 'wait';
  }

  #complain(words) {
    byId('gate-error').textContent = words;
    byId('gate-pin').setAttribute('aria-invalid', words ? 'true' : 'false');
  }

  #submit(event) {
    event.preventDefault();
    const pin = byId('gate-pin').value.trim();
    if (pin) {
      this.#onPin(pin);
      return;
    }
    this.#complain('Type the PIN.');
    byId('gate-pin').focus();
  }
}

// SPDX-License-Identifier: MIT
// The data saver: how much of the room's picture this browser wants to be sent. Remembered.
import { build } from './dom.js';
import { storageGet, storageSet } from './storage.js';

// As the protocol names them, and as people read them.
const WISHES = [
  ['auto', 'Automatic'], ['high', 'High'], ['medium', 'Medium'], ['low', 'Low'], ['audio', 'Sound only'],
];
const HINTS = {
  auto: 'As good as your connection carries.',
  high: 'The full picture whenever your connection carries it.',
  medium: 'A smaller picture: about a third of the data.',
  low: 'The smallest picture: about a tenth of the data.',
  audio: 'No picture. You still hear everyone, and others still see you.',
};

export function receiveStored() {
  const wish = storageGet('receive');
  return wish in HINTS ? wish : 'auto';
}

export function receiveStore(wish) {
  storageSet('receive', wish);
}

// Adds the choice to box. prefix keeps the ids of two of them apart; both follow the session.
export function receiveInit(box, session, { prefix = '' } = {}) {
  const id = `${prefix}receive-select`;
  const select = build('select', { class: 'field', id, 'data-testid': id, 'aria-describedby': `${id}-hint` },
    ...WISHES.map(([wish, label]) => build('option', { value: wish }, label)));
  const hint = build('p', { class: 'device-hint', id: `${id}-hint` });
  const show = () => {
    select.value = session.receive;
    hint.textContent = HINTS[session.receive];
  };
  select.addEventListener('change', () => session.setReceive(select.value));
  session.on('receive', show);
  show();
  box.append(build('div', { class: 'device' }, build('label', { for: id }, 'What you receive'), select, hint));
}

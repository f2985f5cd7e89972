// SPDX-License-Identifier: MIT
// "Are you sure?": a dialog that is asked and gone.
import { build } from './dom.js';

// Resolves to true or false. typed: a word that must be typed first, for what cannot be undone. fields: what else is
// asked (elements); whoever asks reads them.
export function ask({ title, words, yes, no = 'Cancel', isDangerous = false, typed = null, fields = [] }) {
  const confirm = build('button', { class: `button ${isDangerous ? 'danger' : 'primary'}`, type: 'submit', 'data-testid': 'ask-yes' }, yes);
  const cancel = build('button', { class: 'button quiet', type: 'button', 'data-testid': 'ask-no' }, no);
  const field = typed && build('input', { class: 'field', id: 'ask-typed', 'data-testid': 'ask-typed', autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false' });
  const form = build('form', { method: 'dialog' },
    build('h2', { id: 'ask-title' }, title), build('p', { id: 'ask-words' }, words), fields.length ? build('div', { class: 'stack' }, ...fields) : null,
    field && build('div', { class: 'pair' }, build('label', { for: 'ask-typed' }, `Type ${typed} to confirm`), field),
    build('div', { class: 'dialog-doors' }, cancel, confirm));
  const dialog = build('dialog', { class: 'dialog', 'data-testid': 'ask', 'aria-labelledby': 'ask-title', 'aria-describedby': 'ask-words' }, form);
  if (field) {
    confirm.disabled = true;
    field.addEventListener('input', () => { confirm.disabled = field.value.trim() !== typed; });
  }
  document.body.append(dialog);
  return new Promise((resolve) => {
    let answer = false;
    form.addEventListener('submit', () => { answer = true; });
    cancel.addEventListener('click', () => dialog.close());
    dialog.addEventListener('click', ({ target }) => { if (target === dialog) dialog.close(); });
    dialog.addEventListener('close', () => { dialog.remove(); resolve(answer); });
    dialog.showModal();
    (field ?? (isDangerous ? cancel : confirm)).focus();
  });
}

// SPDX-License-Identifier: MIT
// Forms of the pages: a label over a field, an error under it, a button that waits for the server.
import { build } from './dom.js';

// formField({name: 'title', label: 'Title', hint, ...attributes}) -> a labelled input with room for its error.
export function formField({ name, label, hint = null, tag = 'input', prefix = '', options = [], value, ...attributes }) {
  const id = `${prefix}${name}`;
  const described = [hint && `${id}-hint`, `${id}-error`].filter(Boolean).join(' ');
  const field = build(tag, { class: 'field', id, name, 'data-testid': id, 'aria-describedby': described, ...attributes },
    ...options.map(([key, words]) => build('option', { value: key }, words)));
  if (value != null) field.value = value;
  field.addEventListener('input', () => formComplain(field, ''));
  return build('div', { class: 'pair' }, build('label', { for: id }, label), field,
    hint && build('p', { class: 'device-hint', id: `${id}-hint` }, hint),
    build('p', { class: 'field-error', id: `${id}-error`, role: 'alert' }));
}

// A switch: a checkbox beside its words.
export function formSwitch({ name, label, hint = null, prefix = '' }) {
  const id = `${prefix}${name}`;
  const box = build('input', { type: 'checkbox', class: 'switch', id, name, 'data-testid': id, 'aria-describedby': hint ? `${id}-hint` : null });
  return build('div', { class: 'switch-row' }, box, build('label', { for: id }, label),
    hint && build('p', { class: 'device-hint', id: `${id}-hint` }, hint));
}

export function formComplain(field, words) {
  const error = document.getElementById(`${field.id}-error`);
  if (error) error.textContent = words;
  field.setAttribute('aria-invalid', words ? 'true' : 'false');
}

// Runs submit() with the button off meanwhile. What is refused is said at its field, or in the form's own line
// (an element with data-form-error).
export function formOnSubmit(form, submit) {
  const line = form.querySelector('[data-form-error]');
  form.noValidate = true;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const button = form.querySelector('[type="submit"]');
    if (line) line.textContent = '';
    button.disabled = true;
    try {
      await submit();
    } catch (error) {
      formShowError(form, line, error);
    } finally {
      button.disabled = false;
    }
  });
}

function formShowError(form, line, error) {
  if (error?.status == null) reportError(error);
  const field = error.field ? form.elements.namedItem(String(error.field).split(/[.[]/)[0]) : null;
  if (field instanceof HTMLElement) {
    formComplain(field, error.message);
    field.focus();
  } else if (line) {
    line.textContent = error.message;
  }
}

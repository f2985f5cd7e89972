// SPDX-License-Identifier: MIT
// Short messages that come and go, and the banner that stays until its cause is over.
import { build, byId, icon } from './dom.js';

const SHOWN_MS = 5000;
const SHOWN_MAX = 3;

// kind: 'info' or 'error'. action: {label, run}, or nothing. topic: replaces what was said of the same.
export function toast(words, { kind = 'info', action = null, iconName = null, topic = words } = {}) {
  const box = byId('toasts');
  toastClear(topic);
  while (box.children.length >= SHOWN_MAX) box.firstElementChild.remove();
  const item = build('div', { class: `toast is-${kind}`, 'data-topic': topic },
    icon(iconName ?? (kind === 'error' ? 'warning' : 'info')), build('span', {}, words));
  if (action) {
    const button = build('button', { type: 'button' }, action.label);
    button.addEventListener('click', () => { item.remove(); action.run(); });
    item.append(button);
  }
  box.append(item);
  leaveLater(item, action ? SHOWN_MS * 2 : SHOWN_MS);
}

function leaveLater(item, shown_ms) {
  setTimeout(() => {
    if (item.matches(':hover, :focus-within')) return leaveLater(item, 1500);
    item.classList.add('is-leaving');
    setTimeout(() => item.remove(), 220);
    return undefined;
  }, shown_ms);
}

// Without a topic: all.
export function toastClear(topic = null) {
  for (const item of [...byId('toasts').children]) if (!topic || item.dataset.topic === topic) item.remove();
}

// words: null takes it away.
export function banner(words) {
  const element = byId('banner');
  element.hidden = !words;
  if (words) byId('banner-words').textContent = words;
}

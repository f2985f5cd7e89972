// SPDX-License-Identifier: MIT
// Single keys for the call. Never while typing, never with Ctrl, Alt or Cmd: those belong to the browser.
import { build, byId } from './dom.js';

const SHORTCUTS = [
  ['m', 'microphone', 'Microphone on or off'],
  ['v', 'camera', 'Camera on or off'],
  ['s', 'screen', 'Share your screen, or stop'],
  ['h', 'hand', 'Raise or lower your hand'],
  ['c', 'chat', 'Chat'],
  ['p', 'people', 'People'],
  ['l', 'layout', 'Layout of the picture'],
  ['f', 'fullscreen', 'Full screen'],
  ['?', 'help', 'These shortcuts'],
  ['Escape', 'close', 'Close what is open'],
];

const isTyping = (target) => target instanceof Element
  && Boolean(target.closest('input, textarea, select, [contenteditable="true"]'));

// actions: a function for each second column.
export function shortcutsInit(actions) {
  byId('help-keys').replaceChildren(...SHORTCUTS.flatMap(([key, , words]) => [
    build('dt', {}, build('kbd', {}, key === 'Escape' ? 'Esc' : key.toUpperCase())), build('dd', {}, words)]));
  const onKey = (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    const pressed = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const shortcut = SHORTCUTS.find(([key]) => key === pressed);
    if (!shortcut || document.querySelector('dialog[open]')) return;
    if (isTyping(event.target) && pressed !== 'Escape') return;
    if (pressed !== 'Escape') event.preventDefault();
    actions[shortcut[1]]();
  };
  document.addEventListener('keydown', onKey);
  return () => document.removeEventListener('keydown', onKey);
}

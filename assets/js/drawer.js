// SPDX-License-Identifier: MIT
// The drawer beside the picture: one pane open at a time, or none.
import { byId } from './dom.js';

const PANES = ['chat', 'people', 'panel'];

export class Drawer {
  open = null;
  #onChange;

  // onChange(name or null) after each change.
  constructor(onChange) {
    this.#onChange = onChange;
    for (const button of document.querySelectorAll('[data-close-pane]')) {
      button.addEventListener('click', () => this.show(null));
    }
  }

  toggle(name) {
    this.show(this.open === name ? null : name);
  }

  show(name) {
    const before = this.open;
    this.open = name;
    for (const pane of PANES) byId(`pane-${pane}`).hidden = pane !== name;
    byId('drawer').hidden = !name;
    byId('call').classList.toggle('has-drawer', Boolean(name));
    this.#onChange(name, before);
    if (name) this.#focus(name);
    else if (before) document.querySelector(`[data-control="${before}"]`)?.focus({ preventScroll: true });
  }

  // Where there is a real keyboard, straight to the message; on a phone that would hide half the call.
  #focus(name) {
    if (name === 'chat' && matchMedia('(hover: hover)').matches) byId('chat-input').focus();
    else byId(`pane-${name}`).querySelector('[data-close-pane]').focus();
  }
}

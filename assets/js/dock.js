// SPDX-License-Identifier: MIT
// The row of controls under the picture, the sheet of those that do not fit, the picker of reactions.
import { build, byId, icon } from './dom.js';
import { REACTIONS } from './reactions.js';
import { toast } from './toast.js';

// name: [icon, words, shortcut]
const CONTROLS = {
  mic: ['mic', 'Turn off microphone', 'M'],
  camera: ['camera', 'Turn off camera', 'V'],
  screen: ['screen', 'Share your screen', 'S'],
  hand: ['hand', 'Raise your hand', 'H'],
  react: ['smile', 'React'],
  leave: ['leave', 'Leave the room'],
  invite: ['invite', 'Invite someone'],
  people: ['people', 'People', 'P'],
  chat: ['chat', 'Chat', 'C'],
  layout: ['layout', 'Layout of the picture', 'L'],
  record: ['record', 'Record'],
  panel: ['signal', 'Connection'],
  fullscreen: ['expand', 'Full screen', 'F'],
  more: ['more', 'More'],
  settings: ['settings', 'Devices'],
  live: ['broadcast', 'Show it live'],
  room: ['room', 'Room settings'],
  end: ['leave', 'End for all'],
  theme: ['sun', 'Light or dark'],
  help: ['keyboard', 'Keyboard shortcuts', '?'],
};
const OPENS = { chat: 'pane-chat', people: 'pane-people', panel: 'pane-panel', more: 'dock-sheet', react: 'picker' };

const DESK = {
  'dock-main': ['mic', 'camera', 'screen', 'hand', 'react', 'leave'],
  'dock-side': ['invite', 'people', 'chat', 'layout', 'record', 'panel', 'fullscreen', 'more'],
  'dock-sheet': ['live', 'room', 'settings', 'theme', 'help', 'end'],
};
const TABLET = {
  'dock-main': DESK['dock-main'],
  'dock-side': ['people', 'chat', 'layout', 'more'],
  'dock-sheet': ['invite', 'record', 'live', 'panel', 'fullscreen', 'room', 'settings', 'theme', 'help', 'end'],
};
const PHONE = {
  'dock-main': ['mic', 'camera', 'react', 'chat', 'more', 'leave'],
  'dock-side': [],
  'dock-sheet': ['hand', 'screen', 'people', 'layout', 'record', 'invite', 'live', 'panel', 'fullscreen', 'room', 'settings', 'theme', 'help', 'end'],
};
const NOT_EMBEDDED = ['invite', 'theme', 'help', 'panel'];

export class Dock {
  #buttons = new Map();
  #popups; // {react: element, more: element}

  // actions: a function for each control but react and more; onReact(emoji).
  constructor(actions, onReact) {
    const sheet = build('div', { class: 'dock-sheet', id: 'dock-sheet', hidden: true });
    this.#popups = { react: this.#buildPicker(onReact), more: sheet };
    byId('dock').append(this.#popups.react, sheet);
    for (const name of Object.keys(CONTROLS)) this.#buildControl(name, actions[name] ?? (() => this.#togglePopup(name)));
    const phone = matchMedia('(max-width: 820px), (max-height: 520px)');
    const tablet = matchMedia('(max-width: 1180px)');
    const arrange = () => this.#arrange(phone.matches ? PHONE : tablet.matches ? TABLET : DESK);
    for (const query of [phone, tablet]) query.addEventListener('change', arrange);
    arrange();
    document.addEventListener('pointerdown', (event) => this.#onPointer(event));
  }

  // look: any of {icon, words, state: 'on'|'off'|'raised'|'recording'|null, badge, isCount, isDisabled, isHidden, isWarned, isExpanded,
  // refusal: why it cannot be used, or null}
  set(name, look) {
    const button = this.#buttons.get(name);
    if (look.icon) button.querySelector('.icon use').setAttribute('href', `/icons/sprite.svg#${look.icon}`);
    if (look.words) dockLabel(button, look.words, CONTROLS[name][2]);
    if ('state' in look) for (const state of ['on', 'off', 'raised', 'recording']) button.classList.toggle(`is-${state}`, look.state === state);
    if ('badge' in look) this.#setBadge(button, look.badge ? String(look.badge) : '', look.isCount);
    if ('isDisabled' in look) button.disabled = look.isDisabled;
    if ('refusal' in look) this.#setRefusal(name, button, look.refusal);
    if ('isHidden' in look) button.hidden = look.isHidden;
    if ('isExpanded' in look) button.setAttribute('aria-expanded', String(look.isExpanded));
    if ('isWarned' in look) this.#setWarning(button, look.isWarned);
  }

  // True if there was something to close.
  closePopups() {
    const open = Object.keys(this.#popups).filter((name) => !this.#popups[name].hidden);
    for (const name of open) this.#showPopup(name, false);
    return open.length > 0;
  }

  #buildControl(name, run) {
    const [iconName, words, key] = CONTROLS[name];
    const classes = ['control', name === 'leave' ? 'leave' : '', NOT_EMBEDDED.includes(name) ? 'not-embedded' : ''];
    const button = build('button', {
      type: 'button', class: classes.filter(Boolean).join(' '), 'data-testid': name, 'data-control': name,
      'aria-controls': OPENS[name], 'aria-expanded': OPENS[name] ? 'false' : null, 'aria-keyshortcuts': key,
    }, icon(iconName), build('span', { class: 'control-words', 'aria-hidden': 'true' }), build('span', { class: 'badge', 'aria-hidden': 'true' }));
    dockLabel(button, words, key);
    button.addEventListener('click', () => {
      if (button.dataset.refusal) {
        toast(button.dataset.refusal, { kind: 'error' });
        return;
      }
      if (name !== 'more' && name !== 'react') this.closePopups();
      run();
    });
    this.#buttons.set(name, button);
  }

  #arrange(arrangement) {
    this.closePopups();
    for (const [group, names] of Object.entries(arrangement)) {
      byId(group).append(...names.map((name) => this.#buttons.get(name)));
    }
  }

  #buildPicker(onReact) {
    const picker = build('div', { class: 'picker', id: 'picker', role: 'group', 'aria-label': 'Reactions', hidden: true });
    for (const [emoji, words] of REACTIONS) {
      const button = build('button', { type: 'button', 'aria-label': words, 'data-testid': 'reaction', 'data-emoji': emoji }, emoji);
      button.addEventListener('click', () => onReact(emoji));
      picker.append(button);
    }
    return picker;
  }

  #togglePopup(name) {
    const isOpen = this.#popups[name].hidden;
    this.closePopups();
    this.#showPopup(name, isOpen);
    if (isOpen) this.#popups[name].querySelector('button:not([hidden])').focus();
  }

  #showPopup(name, isOpen) {
    const popup = this.#popups[name];
    const button = this.#buttons.get(name);
    if (!isOpen && popup.contains(document.activeElement)) button.focus();
    popup.hidden = !isOpen;
    button?.setAttribute('aria-expanded', String(isOpen));
  }

  #onPointer({ target }) {
    const inside = Object.values(this.#popups).some((popup) => popup.contains(target));
    if (!inside && !target.closest?.('[data-control="react"], [data-control="more"]')) this.closePopups();
  }

  #setBadge(button, text, isCount = false) {
    const badge = button.querySelector('.badge');
    badge.textContent = text;
    badge.classList.toggle('is-count', isCount);
  }

  // It stays in reach of the keyboard, and says why.
  #setRefusal(name, button, refusal) {
    button.setAttribute('aria-disabled', String(Boolean(refusal)));
    if (refusal) {
      button.dataset.refusal = refusal;
      button.dataset.tip = refusal;
      button.setAttribute('aria-description', refusal);
    } else if (button.dataset.refusal) {
      delete button.dataset.refusal;
      button.removeAttribute('aria-description');
      dockLabel(button, button.getAttribute('aria-label'), CONTROLS[name][2]);
    }
  }

  #setWarning(button, isWarned) {
    button.querySelector('.control-warn')?.remove();
    if (isWarned) button.append(build('span', { class: 'control-warn', 'aria-hidden': 'true' }, '!'));
  }
}

function dockLabel(button, words, key) {
  button.setAttribute('aria-label', words);
  button.dataset.tip = button.dataset.refusal ?? (key ? `${words} (${key})` : words);
  button.querySelector('.control-words').textContent = words;
}

// SPDX-License-Identifier: MIT
// /home: what belongs to who is signed in. One part at a time, named by the address's fragment.
import { Account } from './account.js';
import { api } from './api.js';
import { byId } from './dom.js';
import { History } from './history.js';
import { Meetings } from './meetings.js';
import { OwnRecordings } from './own-recordings.js';
import { OwnRoom } from './own-room.js';
import { themeInit } from './theme.js';
import { userForget, userRemember } from './user.js';

const PARTS = ['room', 'meetings', 'history', 'recordings', 'account'];
const TITLES = { room: 'My room', meetings: 'Meetings', history: 'History', recordings: 'Recordings', account: 'Account' };
let parts = null;

function homeShow(isFirst = false) {
  const wanted = location.hash.slice(1);
  const name = PARTS.includes(wanted) ? wanted : 'room';
  for (const part of PARTS) byId(`section-${part}`).hidden = part !== name;
  for (const tab of document.querySelectorAll('[data-tab]')) {
    tab.toggleAttribute('aria-current', tab.dataset.tab === name);
    if (tab.dataset.tab !== name) continue;
    tab.setAttribute('aria-current', 'page');
    tab.scrollIntoView({ block: 'nearest', inline: 'nearest' }); // on a phone they do not all fit
  }
  document.title = `${TITLES[name]} · Tessera`;
  parts[name].refresh();
  if (!isFirst) byId(`${name}-heading`).focus();
}

function homeGoToSignIn() {
  userForget();
  location.replace('/sign-in?next=/home');
}

async function homeInit() {
  byId('trouble').hidden = true;
  try {
    const { user } = await api('GET', '/session');
    userRemember(user);
    parts = { room: new OwnRoom(user), meetings: new Meetings(), history: new History(), recordings: new OwnRecordings(), account: new Account(user, homeGoToSignIn) };
    byId('sections').hidden = false;
    addEventListener('hashchange', () => homeShow());
    homeShow(true);
  } catch (error) {
    if (error.status === 401) {
      homeGoToSignIn();
      return;
    }
    byId('trouble').hidden = false;
    byId('trouble-words').textContent = error.message;
    if (error.status == null) reportError(error);
  }
}

themeInit();
byId('trouble-again').addEventListener('click', homeInit);
homeInit();

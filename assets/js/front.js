// SPDX-License-Identifier: MIT
// The front page: a fresh room, or one that has a name already.
import { build, byId } from './dom.js';
import { mosaicInit } from './mosaic.js';
import { namesFreshRoom, namesReadRoom } from './names.js';
import { storageRecentRooms } from './storage.js';
import { themeInit } from './theme.js';
import { userHint, userWho } from './user.js';

function frontInitStart() {
  const output = byId('fresh-name');
  const renew = () => { output.value = namesFreshRoom(); };
  renew();
  byId('shuffle').addEventListener('click', renew);
  byId('start-form').addEventListener('submit', (event) => {
    event.preventDefault();
    location.assign(`/r/${output.value}`);
  });
}

function frontInitJoin() {
  const field = byId('room');
  const complain = (words) => {
    byId('room-error').textContent = words;
    field.setAttribute('aria-invalid', words ? 'true' : 'false');
  };
  field.addEventListener('input', () => complain(''));
  byId('join-form').addEventListener('submit', (event) => {
    event.preventDefault();
    if (!field.value.trim()) {
      complain('Type a name or paste a link.');
      field.focus();
      return;
    }
    const target = namesReadRoom(field.value, location.origin);
    if (target) location.assign(target.url ?? `/r/${target.room}`);
    else complain('This is neither a room’s name nor a link to one. Names have letters, digits and hyphens.');
  });
}

function frontInitRecent() {
  const rooms = storageRecentRooms();
  byId('recent').hidden = !rooms.length;
  byId('recent-list').replaceChildren(...rooms.map((room) => build('li', {},
    build('a', { href: `/r/${encodeURIComponent(room)}` }, room))));
}

// Who signed in here before sees the way to their room at once; the server has the last word.
function frontInitUser() {
  const show = (login) => {
    byId('to-sign-in').hidden = Boolean(login);
    byId('to-home').hidden = !login;
  };
  show(userHint());
  userWho().then((user) => show(user?.login ?? userHint()));
}

themeInit();
frontInitUser();
frontInitStart();
frontInitJoin();
frontInitRecent();
mosaicInit(byId('mosaic'));

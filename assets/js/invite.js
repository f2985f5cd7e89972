// SPDX-License-Identifier: MIT
// The link to the room: shown, copied, shared.
import { clipboardCopy } from './clipboard.js';
import { byId } from './dom.js';

async function inviteCopy(link) {
  if (await clipboardCopy(link, byId('invite-link'))) byId('invite-dialog').close();
}

// Returns what opens the dialog.
export function inviteInit(room) {
  const link = `${location.origin}/r/${encodeURIComponent(room)}`;
  byId('invite-link').value = link;
  byId('invite-link').addEventListener('focus', (event) => event.target.select());
  byId('invite-copy').addEventListener('click', () => inviteCopy(link));
  const share = byId('invite-share');
  share.hidden = !navigator.share;
  share.addEventListener('click', () => {
    navigator.share({ title: 'Tessera', text: `Join me in ${room}`, url: link }).then(() => byId('invite-dialog').close(), () => {});
  });
  return () => {
    byId('invite-dialog').showModal();
    byId('invite-copy').focus();
  };
}

// SPDX-License-Identifier: MIT
// The link to the room: shown, copied, shared.
import { byId } from './dom.js';
import { toast } from './toast.js';

async function inviteCopy(link) {
  try {
    await navigator.clipboard.writeText(link);
  } catch { // no permission, or not https: the old way
    byId('invite-link').select();
    if (!document.execCommand('copy')) {
      toast('Copying is not allowed here. The link is selected: copy it with the keyboard.', { kind: 'error' });
      return;
    }
  }
  byId('invite-dialog').close();
  toast('The link is copied. Send it to whoever should come.', { iconName: 'check' });
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

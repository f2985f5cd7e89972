// SPDX-License-Identifier: MIT
// Who is signed in here. The sign-in itself is a cookie that no script can read; this page only remembers that
// there was one, so that strangers are not asked about at every visit.
import { api } from './api.js';
import { storageGet, storageRemove, storageSet } from './storage.js';

export function userRemember(user) {
  storageSet('user', user.login);
}

export function userForget() {
  storageRemove('user');
}

// The login that was last used here, or null. No proof of anything.
export const userHint = () => storageGet('user');

// The user, or null: nobody is signed in (any more), or the server cannot be asked.
export async function userWho() {
  if (!userHint()) return null;
  try {
    const { user } = await api('GET', '/session');
    return user ?? null;
  } catch (error) {
    if (error.status === 401) userForget();
    return null;
  }
}

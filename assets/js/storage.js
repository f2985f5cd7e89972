// SPDX-License-Identifier: MIT
// What this browser remembers: name, devices, theme, recent rooms. In an iframe or a private window
// storage may throw; then nothing is remembered and nothing breaks.

export function storageGet(key) {
  try { return localStorage.getItem(`tessera.${key}`); } catch { return null; }
}

export function storageSet(key, value) {
  try { localStorage.setItem(`tessera.${key}`, value); } catch { /* see above */ }
}

export function storageRemove(key) {
  try { localStorage.removeItem(`tessera.${key}`); } catch { /* see above */ }
}

// For this tab alone, until it is closed.
export function storageTabGet(key) {
  try { return sessionStorage.getItem(`tessera.${key}`); } catch { return null; }
}

// value: null forgets it.
export function storageTabSet(key, value) {
  try {
    if (value == null) sessionStorage.removeItem(`tessera.${key}`);
    else sessionStorage.setItem(`tessera.${key}`, value);
  } catch { /* see above */ }
}

const RECENT_MAX = 3;

export function storageRecentRooms() {
  try {
    const rooms = JSON.parse(storageGet('recent') ?? '[]');
    return Array.isArray(rooms) ? rooms.filter((room) => typeof room === 'string').slice(0, RECENT_MAX) : [];
  } catch {
    return [];
  }
}

export function storageAddRecentRoom(room) {
  const rooms = [room, ...storageRecentRooms().filter((other) => other !== room)];
  storageSet('recent', JSON.stringify(rooms.slice(0, RECENT_MAX)));
}

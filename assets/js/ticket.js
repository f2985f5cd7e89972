// SPDX-License-Identifier: MIT
// The join token of a link, /r/ada#token=...: it is taken out of the address bar at once, so that nobody copies
// it from there, and kept for this tab, so that a reload comes in again.
import { storageTabGet, storageTabSet } from './storage.js';

const TOKEN = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

// The token for this room, or null.
export function ticketTake(room) {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given !== null) history.replaceState(history.state, '', location.pathname + location.search);
  if (given && TOKEN.test(given)) storageTabSet(`token.${room}`, given);
  return storageTabGet(`token.${room}`);
}

export function ticketDrop(room) {
  storageTabSet(`token.${room}`, null);
}

// What it says of its holder, to show before the server has looked at it: {name, role}.
export function ticketRead(token) {
  try {
    const bytes = Uint8Array.from(atob(token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes));
    const text = (value) => (typeof value === 'string' ? value : null);
    return { name: text(claims.name), role: text(claims.role) };
  } catch {
    return { name: null, role: null };
  }
}

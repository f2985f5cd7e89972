// SPDX-License-Identifier: MIT
// /r/{room}: lobby, call, end. ?name=Ada names the person, &join=1 skips the lobby, &embed=1 leaves only
// the call (and joins at once if a name is known), &watch=1 only watches. #token=... is a ticket (js/ticket.js).
import { Call } from './call.js';
import { byId } from './dom.js';
import { embedTell } from './embed.js';
import { Gate } from './gate.js';
import { Lobby } from './lobby.js';
import { Media } from './media.js';
import { namesCleanRoom } from './names.js';
import { Session } from './session.js';
import { storageAddRecentRoom, storageGet, storageSet } from './storage.js';
import { themeInit } from './theme.js';
import { ticketDrop, ticketRead, ticketTake } from './ticket.js';
import { banner, toast, toastClear } from './toast.js';
import { userWho } from './user.js';
import { wordsForEnding, wordsForProblem } from './words.js';

const MEDIA_PATIENCE_MS = 4000; // on the way straight in: how long the question for devices may hold up the call

const query = new URLSearchParams(location.search);
const isEmbedded = query.get('embed') === '1';
const room = roomName();
const token = room && ticketTake(room);
const ticket = token ? ticketRead(token) : { name: null, role: null };
const isWatching = ticket.role === 'viewer' || (query.has('watch') && query.get('watch') !== '0');
const givenName = query.get('name')?.trim() || ticket.name || (isEmbedded ? storageGet('name') : null);
const isStraightIn = Boolean(givenName) && (query.get('join') === '1' || isEmbedded);

let media = null;
let session = null;
let call = null;
let lobby = null;
let gate = null;
let phase = 'lobby';

function roomName() {
  try { return namesCleanRoom(decodeURIComponent(location.pathname.split('/')[2] ?? '')); } catch { return null; }
}

const FINAL = new Set(['lobby-refused', 'banned', 'kicked']); // a second try would be answered the same

// Everything that is held is let go, so that "join again" is a fresh page and nothing is left over.
function roomShowEnding(code, message, reason = null) {
  const { title, words, again } = wordsForEnding(code, message);
  phase = 'ended';
  call?.close();
  lobby?.close();
  gate?.close();
  media?.close();
  banner(null);
  toastClear();
  byId('ended-title').textContent = title;
  byId('ended-words').textContent = words;
  byId('ended-reason').textContent = reason ?? '';
  byId('ended-reason').hidden = !reason;
  byId('ended-sign-in').hidden = code !== 'sign-in-required';
  byId('ended-again').hidden = !again;
  byId('ended-again').textContent = again ?? '';
  byId('ended-home').hidden = isEmbedded;
  byId('ended').hidden = false;
  byId('ended-title').focus();
  document.title = `${title} · Tessera`;
}

// Who was refused at the door stays in the lobby, reads why, and may try again.
function roomOnEnded({ code, message, field, reason, wasIn }) {
  embedTell({ type: 'left', room, reason: code });
  if (code.startsWith('token-')) ticketDrop(room);
  banner(null);
  if (!wasIn && (code === 'pin-required' || code === 'pin-wrong')) {
    gate.askPin(code === 'pin-wrong' ? message : '', (pin) => roomEnter(session.name, pin));
    return;
  }
  gate.close();
  if (wasIn || !lobby || FINAL.has(code)) {
    roomShowEnding(code, message, reason);
    return;
  }
  phase = 'lobby';
  const { title, words } = wordsForEnding(code, message);
  lobby.open(field === 'name' ? message : `${title}. ${words}`, field);
}

function roomOpenCall() {
  lobby?.close();
  gate.close();
  banner(null);
  call = new Call(session, media);
}

// The call opens once the seat is there. Until then there is the lobby, or, for who went straight in or has to
// wait, the gate.
function roomOnState(state) {
  if (call) return;
  if (state === 'joined') {
    roomOpenCall();
  } else if (state === 'waiting') {
    lobby?.close();
    gate.wait(session.door);
  }
}

function roomEnter(name, pin = null) {
  session = new Session({ room, name, media, token, pin, isViewer: isWatching });
  phase = 'call';
  session.on('state', roomOnState);
  session.on('drop', () => { if (session.state === 'waiting') banner('Reconnecting…'); });
  session.on('joined', ({ resumed }) => {
    storageAddRecentRoom(room);
    if (!resumed) embedTell({ type: 'joined', room, member: session.id });
  });
  session.on('ended', roomOnEnded);
  if (!lobby || pin) gate.enter();
  session.start();
}

async function roomGoStraightIn() {
  storageSet('name', givenName);
  const started = isWatching ? null : media.start();
  gate.enter();
  await Promise.race([started, new Promise((resolve) => { setTimeout(resolve, MEDIA_PATIENCE_MS); })]);
  roomEnter(givenName);
  await started;
  for (const device of isWatching ? [] : ['microphone', 'camera']) {
    const { problem } = media[device];
    if (problem) toast(wordsForProblem(device, problem), { kind: 'error' });
  }
}

function roomExpose() {
  window.tessera = Object.freeze({
    // 'lobby', 'joining', 'waiting', 'joined', 'reconnecting', 'ended'
    get state() { return phase === 'call' ? session.state : phase; },
    get id() { return session?.id ?? null; },
    get room() { return room; },
    get role() { return session?.role ?? null; },
    get info() { return session?.info ? structuredClone(session.info) : null; }, // the room's settings
    get recording() { return structuredClone(session?.recording ?? null); }, // {state, recordings}
    get broadcasts() { return structuredClone(session?.broadcasts ?? []); },
    get waiting() { return structuredClone(session?.waiting ?? []); },
    get pc() { return session?.peer?.pc ?? null; },
    get members() { return [...(session?.members.values() ?? [])].map((member) => ({ ...member })); },
    get speaking() { return [...(session?.speaking ?? [])]; },
    get layout() { return session?.layout ? structuredClone(session.layout) : null; },
    get link() { return session?.link ? structuredClone(session.link) : null; }, // the server's last `stats`
    stats: async () => call?.panel.read() ?? null,
    selfRect: () => call?.overlay.rect ?? null,
  });
}

function roomListen() {
  // Not `unload`: phones never fire it. Coming back from the browser's page cache begins anew.
  addEventListener('pagehide', () => { if (phase === 'call') session?.leave(); });
  addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); });
  byId('ended-again').addEventListener('click', () => location.reload());
  for (const button of document.querySelectorAll('[data-close-dialog]')) {
    button.addEventListener('click', () => button.closest('dialog').close());
  }
  for (const dialog of document.querySelectorAll('dialog')) {
    dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close(); });
  }
}

function roomInit() {
  document.documentElement.classList.toggle('is-embedded', isEmbedded);
  themeInit();
  roomExpose();
  roomListen();
  if (!room) return roomShowEnding('bad-room');
  if (!window.RTCPeerConnection || !window.WebSocket) return roomShowEnding('unsupported');
  document.title = `${room} · Tessera`;
  media = new Media();
  gate = new Gate(room, { onLeave: () => session?.leave() });
  if (isWatching) media.release();
  if (isStraightIn) return roomGoStraightIn();
  lobby = new Lobby({ room, name: givenName, media, isWatching, onJoin: (name) => roomEnter(name) });
  lobby.open();
  if (!givenName) userWho().then((user) => { if (user) lobby.suggest(user.name); });
  return isWatching ? null : media.start();
}

roomInit();

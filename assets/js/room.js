// SPDX-License-Identifier: MIT
// /r/{room}: lobby, call, end. ?name=Ada names the person, &join=1 skips the lobby, &embed=1 leaves only
// the call (and joins at once if a name is known).
import { Call } from './call.js';
import { byId } from './dom.js';
import { embedTell } from './embed.js';
import { Lobby } from './lobby.js';
import { Media } from './media.js';
import { namesCleanRoom } from './names.js';
import { Session } from './session.js';
import { storageAddRecentRoom, storageGet, storageSet } from './storage.js';
import { themeInit } from './theme.js';
import { toast, toastClear } from './toast.js';
import { wordsForEnding, wordsForProblem } from './words.js';

const MEDIA_PATIENCE_MS = 4000; // on the way straight in: how long the question for devices may hold up the call

const query = new URLSearchParams(location.search);
const isEmbedded = query.get('embed') === '1';
const givenName = query.get('name')?.trim() || (isEmbedded ? storageGet('name') : null);
const isStraightIn = Boolean(givenName) && (query.get('join') === '1' || isEmbedded);

let media = null;
let session = null;
let call = null;
let lobby = null;
let phase = 'lobby';

function roomName() {
  try { return namesCleanRoom(decodeURIComponent(location.pathname.split('/')[2] ?? '')); } catch { return null; }
}

// Everything that is held is let go, so that "join again" is a fresh page and nothing is left over.
function roomShowEnding(code, message) {
  const { title, words, again } = wordsForEnding(code, message);
  phase = 'ended';
  call?.close();
  lobby?.close();
  media?.close();
  toastClear();
  byId('ended-title').textContent = title;
  byId('ended-words').textContent = words;
  byId('ended-again').hidden = !again;
  byId('ended-again').textContent = again ?? '';
  byId('ended-home').hidden = isEmbedded;
  byId('ended').hidden = false;
  byId('ended-title').focus();
  document.title = `${title} · Tessera`;
}

// Who was refused at the door stays in the lobby, reads why, and may try again.
function roomOnEnded({ code, message, field, wasIn }) {
  embedTell({ type: 'left', room: session.room, reason: code });
  if (wasIn || !lobby) {
    roomShowEnding(code, message);
    return;
  }
  phase = 'lobby';
  const { title, words } = wordsForEnding(code, message);
  lobby.open(field === 'name' ? message : `${title}. ${words}`, field);
}

function roomOpenCall() {
  lobby?.close();
  call = new Call(session, media);
}

// From the lobby the call opens once the seat is there; straight in it is all there is to see.
function roomEnter(room, name) {
  session = new Session({ room, name, media });
  phase = 'call';
  session.on('state', (state) => { if (state === 'joined' && !call) roomOpenCall(); });
  session.on('joined', ({ resumed }) => {
    storageAddRecentRoom(room);
    if (!resumed) embedTell({ type: 'joined', room, member: session.id });
  });
  session.on('ended', roomOnEnded);
  if (!lobby) roomOpenCall();
  session.start();
}

async function roomGoStraightIn(room) {
  storageSet('name', givenName);
  const started = media.start();
  await Promise.race([started, new Promise((resolve) => { setTimeout(resolve, MEDIA_PATIENCE_MS); })]);
  roomEnter(room, givenName);
  await started;
  for (const device of ['microphone', 'camera']) {
    const { problem } = media[device];
    if (problem) toast(wordsForProblem(device, problem), { kind: 'error' });
  }
}

function roomExpose() {
  window.tessera = Object.freeze({
    // 'lobby', 'joining', 'joined', 'reconnecting', 'ended'
    get state() { return phase === 'call' ? session.state : phase; },
    get id() { return session?.id ?? null; },
    get room() { return roomName(); },
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
  addEventListener('pagehide', () => { if (phase === 'call') session.leave(); });
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
  const room = roomName();
  if (!room) return roomShowEnding('bad-room');
  if (!window.RTCPeerConnection || !window.WebSocket) return roomShowEnding('unsupported');
  document.title = `${room} · Tessera`;
  media = new Media();
  if (isStraightIn) return roomGoStraightIn(room);
  lobby = new Lobby({ room, name: givenName, media, onJoin: (name) => roomEnter(room, name) });
  lobby.open();
  return media.start();
}

roomInit();

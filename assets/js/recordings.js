// SPDX-License-Identifier: MIT
// /recordings: the recordings of who is signed in, or, by the API key that this tab keeps, all of them. The one that
// is open is named by the address's fragment.
import { api } from './api.js';
import { byId } from './dom.js';
import { filmCard, filmIsOpen, filmIsSound } from './film.js';
import { FilmPlayer } from './film-player.js';
import { formComplain, formOnSubmit } from './form.js';
import { storageTabGet, storageTabSet } from './storage.js';
import { themeInit } from './theme.js';
import { toast } from './toast.js';
import { userForget, userRemember } from './user.js';

const PAGE = 60;
const EVERY_MS = 3000; // while something is being recorded, or waits for its picture
const SOON_MS = 1000; // while something is being finished
const FRESH_MS = 60000;
const STALE_MS = 1200000; // the addresses of the files hold for hours: time enough to ask for new ones

let key = null;
let player = null;
let films = [];
let cursor = null;
let wanted = PAGE; // how many are shown
let timer = 0;
let readAt = 0;
let drawn = '';

const recordingsList = (after, limit) => api('GET', `/recordings?limit=${limit}${after ? `&cursor=${encodeURIComponent(after)}` : ''}`, { key });

// Runs, or has just ended: its picture is still to come.
function recordingsIsFresh(film) {
  return filmIsOpen(film) || (!film.poster && !filmIsSound(film) && Date.now() - Date.parse(film.ended_at) < FRESH_MS);
}

function recordingsPause() {
  if (films.some(({ state }) => state === 'finishing')) return SOON_MS;
  return films.some(recordingsIsFresh) ? EVERY_MS : STALE_MS;
}

const recordingsAreStale = () => films.length > 0 && Date.now() - readAt > STALE_MS;

async function recordingsRead() {
  const all = [];
  let after = null;
  do {
    const answer = await recordingsList(after, PAGE);
    all.push(...answer?.recordings ?? []);
    after = answer?.next_cursor ?? null;
  } while (after && all.length < wanted);
  films = all;
  cursor = after;
  readAt = Date.now();
}

function recordingsDraw() {
  const state = JSON.stringify([films, player.id]);
  byId('nothing').hidden = films.length > 0;
  byId('more').hidden = !cursor;
  byId('library-state').textContent = films.length ? `${films.length}${cursor ? ' newest' : ''}` : '';
  if (state === drawn) return;
  drawn = state;
  const focused = document.activeElement?.closest('[data-recording]')?.dataset.recording;
  byId('films').replaceChildren(...films.map((film) => filmCard(film, { isCurrent: film.id === player.id })));
  if (focused) byId('films').querySelector(`[data-recording="${CSS.escape(focused)}"] a`)?.focus({ preventScroll: true });
}

// The one in the address: from the list, or, if it is older than what is listed, by itself.
async function recordingsFind(id) {
  return films.find((film) => film.id === id) ?? api('GET', `/recordings/${encodeURIComponent(id)}`, { key });
}

async function recordingsOpen() {
  let id = null;
  try { id = decodeURIComponent(location.hash.slice(1)); } catch { /* no fragment of ours */ }
  if (!id) player.close();
  if (!id || id === player.id) return;
  try {
    const film = await recordingsFind(id);
    document.title = `${film.title || film.room} · Tessera`;
    player.show(film);
  } catch (error) {
    player.close();
    if (error.status !== 404) throw error;
    toast('This recording is not there (any more), or it is not yours.', { kind: 'error' });
  }
}

async function recordingsRefresh() {
  clearTimeout(timer);
  try {
    await recordingsRead();
    const open = films.find((film) => film.id === player.id);
    if (open) player.refresh(open);
    else if (player.id) await recordingsForget();
    recordingsDraw();
  } catch (error) {
    if (error.status === 401) {
      recordingsLeave(error.message);
      return;
    }
    byId('library-state').textContent = error.message;
    if (error.status == null) reportError(error);
  }
  if (document.visibilityState === 'visible') timer = setTimeout(recordingsRefresh, recordingsPause());
}

// What is open is in no list any more: deleted, unless it is merely older than what is listed.
async function recordingsForget() {
  const film = await api('GET', `/recordings/${encodeURIComponent(player.id)}`, { key }).catch((error) => { if (error.status !== 404) throw error; });
  if (film) return;
  player.close();
  history.replaceState(null, '', location.pathname);
  document.title = 'Recordings · Tessera';
  byId('library-heading').focus();
}

function recordingsLeave(words = '') {
  clearTimeout(timer);
  const hadKey = Boolean(key);
  key = null;
  storageTabSet('key', null);
  player?.close();
  films = [];
  drawn = '';
  byId('films').replaceChildren();
  for (const id of ['library', 'key-out', 'to-home', 'who', 'trouble']) byId(id).hidden = true;
  byId('door').hidden = false;
  byId('door-sign-in').href = `/sign-in?next=${encodeURIComponent(`/recordings${location.hash}`)}`;
  byId('key').value = '';
  formComplain(byId('key'), hadKey ? words : '');
}

async function recordingsShow(user) {
  byId('door').hidden = byId('trouble').hidden = true;
  byId('library').hidden = false;
  byId('who').hidden = byId('key-out').hidden = !key;
  byId('who').textContent = 'Operator';
  byId('to-home').hidden = !user;
  player?.close();
  player = new FilmPlayer(key, { onChange: recordingsRefresh });
  await recordingsRefresh();
  if (player && !byId('library').hidden) await recordingsGo();
}

async function recordingsGo() {
  try {
    await recordingsOpen();
  } catch (error) {
    toast(error.message, { kind: 'error' });
  }
  if (player.id === null) document.title = 'Recordings · Tessera';
  recordingsDraw();
}

async function recordingsTryKey() {
  const given = byId('key').value.trim();
  if (!given) {
    formComplain(byId('key'), 'Type the key.');
    return;
  }
  await api('GET', '/stats', { key: given });
  key = given;
  storageTabSet('key', given);
  await recordingsShow(null);
}

async function recordingsInit() {
  byId('trouble').hidden = true;
  key = storageTabGet('key');
  if (key) {
    await recordingsShow(null);
    return;
  }
  try {
    const { user } = await api('GET', '/session');
    userRemember(user);
    await recordingsShow(user);
  } catch (error) {
    if (error.status === 401) {
      userForget();
      recordingsLeave();
      return;
    }
    byId('trouble').hidden = false;
    byId('trouble-words').textContent = error.message;
    if (error.status == null) reportError(error);
  }
}

themeInit();
formOnSubmit(byId('key-form'), recordingsTryKey);
byId('key').addEventListener('input', () => formComplain(byId('key'), ''));
byId('key-out').addEventListener('click', () => { recordingsLeave(); recordingsInit(); });
byId('more').addEventListener('click', () => { wanted += PAGE; recordingsRefresh(); });
byId('trouble-again').addEventListener('click', recordingsInit);
addEventListener('hashchange', () => { if (player && !byId('library').hidden) recordingsGo(); });
document.addEventListener('visibilitychange', () => { if (document.visibilityState === 'visible' && (films.some(filmIsOpen) || recordingsAreStale())) recordingsRefresh(); });
recordingsInit();

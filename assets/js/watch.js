// SPDX-License-Identifier: MIT
// /watch/{room}: a broadcast of a room, for an audience without a seat in it. Played by the browser where it knows
// HLS, else by js/hls.js (?player=own takes that one anyway). Whatever ends, this page waits, and begins again.
import { byId } from './dom.js';
import { Hls, hlsIsPossible } from './hls.js';
import { hlsReadPlaylist } from './hls-playlist.js';
import { namesCleanRoom } from './names.js';
import { themeInit } from './theme.js';

const AGAIN_MS = 3000;
const STILL_MS = 15000; // a picture that stands still for so long is begun anew
const HLS_TYPE = 'application/vnd.apple.mpegurl';

const WORDS = {
  looking: ['Looking whether it is live…', ''],
  waiting: ['Not live just now', 'This page waits, and begins by itself.'],
  over: ['It is over', 'Should it begin again, so does this page.'],
  starting: ['It is live. Loading the picture…', ''],
  unreachable: ['The server cannot be reached', 'This page tries again by itself.'],
  unsupported: ['This browser cannot play it', 'A current Chrome, Edge, Firefox or Safari can.'],
  'bad-room': ['There is no such page', 'Check that the link was copied whole.'],
};
const FINAL = new Set(['unsupported', 'bad-room']);

const video = byId('picture');
const room = watchRoom();
const playlist = `/hls/${encodeURIComponent(room ?? '')}/index.m3u8`;

let state = 'looking'; // a key of WORDS, or 'live'
let player = null; // an Hls, or null: none, or the browser's own
let isNative = new URLSearchParams(location.search).get('player') !== 'own' && video.canPlayType(HLS_TYPE) !== '';
let isOn = false; // something is to be played
let timer = 0;
let moved = { at: 0, since_ms: 0 };

function watchRoom() {
  try { return namesCleanRoom(decodeURIComponent(location.pathname.split('/')[2] ?? '')); } catch { return null; }
}

function watchShow(next) {
  state = next;
  const isLive = next === 'live';
  byId('wait').hidden = isLive;
  byId('live').hidden = !isLive;
  video.controls = isLive;
  if (isLive) return;
  const [title, words] = WORDS[next];
  if (byId('wait-title').textContent !== title) byId('wait-title').textContent = title;
  byId('wait-words').textContent = words;
  byId('wait-tiles').classList.toggle('is-still', next !== 'looking' && next !== 'starting');
  byId('tap-to-hear').hidden = true;
}

// 'live', 'waiting', 'over' or 'unreachable'.
async function watchLook() {
  try {
    const answer = await fetch(playlist, { cache: 'no-store' });
    if (answer.status >= 500) return 'unreachable';
    const read = answer.ok ? hlsReadPlaylist(await answer.text(), location.href) : null;
    if (!read) return 'waiting';
    if (read.isMaster) return 'live';
    if (read.isEnded) return 'over';
    return read.segments.length ? 'live' : 'waiting';
  } catch {
    return 'unreachable';
  }
}

async function watchTry() {
  clearTimeout(timer);
  if (isOn || FINAL.has(state)) return;
  const found = await watchLook();
  if (found === 'live') {
    watchStart();
    return;
  }
  watchShow(found);
  timer = setTimeout(watchTry, AGAIN_MS);
}

function watchStart() {
  isOn = true;
  watchShow('starting');
  moved = { at: -1, since_ms: performance.now() };
  if (isNative) {
    video.src = playlist;
    watchPlay();
  } else if (hlsIsPossible()) {
    player = new Hls(video, playlist);
    player.on('live', watchPlay);
    player.on('unsupported', () => { watchStop(); watchShow('unsupported'); });
    for (const event of ['gone', 'ended', 'broken']) player.on(event, watchAgain);
  } else {
    isOn = false;
    watchShow('unsupported');
  }
}

function watchStop() {
  isOn = false;
  player?.close();
  player = null;
  video.removeAttribute('src');
  video.load();
}

// The end of this try, for whatever reason; the next one finds out why.
function watchAgain() {
  if (!isOn) return;
  watchStop();
  watchShow('looking');
  timer = setTimeout(watchTry, AGAIN_MS / 3);
}

// Sound may have to wait for a touch; the picture never does.
async function watchPlay() {
  try {
    await video.play();
  } catch (error) {
    if (error.name !== 'NotAllowedError') return;
    video.muted = true;
    byId('tap-to-hear').hidden = false;
    video.play().catch(() => {});
  }
}

function watchOnError() {
  if (!isOn || !isNative || !video.getAttribute('src')) return;
  isNative = !hlsIsPossible(); // the browser's own cannot: ours may
  watchAgain();
}

// It may have stopped without saying so.
function watchCheck() {
  if (!isOn || (video.paused && state === 'live')) {
    moved = { at: -1, since_ms: performance.now() };
    return;
  }
  if (video.currentTime !== moved.at) moved = { at: video.currentTime, since_ms: performance.now() };
  else if (performance.now() - moved.since_ms > STILL_MS) watchAgain();
}

function watchInit() {
  themeInit();
  byId('title').textContent = room ?? '';
  window.tessera = Object.freeze({
    get state() { return state; },
    get player() { return isOn ? (player ? 'own' : 'native') : null; },
    get behind_s() { return player?.behind_s ?? null; },
  });
  if (!room) {
    watchShow('bad-room');
    return;
  }
  document.title = `${room}, live · Tessera`;
  video.addEventListener('playing', () => { if (isOn) watchShow('live'); });
  video.addEventListener('ended', () => { if (!player) watchAgain(); });
  video.addEventListener('error', watchOnError);
  video.addEventListener('volumechange', () => { if (!video.muted) byId('tap-to-hear').hidden = true; });
  byId('tap-to-hear').addEventListener('click', () => { video.muted = false; video.play().catch(() => {}); });
  setInterval(watchCheck, 1000);
  addEventListener('online', watchTry);
  watchTry();
}

watchInit();

// SPDX-License-Identifier: MIT
// One recording of the library: where its files are, how it is called, its card in a list.
import { build, icon } from './dom.js';
import { sizeWords } from './size.js';
import { whenClock, whenDay, whenTime } from './when.js';
import { wordsForRecordingFault } from './words.js';

const RUNNING = new Set(['recording', 'paused']);
const LABELS = { webm: 'WebM', mkv: 'Matroska', mp4: 'MP4', ogg: 'Ogg' };

export const filmIsRunning = ({ state }) => RUNNING.has(state);
// It runs, or its file is still being finished: nothing to play, to take or to delete yet.
export const filmIsOpen = (film) => filmIsRunning(film) || film.state === 'finishing';
export const filmIsSound = ({ container, audio_only: isSound }) => container === 'ogg' || isSound === true;
export const filmTitle = ({ title, room }) => title || room;
export const filmPath = ({ id }) => `/recordings/${encodeURIComponent(id)}`;

// The media, as the server names it: the ticket in its query opens it part by part, also with the key, which players
// do not send.
export function filmMedia({ media }, segment = 1) {
  const url = new URL(media, location.origin);
  if (segment > 1) url.searchParams.set('segment', String(segment));
  return url.pathname + url.search;
}

// A small file beside it. The same ticket opens it.
export function filmFile({ media }, name) {
  const url = new URL(media, location.origin);
  return url.pathname.replace(/media$/, name) + url.search;
}

// A name for a file: "ada 2026-01-02 15.04.webm"
export function filmFileName(film, segment = 1) {
  const from = new Date(film.started_at);
  const two = (value) => String(value).padStart(2, '0');
  const when = `${from.getFullYear()}-${two(from.getMonth() + 1)}-${two(from.getDate())} ${two(from.getHours())}.${two(from.getMinutes())}`;
  const name = filmTitle(film).replace(/[\\/:*?"<>|\p{Cc}]+/gu, ' ').replace(/\s+/g, ' ').trim().slice(0, 80) || 'recording';
  return `${name} ${when}${film.segments > 1 ? ` part ${segment}` : ''}.${film.container}`;
}

// "12:05 · 48.0 MB · WebM"
export function filmFacts(film) {
  const parts = film.segments > 1 ? `${film.segments} parts` : null;
  const gaps = film.gaps > 0 ? `${film.gaps} ${film.gaps === 1 ? 'gap' : 'gaps'} (${whenClock(Math.ceil(film.gap_seconds ?? 0))})` : null;
  return [whenClock(film.duration_seconds), sizeWords(film.bytes), LABELS[film.container] ?? film.container, parts, gaps].filter(Boolean).join(' · ');
}

// What one says of its state, or null: it is simply there.
export function filmState(film) {
  if (film.state === 'recording') return 'Recording now';
  if (film.state === 'paused') return 'Recording, paused';
  if (film.state === 'finishing') return 'Finishing…';
  return wordsForRecordingFault(film);
}

// The card: a link that opens the recording.
export function filmCard(film, { isCurrent = false } = {}) {
  const shot = build('span', { class: 'film-shot' }, build('span', { class: 'film-blank', 'aria-hidden': 'true' }, icon(filmIsSound(film) ? 'mic' : filmIsRunning(film) ? 'record' : 'camera')),
    build('span', { class: 'film-length' }, whenClock(film.duration_seconds)));
  const from = new Date(film.started_at);
  const state = filmState(film);
  const link = build('a', { class: 'film-link', href: `/recordings#${encodeURIComponent(film.id)}`, 'data-testid': 'recording-open', 'aria-current': isCurrent ? 'true' : null },
    shot, build('span', { class: 'film-body' },
      build('span', { class: 'when' }, build('b', {}, whenDay(from)), whenTime(from)),
      build('b', { class: 'card-title', dir: 'auto' }, filmTitle(film)),
      build('small', { class: 'soft' }, [film.title ? film.room : null, filmFacts(film)].filter(Boolean).join(' · ')),
      state && build('span', { class: `film-state is-${film.state}` }, state)));
  const element = build('li', { class: 'film-card', 'data-recording': film.id, 'data-state': film.state }, link);
  if (film.poster) filmDress(shot, link, film);
  return element;
}

// The poster; and, for who rests on the card, the contact sheet.
function filmDress(shot, link, film) {
  const show = (name, className) => {
    const image = build('img', { class: className, alt: '', loading: 'lazy', decoding: 'async', 'data-picture': name });
    image.addEventListener('error', () => image.remove(), { once: true });
    image.src = filmFile(film, name);
    shot.insertBefore(image, shot.lastChild);
  };
  show('poster.jpg', 'film-poster');
  let isAsked = false;
  const look = () => {
    if (isAsked) return;
    isAsked = true;
    show('sheet.jpg', 'film-sheet');
  };
  link.addEventListener('pointerenter', ({ pointerType }) => { if (pointerType === 'mouse') look(); });
  link.addEventListener('focus', look);
}

// SPDX-License-Identifier: MIT
// The player of one recording: the browser's own, with the chapters and the chat beside it as lists that lead
// to their place. Media and small files are opened by the ticket in their addresses.
import { api } from './api.js';
import { ask } from './ask.js';
import { build, byId, icon, speak } from './dom.js';
import { filmFacts, filmFile, filmFileName, filmIsOpen, filmIsRunning, filmIsSound, filmMedia, filmPath, filmState, filmTitle } from './film.js';
import { sizeWords } from './size.js';
import { toast } from './toast.js';
import { whenClock, whenDay, whenTime } from './when.js';

const TRACKS = [['chapters.vtt', 'chapters', 'Chapters'], ['chat.vtt', 'subtitles', 'Chat']];

export class FilmPlayer {
  #key;
  #onChange;
  #film = null;
  #media = null;
  #segment = 1;
  #drawn = '';

  // key: the API key, or null. onChange(): something was done, look again.
  constructor(key, { onChange }) {
    this.#key = key;
    this.#onChange = onChange;
  }

  get id() { return this.#film?.id ?? null; }

  show(film) {
    this.close();
    this.#film = film;
    this.#segment = 1;
    this.#draw();
    byId('player').hidden = false;
    byId('player-title').focus();
    byId('player').scrollIntoView({ block: 'nearest' });
    this.#load();
  }

  // The same recording, as it is now. A player that plays is left alone.
  refresh(film) {
    const before = this.#film;
    this.#film = film;
    this.#draw();
    if (filmIsOpen(before) && film.state !== before.state) this.#load();
    else this.#renew();
  }

  close() {
    this.#media?.pause();
    this.#media?.removeAttribute('src');
    this.#media?.load();
    this.#media = null;
    this.#film = null;
    this.#drawn = '';
    byId('player-stage').replaceChildren();
    for (const id of ['chapters', 'chat']) byId(id).replaceChildren();
    for (const id of ['player', 'player-chapters', 'player-chat']) byId(id).hidden = true;
  }

  // Anew only when something has changed, so that a button under the finger stays.
  #draw() {
    const film = this.#film;
    const drawn = JSON.stringify([film, this.#segment]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const from = new Date(film.started_at);
    byId('player-title').textContent = filmTitle(film);
    byId('player-when').replaceChildren(build('b', {}, whenDay(from)), whenTime(from), film.title ? build('span', {}, film.room) : '');
    byId('player-facts').textContent = filmFacts(film);
    const state = filmState(film);
    byId('player-fault').hidden = !state;
    byId('player-fault').textContent = state?.replace(/[^…]$/, '$&.') ?? '';
    const parts = byId('player-parts');
    parts.hidden = !(film.segments > 1);
    if (!parts.hidden && parts.children.length !== film.segments) parts.replaceChildren(...Array.from({ length: film.segments }, (_, i) => this.#buildPart(i + 1)));
    for (const part of parts.children) part.setAttribute('aria-pressed', String(Number(part.textContent) === this.#segment));
    byId('player-doors').replaceChildren(...this.#buildDoors());
  }

  #buildDoors() {
    if (filmIsRunning(this.#film)) return [this.#door('Stop recording…', 'stop', 'recording-stop', () => this.#stop())];
    if (filmIsOpen(this.#film)) return [];
    return [this.#buildDownload(), this.#door('Delete…', 'trash', 'recording-delete', () => this.#remove(), 'danger')];
  }

  #door(words, iconName, test, run, className = '') {
    const button = build('button', { type: 'button', class: `button small ${className}`, 'data-testid': test }, icon(iconName), words);
    button.addEventListener('click', run);
    return button;
  }

  #buildPart(segment) {
    const button = build('button', { type: 'button', class: 'button small part', 'aria-label': `Part ${segment}` }, String(segment));
    button.addEventListener('click', () => this.#goToPart(segment, true));
    return button;
  }

  #buildDownload() {
    const film = this.#film;
    const name = filmFileName(film, this.#segment);
    return build('a', { class: 'button small', 'data-testid': 'recording-download', href: filmMedia(film, this.#segment), download: name }, icon('download'), 'Download');
  }

  #load() {
    if (!filmIsOpen(this.#film)) {
      this.#play();
      return;
    }
    const words = filmIsRunning(this.#film) ? 'It is still being recorded. It can be played when it has ended.' : 'Finishing… It can be played in a moment.';
    byId('player-stage').replaceChildren(build('p', { class: 'player-note', role: 'status' }, icon('record'), words));
  }

  #play() {
    const film = this.#film;
    const media = build(filmIsSound(film) ? 'audio' : 'video', { class: 'player-media', 'data-testid': 'media', controls: true, playsinline: true, preload: 'metadata', 'aria-label': filmTitle(film) });
    media.addEventListener('error', () => this.#onError(media));
    media.addEventListener('ended', () => this.#goToPart(this.#segment + 1, true));
    this.#media = media;
    byId('player-stage').replaceChildren(media);
    byId('player-stage').classList.toggle('is-sound', filmIsSound(film));
    if (film.poster && !filmIsSound(film)) media.poster = film.poster;
    media.src = filmMedia(film, this.#segment);
    for (const track of TRACKS) this.#addTrack(media, track);
  }

  // Tickets end: while it rests, it gets the address that opens it for longer.
  #renew() {
    const media = this.#media;
    const source = filmMedia(this.#film, this.#segment);
    if (!media?.paused || media.error || media.getAttribute('src') === source) return;
    const at = media.currentTime;
    media.addEventListener('loadedmetadata', () => { if (at > 0) media.currentTime = at; }, { once: true });
    media.src = source;
  }

  #addTrack(media, [name, kind, label]) {
    const element = build('track', { kind, label, srclang: 'en', src: filmFile(this.#film, name) });
    element.addEventListener('load', () => { if (media === this.#media) this.#listCues(kind, element.track); });
    media.append(element);
    element.track.mode = 'hidden'; // loads it, and shows nothing over the picture
  }

  // Times are those of the whole: with several files only the words are shown.
  #listCues(kind, track) {
    const isChapters = kind === 'chapters';
    const box = byId(isChapters ? 'player-chapters' : 'player-chat');
    const cues = [...track.cues ?? []];
    box.hidden = !cues.length;
    byId(isChapters ? 'chapters' : 'chat').replaceChildren(...cues.map((cue) => this.#buildCue(cue)));
    if (isChapters) track.addEventListener('cuechange', () => this.#markChapter(cues));
  }

  #buildCue(cue) {
    const { who, text } = cueWords(cue);
    const words = [build('time', {}, whenClock(cue.startTime)), build('span', { dir: 'auto' }, who && build('b', {}, `${who} `), text)];
    if (this.#film.segments > 1) return build('li', {}, build('span', { class: 'cue' }, ...words));
    const button = build('button', { type: 'button', class: 'cue', 'data-at': cue.startTime }, ...words);
    button.addEventListener('click', () => this.#seek(cue.startTime));
    return build('li', {}, button);
  }

  #markChapter(cues) {
    const at = this.#media?.currentTime ?? 0;
    const current = cues.findLastIndex((cue) => cue.startTime <= at + 0.05);
    [...byId('chapters').children].forEach(({ firstElementChild: cue }, i) => {
      if (i === current) cue.setAttribute('aria-current', 'true');
      else cue.removeAttribute('aria-current');
    });
  }

  #seek(seconds) {
    if (!this.#media) return;
    this.#media.currentTime = seconds;
    this.#media.play().catch(() => {});
    speak(`At ${whenClock(seconds)}`);
  }

  #goToPart(segment, isPlaying) {
    if (segment > this.#film.segments || segment < 1 || !this.#media) return;
    this.#segment = segment;
    this.#draw();
    const media = this.#media;
    byId('player-stage').replaceChildren(media);
    media.src = filmMedia(this.#film, segment);
    if (isPlaying) media.play().catch(() => {});
  }

  #onError(media) {
    if (media !== this.#media || !media.error || !media.getAttribute('src')) return;
    const { code, message } = media.error;
    byId('player-stage').replaceChildren(build('p', { class: 'player-note', title: `${code} ${message}` }, icon('warning'),
      code === MediaError.MEDIA_ERR_SRC_NOT_SUPPORTED ? 'This browser cannot play this kind of file, or the server did not give it. Download it and try another player.'
        : 'It could not be played any further.'));
  }

  async #stop() {
    if (!await ask({ title: 'Stop the recording?', words: 'What was recorded is kept. It cannot go on in the same file.', yes: 'Stop', no: 'Go on' })) return;
    await this.#do('PATCH', { state: 'stopped' }, 'The recording was stopped.');
  }

  async #remove() {
    const film = this.#film;
    const isSure = await ask({ title: `Delete “${filmTitle(film)}”?`, words: `${whenClock(film.duration_seconds)}, ${sizeWords(film.bytes)}. It is deleted from the server and cannot be brought back.`, yes: 'Delete', isDangerous: true });
    if (isSure) await this.#do('DELETE', undefined, 'The recording was deleted.');
  }

  async #do(method, body, words) {
    try {
      await api(method, filmPath(this.#film), { key: this.#key, body });
      toast(words, { iconName: 'check' });
    } catch (error) {
      toast(error.message, { kind: 'error' });
    }
    this.#onChange();
  }
}

// The words of a cue without its marks; who: the voice, if it has one ("<v Ada>Hello").
function cueWords(cue) {
  const marked = cue.getCueAsHTML();
  return { who: marked.querySelector('span[title]')?.title ?? null, text: marked.textContent };
}

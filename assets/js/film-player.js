// SPDX-License-Identifier: MIT
// The player of one recording: the browser's own, with the chapters and the chat beside it as lists that lead
// to their place. Small files and media come by the sign-in's cookie; for the API key see #source().
import { api, apiFetch } from './api.js';
import { ask } from './ask.js';
import { build, byId, icon, speak } from './dom.js';
import { filmFacts, filmFile, filmFileName, filmHasTicket, filmIsOpen, filmIsRunning, filmIsSound, filmMedia, filmPath, filmState, filmTitle } from './film.js';
import { sizeWords } from './size.js';
import { toast } from './toast.js';
import { whenClock, whenDay, whenTime } from './when.js';

// With the key a player cannot ask for parts of a file: it has to be taken whole.
const WHOLE_BYTES_MAX = 400e6;
const TRACKS = [['chapters.vtt', 'chapters', 'Chapters'], ['chat.vtt', 'subtitles', 'Chat']];

export class FilmPlayer {
  #key;
  #onChange;
  #film = null;
  #media = null;
  #segment = 1;
  #drawn = '';
  #releases = []; // what to let go with this film
  #turn = 0; // counts the films, so that a slow answer for an earlier one is dropped

  // key: the API key, or null. onChange(): something was done, look again.
  constructor(key, { onChange }) {
    this.#key = key;
    this.#onChange = onChange;
  }

  get id() { return this.#film?.id ?? null; }

  async show(film) {
    this.close();
    this.#film = film;
    this.#segment = 1;
    this.#draw();
    byId('player').hidden = false;
    byId('player-title').focus();
    byId('player').scrollIntoView({ block: 'nearest' });
    await this.#load();
  }

  // The same recording, as it is now. A player that plays is left alone.
  refresh(film) {
    const before = this.#film;
    this.#film = film;
    this.#draw();
    if (filmIsOpen(before) && film.state !== before.state) this.#load();
  }

  close() {
    this.#turn += 1;
    this.#media?.pause();
    this.#media?.removeAttribute('src');
    this.#media?.load();
    this.#media = null;
    this.#film = null;
    this.#drawn = '';
    for (const release of this.#releases.splice(0)) release();
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
    if (this.#key && !filmHasTicket(film)) return this.#door('Download', 'download', 'recording-download', () => this.#downloadWhole(name));
    return build('a', { class: 'button small', 'data-testid': 'recording-download', href: filmMedia(film, { segment: this.#segment, isDownload: true }), download: name }, icon('download'), 'Download');
  }

  async #load() {
    const film = this.#film;
    const stage = byId('player-stage');
    if (filmIsOpen(film)) {
      const words = filmIsRunning(film) ? 'It is still being recorded. It can be played when it has ended.' : 'Finishing… It can be played in a moment.';
      stage.replaceChildren(build('p', { class: 'player-note', role: 'status' }, icon('record'), words));
      return;
    }
    const turn = this.#turn;
    try {
      const source = await this.#source();
      if (turn !== this.#turn) return;
      if (source) await this.#play(source, turn);
    } catch (error) {
      if (turn !== this.#turn) return;
      stage.replaceChildren(build('p', { class: 'player-note' }, icon('warning'), error.message));
      if (error.status == null) reportError(error);
    }
  }

  // Where the player takes the media from. A sign-in's cookie, or a ticket in the address, opens it part by part; the
  // key goes into a header, which players do not send: then small files are taken whole, and large ones not at all.
  async #source() {
    const film = this.#film;
    const url = filmMedia(film, { segment: this.#segment });
    if (!this.#key || filmHasTicket(film)) return url;
    const stage = byId('player-stage');
    if (film.bytes > WHOLE_BYTES_MAX) {
      stage.replaceChildren(build('p', { class: 'player-note' }, icon('info'),
        `With the key alone, files of up to ${sizeWords(WHOLE_BYTES_MAX)} can be played here. Sign in as the owner of the room, or download it with a program.`));
      return null;
    }
    stage.replaceChildren(build('p', { class: 'player-note', role: 'status' }, 'Loading…'));
    return this.#takeWhole();
  }

  async #takeWhole() {
    const turn = this.#turn;
    const path = filmMedia(this.#film, { segment: this.#segment }).replace(/^\/api\/v1/, '');
    const answer = await apiFetch('GET', path, { key: this.#key, accept: '*/*' });
    const url = URL.createObjectURL(await answer.blob());
    if (turn === this.#turn) this.#releases.push(() => URL.revokeObjectURL(url));
    else URL.revokeObjectURL(url);
    return url;
  }

  async #play(source, turn) {
    const film = this.#film;
    const media = build(filmIsSound(film) ? 'audio' : 'video', { class: 'player-media', 'data-testid': 'media', controls: true, playsinline: true, preload: 'metadata', 'aria-label': filmTitle(film) });
    media.addEventListener('error', () => this.#onError(media));
    media.addEventListener('ended', () => this.#goToPart(this.#segment + 1, true));
    this.#media = media;
    byId('player-stage').replaceChildren(media);
    byId('player-stage').classList.toggle('is-sound', filmIsSound(film));
    if (film.poster && !filmIsSound(film)) this.#file('poster.jpg').then((url) => { if (this.#media === media && url) media.poster = url; });
    media.src = source;
    await Promise.all(TRACKS.map((track) => this.#addTrack(media, track, turn)));
  }

  // Its URL, or null: there is none.
  async #file(name) {
    try {
      const { url, release } = await filmFile(this.#film, name, this.#key);
      this.#releases.push(release);
      return url;
    } catch {
      return null;
    }
  }

  async #addTrack(media, [name, kind, label], turn) {
    const url = await this.#file(name);
    if (!url || turn !== this.#turn) return;
    const element = build('track', { kind, label, srclang: 'en', src: url });
    element.addEventListener('load', () => { if (turn === this.#turn) this.#listCues(kind, element.track); });
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

  async #goToPart(segment, isPlaying) {
    if (segment > this.#film.segments || segment < 1 || !this.#media) return;
    this.#segment = segment;
    this.#draw();
    const turn = this.#turn;
    const media = this.#media;
    const source = await this.#source().catch((error) => { toast(error.message, { kind: 'error' }); return null; });
    if (!source || turn !== this.#turn) return;
    byId('player-stage').replaceChildren(media);
    media.src = source;
    if (isPlaying) media.play().catch(() => {});
  }

  #onError(media) {
    if (media !== this.#media || !media.error || !media.getAttribute('src')) return;
    const { code, message } = media.error;
    byId('player-stage').replaceChildren(build('p', { class: 'player-note', title: `${code} ${message}` }, icon('warning'),
      code === MediaError.MEDIA_ERR_SRC_NOT_SUPPORTED ? 'This browser cannot play this kind of file, or the server did not give it. Download it and try another player.'
        : 'It could not be played any further.'));
  }

  async #downloadWhole(name) {
    if (this.#film.bytes > WHOLE_BYTES_MAX) {
      toast(`With the key alone, files of up to ${sizeWords(WHOLE_BYTES_MAX)} can be taken from here.`, { kind: 'error' });
      return;
    }
    try {
      const url = this.#media?.src?.startsWith('blob:') ? this.#media.src : await this.#takeWhole();
      const link = build('a', { href: url, download: name, hidden: true });
      document.body.append(link);
      link.click();
      link.remove();
    } catch (error) {
      toast(error.message, { kind: 'error' });
    }
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

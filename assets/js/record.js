// SPDX-License-Identifier: MIT
// Recording the call: the badge that everybody sees, the button, the dialog to start, pause and stop. The server
// decides and tells everybody; nothing is shown here before it has.
import { ask } from './ask.js';
import { build, byId, icon } from './dom.js';
import { RECORDING_NONE, recordingSeconds } from './recording.js';
import { sizeWords } from './size.js';
import { toast } from './toast.js';
import { whenClock } from './when.js';
import { wordsForRecordingEnd, wordsForRefusal, WORDS_NOT_ALLOWED } from './words.js';

const EVERY_MS = 1000;
// container: [label, what is to be known of it]
const CONTAINERS = {
  webm: ['WebM', 'Plays in every current browser. Costs the server nothing but disk.'],
  mkv: ['Matroska', 'For VLC and for editing. Costs the server nothing but disk.'],
  mp4: ['MP4', 'For programs and devices that know nothing else. Encoded anew: about a third of a processor core more.'],
  ogg: ['Ogg', 'The sound alone, in the smallest file.'],
};

export class Record {
  #session;
  #onLook;
  #timer;
  #asked = false; // something was ordered from the dialog, and not answered yet
  #rows = '';

  // Borrows the session. onLook(look): how the control in the dock is to look.
  constructor(session, onLook) {
    this.#session = session;
    this.#onLook = onLook;
    byId('record-container').replaceChildren(...Object.entries(CONTAINERS).map(([value, [label]]) => build('option', { value }, label)));
    byId('record-container').addEventListener('change', () => this.#drawForm());
    byId('record-form').addEventListener('submit', (event) => { event.preventDefault(); this.#start(); });
    session.on('recording', ({ before }) => this.#onRecording(before));
    session.on('rights', () => this.#draw());
    session.on('refused', ({ code, message }) => this.#onRefused(code, message));
    this.#timer = setInterval(() => this.#drawTimes(), EVERY_MS);
    this.#drawForm();
    this.#onRecording(RECORDING_NONE);
  }

  close() {
    clearInterval(this.#timer);
  }

  open() {
    if (!this.#session.can('record')) {
      toast(WORDS_NOT_ALLOWED.record, { kind: 'error' });
      return;
    }
    byId('record-error').textContent = '';
    byId('record-library').hidden = !this.#session.isOwner;
    this.#draw();
    byId('record-dialog').showModal();
    (byId('record-runs').querySelector('button') ?? byId('record-form').querySelector('[type="submit"]')).focus();
  }

  // It is told every second. Said once: when it begins (also to who comes in later), and when it ends.
  #onRecording(before) {
    const { state, recordings, ended } = this.#session.recording;
    if (before.state !== state || ended.length || recordings.length !== before.recordings.length) this.#onChange(before, state, ended);
    this.#draw();
  }

  #onChange(before, state, ended) {
    const isMine = this.#asked;
    this.#asked = false;
    byId('record-error').textContent = '';
    if (before.state === 'stopped' && state !== 'stopped') this.#say('This call is being recorded.', 'record');
    else if (before.state !== state && state !== 'stopped') this.#say(state === 'paused' ? 'The recording pauses.' : 'The recording goes on.', state === 'paused' ? 'pause' : 'record');
    for (const each of ended) this.#sayEnd(each, state);
    if (before.state !== 'stopped' && state === 'stopped' && !ended.length) this.#say('The recording was stopped.', 'stop');
    const isOver = before.state !== state && (before.state === 'stopped' || state === 'stopped');
    if (isMine && isOver && byId('record-dialog').open) byId('record-dialog').close();
  }

  #say(words, iconName) {
    toast(words, { iconName, topic: 'recording' });
  }

  #sayEnd(each, state) {
    const { words, isFailure } = wordsForRecordingEnd(each);
    if (!isFailure && state !== 'stopped') return; // another one goes on: for who ordered it the dialog shows it
    const show = { label: 'Show', run: () => open(`/recordings#${encodeURIComponent(each.id)}`, '_blank', 'noopener') };
    toast(words, { kind: isFailure ? 'error' : 'info', iconName: isFailure ? null : 'stop', topic: 'recording', action: this.#session.isOwner ? show : null });
  }

  #draw() {
    const { state, recordings } = this.#session.recording;
    const isOn = state !== 'stopped';
    byId('recording').hidden = !isOn;
    byId('recording').classList.toggle('is-paused', state === 'paused');
    byId('recording-words').textContent = state === 'paused' ? 'Recording paused' : 'Recording';
    this.#onLook({ state: state === 'recording' ? 'recording' : null, words: isOn ? 'Recording: pause, stop' : 'Record' });
    byId('record-another').hidden = !recordings.length;
    byId('record-go').textContent = recordings.length ? 'Record this too' : 'Start recording';
    if (!this.#session.can('record') && byId('record-dialog').open) byId('record-dialog').close();
    this.#drawRuns(recordings);
    this.#drawTimes();
  }

  // Anew only when something else than the figures has changed, so that a button under the finger stays.
  #drawRuns(recordings) {
    const rows = JSON.stringify(recordings.map(({ id, state, container, title }) => [id, state, container, title]));
    if (rows === this.#rows) return;
    this.#rows = rows;
    byId('record-runs').replaceChildren(...recordings.map((each) => this.#buildRun(each)));
  }

  #buildRun({ id, state, container, title, audio_only: isSound }) {
    const isPaused = state === 'paused';
    const label = [CONTAINERS[container]?.[0] ?? container, isSound ? 'sound only' : null].filter(Boolean).join(', ');
    const change = build('button', { type: 'button', class: 'icon-button small', 'data-testid': 'record-pause', 'aria-label': isPaused ? 'Go on recording' : 'Pause the recording', title: isPaused ? 'Go on' : 'Pause' }, icon(isPaused ? 'play' : 'pause'));
    const stop = build('button', { type: 'button', class: 'icon-button small', 'data-testid': 'record-stop', 'aria-label': 'Stop the recording', title: 'Stop' }, icon('stop'));
    change.addEventListener('click', () => this.#change(id, isPaused ? 'recording' : 'paused'));
    stop.addEventListener('click', () => this.#stop(id));
    return build('li', { class: `run is-${state}`, 'data-recording': id, 'data-state': state }, build('i', { class: 'run-dot', 'aria-hidden': 'true' }),
      build('span', { class: 'run-words' }, build('b', { dir: 'auto' }, title || (isPaused ? 'Paused' : 'Recording')), build('small', { 'data-figures': label }, label)),
      build('span', { class: 'run-doors' }, change, stop));
  }

  #drawTimes() {
    const { recordings, read_ms: read } = this.#session.recording;
    const longest = Math.max(0, ...recordings.map((each) => recordingSeconds(each, read)));
    byId('recording-time').textContent = recordings.length ? whenClock(longest) : '';
    for (const row of byId('record-runs').children) {
      const each = recordings.find(({ id }) => id === row.dataset.recording);
      const figures = row.querySelector('[data-figures]');
      if (each) figures.textContent = [whenClock(recordingSeconds(each, read)), sizeWords(each.bytes), figures.dataset.figures, recordGaps(each)].filter(Boolean).join(' · ');
    }
  }

  #drawForm() {
    const container = byId('record-container').value;
    const isSound = container === 'ogg';
    byId('record-costs').textContent = CONTAINERS[container][1];
    byId('record-audio-only').disabled = isSound;
    if (isSound) byId('record-audio-only').checked = true;
  }

  #start() {
    const title = byId('record-name').value.trim();
    this.#order({
      type: 'start-recording', container: byId('record-container').value, audio_only: byId('record-audio-only').checked, ...(title ? { title } : {}),
    });
  }

  #change(id, state) {
    this.#order({ type: 'change-recording', id, state });
  }

  async #stop(id) {
    if (await ask({ title: 'Stop the recording?', words: 'What was recorded is kept. It cannot go on in the same file.', yes: 'Stop', no: 'Go on' })) this.#change(id, 'stopped');
  }

  #order(message) {
    byId('record-error').textContent = '';
    this.#asked = this.#session.order(message);
    if (!this.#asked) byId('record-error').textContent = 'Not done: the connection is just being restored.';
  }

  // The call says it in a toast; that lies under the dialog.
  #onRefused(code, message) {
    if (!this.#asked || !byId('record-dialog').open) return;
    this.#asked = false;
    byId('record-error').textContent = wordsForRefusal(code, message);
  }
}

// The server's disk was too slow: something is missing in the file.
function recordGaps({ gaps }) {
  return gaps > 0 ? `${gaps} ${gaps === 1 ? 'gap' : 'gaps'}` : null;
}

// SPDX-License-Identifier: MIT
// The lobby: see and hear oneself, choose devices, say a name, come in.
import { avatarHue, build, byId, icon, initials } from './dom.js';
import { devicesInit } from './devices.js';
import { Meter } from './meter.js';
import { storageGet, storageSet } from './storage.js';
import { wordsForLack, wordsForProblem } from './words.js';

export class Lobby {
  #media;
  #meter = new Meter(byId('meter'));
  #onJoin;
  #refusal = null;

  // onJoin(name) when the person asks to come in.
  constructor({ room, name, media, isWatching = false, onJoin }) {
    this.#media = media;
    this.#onJoin = onJoin;
    byId('lobby-room').textContent = room;
    byId('lobby').classList.toggle('is-watching', isWatching);
    if (isWatching) byId('lobby-eyebrow').textContent = 'You are about to watch';
    byId('name').value = name || storageGet('name') || '';
    devicesInit(byId('lobby-devices'), media);
    byId('lobby-mic').addEventListener('click', () => media.setMicrophone(!(media.microphone.isWanted && media.microphone.track)));
    byId('lobby-camera').addEventListener('click', () => media.setCamera(!media.camera.track));
    byId('lobby-form').addEventListener('submit', (event) => this.#submit(event));
    byId('name').addEventListener('input', () => { this.#complain(''); this.#draw(); });
    media.on('change', this.#draw);
  }

  // refusal: a sentence to begin with, after the server said no.
  open(refusal = null, field = null) {
    byId('lobby').hidden = false;
    this.#refusal = field === 'name' ? null : refusal;
    if (field === 'name') this.#complain(refusal);
    byId('join').disabled = false;
    byId('join').textContent = 'Join';
    this.#draw();
    if (!byId('name').value || field === 'name') byId('name').focus();
    else if (matchMedia('(hover: hover)').matches) byId('join').focus({ preventScroll: true });
  }

  // A name for who has not typed one.
  suggest(name) {
    if (!name || byId('name').value) return;
    byId('name').value = name;
    this.#draw();
  }

  close() {
    byId('lobby').hidden = true;
    byId('preview').srcObject = null;
    this.#meter.listen(null);
  }

  #submit(event) {
    event.preventDefault();
    const name = byId('name').value.trim().replace(/\s+/g, ' ');
    if (!name) {
      this.#complain('Type the name that others shall see.');
      byId('name').focus();
      return;
    }
    storageSet('name', name);
    byId('join').disabled = true;
    byId('join').textContent = 'Joining…';
    this.#onJoin(name);
  }

  #complain(words) {
    byId('name-error').textContent = words ?? '';
    byId('name').setAttribute('aria-invalid', words ? 'true' : 'false');
  }

  #draw = () => {
    if (byId('lobby').hidden) return;
    const { camera, microphone } = this.#media;
    this.#drawPreview(camera);
    lobbySwitch('lobby-mic', 'mic', microphone.track && microphone.isWanted, 'microphone');
    lobbySwitch('lobby-camera', 'camera', camera.track, 'camera');
    this.#meter.listen(microphone.track);
    byId('meter-words').textContent = !microphone.track ? 'No microphone'
      : microphone.isWanted ? 'Microphone level' : 'Microphone is off';
    byId('notices').replaceChildren(...this.#notices());
  };

  #drawPreview(camera) {
    const video = byId('preview');
    const shown = video.srcObject?.getVideoTracks()[0] ?? null;
    if (shown !== camera.track) video.srcObject = camera.track ? new MediaStream([camera.track]) : null;
    video.hidden = !camera.track;
    video.classList.toggle('is-mirrored', this.#media.isMirrored);
    const name = byId('name').value.trim();
    byId('preview-empty').hidden = Boolean(camera.track);
    byId('preview-avatar').textContent = initials(name);
    byId('preview-avatar').dataset.hue = avatarHue(name);
    byId('preview-words').textContent = !this.#media.isSettled ? 'Waiting for your camera and microphone…'
      : camera.problem ? 'No camera picture' : 'Your camera is off';
  }

  #notices() {
    const notices = [];
    if (this.#refusal) notices.push(lobbyNotice(this.#refusal, null, true));
    if (!this.#media.isSettled || byId('lobby').classList.contains('is-watching')) return notices;
    const { camera, microphone } = this.#media;
    const lacks = { camera: camera.isWanted && !camera.track, microphone: !microphone.track };
    const isSame = lacks.camera && lacks.microphone && camera.problem === microphone.problem;
    for (const device of isSame ? ['both'] : ['camera', 'microphone']) {
      const { problem } = this.#media[device === 'both' ? 'camera' : device];
      if (device !== 'both' && !lacks[device] || !problem) continue;
      const isFinal = ['none', 'insecure', 'unsupported'].includes(problem);
      notices.push(lobbyNotice(wordsForProblem(device, problem), isFinal ? null : () => this.#media.retry(device)));
    }
    const lack = notices.at(-1);
    if (lack && (lacks.camera || lacks.microphone)) {
      lack.querySelector('span').append(` ${wordsForLack(!lacks.camera, !lacks.microphone)}`);
    }
    return notices;
  }
}

function lobbyNotice(words, retry, isRefusal = false) {
  const text = build('div', {}, build('span', {}, words));
  if (retry) {
    const button = build('button', { type: 'button', 'data-testid': 'retry-device' }, 'Try again');
    button.addEventListener('click', retry);
    text.append(build('br'), button);
  }
  return build('li', { class: isRefusal ? 'is-refusal' : '' }, icon(isRefusal ? 'warning' : 'info'), text);
}

function lobbySwitch(id, iconName, isOn, words) {
  const button = byId(id);
  button.setAttribute('aria-pressed', isOn ? 'true' : 'false');
  button.setAttribute('aria-label', isOn ? `Turn off ${words}` : `Turn on ${words}`);
  button.replaceChildren(icon(isOn ? iconName : `${iconName}-off`));
}

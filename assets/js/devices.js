// SPDX-License-Identifier: MIT
// The pickers of camera, microphone and loudspeaker: the same in the lobby and in the call.
import { build } from './dom.js';
import { storageGet, storageSet } from './storage.js';
import { toast } from './toast.js';
import { wordsForProblem } from './words.js';

const PICKERS = [
  { device: 'camera', kind: 'videoinput', label: 'Camera', none: 'No camera', test: 'camera-select' },
  { device: 'microphone', kind: 'audioinput', label: 'Microphone', none: 'No microphone', test: 'mic-select' },
  { device: 'speaker', kind: 'audiooutput', label: 'Loudspeaker', none: 'The usual one', test: 'speaker-select' },
];

const canChooseSpeaker = () => 'setSinkId' in HTMLMediaElement.prototype;

// Fills box and keeps it current. prefix keeps ids and test ids of two sets apart. onSpeaker(deviceId).
export function devicesInit(box, media, { prefix = '', onSpeaker = () => {} } = {}) {
  const pickers = PICKERS.filter(({ device }) => device !== 'speaker' || canChooseSpeaker());
  for (const picker of pickers) box.append(devicesPicker(picker, media, prefix, onSpeaker));
  const refresh = () => pickers.forEach((picker) => devicesFill(picker, media, prefix));
  media.on('devices', refresh);
  media.on('change', refresh);
  refresh();
}

function devicesPicker({ device, label, test }, media, prefix, onSpeaker) {
  const id = `${prefix}${test}`;
  const select = build('select', { class: 'field', id, 'data-testid': id });
  select.addEventListener('change', async () => {
    if (device === 'speaker') {
      storageSet('speaker', select.value);
      onSpeaker(select.value);
      return;
    }
    const problem = await media.choose(device, select.value);
    if (problem) toast(wordsForProblem(device, problem), { kind: 'error' });
  });
  return build('div', { class: 'device' }, build('label', { for: id }, label), select);
}

function devicesFill({ device, kind, label, none, test }, media, prefix) {
  const select = document.getElementById(`${prefix}${test}`);
  const found = media.devices.filter((entry) => entry.kind === kind && entry.deviceId);
  const options = found.map((entry, at) => build('option', { value: entry.deviceId }, entry.label || `${label} ${at + 1}`));
  select.replaceChildren(...(options.length ? options : [build('option', { value: '' }, none)]));
  select.disabled = !options.length;
  const current = device === 'speaker' ? storageGet('speaker')
    : media[device].track?.getSettings?.().deviceId ?? media[device].deviceId;
  if (found.some((entry) => entry.deviceId === current)) select.value = current;
}

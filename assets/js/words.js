// SPDX-License-Identifier: MIT
// Plain words for everything that can be refused or go wrong. One place, so that they stay of one voice.

// How a call ended: {title, words, again}. again is the label of the button, or null for none.
const ENDINGS = {
  left: ['You left the room', 'You can go back in at any time.', 'Join again'],
  kicked: ['You were removed', 'Someone who runs this room has taken you out of it.', null],
  'room-closed': ['The room was closed', 'The meeting has been ended for everyone.', null],
  'server-shutdown': ['The server is going down', 'It said goodbye to everybody. It may be back in a moment.', 'Try again'],
  empty: ['The room was closed', 'Nobody was left in it.', 'Join again'],
  'lobby-refused': ['You were not let in', 'Someone who runs this room has answered no.', null],
  'lobby-full': ['Too many people wait already', 'Try again in a while.', 'Try again'],
  'room-locked': ['This room is locked', 'Nobody else can come in just now. Ask someone inside to unlock it.', 'Try again'],
  'room-expired': ['This room’s time is over', 'It was made for a time that has passed.', null],
  'sign-in-required': ['This room wants you to sign in', 'Guests cannot come in here.', 'Try again'],
  'token-bad': ['This link does not work', 'It was not copied whole, or it is not for this room. Ask for a new one.', 'Join without it'],
  'token-expired': ['This link has run out', 'It was good for some time only. Ask for a new one.', 'Join without it'],
  'token-early': ['This link does not work yet', 'It is for later. Come back at the time of the meeting.', 'Try again'],
  'token-used': ['This link was used already', 'It lets one person in, once. Ask for a new one.', 'Join without it'],
  replaced: ['You joined somewhere else', 'This place in the room was taken over by another window of yours.', 'Join here instead'],
  'room-full': ['This room is full', 'Nobody else fits in just now. Try again when someone has left.', 'Try again'],
  'server-full': ['The server is full', 'It cannot take anybody else just now. Try again in a while.', 'Try again'],
  'rooms-limit': ['The server is full', 'It holds as many rooms as it may. Try again in a while.', 'Try again'],
  'room-not-found': ['There is no such room', 'Rooms on this server are made in advance. Check the link with whoever sent it.', 'Try again'],
  banned: ['You cannot come in', 'This room does not let you in.', null],
  'rate-limited': ['Too many tries', 'This came too often from your address. Wait a few seconds.', 'Try again'],
  'bad-room': ['This is not a room', 'A room’s name has 1 to 63 letters, digits, hyphens or underscores.', null],
  unsupported: ['This browser cannot take part', 'It lacks WebRTC. A current Chrome, Edge, Firefox or Safari can.', null],
  unreachable: ['The server cannot be reached', 'Check your connection. Perhaps the server is down.', 'Try again'],
  'media-failed': ['No picture could be agreed on', 'Your browser and the server found no way to exchange video and sound.', 'Try again'],
};

export function wordsForEnding(code, message) {
  const [title, words, again] = ENDINGS[code] ?? ['You cannot come in', message || 'The server said no.', 'Try again'];
  return { title, words: code in ENDINGS ? words : message || words, again };
}

// A refusal while in the call, or of a field in the lobby.
const REFUSALS = {
  'rate-limited': 'That was a little too fast. Wait a moment and try again.',
  'too-large': 'That is too long to send.',
  'too-many-recordings': 'As many recordings as are allowed run in this room already.',
  'too-many-broadcasts': 'As many broadcasts as are allowed run in this room already.',
  'disk-full': 'The server’s disk is too full to record.',
  'unknown-type': 'The server is older than this page and does not know how to do that.',
};

export function wordsForRefusal(code, message) {
  return REFUSALS[code] ?? (message || 'The server refused that.');
}

// Why a control does nothing here.
export const WORDS_NOT_ALLOWED = {
  moderator: 'Only a moderator of this room can do that.',
  speak: 'You may not speak in this room. A moderator can change that.',
  camera: 'You may not show your camera in this room. A moderator can change that.',
  screen: 'You may not share your screen in this room. A moderator can change that.',
  chat: 'You may not write in this room. A moderator can change that.',
  react: 'You may not react or raise your hand in this room. A moderator can change that.',
  record: 'You may not record in this room. A moderator can.',
};

export const WORDS_OBEYED = {
  audio_muted: 'A moderator muted you. You can turn your microphone on again.',
  video_muted: 'A moderator turned your camera off. You can turn it on again.',
};

// Why a recording ended, after "The recording was stopped": null for what needs no reason.
const RECORDING_ENDS = {
  'disk-full': 'The recording was stopped: the server’s disk is full. What was recorded until now is kept.',
  'write-error': 'The recording was stopped: the server could not write it. What was recorded until now is kept.',
  'server-shutdown': 'The recording was stopped: the server is going down. It is kept.',
};

export function wordsForRecordingEnd({ reason, state } = {}) {
  const unexpected = state === 'failed' ? RECORDING_ENDS['write-error'] : null;
  const words = RECORDING_ENDS[reason] ?? unexpected;
  return { words: words ?? 'The recording was stopped.', isFailure: Boolean(words) };
}

// How a recording came to its end, on its card; null: as it should.
export function wordsForRecordingFault({ reason, state }) {
  if (state === 'recovered') return 'Recovered after the server had broken off';
  if (reason === 'disk-full') return 'Ended early: the disk was full';
  if (state === 'failed' || reason === 'write-error') return 'Ended early: it could not be written';
  return null;
}

const DEVICES = { camera: 'camera', microphone: 'microphone', screen: 'screen', both: 'camera and microphone' };

// Why a camera or microphone is not there. problem: as media.js names it.
export function wordsForProblem(device, problem) {
  const what = DEVICES[device];
  switch (problem) {
    case 'denied': return `Your browser does not let this page use the ${what}. Allow it beside the address, then try again.`;
    case 'dismissed': return `The question about the ${what} was closed. Try again and choose “Allow”.`;
    case 'system-denied': return `Your computer does not let the browser use the ${what}. Allow it in the system’s privacy settings.`;
    case 'none': return device === 'both' ? 'Neither a camera nor a microphone was found on this device.' : `No ${what} was found on this device.`;
    case 'busy': return `Your ${what} cannot be used: another program may hold ${device === 'both' ? 'them' : 'it'}. Close that and try again.`;
    case 'gone': return `Your ${what} got disconnected.`;
    case 'insecure': return `Browsers allow a ${what} only on https pages. Open this page with https.`;
    case 'unsupported': return `This browser cannot use a ${what} here.`;
    default: return `Your ${what} could not be started.`;
  }
}

// What that means for the call, said in the lobby.
export function wordsForLack(hasCamera, hasMicrophone) {
  if (!hasCamera && !hasMicrophone) return 'You can still join: you will see and hear everyone, and can write in the chat.';
  if (!hasCamera) return 'You can join without: others will hear you and see your name.';
  return 'You can join without: others will see you, and you can write in the chat.';
}

// SPDX-License-Identifier: MIT
// What the server says of the recordings of a call, as the page keeps it. Pure.

const STATES = new Set(['recording', 'paused']);
const STATE_NAMES = new Set(['recording', 'paused', 'stopped']);

// state: 'recording', 'paused' or 'stopped', of all together. recordings: those that run. ended: those that no
// longer do, as far as they were told. read_ms: when.
export const RECORDING_NONE = Object.freeze({ state: 'stopped', recordings: [], ended: [], read_ms: 0 });

// message: a `recording`, or what `joined` holds of it; before: what was known. Returns before when it says nothing.
export function recordingRead({ state, recordings, reason }, before, now_ms = Date.now()) {
  const isList = Array.isArray(recordings);
  if (!isList && !STATE_NAMES.has(state)) return before;
  const given = isList ? recordings.filter((each) => each && typeof each === 'object' && each.id) : before.recordings;
  const all = state === 'stopped' && !isList ? [] : given;
  const running = all.filter((each) => STATES.has(each.state));
  const ids = new Set(running.map((each) => each.id));
  const told = new Map(all.map((each) => [each.id, each]));
  const ended = before.recordings.filter((each) => !ids.has(each.id)).map((each) => ({ reason, ...each, state: 'stopped', ...told.get(each.id) }));
  return { state: STATE_NAMES.has(state) ? state : recordingState(running), recordings: running, ended, read_ms: now_ms };
}

function recordingState(running) {
  if (running.some((each) => each.state === 'recording')) return 'recording';
  return running.length ? 'paused' : 'stopped';
}

// How long a recording is by now: what was told, and what has passed since unless it pauses.
export function recordingSeconds(each, read_ms, now_ms = Date.now()) {
  const passed = each.state === 'recording' ? Math.max(0, now_ms - read_ms) / 1000 : 0;
  return (each.duration_seconds ?? 0) + passed;
}

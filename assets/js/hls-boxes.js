// SPDX-License-Identifier: MIT
// The few boxes of fragmented MP4 (ISO/IEC 14496-12) that a player has to look into: which codecs an init segment
// announces, and at what time a segment begins. Pure; what is broken yields null, never an endless loop.

const CONTAINERS = new Set(['moov', 'trak', 'mdia', 'minf', 'stbl', 'moof', 'traf']);
const DEPTH_MAX = 8;

const hex = (value) => value.toString(16).padStart(2, '0');
const nameAt = (view, at) => String.fromCharCode(view.getUint8(at), view.getUint8(at + 1), view.getUint8(at + 2), view.getUint8(at + 3));

// Calls visit(name, begin, end) for each box within; begin and end of what is in it.
function walk(view, begin, end, visit, depth = 0) {
  let at = begin;
  while (at + 8 <= end) {
    const name = nameAt(view, at + 4);
    let [size, head] = [view.getUint32(at), 8];
    if (size === 0) size = end - at;
    else if (size === 1 && at + 16 <= end) [size, head] = [Number(view.getBigUint64(at + 8)), 16];
    if (size < head || at + size > end) return;
    visit(name, at + head, at + size);
    if (CONTAINERS.has(name) && depth < DEPTH_MAX) walk(view, at + head, at + size, visit, depth + 1);
    at += size;
  }
}

// "video/mp4; codecs=..." of an init segment, with each track's time scale: {type, scales: Map}; null: not to be read.
export function hlsReadInit(buffer) {
  const view = new DataView(buffer);
  const codecs = [];
  const scales = new Map();
  let track = 0;
  let hasVideo = false;
  walk(view, 0, view.byteLength, (name, begin, end) => {
    if (name === 'tkhd') track = readId(view, begin, end);
    else if (name === 'mdhd') scales.set(track, readScale(view, begin, end));
    else if (name === 'stsd' && begin + 16 <= end) {
      const kind = nameAt(view, begin + 12);
      hasVideo ||= /^(avc|hvc|hev|vp|av)/.test(kind);
      codecs.push(readCodec(view, kind, begin + 16, end));
    }
  });
  if (!codecs.length || codecs.some((codec) => !codec)) return null;
  return { type: `${hasVideo ? 'video' : 'audio'}/mp4; codecs="${codecs.join(', ')}"`, scales };
}

function readId(view, begin, end) {
  if (begin >= end) return 0;
  const at = begin + (view.getUint8(begin) === 1 ? 20 : 12);
  return at + 4 <= end ? view.getUint32(at) : 0;
}

function readScale(view, begin, end) {
  if (begin >= end) return 0;
  const at = begin + (view.getUint8(begin) === 1 ? 20 : 12);
  return at + 4 <= end ? view.getUint32(at) : 0;
}

// Within a sample entry the codec's own box follows after 78 bytes of picture, or 28 of sound.
function readCodec(view, kind, begin, end) {
  if (kind === 'Opus') return 'opus';
  if (kind === 'mp4a') return 'mp4a.40.2';
  if (kind === 'fLaC') return 'flac';
  let codec = null;
  walk(view, begin + 78, end, (name, at, until) => {
    if (name === 'avcC' && at + 4 <= until) codec = `${kind}.${[1, 2, 3].map((i) => hex(view.getUint8(at + i))).join('')}`;
    if (name === 'vpcC' && at + 7 <= until) codec = readVp(view, kind, at);
  });
  return codec;
}

// Some writers leave the level at 0, which no browser takes: then 3.1, up to 720p.
function readVp(view, kind, at) {
  const two = (value) => String(value).padStart(2, '0');
  return `${kind}.${two(view.getUint8(at + 4))}.${two(view.getUint8(at + 5) || 31)}.${two(view.getUint8(at + 6) >> 4)}`;
}

// Seconds at which a media segment begins, by its earliest track; null: it does not say.
export function hlsReadStart(buffer, scales) {
  const view = new DataView(buffer);
  let track = 0;
  let start = null;
  walk(view, 0, view.byteLength, (name, begin, end) => {
    if (name === 'tfhd' && begin + 8 <= end) track = view.getUint32(begin + 4);
    if (name !== 'tfdt' || begin + 8 > end) return;
    const isLong = view.getUint8(begin) === 1 && begin + 12 <= end;
    const ticks = isLong ? Number(view.getBigUint64(begin + 4)) : view.getUint32(begin + 4);
    const seconds = ticks / (scales.get(track) || 1);
    if (start === null || seconds < start) start = seconds;
  });
  return start;
}

// SPDX-License-Identifier: MIT
// From the server's `stats` to words: why the picture is as it is, and whether the link is at fault. Pure.

const LOSS_FELT = 0.03; // from here on people notice
const DELAY_FELT_MS = 350;
const QUEUE_FELT_MS = 200;
const JITTER_FELT_MS = 100; // what is evened out below that, nobody hears

const REASONS = {
  start: 'Not measured yet', link: 'Your download speed', loss: 'Lost packets', wish: 'Your choice', ceiling: 'The room’s limit',
};
const RATES = { 3: 'full rate', 2: 'half rate', 1: 'quarter rate' };

export const QUALITY = { fair: 'fair connection', poor: 'poor connection' }; // a good one needs no mark

export const linkReason = (link) => REASONS[link?.down.reason] ?? null;

// Sound alone by one's own choice is no fault of the link.
export const linkIsPoor = (link) => link?.quality === 'poor'
  || (link?.quality === 'audio-only' && (link.down.reason === 'link' || link.down.reason === 'loss'));

// "640 × 360, full rate"
export function linkTier(link) {
  if (!link) return null;
  const { video, width, height, layers } = link.down;
  if (!video) return 'Sound only';
  return [width > 0 && height > 0 ? `${width} × ${height}` : null, RATES[layers]].filter(Boolean).join(', ') || null;
}

// Why there is no picture: 'saver', 'room', 'link', 'turning-on' (asked for, not there yet), or null: there is one.
export function linkPause(link, receive) {
  if (receive === 'audio') return 'saver';
  if (link?.down.video !== false) return null;
  if (link.down.receive === 'audio') return 'turning-on'; // told before the server heard of the change
  return link.down.reason === 'ceiling' ? 'room' : 'link';
}

// What is wrong with the link, the worst first; none if it is not the link's fault.
export function linkTroubles(link) {
  return link ? [...linkDownTroubles(link.down), ...linkUpTroubles(link.up)] : [];
}

const percent = (part) => `${Math.max(1, Math.round(part * 100))} %`;

function linkDownTroubles({ video, tier, layers, reason, loss, rtt_ms, queue_ms }) {
  const troubles = [];
  const isReduced = video && (tier > 0 || layers < 3);
  const isByLink = reason === 'link' || reason === 'loss';
  if (!video && isByLink) troubles.push('Your download is too slow for video: sound only.');
  else if (isReduced && reason === 'link') troubles.push('Your download is slow: picture reduced.');
  if (loss >= LOSS_FELT || reason === 'loss') {
    troubles.push(`Your download loses ${percent(loss)} of packets${isReduced && reason === 'loss' ? ': picture reduced' : ''}.`);
  }
  if (queue_ms >= QUEUE_FELT_MS) troubles.push(`Your download is full: packets wait ${Math.round(queue_ms)} ms.`);
  if (rtt_ms >= DELAY_FELT_MS) troubles.push(`The way to the server is long: ${Math.round(rtt_ms)} ms there and back.`);
  return troubles;
}

function linkUpTroubles({ loss, jitter_ms }) {
  const troubles = [];
  if (loss >= LOSS_FELT) troubles.push(`Your upload loses ${percent(loss)} of packets.`);
  if (jitter_ms >= JITTER_FELT_MS) troubles.push('Your upload is uneven: others hear you later.');
  return troubles;
}

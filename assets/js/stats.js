// SPDX-License-Identifier: MIT
// From a getStats() report to the figures that people can read. Pure, but for the memory of the last one.

export class Stats {
  #before = new Map();

  // report: an RTCStatsReport. Rates count from the report before; they are null in the first one.
  read(report) {
    const entries = [...report.values()];
    const find = (type, kind, more = () => true) => entries.find((entry) => entry.type === type && entry.kind === kind && more(entry));
    const isSent = (mid) => (entry) => entry.mid === mid; // the offer's order never changes: 1 camera, 2 screen
    const figures = {
      rtt_ms: this.#roundTrip(entries),
      path: statsPath(report, entries),
      videoIn: this.#stream(report, find('inbound-rtp', 'video'), 'bytesReceived'),
      audioIn: this.#stream(report, find('inbound-rtp', 'audio'), 'bytesReceived'),
      audioOut: this.#stream(report, find('outbound-rtp', 'audio'), 'bytesSent'),
      cameraOut: this.#stream(report, find('outbound-rtp', 'video', isSent('1')), 'bytesSent'),
      screenOut: this.#stream(report, find('outbound-rtp', 'video', isSent('2')), 'bytesSent'),
    };
    figures.lossDown = this.#loss(entries.filter((entry) => entry.type === 'inbound-rtp'));
    figures.lossUp = statsMax(entries.filter((entry) => entry.type === 'remote-inbound-rtp').map((entry) => entry.fractionLost));
    figures.down_kbps = statsSum(figures.videoIn, figures.audioIn);
    figures.up_kbps = statsSum(figures.audioOut, figures.cameraOut, figures.screenOut);
    this.#before = new Map(entries.map((entry) => [entry.id, entry]));
    return figures;
  }

  #roundTrip(entries) {
    const pair = entries.find((entry) => entry.type === 'candidate-pair' && entry.nominated && entry.state === 'succeeded');
    const seconds = pair?.currentRoundTripTime
      ?? statsMax(entries.filter((entry) => entry.type === 'remote-inbound-rtp').map((entry) => entry.roundTripTime));
    return seconds == null ? null : seconds * 1000;
  }

  #stream(report, entry, bytes) {
    if (!entry) return null;
    const before = this.#before.get(entry.id);
    const seconds = before ? (entry.timestamp - before.timestamp) / 1000 : 0;
    const codec = report.get(entry.codecId);
    return {
      kbps: seconds > 0 ? Math.max(0, (entry[bytes] - before[bytes]) * 8 / 1000 / seconds) : null,
      width: entry.frameWidth ?? null,
      height: entry.frameHeight ?? null,
      fps: entry.framesPerSecond ?? null,
      codec: codec?.mimeType?.split('/')[1] ?? null,
      freezes: entry.freezeCount ?? null,
      buffer_ms: statsBuffered(entry, before),
    };
  }

  // The share of packets lost since the report before.
  #loss(entries) {
    let lost = 0;
    let received = 0;
    for (const entry of entries) {
      const before = this.#before.get(entry.id);
      if (!before) return null;
      lost += Math.max(0, entry.packetsLost - before.packetsLost);
      received += entry.packetsReceived - before.packetsReceived;
    }
    return lost + received > 0 ? lost / (lost + received) : null;
  }
}

function statsPath(report, entries) {
  const transport = entries.find((entry) => entry.type === 'transport' && entry.selectedCandidatePairId);
  const pair = transport ? report.get(transport.selectedCandidatePairId)
    : entries.find((entry) => entry.type === 'candidate-pair' && entry.nominated);
  const local = report.get(pair?.localCandidateId);
  if (!local) return null;
  const kinds = { host: 'direct', srflx: 'direct, through NAT', prflx: 'direct, through NAT', relay: 'relayed' };
  return `${kinds[local.candidateType] ?? local.candidateType}, ${(local.protocol ?? 'udp').toUpperCase()}`;
}

// How long what was played since the report before had waited.
function statsBuffered(entry, before) {
  const count = entry.jitterBufferEmittedCount - (before?.jitterBufferEmittedCount ?? 0);
  return count > 0 ? (entry.jitterBufferDelay - (before?.jitterBufferDelay ?? 0)) / count * 1000 : null;
}

function statsMax(values) {
  const known = values.filter((value) => typeof value === 'number');
  return known.length ? Math.max(...known) : null;
}

function statsSum(...streams) {
  const known = streams.map((stream) => stream?.kbps).filter((kbps) => kbps != null);
  return known.length ? known.reduce((sum, kbps) => sum + kbps, 0) : null;
}

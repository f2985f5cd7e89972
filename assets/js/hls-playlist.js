// SPDX-License-Identifier: MIT
// HLS playlists, RFC 8216, as far as a live stream in fragmented MP4 needs it. Pure. A playlist comes from a
// server, perhaps not ours: what is not understood is passed over, and nothing grows without bound.

const SEGMENTS_MAX = 2000;

// Returns {isMaster: true, variants: [{url, bandwidth}]}, or {isMaster: false, target_s, sequence, isEnded, segments:
// [{sequence, url, map, duration_s, isDiscontinuous}]}; null: this is no playlist. url: where it came from.
export function hlsReadPlaylist(text, url) {
  const lines = text.split(/\r?\n/).map((line) => line.trim()).filter(Boolean);
  if (!/^(\ufeff)?#EXTM3U/.test(lines[0] ?? '')) return null;
  return lines.some((line) => line.startsWith('#EXT-X-STREAM-INF')) ? readMaster(lines, url) : readMedia(lines, url);
}

function readMaster(lines, base) {
  const variants = [];
  let bandwidth = null;
  for (const line of lines) {
    if (line.startsWith('#EXT-X-STREAM-INF:')) {
      bandwidth = Number(attribute(line, 'BANDWIDTH')) || 0;
    } else if (!line.startsWith('#') && bandwidth !== null && variants.length < SEGMENTS_MAX) {
      const url = resolve(line, base);
      if (url) variants.push({ url, bandwidth });
      bandwidth = null;
    }
  }
  return { isMaster: true, variants };
}

function readMedia(lines, base) {
  const playlist = { isMaster: false, target_s: 2, sequence: 0, isEnded: false, segments: [] };
  let [map, duration_s, isDiscontinuous] = [null, 0, false];
  for (const line of lines) {
    const [tag, value = ''] = splitTag(line);
    if (tag === '#EXT-X-TARGETDURATION') playlist.target_s = positive(value, 2);
    else if (tag === '#EXT-X-MEDIA-SEQUENCE') playlist.sequence = Math.max(0, Math.floor(Number(value)) || 0);
    else if (tag === '#EXT-X-ENDLIST') playlist.isEnded = true;
    else if (tag === '#EXT-X-DISCONTINUITY') isDiscontinuous = true;
    else if (tag === '#EXT-X-MAP') map = resolve(attribute(line, 'URI') ?? '', base);
    else if (tag === '#EXTINF') duration_s = positive(value.split(',')[0], playlist.target_s);
    else if (!line.startsWith('#') && playlist.segments.length < SEGMENTS_MAX) {
      playlist.segments.push({ sequence: 0, url: resolve(line, base), map, duration_s, isDiscontinuous });
      [duration_s, isDiscontinuous] = [playlist.target_s, false];
    }
  }
  playlist.segments.forEach((segment, i) => { segment.sequence = playlist.sequence + i; });
  return playlist;
}

function splitTag(line) {
  const colon = line.indexOf(':');
  return colon < 0 || !line.startsWith('#') ? [line] : [line.slice(0, colon), line.slice(colon + 1)];
}

function attribute(line, name) {
  const found = new RegExp(`[:,]${name}=(?:"([^"]*)"|([^,]*))`).exec(line);
  return found ? found[1] ?? found[2] : null;
}

function positive(text, otherwise) {
  const value = Number(text);
  return value > 0 && value < 3600 ? value : otherwise;
}

// Only from the server the playlist came from.
function resolve(text, base) {
  try {
    const url = new URL(text, base);
    return text && url.origin === new URL(base).origin ? url.href : null;
  } catch {
    return null;
  }
}

// Where to begin: so far before the newest that it never has to wait. Returns an index.
export function hlsLiveStart({ segments, target_s: target, isEnded }) {
  if (isEnded) return 0;
  let [at, behind_s] = [segments.length, 0];
  while (at > 0 && behind_s < 2.5 * target) {
    at -= 1;
    behind_s += segments[at].duration_s;
  }
  return at;
}

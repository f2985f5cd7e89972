// SPDX-License-Identifier: MIT
// A small player of live HLS in fragmented MP4, for browsers that have none of their own: reads the playlist again
// and again, hands segments to Media Source Extensions, stays near the live edge, keeps little behind it, steps over
// gaps. One stream, one SourceBuffer; no choice of qualities.
//
//   playlist --new segments--> fetch --> append queue --> SourceBuffer --> <video>
//
// Events: 'live' (pictures can be shown), 'gone' (nothing is there: 404), 'ended' (the stream has its end mark, and was
// played), 'broken' reason (this try is over; a new player may do better), 'unsupported' type.
import { Emitter } from './emitter.js';
import { hlsReadInit, hlsReadStart } from './hls-boxes.js';
import { hlsLiveStart, hlsReadPlaylist } from './hls-playlist.js';

const FETCH_MS = 10000;
const BEHIND_S = 20; // kept behind what is shown
const AHEAD_S = 40; // no more is fetched in advance
const CHECK_MS = 250;
const STALL_S = 0.4; // before a gap is stepped over
const FAILURES_MAX = 6; // one after another

export const hlsIsPossible = () => Boolean(window.MediaSource);

export class Hls extends Emitter {
  #video;
  #url;
  #stop = new AbortController();
  #source = new MediaSource();
  #objectUrl = URL.createObjectURL(this.#source);
  #buffer = null;
  #init = null; // {url, scales} of the last one appended
  #next = -1; // sequence number of the segment to come; -1: none yet
  #isLive = false;
  #isClosed = false;
  #target_s = 2;
  #timer;
  #stalled = { at: -1, since_ms: 0 };

  // Borrows the video element, until close(). url: of the playlist.
  constructor(video, url) {
    super();
    this.#video = video;
    this.#url = new URL(url, location.href).href;
    this.#video.src = this.#objectUrl;
    this.#timer = setInterval(() => this.#check(), CHECK_MS);
    this.#video.addEventListener('error', this.#onVideoError);
    this.#run();
  }

  close() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#halt();
    this.#video.removeAttribute('src');
    this.#video.load();
    URL.revokeObjectURL(this.#objectUrl);
  }

  // Seconds between what is shown and the newest that is here.
  get behind_s() {
    const { buffered, currentTime } = this.#video;
    return buffered.length ? buffered.end(buffered.length - 1) - currentTime : 0;
  }

  #onVideoError = () => this.#finish('broken', this.#video.error?.message || 'it could not be decoded');

  // Nothing is fetched or looked after any more; what was played last stays in sight.
  #halt() {
    this.#stop.abort();
    clearInterval(this.#timer);
    this.#video.removeEventListener('error', this.#onVideoError);
  }

  #finish(event, argument) {
    if (this.#stop.signal.aborted) return;
    this.#halt();
    this.emit(event, argument);
  }

  async #run() {
    let failures = 0;
    if (this.#source.readyState !== 'open') await once(this.#source, 'sourceopen', this.#stop.signal);
    while (!this.#stop.signal.aborted) {
      const began_ms = performance.now();
      let isNew = false;
      try {
        isNew = await this.#turn();
        failures = 0;
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        failures += 1;
        if (error.isFinal || failures >= FAILURES_MAX) {
          this.#finish(error.event ?? 'broken', error.message);
          return;
        }
      }
      // RFC 8216 6.3.4: after a change wait the target duration, else half of it.
      const wait_ms = this.#target_s * 1000 * (isNew ? 0.75 : 0.5) - (performance.now() - began_ms);
      await sleep(Math.max(200, wait_ms), this.#stop.signal);
    }
  }

  // One look at the playlist, and what is new in it. True if something was.
  async #turn() {
    const playlist = await this.#readPlaylist();
    this.#target_s = playlist.target_s;
    const { segments } = playlist;
    if (this.#isRestarted(playlist)) throw failure('the stream began anew', 'broken');
    if (this.#next < 0 && segments.length) this.#next = segments[hlsLiveStart(playlist)].sequence;
    let isNew = false;
    for (const segment of segments) {
      if (this.#stop.signal.aborted || segment.sequence < this.#next) continue;
      if (this.behind_s > AHEAD_S) break;
      await this.#take(segment);
      this.#next = segment.sequence + 1;
      isNew = true;
    }
    if (playlist.isEnded && (!segments.length || this.#next > segments.at(-1).sequence)) await this.#playOut();
    return isNew;
  }

  // A number far below ours: the server has begun to count again.
  #isRestarted({ segments, sequence }) {
    return this.#next >= 0 && (segments.at(-1)?.sequence ?? sequence) < this.#next - 1;
  }

  async #readPlaylist() {
    const text = await this.#fetch(this.#url, 'text', false);
    const playlist = hlsReadPlaylist(text, this.#url);
    if (!playlist) throw failure('this is no playlist', 'broken');
    if (!playlist.isMaster) return playlist;
    const best = playlist.variants.sort((a, b) => b.bandwidth - a.bandwidth)[0];
    if (!best || best.url === this.#url) throw failure('the playlist is empty', 'broken');
    this.#url = best.url;
    return this.#readPlaylist();
  }

  // read: 'text' or 'arrayBuffer'. It may take FETCH_MS in all.
  async #fetch(url, read, isSegment = true) {
    const stop = new AbortController();
    const abort = () => stop.abort();
    const timer = setTimeout(abort, FETCH_MS);
    this.#stop.signal.addEventListener('abort', abort, { once: true });
    try {
      const answer = await fetch(url, { signal: stop.signal, cache: 'no-store', credentials: 'same-origin' });
      if (answer.ok) return await answer[read]();
      if (answer.status === 404 && !isSegment) throw failure('nothing is there', 'gone');
      throw Object.assign(new Error(`the server answered with ${answer.status}`), { status: answer.status });
    } finally {
      clearTimeout(timer);
      this.#stop.signal.removeEventListener('abort', abort);
    }
  }

  // A segment that has fallen out of the list meanwhile is passed over: #check() steps over the hole.
  async #take(segment) {
    if (!segment.url || !segment.map) throw failure('these are no segments of fragmented MP4', 'unsupported');
    let data;
    try {
      data = await this.#fetch(segment.url, 'arrayBuffer');
    } catch (error) {
      if (error.status === 404 || error.status === 410) return;
      throw error;
    }
    if (segment.map !== this.#init?.url || segment.isDiscontinuous) await this.#takeInit(segment.map);
    if (segment.isDiscontinuous) this.#joinTimes(data);
    await this.#append(data);
    if (!this.#isLive) this.#goLive();
  }

  async #takeInit(url) {
    const data = await this.#fetch(url, 'arrayBuffer');
    const read = hlsReadInit(data);
    if (!read || !MediaSource.isTypeSupported(read.type)) throw failure(read?.type ?? 'an unknown kind of file', 'unsupported');
    if (!this.#buffer) this.#buffer = this.#source.addSourceBuffer(read.type);
    else if (this.#init.type !== read.type) this.#buffer.changeType(read.type);
    this.#init = { url, ...read };
    await this.#append(data);
  }

  // After a break the times may begin anew: what follows is laid behind what is there.
  #joinTimes(data) {
    const start = hlsReadStart(data, this.#init.scales);
    const { buffered } = this.#buffer;
    if (start === null || !buffered.length) return;
    this.#buffer.timestampOffset = buffered.end(buffered.length - 1) - start;
  }

  async #append(data) {
    await this.#drop(BEHIND_S);
    try {
      await this.#do(() => this.#buffer.appendBuffer(data));
    } catch (error) {
      if (error.name !== 'QuotaExceededError') throw error;
      await this.#drop(2);
      await this.#do(() => this.#buffer.appendBuffer(data));
    }
  }

  async #drop(behind_s) {
    const { buffered } = this.#buffer;
    const until = this.#video.currentTime - behind_s;
    if (buffered.length && buffered.start(0) < until - 5) await this.#do(() => this.#buffer.remove(0, until));
  }

  async #do(work) {
    if (this.#stop.signal.aborted || this.#source.readyState === 'closed') throw failure('closed', 'broken');
    work();
    await once(this.#buffer, 'updateend', this.#stop.signal);
    if (this.#video.error) throw failure(this.#video.error.message || 'it could not be decoded', 'broken');
  }

  #goLive() {
    const { buffered } = this.#buffer;
    if (!buffered.length) return;
    this.#isLive = true;
    this.#video.currentTime = buffered.start(buffered.length - 1) + 0.01;
    this.emit('live');
  }

  async #playOut() {
    if (this.#source.readyState === 'open') this.#source.endOfStream();
    if (this.#buffer && !this.#video.ended && !this.#video.paused) await once(this.#video, 'ended', this.#stop.signal, this.behind_s * 1000 + 3000);
    this.#finish('ended');
  }

  // Steps over holes, and does not fall behind for good.
  #check() {
    const video = this.#video;
    if (!this.#isLive || video.seeking || video.paused) return;
    const { buffered, currentTime: now } = video;
    const max_s = Math.max(12, 6 * this.#target_s);
    if (this.behind_s > max_s && this.#source.readyState === 'open') {
      video.currentTime = buffered.end(buffered.length - 1) - 2.5 * this.#target_s;
      return;
    }
    video.playbackRate = this.behind_s > 4.5 * this.#target_s ? 1.05 : 1;
    if (this.#stalled.at !== now) {
      this.#stalled = { at: now, since_ms: performance.now() };
    } else if (performance.now() - this.#stalled.since_ms > STALL_S * 1000) {
      const next = nextRange(buffered, now);
      if (next !== null) video.currentTime = next + 0.01;
    }
  }
}

// The beginning of the range after this time, or null: it is within one, or there is none.
function nextRange(ranges, now) {
  for (let i = 0; i < ranges.length; i++) {
    if (ranges.start(i) <= now && now < ranges.end(i) - 0.15) return null;
    if (ranges.start(i) > now) return ranges.start(i);
  }
  return null;
}

function failure(message, event) {
  return Object.assign(new Error(message), { isFinal: true, event });
}

// Until target tells of type, the time is over, or signal. ms 0: without end.
function once(target, type, signal, ms = 0) {
  return new Promise((resolve) => {
    let timer = 0;
    const done = () => {
      clearTimeout(timer);
      target?.removeEventListener(type, done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    if (signal.aborted) { resolve(); return; }
    target?.addEventListener(type, done);
    signal.addEventListener('abort', done);
    if (ms) timer = setTimeout(done, ms);
  });
}

const sleep = (ms, signal) => once(null, '', signal, ms);

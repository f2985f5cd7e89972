// SPDX-License-Identifier: MIT
// The WebSocket at /ws: JSON in, JSON out, kept alive and opened again when it drops.
//
//   start() -> 'open' -> 'message'… -> 'drop' -> (backoff) -> 'open' …      until stop()
//
// What to say after an 'open' (join, with the seat to resume) is the session's business.
import { Emitter } from './emitter.js';

const BACKOFF_MIN_MS = 300;
const BACKOFF_MAX_MS = 8000;
const OPEN_TIMEOUT_MS = 12000;
const IDLE_MS = 10000; // then a ping
const SILENCE_MS = 22000; // two pings unanswered: the socket is dead, whatever the system believes
const CHECK_MS = 1000;

export class Signaling extends Emitter {
  #socket = null;
  #attempt = 0;
  #retryTimer = 0;
  #checkTimer = 0;
  #sent_ms = 0;
  #heard_ms = 0;
  #isStopped = true;

  start() {
    this.#isStopped = false;
    this.#checkTimer = setInterval(() => this.#check(), CHECK_MS);
    addEventListener('online', this.#retryNow);
    this.#connect();
  }

  // Closes for good; what was sent still goes out.
  stop() {
    this.#isStopped = true;
    clearInterval(this.#checkTimer);
    clearTimeout(this.#retryTimer);
    removeEventListener('online', this.#retryNow);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close(1000);
  }

  get state() {
    return ['connecting', 'open', 'closing', 'closed'][this.#socket?.readyState ?? WebSocket.CLOSED];
  }

  get attempt() {
    return this.#attempt;
  }

  send(message) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    this.#sent_ms = performance.now();
    return true;
  }

  // The connection is good: the next drop begins with a short wait again.
  settle() {
    this.#attempt = 0;
  }

  #connect() {
    clearTimeout(this.#retryTimer);
    const url = new URL('/ws', location.href);
    url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(url);
    this.#socket = socket;
    this.#sent_ms = this.#heard_ms = performance.now();
    socket.onopen = () => { if (socket === this.#socket) this.emit('open'); };
    socket.onmessage = (event) => { if (socket === this.#socket) this.#receive(event.data); };
    socket.onclose = (event) => { if (socket === this.#socket) this.#drop(event.code); };
  }

  #receive(data) {
    this.#heard_ms = performance.now();
    let message;
    try { message = JSON.parse(data); } catch { return; }
    if (message && typeof message.type === 'string' && message.type !== 'pong') this.emit('message', message);
  }

  #drop(code) {
    this.#socket = null;
    if (this.#isStopped) return;
    this.#attempt += 1;
    const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** (this.#attempt - 1));
    const wait_ms = ceiling * (0.5 + Math.random() / 2);
    this.#retryTimer = setTimeout(() => this.#connect(), wait_ms);
    this.emit('drop', { code, attempt: this.#attempt });
  }

  // Gives up this connection and comes back after the wait.
  retry() {
    if (this.#socket) this.#abandon();
  }

  #retryNow = () => {
    if (!this.#socket && !this.#isStopped) this.#connect();
  };

  #abandon() {
    const socket = this.#socket;
    this.#socket = null; // its own close may take minutes on a dead network
    socket.close();
    this.#drop(0);
  }

  #check() {
    const socket = this.#socket;
    if (!socket) return;
    const now_ms = performance.now();
    if (socket.readyState === WebSocket.OPEN) {
      if (now_ms - this.#heard_ms > SILENCE_MS) this.#abandon();
      else if (now_ms - Math.max(this.#sent_ms, this.#heard_ms) > IDLE_MS
        || (now_ms - this.#heard_ms > IDLE_MS && now_ms - this.#sent_ms > IDLE_MS / 2)) this.send({ type: 'ping' });
    } else if (socket.readyState === WebSocket.CLOSING || now_ms - this.#sent_ms > OPEN_TIMEOUT_MS) {
      this.#abandon();
    }
  }
}

// SPDX-License-Identifier: MIT
// What stands in place of the picture while there is none: why, in words, and how to get it back. A frozen
// frame would be taken for a fault.
import { byId } from './dom.js';
import { linkPause } from './link.js';

const FRAME_PATIENCE_MS = 5000; // for the first new picture; then what there is is shown

const WORDS = {
  saver: 'Video is off to save data.',
  room: 'This room sends sound only.',
  link: 'Your connection is too weak for video. Sound goes on; video comes back by itself.',
  'turning-on': 'Turning video on…',
};

export class Pause {
  #session;
  #composite = byId('composite');
  #box = byId('paused');
  #timer = 0;
  #frame = 0;

  // Borrows the session.
  constructor(session) {
    this.#session = session;
    session.on('receive', () => this.#draw());
    session.on('link', () => this.#draw());
    byId('paused-on').addEventListener('click', () => session.setReceive('auto'));
    this.#draw();
  }

  #draw() {
    const why = linkPause(this.#session.link, this.#session.receive);
    if (why) this.#show(why);
    else if (!this.#box.hidden) this.#end();
  }

  #show(why) {
    this.#forget();
    if (byId('paused-words').textContent !== WORDS[why]) byId('paused-words').textContent = WORDS[why];
    const button = byId('paused-on');
    const hadFocus = document.activeElement === button;
    button.hidden = why !== 'saver';
    this.#box.hidden = false;
    if (hadFocus && button.hidden) byId('stage').focus();
  }

  // The last picture is still the old one: wait for a new one before it is seen.
  #end() {
    if (this.#timer) return;
    this.#show('turning-on');
    const done = () => {
      this.#forget();
      this.#box.hidden = true;
    };
    this.#timer = setTimeout(done, FRAME_PATIENCE_MS);
    this.#frame = this.#composite.requestVideoFrameCallback?.(done) ?? 0;
  }

  #forget() {
    clearTimeout(this.#timer);
    if (this.#frame) this.#composite.cancelVideoFrameCallback(this.#frame);
    this.#timer = this.#frame = 0;
  }
}

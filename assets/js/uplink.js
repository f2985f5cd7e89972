// SPDX-License-Identifier: MIT
// Obeys the server's `uplink`: sends each picture in the size of its tile and no larger. One
// RTCRtpSender takes one setParameters() at a time, so orders wait and only the newest counts.
import { geometryShrink } from './geometry.js';

export class Uplink {
  #kind;
  #sender;
  #wanted = null;
  #shrunk = 1; // as last set
  #isBusy = false;
  #isStale = false;

  // kind: 'camera' or 'screen'.
  constructor(kind, sender) {
    this.#kind = kind;
    this.#sender = sender;
  }

  // {active, width, height, fps, kbps}, or nothing: as the server last said (the track has changed).
  apply(wanted = this.#wanted) {
    this.#wanted = wanted;
    this.#isStale = true;
    if (!this.#isBusy) this.#run();
  }

  // A phone was turned, a shared window resized: browsers tell nobody. To be called now and then.
  refit() {
    if (this.#wanted && this.#shrink() !== this.#shrunk) this.apply();
  }

  async #run() {
    this.#isBusy = true;
    while (this.#isStale && this.#wanted) {
      this.#isStale = false;
      await this.#set(true).catch(() => this.#set(false)).catch(() => {});
    }
    this.#isBusy = false;
  }

  // Some browsers refuse maxFramerate: then without.
  async #set(withFramerate) {
    const parameters = this.#sender.getParameters();
    if (!parameters.encodings?.length) parameters.encodings = [{}];
    const encoding = parameters.encodings[0];
    const { active = true, fps, kbps } = this.#wanted;
    encoding.active = active;
    encoding.scaleResolutionDownBy = this.#shrunk = this.#shrink();
    if (kbps > 0) encoding.maxBitrate = Math.round(kbps * 1000);
    else delete encoding.maxBitrate;
    if (fps > 0 && withFramerate) encoding.maxFramerate = fps;
    else delete encoding.maxFramerate;
    await this.#sender.setParameters(parameters);
  }

  #shrink() {
    const { width, height } = this.#sender.track?.getSettings?.() ?? {};
    if (!(width > 0 && height > 0 && this.#wanted.width > 0 && this.#wanted.height > 0)) return 1;
    return geometryShrink(this.#kind, { width, height }, this.#wanted);
  }
}

// SPDX-License-Identifier: MIT
// Named events with one argument. A listener that throws is reported and does not stop the others.

export class Emitter {
  #listeners = new Map();

  on(type, listener) {
    if (!this.#listeners.has(type)) this.#listeners.set(type, new Set());
    this.#listeners.get(type).add(listener);
    return this;
  }

  off(type, listener) {
    this.#listeners.get(type)?.delete(listener);
  }

  emit(type, argument) {
    for (const listener of [...(this.#listeners.get(type) ?? [])]) {
      try { listener(argument); } catch (error) { reportError(error); }
    }
  }
}

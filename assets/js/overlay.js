// SPDX-License-Identifier: MIT
// The own tile: the local camera drawn over the place where the room's picture shows us, so that nobody
// watches themselves late. It follows the layout, the window, the shape of the camera.
import { icon } from './dom.js';
import { geometryContain, geometryCoverTile, geometryPlaceTile } from './geometry.js';

export class Overlay {
  onPlace = () => {}; // called when tiles may lie elsewhere
  #stage;
  #composite;
  #box;
  #video;
  #label;
  #hand;
  #id = null;
  #layout = null;
  #media;
  #rect = null;

  // Elements of the page; borrows media.
  constructor({ stage, composite, box, video, label, hand, media }) {
    this.#stage = stage;
    this.#composite = composite;
    this.#box = box;
    this.#video = video;
    this.#label = label;
    this.#hand = hand;
    this.#media = media;
    new ResizeObserver(() => this.place()).observe(stage);
    composite.addEventListener('resize', () => this.place());
    video.addEventListener('resize', () => this.place());
    media.on('change', () => this.#show());
    this.#show();
  }

  setLayout(layout, id) {
    this.#layout = layout;
    this.#id = id;
    this.place();
  }

  setSpeaking(isSpeaking) {
    this.#box.classList.toggle('is-speaking', isSpeaking);
  }

  // The name and marks that the picture has beneath.
  setMember({ audio_muted: isMuted = false, hand: isRaised = false } = {}) {
    this.#label.replaceChildren('You');
    if (isMuted) this.#label.prepend(icon('mic-off'));
    this.#hand.hidden = !isRaised;
  }

  // In the window's CSS pixels; null while the own tile is not shown.
  get rect() {
    if (!this.#rect || this.#box.hidden) return null;
    const { left, top } = this.#stage.getBoundingClientRect();
    return { x: left + this.#rect.x, y: top + this.#rect.y, width: this.#rect.width, height: this.#rect.height };
  }

  // Where a member's tile is within the stage, or null.
  tileOf(member) {
    const tile = this.#tile(member);
    const shown = tile && this.#shownPicture();
    return shown ? geometryPlaceTile(tile, this.#layout.canvas, shown) : null;
  }

  #tile(member) {
    return this.#layout?.tiles.find((entry) => entry.member === member && entry.kind !== 'screen');
  }

  #shownPicture() {
    const box = { width: this.#stage.clientWidth, height: this.#stage.clientHeight };
    const { videoWidth: width, videoHeight: height } = this.#composite;
    return geometryContain(box, width && height ? { width, height } : this.#layout.canvas);
  }

  #show() {
    const track = this.#media.camera.track;
    const shown = this.#video.srcObject?.getVideoTracks()[0] ?? null;
    if (shown !== track) this.#video.srcObject = track ? new MediaStream([track]) : null;
    if (track) this.#video.play().catch(() => {});
    this.#box.classList.toggle('is-mirrored', this.#media.isMirrored);
    this.place();
  }

  place() {
    this.#placeSelf();
    this.onPlace();
  }

  #placeSelf() {
    const rect = this.#layout && this.tileOf(this.#id);
    const track = this.#media.camera.track;
    const { videoWidth: width, videoHeight: height } = this.#video;
    // Without a picture yet the server's own tile shows through.
    const isShown = Boolean(rect && track && width && height);
    this.#box.hidden = !isShown;
    this.#rect = isShown ? rect : null;
    if (!isShown) return;
    overlaySet(this.#box, rect);
    this.#style(this.#tile(this.#id), rect);
    overlaySet(this.#video, geometryCoverTile(rect, { width, height }));
  }

  // The mixer's own measures, scaled as the picture is.
  #style(tile, rect) {
    const unit = rect.width / tile.width;
    const { canvas } = this.#layout;
    this.#box.style.setProperty('--unit', `${unit}px`);
    this.#box.style.setProperty('--type', `${overlayTypePx(tile) * unit}px`);
    this.#box.classList.toggle('is-small', tile.width < 140 || tile.height < 140);
    this.#box.classList.toggle('is-alone', tile.width === canvas.width && tile.height === canvas.height);
    this.#label.hidden = tile.width < 112 || tile.height < 80;
  }
}

function overlayTypePx({ width, height }) {
  if (width < 112 || height < 80) return 8;
  return Math.min(20, Math.max(12, Math.floor(Math.min(width * 0.6, height) / 18)));
}

function overlaySet(element, { x, y, width, height }) {
  Object.assign(element.style, { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` });
}

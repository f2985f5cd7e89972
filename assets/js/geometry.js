// SPDX-License-Identifier: MIT
// Where things lie in the picture. Pure: rectangles in, rectangles out, {x, y, width, height}.

// Where a picture of this size lies in a box under object-fit: contain.
export function geometryContain(box, picture) {
  if (!(box.width > 0 && box.height > 0 && picture.width > 0 && picture.height > 0)) return null;
  const scale = Math.min(box.width / picture.width, box.height / picture.height);
  const width = picture.width * scale;
  const height = picture.height * scale;
  return { x: (box.width - width) / 2, y: (box.height - height) / 2, width, height };
}

// A tile, in canvas pixels, as it appears within the shown picture.
export function geometryPlaceTile(tile, canvas, shown) {
  const across = shown.width / canvas.width;
  const down = shown.height / canvas.height;
  return {
    x: shown.x + tile.x * across,
    y: shown.y + tile.y * down,
    width: tile.width * across,
    height: tile.height * down,
  };
}

// How the mixer fits a camera into its tile (mixer/video/tile.h, TILE_COVER): it fills the tile and
// crops, but never more than a third of the picture; what is then left of the tile stays empty.
// Returns where the whole picture lies, relative to the tile.
const CROP_MAX = 1 / 3;
export function geometryCoverTile(tile, picture) {
  const fill = Math.max(tile.width / picture.width, tile.height / picture.height);
  const fit = Math.min(tile.width / picture.width, tile.height / picture.height);
  const scale = Math.min(fill, fit / (1 - CROP_MAX));
  const width = picture.width * scale;
  const height = picture.height * scale;
  return { x: (tile.width - width) / 2, y: (tile.height - height) / 2, width, height };
}

// By how much a sender may shrink its picture for this tile. Never below 1: nothing is enlarged.
// A camera must still fill the tile after cropping, a screen must still fit into it.
export function geometryShrink(kind, picture, wanted) {
  const across = picture.width / wanted.width;
  const down = picture.height / wanted.height;
  const factor = kind === 'screen' ? Math.max(across, down) : Math.min(across, down);
  return Number.isFinite(factor) ? Math.max(1, factor) : 1;
}

// SPDX-License-Identifier: MIT
// The picture on the front page: four people laid in tesserae, which settle into place when the page opens.
// Drawn on a canvas that is clear between the stones, so that it stands on either theme.

const LAY_MS = 1500;
const STONE_MS = 420;

// [ground, ground's ring, halo, head, body] of each person; colours of smalti.
const PEOPLE = [
  { ground: ['#0f5f58', '#12746b', '#0c4f4a'], halo: ['#e3a83a', '#efb94a', '#cf9128'], skin: ['#e9c39b', '#dfb487', '#f0d0ad'], hair: ['#3a2419', '#4b2f20'], coat: ['#c9573a', '#b3472c', '#d9694a'] },
  { ground: ['#d9a441', '#e7b654', '#cb9434'], halo: ['#f6e3b4', '#f1d797', '#fbeecb'], skin: ['#8a5a3c', '#7b4e33', '#9a6848'], hair: ['#1d1714', '#2a211c'], coat: ['#245a85', '#2f6f9f', '#1d4a6e'] },
  { ground: ['#b94a2f', '#c9573a', '#a63f26'], halo: ['#f0d9a8', '#e8cb8f', '#f7e6c3'], skin: ['#f0d0ad', '#e6c094', '#f6dcc0'], hair: ['#b98a45', '#a67a38'], coat: ['#12857a', '#0f6f66', '#1a9a8d'] },
  { ground: ['#245a85', '#2f6f9f', '#1d4a6e'], halo: ['#9fd0c8', '#86c2b9', '#b7ddd6'], skin: ['#c68f64', '#b98256', '#d39d73'], hair: ['#54545c', '#66666e'], coat: ['#e3a83a', '#cf9128', '#efb94a'] },
];

// A small generator of its own, so that the picture is the same on each visit.
function mosaicRandom(seed) {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) >>> 0;
    return state / 4294967296;
  };
}

// Which part of a person lies at u, v (0..1 across their tile).
function mosaicPart(u, v) {
  const dx = u - 0.5;
  const head = Math.hypot(dx / 0.15, (v - 0.43) / 0.185);
  if (head < 1) return v < 0.345 + Math.abs(dx) * 0.28 ? 'hair' : 'skin';
  if (head < 1.22 && v < 0.45) return 'hair';
  if (Math.abs(dx) < 0.06 && v > 0.55 && v < 0.7) return 'skin';
  if (Math.hypot(dx / 0.34, (v - 1.02) / 0.36) < 1) return 'coat';
  const halo = Math.hypot(dx, (v - 0.43) * 0.98);
  return halo > 0.245 && halo < 0.325 ? 'halo' : 'ground';
}

function mosaicTint(colour, amount) {
  const value = parseInt(colour.slice(1), 16);
  const channels = [value >> 16, (value >> 8) & 255, value & 255];
  return `rgb(${channels.map((channel) => Math.max(0, Math.min(255, Math.round(channel + amount)))).join(' ')})`;
}

// All stones: a jittered lattice per person, each cell drawn in a little to leave the grout.
function mosaicStones(columns, rows, cells) {
  const random = mosaicRandom(20);
  const stones = [];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const person = PEOPLE[(row * 2 + column) % PEOPLE.length];
      stones.push(...mosaicPerson(person, column, row, cells, random));
    }
  }
  return stones.map((stone) => ({
    ...stone,
    delay_ms: (Math.hypot(stone.x - columns / 2, stone.y - rows / 2) / Math.hypot(columns, rows) * 1.3 + random() * 0.35)
      * (LAY_MS - STONE_MS),
  }));
}

function mosaicPerson(person, left, top, cells, random) {
  const margin = 0.022;
  const size = (1 - 2 * margin) / cells;
  const jitter = (at) => (at === 0 || at === cells ? 0 : (random() - 0.5) * 0.42);
  const points = Array.from({ length: cells + 1 }, (_, j) => Array.from({ length: cells + 1 }, (__, i) => [
    left + margin + (i + jitter(i)) * size, top + margin + (j + jitter(j)) * size]));
  const stones = [];
  for (let j = 0; j < cells; j++) {
    for (let i = 0; i < cells; i++) {
      const corners = [points[j][i], points[j][i + 1], points[j + 1][i + 1], points[j + 1][i]];
      const x = corners.reduce((sum, corner) => sum + corner[0], 0) / 4;
      const y = corners.reduce((sum, corner) => sum + corner[1], 0) / 4;
      const colours = person[mosaicPart(x - left, y - top)];
      const colour = mosaicTint(colours[Math.floor(random() * colours.length)], (random() - 0.5) * 22);
      stones.push({ x, y, corners: corners.map(([cx, cy]) => [cx - x, cy - y]), colour });
    }
  }
  return stones;
}

function mosaicDraw(context, stones, scale, at_ms) {
  for (const stone of stones) {
    const progress = Math.max(0, Math.min(1, (at_ms - stone.delay_ms) / STONE_MS));
    if (progress === 0) continue;
    const ease = 1 - (1 - progress) ** 3;
    const grown = (0.2 + 0.8 * ease) * 0.86 * scale;
    context.globalAlpha = ease;
    context.fillStyle = stone.colour;
    context.beginPath();
    for (const [x, y] of stone.corners) context.lineTo(stone.x * scale + x * grown, stone.y * scale + y * grown - (1 - ease) * 14);
    context.closePath();
    context.fill();
  }
}

// Four in a square, or in a row where the canvas is wide.
export function mosaicInit(canvas) {
  const context = canvas.getContext('2d');
  const isStill = matchMedia('(prefers-reduced-motion: reduce)').matches;
  const start_ms = performance.now();
  const layouts = new Map();
  const paint = () => {
    const { width, height } = canvas.getBoundingClientRect();
    if (!width || !height) return;
    const ratio = Math.min(devicePixelRatio || 1, 2);
    const [columns, rows] = width / height > 3 ? [4, 1] : width / height > 1.6 ? [3, 1] : [2, 2];
    const scale = Math.min(width / columns, height / rows);
    const key = `${columns}x${rows}`;
    if (!layouts.has(key)) layouts.set(key, mosaicStones(columns, rows, 22));
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    context.setTransform(ratio, 0, 0, ratio, (width - columns * scale) / 2 * ratio, (height - rows * scale) / 2 * ratio);
    const at_ms = isStill ? Infinity : performance.now() - start_ms;
    mosaicDraw(context, layouts.get(key), scale, at_ms);
    if (at_ms < LAY_MS + STONE_MS) requestAnimationFrame(paint);
  };
  new ResizeObserver(paint).observe(canvas);
}

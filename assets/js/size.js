// SPDX-License-Identifier: MIT
// Sizes and rates as people read them. Pure.

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'];

// "12.3 MB"
export function sizeWords(bytes) {
  if (!(bytes >= 0)) return null;
  let [value, unit] = [bytes, 0];
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit && value < 99.5 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`;
}

// "2.5 Mbit/s"
export function sizeRate(kbps) {
  if (!(kbps > 0)) return null;
  return kbps >= 1000 ? `${(kbps / 1000).toFixed(1)} Mbit/s` : `${Math.round(kbps)} kbit/s`;
}

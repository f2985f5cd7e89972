// SPDX-License-Identifier: MIT
// Times: as people read them, as fields hold them, as the server takes them (RFC 3339, UTC). Pure.

const DAY_MS = 86400000;
const two = (value) => String(value).padStart(2, '0');

export function whenDay(date, now = new Date()) {
  const midnight = (each) => new Date(each.getFullYear(), each.getMonth(), each.getDate()).getTime();
  const days = Math.round((midnight(date) - midnight(now)) / DAY_MS);
  if (days === 0) return 'Today';
  if (days === 1) return 'Tomorrow';
  if (days === -1) return 'Yesterday';
  return date.toLocaleDateString([], { weekday: 'short', day: 'numeric', month: 'long', year: date.getFullYear() === now.getFullYear() ? undefined : 'numeric' });
}

export const whenTime = (date) => date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });

// "1 h 05 min"
export function whenLength(from, to) {
  const minutes = Math.max(0, Math.round((to - from) / 60000));
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

// As <input type="date"> and <input type="time"> take them.
export function whenField(date) {
  return {
    date: `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`,
    time: `${two(date.getHours())}:${two(date.getMinutes())}`,
  };
}

// "2026-01-02T03:04:05Z", or null: this is no time.
export function whenFromFields(date, time) {
  const at = new Date(`${date}T${time}`);
  return Number.isNaN(at.getTime()) ? null : at.toISOString().replace(/\.\d+Z$/, 'Z');
}

// "4:05", "1:04:05": how far into something.
export function whenClock(seconds) {
  const whole = Math.max(0, Math.floor(seconds || 0));
  const [minutes, rest] = [Math.floor(whole / 60) % 60, two(whole % 60)];
  return whole < 3600 ? `${minutes}:${rest}` : `${Math.floor(whole / 3600)}:${two(minutes)}:${rest}`;
}

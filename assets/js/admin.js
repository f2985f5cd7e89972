// SPDX-License-Identifier: MIT
// /admin: the operator's look at all rooms, by the API key, which this tab alone keeps.
import { AdminRooms } from './admin-rooms.js';
import { AdminTail } from './admin-tail.js';
import { api, apiList } from './api.js';
import { build, byId } from './dom.js';
import { formComplain, formOnSubmit } from './form.js';
import { storageTabGet, storageTabSet } from './storage.js';
import { themeInit } from './theme.js';

const EVERY_MS = 3000;

let key = null;
let rooms = null;
let tail = null;
let timer = 0;
let seen = null; // the figures of the look before

// What the server says of itself, in the words of people: [label, value].
function adminFigures(stats, before, rooms) {
  const { process = {} } = stats;
  const viewers = rooms.reduce((sum, room) => sum + (room.viewers ?? 0), 0);
  const waited_s = before ? (stats.read_ms - before.read_ms) / 1000 : 0;
  const cpu = waited_s > 0 ? (process.cpu_s - before.process?.cpu_s) / waited_s : NaN;
  return [
    ['Rooms', stats.rooms], ['Members', stats.members - viewers], ['Viewers', viewers],
    ['Processor', Number.isFinite(cpu) ? `${Math.max(0, Math.round(cpu * 100))} %` : '…'],
    ['Memory', process.resident_bytes > 0 ? `${Math.round(process.resident_bytes / 1048576)} MiB` : null],
    ['Up for', process.started_at ? adminUptime((stats.read_ms - Date.parse(process.started_at)) / 1000) : null],
  ].filter(([, value]) => value != null && !Number.isNaN(value));
}

function adminUptime(seconds) {
  const minutes = Math.max(0, Math.floor(seconds / 60));
  if (minutes < 60) return `${minutes} min`;
  return minutes < 2880 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} days`;
}

function adminDrawStats(stats, list) {
  stats.read_ms = Date.now();
  byId('admin-stats').replaceChildren(...adminFigures(stats, seen, list).map(([label, value]) =>
    build('div', {}, build('dt', {}, label), build('dd', {}, String(value)))));
  seen = stats;
}

async function adminRefresh() {
  clearTimeout(timer);
  if (!key) return;
  if (document.visibilityState === 'visible') {
    try {
      const [stats, list] = await Promise.all([api('GET', '/stats', { key }), apiList('/rooms', 'rooms', { key })]);
      adminDrawStats(stats, list);
      await rooms.show(list);
      byId('admin-nothing').hidden = list.length > 0;
      byId('admin-state').textContent = '';
    } catch (error) {
      if (error.status === 401 || error.status === 403) {
        adminForget(error.message);
        return;
      }
      byId('admin-state').textContent = error.message;
      if (error.status == null) reportError(error);
    }
  }
  if (key) timer = setTimeout(adminRefresh, EVERY_MS);
}

function adminForget(words = '') {
  key = null;
  storageTabSet('key', null);
  clearTimeout(timer);
  rooms?.close();
  tail?.close();
  byId('admin').hidden = byId('admin-out').hidden = true;
  byId('admin-door').hidden = false;
  byId('key').value = '';
  formComplain(byId('key'), words);
  byId('key').focus();
}

function adminOpen(given) {
  key = given;
  storageTabSet('key', given);
  byId('admin-door').hidden = true;
  byId('admin').hidden = byId('admin-out').hidden = false;
  rooms = new AdminRooms(byId('admin-rooms'), key, { onChange: adminRefresh });
  tail = new AdminTail(byId('admin-tail'), key);
  adminRefresh();
}

async function adminTry() {
  const given = byId('key').value.trim();
  if (!given) {
    formComplain(byId('key'), 'Type the key.');
    return;
  }
  await api('GET', '/stats', { key: given });
  adminOpen(given);
}

themeInit();
formOnSubmit(byId('key-form'), adminTry);
byId('key').addEventListener('input', () => formComplain(byId('key'), ''));
byId('admin-out').addEventListener('click', () => adminForget());
document.addEventListener('visibilitychange', () => { if (document.visibilityState === 'visible') adminRefresh(); });
const kept = storageTabGet('key');
if (kept) adminOpen(kept);
else byId('admin-door').hidden = false;

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

// What the server says of itself, in the words of people. Figures that it does not tell are left out.
const STATS = [
  ['rooms', 'Rooms'], ['members', 'Members'], ['viewers', 'Viewers'], ['sessions', 'Connections'],
  ['cpu', 'Processor', (value) => `${Math.round(value * 100)} %`],
  ['load', 'Load', (value) => Number(value).toFixed(2)],
  ['memory_bytes', 'Memory', (value) => `${Math.round(value / 1048576)} MiB`],
  ['uptime_s', 'Up for', adminUptime],
];

function adminUptime(seconds) {
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return minutes < 2880 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} days`;
}

function adminDrawStats(stats) {
  const figures = STATS.filter(([name]) => typeof stats[name] === 'number');
  byId('admin-stats').replaceChildren(...figures.map(([name, label, show = String]) =>
    build('div', {}, build('dt', {}, label), build('dd', { 'data-testid': `stat-${name}` }, show(stats[name])))));
}

async function adminRefresh() {
  clearTimeout(timer);
  if (!key) return;
  if (document.visibilityState === 'visible') {
    try {
      const [stats, list] = await Promise.all([api('GET', '/stats', { key }), apiList('/rooms', 'rooms', { key })]);
      adminDrawStats(stats);
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

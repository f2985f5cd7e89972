// SPDX-License-Identifier: MIT
// The newest recordings of my rooms; each leads to its player.
import { api } from './api.js';
import { byId } from './dom.js';
import { filmCard } from './film.js';
import { toast } from './toast.js';

const SHOWN = 12;

export class OwnRecordings {
  async refresh() {
    try {
      const { recordings = [] } = await api('GET', `/recordings?limit=${SHOWN}`) ?? {};
      byId('recordings-list').replaceChildren(...recordings.map((film) => filmCard(film)));
      byId('recordings-nothing').hidden = recordings.length > 0;
      byId('recordings-all').hidden = !recordings.length;
    } catch (error) {
      toast(error.message, { kind: 'error' });
    }
  }
}

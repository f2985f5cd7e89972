// SPDX-License-Identifier: MIT
// The calls that were held in my rooms: who was there, from when to when, and what was written.
import { api, apiList } from './api.js';
import { ask } from './ask.js';
import { build, byId } from './dom.js';
import { toast } from './toast.js';
import { whenDay, whenLength, whenTime } from './when.js';

export class History {
  async refresh() {
    try {
      const calls = await apiList('/calls', 'calls');
      byId('history-list').replaceChildren(...calls.map((call) => this.#buildCard(call)));
      byId('history-nothing').hidden = calls.length > 0;
    } catch (error) {
      toast(error.message, { kind: 'error' });
    }
  }

  #buildCard(call) {
    const from = new Date(call.started_at);
    const length = call.ended_at ? whenLength(from, new Date(call.ended_at)) : 'going on now';
    const details = build('details', {}, build('summary', { 'data-testid': 'call-open' }, 'Who was there, what was written'));
    details.addEventListener('toggle', () => { if (details.open && !details.dataset.isThere) this.#fill(details, call); });
    return build('li', { class: 'card stack tight call-card', 'data-call': call.id },
      build('p', { class: 'when' }, build('b', {}, whenDay(from)), whenTime(from), build('span', {}, length)),
      build('h2', { class: 'card-title', dir: 'auto' }, call.title || call.room), details);
  }

  async #fill(details, { id }) {
    details.dataset.isThere = 'true';
    try {
      const call = await api('GET', `/calls/${encodeURIComponent(id)}`);
      details.append(historyPeople(call.people ?? []), historyMessages(call.messages ?? []), this.#buildForget(id));
    } catch (error) {
      delete details.dataset.isThere;
      toast(error.message, { kind: 'error' });
    }
  }

  #buildForget(id) {
    const button = build('button', { type: 'button', class: 'button small quiet', 'data-testid': 'call-forget' }, 'Forget this call…');
    button.addEventListener('click', async () => {
      if (!await ask({ title: 'Forget this call?', words: 'Who was there and what was written is deleted.', yes: 'Forget it', isDangerous: true })) return;
      try {
        await api('DELETE', `/calls/${encodeURIComponent(id)}`);
      } catch (error) {
        toast(error.message, { kind: 'error' });
      }
      await this.refresh();
    });
    return build('div', { class: 'form-doors' }, button);
  }
}

function historyPeople(people) {
  const span = ({ joined_at: from, left_at: to }) => `${whenTime(new Date(from))} – ${to ? whenTime(new Date(to)) : 'now'}`;
  return build('div', {}, build('h3', {}, 'Who was there'),
    build('ul', { class: 'presence' }, ...people.map((person) => build('li', {}, build('b', { dir: 'auto' }, person.name), build('span', {}, span(person))))));
}

function historyMessages(messages) {
  if (!messages.length) return build('p', { class: 'soft' }, 'Nothing was written.');
  return build('div', {}, build('h3', {}, 'What was written'),
    build('ol', { class: 'said', tabindex: 0, 'aria-label': 'Messages' }, ...messages.map(({ name, at, text }) => build('li', {},
      build('small', { dir: 'auto' }, `${name}, ${whenTime(new Date(at))}`), build('p', { dir: 'auto' }, text)))));
}

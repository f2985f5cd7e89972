// SPDX-License-Identifier: MIT
// My meetings: what is planned, planning, changing, calling off.
import { api, apiList, apiOnce } from './api.js';
import { ask } from './ask.js';
import { clipboardCopy } from './clipboard.js';
import { build, byId } from './dom.js';
import { formComplain, formField, formOnSubmit } from './form.js';
import { toast } from './toast.js';
import { whenDay, whenField, whenFromFields, whenTime } from './when.js';

const MINUTES = 45; // of a new meeting

export class Meetings {
  #editing = null; // the meeting in the dialog; null: a new one
  #once = null;

  constructor() {
    const prefix = 'meeting-';
    byId('meeting-fields').append(
      formField({ name: 'title', label: 'Title', prefix, maxlength: 200, autocomplete: 'off' }),
      build('div', { class: 'pair-row' },
        formField({ name: 'date', label: 'Day', prefix, type: 'date', required: true }),
        formField({ name: 'time', label: 'Time', prefix, type: 'time', required: true }),
        formField({ name: 'minutes', label: 'Minutes', prefix, type: 'number', min: 1, max: 1440, inputmode: 'numeric' })),
      formField({ name: 'invitees', label: 'Who comes', hint: 'A name or an e-mail address a line. They stand in the invitation; nothing is sent from here.', prefix, tag: 'textarea', rows: 3 }),
      formField({ name: 'notes', label: 'Notes', prefix, tag: 'textarea', rows: 3, maxlength: 4000 }));
    byId('meeting-plan').addEventListener('click', () => this.#open(null));
    byId('meeting-cancel').addEventListener('click', () => byId('meeting-dialog').close());
    formOnSubmit(byId('meeting-form'), () => this.#save());
  }

  async refresh() {
    try {
      this.#show(await apiList('/meetings', 'meetings'));
    } catch (error) {
      toast(error.message, { kind: 'error' });
    }
  }

  #show(meetings) {
    const end = (meeting) => Date.parse(meeting.starts_at) + meeting.minutes * 60000;
    const sorted = [...meetings].sort((a, b) => Date.parse(a.starts_at) - Date.parse(b.starts_at));
    const coming = sorted.filter((meeting) => end(meeting) >= Date.now());
    const past = sorted.filter((meeting) => end(meeting) < Date.now()).reverse();
    byId('meetings-list').replaceChildren(...coming.map((meeting) => this.#buildCard(meeting)));
    byId('meetings-nothing').hidden = coming.length > 0;
    byId('meetings-past').hidden = !past.length;
    byId('meetings-past-list').replaceChildren(...past.map((meeting) => this.#buildCard(meeting)));
  }

  #buildCard(meeting) {
    const { id, title, minutes, notes } = meeting;
    const at = new Date(meeting.starts_at);
    const link = new URL(meeting.link, location.href).href;
    const door = (words, test, run, className = '') => {
      const button = build('button', { type: 'button', class: `button small ${className}`, 'data-testid': test, 'aria-label': `${words}: ${title}` }, words);
      button.addEventListener('click', run);
      return button;
    };
    return build('li', { class: 'card stack tight', 'data-meeting': id },
      build('p', { class: 'when' }, build('b', {}, whenDay(at)), build('time', { datetime: meeting.starts_at }, whenTime(at)), `${minutes} minutes`),
      build('h2', { class: 'card-title', dir: 'auto', 'data-testid': 'meeting-card-title' }, title),
      notes && build('p', { class: 'card-text', dir: 'auto' }, notes),
      meeting.invitees?.length > 0 && build('ul', { class: 'chips', 'aria-label': 'Who comes' }, ...meeting.invitees.map((name) => build('li', { dir: 'auto' }, name))),
      build('div', { class: 'card-doors' },
        build('a', { class: 'button small primary', href: link, 'data-testid': 'meeting-start', 'aria-label': `Start: ${title}` }, 'Start'),
        door('Copy link', 'meeting-copy', () => clipboardCopy(link, null)),
        build('a', { class: 'button small', href: `/api/v1/meetings/${encodeURIComponent(id)}/invitation.ics`, download: 'meeting.ics', 'data-testid': 'meeting-ics', 'aria-label': `For the calendar: ${title}` }, 'For the calendar'),
        door('Change', 'meeting-edit', () => this.#open(meeting), 'quiet'),
        door('Call off', 'meeting-cancel', () => this.#cancel(meeting), 'quiet')));
  }

  #open(meeting) {
    this.#editing = meeting;
    this.#once = apiOnce();
    const { elements } = byId('meeting-form');
    const next = new Date(Math.ceil((Date.now() + 60000) / 1800000) * 1800000); // the next half hour
    const start = whenField(meeting ? new Date(meeting.starts_at) : next);
    const values = {
      title: meeting?.title ?? '', date: start.date, time: start.time, minutes: meeting?.minutes ?? MINUTES,
      invitees: (meeting?.invitees ?? []).join('\n'), notes: meeting?.notes ?? '',
    };
    for (const [name, value] of Object.entries(values)) {
      elements.namedItem(name).value = value;
      formComplain(elements.namedItem(name), '');
    }
    byId('meeting-dialog-title').textContent = meeting ? 'Change the meeting' : 'Plan a meeting';
    byId('meeting-dialog').showModal();
    elements.namedItem('title').focus();
  }

  async #save() {
    const { elements } = byId('meeting-form');
    const value = (name) => elements.namedItem(name).value.trim();
    const startsAt = whenFromFields(value('date'), value('time'));
    const lacks = [['title', !value('title'), 'Type what it is about.'], ['date', !startsAt, 'Choose the day and the time.'],
      ['minutes', !(Number(value('minutes')) >= 1), 'How long? In minutes.']].filter(([, isLacking]) => isLacking);
    for (const [name, , words] of lacks) formComplain(elements.namedItem(name), words);
    if (lacks.length) {
      elements.namedItem(lacks[0][0]).focus();
      return;
    }
    await this.#send({
      title: value('title'), starts_at: startsAt, minutes: Math.round(Number(value('minutes'))),
      notes: value('notes') || null, invitees: value('invitees').split(/[\n,;]+/).map((name) => name.trim()).filter(Boolean),
    });
    byId('meeting-dialog').close();
    await this.refresh();
    toast(this.#editing ? 'The meeting is changed.' : 'The meeting is planned.', { iconName: 'check' });
  }

  async #send(body) {
    const meeting = this.#editing;
    if (meeting) await api('PATCH', `/meetings/${encodeURIComponent(meeting.id)}`, { body, revision: meeting.revision });
    else await api('POST', '/meetings', { body, once: this.#once });
  }

  async #cancel({ id, title }) {
    const isSure = await ask({ title: `Call off “${title}”?`, words: 'Its link stops working. Tell those who were to come.', yes: 'Call off', no: 'Keep it', isDangerous: true });
    if (!isSure) return;
    try {
      await api('DELETE', `/meetings/${encodeURIComponent(id)}`);
    } catch (error) {
      if (error.status !== 404) toast(error.message, { kind: 'error' });
    }
    await this.refresh();
  }
}

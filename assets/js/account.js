// SPDX-License-Identifier: MIT
// The account: name, e-mail, password, leaving.
import { api } from './api.js';
import { ask } from './ask.js';
import { byId } from './dom.js';
import { formComplain, formField, formOnSubmit } from './form.js';
import { toast } from './toast.js';
import { userForget, userRemember } from './user.js';

export class Account {
  #user;
  #onGone;

  // onGone(): nobody is signed in any more.
  constructor(user, onGone) {
    this.#user = user;
    this.#onGone = onGone;
    const prefix = 'account-';
    byId('account-fields').append(
      formField({ name: 'login', label: 'Name to sign in with', prefix, readonly: true, hint: 'It is the name of your room, too, and stays as it is.' }),
      formField({ name: 'name', label: 'Shown name', prefix, maxlength: 64, autocomplete: 'name' }),
      formField({ name: 'email', label: 'E-mail', prefix, type: 'email', maxlength: 254, autocomplete: 'email' }));
    byId('password-fields').append(
      formField({ name: 'old_password', label: 'The one you have', type: 'password', autocomplete: 'current-password', maxlength: 1000 }),
      formField({ name: 'password', label: 'The new one', type: 'password', autocomplete: 'new-password', maxlength: 1000, hint: 'You stay signed in here, and are signed out everywhere else.' }));
    formOnSubmit(byId('account-form'), () => this.#save());
    formOnSubmit(byId('password-form'), () => this.#changePassword());
    byId('sign-out').addEventListener('click', () => this.#signOut(false));
    byId('sign-out-all').addEventListener('click', () => this.#signOut(true));
    byId('account-delete').addEventListener('click', () => this.#delete());
  }

  refresh() {
    const { elements } = byId('account-form');
    for (const name of ['login', 'name', 'email']) elements.namedItem(name).value = this.#user[name] ?? '';
  }

  async #save() {
    const { elements } = byId('account-form');
    const changes = {};
    for (const name of ['name', 'email']) {
      const value = elements.namedItem(name).value.trim();
      if (value !== (this.#user[name] ?? '')) changes[name] = value || null;
    }
    if (changes.name === null) {
      formComplain(elements.namedItem('name'), 'Type the name that others shall see.');
      return;
    }
    if (Object.keys(changes).length) {
      const answer = await api('PATCH', '/users/me', { body: changes });
      this.#user = answer.user ?? answer;
      userRemember(this.#user);
    }
    this.refresh();
    toast('Saved.', { iconName: 'check' });
  }

  async #changePassword() {
    const { elements } = byId('password-form');
    const read = (name) => elements.namedItem(name).value;
    const lack = ['old_password', 'password'].find((name) => !read(name));
    if (lack) {
      formComplain(elements.namedItem(lack), 'Type the password.');
      elements.namedItem(lack).focus();
      return;
    }
    await api('PUT', '/users/me/password', { body: { old_password: read('old_password'), password: read('password') } });
    byId('password-form').reset();
    toast('The password is changed.', { iconName: 'check' });
  }

  async #signOut(isEverywhere) {
    try {
      await api('DELETE', `/session${isEverywhere ? '?everywhere=true' : ''}`);
    } catch (error) {
      if (error.status !== 401) {
        toast(error.message, { kind: 'error' });
        return;
      }
    }
    this.#onGone();
  }

  async #delete() {
    const isSure = await ask({
      title: 'Delete your account?', isDangerous: true, yes: 'Delete it', typed: this.#user.login,
      words: 'Your room, your meetings and the history of your calls are deleted with it. It cannot be undone.',
    });
    if (!isSure) return;
    try {
      await api('DELETE', '/users/me');
      userForget();
      location.assign('/');
    } catch (error) {
      toast(error.message, { kind: 'error' });
    }
  }
}

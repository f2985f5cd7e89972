// SPDX-License-Identifier: MIT
// /sign-in: to one's account, or, with ?new and where the server allows it, to a new one. ?next=/r/ada says
// where to go afterwards.
import { api, apiOnce } from './api.js';
import { byId } from './dom.js';
import { formComplain, formOnSubmit } from './form.js';
import { themeInit } from './theme.js';
import { userRemember } from './user.js';

const query = new URLSearchParams(location.search);
const isNew = query.has('new');
const once = apiOnce();

// A path of this very server, or home.
function signInNext() {
  const next = query.get('next') ?? '';
  return /^\/[^/\\]/.test(next) ? next : '/home';
}

function signInDraw() {
  document.title = `${isNew ? 'Make an account' : 'Sign in'} · Tessera`;
  byId('title').textContent = isNew ? 'Make an account' : 'Sign in';
  byId('lead').textContent = isNew ? 'It gives you a room of your own, with your name on the door.' : byId('lead').textContent;
  byId('login-label').textContent = isNew ? 'Name' : 'Name or e-mail';
  byId('sign-go').textContent = isNew ? 'Make it' : 'Sign in';
  byId('password').autocomplete = isNew ? 'new-password' : 'current-password';
  for (const id of ['name-pair', 'email-pair', 'login-hint', 'password-hint', 'to-sign-in']) byId(id).hidden = !isNew;
  byId('to-sign-up').hidden = isNew;
}

// True if something is missing, which is then said.
function signInLacks() {
  const lacks = [['login', isNew ? 'Type the name that you want.' : 'Type your name or e-mail.'], ['password', 'Type the password.']]
    .filter(([id]) => !byId(id).value.trim());
  for (const [id, words] of lacks) formComplain(byId(id), words);
  if (lacks.length) byId(lacks[0][0]).focus();
  return lacks.length > 0;
}

async function signIn() {
  if (signInLacks()) return;
  const login = byId('login').value.trim();
  const password = byId('password').value;
  if (isNew) {
    const optional = Object.fromEntries(['name', 'email'].map((id) => [id, byId(id).value.trim()]).filter(([, value]) => value));
    await api('POST', '/users', { body: { login, password, ...optional }, once });
  }
  const { user } = await api('POST', '/session', { body: { login, password } });
  userRemember(user);
  location.assign(signInNext());
}

// Whoever is signed in already has nothing to do here.
async function signInLook() {
  try {
    const { user } = await api('GET', '/session');
    if (!user) return;
    userRemember(user);
    location.replace(signInNext());
  } catch { /* nobody is: that is what this page is for */ }
}

// Before anybody fills in a form for nothing: may people make accounts here? An empty request makes none, and
// what it is refused for tells.
async function signUpAsk(event) {
  event.preventDefault();
  try {
    await api('POST', '/users', { body: {} });
  } catch (error) {
    if (error.status !== 422) {
      byId('sign-up-answer').textContent = error.message;
      return;
    }
  }
  location.assign(byId('to-sign-up-link').href);
}

themeInit();
signInDraw();
for (const id of ['login', 'name', 'email', 'password']) byId(id).addEventListener('input', () => formComplain(byId(id), ''));
byId('password-show').addEventListener('click', () => {
  const isShown = byId('password').type === 'password';
  byId('password').type = isShown ? 'text' : 'password';
  byId('password-show').setAttribute('aria-pressed', String(isShown));
});
formOnSubmit(byId('sign-form'), signIn);
signInLook();
byId('to-sign-up-link').addEventListener('click', signUpAsk);
byId('login').focus();

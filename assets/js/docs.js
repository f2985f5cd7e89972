// SPDX-License-Identifier: MIT
// The reference: /api/v1/openapi.json, drawn. Nothing in it is parsed as HTML.
import { build, byId } from './dom.js';
import { fieldRow, resolve, schemaExample, schemaFields, schemaWords } from './docs-schema.js';
import { slug, textBlocks, textInline } from './docs-text.js';
import { themeInit } from './theme.js';

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
const CREDENTIALS = { key: 'the API key', token: 'a join token', signin: 'a sign-in', cookie: 'its cookie', ticket: 'a ticket' };
const ROLES = { moderator: 'who moderates the room', viewer: 'who has any role in the room' };
let description;

// ---- an operation ----

function docsOperations(tag) {
  const found = [];
  for (const [path, item] of Object.entries(description.paths)) {
    for (const method of METHODS) {
      const operation = item[method];
      if (operation?.tags?.includes(tag)) {
        found.push({ ...operation, path, method, parameters: [...(item.parameters ?? []), ...(operation.parameters ?? [])]
          .map((parameter) => resolve(description, parameter)) });
      }
    }
  }
  return found;
}

const method = (name) => build('span', { class: `docs-method docs-${name}` }, name.toUpperCase());

function docsCredentials(operation) {
  const needed = operation.security ?? description.security;
  if (!needed.length) return 'Everybody.';
  const role = ROLES[operation['x-role']];
  if (role) return `With the API key; or ${role}, by join token or sign-in.`;
  const names = needed.map((one) => CREDENTIALS[Object.keys(one)[0]] ?? 'no credential');
  return `With ${names.join(', ').replace(/, ([^,]*)$/, ' or $1')}.`;
}

function docsCurl(operation) {
  const path = operation.path.replace(/\{(\w+)\}/g, (whole, name) =>
    ({ room: 'ada', slot: 'logo', user: 'me' }[name] ?? `${name === 'id' ? 'm1' : '1'}`));
  const lines = [`curl${operation.method === 'get' ? '' : ` -X ${operation.method.toUpperCase()}`} http://localhost:8080${path}`];
  if ((operation.security ?? description.security).some((one) => Object.keys(one).length)) {
    lines.push('-H "Authorization: Bearer $TESSERA_KEY"');
  }
  const content = operation.requestBody?.content ?? {};
  const schema = content['application/json']?.schema;
  const [type] = Object.keys(content);
  if (schema) {
    const example = JSON.stringify(schemaExample(description, schema)).replaceAll("'", "'\\''");
    lines.push('-H "Content-Type: application/json"', `-d '${example}'`);
  } else if (type) {
    lines.push(`-H "Content-Type: ${type.replace('*', 'wav')}"`, `--data-binary @${type.startsWith('audio') ? 'gong.wav' : 'picture.png'}`);
  }
  return lines.join(' \\\n  ');
}

function docsExample(operation) {
  const text = docsCurl(operation);
  const button = build('button', { class: 'button small quiet docs-copy', type: 'button' }, 'Copy');
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(text);
    button.textContent = 'Copied';
    setTimeout(() => { button.textContent = 'Copy'; }, 1500);
  });
  return build('div', { class: 'docs-example' }, build('pre', { tabindex: '0' }, build('code', {}, text)), button);
}

function docsBody(body) {
  const content = Object.entries(body.content);
  const schema = body.content['application/json']?.schema;
  if (!schema) return build('p', {}, ...content.flatMap(([type], i) => [...(i ? [', '] : []), build('code', {}, type)]));
  return build('div', {}, build('p', { class: 'docs-type' }, ...schemaWords(schema), body.required ? ', required' : ', may be left out'),
    schemaFields(resolve(description, schema)));
}

function docsResponse([status, given]) {
  const response = resolve(description, given);
  const content = Object.entries(response.content ?? {}).filter(([type]) => type !== 'application/problem+json');
  const what = content.flatMap(([type, { schema } = {}]) => [' ', schema ? build('span', { class: 'docs-type' }, ...schemaWords(schema)) : build('code', {}, type)]);
  const codes = (response['x-codes'] ?? []).flatMap((code) => [' ', build('code', {}, code)]);
  return build('li', { class: 'docs-response' }, build('span', { class: `docs-status docs-status-${status[0]}` }, status),
    build('div', {}, ...textInline(response.description), ...what, ...codes));
}

function docsPart(title, content) {
  return build('section', { class: 'docs-part' }, build('h4', {}, title), content);
}

function docsOperation(operation) {
  const { parameters, requestBody, responses } = operation;
  return build('article', { class: 'docs-operation', id: operation.operationId, 'data-words': docsWords(operation) },
    build('h3', {}, build('a', { href: `#${operation.operationId}` }, operation.summary)),
    build('p', { class: 'docs-path' }, method(operation.method), build('code', {}, ...docsBreakable(operation.path))),
    ...textBlocks(operation.description),
    build('div', { class: 'docs-columns' },
      build('div', {},
        docsPart('Who may', build('p', {}, docsCredentials(operation))),
        parameters.length ? docsPart('Parameters', build('ul', { class: 'docs-fields' }, ...parameters.map((each) =>
          fieldRow(each.name, each.schema, each.required, `${each.description} (${each.in})`)))) : null,
        requestBody ? docsPart('Body', docsBody(requestBody)) : null),
      build('div', {},
        docsPart('Example', docsExample(operation)),
        docsPart('Answers', build('ul', { class: 'docs-responses' }, ...Object.entries(responses).map(docsResponse))))));
}

// A long path may be broken after a slash.
const docsBreakable = (path) => path.split(/(?<=\/)/).flatMap((part, i) => (i ? [build('wbr'), part] : [part]));

function docsWords(operation) {
  return [operation.path, operation.method, operation.operationId, operation.summary, operation.description ?? '',
    ...operation.parameters.map((each) => each.name)].join(' ').toLowerCase();
}

// ---- the page ----

function docsChapters() {
  return build('section', { class: 'docs-chapters' }, build('h1', {}, description.info.title, ' for developers'),
    ...textBlocks(description.info.description));
}

function docsGroup(tag) {
  return build('section', { class: 'docs-group', id: `group-${tag.name}` }, build('h2', {}, tag.name),
    build('p', { class: 'docs-lead' }, tag.description ?? ''), ...docsOperations(tag.name).map(docsOperation));
}

function docsSchemas() {
  const schemas = Object.entries(description.components.schemas);
  return build('section', { class: 'docs-group', id: 'schemas' }, build('h2', {}, 'schemas'), ...schemas.map(([name, schema]) =>
    build('article', { class: 'docs-schema', id: `schema-${name}`, 'data-words': name.toLowerCase() },
      build('h3', {}, build('a', { href: `#schema-${name}` }, name)),
      ...textBlocks(schema.description), schemaFields(schema))));
}

function docsNav() {
  const link = (href, ...children) => build('li', {}, build('a', { href }, ...children));
  const chapters = [...description.info.description.matchAll(/^## (.*)$/gm)].map(([, words]) => link(`#${slug(words)}`, words));
  const groups = description.tags.map((tag) => build('section', { 'data-group': tag.name },
    build('h2', {}, build('a', { href: `#group-${tag.name}` }, tag.name)),
    build('ul', {}, ...docsOperations(tag.name).map((each) => {
      const item = link(`#${each.operationId}`, method(each.method), each.summary);
      item.dataset.words = docsWords(each);
      return item;
    }))));
  byId('nav').replaceChildren(build('section', { class: 'docs-first' }, build('h2', {}, 'first of all'), build('ul', {}, ...chapters)), ...groups,
    build('section', { class: 'docs-first' }, build('h2', {}, build('a', { href: '#schemas' }, 'schemas'))));
}

function docsSearch(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  for (const element of document.querySelectorAll('[data-words]')) {
    element.hidden = !words.every((word) => element.dataset.words.includes(word));
  }
  for (const part of document.querySelectorAll('.docs-chapters, .docs-first')) part.hidden = words.length > 0;
  let found = 0;
  for (const group of document.querySelectorAll('.docs-group, [data-group]')) {
    group.hidden = !group.querySelector('[data-words]:not([hidden])');
    found += group.hidden ? 0 : 1;
  }
  byId('wait').hidden = found > 0;
  byId('wait').textContent = 'Nothing here has these words.';
}

// The browser looked for the anchor before there was one.
function docsGoTo(hash) {
  if (hash.length > 1) document.getElementById(decodeURIComponent(hash.slice(1)))?.scrollIntoView();
}

async function docsInit() {
  const wide = matchMedia('(min-width: 960px)');
  const show = () => { byId('contents').open = wide.matches; };
  wide.addEventListener('change', show);
  show();
  try {
    const answer = await fetch('/api/v1/openapi.json');
    if (!answer.ok) throw new Error(answer.statusText);
    description = await answer.json();
  } catch {
    byId('wait').textContent = 'The description could not be loaded. Try again in a moment.';
    return;
  }
  byId('wait').hidden = true;
  byId('reference').append(docsChapters(), ...description.tags.map(docsGroup), docsSchemas());
  byId('reference').removeAttribute('aria-busy');
  docsNav();
  byId('search').addEventListener('input', (event) => docsSearch(event.target.value));
  byId('nav').addEventListener('click', (event) => {
    if (event.target.closest('a') && !wide.matches) byId('contents').open = false;
  });
  docsGoTo(location.hash);
}

themeInit();
docsInit();

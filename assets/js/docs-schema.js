// SPDX-License-Identifier: MIT
// JSON schemas of the description, in words; and an example of what fits one.
import { build } from './dom.js';
import { textInline } from './docs-text.js';

export const nameOf = (ref) => ref.split('/').pop();

export function resolve(description, thing) {
  if (!thing?.$ref) return thing;
  const target = thing.$ref.slice(2).split('/').reduce((at, part) => at?.[part], description);
  return { ...target, ...thing };
}

// "a whole number, 1 to 200", with links where another schema is meant.
export function schemaWords(schema) {
  if (!schema) return ['anything'];
  if (schema.$ref) return [build('a', { href: `#schema-${nameOf(schema.$ref)}` }, nameOf(schema.$ref))];
  if (schema.anyOf) return schema.anyOf.flatMap((one, i) => [...(i ? [' or '] : []), ...schemaWords(one)]);
  if (schema.const !== undefined) return [build('code', {}, JSON.stringify(schema.const))];
  if (schema.enum) return schema.enum.flatMap((value, i) => [...(i ? [' | '] : []), build('code', {}, String(value))]);
  const types = [schema.type ?? 'object'].flat();
  if (types.includes('array')) return ['list of ', ...schemaWords(schema.items)];
  const words = types.map((type) => (type === 'integer' ? 'whole number' : type)).join(' or ');
  return [schema.format ? `${words} (${schema.format})` : words];
}

function limits(schema) {
  const said = [];
  if (schema.minimum !== undefined && schema.maximum !== undefined) said.push(`${schema.minimum} to ${schema.maximum}`);
  else if (schema.minimum !== undefined) said.push(`at least ${schema.minimum}`);
  if (schema.minLength > 1) said.push(`at least ${schema.minLength} characters`);
  if (schema.maxLength) said.push(`at most ${schema.maxLength} characters`);
  if (schema.maxItems) said.push(`at most ${schema.maxItems}`);
  if (schema.pattern) said.push(build('code', {}, schema.pattern));
  if (schema.default !== undefined) said.push(`default ${JSON.stringify(schema.default)}`);
  return said.flatMap((part, i) => (i ? [', ', part] : [part]));
}

export function fieldRow(name, schema, isRequired, description) {
  const words = schemaWords(schema);
  const bounds = limits(schema);
  return build('li', { class: 'docs-field' },
    build('div', { class: 'docs-field-head' }, build('code', { class: 'docs-field-name' }, name),
      build('span', { class: 'docs-type' }, ...words, ...(bounds.length ? [', ', ...bounds] : [])),
      isRequired ? build('span', { class: 'docs-required' }, 'required') : null),
    description ? build('p', {}, ...textInline(description)) : null);
}

export function schemaFields(schema) {
  const fields = Object.entries(schema?.properties ?? {});
  if (!fields.length) return build('p', { class: 'docs-type' }, ...schemaWords(schema));
  const required = schema.required ?? [];
  return build('ul', { class: 'docs-fields' },
    ...fields.map(([name, field]) => fieldRow(name, field, required.includes(name), field.description)));
}

const samples = {
  RoomId: 'ada', Time: '2026-01-02T03:04:05Z', Colour: '#0c6b61', Role: 'member', LayoutKind: 'speaker',
  Permissions: ['speak', 'camera'], EventTypes: ['*'],
};
const byField = {
  url: 'https://example.org/hook', login: 'ada', password: 'correct horse battery', text: 'Hello', title: 'Office hours',
  email: 'ada@example.org', name: 'Ada', id: 'ada', reason: 'Good night', old_password: 'the one before',
};

function sampleText(name, schema) {
  if (byField[name]) return byField[name];
  return schema.format === 'date-time' ? samples.Time : 'text';
}

// What somebody would write there: the required fields, or else the first few.
export function schemaExample(description, schema, name = '') {
  if (schema?.$ref && samples[nameOf(schema.$ref)]) return samples[nameOf(schema.$ref)];
  const whole = resolve(description, schema) ?? {};
  if (whole.anyOf) return schemaExample(description, whole.anyOf[0], name);
  if (whole.const !== undefined) return whole.const;
  if (whole.enum) return whole.enum[0];
  if (whole.default !== undefined) return whole.default;
  const type = [whole.type ?? 'object'].flat()[0];
  if (type === 'object') {
    const names = whole.required ?? Object.keys(whole.properties ?? {}).slice(0, 2);
    return Object.fromEntries(names.map((each) => [each, schemaExample(description, whole.properties[each], each)]));
  }
  if (type === 'array') return [schemaExample(description, whole.items, name)];
  if (type === 'boolean') return true;
  if (type === 'integer' || type === 'number') return whole.minimum > 0 ? whole.minimum : 1;
  return sampleText(name, whole);
}

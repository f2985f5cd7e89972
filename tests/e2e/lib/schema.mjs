// SPDX-License-Identifier: MIT
// JSON Schema, as far as assets/openapi.yaml uses it. A keyword that is not known here throws: nothing is
// passed over in silence.
const notes = new Set(['description', 'examples', 'default', 'title', 'readOnly']);
const formats = {
    'date-time': (text) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text)),
    uri: (text) => URL.canParse(text),
    'uri-reference': (text) => URL.canParse(text, 'http://base'),
    email: (text) => /^[^@\s]+@[^@\s]+$/.test(text),
};

function typeOf(value) {
    if (value === null) return ['null'];
    if (Array.isArray(value)) return ['array'];
    if (typeof value === 'number') return Number.isInteger(value) ? ['integer', 'number'] : ['number'];
    return [typeof value];
}

const lengthOf = (text) => [...text].length;
const isObject = (value) => typeOf(value)[0] === 'object';

const keywords = {
    type: (wanted, value) => [wanted].flat().some((type) => typeOf(value).includes(type)) || `is no ${[wanted].flat().join(' or ')}`,
    const: (wanted, value) => value === wanted || `is not ${JSON.stringify(wanted)}`,
    enum: (wanted, value) => wanted.includes(value) || `is none of ${wanted.join(', ')}`,
    minimum: (least, value) => typeof value !== 'number' || value >= least || `is less than ${least}`,
    maximum: (most, value) => typeof value !== 'number' || value <= most || `is more than ${most}`,
    minLength: (least, value) => typeof value !== 'string' || lengthOf(value) >= least || `is shorter than ${least}`,
    maxLength: (most, value) => typeof value !== 'string' || lengthOf(value) <= most || `is longer than ${most}`,
    pattern: (pattern, value) => typeof value !== 'string' || new RegExp(pattern, 'u').test(value) || `does not match ${pattern}`,
    format: (name, value) => {
        if (!formats[name]) throw new Error(`no format ${name}`);
        return typeof value !== 'string' || formats[name](value) || `is no ${name}`;
    },
    minItems: (least, value) => !Array.isArray(value) || value.length >= least || `has fewer than ${least}`,
    maxItems: (most, value) => !Array.isArray(value) || value.length <= most || `has more than ${most}`,
    uniqueItems: (wanted, value) => !wanted || !Array.isArray(value) || new Set(value).size === value.length || 'has one twice',
    required: (names, value) => !isObject(value) || names.every((name) => name in value) || `lacks ${names.filter((name) => !(name in value))}`,
};

function* faultsInside(document, schema, value, path) {
    if (isObject(value)) {
        for (const [name, inner] of Object.entries(value)) {
            const known = schema.properties?.[name];
            if (known) yield* faults(document, known, inner, `${path}.${name}`);
            else if (schema.additionalProperties === false) yield `${path}.${name} is not in the schema`;
            else if (isObject(schema.additionalProperties)) yield* faults(document, schema.additionalProperties, inner, `${path}.${name}`);
        }
    }
    if (Array.isArray(value) && schema.items) {
        for (const [i, inner] of value.entries()) yield* faults(document, schema.items, inner, `${path}[${i}]`);
    }
}

function* faults(document, given, value, path) {
    const schema = resolve(document, given);
    for (const [keyword, wanted] of Object.entries(schema)) {
        if (notes.has(keyword) || ['properties', 'items', 'additionalProperties'].includes(keyword)) continue;
        if (keyword === 'anyOf') {
            const none = wanted.every((one) => faults(document, one, value, path).next().done === false);
            if (none) yield `${path} is none of what it may be`;
        } else if (keywords[keyword]) {
            const said = keywords[keyword](wanted, value);
            if (said !== true) yield `${path} ${said}`;
        } else {
            throw new Error(`${path}: no keyword ${keyword}`);
        }
    }
    yield* faultsInside(document, schema, value, path);
}

export function resolve(document, thing) {
    if (!thing.$ref) return thing;
    const { $ref, ...more } = thing;
    const target = $ref.slice(2).split('/').reduce((at, part) => at?.[part], document);
    if (!target) throw new Error(`nothing at ${$ref}`);
    return { ...resolve(document, target), ...more };
}

// What is wrong with value, as sentences; none: it fits.
export const schemaFaults = (document, schema, value) => [...faults(document, schema, value, '$')];

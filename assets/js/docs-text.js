// SPDX-License-Identifier: MIT
// The Markdown of our own description, as elements: headings, paragraphs, tables, indented code and `code`.
import { build } from './dom.js';

export const slug = (text) => text.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '');

export function textInline(text) {
  return text.split(/(`[^`]+`)/).filter(Boolean).map((part) =>
    (part.startsWith('`') && part.length > 2 ? build('code', {}, part.slice(1, -1)) : part));
}

const cells = (line) => line.trim().replace(/^\||\|$/g, '').split('|').map((cell) => cell.trim());

function textTable(lines) {
  const [head, , ...rows] = lines.map(cells);
  return build('div', { class: 'docs-table', tabindex: '0' }, build('table', {},
    build('thead', {}, build('tr', {}, ...head.map((cell) => build('th', { scope: 'col' }, ...textInline(cell))))),
    build('tbody', {}, ...rows.map((row) => build('tr', {}, ...row.map((cell) => build('td', {}, ...textInline(cell))))))));
}

function textHeading(block) {
  const [, marks, words] = /^(#+) (.*)/.exec(block);
  return build(`h${marks.length}`, { id: slug(words) }, words);
}

export function textBlocks(markdown = '') {
  return markdown.trim().split(/\n\s*\n/).map((block) => {
    const lines = block.split('\n');
    if (block.startsWith('#')) return textHeading(block);
    if (lines.every((line) => line.startsWith('    '))) {
      return build('pre', { tabindex: '0' }, build('code', {}, lines.map((line) => line.slice(4)).join('\n')));
    }
    if (lines[0].startsWith('|')) return textTable(lines);
    return build('p', {}, ...textInline(lines.join(' ')));
  });
}

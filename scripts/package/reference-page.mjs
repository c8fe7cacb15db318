// failtome.yaml(5), from the reference of the configuration: docs/configuration.md.
import { lexer } from 'marked';
import { bold, escaped, heading, italic, line, literal } from './roff.mjs';

/**
 * @typedef {import('marked').Token} Token
 * @typedef {import('marked').Tokens.Table} Table
 * @typedef {import('marked').Tokens.TableCell} Cell
 * @typedef {import('marked').Tokens.List} List
 */

/** @param {{ text: string, version: string, epochS: number }} reference */
export function referencePage({ text, version, epochS }) {
  const title = 'failtome.yaml';
  const [, ...tokens] = lexer(text).filter(({ type }) => type !== 'space');
  return `${[
    ...heading({ title, section: 5, version, epochS, about: 'configuration of the failtome agent' }),
    '.SH DESCRIPTION',
    ...tokens.flatMap(blockLines),
    '.SH SEE ALSO',
    'failtome(1), failtome\\-sim(1). The pages that this one names are in /usr/share/doc/failtome.',
  ].join('\n')}\n`;
}

/** @param {Token} token @returns {string[]} */
function blockLines(token) {
  switch (token.type) {
    case 'space':
      return [];
    case 'heading':
      return [token.depth <= 2 ? `.SH ${escaped(token.text).toUpperCase()}` : `.SS ${escaped(token.text)}`];
    case 'paragraph':
      return ['.PP', line(inline(token.tokens))];
    case 'code':
      return literal(token.text);
    case 'list':
      return listLines(/** @type {List} */ (token)); // as its type says
    case 'table':
      return tableLines(/** @type {Table} */ (token)); // as its type says
    default:
      // Left out of the page without a word, it would be missed by nobody before it is needed.
      throw new Error(`docs/configuration.md has a ${token.type}, which the manual page has no form for`);
  }
}

/** @param {List} list */
function listLines({ ordered, items }) {
  return items.flatMap(({ tokens }, index) => [
    ordered ? `.IP ${index + 1}. 4` : '.IP \\(bu 2',
    ...tokens.flatMap((token) => (token.type === 'text' ? [line(inline(token.tokens))] : blockLines(token))),
  ]);
}

/**
 * A terminal is too narrow for columns: a row is a term, and under it the other columns by their names.
 * @param {Table} table
 */
function tableLines({ header, rows }) {
  return rows.flatMap(([term, ...cells]) => [
    '.TP',
    line(inline(term?.tokens)),
    ...(cells.length === 1 ? cells.map(cellText) : cellLines(header.slice(1), cells)),
  ]);
}

/** @param {Cell[]} header @param {Cell[]} cells */
function cellLines(header, cells) {
  const last = cells.length - 1;
  return cells.flatMap((cell, column) =>
    column === last
      ? ['.br', line(cellText(cell))]
      : [...(column > 0 ? ['.br'] : []), `${italic(header[column]?.text ?? '')}: ${cellText(cell)}`],
  );
}

/** @param {Cell} cell */
const cellText = ({ tokens }) => inline(tokens);

/** @param {readonly Token[] | undefined} tokens @returns {string} */
function inline(tokens) {
  return (tokens ?? []).map(inlineText).join('').replace(/\n/g, ' ');
}

/** @param {Token} token @returns {string} */
function inlineText(token) {
  switch (token.type) {
    case 'codespan':
      // A list has no space in it: without a place to break it a long one doesn't fit into a line.
      return bold(plain(token.text)).replaceAll('","', '",\\:"');
    case 'strong':
      return bold(plain(token.text));
    case 'em':
      return italic(plain(token.text));
    case 'link':
      return inline(token.tokens);
    case 'br':
      return ' ';
    case 'text':
    case 'escape':
      return escaped(plain(token.text));
    default:
      throw new Error(`docs/configuration.md has a ${token.type}, which the manual page has no form for`);
  }
}

/** The lexer leaves some characters as HTML has them. @param {string} text */
function plain(text) {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');
}

// What the status page is made of, which the agent's bundle carries as text: its script, its style, and the page of
// what to do about each reason, from docs/operations.md.
import { readFileSync } from 'node:fs';
import { buildSync, transformSync } from 'esbuild';
import { Marked } from 'marked';
import { root } from './install.mjs';

const browsers = ['chrome110', 'firefox115', 'safari16.4'];

/**
 * As constants for the bundler to write in.
 * @returns {{ PAGE_SCRIPT: string, PAGE_STYLE: string, OPERATIONS_BODY: string }}
 */
export function pageParts() {
  return {
    PAGE_SCRIPT: JSON.stringify(script()),
    PAGE_STYLE: JSON.stringify(style()),
    OPERATIONS_BODY: JSON.stringify(operations(readFileSync(`${root}docs/operations.md`, 'utf8'))),
  };
}

/** @returns {string} */
function script() {
  const { outputFiles } = buildSync({
    absWorkingDir: root,
    entryPoints: ['packages/page/src/client/page-main.tsx'],
    bundle: true,
    alias: { '@failtome/protocol': `${root}packages/protocol/src/index.ts` },
    write: false,
    platform: 'browser',
    target: browsers,
    format: 'iife',
    minify: true,
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'error',
  });
  // What ends the element that the script stands in would end it (HTML Living Standard, 4.12.1.3).
  return (outputFiles[0]?.text ?? '').trim().replaceAll('</script', '<\\/script');
}

/** @returns {string} */
function style() {
  const css = readFileSync(`${root}packages/page/src/style.css`, 'utf8');
  return transformSync(css, { loader: 'css', minify: true, target: browsers }).code.trim();
}

/**
 * Every heading by its GitHub anchor, every code by itself: its first row in a table is where it is explained. Other
 * pages aren't there, so that links to them are their text alone.
 * @param {string} markdown
 * @returns {string}
 */
export function operations(markdown) {
  /** @type {Set<string>} */
  const known = new Set();
  const anchor = (/** @type {string} */ name) => {
    if (known.has(name)) return '';
    known.add(name);
    return ` id="${name}"`;
  };
  const marked = new Marked({
    renderer: {
      heading({ tokens, depth, text }) {
        const name = text
          .toLowerCase()
          .replace(/[^\w\- ]/g, '')
          .replaceAll(' ', '-');
        return `<h${depth}${anchor(name)}>${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
      tablerow({ text }) {
        const [cell = ''] = /<td>.*?<\/td>/s.exec(text) ?? [];
        const codes = Array.from(cell.matchAll(/<code>([a-z-]+)<\/code>/g), ([, code = '']) => code);
        const places = codes
          .map((code) => `<span${anchor(code)}></span>`)
          .filter((place) => place !== '<span></span>');
        return `<tr>${text.replace('<td>', `<td>${places.join('')}`)}</tr>\n`;
      },
      link({ href, tokens }) {
        const text = this.parser.parseInline(tokens);
        return href.startsWith('#') ? `<a href="operations${href}">${text}</a>` : text;
      },
    },
  });
  return String(marked.parse(markdown));
}

/** Every link of the documentation leads to a file that there is, and to a heading that it has. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** Markdown of the repository's own, by its path from the root. */
function pages(folder = ''): readonly string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return /^(\.|node_modules$|dist$)/.test(entry.name) ? [] : pages(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

function proseOf(page: string): string {
  return readFileSync(join(root, page), 'utf8').replace(/^ *```[\s\S]*?^ *```/gm, '');
}

/** What a heading's link is called, as GitHub makes it; of equal ones each further has a number. */
function anchorsOf(page: string): ReadonlySet<string> {
  const found = new Map<string, number>();
  const anchors = new Set<string>();
  for (const [, heading = ''] of proseOf(page).matchAll(/^#{1,6} (.+)$/gm)) {
    const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[`*]/g, '');
    const anchor = text
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-');
    const count = found.get(anchor) ?? 0;
    found.set(anchor, count + 1);
    anchors.add(count === 0 ? anchor : `${anchor}-${count}`);
  }
  return anchors;
}

/** The links of a page that lead nowhere. */
function deadLinks(page: string, text: string): readonly string[] {
  const targets = Array.from(text.matchAll(/\]\(([^)\s]+)\)/g), ([, target = '']) => target);
  return targets.filter((target) => {
    if (/^[a-z]+:/.test(target)) return false;
    const [path = '', anchor] = target.split('#');
    const file = path === '' ? page : join(dirname(page), path);
    if (!existsSync(join(root, file))) return true;
    return anchor !== undefined && !anchorsOf(file).has(anchor);
  });
}

test.each(pages())('%s', (page) => {
  expect(deadLinks(page, proseOf(page))).toEqual([]);
});

test('a link to a file or a heading that there is not is noticed', () => {
  expect(pages().length).toBeGreaterThan(30);
  const text =
    '[a](docs/nowhere.md) [b](README.md#nowhere) [c](README.md#two-nodes-on-ec2) [d](#reading-the-code)';
  expect(deadLinks('README.md', text)).toEqual(['docs/nowhere.md', 'README.md#nowhere']);
});

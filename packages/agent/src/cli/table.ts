/** Tables and sentences that fit the width of a terminal. */
import { type Cell, cell, clean, type Look, type Row } from './text.ts';

const GAP = '  ';

/**
 * Columns under their headings, as wide as they need to be; an empty heading row is left out. What is wider than the
 * terminal is folded, the widest columns first: at spaces, else within long names. Where even that does not fit, each row
 * becomes a paragraph.
 */
export function table(headings: readonly string[], rows: readonly Row[], look: Look): readonly string[] {
  const cells = rows.map((row) =>
    headings.map((_, column) => {
      const entry = row[column] ?? '';
      const { text, tone } = typeof entry === 'string' ? cell(entry, 'plain') : entry;
      return cell(clean(text), tone);
    }),
  );
  const titles = headings.map((name) => cell(name.toUpperCase(), 'faint'));
  const all = headings.some((name) => name !== '') ? [titles, ...cells] : cells;
  const widths = widthsWithin(look.width, all);
  if (widths === null) return paragraphs(titles, cells, look);
  return all.flatMap((row) => lineUp(row, widths, look));
}

/** A number and its unit stay together. */
const SPACE = /(?<!\d) | (?!(?:ms|s|min|h|d)(?!\w))/;
/** Where a name may be broken: behind what stands between its parts. An IP address stays whole. */
const PARTS = /(?<=[/@,_-])(?=.)|(?<=\.)(?=[A-Za-z])/;

/**
 * Text in lines of at most this width, broken at spaces. A word that is longer is broken behind a point, a hyphen and the
 * like, and where it has none, at the end of the line.
 */
export function fold(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  const add = (piece: string, space: string): void => {
    const joined = line === '' ? piece : line + space + piece;
    if (joined.length <= width) {
      line = joined;
      return;
    }
    if (line !== '') lines.push(line);
    line = piece;
    while (line.length > width) {
      lines.push(line.slice(0, width));
      line = line.slice(width);
    }
  };
  for (const word of text.split(SPACE)) {
    const [first = '', ...rest] = word.length <= width ? [word] : word.split(PARTS);
    add(first, ' ');
    for (const part of rest) add(part, '');
  }
  lines.push(line);
  return lines;
}

/** A sentence of its own, which may begin with spaces: what doesn't fit goes on below, two spaces further in. */
export function folded(text: string, { width }: Pick<Look, 'width'>): readonly string[] {
  const [indent = ''] = /^ */.exec(text) ?? [];
  if (text.length <= width) return [text];
  const [first = ''] = fold(text.slice(indent.length), width - indent.length);
  const rest = text.slice(indent.length + first.length).trimStart();
  const hanging = `${indent}  `;
  return [indent + first, ...fold(rest, width - hanging.length).map((line) => hanging + line)];
}

/** A column isn't narrowed below this by breaking words. */
const LEAST_COLUMN = 12;
/** A part of a word that is longer isn't broken, so that it can be copied. */
const LONGEST_PART = 40;

/** How wide each column may be so that all fit, with whole words where that is possible; null: they can't. */
function widthsWithin(width: number, rows: readonly (readonly Cell[])[]): readonly number[] | null {
  const words = (text: string): number => longest(text.split(SPACE));
  const parts = (text: string): number => {
    const each = longest(text.split(SPACE).flatMap((word) => word.split(PARTS)));
    return Math.max(Math.min(words(text), LEAST_COLUMN), each > LONGEST_PART ? words(text) : each);
  };
  return narrowed(width, rows, words) ?? narrowed(width, rows, parts);
}

function narrowed(
  width: number,
  rows: readonly (readonly Cell[])[],
  leastOf: (text: string) => number,
): readonly number[] | null {
  const columns = rows[0]?.length ?? 0;
  const widest = (of: (text: string) => number): number[] =>
    Array.from({ length: columns }, (_, column) =>
      Math.max(0, ...rows.map((row) => of(row[column]?.text ?? ''))),
    );
  const widths = widest((text) => text.length);
  const least = widest(leastOf);
  const room = width - GAP.length * (columns - 1);
  let excess = widths.reduce((sum, each) => sum + each, 0) - room;
  while (excess > 0) {
    const slack = widths.map((each, column) => (each > (least[column] ?? 0) ? each : 0));
    const most = slack.indexOf(Math.max(...slack));
    if ((slack[most] ?? 0) === 0) return null;
    widths[most] = (widths[most] ?? 0) - 1;
    excess -= 1;
  }
  return widths;
}

function longest(words: readonly string[]): number {
  return Math.max(0, ...words.map((word) => word.length));
}

function lineUp(row: readonly Cell[], widths: readonly number[], { paint }: Look): readonly string[] {
  const folded = row.map(({ text }, column) => fold(text, Math.max(1, widths[column] ?? 0)));
  const height = Math.max(1, ...folded.map((lines) => lines.length));
  return Array.from({ length: height }, (_, at) => {
    const pieces = row.map(({ tone }, column) => {
      const text = folded[column]?.[at] ?? '';
      const space = column === row.length - 1 ? '' : ' '.repeat((widths[column] ?? 0) - text.length);
      return (text === '' ? '' : paint(text, tone)) + space;
    });
    return pieces.join(GAP).trimEnd();
  });
}

/** Each row by itself: its first cells that say something as a title, the others below it, each after its heading. */
function paragraphs(
  titles: readonly Cell[],
  rows: readonly (readonly Cell[])[],
  { paint, width }: Look,
): readonly string[] {
  const heading = Math.max(...titles.map(({ text }) => text.length));
  return rows.flatMap((row) => {
    const first = row.findIndex((_, column) => titles[column]?.text !== '');
    const title = row.slice(0, first + 1).filter(({ text }) => text !== '');
    const rest = row.flatMap(({ text, tone }, column) => {
      if (column <= first || text === '' || text === '-') return [];
      const lines = fold(text, Math.max(20, width - heading - 2 * GAP.length));
      return lines.map((line, at) => {
        const name = (at === 0 ? (titles[column]?.text ?? '') : '').padEnd(heading);
        return `${GAP}${paint(name, 'faint')}${GAP}${paint(line, tone)}`;
      });
    });
    const name = titles[first]?.text ?? '';
    return [
      `${paint(name, 'faint')} ${title.map(({ text, tone }) => paint(text, tone)).join(' ')}`.trimStart(),
      ...rest,
    ];
  });
}

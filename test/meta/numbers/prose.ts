/** The prose of the documentation, and the numbers in it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root: string = join(import.meta.dirname, '../../..');

function pages(): readonly string[] {
  const docs = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));
  return ['README.md', 'SECURITY.md', 'packages/protocol/PROTOCOL.md', ...docs.map((name) => `docs/${name}`)];
}

/** Files of which the comments are for people, and the rest is data. */
const commented = [
  'packages/agent/deploy/failtome.example.yaml',
  'packages/agent/deploy/prometheus/alerts.yml',
  'packages/agent/deploy/prometheus/scrape.yml',
  'packages/agent/deploy/systemd/failtome.service',
];

/** Sources whose strings are the help of the two commands. */
function helps(): readonly string[] {
  const commands = readdirSync(join(root, 'packages/sim/src/commands'));
  return [
    'packages/agent/src/cli/program.ts',
    ...commands.map((name) => `packages/sim/src/commands/${name}`),
  ];
}

/** What a reader reads, by file, as one line each: spaces and line breaks don't matter. */
export function proseByFile(): ReadonlyMap<string, string> {
  const read = (file: string): string => readFileSync(join(root, file), 'utf8');
  return new Map([
    ...pages().map((file) => [file, oneLine(withoutData(read(file)))] as const),
    ...commented.map((file) => [file, oneLine(commentsOf(read(file)))] as const),
    ...helps().map((file) => [file, oneLine(helpOf(read(file)))] as const),
  ]);
}

/** Without blocks of code, whose values are examples, and parts that are made from the code. */
function withoutData(markdown: string): string {
  return (
    markdown
      .replace(/```(?!\n(?:detect|bound))[\s\S]*?```/g, '')
      .replace(/<!-- (actions|claims|observations):[\s\S]*?<!-- end -->/g, '')
      .replace(/\]\([^)]*\)/g, ']')
      // Of a key of the configuration, what it accepts and its default are held to the table of keys by a test of their own.
      .replace(/^(\| `[\w.[\]]+` \|)(?:[^|\n]|\\\|)+\|(?:[^|\n]|\\\|)+\|(?=[^|\n]+\|$)/gm, '$1')
      .replace(/^\d+\. /gm, '')
  );
}

function commentsOf(text: string): string {
  return [...text.matchAll(/(?:^|\s)#(?! yaml-language-server)(.*)$/gm)]
    .map(([, comment]) => comment)
    .join('\n');
}

/** The strings of calls that make options, arguments and descriptions. */
function helpOf(source: string): string {
  const calls = source.matchAll(/\.(?:option|description|argument|addOption|addHelpText)\(([\s\S]*?)\)\n/g);
  return [...calls].flatMap(([, inner = '']) => inner.match(/'[^'\n]*'|`[^`\n]*`/g) ?? []).join('\n');
}

export function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ');
}

/** Digits that are a name, and no number of anything. */
const names =
  /\b\d+\.\d+\.\d+\.\d+(?:\/\d+)?(?::\d+)?\b|\[::\]:\d+|\b[ILM]\d+[a-z]?\b|\bduty \d|\bRFC \d+(?:, [\d.]+)?|\bISO \d+|UTF-8|SHA256|base64(?:url)?|\bEC2\b|IPv[46]|IMDSv2|HTTP\/[\d.]+|\/v1\/|\bv[12]\b|us-east-1a?|arn:aws:[\w:-]+|\b20\d\d-\d\d-\d\d\b|\bSince 1970\b|\b[ia]-\w+\b|eipalloc-\w+|AWS_ENDPOINT_URL_EC2|\bec2\b|ec2:|2⁵⁴|%\d\w/g;

const number =
  /(?<![\w.])\d[\d_]*(?:,\d{3})*(?:\.\d+)?(?:\s?(?:ms|s|m|h|min|%|KiB|MiB)\b)?|\b(?:four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|thirty|sixty|hundred|thousand)\b/gi;

export interface Found {
  readonly number: string;
  readonly around: string;
}

/** Every number in a text, with what stands around it. */
export function numbersIn(text: string): readonly Found[] {
  const plain = text.replace(names, (name) => '·'.repeat(name.length));
  return [...plain.matchAll(number)].map((match) => ({
    number: match[0],
    around: text.slice(Math.max(0, match.index - 45), match.index + match[0].length + 35).trim(),
  }));
}

/** A constant of the code by its name: of the file, or of the one other file of the package to which it has moved. */
export function constant(file: string, name: string): number {
  const [folder = file] = /^packages\/\w+\/src/.exec(file) ?? [];
  const written = writtenIn(file, name) ?? onlyOne(folder, name);
  if (written === null)
    throw new Error(`neither ${file} nor one other file of ${folder} has a number ${name}`);
  return written.split('*').reduce((product, factor) => product * Number(factor.replaceAll('_', '')), 1);
}

function writtenIn(file: string, name: string): string | null {
  const pattern = new RegExp(`(?:const ${name}(?:: \\w+)? =|\\b${name}:) ([\\d_.* ]+)[;,]`);
  const path = join(root, file);
  return existsSync(path) ? (pattern.exec(readFileSync(path, 'utf8'))?.[1] ?? null) : null;
}

function onlyOne(folder: string, name: string): string | null {
  const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).filter((each) =>
    each.endsWith('.ts'),
  );
  const found = files.flatMap((each) => writtenIn(`${folder}/${each}`, name) ?? []);
  return found.length === 1 ? (found[0] ?? null) : null;
}

/** A number that has no name in the code: the first group of the pattern. */
export function numberAt(file: string, pattern: RegExp): number {
  const [, written] = pattern.exec(readFileSync(join(root, file), 'utf8')) ?? [];
  if (written === undefined) throw new Error(`${file} has nothing like ${pattern}`);
  return Number(written.replaceAll('_', ''));
}

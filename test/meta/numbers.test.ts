/**
 * Every number in the prose that states a bound, a default, a duration or a count of the code is tied to the code: it
 * stands in a sentence of `numbers/ties.ts` with the constant, or `numbers/plain.ts` says what else it is.
 */
import { describe, expect, test } from 'vitest';
import { checkConfig } from '../../packages/agent/src/config/load.ts';
import { plain } from './numbers/plain.ts';
import { numbersIn, oneLine, proseByFile } from './numbers/prose.ts';
import { ties } from './numbers/ties.ts';

const prose = proseByFile();

function rendered(sentence: string, values: readonly (string | number)[]): string {
  const rest = [...values];
  return oneLine(sentence.replace(/\{\}/g, () => String(rest.shift())));
}

const sentences = ties.map(([file, sentence, ...values]) => ({ file, sentence, values }));

test.each(sentences)('$file says: $sentence', ({ file, sentence, values }) => {
  expect(sentence.split('{}')).toHaveLength(values.length + 1);
  expect(prose.get(file)).toContain(rendered(sentence, values));
});

/** The prose without what is accounted for. */
function unaccounted(file: string, text: string): string {
  const tied = ties
    .filter(([of]) => of === file)
    .reduce((rest, [, sentence, ...values]) => rest.replaceAll(rendered(sentence, values), ' … '), text);
  return plain
    .filter(({ pages }) => pages.test(file))
    .reduce((rest, { text: pattern }) => rest.replace(pattern, ' … '), tied);
}

describe('a number that is neither tied nor something else is told, with what stands around it', () => {
  test.each([...prose])('%s', (file, text) => {
    expect(numbersIn(unaccounted(file, text)).map(({ number, around }) => `${number} in: ${around}`)).toEqual(
      [],
    );
  });

  test('a new sentence with a number is noticed', () => {
    const [file = '', text = ''] = [...prose][0] ?? [];
    expect(numbersIn(unaccounted(file, text))).toEqual([]);
    expect(numbersIn(unaccounted(file, `${text} A cluster has at most 64 of these.`))).toHaveLength(1);
    expect(numbersIn(unaccounted(file, `${text} It takes up to twenty minutes.`))).toHaveLength(1);
  });
});

test.each(plain.map(({ pages, text }) => [String(text), pages, text] as const))(
  '%s is still written somewhere',
  (_, pages, text) => {
    expect([...prose].some(([file, page]) => pages.test(file) && page.search(text) >= 0)).toBe(true);
  },
);

test('a cluster shares as many addresses as the documentation says, and one more is refused', () => {
  const [, most = ''] =
    /The cluster shares at most (\d+)/.exec(prose.get('docs/configuration.md') ?? '') ?? [];
  const withAddresses = (count: number): Buffer =>
    Buffer.from(`cluster: web
node: { id: saturn }
peers: [{ id: neptune, url: "http://10.0.1.11:8741" }]
auth: { keyFile: /etc/failtome/cluster.key }
driver: { kind: ec2 }
addresses: [${Array.from({ length: count }, (_, index) => `{ ip: 198.51.100.${index + 1} }`).join(', ')}]
`);
  expect(checkConfig('many.yaml', withAddresses(Number(most)), {})).toMatchObject({ kind: 'loaded' });
  const refused = checkConfig('many.yaml', withAddresses(Number(most) + 1), {});
  expect(JSON.stringify(refused)).toContain(`at most ${most}`);
  expect(refused.kind).not.toBe('loaded');
});

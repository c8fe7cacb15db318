/** `failtome voters`: what it prints, its exit codes, and what is refused before anything is asked. */
import { expect, test } from 'vitest';
import type { HttpClient } from '../src/cli/http.ts';
import { outputFits } from './api/answers.ts';
import { answered, CONFIG, cli, STATUS } from './support/cli.ts';

type Status = typeof STATUS;

const [PEER] = STATUS.peers;
const NEPTUNE: Status = {
  ...STATUS,
  node: { ...STATUS.node, id: 'neptune' },
  peers: PEER === undefined ? [] : [{ ...PEER, id: 'saturn', state: 'alive' }],
};

/** Saturn, where the command runs, and neptune. */
function nodes(saturn: unknown, neptune: unknown): HttpClient {
  return async ({ url }) => {
    const json = url.startsWith('http://10.0.1.11:8741') ? neptune : saturn;
    return json === null ? { kind: 'failed', detail: 'nobody listens there' } : answered(200, json);
  };
}

test('who votes is shown as each node has it, and all agree', async () => {
  const { code, out } = await cli(['voters'], { http: nodes(STATUS, NEPTUNE) });
  expect(code).toBe(0);
  expect(out.split('\n')).toEqual([
    expect.stringMatching(/^NODE +ROLE +STATE +VERSION +ELECTORATE +VOTERS/),
    expect.stringMatching(/^saturn +candidate +answers +\S+ +e1ec7043 +neptune, saturn/),
    expect.stringMatching(/^neptune +candidate +answers +\S+ +e1ec7043 +neptune, saturn/),
    '',
    '2 voters, of which 2 are a majority.',
    'One electorate, one majority.',
    '',
  ]);
});

test('nodes that differ, or do not answer, are no agreement', async () => {
  const other = { ...NEPTUNE, electorate: { voters: ['neptune', 'pluto', 'saturn'], digest: 'other' } };
  const differing = await cli(['voters', '--json'], { http: nodes(STATUS, other) });
  expect(differing.code).toBe(1);
  expect(JSON.parse(differing.out)).toMatchObject({
    agree: false,
    majorities: 1,
    electorates: [
      { voters: ['neptune', 'saturn'], nodes: ['saturn'], needed: 1, couldDecide: true },
      { digest: 'other', needed: 2, couldDecide: false },
    ],
    nodes: [
      { id: 'saturn', reachable: true },
      { id: 'neptune', digest: 'other' },
    ],
  });
  const silent = await cli(['voters', '--json'], { http: nodes(STATUS, null) });
  expect(silent.code).toBe(1);
  expect(JSON.parse(silent.out).nodes[1]).toMatchObject({ reachable: false, voters: null });
  const alone = await cli(['voters'], { http: nodes(null, NEPTUNE) });
  expect(alone.code).toBe(1);
  expect(alone.out).toMatch(/^saturn +- +not reached/m);
});

const URL = ['--url', 'http://10.0.3.10:8741'];

test.each<[what: string, argv: readonly string[], config: string, told: string]>([
  ['a voter without a place', ['add', 'pluto'], CONFIG, '--url: found nothing, expected where its API is'],
  [
    'a member as a voter',
    ['add', 'pluto', ...URL],
    CONFIG.replace('peers: [', 'peers: [{ id: pluto, url: "http://10.0.3.10:8741", role: member }, '),
    'pluto is in /etc/failtome/failtome.yaml as a member',
  ],
  ['the last other voter', ['remove', 'neptune'], CONFIG, 'peers: found no node but this one'],
  ['a URL that is none', ['add', 'pluto', '--url', 'pluto'], CONFIG, 'expected an http or https URL'],
  ['a key that is none', ['add', 'pluto', ...URL, '--public-key', 'x'], CONFIG, 'failtome keygen --public'],
])('%s is refused as usage', async (_, argv, config, told) => {
  const files = { '/etc/failtome/failtome.yaml': config };
  const { code, out, err } = await cli(['voters', ...argv], { files, http: nodes(STATUS, NEPTUNE) });
  expect([code, out]).toEqual([2, '']);
  expect(err).toContain(told);
});

test.each([NEPTUNE, null])(
  'the electorate as JSON is what its schema says, whoever answers',
  async (neptune) => {
    const { out } = await cli(['voters', '--json'], { http: nodes(STATUS, neptune) });
    expect(JSON.parse(out).nodes).toHaveLength(2);
    expect(outputFits('voters', JSON.parse(out))).toBe('');
  },
);

test('an eighth voter is one too many', async () => {
  const more = ['a', 'b', 'c', 'd', 'e'].map(
    (id, at) => `{ id: ${id}, url: "http://10.0.2.${at + 1}:8741" }`,
  );
  const config = CONFIG.replace('peers: [', `peers: [${more.join(', ')}, `);
  const files = { '/etc/failtome/failtome.yaml': config };
  const { code, err } = await cli(['voters', 'add', 'pluto', ...URL], {
    files,
    http: nodes(STATUS, NEPTUNE),
  });
  expect([code, err]).toEqual([
    2,
    expect.stringContaining('8 voters, this node among them, expected at most 7'),
  ]);
});

test('a plan says what is to be done, and asks for nothing to be changed', async () => {
  const asked: string[] = [];
  const http: HttpClient = (request) => {
    asked.push(request.method);
    return nodes(STATUS, NEPTUNE)(request);
  };
  const { code, out } = await cli(['voters', 'replace', 'neptune', ...URL, '--plan', '--json'], { http });
  expect(code).toBe(1);
  expect(JSON.parse(out).detail).toContain('neptune');
  expect(outputFits('voters', JSON.parse(out))).toBe('');
  expect(new Set(asked)).toEqual(new Set(['GET']));
});

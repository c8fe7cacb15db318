/** The nodes side by side: what counts as a disagreement, and what is marked as old. */
import { expect, test } from 'vitest';
import { linesOf } from '../src/differences.ts';
import { addressJson, cluster, nodeJson } from './support.ts';

function differing(...nodes: readonly object[]): readonly string[] {
  return linesOf(cluster(...nodes))
    .filter(({ differs }) => differs)
    .map(({ question }) => question);
}

function textsOf(question: string, ...nodes: readonly object[]): readonly string[] {
  const found = linesOf(cluster(...nodes)).find((line) => line.question === question);
  return found?.cells.map(({ text }) => text) ?? [];
}

const sees = (change: object): object => ({ addresses: [addressJson(change)] });

test('nodes that agree differ in nothing', () => {
  expect(differing(nodeJson('saturn'), nodeJson('neptune'))).toEqual([]);
});

test.each([
  ['Holder', sees({ holder: { kind: 'node', node: 'neptune' } })],
  ['Verdict', sees({ verdict: 'down' })],
  ['Version', { version: '1.1.0' }],
  ['Config', { configDigest: 'aaaaaaaa-cccccccc' }],
  ['Config', { configDigest: 'cccccccc-bbbbbbbb' }],
])('another %s stands out', (question, status) => {
  expect(differing(nodeJson('saturn'), nodeJson('neptune', {}, status))).toEqual([question]);
});

test('who sees nothing, knows no holder, reads no part for candidates or is of an earlier version contradicts nobody', () => {
  const witness = { ...sees({ verdict: 'unknown' }), configDigest: 'aaaaaaaa' };
  expect(differing(nodeJson('saturn'), nodeJson('pluto', { role: 'witness' }, witness))).toEqual([]);
  const earlier = { configDigest: undefined };
  expect(differing(nodeJson('saturn'), nodeJson('neptune', {}, earlier))).toEqual([]);
});

test('an old word is shown, and compared with nothing', () => {
  const old = nodeJson(
    'neptune',
    { ageMs: 20_000, failure: { code: 'timeout', message: 'no answer within 3000 ms' } },
    sees({ verdict: 'down' }),
  );
  expect(differing(nodeJson('saturn'), old)).toEqual([]);
  expect(textsOf('Last word', nodeJson('saturn'), old)).toEqual(['this node', 'no answer for 20 s']);
  expect(textsOf('Verdict', nodeJson('saturn'), old)).toEqual(['up', 'down']);
});

test('a node without a word has none in any line but the first', () => {
  const silent = { id: 'neptune', role: 'candidate', self: false, ageMs: null, failure: null, status: null };
  expect(textsOf('Last word', nodeJson('saturn'), silent)).toEqual(['this node', 'not asked yet']);
  expect(textsOf('Version', nodeJson('saturn'), silent)).toEqual(['1.0.0', '–']);
});

test('peers that are not heard are named, many of them counted', () => {
  const peers = (count: number) =>
    Array.from({ length: count }, (_, at) => ({ id: `node-${at}`, state: 'dead' }));
  expect(textsOf('Hears', nodeJson('saturn', {}, { peers: peers(1) }))).toEqual(['node-0 is dead']);
  expect(textsOf('Hears', nodeJson('saturn', {}, { peers: peers(40) }))).toEqual(['40 of 40 silent']);
});

test('several addresses have lines of their own', () => {
  const two = { addresses: [addressJson(), addressJson({ ip: '192.0.2.2' })] };
  const questions = linesOf(cluster(nodeJson('saturn', {}, two))).map(({ question }) => question);
  expect(questions).toContain('Verdict of 192.0.2.1');
  expect(questions).toContain('Holder of 192.0.2.2');
});

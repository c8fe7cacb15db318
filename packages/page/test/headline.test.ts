/** All nodes' words on an address as one: whose word counts. */
import { expect, test } from 'vitest';
import { headlinesOf, worstOf } from '../src/headline.ts';
import { titleOf } from '../src/outside.ts';
import { addressJson, cluster, IP, nodeJson, says } from './support.ts';

function headline(...nodes: readonly object[]) {
  const [first] = headlinesOf(cluster(...nodes));
  return first;
}

const about = (id: string, change: object, node: object = {}): object =>
  nodeJson(id, node, { addresses: [addressJson(change)] });

const running = { mode: 'takeover', phase: 'taking', forMs: 900, steps: [] };
const down = { verdict: 'down', verdictForMs: 7_000 };

test('a cluster in which all is well is protected, with who serves and who would be next', () => {
  expect(headline(nodeJson('saturn'), nodeJson('neptune'))).toMatchObject({
    ip: IP,
    state: 'protected',
    holder: 'saturn',
    next: 'neptune',
    downForMs: null,
  });
});

test('whoever is about a takeover knows best, whatever the others see', () => {
  const mover = about('neptune', {
    ...down,
    ...says('failing-over', ['agreed: taking'], 'neptune'),
    takeover: running,
  });
  const heard = about('saturn', {
    ...down,
    ...says('failing-over', ['ballot-open: neptune asks'], 'neptune'),
  });
  const blind = about('pluto', { ...down, ...says('outage', ['dead: saturn']) });
  expect(headline(heard, blind, mover)).toMatchObject({
    state: 'failing-over',
    reasons: [{ code: 'agreed' }],
  });
  expect(headline(blind, heard)).toMatchObject({ state: 'failing-over', next: 'neptune' });
});

test('a failure is believed where as many see it as not, and told by who could do something about it', () => {
  const holder = about('saturn', { ...down, ...says('outage', ['address-down: neptune']) });
  const standby = about('neptune', {
    verdict: 'down',
    verdictForMs: 9_000,
    ...says('outage', ['paused: by ada']),
  });
  expect(headline(holder, standby)).toMatchObject({
    state: 'outage',
    downForMs: 9_000,
    reasons: [{ code: 'paused', text: 'by ada', advice: 'do something about paused: by ada' }],
  });
  expect(headline(holder, nodeJson('neptune'))).toMatchObject({ state: 'outage' });
  expect(headline(holder, nodeJson('neptune'), nodeJson('pluto'))).toMatchObject({ state: 'protected' });
});

test('while it answers the most careful word counts, but not of who sees nothing', () => {
  const careful = about('saturn', says('no-standby', ['dead: neptune']));
  expect(headline(careful, nodeJson('neptune'))).toMatchObject({
    state: 'no-standby',
    reasons: [{ code: 'dead' }],
  });
  const blind = about('pluto', {
    verdict: 'unknown',
    ...says('no-standby', ['verdict-unknown: no probe yet']),
  });
  expect(headline(nodeJson('saturn'), blind)).toMatchObject({ state: 'protected' });
  expect(headline(blind)).toMatchObject({ state: 'no-standby' });
});

test('an old word counts no more, and without any the state is not known', () => {
  const old = about('neptune', says('outage'), { ageMs: 5_001 });
  expect(headline(nodeJson('saturn'), old)).toMatchObject({ state: 'protected' });
  expect(headline(old)).toMatchObject({ state: 'unknown', holder: '', next: '' });
});

test('an agent of an earlier version says nothing of protection, and that is what is shown', () => {
  expect(headline(nodeJson('saturn', {}, { addresses: [{ ip: IP, verdict: 'up' }] }))).toMatchObject({
    state: 'unknown',
  });
});

test('of several addresses the worst is in the title, with its name', () => {
  const second = addressJson({ ip: '192.0.2.2', ...says('no-standby') });
  const two = cluster(nodeJson('saturn', {}, { addresses: [addressJson(), second] }));
  expect(worstOf(headlinesOf(two))).toBe('no-standby');
  expect(titleOf(two)).toBe('No standby of 192.0.2.2 · web · failtome');
  expect(titleOf(cluster(nodeJson('saturn')))).toBe('Protected · web · failtome');
  expect(titleOf(cluster())).toBe('Not known · web · failtome');
});

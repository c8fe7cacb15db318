/** The whole document, whatever the nodes tell: it is always one, and always text. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { renderPage } from '../src/index.ts';
import { ago, clock, duration, moment, sentence } from '../src/text.ts';
import { addressJson, nodeJson, says } from './support.ts';

const PARTS = { script: 'go()', style: 'p{}' };

function bodyOf(json: unknown): string {
  const page = renderPage(json, PARTS);
  return page.slice(page.indexOf('<body>'), page.indexOf('<script type='));
}

/** What is read of it, without what marks it up. */
function readOf(json: unknown): string {
  return bodyOf(json)
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ');
}

function web(...nodes: readonly object[]): object {
  return { cluster: 'web', node: 'saturn', at: 1_767_323_045_000, nodes, stories: [] };
}

test.each([
  ['protected', 'Protected', 'neptune would take over.'],
  ['no-standby', 'No standby', 'Nobody could take over now.'],
  ['failing-over', 'Failing over', 'neptune takes it over.'],
  ['outage', 'Outage', 'nobody takes it over.'],
  ['paused', 'Paused', 'Nobody would take over before the pause ends.'],
])('%s is told in words', (state, word, sentenceOfIt) => {
  const change = { verdict: state === 'outage' ? 'down' : 'up', ...says(state, [], 'neptune') };
  const text = readOf(web(nodeJson('saturn', {}, { addresses: [addressJson(change)] })));
  expect(text).toContain(word);
  expect(text).toContain(sentenceOfIt);
});

test('an address that is away from its home is told with what it waits for, by who holds it', () => {
  const home = (because: string, word = 'away'): object =>
    ({ addresses: [addressJson({ home: { node: 'neptune', word, because } })] }) as const;
  const away = web(nodeJson('pluto', {}, home('pluto guesses')), nodeJson('saturn', {}, home('not ready')));
  expect(readOf(away)).toContain('It is away from its home neptune: not ready.');
  expect(readOf(web(nodeJson('saturn', {}, home('', 'home'))))).not.toContain('home');
  expect(readOf(web(nodeJson('saturn')))).not.toContain('home');
});

test('each reason leads to what to do about it, with commands as code', () => {
  const protection = {
    state: 'paused',
    next: null,
    reasons: ['paused: by ada: upgrade'],
    advice: ['run `failtome resume`'],
  };
  const body = bodyOf(web(nodeJson('saturn', {}, { addresses: [addressJson({ protection })] })));
  expect(body).toContain('<a href="operations#paused">paused</a>: by ada: upgrade.');
  expect(body).toContain('<code>failtome resume</code>');
});

test('pauses and open handovers are told with their reasons and ends, each once', () => {
  const open = {
    pause: { paused: true, owner: 'ada', reason: 'upgrade', until: null },
    handovers: [
      {
        id: 'h',
        address: '192.0.2.1',
        to: 'neptune',
        by: 'bob',
        reason: 'kernel',
        state: 'open',
        detail: 'ballot-open',
        until: 1_767_323_945_000,
      },
      { id: 'done', state: 'done' },
    ],
  };
  const text = readOf(web(nodeJson('saturn', {}, open), nodeJson('neptune', {}, open)));
  expect(text).toMatch(
    /Automatic takeover is paused by ada ?: upgrade\. It ends when somebody runs failtome resume/,
  );
  expect(text.match(/Handover of 192\.0\.2\.1 to neptune/g)).toHaveLength(1);
  expect(text).toMatch(/Open until 2026-01-02 03:19:05Z ?; waits: ballot-open/);
});

test('the three states of a gate are told apart without colours', () => {
  const gates = [
    { name: 'role', state: 'passed', reason: 'a candidate', ageMs: null },
    {
      name: 'verdict',
      state: 'closed',
      calm: true,
      code: 'address-up',
      reason: 'address-up: it answers',
      ageMs: 300,
    },
    { name: 'local', state: 'closed', calm: false, code: 'local-unfit', reason: 'local-unfit', ageMs: 10 },
    { name: 'guard', state: 'not-asked', reason: 'not asked while verdict is closed', ageMs: null },
  ];
  const decisions = [
    { address: '192.0.2.1', outcome: 'hold', reason: 'address-up', detail: 'it answers', gates },
  ];
  const body = bodyOf(web(nodeJson('neptune', { decisions })));
  for (const label of ['passed', 'closed, as it should be', 'closed', 'not asked'])
    expect(body).toContain(`aria-label="${label}"`);
});

test('whatever the nodes tell, it is one document with two scripts, no style in an attribute and no text that isn’t shown', () => {
  fc.assert(
    fc.property(fc.anything(), fc.jsonValue(), (anything, value) => {
      const nodes = [
        value,
        nodeJson('saturn', Object(value), Object(anything)),
        { status: value, decisions: value },
      ];
      const page = renderPage(
        { cluster: value, node: value, at: value, nodes, stories: [{ entry: value, seen: value }, value] },
        PARTS,
      );
      expect(page.match(/<script/g)).toHaveLength(2);
      expect(page.match(/<\/script>/g)).toHaveLength(2);
      expect(page.replaceAll(/<script.*?<\/script>/gs, '')).not.toMatch(/ style=/);
    }),
    { numRuns: 200 },
  );
});

test('ages and times read as people say them, and no number makes them fail', () => {
  expect([0, 430, 1_240, 9_949, 9_950, 48_000, 180_000, 7_200_000, 259_200_000].map(duration)).toEqual([
    '0 ms',
    '430 ms',
    '1.2 s',
    '9.9 s',
    '10 s',
    '48 s',
    '3 min',
    '2 h',
    '3 days',
  ]);
  expect([ago(100), ago(5_000)]).toEqual(['now', '5.0 s ago']);
  expect(clock(1_767_323_045_000)).toBe('03:04:05Z');
  expect(moment(1_767_323_045_000)).toBe('2026-01-02 03:04:05Z');
  for (const at of [Number.NaN, Number.POSITIVE_INFINITY, 9e15, -1])
    expect(clock(at)).toBe('at an unknown time');
  expect([sentence('saturn'), sentence('Why?')]).toEqual(['saturn.', 'Why?']);
});

/** What the nodes' words come to: electorates, majorities, and how far a change of one voter has come. */
import { describe, expect, test } from 'vitest';
import {
  type ChangeState,
  changeState,
  electoratesOf,
  formerUrls,
  majoritiesText,
  type VoterChange,
} from '../src/cli/voters-judge.ts';
import type { VoterNode, VoterWord } from '../src/cli/voters-read.ts';

const NO_PAUSE: VoterWord['pause'] = {
  ...{ paused: false, by: '', owner: '', reason: '', until: null, version: 0, stored: [], needed: 0 },
};

interface Told extends Partial<Omit<VoterWord, 'peers'>> {
  /** The peers that it doesn't hear. */
  readonly unheard?: readonly string[];
  readonly urls?: Readonly<Record<string, string>>;
}

const url = (id: string): string => `http://${id}:8741`;

/** A node that has these voters. */
function node(id: string, voters: string, { unheard = [], urls = {}, ...more }: Told = {}): VoterNode {
  const list = voters.split(' ').sort();
  const peers = list
    .filter((peer) => peer !== id)
    .map((peer) => ({
      id: peer,
      state: unheard.includes(peer) ? 'dead' : 'alive',
      url: urls[peer] ?? url(peer),
    }));
  const word: VoterWord = {
    ...{ id, cluster: 'web', role: 'candidate', version: '1', voters: list, digest: `2:${voters}` },
    ...{ pause: NO_PAUSE, held: [], moves: [], peers, ...more },
  };
  return { id, role: 'candidate', url: url(id), word, failure: '' };
}

const silent = (id: string): VoterNode => ({
  ...{ id, role: 'candidate', url: url(id), word: null, failure: 'no answer' },
});

describe('electorates', () => {
  const decide = (nodes: readonly VoterNode[], oneDecides = true): readonly string[] =>
    electoratesOf(nodes, { oneDecides })
      .filter(({ couldDecide }) => couldDecide)
      .map(({ voters }) => voters.join(' '));

  test('nodes that agree have one majority, with one of them silent, too', () => {
    const three = [node('a', 'a b c'), node('b', 'a b c'), node('c', 'a b c')];
    expect(decide(three)).toEqual(['a b c']);
    expect(decide([three[0] as VoterNode, silent('b'), silent('c')])).toEqual(['a b c']);
    expect(majoritiesText(electoratesOf(three, { oneDecides: true }))).toBe('One electorate, one majority.');
  });

  test('a change of one voter has one majority at every step, but where one of two decides', () => {
    expect(decide([node('a', 'a b c d'), node('b', 'a b c'), node('c', 'a b c')])).toEqual(['a b c']);
    const fromPair = [node('a', 'a b'), node('b', 'a b c'), node('c', 'a b c')];
    expect(decide(fromPair, false)).toEqual(['a b c']);
    expect(decide(fromPair)).toEqual(['a b c', 'a b']);
    expect(majoritiesText(electoratesOf(fromPair, { oneDecides: true }))).toContain('2 of them could decide');
  });

  test('two changes at once can make two', () => {
    const nodes = [
      ...['a', 'b', 'c'].map((id) => node(id, 'a b c')),
      ...['d', 'e', 'f'].map((id) => node(id, 'd e f')),
    ];
    expect(decide(nodes)).toHaveLength(2);
  });

  test('an arbiter is there for whoever has it', () => {
    expect(decide([node('a', 'a arbiter b'), node('b', 'a b')], false)).toEqual(['a arbiter b']);
  });
});

const CONTEXT = { cluster: 'web', self: 'a', isUnderWay: false };
const ADD: VoterChange = { kind: 'add', id: 'c' };
const REMOVE: VoterChange = { kind: 'remove', id: 'c' };
const REPLACE: VoterChange = { kind: 'replace', id: 'c', url: 'http://new:8741' };

const state = (change: VoterChange, nodes: readonly VoterNode[], more = {}): ChangeState =>
  changeState(change, nodes, { ...CONTEXT, ...more });

/** What is still to be done, as `node what`. */
function lacking(change: VoterChange, nodes: readonly VoterNode[], more = {}): readonly string[] | string {
  const found = state(change, nodes, more);
  if (found.kind === 'open') return found.lacking.map(({ node: id, what }) => `${id} ${what}`);
  return found.kind === 'done' ? 'done' : found.detail;
}

describe('adding', () => {
  const newcomer = { ...silent('c'), url: 'http://c:8741' };

  test('goes from node to node, whatever is done already', () => {
    const [a, b] = [node('a', 'a b'), node('b', 'a b')];
    expect(lacking(ADD, [a, b, newcomer])).toEqual(['a entry', 'b entry', 'c answer']);
    const [nextA, nextB, c] = ['a', 'b', 'c'].map((id) => node(id, 'a b c'));
    if (nextA === undefined || nextB === undefined || c === undefined) throw new Error('a node is missing');
    expect(lacking(ADD, [nextA, b, newcomer])).toEqual(['b entry', 'c answer']);
    expect(lacking(ADD, [nextA, b, c])).toEqual(['b entry']);
    expect(lacking(ADD, [nextA, nextB, node('c', 'a c')])).toEqual(['c entry']);
    expect(lacking(ADD, [nextA, nextB, node('c', 'a b c', { unheard: ['b'] })])).toEqual(['c hearing']);
    expect(lacking(ADD, [nextA, nextB, c])).toBe('done');
  });

  test.each([
    [
      'a voter that cannot be asked',
      [node('a', 'a b'), silent('b'), newcomer],
      'b (no answer) cannot be asked',
    ],
    ['another change', [node('a', 'a b d'), node('b', 'a b'), newcomer], 'another change is under way'],
    [
      'a takeover',
      [node('a', 'a b', { moves: ['a takeover of 192.0.2.1'] }), node('b', 'a b'), newcomer],
      'something moves: a takeover of 192.0.2.1, as a says',
    ],
    [
      'somebody else at its URL',
      [node('a', 'a b'), node('b', 'a b'), { ...node('d', 'd e'), id: 'c' }],
      'is d of the cluster web',
    ],
    [
      'another cluster',
      [node('a', 'a b'), node('b', 'a b'), node('c', 'c d', { cluster: 'other' })],
      'is c of the cluster other',
    ],
  ])('%s is a reason not to begin', (_, nodes, reason) => {
    expect(lacking(ADD, nodes)).toContain(reason);
  });

  test('what has begun goes on: a move, or a node that restarts, does not stop it', () => {
    const nodes = [node('a', 'a b c', { moves: ['a takeover of 192.0.2.1'] }), node('b', 'a b'), newcomer];
    expect(lacking(ADD, nodes)).toEqual(['b entry', 'c answer']);
    const restarting = [node('a', 'a b'), silent('b'), newcomer];
    expect(lacking(ADD, restarting, { isUnderWay: true })).toEqual(['b answer', 'a entry', 'c answer']);
  });
});

describe('removing', () => {
  test('ends when nobody counts it any more, and it has stopped', () => {
    const before = ['a', 'b', 'c'].map((id) => node(id, 'a b c'));
    expect(lacking(REMOVE, before)).toEqual(['c end', 'a gone-entry', 'b gone-entry']);
    const [a, b] = [node('a', 'a b'), node('b', 'a b')];
    expect(lacking(REMOVE, [a, node('b', 'a b c'), silent('c')])).toEqual(['b gone-entry']);
    expect(lacking(REMOVE, [a, b, node('c', 'a b c')])).toEqual(['c end']);
    expect(lacking(REMOVE, [a, b, silent('c')])).toBe('done');
  });

  test('whoever holds an address, or is asked himself, does not go', () => {
    const held = [{ ip: '192.0.2.1', by: 'c' }];
    const nodes = ['a', 'b', 'c'].map((id) => node(id, 'a b c', { held }));
    expect(lacking(REMOVE, nodes)).toContain('c holds 192.0.2.1: failtome handover 192.0.2.1 first');
    expect(lacking({ kind: 'remove', id: 'a' }, nodes)).toContain('a is this node');
  });
});

describe('replacing', () => {
  const gone: Told = { unheard: ['c'] };
  const told: Told = { urls: { c: 'http://new:8741' } };
  const old = [node('a', 'a b c', gone), node('b', 'a b c', gone)];
  const nowhere = { ...silent('c'), url: 'http://new:8741' };

  test('waits for the new machine, and for those that look for the old one', () => {
    expect(lacking(REPLACE, [...old, nowhere])).toEqual(['a url', 'b url', 'c answer']);
    const arrived = { ...node('c', 'a b c'), url: 'http://new:8741' };
    expect(lacking(REPLACE, [node('a', 'a b c', told), node('b', 'a b c'), arrived])).toEqual(['b url']);
    const nodes = [node('a', 'a b c', told), node('b', 'a b c', told), arrived];
    expect(lacking(REPLACE, nodes)).toBe('done');
  });

  test('while the old one is heard there would be two of one name', () => {
    expect(lacking(REPLACE, [node('a', 'a b c', gone), node('b', 'a b c'), nowhere])).toContain(
      'c still runs: b hears it',
    );
    expect(lacking({ ...REPLACE, id: 'd' }, old)).toBe('d is no voter');
  });

  test('every place where it is said to be is looked at', () => {
    const peers = [
      { id: 'c', url: 'http://c:8741' },
      { id: 'b', url: 'http://b:8741' },
    ];
    const nodes = [node('a', 'a b c', told), node('b', 'a b c', { urls: { c: 'http://older:8741' } })];
    expect(formerUrls('c', 'http://new:8741/', nodes, { peers })).toEqual([
      'http://c:8741',
      'http://older:8741',
    ]);
  });
});

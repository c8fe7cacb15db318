/** Whatever a running node is told and answered, its step never throws, and all that it says and writes can be read. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OPERATOR_PREFIX, type Route } from '../../packages/protocol/src/index.ts';
import { anyMessage } from '../../packages/protocol/test/support/arbitraries.ts';
import { fuzz } from './fuzz.ts';
import { bent, changes, type Json } from './mutate.ts';
import { FuzzedNode, PEERS } from './node.ts';

const operator = `${OPERATOR_PREFIX}ann`;
const routes: readonly Route[] = ['/v1/gossip', '/v1/vote', '/v1/handover', '/v1/pause', '/v1/resume'];

/** The names that the node knows, in place of random ones, so that what is said concerns somebody. */
function aboutSomebody(value: Json, pick: () => number, name = ''): Json {
  if (typeof value === 'string') {
    const known = ['saturn', ...PEERS][pick() % 4] ?? '';
    if (['ip', 'address'].includes(name)) return '203.0.113.7';
    return ['id', 'node', 'to', 'candidate', 'voter', 'by'].includes(name) ? known : value;
  }
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((part) => aboutSomebody(part, pick, name));
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [key, aboutSomebody(part, pick, key)]),
  );
}

/** One thing that happens. */
const event = fc.record({
  kind: fc.constantFrom('say', 'say', 'say', 'answer', 'answer', 'answer', 'tick', 'order', 'any', 'restart'),
  message: anyMessage,
  changed: fc.oneof(fc.constant([]), changes),
  from: fc.constantFrom(...PEERS),
  route: fc.constantFrom(...routes),
  which: fc.nat(1_000),
  ms: fc.constantFrom(0, 1, 100, 500, 2_000, 30_000),
});

/** @returns messages that counted */
function run(events: readonly (typeof event extends fc.Arbitrary<infer T> ? T : never)[]): number {
  const node = new FuzzedNode();
  for (const { kind, message, changed, from, route, which, ms } of events) {
    let picks = which;
    const about = aboutSomebody(JSON.parse(JSON.stringify(message.payload)) as Json, () => (picks += 7));
    const { command, outcome: _, refused: __, ...rest } = about as Readonly<Record<string, Json>>;
    const record = rest.node === undefined ? {} : { node: { ...(rest.node as object), id: from } as Json };
    const payload = bent({ ...rest, ...record, version: which + 1 }, changed);
    if (kind === 'say') node.say(from, route === '/v1/vote' ? '/v1/vote' : '/v1/gossip', payload);
    else if (kind === 'answer') node.answer(which, which, payload);
    else if (kind === 'tick') node.tick(ms);
    else if (kind === 'order')
      node.say(
        operator,
        route,
        bent({ version: 0, ack: 0, ...(command === undefined ? {} : { command }) }, changed),
      );
    else if (kind === 'any') node.receive(bent(JSON.parse(JSON.stringify(message)) as Json, changed), route);
    else node.restart(ms > 100 ? 'killed' : 'stopped');
  }
  node.restart('killed');
  node.tick(600);
  return node.admitted;
}

const events = fc.array(event, { minLength: 20, maxLength: 60 });

fuzz('a running node', 60, () => fc.property(events, (all) => void run(all)));

test('much of what the node is told counts', () => {
  const counted = fc.sample(events, { numRuns: 20, seed: 1 }).map(run);
  expect(counted.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(60);
});

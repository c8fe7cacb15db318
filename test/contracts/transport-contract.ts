/** What the protocol counts on from the port `transport`: the agent's over sockets, the simulator's over virtual links. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { envelope } from '../../packages/agent/test/support/api.ts';
import type { Envelope, Event, ReplyEffect, SendEffect } from '../../packages/protocol/src/index.ts';

/**
 * What the peer does with the requests that come from now on. `silent`: it takes them, and answers when it is told to;
 * `refuses`: nobody listens; `breaks`: the path says no, or the connection breaks; `forgets`: connections from before
 * are dead, and nobody has noticed.
 */
export type PeerBehaviour = 'answers' | 'silent' | 'refuses' | 'breaks' | 'forgets';

/** A node's transport, and a peer of its that is called `neptune`. */
export interface TransportWorld {
  readonly posted: readonly Event[];
  send(effect: SendEffect): void;
  peer(behaviour: PeerBehaviour): void | Promise<void>;
  /** What has reached the peer. */
  readonly received: readonly { readonly route: string; readonly message: Envelope }[];
  /** The peer answers a request that it has left unanswered. */
  answer(index: number, status?: ReplyEffect['status']): void;
  /** Resolves once it holds; meanwhile only what needs no time happens, such as a message on its way. */
  until(holds: () => boolean): Promise<void>;
  /** Let so much time pass. */
  pass(ms: number): Promise<void>;
  close(): void | Promise<void>;
}

const TIMEOUT_MS = 1_000;

/** Run the suite. `open` starts a world in which the peer answers. */
export function describeTransport(name: string, open: () => Promise<TransportWorld>): void {
  describe(`the transport ${name}`, () => {
    let world: TransportWorld;
    beforeEach(async () => {
      world = await open();
    });
    /** An effect is answered by one `answered`, or by one `send-failed`; after a time-out, and only then, by both. */
    afterEach(async () => {
      await world.close();
      const ids = new Set(outcomes(world).map(([sendId]) => sendId));
      for (const id of ids) {
        const told = outcomes(world).flatMap(([sendId, what]) => (sendId === id ? [what] : []));
        expect([...told.slice(0, -1), 'the last'], `answers to ${id}`).toEqual(
          told.length === 2 ? ['timeout', 'the last'] : ['the last'],
        );
        if (told.length === 2) expect(told[1]).toBe('answered');
      }
    });

    async function sent(change: Partial<SendEffect> = {}): Promise<string> {
      const sendId = send(world, change);
      const told = (): string | undefined => outcomes(world).find(([id]) => id === sendId)?.[1];
      await world.until(() => told() !== undefined);
      return told() ?? '';
    }

    /** Ballots and rumours are decided on what they say: nothing may be lost on the way, or added. */
    test.each(['/v1/gossip', '/v1/vote'] as const)(
      'carries a message to %s as it is, and the answer back',
      async (route) => {
        const message = envelope({ seq: 7 });
        expect(await sent({ route, message })).toBe('answered');
        expect(world.received).toEqual([{ route, message }]);
        const [event] = world.posted;
        expect(event).toMatchObject({ message: { from: 'neptune', re: { seq: 7 } } });
      },
    );

    /** A peer that refuses is heard: its refusal is an authentic word, and shows that it is alive. */
    test.each([403, 409, 429] as const)('takes a refusal (%i) for an answer', async (status) => {
      await world.peer('silent');
      const sendId = send(world);
      await world.until(() => world.received.length === 1);
      world.answer(0, status);
      await world.until(() => world.posted.length === 1);
      expect(outcomes(world)).toEqual([[sendId, 'answered']]);
    });

    /** "Silent" in a pair needs a ballot that timed out: an agent that is off is told from one that can't be reached. */
    test('says that nobody listens, without waiting for its time', async () => {
      await world.peer('refuses');
      expect(await sent()).toBe('refused');
    });

    /** A copy of a message is refused as replayed, and may have been heard: the protocol speaks again with its next. */
    test('says that a connection broke, and sends nothing twice', async () => {
      await world.peer('breaks');
      expect(await sent()).toBe('unreachable');
      expect(world.received.length).toBeLessThanOrEqual(1);
    });

    /** Ballots, suspicion and silence are counted in these time-outs. */
    test('fails at its time-out when no answer comes, and no sooner', async () => {
      await world.peer('silent');
      send(world);
      await world.until(() => world.received.length === 1);
      await world.pass(TIMEOUT_MS - 100);
      expect(outcomes(world)).toEqual([]);
      await world.pass(200);
      expect(outcomes(world).map(([, what]) => what)).toEqual(['timeout']);
    });

    /** Heard is any authentic answer, a late one included: a peer that is heard at all isn't silent. */
    test('tells an answer that comes after its time-out, but comes', async () => {
      await world.peer('silent');
      send(world);
      await world.until(() => world.received.length === 1);
      await world.pass(TIMEOUT_MS + 500);
      world.answer(0);
      await world.until(() => world.posted.length === 2);
      expect(outcomes(world).map(([, what]) => what)).toEqual(['timeout', 'answered']);
    });

    /** There is a bound to that, for a connection and what waits for it are kept as long. */
    test('tells nothing of an answer that comes much later', async () => {
      await world.peer('silent');
      send(world);
      await world.until(() => world.received.length === 1);
      await world.pass(TIMEOUT_MS + 3_000);
      world.answer(0);
      await world.peer('answers');
      expect(await sent()).toBe('answered');
      expect(outcomes(world).map(([, what]) => what)).toEqual(['timeout', 'answered']);
    });

    /** Each answer names its request; the order is the peer's. A stuck message doesn't hold up the next. */
    test('tells answers in the order in which they come', async () => {
      await world.peer('silent');
      const [first, second] = [send(world), send(world)];
      await world.until(() => world.received.length === 2);
      const place = (sendId: number): number =>
        world.received.findIndex(({ message }) => message.seq === sendId);
      world.answer(place(second));
      await world.until(() => world.posted.length === 1);
      world.answer(place(first));
      await world.until(() => world.posted.length === 2);
      expect(outcomes(world)).toEqual([
        [second, 'answered'],
        [first, 'answered'],
      ]);
    });

    /** After a move kept connections are dead, and nobody has noticed: a ballot to a silent peer goes out on its own. */
    test('reaches a peer over a fresh connection when the kept one is dead', async () => {
      expect(await sent()).toBe('answered');
      await world.peer('forgets');
      const stuck = send(world);
      expect(await sent({ fresh: true })).toBe('answered');
      await world.pass(TIMEOUT_MS + 100);
      expect(outcomes(world)).toContainEqual([stuck, 'timeout']);
    });
  });
}

let lastId = 0;

function send(world: TransportWorld, change: Partial<SendEffect> = {}): number {
  lastId += 1;
  world.send({
    kind: 'send',
    sendId: lastId,
    to: 'neptune',
    route: '/v1/gossip',
    message: envelope({ seq: lastId }),
    fresh: false,
    timeoutMs: TIMEOUT_MS,
    ...change,
  });
  return lastId;
}

function outcomes({ posted }: TransportWorld): readonly (readonly [sendId: number, what: string])[] {
  return posted.map((event) => {
    if (event.kind === 'answered') return [event.sendId, 'answered'];
    if (event.kind === 'send-failed') return [event.sendId, event.reason];
    throw new Error(`unexpected ${event.kind}`);
  });
}
